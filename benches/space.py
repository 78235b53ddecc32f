"""The product space beside its peers on the same made-up trade, in one run: medians, ratios and peak memory.

    python benches/space.py REBOUND [--regions R] [--products P] [--years Y] [--peer-years N] [--repeat K]

Rebound is timed as a whole process, from Parquet to Parquet, and by what it logs of measuring alone; the peers by their
call, without reading and writing.
Measures: RCA, proximity, density, ECI, PCI, COI and COG under py-ecomplexity's conventions. Fails if they differ.
Asserts no times."""

import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

import history
import timing

ROOT = pathlib.Path(__file__).resolve().parent.parent


def made_up_trade(path, regions, products, years, seed=1):
    """Diverse regions reach rare products; ten sectors give the space its clusters."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(seed)
    capability = rng.normal(0, 1.3, regions)
    difficulty = rng.normal(0, 1.2, products)
    sector = rng.integers(0, 10, products)
    affinity = rng.normal(0, 0.8, (regions, 10))
    base = capability[:, None] - difficulty[None, :] + affinity[:, sector] - 1.3
    size = np.exp(rng.normal(12, 1.2, products))
    taste = np.exp(rng.normal(0, 1.4, (regions, products)))
    region_names = np.array([f"R{at:05d}" for at in range(regions)])
    product_names = np.array([f"{at:06d}" for at in range(products)])
    schema = pa.schema([("year", pa.int32()), ("region", pa.string()), ("hs6", pa.string()), ("value", pa.float64())])
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for year in range(years):
            noise = rng.normal(0, 1, (regions, products))
            values = np.exp(0.6 * base + 0.25 * noise) * taste * size
            r, p = np.nonzero(base + noise > 0)
            columns = [np.full(len(r), 2000 + year, "int32"), region_names[r], product_names[p], np.maximum(1, np.round(values[r, p]))]
            writer.write_table(pa.table(columns, schema=schema))


def make_trade(path, regions, products, years):
    """The same in a process of its own: its memory would be counted as that of what is started next."""
    timing.python("import sys; from space import made_up_trade; made_up_trade(sys.argv[1], *map(int, sys.argv[2:]))",
                  path, regions, products, years)


PY_ECOMPLEXITY = """
import json, sys, time, warnings
import pandas as pd
warnings.simplefilter("ignore")
from ecomplexity import ecomplexity
d = pd.read_parquet(sys.argv[1])
d = d[d.year.isin(sorted(d.year.unique())[:int(sys.argv[2])])]
begun = time.perf_counter()
out = ecomplexity(d, {"time": "year", "loc": "region", "prod": "hs6", "val": "value"}, check_logsupermodularity=False, verbose=False)
seconds = time.perf_counter() - begun
out[["year", "region", "hs6", "rca", "density", "cog", "eci", "pci", "coi"]].to_parquet(sys.argv[3])
print(json.dumps({"seconds": seconds}))
"""

ECONCOMPLEX = """
import json, sys, time, warnings
import pandas as pd
warnings.simplefilter("ignore")
import econcomplex
d = pd.read_parquet(sys.argv[1])
d = d[d.year == d.year.min()]
x = d.pivot_table(index="region", columns="hs6", values="value", aggfunc="sum", fill_value=0)
begun = time.perf_counter()
rca = econcomplex.rca(x)
density = econcomplex.relatedness_density(x)
eci = econcomplex.eci_pci_eigenvector(x)
print(json.dumps({"seconds": time.perf_counter() - begun}))
"""

NUMPY = """
import json, sys, time
import numpy as np, pandas as pd
d = pd.read_parquet(sys.argv[1])
d = d[d.year == d.year.min()]
x = d.pivot_table(index="region", columns="hs6", values="value", aggfunc="sum", fill_value=0).values.astype(float)
begun = time.perf_counter()
rca = x / x.sum(1, keepdims=True) / (x.sum(0) / x.sum())
m = (rca >= 1).astype(float)
k, diversity = m.sum(0), m.sum(1)
phi = m.T @ m / np.maximum.outer(k, k)
density = m @ phi / phi.sum(0)
s = (m / np.sqrt(diversity)[:, None])
values, vectors = np.linalg.eigh((s / k) @ s.T)
print(json.dumps({"seconds": time.perf_counter() - begun}))
"""

SAME = """
import sys
import numpy as np, pandas as pd
keys = ["year", "region", "hs6"]
ours = pd.read_parquet(sys.argv[1])
ours["year"] = ours["year"].astype(str).astype(int)
peer = pd.read_parquet(sys.argv[2])
both = ours.merge(peer, on=keys, suffixes=("", "_peer"))
assert len(both) == len(peer) > 0, (len(both), len(peer))
for own, other in [("rca", "rca_peer"), ("density", "density_peer"), ("eci", "eci_peer"), ("pci", "pci_peer"), ("outlook_index", "coi"), ("outlook_gain", "cog")]:
    a, b = both[own].astype(float), both[other].astype(float)
    if own == "outlook_gain":
        a, b = a[a.notna()], b[a.notna()]
    worst = np.nanmax(np.abs(a - b) / np.maximum(1, np.abs(b)))
    assert worst < 1e-8, (own, worst)
print(f"{len(both):,} cells: RCA, density, ECI, PCI, COI and COG within 1e-8")
"""


def timed(command, **options):
    """Seconds, peak memory in MiB, and what it printed."""
    took = timing.run(command, stderr=subprocess.STDOUT, **options)
    return took.seconds, took.mib, took.output


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rebound")
    parser.add_argument("--regions", type=int, default=340)
    parser.add_argument("--products", type=int, default=5000)
    parser.add_argument("--years", type=int, default=17)
    parser.add_argument("--peer-years", type=int, default=1, help="years that py-ecomplexity is given: it takes a minute each")
    parser.add_argument("--repeat", type=int, default=3)
    asked = parser.parse_args()
    rebound = os.path.abspath(asked.rebound)
    metrics = "rca,density,outlook-gain,diversity,eci,outlook-index,ubiquity,pci"
    with tempfile.TemporaryDirectory(prefix="bench-", dir=ROOT / "target") as folder:
        folder = pathlib.Path(folder)

        def ours(file, *more):
            command = [rebound, "--log-format", "json", "measure", str(file), "--like", "py-ecomplexity", "--format", "parquet"]
            found = [timed([*command, "-o", str(folder / "ours.parquet"), *more]) for _ in range(asked.repeat)]
            alone = [float(re.search(r'"seconds":"?([0-9.]+)', output).group(1)) for _, _, output in found]
            return statistics.median(s for s, _, _ in found), max(m for _, m, _ in found), statistics.median(alone)

        one, all_years = folder / "one.parquet", folder / "all.parquet"
        make_trade(one, asked.regions, asked.products, asked.peer_years)
        make_trade(all_years, asked.regions, asked.products, asked.years)
        shape = f"{asked.regions} x {asked.products}"
        whole, memory, base = ours(one, "--metrics", metrics)
        rows = [
            (f"rebound, {shape} x {asked.peer_years}, measuring alone", base, memory),
            (f"rebound, {shape} x {asked.peer_years}, Parquet to Parquet", whole, memory),
        ]
        for name, code, more in [
            ("py-ecomplexity", PY_ECOMPLEXITY, [str(asked.peer_years), str(folder / "peer.parquet")]),
            ("econcomplex (no outlook)", ECONCOMPLEX, []),
            ("numpy (bare algebra, no outlook)", NUMPY, []),
        ]:
            _, memory, output = timed([sys.executable, "-c", code, str(one), *more])
            rows.append((name, json.loads(output.splitlines()[-1])["seconds"], memory))
        subprocess.run([sys.executable, "-c", SAME, str(folder / "ours.parquet"), str(folder / "peer.parquet")], check=True)
        for name, seconds, memory in rows:
            print(f"  {name:44} {seconds:8.2f} s  {seconds / base:7.2f} x rebound  {memory:7.0f} MiB")
            history.keep("space", name if shape in name else f"{shape} x {asked.peer_years}: {name}", seconds, memory)
        print("growth: Parquet to Parquet, measuring alone, peak memory")

        def grow(title, *more):
            seconds, memory, alone = ours(*more)
            print(f"  {title:44} {seconds:8.2f} s  {alone:8.2f} s  {memory:7.0f} MiB")
            history.keep("space", title, seconds, memory)

        grow(f"{shape} x {asked.years}, all cells", all_years, "--metrics", metrics)
        grow(f"{shape} x {asked.years}, regions only", all_years, "--metrics", "diversity,eci,outlook-index,mean-density")
        for regions, products in [(85, 5000), (170, 5000), (680, 5000), (340, 1250), (340, 2500), (340, 20000)]:
            make_trade(one, regions, products, 1)
            grow(f"{regions} x {products} x 1, all cells", one, "--metrics", metrics)


if __name__ == "__main__":
    main()
