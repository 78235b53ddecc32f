"""Clients of the SQL server as their users have them: psql, SQLAlchemy, pandas, Polars, ADBC, psycopg.

    python tests/python/clients.py REBOUND LAKE

LAKE is the Australian sample's. Everything is on loopback. Larger clients (JDBC, R, dbt, Superset) are in tests/clients."""

import contextlib
import decimal
import json
import os
import re
import signal
import subprocess
import sys
import warnings

import adbc_driver_postgresql.dbapi
import pandas
import polars
import psycopg
import sqlalchemy

REBOUND = os.path.abspath(sys.argv[1])
LAKE = os.path.abspath(sys.argv[2])
# What the catalog says of `panel.region`.
KEY = ["episode", "region_code"]


@contextlib.contextmanager
def serving(*options):
    """A server on a free port: its port."""
    command = [REBOUND, "serve", "--lake", LAKE, "--bind", "127.0.0.1:0", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    line = process.stdout.readline()
    if not line:
        raise AssertionError(process.stderr.read())
    try:
        yield int(re.search(r":(\d+)/rebound", line)[1])
        assert process.poll() is None, process.stderr.read()
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def connect(port, **options):
    return psycopg.connect(**{"host": "127.0.0.1", "port": port, "dbname": "rebound", "user": "ada", "autocommit": True, **options})


def url(port, driver="psycopg", path=""):
    return f"postgresql+{driver}://ada@127.0.0.1:{port}/rebound" + (f"?options=-csearch_path%3D{path}" if path else "")


def ours(sql):
    found = subprocess.run([REBOUND, "sql", "--lake", LAKE, sql, "--format", "json"], capture_output=True, text=True, check=True)
    return json.loads(found.stdout)


def psql(port, text, *options):
    return subprocess.run(
        ["psql", "-X", "-A", "-h", "127.0.0.1", "-p", str(port), "-U", "ada", "-d", "rebound", "-v", "ON_ERROR_STOP=1", *options, "-c", text],
        capture_output=True, text=True, env={**os.environ, "PAGER": "cat"})


# Commands that list what is here, and a part of what they print.
LISTS = {
    r"\d": "panel|region|table", r"\dt": "panel|region|table", r"\dt+ panel.*": "kB", r"\d panel.region": "resistance|double precision",
    r"\d+ panel.region": "growth", r"\d region_year": "region_code", r"\dn": "customs|rebound", r"\dn+": "panel", r"\l": "rebound|rebound|UTF8",
    r"\l+": "rebound", r"\di": "panel|region_pkey|index|rebound|region", r"\di+": "region_pkey", r"\du": "ada", r"\dg": "ada", r"\dp panel.*": "panel|region|table",
    r"\z panel.*": "panel|region|table", r"\dS pg_class": "pg_class", r"\d pg_class": "relname", r"\dtS pg_*": "pg_attribute", r"\dvS": "pg_tables", r"\dTS text": "text", r"\dTS+ text": "text",
    r"\dfS lower": "lower", r"\daS max": "max", r"\doS ||": "||", r"\dCS text": "text", r"\db": "pg_default", r"\dL": "", r"\dA": "btree",
    r"\dconfig search_path": "search_path", r"\encoding": "UTF8", r"\conninfo": "ada", r"\dnS": "pg_catalog", r"\dOS": "",
}

# Commands that list what is never here: they print a list without rows, or that nothing was found.
EMPTY = [
    r"\dv", r"\dm", r"\ds", r"\df", r"\df+", r"\da", r"\dT", r"\dT+", r"\do", r"\dC nothing", r"\dc", r"\dD", r"\dD+", r"\dO", r"\dO+", r"\drds", r"\dy", r"\dx",
    r"\dX", r"\dRp", r"\dRs", r"\ddp", r"\dd", r"\det", r"\dew", r"\des", r"\deu", r"\dP", r"\dP+", r"\dF nothing", r"\dFd nothing", r"\dFp nothing", r"\dFt nothing", r"\dE",
    r"\dAc nothing", r"\dAf nothing", r"\dAo nothing", r"\dAp nothing", r"\dl",
]


def terminal(port):
    for command, part in LISTS.items():
        ran = psql(port, command)
        assert ran.returncode == 0 and part in ran.stdout, (command, part, ran)
    for command in EMPTY:
        ran = psql(port, command, "-t")
        rows = [line for line in ran.stdout.splitlines() if line.strip()]
        assert ran.returncode == 0 and "ERROR" not in ran.stderr and not rows, (command, ran)
    described = psql(port, r"\d panel.region").stdout
    assert '"region_pkey" PRIMARY KEY, btree (episode, region_code)' in described, described
    assert "base_value|numeric(20,2)" in described and "episode|text||not null" in described, described
    # What does not exist is no list.
    assert psql(port, r"\sf nothing").returncode != 0 and "does not exist" in psql(port, r"\sf nothing").stderr
    # All rows, some at a time, by a cursor.
    sql = "select region_code, product from trade.region_product_year order by 1, 2, year"
    whole = psql(port, sql, "-t").stdout.splitlines()
    portions = psql(port, sql, "-t", "-v", "FETCH_COUNT=1000").stdout.splitlines()
    assert len(whole) > 2000 and portions == whole, (len(whole), len(portions))
    # Functions that take numbers of objects, of any size of integer.
    said = psql(port, "select pg_get_userbyid(10), current_setting('server_version_num')::int / 10000, pg_typeof(1.5), to_char(1234.5, 'FM9,999.00'), "
                "to_char(timestamp '2008-09-05 14:07:09', 'YYYY-MM-DD HH24:MI'), obj_description('panel.region'::regclass) <> ''", "-t").stdout
    assert said.strip() == "rebound|16|double precision|1,234.50|2008-09-05 14:07|t", said
    assert psql(port, "show server_version", "-t").stdout.strip() == "16.6"
    assert psql(port, "select state, usename from pg_stat_activity", "-t").stdout.strip() == "active|ada"
    print(f"psql: {len(LISTS) + len(EMPTY)} commands that list, a cursor of FETCH_COUNT, functions")


def reflection(port):
    for driver in ("psycopg", "psycopg2"):
        engine = sqlalchemy.create_engine(url(port, driver))
        inspector = sqlalchemy.inspect(engine)
        schemas = inspector.get_schema_names()
        assert {"customs", "meta", "panel", "public", "trade", "information_schema"} <= set(schemas), schemas
        assert inspector.default_schema_name == "public"
        assert "region" in inspector.get_table_names(schema="panel") and inspector.get_view_names(schema="panel") == []
        assert inspector.has_table("region", schema="panel") and not inspector.has_table("regoin", schema="panel")
        columns = {column["name"]: column for column in inspector.get_columns("region", schema="panel")}
        assert isinstance(columns["episode"]["type"], sqlalchemy.TEXT) and not columns["episode"]["nullable"], columns["episode"]
        assert isinstance(columns["resistance"]["type"], sqlalchemy.DOUBLE_PRECISION) and columns["resistance"]["nullable"]
        assert (columns["base_value"]["type"].precision, columns["base_value"]["type"].scale) == (20, 2), columns["base_value"]
        assert columns["resistance"]["comment"], columns["resistance"]
        assert inspector.get_pk_constraint("region", schema="panel")["constrained_columns"] == KEY
        assert inspector.get_pk_constraint("region", schema="panel")["name"] == "region_pkey"
        for nothing in ("get_foreign_keys", "get_indexes", "get_unique_constraints", "get_check_constraints"):
            assert getattr(inspector, nothing)("region", schema="panel") == [], nothing
        assert "one region and episode" in inspector.get_table_comment("region", schema="panel")["text"]
        assert inspector.get_enums() == [] and inspector.get_domains() == []
        metadata = sqlalchemy.MetaData()
        metadata.reflect(engine, schema="panel")
        assert [column.name for column in metadata.tables["panel.region"].primary_key] == KEY
        table = sqlalchemy.Table("region", sqlalchemy.MetaData(), schema="panel", autoload_with=engine)
        with engine.connect() as connection:
            rows = connection.execute(sqlalchemy.select(table.c.region_code).where(table.c.episode == "crisis_2008").order_by(table.c.region_code)).scalars().all()
            assert len(rows) == 8 and rows == sorted(rows), rows
        engine.dispose()
    print("SQLAlchemy: schemas, tables, columns, keys, comments, MetaData.reflect and autoload, by psycopg and psycopg2")


def frames(port):
    expected = ours("select region_code, episode, base_value, resistance from panel.region order by 1, 2")
    for driver in ("psycopg", "psycopg2"):
        engine = sqlalchemy.create_engine(url(port, driver))
        table = pandas.read_sql_table("region", engine, schema="panel")
        assert len(table) == 16 and table["resistance"].dtype == "float64", table.dtypes
        asked = pandas.read_sql("select region_code, episode, base_value, resistance from panel.region order by 1, 2", engine)
        assert asked["resistance"].tolist() == [row["resistance"] for row in expected]
        asked = pandas.read_sql(sqlalchemy.text("select count(*) from panel.region where episode = :e"), engine, params={"e": "crisis_2008"})
        assert asked.columns.tolist() == ["count"] and asked.iloc[0, 0] == 8, asked
        chunks = list(pandas.read_sql("select product from trade.region_product_year", engine.execution_options(stream_results=True), chunksize=5000))
        assert sum(map(len, chunks)) == ours("select count(*) as n from trade.region_product_year")[0]["n"]
        engine.dispose()
    path = sqlalchemy.create_engine(url(port), connect_args={"options": "-c search_path=panel"})
    with path.connect() as connection:
        connection.execute(sqlalchemy.text("set search_path to panel, public"))
        assert connection.execute(sqlalchemy.text("select current_schema()")).scalar() == "panel"
        assert len(pandas.read_sql("select * from region", connection)) == 16
    path.dispose()
    print("pandas: read_sql_table, read_sql, parameters, chunks")


def arrow(port):
    plain = f"postgresql://ada@127.0.0.1:{port}/rebound"
    sql = "select episode, region_code, base_value, resistance from panel.region order by 1, 2"
    expected = ours(sql)
    for engine in ("connectorx", "adbc"):
        found = polars.read_database_uri(sql, plain, engine=engine)
        assert found["region_code"].to_list() == [row["region_code"] for row in expected], engine
        assert found["resistance"].to_list() == [row["resistance"] for row in expected], engine
        assert [float(value) for value in found["base_value"]] == [float(row["base_value"]) for row in expected], engine
    with adbc_driver_postgresql.dbapi.connect(plain) as connection, connection.cursor() as cursor:
        cursor.execute("select count(*) as n, cast(1 as smallint) as s, true as b, date '2008-09-15' as d, timestamp '2008-09-15 08:00:00' as t, "
                       "cast(null as text) as x, cast(2.5 as real) as r from trade.region_product_year")
        row = cursor.fetch_arrow_table().to_pylist()[0]
        assert row["n"] == ours("select count(*) as n from trade.region_product_year")[0]["n"] and row["x"] is None, row
        assert (row["s"], row["b"], row["r"], str(row["d"]), str(row["t"])) == (1, True, 2.5, "2008-09-15", "2008-09-15 08:00:00"), row
        cursor.execute("select count(*) from panel.region where episode = $1", ("crisis_2008",))
        assert cursor.fetchone() == (8,)
        schema = connection.adbc_get_table_schema("region", db_schema_filter="panel")
        assert schema.names[:2] == KEY or set(KEY) <= set(schema.names), schema.names
        objects = connection.adbc_get_objects(depth="all", catalog_filter="rebound", db_schema_filter="panel", table_name_filter="region").read_all().to_pylist()
        tables = [table for catalog in objects for schema in catalog["catalog_db_schemas"] or [] for table in schema["db_schema_tables"] or []]
        assert [table["table_name"] for table in tables] == ["region"], tables
        assert "resistance" in [column["column_name"] for column in tables[0]["table_columns"]], tables
        keys = [constraint for constraint in tables[0]["table_constraints"] if constraint["constraint_type"] == "PRIMARY KEY"]
        assert keys and keys[0]["constraint_column_names"] == KEY, tables[0]["table_constraints"]
        assert connection.adbc_get_table_types()
    print("Polars by connectorx and ADBC; ADBC: rows, parameters, schemas, objects")


def cursors(port):
    sql = "select region_code, product, year, fob_value from trade.region_product_year order by 1, 2, 3"
    n = ours("select count(*) as n from trade.region_product_year")[0]["n"]
    for binary in (False, True):
        with connect(port, autocommit=False) as client:
            for _ in range(2):  # the second after the first is gone with its transaction
                with client.cursor(name="of_products", binary=binary) as cursor:
                    cursor.itersize = 1000
                    cursor.execute(sql)
                    first = cursor.fetchmany(3)
                    assert isinstance(first[0][3], decimal.Decimal) and isinstance(first[0][2], int), first
                    assert len(first) + len(cursor.fetchall()) == n
                client.commit()
    with connect(port, autocommit=False) as client:
        client.execute("declare c cursor for select region_code from panel.region order by 1")
        assert client.execute("fetch 2 from c").rowcount == 2 and len(client.execute("fetch all from c").fetchall()) == 14
        client.commit()
        # It ended with its transaction.
        try:
            client.execute("fetch 1 from c")
        except psycopg.Error as error:
            assert error.sqlstate == "34000", error
        else:
            raise AssertionError("a cursor outlived its transaction")
    with connect(port) as client, client.cursor(binary=True) as cursor, cursor.copy("copy panel.region (episode, resistance) to stdout (format binary)") as copy:
        copy.set_types(["text", "float8"])
        rows = list(copy.rows())
        assert len(rows) == 16 and all(isinstance(row[1], (float, type(None))) for row in rows), rows[0]
    print("cursors in text and binary; COPY in binary")


# Queries, and the code that PostgreSQL has for what is wrong with them.
FAULTS = {
    "select * from panel.regoin": "42P01", "select * from nothing": "42P01", "select nothing from panel.region": "42703", "select nofunction(1)": "42883",
    "selec 1": "42601", "select 1 +": "42601", "select 1 / 0": "22012", "select cast('x' as int)": "22P02", "select 'x'::regclass": "42P01",
    "select cast(99999999999 as int)": "22003", "select current_setting('no_such')": "42704", "show no_such": "42704",
    "select region_code, count(*) from panel.region": "42803", "select region_code from panel.region a join panel.region b on a.episode = b.episode": "42702",
    "insert into panel.region values (1)": "25006", "set server_version = 17": "55P02", "set client_encoding to latin1": "0A000",
    "select (select r.region_code from panel.region r where r.episode = e.episode) from panel.region e": "21000",
}


def faults(port):
    with connect(port) as client:
        for sql, code in FAULTS.items():
            for prepare in (False, True):
                try:
                    client.execute(sql, prepare=prepare).fetchall()
                except psycopg.Error as error:
                    assert error.sqlstate == code, (sql, error.sqlstate, code, error)
                else:
                    raise AssertionError(f"let through: {sql}")
        try:
            client.execute("select episode,\n  nothing from panel.region")
        except psycopg.Error as error:
            assert error.diag.statement_position == "19", error.diag.statement_position
        try:
            client.execute("select region_code from")
        except psycopg.Error as error:
            assert error.diag.statement_position, error
    print(f"{len(FAULTS)} faults have the codes of PostgreSQL, with their place")


def values(port):
    """Queries as values, which once were null in silence."""
    with connect(port) as client:
        sql = ("select e.region_code, (select max(r.resistance) from panel.region r where r.region_code = e.region_code) as best, "
               "(select r.episode from panel.region r where r.region_code = e.region_code order by r.resistance desc limit 1) as in_episode, "
               "array(select r.episode from panel.region r where r.region_code = e.region_code order by 1) as episodes, "
               "exists (select 1 from panel.region r where r.region_code = e.region_code and r.resistance > 1) as is_strong "
               "from panel.region e where e.episode = 'crisis_2008' order by 1")
        rows = client.execute(sql).fetchall()
        all_rows = ours("select region_code, episode, resistance from panel.region")
        for code, best, in_episode, episodes, is_strong in rows:
            of_region = [row for row in all_rows if row["region_code"] == code]
            top = max(of_region, key=lambda row: row["resistance"])
            assert (best, in_episode) == (top["resistance"], top["episode"]), (code, best, in_episode)
            assert episodes == sorted(row["episode"] for row in of_region) and is_strong == (best > 1), (code, episodes)
        assert len(rows) == 8
        assert client.execute("select count(*), count(*), 1 as a, 2 as a").description[1].name == "count"
        names = [column.name for column in client.execute("select r.region_code, r.* from panel.region r limit 1").description]
        assert names[0] == "region_code" and names.count("region_code") == 2, names
        client.execute("set search_path to panel")
        assert client.execute("select count(*) from region").fetchone() == (16,)
        assert client.execute("select current_schemas(true), pg_table_is_visible('panel.region'::regclass)").fetchone() == (["pg_catalog", "panel"], True)
        client.execute("reset all")
        assert client.execute("show search_path").fetchone() == ('"$user", public',)
        with client.transaction():
            client.execute("set local search_path to panel")
            assert client.execute("select current_schema()").fetchone() == ("panel",)
        assert client.execute("select current_schema()").fetchone() == ("public",)
        types = client.execute("select column_name, data_type, udt_name, numeric_precision, numeric_scale, is_nullable, ordinal_position from information_schema.columns "
                               "where table_schema = 'panel' and table_name = 'region' and column_name in ('episode', 'base_value', 'resistance') order by ordinal_position").fetchall()
        found = {name: rest for name, *rest in types}
        assert found["episode"][:2] == ["text", "text"] and found["episode"][4] == "NO", found
        assert found["base_value"][:4] == ["numeric", "numeric", 20, 2], found
        assert found["resistance"][:2] == ["double precision", "float8"] and found["resistance"][4] == "YES", found
        keys = client.execute("select k.column_name from information_schema.table_constraints t join information_schema.key_column_usage k "
                              "using (constraint_schema, constraint_name) where t.constraint_type = 'PRIMARY KEY' and t.table_schema = 'panel' and t.table_name = 'region' "
                              "order by k.ordinal_position").fetchall()
        assert [name for name, in keys] == KEY, keys
    print("queries as values, names of columns, search_path, information_schema")


def main():
    warnings.simplefilter("ignore", sqlalchemy.exc.SAWarning)
    with serving() as port:
        for test in (terminal, reflection, frames, arrow, cursors, faults, values):
            test(port)


main()
