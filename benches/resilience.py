"""The stage `resilience` on made-up trade, with all its measures, levels and intervals: how time and memory grow.

    python benches/resilience.py REBOUND [--regions R] [--products P] [--years Y] [--repeat K]

Sizes: a quarter and a half of the products, and all. From Parquet to Parquet, as a whole process. DuckDB states the index of every
region-product beside it; fails if they differ, or if one thread and two give other bytes. Asserts no times."""

import argparse
import hashlib
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

import history
from ingest import timed
from space import make_trade

ROOT = pathlib.Path(__file__).resolve().parent.parent

LAYOUT = """
name: made_up
format: parquet
fields:
  year: {column: [year]}
  flow: {constant: export}
  region: {column: [region]}
  product: {column: [hs6]}
  value: {column: [value]}
product:
  digits: 6
  restore_leading_zero: false
  revisions: [{from: 1996, to: 2100, revision: HS2007}]
value: {currency: USD, decimal: ".", thousands: null, multiplier: 1, negative: reject, zero: keep}
missing: [""]
regions: {}
rules: []
"""

CONFIG = """
plausibility: {max_unknown_product_share: 1}
resilience:
  region_benchmarks: [aggregate, mix, aggregate_loo, mix_loo, own_trend]
  product_benchmarks: [aggregate, product, product_loo]
  episodes:
    - {name: crisis, base: [2008], trough: 2009, end: 2011}
"""

PEER = """
import duckdb, sys
con = duckdb.connect()
con.execute("set enable_progress_bar = false")
con.execute(f'''create table x as select region_code, product,
    sum(case when year = 2008 then fob_value::double else 0 end) as x0, sum(case when year = 2009 then fob_value::double else 0 end) as x1,
    sum(case when year = 2011 then fob_value::double else 0 end) as x2
    from '{sys.argv[1]}' where year in (2008, 2009, 2011) group by all''')
# A region that was not reported at an end of a stage is missing there, not zero.
stage = '''with there as (select region_code from x group by 1 having sum({0}) > 0 and sum({1}) > 0),
    y as (select region_code, product, {0} as a, {1} as b from x where region_code in (select * from there)),
    n as (select sum(b) / sum(a) - 1 as g from y), p as (select product, sum(b) / nullif(sum(a), 0) - 1 as g from y group by 1),
    rates as (select 'aggregate' as benchmark, region_code, product, a, b, n.g from y cross join n
        union all select 'product', region_code, product, a, b, p.g from y join p using (product))
    select benchmark, region_code, product, case when a > 0 and abs(g) >= 0.01 then (b / a - 1 - g) / abs(g) end as i from rates'''
con.execute(f'''create table peer as select benchmark, region_code, product, r.i as resistance, v.i as recovery
    from ({stage.format('x0', 'x1')}) r full join ({stage.format('x1', 'x2')}) v using (benchmark, region_code, product)''')
con.execute(f"copy peer to '{sys.argv[2]}' (format parquet)")
"""

SAME = """
import duckdb, sys
con = duckdb.connect()
n, wrong = con.execute(f'''select count(a.product), count(*) filter (where (a.resistance is null) <> (b.resistance is null)
    or (a.recovery is null) <> (b.recovery is null) or abs(a.resistance - b.resistance) > 1e-9 * (1 + abs(b.resistance))
    or abs(a.recovery - b.recovery) > 1e-9 * (1 + abs(b.recovery)))
    from '{sys.argv[1]}' a full join '{sys.argv[2]}' b using (benchmark, region_code, product)
    where coalesce(a.benchmark, b.benchmark) <> 'product_loo' ''').fetchone()
assert n and not wrong, f'{wrong} of {n} indices differ'
print(f'{n:,} indices of region-products, each equal')
"""


def digest(folder):
    """A hash of every file of the tables of the stage."""
    found = hashlib.sha256()
    for path in sorted(folder.glob("tables/resilience.*/*/*.parquet")):
        found.update(path.read_bytes())
    return found.hexdigest()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rebound")
    parser.add_argument("--regions", type=int, default=340)
    parser.add_argument("--products", type=int, default=5000)
    parser.add_argument("--years", type=int, default=17)
    parser.add_argument("--repeat", type=int, default=3)
    asked = parser.parse_args()
    rebound = os.path.abspath(asked.rebound)
    print(f"{asked.regions} regions, {asked.years} years; all levels, measures and intervals of one episode")
    for products in (asked.products // 4, asked.products // 2, asked.products):
        with tempfile.TemporaryDirectory(prefix="bench-", dir=ROOT / "target") as folder:
            place = pathlib.Path(folder)
            for name in ("raw", "none"):
                (place / name).mkdir()
            make_trade(place / "raw/trade.parquet", asked.regions, products, asked.years)
            (place / "layout.yaml").write_text(LAYOUT)
            (place / "config.yaml").write_text(CONFIG)
            pipeline = {
                "name": "bench", "config": [str(ROOT / "config/default.yaml"), "config.yaml"], "lake": "lake", "proximity": None,
                "sources": [{"layout": "layout.yaml", "files": ["raw/*.parquet"], "exclude": []}],
                "sql": "none", "checks": "none", "stages": ["ingest", "aggregate", "resilience"],
            }
            (place / "pipeline.yaml").write_text(json.dumps(pipeline))

            def run(*options):
                return timed([rebound, "--quiet", "run", "pipeline.yaml", *options], cwd=place, stderr=subprocess.DEVNULL)

            run("--select", "+aggregate")
            cells = place / "lake/tables/trade.region_product_year/*"
            times, peers = [], []
            for _ in range(asked.repeat):
                for path in (place / "lake/tables").glob("resilience.*"):
                    shutil.rmtree(path)
                # What parts of the work made is known there.
                shutil.rmtree(place / "lake/units", ignore_errors=True)
                times.append(run("--select", "resilience")[:2])
                peers.append(timed([sys.executable, "-c", PEER, str(cells / "*.parquet"), str(place / "peer.parquet")])[:2])
            run()
            two = digest(place / "lake")
            ours = place / "lake/tables/resilience.region_product/*"
            subprocess.run([sys.executable, "-c", SAME, str(ours / "*.parquet"), str(place / "peer.parquet")], check=True)
            shutil.rmtree(place / "lake")
            (place / "one.yaml").write_text("engine: {threads: 1, memory_mib: 4096}\n")
            pipeline["config"].append("one.yaml")
            (place / "pipeline.yaml").write_text(json.dumps(pipeline))
            run()
            if digest(place / "lake") != two:
                sys.exit("one thread gives other bytes than two")
            print(f"  {products} products: {statistics.median(s for s, _ in times):6.2f} s, {max(m for _, m in times):5.0f} MiB;"
                  f" DuckDB, the indices of region-products against two benchmarks alone:"
                  f" {statistics.median(s for s, _ in peers):5.2f} s, {max(m for _, m in peers):5.0f} MiB")
            what = f"{asked.regions} regions x {products} products x {asked.years} years"
            for name, found in ((what, times), (f"{what}: DuckDB, two benchmarks", peers)):
                history.keep("resilience", name, statistics.median(s for s, _ in found), max(m for _, m in found))


if __name__ == "__main__":
    main()
