"""Control charts decide whether anything is called a change: which series, which limits, and in which words.

Plain shares have a p-chart, indicators read from a curve an XmR chart (`estimators.charts`, with the four rules of NHS
England's "Making Data Count"). Visits of one patient resemble each other, so completeness of pain scores goes in with
the effective number of its visits. Each indicator is charted as recorded and standardised; only quarters that are
mature and have a value are points.

Limits are fixed on the first 12 points (protocol) and begin anew at a documented break (``spc.breaks``), nowhere else.
By months there is a chart where volume allows: four of five mature months have a value, for which it takes
`spc.month_min_n` rows (30 episodes for a curve, and enough of them still seen by the day); the others are gaps.

A signal is an *improvement* or a *concern* by the direction in which its indicator is good. Where recording of pain
jumped in or near its quarters, or since the quarters its limits rest on, a signal of an indicator that rests on pain
scores is a *change*: recording may be all that changed. Near is `REACH`. A jump that is documented as a break begins
new limits and does this no longer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from outcomes.estimators.charts import ControlChart, p_chart, xmr_chart
from outcomes.questions.quarter_changes import BASES
from outcomes.questions.quarter_indicators import SHARE, UP, Indicator, Value
from outcomes.questions.quarter_recording import Recording
from outcomes.questions.quarter_values import PeriodValue, Scope, Series, month_points
from outcomes.questions.quarters import MONTHS, quarter_word, read_quarter

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.definitions import Protocol

LINES = ("centre", "low", "high", "near_low", "near_high")
COLUMNS = (
    *("indicator", "label", "basis", "estimate", *LINES, "signal", "side", "direction", "status", "word"),
    *("recording_changed", "break_reason", "n", "events", "mature"),
)
STATUS_WORDS = {"fixed": "fixed limits", "trial": "trial limits", "none": "too few points"}
IMPROVEMENT, CONCERN, CHANGE = "improvement", "concern", "change"
REACH = {"outside": 1, "two_of_three": 3, "shift": 8, "trend": 8}
"""Quarters before a signal's in which a jump of recording is near it: one before the first point the rule takes in."""
MONTHS_FILLED = 0.8


@dataclass(frozen=True, slots=True)
class Breaks:
    """Documented breaks: number of each quarter, and why."""

    reason: dict[int, str]

    @classmethod
    def of(cls, protocol: Protocol) -> Breaks:
        """Read those of the protocol; several of one quarter are one break."""
        found: dict[int, str] = {}
        for text in protocol.spc.breaks:
            word, _, reason = text.partition(":")
            number = read_quarter(word)
            found[number] = "; ".join(filter(None, (found.get(number, ""), reason.strip())))
        return cls(dict(sorted(found.items())))

    def positions(self, shown: range, per_quarter: int = 1) -> list[int]:
        """Return where segments begin in a series of the quarters listed; a break before its second point is none."""
        inside = [number - shown.start for number in self.reason if shown.start < number < shown.stop]
        return [per_quarter * place for place in inside]


@dataclass(frozen=True, slots=True)
class Charted:
    """One indicator's chart on one basis."""

    series: Series
    basis: str
    chart: ControlChart | None

    def place(self, number: int) -> int:
        """Position of a quarter in the chart."""
        return number - self.series.values[0].number

    def status(self, number: int) -> str:
        """Return ``fixed``, ``trial`` or ``none``."""
        return "none" if self.chart is None else str(self.chart.status[self.place(number)])

    def reason(self, number: int) -> str:
        """Return why the segment of a quarter has no limits; empty where it has."""
        if self.chart is None:
            return "no quarter has a value"
        place = self.place(number)
        return next(part.reason for part in self.chart.segments if part.first <= place <= part.last)

    def limits_until(self, number: int) -> int:
        """Return the last quarter that the limits of a quarter rest on."""
        if self.chart is None:
            return number
        part = next(part for part in self.chart.segments if part.first <= self.place(number) <= part.last)
        points = part.first + np.flatnonzero(~np.isnan(self.chart.value[part.first : part.last + 1]))
        return self.series.values[0].number + int(points[: part.limits_from][-1]) if part.limits_from else number

    def signal(self, number: int) -> tuple[str, int]:
        """Return the signal of a quarter and its direction; ``("", 0)`` for none."""
        if self.chart is None:
            return "", 0
        place = self.place(number)
        return str(self.chart.signal[place]), int(self.chart.direction[place])


def chart_indicators(series: Sequence[Series], breaks: Breaks, protocol: Protocol) -> tuple[Charted, ...]:
    """Chart every indicator as recorded and, where it is standardised, standardised."""
    return tuple(
        Charted(one, basis, _chart(one, basis, breaks, protocol))
        for one in series
        for basis in (BASES if one.indicator.is_mix else BASES[:1])
    )


def _chart(series: Series, basis: str, breaks: Breaks, protocol: Protocol) -> ControlChart | None:
    values = [value.plain if basis == BASES[0] else value.standardised for value in series.values]
    share = np.array([value.estimate for value in values])
    first = series.values[0].number
    at = breaks.positions(range(first, first + len(values)))
    size = [_size(series.indicator, value, found) for value, found in zip(series.values, values, strict=True)]
    return _draw(series.indicator, share, np.array(size), at, protocol)


def _draw(
    indicator: Indicator, share: np.ndarray[Any, Any], size: np.ndarray[Any, Any], at: list[int], protocol: Protocol
) -> ControlChart | None:
    if np.isnan(share).all():
        return None
    floor = protocol.reporting_floor
    points = {"breaks": at, "fix_points": floor.spc_points, "trial_points": floor.spc_trial_points}
    if indicator.kind == SHARE:
        size = np.where(np.isnan(share), np.nan, size)
        return p_chart(share * size, size, **points)  # type: ignore[arg-type]
    return xmr_chart(share, **points)  # type: ignore[arg-type]


def _size(indicator: Indicator, value: PeriodValue, found: Value) -> float:
    """Rows of a point of a p-chart: visits in effective number, episodes as they are."""
    return float(value.n) if indicator.is_mix or np.isnan(found.effective_n) else found.effective_n


def chart_table(charts: Sequence[Charted], recording: Recording, breaks: Breaks) -> pd.DataFrame:
    """Lay the charts out: ``quarter`` and `COLUMNS`, one row a quarter, indicator and basis."""
    import pandas as pd

    rows = []
    for one in charts:
        for value in one.series.values:
            changed = changed_recording(one, value.number, recording)
            estimate = (value.plain if one.basis == BASES[0] else value.standardised).estimate
            reason, counts = breaks.reason.get(value.number, ""), (value.n, value.events, value.mature)
            word = signal_word(one, value.number, bool(changed))
            place = one.place(value.number)
            head = (quarter_word(value.number), one.series.indicator.name, one.series.indicator.label, one.basis)
            rows.append((*head, estimate, *_lines(one.chart, place), word, bool(changed), reason, *counts))
    return pd.DataFrame(rows, columns=["quarter", *COLUMNS])


def _lines(chart: ControlChart | None, place: int) -> tuple[object, ...]:
    if chart is None:
        return (*(float("nan"),) * len(LINES), "", 0, 0, "none")
    # Every indicator is a share: limits from moving ranges may lie where no share can.
    lines = tuple(float(np.clip(getattr(chart, name)[place], 0.0, 1.0)) for name in LINES)
    return (
        *lines,
        str(chart.signal[place]),
        int(chart.side[place]),
        int(chart.direction[place]),
        str(chart.status[place]),
    )


def changed_recording(chart: Charted, number: int, recording: Recording) -> tuple[tuple[int, str], ...]:
    """Return the jumps of recording that a signal of a quarter may come from, for indicators that rest on pain scores.

    Those near it, and those since the quarters its limits rest on: both sides of such a jump are compared.
    """
    signal = chart.signal(number)[0]
    if not signal or not chart.series.indicator.is_mix:
        return ()
    return recording.near(number, max(REACH[signal], number - chart.limits_until(number) - 1))


def signal_word(chart: Charted, number: int, recording_changed: bool) -> str:
    """Return ``improvement``, ``concern`` or ``change``; empty without a signal."""
    signal, direction = chart.signal(number)
    return direction_word(direction, recording_changed, chart.series.indicator) if signal else ""


def direction_word(direction: int, recording_changed: bool, indicator: Indicator) -> str:
    """Return what a signal upwards (1), downwards (-1) or neither (0) is called."""
    if recording_changed or not direction:
        return CHANGE
    return IMPROVEMENT if (direction > 0) == (indicator.good == UP) else CONCERN


def chart_months(
    series: Sequence[tuple[Series, Scope]], breaks: Breaks, recording: Recording, protocol: Protocol
) -> pd.DataFrame:
    """Chart the indicators, each over its months, where volume allows (rules: this module's docstring), as recorded.

    Limits of months rest on early ones, so any earlier jump of recording makes a signal a *change*.
    """
    import pandas as pd

    rows: list[tuple[object, ...]] = []
    for one, scope in series:
        share = one.indicator.kind == SHARE
        least = protocol.spc.month_min_n if share else protocol.reporting_floor.estimate_min_episodes
        months = month_points(one.indicator, scope, MONTHS, least)
        filled = [i for i, month in enumerate(months) if month.n]
        enough = sum(month.plain.known for month in months)
        if filled and enough >= MONTHS_FILLED * (len(months) - filled[0]):
            rows += _month_rows(one, months, scope, breaks, recording, protocol)
    return pd.DataFrame(rows, columns=["month", *COLUMNS])


def _month_rows(
    series: Series,
    months: Sequence[PeriodValue],
    scope: Scope,
    breaks: Breaks,
    recording: Recording,
    protocol: Protocol,
) -> list[tuple[object, ...]]:
    indicator, values = series.indicator, [month.plain.estimate for month in months]
    at = [place for place in breaks.positions(scope.shown, 3) if place < len(months)]
    size = np.array([_size(indicator, month, month.plain) for month in months])
    chart = _draw(indicator, np.array(values), size, at, protocol)
    rows: list[tuple[object, ...]] = []
    for place, month in enumerate(months):
        quarter = month.number // 3
        signal = "" if chart is None else str(chart.signal[place])
        changed = bool(signal) and indicator.is_mix and bool(recording.near(quarter, quarter - scope.shown.start))
        # No word: of 42 months in which nothing changes, the rules mark one in about half of all series.
        word = ""
        reason = breaks.reason.get(quarter, "") if month.number % 3 == 0 else ""
        head = (MONTHS.word(month.number), indicator.name, indicator.label, BASES[0], values[place])
        rows.append((*head, *_lines(chart, place), word, changed, reason, month.n, month.events, True))
    return rows
