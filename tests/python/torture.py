"""Kills, races, damage, starvation, a faulty S3 and hostile clients, at random, against what is promised of a lake.

    python tests/python/torture.py REBOUND LAKE [--seconds N] [--seed N] [--only KIND,...]

LAKE is the Australian sample's. After each blow the catalog must name the whole of one publication, what the program said of it
must be true, and the next run must make what a clean run makes, byte for byte. A seed gives the same blows again; what they meet
depends on the machine. It ends after N seconds, at the earliest after one blow of each kind, with how many there were of each and
what came of them."""

import argparse
import collections
import json
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

from faulty_s3 import FaultyS3
from world import ROOT, World

VARIANTS = range(4)


class Torture:
    def __init__(self, folder, rebound, sample, seed):
        self.world, self.sample = World(folder / "world", rebound), os.path.abspath(sample)
        self.random = random.Random(seed)
        self.lake, self.now = "lake", 0
        self.world.ok("run", self.world.pipeline(0), "--lake", self.lake)
        self.s3 = None
        # How long a run takes, from its start to its end.
        begun = time.monotonic()
        self.world.ok("run", self.world.pipeline(1), "--lake", "timed")
        self.takes = time.monotonic() - begun
        self.has_server = pathlib.Path(self.world.rebound).with_name("rebound-serve").exists()

    def start(self, *arguments, **options):
        return subprocess.Popen(self.world.command(*arguments), cwd=self.world.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                **options)

    def kill_at_random(self, process, within):
        """What it was doing when it was killed, or how it ended before."""
        try:
            out, err = process.communicate(timeout=self.random.uniform(0, within))
            return process.returncode, out + err
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            return None, out + err

    def other(self):
        return self.random.choice([variant for variant in VARIANTS if variant != self.now])

    def run_lake(self, variant):
        return self.world.run("run", self.world.pipeline(variant), "--lake", self.lake)

    def healed(self, variant):
        """The next run makes what a clean run makes."""
        ran = self.run_lake(variant)
        assert ran.returncode == 0, ran
        assert self.world.state(self.lake, [variant]) == variant
        self.now = variant

    def told_truth(self, code, text, before, after, variant, may_panic=False):
        """What a run says of its publication is what it did."""
        if code == 0:
            assert after == variant, (text, after)
        if re.search(r"nothing was (made or )?published|stays published", text):
            assert after == before, (text, after)
        if "its tables are published" in text:
            assert after == variant, (text, after)
        assert may_panic or "panicked" not in text and "fault of its own" not in text, text

    # The blows: each gives a word for what came of it.

    def kill_run(self):
        variant, before = self.other(), self.now
        code, text = self.kill_at_random(self.start("run", self.world.pipeline(variant), "--lake", self.lake), self.takes * 1.1)
        after = self.world.state(self.lake, [before, variant])
        self.told_truth(code, text, before, after, variant)
        self.healed(variant)
        if code == 0:
            return "ended first"
        return "old stays" if after == before else "new published"

    def kill_gc(self):
        keep = self.random.choice([0, 1])
        code, _ = self.kill_at_random(self.start("gc", "--keep", keep, "--lake", self.lake), 0.05)
        assert self.world.state(self.lake, [self.now]) == self.now
        self.world.ok("verify", "--lake", self.lake)
        self.healed(self.other())
        # Nothing of what was left stays for ever.
        self.world.ok("gc", "--keep", "0", "--lake", self.lake)
        left = [path for path in (self.world.folder / self.lake).rglob("*#*")]
        assert not left, left
        return "ended first" if code == 0 else "killed"

    def kill_export(self):
        out = self.world.folder / "out"
        form = self.random.choice(["csv", "dta", "parquet", "arrow"])
        command = ("export", "resilience.region_product", "panel.small", "--format", form, "-o", "out", "--lake", self.lake)

        def files():
            return {path.name: path.read_bytes() for path in out.iterdir() if "#" not in path.name and not path.name.startswith(".")}

        shutil.rmtree(out, ignore_errors=True)
        self.world.ok(*command)
        old = files()
        self.healed(self.other())
        code, _ = self.kill_at_random(self.start(*command), 0.05)
        found = files()
        self.world.ok(*command)
        new = files()
        assert set(found) == set(old) == set(new)
        for name, text in found.items():
            assert text in (old[name], new[name]), f"{name} is neither the old nor the new"
        return "ended first" if code == 0 else "killed"

    def kill_report(self):
        out = self.world.folder / "report"
        out.mkdir(exist_ok=True)
        page = out / "report.html"
        page.write_text("before")
        code, _ = self.kill_at_random(
            self.start("report", ROOT / "pipelines/australia.yaml", "--no-figures", "--lake", self.sample, "-o", out), 0.5)
        text = page.read_text()
        assert text == "before" or text.rstrip().endswith("</html>"), "half a page"
        return "ended first" if code == 0 else "killed"

    def server(self, **options):
        process = self.start("serve", "--lake", self.lake, "--bind", "127.0.0.1:0", "--interval-s", "1", **options)
        line = process.stdout.readline()
        assert line, process.stderr.read()
        return process, int(re.search(r":(\d+)/rebound", line)[1])

    def answers(self, port):
        import psycopg

        with psycopg.connect(host="127.0.0.1", port=port, dbname="rebound", user="a", autocommit=True, connect_timeout=15) as client:
            assert client.execute("select count(*) from panel.small").fetchone() == (60,)

    def kill_server(self):
        process, port = self.server()
        gone = threading.Event()

        def ask():
            try:
                while not gone.is_set():
                    self.answers(port)
            except Exception:
                assert gone.is_set()

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(self.random.uniform(0, 0.5))
        gone.set()
        process.kill()
        process.communicate()
        for thread in threads:
            thread.join()
        process, port = self.server()
        self.answers(port)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=30)
        assert process.returncode == 0 and "panicked" not in err, err
        # Its lease is what a killed server leaves: it keeps files from gc and nobody from work.
        self.healed(self.other())
        for path in (self.world.folder / self.lake / "leases").glob("*.json"):
            path.unlink()
        return "killed"

    def race(self):
        variants = self.random.sample([variant for variant in VARIANTS if variant != self.now], 2)
        commands = [("run", self.world.pipeline(variant), "--lake", self.lake) for variant in variants]
        commands += [("gc", "--keep", "1", "--lake", self.lake), ("sql", "select count(*) from panel.small", "--lake", self.lake, "--format", "csv")]
        self.random.shuffle(commands)
        processes = []
        for command in commands:
            processes.append((command, self.start(*command)))
            time.sleep(self.random.uniform(0, 0.2))
        refused = 0
        for command, process in processes:
            out, err = process.communicate(timeout=120)
            assert "panicked" not in err, err
            if command[0] == "run":
                assert process.returncode == 0, (command, err)
            elif command[0] == "gc":
                assert process.returncode == 0 or process.returncode == 2 and "in use by process" in err, err
                refused += process.returncode
            elif process.returncode == 0:
                assert out.split() == ["count(*)", "60"] or out.split()[-1] == "60", out
            else:
                # What it read was collected: it says so, and never gives other rows.
                assert "is gone" in err, err
        self.now = self.world.state(self.lake, variants)
        self.world.ok("verify", "--lake", self.lake)
        self.healed(self.other())
        return "gc refused" if refused else "one after the other"

    def files(self):
        """Files of the lake that say or hold something."""
        root = self.world.folder / self.lake
        return sorted(path for path in root.rglob("*") if path.is_file() and path.name != ".lock")

    def mended(self):
        """Damage is found, told and made good."""
        code = self.world.run("verify", "--lake", self.lake).returncode
        assert code in (0, 1, 2, 3), code
        ran = self.run_lake(self.now)
        what = "made again" if code == 3 else "no table"
        if ran.returncode != 0:
            assert ran.returncode == 1 and "rebound verify --repair" in ran.stderr, ran
            repaired = self.world.run("verify", "--repair", "--lake", self.lake)
            what = "catalog repaired"
            if "the catalog is made again" not in repaired.stdout:
                # The records went before it did: what is to be done is said.
                assert "delete what is left of it and the folder `runs`" in repaired.stderr, repaired
                (self.world.folder / self.lake / "catalog.json").unlink(missing_ok=True)
                shutil.rmtree(self.world.folder / self.lake / "runs", ignore_errors=True)
                what = "published anew"
        assert "panicked" not in ran.stderr, ran
        self.healed(self.now)
        self.world.ok("verify", "--lake", self.lake)
        # A record that is none is told, and to be deleted.
        for name in set(re.findall(r"`runs/([^`]*)` in the lake is left out", self.world.ok("runs", "--lake", self.lake).stderr)):
            (self.world.folder / self.lake / "runs" / name).unlink()
        return what

    def flip(self):
        files = self.files()
        if self.random.random() < 0.5:
            catalog = json.loads((self.world.folder / self.lake / "catalog.json").read_text())
            files = [self.world.folder / self.lake / file["path"] for version in catalog["tables"].values() for file in version["files"]]
        path = self.random.choice(files)
        data = bytearray(path.read_bytes())
        way = self.random.choice(["bit", "cut", "zeros", "longer", "empty"])
        if way == "bit" and data:
            data[self.random.randrange(len(data))] ^= 1 << self.random.randrange(8)
        elif way == "cut":
            del data[self.random.randrange(len(data) + 1) :]
        elif way == "zeros" and data:
            start = self.random.randrange(len(data))
            data[start : start + 512] = bytes(len(data[start : start + 512]))
        elif way == "longer":
            data += bytes(self.random.randrange(1, 100))
        elif way == "empty":
            data.clear()
        path.write_bytes(data)
        return self.mended()

    def vanish(self):
        root = self.world.folder / self.lake
        places = self.files() + [path for path in sorted(root.rglob("*")) if path.is_dir()]
        place = self.random.choice(places)
        if place.is_dir():
            shutil.rmtree(place)
        else:
            place.unlink()
        return self.mended()

    def starved(self, limit, least, most):
        variant, before = self.other(), self.now
        amount = self.random.randrange(least, most)

        def limited():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(limit, (amount, amount))

        # Rust's own backtrace of an allocation that failed waits for itself for ever where it can allocate nothing.
        environment = {**os.environ, "RUST_BACKTRACE": "0"}
        ran = self.start("run", self.world.pipeline(variant), "--lake", self.lake, preexec_fn=limited, env=environment)
        out, err = ran.communicate(timeout=120)
        after = self.world.state(self.lake, [before, variant])
        # Where memory for its own start is missing, the system ends a program, or does not load it; libraries panic.
        is_memory = limit == resource.RLIMIT_AS
        code = None if ran.returncode < 0 or ran.returncode == 127 or is_memory and "panicked" in err else ran.returncode
        self.told_truth(code, out + err, before, after, variant, may_panic=is_memory)
        assert code is None or code in (0, 1, 2), (code, err)
        assert code == 0 or err, "it says nothing"
        self.healed(variant)
        return {0: "enough", None: "ended by the system"}.get(code, "told")

    def starve_disk(self):
        return self.starved(resource.RLIMIT_FSIZE, 100, 300_000)

    def starve_memory(self):
        return self.starved(resource.RLIMIT_AS, 50 << 20, 4 << 30)

    def faulty_s3(self):
        if self.s3 is None:
            self.s3 = FaultyS3()
            self.s3.store.create_bucket(Bucket="lakes")
            self.s3_lake, self.s3_now = "s3://lakes/a", 0
            self.s3_environment = {**os.environ, **self.s3.environment}
            self.world.ok("run", self.world.pipeline(0), "--lake", self.s3_lake, env=self.s3_environment)
        read = lambda path: self.s3.store.get_object(Bucket="lakes", Key=f"a/{path}")["Body"].read()
        before = self.s3_now
        variant = self.random.choice([variant for variant in VARIANTS if variant != before])
        seed, share = self.random.random(), self.random.choice([0.01, 0.05, 0.2])

        def fault(method, path, n):
            own = random.Random(f"{seed} {method} {path} {n}")
            if own.random() < share:
                return own.choice(["error", "lost", "refused", ("cut", own.randrange(2000))])

        self.s3.fail(fault)
        ran = self.world.run("run", self.world.pipeline(variant), "--lake", self.s3_lake, env=self.s3_environment)
        self.s3.heal()
        after = self.world.state(self.s3_lake, [before, variant], read)
        self.told_truth(ran.returncode, ran.stdout + ran.stderr, before, after, variant)
        assert ran.returncode in (0, 1), ran
        self.world.ok("run", self.world.pipeline(variant), "--lake", self.s3_lake, env=self.s3_environment)
        assert self.world.state(self.s3_lake, [variant], read) == variant
        self.s3_now = variant
        return {0: "published"}.get(ran.returncode, "told")

    def hostile_clients(self):
        process, port = self.server()
        log = []
        reader = threading.Thread(target=lambda: log.extend(process.stderr))
        reader.start()
        hello = struct.pack("!ii", 8 + len(b"user\0a\0database\0rebound\0\0"), 196608) + b"user\0a\0database\0rebound\0\0"
        query = b"Q" + struct.pack("!i", 4 + 25) + b"select * from panel.small"
        clients = []
        for _ in range(60):
            client = socket.create_connection(("127.0.0.1", port), timeout=10)
            clients.append(client)
            kind = self.random.randrange(6)
            noise = self.random.randbytes(self.random.randrange(1, 300))
            try:
                if kind == 0:
                    client.sendall(noise)
                elif kind == 1:
                    client.sendall(hello + noise)
                elif kind == 2:
                    whole = bytearray(hello + query + b"\0")
                    whole[self.random.randrange(len(whole))] ^= 1 << self.random.randrange(8)
                    client.sendall(whole)
                elif kind == 3:
                    client.sendall((hello + query)[: self.random.randrange(len(hello + query))])
                elif kind == 4:
                    client.sendall(hello + b"Q" + struct.pack("!i", self.random.choice([-1, 0, 3, 1 << 30])) + noise)
                if self.random.random() < 0.5:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    client.close()
            except OSError:
                pass  # it was told to go
        begun = time.monotonic()
        self.answers(port)
        assert time.monotonic() - begun < 12
        for client in clients:
            client.close()
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        reader.join()
        process.stdout.close()
        assert not any("panicked" in line for line in log), log
        return "others served"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("rebound")
    parser.add_argument("lake")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="")
    asked = parser.parse_args()
    kinds = ["kill_run", "kill_gc", "kill_export", "kill_report", "kill_server", "race", "flip", "vanish", "starve_disk", "starve_memory",
             "faulty_s3", "hostile_clients"]
    # It stays where something is wrong.
    folder = tempfile.mkdtemp(prefix="torture-")
    torture = Torture(pathlib.Path(folder), asked.rebound, asked.lake, asked.seed)
    if not torture.has_server:
        kinds = [kind for kind in kinds if kind not in ("kill_server", "hostile_clients")]
    kinds = [kind for kind in kinds if not asked.only or kind in asked.only.split(",")]
    outcomes = {kind: collections.Counter() for kind in kinds}
    begun, n = time.monotonic(), 0
    while n < len(kinds) or time.monotonic() - begun < asked.seconds:
        kind = kinds[n % len(kinds)] if n < len(kinds) else torture.random.choice(kinds)
        try:
            outcomes[kind][getattr(torture, kind)()] += 1
        except BaseException:
            print(f"blow {n} of seed {asked.seed}: {kind}, with {torture.world.folder}", file=sys.stderr)
            raise
        n += 1
    took = time.monotonic() - begun
    shutil.rmtree(folder)
    print(f"torture: {n} blows in {took:.0f} s, seed {asked.seed}")
    for kind, found in outcomes.items():
        print(f"  {kind:16} {sum(found.values()):5}  " + ", ".join(f"{what} {n}" for what, n in sorted(found.items())))


if __name__ == "__main__":
    main()
