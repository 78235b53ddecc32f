"""The exported Stata file opens in pandas and in ReadStat (what R's haven uses) with labels and all values; pyfixest finds the estimates of
`rebound estimate` on it.

    python tests/python/models.py REBOUND LAKE"""

import csv
import decimal
import io
import pathlib
import subprocess
import sys
import tempfile
import warnings

warnings.simplefilter("ignore")

import pandas as pd
import pyarrow.parquet as pq
import pyfixest as pf
import pyreadstat

rebound, lake = sys.argv[1:]
table = "panel.region_product"


def run(*arguments):
    return subprocess.run([rebound, *arguments, "--lake", lake], check=True, capture_output=True, text=True).stdout


with tempfile.TemporaryDirectory() as folder:
    run("export", table, "--format", "dta", "--format", "parquet", "--format", "arrow", "-o", folder)
    path = pathlib.Path(folder) / table
    exact = pd.read_parquet(f"{path}.parquet")
    assert pd.read_feather(f"{path}.arrow").equals(exact)
    stata = pd.read_stata(f"{path}.dta")
    assert list(stata.columns) == list(exact.columns) and len(stata) == len(exact)
    for name, column in zip(exact.columns, pq.read_table(f"{path}.parquet").columns):
        for ours, theirs in zip(column.to_pylist(), stata[name].tolist()):
            # Stata has no missing text; labels stand for yes and no.
            theirs = None if theirs == "" or theirs != theirs else theirs
            if isinstance(ours, bool):
                ours = "yes" if ours else "no"
            elif isinstance(ours, decimal.Decimal):
                ours = float(ours)
            assert ours == theirs, (name, ours, theirs)
    rows, meta = pyreadstat.read_dta(f"{path}.dta", apply_value_formats=True)
    assert len(rows) == len(exact) and (rows["status"].astype(str) == exact["status"]).all()
    assert meta.column_names_to_labels["density"].startswith("related diversification")
    assert meta.variable_value_labels["is_specialized"] == {0: "no", 1: "yes"}

    run("sql", f"select * from {table}", "-o", f"{path}_sql.dta")
    rows, meta = pyreadstat.read_dta(f"{path}_sql.dta")
    assert list(rows.columns) == list(exact.columns) and len(rows) == len(exact)
    assert sorted(rows["density"].dropna()) == sorted(exact["density"].dropna())
    assert meta.variable_value_labels["is_specialized"] == {0: "no", 1: "yes"}

    data = exact[(exact.base_value > 0) & (exact.episode == "crisis_2008")].copy()
    data["base_value"] = data["base_value"].astype(float)
    for formula, weights, vcov, inference in [
        ("resistance_dhs ~ density + log_base_value + market_share | region_code + hs2", None, {"CRV1": "hs6"}, "cluster(hs6)"),
        ("resistance_dhs ~ density + log_base_value | region_code + hs4", "base_value", {"CRV1": "region_code+hs6"}, "cluster(region_code + hs6)"),
        ("recovery_dhs ~ density + log_base_value | region_code^hs2", None, "HC1", "hc1"),
    ]:
        peer = pf.feols(formula, data=data, vcov=vcov, weights=weights, fixef_tol=1e-12)
        more = ["--weights", weights] if weights else []
        text = run("estimate", formula, "--where", "base_value > 0 and episode = 'crisis_2008'", "--inference", inference, "--format", "csv", *more)
        for row in csv.DictReader(io.StringIO(text)):
            gap = abs(float(row["estimate"]) / peer.coef()[row["term"]] - 1)
            gap_se = abs(float(row["se"]) / peer.se()[row["term"]] - 1)
            assert gap < 1e-8 and gap_se < 1e-6, (formula, row["term"], gap, gap_se)
            assert int(row["n_used"]) == peer._N

# A file of others that says the checksums of its pages is held to them.
with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder) / "summed.parquet"
    rows = pd.DataFrame({"y": [float(at % 7) for at in range(500)], "x": [float(at) for at in range(500)]})
    rows.to_parquet(path, write_page_checksum=True, compression=None, use_dictionary=False)
    asked = [rebound, "estimate", "y ~ x", "--data", str(path)]
    subprocess.run(asked, check=True, capture_output=True)
    bytes_ = bytearray(path.read_bytes())
    bytes_[2000] ^= 1
    path.write_bytes(bytes_)
    ran = subprocess.run(asked, capture_output=True, text=True)
    assert ran.returncode and "checksum" in ran.stderr.lower(), ran
print("exports open in pandas and ReadStat; pyfixest agrees; page checksums are looked at")
