"""The conditional tabular GAN: what it is told, and that it does as it is told."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import pytorch_lightning as pl
import torch
from torch import nn
from torch.nn import functional as F

from gan_imbalance.data import TabularDataModule
from gan_imbalance.gans import BaseGAN, ConditionalTabularGAN, ConditionalWassersteinGAN
from gan_imbalance.main import main
from gan_imbalance.networks import DenseDiscriminator, DenseGenerator
from gan_imbalance.networks.layers import JoinedLinear
from gan_imbalance.synthesis import save_gan, synthesize
from gan_imbalance.types import InputError

MakeGAN = Callable[..., BaseGAN]
MakeData = Callable[..., TabularDataModule]
Fit = Callable[..., pl.Trainer]


@pytest.fixture
def gan(tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit) -> ConditionalTabularGAN:
    made = tiny_gan(ConditionalTabularGAN)
    fit(made, tiny_data())
    return made


@pytest.fixture
def mixed(tiny_gan: MakeGAN, fit: Fit, mixed_frame: pd.DataFrame) -> ConditionalTabularGAN:
    """Return a GAN that has had two steps on a table with every kind of column."""
    made = tiny_gan(ConditionalTabularGAN)
    mixed_frame.loc[::5, "colour"] = None
    fit(made, TabularDataModule(frame=mixed_frame, target="label", batch_size=16, steps_per_epoch=1))
    return made


def test_the_level_term_is_the_cross_entropy_within_the_told_column(gan: ConditionalTabularGAN) -> None:
    (span,) = gan.spec.categorical_columns
    logits = torch.randn(5, *gan.spec.shape)
    levels = torch.tensor([0, 2, 1, 0, 2])
    conditions = torch.stack([torch.tensor([0, 1, 1, 0, 0]), 2 + levels], dim=1)
    expected = F.cross_entropy(logits[:, span.start : span.stop], levels)
    torch.testing.assert_close(gan.level_term(logits, conditions), expected)


def test_columns_do_not_meet_in_the_level_term(mixed: ConditionalTabularGAN) -> None:
    columns = mixed.spec.categorical_columns
    assert len(columns) == 3
    logits = torch.randn(3, *mixed.spec.shape, requires_grad=True)
    firsts = np.cumsum([0, *(span.size for span in columns[:-1])])
    conditions = torch.tensor([[0, 2 + first] for first in firsts])
    loss = mixed.level_term(logits, conditions)
    expected = [F.cross_entropy(row[s.start : s.stop], torch.tensor(0)) for row, s in zip(logits, columns, strict=True)]
    torch.testing.assert_close(loss, torch.stack(expected).mean())
    (gradient,) = torch.autograd.grad(loss, logits)
    assert gradient.isfinite().all()


def test_levels_are_drawn_by_their_frequency_in_the_class(gan: ConditionalTabularGAN, tiny_data: MakeData) -> None:
    data = tiny_data()
    data.setup()
    rows, classes = data.encoded("train")
    (span,) = gan.spec.categorical_columns
    told: list[torch.Tensor] = []
    gan.generator.blocks[0].register_forward_hook(lambda module, args, out: told.append(args[0][1]))
    gan.sample(torch.ones(4000, dtype=torch.long), seed=0)
    conditions = F.one_hot(torch.cat(told), 5).sum(dim=1).float()
    assert (conditions[:, :2] == torch.tensor([0.0, 1.0])).all()
    expected = rows[classes == 1, span.start : span.stop].mean(dim=0)
    # four standard deviations
    torch.testing.assert_close(conditions[:, 2:].mean(dim=0), expected, atol=0.03, rtol=0)


@pytest.mark.parametrize(
    "given", [{"colour": "green"}, {"colour": None}, {"size": "M"}, {"flag": True}, {"flag": "False"}]
)
def test_every_row_has_the_given_value_in_exact_counts(mixed: ConditionalTabularGAN, given: dict[str, Any]) -> None:
    counts = {"yes": 7, "no": 30}
    synthetic = synthesize(mixed, counts, seed=0, given=given)
    ((column, value),) = given.items()
    assert synthetic.rows["label"].value_counts().to_dict() == counts
    if value is None:
        assert synthetic.rows[column].isna().all()
    else:
        assert set(synthetic.rows[column].map(str)) == {str(value)}
    assert synthetic.manifest["given"] == given
    again = synthesize(mixed, counts, seed=0, given=given).rows
    pd.testing.assert_frame_equal(synthetic.rows, again)


def test_a_rare_level_is_given_exactly(tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit) -> None:
    names = [f"town {number}" for number in range(12)]
    frame = pd.DataFrame({"x": range(240), "town": np.repeat(names, 20), "label": ["no", "no", "yes"] * 80})
    gan = tiny_gan(ConditionalTabularGAN)
    fit(gan, tiny_data(frame=frame, max_levels=4))
    for town in names:
        assert set(synthesize(gan, {"yes": 5, "no": 4}, seed=0, given={"town": town}).rows["town"]) == {town}


def test_what_goes_with_the_given_value_follows_it(tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit) -> None:
    random = np.random.default_rng(0)
    marked = random.random(400) < 0.15
    frame = pd.DataFrame(
        {
            "amount": random.normal(size=400) + 6 * marked,
            "mark": np.where(marked, "x", "o"),
            "label": np.where(random.random(400) < 0.3, "yes", "no"),
        }
    )
    networks = {
        "generator": partial(DenseGenerator, widths=(32,), gumbel_temperature=0.2),
        "discriminator": partial(DenseDiscriminator, widths=(32,), activation="leaky_relu"),
    }
    gan = tiny_gan(ConditionalTabularGAN, **networks)
    fit(gan, tiny_data(frame=frame, batch_size=64, steps_per_epoch=300), max_epochs=1, limit_val_batches=0)
    counts = {"yes": 100, "no": 100}
    means = {mark: synthesize(gan, counts, seed=0, given={"mark": mark}).rows["amount"].mean() for mark in "xo"}
    assert means["x"] - means["o"] > 3
    # the rare level is told and obeyed without being set by force
    drawn = synthesize(gan, {"yes": 1000, "no": 1000}, seed=0).rows["mark"].value_counts(normalize=True)
    assert drawn["x"] == pytest.approx(0.15, abs=0.06)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"colour": "pink"}, "'colour' holds the unknown category 'pink'"),
        ({"size": None}, "'size' has missing values, but had none"),
        ({"color": "red"}, "no column 'color' in the table, as given asks for; did you mean 'colour'"),
        ({"amount": 3}, "'amount', whose values are not categories that vary: choose one of 'flag', 'colour', 'size'"),
        ({"source": "web"}, "'source', whose values are not categories that vary"),
        ({"label": "yes"}, "the target 'label': say in counts"),
        ({"colour": "red", "size": "M"}, "given names 2 columns: give the value of one, of 'flag', 'colour', 'size'"),
    ],
)
def test_what_cannot_be_given(mixed: ConditionalTabularGAN, given: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        synthesize(mixed, {"yes": 3}, seed=0, given=given)


def test_other_gans_cannot_be_told(tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit) -> None:
    gan = tiny_gan(ConditionalWassersteinGAN)
    fit(gan, tiny_data())
    with pytest.raises(InputError, match="A ConditionalWassersteinGAN cannot be conditioned on the value of a column"):
        synthesize(gan, {"yes": 3}, seed=0, given={"colour": "red"})


def test_a_feature_that_is_no_level_is_refused(gan: ConditionalTabularGAN) -> None:
    with pytest.raises(InputError, match="Feature 0 is no level of a categorical column"):
        gan.sample_given(torch.tensor([0]), 0, seed=0)


def test_a_table_of_numbers_leaves_the_class(
    tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit, separated_frame: pd.DataFrame
) -> None:
    gan = tiny_gan(ConditionalTabularGAN)
    fit(gan, tiny_data(frame=separated_frame.drop(columns="colour")))
    assert len(synthesize(gan, {"yes": 3, "no": 2}, seed=0).rows) == 5
    with pytest.raises(InputError, match="choose one of none here"):
        synthesize(gan, {"yes": 3}, seed=0, given={"amount": 1})


def shapes_of(network: nn.Module) -> list[tuple[int, int]]:
    """Return inputs, conditions among them, and outputs of every linear layer."""
    layers = [module for module in network.modules() if isinstance(module, JoinedLinear)]
    tables = [0 if layer.table is None else len(layer.table) for layer in layers]
    return [(len(layer.weight) + table, len(layer.bias)) for layer, table in zip(layers, tables, strict=True)]


def test_its_defaults_are_those_of_ctgan(tiny_data: MakeData) -> None:
    data = tiny_data()
    data.setup()
    gan = ConditionalTabularGAN()
    gan.build(data.spec, (0, 1), data.state())
    features, conditions = data.spec.shape[0], 2 + 3
    inputs = 128 + conditions
    assert shapes_of(gan.generator) == [(inputs, 256), (inputs + 256, 256), (inputs + 512, features)]
    assert shapes_of(gan.discriminator) == [(4 * (features + conditions), 256), (256, 256), (256, 1)]
    for make in (gan.make_generator_optimizer, gan.make_discriminator_optimizer):
        optimizer = make(gan.generator.parameters())
        assert (optimizer.defaults["lr"], tuple(optimizer.defaults["betas"])) == (2e-4, (0.5, 0.9))
    assert (gan.discriminator_steps, gan.latent_dim) == (1, 128)


def test_the_command_line_gives_the_value_too(gan: ConditionalTabularGAN, workplace: Path) -> None:
    save_gan(gan, "gan.ckpt")
    counts = ("--counts", '{"yes": 6, "no": 5}')
    arguments = ("synthesize", "--ckpt_path", "gan.ckpt", *counts, "--given", '{"colour": "green"}')
    assert main([*arguments, "--output", "rows.csv"]) == 0
    rows = pd.read_csv("rows.csv")
    assert rows["colour"].tolist() == ["green"] * 11
    assert rows["label"].value_counts().to_dict() == {"yes": 6, "no": 5}
