"""The two naive answers to "how many are relieved by day 42?", in the world where they are known to be far off.

The truth is .64. Counting everybody without relief as still at risk 90 days after the last visit makes it .41: in those
days nobody looked. Counting completers only makes it .90: relief is what gets one discharged. Completers are meant as
commercial outcome systems mean them, episodes whose discharge was recorded, and the share is that relieved at
discharge, on whichever day; even by the end of the planned care the truth is .70. The interval-censored curve of the
same records is within four points of the truth. The naive answers stand in this file only.

`support.first_world` draws the clinic. In the package's own generator care does not end with relief as strictly; there
the naive answers are .27 and .70 for a true .60 (`test_relief_truth`, which counts as completers all seen relieved).
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np

from outcomes.cases import build_episodes, build_visits
from outcomes.cases.schema import END_REASONS, STATUSES
from outcomes.definitions import Protocol
from outcomes.estimators.curves import kaplan_meier, survival_at
from outcomes.estimators.npmle import cdf_at, npmle
from outcomes.questions import estimate_relief
from outcomes.questions.relief_rows import build_rows
from support.first_world import DISCHARGED_A_VISIT, PLAN_DAYS, make_first_world
from tables import records_of

DAYS = [14, 28, 42]
TRUTH = np.array([0.31, 0.55, 0.64])
PADDED, COMPLETERS = 0.41, 0.90
NEAR_NAIVE, NEAR_TRUTH = 0.02, 0.04
# Few draws: the interval is not looked at here.
PROTOCOL = replace(Protocol(), inference=replace(Protocol().inference, bootstrap_draws=10))


class Clinic:
    """A drawn world, the episodes the package makes of its records, and the truth of the patients it follows.

    ``patient`` says which patient of the world each row of ``rows`` is.
    """

    def __init__(self, n, seed, **world):
        self.world = make_first_world(n, seed, **world)
        self.episodes = build_episodes(build_visits(records_of(self.world.cells), PROTOCOL))
        self.rows = build_rows(self.episodes)
        names = np.array(self.episodes.visits.labels["patient"].to_pylist())
        self.patient = np.char.lstrip(names[self.rows.patient], "p").astype(int)
        self.half_day = self.world.half_day[self.patient]
        self.true = (self.half_day[:, None] <= DAYS).mean(axis=0)


@lru_cache(maxsize=1)
def large_clinic():
    """One clinic: a share of one half has a standard error of .004."""
    return Clinic(20_000, seed=1)


def padded(rows, day):
    """Kaplan-Meier at the visit, everybody without relief kept at risk for 90 days after the last rating."""
    until = np.where(rows.seen, rows.right_days, rows.left_days + 90)
    return 1 - survival_at(kaplan_meier(until, rows.seen), day)[0][0]


def completers(clinic):
    """Share relieved at their last rating among episodes with a recorded discharge."""
    of_row = {name: clinic.episodes.columns[name][clinic.rows.episode] for name in ("end_reason", "status_last")}
    discharged = of_row["end_reason"] == END_REASONS.index("discharged")
    relieved = np.isin(of_row["status_last"], [STATUSES.index(word) for word in ("relieved", "resolved")])
    return relieved[discharged].mean()


def curve(rows):
    """The package's curve on `DAYS`."""
    return cdf_at(npmle(rows.left_days, rows.right_days), DAYS)[0]


def test_the_world_is_the_one_described():
    clinic = large_clinic()
    world, who = clinic.world, clinic.patient
    assert np.unique(who).size == who.size > 0.8 * world.left.size  # the others began within the washout
    np.testing.assert_array_equal(clinic.rows.left_days, world.left[who])
    np.testing.assert_array_equal(clinic.rows.right_days, world.right[who])
    assert (np.abs(clinic.true - TRUTH) < 3 * np.sqrt(TRUTH * (1 - TRUTH) / who.size)).all(), clinic.true
    seen = np.isfinite(world.right)
    assert abs((world.last_day == world.right)[seen].mean() - DISCHARGED_A_VISIT) < 0.02


def test_silent_stops_do_not_depend_on_the_course():
    """Of patients not relieved by a day, as many have stopped among those relieved soon after as among the others."""
    world = large_clinic().world
    later, soon = world.half_day > 28, world.half_day <= 56
    stopped = world.last_day < 14
    by_course = [stopped[later & soon], stopped[later & ~soon]]
    error = np.sqrt(sum(group.var() / group.size for group in by_course))
    assert abs(by_course[0].mean() - by_course[1].mean()) < 3 * error


def test_the_naive_answers_are_those_of_the_methods():
    clinic = large_clinic()
    assert abs(padded(clinic.rows, 42) - PADDED) < NEAR_NAIVE
    assert abs(completers(clinic) - COMPLETERS) < NEAR_NAIVE
    assert (clinic.half_day <= PLAN_DAYS).mean() < COMPLETERS - 0.15


def test_the_answer_given_is_near_the_truth():
    found = estimate_relief(large_clinic().episodes)
    table = found.table.set_index("horizon_days")
    answer = table.loc[DAYS, "estimate"].to_numpy()
    assert (np.abs(answer - large_clinic().true) < NEAR_TRUTH).all(), answer
    assert abs(found.summary["relief_at_last_visit_share"] - DISCHARGED_A_VISIT) < 0.02


def test_forty_clinics():
    clinics = [Clinic(600, seed) for seed in range(1000, 1040)]
    off = np.array([curve(clinic.rows) - clinic.true for clinic in clinics])
    error = off.std(axis=0, ddof=1) / np.sqrt(len(clinics))
    assert (np.abs(off.mean(axis=0)) + 2 * error < NEAR_TRUTH).all(), off.mean(axis=0)
    assert abs(np.mean([padded(clinic.rows, 42) for clinic in clinics]) - PADDED) < NEAR_NAIVE
    assert abs(np.mean([completers(clinic) for clinic in clinics]) - COMPLETERS) < NEAR_NAIVE


def test_it_is_the_stopping_that_misleads():
    """Where nobody stops in silence, each answer is near its own truth; the first is late by the wait for a visit."""
    clinic = Clinic(5_000, seed=2, stop_rate=0.0)
    assert (np.abs(curve(clinic.rows) - clinic.true) < NEAR_TRUTH).all()
    assert -0.06 < padded(clinic.rows, 42) - clinic.true[2] < 0
    # Everybody is discharged; a rare patient with quiet visits far apart is so in a second episode.
    last_day = clinic.world.last_day[clinic.patient]
    assert abs(completers(clinic) - (clinic.half_day <= last_day).mean()) < 1e-3
