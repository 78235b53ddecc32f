"""Ingest and aggregation beside their peers on the same made-up records, in one run: medians, ratios and peak memory.

    python benches/ingest.py REBOUND [--rows N] [--repeat K]

Ingest: Rebound validates, cleans and codes every field, keeps what it rejects and hashes the files; the peers convert the text to
Parquet as it is. Aggregation: from the same Parquet files, Rebound makes all tables of its stage `aggregate`, or those that stay when the config
asks for ownership by trade mode alone; a peer makes all, or that one (one GROUP BY). No records: from the raw text to the same sums.
Fails if the sums differ. Asserts no times."""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

import history
import timing

ROOT = pathlib.Path(__file__).resolve().parent.parent

CONVERT = {
    "duckdb": """
import duckdb, sys
con = duckdb.connect()
con.execute("set enable_progress_bar = false")
con.execute(f"copy (select * from read_csv('{sys.argv[1]}', header=true, all_varchar=false, ignore_errors=true)) to '{sys.argv[2]}' (format parquet, compression zstd)")
print(con.execute(f"select cast(sum(\\"_金额\\") as bigint) from '{sys.argv[2]}'").fetchone()[0])
""",
    "polars": """
import polars as pl, sys
pl.scan_csv(sys.argv[1], infer_schema_length=1000).sink_parquet(sys.argv[2], compression='zstd')
print(int(pl.scan_parquet(sys.argv[2]).select(pl.col('_金额').sum()).collect().item()))
""",
}

PEER = """
import duckdb, sys
con = duckdb.connect()
con.execute("set enable_progress_bar = false")
"""

GROUP_TEXT = PEER + """
out = f"{sys.argv[2]}/text.parquet"
con.execute(f'''copy (select "_日期" // 100 as year, "_消费地进口or生产地出口" as region, lpad(cast("_税号编码" as varchar), 8, '0')[:6] as hs6,
    "_企业性质" as ownership, "_贸易方式" as trade_mode, sum("_金额") as value
    from read_csv('{sys.argv[1]}', header=true, ignore_errors=true) group by all) to '{out}' (format parquet, compression zstd)''')
print(con.execute(f"select cast(sum(value) as bigint) from '{out}'").fetchone()[0])
"""

GROUP = PEER + """
records = f"(select * from '{sys.argv[1]}/*.parquet' where flow = 'export' and not is_excluded)"
def put(name, sql):
    con.execute(f"copy ({sql}) to '{sys.argv[2]}/{name}.parquet' (format parquet, compression zstd)")
put('both', f"select year, region_code, product, ownership, trade_mode, sum(fob_value) as fob_value from {records} where ownership is not null and trade_mode is not null group by all")
"""

GROUP_ALL = GROUP + """
put('cells', f"select year, region_code, product, sum(fob_value), count(*), count(distinct destination), count(distinct firm) from {records} group by all")
for column in ('destination', 'ownership', 'trade_mode'):
    put(column, f"select year, region_code, product, {column}, sum(fob_value) from {records} where {column} is not null group by all")
put('regions', f"select year, region_code, sum(fob_value), count(*) from {records} group by all")
"""

SAME = """
import duckdb, sys
con = duckdb.connect()
con.execute("set enable_progress_bar = false")
columns = 'year, region_code, product, ownership, trade_mode, fob_value'
ours = f"select {columns} from '{sys.argv[1]}/*.parquet'"
peer = f"select {columns} from '{sys.argv[2]}'"
n = con.execute(f"select count(*) from ({ours})").fetchone()[0]
assert n and not con.execute(f"({ours} except {peer}) union all ({peer} except {ours})").fetchall(), 'sums differ'
print(f"{n:,} groups, each sum equal")
"""


def timed(command, **options):
    """Seconds, peak memory in MiB, and what it printed."""
    took = timing.run(command, **options)
    return took.seconds, took.mib, took.output


def shown(size, title, times, base):
    """Medians, and how often they take the time of `base`."""
    print(title)
    of_base = statistics.median(s for s, _ in times[base])
    for name, found in times.items():
        median = statistics.median(s for s, _ in found)
        memory = max(m for _, m in found)
        print(f"  {name:34} {median:7.2f} s  {median / of_base:5.2f} x rebound  {memory:7.0f} MiB")
        history.keep("ingest", f"{size}, {title}: {name}", median, memory)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rebound")
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--alone", action="store_true", help="no peers, UTF-8 only: for sizes they do not manage")
    asked = parser.parse_args()
    rebound = os.path.abspath(asked.rebound)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=ROOT / "target") as folder:
        folder = pathlib.Path(folder)
        ingest, aggregate, straight = {}, {}, {}
        for encoding in ("utf-8",) if asked.alone else ("utf-8", "gb18030"):
            place = folder / encoding
            (place / "none").mkdir(parents=True)
            (place / "peer").mkdir()
            layout = (ROOT / "config/layouts/china_2007_2011.yaml").read_text()
            layout = layout.replace("encoding: gb18030", f"encoding: {encoding}")
            layout = layout.replace("../codes", str(ROOT / "config/codes"))
            (place / "layout.yaml").write_text(layout)
            pipeline = {
                "name": "bench", "config": [str(ROOT / "config/default.yaml")], "lake": "lake", "proximity": None,
                "sources": [{"layout": "layout.yaml", "files": ["raw/*.csv"], "exclude": []}],
                "sql": "none", "checks": "none", "stages": ["ingest", "aggregate"],
            }
            (place / "pipeline.yaml").write_text(json.dumps(pipeline))
            (place / "one.yaml").write_text("aggregate: {parts: [ownership_trade_mode], counts: []}")
            (place / "pipeline-one.yaml").write_text(json.dumps(pipeline | {"config": pipeline["config"] + ["one.yaml"]}))
            subprocess.run(
                [rebound, "synth", "--layout", "layout.yaml", "-o", "made", "--rows", str(asked.rows),
                 "--regions", "270", "--products", "4000", "--dirt", "0"], cwd=place, check=True)
            truth = (place / "made/truth.yaml").read_text()
            (place / "made/records").rename(place / "raw")
            written = dict(part.split(": ") for part in truth.split("written: {")[1].split("}")[0].split(", "))
            gigabytes = sum(file.stat().st_size for file in (place / "raw").iterdir()) / 1e9
            size = f"{int(written['rows']):,} records"
            print(f"{encoding}: {size}, {gigabytes:.2f} GB")

            def stage(name, *options, pipeline="pipeline.yaml"):
                seconds, memory, _ = timed([rebound, "--quiet", "run", pipeline, "--select", name, *options], cwd=place,
                                           stderr=subprocess.DEVNULL)
                return seconds, memory

            def sums():
                """The folders of the sums by ownership and trade mode."""
                return place / "lake/tables/trade.region_product_year_ownership_trade_mode/*"

            def total(table):
                query = f"select cast(sum(fob_value) as bigint) from {table}"
                return subprocess.run([rebound, "sql", query, "--format", "csv"], cwd=place, check=True,
                                      capture_output=True, text=True).stdout.split()[1]

            def check(who, total):
                if int(total) != int(written["value"]):
                    sys.exit(f"{who}: the sum is {int(total)}, expected {written['value']}")

            for _ in range(asked.repeat):
                shutil.rmtree(place / "lake", ignore_errors=True)
                if encoding == "utf-8":
                    for name, file in (("all tables", "pipeline.yaml"), ("that table", "pipeline-one.yaml")):
                        straight.setdefault(f"rebound --no-records, {name}", []).append(stage("ingest", "--no-records", pipeline=file))
                        check(f"trade.region_product_year of --no-records, {name}", total("trade.region_product_year"))
                        shutil.rmtree(place / "lake")
                ingest.setdefault(f"rebound, {encoding}", []).append(stage("ingest"))
                aggregate.setdefault("rebound, that table", []).append(stage("aggregate", pipeline="pipeline-one.yaml"))
                shutil.rmtree(place / "one", ignore_errors=True)
                (place / "one").mkdir()
                for at, file in enumerate(sums().parent.glob("*/*.parquet")):
                    file.rename(place / f"one/{at}.parquet")
                for table in (place / "lake/tables").glob("trade.*"):
                    shutil.rmtree(table)
                # What parts of the work made is known there.
                shutil.rmtree(place / "lake/units")
                aggregate.setdefault("rebound, all tables", []).append(stage("aggregate"))
                # The lake publishes when its stages are whole.
                stage("ingest+")
                for table in ("customs.records", "trade.region_product_year"):
                    check(table, total(table))
                if encoding != "utf-8" or asked.alone:
                    continue
                seconds, memory, found = timed([sys.executable, "-c", GROUP_TEXT, str(place / "raw/*.csv"), str(place / "peer")])
                check("duckdb, text to one GROUP BY", found)
                straight.setdefault("duckdb, one GROUP BY", []).append((seconds, memory))
                for peer, code in CONVERT.items():
                    out = place / f"{peer}.parquet"
                    seconds, memory, found = timed([sys.executable, "-c", code, str(place / "raw/*.csv"), str(out)])
                    check(peer, found)
                    ingest.setdefault(peer, []).append((seconds, memory))
                    out.unlink()
                records = place / "lake/tables/customs.records/*"
                for name, code in (("duckdb, one GROUP BY", GROUP), ("duckdb, all tables", GROUP_ALL)):
                    seconds, memory, _ = timed([sys.executable, "-c", code, str(records), str(place / "peer")])
                    aggregate.setdefault(name, []).append((seconds, memory))
                for ours in (sums(), place / "one"):
                    subprocess.run([sys.executable, "-c", SAME, str(ours), str(place / "peer/both.parquet")], check=True)
            shutil.rmtree(place)
        shown(size, "text to checked, coded Parquet (peers: text to Parquet)", ingest, "rebound, utf-8")
        shown(size, "Parquet to sums by region, HS6, year, ownership and trade mode", aggregate, "rebound, that table")
        shown(size, "text to those sums, no records kept", straight, "rebound --no-records, that table")
        print("all sums equal")


if __name__ == "__main__":
    main()
