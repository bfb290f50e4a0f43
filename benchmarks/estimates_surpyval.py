"""The estimates with SurPyval; `--way counted` counts the rows by hand first and gives it the counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import surpyval

from estimate_job import DAYS, DRAWS, Columns, Job, PatientDraws, at_steps, design, rows_drawn, run, two_groups

INTERVAL, RIGHT = 2, 1
MILLIONTHS = 1_000_000


def read_curve(model: Any, columns: Columns) -> dict[str, Any]:
    low, high = np.asarray(model.cb(columns["grid"], on="sf", bound="two-sided")).T
    return {"survival": model.sf(columns["grid"]), "low": low, "high": high}


def test_groups(c: Columns) -> Any:
    return surpyval.logrank(c["time"], c["group"], c=1 - c["event"])


def read_test(result: Any, columns: Columns) -> dict[str, Any]:
    return {"statistic": [result.statistic]}


def prepare_causes(c: Columns) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    labels = c["cause"].astype(object)
    labels[c["cause"] == 0] = None
    return c["time"], labels, (c["cause"] == 0).astype(int)


def estimate_incidence(ready: tuple[np.ndarray, np.ndarray, np.ndarray]) -> Any:
    from surpyval.univariate.competing_risks import CompetingRisks

    return CompetingRisks.fit(*ready)


def read_incidence(model: Any, columns: Columns) -> dict[str, Any]:
    return {f"incidence_{k}": model.cif(columns["grid"], event=float(k)) for k in (1, 2)}


def fit_npmle(left: np.ndarray, right: np.ndarray, n: np.ndarray | None = None) -> Any:
    """The Turnbull estimate proper: with its default, Fleming-Harrington, it is another curve."""
    return surpyval.Turnbull.fit(xl=left, xr=right, n=n, turnbull_estimator="Kaplan-Meier")


def count(c: Columns, drawn: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distinct (left, right) and how many rows each has."""
    pairs, row = np.unique(c["left"] + 1j * np.where(np.isfinite(c["right"]), c["right"], -1), return_inverse=True)
    n = np.bincount(row, weights=drawn)
    there = n > 0
    right = np.where(pairs.imag < 0, np.inf, pairs.imag)
    return pairs.real[there], right[there], n[there].astype(int)


def fit_drawn(c: Columns, drawn: np.ndarray) -> Any:
    there = drawn > 0
    return fit_npmle(c["left"][there], c["right"][there], drawn[there].astype(int))


def fit_drawn_exact(c: Columns, drawn: np.ndarray) -> Any:
    there = drawn > 0
    return surpyval.KaplanMeier.fit(c["time"][there], c=1 - c["event"][there], n=drawn[there].astype(int))


def prepare_draws(columns: Columns) -> tuple[Columns, PatientDraws]:
    return columns, PatientDraws(columns)


def read_npmle(model: Any, columns: Columns) -> dict[str, Any]:
    return {"cdf": 1 - model.sf(columns["ends"])}


def prepare_aft(c: Columns) -> dict[str, np.ndarray]:
    """Pairs of ends; a right-censored row has its last visit twice."""
    seen = np.isfinite(c["right"])
    right = np.where(seen, c["right"], c["left"])
    return {"x": np.column_stack([c["left"], right]), "Z": design(c), "c": np.where(seen, INTERVAL, RIGHT)}


def fit_aft(ready: dict[str, np.ndarray]) -> Any:
    from surpyval.univariate.regression import WeibullAFT

    return WeibullAFT.fit(**ready)


def count_aft(ready: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Distinct rows of ends, covariates and censoring with how many there are of each."""
    width = ready["Z"].shape[1]
    rows = np.column_stack([ready["x"], ready["Z"], ready["c"]])
    found, n = np.unique(rows, axis=0, return_counts=True)
    return {"x": found[:, :2], "Z": found[:, 2 : 2 + width], "c": found[:, -1].astype(int), "n": n}


def read_aft(model: Any, columns: Columns) -> dict[str, Any]:
    """H((exp(b'Z) x / alpha)^beta) on the scale of log time: intercept log alpha, slopes -b, scale 1 / beta."""
    alpha, beta, *slopes = np.asarray(model.params)
    return {"coef": [np.log(alpha), *[-value for value in slopes], -np.log(beta)]}


def fit_cox(ready: dict[str, np.ndarray]) -> Any:
    return surpyval.CoxPH.fit(**ready)


def fit_returns(ready: tuple[dict[str, np.ndarray], np.ndarray]) -> tuple[Any, np.ndarray]:
    """The fit knows no clusters; the model is asked for their covariance."""
    rows, patient = ready
    model = surpyval.CoxPH.fit(**rows)
    return model, model.robust_covariance(patient)


def prepare_cox(c: Columns) -> dict[str, np.ndarray]:
    late = {"tl": c["entry"]} if "entry" in c else {}
    return {"x": c["time"], "Z": design(c), "c": (1 - c["event"]).astype(int), **late}


def read_cox(model: Any, columns: Columns) -> dict[str, Any]:
    return {"coef": model.beta, "std_err": model.summary()["se(coef)"]}


def read_returns(result: tuple[Any, np.ndarray], columns: Columns) -> dict[str, Any]:
    model, robust = result
    return read_cox(model, columns) | {"robust_std_err": np.sqrt(np.diag(robust))}


def prepare_returns(c: Columns) -> dict[str, np.ndarray]:
    """One row an event and one where watching ends; an item's entry stands on each of its rows."""
    first = np.diff(c["patient"], prepend=-1) != 0
    last = np.append(first[1:], True)
    row = np.cumsum(first) - 1
    ends = last & (c["event"] == 1)
    rows = np.concatenate([np.arange(row.size), np.flatnonzero(ends)])
    censored = np.concatenate([c["event"] == 0, np.ones(int(ends.sum()))])
    return {
        "x": c["time"][rows],
        "i": c["patient"][rows],
        "c": censored.astype(int),
        "tl": c["entry"][first][row[rows]],
    }


def read_mean(model: Any, columns: Columns) -> dict[str, Any]:
    parts = {"mean": model.mcf_hat, "std_err": np.sqrt(model.var)}
    return {name: at_steps(model.x, values, columns["grid"], 0.0) for name, values in parts.items()}


def fit_weighted(left: np.ndarray, right: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Share by each day; its counts are whole, so weights are given in millionths."""
    n = np.rint(weights * MILLIONTHS).astype(int)
    there = n > 0
    return 1 - fit_npmle(left[there], right[there], n[there]).sf(DAYS)


def prepare_treated(columns: Columns) -> Any:
    import by_hand

    ready = by_hand.prepare(columns)
    return lambda: by_hand.compare(ready, ready["draw"](), fit_weighted)


def read_treated(_: Any, columns: Columns) -> dict[str, Any]:
    import by_hand

    return by_hand.read_drawn(columns, fit_weighted)


def jobs(way: str) -> Mapping[str, Job]:
    if way == "counted":
        return {
            "npmle": Job(lambda c: fit_npmle(*count(c)), read_npmle),
            "bootstrap": Job(
                lambda ready: fit_npmle(*count(ready[0], ready[1]())),
                lambda _, c: {"drawn_curve": 1 - fit_npmle(*count(c, rows_drawn(c))).sf(DAYS)},
                prepare_draws,
                DRAWS,
            ),
            "aft": Job(lambda ready: fit_aft(count_aft(ready)), read_aft, prepare_aft),
        }
    return {
        **dict.fromkeys(
            ("km", "km_limits"), Job(lambda c: surpyval.KaplanMeier.fit(c["time"], c=1 - c["event"]), read_curve)
        ),
        "logrank": Job(test_groups, read_test),
        "logrank2": Job(test_groups, read_test, two_groups),
        "incidence": Job(estimate_incidence, read_incidence, prepare_causes),
        "npmle": Job(lambda c: fit_npmle(c["left"], c["right"]), read_npmle),
        "bootstrap": Job(
            lambda ready: fit_drawn(ready[0], ready[1]()),
            lambda _, c: {"drawn_curve": 1 - fit_drawn(c, rows_drawn(c)).sf(DAYS)},
            prepare_draws,
            DRAWS,
        ),
        "bootstrap_km": Job(
            lambda ready: fit_drawn_exact(ready[0], ready[1]()),
            lambda _, c: {"drawn_curve": fit_drawn_exact(c, rows_drawn(c)).sf(DAYS)},
            prepare_draws,
            DRAWS,
        ),
        "aft": Job(fit_aft, read_aft, prepare_aft),
        "cox": Job(fit_cox, read_cox, prepare_cox),
        "andersen_gill": Job(fit_returns, read_returns, lambda c: (prepare_cox(c), c["patient"])),
        "modality": Job(lambda draw: draw(), read_treated, prepare_treated, DRAWS),
        "mcf": Job(lambda ready: surpyval.NonParametricCounting.fit(**ready), read_mean, prepare_returns),
    }


if __name__ == "__main__":
    run(jobs)
