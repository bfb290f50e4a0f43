"""How many events a subject has had by a day, on average: the mean cumulative function.

At each day with events the mean rises by events over subjects at risk (Nelson 2003, doi:10.1137/1.9780898718454).
Nothing is assumed about how the events of one subject hang together: the variance is that of Lawless and Nadeau (1995,
doi:10.1080/00401706.1995.10484300), the sum over subjects of squared influences. The variance of a Poisson process,
which takes all events as independent, is not offered: where some subjects have many events and most have none, it is
too small.

A terminal event, after which no event can come, must not be treated as an end of watching: with `terminal` the mean is
that of Ghosh and Lin (2000, doi:10.1111/j.0006-341X.2000.00554.x), which multiplies each rise by the share that had not
ended before that day; its variance follows both parts.

What the caller must guarantee: subjects are independent of each other, and whoever stops being watched does so for a
reason unrelated to the events. The variance is a large-sample one: with few subjects at risk it comes out too small,
and a day with one subject at risk adds nothing to it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from outcomes.estimators.checks import FloatArray, check_days, check_level, normal_quantile
from outcomes.estimators.counts.spells import DayCounts, Spells, count_days, read_spells
from outcomes.estimators.curves.influence import enter_and_leave, sum_squares

_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class MeanCumulative:
    """A mean cumulative function as a step function, one entry a distinct time with events (m of them).

    Attributes
    ----------
    time : ndarray, shape (m,)
        Times with events, ascending, in the unit given.
    at_risk, events : ndarray, shape (m,)
        Sum of weights of the subjects at risk at, and of the events at, each time.
    mean, std_err : ndarray, shape (m,)
        Events a subject by the end of each time, and the standard error, robust by subject.
    conf_low, conf_high : ndarray, shape (m,)
        Point-wise limits, symmetric for the logarithm of the mean. NaN where the standard error is 0.
    survival : ndarray, shape (m,), or None
        Share not yet ended just before each time; None without terminal events.
    level : float
        Confidence level of the limits.
    subjects : int
        Subjects with weight.
    watched_time, watched : ndarray, shape (M,)
        Every time at which a row starts or stops, and the sum of weights at risk at it: between two of these times
        nothing changes.
    """

    time: FloatArray
    at_risk: FloatArray
    events: FloatArray
    mean: FloatArray
    std_err: FloatArray
    conf_low: FloatArray
    conf_high: FloatArray
    survival: FloatArray | None
    level: float
    subjects: int
    watched_time: FloatArray
    watched: FloatArray


def mean_cumulative(
    id: ArrayLike,
    start: ArrayLike,
    stop: ArrayLike,
    event: ArrayLike,
    weights: ArrayLike | None = None,
    terminal: ArrayLike | None = None,
    level: float = 0.95,
) -> MeanCumulative:
    """Estimate the mean cumulative function.

    Parameters
    ----------
    id : array_like, shape (n,)
        Subject of each row, as numbers or text.
    start, stop : array_like, shape (n,)
        The row's subject is at risk at t when ``start < t <= stop``. `start` may be negative (-1 puts day 0 under
        risk), `stop` may not. Rows of one subject may leave gaps and must not overlap.
    event : array_like, shape (n,)
        How many events came at `stop`: 0, 1, 2, ...
    weights : array_like, shape (n,), optional
        Weight of the row's subject, the same in all its rows, 0 or more, fractions allowed. Shares, not numbers of
        subjects: all weights times ten change nothing.
    terminal : array_like, shape (n,), optional
        1 in a subject's last row when a terminal event came at its `stop`, else 0. An event at the same time counts:
        it is taken to come first.
    level : float
        Confidence level.

    Returns
    -------
    MeanCumulative
        Without any event all arrays by event time are empty.

    Raises
    ------
    InputRefused
        E721 `start` not before `stop`; E722 negative `stop`; E723 overlapping rows; E724 `event` not a whole number, 0
        or more; E725 weights that differ within a subject; E726 `terminal` neither 0 nor 1; E727 a row after a terminal
        event; E735 a weight below 1e-6 of the largest; and what every argument is checked for: NaN, infinite, unequal
        lengths, negative weights.
    NotEstimable
        No rows or weight, or one subject only.
    """
    spells = read_spells(id, start, stop, event, weights, terminal)
    share = check_level(level)
    days = count_days(spells)
    step = days.events > 0
    if spells.ended is None:
        mean, variance = _plain(spells, days, step)
        survival = None
    else:
        mean, variance, survival = _with_terminal(spells, spells.ended, days, step)
    std_err = np.sqrt(variance)
    reach = normal_quantile(share) * np.divide(std_err, mean, out=np.full_like(mean, np.nan), where=std_err > 0)
    return MeanCumulative(
        time=days.time[step],
        at_risk=days.at_risk[step],
        events=days.events[step],
        mean=mean,
        std_err=std_err,
        conf_low=mean * np.exp(-reach),
        conf_high=mean * np.exp(reach),
        survival=survival,
        level=share,
        subjects=spells.subjects,
        watched_time=days.time,
        watched=days.at_risk,
    )


def mean_at(curve: MeanCumulative, days: ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Read the curve at given times.

    Parameters
    ----------
    curve : MeanCumulative
    days : array_like, shape (k,) or a number
        Times in the curve's unit, 0 or later.

    Returns
    -------
    mean, conf_low, conf_high, at_risk : ndarray, shape (k,)
        Before the first event the mean is 0 and the limits are NaN: the method has no width to give. After the last
        time at which anybody was watched all three are NaN. `at_risk` is the weight with ``start < t <= stop``; where
        it is 0 in between, the mean stands still because nobody was looked at.

    Raises
    ------
    InputRefused
        Days that are negative or not finite numbers.
    """
    at = check_days("days", days)
    mean, low, high = (
        read_steps(curve, values, at, before)
        for values, before in ((curve.mean, 0.0), (curve.conf_low, np.nan), (curve.conf_high, np.nan))
    )
    place = np.searchsorted(curve.watched_time, at, side="left")
    return mean, low, high, np.append(curve.watched, 0.0)[place]


def read_steps(curve: MeanCumulative, values: FloatArray, at: FloatArray, before: float) -> FloatArray:
    """Return the curve's values, shape (m,), at times, shape (k,): `before` ahead of the first, NaN beyond watching."""
    read = np.concatenate([[before], values])[np.searchsorted(curve.time, at, side="right")]
    return np.where(at > curve.watched_time[-1], np.nan, read)


def _plain(spells: Spells, days: DayCounts, step: NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
    """Return mean and variance at the times of `step`.

    The influence of a subject is ``sum of Y(s)/n(s) (dN(s) - dM(s))``: it falls by ``dM/n`` while at risk and jumps by
    events/n.
    """
    if not step.any():
        return np.empty(0), np.empty(0)
    n = days.at_risk[step]
    rise = days.events[step] / n
    upto = np.cumsum(step, dtype=np.intp)
    begin, end = upto[days.begin], upto[days.end]
    jumps = (spells.events / n[end - 1])[None]  # a row before the first event has none: its place is not read
    changes = enter_and_leave(spells.subject, begin, end, spells.weight, jumps)
    return np.cumsum(rise), sum_squares(changes, (rise / n)[None])[0, 0]


def _with_terminal(
    spells: Spells, ended: FloatArray, days: DayCounts, step: NDArray[np.bool_]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return mean, variance and survival just before, at the times of `step`.

    With S survival, ``dM = S(s-) dN/n`` and L a subject's influence on ``log S``, taken negative (it falls by
    ``h/(n - d)`` and jumps by ``1/(n - d)`` at the own end), the influence on ``M(t)`` is
    ``sum S(s-)/n (dN_i - Y dN/n) - sum (M(t) - M(u)) dL(u)``. With R(t) what the mean still rises by after t, that is
    ``U(t) + R(t) L(t)``, ``U = sum S(s-)/n (dN_i - Y dN/n) - sum R(u) dL(u)``: two curves of hazards, whose squares and
    product are summed. Written with R, which is small where L is large, no digits are lost at the end.
    """
    either = step | (days.ended > 0)
    if not step.any():
        return np.empty(0), np.empty(0), np.empty(0)
    n, d = days.at_risk[either], days.ended[either]
    left_over = n - d
    left_over[left_over <= _ROUNDING * n] = 0.0
    before = np.concatenate([[1.0], np.cumprod(left_over / n)[:-1]])
    # Where all at risk end, nothing follows, and what it is divided by does not matter.
    pull = np.divide(1.0, left_over, out=np.zeros_like(n), where=left_over > 0)
    rise = days.events[either] / n
    mean = np.cumsum(before * rise)
    rest = np.append(np.cumsum((before * rise)[:0:-1])[::-1], 0.0)
    upto = np.cumsum(either, dtype=np.intp)
    begin, end = upto[days.begin], upto[days.end]
    last = end - 1
    jump = np.stack([before / n, -rest * pull, pull])[:, last]
    jumps = np.stack([spells.events * jump[0] + ended * jump[1], ended * jump[2]])
    fall = d / n * pull
    squares = sum_squares(
        enter_and_leave(spells.subject, begin, end, spells.weight, jumps),
        np.stack([before * rise / n - rest * fall, fall]),
    )
    variance = squares[0, 0] + 2.0 * rest * squares[0, 1] + rest**2 * squares[1, 1]
    put_in = squares[0, 0] + rest**2 * squares[1, 1]
    variance[variance <= _ROUNDING * put_in] = 0.0
    seen = step[either]
    return mean[seen], variance[seen], before[seen]
