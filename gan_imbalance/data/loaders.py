"""Batches indexed out of tensors that already lie on the device: no worker processes, no copies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Self

import numpy as np
import torch
from torch import Tensor

Batch = tuple[Tensor, Tensor]
WeightedBatch = tuple[Tensor, Tensor, Tensor]

Draw = Callable[[torch.Size, torch.Generator], Tensor]
"""Draws row positions of the given shape (steps, rows per step) with replacement."""


def draw_uniform(rows: Tensor) -> Draw:
    """Return a draw in which every one of ``rows`` (shape (n,), n ≥ 1) is equally likely."""

    def draw(shape: torch.Size, generator: torch.Generator) -> Tensor:
        return rows[torch.randint(rows.numel(), shape, generator=generator)]

    return draw


def draw_balanced(rows: Tensor, labels: Tensor) -> Draw:
    """Return a draw in which every label is equally likely, and within it every row.

    Args:
        rows: positions to draw, shape (n,), n ≥ 1.
        labels: label of each of them, integers ≥ 0, shape (n,).
    """
    counts = labels.bincount()
    present = counts.nonzero().squeeze(1)
    by_label = rows[labels.argsort(stable=True)]
    first = counts.cumsum(0) - counts

    def draw(shape: torch.Size, generator: torch.Generator) -> Tensor:
        label = present[torch.randint(present.numel(), shape, generator=generator)]
        # In double precision, or a draw near 1 would round up to the next label's first row.
        within = torch.rand(shape, generator=generator, dtype=torch.float64) * counts[label]
        return by_label[first[label] + within.long()]

    return draw


def draw_mixed(first: Draw, second: Draw, second_rows: int) -> Draw:
    """Return a draw with exactly ``second_rows`` of every step's rows from ``second``."""

    def draw(shape: torch.Size, generator: torch.Generator) -> Tensor:
        steps, rows = shape
        parts = [
            first(torch.Size((steps, rows - second_rows)), generator),
            second(torch.Size((steps, second_rows)), generator),
        ]
        return torch.cat(parts, dim=1)

    return draw


class TensorLoader:
    """Random batches of a fixed number of steps per epoch, drawn with replacement.

    The whole epoch's rows are drawn in one call from a generator seeded by (seed, epoch, rank); a step is
    one ``index_select`` per tensor. Lightning sets the epoch by ``loader.sampler.set_epoch``; elsewhere
    every iteration goes on to the next epoch by itself.

    Args:
        features: shape (n, ...), on the device where they are used.
        labels: shape (n,), on the same device.
        draw: called at the start of every epoch for the draw of its rows, so that what is drawn from may
            change between epochs.
        batch_size: rows per batch.
        steps_per_epoch: batches, or stacks of batches, per epoch.
        batches_per_step: None for plain batches of shapes (batch, ...) and (batch,); otherwise each step
            has this many: (batches, batch, ...) and (batches, batch).
        seed: of the draws.
        rank: of this process; each draws other rows.
        weights: of the rows, shape (n,); given along with every batch if there are any.
    """

    def __init__(
        self,
        features: Tensor,
        labels: Tensor,
        draw: Callable[[], Draw],
        batch_size: int,
        steps_per_epoch: int,
        batches_per_step: int | None = None,
        seed: int = 0,
        rank: int = 0,
        weights: Tensor | None = None,
    ) -> None:
        self.features = features
        self.labels = labels
        self.weights = weights
        self.draw = draw
        self.batch_size = batch_size
        self.steps_per_epoch = steps_per_epoch
        self.batches_per_step = batches_per_step
        self.seed = seed
        self.rank = rank
        self.epoch = 0

    @property
    def sampler(self) -> Self:
        """Return what Lightning tells the epoch to."""
        return self

    def set_epoch(self, epoch: int) -> None:
        """Make the next iteration the given epoch (≥ 0)."""
        self.epoch = epoch

    def __len__(self) -> int:
        """Return the number of steps per epoch."""
        return self.steps_per_epoch

    def __iter__(self) -> Iterator[Batch | WeightedBatch]:
        """Yield the batches of one epoch: features, labels and, if there are any, weights."""
        rows = self._draw_epoch().to(self.features.device)
        stack = () if self.batches_per_step is None else (self.batches_per_step,)
        shape = (*stack, self.batch_size)
        for step in rows.unbind():
            features = self.features.index_select(0, step)
            labels = self.labels.index_select(0, step)
            batch = features.view(*shape, *self.features.shape[1:]), labels.view(shape)
            yield batch if self.weights is None else (*batch, self.weights.index_select(0, step).view(shape))

    def _draw_epoch(self) -> Tensor:
        """Return the rows of every step, shape (steps, rows per step), and go on to the next epoch."""
        seed = np.random.SeedSequence([self.seed, self.epoch, self.rank]).generate_state(1, np.uint64)[0]
        self.epoch += 1
        rows_per_step = self.batch_size * (self.batches_per_step or 1)
        shape = torch.Size((self.steps_per_epoch, rows_per_step))
        return self.draw()(shape, torch.Generator().manual_seed(int(seed)))


class SequentialLoader:
    """Every chosen row once, in order, in batches as large as is useful to judge a model.

    Args:
        features: shape (n, ...).
        labels: shape (n,).
        rows: called at the start of every iteration for the rows to give (default: all).
        batch_size: rows per batch.
    """

    def __init__(
        self,
        features: Tensor,
        labels: Tensor,
        rows: Callable[[], Tensor] | None = None,
        batch_size: int = 16384,
    ) -> None:
        self.features = features
        self.labels = labels
        self.rows = rows
        self.batch_size = batch_size

    def __len__(self) -> int:
        """Return the number of batches, at most."""
        return -(-len(self.labels) // self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        """Yield batches of shapes (batch, ...) and (batch,)."""
        features, labels = self.features, self.labels
        if self.rows is not None:
            rows = self.rows().to(features.device)
            features, labels = features[rows], labels[rows]
        for start in range(0, len(labels), self.batch_size):
            batch = slice(start, start + self.batch_size)
            yield features[batch], labels[batch]
