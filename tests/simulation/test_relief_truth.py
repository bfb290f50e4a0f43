"""Time to relief against the latent truth of simulated clinics, with the rating noise switched off and on.

Switched off, every recorded score is the latent pain of that day to a hundredth of a point; stopping still depends on
how the patient is doing. The truth is the share of eligible episodes whose latent pain had halved by a day. Expected:
within 4 points without noise; with it between 3 and 13 points above the truth, for early relief
is crossed by chance. Scores rounded to whole points would count as noise: half of 6 is then reached at 3.49.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest

from latent import FIELDS, latent_scores
from outcomes.cases import build_episodes, build_visits
from outcomes.definitions import Protocol
from outcomes.estimators.curves import kaplan_meier, survival_at
from outcomes.estimators.npmle import cdf_at, npmle
from outcomes.questions.relief_rows import build_rows
from outcomes.simulate import simulate
from tables import records_of

DAYS = np.array([14, 28, 42])
PATIENTS = 1_000
PROTOCOL = Protocol()


@lru_cache(maxsize=4)
def clinic(seed, noise):
    """Relief rows of one simulated clinic, and the share whose latent pain had halved by each of `DAYS`."""
    simulated = simulate(PATIENTS, seed, "chiro", clinics=1, quarters=12, clean=True, noise=noise)
    cells = {name: simulated.records[name].tolist() for name in FIELDS}
    if not noise:
        cells["pain_pre"] = latent_scores(simulated)
    rows = build_rows(build_episodes(build_visits(records_of(cells), PROTOCOL)))
    truth = simulated.truth
    eligible = truth["start_pain"] >= PROTOCOL.baseline.eligible_min_nrs
    half = np.where(np.isnan(truth["half_day"]), np.inf, truth["half_day"])[eligible]
    return rows, (half[:, None] <= DAYS).mean(axis=0)


def mean_error(seeds, noise):
    """Mean over clinics of estimate minus truth in points, and its standard error."""
    errors = []
    for seed in seeds:
        rows, truth = clinic(seed, noise)
        errors.append(100 * (cdf_at(npmle(rows.left_days, rows.right_days), DAYS)[0] - truth))
    found = np.array(errors)
    return found.mean(axis=0), found.std(axis=0) / np.sqrt(len(errors))


def check_bands(seeds):
    without, error = mean_error(seeds, noise=False)
    assert (np.abs(without) < 4 + 2 * error).all(), without
    noisy, error = mean_error(seeds, noise=True)
    assert (noisy > 3 - 2 * error).all(), noisy
    assert (noisy < 13 + 2 * error).all(), noisy


def test_a_few_clinics():
    check_bands(range(6))


@pytest.mark.slow
def test_two_hundred_clinics():
    check_bands(range(1000, 1200))


def test_the_naive_answers_are_far_off():
    ours, padded, completers, true = [], [], [], []
    for seed in range(4):
        rows, truth = clinic(seed, noise=False)
        seen = rows.seen
        ours.append(cdf_at(npmle(rows.left_days, rows.right_days), 42)[0][0])
        later = np.where(seen, rows.right_days, rows.left_days + 90)
        padded.append(1 - survival_at(kaplan_meier(later, seen), 42)[0][0])
        completers.append((rows.right_days[seen] <= 42).mean())
        true.append(truth[2])
    # Measured on 12 clinics, true share .60: everybody kept at risk for 90 days after the last visit .27, completers
    # only .70. An earlier generator, true share .64, gave .41 and .90: the same side, other sizes.
    assert np.mean(padded) < np.mean(true) - 0.15
    assert np.mean(completers) > np.mean(true) + 0.05
    assert abs(np.mean(ours) - np.mean(true)) < 0.06
