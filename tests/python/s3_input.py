"""Raw files on an S3 server are found by a pattern, read, and read again only when they change.

    python tests/python/s3_input.py REBOUND

The server is moto's, on loopback, in this process."""

import logging
import os
import pathlib
import subprocess
import sys
import tempfile

import boto3
from moto.server import ThreadedMotoServer

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
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    rebound = os.path.abspath(sys.argv[1])
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    _, port = server.get_host_and_port()
    endpoint = f"http://127.0.0.1:{port}"
    keys = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1"}
    store = boto3.client("s3", endpoint_url=endpoint, aws_access_key_id="key", aws_secret_access_key="secret", region_name="us-east-1")
    store.create_bucket(Bucket="customs")

    def put(name, value):
        row = f"200001,0,4403161234,A,6,85171100,502,{value},1,10\n"
        store.put_object(Bucket="customs", Key=name, Body=(HEADER + row).encode())

    put("raw/a.csv", 7)
    put("raw/b.csv", 8)
    put("raw/b.txt", 9)
    put("other/c.csv", 10)
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "none").mkdir()
        (pathlib.Path(folder) / "pipeline.yaml").write_text(PIPELINE.format(root=ROOT))
        environment = {**os.environ, **keys, "AWS_ENDPOINT_URL": endpoint, "AWS_ALLOW_HTTP": "true"}

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
        text = (pathlib.Path(folder) / "pipeline.yaml").read_text().replace("customs/raw", "nowhere/raw")
        (pathlib.Path(folder) / "pipeline.yaml").write_text(text)
        assert "s3://nowhere/raw/*.csv" in run("run", "pipeline.yaml", code=2).stderr
    server.stop()
    print("S3: found, read, and read again when changed")


if __name__ == "__main__":
    main()
