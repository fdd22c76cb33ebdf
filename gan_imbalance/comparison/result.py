"""What a comparison found, for Python: tables, decisions, words, and the page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any, Self

import pandas as pd

from gan_imbalance.comparison.report.findings import Findings
from gan_imbalance.comparison.report.make import REPORT
from gan_imbalance.comparison.report.terminal import print_report
from gan_imbalance.comparison.run.task import Failure
from gan_imbalance.comparison.store import Store
from gan_imbalance.types import InputError


@dataclass(frozen=True)
class Comparison:
    """A comparison that was run, as its folder tells it.

    In a notebook it shows the answer and how every remedy stands to doing nothing.

    Attributes:
        folder: where all files lie.
        failures: cells that could not be made, and why.
        verbose: whether :meth:`show` prints the tables of all classifiers, and the quality of the added rows, too.

    Example:
        >>> from gan_imbalance import TabularDataModule, compare
        >>> data = TabularDataModule(bundled="breast_cancer", keep={"0": 20})
        >>> trees = {"class_path": "xgboost.XGBClassifier", "init_args": {"n_estimators": 5}}
        >>> found = compare(data, ["smote"], {"trees": trees}, seeds=1, folds=2, controls=False, wandb=False)
        ━...
        >>> found.verdict
        'No GAN took part, so nothing is said of GAN-made rows'
        >>> found.decisions[["remedy", "against"]].to_dict("records")
        [{'remedy': 'smote, balance', 'against': 'nothing'}]
    """

    folder: Path
    failures: tuple[Failure, ...] = ()
    verbose: bool = False

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Return what a comparison in a folder found; nothing is run.

        Raises:
            InputError: if the folder holds no report.
        """
        if not (Path(folder) / REPORT).is_file():
            raise InputError(f"{folder} holds no report of a comparison: run gan-imbalance report {folder} first.")
        return cls(Path(folder))

    @property
    def report(self) -> Path:
        """The page: report.html, which needs no other file."""
        return self.folder / REPORT

    @property
    def exit_code(self) -> int:
        """Return what the command line ends with: 1 if a cell failed."""
        return int(bool(self.failures))

    @cached_property
    def results(self) -> pd.DataFrame:
        """A row per cell: split, remedy, amount, classifier, and every figure on test and validation rows."""
        return pd.read_csv(self.folder / "results.csv")

    @cached_property
    def summary(self) -> pd.DataFrame:
        """A row per classifier, remedy, amount and metric: mean, interval, and the difference to doing nothing."""
        return pd.read_csv(self.folder / "summary.csv")

    @cached_property
    def quality(self) -> pd.DataFrame:
        """How good, and how private, the rows are that every remedy added; empty where none were."""
        path = self.folder / "quality.csv"
        return pd.read_csv(path) if path.stat().st_size > 1 else pd.DataFrame()

    @cached_property
    def answers(self) -> list[dict[str, Any]]:
        """What is decided at every setting, as answer.json has it; the first one is the comparison's answer."""
        answers: list[dict[str, Any]] = Store(self.folder).read_answer()["answers"]
        return answers

    @property
    def verdict(self) -> str:
        """The answer in a few words, such as "GAN-made rows help"."""
        return str(self.answers[0]["verdict"])

    @property
    def recommendation(self) -> str:
        """What to do, in a sentence."""
        return str(self.answers[0]["recommendation"])

    @cached_property
    def decisions(self) -> pd.DataFrame:
        """Everything that was decided about the verdict's metric, a row per question.

        Columns: setting, family (``primary``: one test; ``sensitivity``: could a gain have been seen; ``exploratory``:
        all else), classifier ("" where splits choose), remedy, against, splits, mean, difference, low, high,
        probability_better, probability_equal, probability_worse, mark (``helps``, ``hurts``, ``equal``, ``undecided``).
        """
        return pd.DataFrame([row for answer in self.answers for row in self._decided(answer)])

    def _decided(self, answer: dict[str, Any]) -> Iterator[dict[str, Any]]:
        setting = answer["setting"]
        if answer["primary"] is not None:
            yield {"setting": setting, "family": "primary", "classifier": "", **_contest(answer["primary"])}
        for contest in answer["sensitivity"].values():
            yield {"setting": setting, "family": "sensitivity", "classifier": "", **_contest(contest)}
        for classifier, contest in answer["by_classifier"].items():
            yield {"setting": setting, "family": "exploratory", "classifier": classifier, **_contest(contest)}
        if answer is not self.answers[0]:
            return
        metric = self.summary["metric"] == answer["metric"]["name"]
        for row in self.summary[metric & self.summary["difference"].notna()].to_dict("records"):
            yield {
                "setting": _setting(row),
                "family": "exploratory",
                "classifier": row["classifier"],
                "remedy": row["arm"],
                "against": "nothing",
                **{name: row[name] for name in ("splits", "mean", "difference")},
                "low": row["difference_low"],
                "high": row["difference_high"],
                **{f"probability_{name}": row[f"probability_{name}"] for name in ("better", "equal", "worse")},
                "mark": row["mark"],
            }

    def show(self) -> None:
        """Print the table of remedies and the answer, as the command line does."""
        print_report(Findings.of(Store(self.folder)), self.report, self.verbose)

    def __str__(self) -> str:
        """Return the answer, what to do, and where the report lies."""
        return f"{self.verdict}.\n{self.recommendation}\nReport: {self.report}"

    def _repr_html_(self) -> str:
        """Return the answer and the remedies of its classifier, for a notebook."""
        metric = self.answers[0]["metric"]
        rows = self.decisions
        rows = rows[(rows["family"] == "exploratory") & (rows["against"] == "nothing")]
        table = rows[["classifier", "remedy", "mean", "difference", "low", "high", "mark"]]
        table = table.sort_values("mean", ascending=not metric["higher_is_better"])
        shown = table.to_html(index=False, float_format="{:.3f}".format)
        return (
            f"<p><strong>{escape(self.verdict)}.</strong></p><p>{escape(self.recommendation)}</p>"
            f"<p>{escape(metric['title'])}, and the difference to nothing:</p>{shown}"
            f'<p><a href="{escape(self.report.as_posix(), quote=True)}">report.html</a></p>'
        )


def _contest(contest: dict[str, Any]) -> dict[str, Any]:
    chances = contest["probabilities"]
    return {
        "remedy": contest["first"],
        "against": contest["second"],
        **{name: contest[name] for name in ("splits", "mean", "difference", "low", "high")},
        **{f"probability_{name}": chances[name] for name in ("better", "equal", "worse")},
        "mark": contest["mark"],
    }


def _setting(row: dict[str, Any]) -> str:
    """Return how a person calls the setting of a row of the summary."""
    parts = (("minority_rows", "{:.0f} minority rows"), ("imbalance_ratio", "imbalance ratio {:g}"))
    return ", ".join(text.format(row[name]) for name, text in parts if pd.notna(row[name]))
