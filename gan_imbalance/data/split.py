"""One split of a table for everything that follows; no row of a test part is ever learned from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, Self, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from gan_imbalance.data.imbalance import Indices, keep_rows
from gan_imbalance.files import content_hash, write_json
from gan_imbalance.types import InputError, Label, quoted

Part = Literal["train", "validation", "test", "reserve"]

_FEWEST_ROWS = 3


@dataclass(frozen=True)
class Split:
    """Which rows serve what; positions in the table, ascending, int64.

    Attributes:
        train: rows that everything is fitted on.
        validation: rows for choices (checkpoint, threshold).
        test: rows for the final judgement only.
        reserve: further rows for training, set aside when an imbalance was induced.
        seed: of the split.
        fold: which of the seed's folds the test part is; None if it is no fold.
    """

    train: Indices
    validation: Indices
    test: Indices
    reserve: Indices
    seed: int
    fold: int | None = None

    @property
    def name(self) -> str:
        """Return ``seed-0``, or ``seed-0-fold-3``, which no other split of the same table has."""
        return f"seed-{self.seed}" if self.fold is None else f"seed-{self.seed}-fold-{self.fold}"

    @cached_property
    def hash(self) -> str:
        """Return 16 hex digits that change when a row changes its part."""
        parts = (self.train, self.validation, self.test, self.reserve)
        return content_hash(b"".join(np.int64(part.size).tobytes() + part.tobytes() for part in parts))

    def rows(self, part: Part) -> Indices:
        """Return the rows of a part."""
        return {
            "train": self.train,
            "validation": self.validation,
            "test": self.test,
            "reserve": self.reserve,
        }[part]

    def hold_out(
        self, fraction: float, labels: npt.NDArray[np.int64], groups: npt.NDArray[np.int64], seed: int
    ) -> Split:
        """Return a split of the training rows alone: a share of them for choices, and no test part.

        Args:
            fraction: share of the training rows, in [0, 1).
            labels: class index of every row of the table, shape (n,).
            groups: rows with equal numbers stay together, shape (n,).
            seed: of the draw.
        """
        inner = split_rows(labels[self.train], groups[self.train], 0.0, fraction, seed)
        train, validation, test, reserve = (self.train[inner.rows(part)] for part in get_args(Part))
        return Split(train, validation, test, reserve, seed)

    def save(self, path: str | Path) -> None:
        """Write the split as JSON, atomically."""
        write_json(path, {key: np.asarray(value).tolist() for key, value in asdict(self).items()})

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read the split that :meth:`save` wrote.

        Raises:
            InputError: if there is no such file, or it holds no split.
        """
        try:
            content = json.loads(Path(path).read_text(encoding="utf-8"))
            train, validation, test, reserve = (np.array(content[part], dtype=np.int64) for part in get_args(Part))
            fold = content["fold"]
            return cls(train, validation, test, reserve, int(content["seed"]), None if fold is None else int(fold))
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise InputError(f"{path} holds no split ({error}); name a file that Split.save wrote.") from error


def split_rows(
    labels: npt.NDArray[np.int64],
    groups: npt.NDArray[np.int64],
    test_fraction: float,
    validation_fraction: float,
    seed: int,
    test_rows: npt.NDArray[np.bool_] | None = None,
    keep: Mapping[int, int | float] | None = None,
    classes: Sequence[Label] | None = None,
    fold: int | None = None,
    folds: int | None = None,
    then_keep: Mapping[int, int | float] | None = None,
) -> Split:
    """Split rows at random, each class by the same fractions, rows of one group on one side.

    Without groups of several rows, every class has exactly its share in every part, rounded, and at
    least one row. A group with rows of several classes counts as one of the rarest of them.

    With ``folds``, the table is dealt into that many equal parts, the same for every ``fold`` of a seed, and
    one of them is the test part.

    Args:
        labels: class index of every row, shape (n,).
        groups: rows with equal numbers stay together, shape (n,).
        test_fraction: share of all rows, in [0, 1); not used where ``test_rows`` or ``folds`` are given.
        validation_fraction: share of all rows, or of those outside ``test_rows``, in [0, 1).
        seed: the same seed and table give the same split.
        test_rows: mask of the rows of a separate test file. They are the test part; rows elsewhere
            that share a group with one of them are in no part.
        keep: of a class index, how many (int) or which share (float) of its training rows stay;
            the rest is the reserve. Whatever is kept, the other parts stay the same.
        classes: how the table writes the classes, for messages.
        fold: which of the folds is the test part, from 0.
        folds: into how many folds the rows are dealt, at least 2.
        then_keep: like ``keep``, of the training rows that ``keep`` left; drawn afterwards, so that what
            ``keep`` chooses stays the same.

    Raises:
        InputError: if there is one class only, a class has fewer than three rows to hold some out, or fewer than there
            are folds, a class is absent from a part, the fractions leave no row to train on, or there is
            no such fold.
    """
    names = list(range(int(labels.max()) + 1)) if classes is None else list(classes)
    _check_fold(fold, folds, test_rows is not None)
    _check(labels, test_fraction, validation_fraction, names, folds)
    random = np.random.default_rng(seed)
    frequency = np.bincount(labels, minlength=len(names))
    everything = np.arange(labels.size)
    if fold is not None and folds is not None:
        dealt = _deal_folds(labels, groups, folds, frequency, random)
        # Whether a seed allows the folds shall not depend on which of them is asked for.
        for number, rows in enumerate(dealt):
            _check_part(f"test part of fold {number}", labels[rows], names)
        fixed = {"test": dealt[fold]}
        rest = np.setdiff1d(everything, dealt[fold])
        shares = {"validation": validation_fraction * folds / (folds - 1)}
    elif test_rows is None:
        rest = everything
        shares = {"test": test_fraction, "validation": validation_fraction}
        fixed = {}
    else:
        fixed = {"test": np.flatnonzero(test_rows)}
        rest = np.flatnonzero(~np.isin(groups, groups[test_rows]))
        shares = {"validation": validation_fraction}
    parts = {**fixed, **_stratify(labels, groups, rest, shares, frequency, random)}
    for part, rows in parts.items():
        _check_part(f"{part} part", labels[rows], names)
    train, reserve = keep_rows(labels, parts["train"], keep or {}, names, random)
    train, further = keep_rows(labels, train, then_keep or {}, names, random)
    reserve = np.sort(np.concatenate([reserve, further]))
    empty = rest[:0]
    return Split(train, parts.get("validation", empty), parts.get("test", empty), reserve, seed, fold)


def duplicate_groups(features: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Return a number for every row, the same for rows with equal features, ascending by first occurrence."""
    groups = np.zeros(len(features), dtype=np.int64)
    for name in features.columns:
        codes, uniques = pd.factorize(features[name], use_na_sentinel=False)
        groups = pd.factorize(groups * len(uniques) + codes)[0].astype(np.int64)
    return groups


def connected_groups(first: npt.NDArray[np.int64], second: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return groups of rows that two groupings hold together, ascending by first occurrence.

    Two rows are in one group if they share a number in either grouping, or a chain of such rows connects them.

    Args:
        first: numbers from 0 of a grouping, shape (n,).
        second: numbers from 0 of another grouping, shape (n,).
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    # The groups are the nodes, and every row is an edge between its two.
    border = int(first.max()) + 1
    nodes = border + int(second.max()) + 1
    graph = coo_array((np.ones(first.size), (first, border + second)), shape=(nodes, nodes))
    _, component = connected_components(graph, directed=False)
    groups: npt.NDArray[np.int64] = pd.factorize(component[first])[0].astype(np.int64)
    return groups


def _deal_folds(
    labels: npt.NDArray[np.int64],
    groups: npt.NDArray[np.int64],
    folds: int,
    frequency: npt.NDArray[np.int64],
    random: np.random.Generator,
) -> list[Indices]:
    """Deal all rows into equal parts; without groups of several rows, a class differs by one row at most."""
    dealt, rest = [], np.arange(labels.size)
    # One fold after another, each its share of what is left: this evens out what rounding and large groups do.
    for left in range(folds, 1, -1):
        parts = _stratify(labels, groups, rest, {"fold": 1 / left}, frequency, random)
        dealt.append(parts["fold"])
        rest = parts["train"]
    return [*dealt, rest]


def _stratify(
    labels: npt.NDArray[np.int64],
    groups: npt.NDArray[np.int64],
    rows: Indices,
    shares: Mapping[str, float],
    frequency: npt.NDArray[np.int64],
    random: np.random.Generator,
) -> dict[str, Indices]:
    """Deal ``rows`` to the parts of ``shares``, and to ``train``; a part with no share is left out."""
    _, group, sizes = np.unique(groups[rows], return_inverse=True, return_counts=True)
    # The rarest class of a group: the least rank of frequency among its rows.
    rank = np.argsort(np.argsort(frequency, kind="stable"), kind="stable")
    stratum = np.full(sizes.size, frequency.size)
    np.minimum.at(stratum, group, rank[labels[rows]])
    part_of_group = np.zeros(sizes.size, dtype=np.int64)
    parts = [part for part, share in shares.items() if share > 0]
    for rarest in np.unique(stratum):
        members = random.permutation(np.flatnonzero(stratum == rarest))
        total = int(sizes[members].sum())
        quotas = [max(1, round(shares[part] * total)) for part in parts]
        # A group goes where its middle row falls.
        middles = np.cumsum(sizes[members]) - sizes[members] / 2
        bounds = np.cumsum(quotas)
        part_of_group[members] = (np.searchsorted(bounds, middles) + 1) % (len(parts) + 1)
    dealt = {part: rows[part_of_group[group] == i] for i, part in enumerate(parts, start=1)}
    return {**dealt, "train": rows[part_of_group[group] == 0]}


def _check_fold(fold: int | None, folds: int | None, has_test_file: bool) -> None:
    if folds is None:
        if fold is not None:
            raise InputError(f"fold is {fold}, but folds is not given; say how many folds there are.")
        return
    if has_test_file:
        raise InputError(f"folds is {folds}, but the test part is a separate file; leave out one of them.")
    if folds < 2:
        raise InputError(f"folds is {folds}; give at least 2.")
    if fold is None or not 0 <= fold < folds:
        raise InputError(f"fold is {fold}; with {folds} folds, give a number from 0 to {folds - 1}.")


def _check(
    labels: npt.NDArray[np.int64],
    test_fraction: float,
    validation_fraction: float,
    names: Sequence[Label],
    folds: int | None,
) -> None:
    for name, fraction in (("test_fraction", test_fraction), ("validation_fraction", validation_fraction)):
        if not 0 <= fraction < 1:
            raise InputError(f"{name} is {fraction}; give a share from 0 to below 1.")
    if folds is not None:
        if 1 / folds + validation_fraction >= 1:
            raise InputError(
                f"validation_fraction is {validation_fraction}, which leaves no row to train on beside one of "
                f"{folds} folds; lower it."
            )
    elif test_fraction + validation_fraction >= 1:
        raise InputError("test_fraction and validation_fraction leave no row to train on; lower one of them.")
    if len(names) < 2:
        raise InputError(f"The target has one class only, {quoted(names[0])}; at least two are needed.")
    counts = np.bincount(labels, minlength=len(names))
    held_out = test_fraction or validation_fraction or folds is not None
    if held_out and counts.min() < _FEWEST_ROWS:
        raise InputError(
            f"Class {quoted(names[int(counts.argmin())])} has {counts.min()} row(s), too few to split; "
            f"give at least {_FEWEST_ROWS}, or remove that class."
        )
    if folds is not None and counts.min() < folds:
        raise InputError(
            f"Class {quoted(names[int(counts.argmin())])} has {counts.min()} rows, too few for {folds} folds; "
            "lower folds, or remove that class."
        )


def _check_part(where: str, labels: npt.NDArray[np.int64], names: Sequence[Label]) -> None:
    absent = np.flatnonzero(np.bincount(labels, minlength=len(names)) == 0)
    if absent.size:
        raise InputError(
            f"Class {quoted(names[absent[0]])} has no row in the {where} (rows of one group, or with equal features, "
            "stay together); give more rows of that class, or another test file, fraction, number of folds or seed."
        )
