"""Risk-adjusted sums and VLAD: by hand, an exact run-length distribution, invariants, order inside a day, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outcomes.errors import InputRefused, NotEstimable
from outcomes.estimators.cusum import risk_adjusted_cusum
from outcomes.estimators.vlad import vlad

LOG2 = np.log(2)


def some_cases(n, seed=0, ratio=1.0):
    g = np.random.default_rng(seed)
    p = g.uniform(0.1, 0.9, n)
    odds = ratio * p / (1 - p)
    return (g.random(n) < odds / (1 + odds)).astype(int), p


def plain_cusum(outcome, expected, ratio, limit_up, limit_down):
    """Steiner's two recursions, case by case, with a fresh start after a signal."""
    up = down = 0.0
    rows = []
    for y, p in zip(outcome, expected, strict=True):
        up = max(0.0, up + y * np.log(ratio) - np.log(1 - p + ratio * p))
        down = max(0.0, down - y * np.log(ratio) - np.log(1 - p + p / ratio))
        rows.append((up, down, int(up > limit_up) - int(down > limit_down)))
        up, down = (0.0 if up > limit_up else up), (0.0 if down > limit_down else down)
    return np.array(rows).T


# -- by hand ----------------------------------------------------------------------------------------------------------


def test_sums_by_hand():
    # p = 1/2, R = 2: up, an event scores log(2 / 1.5) and none log(1 / 1.5); down, log(0.5 / 0.75) and log(1 / 0.75).
    found = risk_adjusted_cusum([1, 1, 0, 0, 0], [0.5] * 5, series=99)
    a, b = np.log(4 / 3), np.log(2 / 3)
    assert found.up == pytest.approx([a, 2 * a, 2 * a + b, 0, 0], abs=1e-8)
    assert found.down == pytest.approx([0, 0, a, 2 * a, 3 * a], abs=1e-8)
    # The score of a case that was hardly to be expected is nearly the whole log of 2.
    found = risk_adjusted_cusum([1, 0], [0.001, 0.999], series=99)
    assert found.up == pytest.approx([np.log(2 / 1.001), max(0, np.log(2 / 1.001) - np.log(1.999))], abs=1e-8)
    assert found.down == pytest.approx([0, -np.log(0.001 + 0.999 / 2)], abs=1e-8)


@pytest.mark.parametrize("ratio", [1.5, 2.0, 4.0])
def test_as_the_recursion_case_by_case(ratio):
    y, p = some_cases(400, seed=4, ratio=3.0)
    found = risk_adjusted_cusum(y, p, odds_ratio=ratio, series=199)
    up, down, signal = plain_cusum(y, p, ratio, found.limit_up, found.limit_down)
    assert found.up == pytest.approx(up, abs=2e-8)
    assert found.down == pytest.approx(down, abs=2e-8)
    assert (found.signal == signal).all()
    # It did start again, more than once, so the comparison says something about that.
    assert np.count_nonzero(signal == 1) > 1
    assert found.first_signal == int(np.flatnonzero(signal)[0])
    # Without a fresh start the sum would go on above its limit: the naive count of signals is another.
    assert np.count_nonzero(plain_cusum(y, p, ratio, np.inf, np.inf)[0] > found.limit_up) > np.count_nonzero(signal)


def test_vlad_by_hand():
    found = vlad([1, 0, 1, 1], [0.5, 0.25, 0.125, 0.875], series=199)
    assert found.difference == pytest.approx([0.5, 0.25, 1.125, 1.25], abs=1e-15)
    assert (found.observed, found.expected) == (3, 1.75)
    # Of the first case alone, 0 or 1 event: 95 % of simulated series can only mean both.
    assert (found.low[0], found.high[0]) == (-0.5, 0.5)
    # Limits of the whole series are c times the spread; variances .25, .4375, .546875, .65625.
    spread = np.sqrt([0.25, 0.4375, 0.546875, 0.65625])
    assert found.series_high / spread == pytest.approx([found.series_high[0] / 0.5] * 4, abs=1e-12)
    assert (found.series_low == -found.series_high).all()


def test_the_spread_of_the_first_few_cases_has_a_floor():
    found = vlad([0] * 100, [0.5] * 100, series=199)
    assert found.series_high[:10] == pytest.approx([found.series_high[9]] * 10, abs=1e-12)
    assert found.series_high[99] / found.series_high[9] == pytest.approx(np.sqrt(10), abs=1e-12)
    assert (found.outside == -1).any()
    assert (found.outside[:5] == 0).all()


# -- reference answers: exact distributions ---------------------------------------------------------------------------


def exact_alarm(steps_up, p, n, limit):
    """Probability that a sum of steps +up (probability p) and -1, held at 0, is ever above `limit` within n steps."""
    top = int(limit)
    at = np.zeros(top + 1)
    at[0], gone = 1.0, 0.0
    for _ in range(n):
        new = np.zeros(top + 1)
        new[: top or None] += (1 - p) * at[1:] if top else 0
        new[0] += (1 - p) * at[0]
        for state, mass in enumerate(at):
            if state + steps_up > top:
                gone += p * mass
            else:
                new[state + steps_up] += p * mass
        at = new
    return gone


def test_the_limit_holds_its_rate_in_an_exact_chain():
    """With p = 2^(1/4) - 1 and R = 2 an event scores 3 units and none -1, the unit being log(2) / 4."""
    p, unit, n, series = 2**0.25 - 1, LOG2 / 4, 300, 1999
    found = risk_adjusted_cusum([0] * n, [p] * n, series=series, false_alarm=0.1)
    assert found.limit_up / unit == pytest.approx(round(found.limit_up / unit), abs=1e-6)
    limit = round(found.limit_up / unit)
    here, below = exact_alarm(3, p, n, limit), exact_alarm(3, p, n, limit - 1)
    # The up side gets about half of 0.1, less what is lost to ties; the limit one unit lower would give more.
    noise = 4 * np.sqrt(0.05 * 0.95 / series)
    assert here <= 0.05 + noise
    assert below >= 0.05 - noise
    assert here < below


def test_pointwise_limits_are_binomial():
    from scipy.stats import binom

    n, series = 60, 3999
    found = vlad([0] * n, [0.3] * n, series=series, seed=5)
    t = np.arange(1, n + 1)
    low, high = np.round(found.low + 0.3 * t), np.round(found.high + 0.3 * t)
    noise = 4 * np.sqrt(0.025 * 0.975 / series)
    assert (binom.cdf(low - 1, t, 0.3) <= 0.025 + noise).all()
    assert (binom.cdf(low, t, 0.3) >= 0.025 - noise).all()
    assert (binom.sf(high, t, 0.3) <= 0.025 + noise).all()
    assert (binom.sf(high - 1, t, 0.3) >= 0.025 - noise).all()


# -- invariants -------------------------------------------------------------------------------------------------------


@given(st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_order_inside_a_day_changes_no_bit(seed):
    y, p = some_cases(120, seed)
    day = np.sort(np.random.default_rng(seed + 1).integers(0, 30, 120))
    mixed = np.lexsort((np.random.default_rng(seed + 2).random(120), day))
    for estimate in (risk_adjusted_cusum, vlad):
        one = estimate(y, p, group=day, series=99, seed=3)
        two = estimate(y[mixed], p[mixed], group=day[mixed], series=99, seed=3)
        for name in type(one).__slots__:
            assert np.array_equal(getattr(one, name), getattr(two, name)), name


def test_groups_are_the_ends_of_the_case_by_case_sum():
    y, p = some_cases(90, 2)
    day = np.repeat(np.arange(30), 3)
    assert vlad(y, p, group=day, series=99).difference == pytest.approx(
        vlad(y, p, series=99).difference[2::3], abs=1e-12
    )
    assert risk_adjusted_cusum(y, p, group=day, series=99).up.size == 30
    # Only the ends are looked at: the limits are lower than those of every case.
    one, all_of_it = risk_adjusted_cusum(y, p, series=999), risk_adjusted_cusum(y, p, group=[1] * 90, series=999)
    assert all_of_it.limit_up < one.limit_up


@pytest.mark.parametrize("estimate", [risk_adjusted_cusum, vlad])
def test_the_other_outcome_swaps_the_sides(estimate):
    y, p = some_cases(200, 6)
    one, two = estimate(y, p, series=99), estimate(1 - y, 1 - p, series=99)
    if estimate is vlad:
        assert one.difference == pytest.approx(-two.difference, abs=1e-11)
    else:
        # With p replaced by 1 - p, odds twice as large are odds half as large of the other outcome.
        up = plain_cusum(1 - y, 1 - p, 2.0, two.limit_up, two.limit_down)[0]
        assert two.up == pytest.approx(up, abs=2e-8)
        plain = plain_cusum(y, p, 2.0, np.inf, np.inf)
        other = plain_cusum(1 - y, 1 - p, 2.0, np.inf, np.inf)
        assert plain[1] == pytest.approx(other[0], abs=1e-10)


@pytest.mark.parametrize("estimate", [risk_adjusted_cusum, vlad])
def test_same_seed_same_bits_other_seed_other_limits(estimate, monkeypatch):
    y, p = some_cases(300, 7)
    limit = "limit_up" if estimate is risk_adjusted_cusum else "series_high"
    one, other = estimate(y, p, series=199, seed=1), estimate(y, p, series=199, seed=2)
    assert not np.array_equal(getattr(one, limit), getattr(other, limit))
    # How many numbers are drawn at once is no part of the result.
    monkeypatch.setattr("outcomes.estimators.simulated_sums._CELLS", 1000)
    again = estimate(y, p, series=199, seed=1)
    for name in type(one).__slots__:
        assert np.array_equal(getattr(one, name), getattr(again, name)), name


def test_share_of_simulated_series_is_the_one_asked_for():
    y, p = some_cases(500, 8)
    for alarm in (0.01, 0.05, 0.2):
        found = risk_adjusted_cusum(y, p, series=999, false_alarm=alarm)
        assert found.simulated_alarm <= alarm
        assert found.simulated_alarm == pytest.approx(alarm, abs=0.004)


def test_a_stricter_rate_a_wider_limit():
    y, p = some_cases(500, 8)
    limits = [risk_adjusted_cusum(y, p, series=999, false_alarm=a).limit_up for a in (0.2, 0.05, 0.01)]
    assert limits == sorted(limits)
    assert len(set(limits)) == 3


def test_doubled_odds_are_found_and_the_way_is_said():
    for ratio, way in ((2.0, 1), (0.5, -1)):
        y, p = some_cases(1500, 9)
        later, q = some_cases(1500, 10, ratio=ratio)
        found = risk_adjusted_cusum(np.r_[y, later], np.r_[p, q])
        assert found.first_signal is not None
        assert 1500 <= found.first_signal < 2000
        assert found.signal[found.first_signal] == way
        assert vlad(np.r_[y, later], np.r_[p, q]).outside[-1] == way


# -- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("estimate", [risk_adjusted_cusum, vlad])
@pytest.mark.parametrize(
    ("code", "given_"),
    [
        ("E820", {"outcome": [0, 2]}),
        ("E820", {"outcome": [0, 0.5]}),
        ("E604", {"outcome": [0, np.nan]}),
        ("E821", {"expected": [0.0, 0.5]}),
        ("E821", {"expected": [0.5, 1.0]}),
        ("E603", {"expected": [0.5]}),
        ("E822", {"group": [2, 1]}),
        ("E603", {"group": [2]}),
        ("E823", {"series": 10}),
        ("E823", {"series": 99.5}),
        ("E824", {"seed": -1}),
        ("E824", {"seed": None}),
    ],
)
def test_refused(estimate, code, given_):
    with pytest.raises(InputRefused, match=code):
        estimate(**({"outcome": [0, 1], "expected": [0.5, 0.5]} | given_))


@pytest.mark.parametrize("ratio", [1, 0.5, -2, np.inf, None, "2"])
def test_an_odds_ratio_is_above_1(ratio):
    with pytest.raises(InputRefused, match="E825"):
        risk_adjusted_cusum([0, 1], [0.5, 0.5], odds_ratio=ratio)


def test_a_rate_is_a_share():
    with pytest.raises(InputRefused, match="E826"):
        risk_adjusted_cusum([0, 1], [0.5, 0.5], false_alarm=5)
    with pytest.raises(InputRefused, match="E607"):
        vlad([0, 1], [0.5, 0.5], level=95)
    # 1 % needs 199 simulated series: one in each tail.
    with pytest.raises(InputRefused, match="E823"):
        risk_adjusted_cusum([0, 1], [0.5, 0.5], false_alarm=0.01, series=198)
    assert risk_adjusted_cusum([0, 1], [0.5, 0.5], false_alarm=0.01, series=199).series == 199


@pytest.mark.parametrize("estimate", [risk_adjusted_cusum, vlad])
def test_no_cases(estimate):
    with pytest.raises(NotEstimable, match="no cases"):
        estimate([], [])
