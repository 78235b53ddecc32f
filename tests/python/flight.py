"""The SQL server as clients of Arrow Flight SQL see it: ADBC's driver, and pyarrow's client for what ADBC hides.

    python tests/python/flight.py REBOUND LAKE

LAKE is the Australian sample's. Everything is on loopback."""

import contextlib
import decimal
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

import adbc_driver_flightsql
import adbc_driver_flightsql.dbapi as flightsql
import adbc_driver_manager
import psycopg
import pyarrow as pa
import pyarrow.flight

ROOT = pathlib.Path(__file__).resolve().parents[2]
REBOUND = os.path.abspath(sys.argv[1])
LAKE = os.path.abspath(sys.argv[2])
CROSS = "select sum(a.fob_value * b.fob_value) from customs.records a join customs.records b on a.flow = b.flow"
HEADER = "adbc.flight.sql.rpc.call_header."


@contextlib.contextmanager
def serving(*options, lake=LAKE):
    """A server on free ports: where it speaks Flight SQL, the port of PostgreSQL, and the process."""
    command = [REBOUND, "serve", "--lake", lake, "--bind", "127.0.0.1:0", "--flight", "127.0.0.1:0", "--interval-s", "1", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    lines = [process.stdout.readline(), process.stdout.readline()]
    if not lines[1]:
        raise AssertionError(process.stderr.read())
    try:
        uri = re.search(r"Arrow Flight SQL at (grpc\S+)", lines[1])[1]
        yield uri, int(re.search(r":(\d+)/rebound", lines[0])[1]), process
        assert process.poll() is None, f"the server ended: {process.stderr.read()}"
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            assert process.wait(30) == 0, process.stderr.read()
        except subprocess.TimeoutExpired:
            process.kill()
            raise


@contextlib.contextmanager
def connect(uri, conn=None, **options):
    with flightsql.connect(uri, db_kwargs=options, conn_kwargs=conn or {}, autocommit=True) as connection:
        yield connection


def fetch(connection, sql, parameters=None):
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetch_arrow_table()


def refused(status, words, run):
    """The message of the error that `run` must end with."""
    try:
        run()
    except adbc_driver_manager.Error as error:
        assert status in (None, error.status_code) and words in str(error), (error.status_code, str(error))
        return str(error)
    raise AssertionError(f"expected {status}: {words}")


STATUS = adbc_driver_manager.AdbcStatusCode


def ours(sql):
    found = subprocess.run([REBOUND, "sql", "--lake", LAKE, sql, "--format", "json"], capture_output=True, text=True, check=True)
    return json.loads(found.stdout)


def values(uri):
    """Types and nulls arrive as the tables have them."""
    with connect(uri) as client:
        table = fetch(client, "select * from panel.region order by episode, region_code")
        types = {field.name: field.type for field in table.schema}
        assert types["region_code"] == pa.string() and types["resistance"] == pa.float64(), types
        assert types["base_value"] == pa.decimal128(20, 2), types
        expected = ours("select * from panel.region order by episode, region_code")
        assert table.num_rows == len(expected) == 16 and table.column_names == list(expected[0])
        for found, want in zip(table.to_pylist(), expected):
            for name, value in want.items():
                if isinstance(found[name], decimal.Decimal):
                    assert found[name] == decimal.Decimal(str(value)), (name, found[name], value)
                elif isinstance(value, float):
                    assert abs(found[name] - value) <= 1e-12 * max(1, abs(value)), (name, found[name], value)
                else:
                    assert found[name] == value, (name, found[name], value)
        odd = fetch(client, "select null as a, true as b, cast('2008-09-15' as date) as c, cast('2008-09-15T01:02:03' as timestamp) as d, [1, 2] as e, "
                            "'Yunnan é' as f, cast(1.25 as decimal(9, 2)) as g, arrow_cast('x', 'Dictionary(Int32, Utf8)') as h, arrow_cast('x', 'Utf8View') as i")
        row = odd.to_pylist()[0]
        assert (row["a"], row["b"], str(row["c"]), row["e"], row["f"], row["g"]) == (None, True, "2008-09-15", [1, 2], "Yunnan é", decimal.Decimal("1.25")), row
        assert odd.schema.field("h").type == odd.schema.field("i").type == pa.string(), odd.schema
        empty = fetch(client, "select * from panel.region where episode = 'none'")
        assert empty.num_rows == 0 and empty.schema.types == table.schema.types
        for compression in ("lz4", "zstd"):
            with connect(uri, **{HEADER + "compression": compression}) as other:
                assert fetch(other, "select * from panel.region order by episode, region_code") == table
        with connect(uri, **{HEADER + "compression": "zip"}) as other:
            refused(STATUS.INVALID_ARGUMENT, "expected none, lz4 or zstd", lambda: fetch(other, "select 1"))
    print("types, nulls, decimals, dictionaries, compression")


def ordered(uri):
    """Rows of a table come in its order, and those of all parts of it are there. The last table is large enough for several."""
    with connect(uri) as client:
        for name in ("trade.region_product_year", "customs.records", "diversification.product_year", "panel.region_product_year", "space.region_product_year"):
            found = fetch(client, f"select * from {name}")
            schema = client.adbc_get_table_schema(name.split(".")[1], db_schema_filter=name.split(".")[0])
            key = schema.metadata[b"rebound.key"].decode().split(",")
            assert found.num_rows == ours(f"select count(*) as n from {name}")[0]["n"]
            assert found.equals(found.sort_by([(column, "ascending") for column in key])), name
            # Nothing in these rows tells of their order.
            others = [column for column in found.column_names if column not in key][:3]
            assert fetch(client, f"select {', '.join(others)} from {name}") == found.select(others), name
        limited = fetch(client, "select region_code, product, year from trade.region_product_year limit 7")
        assert limited == fetch(client, "select region_code, product, year from trade.region_product_year").slice(0, 7)
        n = fetch(client, "select count(*) as n from trade.region_product_year where year = 2008").to_pylist()[0]["n"]
        assert fetch(client, "select year from trade.region_product_year where year = 2008").num_rows == n
    print("rows of a table come in the order of its key")


def prepared(uri):
    with connect(uri) as client:
        sql = "select count(*) as n, min(region_name) as name from panel.region where episode = {} and resistance > {}"
        for text in (sql.format("?", "?"), sql.format("$1", "$2")):
            found = fetch(client, text, ("crisis_2008", 1))
            assert found.to_pylist() == [{"n": 1, "name": "Australian Capital Territory"}], found
        assert fetch(client, "select ? as a, ? as b, ? is null as c", ("it's ?", 7, None)).to_pylist() == [{"a": "it's ?", "b": 7, "c": True}]
        assert fetch(client, "select n * ? as x from (select count(*) as n from panel.region)", (decimal.Decimal("1.5"),)).to_pylist()[0]["x"] == 24
        with client.cursor() as cursor:
            types = cursor.adbc_prepare("select episode from panel.region where base_value > ? and region_code = $2")
            assert types.names == ["$1", "$2"] and types.types[1] == pa.string(), types
            schema = cursor.adbc_execute_schema("select episode, base_value from panel.region")
            assert schema.types == [pa.string(), pa.decimal128(20, 2)], schema
            for episode, n in (("crisis_2008", 8), ("none", 0), ("crisis_2008", 8)):
                cursor.execute("select region_code from panel.region where episode = ?", (episode,))
                assert len(cursor.fetchall()) == n
            refused(STATUS.INVALID_ARGUMENT, "1 parameters, and 0 are bound", lambda: fetch(client, "select region_code from panel.region where episode = ?"))
            refused(STATUS.INVALID_ARGUMENT, "several are bound", lambda: cursor.execute("select ?", pa.record_batch({"a": [1, 2]})))
    print("prepared statements, with parameters as ? and $1")


def metadata(uri):
    with connect(uri) as client:
        info = client.adbc_get_info()
        assert info["vendor_name"] == "Rebound", info
        assert client.adbc_get_table_types() == ["TABLE"]
        schema = client.adbc_get_table_schema("region", db_schema_filter="panel")
        assert schema.field("base_value").type == pa.decimal128(20, 2) and not schema.field("episode").nullable, schema
        about = schema.field("resistance").metadata[b"ARROW:FLIGHT:SQL:REMARKS"].decode()
        assert about and schema.metadata[b"rebound.about"], schema
        objects = client.adbc_get_objects(depth="all").read_all().to_pylist()
        assert [catalog["catalog_name"] for catalog in objects] == ["rebound"], objects
        schemas = {schema["db_schema_name"]: schema["db_schema_tables"] for schema in objects[0]["catalog_db_schemas"]}
        assert {"panel", "trade", "meta"} <= set(schemas) and "pg_catalog" not in schemas, list(schemas)
        # Those of the schema `meta` are not published.
        published = json.loads(pathlib.Path(LAKE, "catalog.json").read_text())["tables"]
        assert sum(map(len, schemas.values())) == len(published) + 8
        table = next(table for table in schemas["panel"] if table["table_name"] == "region")
        columns = {column["column_name"]: column for column in table["table_columns"]}
        assert columns["episode"]["ordinal_position"] == 1 and columns["episode"]["xdbc_is_nullable"] in ("NO", None), columns["episode"]
        assert columns["resistance"]["remarks"] in (about, None), columns["resistance"]
        found = client.adbc_get_objects(depth="columns", db_schema_filter="pan%", table_name_filter="region").read_all().to_pylist()
        tables = [table["table_name"] for catalog in found for schema in catalog["catalog_db_schemas"] for table in schema["db_schema_tables"]]
        assert tables == ["region"], found
        assert not client.adbc_get_objects(depth="tables", catalog_filter="none").read_all().to_pylist()
    print("metadata: tables, columns, their meaning")


def proto(number, payload):
    """A field of protobuf: bytes."""
    size, n = b"", len(payload)
    while n > 127:
        size, n = size + bytes([n & 127 | 128]), n >> 7
    return bytes([number << 3 | 2]) + size + bytes([n]) + payload


def command(name, *fields):
    return proto(1, f"type.googleapis.com/arrow.flight.protocol.sql.{name}".encode()) + proto(2, b"".join(fields))


def protocol(uri):
    """What ADBC does not ask for: keys, types, cancelling by name, what is refused."""
    with pyarrow.flight.connect(uri) as client:
        def ask(name, *fields):
            info = client.get_flight_info(pyarrow.flight.FlightDescriptor.for_command(command(name, *fields)))
            table = client.do_get(info.endpoints[0].ticket).read_all()
            assert table.schema.equals(info.schema), name
            assert client.get_schema(pyarrow.flight.FlightDescriptor.for_command(command(name, *fields))).schema.equals(info.schema)
            return table.to_pylist()

        keys = ask("CommandGetPrimaryKeys", proto(2, b"panel"), proto(3, b"region"))
        assert [(key["column_name"], key["key_sequence"]) for key in keys] == [("episode", 1), ("region_code", 2)], keys
        for name in ("CommandGetExportedKeys", "CommandGetImportedKeys"):
            assert ask(name, proto(3, b"region")) == []
        assert ask("CommandGetCrossReference", proto(3, b"region"), proto(6, b"region")) == []
        assert {row["type_name"] for row in ask("CommandGetXdbcTypeInfo")} >= {"text", "double", "decimal(20,2)"}
        assert ask("CommandGetCatalogs") == [{"catalog_name": "rebound"}]
        assert {"catalog_name": "rebound", "db_schema_name": "panel"} in ask("CommandGetDbSchemas")
        assert len(ask("CommandGetTables", proto(2, b"panel"))) >= 4
        assert ask("CommandGetSqlInfo", bytes([8, 0]))[0]["info_name"] == 0
        assert ask("CommandStatementQuery", proto(1, b"select 1 as a")) == [{"a": 1}]

        with connect(uri) as other, other.cursor() as cursor:
            # What another client may hold of a query, which is a FlightInfo.
            [held], _ = cursor.adbc_execute_partitions(CROSS)
            cursor.adbc_read_partition(held)
            cancel = lambda: list(client.do_action(pyarrow.flight.Action("CancelFlightInfo", proto(1, held))))[0].body.to_pybytes()
            # The driver asks for rows by itself, after a while.
            assert any(cancel() == b"\x08\x01" or time.sleep(0.1) for _ in range(50)), "it cannot be cancelled"
            begun = time.monotonic()
            refused(None, "user request", cursor.fetchall)
            assert time.monotonic() - begun < 2 and cancel() == b"\x08\x03"
        names = {action.type for action in client.list_actions()}
        assert {"CancelFlightInfo", "CreatePreparedStatement", "SetSessionOptions"} <= names, names
        for action, body in (("CancelFlightInfo", b"\xff\xff"), ("SetSessionOptions", b"\xff"), ("none", b"")):
            with contextlib.suppress(pa.ArrowException):
                list(client.do_action(pyarrow.flight.Action(action, body)))
        for ticket in (b"", b"\xff", command("TicketStatementQuery", proto(1, b"select 1")), command("CommandPreparedStatementQuery", proto(1, b"9"))):
            try:
                client.do_get(pyarrow.flight.Ticket(ticket)).read_all()
            except (pa.ArrowException, pa.ArrowInvalid, KeyError):
                continue
            raise AssertionError(f"rows for {ticket}")
        writer, _ = client.do_put(pyarrow.flight.FlightDescriptor.for_command(command("CommandStatementUpdate", proto(1, b"drop table panel.region"))), pa.schema([]))
        try:
            writer.close()
        except pa.ArrowException as error:
            assert "only read here" in str(error), error
        else:
            raise AssertionError("an update came through")
        assert ask("CommandStatementQuery", proto(1, b"select count(*) as n from panel.region")) == [{"n": 16}]
    print("keys, types, schemas, cancelling by what a client holds; malformed tickets end alone")


def faults(uri):
    with connect(uri) as client:
        refused(STATUS.INVALID_ARGUMENT, "nothing", lambda: fetch(client, "select nothing from panel.region"))
        refused(STATUS.NOT_FOUND, "regoin", lambda: fetch(client, "select * from panel.regoin"))
        refused(STATUS.INVALID_ARGUMENT, "selec", lambda: fetch(client, "selec 1"))
        for sql in ("drop table panel.region", "create table x (a int)", "insert into panel.region values (1)", "delete from panel.region", "truncate panel.region",
                    "copy (select 1) to '/tmp/rebound-must-not-be'", "create external table x stored as csv location '/etc/passwd'", "set a = 1"):
            refused(STATUS.INVALID_ARGUMENT, "", lambda: fetch(client, sql))
            with client.cursor() as cursor:
                with contextlib.suppress(adbc_driver_manager.Error):
                    cursor.executemany(sql, [(1,)])
        refused(STATUS.INVALID_ARGUMENT, "published by `rebound run` and only read here", lambda: fetch(client, "drop table panel.region"))
        with client.cursor() as cursor:
            try:
                cursor.adbc_ingest("x", pa.table({"a": [1]}))
            except adbc_driver_manager.Error as error:
                told = str(error)
            assert "read" in told or "support" in told, told
        assert not pathlib.Path("/tmp/rebound-must-not-be").exists()
        for sql, words in (("select 1 where 1 = 0" + " or 1 = 1" * 2_000, "levels deep"), ("select '" + "a" * (1 << 20) + "'", "bytes"),
                           ("select " + "(" * 5_000 + "1" + ")" * 5_000, "inside each other"), ("select " + "abs(" * 40 + "1" + ")" * 40, "inside each other")):
            refused(STATUS.INVALID_ARGUMENT, words, lambda: fetch(client, sql))
        # As deep as is let through.
        assert fetch(client, "select 480" + " + 1" * 20 + " as a").to_pylist() == [{"a": 500}]
        assert fetch(client, "select count(*) as n from panel.region where eci = 0" + " or eci = 1" * 480).num_rows == 1
        # What breaks on the way is an error, and not fewer rows.
        refused(STATUS.INVALID_ARGUMENT, "", lambda: fetch(client, "select cast(product as int) / (year - year) from trade.region_product_year"))
        assert fetch(client, "select 1 as a").to_pylist() == [{"a": 1}]
    print("faults are told by their codes; nothing can be changed")


def cpu_seconds(process):
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def vanished(uri, process):
    """A query whose client is gone, or cancels it, ends within a second."""
    program = "import sys, adbc_driver_flightsql.dbapi as f\nf.connect(sys.argv[1], autocommit=True).cursor().execute(sys.argv[2]).fetchall()"
    stall = "import sys, time, adbc_driver_flightsql.dbapi as f\nc = f.connect(sys.argv[1], autocommit=True).cursor()\nc.execute(sys.argv[2])\ntime.sleep(100)"
    for kind, source, sql in (("killed", program, CROSS), ("killed while it takes no rows", stall, "select a.* from customs.records a cross join customs.records b")):
        client = subprocess.Popen([sys.executable, "-c", source, uri, sql], stderr=subprocess.DEVNULL)
        before = cpu_seconds(process)
        for _ in range(100):
            time.sleep(0.2)
            if cpu_seconds(process) - before > 0.1:
                break
        else:
            raise AssertionError(f"{kind}: it does not run")
        time.sleep(1)
        client.kill()
        client.wait()
        time.sleep(1)
        before = cpu_seconds(process)
        time.sleep(1)
        assert cpu_seconds(process) - before < 0.2, f"{kind}: it goes on"
    with connect(uri) as client, client.cursor() as cursor:
        timer = threading.Timer(0.5, cursor.adbc_cancel)
        timer.start()
        begun = time.monotonic()
        try:
            cursor.execute(CROSS)
            cursor.fetchall()
        except adbc_driver_manager.Error:
            pass
        else:
            raise AssertionError("it was not cancelled")
        assert time.monotonic() - begun < 5
    time.sleep(1)
    before = cpu_seconds(process)
    time.sleep(1)
    assert cpu_seconds(process) - before < 0.2, "cancelled: it goes on"
    print("queries end when their clients are gone, or cancel them")


def crowd(uri, process):
    """Thirty clients at a time."""
    failures = []

    def work(number):
        try:
            with connect(uri) as client:
                for turn in range(5):
                    if number % 10 == 0:
                        with contextlib.suppress(adbc_driver_manager.Error):
                            fetch(client, "select nothing from nowhere")
                    rows = fetch(client, "select count(*) as n from trade.region_year where year = ?", (2005 + (number + turn) % 10,)).to_pylist()
                    assert rows == [{"n": 8}], rows
        except Exception as error:  # noqa: BLE001
            failures.append(repr(error))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures[:3]
    assert process.poll() is None
    print("30 clients at a time, 150 queries")


def limits():
    big = "select array_length(array_agg(a.product || b.product)) from trade.region_product_year a " \
          "join trade.region_product_year b on a.region_code = b.region_code"
    with serving("--memory-mib", "16", "--timeout-s", "60", "--max-connections", "2") as (uri, port, _):
        with connect(uri) as one:
            message = refused(None, "memory-mib", lambda: fetch(one, big))
            assert "too little" in message, message
            assert fetch(one, "select count(*) as n from trade.region_product_year").num_rows == 1
            # Clients of both protocols are counted together.
            with psycopg.connect(host="127.0.0.1", port=port, dbname="rebound", user="ada") as two:
                assert two.execute("select 1").fetchone() == (1,)
                with contextlib.ExitStack() as stack:
                    message = refused(None, "too many clients", lambda: fetch(stack.enter_context(connect(uri)), "select 1"))
        time.sleep(0.5)
        with connect(uri) as one, connect(uri) as two:
            assert fetch(one, "select 1 as a") == fetch(two, "select 1 as a")
    with serving("--timeout-s", "1") as (uri, _, _), connect(uri) as client:
        begun = time.monotonic()
        refused(STATUS.TIMEOUT, "timeout (1 s)", lambda: fetch(client, CROSS))
        assert time.monotonic() - begun < 5
        assert fetch(client, "select 1 as a").num_rows == 1
    print("memory, time and clients are limited")


def access(folder):
    folder = pathlib.Path(folder)
    users, certificate, key = folder / "users", folder / "server.crt", folder / "server.key"
    users.write_text("# readers\nada:a:secret\n")
    users.chmod(0o600)
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True)
    trusted = {"adbc.flight.sql.client_option.tls_root_certs": certificate.read_text()}
    with serving("--users", str(users), "--tls-cert", str(certificate), "--tls-key", str(key)) as (uri, _, _):
        assert uri.startswith("grpc+tls://"), uri
        with connect(uri, username="ada", password="a:secret", **trusted) as client:
            assert fetch(client, "select session_user as a").to_pylist() == [{"a": "ada"}]
            assert fetch(client, "select count(*) as n from panel.region where episode = ?", ("crisis_2008",)).to_pylist() == [{"n": 8}]
        for name, password in (("ada", "wrong"), ("eve", "a:secret"), ("ada", "")):
            begun = time.monotonic()
            with contextlib.ExitStack() as stack:
                refused(STATUS.UNAUTHENTICATED, f'authentication failed for user "{name}"',
                        lambda: fetch(stack.enter_context(connect(uri, username=name, password=password, **trusted)), "select 1"))
            assert time.monotonic() - begun >= 1, "a wrong password is not slowed"
        for options in ({}, {"adbc.flight.sql.authorization_header": "Bearer made-up"}):
            with contextlib.ExitStack() as stack:
                refused(STATUS.UNAUTHENTICATED, "", lambda: fetch(stack.enter_context(connect(uri, **trusted, **options)), "select 1"))
        # Each call shows the password itself.
        with connect(uri, **trusted, **{"adbc.flight.sql.authorization_header": "Basic YWRhOmE6c2VjcmV0"}) as client:
            assert fetch(client, "select 1 as a").num_rows == 1
        with pyarrow.flight.connect(uri, tls_root_certs=certificate.read_bytes()) as client:
            for run in (lambda: list(client.list_flights()), lambda: list(client.list_actions()), lambda: list(client.do_action(pyarrow.flight.Action("none", b""))),
                        lambda: client.get_flight_info(pyarrow.flight.FlightDescriptor.for_command(command("CommandGetCatalogs"))),
                        lambda: client.get_schema(pyarrow.flight.FlightDescriptor.for_command(command("CommandGetCatalogs"))),
                        lambda: client.do_get(pyarrow.flight.Ticket(command("CommandGetCatalogs"))).read_all()):
                try:
                    run()
                except (pyarrow.flight.FlightUnauthenticatedError, OSError) as error:
                    assert "asks for a user and a password" in str(error), error
                    continue
                raise AssertionError("answered whom nobody knows")
            pair = client.authenticate_basic_token(b"ada", b"a:secret")
            options = pyarrow.flight.FlightCallOptions(headers=[pair])
            ticket = pyarrow.flight.Ticket(command("CommandGetCatalogs"))
            assert client.do_get(ticket, options).read_all().num_rows == 1
        with contextlib.ExitStack() as stack:
            refused(None, "", lambda: fetch(stack.enter_context(connect(uri, username="ada", password="a:secret")), "select 1"))  # a certificate that nobody signed
            refused(None, "", lambda: fetch(stack.enter_context(connect(uri.replace("+tls", ""), username="ada", password="a:secret")), "select 1"))

    def stops(expected, *options):
        ran = subprocess.run([REBOUND, "serve", "--lake", LAKE, "--bind", "127.0.0.1:0", *options], capture_output=True, text=True, timeout=60)
        assert ran.returncode == 2 and expected in ran.stderr, ran

    stops("everyone who reaches 0.0.0.0:0 could read", "--flight", "0.0.0.0:0")
    with serving() as (uri, _, _):
        stops("failed to listen on", "--flight", uri.removeprefix("grpc://"))
    print("passwords, tokens, TLS, and what is refused at the start")


def publication(folder):
    """A run that is published while the server runs is picked up; a kept run is a database of its own, and held."""
    lake = os.path.join(folder, "lake")
    shutil.copytree(LAKE, lake, ignore=shutil.ignore_patterns("leases"))
    for name in ("config", "samples"):
        os.symlink(ROOT / name, os.path.join(folder, name))
    changed = pathlib.Path(folder, "pipelines")
    shutil.copytree(ROOT / "pipelines", changed)
    (changed / "changed.yaml").write_text("spatial: {permutations: 99}\n")
    text = (changed / "australia.yaml").read_text()
    (changed / "australia.yaml").write_text(text.replace("  - ../config/australia.yaml\n", "  - ../config/australia.yaml\n  - changed.yaml\n"))
    sql = "select count(*) as n, sum(moran_p_value) as p from spatial.measure"
    number = json.loads(pathlib.Path(lake, "runs", json.loads(pathlib.Path(lake, "catalog.json").read_text())["run"] + ".json").read_text())["number"]
    with serving(lake=lake) as (uri, _, _), connect(uri) as client, connect(uri) as slow:
        before = fetch(client, sql).to_pylist()
        reading = slow.cursor()
        # Its rows are more than wait anywhere, so that it still runs when another run is published.
        wide = "select a.* from spatial.region a cross join (select 1 from trade.region_product_year limit 20000) b"
        reading.execute(wide)
        begun = reading.fetch_record_batch()
        n = begun.read_next_batch().num_rows
        subprocess.run([REBOUND, "--quiet", "run", str(changed / "australia.yaml"), "--lake", lake], check=True, cwd=folder)
        for _ in range(100):
            after = fetch(client, sql).to_pylist()
            if after != before:
                break
            time.sleep(0.1)
        assert after != before, "the new run was not picked up"
        with connect(uri, **{HEADER + "database": f"rebound@{number}"}) as kept, connect(uri, conn={"adbc.connection.catalog": "rebound@previous"}) as chosen:
            assert fetch(kept, sql).to_pylist() == fetch(chosen, sql).to_pylist() == before
            assert fetch(kept, "select current_database() as a").to_pylist() == [{"a": f"rebound@{number}"}]
            assert kept.adbc_get_objects(depth="catalogs").read_all().to_pylist()[0]["catalog_name"] == f"rebound@{number}"
            assert chosen.adbc_current_catalog == f"rebound@{number}"
            collect = lambda: subprocess.run([REBOUND, "gc", "--keep", "0", "--lake", lake], capture_output=True, text=True, check=True).stdout
            assert re.search(r"kept what process \d+ \(`.*rebound-serve", collect())
            assert fetch(kept, "select count(*) as n from spatial.region").to_pylist()[0]["n"] > 0, "the client of the old run lost its tables"
        n += sum(batch.num_rows for batch in begun)
        assert n == 20_000 * fetch(client, "select count(*) as n from spatial.region").to_pylist()[0]["n"], n
        reading.close()
        for _ in range(100):
            if "kept" not in (told := collect()):
                break
            time.sleep(0.1)
        assert "kept" not in told, told
        with connect(uri, **{HEADER + "database": f"rebound@{number}"}) as gone:
            refused(STATUS.NOT_FOUND, "is no longer whole", lambda: fetch(gone, sql))
        with connect(uri, **{HEADER + "database": "rebound@999999"}) as absent:
            refused(STATUS.NOT_FOUND, "no run `999999`", lambda: fetch(absent, sql))
        assert fetch(client, sql).to_pylist() == after
    assert not os.listdir(os.path.join(lake, "leases")), "a lease stayed"
    print("a new run is picked up whole; queries end on the old one; a kept run is held while a client reads it")


def main():
    with serving() as (uri, _, process):
        values(uri)
        ordered(uri)
        prepared(uri)
        metadata(uri)
        protocol(uri)
        faults(uri)
        crowd(uri, process)
        vanished(uri, process)
    limits()
    with tempfile.TemporaryDirectory() as folder:
        access(folder)
    with tempfile.TemporaryDirectory() as folder:
        publication(folder)


if __name__ == "__main__":
    main()
