"""Lakes: what pipelines published."""

from __future__ import annotations

import html
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from . import _errors, _rebound
from ._results import give, give_records, library, with_decimals
from ._run import path_text, program, several

_TIME = pa.timestamp("ms", tz="UTC")

_TABLES = {
    "name": pa.string(),
    "rows": pa.int64(),
    "bytes": pa.int64(),
    "stage": pa.string(),
    "about": pa.string(),
    "key": pa.list_(pa.string()),
    "products": pa.string(),
    "made_at": _TIME,
}

_COLUMNS = {
    "name": pa.string(),
    "type": pa.string(),
    "unit": pa.string(),
    "null": pa.bool_(),
    "about": pa.string(),
}

_RUNS = {
    "number": pa.int64(),
    "run": pa.string(),
    "pipeline": pa.string(),
    "started_at": _TIME,
    "ended_at": _TIME,
    "status": pa.string(),
    "n_built": pa.int64(),
    "n_reused": pa.int64(),
    "seconds": pa.float64(),
    "error": pa.string(),
    "is_published": pa.bool_(),
    "command": pa.string(),
}

_CHECKS = {
    "name": pa.string(),
    "severity": pa.string(),
    "outcome": pa.string(),
    "since": _TIME,
    "rows": pa.int64(),
    "first_rows": pa.string(),
}

_EDGES = {
    "table": pa.string(),
    "column": pa.string(),
    "from_table": pa.string(),
    "from_column": pa.string(),
    "is_condition": pa.bool_(),
}


def _time(text: str | None) -> datetime | None:
    """A time of RFC 3339."""
    return None if text is None else datetime.fromisoformat(text.replace("Z", "+00:00"))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _table_name(name: str) -> str:
    """``schema.table`` as SQL has it."""
    return ".".join(_quoted(part) for part in name.split(".", 1))


class Lake:
    """What is published in a lake. Each call sees what is newest, unless the lake is
    :meth:`at` a run.

    Tables come in the library that :func:`open` was told, or that a call asks for by ``as_``.
    """

    def __init__(
        self, path: str, *, memory_mib: int = 4096, as_: str | None = None, run: str | None = None
    ) -> None:
        self.path = path
        #: The run whose tables are read; ``None`` for those that are published.
        self.run = run
        self._memory_mib = memory_mib
        self._as = as_

    def __repr__(self) -> str:
        run = "" if self.run is None else f", run={self.run!r}"
        return f"Lake({self.path!r}{run})"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{html.escape(table['name'])}</td>"
            f"<td style='text-align:right'>{table['rows']:,}</td>"
            f"<td>{html.escape(table['about'])}</td></tr>"
            for table in self._catalog()["tables"]
        )
        head = "<tr><th>table</th><th>rows</th><th>a row is</th></tr>"
        return f"<p>{html.escape(repr(self))}</p><table>{head}{rows}</table>"

    def _library(self, as_: str | None) -> str:
        return library(as_ if as_ is not None else self._as)

    def _asked(self, command: str, *words: str) -> list[str]:
        """A command over the tables that are read, with names behind its options."""
        run = [] if self.run is None else [f"--run={self.run}"]
        return [command, f"--lake={self.path}", *run, "--format=json", "--", *words]

    def _catalog(self) -> Mapping[str, Any]:
        return json.loads(_rebound.printed(self._asked("tables")))

    def at(self, run: str | int) -> Lake:
        """The lake as a kept run published it.

        ``run`` is its name or how that begins, its number, ``"published"``, or ``"previous"``. What
        it comes to stays the same run when another is published.
        """
        found = Lake(self.path, memory_mib=self._memory_mib, as_=self._as, run=str(run))
        found.run = found._catalog()["run"]
        return found

    @property
    def tables(self) -> Any:
        """A row a table: ``name``, ``rows``, ``bytes``, the ``stage`` that made it, what a row is
        (``about``), its ``key``, the classification of its ``products``, and when it was made
        (``made_at``, UTC)."""
        return self._records(self._catalog()["tables"], _TABLES)

    def _records(
        self, records: Iterable[Mapping[str, Any]], columns: Mapping[str, pa.DataType]
    ) -> Any:
        times = [name for name, kind in columns.items() if kind == _TIME]
        rows = [{**record, **{name: _time(record[name]) for name in times}} for record in records]
        return give_records(rows, columns, self._library(None))

    def sql(
        self,
        query: str,
        *,
        as_: Literal["pandas", "polars", "pyarrow", "reader"] | None = None,
        decimals: Literal["exact", "float"] = "exact",
    ) -> Any:
        """The rows of a query, as ``rebound sql`` gives them.

        An interrupt ends the query. Money is ``decimal(20,2)``: ``decimal.Decimal`` in pandas.

        Args:
            query: one statement that reads. Tables are named ``schema.table``; those of the schema
                ``meta`` tell of runs.
            as_: ``pandas``, ``polars`` or ``pyarrow`` (otherwise the first that is installed), or
                ``reader``: a ``pyarrow.RecordBatchReader`` whose rows are made as they are read.
                The query ends behind the last row, or when the reader is forgotten (``del``).
            decimals: ``float`` makes numbers of double precision of all decimals.

        Raises:
            InputError: the text is at fault, or names what is not there.
            Error: all else.
        """
        into = "reader" if as_ == "reader" else self._library(as_)
        with_decimals(pa.schema([]), decimals)
        asked = _rebound.lake_query(self.path, query, self.run, self._memory_mib)
        if into == "reader":
            return _reader(asked, decimals)
        try:
            return give(asked.rows(), into, decimals)
        finally:
            asked.cancel()

    def read(
        self,
        table: str,
        columns: str | Sequence[str] | None = None,
        where: str | None = None,
        *,
        as_: Literal["pandas", "polars", "pyarrow", "reader"] | None = None,
        decimals: Literal["exact", "float"] = "exact",
    ) -> Any:
        """A table, some of its columns, or the rows for which a SQL condition holds. Their order is
        not that of the key: :meth:`sql` can ask for one."""
        names = several(columns)
        if columns is not None and not names:
            raise _errors.InputError("columns is empty: name some, or leave it out for all")
        what = ", ".join(map(_quoted, names)) or "*"
        # A condition may end in a comment.
        condition = "" if where is None else f" where ({where}\n)"
        query = f"select {what} from {_table_name(table)}{condition}"
        return self.sql(query, as_=as_, decimals=decimals)

    def describe(self, table: str | None = None) -> Any:
        """A row a column of a table: ``name``, ``type``, ``unit``, whether it may be ``null``, and
        what it means (``about``). Without a table, of all that are published, with ``table``.

        In pandas ``.attrs`` has what a row of the table is (``about``) and its ``key``.
        """
        if table is None:
            query = (
                'select table_name as "table", column_name as name, type, unit, '
                'is_nullable as "null", about from meta.column order by table_name, position'
            )
            return self.sql(query)
        found = json.loads(_rebound.printed(self._asked("describe", table)))
        if isinstance(found, list):
            # The schema `meta`.
            records = [
                {"table": of["table"], **column} for of in found for column in of["columns"]
            ]
            return self._records(records, {"table": pa.string(), **_COLUMNS})
        frame = self._records(found["columns"], _COLUMNS)
        if self._library(None) == "pandas":
            frame.attrs |= {"about": found["about"], "key": found["key"].split(", ")}
        return frame

    @property
    def runs(self) -> Any:
        """A row a run of the lake, the newest first: ``number``, ``run``, ``pipeline``,
        ``started_at`` and ``ended_at`` (UTC), ``status``, how many stages it made and used again
        (``n_built``, ``n_reused``), ``seconds`` of its stages, ``error``, ``is_published``,
        ``command``."""
        printed = _rebound.printed(["runs", f"--lake={self.path}", "--format=json"])
        return self._records(json.loads(printed), _RUNS)

    def checks(self, runs: int = 20) -> Any:
        """A row a check of the last run that checked: ``name``, ``severity``, ``outcome``, since
        when it is so (``since``, UTC, among the last ``runs`` that checked), how many ``rows`` it
        found, and the first of them as text (``first_rows``)."""
        arguments = ["checks", f"--lake={self.path}", f"--runs={runs}", "--format=json"]
        return self._records(json.loads(_rebound.printed(arguments)), _CHECKS)

    def diff(
        self,
        a: str | int | None = None,
        b: str | int | None = None,
        *,
        tables: str | Iterable[str] | None = None,
        top: int = 20,
    ) -> Difference:
        """What two runs published differently, and why.

        Args:
            a: the run to compare with, as :meth:`at` takes it. Of a lake that is at a run that run,
                otherwise ``"previous"``.
            b: the run to compare; what is published if not given.
            tables: the tables to look at; all if not given.
            top: rows, regions and products that are told of each table.
        """
        a = a if a is not None else self.run
        arguments = ["diff", f"--lake={self.path}", f"--top={top}"]
        arguments += [f"--table={table}" for table in several(tables)]
        old = "previous" if a is None else str(a)
        new = "published" if b is None else str(b)
        found, text = _rebound.in_both_forms([*arguments, "--", old, new])
        return Difference(json.loads(found), text, self._library(None))

    def lineage(self, name: str, *, pipeline: str | os.PathLike[str] | None = None) -> Any:
        """What a table or a column (``schema.table.column``) is made from, down to the raw tables.

        A row a step: ``table``, ``column``, ``from_table``, ``from_column``, and whether that only
        chooses, groups or orders rows (``is_condition``; these are not followed). A ``column`` that
        is null stands for all rows of the table; a ``from_column`` that is null is not known.

        It is told of what is published, or of a ``pipeline`` file, which need not have run.
        """
        if pipeline is not None:
            words = ["--", path_text("pipeline", pipeline), name]
            found = json.loads(_rebound.printed(["lineage", "--format=json", *words]))
            return self._records(found, _EDGES)
        if "." not in name.strip("."):
            raise _errors.InputError(f"`{name}`: expected schema.table or schema.table.column")
        query = (
            'select table_name as "table", column_name as "column", from_table, from_column, '
            "is_condition from meta.lineage"
        )
        edges = self.sql(query, as_="pyarrow").to_pylist()
        schema, _, rest = name.partition(".")
        table, _, column = rest.partition(".")
        known = set(self._columns(f"{schema}.{table}"))
        if column and column not in known:
            raise _errors.InputError(f"no column `{column}` in the table `{schema}.{table}`")
        return self._records(_below(edges, f"{schema}.{table}", column or None), _EDGES)

    def _columns(self, table: str) -> list[str]:
        """The names of the columns of a published table."""
        query = f"select * from {_table_name(table)} limit 0"
        return self.sql(query, as_="pyarrow").column_names

    def export(
        self,
        tables: str | Iterable[str] | None = None,
        *,
        output: str | os.PathLike[str] = "export",
        format: str | Iterable[str] = "dta",
        where: str | None = None,
        csv_safe: bool = False,
    ) -> list[Path]:
        """Writes tables as files, each with a codebook, and gives the files.

        Args:
            tables: the tables; those of the schema ``panel`` if not given.
            output: the folder to write to.
            format: ``dta`` (Stata), ``csv``, ``parquet``, ``arrow``, or several of them.
            where: rows: a SQL condition.
            csv_safe: in CSV, put ``'`` before texts that a spreadsheet would run as a formula.
        """
        arguments = ["export", f"--lake={self.path}", f"--memory-mib={self._memory_mib}"]
        arguments += [] if self.run is None else [f"--run={self.run}"]
        arguments += [f"--output={path_text('output', output)}"]
        arguments += [f"--format={form}" for form in several(format)]
        arguments += [] if where is None else [f"--where={where}"]
        arguments += ["--csv-safe"] * csv_safe
        printed = program([*arguments, "--", *several(tables)])
        return [Path(line) for line in printed.splitlines()]


def _reader(asked: Any, decimals: str) -> pa.RecordBatchReader:
    """The rows of a query that is running, as they are made."""
    schema = with_decimals(pa.table(asked.columns()).schema, decimals)

    def batches() -> Iterator[pa.RecordBatch]:
        try:
            while (native := asked.batch()) is not None:
                table = pa.table(native)
                if not table.schema.equals(schema):
                    table = table.cast(schema)
                yield from table.to_batches()
        finally:
            asked.cancel()

    return pa.RecordBatchReader.from_batches(schema, batches())


def _below(
    edges: Sequence[Mapping[str, Any]], table: str, column: str | None
) -> list[Mapping[str, Any]]:
    """The edges below a table or a column, each once."""
    by_table: dict[str, list[Mapping[str, Any]]] = {}
    for edge in edges:
        by_table.setdefault(edge["table"], []).append(edge)

    def of(table: str, column: str | None) -> list[Mapping[str, Any]]:
        own = by_table.get(table, [])
        if column is None:
            return own
        of_column = [edge for edge in own if edge["column"] == column]
        of_all = [edge for edge in own if edge["column"] is None]
        # Of what code makes, any column may be of any table that is read, unless it is a key: only
        # SQL has conditions, or columns of which the source is known beside the key.
        is_sql = any(edge["is_condition"] for edge in own)
        return of_column + (of_all if is_sql or not of_column else [])

    found: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    seen, waiting = {(table, column)}, [(table, column)]
    while waiting:
        at = waiting.pop()
        for edge in of(*at):
            found[tuple(edge[name] for name in _EDGES)] = edge
            following = (edge["from_table"], edge["from_column"] if at[1] is not None else None)
            if not edge["is_condition"] and following not in seen:
                seen.add(following)
                waiting.append(following)
    order = sorted(found, key=lambda key: tuple("" if part is None else str(part) for part in key))
    return [found[key] for key in order]


_MOVED = {"table": pa.string(), "by": pa.string(), "code": pa.string()}
_MOVED |= {"moved": pa.float64(), "change": pa.float64()}


class Difference:
    """What two runs published differently.

    Money is exact in ``found``, as text; in tables it is a number of double precision.

    Attributes:
        text: what ``rebound diff`` prints.
        found: all of it, as ``rebound diff --format json`` has it.
    """

    def __init__(self, found: Mapping[str, Any], text: str, as_: str | None = None) -> None:
        self.found = found
        self.text = text
        self._as = as_

    def _changed(self, part: str) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
        for table in self.found["tables_changed"]:
            for change in table[part]:
                yield table, change

    @property
    def tables(self) -> Any:
        """A row a table: ``table``, ``status`` (``changed``, ``added``, ``gone`` or ``same``), rows
        of both runs (``rows_old``, ``rows_new``), those added, removed and changed, and the ``key``
        by which they are compared."""
        counts = ("rows_old", "rows_new", "rows_added", "rows_removed", "rows_changed")
        columns = {"table": pa.string(), "status": pa.string()}
        columns |= {name: pa.int64() for name in counts}
        columns["key"] = pa.list_(pa.string())
        records = [{"status": "changed", **table} for table in self.found["tables_changed"]]
        for status in ("added", "gone", "same"):
            names = self.found[f"tables_{status}"]
            records += [{"table": name, "status": status} for name in names]
        return give_records(records, columns, self._as)

    @property
    def columns(self) -> Any:
        """A row a column with changes: ``table``, ``column``, ``type``, rows in which it
        ``changed``, those of them that are null in one run (``from_or_to_null``), and the
        ``largest`` and ``mean`` of the changes without their signs, with the key of the row of the
        largest (``largest_at``)."""
        columns = {name: pa.string() for name in ("table", "column", "type")}
        columns |= {"changed": pa.int64(), "from_or_to_null": pa.int64()}
        columns |= {"largest": pa.float64(), "mean": pa.float64()}
        columns["largest_at"] = pa.list_(pa.string())
        records = [
            {**change, "table": table["table"], "largest": _number(change["largest"])}
            for table, change in self._changed("columns")
        ]
        return give_records(records, columns, self._as)

    @property
    def rows(self) -> Any:
        """A row of each of those that moved most: ``table``, ``key``, ``fate`` (``added``,
        ``removed`` or ``changed``), the column ``by`` which that is said, what it was (``old``) and
        is (``new``), and the ``columns`` that changed."""
        columns = {"table": pa.string(), "key": pa.list_(pa.string())}
        columns |= {"fate": pa.string(), "by": pa.string()}
        columns |= {"old": pa.float64(), "new": pa.float64()}
        columns["columns"] = pa.list_(pa.string())
        records = [
            {
                **change,
                "table": table["table"],
                "by": table["measure"],
                "old": _number(change["old"]),
                "new": _number(change["new"]),
            }
            for table, change in self._changed("rows")
        ]
        return give_records(records, columns, self._as)

    def _moved(self, part: str) -> Any:
        records = [
            {
                "table": table["table"],
                "by": table["measure"],
                "code": change["code"],
                "moved": _number(change["moved"]),
                "change": _number(change["change"]),
            }
            for table, change in self._changed(part)
        ]
        return give_records(records, _MOVED, self._as)

    @property
    def regions(self) -> Any:
        """The regions that moved most: ``table``, the column ``by`` which that is said, ``code``,
        the sum of the changes without their signs (``moved``) and with them (``change``)."""
        return self._moved("regions")

    @property
    def products(self) -> Any:
        """The products that moved most, as :attr:`regions`."""
        return self._moved("products")

    @property
    def causes(self) -> Any:
        """A row a cause: ``kind`` (``file``, ``config``, ``sql``, ``code`` or ``stage``), the
        ``change`` in words, and the ``stages`` whose tables are made from it."""
        columns = {"kind": pa.string(), "change": pa.string(), "stages": pa.list_(pa.string())}
        return give_records(self.found["causes"], columns, self._as)

    def __repr__(self) -> str:
        n_changed, n_same = len(self.found["tables_changed"]), len(self.found["tables_same"])
        old, new = self.found["old"]["run"], self.found["new"]["run"]
        return f"Difference({old!r}, {new!r}, {n_changed} tables changed, {n_same} the same)"

    def __str__(self) -> str:
        return self.text.rstrip("\n")

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"


def _number(amount: str | float | None) -> float | None:
    """An amount, which is text where it is money."""
    return None if amount is None else float(amount)


def open(
    lake: str | os.PathLike[str] | None = None,
    *,
    memory_mib: int = 4096,
    as_: Literal["pandas", "polars", "pyarrow"] | None = None,
) -> Lake:
    """Opens a lake.

    Args:
        lake: its folder, or its URL: ``s3://``, ``gs://`` or ``az://``, with the settings of the
            environment that the program reads. Without it what ``REBOUND_LAKE`` says, or ``lake``.
        memory_mib: memory of a query in MiB; sorts, joins and groups beyond it go to disk where
            they can.
        as_: the library of tables: ``pandas`` (where it is installed, else ``pyarrow``),
            ``polars`` or ``pyarrow``.

    Raises:
        InputError: there is no such folder. What is wrong behind a URL is told when it is read.
    """
    if lake is None:
        lake = os.environ.get("REBOUND_LAKE") or "lake"
    path = path_text("lake", lake)
    if "://" not in path and not Path(path).is_dir():
        raise _errors.InputError(f"no lake in `{path}`: `rebound_trade.run` makes one")
    if as_ is not None:
        library(as_)
    return Lake(path, memory_mib=memory_mib, as_=as_)
