"""Tables in another revision of the Harmonized System: `convert`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import _frames, _options, _rebound, _results

if TYPE_CHECKING:
    from typing_extensions import Unpack


@dataclass(frozen=True)
class Converted:
    """A table in another revision, and what became of its codes.

    frame
        The table's own columns, in the target revision.
    report
        A row a kind of match (`one_to_one`, `merge`, `split`, `split_and_merge`, `family`, `same_revision`, `unlisted`): how
        many codes, rows and how much value of the table as it came, and their shares.
    unmatched
        A row a code that no table of the source revision has, with its rows and value. These rows stay in `frame`
        under their code, with the name of the revision in front where the target is none of HS: `HS2012 999999`.
    """

    frame: Any
    report: Any
    unmatched: Any

    def __repr__(self) -> str:
        return f"Converted\n\nframe\n{self.frame}\n\nreport\n{self.report}\n\nunmatched\n{self.unmatched}"

    def _repr_html_(self) -> str:
        parts = (self.report, self.unmatched, self.frame)
        return "".join(part._repr_html_() if hasattr(part, "_repr_html_") else f"<pre>{part}</pre>" for part in parts)


@_options.reads
def convert(
    frame: Any,
    source: str,
    target: str,
    *,
    product: str | None = None,
    value: str | None = None,
    method: str | None = None,
    weights: Any | None = None,
    as_: _results.Library | None = None,
    **read: Unpack[_options.Reading],
) -> Converted:
    """Brings the codes and values of a table to another revision of the Harmonized System, or to SITC, BEC or ISIC.

    Parameters
    ----------
    frame
        The table, as for `measure`: a column of six-digit codes, one of values, and any others. Numbers of five digits
        get back the zero they begin with.
    source, target
        The revisions: `"HS1992"`, `"HS1996"`, `"HS2002"`, `"HS2007"`, `"HS2012"`, `"HS2017"`, `"HS2022"`; as a target also
        `"SITC2"`, `"SITC3"`, `"SITC4"`, `"BEC4"`, `"ISIC2"` and `"ISIC3"`.
    product, value
        Names of columns; found where they have usual names.
    method
        `"weights"` (unless said otherwise) divides the value of a code that was split among its parts by `weights`;
        `"one_to_one"` gives each code whole to one, by the official tables; `"families"` joins all codes that are linked.
    weights
        A table, or the path of one, with values by codes of the target's revision, in columns of the same names: what
        was traded under them. Without it parts are equal.
    form, delimiter, quote, encoding, decimal, thousands, sheet, key, skip, header, missing, flags, types
        How a file is read, where that is not seen in it; `read` says what each is.
    as_
        The library of the results: `"pandas"`, `"polars"` or `"pyarrow"`. Otherwise that of `frame`, and for a path the
        first of these that is installed.

    Returns
    -------
    A `Converted`. Its `frame` has the columns of the input in their types. Rows that differ in the code alone, and come to
    the same code, are summed. Values are divided in their last digit (of floats in hundredths at least), so that the
    parts of a value add up to it exactly.

    Raises
    ------
    InputError
        If the table or an option makes no sense.

    Examples
    --------
    >>> rb.convert(df, "HS2012", "HS2007", product="hs6", value="fob").report  # doctest: +SKIP
    """
    into = _frames.into(frame, as_)
    arguments = [
        *_options.arguments(
            from_=source,
            to=target,
            product=product,
            value=value,
            method=method,
            weights=weights if _frames.is_path(weights) else None,
            **_options.reading(read),
        ),
        *_options.file(frame),
    ]
    by = None if weights is None else _frames.rows_unless_path(weights)
    made, report, unmatched = _rebound.convert(arguments, _frames.rows_unless_path(frame), by)
    return Converted(*(_frames.give(native, frame, into) for native in (made, report, unmatched)))
