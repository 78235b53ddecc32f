"""Regressions with absorbed effects, side by side with pyfixest: time and memory.

    python benches/models.py REBOUND [--rows N ...] [--repeat K]

Ours is a whole process each time: start, Parquet read, estimate, table printed. pyfixest's is taken in one process: its first call with
import and reading (cold), and its later calls alone, data in memory (warm). Fails if estimates or standard errors differ. Asserts no times."""

import argparse
import csv
import io
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

import history
import timing
from ingest import timed

SPECS = [
    ("two-way effects, clustered by region", "y ~ x1 + x2 + x3 | region + hs6", "cluster(region)", {"CRV1": "region"}),
    ("two-way effects, clustered by region and hs6", "y ~ x1 + x2 + x3 | region + hs6", "cluster(region + hs6)", {"CRV1": "region+hs6"}),
    ("three-way effects, clustered by region", "y ~ x1 + x2 + x3 | region + hs6 + year", "cluster(region)", {"CRV1": "region"}),
    ("region-year and product-year effects, clustered by region", "y ~ x1 + x2 + x3 | region^year + hs6^year", "cluster(region)", {"CRV1": "region"}),
]

PEER = """
import json, resource, sys, time, warnings
warnings.simplefilter("ignore")
start = time.time()
import pandas as pd
import pyfixest as pf
data = pd.read_parquet(sys.argv[1])
formula, vcov = sys.argv[2], json.loads(sys.argv[3])
# The default tolerance is 1e-6; ours 1e-10.
fit = pf.feols(formula, data=data, vcov=vcov)
cold = time.time() - start
warm = []
for _ in range(int(sys.argv[4])):
    start = time.time()
    fit = pf.feols(formula, data=data, vcov=vcov)
    warm.append(time.time() - start)
print(json.dumps({"cold": cold, "warm": sorted(warm)[len(warm) // 2], "n": int(fit._N), "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    "coef": fit.coef().to_dict(), "se": fit.se().to_dict()}))
"""


def made_up(path, rows):
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(20081009)
    regions, products = 340, 5000
    g = rng.integers(0, regions, rows)
    h = np.minimum((rng.pareto(1.1, rows) * 60).astype(int), products - 1)
    t = rng.integers(2000, 2017, rows)
    fg, fh, ft = rng.normal(0, 1, regions), rng.normal(0, 1, products), rng.normal(0, 1, 17)
    x1 = rng.normal(0, 1, rows) + 0.5 * fg[g] - 0.3 * fh[h]
    x2 = rng.normal(0, 1, rows) * (1 + 0.3 * np.abs(fh[h]))
    x3 = (rng.random(rows) < 0.3).astype(float)
    y = 0.5 * x1 - 0.25 * x2 + 0.1 * x3 + fg[g] + fh[h] + ft[t - 2000] + rng.normal(0, 1, rows)
    names = np.array([f"R{i:04d}" for i in range(regions)])
    codes = np.array([f"{i:06d}" for i in range(10101, 10101 + products)])
    table = pa.table({"region": names[g], "hs6": codes[h], "year": t.astype("int32"), "y": y, "x1": x1, "x2": x2, "x3": x3})
    pq.write_table(table, path, compression="zstd")


def make_panel(path, rows):
    """The same in a process of its own: its memory would be counted as that of what is started next."""
    timing.python("import sys; from models import made_up; made_up(sys.argv[1], int(sys.argv[2]))", path, rows)


def ours(rebound, path, formula, inference):
    command = [rebound, "--quiet", "estimate", formula, "--data", str(path), "--inference", inference, "--format", "csv"]
    seconds, mib, text = timed(command)
    rows = {row["term"]: row for row in csv.DictReader(io.StringIO(text))}
    return seconds, mib, rows


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("rebound")
    parser.add_argument("--rows", type=int, nargs="*", default=[1_000_000, 10_000_000])
    parser.add_argument("--repeat", type=int, default=3)
    args = parser.parse_args()
    for rows in args.rows:
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "panel.parquet"
            make_panel(path, rows)
            print(f"\n{rows:,} rows, 340 regions, 5000 products, 17 years: made up")
            for name, formula, inference, vcov in SPECS:
                repeats = args.repeat if rows <= 1_000_000 else 1
                peer = subprocess.run(
                    [sys.executable, "-c", PEER, str(path), formula, json.dumps(vcov), str(repeats)],
                    check=True, capture_output=True, text=True,
                )
                peer = json.loads(peer.stdout.splitlines()[-1])
                runs = [ours(args.rebound, path, formula, inference) for _ in range(args.repeat)]
                seconds = statistics.median(run[0] for run in runs)
                mib = max(run[1] for run in runs)
                found = runs[0][2]
                for term, estimate in peer["coef"].items():
                    gap = abs(float(found[term]["estimate"]) - estimate) / abs(estimate)
                    gap_se = abs(float(found[term]["se"]) - peer["se"][term]) / peer["se"][term]
                    assert gap < 1e-6 and gap_se < 1e-4, (name, term, gap, gap_se)
                what = f"{rows:,} rows, {name}"
                history.keep("models", what, seconds, mib)
                history.keep("models", f"{what}: pyfixest, warm", peer["warm"], peer["mib"])
                assert int(found["x1"]["n_used"]) == peer["n"], (found["x1"]["n_used"], peer["n"])
                print(
                    f"  {name}: rebound, whole process {seconds:.2f} s, {mib:.0f} MiB; pyfixest cold {peer['cold']:.2f} s, warm {peer['warm']:.2f} s, "
                    f"{peer['mib']:.0f} MiB; ratios {peer['cold'] / seconds:.1f} cold, {peer['warm'] / seconds:.1f} warm, memory {mib / peer['mib']:.2f}"
                )


if __name__ == "__main__":
    main()
