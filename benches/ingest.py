"""Ingest beside its peers on the same made-up records, in one run: medians, ratios and peak memory.

    python benches/ingest.py REBOUND [--rows N] [--repeat K]

Rebound validates, cleans and codes every field and keeps what it rejects; the peers convert the text to Parquet as it is.
Fails if the sums differ. Asserts no times."""

import argparse
import json
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent

DUCKDB = """
import duckdb, sys
con = duckdb.connect()
con.execute(f"copy (select * from read_csv('{sys.argv[1]}', header=true, all_varchar=false, ignore_errors=true)) to '{sys.argv[2]}' (format parquet, compression zstd)")
print(con.execute(f"select cast(sum(\\"_金额\\") as bigint) from '{sys.argv[2]}'").fetchone()[0])
"""

POLARS = """
import polars as pl, sys
pl.scan_csv(sys.argv[1], infer_schema_length=1000).sink_parquet(sys.argv[2], compression='zstd')
print(int(pl.scan_parquet(sys.argv[2]).select(pl.col('_金额').sum()).collect().item()))
"""


def timed(command, **options):
    """Seconds, peak memory in MiB, and what it printed."""
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{command[0]} failed")
    return time.perf_counter() - begun, usage.ru_maxrss / 1024, output


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rebound")
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    asked = parser.parse_args()
    rebound = os.path.abspath(asked.rebound)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=ROOT / "target") as folder:
        folder = pathlib.Path(folder)
        times = {}
        for encoding in ("utf-8", "gb18030"):
            place = folder / encoding
            (place / "none").mkdir(parents=True)
            layout = (ROOT / "config/layouts/china_2007_2011.yaml").read_text()
            layout = layout.replace("encoding: gb18030", f"encoding: {encoding}")
            layout = layout.replace("../codes", str(ROOT / "config/codes"))
            (place / "layout.yaml").write_text(layout)
            pipeline = {
                "name": "bench", "config": [str(ROOT / "config/default.yaml")], "lake": "lake", "proximity": None,
                "sources": [{"layout": "layout.yaml", "files": ["raw/*.csv"], "exclude": []}],
                "sql": "none", "checks": "none", "stages": ["ingest"],
            }
            (place / "pipeline.yaml").write_text(json.dumps(pipeline))
            subprocess.run(
                [rebound, "synth", "--layout", "layout.yaml", "-o", "made", "--rows", str(asked.rows),
                 "--regions", "270", "--products", "4000", "--dirt", "0"], cwd=place, check=True)
            truth = (place / "made/truth.yaml").read_text()
            (place / "made/records").rename(place / "raw")
            written = dict(part.split(": ") for part in truth.split("written: {")[1].split("}")[0].split(", "))
            size = sum(file.stat().st_size for file in (place / "raw").iterdir())
            print(f"{encoding}: {int(written['rows']):,} records, {size / 1e9:.2f} GB")

            peers = {"rebound": None}
            if encoding == "utf-8":
                peers |= {"duckdb": DUCKDB, "polars": POLARS}
            for turn in range(asked.repeat):
                for peer, code in peers.items():
                    if code is None:
                        shutil.rmtree(place / "lake", ignore_errors=True)
                        seconds, memory, _ = timed([rebound, "--quiet", "run", "pipeline.yaml"], cwd=place, stderr=subprocess.DEVNULL)
                        query = "select cast(sum(fob_value) as bigint) from customs.records"
                        total = subprocess.run([rebound, "sql", query, "--format", "csv"], cwd=place, check=True,
                                               capture_output=True, text=True).stdout.split()[1]
                    else:
                        out = place / f"{peer}.parquet"
                        seconds, memory, total = timed([sys.executable, "-c", code, str(place / "raw/*.csv"), str(out)])
                        out.unlink()
                    if int(total) != int(written["value"]):
                        sys.exit(f"{peer}: the sum is {int(total)}, expected {written['value']}")
                    times.setdefault((encoding, peer), []).append((seconds, memory))
        base = statistics.median(s for s, _ in times[("utf-8", "rebound")])
        for (encoding, peer), found in times.items():
            median = statistics.median(s for s, _ in found)
            memory = max(m for _, m in found)
            print(f"{encoding:8} {peer:8} {median:7.2f} s  {median / base:5.2f} x rebound  {memory:7.0f} MiB")
        print("all sums equal")


if __name__ == "__main__":
    main()
