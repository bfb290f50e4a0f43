"""Post-stratification, its intervals, and differences of estimates that have limits of their own."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import confint_proportions_2indep

from outcomes.errors import InputRefused, NotEstimable
from outcomes.estimators.post_strata import (
    build_strata,
    effective_number,
    expect,
    hybrid_difference,
    kish_effect,
    move_limits,
    post_weights,
    weighted_wilson,
)
from outcomes.estimators.proportions import newcombe, wilson, wilson_clustered

Z = NormalDist().inv_cdf(0.975)

# -- strata ------------------------------------------------------------------------------------------------------------


def test_thin_strata_lose_their_finest_level_first():
    # Group rows by (severity, region): (0,0) 3, (0,1) 1, (0,2) 1, (1,0) 1; least 2.
    severity = [0, 0, 0, 0, 0, 1, 0, 1, 0]
    region = [0, 0, 0, 1, 2, 0, 3, 0, 1]
    group = [1, 1, 1, 1, 1, 1, 0, 0, 0]
    strata = build_strata([severity, region], group, 2)
    # (0,0) stays; (0,1), (0,2) and the pool's (0,3) are joined as "severity 0, thin regions".
    assert len({strata[i] for i in (0, 1, 2)}) == 1
    assert len({strata[i] for i in (3, 4, 6, 8)}) == 1
    assert strata[3] != strata[0]
    # Severity 1 has one row of the group: with nothing to join it goes to the largest stratum.
    assert strata[5] == strata[7] == strata[0]


def test_a_small_group_has_one_stratum():
    assert set(build_strata([[0, 1, 0], [0, 0, 1]], [1, 1, 0], 5)) == {0}


levels = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(0, 4), st.booleans()), min_size=1)


@given(levels, st.integers(1, 6))
@settings(max_examples=150, deadline=None)
def test_every_stratum_holds_enough_rows_of_the_group(rows, least):
    *codes, group = (np.array(column) for column in zip(*rows, strict=True))
    if not group.any():
        with pytest.raises(NotEstimable, match="no rows"):
            build_strata(codes, group, least)
        return
    strata = build_strata(codes, group, least)
    held = np.bincount(strata[group], minlength=strata.max() + 1)
    assert held.size == 1 or held.min() >= least
    weight = post_weights(strata, group)
    assert weight.mean() == pytest.approx(1.0)
    pool = np.bincount(strata) / strata.size
    assert np.bincount(strata[group], weights=weight) / weight.sum() == pytest.approx(pool)


@given(levels, st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_the_order_of_rows_moves_nothing(rows, random):
    *codes, group = (np.array(column) for column in zip(*rows, strict=True))
    if not group.any():
        return
    order = np.array(random.sample(range(group.size), group.size))
    strata = build_strata(codes, group, 2)
    assert (build_strata([code[order] for code in codes], group[order], 2) == strata[order]).all()


def test_what_strata_refuse():
    for levels_, message in (([], "E831"), ([[0, -1]], "E832"), ([[0]], "E603")):
        with pytest.raises(InputRefused, match=message):
            build_strata(levels_, [1, 1], 1)
    with pytest.raises(InputRefused, match="E833"):
        build_strata([[0, 1]], [1, 1], 0)
    with pytest.raises(NotEstimable, match="no row of the group"):
        post_weights([0, 1], [1, 0])


# -- direct and indirect standardisation -------------------------------------------------------------------------------


def test_a_standardised_share_by_hand():
    # Pool: 60 mild, 40 severe. Group: 10 mild (8 relieved), 30 severe (9 relieved).
    stratum = np.r_[np.zeros(60), np.ones(40)].astype(int)
    group = np.zeros(100, dtype=bool)
    group[:10] = group[60:90] = True
    event = np.r_[np.ones(8), np.zeros(2), np.ones(9), np.zeros(21)]
    weight = post_weights(stratum, group)
    assert weight[0] == pytest.approx(0.6 / 0.25) and weight[-1] == pytest.approx(0.4 / 0.75)
    found = weighted_wilson(event, weight, np.arange(40))
    assert found.estimate == pytest.approx(0.6 * 0.8 + 0.4 * 0.3)
    # The naive share is another: most of this group is severe.
    assert event.mean() == pytest.approx(17 / 40) and abs(found.estimate - 17 / 40) > 0.15


def test_expected_numbers_by_hand_and_in_sum():
    outcome = np.array([1, 0, 1, 1, 0, 0])
    stratum = np.array([0, 0, 0, 1, 1, 1])
    assert expect(outcome, stratum) == pytest.approx([2 / 3] * 3 + [1 / 3] * 3)
    rng = np.random.default_rng(1)
    y, s = rng.normal(size=500), rng.integers(0, 7, 500)
    assert expect(y, s).sum() == pytest.approx(y.sum())


def test_without_weights_it_is_the_clustered_wilson_interval():
    rng = np.random.default_rng(3)
    cluster = rng.integers(0, 60, 200)
    event = rng.random(200) < 0.2 + 0.5 * (cluster % 2)
    found = weighted_wilson(event, np.ones(200), cluster)
    counts = np.bincount(cluster, weights=event), np.bincount(cluster)
    share, low, high = wilson_clustered(*counts)
    assert (found.estimate, found.conf_low, found.conf_high) == pytest.approx((share, low, high), rel=1e-12)


def test_clusters_that_do_not_scatter_at_all_count_as_rows():
    found = weighted_wilson(np.tile([1, 0], 40), np.ones(80), np.repeat(np.arange(40), 2))
    assert (found.conf_low, found.conf_high) == pytest.approx(np.ravel(wilson(40, 80)), abs=1e-15)
    assert found.effective_n == 80


def test_the_spread_is_that_of_weighted_least_squares_with_clusters():
    import statsmodels.api as sm

    rng = np.random.default_rng(5)
    cluster, weight = rng.integers(0, 50, 160), rng.uniform(0.2, 3.0, 160)
    event = rng.random(160) < 0.15 + 0.6 * (cluster % 3 == 0)
    fit = sm.WLS(event.astype(float), np.ones(160), weights=weight).fit(
        cov_type="cluster", cov_kwds={"groups": cluster}
    )
    found = weighted_wilson(event, weight, cluster)
    share = float(fit.params[0])
    assert found.estimate == pytest.approx(share, rel=1e-12)
    assert found.effective_n == pytest.approx(share * (1 - share) / float(fit.bse[0]) ** 2, rel=1e-9)
    # Taking rows for independent would claim too much.
    assert found.effective_n < 0.8 * 160 / kish_effect(weight)


@pytest.mark.parametrize("event", [np.ones(30), np.zeros(30)])
def test_all_or_none_has_limits_by_clusters(event):
    found = weighted_wilson(event, np.ones(30), np.repeat(np.arange(10), 3))
    assert found.effective_n == 10
    low, high = wilson(10 * event[0], 10)
    assert (found.conf_low, found.conf_high) == (low[0], high[0])


def test_doubled_rows_of_half_weight_change_nothing():
    rng = np.random.default_rng(4)
    # Rows of a patient agree, so that the spread between patients decides and not the number of rows (Kish's bound).
    event, cluster, weight = np.repeat(rng.random(40) < 0.4, 2), np.arange(80) // 2, rng.uniform(0.5, 2, 80)
    once = weighted_wilson(event, weight, cluster)
    twice = weighted_wilson(np.tile(event, 2), np.tile(weight / 2, 2), np.tile(cluster, 2))
    assert (twice.estimate, twice.conf_low) == pytest.approx((once.estimate, once.conf_low), rel=1e-12)
    order = rng.permutation(80)
    assert weighted_wilson(event[order], weight[order], (cluster * 7 % 80)[order]) == once


def test_the_interval_of_a_standardised_share_covers_it():
    # 1,500 groups of 120 from a pool with another mix; tolerance: 3 standard errors of 95 % coverage.
    rng = np.random.default_rng(20)
    runs, inside = 1500, 0
    share, mix = np.array([0.8, 0.5, 0.25]), np.array([0.5, 0.3, 0.2])
    pool = np.repeat([0, 1, 2], (500, 300, 200))
    for _ in range(runs):
        own = rng.choice(3, 120, p=[0.25, 0.35, 0.4])
        stratum, group = np.r_[pool, own], np.r_[np.zeros(pool.size, bool), np.ones(120, bool)]
        weight = post_weights(stratum, group)
        found = weighted_wilson(rng.random(120) < share[own], weight, np.arange(120))
        # The pool of this test holds the group too, so its mix moves a little with it.
        target = share @ (np.bincount(stratum) / stratum.size)
        inside += found.conf_low <= target <= found.conf_high
        assert target == pytest.approx(share @ mix, abs=0.05)
    assert inside / runs > 0.95 - 3 * np.sqrt(0.95 * 0.05 / runs)


# -- limits moved to another estimate, differences ---------------------------------------------------------------------


def test_kish_and_effective_numbers_by_hand():
    assert kish_effect(np.ones(9)) == 1.0
    assert kish_effect([1, 1, 2]) == pytest.approx(3 * 6 / 16)
    # Limits made from 50 rows give back 50.
    p, spread = 0.3, 1 / np.sqrt(50 * 0.3 * 0.7)
    low, high = (1 / (1 + np.exp(-(np.log(p / (1 - p)) + side * Z * spread))) for side in (-1, 1))
    assert effective_number(p, low, high) == pytest.approx(50)
    for share, low, high in ((0.0, 0.0, 0.1), (0.0, 0.1, 0.2), (1.0, 0.8, 0.9), (0.5, 0.0, 0.9), (0.5, 0.1, 1.0)):
        assert np.isnan(effective_number(share, low, high))


def test_moved_limits_keep_their_distance_on_the_logit_scale():
    low, high = move_limits(0.5, 0.4, 0.6, 0.5, 1.0)
    assert (low, high) == pytest.approx((0.4, 0.6))
    low, high = move_limits(0.5, 0.4, 0.6, 0.5, 4.0)
    assert np.log(low / (1 - low)) == pytest.approx(2 * np.log(0.4 / 0.6))
    assert all(np.isnan(move_limits(0.0, 0.0, 0.1, 0.2, 1.0)))
    assert all(np.isnan(move_limits(0.5, np.nan, np.nan, 0.4, 1.0)))


@pytest.mark.parametrize("counts", [(56, 70, 48, 80), (0, 10, 3, 30), (10, 10, 20, 30)])
def test_with_wilson_limits_it_is_newcombe(counts):
    x, n, x0, n0 = counts
    (low,), (high,) = wilson(x, n)
    (low0,), (high0,) = wilson(x0, n0)
    found = [float(v[0]) for v in hybrid_difference(x / n, low, high, x0 / n0, low0, high0)]
    assert found == pytest.approx([float(v[0]) for v in newcombe(x, n, x0, n0)], abs=1e-12)
    assert found[1:] == pytest.approx(confint_proportions_2indep(x, n, x0, n0, method="newcomb"), abs=1e-12)


def test_differences_by_hand_and_turned_round():
    d, low, high = hybrid_difference(0.6, 0.5, 0.7, 0.4, 0.35, 0.47)
    assert d[0] == pytest.approx(0.2)
    assert low[0] == pytest.approx(0.2 - np.hypot(0.1, 0.07)) and high[0] == pytest.approx(0.2 + np.hypot(0.1, 0.05))
    back = hybrid_difference(0.4, 0.35, 0.47, 0.6, 0.5, 0.7)
    assert (back[1][0], back[2][0]) == pytest.approx((-high[0], -low[0]))
    with pytest.raises(InputRefused, match="E834"):
        hybrid_difference(0.6, 0.61, 0.7, 0.4, 0.3, 0.5)
    with pytest.raises(InputRefused, match=r"E834 .*low_before and high_before"):
        hybrid_difference(0.6, 0.5, 0.7, 0.4, 0.3, 0.39)
    # A limit that stands where the estimate does, summed in another order: seen on the sample.
    found = hybrid_difference(0.55, 0.48, 0.55, 0.4392837467294166, 0.43928374672941667, 0.5261826182577051)
    assert [float(v[0]) for v in found] == pytest.approx([0.1107162533, -0.0008696503, 0.1107162533], abs=1e-9)
