"""Least squares with a sandwich variance: by hand, against R and statsmodels, invariants, coverage, refusals."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outcomes.errors import InputRefused, NotEstimable
from outcomes.estimators.linear import linear_regression
from outcomes.selftest.stored import REFERENCE


@pytest.fixture(scope="module")
def answers():
    return json.loads((REFERENCE / "linear.json").read_text(encoding="utf-8"))


def rows(seed, n=120, p=3, clusters=25):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * [10.0 ** (j % 3 - 1) for j in range(p)]
    of = rng.integers(0, clusters, n)
    return X, X.sum(axis=1) + rng.normal(size=clusters)[of] + rng.normal(size=n) * (1 + (X[:, 0] > 0)), of


# -- by hand ----------------------------------------------------------------------------------------------------------


def test_two_means_by_hand():
    found = linear_regression([[0], [0], [1], [1]], [1, 3, 2, 8])
    # Means 2 and 5; residuals -1, 1, -3, 3. HC0 of a mean of two: sum of squares / 4; HC1 doubles it (n / (n - q) = 2).
    assert found.coef == pytest.approx([2, 3], abs=1e-14)
    assert found.std_err == pytest.approx([1, np.sqrt(2 * (2 / 4 + 18 / 4))], abs=1e-14)
    assert (found.df, found.n, found.clusters) == (2, 4, None)
    # Student's quantile at two degrees of freedom in closed form: (2 a - 1) sqrt(2 / (1 - (2 a - 1)^2)), a = 0.975.
    reach = 0.95 * np.sqrt(2 / (1 - 0.95**2)) * found.std_err
    assert found.low == pytest.approx(found.coef - reach, abs=1e-12)
    assert found.high == pytest.approx(found.coef + reach, abs=1e-12)
    # Its distribution as well: p = 1 - t / sqrt(2 + t^2).
    t = found.coef / found.std_err
    assert found.p_values == pytest.approx(1 - t / np.sqrt(2 + t**2), abs=1e-14)


def test_a_mean_by_cluster_by_hand():
    found = linear_regression(np.empty((5, 0)), [1, 2, 6, 4, 7], cluster=["a", "a", "b", "c", "c"])
    # Mean 4; totals of residuals -5, 2, 3; their squares over 25, times 3/2 * 4/4.
    assert found.coef == pytest.approx([4], abs=1e-14)
    assert found.covariance == pytest.approx(np.array([[1.5 * 38 / 25]]), abs=1e-14)
    assert (found.df, found.clusters) == (2, 3)


# -- other programs ---------------------------------------------------------------------------------------------------


def test_as_in_r(answers):
    # lm() and the formulas of the sandwich, written out in R: birth weights on what was known, by mother's age.
    d = np.genfromtxt(REFERENCE / "data" / "birthwt.csv", delimiter=",", names=True)
    X = np.column_stack([d["smoke"], d["lwt"], d["race"] == 2, d["race"] == 3, d["ht"]])
    for name, cluster in (("by_age", d["age"]), ("by_row", None)):
        found = linear_regression(X, d["low"], cluster)
        for field in ("coef", "std_err", "low", "high", "p_values", "covariance"):
            np.testing.assert_allclose(getattr(found, field), answers[name][field], rtol=1e-11, atol=1e-14)


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.integers(0, 4), st.booleans())
def test_as_in_statsmodels(seed, p, with_clusters):
    import statsmodels.api as sm

    X, y, of = rows(seed, p=p) if p else (np.empty((120, 0)), *rows(seed)[1:])
    design = sm.add_constant(X, has_constant="add") if p else np.ones((120, 1))
    how = {"cov_type": "cluster", "cov_kwds": {"groups": of}} if with_clusters else {"cov_type": "HC1"}
    theirs = sm.OLS(y, design).fit(use_t=True, **how)
    found = linear_regression(X, y, of if with_clusters else None)
    np.testing.assert_allclose(found.coef, theirs.params, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(found.covariance, theirs.cov_params(), rtol=1e-8, atol=1e-11)
    np.testing.assert_allclose(np.column_stack([found.low, found.high]), theirs.conf_int(), rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(found.p_values, theirs.pvalues, rtol=1e-7, atol=1e-11)


def test_as_gee_with_working_independence():
    import statsmodels.api as sm

    X, y, of = rows(5)
    theirs = sm.GEE(y, sm.add_constant(X), groups=of, cov_struct=sm.cov_struct.Independence()).fit()
    found = linear_regression(X, y, of)
    np.testing.assert_allclose(found.coef, theirs.params, rtol=1e-10)
    G, n, q = 25, 120, 4
    factor = G / (G - 1) * (n - 1) / (n - q)
    np.testing.assert_allclose(found.covariance, factor * theirs.cov_params(), rtol=1e-9)


# -- invariants -------------------------------------------------------------------------------------------------------


@given(st.integers(0, 10_000))
def test_row_order_names_and_units(seed):
    X, y, of = rows(seed)
    found = linear_regression(X, y, of)
    order = np.random.default_rng(seed).permutation(y.size)
    again = linear_regression(X[order], y[order], np.array([f"patient {i}" for i in of[order]]))
    np.testing.assert_allclose(again.coef, found.coef, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(again.covariance, found.covariance, rtol=1e-9, atol=1e-12)
    moved = linear_regression(X * [1, 1e-5, 1e5] + [1e3, 0, 0], 7 * y + 1e6, of)
    np.testing.assert_allclose(moved.coef[1:] * [1, 1e-5, 1e5], 7 * found.coef[1:], rtol=1e-8)
    np.testing.assert_allclose(moved.p_values[1:], found.p_values[1:], rtol=1e-6, atol=1e-14)


def test_a_row_of_its_own_is_a_cluster_and_doubled_rows_of_a_cluster_say_nothing_new():
    X, y, of = rows(3)
    alone, each = linear_regression(X, y), linear_regression(X, y, np.arange(y.size))
    for name in ("coef", "std_err", "low", "high", "p_values", "df"):
        np.testing.assert_array_equal(getattr(alone, name), getattr(each, name))
    once, twice = linear_regression(X, y, of), linear_regression(*(np.repeat(a, 2, axis=0) for a in (X, y, of)))
    factor = (2 * y.size - 1) / (2 * y.size - 4) / ((y.size - 1) / (y.size - 4))
    np.testing.assert_allclose(twice.covariance, factor * once.covariance, rtol=1e-10)
    assert twice.df == once.df == 24


def test_a_column_on_a_far_offset_keeps_its_digits():
    X, y, _ = rows(6)
    near, far = linear_regression(X, y), linear_regression(X + 2.0**30, y)
    np.testing.assert_allclose(far.coef[1:], linear_regression((X + 2.0**30) - 2.0**30, y).coef[1:], rtol=1e-9)
    np.testing.assert_allclose(far.std_err[1:], near.std_err[1:], rtol=1e-5)


# -- coverage ---------------------------------------------------------------------------------------------------------


def test_intervals_hold_the_truth_where_spread_differs_and_rows_hang_together():
    rng, runs = np.random.default_rng(20261125), 1000
    held, naive = np.zeros(3), np.zeros(3)
    of, truth = np.repeat(np.arange(60), 3), np.array([1.0, -0.5, 0.3])
    for _ in range(runs):
        X = np.column_stack([np.repeat(rng.integers(0, 2, 60), 3), rng.normal(size=180)])
        noise = np.repeat(rng.normal(size=60), 3) + (0.5 + X[:, 0]) * rng.normal(size=180)
        y = truth[0] + X @ truth[1:] + noise
        found, alone = linear_regression(X, y, of), linear_regression(X, y)
        held += (found.low <= truth) & (truth <= found.high)
        naive += (alone.low <= truth) & (truth <= alone.high)
    # Three standard errors of a share of 0.95.
    assert np.abs(held / runs - 0.95).max() < 0.0207
    assert (naive / runs)[1] < 0.85


# -- refusals ---------------------------------------------------------------------------------------------------------


def test_columns_are_refused_by_position():
    X, y, _ = rows(4)
    with pytest.raises(InputRefused, match=r"E761 X\[:, 1\]"):
        linear_regression(X * [1, 0, 1], y)
    # 0.1 + 0.2 and 0.3 are one value; without the refusal its coefficient was 5e15.
    for same in (np.where(X[:, 0] > 0, 0.1 + 0.2, 0.3), np.where(X[:, 0] > 0, -0.1 - 0.2, -0.3)):
        with pytest.raises(InputRefused, match=r"E761 X\[:, 3\]: has one value only, to 12 digits"):
            linear_regression(np.column_stack([X, same]), y)
    flag = (X[:, 0] > 0) * 1.0
    far = linear_regression(np.column_stack([X[:, 1:], 1e9 + flag]), y)
    assert far.coef[1:] == pytest.approx(linear_regression(np.column_stack([X[:, 1:], flag]), y).coef[1:], rel=1e-6)
    with pytest.raises(InputRefused, match=r"E762 X\[:, 3\]"):
        linear_regression(np.column_stack([X, 3 - X[:, 0] + 2 * X[:, 1]]), y)
    with pytest.raises(InputRefused, match=r"E762 X\[:, 3\]"):
        linear_regression(np.random.default_rng(0).normal(size=(4, 6)), y[:4])
    with pytest.raises(InputRefused, match=r"E763 X\[:, 0\]"):
        linear_regression(X * [1e101, 1, 1], y)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (([[1.0], [2.0], [4.0]], [1, 2]), InputRefused, "E603 X"),
        (([1, 2, 3], [1, 2, 3]), InputRefused, "E602 X"),
        (([[1], [np.nan], [2]], [1, 2, 3]), InputRefused, "E604"),
        (([[1], [2], [4]], [1, np.inf, 3]), InputRefused, "E605 y"),
        (([[1], [2], [4]], ["a", "b", "c"]), InputRefused, "E601 y"),
        (([[1], [2], [4]], [1e101, 0, 1]), InputRefused, "E763 y"),
        (([[1], [2], [4]], [1, 5, 3], [0, 1]), InputRefused, "E679 cluster"),
        (([[1], [2], [4]], [1, 5, 3], None, 95), InputRefused, "E607 level"),
        ((np.empty((0, 0)), []), NotEstimable, "no rows"),
        (([[1], [2]], [1, 5]), NotEstimable, "2 rows with 2 coefficients"),
        (([[1], [2], [4]], [1, 5, 3], [7, 7, 7]), NotEstimable, "one cluster"),
        (([[1], [2], [4]], [1, 2, 4]), NotEstimable, "exactly"),
        (([[1], [2], [4]], [0, 0, 0]), NotEstimable, "exactly"),
    ],
)
def test_refuses_by_name(arguments, error, words):
    with pytest.raises(error, match=words):
        linear_regression(*arguments)
