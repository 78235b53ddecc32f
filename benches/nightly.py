"""Nights beside a run from nothing: seconds, ratio and peak memory of runs that find a lake and little that is new.

    python benches/nightly.py REBOUND [--rows N] [--regions R] [--products P] [--files N] [--repeat K] [--m3]

The nation is made up: 17 years, a raw file a month, all stages of pipelines/nation.yaml. A night is a process of its own, on a copy of the
lake that the night before left; K nights of a kind, of which the median is shown. The full run is the median of three, on the raw files
before the new month, with it, and with the corrected file.
Fails if a night that finds something new leaves other data files than a run on an empty lake. Asserts no times."""

import argparse
import filecmp
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import history
from ingest import timed

ROOT = pathlib.Path(__file__).resolve().parent.parent

YEARS = (2000, 2016)
# The last month of the last year, which one night brings.
NEW = "2016-12.csv"
# The file that is corrected: outside the years that relatedness is of and those of the episode, 2005 to 2011 with its trends.
OLD = "2003-06.csv"
# A raw file that was changed less than two seconds before a run is read again by the next one: no night is like that.
SETTLED = 3

# One revision in all years; the place of a firm by its GB code, of which there are enough.
LAYOUT = """
name: made_up
format: csv
csv: {delimiter: ",", quote: '"', encoding: utf-8, header: true}
fields:
  year: {column: [year]}
  month: {file_name: '[0-9]{4}-([0-9]{2})[^/]*$'}
  flow: {constant: export}
  region: {column: [region], characters: [1, 4], book: {file: BOOKS/china_region.csv, release: gb2260, unmapped: reject}}
  product: {column: [product]}
  destination: {column: [destination], book: {file: BOOKS/china_country.csv, release: "", unmapped: reject}}
  trade_mode: {column: [trade_mode], book: {file: BOOKS/china_trade_mode.csv, release: customs_2000_2006, unmapped: keep}}
  ownership: {column: [ownership], book: {file: BOOKS/china_ownership.csv, release: "", unmapped: reject}}
  firm: {column: [firm]}
  firm_name: {column: [firm_name]}
  quantity: {column: [quantity]}
  value: {column: [value]}
product:
  digits: 8
  restore_leading_zero: true
  revisions: [{from: 1996, to: 2100, revision: HS2007}]
value: {currency: USD, decimal: ".", thousands: null, multiplier: 1, negative: reject, zero: keep}
missing: [""]
regions: {}
rules: []
"""

CONFIG = "relatedness: {proximity_years: [2000, 2001, 2002]}\n"


def pipeline(m3):
    """pipelines/nation.yaml, for the folder of a made-up nation."""
    changes = {
        "../config/layouts/china_2007_2011.yaml": "layout.yaml",
        "exclude: [returns]": "exclude: []",
        "  - ../config/nation.yaml\n": "  - ../config/nation.yaml\n  - config.yaml\n",
        "../made-up/records/*": "raw/*.csv",
        "../made-up/": "made/",
        "../lake-nation": "lake",
        "models/m3.yaml, ": "models/m3.yaml, " if m3 else "",
        "models/": f"{ROOT}/pipelines/models/",
        "sql: sql\n": f"sql: {ROOT}/pipelines/sql\n",
        "checks: checks\n": f"checks: {ROOT}/pipelines/checks\n",
        "../config/": f"{ROOT}/config/",
        "../samples/": f"{ROOT}/samples/",
    }
    text = (ROOT / "pipelines/nation.yaml").read_text()
    for old, new in changes.items():
        if old not in text:
            sys.exit(f"pipelines/nation.yaml has no {old!r} any more: say here what stands for it")
        text = text.replace(old, new)
    return text


class Nation:
    """A folder with raw files, the pipeline that reads them, and its lakes."""

    def __init__(self, place, rebound, rows, regions, products, m3):
        self.place, self.rebound = place, rebound
        place.mkdir()
        (place / "layout.yaml").write_text(LAYOUT.replace("BOOKS", str(ROOT / "config/codes/books")))
        (place / "config.yaml").write_text(CONFIG)
        (place / "pipeline.yaml").write_text(pipeline(m3))
        # The month is in the names of files: there is one a month.
        subprocess.run(
            [rebound, "synth", "--layout", "layout.yaml", "-o", "made", "--rows", str(rows), "--regions", str(regions),
             "--products", str(products), "--from", str(YEARS[0]), "--to", str(YEARS[1]), "--dirt", "0.001"],
            cwd=place, check=True, stdout=subprocess.DEVNULL)
        self.raw = place / "raw"
        (place / "made/records").rename(self.raw)
        self.months = sorted(self.raw.iterdir())
        expected = 12 * (YEARS[1] + 1 - YEARS[0])
        if len(self.months) != expected:
            sys.exit(f"{len(self.months)} raw files were made up, expected {expected}")

    def shown(self):
        truth = (self.place / "made/truth.yaml").read_text()
        written = dict(part.split(": ") for part in truth.split("written: {")[1].split("}")[0].split(", "))
        size = sum(file.stat().st_size for file in self.raw.iterdir())
        return f"{int(written['rows']):,} records, {size / 1e9:.2f} GB"

    def run(self, lake):
        """Seconds, and peak memory in MiB, of a run on `lake`."""
        log = self.place / "log"
        with log.open("w") as errors:
            try:
                seconds, memory, _ = timed([self.rebound, "--quiet", "run", "pipeline.yaml", "--lake", lake.name], cwd=self.place, stderr=errors)
            except SystemExit:
                sys.exit(f"the run on the lake `{lake.name}` failed: {log.read_text()}")
        return seconds, memory

    def unchanged(self, lake, repeat):
        """Nights without anything new."""
        before = tables(lake)
        found = [self.run(lake) for _ in range(repeat)]
        if tables(lake) != before:
            sys.exit("nothing had changed, and other tables are published")
        return found

    def nights(self, before, after, repeat):
        """Nights that find something new, each on a copy of the lake `before`; the last leaves `after`."""
        found = []
        for _ in range(repeat):
            shutil.rmtree(after, ignore_errors=True)
            # No file of a lake is written twice: what is put in the place of another is a new file.
            shutil.copytree(before, after, copy_function=os.link)
            found.append(self.run(after))
        if tables(after) == tables(before):
            sys.exit("what is new was not read: the tables are what they were")
        return found

    def split(self, n):
        """The same rows in `n` raw files."""
        at = 0
        for number, month in enumerate(self.months, 1):
            n_files = n * number // len(self.months) - at
            at += n_files
            header, *rows = month.read_bytes().splitlines(keepends=True)
            for file in range(n_files):
                part = rows[len(rows) * file // n_files:len(rows) * (file + 1) // n_files]
                month.with_name(f"{month.stem}-{file:05d}.csv").write_bytes(header + b"".join(part))
            month.unlink()


def correct(path):
    """One value of a raw file becomes ten times as large."""
    new = path.parent.with_name("corrected")
    with path.open("rb") as old, new.open("wb") as out:
        header = old.readline()
        out.write(header)
        names = header.rstrip().split(b",")
        product, value = names.index(b"product"), names.index(b"value")
        for line in old:
            fields = line.rstrip(b"\n").split(b",")
            # Some rows are spoiled.
            if len(fields) == len(names) and fields[value].isdigit() and fields[product].isdigit() and len(fields[product]) > 6:
                fields[value] += b"0"
                out.write(b",".join(fields) + b"\n")
                break
            out.write(line)
        else:
            sys.exit(f"{path} has no row that could be corrected")
        shutil.copyfileobj(old, out)
    new.replace(path)


def tables(lake):
    """The data files of each published table, in order."""
    found = json.loads((lake / "catalog.json").read_text())["tables"]
    return {name: version["files"] for name, version in found.items()}


def said(files):
    """What a catalog says of the files of a table, but for where they are."""
    return [(file["hash"], file["bytes"], file["rows"], file.get("unit")) for file in files]


def check_same(lake, other):
    """Fails unless two lakes have the same data files: the same tables, in each the same files in the same order, byte for byte."""
    ours, theirs = tables(lake), tables(other)
    if ours.keys() != theirs.keys():
        sys.exit(f"these tables are in one of the lakes only: {', '.join(sorted(ours.keys() ^ theirs.keys()))}")
    n_files = size = 0
    for name, files in ours.items():
        if said(files) != said(theirs[name]):
            sys.exit(f"{name}: the files differ from those of a run on an empty lake")
        for file, same in zip(files, theirs[name]):
            here, there = lake / file["path"], other / same["path"]
            if here.stat().st_size != file["bytes"] or not filecmp.cmp(here, there, shallow=False):
                sys.exit(f"{name}: {here} is not {there}, though the catalogs say so")
            n_files, size = n_files + 1, size + file["bytes"]
    if not n_files:
        sys.exit("there are no data files")
    print(f"{n_files:,} data files of {len(ours)} tables, {size / 1e9:.2f} GB: each the same as of a run on an empty lake", flush=True)


def work(lake):
    """Seconds of the stages and tables of the last run, with how many of their parts were made, and of how many."""
    records = [json.loads(file.read_text()) for file in (lake / "runs").glob("*.json")]
    last = max(records, key=lambda record: record["number"])
    found = {}
    for stage in last["stages"]:
        made, reused = stage["units_made"], stage["units_reused"]
        parts = f", {made} of {made + reused}" if made + reused > 1 or reused else ""
        found[stage["stage"]] = (stage["millis"] / 1000, parts if stage["action"] == "built" else ", reused")
    return found


def print_nights(size, rows):
    """A row a kind of night: its name, its seconds and memory, those of the full run."""
    print("\n| night | seconds | of the full run | peak memory, MiB |\n| --- | --- | --- | --- |")
    for name, found, full in rows:
        seconds, base = (statistics.median(s for s, _ in times) for times in (found, full))
        print(f"| {name} | {seconds:.2f} | {seconds / base:.3f} | {max(m for _, m in found):.0f} |")
        history.keep("nightly", f"{size}, {name}", seconds, max(m for _, m in found))


def print_work(columns):
    """Where the seconds go. What is in no stage is planning, checks and publishing."""
    print(f"\n| seconds of, parts made | {' | '.join(columns)} |\n| --- |{' --- |' * len(columns)}")
    names = dict.fromkeys(name for stages, _ in columns.values() for name in stages)
    for name in names:
        cells = [stages.get(name) for stages, _ in columns.values()]
        if any(cell and cell[0] >= 0.1 for cell in cells):
            print(f"| {name} | {' | '.join(f'{cell[0]:.2f}{cell[1]}' if cell else '-' for cell in cells)} |")
    rest = [seconds - sum(of for of, _ in stages.values()) for stages, seconds in columns.values()]
    print(f"| the rest | {' | '.join(f'{seconds:.2f}' for seconds in rest)} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rebound")
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--regions", type=int, default=340)
    parser.add_argument("--products", type=int, default=5000)
    parser.add_argument("--files", type=int, default=10_000, help="raw files of the small nation with many")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--m3", action="store_true", help="the model of all years too, which is estimated anew whenever one of them changes")
    asked = parser.parse_args()
    rebound = os.path.abspath(asked.rebound)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=ROOT / "target") as folder:
        folder = pathlib.Path(folder)
        nation = Nation(folder / "nation", rebound, asked.rows, asked.regions, asked.products, asked.m3)
        print(f"made up: {nation.shown()}, {asked.regions} regions, {asked.products} products, {len(nation.months)} raw files", flush=True)
        lake, later, empty = (nation.place / name for name in ("lake", "later", "empty"))
        held = nation.place / NEW
        (nation.raw / NEW).rename(held)
        time.sleep(SETTLED)
        full = [nation.run(lake)]
        columns = {"empty lake": (work(lake), full[0][0])}
        rows = [("an empty lake", full, full), ("nothing changed", nation.unchanged(lake, asked.repeat), full)]
        for name, change in (
            ("a new month of the last year", lambda: held.rename(nation.raw / NEW)),
            ("a corrected old file", lambda: correct(nation.raw / OLD)),
        ):
            change()
            time.sleep(SETTLED)
            found = nation.nights(lake, later, asked.repeat)
            columns[name] = (work(later), found[-1][0])
            rows.append((name, found, full))
            full.append(nation.run(empty))
            check_same(later, empty)
            shutil.rmtree(lake)
            shutil.rmtree(empty)
            later.rename(lake)
        shutil.rmtree(nation.place)
        small = Nation(folder / "small", rebound, 30 * asked.files, 60, 500, asked.m3)
        small.split(asked.files)
        time.sleep(SETTLED)
        lake = small.place / "lake"
        few = [small.run(lake)]
        rows.append((f"an empty lake, {asked.files:,} small raw files", few, few))
        rows.append((f"nothing changed, {asked.files:,} small raw files", small.unchanged(lake, asked.repeat), few))
        print_nights(f"{asked.rows:,} records asked for", rows)
        print_work(columns)
        largest = max(file.stat().st_size for file in (lake / "runs").iterdir())
        print(f"\n{asked.files:,} small raw files: {small.shown()}; the largest record of a run is {largest / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
