"""Tables of any library, in and out."""

from __future__ import annotations

import os
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from . import _results
from ._errors import InputError


#: pandas' own types of whole numbers, which may be missing.
_WHOLE = {f"{sign}Int{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)}


def library(frame: Any) -> str:
    """The library that a table is of: `pandas`, `polars`, `geopandas`, `duckdb`, `pyarrow` or another's name."""
    return type(frame).__module__.partition(".")[0]


def is_path(frame: Any) -> bool:
    """Whether `frame` names a file."""
    return isinstance(frame, (str, os.PathLike))


def is_pandas(frame: Any) -> bool:
    """Whether `frame` is one of pandas, or of a library that builds on it, as GeoPandas does."""
    # pandas 3 says `pandas`, those before it `pandas.core.frame`.
    return any(
        base.__module__.partition(".")[0] == "pandas" and base.__name__ == "DataFrame" for base in type(frame).__mro__
    )


def rows(frame: Any) -> Any:
    """An object with Arrow's C interface that has the rows of `frame`.

    pandas goes through pyarrow, with the levels of its index that have a name; Polars (a lazy frame is collected), pyarrow,
    DuckDB relations and all that have `__arrow_c_stream__` are taken as they are.
    """
    if is_pandas(frame):
        return _of_pandas(frame)
    if type(frame).__name__ == "Series":
        how = "series.reset_index()" if library(frame) == "pandas" else "series.to_frame()"
        raise TypeError(f"expected a table, found one column, a Series: make a frame of it first, by `{how}`")
    if isinstance(frame, (pa.Array, pa.ChunkedArray)) and not pa.types.is_struct(frame.type):
        raise TypeError(f"expected a table, found one column, a {type(frame).__name__}: make a table of it first")
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
    """A pandas frame whose columns are named by texts, without shapes. Levels of the index that have a name are columns."""
    shapes = [name for name, dtype in frame.dtypes.items() if str(dtype) == "geometry"]
    if shapes:
        frame = frame.drop(columns=shapes)
    if frame.columns.nlevels > 1:
        raise TypeError("the columns have names of several levels: give each one name first (`frame.columns = [...]`)")
    levels = [
        name for name in dict.fromkeys(frame.index.names) if name is not None and name not in frame.columns
    ]
    if levels:
        # Rows of several years would be summed in silence, were the year in the index and lost.
        frame = frame.reset_index(level=levels)
    names = [name if isinstance(name, str) else str(name) for name in frame.columns]
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        called = ", ".join(f"`{name}`" for name in twice)
        raise InputError(f"more than one column is called {called}: rename or drop all but one")
    return frame if names == frame.columns.tolist() else frame.set_axis(names, axis=1)


def _of_pandas(frame: Any) -> pa.Table:
    frame = _named(frame)
    # Arrow has them as a count of periods since 1970.
    periods = [name for name, dtype in frame.dtypes.items() if str(dtype).startswith("period[")]
    if periods:
        frame = frame.assign(**{name: _of_periods(frame[name]) for name in periods})
    try:
        return pa.Table.from_pandas(frame, preserve_index=False)
    except pa.ArrowNotImplementedError as error:
        raise InputError(f"a column of the frame is of no type that Arrow has: {_said(error)}: drop it first") from None
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as error:
        how = 'make them one, as `frame[name].astype("string")` does, or drop the column'
        raise InputError(f"a column of the frame has cells of several types: {_said(error)}: {how}") from None


def _of_periods(column: Any) -> Any:
    """The years of periods of a year, the texts of others."""
    if str(column.dtype).startswith(("period[Y", "period[A")):
        return column.dt.year
    return column.astype("string")


def _said(error: Exception) -> str:
    """What pyarrow says of a column."""
    return "; ".join(str(part) for part in error.args)


def into(frame: Any, as_: str | None = None) -> str:
    """The library of the results of a frame or a path: that which `as_` names; otherwise the frame's, if it is pandas,
    Polars or pyarrow, pyarrow for others, and for a path the one that is installed first of these."""
    if as_ is not None or frame is None or is_path(frame):
        return _results.library(as_)
    if is_pandas(frame):
        return "pandas"
    return "polars" if library(frame) == "polars" else "pyarrow"


def give(native: Any, like: Any, into: str) -> Any:
    """A native table in a library. Labels have the types that they have in `like`; of a path, codes are texts and years
    whole numbers."""
    table = pa.table(native)
    if like is None or is_path(like):
        table = _of_file(table)
    if into == "pandas":
        return _as_pandas(table, like)
    if into == "polars":
        import polars

        frame = polars.from_arrow(table)
        return _with_enums(frame, _sources(table), like) if library(like) == "polars" else frame
    return table


def _of_file(table: pa.Table) -> pa.Table:
    """The columns as they would be read: labels without a dictionary, periods that are years as whole numbers."""
    for at, field in enumerate(table.schema):
        column = table.column(at)
        if pa.types.is_dictionary(field.type):
            column = column.cast(field.type.value_type)
        if b"rebound.period" in (field.metadata or {}):
            column = _years(column)
        if column.type != field.type:
            table = table.set_column(at, field.with_type(column.type), column)
    return table


def _years(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Periods as whole numbers, if all are years."""
    is_year = pc.match_substring_regex(texts, "^[1-9][0-9]{3}$")
    return texts.cast(pa.int64()) if pc.all(is_year, min_count=0).as_py() else texts


def _sources(table: pa.Table) -> dict[str, str]:
    """For each column of a result the column of the input whose labels it has; otherwise its own name."""
    said = {field.name: (field.metadata or {}).get(b"rebound.source") for field in table.schema}
    return {name: name if source is None else source.decode() for name, source in said.items()}


def _with_enums(frame: Any, sources: dict[str, str], like: Any) -> Any:
    """A Polars frame; columns that are an enumeration in `like` become that again, which says their order."""
    import polars

    came = like.collect_schema()
    types = {name: came.get(source) for name, source in sources.items()}
    enums = {name: dtype for name, dtype in types.items() if isinstance(dtype, polars.Enum)}
    casts = [
        frame[name].cast(dtype)
        for name, dtype in enums.items()
        if frame[name].dtype == polars.Categorical
        and set(frame[name].unique().drop_nulls()) <= set(dtype.categories)
    ]
    return frame.with_columns(casts) if casts else frame


def _as_pandas(table: pa.Table, like: Any) -> Any:
    """A pandas frame; labels that `like` has as nullable integers, strings, categories or periods become such again."""
    # Money is exact in Arrow; as objects pandas would not compute with it.
    for at, field in enumerate(table.schema):
        if pa.types.is_decimal(field.type):
            table = table.set_column(at, field.name, table.column(at).cast(pa.float64()))
    frame = table.to_pandas()
    frame.attrs["rebound"] = conventions(table)
    if not is_pandas(like):
        return frame
    # Of no rows: only its types matter.
    like = _named(like.iloc[:0])
    for name, source in _sources(table).items():
        if like.columns.tolist().count(source) != 1:
            continue
        dtype, is_whole = like[source].dtype, pa.types.is_integer(table.schema.field(name).type)
        if str(dtype).startswith("period["):
            frame[name] = _as_periods(frame[name], dtype, is_whole)
        elif _may_be(frame[name], dtype, is_whole):
            frame[name] = frame[name].astype(dtype)
    return frame


def _as_periods(column: Any, dtype: Any, is_whole: bool) -> Any:
    """Texts or years as periods of pandas, if they say the same as such; 2008 is no quarter."""
    texts = (column.astype("Int64") if is_whole else column).astype("string")
    try:
        periods = texts.astype(dtype)
    except ValueError:
        return column
    return periods if periods.astype("string").equals(texts) else column


def _may_be(column: Any, dtype: Any, is_whole: bool) -> bool:
    """Whether a column of labels may be of a type that only pandas has, and loses nothing by it."""
    if column.dtype == dtype:
        return False
    if str(dtype) == "category":
        return str(column.dtype) == "category" and column.cat.categories.isin(dtype.categories).all()
    is_text = str(column.dtype) in ("object", "str")
    is_label = str(dtype).startswith("string") or str(dtype) in ("object", "str")
    return (is_whole and str(dtype) in _WHOLE) or (is_text and is_label)


def conventions(table: pa.Table) -> str:
    """The conventions that a result follows, in words; empty if it has none."""
    return ((table.schema.metadata or {}).get(b"rebound.conventions") or b"").decode()
