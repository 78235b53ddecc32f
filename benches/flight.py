"""A large panel fetched from `rebound serve` by both of its protocols: seconds, rows per second, ratio.

    python benches/flight.py REBOUND [--rows N] [--repeat K] [--without-postgres]

The panel is made up: regions x products x years with texts, whole numbers, money, doubles with nulls and flags. Each fetch is a process of
its own that gathers all rows in Arrow, by ADBC's driver of Flight SQL or that of PostgreSQL; the clock runs from the query to the last row.
The server has run the query before. Medians of K fetches of each kind, taken in turn.
Fails if the rows differ (their number, nulls and sums of columns, and sums of what is in the same row), or Flight SQL does not give them in
their order. Asserts no times."""

import argparse
import json
import os
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent

PANEL = """
import duckdb, sys
con = duckdb.connect()
con.execute("set enable_progress_bar = false")
n = int(sys.argv[2])
regions = max(1, n // 40000)
con.execute(f'''copy (
    select lpad(cast(r as varchar), 4, '0') as region_code, lpad(cast(p * 137 % 1000000 as varchar), 6, '0') as product, cast(2000 + y as int) as year,
        cast((r * 7919 + p * 104729 + y * 1299709) % 100000000 as decimal(20, 2)) / 100 as export_value,
        (r * 31 + p * 17 + y) % 1000 / 250.0 as rca, case when (r + p + y) % 11 = 0 then null else (p * 13 + r) % 997 / 997.0 end as density,
        cast((r * p + y) % 1000 as bigint) as firms, (r + p) % 3 = 0 as is_new
    from range({regions}) a(r), range(5000) b(p), range(8) c(y) order by 1, 2, 3) to '{sys.argv[1]}' (format parquet)''')
"""

FETCH = """
import json, sys, time, resource
import pyarrow, pyarrow.compute as pc
module, uri, sql = sys.argv[1:4]
if module == "flightsql":
    import adbc_driver_flightsql.dbapi as dbapi
else:
    import adbc_driver_postgresql.dbapi as dbapi
with dbapi.connect(uri, autocommit=True) as connection, connection.cursor() as cursor:
    if module == "postgresql":
        cursor.adbc_statement.set_options(**{"adbc.postgresql.use_copy": sys.argv[4]})
    begun = time.perf_counter()
    cursor.execute(sql)
    table = cursor.fetch_arrow_table()
    seconds = time.perf_counter() - begun
def told(column):
    if pyarrow.types.is_boolean(column.type):
        column = pc.cast(column, pyarrow.int64())
    if pyarrow.types.is_string(column.type):
        column = pc.cast(pc.utf8_slice_codeunits(column, 0, 6), pyarrow.int64())
    # Sums of doubles depend on the order of the rows in their last digits.
    return [column.null_count, float(f"{pc.sum(pc.cast(column, pyarrow.float64())).as_py():.12g}")]
number = lambda name: pc.cast(table[name], pyarrow.int64())
key = pc.add(pc.multiply(pc.add(pc.multiply(number("region_code"), 1000000), number("product")), 10000), number("year")).combine_chunks()
is_in_order = pc.all(pc.less(key[:-1], key[1:])).as_py()
sums = {name: told(table[name]) for name in table.column_names}
for name in ("export_value", "rca", "density", "firms", "is_new"):
    value = pc.fill_null(pc.cast(table[name], pyarrow.float64() if name != "is_new" else pyarrow.int64()), -1)
    sums[f"key and {name}"] = told(pc.multiply(pc.cast(pc.subtract(key, pc.multiply(pc.divide(key, 99991), 99991)), pyarrow.float64()), pc.cast(value, pyarrow.float64())))
print(json.dumps({"seconds": seconds, "rows": table.num_rows, "is_in_order": is_in_order, "sums": sums, "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                  "bytes": table.nbytes}))
"""

# A pipeline has sources; here none of them is read.
PIPELINE = """
name: made_up
config: [ROOT/config/default.yaml]
lake: lake
sources:
  - layout: ROOT/config/layouts/australia_state_ahecc8.yaml
    files: [ROOT/samples/australia/state_exports_ahecc8_*.csv.gz]
tables:
  panel: {file: panel.parquet, about: a region's exports of a product in a year}
stages: [tables]
"""

SQL = "select * from external.panel"


def fetch(module, uri, copy="true"):
    ran = subprocess.run([sys.executable, "-c", FETCH, module, uri, SQL, copy], capture_output=True, text=True)
    if ran.returncode:
        sys.exit(f"{module}: {ran.stderr}")
    return json.loads(ran.stdout)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("rebound")
    parser.add_argument("--rows", type=int, default=16_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--copy", default="true", choices=["true", "false"], help="whether ADBC's driver of PostgreSQL asks by COPY")
    parser.add_argument("--without-postgres", action="store_true")
    parser.add_argument("--folder", help="where the lake is kept for other runs")
    args = parser.parse_args()
    rebound = os.path.abspath(args.rebound)
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(args.folder or temporary)
        folder.mkdir(exist_ok=True)
        if not (folder / "lake").exists():
            subprocess.run([sys.executable, "-c", PANEL, str(folder / "panel.parquet"), str(args.rows)], check=True)
            (folder / "made-up.yaml").write_text(PIPELINE.replace("ROOT", str(ROOT)))
            subprocess.run([rebound, "--quiet", "run", str(folder / "made-up.yaml")], check=True, cwd=folder)
        server = subprocess.Popen([rebound, "serve", "--quiet", "--lake", str(folder / "lake"), "--bind", "127.0.0.1:0", "--flight", "127.0.0.1:0"],
                                  stdout=subprocess.PIPE, text=True)
        try:
            of_postgres = re.search(r"postgresql://\S+", server.stdout.readline())[0].replace("//", "//ada@")
            of_flight = re.search(r"grpc\S+", server.stdout.readline())[0]
            kinds = {"flightsql": of_flight} | ({} if args.without_postgres else {"postgresql": of_postgres})
            found = {kind: [] for kind in kinds}
            for turn in range(args.repeat + 1):
                for kind, uri in kinds.items():
                    if turn or kind == "flightsql":
                        found[kind].append(fetch(kind, uri, args.copy))
            found["flightsql"].pop(0)
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(30)
    first = found["flightsql"][0]
    for of_kind in found.values():
        for one in of_kind:
            assert (one["rows"], one["sums"]) == (first["rows"], first["sums"]), (first, one)
    assert all(one["is_in_order"] for one in found["flightsql"]), "rows are out of order"
    print(f"{first['rows']:,} rows, {first['bytes'] / 2**20:,.0f} MiB in Arrow")
    medians = {}
    for kind, of_kind in found.items():
        medians[kind] = statistics.median(one["seconds"] for one in of_kind)
        each = ", ".join(f"{one['seconds']:.2f}" for one in of_kind)
        print(f"{kind:12} {medians[kind]:7.2f} s ({each})  {first['rows'] / medians[kind] / 1e6:6.2f} million rows/s  "
              f"client {max(one['mib'] for one in of_kind):,.0f} MiB")
    if "postgresql" in medians:
        print(f"Flight SQL is {medians['postgresql'] / medians['flightsql']:.1f} times as fast")


if __name__ == "__main__":
    main()
