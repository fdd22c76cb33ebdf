"""GANOverSampler, and whatever else writes rows of a table, is a citizen of imbalanced-learn."""

from __future__ import annotations

import io
import random
import time
import warnings
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from imblearn.pipeline import make_pipeline
from scipy import sparse
from sklearn import datasets
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.utils.multiclass import type_of_target

from gan_imbalance import GANOverSampler, gans, generators
from gan_imbalance.gans import ConditionalGAN, WassersteinGAN
from gan_imbalance.metrics import CollapseWarning
from gan_imbalance.networks import DenseGenerator
from gan_imbalance.oversampling import TableOverSampler
from gan_imbalance.transforms import LessOrEqual
from gan_imbalance.types import InputError
from tests.odd_tables import odd_frames, unless_refused

GANS = [name for name in (*gans.__all__, *generators.__all__) if not name.startswith("Base")]
FAST = {"max_steps": 4, "batch_size": 16, "random_state": 0}
TINY = {"class_path": "gan_imbalance.networks.DenseGenerator", "init_args": {"widths": [8]}}


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


@pytest.mark.parametrize("container", ["matrix", "array"])
@pytest.mark.parametrize("form", ["csr", "csc", "coo", "lil"])
def test_sparse_rows_come_back_in_their_format(
    form: str, container: str, numbers: tuple[np.ndarray, np.ndarray]
) -> None:
    dense = np.where(numbers[0] < 1, 0, numbers[0]).astype(np.float32)
    X = getattr(sparse, f"{form}_{container}")(dense)
    resampled, _ = GANOverSampler(**FAST).fit_resample(X, numbers[1])
    assert (type(resampled), resampled.dtype, resampled.shape) == (type(X), X.dtype, (80, 3))
    assert np.array_equal(resampled.toarray()[:60], dense)
    expected, _ = GANOverSampler(**FAST).fit_resample(dense, numbers[1])
    assert np.array_equal(resampled.toarray(), expected)


def test_sparse_columns_stay_sparse(numbers: tuple[np.ndarray, np.ndarray]) -> None:
    X = pd.DataFrame(numbers[0].round(), columns=list("abc")).astype(pd.SparseDtype(float, 0.0))
    X["b"] = np.asarray(X["b"])
    resampled, _ = GANOverSampler(**FAST).fit_resample(X, numbers[1])
    pd.testing.assert_frame_equal(resampled.iloc[:60], X)
    assert (resampled.dtypes == X.dtypes).all()


def test_lists_may_mix_numbers_text_and_gaps(numbers: tuple[np.ndarray, np.ndarray]) -> None:
    X = [[1, "a", None], [2, "b", 1.5], [7, "b", 0.5]] * 20
    resampled, labels = GANOverSampler(**FAST).fit_resample(X, numbers[1].tolist())
    assert resampled[:60] == X
    assert labels[:60] == numbers[1].tolist()
    for number, text, gap in resampled[60:]:
        assert isinstance(number, int)
        assert 1 <= number <= 7
        assert text in ("a", "b")
        assert np.isnan(gap) or 0.5 <= gap <= 1.5


def test_text_that_partly_looks_like_numbers_is_a_category(numbers: tuple[np.ndarray, np.ndarray]) -> None:
    values = np.arange(60) % 3
    doors, anything = np.array(["2", "3", "5more"])[values], np.array([1, "x", 2.5], dtype=object)[values]
    X = pd.DataFrame(numbers[0], columns=list("abc")).assign(doors=doors, anything=anything)
    sampler = GANOverSampler(**FAST)
    resampled, _ = sampler.fit_resample(X, numbers[1])
    pd.testing.assert_frame_equal(resampled.iloc[:60], X)
    assert resampled["doors"].iloc[60:].isin(["2", "3", "5more"]).all()
    assert set(map(repr, resampled["anything"].iloc[60:])) <= {"1", "'x'", "2.5"}
    assert sampler.synthetic_["doors"].dtype == object


def test_targets_come_back_as_they_were(numbers: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = numbers
    frame = pd.DataFrame(X, columns=list("abc"))
    words = np.where(y == 1, "rare", "common")
    series = [
        pd.Series(words, dtype=pd.CategoricalDtype(["common", "rare", "never"]), name="kind"),
        pd.Series(words, dtype="string"),
        pd.Series(y, dtype="Int64", name="y"),
        pd.Series(y == 1),
    ]
    for form in series:
        _, labels = GANOverSampler(**FAST).fit_resample(frame, form)
        pd.testing.assert_series_equal(labels.iloc[:60], form)
        assert labels.value_counts().tolist()[:2] == [40, 40]
    _, labels = GANOverSampler(**FAST).fit_resample(frame, pd.DataFrame({"y": y}))
    pd.testing.assert_frame_equal(labels.iloc[:60], pd.DataFrame({"y": y}))


def test_classes_encoded_one_against_all_stay_so() -> None:
    X, y = three_classes()
    encoded = pd.DataFrame((y[:, None] == ["a", "b", "c"]).astype(int), columns=["is a", "is b", "is c"])
    for form in (encoded, encoded.to_numpy()):
        _, labels = GANOverSampler(**FAST).fit_resample(X, form)
        assert type(labels) is type(form)
        assert type_of_target(labels) == "multilabel-indicator"
        assert np.asarray(labels).sum(axis=0).tolist() == [30, 30, 30]


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
    assert sampler.n_features_in_ == len(table[0].columns)
    assert sampler.feature_names_in_.tolist() == table[0].columns.tolist()


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
    sampler = GANOverSampler(name, **FAST)
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
    with pytest.raises(InputError, match=r"NonsenseGAN|is no generator|nonsense\.GAN"):
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
    assert 0.5 < relative_spread(200) < 1.5


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


@pytest.mark.parametrize("as_config", [False, True])
def test_dates_orders_and_constraints_are_kept(as_config: bool) -> None:
    random = np.random.default_rng(0)
    issued = pd.Timestamp("2020-01-01") + pd.to_timedelta(random.integers(0, 900, 60), "D")
    paid = issued + pd.to_timedelta(random.integers(0, 50, 60), "D")
    as_text = {"issued": issued.strftime("%d/%m/%Y"), "paid": paid.strftime("%d/%m/%Y")}
    X = pd.DataFrame({**as_text, "size": random.choice(["S", "M", "L"], 60), "amount": random.normal(size=60)})
    within: Any = LessOrEqual("issued", "paid")
    if as_config:
        within = {
            "class_path": "gan_imbalance.transforms.constraints.LessOrEqual",
            "init_args": {"low": "issued", "high": "paid"},
        }
    sampler = GANOverSampler(dates=["issued", "paid"], ordinal={"size": ["S", "M", "L"]}, constraints=[within], **FAST)
    resampled, _ = sampler.fit_resample(X, np.repeat([0, 1], [45, 15]))
    added = resampled.iloc[60:]
    first, last = (pd.to_datetime(added[name], format="%d/%m/%Y") for name in ("issued", "paid"))
    assert (first <= last).all()
    # dates between those seen, not a choice of them
    assert not first.isin(issued).all()
    assert set(added["size"]) <= {"S", "M", "L"}
    (gan,) = sampler.gans_.values()
    assert [span.size for span in gan.spec.spans if span.name == "size"] == [1]


@pytest.mark.parametrize("gan", [None, "ConditionalGAN"])
@pytest.mark.parametrize("rows", [1, 2, 5])
def test_a_class_may_have_very_few_rows(gan: str | None, rows: int) -> None:
    X, _ = three_classes()
    y = np.repeat(["a", "b", "c"], [44 - rows, 10, rows])
    with warnings.catch_warnings(record=True) as caught:
        resampled, labels = GANOverSampler(gan, **FAST).fit_resample(X[:54], y)
    # one row tells nothing, unless the GAN learns from the other classes, too
    assert [str(one.message)[:20] for one in caught] == (["All 1 row(s) to lear"] if not gan and rows == 1 else [])
    assert Counter(labels.tolist()) == dict.fromkeys("abc", 44 - rows)
    assert np.isfinite(resampled).all()


@pytest.mark.parametrize("gan", ["GAN", "ConditionalGAN"])
def test_equal_rows_are_repeated(gan: str) -> None:
    X = pd.DataFrame({"a": [1.5] * 9, "b": ["x"] * 9, "c": [None] * 9})
    sampler = GANOverSampler(gan, **FAST)
    with pytest.warns(UserWarning, match="nothing to learn"):
        resampled, _ = sampler.fit_resample(X, [0] * 6 + [1] * 3)
    pd.testing.assert_frame_equal(resampled, pd.concat([X, X.iloc[:3]], ignore_index=True))
    assert sampler.gans_ == {}


def test_columns_without_values_stay_without(numbers: tuple[np.ndarray, np.ndarray]) -> None:
    X = pd.DataFrame(numbers[0], columns=list("abc")).assign(empty=np.nan, nothing=None, same=3)
    resampled, _ = GANOverSampler(**FAST).fit_resample(X, numbers[1])
    pd.testing.assert_frame_equal(resampled.iloc[:60], X)
    assert resampled[["empty", "nothing"]].isna().all(axis=None)
    assert (resampled["same"] == 3).all()


def test_columns_of_two_levels_keep_them(numbers: tuple[np.ndarray, np.ndarray]) -> None:
    X = pd.DataFrame(numbers[0], columns=pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)]))
    X.index = pd.MultiIndex.from_product([range(30), ["x", "y"]])
    resampled, _ = GANOverSampler(**FAST).fit_resample(X, numbers[1])
    pd.testing.assert_frame_equal(resampled.iloc[:60], X.reset_index(drop=True))


@pytest.mark.parametrize(
    ("settings", "steps"),
    [
        ({"epochs": 3}, 6),  # of two batches each, for 20 rows of the class
        ({"epochs": 3, "max_steps": 4}, 4),
        ({"epochs": 3, "max_time": 600}, 6),
        ({"max_steps": 3, "max_time": "00:00:10:00"}, 3),
        ({"epochs": 0}, None),
    ],
)
def test_whatever_is_reached_first_ends_training(
    settings: dict[str, Any], steps: int | None, numbers: tuple[np.ndarray, np.ndarray]
) -> None:
    sampler = GANOverSampler(batch_size=16, random_state=0, **settings)
    sampler.fit_resample(*numbers)
    assert (sampler.history_[-1]["step"] if sampler.history_ else None) == steps


@pytest.mark.parametrize("max_time", [0.4, timedelta(seconds=0.4), {"seconds": 0.4}])
def test_time_is_shared_by_all_gans(max_time: Any) -> None:
    sampler = GANOverSampler(max_time=max_time, batch_size=16)
    assert sampler._budget(20, True) == (-1, timedelta(seconds=0.4))
    sampler.sampling_strategy_ = {"a": 0, "b": 10, "c": 20}
    assert sampler._budget(20, False) == (-1, timedelta(seconds=0.2))
    start = time.monotonic()
    sampler.fit_resample(*three_classes())
    assert time.monotonic() - start < 60
    assert sorted(sampler.gans_) == ["b", "c"]


@pytest.mark.parametrize(
    "wrong",
    [{"max_steps": -1}, {"epochs": 1.5}, {"max_time": 0}, {"batch_size": 0}, {"numeric_transform": "log"}],
    ids=lambda wrong: next(iter(wrong)),
)
def test_settings_that_cannot_be_are_refused(wrong: dict[str, Any], numbers: tuple[np.ndarray, np.ndarray]) -> None:
    with pytest.raises(ValueError, match=f"The '{next(iter(wrong))}' parameter of GANOverSampler must be"):
        GANOverSampler(**{**FAST, **wrong}).fit_resample(*numbers)


def test_it_is_quiet_unless_told(numbers: tuple[np.ndarray, np.ndarray], capfd: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        GANOverSampler(**FAST).fit_resample(*numbers)
    assert capfd.readouterr() == ("", "")
    GANOverSampler(verbose=True, **FAST).fit_resample(*numbers)
    assert "Epoch" in "".join(capfd.readouterr())


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


def test_it_is_tuned_by_a_grid_search(numbers: tuple[np.ndarray, np.ndarray]) -> None:
    model = make_pipeline(GANOverSampler(**FAST), LogisticRegression())
    grid = {"ganoversampler__gan": ["GAN", WassersteinGAN], "ganoversampler__sampling_strategy": [0.75, "auto"]}
    search = GridSearchCV(model, grid, cv=2, error_score="raise").fit(*numbers)
    assert search.best_score_ > 0.9


def test_what_gans_learned_from_is_let_go(
    numbers: tuple[np.ndarray, np.ndarray], living_loaders: Callable[[], int]
) -> None:
    before = living_loaders()
    sampler = GANOverSampler(**FAST)
    sampler.fit_resample(*numbers)
    assert living_loaders() == before
    assert len(sampler.gans_) == 1


def test_it_is_pickled_with_what_it_learned(numbers: tuple[np.ndarray, np.ndarray]) -> None:
    sampler = GANOverSampler(**FAST)
    sampler.fit_resample(*numbers)
    file = io.BytesIO()
    joblib.dump(sampler, file)
    file.seek(0)
    loaded = joblib.load(file)
    labels = torch.ones(5, dtype=torch.int64)
    assert torch.equal(loaded.gans_[1].sample(labels, 0), sampler.gans_[1].sample(labels, 0))
    pd.testing.assert_frame_equal(loaded.synthetic_, sampler.synthetic_)


@pytest.mark.parametrize("X", [np.zeros(60), np.zeros((60, 2, 2)), [1.0] * 60, np.zeros((60, 0)), np.zeros((59, 2))])
def test_what_is_no_table_is_refused(X: Any, numbers: tuple[np.ndarray, np.ndarray]) -> None:
    with pytest.raises(ValueError, match=r"2D array|dim|0 feature|inconsistent numbers"):
        GANOverSampler(**FAST).fit_resample(X, numbers[1])


def test_names_that_occur_twice_are_refused(numbers: tuple[np.ndarray, np.ndarray]) -> None:
    X = pd.DataFrame(numbers[0], columns=["a", "b", "a"])
    with pytest.raises(InputError, match="two columns named 'a'"):
        GANOverSampler(**FAST).fit_resample(X, numbers[1])


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


def test_every_class_is_asked_for_once_with_a_seed_of_its_own() -> None:
    sampler = FirstRow(random_state=0)
    sampler.fit_resample(*three_classes())
    (b, few, seed), (c, many, other) = sampler.asked
    assert (b, few, c, many) == ("b", 16, "c", 20)
    assert seed != other


def test_nothing_to_add_adds_nothing(numbers: tuple[np.ndarray, np.ndarray]) -> None:
    sampler = FirstRow(sampling_strategy={1: 20})
    resampled, labels = sampler.fit_resample(*numbers)
    assert np.array_equal(resampled, numbers[0])
    assert np.array_equal(labels, numbers[1])
    assert sampler.synthetic_.empty


def test_who_writes_the_rows_must_be_said() -> None:
    with pytest.raises(TypeError, match="_generate"):
        TableOverSampler()


def test_a_conditional_gan_may_be_told_clusters_of_the_class() -> None:
    random = np.random.default_rng(0)
    rows = pd.DataFrame({"a": random.normal(size=60), "b": random.normal(size=60)})
    rows.loc[50:] += np.repeat([[0.0], [100.0]], 5, axis=0)
    labels = np.repeat([0, 1], [50, 10])
    sampler = GANOverSampler("ConditionalGAN", clusters=2, numeric_transform="standard", max_steps=2, random_state=0)
    sampler.fit_resample(rows, labels)
    (gan,) = sampler.gans_.values()
    assert gan.spec.condition_classes == (1, 1)
    assert gan.spec.condition_weights == (0.5, 0.5)
    assert len(sampler.synthetic_) == 40


# -- with no setting at all, on small real tables ---------------------------------------------------------------------


def cut(frame: pd.DataFrame, target: str, counts: dict[Any, int]) -> tuple[pd.DataFrame, pd.Series]:
    rows = pd.concat([frame[frame[target] == label].iloc[:count] for label, count in counts.items()])
    return rows.drop(columns=target), rows[target]


def bundled(name: str, counts: dict[Any, int]) -> Callable[[Any], tuple[pd.DataFrame, pd.Series]]:
    return lambda _: cut(getattr(datasets, f"load_{name}")(as_frame=True).frame, "target", counts)


def shared(name: str, target: str, counts: dict[Any, int]) -> Callable[[Any], tuple[pd.DataFrame, pd.Series]]:
    return lambda shared_data: cut(pd.read_csv(shared_data(name), skipinitialspace=True), target, counts)


SMALL_TABLES = {
    "breast cancer": bundled("breast_cancer", {1: 300, 0: 100}),
    "wine": bundled("wine", {1: 71, 0: 30, 2: 20}),
    "iris": bundled("iris", {0: 50, 1: 30, 2: 12}),
    "digits": bundled("digits", {3: 150, 8: 60}),
    "card fraud": shared("creditcard_sample.csv.gz", "Class", {0: 480, 1: 120}),
    "rare card fraud": shared("creditcard_sample.csv.gz", "Class", {0: 580, 1: 20}),
    "diabetes": shared("diabetes_binary_health_indicators_BRFSS2015.csv.gz", "Diabetes_binary", {0: 480, 1: 120}),
    "lending club": shared("lending_club.csv.gz", "loan_status", {"Fully Paid": 480, "Charged Off": 120}),
    "adult": shared("adult_train.csv.gz", "income", {"<=50K": 480, ">50K": 120}),
    "car": shared("car.csv.gz", "class", {"unacc": 400, "acc": 100, "vgood": 60, "good": 40}),
}


class PointGAN(WassersteinGAN):
    """Generates the same row over and over."""

    def generate(self, conditions: torch.Tensor) -> torch.Tensor:
        return 0 * super().generate(conditions)


def test_a_generator_that_repeats_itself_is_told_of(numbers: tuple[np.ndarray, np.ndarray]) -> None:
    with pytest.warns(CollapseWarning, match="repeats itself"):
        GANOverSampler(PointGAN, **FAST).fit_resample(*numbers)


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL_TABLES)
def test_nothing_collapses_without_tuning(name: str, shared_data: Callable[[str], Path]) -> None:
    X, y = SMALL_TABLES[name](shared_data)
    sampler = GANOverSampler(random_state=0)
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("error", CollapseWarning)
        resampled, labels = sampler.fit_resample(X, y)
    assert time.process_time() - start < 15
    assert len(set(labels.value_counts())) == 1
    pd.testing.assert_frame_equal(resampled.iloc[: len(X)], X.reset_index(drop=True))
    for label, count in sampler.sampling_strategy_.items():
        real, made = X[y == label], sampler.synthetic_[(sampler.synthetic_[y.name] == label)][X.columns]
        assert len(made) == count
        # as many rows differ as among as many real ones drawn anew
        drawn = real.sample(count, replace=True, random_state=0)
        assert len(made.drop_duplicates()) >= 0.8 * len(drawn.drop_duplicates())
        varies = spread(real) > 0
        assert (spread(made) / spread(real))[varies].median() > 0.5


def spread(rows: pd.DataFrame) -> pd.Series:
    """Return the standard deviation of every column of numbers, and of others the chance that two rows differ."""
    return pd.Series(
        {
            name: column.std() if column.dtype.kind in "if" else 1 - (column.value_counts(normalize=True) ** 2).sum()
            for name, column in rows.items()
        }
    )


# -- whatever comes -------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=40, deadline=10_000, suppress_health_check=[HealthCheck.too_slow])
@given(frame=odd_frames(), data=st.data())
def test_any_table_is_over_sampled_or_refused(frame: pd.DataFrame, data: st.DataObject) -> None:
    frame = frame.set_axis([str(name) for name in frame.columns], axis=1)
    rare = data.draw(st.integers(1, len(frame) - 1))
    y = np.repeat(["no", "yes"], [len(frame) - rare, rare])
    sampler = GANOverSampler(max_steps=1, batch_size=16, random_state=0, accelerator="cpu")
    resampled = unless_refused(lambda: sampler.fit_resample(frame, y))
    if resampled is None:
        return
    X, labels = resampled
    assert len(X) == len(labels) == 2 * max(rare, len(frame) - rare)
    assert X.dtypes.equals(frame.dtypes)
    pd.testing.assert_frame_equal(X.head(len(frame)), frame)


def test_weights_of_rows_are_refused(numbers: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = numbers
    weights = np.ones(len(y))
    for sampler in (GANOverSampler(**FAST), FirstRow()):
        with pytest.raises(InputError, match=r"fit_resample got sample_weight, but takes X and y alone.* leave it out"):
            sampler.fit_resample(X, y, sample_weight=weights)


def test_tuples_that_are_levels_come_back_as_such() -> None:
    """The rows to learn from are equal, so no column has to be encoded."""
    levels = pd.Index([(0,)], tupleize_cols=False)
    X = pd.DataFrame({"a": 0.0, "tuple": pd.Categorical.from_codes([0] * 12, levels)})
    with pytest.warns(UserWarning, match="nothing to learn"):
        more, _ = GANOverSampler(max_steps=1, random_state=0).fit_resample(X, [0] * 8 + [1] * 4)
    assert more.dtypes.equals(X.dtypes)
    assert more["tuple"].tolist() == [(0,)] * 16
