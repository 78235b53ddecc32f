"""The report in a browser: no errors, no requests, hover, sort and search by real input, numbers as in the tables, on a desktop and a phone.

    python tests/python/report.py REBOUND PIPELINE LAKE"""

import csv
import io
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


def sql(query):
    text = subprocess.run([rebound, "sql", query, "--lake", lake, "--format", "csv"], check=True, capture_output=True, text=True).stdout
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
    return seconds, problems


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
            assert page.locator("#region .name").evaluate("e => e.textContent") in shown
            assert page.locator("#region svg").count() >= 1, code
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
        assert page.evaluate("document.querySelectorAll('img, script:not([id=data]), #bold').length") == 4, "elements that a text made"
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
        coefficients = sql("select count(*) as n, sum(estimate) as s from model.coefficients")[0]
        assert len(data["coefficients"]) == int(coefficients["n"])
        assert abs(sum(c["estimate"] or 0 for c in data["coefficients"]) - float(coefficients["s"])) < 1e-9
        for other in [option for option in page.locator("#episode option").evaluate_all("all => all.map(o => o.value)") if option != episode]:
            page.locator("#episode").select_option(other)
            assert page.locator(f"figure[id='national-{other}']").count() == 1
        assert not problems, problems
        phone = chromium.new_page(viewport={"width": 390, "height": 844}, color_scheme="dark")
        _, problems = opened(phone, path)
        assert phone.evaluate("document.documentElement.scrollWidth") <= 390, "the page is wider than a phone"
        assert not problems, problems
        page.pdf(path=str(folder / "print.pdf"))
        hostile(chromium)
        chromium.close()
print(f"the report of {pipeline} holds: {size / 1e6:.1f} MB, {len(svgs)} figures, open in {seconds:.1f} s")
