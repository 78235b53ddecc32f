"""A billion made-up records, packed by zstd, to all sums without keeping records: seconds, memory, disk, and whether every sum is exact.

    python benches/billion.py REBOUND [--rows N] [--regions R] [--products P] [--gigabytes G] [--folder FOLDER]

17 years are made up one by one, as many side by side as there are cores, a file a month. A year that is whole stays in FOLDER
(target/billion) and is not made again, until the folder is removed. Then one run sums all of them (`--no-records`), and the sums of every
table and year are held against what was written. Nothing may take more than G gigabytes of disk: raw files, sums, and what is put aside.
Fails if it does, or if a sum is another. Asserts no times."""

import argparse
import concurrent.futures
import csv
import json
import os
import pathlib
import shutil
import subprocess
import sys
import threading

import history
import timing
from nightly import LAYOUT, YEARS
from timing import ROOT

# Tables of sums by region, product and year, and what else divides them. Every record has all of it.
TABLES = {
    "trade.region_product_year": "sum(n_records)",
    "trade.region_year": "sum(n_records)",
    "trade.region_product_year_destination": "null",
    "trade.region_product_year_ownership": "null",
    "trade.region_product_year_trade_mode": "null",
    "trade.region_product_year_ownership_trade_mode": "null",
}


class Disk:
    """How much less room there is than at the start, looked at each second; ends what was started where that is too much."""

    def __init__(self, folder, gigabytes):
        self.folder, self.most = folder, gigabytes
        # What was made up before counts too.
        there = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        self.start, self.peak = shutil.disk_usage(folder).free + there, 0.0
        if self.start < gigabytes * 1e9:
            sys.exit(f"{folder} is on a disk with {self.start / 1e9:.0f} GB of room: expected {gigabytes} (--gigabytes)")
        self.processes, self.done = [], threading.Event()
        self.watch = threading.Thread(target=self.look, daemon=True)

    def __enter__(self):
        self.watch.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.watch.join()

    def used(self):
        return (self.start - shutil.disk_usage(self.folder).free) / 1e9

    def look(self):
        while not self.done.wait(1):
            self.peak = max(self.peak, self.used())
            if self.peak > self.most:
                print(f"{self.peak:.1f} GB of disk are taken: at most {self.most} may be (--gigabytes)", file=sys.stderr, flush=True)
                for process in self.processes:
                    process.terminate()

    def run(self, command, **options):
        """What `command` took, which ends where the disk does not do."""
        return timing.run(command, started=self.processes.append, **options)


def make(disk, place, rebound, year, rows, regions, products):
    """The records of a year, unless they are there: what was written of it."""
    made = place / f"made-{year}"
    # What is true is written last.
    if not (made / "rebate_rates.csv").exists():
        shutil.rmtree(made, ignore_errors=True)
        command = [rebound, "synth", "--layout", "layout.yaml", "-o", made.name, "--rows", str(rows), "--regions", str(regions), "--products",
                   str(products), "--from", str(year), "--to", str(year), "--dirt", "0", "--pack", "zstd"]
        disk.run(command, cwd=place)
    truth = (made / "truth.yaml").read_text().split("written: {")[1].split("}")[0]
    written = {key: int(n) for key, n in (part.split(": ") for part in truth.split(", "))}
    size = sum(file.stat().st_size for file in (made / "records").iterdir())
    print(f"{year}: {written['rows']:,} records worth {written['value']:,}, packed {size / 1e9:.2f} GB", flush=True)
    return written, size


def sums(place, rebound, table, n_records):
    """The sums of a table by year: the value as text, the records if it has them, and how many sums there are."""
    query = f"select year, cast(sum(fob_value) as varchar), {n_records}, count(*) from {table} group by year order by year"
    found = subprocess.run([rebound, "--quiet", "sql", query, "--lake", "lake", "--format", "csv"], cwd=place, check=True, capture_output=True,
                           text=True)
    _, *lines = csv.reader(found.stdout.splitlines())
    return {int(year): (value, int(records) if records else None, int(rows)) for year, value, records, rows in lines}


def check(place, rebound, written):
    """Fails unless every table has all that was written of every year, to the cent and the record."""
    for table, n_records in TABLES.items():
        found = sums(place, rebound, table, n_records)
        if found.keys() != written.keys():
            sys.exit(f"{table} has the years {list(found)}: {list(written)} were written")
        for year, (value, records, _) in found.items():
            rows, expected = written[year]["rows"], f"{written[year]['value']}.00"
            if value != expected or records not in (None, rows):
                sys.exit(f"{table}, {year}: {records} records worth {value}; {rows} worth {expected} were written")
        print(f"{table}: {sum(rows for _, _, rows in found.values()):,} sums, of each year all that was written", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rebound")
    parser.add_argument("--rows", type=int, default=1_000_000_000)
    parser.add_argument("--regions", type=int, default=340)
    parser.add_argument("--products", type=int, default=5000)
    parser.add_argument("--gigabytes", type=float, default=40)
    parser.add_argument("--folder", type=pathlib.Path, default=ROOT / "target/billion")
    asked = parser.parse_args()
    rebound = os.path.abspath(asked.rebound)
    asks = f"{asked.rows} records, {asked.regions} regions, {asked.products} products\n"
    place = asked.folder.absolute()
    place.mkdir(parents=True, exist_ok=True)
    if (place / "asked").exists() and (place / "asked").read_text() != asks:
        sys.exit(f"{place} has records of another size: remove it, or name another folder (--folder)")
    (place / "asked").write_text(asks)
    (place / "layout.yaml").write_text(LAYOUT.replace("BOOKS", str(ROOT / "config/codes/books")))
    (place / "none").mkdir(exist_ok=True)
    (place / "pipeline.yaml").write_text(json.dumps({
        "name": "billion", "config": [str(ROOT / "config/default.yaml")], "lake": "lake", "records": False,
        "sources": [{"layout": "layout.yaml", "files": ["made-*/records/*"], "exclude": []}],
        "sql": "none", "checks": "none", "stages": ["ingest", "aggregate"],
    }))
    shutil.rmtree(place / "lake", ignore_errors=True)
    years = list(range(YEARS[0], YEARS[1] + 1))
    # What is put aside while sums are made is in the temporary folder.
    temporary = place / "temporary"
    temporary.mkdir(exist_ok=True)
    with Disk(place, asked.gigabytes) as disk:
        with concurrent.futures.ThreadPoolExecutor(timing.cores()) as pool:
            pieces = list(pool.map(lambda year: make(disk, place, rebound, year, asked.rows // len(years), asked.regions, asked.products), years))
        written = {year: of for year, (of, _) in zip(years, pieces)}
        rows, packed = sum(of["rows"] for of in written.values()), sum(size for _, size in pieces)
        print(f"{rows:,} records in {packed / 1e9:.2f} GB packed", flush=True)
        took = disk.run([rebound, "--quiet", "run", "pipeline.yaml", "--no-records"], cwd=place, env=os.environ | {"TMPDIR": str(temporary)})
        check(place, rebound, written)
        disk.peak = max(disk.peak, disk.used())
    lake = sum(file.stat().st_size for file in (place / "lake").rglob("*.parquet"))
    print(f"all sums of {rows:,} records: {took.seconds:.1f} s ({took.seconds / rows * 1e6:.2f} s a million), {took.mib:.0f} MiB, machine busy "
          f"{took.busy:.0%}; {lake / 1e9:.2f} GB of sums; at most {disk.peak:.1f} GB of disk. Measured on {timing.machine()}.")
    history.keep("billion", f"{asks.strip()}, all sums without records", took.seconds, took.mib)


if __name__ == "__main__":
    main()
