"""Larger clients of the SQL server: JDBC, R, dbt, Superset. Each is asked for by name; without one, all are.

    python tests/clients/run.py REBOUND LAKE [jdbc] [r] [dbt] [superset]

LAKE is the Australian sample's. dbt and Superset have virtual environments of their own in target/clients."""

import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
REBOUND, LAKE = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
HERE = ROOT / "target/clients"
DBT = ["dbt-core==1.11.2", "dbt-postgres==1.10.0"]
# Its own requirements leave out two and let another be too new.
SUPERSET = ["apache-superset==6.1.0", "psycopg2-binary==2.9.13", "rich==14.1.0", "cachetools==6.2.0", "Flask-Caching==2.3.1"]


@contextlib.contextmanager
def serving():
    command = [REBOUND, "serve", "--lake", LAKE, "--bind", "127.0.0.1:0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield int(re.search(r":(\d+)/rebound", process.stdout.readline())[1])
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def environment(name, packages):
    """A virtual environment with these packages: its folder of programs."""
    folder = HERE / name
    if not (folder / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([folder / "bin/pip", "install", "--quiet", *packages], check=True)
        (folder / "ready").touch()
    return folder / "bin"


def jdbc(port):
    subprocess.run(["java", "-cp", "/usr/share/java/postgresql.jar", ROOT / "tests/clients/Jdbc.java", str(port)], check=True)


def r(port):
    subprocess.run(["Rscript", ROOT / "tests/clients/rpostgresql.R", str(port)], check=True)


def dbt(port):
    """A project whose sources are tables of the lake: it connects, compiles, and documents them. The server only reads, so nothing is built."""
    programs, project = environment("dbt", DBT), HERE / "dbt-project"
    (project / "models").mkdir(parents=True, exist_ok=True)
    (project / "dbt_project.yml").write_text("name: lake\nprofile: lake\nversion: 1.0.0\nmodel-paths: [models]\n")
    (project / "profiles.yml").write_text(json.dumps({"lake": {"target": "served", "outputs": {"served": {
        "type": "postgres", "host": "127.0.0.1", "port": port, "user": "ada", "password": "none", "dbname": "rebound", "schema": "public", "threads": 1}}}}))
    (project / "models/sources.yml").write_text("sources:\n  - name: panel\n    tables: [{name: region, columns: [{name: region_code, data_tests: [not_null]}]}]\n")
    (project / "models/strong.sql").write_text("{{ config(materialized='ephemeral') }} select * from {{ source('panel', 'region') }} where resistance > 1\n")

    def run(*words):
        done = subprocess.run([programs / "dbt", "--no-use-colors", *words, "--profiles-dir", project, "--project-dir", project],
                              capture_output=True, text=True, env={**os.environ, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"})
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert "All checks passed!" in run("debug")
    assert "crisis_2008" in run("show", "--inline", "select episode from {{ source('panel', 'region') }} order by 1", "--limit", "3")
    assert "PASS=1" in run("test")
    run("docs", "generate")
    sources = json.loads((project / "target/catalog.json").read_text())["sources"]
    columns = sources["source.lake.panel.region"]["columns"]
    assert columns["resistance"]["type"] == "double precision" and columns["base_value"]["type"] == "numeric(20,2)", columns
    print("dbt: debug, show, test, docs generate on sources")


def superset(port):
    """The database is added, its schemas and tables are listed, a dataset is made of one and a chart drawn of it, all by Superset's own API."""
    programs, folder = environment("superset", SUPERSET), HERE / "superset-home"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "superset_config.py").write_text(
        f"SECRET_KEY = 'of a test'\nSQLALCHEMY_DATABASE_URI = 'sqlite:///{folder}/superset.db'\nWTF_CSRF_ENABLED = False\nTALISMAN_ENABLED = False\n"
        "RATELIMIT_ENABLED = False\n")
    settings = {**os.environ, "SUPERSET_CONFIG_PATH": str(folder / "superset_config.py"), "FLASK_APP": "superset", "SUPERSET_HOME": str(folder)}
    (folder / "superset.db").unlink(missing_ok=True)
    for words in (["db", "upgrade"], ["fab", "create-admin", "--username", "admin", "--firstname", "a", "--lastname", "b", "--email", "a@b.c", "--password", "admin"], ["init"]):
        subprocess.run([programs / "superset", *words], check=True, capture_output=True, env=settings)
    asked = subprocess.run([programs / "python", ROOT / "tests/clients/superset_api.py", str(port)], env=settings, capture_output=True, text=True)
    assert asked.returncode == 0, asked.stdout[-3000:] + asked.stderr[-6000:]
    print(asked.stdout.strip().splitlines()[-1])


def main():
    known = {"jdbc": jdbc, "r": r, "dbt": dbt, "superset": superset}
    HERE.mkdir(parents=True, exist_ok=True)
    with serving() as port:
        for name in sys.argv[3:] or known:
            known[name](port)


main()
