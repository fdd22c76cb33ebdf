"""What many processes, many fits, many cells and many rows do to equality, memory and time.

Four parts, whose commands run in processes of their own, as a user's do:

- ``processes``: eight over-samplers at once; those of minority transfer share a folder for what they learn first. All
  must make the same rows.
- ``fits``: 1,000 over-samplings in one process; by how many kB a fit its resident memory grows, from a straight line
  through the second half.
- ``cells``: a comparison of 10,000 cells, all of which have results that the store wrote, made up except for the first
  split; seconds until ``compare`` has found that nothing is left to do, and those of ``report``, start-up included,
  by the clock on the wall and of the processor.
- ``rows``: 5,000,000 rows of 20 columns through ``fit`` (few steps), and as many by ``synthesize``; the most resident
  memory of either, in GB.

The last line is a JSON object.

    python -m experiments.benchmarks.load [--parts fits cells] [--quick]
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple, NoReturn
from unittest import mock

import numpy as np
import pandas as pd

from experiments import command
from gan_imbalance.comparison.command import compare
from gan_imbalance.comparison.driver import Experiment
from gan_imbalance.comparison.plan.cells import Task
from gan_imbalance.comparison.plan.study import Study
from gan_imbalance.comparison.run.task import CellResult, TaskResult, run_task
from gan_imbalance.comparison.store import Store
from gan_imbalance.files import content_hash, write_json
from gan_imbalance.oversampling import GANOverSampler

PROCESSES = 8

_PAGE_KB = os.sysconf("SC_PAGE_SIZE") / 1024
_LOCK = ".comparison.lock"


class Size(NamedTuple):
    """How much of everything.

    Attributes:
        steps: of the over-samplers that run at once.
        fits: in one process.
        seeds: of the comparison, of five folds each.
        rows: of the large table.
    """

    steps: int = 20
    fits: int = 1000
    seeds: int = 50
    rows: int = 5_000_000


QUICK = Size(steps=2, fits=8, seeds=1, rows=5_000)


def make_rows(rows: int, seed: int = 0) -> pd.DataFrame:
    """Return 12 numeric and 7 categorical columns, and the target ``label``, of which 5 % are ``yes``."""
    draw = np.random.default_rng(seed)
    rare = draw.random(rows) < 0.05
    numeric = {f"number_{at}": draw.normal(size=rows) * (at + 1) + rare for at in range(9)}
    counts = {f"count_{at}": draw.poisson(10 * (at + 1), rows) for at in range(3)}
    categories = {
        f"category_{at}": pd.Categorical.from_codes(
            draw.integers(0, at + 2, rows), [f"level {k}" for k in range(at + 2)]
        )
        for at in range(7)
    }
    label = pd.Categorical.from_codes(rare.astype(int), ["no", "yes"])
    return pd.DataFrame({**numeric, **counts, **categories, "label": label})


# -- many processes ---------------------------------------------------------------------------------------------


def many_processes(size: Size, folder: Path) -> dict[str, Any]:
    """Return how many different results eight processes have, and how long they took together."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([GANOverSampler.__module__])
    started = time.perf_counter()
    processes = [
        context.Process(target=_write_hash, args=(size.steps, folder / "cache", folder / f"{number}.hash"))
        for number in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    seconds = time.perf_counter() - started
    found = [path.read_text() for path in folder.glob("*.hash")]
    return {"processes": len(found), "different_results": len(set(found)), "processes_s": round(seconds, 1)}


def _write_hash(steps: int, cache: Path, path: Path) -> None:
    table = make_rows(400)
    features, labels = table.drop(columns="label"), table["label"].astype(str)
    made = [
        GANOverSampler(max_steps=steps, random_state=0, **settings).fit_resample(features, labels)[0]
        for settings in ({}, {"gan": "MinorityTransferGAN", "cache": str(cache)})
    ]
    path.write_text(content_hash(pd.concat(made).to_csv().encode()))


# -- many fits --------------------------------------------------------------------------------------------------


def many_fits(size: Size, folder: Path) -> dict[str, Any]:
    """Return by how many kB a fit resident memory grows in the second half, and how long a fit takes."""
    table = make_rows(200)
    features, labels = table.drop(columns="label"), table["label"].astype(str)
    memory: list[float] = []
    started = time.perf_counter()
    for fit in range(size.fits):
        GANOverSampler(max_steps=1, random_state=fit).fit_resample(features, labels)
        memory.append(int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE_KB)
    seconds = time.perf_counter() - started
    later = memory[len(memory) // 2 :]
    slope = float(np.polyfit(np.arange(len(later)), later, 1)[0])
    return {"fits": size.fits, "kb_per_fit": round(slope, 1), "ms_per_fit": round(1000 * seconds / size.fits, 1)}


# -- many cells -------------------------------------------------------------------------------------------------


class _Planned(Exception):
    """Ends a comparison when it knows what it would run."""

    def __init__(self, experiment: Experiment, store: Store, seeds: int, *others: Any) -> None:
        super().__init__()
        self.experiment, self.store, self.seeds = experiment, store, seeds


def many_cells(size: Size, folder: Path) -> dict[str, Any]:
    """Return how long ``compare`` and ``report`` take where all cells have results."""
    make_rows(400).to_parquet(folder / "table.parquet")
    output = folder / "out"
    settings = comparison(folder / "table.parquet", output, size.seeds)
    started = time.perf_counter()
    cells = fill(settings)
    filled = time.perf_counter() - started
    write_json(folder / "config.yaml", settings)
    started = time.perf_counter()
    again = subprocess.Popen(_command("compare", "--config", str(folder / "config.yaml")), stdout=subprocess.DEVNULL)
    for is_there in (True, False):
        while (output / _LOCK).exists() is not is_there:
            assert again.poll() is None, "compare has ended before it wrote"
            time.sleep(0.01)
    found = time.perf_counter() - started
    found_by_processor = _processor_seconds(again.pid)
    assert again.wait() == 0, "compare has failed"
    assert len(list((output / "cells").glob("*.json"))) == cells, "compare has run further cells"
    report = _measured(folder, "report", str(output))
    return {
        "cells": cells,
        "fill_s": round(filled, 1),
        "nothing_to_do_s": round(found, 1),
        "nothing_to_do_processor_s": round(found_by_processor, 1),
        "report_s": report.seconds,
        "report_processor_s": report.processor,
    }


def _processor_seconds(process: int) -> float:
    """Return what a process has taken of the processor so far."""
    told = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")


def comparison(table: Path, output: Path, seeds: int) -> dict[str, Any]:
    """Return the settings of a comparison of 200 cells a seed: five folds, ten remedies, four classifiers."""
    linear = "sklearn.linear_model.LogisticRegression"
    standard = ["class_weights", "random_over", "random_under", "smote", "small_wasserstein_gan"]
    controls = ["tuned_threshold", "jittered_copies", "independent_marginals", "half_minority"]
    return {
        "data": {
            "class_path": "gan_imbalance.TabularDataModule",
            "init_args": {"path": str(table), "target": "label"},
        },
        "remedies": ["nothing", *standard, *controls],
        "controls": False,
        "classifiers": {
            f"linear_{number}": {"class_path": linear, "init_args": {"C": 10.0**number, "max_iter": 1000}}
            for number in range(-2, 2)
        },
        "seeds": seeds,
        "folds": 5,
        "gan_steps": 5,
        "wandb": False,
        "output": str(output),
    }


def fill(settings: Mapping[str, Any]) -> int:
    """Write a result of every cell of a comparison, and return how many there are.

    Those of the first split are run, those of the others are made of them, with other figures.
    """
    with mock.patch("gan_imbalance.comparison.command.drive", _plan_only):
        try:
            compare(**settings)
        except _Planned as planned:
            study = planned.experiment.split(planned.seeds)
            plan, store = planned.experiment.plan(study), planned.store
    store.write_plan(plan.description, study)
    of_remedy: dict[str, TaskResult] = {}
    draw = np.random.default_rng(0)
    for task in plan.tasks:
        name = "-".join(cell.remedy.name for cell in task.cells)
        if name in of_remedy:
            store.write(_resembling(of_remedy[name], study, task, draw))
        else:
            of_remedy[name] = run_task(study, task, {})
            assert not of_remedy[name].failures, of_remedy[name].failures
            store.write(of_remedy[name])
    return len(plan.cells)


def _plan_only(*arguments: Any) -> NoReturn:
    raise _Planned(*arguments)


def _resembling(result: TaskResult, study: Study, task: Task, draw: np.random.Generator) -> TaskResult:
    """Return the result of a task that resembles that of another split."""
    key, split = task.key, study.splits[task.key]
    labels = study.samples.labels[split.test]
    cells = []
    for cell, like in zip(task.cells, result.cells, strict=True):
        rare = np.clip(0.3 * (labels == study.minority) + 0.7 * draw.random(len(labels)), 0, 1)
        columns = [name for name in like.scores if name.startswith("probability_")]
        both = {name: rare if at == study.minority else 1 - rare for at, name in enumerate(columns)}
        scores = pd.DataFrame({"row": split.test, "label": labels, **both})
        content = {**like.content, "seed": key.seed, "fold": key.fold, "split_hash": split.hash}
        content["metrics"] = {name: value + draw.normal(0, 0.01) for name, value in content["metrics"].items()}
        cells.append(CellResult(cell.address(study), content, scores))
    return TaskResult(task, {}, cells, [])


# -- many rows --------------------------------------------------------------------------------------------------


def many_rows(size: Size, folder: Path) -> dict[str, Any]:
    """Return the peaks of resident memory, and the seconds, of a fit and a synthesis of a large table."""
    table = make_rows(size.rows)
    table.to_parquet(folder / "table.parquet")
    columns = table.shape[1]
    del table
    data = {"path": str(folder / "table.parquet"), "target": "label", "steps_per_epoch": 5}
    trainer = {"max_epochs": 2, "accelerator": "cpu", "enable_progress_bar": False}
    options = [*_options("data", data), *_options("trainer", trainer)]
    fit = _measured(folder, "fit", "--data", "TabularDataModule", *options, "--model", "ConditionalWassersteinGAN")
    (checkpoint,) = folder.glob("runs/*/version_0/checkpoints/last.ckpt")
    counts = json.dumps({"no": size.rows - size.rows // 20, "yes": size.rows // 20})
    made = "--ckpt_path", str(checkpoint), "--counts", counts, "--output", "made.parquet", "--wandb", "false"
    synthesis = _measured(folder, "synthesize", *made)
    return {
        "rows": size.rows,
        "columns": columns,
        "fit_peak_gb": fit.peak,
        "synthesize_peak_gb": synthesis.peak,
        "fit_s": fit.seconds,
        "synthesize_s": synthesis.seconds,
    }


def _options(group: str, settings: Mapping[str, Any]) -> Iterator[str]:
    for name, value in settings.items():
        yield from (f"--{group}.{name}", value if isinstance(value, str) else json.dumps(value))


class _Taken(NamedTuple):
    """What a command took: seconds by the clock on the wall and of the processor, and its peak of memory in GB."""

    seconds: float
    processor: float
    peak: float


def _measured(folder: Path, *arguments: str) -> _Taken:
    """Run the command in a folder."""
    started = time.perf_counter()
    environment = {**os.environ, "WANDB_MODE": "disabled"}
    process = subprocess.Popen(_command(*arguments), cwd=folder, stdout=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, f"{arguments[0]} has failed"
    seconds = time.perf_counter() - started
    processor = usage.ru_utime + usage.ru_stime
    return _Taken(round(seconds, 1), round(processor, 1), round(usage.ru_maxrss / 1024**2, 2))


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "gan_imbalance", *arguments]


# -- the benchmark ----------------------------------------------------------------------------------------------

PARTS: Mapping[str, Callable[[Size, Path], dict[str, Any]]] = {
    "processes": many_processes,
    "fits": many_fits,
    "cells": many_cells,
    "rows": many_rows,
}


def main(arguments: list[str] | None = None) -> None:
    """Run the benchmark and print its JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=[*PARTS], default=[*PARTS])
    parser.add_argument("--quick", action="store_true", help="see that it works: little of everything")
    options = parser.parse_args(arguments)
    figures: dict[str, Any] = {}
    for part in options.parts:
        with TemporaryDirectory() as folder:
            found = PARTS[part](QUICK if options.quick else Size(), Path(folder))
        print(f"{part}: {found}", flush=True)
        figures |= found
    print(json.dumps(figures))


if __name__ == "__main__":
    command(main)
