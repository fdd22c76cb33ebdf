"""Workbooks, ARFF and files of the Hugging Face Hub; CSV has a file of its own (test_csv_shapes.py)."""

from __future__ import annotations

import gzip
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import fsspec
import numpy as np
import pandas as pd
import pytest
from fsspec.implementations.local import LocalFileSystem

from gan_imbalance import TabularDataModule, evaluate
from gan_imbalance.data import reading
from gan_imbalance.data.reading import read_table
from gan_imbalance.files import MAX_UNPACKED
from gan_imbalance.types import InputError

LABELS = ("no", "yes")
ARFF = """\ufeff% made by hand
@RELATION rows
@attribute amount NUMERIC
@ATTRIBUTE 'a b' {x, 'y z', "q", é}
@ATTRIBUTE\tcount integer
@ATTRIBUTE note STRING
@ATTRIBUTE day DATE "yyyy-MM-dd"

@DATA
1.5,x,3,plain,2024-01-02
% in between
?, 'y z',4,'it\\'s, so',2024-01-03
-2e3,?,5,?,?
"""


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return a function that hides a package."""
    find = importlib.util.find_spec

    def hide(name: str) -> None:
        monkeypatch.setattr(reading, "find_spec", lambda asked: None if asked == name else find(asked))

    return hide


# -- workbooks ------------------------------------------------------------------------------------------------------


@pytest.fixture
def rows() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "amount": [1.5, np.nan, 3.0],
            "count": [1, 2, 3],
            "colour": ["red", "NA", None],
            "day": pd.to_datetime(["2024-01-01", "2024-02-01", "2024-03-01"]).astype("datetime64[ns]"),
            "flag": [True, False, True],
            "label": ["no", "yes", "no"],
        }
    )


def test_a_workbook_is_read(rows: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("openpyxl", reason="openpyxl, of the extra excel, is not installed")
    told: list[str] = []
    monkeypatch.setattr(reading, "rank_zero_info", told.append)
    path = tmp_path / "rows.xlsx"
    with pd.ExcelWriter(path) as writer:
        rows.to_excel(writer, sheet_name="first", index=False)
        rows.head(1).to_excel(writer, sheet_name="second", index=False)
    read = read_table(path)
    pd.testing.assert_frame_equal(read, rows.fillna({"colour": np.nan}), check_dtype=False)
    assert [dtype.kind for dtype in read.dtypes] == list("fiOMbO")
    assert told == [f"{path}: of 2 sheets, the first is read, 'first'."]
    assert read_table(path, ["red"])["colour"].isna().tolist() == [True, False, True]
    data = TabularDataModule(path=str(path), target="label")
    assert data.table.column_types["day"] == "date"
    assert evaluate(path, path, output=None).metrics.equals(evaluate(rows, rows, output=None).metrics)


def test_what_is_no_workbook_of_rows_is_refused(rows: pd.DataFrame, tmp_path: Path, without: Any) -> None:
    pytest.importorskip("openpyxl", reason="openpyxl, of the extra excel, is not installed")
    path = tmp_path / "rows.xlsx"
    rows.set_axis(["a", "b", "a", "c", "d", "e"], axis=1).to_excel(path, index=False)
    with pytest.raises(InputError, match="two columns named 'a'"):
        read_table(path)
    pd.DataFrame().to_excel(path, index=False)
    with pytest.raises(InputError, match=r"rows.xlsx is empty"):
        read_table(path)
    rows.head(0).to_excel(path, index=False)
    with pytest.raises(InputError, match=r"rows.xlsx has no rows"):
        read_table(path)
    path.write_bytes(b"amount,label\n1,no\n")
    with pytest.raises(InputError, match=r"rows.xlsx cannot be read as a table"):
        read_table(path)
    (tmp_path / "rows.xls").write_bytes(b"\xd0\xcf\x11\xe0")
    with pytest.raises(InputError, match=r"rows.xls is a workbook of the old form; save it as .xlsx or CSV"):
        read_table(tmp_path / "rows.xls")
    without("openpyxl")
    with pytest.raises(InputError, match=r"openpyxl, which is missing: pip install 'gan-imbalance\[excel\]'"):
        read_table(path)


def test_a_workbook_that_unpacks_to_too_much_is_refused(
    rows: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("openpyxl", reason="openpyxl, of the extra excel, is not installed")
    rows.to_excel(tmp_path / "rows.xlsx", index=False)
    monkeypatch.setenv(MAX_UNPACKED, "0.000001")
    with pytest.raises(InputError, match="unpacks to more than"):
        read_table(tmp_path / "rows.xlsx")


# -- ARFF -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["rows.arff", "rows.ARFF", "rows.arff.gz"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "latin-1"])
def test_arff_is_read(name: str, encoding: str, tmp_path: Path) -> None:
    content = ARFF.removeprefix("\ufeff" if encoding != "utf-8" else "").encode(encoding)
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    expected = pd.DataFrame(
        {
            "amount": [1.5, np.nan, -2000.0],
            "a b": pd.Categorical(["x", "y z", None], categories=["x", "y z", "q", "é"]),
            "count": [3, 4, 5],
            "note": ["plain", "it's, so", None],
            "day": ["2024-01-02", "2024-01-03", None],
        }
    )
    read = read_table(tmp_path / name)
    pd.testing.assert_frame_equal(read.drop(columns=["note", "day"]), expected.drop(columns=["note", "day"]))
    for column in ("note", "day"):
        assert read[column].fillna("").tolist() == expected[column].fillna("").tolist()
    assert read_table(tmp_path / name, ["plain"])["note"].isna().tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("@relation r\n@attribute a numeric\n@data\n1,2\n", r"Line 4 of .* has 2 value\(s\), but 1 columns are named"),
        ("@relation r\n@attribute a numeric\n@data\n\n% x\nb\n", "Column 'a' of .* is numeric, but holds 'b'"),
        ("@relation r\n@attribute a {x,y}\n@data\nz\n", "holds 'z', which is none of its values {x,y}"),
        ("@relation r\n@attribute a numeric\n@attribute a numeric\n@data\n1,2\n", "two columns named 'a'"),
        (
            "@relation r\n@attribute a relational\n@data\n1\n",
            "'a' of .* is of the type 'relational', which is not read",
        ),
        ("@relation r\n@attribute a\n@data\n1\n", "Line 2 of .* names no column"),
        ("@relation r\n@attribute a numeric\n@data\n{0 1}\n", "Line 4 of .* is a sparse row"),
        ("@relation r\n@attribute a numeric\n@data\n", "has no rows"),
        ("a,b\n1,2\n", "cannot be read as a table .it has no line @data"),
    ],
)
def test_arff_that_cannot_be_read_is_refused(content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "rows.arff").write_text(content)
    with pytest.raises(InputError, match=message) as error:
        read_table(tmp_path / "rows.arff")
    assert "\n" not in str(error.value)


# -- the Hugging Face Hub --------------------------------------------------------------------------------------------


class Hub(LocalFileSystem):
    """A hub whose files are in a folder of this machine."""

    root: Path

    def get_file(self, path: str, local: str, **options: Any) -> None:
        Path(local).write_bytes((self.root / path.removeprefix("hf://")).read_bytes())


def test_a_file_of_the_hub_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Hub()
    hub.root = tmp_path / "hub"
    folder = hub.root / "datasets" / "user" / "name"
    folder.mkdir(parents=True)
    (folder / "rows.csv").write_text("a;label\n" + "".join(f"{row},5;{LABELS[row % 2]}\n" for row in range(40)))
    (tmp_path / "test.csv").write_text("a,label\n40.5,no\n41.5,yes\n")
    monkeypatch.setattr(reading, "find_spec", lambda name: SimpleNamespace(name=name))
    monkeypatch.setattr(fsspec, "filesystem", {"hf": hub}.__getitem__)
    path = "hf://datasets/user/name/rows.csv"
    assert read_table(path)["a"].tolist() == [row + 0.5 for row in range(40)]
    assert TabularDataModule(path=path, target="label").table.classes == LABELS
    with_test = TabularDataModule(path=path, test_path=str(tmp_path / "test.csv"), target="label")
    assert with_test.split.test.tolist() == [40, 41]
    found = evaluate(path, tmp_path / "test.csv", output=tmp_path / "out")
    assert path in (tmp_path / "out" / "evaluation.json").read_text()
    assert found.report is not None
    with pytest.raises(InputError, match=r"hf://datasets/user/name/none.csv cannot be fetched \(.*\); see whether"):
        read_table("hf://datasets/user/name/none.csv")


def test_without_its_package_the_hub_is_not_read(without: Any) -> None:
    without("huggingface_hub")
    with pytest.raises(InputError, match="read by huggingface_hub, which is missing: pip install huggingface_hub"):
        read_table("hf://datasets/user/name/rows.csv")
