"""Events added up case by case, and how that sum wanders when each case only follows its expectation.

Cases may come in groups that are looked at together, for example all of a day: then only the sum at the end of each
group counts, and the order inside a group changes nothing, not even the last bit. Simulated series are drawn with the
seed given, always in the same order of cases, so that a result depends on the cases and the seed alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from outcomes.errors import NotEstimable
from outcomes.estimators.checks import FloatArray, check_counts, check_numbers, check_whole, refuse_where

CountArray = NDArray[np.int32]
# Sums are compared to this many decimals: equal ones must stay equal whatever the order they were added up in.
DIGITS = 8
# Uniform numbers drawn at once: 2 MB, which stay in a processor's cache.
_CELLS = 250_000


@dataclass(frozen=True, slots=True)
class Cases:
    """n cases in m groups that are looked at one after the other.

    Attributes
    ----------
    outcome, expected : ndarray, shape (n,)
        In order of groups, inside a group by expected.
    ends : ndarray of int, shape (m,)
        Position of each group's last case.
    observed : ndarray, shape (m,)
        Events up to the end of each group.
    """

    outcome: FloatArray
    expected: FloatArray
    ends: NDArray[np.int64]
    observed: FloatArray

    def sum_to_ends(self, values: FloatArray) -> FloatArray:
        """Return the sum of `values`, shape (n,), up to the end of each group, shape (m,)."""
        return np.cumsum(values)[self.ends]


def read_cases(outcome: ArrayLike, expected: ArrayLike, group: ArrayLike | None) -> Cases:
    """Return the cases in their one order.

    Parameters
    ----------
    outcome, expected : array_like, shape (n,)
        0 or 1; its probability, inside (0, 1).
    group : array_like of int, shape (n,), optional
        Number of the group, for example the day; it may stay or rise from case to case. By default each case is one.

    Raises
    ------
    InputRefused
        E820 an outcome that is not 0 or 1; E821 an expectation that is not inside (0, 1); E822 groups out of order.
    NotEstimable
        No cases.
    """
    y = check_numbers("outcome", outcome)
    p = check_numbers("expected", expected, y.size)
    refuse_where((y != 0) & (y != 1), "E820", "outcome", "is neither 0 nor 1.")
    refuse_where((p <= 0) | (p >= 1), "E821", "expected", "does not lie inside (0, 1).")
    if y.size == 0:
        raise NotEstimable("Nothing to add up: no cases were given.")
    if group is None:
        return Cases(y, p, np.arange(y.size), np.cumsum(y))
    at = check_counts("group", group, y.size)
    later = np.concatenate([[False], at[1:] < at[:-1]])
    refuse_where(later, "E822", "group", "is lower than the one before: give the cases in order of time.")
    order = np.lexsort((p, at))
    y, p = y[order], p[order]
    ends = np.flatnonzero(np.concatenate([at[1:] != at[:-1], [True]]))
    return Cases(y, p, ends, np.cumsum(y)[ends])


def simulate_counts(cases: Cases, series: int, seed: int) -> Iterator[tuple[slice, CountArray]]:
    """Draw `series` series in which each case has the event with its expected probability, and yield their counts.

    Parameters
    ----------
    cases : Cases
    series, seed : int

    Yields
    ------
    groups : slice
        Of the m groups, some consecutive ones.
    counts : ndarray of int32, shape (groups, series)
        Events up to the end of each of these groups.
    """
    generator = np.random.default_rng(seed)
    so_far = np.zeros(series, dtype=np.int32)
    step = max(1, _CELLS // series)
    for first in range(0, cases.expected.size, step):
        p = cases.expected[first : first + step]
        counts = np.cumsum(generator.random((p.size, series)) < p[:, None], axis=0, dtype=np.int32)
        counts += so_far
        so_far = counts[-1].copy()
        low, high = np.searchsorted(cases.ends, [first, first + p.size])
        if high > low:
            yield slice(int(low), int(high)), counts[cases.ends[low:high] - first]


def check_simulation(level: float, series: object, seed: object) -> tuple[int, int]:
    """Return `series` and `seed`, or refuse.

    Parameters
    ----------
    level : float
        Share of simulated series that must lie inside.
    series, seed : int

    Raises
    ------
    InputRefused
        E823 fewer series than have one for each tail; E824 a seed that is no whole number, 0 or more.
    """
    least = int(np.ceil(2.0 / (1.0 - level))) - 1
    return check_whole("series", series, "E823", least), check_whole("seed", seed, "E824", 0)


def rank_of_share(share: float, series: int) -> int:
    """Return which of `series` ascending values, counted from 1, a new one lies above with probability 1 - `share`."""
    return min(series, int(np.ceil(share * (series + 1) - 1e-9)))
