"""A simultaneous band: limits that hold for the whole curve between two days, not for one day at a time.

Point-wise limits at 95 % miss the true curve somewhere far more often than 5 % of the time. The equal-precision band
(Nair 1984, doi:10.1080/00401706.1984.10487964) widens them by one factor over the whole stretch: it takes the place of
the normal quantile 1.96, and comes from the largest value of a standardised Brownian bridge. Here it is used on the
log(-log) scale, which keeps the band inside 0 and 1 and its coverage nearer the level in small samples (Borgan and
Liestøl 1990, Scand J Stat 17:35).

The chance that the bridge exceeds c between the two days is approximated by the tail formula of Miller and Siegmund
(1982, doi:10.2307/2529881). It is meant for small chances: fair at 90 % and above, and on the safe side (wider) where
start and end are close.

What the caller must guarantee: what Kaplan-Meier asks, and weights that are numbers of rows.
"""

from __future__ import annotations

import math

import numpy as np

from outcomes.errors import NotEstimable
from outcomes.estimators.checks import FloatArray, check_level, check_number, normal_quantile
from outcomes.estimators.curves.kaplan_meier import KaplanMeier, log_log_limits, refuse_clusters

_WIDEST = 40.0


def simultaneous_band(
    curve: KaplanMeier, level: float = 0.95, start: float | None = None, end: float | None = None
) -> tuple[FloatArray, FloatArray]:
    """Return the equal-precision band of a survival curve between two days.

    Parameters
    ----------
    curve : KaplanMeier
        m distinct event times.
    level : float
        Chance that the band holds the true curve everywhere between `start` and `end`.
    start, end : float, optional
        Days in the curve's unit; the first event, and the last event that leaves survival above 0, when not given. The
        band at the first few events is wide and costs width everywhere else: start where some events have been seen.

    Returns
    -------
    low, high : ndarray, shape (m,)
        Limits from each event time to the next, NaN at event times outside. The event time that the curve's value at
        `start` comes from belongs to it.

    Raises
    ------
    InputRefused
        `level` outside (0, 1), a day that is not a finite number; E736 a curve with clusters: the band's width assumes
        rows that are independent.
    NotEstimable
        No event with survival above 0, none up to `start`, `end` before `start`, or a curve that is not known, or has
        reached 0, at `end`.
    """
    level = check_level(level)
    refuse_clusters(curve)
    first, last = _stretch(curve, start, end)
    with np.errstate(divide="ignore"):
        relative = curve.std_err / curve.survival
    c = critical_value(level, float((relative[last] / relative[first]) ** 2))
    low, high = log_log_limits(curve.survival, np.where(np.isnan(relative), 0.0, relative), c)
    inside = (np.arange(curve.time.size) >= first) & (np.arange(curve.time.size) <= last)
    return np.where(inside, low, np.nan), np.where(inside, high, np.nan)


def _stretch(curve: KaplanMeier, start: float | None, end: float | None) -> tuple[int, int]:
    """Return the positions of the first and the last event time of the band."""
    usable = np.flatnonzero(curve.survival > 0)
    if not usable.size:
        raise NotEstimable("No band can be drawn: the curve has no event after which some are still without it.")
    begin = float(curve.time[0]) if start is None else check_number("start", start)
    stop = float(curve.time[usable[-1]]) if end is None else check_number("end", end)
    if stop < begin:
        raise NotEstimable("No band can be drawn: its end lies before its start.")
    first = int(np.searchsorted(curve.time, begin, side="right")) - 1
    last = int(np.searchsorted(curve.time, stop, side="right")) - 1
    if first < 0:
        raise NotEstimable(f"No band can be drawn from {begin:g} on: no event had happened by then. Start later.")
    if curve.survival[last] == 0:
        raise NotEstimable(f"No band can be drawn up to {stop:g}: the curve has reached 0 by then. End earlier.")
    if stop > curve.watched_time[-1]:
        raise NotEstimable(f"No band can be drawn up to {stop:g}: nobody was observed that long. End earlier.")
    return first, last


def critical_value(level: float, ratio: float) -> float:
    """Return the c that a standardised Brownian bridge exceeds, in either direction, with chance ``1 - level``.

    `ratio` is the relative variance of the curve at the end divided by that at the start. With a = v / (1 + v) for
    either variance v it equals ``a_end (1 - a_start) / (a_start (1 - a_end))``, whatever v is multiplied by: the number
    of rows drops out.
    """
    low, high = normal_quantile(level), _WIDEST
    # The formula is at or above 1 - level at the normal quantile and falls to 0 beyond, through one crossing.
    while high - low > 1e-12 * high:
        middle = (low + high) / 2.0
        if _chance_beyond(middle, ratio) > 1.0 - level:
            low = middle
        else:
            high = middle
    return high


def _chance_beyond(c: float, ratio: float) -> float:
    density = math.exp(-c * c / 2.0) / math.sqrt(2.0 * math.pi)
    return 4.0 * density / c + density * (c - 1.0 / c) * math.log(ratio)
