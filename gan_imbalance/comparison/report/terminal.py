"""The report in a terminal: one table, and last the answer, which is what remains on the screen."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from gan_imbalance.comparison.analysis.answer import Answer
from gan_imbalance.comparison.analysis.tables import Group
from gan_imbalance.comparison.plan.study import Setting
from gan_imbalance.comparison.report import words
from gan_imbalance.comparison.report.findings import Findings

WIDTH = 100
_QUALITY_COLUMNS = 4
_SIGNS = {"gan": "*", "control": "o"}
_LEGEND = "* by a GAN  o control, shows what rows could do  mark: helps, hurts, same as nothing, ? undecided"


def print_report(findings: Findings, report: Path, verbose: bool = False) -> None:
    """Print the table, what is missing, and the answer.

    Args:
        findings: of the comparison.
        report: where the page lies.
        verbose: whether to print all classifiers at all settings, and the quality of the added rows, too.
    """
    first = findings.answers[0]
    shown, *others = findings.groups_at(first)
    if verbose:
        rest = [group for group in findings.groups if group.setting != first.setting]
        for group in (*rest, *others):
            _print_standings(findings, group)
        for name, table in quality_tables(findings.quality).items():
            _print_quality(name, table)
    _print_standings(findings, shown)
    print(_LEGEND)
    _print_missing(findings)
    for answer in findings.answers[1:]:
        _print_wrapped(f"{answer.setting.display_name or 'the data as it is'}: {words.verdict(answer)}")
    print()
    for line in verdict_lines(first):
        print(line)
    # not wrapped, so that it can be copied
    print(f"Report: {report}")


def verdict_lines(answer: Answer) -> list[str]:
    """Return answer, sensitivity, recommendation and what would decide it, wrapped."""
    where = f"With {answer.setting.display_name}: " if answer.setting.display_name else ""
    parts = [
        f"{where}{words.verdict(answer)}. {words.because(answer)}",
        words.sensitivity(answer),
        words.recommendation(answer),
        words.to_decide(answer),
    ]
    return [line for part in parts for line in _wrap(part)]


def _print_standings(findings: Findings, group: Group) -> None:
    metric, splits = findings.metric, findings.splits(group)
    plural = "" if splits == 1 else "s"
    print(f"\n{metric.display_name} with {group.display_name}, mean of {splits} split{plural}, best first")
    rows = [
        (
            f"{_SIGNS.get(row['role'], ' ')} {row['method']}",
            words.number(metric, row["mean"]),
            _interval(findings, row),
            row["mark"],
            words.number(findings.recall, row["recall"]),
            words.seconds(row["seconds"]),
        )
        for row in findings.standings(group)
    ]
    _print_table(["remedy", "mean", "to nothing (95 %)", "mark", "recall", "s a fit"], rows)


def _interval(findings: Findings, row: Mapping[str, Any]) -> str:
    metric = findings.metric
    if math.isnan(row["difference"]):
        return ""
    text = words.signed(metric, row["difference"])
    if math.isnan(row["difference_low"]):
        return text
    low, high = (words.signed(metric, row[f"difference_{end}"]) for end in ("low", "high"))
    return f"{text} ({low} to {high})"


def _print_quality(name: str, table: pd.DataFrame) -> None:
    print(f"\nThe added rows{', ' if name else ''}{name}: mean ± half of the 95 % interval")
    for start in range(0, len(table.columns), _QUALITY_COLUMNS):
        some = table.iloc[:, start : start + _QUALITY_COLUMNS]
        _print_table(["remedy", *some.columns], [(str(remedy), *texts) for remedy, texts in some.iterrows()])


def _print_table(header: list[str], rows: list[tuple[Any, ...]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    longest = max(len(str(row[0])) for row in rows)
    table.add_column(header[0], min_width=min(longest, WIDTH // 2), overflow="fold")
    for title in header[1:]:
        table.add_column(title, justify="right")
    for row in rows:
        table.add_row(*(Text(str(value)) for value in row), style="bold" if str(row[0]).startswith("*") else None)
    console = Console(highlight=False)
    console.width = max(console.width, WIDTH)
    console.print(table)


def _print_missing(findings: Findings) -> None:
    for name, reason in findings.description.content["left_out"].items():
        _print_wrapped(f"left out: {name}: {reason}")
    for failure in findings.failures:
        _print_wrapped(f"failed: {failure.name}: {failure.reason}")
    if findings.unfinished:
        print(f"{findings.unfinished} of {len(findings.description.entries)} cells have no result yet")


def _print_wrapped(text: str) -> None:
    for line in _wrap(text, "  "):
        print(line)


def _wrap(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(text, WIDTH, subsequent_indent=indent, break_on_hyphens=False)


def quality_tables(quality: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return of every setting the figures of the added rows: a row per remedy, a column per figure's display name."""
    tables = {}
    key: Any
    for key, of in quality.groupby(list(Setting._fields), sort=False, dropna=False):
        texts = of.assign(text=list(_means(of)))
        wide = texts.pivot(index="remedy", columns="display_name", values="text").fillna("-")
        tables[Setting.of(*key).display_name] = wide.loc[of["remedy"].unique(), of["display_name"].unique()]
    return tables


def _means(quality: pd.DataFrame) -> Iterator[str]:
    for mean, high in quality[["mean", "high"]].itertuples(index=False):
        yield f"{mean:.3f}" + ("" if pd.isna(high) else f" ± {high - mean:.3f}")
