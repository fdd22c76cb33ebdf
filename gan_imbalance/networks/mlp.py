"""Dense generator, discriminator and classifier for tables."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import torch
from torch import Tensor, nn

from gan_imbalance.networks.layers import (
    Activation,
    BatchDistance,
    DenseBlock,
    Inputs,
    JoinedLinear,
    TableActivation,
    one_hot,
    pack,
    positions,
    require_kind,
    with_spectral_norm,
)
from gan_imbalance.types import DataSpec


def dense_stack(inputs: int, widths: Sequence[int], conditions: int = 0, **options: object) -> list[DenseBlock]:
    """Return dense blocks of the given widths, each as wide in as the one before is out; the first has conditions."""
    blocks: list[DenseBlock] = []
    before: Sequence[int] = (inputs,)
    for width in widths:
        blocks.append(DenseBlock(before, width, conditions=conditions, **options))  # type: ignore[arg-type]
        before, conditions = blocks[-1].widths, blocks[-1].conditions
    return blocks


def _head(hidden: Sequence[DenseBlock], inputs: int, conditions: int, outputs: int) -> JoinedLinear:
    """Return the linear layer that follows a stack of the same inputs and conditions."""
    if hidden:
        return JoinedLinear(hidden[-1].widths, outputs, hidden[-1].conditions)
    return JoinedLinear((inputs,), outputs, conditions)


class DenseGenerator(nn.Module):
    """Dense layers from a latent vector to one encoded row.

    With its default widths and ReLU this is the generator of the card-fraud GANs (128-256-512, linear output).

    Args:
        spec: the data to generate.
        latent_dim: width of the latent vector.
        num_conditions: conditions that are joined to the latent vector as one-hot; 0 if unconditional.
        widths: of the hidden layers.
        activation: ``relu`` or ``leaky_relu``.
        batch_norm: normalise hidden layers over the batch.
        residual: every hidden layer passes its input on beside its output.
        linear_skip: add a linear map of the input to the output, which takes care of means and correlations.
        gumbel_temperature: draw categories by Gumbel-softmax at this temperature instead of softmax.
        straight_through: show what is drawn as one-hot, as real rows are; needs a temperature.
    """

    def __init__(
        self,
        spec: DataSpec,
        latent_dim: int,
        num_conditions: int,
        widths: Sequence[int] = (128, 256, 512),
        activation: Activation = "relu",
        batch_norm: bool = False,
        residual: bool = False,
        linear_skip: bool = False,
        gumbel_temperature: float | None = None,
        straight_through: bool = False,
    ) -> None:
        super().__init__()
        require_kind(self, spec, "table")
        self.num_conditions = num_conditions
        hidden = dense_stack(
            latent_dim, widths, num_conditions, activation=activation, batch_norm=batch_norm, residual=residual
        )
        self.blocks = nn.Sequential(*hidden, _head(hidden, latent_dim, num_conditions, spec.shape[0]))
        self.skip = nn.Linear(latent_dim + num_conditions, spec.shape[0], bias=False) if linear_skip else None
        self.activation: nn.Module = TableActivation(spec.spans, gumbel_temperature, straight_through)

    def forward(self, latent: Tensor, conditions: Tensor | None = None) -> Tensor:
        """Map latents (n, latent_dim) and conditions (n,) or (n, k) to encoded rows (n, features)."""
        return self.activation(self.logits(latent, conditions))  # type: ignore[no-any-return]

    def logits(self, latent: Tensor, conditions: Tensor | None = None) -> Tensor:
        """Return the rows before their output activation, (n, features)."""
        out: Tensor = self.blocks((latent, *positions(conditions, self.num_conditions)))
        if self.skip is not None:
            out = out + self.skip(torch.cat([latent, *one_hot(conditions, self.num_conditions, latent)], dim=1))
        return out


class DenseDiscriminator(nn.Module):
    """Dense layers from one encoded row, or a pack of them, to a score.

    Args:
        spec: the data to judge.
        num_conditions: conditions that are joined to the row as one-hot; 0 if unconditional.
        num_outputs: scores per row; 1, or more for auxiliary-classifier GANs.
        widths: of the hidden layers.
        activation: ``relu`` or ``leaky_relu``.
        dropout: probability of zeroing a hidden unit.
        spectral_norm: bound every layer's Lipschitz constant.
        residual: every hidden layer passes its input on beside its output.
        packing: rows judged together, against mode collapse (PacGAN); the batch size is a multiple of it.
        distance_noise: noise of a row's distance to the rest of the batch (:class:`BatchDistance`), which is
            one more input, against mode collapse; None leaves it out.
    """

    def __init__(
        self,
        spec: DataSpec,
        num_conditions: int,
        num_outputs: int,
        widths: Sequence[int] = (512, 256, 128),
        activation: Activation = "relu",
        dropout: float = 0.0,
        spectral_norm: bool = False,
        residual: bool = False,
        packing: int = 1,
        distance_noise: float | None = None,
    ) -> None:
        super().__init__()
        require_kind(self, spec, "table")
        self.num_conditions = num_conditions
        self.packing = packing
        self.distance = None if distance_noise is None else BatchDistance(distance_noise)
        # where a layer's whole weight is bound, or the input is passed on, conditions are features like any other
        self.joins_conditions = spectral_norm or residual
        joined, apart = (num_conditions, 0) if self.joins_conditions else (0, packing * num_conditions)
        inputs = packing * (spec.shape[0] + joined + (distance_noise is not None))
        hidden = dense_stack(
            inputs, widths, apart, activation=activation, dropout=dropout, spectral=spectral_norm, residual=residual
        )
        self.blocks = nn.Sequential(
            *hidden, with_spectral_norm(_head(hidden, inputs, apart, num_outputs), spectral_norm)
        )

    @property
    def compares_samples(self) -> bool:
        """Return whether a row is judged by the rest of its batch, so that real and generated ones must not mix."""
        return self.distance is not None

    def features(self, x: Tensor, conditions: Tensor | None = None) -> Tensor:
        """Return what the last hidden layer makes of rows (n, features): (n / packing, width)."""
        out = self._hidden(x, conditions)
        return out if isinstance(out, Tensor) else torch.cat([part for part in out if part.is_floating_point()], dim=1)

    def forward(self, x: Tensor, conditions: Tensor | None = None) -> Tensor:
        """Map rows (n, features) and conditions (n,) to scores (n / packing,), or (n / packing, num_outputs)."""
        return self.blocks[-1](self._hidden(x, conditions)).squeeze(1)  # type: ignore[no-any-return]

    def _hidden(self, x: Tensor, conditions: Tensor | None) -> Inputs:
        """Return what the head gets: of the last hidden layer, and what residual ones pass on."""
        joined = one_hot(conditions, self.num_conditions, x) if self.joins_conditions else []
        apart = [] if self.joins_conditions else positions(conditions, self.num_conditions, self.packing)
        distance = [] if self.distance is None else [self.distance(x)]
        rows = torch.cat([x, *joined, *distance], dim=1) if joined or distance else x
        out: Inputs = (pack(rows, self.packing), *apart)
        # slicing `blocks` would build a module at every call
        for block in islice(self.blocks, len(self.blocks) - 1):
            out = block(out)
        return out


class DenseClassifier(nn.Module):
    """Dense layers from one encoded row to one logit per class.

    Args:
        spec: the data to classify.
        widths: of the hidden layers.
        dropout: probability of zeroing a hidden unit.
    """

    def __init__(self, spec: DataSpec, widths: Sequence[int] = (128, 128), dropout: float = 0.1) -> None:
        super().__init__()
        require_kind(self, spec, "table")
        hidden = dense_stack(spec.shape[0], widths, dropout=dropout)
        outputs = nn.Linear(widths[-1] if hidden else spec.shape[0], len(spec.classes))
        self.blocks = nn.Sequential(*hidden, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map rows (n, features) to logits (n, classes)."""
        return self.blocks(x)  # type: ignore[no-any-return]
