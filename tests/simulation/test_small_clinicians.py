"""Clinicians of few episodes, and one person under two codes, where habit and skill go together.

40 people treat at 8 clinics, 10 of them at two, half of their episodes at each. Who likes to give the treatment has
patients that are relieved faster (correlation .8), and the treatment does nothing. Skill is a matter of the person, not
of the clinic, so that a person under one code is compared with him or herself altogether, and under two codes clinic by
clinic, which takes episodes out of units and into pools.

Means over 1,000 practices (2026-11-27; standard errors .001 at 3,000 and 1,200 episodes, .002 at 400), and the share of
95 % intervals that hold 0:

=========  ============  ====================  ============  ============
episodes   unadjusted    pools, habit unknown  one code      two codes
=========  ============  ====================  ============  ============
400        .041  87.1 %  .044  89.6 %          .002  95.4 %  .003  95.8 %
1,200      .040  74.0 %  .014  93.1 %          .000  95.7 %  .001  96.0 %
3,000      .039  56.1 %  .001  96.2 %          .000  96.4 %  .000  96.4 %
=========  ============  ====================  ============  ============

The spread of the estimates of two codes is .99 to 1.01 times that of one.
"""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from outcomes.cases.clinicians import find_clinicians
from outcomes.estimators.overlap_relief import overlap_relief
from outcomes.questions.covariates import Block
from outcomes.questions.treating_units import find_units

PEOPLE, CLINICS, AT_TWO, DAY = 40, 8, 10, 28
NAMES = tuple(str(i) for i in range(PEOPLE))
TOGETHER, SD_HABIT, SD_SKILL = 0.8, 1.0, 0.5


def practice(n, rng):
    """n episodes: who treated, at which clinic, a recorded fact, the arm, and between which days relief came."""
    habit, own = rng.normal(size=(2, PEOPLE))
    skill = SD_SKILL * (TOGETHER * habit + math.sqrt(1 - TOGETHER**2) * own)
    home = np.arange(PEOPLE) % CLINICS
    away = (home + rng.integers(1, CLINICS, PEOPLE)) % CLINICS
    busy = rng.gamma(3, 1, PEOPLE)
    who = rng.choice(PEOPLE, n, p=busy / busy.sum())
    clinic = np.where((who < AT_TWO) & (rng.random(n) < 0.5), away[who], home[who])
    fact = rng.normal(size=n)
    arm = rng.random(n) < 1 / (1 + np.exp(-SD_HABIT * habit[who] - 0.5 * fact))
    time = rng.exponential(1 / (0.04 * rng.gamma(2, 0.5, n) * np.exp(skill[who] - 0.4 * fact)))
    visits = np.cumsum(rng.integers(1, 9, (n, 30)), axis=1).astype(float)
    visits[np.arange(30) >= np.minimum(rng.geometric(0.06, n) + 1, 30)[:, None]] = np.inf
    left = np.where(visits < time[:, None], visits, 0).max(axis=1)
    right = np.where(visits >= time[:, None], visits, np.inf).min(axis=1)
    return who, clinic, fact, arm, left, right


def units_of(who, clinic, arm, two_codes=True):
    """The units, a person at two clinics being taken for two, or, as the records cannot tell, for one."""
    columns = {"clinician": who.astype(np.int32), "clinic": clinic.astype(np.int32)}
    words = SimpleNamespace(codes={"clinician": NAMES, "clinic": tuple("ABCDEFGH")})
    visits = SimpleNamespace(columns=columns, words=words)
    visits.clinicians = found = find_clinicians(visits)
    if not two_codes:
        visits.clinicians = replace(found, names=NAMES, code=who.astype(np.intp), number=np.arange(PEOPLE))
    return find_units(SimpleNamespace(visits=visits), np.arange(arm.size), arm)


def compare(world, two_codes, draws, seed, habit=True):
    who, clinic, fact, arm, left, right = world
    units = units_of(who, clinic, arm, two_codes)
    kept = units.kept
    blocks = [fact[kept, None]]
    if len(units.names) > 1:
        blocks.append(Block.of(units.factor()).values)
    if habit:
        blocks += [block.values for block in units.habit_blocks(arm[kept])[0]]
    X = np.column_stack(blocks)
    return summary(overlap_relief(X, arm[kept], left[kept], right[kept], DAY, 1, draws=draws, seed=seed))


def unadjusted(world, draws, seed):
    *_, arm, left, right = world
    return summary(overlap_relief(np.zeros((arm.size, 0)), arm, left, right, DAY, 1, draws=draws, seed=seed))


def summary(found):
    return found.difference[0], found.difference_low[0] <= 0 <= found.difference_high[0]


def run(n, runs, draws, seed):
    """Estimates, and whether the interval holds 0, shape (runs, 4, 2): unadjusted, pools alone, one code, two codes."""
    rng, out = np.random.default_rng(seed), []
    for i in range(runs):
        world = practice(n, rng)
        ways = [
            compare(world, two_codes, draws, i, habit)
            for two_codes, habit in ((True, False), (False, True), (True, True))
        ]
        out.append([unadjusted(world, draws, i), *ways])
    return np.array(out)


def mean_and_error(estimates):
    return estimates.mean(axis=0), estimates.std(axis=0, ddof=1) / math.sqrt(len(estimates))


def test_a_slice():
    found = run(400, 60, 0, 1)[..., 0]
    # The habit takes away what the pools leave, practice by practice.
    mean, error = mean_and_error(found[:, 1] - found[:, 3])
    assert mean > 5 * error
    mean, error = mean_and_error(found[:, 3])
    assert abs(mean) < 2.5 * error


@pytest.mark.slow
@pytest.mark.parametrize("n", [400, 1_200, 3_000])
def test_a_treatment_that_does_nothing_shows_none_under_one_code_or_two(n):
    runs = 1_000
    found = run(n, runs, 60, 100 + n)
    mean, error = mean_and_error(found[..., 0])
    held = found[..., 1].mean(axis=0)
    assert mean[0] > 10 * error[0]
    assert (np.abs(mean[2:]) < 2.5 * error[2:]).all()
    assert held[2:] == pytest.approx(0.95, abs=0.02 + 1.5 * math.sqrt(0.95 * 0.05 / runs))
    # Two codes cost power, and little of it.
    assert found[:, 3, 0].std() < 1.1 * found[:, 2, 0].std()
    if n == 400:
        # Without the habit, pools of clinicians take nothing away of what is not the treatment.
        assert mean[1] > 0.8 * mean[0]
        assert held[1] < 0.93
