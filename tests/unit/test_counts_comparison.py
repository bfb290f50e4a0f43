"""Groups compared by how many events come: by hand, against R and the log-rank test, and what is refused."""

from __future__ import annotations

import csv
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outcomes.errors import InputRefused, NotEstimable
from outcomes.estimators.counts import compare_means, mean_at, mean_cumulative, mean_difference
from outcomes.estimators.curves import logrank
from outcomes.selftest.stored import REFERENCE

STORED = json.loads((REFERENCE / "counts.json").read_text())


def load(name, label):
    with (REFERENCE / "data" / f"{name}.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    numbers = tuple(np.array([float(row[key]) for row in rows]) for key in ("id", "start", "stop", "event"))
    return numbers, [row[label] for row in rows]


# -- by hand ----------------------------------------------------------------------------------------------------------


def test_four_subjects():
    # a, b against c, d; all watched to 5. a has events on 1 and 3, c on 3.
    rows = (list("aaabccd"), [0, 1, 3, 0, 0, 3, 0], [1, 3, 5, 5, 3, 5, 5], [1, 1, 0, 0, 1, 0, 0])
    test = compare_means(*rows, ["x", "x", "x", "x", "y", "y", "y"])
    assert test.groups == ("x", "y")
    assert test.observed.tolist() == [2, 1]
    assert test.expected == pytest.approx([1.5, 1.5], abs=1e-15)
    # Half of (events - 3/4) of each subject: a 5/8, b -3/8, c -1/8 (sign turned), d 3/8.
    variance = (25 + 9 + 1 + 9) / 64
    assert test.covariance == pytest.approx(np.array([[variance, -variance], [-variance, variance]]), abs=1e-15)
    assert test.statistic == pytest.approx(0.25 / variance, abs=1e-14)
    assert test.p_value == pytest.approx(math.erfc(math.sqrt(0.25 / variance / 2)), abs=1e-14)
    assert (test.df, test.subjects.tolist()) == (1, [2, 2])


def test_difference_by_hand():
    one = mean_cumulative([1, 2], [0, 0], [3, 8], [1, 0])
    two = mean_cumulative([1, 2, 3, 4], [0, 0, 0, 0], [5, 6, 6, 6], [1, 0, 0, 0])
    result = mean_difference(one, two, [2, 4, 5, 7], level=0.9)
    assert result.value[:3].tolist() == [0, 0.5, 0.25]
    se = [0, math.sqrt(2) / 4, math.sqrt(1 / 8 + 12 / 256)]
    assert result.std_err[:3] == pytest.approx(se, abs=1e-15)
    assert result.conf_low[2] == pytest.approx(0.25 - 1.6448536269514722 * se[2], abs=1e-14)
    assert result.conf_high[2] == pytest.approx(0.25 + 1.6448536269514722 * se[2], abs=1e-14)
    assert result.p_value[2] == pytest.approx(math.erfc(0.25 / se[2] / math.sqrt(2)), abs=1e-15)
    assert result.level == 0.9
    # Nothing has happened on day 2; nobody of the second was watched on day 7.
    assert np.isnan([result.conf_low[0], result.conf_high[0], result.p_value[0]]).all()
    assert np.isnan([result.value[3], result.std_err[3], result.conf_low[3], result.p_value[3]]).all()
    assert mean_difference(one, two, 4).value.tolist() == [0.5]


# -- against R and the log-rank test ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("data", "label"), [("cgd", "treat"), ("bladder2", "rx"), ("bladder1", "treatment")])
def test_robust_score_test(data, label):
    rows, group = load(data, label)
    test, answer = compare_means(*rows, group), STORED[data][label]
    assert test.statistic == pytest.approx(answer["statistic"], rel=1e-10)
    assert test.df == answer["df"]


@pytest.mark.parametrize("number", [i for i, one in enumerate(STORED["random"]) if "score_test" in one])
def test_random_sets(number):
    rows = {name: np.array(values, dtype=float) for name, values in STORED["random"][number]["rows"].items()}
    answer = STORED["random"][number]["score_test"]
    test = compare_means(*(rows[name] for name in ("id", "start", "stop", "event", "group", "w")))
    assert (test.df, test.statistic) == (answer["df"], pytest.approx(answer["statistic"], rel=1e-9))


def test_one_event_at_most_gives_the_differences_of_the_log_rank_test():
    rng = np.random.default_rng(3)
    time, event, group = rng.permutation(120) + 1, rng.integers(0, 2, 120), rng.integers(0, 3, 120)
    test, other = compare_means(np.arange(120), np.zeros(120), time, event, group), logrank(time, event, group)
    np.testing.assert_allclose(test.observed, other.observed, rtol=0, atol=1e-12)
    np.testing.assert_allclose(test.expected, other.expected, rtol=0, atol=1e-12)
    # Two estimates of one variance: near each other, not equal.
    assert test.statistic == pytest.approx(other.statistic, rel=0.25)


def test_events_taken_as_independent_would_find_too_much():
    rows, group = load("cgd", "treat")
    robust = compare_means(*rows, group)
    naive = compare_means(np.arange(rows[0].size), *rows[1:], group)
    np.testing.assert_allclose(naive.expected, robust.expected, rtol=1e-12)
    assert naive.statistic > 1.4 * robust.statistic


# -- what must not matter ---------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 4))
def test_order_labels_weights_and_time_do_not_matter(seed, k):
    rng = np.random.default_rng(seed)
    n = 20 * k
    id_, stop = np.arange(n), rng.integers(5, 40, n)
    first = rng.integers(1, 5, n)
    rows = (
        np.concatenate([id_, id_]),
        np.concatenate([np.zeros(n), first]),
        np.concatenate([first, stop]),
        rng.integers(0, 3, 2 * n),
    )
    group = np.tile(id_ % k, 2)
    test = compare_means(*rows, group)
    order = rng.permutation(2 * n)
    assert compare_means(*(c[order] for c in rows), group[order]).statistic == pytest.approx(test.statistic, rel=1e-9)
    named = compare_means(*rows, [f"g{9 - g}" for g in group])
    assert named.statistic == pytest.approx(test.statistic, rel=1e-8)
    np.testing.assert_allclose(named.observed, test.observed[::-1])
    tenfold = compare_means(*rows, group, np.full(2 * n, 10.0))
    assert tenfold.statistic == pytest.approx(test.statistic, rel=1e-9)
    later = compare_means(rows[0], rows[1] + 7.25, rows[2] + 7.25, rows[3], group)
    assert later.statistic == pytest.approx(test.statistic, rel=1e-9)
    np.testing.assert_allclose(test.covariance.sum(axis=0), 0, atol=1e-9)
    assert test.observed.sum() == pytest.approx(test.expected.sum())


def test_the_difference_of_the_curves_is_that_of_their_means():
    rows, group = load("cgd", "treat")
    placebo = np.array(group) == "placebo"
    one, two = (mean_cumulative(*(column[part] for column in rows)) for part in (placebo, ~placebo))
    at = [90, 180, 360]
    result = mean_difference(one, two, at)
    np.testing.assert_allclose(result.value, mean_at(one, at)[0] - mean_at(two, at)[0], rtol=1e-14)
    assert (result.conf_low[1:] > 0).all()
    back = mean_difference(two, one, at)
    np.testing.assert_allclose(back.conf_low, -result.conf_high, rtol=1e-14)


# -- bad input --------------------------------------------------------------------------------------------------------

GOOD = {"id": [1, 1, 2, 3, 4], "start": [0, 2, 0, 0, 0], "stop": [2, 5, 4, 5, 6], "event": [1, 0, 0, 1, 0]}
LATER = {"start": [0, 2, 0, 6, 6], "stop": [2, 5, 4, 8, 9]}


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"group": [0, 1, 0, 1, 1]}, "E728 group"),
        ({"group": [0, 0, 0, 1]}, "E603 group"),
        ({"group": [0, 0, math.nan, 1, 1]}, "E604 group"),
        ({"group": ["a", "a", None, "b", "b"]}, "E681 group"),
        ({"stop": [2, 5, 4, 5, -6], "start": [0, 2, 0, 0, -7]}, "E722 stop"),
        ({"event": [1, 0, 0, 1.5, 0]}, "E724 event"),
    ],
)
def test_refuses_by_name(changed, code):
    good = GOOD | {"group": [0, 0, 0, 1, 1]}
    compare_means(**good)
    with pytest.raises(InputRefused, match=f"{code}: "):
        compare_means(**(good | changed))


def test_too_many_groups_are_refused():
    n = np.arange(102)
    with pytest.raises(InputRefused, match="E729 group"):
        compare_means(n, n * 0, n + 1, n * 0 + 1, n // 2)


def test_groups_that_met_only_in_pairs_cannot_be_compared_all_at_once():
    """The first two were at risk together, then the others: neither pair says anything of the other."""
    ids, start = np.arange(16), np.repeat([0, 100], 8)
    rows = {"id": ids, "start": start, "stop": start + 10 + ids % 8, "event": [1, 0, 1, 1, 0, 1, 0, 0] * 2}
    with pytest.raises(NotEstimable, match="the difference of some does not vary between subjects"):
        compare_means(**rows, group=np.repeat([0, 1, 2, 3], 4))
    assert compare_means(**rows, group=np.tile(np.repeat([0, 1], 4), 2)).df == 1


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"group": [0, 0, 0, 0, 0]}, "one group"),
        ({"group": [0, 0, 0, 1, 1], "weights": [1, 1, 1, 0, 0]}, "one group"),
        ({"group": [0, 0, 1, 1, 1]}, "Group 1 of 2, in sorted order, cannot be compared: it has one subject"),
        ({"group": [0, 0, 0, 1, 1], "event": [0, 0, 0, 0, 0]}, "no group has an event"),
        ({"group": [0, 0, 0, 1, 1], "event": [1, 0, 0, 0, 0]} | LATER, "Group 2 of 2, .* nobody of it was at risk"),
        ({"group": [0, 0, 0, 1, 1]} | LATER, "never at risk together"),
    ],
)
def test_says_why_there_is_no_answer(changed, reason):
    with pytest.raises(NotEstimable, match=reason):
        compare_means(**(GOOD | changed))


def test_a_difference_refuses_by_name():
    curve = mean_cumulative([1, 2], [0, 0], [3, 8], [1, 0])
    with pytest.raises(InputRefused, match="E614 at"):
        mean_difference(curve, curve, -1)
    with pytest.raises(InputRefused, match="E607 level"):
        mean_difference(curve, curve, 2, level=95)
