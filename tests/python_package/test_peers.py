"""What `docs/peers.md` says of pyfixest, by running it."""

import warnings

import numpy as np
import pandas as pd
import pyfixest as pf
import pytest


@pytest.fixture(scope="module")
def data():
    random = np.random.default_rng(1)
    panel = pd.DataFrame([(unit, time) for unit in range(60) for time in range(12)], columns=["unit", "time"])
    panel["x"], panel["z"] = random.normal(size=len(panel)), random.normal(size=len(panel))
    panel["y"] = panel.x + panel.unit / 10 + random.normal(size=len(panel))
    panel["is_high"] = (panel.y > panel.y.median()).astype(int)
    panel["count"] = random.poisson(np.exp(0.2 * panel.x))
    panel["region"], panel["sector"] = panel.unit % 6, panel.unit % 7
    return panel


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def test_estimators(data):
    assert "x" in pf.feols("y ~ x | unit^sector + time + region", data).coef()
    assert "x" in pf.fepois("count ~ x | unit", data).coef()
    for family in ("logit", "probit"):
        assert "x" in pf.feglm("is_high ~ x | region", data, family=family).coef()
    assert "x" in pf.quantreg("y ~ x", data, quantile=0.5).coef()
    assert "x" in pf.feols("y ~ z | unit | x ~ is_high", data).coef()
    with pytest.raises(Exception, match="__fixed_effect__"):
        pf.feols("y ~ z | unit[x]", data)


def test_errors(data):
    assert pf.feols("y ~ x", data, vcov="HC3").se()["x"] > 0
    for kind in ("HC2", "HC3"):
        with pytest.raises(Exception, match="not supported for regressions with fixed effects"):
            pf.feols("y ~ x | unit", data, vcov=kind)
    assert pf.feols("y ~ x", data, vcov={"CRV1": "region + sector"}).se()["x"] > 0
    assert pf.feols("y ~ x | unit", data, vcov={"CRV3": "region"}).se()["x"] > 0
    with pytest.raises(AssertionError, match="twoway"):
        pf.feols("y ~ x", data, vcov={"CRV1": "region + sector + time"})
    for kind in ("DK", "NW"):
        more = {"time_id": "time", "panel_id": "unit", "lag": 2}
        assert pf.feols("y ~ x | unit", data, vcov=kind, vcov_kwargs=more).se()["x"] > 0
    with pytest.raises(AssertionError, match="vcov string must be"):
        pf.feols("y ~ x", data, vcov="conley")


def test_what_is_left_out(data):
    alone = data.assign(unit=data.unit.where(data.index > 0, 999))
    with pytest.warns(UserWarning, match="1 singleton"):
        assert pf.feols("y ~ x | unit", alone)._N == len(data) - 1
    zero = data.assign(count=data["count"].where(data.unit != 3, 0), is_high=data.is_high.where(data.unit != 3, 0))
    assert pf.fepois("count ~ x | unit", zero)._N <= len(data) - 12
    assert pf.feglm("is_high ~ x | unit", zero, family="logit")._N <= len(data) - 12
    with pytest.warns(UserWarning, match="multicollinearity"):
        assert "twice" not in pf.feols("y ~ x + twice", data.assign(twice=2 * data.x)).coef()
    # An instrument that tells nothing: no word on it, whatever the arithmetic comes to.
    try:
        constant = pf.feols("y ~ z | unit | x ~ one", data.assign(one=1.0))
    except np.linalg.LinAlgError as error:
        assert "ingular" in str(error)
    else:
        assert np.isfinite(constant.coef()["x"]) and not constant.se()["x"] > 0


def test_numbers_of_firms(data):
    firm = (911_101_085_923_662_000 + data.unit).astype("int64")
    whole = pf.feols("y ~ x | unit", data).coef()["x"]
    assert pf.feols("y ~ x | firm", data.assign(firm=firm)).coef()["x"] == pytest.approx(whole)
    assert pf.feols("y ~ x | firm", data.assign(firm=firm.astype("float64"))).coef()["x"] != pytest.approx(whole)


def test_what_we_have_not(data):
    for name in ("event_study", "did2s", "lpdid", "bonferroni", "rwolf", "wyoung"):
        assert callable(getattr(pf, name)), name
    assert callable(pf.feols("y ~ x | unit", data).ritest)
