"""Resilience of regions: `resilience`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from . import _frames, _options, _rebound, _results

if TYPE_CHECKING:
    from typing_extensions import Unpack

#: Other names of tables, as `measure` calls such rows.
_ALIASES = {"regions": "region", "cells": "region_product", "periods": "region_period", "pairs": "rank_pair"}


class Resilience(Mapping[str, Any]):
    """All tables of a table's resilience, by name: `found["component"]`, `found["regions"]`."""

    def __init__(self, tables: dict[str, Any]) -> None:
        self.tables = tables

    def __getitem__(self, name: str) -> Any:
        own = name.replace("-", "_")
        own = _ALIASES.get(own, own)
        if own not in self.tables:
            raise KeyError(f"no table {name!r}: there are {', '.join(self.tables)}")
        return self.tables[own]

    def __iter__(self) -> Iterator[str]:
        return iter(self.tables)

    def __len__(self) -> int:
        return len(self.tables)

    def __repr__(self) -> str:
        return f"Resilience({', '.join(self.tables)})"


@_options.reads
def resilience(
    frame: Any,
    *,
    base: Sequence[Any] | Any | None = None,
    trough: Any | None = None,
    end: Any | None = None,
    transformation: Any | None = None,
    trailing: int | None = None,
    name: str | None = None,
    episodes: Any | None = None,
    only_listed: bool = False,
    benchmark: Sequence[str] | str | None = None,
    near_zero: float | None = None,
    min_base_value: float | None = None,
    absent_regions: str | None = None,
    trend_years: int | None = None,
    bootstrap: int | None = None,
    level: float | None = None,
    seed: int | None = None,
    config: str | os.PathLike[str] | None = None,
    rows: str | None = "regions",
    region: str | None = None,
    product: str | None = None,
    value: str | None = None,
    year: str | None = None,
    month: str | None = None,
    quarter: str | None = None,
    where: str | None = None,
    negative: str | None = None,
    product_digits: int | None = None,
    threads: int = 0,
    as_: _results.Library | None = None,
    **read: Unpack[_options.Reading],
) -> Any:
    """Resilience of the regions of a table: how they stood a crisis and came back from it.

    Parameters
    ----------
    frame
        The table, with a row a region and period (and product), as for `measure`. Without a column of products a value
        is of a region as a whole.
    base, trough, end
        The periods of the episode: years (2008), quarters (`"2008Q3"`) or months (`"2008-09"`). Several base periods
        are averaged.
    transformation
        The period whose structure is compared with the base's; the end unless said otherwise.
    trailing
        Periods whose sum stands for the last of them: 12 months take the seasons out.
    name
        What the episode is called in the rows.
    episodes
        Dates of regions' own: a table (or the path of one) with the columns `region`, `base`, `trough` and `end`.
    only_listed
        Give no rows of regions that `episodes` does not list.
    benchmark
        What regions are compared with: `"aggregate"`, `"aggregate_loo"` (all others), `"mix"`, `"mix_loo"`, and others of
        `resilience.region_benchmarks` in a config; `"all"` for every one that means something for the table.
    near_zero
        No index is divided by an expected growth smaller than this.
    min_base_value
        No index is computed from less than this at the start of its stage, in the unit of the values.
    absent_regions
        What a region without rows in a period is, as in a config.
    trend_years
        Years before the base whose mean log growth is the own trend.
    bootstrap, level, seed
        Replicates of the intervals (0: none), the share of them inside, and what random numbers start from.
    config
        The path of a config over `default.yaml`; options go over it.
    rows
        Which table is given: `"regions"`, `"cells"`, `"periods"`, `"pairs"`, `"component"`, ... `None` gives all of them.
    region, product, value, year, month, quarter
        Names of columns; found where they have usual names. `year` may have years, quarters or months, and `"none"`
        leaves it out; `month` or `quarter` stand beside a column of years.
    where
        The rows that are read, a SQL condition: `"flowCode = 'X'"`.
    negative
        What becomes of rows with a negative value: `"refuse"` (an error, unless said otherwise) or `"leave_out"`.
    product_digits
        Codes of products are filled up to so many digits with zeros in front.
    form, delimiter, quote, encoding, decimal, thousands, sheet, key, skip, header, flags
        How a file is read, where that is not seen in it; `read` says what each is. `decimal`, `thousands` and
        `flags` are also of columns of a frame that are text.
    missing
        What stands for a missing value: `["NA", "."]`. Without it, the usual marks stand for missing values, and
        are taken as regions and products like any other, which is warned of.
    types
        Types of columns, where they are not seen: `{"firm": "text"}`.
    threads
        Threads; 0: one a core. Never changes a number.
    as_
        The library of the result: `"pandas"`, `"polars"` or `"pyarrow"`. Otherwise that of `frame`, and for a path the
        first of these that is installed.

    Returns
    -------
    A table, or with `rows=None` a `Resilience`: a mapping of all tables that can be made.
    `regions` has a row a region, benchmark and episode. Values are of the unit of the input, indices are ratios: with
    resistance 0 a region fell as expected, above 0 less. An index that cannot be computed is null, with the reason in the
    column beside it.

    Raises
    ------
    InputError
        If the table or an option makes no sense.

    Examples
    --------
    >>> rb.resilience(df, base=2008, trough=2009, end=2011, benchmark="aggregate_loo")  # doctest: +SKIP
    """
    into = _frames.into(frame, as_)
    own_rows = None if rows is None else rows.replace("_", "-")
    arguments = [
        *_options.arguments(
            base=base,
            trough=trough,
            end=end,
            transformation=transformation,
            trailing=trailing,
            name=name,
            episodes="frame" if episodes is not None and not _frames.is_path(episodes) else episodes,
            only_listed=only_listed,
            benchmark=benchmark,
            near_zero=near_zero,
            min_base_value=min_base_value,
            absent_regions=_options.name(absent_regions),
            trend_years=trend_years,
            bootstrap=bootstrap,
            level=level,
            seed=seed,
            config=config,
            rows=own_rows,
            region=region,
            product=product,
            value=value,
            year=year,
            month=month,
            quarter=quarter,
            where=where,
            negative=_options.name(negative),
            product_digits=product_digits,
            **_options.reading(read),
        ),
        *_options.file(frame),
    ]
    dates = None if episodes is None else _frames.rows_unless_path(episodes)
    found = _rebound.resilience(arguments, _frames.rows_unless_path(frame), dates, _options.n_threads(threads))
    tables = {name: _frames.give(native, frame, into) for name, native in found}
    if rows is None:
        return Resilience(tables)
    return next(iter(tables.values()))
