"""Clients that ask many queries at a time, and check each answer: benches/load.py starts them.

A question has an answer of each publication that may be served, in their order in time. An answer that is of none of them is wrong, and so
is one of an earlier publication than the same client has seen before."""

import math
import multiprocessing
import os
import queue
import random
import sys
import threading
import time
from typing import NamedTuple

# The columns of the wide query.
WIDE = [
    "product", "hs4", "hs2", "fob_value", "is_exported", "log_value", "dlog_value", "dhs_value", "market_share", "product_hhi", "density",
    "value_density", "nearest_density", "related_mass", "related_count", "rca", "is_specialized", "entered", "exited", "pci",
]

# Different questions of a kind.
VARIANTS = 16

PANEL, CELLS = "panel.region_product_year", "trade.region_product_year"

# What is asked for, with the columns of the primary key in PostgreSQL, and those of other indexes.
TABLES = {
    PANEL: ["year, region_code, product", "region_code, product, year", "product, year"],
    CELLS: ["year, region_code, product", "region_code, product, year", "product, year", "year, fob_value"],
    "trade.region_year": ["year, region_code", "region_code, year"],
    "trade.region": ["region_code"],
}


class Question(NamedTuple):
    """Statements that are asked one after the other, in a transaction if there are several."""

    kind: str
    texts: tuple
    parameters: tuple = ()


class Result(NamedTuple):
    """What a process of clients found."""

    # Kind and seconds of each answer.
    answers: list
    n_asked: int
    # What was wrong, in words.
    wrong: list
    # Answers that only the first publication has, and only the last.
    n_old: int
    n_new: int
    begun: float
    ended: float
    # Processor time of these clients.
    processor: float


def catalog_answers(columns):
    """What BI tools ask for before anything else, with its answers, where the names of columns are these by table."""
    names = sorted(tuple(table.split(".")) for table in columns)
    listed = ", ".join(f"'{schema}.{table}'" for schema, table in names)
    answers = {Question("catalog", (
        "select n.nspname, c.relname from pg_catalog.pg_class c join pg_catalog.pg_namespace n on c.relnamespace = n.oid "
        "left join pg_catalog.pg_description d on c.oid = d.objoid and d.objsubid = 0 "
        f"where c.relkind in ('r', 'p', 'v', 'f', 'm') and n.nspname || '.' || c.relname in ({listed}) "
        "order by n.nspname, c.relname",)): [names]}
    for schema, table in names:
        answers[Question("catalog", (
            f"select column_name from information_schema.columns where table_schema = '{schema}' and table_name = '{table}' "
            "order by ordinal_position",))] = [[(name,) for name in columns[f"{schema}.{table}"]]]
    return answers


def questions(pairs, years, seed):
    """The questions of rows, of each kind as many: `pairs` of region and product that are in the first of `years`, which changes."""
    rng = random.Random(seed)
    found = []
    for variant in range(VARIANTS):
        year = years[0] if variant % 2 else rng.choice(years[1:])
        region, product = rng.choice(pairs)
        cell = f"region_code = '{region}' and product = '{product}'"
        columns = "fob_value, rca, density, is_specialized"
        found += [
            Question("one row by its key", (f"select {columns} from {PANEL} where year = {year} and {cell}",)),
            Question("the same, prepared", (
                f"select {columns} from {PANEL} where year = %s and region_code = %s and product = %s",), (year, region, product)),
            Question("series of years", (
                f"select year, fob_value, rca, market_share from {PANEL} where {cell} order by year" if variant % 4 < 2 else
                f"select year, fob_value, n_products from trade.region_year where region_code = '{region}' order by year",)),
            Question("top ten of a year", (
                f"select region_code, product, fob_value from {CELLS} where year = {year} "
                f"order by fob_value desc, region_code, product limit {10 + variant // 2}",)),
            Question("panel and names", (
                f"select r.region_name, x.fob_value, x.rca, x.pci from {PANEL} x join trade.region r on r.region_code = x.region_code "
                f"where x.year = {year} and x.product = '{product}' order by x.fob_value desc, r.region_name limit 20",)),
            Question("sums of a year", (
                "select region_code, sum(fob_value), count(*), sum(case when rca >= 1 then 1 else 0 end), avg(density) "
                f"from {PANEL} where year = {year} and fob_value > {variant * 1000} group by region_code order by region_code",)),
            Question("sums of all years", (
                f"select year, sum(fob_value), count(*), max(fob_value) from {CELLS} where fob_value > {variant * 1000} "
                "group by year order by year",)),
            Question("a region's year, wide", (
                f"select {', '.join(WIDE)} from {PANEL} where year = {year} and region_code = '{region}' order by product",)),
            Question("two in a transaction", (
                f"select fob_value from trade.region_year where year = {year} and region_code = '{region}'",
                f"select sum(fob_value), count(*) from {CELLS} where year = {year} and region_code = '{region}'")),
        ]
    return found


def same_value(a, b):
    """Equal; doubles within 1e-9, as their sums differ by the order of the addends."""
    if isinstance(a, float) or isinstance(b, float):
        if a is None or b is None:
            return a is b
        return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-13) or (math.isnan(a) and math.isnan(b))
    return a == b


def same(rows, expected):
    """Whether the answers of each statement are these rows, in this order."""
    if rows == expected:
        return True
    return len(rows) == len(expected) and all(
        len(found) == len(wanted) and all(
            len(a) == len(b) and all(map(same_value, a, b)) for a, b in zip(found, wanted))
        for found, wanted in zip(rows, expected))


def ask(client, question):
    """The rows of each statement."""
    if len(question.texts) == 1:
        return [client.execute(question.texts[0], question.parameters or None, prepare=bool(question.parameters)).fetchall()]
    with client.transaction():
        return [client.execute(text).fetchall() for text in question.texts]


class Client:
    """Asks questions and keeps what became of them."""

    def __init__(self, connection):
        self.connection = connection
        self.answers, self.wrong = [], []
        self.n_asked = self.n_old = self.n_new = 0
        self.ended = 0.0

    def ask(self, question, expected, only_new=False):
        self.n_asked += 1
        begun = time.perf_counter()
        try:
            rows = ask(self.connection, question)
        except Exception as error:  # noqa: BLE001
            self.wrong.append(f"{question}: {error!r}")
            return
        self.ended = time.perf_counter()
        self.answers.append((question.kind, self.ended - begun))
        of = [same(rows, answer) for answer in expected]
        if not any(of):
            first = rows[0][:2]
            self.wrong.append(f"{question}: {len(rows[0])} rows, beginning with {first}; expected {expected[0][0][:2]}"
                              + (f" or, after the run, {expected[-1][0][:2]}" if len(expected) > 1 else ""))
        elif of[0] != of[-1]:
            if of[0] and (self.n_new or only_new):
                self.wrong.append(f"{question}: the rows of before the run, after those of the run were seen")
            self.n_old += of[0]
            self.n_new += of[-1]

    def work(self, turns, expected, published):
        """Asks `turns` once, and on and on until `published` is set, and then once more: all answers must be new then."""
        while True:
            is_last = published is not None and published.is_set()
            for question in turns:
                self.ask(question, expected[question], is_last)
            if published is None or is_last:
                return


def clients(connect, port, all_turns, expected, gate, published, results, leave):
    """What a process does: a client each of `all_turns`, in a thread of its own. Their connections stay open until `leave` is set."""
    try:
        asking = [Client(connect(port)) for _ in all_turns]
    except BaseException:
        gate.abort()
        raise
    threads = [threading.Thread(target=client.work, args=(turns, expected, published)) for client, turns in zip(asking, all_turns)]
    gate.wait(300)
    processor, begun = time.process_time(), time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    results.put(Result(
        [answer for client in asking for answer in client.answers], sum(client.n_asked for client in asking),
        [why for client in asking for why in client.wrong], sum(client.n_old for client in asking), sum(client.n_new for client in asking),
        begun, max(client.ended for client in asking), time.process_time() - processor))
    leave.wait()


def turns(found, n_clients, n_queries, seed):
    """What each client asks: of each kind in turn, in an order of its own."""
    rng = random.Random(seed)
    kinds = {}
    for question in found:
        kinds.setdefault(question.kind, []).append(question)
    all_turns = []
    for _ in range(n_clients):
        order = []
        while len(order) < n_queries:
            order += rng.sample(list(kinds), len(kinds))
        all_turns.append([rng.choice(kinds[kind]) for kind in order[:n_queries]])
    return all_turns


def load(connect, port, all_turns, expected, meanwhile=None, at_end=lambda: None):
    """Lets a client each of `all_turns` ask at once. What they found together, and what `at_end` says while all are still connected.

    `connect` makes a connection to a port. `meanwhile` runs beside them; they ask until it is done. `expected` has the answers of each
    question by publication."""
    context = multiprocessing.get_context("spawn")
    n_processes = min(4, len(all_turns))
    gate, results, leave = context.Barrier(n_processes + 1), context.Queue(), context.Event()
    published = context.Event() if meanwhile else None
    workers = [
        context.Process(
            target=clients, args=(connect, port, all_turns[at::n_processes], expected, gate, published, results, leave), daemon=True)
        for at in range(n_processes)]
    for worker in workers:
        worker.start()
    try:
        gate.wait(300)
    except threading.BrokenBarrierError:
        sys.exit("not all clients could connect")
    if meanwhile:
        try:
            meanwhile()
        finally:
            published.set()
    found = []
    while len(found) < n_processes:
        try:
            found.append(results.get(timeout=1))
        except queue.Empty:
            if any(worker.exitcode for worker in workers):
                sys.exit("a process of clients died")
    said = at_end()
    leave.set()
    for worker in workers:
        worker.join()
    return Result(
        [answer for one in found for answer in one.answers], sum(one.n_asked for one in found),
        [why for one in found for why in one.wrong], sum(one.n_old for one in found), sum(one.n_new for one in found),
        min(one.begun for one in found), max(one.ended for one in found), sum(one.processor for one in found)), said


def percentile(seconds, share):
    """The smallest of `seconds` that at least this share of them does not exceed."""
    ordered = sorted(seconds)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def processes(root):
    """The process `root` and all that descend from it."""
    parents = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat") as file:
                    parents[int(entry)] = int(file.read().rpartition(")")[2].split()[1])
            except OSError:
                continue
    found = {root}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def processor_time(root):
    """Seconds of the processor that `root`, its descendants, and those of them that have ended used."""
    ticks = 0
    for process in processes(root):
        try:
            with open(f"/proc/{process}/stat") as file:
                # utime, stime, and those of children that were waited for.
                ticks += sum(map(int, file.read().rpartition(")")[2].split()[11:15]))
        except OSError:
            continue
    return ticks / os.sysconf("SC_CLK_TCK")


def kib(process, file, field):
    """A line of a file of /proc in KiB, or 0 if the process has ended."""
    try:
        with open(f"/proc/{process}/{file}") as lines:
            return next((int(line.split()[1]) for line in lines if line.startswith(f"{field}:")), 0)
    except OSError:
        return 0


def peak_mib(root):
    """The largest resident memory that `root` and its descendants had, each by itself, summed."""
    return sum(kib(process, "status", "VmHWM") for process in processes(root)) / 1024


def shared_mib(root):
    """Memory of `root` and its descendants now: what several of them have is counted once (PSS)."""
    return sum(kib(process, "smaps_rollup", "Pss") for process in processes(root)) / 1024
