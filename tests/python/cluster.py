"""Runs on a Ballista cluster: the same bytes as without one, and executors that die.

    python tests/python/cluster.py REBOUND

The scheduler and the executors are on loopback; the data are a made-up nation's and the Australian sample."""

import contextlib
import hashlib
import json
import os
import pathlib
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
REBOUND = os.path.abspath(sys.argv[1])
AUSTRALIA = str(ROOT / "pipelines/australia.yaml")


def free_port():
    """A port that is free, as is the next; not one of those that clients get for their connections."""
    while True:
        port = random.randrange(20_000, 32_000, 2)
        with socket.socket() as one, socket.socket() as two, contextlib.suppress(OSError):
            one.bind(("127.0.0.1", port))
            two.bind(("127.0.0.1", port + 1))
            return port


@contextlib.contextmanager
def cluster(n, tasks=1):
    """A scheduler and `n` executors of `tasks` at a time: the address, and the executors' processes."""
    logs = tempfile.TemporaryDirectory()

    def start(name, *arguments):
        log = open(pathlib.Path(logs.name, name), "w")
        return subprocess.Popen([REBOUND, "cluster", *arguments], stderr=log, stdout=log)

    port = free_port()
    address = f"127.0.0.1:{port}"
    processes = [start("scheduler", "scheduler", "--bind", address, "--executor-timeout", "6")]
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            break
        time.sleep(0.1)
    executors = [
        start(f"executor-{at}", "executor", "--scheduler", address, "--bind", f"127.0.0.1:{free_port()}", "--tasks", str(tasks), "--heartbeat", "1")
        for at in range(n)
    ]
    processes += executors
    try:
        yield address, executors
        assert processes[0].poll() is None, pathlib.Path(logs.name, "scheduler").read_text()
    finally:
        # An executor whose scheduler goes first says so, and fails.
        for group in (executors, processes):
            for process in group:
                process.terminate()
            for process in group:
                process.wait(20)
        for process in processes:
            # Asked to end, they end well; killed ones do not.
            assert process.wait(20) in (0, -9), [log.read_text() for log in pathlib.Path(logs.name).iterdir()]
        logs.cleanup()


def run(*arguments, code=0, cwd=ROOT):
    ran = subprocess.run([REBOUND, *arguments], cwd=cwd, capture_output=True, text=True, timeout=300)
    assert ran.returncode == code, ran
    return ran


def files(lake):
    """The hash of every Parquet file of a lake."""
    paths = sorted(pathlib.Path(lake).glob("tables/*/*/*.parquet"))
    return {str(path.relative_to(lake)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def nation(folder, rows):
    """A pipeline of a made-up nation's records, one raw file a year, up to a panel that is made year by year."""
    run("synth", "--layout", str(ROOT / "config/layouts/china_2007_2011.yaml"), "-o", "made", "--rows", str(rows), "--regions", "60",
        "--products", "400", "--dirt", "0.02", cwd=folder)
    (folder / "sql").mkdir()
    (folder / "checks").mkdir()
    (folder / "sql/panel.shares.sql").write_text(
        "-- about: share of each product in its region\n-- key: year, region_code, product\n"
        "-- each: year in select distinct year from trade.region_year order by year\n"
        "select year, region_code, product, cast(fob_value as double) / sum(cast(fob_value as double)) over (partition by region_code) as share\n"
        "from trade.region_product_year where year = $year order by region_code, product\n")
    (folder / "sql/panel.total.sql").write_text(
        "-- about: total\n-- key: year\nselect year, sum(fob_value) as fob_value from trade.region_year group by year order by year\n")
    shutil.copy(ROOT / "pipelines/checks/trade.region_product_year__keeps_every_cent.sql", folder / "checks")
    (folder / "more.yaml").write_text("ingest: {max_rejected_share: 0.05}\naggregate: {firms: true, months: true, quantities: true}\n")
    (folder / "pipeline.yaml").write_text(json.dumps({
        "name": "made", "config": [str(ROOT / "config/default.yaml"), "more.yaml"], "lake": "lake", "sql": "sql", "checks": "checks",
        "sources": [{"layout": str(ROOT / "config/layouts/china_2007_2011.yaml"), "files": ["made/records/*"], "exclude": []}],
        "stages": ["ingest", "aggregate", "panels"]}))
    run("run", "pipeline.yaml", "--lake", "alone", cwd=folder)
    return files(folder / "alone")


def kills_at(stage, folder, address, executor, lake):
    """Runs, and kills `executor` when `stage` has begun."""
    process = subprocess.Popen(
        [REBOUND, "--log-format", "json", "run", "pipeline.yaml", "--lake", lake, "--engine", "ballista", "--scheduler", address],
        cwd=folder, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    said = []
    for line in process.stderr:
        said.append(line)
        fields = json.loads(line)["fields"]
        if fields.get("message") == "stage started" and fields.get("stage") == stage:
            time.sleep(0.3)
            executor.kill()
    assert process.wait(300) is not None
    return process.returncode, "".join(said)


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        alone = nation(folder, 3_000_000)
        assert len(alone) > 40, alone
        with cluster(2, 2) as (address, _):
            away = ("--engine", "ballista", "--scheduler", address)
            run("run", "pipeline.yaml", "--lake", "cluster", *away, cwd=folder)
            assert files(folder / "cluster") == alone
            assert "reuse" in run("plan", "pipeline.yaml", "--lake", "cluster", cwd=folder).stdout
            print(f"a made-up nation on two executors: {len(alone)} files, the same bytes as without a cluster")

            run("run", AUSTRALIA, "--lake", str(folder / "australia"), *away)
            run("run", AUSTRALIA, "--lake", str(folder / "australia-alone"))
            same = files(folder / "australia-alone")
            assert len(same) > 50 and files(folder / "australia") == same
            print(f"the Australian sample: {len(same)} files, the same bytes")

            # What is wrong with the input is said as it is without a cluster, and the cluster goes on.
            text = (folder / "pipeline.yaml").read_text()
            (folder / "wrong").mkdir()
            (folder / "wrong/records.csv").write_text("a,b,c\n1,2,3\n")
            (folder / "wrong.yaml").write_text(text.replace("made/records/*", "wrong/*"))
            said = run("run", "wrong.yaml", "--lake", "wrong-lake", *away, cwd=folder, code=2).stderr
            assert "wrong/records.csv" in said and "on the executor 127.0.0.1:" in said, said
            assert not (folder / "wrong-lake/catalog.json").exists()
            said = run("run", "pipeline.yaml", "--lake", "other", "--no-records", *away, cwd=folder, code=2).stderr
            assert "a cluster sums what it finds in kept records" in said, said
            # The pipeline's own keys.
            (folder / "keys.yaml").write_text(json.dumps({**json.loads(text), "engine": "ballista", "scheduler": address}))
            run("run", "keys.yaml", "--lake", "keys", cwd=folder)
            assert files(folder / "keys") == alone
            print("errors come back as they are, and so do the pipeline's keys")

        for stage in ("ingest", "aggregate"):
            with cluster(2) as (address, executors):
                lake = f"killed-at-{stage}"
                code, said = kills_at(stage, folder, address, executors[1], lake)
                assert code == 0, said
                assert files(folder / lake) == alone
                print(f"an executor killed in {stage}: survived")

        with cluster(1) as (address, executors):
            code, said = kills_at("aggregate", folder, address, executors[0], "all-killed")
            assert code == 1 and "the cluster failed" in said, said
            assert not (folder / "all-killed/catalog.json").exists()
            print("all executors killed: a clear error, nothing published")
            # They come back, and the next run ends the work.
        with cluster(1) as (address, _):
            run("run", "pipeline.yaml", "--lake", "all-killed", "--engine", "ballista", "--scheduler", address, cwd=folder)
            assert files(folder / "all-killed") == alone
        with cluster(0) as (address, _):
            said = run("run", "pipeline.yaml", "--lake", "nobody", "--engine", "ballista", "--scheduler", address, cwd=folder, code=1).stderr
            assert "has had no executor" in said, said
            print("a scheduler without executors: said so")
        port = free_port()
        lost = subprocess.run([REBOUND, "cluster", "executor", "--scheduler", f"127.0.0.1:{port}", "--bind", f"127.0.0.1:{free_port()}"],
                              capture_output=True, text=True, timeout=120)
        assert lost.returncode == 1 and str(port) in lost.stderr, lost
        refused = subprocess.run([REBOUND, "cluster", "scheduler", "--bind", "0.0.0.0:0"], capture_output=True, text=True, timeout=60)
        assert refused.returncode == 1 and "needs --host" in refused.stderr, refused
        said = run("run", "pipeline.yaml", "--lake", "nobody", "--engine", "ballista", "--scheduler", f"127.0.0.1:{free_port()}", cwd=folder,
                   code=2).stderr
        assert "no scheduler answers" in said, said
        said = run("run", "pipeline.yaml", "--lake", "nobody", "--engine", "ballista", cwd=folder, code=2).stderr
        assert "needs the address of a scheduler" in said, said
        print("no scheduler: said so")


if __name__ == "__main__":
    main()
