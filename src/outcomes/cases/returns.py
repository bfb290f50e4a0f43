"""Episodes to return rows, on the clock from the landmark (convention of intervals: `schema`).

**Return** (clock from the landmark, 30 days after the relief visit; relief as the protocol confirms it). Before the
landmark, a rating above the relief threshold and at least 2 above the relief rating is *relapse*, and the episode is
not at risk. From the landmark on, the first of these is a *return*: a *new episode* opens in the stream with pain of
at least 3 (or without a rating, by rule A or C), or *pain is back* at a later visit: a rating of at least 3 that is
at least 2 above the relief rating. Everyone else is censored at the clinic's data cut, never at the last visit. The
landmark day itself is at risk: rows are ``(-1, stop]``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from outcomes.cases.course import Course, Rows
from outcomes.cases.schema import HUNDREDTHS, MISSING, OPENED_BY
from outcomes.cases.timeline import build_relief_intervals
from outcomes.errors import NotEstimable
from outcomes.ledger import Ledger, Step

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.cases.episodes import Episodes

RETURN_REASONS = ("data_cut", "new_episode", "pain_back")
RETURN_KINDS = ("all", "new_episode")


@dataclass(frozen=True)
class ReturnRows:
    """At-risk rows ``(start_days, stop_days]`` from the landmark; arrays of shape (n,).

    Attributes
    ----------
    episode, patient : ndarray of int32
        The relieved episode and its patient.
    start_days, stop_days : ndarray of int32
        Days from the landmark; start is -1, for the landmark day itself is at risk.
    event : ndarray of int8
        1 a return, 0 the data cut.
    reason : ndarray of int8
        Index into `RETURN_REASONS`: what kind of return, or the data cut.
    n_relieved, n_relapsed, n_too_young : int
        Relieved episodes, and of them those that relapsed before the landmark or had not reached it at the data cut.
    """

    episode: NDArray[np.int32]
    patient: NDArray[np.int32]
    start_days: NDArray[np.int32]
    stop_days: NDArray[np.int32]
    event: NDArray[np.int8]
    reason: NDArray[np.int8]
    n_relieved: int
    n_relapsed: int
    n_too_young: int
    ledger: Ledger

    @property
    def n_new_episode(self) -> int:
        """Returns that opened a new episode."""
        return int((self.reason == RETURN_REASONS.index("new_episode")).sum())

    @property
    def n_pain_back(self) -> int:
        """Returns that are a rating at a later visit of care still going on."""
        return int((self.reason == RETURN_REASONS.index("pain_back")).sum())

    @cached_property
    def table(self) -> pd.DataFrame:
        """The rows as a pandas frame: episode_id, start_days, stop_days, event, reason."""
        import pandas as pd

        days = {"start_days": self.start_days, "stop_days": self.stop_days, "event": self.event}
        return pd.DataFrame({"episode_id": self.episode, **days, "reason": np.array(RETURN_REASONS)[self.reason]})


def build_return_rows(episodes: Episodes, kinds: str = "all") -> ReturnRows:
    """Follow every relieved episode from its landmark to a return or the data cut (rules: this module's docstring).

    Parameters
    ----------
    episodes : Episodes
        As `build_episodes` returns them.
    kinds : str
        ``all`` returns, or ``new_episode`` only; relapse is the same in both.

    Raises
    ------
    NotEstimable
        When there is no such kind, or no visit's last observable day is known: day numbers without a declared end of
        observation.
    """
    if kinds not in RETURN_KINDS:
        raise NotEstimable(f"There is no kind of return '{kinds}'; choose one of {', '.join(RETURN_KINDS)}.")
    until_all = episodes.columns["observable_until_day"]
    if episodes.n and (until_all == MISSING).all():
        raise NotEstimable(
            "Return to the clinic needs the day up to which every patient would have been seen. This export has day "
            "numbers and no calendar; declare [dates] observed_until_day in the mapping if that day is known."
        )
    course = episodes.course
    intervals = build_relief_intervals(episodes)
    relieved = np.flatnonzero(intervals.relief_row >= 0)
    episode, row = intervals.episode[relieved], intervals.relief_row[relieved]
    landmark = course.day[row] + episodes.protocol.recurrence.landmark_days
    until = until_all[episode]
    came_back, how = _first_day_back(episodes, course, episode, row, landmark, kinds)
    relapsed = (came_back >= 0) & (came_back < landmark)
    too_young = ~relapsed & (until < landmark)
    at_risk = ~relapsed & ~too_young
    event = at_risk & (came_back >= 0) & (came_back <= until)
    stop = np.where(event, came_back, until) - landmark
    aside = {
        "pain back before the landmark (relapse)": int(relapsed.sum()),
        "landmark after the data cut": int(too_young.sum()),
    }
    step = Step("return at risk", "episodes", len(relieved), int(at_risk.sum()), set_aside=aside)
    n_never = len(intervals.episode) - len(relieved)
    seen = Step("relieved", "episodes", len(intervals.episode), len(relieved), set_aside={"not seen relieved": n_never})
    return ReturnRows(
        episode=episode[at_risk],
        patient=episodes.columns["patient"][episode[at_risk]],
        start_days=np.full(int(at_risk.sum()), -1, dtype=np.int32),
        stop_days=stop[at_risk].astype(np.int32),
        event=event[at_risk].astype(np.int8),
        reason=np.where(event, how, RETURN_REASONS.index("data_cut"))[at_risk].astype(np.int8),
        n_relieved=len(relieved),
        n_relapsed=int(relapsed.sum()),
        n_too_young=int(too_young.sum()),
        ledger=intervals.ledger.with_step(seen, step),
    )


def _first_day_back(
    episodes: Episodes,
    course: Course,
    episode: NDArray[np.int32],
    relief_row: Rows,
    landmark: NDArray[np.int32],
    kinds: str,
) -> tuple[NDArray[np.int32], NDArray[np.int8]]:
    """First day pain was back after relief, or -1, and the kind of return.

    The loop is over visits after relief, for all episodes at once.
    """
    protocol, pain = episodes.protocol, course.pain.astype(np.int32)
    opened = np.full(course.n, MISSING, dtype=np.int8)
    opened[episodes.starts] = episodes.columns["opened_by"]
    level = protocol.recurrence.min_nrs * HUNDREDTHS
    unrated = (pain < 0) & np.isin(opened, (OPENED_BY.index("A"), OPENED_BY.index("C")))
    new_episode = ((opened > 0) & (pain >= level)) | unrated
    threshold = episodes.columns["baseline"][episode].astype(np.int32) * (100 - protocol.relief.pct_reduction)
    rise = pain[relief_row] + protocol.recurrence.min_rise_nrs * HUNDREDTHS
    found = np.full(len(episode), MISSING, dtype=np.int32)
    how = np.zeros(len(episode), dtype=np.int8)
    open_rows, row = np.arange(len(episode)), relief_row + 1
    while (inside := row < course.stream_end[relief_row[open_rows]]).any():
        open_rows, row = open_rows[inside], row[inside]
        early, risen = course.day[row] < landmark[open_rows], pain[row] >= rise[open_rows]
        relapse = early & risen & (pain[row] * 100 > threshold[open_rows])
        opens = ~early & new_episode[row]
        pain_back = ~early & risen & (pain[row] >= level) & (kinds == "all")
        back = relapse | opens | pain_back
        found[open_rows[back]] = course.day[row[back]]
        how[open_rows[back]] = np.where(opens[back], *map(RETURN_REASONS.index, RETURN_REASONS[1:]))
        open_rows, row = open_rows[~back], row[~back] + 1
    return found, how
