"""The estimates with statsmodels; `--way counted` counts the rows by hand first and gives it the counts as weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from statsmodels.duration.hazard_regression import PHReg
from statsmodels.duration.survfunc import CumIncidenceRight, SurvfuncRight, survdiff

from by_hand import fit_propensity
from estimate_job import DAYS, DRAWS, Columns, Job, PatientDraws, at_steps, design, rows_drawn, run, two_groups


def make_limits(survival: np.ndarray, std_err: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """It gives the standard error; the log-log limits are what its user makes of it by hand."""
    inside = (survival > 0) & (survival < 1)
    s = np.where(inside, survival, 0.5)
    log_s = np.log(s)
    stretch = np.exp(-1.959963984540054 * std_err / (s * log_s))
    return np.where(inside, np.exp(log_s * stretch), np.nan), np.where(inside, np.exp(log_s / stretch), np.nan)


def read_curve(fit: Any, columns: Columns) -> dict[str, Any]:
    survival = at_steps(fit.surv_times, fit.surv_prob, columns["grid"], 1.0)
    std_err = at_steps(fit.surv_times, fit.surv_prob_se, columns["grid"], 0.0)
    low, high = make_limits(survival, std_err)
    return {"survival": survival, "low": low, "high": high}


def estimate_with_limits(c: Columns) -> tuple[Any, np.ndarray, np.ndarray]:
    fit = SurvfuncRight(c["time"], c["event"])
    return fit, *make_limits(fit.surv_prob, fit.surv_prob_se)


def read_with_limits(result: tuple[Any, np.ndarray, np.ndarray], columns: Columns) -> dict[str, Any]:
    fit, low, high = result
    steps = {"survival": (fit.surv_prob, 1.0), "low": (low, np.nan), "high": (high, np.nan)}
    return {name: at_steps(fit.surv_times, values, columns["grid"], start) for name, (values, start) in steps.items()}


def read_incidence(fit: Any, columns: Columns) -> dict[str, Any]:
    out = {}
    for k in (0, 1):
        out[f"incidence_{k + 1}"] = at_steps(fit.times, fit.cinc[k], columns["grid"], 0.0)
        out[f"std_err_{k + 1}"] = at_steps(fit.times, fit.cinc_se[k], columns["grid"], 0.0)
    return out


def test_groups(c: Columns) -> Any:
    return survdiff(c["time"], c["event"], c["group"])


def fit_cox(ready: dict[str, Any]) -> Any:
    """Its rows are at risk at their entry too; the next number after it opens them on the left."""
    late = {} if "entry" not in ready else {"entry": np.nextafter(ready["entry"], np.inf)}
    model = PHReg(ready["time"], ready["X"], status=ready["event"], ties="efron", **late)
    return model.fit(groups=ready.get("patient"))


def read_cox(fit: Any, columns: Columns) -> dict[str, Any]:
    """With groups its standard errors are the robust ones."""
    return {"coef": fit.params, "robust_std_err" if "entry" in columns else "std_err": fit.bse}


def fit_drawn(c: Columns, drawn: np.ndarray) -> Any:
    there = drawn > 0
    return SurvfuncRight(c["time"][there], c["event"][there], freq_weights=drawn[there])


class Counted:
    """The table of distinct (time, event) with the place of each row in it."""

    def __init__(self, c: Columns) -> None:
        pairs = c["time"] + 1j * c["event"]
        found, self.row = np.unique(pairs, return_inverse=True)
        self.time, self.event = found.real, found.imag

    def fit_drawn(self, drawn: np.ndarray) -> Any:
        weight = np.bincount(self.row, weights=drawn)
        there = weight > 0
        return SurvfuncRight(self.time[there], self.event[there], freq_weights=weight[there])


def read_drawn(fit: Any) -> dict[str, Any]:
    return {"drawn_curve": at_steps(fit.surv_times, fit.surv_prob, DAYS, 1.0)}


def weigh_rows(ready: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
    """Logit, and by hand what is left: weights and standardised differences."""
    X, treated = ready
    propensity = fit_propensity(X, treated, np.ones(treated.size))
    weights = np.where(treated > 0, 1 - propensity, propensity)
    one, none = X[treated > 0], X[treated == 0]
    spread = np.sqrt((one.var(axis=0, ddof=1) + none.var(axis=0, ddof=1)) / 2)
    means = (
        np.average(one, axis=0, weights=weights[treated > 0]),
        np.average(none, axis=0, weights=weights[treated == 0]),
    )
    return propensity, (one.mean(axis=0) - none.mean(axis=0)) / spread, (means[0] - means[1]) / spread


def read_weights(result: tuple[np.ndarray, ...], _: Columns) -> dict[str, Any]:
    return dict(zip(("propensity", "smd_before", "smd_after"), result, strict=True))


def jobs(way: str) -> Mapping[str, Job]:
    if way == "counted":
        return {
            "bootstrap_km": Job(
                lambda ready: ready[0].fit_drawn(ready[1]()),
                lambda _, c: read_drawn(Counted(c).fit_drawn(rows_drawn(c))),
                lambda c: (Counted(c), PatientDraws(c)),
                DRAWS,
            )
        }
    return {
        "km": Job(lambda c: SurvfuncRight(c["time"], c["event"]), read_curve),
        "km_limits": Job(estimate_with_limits, read_with_limits),
        "logrank": Job(test_groups, lambda result, _: {"statistic": [result[0]]}),
        "logrank2": Job(test_groups, lambda result, _: {"statistic": [result[0]]}, two_groups),
        "incidence": Job(
            lambda ready: CumIncidenceRight(*ready), read_incidence, lambda c: (c["time"], c["cause"].astype(int))
        ),
        "bootstrap_km": Job(
            lambda ready: fit_drawn(ready[0], ready[1]()),
            lambda _, c: read_drawn(fit_drawn(c, rows_drawn(c))),
            lambda c: (c, PatientDraws(c)),
            DRAWS,
        ),
        "cox": Job(fit_cox, read_cox, lambda c: {**c, "X": design(c)}),
        "propensity": Job(weigh_rows, read_weights, lambda c: (design(c), c["treated"])),
        "andersen_gill": Job(fit_cox, read_cox, lambda c: {**c, "X": design(c)}),
    }


if __name__ == "__main__":
    run(jobs)
