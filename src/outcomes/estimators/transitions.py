"""From one category to the next: how often the same comes again, against what chance alone would give.

Pairs (first, second) of categories are a square table. If the second did not depend on the first, the share with the
same category twice would be the sum over categories of the products of their shares. How far the seen share may stray
from that by chance is found by permutation: the second categories are dealt out anew among the pairs, which keeps both
margins. A deal is drawn as a table, cell by cell from the hypergeometric distribution (Patefield 1981,
doi:10.2307/2346669), so that the work does not grow with the number of pairs.

What the caller must guarantee: pairs are independent; take one of each patient.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from outcomes.errors import NotEstimable
from outcomes.estimators.checks import FloatArray, check_level, check_numbers, check_whole, refuse_where
from outcomes.estimators.proportions import wilson

IntTable = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Transitions:
    """Pairs of k categories.

    Attributes
    ----------
    counts : ndarray of int, shape (k, k)
        Pairs by first (row) and second (column) category.
    same, conf_low, conf_high : float
        Share of pairs with the same category twice, with its Wilson interval.
    expected : float
        The share if the second did not depend on the first.
    p_value : float
        Chance of a share at least as far from `expected`, on either side, if it did not.
    expected_rows : ndarray, shape (k,)
        For each first category, the share of the same second one if it did not depend on the first.
    draws : int
    """

    counts: IntTable
    same: float
    conf_low: float
    conf_high: float
    expected: float
    p_value: float
    expected_rows: FloatArray
    draws: int


def transitions(
    first: ArrayLike, second: ArrayLike, categories: int, draws: int = 10_000, seed: int = 0, level: float = 0.95
) -> Transitions:
    """Count pairs and compare the share with the same category twice with independence.

    Parameters
    ----------
    first, second : array_like of int, shape (n,)
        Categories 0..k-1 of each pair.
    categories : int
        k.
    draws : int
        Number of deals for the p-value; the smallest it can be is ``1 / (draws + 1)``.
    seed : int
    level : float

    Raises
    ------
    InputRefused
        Unequal lengths, E691 categories outside 0..k-1 or with fractions, E692 fewer than one category or draw.
    NotEstimable
        No pairs.
    """
    k, draws = check_whole("categories", categories, "E692", 1), check_whole("draws", draws, "E692", 1)
    codes = [check_numbers(name, values) for name, values in (("first", first), ("second", second))]
    check_numbers("second", codes[1], codes[0].size)
    for name, code in zip(("first", "second"), codes, strict=True):
        wrong = (code < 0) | (code >= k) | (code != np.floor(code))
        refuse_where(wrong, "E691", name, f"is no category: a whole number from 0 to {k - 1}.")
    if not codes[0].size:
        raise NotEstimable("Nothing to compare: no pairs were given.")
    level, n = check_level(level), codes[0].size
    place = (codes[0] * k + codes[1]).astype(np.intp)
    counts = np.bincount(place, minlength=k * k).reshape(k, k).astype(np.int64)
    rows, columns = counts.sum(axis=1), counts.sum(axis=0)
    n_same, middle = int(np.trace(counts)), float(rows @ columns) / n
    dealt = deal_same(rows, columns, draws, seed)
    # Both are whole numbers over n: a distance smaller by rounding is the same distance.
    as_far = np.abs(dealt - middle) >= abs(n_same - middle) - 1e-9 * n
    low, high = (float(limit[0]) for limit in wilson(n_same, n, level))
    return Transitions(
        counts=counts,
        same=n_same / n,
        conf_low=low,
        conf_high=high,
        expected=middle / n,
        p_value=float((1 + as_far.sum()) / (1 + draws)),
        expected_rows=columns / n,
        draws=draws,
    )


def deal_same(rows: IntTable, columns: IntTable, draws: int, seed: int) -> IntTable:
    """Deal tables with the margins `rows` and `columns`, shape (k,), and return the sum of each diagonal, (draws,)."""
    generator = np.random.default_rng(np.random.SeedSequence(seed))
    left = np.repeat(columns[:, None], draws, axis=1)
    same = np.zeros(draws, dtype=np.int64)
    for i, size in enumerate(rows):
        open_places = np.full(draws, size)
        below = left.sum(axis=0)
        for j in range(columns.size):
            below -= left[j]
            dealt = generator.hypergeometric(left[j], below, open_places)
            open_places -= dealt
            left[j] -= dealt
            if i == j:
                same += dealt
    return same
