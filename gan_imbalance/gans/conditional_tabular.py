"""The conditional tabular GAN."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

import numpy as np
import torch
from pytorch_lightning.cli import OptimizerCallable
from torch import Tensor
from torch.nn import functional as F

from gan_imbalance.components import to_config
from gan_imbalance.gans.base import NetworkFactory
from gan_imbalance.gans.conditional_wasserstein import ConditionalWassersteinGAN
from gan_imbalance.generators.base import draw_by_row
from gan_imbalance.networks import DenseDiscriminator, DenseGenerator
from gan_imbalance.optimizers import AdversarialAdam
from gan_imbalance.types import DataKind, DataSpec, InputError

# dicts, since the command line cannot write partials into the configuration of a run
_GENERATOR: Any = to_config(
    partial(DenseGenerator, widths=(256, 256), batch_norm=True, residual=True, gumbel_temperature=0.2)
)
_DISCRIMINATOR: Any = to_config(
    partial(DenseDiscriminator, widths=(256, 256), activation="leaky_relu", dropout=0.5, packing=4)
)
_ADAM: Any = to_config(partial(AdversarialAdam, lr=2e-4, weight_decay=1e-6))


class ConditionalTabularGAN(ConditionalWassersteinGAN):
    """CTGAN: conditioned on the class and one level of one categorical column, drawn so that rare ones count.

    Xu et al. 2019, Modeling Tabular Data using Conditional GAN (https://arxiv.org/abs/1907.00503), sections 4.3 and
    4.4. Training-by-sampling chooses a column, a level by the logarithm of its frequency and a real row that has it
    (:func:`gan_imbalance.data.loaders.draw_by_level`); a cross-entropy makes the generator give that level. Unlike
    CTGAN's, it is conditioned on the class too, so that counts per class are exact; conditions for plain samples are
    drawn by the levels' true frequencies in the class.

    A table without categorical columns leaves the class as the only condition. The generator needs ``logits``, as
    ours have, beside its output activation in ``activation``.

    Args:
        generator: factory of the generator, by default CTGAN's.
        discriminator: factory of the discriminator, by default CTGAN's with packs of 4 rows, which usual batch sizes
            are multiples of; CTGAN itself has packs of 10 and batches of 500.
        latent_dim: width of the latent vector.
        discriminator_steps: discriminator steps per generator step.
        generator_optimizer: called with the generator's parameters, by default as CTGAN's.
        discriminator_optimizer: called with the discriminator's parameters, by default as CTGAN's.
        kwargs: see :class:`ConditionalWassersteinGAN`.

    Example:
        It can be asked for rows of one category:

        >>> import pandas as pd
        >>> from gan_imbalance import ConditionalTabularGAN, GANOverSampler, synthesize
        >>> table = pd.DataFrame({"size": range(40), "colour": ["red", "blue"] * 20})
        >>> labels = ["common"] * 30 + ["rare"] * 10
        >>> sampler = GANOverSampler(ConditionalTabularGAN(), max_steps=2, batch_size=8)
        >>> _ = sampler.fit_resample(table, labels)
        >>> made = synthesize(sampler.gans_["rare"], {"rare": 3}, seed=0, given={"colour": "red"})
        >>> made.rows["colour"].tolist()
        ['red', 'red', 'red']
    """

    kinds: ClassVar[tuple[DataKind, ...]] = ("table",)
    conditional_on_levels: ClassVar[bool] = True
    """Asks the data for pairs of conditions: the class, and a level counted on from the classes."""

    level_features: Tensor
    column_of_level: Tensor
    level_shares: Tensor

    def __init__(
        self,
        generator: NetworkFactory = _GENERATOR,
        discriminator: NetworkFactory = _DISCRIMINATOR,
        latent_dim: int = 128,
        discriminator_steps: int = 1,
        generator_optimizer: OptimizerCallable = _ADAM,
        discriminator_optimizer: OptimizerCallable = _ADAM,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            generator=generator,
            discriminator=discriminator,
            latent_dim=latent_dim,
            discriminator_steps=discriminator_steps,
            generator_optimizer=generator_optimizer,
            discriminator_optimizer=discriminator_optimizer,
            **kwargs,
        )

    def count_conditions(self, spec: DataSpec) -> int:
        """Return the number of classes and levels."""
        return spec.num_conditions + sum(span.size for span in spec.categorical_columns)

    def build_networks(self, spec: DataSpec, num_conditions: int) -> None:
        """Build the networks, and the list of levels."""
        super().build_networks(spec, num_conditions)
        columns = spec.categorical_columns
        features = [feature for span in columns for feature in range(span.start, span.stop)]
        of_level = [column for column, span in enumerate(columns) for _ in range(span.size)]
        self.register_buffer("level_features", torch.tensor(features, dtype=torch.long), persistent=False)
        self.register_buffer("column_of_level", torch.tensor(of_level, dtype=torch.long), persistent=False)
        self.register_buffer("level_shares", torch.ones(spec.num_conditions, len(features)))

    def learn_from(self, data: Any) -> None:
        """Learn how frequent every level is in every class."""
        rows, classes = data.encoded("train", self.class_selection)
        members = F.one_hot(classes, self.spec.num_conditions).to(rows.dtype)
        counts = members.T @ rows[:, self.level_features.cpu()]
        self.level_shares.copy_(counts / members.sum(dim=0)[:, None].clamp(min=1))

    # -- training -----------------------------------------------------------------------------------------------

    def generate(self, conditions: Tensor) -> Tensor:
        """Return one new sample per condition (n, 2), from the global random state: (n, features)."""
        latent = self.draw_latent(conditions)
        # kept for the cross-entropy, which wants them without the noise of Gumbel-softmax
        self._logits = self.generator.logits(latent, conditions)  # type: ignore[operator]
        return self.generator.activation(self._logits)  # type: ignore[operator,no-any-return]

    def generator_objective(self, real: Tensor, fake: Tensor, conditions: Tensor) -> Tensor:
        """Return the generator's loss with the cross-entropy of the level that it was conditioned on."""
        return super().generator_objective(real, fake, conditions) + self.level_term(self._logits, conditions)

    def level_term(self, logits: Tensor, conditions: Tensor) -> Tensor | float:
        """Return the cross-entropy between the levels conditioned on and the generator's shares in their columns.

        Args:
            logits: of the generator, (n, features).
            conditions: class and level, (n, 2).
        """
        if not len(self.level_features):
            return 0.0
        levels = conditions[:, 1] - self.spec.num_conditions
        other_column = self.column_of_level != self.column_of_level[levels][:, None]
        logits = logits.index_select(1, self.level_features).masked_fill(other_column, -torch.inf)
        return F.cross_entropy(logits, levels)

    # -- sampling -----------------------------------------------------------------------------------------------

    def sample_conditions(self, conditions: Tensor, seed: int) -> Tensor:
        """Return one synthetic sample per condition: (n, 2), or (n,) with a level drawn for every class."""
        if conditions.ndim == 1 and len(self.level_features):
            # another seed than that of the clusters, which would otherwise go with the same levels
            seed_of_levels = int(np.random.SeedSequence([seed, 1]).generate_state(1)[0])
            conditions = self._pair(conditions, draw_by_row(self.level_shares.cpu(), conditions, seed_of_levels))
        return super().sample_conditions(conditions, seed)

    def sample_given(self, labels: Tensor, feature: int, seed: int) -> Tensor:
        """Return one synthetic sample per label, each with the given level.

        Args:
            labels: class indices, (n,).
            feature: of the encoded row, the bit of a level of one of ``spec.categorical_columns``.
            seed: the same seed gives the same samples on the same device.

        Returns:
            encoded samples, (n, features).

        Raises:
            InputError: if a class was not among those it was trained on, or the feature is no such bit.
        """
        self.require_trained(labels)
        span = next((span for span in self.spec.categorical_columns if span.start <= feature < span.stop), None)
        if span is None:
            raise InputError(f"Feature {feature} is no level of a categorical column; give one of those.")
        classes = self.draw_conditions(labels.to(self.device), seed)
        level = int((self.level_features == feature).nonzero())
        samples = self.sample_conditions(self._pair(classes, torch.full_like(classes, level)), seed)
        samples[:, span.start : span.stop] = 0
        samples[:, feature] = 1
        return samples

    def _pair(self, classes: Tensor, levels: Tensor) -> Tensor:
        """Return classes (n,) and levels (n,) as pairs of conditions, (n, 2)."""
        return torch.stack([classes, self.spec.num_conditions + levels], dim=1)
