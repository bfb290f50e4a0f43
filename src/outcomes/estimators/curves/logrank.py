"""The log-rank test of whether k groups share one course of time to the event.

At each day with an event the events are compared with those expected if every group had the day's common share
(Mantel 1966, Cancer Chemother Rep 50:163; Peto and Peto 1972, doi:10.2307/2344317); the variance is hypergeometric, so
that ties are exact. With strata, only rows of one stratum are compared with each other, and the differences are summed.
The answer is that of R's ``survdiff``.

What the caller must guarantee: rows are independent, and whoever stops being watched does so for a reason unrelated to
the event, alike in every group. A small p-value says that the courses differ, not why.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from outcomes.errors import NotEstimable
from outcomes.estimators.checks import FloatArray, check_counts, open_mask, refuse_where, refused
from outcomes.estimators.counting import count_by, distinct
from outcomes.estimators.curves.kaplan_meier import check_events, check_times

MOST_GROUPS = 200


@dataclass(frozen=True, slots=True)
class LogRank:
    """A log-rank test of k groups.

    Attributes
    ----------
    statistic : float
        Chi-square statistic.
    df : int
        Degrees of freedom, k - 1.
    p_value : float
        Chance of a statistic this large or larger if all groups had one course.
    observed, expected : ndarray, shape (k,)
        Events seen in each group, and expected under one course; summed over strata.
    groups : tuple, length k
        The labels, sorted.
    """

    statistic: float
    df: int
    p_value: float
    observed: FloatArray
    expected: FloatArray
    groups: tuple[Any, ...]


def logrank(time: ArrayLike, event: ArrayLike, group: ArrayLike, strata: ArrayLike | None = None) -> LogRank:
    """Test whether k groups share one course.

    Parameters
    ----------
    time : array_like, shape (n,)
        Time of the event or of the last observation, 0 or later.
    event : array_like, shape (n,)
        1 when the event happened at `time`, 0 when observation ended there.
    group : array_like, shape (n,)
        Labels that can be sorted: numbers or text.
    strata : array_like, shape (n,), optional
        Labels; groups are compared inside each stratum only.

    Raises
    ------
    InputRefused
        Negative or non-finite times, codes other than 0 and 1, missing labels or labels that cannot be sorted, more
        than 200 groups, unequal lengths.
    NotEstimable
        No rows, one group only, no events, a group of which nobody was at risk at any event, or groups never at risk
        together.
    """
    end = check_times(time)
    happened = check_events(event, end.size)
    if not end.size:
        raise NotEstimable("Nothing to compare: no rows were given.")
    codes, groups = _number_groups(group, end.size)
    refuse_where(
        np.array([len(groups) > MOST_GROUPS]), "E686", "group", f"has more than {MOST_GROUPS} different labels."
    )
    stratum = None
    if strata is not None:
        stratum, labels = number_labels("strata", strata, end.size)
        stratum = None if len(labels) == 1 else stratum
    events, at_risk, size = _count_columns(end, happened, codes, len(groups), stratum)
    present = np.flatnonzero(size)
    if present.size < 2:
        raise NotEstimable("Nothing to compare: all rows are of one group.")
    if present.size < size.size:
        events, at_risk = events[present], at_risk[present]
    return _compare(events, at_risk, tuple(groups[i] for i in present))


def _number_groups(group: ArrayLike, length: int) -> tuple[NDArray[Any], tuple[Any, ...]]:
    """Return each row's place among labels, and those labels; whole numbers close together need no sorting.

    Labels between the lowest and the highest whole number may belong to no row.
    """
    array = group if isinstance(group, np.ndarray) and not np.ma.is_masked(group) else np.asarray(())
    if array.dtype.kind in "iu" and array.ndim == 1 and array.size == length:
        low, high = int(array.min()), int(array.max())
        if high - low < MOST_GROUPS:
            return array.astype(np.intp) - low if low else array, tuple(range(low, high + 1))
    return number_labels("group", group, length)


def number_labels(name: str, labels: ArrayLike, length: int) -> tuple[NDArray[np.intp], tuple[Any, ...]]:
    """Return each row's place among the sorted labels, shape (n,), and those labels, or refuse."""
    try:
        array = np.asarray(open_mask(labels))
    except ValueError:
        raise refused("E602", name, "holds lists; one label a row is needed.") from None
    if array.dtype.kind in "US" and not isinstance(labels, np.ndarray):
        # NumPy writes a missing label or a number among words as a word; as objects they stay what they are.
        array = np.asarray(labels, dtype=object)
    if array.dtype.kind in "iufb":
        found, place = distinct(check_counts(name, array, length))
        return place, tuple(found.astype(array.dtype).tolist())
    # Text is looked up in a dictionary: sorting a million words to find three takes half a second.
    refuse_where(np.array([array.ndim != 1]), "E602", name, "must have one dimension.")
    refuse_where(np.array([array.size != length]), "E603", name, "is not as long as the other arguments.")
    rows = array.tolist()
    try:
        kinds = set(rows)
        if any(map(_is_missing, kinds)):
            refuse_where(np.array([_is_missing(label) for label in rows]), "E681", name, "is missing.")
        order = sorted(kinds)
    except TypeError:
        raise refused("E683", name, "mixes kinds of labels that have no common order.") from None
    number = {label: i for i, label in enumerate(order)}
    return np.fromiter(map(number.__getitem__, rows), dtype=np.intp, count=length), tuple(order)


def _is_missing(label: object) -> bool:
    """Whether the label is None or a missing value, which equals nothing, not even itself."""
    try:
        return label is None or not bool(label == label)
    except TypeError:  # pandas' NA refuses to be true or false
        return True


def _count_columns(
    end: NDArray[Any], happened: NDArray[Any], codes: NDArray[Any], k: int, stratum: NDArray[np.intp] | None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return events and numbers at risk, shape (k, m), one column a stratum's day with an event, and rows, (k,)."""
    if stratum is None:
        _, table = count_by(end, [happened, codes], [2, k])
    else:
        # Stratum after stratum on one axis of days.
        times, place = distinct(end)
        column, table = count_by(stratum * times.size + place, [happened, codes], [2, k])
    events = table[1]
    seen = np.flatnonzero(events.sum(axis=0) > 0)
    onwards = np.cumsum((table[0] + events)[:, ::-1], axis=1)[:, ::-1]
    at_risk = np.take(onwards, seen, axis=1)
    if stratum is not None:
        # Counted to the end of the axis: take off the strata that come after.
        owner = column.astype(np.intp) // times.size
        after = np.searchsorted(owner, owner[seen], side="right")
        at_risk -= np.pad(onwards, [(0, 0), (0, 1)])[:, after]
    return np.take(events, seen, axis=1), at_risk, onwards[:, 0]


def _compare(events: FloatArray, at_risk: FloatArray, groups: tuple[Any, ...]) -> LogRank:
    if not events.size:
        raise NotEstimable("Nothing to compare: no group has an event.")
    d, n = events.sum(axis=0), at_risk.sum(axis=0)
    share = at_risk / n
    observed, expected = events.sum(axis=1), share @ d
    for i in np.flatnonzero(expected == 0):
        raise NotEstimable(
            f"Group {i + 1} of {len(groups)}, in sorted order, cannot be compared: nobody of it was at risk at any "
            "event."
        )
    # Weight of the hypergeometric variance; one left at risk has none.
    c = d * (n - d) / np.maximum(n - 1, 1)
    together = (share * c) @ share.T
    if not _is_connected(together > 0):
        raise NotEstimable(
            "The groups cannot be compared: they fall into parts that were never at risk together at a time at which "
            "some had the event and some had not."
        )
    # Off the diagonal the variance is -together; its rows sum to 0, so one group is left out.
    np.fill_diagonal(together, 0.0)
    variance = np.diag(together.sum(axis=1)) - together
    off = (observed - expected)[:-1]
    statistic = float(off @ np.linalg.solve(variance[:-1, :-1], off))
    from scipy.special import chdtrc

    df = len(groups) - 1
    return LogRank(statistic, df, float(chdtrc(df, statistic)), observed, expected, groups)


def _is_connected(joined: NDArray[np.bool_]) -> bool:
    """Whether every group is reached from the first; the variance has rank k - 1 exactly then."""
    reached = np.zeros(len(joined), dtype=bool)
    reached[0] = True
    for _ in range(len(joined)):
        reached = reached | joined[reached].any(axis=0)
    return bool(reached.all())
