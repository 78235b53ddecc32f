"""Functions that make much of nothing: every one that the server has, with huge arguments, takes no more memory than a query may.

    python tests/python/memory.py REBOUND LAKE [--all] [--verbose]

Without --all, a sample of the calls."""

import itertools
import pathlib
import random
import subprocess
import sys
import time

import psycopg

rebound, lake = sys.argv[1:3]
PORT = 5491
# Of a query, of all of them, and of the program without any.
QUERY_MIB, PROGRAM_MIB = 64, 400

# What each place is tried with: the first is what is made much of, the others say how.
FIRST = ["x", "2147483647", "range(1, 900)", "array[x]", "date '1900-01-01'", "timestamp '1900-01-01'"]
OTHERS = ["x", "2147483647", "1000000000000", "''", "date '2900-01-01'", "interval '1 nanosecond'"]
LAST = ["x", "1", "interval '1 nanosecond'", "'\\1\\1\\1\\1'"]


def arguments():
    yield ()
    for first in FIRST:
        yield (first,)
    for first, second in itertools.product(FIRST, OTHERS):
        yield (first, second)
    for first, second, third in itertools.product(FIRST, OTHERS, LAST):
        yield (first, second, third)
    for second, third in itertools.product(OTHERS, LAST):
        yield ("x", second, third, "x")
        yield ("x", second, "1", third)


def peak_mib(pid):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


def forget_peak(pid):
    pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")


ROWS = "(select value as n, repeat('ab', 400) as x from range(1, 500)) t"
# What makes much of little without being a function of one row.
OTHER = [
    "select count(*) from (select unnest(range(1, 1000000000)) as v) t",
    "select length(t) from (select repeat('a', 1000000) as t, unnest(range(1, 100000)) as v) t",
    "select max(length(a.t)) from (select repeat('a', 1000000) as t) a cross join range(1, 100000)",
    "select max(length(a.t)) from (select repeat('a', 1000000) as t, 1 as k) a join (select 1 as k from range(1, 100000)) b on a.k = b.k",
    f"select repeat('a', 1000000) from {ROWS}",
    f"select '{'a' * 900_000}' from {ROWS}",
    "with a as (select repeat('a', 1000) as x)" + "".join(f", b{i} as (select x || x as x from {'a' if i == 0 else f'b{i - 1}'})" for i in range(24)) + " select length(x) from b23",
    "select string_agg(x, repeat('a', 100000)) from " + ROWS,
    "select array_agg(repeat('a', 100000)) from " + ROWS,
    "select x, sum(n) over () from (select value as n, repeat('ab', 40000) as x from range(1, 100000)) t",
    "select lag(x, 100000) over (order by n) from (select value as n, repeat('ab', 40000) as x from range(1, 100000)) t",
    "select x from (select value as n, repeat('ab', 40000) as x from range(1, 100000)) t order by x, n",
    "select count(*) from (select distinct repeat(cast(value as varchar), 40000) from range(1, 100000)) t",
    "values (repeat('a', 1000000000))",
    "select case when n > 0 then repeat('a', 100000) end from " + ROWS,
    "select array_transform(range(1, 1000), v -> repeat('a', 1000000)) from " + ROWS,
    "select arrow_cast('a', 'FixedSizeBinary(1000000000)') from " + ROWS,
    "select cast(x as bytea) || x from " + ROWS,
]

server = subprocess.Popen(
    [rebound, "serve", "--lake", lake, "--bind", f"127.0.0.1:{PORT}", "--memory-mib", str(QUERY_MIB), "--total-memory-mib", "256",
     "--timeout-s", "20", "--quiet"], stdout=subprocess.PIPE)
server.stdout.readline()
try:
    client = psycopg.connect(f"host=127.0.0.1 port={PORT} user=a dbname=rebound", autocommit=True)
    with client.cursor() as cursor:
        cursor.execute("select distinct routine_name from information_schema.routines where function_type = 'SCALAR' order by 1")
        names = [name for name, in cursor.fetchall()]
    assert len(names) > 150, len(names)
    quiet = peak_mib(server.pid)
    assert quiet < PROGRAM_MIB, quiet
    worst, n_queries, n_rows, begun = (0, ""), 0, 0, time.monotonic()

    def tried(query):
        global worst, n_queries, n_rows, client
        forget_peak(server.pid)
        n_queries += 1
        try:
            with client.cursor() as cursor:
                cursor.execute(query)
                n_rows += len(cursor.fetchmany(5))
        except psycopg.Error as error:
            if client.broken:
                assert server.poll() is None, f"the server is gone after {query[:300]}"
                raise AssertionError(f"{query[:300]}: {error}") from error
        peak = peak_mib(server.pid)
        worst = max(worst, (peak, query[:200]))
        if "--verbose" in sys.argv or peak > quiet + 4 * QUERY_MIB:
            print(f"{peak:.0f} MiB: {query[:200]}", flush=True)

    for query in OTHER:
        tried(query)
    calls = [(name, values) for name in names for values in arguments()]
    # All of them take minutes.
    for name, values in calls if "--all" in sys.argv else random.Random(1).sample(calls, 6_000):
        tried(f'select "{name}"({", ".join(values)}) from {ROWS}')
    assert worst[0] < quiet + 4 * QUERY_MIB, worst
    print(f"{len(names)} functions, {n_queries:,} queries with {n_rows:,} rows seen: at most {worst[0]:.0f} MiB ({quiet:.0f} before), "
          f"{time.monotonic() - begun:.0f} s")
finally:
    server.terminate()
    server.wait(20)
