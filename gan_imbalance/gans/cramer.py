"""The Cramér GAN."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gan_imbalance.gans.base import BaseGAN
from gan_imbalance.losses import (
    AdversarialLoss,
    GradientPenalty,
    WassersteinGradientPenalty,
    WassersteinLoss,
    cramer_scores,
    energy_distance_loss,
)


class CramerGAN(BaseGAN):
    """Unconditional GAN whose critic maps samples to vectors, in which their energy distance is taken.

    Bellemare et al. 2017, The Cramer Distance as a Solution to Biased Wasserstein Gradients
    (https://arxiv.org/abs/1705.10743), algorithm 1. Besides the real sample and the fake, each term takes a second
    fake that is independent of the first: with the same one twice the distance within fakes would vanish, and the
    generator would collapse unpunished.

    Args:
        loss: of the critic, on the scores of :func:`cramer_scores`; the generator minimises the energy distance.
        penalty: gradient penalty on the same scores.
        critic_dim: width of the critic's vectors.
        discriminator_steps: critic steps per generator step.
        kwargs: see :class:`BaseGAN`.

    Example:
        A narrow critic for a small table:

        >>> import pandas as pd
        >>> from gan_imbalance import CramerGAN, GANOverSampler
        >>> table = pd.DataFrame({"size": range(40), "colour": ["red", "blue"] * 20})
        >>> labels = ["common"] * 30 + ["rare"] * 10
        >>> X, y = GANOverSampler(CramerGAN(critic_dim=16), max_steps=3).fit_resample(table, labels)
        >>> y.count("rare")
        30
    """

    def __init__(
        self,
        loss: AdversarialLoss = WassersteinLoss(),
        penalty: GradientPenalty | None = WassersteinGradientPenalty(),
        critic_dim: int = 64,
        discriminator_steps: int = 5,
        **kwargs: Any,
    ) -> None:
        super().__init__(loss=loss, penalty=penalty, discriminator_steps=discriminator_steps, **kwargs)
        self.critic_dim = critic_dim

    @property
    def num_outputs(self) -> int:
        """Return the width of the critic's vectors."""
        return self.critic_dim

    def embed(self, x: Tensor, conditions: Tensor) -> Tensor:
        """Return the critic's vectors h(x) of samples (n, *shape): (n, critic_dim)."""
        vectors: Tensor = self.discriminator(x, conditions)
        return vectors.unsqueeze(1) if vectors.dim() == 1 else vectors

    def discriminate(self, x: Tensor, conditions: Tensor) -> Tensor:
        """Return the scores of samples (n, *shape) against fakes that are always the same."""
        others = self.sample_conditions(conditions, seed=1)
        return cramer_scores(self.embed(x, conditions), self.embed(others, conditions))

    def discriminator_objective(self, real: Tensor, fake: Tensor, conditions: Tensor) -> Tensor:
        """Return the critic's loss and penalty, on scores against new fakes."""
        with torch.no_grad():
            others = self.discriminator_input(self.generate(conditions))
        other_vectors = self.embed(others, conditions)
        real_vectors, fake_vectors = self.judge_both(self.embed, real, fake, conditions)
        loss = self.loss.discriminator_loss(
            cramer_scores(real_vectors, other_vectors), cramer_scores(fake_vectors, other_vectors)
        )
        if self.penalty is None:
            return loss
        penalty: Tensor = self.penalty(lambda x: cramer_scores(self.embed(x, conditions), other_vectors), real, fake)
        return loss + penalty

    def generator_objective(self, real: Tensor, fake: Tensor, conditions: Tensor) -> Tensor:
        """Return the energy distance between real samples and two independent sets of fakes."""
        others = self.discriminator_input(self.generate(conditions))
        vectors = (self.embed(x, conditions) for x in (real, fake, others))
        return energy_distance_loss(*vectors) + self.feature_matching_term(real, fake, conditions)
