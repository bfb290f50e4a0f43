"""Chains of clinics that differ: how often intervals that take clinics as drawn hold the share of all such clinics.

Clinics of unequal size (standard deviation of the log 0.5; the largest of twelve has a sixth of the patients), whose
true logits differ with a standard deviation of 0.3, or not. Of 4,000 chains each, intervals of a plain share hold the
truth in, and of 400 chains each, those of an interval-censored curve by day 28, beside intervals that draw patients
(2026-11-27), in per cent

==========================  =============  ===========  =============  ===========  ===================
clinics, patients of each   share, differ  share, same  curve, differ  curve, same  by patient, differ
==========================  =============  ===========  =============  ===========  ===================
10, 60                      94.1           94.6         95.3           96.0         85.5
12, 125                     94.8           94.9         95.8           94.8         78.8
20, 150                     94.2           95.0         95.5           94.5         73.3
==========================  =============  ===========  =============  ===========  ===================
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, logit

from outcomes.estimators import bootstrap, npmle
from outcomes.estimators.left_out import left_out_limits
from outcomes.estimators.limits import interval_limits

CHAINS = [(10, 60), (12, 125), (20, 150)]


def draw_clinics(rng, groups, each, sd):
    """Sizes and true logits of the clinics of a chain."""
    size = rng.lognormal(0.0, 0.5, groups)
    return np.maximum((size / size.sum() * groups * each).astype(int), 15), rng.normal(0.0, sd, groups)


def hold_of_shares(groups, each, sd, runs):
    held = 0
    for i in range(runs):
        rng = np.random.default_rng([41, groups, int(10 * sd), i])
        size, logits = draw_clinics(rng, groups, each, sd)
        yes = rng.binomial(size, expit(logits))
        without = (yes.sum() - yes) / (size.sum() - size)
        low, high = left_out_limits([yes.sum() / size.sum()], without[:, None])
        held += low[0] <= 0.5 <= high[0]
    return held / runs


@pytest.mark.parametrize("sd", [0.0, 0.3])
@pytest.mark.parametrize(("groups", "each"), CHAINS)
def test_intervals_of_shares_hold_the_truth(groups, each, sd):
    # Three Monte-Carlo errors of 1,000 chains are 2.1 points.
    assert 0.929 <= hold_of_shares(groups, each, sd, 1000) <= 0.971


def draw_ratings(rng, size, logits):
    """Log-logistic days to relief of which half of an average clinic's have come by day 28; seen at visits only."""
    clinic = np.repeat(np.arange(size.size), size)
    relief = 28 * np.exp((logit(rng.random(clinic.size)) - logits[clinic]) / 1.3)
    left, right, now = np.zeros(clinic.size), np.full(clinic.size, np.inf), np.zeros(clinic.size)
    comes = np.ones(clinic.size, dtype=bool)
    for _ in range(14):
        gap = np.maximum(1, np.round(rng.lognormal(np.log(6), 0.5, clinic.size)))
        now = np.where(comes, now + gap, now)
        seen = comes & (now >= relief)
        right[seen] = now[seen]
        left = np.where(comes & ~seen, now, left)
        comes &= ~seen & (rng.random(clinic.size) > 0.12)
    return clinic, left, right


def hold_of_curves(groups, each, sd, runs):
    """Share of chains whose intervals by clinic, and by patient, hold a half on day 28."""
    held = np.zeros((runs, 2))
    for i in range(runs):
        rng = np.random.default_rng([7, groups, int(10 * sd), i])
        clinic, left, right = draw_ratings(rng, *draw_clinics(rng, groups, each, sd))
        patterns = npmle.build_patterns(left, right)
        fit = npmle.fit_patterns(patterns)
        share = npmle.cdf_at(fit, [28])[0]
        counts, times = bootstrap.jackknife_counts(patterns.row, clinic)
        without = np.repeat(bootstrap.npmle_draws(patterns, fit, counts, np.array([28])), times, axis=0)
        counts = bootstrap.draw_counts(patterns.row, np.arange(clinic.size), 100, i)
        drawn = bootstrap.npmle_draws(patterns, fit, counts, np.array([28]))
        for j, (low, high) in enumerate((left_out_limits(share, without), interval_limits(share, drawn))):
            held[i, j] = low[0] <= 0.5 <= high[0]
    return held.mean(axis=0)


@pytest.mark.slow
@pytest.mark.parametrize(("groups", "each"), CHAINS)
def test_intervals_of_curves_hold_the_truth_where_those_by_patient_do_not(groups, each):
    by_clinic, by_patient = hold_of_curves(groups, each, 0.3, 200)
    # Three Monte-Carlo errors of 200 chains are 4.6 points.
    assert 0.904 <= by_clinic <= 0.996
    assert by_patient < 0.9
