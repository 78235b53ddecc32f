"""Figures: valid SVG with every label, no text cut or over another in a browser, pictures of the right size, errors that say what was meant."""

import gzip
import json
import os
import pathlib
import re
import struct
import warnings
import xml.etree.ElementTree

import pyarrow as pa
import pytest
from playwright.sync_api import sync_playwright

import rebound_trade as rb

BOUNDARIES = pathlib.Path(__file__).resolve().parents[2] / "samples/australia/states.geojson.gz"
BROWSERS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]
STATES = ["New South Wales", "Victoria", "Queensland", "South Australia", "Western Australia", "Tasmania", "Northern Territory", "Australian Capital Territory"]
QUADRANTS = ["resistant, recovering", "resistant, lagging", "vulnerable, recovering", "vulnerable, lagging"]

# Texts beyond the figure, and pairs of which one lies over the other by more than a pixel.
FAULTS = """() => {
    const svg = document.querySelector('svg'), frame = svg.getBoundingClientRect(), found = [];
    const texts = Array.from(svg.querySelectorAll('text')).filter(t => t.textContent.trim()).map(t => [t.textContent, t.getBoundingClientRect()]);
    for (const [text, box] of texts)
        if (box.left < frame.left - 0.5 || box.right > frame.right + 0.5 || box.top < frame.top - 0.5 || box.bottom > frame.bottom + 0.5) found.push(['beyond', text]);
    texts.forEach(([a, p], i) => texts.slice(0, i).forEach(([b, q]) => {
        const over = Math.min(p.right, q.right) - Math.max(p.left, q.left), above = Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top);
        if (over > 1 && above > 3) found.push(['over', a, b]);
    }));
    return [texts.length, frame.width, frame.height, found];
}"""


# The longest of the lines that are intervals, in pixels.
LINES = """() => Math.max(...Array.from(document.querySelectorAll('path[stroke-width="2"]')).map(line => line.getBoundingClientRect().width))"""


@pytest.fixture(scope="module")
def page():
    browser = os.environ.get("CHROMIUM") or next((path for path in BROWSERS if pathlib.Path(path).exists()), None)
    assert browser, "no Chromium: install Debian's package `chromium`, or name one by CHROMIUM"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox", "--disable-gpu"])
        yield chromium.new_page(viewport={"width": 2000, "height": 1200})
        chromium.close()


def texts(figure):
    root = xml.etree.ElementTree.fromstring(figure.svg)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    return ["".join(element.itertext()) for element in root.iter("{http://www.w3.org/2000/svg}text")]


def holds(page, figure, labels, width=640):
    """The figure is valid, has the labels, which may stand in lines, and no text of it is cut or hidden."""
    found = texts(figure)
    said = "".join("".join(found).split())
    for label in labels:
        assert "".join(label.split()) in said, (label, found)
    page.set_content(f"<!doctype html><body style='margin:0'>{figure._repr_html_()}</body>")
    n, wide, high, faults = page.evaluate(FAULTS)
    assert n > 0 and not faults, faults
    assert wide == width
    for scale in (1, 2, 1.5):
        png = figure.png(scale=scale)
        assert png[:8] == b"\x89PNG\r\n\x1a\n"
        for pixels, side in zip(struct.unpack(">II", png[16:24]), (wide, high), strict=True):
            assert abs(pixels - side * scale) <= 0.5, (scale, pixels, side)
    assert figure._repr_svg_() == figure.svg
    assert figure.svg in figure._repr_html_()


@pytest.fixture
def regions():
    return pa.table({
        "region": STATES,
        "resistance": [0.31, -0.42, 1.2, -0.11, 2.4, None, -1.9, 0.05],
        "recovery": [0.5, 0.44, -0.7, -0.2, 1.1, 0.3, 2.2, 0.06],
        "exports": [4.0e10, 2.6e10, 5.8e10, 1.1e10, 1.1e11, 3.3e9, 5.1e9, 7.0e8],
        "year_back": [2010, 2011, 2012, 2013, 2010, 2014, 2011, 2012],
    })


@pytest.mark.parametrize("width", [300, 640, 1100])
def test_map_shades_regions_and_hatches_what_has_no_value(page, regions, width):
    figure = rb.plot.map(regions, BOUNDARIES, value="resistance", title="Resistance of exports of states, 2008 to 2009, against all states together", unit="index", width=width)
    # Tasmania has no value, and the frame lacks the other territories.
    holds(page, figure, ["Resistance of exports of states", "no value (2)", "Hatched: no value.", "−1", "3", "Queensland"], width)
    assert figure.data.column_names == ["region", "resistance", "shape"]
    assert figure.data["shape"].to_pylist() == STATES


def test_map_takes_boundaries_of_each_kind(page, regions):
    collection = json.loads(gzip.decompress(BOUNDARIES.read_bytes()))
    of_path = rb.plot.map(regions, str(BOUNDARIES), value="exports", unit="AUD")
    of_dict = rb.plot.map(regions, collection, value="exports", unit="AUD")

    class Shapes:
        __geo_interface__ = collection

    of_interface = rb.plot.map(regions, Shapes(), value="exports", unit="AUD")
    assert of_path.svg == of_dict.svg == of_interface.svg
    holds(page, of_path, ["exports, AUD", "bn"])
    geopandas = pytest.importorskip("geopandas")
    shapes = geopandas.GeoDataFrame.from_features(collection, crs=4326)
    projected = rb.plot.map(regions, shapes.to_crs(3577), value="exports", unit="AUD")
    assert texts(projected) == texts(of_path)


def test_years_have_no_separator(page, regions):
    figure = rb.plot.map(regions, BOUNDARIES, value="year_back", middle=2012)
    holds(page, figure, ["2010", "2014", "just 2012 (2)"])
    assert not any("k" in text or "," in text for text in texts(figure) if "20" in text), texts(figure)


def test_regions_that_have_no_shape_are_named(regions):
    wrong = regions.set_column(0, "region", pa.array(["New South Wales", "Victorai", *STATES[2:]]))
    with pytest.warns(rb.ReboundWarning, match=r"`Victorai` \(did you mean `Victoria`\?\)"):
        figure = rb.plot.map(wrong, BOUNDARIES, value="resistance")
    assert "no value (3)" in texts(figure)
    assert figure.data["shape"].to_pylist()[1] is None
    # What it is called on the map can be said.
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rb.plot.map(wrong, BOUNDARIES, value="resistance", names={"Victorai": "Victoria"})
    with pytest.raises(rb.InputError, match="no property `nme`: it has .*name"):
        rb.plot.map(regions, BOUNDARIES, value="resistance", property="nme")
    with pytest.raises(rb.InputError, match="no region of the frame is on the map"):
        rb.plot.map(pa.table({"region": ["x"], "v": [1.0]}), BOUNDARIES, value="v")
    with pytest.raises(rb.InputError, match="more than one row"):
        rb.plot.map(pa.concat_tables([regions, regions]), BOUNDARIES, value="resistance")
    with pytest.raises(rb.InputError, match="expected the path"):
        rb.plot.map(regions, 7, value="resistance")


@pytest.mark.parametrize("size", [None, "exports"])
def test_quadrants_have_names_and_labels(page, regions, size):
    with pytest.warns(rb.ReboundWarning, match="Tasmania"):
        figure = rb.plot.quadrants(regions, label="region", size=size, title="Which states withstood the crisis")
    drawn = [state for state in STATES if state != "Tasmania"]
    holds(page, figure, [*QUADRANTS, *drawn, "resistance", "recovery"])
    found = dict(zip(figure.data["region"].to_pylist(), figure.data["quadrant"].to_pylist(), strict=True))
    assert found["Western Australia"] == QUADRANTS[0] and found["Queensland"] == QUADRANTS[1]
    assert found["Northern Territory"] == QUADRANTS[2] and found["South Australia"] == QUADRANTS[3]


def test_crowded_labels_stand_beside_each_other_or_are_named(page):
    n = 50
    frame = pa.table({"region": [f"Region of the number {i}" for i in range(n)], "resistance": [((i * 37) % 101) / 50 - 1 for i in range(n)], "recovery": [((i * 53) % 97) / 90 - 0.5 for i in range(n)]})
    figure = rb.plot.quadrants(frame)
    holds(page, figure, QUADRANTS)
    found = " ".join(texts(figure))
    # Each label stands in the figure, or the note names it or says how many have no room.
    gone = re.search(r"No room for the labels of (\d+) of 50", found)
    shown = set(re.findall(r"number (\d+)", found))
    assert len(shown) == n - (int(gone[1]) if gone else 0), found
    assert len(shown) > n / 2


def test_space_joins_related_products(page):
    products = [f"{chapter:02}{i}0" for chapter in (1, 27, 72, 84) for i in range(1, 6)]
    pairs = [(a, b, 0.9 if a[:2] == b[:2] else 0.1 + 0.001 * i) for i, a in enumerate(products) for b in products[i + 1:]]
    related = pa.table({"hs6_a": [a for a, _, _ in pairs], "hs6_b": [b for _, b, _ in pairs], "relatedness": [v for _, _, v in pairs]})
    exports = pa.table({
        "hs6": products * 2,
        "region": ["Victoria"] * 20 + ["Tasmania"] * 20,
        "fob": [1e6 * (i + 1) for i in range(40)],
        "rca": [0.5 + 0.1 * (i % 13) for i in range(40)],
        "name": [f"Product {code}" for code in products] * 2,
    })
    figure = rb.plot.space(related, exports, value="fob", unit="AUD", specialised="rca", of="Victoria", name="name", labels=8, classification="hs")
    holds(page, figure, ["animals", "minerals, fuels", "metals", "machines, electronics", "what Victoria is specialised in", "Product 8450"])
    rows = figure.data.to_pylist()
    assert sorted(row["product"] for row in rows) == sorted(products)
    for row in rows:
        i = products.index(row["product"])
        assert row["value"] == 1e6 * (i + 1) + 1e6 * (i + 21)
        assert row["is_specialised"] == (0.5 + 0.1 * (i % 13) >= 1.0), row
    plain = rb.plot.space(related)
    holds(page, plain, ["The product space: 20 products"])
    with pytest.raises(rb.InputError, match="no region `Victorai` .did you mean `Victoria`"):
        rb.plot.space(related, exports, specialised="rca", of="Victorai")
    with pytest.raises(rb.InputError, match="second frame"):
        rb.plot.space(related, value="fob")
    with pytest.raises(rb.InputError, match="more than one row"):
        rb.plot.space(pa.concat_tables([related, related]))


@pytest.mark.parametrize("period", ["year", "month"])
def test_paths_draw_a_panel_a_region(page, period):
    n = 10 if period == "year" else 30
    periods = [2005 + i for i in range(n)] if period == "year" else [f"{2008 + i // 12}-{i % 12 + 1:02}" for i in range(n)]
    rows = [(state, at, 1e9 * (j + 1) + 1e8 * i, 1e9 * (j + 1)) for j, state in enumerate(STATES) for i, at in enumerate(periods)]
    frame = pa.table({"region": [r[0] for r in rows], period: [r[1] for r in rows], "value": [r[2] for r in rows], "expected": [r[3] for r in rows], "low": [r[3] * 0.8 for r in rows], "high": [r[3] * 1.1 for r in rows]})
    figure = rb.plot.paths(frame, period=period, expected="expected", low="low", high="high", interval="95 % interval", unit="AUD", title="Exports of states")
    holds(page, figure, [*STATES, "value", "expected", "95 % interval", str(periods[0]), str(periods[-1]), "Exports of states"])
    assert figure.data.num_rows == len(rows)
    assert figure.data.schema.field(period).type == frame.schema.field(period).type
    few = rb.plot.paths(frame, period=period, regions=["Victoria", "Tasmania"], same_scale=True)
    holds(page, few, ["Victoria", "Tasmania"])
    assert "Queensland" not in texts(few) and few.data.num_rows == 2 * n
    with pytest.raises(rb.InputError, match="no region `Tasmnia` .did you mean `Tasmania`"):
        rb.plot.paths(frame, period=period, regions=["Tasmnia"])
    with pytest.raises(rb.InputError, match="more than once"):
        rb.plot.paths(pa.concat_tables([frame, frame]), period=period)
    # What has no numbers is neither drawn nor in the legend.
    bare = frame.set_column(frame.column_names.index("low"), "low", pa.nulls(len(rows), pa.float64()))
    with pytest.warns(rb.ReboundWarning, match="column `low` has no numbers"):
        without = rb.plot.paths(bare, period=period, low="low", high="high", interval="95 % interval")
    assert "95 % interval" not in texts(without)
    with pytest.raises(rb.InputError, match="`low` has no numbers: nothing can be drawn"):
        rb.plot.paths(bare, period=period, value="low")
    with pytest.raises(rb.InputError, match="both `low` and `high`"):
        rb.plot.paths(frame, period=period, low="low")


def test_coefficients_stand_with_their_intervals(page):
    terms = ["(intercept)", "density", "log of the share of exports by firms with foreign capital, interacted with density", "hhi"]
    table = pa.table({"term": terms, "estimate": [9.0, 0.5, -0.25, 0.001], "low": [8.0, 0.1, -0.5, -0.01], "high": [10.0, 0.9, 0.02, 0.012]})
    figure = rb.plot.coefficients(table, title="What explains resistance", unit="points")
    holds(page, figure, [*terms[1:], "What explains resistance", "points", "Lines: 95 % intervals."])
    assert "(intercept)" not in texts(figure) and figure.data.num_rows == 3
    # Where lines would have no room between labels and numbers, these stand below each other.
    for width in (240, 400, 900):
        narrow = rb.plot.coefficients(table, width=width)
        holds(page, narrow, [*terms[1:], "−0.2500 (−0.5000 to 0.02000)"], width)
        page.set_content(narrow.svg)
        assert page.evaluate(LINES) >= width / 6
    both = rb.plot.coefficients({"baseline": table, "with controls": table}, terms=["hhi", "density"], level=0.9)
    holds(page, both, ["baseline · hhi", "with controls · density", "Lines: 90 % intervals."])
    assert both.data["term"].to_pylist() == ["hhi", "hhi", "density", "density"]
    with pytest.raises(rb.InputError, match="no term is `densty` .did you mean `density`"):
        rb.plot.coefficients(table, terms=["densty"])
    with pytest.raises(rb.InputError, match="`level`"):
        rb.plot.coefficients(table, level=95)


def test_intervals_of_estimates_are_of_the_level_of_the_figure(page):
    pandas = pytest.importorskip("pandas")
    data = pandas.DataFrame({"y": [1.0, 3, 2, 5, 4, 7], "x": [1.0, 2, 3, 4, 5, 6]})
    model, other = (rb.estimate("y ~ x", data, vcov="iid", level=level) for level in (0.9, 0.95))
    for figure, level in (
        (rb.plot.coefficients(model), 0.9),
        (rb.plot.coefficients(model, level=0.5), 0.5),
        (rb.plot.coefficients([model, other], level=0.5), 0.5),
    ):
        holds(page, figure, [f"Lines: {100 * level:.0f} % intervals."])
        low = model.tidy(level).set_index("term")["conf_low"]["x"]
        assert figure.data["conf_low"].tolist()[0] == low
    with pytest.raises(rb.InputError, match="intervals of the levels 0.9, 0.95: say `level`"):
        rb.plot.coefficients([model, other])


def test_periods_of_pandas_are_what_they_say():
    pandas = pytest.importorskip("pandas")
    for freq, said in (("Y", ["2008", "2009"]), ("M", ["2008-01", "2008-02"]), ("Q", ["2008Q1", "2008Q2"])):
        frame = pandas.DataFrame({"region": "a", "year": pandas.period_range("2008", periods=2, freq=freq), "value": [1.0, 2.0]})
        figure = rb.plot.paths(frame)
        assert set(said) <= set(texts(figure)) and figure.data["year"].astype(str).tolist() == said


def test_frames_and_pixels_of_another_type_are_refused(regions):
    with pytest.raises(rb.InputError, match="`rebound_trade.read` makes of files"):
        rb.plot.quadrants("regions.csv")
    with pytest.raises(rb.InputError, match="`width` is 'wide': expected a whole number of pixels"):
        rb.plot.quadrants(regions, width="wide")
    with pytest.raises(rb.InputError, match="the frame has no rows with a region"):
        rb.plot.map(regions.slice(0, 0), BOUNDARIES, value="resistance")


def test_columns_that_are_not_there_are_told(regions):
    with pytest.raises(rb.InputError, match="no column `resistence` .did you mean `resistance`"):
        rb.plot.map(regions, BOUNDARIES, value="resistence")
    with pytest.raises(rb.InputError, match="no column `recovry` .did you mean `recovery`"):
        rb.plot.quadrants(regions, y="recovry")
    with pytest.raises(rb.InputError, match="`label`"):
        rb.plot.quadrants(regions.drop_columns(["region"]))
    with pytest.raises(rb.InputError, match="no column `valeu`"):
        rb.plot.paths(pa.table({"region": ["a"], "year": [2008], "value": [1.0]}), value="valeu")
    with pytest.raises(rb.InputError, match="`period`"):
        rb.plot.paths(regions, value="exports")
    with pytest.raises(rb.InputError, match="has texts: expected numbers"):
        rb.plot.map(regions, BOUNDARIES, value="region")
    with pytest.raises(rb.InputError, match="`width` is 10"):
        rb.plot.map(regions, BOUNDARIES, value="exports", width=10)


def test_saving_goes_by_the_ending(regions, tmp_path):
    figure = rb.plot.map(regions, BOUNDARIES, value="exports")
    assert figure.save(tmp_path / "x.svg").read_text(encoding="utf-8") == figure.svg
    assert figure.save(str(tmp_path / "x.PNG"), scale=3).read_bytes() == figure.png(scale=3)
    for name in ("x.pdf", "x"):
        with pytest.raises(rb.InputError, match=r"\.svg or \.png"):
            figure.save(tmp_path / name)
        assert not (tmp_path / name).exists()
    with pytest.raises(rb.InputError, match="`scale`"):
        figure.png(scale=0)
    large = rb.plot.map(regions, BOUNDARIES, value="exports", width=4000)
    with pytest.raises(rb.InputError, match="would have 80000 x .* expected 1 to 20000 a side: ask for another scale, or for SVG"):
        large.png(scale=20)


def test_names_stay_names(page, regions):
    hostile = ['<script>x</script>', '&amp; "quoted"', "__proto__", "{b}: ${1} {a|b}", "]]>", "constructor", "a·b–c", "x" * 90]
    frame = regions.set_column(0, "region", pa.array(hostile)).set_column(1, "resistance", regions["exports"])
    figure = rb.plot.quadrants(frame, label="region")
    holds(page, figure, hostile)
    small = pa.table({"region": hostile, "year": [2008] * len(hostile), "value": [1.0] * len(hostile)})
    holds(page, rb.plot.paths(small), hostile)


def test_frames_come_back_in_their_library(regions):
    pandas = pytest.importorskip("pandas")
    figure = rb.plot.map(regions.to_pandas(), BOUNDARIES, value="exports")
    assert isinstance(figure.data, pandas.DataFrame)
    assert "rows" in repr(figure)
    polars = pytest.importorskip("polars")
    assert isinstance(rb.plot.map(polars.from_arrow(regions), BOUNDARIES, value="exports").data, polars.DataFrame)
