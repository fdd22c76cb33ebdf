"""A comparison that is killed at any moment goes on where it was, and leaves nothing half-done behind."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from gan_imbalance.comparison.store import Store
from gan_imbalance.files import is_temporary, write_json
from gan_imbalance.main import main

# a run by hand may ask for more
KILLS = int(os.environ.get("GAN_IMBALANCE_KILLS", "3"))
_SECONDS_UNTIL_GONE = 2.0


def descendants(process: int) -> set[int]:
    """Return the processes that a process has begun, directly or not."""
    try:
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except OSError:
        return set()
    return {int(child) for child in children} | {one for child in children for one in descendants(int(child))}


def is_alive(process: int) -> bool:
    """Return whether a process runs; one that has ended and waits for its parent to ask does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def figures(folder: Path) -> pd.DataFrame:
    """Return the results without what tells of time."""
    results = pd.read_csv(folder / "results.csv", keep_default_na=False)
    return results[[name for name in results if not name.startswith(("seconds", "peak_memory"))]]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="processes are watched by /proc")
def test_two_jobs_go_on_to_the_tables_of_one_that_nobody_killed(mixed_frame: pd.DataFrame, tmp_path: Path) -> None:
    mixed_frame.to_parquet(tmp_path / "table.parquet")
    table = {"path": str(tmp_path / "table.parquet"), "target": "label"}
    data = {**table, "keep": {"yes": 8}, "validation_fraction": 0.2}
    config = {
        "data": {
            "class_path": "gan_imbalance.TabularDataModule",
            "init_args": data,
        },
        "remedies": ["random_over", "smote", "small_wasserstein_gan"],
        "classifiers": {
            "linear": {"class_path": "sklearn.linear_model.LogisticRegression", "init_args": {"max_iter": 1000}}
        },
        "folds": 3,
        "seeds": 1,
        "gan_steps": 40,
        "jobs": 2,
        "wandb": False,
    }
    write_json(tmp_path / "config.yaml", config)
    arguments = ["compare", "--config", str(tmp_path / "config.yaml"), "--output"]
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    moments = random.Random(0)
    for _ in range(KILLS):
        command = [sys.executable, "-m", "gan_imbalance", *arguments, str(killed)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 60
        while not (killed / "comparison.json").exists() and process.poll() is None and time.monotonic() < end:
            time.sleep(0.05)
        time.sleep(moments.uniform(0.0, 6.0))
        workers = descendants(process.pid)
        process.send_signal(signal.SIGKILL)
        process.wait()
        time.sleep(_SECONDS_UNTIL_GONE)
        assert not [worker for worker in workers if is_alive(worker)]
        # what is there is whole
        for path in killed.rglob("*.json"):
            if not is_temporary(path):
                json.loads(path.read_text(encoding="utf-8"))
        store = Store(killed)
        for entry in store.read_plan().entries:
            if store.has(entry.address):
                assert len(store.read_scores(entry.address))
    assert main([*arguments, str(killed)]) == 0
    assert main([*arguments, str(whole), "--jobs", "1"]) == 0
    pd.testing.assert_frame_equal(figures(killed), figures(whole))
    assert [path for path in killed.rglob("*") if is_temporary(path)] == []
    names = [sorted(path.name for path in folder.rglob("*") if path.is_file()) for folder in (killed, whole)]
    assert names[0] == names[1]
