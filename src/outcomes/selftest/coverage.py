"""How often intervals hold what they should, on made-up patients whose truth is known.

Promised are 93 to 97 of 100 for an interval said to be 95 %, and 5 of 100 for a test at that level, here within 3
standard errors of the number of runs.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from outcomes.estimators.bootstrap import draw_counts, npmle_draws
from outcomes.estimators.counts import mean_at, mean_cumulative
from outcomes.estimators.curves import kaplan_meier, logrank, survival_at
from outcomes.estimators.limits import interval_limits
from outcomes.estimators.npmle import build_patterns, cdf_at, fit_patterns
from outcomes.estimators.proportions import wilson
from outcomes.selftest.checks import Check, between

RUNS = 2000
SEED = 20261126


def check_coverage() -> list[Check]:
    """95 % intervals of shares, of curves (seen at visits only, too) and mean returns; the group test at 5 %."""
    low, high = 0.93, 0.97
    found = [between(f"Wilson, n = {n}: mean coverage over all shares", _wilson(n), 0.935, 0.975) for n in (20, 60)]
    for n in (60, 120, 500):
        found.append(between(f"Kaplan-Meier, n = {n}: coverage at day 14", _curve(n), low, high))
    found.append(between("Interval-censored curve, n = 60: coverage at day 14", _interval_curve(60), low, high))
    found.append(between("Mean returns, n = 120 patients: coverage at day 180", _returns(120), low, high))
    false = _false_positives(90)
    wide = 3 * math.sqrt(0.05 * 0.95 / RUNS)
    return [*found, between("Log-rank, no difference: p below 0.05", false, 0.05 - wide, 0.05 + wide)]


def _wilson(n: int) -> float:
    """Exact: every possible count, at 999 shares."""
    from scipy import stats

    share = np.arange(1, 1000) / 1000
    limits = np.array([wilson(k, n) for k in range(n + 1)], dtype=float).reshape(n + 1, 2)
    inside = (limits[:, :1] <= share) & (share <= limits[:, 1:])
    return float((stats.binom.pmf(np.arange(n + 1)[:, None], n, share) * inside).sum(axis=0).mean())


def _observed(rng: np.random.Generator, n: int, mean: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Whole days to relief, a fifth of them unseen because the patient stopped coming."""
    time = np.ceil(rng.exponential(mean, n)).astype(np.int64)
    stop = np.ceil(rng.exponential(4 * mean, n)).astype(np.int64)
    return np.minimum(time, stop), (time <= stop).astype(np.int64)


def _curve(n: int, day: int = 14, mean: float = 16.0) -> float:
    rng, truth, held = np.random.default_rng([SEED, n]), math.exp(-day / mean), 0
    for _ in range(RUNS):
        _, low, high, _ = survival_at(kaplan_meier(*_observed(rng, n, mean)), [day])
        held += bool(low[0] <= truth <= high[0])
    return held / RUNS


def _interval_curve(n: int, day: int = 14, mean: float = 16.0, runs: int = 1000, draws: int = 200) -> float:
    """Relief seen at visits 1 to 9 days apart, a tenth stopping after each, one to three episodes a patient."""
    rng, truth, held = np.random.default_rng([SEED, n, 1]), 1.0 - math.exp(-day / mean), 0
    for run in range(runs):
        patient = np.repeat(np.arange(n), rng.integers(1, 4, n))
        time, seen = rng.exponential(mean, patient.size), np.zeros(patient.size)
        left, right = np.zeros(patient.size), np.full(patient.size, np.inf)
        coming = np.ones(patient.size, dtype=bool)
        while coming.any():
            seen[coming] += rng.integers(1, 10, int(coming.sum()))
            relieved = coming & (time <= seen)
            right[relieved] = seen[relieved]
            coming &= ~relieved
            left[coming] = seen[coming]
            coming &= rng.random(patient.size) >= 0.1
        patterns = build_patterns(left, right)
        fit = fit_patterns(patterns)
        drawn = npmle_draws(patterns, fit, draw_counts(patterns.row, patient, draws, [SEED, run]), [day])
        low, high = interval_limits(cdf_at(fit, [day])[0], drawn)
        held += bool(low[0] <= truth <= high[0])
    return held / runs


def _returns(n: int, day: int = 180, rate: float = 0.01) -> float:
    """Patients come back at their own rate, a gamma factor times the common one: the mean by a day is rate * day."""
    rng, held, runs = np.random.default_rng([SEED, n, 2]), 0, RUNS // 2
    for _ in range(runs):
        watched = rng.integers(200, 365, n)
        who, start, stop, event = _spells(rng.gamma(1.0, 1.0, n) * rate, watched, rng)
        _, low, high, _ = mean_at(mean_cumulative(who, start, stop, event), [day])
        held += bool(low[0] <= rate * day <= high[0])
    return held / runs


def _spells(
    rate: NDArray[np.float64], end: NDArray[np.int64], rng: np.random.Generator
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Rows (start, stop] of patients watched from day 0 to `end`, cut on the days on which they came back."""
    number = rng.poisson(rate * end)
    own = np.repeat(np.arange(end.size), number)
    day = np.ceil(rng.random(own.size) * end[own]).astype(np.int64)
    size = int(end.max()) + 1
    found, place = np.unique(np.concatenate([own * size + day, np.arange(end.size) * size + end]), return_inverse=True)
    events = np.bincount(place, weights=np.repeat([1.0, 0.0], [own.size, end.size]))
    who, stop = found // size, found % size
    is_first = np.diff(who, prepend=-1) != 0
    return who, np.where(is_first, 0, np.concatenate([[0], stop[:-1]])), stop, events


def _false_positives(n: int) -> float:
    rng, rejected, group = np.random.default_rng([SEED, n, 3]), 0, np.arange(n) % 3
    for _ in range(RUNS):
        rejected += logrank(*_observed(rng, n, 16.0), group).p_value <= 0.05
    return rejected / RUNS
