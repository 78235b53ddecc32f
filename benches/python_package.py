"""The Python package beside py-ecomplexity and pyfixest, each from within Python on frames of pandas: seconds, ratios and peak memory.

    PYTHONPATH=target/package python benches/python_package.py [--regions R] [--products P] [--rows N ...] [--repeat K]

Every tool has a process of its own, which reads the same made-up file before the clock starts. A call is timed with all that it does to
the frame that goes in and the one that comes out. The first call is cold, the median of the later ones warm; py-ecomplexity is called once.
Memory is the largest that the process had, with the frame and the libraries in it.
Fails if RCA, density, complexity and outlook, or estimates and standard errors differ. Asserts no times."""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

import history
import models
import space
import timing

HEAD = """
import json, resource, statistics, sys, time, warnings
import pandas as pd
def timed(call, repeat):
    seconds = []
    for _ in range(repeat):
        begun = time.perf_counter()
        out = call()
        seconds.append(time.perf_counter() - begun)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return out, {"cold": seconds[0], "warm": statistics.median(seconds[1:] or seconds), "mib": peak}
"""

MEASURES = ["rca", "density", "outlook_gain", "eci", "pci", "outlook_index"]

OUR_MEASURES = HEAD + """
import rebound_trade as rb
d = pd.read_parquet(sys.argv[1])
call = lambda: rb.measure(d, region="region", product="hs6", value="value", like="py-ecomplexity",
                          metrics=["rca", "density", "outlook-gain", "eci", "pci", "outlook-index"])
out, found = timed(call, int(sys.argv[3]))
out[["year", "region", "hs6", "rca", "density", "outlook_gain", "eci", "pci", "outlook_index"]].to_parquet(sys.argv[2])
print(json.dumps(found))
"""

PEER_MEASURES = HEAD + """
from ecomplexity import ecomplexity
warnings.simplefilter("ignore")
d = pd.read_parquet(sys.argv[1])
names = {"time": "year", "loc": "region", "prod": "hs6", "val": "value"}
out, found = timed(lambda: ecomplexity(d, names, check_logsupermodularity=False, verbose=False), 1)
out = out.rename(columns={"cog": "outlook_gain", "coi": "outlook_index"})
out[["year", "region", "hs6", "rca", "density", "outlook_gain", "eci", "pci", "outlook_index"]].to_parquet(sys.argv[2])
print(json.dumps(found))
"""

FORMULA = "y ~ x1 + x2 + x3 | region + hs6"

OUR_MODEL = HEAD + f"""
import rebound_trade as rb
d = pd.read_parquet(sys.argv[1])
out, found = timed(lambda: rb.estimate({FORMULA!r}, d, vcov={{"CRV1": "region"}}), int(sys.argv[2]))
tidy = out.tidy().set_index("term")
print(json.dumps({{**found, "coef": tidy.estimate.to_dict(), "se": tidy.std_error.to_dict(), "n": int(out.nobs)}}))
"""

PEER_MODEL = HEAD + f"""
import pyfixest as pf
warnings.simplefilter("ignore")
d = pd.read_parquet(sys.argv[1])
out, found = timed(lambda: pf.feols({FORMULA!r}, data=d, vcov={{"CRV1": "region"}}), int(sys.argv[2]))
print(json.dumps({{**found, "coef": out.coef().to_dict(), "se": out.se().to_dict(), "n": int(out._N)}}))
"""


def ran(code, *arguments):
    done = subprocess.run([sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr[-3000:])
    return json.loads(done.stdout.splitlines()[-1])


def same(ours, theirs):
    """Fails unless the measures of two files agree."""
    import pandas as pd

    keys = ["year", "region", "hs6"]
    both = pd.read_parquet(ours).merge(pd.read_parquet(theirs), on=keys, suffixes=("", "_peer"), validate="one_to_one")
    assert len(both) == len(pd.read_parquet(ours)) > 0, "other cells"
    for name in MEASURES:
        gap = (both[name] - both[f"{name}_peer"].fillna(0)).abs() / both[f"{name}_peer"].abs().clip(lower=1)
        assert gap.max() < 1e-6, (name, gap.max())
    return len(both)


def shown(what, ours, peer, name):
    print(f"| {what} | {ours['cold']:.2f} | {ours['warm']:.2f} | {ours['mib']:.0f} | {name} | {peer['cold']:.2f} | {peer['warm']:.2f} | {peer['mib']:.0f} | "
          f"{peer['warm'] / ours['warm']:.1f} | {ours['mib'] / peer['mib']:.2f} |", flush=True)
    history.keep("python", f"{what}, warm", ours["warm"], ours["mib"])
    history.keep("python", f"{what}, warm: {name}", peer["warm"], peer["mib"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--regions", type=int, default=340)
    parser.add_argument("--products", type=int, default=5000)
    parser.add_argument("--rows", type=int, nargs="*", default=[1_000_000, 10_000_000])
    parser.add_argument("--repeat", type=int, default=4)
    asked = parser.parse_args()
    print("made up: nothing here is a finding")
    print("| call | cold, s | warm, s | MiB | peer | cold, s | warm, s | MiB | times as fast, warm | of its memory |\n|" + " --- |" * 10)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        trade, ours, theirs = (folder / name for name in ("trade.parquet", "ours.parquet", "theirs.parquet"))
        space.make_trade(trade, asked.regions, asked.products, 1)
        found = ran(OUR_MEASURES, trade, ours, asked.repeat)
        peer = ran(PEER_MEASURES, trade, theirs)
        n = int(timing.python("import sys; from python_package import same; print(same(*sys.argv[1:]))", ours, theirs).output)
        shown(f"measure, {asked.regions} x {asked.products} ({n:,} cells)", found, peer, "py-ecomplexity")
        panel = folder / "panel.parquet"
        for rows in asked.rows:
            models.make_panel(panel, rows)
            repeat = asked.repeat if rows <= 1_000_000 else 2
            found, peer = (ran(code, panel, repeat) for code in (OUR_MODEL, PEER_MODEL))
            assert found["n"] == peer["n"], (found["n"], peer["n"])
            for term, estimate in peer["coef"].items():
                gap = abs(found["coef"][term] - estimate) / abs(estimate)
                gap_se = abs(found["se"][term] - peer["se"][term]) / peer["se"][term]
                assert gap < 1e-6 and gap_se < 1e-4, (term, gap, gap_se)
            shown(f"estimate, {rows:,} rows, two effects", found, peer, "pyfixest")


if __name__ == "__main__":
    main()
