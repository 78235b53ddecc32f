"""All stages on a nation's trade beside DuckDB on the SQL of one panel, in one run: medians, seconds of stages, peak memory.

    python benches/nation.py REBOUND [--regions R] [--products P] [--years Y] [--repeat K] [--into PAGE]

The trade is made up (benches/space.py). Rebound runs ingest, aggregate, plausibility, relatedness, diversification, resilience, spatial,
policy, tables, panels and models, with all checks, as a whole process on an empty lake; then the report. DuckDB makes the rows of one of the panels,
year by year to Parquet, from the tables that Rebound published. Its SQL is pinned: benches/nation/panel_319be00.sql.
Fails if a row of DuckDB's is another in the panel of Rebound: keys, values and counts exactly, doubles within 1e-9. Asserts no times."""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import history
import timing
from resilience import LAYOUT
from space import make_trade
from timing import ROOT

STAGES = [
    "ingest", "aggregate", "relatedness", "diversification", "resilience", "spatial", "policy", "tables", "panels", "models",
]

# The first year of benches/space.py.
FIRST = 2000

# Bytes of the report's page, which people send each other.
LARGEST_PAGE = 10_000_000

# The panel is `TABLE` in the lake, and a file a year in the peer's folder.
TABLE = "panel.region_product_year"

OPEN = """
import duckdb, json, pathlib, sys
lake, folder = map(pathlib.Path, sys.argv[1:3])
con = duckdb.connect()
con.execute("set enable_progress_bar = false")
con.execute(f"set temp_directory = '{folder}/tmp'")
for name, version in json.loads((lake / "catalog.json").read_text())["tables"].items():
    schema, table = name.split(".")
    con.execute(f'create schema if not exists "{schema}"')
    if files := [str(lake / file["path"]) for file in version["files"]]:
        con.execute(f'create view "{schema}"."{table}" as select * from read_parquet({files}, union_by_name = true)')
"""

PEER = OPEN + """
import time
threads, memory = sys.argv[4:6]
con.execute(f"set threads = {threads}")
con.execute(f"set memory_limit = '{memory}'")
query = pathlib.Path(sys.argv[3]).read_text()
begun = time.perf_counter()
for year, in con.execute("select distinct year from trade.region_year order by 1").fetchall():
    con.execute(f"copy ({query.replace('$year', str(year))}) to '{folder}/{year}.parquet' (format parquet, compression zstd)")
print(time.perf_counter() - begun)
"""

SAME = OPEN + """
table = sys.argv[3]
con.execute(f"create view peer as select * from read_parquet('{folder}/*.parquet')")
ours = {name: kind for name, kind, *_ in con.execute(f"describe {table}").fetchall()}
theirs = {name: kind for name, kind, *_ in con.execute("describe peer").fetchall()}
keys = ["year", "region_code", "product"]
columns = [name for name in theirs if name in ours and name not in keys]
assert "fob_value" in columns and "density" in columns and len(columns) > 30, columns
def differs(name):
    a, b = f'a."{name}"', f'b."{name}"'
    if theirs[name] != "DOUBLE":
        differ = f"{a} is distinct from {b}"
    else:
        # Of logarithms that are nearly the same little is left: what differs then is in the 14th decimal place.
        differ = f"({a} is null) <> ({b} is null) or abs({a} - {b}) > 1e-9 * abs({b}) + 1e-13"
    # Today it is also there where nothing was exported the year before.
    return f"{b} is not null and ({differ})" if name == "dhs_value" else differ
# Regions without a record in the year have no row of ours.
con.execute("create view expected as select * from peer where exists (select 1 from trade.region_year y where y.year = peer.year and y.region_code = peer.region_code)")
counted = ", ".join(f'count(*) filter (where {differs(name)}) as "{name}"' for name in columns)
n, n_ours, n_both, *wrong = con.execute(f'''select (select count(*) from expected), (select count(*) from {table}), count(*), {counted}
    from {table} a join expected b using (year, region_code, product)''').fetchone()
assert n > 0 and n == n_ours == n_both, f"{n_ours} rows, DuckDB has {n}, and {n_both} have the same key"
wrong = {name: count for name, count in zip(columns, wrong) if count}
assert not wrong, f"rows that differ by column: {wrong}"
filled = con.execute("select " + ", ".join(f'count("{name}")' for name in columns) + " from expected").fetchone()
some = sum(1 for count in filled if count)
print(f"{n:,} rows of {table} with {len(columns)} columns in common, {some} of them not empty: each the same as DuckDB's")
"""


def shock(years):
    """The base year of an episode that `years` years from 2000 on hold whole."""
    return 2008 if years >= 12 else FIRST + years - 4


def config(years):
    base = shock(years)
    return f"""
plausibility: {{max_unknown_product_share: 1}}
resilience:
  region_benchmarks: [aggregate, mix, aggregate_loo, mix_loo, own_trend]
  product_benchmarks: [aggregate, product, product_loo]
  episodes:
    - {{name: crisis, base: [{base}], trough: {base + 1}, end: {base + 3}}}
"""


class Nation:
    """A folder with a nation's made-up trade, and the pipeline that reads it."""

    def __init__(self, place, rebound, regions, products, years):
        self.place, self.rebound = place, rebound
        (place / "raw").mkdir(parents=True)
        make_trade(place / "raw/trade.parquet", regions, products, years)
        (place / "layout.yaml").write_text(LAYOUT)
        (place / "config.yaml").write_text(config(years))
        (place / "pipeline.yaml").write_text(json.dumps({
            "name": "bench", "config": [str(ROOT / "config/default.yaml"), "config.yaml"], "lake": "lake",
            "sources": [{"layout": "layout.yaml", "files": ["raw/*.parquet"], "exclude": []}],
            "tables": {"product_classes": {
                "file": str(ROOT / "samples/product-classes/hs2007_classes.csv.gz"), "types": {"hs6": "text", "bec": "text"}}},
            "models": [str(ROOT / "pipelines/models/density.yaml")], "sql": str(ROOT / "pipelines/sql"),
            "checks": str(ROOT / "pipelines/checks"), "stages": STAGES,
        }))
        self.lake = place / "lake"

    def run(self):
        """What a run on an empty lake took, and the seconds of its stages."""
        shutil.rmtree(self.lake, ignore_errors=True)
        log = self.place / "log"
        with log.open("w") as errors:
            try:
                took = timing.run([self.rebound, "--quiet", "run", "pipeline.yaml"], cwd=self.place, stderr=errors)
            except SystemExit:
                sys.exit(f"the run failed: {log.read_text()}")
        return took, timing.stages(self.lake)

    def report(self):
        """What the report took, its page and the files of its figures."""
        folder = self.place / "report"
        shutil.rmtree(folder, ignore_errors=True)
        took = timing.run([self.rebound, "--quiet", "report", "pipeline.yaml", "--output", folder], cwd=self.place)
        size, drawn = (folder / "report.html").stat().st_size, sorted(path.stem for path in folder.glob("figures/*.png"))
        assert size < LARGEST_PAGE, f"the page has {size:,} bytes"
        assert any(name.startswith("space-") for name in drawn) and len(drawn) > 5, f"figures: {drawn}"
        return took

    def n_cells(self):
        """Rows of trade.region_product_year."""
        query = "select count(*) from trade.region_product_year"
        found = subprocess.run([self.rebound, "--quiet", "sql", query, "--lake", "lake", "--format", "csv"], cwd=self.place, check=True,
                               capture_output=True, text=True)
        return int(found.stdout.split()[1])


def peer(nation, threads):
    """What DuckDB took for the rows of the panel, and leaves in a folder of its own."""
    folder = nation.place / "peer"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    sql = ROOT / "benches/nation/panel_319be00.sql"
    took = timing.python(PEER, nation.lake, folder, sql, threads, "6GB")
    return took._replace(seconds=float(took.output))


def page(shape, n_cells, whole, stages, duck, report):
    """The tables, in Markdown."""
    rows = "\n".join(f"| {name} | {seconds:.2f} |" for name, seconds in stages.items() if seconds >= 0.05)
    rest = whole.seconds - sum(stages.values())
    head = (f"All stages and checks on {shape}, made up ({n_cells:,} sums), from an empty lake, beside DuckDB on the SQL of one panel alone "
            f"(`panel.region_product_year` as it was, year by year to Parquet). Medians, {timing.machine()}.")
    return f"""{timing.paragraph(head)}

| what | seconds | peak memory, MiB | machine busy |
| --- | --- | --- | --- |
| Rebound, all stages | {whole.seconds:.1f} | {whole.mib:.0f} | {whole.busy:.0%} |
| DuckDB, one panel | {duck.seconds:.1f} | {duck.mib:.0f} | {duck.busy:.0%} |
| Rebound over DuckDB | {whole.seconds / duck.seconds:.2f} | {whole.mib / duck.mib:.2f} | |
| Rebound, `report` with all figures as SVG and PNG | {report.seconds:.2f} | {report.mib:.0f} | {report.busy:.0%} |

| stage or table | seconds |
| --- | --- |
{rows}
| planning, checks, publishing | {rest:.2f} |"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rebound")
    parser.add_argument("--regions", type=int, default=340)
    parser.add_argument("--products", type=int, default=5000)
    parser.add_argument("--years", type=int, default=17)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--into", help="a page of Markdown that gets what is printed between its marks")
    asked = parser.parse_args()
    if asked.years < 8:
        sys.exit(f"{asked.years} years are too few for an episode and the trend before it: expected 8 or more")
    rebound = os.path.abspath(asked.rebound)
    shape = f"{asked.regions} regions x {asked.products} products x {asked.years} years"
    with tempfile.TemporaryDirectory(prefix="bench-", dir=ROOT / "target") as folder:
        nation = Nation(pathlib.Path(folder) / "nation", rebound, asked.regions, asked.products, asked.years)
        ours, stages, ducks = [], [], []
        for _ in range(asked.repeat):
            took, of_stages = nation.run()
            ours.append(took)
            stages.append(of_stages)
            ducks.append(peer(nation, timing.cores()))
        print(timing.python(SAME, nation.lake, nation.place / "peer", TABLE).output.strip(), flush=True)
        n_cells = nation.n_cells()
        report = timing.median([nation.report() for _ in range(asked.repeat)])
    whole, duck, of_stages = timing.median(ours), timing.median(ducks), timing.median_stages(stages)
    history.keep("nation", f"{shape}, all stages", whole.seconds, whole.mib)
    for name, seconds in of_stages.items():
        if seconds >= 0.5:
            history.keep("nation", f"{shape}, {name}", seconds)
    history.keep("nation", f"{shape}, report", report.seconds, report.mib)
    history.keep("nation", f"{shape}, DuckDB, one panel", duck.seconds, duck.mib)
    timing.put(asked.into, "nation", page(shape, n_cells, whole, of_stages, duck, report))


if __name__ == "__main__":
    main()
