"""Overlap weights, balance and effective sample size: by hand, R's answers, invariants, refusals; and their logistic
regression, once and for many draws."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outcomes.errors import InputRefused, NotEstimable
from outcomes.estimators import logistic, orthogonal, weighting
from outcomes.estimators.logistic import fit_draws, fit_logistic
from outcomes.estimators.orthogonal import build_design, find_ends
from outcomes.estimators.row_codes import code_few_rows, code_rows
from outcomes.estimators.weighting import balance, compare_means, effective_sample_size, overlap_weights
from outcomes.questions.covariates import Block, Stack
from outcomes.selftest.stored import REFERENCE


@pytest.fixture(scope="module")
def birthwt():
    d = np.genfromtxt(REFERENCE / "data" / "birthwt.csv", delimiter=",", names=True)
    X = np.column_stack([d["age"], d["lwt"], d["race"] == 2, d["race"] == 3, d["ht"], d["ui"]])
    answers = json.loads((REFERENCE / "weighting.json").read_text(encoding="utf-8"))["birthwt"]
    return X.astype(float), d["smoke"], d["low"], answers


def confounded(n, seed, p=4):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    return X, (rng.random(n) < 1 / (1 + np.exp(-0.8 * X[:, 0] + 0.5 * X[:, 1]))).astype(int)


def table_of_two_strata():
    """Of x = 0 one in four is treated, of x = 1 three in four."""
    x = np.repeat([0.0, 1.0], 4)
    return x[:, None], np.array([1, 0, 0, 0, 1, 1, 1, 0])


# -- by hand ----------------------------------------------------------------------------------------------------------


def test_two_strata_by_hand():
    found = overlap_weights(*table_of_two_strata())
    # One binary column: the propensity is the share treated in its stratum, the coefficients logits of shares.
    assert found.propensity == pytest.approx([0.25] * 4 + [0.75] * 4, abs=1e-14)
    assert found.coef == pytest.approx([-np.log(3), 2 * np.log(3)], abs=1e-13)
    # Variances of logits: 1/1 + 1/3 of the first stratum, and both strata's together.
    assert found.std_err == pytest.approx(np.sqrt([4 / 3, 8 / 3]), abs=1e-13)
    assert found.weights == pytest.approx([0.75, 0.25, 0.25, 0.25, 0.25, 0.25, 0.25, 0.75], abs=1e-14)
    assert found.ess_treated == pytest.approx(1.5**2 / (0.75**2 + 3 * 0.25**2), abs=1e-13)
    assert found.ess_control == pytest.approx(found.ess_treated, abs=1e-13)


def test_balance_by_hand():
    X, treated = table_of_two_strata()
    found = balance(X, treated, overlap_weights(X, treated).weights)
    # Means 3/4 and 1/4; both sample variances are 1/4.
    assert found.before == pytest.approx([1.0], abs=1e-14)
    assert found.after == pytest.approx([0.0], abs=1e-14)
    equal = balance(X, treated, np.ones(8))
    assert equal.after == pytest.approx(equal.before, abs=1e-15)


def test_effective_sample_size_by_hand():
    assert effective_sample_size([2, 2, 2]) == pytest.approx(3)
    assert effective_sample_size([3, 1]) == pytest.approx(1.6)
    assert effective_sample_size([1, 0, 0]) == 1
    assert effective_sample_size([3e-90, 1e-90]) == pytest.approx(1.6)


# -- R ----------------------------------------------------------------------------------------------------------------


def test_birthwt_as_in_r(birthwt):
    X, smoke, low, answers = birthwt
    found = overlap_weights(X, smoke)
    for name in ("coef", "std_err", "propensity", "weights"):
        np.testing.assert_allclose(getattr(found, name), answers[name], rtol=0, atol=1e-12, err_msg=name)
    assert (found.ess_treated, found.ess_control) == pytest.approx(
        (answers["ess_exposed"], answers["ess_unexposed"]), abs=1e-11
    )
    both = balance(X, smoke, found.weights)
    np.testing.assert_allclose(both.before, answers["smd_before"], atol=1e-13)
    np.testing.assert_allclose(both.after, 0, atol=1e-13)
    for side, name in ((1, "risk_exposed"), (0, "risk_unexposed")):
        risk = np.average(low[smoke == side], weights=found.weights[smoke == side])
        assert risk == pytest.approx(answers[name], abs=1e-13)


# -- invariants -------------------------------------------------------------------------------------------------------


@given(st.integers(0, 10_000), st.integers(60, 200))
def test_weighted_means_are_equal(seed, n):
    X, treated = confounded(n, seed, 3)
    found = overlap_weights(X, treated)
    both = balance(X, treated, found.weights)
    assert np.abs(both.after).max() < 1e-11
    assert (found.weights > 0).all()
    assert (found.weights < 1).all()
    # The weights of both arms sum to the same, as the constant is balanced too.
    assert found.weights[treated == 1].sum() == pytest.approx(found.weights[treated == 0].sum(), rel=1e-11)


def test_row_order_units_and_doubled_rows():
    X, treated = confounded(300, 1)
    found = overlap_weights(X, treated)
    order = np.random.default_rng(2).permutation(300)
    np.testing.assert_allclose(overlap_weights(X[order], treated[order]).weights, found.weights[order], rtol=1e-12)
    moved = overlap_weights(X * [1, 1e-6, 1e6, 1] + [0, 0, 0, 1e5], treated)
    np.testing.assert_allclose(moved.weights, found.weights, rtol=1e-9)
    np.testing.assert_allclose(moved.coef[1:] * [1, 1e-6, 1e6, 1], found.coef[1:], rtol=1e-8)
    twice = overlap_weights(np.repeat(X, 2, axis=0), np.repeat(treated, 2))
    np.testing.assert_allclose(twice.coef, found.coef, rtol=1e-11)
    np.testing.assert_allclose(twice.std_err, found.std_err / np.sqrt(2), rtol=1e-11)
    assert twice.ess_treated == pytest.approx(2 * found.ess_treated)


def test_counted_is_row_by_row(monkeypatch):
    rng = np.random.default_rng(3)
    X = rng.integers(0, 3, (500, 3))
    treated = rng.random(500) < 0.2 + 0.2 * X[:, 0]
    assert code_few_rows(list(X.T), weighting._WORTH_COUNTING) is not None
    counted = overlap_weights(X, treated)
    monkeypatch.setattr(weighting, "_WORTH_COUNTING", 0.0)
    rows = overlap_weights(X, treated)
    np.testing.assert_allclose(counted.coef, rows.coef, rtol=1e-12)
    np.testing.assert_allclose(counted.std_err, rows.std_err, rtol=1e-12)
    np.testing.assert_allclose(counted.weights, rows.weights, rtol=1e-12)


def test_without_columns_all_have_the_same_propensity():
    found = overlap_weights(np.empty((5, 0)), [1, 1, 0, 0, 0])
    assert found.propensity == pytest.approx([0.4] * 5)
    assert found.ess_control == pytest.approx(3)


# -- refusals ---------------------------------------------------------------------------------------------------------


def test_refusals_name_the_column():
    X, treated = confounded(100, 4)
    with pytest.raises(InputRefused, match=r"E741 X\[:, 2\]"):
        overlap_weights(X * [1, 1, 0, 1], treated)
    with pytest.raises(InputRefused, match=r"E741 X\[:, 4\]: has one value only, to 12 digits"):
        overlap_weights(np.column_stack([X, np.where(X[:, 0] > 0, 0.1 + 0.2, 0.3)]), treated)
    assert overlap_weights(1e9 + (X[:, :1] > 0), treated).weights == pytest.approx(
        overlap_weights(X[:, :1] > 0, treated).weights, abs=1e-9
    )
    with pytest.raises(InputRefused, match=r"E742 X\[:, 3\]"):
        overlap_weights(np.column_stack([X[:, :3], 2 - X[:, 0] + X[:, 1]]), treated)
    with pytest.raises(InputRefused, match=r"E742 X\[:, 2\]"):
        overlap_weights(X[:3, :3], [0, 1, 0])
    with pytest.raises(InputRefused, match="E743"):
        overlap_weights(X, treated * 2)
    with pytest.raises(InputRefused, match=r"E604 X\[:, 1\]"):
        overlap_weights(np.where(np.arange(4) == 1, np.nan, X), treated)
    with pytest.raises(InputRefused, match="E603"):
        overlap_weights(X[:-1], treated)
    with pytest.raises(NotEstimable, match="none was"):
        overlap_weights(X, np.ones(100))
    with pytest.raises(NotEstimable, match="no rows"):
        overlap_weights(np.empty((0, 2)), [])


@pytest.mark.parametrize("kind", ["complete", "quasi", "far"])
def test_separation_is_refused_and_names_the_column(kind):
    X, treated = confounded(200, 5)
    column = {
        "complete": treated + 0.2 * X[:, 0].clip(-1, 1),
        # Whoever has the mark is treated; without it either may be.
        "quasi": ((np.arange(200) % 5 == 0) & (treated == 1)).astype(float),
        "far": 1e6 + 1e-3 * ((np.arange(200) % 5 == 0) & (treated == 1)),
    }[kind]
    with pytest.raises(NotEstimable, match=r"X\[:, 4\].*\(separation\)"):
        overlap_weights(np.column_stack([X, column]), treated)


def test_a_strong_but_overlapping_column_is_no_separation():
    rng = np.random.default_rng(6)
    x = rng.normal(size=4_000)
    treated = rng.random(4_000) < 1 / (1 + np.exp(-12 * x))
    found = overlap_weights(x[:, None], treated)
    assert found.propensity.min() < 1e-12
    assert found.coef[1] == pytest.approx(12, abs=4 * found.std_err[1])


def test_a_fit_that_does_not_converge_is_said(monkeypatch):
    monkeypatch.setattr(logistic, "_MAX_STEPS", 1)
    with pytest.raises(NotEstimable, match="did not converge"):
        overlap_weights(*confounded(100, 7))


def test_balance_refuses_what_has_no_spread_or_weight():
    X, treated = confounded(20, 8)
    with pytest.raises(InputRefused, match=r"E744 X\[:, 0\]"):
        balance(np.column_stack([treated, X]), treated, np.ones(20))
    with pytest.raises(InputRefused, match="E606"):
        balance(X, treated, -np.ones(20))
    with pytest.raises(NotEstimable, match="no weight"):
        balance(X, treated, treated)
    with pytest.raises(NotEstimable, match="one row only"):
        balance(X, np.arange(20) == 0, np.ones(20))
    with pytest.raises(NotEstimable, match="no weights above zero"):
        effective_sample_size([0, 0])
    with pytest.raises(InputRefused, match="E606"):
        effective_sample_size([1, -1])


@pytest.mark.parametrize("rows", [0, 1, 3, 4, 5, 8, 9, 129])
def test_ends_of_columns_are_those_of_all_their_parts(rows, monkeypatch):
    monkeypatch.setattr(orthogonal, "_HELD_AT_ONCE", 12)  # four rows of three
    table = np.random.default_rng(rows).normal(size=(rows, 3))
    low, high = find_ends(table)
    assert low.tolist() == table.min(axis=0, initial=np.inf).tolist()
    assert high.tolist() == table.max(axis=0, initial=-np.inf).tolist()


def test_means_are_compared_as_well_of_rows_put_together_when_they_are_asked_for(monkeypatch):
    monkeypatch.setattr(orthogonal, "_DESIGN_AT_ONCE", 1)
    rng = np.random.default_rng(4)
    flags, numbers, arm = rng.integers(0, 2, (500, 2)), 1e6 + rng.normal(size=(500, 1)), rng.random(500) < 0.4
    weights = rng.random(500)
    parts = (Block("a", "a", ("a", "b"), flags.astype(np.uint8)), Block("c", "c", ("c",), numbers))
    found = compare_means(Stack(parts, 500), arm.astype(float), weights)
    table = np.column_stack([flags, numbers])
    whole = balance(table, arm, weights)
    assert found.before.tolist() == whole.before.tolist()
    assert found.after.tolist() == whole.after.tolist()
    one, none = table[arm], table[~arm]
    spread = np.sqrt((one.var(axis=0, ddof=1) + none.var(axis=0, ddof=1)) / 2)
    assert found.before == pytest.approx((one.mean(axis=0) - none.mean(axis=0)) / spread, abs=1e-8)
    means = [np.average(table[side], axis=0, weights=weights[side]) for side in (arm, ~arm)]
    assert found.after == pytest.approx((means[0] - means[1]) / spread, abs=1e-8)


def test_columns_with_one_value_in_each_arm_differ_not_at_all_or_tell_the_arms_apart():
    arm = np.array([1.0, 1, 0, 0, 0])
    table = np.column_stack([np.full(5, 7.0), arm, [1.0, 2, 1, 2, 3]])
    found = compare_means(table, arm, np.ones(5))
    assert found.before[:2].tolist() == found.after[:2].tolist() == [0, np.inf]
    assert found.fixed.tolist() == [True, True, False]
    assert found.before[2] == pytest.approx(-0.5 / np.sqrt((0.5 + 1) / 2), abs=1e-15)
    # Nearly one value in each arm is no spread to measure by either.
    with pytest.raises(InputRefused, match=r"E744 X\[:, 0\]"):
        compare_means(1e6 + np.array([[1e-9], [0], [0], [0], [0]]), arm, np.ones(5))


# -- draws ------------------------------------------------------------------------------------------------------------


def test_rows_are_coded_by_content():
    columns = [np.array([2, 1, 2, 1, 1]), np.array([0.5, 7, 0.5, -3, 7])]
    first, place = code_rows(columns)
    assert place.tolist() == [2, 1, 2, 0, 1]
    assert first.tolist() == [3, 1, 0]
    assert code_few_rows(columns, 0.5) is None


def test_draws_are_the_fits_of_their_own_rows():
    X, treated = confounded(120, 9, 3)
    columns, ones = np.column_stack([np.ones(120), X]), np.ones(120)
    design = build_design(columns, ones)
    full = fit_logistic(design, treated.astype(float), ones)
    counts = np.random.default_rng(10).multinomial(120, np.full(120, 1 / 120), size=40)
    turned, reached = fit_draws(design, treated.astype(float), ones, counts, full.turned)
    assert reached.all()
    for coef, count in zip(design.to_coef(turned), counts, strict=True):
        rows = np.repeat(np.arange(120), count)
        np.testing.assert_allclose(coef, overlap_weights(X[rows], treated[rows]).coef, rtol=1e-9, atol=1e-9)


def test_draws_without_an_answer_are_told_from_those_that_lack_a_level():
    n = 60
    rare = (np.arange(n) < 4).astype(float)
    treated = (np.arange(n) % 2).astype(float)
    design = build_design(np.column_stack([np.ones(n), rare]), np.ones(n))
    full = fit_logistic(design, treated, np.ones(n))
    counts = np.ones((4, n), dtype=int)
    counts[1, :4] = 0  # nobody has the level
    counts[2, [0, 2]] = 0  # only treated have it
    counts[3, treated == 1] = 0  # one arm only
    turned, reached = fit_draws(design, treated, np.ones(n), counts, full.turned)
    assert reached.tolist() == [True, True, False, False]
    # Without the level the others keep the share of their own arm.
    assert 1 / (1 + np.exp(-(design.basis[10] @ turned[1]))) == pytest.approx(28 / 56, abs=1e-10)


def test_columns_nearly_alike_and_few_treated_are_fitted():
    """A year and its square differ by a thousandth of their length, and say what the square of a distance says."""
    rng = np.random.default_rng(0)
    year = rng.integers(2016, 2026, 1000).astype(float)
    few = (np.arange(1000) < 20).astype(float)
    for arm in (few, 1 - few):
        one = overlap_weights(np.column_stack([year, year**2]), arm)
        other = overlap_weights(np.column_stack([year, (year - 2020) ** 2]), arm)
        np.testing.assert_allclose(one.propensity, other.propensity, rtol=1e-6)
    copies = np.column_stack([year, year + 1e-6 * rng.normal(size=1000)])
    assert overlap_weights(copies, few).propensity.sum() == pytest.approx(20)
