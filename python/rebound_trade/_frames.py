"""Tables of any library, in and out."""

import os
from typing import Any

import pyarrow as pa

from ._errors import InputError


#: pandas' own types of whole numbers, which may be missing.
_WHOLE = {f"{sign}Int{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)}


def library(frame: Any) -> str:
    """The library that a table is of: `pandas`, `polars`, `geopandas`, `duckdb`, `pyarrow` or another's name."""
    return type(frame).__module__.partition(".")[0]


def is_path(frame: Any) -> bool:
    """Whether `frame` names a file."""
    return isinstance(frame, (str, os.PathLike))


def _is_pandas(frame: Any) -> bool:
    # pandas 3 says `pandas`, those before it `pandas.core.frame`.
    return any(
        base.__module__.partition(".")[0] == "pandas" and base.__name__ == "DataFrame" for base in type(frame).__mro__
    )


def rows(frame: Any) -> Any:
    """An object with Arrow's C interface that has the rows of `frame`, without its index.

    pandas goes through pyarrow; Polars (a lazy frame is collected), pyarrow, DuckDB relations and all that have
    `__arrow_c_stream__` are taken as they are.
    """
    if _is_pandas(frame):
        try:
            return pa.Table.from_pandas(_named(frame), preserve_index=False)
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise InputError(f"a column of the frame has cells of several types: {error}") from None
    if library(frame) == "polars" and type(frame).__name__ == "LazyFrame":
        return frame.collect()
    if library(frame) in ("duckdb", "_duckdb") and hasattr(frame, "fetch_arrow_table"):
        # It runs a query, on threads that may need the interpreter.
        return frame.fetch_arrow_table()
    if hasattr(frame, "__arrow_c_stream__") or hasattr(frame, "__arrow_c_array__"):
        return frame
    raise TypeError(
        f"expected a table of pandas, Polars, pyarrow or DuckDB, or the path of a file; found {type(frame).__name__}"
    )


def rows_unless_path(frame: Any) -> Any:
    """The rows of a frame, as `rows`; none where `frame` names a file."""
    return None if is_path(frame) else rows(frame)


def _named(frame: Any) -> Any:
    """A pandas frame whose columns are named by texts, without shapes."""
    shapes = [name for name, dtype in frame.dtypes.items() if str(dtype) == "geometry"]
    if shapes:
        frame = frame.drop(columns=shapes)
    if all(isinstance(name, str) for name in frame.columns):
        return frame
    if frame.columns.nlevels > 1:
        raise TypeError("the columns have names of several levels: give each one name first (`frame.columns = [...]`)")
    return frame.set_axis([str(name) for name in frame.columns], axis=1)


def give(native: Any, like: Any) -> Any:
    """A native table in the library of `like`: pandas, Polars, or else pyarrow."""
    table = pa.table(native)
    if _is_pandas(like):
        return _as_pandas(table, like)
    if library(like) == "polars":
        import polars

        return polars.from_arrow(table)
    return table


def _as_pandas(table: pa.Table, like: Any) -> Any:
    """A pandas frame; columns that `like` has too, as nullable integers, strings or categories, become such again."""
    # Money is exact in Arrow; as objects pandas would not compute with it.
    for at, field in enumerate(table.schema):
        if pa.types.is_decimal(field.type):
            table = table.set_column(at, field.name, table.column(at).cast(pa.float64()))
    frame = table.to_pandas()
    for name in frame.columns:
        if like.columns.tolist().count(name) == 1 and _may_be(frame[name], like[name].dtype):
            frame[name] = frame[name].astype(like[name].dtype)
    frame.attrs["rebound"] = conventions(table)
    return frame


def _may_be(column: Any, dtype: Any) -> bool:
    """Whether a column of labels may be of a type that only pandas has, and loses nothing by it."""
    if column.dtype == dtype:
        return False
    if str(dtype) == "category":
        return str(column.dtype) == "category" and column.cat.categories.isin(dtype.categories).all()
    is_whole = column.dtype.kind in "iu" and str(dtype) in _WHOLE
    is_text = column.dtype.kind == "O" and (str(dtype).startswith("string") or str(dtype) in ("object", "str"))
    return is_whole or is_text


def conventions(table: pa.Table) -> str:
    """The conventions that a result follows, in words; empty if it has none."""
    return ((table.schema.metadata or {}).get(b"rebound.conventions") or b"").decode()
