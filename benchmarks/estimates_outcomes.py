"""The estimates with this package."""

from __future__ import annotations

from typing import Any

import numpy as np

from estimate_job import DAYS, DRAWS, Columns, Job, at_steps, design, rows_drawn, run, two_groups
from outcomes.estimators import bootstrap, limits, npmle
from outcomes.estimators.counting import distinct, sum_by
from outcomes.estimators.curve_draws import incidence_draws
from outcomes.estimators.curves import kaplan_meier, survival_at
from outcomes.estimators.day_tables import incidence_by_day

SEED = 1


def read_curve(curve: Any, columns: Columns) -> dict[str, Any]:
    survival, low, high, _ = survival_at(curve, columns["grid"])
    return {"survival": survival, "low": low, "high": high}


def estimate_with_limits(columns: Columns) -> Any:
    """Limits are made when they are first read."""
    curve = kaplan_meier(columns["time"], columns["event"])
    assert curve.conf_low.shape == curve.conf_high.shape
    return curve


def test_groups(columns: Columns) -> Any:
    from outcomes.estimators.curves import logrank

    return logrank(columns["time"], columns["event"], columns["group"])


def read_test(result: Any, columns: Columns) -> dict[str, Any]:
    return {"statistic": [result.statistic]}


def estimate_incidence(columns: Columns) -> Any:
    from outcomes.estimators.curves import aalen_johansen

    return aalen_johansen(columns["time"], columns["cause"])


def read_incidence(result: Any, columns: Columns) -> dict[str, Any]:
    out = {}
    for place, cause in enumerate(result.causes):
        out[f"incidence_{int(cause)}"] = at_steps(result.time, result.incidence[place], columns["grid"], 0.0)
        out[f"std_err_{int(cause)}"] = at_steps(result.time, result.std_err[place], columns["grid"], 0.0)
    return out


def read_npmle(fit: npmle.Npmle, columns: Columns) -> dict[str, Any]:
    return {"cdf": npmle.cdf_at(fit, columns["ends"])[0], "gap": [fit.gap], "loglik": [fit.loglik]}


def draw_curves(columns: Columns) -> tuple[Any, ...]:
    """500 draws of the interval-censored curve with their limits, from rows to intervals."""
    patterns = npmle.build_patterns(columns["left"], columns["right"])
    fit = npmle.fit_patterns(patterns)
    counts = bootstrap.draw_counts(patterns.row, columns["patient"], DRAWS, SEED)
    drawn = bootstrap.npmle_draws(patterns, fit, counts, DAYS)
    return patterns, fit, limits.percentile_limits(drawn)


def read_draws(result: tuple[Any, ...], columns: Columns) -> dict[str, Any]:
    """The curve of the draw every tool is compared on."""
    patterns, fit, _ = result
    counts = np.bincount(patterns.row, weights=rows_drawn(columns), minlength=patterns.left.size)
    curve = bootstrap.npmle_draws(patterns, fit, counts[None].astype(np.int64), DAYS)[0]
    return {"drawn_curve": curve}


def draw_exact_curves(columns: Columns) -> Any:
    """500 draws of the Kaplan-Meier curve, from rows to curves."""
    return incidence_draws(columns["time"], columns["event"], columns["patient"], DAYS, DRAWS, SEED)


def read_exact_draws(_: Any, columns: Columns) -> dict[str, Any]:
    """The curve of the draw every tool is compared on, by the same tables."""
    times, place = distinct(columns["time"])
    table = sum_by(place * 2 + columns["event"].astype(np.intp), rows_drawn(columns), 2 * times.size)
    incidence = incidence_by_day(table.reshape(times.size, 2))[0]
    return {"drawn_curve": 1.0 - np.append(0.0, incidence)[np.searchsorted(times, DAYS, side="right")]}


def fit_aft(ready: tuple[np.ndarray, ...]) -> Any:
    from outcomes.estimators.aft import aft_interval

    X, left, right = ready
    return aft_interval(X, left, right, "weibull")


def read_aft(fit: Any, columns: Columns) -> dict[str, Any]:
    return {"coef": np.append(fit.coef, fit.log_scale), "std_err": fit.std_err}


def fit_cox(ready: tuple[np.ndarray, ...]) -> Any:
    from outcomes.estimators.cox import cox

    X, time, event, *late = ready
    entry, patient = late or (None, None)
    return cox(X, time, event, entry=entry, cluster=patient)


def read_cox(fit: Any, columns: Columns) -> dict[str, Any]:
    robust = {} if fit.robust_std_err is None else {"robust_std_err": fit.robust_std_err}
    return {"coef": fit.coef, "std_err": fit.std_err, **robust}


def estimate_mean(columns: Columns) -> Any:
    from outcomes.estimators.counts import mean_cumulative

    return mean_cumulative(columns["patient"], columns["entry"], columns["time"], columns["event"])


def read_mean(curve: Any, columns: Columns) -> dict[str, Any]:
    parts = {"mean": curve.mean, "std_err": curve.std_err}
    return {name: at_steps(curve.time, values, columns["grid"], 0.0) for name, values in parts.items()}


def whole(columns: Columns) -> Columns:
    """Whole numbers in the types this package keeps them in: days in 32 bits, codes in 8."""
    kinds = {"time": np.int32, "entry": np.int32, "event": np.int8, "cause": np.int8, "group": np.int16}
    return {
        name: values.astype(kinds[name]) if name in kinds and (values == np.floor(values)).all() else values
        for name, values in columns.items()
    }


def weigh_rows(ready: tuple[np.ndarray, ...]) -> tuple[Any, Any]:
    from outcomes.estimators.weighting import balance, overlap_weights

    X, treated = ready
    found = overlap_weights(X, treated)
    return found, balance(X, treated, found.weights)


def read_weights(result: tuple[Any, Any], _: Columns) -> dict[str, Any]:
    found, smd = result
    return {"propensity": found.propensity, "smd_before": smd.before, "smd_after": smd.after}


def compare_treated(ready: tuple[np.ndarray, ...]) -> Any:
    """500 draws of patients, the propensity and both curves fitted to each; the limits of a report."""
    from outcomes.estimators.overlap_relief import overlap_relief

    X, treated, left, right, patient = ready
    return overlap_relief(X, treated, left, right, DAYS[:3], 42, cluster=patient, draws=DRAWS, seed=SEED)


def read_treated(_: Any, columns: Columns) -> dict[str, Any]:
    """Both curves of the draw every tool is compared on, its rows written out."""
    from outcomes.estimators.weighting import overlap_weights

    rows = np.repeat(np.arange(columns["treated"].size), rows_drawn(columns).astype(np.intp))
    treated, left, right = (columns[name][rows] for name in ("treated", "left", "right"))
    weights = overlap_weights(design(columns)[rows], treated).weights
    fits = {side: npmle.npmle(*(part[treated == side] for part in (left, right, weights))) for side in (0, 1)}
    return {f"drawn_share_{side + 1}": npmle.cdf_at(fit, DAYS)[0] for side, fit in fits.items()}


JOBS = {
    "km": Job(lambda c: kaplan_meier(c["time"], c["event"]), read_curve, whole),
    "km_limits": Job(estimate_with_limits, read_curve, whole),
    "logrank": Job(test_groups, read_test, whole),
    "logrank2": Job(test_groups, read_test, lambda c: whole(two_groups(c))),
    "incidence": Job(estimate_incidence, read_incidence, whole),
    "npmle": Job(lambda c: npmle.npmle(c["left"], c["right"]), read_npmle),
    "bootstrap": Job(draw_curves, read_draws),
    "bootstrap_km": Job(draw_exact_curves, read_exact_draws),
    "aft": Job(fit_aft, read_aft, lambda c: (design(c), c["left"], c["right"])),
    "cox": Job(fit_cox, read_cox, lambda c: (design(c), c["time"], c["event"])),
    "andersen_gill": Job(fit_cox, read_cox, lambda c: (design(c), c["time"], c["event"], c["entry"], c["patient"])),
    "mcf": Job(estimate_mean, read_mean),
    "propensity": Job(weigh_rows, read_weights, lambda c: (design(c), c["treated"])),
    "modality": Job(
        compare_treated,
        read_treated,
        lambda c: (design(c), *(c[name] for name in ("treated", "left", "right", "patient"))),
    ),
}

if __name__ == "__main__":
    run(JOBS)
