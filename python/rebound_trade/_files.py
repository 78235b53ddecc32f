"""Files of one's own: tables in any form, and pipelines for raw files."""

from __future__ import annotations

import html
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa

from . import _errors, _options, _rebound
from ._results import give, give_records
from ._run import path_text

if TYPE_CHECKING:
    from typing_extensions import Unpack


@_options.reads
def read(
    path: str | os.PathLike[str],
    *,
    layout: str | os.PathLike[str] | None = None,
    rejects: bool = False,
    as_: Literal["pandas", "polars", "pyarrow"] | None = None,
    decimals: Literal["exact", "float"] = "exact",
    **read: Unpack[_options.Reading],
) -> Any:
    """A file as a table, whatever its form: delimited text, Eurostat's TSV, workbooks, JSON,
    Parquet, Arrow or Stata, packed or not.

    What is not told is seen in the file. Columns have the types that SQL would see: digits with a
    leading zero are text, and no whole number loses a digit.

    Args:
        path: the file.
        layout: a layout file. The rows are then the entries that it reads, with the columns of
            ``customs.records``; the options below are the layout's to say.
        rejects: with ``layout``, what cannot be read and why, in place of the entries.
        form: the form of the file, whatever it looks like.
        delimiter: the mark between fields of a text: one character, or ``tab``.
        quote: the mark around fields that hold marks, or ``none``.
        encoding: the characters of texts: ``utf-8``, ``gb18030``, ``latin1``, ``utf-16le`` ...
        decimal: the mark before the fraction of a number.
        thousands: the mark between groups of digits, ``space`` or ``none``.
        sheet: the sheet of a workbook, by its name.
        key: the key of the array of rows in JSON, with points between levels.
        skip: lines above the header.
        header: whether there is a row of names; without, columns are ``column 1`` and so on.
        missing: what stands for a missing value, in every column.
        flags: whether letters behind numbers are flags, which are left out.
        types: types of columns by name: ``text``, ``int``, ``double``, ``boolean``, ``label``.
        as_: ``pandas``, ``polars`` or ``pyarrow``; otherwise the first that is installed.
        decimals: ``float`` makes numbers of double precision of money.
    """
    file = path_text("path", path)
    options = _options.arguments(**_options.reading(read))
    if layout is None:
        if rejects:
            raise _errors.InputError("rejects: a table without a layout has none")
        return give(_rebound.read_file(file, options), as_, decimals)
    if options:
        names = ", ".join(option[2:].split("=")[0] for option in options)
        raise _errors.InputError(f"{names}: with a layout, the layout says it")
    found = _rebound.read_entries(file, path_text("layout", layout))
    return give(found[1] if rejects else found[0], as_, decimals)


_PREVIEW = {
    "place": pa.string(),
    "raw": pa.string(),
    "became": pa.string(),
    "year": pa.int32(),
    "month": pa.int32(),
    "flow": pa.string(),
    "region": pa.string(),
    "product": pa.string(),
    "destination": pa.string(),
    "quantity": pa.string(),
    "value": pa.string(),
    "rules": pa.string(),
    "reason": pa.string(),
    "column": pa.string(),
    "found": pa.string(),
    "remedy": pa.string(),
}


def _previewed(row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What became of a row, each by itself."""
    of_row = {"place": row["place"], "raw": row["raw"]}
    for entry in row["entries"]:
        yield {**of_row, "became": "entry", **entry, "rules": ", ".join(entry["rules"])}
    for reject in row["rejects"]:
        yield {**of_row, "became": "reject", **reject}
    if row["n_empty"]:
        yield {**of_row, "became": f"{row['n_empty']} empty or zero"}
    for why in row["left_out"]:
        yield {**of_row, "became": why}
    if not (row["entries"] or row["rejects"] or row["n_empty"] or row["left_out"]):
        yield {**of_row, "became": "left out"}
    for text in row["unmapped"]:
        yield {**of_row, "became": text}


def preview(
    layout: str | os.PathLike[str],
    file: str | os.PathLike[str],
    rows: int = 20,
    *,
    as_: Literal["pandas", "polars", "pyarrow"] | None = None,
) -> Any:
    """The first rows of a raw file beside what a layout makes of them.

    A row of the table is an entry, a reject, or what else became of a row of the file: ``place``,
    ``raw`` (its text), ``became``, the fields of an entry, and of a reject its ``reason``, the
    ``column`` at fault, what was ``found`` there, and a ``remedy``.
    """
    words = ["--", path_text("layout", layout), path_text("file", file)]
    printed = _rebound.printed(["preview", f"--rows={rows}", "--format=json", *words])
    told = (json.loads(line) for line in printed.splitlines())
    records = [record for row in told for record in _previewed(row)]
    return give_records(records, _PREVIEW, as_)


class Init:
    """What :func:`init` wrote.

    Attributes:
        folder: the folder of the pipeline.
        pipeline: its file, for :func:`run`.
        layout: the layout of the first of its sources.
        paths: all files that are written.
        text: what was seen in the files, as ``rebound init`` prints it.
    """

    def __init__(self, paths: Iterable[str | os.PathLike[str]], text: str) -> None:
        self.paths = [Path(path) for path in paths]
        self.text = text
        self.pipeline = next(path for path in self.paths if path.name == "pipeline.yaml")
        self.folder = self.pipeline.parent
        self.layout = self.folder / "layout.yaml"

    def __repr__(self) -> str:
        return f"Init({str(self.folder)!r}, {len(self.paths)} files)"

    def __str__(self) -> str:
        return self.text.rstrip("\n")

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"


def init(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    into: str | os.PathLike[str] = ".",
    *,
    name: str | None = None,
    force: bool = False,
) -> Init:
    """Looks at raw files of one source, says what they have, and writes a layout, a pipeline and a
    config for them that run as they are.

    Args:
        paths: the raw files.
        into: the folder that the pipeline's own folder is made in.
        name: the name of the pipeline and of its folder; otherwise that of the source or file.
        force: replace files that are there.
    """
    is_one = isinstance(paths, (str, os.PathLike))
    files = [path_text("paths", path) for path in ([paths] if is_one else paths)]
    if not files:
        raise _errors.InputError("paths is empty: name at least one raw file")
    arguments = ["init", f"--output={path_text('into', into)}"]
    arguments += [] if name is None else [f"--name={name}"]
    arguments += ["--force"] * force
    return Init(*_rebound.init([*arguments, "--", *files]))
