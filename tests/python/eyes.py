"""What a reader would see of reports: nothing wider than its place, over another, cut or unread, on a phone, a desk and paper, in light and
dark, for reports of few and many regions, of names in other scripts, and without maps; figures as they are kept; data as their SQL gives.

    python tests/python/eyes.py REBOUND PIPELINE LAKE [--lakes FOLDER] [--only NAME ...]"""

import argparse
import collections
import csv
import io
import pathlib
import subprocess
import sys
import tempfile
import time

import faults
import lakes
import looking
import pictures

ROOT = pathlib.Path(__file__).resolve().parents[2]
LAKES = ["parana", "nation", "one", "many", "chinese", "arabic", "plain"]


def run(rebound, *arguments):
    return subprocess.run([rebound, *map(str, arguments)], check=True, capture_output=True, text=True).stdout


def sql(rebound, lake, query):
    return list(csv.reader(io.StringIO(run(rebound, "sql", query, "--lake", lake, "--format", "csv"))))


def trees(rebound, lake):
    """The spanning tree of the product space that each product is of: there are several where no relatedness is known between them."""
    if ["space.proximity"] not in [row[:1] for row in sql(rebound, lake, "select table_schema || '.' || table_name from information_schema.tables")]:
        return {}
    of = {}

    def root(x):
        while of.setdefault(x, x) != x:
            x = of[x]
        return x

    for a, b in sql(rebound, lake, "select product_a, product_b from space.proximity where is_in_tree")[1:]:
        of[root(a)] = root(b)
    return {x: root(x) for x in list(of)}


def same_cell(a, b):
    if a == b:
        return True
    try:
        return float(a) == float(b)
    except ValueError:
        return False


def data_are_as_their_sql(rebound, lake, folder):
    """Rows of each figure's CSV are those that its SQL gives."""
    queries = sorted(folder.glob("*.sql"))
    if not queries:
        return [("sql", "figures", "no figure has its SQL")]
    found = [("sql", path.stem, "no SQL or CSV beside its picture") for path in sorted(folder.glob("*.svg")) if not (path.with_suffix(".sql").exists() and path.with_suffix(".csv").exists())]
    for path in queries:
        with open(path.with_suffix(".csv"), newline="", encoding="utf-8") as file:
            kept = list(csv.reader(file))
        given = sql(rebound, lake, path.read_text())
        if len(kept) < 2:
            found.append(("sql", path.stem, "its CSV has no rows"))
        elif kept[0] != given[0] or len(kept) != len(given):
            found.append(("sql", path.stem, f"its CSV has {len(kept) - 1} rows of {kept[0]}, its SQL gives {len(given) - 1} of {given[0]}"))
        else:
            wrong = next(((i, a, b) for i, (a, b) in enumerate(zip(kept, given), 1) if len(a) != len(b) or not all(map(same_cell, a, b))), None)
            if wrong:
                found.append(("sql", path.stem, f"line {wrong[0]} is {wrong[1]}, its SQL gives {wrong[2]}"))
    return found


def looks(chromium, of, path, trees, every):
    """Looks at a report: one at two widths in light, or at all in both and on paper. Gives (where, check, place, what)."""
    ways = [(390, False), (1280, False)] + ([(768, False), (1920, False), (390, True), (1280, True)] if every else [])
    for width, dark in ways:
        for found in looking.look(chromium, path, width, dark, trees, with_keys=every and not dark and width in (390, 1280)):
            yield f"{of} at {width}{' dark' if dark else ''}", *found
    if every:
        for found in looking.look_at_paper(chromium, path, trees)[0]:
            yield f"{of} on paper", *found


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("rebound")
    arguments.add_argument("pipeline", type=pathlib.Path)
    arguments.add_argument("lake", type=pathlib.Path)
    arguments.add_argument("--lakes", type=pathlib.Path, help="made here, or taken from here if they are there")
    arguments.add_argument("--only", nargs="+", choices=LAKES, default=LAKES, help="lakes that are looked at beside LAKE")
    asked = arguments.parse_args()
    begun, wrong = time.monotonic(), []
    with tempfile.TemporaryDirectory() as folder, looking.browser() as chromium:
        folder, made = pathlib.Path(folder), asked.lakes or pathlib.Path(folder) / "lakes"
        run(asked.rebound, "report", asked.pipeline, "--lake", asked.lake, "-o", folder / "shipped")
        page = folder / "shipped/report.html"
        for where, *found in looks(chromium, asked.pipeline.stem, page, trees(asked.rebound, asked.lake), True):
            wrong.append((where, *found))
        wrong += [(asked.pipeline.stem, *found) for found in data_are_as_their_sql(asked.rebound, asked.lake, folder / "shipped/figures")]
        wrong += [(asked.pipeline.stem, *found) for found in looking.look_at_files(chromium, folder / "shipped/figures")]
        shots = []
        for width in (390, 1280):
            with looking.opened(chromium, page, width) as (shown, _):
                shots.append(pictures.of_figures(shown))
        wrong += [(asked.pipeline.stem, "picture", "", what) for what in pictures.compare(*shots, ROOT / "tests/fixtures/report", ROOT / "target/report-pictures")]
        wrong += [("faults", "missed", "", what) for what in faults.are_found(chromium, page)]
        for name in asked.only:
            pipeline = made / name / "pipeline.yaml"
            if not pipeline.exists():
                lakes.make(asked.rebound, made, name)
            run(asked.rebound, "report", pipeline, "--no-figures", "-o", folder / name)
            wrong += looks(chromium, name, folder / name / "report.html", trees(asked.rebound, made / name / "lake"), False)
    for where, check, place, what in wrong:
        print(f"{where}: {check}: {place}: {what}")
    counts = collections.Counter(of[1] for of in wrong)
    print(f"looked at {1 + len(asked.only)} reports in {time.monotonic() - begun:.0f} s: " + (", ".join(f"{n} × {check}" for check, n in sorted(counts.items())) or "nothing is wrong"))
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
