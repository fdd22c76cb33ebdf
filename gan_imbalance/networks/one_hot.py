"""Small dense networks for a few dozen rows of binary attributes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from gan_imbalance.networks.layers import TableActivation
from gan_imbalance.networks.mlp import DenseDiscriminator, DenseGenerator
from gan_imbalance.types import DataSpec, Span


class OneHotActivation(nn.Module):
    """The output activation of attributes: a sigmoid for every level of a category, none of which excludes another.

    A column of two levels is one attribute, set or not: the softmax of its two features, which is a sigmoid of their
    difference. Other columns have the activation of :class:`~gan_imbalance.networks.layers.TableActivation`.

    Args:
        spans: the columns.
    """

    is_attribute: Tensor

    def __init__(self, spans: Sequence[Span]) -> None:
        super().__init__()
        attributes = [span for span in spans if span.is_categorical and span.size > 2]
        self.others = TableActivation(
            [replace(span, encoding="linear") if span in attributes else span for span in spans]
        )
        is_attribute = torch.zeros(max((span.stop for span in spans), default=0), dtype=torch.bool)
        for span in attributes:
            is_attribute[span.start : span.stop] = True
        self.register_buffer("is_attribute", is_attribute, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Activate (n, features) column by column."""
        return torch.where(self.is_attribute, x.sigmoid(), self.others(x))


class OneHotGenerator(DenseGenerator):
    """Two hidden LeakyReLU layers and a sigmoid for every attribute.

    Args:
        spec: the data to generate.
        latent_dim: width of the latent vector.
        num_conditions: conditions that are joined to the latent vector as one-hot; 0 if unconditional.
        widths: of the hidden layers.
    """

    def __init__(self, spec: DataSpec, latent_dim: int, num_conditions: int, widths: Sequence[int] = (64, 64)) -> None:
        super().__init__(spec, latent_dim, num_conditions, widths, activation="leaky_relu")
        self.activation = OneHotActivation(spec.spans)


class OneHotDiscriminator(DenseDiscriminator):
    """Two hidden LeakyReLU layers with dropout, which also see how far a row is from the rest of its batch.

    Args:
        spec: the data to judge.
        num_conditions: conditions that are joined to the row as one-hot; 0 if unconditional.
        num_outputs: scores per row.
        widths: of the hidden layers.
        dropout: probability of zeroing a hidden unit.
        distance_noise: noise of the distance (:class:`~gan_imbalance.networks.layers.BatchDistance`); None leaves the
            distance out.
    """

    def __init__(
        self,
        spec: DataSpec,
        num_conditions: int,
        num_outputs: int,
        widths: Sequence[int] = (64, 64),
        dropout: float = 0.3,
        distance_noise: float | None = 0.3,
    ) -> None:
        super().__init__(
            spec,
            num_conditions,
            num_outputs,
            widths,
            activation="leaky_relu",
            dropout=dropout,
            distance_noise=distance_noise,
        )
