"""What a run publishes is on the disk: every flush and renaming of a run, in the order that the system saw them.

    python tests/python/durable.py REBOUND PIPELINE"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

rebound, pipeline = sys.argv[1:]
CALL = re.compile(r'^\d+ +(fsync|fdatasync|rename|renameat2?)\((.*)\) += 0$')
TEXT = re.compile(r'"([^"]*)"')
FILE = re.compile(r"^\d+<([^>]*)>")


def traced(*command, log):
    """Calls as (flush, file) or (rename, from, to)."""
    subprocess.run(["strace", "--seccomp-bpf", "-f", "-y", "-s", "4096", "-e", "trace=fsync,fdatasync,rename,renameat,renameat2", "-o", str(log),
                    *map(str, command)], check=True)
    begun, calls = {}, []
    for line in log.read_text().splitlines():
        # A call that another thread's came into is told in two lines.
        thread = line.split(" ", 1)[0]
        if line.endswith(" <unfinished ...>"):
            begun[thread] = line.removesuffix(" <unfinished ...>")
            continue
        if " resumed>" in line:
            line = begun.pop(thread) + line.split(" resumed>", 1)[1]
        if found := CALL.match(line):
            kind, arguments = found.groups()
            if kind.startswith("rename"):
                calls.append(("rename", *TEXT.findall(arguments)))
            else:
                calls.append(("flush", FILE.match(arguments)[1].removesuffix(" (deleted)")))
    return calls


with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder).resolve()
    lake = folder / "lake"
    calls = traced(rebound, "--quiet", "run", pipeline, "--lake", lake, log=folder / "log")
    catalog = str(lake / "catalog.json")
    flushes, renames = {}, {}
    for at, call in enumerate(calls):
        if call[0] == "flush":
            flushes.setdefault(call[1], []).append(at)
        else:
            renames[call[2]] = (at, call[1])

    def flushed(path, after, before):
        assert any(after < at < before for at in flushes.get(str(path), [])), f"{path} is not flushed in time"

    published, beside = renames[catalog]
    flushed(beside, -1, published)
    flushed(lake, published, len(calls))
    tables = json.loads((lake / "catalog.json").read_text())["tables"]
    assert len(tables) == 66, len(tables)
    n_files = 0
    for name, version in tables.items():
        home = lake / "tables" / name / version["fingerprint"]
        complete, beside = renames[str(home / "version.json")]
        assert complete < published, name
        flushed(beside, -1, complete)
        flushed(home, complete, published)
        for file in version["files"]:
            path = lake / file["path"]
            n_files += 1
            # Files are written to beside their names, too, where they are put by parts.
            written = renames.get(str(path), (-1, None))[0]
            flushed(path, written, complete)
            flushed(path.parent, written, complete)
        for above in (home.parent, lake / "tables", lake):
            flushed(above, -1, published)
    runs = [at for path, (at, _) in renames.items() if "/runs/" in path]
    assert runs and all(any(at < flush for flush in flushes.get(str(lake / "runs"), [])) for at in runs)
    n_flushes = sum(map(len, flushes.values()))
    # What users ask for is whole, too.
    out = folder / "out.csv"
    out.write_text("before")
    calls = traced(rebound, "sql", "select * from panel.region", "--lake", lake, "--format", "csv", "-o", out, log=folder / "log")
    at, beside = next((at, call[1]) for at, call in enumerate(calls) if call[0] == "rename" and call[2] == str(out))
    assert ("flush", beside) in calls[:at]
print(f"{n_files} files of {len(tables)} tables are on the disk before they are complete, and these before they are published: {n_flushes} flushes")
