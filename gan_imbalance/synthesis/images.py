"""Images from a generator's samples."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from torch import Tensor

from gan_imbalance.data.images import ImageSet, SyntheticImages
from gan_imbalance.generators import BaseGenerator
from gan_imbalance.transforms.image import to_uint8


class ImageSynthesis:
    """:class:`~gan_imbalance.synthesis.synthesize.Synthesis` of images; samples are uint8 (n, channels, side, side)."""

    noun: ClassVar[str] = "images"
    options: ClassVar[tuple[str, ...]] = ()

    def generate(self, gan: BaseGenerator, labels: Tensor, seed: int) -> Tensor:
        """Return one image per label, on the CPU."""
        return to_uint8(gan.sample(labels, seed).float()).cpu()

    def pack(self, gan: BaseGenerator, made: Tensor, labels: Tensor, manifest: dict[str, Any]) -> SyntheticImages:
        """Return images with their classes."""
        return SyntheticImages(ImageSet(made, labels.numpy(), gan.spec.classes), manifest)

    def write(self, synthetic: SyntheticImages, path: Path) -> dict[str, Any]:
        """Write an .npz or, without an ending, a folder with a folder of PNG files for each class."""
        samples = synthetic.samples
        samples.save(path)
        return {"classes": list(samples.classes), "shape": list(samples.images.shape[1:]), "rows_hash": samples.hash}
