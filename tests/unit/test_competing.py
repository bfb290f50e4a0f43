"""Aalen-Johansen: by hand, against R, against derivatives, under what must not matter, and by simulation."""

from __future__ import annotations

import csv
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outcomes.errors import InputRefused, NotEstimable
from outcomes.estimators.curves import aalen_johansen, incidence_at, kaplan_meier
from outcomes.selftest.stored import REFERENCE
from support import plain_curves as plain


@pytest.fixture(scope="module")
def mgus2():
    with (REFERENCE / "data" / "mgus2.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    time, cause = (np.array([int(row[name]) for row in rows]) for name in ("time", "cause"))
    female = np.array([row["sex"] == "F" for row in rows])
    return time, cause, female, json.loads((REFERENCE / "reference.json").read_text())["mgus2"]


# -- by hand ----------------------------------------------------------------------------------------------------------


def test_seven_rows_unsorted():
    # day 1: 1 of 7 has cause 1; day 2: one left censored, of 6 one cause 1, one cause 2; day 4: of 3 one cause 2.
    fit = aalen_johansen([4, 2, 1, 2, 9, 2, 6], [2, 1, 1, 0, 0, 2, 0])
    assert fit.time.tolist() == [1, 2, 4]
    assert fit.causes.tolist() == [1, 2]
    assert fit.at_risk.tolist() == [7, 6, 3]
    assert fit.events.tolist() == [[1, 1, 0], [0, 1, 1]]
    s1, s2 = 6 / 7, 6 / 7 * 4 / 6
    assert fit.incidence[0] == pytest.approx([1 / 7, 1 / 7 + s1 / 6, 1 / 7 + s1 / 6], abs=1e-15)
    assert fit.incidence[1] == pytest.approx([0, s1 / 6, s1 / 6 + s2 / 3], abs=1e-15)
    assert fit.event_free == pytest.approx([s1, s2, s2 * 2 / 3], abs=1e-15)
    # Nobody censored before day 2: the standard error of a plain share.
    assert fit.std_err[0, :2] == pytest.approx([math.sqrt(1 / 7 * 6 / 7 / 7), math.sqrt(2 / 7 * 5 / 7 / 7)], abs=1e-15)
    assert fit.std_err[1, 0] == 0
    assert (fit.conf_low[1, 0], fit.conf_high[1, 0]) == (0, 0)
    se = math.sqrt(1 / 7 * 6 / 7 / 7)
    centre, width = math.log(-math.log(6 / 7)), 1.959963984540054 * se / (6 / 7 * math.log(6 / 7))
    assert fit.conf_high[0, 0] == pytest.approx(1 - math.exp(-math.exp(centre - width)), abs=1e-14)
    assert fit.conf_low[0, 0] == pytest.approx(1 - math.exp(-math.exp(centre + width)), abs=1e-14)


def test_reading_before_between_and_after():
    fit = aalen_johansen([2, 4, 6], [1, 2, 0])
    incidence, low, high, at_risk = incidence_at(fit, [1, 2, 5, 7])
    assert incidence[:, :3] == pytest.approx(np.array([[0, 1 / 3, 1 / 3], [0, 0, 1 / 3]]))
    assert np.isnan(incidence[:, 3]).all()
    assert (low[0, 0], high[0, 0]) == (0, 0)
    assert at_risk.tolist() == [3, 3, 1, 0]
    everybody = incidence_at(aalen_johansen([2, 4], [1, 2]), 99)[0]
    assert everybody[:, 0].tolist() == [0.5, 0.5]


def test_a_cause_that_did_not_happen_keeps_its_row():
    fit = aalen_johansen([1, 2], [1, 0], causes=3)
    assert fit.incidence.tolist() == [[0.5], [0], [0]]
    none = aalen_johansen([1, 2], [0, 0], causes=2)
    assert none.incidence.shape == (2, 0)
    assert incidence_at(none, 1)[0].tolist() == [[0], [0]]
    assert aalen_johansen([1, 2], [0, 0]).incidence.shape == (0, 0)


# -- R ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", ["all", "female"])
def test_agrees_with_r(mgus2, answer):
    time, cause, female, answers = mgus2
    rows = female if answer == "female" else np.ones(time.size, dtype=bool)
    fit, expected = aalen_johansen(time[rows], cause[rows]), answers[answer]
    incidence = incidence_at(fit, expected["at"])[0]
    index = np.searchsorted(fit.time, expected["at"], side="right") - 1
    for k, name in enumerate(("pcm", "death")):
        assert incidence[k] == pytest.approx(expected[name], rel=0, abs=1e-12)
        assert fit.std_err[k, index] == pytest.approx(expected[f"{name}_se"], rel=0, abs=1e-10)


# -- derivatives ------------------------------------------------------------------------------------------------------

row = st.tuples(st.integers(0, 6), st.integers(0, 2), st.sampled_from([0.5, 1.0, 2.75]))


@settings(max_examples=60, deadline=None)
@given(st.lists(row, min_size=1, max_size=12))
def test_agrees_with_sums_and_derivatives_row_by_row(rows):
    time, cause, weights = map(list, zip(*rows, strict=True))
    fit = aalen_johansen(time, cause, weights, causes=2)
    for j, day in enumerate(fit.time):
        for k in (1, 2):
            assert fit.incidence[k - 1, j] == pytest.approx(plain.incidence(time, cause, weights, k, day), abs=1e-13)
            influence = plain.influences(lambda w, k=k, day=day: plain.incidence(time, cause, w, k, day), weights)
            expected = math.sqrt(sum((np.array(weights) * influence) ** 2))
            assert fit.std_err[k - 1, j] == pytest.approx(expected, rel=1e-8, abs=1e-8)


def test_nothing_cancels_where_almost_nobody_is_left():
    # Real-valued times, no ties, down to the last row: the sums hold m = 1 / (n - d), from 1/n up to 1.
    rng, n = np.random.default_rng(3), 3000
    time, cause = rng.exponential(1, n), rng.integers(0, 3, n)
    fit = aalen_johansen(time, cause)
    order = np.argsort(time)
    c, at_risk = cause[order], np.arange(n, 0, -1).astype(np.longdouble)
    d = (c > 0).astype(np.longdouble)
    left = at_risk - d
    inverse = np.where(left > 0, 1 / np.maximum(left, 1), 0)
    total, s = np.cumsum(d / at_risk * inverse), np.cumprod(left / at_risk)
    before = np.concatenate([[1], s[:-1]])
    for k in (1, 2):
        f = np.cumsum(before * (c == k) / at_risk)
        a = np.cumsum(before * (c == k) / at_risk * (np.concatenate([[0], total[:-1]]) - 1 / at_risk))
        start, m = a + (c == k) * before / at_risk, d * inverse - total
        later = np.arange(n)[:, None] <= np.arange(n)[None, :]
        influence = np.where(later, (start + m * f)[:, None] - m[:, None] * f[None, :], a[None, :])
        expected = np.sqrt((influence**2).sum(axis=0)).astype(float)[c > 0]
        np.testing.assert_allclose(fit.std_err[k - 1][expected > 0], expected[expected > 0], rtol=1e-9)


# -- what must not matter ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [1, 7, 64])
def test_the_blocks_of_days_do_not_matter(mgus2, monkeypatch, length):
    time, cause, _, _ = mgus2
    whole = aalen_johansen(time, cause)
    monkeypatch.setattr("outcomes.estimators.curves.competing._BLOCK", length)
    assert whole.time.size > length
    np.testing.assert_allclose(aalen_johansen(time, cause).std_err, whole.std_err, rtol=1e-13)


def test_weights_at_risk_are_one_number_wherever_they_are_read():
    rng = np.random.default_rng(11)
    fit = aalen_johansen(rng.exponential(14.0, 500), rng.integers(0, 3, 500), rng.uniform(0.1, 3.0, 500))
    np.testing.assert_array_equal(fit.at_risk, fit.watched[np.searchsorted(fit.watched_time, fit.time)])


def test_one_cause_is_kaplan_meier(mgus2):
    time, cause, _, _ = mgus2
    fit, curve = aalen_johansen(time, cause > 0), kaplan_meier(time, cause > 0)
    np.testing.assert_allclose(fit.incidence[0], 1 - curve.survival, atol=1e-13)
    # The jackknife is Greenwood's up to terms of order 1/n.
    np.testing.assert_allclose(fit.std_err[0, :150], curve.std_err[:150], rtol=1e-2)
    np.testing.assert_allclose(fit.conf_low[0, :150], 1 - curve.conf_high[:150], rtol=1e-1, atol=1e-3)


def test_order_names_doubling_and_unit_do_not_matter(mgus2):
    time, cause, _, _ = mgus2
    fit = aalen_johansen(time, cause)
    np.testing.assert_allclose(fit.incidence.sum(axis=0) + fit.event_free, 1, atol=1e-13)
    shuffled = np.random.default_rng(1).permutation(time.size)
    again = aalen_johansen(time[shuffled], cause[shuffled].astype(float))
    np.testing.assert_array_equal(again.std_err, fit.std_err)
    renamed = aalen_johansen(time, np.array([0, 2, 1])[cause])
    np.testing.assert_allclose(renamed.incidence[::-1], fit.incidence, rtol=0, atol=1e-15)
    np.testing.assert_allclose(renamed.std_err[::-1], fit.std_err, rtol=0, atol=1e-14)
    halves = aalen_johansen(np.tile(time, 2), np.tile(cause, 2), np.full(2 * time.size, 0.5))
    np.testing.assert_allclose(halves.incidence, fit.incidence, rtol=1e-12)
    np.testing.assert_allclose(halves.std_err * math.sqrt(2), fit.std_err, rtol=1e-9)  # said so: they are 2 n rows
    real = aalen_johansen(time / 7 + 0.1, cause)
    assert real.time.size == fit.time.size
    np.testing.assert_allclose(real.std_err, fit.std_err, rtol=1e-12)
    absent = aalen_johansen([*time, 5], [*cause, 1], [*np.ones(time.size), 0])
    np.testing.assert_array_equal(absent.incidence, fit.incidence)


# -- simulation -------------------------------------------------------------------------------------------------------


def test_limits_cover_as_often_as_they_say():
    rng, runs, n, day = np.random.default_rng(20260103), 1000, 150, 28
    rate = np.array([1 / 60, 1 / 90])
    truth = rate / rate.sum() * (1 - math.exp(-day * rate.sum()))
    covered = np.zeros(2)
    for _ in range(runs):
        time, end = np.ceil(rng.exponential(1 / rate.sum(), n)), rng.integers(10, 80, n)
        cause = np.where(time <= end, np.where(rng.random(n) < rate[0] / rate.sum(), 1, 2), 0)
        _, low, high, _ = incidence_at(aalen_johansen(np.minimum(time, end), cause), day)
        covered += (low[:, 0] <= truth) & (truth <= high[:, 0])
    assert np.all(np.abs(covered / runs - 0.95) < 3 * math.sqrt(0.95 * 0.05 / runs))


def test_the_naive_answer_does_differ(mgus2):
    time, cause, _, _ = mgus2
    ours = incidence_at(aalen_johansen(time, cause), 240)[0][0, 0]
    curve = kaplan_meier(time, cause == 1)
    one_minus_kaplan_meier = 1 - curve.survival[np.searchsorted(curve.time, 240, side="right") - 1]
    assert one_minus_kaplan_meier > 1.5 * ours


# -- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (([1, 2], [1, 1.5]), InputRefused, "E685.*positions 1"),
        (([1, 2], [1, -1]), InputRefused, "E685"),
        (([1, 2], [1, 3], None, 0.95, 2), InputRefused, "E685"),
        (([1, 2], [1, 10**6]), InputRefused, "E685"),
        (([1, 2], [1, 0], None, 0.95, 0), InputRefused, "E684"),
        (([-1, 2], [1, 0]), InputRefused, "E611"),
        (([1, np.nan], [1, 0]), InputRefused, "E604"),
        (([1, 2], [1, 0, 0]), InputRefused, "E603"),
        (([1, 2], ["a", "b"]), InputRefused, "E601"),
        (([1, 2], [1, 0], [1, -1]), InputRefused, "E606"),
        (([1, 2], [1, 0], None, 95), InputRefused, "E607"),
        (([1, 2], [1, 0], [0, 0]), NotEstimable, "every weight is zero"),
        (([], []), NotEstimable, "no rows"),
    ],
)
def test_refuses_by_name(arguments, error, words):
    with pytest.raises(error, match=f"(?s){words}"):
        aalen_johansen(*arguments)


def test_negative_days_are_refused():
    with pytest.raises(InputRefused, match="E614"):
        incidence_at(aalen_johansen([1], [1]), -1)


@pytest.mark.parametrize("causes", ["2", 1.5, [2], 0, 101, math.nan, True])
def test_a_number_of_causes_that_is_none_is_refused_by_name(causes):
    with pytest.raises(InputRefused, match="E684 causes: "):
        aalen_johansen([3, 4], [0, 1], causes=causes)


@pytest.mark.parametrize("causes", [None, 1, 2.0, np.int8(2)])
def test_a_legal_number_of_causes_is_taken(causes):
    assert aalen_johansen([3, 4], [0, 1], causes=causes).causes.size == (causes or 1)
