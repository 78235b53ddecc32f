"""`rebound estimate` on small random designs whose effects are nested, identical, nearly nested, disconnected, crossed or single: estimates are
those of least squares on dummies (for ppml and logit, reweighted), standard errors those of pyfixest.

    python tests/python/random_designs.py REBOUND [SEED [DESIGNS]]

Where pyfixest fails or is off least squares itself, its formulas on dummies stand in, with K as it counts. Without REBOUND (`-`) only these two are
compared."""

import csv
import io
import pathlib
import subprocess
import sys
import tempfile
import warnings

warnings.simplefilter("ignore")

import numpy as np
import pandas as pd
import pyfixest as pf

REBOUND = sys.argv[1]
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else 1
DESIGNS = int(sys.argv[3]) if len(sys.argv) > 3 else 150
KINDS = ["nested", "identical", "nearly nested", "disconnected", "crossed", "single"]
np.seterr(all="ignore")


def codes(column):
    return pd.factorize(column)[0]


def effect(rng, kind, first, n):
    """Levels of another effect, given those of the first."""
    if kind in ("nested", "nearly nested"):
        of = rng.integers(0, max(2, (first.max() + 1) // 2), first.max() + 1)[first]
        if kind == "nearly nested":
            of[rng.integers(n)] = of.max() + 1 if rng.random() < 0.3 else rng.integers(of.max() + 1)
        return of
    if kind == "identical":
        return rng.permutation(first.max() + 1)[first]
    if kind == "disconnected":
        blocks, levels = rng.integers(2, 4), rng.integers(2, 6)
        return (first % blocks) * levels + rng.integers(0, levels, n)
    return np.zeros(n, int) if kind == "single" else rng.integers(0, rng.integers(2, max(3, n // 6)), n)


def draw(rng):
    """A design: its rows, effects, regressors, weights, estimator and what it is called."""
    n = int(rng.integers(20, 121))
    levels = int(rng.integers(2, max(3, n // 3)))
    first = rng.integers(0, levels, n) if rng.random() < 0.5 else np.floor(levels * rng.random(n) ** 2).astype(int)
    kinds = [str(kind) for kind in rng.choice(KINDS, rng.choice([0, 1, 2], p=[0.1, 0.5, 0.4]))]
    effects = [codes(first)]
    for kind in kinds:
        effects.append(codes(effect(rng, kind, effects[0] if rng.random() < 0.7 else effects[-1], n)))
    columns = {name: np.char.add(name, of.astype(str)) for name, of in zip("abc", effects)}
    order = rng.permutation(len(effects))
    names = ["abc"[at] for at in order]
    x = {f"x{at}": rng.normal(rng.choice([0, 100]), rng.choice([1, 10]), n) for at in range(1, rng.integers(2, 4))}
    last = list(x)[-1]
    absorbed = rng.choice(["no", "partly", "all"], p=[0.5, 0.35, 0.15])
    if absorbed != "no":
        # Only some rows differ from their level's value.
        of = rng.normal(size=levels)[effects[0]]
        differ = rng.random(n) < (0.25 if absorbed == "partly" else 0)
        x[last] = of + differ * rng.normal(size=n)
    if absorbed == "all":
        x["x9"] = rng.normal(size=n)
    columns |= {name: of.round(6) for name, of in x.items()}
    columns["g"] = np.char.add("g", rng.integers(0, rng.integers(3, 12), n).astype(str))
    estimator = str(rng.choice(["ols", "ppml", "logit"], p=[0.7, 0.15, 0.15]))
    mean = sum(0.5 * (of - of.mean()) / (of.std() + 1) for of in x.values()) + sum(rng.normal(0, 0.5, of.max() + 1)[of] for of in effects)
    if estimator == "ols":
        columns["y"] = (mean * rng.choice([1, 1000]) + rng.normal(size=n) * np.exp(0.3 * mean)).round(6)
    elif estimator == "ppml":
        columns["y"] = rng.poisson(np.exp(1 + 0.5 * mean))
    else:
        columns["y"] = (rng.random(n) < 1 / (1 + np.exp(-mean))).astype(int)
    weights = str(rng.choice(["", "even", "uneven"], p=[0.5, 0.25, 0.25])) if estimator == "ols" else ""
    if weights:
        columns["w"] = (rng.uniform(0.5, 2, n) if weights == "even" else 10 ** rng.uniform(-2, 2, n)).round(6)
    about = f"{estimator}, {n} rows, first effect and {kinds or 'no other'}, {weights or 'no'} weights, {absorbed} absorbed"
    return pd.DataFrame(columns), names, sorted(x), "w" if weights else None, estimator, about


def without_singletons(rows, effects):
    while True:
        alone = np.any([rows.groupby(name)[name].transform("size") == 1 for name in effects], axis=0)
        if not alone.any():
            return rows
        rows = rows[~alone]


def within(columns, dummies, root):
    """Residuals, and the rank, of weighted columns on weighted dummies."""
    u, s, _ = np.linalg.svd(dummies * root[:, None], full_matrices=False)
    u = u[:, s > 1e-10 * s[0]]
    columns = columns * root[:, None]
    for _ in range(2):
        columns = columns - u @ (u.T @ columns)
    return columns, u.shape[1]


class Dummies:
    """Least squares on dummies, reweighted till it stands; `None` for `b` where nothing can be said."""

    def __init__(self, rows, effects, names, weights, estimator):
        self.rows, self.effects, self.b = rows, effects, None
        y, x = rows["y"].to_numpy(float), rows[names].to_numpy(float)
        dummies = np.column_stack([codes(rows[name])[:, None] == np.arange(rows[name].nunique()) for name in effects]).astype(float)
        w = rows[weights].to_numpy(float) if weights else np.ones(len(rows))
        swept, _ = within(x, dummies, np.sqrt(w))
        is_kept = np.linalg.norm(swept, axis=0) > 1e-7 * np.linalg.norm(x * np.sqrt(w)[:, None], axis=0)
        self.names, self.absorbed = [n for n, kept in zip(names, is_kept) if kept], [n for n, kept in zip(names, is_kept) if not kept]
        x, self.k = x[:, is_kept], is_kept.sum()
        design = np.column_stack([x, dummies])
        if self.k == 0 or self.count([]) >= len(rows) - 1:
            return
        s = np.linalg.svd(swept[:, is_kept] / np.linalg.norm(swept[:, is_kept], axis=0), compute_uv=False)
        if s[-1] < 1e-4:
            return
        z, at, self.is_glm = y, w, estimator != "ols"
        if self.is_glm:
            eta = np.log(y + 1) if estimator == "ppml" else (y - 0.5) * 2
        for _ in range(60 if self.is_glm else 1):
            if self.is_glm:
                mu = np.exp(eta) if estimator == "ppml" else 1 / (1 + np.exp(-eta))
                at = mu if estimator == "ppml" else mu * (1 - mu)
                z = eta + (y - mu) / at
                if not np.isfinite(z).all():
                    return
            root = np.sqrt(at)
            found = np.linalg.lstsq(design * root[:, None], z * root, rcond=1e-13)[0]
            before, eta = (eta if self.is_glm else None), design @ found
        # Separated, or not yet converged.
        if self.is_glm and (np.abs(eta).max() > 12 or np.abs(eta - before).max() > 1e-10):
            return
        swept, rank = within(np.column_stack([x, z]), dummies, root)
        x, z = swept[:, :-1], swept[:, -1]
        u = z - x @ found[: self.k]
        if len(rows) - rank - self.k < 3 or u @ u < 1e-12 * (y * root) @ (y * root):
            return
        self.b, self.u2, self.scores, self.bread = found[: self.k], u @ u, x * u[:, None], np.linalg.inv(x.T @ x)

    def count(self, clusters):
        """K: levels less (effects - 1), also where nested; an effect nested in a cluster counts for one."""
        rows, k = self.rows, self.k + sum(self.rows[name].nunique() for name in self.effects) - (len(self.effects) - 1)
        for name in self.effects:
            if any(rows.groupby(name)[cluster].nunique().max() == 1 for cluster in clusters):
                k -= rows[name].nunique() - 1
        return k

    def vcov(self, clusters):
        """`clusters`: "iid", "hc1", or a list of cluster variables."""
        rows, n = self.rows, len(self.rows)
        k = self.count(clusters if isinstance(clusters, list) else [])
        if clusters == "iid":
            return self.bread * (1.0 if self.is_glm else self.u2 / (n - 1)) * (n - 1) / (n - k)
        if clusters == "hc1":
            return self.bread @ self.scores.T @ self.scores @ self.bread * n / (n - k)
        g = min(rows[name].nunique() for name in clusters)
        total = 0
        for parts, sign in [([name], 1) for name in clusters] + [(clusters, -1)] * (len(clusters) == 2):
            sums = pd.DataFrame(self.scores).groupby(rows[parts].agg("|".join, axis=1).to_numpy()).sum().to_numpy()
            total = total + sign * (self.bread @ sums.T @ sums @ self.bread)
        return total * (n - 1) / (n - k) * g / (g - 1)


def peer(rows, formula, weights, estimator, inference):
    """Estimates and covariance of pyfixest."""
    vcov = inference.upper() if inference == "hc1" else inference if isinstance(inference, str) else {"CRV1": "+".join(inference)}
    if estimator == "ols":
        fit = pf.feols(formula, data=rows, vcov=vcov, weights=weights, fixef_tol=1e-13, fixef_maxiter=100_000)
    elif estimator == "ppml":
        fit = pf.fepois(formula, data=rows, vcov=vcov, fixef_tol=1e-13, iwls_tol=1e-13, fixef_maxiter=100_000)
    else:
        fit = pf.feglm(formula, data=rows, vcov=vcov, family="logit", fixef_tol=1e-13, iwls_tol=1e-13, fixef_maxiter=100_000)
    return fit.coef(), pd.DataFrame(fit._vcov, fit._coefnames, fit._coefnames), fit._N


def gap(found, expected, se):
    """Of estimates, by a standard error."""
    return np.max(np.abs(np.asarray(found) - expected) / se)


def problems(path, rows, effects, names, weights, estimator, inferences, tally):
    used = without_singletons(rows, effects)
    if len(used) < 8 or len(used["y"].unique()) < 2:
        return
    by_level = [y for name in effects for _, y in used.groupby(name)["y"]]
    if estimator != "ols" and any(((y == 0) if estimator == "ppml" else (y == y.iloc[0])).all() for y in by_level):
        return
    truth = Dummies(used, effects, names, weights, estimator)
    if truth.b is None:
        return
    formula = f"y ~ {' + '.join(names)} | {' + '.join(effects)}"
    for inference in inferences:
        if isinstance(inference, list) and min(used[name].nunique() for name in inference) < 2:
            continue
        v = truth.vcov(inference)
        scale = np.sqrt(np.diag(truth.bread) * truth.u2 / len(used))
        least = np.diag(v) / scale**2 if len(inference) != 2 else np.linalg.eigvalsh(v / np.outer(scale, scale))
        if np.min(least) < 1e-8:
            # Covariances of two clusters that are not positive definite: pyfixest leaves them as they are.
            continue
        b, se, by = truth.b, np.sqrt(np.diag(v)), "dummies"
        tally["compared"] += 1
        try:
            theirs, their_v, n = peer(rows, formula, weights, estimator, inference)
            their_se = np.sqrt(np.diag(their_v.loc[truth.names, truth.names]))
            is_exact = n == len(used) and list(theirs.index) == truth.names and gap(theirs[truth.names], b, se) < 1e-7
            off = np.max(np.abs(their_se / se - 1)) if is_exact else np.inf
            tally["pyfixest off"] += not is_exact
            if is_exact and off < np.inf:
                b, se, by = theirs[truth.names].to_numpy(), their_se, "pyfixest"
                # The formulas above are pyfixest's: a difference is a mistake here.
                if off > 1e-6:
                    yield f"{inference}: standard errors of pyfixest {their_se}, on dummies {np.sqrt(np.diag(v))}"
        except Exception as error:
            tally["pyfixest failed"] += 1
            tally.setdefault("why", set()).add(f"{type(error).__name__}: {str(error)[:80]}")
        if REBOUND == "-":
            continue
        asked = inference if isinstance(inference, str) else f"cluster({' + '.join(inference)})"
        command = [REBOUND, "estimate", formula, "--data", str(path), "--inference", asked, "--estimator", estimator, "--format", "csv"]
        run = subprocess.run(command + (["--weights", weights] if weights else []), capture_output=True, text=True)
        if run.returncode:
            yield f"{asked}: {run.stderr.strip()}"
            continue
        found = {row["term"]: row for row in csv.DictReader(io.StringIO(run.stdout))}
        number = lambda term, column: float(found.get(term, {}).get(column) or "nan")
        ours, our_se = [[number(term, column) for term in truth.names] for column in ("estimate", "se")]
        # Absorbed regressors have no estimate.
        invented = [term for term in truth.absorbed if number(term, "estimate") == number(term, "estimate")]
        n_used = {row["n_used"] for row in found.values()}
        if not (gap(ours, b, se) < 1e-6 and np.max(np.abs(our_se / se - 1)) < 1e-6) or invented or n_used != {str(len(used))}:
            yield (
                f"{asked}: {truth.names} estimates {ours}, {by} {list(map(float, b))}; standard errors {our_se}, {by} {list(map(float, se))}; "
                f"{n_used} rows, {len(used)} expected; absorbed {truth.absorbed}, estimated {invented}"
            )


tally = {"compared": 0, "pyfixest off": 0, "pyfixest failed": 0}
n_designs = n_wrong = at = 0
with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder) / "design.csv"
    while n_designs < DESIGNS and at < 20 * DESIGNS:
        # Each design has its own seed, by which it can be drawn again.
        rng = np.random.default_rng([SEED, at])
        at += 1
        rows, effects, names, weights, estimator, about = draw(rng)
        rows.to_csv(path, index=False)
        inferences = ["iid", ["hc1", [effects[-1]]][rng.integers(2)], [["g"], ["g", effects[0]], [effects[0]]][rng.integers(3)]]
        before, wrong = tally["compared"], []
        wrong = list(problems(path, rows, effects, names, weights, estimator, inferences, tally))
        n_designs += tally["compared"] > before
        n_wrong += bool(wrong)
        for problem in wrong:
            print(f"seed {SEED}, design {at - 1} ({about}; y ~ {' + '.join(names)} | {' + '.join(effects)}): {problem}")
print(f"{n_designs} designs, {tally}: {n_wrong} disagree")
sys.exit(n_wrong > 0)
