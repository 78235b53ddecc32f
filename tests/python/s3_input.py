"""Raw files on an S3 server are found by a pattern, read, and read again only when they change.

    python tests/python/s3_input.py REBOUND [--long]

--long waits until the program gives a store up, which takes a minute.

The server is moto's, on loopback, in this process, behind one that stops sending."""

import os
import pathlib
import subprocess
import sys
import tempfile
import time

from faulty_s3 import FaultyS3

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEADER = "shipment_date,exp_imp,party_id,company,CompanyType,hs_id,country,value,quantity,shipment\n"
PIPELINE = """name: s3
config: [{root}/config/default.yaml]
lake: lake
sources:
  - {{layout: {root}/config/layouts/china_2000_2001.yaml, files: ['s3://customs/raw/*.csv'], exclude: []}}
sql: none
checks: none
stages: [ingest]
"""


def main():
    rebound = os.path.abspath(sys.argv[1])
    server = FaultyS3()
    store = server.store
    store.create_bucket(Bucket="customs")

    def put(name, value):
        row = f"200001,0,4403161234,A,6,85171100,502,{value},1,10\n"
        store.put_object(Bucket="customs", Key=name, Body=(HEADER + row).encode(), ACL="public-read")

    put("raw/a.csv", 7)
    put("raw/b.csv", 8)
    put("raw/b.txt", 9)
    put("other/c.csv", 10)
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "none").mkdir()
        (pathlib.Path(folder) / "pipeline.yaml").write_text(PIPELINE.format(root=ROOT))
        environment = {**os.environ, **server.environment}

        def run(*arguments, code=0):
            ran = subprocess.run([rebound, *arguments], cwd=folder, env=environment, capture_output=True, text=True)
            assert ran.returncode == code, ran
            return ran

        def total():
            return run("sql", "select sum(fob_value) from customs.records", "--format", "csv").stdout.split()[1]

        run("run", "pipeline.yaml")
        assert total() == "15.00", total()
        assert "up to date" in run("run", "pipeline.yaml").stdout
        put("raw/b.csv", 80)
        assert "1 of 1 to build" in run("plan", "pipeline.yaml").stdout
        run("run", "pipeline.yaml")
        assert total() == "87.00", total()

        # A body that is cut is asked for again from where it stopped, whether the store gives tags or not.
        def large(value):
            row = f"200001,0,4403161234,A,6,85171100,502,{value},1,10\n"
            store.put_object(Bucket="customs", Key="raw/large.csv", Body=(HEADER + row * 6000).encode(), ACL="public-read")

        by_s3 = pathlib.Path(folder) / "pipeline.yaml"
        text = by_s3.read_text()
        by_http = text.replace("'s3://customs/raw/*.csv'", ", ".join(f"'{server.endpoint}/customs/raw/{name}.csv'" for name in ("a", "b", "large")))
        for value, has_tags in ((1, True), (2, False)):
            large(value)
            server.server.has_tags = has_tags
            by_s3.write_text(text if has_tags else by_http)
            server.fail(lambda method, path, n: ("cut", 70_000) if method == "GET" and path.endswith("large.csv") else None)
            run("run", "pipeline.yaml")
            assert total() == f"{87 + 6000 * value}.00", total()
            n_asked = server.server.counts["GET", "/customs/raw/large.csv"]
            assert 4 <= n_asked <= 12, n_asked
        server.server.has_tags = True
        by_s3.write_text(text)
        print("S3: bodies that are cut are asked for again from where they stopped")
        server.heal()
        if "--long" in sys.argv:
            # If nothing more comes, the store is at fault.
            large(3)
            begun = time.monotonic()
            server.fail(lambda method, path, n: ("cut", 70_000 if n == 0 else 0) if method == "GET" and path.endswith("large.csv") else None)
            told = run("run", "pipeline.yaml", code=1).stderr
            assert "raw/large.csv" in told and "sent 70000 of 264089 bytes" in told, told
            print(f"S3: given up after {time.monotonic() - begun:.0f} s: {told.splitlines()[-1]}")
            server.heal()
            run("run", "pipeline.yaml")
            assert total() == "18087.00", total()
        text = (pathlib.Path(folder) / "pipeline.yaml").read_text().replace("customs/raw", "nowhere/raw")
        (pathlib.Path(folder) / "pipeline.yaml").write_text(text)
        assert "s3://nowhere/raw/*.csv" in run("run", "pipeline.yaml", code=2).stderr
    server.stop()
    print("S3: found, read, and read again when changed")


if __name__ == "__main__":
    main()
