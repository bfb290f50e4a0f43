"""Kaplan-Meier: the share still without the event, when some were watched for less time than others.

The estimate is the product over event times of ``1 - events / at_risk`` (Kaplan and Meier 1958,
doi:10.1080/01621459.1958.10501452), its variance Greenwood's sum, its limits the log-log ones, which stay inside 0 and
1 (Kalbfleisch and Prentice 2002, doi:10.1002/9781118032985, section 1.4). They are those of R's ``survfit(...,
conf.type = "log-log")``.

Days are integers, so the whole data set is first counted into a table of days; after that the cost no longer depends on
the number of rows. Real-valued times take the same road over their distinct values. Two times are tied when they are
equal, nothing else: count in days, not in fractions of weeks.

With `cluster` the standard error no longer takes the rows as independent: the influences of the rows (`influence`) are
summed by cluster and squared, as in R's ``survfit(..., cluster=)``; the curve itself stays the same. It is a
large-sample variance: with fewer than about 30 clusters it comes out too small.

What the caller must guarantee: whoever stops being watched does so for a reason unrelated to the event, and event times
are known exactly. Relief seen at visits is not; for that use `outcomes.estimators.npmle`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from outcomes.errors import NotEstimable
from outcomes.estimators.aft_rows import check_clusters
from outcomes.estimators.checks import (
    FloatArray,
    check_counts,
    check_days,
    check_level,
    check_numbers,
    check_share,
    check_weights,
    normal_quantile,
    refuse_where,
    refused,
)
from outcomes.estimators.counting import blocks, count_by, count_events
from outcomes.estimators.curves.influence import enter_and_leave, find_places, refuse_tiny, sum_squares

# Two sums of weights that differ by less than this share of the total differ by rounding only.
_ROUNDING = 1e-12
_FLAT = 1e-9
_BLOCK = 1 << 13


@dataclass(frozen=True)
class KaplanMeier:
    """A survival curve as a step function, one entry a distinct event time (m of them).

    The limits are made when they are first read: they cost as much as the curve, and many readers want only that.

    Attributes
    ----------
    time : ndarray, shape (m,)
        Distinct event times, ascending, in the unit given.
    at_risk, events : ndarray, shape (m,)
        Sum of weights at risk just before, and having the event at, each time.
    survival, std_err : ndarray, shape (m,)
        Share without the event after each time and its standard error (Greenwood, or by cluster). NaN where survival
        has reached 0.
    conf_low, conf_high : ndarray, shape (m,)
        Point-wise log-log limits. NaN where survival has reached 0, and where a standard error by cluster is 0.
    level : float
        Confidence level of the limits.
    watched_time, watched : ndarray, shape (k,)
        Every time at which somebody enters or leaves, and the sum of weights at risk at it: between two of these times
        nothing changes.
    clusters : int or None
        Number of clusters among rows with weight; None where the rows were taken as independent.
    """

    time: FloatArray
    at_risk: FloatArray
    events: FloatArray
    survival: FloatArray
    std_err: FloatArray
    level: float
    watched_time: FloatArray
    watched: FloatArray
    clusters: int | None = None

    @property
    def conf_low(self) -> FloatArray:
        """Lower limit at each time."""
        return self._limits[0]

    @property
    def conf_high(self) -> FloatArray:
        """Upper limit at each time."""
        return self._limits[1]

    @cached_property
    def _limits(self) -> tuple[FloatArray, FloatArray]:
        low, high, z = np.empty(self.time.size), np.empty(self.time.size), normal_quantile(self.level)
        for rows in blocks(self.time.size, _BLOCK):
            share, error = self.survival[rows], self.std_err[rows]
            # A masked division takes five times as long, so it is made only where it is needed.
            is_plain = error.min() > 0
            relative = error / share if is_plain else _divide_positive(error, share)
            low[rows], high[rows] = log_log_limits(share, relative, z)
        return low, high


def _divide_positive(error: FloatArray, share: FloatArray) -> FloatArray:
    return np.divide(error, share, out=np.full(error.size, np.nan), where=error > 0)


def kaplan_meier(
    time: ArrayLike,
    event: ArrayLike,
    weights: ArrayLike | None = None,
    entry: ArrayLike | None = None,
    level: float = 0.95,
    cluster: ArrayLike | None = None,
) -> KaplanMeier:
    """Estimate the survival curve.

    Parameters
    ----------
    time : array_like, shape (n,)
        Time of the event or of the last observation, 0 or later. An event at time 0 is allowed.
    event : array_like, shape (n,)
        1 when the event happened at `time`, 0 when observation ended there.
    weights : array_like, shape (n,), optional
        Case weights, 0 or more, fractions allowed. Without clusters the standard error treats them as numbers of rows,
        with clusters as shares (all weights times ten change nothing); for weights that were themselves estimated use
        a bootstrap.
    entry : array_like, shape (n,), optional
        When each row came under observation. A row is at risk at t when ``entry < t <= time``; without it, from the
        start, time 0 included.
    level : float
        Confidence level.
    cluster : array_like, shape (n,), optional
        Who each row belongs to, as numbers or text: rows of one patient depend on each other. Asks for the standard
        error and limits by cluster.

    Raises
    ------
    InputRefused
        Negative or non-finite times, codes other than 0 and 1, entry not before time, negative weights, unequal
        lengths; with clusters, E679 unusable labels, and E735 a weight below 1e-6 of the largest.
    NotEstimable
        No rows, or no weight; clusters are given, and there is only one.
    """
    end = check_times(time)
    happened = check_events(event, end.size)
    weight = None if weights is None and end.size else check_weights(weights, end.size)
    begin = None if entry is None else check_numbers("entry", entry, end.size)
    if begin is not None:
        refuse_where(begin >= end, "E613", "entry", "is not before time: that row was never at risk.")
    level = check_level(level)
    member = None if cluster is None else check_clusters(cluster, end.size)
    if member is not None and weight is not None:
        refuse_tiny(weight)
    if weight is not None and weight.min() == 0:
        counted = weight > 0
        end, happened, weight = end[counted], happened[counted], weight[counted]
        begin = None if begin is None else begin[counted]
        member = None if member is None else member[counted]
    curve = _from_counts(*_count_times(end, happened, weight, begin), level)
    return curve if member is None else _by_cluster(curve, end, happened, weight, begin, member)


def check_times(time: ArrayLike) -> NDArray[Any]:
    """Return the times, whole numbers in their own type, or refuse what is no time of observation."""
    end = check_counts("time", time)
    if end.size and end.min() < 0:
        refuse_where(end < 0, "E611", "time", "is negative.")
    return end


def check_events(event: ArrayLike, length: int) -> NDArray[Any]:
    """Return the codes 0 and 1, whole numbers in their own type, or refuse."""
    happened = check_counts("event", event, length)
    if happened.dtype.kind == "f" or (length and not 0 <= happened.min() <= happened.max() <= 1):
        refuse_where((happened != 0) & (happened != 1), "E612", "event", "is neither 0 nor 1.")
    return happened


def _count_times(
    end: NDArray[Any], happened: NDArray[Any], weight: FloatArray | None, begin: FloatArray | None
) -> tuple[FloatArray, FloatArray, NDArray[np.intp], FloatArray]:
    """Return the distinct times, the weight at risk at each, where there are events, and their weight there."""
    if begin is None:
        times, watched, step, table = count_events(end, happened, 1, weight)
        return times, watched, step, table[0]
    left, table = count_by(end, [happened], [2], weight)
    starts, entering = count_by(begin, [np.zeros(begin.size, dtype=np.uint8)], [1], weight)
    times = np.union1d(left, starts)
    change, place = np.zeros(times.size), np.searchsorted(times, left)
    change[place] = table[0] + table[1]
    change[np.searchsorted(times, starts)] -= entering[0]
    # Summed from the far end: the last at risk are exactly their own weight. Who enters at t is not yet at risk at t.
    watched = np.cumsum(change[::-1])[::-1]
    watched[np.abs(watched) < _ROUNDING * table.sum()] = 0.0
    happens = table[1] > 0
    return times, watched, place[happens], table[1, happens]


def _from_counts(
    times: FloatArray, watched: FloatArray, step: NDArray[np.intp], d: FloatArray, level: float
) -> KaplanMeier:
    n = watched[step]
    survival, std_err = np.empty(d.size), np.empty(d.size)
    last, total = 1.0, 0.0
    # In blocks what is made on the way stays in the cache, and asks for no fresh memory; products and sums go on.
    for rows in blocks(d.size, _BLOCK):
        left_over = n[rows] - d[rows]
        left_over[left_over <= _ROUNDING * n[rows]] = 0.0
        share = np.divide(left_over, n[rows], out=survival[rows])
        share[0] *= last
        np.cumprod(share, out=share)
        with np.errstate(divide="ignore", invalid="ignore"):
            left_over *= n[rows]
            relative = np.divide(d[rows], left_over, out=left_over)
            relative[0] += total
            np.cumsum(relative, out=relative)
            last, total = share[-1], relative[-1]
            np.sqrt(relative, out=relative)
            np.multiply(share, relative, out=std_err[rows])
        if last <= 0:
            std_err[rows][share <= 0] = np.nan
    return KaplanMeier(times[step], n, d, survival, std_err, level, times, watched)


def _by_cluster(
    curve: KaplanMeier,
    end: NDArray[Any],
    happened: NDArray[Any],
    weight: FloatArray | None,
    begin: FloatArray | None,
    member: NDArray[np.intp],
) -> KaplanMeier:
    """Return the curve with standard errors and limits by cluster; `member` numbers the clusters from 0."""
    clusters = int(np.count_nonzero(np.bincount(member)))
    if clusters < 2:
        raise NotEstimable("All rows belong to one cluster: a variance by cluster needs at least two, and many.")
    if not curve.time.size:
        return replace(curve, clusters=clusters)
    d, n = curve.events, curve.at_risk
    left_over = np.where(curve.survival > 0, n - d, np.inf)  # at survival 0 there is no variance to be had
    place = find_places(curve.time, end)
    jumps = (happened / left_over[place - 1])[None]  # a row before the first event has none: its place is not read
    entered = None if begin is None else find_places(curve.time, begin)
    given = np.ones(end.size) if weight is None else weight
    changes = enter_and_leave(member, entered, place, given, jumps)
    relative = np.sqrt(sum_squares(changes, (d / (n * left_over))[None])[0, 0])
    relative[curve.survival <= 0] = np.nan
    return replace(curve, std_err=curve.survival * relative, clusters=clusters)


def log_log_limits(survival: FloatArray, relative: FloatArray, z: float) -> tuple[FloatArray, FloatArray]:
    """Limits of survival from its relative standard error, `z` of them away on the scale log(-log S).

    All arrays have one shape. NaN where survival is not inside (0, 1): there the scale has no place for it.
    """
    inside = (survival > 0) & (survival < 1)
    # A limit beyond the range of doubles is 0; what comes out where survival is not inside is thrown away.
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        log_s = np.log(survival)
        # exp(-exp(log(-log S) + shift)) without the way there and back.
        stretch = -z * relative / log_s
        np.exp(stretch, out=stretch)
        low, high = log_s * stretch, np.divide(log_s, stretch, out=log_s)
        np.exp(low, out=low)
        np.exp(high, out=high)
    if not inside.all():
        low[~inside], high[~inside] = np.nan, np.nan
    return low, high


def refuse_clusters(curve: KaplanMeier) -> None:
    """Refuse (E736) a curve with clusters where a variance is made that takes rows as independent."""
    if curve.clusters is not None:
        what = "was estimated with clusters, and this variance takes rows as independent."
        raise refused("E736", "curve", what, "Estimate the curve without clusters, or draw clusters again (bootstrap).")


def survival_at(curve: KaplanMeier, days: ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Read the curve at given times.

    Parameters
    ----------
    curve : KaplanMeier
    days : array_like, shape (k,) or a number
        Times in the curve's unit.

    Returns
    -------
    survival, conf_low, conf_high, at_risk : ndarray, shape (k,)
        Before the first event survival and both limits are 1 (nothing has happened, the method has no width to give).
        After the last observation survival is NaN, unless it has already reached 0: nobody was watched there.
        `at_risk` is the weight with ``entry < t <= time``.

    Raises
    ------
    InputRefused
        Days that are negative or not finite numbers.
    """
    at = check_days("days", days)
    index = np.searchsorted(curve.time, at, side="right")
    unseen = at > curve.watched_time[-1]
    out = []
    for values in (curve.survival, curve.conf_low, curve.conf_high):
        read = np.concatenate([[1.0], values])[index]
        out.append(np.where(unseen & (np.concatenate([[1.0], curve.survival])[index] > 0), np.nan, read))
    place = np.searchsorted(curve.watched_time, at, side="left")
    at_risk = np.concatenate([curve.watched, [0.0]])[place]
    return out[0], out[1], out[2], at_risk


def quantile(curve: KaplanMeier, share: float) -> tuple[float, float, float]:
    """Return the time by which `share` had the event, with limits, by inverting the curve and its limits.

    The time is the first at which survival is ``1 - share`` or less; where the curve runs flat exactly there, the
    middle of the flat piece (R's ``quantile.survfit``). NaN when the curve, or a limit, never gets there (Brookmeyer
    and Crowley 1982, doi:10.2307/2530286).

    Raises
    ------
    InputRefused
        E615: `share` is not one number inside (0, 1).
    """
    share = check_share("share", share, "E615", 0.5)
    return (
        _first_time(curve.time, curve.survival, 1.0 - share),
        _first_time(curve.time, curve.conf_low, 1.0 - share),
        _first_time(curve.time, curve.conf_high, 1.0 - share),
    )


def _first_time(time: FloatArray, values: FloatArray, target: float) -> float:
    below = np.flatnonzero(values <= target + _FLAT)
    if not below.size:
        return float("nan")
    first = int(below[0])
    if abs(values[first] - target) > _FLAT:
        return float(time[first])
    later = np.flatnonzero(values < target - _FLAT)
    return float((time[first] + time[later[0]]) / 2.0) if later.size else float(time[first])
