"""What a data module says, its GANs see: columns, encoding, split; and no two classes are kin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from gan_imbalance import GANOverSampler, ImageOverSampler
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
