"""Distinct rows of several columns: the same kinds, in the same order, as a plain sort of the rows finds."""

from __future__ import annotations

import numpy as np
import pytest

from outcomes.estimators.row_codes import code_few_rows, code_rows, count_rows


def table(seed: int, flags: int) -> list[np.ndarray]:
    """Numbers, flags of several types beside each other, a number again, and flags at the end."""
    rng = np.random.default_rng(seed)
    few = [rng.integers(0, 2, 300).astype(kind) for kind in (np.float64, np.int8, np.bool_)]
    many = list((rng.random((flags, 300)) < 0.02).astype(float))
    return [rng.integers(0, 4, 300), *few, rng.choice([0.5, 2.0, np.inf], 300), *many, rng.choice([-1.0, 1.0], 300)]


@pytest.mark.parametrize("flags", [0, 1, 70, 130])
def test_kinds_are_those_of_sorted_rows(flags: int) -> None:
    columns = table(flags, flags)
    rows = np.column_stack([column.astype(float) for column in columns])
    kinds, where, place = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    first, found = code_rows(columns)
    assert np.array_equal(found, place.reshape(-1))
    assert np.array_equal(first, where)
    assert np.array_equal(rows[first], kinds)
    assert np.array_equal(count_rows(columns[:1]), np.unique(columns[0], return_inverse=True)[1])


def test_flags_first_are_kinds_too() -> None:
    columns = table(1, 3)[1:4]
    assert np.array_equal(
        count_rows(columns), np.unique(np.column_stack(columns), axis=0, return_inverse=True)[1].ravel()
    )


def test_counting_is_given_up_where_it_does_not_pay() -> None:
    columns = table(2, 70)
    kinds = code_rows(columns)[0].size
    assert code_few_rows(columns, (kinds - 1) / 300) is None
    counted = code_few_rows(columns, kinds / 300)
    assert counted is not None
    assert all(np.array_equal(one, other) for one, other in zip(counted, code_rows(columns), strict=True))


@pytest.mark.parametrize("flags", [0, 1, 52, 53, 62, 130])
def test_a_table_stands_for_its_columns(flags: int) -> None:
    """Rows of flags that differ in the last of many digits alone are two kinds."""
    columns = [column.astype(float) for column in table(flags, flags)]
    both = np.column_stack(columns)
    both[0, 5:] = 1.0
    both[1], both[1, -2] = both[0], 0.0
    for order in ("C", "F"):
        first, place = code_rows([both[:, 0], both.copy(order)])
        kinds, where, there = np.unique(both, axis=0, return_index=True, return_inverse=True)
        assert np.array_equal(place, there.reshape(-1))
        assert np.array_equal(first, where)
        assert place[0] != place[1]
        counted = code_few_rows([both.copy(order)], 1.0)
        assert counted is not None
        assert np.array_equal(both[counted[0]], kinds)
