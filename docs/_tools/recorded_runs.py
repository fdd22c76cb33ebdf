"""Runs as Weights & Biases wrote them offline, read back from its files: what would be uploaded."""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_BLOCK = 32 * 1024
_FILE_HEADER = 7
_RECORD_HEADER = 7
_WHOLE, _LAST = 1, 4


@dataclass
class RecordedRun:
    """A run as it would be uploaded.

    Attributes:
        files: folder of its pictures and tables, which the history names by paths.
        settings: what it is called and belongs to.
        config: what it was started with.
        history: logged values, a dictionary per step.
        summary: the last value of each.
        axes: of values, by name or pattern, what they are drawn over.
        used: the artifacts that it was made from.
        made: those that it made.
    """

    files: Path = Path()
    settings: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)
    axes: dict[str, str] = field(default_factory=dict)
    used: list[Any] = field(default_factory=list)
    made: list[Any] = field(default_factory=list)


def read_runs(folder: Path) -> list[RecordedRun]:
    """Return the offline runs that lie in ``folder``/wandb, in the order in which they were started."""
    paths = (folder / "wandb").glob("offline-run-*/run-*.wandb")
    return [_read_run(path) for path in sorted(paths, key=lambda path: path.stat().st_mtime_ns)]


def _read_run(path: Path) -> RecordedRun:
    run = RecordedRun(path.parent / "files")
    for record in _all_records(path):
        kind = record.WhichOneof("record_type")
        content = getattr(record, kind)
        if kind == "run":
            run.settings |= {name.name: value for name, value in content.ListFields()}
            run.config |= _values(content.config.update)
        elif kind == "config":
            run.config |= _values(content.update)
        elif kind == "history":
            run.history.append(_values(content.item))
        elif kind == "summary":
            run.summary |= _values(content.update)
        elif kind == "artifact":
            (run.used if content.use_after_commit else run.made).append(content)
        elif kind == "metric":
            run.axes[content.glob_name or content.name] = content.step_metric
    return run


def _values(items: Any) -> dict[str, Any]:
    return {"/".join(item.nested_key) or item.key: json.loads(item.value_json) for item in items}


def _all_records(path: Path) -> list[Any]:
    """Return the records of a finished run, whose last ones are written a moment after it was finished."""
    deadline = time.monotonic() + 30
    while True:
        records = list(_records(path.read_bytes()))
        if any(record.WhichOneof("record_type") == "exit" for record in records):
            return records
        if time.monotonic() > deadline:
            raise TimeoutError(f"{path} was never finished")
        time.sleep(0.05)


def _records(content: bytes) -> Iterator[Any]:
    """Yield the whole records of a LevelDB log, whose records are cut at the ends of blocks; the last may be torn."""
    from wandb.proto.wandb_internal_pb2 import Record

    position, record = _FILE_HEADER, b""
    while position < len(content):
        left = _BLOCK - position % _BLOCK
        if left < _RECORD_HEADER:
            position += left
            continue
        if position + _RECORD_HEADER > len(content):
            return
        length, kind = struct.unpack_from("<HB", content, position + 4)
        position += _RECORD_HEADER
        if position + length > len(content):
            return
        record += content[position : position + length]
        position += length
        if kind in (_WHOLE, _LAST):
            yield Record.FromString(record)
            record = b""
