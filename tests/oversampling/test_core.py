"""What a data module says, its GANs see: columns, encoding, split; and no two classes are kin."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from gan_imbalance import GANOverSampler, ImageOverSampler
from gan_imbalance.checkpoints import read_checkpoint
from gan_imbalance.data import ImageDataModule, TabularDataModule
from gan_imbalance.transforms import LessOrEqual, TabularTransformer
from gan_imbalance.types import InputError

FAST: dict[str, Any] = {"max_steps": 2, "batch_size": 16, "random_state": 0}


@pytest.fixture
def frame(mixed_frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table with a number that has two values among the rare rows."""
    random = np.random.default_rng(0)
    flag = np.where(mixed_frame["label"] == "yes", random.integers(2, size=len(mixed_frame)), 7)
    return mixed_frame.assign(flag=flag)


def table(frame: pd.DataFrame, **settings: Any) -> TabularDataModule:
    return TabularDataModule(frame=frame, target="label", validation_fraction=0.2, **settings)


def encoder(sampler: GANOverSampler) -> TabularTransformer:
    return TabularTransformer.from_state_dict(sampler.gans_["yes"].data_state["transformer"])


def test_classes_of_one_conditional_gan_are_not_kin() -> None:
    y = np.repeat(["a", "b", "c"], [300, 40, 40])
    X = np.random.default_rng(0).normal(size=(380, 4)) + np.repeat([0, 3, -3], [300, 40, 40])[:, None]
    sampler = GANOverSampler("ConditionalWassersteinGAN", max_steps=100, random_state=0)
    sampler.fit_resample(X, y)
    made = {label: rows.drop(columns="target").to_numpy() for label, rows in sampler.synthetic_.groupby("target")}
    pairs = [abs(np.corrcoef(made["b"][:, column], made["c"][:, column])[0, 1]) for column in range(4)]
    assert max(pairs) < 0.3


def test_rows_come_as_a_model_sees_them_and_as_many_as_balance(frame: pd.DataFrame) -> None:
    data = table(frame)
    features, labels = GANOverSampler(**FAST).top_up(data)
    counts = data.class_counts()
    assert labels.tolist() == [1] * (counts[0] - counts[1])
    assert features.dtypes.equals(data.samples.features.dtypes)
    assert len(features) == len(labels)


def test_nothing_may_be_added(frame: pd.DataFrame) -> None:
    data = table(frame)
    sampler = GANOverSampler(sampling_strategy={"yes": data.class_counts()[1]}, **FAST)
    features, labels = sampler.top_up(data)
    assert (len(features), len(labels), sampler.gans_) == (0, 0, {})


@pytest.mark.parametrize(
    ("setting", "value", "seen"),
    [
        ("numeric_transform", "modes", lambda found: found.numeric == "modes"),
        ("point_masses", False, lambda found: not found.point_masses),
        ("max_levels", 2, lambda found: found.max_levels == 2),
        ("constraints", [LessOrEqual("flag", "flag")], lambda found: len(found.state_dict()["constraints"]) == 1),
    ],
)
@pytest.mark.parametrize("says", ["data", "sampler"])
def test_the_encoding_is_the_datas_unless_the_sampler_says_otherwise(
    setting: str, value: Any, seen: Callable[[TabularTransformer], bool], says: str, frame: pd.DataFrame
) -> None:
    data = table(frame, **({setting: value} if says == "data" else {}))
    sampler = GANOverSampler(**FAST, **({setting: value} if says == "sampler" else {}))
    sampler.top_up(data)
    assert seen(encoder(sampler))
    other = GANOverSampler(**FAST)
    other.top_up(table(frame))
    assert not seen(encoder(other))


def test_clusters_of_the_data_are_told(frame: pd.DataFrame) -> None:
    sampler = GANOverSampler("ConditionalGAN", **FAST)
    sampler.top_up(table(frame, clusters=3))
    spec = sampler.gans_["yes"].spec
    assert spec is not None
    assert spec.condition_classes == (1, 1, 1)


def test_a_declared_number_stays_one_with_two_values_left(frame: pd.DataFrame) -> None:
    sampler = GANOverSampler(point_masses=False, **FAST)
    sampler.top_up(table(frame, numeric=["flag"]))
    assert {span.encoding for span in encoder(sampler).spans if span.name == "flag"} == {"linear"}


def test_nothing_but_training_rows_is_learned(frame: pd.DataFrame) -> None:
    data = table(frame, numeric_transform="standard")
    features = data.samples.features.copy()
    numbers = features.select_dtypes("number").columns
    held_out = np.concatenate([data.split.validation, data.split.test])
    features.loc[held_out, numbers] = features.loc[held_out[::-1], numbers].to_numpy()
    other = data.adapted(samples=type(data.samples)(**{**vars(data.samples), "features": features}), split=data.split)
    first, second = (GANOverSampler(**FAST).top_up(one)[0] for one in (data, other))
    pd.testing.assert_frame_equal(first, second)


def test_its_gans_are_those_of_the_split(frame: pd.DataFrame) -> None:
    data, sampler = table(frame), GANOverSampler(**FAST)
    sampler.top_up(data)
    assert sampler.gans_["yes"].data_state["split_hash"] == data.split.hash
    assert data.trainer is None


def test_held_out_training_rows_choose_the_checkpoint(frame: pd.DataFrame) -> None:
    sampler = GANOverSampler(validation_fraction=0.3, **FAST)
    sampler.top_up(table(frame))
    assert all(0 <= row["val/c2st"] <= 1 for row in sampler.history_)


@pytest.mark.parametrize("option", [{"categorical": ["flag"]}, {"dates": ["flag"]}, {"ordinal": {"flag": [0, 1]}}])
def test_what_a_column_is_the_data_say(option: dict[str, Any], frame: pd.DataFrame) -> None:
    (name,) = option
    with pytest.raises(InputError, match=f"move it to the data's {name}"):
        GANOverSampler(**option).top_up(table(frame))


def test_images_are_augmented_as_the_data_say(tiny_images: Callable[..., ImageDataModule]) -> None:
    class Black(nn.Module):
        calls = 0

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            Black.calls += 1
            return images * 0

    data = tiny_images(augmentation=Black())
    images, labels = ImageOverSampler("GAN", max_steps=2, batch_size=4, accelerator="cpu", random_state=0).top_up(data)
    assert Black.calls
    assert images.dtype == np.uint8
    assert len(images) == len(labels) == sum(max(data.class_counts()) - count for count in data.class_counts())


def test_each_kind_of_data_has_its_own(frame: pd.DataFrame, tiny_images: Callable[..., ImageDataModule]) -> None:
    with pytest.raises(InputError, match="use ImageOverSampler for images"):
        GANOverSampler().top_up(tiny_images())
    with pytest.raises(InputError, match="use GANOverSampler for tables"):
        ImageOverSampler().top_up(table(frame))


# -- minority transfer ----------------------------------------------------------------------------------------------


def transfer(folder: Path, **options: Any) -> GANOverSampler:
    return GANOverSampler(**{"gan": "MinorityTransferGAN", **FAST, "max_steps": 4, "cache": folder, **options})


def test_a_transfer_of_a_table_keeps_what_others_taught_it(frame: pd.DataFrame, tmp_path: Path) -> None:
    data = table(frame)
    sampler = transfer(tmp_path)
    sampler.top_up(data)
    (path,) = tmp_path.iterdir()
    written = path.stat().st_mtime_ns
    frozen = {"class_path": "MinorityTransferGAN", "init_args": {"freeze_generator_blocks": 0}}
    transfer(tmp_path, gan=frozen, pretrain_steps=2).top_up(data)
    assert [one.stat().st_mtime_ns for one in tmp_path.iterdir()] == [written]
    assert [(row["class"], row["step"]) for row in sampler.history_] == [
        *(("others", step) for step in (1, 2)),
        *(("yes", step) for step in (1, 2)),
    ]
    start, end = read_checkpoint(path, "generator")["state_dict"], sampler.gans_["yes"].state_dict()
    unchanged = {name for name in end if torch.equal(start[name], end[name])}
    assert "generator.blocks.0.layers.0.weight" in unchanged
    assert "generator.blocks.1.layers.0.weight" not in unchanged


def test_a_transfer_tells_what_only_the_rare_class_has(frame: pd.DataFrame, tmp_path: Path) -> None:
    shade = np.where(frame["label"] == "yes", "violet", "orange")
    sampler = transfer(tmp_path)
    rows, _ = sampler.top_up(table(frame.assign(shade=shade)))
    assert set(rows["shade"]) <= {"violet", "orange"}
    levels = encoder(sampler).state_dict()
    assert "violet" in repr(levels)
    assert "orange" in repr(levels)


def test_a_transfer_holds_the_same_rows_out_in_both_phases(mixed_frame: pd.DataFrame, tmp_path: Path) -> None:
    frame = mixed_frame.assign(label=np.repeat(["no", "perhaps", "yes"], [60, 30, 30]))
    sampler = transfer(tmp_path, validation_fraction=0.25, sampling_strategy={"yes": 50})
    _, labels = sampler.top_up(table(frame))
    assert set(labels) == {2}


@pytest.mark.parametrize(
    ("options", "steps"),
    [
        ({"pretrain_steps": 0}, {"yes": 4}),
        ({"pretrain_steps": 3}, {"others": 3, "yes": 1}),
        ({"pretrain_steps": 4}, {"others": 4}),
        ({"pretrain_steps": 1, "max_steps": None, "max_time": 3600, "epochs": 1}, {"others": 1, "yes": 1}),
    ],
)
def test_a_transfer_has_as_many_steps_as_it_is_given(
    options: dict[str, Any], steps: dict[str, int], frame: pd.DataFrame, tmp_path: Path
) -> None:
    sampler = transfer(tmp_path, **options)
    sampler.top_up(table(frame))
    assert {row["class"]: row["step"] for row in sampler.history_} == steps


def test_a_transfer_may_be_limited_by_time_alone(frame: pd.DataFrame, tmp_path: Path) -> None:
    sampler = transfer(tmp_path, max_steps=None, max_time=2.0)
    sampler.top_up(table(frame))
    assert {row["class"] for row in sampler.history_} == {"others", "yes"}


def test_a_first_phase_cannot_be_longer_than_the_whole(frame: pd.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="pretrain_steps is 5, which is more than the 4 steps in all"):
        transfer(tmp_path, pretrain_steps=5).top_up(table(frame))
    assert not list(tmp_path.iterdir())


def test_a_transfer_starts_from_the_checkpoint_that_it_names(frame: pd.DataFrame, tmp_path: Path) -> None:
    data = table(frame)
    transfer(tmp_path).top_up(data)
    (path,) = tmp_path.iterdir()
    gan = {"class_path": "MinorityTransferGAN", "init_args": {"pretrained": str(path)}}
    sampler = transfer(tmp_path / "other", gan=gan)
    sampler.top_up(data)
    assert {row["class"] for row in sampler.history_} == {"yes"}
