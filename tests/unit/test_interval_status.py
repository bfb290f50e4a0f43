"""The chance of an event by a day, given the interval it lies in."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outcomes.errors import InputRefused, NotEstimable
from outcomes.estimators.curves import kaplan_meier, survival_at
from outcomes.estimators.interval_status import interval_status
from outcomes.estimators.npmle import cdf_at, npmle


def test_by_hand():
    # Exact times 2, 4, 6 and one row last seen at 3: Kaplan-Meier 1/4, then 5/8, then 1. By day 4: 1, 1, 0 and
    # the row seen at 3: (5/8 - 1/4) / (1 - 1/4) = 1/2.
    found = interval_status([2, 4, 6, 3], [2, 4, 6, np.inf], 4)
    assert found == pytest.approx([1, 1, 0, 0.5])
    # Nothing known of a row: the curve itself.
    assert interval_status([2, 6, 0], [2, 6, np.inf], 4)[2] == pytest.approx(0.5)


rows = st.lists(st.tuples(st.integers(0, 20), st.one_of(st.integers(0, 15), st.none())), min_size=2, max_size=40)


@given(rows, st.integers(0, 30))
@settings(max_examples=150, deadline=None)
def test_the_mean_is_the_curve_and_order_moves_nothing(found, day):
    left = np.array([a for a, _ in found], dtype=float)
    right = np.array([np.inf if step is None else a + step for a, step in found])
    if np.isinf(right).all():
        with pytest.raises(NotEstimable):
            interval_status(left, right, day)
        return
    status = interval_status(left, right, day)
    assert ((status >= 0) & (status <= 1)).all()
    assert status.mean() == pytest.approx(cdf_at(npmle(left, right), day)[0][0], abs=1e-6)
    order = np.random.default_rng(1).permutation(left.size)
    assert interval_status(left[order], right[order], day) == pytest.approx(status[order], abs=1e-6)
    double = interval_status(np.tile(left, 2), np.tile(right, 2), day)
    assert double[: left.size] == pytest.approx(status, abs=1e-6)


def test_with_right_censoring_it_is_read_from_kaplan_meier():
    rng = np.random.default_rng(2)
    time, event = rng.integers(1, 60, 300).astype(float), rng.random(300) < 0.3
    status = interval_status(time, np.where(event, time, np.inf), 28)
    curve = kaplan_meier(time, event)
    at_28, own = (survival_at(curve, days)[0] for days in (28, time))
    own = np.maximum(own, 1e-9)
    expected = np.where(time <= 28, np.where(event, 1.0, 1.0 - at_28 / own), 0.0)
    assert status == pytest.approx(expected, abs=1e-9)
    # The naive share, of those known, is another.
    known = event | (time > 28)
    assert abs(event[known & (time <= 28)].sum() / known.sum() - status.mean()) > 0.03


def test_a_series_that_does_not_change_wanders_as_it_should():
    # Stable relief, visits at random days: the sums over 12 periods leave their limits in about 5 % of series.
    from outcomes.estimators.cumulative import cumulative_difference

    rng, alarms, runs = np.random.default_rng(9), 0, 200
    period = np.repeat(np.arange(12), 50)
    for _ in range(runs):
        event, first = rng.exponential(30, 600), rng.integers(3, 25, 600)
        second = first + rng.integers(5, 40, 600)
        left = np.where(event > second, second, np.where(event > first, first, 0)).astype(float)
        right = np.where(event > second, np.inf, np.where(event > first, second, first))
        status = interval_status(left, right, 28)
        alarms += cumulative_difference(status, np.zeros(600), period, series=399).beyond.any()
    assert abs(alarms / runs - 0.05) < 3.5 * np.sqrt(0.05 * 0.95 / runs)


@pytest.mark.parametrize("day", [-1, "x", [1, 2]])
def test_what_is_refused(day):
    with pytest.raises(InputRefused):
        interval_status([0, 1], [2, 3], day)
