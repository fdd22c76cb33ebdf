"""Tables of polars and Arrow go in, and come out in their kind and types."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.linear_model import LogisticRegression

from gan_imbalance import CrossFittedEnsemble, DistilledClassifier, GANOverSampler, TabularDataModule, evaluate
from gan_imbalance.transforms.frames import as_pandas, with_rows_of
from gan_imbalance.types import InputError

FAST = {"max_steps": 2, "batch_size": 16, "random_state": 0, "accelerator": "cpu"}
TEACHER = CrossFittedEnsemble({"linear": LogisticRegression()}, folds=2)
ROWS = 60

COLUMNS: dict[str, tuple[list[Any], pa.DataType]] = {
    "number": ([1.5, 2.25, 3.0, 4.5], pa.float64()),
    "single": ([1.5, 2.25, None, 4.5], pa.float32()),
    "whole": ([1, 2, 3, 4], pa.int64()),
    "gappy": ([1, None, 3, 4], pa.int64()),
    "byte": ([1, 2, 200, None], pa.uint8()),
    "truth": ([True, False, None, True], pa.bool_()),
    "text": (["a", "b", None, "c"], pa.string()),
    "large text": (["a", "b", "c", "d"], pa.large_string()),
    "level": (["x", "y", "x", None], pa.dictionary(pa.int32(), pa.string())),
    "day": ([date(2024, 1, 1), date(2024, 2, 1), None, date(2024, 3, 1)], pa.date32()),
    "time": ([datetime(2024, 1, 1), datetime(2024, 2, 1), None, datetime(2025, 3, 1)], pa.timestamp("us")),
    "zoned": ([datetime(2024, 1, day, tzinfo=UTC) for day in (1, 2, 3, 4)], pa.timestamp("us", "Europe/Berlin")),
    "span": ([timedelta(1), timedelta(2), timedelta(3), None], pa.duration("us")),
    "money": ([Decimal("1.50"), Decimal("2.25"), None, Decimal("3.75")], pa.decimal128(10, 2)),
    "nothing": ([None] * 4, pa.null()),
}


def arrow_table() -> pa.Table:
    """Return 60 rows of every type."""
    return pa.table({name: pa.array(values * (ROWS // 4), kind) for name, (values, kind) in COLUMNS.items()})


def labels() -> list[str]:
    """Return the labels of 60 rows, of which every fifth is rare."""
    return ["no", "no", "no", "no", "yes"] * (ROWS // 5)


def as_arrow(table: pa.Table) -> Any:
    return table


def as_batch(table: pa.Table) -> Any:
    return table.combine_chunks().to_batches()[0]


def as_polars(table: pa.Table) -> Any:
    polars = pytest.importorskip("polars", reason="polars, of the extra dev, is not installed")
    return polars.DataFrame(table)


def as_interface(table: pa.Table) -> Any:
    """Return a table of a library of which nothing is known but Arrow's interface."""
    return SimpleNamespace(__arrow_c_stream__=table.__arrow_c_stream__)


KINDS = pytest.mark.parametrize("make", [as_arrow, as_batch, as_polars, as_interface])


@KINDS
def test_types_stay_through_pandas_and_back(make: Callable[[pa.Table], Any]) -> None:
    data = make(arrow_table())
    frame = as_pandas(data)
    more = with_rows_of(data, pd.concat([frame, frame.head(8)], ignore_index=True))
    table = pa.table(more)
    assert table.schema.equals(pa.table(data).schema)
    assert table.to_pylist() == [*arrow_table().to_pylist(), *arrow_table().to_pylist()[:8]]
    assert type(more) is (pa.Table if make in (as_batch, as_interface) else type(data))
    assert frame.dtypes.astype(str)[["gappy", "truth", "level"]].tolist() == ["Int64", "boolean", "category"]


@KINDS
def test_a_table_is_over_sampled_in_its_kind(make: Callable[[pa.Table], Any]) -> None:
    data = make(arrow_table())
    X, y = GANOverSampler(**FAST).fit_resample(data, labels())
    table = pa.table(X)
    assert table.schema.equals(pa.table(data).schema)
    assert table.num_rows == len(y) == 96
    assert table.slice(0, ROWS).to_pylist() == arrow_table().to_pylist()
    assert set(table.slice(ROWS)["text"].to_pylist()) <= {"a", "b", "c", None}
    assert len(set(table.slice(ROWS)["number"].to_pylist())) > 1


def test_a_polars_table_keeps_levels_of_polars() -> None:
    polars = pytest.importorskip("polars", reason="polars, of the extra dev, is not installed")
    kinds = {"c": polars.Categorical, "e": polars.Enum(["low", "high", "top"]), "d": polars.Date, "i": polars.Int16}
    data = polars.DataFrame(
        {
            "c": ["u", "v", None],
            "e": ["low", "top", "high"],
            "d": [date(2024, 1, day) for day in (1, 2, 5)],
            "i": [1, None, 2],
        },
        schema=kinds,
    )
    data = polars.concat([data] * 20)
    y = polars.Series("label", labels(), dtype=polars.Categorical)
    X, more = GANOverSampler(**FAST).fit_resample(data, y)
    assert isinstance(more, polars.Series)
    assert (more.name, more.dtype, len(more)) == ("label", polars.Categorical, 96)
    assert dict(X.schema) == dict(data.schema)
    assert X.head(ROWS).equals(data)
    assert more.head(ROWS).equals(y)
    assert len(data) == len(y) == ROWS, "what came in has grown"
    with pytest.raises(
        InputError, match=r"LazyFrame has no rows before it is collected; give what collect\(\) returns"
    ):
        GANOverSampler(**FAST).fit_resample(data.lazy(), y)


@pytest.mark.parametrize("make", [pa.array, lambda values: pa.chunked_array([values[:7], values[7:]])])
def test_labels_of_arrow_stay_so(make: Callable[[list[str]], Any]) -> None:
    y = make(labels())
    X, more = GANOverSampler(**FAST).fit_resample(np.random.default_rng(0).normal(size=(ROWS, 2)), y)
    assert X.shape == (96, 2)
    assert type(more) is type(y)
    assert more.type == y.type
    assert more.to_pylist() == [*labels(), *["yes"] * 36]


@KINDS
def test_what_is_learned_is_what_pandas_would_tell(make: Callable[[pa.Table], Any]) -> None:
    table = arrow_table().drop_columns(["nothing"])
    data, frame = make(table), as_pandas(table)
    learned = [
        DistilledClassifier(teacher=TEACHER, amounts=[0], random_state=0).fit(X, labels()) for X in (data, frame)
    ]
    ours, expected = (fitted.predict_proba(X) for fitted, X in zip(learned, (data, frame), strict=True))
    np.testing.assert_array_equal(ours, expected)
    modules = [
        TabularDataModule(frame=X, target="label")
        for X in (make(table.append_column("label", [labels()])), frame.assign(label=labels()))
    ]
    assert modules[0].samples.hash == modules[1].samples.hash
    assert evaluate(data, data, output=None).metrics.equals(evaluate(frame, frame, output=None).metrics)


def test_two_columns_of_one_name_are_refused() -> None:
    with pytest.raises(InputError, match="two columns named 'a'"):
        as_pandas(pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"]))
