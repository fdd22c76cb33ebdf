"""Is anything lost where a command is killed at any moment, and started again until it ends?

    python -m experiments.kills                                  # all four commands, fifty kills each
    python -m experiments.kills --command fit --kills 5          # a look

Every command runs once undisturbed. Then it is begun in another folder, gets SIGKILL at a random moment, is begun again
as a user would, is killed again, and so on until it ends before its moment has come; what it leaves then must be what
the undisturbed one left. This is repeated in new folders until there were as many kills as asked for. After every kill,
all files that do not have a temporary name must be whole, and workers must be gone. Each command ends with a JSON
object.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import torch

from experiments import command
from experiments.kills.processes import (
    SECONDS_UNTIL_GONE,
    BaseProcess,
    begin,
    descendants,
    require_success,
    run,
    seconds_until_gone,
)
from gan_imbalance.checkpoints import read_values
from gan_imbalance.files import is_temporary

_TABLE = "table.parquet"
# of columns of tables: what tells of time and memory
_TIMES = ("seconds", "peak_memory")
# of keys in checkpoints: folders, which differ, and what a run of Lightning's callbacks knows of its own files only
_PLACES = frozenset({"dirpath", "best_model_path", "last_model_path", "kth_best_model_path", "best_k_models"})
_GAN = {"class_path": "gan_imbalance.GANOverSampler"}
_EVERY_CLASS = {"class_path": "gan_imbalance.comparison.distillation.EveryClass"}
_LINEAR = {"class_path": "sklearn.linear_model.LogisticRegression", "init_args": {"max_iter": 1000}}
# the standard one's members learn for longer than a GAN of few steps
_TEACHER = {
    "class_path": "gan_imbalance.distillation.CrossFittedEnsemble",
    "init_args": {"members": {"linear": _LINEAR, "trees": {"class_path": "sklearn.ensemble.ExtraTreesClassifier"}}},
}
_TAUGHT = {
    "transform": {
        "class_path": "gan_imbalance.comparison.distillation.Distillation",
        "init_args": {"teacher": _TEACHER},
    }
}
_READERS: dict[str, Callable[[Path], Any]] = {
    ".json": lambda path: json.loads(path.read_text(encoding="utf-8")),
    ".csv": pd.read_csv,
    ".parquet": pd.read_parquet,
    ".ckpt": read_values,
}


class Subject(ABC):
    """A command that is killed, and what must be left of it in the end.

    Args:
        inputs: folder of what it reads.
    """

    name: ClassVar[str]
    spread: ClassVar[float] = 1.0
    """Until when it is killed, as a multiple of the seconds that it takes undisturbed."""

    def __init__(self, inputs: Path) -> None:
        self.inputs = inputs

    def prepare(self, folder: Path) -> None:
        """Make its folder, and put there what lies there before it is first begun."""
        folder.mkdir()

    @abstractmethod
    def arguments(self, folder: Path) -> list[str]:
        """Return the command line that begins it in a folder, or goes on there."""

    @abstractmethod
    def results(self, folder: Path) -> dict[str, Any]:
        """Return all that must be equal when it has ended, by name, in plain values, arrays, tensors and tables."""

    def faults(self, folder: Path, whole: Path) -> list[str]:
        """Return what must not be found where it was killed; hook.

        Args:
            folder: where it was killed.
            whole: where it ended undisturbed.
        """
        return []

    def _table(self) -> list[str]:
        data = "--data", "TabularDataModule", "--data.path", str(self.inputs / _TABLE), "--data.target", "label"
        return [*data, "--data.keep", '{"yes": 20}', "--data.validation_fraction", "0.2"]


class Fit(Subject):
    """``fit``, which goes on from the last checkpoint by ``--ckpt_path``."""

    name = "fit"

    def arguments(self, folder: Path) -> list[str]:
        """Return a training of fifteen epochs."""
        trainer = {"accelerator": "cpu", "max_epochs": 15, "enable_progress_bar": False, "enable_model_summary": False}
        options = [text for name, value in trainer.items() for text in (f"--trainer.{name}", str(value).lower())]
        batches = "--data.steps_per_epoch", "4", "--data.batch_size", "16"
        kept = self.checkpoints(folder)
        resume = ["--ckpt_path", str(kept[-1])] if kept else []
        return ["fit", *options, *self._table(), *batches, "--model", "ConditionalWassersteinGAN", *resume]

    def results(self, folder: Path) -> dict[str, Any]:
        """Return what the last checkpoint holds."""
        return _without_places(read_values(self.checkpoints(folder)[-1]))

    @staticmethod
    def checkpoints(folder: Path) -> list[Path]:
        """Return the last checkpoint of every run that got so far, in the order of the runs."""
        kept = folder.glob("runs/*/version_*/checkpoints/last.ckpt")
        return sorted(kept, key=lambda path: int(path.parts[-3].removeprefix("version_")))


class Compare(Subject):
    """``compare`` with two workers."""

    name = "compare"
    jobs: ClassVar[int] = 2
    remedies: ClassVar[Sequence[Any]] = ("random_over", "smote", "small_wasserstein_gan")

    def arguments(self, folder: Path) -> list[str]:
        """Return a comparison of three folds."""
        settings = {
            "remedies": json.dumps(self.remedies),
            "classifiers": json.dumps({"linear": _LINEAR}),
            "controls": "false",
            "folds": "3",
            "seeds": "1",
            "gan_steps": "20",
            "jobs": str(self.jobs),
            "wandb": "false",
            "output": "out",
        }
        return ["compare", *self._table(), *(text for name, value in settings.items() for text in (f"--{name}", value))]

    def results(self, folder: Path) -> dict[str, Any]:
        """Return the tables, the figures of every cell and the names of all files."""
        out = folder / "out"
        tables = {path.name: pd.read_csv(path, keep_default_na=False) for path in out.glob("*.csv")}
        scores = {path.name: pd.read_parquet(path) for path in out.glob("cells/*.parquet")}
        return {
            "files": sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()),
            **{name: table[[at for at in table if not at.startswith(_TIMES)]] for name, table in tables.items()},
            **scores,
        }


class DistilledCompare(Compare):
    """``compare`` of remedies whose rows a teacher labels that all of a split share, in one process."""

    name = "distilled"
    jobs = 1
    remedies = (
        {"name": "distilled_gan", "resampler": {**_GAN, "init_args": {"sampling_strategy": _EVERY_CLASS}}, **_TAUGHT},
        {"name": "distilled_real", **_TAUGHT, "stated_role": "control"},
    )


class Synthesize(Subject):
    """``synthesize`` over an output that was there before."""

    name = "synthesize"
    # it begins anew after every kill, and would hardly ever come to its end
    spread = 1.5

    def __init__(self, inputs: Path) -> None:
        super().__init__(inputs)
        fit = Fit(inputs)
        run(fit.arguments(inputs), inputs)
        self.checkpoint = fit.checkpoints(inputs)[-1]
        self.before = inputs / "before"
        self.before.mkdir()
        run(self._arguments(seed=1), self.before)

    def prepare(self, folder: Path) -> None:
        """Make the folder with an output of another seed."""
        shutil.copytree(self.before, folder)

    def arguments(self, folder: Path) -> list[str]:
        """Return what makes 60,000 rows."""
        return self._arguments(seed=0)

    def _arguments(self, seed: int) -> list[str]:
        rows = "--counts", '{"yes": 60000}', "--output", "rows.csv", "--seed", str(seed), "--wandb", "false"
        return ["synthesize", "--ckpt_path", str(self.checkpoint), *rows]

    def results(self, folder: Path) -> dict[str, Any]:
        """Return rows and manifest."""
        return {name: (folder / name).read_text(encoding="utf-8") for name in ("rows.csv", "rows.csv.json")}

    def faults(self, folder: Path, whole: Path) -> list[str]:
        """Return which file is neither the one before nor the one that is made."""
        before, after, found = (self.results(one) for one in (self.before, whole, folder))
        return [f"{name} is another" for name in found if found[name] not in (before[name], after[name])]


SUBJECTS: dict[str, type[Subject]] = {one.name: one for one in (Fit, Compare, Synthesize, DistilledCompare)}


@dataclass
class Record:
    """What came of killing a command.

    Attributes:
        kills: how often it was killed.
        runs: how often it ended, in folders of their own.
        faults: what must not have been, in words.
        left: temporary files and folders that kills left.
        gone: the most seconds that a worker lived on.
    """

    kills: int = 0
    runs: int = 0
    faults: list[str] = field(default_factory=list)
    left: int = 0
    gone: float = 0.0


# -- what is found ----------------------------------------------------------------------------------------------


def temporary(folder: Path) -> list[Path]:
    """Return what has a temporary name."""
    return [path for path in folder.rglob("*") if is_temporary(path)]


def unreadable(folder: Path) -> Iterator[str]:
    """Yield the files of a folder, other than temporary ones, that are not whole, and why."""
    for path in folder.rglob("*"):
        if path.suffix in _READERS and not is_temporary(path):
            try:
                _READERS[path.suffix](path)
            except Exception as error:
                yield f"{path.relative_to(folder)}: {error}"


def differences(left: Any, right: Any, at: str = "") -> Iterator[str]:
    """Yield where two values differ: by a bit of a tensor, a key, a digit."""
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        for key in {**left, **right}:
            if key in left and key in right:
                yield from differences(left[key], right[key], f"{at}/{key}")
            else:
                yield f"{at}/{key} is missing"
    elif isinstance(left, list | tuple) and isinstance(right, list | tuple) and len(left) == len(right):
        for position, (one, other) in enumerate(zip(left, right, strict=True)):
            yield from differences(one, other, f"{at}/{position}")
    elif isinstance(left, torch.Tensor) and isinstance(right, torch.Tensor):
        if left.dtype != right.dtype or not np.array_equal(
            left.numpy(), right.numpy(), equal_nan=left.is_floating_point()
        ):
            yield at
    elif isinstance(left, pd.DataFrame) and isinstance(right, pd.DataFrame):
        if not left.equals(right):
            yield at
    elif type(left) is not type(right) or left != right:
        yield at


def _without_places(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_places(item) for key, item in value.items() if key not in _PLACES}
    return value


# -- the trial --------------------------------------------------------------------------------------------------


def make_inputs(folder: Path) -> None:
    """Write a table of 240 rows with columns of several kinds."""
    draw = np.random.default_rng(0)
    rare = np.repeat([False, True], [180, 60])
    table = pd.DataFrame(
        {
            "amount": draw.lognormal(3, 1, 240).round(2),
            "count": draw.integers(0, 30, 240) + 5 * rare,
            "rate": np.where(draw.random(240) < 0.1, np.nan, draw.normal(size=240) + rare),
            "colour": draw.choice(["red", "green", "blue"], 240),
            "label": np.where(rare, "yes", "no"),
        }
    )
    table.to_parquet(folder / _TABLE)


def try_out(subject: Subject, folder: Path, kills: int, seed: int) -> tuple[Record, float]:
    """Kill a command again and again; return what came of it, and how many seconds it takes undisturbed."""
    whole = folder / "whole"
    subject.prepare(whole)
    seconds = run(subject.arguments(whole), whole)
    expected = subject.results(whole)
    moments = random.Random(seed)
    record = Record()
    while record.kills < kills:
        place = folder / f"killed_{record.runs}"
        subject.prepare(place)
        until = subject.spread * seconds
        while kill(begin(subject.arguments(place), place), moments.uniform(0, until), place, record):
            record.faults += [*unreadable(place), *subject.faults(place, whole)]
            if record.kills == kills:
                run(subject.arguments(place), place)
                break
        record.runs += 1
        record.faults += [f"left in the end: {path.name}" for path in temporary(place)]
        record.faults += [f"differs in the end: {at}" for at in differences(expected, subject.results(place))]
    return record, seconds


def kill(process: BaseProcess, seconds: float, folder: Path, record: Record) -> bool:
    """Kill a command after some seconds, and note what that left; return False if it ended by itself before."""
    process.join(seconds)
    if process.exitcode is not None:
        require_success(process, folder)
        return False
    assert process.pid is not None
    workers = descendants(process.pid)
    process.kill()
    process.join()
    gone = seconds_until_gone(workers)
    if gone > SECONDS_UNTIL_GONE:
        record.faults.append(f"workers lived on for {gone:.1f} s")
    record.kills += 1
    record.gone = max(record.gone, gone)
    record.left += len(temporary(folder))
    return True


def main(arguments: list[str] | None = None) -> int:
    """Kill commands, print a line of JSON for each, and return 1 if anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--command", nargs="+", choices=[*SUBJECTS], default=[*SUBJECTS], help="what is killed")
    parser.add_argument("--kills", type=int, default=50, help="of each command")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    options = parser.parse_args(arguments)
    lost = False
    with TemporaryDirectory() as folder:
        # so that no command waits for the imports of the process that all fork from
        run(["--version"], Path(folder))
    for name in options.command:
        with TemporaryDirectory() as temporary_folder:
            folder = Path(temporary_folder)
            make_inputs(folder)
            subject = SUBJECTS[name](folder)
            record, seconds = try_out(subject, folder, options.kills, options.seed)
        for fault in record.faults:
            print(f"{name}: {fault}", file=sys.stderr)
        lost = lost or bool(record.faults)
        figures = {
            "command": name,
            "seed": options.seed,
            "kills": record.kills,
            "runs": record.runs,
            "undisturbed_s": round(seconds, 1),
            "temporary_left_by_kills": record.left,
            "workers_gone_s": round(record.gone, 2),
            "faults": len(record.faults),
        }
        print(json.dumps(figures), flush=True)
    return int(lost)


if __name__ == "__main__":
    command(main)
