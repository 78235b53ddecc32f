"""A lake on an S3 server: the same bytes as in a folder, published on a condition, whatever is killed or races.

    python tests/python/s3_lake.py REBOUND LAKE

LAKE is the Australian sample's, in a folder. The server is moto's, on loopback, in this process, behind one that fails as it is told."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

from faulty_s3 import FaultyS3

ROOT = pathlib.Path(__file__).resolve().parents[2]
PIPELINE = "pipelines/australia.yaml"


def main():
    rebound, local = os.path.abspath(sys.argv[1]), pathlib.Path(sys.argv[2])
    server = FaultyS3()
    store, environment = server.store, {**os.environ, **server.environment}
    store.create_bucket(Bucket="lakes")

    def run(*arguments, code=0, **more):
        ran = subprocess.run([rebound, *arguments], cwd=ROOT, env={**environment, **more}, capture_output=True, text=True)
        assert ran.returncode == code, ran
        return ran

    def objects(prefix):
        pages = store.get_paginator("list_objects_v2").paginate(Bucket="lakes", Prefix=prefix)
        return {item["Key"].removeprefix(prefix): item for page in pages for item in page.get("Contents", [])}

    def body(key):
        return store.get_object(Bucket="lakes", Key=key)["Body"].read()

    lake = "s3://lakes/trade/australia"
    run("run", PIPELINE, "--lake", lake)
    found = objects("trade/australia/")
    files = [path.relative_to(local) for path in local.glob("tables/*/*/*.parquet")]
    assert len(files) > 50, files
    for path in files:
        assert body(f"trade/australia/{path}") == (local / path).read_bytes(), path
    assert {name for name in found if name.endswith(".parquet")} == {str(path) for path in files}
    assert "up to date" in run("run", PIPELINE, "--lake", lake).stdout
    assert "16" in run("sql", "--lake", lake, "select count(*) from panel.region").stdout
    assert "published" in run("runs", "--lake", lake).stdout
    assert "exact" in run("reconcile", "--lake", lake).stdout
    print(f"S3 lake: {len(files)} files, the same bytes as in a folder")

    with tempfile.TemporaryDirectory() as folder:
        for name in ("config", "samples"):
            os.symlink(ROOT / name, pathlib.Path(folder, name))
        changed = pathlib.Path(folder, "pipelines")
        shutil.copytree(ROOT / "pipelines", changed)

        def pipeline(name, config):
            (changed / f"{name}.yaml.config").write_text(config)
            text = (ROOT / PIPELINE).read_text()
            text = text.replace("  - ../config/australia.yaml\n", f"  - ../config/australia.yaml\n  - {name}.yaml.config\n")
            assert name in text
            (changed / f"{name}.yaml").write_text(text)
            return str(changed / f"{name}.yaml")

        # A run that is killed leaves what is published as it is, and the next one ends its work.
        before = body("trade/australia/catalog.json")
        killed = pipeline("killed", "relatedness: {diagonal: included}\n")
        process = subprocess.Popen([rebound, "--log-format", "json", "run", killed, "--lake", lake], cwd=ROOT, env=environment,
                                   stderr=subprocess.PIPE, text=True)
        for line in process.stderr:
            if "stage started" in line and '"panel.' in line:
                break
        process.kill()
        process.wait()
        assert body("trade/australia/catalog.json") == before
        assert "16" in run("sql", "--lake", lake, "select count(*) from panel.region").stdout
        assert "not ended" in run("runs", "--lake", lake).stdout
        ended = run("run", killed, "--lake", lake).stdout
        assert re.search(r"relatedness +reused", ended) and "published 66 tables" in ended, ended
        print("S3 lake: a killed run leaves the old tables published; the next goes on where it stopped")

        # Of runs that race only one publishes; the other says so, and nothing is a mixture.
        racing = [pipeline("one", "spatial: {permutations: 99}\n"), pipeline("two", "spatial: {permutations: 199}\n")]
        processes = [
            subprocess.Popen([rebound, "run", path, "--lake", lake], cwd=ROOT, env=environment, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)
            for path in racing
        ]
        outputs = [(*process.communicate(), process.returncode) for process in processes]
        codes = sorted(code for _, _, code in outputs)
        if codes != [0, 0]:  # they met
            assert codes == [0, 1], outputs
            assert any("another run published in" in err for _, err, _ in outputs), outputs
            lost = next(path for path, (_, _, code) in zip(racing, outputs) if code)
            again = run("run", lost, "--lake", lake).stdout
            assert "published 66 tables" in again and re.search(r"spatial +reused", again), again
        met = codes == [0, 1]

        # The same, where the other publishes for certain between the plan and the end.
        late = subprocess.Popen([rebound, "--log-format", "json", "run", pipeline("late", "spatial: {permutations: 299}\n"), "--lake", lake],
                                cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
        for line in late.stderr:
            if "stage started" in line:
                break
        assert any(name.startswith(f"{late.pid}-") for name in objects("trade/australia/leases/")), "the run holds no lease"
        catalog = body("trade/australia/catalog.json")
        store.put_object(Bucket="lakes", Key="trade/australia/catalog.json", Body=catalog + b"\n")
        told = late.stderr.read()
        assert late.wait() == 1 and "another run published in" in told, told
        assert not any(name.startswith(f"{late.pid}-") for name in objects("trade/australia/leases/")), "its lease stayed"
        assert body("trade/australia/catalog.json") == catalog + b"\n"
        print(f"S3 lake: of runs that race one publishes and the other says so{'' if met else ' (the first two did not meet)'}")

        # The catalog is put, and the answer is lost: the run published, and says and records so.
        def on_catalog(put, get):
            faults = {"PUT": put, "GET": get}
            is_late = lambda: server.server.counts.get(("PUT", "/lakes/trade/australia/catalog.json"), 0) > 0
            return lambda method, path, n: faults.get(method) if path.endswith("catalog.json") and (method == "PUT" or is_late()) else None

        server.fail(on_catalog("lost", None))
        told = run("run", pipeline("lost", "spatial: {permutations: 399}\n"), "--lake", lake)
        assert "published 66 tables" in told.stdout and "the catalog in the lake is that of this run" in told.stderr, told
        newest = run("runs", "--lake", lake).stdout.splitlines()[1]
        assert " published " in newest and "<- published" in newest, newest
        # Nor can the catalog be read afterwards: nobody knows, until it can be.
        server.fail(on_catalog("lost", "denied"))
        told = run("run", pipeline("dark", "spatial: {permutations: 499}\n"), "--lake", lake, code=1).stderr
        assert "it is not known whether this run published" in told, told
        server.heal()
        newest = run("runs", "--lake", lake).stdout.splitlines()[1]
        assert " unknown " in newest and "<- published" in newest, newest
        assert "up to date" in run("run", pipeline("dark", "spatial: {permutations: 499}\n"), "--lake", lake).stdout
        # A catalog that is damaged is made again, on the condition that it is still that one.
        catalog = body("trade/australia/catalog.json")
        store.put_object(Bucket="lakes", Key="trade/australia/catalog.json", Body=catalog[:1000])
        assert "rebound verify --repair" in run("run", PIPELINE, "--lake", lake, code=1).stderr
        run("verify", "--repair", "--lake", lake)
        assert body("trade/australia/catalog.json") == catalog
        print("S3 lake: an answer that is lost is recorded as what happened, and a damaged catalog is made again")

    assert "freed 0 B" in run("gc", "--keep", "1", "--lake", lake).stdout
    assert "16" in run("sql", "--lake", lake, "select count(*) from panel.region").stdout
    missing = run("run", PIPELINE, "--lake", "s3://nowhere/x", code=1)
    assert "nowhere" in missing.stderr or "catalog.json" in missing.stderr, missing.stderr
    server.stop()


if __name__ == "__main__":
    main()
