"""GANOverSampler, and whatever else writes rows of a table, is a citizen of imbalanced-learn."""

from __future__ import annotations

import random
from collections import Counter
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from imblearn.pipeline import make_pipeline
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score

from gan_imbalance import GANOverSampler, gans
from gan_imbalance.gans import ConditionalGAN, WassersteinGAN
from gan_imbalance.networks import DenseGenerator
from gan_imbalance.oversampling import TableOverSampler
from gan_imbalance.types import InputError

GANS = [name for name in gans.__all__ if name != "BaseGAN"]
FAST = {"max_steps": 4, "batch_size": 16, "random_state": 0}
TINY = {"class_path": "gan_imbalance.networks.DenseGenerator", "init_args": {"widths": [8]}}
TRANSFER = {"class_path": "gan_imbalance.gans.MinorityTransferGAN", "init_args": {"pretrain_epochs": 2}}


@pytest.fixture
def numbers() -> tuple[np.ndarray, np.ndarray]:
    """Return 60 rows of three normal columns; 40 of class 0, 20 of class 1, which lies at 5."""
    y = np.repeat([0, 1], [40, 20])
    return np.random.default_rng(0).normal(size=(60, 3)) + 5 * y[:, None], y


@pytest.fixture
def table(mixed_frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    return mixed_frame.drop(columns="label"), mixed_frame["label"]


def three_classes() -> tuple[np.ndarray, np.ndarray]:
    y = np.repeat(["a", "b", "c"], [30, 14, 10])
    return np.random.default_rng(0).normal(size=(54, 3)), y


# -- what comes back ------------------------------------------------------------------------------------------------


def test_arrays_come_back_as_arrays(numbers: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = numbers
    resampled, labels = GANOverSampler(**FAST).fit_resample(X, y)
    assert isinstance(resampled, np.ndarray)
    assert isinstance(labels, np.ndarray)
    assert (resampled.dtype, labels.dtype) == (X.dtype, y.dtype)
    assert Counter(labels.tolist()) == {0: 40, 1: 40}
    assert np.array_equal(resampled[:60], X)
    assert np.array_equal(labels[:60], y)
    assert (labels[60:] == 1).all()
    minority = X[y == 1]
    assert (resampled[60:] >= minority.min(axis=0)).all()
    assert (resampled[60:] <= minority.max(axis=0)).all()


@pytest.mark.parametrize("dtype", [np.float32, np.int64])
def test_arrays_keep_their_dtype(numbers: tuple[np.ndarray, np.ndarray], dtype: type) -> None:
    X = (10 * numbers[0]).astype(dtype)
    resampled, _ = GANOverSampler(**FAST).fit_resample(X, numbers[1])
    assert resampled.dtype == dtype
    assert np.array_equal(resampled[:60], X)


def test_a_frame_keeps_columns_dtypes_and_rows(table: tuple[pd.DataFrame, pd.Series]) -> None:
    X, y = table
    X.index, y.index = range(7, 127), range(7, 127)
    resampled, labels = GANOverSampler(**FAST).fit_resample(X, y)
    pd.testing.assert_frame_equal(resampled.iloc[:120], X.reset_index(drop=True))
    pd.testing.assert_series_equal(labels.iloc[:120], y.reset_index(drop=True))
    assert labels.name == "label"
    assert labels.value_counts().to_dict() == {"no": 90, "yes": 90}
    assert resampled.index.tolist() == list(range(180))
    added = resampled.iloc[120:]
    assert set(added["colour"]) <= {"red", "green", "blue"}
    assert added["size"].isin(["S", "M"]).all()
    assert (added["source"] == "web").all()


def test_column_names_need_not_be_strings(numbers: tuple[np.ndarray, np.ndarray]) -> None:
    X = pd.DataFrame(numbers[0], columns=[2020, 2021, 2022])
    resampled, _ = GANOverSampler(**FAST).fit_resample(X, numbers[1])
    pd.testing.assert_frame_equal(resampled.iloc[:60], X)
    assert resampled.notna().all(axis=None)


def test_a_column_may_be_called_target(table: tuple[pd.DataFrame, pd.Series]) -> None:
    X = table[0].rename(columns={"amount": "target"})
    resampled, _ = GANOverSampler(**FAST).fit_resample(X, table[1].to_numpy())
    assert list(resampled.columns) == list(X.columns)
    assert resampled["target"].iloc[120:].between(X["target"].min(), X["target"].max()).all()


def test_learned_attributes(table: tuple[pd.DataFrame, pd.Series]) -> None:
    sampler = GANOverSampler(**FAST)
    resampled, labels = sampler.fit_resample(*table)
    assert sampler.sampling_strategy_ == {"yes": 60}
    assert list(sampler.gans_) == ["yes"]
    assert isinstance(sampler.gans_["yes"], WassersteinGAN)
    pd.testing.assert_frame_equal(
        sampler.synthetic_, resampled.iloc[120:].assign(label=labels.iloc[120:]).reset_index(drop=True)
    )
    assert sampler.history_[-1]["step"] == 4
    assert {"class", "train/generator_loss"} <= set(sampler.history_[-1])


# -- how much is added ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("auto", {"a": 30, "b": 30, "c": 30}),
        ("minority", {"a": 30, "b": 14, "c": 30}),
        ("not minority", {"a": 30, "b": 30, "c": 10}),
        ({"b": 20}, {"a": 30, "b": 20, "c": 10}),
        ({"b": 14, "c": 15}, {"a": 30, "b": 14, "c": 15}),
        (lambda y: {"c": 11}, {"a": 30, "b": 14, "c": 11}),
    ],
)
@pytest.mark.parametrize("gan", ["GAN", "ConditionalGAN"])
def test_sampling_strategy(gan: str, strategy: Any, expected: dict[str, int]) -> None:
    sampler = GANOverSampler(gan, sampling_strategy=strategy, **{**FAST, "max_steps": 1})
    _, labels = sampler.fit_resample(*three_classes())
    assert Counter(labels.tolist()) == expected
    topped_up = [label for label, rows in expected.items() if rows > {"a": 30, "b": 14, "c": 10}[label]]
    assert sorted(sampler.gans_) == topped_up


def test_a_ratio(numbers: tuple[np.ndarray, np.ndarray]) -> None:
    _, labels = GANOverSampler(sampling_strategy=0.75, **FAST).fit_resample(*numbers)
    assert Counter(labels.tolist()) == {0: 40, 1: 30}


def test_a_conditional_gan_is_trained_once_and_an_unconditional_one_for_every_class() -> None:
    for gan, number in (("ConditionalGAN", 1), ("GAN", 2)):
        sampler = GANOverSampler(gan, **FAST)
        sampler.fit_resample(*three_classes())
        assert len({id(trained) for trained in sampler.gans_.values()}) == number


# -- which GAN ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", GANS)
def test_every_gan_joins_by_name(name: str, table: tuple[pd.DataFrame, pd.Series]) -> None:
    gan: Any = TRANSFER if name == "MinorityTransferGAN" else name
    sampler = GANOverSampler(gan, **FAST)
    _, labels = sampler.fit_resample(*table)
    assert labels.value_counts().to_dict() == {"no": 90, "yes": 90}
    assert type(sampler.gans_["yes"]).__name__ == name


@pytest.mark.parametrize(
    "gan",
    [
        "gan_imbalance.gans.WassersteinGAN",
        WassersteinGAN,
        {"class_path": "WassersteinGAN", "init_args": {"generator": TINY, "latent_dim": 3}},
        {"class_path": "gan_imbalance.gans.WassersteinGAN"},
        WassersteinGAN(generator=partial(DenseGenerator, widths=(8,)), latent_dim=3),
    ],
    ids=["path", "class", "dict", "dict without settings", "instance"],
)
def test_a_gan_is_named_in_many_ways(gan: Any, numbers: tuple[np.ndarray, np.ndarray]) -> None:
    sampler = GANOverSampler(gan, **FAST)
    sampler.fit_resample(*numbers)
    trained = sampler.gans_[1]
    assert type(trained) is WassersteinGAN
    assert trained is not gan
    has_settings = not isinstance(gan, (str, type)) and gan != {"class_path": "gan_imbalance.gans.WassersteinGAN"}
    assert trained.latent_dim == (3 if has_settings else 32)


@pytest.mark.parametrize(
    "gan", ["NonsenseGAN", "torch.nn.Linear", LogisticRegression, 3, {"class_path": "nonsense.GAN"}]
)
def test_what_is_no_gan_is_refused(gan: Any, numbers: tuple[np.ndarray, np.ndarray]) -> None:
    with pytest.raises(InputError, match=r"NonsenseGAN|is not a GAN|nonsense\.GAN"):
        GANOverSampler(gan, **FAST).fit_resample(*numbers)


# -- how it is trained ----------------------------------------------------------------------------------------------


def test_a_seed_makes_it_reproducible(numbers: tuple[np.ndarray, np.ndarray]) -> None:
    first, second, other = (
        GANOverSampler(**{**FAST, "random_state": seed}).fit_resample(*numbers)[0] for seed in (1, 1, 2)
    )
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)
    again = GANOverSampler(**{**FAST, "random_state": np.random.RandomState(1)}).fit_resample(*numbers)[0]
    assert np.array_equal(first, again)


def test_global_random_states_are_left_alone(numbers: tuple[np.ndarray, np.ndarray]) -> None:
    random.seed(3)
    np.random.seed(3)  # noqa: NPY002
    torch.manual_seed(3)
    expected = random.random(), np.random.rand(), torch.rand(1).item()  # noqa: NPY002
    random.seed(3)
    np.random.seed(3)  # noqa: NPY002
    torch.manual_seed(3)
    GANOverSampler(validation_fraction=0.3, **FAST).fit_resample(*numbers)
    assert (random.random(), np.random.rand(), torch.rand(1).item()) == expected  # noqa: NPY002


def test_no_steps_leave_the_generator_untrained(numbers: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = numbers
    sampler = GANOverSampler("GAN", **{**FAST, "max_steps": 0})
    resampled, _ = sampler.fit_resample(X, y)
    assert len(resampled) == 80
    assert sampler.history_ == []
    trained = GANOverSampler("GAN", **FAST)
    trained.fit_resample(X, y)
    untrained_weights, weights = (next(one.gans_[1].generator.parameters()) for one in (sampler, trained))
    assert not torch.equal(untrained_weights, weights)


def test_training_makes_rows_likelier(numbers: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = numbers
    adam = {"class_path": "gan_imbalance.optimizers.AdversarialAdam", "init_args": {"lr": 2e-3}}
    gan = {
        "class_path": "WassersteinGAN",
        "init_args": {"generator_optimizer": adam, "discriminator_optimizer": adam, "discriminator_steps": 2},
    }

    def relative_spread(max_steps: int) -> float:
        sampler = GANOverSampler(gan, **{**FAST, "max_steps": max_steps})
        added = sampler.fit_resample(X, y)[0][60:]
        return float((added.std(axis=0) / X[y == 1].std(axis=0)).mean())

    assert relative_spread(0) < 0.2
    assert 0.5 < relative_spread(100) < 1.5


def test_held_out_rows_choose_the_checkpoint(numbers: tuple[np.ndarray, np.ndarray]) -> None:
    sampler = GANOverSampler(validation_fraction=0.3, **{**FAST, "max_steps": 3})
    _, labels = sampler.fit_resample(*numbers)
    assert Counter(labels.tolist()) == {0: 40, 1: 40}
    assert [row["step"] for row in sampler.history_] == [1, 2, 3]
    assert all(0 <= row["val/c2st"] <= 1 for row in sampler.history_)


def test_nothing_is_written(workplace: Any, numbers: tuple[np.ndarray, np.ndarray]) -> None:
    GANOverSampler(validation_fraction=0.3, **FAST).fit_resample(*numbers)
    assert list(workplace.iterdir()) == []


def test_calibrated_rows_have_the_marginals_of_the_class(numbers: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = numbers
    sampler = GANOverSampler("GAN", sampling_strategy={1: 1020}, calibrate=True, **{**FAST, "max_steps": 0})
    added = sampler.fit_resample(X, y)[0][60:]
    assert np.allclose(np.median(added, axis=0), np.median(X[y == 1], axis=0), atol=0.2)
    assert np.allclose(added.std(axis=0), X[y == 1].std(axis=0), rtol=0.2)


def test_named_categories_are_kept_apart(numbers: tuple[np.ndarray, np.ndarray]) -> None:
    X = pd.DataFrame(numbers[0], columns=list("abc")).assign(code=np.arange(60) % 3 * 10)
    resampled, _ = GANOverSampler(categorical=["code"], **FAST).fit_resample(X, numbers[1])
    assert set(resampled["code"].iloc[60:]) <= {0, 10, 20}
    with pytest.raises(InputError, match="There is no column 'kode'"):
        GANOverSampler(categorical=["kode"], **FAST).fit_resample(X, numbers[1])


# -- among others ---------------------------------------------------------------------------------------------------


def test_it_is_cloned_and_printed() -> None:
    sampler = GANOverSampler({"class_path": "WassersteinGAN"}, max_steps=7, random_state=3)
    copy = clone(sampler)
    assert copy.get_params() == sampler.get_params()
    assert "max_steps=7" in repr(copy)
    assert copy.set_params(max_steps=9).max_steps == 9


def test_it_stands_in_a_pipeline_under_cross_validation(numbers: tuple[np.ndarray, np.ndarray]) -> None:
    model = make_pipeline(GANOverSampler(ConditionalGAN, **FAST), LogisticRegression())
    scores = cross_val_score(model, *numbers, cv=3, scoring="average_precision", error_score="raise")
    assert scores.shape == (3,)
    assert (scores > 0.9).all()


def test_a_table_that_cannot_be_used_is_refused(numbers: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = numbers
    X[3, 1] = np.inf
    with pytest.raises(InputError, match="Column '1' holds infinite values"):
        GANOverSampler(**FAST).fit_resample(X, y)


# -- whoever writes the rows ----------------------------------------------------------------------------------------


class FirstRow(TableOverSampler):
    """Repeats the first row of the class, with the order of its columns reversed, and notes what it was asked."""

    def _generate(self, table: pd.DataFrame, target: str, label: Any, count: int, seed: int) -> pd.DataFrame:
        self.asked = [*getattr(self, "asked", []), (label, count, seed)]
        row = table[table[target] == label].iloc[:1]
        return pd.concat([row] * count)[list(reversed(table.columns))]


def test_one_hook_writes_the_rows_and_all_else_is_shared(table: tuple[pd.DataFrame, pd.Series]) -> None:
    X, y = table
    sampler = FirstRow(random_state=0)
    resampled, labels = sampler.fit_resample(X, y)
    pd.testing.assert_frame_equal(resampled.iloc[:120], X)
    first = X[y == "yes"].iloc[[0] * 60]
    pd.testing.assert_frame_equal(resampled.iloc[120:].reset_index(drop=True), first.reset_index(drop=True))
    assert labels.value_counts().to_dict() == {"no": 90, "yes": 90}
    assert list(sampler.synthetic_.columns) == [*X.columns, "label"]


def test_every_class_is_asked_for_once_with_the_same_seed() -> None:
    sampler = FirstRow(random_state=0)
    sampler.fit_resample(*three_classes())
    (b, few, seed), (c, many, other) = sampler.asked
    assert (b, few, c, many) == ("b", 16, "c", 20)
    assert seed == other


def test_nothing_to_add_adds_nothing(numbers: tuple[np.ndarray, np.ndarray]) -> None:
    sampler = FirstRow(sampling_strategy={1: 20})
    resampled, labels = sampler.fit_resample(*numbers)
    assert np.array_equal(resampled, numbers[0])
    assert np.array_equal(labels, numbers[1])
    assert sampler.synthetic_.empty


def test_who_writes_the_rows_must_be_said() -> None:
    with pytest.raises(TypeError, match="_generate"):
        TableOverSampler()
