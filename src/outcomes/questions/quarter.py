"""E13: how did the quarters go? A few indicators, fixed in advance, by the quarter in which episodes started.

By start, not by end: among episodes that ended lately the quick ones are too many, and the newest quarter would always
look best. For the same reason a quarter gets a value only once all of its episodes are old enough to tell:
**a quarter is mature for an indicator when its last day is no later than data cut - horizon - 14 days.** An immature
quarter is listed with its counts so far and no value. The data cut is the latest of the clinics'; an episode of a
clinic whose data end earlier is left out where its own data cut makes it too young.

=====================  ========================================  ==================================================
indicator              of                                        horizon in days (defaults)
=====================  ========================================  ==================================================
episodes_started       all episodes of care                      0
relieved_by_28         eligible episodes (inception, and pain    28
                       at the start high enough)
returned_by_182        of these, those that reached the          42 + 30 + 182; younger ones are censored
                       landmark after relief
silent_stop            eligible episodes                         90 to the last visit + 90 without one
visits_per_episode     inception episodes, visits to day 90      90
pain_recorded          visits of the quarter, by their own date  0
=====================  ========================================  ==================================================

A share by a day is given only where enough episodes of the quarter were still observed then (`curve_stop`, as for the
curves). The series ends with the quarter of the data cut. Whether a difference between quarters is a change is not said
here; two neighbouring quarters always differ.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from outcomes.cases.schema import END_REASONS
from outcomes.errors import NotEstimable
from outcomes.estimators import means, proportions
from outcomes.ledger import Ledger
from outcomes.questions import recurrence, relief, results, return_lines
from outcomes.questions.quarters import quarter_end, quarter_number, quarter_word, read_quarter
from outcomes.questions.relief_fit import fit_line
from outcomes.questions.relief_rows import build_rows

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.cases.episodes import Episodes

LAG_DAYS = 14
RETURN_DAYS = 182
COLUMNS = ("quarter", "indicator", "label", "unit", "estimate", "conf_low", "conf_high", "n", "events", "mature")
Values = tuple[float, float, float]
BLANK: Values = (float("nan"), float("nan"), float("nan"))


@dataclass(frozen=True)
class QuarterReview:
    """Indicators by quarter.

    Attributes
    ----------
    table : DataFrame
        ``quarter, indicator, label, unit, estimate, conf_low, conf_high, n, events, mature``: every quarter from the
        first visits to the data cut, every indicator. `unit` is ``"episodes"``, ``"visits"`` or ``"share"``; for
        immature quarters `n` and `events` are counts so far.
    quarter : str
        The quarter reviewed, ``"2026Q3"``.
    summary : dict
        ``quarter, data_cut`` (ISO date), ``last_mature`` (indicator -> quarter or ``""``).
    settings : dict
    ledger : Ledger
    notes : tuple of str
    """

    table: pd.DataFrame
    quarter: str
    summary: dict[str, Any]
    settings: dict[str, Any]
    ledger: Ledger
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Indicator:
    """One indicator: its rows (a quarter number, a start day and a data cut each) and how a set of rows is estimated.

    Attributes
    ----------
    name, label, unit : str
    horizon_days : int
    floor : int
        Rows under which no value is given.
    quarter, age_days : ndarray of int, shape (n,)
        Quarter number of each row, and days from its start to its clinic's data cut.
    event : ndarray of bool, shape (n,)
        What ``events`` counts.
    estimate : callable
        Positions of rows and a name to value and limits.
    """

    name: str
    label: str
    unit: str
    horizon_days: int
    floor: int
    quarter: NDArray[np.int64]
    age_days: NDArray[np.int64]
    event: NDArray[np.bool_]
    estimate: Callable[[NDArray[np.intp], str], Values]


def review_quarter(episodes: Episodes, quarter: str | None = None) -> QuarterReview:
    """Estimate the indicators of every quarter and choose the one to review.

    Parameters
    ----------
    episodes : Episodes
    quarter : str, optional
        ``"2026Q3"``. When not given, the last quarter that is mature for relief by the primary day and in which an
        episode started.

    Raises
    ------
    NotEstimable
        The export has day numbers, no quarter is mature yet, or there is no such quarter.
    """
    if not episodes.has_calendar:
        raise NotEstimable(
            "Quarters cannot be reviewed: this export has day numbers counted from each patient's first visit, so the "
            "calendar is unknown. Ask for an export with visit dates. Relief needs no calendar; return after relief "
            "needs observed_until_day under [dates] in the mapping."
        )
    if not episodes.n:
        raise NotEstimable("Quarters cannot be reviewed: there are no episodes. The ledger says why.")
    asked = None if quarter is None else read_quarter(quarter)
    numbers = quarter_number(episodes.visits.columns["day"])
    earliest, least = int(numbers.min()), episodes.protocol.reporting_floor.proportion_min_n
    cut = int(episodes.columns["observable_until_day"].max())
    shown = _quarters_to(cut, earliest + results.first_shown(numbers - earliest, least))
    if asked is not None and asked not in shown:
        known = ", ".join(quarter_word(number) for number in shown)
        raise NotEstimable(f"There is no quarter {quarter_word(asked)} in these records. There are: {known}.")
    indicators = _indicators(episodes)
    mature = {i.name: [q for q in shown if quarter_end(q) <= cut - i.horizon_days - LAG_DAYS] for i in indicators}
    chosen = asked if asked is not None else _choose(mature[_relieved_name(episodes)], episodes, cut)
    rows: list[tuple[Any, ...]] = []
    notes = [results.early_note(least, quarter_word(shown[0]))] if shown[0] > earliest else []
    for number in shown:
        for indicator in indicators:
            row, note = _row(indicator, number, number in mature[indicator.name])
            rows.append(row)
            notes += note
    return _result(episodes, rows, chosen, cut, mature, notes)


def _result(
    episodes: Episodes,
    rows: list[tuple[Any, ...]],
    chosen: int,
    cut: int,
    mature: dict[str, list[int]],
    notes: list[str],
) -> QuarterReview:
    import pandas as pd

    from outcomes.cases.timeline import default_relief_rule

    primary = episodes.protocol.horizons_days.primary
    return QuarterReview(
        table=pd.DataFrame(rows, columns=list(COLUMNS)).sort_values("quarter", kind="stable", ignore_index=True),
        quarter=quarter_word(chosen),
        summary={
            "quarter": quarter_word(chosen),
            "data_cut": str(np.datetime64(cut, "D")),
            "last_mature": {name: quarter_word(found[-1]) if found else "" for name, found in mature.items()},
        },
        settings=results.make_settings(
            episodes,
            question="quarter review",
            definition="episodes by the quarter they started in; relief: "
            f"{relief.describe_rule(default_relief_rule(episodes.protocol), episodes.protocol)}; "
            f"return: {recurrence.describe_return(episodes.protocol)}",
            index="start of the episode; pain_recorded by the day of the visit",
            maturity=f"last day of the quarter <= data cut - horizon - {LAG_DAYS} days",
            estimator=f"relieved_by_{primary}: {relief.ESTIMATOR}; "
            f"returned_by_{RETURN_DAYS}: {return_lines.ESTIMATOR}; "
            "silent_stop, pain_recorded: Wilson interval on the effective number; visits_per_episode: mean, t interval "
            "with patients as clusters",
        ),
        ledger=episodes.ledger,
        notes=(*_standing_notes(episodes), *notes),
    )


def _standing_notes(episodes: Episodes) -> list[str]:
    landmark = episodes.protocol.recurrence.landmark_days
    notes = [
        "Neighbouring quarters always differ; this table alone does not call any difference a change.",
        f"Returns count from {landmark} days after relief; a stop is one while not relieved at the last score; visits "
        "leave out maintenance.",
    ]
    if not episodes.columns["is_inception"].all():
        notes.append(
            "Episodes of care started count those of the washout too; some of these were under way before the records "
            "begin. No other indicator of episodes counts them."
        )
    return notes


def _quarters_to(cut: int, first: int) -> range:
    shown = range(first, int(quarter_number(np.array([cut]))[0]) + 1)
    if not shown:
        raise NotEstimable(
            f"No quarter can be reviewed: the data cut ({np.datetime64(cut, 'D')}) lies before the first quarter with "
            "enough visits. Check data_cut under [dates] in the mapping."
        )
    return shown


def _relieved_name(episodes: Episodes) -> str:
    return f"relieved_by_{episodes.protocol.horizons_days.primary}"


def _choose(mature: list[int], episodes: Episodes, cut: int) -> int:
    """The last mature quarter in which an episode started: an empty one has nothing to review."""
    started = set(quarter_number(episodes.columns["index_day"]).tolist())
    if filled := [number for number in mature if number in started]:
        return filled[-1]
    days = episodes.protocol.horizons_days.primary + LAG_DAYS
    raise NotEstimable(
        f"No quarter can be reviewed yet: the first one in which an episode started must lie {days} days before the "
        f"data cut ({np.datetime64(cut, 'D')}) with its last day."
    )


def _row(indicator: Indicator, number: int, mature: bool) -> tuple[tuple[Any, ...], list[str]]:
    """Return one row of the table and the sentences it needs."""
    of_quarter = indicator.quarter == number
    old_enough = of_quarter & (indicator.age_days >= indicator.horizon_days + LAG_DAYS)
    used = np.flatnonzero(old_enough if mature else of_quarter)
    word, values, notes = quarter_word(number), BLANK, []
    if mature and used.size >= indicator.floor:
        values = indicator.estimate(used, f"{indicator.name} {word}")
        if np.isnan(values[0]):
            notes.append(f"{word}, {indicator.label.lower()}: too few were still observed; no value is given.")
    elif mature:
        notes.append(f"{word}, {indicator.label.lower()}: fewer than {indicator.floor}; no value is given.")
    if mature and old_enough.sum() < of_quarter.sum():
        notes.append(f"{word}, {indicator.label.lower()}: episodes of a clinic whose data end earlier are left out.")
    head = (word, indicator.name, indicator.label, indicator.unit)
    return (*head, *values, int(used.size), int(indicator.event[used].sum()), mature), notes


def _indicators(episodes: Episodes) -> list[Indicator]:
    inception = np.flatnonzero(episodes.columns["is_inception"])
    return [
        _started(episodes),
        _relieved(episodes),
        _returned(episodes),
        _silent(episodes, np.flatnonzero(episodes.columns["is_eligible"])),
        _visits(episodes, inception),
        _recorded(episodes),
    ]


def _of_episodes(episodes: Episodes, rows: NDArray[Any]) -> dict[str, NDArray[np.int64]]:
    start = episodes.columns["index_day"][rows].astype(np.int64)
    cut = episodes.columns["observable_until_day"][rows].astype(np.int64)
    return {"quarter": quarter_number(start), "age_days": cut - start}


def _started(episodes: Episodes) -> Indicator:
    rows = np.arange(episodes.n)
    return Indicator(
        name="episodes_started",
        label="Episodes of care started",
        unit="episodes",
        horizon_days=0,
        floor=0,
        event=np.ones(rows.size, dtype=bool),
        estimate=lambda part, _: (float(part.size), float("nan"), float("nan")),
        **_of_episodes(episodes, rows),
    )


def _relieved(episodes: Episodes) -> Indicator:
    protocol, rows = episodes.protocol, build_rows(episodes)
    day = protocol.horizons_days.primary
    return Indicator(
        name=f"relieved_by_{day}",
        label=f"Relieved by day {day} (estimated)",
        unit="share",
        horizon_days=day,
        floor=protocol.reporting_floor.estimate_min_episodes,
        event=rows.seen & (rows.last_seen_days <= day),
        estimate=lambda part, name: results.read_day(fit_line(name, rows.take(part), protocol), day),
        **_of_episodes(episodes, rows.episode),
    )


def _returned(episodes: Episodes) -> Indicator:
    from outcomes.cases.returns import build_return_rows

    protocol, rows = episodes.protocol, return_lines.AtRisk.of(build_return_rows(episodes))

    def estimate(part: NDArray[np.intp], name: str) -> Values:
        return results.read_day(return_lines.fit_line(name, rows.take(part), protocol), RETURN_DAYS)

    return Indicator(
        name=f"returned_by_{RETURN_DAYS}",
        label=f"Returned within {RETURN_DAYS} days (of relieved)",
        unit="share",
        horizon_days=protocol.horizons_days.rmst + protocol.recurrence.landmark_days + RETURN_DAYS,
        floor=protocol.reporting_floor.estimate_min_episodes,
        event=rows.event & (rows.stop_days <= RETURN_DAYS),
        estimate=estimate,
        **_of_episodes(episodes, rows.episode),
    )


def _silent(episodes: Episodes, rows: NDArray[np.intp]) -> Indicator:
    protocol, columns = episodes.protocol, episodes.columns
    within = max(protocol.horizons_days.relief)
    lasted = columns["last_day"][rows] - columns["index_day"][rows]
    silent = (columns["end_reason"][rows] == END_REASONS.index("silent_stop")) & (lasted <= within)
    return Indicator(
        name="silent_stop",
        label=f"Stopped, not relieved, by day {within}",
        unit="share",
        horizon_days=within + protocol.dropout.no_visit_days,
        floor=protocol.reporting_floor.estimate_min_episodes,
        event=silent,
        estimate=_share_of(silent, columns["patient"][rows], protocol.inference.level),
        **_of_episodes(episodes, rows),
    )


def _visits(episodes: Episodes, rows: NDArray[np.intp]) -> Indicator:
    protocol, visits = episodes.protocol, episodes.visits.columns
    within = max(protocol.horizons_days.relief)
    of_episode = visits["episode"]
    age = visits["day"] - episodes.columns["index_day"][of_episode]
    counted = (of_episode >= 0) & episodes.course.care & (age <= within)
    n_visits = np.bincount(of_episode[counted], minlength=episodes.n)[rows].astype(float)
    patient = episodes.columns["patient"][rows]
    return Indicator(
        name="visits_per_episode",
        label=f"Visits per episode, first {within} days",
        unit="visits",
        horizon_days=within,
        floor=protocol.reporting_floor.estimate_min_episodes,
        event=np.ones(rows.size, dtype=bool),
        estimate=lambda part, _: means.clustered_mean(n_visits[part], patient[part], protocol.inference.level),
        **_of_episodes(episodes, rows),
    )


def _recorded(episodes: Episodes) -> Indicator:
    protocol, visits = episodes.protocol, episodes.visits
    day = visits.columns["day"].astype(np.int64)
    clinic = visits.columns.get("clinic", np.full(visits.n, -1))
    recorded = visits.columns.get("pain_pre", np.full(visits.n, -1)) >= 0
    return Indicator(
        name="pain_recorded",
        label="Visits with a pain score",
        unit="share",
        horizon_days=0,
        floor=protocol.reporting_floor.proportion_min_n,
        # A visit is complete on its own day: a clinic whose data end earlier loses none of them.
        quarter=quarter_number(day),
        age_days=np.maximum(visits.clinic_last_day[clinic].astype(np.int64) - day, LAG_DAYS),
        event=recorded,
        estimate=_share_of(recorded, visits.columns["patient"], protocol.inference.level),
    )


def _share_of(
    event: NDArray[np.bool_], patient: NDArray[Any], level: float
) -> Callable[[NDArray[np.intp], str], Values]:
    def estimate(part: NDArray[np.intp], _: str) -> Values:
        cluster = np.unique(patient[part], return_inverse=True)[1]
        return proportions.wilson_clustered(np.bincount(cluster, weights=event[part]), np.bincount(cluster), level)

    return estimate
