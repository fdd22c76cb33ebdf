from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import pytorch_lightning as pl
import torch
import yaml
from torch import Tensor, nn

from gan_imbalance.data import TabularDataModule
from gan_imbalance.data.reading import read_table
from gan_imbalance.data.split import Split
from gan_imbalance.data.tables import load_table
from gan_imbalance.types import ClassSelection, InputError

CONFIGS = Path(__file__).resolve().parents[2] / "configs" / "data"


class Recorder(pl.LightningModule):
    """Keeps what it is given; steps nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.layer_ = nn.Linear(1, 1)
        self.automatic_optimization = False
        self.seen: list[tuple[int, Tensor, Tensor]] = []
        self.judged: list[Tensor] = []

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        self.seen.append((self.current_epoch, *batch))

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        self.judged.append(batch[1])

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


class RecorderGAN(Recorder):
    """Declares what it learns, as GANs do."""

    batches_per_step = 2

    def __init__(self, *selections: ClassSelection) -> None:
        super().__init__()
        self.class_selections: Sequence[ClassSelection] = selections

    @property
    def class_selection(self) -> ClassSelection:
        return self.class_selections[min(self.current_epoch, len(self.class_selections) - 1)]


def fit(module: pl.LightningModule, data: pl.LightningDataModule, epochs: int = 1) -> None:
    pl.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    ).fit(module, datamodule=data)


@pytest.fixture
def data(mixed_frame: pd.DataFrame) -> TabularDataModule:
    return TabularDataModule(frame=mixed_frame, target="label", batch_size=8, steps_per_epoch=4)


@pytest.fixture
def three_classes() -> pd.DataFrame:
    random = np.random.default_rng(0)
    return pd.DataFrame({"x": random.normal(size=180), "y": np.repeat([10, 20, 30], [100, 50, 30])})


# -- reading -----------------------------


@pytest.mark.parametrize("name", ["rows.csv", "rows.csv.gz", "rows.parquet"])
def test_files_are_read_alike(mixed_frame: pd.DataFrame, tmp_path: Path, name: str) -> None:
    plain = mixed_frame[["amount", "count", "rate", "flag", "colour", "label"]]
    write = plain.to_parquet if name.endswith("parquet") else plain.to_csv
    write(tmp_path / name, index=False)
    pd.testing.assert_frame_equal(read_table(tmp_path / name), plain, check_exact=True)
    table = load_table(tmp_path / name, "label")
    assert table.classes == ("no", "yes")
    assert table.column_types["flag"] == table.column_types["colour"] == "categorical"
    assert table.column_types["count"] == "numeric"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "There is no file .*rows.csv"),
        ("", "rows.csv is empty"),
        ("a,b\n", "rows.csv has no rows"),
        ("a,b,a\n1,2,3\n", "two columns named 'a'"),
        ("a,b\n1,2\n1,2,3\n", r"Line 3 of .*rows.csv has 3 field\(s\), but the header has 2"),
        # where all rows have one more, pandas would take the first field for a name of the row
        ("a,b\n1,2,0\n1,2,1\n", r"Line 2 of .*rows.csv has 3 field\(s\), but the header has 2"),
        ("a,b,c\n1,2,0\n\n1,1\n", r"Line 4 of .*rows.csv has 2 field\(s\), but the header has 3"),
        ("a,b\n1,2\n1,\0001\n", "Line 3 of .*rows.csv holds a NUL byte"),
    ],
)
def test_files_that_hold_no_table_are_refused(tmp_path: Path, content: str | None, message: str) -> None:
    path = tmp_path / "rows.csv"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match=message) as error:
        load_table(path, "b")
    assert "\n" not in str(error.value)


def test_what_is_no_file_is_called_by_its_name(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match=f"{tmp_path} is a folder; name the table's file"):
        read_table(tmp_path)
    with pytest.raises(InputError, match="pipe is a pipe or device; name the table's file"):
        read_table(tmp_path / "pipe")


def test_empty_cells_and_blank_lines_are_no_ragged_rows(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text('\ufeffa,b,c\n1,"x, y",\n  \n\n2,"two\nlines",3\n', encoding="utf-8")
    expected = pd.DataFrame({"a": [1, 2], "b": ["x, y", "two\nlines"], "c": [np.nan, 3]})
    pd.testing.assert_frame_equal(read_table(tmp_path / "rows.csv"), expected)


def test_only_empty_cells_are_missing_unless_more_is_said(tmp_path: Path) -> None:
    frame = pd.DataFrame({"c": ["NA", "None", None, "N/A"], "y": ["NA", "None", "NA", "None"]})
    frame.to_csv(tmp_path / "rows.csv", index=False)
    pd.testing.assert_frame_equal(read_table(tmp_path / "rows.csv"), frame)
    assert load_table(tmp_path / "rows.csv", "y").classes == ("NA", "None")
    assert read_table(tmp_path / "rows.csv", ["N/A"])["c"].isna().tolist() == [False, False, True, True]


@pytest.mark.parametrize("value", [{"a": 1}, [1, 2], np.arange(2)], ids=["struct", "list", "array"])
def test_values_of_several_parts_are_refused(value: Any, mixed_frame: pd.DataFrame, tmp_path: Path) -> None:
    frame = mixed_frame.assign(parts=[None, *[value] * 119])
    frame.to_parquet(tmp_path / "rows.parquet")
    for source in (frame, tmp_path / "rows.parquet"):
        with pytest.raises(InputError, match=r"Column 'parts' holds values such as .*, of several parts"):
            load_table(source, "label", missing_values=["?"])


def test_broken_files_are_refused(tmp_path: Path) -> None:
    broken = {
        "cut.csv.gz": gzip.compress(b"a,b\n" + b"1,2\n" * 1000)[:-20],
        "text.csv.gz": b"a,b\n1,2\n",
        "text.parquet": b"a,b\n1,2\n",
        "bytes.csv": b"a,b\n\xff\xfe\xfa,2\n",
    }
    for name, content in broken.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=f"{name} cannot be read"):
            read_table(tmp_path / name)


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({}, {"target": "lable"}, "no column 'lable'.*did you mean 'label'"),
        ({"label": "no"}, {}, "target 'label' has one class only, 'no'"),
        ({"label": ["no"] * 118 + [None] * 2}, {}, "target 'label' is missing in 2 of 120 rows"),
        ({"label": [0, "1"] * 60}, {}, "target 'label' mixes types"),
        ({"label": np.linspace(0, 1, 120)}, {}, "target 'label' holds 120 different numbers .* it tells no classes"),
        ({"label": pd.date_range("2024", periods=120)}, {}, "target 'label' holds values such as Timestamp"),
        ({"rate": None}, {}, r"'rate' has no value in any row; drop it \(drop: \['rate'\]\)"),
        ({"rate": np.inf}, {}, "'rate' holds infinite values"),
        ({"rate": [1e300, 1.0] * 60}, {}, r"'rate' holds 1e\+300, but numbers go to 3.4e\+38"),
        ({"colour": [1, "a"] * 60}, {}, "'colour' mixes types.*name it in `categorical`"),
        ({"flag": pd.Period("2024")}, {}, "'flag' holds period"),
        ({}, {"numeric": ["label"]}, "numeric names 'label', which is the target"),
        ({}, {"categorical": ["color"]}, "'color'.*categorical asks for.*did you mean 'colour'"),
        ({}, {"numeric": ["colour"]}, "'colour' should hold numbers"),
        ({}, {"group": "label"}, "group names 'label', which is the target"),
        ({}, {"group": "color"}, "'color'.*group asks for.*did you mean 'colour'"),
        ({}, {"group": "score"}, r"group 'score' is missing in 18 of 120 rows"),
        ({"flag": [1, "1"] * 60}, {"group": "flag"}, "group 'flag' mixes types"),
    ],
)
def test_tables_that_cannot_be_used_are_refused(
    mixed_frame: pd.DataFrame, change: dict[str, Any], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        load_table(mixed_frame.assign(**change), **{"target": "label", **options})


def test_double_and_empty_frames_are_refused() -> None:
    with pytest.raises(InputError, match="two columns named '1'"):
        load_table(pd.DataFrame([[1, 2, 3]], columns=[1, "1", "y"]), "y")
    with pytest.raises(InputError, match="no rows or no columns"):
        load_table(pd.DataFrame({"y": []}), "y")


@pytest.mark.parametrize("form", ["csv", "frame"])
def test_further_missing_values(tmp_path: Path, form: str) -> None:
    frame = pd.DataFrame({"x": ["1", "?", "3", "4"], "c": ["?", "a", "b", "a"], "y": [0, 0, 1, 1]})
    frame.to_csv(tmp_path / "rows.csv", index=False)
    source = tmp_path / "rows.csv" if form == "csv" else frame
    table = load_table(source, "y", missing_values=["?"], numeric=["x"])
    assert table.features["x"].isna().tolist() == [False, True, False, False]
    assert table.features["c"].isna().tolist() == [True, False, False, False]
    assert table.column_types == {"x": "numeric", "c": "categorical"}


def test_duplicates_are_judged_as_the_model_sees_them() -> None:
    frame = pd.DataFrame(
        {
            "Time": [10.0, 20.0, 4000.0, 30.0, 86405.0],
            "id": range(5),
            "x": [1, 1, 1, 2, 1],
            "y": [0, 1, 0, 1, 1],
        }
    )
    options: Any = {"target": "y", "drop": ["id"], "derive": {"Time": "hour_of_day"}}
    assert load_table(frame, **options).groups.tolist() == [0, 0, 1, 2, 0]
    kept = load_table(frame, **options, drop_duplicates=True)
    assert kept.features["x"].tolist() == [1, 1, 2]
    assert kept.labels.tolist() == [0, 0, 1]


def test_rows_of_one_group_stay_together_and_the_column_is_no_feature() -> None:
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"x": random.normal(size=200), "patient": random.integers(0, 80, 200).astype(str)})
    frame["y"] = random.integers(0, 2, 200)
    frame.loc[150:, "x"] = frame.loc[:49, "x"].to_numpy()
    frame.loc[150:, "patient"] = [f"other {i}" for i in range(50)]
    data = TabularDataModule(frame=frame, target="y", group="patient")
    assert data.schema.features == list(data.table.features) == ["x"]
    assert data.schema.dropped == ("patient",)
    assert TabularDataModule(frame=frame, target="y", group="patient", drop=["patient"]).schema == data.schema
    for split in (data.split, data.split_with(0, fold=2, folds=4)):
        for name in ("x", "patient"):
            parts = [set(frame[name].iloc[split.rows(part)]) for part in ("train", "validation", "test", "reserve")]
            assert sum(map(len, parts)) == frame[name].nunique()


def test_duplicates_that_were_dropped_still_connect_their_groups() -> None:
    frame = pd.DataFrame({"x": [1, 1, 2, 3, 4], "patient": list("abbac"), "y": [0, 1, 0, 1, 1]})
    kept = load_table(frame, "y", group="patient", drop_duplicates=True)
    assert kept.features["x"].tolist() == [1, 2, 3, 4]
    assert kept.groups.tolist() == [0, 0, 0, 1]


def test_a_group_of_the_test_file_leaves_training(tmp_path: Path) -> None:
    train = pd.DataFrame({"x": np.arange(40), "patient": np.arange(40) // 2, "y": [0, 1] * 20})
    train.iloc[:6].assign(x=range(100, 106)).to_csv(tmp_path / "test.csv", index=False)
    train.to_csv(tmp_path / "train.csv", index=False)
    data = TabularDataModule(path=str(tmp_path / "train.csv"), test_path="test.csv", target="y", group="patient")
    learned = np.concatenate([data.split.train, data.split.validation])
    np.testing.assert_array_equal(np.sort(learned), np.arange(6, 40))


def test_a_test_file_is_found_beside_the_training_file_and_stays_whole(tmp_path: Path) -> None:
    train = pd.DataFrame({"x": np.arange(40), "c": ["a", "b"] * 20, "y": ["no", "yes"] * 20})
    test = pd.DataFrame({"y": ["no", "yes"] * 3, "x": [0, 101, 102, 103, 103, 103], "c": ["a", *"zbbbb"]})
    train.to_csv(tmp_path / "train.csv", index=False)
    test.to_csv(tmp_path / "test.csv", index=False)
    data = TabularDataModule(path=str(tmp_path / "train.csv"), test_path="test.csv", target="y", drop_duplicates=True)
    data.setup()
    features, labels = data.frame("test")
    assert features["x"].tolist() == test["x"].tolist()
    assert labels.tolist() == [0, 1] * 3
    assert 0 not in data.frame("train")[0]["x"].tolist() + data.frame("validation")[0]["x"].tolist()
    # Category "z" is only in the test file, so that nothing may know of it.
    unknown = data.encoded("test")[0][1]
    assert unknown[1:].tolist() == [0, 0]
    test.drop(columns="c").to_csv(tmp_path / "test.csv", index=False)
    with pytest.raises(InputError, match=r"no column 'c'.*the training file"):
        _ = TabularDataModule(path=data.path, test_path="test.csv", target="y").table


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "exactly one of path"),
        ({"path": "x.csv", "bundled": "iris"}, "exactly one of path"),
        ({"frame": [[1, 2]]}, "frame is a list"),
        ({"bundled": "abalon"}, "bundled is 'abalon'; name one of abalone, breast_cancer, wine, digits, iris"),
        ({"bundled": "iris", "batch_size": 0}, "batch_size is 0"),
        ({"bundled": "iris", "steps_per_epoch": 0}, "steps_per_epoch is 0"),
        ({"bundled": "iris", "max_levels": 0}, "max_levels is 0; it must be at least 1"),
    ],
)
def test_contradicting_settings_are_refused(options: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        TabularDataModule(**options)


def test_the_target_must_be_named(mixed_frame: pd.DataFrame) -> None:
    with pytest.raises(InputError, match="Name the column to predict"):
        TabularDataModule(frame=mixed_frame).setup()


@pytest.mark.parametrize(
    ("name", "target", "counts"),
    [("abalone", "old", {"no": 3916, "yes": 261}), ("iris", "target", {0: 50, 1: 50, 2: 50})],
)
def test_bundled_sets_know_their_target(name: Any, target: str, counts: dict[Any, int]) -> None:
    table = TabularDataModule(bundled=name).table
    assert table.schema.target == target
    assert dict(zip(table.classes, np.bincount(table.labels), strict=True)) == counts


def test_the_bundled_abalone_is_whole_and_credited(shared_data: Callable[[str], Path]) -> None:
    folder = resources.files("gan_imbalance.data") / "bundled"
    assert (folder / "abalone.csv.gz").read_bytes() == shared_data("tables/abalone.csv.gz").read_bytes()
    credits = (folder / "README.md").read_text()
    assert all(words in credits for words in ("Nash, W.", "UCI Machine Learning", "10.24432/C55C7W", "CC BY 4.0"))
    types = TabularDataModule(bundled="abalone").table.column_types
    assert [name for name, kind in types.items() if kind == "categorical"] == ["Sex"]
    assert len(types) == 8


def test_openml_sets_know_their_target(monkeypatch: pytest.MonkeyPatch, mixed_frame: pd.DataFrame) -> None:
    asked = []

    def fetch(**request: Any) -> SimpleNamespace:
        asked.append((request["name"], request["data_id"]))
        if request["name"] == "nothing":
            raise ValueError("No known OpenML dataset")
        return SimpleNamespace(frame=mixed_frame, target_names=["label"])

    monkeypatch.setattr("sklearn.datasets.fetch_openml", fetch)
    for name in ("mixed", 31, "31"):
        data = TabularDataModule(openml=name)
        data.prepare_data()
        assert data.table.classes == ("no", "yes")
    assert set(asked) == {("mixed", None), (None, 31)}
    with pytest.raises(InputError, match="'nothing' cannot be fetched"):
        TabularDataModule(openml="nothing").prepare_data()


# -- what is learned from -----------------------------


def test_nothing_is_fitted_on_held_out_rows(mixed_frame: pd.DataFrame) -> None:
    first = TabularDataModule(frame=mixed_frame, target="label", keep={"yes": 10})
    first.setup()
    held_out = np.concatenate([first.split.rows(part) for part in ("validation", "test", "reserve")])
    changed = mixed_frame.copy()
    changed.loc[held_out, "amount"] *= 1000
    changed.loc[held_out, "rate"] = np.nan
    changed.loc[held_out[::2], "colour"] = "violet"
    second = TabularDataModule(frame=changed, target="label", keep={"yes": 10})
    second.setup()
    assert second.split.hash == first.split.hash
    assert torch.equal(first.encoded("train")[0], second.encoded("train")[0])
    assert second.spec == first.spec


def test_without_a_trainer_all_classes_are_learned(data: TabularDataModule, mixed_frame: pd.DataFrame) -> None:
    data.setup()
    assert [data.rows(part).size for part in ("train", "validation", "test", "reserve")] == [84, 12, 24, 0]
    features, labels = data.encoded("train")
    assert features.dtype == torch.float32
    assert features.shape == (84, *data.spec.shape)
    assert labels.dtype == torch.int64
    assert torch.equal(labels, torch.from_numpy(data.frame("train")[1]))
    assert data.spec.classes == ("no", "yes")
    assert data.spec.condition_classes == (0, 1)
    assert data.spec.spans[-1].stop == data.spec.shape[0]
    rows = data.schema.restore(*_decoded(data, "train"))
    expected = mixed_frame.iloc[data.rows("train")].reset_index(drop=True)
    pd.testing.assert_frame_equal(rows, expected)


def _decoded(data: TabularDataModule, part: Any) -> tuple[pd.DataFrame, list[Any]]:
    features, labels = data.encoded(part)
    return data.transformer.inverse_transform(features), [data.table.classes[i] for i in labels]


def test_a_study_may_split_with_several_seeds(data: TabularDataModule) -> None:
    assert data.split_with(0).hash == data.split.hash
    assert data.split_with(1).hash != data.split.hash


def counts(data: TabularDataModule, split: Split) -> list[int]:
    return np.bincount(data.table.labels[split.train], minlength=len(data.table.classes)).tolist()


@pytest.mark.parametrize("fold", [{}, {"fold": 1, "folds": 4}])
def test_a_study_may_cut_the_minority(mixed_frame: pd.DataFrame, fold: dict[str, int]) -> None:
    data = TabularDataModule(frame=mixed_frame, target="label")
    whole = data.split_with(3, **fold)
    cut = {rows: data.split_with(3, **fold, minority_rows=rows) for rows in (15, 10, 5)}
    by_ratio = data.split_with(3, **fold, imbalance_ratio=7.5)
    for rows, split in [*cut.items(), (round(counts(data, whole)[0] / 7.5), by_ratio)]:
        assert counts(data, split) == [counts(data, whole)[0], rows]
        np.testing.assert_array_equal(split.validation, whole.validation)
        np.testing.assert_array_equal(split.test, whole.test)
        np.testing.assert_array_equal(np.sort(np.concatenate([split.train, split.reserve])), whole.train)
        kept = TabularDataModule(frame=mixed_frame, target="label", keep={"yes": rows})
        assert split.hash == kept.split_with(3, **fold).hash
    assert set(cut[5].train) < set(by_ratio.train) < set(cut[10].train) < set(cut[15].train) < set(whole.train)


def test_a_study_may_cut_both_classes(data: TabularDataModule) -> None:
    only_minority = data.split_with(0, minority_rows=6)
    cut = {ratio: data.split_with(0, minority_rows=6, imbalance_ratio=ratio) for ratio in (8.0, 2.5, 1.25)}
    for ratio, split in cut.items():
        assert counts(data, split) == [round(6 * ratio), 6]
        np.testing.assert_array_equal(split.test, data.split.test)
        np.testing.assert_array_equal(split.validation, data.split.validation)
        np.testing.assert_array_equal(np.sort(np.concatenate([split.train, split.reserve])), data.split.train)
    assert set(cut[1.25].train) < set(cut[2.5].train) < set(cut[8.0].train) < set(only_minority.train)


def test_what_a_study_cuts_comes_in_place_of_keep(three_classes: pd.DataFrame) -> None:
    data = TabularDataModule(frame=three_classes, target="y", keep={"10": 12, "20": 30})
    assert counts(data, data.split) == [12, 30, 21]
    assert counts(data, data.split_with(0, minority_rows=20)) == [20, 30, 21]
    assert counts(data, data.split_with(0, imbalance_ratio=1.5)) == [20, 30, 21]
    assert counts(data, data.split_with(0, minority_rows=5, imbalance_ratio=3)) == [5, 15, 21]
    assert set(data.split.train) < set(data.split_with(0, minority_rows=20).train)


def test_equally_frequent_classes_have_a_minority_and_another_majority() -> None:
    frame = pd.DataFrame({"x": np.arange(60), "y": [0, 1] * 30})
    data = TabularDataModule(frame=frame, target="y")
    assert counts(data, data.split_with(0, imbalance_ratio=3)) == [7, 21]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"minority_rows": 22}, "minority_rows asks for 22 rows of class 'yes', whose training part has 21; ask for 1"),
        ({"minority_rows": 0}, "minority_rows asks for 0 rows"),
        ({"minority_rows": 0.5}, "minority_rows asks for 0.5 rows"),
        ({"imbalance_ratio": 1.0}, "imbalance_ratio is 1.0; give a number above 1"),
        ({"imbalance_ratio": float("nan")}, "imbalance_ratio is nan"),
        ({"imbalance_ratio": 2}, "imbalance_ratio 2 asks for 32 rows of class 'yes', whose training part has 21"),
        ({"imbalance_ratio": 1000}, "imbalance_ratio 1000 asks for 0 rows of class 'yes'"),
        (
            {"minority_rows": 20, "imbalance_ratio": 4},
            "imbalance_ratio 4 with 20 minority_rows asks for 80 rows of class 'no', whose training part has 63",
        ),
        ({"fold": 1}, "folds is not given"),
    ],
)
def test_rows_that_are_not_there_are_refused(data: TabularDataModule, options: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        data.split_with(0, **options)


def test_setup_is_done_once(data: TabularDataModule) -> None:
    data.setup("fit")
    transformer, encoded = data.transformer, data.encoded("train")[0]
    data.setup("test")
    assert data.transformer is transformer
    assert data.encoded("train")[0] is encoded


def test_selections(three_classes: pd.DataFrame) -> None:
    data = TabularDataModule(frame=three_classes, target="y", keep={"10": 10})
    assert data.resolve("all") == (0, 1, 2)
    assert data.resolve("minority") == (0,)
    assert data.resolve("majority") == (1, 2)
    assert data.resolve(["30", 10.0]) == (0, 2)
    assert data.rows("reserve", "minority").size == 60
    assert set(data.frame("train", [20])[1]) == {1}
    for selection, message in (
        (["40"], "Unknown class '40'"),
        ([], "empty"),
        ("most", "Unknown class 'most'"),
    ):
        with pytest.raises(InputError, match=message):
            data.resolve(selection)


def test_a_text_label_is_one_class(data: TabularDataModule) -> None:
    assert data.resolve("yes") == (1,)


def test_no_test_and_no_validation_part(mixed_frame: pd.DataFrame) -> None:
    data = TabularDataModule(frame=mixed_frame, target="label", test_fraction=0.0, validation_fraction=0.0)
    data.setup()
    assert data.rows("train").size == 120
    assert data.val_dataloader() == data.test_dataloader() == []
    module = Recorder()
    data.steps_per_epoch = 2
    fit(module, data)
    assert len(module.seen) == 2


def test_state_is_plain(data: TabularDataModule, tmp_path: Path) -> None:
    data.setup()
    torch.save(data.state(), tmp_path / "state.pt")
    state = torch.load(tmp_path / "state.pt", weights_only=True)
    assert set(state) == {"transformer", "schema", "split_hash"}
    assert state["split_hash"] == data.split.hash


def test_samples_are_judged_as_they_are_exported(data: TabularDataModule) -> None:
    data.setup()
    noise = torch.randn(20, *data.spec.shape, generator=torch.Generator().manual_seed(0))
    exported = data.as_exported(noise)
    assert not torch.equal(exported, noise)
    torch.testing.assert_close(data.as_exported(exported), exported)
    real = data.encoded("train")[0]
    torch.testing.assert_close(data.as_exported(real), real, atol=1e-5, rtol=1e-5)


# -- with a trainer -----------------------------


def test_a_gan_gets_stacked_batches_of_the_classes_it_learns(data: TabularDataModule) -> None:
    gan = RecorderGAN("minority")
    fit(gan, data)
    assert data.spec.condition_classes == (1,)
    real = data.encoded("train", "minority")[0]
    for _, features, conditions in gan.seen:
        assert features.shape == (2, 8, *data.spec.shape)
        assert conditions.shape == (2, 8)
        assert not conditions.any()
        assert (torch.cdist(features.flatten(0, 1), real).min(dim=1).values < 1e-4).all()
    assert torch.cat(gan.judged).tolist() == [0] * 3
    assert data.encoded("train")[1].tolist().count(-1) == data.rows("train", "majority").size
    ones = data.table.features.iloc[data.rows("train", "minority")]["amount"]
    back = data.transformer.inverse_transform(real + 100)["amount"]
    assert back.max() == ones.max()


def test_a_classifier_gets_plain_batches_of_all_classes(data: TabularDataModule) -> None:
    classifier = Recorder()
    fit(classifier, data)
    features, labels = (torch.stack(parts) for parts in list(zip(*classifier.seen, strict=True))[1:])
    assert features.shape == (4, 8, *data.spec.shape)
    assert set(labels.flatten().tolist()) == {0, 1}
    assert torch.cat(classifier.judged).tolist() == data.frame("validation")[1].tolist()


def test_conditions_are_balanced_if_wanted(three_classes: pd.DataFrame) -> None:
    shares = {}
    for balanced in (True, False):
        data = TabularDataModule(frame=three_classes, target="y", batch_size=500, steps_per_epoch=4, balanced=balanced)
        gan = RecorderGAN("all")
        fit(gan, data)
        drawn = torch.stack([conditions for _, _, conditions in gan.seen]).flatten().bincount()
        shares[balanced] = (drawn / drawn.sum()).tolist()
    assert shares[True] == pytest.approx([1 / 3] * 3, abs=0.04)
    assert shares[False] == pytest.approx([100 / 180, 50 / 180, 30 / 180], abs=0.04)


def test_a_gan_may_change_its_classes_between_epochs(three_classes: pd.DataFrame) -> None:
    data = TabularDataModule(frame=three_classes, target="y", batch_size=20, steps_per_epoch=2)
    gan = RecorderGAN("majority", [30])
    fit(gan, data, epochs=3)
    seen = {epoch: set() for epoch in range(3)}
    for epoch, _, conditions in gan.seen:
        seen[epoch] |= set(conditions.flatten().tolist())
    assert seen == {0: {0, 1}, 1: {2}, 2: {2}}
    assert [judged.unique().tolist() for judged in gan.judged] == [[0, 1], [2], [2]]
    batches = [features for _, features, _ in gan.seen]
    assert not torch.equal(batches[2], batches[4])
    assert data.spec.condition_classes == (0, 1, 2)


def test_one_module_after_another(data: TabularDataModule) -> None:
    fit(RecorderGAN("minority"), data)
    assert data.spec.condition_classes == (1,)
    fit(RecorderGAN("majority"), data)
    assert data.spec.condition_classes == (0,)
    fit(Recorder(), data)
    assert data.spec.condition_classes == (0, 1)
    assert set(data.encoded("train")[1].tolist()) == {0, 1}


def test_contradictions_between_data_and_gan_are_refused(mixed_frame: pd.DataFrame) -> None:
    data = TabularDataModule(frame=mixed_frame, target="label", classes="minority", steps_per_epoch=1)
    fit(RecorderGAN(["yes"]), data)
    with pytest.raises(InputError, match=r"classes 'minority', but the GAN learns \['no', 'yes'\]"):
        fit(RecorderGAN("all"), data)
    with pytest.raises(InputError, match="a classifier learns all"):
        fit(Recorder(), data)


def test_clusters_become_conditions_and_never_classes() -> None:
    random = np.random.default_rng(0)
    rare = np.concatenate([random.normal(-5, 0.1, (60, 2)), random.normal(5, 0.1, (20, 2))])
    frame = pd.DataFrame(np.concatenate([random.normal(size=(200, 2)), rare])).assign(y=[0] * 200 + [1] * 80)
    data = TabularDataModule(frame=frame, target="y", clusters=2, validation_fraction=0.2, numeric_transform="standard")
    fit(RecorderGAN("minority"), data)
    assert data.spec.classes == (0, 1)
    assert data.spec.condition_classes == (1, 1)
    assert sorted(data.spec.condition_weights) == pytest.approx([0.25, 0.75], abs=0.1)
    for part in ("train", "validation"):
        features, conditions = data.encoded(part, "minority")
        first = conditions[features[:, 0].argmin()]
        assert torch.equal(conditions == first, features[:, 0] < features[:, 0].mean())
    assert set(data.encoded("train", "majority")[1].tolist()) == {-1}
    with pytest.raises(InputError, match="clusters is 2, but it cuts a single class"):
        fit(RecorderGAN("all"), data)


def test_an_encoding_may_be_brought_along(mixed_frame: pd.DataFrame) -> None:
    options: Any = {"frame": mixed_frame, "target": "label", "steps_per_epoch": 1}
    data = TabularDataModule(**options)
    fit(RecorderGAN("majority"), data)
    state, spans = data.state(), data.spec.spans
    gan = RecorderGAN("minority")
    gan.given_data_state = state
    again = TabularDataModule(**options)
    fit(gan, again)
    assert again.spec.spans == spans
    assert again.spec.condition_classes == (1,)
    np.testing.assert_array_equal(
        again.transformer.transform(mixed_frame, "ignore"), data.transformer.transform(mixed_frame, "ignore")
    )
    with pytest.raises(InputError, match="trained on another split"):
        fit(gan, TabularDataModule(**options, split_seed=1))


# -- shipped configurations -----------------------------

FILES = {
    "abalone": (None, 4_177, 10),
    "breast_cancer": (None, 569, 30),
    "card_fraud": ("creditcard_sample.csv.gz", 11_479, 55),
    "adult": ("adult_train.csv.gz", 48_842, 137),
    "diabetes": ("diabetes_binary_health_indicators_BRFSS2015.csv.gz", 253_680, 123),
    "lending_club": ("lending_club.csv.gz", 35_000, 139),
    "car": ("car.csv.gz", 1_728, 21),
}


def shipped(name: str, shared_data: Callable[[str], Path], **options: Any) -> TabularDataModule:
    config = yaml.safe_load((CONFIGS / f"{name}.yaml").read_text())
    assert list(config) == ["data"]
    assert set(config["data"]) == {"class_path", "init_args"}
    assert config["data"]["class_path"] == "gan_imbalance.data.TabularDataModule"
    file = FILES[name][0]
    path = {"path": str(shared_data(file))} if file else {}
    return TabularDataModule(**{**config["data"]["init_args"], **path, **options})


@pytest.mark.parametrize("name", FILES)
def test_every_shipped_configuration_fits_its_data(name: str, shared_data: Callable[[str], Path]) -> None:
    _, rows, width = FILES[name]
    data = shipped(name, shared_data)
    data.setup()
    assert len(data.table.labels) == rows
    assert data.spec.shape == (width,)
    assert len({*data.table.groups[data.split.train]} & {*data.table.groups[data.split.test]}) == 0


def test_every_shipped_configuration_is_tested() -> None:
    # tests/test_configs.py has those of images
    assert {path.stem for path in CONFIGS.glob("*.yaml") if "TabularDataModule" in path.read_text()} == set(FILES)


def test_card_fraud_keeps_what_the_comparison_needs(shared_data: Callable[[str], Path]) -> None:
    assert shipped("card_fraud", shared_data).rows("train", ["1"]).size == 331
    kept = shipped("card_fraud", shared_data, keep={"1": 100})
    assert kept.rows("train", [1]).size == 100
    assert kept.rows("reserve").size == 231


def test_adult_comes_back_as_it_was(shared_data: Callable[[str], Path]) -> None:
    data = shipped("adult", shared_data)
    data.setup()
    rows = data.schema.restore(*_decoded(data, "train"))
    original = read_table(shared_data("adult_train.csv.gz"), ["?"]).iloc[data.rows("train")]
    pd.testing.assert_frame_equal(rows, original.reset_index(drop=True))
    assert data.rows("test").size == 16_281
