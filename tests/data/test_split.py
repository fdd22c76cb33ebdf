from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_imbalance.data.split import Split, connected_groups, duplicate_groups, split_rows
from gan_imbalance.types import InputError

PARTS = ("train", "validation", "test", "reserve")


def _unique(rows: int) -> np.ndarray:
    return np.arange(rows)


@settings(max_examples=50, deadline=None)
@given(
    counts=st.lists(st.integers(6, 60), min_size=2, max_size=4),
    test=st.sampled_from([0.0, 0.2, 0.5]),
    validation=st.sampled_from([0.0, 0.1, 0.3]),
    seed=st.integers(0, 1000),
)
def test_each_class_has_its_share_and_each_row_one_part(
    counts: list[int], test: float, validation: float, seed: int
) -> None:
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    split = split_rows(labels, _unique(labels.size), test, validation, seed)
    rows = np.concatenate([split.rows(part) for part in PARTS])
    np.testing.assert_array_equal(np.sort(rows), np.arange(labels.size))
    for index, count in enumerate(counts):
        for part, share in ((split.test, test), (split.validation, validation)):
            wanted = max(1, round(share * count)) if share else 0
            assert (labels[part] == index).sum() == wanted


@settings(max_examples=50, deadline=None)
@given(
    groups=st.lists(st.integers(0, 40), min_size=120, max_size=200),
    flips=st.lists(st.integers(0, 119), max_size=5),
    seed=st.integers(0, 1000),
)
def test_duplicates_stay_together(groups: list[int], flips: list[int], seed: int) -> None:
    group = np.array(groups)
    labels = group % 2
    labels[flips] = 1 - labels[flips]
    try:
        split = split_rows(labels, group, 0.2, 0.2, seed)
    except InputError:
        return  # A class has too few groups for every part, which is said in another test.
    parts = [set(group[split.rows(part)]) for part in PARTS]
    assert sum(map(len, parts)) == len(set(groups))
    assert sum(split.rows(part).size for part in PARTS) == group.size
    largest = np.bincount(group).max()
    for index in (0, 1):
        total = (labels == index).sum()
        assert abs((labels[split.test] == index).sum() - 0.2 * total) <= largest + len(flips) + 1


@settings(max_examples=50, deadline=None)
@given(
    counts=st.lists(st.integers(12, 60), min_size=2, max_size=4),
    folds=st.integers(2, 6),
    validation=st.sampled_from([0.0, 0.1, 0.3]),
    seed=st.integers(0, 1000),
)
def test_folds_are_equal_and_together_all_rows(counts: list[int], folds: int, validation: float, seed: int) -> None:
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    splits = [
        split_rows(labels, _unique(labels.size), 0.9, validation, seed, fold=i, folds=folds) for i in range(folds)
    ]
    np.testing.assert_array_equal(np.sort(np.concatenate([split.test for split in splits])), np.arange(labels.size))
    for split in splits:
        rows = np.concatenate([split.rows(part) for part in PARTS])
        np.testing.assert_array_equal(np.sort(rows), np.arange(labels.size))
        for index, count in enumerate(counts):
            assert (labels[split.test] == index).sum() in (count // folds, -(-count // folds))
            wanted = max(1, validation * count) if validation else 0
            assert (labels[split.validation] == index).sum() == pytest.approx(wanted, abs=1)


@settings(max_examples=50, deadline=None)
@given(
    patients=st.lists(st.integers(0, 60), min_size=150, max_size=220),
    values=st.lists(st.integers(0, 150), min_size=220, max_size=220),
    folds=st.sampled_from([None, 2, 5]),
    seed=st.integers(0, 1000),
)
def test_no_group_straddles_parts(patients: list[int], values: list[int], folds: int | None, seed: int) -> None:
    patient, value = np.array(patients), np.array(values[: len(patients)])
    # Few rows share a value with another patient's, so that the groups stay many.
    value = np.where(value < 5, value, 1000 + np.arange(value.size))
    groups = connected_groups(*(duplicate_groups(pd.DataFrame({"x": column})) for column in (patient, value)))
    labels = np.random.default_rng(seed).integers(0, 2, groups.size)
    try:
        splits = [
            split_rows(labels, groups, 0.2, 0.2, seed, fold=fold, folds=folds)
            for fold in ([None] if folds is None else range(folds))
        ]
    except InputError:
        return  # A large group leaves a part without rows, which is said in another test.
    for split in splits:
        for column in (patient, value, groups):
            parts = [set(column[split.rows(part)]) for part in PARTS]
            assert sum(map(len, parts)) == len(set(column))


def test_a_fold_keeps_as_a_holdout_does() -> None:
    labels = np.repeat([0, 1], [300, 60])
    whole, kept, then = (
        split_rows(labels, _unique(360), 0.0, 0.1, 3, keep=keep, fold=1, folds=5, then_keep=then_keep)
        for keep, then_keep in ((None, None), ({1: 20}, None), ({1: 20}, {0: 50}))
    )
    assert np.bincount(labels[whole.train]).tolist() == [210, 42]
    assert np.bincount(labels[kept.train]).tolist() == [210, 20]
    assert np.bincount(labels[then.train]).tolist() == [50, 20]
    assert set(then.train) < set(kept.train) < set(whole.train)
    for split in (kept, then):
        np.testing.assert_array_equal(split.test, whole.test)
        np.testing.assert_array_equal(split.validation, whole.validation)
        np.testing.assert_array_equal(np.sort(np.concatenate([split.train, split.reserve])), whole.train)


def test_a_test_file_is_the_test_part_and_its_duplicates_leave_training() -> None:
    labels = np.array([0, 1] * 30)
    groups = np.arange(60)
    groups[:4] = groups[56:60]
    test_rows = np.arange(60) >= 50
    split = split_rows(labels, groups, 0.2, 0.1, 0, test_rows=test_rows)
    np.testing.assert_array_equal(split.test, np.arange(50, 60))
    remaining = np.concatenate([split.train, split.validation])
    np.testing.assert_array_equal(np.sort(remaining), np.arange(4, 50))
    assert split.validation.size == 4


def test_keep_moves_training_rows_to_the_reserve_and_nothing_else() -> None:
    labels = np.repeat([0, 1], [300, 60])
    splits = {
        amount: split_rows(labels, _unique(360), 0.2, 0.1, 3, keep={1: amount} if amount else None)
        for amount in (None, 20, 0.25, 10)
    }
    whole = splits[None]
    assert {amount: (labels[split.train] == 1).sum() for amount, split in splits.items()} == {
        None: 42,
        20: 20,
        0.25: 10,
        10: 10,
    }
    for split in splits.values():
        np.testing.assert_array_equal(split.test, whole.test)
        np.testing.assert_array_equal(split.validation, whole.validation)
        np.testing.assert_array_equal(np.sort(np.concatenate([split.train, split.reserve])), whole.train)
    assert set(splits[10].train) < set(splits[20].train)
    assert len({split.hash for split in splits.values()}) == 3


@pytest.mark.parametrize("amount", [0, 43, 1.5, -1])
def test_keeping_what_is_not_there_is_refused(amount: float) -> None:
    labels = np.repeat([0, 1], [300, 60])
    with pytest.raises(InputError, match="class 'fraud', whose training part has 42"):
        split_rows(labels, _unique(360), 0.2, 0.1, 3, keep={1: amount}, classes=["genuine", "fraud"])


def test_one_seed_one_split(tmp_path: Path) -> None:
    labels = np.repeat([0, 1], [50, 20])
    first, again, other = (split_rows(labels, _unique(70), 0.2, 0.1, seed) for seed in (1, 1, 2))
    assert first.hash == again.hash
    assert first.hash != other.hash
    first.save(tmp_path / "split.json")
    loaded = Split.load(tmp_path / "split.json")
    assert loaded.hash == first.hash
    assert loaded.seed == 1
    assert loaded.fold is None
    assert loaded.name == "seed-1"


def test_a_split_knows_its_fold(tmp_path: Path) -> None:
    labels = np.repeat([0, 1], [50, 20])
    split = split_rows(labels, _unique(70), 0.2, 0.1, 2, fold=3, folds=5)
    split.save(tmp_path / "split.json")
    loaded = Split.load(tmp_path / "split.json")
    assert (loaded.fold, loaded.name, loaded.hash) == (3, "seed-2-fold-3", split.hash)
    assert split.hash == Split(split.train, split.validation, split.test, split.reserve, 7).hash


@pytest.mark.parametrize("content", [None, "", "{}", '{"train": 3}'])
def test_a_file_that_holds_no_split_is_refused(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "split.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match=r"split\.json holds no split"):
        Split.load(path)


@pytest.mark.parametrize(
    ("counts", "options", "message"),
    [
        ([10], {}, "one class only, 'a'"),
        ([10, 1], {}, r"Class 'b' has 1 row\(s\).*at least 3"),
        ([10, 2], {}, r"Class 'b' has 2 row\(s\)"),
        ([10, 10], {"test_fraction": 1.0}, "test_fraction is 1.0"),
        ([10, 10], {"validation_fraction": -0.1}, "validation_fraction is -0.1"),
        ([10, 10], {"test_fraction": 0.5, "validation_fraction": 0.5}, "leave no row"),
        ([10, 10], {"test_rows": np.arange(20) < 5}, "Class 'b' has no row in the test part"),
        (
            [10, 10],
            {"test_rows": np.isin(np.arange(20), [0, *range(11, 20)])},
            "Class 'b' has no row in the train part",
        ),
        ([10, 10], {"groups": np.repeat(range(11), [1] * 10 + [10])}, "Class 'b' has no row in the"),
        ([10, 10], {"fold": 1}, "fold is 1, but folds is not given"),
        ([10, 10], {"folds": 5}, "fold is None; with 5 folds, give a number from 0 to 4"),
        ([10, 10], {"fold": 5, "folds": 5}, "fold is 5; with 5 folds"),
        ([10, 10], {"fold": 0, "folds": 1}, "folds is 1; give at least 2"),
        ([10, 4], {"fold": 0, "folds": 5}, "Class 'b' has 4 rows, too few for 5 folds"),
        ([10, 10], {"fold": 0, "folds": 2, "validation_fraction": 0.5}, "beside one of 2 folds"),
        ([10, 10], {"fold": 0, "folds": 5, "test_rows": np.arange(20) < 5}, "folds is 5, but the test part is a"),
        (
            [10, 10],
            {"fold": 0, "folds": 5, "groups": np.repeat(range(14), [1] * 10 + [3, 3, 3, 1])},
            r"Class 'b' has no row in the test part of fold \d.*one group",
        ),
    ],
)
def test_what_cannot_be_split_is_refused(counts: list[int], options: dict[str, Any], message: str) -> None:
    labels = np.repeat(np.arange(len(counts)), counts)
    settings = {"test_fraction": 0.2, "validation_fraction": 0.1, "groups": _unique(labels.size), **options}
    with pytest.raises(InputError, match=message):
        split_rows(labels, seed=0, classes=["a", "b"][: len(counts)], **settings)


def test_groups_are_equal_rows() -> None:
    frame = pd.DataFrame(
        {
            "x": [1.0, 1.0, 2.0, np.nan, np.nan, 1.0],
            "c": pd.Categorical(["a", "a", "a", None, None, "b"]),
            "s": ["u", "u", "u", None, None, "u"],
        }
    )
    np.testing.assert_array_equal(duplicate_groups(frame), [0, 0, 1, 2, 2, 3])


def test_groups_are_connected_by_chains_of_rows() -> None:
    first, second = np.array([0, 1, 1, 2, 3, 4]), np.array([0, 0, 1, 2, 1, 2])
    np.testing.assert_array_equal(connected_groups(first, second), [0, 0, 0, 1, 0, 1])
    np.testing.assert_array_equal(connected_groups(np.arange(4), np.arange(4)[::-1]), np.arange(4))
