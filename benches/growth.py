"""How seconds and memory grow with the size of the data, and what that comes to at a nation's counties and a billion records.

    python benches/growth.py REBOUND [--repeat K] [--small] [--into PAGE]

Regions, products and years are doubled one after the other, with all stages and checks (benches/nation.py); then records, from text to sums
(benches/ingest.py), and rows of a regression (benches/models.py). All is made up. Each size is run K times, each time from nothing.
The exponent is by which power of the size something grew: 1 doubles with it, 2 becomes four times as large.
Fails if a sum is not what was written. Asserts no times. `--small` tries it on sizes that say nothing."""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
from typing import NamedTuple

import timing
from models import SPECS, make_panel
from nation import Nation
from timing import ROOT, Took


class Sizes(NamedTuple):
    """What is measured."""

    # Regions, products and years; each is doubled while the others stay.
    nation: tuple[int, int, int]
    # How often.
    doublings: int
    # Records, asked for; regions and products they are of.
    records: tuple[int, ...]
    cells: tuple[int, int]
    # Rows of the regression.
    rows: tuple[int, ...]


FULL = Sizes((170, 2500, 9), 2, (5_000_000, 10_000_000, 20_000_000, 40_000_000), (270, 4000), (1_000_000, 2_000_000, 4_000_000, 8_000_000))
SMALL = Sizes((20, 200, 8), 1, (20_000, 40_000), (20, 200), (10_000, 20_000))

DIMENSIONS = ["regions", "products", "years"]

# What is projected: counties instead of prefectures, tariff lines instead of HS6, and all years of China's records.
COUNTIES = (3000, 20_000, 17)
BILLION = 1_000_000_000

# Seconds below this are noise: no exponent is made of them, and what takes so little is projected to grow with the size.
LEAST = 0.2


class Point(NamedTuple):
    """A size, what a run of it took, and the seconds of its stages."""

    size: tuple[int, ...]
    took: Took
    stages: dict[str, float]


def nation(folder, rebound, size, repeat):
    """What all stages take of a nation of `size`."""
    made = Nation(folder / "nation", rebound, *size)
    runs = [made.run() for _ in range(repeat)]
    cells = made.n_cells()
    shutil.rmtree(made.place)
    return Point((*size, cells), timing.median([took for took, _ in runs]), timing.median_stages([stages for _, stages in runs]))


def nations(folder, rebound, sizes, repeat):
    """The smallest, and of each dimension the sizes that are larger in it alone."""
    base = nation(folder, rebound, sizes.nation, repeat)
    larger = {}
    for at, dimension in enumerate(DIMENSIONS):
        larger[dimension] = [base]
        for doubling in range(1, sizes.doublings + 1):
            size = tuple(n << doubling if at == place else n for place, n in enumerate(sizes.nation))
            larger[dimension].append(nation(folder, rebound, size, repeat))
    return larger


class Records:
    """A folder with made-up records as text, and what was written."""

    def __init__(self, place, rebound, rows, cells):
        self.place, self.rebound = place, rebound
        (place / "none").mkdir(parents=True)
        layout = (ROOT / "config/layouts/china_2007_2011.yaml").read_text()
        layout = layout.replace("encoding: gb18030", "encoding: utf-8").replace("../codes", str(ROOT / "config/codes"))
        (place / "layout.yaml").write_text(layout)
        (place / "pipeline.yaml").write_text(json.dumps({
            "name": "bench", "config": [str(ROOT / "config/default.yaml")], "lake": "lake", "proximity": None,
            "sources": [{"layout": "layout.yaml", "files": ["made/records/*"], "exclude": []}],
            "sql": "none", "checks": "none", "stages": ["ingest", "aggregate"],
        }))
        subprocess.run([rebound, "synth", "--layout", "layout.yaml", "-o", "made", "--rows", str(rows), "--regions", str(cells[0]),
                        "--products", str(cells[1]), "--dirt", "0"], cwd=place, check=True, stdout=subprocess.DEVNULL)
        truth = (place / "made/truth.yaml").read_text().split("written: {")[1].split("}")[0]
        self.written = {key: int(n) for key, n in (part.split(": ") for part in truth.split(", "))}
        self.gigabytes = sum(file.stat().st_size for file in (place / "made/records").iterdir()) / 1e9

    def stage(self, *options):
        return timing.run([self.rebound, "--quiet", "run", "pipeline.yaml", *options], cwd=self.place, stderr=subprocess.DEVNULL)

    def check(self):
        """Fails unless all that was written is in the sums."""
        query = "select cast(sum(fob_value) as bigint), sum(n_records) from trade.region_product_year"
        found = subprocess.run([self.rebound, "--quiet", "sql", query, "--lake", "lake", "--format", "csv"], cwd=self.place, check=True,
                               capture_output=True, text=True)
        value, rows = map(int, found.stdout.split()[1].split(","))
        if (value, rows) != (self.written["value"], self.written["rows"]):
            sys.exit(f"the sums have {rows} records worth {value}: {self.written['rows']} worth {self.written['value']} were written")


def records(folder, rebound, asked, cells, repeat):
    """What ingest, aggregation, and both at once take of records; by name."""
    made = Records(folder / "records", rebound, asked, cells)
    runs = {"ingest": [], "aggregate": [], "`--no-records`": []}
    for _ in range(repeat):
        runs["`--no-records`"].append(made.stage("--no-records"))
        made.check()
        shutil.rmtree(made.place / "lake")
        for name in ("ingest", "aggregate"):
            runs[name].append(made.stage("--select", name))
        # The lake publishes when its stages are whole.
        made.stage()
        made.check()
        shutil.rmtree(made.place / "lake")
    shutil.rmtree(made.place)
    return made.written["rows"], made.gigabytes, {name: timing.median(took) for name, took in runs.items()}


def estimate(folder, rebound, rows, repeat):
    """What the first regression of benches/models.py takes of `rows`: a whole process, from Parquet."""
    path = folder / "panel.parquet"
    make_panel(path, rows)
    _, formula, inference, _ = SPECS[0]
    command = [rebound, "--quiet", "estimate", formula, "--data", str(path), "--inference", inference, "--format", "csv"]
    took = timing.median([timing.run(command) for _ in range(repeat)])
    path.unlink()
    return took


def grown(before, after, sizes):
    """An exponent, as it is printed."""
    return "-" if before is None or min(before, after) < LEAST else f"{timing.exponent(before, after, sizes):.2f}"


def cells(took, before=None, sizes=None):
    """Seconds and memory with their exponents, and the busy share, as cells of a table."""
    seconds, memory = ("-", "-") if before is None else (grown(before.seconds, took.seconds, sizes), grown(before.mib, took.mib, sizes))
    return f"{took.seconds:.2f} | {seconds} | {took.mib:.0f} | {memory} | {took.busy:.0%}"


HEAD = "seconds | exponent | peak memory, MiB | exponent | machine busy |"
RULE = " --- | --- | --- | --- | --- |"


def of_nations(larger):
    lines = [f"| doubled | regions | products | years | sums | {HEAD}", f"| --- | --- | --- | --- | --- |{RULE}"]
    for at, (dimension, points) in enumerate(larger.items()):
        for number, point in enumerate(points):
            if number == 0 and at > 0:
                continue
            before = points[number - 1] if number else None
            more = (before.took, (before.size[at], point.size[at])) if before else ()
            shown = " | ".join(f"{n:,}" for n in point.size)
            lines.append(f"| {dimension if number else 'none'} | {shown} | {cells(point.took, *more)} |")
    return "\n".join(lines)


def of_stages(larger):
    """Of each stage the seconds at the smallest and the largest sizes, with the exponents of the last doubling."""
    lines = [f"| stage or table | smallest, seconds | {' | '.join(f'{name} x {2 ** (len(of) - 1)}, seconds | exponent' for name, of in larger.items())} |"]
    lines.append("|" + " --- |" * (2 + 2 * len(larger)))
    base = next(iter(larger.values()))[0]
    for stage, seconds in base.stages.items():
        row = []
        for at, points in enumerate(larger.values()):
            last, before = points[-1], points[-2]
            row.append(f"{last.stages[stage]:.2f} | {grown(before.stages[stage], last.stages[stage], (before.size[at], last.size[at]))}")
        if max(points[-1].stages[stage] for points in larger.values()) >= LEAST:
            lines.append(f"| {stage} | {seconds:.2f} | {' | '.join(row)} |")
    return "\n".join(lines)


def power(points, at, what):
    """The exponent of the last doubling in dimension `at`; 1 where both are noise; nothing shrinks."""
    before, last = (what(point) for point in points[-2:])
    if min(before, last) < LEAST:
        return 1.0
    return max(0.0, timing.exponent(before, last, (points[-2].size[at], points[-1].size[at])))


def projected(larger, size, what):
    """What `what` would come to at `size`: from the smallest, by the exponents of the last doublings."""
    base = next(iter(larger.values()))[0]
    found = what(base)
    for at, points in enumerate(larger.values()):
        found *= (size[at] / base.size[at]) ** power(points, at, what)
    return found


def counties(larger):
    base = next(iter(larger.values()))[0]
    names = list(base.stages)
    seconds = {name: projected(larger, COUNTIES, lambda point, name=name: point.stages[name]) for name in names}
    seconds["planning, checks, publishing"] = projected(larger, COUNTIES, lambda point: point.took.seconds - sum(point.stages.values()))
    memory = projected(larger, COUNTIES, lambda point: point.took.mib)
    total = sum(seconds.values())
    shape = " x ".join(f"{n:,}" for n in base.size[:3])
    longest = sorted(seconds.items(), key=lambda item: -item[1])[:4]
    most = "; ".join(f"{name} {duration(of)}" for name, of in longest)
    return (f"{COUNTIES[0]:,} regions (counties), {COUNTIES[1]:,} products and {COUNTIES[2]} years: {duration(total)}, and {memory / 1024:.0f} GiB "
            f"if nothing were put aside. Longest are {most}. Computed stage by stage from {shape}, by the exponents of the last doubling of each "
            f"dimension. A stage that takes less than {LEAST} s where it is doubled is taken to grow with the size.")


def duration(seconds):
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} minutes" if seconds < 7200 else f"{seconds / 3600:.1f} hours"


def of_records(found):
    lines = [f"| step | records | text, GB | {HEAD}", f"| --- | --- | --- |{RULE}"]
    for name in found[0][2]:
        for number, (rows, gigabytes, steps) in enumerate(found):
            more = (found[number - 1][2][name], (found[number - 1][0], rows)) if number else ()
            lines.append(f"| {name} | {rows:,} | {gigabytes:.2f} | {cells(steps[name], *more)} |")
    return "\n".join(lines)


def billion(found):
    """What a billion records would take: from the largest size, by the exponents of the last doubling."""
    (n_before, _, before), (n_last, gigabytes, last) = found[-2:]
    told = []
    for name, took in last.items():
        by = [max(0.0, timing.exponent(getattr(before[name], what), getattr(took, what), (n_before, n_last))) for what in ("seconds", "mib")]
        times = BILLION / n_last
        told.append(f"{name} {duration(took.seconds * times ** by[0])} (exponent {by[0]:.2f})")
    return (f"A billion records ({gigabytes * BILLION / n_last:.0f} GB of text) of as many regions and products: {', '.join(told)}. Computed from "
            f"{n_last:,} records, by the exponents of the last doubling. Memory is bounded by `engine.memory_mib`.")


def of_models(found):
    lines = [f"| rows | {HEAD}", f"| --- |{RULE}"]
    for number, (rows, took) in enumerate(found):
        more = (found[number - 1][1], (found[number - 1][0], rows)) if number else ()
        lines.append(f"| {rows:,} | {cells(took, *more)} |")
    return "\n".join(lines)


def page(larger, of_rows, of_regression, repeat):
    head = (f"Medians of {repeat}, {timing.machine()}; all is made up. An exponent is by which power of its size something grew from the row "
            "before: 1 doubles with it, 2 becomes four times as large. The share of the machine that was busy is processor time over what all "
            "cores had.")
    return "\n\n".join([
        timing.paragraph(head),
        "All stages and checks, from an empty lake:",
        of_nations(larger),
        "Seconds of stages, with the exponents of the last doubling:",
        of_stages(larger),
        timing.paragraph("Records, from text to sums by region, product and year, and by destination, ownership and trade mode:"),
        of_records(of_rows),
        timing.paragraph(f"`{SPECS[0][1]}`, {SPECS[0][0]}, a whole process from Parquet:"),
        of_models(of_regression),
        "Projections, no measurements:",
        timing.paragraph(counties(larger), "- ") + "\n" + timing.paragraph(billion(of_rows), "- "),
    ])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rebound")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--small", action="store_true", help="sizes that take seconds and say nothing")
    parser.add_argument("--into", help="a page of Markdown that gets what is printed between its marks")
    asked = parser.parse_args()
    rebound, sizes = os.path.abspath(asked.rebound), SMALL if asked.small else FULL
    with tempfile.TemporaryDirectory(prefix="bench-", dir=ROOT / "target") as folder:
        folder = pathlib.Path(folder)
        larger = nations(folder, rebound, sizes, asked.repeat)
        of_rows = [records(folder, rebound, rows, sizes.cells, asked.repeat) for rows in sizes.records]
        of_regression = [(rows, estimate(folder, rebound, rows, asked.repeat)) for rows in sizes.rows]
    timing.put(asked.into, "growth", page(larger, of_rows, of_regression, asked.repeat))


if __name__ == "__main__":
    main()
