"""A diffusion model of tables, with its network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar

import torch
from pytorch_lightning.cli import OptimizerCallable
from torch import Tensor, nn
from torch.optim import Optimizer

from gan_imbalance.components import factory, to_config
from gan_imbalance.generators.base import BaseGenerator
from gan_imbalance.seeding import seeded
from gan_imbalance.types import ClassSelection, DataKind, DataSpec, InputError

# a dict, since the command line cannot write partials into the configuration of a run
_ADAM: Any = to_config(partial(torch.optim.AdamW, lr=1e-3, weight_decay=1e-4))

# Nichol and Dhariwal 2021 (https://arxiv.org/abs/2102.09672), eq. 17: keeps the first steps from being too small
_OFFSET = 0.008
_LARGEST_BETA = 0.999
_LEAST = 1e-30


class TabularDiffusion(BaseGenerator):
    """TabDDPM: learns to take noise out of rows, Gaussian noise of numbers and random replacements of categories.

    Kotelnikov et al. 2023, TabDDPM: Modelling Tabular Data with Diffusion Models (https://arxiv.org/abs/2209.15421).
    Numbers are diffused as in Ho et al. 2020 (https://arxiv.org/abs/2006.11239), with the noise as what is predicted;
    categories as in Hoogeboom et al. 2021 (https://arxiv.org/abs/2102.05379), with the category as what is predicted.
    One network is conditioned on the step and the class. It wants numbers of about unit variance, such as normal
    quantiles.

    Args:
        widths: of the hidden layers.
        embedding: width to which row, step and class are brought before they are added.
        dropout: of the hidden layers, in [0, 1).
        timesteps: steps from data to noise, and evaluations of the network per sample; cosine schedule.
        classes: what it learns: ``minority``, ``majority``, ``all``, or a list of labels.
        optimizer: called with the network's parameters; AdamW at 0.001 by default.

    Example:
        Few steps of noise make sampling fast, and rows coarse:

        >>> import pandas as pd
        >>> from gan_imbalance import GANOverSampler, TabularDiffusion
        >>> table = pd.DataFrame({"size": range(40), "colour": ["red", "blue"] * 20})
        >>> labels = ["common"] * 30 + ["rare"] * 10
        >>> X, y = GANOverSampler(TabularDiffusion(timesteps=10), max_steps=3).fit_resample(table, labels)
        >>> len(X)
        60
    """

    conditional: ClassVar[bool] = True
    kinds: ClassVar[tuple[DataKind, ...]] = ("table",)

    network: DenoisingMLP
    kept: Tensor
    numbers: Tensor
    categories: Tensor
    column: Tensor
    levels: Tensor
    lowest: Tensor
    highest: Tensor

    def __init__(
        self,
        widths: Sequence[int] = (256, 256),
        embedding: int = 128,
        dropout: float = 0.0,
        timesteps: int = 300,
        classes: ClassSelection = "all",
        optimizer: OptimizerCallable = _ADAM,
    ) -> None:
        super().__init__(classes)
        self.widths = widths
        self.embedding = embedding
        self.dropout = dropout
        self.timesteps = timesteps
        self.make_optimizer: OptimizerCallable = factory(optimizer)
        if timesteps < 2:
            raise InputError(f"timesteps is {timesteps}: it must be at least 2.")
        if embedding < 2 or embedding % 2:
            raise InputError(f"embedding is {embedding}: give an even number of at least 2.")

    @property
    def ema_target(self) -> nn.Module:
        """The network."""
        return self.network

    def build_networks(self, spec: DataSpec, num_conditions: int) -> None:
        """Build the network, the schedule, and the lists of numbers and categories among the features."""
        (width,) = spec.shape
        self.network = DenoisingMLP(width, num_conditions, self.widths, self.embedding, self.dropout)
        categorical = [span for span in spec.spans if span.is_categorical]
        is_number = torch.ones(width, dtype=torch.bool)
        for span in categorical:
            is_number[span.start : span.stop] = False
        sizes = torch.tensor([span.size for span in categorical], dtype=torch.long)
        buffers = {
            # of the signal's variance, what is left after every step; all of it before the first
            "kept": cosine_schedule(self.timesteps),
            "numbers": is_number.nonzero()[:, 0],
            "categories": (~is_number).nonzero()[:, 0],
            # of every categorical feature, its column and how many levels that has
            "column": torch.arange(len(sizes)).repeat_interleave(sizes),
            "levels": sizes.repeat_interleave(sizes).float(),
        }
        for name, tensor in buffers.items():
            self.register_buffer(name, tensor, persistent=False)
        # of the training rows' numbers
        limits = torch.full((len(buffers["numbers"]),), torch.inf)
        self.register_buffer("lowest", -limits)
        self.register_buffer("highest", limits)

    def learn_from(self, data: Any) -> None:
        """Learn the range of every number."""
        numbers = data.encoded("train", self.class_selection)[0][:, self.numbers.cpu()]
        if numbers.numel():
            self.lowest.copy_(numbers.min(dim=0).values)
            self.highest.copy_(numbers.max(dim=0).values)

    # -- training -----------------------------------------------------------------------------------------------

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> dict[str, Tensor]:
        """Return the loss of rows (n, features) and their conditions (n,), each at a random step."""
        loss = self.denoising_loss(*batch)
        every = self.trainer.log_every_n_steps  # type: ignore[attr-defined]
        # a trainer that logs every 0 steps never logs
        if every and (self.global_step + 1) % every == 0:
            self.log("train/denoising_loss", loss, prog_bar=True)
        return {"loss": loss}

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Log the loss of validation rows, always at the same random steps."""
        with seeded(batch_idx, self.device):
            loss = self.denoising_loss(*batch)
        self.log("val/denoising_loss", loss, on_epoch=True, sync_dist=True, batch_size=len(batch[0]))

    def configure_optimizers(self) -> Optimizer:
        """Return the optimizer of the network."""
        return self.make_optimizer(self.network.parameters())

    def denoising_loss(self, x: Tensor, conditions: Tensor) -> Tensor:
        """Return the loss of rows at random steps: TabDDPM, section 3.2.

        The squared error of the predicted noise, mean over numbers, and the divergence of the true step back from the
        predicted one, mean over columns of categories.

        Args:
            x: rows, (n, features).
            conditions: condition of every row, (n,).
        """
        steps = torch.randint(1, self.timesteps + 1, (len(x),), device=x.device)
        clean, whole = x[:, self.numbers], x[:, self.categories]
        noise = torch.randn_like(clean)
        kept = self.kept[steps, None]
        noisy = kept.sqrt() * clean + (1 - kept).sqrt() * noise
        replaced = self.draw_levels(self.replaced(whole, steps))
        predicted_noise, logits = self.predict(noisy, replaced, steps, conditions)
        loss = x.new_zeros(())
        if len(self.numbers):
            loss = loss + (predicted_noise - noise).square().mean()
        if len(self.categories):
            true = self.step_back(replaced, whole, steps)
            predicted = self.step_back(replaced, self.shares(logits), steps)
            divergence = true * (true.clamp(min=_LEAST).log() - predicted.clamp(min=_LEAST).log())
            loss = loss + divergence.sum(dim=1).mean() / (int(self.column[-1]) + 1)
        return loss

    def predict(self, numbers: Tensor, categories: Tensor, steps: Tensor, conditions: Tensor) -> tuple[Tensor, Tensor]:
        """Return the predicted noise of numbers (n, d) and logits of categories (n, c), of rows at a step.

        Args:
            numbers: noisy, (n, d).
            categories: one-hot, some replaced, (n, c).
            steps: of every row, from 1, (n,).
            conditions: of every row, (n,).
        """
        x = numbers.new_empty(len(numbers), len(self.numbers) + len(self.categories))
        x = x.index_copy(1, self.numbers, numbers).index_copy(1, self.categories, categories)
        out = self.network(x, steps / self.timesteps, conditions)
        return out[:, self.numbers], out[:, self.categories]

    # -- categories, all columns at once ------------------------------------------------------------------------

    def replaced(self, shares: Tensor, steps: Tensor) -> Tensor:
        """Return the probabilities of levels after some steps, (n, c): Hoogeboom et al., eq. 12.

        Args:
            shares: of levels before the first step, (n, c).
            steps: how many, (n,).
        """
        kept = self.kept[steps, None]
        return kept * shares + (1 - kept) / self.levels

    def step_back(self, replaced: Tensor, shares: Tensor, steps: Tensor) -> Tensor:
        """Return the probabilities of levels one step earlier, (n, c): Hoogeboom et al., eq. 13.

        Args:
            replaced: one-hot levels after ``steps``, (n, c).
            shares: of levels before the first step, true or predicted, (n, c).
            steps: how many, from 1, (n,).
        """
        kept_once = (self.kept[steps] / self.kept[steps - 1])[:, None]
        once = kept_once * replaced + (1 - kept_once) / self.levels
        probabilities = once * self.replaced(shares, steps - 1)
        return probabilities / self._by_column(probabilities).clamp(min=_LEAST)

    def shares(self, logits: Tensor) -> Tensor:
        """Return the softmax of every column, (n, c)."""
        exponentials = (logits - self._highest(logits.detach())).exp()
        return exponentials / self._by_column(exponentials)

    def draw_levels(self, probabilities: Tensor) -> Tensor:
        """Return one level per column by its probabilities, one-hot, (n, c)."""
        # the largest of exponential numbers divided by their rates, as the smallest arrival comes from the highest rate
        drawn = probabilities / torch.empty_like(probabilities).exponential_().clamp(min=_LEAST)
        return (drawn == self._highest(drawn)).to(probabilities.dtype)

    def _by_column(self, x: Tensor) -> Tensor:
        """Return for every feature the sum of its column, (n, c)."""
        columns = x.new_zeros(len(x), len(self.column))
        return columns.index_add(1, self.column, x).index_select(1, self.column)

    def _highest(self, x: Tensor) -> Tensor:
        """Return for every feature the largest of its column, (n, c)."""
        columns = torch.full_like(x, -torch.inf)
        return columns.scatter_reduce(1, self.column.expand_as(x), x, "amax").index_select(1, self.column)

    # -- sampling -----------------------------------------------------------------------------------------------

    def generate(self, conditions: Tensor) -> Tensor:
        """Return one new row per condition (n,), from the global random state: (n, features)."""
        count, device = len(conditions), self.kept.device
        numbers = torch.randn(count, len(self.numbers), device=device)
        categories = self.draw_levels((1 / self.levels).expand(count, -1))
        for step in range(self.timesteps, 0, -1):
            steps = torch.full((count,), step, device=device)
            noise, logits = self.predict(numbers, categories, steps, conditions)
            numbers = self._less_noisy(numbers, noise, step)
            categories = self.draw_levels(self.step_back(categories, self.shares(logits), steps))
        rows = torch.empty(count, *self.spec.shape, device=device)
        rows[:, self.numbers], rows[:, self.categories] = numbers, categories
        for span in self.spec.spans:
            if span.encoding == "tanh":
                rows[:, span.start : span.stop].clamp_(-1, 1)
        return rows

    def _less_noisy(self, numbers: Tensor, noise: Tensor, step: int) -> Tensor:
        """Return numbers one step earlier: Ho et al., eq. 7, the smaller of their two variances.

        What the noise leaves is kept within the range of the training rows, as Ho et al. keep pixels within theirs: the
        first steps back divide by next to nothing, and an error there would grow a hundredfold.
        """
        kept, kept_before = self.kept[step], self.kept[step - 1]
        beta = 1 - kept / kept_before
        clean = ((numbers - (1 - kept).sqrt() * noise) / kept.sqrt()).clamp(self.lowest, self.highest)
        mean = kept_before.sqrt() * beta * clean + (1 - beta).sqrt() * (1 - kept_before) * numbers
        mean = mean / (1 - kept)
        variance = beta * (1 - kept_before) / (1 - kept)
        return mean + variance.sqrt() * torch.randn_like(numbers)


class DenoisingMLP(nn.Module):
    """Dense layers from a noisy row, a step and a condition to what was the row: TabDDPM, eq. 8 and 9.

    Args:
        width: features of a row.
        num_conditions: how many conditions there are.
        widths: of the hidden layers.
        embedding: width to which row, step and condition are brought before they are added.
        dropout: of the hidden layers.
    """

    frequencies: Tensor

    def __init__(
        self, width: int, num_conditions: int, widths: Sequence[int], embedding: int, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.row = nn.Linear(width, embedding)
        self.step = nn.Sequential(nn.Linear(embedding, embedding), nn.SiLU(), nn.Linear(embedding, embedding))
        self.condition = nn.Embedding(num_conditions, embedding)
        inputs = [embedding, *widths]
        layers = (
            nn.Sequential(nn.Linear(first, second), nn.ReLU(), nn.Dropout(dropout))
            for first, second in zip(inputs, widths, strict=False)
        )
        self.blocks = nn.Sequential(*layers)
        self.head = nn.Linear(inputs[-1], width)
        half = embedding // 2
        # as in Transformers, of a step that is counted up to 1,000
        frequencies = 1000 * torch.exp(-math.log(10_000) * torch.arange(half) / half)
        self.register_buffer("frequencies", frequencies, persistent=False)

    def forward(self, x: Tensor, step: Tensor, conditions: Tensor) -> Tensor:
        """Map rows (n, features), steps (n,) in (0, 1] and conditions (n,) to (n, features)."""
        angles = step[:, None] * self.frequencies
        step = self.step(torch.cat([angles.cos(), angles.sin()], dim=1))
        joined = self.row(x) + step + nn.functional.silu(self.condition(conditions))
        return self.head(self.blocks(joined))  # type: ignore[no-any-return]


def cosine_schedule(timesteps: int) -> Tensor:
    """Return which share of the variance is still the signal's after every step, (timesteps + 1,), from 1 on.

    Nichol and Dhariwal 2021 (https://arxiv.org/abs/2102.09672), eq. 17.
    """
    steps = torch.arange(timesteps + 1, dtype=torch.float64) / timesteps
    signal = torch.cos((steps + _OFFSET) / (1 + _OFFSET) * math.pi / 2).square()
    betas = (1 - signal[1:] / signal[:-1]).clamp(max=_LARGEST_BETA)
    return torch.cat([torch.ones(1, dtype=torch.float64), (1 - betas).cumprod(dim=0)]).float()
