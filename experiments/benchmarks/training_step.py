"""How fast our training step is beside a hand-written PyTorch loop, on the same WGAN-GP.

First both train from the same weights on the same batches and noise, and every loss has to agree: equal work. Then
both are timed in turn. The last line is a JSON object with the ratio of generator steps per second, ours over the
loop's.

    python -m experiments.benchmarks.training_step [--threads 2] [--quick]
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, pairwise

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from experiments import command
from experiments.benchmarks.loops import (
    Clocked,
    Contest,
    Recorder,
    Stopwatch,
    argument_parser,
    clock_loop,
    injected_noise,
    relative_difference,
    run,
    train,
)
from gan_imbalance.data import TabularDataModule
from gan_imbalance.gans import WassersteinGAN
from gan_imbalance.networks import DenseDiscriminator, DenseGenerator

FEATURES = 30
MINORITY_ROWS = 1000
LATENT_DIM = 32
CRITIC_STEPS = 5
PENALTY_WEIGHT = 10.0
LEARNING_RATE = 1e-4
BETAS = (0.5, 0.9)
PROVEN_STEPS = 20
WARMUP_STEPS = 10
CLOCKED_STEPS = 100


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


# -- ours -------------------------------------------------------------------------------------------------------


def our_data(size: Size) -> TabularDataModule:
    """Return a table of random numbers whose minority has MINORITY_ROWS rows; all are for training."""
    features = np.random.default_rng(0).normal(size=(3 * MINORITY_ROWS, FEATURES))
    frame = pd.DataFrame(features).assign(label=np.repeat([0, 1], [2 * MINORITY_ROWS, MINORITY_ROWS]))
    return TabularDataModule(
        frame=frame, target="label", test_fraction=0.0, validation_fraction=0.0, batch_size=size.batch_size
    )


def our_gan(size: Size) -> WassersteinGAN:
    """Return a WGAN-GP of ours."""
    return WassersteinGAN(
        generator=partial(DenseGenerator, widths=size.generator_widths),
        discriminator=partial(DenseDiscriminator, widths=size.critic_widths),
        latent_dim=LATENT_DIM,
        discriminator_steps=CRITIC_STEPS,
    )


# -- the contest ------------------------------------------------------------------------------------------------


def largest_difference(
    size: Size, data: TabularDataModule, steps: int = PROVEN_STEPS, penalty_weight: float = PENALTY_WEIGHT
) -> float:
    """Return the largest relative difference between any loss of ours and of the hand-written loop.

    Both start from the same weights and take the same batches and noise. All in double precision: in single, Adam would
    blow the rounding error of gradients that are zero, such as that of the critic's last bias, up to whole steps.

    Args:
        size: of the WGAN-GP.
        data: our data module.
        steps: generator steps.
        penalty_weight: that of the hand-written loop; another one than ours makes a difference.
    """
    rows = steps * CRITIC_STEPS * size.batch_size
    latents = torch.randn(rows, LATENT_DIM, dtype=torch.float64)
    mixing_weights = torch.rand(rows, 1, dtype=torch.float64)
    recorder = Recorder()
    with injected_noise(randn=latents, rand=mixing_weights):
        train(our_gan(size), data, steps, recorder, precision="64-true")
    networks = handwritten_networks(size)
    for network, recorded in zip(networks, recorder.networks, strict=True):
        # our weights lie input by output
        values = [value.t() if value.ndim == 2 else value for value in recorded.state_dict().values()]
        network.double().load_state_dict(dict(zip(network.state_dict(), values, strict=True)))
    batches = (real.double() for real, _ in recorder.batches)
    with injected_noise(randn=latents, rand=mixing_weights):
        theirs = [*chain(*handwritten_steps(*networks, batches, penalty_weight))]
    assert len(theirs) == steps * (CRITIC_STEPS + 1)
    return relative_difference(recorder.losses, theirs)


def contest(name: str) -> Contest:
    """Return the contest in one of the sizes."""
    size = SIZES[name]
    data = our_data(size)
    data.setup()
    rows, _ = data.encoded("train", "minority")

    def loop(steps: int) -> Clocked:
        training = handwritten_steps(*handwritten_networks(size), drawn_batches(rows, size))
        return clock_loop(training, steps, WARMUP_STEPS)

    def ours(steps: int) -> Clocked:
        stopwatch = Stopwatch(WARMUP_STEPS)
        train(our_gan(size), data, WARMUP_STEPS + steps, stopwatch)
        return stopwatch.clocked

    return Contest(partial(largest_difference, size, data), loop, {name: ours}, CLOCKED_STEPS)


def main(args: Sequence[str] | None = None) -> None:
    """Run the benchmark with the given arguments, or else those of the command line."""
    options = argument_parser("Our training step beside a hand-written PyTorch loop.").parse_args(args)
    run(options, {name: partial(contest, name) for name in SIZES}, PROVEN_STEPS)


if __name__ == "__main__":
    command(main)
