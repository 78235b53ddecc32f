"""Lakes, runs and files, against the program of the same package.

Run with PYTHONPATH at a folder that has the package with its library built.
"""

from __future__ import annotations

import csv
import gc
import io
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
import rebound_trade as rb

ROOT = Path(__file__).resolve().parents[2]
PIPELINE = ROOT / "pipelines" / "australia.yaml"
SAMPLES = ROOT / "samples"
FIXTURES = ROOT / "tests" / "fixtures"

# All rows of a table with all of another, which would take hours.
ENDLESS = (
    "select sum(a.value % 7 * (b.value % 3)) as n "
    "from range(3000000) a cross join range(3000000) b"
)
# The same by a condition: the join of DataFusion does not look up between the rows of a batch.
STUBBORN = (
    "select count(*) as n from range(3000000) a join range(3000000) b on a.value * b.value = -1"
)


def program(*arguments: str, code: int = 0) -> str:
    """What the program prints, or says on standard error where it fails."""
    command = [sys.executable, "-m", "rebound_trade", *arguments]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == code, ran.stderr
    return ran.stderr if code else ran.stdout


@pytest.fixture(scope="session")
def path(ran) -> str:
    return ran.summary["lake"]


@pytest.fixture
def lake(path) -> rb.Lake:
    return rb.open(path, as_="pyarrow")


@pytest.fixture(scope="session")
def project(tmp_path_factory) -> Path:
    """A copy of the sample, run twice: the second time with another value of the config."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("pipelines", "config", "samples"):
        shutil.copytree(ROOT / name, folder / name)
    rb.run(folder / "pipelines" / "australia.yaml")
    config = folder / "config" / "australia.yaml"
    text = config.read_text("utf-8")
    key = "  proximity_source: external\n"
    assert text.count(key) == 1
    config.write_text(text.replace(key, key + "  rca_threshold: 1.5\n"), "utf-8")
    rb.run(folder / "pipelines" / "australia.yaml")
    return folder


def csv_rows(lake: str, query: str) -> list[list[str]]:
    printed = program("sql", query, "--format", "csv", "--lake", lake)
    return list(csv.reader(io.StringIO(printed)))[1:]


def in_csv(value: object) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


# A run.


def test_a_run_says_what_it_came_to(ran):
    assert ran.status == "published" and ran.pipeline == "australia"
    stages = {stage["name"]: stage for stage in ran.stages.to_pylist()}
    assert stages["ingest"]["action"] == "built" and stages["ingest"]["rows"] > 10_000
    assert "panel.region" in ran.tables.column("name").to_pylist()
    assert ran.n_checks and ran.seconds > 0 and "panel.region" in ran.text
    assert ran.id == ran.lake.at("published").run


def test_a_run_that_has_nothing_to_do_is_unchanged(ran, path):
    again = rb.run(PIPELINE, lake=path, as_="pyarrow")
    assert again.status == "unchanged" and again.id != ran.id
    assert set(again.stages.column("action").to_pylist()) == {"reused"}
    assert "nothing to do" in str(again)


def test_a_pipeline_that_is_not_there_is_the_users_fault(tmp_path):
    with pytest.raises(rb.InputError, match="nowhere.yaml") as raised:
        rb.run(tmp_path / "nowhere.yaml")
    assert raised.value.exit_code == 2
    with pytest.raises(ValueError, match="nowhere.yaml"):
        rb.plan(tmp_path / "nowhere.yaml")


def test_a_stage_that_is_not_there_is_suggested(path):
    with pytest.raises(rb.InputError, match="did you mean `resilience`"):
        rb.run(PIPELINE, lake=path, select="resiliense")


def test_a_check_that_fails_stops_the_run(tmp_path):
    for name in ("pipelines", "config", "samples"):
        shutil.copytree(ROOT / name, tmp_path / name)
    check = tmp_path / "pipelines" / "checks" / "trade.region_year__no_year_is_2008.sql"
    check.write_text("select * from trade.region_year where year = 2008\n", "utf-8")
    with pytest.raises(rb.CheckFailed, match="no_year_is_2008") as raised:
        rb.run(tmp_path / "pipelines" / "australia.yaml", select="+aggregate")
    assert isinstance(raised.value, rb.Error) and raised.value.exit_code == 3
    (failed,) = raised.value.failed
    assert failed["check"].endswith("no_year_is_2008") and failed["rows"] > 0


def interrupt_after(seconds: float) -> threading.Timer:
    timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    return timer


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_an_interrupt_ends_a_run_and_leaves_a_lake_that_runs(tmp_path):
    before = time.monotonic()
    timer = interrupt_after(1.5)
    with pytest.raises(KeyboardInterrupt):
        # Ends when it is interrupted: the whole takes longer, and is asked for again.
        while True:
            rb.run(PIPELINE, lake=tmp_path / "lake", full=True)
    timer.cancel()
    assert time.monotonic() - before < 1.5 + 6
    assert rb.run(PIPELINE, lake=tmp_path / "lake").status in {"published", "unchanged"}


def test_a_plan_says_what_would_be_made(path, tmp_path):
    new = rb.plan(PIPELINE, lake=tmp_path / "lake", as_="pyarrow")
    assert new.n_to_build == len(new.steps) > 5
    ingest = next(row for row in new.stages.to_pylist() if row["stage"] == "ingest")
    assert (ingest["action"], ingest["n_new"], ingest["n_reused"]) == ("build", 10, 0)
    assert "ingest" in new.text
    done = rb.plan(PIPELINE, lake=path, as_="pyarrow")
    assert done.n_to_build == 0 and "nothing to do" in str(done)
    shown = json.loads(program("plan", str(PIPELINE), "--lake", path, "--format", "json"))
    assert done.stages.column("why").to_pylist() == [step["why"] for step in shown["steps"]]


# Queries.

QUERIES = [
    "select * from panel.region order by 1, 2, 3",
    "select year, region_code, fob_value from trade.region_year order by year, region_code",
    "select run, status, is_published from meta.run order by number",
    "select count(*) as n from trade.region_product_year",
    "select hs6, bec from external.product_classes order by hs6 limit 50",
    "select 1 as a, null as b, true as c, 'x,\"y\"' as d where 1 = 0",
]


@pytest.mark.parametrize("query", QUERIES)
def test_rows_are_those_of_the_program(lake, path, query):
    found = lake.sql(query)
    expected = csv_rows(path, query)
    assert found.num_rows == len(expected)
    for column, field in enumerate(found.schema):
        ours = found.column(column).to_pylist()
        theirs = [row[column] for row in expected]
        if pa.types.is_floating(field.type):
            assert ours == [float(text) if text else None for text in theirs], field.name
        else:
            assert [in_csv(value) for value in ours] == theirs, field.name


def test_types_are_those_of_sql(lake):
    found = lake.sql("select year, region_code, fob_value from trade.region_year")
    assert found.schema.types == [pa.int32(), pa.string(), pa.decimal128(20, 2)]
    total = lake.sql("select sum(fob_value) as v from trade.region_year").column("v")[0].as_py()
    assert total == sum(found.column("fob_value").to_pylist()) and isinstance(total, Decimal)
    as_float = lake.sql("select fob_value from trade.region_year", decimals="float")
    assert as_float.schema.types == [pa.float64()]
    assert pa.types.is_timestamp(lake.sql("select now() as t").schema.field("t").type)
    coded = lake.sql("select arrow_cast('a', 'Dictionary(Int32, Utf8)') as t")
    assert pa.types.is_dictionary(coded.schema.field("t").type)
    assert coded.column("t").to_pylist() == ["a"]


def test_libraries_get_the_same_rows(path):
    pd = pytest.importorskip("pandas")
    lake = rb.open(path)
    query = "select year, region_code, fob_value from trade.region_year order by 1, 2"
    expected = lake.sql(query, as_="pyarrow")
    frame = lake.sql(query)
    assert isinstance(frame, pd.DataFrame) and isinstance(frame["fob_value"][0], Decimal)
    assert frame["fob_value"].tolist() == expected.column("fob_value").to_pylist()
    assert str(lake.sql(query, decimals="float")["fob_value"].dtype) == "float64"
    assert str(lake.runs["started_at"].dtype) in {"datetime64[ms, UTC]", "datetime64[ns, UTC]"}
    pl = pytest.importorskip("polars")
    frame = lake.sql(query, as_="polars")
    assert isinstance(frame, pl.DataFrame)
    assert frame["fob_value"].to_list() == expected.column("fob_value").to_pylist()


def test_unknown_libraries_are_refused(lake):
    with pytest.raises(rb.InputError, match="expected one of"):
        lake.sql("select 1", as_="numpy")
    with pytest.raises(rb.InputError, match="'exact' or 'float'"):
        lake.sql("select 1", decimals="rough")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("select * from panel.regoin", "did you mean `panel.region`"),
        ("select nothing from panel.region", "No field named nothing"),
        ("selec 1", "selec"),
        ("drop table panel.region", "only read here"),
        ("", "empty"),
    ],
)
def test_bad_queries_are_the_users_fault(lake, query, said):
    with pytest.raises(rb.InputError, match=said):
        lake.sql(query)


def test_a_query_that_breaks_is_an_error_in_every_form(lake):
    query = "select value + 9223372036854775800 as n from range(1000)"
    for as_ in ("pyarrow", "reader"):
        with pytest.raises((rb.Error, pa.ArrowException)) as raised:
            found = lake.sql(query, as_=as_)
            found.read_all()
        assert "verflow" in str(raised.value)


def test_lakes_that_are_not_there_are_told(tmp_path):
    with pytest.raises(rb.InputError, match="no lake in"):
        rb.open(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(rb.InputError, match="nothing is published"):
        rb.open(tmp_path / "empty").sql("select 1")
    with pytest.raises(rb.InputError, match="memory_mib"):
        rb.open(tmp_path / "empty", memory_mib=1).sql("select 1")


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("as_", ["pyarrow", "reader"])
@pytest.mark.parametrize("query", [ENDLESS, STUBBORN])
def test_an_interrupt_ends_a_query_within_a_second(lake, query, as_):
    timer = interrupt_after(1.0)
    before = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        found = lake.sql(query, as_=as_)
        found.read_all()
    took = time.monotonic() - before
    timer.cancel()
    assert 0.9 < took < 2.0, took
    assert_idle()


# Says when it waits and when it is interrupted, and goes on with another query.
INTERRUPTED = """
import sys, time
import rebound_trade as rb
lake = rb.open(sys.argv[1])
print("waits", flush=True)
try:
    lake.sql(sys.argv[2])
except KeyboardInterrupt:
    print("interrupted", flush=True)
print(lake.sql("select 1 as a", as_="pyarrow").column("a").to_pylist(), flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("query", [ENDLESS, STUBBORN])
def test_a_query_that_was_interrupted_holds_up_no_other(path, query):
    command = [sys.executable, "-c", INTERRUPTED, path, query]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "waits\n"
            time.sleep(3)
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=15)
        finally:
            process.kill()
    assert out.splitlines() == ["interrupted", "[1]"] and process.returncode == 0


def cpu_seconds() -> float:
    used = os.times()
    return used.user + used.system


def assert_idle() -> None:
    """Nothing goes on in the background, after a while in which it ends."""
    for _ in range(20):
        before = cpu_seconds()
        time.sleep(0.5)
        if cpu_seconds() - before < 0.2:
            return
    pytest.fail("a query goes on that nobody waits for")


def test_a_reader_gives_rows_as_they_are_made(lake):
    expected = lake.sql("select count(*) as n from trade.region_product_year").column("n")[0]
    reader = lake.read("trade.region_product_year", as_="reader")
    assert isinstance(reader, pa.RecordBatchReader)
    assert sum(batch.num_rows for batch in reader) == expected.as_py()
    # Rows without an end begin at once.
    endless = "select a.value from range(1000000) a cross join range(1000000) b"
    reader = lake.sql(endless, as_="reader")
    assert reader.read_next_batch().num_rows > 0
    del reader
    gc.collect()
    assert_idle()


def test_a_reader_has_the_decimals_that_are_asked_for(lake):
    reader = lake.read("trade.region_year", ["fob_value"], as_="reader", decimals="float")
    assert reader.schema.types == [pa.float64()]
    assert reader.read_all().num_rows > 0


def test_tables_are_read_by_columns_and_rows(lake):
    found = lake.read("trade.region_year", ["year", "fob_value"], "year = 2008 -- the crisis")
    assert found.column_names == ["year", "fob_value"]
    assert set(found.column("year").to_pylist()) == {2008}
    assert lake.read("trade.region_year", "year").column_names == ["year"]
    with pytest.raises(rb.InputError, match="did you mean `trade.region_year`"):
        lake.read("trade.region_yaer")
    with pytest.raises(rb.InputError, match="columns is empty"):
        lake.read("trade.region_year", [])


# What is told of a lake.


def test_tables_are_listed(lake, path):
    tables = lake.tables
    assert tables.column_names[:5] == ["name", "rows", "bytes", "stage", "about"]
    for table in tables.to_pylist():
        if table["name"].startswith("panel."):
            (n,) = lake.sql(f"select count(*) as n from {table['name']}").column("n").to_pylist()
            assert n == table["rows"], table["name"]
    assert len(tables) == len(csv_rows(path, "select distinct table_name from meta.column"))
    assert "panel.region" in lake._repr_html_()


def test_columns_are_described(lake):
    found = lake.describe("panel.region")
    assert found.column_names == ["name", "type", "unit", "null", "about"]
    of_sql = lake.sql("select * from panel.region limit 0").column_names
    assert found.column("name").to_pylist() == of_sql
    everything = lake.describe()
    assert set(everything.column("table").to_pylist()) == set(lake.tables.column("name").to_pylist())
    assert "meta.run" in lake.describe("meta").column("table").to_pylist()
    with pytest.raises(rb.InputError, match="did you mean `panel.region`"):
        lake.describe("panel.regoin")


def test_runs_and_checks_are_told(lake, ran):
    runs = lake.runs.to_pylist()
    assert [run["number"] for run in runs] == sorted((r["number"] for r in runs), reverse=True)
    assert ran.id in [run["run"] for run in runs]
    assert sum(run["is_published"] for run in runs) == 1
    checks = lake.checks().to_pylist()
    assert checks and {check["outcome"] for check in checks} <= {"held", "held before", "warned"}


def test_lineage_is_that_of_the_pipeline(lake):
    found = lake.lineage("panel.region.resistance").to_pylist()
    assert ("panel.region", "resistance") in {(edge["table"], edge["column"]) for edge in found}
    assert any(edge["from_table"] == "customs.records" for edge in found)
    of_file = lake.lineage("panel.region.resistance", pipeline=PIPELINE).to_pylist()
    key = lambda edge: tuple(str(value) for value in edge.values())  # noqa: E731
    assert sorted(found, key=key) == sorted(of_file, key=key)
    with pytest.raises(rb.InputError, match="no column `resistence`"):
        lake.lineage("panel.region.resistence")
    with pytest.raises(rb.InputError, match="expected schema.table"):
        lake.lineage("resistance")


def test_tables_are_exported(lake, tmp_path):
    paths = lake.export("panel.region", output=tmp_path / "out", format=["csv", "parquet"])
    assert {path.suffix for path in paths} >= {".csv", ".parquet"}
    assert all(path.is_file() for path in paths)
    parquet = next(path for path in paths if path.suffix == ".parquet")
    n = lake.sql("select count(*) as n from panel.region").column("n")[0].as_py()
    assert rb.read(parquet, as_="pyarrow").num_rows == n
    with pytest.raises(rb.InputError, match="nothing was written"):
        lake.export("panel.region", output=tmp_path / "no", where="nothing = 1")
    with pytest.raises(rb.InputError) as raised:
        lake.export("panel.region", output=tmp_path / "no", format="ods")
    assert "'ods' for `format`" in str(raised.value) and "parquet" in str(raised.value)
    assert "--" not in str(raised.value)


# Looking back.


def test_a_lake_at_a_run_stays_there(project):
    lake = rb.open(project / "lake", as_="pyarrow")
    first = lake.at(1)
    assert first.run == lake.at(first.run).run == lake.at("previous").run
    assert first.run != lake.at("published").run
    assert "panel.region" in first.tables.column("name").to_pylist()
    query = "select * from panel.region order by 1, 2, 3"
    assert first.sql(query).equals(lake.at("previous").sql(query))
    assert not first.sql(query).equals(lake.sql(query)), "the config changed"
    assert not list((project / "lake" / "leases").glob("*.json")), "leases are let go"
    with pytest.raises(rb.InputError, match="no run"):
        lake.at("99999")
    with pytest.raises(rb.InputError, match="^invalid value '-1' for `top`: [^\n]*$"):
        lake.diff(top=-1)


def test_two_runs_are_compared(project):
    lake = rb.open(project / "lake", as_="pyarrow")
    found = lake.diff()
    text = program("diff", "--lake", str(project / "lake"), "--top", "20")
    assert [line for line in found.text.splitlines() if "ago" not in line] == [
        line for line in text.splitlines() if "ago" not in line
    ]
    tables = {row["table"]: row for row in found.tables.to_pylist()}
    assert tables["trade.region_year"]["status"] == "same"
    changed = [row for row in tables.values() if row["status"] == "changed"]
    assert changed and set(found.columns.column("table").to_pylist()) <= {r["table"] for r in changed}
    (cause,) = [cause for cause in found.causes.to_pylist() if cause["kind"] == "config"]
    assert "rca_threshold" in cause["change"]
    assert found.rows.num_rows > 0 and found.regions.num_rows > 0
    assert found.regions.column("moved").to_pylist()[0] >= 0
    same = lake.at("published").diff()
    assert not same.found["tables_changed"] and "same run" in str(same)
    only = lake.diff(1, tables="trade.region_year")
    assert only.tables.column("table").to_pylist() == ["trade.region_year"]
    assert "<pre>" in only._repr_html_()


# Files.


@pytest.mark.parametrize(
    "file",
    [
        SAMPLES / "product-classes" / "hs2007_classes.csv.gz",
        SAMPLES / "rebate-steps" / "rebate_group_steps.csv",
        SAMPLES / "parana" / "unified_exp_pr.parquet",
        FIXTURES / "workbooks" / "exports.xls",
        FIXTURES / "init" / "baci.csv",
        FIXTURES / "init" / "customs_offices.xlsx",
    ],
    ids=lambda file: file.name,
)
def test_files_of_all_forms_are_tables(file):
    table = rb.read(file, as_="pyarrow")
    assert table.num_rows > 0 and table.num_columns > 1


def test_files_are_read_as_sql_reads_them(lake):
    file = SAMPLES / "product-classes" / "hs2007_classes.csv.gz"
    table = rb.read(file, types={"hs6": "text", "bec": "text"}, as_="pyarrow")
    of_lake = lake.sql("select * from external.product_classes")
    assert table.schema.types == of_lake.schema.types
    assert table.column_names == of_lake.column_names
    rows = lambda found: sorted(map(str, found.to_pylist()))  # noqa: E731
    assert rows(table) == rows(of_lake)


def test_whole_numbers_of_files_are_whole(tmp_path, caplog):
    file = tmp_path / "a.csv"
    file.write_text("small,large,beyond\n1,5000000000,9223372036854775808\n2,7,1\n", "utf-8")
    with caplog.at_level(logging.INFO, "rebound_trade"):
        table = rb.read(file, as_="pyarrow")
    assert table.schema.types == [pa.int32(), pa.int64(), pa.string()]
    assert table.column("large").to_pylist() == [5_000_000_000, 7]
    assert any("stays text: a whole number has more digits" in record.getMessage() for record in caplog.records)
    assert rb.read(file, types={"large": "int"}, as_="pyarrow").schema.field("large").type == pa.int64()


def test_options_of_reading_are_heard(tmp_path):
    file = tmp_path / "a.txt"
    file.write_text("made up\ncode;value;ok\n007;1.234,5;true\n010;-;false\n", "utf-8")
    table = rb.read(file, skip=1, delimiter=";", decimal=",", thousands=".", missing="-", as_="pyarrow")
    assert table.to_pydict() == {"code": ["007", "010"], "value": [1234.5, None], "ok": [True, False]}
    none = rb.read(file, skip=2, delimiter=";", header=False, as_="pyarrow")
    assert none.column_names == ["column 1", "column 2", "column 3"]
    with pytest.raises(rb.InputError, match="delimiter"):
        rb.read(file, delimiter="ab")
    with pytest.raises(rb.InputError, match="nowhere.csv"):
        rb.read(tmp_path / "nowhere.csv")
    with pytest.raises(rb.InputError, match="did you mean `code`"):
        rb.read(file, skip=1, delimiter=";", types={"cdoe": "text"})
    with pytest.raises(rb.InputError, match="expected a path"):
        rb.read(7)


def test_entries_are_those_of_the_records(lake):
    layout = ROOT / "config" / "layouts" / "australia_state_ahecc8.yaml"
    file = SAMPLES / "australia" / "state_exports_ahecc8_2008.csv.gz"
    found = rb.read(file, layout=layout, as_="pyarrow")
    names = ["year", "flow", "region_code", "product_code", "product", "fob_value"]
    expected = lake.sql(
        f"select {', '.join(names)} from customs.records where source_file like '%_2008.csv.gz'"
    )
    rows = lambda table: sorted(map(str, table.select(names).to_pylist()))  # noqa: E731
    assert rows(found) == rows(expected)
    rejects = rb.read(file, layout=layout, rejects=True, as_="pyarrow")
    n = lake.sql("select count(*) as n from customs.rejects where source_file like '%_2008.csv.gz'")
    assert rejects.num_rows == n.column("n")[0].as_py()
    with pytest.raises(rb.InputError, match="the layout says it"):
        rb.read(file, layout=layout, delimiter=",")
    with pytest.raises(rb.InputError, match="without a layout"):
        rb.read(file, rejects=True)


def test_a_pipeline_is_made_for_a_file_and_runs(tmp_path):
    lines = ["year,state,hs6,fob"]
    for year in range(2005, 2013):
        for at, state in enumerate(("NSW", "VIC", "QLD", "TAS")):
            for place, product in enumerate(("010121", "260111", "847130", "870323")):
                lines.append(f"{year},{state},{product},{1000 * (at + 1) * (place + 1) + year}")
    file = tmp_path / "exports.csv"
    file.write_text("\n".join(lines) + "\n", "utf-8")
    made = rb.init(file, into=tmp_path)
    assert made.folder == tmp_path / "exports" and all(path.is_file() for path in made.paths)
    assert "written to" in made.text and made.pipeline.name == "pipeline.yaml"
    shown = rb.preview(made.layout, file, rows=3, as_="pyarrow")
    assert [float(value) for value in shown.column("value").to_pylist()] == [3005, 4005, 5005]
    assert set(shown.column("became").to_pylist()) == {"entry"}
    ran = rb.run(made.pipeline, as_="pyarrow")
    assert ran.status == "published"
    (total,) = ran.lake.sql("select sum(fob_value) as v from trade.region_year").column("v")
    assert total.as_py() == sum(int(line.split(",")[3]) for line in lines[1:])
    with pytest.raises(rb.InputError, match="would be replaced"):
        rb.init(file, into=tmp_path)
    assert rb.init([file], into=tmp_path, force=True).paths == made.paths
    with pytest.raises(rb.InputError, match="no column of numbers"):
        (tmp_path / "words.csv").write_text("a,b\nx,y\n", "utf-8")
        rb.init(tmp_path / "words.csv", into=tmp_path)
