"""What `rebound resilience` expects of regions, beside other programs: own means and lines and their prediction intervals and AR(1) beside
statsmodels, synthetic controls beside pysyncon, completed matrices beside causaltensor.

    python tests/python/counterfactuals.py REBOUND

The panel is made up: nothing here is a finding."""

import csv
import io
import pathlib
import subprocess
import sys
import tempfile
import warnings

warnings.simplefilter("ignore")

import numpy as np
import statsmodels.api as sm
from causaltensor.cauest.MCNNM import FixedEffectPanelSolver, MCNNMPanelSolver
from pysyncon.penalized import PenalizedOptimMixin
from statsmodels.tsa.ar_model import AutoReg

rebound = sys.argv[1]
YEARS, BASE = list(range(2001, 2012)), 2008
N_BEFORE = YEARS.index(BASE) + 1
REGIONS = [f"R{n:02}" for n in range(24)]
OWN = ["own_mean", "own_linear", "own_log_linear", "own_ar1"]

# Effects, a trend and two cycles that regions share in part, a crisis in 2009, and noise; in hundredths, as money is.
random = np.random.default_rng(20090915)
years = np.arange(len(YEARS))
logs = (
    10
    + random.normal(0, 1, (24, 1))
    + random.normal(0.05, 0.02, (24, 1)) * years
    + random.normal(0, 1, (24, 2)) @ random.normal(0, 0.08, (2, len(YEARS)))
    + random.normal(0, 0.03, (24, len(YEARS)))
    - random.uniform(0.1, 0.4, (24, 1)) * (years >= N_BEFORE)
)
panel = np.round(np.exp(logs), 2)


def near(ours, theirs, tolerance, what):
    assert abs(ours - theirs) <= tolerance * max(1e-300, abs(theirs)), (what, ours, theirs)


with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder) / "panel.csv"
    lines = [f"{region},{year},{panel[r, t]:.2f}" for r, region in enumerate(REGIONS) for t, year in enumerate(YEARS)]
    path.write_text("region,period,value\n" + "\n".join(lines) + "\n")

    def rows(table):
        command = [rebound, "resilience", str(path), "--region", "region", "--period", "period", "--value", "value", "--base", "2008"]
        command += ["--trough", "2009", "--end", "2011", "--benchmark", ",".join(["synthetic", "matrix_completion", *OWN])]
        ran = subprocess.run([*command, "--rows", table, "--format", "csv"], capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr
        return list(csv.DictReader(io.StringIO(ran.stdout)))

    periods = {(row["benchmark"], row["region_code"], int(row["period"])): row for row in rows("periods")}
    donors, placebos = rows("donor"), {(row["benchmark"], row["region_code"]): row for row in rows("placebo")}


def path_of(benchmark, region, column="expected_value"):
    return np.array([float(periods[benchmark, region, year][column]) for year in YEARS[N_BEFORE:]])


def interval(benchmark, region):
    return path_of(benchmark, region, "expected_low"), path_of(benchmark, region, "expected_high")


# Own past: least squares with prediction intervals, and a forecast by an autoregression with a constant.
for r, region in enumerate(REGIONS):
    before = panel[r, :N_BEFORE]
    line, after = sm.add_constant(years[:N_BEFORE].astype(float)), sm.add_constant(years[N_BEFORE:].astype(float), has_constant="add")
    for benchmark, y, x, to, back in [
        ("own_mean", before, line[:, :1], after[:, :1], lambda value: value),
        ("own_linear", before, line, after, lambda value: value),
        ("own_log_linear", np.log(before), line, after, np.exp),
    ]:
        found = sm.OLS(y, x).fit().get_prediction(to).summary_frame(alpha=0.05)
        low, high = interval(benchmark, region)
        ours = [path_of(benchmark, region), low, high]
        for values, column in zip(ours, ["mean", "obs_ci_lower", "obs_ci_upper"]):
            for value, other in zip(values, back(found[column].to_numpy())):
                near(value, max(other, 0.0), 1e-8, (benchmark, region, column))
    fit = AutoReg(before, 1, trend="c").fit()
    expected = np.asarray(fit.predict(N_BEFORE, len(YEARS) - 1))
    for value, other in zip(path_of("own_ar1", region), expected):
        near(value, max(other, 0.0), 1e-8, ("own_ar1", region))
    # The interval widens as the variance of the forecast does, whatever the quantile.
    low, high = interval("own_ar1", region)
    if (low > 0).all() and (expected > 0).all():
        width = np.sqrt(np.cumsum(fit.params[1] ** (2 * np.arange(len(low)))))
        for value, other in zip((high - low) / (high - low)[0], width):
            near(value, other, 1e-6, ("own_ar1 interval", region))

# The other regions: logs of levels over the mean up to the base; the path begins at the level of the base.
x = np.log(panel / panel[:, :N_BEFORE].mean(axis=1, keepdims=True))


def from_base(r, fitted):
    """The levels that logs `fitted`, the base first, give from the region's own level at the base."""
    return panel[r, N_BEFORE - 1] * np.exp(fitted[1:] - fitted[0])


# A penalised synthetic control. pysyncon's solver is a general one: our weights may not be worse, nor far from its own.
largest = 0.0
for r, region in enumerate(REGIONS):
    told = placebos["synthetic", region]
    assert told["null_reason"] == "" and int(told["n_donors"]) == 23 and int(told["n_before"]) == N_BEFORE, told
    others = [other for other in range(24) if other != r]
    penalty, x1, x0 = float(told["penalty"]), x[r, :N_BEFORE], x[others, :N_BEFORE].T
    ours = np.zeros(24)
    for row in donors:
        if row["benchmark"] == "synthetic" and row["region_code"] == region:
            ours[REGIONS.index(row["donor"])] = float(row["weight"])
    near(ours.sum(), 1.0, 1e-9, region)
    theirs, _ = PenalizedOptimMixin.w_optimize(
        np.eye(N_BEFORE), x0, x1, penalty, qp_options={"maxiter": 10_000, "ftol": 1e-15}
    )

    def objective(w):
        return ((x1 - x0 @ w) ** 2).sum() + penalty * (w * ((x0 - x1[:, None]) ** 2).sum(axis=0)).sum()

    least, other = objective(ours[others]), objective(theirs)
    assert least <= other * (1 + 1e-9) + 1e-12, (region, least, other)
    assert other <= least * (1 + 1e-3) + 1e-9, (region, least, other)
    largest = max(largest, np.abs(ours[others] - theirs).max())
    fitted = ours @ x
    for value, expected in zip(path_of("synthetic", region), from_base(r, fitted[N_BEFORE - 1 :])):
        near(value, expected, 1e-8, ("synthetic", region))
    near(float(told["pre_rmspe"]), np.sqrt(((x[r] - fitted)[:N_BEFORE] ** 2).mean()), 1e-6, region)
    near(float(told["post_rmspe"]), np.sqrt(((x[r] - fitted)[N_BEFORE:] ** 2).mean()), 1e-6, region)
    near(float(told["gap"]), (x[r] - fitted)[N_BEFORE:].mean(), 1e-6, region)
assert largest < 0.02, largest

# Matrix completion. causaltensor's effects stop early unless told otherwise.
FixedEffectPanelSolver.demean.__defaults__ = (1e-26, 20_000)
for r, region in enumerate(REGIONS):
    told = placebos["matrix_completion", region]
    treated = np.zeros(x.shape)
    treated[r, N_BEFORE:] = 1
    solver = MCNNMPanelSolver(x.copy(), treated)
    fitted = solver.solve_with_regularizer(float(told["penalty"]), eps=1e-22, max_iter=20_000).baseline_model[r]
    for value, expected in zip(path_of("matrix_completion", region), from_base(r, fitted[N_BEFORE - 1 :])):
        near(value, expected, 1e-6, ("matrix_completion", region))
    near(float(told["pre_rmspe"]), np.sqrt(((x[r] - fitted)[:N_BEFORE] ** 2).mean()), 1e-5, region)

# Placebos in space: the share of regions whose gaps grow as much.
for benchmark in ["synthetic", "matrix_completion"]:
    ratios = {region: float(placebos[benchmark, region]["ratio"]) for region in REGIONS}
    for region, ratio in ratios.items():
        told = placebos[benchmark, region]
        near(ratio, float(told["post_rmspe"]) / float(told["pre_rmspe"]), 1e-9, region)
        near(float(told["p"]), np.mean([other >= ratio for other in ratios.values()]), 1e-9, region)

print(f"counterfactuals: {len(REGIONS)} regions by six benchmarks agree; weights within {largest:.1e}")
