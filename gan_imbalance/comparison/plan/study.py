"""What all cells of a comparison share: data, splits, and how results are judged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from inspect import signature
from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd

from gan_imbalance.comparison.plan.remedies import Amount
from gan_imbalance.data import ImbalanceDataModule
from gan_imbalance.data.base import Samples
from gan_imbalance.data.split import Split
from gan_imbalance.metrics import Costs
from gan_imbalance.types import InputError

DEFAULT_FOLDS = 5


class Setting(NamedTuple):
    """What a comparison varies about the real training rows; None leaves it as the data has it.

    Attributes:
        minority_rows: real minority rows.
        imbalance_ratio: majority rows per minority row.
    """

    minority_rows: int | None = None
    imbalance_ratio: float | None = None

    @classmethod
    def of(cls, minority_rows: Any, imbalance_ratio: Any) -> Self:
        """Return the setting of a row of a table, which has missing values for None."""
        rows = None if pd.isna(minority_rows) else int(minority_rows)
        return cls(rows, None if pd.isna(imbalance_ratio) else float(imbalance_ratio))

    @property
    def display_name(self) -> str:
        """Return what tables and messages call it; empty for the data as it is."""
        rows = "" if self.minority_rows is None else f"{self.minority_rows} minority rows"
        ratio = "" if self.imbalance_ratio is None else f"imbalance ratio {self.imbalance_ratio:g}"
        return ", ".join(filter(None, (rows, ratio)))


class SplitKey(NamedTuple):
    """Which split of a comparison: its seed, its fold where there are folds, and its setting."""

    seed: int
    fold: int | None = None
    setting: Setting = Setting()

    @property
    def display_name(self) -> str:
        """Return what tables and messages call it."""
        fold = "" if self.fold is None else f"fold {self.fold}"
        return ", ".join(filter(None, (f"seed {self.seed}", fold, self.setting.display_name)))

    @property
    def slug(self) -> str:
        """Return it as part of a file name."""
        fold = "" if self.fold is None else f"-fold-{self.fold}"
        rows, ratio = self.setting
        return f"seed-{self.seed}{fold}" + (f"-rows-{rows}" if rows else "") + (f"-ratio-{ratio:g}" if ratio else "")


@dataclass(frozen=True)
class Judging:
    """How test rows are judged.

    Attributes:
        positive_rate: true share of the minority, if the data's is not; for re-weighted precision and cost.
        costs: of the two kinds of mistakes; with them, thresholds are chosen for the least cost instead of the best F1.
        at_recall: recall at which precision is reported.
        at_precision: precision at which recall is reported.
        correct_prior: whether probabilities are brought back from the class shares that a remedy trained on to those of
            the real training rows.
    """

    positive_rate: float | None = None
    costs: Costs | None = None
    at_recall: float = 0.8
    at_precision: float = 0.8
    correct_prior: bool = False

    def __post_init__(self) -> None:
        """Refuse what has no meaning.

        Raises:
            InputError: if a share or rate is out of range.
        """
        if self.positive_rate is not None and not 0 < self.positive_rate < 1:
            raise InputError(f"positive_rate is {self.positive_rate}: give the minority's true share, between 0 and 1.")
        for name in ("at_recall", "at_precision"):
            if not 0 < getattr(self, name) <= 1:
                raise InputError(f"{name} is {getattr(self, name)}: give a share above 0 and up to 1.")

    @cached_property
    def settings(self) -> dict[str, Any]:
        """Return all attributes as plain values, which the address of every cell is made from."""
        costs = None if self.costs is None else {"miss": self.costs.miss, "false_alarm": self.costs.false_alarm}
        return {**asdict(replace(self, costs=None)), "costs": costs}


@dataclass(frozen=True)
class Study:
    """What all cells of a comparison share.

    Attributes:
        data: all samples, and what a generator sees of them.
        splits: every split, settings varying slowest.
        minority: index of the rare class.
        judging: of test rows.
    """

    data: ImbalanceDataModule
    splits: Mapping[SplitKey, Split]
    minority: int
    judging: Judging = field(default_factory=Judging)

    @property
    def samples(self) -> Samples:
        """Return all samples."""
        return self.data.samples

    def rows_to_add(self, key: SplitKey, amount: Amount | None) -> int | None:
        """Return the number of minority rows that an amount means in a split's training part."""
        if amount is None or isinstance(amount, int):
            return amount
        counts = np.bincount(self.samples.labels[self.splits[key].train], minlength=len(self.samples.classes))
        return int(counts.max() - counts[self.minority])

    def only(self, key: SplitKey) -> Study:
        """Return the part that a single split needs, to be sent to whoever runs it."""
        return replace(self, splits={key: self.splits[key]})


def split_keys(seeds: Iterable[int], folds: int | None, settings: Sequence[Setting]) -> list[SplitKey]:
    """Return the splits of some seeds, settings varying slowest; without folds, one a seed."""
    fold_numbers = range(folds) if folds else [None]
    return [SplitKey(seed, fold, setting) for setting in settings for seed in seeds for fold in fold_numbers]


def split_data(
    data: ImbalanceDataModule, keys: Iterable[SplitKey], folds: int | None = None, judging: Judging | None = None
) -> Study:
    """Read the data and split it.

    Args:
        data: the table or the images.
        keys: of the splits to make.
        folds: into how many parts the rows of every seed are dealt; one random split where there are none.
        judging: of test rows.

    Raises:
        InputError: if the data cannot be used or split, a part that is needed is empty, or a setting is given that
            does nothing here.
    """
    _refuse_unused(data)
    samples = data.samples
    splits = {key: data.split_with(key.seed, key.fold, folds or None, *key.setting) for key in keys}
    first = next(iter(splits.values()))
    for part, option in (("validation", "validation_fraction"), ("test", "test_fraction")):
        if not len(first.rows(part)):  # type: ignore[arg-type]
            raise InputError(f"The {part} part is empty, but thresholds and figures need it: raise {option}.")
    for key, split in splits.items():
        counts = np.bincount(samples.labels[split.train], minlength=len(samples.classes))
        if counts.min() == counts.max():
            raise InputError(
                "All classes have equally many training rows: induce an imbalance with keep in the data, "
                "minority_rows or imbalance_ratios."
            )
        if counts.min() < 2:
            label = samples.classes[int(counts.argmin())]
            raise InputError(f"Class {label!r} has {counts.min()} training row with {key.display_name}: keep more.")
    minorities = {int(np.bincount(samples.labels[split.train]).argmin()) for split in splits.values()}
    if len(minorities) > 1:
        rarest = " and ".join(repr(samples.classes[index]) for index in sorted(minorities))
        raise InputError(f"Which class is the rarest in training depends on the split ({rarest}): keep fewer of one.")
    return Study(data.adapted(), splits, minorities.pop(), judging or Judging())


# a generator's own settings, which its over-sampler says
_UNUSED = {
    "classes": "what a GAN learns, the remedy decides",
    "batch_size": "say it in the resampler's init_args",
    "steps_per_epoch": "say max_steps in the resampler's init_args, or gan_steps",
    "seed": "every split has its own",
}


def _refuse_unused(data: ImbalanceDataModule) -> None:
    defaults = signature(ImbalanceDataModule.__init__).parameters
    for name, instead in _UNUSED.items():
        if getattr(data, name) != defaults[name].default:
            raise InputError(f"A comparison does not use the data's {name}: remove it; {instead}.")


def resolve_folds(data: ImbalanceDataModule, folds: int | None) -> int:
    """Return into how many folds the rows of a seed are dealt; 0 for one random split.

    Args:
        data: with a separate test set, there are none.
        folds: as given; None takes :data:`DEFAULT_FOLDS`.

    Raises:
        InputError: if it is 1 or negative.
    """
    if folds is None:
        return DEFAULT_FOLDS if data.samples.test_rows is None else 0
    if folds < 0 or folds == 1:
        raise InputError(f"folds is {folds}: give at least 2, or 0 for random splits by the data's test_fraction.")
    return folds
