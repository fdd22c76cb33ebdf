"""The controls learn nothing: one blurs real rows, the other keeps the marginals and loses the dependence."""

from __future__ import annotations

from collections import Counter
from itertools import product

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from torch import Tensor, nn

from gan_imbalance.comparison.controls import AugmentationOverSampler, JitterOverSampler, MarginalOverSampler
from gan_imbalance.comparison.distillation import EveryClass
from gan_imbalance.data import DigitsDataModule
from gan_imbalance.oversampling import TableOverSampler
from gan_imbalance.types import InputError

CONTROLS = pytest.mark.parametrize("control", [JitterOverSampler, MarginalOverSampler])
COPIED = ["flag", "colour", "size", "source"]


def added_rows(sampler: TableOverSampler, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the 60 rows of "yes" that the sampler adds to the mixed frame."""
    resampled, labels = sampler.fit_resample(frame.drop(columns="label"), frame["label"])
    assert labels.iloc[120:].tolist() == ["yes"] * 60
    pd.testing.assert_frame_equal(resampled.iloc[:120], frame.drop(columns="label"))
    return resampled.iloc[120:].reset_index(drop=True)


def rare_rows(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["label"] == "yes"].drop(columns="label").reset_index(drop=True)


def correlated() -> tuple[np.ndarray, np.ndarray]:
    """Return 300 rows of class 0 and 200 of class 1, in which two of three columns are nearly the same."""
    y = np.repeat([0, 1], [300, 200])
    first, third = np.random.default_rng(0).normal(size=(2, 500))
    return np.column_stack([first, first + 0.1 * third, third]) + 5 * y[:, None], y


# -- both -----------------------------------------------------------------------------------------------------------


@CONTROLS
def test_dtypes_are_those_of_the_table(control: type[TableOverSampler], mixed_frame: pd.DataFrame) -> None:
    sampler = control(random_state=0)
    made = added_rows(sampler, mixed_frame)
    assert made.dtypes.equals(mixed_frame.drop(columns="label").dtypes)
    pd.testing.assert_frame_equal(sampler.synthetic_, made.assign(label="yes"))


@CONTROLS
def test_a_seed_makes_it_reproducible(control: type[TableOverSampler], mixed_frame: pd.DataFrame) -> None:
    first, second, other = (added_rows(control(random_state=seed), mixed_frame) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(first, second)
    assert not first.equals(other)


@CONTROLS
def test_every_class_gets_its_number(control: type[TableOverSampler]) -> None:
    y = np.repeat(["a", "b", "c"], [30, 14, 10])
    X = np.random.default_rng(0).normal(size=(54, 3)) + 100 * np.repeat([0, 1, 2], [30, 14, 10])[:, None]
    resampled, labels = control(random_state=0).fit_resample(X, y)
    assert Counter(labels.tolist()) == {"a": 30, "b": 30, "c": 30}
    assert np.array_equal((resampled.mean(axis=1) / 100).round(), np.searchsorted(["a", "b", "c"], labels))
    _, labels = control(sampling_strategy={"c": 17}).fit_resample(X, y)
    assert Counter(labels.tolist()) == {"a": 30, "b": 14, "c": 17}


@CONTROLS
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, np.uint8])
def test_arrays_keep_their_form(control: type[TableOverSampler], dtype: type) -> None:
    X, y = correlated()
    X = (10 * X + 50).clip(0, 255).astype(dtype)
    resampled, labels = control(random_state=0).fit_resample(X, y)
    assert (resampled.dtype, resampled.shape, labels.dtype) == (dtype, (600, 3), y.dtype)
    assert np.array_equal(resampled[:500], X)
    assert Counter(labels.tolist()) == {0: 300, 1: 300}


@CONTROLS
def test_it_is_cloned(control: type[TableOverSampler]) -> None:
    sampler = control(sampling_strategy=0.5, categorical=["code"], random_state=3)
    assert clone(sampler).get_params() == sampler.get_params()
    assert {"sampling_strategy", "categorical", "random_state"} <= set(sampler.get_params())


@CONTROLS
def test_a_column_that_does_not_exist_is_refused(control: type[TableOverSampler], mixed_frame: pd.DataFrame) -> None:
    with pytest.raises(InputError, match="There is no column 'kode'"):
        added_rows(control(categorical=["kode"]), mixed_frame)


@CONTROLS
def test_a_class_may_lack_every_value_of_a_column(control: type[TableOverSampler], mixed_frame: pd.DataFrame) -> None:
    frame = mixed_frame.assign(rate=mixed_frame["rate"].mask(mixed_frame["label"] == "yes"))
    assert added_rows(control(random_state=0), frame)["rate"].isna().all()


# -- jitter ---------------------------------------------------------------------------------------------------------


def test_every_jittered_row_lies_near_a_real_one() -> None:
    X, y = correlated()
    made = JitterOverSampler(0.01, random_state=0).fit_resample(X, y)[0][500:]
    rare = X[y == 1]
    distances = np.abs(made[:, None] - rare) / rare.std(axis=0)
    nearest = distances.max(axis=2).min(axis=1)
    assert (nearest > 0).all()
    assert nearest.max() < 0.05


def test_the_noise_is_in_standard_deviations_of_the_column_in_the_class() -> None:
    # two clusters, one per class: the spread of the class is 1, that of the table 500, whose range clips nothing
    X = np.vstack([np.random.default_rng(0).normal(size=(50, 2)), np.full((20, 2), 1000.0)])
    X[0] = 2000
    X[50:60] += 1
    X[60:] -= 1
    y = np.repeat([0, 1], [50, 20])
    sampler = JitterOverSampler(0.1, sampling_strategy={1: 5020, 0: 50}, random_state=0)
    made = sampler.fit_resample(X + np.array([0, np.pi]), y)[0][70:] - np.array([0, np.pi])
    noise = np.abs(made - 1000) - 1
    assert np.allclose(noise.std(axis=0), 0.1, rtol=0.1)
    assert abs(np.corrcoef(noise.T)[0, 1]) < 0.1


def test_jitter_copies_what_is_no_number(mixed_frame: pd.DataFrame) -> None:
    made, rare = added_rows(JitterOverSampler(random_state=0), mixed_frame), rare_rows(mixed_frame)
    real = set(rare[COPIED].assign(score=rare["score"].isna(), rate=rare["rate"].isna()).itertuples(index=False))
    copies = made[COPIED].assign(score=made["score"].isna(), rate=made["rate"].isna())
    assert set(copies.itertuples(index=False)) <= real
    assert made["rate"].isna().any()
    assert made["score"].isna().any()


def test_jitter_moves_numbers_and_keeps_their_decimals(mixed_frame: pd.DataFrame) -> None:
    made, rare = added_rows(JitterOverSampler(random_state=0), mixed_frame), rare_rows(mixed_frame)
    for name in ("amount", "score", "rate"):
        assert made[name].dropna().isin(rare[name]).mean() < 0.5, name
    assert np.array_equal(made["amount"].round(2), made["amount"])


def test_named_categories_are_copied(mixed_frame: pd.DataFrame) -> None:
    made, rare = added_rows(JitterOverSampler(categorical=["count"]), mixed_frame), rare_rows(mixed_frame)
    assert made["count"].isin(rare["count"]).all()


def test_integers_that_are_floats_for_a_missing_value_stay_whole(mixed_frame: pd.DataFrame) -> None:
    made = added_rows(JitterOverSampler(random_state=0), mixed_frame.astype({"score": "float64"}))
    assert made["score"].dropna().mod(1).eq(0).all()


def test_unsigned_integers_do_not_wrap_around() -> None:
    X = np.array([[0], [1], [2]] * 10 + [[0], [0], [0], [40]], dtype=np.uint8)
    made = JitterOverSampler(0.5, random_state=0).fit_resample(X, np.repeat([0, 1], [30, 4]))[0][34:]
    assert (made == 0).any()
    assert made.max() < 100


def test_no_noise_repeats_rows(mixed_frame: pd.DataFrame) -> None:
    made, rare = added_rows(JitterOverSampler(0, random_state=0), mixed_frame), rare_rows(mixed_frame)
    assert len(pd.concat([rare, made]).drop_duplicates()) == len(rare.drop_duplicates())


@pytest.mark.parametrize("noise", [-0.1, float("nan"), float("inf")])
def test_impossible_noise_is_refused(noise: float, mixed_frame: pd.DataFrame) -> None:
    with pytest.raises(InputError, match="noise is"):
        added_rows(JitterOverSampler(noise), mixed_frame)


# -- augmentation ---------------------------------------------------------------------------------------------------


class Inverted(nn.Module):
    """Makes light what is dark."""

    def forward(self, images: Tensor) -> Tensor:
        """Map images to their negatives."""
        return -images


def test_images_of_the_class_are_drawn_and_augmented_as_the_data_say() -> None:
    data = DigitsDataModule(only=[3, 8], keep={"8": 9}, validation_fraction=0.2)
    real = data.samples.images.numpy()[data.rows("train", [8])]

    def made(augmentation: nn.Module | None, own: nn.Module | None = None, seed: int = 0) -> np.ndarray:
        sampler = AugmentationOverSampler(own, sampling_strategy=EveryClass(1.0), random_state=seed)
        images, labels = sampler.top_up(data.adapted(augmentation=augmentation))
        assert images.dtype == np.uint8
        assert np.bincount(labels).tolist() == data.class_counts()
        return images[labels == 1]

    inverted = made(Inverted())
    assert all((255 - real == image).all(axis=(1, 2, 3)).any() for image in inverted)
    assert np.array_equal(made(None, Inverted()), inverted)
    assert not np.array_equal(made(Inverted(), seed=1), inverted)
    # where the data say nothing, they are shifted by up to a pixel
    shifted = made(None)
    assert np.array_equal(shifted, made(None))
    moves = [np.roll(real, move, axis=(2, 3)) for move in product((-1, 0, 1), repeat=2)]
    inner = (slice(None), slice(None), slice(1, -1), slice(1, -1))
    assert all(
        any((move[inner] == image[None][inner]).all(axis=(1, 2, 3)).any() for move in moves) for image in shifted
    )
    assert not all((real == image).all(axis=(1, 2, 3)).any() for image in shifted)


def test_arrays_of_images_are_topped_up() -> None:
    images = np.random.default_rng(0).integers(256, size=(12, 1, 8, 8)).astype(np.uint8)
    labels = np.repeat(["no", "yes"], [9, 3])
    sampler = AugmentationOverSampler(random_state=0)
    more, told = sampler.fit_resample(images, labels)
    assert np.array_equal(more[:12], images)
    assert Counter(told.tolist()) == {"no": 9, "yes": 9}
    assert clone(sampler).get_params() == sampler.get_params()


# -- marginals ------------------------------------------------------------------------------------------------------


def test_every_column_holds_values_of_the_class_alone(mixed_frame: pd.DataFrame) -> None:
    made, rare = added_rows(MarginalOverSampler(random_state=0), mixed_frame), rare_rows(mixed_frame)
    for name in made.columns:
        assert set(made[name].dropna()) <= set(rare[name].dropna()), name
    for name in ("score", "rate"):
        assert 0 < made[name].isna().sum() < 60, name


def test_marginals_stay_and_the_dependence_goes() -> None:
    X, y = correlated()
    rare = X[y == 1]
    made = MarginalOverSampler(sampling_strategy={1: 5200, 0: 300}, random_state=0).fit_resample(X, y)[0][500:]
    assert np.allclose(made.mean(axis=0), rare.mean(axis=0), atol=0.1)
    assert np.allclose(made.std(axis=0), rare.std(axis=0), rtol=0.05)
    assert np.corrcoef(rare.T)[0, 1] > 0.9
    assert abs(np.corrcoef(made.T)[0, 1]) < 0.1


def test_jitter_stays_in_the_range_of_the_column() -> None:
    frame = pd.DataFrame({"amount": np.linspace(0.0, 1.0, 40)})
    rare = np.repeat([1, 0], [10, 30])
    resampled, _ = JitterOverSampler(50.0, random_state=0).fit_resample(frame, rare)
    added = resampled["amount"].iloc[40:]
    assert added.between(0, 1).all()
    assert {0.0, 1.0} <= set(added)
