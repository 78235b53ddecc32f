"""Processes that are timed: seconds, peak memory, and how busy the machine was. What their times come to, and how they grow."""

import json
import math
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import textwrap
import time
from typing import NamedTuple

ROOT = pathlib.Path(__file__).resolve().parent.parent


class Took(NamedTuple):
    """What a process took."""

    seconds: float
    # Peak resident memory.
    mib: float
    # Processor time of all cores over what all cores had in these seconds, 0 to 1.
    busy: float
    # What it printed.
    output: str


def run(command, started=None, **options):
    """Runs `command`, and exits if it fails. `started` is given the process.

    The system counts the memory of whoever starts a process as its own: what needs much is done in another, as by `python`."""
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options)
    if started:
        started(process)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if status:
        sys.exit(f"{command[0]} failed: {' '.join(map(str, command))[:300]}")
    return Took(seconds, usage.ru_maxrss / 1024, (usage.ru_utime + usage.ru_stime) / (seconds * cores()), output)


def python(code, *arguments):
    """Runs Python in a process of its own, which finds the modules of this folder."""
    paths = os.pathsep.join(filter(None, [str(ROOT / "benches"), os.environ.get("PYTHONPATH")]))
    return run([sys.executable, "-c", code, *map(str, arguments)], env=os.environ | {"PYTHONPATH": paths})


def median(runs):
    """The median of the seconds and of the busy share of `runs`, and their largest memory."""
    return Took(
        statistics.median(took.seconds for took in runs), max(took.mib for took in runs), statistics.median(took.busy for took in runs), "")


def stages(lake):
    """Seconds of each stage and table of SQL that the last run on `lake` made, by name."""
    records = [json.loads(file.read_text()) for file in (lake / "runs").glob("*.json")]
    last = max(records, key=lambda record: record["number"])
    return {stage["stage"]: stage["millis"] / 1000 for stage in last["stages"] if stage["action"] == "built"}


def median_stages(runs):
    """The median of the seconds of each stage."""
    return {name: statistics.median(found[name] for found in runs) for name in runs[0]}


def exponent(before, after, sizes):
    """By which power of its size something grew: 1 if it doubles with it, 2 if it becomes four times as large."""
    return math.log(after / before) / math.log(sizes[1] / sizes[0])


def cores():
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


def machine():
    """Where it was measured, in words."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return f"{cores()} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}"


def paragraph(text, first=""):
    """Prose in lines as those of the book; `first` stands before the first of them, and others are as far in."""
    return textwrap.fill(text, 100, initial_indent=first, subsequent_indent=" " * len(first), break_long_words=False, break_on_hyphens=False)


def put(page, name, text):
    """Prints `text`, and puts it between the marks of `name` in the Markdown file `page` if one is named."""
    print(text, flush=True)
    if page is None:
        return
    begin, end = f"<!-- {name}: what follows is printed by `make bench` -->", f"<!-- end of {name} -->"
    page = pathlib.Path(page)
    before, found, rest = page.read_text().partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        sys.exit(f"{page} has no lines `{begin}` and `{end}`")
    page.write_text(f"{before}{begin}\n\n{text.strip()}\n\n{end}{after}")
