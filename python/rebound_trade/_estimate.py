"""Regressions with absorbed effects, and tables of them."""

from __future__ import annotations

import html
import math
import os
from collections.abc import Iterator, Mapping, Sequence, ValuesView
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import pyarrow
import pyarrow.compute

from . import _frames, _options, _rebound, _results
from ._errors import InputError

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["Estimate", "Estimates", "estimate", "etable"]

#: Errors as pyfixest names them, by the name that the program has for them.
_BY_NAME = {"iid": "iid", "hetero": "hc1", "HC1": "hc1", "HC2": "hc2", "HC3": "hc3"}
#: Clustered errors as pyfixest names them, and by how many cluster variables they may be.
_BY_CLUSTER = {"CRV1": ("cluster", None), "CRV3": ("crv3", 1)}
_OTHERS = (
    "there are " + ", ".join(repr(name) for name in _BY_NAME) + ', {"CRV1": "a + b"} and {"CRV3": "a"}; '
    'by inference= also "driscoll_kraay(time, lags = n)" and "conley(place, latitude, longitude, km = n)"'
)
#: The form of a table, by how the name of a file ends.
_ENDINGS = {
    ".txt": "text",
    ".md": "markdown",
    ".markdown": "markdown",
    ".tex": "latex",
    ".html": "html",
    ".htm": "html",
    ".csv": "csv",
}
#: What tells the coefficients of several regressions apart.
_KEYS = ["outcome", "specification", "term"]

Data = Any
"""A frame of pandas, Polars, pyarrow or any library with ``__arrow_c_stream__``, or the path of a file."""


class Text(str):
    """A text that an interpreter shows as it is."""

    def __repr__(self) -> str:
        return str(self)


class Html(Text):
    """A table that a notebook shows."""

    def _repr_html_(self) -> str:
        return str(self)


def inference_text(inference: str | None, vcov: str | Mapping[str, Any] | None) -> str | None:
    """What is assumed of the errors, in the words of the program; ``None`` if nothing is said."""
    if inference is not None and vcov is not None:
        raise InputError("inference and vcov both say what is assumed of the errors: give one of them")
    names = {name.lower(): of for name, of in _BY_NAME.items()}
    if vcov is None:
        if inference is None:
            return None
        name, colon, columns = inference.partition(":")
        return f"{name.strip()}({columns.strip()})" if colon else names.get(inference.strip().lower(), inference)
    if isinstance(vcov, str):
        if vcov.lower() not in names:
            raise InputError(f"vcov {vcov!r}: {_OTHERS}")
        return names[vcov.lower()]
    if not isinstance(vcov, Mapping) or len(vcov) != 1:
        raise InputError(f"vcov {vcov!r}: {_OTHERS}")
    [(kind, columns)] = vcov.items()
    if kind not in _BY_CLUSTER:
        raise InputError(f"vcov {kind!r}: {_OTHERS}")
    name, most = _BY_CLUSTER[kind]
    given = [columns] if isinstance(columns, str) else columns
    if not isinstance(given, Sequence) or not given or not all(isinstance(of, str) for of in given):
        raise InputError(f'vcov {{{kind!r}: {columns!r}}}: expected columns, as in {{{kind!r}: "region"}}')
    parts = [part.strip() for of in given for part in of.split("+")]
    if most is not None and len(parts) > most:
        raise InputError(f"vcov {kind!r} is by one cluster variable, found {', '.join(parts)}; CRV1 may be by several")
    return f"{name}({' + '.join(parts)})"


def _is_path(data: Data) -> bool:
    return isinstance(data, (str, os.PathLike))


@_options.reads
def estimate(
    formula: str | None = None,
    data: Data = None,
    *,
    inference: str | None = None,
    vcov: str | Mapping[str, Any] | None = None,
    weights: str | None = None,
    where: str | None = None,
    estimator: str = "ols",
    winsor: float | None = None,
    focus: str | Sequence[str] | None = None,
    level: float | None = None,
    model: str | os.PathLike[str] | None = None,
    lake: str | os.PathLike[str] | None = None,
    table: str | None = None,
    name: str | Sequence[str] | None = None,
    memory_mib: int | None = None,
    as_: _results.Library | None = None,
    **read: Unpack[_options.Reading],
) -> Estimate | Estimates:
    """Estimate a regression, or several.

    >>> rb.estimate("dhs ~ density + share | region + hs6", df, vcov={"CRV1": "region"})

    Parameters
    ----------
    formula
        ``outcome ~ regressors | effects | endogenous ~ instruments``. Terms are columns, products
        ``a:b``, SQL expressions such as ``ln(x)``, with a name before them if need be
        (``size = ln(x)``), or ``i(year, x, ref = 2008)``: x in each year but 2008. Effects are
        columns and combinations, ``region^year``. Several outcomes, ``y + z ~ x``, and stepwise
        terms, ``sw(a, b)``, ``sw0``, ``csw`` and ``csw0``, make several regressions. Without
        effects there is an intercept.
    data
        The rows: a frame of pandas, Polars, pyarrow or another library of Arrow, none of which is
        copied, or the path of a file. Numbers may be of any type; a missing one leaves its row out.
        Effects and clusters may be texts, categories, numbers, dates or booleans.
    inference
        What is assumed of the errors: ``"iid"``, ``"hc1"`` (or ``"hetero"``; what is assumed where
        nothing is said), ``"hc2"``, ``"hc3"``, ``"cluster(a + b)"`` (or ``"cluster:a + b"``), ``"crv3(a)"``,
        ``"driscoll_kraay(time, lags = n)"`` or ``"conley(place, latitude, longitude, km = n)"``.
    vcov
        The same as pyfixest has it: ``"iid"``, ``"hetero"``, ``"HC1"`` to ``"HC3"``,
        ``{"CRV1": "region + year"}``, ``{"CRV3": "region"}``. HC2 and HC3 are as MacKinnon and White
        have them: pyfixest multiplies them by N / (N - K) as well.
    weights
        A column of weights, or an expression.
    where
        Rows to estimate on: a SQL condition.
    estimator
        ``"ols"`` (weighted with weights, in two stages with instruments), ``"ppml"`` (Poisson) or
        ``"logit"``.
    winsor
        Share at each end that outcomes are pulled in to, from 0 to below 0.5.
    focus
        Coefficients of interest: tables have a row a regression, of these coefficients.
    level
        The level of confidence of intervals (0.95). ``tidy``, ``confint``, ``etable`` and figures
        take another where they are told.
    model
        A model file in the place of a formula.
    lake, table
        A lake, and one of its tables (``panel.region_product`` if not given), in the place of
        ``data``. Without ``lake``: the one that ``REBOUND_LAKE`` names, or ``lake``.
    name
        Without a formula and a model file: the published models of these names, or all.
    memory_mib
        Memory of the query that reads a lake or a file, in MiB.
    as_
        The library of what ``tidy`` and others give: ``"pandas"``, ``"polars"`` or ``"pyarrow"``. Otherwise that of
        ``data``, and for a path or a lake the first of these that is installed.
    form, delimiter, quote, encoding, decimal, thousands, sheet, key, skip, header, missing, flags, types
        How a file is read, where that is not seen in it; ``read`` says what each is.

    Returns
    -------
    Estimate | Estimates
        One regression, or a sequence of several.

    Raises
    ------
    InputError
        If a column is not there, with the nearest name, a text stands where a number is needed, or
        no regression can be estimated.
    """
    if formula is None and data is not None and model is None:
        raise InputError("nothing says what is estimated on the data: give a formula or a model file")
    if data is not None and (lake is not None or table is not None):
        raise InputError("data and a table of a lake are both given: estimate on one of them")
    path = os.fspath(data) if _is_path(data) else None
    if formula is not None and data is None and lake is None and not os.environ.get("REBOUND_LAKE"):
        if not Path("lake").is_dir():
            raise InputError("there is nothing to estimate on: give data, or a lake by lake= (and table=)")
    told = [name for name, value in read.items() if value is not None]
    if told and path is None:
        raise InputError(f"{', '.join(told)}: said of how a file is read, and data is none")
    into = _frames.into(data, as_)
    arguments = _options.arguments(
        inference=inference_text(inference, vcov),
        weights=weights,
        where=where,
        estimator=None if estimator == "ols" else estimator,
        winsor=winsor,
        level=level,
        model=None if model is None else os.fspath(model),
        data=path,
        lake=None if lake is None else os.fspath(lake),
        table=table,
        memory_mib=memory_mib,
        **_options.reading(read),
    )
    if formula is not None:
        arguments += ["--", formula]
    frame = None if data is None or path is not None else _frames.rows(data)
    found = _rebound.estimate(arguments, frame, _several(name), _several(focus))
    return Estimate(found[0], into) if len(found) == 1 else Estimates(found, into)


def _several(of: str | Sequence[str] | None) -> list[str]:
    return [] if of is None else [of] if isinstance(of, str) else list(of)


def _number(name: str, value: Any) -> float | None:
    """A number that is asked for, or none."""
    if value is None:
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        raise InputError(f"`{name}` is {value!r}: expected a number") from None


class _Regressions:
    """What one regression and several have in common."""

    __slots__ = ("_into", "_models")

    def __init__(self, models: list[Any], into: str) -> None:
        self._models = models
        self._into = into

    def _give(self, native: Any) -> Any:
        return _frames.give(native, None, self._into)

    def _coefficients(self, level: float | None = None) -> pyarrow.Table:
        return pyarrow.table(_rebound.estimate_coefficients(self._models, _number("level", level)))

    def _keys(self) -> list[str]:
        return _KEYS

    @property
    def level(self) -> float:
        """The level of confidence of the intervals."""
        return self._models[0].level

    def tidy(self, level: float | None = None) -> Any:
        """The coefficients: a frame of the library of the data, or of ``as_`` of ``estimate``.

        Parameters
        ----------
        level
            The level of confidence of the intervals; otherwise that of the call of ``estimate``.

        Returns
        -------
        frame
            A row a coefficient, in the order of the formula: ``term``, ``estimate``, ``std_error``,
            ``statistic`` (t), ``p_value``, and its interval, ``conf_low`` to ``conf_high``.
            Of several regressions also ``outcome`` and ``specification``; where a model asks for a
            wild cluster bootstrap also ``wild_p_value``. A coefficient that is left out has no
            numbers; ``warnings`` says why.
        """
        table = self._coefficients(level)
        return self._give(table.drop_columns([name for name in _KEYS if name not in self._keys()]))

    def glance(self) -> Any:
        """How each regression went: a frame of a row a regression.

        Returns
        -------
        frame
            ``outcome``, ``specification``, ``formula``, ``estimator``, ``inference``, ``effects``,
            ``weights``, ``n`` (rows used), ``n_missing``, ``n_zero_weights``, ``n_singletons`` and
            ``n_separated`` (rows left out), ``clusters`` and ``levels`` (of effects) with how many
            there are, ``r2``, ``r2_within``, ``rmse``, ``f`` and ``f_p_value`` (of all coefficients),
            ``first_stage_f``, ``deviance``, ``df_k`` and ``df_t``, ``n_iterations``, ``condition``,
            ``notes`` and ``failure``.
        """
        return self._give(_rebound.estimate_fits(self._models))

    def summary(self) -> str:
        """The regression table as text, as ``rebound estimate`` prints it."""
        return etable(self)

    def __repr__(self) -> str:
        return str(self.summary())

    def _repr_html_(self) -> str:
        return str(etable(self, type="html"))

    def _columns(self, *names: str, level: float | None = None) -> tuple[list[Any], list[list[float]]]:
        """The keys of the coefficients that are estimated, and columns of numbers."""
        table = self._coefficients(level)
        table = table.filter(pyarrow.compute.is_valid(table["estimate"]))
        keys = [table[name].to_pylist() for name in self._keys()]
        numbers = [[math.nan if value is None else value for value in table[name].to_pylist()] for name in names]
        return list(zip(*keys)) if len(keys) > 1 else keys[0], numbers

    def _is_pandas(self) -> bool:
        return self._into == "pandas"

    def _index(self, keys: list[Any]) -> Any:
        import pandas

        names = self._keys()
        return pandas.Index(keys, name=names[0]) if len(names) == 1 else pandas.MultiIndex.from_tuples(keys, names=names)

    def _series(self, column: str) -> Any:
        keys, [values] = self._columns(column)
        if self._is_pandas():
            import pandas

            return pandas.Series(values, index=self._index(keys), name=column, dtype="float64")
        return dict(zip(keys, values))

    def coef(self) -> Any:
        """The estimates by term: a Series where results are of pandas, else a dict.

        Those of several regressions are by outcome, specification and term. Coefficients that are
        left out are not there.
        """
        return self._series("estimate")

    def se(self) -> Any:
        """The standard errors, as :meth:`coef`; NaN where there is none."""
        return self._series("std_error")

    def tstat(self) -> Any:
        """The t statistics, as :meth:`coef`."""
        return self._series("statistic")

    def pvalue(self) -> Any:
        """The p values, as :meth:`coef`."""
        return self._series("p_value")

    def confint(self, level: float | None = None) -> Any:
        """The intervals, of the level of the call of ``estimate`` or of another.

        A DataFrame where results are of pandas, of the columns ``2.5%`` and ``97.5%`` at a level of
        0.95, else a dict of pairs; by term as :meth:`coef`.
        """
        keys, [low, high] = self._columns("conf_low", "conf_high", level=level)
        if self._is_pandas():
            import pandas

            of = self.level if level is None else level
            ends = [f"{100 * (0.5 - of / 2):.10g}%", f"{100 * (0.5 + of / 2):.10g}%"]
            return pandas.DataFrame(dict(zip(ends, (low, high))), index=self._index(keys), dtype="float64")
        return dict(zip(keys, zip(low, high)))

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: Any) -> Any:
        return self

    def __reduce__(self) -> Any:
        raise TypeError(
            f"{type(self).__name__} cannot be pickled: keep what .tidy() and .glance() give, or estimate again"
        )


class Estimate(_Regressions):
    """A regression: its coefficients, how it went, and its table."""

    __slots__ = ()

    def __init__(self, model: Any, into: str) -> None:
        super().__init__([model], into)

    def _keys(self) -> list[str]:
        return ["term"]

    @property
    def formula(self) -> str:
        """The formula, or the title of the model file."""
        return self._models[0].formula

    @property
    def outcome(self) -> str:
        """What is explained."""
        return self._models[0].outcome

    @property
    def specification(self) -> str:
        """What tells it from other regressions of its formula; empty if there are none."""
        return self._models[0].specification

    @property
    def nobs(self) -> int:
        """Rows that were used."""
        return self._models[0].nobs

    @property
    def warnings(self) -> list[str]:
        """What a reader must know: coefficients left out, rows lost, few clusters."""
        return self._models[0].warnings

    @property
    def failure(self) -> str | None:
        """Why there are no estimates; ``None`` if there are."""
        return self._models[0].failure


class Estimates(_Regressions, Sequence[Estimate]):
    """Several regressions, in the order of their formula: a sequence of :class:`Estimate`."""

    __slots__ = ()

    @overload
    def __getitem__(self, at: int) -> Estimate: ...
    @overload
    def __getitem__(self, at: slice) -> Estimates: ...
    def __getitem__(self, at: int | slice) -> Estimate | Estimates:
        if isinstance(at, slice):
            return Estimates(self._models[at], self._into)
        return Estimate(self._models[at], self._into)

    def __len__(self) -> int:
        return len(self._models)

    @property
    def formula(self) -> list[str]:
        """The formula of each, or the title of its model file."""
        return [model.formula for model in self._models]

    @property
    def nobs(self) -> list[int]:
        """Rows that each used."""
        return [model.nobs for model in self._models]

    @property
    def warnings(self) -> list[list[str]]:
        """What a reader must know of each."""
        return [model.warnings for model in self._models]

    @property
    def failure(self) -> list[str | None]:
        """Why there are no estimates of each; ``None`` if there are."""
        return [model.failure for model in self._models]


def _native(models: Any) -> Iterator[Any]:
    """The native results of regressions and of what holds them."""
    if isinstance(models, _Regressions):
        yield from models._models
    elif isinstance(models, (Sequence, Iterator, ValuesView)) and not isinstance(models, (str, bytes)):
        for model in models:
            yield from _native(model)
    else:
        raise InputError(f"expected what rebound_trade.estimate gives, or a list of it, found {type(models).__name__}")


def etable(
    models: Any,
    type: str | None = None,  # noqa: A002 - as pyfixest has it
    *,
    focus: str | Sequence[str] | None = None,
    shape: str | None = None,
    labels: Mapping[str, str] | None = None,
    level: float | None = None,
    title: str | None = None,
    file: str | os.PathLike[str] | None = None,
    width: int | None = None,
    csv_safe: bool = False,
) -> Any:
    """Show regressions side by side.

    Parameters
    ----------
    models
        What :func:`estimate` gave, or a list of it; of different calls too.
    type
        ``"text"``, ``"markdown"``, ``"latex"`` (for booktabs), ``"html"``, ``"csv"`` (a row a
        coefficient, all digits) or ``"gt"``. Otherwise what the name of ``file`` says, or text.
    focus
        Coefficients of interest, by their terms: a row a regression, of these alone.
    shape
        ``"columns"``: a column a regression. ``"specifications"``: a row.
    labels
        What columns are called: ``{"dhs": "Growth"}``, in outcomes, terms, effects, clusters and the
        headings of stepwise terms.
    level
        The level of confidence of intervals, which tables of specifications and CSV have; otherwise
        that of each regression.
    title
        What the table is called; otherwise the formula, if it is of one.
    file
        Where the table is written too: ``.txt``, ``.md``, ``.tex``, ``.html``, ``.csv``, or by
        another name where ``type`` is given.
    width
        Columns of text; otherwise as many as ``COLUMNS`` says, or the terminal has.
    csv_safe
        In CSV, put ``'`` before texts that a spreadsheet would run as a formula.

    Returns
    -------
    str | great_tables.GT
        The table; the text is shown as it is by an interpreter, HTML by a notebook.
    """
    native = list(_native(models))
    ending = "" if file is None else Path(file).suffix.lower()
    if type is None and ending and ending not in _ENDINGS:
        raise InputError(f"`{os.fspath(file or '')}` ends as no table does: expected {', '.join(_ENDINGS)}, or give type")
    form = type or _ENDINGS.get(ending, "text")
    if form not in {*_ENDINGS.values(), "gt"}:
        raise InputError(f"type {form!r}: expected {', '.join(dict.fromkeys(_ENDINGS.values()))} or gt")
    layout = {
        "shape": shape,
        "title": title,
        "focus": _several(focus),
        "labels": dict(labels or {}),
        "level": _number("level", level),
        "width": width,
        "csv_safe": csv_safe,
    }
    if form == "gt":
        if file is not None:
            raise InputError("a table of great_tables is not written here: call its .save() or .write_raw_html()")
        return _gt(native, layout)
    if file is not None and ending in _ENDINGS and _ENDINGS[ending] != form:
        raise InputError(f"`{os.fspath(file)}` is called as {_ENDINGS[ending]} is, and type is {form}: change one of them")
    text = _rebound.estimate_table(native, form, layout)
    if file is not None:
        Path(file).write_text(text, encoding="utf-8", newline="")
    return (Html if form == "html" else Text)(text)


def _gt(native: list[Any], layout: dict[str, Any]) -> Any:
    """The table as one of great_tables."""
    try:
        import great_tables
        from great_tables import loc, style
    except ImportError:
        raise ImportError('etable(type="gt") needs great_tables: pip install great-tables') from None
    title, n_labels, header, groups, notes = _rebound.estimate_cells(native, layout)

    def plain(text: str) -> Any:
        # Stars would be Markdown otherwise.
        return great_tables.html(html.escape(text, quote=False))

    rows = [row for group in groups for row in group]
    names = [f"column_{at}" for at in range(len(header[0]))]
    columns = {name: pyarrow.array([row[at] for row in rows], pyarrow.string()) for at, name in enumerate(names)}
    *above, last = header
    table = (
        great_tables.GT(_cells(pyarrow.table(columns)))
        .tab_header(title=plain(title))
        .cols_label(dict(zip(names, map(plain, last))))
        .cols_align("left", columns=names[:n_labels])
        .cols_align("center", columns=names[n_labels:])
    )
    for level, row in enumerate(reversed(above)):
        for start, stop in _runs(row, n_labels):
            name = f"spanner_{level}_{start}"
            table = table.tab_spanner(plain(row[start]), columns=names[start:stop], level=level, id=name)
    first = 0
    for group in groups:
        if first:
            line = style.borders(sides="top", color="#808080", weight="1px")
            table = table.tab_style(line, loc.body(rows=[first]))
        first += len(group)
    for note in notes:
        table = table.tab_source_note(plain(note))
    return table


def _cells(table: pyarrow.Table) -> Any:
    """A table in a library that great_tables knows well, if one is there."""
    try:
        import polars
    except ImportError:
        try:
            return table.to_pandas()
        except ImportError:
            return table
    return polars.from_arrow(table)


def _runs(row: list[str], start: int) -> Iterator[tuple[int, int]]:
    """Where the same heading stands over columns beside each other, from the first to behind the last."""
    while start < len(row):
        stop = start + 1
        while stop < len(row) and row[stop] == row[start]:
            stop += 1
        if row[start]:
            yield start, stop
        start = stop
