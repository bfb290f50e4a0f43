"""Funnel limits and over-dispersion: by hand, against independent sums, invariants, false alarms, refusals."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from outcomes.errors import InputRefused, NotEstimable
from outcomes.estimators.funnel import LEAST_UNITS, LEVELS, funnel_limits, moment_variance, over_dispersion


def brute_limit(n: int, p: Fraction, a: Fraction) -> float:
    """The interpolated limit by summing exact fractions: no library, no rounding."""
    below = Fraction(0)
    for r in range(n + 1):
        own = comb(n, r) * p**r * (1 - p) ** (n - r)
        if below + own >= a:
            return float(min(max((r - (below + own - a) / own) / n, Fraction(0)), Fraction(1)))
        below += own
    raise AssertionError("the sum of all chances is 1")


# -- by hand ----------------------------------------------------------------------------------------------------------


def test_two_tosses_by_hand():
    # Bin(2, 1/2): 1/4, 1/2, 1/4. Tail .25 is met by r = 0 exactly: 0 of 2. Tail .75 by r = 1 exactly: 1 of 2.
    found = funnel_limits(2, 0.5, (0.5,))
    assert (found.low[0, 0], found.high[0, 0]) == pytest.approx((0.0, 0.5), abs=1e-12)
    # Tail .4 lies in r = 1: (1 - (.75 - .4) / .5) / 2 = .15; tail .6: (1 - (.75 - .6) / .5) / 2 = .35.
    found = funnel_limits(2, 0.5, (0.2,))
    assert (found.low[0, 0], found.high[0, 0]) == pytest.approx((0.15, 0.35), abs=1e-12)


@pytest.mark.parametrize("n", [1, 2, 7, 10, 30, 41, 114])
@pytest.mark.parametrize("p", [Fraction(1, 20), Fraction(3, 10), Fraction(1, 2), Fraction(61, 100), Fraction(97, 100)])
def test_limits_are_the_exact_sums(n, p):
    found = funnel_limits(n, float(p))
    tails = (Fraction(25, 1000), Fraction(1, 1000))
    for j, a in enumerate(tails):
        assert found.low[0, j] == pytest.approx(brute_limit(n, p, a), abs=1e-9)
        assert found.high[0, j] == pytest.approx(brute_limit(n, p, 1 - a), abs=1e-9)


def test_large_units_come_near_the_normal_limits():
    found = funnel_limits(1_000_000, 0.3)
    for j, level in enumerate(LEVELS):
        reach = norm.ppf(0.5 + level / 2) * np.sqrt(0.21 / 1_000_000)
        assert found.high[0, j] == pytest.approx(0.3 + reach, abs=2e-6)
        assert found.low[0, j] == pytest.approx(0.3 - reach, abs=2e-6)


def test_normal_limits_would_be_others_in_small_units():
    found = funnel_limits(30, 0.1, (0.998,))
    assert 0.1 - norm.ppf(0.999) * np.sqrt(0.09 / 30) < -0.05
    assert found.low[0, 0] == 0.0
    assert found.high[0, 0] - (0.1 + norm.ppf(0.999) * np.sqrt(0.09 / 30)) > 0.015


def test_sizes_between_whole_numbers_and_design_effects():
    ends = funnel_limits([40, 41], 0.3)
    assert funnel_limits(40.25, 0.3).high == pytest.approx(0.75 * ends.high[:1] + 0.25 * ends.high[1:], abs=1e-14)
    assert funnel_limits(80, 0.3, design_effect=2.0).high == pytest.approx(ends.high[:1], abs=1e-15)
    assert funnel_limits(1, 0.3, design_effect=3.0).high == pytest.approx(funnel_limits(1, 0.3).high, abs=1e-15)


# -- over-dispersion --------------------------------------------------------------------------------------------------


def test_over_dispersion_by_hand():
    # p = 1/2 and 25 episodes: s = .1. Shares .3 .4 .6 .7: z = -2 -1 1 2, phi = 10/4 without trimming.
    found = over_dispersion([0.3, 0.4, 0.6, 0.7], [25] * 4, 0.5)
    assert found.z == pytest.approx([-2, -1, 1, 2], abs=1e-12)
    assert found.phi == pytest.approx(2.5, abs=1e-12)
    # w = 100 each: (4 * 2.5 - 3) / (400 - 4 * 10000 / 400) = 7 / 300.
    assert found.tau2 == pytest.approx(7 / 300, abs=1e-14)
    assert not found.is_used


def test_a_tenth_is_winsorised_at_each_end():
    z = np.array([-9.0, -1, -1, -1, -1, 1, 1, 1, 1, 9])
    found = over_dispersion(0.5 + 0.1 * z, [25] * 10, 0.5)
    assert found.phi == pytest.approx(1.0, abs=1e-12)
    assert found.z == pytest.approx(z, abs=1e-12)
    assert over_dispersion(0.5 + 0.1 * z, [25] * 10, 0.5, trim=0.0).phi == pytest.approx((162 + 8) / 10, abs=1e-12)
    assert found.is_used
    # phi of 1 exceeds 9/10: a little is left, (10 - 9) / (1000 - 100).
    assert found.tau2 == pytest.approx(1 / 900, abs=1e-14)


def test_no_more_than_chance_gives_no_variance():
    assert over_dispersion([0.5, 0.51, 0.49], [25, 30, 40], 0.5).tau2 == 0.0


def test_widened_limits_are_the_formula_and_never_narrower():
    tau2 = 0.01
    plain, wide = funnel_limits([20, 200], 0.4), funnel_limits([20, 200], 0.4, tau2=tau2)
    reach = norm.ppf([0.975, 0.999]) * np.sqrt(0.24 / 200 + tau2)
    assert wide.high[1] == pytest.approx(0.4 + reach, abs=1e-12)
    assert wide.low[1] == pytest.approx(np.maximum(0.4 - reach, 0), abs=1e-12)
    tiny = funnel_limits([20, 200], 0.4, tau2=1e-9)
    for one in (wide, tiny):
        assert (one.high >= plain.high).all()
        assert (one.low <= plain.low).all()


def test_moment_variance_is_that_of_dersimonian_and_laird():
    w = np.array([3.0, 5.0, 11.0])
    assert moment_variance(w, 2.0) == pytest.approx(2.0 / (19 - (9 + 25 + 121) / 19), rel=1e-14)
    assert moment_variance(w, -1.0) == 0.0


# -- invariants -------------------------------------------------------------------------------------------------------


@given(st.integers(1, 400), st.floats(0.02, 0.98))
def test_limits_hold_the_target_nest_and_mirror(n, p):
    found, mirror = funnel_limits(n, p), funnel_limits(n, 1 - p)
    low, high = found.low[0], found.high[0]
    assert low[1] <= low[0] <= high[0] <= high[1]
    assert low[1] >= 0
    assert high[1] <= 1
    assert found.low[0, 0] <= p + 1 / n
    # Turning yes into no turns the funnel round, but for the one step of the interpolation.
    assert np.abs((1 - mirror.high[0]) - low).max() <= 1 / n + 1e-9


@given(st.permutations(range(12)))
def test_the_order_of_units_changes_nothing(order):
    share, size = np.linspace(0.3, 0.7, 12) ** 1.1, np.arange(20, 32)
    one, other = over_dispersion(share, size, 0.5), over_dispersion(share[list(order)], size[list(order)], 0.5)
    assert (one.phi, one.tau2) == (other.phi, other.tau2)
    assert (one.z[list(order)] == other.z).all()


# -- what the limits promise ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "p"), [(30, 0.5), (60, 0.2), (250, 0.6)])
def test_false_alarms_of_equal_units_are_no_more_than_promised(n, p):
    runs = 40_000
    share = np.random.default_rng(851).binomial(n, p, runs) / n
    found = funnel_limits(n, p)
    outside = ((share[:, None] < found.low) | (share[:, None] > found.high)).mean(axis=0)
    for seen, level in zip(outside, LEVELS, strict=True):
        wanted = 1 - level
        # A count can lie between the true tail and the interpolated limit: what is promised is the order of size.
        assert seen <= 1.45 * wanted + 4 * np.sqrt(wanted / runs)
        assert seen >= 0.3 * wanted


def test_without_the_design_effect_units_of_noisy_outcomes_raise_false_alarms():
    # Outcomes with mean p and 2.5 times the variance of yes and no, as pseudo-observations of relief have it.
    rng, p, n, runs = np.random.default_rng(7), 0.5, 120, 20_000
    share = p + rng.normal(0, np.sqrt(2.5 * 0.25 / n), runs)

    def outside(effect):
        found = funnel_limits(n, p, design_effect=effect)
        return ((share < found.low[0, 0]) | (share > found.high[0, 0])).mean()

    assert outside(1.0) > 0.18
    assert outside(2.5) == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / runs) + 0.006)


def test_over_dispersed_units_are_held_to_wider_limits():
    rng, alarms = np.random.default_rng(11), {0.0: [], 1.0: []}
    for _ in range(300):
        true = np.clip(rng.normal(0.5, 0.08, 40), 0.05, 0.95)
        share = rng.binomial(150, true) / 150
        found = over_dispersion(share, [150] * 40, share.mean())
        for used, kept in alarms.items():
            limits = funnel_limits(150, share.mean(), tau2=used * found.tau2)
            kept.append(((share < limits.low[0, 0]) | (share > limits.high[0, 0])).mean())
    assert np.mean(alarms[0.0]) > 0.25
    # Winsorising takes some of the spread away, so that more than 5 % lie outside (the module says a tenth).
    assert 0.05 < np.mean(alarms[1.0]) < 0.12


# -- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda: funnel_limits([10, 0], 0.5), "E851"),
        (lambda: funnel_limits(10, 0.0), "E852"),
        (lambda: funnel_limits(10, 61), "E852"),
        (lambda: funnel_limits(10, 0.5, (95,)), "E853"),
        (lambda: funnel_limits(10, 0.5, tau2=-1.0), "E854"),
        (lambda: funnel_limits(10, 0.5, design_effect=0.0), "E854"),
        (lambda: funnel_limits(10, 0.5, tau2=np.inf), "E854"),
        (lambda: funnel_limits(10, 0.5, design_effect=np.inf), "E854"),
        (lambda: over_dispersion([0.5, 0.5], [10, -1], 0.5), "E851"),
        (lambda: over_dispersion([0.5, 0.5], [10], 0.5), "E603"),
        (lambda: over_dispersion([0.5, 0.5], [10, 10], 0.5, trim=0.5), "E853"),
        (lambda: funnel_limits([np.nan], 0.5), "E604"),
    ],
)
def test_arguments_are_refused(call, code):
    with pytest.raises(InputRefused) as refusal:
        call()
    assert refusal.value.findings[0].code == code


def test_one_unit_has_no_dispersion():
    with pytest.raises(NotEstimable, match="at least two"):
        over_dispersion([0.5], [30], 0.5)
    assert LEAST_UNITS == 10
