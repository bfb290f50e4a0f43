"""Intervals from leaving out one group at a time: by hand, and what they refuse."""

from __future__ import annotations

import math

import numpy as np
import pytest

from outcomes.errors import InputRefused, NotEstimable
from outcomes.estimators.left_out import left_out_difference_limits, left_out_limits


def expit(x):
    return 1 / (1 + math.exp(-x))


def test_two_groups_by_hand():
    # Logits without either are log(2/3) and log(3/2): variance 1/2 (2 log(1.5)^2), and t with one degree is 12.7062.
    low, high = left_out_limits([0.5], [[0.4], [0.6]])
    half = 12.706204736432095 * math.log(1.5)
    assert (low[0], high[0]) == pytest.approx((expit(-half), expit(half)), rel=1e-10)


def test_three_groups_and_another_level_by_hand():
    # Without each: 1/3, 1/2, 2/3; logits -log 2, 0, log 2; variance 2/3 (2 log(2)^2); t of 90 %, two degrees: 2.91999.
    low, high = left_out_limits([0.5, 0.8], [[1 / 3, 0.8], [0.5, 0.8], [2 / 3, 0.8]], level=0.9)
    half = 2.919985580353726 * math.sqrt(4 / 3) * math.log(2)
    assert (low[0], high[0]) == pytest.approx((expit(-half), expit(half)), rel=1e-10)
    assert (low[1], high[1]) == pytest.approx((0.8, 0.8)), "groups that are all alike leave nothing to chance"


def test_a_share_of_none_or_all_has_no_limits():
    low, high = left_out_limits([0.0, 0.5, 0.5, 1.0], [[0.0, 0.0, 0.4, 1.0], [0.0, 0.6, 0.6, 0.9]])
    assert np.isnan(low).tolist() == np.isnan(high).tolist() == [True, True, False, True]


def test_the_order_of_groups_moves_no_bit():
    without = np.random.default_rng(1).uniform(0.2, 0.8, (40, 3))
    first, second = left_out_limits([0.5] * 3, without), left_out_limits([0.5] * 3, without[::-1])
    assert np.array_equal(first, second)


@pytest.mark.parametrize(
    ("share", "without", "code"),
    [
        ([1.2], [[0.5], [0.5]], "E639 share"),
        ([0.5], [[0.5], [-0.1]], "E639 without"),
        ([0.5, 0.5], [[0.5], [0.5]], "E603 without"),
        ([0.5], [[0.5], [float("nan")]], "without"),
    ],
)
def test_what_is_no_share_is_refused(share, without, code):
    with pytest.raises(InputRefused, match=code):
        left_out_limits(share, without)


def test_one_group_is_refused():
    with pytest.raises(NotEstimable, match="there is one"):
        left_out_limits([0.5], [[0.4]])


def test_limits_of_a_difference_by_hand():
    # Fisher's z of differences of tanh(.1), tanh(.2), tanh(.3) is .1, .2, .3: variance 2/3 of .02; t of two degrees.
    z = [math.tanh(value) for value in (0.1, 0.2, 0.3)]
    low, high = left_out_difference_limits([math.tanh(0.2), 0.0], [[one, 0.0] for one in z])
    half = 4.302652729911275 * math.sqrt(0.02 * 2 / 3)
    assert (low[0], high[0]) == pytest.approx((math.tanh(0.2 - half), math.tanh(0.2 + half)), rel=1e-10)
    assert (low[1], high[1]) == (0, 0)
    low, high = left_out_difference_limits([math.tanh(0.2)], [[one] for one in z], level=0.9)
    assert high[0] == pytest.approx(math.tanh(0.2 + 2.919985580353726 * math.sqrt(0.02 * 2 / 3)), rel=1e-10)


def test_arms_that_change_places_turn_the_limits_round():
    without = np.random.default_rng(2).uniform(-0.3, 0.3, (12, 4))
    low, high = left_out_difference_limits([0.05] * 4, without)
    back = left_out_difference_limits([-0.05] * 4, -without)
    assert np.allclose(low, -back[1], atol=1e-14) and np.allclose(high, -back[0], atol=1e-14)
    assert np.isnan(left_out_difference_limits([0.5], [[1.0], [0.2]])).all()
    with pytest.raises(InputRefused, match="E639"):
        left_out_difference_limits([0.5], [[1.1], [0.2]])
