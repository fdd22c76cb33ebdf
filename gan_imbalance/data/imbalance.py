"""How many rows a class should have: top up the rare ones, or induce an imbalance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from gan_imbalance.types import InputError, Label, find_class

Rows = npt.NDArray[np.int64]

SamplingStrategy = (
    Literal["auto", "minority", "not minority", "not majority", "all"] | float | int | Mapping[Label, int]
)
"""Which classes to top up and how far, in imbalanced-learn's terms.

``"minority"``, ``"not minority"``, ``"not majority"`` (``"auto"``) and ``"all"`` bring those classes to
the size of the largest; a float is the ratio minority : majority wanted afterwards (two classes only); a
mapping gives the number of rows that a class has afterwards. Beyond imbalanced-learn, an int is the number
of rows to add to the minority.
"""


def rows_to_add(strategy: SamplingStrategy, counts: Mapping[Label, int]) -> dict[Label, int]:
    """Return how many rows each class should get, given how many it has (classes that get none left out).

    Raises:
        InputError: if the strategy is unknown, names an unknown class, or would have to remove rows.
    """
    if isinstance(strategy, Mapping):
        wanted = _wanted_rows(strategy, counts)
    elif isinstance(strategy, str):
        largest = max(counts.values())
        wanted = dict.fromkeys(_named_classes(strategy, counts), largest)
    elif isinstance(strategy, bool) or not isinstance(strategy, int | float):
        raise InputError(f"sampling_strategy is {strategy!r}; give a name, a ratio, a number of rows or a dict.")
    else:
        rarest = min(counts, key=lambda label: counts[label])
        wanted = {rarest: _wanted_minority(strategy, counts, rarest)}
    return {label: rows - counts[label] for label, rows in wanted.items() if rows > counts[label]}


def _named_classes(strategy: str, counts: Mapping[Label, int]) -> list[Label]:
    rarest = min(counts, key=lambda label: counts[label])
    most_frequent = max(counts, key=lambda label: counts[label])
    chosen = {
        "minority": [rarest],
        "not minority": [label for label in counts if label != rarest],
        "not majority": [label for label in counts if label != most_frequent],
        "all": list(counts),
    }
    chosen["auto"] = chosen["not majority"]
    if strategy not in chosen:
        raise InputError(f"sampling_strategy {strategy!r} is unknown; choose one of {', '.join(sorted(chosen))}.")
    return chosen[strategy]


def _wanted_rows(strategy: Mapping[Label, int], counts: Mapping[Label, int]) -> dict[Label, int]:
    labels = list(counts)
    wanted = {labels[find_class(label, labels)]: rows for label, rows in strategy.items()}
    for label, rows in wanted.items():
        if rows < counts[label]:
            raise InputError(
                f"sampling_strategy asks for {rows} rows of class {label!r}, which has {counts[label]} "
                "already; give the number wanted afterwards."
            )
    return wanted


def _wanted_minority(strategy: float, counts: Mapping[Label, int], rarest: Label) -> int:
    if isinstance(strategy, int):
        if strategy < 0:
            raise InputError(f"sampling_strategy is {strategy}; the number of rows to add cannot be negative.")
        return counts[rarest] + strategy
    if len(counts) != 2:
        raise InputError(
            f"sampling_strategy is the ratio {strategy}, but there are {len(counts)} classes, not two; "
            "give a dict of rows per class."
        )
    wanted = int(strategy * max(counts.values()))
    if not 0 < strategy <= 1 or wanted < counts[rarest]:
        raise InputError(
            f"sampling_strategy {strategy} is not between the present ratio "
            f"{counts[rarest] / max(counts.values()):.3g} and 1."
        )
    return wanted


def keep_rows(
    labels: npt.NDArray[np.int64],
    rows: Rows,
    keep: Mapping[int, int | float],
    classes: Sequence[Label],
    random: np.random.Generator,
) -> tuple[Rows, Rows]:
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
                f"keep asks for {amount} rows of class {classes[index]!r}, whose training part has "
                f"{candidates.size}; give a whole number up to that, or a share in (0, 1]."
            )
        reserve.append(candidates[number:])
    reserved = np.sort(np.concatenate(reserve)) if reserve else rows[:0]
    return np.setdiff1d(rows, reserved), reserved
