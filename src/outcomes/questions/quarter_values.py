"""Each indicator in each period: as recorded, standardised to the mix of all mature quarters, and against expected.

*Recorded* is the share among the rows of the quarter. *Standardised* weights them so that bands of the first pain,
duration of symptoms and region are as frequent as in all mature quarters together (`estimators.post_strata`); a stratum
with fewer than `STRATUM_ROWS` rows of the quarter is joined with others, region given up first, then duration. The pool
is the scope reviewed: a clinic's own quarters where one clinic is.

*Expected* is the sum over the quarter's rows of the share of their stratum over all mature quarters, so no quarter
has a term of its own; strata of the pool have `POOL_ROWS` rows. A stratum's share is read as the indicator is, from its
own curve where that is a curve. *Observed* is the count, or for a curve its value times the rows. Curves of quarters
and of strata do not add up exactly; all expected numbers of an indicator are therefore scaled so that observed and
expected agree over its mature quarters together.

Completeness of pain scores is neither standardised nor set against an expected number: the band of the first pain is
itself made of recorded scores, and recording is the work of the practice, not of its patients.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from outcomes.estimators import post_strata
from outcomes.questions.quarter_indicators import BLANK, LAG_DAYS, SHARE, Indicator, Value, mix_levels
from outcomes.questions.quarters import MONTHS, QUARTERS, Calendar
from outcomes.questions.results import Flags, FloatArray, IntArray

if TYPE_CHECKING:
    from outcomes.cases.episodes import Episodes

STRATUM_ROWS, POOL_ROWS = 5, 30
NAN = float("nan")


@dataclass(frozen=True, slots=True)
class Scope:
    """What is reviewed.

    Attributes
    ----------
    clinic : int
        Code of the clinic; -1 for all.
    name : str
        Its pseudonym; empty for all.
    cut : int
        The data cut, in days.
    shown : range
        Numbers of the quarters listed.
    """

    clinic: int
    name: str
    cut: int
    shown: range

    def covers(self, indicator: Indicator) -> Flags:
        """Whether each row of an indicator belongs here."""
        if self.clinic < 0:
            return np.ones(indicator.clinic.size, dtype=np.bool_)
        own: Flags = indicator.clinic == self.clinic
        return own

    def is_mature(self, indicator: Indicator, last_day: int) -> bool:
        """Whether a period that ends on a day is old enough for an indicator."""
        return last_day <= self.cut - indicator.horizon_days - LAG_DAYS


@dataclass(frozen=True, slots=True)
class PeriodValue:
    """One indicator in one period; `n` and `events` of an immature period are counts so far, and it has no value."""

    number: int
    mature: bool
    n: int
    events: int
    plain: Value = BLANK
    standardised: Value = BLANK
    observed: float = NAN
    expected: float = NAN


@dataclass(frozen=True, slots=True)
class Series:
    """One indicator over all quarters listed, and the rows its expectations rest on.

    Attributes
    ----------
    indicator : Indicator
    values : tuple of PeriodValue
    pool : ndarray of int, shape (m,)
        Positions of the rows of mature quarters.
    stratum : ndarray of int, shape (m,)
        Stratum of each of them; empty where nothing is expected.
    notes : tuple of str
    unvalued : tuple of (int, str)
        Mature quarters without a value, by number, and why.
    left_out : tuple of int
        Mature quarters without the episodes of a clinic whose own data end earlier, by number.
    """

    indicator: Indicator
    values: tuple[PeriodValue, ...]
    pool: IntArray
    stratum: IntArray
    notes: tuple[str, ...]
    unvalued: tuple[tuple[int, str], ...] = ()
    left_out: tuple[int, ...] = ()

    def at(self, number: int) -> PeriodValue | None:
        """Return the value of a quarter, None where it is not listed."""
        return next((value for value in self.values if value.number == number), None)


def review_indicator(episodes: Episodes, indicator: Indicator, scope: Scope, calendar: Calendar) -> Series:
    """Estimate an indicator in every quarter of a scope (definitions: this module's docstring)."""
    period = calendar.number(indicator.start_day)
    covered, old = scope.covers(indicator), indicator.old_enough
    mature = [number for number in scope.shown if scope.is_mature(indicator, calendar.end(number))]
    pool = np.flatnonzero(covered & old & np.isin(period, mature))
    levels = mix_levels(episodes, indicator.episode[pool]) if indicator.is_mix and pool.size else []
    stratum, expected, notes = _expectations(indicator, pool, levels)
    values, unvalued, left_out = [], list[tuple[int, str]](), list[int]()
    for number in scope.shown:
        of_quarter = covered & (period == number)
        if number not in mature:
            used = np.flatnonzero(of_quarter)
            values.append(PeriodValue(number, False, used.size, int(indicator.event[used].sum())))
            continue
        member = period[pool] == number
        value, why = _mature(indicator, pool, member, levels, f"{indicator.name} {calendar.word(number)}")
        unvalued += [(number, why)] if why else []
        left_out += [number] if int(of_quarter.sum()) > value.n else []
        sums = {}
        if expected.size and value.plain.known:
            seen = value.events if indicator.kind == SHARE else value.n * value.plain.estimate
            sums = {"observed": float(seen), "expected": _sum(expected[member])}
        values.append(PeriodValue(number, True, value.n, value.events, value.plain, value.standardised, **sums))
    return Series(indicator, _level(values), pool, stratum, tuple(notes), tuple(unvalued), tuple(left_out))


def _level(values: Sequence[PeriodValue]) -> tuple[PeriodValue, ...]:
    """Scale the expected numbers so that they add up to the observed ones."""
    # Correctly rounded: what `sum` adds up to in the last bit depends on the version of Python.
    expected = math.fsum(value.expected for value in values if not np.isnan(value.expected))
    if not expected > 0:
        return tuple(values)
    scale = math.fsum(value.observed for value in values if not np.isnan(value.expected)) / expected
    return tuple(replace(value, expected=value.expected * scale) for value in values)


def _mature(
    indicator: Indicator, pool: IntArray, member: Flags, levels: Sequence[IntArray], seed: str
) -> tuple[PeriodValue, str]:
    """Return a mature quarter's values, and why it has none; empty where it has."""
    used = pool[member]
    n, events = int(used.size), int(indicator.event[used].sum())
    if n < indicator.floor:
        return PeriodValue(0, True, n, events), f"fewer than {indicator.floor}"
    weight = None
    if levels:
        strata = post_strata.build_strata(levels, member, STRATUM_ROWS)
        weight = post_strata.post_weights(strata, member)
    plain, standardised = indicator.estimate(used, weight, seed)
    why = "" if plain.known else "too few still observed"
    return PeriodValue(0, True, n, events, plain, standardised), why


def _expectations(
    indicator: Indicator, pool: IntArray, levels: Sequence[IntArray]
) -> tuple[IntArray, FloatArray, list[str]]:
    """Return stratum and expected share of each row of the pool; empty where nothing can be expected."""
    nothing = np.zeros(0, dtype=np.intp), np.zeros(0)
    least = max(POOL_ROWS, indicator.floor)
    if not levels or pool.size < least:
        return *nothing, []
    strata = post_strata.build_strata(levels, np.ones(pool.size, dtype=np.bool_), least)
    share = np.array([indicator.mean(pool[strata == number]) for number in range(int(strata.max()) + 1)])
    if np.isnan(share).any():
        words = "no number can be expected: the curve of some patients ends before that day."
        return *nothing, [f"{indicator.label}: {words}"]
    return strata, share[strata], []


def begin_months(series: Series, scope: Scope, least: int) -> tuple[Series, Scope]:
    """Return a series and a scope without the first quarter where one of its months is too small to be shown.

    Records, or the washout, seldom begin with a month: of the first one a few episodes are left, and because months add
    up, hiding them would hide every month after them. The quarter is left out whole and of nothing made by months.

    Parameters
    ----------
    series : Series
    scope : Scope
    least : int
        Smallest count that is shown, besides 0.
    """
    indicator, pool = series.indicator, series.pool
    if not pool.size:
        return series, scope
    quarter, month = (calendar.number(indicator.start_day[pool]) for calendar in (QUARTERS, MONTHS))
    begun = quarter > quarter.min()
    at, events = month[~begun] - month.min(), indicator.event[pool[~begun]]
    counts = np.concatenate([np.bincount(at[events]), np.bincount(at[~events])])
    if not ((counts > 0) & (counts < least)).any():
        return series, scope
    stratum = series.stratum[begun] if series.stratum.size else series.stratum
    shown = range(max(scope.shown.start, int(quarter.min()) + 1), scope.shown.stop)
    return replace(series, pool=pool[begun], stratum=stratum), replace(scope, shown=shown)


def month_points(indicator: Indicator, scope: Scope, calendar: Calendar, least: int) -> list[PeriodValue]:
    """Return the mature months of the quarters listed; a month has no value under `least` rows, and no limits."""
    period = calendar.number(indicator.start_day)
    covered = scope.covers(indicator) & indicator.old_enough
    found = []
    for number in range(3 * scope.shown.start, 3 * scope.shown.stop):
        if not scope.is_mature(indicator, calendar.end(number)):
            continue
        rows = np.flatnonzero(covered & (period == number))
        value = BLANK
        if rows.size >= least:
            share = indicator.kind == SHARE
            value = indicator.estimate(rows, None, "")[0] if share else Value(indicator.point(rows))
        found.append(PeriodValue(number, True, int(rows.size), int(indicator.event[rows].sum()), value))
    return found


def _sum(values: FloatArray) -> float:
    # In one order whatever that of the rows: a sum in another order differs in its last bits.
    return float(np.sort(values).sum())
