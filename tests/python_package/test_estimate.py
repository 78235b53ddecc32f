"""`rebound_trade.estimate` against pyfixest on the same rows, on frames of several libraries, and its tables."""

import copy
import csv
import io
import pickle
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pyfixest as pf
import pytest

import rebound_trade as rb
from rebound_trade import _estimate

FORMULA = "y ~ x + z | region + hs6"


def made_up(n=4_000):
    """Rows of regions, products and years with effects of each, some of them incomplete."""
    random = np.random.default_rng(7)
    region, hs6, year = random.integers(0, 31, n), random.integers(0, 120, n), random.integers(2005, 2013, n)
    push = random.normal(size=n)
    x = push + random.normal(size=n) + region / 10
    z = random.normal(size=n) + (hs6 % 7) / 5
    y = 0.5 * x - 0.25 * z + region / 7 + (hs6 % 11) / 3 + random.normal(size=n) * (1 + (year % 3))
    counts = random.poisson(np.exp(0.2 * x - 0.1 * z + (region % 5) / 5))
    data = pd.DataFrame({"y": y, "x": x, "z": z, "push": push, "counts": counts, "w": random.uniform(0.5, 2, n)})
    data["region"] = [f"R{number:02}" for number in region]
    data["hs6"] = hs6 * 101 + 10_000
    data["year"] = year
    data.loc[::97, "x"] = np.nan
    return data


DATA = made_up()


def close(found, peer, names=None, tolerance=1e-8):
    """Holds what is estimated against pyfixest, term by term."""
    low, high = (peer.confint()[name] for name in peer.confint().columns)
    ends = pd.DataFrame(dict(found.confint()) if not isinstance(found.confint(), pd.DataFrame) else found.confint().T)
    for ours, theirs, most in (
        (found.coef(), peer.coef(), tolerance),
        (found.se(), peer.se(), tolerance),
        (found.tstat(), peer.tstat(), tolerance),
        (ends.iloc[0], low, 1e-6),
        (ends.iloc[1], high, 1e-6),
    ):
        ours, theirs = dict(ours), dict(theirs)
        for term, value in theirs.items():
            own = ours.pop("(intercept)" if term == "Intercept" else (names or {}).get(term, term))
            assert abs(own - value) <= most * abs(value), (term, own, value)
        assert not ours
    p = dict(found.pvalue())
    for term, value in peer.pvalue().items():
        own = p["(intercept)" if term == "Intercept" else (names or {}).get(term, term)]
        assert abs(own - value) <= 1e-6 * value + 1e-12, (term, own, value)
    assert found.nobs == peer._N


def without_factor(vcov):
    """pyfixest multiplies HC2 and HC3 by N / (N - K); here they are as MacKinnon and White have them."""
    return {"ssc": pf.ssc(k_adj=False)} if vcov in ("HC2", "HC3") else {}


@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize(
    ("formula", "vcov"),
    [
        (FORMULA, "iid"),
        (FORMULA, "hetero"),
        (FORMULA, "HC1"),
        (FORMULA, {"CRV1": "region"}),
        (FORMULA, {"CRV1": "year"}),
        (FORMULA, {"CRV1": "region + year"}),
        (FORMULA, {"CRV3": "region"}),
        ("y ~ x + z", "iid"),
        ("y ~ x + z", "HC2"),
        ("y ~ x + z", "HC3"),
        ("y ~ x + z | region^year", {"CRV1": "region"}),
    ],
)
def test_least_squares_are_those_of_pyfixest(formula, vcov, weights):
    peer = pf.feols(formula, DATA, vcov=vcov, weights=weights, fixef_tol=1e-12, **without_factor(vcov))
    close(rb.estimate(formula, DATA, vcov=vcov, weights=weights), peer)


@pytest.mark.parametrize("vcov", ["iid", "hetero", {"CRV1": "region"}])
def test_poisson_is_that_of_pyfixest(vcov):
    peer = pf.fepois("counts ~ x + z | region + year", DATA, vcov=vcov, fixef_tol=1e-12, iwls_tol=1e-12)
    close(rb.estimate("counts ~ x + z | region + year", DATA, vcov=vcov, estimator="ppml"), peer)


def test_instruments_are_those_of_pyfixest():
    formula = "y ~ z | region | x ~ push"
    peer = pf.feols(formula, DATA, vcov="iid", fixef_tol=1e-12)
    close(rb.estimate(formula, DATA, vcov="iid"), peer)


def frames():
    """The same rows in other libraries and types; missing numbers are null."""
    arrow = pa.Table.from_pandas(DATA, preserve_index=False)
    polars = pl.from_arrow(arrow)
    yield "pandas", DATA
    yield "categories", DATA.assign(region=DATA.region.astype("category"), hs6=DATA.hs6.astype("category"))
    yield "nullable", DATA.convert_dtypes(dtype_backend="pyarrow")
    yield "polars", polars
    yield "polars categories", polars.with_columns(pl.col("region").cast(pl.Categorical))
    yield "pyarrow", arrow
    yield "pyarrow in parts", pa.concat_tables([arrow.slice(0, 100), arrow.slice(100)])
    yield "dictionary", arrow.set_column(arrow.column_names.index("region"), "region", arrow["region"].dictionary_encode())
    yield "float codes", DATA.assign(hs6=DATA.hs6.astype("float64"))
    yield "small codes", DATA.assign(hs6=DATA.hs6.astype("int32"), year=DATA.year.astype("int16"))


@pytest.mark.parametrize(("name", "frame"), list(frames()), ids=[name for name, _ in frames()])
def test_any_frame_gives_the_same_and_gets_its_own_back(name, frame):
    expected = rb.estimate(FORMULA, DATA, vcov={"CRV1": "region + year"})
    found = rb.estimate(FORMULA, frame, vcov={"CRV1": "region + year"})
    assert dict(found.coef()) == dict(expected.coef()) and dict(found.se()) == dict(expected.se())
    table = found.tidy()
    library = {pd.DataFrame: "pandas", pl.DataFrame: "polars", pa.Table: "pyarrow"}
    assert type(table) is type(frame), library[type(table)]
    columns = ["term", "estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high"]
    assert list(table.columns if not isinstance(table, pa.Table) else table.column_names) == columns
    assert type(found.coef()) is (pd.Series if isinstance(frame, pd.DataFrame) else dict)
    assert str(found.summary()) == str(expected.summary())


def test_levels_of_any_type_are_named_as_the_program_names_them(tmp_path):
    data = pd.DataFrame({"y": np.arange(12.0) ** 2 % 7, "x": np.arange(12.0) % 5, "year": [2007, 2008, 2010] * 4})
    dates = pd.to_datetime(dict(year=data.year, month=1, day=2)).dt.date
    kinds = {
        "int": data.year,
        "float": data.year.astype("float64"),
        "text": data.year.astype("str"),
        "category": data.year.astype("category"),
        "unused": data.year.astype("str").astype(pd.CategoricalDtype(["none", "2010", "2008", "2007"])),
        "date": dates,
        "flag": data.year > 2007,
    }
    for name, kind in kinds.items():
        frame = data.assign(year=kind)
        found = rb.estimate("y ~ i(year, x)", frame)
        pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), tmp_path / "data.parquet")
        read = rb.estimate("y ~ i(year, x)", tmp_path / "data.parquet")
        assert found.tidy().term.tolist() == read.tidy()["term"].tolist(), name
        level = {"date": "2008-01-02", "flag": "true"}.get(name, "2008")
        assert f"x x year = {level}" in found.coef().index, name
        assert not any("none" in term for term in found.coef().index)


def test_numbers_of_any_type_are_numbers():
    amounts = pa.array([None if value is None else round(value, 2) for value in DATA.w.tolist()]).cast(pa.decimal128(20, 2), safe=False)
    frame = pa.Table.from_pandas(DATA[["y", "counts", "region"]], preserve_index=False)
    frame = frame.append_column("amount", amounts).append_column("is_new", pa.array(DATA.year > 2008))
    frame = frame.append_column("single", pa.array(DATA.z.astype("float32")))
    found = rb.estimate("y ~ amount + is_new + counts + single | region", frame, vcov="iid")
    plain = frame.to_pandas().astype({"amount": "float64", "is_new": "float64", "single": "float64"})
    close(found, pf.feols("y ~ amount + is_new + counts + single | region", plain, vcov="iid", fixef_tol=1e-12))
    empty = frame.append_column("nothing", pa.nulls(len(frame)))
    with pytest.raises(rb.InputError, match="`nothing` has no value in any of"):
        rb.estimate("y ~ nothing", empty)


def test_conditions_and_expressions_name_columns_as_they_are():
    data = DATA.rename(columns={"w": "GDP", "year": "Year"})
    found = rb.estimate("y ~ ln(GDP) + x | region", data, where="Year > 2008 and GDP > 0.6", vcov="iid")
    kept = data[(data.Year > 2008) & (data.GDP > 0.6)].assign(size=lambda of: np.log(of.GDP))
    peer = pf.feols("y ~ size + x | region", kept, vcov="iid", fixef_tol=1e-12)
    close(found, peer, {"size": "ln(GDP)"})


def test_every_name_of_pyfixest_has_one_here():
    for name, ours in _estimate._BY_NAME.items():
        formula = "y ~ x" if name in ("HC2", "HC3") else FORMULA
        assert dict(rb.estimate(formula, DATA, vcov=name).se()) == dict(rb.estimate(formula, DATA, inference=ours).se())
        peer = pf.feols(formula, DATA, vcov=name, fixef_tol=1e-12, **without_factor(name))
        close(rb.estimate(formula, DATA, vcov=name), peer)
    for kind, (ours, most) in _estimate._BY_CLUSTER.items():
        same = rb.estimate(FORMULA, DATA, inference=f"{ours}(region)").se()
        for vcov in ({kind: "region"}, {kind: ["region"]}):
            assert dict(rb.estimate(FORMULA, DATA, vcov=vcov).se()) == dict(same)
        if most == 1:
            with pytest.raises(rb.InputError, match="one cluster variable, found region, year"):
                rb.estimate(FORMULA, DATA, vcov={kind: "region + year"})
    assert dict(rb.estimate(FORMULA, DATA, inference="cluster:region").se()) == dict(
        rb.estimate(FORMULA, DATA, vcov={"CRV1": "region"}).se()
    )
    for wrong in (None, [], [1]):
        with pytest.raises(rb.InputError, match="expected columns, as in"):
            rb.estimate(FORMULA, DATA, vcov={"CRV1": wrong})
    for wrong in ("DK", {"NW": "year"}, {"CRV1": "a", "CRV3": "b"}, 3):
        with pytest.raises(rb.InputError, match="there are 'iid', 'hetero'"):
            rb.estimate(FORMULA, DATA, vcov=wrong)
    with pytest.raises(rb.InputError, match="give one of them"):
        rb.estimate(FORMULA, DATA, vcov="iid", inference="iid")
    with pytest.raises(rb.InputError, match="expected iid, hc1"):
        rb.estimate(FORMULA, DATA, inference="robust")


def test_without_data_and_lake_both_are_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REBOUND_LAKE", raising=False)
    with pytest.raises(rb.InputError, match="give data, or a lake"):
        rb.estimate(FORMULA)


def test_errors_name_the_column_and_what_is_near():
    with pytest.raises(rb.InputError, match=r"no column `regoin` \(did you mean `region`\?\)"):
        rb.estimate("y ~ x | regoin", DATA)
    with pytest.raises(rb.InputError, match="`region` is text, where a number is needed"):
        rb.estimate("y ~ region", DATA)
    with pytest.raises(rb.InputError, match="`region` is text, where a number is needed"):
        rb.estimate("y ~ region", DATA.assign(region=DATA.region.astype("category")))
    with pytest.raises(rb.InputError, match="no regression has the coefficient `zz`"):
        rb.estimate(FORMULA, DATA, focus="zz")
    with pytest.raises(rb.InputError, match="'poison' for `estimator`"):
        rb.estimate(FORMULA, DATA, estimator="poison")
    with pytest.raises(rb.InputError, match="delimiter: said of how a file is read, and data is none"):
        rb.estimate(FORMULA, DATA, delimiter=";")
    with pytest.raises(rb.InputError, match=r"levels are written i\(year\)"):
        rb.estimate("y ~ C(year)", DATA)
    with pytest.raises(rb.InputError, match="`data` has none$"):
        rb.estimate("y ~ x", DATA.iloc[:0])
    with pytest.raises(rb.InputError, match="more than one column is called `x`"):
        rb.estimate("y ~ x", pd.concat([DATA, DATA[["x"]]], axis=1))
    for column in (DATA.x, pl.from_pandas(DATA[["z"]])["z"], pa.chunked_array([[1.0]])):
        with pytest.raises(TypeError, match=rf"found.* {type(column).__name__}\b"):
            rb.estimate("y ~ x", column)
    with pytest.raises(rb.InputError, match="a formula or a model file"):
        rb.estimate(data=DATA)
    with pytest.raises(rb.InputError, match="no lake in"):
        rb.estimate("y ~ x", lake="nowhere")
    single = pd.DataFrame({"y": [1.0, 2, 4], "x": [1.0, 3, 2], "firm": np.array([1.7e7, 3e7, 4e7], "float32")})
    with pytest.raises(rb.InputError, match="`firm` has codes above 16777216 in single precision"):
        rb.estimate("y ~ x | firm", single)


def test_what_a_reader_must_know_is_said():
    data = DATA.assign(twice=DATA.z * 2)
    found = rb.estimate("y ~ x + z + twice | region", data, vcov={"CRV1": "year"})
    said = " ".join(found.warnings)
    assert "twice left out: a combination of z" in said
    assert f"rows without a value: x {DATA.x.isna().sum()}" in said
    assert "only 8 clusters" in said
    assert found.failure is None and found.nobs == DATA.x.notna().sum()
    table = found.tidy().set_index("term")
    assert table.loc["twice"].isna().all() and "twice" not in found.coef().index
    fit = found.glance().iloc[0]
    assert (fit["n"], fit["n_missing"], fit["clusters"]) == (found.nobs, DATA.x.isna().sum(), "year 8")
    assert (fit["estimator"], fit["effects"], fit["inference"]) == ("ols", "region", "clustered by year")
    peer = pf.feols("y ~ x + z | region", data, vcov={"CRV1": "year"}, fixef_tol=1e-12)
    assert abs(fit["r2"] - peer._r2) < 1e-9 and abs(fit["r2_within"] - peer._r2_within) < 1e-8
    # One outcome that cannot be estimated beside one that can.
    both = rb.estimate("y + none ~ x", data.assign(none=np.nan))
    assert both[0].failure is None and "no value in any of" in both[1].failure


def totals():
    """Values of partners, one of whom is the sum of the others."""
    shares = {"EEE": 0.25, "FFF": 0.125, "GGG": 0.625, "W00": 1.0}
    scales = {"AAA": 1.0, "BBB": 2.5, "CCC": 4.0, "DDD": 9.0}
    rows = [
        (region, partner, year, scale * share * growth, (at * year) % 7)
        for year, growth in ((2007, 1.0), (2008, 1.5))
        for at, (region, scale) in enumerate(scales.items())
        for partner, share in shares.items()
    ]
    return pd.DataFrame(rows, columns=["region", "partner", "year", "value", "x"])


@pytest.mark.parametrize("kind", ["str", "category"])
@pytest.mark.parametrize("inference", ["hc1", "cluster(year)"])
def test_totals_among_effects_are_warned_of(kind, inference):
    data = totals().astype({"region": kind, "partner": kind})
    total = r"label `W00` is the sum of the other 3 labels \(50.0 % of the value\)"
    with pytest.warns(rb.ReboundWarning, match=total):
        rb.estimate("value ~ x | region + partner", data, inference=inference)
    with warnings.catch_warnings():
        warnings.simplefilter("error", rb.ReboundWarning)
        rb.estimate("value ~ x | region + partner", data, inference=inference, where="partner <> 'W00'")


def test_several_regressions_are_a_sequence():
    several = rb.estimate("y + counts ~ csw0(x, z) + w | region", DATA, vcov="iid")
    assert [(each.outcome, each.specification) for each in several] == [
        (outcome, specification) for specification in ("none", "x", "x + z") for outcome in ("y", "counts")
    ]
    assert len(several) == 6 and len(several[:2]) == 2 and several[-1].outcome == "counts"
    peer = pf.feols("y ~ x + w | region", DATA, vcov="iid", fixef_tol=1e-12)
    close(several[2], peer)
    table = several.tidy()
    assert list(table.columns[:3]) == ["outcome", "specification", "term"] and len(table) == 12
    assert several.coef()["y", "x", "x"] == several[2].coef()["x"]
    assert len(several.glance()) == 6 and several.nobs[2] == several[2].nobs


def models():
    return [
        rb.estimate(FORMULA, DATA, vcov={"CRV1": "region"}),
        rb.estimate("counts ~ x + x:z | region", pl.from_pandas(DATA), estimator="ppml", vcov="hetero"),
    ]


def shown(value):
    """How a table shows a number: four significant digits."""
    return f"{value:.{3 - int(np.floor(np.log10(abs(value))))}f}"


def test_tables_have_every_coefficient():
    first, second = models()
    numbers = [shown(value) for model in (first, second) for value in [*dict(model.coef()).values(), *dict(model.se()).values()]]
    for form in ("text", "markdown", "latex", "html"):
        table = rb.etable([first, second], form)
        assert all(number in table for number in numbers), (form, numbers, table)
        assert "Regressions" in table and "x:z" in table
    page = first._repr_html_()
    assert page.startswith("<table") and all(shown(value) in page for value in first.coef())
    assert repr(first) == str(first.summary()) and shown(first.coef()["x"]) in repr(first)
    rows = list(csv.DictReader(io.StringIO(rb.etable([first, [second]], "csv"))))
    exact = [float(row["estimate"]) for row in rows]
    assert exact == [*first.coef(), *second.coef().values()]
    assert [row["outcome"] for row in rows] == ["y", "y", "counts", "counts"]


def test_tables_are_called_and_laid_out_as_asked(tmp_path):
    first, second = models()
    labels = {"y": "Growth", "x": "Density", "region": "Region", "hs6": "Product"}
    table = rb.etable([first, second], labels=labels, title="Main results", width=200)
    for word in ("Main results", "Growth", "Density:z", "Effects: Region", "Effects: Product", "Clusters: Region", "clustered by Region"):
        assert word in table, table
    stepwise = rb.estimate("y ~ csw0(x, z) + w | sw(region, hs6)", DATA)
    heading = rb.etable(stepwise, labels=labels, width=300).splitlines()[3]
    assert heading.split("  ")[-1].strip() == "Density + z, Product" and "none, Region" in heading
    followed = rb.etable([first, second], focus="x", width=200)
    rows = followed.partition("\n(1) ")[0]
    assert "95 % interval" in rows and "x:z" not in rows
    assert rb.etable([first, second], focus="Density", labels=labels).count("Density") == 2
    assert "95 % interval" in rb.etable(first, shape="specifications")
    of_focus = rb.estimate(FORMULA, DATA, focus="x")
    assert "95 % interval" in of_focus.summary()
    with pytest.raises(rb.InputError, match=r"no regression has the coefficient `xz`"):
        rb.etable(first, focus="xz")
    with pytest.raises(rb.InputError, match="shape \"rows\": expected columns, specifications"):
        rb.etable(first, shape="rows")
    with pytest.raises(rb.InputError, match="expected text, markdown, latex, html, csv or gt"):
        rb.etable(first, "word")
    with pytest.raises(rb.InputError, match="found DataFrame"):
        rb.etable(first.tidy())
    with pytest.raises(rb.InputError, match="no regression to show"):
        rb.etable([])
    path = tmp_path / "table.tex"
    assert rb.etable(first, file=path) == path.read_text(encoding="utf-8") and "\\toprule" in path.read_text(encoding="utf-8")
    with pytest.raises(rb.InputError, match="change one of them"):
        rb.etable(first, "csv", file=path)
    with pytest.raises(rb.InputError, match="ends as no table does"):
        rb.etable(first, file=tmp_path / "table.docx")
    assert rb.etable(first, "html", file=tmp_path / "table.part").startswith("<table")


def test_great_tables_get_the_same_cells():
    pytest.importorskip("great_tables")
    first, second = models()
    page = rb.etable([first, second], "gt", title="a < b").as_raw_html()
    assert all(shown(value) in page for value in first.coef())
    assert "a &lt; b" in page and "* p &lt; 0.1, ** p &lt; 0.05" in page


@pytest.mark.parametrize("estimator", ["ols", "ppml"])
def test_intervals_are_of_the_level_that_is_asked_for(estimator):
    of = "y" if estimator == "ols" else "counts"
    found = rb.estimate(f"{of} ~ x + z | region", DATA, vcov={"CRV1": "region"}, estimator=estimator, level=0.9)
    peer = (pf.feols if estimator == "ols" else pf.fepois)(f"{of} ~ x + z | region", DATA, vcov={"CRV1": "region"})
    assert found.level == 0.9
    for level in (0.9, 0.99):
        own, theirs = found.confint(level), peer.confint(alpha=1 - level)
        assert list(own.columns) == [f"{50 * (1 - level):.10g}%", f"{50 * (1 + level):.10g}%"]
        np.testing.assert_allclose(own.to_numpy(), theirs.to_numpy(), rtol=1e-5)
        tidy = found.tidy(level=level)
        assert tidy["conf_low"].tolist() == own.iloc[:, 0].tolist()
    assert found.confint().equals(found.confint(0.9)) and found.tidy().equals(found.tidy(level=0.9))
    assert "90 % interval" in rb.etable(found, shape="specifications")
    assert "99 % interval" in rb.etable(found, shape="specifications", level=0.99)
    plain = rb.estimate(f"{of} ~ x + z | region", DATA, vcov={"CRV1": "region"}, estimator=estimator)
    assert plain.level == 0.95 and plain.confint(0.9).equals(found.confint())
    mixed = rb.etable([found, plain], shape="specifications", width=200)
    assert "(90 %)" in mixed and "(95 %)" in mixed
    for level in (0, 1, 95, float("nan")):
        with pytest.raises(rb.InputError, match="level.*between 0 and 1, as 0.95"):
            found.tidy(level=level)
    with pytest.raises(rb.InputError, match="between 0 and 1, as 0.95"):
        rb.estimate("y ~ x", DATA, level=95)


def test_results_are_not_pickled_in_silence():
    found = rb.estimate(FORMULA, DATA)
    with pytest.raises(TypeError, match="cannot be pickled: keep what .tidy"):
        pickle.dumps(found)
    assert copy.deepcopy(found) is found


def test_a_file_and_a_model_file_are_estimated_on(tmp_path):
    expected = rb.estimate(FORMULA, DATA, vcov="iid")
    DATA.to_parquet(tmp_path / "data.parquet", index=False)
    DATA.to_csv(tmp_path / "data.csv", index=False, sep=";")
    for path, read in ((tmp_path / "data.parquet", {}), (str(tmp_path / "data.csv"), {"delimiter": ";"})):
        found = rb.estimate(FORMULA, path, vcov="iid", **read)
        assert isinstance(found.tidy(), pd.DataFrame)
        assert np.allclose(found.coef(), expected.coef(), rtol=1e-10)
    model = tmp_path / "model.yaml"
    model.write_text(
        "name: growth\ntitle: Growth\ntable: panel.region\nestimate:\n  outcomes: [y]\n  regressors: [x, z]\n"
        "  effects: [region, hs6]\n  inference: iid\n  wild: {cluster: region, replicates: 99}\n"
    )
    found = rb.estimate(data=DATA, model=model)
    assert found.formula == "Growth" and dict(found.coef()) == dict(expected.coef())
    assert found.tidy()["wild_p_value"].between(0, 1).all()
