"""Tables in the library that is asked for: pandas, Polars or pyarrow."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import pyarrow as pa

from . import _errors

#: The library of a table.
Library = Literal["pandas", "polars", "pyarrow"]

#: How money comes out: with all its digits, or as numbers of double precision.
Decimals = Literal["exact", "float"]

_LIBRARIES = ("pandas", "polars", "pyarrow")


def _is_installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def library(as_: str | None) -> str:
    """The library that is meant: if none is named, the first that is installed of pandas, Polars
    and pyarrow."""
    if as_ is None:
        return next(filter(_is_installed, _LIBRARIES))
    if as_ not in _LIBRARIES:
        raise _errors.InputError(f"as_={as_!r}: expected one of {', '.join(_LIBRARIES)}")
    if not _is_installed(as_):
        raise _errors.InputError(f"as_={as_!r}: {as_} is not installed")
    return as_


def with_decimals(schema: pa.Schema, decimals: str) -> pa.Schema:
    """The columns, those of decimals as they are asked for."""
    if decimals == "exact":
        return schema
    if decimals != "float":
        raise _errors.InputError(f"decimals={decimals!r}: expected 'exact' or 'float'")
    fields = (
        field.with_type(pa.float64()) if pa.types.is_decimal(field.type) else field
        for field in schema
    )
    return pa.schema(list(fields), metadata=schema.metadata)


def give(native: Any, as_: str | None = None, decimals: str = "exact") -> Any:
    """A table (anything with ``__arrow_c_stream__``) in the library ``as_``.

    The columns are handed over without a copy to pyarrow, and where it can to Polars. For pandas
    each is made once, so that a table is held twice at most.
    """
    into = library(as_)
    table = native if isinstance(native, pa.Table) else pa.table(native)
    del native
    schema = with_decimals(table.schema, decimals)
    if schema is not table.schema and not schema.equals(table.schema):
        table = table.cast(schema)
    if into == "pyarrow":
        return table
    if into == "polars":
        import polars

        return polars.from_arrow(table)
    # A block a column is not put together with others, which would copy it once more.
    return table.to_pandas(split_blocks=True)


def give_records(
    records: Iterable[Mapping[str, Any]],
    columns: Mapping[str, pa.DataType],
    as_: str | None = None,
) -> Any:
    """A table of records with these columns, as JSON has them."""
    rows = [{name: record.get(name) for name in columns} for record in records]
    return give(pa.Table.from_pylist(rows, schema=pa.schema(list(columns.items()))), as_)
