"""What the benchmarks of a training step share: a proof of equal work, timing in turn, ratios as one line of JSON."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from dataclasses import dataclass
from itertools import islice
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, cast
from unittest import mock

import torch
from pytorch_lightning import Callback, LightningDataModule, LightningModule, Trainer
from torch import Tensor, nn

from gan_imbalance.callbacks import FiniteLossGuard
from gan_imbalance.gans import BaseGAN
from gan_imbalance.quiet import quiet_lightning

TOLERANCE = 1e-8


@dataclass(frozen=True)
class Clocked:
    """Seconds that a number of generator steps took: on the wall, and of all threads of this process."""

    wall: float
    cpu: float


@dataclass(frozen=True)
class Contest:
    """The same GAN, trained by a hand-written loop and by ours.

    Attributes:
        difference: gives the largest relative difference between losses of a number of generator steps.
        loop: clocks a number of generator steps of the hand-written loop, after a warm-up.
        ours: the same of ours, under the names that their ratios get.
        steps: how many are clocked at a time, unless the command line says.
    """

    difference: Callable[[int], float]
    loop: Callable[[int], Clocked]
    ours: Mapping[str, Callable[[int], Clocked]]
    steps: int


# -- training both ----------------------------------------------------------------------------------------------


def clock_loop(training: Iterator[Any], steps: int, warmup_steps: int, device: str = "cpu") -> Clocked:
    """Return what ``steps`` steps of a hand-written training take, after a warm-up."""
    clock = _Clock(device)
    for done, _ in enumerate(islice(training, warmup_steps + steps), start=1):
        if done == warmup_steps:
            clock.start()
    return clock.stop()


def train(
    gan: BaseGAN,
    data: LightningDataModule,
    steps: int,
    *callbacks: Callback,
    device: str = "cpu",
    precision: Any = "32-true",
) -> None:
    """Train a GAN for ``steps`` generator steps, as a user does from Python, on one device."""
    with TemporaryDirectory() as folder, quiet_lightning():
        Trainer(
            accelerator="gpu" if device == "cuda" else device,
            devices=1,
            max_steps=steps,
            precision=precision,
            callbacks=[*callbacks, FiniteLossGuard()],
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            default_root_dir=folder,
        ).fit(gan, data)


class Stopwatch(Callback):
    """Clocks a training from the end of its warm-up to its own end, checkpoints included."""

    clocked: Clocked

    def __init__(self, warmup_steps: int, device: str = "cpu") -> None:
        self.warmup_steps = warmup_steps
        self._clock = _Clock(device)

    def on_train_batch_end(self, trainer: Trainer, *args: Any) -> None:
        """Start at the end of the warm-up."""
        if trainer.global_step == self.warmup_steps:
            self._clock.start()

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Stop."""
        self.clocked = self._clock.stop()


class _Clock:
    """Wall and processor time from :meth:`start` to :meth:`stop`, when the device has done what it was told."""

    def __init__(self, device: str) -> None:
        self._wait: Callable[[], Any] = torch.cuda.synchronize if device == "cuda" else lambda: None

    def start(self) -> None:
        self._wait()
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def stop(self) -> Clocked:
        self._wait()
        return Clocked(time.perf_counter() - self._wall, time.process_time() - self._cpu)


# -- equal work -------------------------------------------------------------------------------------------------


class Recorder(Callback):
    """Keeps what a training started from and was given, and all its losses in order."""

    networks: tuple[nn.Module, nn.Module]

    def __init__(self) -> None:
        self.batches: list[tuple[Tensor, Tensor]] = []
        self.losses: list[Tensor] = []

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Keep the networks as they are."""
        gan = cast(BaseGAN, pl_module)
        self.networks = deepcopy((gan.generator, gan.discriminator))

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Keep the samples and conditions of a step."""
        self.batches.append(batch)

    def on_before_backward(self, trainer: Trainer, pl_module: LightningModule, loss: Tensor) -> None:
        """Keep a loss."""
        self.losses.append(loss.detach())


def copy_state(source: nn.Module, to: nn.Module) -> None:
    """Copy parameters and buffers, in order, into a network that has the same ones by other names."""
    names, values = to.state_dict().keys(), source.state_dict().values()
    to.load_state_dict(dict(zip(names, values, strict=True)))


@contextmanager
def injected_noise(**noise: Tensor) -> Iterator[None]:
    """Hand out the given rows, in order, to whoever asks torch for random numbers.

    So the very code that is timed is compared, however many rows it draws at once.

    Args:
        noise: rows by the name of torch's function that they stand in for: ``rand``, ``randn``.
    """
    with ExitStack() as stack:
        for name, rows in noise.items():
            stack.enter_context(mock.patch.object(torch, name, Tape(rows)))
        yield


class Tape:
    """Stands in for a random function: called with a shape, gives the next rows of that shape."""

    def __init__(self, rows: Tensor) -> None:
        self.rows = rows
        self.position = 0

    def __call__(self, *shape: Any, **options: Any) -> Tensor:
        """Return the next rows."""
        size = torch.Size(shape[0] if isinstance(shape[0], tuple) else shape)
        start, self.position = self.position, self.position + size[0]
        return self.rows[start : self.position].view(size)


def relative_difference(ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> float:
    """Return the largest relative difference of losses; those below 1 are compared by absolute difference."""
    left, right = torch.stack([*ours]), torch.stack([*theirs])
    assert left.shape == right.shape, f"{len(left)} and {len(right)} losses"
    return float(((left - right).abs() / right.abs().clamp(min=1)).max())


# -- the benchmark ----------------------------------------------------------------------------------------------


def compare(
    name: str, contest: Contest, proven_steps: int, steps: int, repetitions: int, by_processor: bool
) -> dict[str, float]:
    """Prove equal work, time all in turn, print what was measured, and return the median ratios."""
    difference = contest.difference(proven_steps)
    assert difference <= TOLERANCE, f"{name}: losses differ by {difference:.1e}, so the work is not equal"
    print(f"{name}: losses of {proven_steps} steps agree to {difference:.1e}")
    ratios: dict[str, list[float]] = {key: [] for key in contest.ours}
    for repetition in range(repetitions):
        loop = contest.loop(steps)
        for key, clock in contest.ours.items():
            ours = clock(steps)
            wall, processor = loop.wall / ours.wall, loop.cpu / ours.cpu
            ratios[key].append(processor if by_processor else wall)
            print(
                f"{key} {repetition + 1}/{repetitions}: loop {steps / loop.wall:.2f} and ours {steps / ours.wall:.2f} "
                f"generator steps/s, ratio {wall:.3f} (by processor time {processor:.3f})",
                flush=True,
            )
    return {f"ratio_{key}": round(median(values), 3) for key, values in ratios.items()}


def argument_parser(description: str) -> argparse.ArgumentParser:
    """Return a parser of what all benchmarks of a step are told."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="torch's threads, for both")
    parser.add_argument("--steps", type=int, help="generator steps that are clocked at a time")
    parser.add_argument("--repetitions", type=int, default=5, help="turns")
    parser.add_argument(
        "--processor-time",
        action="store_true",
        help="give ratios of the processor's time, where others are busy too; it does not tell what a GPU takes",
    )
    parser.add_argument("--quick", action="store_true", help="see that it works: few steps, one repetition")
    return parser


def run(options: argparse.Namespace, contests: Mapping[str, Callable[[], Contest]], proven_steps: int) -> None:
    """Hold the contests as the command line says, and print the ratios of all in one line of JSON."""
    torch.set_num_threads(options.threads)
    print(f"torch {torch.__version__}, {options.threads} thread(s)")
    ratios: dict[str, float] = {}
    for name, make in contests.items():
        contest = make()
        counts = (2, 5, 1) if options.quick else (proven_steps, options.steps or contest.steps, options.repetitions)
        ratios |= compare(name, contest, *counts, options.processor_time)
    print(json.dumps(ratios))
