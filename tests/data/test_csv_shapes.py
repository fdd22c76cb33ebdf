"""CSV files as people have them: each is read as it is meant, or refused in a sentence that names line or column."""

from __future__ import annotations

import gzip
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gan_imbalance import TabularDataModule, evaluate
from gan_imbalance.data import reading
from gan_imbalance.data.csv_format import find_csv_format
from gan_imbalance.data.reading import FileOptions, read_table
from gan_imbalance.data.tables import load_table
from gan_imbalance.types import InputError

PLAIN = pd.DataFrame({"amount": [1.5, -2.25, 1200.0], "city": ["Bern", "Ulm, Süd", "Lyon"], "count": [7, 12, 3]})
COMMAS = 'amount,city,count\n1.5,Bern,7\n-2.25,"Ulm, Süd",12\n1200.0,Lyon,3\n'
POINTS = "amount;city;count\n1.5;Bern;7\n-2.25;Ulm, Süd;12\n1200.0;Lyon;3\n"
GERMAN = "amount;city;count\n1,5;Bern;7\n-2,25;Ulm, Süd;12\n1200,0;Lyon;3\n"
TABS = POINTS.replace(";", "\t")


def of(**columns: list[Any]) -> pd.DataFrame:
    return pd.DataFrame(columns)


READ: dict[str, tuple[str | bytes, pd.DataFrame, str]] = {
    "ordinary": (COMMAS, PLAIN, ""),
    "UTF-8 with a mark": (COMMAS.encode("utf-8-sig"), PLAIN, ""),
    "CRLF": (COMMAS.replace("\n", "\r\n"), PLAIN, ""),
    "CR only": (COMMAS.replace("\n", "\r"), PLAIN, ""),
    "CR only, semicolons": (GERMAN.replace("\n", "\r"), PLAIN, "separated by ';', decimal mark ','"),
    "semicolons": (POINTS, PLAIN, "separated by ';'"),
    "semicolons, decimal commas": (GERMAN, PLAIN, "separated by ';', decimal mark ','"),
    "tabs": (TABS, PLAIN, "separated by tabs"),
    "tabs, decimal commas": (GERMAN.replace(";", "\t"), PLAIN, "separated by tabs, decimal mark ','"),
    "pipes": (POINTS.replace(";", "|"), PLAIN, "separated by '|'"),
    "Latin-1": (COMMAS.encode("latin-1"), PLAIN, "encoded in cp1252"),
    "Latin-1, semicolons": (
        GERMAN.encode("latin-1"),
        PLAIN,
        "separated by ';', encoded in cp1252, decimal mark ','",
    ),
    "Windows-1252 with the euro": (
        "price,what\n5 €,café\n7 €,naïve “x”\n".encode("cp1252"),
        of(price=["5 €", "7 €"], what=["café", "naïve “x”"]),
        "encoded in cp1252",
    ),
    "UTF-16, little end first": (
        b"\xff\xfe" + TABS.encode("utf-16-le"),
        PLAIN,
        "separated by tabs, encoded in utf-16",
    ),
    "UTF-16, big end first": (b"\xfe\xff" + COMMAS.encode("utf-16-be"), PLAIN, "encoded in utf-16"),
    "UTF-16 without a mark": (COMMAS.encode("utf-16-le"), PLAIN, "encoded in utf-16-le"),
    "UTF-16 without a mark, big end first": (COMMAS.encode("utf-16-be"), PLAIN, "encoded in utf-16-be"),
    "UTF-32": (COMMAS.encode("utf-32"), PLAIN, "encoded in utf-32"),
    "a late letter of Latin-1": (
        b"a,b\n" + b"1,x\n" * 20_000 + b"2,\xe9\n",
        of(a=[*[1] * 20_000, 2], b=[*["x"] * 20_000, "é"]),
        "encoded in cp1252",
    ),
    "a letter on the edge of the sample": (
        "a,b\n" + "1,é\n" * 13_106 + "1,éé\n" * 10,
        of(a=[1] * 13_116, b=["é"] * 13_106 + ["éé"] * 10),
        "",
    ),
    "thousands with points": (
        "a;b\n1.234,50;x\n12,00;y\n1.234.567,00;x\n",
        of(a=[1234.5, 12.0, 1234567.0], b=["x", "y", "x"]),
        "separated by ';', decimal mark ','",
    ),
    "thousands with points and no decimals beside": (
        "a;b;c\n1.234;1,5;3\n12.345;2,25;4\n567;3,0;5\n",
        of(a=[1234, 12345, 567], b=[1.5, 2.25, 3.0], c=[3, 4, 5]),
        "separated by ';', decimal mark ',', points as marks of thousands in 'a'",
    ),
    "decimals of three digits without a comma in the file": (
        "a;b\n1.234;x\n12.345;y\n",
        of(a=[1.234, 12.345], b=["x", "y"]),
        "separated by ';'",
    ),
    "three digits behind a zero": (
        "a;b\n0,123;x\n1,234;y\n",
        of(a=[0.123, 1.234], b=["x", "y"]),
        "separated by ';', decimal mark ','",
    ),
    "thousands with commas, tabs": (
        "a\tb\n1,234.5\tx\n12\ty\n",
        of(a=[1234.5, 12.0], b=["x", "y"]),
        "separated by tabs, decimal mark '.'",
    ),
    "thousands with blanks": (
        "a;b\n1\u00a0234,5;1 234\n12,0;567\n",
        of(a=[1234.5, 12.0], b=[1234, 567]),
        "separated by ';', decimal mark ','",
    ),
    "Swiss thousands": (
        "a;b\n1'234.5;x\n-12.0;y\n",
        of(a=[1234.5, -12.0], b=["x", "y"]),
        "separated by ';', decimal mark '.'",
    ),
    "gaps among decimal commas": (
        "a;b\n1,5;x\n;y\n2;\n",
        of(a=[1.5, np.nan, 2.0], b=["x", "y", None]),
        "separated by ';', decimal mark ','",
    ),
    "powers": ("a;b\n1,5e3;x\n2,5E-1;y\n", of(a=[1500.0, 0.25], b=["x", "y"]), "separated by ';', decimal mark ','"),
    "dates in European order": (
        "day;a\n01.02.2024;1,5\n28.02.2024;2,5\n03.12.2023;3,5\n",
        of(day=["01.02.2024", "28.02.2024", "03.12.2023"], a=[1.5, 2.5, 3.5]),
        "separated by ';', decimal mark ','",
    ),
    "booleans beside decimal commas": (
        "a;b\n1,5;True\n2,5;False\n",
        of(a=[1.5, 2.5], b=[True, False]),
        "separated by ';', decimal mark ','",
    ),
    "comments in front": (
        "# made by a machine, on a day\n#\n\n" + COMMAS,
        PLAIN,
        "3 line(s) before the header left out",
    ),
    "comments before semicolons": (
        "# made, today\n" + GERMAN,
        PLAIN,
        "separated by ';', 1 line(s) before the header left out, decimal mark ','",
    ),
    "a header that begins with #": ("#id,a\n1,2\n", pd.DataFrame({"#id": [1], "a": [2]}), ""),
    "a comment and a header that begins with #": (
        "# made today\n#id,a\n1,2\n",
        pd.DataFrame({"#id": [1], "a": [2]}),
        "1 line(s) before the header left out",
    ),
    "a separator told to Excel": ("sep=;\n" + GERMAN, PLAIN, "1 line(s) before the header left out"),
    "new lines in quotes": (
        'a;b\n1;"two\nlines"\n2;"x;y"\n',
        of(a=[1, 2], b=["two\nlines", "x;y"]),
        "separated by ';'",
    ),
    "doubled quotes": ('a,b\n1,"the ""b"""\n2,x\n', of(a=[1, 2], b=['the "b"', "x"]), ""),
    "one column": ("a\nx\ny\n", of(a=["x", "y"]), ""),
    "one column whose name holds semicolons": ("a;b\n1\n2\n", pd.DataFrame({"a;b": [1, 2]}), ""),
    "one column of numbers": ("a\n1.5\n2\n", of(a=[1.5, 2.0]), ""),
    "blanks after separators": (
        'a, b, c\n1, x, 2.5\n2, "y, z", 3.5\n',
        of(a=[1, 2], b=["x", "y, z"], c=[2.5, 3.5]),
        "blanks after separators left out",
    ),
    "blanks after some separators": ("a,b\n1, x\n2,y\n", of(a=[1, 2], b=[" x", "y"]), ""),
    "commas in names, tabs between": (
        "name, first\tage\nDoe, J\t3\nPoe, K\t4\n",
        pd.DataFrame({"name, first": ["Doe, J", "Poe, K"], "age": [3, 4]}),
        "separated by tabs",
    ),
    "semicolons in values, commas between": ("a,tags\n1,x;y\n2,z;y\n", of(a=[1, 2], tags=["x;y", "z;y"]), ""),
    "blank lines": ("\n\na;b\n1;2\n\n3;4\n", of(a=[1, 3], b=[2, 4]), "separated by ';'"),
    "no last new line": (GERMAN.rstrip(), PLAIN, "separated by ';', decimal mark ','"),
    "gaps in the last column": ("a;b\n1;\n2;x\n", of(a=[1, 2], b=[None, "x"]), "separated by ';'"),
    "percent and currencies": (
        'a,b\n12 %,$3.00\n7 %,"$1,234.00"\n',
        of(a=["12 %", "7 %"], b=["$3.00", "$1,234.00"]),
        "",
    ),
}
"""Of each file, its content, the rows, and what is told of it."""

REFUSED = {
    "a short row": ("a;b\n1;2\n3\n", "Line 3 of .* has 1 field.*the header has 2.*hold ';' in quotes"),
    "a long row": ("a\tb\n1\t2\n1\t2\t3\n", r"Line 3 of .* has 3 field\(s\), but the header has 2"),
    "a long row behind comments": ("# x, y, z\n\na;b\n1;2\n1;2;3\n", r"Line 5 of .* has 3 field\(s\)"),
    "equal names": ("a;a\n1;2\n", "two columns named 'a'"),
    "Cyrillic of Windows": ("a,b\n1,Москва\n".encode("cp1251"), "from line 2 on it is neither UTF-8 nor Western"),
    "Japanese": ("a,b\n1,x\n2,こんにちは\n".encode("shift_jis"), "line 3 .* name its encoding, such as .*shift_jis"),
    "an old Mac": ("a,b\n1,René\n2,Zoé Bé\n3,Hélène\n".encode("mac-roman"), "neither UTF-8 nor Western European"),
    "a zero": ("a;b\n1;x\0y\n", "Line 2 of .* holds a NUL byte"),
    "a zero in UTF-16": ("a;b\n1;x\0y\n".encode("utf-16"), "Line 2 of .* holds a NUL byte"),
    "half a character": ("a,b\n1,2\n".encode("utf-16")[:-1], "cannot be read"),
}


def told_of(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list to which is added what reading files tells."""
    told: list[str] = []
    monkeypatch.setattr(reading, "rank_zero_info", told.append)
    return told


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("name", READ)
def test_a_file_is_read_as_it_is_meant(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content, expected, found = READ[name]
    told = told_of(monkeypatch)
    path = write(tmp_path / "t.csv", content)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pd.testing.assert_frame_equal(read_table(path), expected.fillna(np.nan), check_exact=True)
    if name == "a separator told to Excel":
        found = f"separated by ';', {found}, decimal mark ','"
    assert told == ([f"{path}: {found}."] if found else [])


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_cannot_be_read_is_refused_by_its_line(name: str, tmp_path: Path) -> None:
    content, message = REFUSED[name]
    with pytest.raises(InputError, match=message) as error:
        read_table(write(tmp_path / "t.csv", content))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["ordinary", "semicolons, decimal commas", "UTF-16, little end first", "Latin-1"])
def test_a_compressed_file_is_read_alike(name: str, tmp_path: Path) -> None:
    content, expected, _ = READ[name]
    packed = gzip.compress(content if isinstance(content, bytes) else content.encode())
    pd.testing.assert_frame_equal(read_table(write(tmp_path / "t.csv.gz", packed)), expected)


# -- what may be read in two ways ----------------------------------------------------------------------------------


def test_commas_with_three_digits_behind_each_are_decimal_marks_beside_semicolons(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "a;b\n1,234;x\n12,345;y\n")
    with pytest.warns(UserWarning, match="in column 'a' three digits are behind each.*--data.decimal"):
        assert read_table(path)["a"].tolist() == [1.234, 12.345]
    assert read_table(path, options=FileOptions(decimal="."))["a"].tolist() == [1234, 12345]
    assert read_table(path, options=FileOptions(decimal=","))["a"].tolist() == [1.234, 12.345]


def test_commas_with_three_digits_behind_each_stay_text_beside_tabs(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "a\tb\ty\n1,234\tx\tno\n12,345\ty\tyes\n")
    assert read_table(path)["a"].tolist() == ["1,234", "12,345"]
    with pytest.warns(UserWarning, match=r"Column 'a' looks like numbers \('1,234'\)"):
        assert load_table(path, "y").column_types["a"] == "categorical"
    with pytest.raises(InputError, match=r"Column 'a' holds numbers such as '1,234', whose mark .* --data.decimal"):
        load_table(path, "y", numeric=["a"])
    assert load_table(path, "y", decimal=".").features["a"].tolist() == [1234, 12345]


def test_columns_that_contradict_each_other_stay_text(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "a;b\n1,5;1,234.5\n2,5;2,234.5\n")
    assert read_table(path).dtypes.tolist() == [object, object]
    assert read_table(path, options=FileOptions(decimal=","))["a"].tolist() == [1.5, 2.5]


def test_a_second_separator_is_warned_of(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "a,b;c\n1,5;2\n")
    with pytest.warns(UserWarning, match="separated by ',', but all rows have as many by ';'.*--data.separator"):
        assert read_table(path).columns.tolist() == ["a", "b;c"]
    assert read_table(path, options=FileOptions(";", decimal=",")).columns.tolist() == ["a,b", "c"]


# -- numbers as text -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "numbers"),
    [
        (["12 %", "7.5%", "8 %"], [12.0, 7.5, 8.0]),
        (["$3.00", "$1,234.50", "-$2.00"], [3.0, 1234.5, -2.0]),
        (["3,5 €", "4,25 €", "1.234,00 €"], [3.5, 4.25, 1234.0]),
        (["(5.0)", "6.5", "\u22127.5"], [-5.0, 6.5, -7.5]),
        (["1 234", "567 890", "1 000 000"], [1234.0, 567890.0, 1000000.0]),
    ],
)
def test_numbers_as_text_are_told_of_and_read_where_they_are_named(texts: list[str], numbers: list[float]) -> None:
    table = pd.DataFrame({"a": texts, "y": ["no", "yes", "no"]})
    if texts[0] != "(5.0)":
        with pytest.warns(UserWarning, match=r"Column 'a' looks like numbers \('.*'\), .* name it in `numeric`"):
            assert load_table(table, "y").column_types["a"] == "categorical"
    else:
        with pytest.raises(InputError, match="name it in `numeric` if it holds numbers"):
            load_table(table, "y")
    named = load_table(table, "y", numeric=["a"])
    assert named.features["a"].tolist() == numbers
    assert named.column_types["a"] == "numeric"


@pytest.mark.parametrize(
    "texts", [["1,5x", "2,5", "3"], ["a1", "b2", "c3"], ["12-34", "56-78", "9-10"], ["%", "$", "-"]]
)
def test_other_texts_are_no_numbers(texts: list[str]) -> None:
    table = pd.DataFrame({"a": texts, "y": ["no", "yes", "no"]})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load_table(table, "y", categorical=["a"]).column_types["a"] == "categorical"
    with pytest.raises(InputError, match="'a' should hold numbers"):
        load_table(table, "y", numeric=["a"])


def test_a_column_named_numeric_of_plain_numbers_is_read_as_before() -> None:
    table = pd.DataFrame({"a": ["1.500", "2.250", "3.125"], "y": ["no", "yes", "no"]})
    assert load_table(table, "y", numeric=["a"]).features["a"].tolist() == [1.5, 2.25, 3.125]


# -- what is said overrules what is found -----------------------------------------------------------------------------


def test_what_is_said_overrules_what_is_found(tmp_path: Path) -> None:
    rows = "a:b:y\n1,5:ż:no\n2,5:ł:yes\n"
    path = str(write(tmp_path / "t.csv", rows.encode("cp1250")))
    data = TabularDataModule(path=path, target="y", separator=":", encoding="cp1250", decimal=",")
    assert data.table.features["a"].tolist() == [1.5, 2.5]
    assert data.table.features["b"].tolist() == ["ż", "ł"]
    assert find_csv_format(Path(path), "tab").separator == "\t"
    for options, message in (
        ({"separator": "::"}, "separator is '::'; give one character"),
        ({"encoding": "utf-9"}, "encoding is 'utf-9', which Python does not know"),
        ({"decimal": ";"}, "decimal is ';'; give '.' or ','"),
    ):
        with pytest.raises(InputError, match=message):
            _ = TabularDataModule(path=path, target="y", **options).table


def test_decimal_commas_in_quotes_are_read_where_the_mark_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", 'a,b,y\n"1,5",1.234,no\n"2,5",2.345,yes\n')
    assert read_table(path)["a"].tolist() == ["1,5", "2,5"]
    assert read_table(path, options=FileOptions(decimal=",")).dtypes.tolist() == [float, int, object]


def test_files_are_evaluated_as_they_are_written(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    rows = pd.DataFrame({"a": random.normal(size=60).round(2), "b": random.choice(["x", "ż"], 60)})
    rows.to_csv(tmp_path / "real.csv", sep=":", decimal=",", encoding="cp1250", index=False)
    rows.to_csv(tmp_path / "made.csv", index=False)
    files = tmp_path / "real.csv", tmp_path / "made.csv"
    found = evaluate(*files, output=None, separator=":", encoding="cp1250", decimal=",")
    assert found.metrics.equals(evaluate(rows, rows, output=None).metrics)


def test_a_sample_tells_how_a_large_file_is_written(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "a;b\n" + '1,5;"x\ny"\n' * 50_000)
    found = find_csv_format(path)
    assert (found.separator, found.encoding, found.skipped) == (";", "utf-8", 0)
    assert read_table(path).shape == (50_000, 2)
