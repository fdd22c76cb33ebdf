"""How fast our training step on time series is beside a hand-written PyTorch loop, on the same convolutional WGAN-GP.

The loop is that of :mod:`experiments.benchmarks.training_step`, with networks of series: first both train from the same
weights on the same batches and noise, and every loss has to agree, then both are timed in turn. The last line is a
JSON object with the ratio of generator steps per second, ours over the loop's.

    python -m experiments.benchmarks.series_step [--threads 2] [--quick]
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain, pairwise

import numpy as np
import torch
from torch import Tensor, nn

from experiments import command
from experiments.benchmarks import training_step
from experiments.benchmarks.loops import (
    Clocked,
    Contest,
    Recorder,
    Stopwatch,
    argument_parser,
    clock_loop,
    copy_state,
    injected_noise,
    relative_difference,
    run,
    train,
)
from experiments.benchmarks.training_step import CRITIC_STEPS, LATENT_DIM, PENALTY_WEIGHT
from gan_imbalance.data import SeriesSet, TimeSeriesDataModule
from gan_imbalance.gans import WassersteinGAN
from gan_imbalance.networks import TemporalDiscriminator, TemporalGenerator
from gan_imbalance.types import DataSpec

LENGTHS = (128, 64, 32, 16, 8)
RARE_SERIES = 200
BATCH_SIZE = 32
PROVEN_STEPS = 10
WARMUP_STEPS = 5
CLOCKED_STEPS = 30


def handwritten_networks(width: int) -> tuple[nn.Sequential, nn.Sequential]:
    """Return a generator of series of one channel as rows, (n, 128), and a critic of such rows, as wide as ours are.

    Args:
        width: channels next to the series.
    """
    ours = TemporalGenerator(DataSpec("series", (1, LENGTHS[0]), (0, 1)), LATENT_DIM, 0, width)
    widths = [layer.in_channels for layer in ours.modules() if isinstance(layer, nn.Conv1d)][::-1]
    growing: list[nn.Module] = [nn.Linear(LATENT_DIM, widths[-1] * LENGTHS[-1])]
    growing += [nn.Unflatten(1, (widths[-1], LENGTHS[-1])), nn.ReLU()]
    for length, (inputs, outputs) in zip(LENGTHS[-2::-1], pairwise(widths[::-1]), strict=True):
        growing += [nn.Upsample(length, mode="linear"), nn.Conv1d(inputs, outputs, 5, padding=2), nn.ReLU()]
    generator = nn.Sequential(*growing, nn.Conv1d(width, 1, 5, padding=2), nn.Tanh(), nn.Flatten())
    halving: list[nn.Module] = [nn.Unflatten(1, (1, LENGTHS[0]))]
    dilations = [1, *[3] * (len(widths) - 2)]
    for (inputs, outputs), dilation in zip(pairwise([1, *widths[:-1]]), dilations, strict=True):
        halving += [nn.Conv1d(inputs, outputs, 5, 2, 2 * dilation, dilation), nn.LeakyReLU(0.2)]
    return generator, nn.Sequential(*halving, nn.Flatten(), nn.Linear(widths[-2] * LENGTHS[-1], 1))


def our_data() -> TimeSeriesDataModule:
    """Return noise as series, of which the rarer class has RARE_SERIES; all are for training."""
    labels = np.repeat([0, 1], [2 * RARE_SERIES, RARE_SERIES])
    X = np.random.default_rng(0).normal(size=(len(labels), 1, LENGTHS[0])).astype(np.float32)
    return TimeSeriesDataModule(
        X=SeriesSet(X, labels, (0, 1)), test_fraction=0.0, validation_fraction=0.0, batch_size=BATCH_SIZE
    )


def our_gan(width: int) -> WassersteinGAN:
    """Return the same GAN of ours."""
    return WassersteinGAN(
        generator=partial(TemporalGenerator, width=width),
        discriminator=partial(TemporalDiscriminator, width=width),
        latent_dim=LATENT_DIM,
        discriminator_steps=CRITIC_STEPS,
    )


def largest_difference(
    width: int, data: TimeSeriesDataModule, steps: int = PROVEN_STEPS, penalty_weight: float = PENALTY_WEIGHT
) -> float:
    """Return the largest relative difference between any loss of ours and of the hand-written loop.

    See :func:`experiments.benchmarks.training_step.largest_difference`.

    Args:
        width: of the networks.
        data: our data module.
        steps: generator steps.
        penalty_weight: that of the hand-written loop; another one than ours makes a difference.
    """
    rows = steps * CRITIC_STEPS * BATCH_SIZE
    noise = {
        "randn": torch.randn(rows, LATENT_DIM, dtype=torch.float64),
        "rand": torch.rand(rows, 1, dtype=torch.float64),
    }
    recorder = Recorder()
    with injected_noise(**noise):
        train(our_gan(width), data, steps, recorder, precision="64-true")
    networks = handwritten_networks(width)
    for network, recorded in zip(networks, recorder.networks, strict=True):
        copy_state(recorded, network.double())
    batches = (real.double().flatten(2) for real, _ in recorder.batches)
    with injected_noise(**noise):
        theirs = [*chain(*training_step.handwritten_steps(*networks, batches, penalty_weight))]
    return relative_difference(recorder.losses, theirs)


def drawn_batches(series: Tensor) -> Iterator[Tensor]:
    """Yield without end the real series of a generator step as rows, (critic steps, batch, length)."""
    while True:
        yield series[torch.randint(len(series), (CRITIC_STEPS, BATCH_SIZE))]


def contest(width: int) -> Contest:
    """Return the contest at a width of the networks."""
    data = our_data()
    data.setup()
    samples, _ = data.encoded("train", "minority")
    series = samples.flatten(1)

    def loop(steps: int) -> Clocked:
        training = training_step.handwritten_steps(*handwritten_networks(width), drawn_batches(series))
        return clock_loop(training, steps, WARMUP_STEPS)

    def ours(steps: int) -> Clocked:
        stopwatch = Stopwatch(WARMUP_STEPS)
        train(our_gan(width), data, WARMUP_STEPS + steps, stopwatch)
        return stopwatch.clocked

    return Contest(partial(largest_difference, width, data), loop, {"series": ours}, CLOCKED_STEPS)


def main(args: Sequence[str] | None = None) -> None:
    """Run the benchmark with the given arguments, or else those of the command line."""
    options = argument_parser("Our training step on time series beside a hand-written PyTorch loop.").parse_args(args)
    run(options, {"series": partial(contest, 4 if options.quick else 16)}, PROVEN_STEPS)


if __name__ == "__main__":
    command(main)
