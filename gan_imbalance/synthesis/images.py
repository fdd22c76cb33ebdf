"""Images from a generator's samples."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from torch import Tensor

from gan_imbalance.data import ImbalanceDataModule
from gan_imbalance.data.images import ImageSet, SyntheticImages
from gan_imbalance.generators import BaseGenerator
from gan_imbalance.transforms.image import to_uint8
from gan_imbalance.types import InputError

if TYPE_CHECKING:
    from gan_imbalance.pages.samples import RealImages

_HOW_TO_SEE_MORE = (
    "Training images are not shown: give the data settings that the generator was trained with (--data.class_path and "
    "others), and every image has its nearest training image beside it."
)


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


def write_image_page(
    gan: BaseGenerator, synthetic: SyntheticImages, path: Path, data: ImbalanceDataModule | None = None
) -> None:
    """Write a page of images, each beside its nearest training image where the data are known.

    The features by which images are near are those of a small classifier of all training images, as those of ``fit``
    are by default.

    Args:
        gan: what made the images.
        synthetic: the images.
        path: of the page.
        data: what the generator was trained on; if it cannot be read or is something else, a warning says so, and no
            training image is shown.

    Raises:
        InputError: if the page cannot be written.
    """
    from gan_imbalance.pages.samples import write_samples

    real = None
    if data is not None:
        try:
            real = _real_images(gan, data)
        except InputError as error:
            warnings.warn(f"{path.name} shows no training images: {error}", stacklevel=2)
    write_samples(path, synthetic.samples, real, type(gan).__name__, note="" if real else _HOW_TO_SEE_MORE)


def _real_images(gan: BaseGenerator, data: ImbalanceDataModule) -> RealImages:
    """Return what the generator learned from, and images that it has not seen, or raise if the data are others."""
    from gan_imbalance.classifiers.features import train_feature_network
    from gan_imbalance.pages.samples import RealImages

    samples = data.samples
    seen = samples.kind, samples.classes, data.split.hash
    if seen != (gan.spec.kind, gan.spec.classes, gan.data_state["split_hash"]):
        raise InputError(
            "The generator was trained on other data or another split; use the data settings (images, size, keep, "
            "fractions, split_seed) that it was trained with."
        )
    rows = data.rows("train")
    stored = data.stored(rows)
    if stored.shape[1:] != gan.spec.shape:
        raise InputError(
            f"The data have images of shape {tuple(stored.shape[1:])}, but the generator makes {gan.spec.shape}; give "
            "the size and channels that it was trained with."
        )
    network = train_feature_network(stored, samples.labels[rows])
    learned = [gan.spec.classes[index] for index in gan.trained_classes]
    return RealImages.of(data, learned, network.features, "a small classifier's")
