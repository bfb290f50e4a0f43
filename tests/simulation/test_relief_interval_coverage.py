"""How often the patient bootstrap interval of the interval-censored curve covers the truth.

Times are exponential, looked at every 1 to 13 days, and a tenth stop coming after each look whatever their state; a
patient brings one to three episodes that share a frailty, so that drawing episodes instead of patients would be wrong.
"""

from __future__ import annotations

import math

import numpy as np

from outcomes.estimators import bootstrap
from outcomes.estimators.npmle import build_patterns, fit_patterns

DAY = 28
FRAILTY_SHAPE, MEAN_DAYS = 4.0, 30.0
# Gamma frailty of mean 1: the marginal survival is its Laplace transform.
TRUTH = 1 - (1 + DAY / MEAN_DAYS / FRAILTY_SHAPE) ** -FRAILTY_SHAPE


def episodes(n_patients, rng):
    patient = np.repeat(np.arange(n_patients), rng.integers(1, 4, n_patients))
    frailty = rng.gamma(FRAILTY_SHAPE, 1 / FRAILTY_SHAPE, n_patients)[patient]
    time = rng.exponential(MEAN_DAYS, patient.size) / frailty
    left, right = np.zeros(patient.size), np.full(patient.size, math.inf)
    day, coming = np.zeros(patient.size), np.ones(patient.size, dtype=bool)
    for _ in range(20):
        day = day + rng.integers(1, 14, patient.size)
        happened = coming & (time <= day)
        right[happened] = day[happened]
        coming &= ~happened
        left[coming] = day[coming]
        coming &= rng.random(patient.size) >= 0.1
    return patient, left, right


def coverage(n_patients, runs, draws, seed):
    rng, covered = np.random.default_rng(seed), 0
    for run in range(runs):
        patient, left, right = episodes(n_patients, rng)
        patterns = build_patterns(left, right)
        counts = bootstrap.draw_counts(patterns.row, patient, draws, [seed, run])
        drawn = bootstrap.npmle_draws(patterns, fit_patterns(patterns), counts, [DAY])
        low, high = bootstrap.percentile_limits(drawn)
        covered += low[0] <= TRUTH <= high[0]
    return covered / runs


def test_a_slice():
    runs = 80
    # Three standard errors of the runs, and three points because 60 draws cut the tails short.
    assert abs(coverage(60, runs, 60, 20260101) - 0.95) < 3 * math.sqrt(0.95 * 0.05 / runs) + 0.03
