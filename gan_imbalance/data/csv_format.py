"""How a CSV file is written, found from its first bytes: encoding, separator, and what lies before the header."""

from __future__ import annotations

import codecs
import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from fsspec.implementations.local import LocalFileSystem

from gan_imbalance.types import InputError, quoted

# bytes of a file that tell how it is written
_SAMPLE = 1 << 16
# the first of equally good ones is taken; values hardly ever hold tabs
_SEPARATORS = "\t,;|"
_NAMES = {"\t": "tabs", " ": "blanks"}
_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")
# what Windows-1252 does not have, and what Western European text does not: three letters with accents in a row, and
# signs or capitals amid a word, by which text of DOS or old Macs is known
_NOT_WESTERN = re.compile(rb"[\x81\x8d\x8f\x90\x9d]|[\x80-\xff]{3}|[a-z][\x80-\x91\x93-\x95\x98\x99\x9b\x9f][a-z]")
# by which a file tells Excel its separator
_TOLD_SEPARATOR = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)


@dataclass(frozen=True)
class CsvFormat:
    """How a CSV file is written.

    Attributes:
        separator: between fields; one character.
        encoding: Python's name of it.
        skipped: lines before the header.
        spaced: whether every separator is followed by a blank that belongs to no value.
        doubt: another separator by which all rows have as many fields, if there is one.
    """

    separator: str = ","
    encoding: str = "utf-8"
    skipped: int = 0
    spaced: bool = False
    doubt: str | None = None

    @property
    def options(self) -> dict[str, Any]:
        """What pandas' ``read_csv`` has to know besides what it expects; nothing of an ordinary file."""
        told = {
            "sep": (self.separator, ","),
            "encoding": (self.encoding, "utf-8"),
            "skiprows": (self.skipped, 0),
            "skipinitialspace": (self.spaced, False),
        }
        return {name: value for name, (value, ordinary) in told.items() if value != ordinary}

    @property
    def is_wide(self) -> bool:
        """Whether the encoding takes several bytes for every character, so that zeros among them mean nothing."""
        return self.encoding.startswith(("utf-16", "utf-32"))

    def __str__(self) -> str:
        """Return what is not ordinary, in words; empty where all is."""
        name = _NAMES.get(self.separator, quoted(self.separator))
        told = {
            f"separated by {name}": self.separator != ",",
            f"encoded in {self.encoding}": self.encoding != "utf-8",
            f"{self.skipped} line(s) before the header left out": self.skipped,
            "blanks after separators left out": self.spaced,
        }
        return ", ".join(words for words, is_told in told.items() if is_told)


def open_unpacked(path: Path, mode: str = "rb", **options: Any) -> IO[Any]:
    """Return the open file, unpacked as the ending of its name says.

    Raises:
        OSError: and what packages of compression raise, if it cannot be opened.
        ValueError: if it is an archive of nothing.
    """
    try:
        file: IO[Any] = LocalFileSystem().open(str(path), mode, compression="infer", **options)
    except IndexError as error:
        raise ValueError("it is an archive without a file") from error
    return file


def find_csv_format(
    path: Path, separator: str | None = None, encoding: str | None = None, whole: bool = False
) -> CsvFormat:
    """Find out how a CSV file is written.

    Text that is not UTF-8 is Windows-1252, of which Latin-1 is a part, if it looks like Western European text. The
    separator is the one of ``, ; tab |`` by which all rows have equally many fields, and most of them; lines before the
    header are left out if they begin with ``#`` and have another number of fields than the rows.

    Args:
        path: the file, which may be compressed; of an archive by tar nothing is found.
        separator: what is known of it: one character, or ``tab``.
        encoding: what is known of it, by Python's name.
        whole: whether all bytes tell the encoding, not the first 64 KiB.

    Raises:
        InputError: if what is known cannot be, or the encoding is unknown.
        OSError: and what packages of compression raise, if the file cannot be read.
    """
    separator = _require_separator(separator)
    if encoding is not None:
        _require_encoding(encoding)
    if ".tar" in path.suffixes:
        return CsvFormat(separator or ",", encoding or "utf-8")
    with open_unpacked(path) as file:
        content = file.read(_SAMPLE)
        is_cut = len(content) == _SAMPLE
        encoding = encoding or _encoding_of(content + file.read() if whole else content, path, is_cut and not whole)
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    lines = io.StringIO(decoder.decode(content).removeprefix("\ufeff"), newline="").readlines()
    told = _TOLD_SEPARATOR.fullmatch(lines[0]) if lines else None
    if told and separator is None:
        separator = told[1]
    skipped = int(bool(told))
    skipped += _comments(lines[skipped:], separator, is_cut)
    text = "".join(lines[skipped:])
    candidates = {one: _Layout.of(text, one, is_cut) for one in separator or _SEPARATORS}
    best = max(candidates, key=lambda one: candidates[one].merit)
    layout = candidates[best]
    if not layout.merit[0]:
        return CsvFormat(separator or ",", encoding, skipped)
    equal = [one for one in candidates if one != best != "\t" and candidates[one].merit == layout.merit]
    return CsvFormat(best, encoding, skipped, layout.spaced, next(iter(equal), None))


@dataclass(frozen=True)
class _Layout:
    """What a separator makes of a text: the fields of its header, and the share of the rows that have as many."""

    width: int
    share: float
    spaced: bool

    @classmethod
    def of(cls, text: str, separator: str, is_cut: bool) -> _Layout:
        if separator not in text:
            return cls(1, 0.0, False)
        rows = _rows(text, separator, is_cut)
        if not rows:
            return cls(1, 0.0, False)
        width = len(rows[0])
        # rows of other lengths may hold separators in quotes, which are known as such once blanks are left out
        spaced = width > 1 and all(
            field.startswith(" ") for row in rows if row is rows[0] or len(row) == width for field in row[1:]
        )
        if spaced:
            rows = _rows(text, separator, is_cut, skipinitialspace=True)
        return cls(width, sum(len(row) == width for row in rows) / len(rows), spaced)

    @property
    def merit(self) -> tuple[float, int]:
        """What makes one separator better than another, from first to last: nothing where most rows differ."""
        return (self.share, self.width) if self.width > 1 and self.share > 0.5 else (0.0, 1)


def _rows(text: str, separator: str, is_cut: bool, **options: Any) -> list[list[str]]:
    """Return the rows of a text that are not blank, without the last if that is cut."""
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator, **options) if any(row)]
    except csv.Error:
        return []
    return rows[:-1] if is_cut and len(rows) > 1 else rows


def _comments(lines: list[str], separator: str | None, is_cut: bool) -> int:
    """Return how many lines before the header begin with ``#`` and have another number of fields than the rows."""
    front = 0
    for line in lines:
        if line.strip() and not line.startswith("#"):
            break
        front += 1
    if not any(line.startswith("#") for line in lines[:front]) or front == len(lines):
        return 0
    rows = "".join(lines[front:])
    best = max(separator or _SEPARATORS, key=lambda one: _Layout.of(rows, one, is_cut).merit)
    width = _Layout.of(rows, best, is_cut).merit[1]
    # the header may begin so, as numpy writes it
    headers = (
        number
        for number in range(front)
        if lines[number].strip() and _Layout.of(lines[number], best, False).width == width
    )
    return next(headers, front)


def _encoding_of(content: bytes, path: Path, is_cut: bool) -> str:
    """Return the encoding of a text; UTF-8 of what is none, which its reader will find."""
    for mark, name in _BYTE_ORDER_MARKS.items():
        if content.startswith(mark):
            return name
    even, odd = content[::2].count(0), content[1::2].count(0)
    # ASCII by UTF-16 has a zero in every pair
    if max(even, odd) > len(content) / 4 and not min(even, odd):
        return "utf-16-le" if odd else "utf-16-be"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(content, final=not is_cut)
    except UnicodeDecodeError as error:
        if _CONTROLS.search(content):
            return "utf-8"
        if strange := _NOT_WESTERN.search(content):
            line = content.count(b"\n", 0, min(strange.start(), error.start)) + 1
            raise InputError(
                f"The file {path} cannot be read: from line {line} on it is neither UTF-8 nor Western European text; "
                "name its encoding, such as cp1250, cp1251 or shift_jis (on the command line: --data.encoding)."
            ) from error
        return "cp1252"
    return "utf-8"


def _require_separator(separator: str | None) -> str | None:
    if separator is None:
        return None
    named = {"tab": "\t", "\\t": "\t"}.get(separator, separator)
    if len(named) != 1 or named in '"\r\n':
        raise InputError(f"separator is {quoted(separator)}; give one character, such as ';', or 'tab'.")
    return named


def _require_encoding(encoding: str) -> None:
    try:
        codecs.lookup(encoding)
        codecs.getincrementaldecoder(encoding)().decode(b"")
    except (LookupError, TypeError, ValueError) as error:
        raise InputError(
            f"encoding is {quoted(encoding)}, which Python does not know; name one such as utf-8, cp1252 or utf-16."
        ) from error
