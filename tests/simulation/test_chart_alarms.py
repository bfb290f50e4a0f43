"""How often a chart speaks of a stable process, and how often of a changed one.

The set-up behind the numbers of S10: a share of 60 % of 150 cases in each quarter, binomial, limits from all points of
the series. Our rule, limits fixed on the first 12 points, is the same for 12 quarters and gives other numbers for 20.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from outcomes.estimators.charts import p_chart, xmr_chart
from outcomes.estimators.cusum import risk_adjusted_cusum
from outcomes.estimators.vlad import vlad

CASES, SHARE = 150, 0.6


def near(value, target, runs, other_runs=np.inf):
    """Within four standard errors of a share from `runs` series, where the target is from `other_runs`."""
    return abs(value - target) <= 4 * np.sqrt(target * (1 - target) * (1 / runs + 1 / other_runs))


def quarters(generator, length, scatter=1.0, step=0.0, at=0):
    """Events per quarter; `scatter` times the binomial standard deviation, `step` added to the share from `at` on."""
    share = np.full(length, SHARE)
    share[at:] += step
    if scatter > 1:
        total = (CASES - 1) / (scatter**2 - 1) - 1
        share = generator.beta(share * total, (1 - share) * total)
    return generator.binomial(CASES, share)


@cache
def alarms(runs, length, scatter=1.0, step=0.0, at=0, since=0, seed=2026):
    """Share of series with a signal at position `since` or later, by kind of chart, and what Laney's rule did."""
    g = np.random.default_rng(seed)
    n = np.full(length, CASES)
    count = dict.fromkeys(
        ("p", "p all", "laney", "laney always", "xmr", "xmr all", "widened", "factor > 1", "naive"), 0
    )
    for _ in range(runs):
        x = quarters(g, length, scatter, step, at)
        charts = {
            "p": p_chart(x, n, laney=False),
            "p all": p_chart(x, n, laney=False, fix_points=length),
            "laney": p_chart(x, n),
            "laney always": p_chart(x, n, laney=True),
            "xmr": xmr_chart(x / n),
            "xmr all": xmr_chart(x / n, fix_points=length),
        }
        for kind, chart in charts.items():
            assert chart.segments[0].status == "fixed"
            count[kind] += bool((chart.signal[since:] != "").any())
        count["widened"] += charts["laney"].segments[0].widened
        count["factor > 1"] += charts["laney"].segments[0].factor > 1
        pooled = (x[1:] + x[:-1]) / (2 * CASES)
        z = np.diff(x) / CASES / np.sqrt(pooled * (1 - pooled) * 2 / CASES)
        count["naive"] += bool((np.abs(z) > 1.959963984540054).any())
    return {kind: hits / runs for kind, hits in count.items()}


# -- a stable share ---------------------------------------------------------------------------------------------------


def test_a_stable_share_of_twelve_quarters_in_short():
    found = alarms(500, 12)
    assert near(found["p"], 0.035, 500, 5000)
    assert near(found["xmr"], 0.07, 500, 5000)
    assert near(found["naive"], 0.39, 500, 5000)


@pytest.mark.slow
@pytest.mark.parametrize(("length", "p", "xmr", "naive"), [(12, 0.035, 0.07, 0.39), (20, 0.105, 0.15, 0.57)])
def test_false_alarms_of_s10_with_limits_from_all_points(length, p, xmr, naive):
    found = alarms(5000, length)
    assert near(found["p all"], p, 5000, 5000)
    assert near(found["xmr all"], xmr, 5000, 5000)
    # The usual test of each quarter against the one before says something else far more often.
    assert near(found["naive"], naive, 5000, 5000)
    assert found["naive"] > 5 * found["p all"] or length == 20
    assert found["naive"] > 3 * found["xmr all"]


@pytest.mark.slow
def test_false_alarms_with_limits_fixed_on_the_first_twelve():
    twelve, twenty = alarms(5000, 12), alarms(5000, 20)
    assert (twelve["p"], twelve["xmr"]) == (twelve["p all"], twelve["xmr all"])
    # Measured; the targets are from another seed.
    assert near(twenty["p"], 0.157, 5000, 5000)
    assert near(twenty["xmr"], 0.257, 5000, 5000)
    assert near(twelve["laney"], 0.024, 5000, 5000)
    assert near(twenty["laney"], 0.145, 5000, 5000)
    assert near(twenty["laney always"], 0.235, 5000, 5000)
    # Still fewer than the naive tests, and more than with limits from all points.
    assert twenty["p all"] < twenty["p"] < twenty["xmr"] < twenty["naive"]
    # The rule takes one stable series in twenty for over-dispersed; the factor alone would take nearly half.
    assert near(twelve["widened"], 0.047, 5000, 5000)
    assert 0.4 < twelve["factor > 1"] < 0.5


@pytest.mark.slow
@pytest.mark.parametrize(("length", "plain", "with_factor"), [(12, 0.37, 0.05), (20, 0.64, 0.27)])
def test_more_scatter_than_a_share_has(length, plain, with_factor):
    """At 1.5 times the binomial spread the plain p-chart takes chance for change; by default the factor is found."""
    found = alarms(1000, length, scatter=1.5)
    assert near(found["p"], plain, 1000, 1000)
    assert near(found["laney"], with_factor, 1000, 1000)
    assert found["laney"] < found["p"] / 2
    assert found["widened"] > 0.55
    assert alarms(500, length, scatter=2.0)["widened"] > 0.88


# -- a planted change -------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(("step", "least"), [(0.05, 0.60), (-0.05, 0.60), (0.10, 0.98), (-0.10, 0.98)])
def test_a_planted_step_after_twelve_quarters_is_found(step, least):
    found = alarms(500, 20, step=step, at=12, since=12)
    assert min(found["p"], found["laney"], found["xmr"]) > least
    # Measured on 1,000 series of another seed.
    if step == 0.05:
        assert near(found["p"], 0.714, 500, 1000)
        assert near(found["laney"], 0.701, 500, 1000)


@pytest.mark.slow
def test_a_step_inside_the_points_that_fix_the_limits_is_seen_less_often():
    found = alarms(1000, 12, step=0.15, at=6, since=6)
    assert near(found["p"], 0.897, 1000, 1000)
    assert near(found["laney"], 0.505, 1000, 1000)
    assert found["laney"] < found["xmr"] < found["p"]


# -- cumulative sums --------------------------------------------------------------------------------------------------


def draw(generator, runs, expected, ratio=1.0, at=0):
    """Outcomes, shape (runs, n), with odds `ratio` times those expected from case `at` on."""
    odds = expected / (1 - expected) * np.where(np.arange(expected.size) >= at, ratio, 1.0)
    return generator.random((runs, expected.size)) < odds / (1 + odds)


def first_above(outcomes, expected, limits):
    """First case at which Steiner's recursion is above either limit, shape (runs,); n where it never is."""
    runs, n = outcomes.shape
    expected = np.broadcast_to(expected, outcomes.shape)
    up, down, first = np.zeros(runs), np.zeros(runs), np.full(runs, n)
    for t in range(n):
        y, p = outcomes[:, t], expected[:, t]
        up = np.maximum(0, up + y * np.log(2) - np.log(1 + p))
        down = np.maximum(0, down - y * np.log(2) - np.log(1 - p / 2))
        hit = (up > limits[0] + 1e-7) | (down > limits[1] + 1e-7)
        first = np.where(hit & (first == n), t, first)
    return first


@pytest.mark.parametrize("alarm", [0.05, 0.2])
def test_the_sum_keeps_the_rate_asked_for(alarm):
    g = np.random.default_rng(5)
    expected = g.uniform(0.1, 0.8, 800)
    limits = risk_adjusted_cusum(np.zeros(800), expected, false_alarm=alarm, series=3999)
    fresh = first_above(draw(g, 4000, expected), expected, (limits.limit_up, limits.limit_down))
    assert near((fresh < 800).mean(), alarm, 4000, 3999)


def test_doubled_odds_are_found_soon():
    g = np.random.default_rng(6)
    expected = g.uniform(0.1, 0.8, 1000)
    one = risk_adjusted_cusum(np.zeros(1000), expected)
    limits = (one.limit_up, one.limit_down)
    for ratio in (2.0, 0.5):
        first = first_above(draw(g, 1000, expected, ratio, at=500), expected, limits)
        stable, found = first >= 500, (first >= 500) & (first < 1000)
        assert found.sum() / stable.sum() > 0.98
        assert 60 < np.median(first[found]) - 500 < 160  # measured: 111 and 127 cases
    # 1.3 times the odds is not what the sum is tuned to, and is often missed.
    first = first_above(draw(g, 1000, expected, 1.3, at=500), expected, limits)
    assert ((first >= 500) & (first < 1000)).mean() < 0.6


def test_expectations_from_the_same_cases_hide_changes():
    g = np.random.default_rng(7)
    expected = np.full(800, 0.4)
    one = risk_adjusted_cusum(np.zeros(800), expected, series=1999)
    limits = (one.limit_up, one.limit_down)
    changed = draw(g, 1000, expected, ratio=1.5, at=400)
    right = first_above(changed, expected, limits)
    fitted = first_above(changed, changed.mean(axis=1, keepdims=True), limits)
    # Measured in 2,000 series: 77 % and 24 %; and of those found by the wrong way, most in the calm half, as too few.
    assert near((right < 800).mean(), 0.7725, 1000, 2000)
    assert near((fitted < 800).mean(), 0.2435, 1000, 2000)
    assert np.median(right[right < 800]) > 400 > np.median(fitted[fitted < 800])


def test_expectations_from_few_other_cases_cost_false_alarms():
    g = np.random.default_rng(9)
    expected = np.full(800, 0.4)
    one = risk_adjusted_cusum(np.zeros(800), expected, series=1999)
    stable, rates = draw(g, 2000, expected), {}
    for others in (300, 1000):
        share = g.binomial(others, 0.4, (2000, 1)) / others
        rates[others] = (first_above(stable, share, (one.limit_up, one.limit_down)) < 800).mean()
    # Measured in 3,000 series with another seed: 14.9 and 7.7 %, where the expectation is known 5 %.
    assert near(rates[300], 0.149, 2000, 3000)
    assert near(rates[1000], 0.077, 2000, 3000)


def test_vlad_limits_of_the_whole_series_and_of_one_place():
    g = np.random.default_rng(8)
    expected = g.uniform(0.1, 0.8, 600)
    found = vlad(np.zeros(600), expected, series=3999)
    paths = np.cumsum(draw(g, 4000, expected) - expected, axis=1)
    outside = (paths > found.series_high + 1e-7) | (paths < found.series_low - 1e-7)
    assert near(outside.any(axis=1).mean(), 0.05, 4000, 3999)
    pointwise = (paths > found.high + 1e-7) | (paths < found.low - 1e-7)
    # At any one place 5 % or, the counts being whole, fewer; somewhere along the way many more.
    assert pointwise.mean(axis=0).max() < 0.05 + 4 * np.sqrt(2 * 0.05 * 0.95 / 4000)
    assert pointwise.any(axis=1).mean() > 0.25


@pytest.mark.parametrize(("length", "said"), [(12, 1 / 20), (20, 1 / 4)])
def test_the_page_says_how_often_chance_alone_signals_in_one_of_six_indicators(length, said):
    generator, runs = np.random.default_rng(20261126), 500
    hits = 0
    for _ in range(runs):
        events = generator.binomial(CASES, SHARE, (6, length)).astype(float)
        charts = [p_chart(row, np.full(length, float(CASES))) for row in events[:3]]
        charts += [xmr_chart(row / CASES) for row in events[3:]]
        hits += any(chart.signal[-1] != "" for chart in charts)
    assert near(hits / runs, said, runs)
