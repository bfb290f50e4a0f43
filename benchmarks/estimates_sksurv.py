"""The estimates with scikit-survival; it has no interval-censored methods, no late entry, no errors of Cox."""

from __future__ import annotations

from typing import Any

import numpy as np
from sksurv.compare import compare_survival
from sksurv.linear_model import CoxPHSurvivalAnalysis
from sksurv.nonparametric import cumulative_incidence_competing_risks, kaplan_meier_estimator
from sksurv.util import Surv

from estimate_job import DAYS, DRAWS, Columns, Job, PatientDraws, at_steps, design, rows_drawn, run, two_groups


def read_curve(result: Any, columns: Columns) -> dict[str, Any]:
    time, survival, (low, high) = result
    parts = {"survival": survival, "low": low, "high": high}
    return {name: at_steps(time, values, columns["grid"], 1.0) for name, values in parts.items()}


def read_incidence(result: Any, columns: Columns) -> dict[str, Any]:
    time, incidence, _ = result
    return {f"incidence_{k}": at_steps(time, incidence[k], columns["grid"], 0.0) for k in (1, 2)}


def prepare_groups(columns: Columns) -> tuple[np.ndarray, np.ndarray]:
    return Surv.from_arrays(columns["event"].astype(bool), columns["time"]), columns["group"].astype(int)


def draw_curve(ready: tuple[np.ndarray, np.ndarray, PatientDraws]) -> Any:
    event, time, draws = ready
    return fit_drawn(event, time, draws())


def fit_drawn(event: np.ndarray, time: np.ndarray, drawn: np.ndarray) -> Any:
    """There are no weights: every drawn episode stands there as often as it was drawn."""
    rows = np.repeat(np.arange(drawn.size), drawn.astype(np.intp))
    return kaplan_meier_estimator(event[rows], time[rows])


def read_drawn(_: Any, c: Columns) -> dict[str, Any]:
    time, survival = fit_drawn(c["event"].astype(bool), c["time"], rows_drawn(c))
    return {"drawn_curve": at_steps(time, survival, DAYS, 1.0)}


def fit_cox(ready: tuple[np.ndarray, np.ndarray]) -> Any:
    return CoxPHSurvivalAnalysis(ties="efron").fit(*ready)


def prepare_cox(columns: Columns) -> tuple[np.ndarray, np.ndarray]:
    return design(columns), Surv.from_arrays(columns["event"].astype(bool), columns["time"])


def test_groups(ready: tuple[np.ndarray, np.ndarray]) -> Any:
    return compare_survival(*ready)


JOBS = {
    **dict.fromkeys(
        ("km", "km_limits"),
        Job(
            lambda ready: kaplan_meier_estimator(*ready, conf_type="log-log"),
            read_curve,
            lambda c: (c["event"].astype(bool), c["time"]),
        ),
    ),
    "logrank": Job(test_groups, lambda result, _: {"statistic": [result[0]]}, prepare_groups),
    "logrank2": Job(test_groups, lambda result, _: {"statistic": [result[0]]}, lambda c: prepare_groups(two_groups(c))),
    "incidence": Job(
        lambda ready: cumulative_incidence_competing_risks(*ready, conf_type="log-log"),
        read_incidence,
        lambda c: (c["cause"].astype(int), c["time"]),
    ),
    "bootstrap_km": Job(draw_curve, read_drawn, lambda c: (c["event"].astype(bool), c["time"], PatientDraws(c)), DRAWS),
    "cox": Job(fit_cox, lambda fit, _: {"coef": fit.coef_}, prepare_cox),
}

if __name__ == "__main__":
    run(JOBS)
