"""Opens the published Parquet files as they are, with DuckDB and pyarrow, and compares what both see
with the raw files. Opens what `rebound export` writes of a query: a workbook with openpyxl and pandas,
GeoParquet with pyarrow, whose geometries are read here byte by byte, and GeoJSON.

    python tests/python/open_parquet.py REBOUND LAKE"""

import csv
import decimal
import gzip
import json
import pathlib
import struct
import subprocess
import sys
import tempfile

import duckdb
import openpyxl
import pandas as pd
import pyarrow.parquet as pq

rebound, lake = sys.argv[1], pathlib.Path(sys.argv[2])
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


def export(*arguments):
    subprocess.run([rebound, "export", *arguments, "--lake", lake], check=True, capture_output=True, text=True)


def rings(data):
    """The rings of a MultiPolygon in well-known binary, each with whether it is a hole."""
    at = 0

    def take(form):
        nonlocal at
        found = struct.unpack_from(form, data, at)
        at += struct.calcsize(form)
        return found

    order, kind, polygons = take("<BII")
    assert (order, kind) == (1, 6)
    found = []
    for _ in range(polygons):
        order, kind, n_rings = take("<BII")
        assert (order, kind) == (1, 3)
        for place in range(n_rings):
            (n,) = take("<I")
            numbers = take(f"<{2 * n}d")
            found.append((place > 0, list(zip(numbers[::2], numbers[1::2]))))
    assert at == len(data)
    return found


def area(ring):
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(ring, ring[1:])) / 2


query = ("select r.region_code, n.region_name, r.year, r.fob_value, '0' || cast(r.year as varchar) as code, '=1+1' as formula from trade.region_year r "
         "join trade.region n on n.region_code = r.region_code order by 1, 3")
with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    asked = ("--query", query, "--name", "exports", "--pipeline", root / "pipelines/australia.yaml")
    export(*asked, "--format", "geojson", "--format", "geoparquet", "--format", "parquet", "-o", folder)
    exact = pq.read_table(folder / "exports.parquet").to_pylist()
    table = pq.read_table(folder / "exports.geo.parquet")
    geo = json.loads(pq.read_metadata(folder / "exports.geo.parquet").metadata[b"geo"])
    assert geo["version"] == "1.1.0" and geo["primary_column"] == "geometry"
    said = geo["columns"]["geometry"]
    assert said["encoding"] == "WKB" and said["geometry_types"] == ["MultiPolygon"] and "crs" not in said
    shapes = table.column("geometry").to_pylist()
    assert table.drop_columns(["geometry"]).to_pylist() == exact
    points = []
    for shape in {shape for shape in shapes if shape is not None}:
        for is_hole, ring in rings(shape):
            assert ring[0] == ring[-1] and (area(ring) < 0) == is_hole
            points += ring
    west, south, east, north = said["bbox"]
    assert west == min(x for x, _ in points) and north == max(y for _, y in points)
    assert east == max(x for x, _ in points) and south == min(y for _, y in points)
    features = json.loads((folder / "exports.geojson").read_text())["features"]
    assert len(features) == len(exact)
    for feature, row, shape in zip(features, exact, shapes):
        assert feature["properties"]["region_code"] == row["region_code"] and feature["properties"]["year"] == row["year"]
        found = [] if shape is None else rings(shape)
        told = [] if feature["geometry"] is None else [
            (place > 0, [tuple(point) for point in ring])
            for polygon in feature["geometry"]["coordinates"] for place, ring in enumerate(polygon)]
        assert found == told

    book = folder / "exports.xlsx"
    export("--query", query, "--name", "exports", "-o", book)
    rows = list(openpyxl.load_workbook(book, read_only=True)["exports"].iter_rows(values_only=True))
    assert rows[0] == tuple(exact[0]) and len(rows) == len(exact) + 1
    for row, expected in zip(rows[1:], exact):
        assert row[:3] == (expected["region_code"], expected["region_name"], expected["year"])
        assert decimal.Decimal(str(row[3])) == expected["fob_value"] and row[4:] == (expected["code"], "=1+1")
    cells = openpyxl.load_workbook(book)["exports"]
    assert cells["F2"].data_type == "s" and cells.freeze_panes == "A2"
    meanings = pd.read_excel(book, sheet_name="Codebook").set_index("variable")
    assert meanings.loc["fob_value", "label"] == "FOB value" and meanings.loc["fob_value", "type"] == "decimal(20,2)"
    about = pd.read_excel(book, sheet_name="About")
    assert catalog["run"] in set(about["text"])
print(f"{len(exact)} rows of a query open in openpyxl, pandas and pyarrow; {len(points)} points of their regions lie where GeoJSON has them")
