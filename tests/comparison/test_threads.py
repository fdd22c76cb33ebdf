"""Equal bits: the same seed, the same versions and the same threads give the same results, whatever runs the tasks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from gan_imbalance import GANOverSampler, TabularDataModule, compare
from gan_imbalance.comparison import Comparison

LINEAR = {"linear": {"class_path": "sklearn.linear_model.LogisticRegression", "init_args": {"max_iter": 1000}}}


@pytest.fixture(autouse=True)
def keep_threads() -> Any:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def run(mixed_frame: pd.DataFrame, tmp_path: Path) -> Any:
    """Return a function that compares remedies in a folder, on so many splits."""

    def call(name: str, seeds: int = 2, **settings: Any) -> Comparison:
        return compare(
            TabularDataModule(frame=mixed_frame, target="label"),
            ["smote", "wasserstein_gan"],
            LINEAR,
            seeds=seeds,
            folds=0,
            controls=False,
            gan_steps=30,
            wandb=False,
            output=str(tmp_path / name),
            **settings,
        )

    return call


def results(comparison: Comparison) -> pd.DataFrame:
    """Return the results without what tells of time."""
    table = comparison.results
    return table[[name for name in table if not name.startswith(("seconds", "peak_memory"))]]


def made_rows(comparison: Comparison) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (Path(comparison.folder) / "synthetic").glob("*.parquet")}


@pytest.mark.slow
def test_one_job_and_two_give_equal_bits(run: Any) -> None:
    one, two = run("one", jobs=1, threads=1), run("two", jobs=2, threads=1)
    pd.testing.assert_frame_equal(results(one), results(two), check_exact=True)
    assert made_rows(one) == made_rows(two)
    assert made_rows(one)


def test_a_comparison_goes_on_with_the_threads_that_it_was_begun_with(run: Any) -> None:
    begun = run("whole", threads=1, seeds=1)
    assert begun.findings.description.content["threads"] == 1
    torch.set_num_threads(2)
    resumed = run("whole", seeds=2)
    assert torch.get_num_threads() == 1
    assert resumed.findings.description.content["threads"] == 1
    again = run("again", threads=1)
    pd.testing.assert_frame_equal(results(resumed), results(again), check_exact=True)


def test_the_same_threads_give_equal_bits_and_other_ones_nearly(separated_frame: pd.DataFrame) -> None:
    """As docs/how-to/clusters.md says: after 150 steps they differ by hundredths of a standard deviation."""
    X, y = separated_frame.drop(columns="label"), separated_frame["label"]

    def rows(threads: int) -> pd.DataFrame:
        torch.set_num_threads(threads)
        made, _ = GANOverSampler(max_steps=150, random_state=0).fit_resample(X, y)
        return made.iloc[len(X) :]

    by_one, by_two = rows(1), rows(2)
    pd.testing.assert_frame_equal(by_one, rows(1), check_exact=True)
    pd.testing.assert_frame_equal(by_two, rows(2), check_exact=True)
    assert (by_one["colour"] == by_two["colour"]).mean() > 0.9
    distance = (by_one["amount"] - by_two["amount"]).abs() / X["amount"].std()
    assert np.median(distance) < 0.05
