"""How fast our training step is beside a hand-written PyTorch loop, on the same WGAN-GP.

First both train from the same weights on the same batches and noise, and every loss has to agree: equal work. Then
both are timed in turn. The last line is a JSON object with the ratio of generator steps per second, ours over the
loop's.

    python -m experiments.benchmarks.training_step [--threads 2] [--quick]
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice, pairwise
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor, nn

from gan_imbalance.callbacks import FiniteLossGuard
from gan_imbalance.data import TabularDataModule
from gan_imbalance.gans import WassersteinGAN
from gan_imbalance.networks import DenseDiscriminator, DenseGenerator
from gan_imbalance.quiet import quiet_lightning

FEATURES = 30
MINORITY_ROWS = 1000
LATENT_DIM = 32
CRITIC_STEPS = 5
PENALTY_WEIGHT = 10.0
LEARNING_RATE = 1e-4
BETAS = (0.5, 0.9)
PROVEN_STEPS = 20
TOLERANCE = 1e-5
WARMUP_STEPS = 10


@dataclass(frozen=True)
class Size:
    """Batch size and hidden widths of a WGAN-GP."""

    batch_size: int
    generator_widths: Sequence[int]
    critic_widths: Sequence[int]


SIZES = {
    "small": Size(128, (128, 256, 512), (512, 256, 128)),
    "large": Size(500, (256, 256), (256, 256)),
}


@dataclass(frozen=True)
class Clocked:
    """Seconds that a number of generator steps took: on the wall, and of all threads of this process."""

    wall: float
    cpu: float


# -- the hand-written loop --------------------------------------------------------------------------------------


def dense(*widths: int) -> nn.Sequential:
    """Return linear layers of the given widths with ReLU between them."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def handwritten_networks(size: Size) -> tuple[nn.Sequential, nn.Sequential]:
    """Return a generator and a critic."""
    generator = dense(LATENT_DIM, *size.generator_widths, FEATURES)
    return generator, dense(FEATURES, *size.critic_widths, 1)


def drawn_batches(rows: Tensor, size: Size) -> Iterator[Tensor]:
    """Yield without end the real rows of a generator step, (critic steps, batch, features), with replacement."""
    while True:
        yield rows[torch.randint(len(rows), (CRITIC_STEPS, size.batch_size))]


def handwritten_steps(
    generator: nn.Module, critic: nn.Module, batches: Iterable[Tensor], penalty_weight: float = PENALTY_WEIGHT
) -> Iterator[list[Tensor]]:
    """Train a WGAN-GP (https://arxiv.org/abs/1704.00028, algorithm 1) as one writes it in plain PyTorch.

    Args:
        generator: maps (n, LATENT_DIM) to (n, features).
        critic: maps (n, features) to (n, 1).
        batches: the real rows of every generator step, (critic steps, n, features).
        penalty_weight: factor of the gradient penalty.

    Yields:
        The critic's losses of one generator step in order, and the generator's.
    """
    generator_optimizer = torch.optim.Adam(generator.parameters(), lr=LEARNING_RATE, betas=BETAS, fused=True)
    critic_optimizer = torch.optim.Adam(critic.parameters(), lr=LEARNING_RATE, betas=BETAS, fused=True)
    for stacked in batches:
        losses = []
        for number, real in enumerate(stacked, start=1):
            # the generator learns from its last fakes
            with torch.set_grad_enabled(number == len(stacked)):
                made = generator(torch.randn(len(real), LATENT_DIM))
            fake = made.detach()
            mix = torch.rand(len(real), 1)
            points = (mix * real + (1 - mix) * fake).requires_grad_()
            (gradients,) = torch.autograd.grad(critic(points).sum(), points, create_graph=True)
            penalty = (gradients.norm(dim=1) - 1).square().mean()
            loss = critic(fake).mean() - critic(real).mean() + penalty_weight * penalty
            critic_optimizer.zero_grad()
            loss.backward()
            critic_optimizer.step()
            losses.append(loss.detach())
        # spares the critic gradients that nobody uses
        critic.requires_grad_(False)
        loss = -critic(made).mean()
        generator_optimizer.zero_grad()
        loss.backward()
        generator_optimizer.step()
        critic.requires_grad_(True)
        yield [*losses, loss.detach()]


def time_handwritten(size: Size, rows: Tensor, steps: int) -> Clocked:
    """Return what ``steps`` generator steps of the hand-written loop take, after a warm-up."""
    training = handwritten_steps(*handwritten_networks(size), drawn_batches(rows, size))
    clock = _Clock()
    for done, _ in enumerate(islice(training, WARMUP_STEPS + steps), start=1):
        if done == WARMUP_STEPS:
            clock.start()
    return clock.stop()


# -- ours -------------------------------------------------------------------------------------------------------


def our_data(size: Size) -> TabularDataModule:
    """Return a table of random numbers whose minority has MINORITY_ROWS rows; all are for training."""
    features = np.random.default_rng(0).normal(size=(3 * MINORITY_ROWS, FEATURES))
    frame = pd.DataFrame(features).assign(label=np.repeat([0, 1], [2 * MINORITY_ROWS, MINORITY_ROWS]))
    return TabularDataModule(
        frame=frame, target="label", test_fraction=0.0, validation_fraction=0.0, batch_size=size.batch_size
    )


def train_ours(size: Size, data: TabularDataModule, steps: int, callback: Callback, **options: Any) -> None:
    """Train a :class:`WassersteinGAN` of ours for ``steps`` generator steps, as a user does from Python.

    Args:
        size: of the WGAN-GP.
        data: what it learns from.
        steps: generator steps.
        callback: watches the training.
        options: of the trainer.
    """
    gan = WassersteinGAN(
        generator=partial(DenseGenerator, widths=size.generator_widths),
        discriminator=partial(DenseDiscriminator, widths=size.critic_widths),
        latent_dim=LATENT_DIM,
        discriminator_steps=CRITIC_STEPS,
    )
    with TemporaryDirectory() as folder, quiet_lightning():
        Trainer(
            accelerator="cpu",
            max_steps=steps,
            callbacks=[callback, FiniteLossGuard()],
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            default_root_dir=folder,
            **options,
        ).fit(gan, data)


def time_ours(size: Size, data: TabularDataModule, steps: int) -> Clocked:
    """Return what ``steps`` generator steps of ours take, after a warm-up, checkpoints included."""
    stopwatch = _Stopwatch()
    train_ours(size, data, WARMUP_STEPS + steps, stopwatch)
    return stopwatch.clocked


class _Clock:
    """Wall and processor time from :meth:`start` to :meth:`stop`."""

    def start(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def stop(self) -> Clocked:
        return Clocked(time.perf_counter() - self._wall, time.process_time() - self._cpu)


class _Stopwatch(Callback):
    """Clocks a training from the end of its warm-up to its own end."""

    clocked: Clocked

    def __init__(self) -> None:
        self._clock = _Clock()

    def on_train_batch_end(self, trainer: Trainer, *args: Any) -> None:
        if trainer.global_step == WARMUP_STEPS:
            self._clock.start()

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.clocked = self._clock.stop()


# -- equal work -------------------------------------------------------------------------------------------------


class _Recorder(Callback):
    """Keeps what a training started from and was given, and all its losses in order."""

    networks: tuple[nn.Module, nn.Module]

    def __init__(self) -> None:
        self.batches: list[Tensor] = []
        self.losses: list[Tensor] = []

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        assert isinstance(pl_module, WassersteinGAN)
        self.networks = deepcopy((pl_module.generator, pl_module.discriminator))

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        self.batches.append(batch[0])

    def on_before_backward(self, trainer: Trainer, pl_module: LightningModule, loss: Tensor) -> None:
        self.losses.append(loss.detach())


@contextmanager
def injected_noise(latents: Tensor, mixing_weights: Tensor) -> Iterator[None]:
    """Hand out the given rows, in order, to whoever asks torch for normal or uniform numbers.

    So the very code that is timed is compared, however many rows it draws at once.

    Args:
        latents: (rows, LATENT_DIM).
        mixing_weights: (rows, 1).
    """
    with mock.patch.object(torch, "randn", _Tape(latents)), mock.patch.object(torch, "rand", _Tape(mixing_weights)):
        yield


class _Tape:
    """Stands in for a random function: called with a shape, gives the next rows of that shape."""

    def __init__(self, rows: Tensor) -> None:
        self.rows = rows
        self.position = 0

    def __call__(self, *shape: Any, **options: Any) -> Tensor:
        size = torch.Size(shape[0] if isinstance(shape[0], tuple) else shape)
        start, self.position = self.position, self.position + size[0]
        return self.rows[start : self.position].view(size)


def largest_difference(
    size: Size, data: TabularDataModule, steps: int = PROVEN_STEPS, penalty_weight: float = PENALTY_WEIGHT
) -> float:
    """Return the largest relative difference between any loss of ours and of the hand-written loop.

    Both start from the same weights and take the same batches and noise. Losses below 1 are compared by absolute
    difference. All in double precision: in single, Adam would blow the rounding error of gradients that are zero,
    such as that of the critic's last bias, up to whole steps.

    Args:
        size: of the WGAN-GP.
        data: our data module.
        steps: generator steps.
        penalty_weight: that of the hand-written loop; another one than ours makes a difference.
    """
    latents = torch.randn(steps * CRITIC_STEPS * size.batch_size, LATENT_DIM, dtype=torch.float64)
    mixing_weights = torch.rand(steps * CRITIC_STEPS * size.batch_size, 1, dtype=torch.float64)
    recorder = _Recorder()
    with injected_noise(latents, mixing_weights):
        train_ours(size, data, steps, recorder, precision="64-true")
    generator, critic = handwritten_networks(size)
    for network, recorded in zip((generator, critic), recorder.networks, strict=True):
        nn.utils.vector_to_parameters(nn.utils.parameters_to_vector(recorded.parameters()), network.parameters())
    batches = (batch.double() for batch in recorder.batches)
    with injected_noise(latents, mixing_weights):
        theirs = torch.stack(list(chain(*handwritten_steps(generator, critic, batches, penalty_weight))))
    ours = torch.stack(recorder.losses)
    assert len(ours) == len(theirs) == steps * (CRITIC_STEPS + 1)
    return float(((ours - theirs).abs() / theirs.abs().clamp(min=1)).max())


# -- the benchmark ----------------------------------------------------------------------------------------------


def compare(name: str, proven_steps: int, steps: int, repetitions: int) -> float:
    """Prove equal work, time both in turn, print what was measured, and return the median ratio."""
    size = SIZES[name]
    data = our_data(size)
    difference = largest_difference(size, data, proven_steps)
    assert difference <= TOLERANCE, f"{name}: losses differ by {difference:.1e}, so the work is not equal"
    print(f"{name}: losses of {proven_steps} steps agree to {difference:.1e}")
    rows, _ = data.encoded("train", "minority")
    ratios = []
    for repetition in range(repetitions):
        loop, ours = time_handwritten(size, rows, steps), time_ours(size, data, steps)
        ratios.append(loop.wall / ours.wall)
        print(
            f"{name} {repetition + 1}/{repetitions}: loop {steps / loop.wall:.1f} and ours {steps / ours.wall:.1f} "
            f"generator steps/s, ratio {ratios[-1]:.3f} (by processor time {loop.cpu / ours.cpu:.3f})"
        )
    return median(ratios)


def main(args: Sequence[str] | None = None) -> None:
    """Run the benchmark with the given arguments, or else those of the command line."""
    parser = argparse.ArgumentParser(description="Our training step beside a hand-written PyTorch loop.")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="torch's threads, for both")
    parser.add_argument("--steps", type=int, default=100, help="generator steps that are clocked at a time")
    parser.add_argument("--repetitions", type=int, default=5, help="alternations between the two")
    parser.add_argument("--quick", action="store_true", help="see that it works: few steps, one repetition")
    options = parser.parse_args(args)
    counts = (2, 5, 1) if options.quick else (PROVEN_STEPS, options.steps, options.repetitions)
    torch.set_num_threads(options.threads)
    print(f"torch {torch.__version__}, {options.threads} thread(s)")
    print(json.dumps({f"ratio_{name}": round(compare(name, *counts), 3) for name in SIZES}))


if __name__ == "__main__":
    main()
