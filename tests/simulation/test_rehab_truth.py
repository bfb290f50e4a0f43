"""Exercise after relief, and return: what each way of looking finds in a world whose truth is known.

The expected numbers are those given beforehand (30 sets of 2,500 patients, risk of return within a year
0.377): hazard ratio 1.0: naive 0.73; hazard ratio 0.6: naive 0.45, landmark 0.75, time-varying 0.61, risks .267 and
.381 where the truth is .259 and .377. Those are themselves means of 30 sets, so they may be off by as much as these.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from outcomes.errors import InputRefused
from outcomes.simulate.returns_after_exercise import FOLLOWED_DAYS, RISK_WITHOUT_EXERCISE, simulate_exercise
from support.rehab_world import GRACE, answers

SETS = 30
NAIVE, LANDMARK, TIME_VARYING, START, NEVER = range(5)


def true_risk(hazard_ratio, start_day):
    """The share back within the year had all started on one day, or (``inf``) nobody."""
    before = min(start_day, FOLLOWED_DAYS)
    return 1 - (1 - RISK_WITHOUT_EXERCISE) ** ((before + hazard_ratio * (FOLLOWED_DAYS - before)) / FOLLOWED_DAYS)


@pytest.fixture(scope="module", params=[1.0, 0.6])
def found(request):
    """The hazard ratio, mean answers over the sets, and the standard errors of these means."""
    table = answers(SETS, request.param, first_seed=20260000)
    return request.param, table.mean(axis=0), table.std(axis=0, ddof=1) / math.sqrt(SETS)


def test_the_ways_of_looking(found):
    ratio, mean, error = found
    # Two means of as many sets differ by sqrt(2) standard errors of one.
    room = 3 * math.sqrt(2) * error
    if ratio == 1.0:
        assert mean[NAIVE] == pytest.approx(0.73, abs=room[NAIVE])
        assert 0.95 < mean[LANDMARK] < 1.05
        assert 0.95 < mean[TIME_VARYING] < 1.05
    else:
        for way, expected in ((NAIVE, 0.45), (LANDMARK, 0.75), (TIME_VARYING, 0.61), (START, 0.267), (NEVER, 0.381)):
            assert mean[way] == pytest.approx(expected, abs=room[way])
        # Late starters dilute the landmark, and do not dilute what follows every start.
        assert mean[LANDMARK] > mean[TIME_VARYING] + 3 * error[LANDMARK]


def test_ever_against_never_makes_an_effect_out_of_nothing(found):
    ratio, mean, error = found
    assert mean[NAIVE] < ratio - 0.1 - 3 * error[NAIVE]
    assert abs(mean[TIME_VARYING] - ratio) < 3 * error[TIME_VARYING] + 0.01


def test_cloned_risks_are_the_true_ones(found):
    ratio, mean, error = found
    # Who starts within grace does so on some day of it; the last is what the others are moved to.
    first, last = true_risk(ratio, 1), true_risk(ratio, GRACE)
    assert first - 3 * error[START] < mean[START] < last + 3 * error[START]
    assert mean[START] == pytest.approx({1.0: 0.377, 0.6: 0.259}[ratio], abs=3 * error[START])
    assert mean[NEVER] == pytest.approx(true_risk(ratio, math.inf), abs=3 * error[NEVER])


def test_the_world_is_as_planted():
    n = 200_000
    world = simulate_exercise(n, 1, 0.6)
    never = simulate_exercise(n, 1, 1.0)
    assert never["returned"].mean() == pytest.approx(0.377, abs=3 * math.sqrt(0.377 * 0.623 / n))
    assert world["returned"].mean() < never["returned"].mean()
    days, start = world["relief_to_return_days"], world["start_day"]
    assert (days.min(), days.max()) == (1, FOLLOWED_DAYS)
    assert start.min() == 1
    assert (start[np.isfinite(start)] < days[np.isfinite(start)]).all()
    assert (days[world["returned"] == 0] == FOLLOWED_DAYS).all()
    # Before the start nothing differs: who returned earlier under no effect returned then under any.
    early = days < np.minimum(start, GRACE)
    assert early.any()
    assert (never["relief_to_return_days"][early] == days[early]).all()
    assert true_risk(0.6, math.inf) == pytest.approx(0.377, abs=1e-12)
    assert true_risk(0.6, GRACE) == pytest.approx(0.258, abs=5e-4)
    for key, values in simulate_exercise(50, 3, 0.6).items():
        np.testing.assert_array_equal(values, simulate_exercise(50, 3, 0.6)[key])


@pytest.mark.parametrize("arguments", [(0, 1, 0.6), (10, 1, 0.0), (10, 1, math.nan), (10, 1, math.inf)])
def test_refusals(arguments):
    with pytest.raises(InputRefused):
        simulate_exercise(*arguments)
