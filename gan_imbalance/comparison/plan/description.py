"""What a comparison says of itself in plain values, so that tables and report can be made again from files alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from gan_imbalance.comparison.plan.cells import Cell, Method, Task
from gan_imbalance.comparison.plan.study import Setting, SplitKey, Study
from gan_imbalance.data.base import Samples
from gan_imbalance.data.imbalance import Indices
from gan_imbalance.types import InputError, Label

_PARTS = ("train", "validation", "test", "reserve")


class Entry(NamedTuple):
    """A cell as the description names it.

    Attributes:
        key: its split.
        method: remedy and amount.
        classifier: name.
        address: of its result.
    """

    key: SplitKey
    method: Method
    classifier: str
    address: str


def _count(samples: Samples, rows: Indices) -> list[int]:
    counts: list[int] = np.bincount(samples.labels[rows], minlength=len(samples.classes)).tolist()
    return counts


@dataclass(frozen=True)
class Description:
    """A comparison in plain values.

    Attributes:
        content: as JSON holds it.
    """

    content: dict[str, Any]

    @classmethod
    def of(
        cls,
        study: Study,
        cells: Sequence[Cell],
        tasks: Iterable[Task] = (),
        left_out: Mapping[str, str] | None = None,
        **told: Any,
    ) -> Description:
        """Describe a comparison before it is run.

        Args:
            study: what its cells share.
            cells: all of them, in order.
            tasks: the same, grouped.
            left_out: remedies that the data does not allow, and why.
            **told: what else a reader must know: the form of the data, ``tuning_budget``, ``metric``, ...
        """
        samples, keys = study.samples, list(study.splits)
        position = {key: number for number, key in enumerate(keys)}
        first = [task for task in tasks if task.key == keys[0] and task.remedy.role == "gan"]
        return cls(
            {
                "classes": list(samples.classes),
                "minority": study.minority,
                "judging": study.judging.settings,
                "rows": len(samples.labels),
                "data_hash": samples.hash,
                "splits": [
                    {
                        "seed": key.seed,
                        "fold": key.fold,
                        **key.setting._asdict(),
                        "hash": split.hash,
                        "rows": {part: _count(samples, split.rows(part)) for part in _PARTS},  # type: ignore[arg-type]
                    }
                    for key, split in study.splits.items()
                ],
                "cells": [
                    {
                        "split": position[cell.key],
                        **cell.method._asdict(),
                        "classifier": cell.classifier,
                        "address": cell.address(study),
                    }
                    for cell in cells
                ],
                "remedies": {cell.remedy.name: cell.remedy.settings for cell in cells},
                "efforts": {cell.remedy.name: cell.remedy.effort for cell in cells},
                "classifiers": {cell.classifier: cell.estimator for cell in cells},
                "synthetic": {cell.remedy.name: task.rows_address(study) for task in first for cell in task.cells},
                "left_out": dict(left_out or {}),
                "has_test_file": samples.test_rows is not None,
                **told,
            }
        )

    @property
    def classes(self) -> list[Label]:
        """Return the labels of the classes, in order."""
        classes: list[Label] = self.content["classes"]
        return classes

    @property
    def minority(self) -> int:
        """Return the index of the rare class."""
        return int(self.content["minority"])

    @property
    def minority_label(self) -> str:
        """Return how the data writes the rare class."""
        return str(self.classes[self.minority])

    @property
    def judging(self) -> dict[str, Any]:
        """Return how test rows are judged, see :class:`~gan_imbalance.comparison.plan.study.Judging`."""
        judging: dict[str, Any] = self.content["judging"]
        return judging

    @property
    def positive_rate(self) -> float | None:
        """Return the true share of the minority, if it was given."""
        rate: float | None = self.judging["positive_rate"]
        return rate

    @property
    def metric(self) -> str:
        """Return the name of what the verdict is about, as a user gives it."""
        return str(self.content.get("metric", "pr_auc"))

    @property
    def private(self) -> bool:
        """Return whether no real row, or copy of one, is kept."""
        return bool(self.content.get("private"))

    @property
    def practical_differences(self) -> dict[str, float]:
        """Return what the user says does not matter, by metric."""
        given: dict[str, float] = self.content.get("practical_difference") or {}
        return given

    @cached_property
    def keys(self) -> list[SplitKey]:
        """Return every split."""
        return [
            SplitKey(split["seed"], split["fold"], Setting(split["minority_rows"], split["imbalance_ratio"]))
            for split in self.content["splits"]
        ]

    @property
    def settings(self) -> list[Setting]:
        """Return every setting, in order."""
        return list(dict.fromkeys(key.setting for key in self.keys))

    @cached_property
    def entries(self) -> list[Entry]:
        """Return every cell, in order."""
        return [
            Entry(
                self.keys[cell["split"]],
                Method(cell["remedy"], cell["amount"], cell["role"]),
                cell["classifier"],
                cell["address"],
            )
            for cell in self.content["cells"]
        ]

    def rows_of(self, setting: Setting) -> list[dict[str, list[int]]]:
        """Return, of every split of a setting, the rows of each class in each part."""
        splits = zip(self.keys, self.content["splits"], strict=True)
        return [split["rows"] for key, split in splits if key.setting == setting]

    def rare_test_rows(self, setting: Setting) -> float:
        """Return how many rare rows a split of a setting tests on, on average."""
        return float(np.mean([rows["test"][self.minority] for rows in self.rows_of(setting)]))

    @classmethod
    def read(cls, content: Any, source: object) -> Description:
        """Return what a file holds.

        Raises:
            InputError: if it is something else.
        """
        if not isinstance(content, dict) or "judging" not in content or "cells" not in content:
            raise InputError(
                f"{source} holds no comparison of this version: name the output folder of gan-imbalance compare, or "
                "run it again."
            )
        return cls(content)
