"""The curve of one group: the interval-censored share by each day, and all that is read from its draws."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from outcomes.estimators import bootstrap, curves, limits, npmle
from outcomes.estimators.curve_draws import incidence_draws
from outcomes.questions import results
from outcomes.questions.relief_draws import daily_limits, draw_rows, draw_settings
from outcomes.questions.relief_fates import Fates, find_told, fit_ends, fit_if_stopped, no_fates
from outcomes.questions.relief_rows import ReliefRows
from outcomes.questions.results import DayCurve, FloatArray

if TYPE_CHECKING:
    from outcomes.definitions import Protocol

QUARTILES = (0.25, 0.5, 0.75)
DAILY = ("upper", "band_low", "band_high", "if_none_of_stopped", "if_all_of_stopped")
"""Columns of the day-by-day curve beside the share and its interval."""
BAND_MIN_EVENTS = 5
"""The band begins on the day by which so many were seen relieved; before, the draws know too little to hold it."""


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
    """Everything estimated for one group."""

    curve: DayCurve
    times: tuple[TimeTo, ...]
    fates: Fates


def fit_group(group: str, rows: ReliefRows, protocol: Protocol) -> GroupFit:
    """Fit one group with everything read from its draws; NaN where it is under the floor.

    Parameters
    ----------
    group : str
        Its name, which also seeds its draws.
    rows : ReliefRows
    protocol : Protocol
    """
    n_days, least = count_days(protocol), protocol.reporting_floor.estimate_min_episodes
    curve, patterns, fit = fit_curve(group, rows, protocol)
    is_told = find_told(rows, curve.last_day)
    fates = no_fates(group, rows, is_told, n_days)
    nothing = tuple(TimeTo(measure, *(float("nan"),) * 4) for measure in name_times(protocol))
    if curve.n < least:
        return GroupFit(curve, nothing, fates)
    draws = draw_rows(group, rows, patterns, is_told, n_days, protocol)
    enough_told = fates.n_told >= least
    if enough_told:
        fates = fit_ends(fates, draws, curve.last_day, protocol)
    if patterns is None or fit is None:
        # Nobody was seen relieved: the curve is 0 in every draw, and all who stopped could still have been.
        times, drawn = _times_without(curve, protocol), np.zeros((draws.told.size - 1, n_days))
    else:
        drawn = bootstrap.npmle_draws(patterns, fit, draws.intervals[1:], np.arange(n_days))
        curve = _with_limits(curve, drawn, protocol)
        times = _times(fit, curve, drawn, protocol)
    if enough_told:
        shares = np.concatenate([curve.estimate[None, :], drawn])
        fates = fit_if_stopped(fates, draws, shares, curve.last_day, protocol)
        bounds = {"if_none_of_stopped": fates.if_stopped[0].share, "if_all_of_stopped": fates.if_stopped[-1].share}
        curve = replace(curve, daily={**curve.daily, **bounds})
    return GroupFit(curve, times, fates)


def _with_limits(curve: DayCurve, drawn: FloatArray, protocol: Protocol) -> DayCurve:
    """Add the interval of each day, from the first relief seen on, and the band."""
    low, high = daily_limits(curve.estimate, drawn, protocol.inference.level, curve.last_day)
    low, high = (np.where(curve.events > 0, limit, np.nan) for limit in (low, high))
    band_low, band_high = np.full_like(low, np.nan), np.full_like(high, np.nan)
    days = np.flatnonzero((curve.events >= BAND_MIN_EVENTS) & (np.arange(low.size) <= curve.last_day))
    if days.size:
        band = limits.sup_t_band(curve.estimate[days], drawn[:, days], protocol.inference.level)
        # The two are made differently; a band must not be the narrower one anywhere, nor fall over time.
        band_low[days] = np.minimum.accumulate(np.fmin(band[0], low[days])[::-1])[::-1]
        band_high[days] = np.maximum.accumulate(np.fmax(band[1], high[days]))
    more = {"band_low": band_low, "band_high": band_high}
    return replace(curve, conf_low=low, conf_high=high, daily={**curve.daily, **more})


def fit_line(group: str, rows: ReliefRows, protocol: Protocol) -> DayCurve:
    """Fit one group's curve and its interval, nothing else."""
    curve, patterns, fit = fit_curve(group, rows, protocol)
    if patterns is None or fit is None:
        return curve
    counts = bootstrap.draw_counts(patterns.row, rows.patient, *draw_settings(group, protocol), rows.weight)
    drawn = bootstrap.npmle_draws(patterns, fit, counts, np.arange(curve.estimate.size))
    low, high = daily_limits(curve.estimate, drawn, protocol.inference.level, curve.last_day)
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
    if not rows.seen.any():
        none, stop = np.zeros(n_days), results.find_last_day(at_risk, n, protocol, events)
        return DayCurve(group, n, none, blank, blank, at_risk, events, stop, daily | {"upper": none}), None, None
    patterns = npmle.build_patterns(rows.left_days, rows.right_days, rows.weight)
    fit = npmle.fit_patterns(patterns)
    share, upper = npmle.cdf_at(fit, np.arange(n_days))
    stop = results.find_last_day(at_risk, n, protocol, events, share)
    return DayCurve(group, n, share, blank, blank, at_risk, events, stop, daily | {"upper": upper}), patterns, fit


def fit_km(group: str, rows: ReliefRows, protocol: Protocol) -> DayCurve:
    """Kaplan-Meier at the visit where relief was recorded, censored at the last measured visit."""
    n_days = count_days(protocol)
    time, event, n = rows.last_seen_days, rows.seen, rows.patient.size
    at_risk, events = results.count_days(time, event, n_days)
    if n < protocol.reporting_floor.estimate_min_episodes:
        blank = np.full(n_days, np.nan)
        return DayCurve(group, n, blank, blank, blank, at_risk, events, -1)
    curve = curves.kaplan_meier(time, event, weights=rows.weight)
    share = 1.0 - curves.survival_at(curve, np.arange(n_days))[0]
    settings = draw_settings(group, protocol)
    drawn = incidence_draws(time, event, rows.patient, np.arange(n_days), *settings, rows.weight, causes=1)[:, 0]
    stop = results.find_last_day(at_risk, n, protocol, events, share)
    low, high = daily_limits(np.where(np.isnan(share), 0.0, share), drawn, protocol.inference.level, stop)
    return DayCurve(group, n, share, low, high, at_risk, events, stop)


def count_days(protocol: Protocol) -> int:
    """Days of a curve: 0 to the last one asked for."""
    horizons = protocol.horizons_days
    return max(*horizons.relief, horizons.primary, horizons.rmst) + 1


def name_times(protocol: Protocol) -> tuple[str, ...]:
    """Return the measures of `GroupFit.times`."""
    return (*(f"quartile_{100 * share:.0f}" for share in QUARTILES), f"restricted_mean_{protocol.horizons_days.rmst}")


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


def _times_without(curve: DayCurve, protocol: Protocol) -> tuple[TimeTo, ...]:
    """Where nobody was seen relieved: no quartile, and every day up to the horizon without relief."""
    nan, horizon = float("nan"), protocol.horizons_days.rmst
    *quartiles, mean = name_times(protocol)
    whole = float(horizon) if horizon <= curve.last_day + 1 else nan
    return (*(TimeTo(name, nan, nan, nan, nan) for name in quartiles), TimeTo(mean, nan, whole, nan, nan))


def _unstated(name: str, low: float) -> TimeTo:
    """A quartile the curve does not reach on a day that may be stated; its lower limit may still be."""
    return TimeTo(name, float("nan"), float("nan"), low, float("nan"))
