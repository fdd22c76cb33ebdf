"""What a comparison leaves on disk about itself, so that tables and report can be made again from files alone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from gan_imbalance.comparison.cells import Arm, Cell, Failure, Setting, SplitKey, Study, failure_path, group_cells
from gan_imbalance.data.schema import TableSchema
from gan_imbalance.data.tables import Table
from gan_imbalance.files import atomic_path, provenance, write_json
from gan_imbalance.types import InputError, Label

_PARTS = ("train", "validation", "test", "reserve")
_FILE = "comparison.json"
_REFERENCE = "reference.parquet"
_CLASS = "class_index"
# rows of a class that pictures compare synthetic ones with
_REFERENCE_ROWS = 2000


class Entry(NamedTuple):
    """A cell of the comparison.

    Attributes:
        key: its split.
        arm: remedy and amount.
        classifier: name.
        path: of its result, which is there once it is finished.
    """

    key: SplitKey
    arm: Arm
    classifier: str
    path: Path


def write_record(study: Study, cells: Sequence[Cell], left_out: Mapping[str, str], tuning_budget: int) -> None:
    """Write what the comparison consists of, before it is run.

    Args:
        study: what its cells share.
        cells: all of them, in order.
        left_out: remedies that the data does not allow, and why.
        tuning_budget: candidates of every tuned cell.
    """
    table, keys = study.table, list(study.splits)
    first = study.splits[keys[0]]
    units = [unit for unit in group_cells(cells) if unit.key == keys[0] and unit.remedy.kind == "gan"]
    content = provenance(
        classes=table.classes,
        minority=study.minority,
        positive_rate=study.positive_rate,
        rows=len(table.labels),
        column_types=table.column_types,
        schema=table.schema.to_dict(),
        table_hash=study.table.hash,
        splits=[
            {
                "seed": key.seed,
                "fold": key.fold,
                **key.setting._asdict(),
                "hash": split.hash,
                "rows": {part: _count(table, split.rows(part)) for part in _PARTS},  # type: ignore[arg-type]
            }
            for key, split in study.splits.items()
        ],
        cells=[
            {
                "split": keys.index(cell.key),
                **cell.arm._asdict(),
                "classifier": cell.classifier,
                "file": str(cell.path(study).relative_to(study.output)),
            }
            for cell in cells
        ],
        remedies={cell.remedy.name: asdict(cell.remedy) for cell in cells},
        classifiers={cell.classifier: cell.estimator for cell in cells},
        synthetic={unit.remedy.name: str(unit.synthetic_path(study).relative_to(study.output)) for unit in units},
        left_out=dict(left_out),
        tuning_budget=tuning_budget,
        has_test_file=table.test_rows is not None,
    )
    _write_reference(table, first.train, study.output / _REFERENCE)
    write_json(study.output / _FILE, content)


def _count(table: Table, rows: np.ndarray[Any, Any]) -> list[int]:
    counts: list[int] = np.bincount(table.labels[rows], minlength=len(table.classes)).tolist()
    return counts


def _write_reference(table: Table, rows: np.ndarray[Any, Any], path: Path) -> None:
    """Write training rows of every class, at most so many of each."""
    shuffled = pd.Series(np.random.default_rng(0).permutation(rows))
    chosen = shuffled.groupby(table.labels[shuffled]).head(_REFERENCE_ROWS).sort_values().to_numpy()
    frame = table.features.iloc[chosen].set_axis(pd.Index(table.labels[chosen], name=_CLASS))
    with atomic_path(path) as temporary:
        frame.to_parquet(temporary)


@dataclass(frozen=True)
class Record:
    """A comparison as its folder tells it.

    Attributes:
        folder: of the results.
        content: of the file that :func:`write_record` wrote.
    """

    folder: Path
    content: dict[str, Any]

    @classmethod
    def load(cls, folder: str | Path) -> Record:
        """Read a comparison's folder.

        Raises:
            InputError: if it is none.
        """
        path = Path(folder) / _FILE
        try:
            return cls(Path(folder), json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            raise InputError(
                f"{folder} holds no comparison ({_FILE} cannot be read): name the output folder of "
                "gan-imbalance compare."
            ) from error

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
        """Return how the table writes the rare class."""
        return str(self.classes[self.minority])

    @property
    def positive_rate(self) -> float | None:
        """Return the true share of the minority, if it was given."""
        rate: float | None = self.content["positive_rate"]
        return rate

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
                Arm(cell["remedy"], cell["amount"], cell["kind"]),
                cell["classifier"],
                self.folder / cell["file"],
            )
            for cell in self.content["cells"]
        ]

    @cached_property
    def finished(self) -> list[Entry]:
        """Return the cells that have a result."""
        return [entry for entry in self.entries if entry.path.is_file()]

    @property
    def failures(self) -> list[Failure]:
        """Return what failed when it was last tried, each reason once."""
        paths = (failure_path(entry.path) for entry in self.entries if not entry.path.is_file())
        texts = (path.read_text(encoding="utf-8") for path in paths if path.is_file())
        failures = (json.loads(text) for text in texts)
        return list(dict.fromkeys(Failure(failure["name"], failure["reason"]) for failure in failures))

    @cached_property
    def results(self) -> dict[Path, dict[str, Any]]:
        """Return the results of the finished cells, by their path."""
        return {entry.path: json.loads(entry.path.read_text(encoding="utf-8")) for entry in self.finished}

    @cached_property
    def reference(self) -> Table:
        """Return training rows of the first split, to compare synthetic ones with."""
        frame = pd.read_parquet(self.folder / _REFERENCE)
        labels = frame.index.to_numpy(dtype=np.int64)
        return Table(
            frame.reset_index(drop=True),
            labels,
            tuple(self.classes),
            TableSchema.from_dict(self.content["schema"]),
            self.content["column_types"],
            groups=np.arange(len(labels)),
        )

    def test_train_ratio(self, setting: Setting) -> float:
        """Return test rows over training rows, mean over the splits of a setting."""
        splits = zip(self.keys, self.content["splits"], strict=True)
        rows = [split["rows"] for key, split in splits if key.setting == setting]
        return float(np.mean([sum(part["test"]) / sum(part["train"]) for part in rows]))
