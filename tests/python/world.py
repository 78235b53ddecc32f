"""A small made-up nation in a folder, and what its pipeline publishes under each of a few configs."""

import hashlib
import json
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
PIPELINE = """name: small
config: [{root}/config/default.yaml, config-{variant}.yaml]
lake: lake
sources:
  - {{layout: {root}/config/layouts/china_2007_2011.yaml, files: ['made-up/records/*'], exclude: []}}
sql: sql
checks: checks
stages: [ingest, aggregate, relatedness, diversification, resilience, panels]
"""
# Seeds change few tables; the limit is of ingest, and so of all.
CONFIG = """relatedness: {{proximity_years: [2007]}}
resilience: {{bootstrap_replicates: 20, bootstrap_seed: {variant}}}
ingest: {{max_rejected_share: {share}}}
"""
PANEL = """-- key: region_code, year
-- about: exports of a region in a year
select r.region_code, r.year, r.fob_value, s.mean_density
from trade.region_year r join space.region_year s on r.region_code = s.region_code and r.year = s.year
order by r.region_code, r.year
"""
CHECK = "select year from trade.region_year group by year having sum(fob_value) < 0\n"


class World:
    def __init__(self, folder, rebound):
        self.folder, self.rebound = pathlib.Path(folder).resolve(), os.path.abspath(rebound)
        self.folder.mkdir(exist_ok=True)
        self.known = {}
        for name, text in (("sql/panel.small.sql", PANEL), ("checks/sums.sql", CHECK)):
            (self.folder / name).parent.mkdir(exist_ok=True)
            (self.folder / name).write_text(text)
        self.ok("synth", "--layout", ROOT / "config/layouts/china_2007_2011.yaml", "-o", "made-up", "--rows", "5000", "--regions", "12",
                "--products", "60", "--from", "2007", "--to", "2011", "--dirt", "0.01")

    def command(self, *arguments):
        return [self.rebound, *map(str, arguments)]

    def run(self, *arguments, **options):
        options = {"timeout": 300, **options}
        return subprocess.run(self.command(*arguments), cwd=self.folder, capture_output=True, text=True, **options)

    def ok(self, *arguments, **options):
        ran = self.run(*arguments, **options)
        assert ran.returncode == 0, ran
        return ran

    def pipeline(self, variant):
        """The pipeline under a config: those of odd numbers differ in all tables, the others in some."""
        path = self.folder / f"small-{variant}.yaml"
        if not path.exists():
            path.write_text(PIPELINE.format(root=ROOT, variant=variant))
            share = 1.0 if variant % 2 == 0 else 0.9
            (self.folder / f"config-{variant}.yaml").write_text(CONFIG.format(variant=variant, share=share))
        return path.name

    def published(self, lake, read=None):
        """The hashes of the files of each table that the catalog names."""
        read = read or (lambda path: (self.folder / lake / path).read_bytes())
        tables = json.loads(read("catalog.json"))["tables"]
        return {name: [hashlib.sha256(read(file["path"])).hexdigest() for file in version["files"]] for name, version in tables.items()}

    def expected(self, variant):
        """What a clean run publishes."""
        if variant not in self.known:
            lake = f"clean-{variant}"
            self.ok("run", self.pipeline(variant), "--lake", lake)
            self.known[variant] = self.published(lake)
            assert len(self.known[variant]) == 55, len(self.known[variant])
        return self.known[variant]

    def state(self, lake, variants, read=None):
        """Which of the variants is published, whole."""
        found = self.published(lake, read)
        for variant in variants:
            if found == self.expected(variant):
                return variant
        differ = {variant: [name for name in found if found[name] != self.expected(variant).get(name)] for variant in variants}
        raise AssertionError(f"{lake} holds none of {variants}: other tables are {differ}")
