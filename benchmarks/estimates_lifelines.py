"""The estimates with lifelines.

The interval-censored curve takes closed intervals; its documentation says to open one by moving its end a little. The
cumulative incidence is fitted once a cause, without the variance that takes most of the time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from lifelines import AalenJohansenFitter, CoxPHFitter, KaplanMeierFitter, WeibullAFTFitter
from lifelines.statistics import multivariate_logrank_test

from estimate_job import DAYS, DRAWS, Columns, Job, PatientDraws, at_steps, design, rows_drawn, run, two_groups

OPEN = 1e-6


def read_curve(fit: Any, columns: Columns) -> dict[str, Any]:
    limits = fit.confidence_interval_survival_function_
    time, grid = fit.survival_function_.index.to_numpy(), columns["grid"]
    return {
        "survival": at_steps(time, fit.survival_function_.iloc[:, 0].to_numpy(), grid, 1.0),
        "low": at_steps(time, limits.iloc[:, 0].to_numpy(), grid, 1.0),
        "high": at_steps(time, limits.iloc[:, 1].to_numpy(), grid, 1.0),
    }


def estimate_incidence(c: Columns) -> list[Any]:
    fits = [AalenJohansenFitter(calculate_variance=False, seed=1) for _ in range(2)]
    return [fit.fit(c["time"], c["cause"], event_of_interest=cause) for cause, fit in enumerate(fits, start=1)]


def read_incidence(fits: list[Any], columns: Columns) -> dict[str, Any]:
    out = {}
    for cause, fit in enumerate(fits, start=1):
        table = fit.cumulative_density_
        out[f"incidence_{cause}"] = at_steps(table.index.to_numpy(), table.iloc[:, 0].to_numpy(), columns["grid"], 0.0)
    return out


def fit_npmle(left: np.ndarray, right: np.ndarray, at: np.ndarray, weights: np.ndarray | None = None) -> Any:
    return KaplanMeierFitter().fit_interval_censoring(left + OPEN, right, timeline=at, weights=weights)


def read_npmle(fit: Any, at: np.ndarray) -> np.ndarray:
    return 1 - fit.survival_function_["NPMLE_estimate_lower"].reindex(at).to_numpy()


def prepare_draws(columns: Columns) -> tuple[Columns, PatientDraws]:
    return columns, PatientDraws(columns)


def draw_curve(ready: tuple[Columns, PatientDraws]) -> Any:
    return fit_drawn(ready[0], ready[1]())


def fit_drawn(c: Columns, drawn: np.ndarray) -> Any:
    there = drawn > 0
    return fit_npmle(c["left"][there], c["right"][there], DAYS, drawn[there])


def draw_exact_curve(ready: tuple[Columns, PatientDraws]) -> Any:
    return fit_drawn_exact(ready[0], ready[1]())


def fit_drawn_exact(c: Columns, drawn: np.ndarray) -> Any:
    there = drawn > 0
    return KaplanMeierFitter().fit(c["time"][there], c["event"][there], weights=drawn[there])


def read_exact(fit: Any, at: np.ndarray) -> np.ndarray:
    table = fit.survival_function_
    return at_steps(table.index.to_numpy(), table.iloc[:, 0].to_numpy(), at, 1.0)


def make_frame(columns: Columns, *names: str) -> pd.DataFrame:
    frame = pd.DataFrame(design(columns)).add_prefix("x")
    return frame.assign(**{name: columns[name] for name in names})


def read_aft(fit: Any, columns: Columns) -> dict[str, Any]:
    names = [("lambda_", "Intercept"), *[("lambda_", f"x{k}") for k in range(design(columns).shape[1])]]
    coef, std_err = fit.params_[names], fit.standard_errors_[names]
    shape = ("rho_", "Intercept")
    return {
        "coef": np.append(coef, -fit.params_[shape]),
        "std_err": np.append(std_err, fit.standard_errors_[shape]),
    }


def fit_cox(frame: pd.DataFrame) -> Any:
    return CoxPHFitter().fit(frame, "time", "event")


def fit_returns(frame: pd.DataFrame) -> Any:
    return CoxPHFitter().fit(frame, "time", "event", entry_col="entry", cluster_col="patient")


def read_cox(fit: Any, columns: Columns) -> dict[str, Any]:
    """With clusters its standard errors are the robust ones."""
    errors = {"robust_std_err" if "entry" in columns else "std_err": fit.standard_errors_}
    return {"coef": fit.params_, **errors}


def test_groups(c: Columns) -> Any:
    return multivariate_logrank_test(c["time"], c["group"], c["event"])


def read_test(result: Any, columns: Columns) -> dict[str, Any]:
    return {"statistic": [result.test_statistic]}


def fit_weighted(left: np.ndarray, right: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Share by each day; for `by_hand`, which brings statsmodels' weights."""
    return read_npmle(fit_npmle(left, right, DAYS, weights), DAYS)


def prepare_treated(columns: Columns) -> Any:
    import by_hand

    ready = by_hand.prepare(columns)
    return lambda: by_hand.compare(ready, ready["draw"](), fit_weighted)


def read_treated(_: Any, columns: Columns) -> dict[str, Any]:
    import by_hand

    return by_hand.read_drawn(columns, fit_weighted)


JOBS = {
    **dict.fromkeys(("km", "km_limits"), Job(lambda c: KaplanMeierFitter().fit(c["time"], c["event"]), read_curve)),
    "logrank": Job(test_groups, read_test),
    "logrank2": Job(test_groups, read_test, two_groups),
    "incidence": Job(estimate_incidence, read_incidence),
    "npmle": Job(
        lambda c: fit_npmle(c["left"], c["right"], c["ends"]), lambda fit, c: {"cdf": read_npmle(fit, c["ends"])}
    ),
    "bootstrap": Job(
        draw_curve, lambda _, c: {"drawn_curve": read_npmle(fit_drawn(c, rows_drawn(c)), DAYS)}, prepare_draws, DRAWS
    ),
    "bootstrap_km": Job(
        draw_exact_curve,
        lambda _, c: {"drawn_curve": read_exact(fit_drawn_exact(c, rows_drawn(c)), DAYS)},
        prepare_draws,
        DRAWS,
    ),
    "aft": Job(
        lambda frame: WeibullAFTFitter().fit_interval_censoring(frame, "left", "right"),
        read_aft,
        lambda c: make_frame(c, "left", "right"),
    ),
    "cox": Job(fit_cox, read_cox, lambda c: make_frame(c, "time", "event")),
    "modality": Job(lambda draw: draw(), read_treated, prepare_treated, DRAWS),
    "andersen_gill": Job(fit_returns, read_cox, lambda c: make_frame(c, "time", "event", "entry", "patient")),
}

if __name__ == "__main__":
    run(JOBS)
