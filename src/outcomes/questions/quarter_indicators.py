"""The six indicators, fixed in advance: which rows each is of, when a row is old enough, and how rows are estimated.

=======================  =========================================  =================================================
indicator                of                                         horizon in days (defaults)
=======================  =========================================  =================================================
relieved_by_28           eligible episodes (inception, and pain     28
                         at the start high enough)
resolved_by_42           the same                                   42
silent_stop              the same                                   90 to the last visit + 90 without one
returned_by_182          of these, those that reached the           42 + 30 + 182; younger ones are censored
                         landmark after relief
active_before_landmark   of these, those relieved within 90 days    90 + 30
                         that reached the landmark
pain_recorded            visits of the quarter, by their own date   0
=======================  =========================================  =================================================

Days of relief and resolution are known only between two ratings, so those two are read from the interval-censored
curve; returns are followed to the data cut and read from a Kaplan-Meier curve; the other three are plain shares, whose
intervals take a patient's rows together.

More of the first five can be good or bad: `good` says which way an indicator improves. More exercise is what the
practice asks for, not an outcome.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from outcomes.cases.schema import END_REASONS, HUNDREDTHS, MISSING
from outcomes.estimators import post_strata
from outcomes.questions import results, return_lines
from outcomes.questions.bands import find_bands
from outcomes.questions.quarters import QUARTERS
from outcomes.questions.relief_fit import fit_curve, fit_line
from outcomes.questions.relief_rows import build_rows
from outcomes.questions.results import Flags, FloatArray, IntArray
from outcomes.questions.unknown_treatments import find_unknown_quarters

if TYPE_CHECKING:
    from outcomes.cases.episodes import Episodes
    from outcomes.definitions import Protocol

LAG_DAYS = 14
RETURN_DAYS = 182
UP, DOWN = "more is better", "less is better"
CURVE, SHARE = "curve", "share"


@dataclass(frozen=True, slots=True)
class Value:
    """A share with its limits, and how many independent rows would know as much; NaN for what is not known."""

    estimate: float = float("nan")
    conf_low: float = float("nan")
    conf_high: float = float("nan")
    effective_n: float = float("nan")

    @property
    def known(self) -> bool:
        """Whether there is an estimate."""
        return not np.isnan(self.estimate)


BLANK = Value()


@dataclass(frozen=True, slots=True)
class Indicator:
    """One indicator; arrays of shape (n,), one entry a row.

    Attributes
    ----------
    name, label, unit : str
    good : str
        `UP` or `DOWN`: the direction in which it improves.
    kind : str
        `SHARE` of rows, or read from a `CURVE`.
    horizon_days, floor : int
        Days from the start of a row to when it can be judged; rows under which no value is given.
    episode, clinic : ndarray of int
        Row of the episode table and code of the clinic; -1 for a visit before a first episode, and for none recorded.
    start_day, age_days : ndarray of int
        Day the row starts, and days from then to its clinic's data cut.
    event : ndarray of bool
        What ``events`` counts.
    estimate : callable
        Positions of rows, weights (None to leave the second value blank) and a name that seeds draws, to the value
        recorded and the value weighted.
    point : callable
        Positions of rows to the value alone, without limits.
    mean : callable
        The same, however few are still observed by the day: what is expected of a stratum.
    outcome : callable or None
        Positions of rows to what each adds to a sum over time: 0 or 1, or its chance of relief by the day
        (`estimators.interval_status`).
    is_mix : bool
        Whether the case mix of its rows can be told without the indicator itself.
    """

    name: str
    label: str
    unit: str
    good: str
    kind: str
    horizon_days: int
    floor: int
    episode: IntArray
    clinic: IntArray
    start_day: IntArray
    age_days: IntArray
    event: Flags
    estimate: Callable[[IntArray, FloatArray | None, str], tuple[Value, Value]]
    point: Callable[[IntArray], float]
    mean: Callable[[IntArray], float]
    outcome: Callable[[IntArray], FloatArray] | None = None
    is_mix: bool = True

    @property
    def old_enough(self) -> Flags:
        """Whether each row can be judged by its clinic's data cut."""
        old: Flags = self.age_days >= self.horizon_days + LAG_DAYS
        return old


def build_indicators(episodes: Episodes) -> tuple[Indicator, ...]:
    """Return the six indicators in the order of the page; one of treatments only where these can be read."""
    days = episodes.protocol.horizons_days
    found = [
        _curve_of_relief(
            episodes, f"relieved_by_{days.primary}", f"Relieved by day {days.primary} (estimated)", days.primary, None
        ),
        _curve_of_relief(
            episodes, f"resolved_by_{days.rmst}", f"Resolved by day {days.rmst} (estimated)", days.rmst, "resolved"
        ),
        _silent(episodes),
        _returned(episodes),
    ]
    if "modalities" in episodes.visits.columns and (active := _active(episodes)).episode.size:
        found.append(active)
    return (*found, _recorded(episodes))


def mix_levels(episodes: Episodes, episode: IntArray) -> list[IntArray]:
    """Return the case mix of some episodes as codes from 0: band of the first pain, duration, region.

    What the export does not hold, or a row does not have, is a level of its own.
    """
    columns = episodes.columns
    pain = columns["baseline"][episode].astype(np.float64) / HUNDREDTHS
    band = find_bands("baseline_nrs", np.where(pain < 0, np.nan, pain), results.NOT_RECORDED)[1]
    none = np.full(episodes.n, MISSING)
    rest = [columns.get(name, none)[episode].astype(np.intp) - MISSING for name in ("chronicity", "region")]
    return [band.astype(np.intp), *rest]


def _of_episodes(episodes: Episodes, rows: IntArray) -> dict[str, Any]:
    start = episodes.columns["index_day"][rows].astype(np.intp)
    clinic = episodes.columns.get("clinic", np.full(episodes.n, MISSING))[rows].astype(np.intp)
    cut = episodes.columns["observable_until_day"][rows].astype(np.intp)
    return {"episode": rows, "clinic": clinic, "start_day": start, "age_days": cut - start}


def _curve_of_relief(episodes: Episodes, name: str, label: str, day: int, rule: str | None) -> Indicator:
    from outcomes.estimators.interval_status import interval_status

    protocol, rows = episodes.protocol, build_rows(episodes, rule)

    def point(part: IntArray, weight: FloatArray | None = None) -> float:
        return results.read_day(fit_curve(name, rows.take(part, weight), protocol)[0], day)[0]

    def estimate(part: IntArray, weight: FloatArray | None, seed: str) -> tuple[Value, Value]:
        share, low, high = results.read_day(fit_line(seed, rows.take(part), protocol), day)
        plain = _of_limits(share, low, high, protocol)
        if weight is None or not plain.known:
            return plain, BLANK
        moved = point(part, weight)
        return plain, _of_limits(
            moved, *post_strata.move_limits(share, low, high, moved, post_strata.kish_effect(weight)), protocol
        )

    return Indicator(
        name=name,
        label=label,
        unit="share",
        good=UP,
        kind=CURVE,
        horizon_days=day,
        floor=protocol.reporting_floor.estimate_min_episodes,
        event=rows.seen & (rows.last_seen_days <= day),
        estimate=estimate,
        point=point,
        mean=lambda part: float(fit_curve(name, rows.take(part), protocol)[0].estimate[day]),
        outcome=lambda part: interval_status(rows.left_days[part], rows.right_days[part], day),
        **_of_episodes(episodes, rows.episode),
    )


def _of_limits(share: float, low: float, high: float, protocol: Protocol) -> Value:
    return Value(share, low, high, post_strata.effective_number(share, low, high, protocol.inference.level))


def _returned(episodes: Episodes) -> Indicator:
    from outcomes.cases.returns import build_return_rows

    protocol, rows = episodes.protocol, return_lines.AtRisk.of(build_return_rows(episodes))

    def read(part: IntArray, weight: FloatArray | None = None) -> Value:
        taken = rows.take(part)
        taken = taken if weight is None else replace(taken, weight=weight)
        return _of_limits(*results.read_day(return_lines.fit_line("", taken, protocol), RETURN_DAYS), protocol)

    def estimate(part: IntArray, weight: FloatArray | None, _: str) -> tuple[Value, Value]:
        plain = read(part)
        return plain, BLANK if weight is None or not plain.known else read(part, weight)

    return Indicator(
        name=f"returned_by_{RETURN_DAYS}",
        label=f"Returned within {RETURN_DAYS} days (of relieved)",
        unit="share",
        good=DOWN,
        kind=CURVE,
        horizon_days=protocol.horizons_days.rmst + protocol.recurrence.landmark_days + RETURN_DAYS,
        floor=protocol.reporting_floor.estimate_min_episodes,
        event=rows.event & (rows.stop_days <= RETURN_DAYS),
        estimate=estimate,
        point=lambda part: read(part).estimate,
        mean=lambda part: float(return_lines.fit_line("", rows.take(part), protocol).estimate[RETURN_DAYS]),
        **_of_episodes(episodes, rows.episode),
    )


def _silent(episodes: Episodes) -> Indicator:
    protocol, columns = episodes.protocol, episodes.columns
    rows = np.flatnonzero(columns["is_eligible"])
    within = max(protocol.horizons_days.relief)
    lasted = columns["last_day"][rows] - columns["index_day"][rows]
    silent = (columns["end_reason"][rows] == END_REASONS.index("silent_stop")) & (lasted <= within)
    return Indicator(
        name="silent_stop",
        label=f"Stopped, not relieved, by day {within}",
        good=DOWN,
        horizon_days=within + protocol.dropout.no_visit_days,
        floor=protocol.reporting_floor.estimate_min_episodes,
        **_share_of(silent, columns["patient"][rows], protocol),
        **_of_episodes(episodes, rows),
    )


def _active(episodes: Episodes) -> Indicator:
    from outcomes.cases.returns import build_return_rows
    from outcomes.questions.exercise_cohort import build_cohort

    protocol = episodes.protocol
    cohort = build_cohort(episodes, build_return_rows(episodes))
    within = max(protocol.horizons_days.relief)
    episode = cohort.rows.episode
    relief_day = episodes.course.day[cohort.relief_row] - episodes.columns["index_day"][episode]
    # Whoever is relieved later is at risk in old quarters only; leaving them out keeps quarters alike. Where words for
    # treatments are not known, that none of the known ones is exercise is no answer.
    is_read = ~np.isin(QUARTERS.number(episodes.columns["index_day"][episode]), find_unknown_quarters(episodes))
    kept = cohort.take((relief_day <= within) & is_read)
    return Indicator(
        name="active_before_landmark",
        label=f"Active exercise before day {protocol.recurrence.landmark_days} after relief",
        good=UP,
        horizon_days=within + protocol.recurrence.landmark_days,
        floor=protocol.reporting_floor.estimate_min_episodes,
        **_share_of(kept.exercised, kept.rows.patient, protocol),
        **_of_episodes(episodes, kept.rows.episode),
    )


def _recorded(episodes: Episodes) -> Indicator:
    protocol, visits = episodes.protocol, episodes.visits
    day = visits.columns["day"].astype(np.intp)
    clinic = visits.columns.get("clinic", np.full(day.size, MISSING)).astype(np.intp)
    recorded = visits.columns.get("pain_pre", np.full(day.size, MISSING)) >= 0
    return Indicator(
        name="pain_recorded",
        label="Visits with a pain score before treatment",
        good=UP,
        horizon_days=0,
        floor=protocol.reporting_floor.proportion_min_n,
        episode=visits.columns["episode"].astype(np.intp),
        clinic=clinic,
        start_day=day,
        # A visit is complete on its own day: a clinic whose data end earlier loses none of them.
        age_days=np.maximum(visits.clinic_last_day[clinic].astype(np.intp) - day, LAG_DAYS),
        # The first pain band is made of recorded scores: weighting by it would hide what is asked.
        is_mix=False,
        **_share_of(recorded, visits.columns["patient"], protocol),
    )


def _share_of(event: Flags, patient: IntArray, protocol: Protocol) -> dict[str, Any]:
    level = protocol.inference.level

    def read(part: IntArray, weight: FloatArray) -> Value:
        found = post_strata.weighted_wilson(event[part], weight, patient[part], level)
        return Value(found.estimate, found.conf_low, found.conf_high, found.effective_n)

    def estimate(part: IntArray, weight: FloatArray | None, _: str) -> tuple[Value, Value]:
        return read(part, np.ones(part.size)), BLANK if weight is None else read(part, weight)

    return {
        "unit": "share",
        "kind": SHARE,
        "event": event,
        "estimate": estimate,
        "point": lambda part: float(event[part].mean()),
        "mean": lambda part: float(event[part].mean()),
        "outcome": lambda part: event[part].astype(np.float64),
    }
