"""The shipped pipelines and the made-up nation with little memory: the same bytes, within a bound, in little more time.

    python tests/python/low_memory.py REBOUND [--rows N] [--mib N]

Each pipeline runs in a lake of its own with the memory of `config/default.yaml` and with `engine.memory_mib: 256`. Of the second
run the largest resident set must be below 700 MiB, its time at most three times that of the first, and every file that it
publishes that of the first, by its hash in `catalog.json`. Without --rows the nation has 100,000 records; `make nation` has
half a million rows, a million records."""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PEAK_MIB, TIMES, LEEWAY_S = 700, 3, 5

parser = argparse.ArgumentParser()
parser.add_argument("rebound", type=pathlib.Path)
parser.add_argument("--rows", type=int, default=50_000)
parser.add_argument("--mib", type=int, default=256)
args = parser.parse_args()
rebound = args.rebound.resolve()


def run(folder, *arguments):
    """Seconds, and the largest resident set in MiB."""
    begun = time.monotonic()
    with open(folder / "said", "wb") as said:
        process = subprocess.Popen([rebound, *arguments], cwd=folder, stdout=said, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{' '.join(arguments)}:\n{(folder / 'said').read_text()}")
    return time.monotonic() - begun, usage.ru_maxrss / 1024


def published(lake):
    """The files of each table, by their hashes."""
    tables = json.loads((lake / "catalog.json").read_text())["tables"]
    return {name: [(file["rows"], file["hash"]) for file in version["files"]] for name, version in tables.items()}


with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    for part in ["config", "pipelines", "samples"]:
        shutil.copytree(ROOT / part, folder / part)
    regions, products = ("100", "800") if args.rows >= 500_000 else ("60", "400")
    run(folder, "synth", "--layout", "config/layouts/china_2007_2011.yaml", "-o", "made-up", "--rows", str(args.rows), "--regions", regions,
        "--products", products, "--from", "2007", "--to", "2011", "--dirt", "0.02")
    (folder / "config/low.yaml").write_text(f"engine: {{memory_mib: {args.mib}}}\n")
    for pipeline in ["australia", "nation"]:
        text = (folder / f"pipelines/{pipeline}.yaml").read_text()
        lines = text.splitlines()
        # The last config wins.
        last = max(at for at, line in enumerate(lines) if line.strip().startswith("- ../config/") and at < lines.index(next(line for line in lines if line.startswith("lake:"))))
        lines.insert(last + 1, "  - ../config/low.yaml")
        (folder / f"pipelines/{pipeline}_low.yaml").write_text("\n".join(lines) + "\n")
        usual_s, usual_mib = run(folder, "run", f"pipelines/{pipeline}.yaml", "--lake", "usual")
        low_s, low_mib = run(folder, "run", f"pipelines/{pipeline}_low.yaml", "--lake", "low")
        print(f"{pipeline}: {usual_s:.1f} s and {usual_mib:.0f} MiB; with {args.mib} MiB {low_s:.1f} s and {low_mib:.0f} MiB")
        usual, low = published(folder / "usual"), published(folder / "low")
        other = [table for table in usual if usual[table] != low.get(table)]
        assert usual and not other, f"{pipeline}: other bytes in {', '.join(other)}"
        assert low_mib < PEAK_MIB, f"{pipeline}: {low_mib:.0f} MiB"
        assert low_s < TIMES * usual_s + LEEWAY_S, f"{pipeline}: {low_s:.1f} s, {usual_s:.1f} s with memory enough"
        shutil.rmtree(folder / "usual")
        shutil.rmtree(folder / "low")
