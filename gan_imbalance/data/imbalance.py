"""Induce an imbalance; topping up is imbalanced-learn's to count (see `oversampling.py`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from gan_imbalance.types import InputError, Label, quoted

Indices = npt.NDArray[np.int64]


def keep_rows(
    labels: npt.NDArray[np.int64],
    rows: Indices,
    keep: Mapping[int, int | float],
    classes: Sequence[Label],
    random: np.random.Generator,
) -> tuple[Indices, Indices]:
    """Induce an imbalance: keep only some rows of a class, drawn at random.

    Fewer rows kept with the same generator are a subset of more.

    Args:
        labels: class index of every row of the table.
        rows: the rows to choose from.
        keep: of a class index, the number (int) or the share (float in (0, 1]) of rows to keep.
        classes: how the table writes the classes, for messages.
        random: source of the choice.

    Returns:
        The rows kept and the others, in ascending order.

    Raises:
        InputError: if no row, or more rows than there are, would be kept.
    """
    reserve = []
    for index, amount in sorted(keep.items()):
        candidates = random.permutation(rows[labels[rows] == index])
        number = amount if isinstance(amount, int) else round(amount * candidates.size)
        if not 0 < number <= candidates.size:
            raise InputError(
                f"keep asks for {amount} rows of class {quoted(classes[index])}, whose training part has "
                f"{candidates.size}; give a whole number up to that, or a share in (0, 1]."
            )
        reserve.append(candidates[number:])
    reserved = np.sort(np.concatenate(reserve)) if reserve else rows[:0]
    return np.setdiff1d(rows, reserved), reserved


def long_tail(counts: npt.NDArray[np.int64], ratio: float) -> list[int]:
    """Return how many rows of each class to keep for a long tail.

    Class i of C keeps m · ratio^(-i / (C - 1)) rows, rounded down, with m as large as the classes allow (Cui et al.
    2019, Class-Balanced Loss Based on Effective Number of Samples, https://arxiv.org/abs/1901.05555, section 5.1).

    Args:
        counts: rows of each class, in the order in which they are to become rarer, shape (C,), C ≥ 2.
        ratio: rows of the first class per row of the last, above 1.

    Raises:
        InputError: if a class would keep no row.
    """
    profile = ratio ** -(np.arange(counts.size) / (counts.size - 1))
    kept = np.floor((counts / profile).min() * profile + 1e-9)
    if kept.min() < 1:
        raise InputError(f"imbalance_ratio {ratio} leaves the last class no row of {counts[-1]}; lower it.")
    return [int(number) for number in kept]
