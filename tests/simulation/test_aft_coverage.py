"""How often the intervals of the interval-censored regression cover the truth, and that its coefficients recover it.

A patient brings one to five episodes that share a normal deviation of the logarithm of time, so the margin is
log-normal and the rows of a patient are alike; the treatment and a continuous column belong to the patient. Looks are
every 1 to 13 days, and a tenth stop coming after each.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from outcomes.estimators.aft import aft_interval
from outcomes.estimators.aft_standardise import standardised_cdf, standardised_difference

COEF = np.array([3.2, -0.5, 0.6])
BETWEEN, WITHIN = 0.9, 0.5
SCALE = math.hypot(BETWEEN, WITHIN)
DAY = 28
Z = 1.959963984540054


def looks(time, rng):
    left, right = np.zeros(time.size), np.full(time.size, math.inf)
    day, coming = np.zeros(time.size), np.ones(time.size, dtype=bool)
    for _ in range(20):
        day = day + rng.integers(1, 14, time.size)
        happened = coming & (time <= day)
        right[happened] = day[happened]
        coming &= ~happened
        left[coming] = day[coming]
        coming &= rng.random(time.size) >= 0.1
    return left, right


def episodes(n_patients, rng):
    patient = np.repeat(np.arange(n_patients), rng.integers(1, 6, n_patients))
    X = np.column_stack([rng.integers(0, 2, n_patients), rng.normal(size=n_patients)])[patient]
    shared = rng.normal(0, BETWEEN, n_patients)[patient]
    time = np.exp(COEF[0] + X @ COEF[1:] + shared + rng.normal(0, WITHIN, patient.size))
    return X, *looks(time, rng), patient


def true_shares():
    """Share by day 28 under each treatment: the continuous column is normal, so it widens the normal error."""
    from scipy.special import ndtr

    wide = math.hypot(SCALE, COEF[2])
    return [float(ndtr((math.log(DAY) - COEF[0] - a * COEF[1]) / wide)) for a in (0, 1)]


def coverages(n_patients, runs, seed):
    """Share of runs whose interval holds the truth: what is covered -> share."""
    rng, (zero, one) = np.random.default_rng(seed), true_shares()
    truth, covered = np.append(COEF, math.log(SCALE)), {}

    def note(name, held):
        covered[name] = covered.get(name, 0) + np.asarray(held) / runs

    for _ in range(runs):
        X, left, right, patient = episodes(n_patients, rng)
        fit = aft_interval(X, left, right, "lognormal", cluster=patient)
        off = np.abs(np.append(fit.coef, fit.log_scale) - truth)
        note("by patient", off <= Z * fit.std_err)
        note("naive", off <= Z * fit.naive_std_err)
        treated, untreated = (np.column_stack([np.full(len(X), a), X[:, 1]]) for a in (1.0, 0.0))
        drawn, fixed = (standardised_cdf(fit, untreated, DAY, cluster=c) for c in (patient, None))
        note("share", (drawn.lower <= zero) & (zero <= drawn.upper))
        note("share, rows as fixed", (fixed.lower <= zero) & (zero <= fixed.upper))
        contrast = standardised_difference(fit, treated, untreated, DAY, cluster=patient)
        note("difference", (contrast.lower <= one - zero) & (one - zero <= contrast.upper))
    return covered


def test_a_slice():
    runs = 150
    covered = coverages(120, runs, 20260302)
    # Three standard errors of the runs, and two points because 120 patients are few for a variance by cluster.
    room = 3 * math.sqrt(0.95 * 0.05 / runs) + 0.02
    for name in ("by patient", "share", "difference"):
        assert covered[name] == pytest.approx(0.95, abs=room)
    assert covered["naive"][0] < 0.9
    assert covered["naive"][2] < 0.9


@pytest.mark.parametrize("family", ["weibull", "loglogistic", "lognormal"])
def test_coefficients_and_variances_are_recovered(family):
    rng, runs = np.random.default_rng(20260303), 120
    truth = np.array([3.0, -0.4, 0.3, math.log(0.7)])
    draws = {
        "weibull": lambda n: np.log(rng.exponential(size=n)),
        "loglogistic": lambda n: rng.logistic(size=n),
        "lognormal": lambda n: rng.normal(size=n),
    }
    found, told = [], []
    for _ in range(runs):
        X = np.column_stack([rng.integers(0, 2, 400), rng.normal(size=400)])
        left, right = looks(np.exp(truth[0] + X @ truth[1:3] + 0.7 * draws[family](400)), rng)
        fit = aft_interval(X, left, right, family)
        found.append(np.append(fit.coef, fit.log_scale))
        told.append(fit.std_err)
    mean, spread = np.mean(found, axis=0), np.std(found, axis=0, ddof=1)
    # Four standard errors of the mean; maximum likelihood is off by a tenth of its standard error at this size.
    assert (np.abs(mean - truth) < (4 / math.sqrt(runs) + 0.1) * spread).all()
    # A standard deviation from this many runs is itself known to 1 / sqrt(2 runs).
    assert np.mean(told, axis=0) / spread == pytest.approx(1, abs=4 / math.sqrt(2 * runs))


@pytest.mark.slow
@pytest.mark.parametrize("n_patients", [120, 500])
def test_in_full(n_patients):
    runs = 2_000
    covered = coverages(n_patients, runs, 20260304)
    room = 3 * math.sqrt(0.95 * 0.05 / runs) + (0.02 if n_patients < 500 else 0.005)
    for name in ("by patient", "share", "difference"):
        assert covered[name] == pytest.approx(0.95, abs=room)
    assert covered["naive"][0] < 0.9
    # The rows are a sample of patients: an interval that takes them as given is too short for the clinic.
    assert covered["share, rows as fixed"] < covered["share"]
