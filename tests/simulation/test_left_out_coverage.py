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

Of differences between two arms made alike in the clinic, whose effects differ (0.5 on the logit), of 1,000 chains each
(2026-11-28): 94.9, 93.9, 94.0 by clinic and 80.4, 73.8, 73.0 by patient (10 clinics of 150, 12 and 20 of 250 patients);
where the effects are the same (the first two) 95.3, 95.5 by clinic, and 95.5, 94.9 by patient. Of such differences in
who came back by day 365, some of the patients seen for less (clinics alike, 2026-11-28): 93.4, 93.5, 94.9 by clinic and
73.5, 63.1, 65.4 by patient; where the effects are the same 95.6, 94.5 by clinic, and 95.2, 94.1 by patient.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, logit

from outcomes.estimators import bootstrap, npmle
from outcomes.estimators.left_out import left_out_difference_limits, left_out_limits
from outcomes.estimators.limits import interval_limits
from outcomes.estimators.overlap_relief import overlap_relief
from outcomes.estimators.weighted_risk import overlap_risk

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


def draw_ratings(rng, size, logits, more=0.0):
    """Log-logistic days to relief of which half of an average clinic's have come by day 28; seen at visits only.

    `more` is what some rows' logits have besides.
    """
    clinic = np.repeat(np.arange(size.size), size)
    relief = 28 * np.exp((logit(rng.random(clinic.size)) - logits[clinic] - more) / 1.3)
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


# -- a difference of two arms -----------------------------------------------------------------------------------------

EFFECT, EFFECTS_DIFFER = 0.4, 0.5
"""Mean of the treatment's effect on the logit, and how it differs between clinics (standard deviation)."""
COMPARED = [(10, 150), (12, 250), (20, 250)]
"""Clinics and patients of each: in small ones some draws of patients leave nobody without the treatment."""


def true_difference(sd):
    """Mean over clinics of the difference by day 28, by Gauss and Hermite."""
    place, weight = np.polynomial.hermite_e.hermegauss(60)
    base, effect = sd * place[:, None], EFFECT + EFFECTS_DIFFER * place[None, :]
    mean = (expit(base + effect) - expit(base)) * weight[:, None] * weight[None, :]
    return float(mean.sum() / (2 * np.pi))


def compare(columns, treated, left, right, rows, draws=0, seed=0):
    return overlap_relief(columns[rows], treated[rows], left[rows], right[rows], 28, 28, draws=draws, seed=seed)


def hold_of_differences(groups, each, sd, runs):
    """Share of chains whose intervals by clinic, and by patient, hold the difference of all such clinics.

    How often a clinic treats differs between clinics; arms are made alike in the clinic.
    """
    held, truth = np.zeros((runs, 2)), true_difference(sd)
    for i in range(runs):
        rng = np.random.default_rng([23, groups, int(10 * sd), i])
        size, logits = draw_clinics(rng, groups, each, sd)
        effect, habit = rng.normal(EFFECT, EFFECTS_DIFFER, groups), rng.uniform(0.35, 0.65, groups)
        who = np.repeat(np.arange(groups), size)
        treated = rng.random(who.size) < habit[who]
        clinic, left, right = draw_ratings(rng, size, logits, effect[who] * treated)
        columns = np.eye(groups)[clinic][:, 1:]
        whole = compare(columns, treated, left, right, np.ones(who.size, bool), 100, i)
        # Without a clinic its column is 0 in all rows, and the first clinic's rows have none.
        without = []
        for g in range(groups):
            others = clinic != g
            kept = columns[:, columns[others].any(axis=0)][:, 1 if g == 0 else 0 :]
            without.append(compare(kept, treated, left, right, others).difference)
        low, high = left_out_difference_limits(whole.difference, without)
        held[i] = low[0] <= truth <= high[0], whole.difference_low[0] <= truth <= whole.difference_high[0]
    return held.mean(axis=0)


@pytest.mark.slow
@pytest.mark.parametrize(("groups", "each"), COMPARED)
def test_intervals_of_differences_hold_the_truth_where_those_by_patient_do_not(groups, each):
    by_clinic, by_patient = hold_of_differences(groups, each, 0.3, 200)
    assert 0.904 <= by_clinic <= 0.996
    assert by_patient < 0.9


# -- a difference of two arms in who came back ------------------------------------------------------------------------

BACK_BY = 365
"""Day by which a return counts; half of an average clinic's have come then."""


def hold_of_returns(groups, each, sd, runs):
    """As `hold_of_differences`, of returns that are seen on their day, and not after the records end."""
    held, truth = np.zeros((runs, 2)), true_difference(sd)
    for i in range(runs):
        rng = np.random.default_rng([29, groups, int(10 * sd), i])
        size, logits = draw_clinics(rng, groups, each, sd)
        effect, habit = rng.normal(EFFECT, EFFECTS_DIFFER, groups), rng.uniform(0.35, 0.65, groups)
        clinic = np.repeat(np.arange(groups), size)
        treated = rng.random(clinic.size) < habit[clinic]
        odds = logit(rng.random(clinic.size)) - logits[clinic] - effect[clinic] * treated
        back, end = BACK_BY * np.exp(odds / 1.3), rng.integers(100, 1200, clinic.size)
        stop, event = np.ceil(np.minimum(back, end)), back <= end
        columns = np.eye(groups)[clinic]

        def compare_risks(rows, columns=columns, treated=treated, stop=stop, event=event, draws=0, seed=0):
            kept = columns[:, columns[rows].any(axis=0)][:, 1:]  # without a clinic its column is 0 in all rows
            return overlap_risk(kept[rows], treated[rows], stop[rows], event[rows], BACK_BY, draws=draws, seed=seed)

        whole = compare_risks(clinic >= 0, draws=100, seed=i)
        without = [compare_risks(clinic != g).difference for g in range(groups)]
        low, high = left_out_difference_limits(whole.difference, without)
        held[i] = low[0] <= truth <= high[0], whole.difference_low[0] <= truth <= whole.difference_high[0]
    return held.mean(axis=0)


@pytest.mark.slow
@pytest.mark.parametrize(("groups", "each"), COMPARED)
def test_intervals_of_differences_in_returns_hold_the_truth_where_those_by_patient_do_not(groups, each):
    by_clinic, by_patient = hold_of_returns(groups, each, 0.3, 200)
    assert 0.904 <= by_clinic <= 0.996
    assert by_patient < 0.9
