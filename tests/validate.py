"""The made-up nation's known process is found again: how often the true value lies in the 95 % interval.

    python tests/validate.py REBOUND [--seeds N]

Each seed is a nation of its own, run from raw records to models. Fails if any parameter is in its interval in fewer than 90 of 100."""

import argparse
import collections
import csv
import io
import pathlib
import re
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
OUTCOMES = ["resistance", "recovery", "upgrading"]


def truth(folder):
    text = (folder / "made/truth.yaml").read_text()
    values = {}
    for outcome in OUTCOMES:
        line = re.search(rf"^{outcome}: \{{(.*)\}}$", text, re.M).group(1)
        for part in line.split(","):
            term, value = part.split(":")
            values[outcome, term.strip()] = float(value)
    return values


def one(rebound, seed):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        run = lambda *arguments: subprocess.run([rebound, "--quiet", *map(str, arguments)], check=True, capture_output=True, text=True).stdout
        run("synth", "--layout", ROOT / "config/layouts/china_2007_2011.yaml", "-o", folder / "made", "--rows", 60000, "--regions", 80,
            "--products", 300, "--from", 2007, "--to", 2011, "--seed", seed)
        text = (ROOT / "pipelines/nation.yaml").read_text()
        text = text.replace("../made-up/", "made/").replace("../lake-nation", "lake")
        for shared in ["config", "samples"]:
            text = text.replace(f"../{shared}", str(ROOT / shared))
        text = re.sub(r"^models:.*$", f"models: [{ROOT / 'pipelines/models/truth.yaml'}]", text, flags=re.M)
        text = re.sub(r"^sql: .*$", f"sql: {ROOT / 'pipelines/sql'}", text, flags=re.M)
        text = re.sub(r"^checks: .*$", f"checks: {ROOT / 'pipelines/checks'}", text, flags=re.M)
        (folder / "pipeline.yaml").write_text(text)
        run("run", folder / "pipeline.yaml")
        rows = csv.DictReader(io.StringIO(run("estimate", "--lake", folder / "lake", "--format", "csv")))
        true = truth(folder)
        found = {}
        for row in rows:
            term = {"(intercept)": "constant"}.get(row["term"], row["term"])
            value = true[row["outcome"], term]
            found[row["outcome"], term] = float(row["low"]) <= value <= float(row["high"])
        assert set(found) == set(true), set(true) ^ set(found)
        return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("rebound")
    parser.add_argument("--seeds", type=int, default=100)
    args = parser.parse_args()
    inside = collections.Counter()
    rebound = str(pathlib.Path(args.rebound).resolve())
    for seed in range(1, args.seeds + 1):
        for key, is_in in one(rebound, seed).items():
            inside[key] += is_in
    bad = []
    for key in sorted(inside):
        share = inside[key] / args.seeds
        print(f"{key[0]:<12} {key[1]:<12} in its interval in {inside[key]} of {args.seeds}")
        if share < 0.9:
            bad.append(key)
    assert not bad, f"below 90 %: {bad}"


main()
