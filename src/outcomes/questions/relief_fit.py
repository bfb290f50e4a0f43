"""The curve of one group: the interval-censored share by each day, and all that is drawn and read from it.

Patients are drawn once for a group, each with all of his or her episodes; the curve, its band, quartiles and restricted
mean, the lines under other fates of those who stopped, and the competing ends are all read from these same draws, so
that they belong together.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from outcomes.estimators import bootstrap, curves, limits, npmle
from outcomes.estimators.counting import distinct
from outcomes.estimators.day_tables import incidence_by_day, share_if_stopped
from outcomes.questions import results
from outcomes.questions.relief_rows import ENDS, STOPPED, ReliefRows
from outcomes.questions.results import DayCurve, FloatArray, IntArray

if TYPE_CHECKING:
    from outcomes.definitions import Protocol

STOP_RATIOS = (0.0, 0.5, 1.0, 2.0, float("inf"))
"""Hazard of relief after a silent stop over that of patients still seen: none of them, ..., all the next day."""
QUARTILES = (0.25, 0.5, 0.75)
DAILY = ("upper", "band_low", "band_high", "if_none_of_stopped", "if_all_of_stopped")
"""Columns of the day-by-day curve beside the share and its interval."""


@dataclass(frozen=True, slots=True)
class Line:
    """A share by day with its limits, arrays of shape (days,)."""

    share: FloatArray
    conf_low: FloatArray
    conf_high: FloatArray


@dataclass(frozen=True, slots=True)
class TimeTo:
    """A time in days: the first day by which a share had relief, or a mean.

    ``by_days`` is where the mass lies that reaches the share, ``after_days`` where its interval begins; NaN where the
    curve does not get there on a day that may be stated.
    """

    measure: str
    after_days: float
    by_days: float
    conf_low: float
    conf_high: float


@dataclass(frozen=True, slots=True)
class GroupFit:
    """Everything estimated for one group; `if_stopped` has an entry for each of `STOP_RATIOS`, `ends` for `ENDS`."""

    curve: DayCurve
    times: tuple[TimeTo, ...]
    if_stopped: tuple[Line, ...]
    ends: tuple[DayCurve, ...]
    n_stopped: int


def fit_group(group: str, rows: ReliefRows, protocol: Protocol) -> GroupFit:
    """Fit one group with everything read from its draws; NaN where it is under the floor.

    Parameters
    ----------
    group : str
        Its name, which also seeds its draws: a group's interval does not depend on which other groups there are.
    rows : ReliefRows
    protocol : Protocol
    """
    n_days, level = count_days(protocol), protocol.inference.level
    curve, patterns, fit = fit_curve(group, rows, protocol)
    n_stopped = int((rows.end == STOPPED).sum())
    blank = Line(*(np.full(n_days, np.nan),) * 3)
    nothing = tuple(TimeTo(measure, *(float("nan"),) * 4) for measure in name_times(protocol))
    empty = GroupFit(curve, nothing, (blank,) * len(STOP_RATIOS), _blank_ends(group, rows, protocol), n_stopped)
    if curve.n < protocol.reporting_floor.estimate_min_episodes:
        return empty
    intervals, ends, stops = _draw(group, rows, patterns, protocol)
    incidence = incidence_by_day(ends)[..., :n_days]
    found = replace(empty, ends=_end_curves(group, rows, incidence, protocol))
    if patterns is None or fit is None:
        return found
    drawn = bootstrap.npmle_draws(patterns, fit, intervals[1:], np.arange(n_days))
    shares = np.concatenate([curve.estimate[None, :], drawn])
    total = intervals.sum(axis=1)
    by_ratio = tuple(
        _line(np.clip(share_if_stopped(shares, stops[..., :n_days], total, ratio), 0.0, 1.0), level)
        for ratio in STOP_RATIOS
    )
    low, high = _daily_limits(curve.estimate, drawn, level)
    until = slice(0, curve.last_day + 1)
    band_low, band_high = limits.sup_t_band(curve.estimate[until], drawn[:, until], level)
    more = {
        # The two are made differently; a band must not be the narrower one anywhere.
        "band_low": _padded(np.minimum(band_low, low[until]), n_days),
        "band_high": _padded(np.maximum(band_high, high[until]), n_days),
        "if_none_of_stopped": by_ratio[0].share,
        "if_all_of_stopped": by_ratio[-1].share,
    }
    full = replace(curve, conf_low=low, conf_high=high, daily={**curve.daily, **more})
    return replace(found, curve=full, times=_times(fit, full, drawn, protocol), if_stopped=by_ratio)


def fit_line(group: str, rows: ReliefRows, protocol: Protocol) -> DayCurve:
    """Fit one group's curve and its interval, nothing else."""
    curve, patterns, fit = fit_curve(group, rows, protocol)
    if patterns is None or fit is None:
        return curve
    counts = bootstrap.draw_counts(patterns.row, rows.patient, *_draw_settings(group, protocol), rows.weight)
    drawn = bootstrap.npmle_draws(patterns, fit, counts, np.arange(curve.estimate.size))
    low, high = _daily_limits(curve.estimate, drawn, protocol.inference.level)
    return replace(curve, conf_low=low, conf_high=high)


def fit_curve(
    group: str, rows: ReliefRows, protocol: Protocol
) -> tuple[DayCurve, npmle.Patterns | None, npmle.Npmle | None]:
    """Fit the curve without its interval; nothing to draw from where the floor or the data forbid one."""
    n_days = count_days(protocol)
    at_risk, events = results.count_days(rows.last_seen_days, rows.seen, n_days)
    blank = np.full(n_days, np.nan)
    n = rows.patient.size
    daily = dict.fromkeys(DAILY, blank)
    if n < protocol.reporting_floor.estimate_min_episodes:
        return DayCurve(group, n, blank, blank, blank, at_risk, events, -1, daily), None, None
    stop = results.find_last_day(at_risk, n, protocol)
    if not rows.seen.any():
        none = np.zeros(n_days)
        return DayCurve(group, n, none, blank, blank, at_risk, events, stop, daily | {"upper": none}), None, None
    patterns = npmle.build_patterns(rows.left_days, rows.right_days, rows.weight)
    fit = npmle.fit_patterns(patterns)
    share, upper = npmle.cdf_at(fit, np.arange(n_days))
    return DayCurve(group, n, share, blank, blank, at_risk, events, stop, daily | {"upper": upper}), patterns, fit


def fit_km(group: str, rows: ReliefRows, protocol: Protocol) -> DayCurve:
    """Kaplan-Meier at the visit where relief was recorded, censored at the last measured visit."""
    n_days = count_days(protocol)
    time, event, n = rows.last_seen_days, rows.seen, rows.patient.size
    at_risk, events = results.count_days(time, event, n_days)
    if n < protocol.reporting_floor.estimate_min_episodes:
        blank = np.full(n_days, np.nan)
        return DayCurve(group, n, blank, blank, blank, at_risk, events, -1)
    curve = curves.kaplan_meier(time, event, weights=rows.weight, level=protocol.inference.level)
    survival, low, high, _ = curves.survival_at(curve, np.arange(n_days))
    stop = results.find_last_day(at_risk, n, protocol)
    return DayCurve(group, n, 1.0 - survival, 1.0 - high, 1.0 - low, at_risk, events, stop)


def count_days(protocol: Protocol) -> int:
    """Days of a curve: 0 to the last one asked for."""
    horizons = protocol.horizons_days
    return max(*horizons.relief, horizons.primary, horizons.rmst) + 1


def name_times(protocol: Protocol) -> tuple[str, ...]:
    """Return the measures of `GroupFit.times`."""
    return (*(f"quartile_{100 * share:.0f}" for share in QUARTILES), f"restricted_mean_{protocol.horizons_days.rmst}")


def _draw(
    group: str, rows: ReliefRows, patterns: npmle.Patterns | None, protocol: Protocol
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Draw patients, and lay each draw out as weights of intervals, a table of ends by day, and stops by last rating.

    Row 0 of each is the data themselves. The last day of the tables stands for all later ones.
    """
    n_days = count_days(protocol)
    ways = 1 + len(ENDS)
    interval = np.zeros(rows.patient.size, dtype=np.intp) if patterns is None else patterns.row
    end = np.minimum(rows.end_day, n_days) * ways + rows.end
    last_rating = np.minimum(rows.left_days.astype(np.intp), n_days)
    stop = np.where(rows.end == STOPPED, last_rating, n_days)
    sizes = (int(interval.max()) + 1, (n_days + 1) * ways, n_days + 1)
    key, joint = distinct((interval * sizes[1] + end) * sizes[2] + stop)
    own = np.bincount(joint, weights=rows.weight, minlength=key.size)
    drawn = bootstrap.draw_counts(joint, rows.patient, *_draw_settings(group, protocol), rows.weight)
    counts = np.concatenate([own[None, :], drawn])
    places = (key // (sizes[1] * sizes[2]), key // sizes[2] % sizes[1], key % sizes[2])
    by_interval, by_end, by_stop = (_sum_columns(counts, at, size) for at, size in zip(places, sizes, strict=True))
    by_stop[:, -1] = 0.0
    return by_interval, by_end.reshape(len(counts), n_days + 1, ways), by_stop


def _draw_settings(group: str, protocol: Protocol) -> tuple[int, list[int]]:
    return protocol.inference.bootstrap_draws, [protocol.inference.seed, zlib.crc32(group.encode())]


def _sum_columns(counts: FloatArray, place: IntArray, size: int) -> FloatArray:
    """Add up the columns at each place, shape (draws, size)."""
    order = np.argsort(place, kind="stable")
    there, first = np.unique(place[order], return_index=True)
    out = np.zeros((counts.shape[0], size))
    out[:, there] = np.add.reduceat(counts[:, order], first, axis=1)
    return out


def _line(shares: FloatArray, level: float) -> Line:
    """The first row with limits from the others."""
    return Line(shares[0], *_daily_limits(shares[0], shares[1:], level))


def _daily_limits(share: FloatArray, drawn: FloatArray, level: float) -> tuple[FloatArray, FloatArray]:
    """Limits of a share by each day, widened so that neither falls over time; NaN where every draw is 0.

    Before anything happens the draws have no width to give, and an interval from 0 to 0 would say too much.
    """
    low, high = limits.interval_limits(share, drawn, level)
    low, high = np.minimum.accumulate(low[::-1])[::-1], np.maximum.accumulate(high)
    nothing = ~(drawn > 0).any(axis=0)
    return np.where(nothing, np.nan, low), np.where(nothing, np.nan, high)


def _padded(values: FloatArray, size: int) -> FloatArray:
    return np.concatenate([values, np.full(size - values.size, np.nan)])


def _times(fit: npmle.Npmle, curve: DayCurve, drawn: FloatArray, protocol: Protocol) -> tuple[TimeTo, ...]:
    names, level = name_times(protocol), protocol.inference.level
    found = []
    for name, share in zip(names[:-1], QUARTILES, strict=True):
        after, by = npmle.quantile(fit, share)
        reached = drawn >= share - 1e-9
        days = np.where(reached.any(axis=1), reached.argmax(axis=1), np.inf)
        low, high = np.quantile(days, [(1 - level) / 2, (1 + level) / 2], method="inverted_cdf")
        low, high = (float(day) if day <= curve.last_day else float("nan") for day in (low, high))
        found.append(TimeTo(name, after, by, low, high) if by <= curve.last_day else _unstated(name, low))
    horizon = protocol.horizons_days.rmst
    if horizon > curve.last_day + 1:
        return (*found, TimeTo(names[-1], *(float("nan"),) * 4))
    mean = float((1.0 - curve.estimate[:horizon]).sum())
    low, high = limits.percentile_limits((1.0 - drawn[:, :horizon]).sum(axis=1, keepdims=True), level)
    return (*found, TimeTo(names[-1], float("nan"), mean, float(low[0]), float(high[0])))


def _unstated(name: str, low: float) -> TimeTo:
    """A quartile the curve does not reach on a day that may be stated; its lower limit may still be."""
    return TimeTo(name, float("nan"), float("nan"), low, float("nan"))


def _end_curves(group: str, rows: ReliefRows, incidence: FloatArray, protocol: Protocol) -> tuple[DayCurve, ...]:
    found = []
    for blank, shares in zip(_blank_ends(group, rows, protocol), np.moveaxis(incidence, -2, 0), strict=True):
        line = _line(np.clip(shares, 0.0, 1.0), protocol.inference.level)
        stop = results.find_last_day(blank.at_risk, blank.n, protocol)
        found.append(
            replace(blank, estimate=line.share, conf_low=line.conf_low, conf_high=line.conf_high, last_day=stop)
        )
    return tuple(found)


def _blank_ends(group: str, rows: ReliefRows, protocol: Protocol) -> tuple[DayCurve, ...]:
    """The counts of each end without an estimate."""
    n_days = count_days(protocol)
    blank = np.full(n_days, np.nan)
    out = []
    for code, end in enumerate(ENDS, start=1):
        at_risk, events = results.count_days(rows.end_day.astype(float), rows.end == code, n_days)
        out.append(DayCurve(group, rows.patient.size, blank, blank, blank, at_risk, events, -1, {"end": end}))
    return tuple(out)
