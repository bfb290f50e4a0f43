"""Control charts of a series of quarters or months: the p-chart of a share and the XmR chart of any number.

A segment reaches from one documented break to the next. Its first 12 points fix the limits, which are then kept for
every later point, and hold for the first 12 as well: a level that moves slowly must not pull its own limits along. With
5 to 11 points the limits are ``trial`` limits from all points there are, and move with each new one. With fewer there
are none, and no signal is given: a run chart. Nothing crosses a break, neither limits, nor runs, nor moving ranges.

The limits are in `outcomes.estimators.chart_limits`, with when Laney's factor is used and what a false alarm costs; the
rules are in `outcomes.estimators.signals`. A missing point counts for nothing and breaks no run: the points beside it
are neighbours, in a run as in a moving range.

What the caller must guarantee: the points are in order of time and mature, and each break is documented.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from outcomes.errors import NotEstimable
from outcomes.estimators.chart_limits import Scale, scale_shares, scale_values
from outcomes.estimators.checks import FloatArray, check_array, check_whole, read_number, refuse_where, refused
from outcomes.estimators.signals import NONE, WORD, SignArray, WordArray, find_signals

FIXED, TRIAL, NO_LIMITS = "fixed", "trial", "none"
_SIGMAS = 3.0
_NEAR = 2.0 / 3.0


@dataclass(frozen=True, slots=True)
class ChartSegment:
    """The points between two documented breaks, and what their limits rest on.

    Attributes
    ----------
    first, last : int
        Positions in the series, counted from 0, both included.
    points : int
        Points that are not missing.
    limits_from : int
        How many of them, the first ones, the limits are computed from; 0 without limits.
    status : str
        "fixed", "trial" or "none".
    reason : str
        Why there are no limits, in a sentence; empty where there are.
    centre : float
        Pooled share or mean of those points; NaN without limits.
    factor : float
        Laney's factor, whether used or not; NaN without limits and for an XmR chart.
    widened : bool
        Whether the limits were multiplied by it.
    """

    first: int
    last: int
    points: int
    limits_from: int
    status: str
    reason: str
    centre: float
    factor: float
    widened: bool


@dataclass(frozen=True, slots=True)
class ControlChart:
    """A control chart of k points.

    Attributes
    ----------
    kind : str
        "p" or "xmr".
    value : ndarray, shape (k,)
        NaN where the point is missing.
    centre, low, high, near_low, near_high : ndarray, shape (k,)
        The lines; NaN in a segment without limits. In a p-chart all but the centre are NaN at a missing point as well.
    sigma : ndarray, shape (k,)
        A third of the way to a limit that is not cut off; it includes Laney's factor where that was used.
    signal : ndarray of str, shape (k,)
        "", "outside", "trend", "two_of_three" or "shift", see `outcomes.estimators.signals`.
    side, direction : ndarray of int8, shape (k,)
        Of the centre the point lies; where its signal points. -1 below or falling, 1 above or rising, 0 neither.
    status : ndarray of str, shape (k,)
        Of the point's segment: "fixed", "trial" or "none".
    segments : tuple of ChartSegment
    """

    kind: str
    value: FloatArray
    centre: FloatArray
    low: FloatArray
    high: FloatArray
    near_low: FloatArray
    near_high: FloatArray
    sigma: FloatArray
    signal: WordArray
    side: SignArray
    direction: SignArray
    status: WordArray
    segments: tuple[ChartSegment, ...]


def p_chart(
    events: ArrayLike,
    n: ArrayLike,
    breaks: Sequence[int] = (),
    fix_points: int = 12,
    trial_points: int = 5,
    laney: bool | None = None,
) -> ControlChart:
    """Return the chart of a share, its limits and its signals.

    Parameters
    ----------
    events, n : array_like, shape (k,)
        How many had it, out of how many; real numbers are allowed (standardised shares times their size). ``n`` 0 or
        NaN, or `events` NaN, is a missing point.
    breaks : sequence of int
        Positions, counted from 0, at which a new segment starts.
    fix_points, trial_points : int
        From how many points on limits are fixed, and from how many there are trial limits.
    laney : bool, optional
        Whether Laney's factor is used; by default where the points scatter more than shares do, see
        `outcomes.estimators.chart_limits`.

    Raises
    ------
    InputRefused
        E811 breaks; E812 numbers of points; E813 `laney`; E814 negative counts; E815 more events than `n`; lengths.
    NotEstimable
        Every point is missing.
    """
    size = _check_series("n", n)
    x = _check_series("events", events, size.size)
    refuse_where(size < 0, "E814", "n", "is negative.")
    refuse_where(x < 0, "E814", "events", "is negative.")
    refuse_where(x > size, "E815", "events", "is more than n.")
    if not (laney is None or isinstance(laney, (bool, np.bool_))):
        raise refused("E813", "laney", "must be True, False, or left out.")
    there = (size > 0) & ~np.isnan(x)
    value = np.divide(x, size, out=np.full(size.size, np.nan), where=there)

    def scale(points: NDArray[np.int64], first: int) -> Scale:
        return scale_shares(x[points], size[points], first, laney)

    return _draw("p", value, breaks, (fix_points, trial_points), scale)


def xmr_chart(
    values: ArrayLike, breaks: Sequence[int] = (), fix_points: int = 12, trial_points: int = 5
) -> ControlChart:
    """Return the chart of single values (means, medians, rates) by their moving ranges, and its signals.

    Parameters
    ----------
    values : array_like, shape (k,)
        In any unit; NaN is a missing point.
    breaks, fix_points, trial_points
        As in `p_chart`.

    Raises
    ------
    InputRefused
        E811 breaks; E812 numbers of points; infinite values.
    NotEstimable
        Every point is missing.
    """
    value = _check_series("values", values)

    def scale(points: NDArray[np.int64], first: int) -> Scale:
        return scale_values(value[points], first)

    return _draw("xmr", value, breaks, (fix_points, trial_points), scale)


def _check_series(name: str, values: object, length: int | None = None) -> FloatArray:
    """Return a series as floats, shape (k,), NaN allowed, or refuse."""
    array = np.asarray(check_array(name, values), dtype=np.float64)
    if array.ndim != 1:
        raise refused("E602", name, f"has {array.ndim} dimensions; one is needed.")
    if length is not None and array.size != length:
        raise refused("E603", name, f"has {array.size} entries, the others have {length}; they must be aligned.")
    refuse_where(np.isinf(array), "E605", name, "is infinite.")
    return array


def _starts(breaks: Sequence[int], size: int) -> list[int]:
    """Return the first position of each segment, then `size`."""
    found = [read_number(at) for at in breaks]
    if not all(0 < at < size and at.is_integer() for at in found) or sorted(set(found)) != found:
        what = f"must be whole positions from 1 to {size - 1}, each once and in order: where a new segment starts."
        raise refused("E811", "breaks", what)
    return [0, *(int(at) for at in found), size]


def _draw(
    kind: str,
    value: FloatArray,
    breaks: Sequence[int],
    needed: tuple[int, int],
    scale: Callable[[NDArray[np.int64], int], Scale],
) -> ControlChart:
    """Return the chart, one segment after the other.

    Parameters
    ----------
    kind : str
    value : ndarray, shape (k,)
    breaks : sequence of int
    needed : (int, int)
        Points that fix limits; points for trial limits.
    scale : callable
        Of the positions of a segment's points and of how many of them set the limits.
    """
    trial = check_whole("trial_points", needed[1], "E812", 2)
    fix = check_whole("fix_points", needed[0], "E812", trial)
    starts = _starts(breaks, value.size)
    if np.isnan(value).all():
        raise NotEstimable("Nothing to chart: every point is missing.")
    chart = _empty(kind, value)
    segments = tuple(_fill(chart, first, after - 1, (fix, trial), scale) for first, after in pairwise(starts))
    return replace(chart, segments=segments)


def _empty(kind: str, value: FloatArray) -> ControlChart:
    """Return the chart of these points without any line."""
    line, sign = np.full(value.size, np.nan), np.zeros(value.size, dtype=np.int8)
    return ControlChart(
        kind=kind,
        value=value.copy(),
        centre=line.copy(),
        low=line.copy(),
        high=line.copy(),
        near_low=line.copy(),
        near_high=line.copy(),
        sigma=line.copy(),
        signal=np.full(value.size, NONE, dtype=WORD),
        side=sign.copy(),
        direction=sign.copy(),
        status=np.full(value.size, NO_LIMITS, dtype=WORD),
        segments=(),
    )


def _fill(
    chart: ControlChart,
    first: int,
    last: int,
    needed: tuple[int, int],
    scale: Callable[[NDArray[np.int64], int], Scale],
) -> ChartSegment:
    """Write the lines and signals of one segment into the arrays of `chart`, and say what they rest on."""
    points = first + np.flatnonzero(~np.isnan(chart.value[first : last + 1]))
    fix, trial = needed
    used = min(points.size, fix)
    too_few = Scale(reason=f"{points.size} points; limits need {trial}.")
    found = scale(points, used) if used >= trial else too_few
    if found.sigma is None:
        return ChartSegment(first, last, points.size, 0, NO_LIMITS, found.reason, np.nan, np.nan, False)
    status = FIXED if used == fix else TRIAL
    chart.status[first : last + 1] = status
    chart.centre[first : last + 1] = found.centre
    _rule(chart, points, found.sigma)
    if chart.kind == "xmr":
        # One sigma for all: the lines go on through a missing point.
        for line in (chart.sigma, chart.low, chart.high, chart.near_low, chart.near_high):
            line[first : last + 1] = line[points[0]]
    return ChartSegment(first, last, points.size, used, status, "", found.centre, found.factor, found.widened)


def _rule(chart: ControlChart, points: NDArray[np.int64], sigma: FloatArray) -> None:
    """Draw the lines at `points`, shape (points,), and find the signals among them."""
    lowest, highest = (0.0, 1.0) if chart.kind == "p" else (-np.inf, np.inf)
    centre, reach = chart.centre[points], _SIGMAS * sigma
    lines = {
        "low": np.maximum(centre - reach, lowest),
        "high": np.minimum(centre + reach, highest),
        "near_low": np.maximum(centre - _NEAR * reach, lowest),
        "near_high": np.minimum(centre + _NEAR * reach, highest),
    }
    for name, line in lines.items():
        getattr(chart, name)[points] = line
    chart.sigma[points] = sigma
    found = find_signals(chart.value[points], centre, **lines)
    chart.signal[points], chart.side[points], chart.direction[points] = found.signal, found.side, found.direction
