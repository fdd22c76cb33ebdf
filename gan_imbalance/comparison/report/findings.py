"""All that a report tells, computed once from a comparison's files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from gan_imbalance.comparison.adapters import DataAdapter
from gan_imbalance.comparison.analysis.answer import Answer, complete_splits, find_answers
from gan_imbalance.comparison.analysis.metrics import Metric, find_metric, verdict_metric
from gan_imbalance.comparison.analysis.tables import (
    Group,
    at_one_amount,
    differences,
    grouped,
    results_table,
    summarise,
    summarise_quality,
)
from gan_imbalance.comparison.plan.description import Description, Entry
from gan_imbalance.comparison.plan.remedies import EFFORTS
from gan_imbalance.comparison.plan.study import Setting
from gan_imbalance.comparison.report.words import MARKS
from gan_imbalance.comparison.run.task import Failure
from gan_imbalance.comparison.store import Store
from gan_imbalance.types import InputError


@dataclass(frozen=True)
class Findings:
    """What a comparison found.

    Attributes:
        store: its files.
        description: what it consists of.
        adapter: of its data.
        cells: results, by address.
        results: a row per cell.
        summary: means and differences to nothing.
        pairs: every GAN against every other remedy.
        quality: of added rows.
        answers: one per setting that has results.
        failures: what is missing for a reason.
    """

    store: Store
    description: Description
    adapter: DataAdapter
    cells: Mapping[str, Mapping[str, Any]]
    results: pd.DataFrame
    summary: pd.DataFrame
    pairs: pd.DataFrame
    quality: pd.DataFrame
    answers: list[Answer]
    failures: list[Failure]

    @classmethod
    def of(cls, store: Store) -> Findings:
        """Compute them from the files of a comparison, finished or not.

        Raises:
            InputError: if there is no comparison, or no cell of it is finished.
        """
        description = store.read_plan()
        cells = store.read_finished(description)
        if not cells:
            raise InputError(
                f"No cell of the comparison in {store.folder} is finished: run gan-imbalance compare first."
            )
        adapter, results, failures = store.read_adapter(description), results_table(cells), store.failures(description)
        failed = [address for failure in failures for address in failure.addresses]
        return cls(
            store=store,
            description=description,
            adapter=adapter,
            cells={cell["address"]: cell for cell in cells},
            results=results,
            summary=summarise(description, results, store.read_scores),
            pairs=differences(description, results),
            quality=summarise_quality(results, adapter.shown_quality),
            answers=find_answers(description, complete_splits(description, results, failed)),
            failures=failures,
        )

    @property
    def finished(self) -> list[Entry]:
        """Return every cell that has a result, in order."""
        return [entry for entry in self.description.entries if entry.address in self.cells]

    @property
    def unfinished(self) -> int:
        """Return how many cells have no result."""
        return len(self.description.entries) - len(self.cells)

    @property
    def metric(self) -> Metric:
        """Return what the verdict is about."""
        return verdict_metric(self.description)

    @property
    def recall(self) -> Metric:
        """Return the recall of the rare class."""
        return find_metric(self.description, "recall")

    @property
    def cost(self) -> Metric | None:
        """Return the expected cost, if costs are given."""
        return find_metric(self.description, "expected_cost") if self.description.judging["costs"] else None

    @cached_property
    def groups(self) -> list[Group]:
        """Return the summary of every classifier at every setting, in order."""
        return grouped(self.description, self.summary)

    def groups_at(self, answer: Answer) -> Iterator[Group]:
        """Yield the summaries of all classifiers at a setting, that of the overall recommendation first."""
        here = [group for group in self.groups if group.setting == answer.setting]
        first = answer.recommendations[0].classifier if answer.recommendations else ""
        yield from sorted(here, key=lambda group: group.classifier != first)

    def splits(self, group: Group) -> int:
        """Return how many splits a group has results of."""
        return int(group.rows["splits"].max())

    def standings(self, group: Group) -> list[dict[str, Any]]:
        """Return how every remedy stands at one amount, the best first.

        Returns:
            Of each: method, role, mean, difference, difference_low and difference_high in the verdict's metric, mark
            against doing nothing, recall, expected cost if costs are given, seconds of a fit, effort.
        """
        fixed = at_one_amount(group.rows)
        means = fixed.pivot(index="method", columns="metric", values="mean")
        mine = fixed[fixed["metric"] == self.metric.name]
        mine = mine.sort_values("mean", ascending=not self.metric.higher_is_better, kind="stable")
        efforts, took = self.description.content["efforts"], self._seconds(group.classifier, group.setting)
        standings = []
        for row in mine.to_dict("records"):
            told = {name: row[name] for name in ("mean", "difference", "difference_low", "difference_high", "role")}
            standings.append(
                {
                    **told,
                    "method": str(row["method"]),
                    "mark": MARKS[row["mark"]],
                    "recall": means.loc[row["method"], self.recall.name],
                    "cost": means.loc[row["method"], self.cost.name] if self.cost else None,
                    "seconds": took[row["remedy"], row["amount"]],
                    # what only shows what rows could do is nothing to choose
                    "effort": "-" if row["role"] == "control" else EFFORTS[efforts[row["remedy"]]],
                }
            )
        return standings

    def _seconds(self, classifier: str, setting: Setting) -> Mapping[Any, float]:
        groups = grouped(self.description, self.results)
        rows = next(group.rows for group in groups if (group.classifier, group.setting) == (classifier, setting))
        total = rows.assign(seconds=rows["seconds_resample"] + rows["seconds_fit"])
        means: dict[Any, float] = total.groupby(["remedy", "amount"])["seconds"].mean().to_dict()
        return means
