"""The log-rank test: by hand, against R, against fractions, under what must not matter, and by simulation."""

from __future__ import annotations

import csv
import json
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from outcomes.errors import InputRefused, NotEstimable
from outcomes.estimators.curves import logrank
from outcomes.selftest.stored import REFERENCE


def read(name):
    with (REFERENCE / "data" / f"{name}.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {column: np.array([row[column] for row in rows]) for column in rows[0]}


ANSWERS = json.loads((REFERENCE / "reference.json").read_text())


# -- by hand ----------------------------------------------------------------------------------------------------------


def test_six_rows_unsorted():
    # day 1: a of 6 (a 3, b 3); day 2: two of 4, one each (a 2, b 2); the rest censored.
    time, event, group = [2, 1, 5, 1, 2, 9], [1, 1, 0, 0, 1, 0], ["b", "a", "a", "b", "a", "b"]
    result = logrank(time, event, group)
    assert result.groups == ("a", "b")
    assert result.observed.tolist() == [2, 1]
    assert result.expected == pytest.approx([1 / 2 + 1, 1 / 2 + 1], abs=1e-15)
    variance = 1 * (5 / 5) * 1 / 4 + 2 * (2 / 3) * 1 / 4
    assert result.statistic == pytest.approx(0.5**2 / variance, abs=1e-14)
    assert result.df == 1
    assert result.p_value == pytest.approx(math.erfc(0.5 / math.sqrt(2 * variance)), abs=1e-14)


# -- R ----------------------------------------------------------------------------------------------------------------


def test_four_groups_agree_with_r():
    data, expected = read("veteran"), ANSWERS["veteran"]["logrank_celltype"]
    result = logrank(data["time"].astype(int), data["event"].astype(int), data["celltype"])
    assert result.groups == ("adeno", "large", "smallcell", "squamous")
    # R made its factor from text, so its groups are sorted as well.
    assert result.statistic == pytest.approx(expected["chisq"], rel=0, abs=1e-10)
    assert result.df == expected["df"]
    assert result.observed.tolist() == expected["observed"]
    assert result.expected == pytest.approx(expected["expected"], rel=0, abs=1e-10)


def test_strata_agree_with_r():
    data, expected = read("veteran"), ANSWERS["veteran"]["logrank_trt_strat_celltype"]
    result = logrank(data["time"].astype(int), data["event"].astype(int), data["trt"].astype(int), data["celltype"])
    assert result.statistic == pytest.approx(expected["chisq"], rel=0, abs=1e-10)
    # R prints a group by stratum matrix, column after column.
    assert result.observed == pytest.approx(np.reshape(expected["observed"], (4, 2)).sum(axis=0), abs=1e-10)
    assert result.expected == pytest.approx(np.reshape(expected["expected"], (4, 2)).sum(axis=0), abs=1e-10)


def test_two_groups_agree_with_r():
    data, expected = read("lung"), ANSWERS["lung"]["logrank_sex"]
    result = logrank(data["time"].astype(float) / 7, data["event"].astype(int), data["sex"].astype(int))
    assert result.statistic == pytest.approx(expected["chisq"], rel=0, abs=1e-10)
    assert result.expected == pytest.approx(expected["expected"], rel=0, abs=1e-10)


# -- fractions, and what must not matter ------------------------------------------------------------------------------


def plain(rows):
    """Obviously correct: observed, expected and variance in fractions, stratum by stratum, day by day."""
    groups = sorted({g for _, _, g, _ in rows})
    k = len(groups)
    o, e = [Fraction(0)] * k, [Fraction(0)] * k
    v = [[Fraction(0)] * k for _ in groups]
    for stratum, day in sorted({(s, t) for t, happened, _, s in rows if happened}):
        at_risk = [sum(1 for t, _, own, s in rows if own == g and s == stratum and t >= day) for g in groups]
        events = [sum(1 for t, d, own, s in rows if own == g and s == stratum and t == day and d) for g in groups]
        n, d = sum(at_risk), sum(events)
        for i in range(k):
            o[i] += events[i]
            e[i] += Fraction(d * at_risk[i], n)
            for j in range(k):
                if n > 1:
                    same = Fraction(at_risk[i], n) if i == j else Fraction(0)
                    v[i][j] += Fraction(d * (n - d), n - 1) * (same - Fraction(at_risk[i] * at_risk[j], n * n))
    return groups, o, e, np.array(v, dtype=float)


row = st.tuples(st.integers(0, 6), st.integers(0, 1), st.integers(1, 3), st.integers(0, 2))


@settings(max_examples=200, deadline=None)
@given(st.lists(row, min_size=2, max_size=25))
def test_agrees_with_fractions(rows):
    groups, o, e, v = plain(rows)
    assume(len(groups) > 1)
    arguments = [list(column) for column in zip(*rows, strict=True)]
    if np.linalg.matrix_rank(v, tol=1e-9) < len(groups) - 1 or min(e) == 0:
        with pytest.raises(NotEstimable):
            logrank(*arguments)
        return
    result = logrank(*arguments)
    assert result.groups == tuple(groups)
    assert result.observed.tolist() == [float(x) for x in o]
    assert result.expected == pytest.approx([float(x) for x in e], abs=1e-12)
    off = np.array([float(a - b) for a, b in zip(o, e, strict=True)])
    assert result.statistic == pytest.approx(off @ np.linalg.pinv(v, rcond=1e-10) @ off, rel=1e-9, abs=1e-9)


def test_order_names_and_kind_of_label_do_not_matter():
    data = read("veteran")
    time, event = data["time"].astype(int), data["event"].astype(int)
    result = logrank(time, event, data["celltype"])
    shuffled = np.random.default_rng(1).permutation(time.size)
    again = logrank(time[shuffled], event[shuffled], data["celltype"][shuffled].astype(object))
    assert (again.statistic, again.groups) == (result.statistic, result.groups)
    number = {"squamous": 4.0, "smallcell": 7.5, "adeno": 9.0, "large": -1.0}
    renamed = logrank(time, event, [number[label] for label in data["celltype"]])
    assert renamed.groups == (-1.0, 4.0, 7.5, 9.0)
    assert renamed.statistic == pytest.approx(result.statistic, rel=1e-12)
    assert renamed.expected == pytest.approx(result.expected[[1, 3, 2, 0]], rel=1e-12)
    one_stratum = logrank(time, event, data["celltype"], np.zeros(time.size))
    assert one_stratum.statistic == result.statistic
    doubled = logrank(np.tile(time, 2), np.tile(event, 2), np.tile(data["celltype"], 2))
    assert doubled.expected == pytest.approx(2 * result.expected, rel=1e-12)


# -- simulation -------------------------------------------------------------------------------------------------------


def test_rejects_as_often_as_it_says_without_a_difference():
    rng, runs, n = np.random.default_rng(20260102), 1500, 90
    group, stratum = np.arange(n) % 3, np.arange(n) % 2
    rejected = 0
    for _ in range(runs):
        time = np.ceil(rng.exponential(np.where(stratum == 1, 10.0, 40.0)))  # strata differ, groups do not
        end = rng.integers(5, 60, n)
        rejected += logrank(np.minimum(time, end), time <= end, group, stratum).p_value <= 0.05
    assert abs(rejected / runs - 0.05) < 3 * math.sqrt(0.05 * 0.95 / runs)


def test_the_naive_answers_do_differ():
    # One course for all, but the second group is watched for a shorter time: fewer events, and no difference.
    rng, n = np.random.default_rng(5), 4000
    group = np.arange(n) % 2
    time, end = np.ceil(rng.exponential(30, n)), np.where(group == 1, 10, 60)
    event = time <= end
    shares = event[group == 0].mean(), event[group == 1].mean()
    assert shares[0] > shares[1] + 0.4
    assert logrank(np.minimum(time, end), event, group).p_value > 0.01
    # And strata matter: the group that is slower in each stratum looks faster when they are mixed.
    quick = rng.random(n) < np.where(group == 1, 0.9, 0.1)
    time = np.ceil(rng.exponential(np.where(quick, 5.0, 50.0) * np.where(group == 1, 1.3, 1.0)))
    crude, fair = logrank(time, np.ones(n), group), logrank(time, np.ones(n), group, quick)
    assert crude.observed[1] > crude.expected[1]
    assert fair.observed[1] < fair.expected[1]


# -- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (([1, 2], [1, 0], ["a", "a"]), NotEstimable, "one group"),
        (([1, 2], [0, 0], ["a", "b"]), NotEstimable, "no group has an event"),
        (([1, 2, 3], [0, 1, 1], ["a", "b", "b"]), NotEstimable, "Group 1 of 2"),
        (([1, 2, 1, 2], [1, 0, 1, 0], ["a", "a", "b", "b"], [1, 1, 2, 2]), NotEstimable, "never at risk together"),
        (([3, 3], [1, 1], ["a", "b"]), NotEstimable, "never at risk together"),
        (([], [], []), NotEstimable, "no rows"),
        (([1, 2], [1, 0], ["a", None]), InputRefused, "E681.*positions 1"),
        (([1, 2], [1, 0], [float("nan"), 1.0]), InputRefused, "E604"),
        (([1, 2], [1, 0], ["a", float("nan")]), InputRefused, "E681"),
        (([1, 2], [1, 0], ["a", 1]), InputRefused, "E683"),
        (([1, 2], [1, 0], ["a"]), InputRefused, "E603"),
        (([1, 2], [1, 0], [["a", "b"]]), InputRefused, "E602"),
        (([-1, 2], [1, 0], ["a", "b"]), InputRefused, "E611"),
        (([1, 2], [1, 2], ["a", "b"]), InputRefused, "E612"),
        ((range(300), [1] * 300, range(300)), InputRefused, "E686"),
        (([1, 2], [1, 0], ["a", "b"], ["x", None]), InputRefused, "strata"),
    ],
)
def test_refuses_by_name(arguments, error, words):
    with pytest.raises(error, match=f"(?s){words}"):
        logrank(*arguments)


def test_a_missing_label_of_pandas_is_refused():
    import pandas as pd

    with pytest.raises(InputRefused, match="E681"):
        logrank([1, 2], [1, 0], pd.array(["a", None], dtype="string"))


@pytest.mark.parametrize("name", ["group", "strata"])
def test_lists_as_labels_are_refused_by_name(name):
    labels = {"group": [0, 1, 0], "strata": [0, 0, 0], name: [[1], [2, 3], 4]}
    with pytest.raises(InputRefused, match=f"E602 {name}: "):
        logrank([1, 2, 3], [1, 1, 1], **labels)
    labels[name] = [(1, 2), (1, 2, 3), (1,)]
    with pytest.raises(InputRefused, match=f"E602 {name}: "):
        logrank([1, 2, 3], [1, 1, 1], **labels)


def test_dates_are_labels_but_no_times():
    quarters = np.array(["2020-01-01", "2020-04-01", "2020-01-01"], dtype="datetime64[D]")
    assert len(logrank([1, 2, 3], [1, 1, 1], quarters).groups) == 2
    with pytest.raises(InputRefused, match="E617 time: "):
        logrank(quarters, [1, 1, 1], [0, 1, 0])


@pytest.mark.parametrize("labels", [(-100, 90), (3, 7), (0, 199), (250, 255)])
def test_whole_labels_of_any_small_type_and_gaps_between_them(labels):
    rng = np.random.default_rng(2)
    time, event, which = rng.integers(1, 20, 80), rng.integers(0, 2, 80), rng.integers(0, 2, 80)
    kind = np.int8 if min(labels) < 0 else np.uint8
    found = logrank(time, event, np.array(labels)[which].astype(kind))
    plain = logrank(time, event, [("a", "b")[i] for i in which])
    assert found.groups == labels
    assert (found.statistic, found.df) == (plain.statistic, 1)
