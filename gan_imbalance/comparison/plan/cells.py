"""One cell of a comparison (split, remedy, amount, classifier), and what its result is kept under."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from gan_imbalance.comparison.adapters import adapter_of
from gan_imbalance.comparison.plan.remedies import Amount, Remedy
from gan_imbalance.comparison.plan.study import SplitKey, Study
from gan_imbalance.files import content_hash

TUNED = "tuned"
"""The amount of a cell whose settings are chosen on validation rows."""

TUNE = "tune"
"""Key of a classifier's configuration: of its arguments, the values that tuned cells may choose from."""


class Method(NamedTuple):
    """A remedy with an amount of added rows ("" where it has none to choose), as tables tell them apart."""

    remedy: str
    amount: str
    role: str

    @property
    def is_baseline(self) -> bool:
        """Return whether it is what all others are compared with: nothing at all, tuning included."""
        return self.role == "baseline" and not self.amount

    @property
    def display_name(self) -> str:
        """Return what tables and messages call it."""
        if not self.amount:
            return self.remedy
        if self.amount.startswith("0."):
            return f"{self.remedy}, {float(self.amount):.0%} of a batch"
        return f"{self.remedy} +{self.amount}" if self.amount.isdigit() else f"{self.remedy}, {self.amount}"


@dataclass(frozen=True)
class Candidate:
    """Settings that a cell may choose among on validation rows.

    Attributes:
        amount: of rows added; None where the remedy decides, 0 for the training rows as they are.
        resampler: arguments of the resampler that differ from the remedy's.
        classifier: arguments of the classifier that differ from the configured ones.
    """

    amount: Amount | None
    resampler: dict[str, Any] = field(default_factory=dict)
    classifier: dict[str, Any] = field(default_factory=dict)


def candidates(
    remedy: Remedy, estimator: Mapping[str, Any], amounts: Iterable[Amount], budget: int, seed: int
) -> tuple[Candidate, ...]:
    """Return at most ``budget`` candidates; the first adds no rows and changes nothing.

    The second is the remedy as it is, with the last of the ``amounts``; the others are drawn at random, without
    repetition, from all combinations of amounts, the resampler's ``tune`` and the classifier's. So every remedy
    has the same number of tries, as far as it has combinations, and doing nothing is always one of them.

    Args:
        remedy: whose candidates.
        estimator: the classifier, with its ``tune``: of its arguments, the values to choose from.
        amounts: of rows, that a remedy may choose from.
        budget: at least 1.
        seed: of the draw.
    """
    sizes = [*amounts] if remedy.is_sized else [None]
    as_it_is = Candidate(0 if remedy.changes_rows else None)
    with_rows = [Candidate(*choice) for choice in product(sizes, _grid(remedy.tune), _grid(estimator.get(TUNE)))]
    without_rows = [replace(as_it_is, classifier=choice) for choice in _grid(estimator.get(TUNE))]
    first = [as_it_is, Candidate(sizes[-1])]
    others = _distinct(one for one in without_rows + with_rows if one not in first)
    drawn = [others[position] for position in np.random.default_rng(seed).permutation(len(others))]
    return tuple(_distinct(first + drawn)[:budget])


def _distinct(choices: Iterable[Candidate]) -> list[Candidate]:
    return list({content_hash(asdict(choice)): choice for choice in choices}.values())


def _grid(values: Mapping[str, list[Any]] | None) -> list[dict[str, Any]]:
    """Return every combination, the empty one, which changes nothing, first."""
    names = list(values or {})
    return [{}, *(dict(zip(names, choice, strict=True)) for choice in product(*(values or {}).values()) if names)]


@dataclass(frozen=True)
class Cell:
    """A split, a remedy, an amount of added rows (None where the remedy has none to choose), a classifier.

    Attributes:
        candidates: what a tuned cell, whose amount is :data:`TUNED`, chooses from; else one.
        pool: rows that the remedy makes on its split, of which the amounts are random parts; None where it decides.
    """

    key: SplitKey
    remedy: Remedy
    amount: str | Amount | None
    classifier: str
    estimator: dict[str, Any]
    candidates: tuple[Candidate, ...]
    pool: int | None

    @property
    def fitted(self) -> dict[str, Any]:
        """Return the configuration of what is fitted: the classifier, or what the remedy puts in its place."""
        return self.remedy.estimator or self.estimator

    @property
    def method(self) -> Method:
        """Return the remedy and amount."""
        return Method(self.remedy.name, "" if self.amount is None else str(self.amount), self.remedy.role)

    @property
    def display_name(self) -> str:
        """Return what tables and messages call it."""
        return f"{self.method.display_name} with {self.classifier}, {self.key.display_name}"

    def address(self, study: Study) -> str:
        """Return what its result is kept under; it changes with whatever the result depends on."""
        made_from = [
            study.samples.hash,
            study.splits[self.key].hash,
            study.minority,
            study.judging.settings,
            self.remedy.settings,
            self.amount,
            self.estimator,
            [asdict(candidate) for candidate in self.candidates],
            self.pool,
            study.data.encoding if self.remedy.learns_data else {},
        ]
        return f"{slug(f'{self.classifier}-{self.method.display_name}-{self.key.slug}')}-{content_hash(made_from)}"


@dataclass(frozen=True)
class Task:
    """Cells of one split that are run together: of remedies that add the same rows, or of several that change none.

    Attributes:
        cells: at least one.
        rows_name: of the remedy that their rows are kept under: the first that adds them, done or not.
    """

    cells: tuple[Cell, ...]
    rows_name: str

    @property
    def key(self) -> SplitKey:
        """Return the split of all its cells."""
        return self.cells[0].key

    @property
    def remedy(self) -> Remedy:
        """Return the first remedy of its cells, which the others add the same rows as."""
        return self.cells[0].remedy

    @property
    def display_name(self) -> str:
        """Return what tables and messages call it."""
        remedies = dict.fromkeys(cell.remedy.name for cell in self.cells)
        return ", ".join([*remedies, self.key.display_name])

    def rows_address(self, study: Study, remedy: Remedy | None = None) -> str:
        """Return what the rows are kept under that the remedy, or it with other settings, adds: a file's name."""
        remedy = remedy or self.remedy
        made_from = [
            study.samples.hash,
            study.splits[self.key].hash,
            study.minority,
            remedy.resampler,
            remedy.reserve,
            self.cells[0].pool,
            study.data.encoding if remedy.learns_data else {},
        ]
        suffix = adapter_of(study.samples).suffix
        return f"{slug(f'{self.rows_name}-{self.key.slug}')}-{content_hash(made_from)}{suffix}"

    def rows_address_of(self, study: Study, candidate: Candidate) -> str | None:
        """Return what the rows are kept under that a candidate takes its part of; None for the data as it is."""
        if candidate.amount == 0 or not self.remedy.changes_rows:
            return None
        return self.rows_address(study, self.remedy.with_init_args(**candidate.resampler))


def group_cells(cells: Iterable[Cell]) -> list[Task]:
    """Return all cells of a comparison as tasks, in order: together what shares rows, or without rows the fit."""
    grouped: dict[tuple[SplitKey, str], list[Cell]] = {}
    for cell in cells:
        remedy = cell.remedy
        shared = (
            [remedy.role, remedy.resampler, remedy.reserve, cell.pool]
            if remedy.changes_rows
            else [remedy.class_weight, remedy.classifier, remedy.transform, remedy.estimator]
        )
        grouped.setdefault((cell.key, content_hash(shared)), []).append(cell)
    return [Task(tuple(together), together[0].remedy.name) for together in grouped.values()]


def slug(text: str) -> str:
    """Return the text as part of a file name."""
    return re.sub(r"[^A-Za-z0-9_.+-]+", "_", text)
