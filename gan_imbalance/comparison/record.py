"""What a comparison leaves on disk about itself, so that tables and report can be made again from files alone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from gan_imbalance.comparison.cells import Arm, Cell, Failure, Setting, SplitKey, Study, failure_path, group_cells
from gan_imbalance.comparison.forms import Form, form_of, form_of_record
from gan_imbalance.data.base import Samples
from gan_imbalance.data.imbalance import Rows
from gan_imbalance.files import provenance, write_json
from gan_imbalance.types import InputError, Label

_PARTS = ("train", "validation", "test", "reserve")
_FILE = "comparison.json"
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
    samples, keys = study.samples, list(study.splits)
    form = form_of(samples)
    units = [unit for unit in group_cells(cells) if unit.key == keys[0] and unit.remedy.kind == "gan"]
    content = provenance(
        kind=form.kind,
        classes=samples.classes,
        minority=study.minority,
        positive_rate=study.positive_rate,
        rows=len(samples.labels),
        **form.describe(),
        data_hash=samples.hash,
        splits=[
            {
                "seed": key.seed,
                "fold": key.fold,
                **key.setting._asdict(),
                "hash": split.hash,
                "rows": {part: _count(samples, split.rows(part)) for part in _PARTS},  # type: ignore[arg-type]
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
        remedies={cell.remedy.name: cell.remedy.settings for cell in cells},
        classifiers={cell.classifier: cell.estimator for cell in cells},
        synthetic={unit.remedy.name: str(unit.synthetic_path(study).relative_to(study.output)) for unit in units},
        left_out=dict(left_out),
        tuning_budget=tuning_budget,
        has_test_file=samples.test_rows is not None,
    )
    form.write_reference(_some_of_each_class(samples, study.splits[keys[0]].train), study.output)
    write_json(study.output / _FILE, content)


def _count(samples: Samples, rows: Rows) -> list[int]:
    counts: list[int] = np.bincount(samples.labels[rows], minlength=len(samples.classes)).tolist()
    return counts


def _some_of_each_class(samples: Samples, rows: Rows) -> Rows:
    """Return rows of every class, at most so many of each as the pictures need."""
    shuffled = pd.Series(np.random.default_rng(0).permutation(rows))
    chosen = shuffled.groupby(samples.labels[shuffled]).head(_REFERENCE_ROWS).sort_values()
    return chosen.to_numpy()


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
    def form(self) -> Form:
        """Return the form of the data; its samples are training rows of the first split."""
        return form_of_record(self.content, self.folder)

    @property
    def data_hash(self) -> str:
        """Return what differs between data sets."""
        # comparisons of earlier versions were of tables
        return str(self.content.get("data_hash") or self.content["table_hash"])

    def test_train_ratio(self, setting: Setting) -> float:
        """Return test rows over training rows, mean over the splits of a setting."""
        splits = zip(self.keys, self.content["splits"], strict=True)
        rows = [split["rows"] for key, split in splits if key.setting == setting]
        return float(np.mean([sum(part["test"]) / sum(part["train"]) for part in rows]))
