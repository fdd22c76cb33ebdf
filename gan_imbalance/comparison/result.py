"""What a comparison found, for Python: tables, decisions, words, and the page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import pandas as pd

from gan_imbalance.comparison.plan.study import Setting
from gan_imbalance.comparison.report import in_notebook
from gan_imbalance.comparison.report.findings import Findings
from gan_imbalance.comparison.report.make import REPORT
from gan_imbalance.comparison.report.terminal import print_report
from gan_imbalance.comparison.run.task import Failure
from gan_imbalance.comparison.store import Store
from gan_imbalance.types import InputError

_NUMBERS = (
    *("mean", "difference", "low", "high"),
    *("probability_better", "probability_equal", "probability_worse"),
)
_COLUMNS = ("setting", "family", "classifier", "remedy", "against", "splits", *_NUMBERS, "mark")


@dataclass(frozen=True, repr=False)
class Comparison:
    """A comparison that was run, as its folder tells it.

    In a notebook it shows the answer, and how every remedy stands to doing nothing.

    Attributes:
        folder: where all files lie.
        verbose: whether :meth:`show` prints the tables of all classifiers, and the quality of the added rows, too.
        findings: what the report was made of; None where :meth:`show` is to read it anew.

    Example:
        >>> from gan_imbalance import TabularDataModule, compare
        >>> data = TabularDataModule(bundled="breast_cancer", keep={"0": 20})
        >>> trees = {"class_path": "xgboost.XGBClassifier", "init_args": {"n_estimators": 5}}
        >>> found = compare(data, ["smote"], {"trees": trees}, seeds=1, folds=2, controls=False, wandb=False)
        ━...
        >>> found.verdict
        'No GAN took part, so there is no verdict on GAN-made rows'
        >>> found.decisions[["remedy", "against"]].to_dict("records")
        [{'remedy': 'smote, balance', 'against': 'nothing'}]
    """

    folder: Path
    verbose: bool = False
    findings: Findings | None = field(default=None, compare=False)

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Return what a comparison in a folder found; nothing is run.

        Raises:
            InputError: if the folder holds no comparison, or one without a report of all that is there.
        """
        store = Store(folder)
        store.read_plan()
        # a comparison that goes on has taken its answer back
        if not (store.folder / REPORT).is_file() or not store.read_answer().get("answers"):
            raise InputError(f"{folder} holds no report of a comparison: run gan-imbalance report {folder} first.")
        return cls(store.folder)

    @property
    def report(self) -> Path:
        """The page: report.html, which needs no other file."""
        return self.folder / REPORT

    @cached_property
    def failures(self) -> tuple[Failure, ...]:
        """The cells that could not be made when they were last tried, and why."""
        return tuple(self._store.failures(self._store.read_plan()))

    @property
    def exit_code(self) -> int:
        """What the command line ends with: 1 if a cell failed."""
        return int(bool(self.failures))

    @cached_property
    def results(self) -> pd.DataFrame:
        """A row per cell: split, remedy, amount, classifier, and every figure on test and validation rows."""
        return self._store.read_table("results.csv")

    @cached_property
    def summary(self) -> pd.DataFrame:
        """A row per classifier, remedy, amount and metric: mean, interval, and the difference to doing nothing."""
        return self._store.read_table("summary.csv")

    @cached_property
    def differences(self) -> pd.DataFrame:
        """Every GAN against every other remedy, in the headline metrics; empty where there is no such pair."""
        return self._store.read_table("differences.csv")

    @cached_property
    def quality(self) -> pd.DataFrame:
        """How good, and how private, the rows are that every remedy added; empty where none were."""
        return self._store.read_table("quality.csv")

    @cached_property
    def answers(self) -> list[dict[str, Any]]:
        """What is decided at every setting, as answer.json has it."""
        answers: list[dict[str, Any]] = self._store.read_answer()["answers"]
        return answers

    @property
    def answer(self) -> dict[str, Any]:
        """What is decided at the first setting, which is the answer of the comparison."""
        return self.answers[0]

    @property
    def verdict(self) -> str:
        """The answer in a few words, such as "GAN-made rows help"."""
        return str(self.answer["verdict"])

    @property
    def recommendation(self) -> str | None:
        """What to do, in a sentence; None where no remedy has a result on validation rows."""
        return str(self.answer["recommendation"]) if self.answer["recommendations"] else None

    @cached_property
    def decisions(self) -> pd.DataFrame:
        """Everything that was decided about the verdict's metric, a row per question.

        Columns: setting, family (``primary``: one test; ``sensitivity``: could a gain have been seen; ``exploratory``:
        all else), classifier ("" where splits choose), remedy, against, splits, mean, difference, low, high,
        probability_better, probability_equal, probability_worse, mark (``helps``, ``hurts``, ``equal``, ``undecided``).
        """
        contests = [row for answer in self.answers for row in _contests(answer)]
        wanted = (self.summary["metric"] == self.answer["metric"]["name"]) & self.summary["difference"].notna()
        rows = [*contests, *map(_against_nothing, self.summary[wanted].to_dict("records"))]
        return pd.DataFrame(rows, columns=list(_COLUMNS)).astype(dict.fromkeys(_NUMBERS, float))

    def show(self) -> None:
        """Print the table of remedies and the answer, as the command line does."""
        print_report(self.findings or Findings.of(self._store), self.report, self.verbose)

    def __str__(self) -> str:
        """Return the answer, what to do, and where the report lies."""
        return "\n".join(filter(None, (f"{self.verdict}.", self.recommendation, f"Report: {self.report}")))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """Return the answer, and the remedies with the recommended classifier, for a notebook."""
        metric, decisions, first = self.answer["metric"], self.decisions, self.answer["recommendations"][:1]
        classifier = first[0]["classifier"] if first else self.summary["classifier"].iloc[0]
        wanted = (decisions["against"] == "nothing") & (decisions["family"] == "exploratory")
        wanted &= (decisions["setting"] == self.answer["setting"]) & (decisions["classifier"] == classifier)
        table = decisions.loc[wanted, ["remedy", "mean", "difference", "low", "high", "mark"]]
        title = f"{metric['display_name']} with {classifier}, and the difference to doing nothing:"
        return in_notebook(
            f"{self.verdict}.",
            [*filter(None, [self.recommendation]), *map("Failed: {0.name}: {0.reason}".format, self.failures), title],
            table.sort_values("mean", ascending=not metric["higher_is_better"], kind="stable"),
            self.report,
        )

    @property
    def _store(self) -> Store:
        return Store(self.folder)


def _contests(answer: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a row of decisions per contest of an answer."""
    primary = [] if answer["primary"] is None else [answer["primary"]]
    told = [
        *(("primary", "", contest) for contest in primary),
        *(("sensitivity", "", contest) for contest in answer["sensitivity"].values()),
        *(("exploratory", classifier, contest) for classifier, contest in answer["by_classifier"].items()),
    ]
    for family, classifier, contest in told:
        yield {
            **contest,
            "setting": answer["setting"],
            "family": family,
            "classifier": classifier,
            "remedy": contest["first"],
            "against": contest["second"],
            **{f"probability_{name}": value for name, value in contest["probabilities"].items()},
        }


def _against_nothing(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row of decisions that a row of the summary is."""
    return {
        **row,
        "setting": Setting.of(row["minority_rows"], row["imbalance_ratio"]).display_name,
        "family": "exploratory",
        "remedy": row["method"],
        "against": "nothing",
        "low": row["difference_low"],
        "high": row["difference_high"],
    }
