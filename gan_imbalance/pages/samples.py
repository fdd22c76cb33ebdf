"""A page of generated images, each beside the training image that it is nearest to, and figures of copies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import torch
from torch import Tensor

from gan_imbalance.data import ImbalanceDataModule
from gan_imbalance.data.images import ImageSet
from gan_imbalance.data.imbalance import Indices
from gan_imbalance.files import atomic_path, provenance
from gan_imbalance.metrics import data_copying
from gan_imbalance.metrics.distances import as_matrices, nearest
from gan_imbalance.metrics.privacy import DataCopying
from gan_imbalance.pages.templates import data_uri, render
from gan_imbalance.transforms.image import in_chunks, to_float
from gan_imbalance.types import ClassSelection, Label

PAGE = "samples.html"
COPIED = -3.0
"""Scores of data-copying below which a class is said to hold copies: chance leads there once in 700 classes."""

# of each class
_MOST_COMPARED = 1000
# fewer cannot lead to such a score
_FEWEST_UNSEEN = 5
# the 5th percentile of fewer distances is as good as the lowest one
_ENOUGH_UNSEEN = 20
_PAIRS_PER_LINE = 8
_NEAREST_SHOWN, _OTHERS_SHOWN, _REAL_SHOWN = (lines * _PAIRS_PER_LINE for lines in (2, 3, 2))
_MOST_STAGES = 6


class Pairs(NamedTuple):
    """Images of one class beside the training images that they are nearest to, the nearest pair first.

    Attributes:
        images: uint8 (n, channels, side, side).
        neighbours: of the same shape.
        distances: Euclidean, between the features of each pair, ascending, (n,).
    """

    images: Tensor
    neighbours: Tensor
    distances: Tensor

    @property
    def copies(self) -> float:
        """Share of the images that equal their neighbours in every pixel, in [0, 1]."""
        return float((self.images == self.neighbours).flatten(1).all(dim=1).double().mean())


@dataclass(frozen=True)
class RealImages:
    """Real images that generated ones are held against.

    Attributes:
        training: those that the generator learned from.
        unseen: others of the same classes.
        find_features: maps float images in [-1, 1], (n, channels, side, side), to features (n, d).
        features: what these are, in words: "a classifier's".
    """

    training: ImageSet
    unseen: ImageSet
    find_features: Callable[[Tensor], Tensor]
    features: str

    @classmethod
    def of(
        cls,
        data: ImbalanceDataModule,
        selection: ClassSelection,
        find_features: Callable[[Tensor], Tensor],
        features: str,
    ) -> Self:
        """Return the training and validation images of some classes of a data module."""

        def images(rows: Indices) -> ImageSet:
            return ImageSet(data.stored(rows), data.samples.labels[rows], data.samples.classes)

        training, unseen = (images(data.rows(part, selection)) for part in ("train", "validation"))
        return cls(training, unseen, find_features, features)

    @cached_property
    def _training_features(self) -> Tensor:
        return self._features_of(self.training.images)

    def _features_of(self, images: Tensor) -> Tensor:
        (features,) = as_matrices(in_chunks(lambda chunk: self.find_features(to_float(chunk)), images))
        return features

    def pair(self, images: Tensor) -> Pairs:
        """Return images, uint8 (n, channels, side, side), n at least 1, beside their nearest training images."""
        distances, positions = nearest(self._features_of(images), self._training_features)
        order = distances.argsort()
        return Pairs(images[order], self.training.images[positions[order]], distances[order])


class ClassOfSamples(NamedTuple):
    """What the page tells of a class.

    Attributes:
        name: of the class.
        made: generated images.
        paired: the same beside their nearest training images, if training images are known.
        unseen: real ones that the generator has not seen, beside theirs, if there are any.
        copying: how much nearer the generated ones lie, if there are unseen ones enough.
    """

    name: Label
    made: Tensor
    paired: Pairs | None
    unseen: Pairs | None
    copying: DataCopying | None

    @property
    def is_copied(self) -> bool:
        """Whether figures say that some of the images are copies."""
        equal = self.paired is not None and self.paired.copies > 0
        return equal or (self.copying is not None and self.copying.z < COPIED)


def compare_samples(made: ImageSet, real: RealImages | None) -> list[ClassOfSamples]:
    """Return each class of generated images beside training images; at most 1,000 images of each.

    Args:
        made: generated images.
        real: what they are held against, if it is known.
    """
    return [_compare(made, index, real) for index in np.unique(made.labels)]


def _compare(made: ImageSet, index: int, real: RealImages | None) -> ClassOfSamples:
    images = _of_class(made, index)
    paired = unseen = copying = None
    if real is not None:
        paired = real.pair(images)
        others = _of_class(real.unseen, index)
        if len(others):
            unseen = real.pair(others)
        if unseen is not None and len(others) >= _FEWEST_UNSEEN:
            copying = data_copying(paired.distances, unseen.distances)
    return ClassOfSamples(made.classes[index], images, paired, unseen, copying)


def _of_class(images: ImageSet, index: int) -> Tensor:
    return images.images[torch.from_numpy(np.flatnonzero(images.labels == index)[:_MOST_COMPARED])]


def write_samples(
    path: Path,
    made: ImageSet,
    real: RealImages | None,
    generator: str,
    stages: Sequence[Path] = (),
    note: str = "",
) -> None:
    """Write the page, atomically.

    Args:
        path: of the page.
        made: generated images.
        real: what they are held against, if it is known.
        generator: what made them, in words.
        stages: plots, as PNG files in the order of training; six of them are shown.
        note: what else there is to say.
    """
    classes = compare_samples(made, real)
    page = render(
        PAGE,
        package="gan_imbalance.pages",
        generator=generator,
        verdict=_verdict(classes),
        note=note,
        features=real.features if real else "",
        trained_on=len(real.training) if real else 0,
        classes=[{"told": one, "sheets": list(_sheets(one))} for one in classes],
        per_line=_PAIRS_PER_LINE,
        fewest_unseen=_FEWEST_UNSEEN,
        enough_unseen=_ENOUGH_UNSEEN,
        copied=COPIED,
        stages=[{"name": stage.stem, "source": _embedded(stage.read_bytes())} for stage in _some(stages)],
        made_by=provenance(),
    )
    with atomic_path(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def _verdict(classes: Sequence[ClassOfSamples]) -> str:
    copied = [str(one.name) for one in classes if one.is_copied]
    if copied:
        return (
            f"Signs of memorising in {', '.join(copied)}: generated images equal training images, or lie nearer to "
            "them than unseen real ones do. Look at the nearest pairs first."
        )
    if all(one.copying is None for one in classes):
        return "Whether images were memorised cannot be told by figures here: look at them."
    verdict = "No sign of memorising: generated images lie no nearer to training images than unseen real ones do."
    off = [str(one.name) for one in classes if one.copying is not None and one.copying.z > -COPIED]
    return f"{verdict} Those of {', '.join(off)} lie farther off than these." if off else verdict


def _sheets(one: ClassOfSamples) -> Iterator[dict[str, Any]]:
    """Yield sheets of images as the template shows them."""
    if one.paired is None:
        yield _sheet("Generated.", f"generated images of {one.name}", one.made[: _OTHERS_SHOWN + _NEAREST_SHOWN])
        return
    beside = f"images of {one.name}, each left of its nearest training image"
    shown = _joined(one.paired)
    yield _sheet("Generated, the nearest pairs.", f"generated {beside}, nearest first", shown[:_NEAREST_SHOWN])
    others = torch.randperm(len(shown), generator=torch.Generator().manual_seed(0))[:_OTHERS_SHOWN]
    yield _sheet("Generated, drawn at random.", f"generated {beside}", shown[others])
    if one.unseen is not None:
        unseen = _joined(one.unseen)
        yield _sheet("Unseen real ones, the nearest pairs.", f"real {beside}, nearest first", unseen[:_REAL_SHOWN])


def _joined(pairs: Pairs) -> Tensor:
    """Return every image left of its neighbour, a light line between them, (n, channels, side, 2 side + 1)."""
    line = torch.full_like(pairs.images[..., :1], 255)
    return torch.cat([pairs.images, line, pairs.neighbours], dim=3)


def _sheet(title: str, what: str, tiles: Tensor) -> dict[str, Any]:
    from PIL import Image
    from torchvision.utils import make_grid

    columns = min(len(tiles), _PAIRS_PER_LINE)
    grid = make_grid(tiles, nrow=columns, padding=3, pad_value=255).permute(1, 2, 0).numpy()
    Image.fromarray(grid).save(file := BytesIO(), "PNG")
    return {
        "title": title,
        "alt": f"{len(tiles)} {what}.",
        "source": _embedded(file.getvalue()),
        "width": round(100 * columns / _PAIRS_PER_LINE),
    }


def _embedded(picture: bytes) -> str:
    return data_uri(picture, "image/png")


def _some(stages: Sequence[Path]) -> list[Path]:
    """Return the first and the last stage, and some between."""
    chosen = np.unique(np.linspace(0, len(stages) - 1, min(len(stages), _MOST_STAGES)).round().astype(int))
    return [stages[position] for position in chosen]
