"""What those who stopped coming could have done to the curve, and how episodes end, from the draws of one group.

Both are counted among episodes old enough that a stop up to the last day of the curve would be known by now. The lines
under other fates keep the main curve, which all episodes made, and exchange only the stoppers' part of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from outcomes.estimators.day_tables import incidence_by_day, share_if_stopped
from outcomes.questions import results
from outcomes.questions.relief_draws import Draws, daily_limits
from outcomes.questions.relief_rows import ENDS, STOPPED, ReliefRows
from outcomes.questions.results import DayCurve, Flags, FloatArray

if TYPE_CHECKING:
    from outcomes.definitions import Protocol

STOP_RATIOS = (0.0, 0.5, 1.0, 2.0, float("inf"))
"""Hazard of relief after a silent stop over that of patients still seen: none of them, ..., all the next day."""


@dataclass(frozen=True, slots=True)
class Line:
    """A share by day with its limits, arrays of shape (days,)."""

    share: FloatArray
    conf_low: FloatArray
    conf_high: FloatArray


@dataclass(frozen=True, slots=True)
class Fates:
    """Lines under each of `STOP_RATIOS`, a curve for each of `ENDS`, and how many episodes they rest on.

    ``stops`` (days,) is the weight of those who stopped on each day among a ``told_weight`` of episodes; that is 0
    until the lines are known.
    """

    if_stopped: tuple[Line, ...]
    ends: tuple[DayCurve, ...]
    n_told: int
    n_stopped: int
    stops: FloatArray
    told_weight: float = 0.0


def find_told(rows: ReliefRows, last_day: int) -> Flags:
    """Whether it is known of each episode if it stopped by `last_day`."""
    return (rows.told_days >= last_day) & (last_day >= 0)


def no_fates(group: str, rows: ReliefRows, is_told: Flags, n_days: int) -> Fates:
    """The counts without an estimate."""
    blank = Line(*(np.full(n_days, np.nan),) * 3)
    told = rows.take(np.flatnonzero(is_told))
    ends = []
    for code, end in enumerate(ENDS, start=1):
        at_risk, events = results.count_days(told.end_day.astype(float), told.end == code, n_days)
        nothing = (blank.share, blank.conf_low, blank.conf_high)
        ends.append(DayCurve(group, told.patient.size, *nothing, at_risk, events, -1, {"end": end}))
    n_stopped = int((told.end == STOPPED).sum())
    return Fates((blank,) * len(STOP_RATIOS), tuple(ends), told.patient.size, n_stopped, np.zeros(n_days))


def fit_ends(fates: Fates, draws: Draws, last_day: int, protocol: Protocol) -> Fates:
    """Add the competing ends; nothing past the last day up to which a stop is known."""
    usable = draws.told > 0
    shares = incidence_by_day(draws.ends[usable])[..., :-1]
    ended = np.sum([curve.events for curve in fates.ends], axis=0)
    ends = []
    for blank, own in zip(fates.ends, np.moveaxis(shares, -2, 0), strict=True):
        stop = min(last_day, results.find_last_day(blank.at_risk, blank.n, protocol, ended))
        line = fit_line_of(np.clip(own, 0.0, 1.0), stop, protocol.inference.level)
        ends.append(
            replace(blank, estimate=line.share, conf_low=line.conf_low, conf_high=line.conf_high, last_day=stop)
        )
    return replace(fates, ends=tuple(ends))


def fit_if_stopped(fates: Fates, draws: Draws, shares: FloatArray, last_day: int, protocol: Protocol) -> Fates:
    """Add the lines under other fates of those who stopped.

    Parameters
    ----------
    shares : ndarray, shape (1 + draws, days)
        The main curve of the data and of every draw.
    last_day : int
        The last one that may be stated.
    """
    usable = draws.told > 0
    shares, stops, total = shares[usable], draws.stops[usable], draws.told[usable]
    lines = []
    for ratio in STOP_RATIOS:
        changed = shares if ratio == 1.0 else share_if_stopped(shares, stops, total, ratio)
        lines.append(fit_line_of(np.clip(changed, 0.0, 1.0), last_day, protocol.inference.level))
    return replace(fates, if_stopped=tuple(lines), stops=stops[0], told_weight=float(total[0]))


def fit_line_of(shares: FloatArray, last_day: int, level: float) -> Line:
    """The first row with limits from the others."""
    return Line(shares[0], *daily_limits(shares[0], shares[1:], level, last_day))
