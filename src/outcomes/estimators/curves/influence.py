"""Variance of a curve from its influences, summed by cluster: one pass over the rows, whatever the number of days.

The influence of a row on a curve of days is the derivative of the curve by the row's weight (the infinitesimal
jackknife; Efron 1982, doi:10.1137/1.9781611970319, chapter 6). For curves built of hazards it is simple: while a row is
at risk its influence falls by the day's drift, the same for all, and at its own event it jumps. The influence of a
cluster (a patient with several rows, a subject followed through several intervals) is the sum over its rows, and the
variance on a day is the sum over clusters of its square; rows of one cluster may depend on each other in any way.

A table of clusters by days is never made. With w a cluster's weight at risk, x its influence just before the day and
``a`` the day's drift, the day changes the sum of squares by ``a^2 sum w^2 - 2 a sum w x`` plus ``2 x e + e^2`` of each
cluster with a jump e; ``sum w^2`` and ``sum w x`` themselves change only where a row enters or leaves. So the cost is
that of sorting two changes a row, and nothing is the difference of large sums that stand for little.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from outcomes.estimators.checks import FloatArray, refuse_where
from outcomes.estimators.counting import distinct, sum_by

IntArray = NDArray[np.intp]

# A sum of squares below this share of what went into it is nothing but rounding.
_ROUNDING = 1e-13
_SMALLEST_SHARE = 1e-6


def refuse_tiny(weights: FloatArray) -> None:
    """Refuse (E735) a weight above 0 but below 1e-6 of the largest: its square would be lost beside the others."""
    what = f"is above 0 but below {_SMALLEST_SHARE:g} of the largest, and its square would be lost. Set it to 0."
    refuse_where((weights > 0) & (weights < _SMALLEST_SHARE * weights.max()), "E735", "weights", what)


@dataclass(frozen=True, slots=True)
class Changes:
    """What rows do to the clusters they belong to, one entry a change, in any order.

    Attributes
    ----------
    cluster : ndarray of int, shape (n,)
        Whole numbers from 0.
    place : ndarray of int, shape (n,)
        How many days of the curve, 0 to m, are at or before the change: who enters at ``place`` p is at risk from day p
        on, who leaves at p was at risk on day p - 1 last (days counted from 0).
    weight : ndarray, shape (n,)
        Weight that comes under risk, negative where it leaves.
    jumps : ndarray, shape (c, n)
        Jump of each of c curves on day ``place - 1``, times the weight; 0 where a row enters.
    """

    cluster: IntArray
    place: IntArray
    weight: FloatArray
    jumps: FloatArray


def find_places(days: FloatArray, values: NDArray[Any]) -> IntArray:
    """Return how many of the days, shape (m,), ascending, are at or before each value, shape (n,)."""
    found, place = distinct(values)
    return np.searchsorted(days, found, side="right")[place]


def enter_and_leave(
    cluster: IntArray,
    begin: IntArray | None,
    end: IntArray,
    weight: FloatArray,
    jumps: FloatArray,
) -> Changes:
    """Return the changes of rows at risk on the days ``begin`` to ``end - 1``, each shape (n,); jumps have (c, n).

    Without `begin` all rows enter at the start, and one change a cluster says so. The two changes of a row stand beside
    each other: rows sorted by cluster and time, without overlap, give sorted changes.
    """
    if begin is None:
        total = np.bincount(cluster, weights=weight)
        members = np.arange(total.size)
        start, none = np.zeros(total.size, dtype=np.intp), np.zeros((len(jumps), total.size))
        return Changes(
            np.concatenate([members, cluster]),
            np.concatenate([start, end]),
            np.concatenate([total, -weight]),
            np.concatenate([none, weight * jumps], axis=1),
        )
    beside = np.zeros((len(jumps), end.size, 2))
    beside[:, :, 1] = weight * jumps
    return Changes(
        np.repeat(cluster, 2),
        np.column_stack([begin, end]).reshape(-1),
        np.column_stack([weight, -weight]).reshape(-1),
        beside.reshape(len(jumps), -1),
    )


def sum_squares(changes: Changes, drift: FloatArray) -> FloatArray:
    """Return the sums over clusters of products of influences after each day.

    Parameters
    ----------
    changes : Changes
    drift : ndarray, shape (c, m)
        By how much the influence on each of c curves falls on each day, for a weight of 1 at risk.

    Returns
    -------
    ndarray, shape (c, c, m)
        Symmetric; where a sum of squares is rounding only it is 0.
    """
    c, m = drift.shape
    cluster, place, weight, jumps = _gather(changes, m + 1)
    first = np.ones(cluster.size, dtype=bool)
    first[1:] = cluster[1:] != cluster[:-1]
    head = np.flatnonzero(first)
    after = _running(weight, head)
    # Whoever has left for good has no weight left, not one of rounding.
    after[np.append(head[1:], cluster.size) - 1] = 0.0
    before = _shifted(after, first)
    fallen = np.concatenate([np.zeros((c, 1)), np.cumsum(drift, axis=1)], axis=1)
    size = m + 1
    # From the far end, where everybody has left: the last at risk are exactly themselves.
    at_risk = np.cumsum(sum_by(place, before**2 - after**2, size)[::-1])[::-1][1:]
    at_change, now, pull = [], [], []
    for a in range(c):
        there = fallen[a][place]
        step = jumps[a] - before * (there - _shifted(there, first))
        moved = _running(step, head)
        now.append(moved)
        at_change.append(moved - jumps[a])
        entering = sum_by(place, after * moved - before * at_change[a], size)
        fall = np.concatenate([[0.0], np.cumsum(drift[a] * at_risk)[:-1]])
        pull.append(np.cumsum(entering)[:m] - fall)
    return _accumulate(drift, at_risk, pull, at_change, now, jumps, place)


def _accumulate(
    drift: FloatArray,
    at_risk: FloatArray,
    pull: list[FloatArray],
    at_change: list[FloatArray],
    now: list[FloatArray],
    jumps: FloatArray,
    place: IntArray,
) -> FloatArray:
    """Return the sums of products, shape (c, c, m), from what each day adds to them."""
    c, m = drift.shape
    out = np.empty((c, c, m))
    for a in range(c):
        for b in range(a + 1):
            falls = drift[a] * drift[b] * at_risk - drift[a] * pull[b] - drift[b] * pull[a]
            rises = sum_by(place, now[a] * jumps[b] + at_change[b] * jumps[a], m + 1)[1:]
            total = np.cumsum(falls + rises)
            if a == b:
                put_in = np.cumsum(np.abs(falls) + np.abs(rises))
                total[total <= _ROUNDING * put_in] = 0.0
            out[a, b] = out[b, a] = total
    return out


def _gather(changes: Changes, size: int) -> tuple[IntArray, IntArray, FloatArray, FloatArray]:
    """Return the changes sorted by cluster and place, those of one cluster and place added up."""
    key = changes.cluster * size + changes.place
    weight, jumps = changes.weight, changes.jumps
    step = np.diff(key)
    if (step < 0).any():
        order = np.argsort(key)
        key, weight, jumps = key[order], weight[order], jumps[:, order]
        step = np.diff(key)
    if (step == 0).any():
        start = np.concatenate([[0], np.flatnonzero(step) + 1])
        key, weight, jumps = key[start], np.add.reduceat(weight, start), np.add.reduceat(jumps, start, axis=1)
    cluster = key // size
    return cluster, key - cluster * size, weight, jumps


def _running(values: FloatArray, head: IntArray) -> FloatArray:
    """Return the running sum of each cluster; its first entry stands at ``head``."""
    total = np.cumsum(values)
    earlier = np.concatenate([[0.0], total])[head]
    total -= np.repeat(earlier, np.diff(np.append(head, values.size)))
    return total


def _shifted(values: FloatArray, first: NDArray[np.bool_]) -> FloatArray:
    """Return the entry before each within its cluster, 0 for a cluster's first."""
    out = np.empty_like(values)
    out[1:] = values[:-1]
    out[first] = 0.0
    return out
