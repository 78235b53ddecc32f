"""The SQL server as its clients see it: psql, a Python driver, a tool that reads the catalog, a hundred at a time.

    python tests/python/serve.py REBOUND LAKE

LAKE is the Australian sample's. Everything is on loopback."""

import contextlib
import json
import os
import pathlib
import re
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

import psycopg
import sqlalchemy

ROOT = pathlib.Path(__file__).resolve().parents[2]
REBOUND = os.path.abspath(sys.argv[1])
LAKE = os.path.abspath(sys.argv[2])
CROSS = "select sum(a.fob_value * b.fob_value) from customs.records a join customs.records b on a.flow = b.flow"


@contextlib.contextmanager
def serving(*options, lake=LAKE, stderr=subprocess.PIPE):
    """A server on a free port: its port and process."""
    command = [REBOUND, "serve", "--lake", lake, "--bind", "127.0.0.1:0", "--interval-s", "1", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True)
    line = process.stdout.readline()
    if not line:
        raise AssertionError(process.stderr.read())
    try:
        yield int(re.search(r":(\d+)/rebound", line)[1]), process
        assert process.poll() is None, f"the server ended: {process.stderr.read()}"
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            assert process.wait(30) == 0, process.stderr.read()
        except subprocess.TimeoutExpired:
            process.kill()
            raise


def connect(port, **options):
    return psycopg.connect(**{"host": "127.0.0.1", "port": port, "dbname": "rebound", "user": "ada", "autocommit": True, **options})


def no_database(port, database, **options):
    """The message to a client of a database that is not there."""
    try:
        connect(port, dbname=database, **options)
    except psycopg.OperationalError as error:
        assert f'database "{database}" does not exist' in str(error), error
        return str(error)
    raise AssertionError(f"there is a database {database}")


def refused(code, run):
    """The message of the error that `run` must end with."""
    try:
        run()
    except psycopg.Error as error:
        assert error.sqlstate == code, (error.sqlstate, error)
        return str(error)
    raise AssertionError(f"expected error {code}")


def ours(sql):
    found = subprocess.run([REBOUND, "sql", "--lake", LAKE, sql, "--format", "json"], capture_output=True, text=True, check=True)
    return json.loads(found.stdout)


def psql(port):
    def ask(text):
        ran = subprocess.run(
            ["psql", "-X", "-A", "-h", "127.0.0.1", "-p", str(port), "-U", "ada", "-d", "rebound", "-v", "ON_ERROR_STOP=1", "-c", text],
            capture_output=True, text=True, env={**os.environ, "PAGER": "cat"},
        )
        assert ran.returncode == 0, (text, ran)
        return ran.stdout

    assert "panel|region|table" in ask(r"\d")
    described = ask(r"\d panel.region")
    assert "resistance|double precision" in described and "base_value|numeric" in described, described
    verbose = ask(r"\d+ panel.region")
    assert "region's growth" in verbose or "growth" in verbose, verbose
    assert re.search(r"panel\|region\|table\|.*\|\d+ kB\|one region and episode", ask(r"\dt+ panel.*")), ask(r"\dt+ panel.*")
    assert "customs" in ask(r"\dn") and "rebound" in ask(r"\l")
    assert "16" in ask("select count(*) from panel.region")
    print("psql: \\d, \\d+, \\dt+, \\dn, \\l and queries")


def catalog(port):
    engine = sqlalchemy.create_engine(f"postgresql+psycopg://ada@127.0.0.1:{port}/rebound")
    with engine.connect() as connection:
        tables = connection.execute(sqlalchemy.text(
            "select table_schema || '.' || table_name from information_schema.tables "
            "where table_schema not in ('pg_catalog', 'information_schema')")).scalars().all()
        # 66 are published, 8 are of the schema `meta`.
        assert len(tables) == 74 and "panel.region" in tables, tables
        columns = connection.execute(sqlalchemy.text(
            "select column_name, data_type, is_nullable from information_schema.columns "
            "where table_schema = 'panel' and table_name = 'region' order by ordinal_position")).all()
        assert columns[0] == ("episode", columns[0][1], "NO"), columns[0]
        # What Metabase asks at its first synchronisation.
        described = connection.execute(sqlalchemy.text(
            'SELECT "n"."nspname" AS "schema", "c"."relname" AS "name", "d"."description" AS "description" '
            'FROM "pg_catalog"."pg_class" AS "c" INNER JOIN "pg_catalog"."pg_namespace" AS "n" ON "c"."relnamespace" = "n"."oid" '
            'LEFT JOIN "pg_catalog"."pg_description" AS "d" ON ("c"."oid" = "d"."objoid") AND ("d"."objsubid" = \'0\') '
            'AND ("d"."classoid" = \'pg_class\'::regclass) '
            "WHERE (\"n\".\"nspname\" !~ '^pg_') AND (\"n\".\"nspname\" <> 'information_schema') AND c.relkind in ('r', 'p', 'v', 'f', 'm') "
            'ORDER BY "schema" ASC, "name" ASC')).all()
        assert len(described) == 74 and all(about for _, _, about in described), described[:3]
        # What Grafana asks for its list of tables.
        listed = connection.execute(sqlalchemy.text(
            "SELECT CASE WHEN quote_ident(table_schema) IN (SELECT CASE WHEN trim(s[i]) = '\"$user\"' THEN user ELSE trim(s[i]) END "
            "FROM generate_series(array_lower(string_to_array(current_setting('search_path'),','),1), "
            "array_upper(string_to_array(current_setting('search_path'),','),1)) as i, "
            "string_to_array(current_setting('search_path'),',') s) THEN quote_ident(table_name) "
            "ELSE quote_ident(table_schema) || '.' || quote_ident(table_name) END AS \"table\" FROM information_schema.tables "
            "WHERE quote_ident(table_schema) NOT IN ('information_schema', 'pg_catalog', '_timescaledb_cache', "
            "'_timescaledb_catalog', '_timescaledb_internal', '_timescaledb_config', 'timescaledb_information', "
            "'timescaledb_experimental') ORDER BY 1")).scalars().all()
        assert "panel.region" in listed, listed
        found = connection.execute(
            sqlalchemy.text("select region_name from panel.region where episode = :e and resistance > :r order by resistance desc"),
            {"e": "crisis_2008", "r": 1}).scalars().all()
        assert found == ["Australian Capital Territory"], found
    engine.dispose()
    print("catalog queries as SQLAlchemy, Metabase and Grafana send them")


def questions(port):
    """The twenty questions give what `rebound sql` gives."""
    text = (ROOT / "docs/questions.sql").read_text()
    queries = [part.strip() for part in re.sub(r"(?m)^--.*$", "", text).split(";") if part.strip()]
    assert len(queries) >= 20, len(queries)
    with connect(port) as client:
        for sql in queries:
            cursor = client.execute(sql)
            names = [column.name for column in cursor.description]
            rows, expected = cursor.fetchall(), ours(sql)
            assert names == (list(expected[0]) if expected else names), sql
            assert len(rows) == len(expected), sql
            for row, want in zip(rows, expected):
                for found, name in zip(row, names):
                    value = want[name]
                    # The server names types as PostgreSQL does, the engine as Arrow.
                    if name == "data_type":
                        assert (found, value) in (("text", "Utf8"), ("integer", "Int32"), ("bigint", "Int64"), ("double precision", "Float64")), (sql, found, value)
                    elif isinstance(value, (int, float)) and not isinstance(value, bool) and found is not None:
                        assert abs(float(found) - value) <= 1e-12 * max(1, abs(value)), (sql, name, found, value)
                    else:
                        assert str(found) == str(value) or found == value, (sql, name, found, value)
    print(f"{len(queries)} questions: the same answers as `rebound sql`")


def copies(port, folder):
    target = pathlib.Path(folder, "rows.csv")
    subprocess.run(
        ["psql", "-X", "-q", "-h", "127.0.0.1", "-p", str(port), "-U", "ada", "-d", "rebound", "-c",
         rf"\copy (select * from panel.region order by episode, region_code) to '{target}' csv header"], check=True)
    expected = subprocess.run(
        [REBOUND, "sql", "--lake", LAKE, "select * from panel.region order by episode, region_code", "--format", "csv"],
        capture_output=True, text=True, check=True).stdout
    import csv

    def rows(text):
        return [[{"true": "t", "false": "f"}.get(cell, cell) for cell in row] for row in csv.reader(text.splitlines())]

    assert rows(target.read_text()) == rows(expected)
    with connect(port) as client, client.cursor().copy("copy (select region_code, product from trade.region_product_year) to stdout") as copy:
        n = sum(1 for _ in copy.rows())
    assert n == ours("select count(*) as n from trade.region_product_year")[0]["n"], n
    with connect(port) as client:
        refused("0A000", lambda: client.execute("copy panel.region to stdout (format parquet)"))
    print("\\copy and COPY TO STDOUT")


def cursors(port):
    with connect(port, autocommit=False) as client, client.cursor(name="of_products") as cursor:
        cursor.execute("select region_code, product from trade.region_product_year order by 1, 2")
        first = cursor.fetchmany(3)
        rest = cursor.fetchall()
        n = ours("select count(*) as n from trade.region_product_year")[0]["n"]
        assert len(first) == 3 and len(first) + len(rest) == n, (len(first), len(rest), n)
    with connect(port) as client:
        for _ in range(10):  # prepared on the server from the fifth time on
            rows = client.execute("select count(*) from panel.region where episode = %s", ("crisis_2008",), prepare=True).fetchall()
            assert rows == [(8,)], rows
    print("cursors and prepared statements")


def changes(port):
    with connect(port) as client:
        for sql in (
            "drop table panel.region", "create table x (a int)", "insert into panel.region values (1)", "delete from panel.region",
            "copy (select 1) to '/tmp/rebound-must-not-be'", "create external table x stored as csv location '/etc/passwd'",
            "select * into x from panel.region", "truncate panel.region",
        ):
            for prepare in (False, True):
                try:
                    client.execute(sql, prepare=prepare)
                except psycopg.Error:
                    continue
                raise AssertionError(f"let through: {sql}")
        assert client.execute("select count(*) from panel.region").fetchone() == (16,)
    assert not pathlib.Path("/tmp/rebound-must-not-be").exists()
    print("nothing can be changed")


def faults(port):
    with connect(port) as client:
        assert "nothing" in refused("42703", lambda: client.execute("select nothing from panel.region"))
        assert "regoin" in refused("42P01", lambda: client.execute("select * from panel.regoin"))
        refused("42601", lambda: client.execute("selec 1"))
        for sql in ("select 1/0", "select cast('x' as int)", "select * from panel.region where", "select '", "select array_agg(x) from", "\0"[:0] + ";;", "select " + "(" * 300 + "1" + ")" * 300):
            with contextlib.suppress(psycopg.Error):
                client.execute(sql)
        client.execute("set statement_timeout = 300")
        begun = time.monotonic()
        assert "timeout" in refused("57014", lambda: client.execute(CROSS).fetchall())
        assert time.monotonic() - begun < 5
        client.execute("set statement_timeout = 0")
        timer = threading.Timer(0.5, client.cancel)
        timer.start()
        begun = time.monotonic()
        message = refused("57014", lambda: client.execute(CROSS).fetchall())
        assert "user request" in message, message
        assert time.monotonic() - begun < 10
        assert client.execute("select 1").fetchone() == (1,)
    print("faults are told by their codes; a query ends at its time, and when it is cancelled")


def stubborn(port, process):
    """Joins that find nothing for long do not keep others out, and stop when they are told to."""
    nothing = "select count(*) from customs.records a cross join customs.records b where a.fob_value * b.fob_value = -17"

    def cpu():
        fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    messages = []

    def work():
        with connect(port) as client:
            client.execute("set statement_timeout = 3000")
            messages.append(refused("57014", lambda: client.execute(nothing).fetchall()))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(1)
    begun = time.monotonic()
    with connect(port) as client:
        assert client.execute("select 1").fetchone() == (1,)
    assert time.monotonic() - begun < 5, "a small query waited for large ones"
    for thread in threads:
        thread.join(30)
    assert len(messages) == 4, messages
    time.sleep(5)
    before = cpu()
    time.sleep(1)
    assert cpu() - before < 0.3, "they go on"
    print("joins without end keep nobody out, and end")


def session(port):
    with connect(port, user="bob") as client:
        assert client.execute("select current_user as a").fetchone() == ("bob",)
        assert client.execute("select version() as v").fetchone()[0].startswith("PostgreSQL 16")
        client.execute("prepare p as select count(*) from panel.region where episode = $1")
        assert client.execute("execute p('crisis_2008')").fetchone() == (8,)
        assert "queries only" in refused("0A000", lambda: client.execute("listen x"))
        assert "SELECT INTO" in refused("25006", lambda: client.execute("select 1 as a into foo"))
        client.execute("begin")
        client.execute("savepoint a")
        refused("42703", lambda: client.execute("select nope from panel.region"))
        client.execute("rollback to savepoint a")
        assert client.execute("select 2 as a").fetchone() == (2,)
        client.execute("commit")
    print("users, prepared statements by name, savepoints")


def limits():
    big = "select array_length(array_agg(a.product || b.product)) from trade.region_product_year a " \
          "join trade.region_product_year b on a.region_code = b.region_code"
    with serving("--memory-mib", "16", "--timeout-s", "60", "--max-connections", "2") as (port, _):
        with connect(port) as one, connect(port) as two:
            message = refused("53200", lambda: one.execute(big).fetchall())
            assert "memory" in message, message
            assert two.execute("select 1").fetchone() == (1,)
            try:
                connect(port)
            except psycopg.OperationalError as error:
                assert "too many clients" in str(error), error
            else:
                raise AssertionError("a third client came in")
        time.sleep(0.2)
        connect(port).close()
    with serving("--timeout-s", "1") as (port, _), connect(port) as client:
        client.execute("set statement_timeout = 60000")
        assert "timeout (1 s)" in refused("57014", lambda: client.execute(CROSS).fetchall())
    print("memory, time and clients are limited")


def crowd(port, process):
    """A hundred clients at a time, some of them with bad queries."""
    failures, gate = [], threading.Barrier(100)

    def work(number):
        try:
            with connect(port) as client:
                gate.wait(60)
                for turn in range(5):
                    if number % 10 == 0:
                        with contextlib.suppress(psycopg.Error):
                            client.execute("select nothing from nowhere")
                    year = 2005 + (number + turn) % 10
                    rows = client.execute("select count(*) from trade.region_year where year = %s", (year,)).fetchall()
                    assert rows == [(8,)], rows
        except Exception as error:  # noqa: BLE001
            failures.append(repr(error))
            gate.abort()

    begun = time.monotonic()
    threads = [threading.Thread(target=work, args=(number,)) for number in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures[:3]
    assert process.poll() is None
    print(f"100 clients at a time, 500 queries: {time.monotonic() - begun:.1f} s")


def publication(folder):
    """A run that is published while the server runs is read as a whole, or not at all."""
    lake = os.path.join(folder, "lake")
    shutil.copytree(LAKE, lake)
    for name in ("config", "samples"):
        os.symlink(ROOT / name, os.path.join(folder, name))
    changed = pathlib.Path(folder, "pipelines")
    shutil.copytree(ROOT / "pipelines", changed)
    (changed / "changed.yaml").write_text("spatial: {permutations: 99}\n")
    text = (changed / "australia.yaml").read_text()
    added = text.replace("  - ../config/australia.yaml\n", "  - ../config/australia.yaml\n  - changed.yaml\n")
    assert added != text
    (changed / "australia.yaml").write_text(added)
    with serving(lake=lake) as (port, _), connect(port) as client, connect(port, autocommit=False) as slow:
        sql = "select count(*), sum(moran_p_value) from spatial.measure"
        old = json.loads(pathlib.Path(lake, "catalog.json").read_text())["run"]
        number = json.loads(pathlib.Path(lake, "runs", f"{old}.json").read_text())["number"]
        held = connect(port, dbname=f"rebound@{number}")
        before = client.execute(sql).fetchone()
        prepared = "select count(*), sum(moran_p_value) from spatial.measure where moran_p_value >= %s"
        assert client.execute(prepared, (0,), prepare=True).fetchone()[1] == before[1]
        assert slow.execute(sql).fetchone() == before
        stop, seen, failures = threading.Event(), set(), []

        def read():
            with connect(port) as reader:
                while not stop.is_set():
                    try:
                        seen.add(reader.execute(sql).fetchone())
                    except psycopg.Error as error:
                        failures.append(error)

        reader = threading.Thread(target=read)
        reader.start()
        subprocess.run([REBOUND, "--quiet", "run", str(changed / "australia.yaml"), "--lake", lake], check=True, cwd=folder)
        for _ in range(100):
            after = client.execute(sql).fetchone()
            if after != before:
                break
            time.sleep(0.1)
        stop.set()
        reader.join()
        assert after != before, "the new run was not picked up"
        assert seen == {before, after} and not failures, (seen, failures)
        assert client.execute(prepared, (0,), prepare=True).fetchone()[1] == after[1], "a prepared statement saw the old run"
        assert slow.execute(sql).fetchone() == before, "a transaction saw another run"
        kept_runs(port, before, after, sql, old, number)
        assert held.execute(sql).fetchone() == before, "a client of a kept run saw another"
        # Garbage collections leave alone what the transaction and the client of the old run read, also where no query of it has read it yet.
        collect = lambda: subprocess.run([REBOUND, "gc", "--keep", "0", "--lake", lake], capture_output=True, text=True, check=True).stdout
        told = collect()
        assert re.search(r"kept what process \d+ \(`.*rebound-serve", told), told
        regions = "select count(*) from spatial.region"
        assert slow.execute(sql).fetchone() == before and slow.execute(regions).fetchone()[0] > 0, "the transaction lost its tables"
        slow.commit()
        assert slow.execute(sql).fetchone() == after
        assert "kept" in collect() and held.execute(regions).fetchone()[0] > 0, "the client of the old run lost its tables"
        held.close()
        for _ in range(100):
            told = collect()
            if "kept" not in told:
                break
            time.sleep(0.1)
        assert "kept" not in told and client.execute(sql).fetchone() == after, told
        message = no_database(port, f"rebound@{number}")
        assert "is no longer whole" in message and f"rebound, rebound@{number + 1}" in message, message
        # What is removed all the same is an error that names it, and not no rows.
        catalog = json.loads(pathlib.Path(lake, "catalog.json").read_text())
        path = catalog["tables"]["spatial.region"]["files"][0]["path"]
        os.remove(os.path.join(lake, path))
        message = refused("58030", lambda: client.execute(regions).fetchone())
        assert path in message and "is gone" in message, message
    assert not os.listdir(os.path.join(lake, "leases")), "a lease stayed"
    print("a new run is picked up whole; a transaction goes on reading the old one; what is gone is named")


def kept_runs(port, before, after, sql, old, number):
    """A database for each run that published."""
    for asked in (number, old, "previous"):
        with connect(port, dbname=f"rebound@{asked}") as client:
            assert client.execute(sql).fetchone() == before, asked
            assert client.execute("select current_database()").fetchone() == (f"rebound@{number}",)
            client.execute("begin")
            assert client.execute(sql).fetchone() == before
            client.execute("commit")
            refused("25006", lambda: client.execute("select 1 as a into foo"))
    with connect(port, dbname="rebound@published") as client:
        assert client.execute(sql).fetchone() == after
        names = [name for name, in client.execute("select datname from pg_catalog.pg_database where datname like 'rebound%' order by oid").fetchall()]
        assert sorted(names) == sorted({"rebound", *names}) and {f"rebound@{number}", f"rebound@{number + 1}"} <= set(names), names
    ran = subprocess.run(["psql", "-X", "-A", "-h", "127.0.0.1", "-p", str(port), "-U", "ada", "-d", f"rebound@{number}", "-c", r"\l", "-c", sql],
                         capture_output=True, text=True, check=True)
    assert f"rebound@{number}|" in ran.stdout and "(1 row)" in ran.stdout, ran
    # Any other name is the published one, as ever; a user's name with an @ is no run.
    with connect(port, dbname="anything") as client, connect(port, user="ada@example.org", dbname="ada@example.org") as other:
        assert client.execute(sql).fetchone() == other.execute(sql).fetchone() == after
    message = no_database(port, "rebound@999999")
    assert "no run `999999`" in message and old in message, message
    for database, code in (("rebound@999999", b"3D000"), ("rebound@", b"3D000")):
        client = raw(port, message_of_startup(database))
        answer = ends(client)
        assert code in answer and b"Z\0\0\0\x05" not in answer.split(b"3D000")[0], answer
    print("each kept run is a database; others are told apart from it")


def access(folder):
    folder = pathlib.Path(folder)
    users, certificate, key = folder / "users", folder / "server.crt", folder / "server.key"
    users.write_text("# readers\nada:a:secret\n")
    users.chmod(0o600)
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True)
    with serving("--users", str(users), "--tls-cert", str(certificate), "--tls-key", str(key)) as (port, _):
        with connect(port, password="a:secret", sslmode="verify-full", sslrootcert=str(certificate)) as client:
            assert client.execute("select 1").fetchone() == (1,)
            assert client.pgconn.ssl_in_use
        with connect(port, password="a:secret", dbname="rebound@published") as client:
            assert client.execute("select 1").fetchone() == (1,)
        assert "no run `x`" in no_database(port, "rebound@x", password="a:secret")
        # Who is not let in learns nothing of the runs.
        for name, password, database in (("ada", "wrong", "rebound"), ("eve", "a:secret", "rebound"), ("ada", "wrong", "rebound@x")):
            try:
                connect(port, user=name, password=password, dbname=database)
            except psycopg.OperationalError as error:
                assert f'authentication failed for user "{name}"' in str(error), error
            else:
                raise AssertionError(f"{name} came in")

        try:
            connect(port, password="a:secret", sslmode="disable")
        except psycopg.OperationalError as error:
            assert "encrypted connections only" in str(error), error
        else:
            raise AssertionError("came in without TLS")

    def stops(expected, *options):
        ran = subprocess.run([REBOUND, "serve", *options], capture_output=True, text=True, timeout=60)
        assert ran.returncode == 2 and expected in ran.stderr, ran

    stops("everyone who reaches 0.0.0.0:0 could read", "--lake", LAKE, "--bind", "0.0.0.0:0")
    users.chmod(0o644)
    stops("others can read", "--lake", LAKE, "--users", str(users))
    stops("more than all queries may use", "--lake", LAKE, "--memory-mib", "5000")
    stops("no lake in", "--lake", str(folder / "none"))
    stops("has no certificate in PEM form", "--lake", LAKE, "--tls-cert", str(users), "--tls-key", str(key))
    (folder / "empty").mkdir()
    stops("nothing is published", "--lake", str(folder / "empty"))
    print("passwords, TLS, and what is refused at the start")


def deep(port, process):
    """Texts that are too deep or too long are refused by number, by both protocols, while others are served."""
    texts = {
        "54001": ["select 1 where 1 = 0" + " or 1 = 1" * 2_000, "select 1" + " + 1" * 20_000, "select 1" + " union all select 1" * 3_200,
                  "select " + "(" * 5_000 + "1" + ")" * 5_000, "select 'a'" + " || 'a'" * 3_000, "select " + "case when true then " * 300 + "1" + " end" * 300,
                  "select " + "cast(" * 40 + "1 1" + " as int)" * 40, "select " + "(select " * 40 + "1" + ")" * 40, "select " + "abs(" * 40 + "1" + ")" * 40, "select " + "exists (select 1 where " * 12 + "true" + ")" * 12,
                  "with a0 as (select 1 as x)" + "".join(f", a{i} as (select * from a{i - 1} union all select * from a{i - 1})" for i in range(1, 40)) + " select * from a39"],
        "54000": ["select '" + "a" * (1 << 20) + "'", "select 1 where 1 in (0" + ", 1" * 60_000 + ")"],
    }
    with connect(port) as client, connect(port) as other:
        for code, all_of_code in texts.items():
            for text in all_of_code:
                message = refused(code, lambda: client.execute(text))
                assert "at most" in message or "more than" in message, message
                refused(code, lambda: client.execute(text, prepare=True))
                assert other.execute("select 1").fetchone() == (1,)
        # As deep as is let through.
        for text in ["select 1 where 1 = 0" + " or 1 = 1" * 480, "select 1" + " + 1" * 160, "select 1" + " union all select 1" * 480,
                     "select count(*) from panel.region where eci = 0" + " or eci = 1" * 480, "select max(region_code" + " || region_name" * 480 + ") from panel.region",
                     "select sum(base_value" + " + base_value" * 160 + ") from panel.region", "select " + "abs(" * 12 + "eci" + ")" * 12 + " from panel.region"]:
            assert client.execute(text).fetchall() is not None
            assert client.execute(text, prepare=True).fetchall() is not None
        assert client.execute("select 480" + " + 1" * 20).fetchone() == (500,)
    assert process.poll() is None
    print("what is too deep or too long is refused, and the server goes on")


def cpu_seconds(process):
    """Of the server."""
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def message(kind, body=b""):
    return kind + struct.pack(">I", len(body) + 4) + body


def message_of_startup(database):
    return message(b"", b"\0\x03\0\0user\0ada\0database\0" + database.encode() + b"\0\0")


HELLO = message_of_startup("rebound")


def raw(port, *parts):
    """A connection that has sent these bytes."""
    client = socket.create_connection(("127.0.0.1", port), timeout=15)
    for part in parts:
        client.sendall(part)
    return client


def hello(port):
    """A connection that has come in."""
    client = raw(port, HELLO)
    answer = b""
    while not answer.endswith(b"Z\0\0\0\x05I"):
        part = client.recv(4096)
        assert part, answer
        answer += part
    return client


def ends(client):
    """What comes until the server closes the connection."""
    answer = b""
    with contextlib.suppress(ConnectionError):
        while part := client.recv(4096):
            answer += part
    client.close()
    return answer


def vanished(port, process):
    """A query whose client is gone ends within a second."""
    for kind in ["closed", "reset", "extended"]:
        client = hello(port)
        if kind == "extended":
            client.sendall(message(b"P", b"\0" + CROSS.encode() + b"\0\0\0") + message(b"B", b"\0\0\0\0\0\0\0\0") + message(b"E", b"\0\0\0\0\0") + message(b"S"))
        else:
            client.sendall(message(b"Q", CROSS.encode() + b"\0"))
        time.sleep(1)
        before = cpu_seconds(process)
        time.sleep(0.5)
        assert cpu_seconds(process) - before > 0.2, "it does not run"
        if kind == "reset":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        time.sleep(1)
        before = cpu_seconds(process)
        time.sleep(1)
        assert cpu_seconds(process) - before < 0.2, f"{kind}: it goes on"
    print("queries end when their clients are gone")


def malformed(port):
    """What is no message ends its own connection, and is told as a breach of the protocol."""
    whole = [message(b"Q", b"select 1\0"), message(b"P", b"a\0select 1\0\0\0"), message(b"B", b"\0a\0\0\0\0\0\0\0"), message(b"D", b"Sa\0"), message(b"E", b"\0\0\0\0\0"),
             message(b"S"), message(b"C", b"Sa\0"), message(b"d", b"x"), message(b"c"), message(b"f", b"x\0"), message(b"p", b"x\0\0\0\0\x01y")]
    faults = [b"", b"\0", b"\xff" * 40, b"a\0select 1\0\xff\xff", b"\0\0\0\x01\0\0\xff\xff\xff", b"x"]
    broken = [message(kind[:1], fault) for kind in whole if kind[:1] not in b"dp" for fault in faults if message(kind[:1], fault) not in whole]
    broken += [b"Q\xff\xff\xff\xff", b"Q\0\0\0\0", b"Q\0\0\0\x03", b"B\x7f\xff\xff\xff", message(b"?"), message(b"\0")]
    n_told = 0
    for bytes_of in broken:
        if bytes_of in (message(b"Q", b"\0"), message(b"f", b"\0"), message(b"D", b"\0"), message(b"S"), message(b"c")):
            continue
        client = hello(port)
        client.sendall(bytes_of)
        answer = ends(client)
        assert b"08P01" in answer, (bytes_of, answer)
        n_told += 1
    for first in [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\0\0\0\x08\0\x03\0\0", b"GET / HTTP/1.1\r\n\r\n", message(b"", b"\0\x03\0\0user\0ada"), message(b"", b"\0\x03\0\0" + b"a" * 9_000),
                  message(b"", b"\x04\xd2\x16\x2e\0\0"), message(b"", b"\x04\xd2\x16\x2f") + b"\0\0\0\0"]:
        client = raw(port, first)
        client.shutdown(socket.SHUT_WR)
        ends(client)
    chance = random.Random(1)
    for _ in range(300):
        client = hello(port) if chance.random() < 0.7 else raw(port)
        noise = bytearray(b"".join(chance.choices(whole, k=3)))
        for _ in range(chance.randrange(1, 4)):
            noise[chance.randrange(len(noise))] = chance.randrange(256)
        with contextlib.suppress(ConnectionError):
            client.sendall(noise)
            client.shutdown(socket.SHUT_WR)
        ends(client)
    with connect(port) as client:
        assert client.execute("select 1").fetchone() == (1,)
    return n_told


def besieged(folder):
    """Clients that say nothing, or the wrong thing, shut nobody out and break nothing."""
    users = pathlib.Path(folder, "besieged")
    users.write_text("ada:right\n")
    users.chmod(0o600)
    log = pathlib.Path(folder, "log")
    with serving("--users", str(users), "--max-connections", "5") as (port, _):
        silent = [raw(port, *([HELLO] if number % 2 else [])) for number in range(150)]
        begun = time.monotonic()
        for _ in range(10):
            with connect(port, password="right") as client:
                assert client.execute("select 1").fetchone() == (1,)
        assert time.monotonic() - begun < 5, "silent clients are in the way"
        for client in silent:
            ends(client)
        assert 9 < time.monotonic() - begun < 14, time.monotonic() - begun

        failures = []

        def wrong():
            begun = time.monotonic()
            try:
                connect(port, password="wrong")
                failures.append("a wrong password came in")
            except psycopg.OperationalError as error:
                if "assword authentication failed" not in str(error):
                    failures.append(str(error))
            if time.monotonic() - begun < 1:
                failures.append("a wrong password is not slowed")

        threads = [threading.Thread(target=wrong) for _ in range(30)]
        for thread in threads:
            thread.start()
        time.sleep(0.3)
        begun = time.monotonic()
        connect(port, password="right").close()
        assert time.monotonic() - begun < 1, "those with wrong passwords are in the way"
        for thread in threads:
            thread.join()
        assert not failures, failures[:3]
    with log.open("w") as stderr, serving(stderr=stderr) as (port, process):
        n_told = malformed(port)
        vanished(port, process)
    assert "panicked" not in log.read_text(), log.read_text()
    print(f"silent clients go, wrong passwords wait, {n_told} malformed messages are told, 300 of noise end")


def main():
    with serving() as (port, process), tempfile.TemporaryDirectory() as folder:
        copies(port, folder)
        psql(port)
        catalog(port)
        questions(port)
        cursors(port)
        changes(port)
        faults(port)
        session(port)
        stubborn(port, process)
        crowd(port, process)
        deep(port, process)
    limits()
    with tempfile.TemporaryDirectory() as folder:
        besieged(folder)
    with tempfile.TemporaryDirectory() as folder:
        access(folder)
    with tempfile.TemporaryDirectory() as folder:
        publication(folder)


if __name__ == "__main__":
    main()
