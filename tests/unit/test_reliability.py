"""Spread between units and shrunken shares: by hand, independent formulas, invariants, simulation, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import expit, logit
from scipy.stats import norm

from outcomes.errors import InputRefused, NotEstimable
from outcomes.estimators.reliability import estimate_reliability, logit_variance, median_odds_ratio, needed_n

# -- by hand ----------------------------------------------------------------------------------------------------------


def test_two_units_by_hand():
    # 2 of 10 and 8 of 10: y = 1/2; within = (2 * .8 + 8 * .2) / 18 = 8/45; sum n (y_u - y)^2 = 1.8.
    found = estimate_reliability([2, 8], [10, 10])
    assert found.within == pytest.approx(8 / 45, abs=1e-14)
    # (1.8 - 8/45) / (20 - 200/20) = 73/450.
    assert found.tau2 == pytest.approx(73 / 450, abs=1e-14)
    assert found.icc == pytest.approx(73 / (73 + 80), abs=1e-14)
    assert found.rho == pytest.approx([73 / (73 + 8)] * 2, abs=1e-14)
    assert found.shrunken == pytest.approx([0.5 - 0.3 * 73 / 81, 0.5 + 0.3 * 73 / 81], abs=1e-14)
    assert found.needed_n == pytest.approx(7 / 3 * 80 / 73, abs=1e-12)


def test_shrunken_is_the_beta_binomial_posterior_mean():
    observed, n = np.array([30.0, 50, 70, 45]), np.array([100.0, 110, 120, 90])
    found = estimate_reliability(observed, n)
    prior = found.within / found.tau2
    a, b = prior * found.mean, prior * (1 - found.mean)
    assert found.shrunken == pytest.approx((a + observed) / (a + b + n), abs=1e-14)
    # The prior has the moments it was made from: a beta's variance is mean (1 - mean) / (a + b + 1).
    mean_square_within = a * b / ((a + b) * (a + b + 1))
    assert mean_square_within == pytest.approx(found.mean * (1 - found.mean) * prior / (prior + 1), abs=1e-14)


def test_needed_numbers_are_those_of_the_methods():
    assert [round(needed_n(icc)) for icc in (0.02, 0.03, 0.05, 0.10)] == [114, 75, 44, 21]
    for icc in (0.02, 0.10):
        n = needed_n(icc)
        assert icc / (icc + (1 - icc) / n) == pytest.approx(0.7, abs=1e-14)


def test_median_odds_ratio_by_hand():
    assert median_odds_ratio(0.0) == 1.0
    assert median_odds_ratio(0.5) == pytest.approx(np.exp(0.6744897501960817), rel=1e-14)
    # What it means: the median of exp|a - b| of two draws.
    draws = np.random.default_rng(3).normal(0, np.sqrt(0.3), (2, 200_000))
    assert np.median(np.exp(np.abs(draws[0] - draws[1]))) == pytest.approx(median_odds_ratio(0.3), rel=0.01)


# -- independent answers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("centre", "sd"), [(0.0, 0.5), (1.2, 0.3), (-2.0, 1.0), (0.4, 2.0)])
def test_logit_variance_takes_moments_back(centre, sd):
    mean = quad(lambda x: expit(x) * norm.pdf(x, centre, sd), centre - 10 * sd, centre + 10 * sd)[0]
    square = quad(lambda x: expit(x) ** 2 * norm.pdf(x, centre, sd), centre - 10 * sd, centre + 10 * sd)[0]
    assert logit_variance(mean, square - mean**2) == pytest.approx(sd**2, rel=1e-5)


def test_small_spreads_are_those_of_the_delta_rule():
    assert logit_variance(0.3, 1e-5) == pytest.approx(1e-5 / 0.21**2, rel=1e-3)
    # Of large ones the delta rule would say something else.
    assert logit_variance(0.3, 0.06) > 1.3 * 0.06 / 0.21**2


def test_a_spread_wider_than_any_normal_of_logits_is_the_widest():
    assert logit_variance(0.5, 0.24) == 144.0
    assert logit_variance(0.5, 0.2) < 100.0


def test_spread_is_the_mean_square_of_an_analysis_of_variance():
    rng = np.random.default_rng(8)
    n = 25
    yes = rng.random((12, n)) < rng.beta(4, 6, 12)[:, None]
    found = estimate_reliability(yes.sum(axis=1), [n] * 12)
    between = n * yes.mean(axis=1).var(ddof=1)
    within = yes.var(axis=1, ddof=1).mean()
    assert found.within == pytest.approx(within, abs=1e-13)
    assert found.tau2 == pytest.approx(max(0, (between - within) / n), abs=1e-13)


# -- invariants -------------------------------------------------------------------------------------------------------


@given(st.permutations(range(6)))
def test_the_order_of_units_changes_no_bit(order):
    observed, n = np.array([3.3, 17, 22.1, 9, 40, 0.7]), np.array([11, 40, 37.0, 25, 61, 10])
    one = estimate_reliability(observed, n, within=0.6)
    other = estimate_reliability(observed[list(order)], n[list(order)], within=0.6)
    assert (one.tau2, one.mean, one.icc) == (other.tau2, other.mean, other.icc)
    assert (one.shrunken[list(order)] == other.shrunken).all()


def test_yes_and_no_change_places():
    observed, n = np.array([3, 17, 22, 9]), np.array([11, 40, 37, 25])
    one, other = estimate_reliability(observed, n), estimate_reliability(n - observed, n)
    assert (one.tau2, one.tau2_logit) == pytest.approx((other.tau2, other.tau2_logit), rel=1e-9)
    assert one.shrunken == pytest.approx(1 - other.shrunken, abs=1e-12)


def test_no_more_than_chance_leaves_the_mean():
    found = estimate_reliability([10, 11, 10], [20, 22, 20])
    assert (found.tau2, found.icc, found.median_odds_ratio) == (0, 0, 1)
    assert (found.rho == 0).all()
    assert found.shrunken == pytest.approx([0.5] * 3, abs=1e-15)
    assert found.needed_n == np.inf


def test_real_outcomes_outside_0_and_1_are_taken_with_their_own_variance():
    found = estimate_reliability([-1.5, 14, 33], [12, 12, 30], within=0.66)
    assert np.isfinite(found.shrunken).all()
    assert found.shrunken[0] > -1.5 / 12


# -- simulation -------------------------------------------------------------------------------------------------------


def draw(rng, units, n, a, b):
    true = rng.beta(a, b, units)
    return true, rng.binomial(n, true), rng.binomial(n, true)


def test_reliability_is_the_correlation_of_two_samples():
    rng, n, units = np.random.default_rng(21), 60, 400
    correlations, said = [], []
    for _ in range(60):
        _, first, second = draw(rng, units, n, 12, 18)
        correlations.append(np.corrcoef(first, second)[0, 1])
        said.append(estimate_reliability(first, [n] * units).rho[0])
    truth = 0.24 / 31 / (0.24 / 31 + 0.24 * 30 / 31 / n)
    assert truth == pytest.approx(2 / 3, abs=1e-3)
    error = np.std(correlations) / np.sqrt(60) + np.std(said) / np.sqrt(60)
    assert np.mean(said) == pytest.approx(np.mean(correlations), abs=4 * error)
    assert np.mean(said) == pytest.approx(truth, abs=0.01)


def test_spread_is_estimated_without_bias_where_units_are_many():
    rng, found = np.random.default_rng(5), []
    n = rng.integers(15, 120, 150)
    for _ in range(200):
        _, observed, _ = draw(rng, 150, n, 6, 4)
        found.append(estimate_reliability(observed, n).tau2)
    truth = 0.24 / 11
    assert np.mean(found) == pytest.approx(truth, abs=4 * np.std(found) / np.sqrt(200))


def test_shrunken_shares_lie_nearer_to_the_truth():
    rng, raw, shrunken = np.random.default_rng(9), [], []
    for _ in range(100):
        true, observed, _ = draw(rng, 30, 25, 12, 18)
        raw.append(((observed / 25 - true) ** 2).mean())
        shrunken.append(((estimate_reliability(observed, [25] * 30).shrunken - true) ** 2).mean())
    assert np.mean(shrunken) < 0.65 * np.mean(raw)


def test_the_luckiest_of_equal_units_is_not_the_best():
    rng = np.random.default_rng(13)
    best, shown = [], []
    for _ in range(300):
        observed = rng.binomial(60, 0.6, 8)
        best.append(observed.max() / 60)
        shown.append(estimate_reliability(observed, [60] * 8).shrunken.max())
    assert np.mean(best) > 0.68  # the naive answer: 8 points above a truth of 60 %
    assert np.mean(shown) < 0.63


def test_logit_spread_of_a_random_intercept_model_is_recovered():
    rng, found = np.random.default_rng(17), []
    for _ in range(60):
        true = expit(rng.normal(logit(0.3), 0.6, 200))
        found.append(estimate_reliability(rng.binomial(80, true), [80] * 200).tau2_logit)
    assert np.mean(found) == pytest.approx(0.36, abs=4 * np.std(found) / np.sqrt(60) + 0.005)


# -- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda: estimate_reliability([1, 2], [10, 0]), "E855"),
        (lambda: estimate_reliability([1, 12], [10, 10]), "E856"),
        (lambda: estimate_reliability([1, 2], [10, 10], within=0.0), "E857"),
        (lambda: estimate_reliability([1, 2], [10, 10], tau2=-0.1), "E857"),
        (lambda: estimate_reliability([1, 2], [10]), "E603"),
        (lambda: needed_n(0.05, 70), "E858"),
        (lambda: needed_n(0.0), "E858"),
        (lambda: logit_variance(0.3, 0.21), "E859"),
        (lambda: median_odds_ratio(-1), "E857"),
    ],
)
def test_arguments_are_refused(call, code):
    with pytest.raises(InputRefused) as refusal:
        call()
    assert refusal.value.findings[0].code == code


@pytest.mark.parametrize(
    ("observed", "n", "words"),
    [
        ([3], [10], "at least two"),
        ([0, 0], [10, 10], "is 0 or 1"),
        ([10, 0], [10, 10], "one answer"),
        ([1, 0], [1, 1], "a single episode"),
    ],
)
def test_what_cannot_be_told(observed, n, words):
    with pytest.raises(NotEstimable, match=words):
        estimate_reliability(observed, n)
