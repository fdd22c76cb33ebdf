"""The moment-matching GAN for tables."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from gan_imbalance.gans.base import NetworkFactory
from gan_imbalance.gans.conditional_wasserstein import ConditionalWassersteinGAN
from gan_imbalance.networks import DenseDiscriminator, DenseGenerator
from gan_imbalance.types import DataKind, InputError

_GENERATOR = partial(
    DenseGenerator, widths=(256, 256), batch_norm=True, residual=True, gumbel_temperature=0.5, straight_through=True
)
_DISCRIMINATOR = partial(DenseDiscriminator, widths=(256, 256), activation="leaky_relu")


class Moments(NamedTuple):
    """First and second moments of encoded rows in each of K conditions.

    Attributes:
        means: (K, features).
        products: means of the products of two features, each minus a given centre: (K, features, features).
    """

    means: Tensor
    products: Tensor

    @classmethod
    def of(cls, rows: Tensor, conditions: Tensor, centres: Tensor) -> Moments:
        """Return the moments about ``centres`` (K, features) of rows (n, features) with conditions (n,)."""
        belongs = F.one_hot(conditions, len(centres)).to(rows.dtype)
        shares = belongs / belongs.sum(dim=0).clamp(min=1)
        rows = rows - centres[conditions]
        weighted = shares[:, :, None] * rows[:, None, :]
        return cls(shares.T @ rows, (weighted.flatten(start_dim=1).T @ rows).view(*centres.shape, -1))


class MomentMatchingGAN(ConditionalWassersteinGAN):
    """Conditional Wasserstein GAN whose generator also matches the joint moments of all pairs of columns, by class.

    The generator's loss has a further term: the squared distance between the means and second moments of its rows and
    those of the training rows. For one-hot columns, second moments are the contingency tables of all pairs. The term is
    a maximum mean discrepancy under the kernel ``x'y + (x'y)^2`` (Li et al. 2015, Generative Moment Matching Networks,
    https://arxiv.org/abs/1502.02761), used with a critic (Mroueh et al. 2017, McGan, https://arxiv.org/abs/1702.08398).
    The critic takes care of what pairs do not show.

    Given a latent vector, columns are drawn independently, so the expected product of two columns is the product of
    their expected values: the term uses the generator's category probabilities, not one draw from them. The two factors
    of every square come from different halves of the batch, so that sampling noise does not count as distance.

    It learns any number of classes; with one it is an unconditional GAN. The generator needs ``logits`` and an
    ``activation`` with ``expected``, as this package's table generators have.

    Args:
        moment_weight: weight of the moment term.
        generator: factory of the generator.
        discriminator: factory of the critic.
        latent_dim: width of the latent vector.
        discriminator_steps: critic steps per generator step.
        kwargs: see :class:`ConditionalWassersteinGAN`.

    Example:
        Set the weight of the moment term relative to the critic:

        >>> import pandas as pd
        >>> from gan_imbalance import GANOverSampler, MomentMatchingGAN
        >>> table = pd.DataFrame({"size": range(40), "colour": ["red", "blue"] * 20})
        >>> labels = ["common"] * 30 + ["rare"] * 10
        >>> X, y = GANOverSampler(MomentMatchingGAN(moment_weight=10.0), max_steps=3).fit_resample(table, labels)
        >>> len(X)
        60
    """

    kinds: ClassVar[tuple[DataKind, ...]] = ("table",)

    centres: Tensor
    real_products: Tensor
    between_columns: Tensor

    def __init__(
        self,
        moment_weight: float = 10.0,
        generator: NetworkFactory = _GENERATOR,
        discriminator: NetworkFactory = _DISCRIMINATOR,
        latent_dim: int = 64,
        discriminator_steps: int = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            generator=generator,
            discriminator=discriminator,
            latent_dim=latent_dim,
            discriminator_steps=discriminator_steps,
            **kwargs,
        )
        if moment_weight < 0:
            raise InputError(f"moment_weight is {moment_weight}: give a number of at least 0.")
        self.moment_weight = moment_weight

    def learn_from(self, data: Any) -> None:
        """Compute the moments of the training rows."""
        rows, conditions = data.encoded("train", self.class_selection)
        none = rows.new_zeros(self.spec.num_conditions, rows.shape[1])
        centres = Moments.of(rows, conditions, none).means
        columns = torch.zeros(rows.shape[1], dtype=torch.long)
        for number, span in enumerate(self.spec.spans):
            columns[span.start : span.stop] = number
        between = columns[:, None] != columns
        # the square of a number gives its variance; that of a one-hot feature would only repeat its mean
        numbers = torch.tensor([span.start for span in self.spec.spans if not span.is_categorical], dtype=torch.long)
        between[numbers, numbers] = True
        self.register_buffer("centres", centres, persistent=False)
        self.register_buffer("real_products", Moments.of(rows, conditions, centres).products, persistent=False)
        self.register_buffer("between_columns", between, persistent=False)

    def generate(self, conditions: Tensor) -> Tensor:
        """Return one new sample per condition (n,), drawn with the global random state: (n, features)."""
        latent = self.draw_latent(conditions)
        # kept for the moments, which use the probabilities that categories are drawn with
        self._logits = self.generator.logits(latent, conditions)  # type: ignore[operator]
        return self.generator.activation(self._logits)  # type: ignore[operator,no-any-return]

    def generator_objective(self, real: Tensor, fake: Tensor, conditions: Tensor) -> Tensor:
        """Return the generator's loss plus the weighted moment distance."""
        expected = self.generator.activation.expected(self._logits)  # type: ignore[operator,union-attr]
        loss = super().generator_objective(real, fake, conditions)
        return loss + self.moment_weight * self.moment_distance(expected, conditions)

    def moment_distance(self, rows: Tensor, conditions: Tensor) -> Tensor:
        """Return an unbiased estimate of the squared distance to the training rows' moments, averaged over conditions.

        Args:
            rows: expected features of each sample, (n, features).
            conditions: conditions of the samples, (n,).
        """
        first, second = (Moments.of(rows[half::2], conditions[half::2], self.centres) for half in (0, 1))
        means = first.means * second.means
        products = (first.products - self.real_products) * (second.products - self.real_products)
        return (means.sum() + (products * self.between_columns).sum()) / len(self.centres)
