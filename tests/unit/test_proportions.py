"""Shares: by hand, against published tables, under what must not matter, and by counting every outcome."""

from __future__ import annotations

import math
from decimal import Decimal, getcontext

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outcomes.errors import InputRefused, NotEstimable
from outcomes.estimators.means import clustered_mean
from outcomes.estimators.proportions import newcombe, wilson, wilson_clustered

Z = "1.9599639845400542355245944305205515279555500778"


def exact_wilson(x: int, n: int) -> tuple[float, float]:
    """The roots of (p - x/n)^2 = z^2 p (1 - p) / n with 40 digits."""
    getcontext().prec = 40
    z2, p = Decimal(Z) ** 2, Decimal(x) / n
    centre = p + z2 / (2 * n)
    half = ((p * (1 - p) / n + z2 / (4 * n * n)) * z2).sqrt()
    return float((centre - half) / (1 + z2 / n)), float((centre + half) / (1 + z2 / n))


def test_every_share_up_to_a_hundred():
    for n in range(1, 101):
        low, high = wilson(np.arange(n + 1), np.full(n + 1, n))
        expected = np.array([exact_wilson(x, n) for x in range(n + 1)])
        assert np.abs(np.c_[low, high] - expected).max() < 1e-12


@pytest.mark.parametrize(
    ("x", "n", "low", "high"),  # Newcombe 1998, doi:10.1002/(SICI)1097-0258(19980430)17:8<857::AID-SIM777>3.0.CO;2-E
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_as_published(x, n, low, high):
    found = wilson(x, n)
    assert (round(found[0][0], 4), round(found[1][0], 4)) == (low, high)


@pytest.mark.parametrize(
    ("counts", "low", "high"),  # Newcombe 1998, table II, method 10
    [((56, 70, 48, 80), 0.0524, 0.3339), ((9, 10, 3, 10), 0.1705, 0.8090), ((10, 10, 0, 20), 0.6791, 1.0)],
)
def test_newcombe_as_published(counts, low, high):
    _, found_low, found_high = newcombe(*counts)
    assert (round(found_low[0], 4), round(found_high[0], 4)) == (low, high)


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 400), st.integers(1, 400), st.data())
def test_mirror_images(n, m, data):
    x, y = data.draw(st.integers(0, n)), data.draw(st.integers(0, m))
    low, high = wilson(x, n)
    mirrored = wilson(n - x, n)
    assert low[0] == pytest.approx(1 - mirrored[1][0], abs=1e-14)
    assert 0 <= low[0] <= x / n <= high[0] <= 1
    there, back = newcombe(x, n, y, m), newcombe(y, m, x, n)
    assert there[1][0] == pytest.approx(-back[2][0], abs=1e-14)


def test_coverage_by_counting_every_outcome():
    n, shares = 50, np.linspace(0.02, 0.98, 49)
    x = np.arange(n + 1)
    low, high = wilson(x, np.full(n + 1, n))
    ways = np.array([math.comb(n, k) for k in x], dtype=float)
    chance = ways * shares[:, None] ** x * (1 - shares[:, None]) ** (n - x)
    covered = (chance * ((low <= shares[:, None]) & (shares[:, None] <= high))).sum(axis=1)
    # The score interval is right on average and never far off; the Wald interval is not (Agresti and Coull 1998).
    assert covered.mean() == pytest.approx(0.95, abs=0.01)
    assert covered.min() > 0.88
    se = np.sqrt(x / n * (1 - x / n) / n)
    wald = (np.abs(x / n - shares[:, None]) <= 1.96 * se) * chance
    assert wald.sum(axis=1).min() < 0.7


def test_one_observation_a_cluster_is_nearly_plain_wilson():
    share, low, high = wilson_clustered(np.repeat([1, 0], [30, 70]), np.ones(100))
    plain = wilson(30, 100)
    assert share == 0.3
    assert (low, high) == pytest.approx((plain[0][0], plain[1][0]), abs=2e-3)
    assert low <= plain[0][0]


def test_clusters_that_scatter_less_than_chance_narrow_nothing():
    # One visit of each two, in forty patients: no scatter between them at all.
    share, low, high = wilson_clustered(np.ones(40), np.full(40, 2))
    assert (share, low, high) == pytest.approx((0.5, *np.ravel(wilson(40, 80))), abs=1e-15)


def test_where_all_say_yes_a_cluster_counts_once():
    for size in (1, 4):
        share, low, high = wilson_clustered(np.full(30, size), np.full(30, size))
        assert (share, low, high) == pytest.approx((1.0, *np.ravel(wilson(30, 30))), abs=1e-15)


def test_clusters_that_agree_count_as_one_observation_each():
    # 20 patients with 10 visits each, all or none of them: 20 observations, not 200.
    events, n = np.repeat([10, 0], [8, 12]), np.full(20, 10)
    _, low, high = wilson_clustered(events, n)
    alone = wilson(8, 20)
    assert (low, high) == pytest.approx((alone[0][0], alone[1][0]), abs=0.02)
    naive = wilson(80, 200)
    assert high - low > 2.5 * (naive[1][0] - naive[0][0])


def test_clustered_limits_cover():
    rng, runs, clusters = np.random.default_rng(20260101), 1000, 80
    own = rng.beta(1.2, 1.8, (runs, clusters))
    n = rng.integers(1, 12, (runs, clusters))
    events = rng.binomial(n, own)
    found = [wilson_clustered(x, size) for x, size in zip(events, n, strict=True)]
    covered = np.mean([low <= 0.4 <= high for _, low, high in found])
    # Three standard errors of 1,000 runs, and one point because the interval is asymptotic in the clusters.
    assert abs(covered - 0.95) < 3 * math.sqrt(0.95 * 0.05 / runs) + 0.01
    naive = [wilson(x.sum(), size.sum()) for x, size in zip(events, n, strict=True)]
    assert np.mean([low[0] <= 0.4 <= high[0] for low, high in naive]) < 0.85


def test_mean_of_clusters():
    values, cluster = [1.0, 3.0, 5.0, 7.0], [0, 0, 1, 1]
    mean, low, high = clustered_mean(values, cluster)
    # totals 4 and 12 around 8: variance 2/1 * (16 + 16) / 16 = 4; t(1) at 97.5 % is 12.706
    assert mean == 4
    assert high - mean == pytest.approx(12.706204736432095 * 2, rel=1e-9)
    assert mean - low == pytest.approx(high - mean)
    assert math.isnan(clustered_mean([1.0, 2.0], [3, 3])[1])
    shuffled = clustered_mean([7.0, 1.0, 5.0, 3.0], [9, 4, 9, 4])
    assert shuffled == pytest.approx((mean, low, high))
    assert clustered_mean(values, [0, 1, 2, 3])[2] < high


@pytest.mark.parametrize(
    ("call", "arguments", "error", "code"),
    [
        (wilson, (-1, 5), InputRefused, "E621"),
        (wilson, (6, 5), InputRefused, "E622"),
        (wilson, (float("nan"), 5), InputRefused, "E604"),
        (wilson, ([1, 2], [5]), InputRefused, "E603"),
        (wilson, (0, 0), NotEstimable, "n is 0"),
        (wilson, (1, 5, 1.5), InputRefused, "E607"),
        (newcombe, (1, 5, 6, 5), InputRefused, "E622"),
        (newcombe, ([1, 2], [5, 5], [1], [5]), InputRefused, "E623"),
        (wilson_clustered, ([0], [0]), NotEstimable, "n is 0"),
        (clustered_mean, ([], []), NotEstimable, "no values"),
        (clustered_mean, ([1.0], [1, 2]), InputRefused, "E603"),
    ],
)
def test_refuses_by_name(call, arguments, error, code):
    with pytest.raises(error, match=code):
        call(*arguments)
