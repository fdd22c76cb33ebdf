"""The benchmark beside CTGAN runs and ends with its figures, and its judges know good rows from bad."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.benchmarks import table_pipeline as benchmark


@pytest.mark.slow
def test_it_ends_with_one_json_line(
    shared_data: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("ctgan", reason="CTGAN is not installed: pip install -e '.[benchmark]'")
    folder = shared_data("adult_train.csv.gz").parent
    benchmark.main(["--quick", "--threads", "1", "--data", str(folder), "--output", str(tmp_path)])
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    names = ["fit_transform_speedup", "transform_speedup", "epoch_speedup", "sample_100k_speedup"]
    assert list(figures) == [*names, "quality_margin", "tstr_f1_margin"]
    assert all(figures[name] > 0 for name in names)
    assert len(list((tmp_path / "quick").glob("*.json"))) == 2


def _rows(count: int, seed: int) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    high = random.random(count) < 0.4
    return pd.DataFrame(
        {
            "age": random.integers(20, 50, count) + 20 * high,
            "sex": np.where(random.random(count) < 0.2 + 0.6 * high, "Male", "Female"),
            "income": np.where(high, ">50K", "<=50K"),
        }
    )


def test_the_judges_know_good_rows_from_bad() -> None:
    real, good, test = (_rows(400, seed) for seed in range(3))
    bad = good.assign(age=good["age"].sample(frac=1, random_state=0).to_numpy(), sex="Male")
    assert benchmark.quality(real, good) > benchmark.quality(real, bad) + 0.1
    assert benchmark.downstream_f1(good, test, real) > benchmark.downstream_f1(bad, test, real) + 0.1
    assert benchmark.downstream_f1(good[good["income"] == ">50K"], test, real) == 0


def test_without_a_seed_there_are_no_margins(tmp_path: Path) -> None:
    assert benchmark.margins((benchmark.CTGAN, benchmark.Ours), _rows(9, 0), _rows(9, 1), 1.0, 0, tmp_path) == {}


def test_ours_is_timed_trained_and_sampled_in_exact_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "BATCH_SIZE", 50)
    table = _rows(200, 0)
    ours = benchmark.Ours()
    assert all(seconds > 0 for seconds in ours.encode(table))
    assert len(ours.train(table, epochs=2, seconds=None, seed=0)) == 2
    made = ours.sample(333, seed=0)
    assert len(made) == 333
    assert made.dtypes.to_dict() == table.dtypes.to_dict()
    assert (made["income"] == ">50K").mean() == pytest.approx((table["income"] == ">50K").mean(), abs=0.01)


def test_training_ends_when_its_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "BATCH_SIZE", 50)
    assert len(benchmark.Ours().train(_rows(200, 0), epochs=None, seconds=0.0, seed=0)) == 1
