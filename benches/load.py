"""Many clients that ask many queries at a time of `rebound serve`, beside PostgreSQL with the same tables, in one run.

    python benches/load.py REBOUND [--regions R] [--products P] [--years Y] [--clients N] [--queries N] [--keep FOLDER] [--into PAGE]

The trade is made up (benches/space.py). Queries are of ten kinds, drawn by a seed: a row by its key, as a text and prepared, series, the top
of a year, a join with names, sums of a year and of all, thousands of rows of a region's year, what BI tools ask of the catalog, two in a
transaction. Each server is asked twice: alone, and while a run goes on that finds records for the first year that came late. Rebound
serves what that run publishes as soon as it is there; the tables of PostgreSQL stay as they are. Clients ask until the run is published, and
then all once more. A hundred processes of PostgreSQL leave the run little of the machine: there it is ended when it takes longer than it took
beside Rebound.
Fails if an answer is wrong, is part of one publication and part of another, is of the old one after the new was seen, or is lost.
What is right says DuckDB, from the files of the lake before the run, and of another lake on which the same was run before.
Asserts no times. `--keep` keeps the lakes in a folder for the next time."""

import argparse
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from typing import NamedTuple

import asking
import history
import nation
import postgres
import timing
from asking import CELLS, TABLES
from timing import ROOT

# More records of the first year: a quarter again of every cell of every other region.
LATE = """
import sys
import pyarrow.compute as pc, pyarrow.parquet as pq
of, to, year = sys.argv[1], sys.argv[2], int(sys.argv[3])
rows = pq.read_table(of, filters=[("year", "=", year)])
rows = rows.filter(pc.match_substring_regex(rows["region"], "[02468]$"))
at = rows.schema.get_field_index("value")
pq.write_table(rows.set_column(at, "value", pc.add(pc.round(pc.multiply(rows["value"], 0.25)), 1.0)), to, compression="zstd")
"""

# The rows of a table as CSV, by year in the order of the key. Into a pipe: a file would keep the last year alone.
ROWS = nation.OPEN + """
table, key = sys.argv[3:5]
columns = [name for name, *_ in con.execute(f"describe {table}").fetchall()]
years = con.execute(f"select distinct year from {table} order by 1").fetchall() if "year" in columns else [(None,)]
for year, in years:
    of_year = "" if year is None else f"where year = {year}"
    con.execute(f"copy (select * from {table} {of_year} order by {key}) to '/dev/stdout' (format csv, header false)")
"""


class Lakes(NamedTuple):
    """The lake before records came late, one that has them, and the answers of both."""

    before: pathlib.Path
    after: pathlib.Path
    # The rows of each question, before and after.
    answers: dict
    columns: dict
    n_cells: int


class Phase(NamedTuple):
    """What a server did while it was asked."""

    result: asking.Result
    mib: float
    # Processor time of the server over what the machine had, 0 to 1.
    busy: float

    @property
    def seconds(self):
        return self.result.ended - self.result.begun

    @property
    def throughput(self):
        return len(self.result.answers) / self.seconds

    def times(self, kind=None):
        return [seconds for of, seconds in self.result.answers if kind in (None, of)]


def run(rebound, place, lake, most_seconds=None):
    """Runs the pipeline of `place` on `lake`, for `most_seconds` at most: the seconds that it took, or `None` where it was ended."""
    begun = time.monotonic()
    command = [rebound, "--quiet", "run", "pipeline.yaml", "--lake", lake]
    try:
        ran = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=most_seconds)
    except subprocess.TimeoutExpired:
        return None
    if ran.returncode:
        sys.exit(f"the run on {lake} failed: {ran.stderr}")
    return time.monotonic() - begun


def make(place, rebound, asked):
    """The lakes before and after late records, in a folder that may have them from the last time."""
    shape = {"regions": asked.regions, "products": asked.products, "years": asked.years}
    done = place / "done.json"
    if not done.exists() or json.loads(done.read_text()) != shape:
        if place.exists() and any(place.iterdir()):
            sys.exit(f"{place} has something else than these lakes: name a folder that is empty or new")
        place.mkdir(parents=True, exist_ok=True)
        made = nation.Nation(place / "nation", rebound, **shape)
        made.run()
        shutil.copytree(made.lake, made.place / "after")
        timing.python(LATE, made.place / "raw/trade.parquet", made.place / "raw/late.parquet", nation.FIRST)
        run(rebound, made.place, str(made.place / "after"))
        done.write_text(json.dumps(shape))
    return place / "nation"


def answers_of(lake, folder, found):
    """The rows of each question by DuckDB, the columns of each table with their types, and the number of cells."""
    import duckdb

    con = duckdb.connect()
    con.execute("set enable_progress_bar = false")
    con.execute("set memory_limit = '4GB'")
    con.execute(f"set temp_directory = '{folder}/tmp'")
    for name, version in json.loads((lake / "catalog.json").read_text())["tables"].items():
        if name in TABLES:
            con.execute(f"create schema if not exists {name.split('.')[0]}")
            files = [str(lake / file["path"]) for file in version["files"]]
            con.execute(f"create view {name} as select * from read_parquet({files}, union_by_name = true)")
    columns = {table: {name: kind for name, kind, *_ in con.execute(f"describe {table}").fetchall()} for table in TABLES}
    n_cells, = con.execute(f"select count(*) from {CELLS}").fetchone()
    if found is None:
        query = f"select region_code, product from {CELLS} where year = {nation.FIRST} order by all"
        return con.execute(query).fetchall(), columns, n_cells
    answers = asking.catalog_answers(columns)
    for question in found:
        answers[question] = [con.execute(text.replace("%s", "?"), list(question.parameters)).fetchall() for text in question.texts]
    return answers, columns, n_cells


def prepare(place, folder, asked):
    """What is asked, and what is right."""
    before, after = place / "lake", place / "after"
    pairs, _, _ = answers_of(before, folder, None)
    found = asking.questions(pairs, list(range(nation.FIRST, nation.FIRST + asked.years)), asked.seed)
    old, columns, n_cells = answers_of(before, folder, found)
    new, _, _ = answers_of(after, folder, found)
    answers = {question: [rows, new[question]] for question, rows in old.items()}
    if not any(one != other for one, other in answers.values()):
        sys.exit("late records change no answer: nothing would be known of publishing")
    return Lakes(before, after, answers, columns, n_cells)


def connect(port):
    """A connection to Rebound, each statement of which is a transaction of its own."""
    import psycopg

    return psycopg.connect(host="127.0.0.1", port=port, dbname="rebound", user="bench", autocommit=True)


@contextlib.contextmanager
def serving(rebound, lake, n_connections):
    """`rebound serve` on a free port: the port, and its process."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20
    log = lake.parent / "serve.log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            [rebound, "serve", "--quiet", "--lake", str(lake), "--bind", "127.0.0.1:0", "--interval-s", "1",
             "--max-connections", str(n_connections), "--total-memory-mib", str(max(1024, memory // 4))],
            stdout=subprocess.PIPE, stderr=errors, text=True)
    try:
        port = re.search(r":(\d+)/rebound", process.stdout.readline())
        if not port:
            process.wait(10)
            sys.exit(f"the server did not start: {log.read_text()}")
        yield int(port[1]), process.pid
        if process.poll() is not None:
            sys.exit(f"the server ended: {log.read_text()}")
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Sampled:
    """The largest memory of a server's processes that a look every few seconds finds. A look reads all their page tables."""

    def __init__(self, root):
        self.root, self.mib, self.stop = root, 0.0, threading.Event()
        self.thread = threading.Thread(target=self.watch)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()

    def look(self):
        self.mib = max(self.mib, asking.shared_mib(self.root))

    def watch(self):
        while not self.stop.wait(5):
            self.look()


def ask(name, connect_to, port, server, all_turns, answers, meanwhile=None):
    """A phase of the benchmark, checked."""
    with Sampled(server) as sampled:
        processor = asking.processor_time(server)

        def at_end():
            used = asking.processor_time(server) - processor
            sampled.look()
            return used

        result, used = asking.load(connect_to, port, all_turns, answers, meanwhile, at_end)
    if result.wrong:
        sys.exit(f"{name}: {len(result.wrong)} of {result.n_asked} answers are wrong: " + "\n".join(result.wrong[:5]))
    if len(result.answers) != result.n_asked or result.n_asked < sum(map(len, all_turns)):
        sys.exit(f"{name}: {result.n_asked} were asked, {len(result.answers)} answers came")
    phase = Phase(result, sampled.mib, 0.0)
    phase = phase._replace(busy=used / (phase.seconds * timing.cores()))
    print(f"{name}: {result.n_asked:,} asked, as many answers, all right; {result.n_old:,} that only the old tables give, {result.n_new:,} that "
          f"only the new ones give; {phase.throughput:.1f} a second", flush=True)
    return phase


def ask_rebound(rebound, place, lakes, folder, all_turns):
    """Both phases, the peak of resident memory, the size of the tables' files in bytes, and what the run took."""
    took = []
    lake = folder / "served"
    shutil.copytree(lakes.before, lake)
    # What no table but the first year's changes in both publications.
    probe = f"select sum(fob_value) from {CELLS} where year = {nation.FIRST}"
    old = {question: [before] for question, (before, _) in lakes.answers.items()}
    with serving(rebound, lake, len(all_turns) + 10) as (port, server):
        alone = ask("Rebound, alone", connect, port, server, all_turns, old)

        def publish():
            with connect(port) as client:
                before = client.execute(probe).fetchone()
                took.append(run(rebound, place, str(lake)))
                until = time.monotonic() + 60
                while client.execute(probe).fetchone() == before:
                    if time.monotonic() > until:
                        sys.exit("what the run published is not served after a minute")
                    time.sleep(0.2)

        beside = ask("Rebound, while a run publishes", connect, port, server, all_turns, lakes.answers, publish)
        if not beside.result.n_new:
            sys.exit("no client saw what the run published")
        peak = asking.peak_mib(server)
    tables = json.loads((lakes.before / "catalog.json").read_text())["tables"]
    size = sum((lakes.before / file["path"]).stat().st_size for table in TABLES for file in tables[table]["files"])
    return alone, beside, peak, size, took[0]


def ask_postgres(rebound, place, lakes, folder, all_turns, most_seconds):
    """Both phases, seconds of loading, bytes on disk, the version, the settings, and what the run took, if it came to its end."""
    took = []
    lake = folder / "beside"
    shutil.copytree(lakes.before, lake)
    old = {question: [before] for question, (before, _) in lakes.answers.items()}
    with postgres.Postgres(len(all_turns) + 10) as server:
        begun = time.perf_counter()
        size = 0
        for table, keys in TABLES.items():
            rows = [sys.executable, "-c", ROWS, str(lakes.before), str(folder), table, keys[0]]
            size += server.load(rows, table, lakes.columns[table], keys)
        loading = time.perf_counter() - begun
        print(f"PostgreSQL {server.version}: loaded in {loading:.0f} s", flush=True)
        alone = ask("PostgreSQL, alone", postgres.connect, server.port, server.process.pid, all_turns, old)
        beside = ask("PostgreSQL, while the same run goes on", postgres.connect, server.port, server.process.pid, all_turns, old,
                     lambda: took.append(run(rebound, place, str(lake), most_seconds)))
        return alone, beside, loading, size, server.version, server.settings, took[0]


def page(shape, lakes, all_turns, ours, theirs):
    """The tables, in Markdown."""
    alone, beside, peak, size, took = ours
    pg_alone, pg_beside, loading, pg_size, version, settings, pg_took = theirs
    ran = f"took {pg_took:.0f} s beside PostgreSQL" if pg_took else "was not done in as long beside PostgreSQL, and was ended"
    kinds = sorted({kind for kind, _ in alone.result.answers})
    heads = ["Rebound", f"PostgreSQL {version.split()[0]}", "Rebound, a run publishes", "PostgreSQL, beside the run"]
    phases = [alone, pg_alone, beside, pg_beside]

    def line(name, kind):
        cells = []
        for phase in phases:
            times = phase.times(kind)
            cells.append(f"{asking.percentile(times, 0.5) * 1e3:,.0f} / {asking.percentile(times, 0.99) * 1e3:,.0f}" if times else "-")
        return f"| {name} | {' | '.join(cells)} |"

    def sums(name, values):
        return f"| {name} | {' | '.join(values)} |"

    of_kinds = "\n".join([*(line(kind, kind) for kind in kinds), line("all", None)])
    tuned = ", ".join(f"`{name}` {value}" for name, value in settings.items())
    text = (f"Rebound's server had at most {peak:.0f} MiB resident. The {len(TABLES)} tables are {size / 2**20:.0f} MiB of Parquet, which it reads "
            f"as they are; PostgreSQL was loaded in {loading:.0f} s, to {pg_size / 2**20:.0f} MiB with indexes. The run took {took:.0f} s beside "
            f"Rebound; it {ran}. Settings of PostgreSQL: {tuned}.")
    head = (f"{len(all_turns)} clients with {len(all_turns[0])} queries each on {shape}, made up ({lakes.n_cells:,} sums), {timing.machine()}. "
            "Milliseconds, p50 / p99, as a client waits for all rows:")
    return f"""{timing.paragraph(head)}

| query | {' | '.join(heads)} |
| --- | --- | --- | --- | --- |
{of_kinds}

| | {' | '.join(heads)} |
| --- | --- | --- | --- | --- |
{sums("queries a second", (f"{phase.throughput:.1f}" for phase in phases))}
{sums("answers, all right", (f"{len(phase.result.answers):,}" for phase in phases))}
{sums("of them by the new tables alone", (f"{phase.result.n_new:,}" for phase in phases))}
{sums("memory (PSS), MiB", (f"{phase.mib:.0f}" for phase in phases))}
{sums("machine busy with the server", (f"{phase.busy:.0%}" for phase in phases))}
{sums("machine busy with the clients", (f"{phase.result.processor / (phase.seconds * timing.cores()):.0%}" for phase in phases))}

{timing.paragraph(text)}"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rebound")
    parser.add_argument("--regions", type=int, default=340)
    parser.add_argument("--products", type=int, default=5000)
    parser.add_argument("--years", type=int, default=17)
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--queries", type=int, default=10, help="of each client")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=pathlib.Path, help="a folder that keeps the lakes for the next time")
    parser.add_argument("--into", help="a page of Markdown that gets what is printed between its marks")
    asked = parser.parse_args()
    if asked.years < 8:
        sys.exit(f"{asked.years} years are too few for an episode and the trend before it: expected 8 or more")
    rebound = os.path.abspath(asked.rebound)
    shape = f"{asked.regions} regions x {asked.products} products x {asked.years} years"
    (ROOT / "target").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=ROOT / "target") as folder:
        folder = pathlib.Path(folder)
        place = make(asked.keep.absolute() if asked.keep else folder / "lakes", rebound, asked)
        lakes = prepare(place, folder, asked)
        all_turns = asking.turns(list(lakes.answers), asked.clients, asked.queries, asked.seed)
        ours = ask_rebound(rebound, place, lakes, folder, all_turns)
        theirs = ask_postgres(rebound, place, lakes, folder, all_turns, ours[-1])
    for name, (alone, beside, *_) in (("Rebound", ours), ("PostgreSQL", theirs)):
        for when, phase in (("alone", alone), ("beside a run", beside)):
            for share in (0.5, 0.99):
                what = f"{shape}, {asked.clients} clients, {name} {when}, p{share * 100:.0f}"
                history.keep("load", what, asking.percentile(phase.times(), share), phase.mib)
    timing.put(asked.into, "load", page(shape, lakes, all_turns, ours, theirs))


if __name__ == "__main__":
    main()
