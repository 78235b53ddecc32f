"""The report in a browser: no errors, no requests, hover, sort and search by real input, numbers as in the tables, on a desktop and a phone.

    python tests/python/report.py REBOUND PIPELINE LAKE"""

import csv
import io
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree

import yaml
from playwright.sync_api import TimeoutError, sync_playwright

rebound, pipeline, lake = sys.argv[1:]
BROWSERS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]
browser = os.environ.get("CHROMIUM") or next((path for path in BROWSERS if pathlib.Path(path).exists()), None)
assert browser, "no Chromium: install Debian's package `chromium`, or name one by CHROMIUM"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"]


def sql(query, lake=lake):
    text = subprocess.run([rebound, "sql", query, "--lake", str(lake), "--format", "csv"], check=True, capture_output=True, text=True).stdout
    return list(csv.DictReader(io.StringIO(text)))


def opened(page, path):
    problems, requests = [], []
    page.on("console", lambda m: problems.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    begun = time.monotonic()
    page.goto(path.as_uri())
    try:
        page.wait_for_selector("body[data-ready]", timeout=10_000)
    except TimeoutError:
        raise AssertionError(problems)
    seconds = time.monotonic() - begun
    assert not problems, problems
    assert len([url for url in requests if not url.startswith("data:")]) == 1, requests
    draw(page)
    assert not problems, problems
    return seconds, problems


def draw(page):
    """Charts are made when they come into view: makes all."""
    page.evaluate("rebound.drawAll()")
    assert page.evaluate("Array.from(document.querySelectorAll('figure .chart')).every(box => box.querySelector('svg'))")


def same(shown, cell):
    """Whether a value of the page is that of a cell of CSV."""
    return cell == "" if shown is None else shown == (cell if isinstance(shown, str) else float(cell))


def stands_in_its_place(page):
    """No figure of regions or of how sure they are is wider than its place, no text of one reaches beyond it or lies over another."""
    beyond = page.evaluate("""() => {
        const found = [];
        const is_in = (a, b) => a.left > b.left - 1 && a.right < b.right + 1 && a.top > b.top - 1 && a.bottom < b.bottom + 1;
        for (const figure of document.querySelectorAll('#places figure, #sure figure, #relations figure:not([id=coefficients]), #region figure[id^=path-]')) {
            const place = figure.getBoundingClientRect(), frame = (figure.querySelector('.chart') || figure).getBoundingClientRect();
            if (place.left < 0 || place.right > document.documentElement.clientWidth) found.push([figure.id, 'place']);
            for (const part of figure.querySelectorAll('svg, svg text')) {
                const box = part.getBoundingClientRect();
                if (box.width && !is_in(box, frame)) found.push([figure.id, part.tagName, part.textContent.slice(0, 60), ['left', 'right', 'top', 'bottom'].map(side => Math.round(box[side] - frame[side]))]);
            }
            // Boxes of letters are a little higher than these.
            const texts = Array.from(figure.querySelectorAll('svg text')).map(text => [text.textContent.trim(), text.getBoundingClientRect()]).filter(([text, box]) => text && box.width);
            texts.forEach(([text, a], i) => texts.slice(i + 1).forEach(([other, b]) => {
                const across = Math.min(a.right, b.right) - Math.max(a.left, b.left), down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
                if (across > 1 && down > 3) found.push([figure.id, 'over', text.slice(0, 60), other.slice(0, 60)]);
            }));
        }
        return found;
    }""")
    assert not beyond, beyond
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= page.viewport_size["width"], f"the page is {width} wide"
    # Captions of tables are read without scrolling, and what is chosen from is as long as its texts.
    cut = page.evaluate("""() => {
        const captions = Array.from(document.querySelectorAll('p.caption:not([hidden])')), wide = document.documentElement.clientWidth;
        const found = captions.filter(p => { const box = p.getBoundingClientRect(); return p.closest('.scroll') || !box.height || box.left < 0 || box.right > wide || p.scrollWidth > p.clientWidth; });
        return [captions.length, found.map(p => p.id)];
    }""")
    assert cut[0] >= 5 and not cut[1], cut
    room = page.evaluate("""() => {
        const select = document.getElementById('episode'), style = getComputedStyle(select), context = document.createElement('canvas').getContext('2d');
        context.font = style.font;
        return select.clientWidth - 22 - Math.max(...Array.from(select.options).map(o => context.measureText(o.text).width));
    }""")
    assert room >= 0, f"the texts of the episodes run {-room} under their arrow"
    # Numbers of an axis are even, and none lies over another.
    axes = page.evaluate("""() => Array.from(document.querySelectorAll('#sure figure[id^=robust-], #sure figure[id^=ranks-]')).map(figure => [figure.id,
        Array.from(figure.querySelectorAll('svg text')).filter(text => /^−?[0-9.]+$/.test(text.textContent)).map(text => {
            const box = text.getBoundingClientRect();
            return [Number(text.textContent.replace('−', '-')), box.left, box.right];
        })])""")
    assert axes
    for figure, ticks in axes:
        ticks.sort()
        steps = [b[0] - a[0] for a, b in zip(ticks, ticks[1:])]
        assert steps and max(steps) - min(steps) <= 1e-9 * max(steps), (figure, ticks)
        assert all(a[2] < b[1] for a, b in zip(ticks, ticks[1:])), (figure, ticks)


def says_why_not(page, sql, stage, episode):
    """Of a benchmark with which no region is compared, the figure says why."""
    note = page.locator(f"figure[id='robust-{stage}-{episode}'] figcaption").inner_text()
    rows = sql(f"select benchmark, min({stage}_null_reason) as reason, count(distinct {stage}_null_reason) as n from resilience.region where episode = '{episode}' group by benchmark having count({stage}_diff) = 0")
    for row in rows:
        assert row["n"] == "1" and f"({row['benchmark']}): {row['reason'].replace('_', ' ')}." in note, (row, note)
    assert note.count("None against ") == len(rows), (rows, note)
    return {row["benchmark"] for row in rows}


def is_as_sure_as_the_tables(page, data, sql):
    """What the page says of how sure indices are is in the tables, and what is drawn is what it was given."""
    lists = {
        "robustness": ("stage", "n_compared, n_above, diff_low, diff_median, diff_high", "resilience.robustness where n_compared > 0"),
        "ranks": ("benchmark || ' ' || stage as stage", "rank, rank_low, rank_high, p_top_quarter, p_above_median, n_ranked, n_top", "resilience.rank where rank is not null"),
        "components": ("'' as stage", "largest_gap, largest_gap_relative, largest_gap_period, gross_loss, end_relative, null_reason, relative_null_reason, n_periods_to_recover, recover_null_reason", "resilience.component where benchmark = 'aggregate'"),
        "differences": ("benchmark as stage", "resistance_diff as resistance, recovery_diff as recovery", "resilience.region where resistance_diff is not null or recovery_diff is not null"),
    }
    for name, (stage, columns, table) in lists.items():
        rows = sql(f"select episode, region_code, {stage}, {columns} from {table}")
        key = (lambda row: f"{row['benchmark']} {row['stage']}") if name == "ranks" else (lambda row: row.get("stage", row.get("benchmark", "")))
        given = {(episode, row["region_code"], key(row)): row for episode, of in data["certainty"].items() for row in of[name]}
        assert len(given) == len(rows) > 0, (name, len(given), len(rows))
        for row in rows:
            found = given[(row["episode"], row["region_code"], row["stage"])]
            for column in [column.rpartition(" ")[2] for column in columns.split(", ")]:
                assert same(found[column], row[column]), (name, row, found)
    episode = page.locator("#episode").input_value()
    of = data["certainty"][episode]
    drawn = "id => echarts.getInstanceByDom(document.getElementById(id).querySelector('.chart')).getOption().series.filter(s => s.type === 'scatter').flatMap(s => s.data.map(d => [d.row.region_code, s.name || '', d.value[0]]))"
    for stage in ("resistance", "recovery"):
        expected = sorted((row["region_code"], row[stage]) for row in of["differences"] if row[stage] is not None)
        found = page.evaluate(drawn, f"robust-{stage}-{episode}")
        assert sorted((code, value) for code, _, value in found) == expected, (stage, found, expected)
        assert len({name for _, name, _ in found}) == len({row["benchmark"] for row in of["differences"]})
        offsets = page.evaluate("id => echarts.getInstanceByDom(document.getElementById(id).querySelector('.chart')).getOption().series.filter(s => s.type === 'scatter').map(s => s.symbolOffset[1])", f"robust-{stage}-{episode}")
        assert len(set(offsets)) == len(offsets), "marks of two benchmarks would hide each other"
        above = sum(row["diff_low"] > 0 for row in of["robustness"] if row["stage"] == stage and row["n_compared"] > 1)
        assert page.locator(f"figure[id='robust-{stage}-{episode}'] h3").inner_text().startswith(f"{above} of "), stage
        says_why_not(page, sql, stage, episode)
    # Ranks are those against the benchmark that is chosen, at first all regions.
    against = page.locator("#against")
    assert against.input_value() == "aggregate"
    options = against.locator("option").evaluate_all("all => all.map(o => o.value)")
    assert sorted(options) == [row["benchmark"] for row in sql(f"select distinct benchmark from resilience.rank where episode = '{episode}' and rank is not null order by 1")]
    for benchmark in [*options[1:], "aggregate"]:
        against.select_option(benchmark)
        draw(page)
        for stage in ("resistance", "recovery"):
            expected = sorted((row["region_code"], float(row["rank"])) for row in sql(f"select region_code, rank from resilience.rank where episode = '{episode}' and stage = '{stage}' and benchmark = '{benchmark}' and rank is not null"))
            found = page.evaluate(drawn, f"ranks-{stage}-{episode}")
            assert sorted((code, value) for code, _, value in found) == expected, (stage, found, expected)
            sides = sql(f"select count(*) as n from resilience.rank where episode = '{episode}' and stage = '{stage}' and benchmark = '{benchmark}' and (p_above_median >= 0.95 or p_above_median <= 0.05)")
            figure = page.locator(f"figure[id='ranks-{stage}-{episode}']")
            n, title = sides[0]["n"], figure.locator("h3").inner_text()
            said = f": of none of {len(expected)} regions is it sure" if n == "0" else f": {n} of {len(expected)} regions rank{'s' if n == '1' else ''} surely above the median, or surely below it"
            assert said in title, (stage, benchmark, title)
            assert f"({benchmark})" in figure.locator("figcaption").inner_text()
    # The table has every part as a number beside its words, the shallowest fall first.
    made = {row["region_code"]: row for row in of["components"]}
    shown = page.locator("#components tbody tr").evaluate_all("all => all.map(tr => [tr.dataset.code, ...Array.from(tr.querySelectorAll('td')).map(td => td.dataset.value ?? null)])")
    assert len(shown) == len(made)
    for code, *cells in shown:
        for cell, column in zip(cells, ("largest_gap_relative", "gross_loss", "n_periods_to_recover", "end_relative"), strict=True):
            assert (cell is None and made[code][column] is None) or float(cell) == made[code][column], (code, column, cell)
    falls = [float(cells[0]) for _, *cells in shown if cells[0] is not None]
    assert falls == sorted(falls)
    # A region of it is chosen by the keyboard.
    row = page.locator("#components tbody tr").last
    row.get_by_role("button").focus()
    page.keyboard.press("Enter")
    assert page.locator("#region .name").inner_text() == row.locator("th").inner_text()


def gives_its_rows(page, sql):
    """The SQL of a figure gives the very rows that are drawn, in their order."""
    figures = page.evaluate("""() => {
        const data = JSON.parse(document.getElementById('data').textContent), made = [];
        data.room = 556; data.whole = 1140;
        for (const [, figure] of charts.all(data, false)) made.push(figure);
        for (const region of data.regions.slice(0, 3)) made.push(charts.path(data, region.episode, region.region_code, false));
        return made.filter(figure => figure && figure.sql).map(({ id, title, columns, rows, sql }) => ({ id, title, columns, rows, sql }));
    }""")
    assert {figure["id"].split("-")[0] for figure in figures} >= {"national", "paths", "path", "coefficients"}
    for figure in figures:
        found = sql(figure["sql"])
        assert len(found) == len(figure["rows"]) > 0, figure["id"]
        for row, drawn in zip(found, figure["rows"]):
            assert list(row) == figure["columns"], (figure["id"], row)
            assert all(same(shown, cell) for shown, cell in zip(drawn, row.values(), strict=True)), (figure["id"], row, drawn)


def tables_are_in_panels(page):
    """Regression tables stay in their place, have all coefficients once, and decimal points below each other."""
    found = page.evaluate("""() => Array.from(document.querySelectorAll('.regressions')).filter(box => box.clientWidth).map(box => {
        const place = box.getBoundingClientRect(), points = [], cut = [];
        for (const table of box.querySelectorAll('table')) {
            if (table.getBoundingClientRect().right > place.right + 1) cut.push(table.textContent.slice(0, 40));
            for (const cell of table.querySelectorAll('th, td')) if (cell.scrollWidth > cell.clientWidth + 1) cut.push(cell.textContent);
            for (const body of Array.from(table.tBodies).slice(0, 1)) {
                const left = {};
                for (const row of body.rows) Array.from(row.querySelectorAll('td')).forEach((cell, at) => {
                    if (!/^[[(]?−?[0-9]+[.][0-9e−]*[*]*[)\\]]?$/.test(cell.textContent)) return;
                    const range = document.createRange(), place = cell.firstChild.data.indexOf('.');
                    range.setStart(cell.firstChild, place); range.setEnd(cell.firstChild, place + 1);
                    (left[at] ||= []).push(range.getBoundingClientRect().left);
                });
                points.push(...Object.values(left).map(of => Math.max(...of) - Math.min(...of)));
            }
        }
        return [cut, points, Array.from(box.querySelectorAll('thead tr:last-child th:not(.label)')).map(th => th.textContent)];
    })""")
    assert found
    for cut, points, headings in found:
        assert not cut, cut
        assert points and max(points) < 1, points
        assert len(set(headings)) == len(headings), headings


def gives_what_it_draws(page, sql):
    """The SQL of a figure gives the rows that it draws, to the last digit and in their order."""
    figures = page.evaluate("""() => {
        const data = JSON.parse(document.getElementById('data').textContent);
        data.room = 556;
        return charts.all(data, false).map(([, figure]) => figure).filter(figure => figure.sql).map(({ id, title, subtitle, columns, rows, sql }) => ({ id, title, subtitle, columns, rows, sql }));
    }""")
    for figure in figures:
        assert figure["title"] and figure["subtitle"], figure["id"]
        rows = sql(figure["sql"])
        assert len(rows) == len(figure["rows"]) > 0, (figure["id"], len(rows), len(figure["rows"]))
        for row, drawn in zip(rows, figure["rows"]):
            assert list(row) == figure["columns"], (figure["id"], list(row), figure["columns"])
            assert all(same(cell, row[column]) for column, cell in zip(figure["columns"], drawn, strict=True)), (figure["id"], row, drawn)
    return {figure["id"] for figure in figures}


def says_what_it_stands_on(page, data, sql):
    """Coverage, missing years, thin regions, what moves ranks and Moran's tests are there, as in the tables; every region has its name among few."""
    episode = page.locator("#episode").input_value()
    figures = gives_what_it_draws(page, sql)
    for figure in ("coverage", "left-out", "missing", f"thin-{episode}", f"moran-{episode}", f"bump-resistance-{episode}", f"bump-recovery-{episode}"):
        assert figure in figures and page.locator(f"#sure figure[id='{figure}']").count() == 1, figure
    regions = [r for r in data["regions"] if r["episode"] == episode]
    if len(regions) <= 12:
        for figure in ("quadrants", "related_variety-resistance", "mean_density-recovery"):
            texts = " ".join(page.locator(f"figure[id='{figure}-{episode}'] svg text").all_text_contents())
            assert all(r["region_name"] in texts for r in regions), (figure, texts)
    values = sql("select year, sum(fob_value) as v from trade.region_year group by year order by year")
    assert [float(row["v"]) for row in values] == [row["analysed_value"] for row in data["evidence"]["coverage"]["rows"]]
    # No interval leaves zero: the title says that none can be told apart.
    sure = sql(f"select count(*) as n from resilience.region where episode = '{episode}' and benchmark = 'aggregate' and (resistance_low > 0 or resistance_high < 0)")[0]["n"]
    title = page.locator(f"figure[id='resistance-ranking-{episode}'] h3").inner_text()
    assert (sure == "0") == title.startswith("No region's resistance can be told"), (sure, title)


def is_printed_whole(page, path):
    """On paper every chart is drawn in the light and is no wider than the sheet; afterwards the page is as it was."""
    page.evaluate("""() => addEventListener('beforeprint', () => {
        const figures = Array.from(document.querySelectorAll('figure')).filter(f => f.checkVisibility());
        window.printed = [figures.length, figures.filter(f => f.querySelector('.chart') && !f.querySelector('.chart svg') || f.getBoundingClientRect().width > 681 || f.getBoundingClientRect().height > 1001).map(f => f.id), getComputedStyle(document.body).backgroundColor];
    })""")
    page.pdf(path=str(path), format="A4", margin=dict.fromkeys(("top", "right", "bottom", "left"), "1cm"))
    n, wrong, ground = page.evaluate("window.printed")
    assert n > 5 and not wrong and ground == "rgb(255, 255, 255)", (n, wrong, ground)
    assert page.evaluate("document.documentElement.className") == ""


def has_its_files(page, data):
    """The menu of a figure gives its picture as SVG and PNG; its data, where it has some, as CSV."""
    figure = page.locator("figure[id^=national-]")
    for name in ("SVG", "PNG", "Data (CSV)"):
        figure.locator("summary").focus()
        page.keyboard.press("Enter")
        button = figure.get_by_role("button", name=name, exact=True)
        if not button.count():
            page.keyboard.press("Escape")
            continue
        with page.expect_download() as download:
            button.click()
        content = pathlib.Path(download.value.path()).read_bytes()
        if name == "SVG":
            texts = " ".join(xml.etree.ElementTree.fromstring(content).itertext())
            assert " ".join(figure.locator("h3").inner_text().split()) in " ".join(texts.split()) and data["meta"]["run"] in texts, texts
        elif name == "PNG":
            assert content.startswith(b"\x89PNG"), content[:9]
        else:
            assert len(list(csv.reader(io.StringIO(content.decode())))) > 1
    assert not figure.locator("details[open]").count()


RUNS = "window.hacked = 1"
NAMES = {
    "NSW": f'<img src=x onerror="{RUNS}">',
    "VIC": f"</script><script>{RUNS}</script>",
    "QLD": "<!--<script>",
    "SA": f"' onmouseover='{RUNS}' \" onfocus=\"{RUNS}\" x=\"",
    "WA": "{b}: {c} ${1} &lt;b&gt; {a|b}",
    "ACT": f"<svg onload={RUNS}></svg>]]>\u2028",
    "NT": "__proto__",
    "TAS": "bell\u0007 \u202ebidi | a\tb",
}
CODES = {"Vic": "constructor", "SA": "__proto__", "NT": "</title>", "Tas": '"><b id=bold>', "WA": "a\\b`c`"}


def expects_its_own_past(page, lake, code):
    """The path of the region that is shown has the model of its own past, in its interval, as the table has it."""
    episode = page.locator("#episode").input_value()
    path = page.evaluate("() => echarts.getInstanceByDom(document.querySelector('#region figure[id^=path-] .chart')).getOption().series.map(s => [s.name, s.data])")
    # As a text: a code such as `__proto__` does not come through as a name.
    data = json.loads(page.locator("#data").evaluate("e => e.textContent"))
    model = data["own_paths"][episode][code]["model"]
    names = {"own_log_linear": "as its line of logs before", "own_linear": "as its line before", "own_mean": "as its mean before"}
    path = dict(path)
    quoted = code.replace("'", "''")
    rows = sql(f"select period, expected_value, expected_low, expected_high from resilience.region_period where episode = '{episode}' and benchmark = '{model}' and region_code = '{quoted}' order by period", lake)
    assert any(row["expected_low"] for row in rows), code
    for row, value, low, height in zip(rows, path[names[model]], path["low"], path["95 % interval"], strict=True):
        if row["expected_low"]:
            assert same(value, row["expected_value"]) and same(low, row["expected_low"]), (row, value, low)
            assert abs(low + height - float(row["expected_high"])) <= 1e-9 * float(row["expected_high"]), (row, low, height)
        else:
            assert low is None and height is None, (row, low, height)


def joins_its_dots(page, sql):
    """Every link of a product space ends in the middle of a dot, all products of the backbone have one, and what a region gained and lost is in the tables."""
    n_products = int(sql("select count(distinct p) as n from (select product_a as p from space.proximity union all select product_b from space.proximity)")[0]["n"])
    spaces = page.evaluate("""() => Array.from(document.querySelectorAll('figure[id^=space-], figure[id^=specialisations-]')).map(figure => {
        const frame = figure.querySelector('.chart').getBoundingClientRect(), paths = Array.from(figure.querySelectorAll('svg path'));
        const text = path => path.getAttribute('d') || '', count = path => text(path).split('M').length;
        const middles = paths.filter(path => /A/.test(text(path))).map(path => path.getBoundingClientRect()).map(box => [(box.left + box.right) / 2 - frame.left, (box.top + box.bottom) / 2 - frame.top]);
        const links = paths.reduce((a, b) => count(b) > count(a) ? b : a);
        const ends = Array.from(text(links).matchAll(/[ML]\\s*(-?[\\d.]+)[ ,](-?[\\d.]+)/g)).map(end => [+end[1], +end[2]]);
        const off = ends.map(end => Math.min(...middles.map(middle => Math.hypot(middle[0] - end[0], middle[1] - end[1]))));
        return [figure.id, middles.length, ends.length, Math.max(...off)];
    })""")
    assert len(spaces) == 2, spaces
    for figure, n_dots, n_ends, off in spaces:
        # A legend has dots, too.
        assert n_dots >= n_products and n_ends >= n_products and off < 0.1, (figure, n_dots, n_products, n_ends, off)
    code, episode = page.locator("#pick").input_value(), page.locator("#episode").input_value()
    years = sql(f"select regressor_year as a, transformation_year as b from resilience.episode where episode = '{episode}'")[0]
    before, after = ({row["product"] for row in sql(f"select product from space.region_product_year where region_code = '{code}' and year = {year} and is_specialized")} for year in (years["a"], years["b"]))
    title = page.locator("figure[id^=specialisations-] h3").inner_text()
    assert f"gained {len(after - before)} and lost {len(before - after)} of its {len(before)} " in title, (title, len(before), len(after))


def hostile(chromium):
    """Names of every kind that would do something in a page stay names, on the page and in the figures."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        root = pathlib.Path(pipeline).resolve().parent
        raw = root.parent / "samples/australia"
        for file in raw.glob("*.csv.gz"):
            (folder / f"{file.name[:-7]}<b id=bold>.csv.gz").symlink_to(file)
        layout = yaml.safe_load((root.parent / "config/layouts/australia_state_ahecc8.yaml").read_text())
        columns = layout["unpivot"]["columns"]
        names = {}
        for column, code in columns.items():
            columns[column] = CODES.get(column, code)
            names[columns[column]] = NAMES.get(code, layout["regions"][code])
        layout["regions"] = names
        (folder / "layout.yaml").write_text(yaml.safe_dump(layout))
        text = (pathlib.Path(pipeline).read_text().replace("../config", str(root.parent / "config")).replace("../samples", str(root.parent / "samples")))
        made = yaml.safe_load(text)
        made["name"] = "<i id=bold>"
        made["lake"] = "lake"
        made["sources"][0] |= {"layout": "layout.yaml", "files": ["*.csv.gz"]}
        for key in ("models", "boundaries"):
            made.pop(key)
        for key in ("sql", "checks"):
            made[key] = str(root / made[key])
        made["stages"].remove("models")
        # Models of the own past have prediction intervals, and four years are too few for an autoregression.
        (folder / "own.yaml").write_text("resilience: {region_benchmarks: [aggregate, mix, own_trend, own_mean, own_linear, own_log_linear, own_ar1]}")
        made["config"].append("own.yaml")
        (folder / "pipeline.yaml").write_text(yaml.safe_dump(made))
        subprocess.run([rebound, "--quiet", "run", str(folder / "pipeline.yaml")], check=True)
        subprocess.run([rebound, "report", str(folder / "pipeline.yaml"), "-o", str(folder / "report")], check=True, stdout=subprocess.DEVNULL)
        for svg in (folder / "report/figures").glob("*.svg"):
            elements = {element.tag.rpartition("}")[2] for element in xml.etree.ElementTree.parse(svg).iter()}
            assert not elements & {"img", "script", "b", "i", "foreignObject"}, elements
        page = chromium.new_page(viewport={"width": 1280, "height": 900})
        _, problems = opened(page, folder / "report/report.html")
        shown = {text.replace("\u0007", "\ufffd") for code, text in names.items() if code not in ("RX", "CND")}
        assert set(page.locator("#regions tbody th").evaluate_all("all => all.map(th => th.textContent)")) == shown
        for code in [code for code in names if code not in ("RX", "CND")]:
            page.locator("#pick").select_option(code)
            draw(page)
            assert page.locator("#region .name").evaluate("e => e.textContent") in shown
            assert page.locator("#region svg").count() >= 1, code
            expects_its_own_past(page, folder / "lake", code)
        stands_in_its_place(page)
        episode = page.locator("#episode").input_value()
        for stage in ("resistance", "recovery"):
            assert says_why_not(page, lambda query: sql(query, folder / "lake"), stage, episode) == {"own_ar1"}
        # Every tooltip that there is.
        n_tips = page.evaluate("""() => {
            let n = 0;
            for (const box of document.querySelectorAll('.chart')) {
                const chart = echarts.getInstanceByDom(box);
                (chart.getOption().series || []).forEach((series, seriesIndex) => (series.data || []).slice(0, 60).forEach((_, dataIndex) => {
                    chart.dispatchAction({ type: 'showTip', seriesIndex, dataIndex });
                    n++;
                }));
            }
            return n;
        }""")
        assert n_tips > 50, n_tips
        assert page.evaluate("document.querySelectorAll('img, script:not([id=data]), #bold').length") == 5, "elements that a text made"
        assert page.evaluate("window.hacked") is None
        assert not problems, problems
        # Even what got in would not run.
        page.evaluate("""run => {
            document.body.insertAdjacentHTML('beforeend', `<img src="data:," onerror="${run}"><button id="in" onclick="${run}">x</button>`);
            const script = document.createElement('script'); script.textContent = run; document.body.append(script);
        }""", RUNS)
        page.locator("#in").click()
        page.wait_for_timeout(100)
        assert page.evaluate("window.hacked") is None
        assert any("Content Security Policy" in problem for problem in problems), problems


with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    subprocess.run([rebound, "report", pipeline, "--lake", lake, "-o", str(folder)], check=True, stdout=subprocess.DEVNULL)
    path = folder / "report.html"
    size = path.stat().st_size
    assert size < 10_000_000, size
    svgs, pngs = sorted(folder.glob("figures/*.svg")), sorted(folder.glob("figures/*.png"))
    assert len(svgs) == len(pngs) >= 6 and all(png.read_bytes().startswith(b"\x89PNG") for png in pngs)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=FLAGS)
        page = chromium.new_page(viewport={"width": 1280, "height": 900})
        seconds, problems = opened(page, path)
        episode = page.locator("#episode").input_value()
        # The table: what is sorted by is the table's, best first, and nulls last.
        regions = sql(f"select region_name, resistance, recovery, related_variety from panel.region where episode = '{episode}'")
        shown = page.locator("#regions tbody tr")
        assert shown.count() == len(regions)
        for heading, column in [("Resistance", "resistance"), ("Recovery", "recovery"), ("Related variety", "related_variety")]:
            button = page.locator("#regions thead").get_by_role("button", name=heading, exact=True)
            while page.locator(f"#regions th[data-key={column}]").get_attribute("aria-sort") != "descending":
                button.click()
            place = page.locator("#regions thead th").evaluate_all(f"all => all.findIndex(th => th.dataset.key === '{column}')")
            cells = page.locator(f"#regions tbody tr > :nth-child({place + 1})").evaluate_all("all => all.map(td => td.dataset.value)")
            expected = sorted((float(row[column]) for row in regions if row[column]), reverse=True)
            found = [float(cell) for cell in cells if cell is not None]
            assert found == expected, (column, found[:9], expected[:9])
            button.click()
            assert page.locator(f"#regions th[data-key={column}]").get_attribute("aria-sort") == "ascending"
        # Search by typing, then a region's page by the keyboard.
        name = regions[0]["region_name"]
        page.locator("#search").click()
        page.keyboard.type(name)
        assert name in shown.first.inner_text() and shown.count() <= len(regions)
        shown.first.get_by_role("button").focus()
        page.keyboard.press("Enter")
        assert page.locator("#region .name").inner_text() == name
        draw(page)
        assert page.locator("#region svg").count() >= 1
        page.locator("#search").fill("")
        # Hover: the tooltip of the path shows the year's sum.
        box = page.locator("figure[id^=national-] .chart").bounding_box()
        page.evaluate("window.scrollTo(0, 0)")
        box = page.locator("figure[id^=national-] .chart").bounding_box()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.wait_for_function("Array.from(document.querySelectorAll('figure[id^=national-] .chart > div')).some(d => /exports/.test(d.innerText))")
        # A map grows by its button, and comes back.
        shape = page.locator("figure[id^=resistance-map-] svg path").nth(3)
        width = lambda: shape.bounding_box()["width"]
        before = width()
        page.locator("figure[id^=resistance-map-]").get_by_role("button", name="Zoom in").click()
        page.wait_for_timeout(300)
        assert width() > 1.3 * before, (before, width())
        page.locator("figure[id^=resistance-map-]").get_by_role("button", name="Show the whole map").click()
        page.wait_for_timeout(300)
        assert abs(width() - before) < 1, (before, width())
        # So it does by a key, and by the wheel with ctrl; the wheel alone scrolls the page.
        chart = page.locator("figure[id^=resistance-map-] .chart")
        chart.focus()
        page.keyboard.press("+")
        page.wait_for_timeout(300)
        assert width() > 1.3 * before, (before, width())
        page.keyboard.press("0")
        page.evaluate("document.activeElement.blur()")
        chart.scroll_into_view_if_needed()
        box = chart.bounding_box()
        # A corner, where no region is: the one under the mouse is drawn last.
        page.mouse.move(box["x"] + 3, box["y"] + 3)
        top = page.evaluate("scrollY")
        page.mouse.wheel(0, -60)
        page.wait_for_function("top => scrollY < top", arg=top)
        assert abs(width() - before) < 1, (before, width())
        box = chart.bounding_box()
        page.mouse.move(box["x"] + 3, box["y"] + 3)
        page.keyboard.down("Control")
        for _ in range(3):
            page.mouse.wheel(0, -120)
        page.keyboard.up("Control")
        page.wait_for_timeout(300)
        assert width() > 1.3 * before, (before, width())
        page.locator("figure[id^=resistance-map-]").get_by_role("button", name="Show the whole map").click()
        # Every number the page was given is the table's.
        data = page.evaluate("JSON.parse(document.getElementById('data').textContent)")
        national = {int(row["year"]): float(row["v"]) for row in sql("select year, sum(fob_value) as v from trade.region_year group by year")}
        assert {row["year"]: row["value"] for row in data["national"]} == national
        for row in sql("select episode, period, value, expected_value from resilience.nation_period where benchmark = 'own_trend'"):
            found = next(p for p in data["national_paths"][row["episode"]] if p[0] == row["period"])
            for shown, key in zip(found[1:], ("value", "expected_value")):
                assert (shown is None and row[key] == "") or shown == float(row[key]), (row, found)
        for row in sql("select episode, region_code, resistance, recovery_high, upgrading, eci from panel.region"):
            found = next(r for r in data["regions"] if (r["episode"], r["region_code"]) == (row["episode"], row["region_code"]))
            for key in ("resistance", "recovery_high", "upgrading", "eci"):
                assert (found[key] is None and row[key] == "") or found[key] == float(row[key]), (row, key)
        assert data["own_paths"] == {}
        joins_its_dots(page, sql)
        is_as_sure_as_the_tables(page, data, sql)
        says_what_it_stands_on(page, data, sql)
        stands_in_its_place(page)
        gives_its_rows(page, sql)
        tables_are_in_panels(page)
        coefficients = sql("select count(*) as n, sum(estimate) as s from model.coefficients")[0]
        assert len(data["coefficients"]) == int(coefficients["n"])
        assert abs(sum(c["estimate"] or 0 for c in data["coefficients"]) - float(coefficients["s"])) < 1e-9
        for other in [option for option in page.locator("#episode option").evaluate_all("all => all.map(o => o.value)") if option != episode]:
            page.locator("#episode").select_option(other)
            draw(page)
            assert page.locator(f"figure[id='national-{other}']").count() == 1
        assert not problems, problems
        phone = chromium.new_page(viewport={"width": 390, "height": 844}, color_scheme="dark")
        _, problems = opened(phone, path)
        assert phone.evaluate("document.documentElement.scrollWidth") <= 390, "the page is wider than a phone"
        stands_in_its_place(phone)
        tables_are_in_panels(phone)
        assert not problems, problems
        is_printed_whole(page, folder / "print.pdf")
        has_its_files(page, data)
        hostile(chromium)
        chromium.close()
print(f"the report of {pipeline} holds: {size / 1e6:.1f} MB, {len(svgs)} figures, open in {seconds:.1f} s")
