"""Adversarial losses: what the scores of real and of generated samples are worth to either network.

``D(x)`` is a raw score: positive for real, negative for fake, never squashed by a sigmoid.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan_imbalance.types import InputError

# of which a root's second derivative is still within single precision
_LEAST_SQUARE = 1e-20


class AdversarialLoss(nn.Module, ABC):
    """What the discriminator and the generator minimise; a subclass writes one formula for each."""

    @abstractmethod
    def discriminator_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return the discriminator's loss.

        Args:
            real: scores of real samples, ``(n,)``.
            fake: scores of generated samples, ``(m,)``.

        Returns:
            A scalar.
        """

    @abstractmethod
    def generator_loss(self, fake: Tensor) -> Tensor:
        """Return the generator's loss, a scalar, from the scores of its samples, ``(n,)``."""

    def boundary(self, real: Tensor, fake: Tensor) -> Tensor | float:
        """Return the score below which a sample is taken for a fake, from scores of both kinds: 0 unless overridden."""
        return 0.0

    def constrain(self, discriminator: nn.Module) -> None:
        """Bring the discriminator back into the set that the loss assumes; called after each of its steps."""


class NonSaturatingLoss(AdversarialLoss):
    """Binary cross entropy; the generator maximises ``log D(G(z))`` (Goodfellow et al., 2014, section 3).

    The discriminator's labels may be soft, drawn uniformly for every sample (one-sided smoothing: Salimans
    et al., 2016, section 3.4).

    References:
        Generative Adversarial Nets, https://arxiv.org/abs/1406.2661

    Args:
        real_label_range: lowest and highest label of a real sample, within [0, 1].
        fake_label_range: the same for a generated one.

    Raises:
        InputError: if a range is not ordered within [0, 1].
    """

    def __init__(
        self,
        real_label_range: tuple[float, float] = (1.0, 1.0),
        fake_label_range: tuple[float, float] = (0.0, 0.0),
    ) -> None:
        super().__init__()
        ranges = {"real_label_range": real_label_range, "fake_label_range": fake_label_range}
        for name, (low, high) in ranges.items():
            if not 0 <= low <= high <= 1:
                raise InputError(f"{name} is [{low}, {high}]: give two ordered numbers between 0 and 1.")
        self.real_label_range = real_label_range
        self.fake_label_range = fake_label_range

    def discriminator_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return ``-E[y log D(x) + (1 - y) log(1 - D(x))]`` of real samples plus that of generated ones."""
        real_labels = _uniform_like(real, self.real_label_range)
        fake_labels = _uniform_like(fake, self.fake_label_range)
        return F.binary_cross_entropy_with_logits(real, real_labels) + F.binary_cross_entropy_with_logits(
            fake, fake_labels
        )

    def generator_loss(self, fake: Tensor) -> Tensor:
        """Return ``-E[log D(G(z))]``."""
        return F.softplus(-fake).mean()


class LeastSquaresLoss(AdversarialLoss):
    """Squared distance to 1 for real and 0 for fake (Mao et al., 2017, eq. 9: a = 0, b = c = 1).

    References:
        Least Squares Generative Adversarial Networks, https://arxiv.org/abs/1611.04076
    """

    def discriminator_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return ``E[(D(x) - 1)^2] / 2 + E[D(G(z))^2] / 2``."""
        return ((real - 1).square().mean() + fake.square().mean()) / 2

    def generator_loss(self, fake: Tensor) -> Tensor:
        """Return ``E[(D(G(z)) - 1)^2] / 2``."""
        return (fake - 1).square().mean() / 2

    def boundary(self, real: Tensor, fake: Tensor) -> Tensor | float:
        """Return 1/2, as far from real as from fake."""
        return 0.5


class HingeLoss(AdversarialLoss):
    """Hinge loss (Lim & Ye, 2017; Miyato et al., 2018, eqs. 16 and 17).

    References:
        Geometric GAN, https://arxiv.org/abs/1705.02894;
        Spectral Normalization for Generative Adversarial Networks, https://arxiv.org/abs/1802.05957
    """

    def discriminator_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return ``E[max(0, 1 - D(x))] + E[max(0, 1 + D(G(z)))]``."""
        return F.relu(1 - real).mean() + F.relu(1 + fake).mean()

    def generator_loss(self, fake: Tensor) -> Tensor:
        """Return ``-E[D(G(z))]``."""
        return -fake.mean()


class WassersteinLoss(AdversarialLoss):
    """Earth-mover distance in its dual form (Arjovsky et al., 2017, eq. 2).

    The discriminator's loss, negated, estimates the distance if its slope is at most 1: pair it with a
    :class:`WassersteinGradientPenalty` or spectral normalisation.

    References:
        Wasserstein GAN, https://arxiv.org/abs/1701.07875
    """

    def discriminator_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return ``E[D(G(z))] - E[D(x)]``."""
        return fake.mean() - real.mean()

    def generator_loss(self, fake: Tensor) -> Tensor:
        """Return ``-E[D(G(z))]``."""
        return -fake.mean()

    def boundary(self, real: Tensor, fake: Tensor) -> Tensor | float:
        """Return the middle between the mean scores of both kinds: only differences of scores have a meaning."""
        return (real.mean() + fake.mean()) / 2


class ClippedWassersteinLoss(WassersteinLoss):
    """Wasserstein loss with the critic's weights clipped to a box (Arjovsky et al., 2017, algorithm 1).

    References:
        Wasserstein GAN, https://arxiv.org/abs/1701.07875

    Args:
        clip: largest absolute weight.

    Raises:
        InputError: if ``clip`` is not positive.
    """

    def __init__(self, clip: float = 0.01) -> None:
        super().__init__()
        if clip <= 0:
            raise InputError(f"clip is {clip}: give a positive number.")
        self.clip = clip

    @torch.no_grad()
    def constrain(self, discriminator: nn.Module) -> None:
        """Clip every trainable weight, in place; frozen ones stay as they are."""
        for weight in discriminator.parameters():
            if weight.requires_grad:
                weight.clamp_(-self.clip, self.clip)


def cramer_scores(vectors: Tensor, others: Tensor) -> Tensor:
    """Return ``f(x) = ||h(x) - h(x')|| - ||h(x)||`` (Bellemare et al., 2017, algorithm 1), ``(n,)``.

    In place of a second real sample it takes zero: its expectation on real samples less that on fakes is the paper's
    surrogate for the energy distance.

    References:
        The Cramer Distance as a Solution to Biased Wasserstein Gradients, https://arxiv.org/abs/1705.10743

    Args:
        vectors: ``h(x)``, the critic's vectors of the samples to score, ``(n, k)``.
        others: ``h(x')``, those of independent fakes, ``(n, k)``.
    """
    return _lengths(vectors - others) - _lengths(vectors)


def energy_distance_loss(real: Tensor, fake: Tensor, other: Tensor) -> Tensor:
    """Return ``E||r - g|| + E||r - g'|| - E||g - g'||`` (Bellemare et al., 2017, algorithm 1), a scalar.

    This is the energy distance up to ``E||r - r'||``, on which the generator has no influence.

    References:
        The Cramer Distance as a Solution to Biased Wasserstein Gradients, https://arxiv.org/abs/1705.10743

    Args:
        real: the critic's vectors of real samples, ``(n, k)``.
        fake: those of fakes, ``(n, k)``.
        other: those of fakes that are independent of the first, ``(n, k)``.
    """
    pairs = torch.stack([real - fake, real - other, fake - other])
    means = _lengths(pairs).mean(dim=1)
    return means[0] + means[1] - means[2]


def _lengths(vectors: Tensor) -> Tensor:
    """Return the Euclidean lengths along the last axis, in single precision at least.

    A gradient penalty takes their second derivative. Where a length is 0, since the critic gives two samples the same
    vector, all derivatives are 0 rather than not a number.
    """
    precise = vectors.to(torch.promote_types(vectors.dtype, torch.float32))
    return precise.square().sum(dim=-1).clamp_min(_LEAST_SQUARE).sqrt()


def _uniform_like(scores: Tensor, limits: tuple[float, float]) -> Tensor:
    """Return a label for every score; fixed ones leave the random stream where it is."""
    low, high = limits
    return torch.full_like(scores, low) if low == high else torch.empty_like(scores).uniform_(low, high)
