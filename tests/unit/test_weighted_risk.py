"""Risks of two arms under overlap weights: by hand, R's answers, invariants, draws, refusals."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from outcomes.errors import InputRefused, NotEstimable
from outcomes.estimators import logistic
from outcomes.estimators.bootstrap import draw_counts
from outcomes.estimators.curves import kaplan_meier, survival_at
from outcomes.estimators.limits import interval_limits
from outcomes.estimators.row_codes import code_rows
from outcomes.estimators.weighted_risk import overlap_risk
from outcomes.estimators.weighting import balance, overlap_weights
from outcomes.selftest.stored import REFERENCE

AT = [20, 60]


def rows(n, seed):
    """Confounded arms, two columns, whole days, some stop early, patients of one to a few rows."""
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.normal(size=n), rng.integers(0, 2, n)])
    treated = (rng.random(n) < 1 / (1 + np.exp(-X[:, 0] + 0.5 * X[:, 1]))).astype(int)
    time = np.ceil(rng.exponential(60 * np.exp(-0.4 * X[:, 0])))
    stop = rng.integers(30, 120, n)
    return X, treated, np.minimum(time, stop), (time <= stop).astype(int), rng.integers(0, n // 2, n)


# -- by hand ----------------------------------------------------------------------------------------------------------


def by_hand(times=25):
    """x = 0: one of four treated, with the event; x = 1: three treated, without. One control of x = 0 has it."""
    x = np.repeat([0.0, 1.0], 4)
    treated = np.array([1, 0, 0, 0, 1, 1, 1, 0])
    time = np.array([5, 3, 9, 9, 9, 9, 9, 9])
    event = np.array([1, 1, 0, 0, 0, 0, 0, 0])
    return [np.tile(x, times)[:, None], *(np.tile(column, times) for column in (treated, time, event))]


def test_two_strata_by_hand():
    found = overlap_risk(*by_hand(), at=[2, 3, 5, 9], draws=50, seed=1)
    # Weights: treated 3/4 at x = 0 and 1/4 at x = 1; controls 1/4 and 3/4. Each arm weighs 3/2.
    assert found.risk_treated == pytest.approx([0, 0, 0.5, 0.5], abs=1e-14)
    assert found.risk_control == pytest.approx([0, 1 / 6, 1 / 6, 1 / 6], abs=1e-14)
    assert found.difference == pytest.approx([0, -1 / 6, 1 / 3, 1 / 3], abs=1e-14)
    assert (found.n_treated, found.n_control, found.events_treated, found.events_control) == (100, 100, 25, 25)
    assert overlap_risk(*by_hand(), at=4, draws=2).events_treated == 0
    assert found.ess_treated == pytest.approx(25 * 1.5**2 / (0.75**2 + 3 * 0.25**2))
    X, treated, *_ = by_hand()
    assert balance(X, treated, found.weights).after == pytest.approx([0], abs=1e-13)
    # Nothing has happened by day 2 in any draw: there is no spread to show.
    limits = (found.treated_low, found.treated_high, found.difference_low, found.difference_high)
    assert np.isnan([limit[0] for limit in limits]).all()


# -- R ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("late", [False, True])
def test_lung_as_in_r(late):
    answers = json.loads((REFERENCE / "weighting.json").read_text(encoding="utf-8"))["lung"]
    d = np.genfromtxt(REFERENCE / "data" / "lung.csv", delimiter=",", names=True)
    d = d[~np.isnan(d["ecog"])]
    entry = np.minimum(7 * (np.arange(d.size) + 1) % 60, d["time"] - 1) if late else None
    X = np.column_stack([d["age"], d["ecog"]])
    found = overlap_risk(X, d["sex"] == 2, d["time"], d["event"], answers["at"], entry=entry, draws=2)
    end = "_late" if late else ""
    assert found.risk_treated == pytest.approx(answers["treated" + end], abs=1e-12)
    assert found.risk_control == pytest.approx(answers["control" + end], abs=1e-12)


# -- what is drawn ----------------------------------------------------------------------------------------------------


def test_each_draw_is_the_answer_of_the_rows_it_drew():
    X, treated, time, event, patient = rows(200, 1)
    found = overlap_risk(X, treated, time, event, AT, cluster=patient, draws=6, seed=3)
    first, place = code_rows([treated, time, event, *X.T])
    drawn = []
    for count in draw_counts(place, patient, 6, 3):
        own = np.repeat(first, count)
        weights, arms = overlap_weights(X[own], treated[own]).weights, treated[own]
        curves = [kaplan_meier(time[own][arms == a], event[own][arms == a], weights[arms == a]) for a in (1, 0)]
        drawn.append([1 - survival_at(curve, AT)[0] for curve in curves])
    drawn = np.array(drawn)
    assert np.isfinite(drawn).all()
    low, high = interval_limits(found.risk_treated, drawn[:, 0])
    assert found.treated_low == pytest.approx(low, abs=1e-9)
    assert found.treated_high == pytest.approx(high, abs=1e-9)
    shares = (1 + found.difference) / 2, (1 + drawn[:, 0] - drawn[:, 1]) / 2
    low, high = interval_limits(*shares)
    assert found.difference_low == pytest.approx(2 * low - 1, abs=1e-9)
    assert found.difference_high == pytest.approx(2 * high - 1, abs=1e-9)


def test_late_entry_is_kaplan_meiers():
    X, treated, time, event, patient = rows(300, 2)
    entry = np.minimum(patient % 15, time - 1)
    found = overlap_risk(X, treated, time, event, AT, entry=entry, draws=2)
    for side, risk in ((1, found.risk_treated), (0, found.risk_control)):
        own = treated == side
        curve = kaplan_meier(time[own], event[own], found.weights[own], entry[own])
        assert 1 - survival_at(curve, AT)[0] == pytest.approx(risk, abs=1e-13)


# -- invariants -------------------------------------------------------------------------------------------------------


def numbers(found):
    kept = [value for name, value in vars_of(found) if name not in ("weights", "propensity")]
    return np.concatenate([np.atleast_1d(value) for value in kept])


def vars_of(found):
    return [(field.name, getattr(found, field.name)) for field in dataclasses.fields(found)]


def test_row_order_and_names_of_patients_change_nothing():
    X, treated, time, event, patient = rows(250, 4)
    one = overlap_risk(X, treated, time, event, AT, cluster=patient, draws=30, seed=[1, 2])
    order = np.random.default_rng(5).permutation(250)
    other = overlap_risk(
        X[order], treated[order], time[order], event[order], AT, cluster=900 - patient[order], draws=30, seed=[1, 2]
    )
    np.testing.assert_allclose(numbers(other), numbers(one), rtol=1e-12)
    np.testing.assert_allclose(other.weights, one.weights[order], rtol=1e-13)


@pytest.mark.parametrize("size", [1, 777, 1 << 24])
def test_blocks_change_nothing(monkeypatch, size):
    X, treated, time, event, patient = rows(250, 4)
    one = overlap_risk(X, treated, time, event, AT, cluster=patient, draws=40, seed=1)
    monkeypatch.setattr(logistic, "_NUMBERS_AT_ONCE", size)
    other = overlap_risk(X, treated, time, event, AT, cluster=patient, draws=40, seed=1)
    np.testing.assert_allclose(numbers(other), numbers(one), rtol=1e-11)


def test_rows_written_twice_for_their_patient_change_no_risk_and_no_limit():
    X, treated, time, event, patient = rows(200, 6)
    one = overlap_risk(X, treated, time, event, AT, cluster=patient, draws=30, seed=1)
    columns = [np.repeat(column, 2, axis=0) for column in (X, treated, time, event)]
    twice = overlap_risk(*columns, AT, cluster=np.repeat(patient, 2), draws=30, seed=1)
    for name in ("risk_treated", "difference", "treated_low", "control_high", "difference_low", "difference_high"):
        np.testing.assert_allclose(getattr(twice, name), getattr(one, name), rtol=1e-10, atol=1e-12)
    # As patients of their own they count as twice as many.
    apart = overlap_risk(*columns, AT, draws=200, seed=1)
    alone = overlap_risk(X, treated, time, event, AT, draws=200, seed=1)
    ratio = (apart.difference_high - apart.difference_low) / (alone.difference_high - alone.difference_low)
    assert ratio == pytest.approx(1 / np.sqrt(2), rel=0.15)


def test_arms_called_the_other_way_round_turn_the_difference():
    X, treated, time, event, patient = rows(200, 7)
    one = overlap_risk(X, treated, time, event, AT, cluster=patient, draws=2)
    other = overlap_risk(X, 1 - treated, time, event, AT, cluster=patient, draws=2)
    assert other.difference == pytest.approx(-one.difference, abs=1e-13)
    assert other.weights == pytest.approx(one.weights, abs=1e-13)


# -- refusals ---------------------------------------------------------------------------------------------------------


def marked(per_arm):
    """A column that so many rows of either arm have."""
    X, treated, time, event, _ = rows(300, 8)
    mark = np.zeros(300)
    for side in (0, 1):
        mark[np.flatnonzero(treated == side)[:per_arm]] = 1
    return np.column_stack([X, mark]), treated, time, event


def test_draws_without_a_fit_are_counted():
    X, treated, time, event = marked(5)
    found = overlap_risk(X, treated, time, event, AT, draws=400, seed=5)
    first, place = code_rows([treated, time, event, *X.T])
    counts = draw_counts(place, np.arange(300), 400, 5)
    has = [counts[:, (X[first, 2] == 1) & (treated[first] == side)].sum(axis=1) > 0 for side in (0, 1)]
    # Where only one arm has the mark it tells who was treated; where neither has it, it tells nothing.
    assert found.n_failed == (has[0] != has[1]).sum() > 0
    assert found.draws == 400


def test_too_many_draws_without_a_fit_are_refused():
    with pytest.raises(NotEstimable, match=r"of 400 bootstrap draws .* more than 5%"):
        overlap_risk(*marked(2), AT, draws=400, seed=5)


def test_without_draws_there_are_the_same_estimates_and_no_limits():
    X, treated, time, event, _ = rows(100, 9)
    drawn, alone = (overlap_risk(X, treated, time, event, AT, draws=draws) for draws in (2, 0))
    assert np.array_equal(alone.difference, drawn.difference)
    assert np.array_equal(alone.weights, drawn.weights)
    for name in ("treated", "control", "difference"):
        assert np.isnan(getattr(alone, f"{name}_low")).all()
        assert np.isnan(getattr(alone, f"{name}_high")).all()
    assert alone.n_failed == 0


def test_refusals_by_name():
    X, treated, time, event, patient = rows(100, 9)
    with pytest.raises(InputRefused, match="E745 at: lies after the last row"):
        overlap_risk(X, treated, time, event, [10, 200], draws=2)
    with pytest.raises(InputRefused, match="E746 draws:"):
        overlap_risk(X, treated, time, event, AT, draws=1)
    with pytest.raises(InputRefused, match="E613 entry:"):
        overlap_risk(X, treated, time, event, AT, entry=time, draws=2)
    with pytest.raises(InputRefused, match="E603 time:"):
        overlap_risk(X, treated, time[:-1], event, AT, draws=2)
    with pytest.raises(InputRefused, match="E603 event:"):
        overlap_risk(X, treated, time, event[:-1], AT, draws=2)
    with pytest.raises(InputRefused, match="E612 event:"):
        overlap_risk(X, treated, time, event + 1, AT, draws=2)
    with pytest.raises(InputRefused, match="E603 cluster:"):
        overlap_risk(X, treated, time, event, AT, cluster=patient[1:], draws=2)
    with pytest.raises(InputRefused, match=r"E741 X\[:, 1\]"):
        overlap_risk(X * [1, 0], treated, time, event, AT, draws=2)
    with pytest.raises(InputRefused, match="E607 level:"):
        overlap_risk(X, treated, time, event, AT, draws=2, level=95)
    with pytest.raises(NotEstimable, match="separation"):
        overlap_risk(np.column_stack([X, treated + 0.0 * time]), treated, time, event, AT, draws=2)
    with pytest.raises(NotEstimable, match="no times"):
        overlap_risk(X, treated, time, event, [], draws=2)


def test_before_anything_happens_there_is_no_interval():
    rng = np.random.default_rng(3)
    x, arm = rng.normal(size=(80, 1)), np.arange(80) % 2
    found = overlap_risk(x, arm, rng.integers(20, 60, 80), rng.integers(0, 2, 80), [5, 50], draws=50)
    assert found.difference[0] == 0
    limits = (found.treated_low, found.control_high, found.difference_low, found.difference_high)
    assert all(np.isnan(limit[0]) and np.isfinite(limit[1]) for limit in limits)


def test_columns_beyond_the_range_of_squares_are_refused():
    with pytest.raises(InputRefused, match="E750"):
        overlap_risk([[1e300], [0.0], [1.0], [2.0]], [0, 1, 0, 1], [1, 2, 3, 4], [1, 1, 1, 1], 2)
