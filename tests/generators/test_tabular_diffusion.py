"""The diffusion model of tables: its formulas against matrices and against Ho et al., and that it learns."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint
from torch import Tensor, nn

from gan_imbalance.callbacks import CriticMonitor, FiniteLossGuard, GeneratorEMA
from gan_imbalance.data import TabularDataModule
from gan_imbalance.generators import TabularDiffusion
from gan_imbalance.generators.tabular_diffusion import DenoisingMLP, cosine_schedule
from gan_imbalance.types import DataSpec, InputError, Span

STEPS = 12
SPANS = (
    Span("a", "linear", 0, 1),
    Span("b", "categorical", 1, 3),
    Span("c", "tanh", 4, 1),
    Span("d", "categorical", 5, 2),
)
SPEC = DataSpec("table", (7,), ("no", "yes"), SPANS)


@pytest.fixture
def model() -> TabularDiffusion:
    """Return a model of two numbers, and of two columns of three and of two levels."""
    torch.manual_seed(0)
    model = TabularDiffusion(widths=(8,), embedding=4, timesteps=STEPS)
    model.build(SPEC, (0, 1), {})
    return model


def transition(levels: int, kept: float) -> Tensor:
    """Return the matrix of a step that keeps a level or draws one anew, from rows to columns."""
    return kept * torch.eye(levels) + (1 - kept) / levels


def one_hot(*levels: int) -> Tensor:
    return torch.cat(
        [nn.functional.one_hot(torch.tensor([level]), size) for level, size in zip(levels, (3, 2), strict=True)], 1
    ).float()


def test_the_schedule_falls_by_a_cosine_from_signal_to_noise() -> None:
    kept = cosine_schedule(1000)
    assert kept[0] == 1
    assert bool((kept.diff() < 0).all())
    angle = (torch.arange(1, 999) / 1000 + 0.008) / 1.008 * math.pi / 2
    torch.testing.assert_close(
        kept[1:999], angle.cos().square() / math.cos(0.008 / 1.008 * math.pi / 2) ** 2, rtol=1e-3, atol=1e-6
    )
    assert kept[-1] < 1e-4


@pytest.mark.parametrize("step", [1, 5, STEPS])
def test_levels_after_some_steps_are_those_of_the_chain(model: TabularDiffusion, step: int) -> None:
    each = (model.kept[1:] / model.kept[:-1]).tolist()
    expected = []
    for size, level in ((3, 2), (2, 0)):
        probabilities = torch.eye(size)[level]
        for kept in each[:step]:
            probabilities = probabilities @ transition(size, kept)
        expected.append(probabilities)
    found = model.replaced(one_hot(2, 0), torch.tensor([step]))
    torch.testing.assert_close(found[0], torch.cat(expected))


@pytest.mark.parametrize("step", [1, 2, 7, STEPS])
@pytest.mark.parametrize("level", [0, 1])
def test_a_step_back_is_bayes_rule(model: TabularDiffusion, step: int, level: int) -> None:
    shares = torch.tensor([0.7, 0.2, 0.1, 0.4, 0.6])
    once = float(model.kept[step] / model.kept[step - 1])
    expected = []
    for size, part, seen in ((3, shares[:3], 2), (2, shares[3:], level)):
        before = part @ transition(size, float(model.kept[step - 1]))
        joint = before * transition(size, once)[:, seen]
        expected.append(joint / joint.sum())
    found = model.step_back(one_hot(2, level), shares[None], torch.tensor([step]))
    torch.testing.assert_close(found[0], torch.cat(expected))


def test_numbers_go_back_to_the_mean_of_the_posterior(model: TabularDiffusion, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "randn_like", torch.zeros_like)
    clean, noise = torch.tensor([[0.3, -1.2]]), torch.tensor([[0.5, 2.0]])
    for step in (1, 4, STEPS):
        kept, before = model.kept[step], model.kept[step - 1]
        beta = 1 - kept / before
        noisy = kept.sqrt() * clean + (1 - kept).sqrt() * noise
        # Ho et al., eq. 7
        expected = before.sqrt() * beta / (1 - kept) * clean + (1 - beta).sqrt() * (1 - before) / (1 - kept) * noisy
        torch.testing.assert_close(model._less_noisy(noisy, noise, step), expected, rtol=1e-4, atol=1e-5)


def test_numbers_stay_within_the_range_of_the_training_rows(
    fit: Callable[..., pl.Trainer], tiny_data: Callable[..., TabularDataModule], tiny_gan: Callable[..., Any]
) -> None:
    data, model = tiny_data(), tiny_gan(TabularDiffusion)
    fit(model, data)
    rows, known = model.sample(torch.tensor([0, 1] * 200), seed=0), data.encoded("train")[0]
    numbers = model.numbers
    assert bool((rows[:, numbers] >= known[:, numbers].min(0).values - 1e-4).all())
    assert bool((rows[:, numbers] <= known[:, numbers].max(0).values + 1e-4).all())
    torch.testing.assert_close(model.lowest, known[:, numbers].min(0).values)


def test_shares_are_the_softmax_of_every_column(model: TabularDiffusion) -> None:
    logits = torch.randn(6, 5) * 50
    expected = torch.cat([logits[:, :3].softmax(1), logits[:, 3:].softmax(1)], dim=1)
    torch.testing.assert_close(model.shares(logits), expected)


def test_levels_are_drawn_by_their_chances(model: TabularDiffusion) -> None:
    probabilities = torch.tensor([[0.5, 0.3, 0.2, 0.9, 0.1]])
    torch.manual_seed(0)
    drawn = model.draw_levels(probabilities.expand(20_000, -1))
    assert bool((drawn[:, :3].sum(1) == 1).all())
    assert bool((drawn[:, 3:].sum(1) == 1).all())
    torch.testing.assert_close(drawn.mean(0), probabilities[0], atol=0.02, rtol=0)
    never = model.draw_levels(torch.tensor([[0.0, 1.0, 0.0, 0.0, 1.0]]).expand(1000, -1))
    assert bool((never == one_hot(1, 1)).all())


def test_the_loss_of_a_network_that_knows_the_row_is_zero(
    model: TabularDiffusion, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = torch.tensor([[0.4, 0.0, 1.0, 0.0, -0.2, 1.0, 0.0]])
    clean, levels = row[:, model.numbers], row[:, model.categories]

    def knows(numbers: Tensor, categories: Tensor, steps: Tensor, conditions: Tensor) -> tuple[Tensor, Tensor]:
        kept = model.kept[steps, None]
        return (numbers - kept.sqrt() * clean) / (1 - kept).sqrt(), 200 * levels.expand(len(numbers), -1)

    rows, conditions = row.expand(64, -1), torch.zeros(64, dtype=torch.long)
    ignorant = model.denoising_loss(rows, conditions).detach()
    monkeypatch.setattr(model, "predict", knows)
    assert float(model.denoising_loss(rows, conditions)) == pytest.approx(0, abs=1e-4)
    assert float(ignorant) > 0.1


def test_the_divergence_is_that_of_torch(model: TabularDiffusion, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "randint", lambda *_, **__: torch.tensor([6, 1]))
    levels, logits = torch.cat([one_hot(0, 1), one_hot(2, 0)]), torch.randn(2, 5)
    seen = torch.cat([one_hot(1, 1), one_hot(2, 1)])
    monkeypatch.setattr(model, "draw_levels", lambda _: seen)
    monkeypatch.setattr(model, "predict", lambda numbers, *_: (torch.zeros_like(numbers), logits))
    monkeypatch.setattr(torch, "randn_like", torch.zeros_like)
    rows = torch.zeros(2, 7)
    rows[:, model.categories] = levels
    steps = torch.tensor([6, 1])
    true, predicted = (model.step_back(seen, shares, steps) for shares in (levels, model.shares(logits)))
    expected = nn.functional.kl_div(predicted.log(), true, reduction="sum") / (2 * 2)
    torch.testing.assert_close(model.denoising_loss(rows, torch.zeros(2, dtype=torch.long)), expected)


def test_rows_have_whole_categories_and_numbers_in_range(model: TabularDiffusion) -> None:
    rows = model.sample(torch.tensor([0, 1] * 50), seed=0)
    assert rows.shape == (100, 7)
    for span in SPANS:
        block = rows[:, span.start : span.stop]
        if span.is_categorical:
            assert set(block.unique().tolist()) == {0.0, 1.0}
            assert bool((block.sum(1) == 1).all())
    assert bool((rows[:, 4].abs() <= 1).all())


def test_step_and_condition_reach_the_network() -> None:
    torch.manual_seed(0)
    network, x = DenoisingMLP(5, 3, (8, 8), 4), torch.randn(6, 5)
    step, condition = torch.full((6,), 0.5), torch.zeros(6, dtype=torch.long)
    out = network(x, step, condition)
    assert out.shape == (6, 5)
    assert not torch.equal(network(x, step / 2, condition), out)
    assert not torch.equal(network(x, step, condition + 2), out)


def test_it_learns_dependence_between_columns(fit: Callable[..., pl.Trainer], separated_frame: Any) -> None:
    random = torch.Generator().manual_seed(0)
    first = torch.randn(600, generator=random)
    second = first + 0.3 * torch.randn(600, generator=random)
    frame = (
        separated_frame.iloc[[0] * 600]
        .reset_index(drop=True)[[]]
        .assign(
            first=first.numpy(),
            second=second.numpy(),
            sign=["up" if value > 0 else "down" for value in first.tolist()],
            label=["no"] * 400 + ["yes"] * 200,
        )
    )
    data = TabularDataModule(frame=frame, target="label", batch_size=128, steps_per_epoch=1000)
    model = TabularDiffusion(widths=(64, 64), embedding=32, timesteps=50)
    fit(model, data, max_epochs=1, limit_val_batches=0, callbacks=[GeneratorEMA(0.98), FiniteLossGuard()])
    rows = model.sample(torch.ones(1000, dtype=torch.long), seed=0)
    names = [span.name for span in data.spec.spans]
    numbers = rows[:, [data.spec.spans[names.index(name)].start for name in ("first", "second")]]
    assert float(torch.corrcoef(numbers.T)[0, 1]) > 0.8
    up = rows[:, data.spec.spans[names.index("sign")].start + 1]
    assert float((up == (numbers[:, 0] > 0)).float().mean()) > 0.9


def test_a_discriminators_monitor_is_not_for_it() -> None:
    assert not issubclass(TabularDiffusion, CriticMonitor.watches)


def test_a_loss_is_told_of_validation_rows(
    fit: Callable[..., pl.Trainer], tiny_data: Callable[..., TabularDataModule], tiny_gan: Callable[..., Any]
) -> None:
    trainer = fit(tiny_gan(TabularDiffusion), tiny_data(validation_fraction=0.3))
    assert trainer.callback_metrics["val/denoising_loss"] > 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"timesteps": 1}, "timesteps is 1: it must be at least 2"), ({"embedding": 5}, "give an even number")],
)
def test_settings_that_could_not_work(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        TabularDiffusion(**settings)


def test_numbers_alone_and_categories_alone_can_be_learned(
    fit: Callable[..., pl.Trainer], tiny_gan: Callable[..., Any], separated_frame: Any, tmp_path: Path
) -> None:
    text = separated_frame.select_dtypes(exclude="number").columns.drop("label")
    numbers = separated_frame.select_dtypes("number").columns
    for dropped in (text, numbers):
        data = TabularDataModule(
            frame=separated_frame.drop(columns=dropped),
            target="label",
            batch_size=16,
            steps_per_epoch=2,
            point_masses=False,
            test_fraction=0.0,
            validation_fraction=0.0,
        )
        model = tiny_gan(TabularDiffusion, optimizer=partial(torch.optim.SGD, lr=0.1))
        fit(model, data)
        assert model.sample(torch.tensor([0, 1]), seed=0).isfinite().all()


def test_a_resumed_run_ends_where_an_uninterrupted_one_does(
    tiny_data: Callable[..., TabularDataModule], fit: Callable[..., pl.Trainer], tmp_path: Path
) -> None:
    def train(epochs: int, folder: str, ckpt_path: Path | None = None, seed: int = 0) -> None:
        keep = ModelCheckpoint(tmp_path / folder, "{epoch}", save_top_k=-1)
        settings = {"callbacks": [GeneratorEMA(0.7), keep], "enable_checkpointing": True, "max_epochs": epochs}
        model = TabularDiffusion(widths=(8,), embedding=4, dropout=0.2, timesteps=STEPS)
        fit(model, tiny_data(), ckpt_path=ckpt_path, seed=seed, **settings)

    train(4, "whole")
    train(2, "half")
    train(4, "resumed", tmp_path / "half" / "epoch=1.ckpt", seed=7)
    whole, resumed = (torch.load(tmp_path / run / "epoch=3.ckpt", weights_only=True) for run in ("whole", "resumed"))
    for key in ("state_dict", "optimizer_states", "generator_ema", "random_states", "global_step"):
        torch.testing.assert_close(whole[key], resumed[key], rtol=0, atol=0)
    half = torch.load(tmp_path / "half" / "epoch=1.ckpt", weights_only=True)
    assert any(not torch.equal(half["state_dict"][name], weight) for name, weight in whole["state_dict"].items())
