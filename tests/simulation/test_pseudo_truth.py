"""A regression of pseudo-observations recovers planted differences of the share with the event by day 28.

Two treatments that often go together, patients with one or two episodes that resemble each other, visits on random days
up to day 84 after each of which some stop coming. By day 28 the share is linear in the treatments, as the regression
has it.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtr

from outcomes.estimators.interval_pseudo import interval_pseudo
from outcomes.estimators.linear import linear_regression

DAY, LAST = 28, 84
TRUTH = np.array([0.45, 0.15, -0.10])


def draw_rows(patients, rng, wait=(14, 14)):
    """Columns (n, 2), interval ends and patients; `wait` bounds the days between visits without and with the first."""
    patient = np.repeat(np.arange(patients), rng.integers(1, 3, patients))
    n = patient.size
    first = rng.random(n) < 0.5
    X = np.column_stack([first, rng.random(n) < np.where(first, 0.6, 0.35)]).astype(float)
    alike = ndtr(np.sqrt(0.5) * rng.normal(size=patients)[patient] + np.sqrt(0.5) * rng.normal(size=n))
    share = TRUTH[0] + X @ TRUTH[1:]
    time = np.ceil(DAY * np.log1p(-alike) / np.log1p(-share))
    left, right, day, coming = np.zeros(n), np.full(n, np.inf), np.zeros(n), np.ones(n, dtype=bool)
    while (coming & (day < LAST)).any():
        day = day + rng.integers(1, np.where(first, wait[1], wait[0]))
        coming &= day <= LAST
        happened = coming & (time <= day)
        right[happened] = day[happened]
        coming &= ~happened
        left[coming] = day[coming]
        coming &= rng.random(n) >= 0.1
    return X, left, right, patient


def simulate_regressions(patients, runs, seed, **how):
    rng = np.random.default_rng(seed)
    estimate, std_err, held = np.zeros((runs, 3)), np.zeros((runs, 3)), np.zeros(3)
    for run in range(runs):
        X, left, right, patient = draw_rows(patients, rng, **how)
        found = linear_regression(X, interval_pseudo(left, right, DAY)[:, 0], patient)
        estimate[run], std_err[run] = found.coef, found.std_err
        held += (found.low <= TRUTH) & (found.high >= TRUTH)
    return estimate, std_err, held / runs


@pytest.mark.slow
@pytest.mark.parametrize(("patients", "runs"), [(400, 1000), (1200, 400)])
def test_differences_are_recovered_and_intervals_hold_them(patients, runs):
    estimate, std_err, held = simulate_regressions(patients, runs, seed=20261125 + patients)
    error = (estimate.mean(axis=0) - TRUTH) / (estimate.std(axis=0, ddof=1) / np.sqrt(runs))
    print(
        patients, "bias in Monte-Carlo errors", error, "coverage", held, "spread", estimate.std(axis=0), std_err.mean(0)
    )
    # Two differences in two sizes: one of four beyond 2.5 Monte-Carlo errors is no rarity, one beyond 3 is.
    assert np.abs(error[1:]).max() < 3
    assert np.abs(held[1:] - 0.95).max() < 3 * np.sqrt(0.95 * 0.05 / runs)


@pytest.mark.slow
def test_visits_three_times_as_often_with_a_treatment_shift_its_difference_by_little():
    # What the method asks for is broken here. The limit is a fifth of the difference planted.
    estimate, _, _ = simulate_regressions(400, 200, seed=4, wait=(20, 6))
    bias, error = estimate.mean(axis=0) - TRUTH, estimate.std(axis=0, ddof=1) / np.sqrt(200)
    print("visits by treatment: bias", bias, "Monte-Carlo errors", error)
    assert np.abs(bias[1:]).max() + 2 * error[1:].max() < 0.03
