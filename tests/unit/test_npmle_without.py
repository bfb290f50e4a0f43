"""The curve without one row, near the full one: against fits of their own, and where it must not answer."""

from __future__ import annotations

import numpy as np
import pytest

from interval_data import simulate
from outcomes.estimators import interval_pseudo as module
from outcomes.estimators.interval_pseudo import interval_pseudo
from outcomes.estimators.npmle import build_patterns, cdf_at, fit_patterns, npmle
from outcomes.estimators.npmle_without import drop_each
from outcomes.estimators.refits import Layout, refit

DAYS = np.array([3.0, 14.0, 28.0])


def known(left, right, days=DAYS):
    """Which patterns `_drop_each` answers for, and what."""
    patterns = build_patterns(left, right)
    layout = Layout.of(patterns, fit_patterns(patterns))
    share, is_known = np.full((patterns.left.size + 1, len(days)), np.nan), np.zeros(patterns.left.size + 1, dtype=bool)
    module._drop_each(layout, np.asarray(days, dtype=float), share, is_known)
    return patterns, share, is_known


@pytest.mark.parametrize("seed", range(4))
def test_most_patterns_of_many_rows_are_answered_and_as_by_fits_of_their_own(seed):
    left, right = simulate(900, seed)
    patterns, share, is_known = known(left, right)
    assert is_known.mean() > 0.4 and is_known[-1]
    alone = np.stack([module._fit_alone(patterns, count, DAYS) for count in _without_each(patterns)])
    # 900 times what is left over is far below what a regression on the values could see.
    np.testing.assert_allclose(share[is_known], alone[is_known], atol=1e-11)


def _without_each(patterns):
    counts = np.repeat(patterns.weight[None, :].astype(float), patterns.left.size + 1, axis=0)
    counts[np.arange(patterns.left.size), np.arange(patterns.left.size)] -= 1
    return counts


def test_two_ends_by_hand():
    # 30 by day 1, 20 by day 2, 10 not by then: the curve is 30/60 and 50/60; one less of each gives 29, 30, 30 of 59.
    left, right = np.repeat([0.0, 1, 2], [30, 20, 10]), np.repeat([1.0, 2, np.inf], [30, 20, 10])
    _, share, is_known = known(left, right, [1.0, 2.0])
    assert is_known.all()
    assert share[:, 0] == pytest.approx([29 / 59, 30 / 59, 30 / 59, 30 / 60], abs=1e-14)
    assert share[:, 1] == pytest.approx([49 / 59, 49 / 59, 50 / 59, 50 / 60], abs=1e-14)
    # 60 F - 59 F without: the outcome itself.
    values = interval_pseudo(left, right, [1.0, 2.0])
    np.testing.assert_allclose(values, np.repeat([[1, 1], [0, 1], [0, 0]], [30, 20, 10], axis=0), atol=1e-11)


def test_an_end_that_goes_with_its_row_is_left_to_the_other_way():
    left, right = simulate(200, 3)
    left, right = np.append(left, 5.5), np.append(right, 6.5)  # nobody else was seen on half days
    patterns, _, is_known = known(left, right)
    (mine,) = np.flatnonzero((patterns.left == 5.5) & (patterns.right == 6.5))
    assert not is_known[mine]


def drop(weight, mass, low, high, n_at=1):
    share = np.full((len(weight), n_at), np.nan)
    asked = (np.array(weight, float), np.array(mass, float), np.array(low), np.array(high))
    drop_each(*asked, np.arange(len(weight)), np.arange(1, n_at + 1), 1e-14, share)
    return share


def test_masses_that_occur_together_are_not_told_apart():
    # Both runs cover the intervals 0 and 1 or neither: nothing says how the mass is shared between them.
    assert np.isnan(drop([3, 2], [0.3, 0.3, 0.4], [0, 2], [1, 2])).all()


def test_a_mass_that_wants_below_0_is_not_answered():
    # One row alone puts its mass on the first interval; without it the mass is 0, which is a bound.
    share = drop([1, 40], [1 / 41, 40 / 41], [0, 1], [0, 1])
    assert np.isnan(share[0, 0])
    assert share[1, 0] == pytest.approx(1 / 40, abs=1e-13)


def test_where_the_intervals_with_mass_change_with_a_row_nothing_is_answered_and_what_is_answered_is_right():
    generator, seen = np.random.default_rng(5), 0
    for _ in range(40):
        left = generator.integers(0, 6, 30).astype(float)
        right = left + generator.integers(1, 5, 30)
        patterns, share, is_known = known(left, right, [3.0])
        alone = np.stack([module._fit_alone(patterns, count, np.array([3.0])) for count in _without_each(patterns)])
        np.testing.assert_allclose(share[is_known], alone[is_known], atol=1e-9)
        seen += int((~is_known).sum())
    assert seen > 40


def test_a_curve_of_many_steps_is_left_to_the_other_way():
    time = np.arange(1.0, 420.0)
    patterns, _, is_known = known(np.repeat(time, 2), np.repeat(time, 2), [100.0])
    assert patterns.left.size == 419 and not is_known.any()


def test_the_answers_do_not_depend_on_who_else_is_asked_for():
    left, right = simulate(300, 8)
    patterns = build_patterns(left, right)
    layout = Layout.of(patterns, fit_patterns(patterns))
    mass = refit(layout, patterns.weight[None, :], 1e-12)[0][0]
    weight = np.add.reduceat(patterns.weight[layout.by_run], layout.run_starts).astype(float)
    at, all_runs = np.array([2]), np.arange(weight.size)
    together, alone = np.full((weight.size, 1), np.nan), np.full((1, 1), np.nan)
    drop_each(weight, mass, layout.low, layout.high, all_runs, at, 1e-14, together)
    one = int(np.flatnonzero(~np.isnan(together[:, 0]))[-1])
    drop_each(weight, mass, layout.low, layout.high, np.array([one]), at, 1e-14, alone)
    assert alone[0, 0] == together[one, 0]


def test_the_definition_holds_for_a_thousand_rows():
    left, right = simulate(1000, 12)
    values, whole = interval_pseudo(left, right, DAYS), cdf_at(npmle(left, right), DAYS)[0]
    for i in range(0, 1000, 97):
        without = cdf_at(npmle(np.delete(left, i), np.delete(right, i)), DAYS)[0]
        # `npmle` stops at a gap of 1e-9, which a thousand rows multiply.
        np.testing.assert_allclose(values[i], 1000 * whole - 999 * without, atol=1e-5)
