"""Networks for mixed tables: every categorical column has a bottlenecked path of its own.

So that columns with many categories do not dominate the gradients, each one-hot block leaves the generator,
and enters the discriminator, through a narrow stack that acts as its embedding.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gan_imbalance.networks.layers import TableActivation, one_hot, pack, require_kind
from gan_imbalance.networks.mlp import dense_stack
from gan_imbalance.types import DataSpec, Span


def _features(spans: Sequence[Span]) -> Tensor:
    """Return the positions of all features of the given columns."""
    return torch.tensor([i for span in spans for i in range(span.start, span.stop)], dtype=torch.long)


class _Split(nn.Module):
    """Several paths from one input, their outputs side by side."""

    def __init__(self, paths: Sequence[nn.Module]) -> None:
        super().__init__()
        self.paths = nn.ModuleList(paths)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([path(x) for path in self.paths], dim=1)


class MixedTableGenerator(nn.Module):
    """A shared trunk that splits into one output for all numeric columns and one path per categorical column.

    Args:
        spec: the data to generate.
        latent_dim: width of the latent vector.
        num_conditions: conditions that are merged with the latent vector as one-hot; 0 if unconditional.
        widths: of the shared hidden layers.
        bottleneck: width of every categorical path's narrow layer.
        gumbel_temperature: draw categories by Gumbel-softmax at this temperature instead of softmax.
        straight_through: show what is drawn as one-hot, as real rows are; needs a temperature.
    """

    order: Tensor

    def __init__(
        self,
        spec: DataSpec,
        latent_dim: int,
        num_conditions: int,
        widths: Sequence[int] = (128, 256),
        bottleneck: int = 8,
        gumbel_temperature: float | None = None,
        straight_through: bool = False,
    ) -> None:
        super().__init__()
        require_kind(self, spec, "table")
        self.num_conditions = num_conditions
        trunk = dense_stack(latent_dim + num_conditions, widths, activation="leaky_relu")
        numeric = [span for span in spec.spans if not span.is_categorical]
        categorical = [span for span in spec.spans if span.is_categorical]
        width = widths[-1] if trunk else latent_dim + num_conditions
        paths: list[nn.Module] = [nn.Linear(width, len(numeric))] if numeric else []
        for span in categorical:
            narrow = dense_stack(width, (bottleneck, bottleneck), activation="leaky_relu")
            paths.append(nn.Sequential(*narrow, nn.Linear(bottleneck, span.size)))
        self.blocks = nn.Sequential(*trunk, _Split(paths))
        # the paths' outputs stand side by side, numeric first; `order` puts them in the table's order
        self.register_buffer("order", _features([*numeric, *categorical]).argsort(), persistent=False)
        self.activation = TableActivation(spec.spans, gumbel_temperature, straight_through)

    def forward(self, latent: Tensor, conditions: Tensor | None = None) -> Tensor:
        """Map latents (n, latent_dim) and conditions (n,) or (n, k) to encoded rows (n, features)."""
        return self.activation(self.logits(latent, conditions))  # type: ignore[no-any-return]

    def logits(self, latent: Tensor, conditions: Tensor | None = None) -> Tensor:
        """Return the rows before their output activation, (n, features)."""
        x = torch.cat([latent, *one_hot(conditions, self.num_conditions, latent)], dim=1)
        return self.blocks(x)[:, self.order]  # type: ignore[no-any-return]


class _EmbedColumns(nn.Module):
    """Numeric features as they are, and every one-hot block through a narrow stack of its own."""

    numeric: Tensor

    def __init__(self, spans: Sequence[Span], bottleneck: int) -> None:
        super().__init__()
        numeric = [span for span in spans if not span.is_categorical]
        self.categorical = [span for span in spans if span.is_categorical]
        self.register_buffer("numeric", _features(numeric), persistent=False)
        self.embeddings = nn.ModuleList(
            nn.Sequential(*dense_stack(span.size, (bottleneck, bottleneck), activation="leaky_relu"))
            for span in self.categorical
        )
        self.width = len(numeric) + bottleneck * len(self.categorical)

    def forward(self, x: Tensor) -> Tensor:
        blocks = [x[:, span.start : span.stop] for span in self.categorical]
        embedded = [embed(block) for embed, block in zip(self.embeddings, blocks, strict=True)]
        return torch.cat([x[:, self.numeric], *embedded], dim=1)


class MixedTableDiscriminator(nn.Module):
    """Mirrors :class:`MixedTableGenerator`: each one-hot block passes its bottleneck, then all are merged.

    Args:
        spec: the data to judge.
        num_conditions: conditions that are merged as one-hot; 0 if unconditional.
        num_outputs: scores per row; 1, or more for auxiliary-classifier GANs.
        widths: of the shared hidden layers.
        bottleneck: width of every categorical path's narrow layer.
        dropout: probability of zeroing a hidden unit.
        packing: rows judged together, against mode collapse (PacGAN); the batch size is a multiple of it.
    """

    def __init__(
        self,
        spec: DataSpec,
        num_conditions: int,
        num_outputs: int,
        widths: Sequence[int] = (256, 128),
        bottleneck: int = 8,
        dropout: float = 0.0,
        packing: int = 1,
    ) -> None:
        super().__init__()
        require_kind(self, spec, "table")
        self.num_conditions = num_conditions
        self.packing = packing
        embedding = _EmbedColumns(spec.spans, bottleneck)
        inputs = packing * (embedding.width + num_conditions)
        hidden = dense_stack(inputs, widths, activation="leaky_relu", dropout=dropout)
        head = nn.Linear(widths[-1] if hidden else inputs, num_outputs)
        self.blocks = nn.Sequential(embedding, *hidden, head)

    def features(self, x: Tensor, conditions: Tensor | None = None) -> Tensor:
        """Return what the last hidden layer makes of rows (n, features): (n / packing, width)."""
        merged = torch.cat([self.blocks[0](x), *one_hot(conditions, self.num_conditions, x)], dim=1)
        return self.blocks[1:-1](pack(merged, self.packing))  # type: ignore[no-any-return]

    def forward(self, x: Tensor, conditions: Tensor | None = None) -> Tensor:
        """Map rows (n, features) and conditions (n,) to scores (n / packing,), or (n / packing, num_outputs)."""
        return self.blocks[-1](self.features(x, conditions)).squeeze(1)  # type: ignore[no-any-return]


class MixedTableClassifier(nn.Module):
    """Like :class:`MixedTableDiscriminator`, but wider and deeper, and with one logit per class: no "synthetic".

    Args:
        spec: the data to classify.
        widths: of the shared hidden layers.
        bottleneck: width of every categorical path's narrow layer.
        dropout: probability of zeroing a hidden unit.
    """

    def __init__(
        self,
        spec: DataSpec,
        widths: Sequence[int] = (512, 256, 128),
        bottleneck: int = 8,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        require_kind(self, spec, "table")
        embedding = _EmbedColumns(spec.spans, bottleneck)
        hidden = dense_stack(embedding.width, widths, activation="leaky_relu", dropout=dropout)
        outputs = nn.Linear(widths[-1] if hidden else embedding.width, len(spec.classes))
        self.blocks = nn.Sequential(embedding, *hidden, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map rows (n, features) to logits (n, classes)."""
        return self.blocks(x)  # type: ignore[no-any-return]
