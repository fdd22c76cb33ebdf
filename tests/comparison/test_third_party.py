"""CTGAN and TVAE compete where they are installed, and say how to install them where they are not."""

from __future__ import annotations

import sys
from collections import Counter
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone

from gan_imbalance.comparison.third_party import CTGANOverSampler, TVAEOverSampler
from gan_imbalance.oversampling import TableOverSampler
from gan_imbalance.types import InputError

PEERS = pytest.mark.parametrize("peer", [CTGANOverSampler, TVAEOverSampler])
FAST = {"epochs": 2, "batch_size": 20, "random_state": 0}


class Rote:
    """Stands for a synthesizer; it repeats the rows in their order, which must be such as ctgan takes."""

    def __init__(self, epochs: int, batch_size: int, enable_gpu: bool) -> None:
        assert not enable_gpu

    def fit(self, rows: pd.DataFrame, discrete: list[str]) -> None:
        assert rows.notna().all(axis=None)
        assert all(rows.dtypes[name] == ("int64" if name in discrete else "float64") for name in rows.columns)
        self.rows = rows

    def sample(self, count: int) -> pd.DataFrame:
        return self.rows.iloc[np.arange(count) % len(self.rows)].reset_index(drop=True)


@pytest.fixture
def installed() -> None:
    pytest.importorskip("ctgan", reason="ctgan is not installed; the extra `benchmark` has it")


def resample(sampler: TableOverSampler, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the 60 rows of "yes" that the sampler adds to the mixed frame."""
    resampled, labels = sampler.fit_resample(frame.drop(columns="label"), frame["label"])
    assert labels.iloc[120:].tolist() == ["yes"] * 60
    pd.testing.assert_frame_equal(resampled.iloc[:120], frame.drop(columns="label"))
    return resampled.iloc[120:].reset_index(drop=True)


@PEERS
def test_what_is_not_installed_is_told(
    peer: type[TableOverSampler], mixed_frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ctgan", None)
    with pytest.raises(InputError, match=r"is not installed .*pip install 'gan-imbalance\[benchmark\]'"):
        resample(peer(), mixed_frame)


@PEERS
def test_it_is_cloned(peer: type[TableOverSampler]) -> None:
    sampler = peer(epochs=7, batch_size=40, categorical=["code"], random_state=3)
    assert clone(sampler).get_params() == sampler.get_params()
    assert set(sampler.get_params()) == {"batch_size", "categorical", "epochs", "random_state", "sampling_strategy"}


@pytest.mark.parametrize(("peer", "batch_size"), [(CTGANOverSampler, 128), (CTGANOverSampler, 0), (TVAEOverSampler, 0)])
def test_an_impossible_batch_is_refused(peer: Any, batch_size: int, mixed_frame: pd.DataFrame) -> None:
    with pytest.raises(InputError, match=f"batch_size is {batch_size}"):
        resample(peer(batch_size=batch_size), mixed_frame)


@PEERS
def test_what_is_learned_by_heart_comes_back_exactly(
    peer: type[TableOverSampler], mixed_frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ctgan", SimpleNamespace(CTGAN=Rote, TVAE=Rote))
    frame = mixed_frame.assign(
        hole=mixed_frame["rate"].mask(mixed_frame["label"] == "yes"),
        colour=mixed_frame["colour"].mask(mixed_frame["count"] > 20),
        code=pd.Series(np.arange(120) % 3, dtype="Int64").mask(mixed_frame["count"] > 25),
        level=np.where(mixed_frame["label"] == "yes", 7, np.arange(120)),
    )
    made = resample(peer(sampling_strategy={"yes": 90}, categorical=["code"]), frame)
    rare = frame[frame["label"] == "yes"].drop(columns="label")
    pd.testing.assert_frame_equal(made, pd.concat([rare, rare], ignore_index=True))


@PEERS
@pytest.mark.usefixtures("installed")
def test_rows_come_in_the_form_and_range_of_the_class(peer: type[TableOverSampler], mixed_frame: pd.DataFrame) -> None:
    made = resample(peer(**FAST), mixed_frame)
    rare = mixed_frame[mixed_frame["label"] == "yes"]
    assert made.dtypes.equals(mixed_frame.drop(columns="label").dtypes)
    for name in ("flag", "colour", "size", "source"):
        assert made[name].isin(rare[name]).all(), name
    for name in ("amount", "count", "score", "rate"):
        assert made[name].dropna().between(rare[name].min(), rare[name].max()).all(), name
    assert made[["amount", "count"]].notna().all(axis=None)
    assert np.array_equal(made["amount"].round(2), made["amount"])


@PEERS
@pytest.mark.usefixtures("installed")
def test_a_seed_makes_it_reproducible(peer: type[TableOverSampler], mixed_frame: pd.DataFrame) -> None:
    first, second, other = (resample(peer(**{**FAST, "random_state": seed}), mixed_frame) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(first, second)
    assert not first.equals(other)


@PEERS
@pytest.mark.usefixtures("installed")
def test_global_random_states_are_left_alone(peer: type[TableOverSampler], mixed_frame: pd.DataFrame) -> None:
    np.random.seed(3)  # noqa: NPY002
    torch.manual_seed(3)
    expected = np.random.rand(), torch.rand(1).item()  # noqa: NPY002
    np.random.seed(3)  # noqa: NPY002
    torch.manual_seed(3)
    resample(peer(**FAST), mixed_frame)
    assert (np.random.rand(), torch.rand(1).item()) == expected  # noqa: NPY002


@PEERS
@pytest.mark.usefixtures("installed")
def test_arrays_and_several_classes(peer: type[TableOverSampler]) -> None:
    y = np.repeat(["a", "b", "c"], [30, 14, 10])
    X = np.random.default_rng(0).normal(size=(54, 2)) + 100 * np.repeat([0, 1, 2], [30, 14, 10])[:, None]
    resampled, labels = peer(**FAST).fit_resample(X, y)
    assert isinstance(resampled, np.ndarray)
    assert Counter(labels.tolist()) == {"a": 30, "b": 30, "c": 30}
    assert np.array_equal((resampled.mean(axis=1) / 100).round(), np.searchsorted(["a", "b", "c"], labels))


@PEERS
@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("columns", [["colour", "flag"], ["amount", "rate"]], ids=["categories", "numbers"])
def test_one_kind_of_column_is_enough(
    peer: type[TableOverSampler], columns: list[str], mixed_frame: pd.DataFrame
) -> None:
    assert list(resample(peer(**FAST), mixed_frame[[*columns, "label"]]).columns) == columns
