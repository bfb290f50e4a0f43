"""Pseudo-observations of the interval-censored curve: by hand, against the definition and other curves, invariants."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interval_data import simulate
from outcomes.errors import InputRefused, NotEstimable
from outcomes.estimators import interval_pseudo as module
from outcomes.estimators.curves import kaplan_meier, pseudo_observations, survival_at
from outcomes.estimators.interval_pseudo import interval_pseudo
from outcomes.estimators.npmle import cdf_at, npmle

DAYS = [3, 14, 28, 50]


def exact_or_censored(seed, n, censored=True):
    rng = np.random.default_rng(seed)
    time, event = rng.integers(1, 30, n).astype(float), rng.random(n) < (0.6 if censored else 2)
    event[np.argmax(time)] = True
    return time, event, np.where(event, time, np.inf)


def em_share(left, right, days, steps=5_000):
    """The lower count by self-consistency, on all pairs of ends: slow, and without anything of ours."""
    ends = np.unique(np.concatenate([left, right]))
    a, b = ends[:-1], ends[1:]
    inside = (left[:, None] <= a) & (b <= right[:, None])
    mass = np.full(a.size, 1 / a.size)
    for _ in range(steps):
        share = inside * mass
        mass = (share / share.sum(axis=1, keepdims=True)).mean(axis=0)
    return np.array([mass[b <= day].sum() for day in days])


# -- by hand ----------------------------------------------------------------------------------------------------------


def test_without_censoring_it_is_the_outcome_itself():
    time = [3, 1, 7, 5, 1]
    assert interval_pseudo(time, time, [1, 4]) == pytest.approx(
        np.array([[0, 1], [1, 1], [0, 0], [0, 0], [1, 1]]), abs=1e-12
    )


def test_everybody_looked_at_on_the_same_days_is_the_outcome_itself():
    left, right = [0, 7, 7, 14, 14, 14], [7, 14, 14, np.inf, np.inf, np.inf]
    assert interval_pseudo(left, right, 14)[:, 0] == pytest.approx([1, 1, 1, 0, 0, 0], abs=1e-12)


def test_four_rows_by_hand():
    # (0, 1], (0, 2], (1, 3], (2, inf]. Innermost: (0, 1], (2, 3]; F(1) = 1/2 maximises p^2 (1 - p)^2.
    left, right = [0, 0, 1, 2], [1, 2, 3, np.inf]
    # Without the first: innermost (1, 2], (2, 3]; rows p, 1, 1 - p: a (0, 2] row and (2, inf] beside (1, 3], p = 1/2,
    # counted at day 2. Without the second p (1 - p)^2, without the third p^2 (1 - p) on (0, 1], without the fourth
    # (0, 1] and (1, 2]: p times 1 times (1 - p) and nothing else.
    assert interval_pseudo(left, right, 1)[:, 0] == pytest.approx(
        4 * 0.5 - 3 * np.array([0, 1 / 3, 2 / 3, 1 / 2]), abs=1e-9
    )
    assert interval_pseudo(left, right, 2)[:, 0] == pytest.approx(
        4 * 0.5 - 3 * np.array([1 / 2, 1 / 3, 2 / 3, 1]), abs=1e-9
    )


def test_a_row_that_says_nothing_has_the_curve():
    left, right = simulate(60, 3)
    values = interval_pseudo(np.append(left, 0), np.append(right, np.inf), DAYS)
    np.testing.assert_allclose(values[-1], cdf_at(npmle(left, right), DAYS)[0], atol=1e-7)


# -- the definition ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
def test_agrees_with_fits_one_by_one(seed):
    n = 40
    left, right = simulate(n, seed, step=9)
    if seed % 2:
        left = np.where(np.isfinite(right) & (np.arange(n) % 3 == 0), right, left)
    values, whole = interval_pseudo(left, right, DAYS), cdf_at(npmle(left, right), DAYS)[0]
    without = np.stack([cdf_at(npmle(np.delete(left, i), np.delete(right, i)), DAYS)[0] for i in range(n)])
    # `npmle` stops at a gap of 1e-9, which n multiplies.
    np.testing.assert_allclose(values, n * whole - (n - 1) * without, atol=1e-6)
    # The mean is the jackknife's estimate, exactly n F - (n - 1) times the mean of the curves without a row.
    np.testing.assert_allclose(values.mean(axis=0), n * whole - (n - 1) * without.mean(axis=0), atol=1e-6)


def test_agrees_with_the_self_consistent_curve():
    left, right = simulate(10, 1, step=20, stop=0.3)
    values, n = interval_pseudo(left, right, [14, 28]), 10
    without = np.stack([em_share(np.delete(left, i), np.delete(right, i), [14, 28]) for i in range(n)])
    np.testing.assert_allclose(values, n * em_share(left, right, [14, 28]) - (n - 1) * without, atol=2e-3)


def test_joint_steps_that_get_stuck_give_the_same_answer_alone(monkeypatch):
    left, right = simulate(60, 5)
    values = interval_pseudo(left, right, DAYS)
    joint = module.refit
    monkeypatch.setattr(module, "refit", lambda *a: (*joint(*a)[:2], np.zeros(a[1].shape[0], dtype=bool)))
    np.testing.assert_allclose(interval_pseudo(left, right, DAYS), values, atol=1e-8)


# -- exact times: Kaplan-Meier ----------------------------------------------------------------------------------------


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.integers(3, 40))
def test_exact_times_are_the_delete_one_kaplan_meier(seed, n):
    time, event, right = exact_or_censored(seed, n)
    days = np.array([5.0, 12.0]).clip(max=time.max())
    values = interval_pseudo(time, right, days)

    def lost(keep):
        return 1 - survival_at(kaplan_meier(time[keep], event[keep]), days.clip(max=time[keep].max()))[0]

    everyone = np.arange(n)
    without = np.stack([lost(everyone != i) for i in everyone])
    # Without the last to be seen the curve ends earlier; both then count what had happened by its end.
    np.testing.assert_allclose(values, n * lost(everyone >= 0) - (n - 1) * without, atol=1e-9)


def test_the_infinitesimal_form_differs_by_order_one_over_n():
    time, event, right = exact_or_censored(8, 40)
    largest = []
    for copies in (1, 4):
        t, e, r = (np.tile(a, copies) for a in (time, event, right))
        largest.append(np.abs(1 - interval_pseudo(t, r, 15) - pseudo_observations(t, e, 15)).max())
    assert largest[0] > 1e-4
    assert largest[0] / largest[1] == pytest.approx(4, rel=0.2)
    time, event, right = exact_or_censored(9, 40, censored=False)
    np.testing.assert_allclose(interval_pseudo(time, right, 15), 1 - pseudo_observations(time, event, 15), atol=1e-9)


# -- invariants -------------------------------------------------------------------------------------------------------


@settings(max_examples=15)
@given(st.integers(0, 1000))
def test_row_order_and_blocks_change_nothing(seed):
    left, right = simulate(80, seed)
    values = interval_pseudo(left, right, DAYS)
    order = np.random.default_rng(seed).permutation(80)
    np.testing.assert_array_equal(interval_pseudo(left[order], right[order], DAYS), values[order])
    np.testing.assert_array_equal(interval_pseudo(left, right, DAYS[::-1]), values[:, ::-1])
    # Rows with one interval have one value.
    _, kind = np.unique(np.column_stack([left, right]), axis=0, return_inverse=True)
    for k in np.flatnonzero(np.bincount(kind.ravel()) > 1):
        assert np.ptp(values[kind.ravel() == k], axis=0).max() == 0


def test_one_fit_at_a_time_is_the_same(monkeypatch):
    left, right = simulate(150, 2)
    values = interval_pseudo(left, right, DAYS)
    monkeypatch.setattr(module, "_NUMBERS_AT_ONCE", 1)
    np.testing.assert_allclose(interval_pseudo(left, right, DAYS), values, atol=1e-8)


def test_another_unit_of_time():
    left, right = simulate(100, 4)
    np.testing.assert_allclose(
        interval_pseudo(left / 7, right / 7, np.array(DAYS) / 7), interval_pseudo(left, right, DAYS), atol=1e-12
    )


def test_the_mean_comes_near_the_curve():
    left, right = simulate(3000, 1)
    left, right = np.minimum(left, 84), np.where(right <= 84, right, np.inf)
    whole = cdf_at(npmle(left, right), [14, 28])[0]
    assert np.abs(interval_pseudo(left, right, [14, 28]).mean(axis=0) - whole).max() < 0.01


# -- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (([1, 5], [3, np.inf], 6), NotEstimable, "nobody was looked at that late"),
        (([1], [3], 1), NotEstimable, "two rows"),
        (([], [], 1), NotEstimable, "no rows"),
        (([1, 5], [np.inf, np.inf], 1), NotEstimable, "never seen"),
        (([-1, 5], [3, 7], 1), InputRefused, "E631 left"),
        (([4, 5], [3, 7], 1), InputRefused, "E632 left"),
        (([1, 5], [3], 1), InputRefused, "E603 right"),
        (([1, 5], [3, np.nan], 1), InputRefused, "E604 right"),
        (([1, 5], [3, 7], -1), InputRefused, "E614 at"),
        (([1, 5], [3, 7], np.inf), InputRefused, "E605 at"),
        (([1, 5], [3, 7], ["1"]), InputRefused, "E601 at"),
    ],
)
def test_refuses_by_name(arguments, error, words):
    with pytest.raises(error, match=words):
        interval_pseudo(*arguments)


def test_a_curve_that_has_reached_one_is_known_for_ever_and_no_days_give_no_columns():
    assert interval_pseudo([1, 2], [2, 4], 9)[:, 0] == pytest.approx([1, 1], abs=1e-12)
    assert interval_pseudo([1, 2, 3], [2, 4, np.inf], []).shape == (3, 0)
