"""The simultaneous band: its critical value against a simulated bridge, its coverage, and what it refuses."""

from __future__ import annotations

import math

import numpy as np
import pytest

from outcomes.errors import InputRefused, NotEstimable
from outcomes.estimators.curves import kaplan_meier, simultaneous_band
from outcomes.estimators.curves.band import critical_value


def exceeds(ratio, thresholds, paths, points, seed):
    """Share of Brownian bridges that, divided by their standard deviation, leave each threshold on a stretch.

    The stretch is symmetric around 1/2 and has the given ratio of odds. On a grid a path is seen at points only; the
    threshold is lowered by 0.5826 standard deviations of a step for that (Siegmund 1985, doi:10.1007/978-1-4757-1862-1,
    chapter 10).
    """
    log_odds = np.linspace(-math.log(ratio) / 2, math.log(ratio) / 2, points)
    x = 1 / (1 + np.exp(-log_odds))
    v = x / (1 - x)
    step = np.sqrt(np.diff(v, prepend=0.0))
    rng, largest = np.random.default_rng(seed), []
    for _ in range(paths // 500):
        bridge = (1 - x) * np.cumsum(rng.standard_normal((500, points)) * step, axis=1)
        largest.append(np.abs(bridge / np.sqrt(x * (1 - x))).max(axis=1))
    lowered = np.asarray(thresholds) - 0.5826 * math.sqrt(log_odds[1] - log_odds[0])
    return (np.concatenate(largest)[:, None] > lowered).mean(axis=0)


@pytest.mark.parametrize(("ratio", "seed"), [(81.0, 1), (1000.0, 2)])
def test_a_brownian_bridge_leaves_the_band_as_often_as_it_should(ratio, seed):
    levels, paths = [0.90, 0.95], 6000
    left = exceeds(ratio, [critical_value(level, ratio) for level in levels], paths, 1200, seed)
    for share, level in zip(left, levels, strict=True):
        assert abs(share - (1 - level)) < 3 * math.sqrt(level * (1 - level) / paths) + 0.004
    # The point-wise value is left far more often.
    assert exceeds(ratio, [1.959963984540054], 2000, 1200, seed)[0] > 0.3


def test_critical_value_solves_the_formula():
    c, ratio = critical_value(0.95, 81.0), 81.0
    density = math.exp(-c * c / 2) / math.sqrt(2 * math.pi)
    assert 4 * density / c + density * (c - 1 / c) * math.log(ratio) == pytest.approx(0.05, rel=1e-9)
    assert 1.96 < critical_value(0.95, 1.0) < c < critical_value(0.99, ratio)


def test_four_rows_by_hand():
    curve = kaplan_meier([1, 2, 3, 4], [1, 1, 1, 0])
    low, high = simultaneous_band(curve)
    # Relative variances 1/12, 1/12 + 1/6, 1/12 + 1/6 + 1/2.
    c = critical_value(0.95, 9.0)
    centre, width = math.log(-math.log(0.5)), c * math.sqrt(1 / 4) / math.log(0.5)
    assert low[1] == pytest.approx(math.exp(-math.exp(centre - width)), abs=1e-14)
    assert high[1] == pytest.approx(math.exp(-math.exp(centre + width)), abs=1e-14)


def test_stretch_and_invariants():
    rng = np.random.default_rng(4)
    time, end = np.ceil(rng.exponential(30, 200)), rng.integers(20, 90, 200)
    seen, event = np.minimum(time, end), time <= end
    curve = kaplan_meier(seen, event)
    low, high = simultaneous_band(curve, start=5.5, end=40)
    inside = ~np.isnan(low)
    assert curve.time[inside].tolist() == [t for t in curve.time if 5 <= t <= 40]  # the value at 5.5 is day 5's
    assert np.all(low[inside] < curve.conf_low[inside])
    assert np.all(high[inside] > curve.conf_high[inside])
    wider = simultaneous_band(curve)[0]
    assert np.all(wider[inside] < low[inside])
    tenfold = kaplan_meier(seen, event, np.full(200, 10.0))
    shift = [
        np.log(np.log(b) / np.log(a))
        for a, b in ((curve.survival, low), (tenfold.survival, simultaneous_band(tenfold, start=5.5, end=40)[0]))
    ]
    np.testing.assert_allclose(shift[0][inside], shift[1][inside] * math.sqrt(10), rtol=1e-9)
    shuffled = rng.permutation(200)
    again = simultaneous_band(kaplan_meier(seen[shuffled], event[shuffled]), start=5.5, end=40)
    np.testing.assert_array_equal(again[0], low)


def test_covers_the_whole_curve_as_often_as_it_says():
    rng, runs, n = np.random.default_rng(20260105), 1000, 200
    days = np.arange(5, 46)
    truth, held, held_pointwise = np.exp(-days / 40), 0, 0
    for _ in range(runs):
        time, end = np.ceil(rng.exponential(40, n)), rng.integers(10, 80, n)
        curve = kaplan_meier(np.minimum(time, end), time <= end)
        at = np.searchsorted(curve.time, days, side="right") - 1
        low, high = simultaneous_band(curve, start=5, end=45)
        held += bool(np.all((low[at] <= truth) & (truth <= high[at])))
        held_pointwise += bool(np.all((curve.conf_low[at] <= truth) & (truth <= curve.conf_high[at])))
    # Whole days are points, so the band may hold a little more often than its level; never less.
    tolerance = 3 * math.sqrt(0.95 * 0.05 / runs)
    assert 0.95 - tolerance < held / runs < 0.98 + tolerance / 2
    assert held_pointwise / runs < 0.85


@pytest.mark.parametrize(
    ("rows", "arguments", "error", "words"),
    [
        (([1, 2], [0, 0]), {}, NotEstimable, "no event"),
        (([1, 1], [1, 1]), {}, NotEstimable, "no event"),
        (([2, 3, 4], [1, 1, 0]), {"start": 1}, NotEstimable, "no event had happened"),
        (([2, 3, 4], [1, 1, 1]), {"end": 4}, NotEstimable, "reached 0"),
        (([2, 3, 4], [1, 1, 0]), {"end": 5}, NotEstimable, "nobody was observed"),
        (([2, 3, 4], [1, 1, 0]), {"start": 3, "end": 2}, NotEstimable, "before its start"),
        (([2, 3, 4], [1, 1, 0]), {"level": 95}, InputRefused, "E607"),
        (([2, 3, 4], [1, 1, 0]), {"start": float("nan")}, InputRefused, "E604"),
    ],
)
def test_refuses_by_name(rows, arguments, error, words):
    with pytest.raises(error, match=words):
        simultaneous_band(kaplan_meier(*rows), **arguments)


@pytest.mark.parametrize(("name", "value", "code"), [("start", "2", "E601"), ("end", [4], "E620"), ("end", 1j, "E601")])
def test_days_of_another_kind_are_refused_by_name(name, value, code):
    curve = kaplan_meier([2, 3, 4], [1, 1, 0])
    with pytest.raises(InputRefused, match=f"{code} {name}: "):
        simultaneous_band(curve, **{name: value})
    simultaneous_band(curve, start=2, end=3)
