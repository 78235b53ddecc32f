"""Opens the published Parquet files as they are, with DuckDB and pyarrow, and compares what both see
with the raw files."""

import csv
import decimal
import gzip
import json
import pathlib
import sys

import duckdb
import pyarrow.parquet as pq

lake = pathlib.Path(sys.argv[1])
root = pathlib.Path(__file__).resolve().parents[2]
catalog = json.loads((lake / "catalog.json").read_text())


def files(table):
    return [str(lake / file["path"]) for file in catalog["tables"][table]["files"]]


for table, version in catalog["tables"].items():
    rows = sum(file["rows"] for file in version["files"])
    found = duckdb.read_parquet(files(table)).aggregate("count(*)").fetchone()[0]
    arrow = sum(pq.read_table(file).num_rows for file in files(table))
    columns = pq.read_schema(files(table)[0]).names
    assert rows == found == arrow, (table, rows, found, arrow)
    assert columns == [column["name"] for column in version["columns"]], table
    # Tables with products say what these are codes of.
    said = pq.read_metadata(files(table)[0]).metadata
    assert (said.get(b"rebound.product.classification") == b"HS") == bool({"product", "product_a"} & set(columns)), table

raw = {}
for path in sorted((root / "samples/australia").glob("*.csv.gz")):
    with gzip.open(path, "rt", encoding="utf-8", newline="") as text:
        for row in csv.DictReader(text):
            for state in ("NSW", "Vic", "Qld", "SA", "WA", "ACT", "NT", "Tas"):
                key = (int(row["year"]), state.upper())
                if row["ahecc_8"] != "99999999":
                    raw[key] = raw.get(key, decimal.Decimal(0)) + decimal.Decimal(row[state])
found = duckdb.read_parquet(files("trade.region_product_year"))
found = found.aggregate("year, region_code, sum(fob_value)").fetchall()
assert {(year, region): value for year, region, value in found} == raw
print(f"{len(catalog['tables'])} tables open in DuckDB and pyarrow; {len(raw)} totals equal the raw files")
