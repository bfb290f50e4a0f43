"""Pseudo-observations: by hand, against R, against derivatives and delete-one, and by simulation."""

from __future__ import annotations

import csv
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outcomes.errors import InputRefused, NotEstimable
from outcomes.estimators.curves import (
    aalen_johansen,
    incidence_at,
    kaplan_meier,
    pseudo_incidence,
    pseudo_observations,
    pseudo_restricted_means,
    restricted_mean,
    survival_at,
)
from outcomes.selftest.stored import REFERENCE
from support import plain_curves as plain


@pytest.fixture(scope="module")
def lung():
    with (REFERENCE / "data" / "lung.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    time, event = (np.array([int(row[name]) for row in rows]) for name in ("time", "event"))
    return time, event, json.loads((REFERENCE / "reference.json").read_text())["lung"]


# -- by hand ----------------------------------------------------------------------------------------------------------


def test_without_censoring_it_is_the_outcome_itself():
    time = [3, 1, 7, 5, 1]
    assert pseudo_observations(time, [1] * 5, [1, 4]) == pytest.approx(
        np.array([[1, 0], [0, 0], [1, 1], [1, 1], [0, 0]]), abs=1e-14
    )
    assert pseudo_restricted_means(time, [1] * 5, 4) == pytest.approx([3, 1, 4, 4, 1], abs=1e-14)
    of_cause = pseudo_incidence(time, [1, 2, 1, 2, 1], 4)
    assert of_cause[:, :, 0] == pytest.approx(np.array([[1, 0], [0, 1], [0, 0], [0, 0], [1, 0]]), abs=1e-14)


def test_three_rows_one_censored():
    # S(2) = 1/2 from the day-2 event of two at risk; day 1 censored.
    # Derivatives of 1 - w2 / (w2 + w3): 0, -w3/(sum)^2 = -1/4, +1/4; times n = 3.
    assert pseudo_observations([1, 2, 3], [0, 1, 0], 2)[:, 0] == pytest.approx([0.5, -0.25, 1.25], abs=1e-15)
    # Area up to 3 is 2 + S(2).
    assert pseudo_restricted_means([1, 2, 3], [0, 1, 0], 3) == pytest.approx([2.5, 1.75, 3.25], abs=1e-15)


# -- R ----------------------------------------------------------------------------------------------------------------


def test_agrees_with_r(lung):
    time, event, answers = lung
    expected = answers["pseudo"]
    values = pseudo_observations(time, event, expected["at"])
    assert values.shape == (228, 2)
    np.testing.assert_allclose(values[:10], expected["first10"], rtol=0, atol=1e-10)
    np.testing.assert_allclose(values.mean(axis=0), expected["mean"], rtol=0, atol=1e-10)


def test_the_mean_is_the_curve(lung):
    time, event, _ = lung
    days = [0, 5, 180, 365, 883, 1022]
    np.testing.assert_allclose(
        pseudo_observations(time, event, days).mean(axis=0), survival_at(kaplan_meier(time, event), days)[0], atol=1e-13
    )
    for horizon in (3.5, 365, 1022):
        mean = restricted_mean(kaplan_meier(time, event), horizon)
        values = pseudo_restricted_means(time, event, horizon)
        assert values.mean() == pytest.approx(mean.value, rel=1e-12)
        # Their spread is the jackknife's standard error, near Greenwood's.
        if horizon > 5:
            assert values.std() / math.sqrt(values.size) == pytest.approx(mean.std_err, rel=0.01)
    cause = np.where(event == 1, 1 + time % 2, 0)
    fit, values = aalen_johansen(time, cause), pseudo_incidence(time, cause, days)
    np.testing.assert_allclose(values.mean(axis=0), incidence_at(fit, days)[0], atol=1e-13)
    index = np.searchsorted(fit.time, days[1:5], side="right") - 1
    np.testing.assert_allclose(values.std(axis=0)[:, 1:5] / math.sqrt(228), fit.std_err[:, index], rtol=1e-9)
    np.testing.assert_allclose(1 - values.sum(axis=1), pseudo_observations(time, event, days), atol=1e-11)


# -- derivatives and delete-one ---------------------------------------------------------------------------------------

row = st.tuples(st.integers(0, 6), st.integers(0, 2))


@settings(max_examples=60, deadline=None)
@given(st.lists(row, min_size=1, max_size=10), st.integers(0, 6), st.sampled_from([1.0, 0.3]))
def test_agrees_with_derivatives_row_by_row(rows, day, unit):
    time, cause = [t * unit for t, _ in rows], [c for _, c in rows]
    event, ones, n = [c > 0 for c in cause], [1.0] * len(rows), len(rows)
    day = min(day * unit, max(time))
    expected = plain.survival(time, event, ones, day) + n * plain.influences(
        lambda w: plain.survival(time, event, w, day), ones
    )
    np.testing.assert_allclose(pseudo_observations(time, event, day)[:, 0], expected, atol=1e-11)
    values = pseudo_incidence(time, cause, [day], causes=2)
    assert pseudo_incidence(time, cause, [day]).shape == (n, max(cause), 1)
    for k in (1, 2):

        def curve(w, k=k):
            return plain.incidence(time, cause, w, k, day)

        np.testing.assert_allclose(values[:, k - 1, 0], curve(ones) + n * plain.influences(curve, ones), atol=1e-11)
    if day > 0:
        area = plain.restricted_mean(time, event, ones, day) + n * plain.influences(
            lambda w: plain.restricted_mean(time, event, w, day), ones
        )
        np.testing.assert_allclose(pseudo_restricted_means(time, event, day), area, atol=1e-11)


def test_delete_one_differs_by_order_one_over_n():
    rng, n = np.random.default_rng(8), 40
    time, event = rng.integers(1, 30, n), rng.integers(0, 2, n)
    largest = []
    for copies in (1, 4):  # the same rows again: the jackknife's values stay, delete-one comes nearer
        t, e = np.tile(time, copies), np.tile(event, copies)
        ours = pseudo_observations(t, e, 15)[:, 0]
        np.testing.assert_allclose(ours[:n], pseudo_observations(time, event, 15)[:, 0], atol=1e-12)
        whole = survival_at(kaplan_meier(t, e), 15)[0][0]
        without = [survival_at(kaplan_meier(np.delete(t, i), np.delete(e, i)), 15)[0][0] for i in range(n)]
        largest.append(np.abs(t.size * whole - (t.size - 1) * np.array(without) - ours[:n]).max())
    assert largest[0] > 1e-4  # they do differ
    assert largest[0] < 5 / n
    assert largest[0] / largest[1] == pytest.approx(4, rel=0.15)


def test_order_does_not_matter(lung):
    time, event, _ = lung
    shuffled = np.random.default_rng(1).permutation(time.size)
    np.testing.assert_array_equal(
        pseudo_observations(time[shuffled], event[shuffled], [90]), pseudo_observations(time, event, [90])[shuffled]
    )


# -- simulation -------------------------------------------------------------------------------------------------------


def test_group_means_estimate_each_groups_curve_and_the_naive_do_not():
    rng, runs, n, day = np.random.default_rng(20260104), 400, 200, 28
    group = np.arange(n) % 2
    scale = np.where(group == 1, 60.0, 30.0)
    truth = math.exp(-day / 60) - math.exp(-day / 30)
    ours, naive = [], []
    for _ in range(runs):
        time, end = np.ceil(rng.exponential(scale)), rng.integers(5, 80, n)
        seen = np.minimum(time, end)
        values = pseudo_observations(seen, time <= end, day)[:, 0]
        ours.append(values[group == 1].mean() - values[group == 0].mean())
        naive.append((seen > day)[group == 1].mean() - (seen > day)[group == 0].mean())
    spread = np.std(ours) / math.sqrt(runs)
    assert abs(np.mean(ours) - truth) < 3 * spread
    assert abs(np.mean(naive) - truth) > 10 * spread


# -- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", [pseudo_observations, pseudo_restricted_means, pseudo_incidence])
@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (([1, 5], [1, 0], 6), NotEstimable, "nobody was observed that long"),
        (([], [], 1), NotEstimable, "no rows"),
        (([-1, 5], [1, 0], 1), InputRefused, "E611"),
        (([1, 5], [1, 0.5], 1), InputRefused, "E6(12|85)"),
        (([1, 5], [1], 1), InputRefused, "E603"),
        (([1, 5], [1, 0], -1), InputRefused, "E61[46]"),
        (([1, 5], [1, 0], float("nan")), InputRefused, "E6(04|16)"),
        (([1, 5], [1, 0], float("inf")), InputRefused, "E605"),
    ],
)
def test_refuses_by_name(call, arguments, error, words):
    with pytest.raises(error, match=words):
        call(*arguments)


def test_a_curve_that_has_reached_zero_is_known_for_ever():
    assert pseudo_observations([1, 2], [1, 1], 9)[:, 0].tolist() == [0, 0]
    assert pseudo_restricted_means([1, 2], [1, 1], 9) == pytest.approx([1, 2])
    assert pseudo_incidence([1, 2], [1, 2], 9)[:, :, 0] == pytest.approx(np.eye(2))


@pytest.mark.parametrize(
    ("call", "refusal"),
    [
        (lambda: pseudo_observations([1, 2, 3], [1, 0, 1], ["1"]), "E601 at"),
        (lambda: pseudo_observations([1, 2, 3], [1, 0, 1], [[1], [2, 3]]), "E601 at"),
        (lambda: pseudo_observations([1, 2, 3], [1, 0, 1], np.datetime64("2020-01-01")), "E617 at"),
        (lambda: pseudo_observations([1, 2, 3], [1, 0, 1], -1), "E614 at"),
        (lambda: pseudo_observations([1, 2, 3], [1, 0, 1], 2), None),
        (lambda: pseudo_incidence([1, 2, 3], [1, 0, 2], ["1"]), "E601 at"),
        (lambda: pseudo_incidence([1, 2, 3], [1, 0, 2], 1, causes="2"), "E684 causes"),
        (lambda: pseudo_incidence([1, 2, 3], [1, 0, 2], 1, causes=2), None),
        (lambda: pseudo_restricted_means([1, 2, 3], [1, 0, 1], None), "E604 horizon"),
        (lambda: pseudo_restricted_means([1, 2, 3], [1, 0, 1], "2"), "E601 horizon"),
        (lambda: pseudo_restricted_means([1, 2, 3], [1, 0, 1], [2]), "E620 horizon"),
        (lambda: pseudo_restricted_means([1, 2, 3], [1, 0, 1], 2), None),
    ],
)
def test_arguments_of_another_kind_are_refused_by_name(call, refusal):
    if refusal is None:
        call()
        return
    with pytest.raises(InputRefused, match=f"{refusal}: "):
        call()


def test_no_days_give_no_columns():
    assert pseudo_observations([1, 2, 3], [1, 0, 1], []).shape == (3, 0)
    assert pseudo_incidence([1, 2, 3], [1, 0, 2], []).shape == (3, 2, 0)
