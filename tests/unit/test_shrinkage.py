"""Shrinking several differences and q-values: by hand, against R, invariants, what they promise, refusals."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outcomes.errors import InputRefused, NotEstimable
from outcomes.estimators.shrinkage import benjamini_hochberg, shrink_effects
from outcomes.selftest.stored import REFERENCE

FIELDS = ("tau2", "estimate", "std_err", "low", "high", "Q", "df", "p_value")


@pytest.fixture(scope="module")
def answers():
    return json.loads((REFERENCE / "shrinkage.json").read_text(encoding="utf-8"))


# -- by hand ----------------------------------------------------------------------------------------------------------


def test_two_differences_by_hand():
    found = shrink_effects([0.0, 4.0], [1.0, 1.0])
    # Q = 4 + 4, one degree of freedom; sum w - sum w^2 / sum w = 2 - 1: tau2 = 7, seven eighths are kept.
    assert (found.Q, found.df, found.tau2) == pytest.approx((8, 1, 7), abs=1e-13)
    assert found.kept == pytest.approx([7 / 8, 7 / 8], abs=1e-14)
    assert found.estimate == pytest.approx([0, 3.5], abs=1e-14)
    assert found.std_err == pytest.approx(np.sqrt([7 / 8, 7 / 8]), abs=1e-14)
    assert found.high - found.estimate == pytest.approx(1.959963984540054 * found.std_err, abs=1e-13)
    assert found.low == pytest.approx(2 * found.estimate - found.high, abs=1e-14)


def test_the_less_certain_is_pulled_further():
    found = shrink_effects([3.0, 3.0, -3.0], [1.0, 2.0, 1.0])
    # Weights 1, 1/4, 1: mean 1/3, Q = (8/3)^2 (1 + 1/4) + (10/3)^2 = 20; divisor 9/4 - (33/16) / (9/4) = 4/3.
    assert pytest.approx(20, abs=1e-13) == found.Q
    assert found.tau2 == pytest.approx(18 * 3 / 4, abs=1e-13)
    assert found.kept == pytest.approx([13.5 / 14.5, 13.5 / 17.5, 13.5 / 14.5], abs=1e-14)


def test_no_more_than_chance_leaves_nothing():
    found = shrink_effects([0.1, -0.1, 0.05], [0.2, 0.2, 0.3])
    assert found.tau2 == 0
    for field in ("estimate", "std_err", "low", "high", "kept"):
        assert (getattr(found, field) == 0).all()
    assert found.df > found.Q
    # Equal differences far from 0 do not differ from each other: shrinking is meant for contrasts with the others.
    assert (shrink_effects([5.0, 5.0], [0.1, 0.1]).estimate == 0).all()


def test_q_values_by_hand():
    # Sorted 0.01, 0.03, 0.04: 3 * 0.01, 3/2 * 0.03, 0.04; the second may not exceed the third.
    assert benjamini_hochberg([0.04, 0.01, 0.03]) == pytest.approx([0.04, 0.03, 0.04], abs=1e-15)
    assert benjamini_hochberg([0.2, np.nan, None]) == pytest.approx([0.2, np.nan, np.nan], nan_ok=True)
    assert np.isnan(benjamini_hochberg([np.nan])).all()
    assert benjamini_hochberg([]).size == 0
    # Five were asked, three could be tested: 5 * 0.01, 5/2 * 0.03, 5/3 * 0.04.
    found = benjamini_hochberg([0.04, np.nan, 0.01, 0.03, np.nan], 5)
    assert found == pytest.approx([0.2 / 3, np.nan, 0.05, 0.2 / 3, np.nan], abs=1e-15, nan_ok=True)


# -- R ----------------------------------------------------------------------------------------------------------------


def test_as_in_r(answers):
    for one in answers["sets"]:
        found = shrink_effects(one["given"], one["std_err_given"])
        for field in FIELDS:
            np.testing.assert_allclose(getattr(found, field), one[field], rtol=1e-11, atol=1e-15, err_msg=field)
    assert {one["tau2"] > 0 for one in answers["sets"]} == {True, False}


def test_q_values_as_in_r(answers):
    for one in answers["q"]:
        p, q = (np.array(one[name], dtype=float) for name in ("p", "q"))
        np.testing.assert_allclose(benjamini_hochberg(p), q, rtol=1e-14, atol=0, equal_nan=True)


# -- invariants -------------------------------------------------------------------------------------------------------

effects = st.lists(st.tuples(st.floats(-2, 2), st.floats(0.05, 1)), min_size=2, max_size=12)


@given(effects, st.integers(0, 99), st.sampled_from([-1.0, 1e-60, 1e3, 1e80]))
def test_order_sign_and_unit(pairs, seed, unit):
    d, s = (np.array(x) for x in zip(*pairs, strict=True))
    found = shrink_effects(d, s)
    order = np.random.default_rng(seed).permutation(d.size)
    again = shrink_effects(unit * d[order], abs(unit) * s[order])
    np.testing.assert_allclose(again.estimate / unit, found.estimate[order], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(again.std_err / abs(unit), found.std_err[order], rtol=1e-7, atol=1e-9)
    assert pytest.approx(found.Q, rel=1e-9, abs=1e-11) == again.Q
    assert (np.abs(found.estimate) <= np.abs(d)).all()
    assert (found.std_err <= s).all()


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.integers(0, 99))
def test_q_values_keep_the_order_and_ignore_what_was_not_tested(values, seed):
    p, q = np.array(values), benjamini_hochberg(values)
    assert (q >= p).all()
    assert (np.diff(q[np.argsort(p, kind="stable")]) >= 0).all()
    order = np.random.default_rng(seed).permutation(p.size)
    np.testing.assert_array_equal(benjamini_hochberg(p[order]), q[order])
    np.testing.assert_array_equal(benjamini_hochberg(np.append(p, np.nan))[:-1], q)
    # A test left out counts as one that found nothing.
    np.testing.assert_array_equal(
        benjamini_hochberg(np.append(p, [np.nan, np.nan]), p.size + 2)[:-2],
        benjamini_hochberg(np.append(p, [1.0, 1.0]))[:-2],
    )


def test_one_certain_estimate_beside_very_uncertain_ones():
    found = shrink_effects([0.5, 1e25, -1e25], [1e-3, 1e25, 1e25])
    # Their weights are lost beside the first's in any difference of sums; the formula has a limit all the same.
    assert pytest.approx(2, rel=1e-12) == found.Q
    assert np.isfinite(found.tau2)


# -- what they promise ------------------------------------------------------------------------------------------------


def simulate_effects(k, tau, errors, runs, seed):
    """Share of shrunken limits that hold the truth; how far the largest lies above its truth, before and after."""
    rng = np.random.default_rng(seed)
    held, best, best_shrunken = 0.0, np.zeros(runs), np.zeros(runs)
    for run in range(runs):
        s = rng.uniform(*errors, k)
        truth = tau * rng.normal(size=k)
        d = truth + s * rng.normal(size=k)
        found = shrink_effects(d, s)
        held += ((found.low <= truth) & (found.high >= truth)).mean() / runs
        first, second = d.argmax(), found.estimate.argmax()
        best[run], best_shrunken[run] = d[first] - truth[first], found.estimate[second] - truth[second]
    return held, best, best_shrunken


def test_with_many_the_limits_hold_the_truth_and_the_luckiest_is_no_longer_too_good():
    held, best, best_shrunken = simulate_effects(300, 0.1, (0.05, 0.2), 300, 1)
    assert held == pytest.approx(0.95, abs=0.01)
    assert best.mean() > 0.2
    assert abs(best_shrunken.mean()) < 3 * best_shrunken.std() / np.sqrt(300)


@pytest.mark.parametrize(
    ("k", "tau", "errors"), [(30, 0.1, (0.05, 0.2)), (9, 0.1, (0.04, 0.08)), (9, 0.02, (0.04, 0.08))]
)
def test_with_few_the_limits_are_too_narrow_as_the_module_says(k, tau, errors):
    held, best, best_shrunken = simulate_effects(k, tau, errors, 1000, 1)
    assert held < 0.91
    # What is left of the luckiest is nearer the truth all the same.
    assert abs(best_shrunken.mean()) < 0.5 * best.mean()


def test_q_values_hold_the_false_discovery_rate():
    from scipy.special import ndtr

    rng, runs, k, true = np.random.default_rng(5), 4000, 12, 6
    share = np.zeros(runs)
    for run in range(runs):
        z = rng.normal(size=k) + np.where(np.arange(k) < true, 2.5, 0.0)
        found = benjamini_hochberg(2 * ndtr(-np.abs(z))) <= 0.2
        share[run] = found[true:].sum() / max(found.sum(), 1)
    # For independent tests it is the share of true nulls times the level, exactly.
    assert abs(share.mean() - 0.1) < 3 * share.std() / np.sqrt(runs)


# -- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (([1, 2], [1, 0]), InputRefused, "E764 std_err.*positions 1 "),
        (([1, 2], [1, -1]), InputRefused, "E764 std_err"),
        (([1, 2], [1]), InputRefused, "E603 std_err"),
        (([1, np.nan], [1, 1]), InputRefused, "E604 estimate"),
        (([1, 2], [1, np.inf]), InputRefused, "E605 std_err"),
        (([1, 1e101], [1, 1]), InputRefused, "E765 estimate"),
        (([1, 2], [1, 1e101]), InputRefused, "E765 std_err"),
        (([1, 2], [1e-60, 1e60]), InputRefused, "E765 std_err"),
        (([1, 2], [1e-120, 1e-119]), InputRefused, "E765 std_err"),
        (([1, 2], [1, 1], 95), InputRefused, "E607 level"),
        (([1], [1]), NotEstimable, "two estimates"),
        (([], []), NotEstimable, "two estimates"),
    ],
)
def test_refuses_by_name(arguments, error, words):
    with pytest.raises(error, match=words):
        shrink_effects(*arguments)


@pytest.mark.parametrize(
    ("p", "words"),
    [([0.5, 1.2], "E766 p_values"), ([-0.1], "E766"), (["a"], "E601"), ([[0.1]], "E602"), ([np.inf], "E766")],
)
def test_q_values_refuse(p, words):
    with pytest.raises(InputRefused, match=words):
        benjamini_hochberg(p)


def test_fewer_tests_asked_than_made_are_refused():
    with pytest.raises(InputRefused, match="E770 n_asked: is 1, and 2 tests"):
        benjamini_hochberg([0.1, 0.2, np.nan], 1)
