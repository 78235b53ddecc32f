"""What benchmarks took before: benches/history.jsonl, a line a number, which is no part of the repository.

    python benches/history.py             what each took last, beside the time before, on this machine
    python benches/history.py criterion   keeps what criterion measured in target/criterion

A ratio above 1 is slower than the time before. Peers are kept as well: where they are slower too, it is the machine.
`REBOUND_BENCH_HISTORY` names another file. Asserts nothing."""

import datetime
import json
import os
import pathlib
import platform
import subprocess
import sys

from timing import ROOT, cores

FILE = pathlib.Path(os.environ.get("REBOUND_BENCH_HISTORY", ROOT / "benches/history.jsonl"))

# Ratios beyond these are pointed at: times of the same program differ by a tenth from run to run.
SLOWER, FASTER = 1.15, 1 / 1.15


def machine():
    """Whose times may be compared."""
    return f"{platform.node()}, {cores()} cores"


def commit():
    """The commit that is measured, with a plus if files differ from it."""
    said = subprocess.run(["git", "describe", "--always", "--dirty=+"], cwd=ROOT, capture_output=True, text=True)
    return said.stdout.strip() or "unknown"


def keep(bench, what, seconds, mib=None):
    """Keeps that `what` of `bench` took `seconds` and at most `mib` MiB."""
    row = {
        "at": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"), "commit": commit(), "machine": machine(),
        "bench": bench, "what": what, "seconds": round(seconds, 9), "mib": mib and round(mib, 1),
    }
    with FILE.open("a") as file:
        file.write(json.dumps(row) + "\n")


def keep_criterion():
    """Keeps the estimates of criterion: of each function the median."""
    found = sorted((ROOT / "target/criterion").glob("**/new/estimates.json"))
    if not found:
        sys.exit("target/criterion has no estimates: run `make bench-units` first")
    for file in found:
        named = json.loads((file.parent / "benchmark.json").read_text())
        keep("units", named["full_id"], json.loads(file.read_text())["median"]["point_estimate"] / 1e9)


def shown(row):
    seconds = row["seconds"]
    return f"{seconds:.2f} s" if seconds >= 0.1 else f"{seconds * 1e3:.3g} ms"


def show():
    """A row each: what it took last, and the ratio to the time before."""
    rows = [json.loads(line) for line in FILE.read_text().splitlines()] if FILE.exists() else []
    of = {}
    for row in rows:
        if row["machine"] == machine():
            of.setdefault((row["bench"], row["what"]), []).append(row)
    if not of:
        sys.exit(f"{FILE} has nothing of this machine")
    print("| benchmark | what | last | before | ratio | memory, ratio | commit | before |\n|" + " --- |" * 8)
    slower = 0
    for (bench, what), found in of.items():
        last = found[-1]
        if len(found) == 1:
            print(f"| {bench} | {what} | {shown(last)} | - | - | - | {last['commit']} | - |")
            continue
        before = found[-2]
        ratio = last["seconds"] / before["seconds"]
        memory = f"{last['mib'] / before['mib']:.2f}" if last["mib"] and before["mib"] else "-"
        mark = " slower" if ratio > SLOWER else " faster" if ratio < FASTER else ""
        slower += ratio > SLOWER
        print(f"| {bench} | {what} | {shown(last)} | {shown(before)} | {ratio:.2f}{mark} | {memory} | {last['commit']} | {before['commit']} |")
    print(f"\n{slower} of {len(of)} took more than {SLOWER} times as long as the time before")


if __name__ == "__main__":
    if sys.argv[1:] == ["criterion"]:
        keep_criterion()
    elif not sys.argv[1:]:
        show()
    else:
        sys.exit(__doc__)
