"""Counting: the quick way for whole numbers says what sorting says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outcomes.errors import InputRefused
from outcomes.estimators.checks import check_counts, check_numbers
from outcomes.estimators.counting import count_by, distinct

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


def test_whole_numbers_are_counted_without_floats_and_checked_alike():
    assert check_counts("time", [1, 2]).dtype.kind == "i"
    assert check_counts("event", [True, False]).tolist() == [1, 0]
    assert check_numbers("time", [1, 2]).dtype == np.float64
    assert check_numbers("time", [1e308, 1e308]).tolist() == [1e308, 1e308]  # the sum overflows, the values do not
    assert check_numbers("right", [1, np.inf], allow_infinite=True).tolist() == [1, np.inf]
    for bad, code in (([1, np.nan], "E604"), ([np.inf, -np.inf], "E605"), (["a"], "E601"), ([[1]], "E602")):
        with pytest.raises(InputRefused, match=code):
            check_counts("time", bad)
