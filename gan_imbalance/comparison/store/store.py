"""The folder of a comparison: addresses become files, written whole or not at all by the driver alone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from filelock import FileLock, Timeout
from pyarrow.parquet import ParquetFile

from gan_imbalance.checkpoints import telling_damage
from gan_imbalance.comparison.adapters import DataAdapter, adapter_of, adapter_of_description, file_suffix
from gan_imbalance.comparison.plan.cells import Task
from gan_imbalance.comparison.plan.description import Description
from gan_imbalance.comparison.plan.study import Study
from gan_imbalance.comparison.run.rows import RowSet
from gan_imbalance.comparison.run.task import Failure, TaskResult
from gan_imbalance.data.imbalance import Indices
from gan_imbalance.files import atomic_path, is_temporary, making_room, provenance, remove_abandoned, write_json
from gan_imbalance.synthesis import manifest_path
from gan_imbalance.types import InputError

_DESCRIPTION = "comparison.json"
_ANSWER = "answer.json"
_REFERENCE = "reference"
_LOCK = ".comparison.lock"
# a dry run, and Weights & Biases, have folders of their own in it, with locks of their own
_ROOMS = (".", "cells", "synthetic", "splits", "cache", "plots")
# columns of tables
_TEXTS = (
    *("classifier", "remedy", "role", "amount", "method", "other", "metric", "display_name", "best", "mark"),
    *("split_hash", "notes", "address"),
)
# rows of a class that plots compare synthetic ones with
_REFERENCE_ROWS = 2000


class Store:
    """The folder of a comparison.

    ``cells/`` holds a result and the test rows' scores of every cell, and why one is missing; ``synthetic/`` the rows
    of every remedy and split with the GANs that made them; ``splits/`` the splits; ``cache/`` what several tasks of
    this machine need; and beside them lie what the comparison consists of (comparison.json), its answer
    (answer.json), tables, plots and report.

    Args:
        folder: need not exist.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    @property
    def cache(self) -> Path:
        """Return the folder of what several tasks of this machine need."""
        return self.folder / "cache"

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Be the only process that writes here; what a killed one was writing is removed.

        Raises:
            InputError: if the folder cannot be made or written.
        """
        path = self.folder / _LOCK
        lock = FileLock(path)
        with making_room(path):
            self._acquire(lock)
        try:
            hidden = (path for room in _ROOMS for path in (self.folder / room).glob(".*"))
            remove_abandoned(filter(is_temporary, hidden))
            yield
        finally:
            path.unlink(missing_ok=True)
            lock.release()

    def _acquire(self, lock: FileLock) -> None:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            print(f"Another comparison is writing to {self.folder}: waiting until it has ended.", flush=True)
            lock.acquire()

    # -- what is planned ----------------------------------------------------------------------------------------

    def write_plan(self, description: Description, study: Study) -> None:
        """Keep what the comparison consists of, its splits, and some samples that plots compare others with."""
        for key, split in study.splits.items():
            split.save(self.split_path(key.slug))
        adapter = adapter_of(study.samples)
        first = next(iter(study.splits.values()))
        rows = _some_of_each_class(study.samples.labels, first.train)[: 0 if description.private else None]
        _write(self.folder / f"{_REFERENCE}{adapter.suffix}", adapter.dump_reference(rows))
        write_json(self.folder / _DESCRIPTION, provenance(**description.content))

    def read_plan(self) -> Description:
        """Return what the comparison consists of.

        Raises:
            InputError: if the folder holds none.
        """
        try:
            content = json.loads((self.folder / _DESCRIPTION).read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise InputError(
                f"{self.folder} holds no comparison ({_DESCRIPTION} cannot be read): name the output folder of "
                "gan-imbalance compare."
            ) from error
        return Description.read(content, self.folder)

    @property
    def threads(self) -> int | None:
        """Return the threads that every task of the comparison here had; None if there is none, or it does not say."""
        try:
            threads = self.read_plan().content.get("threads")
        except InputError:
            return None
        return threads if isinstance(threads, int) and threads > 0 else None

    def read_adapter(self, description: Description) -> DataAdapter:
        """Return the form of the data; its samples are training rows of the first split."""
        with telling_damage(self.folder):
            suffix = file_suffix(description.content["kind"])
            return adapter_of_description(description.content, (self.folder / f"{_REFERENCE}{suffix}").read_bytes())

    # -- results ------------------------------------------------------------------------------------------------

    def split_path(self, slug: str) -> Path:
        """Return the file of a split."""
        return self.folder / "splits" / f"{slug}.json"

    def cell_path(self, address: str) -> Path:
        """Return the file of a cell's result."""
        return self._in("cells", f"{address}.json")

    def scores_path(self, address: str) -> Path:
        """Return the file of a cell's test scores."""
        return self._in("cells", f"{address}.parquet")

    def _failure_path(self, address: str) -> Path:
        return self._in("cells", f"{address}.failed.json")

    def _in(self, room: str, name: str) -> Path:
        """Return the path of a file in a folder of the comparison's, of which files may tell the name.

        Raises:
            InputError: if it would lie elsewhere.
        """
        if Path(name).name != name:
            raise InputError(f"{self.folder} names {name!r}, which is no file of the comparison: run it again.")
        return self.folder / room / name

    def has(self, address: str) -> bool:
        """Return whether a cell has a result."""
        return self.cell_path(address).is_file()

    def missing(self, study: Study, tasks: Iterable[Task]) -> list[Task]:
        """Return the tasks that have cells without a result, with those cells only."""
        left = [(task, tuple(cell for cell in task.cells if not self.has(cell.address(study)))) for task in tasks]
        return [replace(task, cells=cells) for task, cells in left if cells]

    def write(self, result: TaskResult, keep_rows: bool = True) -> None:
        """Keep all that came of a task, or all but the rows that were added."""
        for address, rows in result.rows.items() if keep_rows else ():
            self._write_rows(address, rows)
        for cell in result.cells:
            with atomic_path(self.scores_path(cell.address)) as temporary:
                cell.scores.to_parquet(temporary, index=False)
            # the result comes last, since its presence says that the cell is done
            write_json(self.cell_path(cell.address), cell.content)
            self._failure_path(cell.address).unlink(missing_ok=True)
        for failure in result.failures:
            told = {"name": failure.name, "reason": failure.reason, "traceback": list(failure.traceback)}
            for address in failure.addresses:
                write_json(self._failure_path(address), told)

    def read_cell(self, address: str) -> dict[str, Any]:
        """Return the result of a cell."""
        result = _read_json(self.cell_path(address), "remedy", "classifier", "seconds")
        return {**result, "address": address}

    def read_finished(self, description: Description) -> list[dict[str, Any]]:
        """Return the results of the described cells that have one, in order."""
        return [self.read_cell(entry.address) for entry in description.entries if self.has(entry.address)]

    def read_scores(self, address: str) -> pd.DataFrame:
        """Return position, class index and probabilities of every test row of a cell."""
        # there may be thousands, and pandas takes thrice as long, for threads and for parts that lie elsewhere
        with telling_damage(path := self.scores_path(address)), ParquetFile(path) as file:
            scores: pd.DataFrame = file.read(use_threads=False).to_pandas(use_threads=False)
            return scores

    def failures(self, description: Description) -> list[Failure]:
        """Return what failed when it was last tried, each reason once, with the addresses of what is missing for it."""
        told: dict[tuple[str, str], Failure] = {}
        for address in (entry.address for entry in description.entries if not self.has(entry.address)):
            path = self._failure_path(address)
            if path.is_file():
                failure = _read_json(path, "name", "reason", "traceback")
                key = failure["name"], failure["reason"]
                known = told.get(key, Failure(*key, traceback=tuple(failure["traceback"])))
                told[key] = known._replace(addresses=(*known.addresses, address))
        return list(told.values())

    # -- added rows ---------------------------------------------------------------------------------------------

    def manifest_path(self, address: str) -> Path:
        """Return the file that tells what made a set of rows."""
        return manifest_path(self.rows_path(address))

    def rows_path(self, address: str) -> Path:
        """Return the file of a set of rows."""
        return self._in("synthetic", address)

    def checkpoint_paths(self, address: str) -> list[Path]:
        """Return the files of the GANs that made a set of rows that is there."""
        return [self._in("synthetic", name) for name in self._read_manifest(address)["checkpoints"]]

    def has_rows(self, address: str) -> bool:
        """Return whether a set of rows is there, whole: the manifest is written last."""
        return self.manifest_path(address).is_file()

    def read_rows(self, address: str) -> RowSet:
        """Return a set of rows, without the GANs."""
        return RowSet(self.rows_path(address).read_bytes(), (), self._read_manifest(address))

    def known_rows(self, study: Study, task: Task) -> Mapping[str, RowSet]:
        """Return the sets of rows of a task that are there."""
        candidates = [candidate for cell in task.cells for candidate in cell.candidates]
        addresses = {task.rows_address_of(study, candidate) for candidate in candidates} - {None}
        return {address: self.read_rows(address) for address in addresses if address and self.has_rows(address)}

    def _write_rows(self, address: str, rows: RowSet) -> None:
        path = self.rows_path(address)
        checkpoints = [path.with_name(f"{path.stem}-gan{number}.ckpt") for number in range(len(rows.checkpoints))]
        for checkpoint, content in zip(checkpoints, rows.checkpoints, strict=True):
            _write(checkpoint, content)
        _write(path, rows.rows)
        names = [checkpoint.name for checkpoint in checkpoints]
        write_json(self.manifest_path(address), {**rows.manifest, "checkpoints": names})

    def _read_manifest(self, address: str) -> dict[str, Any]:
        return _read_json(self.manifest_path(address), "checkpoints")

    # -- what is concluded --------------------------------------------------------------------------------------

    def write_answer(self, answer: Mapping[str, Any]) -> None:
        """Keep the answer in plain values."""
        write_json(self.folder / _ANSWER, provenance(**answer))

    def read_answer(self) -> dict[str, Any]:
        """Return the answer that was kept last; empty where there is none."""
        path = self.folder / _ANSWER
        return _read_json(path) if path.is_file() else {}

    def write_table(self, table: pd.DataFrame, name: str) -> None:
        """Keep a table as CSV."""
        with atomic_path(self.folder / name) as temporary:
            table.to_csv(temporary, index=False)

    def read_table(self, name: str) -> pd.DataFrame:
        """Return a table that was kept: numbers to the last digit, and text as it was, even if it reads as a number."""
        path = self.folder / name
        with telling_damage(path):
            try:
                return pd.read_csv(
                    path,
                    float_precision="round_trip",
                    dtype={"fold": "Int64", "minority_rows": "Int64", "imbalance_ratio": float},
                    converters=dict.fromkeys(_TEXTS, str),
                )
            # a table without rows may have no columns either
            except pd.errors.EmptyDataError:
                return pd.DataFrame()


def _read_json(path: Path, *keys: str) -> dict[str, Any]:
    """Return the content of a file by its keys, some of which it must have.

    Raises:
        InputError: if it holds something else.
    """
    with telling_damage(path):
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return content | {key: content[key] for key in keys}


def _write(path: Path, content: bytes) -> None:
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def _some_of_each_class(labels: Indices, rows: Indices) -> Indices:
    """Return rows of every class, at most as many of each as the plots need."""
    shuffled = pd.Series(np.random.default_rng(0).permutation(rows))
    chosen = shuffled.groupby(labels[shuffled]).head(_REFERENCE_ROWS).sort_values()
    return chosen.to_numpy()
