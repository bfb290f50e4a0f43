"""Kaplan-Meier with rows that belong together: by hand, against R, and under what must not matter."""

from __future__ import annotations

import csv
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outcomes.errors import InputRefused, NotEstimable
from outcomes.estimators.curves import kaplan_meier, quantile, restricted_mean, simultaneous_band, survival_at
from outcomes.selftest.stored import REFERENCE


@pytest.fixture(scope="module")
def cgd():
    answers = json.loads((REFERENCE / "counts.json").read_text())["clusters"]
    with (REFERENCE / "data" / "cgd.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: np.array([float(row[name]) for row in rows]) for name in ("id", "start", "stop", "event")}, answers


# -- by hand ----------------------------------------------------------------------------------------------------------


def test_four_rows_of_two_clusters():
    # Events on 1 (a) and 2 (b); censored on 3 (a), 4 (b). S is 3/4, then 1/2.
    curve = kaplan_meier([1, 2, 3, 4], [1, 1, 0, 0], cluster=["a", "b", "a", "b"])
    # On log S, by row: day 1 (-3, 1, 1, 1)/12; day 2 adds (0, -2, 1, 1)/6.
    one, two = np.array([-3 + 1, 1 + 1]) / 12, np.array([-2 + 2, 2 - 2]) / 12
    assert curve.std_err == pytest.approx([0.75 * math.hypot(*one), 0.5 * math.hypot(*two)], abs=1e-15)
    assert curve.clusters == 2
    # On day 2 the clusters cancel: a standard error of 0 gives no limits.
    assert curve.std_err[1] == 0
    assert np.isnan([curve.conf_low[1], curve.conf_high[1]]).all()
    s, width = 0.75, 1.959963984540054 * math.hypot(*one) / math.log(0.75)
    assert curve.conf_low[0] == pytest.approx(math.exp(-math.exp(math.log(-math.log(s)) - width)), abs=1e-14)
    assert curve.conf_high[0] == pytest.approx(math.exp(-math.exp(math.log(-math.log(s)) + width)), abs=1e-14)


def test_the_curve_itself_stays():
    rng = np.random.default_rng(8)
    time, event, cluster = rng.integers(1, 30, 90), rng.integers(0, 2, 90), rng.integers(0, 20, 90)
    plain, curve = kaplan_meier(time, event), kaplan_meier(time, event, cluster=cluster)
    for name in ("time", "at_risk", "events", "survival", "watched_time", "watched"):
        np.testing.assert_array_equal(getattr(plain, name), getattr(curve, name))
    assert (plain.clusters, curve.clusters) == (None, 20)
    assert survival_at(curve, 9)[1:3] != survival_at(plain, 9)[1:3]
    assert quantile(curve, 0.3)[0] == quantile(plain, 0.3)[0]


# -- against R --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["gap", "gap_weighted", "entry", "entry_weighted"])
def test_against_survfit(cgd, part):
    rows, answers = cgd
    weights = np.where(np.arange(rows["id"].size) % 3 == 2, 2.5, 0.75) if part.endswith("weighted") else None
    entry = rows["start"] if part.startswith("entry") else None
    time = rows["stop"] if part.startswith("entry") else rows["stop"] - rows["start"]
    curve = kaplan_meier(time, rows["event"], weights, entry, cluster=rows["id"])
    m = len(answers[part]["time"])
    assert m >= 50
    for name in ("time", "survival", "std_err", "conf_low", "conf_high"):
        np.testing.assert_allclose(getattr(curve, name)[:m], answers[part][name], rtol=0, atol=1e-10, err_msg=name)


# -- what must not matter ---------------------------------------------------------------------------------------------

row = st.tuples(
    st.integers(0, 12), st.integers(0, 1), st.integers(-1, 11), st.integers(0, 4), st.sampled_from([0.5, 1.0, 3.0])
).filter(lambda r: r[2] < r[0])
data_sets = st.lists(row, min_size=2, max_size=25).filter(lambda rows: len({r[3] for r in rows}) > 1)


@settings(max_examples=200, deadline=None)
@given(data_sets)
def test_agrees_with_exact_derivatives(rows):
    time, event, entry, cluster, weights = (np.array(column) for column in zip(*rows, strict=True))
    curve = kaplan_meier(time, event, weights, entry, cluster=cluster)

    def plain(w):
        s, out = 1, []
        for t in sorted(set(time[event == 1])):
            at_risk = sum(w[(entry < t) & (t <= time)])
            s = s * (1 - sum(w[(time == t) & (event == 1)]) / at_risk)
            out.append(s)
        return np.array(out, dtype=complex)

    moves = np.zeros((5, curve.time.size))
    for i in range(time.size):
        moved = weights.astype(complex)
        moved[i] += 1e-30j
        moves[cluster[i]] += weights[i] * np.imag(plain(moved)) / 1e-30
    expected = np.sqrt((moves**2).sum(axis=0))
    alive = curve.survival > 0
    np.testing.assert_allclose(curve.std_err[alive], expected[alive], rtol=1e-9, atol=1e-9)
    assert np.isnan(curve.std_err[~alive]).all()


def same(one, other):
    for name in ("time", "survival", "std_err", "conf_low", "conf_high"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-11, atol=1e-13, err_msg=name)


def test_order_labels_weights_and_entry_do_not_matter(cgd):
    rows = cgd[0]
    time, event, cluster = rows["stop"] - rows["start"], rows["event"], rows["id"]
    curve = kaplan_meier(time, event, cluster=cluster)
    order = np.random.default_rng(1).permutation(time.size)
    same(curve, kaplan_meier(time[order], event[order], cluster=cluster[order]))
    same(curve, kaplan_meier(time, event, cluster=[f"patient {i}" for i in cluster]))
    same(curve, kaplan_meier(time, event, np.full(time.size, 10.0), cluster=cluster))
    same(curve, kaplan_meier(time, event, entry=np.full(time.size, -1.0), cluster=cluster))
    # Every row twice in its own cluster changes nothing: no row is news about another of its cluster.
    same(curve, kaplan_meier(np.tile(time, 2), np.tile(event, 2), cluster=np.tile(cluster, 2)))
    # A piece cut in two belongs to the same cluster.
    pieces = kaplan_meier(
        np.concatenate([time / 2, time]),
        np.concatenate([np.zeros(time.size), event]),
        entry=np.concatenate([np.full(time.size, -1.0), time / 2]),
        cluster=np.tile(cluster, 2),
    )
    same(curve, pieces)


def test_rows_without_weight_are_absent():
    rows = ([1, 2, 3, 2, 5, 6], [1, 1, 0, 1, 1, 0])
    with_none = kaplan_meier(*rows, [1, 1, 1, 0, 1, 1], cluster=[1, 1, 2, 3, 2, 4])
    same(with_none, kaplan_meier([1, 2, 3, 5, 6], [1, 1, 0, 1, 0], cluster=[1, 1, 2, 2, 4]))
    assert with_none.clusters == 3


def test_rows_as_clusters_are_near_greenwood():
    rng = np.random.default_rng(2)
    time, event = rng.exponential(20, 400), rng.integers(0, 2, 400)
    plain, curve = kaplan_meier(time, event), kaplan_meier(time, event, cluster=np.arange(400))
    many = plain.at_risk > 40
    np.testing.assert_allclose(curve.std_err[many], plain.std_err[many], rtol=0.02)


def test_no_events_and_survival_of_zero():
    quiet = kaplan_meier([3, 4], [0, 0], cluster=[1, 2])
    assert (quiet.time.size, quiet.clusters) == (0, 2)
    ended = kaplan_meier([1, 2, 3], [1, 1, 1], cluster=[1, 1, 2])
    assert np.isnan([ended.std_err[-1], ended.conf_low[-1], ended.conf_high[-1]]).all()
    assert np.isfinite(ended.std_err[:-1]).all()


# -- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cluster", "error", "reason"),
    [
        ([1, 1], InputRefused, "E679 cluster"),
        ([1, math.nan, 2], InputRefused, "E604 cluster"),
        (["a", None, "b"], InputRefused, "E679 cluster"),
        (["a", 1, "b"], InputRefused, "E679 cluster"),
        ([1, 1, 1], NotEstimable, "one cluster"),
    ],
)
def test_refuses_by_name(cluster, error, reason):
    with pytest.raises(error, match=reason):
        kaplan_meier([1, 2, 3], [1, 0, 1], cluster=cluster)


def test_weight_in_one_cluster_only_is_refused():
    with pytest.raises(NotEstimable, match="one cluster"):
        kaplan_meier([1, 2, 3], [1, 0, 1], [1, 1, 0], cluster=[1, 1, 2])


def test_a_weight_whose_square_is_lost_is_refused():
    with pytest.raises(InputRefused, match="E735 weights"):
        kaplan_meier([1, 2, 3], [1, 0, 1], [1, 1, 1e-7], cluster=[1, 1, 2])
    kaplan_meier([1, 2, 3], [1, 0, 1], [1, 1, 1e-7])


def test_what_takes_rows_as_independent_refuses_a_curve_with_clusters():
    curve = kaplan_meier([1, 2, 3, 4], [1, 1, 0, 1], cluster=[0, 0, 1, 1])
    for use in (lambda: restricted_mean(curve, 3), lambda: simultaneous_band(curve)):
        with pytest.raises(InputRefused, match="E736"):
            use()
