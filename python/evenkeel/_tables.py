"""Tables of other libraries as named columns of numbers or texts. None of these libraries is imported."""

from __future__ import annotations

import datetime
import decimal
import importlib.util
import numbers
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from evenkeel.errors import DataError

# Libraries whose tables are read column by column.
_KNOWN = ("pandas", "polars", "pyarrow")

Cells: TypeAlias = "NDArray[np.float64] | list[str | None]"
"""One column: numbers, NaN if missing, or strings, None if missing."""


def is_table(data: object) -> bool:
    """Return true for a table with named columns: of a known library, a mapping, or an object that exports one."""
    if isinstance(data, Mapping):
        return True
    if hasattr(data, "dtype") or hasattr(data, "to_pylist") and not hasattr(data, "column_names"):
        # An array, or a single column.
        return False
    named = hasattr(data, "columns") or hasattr(data, "column_names")
    return named and hasattr(data, "__getitem__") or _exports(data)


def columns_of(table: Any) -> dict[str, Any]:
    """Return the columns by name, in the order and types of the table's library."""
    if isinstance(table, Mapping):
        return {str(name): column for name, column in table.items()}
    if type(table).__module__.split(".")[0] not in _KNOWN and _exports(table):
        return _exported(table)
    keys = list(table.column_names if hasattr(table, "column_names") else table.columns)
    if len({str(key) for key in keys}) < len(keys):
        raise DataError("the table has several columns with the same name; rename them")
    return {str(key): table[key] for key in keys}


def length_of(columns: Mapping[str, Any]) -> int:
    """Return the number of rows."""
    return next((len(column) for column in columns.values()), 0)


def cells_of(column: Any) -> Cells:
    """Read the cells of one column."""
    array = array_of(column)
    if array.ndim != 1:
        raise DataError(f"a column of a table has shape {list(array.shape)}; give one value for each row")
    if array.dtype.kind in "fiu":
        return array.astype(np.float64)
    if array.dtype.kind == "b":
        return ["true" if value else "false" for value in array]
    if array.dtype.kind == "M":
        texts = np.datetime_as_string(array.astype("datetime64[us]"))
        return [None if missing else str(text).replace("T", " ") for text, missing in zip(texts, np.isnat(array))]
    if array.dtype.kind == "m":
        seconds = array.astype("timedelta64[us]").astype(np.float64) / 1e6
        seconds[np.isnat(array)] = np.nan
        return seconds
    return _cells_of_objects(array.tolist())


def array_of(column: Any) -> NDArray[Any]:
    """Return a column or a series as an array, with the library's own missing values."""
    if getattr(getattr(column, "dtype", None), "name", None) == "category":
        column = column.astype(object)
    if hasattr(column, "to_pylist") and not hasattr(column, "dtype"):
        # PyArrow; its own arrays of texts are made of Python's texts anyway.
        kind = str(column.type)
        if kind.startswith(("dictionary", "string", "large_string", "bool", "decimal", "date", "time")):
            return np.array(column.to_pylist() + [None], dtype=object)[:-1]
    if hasattr(column, "to_numpy"):
        array: NDArray[Any] = np.asarray(column.to_numpy())
        return array
    if isinstance(column, (list, tuple)) and any(value is None for value in column):
        return np.array(list(column) + [None], dtype=object)[:-1]
    return np.asarray(column)


def is_missing(value: Any) -> bool:
    """Return true for None, NaN, NaT and the missing value of pandas."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, (float, np.floating)) and value != value


def joined(first: Cells, second: Cells) -> Cells:
    """Concatenate the cells of one column of two tables."""
    if isinstance(first, np.ndarray) and isinstance(second, np.ndarray):
        return np.concatenate([first, second])
    return [*_texts(first), *_texts(second)]


def _texts(cells: Cells) -> list[str | None]:
    if isinstance(cells, list):
        return cells
    return [None if value != value else _number_text(value) for value in cells.tolist()]


def _number_text(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)


def _cells_of_objects(values: list[Any]) -> Cells:
    present = [value for value in values if not is_missing(value)]
    if all(isinstance(value, (numbers.Real, decimal.Decimal)) and not isinstance(value, bool) for value in present):
        return np.array([np.nan if is_missing(value) else float(value) for value in values], dtype=np.float64)
    return [None if is_missing(value) else text_of(value) for value in values]


def text_of(value: Any) -> str:
    """Write one value as a cell of a file would contain it."""
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (float, np.floating)):
        return _number_text(float(value))
    if isinstance(value, datetime.datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, bytes):
        raise DataError(f"{value!r} is bytes; decode them to text first, for example with .decode()")
    return str(value)


def _exports(data: object) -> bool:
    return any(hasattr(data, protocol) for protocol in ("__arrow_c_stream__", "__dataframe__"))


def _exported(table: Any) -> dict[str, Any]:
    """Read a table of an unknown library through the Arrow stream or the interchange object it exports."""
    if importlib.util.find_spec("pyarrow") is None:
        raise DataError(
            f"a table of type {type(table).__name__} is read through PyArrow, which is not installed: "
            "pip install pyarrow, or give a pandas or Polars table, or a mapping of columns"
        )
    import pyarrow  # type: ignore[import-untyped,import-not-found,unused-ignore]

    if hasattr(table, "__arrow_c_stream__"):
        arrow = pyarrow.table(table)
    else:
        import pyarrow.interchange  # type: ignore[import-untyped,import-not-found,unused-ignore]

        arrow = pyarrow.interchange.from_dataframe(table)
    return {name: arrow[name] for name in arrow.column_names}
