"""Relief that is only known to lie between two visits: no single episode decides what is seen of a unit."""

from __future__ import annotations

import numpy as np
import pytest

from outcomes.errors import NotEstimable
from outcomes.estimators.interval_pseudo import interval_pseudo
from outcomes.estimators.npmle import cdf_at, npmle
from outcomes.questions.units import compare_units
from outcomes.questions.units_outcomes import build_unit_rows, check_held, smooth_pseudo
from support.small_practices import make_practice


@pytest.fixture(scope="module")
def practice():
    """Visits at habitual days: many look in on day 28, few just before."""
    return make_practice(3000, seed=11)


def furthest(values, count=10):
    """Share of the squares that the values furthest out hold."""
    squares = np.sort((values - values.mean()) ** 2)
    return squares[-count:].sum() / squares.sum()


@pytest.mark.parametrize("outcome", ["relieved", "resolved"])
def test_no_episode_decides_and_the_mean_is_the_curve(practice, outcome):
    rows = build_unit_rows(practice, outcome)
    values = rows.values()
    naive = interval_pseudo(rows.left_days, rows.right_days, [float(rows.day)])[:, 0]
    # 45 % and 3 % of the squares at relieved: that many look in on day 28, and one of them came on day 26 before.
    assert furthest(values) < 0.1 < 0.25 < furthest(naive)
    assert np.ptp(values) < 0.6 * np.ptp(naive)
    curve = cdf_at(npmle(rows.left_days, rows.right_days), float(rows.day))[0][0]
    assert values.mean() == pytest.approx(curve, abs=1e-12)
    assert compare_units(practice, outcome=outcome).summary["target"] == pytest.approx(curve, abs=1e-12)


def test_smoothed_values_by_hand():
    # Without anything censored the curve is that of counts, and a row's value is whether it had ended by the day.
    left, right = np.array([0.0, 10, 20, 30]), np.array([10.0, 20, 30, 40])
    # Days 21 to 35: the third has ended on 6 of 15; by day 28 half have, the mean over the days is 0.6.
    assert smooth_pseudo(left, right, 28).tolist() == pytest.approx([0.9, 0.9, 0.3, -0.1], abs=1e-9)
    assert smooth_pseudo(left, right, 28, window=0).tolist() == pytest.approx([1, 1, 0, 0], abs=1e-9)
    order = np.array([2, 0, 3, 1])
    assert smooth_pseudo(left[order], right[order], 28).tolist() == smooth_pseudo(left, right, 28)[order].tolist()


def test_a_few_episodes_that_would_decide_are_refused():
    values = np.array([0.0, 1.0] * 60)
    check_held(values, "relieved")
    check_held(np.repeat([0.0, 1.0], [80, 40]), "relieved")
    with pytest.raises(NotEstimable, match=r"'relieved': what is seen would hang on 10 episodes .* Silent stops"):
        check_held(np.append(values[1:], 5.0), "relieved")


def test_a_small_practice_is_not_compared_by_relief_and_is_by_stops():
    episodes = make_practice(130, seed=3)
    for outcome in ("relieved", "resolved"):
        with pytest.raises(NotEstimable, match="hang on 10 episodes"):
            compare_units(episodes, outcome=outcome)
    assert compare_units(episodes, outcome="silent_stop").summary["n"] > 100
