"""How far generated images lie from real ones, by the features that a network finds in them.

Figures can be compared only where features, and numbers of images, are the same: the fewer images, the higher the
Fréchet distance of even a perfect generator.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gan_imbalance.metrics.distances import as_matrices
from gan_imbalance.metrics.manifold import PrecisionRecall
from gan_imbalance.seeding import seeded
from gan_imbalance.types import InputError, Label

_FEWEST = 2
_NEIGHBOURS = 3
ENOUGH = _NEIGHBOURS + 1
"""Images of each class that are enough for every figure."""


def frechet_distance(real: Tensor, fake: Tensor) -> float:
    """Return the squared Fréchet distance of two normal distributions, of which the features would be draws.

    ``|m - m'|^2 + tr(C + C' - 2 (C C')^(1/2))``, with means and covariances of both: the FID, where the features are
    Inception's (Heusel et al. 2017, GANs Trained by a Two Time-Scale Update Rule, https://arxiv.org/abs/1706.08500,
    eq. 6).

    With the features centred and divided by the root of their number less one, as A and B, C is A'A and C' is B'B, so
    that the eigenvalues of CC', other than zeros, are the squared singular values of AB'. Those are the ones of the
    triangular factors of A and B, which are never larger than the features.

    Args:
        real: features of real images, (n, d), n at least 2.
        fake: those of generated ones, (m, d), m at least 2.

    Raises:
        InputError: if there are too few, or features are not finite.
    """
    means, factors = [], []
    for features in _features(real, fake):
        means.append(features.mean(dim=0))
        factors.append(torch.linalg.qr(features - means[-1], mode="r").R / (len(features) - 1) ** 0.5)
    a, b = factors
    root = torch.linalg.svdvals(a @ b.T).sum()
    distance = (means[0] - means[1]).square().sum() + a.square().sum() + b.square().sum() - 2 * root
    # rounding may leave less than nothing of equal features
    return float(distance.clamp(min=0))


def kernel_distance(real: Tensor, fake: Tensor, subsets: int = 20, subset_size: int = 1000, seed: int = 0) -> float:
    """Return the squared maximum mean discrepancy of features with a cubic kernel, without bias: 0 for a perfect match.

    The KID, where the features are Inception's (Binkowski et al. 2018, Demystifying MMD GANs,
    https://arxiv.org/abs/1801.01401, section 4): the mean over random subsets, or one figure where all features fit in.

    Args:
        real: features of real images, (n, d), n at least 2.
        fake: those of generated ones, (m, d), m at least 2.
        subsets: how many.
        subset_size: images of either kind in each, at most.
        seed: of the subsets.

    Raises:
        InputError: if there are too few, or features are not finite.
    """
    from torchmetrics.image.kid import KernelInceptionDistance

    real, fake = _features(real, fake)
    size = min(subset_size, len(real), len(fake))
    if len(real) == len(fake) == size:
        subsets = 1
    with warnings.catch_warnings(), seeded(seed):
        # that it keeps all features
        warnings.simplefilter("ignore", UserWarning)
        metric = KernelInceptionDistance(feature=_Given(real.shape[1]), subsets=subsets, subset_size=size)
        metric.update(real.cpu(), real=True)
        metric.update(fake.cpu(), real=False)
        mean, _ = metric.compute()
    return float(mean)


def image_distances(
    real: Tensor, fake: Tensor, labels: Tensor, classes: Sequence[Label], seed: int = 0
) -> dict[str, float]:
    """Return what features say of generated images, in the figures of :func:`figure_names`.

    Precision and recall are those of :class:`PrecisionRecall`; ``fid_<label>`` is the distance within a class.

    Args:
        real: features of real images, (n, d), n at least 2.
        fake: those of generated ones, as many of every class, in the same order, (n, d).
        labels: class of both, in 0..len(classes) - 1, (n,).
        classes: what they are called.
        seed: of the kernel distance's subsets.

    Raises:
        InputError: if there are too few, or features are not finite.
    """
    figures = {"fid": frechet_distance(real, fake), "kid": kernel_distance(real, fake, seed=seed)}
    names = figure_names(labels, classes)
    if "precision" in names:
        neighbours = PrecisionRecall(_NEIGHBOURS)
        neighbours.update(real, fake)
        figures |= {name: float(share) for name, share in neighbours.compute().items()}
    for index, label in enumerate(classes):
        if (name := f"fid_{label}") in names:
            figures[name] = frechet_distance(real[labels == index], fake[labels == index])
    return figures


def figure_names(labels: Tensor, classes: Sequence[Label]) -> list[str]:
    """Return which figures :func:`image_distances` has for a number of images of these classes.

    ``fid`` and ``kid`` of two and more, ``precision`` and ``recall`` of four and more, and, where several classes have
    two and more, ``fid_<label>`` of each of these.

    Args:
        labels: class of every image, in 0..len(classes) - 1, (n,).
        classes: what they are called.
    """
    names = ["fid", "kid"] if len(labels) >= _FEWEST else []
    if len(labels) > _NEIGHBOURS:
        names += ["precision", "recall"]
    counts = labels.bincount(minlength=len(classes)).tolist()
    within = [label for label, count in zip(classes, counts, strict=True) if count >= _FEWEST]
    return names + [f"fid_{label}" for label in within if len(within) > 1]


class _Given(nn.Identity):
    """Stands in for the network that finds the features, where these are given."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.num_features = num_features


def _features(real: Tensor, fake: Tensor) -> list[Tensor]:
    if min(len(real), len(fake)) < _FEWEST:
        raise InputError(
            f"Distances of images need two of each kind at least, but there are {len(real)} real and {len(fake)} "
            "generated: give more."
        )
    return as_matrices(real, fake)
