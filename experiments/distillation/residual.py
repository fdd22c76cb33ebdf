"""A GAN that starts from real rows: learned jitter.

The class is given by its path, as any GAN of one's own: ``class_path: experiments.distillation.residual.ResidualGAN``.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from sklearn.neighbors import NearestNeighbors
from torch import Tensor

from gan_imbalance.gans import ConditionalWassersteinGAN
from gan_imbalance.types import DataKind, DataSpec, InputError

# of a category's share and of tanh, so that what the activation is undone to stays finite
_MARGIN = 0.02


class ResidualGAN(ConditionalWassersteinGAN):
    """Conditional Wasserstein GAN whose generator writes the difference to a row between two real ones.

    Sharma et al. 2022, SMOTified-GAN for class imbalanced pattern classification problems
    (https://arxiv.org/abs/2108.03235), starts the generator from SMOTE's rows in place of noise. Here it gets
    both, and its output is added to the row, before the output activation: at first it writes little more than SMOTE's
    rows, and the critic teaches it what these lack. Without neighbours the start would be a real row, and to leave it
    as it is the best that a generator can do.

    The training rows stay in memory beside the networks, and are in no checkpoint: it generates where it was trained.

    Args:
        neighbours: a start lies between a row and one of so many nearest rows of its condition.
        kwargs: see :class:`ConditionalWassersteinGAN`; the generator needs ``logits`` and ``activation``, as dense ones
            have.

    Raises:
        InputError: if there are no neighbours, or, when it is to generate, no training rows.
    """

    kinds: ClassVar[tuple[DataKind, ...]] = ("table",)

    rows: Tensor
    nearest: Tensor
    is_tanh: Tensor
    is_categorical: Tensor

    def __init__(self, neighbours: int = 5, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if neighbours < 1:
            raise InputError(f"neighbours is {neighbours}: it must be at least 1.")
        self.neighbours = neighbours
        self.members: dict[int, Tensor] = {}

    @property
    def latent_width(self) -> int:
        """Return the width of the noise and a row together."""
        return self.latent_dim + self.spec.shape[0]

    def build_networks(self, spec: DataSpec, num_conditions: int) -> None:
        """Build the networks, and note which features have which output activation."""
        super().build_networks(spec, num_conditions)
        encodings = [span.encoding for span in spec.spans for _ in range(span.size)]
        for name in ("tanh", "categorical"):
            self.register_buffer(f"is_{name}", torch.tensor([one == name for one in encodings]), persistent=False)

    def learn_from(self, data: Any) -> None:
        """Keep the training rows, and which are nearest to each among those of its condition."""
        rows, conditions = data.encoded("train", self.class_selection)
        nearest = torch.empty(len(rows), self.neighbours, dtype=torch.long)
        for condition in conditions.unique().tolist():
            members = (conditions == condition).nonzero()[:, 0]
            # a single row is its own neighbour, and of a few rows all are, again and again
            found = torch.zeros(len(members), 1, dtype=torch.long)
            if len(members) > 1:
                near = NearestNeighbors(n_neighbors=min(self.neighbours, len(members) - 1)).fit(rows[members].numpy())
                found = torch.from_numpy(near.kneighbors(return_distance=False))
            nearest[members] = members[found[:, torch.arange(self.neighbours) % found.shape[1]]]
            self.members[condition] = members
        self.register_buffer("rows", rows, persistent=False)
        self.register_buffer("nearest", nearest, persistent=False)

    def draw_start(self, conditions: Tensor) -> Tensor:
        """Return one row between two real ones of each condition (n,), from the global random state: (n, features)."""
        if not self.members:
            raise InputError(
                "This ResidualGAN comes from a checkpoint, which holds no training rows to start from: train it anew."
            )
        own = torch.empty_like(conditions)
        for condition in conditions.unique().tolist():
            here, members = conditions == condition, self.members[condition].to(conditions.device)
            own[here] = members[torch.randint(len(members), (int(here.sum()),), device=conditions.device)]
        other = self.nearest[own, torch.randint(self.neighbours, own.shape, device=own.device)]
        return torch.lerp(self.rows[own], self.rows[other], torch.rand(len(own), 1, device=own.device))

    def generate(self, conditions: Tensor) -> Tensor:
        """Return one new sample per condition (n,), from the global random state: (n, features)."""
        start = self.draw_start(conditions)
        latent = torch.cat([self.draw_latent(conditions), start], dim=1)
        logits = self.generator.logits(latent, conditions) + self.before_activation(start)  # type: ignore[operator]
        return self.generator.activation(logits)  # type: ignore[operator,no-any-return]

    def before_activation(self, rows: Tensor) -> Tensor:
        """Return what the output activation turns into encoded rows (n, features), but for a margin."""
        bounded = rows.clamp(_MARGIN - 1, 1 - _MARGIN)
        undone = torch.where(self.is_tanh, bounded.atanh(), rows)
        return torch.where(self.is_categorical, rows.clamp_min(_MARGIN).log(), undone)
