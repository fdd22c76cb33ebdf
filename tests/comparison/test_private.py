"""A private comparison keeps no real row, and finds the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gan_imbalance import Comparison, TabularDataModule, compare, load_gan

REMEDIES = ["random_over", "smote", "wasserstein_gan", "distilled_jitter"]
LINEAR = {"linear": {"class_path": "sklearn.linear_model.LogisticRegression", "init_args": {"max_iter": 1000}}}


@pytest.fixture
def table() -> pd.DataFrame:
    """Return 120 rows of which every number tells the row."""
    random = np.random.default_rng(3)
    frame = pd.DataFrame(random.normal(size=(120, 3)), columns=["a", "b", "c"])
    return frame.assign(label=np.repeat(["no", "yes"], [90, 30]))


def run(table: pd.DataFrame, folder: Path, private: bool, wandb: bool = False) -> Comparison:
    settings = {"seeds": 1, "folds": 0, "gan_steps": 12, "wandb": wandb, "upload_artifacts": wandb}
    data = TabularDataModule(frame=table, target="label")
    return compare(data, REMEDIES, LINEAR, output=str(folder), private=private, **settings)


def real_values(folder: Path, table: pd.DataFrame) -> set[float]:
    """Return which of the table's numbers stand in files of rows."""
    found: set[float] = set()
    for path in folder.rglob("*.parquet"):
        # of scores, the columns are others
        for _, column in pd.read_parquet(path).filter(["a", "b", "c"]).items():
            found |= set(column)
    return found & set(table[["a", "b", "c"]].to_numpy().flat)


def test_no_real_row_is_kept_and_the_answer_is_the_same(
    table: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    private, open_ = run(table, tmp_path / "private", True, wandb=True), run(table, tmp_path / "open", False)
    assert real_values(tmp_path / "open", table)
    # the ends of what the GAN learned from
    rare = table.loc[table["label"] == "yes", ["a", "b", "c"]]
    assert len(real_values(tmp_path / "private", table)) <= rare.shape[1] * 2
    figures = [one.results.set_index(["remedy", "amount"])["pr_auc"] for one in (private, open_)]
    pd.testing.assert_series_equal(*figures)
    kept = {path.name.split("-")[0] for path in (tmp_path / "private" / "synthetic").glob("*.parquet")}
    assert len(kept) == 1
    assert not (tmp_path / "private" / "cache").exists()
    plots = {path.name for path in (tmp_path / "private" / "plots").iterdir()}
    more = {path.name for path in (tmp_path / "open" / "plots").iterdir()}
    assert plots < more
    assert Comparison.load(tmp_path / "private").verdict == private.verdict


def test_a_checkpoint_tells_the_ends_and_medians_only(table: pd.DataFrame, tmp_path: Path) -> None:
    run(table, tmp_path, True)
    (path,) = (tmp_path / "synthetic").glob("*.ckpt")
    columns = load_gan(path).data_state["transformer"]["columns"]
    told = {float(value) for column in columns for value in column["map"]["values"]}
    assert len(told & set(table[["a", "b", "c"]].to_numpy().flat)) <= 3 * 2
