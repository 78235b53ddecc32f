"""`measure`, `variety`, `resilience` and `convert`: numbers, types, errors, and what stops a call."""

import ast
import decimal
import inspect
import io
import logging
import math
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import time
import warnings

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import rebound_trade as rb
from rebound_trade import _frames, _options, _rebound, _results

BACI = """t,i,j,k,v,q
2018,76,842,10121,30,4
2018,76,276,10121,10,NA
2018,76,842,10129,40,5
2018,76,842,100199,20,60
2018,76,276,870321,100,9
2018,32,842,10121,15,2
2018,32,276,100199,85,200
2018,32,276,100111,45,120
2018,32,842,20130,55,NA
"""

PLAIN = """region,year,value
A,2007,190
A,2008,200
A,2009,150
A,2010,180
A,2011,240
B,2007,190
B,2008,200
B,2009,170
B,2010,190
B,2011,240
"""


def frame(text):
    return pd.read_csv(io.StringIO(text))


@pytest.fixture(scope="module")
def cells(fixtures):
    return pd.read_parquet(fixtures / "sitc4-country-product" / "cells.parquet")


@pytest.fixture
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rb.ReboundWarning)
        yield


def large(n_regions=340, n_products=5000, n_years=1):
    """A made-up table: nothing in it is a finding."""
    random = np.random.default_rng(1)
    n = n_regions * n_products
    return pd.DataFrame({
        "region": np.tile(np.repeat([f"R{at:03}" for at in range(n_regions)], n_products), n_years),
        "hs6": np.tile(np.arange(100_000, 100_000 + n_products), n_regions * n_years),
        "year": np.repeat(np.arange(2000, 2000 + n_years), n),
        "value": random.lognormal(size=n * n_years).round(2),
    })


# Numbers


def test_measures_are_those_of_py_ecomplexity(cells, fixtures, quiet):
    found = rb.measure(cells, like="py_ecomplexity", value="value")
    assert len(found) == 113 * 785
    other = pd.read_csv(fixtures / "sitc4-country-product" / "country.csv").set_index("country")
    own = found.drop_duplicates("country").set_index("country").loc[other.index]
    np.testing.assert_allclose(own["eci"], other["eci"], atol=1e-9)
    np.testing.assert_allclose(own["outlook_index"], other["coi"], atol=1e-9)
    both = found.merge(cells, on=["country", "product"], suffixes=("", "_other"))
    assert len(both) == len(cells)
    np.testing.assert_allclose(both["density"], both["density_py_ecomplexity"], atol=1e-12)
    np.testing.assert_allclose(both["rca"], both["rca_other"], rtol=1e-9)
    assert "RCA >= 1" in found.attrs["rebound"]


def test_variety_is_by_the_chapters_of_six_digits():
    found = rb.variety(frame(BACI), metrics=["entropy", "related_variety", "unrelated_variety"]).set_index("i")

    def entropy(values):
        return -sum(v / sum(values) * math.log2(v / sum(values)) for v in values)

    # 010121 and 010129 are of chapter 01.
    unrelated = entropy([80, 20, 100])
    assert found.loc[76, "entropy"] == pytest.approx(entropy([40, 40, 20, 100]))
    assert found.loc[76, "unrelated_variety"] == pytest.approx(unrelated)
    assert found.loc[76, "related_variety"] == pytest.approx(0.4)
    with_all = rb.variety(frame(BACI))
    assert list(with_all.columns[:2]) == ["t", "i"] and {"hhi", "gini", "hachman"} <= set(with_all.columns)


def test_namibia_is_a_region_and_said_to_be():
    table = pa.table({"country": ["NA", "FR", "NA", "FR"], "hs6": ["1", "1", "2", "2"], "value": [1.0, 2, 3, 4]})
    with pytest.warns(rb.ReboundWarning, match="`NA` is taken as a region"):
        found = rb.measure(table, metrics="diversity")
    assert found.column("country").to_pylist() == ["FR", "NA"]
    left = rb.measure(table, metrics="diversity", missing=["NA"])
    assert left.column("country").to_pylist() == ["FR"]


def test_resilience_is_worked_out_by_hand():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rb.ReboundWarning)
        found = rb.resilience(frame(PLAIN), base=2008, trough=2009, end=2011)
        every = rb.resilience(frame(PLAIN), base=2008, trough=2009, end=2011, rows=None)
        periods = rb.resilience(frame(PLAIN), base=2008, trough=2009, end=2011, rows="periods")
    a = found.set_index("region_code").loc["A"]
    # -50 where -0.2 x 200 is expected; 90 where 0.5 x 150 is.
    assert a["resistance"] == pytest.approx(-0.25, abs=1e-12)
    assert a["recovery"] == pytest.approx(0.2, abs=1e-12)
    assert a["base_value"] == 200.0
    assert every.tables.keys() == set(every) and "component" in every
    pd.testing.assert_frame_equal(every["regions"], found)
    pd.testing.assert_frame_equal(every["region-period"], periods)
    with pytest.raises(KeyError, match="no table 'nothing'"):
        every["nothing"]


def test_regions_have_dates_of_their_own(quiet, tmp_path):
    dates = frame("region,base,trough,end\nA,2008,2009,2011\nB,2007,2009,2010\n")
    found = rb.resilience(frame(PLAIN), episodes=dates)
    assert sorted(found["episode"].unique()) == ["2007_2009_2010", "2008_2009_2011"]
    dates.to_csv(tmp_path / "dates.csv", index=False)
    pd.testing.assert_frame_equal(rb.resilience(frame(PLAIN), episodes=tmp_path / "dates.csv"), found)
    listed = rb.resilience(frame(PLAIN), episodes=dates[:1], only_listed=True)
    assert listed["region_code"].unique().tolist() == ["A"]
    with pytest.raises(rb.InputError, match="`only_listed`"):
        rb.resilience(frame(PLAIN), episodes=dates[:1])


def test_converted_values_add_up_and_matches_are_told():
    table = pd.DataFrame({
        "region": ["A", "A", "B", "B", "B"],
        "hs6": ["010110", "999999", "010110", "010190", "010190"],
        "fob": [100.01, 7.5, 50.0, 0.0, 3.33],
    })
    with pytest.warns(rb.ReboundWarning, match="stay as they are: 999999"):
        found = rb.convert(table, "HS2007", "HS2012", product="hs6", value="fob")
    assert list(found.frame.columns) == ["region", "hs6", "fob"]
    for region in "AB":
        own = table[table.region == region].fob.sum()
        assert round(found.frame[found.frame.region == region].fob.sum(), 9) == round(own, 9)
    assert found.unmatched["product"].tolist() == ["999999"] and found.unmatched.value.tolist() == [7.5]
    assert "999999" in set(found.frame.hs6)
    assert found.report.codes.sum() == 3 and found.report.rows.sum() == 5
    assert found.report.value.sum() == pytest.approx(table.fob.sum())
    assert set(found.report.match) >= {"unlisted"}
    assert not found.frame.duplicated(["region", "hs6"]).any(), "rows that come to the same are summed"


def test_a_code_of_no_table_is_named_as_it_came():
    table = pa.table({"hs6": ["010121", "999999"], "value": [5, 7]})
    with pytest.warns(rb.ReboundWarning, match="no table brings from HS2012 to SITC4"):
        found = rb.convert(table, "HS2012", "SITC4")
    assert "HS2012 999999" in found.frame.column("hs6").to_pylist()
    assert found.unmatched.column("product").to_pylist() == ["999999"]


def test_what_was_split_is_divided_by_weights(tmp_path):
    # HS2007 010110 became 010121, 010130 and others: those with weights get all of it.
    table = pa.table({"hs6": [10110], "value": [1001]})
    equal = rb.convert(table, "HS2007", "HS2012")
    targets = equal.frame.column("hs6").to_pylist()
    assert len(targets) > 1 and equal.frame.schema.field("hs6").type == pa.int64()
    assert equal.frame.schema.field("value").type == pa.int64(), "whole values stay whole"
    assert sum(equal.frame.column("value").to_pylist()) == 1001
    by = pa.table({"hs6": targets[:2], "value": [3, 1]})
    weighted = rb.convert(table, "HS2007", "HS2012", weights=by)
    assert weighted.frame.column("value").to_pylist() == [751, 250]
    pq.write_table(by, tmp_path / "weights.parquet")
    assert rb.convert(table, "HS2007", "HS2012", weights=tmp_path / "weights.parquet").frame == weighted.frame
    with pytest.raises(rb.InputError, match="the weights of `nowhere.csv`: "):
        rb.convert(table, "HS2007", "HS2012", weights="nowhere.csv")
    whole = rb.convert(table, "HS2007", "HS2012", method="one_to_one")
    assert whole.frame.column("value").to_pylist() == [1001]
    money = pa.table({"hs6": ["010110"], "value": pa.array([decimal.Decimal(1001)], pa.decimal128(12, 2))})
    split = rb.convert(money, "HS2007", "HS2012").frame.column("value")
    assert split.type == pa.decimal128(12, 2) and pc.sum(split).as_py() == 1001


# Libraries and types


def test_a_table_comes_out_in_its_own_library(quiet, tmp_path):
    table = frame(BACI)
    of_pandas = rb.measure(table, metrics=["rca", "diversity"], rows="cells")
    assert isinstance(of_pandas, pd.DataFrame)
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    of_arrow = rb.measure(arrow, metrics=["rca", "diversity"], rows="cells")
    assert isinstance(of_arrow, pa.Table)
    of_polars = rb.measure(pl.from_pandas(table), metrics=["rca", "diversity"], rows="cells")
    assert isinstance(of_polars, pl.DataFrame)
    lazy = rb.measure(pl.from_pandas(table).lazy(), metrics=["rca", "diversity"], rows="cells")
    assert isinstance(lazy, pl.DataFrame)
    of_duckdb = rb.measure(duckdb.sql("select * from arrow"), metrics=["rca", "diversity"], rows="cells")
    assert isinstance(of_duckdb, pa.Table)
    pq.write_table(arrow, tmp_path / "t.parquet")
    of_path = rb.measure(tmp_path / "t.parquet", metrics=["rca", "diversity"], rows="cells", as_="pyarrow")
    expected = of_pandas.to_dict("list")
    assert of_arrow.to_pydict() == expected
    assert of_polars.to_dict(as_series=False) == expected and lazy.to_dict(as_series=False) == expected
    assert of_duckdb.to_pydict() == expected
    assert [str(of) for of in of_path.column("i").to_pylist()] == [str(of) for of in expected["i"]]
    assert of_path.column("rca").to_pylist() == expected["rca"]
    # Codes of a file are texts, years are numbers.
    assert of_path.schema.field("i").type == pa.string() and of_path.schema.field("t").type == pa.int64()


def test_a_path_gives_the_library_that_is_installed_first(quiet, tmp_path, monkeypatch):
    frame(PLAIN).to_csv(tmp_path / "t.csv", index=False)
    frame(BACI).to_csv(tmp_path / "b.csv", index=False)
    pd.DataFrame({"hs6": ["010121"], "value": [1.5]}).to_csv(tmp_path / "c.csv", index=False)
    calls = {
        "measure": lambda **more: rb.measure(tmp_path / "b.csv", metrics=["rca"], **more),
        "variety": lambda **more: rb.variety(tmp_path / "b.csv", **more),
        "resilience": lambda **more: rb.resilience(tmp_path / "t.csv", base=2008, trough=2009, end=2011, **more),
        "convert": lambda **more: rb.convert(tmp_path / "c.csv", "HS2012", "HS2007", **more).report,
        "estimate": lambda **more: rb.estimate("value ~ year", tmp_path / "t.csv", **more).tidy(),
        "read": lambda **more: rb.read(tmp_path / "t.csv", **more),
    }
    kinds = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "pyarrow": pa.Table}
    for name, call in calls.items():
        for library, kind in kinds.items():
            assert isinstance(call(as_=library), kind), (name, library)
        with pytest.raises(rb.InputError, match="as_='r': expected one of pandas, polars, pyarrow"):
            call(as_="r")
    installed = list(kinds)
    assert isinstance(rb.measure(pa.Table.from_pandas(frame(BACI)), metrics=["rca"], as_="pandas"), pd.DataFrame)
    assert isinstance(rb.measure(frame(BACI), metrics=["rca"], as_="pyarrow"), pa.Table)
    monkeypatch.setattr(_results, "_is_installed", installed.__contains__)
    for library in kinds:
        for name, call in calls.items():
            assert isinstance(call(), kinds[library]), (name, library)
        installed.remove(library)


def test_rows_are_in_the_order_of_codes(quiet):
    table = pd.DataFrame({"region": ["B", "A", "A"], "hs4": ["8703", "8703", "0101"], "value": [1.0, 2.0, 3.0]})
    found = rb.measure(table, metrics=["rca"])
    assert found[["region", "hs4"]].values.tolist() == [["A", "0101"], ["A", "8703"], ["B", "0101"], ["B", "8703"]]


@pytest.mark.parametrize("kind", ["object", "string", "category", "int64", "Int64", "float64", "int16"])
def test_labels_keep_their_types(kind, quiet):
    table = frame(BACI).astype({"i": "int64"})
    table["i"] = table["i"].astype("str").astype(kind) if kind in ("object", "string", "category") else table["i"].astype(kind)
    found = rb.measure(table, metrics=["diversity"])
    assert found["i"].dtype == table["i"].dtype
    assert sorted(found["i"].tolist()) == sorted(table["i"].unique().tolist())
    assert found["t"].dtype == table["t"].dtype == np.dtype("int64")


def test_a_categorical_that_has_lost_its_categories_is_no_null(quiet):
    table = frame(BACI)
    table["k"] = table["k"].astype("category")
    found = rb.measure(table, metrics=["ubiquity"])
    # BACI's codes get back their zeros: none of them is a category of the table.
    assert found["k"].notna().all() and "010121" in set(found["k"].astype(str))


def test_dates_and_views_are_labels(quiet):
    table = pl.DataFrame({
        "region": ["a", "b", "a", "b"],
        "hs6": ["1", "1", "2", "2"],
        "year": pl.Series([2008, 2008, 2009, 2009], dtype=pl.Int32),
        "value": [1.0, 2.0, 3.0, None],
    }).with_columns(pl.col("region").cast(pl.Categorical))
    found = rb.measure(table, metrics=["rca"])
    assert found.schema["region"] == pl.Categorical and found.schema["hs6"] == pl.String
    assert found.schema["year"] == pl.Int32 and found.height == 3


def test_an_enumeration_stays_one(quiet):
    kind = pl.Enum(["b", "a"])
    table = pl.DataFrame({"region": ["a", "b"], "hs6": ["1", "2"], "value": [1, 2]}).cast({"region": kind})
    assert rb.measure(table, metrics=["diversity"]).schema["region"] == kind


def test_named_levels_of_an_index_are_columns(quiet):
    expected = rb.resilience(frame(PLAIN), base=2008, trough=2009, end=2011)
    for index in ("year", ["region", "year"]):
        found = rb.resilience(frame(PLAIN).set_index(index), base=2008, trough=2009, end=2011)
        pd.testing.assert_frame_equal(found, expected)
    grouped = frame(BACI).astype({"i": "Int16"}).groupby(["t", "i", "k"])["v"].sum()
    found = rb.measure(grouped.to_frame(), metrics=["diversity"])
    assert found["i"].dtype == "Int16" and found.index.equals(pd.RangeIndex(len(found)))
    # A column of the same name goes before the index.
    kept = frame(PLAIN).set_index("year", drop=False)
    pd.testing.assert_frame_equal(rb.resilience(kept, base=2008, trough=2009, end=2011), expected)


@pytest.mark.parametrize(("frequency", "texts"), [("Y", ["2008", "2009"]), ("Q", ["2008Q3", "2008Q4"]), ("M", ["2008-11", "2009-02"])])
def test_periods_of_pandas_are_periods(frequency, texts, quiet):
    table = pd.DataFrame({
        "region": ["a", "b"] * 2,
        "hs6": ["1", "2"] * 2,
        "year": pd.PeriodIndex([texts[0]] * 2 + [texts[1]] * 2, freq=frequency),
        "value": [1.0, 2.0, 3.0, 4.0],
    })
    found = rb.measure(table, metrics=["diversity"])
    assert found["year"].dtype == table["year"].dtype
    assert [str(one) for one in found["year"]] == [texts[0]] * 2 + [texts[1]] * 2


@pytest.mark.parametrize("kind", ["int64", "Int16", "float64", "object", "category"])
def test_periods_of_resilience_keep_their_type(kind, quiet):
    table = frame(PLAIN)
    table["year"] = table["year"].astype("str").astype(kind) if kind in ("object", "category") else table["year"].astype(kind)
    found = rb.resilience(table, base=2008, trough=2009, end=2011, rows=None)
    period = found["periods"]["period"]
    assert period.dtype == table["year"].dtype
    assert set(period) == set(table["year"])
    assert found["episode"]["trough"].dtype == table["year"].dtype
    # Not all regions have regained their peak: what is missing stays missing, whatever the type.
    regained = found["region_cycle"]["regained"]
    assert [float(one) for one in regained.dropna()] == [2011.0] * regained.notna().sum()
    of_arrow = rb.resilience(pa.table({"region": ["a", "b"] * 4, "year": pa.array([2008, 2008, 2009, 2009, 2010, 2010, 2011, 2011], pa.int16()), "value": [9.0, 8, 7, 6, 8, 7, 10, 9]}), base=2008, trough=2009, end=2011, rows="periods")
    assert of_arrow.schema.field("period").type == pa.int16()


def test_shorter_periods_of_pandas_are_no_years_or_quarters(quiet):
    months = pd.period_range("2007-01", "2011-12", freq="M")
    table = pd.DataFrame({"state": pd.Series(["A", "B"] * len(months), dtype="string"), "month": months.repeat(2), "value": 1.0})
    found = rb.resilience(table, base="2008Q1", trough="2009Q1", end="2011Q1", year="month", rows="periods")
    # They were summed: no month says the same as a quarter.
    assert found["period"].iloc[0] == "2007Q1" and found["region_code"].dtype == "string"
    found = rb.resilience(table, base="2008-01", trough="2009-01", end="2011-01", year="month", rows="periods")
    assert found["period"].dtype == table["month"].dtype


def test_batches_are_one_table(quiet):
    whole = pa.Table.from_pandas(frame(BACI), preserve_index=False)
    parts = pa.Table.from_batches(whole.to_batches(max_chunksize=2))
    assert len(parts.to_batches()) > 2
    assert rb.measure(parts, metrics=["rca"]) == rb.measure(whole, metrics=["rca"])
    batch = whole.to_batches()[0]
    assert rb.measure(batch, metrics=["rca"]) == rb.measure(whole, metrics=["rca"])


# Options and errors

KEYWORDS = {
    "measure": (rb.measure, {}),
    "resilience": (rb.resilience, {}),
    "convert": (rb.convert, {"source": "from", "target": "to"}),
}

#: Where rows go, and how they are drawn: a call gives a table instead.
OF_OUTPUT = {"output", "format", "csv-safe", "all", "report", "matches", "unmatched", "help"}

#: What is no option of the command line.
OF_PYTHON = {"frame", "threads", "as-"}


@pytest.mark.parametrize("function", KEYWORDS)
def test_every_option_has_a_keyword(function):
    call, names = KEYWORDS[function]
    keywords = {names.get(name, name.replace("_", "-")) for name in inspect.signature(call).parameters}
    options = set(_rebound.options(function)) - OF_OUTPUT
    assert options - keywords - {"threads"} == set(), "options without a keyword"
    assert keywords - options - OF_PYTHON == set(), "keywords without an option"


def test_keywords_of_reading_are_one_list():
    read = list(_options.Reading.__annotations__)
    for call in (rb.measure, rb.variety, rb.resilience, rb.convert, rb.read, rb.estimate):
        signature = inspect.signature(call)
        assert list(signature.parameters)[-len(read) :] == read, call
        for name in read:
            parameter = signature.parameters[name]
            assert parameter.default is None and parameter.kind is inspect.Parameter.KEYWORD_ONLY
        words = set(re.findall(r"\w+", call.__doc__))
        assert signature.parameters.keys() <= words, f"{call.__name__} does not say what {signature.parameters.keys() - words} are"
        with pytest.raises(TypeError, match=rf"{call.__name__}\(\) has no keyword `delimter`: did you mean `delimiter`"):
            call("t.csv", delimter=";")
    assert set(read) <= set(_rebound.options("measure"))
    page = (pathlib.Path(__file__).parents[2] / "docs" / "files.md").read_text("utf-8")
    table = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    assert set(read) <= {name for cell in table for name in re.findall(r"`(\w+)`", cell)}


def test_the_stub_says_what_the_library_has():
    stub = ast.parse(pathlib.Path(rb.__file__).with_name("_rebound.pyi").read_text("utf-8"))
    functions = {of.name: [one.arg for one in of.args.args] for of in stub.body if isinstance(of, ast.FunctionDef)}
    own = {name: of for name, of in vars(_rebound).items() if callable(of) and not isinstance(of, type)}
    assert functions.keys() == own.keys()
    for name, parameters in functions.items():
        assert list(inspect.signature(own[name]).parameters) == parameters, name


def test_keywords_are_words_of_a_command_line():
    words = _options.arguments(rca_threshold=1.0, metrics=["rca", "density"], only_listed=True, seed=None, where_="a = 1")
    assert words == ["--rca-threshold=1", "--metrics=rca,density", "--only-listed", "--where=a = 1"]
    assert _options.arguments(types={"firm": "text", "year": "int"}) == ["--types=firm=text,year=int"]
    assert _options.word(False) == "false" and _options.name("leave_out") == "leave-out"


def test_errors_name_the_row_and_the_keyword():
    table = frame(BACI)
    with pytest.raises(rb.InputError, match=r"no column `state`: the header has t, i, j, k, v, q"):
        rb.measure(table, region="state")
    with pytest.raises(ValueError, match=r'row 3: value "-40": expected zero or more: `negative="leave_out"` leaves'):
        rb.measure(table.assign(v=[30, 10, -40, 20, 100, 15, 85, 45, 55]))
    with pytest.raises(rb.Error, match="`rca_threshold` must be above 0"):
        rb.measure(table, rca_threshold=0)
    with pytest.raises(rb.InputError, match="invalid value 'nothing' for `metrics`"):
        rb.measure(table, metrics=["nothing"])
    with pytest.raises(TypeError, match="found list"):
        rb.measure([1, 2])
    with pytest.raises(rb.InputError, match="nowhere.csv"):
        rb.measure(pathlib.Path("nowhere.csv"))
    with pytest.raises(rb.InputError, match="unknown HS revision"):
        rb.convert(table, "HS2008", "HS2007", product="k", value="v")
    with pytest.raises(rb.InputError, match="no type that Arrow has.*column v with type complex128"):
        rb.measure(table.assign(v=1j))
    lists = pa.table({"region": ["a", "b"], "hs6": ["1", "2"], "value": [[1], [2]]})
    with pytest.raises(rb.InputError, match=r"no column `value`: .*column `value` \(a list\) left out: .* cannot be read: make one number"):
        rb.measure(lists, value="value")
    with pytest.raises(rb.InputError, match="`value` has a list in a cell, where a number is needed"):
        rb.estimate("value ~ region", lists)
    with pytest.raises(rb.InputError, match="more than one column is called `k`"):
        rb.measure(pd.concat([table, table["k"]], axis=1))
    with pytest.raises(rb.InputError, match="the path is empty"):
        rb.measure("")
    with pytest.raises(TypeError, match=r"found one column, a Series: .* `series.reset_index\(\)`"):
        rb.measure(table["v"])
    with pytest.raises(TypeError, match="found one column, a ChunkedArray"):
        rb.measure(pa.chunked_array([[1]]))
    for threads in (-1, "2", 1.5, True, 100_000):
        with pytest.raises(rb.InputError, match=r"threads=.*: expected a whole number from 0 \(one a core\) to 1024"):
            rb.measure(table, threads=threads)
    with pytest.raises(rb.InputError, match="cells of several types.*column region"):
        rb.measure(pd.DataFrame({"region": [1, "a"], "product": ["1", "2"], "value": [1.0, 2.0]}))


def test_what_is_said_is_logged_and_warned_of(caplog):
    table = pd.concat([frame(BACI), frame(BACI)[:1]])
    with caplog.at_level(logging.INFO, "rebound_trade"), pytest.warns(rb.ReboundWarning, match="rows are repeated") as told:
        rb.measure(table)
    assert any("codes of `k` with fewer digits than 6" in record.message for record in caplog.records)
    assert {pathlib.Path(one.filename).name for one in told} == {"test_tables.py"}, "of the line that called"
    with warnings.catch_warnings():
        warnings.simplefilter("error", rb.ReboundWarning)
        with pytest.raises(rb.ReboundWarning):
            rb.measure(table)


def test_what_was_said_can_be_looked_at(caplog):
    table = frame(BACI)
    table.loc[0, "v"] = float("nan")
    with caplog.at_level(logging.INFO, "rebound_trade"), rb.messages() as said:
        rb.measure(table, metrics=["rca"])
        with rb.messages() as inner, pytest.warns(rb.ReboundWarning):
            rb.resilience(frame(PLAIN + "C,2008,-1\n"), base=2008, trough=2009, end=2011, negative="leave_out")
    assert any(one.text.startswith("rows without a value are left out") and "rows=1" in one.text for one in said)
    assert [one.text for one in inner if "negative" in one.text] == ["rows with a negative value are left out (rows=1, value=-1.0)"]
    assert all(one in said for one in inner) and any(one.is_warning for one in inner)
    assert "warning: rows with a negative value are left out" in str(said)
    before = len(said)
    rb.measure(table, metrics=["rca"])
    assert len(said) == before and any("without a value" in record.message for record in caplog.records)


# Time


def test_a_large_frame_is_read_fast(quiet):
    table = pa.Table.from_pandas(large(), preserve_index=False)
    rb.measure(table, metrics=["diversity"])
    begun = time.process_time()
    rb.measure(table, metrics=["diversity"])
    measured = time.process_time()
    # Reading, RCA of all cells, and a look at what may be misread take less than a text of each cell, whatever the machine does beside it.
    {f"{region} {product}" for region, product in zip(table["region"].to_pylist(), table["hs6"].to_pylist())}
    assert measured - begun < time.process_time() - measured


def test_an_interrupt_stops_the_call_and_its_threads(quiet):
    table = pa.Table.from_pandas(large(340, 5000, 6), preserve_index=False)
    sent = []

    def interrupt():
        sent.append(time.perf_counter())
        signal.raise_signal(signal.SIGINT)

    timer = threading.Timer(1.0, interrupt)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        rb.measure(table, metrics=["density", "outlook_gain", "nearest_density", "related_mass", "coherence"])
        pytest.fail("it was done before it was stopped: make the table larger")
    assert time.perf_counter() - sent[0] < 1.0
    timer.join()
    time.sleep(1.0)
    before = time.process_time()
    time.sleep(0.5)
    assert time.process_time() - before < 0.1, "nothing is at work a second later"
    assert rb.measure(frame(BACI), metrics=["rca"]).shape[0] > 0, "the next call works"


def test_python_goes_on_meanwhile(quiet):
    counted, is_done = [0], threading.Event()

    def count():
        while not is_done.is_set():
            counted[0] += 1
            time.sleep(0.001)

    counter = threading.Thread(target=count)
    table = pa.Table.from_pandas(large(200, 2000), preserve_index=False)
    counter.start()
    begun = time.perf_counter()
    rb.measure(table, metrics=["density"])
    spent, n = time.perf_counter() - begun, counted[0]
    is_done.set()
    counter.join()
    assert n > spent * 50, f"{n} steps in {spent:.2f} s"


def test_two_threads_call_at_once(quiet):
    table = pa.Table.from_pandas(large(60, 500), preserve_index=False)
    expected = rb.measure(table, metrics=["density", "eci"])
    found, faults = [], []

    def call():
        try:
            found.extend(rb.measure(table, metrics=["density", "eci"]) for _ in range(5))
        except BaseException as fault:  # noqa: BLE001
            faults.append(fault)

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults and len(found) == 20 and all(one == expected for one in found)


def test_threads_never_change_a_number(quiet):
    table = pa.Table.from_pandas(large(60, 500), preserve_index=False)
    assert rb.measure(table, metrics=["density", "eci"], threads=1) == rb.measure(table, metrics=["density", "eci"], threads=3)


# The command


def run(*words, **options):
    return subprocess.run(
        [sys.executable, "-m", "rebound_trade", *words], capture_output=True, text=True, timeout=120, **options
    )


def test_the_command_is_the_program(tmp_path):
    assert run("--version").stdout.startswith("rebound ")
    (tmp_path / "t.csv").write_text(BACI)
    ran = run("measure", "t.csv", "--metrics", "diversity", "--quiet", cwd=tmp_path)
    assert ran.returncode == 0 and ran.stdout.splitlines()[0] == "t,i,diversity"
    wrong = run("measure", "t.csv", "--region", "state", cwd=tmp_path)
    assert wrong.returncode == 2 and "no column `state`" in wrong.stderr
    assert run("measure").returncode == 2
    served = run("serve", env={**os.environ, "PATH": ""})
    assert served.returncode == 2 and "the Python package comes without it" in served.stderr


def test_an_interrupt_ends_the_command(tmp_path):
    large(300, 4000, 4).to_parquet(tmp_path / "t.parquet")
    command = [sys.executable, "-m", "rebound_trade", "measure", "t.parquet", "-o", "o.csv"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE) as process:
        time.sleep(1.5)
        assert process.poll() is None, "it was done before it was stopped: make the table larger"
        begun = time.perf_counter()
        process.send_signal(signal.SIGINT)
        process.wait(timeout=10)
    assert time.perf_counter() - begun < 1.0 and process.returncode == -signal.SIGINT


def test_frames_of_other_kinds_are_refused():
    assert _frames.library(pd.DataFrame()) == "pandas" and _frames.library(pl.DataFrame()) == "polars"
    with pytest.raises(TypeError, match="several levels"):
        _frames.rows(pd.DataFrame({("a", "b"): [1]}))
    assert _frames.rows(pd.DataFrame({2008: [1]})).column_names == ["2008"]
