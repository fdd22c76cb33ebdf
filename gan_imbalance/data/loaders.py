"""Batches indexed from tensors that are already on the device: no worker processes, no copies."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Self

import numpy as np
import torch
from torch import Tensor

Batch = tuple[Tensor, Tensor]
WeightedBatch = tuple[Tensor, Tensor, Tensor]
Transform = Callable[[Tensor], Tensor]

Draw = Callable[[torch.Size, torch.Generator], Tensor]
"""Draws row positions of the given shape (batches, rows per batch) with replacement."""


def draw_uniform(rows: Tensor) -> Draw:
    """Return a draw in which each of ``rows`` (shape (n,), n ≥ 1) is equally likely."""

    def draw(shape: torch.Size, generator: torch.Generator) -> Tensor:
        return rows[torch.randint(rows.numel(), shape, generator=generator)]

    return draw


def draw_weighted(rows: Tensor, weights: Tensor) -> Draw:
    """Return a draw in which each of ``rows`` (shape (n,), n ≥ 1) has a probability proportional to its weight (n,)."""

    def draw(shape: torch.Size, generator: torch.Generator) -> Tensor:
        return rows[weights.multinomial(shape.numel(), replacement=True, generator=generator).view(shape)]

    return draw


def draw_balanced(rows: Tensor, labels: Tensor, weights: Tensor | None = None) -> Draw:
    """Return a draw in which labels are equally likely, or weighted, and so are the rows of a label.

    Args:
        rows: positions to draw, shape (n,), n ≥ 1.
        labels: label of each of them, integers ≥ 0, shape (n,).
        weights: weights of the labels, shape (largest label + 1,); 0 for labels without rows.
    """
    counts = labels.bincount()
    present = counts.nonzero().squeeze(1)
    by_label = rows[labels.argsort(stable=True)]
    first = counts.cumsum(0) - counts

    def draw(shape: torch.Size, generator: torch.Generator) -> Tensor:
        if weights is None:
            label = present[torch.randint(present.numel(), shape, generator=generator)]
        else:
            label = weights.multinomial(shape.numel(), replacement=True, generator=generator).view(shape)
        # In double precision, or a draw near 1 would round up to the next label's first row.
        within = torch.rand(shape, generator=generator, dtype=torch.float64) * counts[label]
        return by_label[first[label] + within.long()]

    return draw


def pair_with_levels(classes: Tensor, levels: Tensor, sizes: Sequence[int], num_classes: int) -> Tensor:
    """Return the two conditions of every row and column: its class, and its level of the column.

    Args:
        classes: class of every row, in [0, num_classes), shape (n,).
        levels: level of every row in every column, each counted from 0, shape (n, columns).
        sizes: number of levels of every column.
        num_classes: number of classes; conditions for levels are numbered from here on, column after column.

    Returns:
        Pairs of conditions, shape (n, columns, 2).
    """
    sizes_before = torch.tensor([0, *sizes[:-1]], device=levels.device).cumsum(0)
    return torch.stack([classes[:, None].expand_as(levels), num_classes + sizes_before + levels], dim=2)


def draw_by_level(pairs: Tensor, sizes: Sequence[int], num_classes: int, balanced: bool) -> Draw:
    """Return the draw of training-by-sampling: a row and one of its columns, as position row · columns + column.

    Columns are drawn uniformly, then a level of the column in proportion to the logarithm of its frequency in the
    class, so that rare levels are seen more often, then a row with this level uniformly (Xu et al. 2019,
    https://arxiv.org/abs/1907.00503, section 4.3).

    Args:
        pairs: as returned by :func:`pair_with_levels`, shape (n, columns, 2), n ≥ 1.
        sizes: number of levels of every column.
        num_classes: number of classes.
        balanced: whether all classes are equally likely; otherwise they are drawn in proportion to their rows.
    """
    classes, levels = pairs.flatten(0, 1).cpu().unbind(1)
    groups = classes * sum(sizes) + levels - num_classes
    counts = groups.bincount(minlength=num_classes * sum(sizes)).view(num_classes, -1).double()
    by_column = torch.split(counts.log1p(), list(sizes), dim=1)
    weights = [column / column.sum(dim=1, keepdim=True) for column in by_column]
    shares = torch.cat(weights, dim=1).nan_to_num()
    if not balanced:
        shares = shares * counts.sum(dim=1, keepdim=True)
    return draw_balanced(torch.arange(len(groups)), groups, shares.flatten())


def draw_mixed(first: Draw, second: Draw, second_rows: int) -> Draw:
    """Return a draw with exactly ``second_rows`` of every batch's rows from ``second``."""

    def draw(shape: torch.Size, generator: torch.Generator) -> Tensor:
        batches, rows = shape
        parts = [
            first(torch.Size((batches, rows - second_rows)), generator),
            second(torch.Size((batches, second_rows)), generator),
        ]
        return torch.cat(parts, dim=1)

    return draw


class TensorLoader:
    """Yields random batches, drawn with replacement, for a fixed number of steps per epoch.

    The whole epoch's rows are drawn in one call from a generator seeded by (seed, epoch); a step is one
    ``index_select`` per tensor. Lightning sets the epoch by ``loader.sampler.set_epoch``; without Lightning,
    every iteration advances to the next epoch.

    When several processes train together, each makes the same draw, for the batches of all of them, and takes its
    own share of it: together they train as one process would on the joined batches.

    Args:
        features: features, shape (n, ...), on the device where they are used.
        labels: labels, shape (n,), on the same device.
        draw: called at the start of every epoch to get the draw for that epoch, so that the rows to draw from may
            change between epochs.
        batch_size: rows per batch, in this process.
        steps_per_epoch: batches, or stacks of batches, per epoch.
        batches_per_step: None for plain batches of shapes (batch, ...) and (batch,); otherwise each step
            has this many: (batches, batch, ...) and (batches, batch).
        seed: seed of the draws.
        rank: rank of this process, in [0, world_size).
        world_size: number of processes that train together.
        weights: weights of the rows, shape (n,); yielded with every batch if given.
        labels_per_row: if above 1, ``labels`` has shape (n · labels_per_row, ...), with the labels of a row next to
            each other, and positions in it are drawn: a row and one of its labels.
        transform: applied to each step's features (rows, ...) after they are indexed; it may change anything but
            the number of rows.
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
        world_size: int = 1,
        weights: Tensor | None = None,
        labels_per_row: int = 1,
        transform: Transform | None = None,
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
        self.world_size = world_size
        self.labels_per_row = labels_per_row
        self.transform = transform or _unchanged
        self.epoch = 0
        self._position = self._resumed = (0, 0)

    @property
    def sampler(self) -> Self:
        """Return the object whose ``set_epoch`` Lightning calls."""
        return self

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch (≥ 0) of the next iteration."""
        self.epoch = epoch

    def state_dict(self) -> dict[str, int]:
        """Return where in its draws the loader is; Lightning keeps it in checkpoints."""
        epoch, step = self._position
        return {"epoch": epoch, "step": step}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Let the epoch that was broken off, should it be the next one, go on behind the steps that it has had."""
        self._resumed = state["epoch"], state["step"]

    def __len__(self) -> int:
        """Return the number of steps per epoch."""
        return self.steps_per_epoch

    def __iter__(self) -> Iterator[Batch | WeightedBatch]:
        """Yield the batches of one epoch, or what is left of it: features, labels and, if given, weights."""
        epoch = self.epoch
        drawn = self._draw_epoch().to(self.features.device)
        had = self._resumed[1] if self._resumed[0] == epoch else 0
        stack = () if self.batches_per_step is None else (self.batches_per_step,)
        shape = (*stack, self.batch_size)
        for step, positions in enumerate(drawn[had:].unbind(), had + 1):
            self._position = epoch, step
            rows = positions if self.labels_per_row == 1 else positions // self.labels_per_row
            features = self.transform(self.features.index_select(0, rows))
            labels = self.labels.index_select(0, positions)
            batch = features.view(*shape, *features.shape[1:]), labels.view(*shape, *self.labels.shape[1:])
            yield batch if self.weights is None else (*batch, self.weights.index_select(0, rows).view(shape))

    def _draw_epoch(self) -> Tensor:
        """Return this process's draws for every step, shape (steps, rows per step), and advance to the next epoch."""
        seed = np.random.SeedSequence([self.seed, self.epoch]).generate_state(1, np.uint64)[0]
        self.epoch += 1
        stack = self.steps_per_epoch, self.batches_per_step or 1, self.world_size
        shape = torch.Size((math.prod(stack), self.batch_size))
        drawn = self.draw()(shape, torch.Generator().manual_seed(int(seed)))
        return drawn.view(*stack, self.batch_size)[:, :, self.rank].flatten(start_dim=1)


class SequentialLoader:
    """Yields every chosen row once, in order, in large batches for evaluation.

    When several processes train together, each gets every row: all compute the same results, so nothing has to be
    gathered, and the rows need not divide evenly among them.

    Args:
        features: features, shape (n, ...).
        labels: labels, shape (n,).
        rows: called at the start of every iteration to get the rows to yield (default: all).
        batch_size: rows per batch.
        transform: applied to each batch's features after they are indexed.
    """

    def __init__(
        self,
        features: Tensor,
        labels: Tensor,
        rows: Callable[[], Tensor] | None = None,
        batch_size: int = 16384,
        transform: Transform | None = None,
    ) -> None:
        self.features = features
        self.labels = labels
        self.rows = rows
        self.batch_size = batch_size
        self.transform = transform or _unchanged

    def __len__(self) -> int:
        """Return the largest possible number of batches."""
        return -(-len(self.labels) // self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        """Yield batches of shapes (batch, ...) and (batch,)."""
        features, labels = self.features, self.labels
        if self.rows is not None:
            rows = self.rows().to(features.device)
            features, labels = features[rows], labels[rows]
        for start in range(0, len(labels), self.batch_size):
            batch = slice(start, start + self.batch_size)
            yield self.transform(features[batch]), labels[batch]


def _unchanged(features: Tensor) -> Tensor:
    return features
