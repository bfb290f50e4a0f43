"""The estimates with scipy.stats: the empirical distribution with right-censored rows, the test of two groups."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

from estimate_job import DAYS, DRAWS, Columns, Job, PatientDraws, at_steps, rows_drawn, run


def censored(columns: Columns) -> stats.CensoredData:
    return stats.CensoredData.right_censored(columns["time"], columns["event"] == 0)


def estimate_curve(data: stats.CensoredData) -> Any:
    survival = stats.ecdf(data).sf
    return survival, survival.confidence_interval(method="log-log")


def read_curve(result: Any, columns: Columns) -> dict[str, Any]:
    survival, limits = result
    parts = {"survival": survival, "low": limits.low, "high": limits.high}
    return {name: at_steps(part.quantiles, part.probabilities, columns["grid"], 1.0) for name, part in parts.items()}


def two_samples(columns: Columns) -> tuple[stats.CensoredData, stats.CensoredData]:
    parts = [{k: columns[k][columns["group"] == g] for k in ("time", "event")} for g in (0, 1)]
    return censored(parts[0]), censored(parts[1])


def draw_curve(ready: tuple[Columns, PatientDraws]) -> Any:
    return fit_drawn(ready[0], ready[1]())


def fit_drawn(c: Columns, drawn: np.ndarray) -> Any:
    """There are no weights: every drawn episode stands there as often as it was drawn."""
    rows = np.repeat(np.arange(drawn.size), drawn.astype(np.intp))
    return stats.ecdf(stats.CensoredData.right_censored(c["time"][rows], c["event"][rows] == 0)).sf


def read_drawn(_: Any, c: Columns) -> dict[str, Any]:
    part = fit_drawn(c, rows_drawn(c))
    return {"drawn_curve": at_steps(part.quantiles, part.probabilities, DAYS, 1.0)}


JOBS = {
    **dict.fromkeys(("km", "km_limits"), Job(estimate_curve, read_curve, censored)),
    "logrank2": Job(
        lambda pair: stats.logrank(*pair), lambda result, _: {"statistic": [result.statistic**2]}, two_samples
    ),
    "bootstrap_km": Job(draw_curve, read_drawn, lambda c: (c, PatientDraws(c)), DRAWS),
}

if __name__ == "__main__":
    run(JOBS)
