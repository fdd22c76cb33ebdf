"""Time series are compared as tables are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gan_imbalance.comparison import Remedy
from gan_imbalance.comparison.adapters import adapter_of, adapter_of_description
from gan_imbalance.comparison.plan.catalogue import SERIES_REMEDIES, choose_remedies
from gan_imbalance.comparison.plots import SHEETS
from gan_imbalance.comparison.run.rows import Resampled, resample
from gan_imbalance.data import SeriesSet, TimeSeriesDataModule
from gan_imbalance.distillation import SERIES_MEMBERS, CrossFittedEnsemble

RARE = 1
TINY = {
    "gan": {
        "class_path": "gan_imbalance.gans.MinorityTransferGAN",
        "init_args": {
            "generator": {"class_path": "gan_imbalance.networks.TemporalGenerator", "init_args": {"width": 2}},
            "discriminator": {"class_path": "gan_imbalance.networks.TemporalDiscriminator", "init_args": {"width": 2}},
        },
    },
    "max_steps": 2,
    "accelerator": "cpu",
}


def series(channels: int = 1, shorter: bool = False) -> SeriesSet:
    """Return sixty waves of three classes, of which the second is rare, all different."""
    random = np.random.default_rng(0)
    labels = np.repeat([0, 2, RARE], [24, 20, 16])
    waves = np.sin((1 + labels)[:, None] * np.linspace(0, 6, 16) + random.uniform(0, 6, (60, 1)))
    X = (waves[:, None] + random.normal(0, 0.1, (60, channels, 16))).astype(np.float32)
    if shorter:
        X[::2, :, 11:] = np.nan
    return SeriesSet(X, labels, ("a", "rare", "c"))


def data_of(samples: SeriesSet) -> TimeSeriesDataModule:
    return TimeSeriesDataModule(X=samples, keep={"rare": 6}, test_fraction=0.2, validation_fraction=0.2)


def apply(remedy: Remedy, data: TimeSeriesDataModule, rows: int | None = 9) -> Resampled:
    return resample(remedy, adapter_of(data.samples, data.split.train), data, RARE, rows)


def rare_training(data: TimeSeriesDataModule) -> np.ndarray[Any, Any]:
    train: np.ndarray[Any, Any] = data.samples.X[data.split.train]
    return train[data.samples.labels[data.split.train] == RARE]


def is_one_of(one: np.ndarray[Any, Any], many: np.ndarray[Any, Any]) -> bool:
    return any(np.array_equal(one, other, equal_nan=True) for other in many)


@pytest.mark.parametrize(("channels", "shorter"), [(1, False), (2, True)])
@pytest.mark.parametrize("name", ["random_over", "smote", "smote_dtw", "jitter", "time_warp"])
def test_samplers_give_series_of_the_class_back(name: str, channels: int, shorter: bool) -> None:
    data = data_of(series(channels, shorter))
    made, real = apply(SERIES_REMEDIES[name], data), rare_training(data)
    assert made.added.shape == (9, channels, 16)
    assert made.added.dtype == np.float32
    assert set(made.labels.tolist()) == {RARE}
    assert np.array_equal(made.kept, data.split.train)
    assert np.isnan(made.added).any() <= shorter
    assert is_one_of(made.added[0], real) is (name == "random_over")
    if "smote" in name and not shorter:
        assert made.added.min() >= real.min() - 1e-5
        assert made.added.max() <= real.max() + 1e-5


def test_half_of_the_rare_series_are_left_out_whole() -> None:
    data = data_of(series(shorter=True))
    made = apply(SERIES_REMEDIES["half_minority"], data, rows=None)
    assert np.bincount(data.samples.labels[made.kept])[RARE] == 3
    assert len(made.added) == 0


def poisoned(data: TimeSeriesDataModule) -> TimeSeriesDataModule:
    """Return the same with other test series."""
    samples = data.samples
    X = samples.X.copy()
    X[data.split.test] = 100 - X[data.split.test]
    return data.adapted(samples=SeriesSet(X, samples.labels, samples.classes))


@pytest.mark.parametrize(
    "remedy",
    [
        Remedy("mine", {"class_path": "gan_imbalance.oversampling.TimeSeriesOverSampler", "init_args": TINY}),
        SERIES_REMEDIES["smote_dtw"],
    ],
    ids=["minority transfer", "smote_dtw"],
)
def test_no_other_series_than_the_splits_own_is_looked_at(remedy: Remedy) -> None:
    data = data_of(series())
    expected, found = apply(remedy, data), apply(remedy, poisoned(data))
    assert np.array_equal(found.added, expected.added)
    assert found.quality == expected.quality


@pytest.mark.parametrize("shorter", [False, True])
def test_added_series_survive_the_file_and_the_report_finds_its_reference(shorter: bool) -> None:
    data = data_of(series(shorter=shorter))
    made, adapter = apply(SERIES_REMEDIES["random_over"], data), adapter_of(data.samples)
    read = Resampled.unpack(made.pack(adapter), adapter)
    assert np.array_equal(read.added, made.added, equal_nan=True)
    assert np.array_equal(read.labels, made.labels)
    assert made.quality["exact_copies"] == 1
    described = {"kind": "series", "classes": list(data.samples.classes), **adapter.describe()}
    again = adapter_of_description(described, adapter.dump_reference(np.arange(4)))
    assert np.array_equal(again.take(np.arange(4)), data.samples.X[:4], equal_nan=True)
    assert again.facts(60)["Time series"].startswith("60 of ")


def test_plots_show_series_and_tell_which_of_them_show_samples_themselves() -> None:
    data = data_of(series(channels=2))
    adapter = adapter_of(data.samples)
    made = {name: data.samples.X[at : at + 9] for name, at in (("one", 0), ("other", 20))}
    drawn = {plot.name: plot for plot in adapter.plots(made, RARE)}
    assert set(drawn) == {"series_one", "series_other", "principal_components", "neighbourhoods", "dynamics"}
    assert {name for name in drawn if name.startswith(SHEETS)} == {"series_one", "series_other"}
    assert len(drawn["dynamics"].drawing.axes) == 4
    assert "$" not in drawn["dynamics"].svg().partition("</defs>")[2]


def test_series_have_remedies_of_their_own() -> None:
    chosen = {remedy.name: remedy for remedy in choose_remedies(None, kind="series")}
    roles = {"smote_dtw": "standard", "jitter": "control", "time_warp": "control", "gan": "gan"}
    assert {name: chosen[name].role for name in roles} == roles
    assert {"distilled_time_warp", "distilled_real", "teacher", "real_rows", "half_minority"} <= set(chosen)
    for name in ("minority_transfer_gan", "minority_transfer_from_scratch"):
        # as many as the over-sampler takes by itself
        assert chosen[name].with_gan_steps(None).init_args["max_steps"] == 1000


def test_a_teacher_of_series_has_members_that_learn_series() -> None:
    samples = series()
    small = {
        "residual_network": {**SERIES_MEMBERS["residual_network"], "init_args": {"max_steps": 2, "accelerator": "cpu"}},
        "mini_rocket": {**SERIES_MEMBERS["mini_rocket"], "init_args": {"num_features": 84}},
    }
    teacher = CrossFittedEnsemble(small, folds=2, random_state=0).fit(samples.X, samples.labels)
    assert teacher.out_of_fold_.shape == (60, 3)
    assert set(teacher.losses_) == set(CrossFittedEnsemble()._new_members(SERIES_MEMBERS))
    assert teacher.weights_["mini_rocket"] > 0.5
