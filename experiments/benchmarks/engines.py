"""What a second worker brings a comparison on Ray, on Dask and on processes of this machine, and what a task costs.

Forty cells (eight splits, five remedies, our classifier) on the breast-cancer table, files included, by workers of one
thread that have imported what they need. The speed-up is the time of one worker over that of two. The overhead is what
a task takes longer on one worker than in this process: it is packed, sent, and its result fetched. For it, networks
train a single step, and nothing is written. The last line is a JSON object.

    python -m experiments.benchmarks.engines [--engines ray dask] [--steps 100]
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import torch

from experiments import command
from gan_imbalance.comparison.driver import Experiment, drive
from gan_imbalance.comparison.plan.catalogue import choose_remedies
from gan_imbalance.comparison.run.engine import Engine, open_engine
from gan_imbalance.comparison.store import Store
from gan_imbalance.data import TabularDataModule

SPLITS = 8
CELLS = 40


def experiment(steps: int) -> Experiment:
    """Return a comparison whose GANs and classifiers train for a number of steps."""
    remedies = choose_remedies(["nothing", "smote", "gan", "conditional_gan", "wasserstein_gan"], controls=False)
    ours = {"class_path": "gan_imbalance.classifiers.TableClassifier", "init_args": {"max_steps": steps}}
    data = TabularDataModule(bundled="breast_cancer", keep={"0": 30})
    return Experiment(data, [remedy.with_gan_steps(steps) for remedy in remedies], {"ours": ours})


def compared(engine: Engine, steps: int) -> float:
    """Return the seconds of a whole comparison, without the report."""
    with TemporaryDirectory() as folder:
        store = Store(Path(folder))
        started = perf_counter()
        assert not drive(experiment(steps), store, SPLITS, engine=engine)
        seconds = perf_counter() - started
        assert len(store.read_finished(store.read_plan())) == CELLS
    return seconds


def returned(engine: Engine, splits: int = SPLITS) -> tuple[float, int]:
    """Return the seconds until all results are there of tasks that train a single step, and their number."""
    brief = experiment(1)
    plan = brief.plan(brief.split(splits))
    started = perf_counter()
    results = list(engine.run_tasks(plan.study, plan.tasks, lambda task: {}, lambda task: task.remedy.effort))
    assert not [failure for result in results for failure in result.failures]
    return perf_counter() - started, len(results)


def measured(name: Any, jobs: int, steps: int) -> tuple[float, float, int]:
    """Return the seconds of :func:`compared`, and the seconds and tasks of :func:`returned`."""
    started = perf_counter()
    with open_engine(name, jobs) as engine:
        returned(engine, splits=1)
        ready = perf_counter() - started
        seconds = compared(engine, steps)
        brief, tasks = returned(engine)
    text = f"{name}, {jobs} worker(s): {seconds:.1f} s, brief tasks {brief:.1f} s, after {ready:.1f} s to get ready"
    print(text, flush=True)
    return seconds, brief, tasks


def main(arguments: list[str] | None = None) -> None:
    """Run the benchmark and print its JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engines", nargs="+", default=["ray", "dask"], choices=["ray", "dask"])
    parser.add_argument("--steps", type=int, default=100, help="training steps of every GAN and classifier")
    options = parser.parse_args(arguments)
    os.environ["OMP_NUM_THREADS"] = "1"
    torch.set_num_threads(1)
    here, brief_here, _ = measured("local", 1, options.steps)
    figures = {"local_speed_up": round(here / measured("local", 2, options.steps)[0], 2)}
    for name in options.engines:
        one, brief, tasks = measured(name, 1, options.steps)
        two, _, _ = measured(name, 2, options.steps)
        figures[f"{name}_speed_up"] = round(one / two, 2)
        figures[f"{name}_overhead_ms"] = round((brief - brief_here) / tasks * 1000, 1)
    print(json.dumps(figures))


if __name__ == "__main__":
    command(main)
