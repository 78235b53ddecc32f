"""Small lakes of made-up exports for tests of the report: one region alone, 340 regions, names in Chinese and in Arabic, no boundaries,
and the made-up nation. Nothing in them is a finding.

    python tests/python/lakes.py REBOUND FOLDER [NAME ...]"""

import csv
import gzip
import json
import math
import pathlib
import random
import subprocess
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
YEARS = range(2003, 2013)
CHINESE = ["内蒙古自治区", "新疆维吾尔自治区", "广西壮族自治区", "黑龙江省", "四川省", "云南省", "广东省", "浙江省", "江苏省", "上海市", "北京市", "香港特别行政区"]
ARABIC = ["المنطقة الشرقية", "منطقة مكة المكرمة", "المدينة المنورة", "الرياض", "القصيم", "تبوك", "حائل", "جازان", "نجران", "منطقة الحدود الشمالية"]
PLAIN = ["Northern Lakes", "Old Harbour and Islands", "St. Mary's", "Upper Valley", "Westmoreland and the Southern Uplands", "East", "Île-de-Nord", "Quay"]
STAGES = ["ingest", "aggregate", "relatedness", "diversification", "resilience", "spatial", "policy", "panels", "models"]
# Benchmarks of a region's own past have prediction intervals.
OWN_PAST = ["aggregate", "mix", "aggregate_loo", "mix_loo", "own_trend", "own_mean", "own_log_linear", "synthetic"]


def prefectures():
    with gzip.open(ROOT / "samples/china-prefectures/prefectures.geojson.gz", "rt", encoding="utf-8") as file:
        return [feature["properties"] for feature in json.load(file)["features"]]


def kinds():
    """What differs between the lakes: codes and names of regions, how many products, where the boundaries are, what is run."""
    coded = lambda names: {f"R{i:02}": name for i, name in enumerate(names, 1)}
    return {
        "one": {"regions": {"R01": "Long Island and the Eastern Reaches"}, "products": 60, "stages": [stage for stage in STAGES if stage != "models"]},
        "many": {"regions": {of["code"]: of["name"] for of in prefectures()[:340]}, "products": 300, "shapes": "prefectures"},
        "chinese": {"regions": coded(CHINESE), "products": 80, "shapes": "made-up", "benchmarks": OWN_PAST},
        "arabic": {"regions": coded(ARABIC), "products": 80, "shapes": "made-up"},
        "plain": {"regions": coded(PLAIN), "products": 80},
    }


def products(n):
    """So many codes of HS2007, from all of its sections."""
    with gzip.open(ROOT / "samples/product-classes/hs2007_classes.csv.gz", "rt", encoding="utf-8") as file:
        codes = sorted({row["hs6"] for row in csv.DictReader(file)})
    return codes[:: len(codes) // n][:n]


def exports(regions, codes, seed):
    """Rows of year, region, product and value: regions are good at products that lie near theirs in the list, all fall in 2009, and
    some are back in 2011."""
    chance = random.Random(seed)
    for place, region in enumerate(regions):
        home, size = chance.random() * len(codes), math.exp(chance.gauss(17, 1.2))
        fall, back, trend = chance.gauss(-0.22, 0.12), chance.gauss(0.2, 0.15), chance.gauss(0.06, 0.03)
        for at, code in enumerate(codes):
            away = min(abs(at - home), len(codes) - abs(at - home)) / len(codes)
            if chance.random() > 0.15 + 0.75 * math.exp(-((away / 0.15) ** 2)) and not at == place % len(codes):
                continue
            worth = size * math.exp(-6 * away + chance.gauss(0, 1.2))
            own, from_year = chance.gauss(0, 0.25), 2010 if chance.random() < 0.05 else 2003
            for year in YEARS:
                log = trend * (year - 2003) + chance.gauss(0, 0.08)
                log += (fall + own) * (year >= 2009) + back * min(1, max(0, (year - 2009) / 2))
                if year >= from_year:
                    yield year, region, code, round(worth * math.exp(log), 2)


def blocks(regions):
    """Shapes that border on one another: a grid whose corners are moved, the first of them small."""
    chance, wide = random.Random(5), math.ceil(math.sqrt(len(regions)))
    corner = {(x, y): [20 + 2.0 * x + chance.uniform(-0.5, 0.5), 20 + 1.6 * y + chance.uniform(-0.4, 0.4)] for x in range(wide + 1) for y in range(wide + 1)}
    features = []
    for i, code in enumerate(regions):
        x, y = i % wide, i // wide
        ring = [corner[x, y], corner[x + 1, y], corner[x + 1, y + 1], corner[x, y + 1], corner[x, y]]
        features.append({"type": "Feature", "properties": {"code": code}, "geometry": {"type": "Polygon", "coordinates": [ring]}})
    return {"type": "FeatureCollection", "features": features}


def write(folder, of, seed):
    """The raw file, its layout, the config and the pipeline of a lake."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "exports.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["year", "region", "product", "value"])
        writer.writerows(exports(of["regions"], products(of["products"]), seed))
    (folder / "layout.yaml").write_text(yaml.safe_dump({
        "name": "made_up", "format": "csv", "csv": {"delimiter": ",", "quote": '"', "encoding": "utf-8", "header": True},
        "fields": {"year": {"column": ["year"]}, "flow": {"constant": "export"}, "region": {"column": ["region"]}, "product": {"column": ["product"]}, "value": {"column": ["value"]}},
        "product": {"digits": 6, "restore_leading_zero": True, "revisions": [{"from": 2000, "to": 2020, "revision": "HS2007"}]},
        "value": {"currency": "USD", "decimal": ".", "thousands": None, "multiplier": 1, "negative": "reject", "zero": "keep"},
        "missing": [""], "regions": of["regions"],
    }, allow_unicode=True), encoding="utf-8")
    (folder / "config.yaml").write_text(yaml.safe_dump({
        "aggregate": {"parts": [], "counts": []},
        "relatedness": {"proximity_years": [2006, 2007, 2008], "min_ubiquity": min(2, len(of["regions"])), "publish_proximity_from": 0.5},
        # Few draws: what they say does not matter here, but that they are drawn does.
        "resilience": {"region_benchmarks": of.get("benchmarks", ["aggregate", "mix", "aggregate_loo", "own_trend"]), "bootstrap_replicates": 100, "weight_draws": 100,
            "episodes": [{"name": "crisis_2008", "base": [2008], "trough": 2009, "end": 2011}]},
        "spatial": {"group_digits": 0},
    }))
    pipeline = {
        "name": folder.name, "config": [str(ROOT / "config/default.yaml"), "config.yaml"], "lake": "lake",
        "sources": [{"layout": "layout.yaml", "files": ["exports.csv"], "exclude": []}],
        "stages": of.get("stages", STAGES), "sql": str(ROOT / "pipelines/sql"),
    }
    if "models" in pipeline["stages"]:
        pipeline["models"] = [str(ROOT / "pipelines/models/density.yaml")]
    if of.get("shapes") == "made-up":
        (folder / "regions.geojson").write_text(json.dumps(blocks(of["regions"])))
        pipeline["boundaries"] = {"file": "regions.geojson", "property": "code"}
    elif of.get("shapes") == "prefectures":
        pipeline["boundaries"] = {"file": str(ROOT / "samples/china-prefectures/prefectures.geojson.gz"), "property": "code"}
    (folder / "pipeline.yaml").write_text(yaml.safe_dump(pipeline, sort_keys=False, allow_unicode=True), encoding="utf-8")


def shipped(rebound, folder, name):
    """A pipeline of this repository with its lake in the folder; the nation is made up first, small."""
    pipeline = yaml.safe_load((ROOT / f"pipelines/{name}.yaml").read_text())
    of = lambda path: str(ROOT / "pipelines" / path)
    folder.mkdir(parents=True, exist_ok=True)
    if name == "nation":
        subprocess.run([rebound, "--quiet", "synth", "--layout", of("../config/layouts/china_2007_2011.yaml"), "-o", str(folder / "made-up"), "--rows", "60000", "--regions", "40", "--products", "150"], check=True)
        pipeline["sources"][0]["files"] = ["made-up/records/*"]
        pipeline["rebate_rates"]["file"] = "made-up/rebate_rates.csv"
        # One model with a grid of specifications, and one of regions: the others say nothing more to the eye.
        pipeline["models"] = ["models/m1.yaml", "models/robustness.yaml"]
    else:
        pipeline["sources"][0]["files"] = [of(path) for path in pipeline["sources"][0]["files"]]
    pipeline |= {"config": [of(path) for path in pipeline["config"]], "lake": "lake", "sql": of(pipeline["sql"]), "models": [of(path) for path in pipeline["models"]]}
    pipeline.pop("checks")
    pipeline["sources"][0]["layout"] = of(pipeline["sources"][0]["layout"])
    for table in [pipeline.get("boundaries"), pipeline.get("proximity"), *pipeline.get("tables", {}).values()]:
        if table:
            table["file"] = of(table["file"])
    (folder / "pipeline.yaml").write_text(yaml.safe_dump(pipeline, sort_keys=False))


def make(rebound, folder, name):
    """Make the lake of that name in a folder of its own below `folder`: its pipeline's file."""
    into = pathlib.Path(folder) / name
    if name in ("nation", "parana", "australia"):
        shipped(rebound, into, name)
    else:
        write(into, kinds()[name], seed=len(name))
    subprocess.run([rebound, "--quiet", "run", str(into / "pipeline.yaml")], check=True)
    return into / "pipeline.yaml"


if __name__ == "__main__":
    for name in sys.argv[3:] or [*kinds(), "nation"]:
        print(make(sys.argv[1], sys.argv[2], name))
