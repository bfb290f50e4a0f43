"""Maintenance care apart: planned visits are themselves meant to act on return, so both kinds of time are shown.

Nobody is sorted by what came later: a patient's time counts as *outside* maintenance care up to the day on which the
first maintenance visit after relief was known, and as *inside* from then on, on a clock that starts that day. A
comparison of patients who ever had such a visit with those who never had would give the former all the time they had
to live through to get one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from outcomes.questions import results
from outcomes.questions.exercise_cohort import on_clock
from outcomes.questions.results import DayCurve
from outcomes.questions.return_counts import HORIZONS_DAYS, Followed, fit_mean
from outcomes.questions.return_lines import AtRisk, fit_line

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.cases.episodes import Episodes
    from outcomes.cases.return_history import ReturnHistory
    from outcomes.cases.returns import ReturnRows

COLUMNS = ("outcome", "part", "label", "horizon_days", "estimate", "conf_low", "conf_high", "n", "events")
OUTSIDE, INSIDE = "outside", "inside"
LABELS = {
    OUTSIDE: "outside maintenance care, from the landmark",
    INSIDE: "in maintenance care, from its first visit or the landmark",
}


def split_maintenance(episodes: Episodes, returns: ReturnRows, history: ReturnHistory) -> pd.DataFrame:
    """Share returned and mean number of returns outside and inside maintenance care (`COLUMNS`)."""
    import pandas as pd

    protocol = episodes.protocol
    first = [fit_line(part, rows, protocol) for part, rows in split_first_returns(episodes, returns)]
    means = [fit_mean(part, rows, protocol) for part, rows in _split_histories(episodes, history)]
    rows = [
        *_rows("first_return", first, protocol.horizons_days.recurrence),
        *_rows("mean_returns", means, HORIZONS_DAYS),
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _rows(outcome: str, fitted: list[DayCurve], horizons: tuple[int, ...]) -> Iterator[tuple[object, ...]]:
    for curve in fitted:
        for day in horizons:
            values = results.read_day(curve, day, is_share=outcome == "first_return")
            yield outcome, curve.group, LABELS[curve.group], day, *values, curve.n, int(curve.events[day])


def split_first_returns(episodes: Episodes, returns: ReturnRows) -> Iterator[tuple[str, AtRisk]]:
    """Cut the rows of first returns on the day maintenance care was known."""
    from outcomes.cases.after_relief import first_maintenance_day

    rows = AtRisk.of(returns)
    since = on_clock(first_maintenance_day(episodes, returns.relief_row), returns.landmark_day)
    before, after = rows.start_days < since, rows.stop_days > since
    stop, event = np.minimum(rows.stop_days, since), rows.event & (rows.stop_days <= since)
    yield OUTSIDE, AtRisk(rows.episode, rows.patient, rows.start_days, stop, event, rows.weight).take(before)
    # A first visit before the landmark starts nothing: the clock of returns does. The day after it is day 0, at risk.
    origin = np.where(after, np.maximum(since + 1.0, 0.0), 0.0)
    start = np.maximum(rows.start_days, since) - origin
    yield (
        INSIDE,
        AtRisk(rows.episode, rows.patient, start, rows.stop_days - origin, rows.event, rows.weight).take(after),
    )


def _split_histories(episodes: Episodes, history: ReturnHistory) -> Iterator[tuple[str, Followed]]:
    """Cut the rows of whole histories on the day maintenance care was known."""
    from outcomes.cases.after_relief import first_maintenance_day

    rows = Followed.of(history)
    day = first_maintenance_day(episodes, history.relief_row)
    since = on_clock(day, history.landmark_day)[rows.patient]
    before, after = rows.start_days < since, rows.stop_days > since
    stop = np.minimum(rows.stop_days, since)
    event = np.where(rows.stop_days <= since, rows.event, 0)
    yield OUTSIDE, Followed(rows.patient, rows.start_days, stop, event).take(before)
    origin = np.where(after, np.maximum(since + 1.0, 0.0), 0.0)
    start = np.maximum(rows.start_days, since) - origin
    yield INSIDE, Followed(rows.patient, start, rows.stop_days - origin, rows.event).take(after)
