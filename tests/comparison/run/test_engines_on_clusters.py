"""What several machines return is what one process returns, although a worker is killed; and nothing stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from filelock import FileLock

from gan_imbalance.comparison.analysis.tables import results_table
from gan_imbalance.comparison.driver import Experiment, drive
from gan_imbalance.comparison.plan.catalogue import TABLE_REMEDIES
from gan_imbalance.comparison.run.engine import Engine, open_engine
from gan_imbalance.comparison.store import Store
from gan_imbalance.data import TabularDataModule
from gan_imbalance.files import write_json

ROOT = Path(__file__).resolve().parents[3]
LOGISTIC = {"class_path": "sklearn.linear_model.LogisticRegression", "init_args": {"max_iter": 1000}}
PACKAGES = {"ray": "ray", "dask": "distributed"}

MORTAL = """
import os, signal
from pathlib import Path
from sklearn.linear_model import LogisticRegression

class Mortal(LogisticRegression):
    def __init__(self, deaths="", max_iter=1000):
        super().__init__(max_iter=max_iter)
        self.deaths = deaths

    def fit(self, X, y, sample_weight=None):
        deaths = Path(self.deaths)
        # of several processes only one can take a file away
        for life in sorted(deaths.glob("life-*")):
            try:
                life.rename(deaths / life.name.replace("life", "death"))
            except FileNotFoundError:
                continue
            os.kill(os.getpid(), signal.SIGKILL)
        return super().fit(X, y, sample_weight)
"""


@pytest.fixture(scope="module")
def importable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let this process and workers, which inherit it, import a classifier that kills its process."""
    folder = tmp_path_factory.mktemp("importable")
    (folder / "mortal.py").write_text(MORTAL)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        patch.setenv("PYTHONPATH", f"{folder}{os.pathsep}{ROOT}")
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        yield


ANSWER = """
import ray
ray.init("local", num_cpus=1, include_dashboard=False, log_to_driver=False)
print(ray.get(ray.remote(lambda: 42).remote()))
"""


@pytest.fixture(scope="module")
def ray(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Have Ray for oneself; skip where it is not installed, or its daemons and workers cannot run on this machine."""
    pytest.importorskip("ray")
    # its daemons give up if they have not started within half a minute, as those of several tests at a time would
    with FileLock(tmp_path_factory.getbasetemp().parent / "ray.lock"):
        # waiting for a worker that cannot start has no end
        try:
            done = subprocess.run([sys.executable, "-c", ANSWER], capture_output=True, text=True, timeout=90)
        except subprocess.TimeoutExpired:
            pytest.skip("Ray cannot run a task on this machine within 90 s")
        if done.stdout.strip() != "42":
            pytest.skip(f"Ray cannot run on this machine: {done.stderr[-300:]}")
        yield


@pytest.fixture(scope="module")
def ray_cluster(importable: None, ray: None) -> Iterator[str]:
    """Start two machines of Ray, as they would be, on this one."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    cluster.add_node(num_cpus=1)
    yield cluster.address
    cluster.shutdown()


@pytest.fixture(scope="module")
def dask_cluster(importable: None) -> Iterator[str]:
    """Start two workers of Dask."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0") as cluster:
        yield cluster.scheduler_address


@pytest.fixture(params=["ray", "dask"])
def cluster(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """Connect to two workers."""
    address = request.getfixturevalue(f"{request.param}_cluster")
    with open_engine(request.param, address=address) as engine:
        assert engine.jobs == 2
        yield engine


@pytest.fixture
def data(mixed_frame: pd.DataFrame) -> TabularDataModule:
    return TabularDataModule(frame=mixed_frame, target="label", keep={"yes": 6}, validation_fraction=0.2)


def results(experiment: Experiment, store: Store, engine: Engine | None = None) -> pd.DataFrame:
    """Return the table of a comparison in which nothing fails, without what tells of time and memory."""
    assert drive(experiment, store, 1, engine=engine) == []
    table = results_table(store.read_finished(store.read_plan()))
    return table[[name for name in table if not name.startswith(("seconds", "peak_memory"))]]


@pytest.mark.slow
def test_a_cluster_returns_what_one_process_returns(cluster: Engine, data: TabularDataModule, tmp_path: Path) -> None:
    gan = TABLE_REMEDIES["small_wasserstein_gan"].with_gan_steps(20)
    remedies = [TABLE_REMEDIES["nothing"], TABLE_REMEDIES["smote"], gan]
    experiment = Experiment(data, remedies, {"linear": LOGISTIC}, folds=2)
    here, there = Store(tmp_path / "here"), Store(tmp_path / "there")
    expected = results(experiment, here)
    assert len(expected) == 6
    pd.testing.assert_frame_equal(results(experiment, there, cluster), expected, check_exact=True)
    names = [sorted(path.name for path in (store.folder / "synthetic").iterdir()) for store in (here, there)]
    assert names[0] == names[1]


@pytest.mark.slow
def test_a_killed_worker_costs_a_retry_only(cluster: Engine, data: TabularDataModule, tmp_path: Path) -> None:
    lives = tmp_path / "lives"
    lives.mkdir()
    classifier = {"class_path": "mortal.Mortal", "init_args": {"deaths": str(lives)}}
    experiment = Experiment(data, [TABLE_REMEDIES["nothing"]], {"mortal": classifier}, folds=2)
    expected = results(experiment, Store(tmp_path / "here"))
    (lives / "life-0").touch()
    pd.testing.assert_frame_equal(results(experiment, Store(tmp_path / "there"), cluster), expected, check_exact=True)
    assert [path.name for path in lives.iterdir()] == ["death-0"]


def marked(mark: str) -> list[str]:
    """Return the command lines of the processes that inherited a mark."""
    found = []
    for environment in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark.encode() in environment.read_bytes():
                found.append(environment.with_name("cmdline").read_text().replace("\0", " "))
        except OSError:
            # it has ended, or is not ours
            continue
    # two watchers of Ray end only when they have tried for a minute to report what was killed
    return [command for command in found if not command.startswith(("ray::DashboardAgent", "ray::RuntimeEnvAgent"))]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize(("engine", "killed"), [("ray", False), ("dask", True)], ids=["ray ends", "dask is killed"])
def test_workers_that_were_started_are_quiet_and_end_with_the_command(
    engine: str, killed: bool, mixed_frame: pd.DataFrame, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if engine == "ray":
        request.getfixturevalue("ray")
    pytest.importorskip(PACKAGES[engine])
    mixed_frame.to_parquet(tmp_path / "table.parquet")
    data = {"path": "table.parquet", "target": "label", "keep": {"yes": 6}, "validation_fraction": 0.2}
    config: dict[str, Any] = {
        "data": {"class_path": "gan_imbalance.data.TabularDataModule", "init_args": data},
        "remedies": ["nothing", "smote"],
        "classifiers": {"linear": LOGISTIC},
        "seeds": 1,
        "folds": 2,
        "controls": False,
        "engine": engine,
        "jobs": 2,
        "output": "run",
        "wandb": False,
    }
    write_json(tmp_path / "config.yaml", config)
    mark = f"GAN_IMBALANCE_MARK={tmp_path}"
    command = [sys.executable, "-m", "gan_imbalance", "compare", "--config", "config.yaml"]
    environment = {**os.environ, **dict([mark.split("=", 1)]), "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    if killed:
        end = time.monotonic() + 60
        while not list(tmp_path.glob("run/cells/*.json")) and time.monotonic() < end:
            time.sleep(0.05)
        assert len(marked(mark)) > 2
        process.send_signal(signal.SIGKILL)
        process.wait()
    else:
        output, errors = process.communicate()
        assert (process.returncode, errors) == (0, "")
        assert not [word for word in ("ray", "dask", "distributed", "worker") if word in output.lower().split()]
        assert sorted(path.name for path in (tmp_path / "run").iterdir() if path.is_dir()) == [
            *("cells", "plots", "splits", "synthetic")
        ]
    end = time.monotonic() + 10
    while marked(mark) and time.monotonic() < end:
        time.sleep(0.1)
    assert marked(mark) == []
