"""The interval-censored curve without one row of a run of intervals, for every run, compiled by numba.

Without one row of many the curve hardly moves. So the matrix of the full curve is inverted once, corrected for the row
that goes (a change of rank one), and steps are taken with it: the first is Newton's own, and each later one leaves a
part of the error that is of the order of one row among all. No fit sets up or solves a system of its own; `refit`
(`estimators.refits`), for draws that are further away, does both at each step.

As in `npmle_steps` a step is taken on the curve's values behind each interval with mass, a fit has ended where the
optimality condition of `outcomes.estimators.npmle` holds, over all intervals, and what is here is a plain loop over a
few numbers. Where a mass wants below 0, or an interval without mass wants some, the intervals with mass are not those
of the full curve: nothing is answered, and the caller fits in the other way.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from outcomes.estimators.checks import FloatArray
from outcomes.estimators.compiling import compiled

IntArray = NDArray[np.intp]
PlaceArray = NDArray[np.uintp]  # without a sign: an index that may count from the end is looked at twice
Flags = NDArray[np.bool_]

MOST_STEPS = 20
MOST_SUPPORT = 400
"""Intervals with mass beyond which an inverse costs more than the fits it spares."""
_NEARLY_SINGULAR = 1e6


@compiled
def drop_each(
    weight: FloatArray,
    mass: FloatArray,
    low: IntArray,
    high: IntArray,
    dropped: IntArray,
    at: IntArray,
    gap_wanted: float,
    share: FloatArray,
) -> None:
    """Write the curve without one row of each of some runs, at given places.

    Parameters
    ----------
    weight : ndarray, shape (r,)
        Rows of each run of intervals, all above 0.
    mass : ndarray, shape (k,)
        Of the full curve, at its maximum.
    low, high : ndarray of int, shape (r,)
        First and last interval of each run.
    dropped : ndarray of int, shape (d,)
        The runs.
    at : ndarray of int, shape (q,)
        How many intervals with mass have ended by each place.
    gap_wanted : float
        As in `npmle_steps.climb`.
    share : ndarray, shape (d, q)
        Set to the share with the event; left as it is where no answer was found.
    """
    k, rank, s = mass.size, np.zeros(mass.size + 1, dtype=np.intp), 0
    for j in range(k):
        s += mass[j] > 0
        rank[j + 1] = s
    full, inverse, room = np.zeros(s + 1), np.zeros((s + 1, s + 1)), np.empty((3, s + 1))
    at_full, slope = np.empty(k + 1), np.empty(k + 1)
    begin, end = np.empty(low.size, dtype=np.uintp), np.empty(low.size, dtype=np.uintp)
    part, total = np.empty(low.size), 0.0
    for j in range(low.size):
        begin[j], end[j] = rank[low[j]], rank[high[j] + 1]
        total += weight[j]
    for j in range(k):
        full[rank[j + 1]] += mass[j]
    for j in range(1, s + 1):
        full[j] += full[j - 1]
    if not _invert(weight, low, high, rank, full, inverse):
        return
    _climb_of(weight, low, high, begin, end, full, part, at_full)
    for i in range(dropped.size):
        one = dropped[i]
        # The first gradient needs no look at all runs: it lacks what the row gave to the intervals of its own.
        gone = 1.0 / (full[rank[high[one] + 1]] - full[rank[low[one]]])
        for j in range(k):
            slope[j] = at_full[j] - gone if low[one] <= j <= high[one] else at_full[j]
        weight[one] -= 1.0
        if _settle(weight, total - 1.0, low, high, begin, end, one, rank, full, inverse, gap_wanted, room, part, slope):
            for j in range(at.size):
                share[i, j] = room[0, at[j]]
        weight[one] += 1.0


@compiled
def _invert(
    weight: FloatArray, low: IntArray, high: IntArray, rank: IntArray, full: FloatArray, inverse: FloatArray
) -> bool:
    """Invert the Hessian of the full curve by its values behind each interval with mass; False where it is singular."""
    s, whole = full.size - 1, np.zeros(full.size)
    for j in range(weight.size):
        a, b = rank[low[j]], rank[high[j] + 1]
        curvature = weight[j] / (full[b] - full[a]) ** 2
        for i, m, part in ((a, b, -curvature), (b, a, -curvature), (a, a, curvature), (b, b, curvature)):
            if i > 0 and m > 0:  # the value before the first does not move
                inverse[i, m] += part
    for i in range(1, s + 1):
        whole[i] = inverse[i, i]
    for i in range(1, s + 1):
        pivot = inverse[i, i]
        if not pivot * _NEARLY_SINGULAR > whole[i]:
            return False
        inverse[i, i] = 1.0
        for m in range(1, s + 1):
            inverse[i, m] /= pivot
        for j in range(1, s + 1):
            if j != i and inverse[j, i] != 0.0:
                own, line, factor = inverse[j], inverse[i], inverse[j, i]
                own[i] = 0.0
                for m in range(1, s + 1):
                    own[m] -= factor * line[m]
    return True


@compiled
def _settle(
    weight: FloatArray,
    total: float,
    low: IntArray,
    high: IntArray,
    begin: PlaceArray,
    end: PlaceArray,
    dropped: int,
    rank: IntArray,
    full: FloatArray,
    inverse: FloatArray,
    gap_wanted: float,
    room: FloatArray,
    part: FloatArray,
    slope: FloatArray,
) -> bool:
    """Find the values ``room[0]`` at the maximum for these weights, which lack one row of the run that is dropped.

    ``slope`` is the gradient by the masses of all intervals at the full curve.
    """
    value, step, aim, s = room[0], room[1], room[2], full.size - 1
    for m in range(s + 1):
        value[m] = full[m]
    a, b = rank[low[dropped]], rank[high[dropped] + 1]
    probability = full[b] - full[a]
    # How much of the run's own curvature goes with the row: the inverse corrected for a change of rank one.
    spread = inverse[a, a] - 2.0 * inverse[a, b] + inverse[b, b]
    left = probability * probability - spread
    if left <= 0:
        return False
    for _ in range(MOST_STEPS):
        _slope_by_value(rank, slope, total, aim)
        for m in range(s + 1):
            step[m] = 0.0
        for i in range(1, s + 1):
            pull, line = aim[i], inverse[i]
            for m in range(s + 1):
                step[m] += pull * line[m]
        more = (step[b] - step[a]) / left
        for m in range(1, s + 1):
            value[m] += step[m] + more * (inverse[b, m] - inverse[a, m])
            if value[m] < value[m - 1]:
                return False
        steepest = _climb_of(weight, low, high, begin, end, value, part, slope)
        if not steepest >= 0:
            return False
        if steepest * value[s] / total - 1.0 < gap_wanted:
            whole = value[s]
            for j in range(s + 1):
                value[j] /= whole
            return True
    return False


@compiled
def _climb_of(
    weight: FloatArray,
    low: IntArray,
    high: IntArray,
    begin: PlaceArray,
    end: PlaceArray,
    value: FloatArray,
    share: FloatArray,
    slope: FloatArray,
) -> float:
    """Write the gradient by the mass of each interval; its largest value, below 0 where a run has no probability."""
    k, is_wrong = slope.size - 1, False
    for j in range(weight.size):
        share[j] = value[end[j]] - value[begin[j]]
        is_wrong |= share[j] <= 0
    if is_wrong:
        for j in range(weight.size):
            if share[j] <= 0:
                if weight[j] > 0:
                    return -1.0
                share[j] = 1.0
    # By itself, for of divisions that need nothing else the compiler makes several at a time.
    for j in range(weight.size):
        share[j] = weight[j] / share[j]
    for j in range(k + 1):
        slope[j] = 0.0
    here, own = 0, 0.0
    for j in range(weight.size):
        if low[j] != here:  # runs are in the order of their first intervals
            slope[here] = own
            here = low[j]
            own = slope[here]
        own += share[j]
        slope[high[j] + 1] -= share[j]
    slope[here] = own
    steepest = slope[0]
    for j in range(1, k):
        slope[j] += slope[j - 1]
        steepest = max(steepest, slope[j])
    return steepest


@compiled
def _slope_by_value(rank: IntArray, slope: FloatArray, total: float, aim: FloatArray) -> None:
    """Write the gradient by the values 1 to s, of the gradient by the masses of all intervals."""
    size = 0
    for j in range(rank.size - 1):
        if rank[j + 1] > rank[j]:
            here = slope[j] - total
            if size > 0:
                aim[size] -= here
            size += 1
            aim[size] = here
