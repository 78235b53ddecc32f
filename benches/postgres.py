"""A PostgreSQL server of a benchmark's own: Debian's programs, a cluster in a temporary folder, loopback only."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from timing import ROOT

# PostgreSQL runs as nobody's root.
OWNER = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}

# The types of DuckDB that have other names in PostgreSQL.
TYPES = {"VARCHAR": "text", "DOUBLE": "double precision", "FLOAT": "real", "TINYINT": "smallint", "UTINYINT": "smallint",
         "USMALLINT": "integer", "UINTEGER": "bigint"}


def program(name):
    """The newest of its kind."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: float(path.parts[4]))
    path = found[-1] if found else shutil.which(name)
    if not path:
        sys.exit(f"there is no {name}: `apt-get install postgresql` installs PostgreSQL")
    return str(path)


def connect(port):
    """A connection, each statement of which is a transaction of its own."""
    import psycopg

    return psycopg.connect(host="127.0.0.1", port=port, dbname="postgres", user="bench", autocommit=True)


class Postgres:
    """A server with modest tuning, as a context."""

    def __init__(self, n_connections):
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20
        self.settings = {
            "shared_buffers": f"{memory // 4}MB", "effective_cache_size": f"{memory // 2}MB", "work_mem": "64MB",
            "maintenance_work_mem": "1GB", "max_wal_size": "16GB", "wal_level": "minimal", "max_wal_senders": "0",
            "random_page_cost": "1.1", "jit": "off", "max_connections": str(n_connections),
        }

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="bench-postgres-"))
        if OWNER:
            shutil.chown(self.folder, OWNER["user"], OWNER["group"])
        made = subprocess.run(
            [program("initdb"), "--pgdata", "data", "--locale", "C", "--encoding", "UTF8", "--auth", "trust", "--username", "bench"],
            cwd=self.folder, capture_output=True, text=True, **OWNER)
        if made.returncode:
            sys.exit(f"initdb failed: {made.stderr}")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        options = {**self.settings, "listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": ""}
        with open(self.folder / "log", "w") as log:
            self.process = subprocess.Popen(
                [program("postgres"), "-D", "data", *(part for name, value in options.items() for part in ("-c", f"{name}={value}"))],
                cwd=self.folder, stdout=log, stderr=log, **OWNER)
        for _ in range(600):
            try:
                with connect(self.port) as client:
                    self.version = client.execute("show server_version").fetchone()[0]
                return self
            except Exception as error:  # noqa: BLE001
                if self.process.poll() is not None:
                    break
                last = error
                time.sleep(0.1)
        log = (self.folder / "log").read_text()
        self.__exit__()
        sys.exit(f"PostgreSQL did not start: {log or last}")

    def __exit__(self, *_):
        # A fast shutdown.
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def load(self, rows, table, columns, keys):
        """Makes a table of what the program `rows` prints as CSV, with a primary key, the first of `keys`, and an index on each other."""
        schema = table.split(".")[0]
        described = ", ".join(f'"{name}" {TYPES.get(kind, kind)}' for name, kind in columns.items())
        with connect(self.port) as client:
            client.execute(f"create schema if not exists {schema}")
            process = subprocess.Popen(rows, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(ROOT / "benches")})
            # Rows of a table that is made in the same transaction need no log.
            with client.transaction():
                client.execute(f"create table {table} ({described})")
                with client.cursor().copy(f"copy {table} from stdin (format csv)") as copy:
                    while block := process.stdout.read(1 << 20):
                        copy.write(block)
                if process.wait():
                    sys.exit(f"the rows of {table} could not be read")
            client.execute(f"alter table {table} add primary key ({keys[0]})")
            for key in keys[1:]:
                client.execute(f"create index on {table} ({key})")
            client.execute(f"vacuum (freeze, analyze) {table}")
            return client.execute("select pg_total_relation_size(%s::regclass)", (table,)).fetchone()[0]
