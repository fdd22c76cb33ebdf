"""Commands that are killed at any moment go on where they were, and what is lost would be told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from experiments.kills import __main__ as kills
from experiments.kills.processes import SECONDS_UNTIL_GONE, descendants, is_alive, seconds_until_gone

# a run by hand may ask for more
KILLS = os.environ.get("GAN_IMBALANCE_KILLS", "2")

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="processes are watched by /proc")


@pytest.mark.slow
@pytest.mark.parametrize("command", kills.SUBJECTS)
def test_nothing_is_lost(command: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert kills.main(["--command", command, "--kills", KILLS, "--seed", "1"]) == 0
    figures = json.loads(capfd.readouterr().out.splitlines()[-1])
    assert (figures["command"], figures["kills"], figures["faults"]) == (command, int(KILLS), 0)
    assert figures["workers_gone_s"] < SECONDS_UNTIL_GONE


class Forgetful(kills.Subject):
    """A command that leaves all that may be left when it is killed, and another result each time it ends."""

    name = "forgetful"

    def arguments(self, folder: Path) -> list[str]:
        return []

    def results(self, folder: Path) -> dict[str, Any]:
        return {"folder": folder.name}

    def faults(self, folder: Path, whole: Path) -> list[str]:
        return [f"not as in {whole.name}"]


def test_what_is_lost_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def kill(process: None, seconds: float, folder: Path, record: kills.Record) -> bool:
        assert 0 <= seconds <= 8
        record.kills += 1
        (folder / "cell.json").write_text('{"trunc')
        (folder / ".partial-cell.json").touch()
        return record.kills != 2

    monkeypatch.setattr(kills, "begin", lambda arguments, folder: None)
    monkeypatch.setattr(kills, "run", lambda arguments, folder: 8.0)
    monkeypatch.setattr(kills, "kill", kill)
    record, seconds = kills.try_out(Forgetful(tmp_path), tmp_path, 2, seed=0)
    assert (seconds, record.kills, record.runs) == (8.0, 2, 1)
    truncated, other, left, differs = record.faults
    assert truncated.startswith("cell.json: ")
    assert other == "not as in whole"
    assert left == "left in the end: .partial-cell.json"
    assert differs == "differs in the end: /folder"


def test_a_bit_makes_a_difference() -> None:
    weight = torch.tensor([1.0, float("nan")])
    table = pd.DataFrame({"x": [0.1]})
    value = {"weights": {"w": weight}, "steps": [1, 2], "table": table}
    assert list(kills.differences(value, {**value, "weights": {"w": weight.clone()}, "table": table.copy()})) == []
    further = torch.nextafter(weight, torch.tensor(2.0))
    assert list(kills.differences(value, {**value, "weights": {"w": further}})) == ["/weights/w"]
    assert list(kills.differences(value, {**value, "weights": {"w": weight.double()}})) == ["/weights/w"]
    assert list(kills.differences(value, {**value, "steps": [1, 3]})) == ["/steps/1"]
    assert list(kills.differences(value, {**value, "steps": [1]})) == ["/steps"]
    assert list(kills.differences(value, {**value, "table": table + 1e-16 * 4})) == ["/table"]
    assert list(kills.differences({"a": 1}, {"b": 1})) == ["/a is missing", "/b is missing"]


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("cell.json", lambda path: path.write_text("{}")),
        ("rows.parquet", lambda path: pd.DataFrame({"x": range(100)}).to_parquet(path)),
        ("last.ckpt", lambda path: torch.save({"w": torch.ones(100)}, path)),
    ],
)
def test_a_truncated_file_is_told(name: str, write: Callable[[Path], object], tmp_path: Path) -> None:
    path = tmp_path / name
    write(path)
    assert list(kills.unreadable(tmp_path)) == []
    path.write_bytes(path.read_bytes()[:-1])
    (told,) = kills.unreadable(tmp_path)
    assert told.startswith(f"{name}: ")
    path.rename(tmp_path / f".partial-{name}")
    assert list(kills.unreadable(tmp_path)) == []


def test_processes_that_live_on_are_seen() -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'print(1, flush=True); input()'])"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        (child,) = descendants(parent.pid)
        parent.kill()
        parent.wait()
        assert is_alive(child)
    # its input has ended
    assert seconds_until_gone({child}) < SECONDS_UNTIL_GONE
    assert not is_alive(child)
