"""E6: does it come back? The share of relieved episodes that returned to this clinic, from the landmark on.

The clock starts a fixed number of days after recorded relief that was not contradicted meanwhile; whoever came back
with pain before is a relapse and counted apart. Follow-up ends at the clinic's data cut for everybody, because a return
to this clinic would have been seen until then: censoring at the last visit would end everyone's follow-up at a return
or when they felt well. What is estimated is return here, not return of pain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from outcomes.errors import NotEstimable
from outcomes.estimators import curves
from outcomes.ledger import Ledger
from outcomes.questions import results
from outcomes.questions.results import DayCurve, FloatArray

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.cases.episodes import Episodes
    from outcomes.definitions import Protocol

ESTIMATOR = "Kaplan-Meier from the landmark, log-log interval (Greenwood)"


@dataclass(frozen=True)
class Recurrence:
    """Return to this clinic after relief.

    Attributes
    ----------
    table : DataFrame
        ``group, horizon_days, estimate, conf_low, conf_high, n, events``: share returned by each day after the
        landmark; `n` episodes that reached it, `events` returns seen by that day.
    curve : DataFrame
        ``group, day, estimate, conf_low, conf_high, at_risk``, one row a day up to the day before `curve_stop`.
    summary : dict
        ``n`` (reached the landmark), ``n_patients, n_events, n_relieved, n_relapsed, n_too_young, n_all`` (eligible or
        not), ``last_day``.
    settings : dict
    ledger : Ledger
    notes : tuple of str
    """

    table: pd.DataFrame
    curve: pd.DataFrame
    summary: dict[str, Any]
    settings: dict[str, Any]
    ledger: Ledger
    notes: tuple[str, ...]


def estimate_recurrence(episodes: Episodes, by: str | None = None) -> Recurrence:
    """Estimate the share of relieved episodes that returned to this clinic.

    Parameters
    ----------
    episodes : Episodes
    by : str, optional
        Column of ``episodes.table`` to split by.

    Returns
    -------
    Recurrence

    Raises
    ------
    InputRefused
        Unknown column.
    NotEstimable
        No episode reached the landmark, the end of observation is unknown, or a column this export does not have.
    """
    from outcomes.cases.timeline import build_return_rows

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
    counts = {name: int(getattr(returns, name)) for name in ("n_relieved", "n_relapsed", "n_too_young")}
    return Recurrence(
        table=results.horizon_table(fitted, horizons),
        curve=results.curve_table(fitted),
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
            question="return to this clinic after relief",
            definition=describe_return(protocol),
            time_zero=f"{protocol.recurrence.landmark_days} days after relief that was not contradicted meanwhile",
            estimator=ESTIMATOR,
            censoring="the clinic's data cut",
            by=by,
        ),
        ledger=returns.ledger,
        notes=(*_standing_notes(protocol), *results.curve_notes(fitted, horizons, protocol)),
    )


def fit_group(
    group: str,
    start: FloatArray,
    stop: FloatArray,
    event: np.ndarray,
    protocol: Protocol,
    last_day: int | None = None,
) -> DayCurve:
    """Fit one group's return curve; NaN when it is under the floor. `last_day` overrides `curve_stop`."""
    n_days = _n_days(protocol)
    at_risk, events = results.count_days(stop, event, n_days)
    if stop.size < protocol.reporting_floor.estimate_min_episodes:
        blank = np.full(n_days, np.nan)
        return DayCurve(group, stop.size, blank, blank, blank, at_risk, events, -1)
    curve = curves.kaplan_meier(stop, event, entry=start, level=protocol.inference.level)
    survival, low, high, _ = curves.survival_at(curve, np.arange(n_days))
    stop_day = results.find_last_day(at_risk, stop.size, protocol) if last_day is None else last_day
    return DayCurve(group, stop.size, 1.0 - survival, 1.0 - high, 1.0 - low, at_risk, events, stop_day)


def describe_return(protocol: Protocol) -> str:
    """Say in words what counts as a return."""
    rule = protocol.recurrence
    return (
        "a new episode opens in the same region stream, or a recorded pain score of at least "
        f"{rule.min_nrs:g} and at least {rule.min_rise_nrs:g} points above the score at relief"
    )


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
        "This is return to this clinic. Those who did not return may have had pain or gone elsewhere (in cohort "
        "studies about 7 in 10 have pain again within a year and 4 in 10 seek care).",
        "Only relieved episodes are counted: few and easy relieved episodes make a low figure.",
        f"The first possible return is the landmark day itself, {protocol.recurrence.landmark_days} days after relief.",
        "Fewer of those still at risk return later: frequent returners leave the group first.",
        "Episodes of one patient are treated as independent; where many return twice the interval is too narrow.",
    )
