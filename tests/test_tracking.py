"""What a run leaves behind, read back from the files that Weights & Biases wrote offline."""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from gan_imbalance.data.split import Split
from gan_imbalance.files import file_hash
from gan_imbalance.main import main
from gan_imbalance.tracking import wandb_mode

_BLOCK = 32 * 1024
_FILE_HEADER = 7
_RECORD_HEADER = 7
_WHOLE, _LAST = 1, 4


@dataclass
class RecordedRun:
    """A run as it would be uploaded."""

    settings: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)
    artifacts: dict[str, Any] = field(default_factory=dict)


def read_runs(folder: Path) -> list[RecordedRun]:
    """Return the offline runs that lie in ``folder``/wandb, in the order in which they were started."""
    paths = (folder / "wandb").glob("offline-run-*/run-*.wandb")
    return [_read_run(path) for path in sorted(paths, key=lambda path: path.stat().st_mtime_ns)]


def _read_run(path: Path) -> RecordedRun:
    run = RecordedRun()
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
            run.artifacts[content.type] = content
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
        assert time.monotonic() < deadline, f"{path} was never finished"
        time.sleep(0.05)


def _records(content: bytes) -> Iterator[Any]:
    """Yield the records of a LevelDB log, whose records are cut at the ends of blocks."""
    from wandb.proto.wandb_internal_pb2 import Record

    position, record = _FILE_HEADER, b""
    while position < len(content):
        left = _BLOCK - position % _BLOCK
        if left < _RECORD_HEADER:
            position += left
            continue
        length, kind = struct.unpack_from("<HB", content, position + 4)
        position += _RECORD_HEADER
        record += content[position : position + length]
        position += length
        if kind in (_WHOLE, _LAST):
            yield Record.FromString(record)
            record = b""


@pytest.fixture
def offline(workplace: Path, mixed_frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder with a table and without an account."""
    mixed_frame.to_csv(workplace / "rows.csv", index=False)
    monkeypatch.delenv("WANDB_MODE")
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("NETRC", str(workplace / "none"))
    return workplace


def test_fit_and_synthesize_are_recorded(offline: Path, tiny_fit: list[str]) -> None:
    log_often = ("--trainer.log_every_n_steps", "1")
    assert main([*tiny_fit, "--model", "ConditionalGAN", "--model.latent_dim", "7", *log_often]) == 0
    (run,) = read_runs(offline / "runs")
    folder = offline / "runs" / "ConditionalGAN" / "version_0"
    assert run.settings["project"] == "gan_imbalance"
    assert run.config["latent_dim"] == 7
    assert run.config["data"]["init_args"]["path"] == "rows.csv"
    assert run.config["trainer"]["max_epochs"] == 2
    assert run.config["ema"] == {"decay": 0.99}
    assert run.config["split_hash"] == Split.load(folder / "split.json").hash
    assert run.config["versions"]["torch"]
    logged = set().union(*run.history)
    assert {"train/generator_loss", "train/discriminator_loss", "val/c2st", "val/earth_mover"} <= logged
    assert sum("val/c2st" in row for row in run.history) == 2
    assert 0 <= run.summary["val/c2st"] <= 1
    (picture,) = next(row["pictures/columns/filenames"] for row in run.history if "pictures/columns/_type" in row)
    assert list((offline / "runs" / "wandb").glob(f"offline-run-*/files/{picture}"))
    (file,) = run.artifacts["model"].manifest.contents
    assert (folder / "checkpoints" / file.path).stat().st_size == file.size

    checkpoint = folder / "checkpoints" / "last.ckpt"
    request = ("--ckpt_path", str(checkpoint), "--counts", '{"yes": 5, "no": 2}', "--seed", "3")
    assert main(["synthesize", *request, "--output", "out/rows.csv"]) == 0
    (run,) = read_runs(offline / "out")
    assert run.settings["job_type"] == "synthesize"
    assert run.config["counts"] == {"yes": 5, "no": 2}
    assert run.config["seed"] == 3
    assert run.config["split_hash"] == Split.load(folder / "split.json").hash
    assert run.config["checkpoint"] == {"path": str(checkpoint), "hash": file_hash(checkpoint)}
    assert (run.summary["rows/yes"], run.summary["rows/no"]) == (5, 2)
    files = run.artifacts["synthetic-set"].manifest.contents
    assert {file.path for file in files} == {"rows.csv", "rows.csv.json"}


def test_runs_of_one_process_are_recorded_apart(offline: Path, tiny_fit: list[str]) -> None:
    for latent_dim in ("5", "6"):
        assert main([*tiny_fit, "--model", "GAN", "--model.latent_dim", latent_dim]) == 0
    assert [run.config["latent_dim"] for run in read_runs(offline / "runs")] == [5, 6]
    assert (offline / "runs" / "GAN" / "version_1" / "config.yaml").is_file()


def test_a_comparison_is_recorded(offline: Path) -> None:
    data = ("--data.path", "rows.csv", "--data.target", "label")
    what = ("--remedies", "[nothing, random_over]", "--classifiers", _LOGISTIC_REGRESSION, "--seeds", "2")
    assert main(["compare", *data, *what, "--output", "runs/mine"]) == 0
    runs = read_runs(offline / "runs" / "mine")
    cells = [run for run in runs if run.settings["job_type"] == "cell"]
    (report,) = (run for run in runs if run.settings["job_type"] == "report")
    assert len(cells) == 4
    assert {run.settings["run_group"] for run in runs} == {"mine"}
    for cell in cells:
        assert 0 <= cell.summary["test/pr_auc"] <= 1
        split = Split.load(offline / "runs" / "mine" / "splits" / f"seed-{cell.config['seed']}.json")
        assert cell.config["split_hash"] == split.hash
    assert any("filenames" in name or "path" in name for row in report.history for name in row)
    files = {file.path for file in report.artifacts["report"].manifest.contents}
    assert {"report.html", "results.csv", "summary.csv"} <= files


_LOGISTIC_REGRESSION = '{"logistic_regression": {"class_path": "sklearn.linear_model.LogisticRegression"}}'


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "offline"),
        ({"WANDB_API_KEY": "key"}, "online"),
        ({"WANDB_MODE": "disabled", "WANDB_API_KEY": "key"}, "disabled"),
        ({"WANDB_MODE": "online"}, "online"),
        ({"WANDB_MODE": "nonsense"}, "offline"),
        ({"NETRC": "accounts"}, "online"),
        ({"NETRC": "broken"}, "offline"),
    ],
)
def test_mode(offline: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], expected: str) -> None:
    (offline / "accounts").write_text("machine api.wandb.ai login user password key\n")
    (offline / "broken").write_text("machine\n")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert wandb_mode() == expected
