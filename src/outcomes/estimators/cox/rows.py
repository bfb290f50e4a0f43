"""The rows of a Cox regression: checked, put on the axis of event times, and counted into distinct ones.

Only the times at which an event happens matter, and only which rows are at risk at each. So every row becomes a pair of
whole numbers, the first and one past the last event time at which it is at risk; rows that are at risk at none say
nothing, and rows alike in covariates, pair, event and stratum are one pattern with a weight.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from outcomes.errors import NotEstimable
from outcomes.estimators.aft_rows import check_clusters
from outcomes.estimators.checks import (
    LARGEST_SUM,
    FloatArray,
    check_columns,
    check_numbers,
    check_weights,
    refuse_where,
    refused,
)
from outcomes.estimators.counting import distinct, sum_by
from outcomes.estimators.cox.coded import Codes
from outcomes.estimators.cox.patterns import count_patterns, narrow
from outcomes.estimators.curves.kaplan_meier import check_events, check_times
from outcomes.estimators.curves.logrank import number_labels

IntArray = NDArray[np.intp]
SlotArray = NDArray[np.int32]
_T = TypeVar("_T", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Given:
    """Checked arguments, of rows with weight; `stratum` and `member` count from 0."""

    X: NDArray[Any]
    end: NDArray[Any]
    happened: NDArray[np.bool_]
    begin: FloatArray | None
    weight: FloatArray
    stratum: IntArray | None
    labels: tuple[Any, ...]
    member: IntArray | None


@dataclass(frozen=True, slots=True)
class Slots:
    """The axis: event times, ascending within a stratum, stratum after stratum (K of them).

    Attributes
    ----------
    time, deaths, weight : ndarray, shape (K,)
        The time, how many rows have the event then, and the sum of their weights.
    stratum : ndarray of int, shape (K,)
        Number of the stratum.
    first : ndarray of int, shape (s,)
        Where each stratum with events begins.
    survival_before, rank : ndarray, shape (K,)
        Kaplan-Meier survival just before the time, and the mean rank of the time among the times of all rows, both
        from all rows with weight, each counted once: the time scales of the test of proportional hazards.
    """

    time: FloatArray
    deaths: FloatArray
    weight: FloatArray
    stratum: IntArray
    first: IntArray
    survival_before: FloatArray
    rank: FloatArray


@dataclass(frozen=True, slots=True)
class Rows:
    """Distinct informative rows (m of them), in the order of their last slot unless their covariates are codes.

    Attributes
    ----------
    X : ndarray, shape (m, p), or Codes
        Covariates; small whole numbers as bytes, few different ones as codes.
    weight : ndarray, shape (m,)
    lo, hi : ndarray of int, shape (m,)
        At risk at the slots ``lo <= k < hi``.
    event : ndarray of bool, shape (m,)
        Whether the event happened at slot ``hi - 1``.
    begins : ndarray of bool, shape (m,) or None
        Whether the row came under observation after the first slot of its stratum; None when none did.
    """

    X: NDArray[Any] | Codes
    weight: FloatArray
    lo: SlotArray
    hi: SlotArray
    event: NDArray[np.bool_]
    begins: NDArray[np.bool_] | None


@dataclass(frozen=True, slots=True)
class Clusters:
    """Who informative rows belong to: pattern, weight and cluster of each, and how many clusters have weight."""

    pattern: IntArray
    weight: FloatArray
    member: IntArray
    count: int


def check_covariates(X: ArrayLike, length: int | None = None, columns: int | None = None) -> NDArray[Any]:
    """Return X as a table, shape (n, p), or refuse (E702, E711 beyond 1e100, and the codes of `check_columns`)."""
    remedy = "Write X.reshape(-1, 1) for one column."
    table = check_columns("X", X, length, columns, code="E702", remedy=remedy)
    if table.shape[1] == 0:
        raise refused("E702", "X", "has no columns; one at least is needed.")
    if table.dtype.kind == "f" and table.size and max(table.max(), -table.min()) > LARGEST_SUM:
        refuse_where((np.abs(table) > LARGEST_SUM).any(axis=1), "E711", "X", f"is beyond {LARGEST_SUM:g} in size.")
    return table


def check_given(
    X: ArrayLike,
    time: ArrayLike,
    event: ArrayLike,
    entry: ArrayLike | None,
    weights: ArrayLike | None,
    strata: ArrayLike | None,
    cluster: ArrayLike | None,
) -> Given:
    """Return the checked arguments without the rows of weight 0, or refuse."""
    end = check_times(time)
    n = end.size
    table = _check_table(X, n)
    happened = check_events(event, n) != 0
    weight = check_weights(weights, n)
    begin = None if entry is None else check_numbers("entry", entry, n)
    if begin is not None:
        refuse_where(begin >= end, "E613", "entry", "is not before time: that row was never at risk.")
    stratum, labels = (None, (None,)) if strata is None else number_labels("strata", strata, n)
    member = None if cluster is None else check_clusters(cluster, n)
    given = Given(table, end, happened, begin, weight, stratum, labels, member)
    if weight.min() == 0:
        given = _pick(given, weight > 0)
    if not given.happened.any():
        raise NotEstimable("The event was never seen in a row with weight: the regression cannot be estimated.")
    if given.member is not None and (given.member == given.member[0]).all():
        raise NotEstimable("All rows belong to one cluster: a variance by cluster needs at least two, and many.")
    return given


def _check_table(X: ArrayLike, n: int) -> NDArray[Any]:
    """Return the covariates as bytes where they fit, which makes most checks needless; else checked, as floats."""
    small = narrow(X)
    if small is not None and len(small) == n:
        return small
    table = check_covariates(X, n)
    small = narrow(table)
    return np.ascontiguousarray(table, dtype=np.float64) if small is None else small


def _pick(given: Given, rows: NDArray[np.bool_]) -> Given:
    return Given(
        given.X[rows],
        given.end[rows],
        given.happened[rows],
        _some(given.begin, rows),
        given.weight[rows],
        _some(given.stratum, rows),
        given.labels,
        _some(given.member, rows),
    )


def _some(column: NDArray[_T] | None, rows: NDArray[np.bool_]) -> NDArray[_T] | None:
    return None if column is None else column[rows]


def build_rows(given: Given) -> tuple[Rows, Slots, Clusters | None]:
    """Put checked rows on the axis of event times and count them into patterns."""
    slots, lo, hi = _place(given)
    informative = lo < hi
    if not informative.all():
        given = _pick(given, informative)
        lo, hi = lo[informative], hi[informative]
    counted, row = count_patterns(given.X, lo, hi, given.happened, given.weight, slots.time.size)
    start = _stratum_start(slots)[counted.hi - 1]
    begins = counted.lo > start
    rows = Rows(
        counted.X,
        counted.weight,
        counted.lo,
        counted.hi,
        counted.event,
        begins if begins.any() else None,
    )
    return rows, slots, None if given.member is None else _build_clusters(given.member, given.weight, row)


def _build_clusters(labels: IntArray, weight: FloatArray, row: IntArray | None) -> Clusters:
    found, member = distinct(labels)
    pattern = np.arange(member.size) if row is None else row
    return Clusters(pattern, weight, member, found.size)


def _stratum_start(slots: Slots) -> SlotArray:
    """Return the first slot of the stratum of each slot."""
    sizes = np.diff(slots.first, append=slots.time.size)
    return np.repeat(slots.first, sizes).astype(np.int32)


def _place(given: Given) -> tuple[Slots, SlotArray, SlotArray]:
    """Return the axis, and for every row the first and one past the last slot at which it is at risk."""
    ends, end_place = distinct(given.end)
    died = sum_by(end_place[given.happened], np.ones(int(given.happened.sum())), ends.size) > 0
    times = ends[died]
    before = np.cumsum(died)[end_place]
    step = times.size + 1
    stratum = given.stratum if given.stratum is not None else np.zeros(1, dtype=np.intp)
    exit_key = stratum * step + before
    key, place = distinct(exit_key[given.happened])
    deaths = sum_by(place, np.ones(place.size), key.size)
    weight = sum_by(place, given.weight[given.happened], key.size)
    hi = _look_up(key, exit_key, "right")
    owner = (key - 1) // step
    first = np.flatnonzero(np.diff(owner, prepend=-1))
    if given.begin is None:
        lo = _look_up(key, np.broadcast_to(stratum * step, hi.shape), "right")
    else:
        starts, start_place = distinct(given.begin)
        lo = _look_up(key, stratum * step + np.searchsorted(times, starts, "right")[start_place], "right")
    at = key - 1 - owner * step
    survival, rank = _time_scales(given, ends, end_place, times)
    slots = Slots(times[at].astype(np.float64), deaths, weight, owner, first, survival[at], rank[at])
    return slots, lo, hi


def _look_up(key: IntArray, wanted: IntArray, side: Any) -> SlotArray:
    """Return how many keys lie at or below each of the wanted ones; few distinct ones are looked up once."""
    if wanted.strides == (0,):
        return np.full(wanted.size, np.searchsorted(key, wanted[0], side), dtype=np.int32)
    found, place = distinct(wanted)
    return np.searchsorted(key, found, side).astype(np.int32)[place]


def _time_scales(
    given: Given, ends: NDArray[Any], end_place: IntArray, times: NDArray[Any]
) -> tuple[FloatArray, FloatArray]:
    """Return Kaplan-Meier survival just before each distinct event time, and the mean rank of that time."""
    leaving = sum_by(end_place, np.ones(end_place.size), ends.size)
    deaths = sum_by(end_place[given.happened], np.ones(int(given.happened.sum())), ends.size)
    upto = np.cumsum(leaving)
    at_risk = upto[-1] - upto + leaving
    if given.begin is not None:
        # Who enters at a time is not yet at risk at it.
        at_risk -= given.begin.size - np.searchsorted(np.sort(given.begin), ends, "left")
    survival = np.cumprod(1.0 - deaths / at_risk)
    before = np.concatenate([[1.0], survival[:-1]])
    at = np.searchsorted(ends, times)
    return before[at], (upto - (leaving - 1.0) / 2.0)[at]
