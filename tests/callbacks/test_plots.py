from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import pytorch_lightning as pl
from matplotlib import image
from matplotlib.figure import Figure

from gan_imbalance.callbacks import ColumnPairPlots, PrincipalComponentPlots
from gan_imbalance.callbacks.plots import draw_pair, draw_pairs
from gan_imbalance.data import TabularDataModule
from gan_imbalance.gans import GAN, BaseGAN, ConditionalGAN, MinorityTransferGAN, OneHotGAN
from gan_imbalance.types import InputError

MakeGAN = Callable[..., BaseGAN]
MakeData = Callable[..., TabularDataModule]
Fit = Callable[..., pl.Trainer]


@pytest.mark.parametrize(
    "columns",
    [
        ("amount", "count"),
        ("amount", "score"),
        ("colour", "size"),
        ("rate", "colour"),
        ("colour", "rate"),
        ("flag", "score"),
        ("source", "flag"),
        ("colour", "colour"),
        None,
    ],
)
def test_two_columns_of_any_kind_are_drawn(
    columns: tuple[str, str] | None,
    mixed_frame: pd.DataFrame,
    tiny_gan: MakeGAN,
    tiny_data: MakeData,
    fit: Fit,
    tmp_path: Path,
) -> None:
    fit(tiny_gan(GAN), tiny_data(frame=mixed_frame), callbacks=[ColumnPairPlots(columns, every_n_epochs=2)])
    (path,) = (tmp_path / "plots").iterdir()
    assert path.name == "step_0000002.png"
    pixels = image.imread(path)
    assert pixels.shape == (320, 640, 4)
    assert pixels[..., :3].std() > 0.05


def test_two_of_a_kind_keep_apart(
    mixed_frame: pd.DataFrame, tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit, tmp_path: Path
) -> None:
    plots = [ColumnPairPlots(("amount", "count")), ColumnPairPlots(("colour", "size"))]
    fit(tiny_gan(GAN), tiny_data(frame=mixed_frame), max_epochs=1, callbacks=plots)
    first, second = (tmp_path / folder / "step_0000002.png" for folder in ("plots", "plots-2"))
    assert not np.array_equal(image.imread(first), image.imread(second))


def test_names_and_values_are_taken_literally(
    mixed_frame: pd.DataFrame, tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit, tmp_path: Path
) -> None:
    names = {"colour": "$$", "rate": r"$\frac{$"}
    frame = mixed_frame.rename(columns=names).replace({"red": "$$", "blue": r"$\x{$"})
    fit(tiny_gan(GAN), tiny_data(frame=frame), callbacks=[ColumnPairPlots(list(names.values()))])
    assert list((tmp_path / "plots").iterdir())


def test_long_values_are_cut(mixed_frame: pd.DataFrame) -> None:
    frame = mixed_frame.assign(colour=mixed_frame["colour"] * 5000)
    (axis,) = draw_pairs(["colour", "flag"], [frame], ["real"]).axes
    assert max(len(label.get_text()) for label in axis.get_xticklabels()) == 40


def test_a_picture_is_drawn_every_so_many_validations_and_not_before_training(
    tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit, tmp_path: Path
) -> None:
    plots = ColumnPairPlots(("amount", "count"), every_n_epochs=2)
    fit(tiny_gan(GAN), tiny_data(), max_epochs=5, callbacks=[plots], num_sanity_val_steps=1)
    drawn = sorted(path.name for path in (tmp_path / "plots").iterdir())
    assert drawn == ["step_0000002.png", "step_0000006.png", "step_0000010.png"]


def test_a_resumed_run_draws_in_the_same_rhythm(
    tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit, tmp_path: Path
) -> None:
    last = tmp_path / "last.ckpt"
    for epochs in (2, 5):
        plots = ColumnPairPlots(("amount", "count"), every_n_epochs=3)
        resumed = {"max_epochs": epochs, "ckpt_path": last if last.exists() else None}
        fit(tiny_gan(GAN), tiny_data(), callbacks=[plots], **resumed).save_checkpoint(last)
    drawn = sorted(path.name for path in (tmp_path / "plots").iterdir())
    assert drawn == ["step_0000002.png", "step_0000008.png"]


def test_they_lie_in_the_folder_of_the_run(tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit, tmp_path: Path) -> None:
    logger = pl.loggers.CSVLogger(tmp_path, name="GAN", version=3)
    fit(tiny_gan(GAN), tiny_data(), callbacks=[ColumnPairPlots()], logger=logger)
    assert list((tmp_path / "GAN" / "version_3" / "plots").iterdir())


@pytest.mark.parametrize("gan_class", [GAN, ConditionalGAN])
def test_the_two_columns_that_tell_the_classes_apart_are_chosen(
    gan_class: type[BaseGAN], separated_frame: pd.DataFrame, tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit
) -> None:
    random = np.random.default_rng(1)
    noise = {f"noise_{i}": random.normal(size=100) for i in range(3)}
    # neither tells all
    told = separated_frame["label"].eq("yes")
    half = np.arange(100) % 2 == 0
    frame = pd.DataFrame(
        {**noise, "even": told & half, **{"odd": np.where(told & ~half, "b", "a")}, "label": separated_frame["label"]}
    )
    plots = ColumnPairPlots()
    fit(tiny_gan(gan_class), tiny_data(frame=frame), max_epochs=1, callbacks=[plots])
    assert set(plots.columns or ()) == {"even", "odd"}


def test_a_table_of_one_column_is_drawn_too(
    separated_frame: pd.DataFrame, tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit, tmp_path: Path
) -> None:
    frame = separated_frame[["amount", "label"]]
    plots = ColumnPairPlots()
    fit(tiny_gan(GAN), tiny_data(frame=frame), callbacks=[plots])
    assert plots.columns == ("amount", "amount")
    assert list((tmp_path / "plots").iterdir())


def test_every_phase_can_be_drawn(tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit, tmp_path: Path) -> None:
    gan = tiny_gan(MinorityTransferGAN, pretrain_epochs=1)
    fit(gan, tiny_data(), callbacks=[ColumnPairPlots(every_n_epochs=1)])
    assert len(list((tmp_path / "plots").iterdir())) == 2


def test_an_unknown_column_is_named(tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit) -> None:
    with pytest.raises(InputError, match="There is no column 'size' to draw: the columns are 'amount', 'count'"):
        fit(tiny_gan(GAN), tiny_data(), callbacks=[ColumnPairPlots(("amount", "size"))])


def test_shares_of_pairs_are_drawn_on_shared_levels() -> None:
    real = pd.DataFrame({"x": ["a", "a", "b", "b"], "y": ["u", "v", "u", "u"]})
    fake = pd.DataFrame({"x": ["c"], "y": ["v"]})
    axis = Figure().subplots()
    draw_pair(axis, real, ("x", "y"), [real, fake])
    (drawn,) = axis.images
    assert np.asarray(drawn.get_array()).tolist() == [[0.25, 0.5, 0.0], [0.25, 0.0, 0.0]]
    assert [text.get_text() for text in axis.get_xticklabels()] == ["a", "b", "c"]
    assert [text.get_text() for text in axis.get_yticklabels()] == ["u", "v"]


def test_many_numbers_beside_a_category_are_binned() -> None:
    frame = pd.DataFrame({"x": np.arange(500.0), "y": np.tile(["u", "v"], 250)})
    axis = Figure().subplots()
    draw_pair(axis, frame, ("x", "y"), [frame, frame.assign(x=frame["x"] * 2)])
    (drawn,) = axis.images
    shares = np.asarray(drawn.get_array())
    assert shares.shape == (2, 20)
    assert (shares[:, 10:] == 0).all()
    assert shares.sum() == pytest.approx(1)


def test_few_numbers_stay_in_order() -> None:
    frame = pd.DataFrame({"x": [2, 10, 1], "y": ["u", "u", "u"]})
    axis = Figure().subplots()
    draw_pair(axis, frame, ("x", "y"), [frame])
    assert [text.get_text() for text in axis.get_xticklabels()] == ["1", "2", "10"]


def test_missing_values_are_a_level_of_their_own() -> None:
    frame = pd.DataFrame({"x": pd.array([1, None, 1], "Int64"), "y": [True, False, True]})
    axis = Figure().subplots()
    draw_pair(axis, frame, ("x", "y"), [frame])
    assert [text.get_text() for text in axis.get_xticklabels()] == ["1", "missing"]
    assert np.asarray(axis.images[0].get_array()).round(2).tolist() == [[0, 0.33], [0.67, 0]]


@pytest.mark.parametrize("columns", [["amount", "count", "colour", "label"], ["amount", "label"]])
def test_principal_components_are_drawn_in_a_folder_of_their_own(
    columns: list[str],
    separated_frame: pd.DataFrame,
    tiny_gan: MakeGAN,
    tiny_data: MakeData,
    fit: Fit,
    tmp_path: Path,
) -> None:
    plots = [PrincipalComponentPlots(every_n_epochs=2), ColumnPairPlots()]
    fit(tiny_gan(OneHotGAN), tiny_data(frame=separated_frame[columns]), max_epochs=3, callbacks=plots)
    drawn = sorted((tmp_path / "principal_components").iterdir())
    assert [path.name for path in drawn] == ["step_0000002.png", "step_0000006.png"]
    assert image.imread(drawn[0])[..., :3].std() > 0.05


def test_every_pair_has_a_line(tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit, tmp_path: Path) -> None:
    columns = ["amount", "count", "colour", "colour"]
    fit(tiny_gan(GAN), tiny_data(), callbacks=[ColumnPairPlots(columns)])
    (path,) = (tmp_path / "plots").iterdir()
    assert image.imread(path).shape == (640, 640, 4)


@pytest.mark.parametrize("columns", [["amount"], ["amount", "count", "colour"], []])
def test_columns_come_two_by_two(columns: list[str]) -> None:
    with pytest.raises(InputError, match=f"two by two, but it names {len(columns)}"):
        ColumnPairPlots(columns)


def test_equal_shares_have_equal_colours() -> None:
    even = pd.DataFrame({"x": ["a", "b"], "y": ["u", "u"]})
    uneven = pd.DataFrame({"x": ["a", "a", "a", "b"], "y": ["u"] * 4})
    axes = Figure().subplots(1, 2)
    for axis, frame in zip(axes, (even, uneven), strict=True):
        draw_pair(axis, frame, ("x", "y"), [even, uneven])
    assert [axis.images[0].get_clim() for axis in axes] == [(0, 0.75), (0, 0.75)]
