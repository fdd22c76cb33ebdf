"""How fast and how good our conditional tabular GAN is beside CTGAN, on the Adult census.

The same rows, batch, widths, epochs and threads, in turn in one process: fitting the encoding and encoding the rows,
an epoch of training, and 100,000 samples in the form of the table. Then both train for the same wall-clock time, with
three seeds, and their rows are judged by sdmetrics' quality score and by the F1 of a classifier that learns from them
and is tested on the official test file. The last line is a JSON object.

    python -m experiments.benchmarks.table_pipeline [--threads 2] [--seconds 300] [--quick]

CTGAN comes with the project's extra ``benchmark``.
"""

from __future__ import annotations

import argparse
import json
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from statistics import mean, median
from time import perf_counter, process_time
from typing import Any, Protocol
from unittest import mock

import numpy as np
import pandas as pd
import torch
from pytorch_lightning import Callback, LightningModule, Trainer

from experiments import command
from gan_imbalance.callbacks import FiniteLossGuard, GeneratorEMA
from gan_imbalance.data import TabularDataModule
from gan_imbalance.devices import spare_gpu_lookups
from gan_imbalance.files import write_json
from gan_imbalance.gans import ConditionalTabularGAN
from gan_imbalance.networks import DenseDiscriminator
from gan_imbalance.quiet import quiet_lightning
from gan_imbalance.synthesis import synthesize
from gan_imbalance.transforms import TabularTransformer
from gan_imbalance.types import InputError

TARGET = "income"
POSITIVE = ">50K"
BATCH_SIZE = 500
# our defaults are CTGAN's, but for the rows that are judged together
CRITIC = partial(DenseDiscriminator, widths=(256, 256), activation="leaky_relu", dropout=0.5, packing=10)
SAMPLES = 100_000


now: Callable[[], float] = perf_counter
"""Seconds on the wall, or of this process on a processor, as the command line says."""


class System(Protocol):
    """One of the two competitors; what it has learned stays in it."""

    def encode(self, table: pd.DataFrame) -> tuple[float, float]:
        """Return the seconds of fitting the encoding with encoding the rows, and of encoding them once more."""

    def train(self, table: pd.DataFrame, epochs: int | None, seconds: float | None, seed: int) -> list[float]:
        """Train on the rows, encoding not counted, and return the seconds of every epoch that was finished."""

    def sample(self, rows: int, seed: int) -> pd.DataFrame:
        """Return synthetic rows in the form of the table."""


class Ours:
    """The conditional tabular GAN of this project with its average of the generator's weights."""

    def encode(self, table: pd.DataFrame) -> tuple[float, float]:
        """Time our encoding; it encodes the target's classes apart, as conditions."""
        started = now()
        classes = pd.factorize(table[TARGET], sort=True)
        features = table.drop(columns=TARGET)
        transformer = TabularTransformer().fit(features)
        transformer.transform(features)
        fitted = now()
        assert len(classes[0]) == len(transformer.transform(features))
        return fitted - started, now() - fitted

    def train(self, table: pd.DataFrame, epochs: int | None, seconds: float | None, seed: int) -> list[float]:
        """Train under Lightning's trainer, as a user does."""
        torch.manual_seed(seed)
        data = TabularDataModule(
            frame=table,
            target=TARGET,
            test_fraction=0.0,
            validation_fraction=0.0,
            batch_size=BATCH_SIZE,
            steps_per_epoch=max(1, len(table) // BATCH_SIZE),
            balanced=False,
            seed=seed,
        )
        self.class_counts = table[TARGET].value_counts()
        self.gan = ConditionalTabularGAN(discriminator=CRITIC)
        clock = _EpochClock(seconds)
        # what `fit` does, and only for itself
        with quiet_lightning(), mock.patch.dict(os.environ):
            spare_gpu_lookups()
            Trainer(
                max_epochs=epochs or -1,
                accelerator="cpu",
                callbacks=[clock, GeneratorEMA(0.999), FiniteLossGuard()],
                logger=False,
                enable_checkpointing=False,
                enable_progress_bar=False,
                enable_model_summary=False,
                limit_val_batches=0,
            ).fit(self.gan, data)
        return clock.seconds

    def sample(self, rows: int, seed: int) -> pd.DataFrame:
        """Sample the classes as often as they have training rows."""
        counts = (self.class_counts * rows / self.class_counts.sum()).round().astype(int)
        counts.iloc[0] += rows - counts.sum()
        return synthesize(self.gan, counts.to_dict(), seed).rows


class CTGAN:
    """CTGAN of the package ``ctgan`` with its own settings, which ours are taken from."""

    def __init__(self) -> None:
        try:
            from ctgan.data_transformer import DataTransformer
            from ctgan.synthesizers import ctgan as module
        except ModuleNotFoundError as error:
            raise InputError(
                f"CTGAN is not installed (no module {error.name}): pip install 'gan-imbalance[benchmark]'."
            ) from error
        self.module = module
        self.make_transformer = DataTransformer
        self.fitted: _Fitted

    def encode(self, table: pd.DataFrame) -> tuple[float, float]:
        """Time its encoding, and keep it for the training."""
        started = now()
        transformer = self.make_transformer()
        transformer.fit(table, _discrete(table))
        rows = transformer.transform(table)
        fitted = now()
        transformer.transform(table)
        done = now()
        self.fitted = _Fitted(transformer, rows)
        return fitted - started, done - fitted

    def train(self, table: pd.DataFrame, epochs: int | None, seconds: float | None, seed: int) -> list[float]:
        """Train it on rows that were encoded already; its progress bar is where it can be timed and ended."""
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        taken: list[float] = []

        def clocked(_: Any, **options: Any) -> Iterator[int]:
            started = now()
            for epoch in count() if epochs is None else range(epochs):
                epoch_started = now()
                yield epoch
                taken.append(now() - epoch_started)
                if _is_over(started, taken[-1], seconds):
                    return

        with (
            mock.patch.object(self.module, "tqdm", clocked),
            mock.patch.object(self.module, "DataTransformer", return_value=self.fitted),
        ):
            self.gan = self.module.CTGAN(batch_size=BATCH_SIZE, enable_gpu=False)
            self.gan.fit(table, _discrete(table))
        return taken

    def sample(self, rows: int, seed: int) -> pd.DataFrame:
        """Sample, the classes as often as it likes."""
        self.gan.set_random_state(seed)
        made: pd.DataFrame = self.gan.sample(rows)
        return made


class _Fitted:
    """CTGAN's fitted transformer, which is not fitted again and knows the encoded rows."""

    def __init__(self, transformer: Any, rows: np.ndarray) -> None:
        self.transformer = transformer
        self.rows = rows

    def fit(self, *args: Any) -> None:
        """Leave it as it is."""

    def transform(self, *args: Any) -> np.ndarray:
        """Return the rows that it was fitted on."""
        return self.rows

    def __getattr__(self, name: str) -> Any:
        return getattr(self.transformer, name)


class _EpochClock(Callback):
    """Keeps how many seconds every epoch took, and ends the training as CTGAN's is ended."""

    def __init__(self, limit: float | None) -> None:
        self.limit = limit
        self.seconds: list[float] = []

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._started = now()

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._epoch_started = now()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.seconds.append(now() - self._epoch_started)
        trainer.should_stop = _is_over(self._started, self.seconds[-1], self.limit)


def _is_over(started: float, epoch: float, limit: float | None) -> bool:
    """Return whether another epoch would go beyond the limit by more than half of itself."""
    return limit is not None and now() - started + epoch / 2 > limit


def _discrete(table: pd.DataFrame) -> list[str]:
    return [name for name in table if not pd.api.types.is_numeric_dtype(table[name])]


# -- how fast ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Timings:
    """Seconds of one system: of fitting and encoding, encoding, the median epoch, and the samples."""

    fit_transform: float
    transform: float
    epoch: float
    sample_100k: float


def clock(system: System, table: pd.DataFrame, epochs: int, samples: int) -> Timings:
    """Time one system once."""
    fit_transform, transform = system.encode(table)
    epoch = median(system.train(table, epochs, None, seed=0))
    started = now()
    assert len(system.sample(samples, seed=0)) == samples
    return Timings(fit_transform, transform, epoch, now() - started)


def speedups(
    systems: Sequence[Callable[[], System]], table: pd.DataFrame, repetitions: int, epochs: int, samples: int
) -> dict[str, float]:
    """Time CTGAN and ours in turn; return how many times as fast ours is, the median of all turns."""
    ratios = []
    for repetition in range(repetitions):
        theirs, ours = (clock(make(), table, epochs, samples) for make in systems)
        ratios.append({name: seconds / getattr(ours, name) for name, seconds in vars(theirs).items()})
        for name, ratio in ratios[-1].items():
            print(
                f"{name} {repetition + 1}/{repetitions}: CTGAN {getattr(theirs, name):.3f} s, "
                f"ours {getattr(ours, name):.3f} s, {ratio:.1f} times",
                flush=True,
            )
    return {f"{name}_speedup": median(turn[name] for turn in ratios) for name in ratios[0]}


# -- how good ---------------------------------------------------------------------------------------------------


def quality(real: pd.DataFrame, synthetic: pd.DataFrame) -> float:
    """Return sdmetrics' quality score, the mean of its column shapes and column-pair trends, in [0, 1]."""
    from sdmetrics.reports.single_table import QualityReport

    kinds = {name: "categorical" if name in _discrete(real) else "numerical" for name in real}
    metadata = {"columns": {name: {"sdtype": kind} for name, kind in kinds.items()}}
    report = QualityReport()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report.generate(real, synthetic[list(real)], metadata, verbose=False)
    return float(report.get_score())


def downstream_f1(training: pd.DataFrame, test: pd.DataFrame, real: pd.DataFrame) -> float:
    """Return the F1 on test rows of boosted trees (xgboost's defaults) that learn from ``training``.

    Args:
        training: synthetic or real rows.
        test: real rows.
        real: the rows that the encoding is fitted on.
    """
    from sklearn.metrics import f1_score
    from xgboost import XGBClassifier

    transformer = TabularTransformer().fit(real.drop(columns=TARGET))
    features = transformer.transform(training.drop(columns=TARGET), unknown="ignore")
    labels = (training[TARGET] == POSITIVE).to_numpy()
    if labels.all() or not labels.any():
        return 0.0
    trees = XGBClassifier(n_jobs=torch.get_num_threads()).fit(features, labels)
    predicted = trees.predict(transformer.transform(test.drop(columns=TARGET), unknown="ignore"))
    return float(f1_score(test[TARGET] == POSITIVE, predicted))


def judge(
    make: Callable[[], System], table: pd.DataFrame, test: pd.DataFrame, seconds: float, seed: int
) -> dict[str, float]:
    """Return the figures of one system that has trained for the given time."""
    system = make()
    system.encode(table)
    started = now()
    epochs = len(system.train(table, None, seconds, seed))
    trained = now() - started
    synthetic = system.sample(len(table), seed)
    return {
        "quality": quality(table, synthetic),
        "tstr_f1": downstream_f1(synthetic, test, table),
        "seconds": trained,
        "epochs": epochs,
    }


def margins(
    systems: Sequence[Callable[[], System]],
    table: pd.DataFrame,
    test: pd.DataFrame,
    seconds: float,
    seeds: int,
    output: Path,
) -> dict[str, float]:
    """Return the mean figures of ours less those of CTGAN; a seed whose file lies in ``output`` is not run again."""
    if not seeds:
        return {}
    differences = []
    for seed in range(seeds):
        figures = []
        for make in systems:
            part = output / f"{make.__name__}-{seconds:g}s-seed{seed}.json"
            if not part.is_file():
                write_json(part, judge(make, table, test, seconds, seed))
            figures.append(json.loads(part.read_text()))
            shown = ", ".join(f"{name} {value:.3f}" for name, value in figures[-1].items())
            print(f"{make.__name__}, seed {seed}: {shown}", flush=True)
        theirs, ours = figures
        differences.append({name: ours[name] - theirs[name] for name in ("quality", "tstr_f1")})
    return {f"{name}_margin": mean(seed[name] for seed in differences) for name in differences[0]}


def main(args: Sequence[str] | None = None) -> None:
    """Run the benchmark with the given arguments, or else those of the command line."""
    parser = argparse.ArgumentParser(description="Our conditional tabular GAN beside CTGAN, on Adult.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the Adult files")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="of torch and joblib, for both")
    parser.add_argument("--repetitions", type=int, default=3, help="turns of the timing")
    parser.add_argument("--epochs", type=int, default=3, help="epochs that are clocked in a turn")
    parser.add_argument("--seconds", type=float, default=300, help="training time of every GAN that is judged")
    parser.add_argument("--seeds", type=int, default=3, help="GANs of each kind that are judged")
    parser.add_argument("--output", type=Path, default=Path("runs/table_pipeline"), help="folder of the seeds' files")
    parser.add_argument("--quick", action="store_true", help="see that it works: few rows, one turn, one seed")
    parser.add_argument("--processor-time", action="store_true", help="time this process, where others are busy too")
    options = parser.parse_args(args)
    global now
    now = process_time if options.processor_time else perf_counter
    torch.set_num_threads(options.threads)
    # CTGAN encodes with as many processes as there are cores
    os.environ["LOKY_MAX_CPU_COUNT"] = str(options.threads)
    table, test = (pd.read_csv(options.data / f"adult_{part}.csv.gz") for part in ("train", "test"))
    samples, output = SAMPLES, options.output
    if options.quick:
        table, samples, output = table.iloc[:1000], 2000, output / "quick"
        options.repetitions, options.epochs, options.seconds, options.seeds = 1, 1, 1, 1
    systems = (CTGAN, Ours)
    print(f"torch {torch.__version__}, {options.threads} thread(s), {len(table)} rows, load {os.getloadavg()[0]:.1f}")
    figures = speedups(systems, table, options.repetitions, options.epochs, samples)
    print(f"real rows: tstr_f1 {downstream_f1(table, test, table):.3f}")
    figures |= margins(systems, table, test, options.seconds, options.seeds, output)
    print(json.dumps({name: round(figure, 4) for name, figure in figures.items()}))


if __name__ == "__main__":
    command(main)
