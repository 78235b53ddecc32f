"""What a machine may do to a run: a clock that is wrong, a disk that fails at one moment, files that would fill its memory.

    python tests/python/machine.py REBOUND

It takes a C compiler and strace."""

import gzip
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

from world import World

# Moves the clock that a program sees; files keep the machine's.
CLOCK = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
int clock_gettime(clockid_t id, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int found = real(id, now);
    if (id == CLOCK_REALTIME) now->tv_sec += atoll(getenv("MOVED"));
    return found;
}
"""


def clocks(world):
    library = world.folder / "clock.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, "-x", "c", "-", "-ldl"], input=CLOCK, text=True, check=True)

    def at(year, *arguments):
        moved = int((year - 1970) * 365.2425 * 86_400 - time.time())
        return world.run(*arguments, env={**os.environ, "LD_PRELOAD": str(library), "MOVED": str(moved)})

    for year, told in ((1960, "before 1970"), (12_000, "after 9999")):
        for command in (("run", world.pipeline(0)), ("sql", "select now()", "--lake", "lake"), ("runs", "--lake", "lake")):
            ran = at(year, *command)
            assert ran.returncode == 1 and told in ran.stderr and "panicked" not in ran.stderr, ran
    ran = at(9990, "run", world.pipeline(1))
    assert ran.returncode == 0, ran
    world.ok("run", world.pipeline(0))
    listed = world.ok("runs", "--lake", "lake").stdout.splitlines()
    assert "<- published" in listed[1] and listed[2].split()[1].startswith("99"), listed
    # The newest run is the one that came last, whatever its clock said.
    assert re.search(r"in [1-9]\d* versions", world.ok("gc", "--keep", "1", "--lake", "lake").stdout)
    assert world.state("lake", [0]) == 0
    print("clocks: before 1970 and after 9999 are refused; a run in 9990 is not the newest for ever")


def renames(log):
    """Renamings of the first thread, in order, as the files that they make."""
    lines = [line for line in log.read_text().splitlines() if "rename(" in line]
    first = lines[0].split()[0] + " "
    return [re.findall(r'"([^"]*)"', line)[1] for line in lines if line.startswith(first)]


def failing_disk(world):
    """A run whose n-th renaming fails says what became of the publication."""
    log = world.folder / "log"
    strace = ["strace", "--seccomp-bpf", "-f", "-s", "4096", "-o", str(log)]

    def traced(lake, variant, *options):
        command = [*strace, *options, *world.command("run", world.pipeline(variant), "--lake", lake)]
        return subprocess.run(command, cwd=world.folder, capture_output=True, text=True)

    world.ok("run", world.pipeline(0), "--lake", "failing")
    ran = traced("failing", 1, "-e", "trace=rename")
    assert ran.returncode == 0, ran
    made = renames(log)
    catalog = next(at for at, path in enumerate(made) if path.endswith("/catalog.json"))
    assert "/runs/" in made[0] and "/runs/" in made[catalog - 1] and "/runs/" in made[-1] and catalog == len(made) - 2, made
    before = 1
    for n in [1, 2, 10, catalog, catalog + 1, catalog + 2]:
        # Old versions of the other config would be used again.
        variant = 1 - before
        world.ok("gc", "--keep", "0", "--lake", "failing")
        ran = traced("failing", variant, "-e", "trace=rename", "-e", f"inject=rename:error=EIO:when={n}")
        assert ran.returncode == 1, (n, ran)
        after = world.state("failing", [before, variant])
        is_published = after == variant
        assert is_published == (n == catalog + 2), (n, after)
        says = "its tables are published" if is_published else "nothing"
        if n in (1, catalog, catalog + 2):
            assert says in ran.stderr, (n, ran)
        assert "Input/output error" in ran.stderr, ran
        before = after
    world.ok("run", world.pipeline(0), "--lake", "failing")
    assert world.state("failing", [0]) == 0
    print(f"disk: of {len(made)} renamings, whichever fails, a run says what became of the publication")


def large_files(world):
    """Two GiB of zeros in two MiB of gzip take no memory."""
    member = gzip.compress(bytes(16 << 20), 1)
    folder = world.folder / "zeros"
    folder.mkdir()
    (folder / "zeros.csv.gz").write_bytes(member * 128)
    path = world.folder / "zeros.yaml"
    path.write_text((world.folder / world.pipeline(0)).read_text().replace("made-up/records/*", "zeros/*"))
    process = subprocess.Popen(world.command("run", path, "--lake", "zeros-lake"), cwd=world.folder, stderr=subprocess.PIPE, text=True)
    told = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 2 and "line 1: a row of more than 64 MiB" in told, told
    peak = used.ru_maxrss / 1024
    assert peak < 600, peak
    print(f"memory: 2 GiB of zeros in a gzip are refused with at most {peak:.0f} MiB")


def main():
    with tempfile.TemporaryDirectory() as folder:
        world = World(pathlib.Path(folder) / "world", sys.argv[1])
        clocks(world)
        failing_disk(world)
        large_files(world)


if __name__ == "__main__":
    main()
