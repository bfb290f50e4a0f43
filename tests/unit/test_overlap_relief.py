"""Interval-censored shares of two arms under overlap weights: by hand, R's answers, draws, invariants, refusals."""

from __future__ import annotations

import dataclasses
import json
import weakref

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t

from outcomes.errors import InputRefused, NotEstimable
from outcomes.estimators import overlap_arms
from outcomes.estimators.bootstrap import draw_counts
from outcomes.estimators.npmle import build_patterns, cdf_at, npmle
from outcomes.estimators.overlap_arms import draw_arms
from outcomes.estimators.overlap_relief import interval_outcome, overlap_relief
from outcomes.estimators.risk_draws import difference_test, ratio_limits, risk_limits
from outcomes.estimators.row_codes import code_rows
from outcomes.estimators.weighted_risk import event_outcome, overlap_risk
from outcomes.estimators.weighting import balance, overlap_weights
from outcomes.selftest.stored import REFERENCE

AT = [14, 28]


def rows(n, seed):
    """Confounded arms, visits some days apart, patients of one to a few rows."""
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.normal(size=n), rng.integers(0, 2, n)])
    treated = (rng.random(n) < 1 / (1 + np.exp(-X[:, 0] + 0.5 * X[:, 1]))).astype(int)
    time = rng.exponential(30 * np.exp(-0.4 * X[:, 0]))
    visits = np.cumsum(np.ceil(rng.exponential(6, (n, 12))), axis=1)
    visits = np.where(np.arange(12) < rng.integers(3, 13, n)[:, None], visits, np.inf)
    seen = (visits < time[:, None]) & np.isfinite(visits)
    left = np.where(seen, visits, 0).max(axis=1)
    right = np.where(visits >= time[:, None], visits, np.inf).min(axis=1)
    return X, treated, left, right, rng.integers(0, n // 2, n)


def by_hand(times=1):
    """x = 0: one of four treated, with the event; x = 1: three treated, without. One control of x = 0 has it."""
    x = np.repeat([0.0, 1.0], 4)
    treated = np.array([1, 0, 0, 0, 1, 1, 1, 0])
    left = np.array([5, 3, 9, 9, 9, 9, 9, 9.0])
    right = np.array([5, 3, *[np.inf] * 6])
    return [np.tile(x, times)[:, None], *(np.tile(column, times) for column in (treated, left, right))]


def exact_rows(n, seed):
    X, treated, left, right, patient = rows(n, seed)
    event = np.isfinite(right)
    time = np.where(event, right, np.maximum(left, 30))
    return X, treated, time, event, patient


def fields(found):
    """Every number of a result but those of single rows, by name."""
    out = {field.name: getattr(found, field.name) for field in dataclasses.fields(found)}
    return {name: np.atleast_1d(value) for name, value in out.items() if name not in ("weights", "propensity")}


def same_bits(one, other):
    for name, value in fields(one).items():
        assert np.array_equal(value, fields(other)[name], equal_nan=True), name


# -- by hand ----------------------------------------------------------------------------------------------------------


def test_two_strata_by_hand():
    found = overlap_relief(*by_hand(25), at=[2, 3, 5, 9], until=9, draws=50, seed=1)
    # Weights: treated 3/4 at x = 0 and 1/4 at x = 1; controls 1/4 and 3/4. Each arm weighs 3/2.
    assert found.share_treated == pytest.approx([0, 0, 0.5, 0.5], abs=1e-14)
    assert found.share_control == pytest.approx([0, 1 / 6, 1 / 6, 1 / 6], abs=1e-14)
    assert found.difference == pytest.approx([0, -1 / 6, 1 / 3, 1 / 3], abs=1e-14)
    assert found.ratio == pytest.approx([np.nan, 0, 3, 3], abs=1e-13, nan_ok=True)
    # Nine days: five whole and four halves; three whole and six of five sixths.
    assert (found.mean_treated, found.mean_control) == pytest.approx((7, 8), abs=1e-13)
    assert (found.mean_difference, found.mean_until) == (pytest.approx(-1, abs=1e-13), 9)
    assert (found.n_treated, found.n_control, found.events_treated, found.events_control) == (100, 100, 25, 25)
    assert overlap_relief(*by_hand(25), at=4, until=1, draws=2).events_treated == 0
    assert found.ess_treated == pytest.approx(25 * 1.5**2 / (0.75**2 + 3 * 0.25**2))
    X, treated, *_ = by_hand(25)
    assert balance(X, treated, found.weights).after == pytest.approx([0], abs=1e-13)
    # Nothing has happened by day 2 in any draw: there is no spread to show.
    limits = (found.treated_low, found.treated_high, found.difference_low, found.std_err, found.p_value)
    assert np.isnan([limit[0] for limit in limits]).all()
    # By day 3 nobody treated has the event in any draw: a ratio of 0, and no logarithm of it.
    assert np.isnan(found.ratio_low).tolist() == [True, True, False, False]
    assert found.mean_treated_low < 7 < found.mean_treated_high
    assert found.mean_control_low < 8 < found.mean_control_high
    assert found.mean_difference_low < -1 < found.mean_difference_high


def test_intervals_by_hand():
    left, right = np.tile([0, 2, 4, 0, 4], 20), np.tile([4, 6, np.inf, 3, np.inf], 20)
    treated = np.tile([1, 1, 1, 0, 0], 20)
    found = overlap_relief(np.empty((100, 0)), treated, left, right, [3, 4], until=4, draws=2)
    # Treated in (0, 4], (2, 6] and (4, inf]: mass m on (2, 4] and q on (4, 6] make m (m + q) q largest at a half each.
    assert found.share_treated == pytest.approx([0, 0.5], abs=1e-8)
    assert found.share_control == pytest.approx([0.5, 0.5], abs=1e-8)
    assert found.mean_treated == pytest.approx(4)
    # Days 0, 1, 2 without, then a half.
    assert found.mean_control == pytest.approx(3.5)


# -- other estimators' and R's answers --------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_exact_times_are_kaplan_meiers(seed):
    X, treated, time, event, patient = exact_rows(300, seed)
    one = overlap_risk(X, treated, time, event, AT, cluster=patient, draws=400)
    right = np.where(event, time, np.inf)
    other = overlap_relief(X, treated, time, right, AT, until=15, cluster=patient, draws=400)
    for mine, theirs in (("share_treated", "risk_treated"), ("share_control", "risk_control"), *[["difference"] * 2]):
        np.testing.assert_allclose(getattr(other, mine), getattr(one, theirs), rtol=0, atol=1e-12)
    for name in ("weights", "propensity", "ess_treated", "ess_control", "n_treated", "events_treated"):
        np.testing.assert_allclose(getattr(other, name), getattr(one, name), rtol=1e-12)
    # Other draws of the same rows: limits differ by chance only.
    np.testing.assert_allclose(other.difference_low, one.difference_low, atol=0.02)


def test_birthwt_as_in_r():
    d = np.genfromtxt(REFERENCE / "data" / "birthwt.csv", delimiter=",", names=True)
    X = np.column_stack([d["age"], d["lwt"], d["race"] == 2, d["race"] == 3, d["ht"], d["ui"]])
    answers = json.loads((REFERENCE / "weighting.json").read_text(encoding="utf-8"))["birthwt"]
    low = d["low"] == 1
    found = overlap_relief(X, d["smoke"], np.where(low, 0, 1), np.where(low, 1, np.inf), 1, until=1, draws=20)
    assert found.share_treated == pytest.approx([answers["risk_exposed"]], abs=1e-12)
    assert found.share_control == pytest.approx([answers["risk_unexposed"]], abs=1e-12)
    assert found.ess_treated == pytest.approx(answers["ess_exposed"], abs=1e-10)
    assert found.ess_control == pytest.approx(answers["ess_unexposed"], abs=1e-10)
    np.testing.assert_allclose(balance(X, d["smoke"], found.weights).before, answers["smd_before"], atol=1e-12)


def test_weights_are_replicated_rows():
    """Propensities of 1/4 and 3/4 make weights 3 to 1: those of replicated rows."""
    rng = np.random.default_rng(11)
    _, _, left, right, _ = rows(400, 12)
    x = np.repeat([0.0, 1.0], 200)
    treated = np.concatenate([rng.permutation(np.arange(200) < 50), rng.permutation(np.arange(200) < 150)])
    found = overlap_relief(x[:, None], treated, left, right, [7, 14, 28], until=28, draws=2)
    for side, share, mean in ((1, found.share_treated, found.mean_treated), (0, found.share_control, None)):
        own = np.flatnonzero(treated == side)
        own = np.repeat(own, np.where(x[own] == 1 - side, 3, 1) if side == 0 else np.where(x[own] == 0, 3, 1))
        fit = npmle(left[own], right[own])
        np.testing.assert_allclose(share, cdf_at(fit, [7, 14, 28])[0], atol=1e-7)
        if mean is not None:
            assert mean == pytest.approx((1 - cdf_at(fit, np.arange(28))[0]).sum(), abs=1e-6)


def test_without_columns_it_is_the_unadjusted_contrast():
    _, treated, left, right, patient = rows(300, 13)
    found = overlap_relief(np.empty((300, 0)), treated, left, right, AT, until=28, cluster=patient, draws=30)
    for side, share in ((1, found.share_treated), (0, found.share_control)):
        own = treated == side
        np.testing.assert_allclose(share, cdf_at(npmle(left[own], right[own]), AT)[0], atol=1e-9)
        assert np.ptp(found.weights[own]) == 0
    assert (found.ess_treated, found.ess_control) == pytest.approx((treated.sum(), 300 - treated.sum()))
    # The draws are those of the rows, unweighted.
    seen = build_patterns(left, right)
    first, place = code_rows([treated, seen.row])
    for drawn, count in zip(found.drawn_difference, draw_counts(place, patient, 30, 0), strict=True):
        shares = [
            cdf_at(npmle(left[first][own], right[first][own], count[own]), AT)[0]
            for own in (treated[first] == 1, treated[first] == 0)
        ]
        np.testing.assert_allclose(drawn, shares[0] - shares[1], atol=1e-5)


# -- what is drawn ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("coarse", [False, True])
def test_each_draw_is_the_answer_of_the_rows_it_drew(coarse):
    X, treated, left, right, patient = rows(200, 1)
    X = np.round(X) if coarse else X  # with few kinds of rows the propensity is fitted to counts of them
    found = overlap_relief(X, treated, left, right, AT, until=28, cluster=patient, draws=6, seed=3)
    first, place = code_rows([treated, build_patterns(left, right).row, *X.T])
    drawn = []
    for count in draw_counts(place, patient, 6, 3):
        own = np.repeat(first, count)
        weights, arms = overlap_weights(X[own], treated[own]).weights, treated[own]
        fits = [npmle(left[own][arms == a], right[own][arms == a], weights[arms == a]) for a in (1, 0)]
        drawn.append([cdf_at(fit, np.arange(29))[0] for fit in fits])
    drawn = np.array(drawn)
    differences = drawn[:, 0] - drawn[:, 1]
    np.testing.assert_allclose(found.drawn_difference, differences[:, AT], atol=1e-6)
    np.testing.assert_allclose(found.std_err, differences[:, AT].std(axis=0, ddof=1), atol=1e-6)
    limits = risk_limits(found.share_treated, found.share_control, drawn[:, 0][:, AT], drawn[:, 1][:, AT], 0.95)
    np.testing.assert_allclose([found.treated_low, found.treated_high], limits[0], atol=1e-6)
    np.testing.assert_allclose([found.difference_low, found.difference_high], limits[2], atol=1e-6)
    ratio = np.log(drawn[:, 0][:, AT] / drawn[:, 1][:, AT])
    reach = t.ppf(0.975, len(ratio) - 1) * ratio.std(axis=0, ddof=1)
    np.testing.assert_allclose(found.ratio_low, np.minimum(np.exp(ratio.mean(axis=0) - reach), found.ratio), atol=1e-5)
    np.testing.assert_allclose(found.ratio_high, np.maximum(np.exp(ratio.mean(axis=0) + reach), found.ratio), atol=1e-5)
    means = (1 - drawn[:, :, :28]).mean(axis=2)
    whole = [(1 - cdf_at(fit, np.arange(28))[0]).mean(keepdims=True) for fit in full_fits(X, treated, left, right)]
    limits = risk_limits(*whole, means[:, :1], means[:, 1:], 0.95)
    got = (found.mean_difference_low, found.mean_difference_high)
    np.testing.assert_allclose(got, 28 * np.ravel(limits[2]), atol=1e-4)


def full_fits(X, treated, left, right):
    weights = overlap_weights(X, treated).weights
    return [npmle(left[treated == a], right[treated == a], weights[treated == a]) for a in (1, 0)]


# -- invariants -------------------------------------------------------------------------------------------------------


def test_row_order_names_of_patients_and_workers_change_no_bit():
    X, treated, left, right, patient = rows(250, 4)
    one = overlap_relief(X, treated, left, right, AT, 28, cluster=patient, draws=40, seed=[1, 2])
    order = np.random.default_rng(5).permutation(250)
    turned = [column[order] for column in (X, treated, left, right)]
    other = overlap_relief(*turned, AT, 28, cluster=900 - patient[order], draws=40, seed=[1, 2], workers=3)
    same_bits(one, other)
    assert np.array_equal(other.weights, one.weights[order])
    assert np.array_equal(other.propensity, one.propensity[order])


def test_workers_change_no_bit_where_chords_are_used():
    rng = np.random.default_rng(6)
    _, treated, left, right, patient = rows(1_500, 6)
    X = rng.normal(size=(1_500, 9))
    found = [overlap_relief(X, treated, left, right, AT, 28, patient, draws=60, workers=w) for w in (1, 2, 5)]
    same_bits(found[0], found[1])
    same_bits(found[0], found[2])


def test_rows_written_twice_for_their_patient_change_nothing_but_sizes():
    X, treated, left, right, patient = rows(200, 6)
    one = overlap_relief(X, treated, left, right, AT, 28, cluster=patient, draws=30, seed=1)
    columns = [np.repeat(column, 2, axis=0) for column in (X, treated, left, right)]
    twice = overlap_relief(*columns, AT, 28, cluster=np.repeat(patient, 2), draws=30, seed=1)
    for name in ("share_treated", "difference", "treated_low", "difference_high", "ratio_low", "mean_difference_high"):
        np.testing.assert_allclose(getattr(twice, name), getattr(one, name), rtol=1e-5, atol=1e-6, err_msg=name)
    assert twice.ess_treated == pytest.approx(2 * one.ess_treated)
    assert twice.events_control == 2 * one.events_control


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.integers(80, 200))
def test_arms_called_the_other_way_round_turn_the_difference(seed, n):
    X, treated, left, right, patient = rows(n, seed)
    one = overlap_relief(X, treated, left, right, [7], 7, cluster=patient, draws=2)
    other = overlap_relief(X, 1 - treated, left, right, [7], 7, cluster=patient, draws=2)
    assert other.difference == pytest.approx(-one.difference, abs=1e-7)
    assert other.mean_difference == pytest.approx(-one.mean_difference, abs=1e-6)
    assert other.weights == pytest.approx(one.weights, abs=1e-12)
    assert (other.n_treated, other.events_treated) == (one.n_control, one.events_control)


def test_times_are_read_in_the_order_given():
    X, treated, left, right, _ = rows(150, 8)
    one = overlap_relief(X, treated, left, right, [28, 7, 28], 10, draws=20)
    other = overlap_relief(X, treated, left, right, [7, 28], 10, draws=20)
    for name in ("difference", "difference_low", "p_value", "ratio_high"):
        assert np.array_equal(getattr(one, name), getattr(other, name)[[1, 0, 1]])


def test_a_row_far_away_weighs_nothing_and_is_no_error():
    X, treated, left, right, _ = rows(300, 9)
    far = np.flatnonzero(treated == 1)[0]
    # By its column it was certain to be treated: its weight is lost beside the others.
    X[far, 0], left[far], right[far] = 60, 0, 1
    found = overlap_relief(X, treated, left, right, AT, 14, draws=20)
    assert found.weights[far] < 1e-14
    others = np.arange(300) != far
    fit = npmle(*(column[(treated == 1) & others] for column in (left, right, found.weights)))
    assert found.share_treated == pytest.approx(cdf_at(fit, AT)[0], abs=1e-7)


# -- the test of the difference ---------------------------------------------------------------------------------------


def random_draws(rng):
    """Draws of two shares of many shapes: near 0 and 1, skewed, few, on one side, equal."""
    draws, k = int(rng.integers(60, 200)), 12
    spread = rng.choice([1e-6, 0.005, 0.05, 0.3], size=k)
    middle = rng.choice([0.001, 0.02, 0.3, 0.5, 0.97], size=k)
    parts = []
    for shift in (0.0, 3.0):
        centre = np.clip(middle + shift * spread * rng.normal(size=k), 0, 1)
        drawn = np.clip(centre + spread * (rng.gamma(1.0, size=(draws, k)) - 1.0), 0, 1)
        estimate = np.where(rng.random(k) < 0.3, centre, np.clip(centre + spread * rng.normal(size=k), 0, 1))
        parts.append((estimate, drawn))
    return parts[0][0], parts[1][0], parts[0][1], parts[1][1]


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9, 0.95])
def test_p_is_small_exactly_where_the_interval_leaves_out_zero(level):
    rng, seen = np.random.default_rng(14), np.zeros(2)
    for _ in range(200):
        shares = random_draws(rng)
        low, high = risk_limits(*shares, level)[2]
        p = difference_test(*shares)[1]
        assert np.array_equal(np.isnan(p), np.isnan(low))
        out = ((low > 0) | (high < 0))[~np.isnan(p)]
        assert np.array_equal(p[~np.isnan(p)] < 1 - level, out)
        seen += [out.sum(), (~out).sum()]
    assert (seen > 100).all()


def test_the_test_is_walds_on_fishers_z_by_students_t():
    rng = np.random.default_rng(15)
    one, other = 0.5 + 0.05 * rng.normal(size=(400, 1)), 0.43 + 0.05 * rng.normal(size=(400, 1))
    std_err, p = difference_test(np.array([0.5]), np.array([0.43]), one, other)
    d = (one - other).ravel()
    assert std_err == pytest.approx(d.std(ddof=1))
    z = np.arctanh(d.mean()) / (d.std(ddof=1) / (1 - d.mean() ** 2))
    assert p == pytest.approx(2 * t.sf(abs(z), 399), rel=1e-9)


def test_p_in_its_corners():
    drawn = np.array([[0.5], [0.6], [0.7], [0.8]])
    flat = np.full((4, 1), 0.1)
    assert np.isnan(difference_test(np.array([0.6]), np.array([0.1]), drawn, flat)).all()
    moving = flat + np.array([[0.0], [0.0], [0.0], [0.01]])
    # Four draws on one side: 2 / 5 at most, whatever their spread.
    assert difference_test(np.array([0.6]), np.array([0.1]), drawn, moving)[1][0] < 0.4
    # An estimate of 0, or on the other side of the draws' mean, is inside any interval.
    assert difference_test(np.array([0.1]), np.array([0.1]), drawn, moving)[1] == 1
    assert difference_test(np.array([0.1]), np.array([0.2]), drawn, moving)[1] == 1


def test_ratios_without_a_logarithm_have_no_limits():
    drawn = np.random.default_rng(1).uniform(0.1, 0.2, (50, 3))
    other = np.random.default_rng(2).uniform(0.1, 0.2, (50, 3))
    drawn[4, 1] = 0
    ratio, low, high = ratio_limits(np.array([0.15, 0.15, 0.0]), np.array([0.1, 0.1, 0.1]), drawn, other, 0.95)
    assert ratio == pytest.approx([1.5, 1.5, 0])
    assert np.isnan(low).tolist() == np.isnan(high).tolist() == [False, True, True]
    assert low[0] < 1.5 <= high[0]
    assert np.isnan(ratio_limits(np.array([0.1]), np.array([0.0]), drawn[:, :1], other[:, :1], 0.95)).all()


# -- events that are missing, and refusals ----------------------------------------------------------------------------


def test_an_arm_without_an_event_has_a_share_of_nothing():
    X, treated, left, right, _ = rows(200, 16)
    left = np.where(treated == 0, np.maximum(left, 28), left)
    right = np.where(treated == 0, np.inf, right)
    found = overlap_relief(X, treated, left, right, AT, 14, draws=50)
    assert found.share_control == pytest.approx([0, 0])
    assert found.events_control == 0
    assert found.difference == pytest.approx(found.share_treated)
    for name in ("control_low", "difference_low", "difference_high", "ratio", "ratio_low", "std_err", "p_value"):
        assert np.isnan(getattr(found, name)).all(), name
    assert np.isfinite([*found.treated_low, *found.treated_high]).all()
    assert (found.mean_control, np.isnan(found.mean_difference_low)) == (14, True)
    with pytest.raises(NotEstimable, match="never seen in either"):
        overlap_relief(X, treated, left, np.full(200, np.inf), AT, 14, draws=2)


def test_draws_without_an_event_count_as_nothing_seen():
    X, treated, left, right, _ = rows(120, 17)
    one = np.flatnonzero((treated == 1) & np.isfinite(right))[0]
    right = np.where((treated == 1) & (np.arange(120) != one), np.inf, right)
    left = np.where(np.isinf(right), np.maximum(left, 28), left)
    found = overlap_relief(X[:, :1], treated, left, right, 28, 14, draws=200, seed=2)
    place = code_rows([treated, build_patterns(left, right).row, X[:, 0]])[1]
    without = draw_counts(place, np.arange(120), 200, 2)[:, place[one]] == 0
    assert 0.2 < without.mean() < 0.5
    assert (found.drawn_difference[without, 0] < 0).all()
    assert np.isnan(found.ratio_low[0])
    assert found.ratio[0] > 0


def marked(per_arm):
    """A column that so many rows of either arm have."""
    X, treated, left, right, _ = rows(300, 18)
    mark = np.zeros(300)
    for side in (0, 1):
        mark[np.flatnonzero(treated == side)[:per_arm]] = 1
    return np.column_stack([X, mark]), treated, left, right


def test_draws_without_a_fit_are_counted():
    X, treated, left, right = marked(5)
    found = overlap_relief(X, treated, left, right, AT, 14, draws=400, seed=5)
    first, place = code_rows([treated, build_patterns(left, right).row, *X.T])
    counts = draw_counts(place, np.arange(300), 400, 5)
    has = [counts[:, (X[first, 2] == 1) & (treated[first] == side)].sum(axis=1) > 0 for side in (0, 1)]
    assert found.n_failed == (has[0] != has[1]).sum() > 0
    assert (found.draws, found.drawn_difference.shape) == (400, (400 - found.n_failed, 2))


@pytest.mark.parametrize("held", [1, 4_000, 64 * 300])
def test_draws_fitted_in_parts_are_the_same_draws(monkeypatch, held):
    X, treated, left, right = marked(5)
    outcomes = [interval_outcome(left, right), event_outcome(np.maximum(left, 1), np.isfinite(right))]
    whole = draw_arms(X, treated, outcomes, draws=200, seed=5)
    assert whole.n_failed > 0
    monkeypatch.setattr(overlap_arms, "_HELD_AT_ONCE", held)
    parts = draw_arms(X, treated, outcomes, draws=200, seed=5)
    assert (parts.draws, parts.n_failed) == (whole.draws, whole.n_failed)
    for one, other in zip(parts.sums, whole.sums, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-6, atol=1e-9)


def told(call, *arguments, **named):
    with pytest.raises((InputRefused, NotEstimable)) as caught:
        call(*arguments, **named)
    return str(caught.value)


def test_without_draws_there_are_the_same_estimates_and_no_limits():
    X, treated, time, event, patient = exact_rows(200, 9)
    right = np.where(event, time, np.inf)
    drawn = overlap_relief(X, treated, time, right, AT, 14, cluster=patient, draws=2)
    alone = overlap_relief(X, treated, time, right, AT, 14, cluster=patient, draws=0)
    of_draws = [name for name in vars_of(drawn) if name.endswith(("_low", "_high"))] + ["std_err", "p_value"]
    assert len(of_draws) == 16
    for name in of_draws:
        assert np.isnan(getattr(alone, name)).all(), name
    assert (alone.draws, alone.n_failed, alone.drawn_difference.shape) == (0, 0, (0, len(AT)))
    for name in set(vars_of(drawn)) - {*of_draws, "draws", "n_failed", "drawn_difference"}:
        assert np.array_equal(getattr(alone, name), getattr(drawn, name)), name


def vars_of(found):
    return [field.name for field in dataclasses.fields(found)]


def test_what_overlap_risk_refuses_is_refused_in_the_same_words():
    X, treated, time, event, patient = exact_rows(100, 9)
    right = np.where(event, time, np.inf)
    late = time.max() + 1

    def both(X=X, treated=treated, at=AT, **named):
        words = told(overlap_risk, X, treated, time, event, at, **{"draws": 2, **named})
        assert told(overlap_relief, X, treated, time, right, at, 10, **{"draws": 2, **named}) == words
        return words

    assert "E745 at:" in both(at=[10, late])
    assert "E746 draws:" in both(draws=1)
    assert "E746 draws:" in both(draws=-2)
    assert "E746 draws:" in both(draws=2.5)
    assert "E603 cluster:" in both(cluster=patient[1:])
    assert "E741 X[:, 1]" in both(X=X * [1, 0])
    assert "E742 X[:, 2]" in both(X=np.column_stack([X, X[:, 0]]))
    assert "E743 treated:" in both(treated=treated + 1)
    assert "E750 X[:, 0]" in both(X=X * 1e200)
    assert "E607 level:" in both(level=95)
    assert "E614 at:" in both(at=[-1])
    assert "separation" in both(X=np.column_stack([X, treated + 0.0]))
    assert "no times" in both(at=[])
    assert "all were treated" in both(treated=np.ones(100))
    assert "E647 seed:" in both(seed=-1)
    few = told(overlap_relief, *marked(2), AT, 14, draws=400, seed=5)
    assert "of 400 bootstrap draws the model of who was treated has no finite fit, more than 5%" in few


def test_refusals_of_its_own():
    X, treated, left, right, _ = rows(100, 9)
    for until in (0, 1.5, np.nan, "7"):
        assert "E751 until:" in told(overlap_relief, X, treated, left, right, AT, until, draws=2)
    assert "E745 until:" in told(overlap_relief, X, treated, left, right, AT, 400, draws=2)
    assert "E644 workers:" in told(overlap_relief, X, treated, left, right, AT, 14, draws=2, workers=0)
    assert "E603 left:" in told(overlap_relief, X, treated, left[1:], right, AT, 14, draws=2)
    assert "E603 right:" in told(overlap_relief, X, treated, left, right[1:], AT, 14, draws=2)
    assert "E631 left:" in told(overlap_relief, X, treated, left - 1, right, AT, 14, draws=2)
    assert "E632 left:" in told(overlap_relief, X, treated, left, left - 1, AT, 14, draws=2)
    assert "E604 right:" in told(overlap_relief, X, treated, left, right * np.nan, AT, 14, draws=2)
    assert "no rows" in told(overlap_relief, np.empty((0, 1)), [], [], [], AT, 14, draws=2)


def test_outcomes_drawn_together_have_the_sums_of_their_rows():
    """By hand, for the data and for each draw: weights of the rows as drawn, summed over the rows of each cell."""
    X, treated, left, right, patient = rows(300, 4)
    time, event = np.minimum(right, 60.0), np.isfinite(right)
    outcomes = [interval_outcome(left, right), event_outcome(time, event)]
    drawn = draw_arms(X, treated, outcomes, patient, draws=6, seed=3)
    assert drawn.n_failed == 0
    first, place = code_rows([treated, *outcomes[0], *outcomes[1], *X.T])
    sides, weights = [treated], [drawn.described["weights"]]
    taken = [np.arange(300)]
    for counts in draw_counts(place, patient, 6, 3):
        own = np.repeat(first, counts)
        taken.append(own)
        sides.append(treated[own])
        weights.append(overlap_weights(X[own], treated[own]).weights)
    for cells, sums, outcome in zip(drawn.cells, drawn.sums, outcomes, strict=True):
        keys = list(zip(cells.arm.tolist(), *(column.tolist() for column in cells.columns), strict=True))
        for number, (own, side, weight) in enumerate(zip(taken, sides, weights, strict=True)):
            total = dict.fromkeys(keys, 0.0)
            for *key, w in zip(side.tolist(), *(c[own].tolist() for c in outcome), weight.tolist(), strict=True):
                total[tuple(key)] += w
            found = cells.weight if number == 0 else sums[number - 1]
            np.testing.assert_allclose(found, list(total.values()), rtol=1e-5, atol=1e-12)
    with pytest.raises(InputRefused, match="E752 outcomes:"):
        draw_arms(X, treated, [], patient)


def test_sums_by_cell_are_those_of_each_cell_alone():
    """Cells side by side, and mixed; and draws whose blocks do not fit together evenly."""
    own = np.random.default_rng(8).normal(size=(3, 40))
    for cell in (np.repeat([2, 3, 7], [5, 30, 5]), np.random.default_rng(9).integers(4, 9, 40)):
        there, found = overlap_arms._sum_by_cell(own, cell)
        assert there.tolist() == np.unique(cell).tolist()
        np.testing.assert_allclose(found, np.stack([own[:, cell == one].sum(axis=1) for one in there], axis=1))
    blocks = [np.full((rows, 10), i) for i, rows in enumerate((4, 4, 4, 1))]
    for held, sizes in ((1_000, [13]), (80, [8, 5]), (79, [4, 4, 5]), (10, [4, 4, 4, 1])):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(overlap_arms, "_HELD_AT_ONCE", held)
            parts = [part.copy() for part in overlap_arms._hold_together(iter(blocks), 13)]
        assert [len(part) for part in parts] == sizes
        np.testing.assert_array_equal(np.concatenate(parts), np.concatenate(blocks))


def test_a_table_nobody_holds_is_gone_while_draws_are_made(monkeypatch):
    X, treated, left, right = marked(20)
    table = X.astype(np.float64)
    there = weakref.ref(table)
    seen = []
    made = overlap_arms.drawn_counts
    monkeypatch.setattr(overlap_arms, "drawn_counts", lambda *given: seen.append(there()) or made(*given))
    held = [table]
    del table
    overlap_relief(held.pop(), treated, left, right, AT, 14, draws=20)
    assert seen == [None]
