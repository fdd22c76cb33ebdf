"""Tables and columns of polars, Arrow, and whatever else speaks Arrow's interface, as those of pandas and back."""

from __future__ import annotations

import sys
from typing import Any

import pandas as pd
import pyarrow as pa

from gan_imbalance.transforms.column_types import require_unique
from gan_imbalance.types import InputError

# pandas' own types would make floats and objects of these where a value is missing
_NULLABLE = {
    pa.int8(): pd.Int8Dtype(),
    pa.int16(): pd.Int16Dtype(),
    pa.int32(): pd.Int32Dtype(),
    pa.int64(): pd.Int64Dtype(),
    pa.uint8(): pd.UInt8Dtype(),
    pa.uint16(): pd.UInt16Dtype(),
    pa.uint32(): pd.UInt32Dtype(),
    pa.uint64(): pd.UInt64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
}


def as_pandas(data: Any) -> Any:
    """Return a table or column of polars or Arrow as one of pandas; anything else as it is.

    Integers and booleans that may lack a value stay what they are (``Int64``, ``boolean``), polars' ``Categorical`` and
    ``Enum`` and Arrow's dictionaries become categories (an ``Enum`` ordered ones), dates are Python's.

    Raises:
        InputError: if it has no rows yet, as a LazyFrame, or two columns of one name.
    """
    if isinstance(data, pd.DataFrame | pd.Series):
        return data
    if hasattr(data, "collect_schema") and hasattr(data, "collect"):
        raise InputError(f"A {type(data).__name__} has no rows before it is collected; give what collect() returns.")
    if not _is_exchanged(data):
        return data
    if isinstance(data, pa.Array | pa.ChunkedArray) or _is_of_polars(data, "Series"):
        column = data if isinstance(data, pa.Array) else pa.chunked_array(data)
        # what has gaps is no label, and refused as what it is
        return column.to_pandas().rename(getattr(data, "name", None))
    table = pa.table(data)
    require_unique(table.column_names)
    return table.to_pandas(types_mapper=_NULLABLE.get, ignore_metadata=True)


def with_rows_of(data: Any, more: Any) -> Any:
    """Return a table or column, and behind it what pandas' ``more`` has beyond it, in the kind and types that it has.

    Args:
        data: what :func:`as_pandas` took. Of polars and Arrow, it is returned in their kind; of other kinds that it
            took, as a ``pyarrow.Table``; what it left as it was, is ``more``.
        more: the same rows, and further ones.
    """
    if isinstance(data, pd.DataFrame | pd.Series) or not _is_exchanged(data):
        return more
    added = more.iloc[len(as_pandas(data)) :]
    if isinstance(added, pd.Series):
        values = pa.Array.from_pandas(added)
        if _is_of_polars(data, "Series"):
            return data.clone().append(type(data)(data.name, values).cast(data.dtype))
        values = values.cast(data.type)
        if isinstance(data, pa.Array):
            return pa.concat_arrays([data, values])
        return pa.chunked_array([*data.chunks, values], data.type)
    rows = pa.table({str(name): pa.Array.from_pandas(column) for name, column in added.items()})
    if _is_of_polars(data, "DataFrame"):
        return data.vstack(type(data)(rows).cast(dict(data.schema)))
    table = pa.table(data)
    return pa.concat_tables([table, rows.cast(table.schema)])


def _is_exchanged(data: Any) -> bool:
    return hasattr(data, "__arrow_c_stream__") or hasattr(data, "__arrow_c_array__")


def _is_of_polars(data: Any, name: str) -> bool:
    """Return whether an object is of a class of polars, which whoever has such an object has imported."""
    polars = sys.modules.get("polars")
    return polars is not None and isinstance(data, getattr(polars, name))
