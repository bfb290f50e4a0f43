"""The interval-censored curve: by hand, against R, against a plain EM, under what must not matter, and its draws."""

from __future__ import annotations

import csv
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import outcomes.estimators.npmle
from interval_data import simulate
from outcomes.errors import InputRefused, NotEstimable
from outcomes.estimators.curves import kaplan_meier, survival_at
from outcomes.estimators.npmle import cdf_at, npmle, quantile
from outcomes.selftest.stored import REFERENCE

INF = math.inf


def plain_em(left, right, passes=20_000):
    """Ten lines that are obviously Turnbull's self-consistency."""
    left, right = np.asarray(left, float), np.asarray(right, float)
    cells = [
        (q, p)
        for q in np.unique(left)
        for p in np.unique(right)
        if q < p and not ((q < left) & (left < p)).any() and not ((q < right) & (right < p)).any()
    ]
    inside = np.array([[a <= q and p <= b for q, p in cells] for a, b in zip(left, right, strict=True)], float)
    mass = np.full(len(cells), 1 / len(cells))
    for _ in range(passes):
        share = inside * mass
        mass = (share / share.sum(axis=1, keepdims=True)).mean(axis=0)
    return cells, mass, float(np.log(inside @ mass).sum())


# -- by hand ----------------------------------------------------------------------------------------------------------


def test_four_rows():
    # (0,2] and (1,3] meet in (1,2]; (2,4] in (2,3] with (1,3]. Mass p on (1,2], 1-p on (2,3]: p * 1 * (1-p) is largest
    # at one half; the fourth row says nothing.
    fit = npmle([0, 1, 2, 0], [2, 3, 4, INF])
    assert fit.left.tolist() == [1, 2]
    assert fit.right.tolist() == [2, 3]
    assert fit.mass == pytest.approx([0.5, 0.5], abs=1e-9)
    assert fit.loglik == pytest.approx(2 * math.log(0.5), abs=1e-9)
    assert fit.gap < 1e-9
    lower, upper = cdf_at(fit, [0, 1, 1.5, 2, 2.5, 3])
    assert lower == pytest.approx([0, 0, 0, 0.5, 0.5, 1])
    assert upper == pytest.approx([0, 0, 0.5, 0.5, 1, 1])
    assert quantile(fit, 0.5) == (1, 2)


def test_open_on_the_left_closed_on_the_right():
    # (1,2] and (2,3] do not meet at 2; the exact time 2 belongs to the first.
    fit = npmle([1, 2, 2], [2, 3, 2])
    assert list(zip(fit.left, fit.right, strict=True)) == [(2, 2), (2, 3)]
    assert fit.mass == pytest.approx([2 / 3, 1 / 3], abs=1e-9)
    assert cdf_at(fit, 2)[0][0] == pytest.approx(2 / 3)


def test_mass_beyond_the_last_look():
    fit = npmle([0, 5, 5], [3, INF, INF])
    assert fit.right.tolist() == [3, INF]
    assert fit.mass == pytest.approx([1 / 3, 2 / 3])
    assert cdf_at(fit, 1000)[0][0] == pytest.approx(1 / 3)
    assert quantile(fit, 0.5) == (5, INF)


def test_rows_seen_once_say_nothing_but_are_allowed():
    left, right = simulate(80, 1)
    fit, more = npmle(left, right), npmle([*left, 0, 0], [*right, INF, INF])
    days = np.arange(60)
    assert cdf_at(more, days)[0] == pytest.approx(cdf_at(fit, days)[0], abs=1e-7)


# -- R ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "arm"),
    [("npmle_radiotherapy", "radiotherapy"), ("npmle_chemotherapy", "radiotherapy_chemotherapy")],
)
def test_breast_cosmesis(answer, arm):
    expected = json.loads((REFERENCE / "reference.json").read_text())["cosmesis"][answer]
    with (REFERENCE / "data" / "cosmesis.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["arm"] == arm]
    fit = npmle([float(row["left"]) for row in rows], [float(row["right"] or "inf") for row in rows])
    assert fit.left.tolist() == expected["left"]
    assert fit.right.tolist() == expected["right"]
    assert fit.mass == pytest.approx(expected["mass"], rel=0, abs=1e-6)
    assert fit.loglik == pytest.approx(expected["loglik"], rel=0, abs=1e-9)
    assert fit.gap < 1e-9


# -- what must not matter, and what must follow -----------------------------------------------------------------------


def test_exact_and_right_censored_times_give_kaplan_meier():
    rng = np.random.default_rng(3)
    time, event = rng.integers(1, 30, 200).astype(float), rng.random(200) < 0.6
    curve = survival_at(kaplan_meier(time, event), np.arange(int(time.max())))[0]
    exact = npmle(time, np.where(event, time, INF))
    assert exact.iterations == 0
    assert 1 - cdf_at(exact, np.arange(int(time.max())))[0] == pytest.approx(curve, abs=1e-12)
    almost = npmle(np.where(event, time - 1e-6, time), np.where(event, time, INF))
    assert 1 - cdf_at(almost, np.arange(int(time.max())))[0] == pytest.approx(curve, abs=1e-12)


def test_order_doubling_weights_and_unit_do_not_matter():
    left, right = simulate(400, 4)
    fit, days = npmle(left, right), np.arange(90)
    shuffled = np.random.default_rng(5).permutation(left.size)
    again = npmle(left[shuffled], right[shuffled])
    np.testing.assert_array_equal(again.mass, fit.mass)
    doubled = npmle(np.tile(left, 2), np.tile(right, 2), np.full(2 * left.size, 0.5))
    assert cdf_at(doubled, days)[0] == pytest.approx(cdf_at(fit, days)[0], abs=1e-7)
    assert doubled.loglik == pytest.approx(fit.loglik, rel=1e-10)
    weeks = npmle(left / 7, right / 7)
    assert cdf_at(weeks, days / 7 + 1e-9)[0] == pytest.approx(cdf_at(fit, days)[0], abs=1e-7)
    silent = npmle([*left, 3], [*right, 4], [*np.ones(left.size), 0])
    np.testing.assert_array_equal(silent.mass, fit.mass)


def test_reversed_time_gives_the_mirrored_curve():
    left, right = simulate(150, 6, stop=0.0)
    seen = np.isfinite(right)
    left, right = left[seen], right[seen]
    end = right.max() + 1
    # Mirroring turns (a, b] into [b', a'): only ends that touch change sides, so none may touch.
    left = left + 0.25
    fit, mirrored = npmle(left, right), npmle(end - right, end - left)
    assert mirrored.loglik == pytest.approx(fit.loglik, abs=1e-8)
    assert mirrored.mass[::-1] == pytest.approx(fit.mass, abs=1e-6)


interval = st.tuples(st.integers(0, 9), st.one_of(st.integers(1, 6), st.just(INF))).map(lambda p: (p[0], p[0] + p[1]))


@settings(max_examples=60, deadline=None)
@given(st.lists(interval, min_size=2, max_size=14))
def test_agrees_with_a_plain_em(rows):
    left, right = map(list, zip(*rows, strict=True))
    if all(math.isinf(b) for b in right):
        with pytest.raises(NotEstimable, match="never seen"):
            npmle(left, right)
        return
    _, _, loglik = plain_em(left, right, 2_000)
    fit = npmle(left, right)
    assert fit.gap < 1e-9
    assert fit.mass.sum() == pytest.approx(1, abs=1e-12)
    # The EM can only stop short of the maximum; n * gap bounds how far the fit can be from it.
    assert fit.loglik >= loglik - 1e-9
    assert fit.loglik - loglik < 1e-2


@pytest.mark.parametrize("seed", range(8))
def test_masses_agree_with_a_long_em(seed):
    left, right = simulate(40, seed, step=8)
    cells, mass, loglik = plain_em(left, right)
    fit = npmle(left, right)
    assert fit.loglik == pytest.approx(loglik, abs=1e-5)
    days = np.arange(60)
    by_day = [sum(m for (_, p), m in zip(cells, mass, strict=True) if p <= day) for day in days]
    assert cdf_at(fit, days)[0] == pytest.approx(by_day, abs=2e-3)


def test_certificate_at_size():
    left, right = simulate(50_000, 7)
    fit = npmle(left, right)
    assert fit.gap < 1e-9
    assert fit.iterations < 40
    truth = 1 - np.exp(-np.array([14, 28, 42]) / 30)
    assert cdf_at(fit, [14, 28, 42])[0] == pytest.approx(truth, abs=0.015)


def test_the_naive_answer_does_differ():
    left, right = simulate(20_000, 8, step=28, stop=0.0)
    truth = 1 - math.exp(-14 / 30)
    at_visit = 1 - survival_at(kaplan_meier(np.where(np.isinf(right), left, right), np.isfinite(right)), 14)[0][0]
    assert cdf_at(npmle(left, right), 14)[0][0] == pytest.approx(truth, abs=0.03)
    assert at_visit < truth - 0.1


# -- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "error", "code"),
    [
        (([-1, 2], [1, 3]), InputRefused, "E631"),
        (([4, 2], [1, 3]), InputRefused, "E632"),
        (([1, float("nan")], [2, 3]), InputRefused, "E604"),
        (([INF, 2], [INF, 3]), InputRefused, "E605"),
        (([1, 2], [2, 3, 4]), InputRefused, "E603"),
        (([1, 2], [2, 3], [1, -1]), InputRefused, "E606"),
        (([1, 2], [2, 3], [0, 0]), NotEstimable, "every weight is zero"),
        (([1, 2], [INF, INF]), NotEstimable, "never seen"),
        (([], []), NotEstimable, "no rows"),
        (([1, 2], [2, 3], [1]), InputRefused, "E603"),
        (([1, 2], [2, 3], [1, float("nan")]), InputRefused, "E604"),
        (([1, 2], [2, -INF]), InputRefused, "E632"),
        (([[1, 2]], [[2, 3]]), InputRefused, "E602"),
        ((["a", "b"], [2, 3]), InputRefused, "E601"),
        (([1, 2], [INF, 3], [1, 0]), NotEstimable, "never seen"),
    ],
)
def test_refuses_by_name(arguments, error, code):
    with pytest.raises(error, match=code):
        npmle(*arguments)


def test_one_row():
    fit = npmle([2], [5])
    assert (fit.left.tolist(), fit.right.tolist(), fit.mass.tolist()) == ([2], [5], [1])
    # An exact time is a row like any other, and no fault.
    exact = npmle([2], [2])
    assert (exact.left.tolist(), exact.right.tolist(), exact.mass.tolist()) == ([2], [2], [1])


# -- times that are not whole days ------------------------------------------------------------------------------------


def real_valued(n, exact_share):
    rng = np.random.default_rng(n)
    time, left, right = rng.exponential(30, n), np.zeros(n), np.full(n, INF)
    day, coming = np.zeros(n), np.ones(n, dtype=bool)
    for _ in range(20):
        day = day + rng.uniform(1, 14, n)
        happened = coming & (time <= day)
        right[happened] = day[happened]
        coming &= ~happened
        left[coming] = day[coming]
        coming &= rng.random(n) >= 0.1
    exact = rng.random(n) < exact_share
    return np.where(exact, time, left), np.where(exact, time, right)


@pytest.mark.parametrize("exact_share", [0.0, 0.3])
def test_as_many_intervals_as_rows_still_reach_the_optimum(exact_share):
    fit = npmle(*real_valued(3000, exact_share))
    assert fit.gap < 1e-9
    assert cdf_at(fit, 28)[0][0] == pytest.approx(1 - math.exp(-28 / 30), abs=0.04)


def test_too_many_points_with_mass_are_refused_by_name():
    with pytest.raises(NotEstimable, match="Round the times to a coarser unit"):
        npmle(*real_valued(30_000, 0.4))


FIT = npmle([0, 1, 2], [1, 2, 3])


@pytest.mark.parametrize(
    ("call", "refusal"),
    [
        (lambda: npmle(["0", "1"], [2, 3]), "E601 left"),
        (lambda: npmle([0, 1], np.array(["2020-01-01"] * 2, "datetime64[D]")), "E617 right"),
        (lambda: npmle([0, 1], [2j, 3]), "E601 right"),
        (lambda: npmle([0, 1, 2], [1, 2, 3], [1e14, 1, 1]), "E619 weights"),
        (lambda: npmle([0, 1, 2], [1, 2, 3], [1e17, 1, 1]), "E619 weights"),
        (lambda: npmle([0, 1, 2, 3], [1, 2, 3, 4], [1e308] * 4), "E618 weights"),
        (lambda: npmle([0, 1, 2], [1, 2, 3], [1e11, 1, 1]), None),
        (lambda: quantile(FIT, 50), "E615 share"),
        (lambda: quantile(FIT, -1), "E615 share"),
        (lambda: quantile(FIT, math.nan), "E615 share"),
        (lambda: quantile(FIT, None), "E615 share"),
        (lambda: quantile(FIT, [0.5]), "E615 share"),
        (lambda: quantile(FIT, 0.5), None),
        (lambda: cdf_at(FIT, [1, -1]), "E614 days"),
        (lambda: cdf_at(FIT, ["1"]), "E601 days"),
        (lambda: cdf_at(FIT, [[1], [2, 3]]), "E601 days"),
        (lambda: cdf_at(FIT, None), "E604 days"),
        (lambda: cdf_at(FIT, 0), None),
    ],
)
def test_arguments_of_another_kind_are_refused_by_name(call, refusal):
    if refusal is None:
        call()
        return
    with pytest.raises(InputRefused, match=f"{refusal}: "):
        call()


def test_the_formula_keeps_the_digits_of_small_weights():
    # Kaplan-Meier of three exact times with weights 1e11, 1, 1: shares are weights over their sum.
    fit = npmle([0, 1, 2], [1, 2, 3], [1e11, 1, 1])
    assert fit.iterations == 0
    assert fit.gap < 1e-12
    assert fit.mass == pytest.approx(np.array([1e11, 1, 1]) / (1e11 + 2), rel=1e-12, abs=0)


@pytest.mark.parametrize("wrong", [[0.5, 0.3, 0.2], [0.5, 0.5, 0.0], [math.nan] * 3])
def test_a_formula_without_its_certificate_is_not_believed(monkeypatch, wrong):
    mass = np.array(wrong)
    monkeypatch.setattr(outcomes.estimators.npmle, "_product_limit", lambda low, high, weight, k: (mass, mass[low]))
    fit = npmle([0, 1, 2], [1, 2, 3], [1, 2, 1])
    assert fit.iterations > 0
    assert fit.gap < 1e-9
    assert fit.mass == pytest.approx([0.25, 0.5, 0.25], abs=1e-8)
