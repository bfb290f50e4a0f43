"""E6: does it come back? The share of relieved episodes that returned to a clinic in these records, from the landmark.

A return is either of two things: a new episode opens with pain of at least 3 (or unrated, by rule A or C), or a later
visit of care that is still going on has a rating of at least 3 and at least 2 above the rating at relief.

The clock starts a fixed number of days after recorded relief that was not contradicted meanwhile; whoever had pain back
before is a relapse and counted apart. Follow-up ends at the clinic's data cut for everybody, because a return would
have been seen until then: censoring at the last visit would end everyone's follow-up at a return or when they felt
well. What is estimated is return to care seen in these records, not return of pain.

How episodes are cut moves the answer more than anything else, so the share under other definitions stands beside it
(`Recurrence.definitions`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from outcomes.errors import NotEstimable
from outcomes.estimators import curves
from outcomes.ledger import Ledger
from outcomes.questions import results
from outcomes.questions.episode_gaps import cut_by_gaps
from outcomes.questions.relief import describe_rule
from outcomes.questions.results import DayCurve, FloatArray

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.cases.episodes import Episodes
    from outcomes.cases.returns import ReturnRows
    from outcomes.definitions import Protocol

DEFINITION_COLUMNS = ("definition", "gap_days", "estimate", "n", "events")
ONE_STREAM_NOTE = (
    "Not among the definitions compared: all regions as one stream. It needs the records read again, with "
    "episode.one_stream = true in the protocol."
)
_COUNTS = ("n_new_episode", "n_pain_back", "n_relieved", "n_relapsed", "n_too_young")
ESTIMATOR = "Kaplan-Meier from the landmark, log-log interval (Greenwood)"


@dataclass(frozen=True)
class Recurrence:
    """Return after relief to a clinic in these records.

    Attributes
    ----------
    table : DataFrame
        ``group, horizon_days, estimate, conf_low, conf_high, n, events``: share returned by each day after the
        landmark; `n` episodes that reached it, `events` returns seen by that day.
    curve : DataFrame
        ``group, day, estimate, conf_low, conf_high, at_risk``, one row a day up to the day before `curve_stop`.
    definitions : DataFrame
        ``definition, gap_days, estimate, n, events``: the share returned by the primary day under other definitions of
        an episode or a return, without an interval; NaN past that definition's last day or under the floor. No rows
        where groups were asked for.
    summary : dict
        ``n`` (reached the landmark), ``n_patients, n_events``; of these events ``n_new_episode`` (a new episode
        opened) and ``n_pain_back`` (a rating at a later visit of care still going on); ``n_relieved, n_relapsed,
        n_too_young, n_all`` (eligible or not), ``last_day``.
    settings : dict
    ledger : Ledger
    notes : tuple of str
    """

    table: pd.DataFrame
    curve: pd.DataFrame
    definitions: pd.DataFrame
    summary: dict[str, Any]
    settings: dict[str, Any]
    ledger: Ledger
    notes: tuple[str, ...]


def estimate_recurrence(episodes: Episodes, by: str | None = None) -> Recurrence:
    """Estimate the share of relieved episodes that returned to a clinic in these records.

    Parameters
    ----------
    episodes : Episodes
    by : str, optional
        Column of ``episodes.table`` to split by: one of `results.GROUP_COLUMNS`, fixed when an episode starts.

    Returns
    -------
    Recurrence

    Raises
    ------
    InputRefused
        Unknown column, or one that is known only later in an episode.
    NotEstimable
        No episode reached the landmark, the end of observation is unknown, or a column this export does not have.
    """
    results.check_episodes(episodes)
    from outcomes.cases.returns import build_return_rows
    from outcomes.cases.timeline import default_relief_rule

    returns = build_return_rows(episodes)
    protocol = episodes.protocol
    rows = returns.episode.astype(np.intp)
    if not rows.size:
        raise NotEstimable(_nobody(protocol))
    start, stop = returns.start_days.astype(float), returns.stop_days.astype(float)
    event = returns.event.astype(bool)
    horizons = protocol.horizons_days.recurrence
    fitted = [
        fit_group(group, start[part], stop[part], event[part], protocol)
        for group, part in results.split_groups(episodes, rows, by)
    ]
    at_risk, _ = results.count_days(stop, event, _n_days(protocol))
    counts = {name: int(getattr(returns, name)) for name in _COUNTS}
    return Recurrence(
        table=results.horizon_table(fitted, horizons),
        curve=results.curve_table(fitted),
        definitions=_compare_definitions(episodes if by is None else None, returns),
        summary={
            "n": int(rows.size),
            "n_patients": int(np.unique(returns.patient).size),
            "n_events": int(event.sum()),
            **counts,
            "n_all": episodes.n,
            "last_day": results.find_last_day(at_risk, rows.size, protocol),
        },
        settings=results.make_settings(
            episodes,
            question="return after relief to a clinic in these records",
            definition=describe_return(protocol),
            relief=describe_rule(default_relief_rule(protocol), protocol),
            time_zero=f"{protocol.recurrence.landmark_days} days after relief that was not contradicted meanwhile",
            estimator=ESTIMATOR,
            censoring="the clinic's data cut",
            by=by,
        ),
        ledger=returns.ledger,
        notes=(
            *_standing_notes(protocol),
            *_kind_notes(returns, protocol),
            *(() if by is not None or protocol.episode.one_stream else (ONE_STREAM_NOTE,)),
            *results.context_notes(by, episodes.has_calendar),
            *results.curve_notes(fitted, horizons, protocol),
        ),
    )


def fit_group(group: str, start: FloatArray, stop: FloatArray, event: np.ndarray, protocol: Protocol) -> DayCurve:
    """Fit one group's return curve; NaN when it is under the floor."""
    n_days = _n_days(protocol)
    at_risk, events = results.count_days(stop, event, n_days)
    if stop.size < protocol.reporting_floor.estimate_min_episodes:
        blank = np.full(n_days, np.nan)
        return DayCurve(group, stop.size, blank, blank, blank, at_risk, events, -1)
    curve = curves.kaplan_meier(stop, event, entry=start, level=protocol.inference.level)
    survival, low, high, _ = curves.survival_at(curve, np.arange(n_days))
    stop_day = results.find_last_day(at_risk, stop.size, protocol)
    return DayCurve(group, stop.size, 1.0 - survival, 1.0 - high, 1.0 - low, at_risk, events, stop_day)


def describe_return(protocol: Protocol) -> str:
    """Say in words what counts as a return."""
    rule = protocol.recurrence
    return (
        "at a clinic in these records and in the same region stream, a new episode opens with pain of at least "
        f"{rule.min_nrs:g} (or unrated, by rule A or C), or a later rating of at least {rule.min_nrs:g} and at least "
        f"{rule.min_rise_nrs:g} above the rating at relief"
    )


def _compare_definitions(episodes: Episodes | None, returns: ReturnRows) -> pd.DataFrame:
    """The share returned by the primary day under other definitions; an empty table where `episodes` is None."""
    import pandas as pd

    from outcomes.cases.returns import build_return_rows

    rows: list[tuple[object, ...]] = []
    if episodes is not None:
        protocol, settings = episodes.protocol, episodes.protocol.episode
        rows.append(_definition_row("as reported", settings.gap_days, returns, protocol))
        for gap, again in cut_by_gaps(episodes):
            words = f"episodes end only by a gap of {gap} days (rules B and C off)"
            rows.append(_definition_row(words, gap, build_return_rows(again), protocol))
        first = _first_eligible(episodes)[returns.episode]
        words = "first eligible episode of each patient only"
        rows.append(_definition_row(words, settings.gap_days, returns, protocol, first))
        words = "new episodes only; pain back at a later visit of care still going on is no return"
        rows.append(_definition_row(words, settings.gap_days, build_return_rows(episodes, "new_episode"), protocol))
    return pd.DataFrame(rows, columns=list(DEFINITION_COLUMNS))


def _definition_row(
    words: str, gap: int, returns: ReturnRows, protocol: Protocol, part: np.ndarray | slice = slice(None)
) -> tuple[object, ...]:
    day = protocol.horizons_days.primary_recurrence
    start, stop = returns.start_days[part].astype(float), returns.stop_days[part].astype(float)
    curve = fit_group(words, start, stop, returns.event[part].astype(bool), protocol)
    return words, gap, results.read_day(curve, day)[0], curve.n, int(curve.events[day])


def _first_eligible(episodes: Episodes) -> np.ndarray:
    """Whether each episode is the patient's first for which relief is definable, whatever its stream."""
    columns = episodes.columns
    rows = np.flatnonzero(columns["is_eligible"])
    rows = rows[np.lexsort((columns["episode"][rows], columns["index_day"][rows], columns["patient"][rows]))]
    patient = columns["patient"][rows]
    first = np.zeros(episodes.n, dtype=bool)
    first[rows[np.diff(patient, prepend=-1) != 0]] = True
    return first


def _n_days(protocol: Protocol) -> int:
    # 182 days is the quarter review's horizon; it is read from the same curve.
    return max(*protocol.horizons_days.recurrence, protocol.horizons_days.primary_recurrence, 182) + 1


def _nobody(protocol: Protocol) -> str:
    return (
        "Return after relief cannot be estimated: no episode was relieved, free of relapse and still observable "
        f"{protocol.recurrence.landmark_days} days later."
    )


def _standing_notes(protocol: Protocol) -> tuple[str, ...]:
    return (
        "This is return to a clinic in these records. Those who did not return may have had pain or gone elsewhere (in "
        "cohort studies about 7 in 10 have pain again within a year and 4 in 10 seek care).",
        "Only relieved episodes are counted: few and easy relieved episodes make a low figure.",
        f"The first possible return is the landmark day itself, {protocol.recurrence.landmark_days} days after relief.",
        "Fewer of those still at risk return later: frequent returners leave the group first.",
        "Episodes of one patient are treated as independent; where many return twice the interval is too narrow.",
    )


def _kind_notes(returns: ReturnRows, protocol: Protocol) -> tuple[str, ...]:
    """Say how many returns were no new episode; without the number where it, or what is left, is small."""
    back, opened = returns.n_pain_back, returns.n_new_episode
    what = "pain back at a later visit of care still going on, not a new episode"
    if not back + opened:
        return ()
    if not back:
        return ("Every return opened a new episode.",)
    if not opened:
        return (f"Every return was {what}.",)
    if min(back, opened) < protocol.reporting_floor.suppress_cell_below:
        return (f"{'Some' if back < opened else 'Most'} of the returns were {what}.",)
    return (f"{back} of {back + opened} returns were {what}.",)
