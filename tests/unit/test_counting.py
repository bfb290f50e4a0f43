"""Counting: the quick way for whole numbers says what sorting says."""

from __future__ import annotations

import datetime
import math
from collections import Counter
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outcomes.errors import InputRefused
from outcomes.estimators.aft import aft_interval
from outcomes.estimators.checks import (
    check_columns,
    check_counts,
    check_level,
    check_number,
    check_numbers,
    check_share,
    check_weights,
    check_whole,
)
from outcomes.estimators.counting import count_by, count_events, distinct, distinct_pairs
from outcomes.estimators.curves import aalen_johansen, kaplan_meier
from outcomes.estimators.npmle import npmle

KINDS = [
    np.array([3, -2, 3, 0]),
    np.array([3, 200, 3], dtype=np.uint8),
    np.array([-100, 100, 27], dtype=np.int8),
    np.array([2.0, 5.0, 2.0]),
    np.array([-0.0, 0.0, 1.0]),
    np.array([0.5, 2.0, 0.5]),
    np.array([1.0, np.inf, 7.0, np.inf]),
    np.array([np.inf, np.inf]),
    np.array([-np.inf, 1.0, np.inf]),
    np.array([1e300, 2.0, 1.0]),
    np.array([2.0**60, 2.0**60 + 4096]),
    np.array([10**17, 10**17 + 1]),
    np.array([5, 10**12]),
    np.array([], dtype=float),
]


@pytest.mark.parametrize("values", KINDS, ids=str)
def test_distinct_is_what_sorting_says(values):
    found, place = distinct(values)
    expected, inverse = np.unique(values, return_inverse=True)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(place, inverse)
    assert found.dtype == values.dtype


def check_pairs(first, second):
    one, other, count, place = distinct_pairs(first, second)
    expected = Counter(zip(first.tolist(), second.tolist(), strict=True))
    assert list(zip(one.tolist(), other.tolist(), strict=True)) == sorted(expected)
    assert count.tolist() == [expected[pair] for pair in sorted(expected)]
    np.testing.assert_array_equal(one[place], first)
    np.testing.assert_array_equal(other[place], second)


@pytest.mark.parametrize("values", KINDS, ids=str)
def test_pairs_are_what_a_dictionary_says_of_every_kind(values):
    check_pairs(values, np.roll(values, 1))


@given(
    st.lists(st.tuples(st.integers(0, 4), st.sampled_from([0, 1, 2, 5, math.inf])), min_size=1, max_size=30),
    st.sampled_from([1.0, 0.3, 400.0]),
)
def test_pairs_are_what_a_dictionary_says(pairs, unit):
    # Whole days within a table, times with fractions, and whole numbers whose pairs no table would hold.
    first, second = (np.array(column, dtype=float) * unit for column in zip(*pairs, strict=True))
    check_pairs(first, second)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2)), min_size=1, max_size=30), st.sampled_from([1, 0.5, 1e7])
)
def test_table_of_counts_is_what_a_dictionary_says(rows, unit):
    values, code = np.array([v * unit for v, _ in rows]), np.array([c for _, c in rows])
    weights = np.arange(1.0, len(rows) + 1)
    found, table = count_by(values, [code], [3], weights)
    assert found.tolist() == sorted(set(values.tolist()))
    for c in range(3):
        for j, v in enumerate(found):
            assert table[c, j] == sum(w for w, (x, y) in zip(weights, rows, strict=True) if x * unit == v and y == c)
    np.testing.assert_array_equal(count_by(values, [code], [3])[1].sum(), len(rows))


TIMES = np.random.default_rng(3).exponential(14.0, 300)
ODD_TIMES = {
    "any moment": TIMES,
    "tied moments": np.round(TIMES, 1),
    "nothing and minus nothing": np.concatenate([[0.0, -0.0], TIMES, [0.0]]),
    "nothing once, and no ties": np.append(TIMES, 0.0),
    "minus nothing only": np.array([-0.0, -0.0]),
    "nothing, and one time more": np.array([0.25, 0.0, 0.0, 0.25]),
    "neighbours among doubles": np.array([1.0, np.nextafter(1.0, 2.0), 1.0, np.nextafter(1.0, 0.0)]),
    "from the smallest double to the largest": np.array([0.0, 5e-324, 1.5, 1.7e308, 5e-324]),
    "below nothing": TIMES - 14.0,
    "every second": TIMES[::2],
    "one moment": np.array([0.5, 0.5]),
    "whole, far apart": (TIMES * 1e12).astype(np.int64) - 10**13,
    "whole, beyond 63 bits": np.array([2**64 - 1, 3, 2**64 - 1], dtype=np.uint64),
    "whole, without sign": np.array([2**32 - 1, 0, 1], dtype=np.uint32),
}


@pytest.mark.parametrize("cells", [1, 2, 6, 300, 70_000])
@pytest.mark.parametrize("values", ODD_TIMES.values(), ids=ODD_TIMES.keys())
def test_times_that_are_sorted_are_counted_as_a_dictionary_counts(values, cells):
    code = np.random.default_rng(4).integers(0, min(cells, 400), values.size) * (cells // min(cells, 400))
    found, table = count_by(values, [code], [cells])
    expected = Counter(zip(code.tolist(), values.tolist(), strict=True))
    assert found.tolist() == [float(value) for value in sorted(set(values.tolist()))]
    cell, place = np.nonzero(table)
    # Doubles of whole numbers beyond 2**53 may be equal where the numbers are not; here none are.
    counted = {(c, found[j]): table[c, j] for c, j in zip(cell.tolist(), place.tolist(), strict=True)}
    assert counted == {(c, float(value)): n for (c, value), n in expected.items()}
    assert not np.signbit(found[found == 0]).any()


@pytest.mark.parametrize("k", [1, 2, 5, 40, pytest.param(70_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("values", ODD_TIMES.values(), ids=ODD_TIMES.keys())
def test_events_and_rows_from_each_time_on_are_what_a_dictionary_counts(values, k):
    code = np.random.default_rng(5).integers(0, min(k, 400) + 1, values.size) * (k // min(k, 400))
    found, onwards, seen, table = count_events(values, code, k)
    assert found.tolist() == [float(value) for value in sorted(set(values.tolist()))]
    assert onwards.tolist() == [sum(v >= value for v in values.tolist()) for value in sorted(set(values.tolist()))]
    expected = Counter((c - 1, float(v)) for c, v in zip(code.tolist(), values.tolist(), strict=True) if c > 0)
    cell, place = np.nonzero(table)
    counted = {(c, found[seen[j]]): table[c, j] for c, j in zip(cell.tolist(), place.tolist(), strict=True)}
    assert counted == expected
    assert table.shape == (k, seen.size)
    assert seen.tolist() == sorted(set(seen.tolist()))
    assert table.any(axis=0).all()
    assert not np.signbit(found[found == 0]).any()
    weighed = count_events(values, code, k, np.ones(values.size))
    for part, other in zip((found, onwards, seen, table), weighed, strict=True):
        np.testing.assert_array_equal(part, other)


def test_whole_numbers_are_counted_without_floats_and_checked_alike():
    assert check_counts("time", [1, 2]).dtype.kind == "i"
    assert check_counts("event", [True, False]).tolist() == [1, 0]
    assert check_numbers("time", [1, 2]).dtype == np.float64
    assert check_numbers("time", [1e308, 1e308]).tolist() == [1e308, 1e308]  # the sum overflows, the values do not
    assert check_numbers("right", [1, np.inf], allow_infinite=True).tolist() == [1, np.inf]
    for bad, code in (([1, np.nan], "E604"), ([np.inf, -np.inf], "E605"), (["a"], "E601"), ([[1]], "E602")):
        with pytest.raises(InputRefused, match=code):
            check_counts("time", bad)


# -- what is no number ------------------------------------------------------------------------------------------------


class NoNumber:
    pass


DAYS = np.array(["2020-01-01", "2020-01-02"], dtype="datetime64[D]")


@pytest.mark.parametrize(
    ("values", "code"),
    [
        (DAYS, "E617"),
        (DAYS - DAYS[0], "E617"),
        ([datetime.date(2020, 1, 1)] * 2, "E617"),
        ([datetime.timedelta(days=1), 2], "E617"),
        ([np.timedelta64(1, "D"), None], "E617"),
        (pd.Series(pd.to_timedelta([1, 2], "D")), "E617"),
        (pd.Series(pd.to_datetime(["2020-01-01", None])), "E617"),
        (pd.Series(pd.to_datetime(["2020-01-01", None])).dt.tz_localize("UTC"), "E617"),
        (["1", "2"], "E601"),
        (np.array(["1", "2"], dtype="S1"), "E601"),
        (np.array(["1", 2], dtype=object), "E601"),
        (pd.Series(["1", "2"]), "E601"),
        ([1j, 2], "E601"),
        (np.array([1j, 2], dtype=object), "E601"),
        ([[1], [2, 3]], "E601"),
        ([10**400, 1], "E601"),
        ([NoNumber(), 1], "E601"),
        ({"a": 1, "b": 2}, "E601"),
        ([1, None], "E604"),
        (None, "E602"),
    ],
)
def test_what_is_no_number_is_refused_whatever_it_looks_like(values, code):
    for check in (check_numbers, check_counts):
        with pytest.raises(InputRefused, match=f"{code} time: "):
            check("time", values)


@pytest.mark.parametrize(
    "values",
    [
        [1, 2],
        (1.0, 2.0),
        np.array([1, 2.0], dtype=object),
        np.array([Fraction(1), Decimal(2)], dtype=object),
        np.array([np.int8(1), np.float32(2)], dtype=object),
        np.array([1, 2], dtype=np.float16),
        np.array([1, 2], dtype=np.uint64),
        pd.Series([1, 2]),
        pd.Series([1, 2], dtype="Int64"),
        range(1, 3),
        (DAYS - np.datetime64("2019-12-31")).astype(int),
    ],
)
def test_numbers_of_every_kind_are_numbers(values):
    assert check_numbers("time", values).tolist() == [1, 2]
    assert check_counts("time", values).tolist() == [1, 2]
    assert check_numbers("time", [True, np.True_]).tolist() == [1, 1]
    assert check_numbers("days", 3, allow_scalar=True).tolist() == [3]
    assert check_numbers("days", np.array([], dtype=object)).size == 0


@pytest.mark.parametrize("values", [["987654", "secret"], [987654j, 1], DAYS, [987654, -987654, np.nan, np.inf]])
def test_a_refusal_never_shows_a_value(values):
    for check in (check_numbers, check_weights):
        with pytest.raises(InputRefused) as refusal:
            check(*(("time", values) if check is check_numbers else (values, len(values))))
        assert not any(value in str(refusal.value) for value in ("987654", "secret", "2020"))


@pytest.mark.parametrize(
    ("weights", "code"),
    [
        ([1e308] * 3, "E618.*positions 0, 1, 2"),
        ([1.0, 2e100, 1.0], "E618.*positions 1"),
        ([1e100 / 4] * 3, None),
        ([1e17, 1.0, 1.0], "E619.*positions 1, 2"),
        ([1e11, 1.0, 0.0], None),
        ([1e-300] * 3, "E619"),
        ([1e-100] * 3, None),
        ([-1.0, 1.0, 1.0], "E606.*positions 0"),
        (DAYS.repeat([1, 2]), "E617"),
        (["1", "2", "3"], "E601"),
        ([1j, 1, 1], "E601"),
        (np.array([1, 2.5, 3], dtype=object), None),
    ],
)
def test_weights_beyond_doubles_are_refused_for_every_estimator(weights, code):
    if code is None:
        assert check_weights(weights, 3).tolist() == list(weights)
        return
    for refusing in (
        lambda: check_weights(weights, 3),
        lambda: kaplan_meier([1, 2, 3], [1, 0, 1], weights=weights),
        lambda: aalen_johansen([1, 2, 3], [1, 0, 1], weights=weights),
        lambda: npmle([0, 1, 2], [1, 2, 3], weights),
        lambda: aft_interval(np.zeros((3, 0)), [0, 1, 2], [1, 2, 3], "weibull", weights=weights),
    ):
        with pytest.raises(InputRefused, match=code):
            refusing()


@pytest.mark.parametrize("value", [None, "0.9", [0.9], math.nan, True, 0, 1, 95, 1j, DAYS[0], np.array([0.9])])
def test_a_share_is_one_number_inside_0_and_1(value):
    with pytest.raises(InputRefused, match="E607 level: "):
        check_level(value)
    with pytest.raises(InputRefused, match="E615 share: "):
        check_share("share", value, "E615", 0.5)


@pytest.mark.parametrize("value", [0.9, np.float32(0.5), Fraction(1, 2), np.array(0.25)])
def test_a_legal_share_is_returned_as_a_float(value):
    assert check_level(value) == float(value)


@pytest.mark.parametrize(
    "value", [None, "2", [2], 1.5, math.nan, math.inf, True, 0, 4, 10**400, np.timedelta64(2, "D")]
)
def test_a_whole_number_is_one_number_in_its_range(value):
    with pytest.raises(InputRefused, match="E684 causes: must be one whole number, 1 to 3"):
        check_whole("causes", value, "E684", 1, 3)


@pytest.mark.parametrize("value", [2, 2.0, np.int8(2), np.array(2)])
def test_a_legal_whole_number_is_returned_as_an_int(value):
    assert (check_whole("causes", value, "E684", 1, 3), check_number("horizon", value)) == (2, 2.0)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "E604"),
        (math.nan, "E604"),
        (math.inf, "E605"),
        ("2", "E601"),
        ([2], "E620"),
        (1j, "E601"),
        (DAYS[0], "E617"),
    ],
)
def test_one_number_is_no_list_and_no_text(value, code):
    with pytest.raises(InputRefused, match=f"{code} horizon: "):
        check_number("horizon", value)


@pytest.mark.parametrize(
    ("table", "refusal"),
    [
        ([["a", 1], ["b", 2]], "E601 X\\[:, 0\\]"),
        (pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}), "E601 X\\[:, 1\\]"),
        ([[1, np.nan], [2, 3]], "E604 X\\[:, 1\\]"),
        ([[1, np.inf], [2, 3]], "E605 X\\[:, 1\\]"),
        ([[1j, 1], [2, 3]], "E601 X\\[:, 0\\]"),
        ([[1], [2, 3]], "E601 X"),
        ([1, 2], "E602 X"),
        (None, "E602 X"),
        ([[1, 2]], "E603 X"),
        ([[1], [2]], "E603 X"),
    ],
)
def test_a_table_has_rows_and_columns_of_finite_numbers(table, refusal):
    with pytest.raises(InputRefused, match=f"{refusal}: "):
        check_columns("X", table, 2, 2)


def test_a_legal_table_keeps_whole_numbers():
    assert check_columns("X", [[1, 2], [3, 4]], 2, 2).dtype.kind == "i"
    assert check_columns("X", pd.DataFrame({"a": [1, 2], "b": [0.5, True]}), 2, 2).tolist() == [[1, 0.5], [2, 1]]
    assert check_columns("X", [[True, False]]).tolist() == [[1, 0]]
    assert check_columns("X", np.zeros((3, 0)), 3).shape == (3, 0)
    assert check_columns("X", [[1e308, 1e308]]).tolist() == [[1e308, 1e308]]
