"""How far does the headline move? The share back by the primary day under other definitions of episode and return.

How visits are cut into episodes moves this figure more than chance does, so these lines always stand beside it. Where
episodes end by a gap only, a return is a new episode only: pain that is back within the gap belongs to the old one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from outcomes.questions import results
from outcomes.questions.episode_gaps import cut_by_gaps
from outcomes.questions.return_lines import AtRisk, fit_line

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.cases.episodes import Episodes
    from outcomes.cases.returns import ReturnRows

COLUMNS = ("definition", "kind", "gap_days", "estimate", "conf_low", "conf_high", "n", "events")
REPORTED, GAP, EVENT, WHO = "reported", "gap", "event", "who"
"""What differs from the reported definition: nothing, how episodes are cut, what is a return, who is followed."""
ONE_STREAM_NOTE = (
    "Not among the definitions compared: all regions as one stream. It needs the records read again, with "
    "episode.one_stream = true in the protocol."
)
Definition = tuple[str, str, int, AtRisk]


def compare_definitions(episodes: Episodes, returns: ReturnRows) -> pd.DataFrame:
    """Estimate the share back by the primary day under each definition (`COLUMNS`); NaN under the floor.

    Parameters
    ----------
    episodes : Episodes
    returns : ReturnRows
        As reported.
    """
    import pandas as pd

    protocol = episodes.protocol
    day = protocol.horizons_days.primary_recurrence
    rows = []
    for words, kind, gap, at_risk in _definitions(episodes, returns):
        curve = fit_line(words, at_risk, protocol)
        rows.append((words, kind, gap, *results.read_day(curve, day), curve.n, int(curve.events[day])))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _definitions(episodes: Episodes, returns: ReturnRows) -> Iterator[Definition]:
    from outcomes.cases.returns import build_return_rows

    gap_days = episodes.protocol.episode.gap_days
    reported = AtRisk.of(returns)
    yield "as reported", REPORTED, gap_days, reported
    for gap, again in cut_by_gaps(episodes):
        words = f"a new episode after {gap} days without a visit, and nothing else, is a return"
        yield words, GAP, gap, AtRisk.of(build_return_rows(again, "new_episode"))
    kinds = {
        "new_episode": "new episodes only; pain back at a later visit of care still going on is no return",
        "any_region": "new episodes in any region are returns",
        "any_visit": "any visit that is not maintenance is a return, from 30 days after the landmark on",
    }
    for kind, words in kinds.items():
        words = words.replace("30", str(episodes.protocol.recurrence.landmark_days))
        yield words, EVENT, gap_days, AtRisk.of(build_return_rows(episodes, kind))
    first = first_eligible(episodes)[returns.episode]
    yield "first eligible episode of each patient only", WHO, gap_days, reported.take(first)
    if not episodes.columns["is_inception"].all():
        words = "with patients already in care when the records begin, followed from the end of the washout on"
        yield words, WHO, gap_days, AtRisk.of(build_return_rows(episodes, prevalent=True))


def first_eligible(episodes: Episodes) -> results.Flags:
    """Whether each episode is the patient's first for which relief is definable, whatever its stream."""
    columns = episodes.columns
    rows = np.flatnonzero(columns["is_eligible"])
    rows = rows[np.lexsort((columns["episode"][rows], columns["index_day"][rows], columns["patient"][rows]))]
    patient = columns["patient"][rows]
    first = np.zeros(episodes.n, dtype=np.bool_)
    first[rows[np.diff(patient, prepend=-1) != 0]] = True
    return first
