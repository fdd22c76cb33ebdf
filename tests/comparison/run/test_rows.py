"""Whoever writes the rows, they come in the table's form, and the real ones stay what they were."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gan_imbalance.comparison.adapters import adapter_of
from gan_imbalance.comparison.plan.catalogue import TABLE_REMEDIES, choose_remedies
from gan_imbalance.comparison.plan.remedies import Remedy
from gan_imbalance.comparison.run.rows import Resampled, resample
from gan_imbalance.data import TabularDataModule
from gan_imbalance.synthesis import load_gan, synthesize
from gan_imbalance.transforms import LessOrEqual
from gan_imbalance.types import InputError

RARE = 1
GAN = TABLE_REMEDIES["wasserstein_gan"].with_gan_steps(2)


def apply(remedy: Remedy | str, data: TabularDataModule, rows: int | None = 30) -> Resampled:
    if isinstance(remedy, str):
        remedy = TABLE_REMEDIES[remedy]
    return resample(remedy, adapter_of(data.table, data.split.train), data, RARE, rows)


def sampler(class_path: str, **init_args: Any) -> Remedy:
    return Remedy("mine", {"class_path": class_path, "init_args": init_args})


@pytest.mark.parametrize("remedy", ["random_over", "smote", GAN], ids=["random_over", "smote", "gan"])
def test_over_samplers_add_exact_numbers_in_the_form_of_the_table(
    remedy: Remedy | str, data: TabularDataModule
) -> None:
    made, features = apply(remedy, data), data.table.features
    assert np.array_equal(made.kept, data.split.train)
    assert made.labels.tolist() == [RARE] * 30
    assert made.added.dtypes.equals(features.dtypes)
    assert made.added["colour"].isin(features["colour"]).all()
    assert made.added["count"].between(0, 29).all()
    assert np.array_equal(made.added["amount"].round(2), made.added["amount"])


def test_a_gan_keeps_to_what_the_data_say_of_dates_and_constraints(mixed_frame: pd.DataFrame) -> None:
    begun = pd.Timestamp("2021-03-01") + pd.to_timedelta(np.arange(len(mixed_frame)) * 3, "D")
    frame = mixed_frame.assign(begun=begun.strftime("%d/%m/%Y"), most=mixed_frame["count"] + 2)
    data = TabularDataModule(
        frame=frame, target="label", dates=["begun"], constraints=[LessOrEqual("count", "most")], split_seed=1
    )
    made = apply(GAN, data, 60).added
    assert (made["count"] <= made["most"]).all()
    assert not made["begun"].isin(frame["begun"]).all()
    assert pd.to_datetime(made["begun"], format="%d/%m/%Y").between(begun.min(), begun.max()).all()


def test_constraints_are_part_of_what_results_depend_on(mixed_frame: pd.DataFrame) -> None:
    frame = mixed_frame.assign(most=mixed_frame["count"] + 2)
    free, bound = (
        TabularDataModule(frame=frame, target="label", constraints=constraints).table.hash
        for constraints in ([], [LessOrEqual("count", "most")])
    )
    assert free != bound


def test_adasyn_takes_a_mixed_table_too(data: TabularDataModule) -> None:
    made = apply("adasyn", data)
    assert 20 <= len(made.labels) <= 40
    assert made.added["colour"].isin(["red", "blue", "green"]).all()


def test_random_over_sampling_repeats_real_rows(data: TabularDataModule) -> None:
    rare = data.table.features.iloc[data.split.train[data.table.labels[data.split.train] == RARE]]
    both = pd.concat([rare, apply("random_over", data).added])
    assert len(both.drop_duplicates()) == len(rare.drop_duplicates())


def test_under_sampling_keeps_some_real_rows_and_adds_none(data: TabularDataModule) -> None:
    made = apply("random_under", data, rows=None)
    assert not len(made.added)
    assert np.isin(made.kept, data.split.train).all()
    assert np.bincount(data.table.labels[made.kept]).tolist() == [12, 12]


def test_a_sampler_that_shuffles_has_written_all_rows_itself(data: TabularDataModule) -> None:
    made = apply(sampler("imblearn.combine.SMOTEENN"), data, rows=None)
    assert not len(made.kept)
    assert len(made.added) == len(made.labels) > 0


@pytest.mark.parametrize(
    ("columns", "notes"),
    [
        (["amount", "count"], []),
        (["amount", "colour"], ["SMOTENC, since there are categories or missing values"]),
        (["amount", "rate"], ["SMOTENC, since there are categories or missing values"]),
        (["colour", "size", "code"], ["SMOTEN, since there are categories or missing values"]),
    ],
)
def test_smote_becomes_the_variant_for_the_columns(
    mixed_frame: pd.DataFrame, columns: list[str], notes: list[str]
) -> None:
    frame = mixed_frame.assign(code=list("abcdefghijklmnopqrstuvwxyzABCD") * 4)
    module = TabularDataModule(frame=frame[[*columns, "label"]], target="label")
    made = apply("smote", module)
    assert made.notes == notes
    assert len(made.labels) == 30


def test_smote_takes_fewer_neighbours_where_there_are_few_rows(mixed_frame: pd.DataFrame) -> None:
    few = TabularDataModule(frame=mixed_frame, target="label", keep={"yes": 4})
    made = apply("smote", few)
    assert "k_neighbors 3 instead of 5: 4 minority rows" in made.notes
    assert len(made.labels) == 30


def test_real_rows_come_from_the_reserve_as_far_as_it_reaches(data: TabularDataModule) -> None:
    reserve = data.table.features.iloc[data.split.reserve]
    assert len(apply("real_rows", data, rows=5).labels) == 5
    made = apply("real_rows", data, rows=1000)
    assert len(made.labels) == len(reserve)
    pd.testing.assert_frame_equal(
        made.added.sort_values("amount", ignore_index=True), reserve.sort_values("amount", ignore_index=True)
    )


def test_half_of_the_rare_rows_stay_and_all_others(data: TabularDataModule) -> None:
    made, train = apply("half_minority", data, rows=None), data.split.train
    rare = data.table.labels == RARE
    assert set(train[~rare[train]]) < set(made.kept) < set(train)
    assert np.count_nonzero(rare[made.kept]) == np.count_nonzero(rare[train]) // 2
    assert not len(made.added)


def test_no_reserve_is_told(mixed_frame: pd.DataFrame) -> None:
    with pytest.raises(InputError, match="no reserve"):
        apply("real_rows", TabularDataModule(frame=mixed_frame, target="label"))


def test_arguments_that_a_sampler_does_not_take(data: TabularDataModule) -> None:
    with pytest.raises(InputError, match=r"'mine'.*does not take these arguments.*neighbours"):
        apply(sampler("imblearn.over_sampling.SMOTE", neighbours=3), data)


def test_the_seed_is_the_splits_unless_the_remedy_has_one(data: TabularDataModule) -> None:
    first, second = (apply("smote", data).added for _ in range(2))
    own = apply(sampler("imblearn.over_sampling.SMOTE", random_state=5), data).added
    pd.testing.assert_frame_equal(first, second)
    assert not own.equals(first)


def test_fewer_rows_are_a_part_of_more(data: TabularDataModule) -> None:
    made = apply("smote", data)
    ten, twenty = made.limited_to(10, seed=0), made.limited_to(20, seed=0)
    assert set(ten.added.index) < set(twenty.added.index) < set(made.added.index)
    assert (len(ten.labels), len(made.limited_to(99, seed=0).labels)) == (10, 30)


@pytest.mark.parametrize("remedy", ["smote", "random_under", GAN], ids=["smote", "random_under", "gan"])
def test_files_hold_everything(remedy: Remedy | str, data: TabularDataModule) -> None:
    made, adapter = apply(remedy, data), adapter_of(data.table)
    packed = made.pack(adapter, seed=0)
    read = Resampled.unpack(packed, adapter)
    pd.testing.assert_frame_equal(read.added, made.added)
    assert read.kept.tolist() == made.kept.tolist()
    assert read.labels.tolist() == made.labels.tolist()
    assert (read.notes, read.history, read.usage) == (made.notes, made.history, made.usage)
    assert read.quality == pytest.approx(made.quality, nan_ok=True)
    assert bool(made.quality) == (len(made.added) > 0)
    rows = pd.read_parquet(BytesIO(packed.rows))
    assert list(rows.columns) == list(data.given_frame.columns)
    assert (rows["label"] == "yes").all()


def test_a_gans_checkpoint_knows_the_tables_own_classes_and_target(data: TabularDataModule, tmp_path: Path) -> None:
    (checkpoint,) = apply(GAN, data).pack(adapter_of(data.table)).checkpoints
    (tmp_path / "gan.ckpt").write_bytes(checkpoint)
    rows = synthesize(load_gan(tmp_path / "gan.ckpt"), {"yes": 3}, seed=1).rows
    assert rows["label"].tolist() == ["yes"] * 3
    assert list(rows.columns) == [*data.table.features.columns, "label"]


def test_rows_that_a_sampler_moved_are_not_taken_for_copies(data: TabularDataModule) -> None:
    smoothed = {"class_path": "imblearn.over_sampling.RandomOverSampler", "init_args": {"shrinkage": 2.0}}
    made = apply(Remedy("smoothed", smoothed), data)
    train = data.table.features.iloc[data.split.train]
    assert not set(made.added["amount"]) <= set(train["amount"])


def test_smotenc_by_name_is_told_the_categories(data: TabularDataModule) -> None:
    smotenc = next(remedy for remedy in choose_remedies(["SMOTENC"]) if remedy.name == "SMOTENC")
    assert len(apply(smotenc, data).labels) == 30


def test_classes_may_be_fractions(mixed_frame: pd.DataFrame) -> None:
    frame = mixed_frame.assign(label=mixed_frame["label"].map({"no": 0.5, "yes": 1.5}))
    data = TabularDataModule(frame=frame, target="label", keep={"1.5": 12}, validation_fraction=0.2)
    made = resample(TABLE_REMEDIES["jittered_copies"], adapter_of(data.table, data.split.train), data, 1, 5)
    assert made.labels.tolist() == [1] * 5


def test_added_rows_are_judged(data: TabularDataModule) -> None:
    copies, smote, real = (apply(remedy, data).quality for remedy in ("random_over", "smote", "real_rows"))
    assert copies["exact_copies"] == 1
    assert copies["membership_auc"] > smote["membership_auc"] > 0.5
    assert real["exact_copies"] == 0
    assert 0 < smote["pair_trends"] < 1
    assert 0 <= real["two_sample_trees"] <= 1


def test_added_rows_are_judged_without_looking_at_test_rows(data: TabularDataModule) -> None:
    features = data.table.features.copy()
    features.loc[data.split.test, "amount"] = -1000.0
    features.loc[data.split.test, "colour"] = "red"
    changed = replace(data.table, features=features)
    expected = resample(TABLE_REMEDIES["smote"], adapter_of(data.table, data.split.train), data, RARE, 30).quality
    found = resample(
        TABLE_REMEDIES["smote"], adapter_of(changed, data.split.train), data.adapted(samples=changed), RARE, 30
    ).quality
    assert found == pytest.approx(expected, nan_ok=True)
