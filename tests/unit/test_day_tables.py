"""Curves on tables of days: by hand, against the row-wise estimators, and at the ends of the sensitivity parameter."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from outcomes.errors import InputRefused, NotEstimable
from outcomes.estimators.day_tables import incidence_by_day, share_if_stopped
from outcomes.estimators.npmle import cdf_at, npmle


def test_incidence_of_six_rows_by_hand():
    # day 0: one stops (cause 2); day 1: one relieved (1), one censored; day 2: one relieved, one stops; day 3: censored
    leaving = np.array([[0, 0, 1], [1, 1, 0], [0, 1, 1], [1, 0, 0]], dtype=float)
    got = incidence_by_day(leaving)
    assert got[0] == pytest.approx([0, 5 / 6 / 5, 1 / 6 + 5 / 6 * 4 / 5 / 3, 1 / 6 + 5 / 6 * 4 / 5 / 3])
    assert got[1] == pytest.approx([1 / 6, 1 / 6, 1 / 6 + 5 / 6 * 4 / 5 / 3, 1 / 6 + 5 / 6 * 4 / 5 / 3])


def test_without_censoring_it_is_the_share_and_all_ends_add_to_one():
    rng = np.random.default_rng(1)
    leaving = rng.integers(0, 9, (40, 4)).astype(float)
    leaving[:, 0] = 0
    got = incidence_by_day(leaving)
    assert got == pytest.approx(np.cumsum(leaving[:, 1:], axis=0).T / leaving.sum(), abs=1e-12)
    assert got[:, -1].sum() == pytest.approx(1, abs=1e-12)


def test_one_cause_is_one_minus_kaplan_meier_and_two_are_not():
    rng = np.random.default_rng(2)
    leaving = rng.integers(1, 9, (30, 3)).astype(float)
    at_risk = np.cumsum(leaving.sum(axis=1)[::-1])[::-1]
    merged = np.column_stack([leaving[:, 0], leaving[:, 1:].sum(axis=1)])
    assert incidence_by_day(merged)[0] == pytest.approx(1 - np.cumprod(1 - merged[:, 1] / at_risk), abs=1e-12)
    as_censored = 1 - np.cumprod(1 - leaving[:, 1] / at_risk)
    assert as_censored[-1] > incidence_by_day(leaving)[0, -1] + 0.1


def test_a_stack_is_what_each_table_gives_alone():
    rng = np.random.default_rng(3)
    stack = rng.integers(0, 5, (6, 20, 3)).astype(float) + (np.arange(20) == 19)[:, None]
    np.testing.assert_array_equal(incidence_by_day(stack)[4], incidence_by_day(stack[4]))


def test_bad_tables_are_refused():
    with pytest.raises(InputRefused, match="E645"):
        incidence_by_day(np.array([[0.0, -1.0]]))
    with pytest.raises(NotEstimable, match="no weight"):
        incidence_by_day(np.zeros((3, 2)))


# -- those who stopped ------------------------------------------------------------------------------------------------


def test_four_rows_and_one_stop_by_hand():
    # Relief on day 1 and day 2, one seen to day 2, one stopped on day 0. Kaplan-Meier: h(1) = 1/3, h(2) = 1/2.
    fit = npmle([0, 1, 2, 0], [1, 2, np.inf, np.inf])
    share, stops, total = cdf_at(fit, [0, 1, 2])[0], np.array([1.0, 0, 0]), np.array(4.0)
    assert share == pytest.approx([0, 1 / 3, 2 / 3])
    assert share_if_stopped(share, stops, total, 0) == pytest.approx([0, 1 / 4, 2 / 4], abs=1e-9)
    assert share_if_stopped(share, stops, total, np.inf) == pytest.approx([0, 2 / 4, 3 / 4], abs=1e-9)
    # Twice the hazard: 2/3, then 1. Half of it: 1/6, then 1/4.
    assert share_if_stopped(share, stops, total, 2) == pytest.approx([0, (1 + 2 / 3) / 4, 3 / 4], abs=1e-9)
    by_half = 1 - 5 / 6 * 3 / 4
    assert share_if_stopped(share, stops, total, 0.5) == pytest.approx([0, (1 + 1 / 6) / 4, (2 + by_half) / 4])


def interval_data(n, seed):
    rng = np.random.default_rng(seed)
    time, day = rng.exponential(25, n), np.zeros(n)
    left, right, coming = np.zeros(n), np.full(n, np.inf), np.ones(n, dtype=bool)
    for _ in range(25):
        day = day + rng.integers(1, 9, n)
        seen = coming & (time <= day)
        right[seen] = day[seen]
        coming &= ~seen
        left[coming] = day[coming]
        coming &= rng.random(n) >= 0.15
    return left, right


def test_ratio_one_gives_the_curve_back_and_the_rest_is_ordered():
    left, right = interval_data(800, 4)
    share = cdf_at(npmle(left, right), np.arange(91))[0]
    stopped = np.isinf(right) & (np.arange(800) % 2 == 0)
    stops = np.bincount(left[stopped].astype(int), minlength=91)[:91].astype(float)
    lines = [share_if_stopped(share, stops, np.array(800.0), ratio) for ratio in (0, 0.5, 1, 2, np.inf)]
    assert lines[2] == pytest.approx(share, abs=1e-12)
    assert all((np.diff(line) > -1e-12).all() for line in lines)
    for lower, upper in itertools.pairwise(lines):
        assert (upper - lower > -1e-12).all()
    assert lines[-1][28] - lines[0][28] > 0.1


def test_none_of_the_stoppers_is_the_mean_of_what_each_row_says():
    # Row by row: a relieved row has its share of the curve inside its interval, a stopper has nothing after its stop.
    left, right = interval_data(300, 5)
    fit, days = npmle(left, right), np.arange(91)
    share = cdf_at(fit, days)[0]
    stopped = np.isinf(right)
    stops = np.bincount(left[stopped].astype(int), minlength=400)[:91].astype(float)
    by_row = np.zeros(91)
    for a, b in zip(left[~stopped], right[~stopped], strict=True):
        inside = (fit.left >= a) & (fit.right <= b)
        by_row += np.array([fit.mass[inside & (fit.right <= day)].sum() for day in days]) / fit.mass[inside].sum()
    assert share_if_stopped(share, stops, np.array(300.0), 0) == pytest.approx(by_row / 300, abs=1e-6)


def test_a_negative_ratio_is_refused():
    with pytest.raises(InputRefused, match="E646"):
        share_if_stopped(np.zeros(3), np.zeros(3), np.array(1.0), -1)


@pytest.mark.parametrize("ratio", [None, "1", [1.0], -1, np.nan, True])
def test_a_ratio_that_is_no_number_is_refused_by_name(ratio):
    with pytest.raises(InputRefused, match="E646 ratio: "):
        share_if_stopped([0.1, 0.2], [1.0, 1.0], 5.0, ratio)


@pytest.mark.parametrize("ratio", [0, 1, np.float64(2), np.inf])
def test_lists_are_tables(ratio):
    found = share_if_stopped([0.1, 0.2], [1, 1], 5, ratio)
    np.testing.assert_array_equal(found, share_if_stopped(np.array([0.1, 0.2]), np.ones(2), np.array(5.0), ratio))


@pytest.mark.parametrize(
    ("leaving", "refusal"),
    [
        ([[0.0, np.inf]], "E645 leaving"),
        ([[0.0, np.nan]], "E645 leaving"),
        ([["0", "1"]], "E601 leaving"),
        ([[0, 1], [1]], "E601 leaving"),
        ([[0, 1], [1, 0]], None),
    ],
)
def test_tables_that_hold_no_weights_are_refused_by_name(leaving, refusal):
    if refusal is None:
        assert incidence_by_day(leaving).tolist() == [[0.5, 0.5]]
        return
    with pytest.raises(InputRefused, match=f"{refusal}: "):
        incidence_by_day(leaving)
