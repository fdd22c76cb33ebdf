"""Images in a comparison: how they are shown to samplers and classifiers, kept in files, judged and drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from io import BytesIO
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import torch

from gan_imbalance.checkpoints import read_values
from gan_imbalance.classifiers.features import new_feature_network, train_feature_network
from gan_imbalance.comparison import plots
from gan_imbalance.comparison.adapters import DataAdapter, EncodedView
from gan_imbalance.comparison.plots import Plot
from gan_imbalance.data.images import ImageSet
from gan_imbalance.data.imbalance import Indices
from gan_imbalance.files import atomic_path, content_hash, make_once
from gan_imbalance.networks import SMateCNN
from gan_imbalance.quality import judge_features
from gan_imbalance.transforms.image import in_chunks, to_float
from gan_imbalance.types import DataKind

if TYPE_CHECKING:
    from gan_imbalance.oversampling.image import Images

# a few seconds of training for a network that knows what the classes differ in
_FEATURE_WIDTH = 0.25
_FEATURE_STEPS = 300


@dataclass(frozen=True)
class ImageAdapter(DataAdapter):
    """:class:`~gan_imbalance.comparison.adapters.DataAdapter` of images; content is uint8 (n, channels, side, side)."""

    kind: ClassVar[DataKind] = "image"
    suffix: ClassVar[str] = ".npz"
    shown_quality: ClassVar[tuple[str, ...]] = (
        "frechet_distance",
        "precision",
        "recall",
        "density",
        "coverage",
        "exact_copies",
        "closest_record_share",
    )
    quality_text: ClassVar[str] = (
        "Fréchet distance, precision, recall, density, coverage and closest images compare with real validation "
        "images, copies with training images. No test image is looked at. All but copies are of the features of a "
        "small classifier that learned the split's training images, so the Fréchet distance is not Inception's FID."
    )
    quality_method: ClassVar[str] = (
        "At most 1,000 images of each kind drawn at random. Features: the last hidden layer of SMate's CNN at a "
        f"quarter of its width, after {_FEATURE_STEPS} steps on the real training images. Fréchet distance: between "
        "Gaussians fitted to the features (Heusel et al., 2017); precision and recall: Kynkäänniemi et al. (2019); "
        "density and coverage: Naeem et al. (2020); distances are Euclidean, and training and validation images are "
        "equally many. quality.csv has the figures, results.csv those of every split. With few validation images they "
        "are rough."
    )

    samples: ImageSet

    def take(self, rows: Indices) -> Images:
        """Return images by their positions."""
        return self.samples.images.numpy()[rows]

    def encode(self, content: Images) -> Images:
        """Return the images as they are: classifiers of images bring them to their form batch by batch."""
        return content

    def view(self, sampler: Any) -> EncodedView:
        """Show a sampler the pixels in a row as float32: sums and differences of bytes would wrap around."""
        return EncodedView(_flat, partial(_pixels, shape=tuple(self.samples.images.shape[1:])))

    def judge(self, known: Indices, made: Images, unseen: Indices, seed: int) -> dict[str, float]:
        """Return the figures of :func:`~gan_imbalance.quality.judge_features`."""
        if not len(made):
            return {}
        training, synthetic, holdout = (self._features(part) for part in (self.take(known), made, self.take(unseen)))
        return judge_features(training, synthetic, holdout, seed=seed)

    def _features(self, content: Images) -> npt.NDArray[np.float32]:
        """Return what the feature network makes of images, (n, d)."""
        network = self.feature_network
        return in_chunks(lambda chunk: network.features(to_float(chunk)), torch.from_numpy(content)).numpy()

    @cached_property
    def feature_network(self) -> SMateCNN:
        """A small classifier of the images that may be learned from, made once for all remedies of a split."""
        samples, rows = self.samples, self.fitted_on
        if self.cache is None:
            return self._train_feature_network()
        made_from = content_hash([samples.hash, rows.tolist(), _FEATURE_WIDTH, _FEATURE_STEPS])
        path = self.cache / f"features-{made_from}.pt"
        with make_once(path) as missing:
            if missing:
                with atomic_path(path) as temporary:
                    torch.save(self._train_feature_network().state_dict(), temporary)
        network = new_feature_network(samples.images.shape[1:], samples.labels[rows], _FEATURE_WIDTH)
        network.load_state_dict(read_values(path))
        return network.eval()

    def _train_feature_network(self) -> SMateCNN:
        rows = self.fitted_on
        return train_feature_network(self.take(rows), self.samples.labels[rows], _FEATURE_WIDTH, _FEATURE_STEPS)

    def dump(self, content: Images, labels: Indices) -> bytes:
        """Return images as an .npz holds them."""
        return ImageSet(torch.from_numpy(content), labels, self.samples.classes).to_bytes()

    def load(self, file: bytes) -> tuple[Images, Indices]:
        """Return the images that :meth:`dump` made a file of."""
        images = ImageSet.load(BytesIO(file))
        return images.images.numpy(), images.labels

    def describe(self) -> dict[str, Any]:
        """Return the images' shape."""
        return {"shape": list(self.samples.images.shape[1:])}

    @classmethod
    def of_description(cls, content: Mapping[str, Any], reference: bytes) -> Self:
        """Return the images of a reference."""
        images = ImageSet.load(BytesIO(reference))
        return cls(images, np.arange(len(images)))

    def facts(self, count: int) -> dict[str, str]:
        """Return what a reader must know of the images."""
        channels, height, width = self.samples.images.shape[1:]
        colour = "grey" if channels == 1 else "in colour"
        return {"Images": f"{count:,}, {height} x {width} pixels, {colour}"}

    def plots(self, made: Mapping[str, Images], minority: int) -> Iterator[Plot]:
        """Yield a sheet of real and synthetic images for every remedy."""
        real = self.take(np.flatnonzero(self.samples.labels == minority))
        for name, images in made.items():
            yield plots.image_sheet(real, images, name)


def _flat(content: Images) -> npt.NDArray[np.float32]:
    return content.reshape(len(content), -1).astype(np.float32)


def _pixels(content: npt.NDArray[Any], shape: tuple[int, ...]) -> Images:
    pixels: Images = np.rint(content).clip(0, 255).astype(np.uint8)
    return pixels.reshape(-1, *shape)
