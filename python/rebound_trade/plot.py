"""Figures: maps, quadrants, the product space, paths of regions, coefficients.

Each function takes a frame (pandas, Polars, pyarrow, or anything with ``__arrow_c_stream__``) and
gives a :class:`Figure`, which shows itself in a notebook and is saved as SVG or PNG. Figures are
drawn by the code that draws the report. Columns are named by keywords; a column that is not there
is an :class:`~rebound_trade.InputError` that names the one that was meant.

Options that all figures have:

- ``title``: the title. ``None`` gives one of the columns' names, ``""`` none.
- ``unit``: the unit of values, as it is written in the figure.
- ``note``: what is said below the figure, after what it says itself.
- ``width``: pixels from left to right, 240 to 4000.
- ``height``: pixels of the drawing without title and notes, 120 to 10 000; a figure of coefficients
  has at least those that its rows need. ``None`` is as many as it needs.
"""

from __future__ import annotations

import json
import operator
import os
import pathlib
import warnings
from typing import Any, Iterable, Mapping, Sequence

from . import _errors, _frames, _rebound
from ._estimate import _Regressions

__all__ = ["Figure", "coefficients", "map", "paths", "quadrants", "space"]

_ENDINGS = (".svg", ".png")


class Figure:
    """A drawn figure.

    :ivar svg: the drawing, as text.
    :ivar data: the rows that are drawn, in the library of the frame they came from.
    """

    def __init__(self, svg: str, data: Any) -> None:
        self.svg = svg
        self.data = data

    def __repr__(self) -> str:
        n = len(self.data) if hasattr(self.data, "__len__") else self.data.num_rows
        return f"<rebound_trade.plot.Figure of {n} rows: save it as x.svg or x.png>"

    def _repr_svg_(self) -> str:
        return self.svg

    def _repr_html_(self) -> str:
        return f'<div style="max-width:100%;overflow-x:auto">{self.svg}</div>'

    def png(self, scale: float = 2) -> bytes:
        """The figure as PNG, ``scale`` pixels a unit of the SVG (above 0, at most 20).

        It has the letters of DejaVu Sans: Latin, Greek, Cyrillic and others, but not Chinese,
        Japanese or Korean ones, for which the SVG is to be used.
        """
        if not 0 < scale <= 20:
            raise _errors.InputError(f"`scale` is {scale}: expected above 0, and at most 20")
        return _rebound.plot_png(self.svg, float(scale))

    def save(self, path: str | os.PathLike[str], scale: float = 2) -> pathlib.Path:
        """Writes the figure to a file, whose ending says in which form: ``.svg`` or ``.png``.

        ``scale`` is that of :meth:`png`. Gives the path.
        """
        path = pathlib.Path(path)
        ending = path.suffix.lower()
        if ending not in _ENDINGS:
            found = f"`{path.suffix}`" if path.suffix else "no ending"
            forms = " or ".join(_ENDINGS)
            raise _errors.InputError(f"`{path}` has {found}: a figure is saved as {forms}")
        if ending == ".svg":
            path.write_text(self.svg, encoding="utf-8")
        else:
            path.write_bytes(self.png(scale))
        return path


def _rows(frame: Any) -> Any:
    """The rows of a frame."""
    if _frames.is_path(frame):
        path = os.fspath(frame)
        raise _errors.InputError(
            f"`{path}` is no frame: figures are of frames, which `rebound_trade.read` makes of files"
        )
    return _frames.rows(frame)


def _whole(name: str, value: int) -> int:
    try:
        return operator.index(value)
    except TypeError:
        raise _errors.InputError(f"`{name}` is {value!r}: expected a whole number of pixels") from None


def _look(
    title: str | None, unit: str | None, note: str | None, width: int, height: int | None
) -> dict[str, Any]:
    return {
        "title": title,
        "unit": unit or "",
        "note": note or "",
        "width": _whole("width", width),
        "height": None if height is None else _whole("height", height),
    }


def _figure(drawn: tuple[str, list[str], Any], like: Any) -> Figure:
    """The figure of what the library drew, with the warnings it has."""
    from . import ReboundWarning

    svg, said, rows = drawn
    for text in said:
        # At the line that called the function of this module.
        warnings.warn(text, ReboundWarning, stacklevel=3)
    return Figure(svg, _frames.give(rows, like, _frames.into(like)))


def _boundaries(given: Any) -> tuple[str | None, str | None]:
    """Boundaries as a path, or as a text of GeoJSON."""
    if isinstance(given, (str, os.PathLike)):
        return os.fspath(given), None
    if hasattr(given, "to_json") and hasattr(given, "geometry"):
        # A GeoPandas frame: GeoJSON has longitude and latitude.
        crs = getattr(given, "crs", None)
        if crs is not None and not (crs.is_geographic and crs.to_epsg() in (4326, None)):
            given = given.to_crs(4326)
        return None, given.to_json()
    if hasattr(given, "__geo_interface__"):
        given = given.__geo_interface__
    if isinstance(given, Mapping):
        return None, json.dumps(given)
    kind = type(given).__name__
    raise _errors.InputError(
        f"`boundaries` is of the type {kind}: expected the path of a GeoJSON file, a GeoPandas "
        "frame, or a dict of GeoJSON"
    )


def map(
    frame: Any,
    boundaries: Any,
    *,
    value: str,
    region: str | None = None,
    property: str | None = None,
    names: Mapping[str, str] | None = None,
    middle: float = 0.0,
    title: str | None = None,
    unit: str | None = None,
    note: str | None = None,
    width: int = 640,
    height: int | None = None,
) -> Figure:
    """A map of a value of regions, in classes that break at round numbers, with their names.

    :param frame: one row a region.
    :param boundaries: the path of a GeoJSON file (plain or packed by gzip), a GeoPandas frame, or a
        dict of GeoJSON; its coordinates are longitudes and latitudes.
    :param value: the column of values. Blue is above ``middle``, orange below it.
    :param region: the column of regions; by default ``region_name``, ``region`` or ``region_code``.
    :param property: the property of the boundaries that names regions; by default the one that has
        most of the frame's.
    :param names: what regions of the frame are called on the map, where they are called otherwise.

    Shapes without a value are hatched, and the legend says how many there are. Regions that have no
    shape are named in a :class:`~rebound_trade.ReboundWarning`, with the nearest spelling.
    ``Figure.data`` has the regions, their values and their shapes.
    """
    path, geojson = _boundaries(boundaries)
    options = {
        "region": region,
        "value": value,
        "property": property,
        "names": dict(names or {}),
        "middle": middle,
        "look": _look(title, unit, note, width, height),
    }
    drawn = _rebound.plot_map(_rows(frame), path, geojson, json.dumps(options))
    return _figure(drawn, frame)


def quadrants(
    frame: Any,
    *,
    x: str = "resistance",
    y: str = "recovery",
    label: str | None = None,
    size: str | None = None,
    quadrants: Sequence[str] = (
        "resistant, recovering",
        "resistant, lagging",
        "vulnerable, recovering",
        "vulnerable, lagging",
    ),
    title: str | None = None,
    unit: str | None = None,
    note: str | None = None,
    width: int = 640,
    height: int | None = None,
) -> Figure:
    """Two indices of regions against each other, resistance and recovery, in four named quadrants.

    :param frame: one row a region.
    :param x: the column from left to right.
    :param y: the column from below upwards.
    :param label: the column of labels; by default ``region_name``, ``region`` or ``region_code``.
    :param size: a column that areas of marks are by, in ``unit``; by default all are of one size.
    :param quadrants: the names of the quadrants: both above zero, ``x`` alone, ``y`` alone,
        neither.

    Labels stand beside their marks, or farther off with a line to them; the note names those for
    which there is no room. Rows without ``x`` or ``y`` are named in a warning.
    ``Figure.data`` has the rows with their ``quadrant``.
    """
    if isinstance(quadrants, str) or len(quadrants) != 4:
        raise _errors.InputError(
            "`quadrants` has four names: both above zero, `x` alone, `y` alone, neither"
        )
    options = {
        "x": x,
        "y": y,
        "label": label,
        "size": size,
        "quadrants": list(quadrants),
        "look": _look(title, unit, note, width, height),
    }
    return _figure(_rebound.plot_quadrants(_rows(frame), json.dumps(options)), frame)


def space(
    pairs: Any,
    products: Any = None,
    *,
    product_a: str | None = None,
    product_b: str | None = None,
    weight: str | None = None,
    product: str | None = None,
    value: str | None = None,
    name: str | None = None,
    group: str | None = None,
    classification: str | None = None,
    specialised: str | None = None,
    threshold: float = 1.0,
    region: str | None = None,
    of: str | None = None,
    labels: int = 12,
    most: int = 600,
    title: str | None = None,
    unit: str | None = None,
    note: str | None = None,
    width: int = 640,
    height: int | None = None,
) -> Figure:
    """The product space: products, joined where they are related.

    :param pairs: one row a pair of products, as ``rb.measure`` gives them; of one period.
    :param products: what is known of products: exports or specialisations, one row a product or one
        a region and product.
    :param product_a: of ``pairs``, the column of one product; by default one that ends in ``_a``.
    :param product_b: the column of the other; by default one that ends in ``_b``.
    :param weight: their relatedness; by default ``relatedness``, ``proximity`` or ``weight``.
    :param product: of ``products``, the column of products; by default ``product``,
        ``product_code`` or ``hs6``.
    :param value: of ``products``, the column that areas are by, in ``unit``, summed over rows.
    :param name: of ``products``, the column of names that stand beside products.
    :param group: of ``products``, the column that colours are by.
    :param classification: ``"hs"`` colours products by the sectors of the Harmonized System.
    :param specialised: of ``products``, the column that says in what regions are specialised: true,
        or ``threshold`` or more. The others have no colour.
    :param of: the region whose specialisations these are; by default those of any.
    :param region: of ``products``, the column of regions.
    :param labels: how many of the largest products have labels.
    :param most: how many products are drawn at the most: the smallest at the ends of the tree are left out.

    Drawn are the links of the maximum spanning tree and the strongest others, two a product.
    ``Figure.data`` has a row a product, with its place.
    """
    options = {
        "product_a": product_a,
        "product_b": product_b,
        "weight": weight,
        "product": product,
        "value": value,
        "name": name,
        "group": group,
        "classification": classification,
        "specialised": specialised,
        "threshold": threshold,
        "region": region,
        "of": of,
        "labels": labels,
        "most": most,
        "look": _look(title, unit, note, width, height),
    }
    second = None if products is None else _rows(products)
    return _figure(_rebound.plot_space(_rows(pairs), second, json.dumps(options)), pairs)


def paths(
    frame: Any,
    *,
    value: str = "value",
    region: str | None = None,
    period: str | None = None,
    expected: str | None = None,
    low: str | None = None,
    high: str | None = None,
    interval: str = "interval",
    regions: Iterable[str] | None = None,
    columns: int | None = None,
    same_scale: bool = False,
    from_zero: bool = True,
    title: str | None = None,
    unit: str | None = None,
    note: str | None = None,
    width: int = 640,
    height: int | None = None,
) -> Figure:
    """Paths of regions over periods, a small figure each.

    :param frame: one row a region and period.
    :param value: the column of values.
    :param region: the column of regions; by default ``region_name``, ``region`` or ``region_code``.
    :param period: the column of periods; by default ``period`` or ``year``. Numbers stand in the
        order of their size, texts in that of the alphabet.
    :param expected: the column of expected values, a dashed line.
    :param low: the column of the lower end of what was expected.
    :param high: the column of its upper end.
    :param interval: what that interval is called.
    :param regions: the regions that are drawn, in this order; by default all, as they come.
    :param columns: small figures beside each other; by default as many as have room.
    :param same_scale: whether all have one scale.
    :param from_zero: whether scales have zero on them.

    ``Figure.data`` has the rows that are drawn.
    """
    if isinstance(regions, str):
        regions = [regions]
    options = {
        "region": region,
        "period": period,
        "value": value,
        "expected": expected,
        "low": low,
        "high": high,
        "interval": interval,
        "regions": None if regions is None else [str(name) for name in regions],
        "columns": columns,
        "same_scale": same_scale,
        "from_zero": from_zero,
        "look": _look(title, unit, note, width, height),
    }
    return _figure(_rebound.plot_paths(_rows(frame), json.dumps(options)), frame)


def _level(models: Any, level: float | None) -> float:
    """The level of confidence of the intervals of models: that which is asked for, or their own."""
    if level is not None:
        return level
    if isinstance(models, Mapping):
        several = list(models.values())
    else:
        several = list(models) if isinstance(models, (list, tuple)) else [models]
    own = list(dict.fromkeys(model.level for model in several if isinstance(model, _Regressions)))
    if len(own) > 1:
        raise _errors.InputError(f"`models` have intervals of the levels {', '.join(str(of) for of in own)}: say `level`")
    return own[0] if own else 0.95


def _coefficients_of(model: Any, level: float) -> Any:
    """The coefficients of a model with intervals of a level; a frame as it is."""
    if isinstance(model, _Regressions):
        return model.tidy(level)
    return model.tidy() if hasattr(model, "tidy") else model


def _tidy(models: Any, level: float) -> tuple[Any, Any]:
    """The coefficients of models as one frame, and the frame whose library the figure's is."""
    import pyarrow

    if isinstance(models, Mapping):
        named = [(str(name), model) for name, model in models.items()]
    elif isinstance(models, (list, tuple)):
        named = [(f"({place})", model) for place, model in enumerate(models, 1)]
    else:
        frame = _coefficients_of(models, level)
        return frame, frame
    if not named:
        raise _errors.InputError("`models` is empty: expected an estimate, or several")
    tables = []
    first = None
    for name, model in named:
        frame = _coefficients_of(model, level)
        first = frame if first is None else first
        table = pyarrow.table(_rows(frame))
        if "model" in table.column_names:
            table = table.drop_columns(["model"])
        names = pyarrow.array([name] * table.num_rows, pyarrow.string())
        tables.append(table.add_column(0, "model", names))
    return pyarrow.concat_tables(tables, promote_options="permissive"), first


def coefficients(
    models: Any,
    *,
    term: str | None = None,
    estimate: str | None = None,
    low: str | None = None,
    high: str | None = None,
    model: str | None = None,
    terms: Iterable[str] | None = None,
    level: float | None = None,
    title: str | None = None,
    unit: str | None = None,
    note: str | None = None,
    width: int = 640,
    height: int | None = None,
) -> Figure:
    """Coefficients with their intervals, a row each on one scale, with their numbers beside them.

    :param models: an estimate of ``rb.estimate``, a list of them, a dict of them by their names, or
        frames of coefficients such as their ``tidy()`` gives.
    :param term: the column of terms; by default ``term``.
    :param estimate: the column of estimates; by default ``estimate``.
    :param low: the column of lower ends; by default ``low`` or ``conf_low``.
    :param high: the column of upper ends; by default ``high`` or ``conf_high``.
    :param model: the column of models; by default ``model``, where there is one.
    :param terms: the terms that are drawn, in this order; by default all but the intercept.
    :param level: the level of confidence of the intervals, which the note says; by default that of
        the estimates, or 0.95. Intervals of frames stay as they are.
    :param unit: the unit of the coefficients.

    Coefficients without an interval are named in a warning.
    ``Figure.data`` has the rows that are drawn.
    """
    level = _level(models, level)
    frame, like = _tidy(models, level)
    if isinstance(terms, str):
        terms = [terms]
    options = {
        "model": model,
        "term": term,
        "estimate": estimate,
        "low": low,
        "high": high,
        "terms": None if terms is None else [str(name) for name in terms],
        "level": level,
        "look": _look(title, unit, note, width, height),
    }
    return _figure(_rebound.plot_coefficients(_rows(frame), json.dumps(options)), like)
