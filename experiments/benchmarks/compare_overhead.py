"""What ``gan-imbalance compare`` costs beside the fits that it exists for, and what a second job brings.

Twenty cells (four splits, five remedies, our classifier) on the breast-cancer table, through the command line in a
process of its own, as a user runs it: start-up, splits, files, tables and the report included. The overhead is wall
time over the sum of the cells' own times (training of a remedy once a split, fitting once a cell). Several jobs are
compared with one that has the threads of each of them, and with one that has the threads of all. The last line is a
JSON object.

    python -m experiments.benchmarks.compare_overhead [--jobs 2] [--steps 1000]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import pandas as pd

from experiments import command
from gan_imbalance.files import write_json

CELLS = 20


def configuration(steps: int) -> dict[str, object]:
    """Return a comparison of twenty cells, most of whose work is in GANs."""
    return {
        "data": {
            "class_path": "gan_imbalance.data.TabularDataModule",
            "init_args": {"bundled": "breast_cancer", "keep": {"0": 30}},
        },
        "remedies": ["nothing", "smote", "gan", "conditional_gan", "wasserstein_gan"],
        "controls": False,
        "classifiers": {
            "ours": {"class_path": "gan_imbalance.classifiers.TableClassifier", "init_args": {"max_steps": steps}}
        },
        "seeds": 4,
        "folds": 0,
        "gan_steps": steps,
        "wandb": False,
    }


def run(folder: Path, steps: int, jobs: int, threads: int | None = None) -> tuple[float, float]:
    """Run the comparison; return its wall time, and what its cells took by themselves, in seconds.

    Args:
        folder: where to.
        steps: of every GAN and classifier.
        jobs: how many processes.
        threads: of one job; None for what it takes unless told.
    """
    write_json(folder / "config.yaml", configuration(steps))
    command = [sys.executable, "-m", "gan_imbalance", "compare", "--config", str(folder / "config.yaml")]
    started = perf_counter()
    output = [f"--output={folder / 'run'}", f"--jobs={jobs}"]
    environment = os.environ if threads is None else {**os.environ, "OMP_NUM_THREADS": str(threads)}
    subprocess.run(
        [*command, *output], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    )
    wall = perf_counter() - started
    results = pd.read_csv(folder / "run" / "results.csv")
    assert len(results) == CELLS
    resampling = results.drop_duplicates(["seed", "remedy"])["seconds_resample"].sum()
    return wall, float(results["seconds_fit"].sum() + resampling)


def main(arguments: list[str] | None = None) -> None:
    """Run the benchmark and print its JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=1, help="also run with this many jobs, and give the speed-up")
    parser.add_argument("--steps", type=int, default=1000, help="training steps of every GAN and classifier")
    options = parser.parse_args(arguments)
    with TemporaryDirectory() as folder:
        wall, own = run(Path(folder) / "one", options.steps, 1)
        print(f"1 job: {wall:.1f} s, of which {own:.1f} s are the cells' own", flush=True)
        figures = {"overhead_ratio": round(wall / own, 3)}
        if options.jobs > 1:
            threads = max(1, (os.cpu_count() or 1) // options.jobs)
            several, own = run(Path(folder) / "several", options.steps, options.jobs)
            print(f"{options.jobs} jobs: {several:.1f} s, of which {own:.1f} s are the cells' own", flush=True)
            alike, own = run(Path(folder) / "alike", options.steps, 1, threads)
            print(f"1 job, {threads} thread(s): {alike:.1f} s, of which {own:.1f} s are the cells' own")
            figures["speed_up"] = round(alike / several, 2)
            figures["speed_up_to_all_threads"] = round(wall / several, 2)
    print(json.dumps(figures))


if __name__ == "__main__":
    command(main)
