"""Measures of regions and products: `measure` and `variety`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from . import _frames, _options, _rebound, _results

if TYPE_CHECKING:
    from typing_extensions import Unpack

#: What `variety` measures of each region.
VARIETY = (
    "diversity",
    "entropy",
    "related_variety",
    "unrelated_variety",
    "hhi",
    "hhi_normalized",
    "theil",
    "gini",
    "krugman",
    "hoover",
    "hachman",
)


@_options.reads
def measure(
    frame: Any,
    *,
    metrics: Sequence[str] | str | None = None,
    region: str | None = None,
    product: str | None = None,
    value: str | None = None,
    year: str | None = None,
    month: str | None = None,
    quarter: str | None = None,
    where: str | None = None,
    negative: str | None = None,
    product_digits: int | None = None,
    rows: str | None = None,
    like: str | None = None,
    rca_threshold: float | None = None,
    relatedness: str | None = None,
    margin: str | None = None,
    diagonal: str | None = None,
    pci_scale: str | None = None,
    ddof: int | None = None,
    related_share: float | None = None,
    nearest: int | None = None,
    reflections: int | None = None,
    group_digits: int | None = None,
    threads: int = 0,
    as_: _results.Library | None = None,
    **read: Unpack[_options.Reading],
) -> Any:
    """Measures of a table with a row a region and product (and period).

    Parameters
    ----------
    frame
        The table: of pandas, Polars, pyarrow, DuckDB or whatever speaks Arrow's C interface, or the path of a file.
        Rows of one region, product and period are summed. Levels of a pandas index that have a name are columns too.
    metrics
        What is measured: of each region and product `rca`, `rsca`, `specialized`, `density`, `distance`,
        `value_density`, `nearest_density`, `related_count`, `related_mass`, `outlook_gain`; of regions `diversity`,
        `eci`, `eci_reflections`, `fitness`, `outlook_index`, `mean_density`, `coherence`, `entropy`,
        `related_variety`, `unrelated_variety` (bits), `hhi`, `hhi_normalized`, `theil` (nats), `gini`, `krugman`,
        `hoover`, `hachman`; of products `ubiquity`, `pci`, `fitness_complexity`, `locational_gini`.
    region, product, value, year, month, quarter
        Names of columns; found where they have usual names. `year` may have years, quarters or months, and `"none"`
        leaves it out; `month` or `quarter` stand beside a column of years.
    where
        The rows that are read, a SQL condition: `"flowCode = 'X'"`.
    negative
        What becomes of rows with a negative value: `"refuse"` (an error, unless said otherwise) or `"leave_out"`.
    product_digits
        Codes of products are filled up to so many digits with zeros in front.
    rows
        What a row of the result is: `"cells"`, `"regions"`, `"products"` or `"pairs"` (of related products). Unless said
        otherwise, what the metrics are of.
    like
        The conventions of another tool: `"py_ecomplexity"`, `"stata"`, `"economiccomplexity"`, `"econcomplex"` or
        `"econgeo"`. Those below are changed one by one.
    rca_threshold
        RCA at or above it makes a specialisation (1).
    relatedness
        How relatedness is measured: `"proximity"`, `"conditional"`, `"cosine"`, `"jaccard"`, `"association"`,
        `"probability"`, `"survivor"`, `"revealed"`, `"correlation"` or `"coagglomeration"`.
    margin
        What co-occurrence is compared with: `"ubiquity"` or `"co_occurrence"`.
    diagonal
        Whether a product counts among its own surroundings: `"included"` or `"excluded"`.
    pci_scale, ddof
        What PCI is standardised by, and whether standard deviations are of the population (0) or the sample (1).
    related_share
        The closest share of pairs that counts as related (0.05).
    nearest
        Neighbours of `nearest_density` (50).
    reflections
        Steps of `eci_reflections` (20).
    group_digits
        First digits of a code that are its group, for `related_variety` (2).
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
    A table. For cells: a row for each region and product that both
    have something in the period, n_periods x n_regions x n_products at most, with the columns of period, region and
    product in the types that they came in, the value in the unit of the input, and a column a metric. A metric that
    cannot be computed is null. The conventions are in the metadata (`rebound.conventions`; of pandas
    `frame.attrs["rebound"]`).

    Raises
    ------
    InputError
        If the table or an option makes no sense; rows are counted from 1.

    Examples
    --------
    >>> rb.measure(df, region="state", product="hs6", value="fob", metrics=["rca", "density"])  # doctest: +SKIP
    """
    into = _frames.into(frame, as_)
    arguments = [
        *_options.arguments(
            metrics=_options.names(metrics),
            rows=_options.name(rows),
            like=_options.name(like),
            rca_threshold=rca_threshold,
            relatedness=_options.name(relatedness),
            margin=_options.name(margin),
            diagonal=_options.name(diagonal),
            pci_scale=_options.name(pci_scale),
            ddof=ddof,
            related_share=related_share,
            nearest=nearest,
            reflections=reflections,
            group_digits=group_digits,
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
    native = _rebound.measure(arguments, _frames.rows_unless_path(frame), _options.n_threads(threads))
    return _frames.give(native, frame, into)


@_options.reads
def variety(
    frame: Any,
    *,
    metrics: Sequence[str] | str = VARIETY,
    group_digits: int | None = None,
    region: str | None = None,
    product: str | None = None,
    value: str | None = None,
    year: str | None = None,
    month: str | None = None,
    quarter: str | None = None,
    where: str | None = None,
    negative: str | None = None,
    product_digits: int | None = None,
    rca_threshold: float | None = None,
    threads: int = 0,
    as_: _results.Library | None = None,
    **read: Unpack[_options.Reading],
) -> Any:
    """Variety and concentration of each region: a row a region (and period).

    Related variety is the entropy within groups of products, unrelated variety that between them, both in bits; they
    add up to `entropy` (Frenken, Van Oort & Verburg 2007). `hhi`, `hhi_normalized`, `theil` and `gini` are of the
    shares of a region's products, `krugman`, `hoover` and `hachman` compare them with those of all regions.

    Parameters
    ----------
    frame
        The table, as for `measure`.
    metrics
        Those that are measured.
    group_digits
        First digits of a code that are its group (2).
    region, product, value, year, month, quarter
        Names of columns; found where they have usual names. `year` may have years, quarters or months, and `"none"`
        leaves it out; `month` or `quarter` stand beside a column of years.
    where
        The rows that are read, a SQL condition: `"flowCode = 'X'"`.
    negative
        What becomes of rows with a negative value: `"refuse"` (an error, unless said otherwise) or `"leave_out"`.
    product_digits
        Codes of products are filled up to so many digits with zeros in front.
    rca_threshold
        RCA at or above it makes a specialisation, for `diversity` (1).
    threads
        Threads; 0: one a core.
    as_
        The library of the result, as for `measure`.
    form, delimiter, quote, encoding, decimal, thousands, sheet, key, skip, header, missing, flags, types
        How a file is read, as for `measure`.

    Returns
    -------
    A table of n_periods x n_regions rows.
    """
    return measure(
        frame,
        metrics=metrics,
        rows="regions",
        group_digits=group_digits,
        region=region,
        product=product,
        value=value,
        year=year,
        month=month,
        quarter=quarter,
        where=where,
        negative=negative,
        product_digits=product_digits,
        rca_threshold=rca_threshold,
        threads=threads,
        as_=as_,
        **read,
    )
