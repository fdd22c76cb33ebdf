"""How fast our training step on images is beside a hand-written PyTorch loop, for SMate's networks and a ResNet pair.

First both train from the same weights on the same batches, latent vectors and dropout, and every loss has to agree:
equal work. Then both are timed in turn, on the processor at small widths and, where there is a GPU, on it at the
published ones, there also with bfloat16 and compiled networks. The last line is a JSON object with the ratios of
generator steps per second, ours over the loop's, which is always eager and in float32.

    python -m experiments.benchmarks.image_step [--threads 2] [--processor-time] [--quick]
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain, pairwise
from typing import Any
from unittest import mock

import numpy as np
import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from experiments import command
from experiments.benchmarks.loops import (
    Clocked,
    Contest,
    Recorder,
    Stopwatch,
    Tape,
    argument_parser,
    clock_loop,
    copy_state,
    injected_noise,
    relative_difference,
    run,
    train,
)
from gan_imbalance.callbacks import CompileNetworks
from gan_imbalance.data import ImageDataModule, ImageSet
from gan_imbalance.gans import GAN, BaseGAN, ConditionalGAN
from gan_imbalance.losses import HingeLoss, NonSaturatingLoss
from gan_imbalance.networks import ResNetDiscriminator, ResNetGenerator, SMateDiscriminator, SMateGenerator
from gan_imbalance.optimizers import AdversarialAdam

CLASSES = 10
IMAGES_PER_CLASS = 200
PROVEN_STEPS = 5
WARMUP_STEPS = {"cpu": 2, "cuda": 20}
CLOCKED_STEPS = {"cpu": 10, "cuda": 300}


@dataclass(frozen=True)
class Pair:
    """A pair of networks with all that both of its trainings need.

    Attributes:
        networks: makes the hand-written generator and discriminator.
        gan: makes the same GAN of ours.
        discriminator_loss: of real and fake scores, (n,) each.
        generator_loss: of fake scores, (n,).
        draw_latents: draws latent vectors of a shape on a device.
        noise: name of the torch function that it draws with.
        latent_dim: width of the latent vector.
        dropped_features: how many features of an image dropout is applied to.
        discriminator_steps: per generator step.
        batch_size: images per batch.
        learning_rates: of the generator and of the discriminator.
        betas: of Adam.
    """

    networks: Callable[[], tuple[nn.Module, nn.Module]]
    gan: Callable[[], BaseGAN]
    discriminator_loss: Callable[[Tensor, Tensor], Tensor]
    generator_loss: Callable[[Tensor], Tensor]
    draw_latents: Callable[..., Tensor]
    noise: str
    latent_dim: int
    dropped_features: int
    discriminator_steps: int
    batch_size: int
    learning_rates: tuple[float, float]
    betas: tuple[float, float]


# -- SMate's networks, by hand ----------------------------------------------------------------------------------


class Unconditional(nn.Sequential):
    """Layers in a row that are told the classes, too, and do not listen."""

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        """Map a batch."""
        return super().forward(x)


def smate_networks(width: float) -> tuple[nn.Module, nn.Module]:
    """Return the generator and the discriminator of SMate for 32 x 32 pixels in colour, with a factor of channels."""
    coarse, fine = round(256 * width), round(128 * width)
    layers: list[nn.Module] = [nn.Linear(100, coarse * 16), _leaky(), nn.Unflatten(1, (coarse, 4, 4))]
    for inputs in (coarse, fine, fine):
        layers += [nn.ConvTranspose2d(inputs, fine, 4, stride=2, padding=1), _leaky()]
    generator = Unconditional(*layers, nn.Conv2d(fine, 3, 3, padding=1), nn.Tanh())
    widths = [3, *(round(channels * width) for channels in (64, 128, 128, 256))]
    layers = []
    for (inputs, outputs), stride in zip(pairwise(widths), (1, 2, 2, 2), strict=True):
        layers += [nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1), _leaky()]
    head = [nn.Flatten(), nn.Dropout(0.4), nn.Linear(widths[-1] * 16, 1), nn.Flatten(0)]
    return generator, Unconditional(*layers, *head)


def _leaky() -> nn.Module:
    return nn.LeakyReLU(0.2, inplace=True)


def smate(width: float) -> Pair:
    """Return SMate's pair as published: non-saturating loss, one discriminator step, batches of 128, U(-1, 1)."""

    def gan() -> BaseGAN:
        return GAN(
            generator=partial(SMateGenerator, width=width),
            discriminator=partial(SMateDiscriminator, width=width),
            loss=NonSaturatingLoss(),
            latent_dim=100,
            latent_distribution="uniform",
            generator_optimizer=partial(AdversarialAdam, lr=1e-4, betas=(0.5, 0.999)),
            discriminator_optimizer=partial(AdversarialAdam, lr=2e-4, betas=(0.5, 0.999)),
        )

    return Pair(
        networks=partial(smate_networks, width),
        gan=gan,
        discriminator_loss=lambda real, fake: F.softplus(-real).mean() + F.softplus(fake).mean(),
        generator_loss=lambda fake: F.softplus(-fake).mean(),
        draw_latents=lambda *shape, device: 2 * torch.rand(*shape, device=device) - 1,
        noise="rand",
        latent_dim=100,
        dropped_features=round(256 * width) * 16,
        discriminator_steps=1,
        batch_size=128,
        learning_rates=(1e-4, 2e-4),
        betas=(0.5, 0.999),
    )


# -- the residual networks, by hand -----------------------------------------------------------------------------


class ConditionalNorm(nn.Module):
    """Batch norm with a scale and a shift of every class."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale, self.shift = nn.Embedding(CLASSES, channels), nn.Embedding(CLASSES, channels)
        self.norm = nn.BatchNorm2d(channels, affine=False)

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        """Normalise a batch of maps."""
        scale, shift = (table(labels)[:, :, None, None] for table in (self.scale, self.shift))
        return self.norm(x) * scale + shift


class Growing(nn.Module):
    """A residual block that doubles its maps."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = ConditionalNorm(width), ConditionalNorm(width)
        self.doubled, self.convolution = _convolution(width, width), _convolution(width, width)
        self.shortcut = nn.Conv2d(width, width, 1)

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        """Map (n, width, h, w) to (n, width, 2h, 2w)."""
        out = self.doubled(F.interpolate(F.relu(self.first(x, labels), inplace=True), scale_factor=2))
        out = self.convolution(F.relu(self.second(out, labels), inplace=True))
        return out + F.interpolate(self.shortcut(x), scale_factor=2)


class Generator(nn.Module):
    """A dense layer, three blocks that double, and an output convolution."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Linear(128, width * 16), nn.Unflatten(1, (width, 4, 4)))
        self.blocks = nn.ModuleList(Growing(width) for _ in range(3))
        self.last = nn.Sequential(nn.BatchNorm2d(width), nn.ReLU(inplace=True), _convolution(width, 3), nn.Tanh())

    def forward(self, latents: Tensor, labels: Tensor) -> Tensor:
        """Map (n, 128) to (n, 3, 32, 32)."""
        out = self.first(latents)
        for block in self.blocks:
            out = block(out, labels)
        return self.last(out)


class Judging(nn.Module):
    """A residual block of layers bound by their spectral norm, that may halve its maps."""

    def __init__(self, inputs: int, outputs: int, halving: bool, first: bool = False) -> None:
        super().__init__()
        self.is_first = first
        self.one = spectral_norm(_convolution(inputs, outputs))
        self.two = spectral_norm(_convolution(outputs, outputs))
        self.halve = nn.AvgPool2d(2) if halving else nn.Identity()
        self.shortcut = spectral_norm(nn.Conv2d(inputs, outputs, 1)) if halving else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, inputs, h, w) to (n, outputs, h, w) or half as high and wide."""
        out = self.one(x if self.is_first else F.relu(x))
        out = self.halve(self.two(F.relu(out, inplace=True)))
        return out + self.shortcut(self.halve(x))


class Discriminator(nn.Module):
    """Two blocks that halve, two that do not, and a dense layer with projection of the class."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.blocks = nn.Sequential(
            Judging(3, width, True, first=True), *(Judging(width, width, halving) for halving in (True, False, False))
        )
        self.head = spectral_norm(nn.Linear(width, 1))
        self.classes = spectral_norm(nn.Linear(width, CLASSES, bias=False))

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        """Map (n, 3, 32, 32) to (n,)."""
        features = F.relu(self.blocks(x)).sum(dim=(2, 3))
        projected = self.classes(features).gather(1, labels[:, None])
        return (self.head(features) + projected).squeeze(1)


def _convolution(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1)


def resnet(generator_width: int, discriminator_width: int) -> Pair:
    """Return the residual pair: hinge loss, spectral norm, projection, five discriminator steps, batches of 64."""
    adam = partial(AdversarialAdam, lr=2e-4, betas=(0.0, 0.9))

    def gan() -> BaseGAN:
        return ConditionalGAN(
            generator=partial(ResNetGenerator, width=generator_width),
            discriminator=partial(ResNetDiscriminator, width=discriminator_width),
            loss=HingeLoss(),
            latent_dim=128,
            discriminator_steps=5,
            generator_optimizer=adam,
            discriminator_optimizer=adam,
        )

    return Pair(
        networks=lambda: (Generator(generator_width), Discriminator(discriminator_width)),
        gan=gan,
        discriminator_loss=lambda real, fake: F.relu(1 - real).mean() + F.relu(1 + fake).mean(),
        generator_loss=lambda fake: -fake.mean(),
        draw_latents=lambda *shape, device: torch.randn(*shape, device=device),
        noise="randn",
        latent_dim=128,
        dropped_features=0,
        discriminator_steps=5,
        batch_size=64,
        learning_rates=(2e-4, 2e-4),
        betas=(0.0, 0.9),
    )


# -- the hand-written loop --------------------------------------------------------------------------------------


def drawn_batches(images: Tensor, labels: Tensor, pair: Pair) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield without end the real images of a generator step, drawn with replacement, and their classes.

    Args:
        images: uint8 of shape (n, 3, 32, 32).
        labels: (n,).
        pair: says how many.
    """
    while True:
        rows = torch.randint(len(images), (pair.discriminator_steps, pair.batch_size)).to(images.device)
        yield images[rows] / 127.5 - 1, labels[rows]


def handwritten_steps(
    pair: Pair, generator: nn.Module, discriminator: nn.Module, batches: Iterable[tuple[Tensor, Tensor]]
) -> Iterator[list[Tensor]]:
    """Train a GAN as one writes it in plain PyTorch, with care for speed.

    Real images and fakes are judged at once, and the fakes of all steps but the last are made at once: spectral norm
    and batch norm would notice if it were otherwise.

    Args:
        pair: how to train.
        generator: maps latents (n, latent_dim) and classes (n,) to images.
        discriminator: maps images and classes (n,) to scores (n,).
        batches: of every generator step, images (discriminator steps, n, 3, 32, 32) in [-1, 1] and classes.

    Yields:
        The discriminator's losses of one generator step in order, and the generator's.
    """
    networks = generator, discriminator
    generator_optimizer, discriminator_optimizer = (
        torch.optim.Adam(network.parameters(), lr=lr, betas=pair.betas, fused=True)
        for network, lr in zip(networks, pair.learning_rates, strict=True)
    )
    for stacked, labels in batches:
        fakes: list[Tensor] = []
        size, device = labels.shape[1], labels.device
        if len(labels) > 1:
            earlier = labels[:-1].flatten()
            with torch.no_grad():
                fakes += generator(pair.draw_latents(len(earlier), pair.latent_dim, device=device), earlier).split(size)
        made = generator(pair.draw_latents(size, pair.latent_dim, device=device), labels[-1])
        losses = []
        for real, fake, label in zip(stacked, [*fakes, made.detach()], labels, strict=True):
            scores = discriminator(torch.cat([real, fake]), torch.cat([label, label]))
            loss = pair.discriminator_loss(*scores.chunk(2))
            discriminator_optimizer.zero_grad()
            loss.backward()
            discriminator_optimizer.step()
            losses.append(loss.detach())
        # spares the discriminator gradients that nobody uses
        discriminator.requires_grad_(False)
        loss = pair.generator_loss(discriminator(made, labels[-1]))
        generator_optimizer.zero_grad()
        loss.backward()
        generator_optimizer.step()
        discriminator.requires_grad_(True)
        yield [*losses, loss.detach()]


# -- ours -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Variant:
    """How ours is trained, apart from the hand-written loop's way.

    Attributes:
        precision: of the trainer.
        callbacks: make what is added to the training.
    """

    precision: str = "32-true"
    callbacks: tuple[Callable[[], Callback], ...] = ()


class _Contiguous(Callback):
    """Lays the networks out as torch does by itself, channel by channel."""

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        pl_module.to(memory_format=torch.contiguous_format)


VARIANTS = {
    "bf16": Variant("bf16-mixed"),
    "compiled": Variant(callbacks=(CompileNetworks,)),
    "bf16_compiled": Variant("bf16-mixed", (CompileNetworks,)),
    "contiguous": Variant(callbacks=(_Contiguous,)),
}


def our_data(pair: Pair, device: str = "cpu") -> ImageDataModule:
    """Return noise as images of equally frequent classes; all are for training."""
    labels = np.repeat(np.arange(CLASSES), IMAGES_PER_CLASS)
    pixels = torch.randint(256, (len(labels), 3, 32, 32), generator=torch.Generator().manual_seed(0))
    return ImageDataModule(
        images=ImageSet(pixels.byte(), labels, tuple(range(CLASSES))),
        test_fraction=0.0,
        validation_fraction=0.0,
        batch_size=pair.batch_size,
        steps_per_epoch=WARMUP_STEPS[device] + CLOCKED_STEPS[device],
    )


# -- the contest ------------------------------------------------------------------------------------------------


@contextmanager
def injected_dropout(rows: Tensor) -> Iterator[None]:
    """Decide by the given rows, in order, which features dropout zeroes.

    Args:
        rows: numbers in [0, 1), (rows, features); a feature goes where its number is below the probability.
    """
    tape = Tape(rows)

    def dropout(x: Tensor, p: float, training: bool, inplace: bool) -> Tensor:
        return x * (tape(x.shape) >= p) / (1 - p)

    with mock.patch.object(F, "dropout", dropout):
        yield


def largest_difference(pair: Pair, data: ImageDataModule, device: str, steps: int, other: Pair | None = None) -> float:
    """Return the largest relative difference between any loss of ours and of the hand-written loop.

    Both start from the same weights and take the same batches, latent vectors and dropout, in double precision (see
    :func:`experiments.benchmarks.training_step.largest_difference`).

    Args:
        pair: the networks.
        data: our data module.
        device: ``cpu`` or ``cuda``.
        steps: generator steps.
        other: what the hand-written loop trains, if not the same.
    """
    images = steps * pair.discriminator_steps * pair.batch_size
    double: Any = {"dtype": torch.float64, "device": device}
    latents = (torch.randn if pair.noise == "randn" else torch.rand)(images, pair.latent_dim, **double)
    judged = 2 * images + steps * pair.batch_size
    dropped = torch.rand(judged, pair.dropped_features, **double)

    recorder = Recorder()
    with injected_noise(**{pair.noise: latents}), injected_dropout(dropped):
        train(pair.gan(), data, steps, recorder, device=device, precision="64-true")
    loop = other or pair
    networks = loop.networks()
    for network, recorded in zip(networks, recorder.networks, strict=True):
        copy_state(recorded, network.to(**double, memory_format=torch.channels_last))
    batches = ((real.double(), labels) for real, labels in recorder.batches)
    with injected_noise(**{pair.noise: latents}), injected_dropout(dropped):
        theirs = [*chain(*handwritten_steps(loop, *networks, batches))]
    assert len(theirs) == steps * (pair.discriminator_steps + 1)
    return relative_difference(recorder.losses, theirs)


def contest(name: str, pair: Pair, device: str, variants: Sequence[str]) -> Contest:
    """Return the contest of a pair of networks.

    Args:
        name: the first part of the names of the ratios.
        pair: the networks.
        device: ``cpu`` or ``cuda``.
        variants: of ours, beside the one that does what the loop does.
    """
    data = our_data(pair, device)
    samples = data.samples
    images, labels = samples.images.to(device), torch.from_numpy(samples.labels).to(device)
    warmup_steps = WARMUP_STEPS[device]

    def loop(steps: int) -> Clocked:
        generator, discriminator = (
            network.to(device=device, memory_format=torch.channels_last) for network in pair.networks()
        )
        training = handwritten_steps(pair, generator, discriminator, drawn_batches(images, labels, pair))
        return clock_loop(training, steps, warmup_steps, device)

    def ours(variant: Variant, steps: int) -> Clocked:
        stopwatch = Stopwatch(warmup_steps, device)
        callbacks = [stopwatch, *(make() for make in variant.callbacks)]
        train(pair.gan(), data, warmup_steps + steps, *callbacks, device=device, precision=variant.precision)
        return stopwatch.clocked

    trained = {name: Variant(), **{f"{name}_{variant}": VARIANTS[variant] for variant in variants}}
    return Contest(
        partial(largest_difference, pair, data, device),
        loop,
        {key: partial(ours, variant) for key, variant in trained.items()},
        CLOCKED_STEPS[device],
    )


def main(args: Sequence[str] | None = None) -> None:
    """Run the benchmark with the given arguments, or else those of the command line."""
    parser = argument_parser("Our training step on images beside a hand-written PyTorch loop.")
    parser.add_argument(
        "--variants", nargs="*", choices=VARIANTS, default=[], help="of ours; a GPU tries all unless told"
    )
    parser.add_argument(
        "--pairs", nargs="+", choices=("smate", "resnet"), default=("smate", "resnet"), help="of networks"
    )
    options = parser.parse_args(args)
    small = (
        {"smate": smate(0.05), "resnet": resnet(4, 4)}
        if options.quick
        else {"smate": smate(0.5), "resnet": resnet(16, 16)}
    )
    contests = {name: partial(contest, name, small[name], "cpu", options.variants) for name in options.pairs}
    if torch.cuda.is_available():
        published = {"smate": smate(1.0), "resnet": resnet(256, 128)}
        for name in options.pairs:
            contests[f"{name}_gpu"] = partial(
                contest, f"{name}_gpu", published[name], "cuda", options.variants or [*VARIANTS]
            )
    run(options, contests, PROVEN_STEPS)


if __name__ == "__main__":
    command(main)
