"""Episodes to return rows, on the clock from the landmark (convention of intervals: `schema`).

The landmark lies 30 days after the relief visit (relief as the protocol confirms it, as far as was known at the
landmark). Before it, a rating above the relief threshold and at least 2 above the relief rating, or a new episode that
would be a return, is *relapse*, and the episode is not at risk. From the landmark on, the first of these is a *return*:
a *new episode* opens in the stream with pain of at least 3 (or without a rating, by rule A or C), or *pain is back* at
a later visit: a rating of at least 3 that is at least 2 above the relief rating. Everyone else is censored at the
clinic's data cut, never at the last visit. The landmark day itself is at risk: rows are ``(-1, stop]``.

Other kinds of return, for comparison: ``new_episode`` leaves out pain that is back during care still going on;
``any_region`` adds new episodes in another stream; ``any_visit`` takes instead any visit that is not maintenance, in
any stream, from as many days after the landmark as the landmark lies after relief.

A *prevalent* patient was in care when the clinic's records begin. The records are complete only once the washout is
over, so such an episode enters late: its row is ``(last day of the washout, stop]`` on the same clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from outcomes.cases.arguments import check_whole
from outcomes.cases.course import Flags, Rows
from outcomes.cases.schema import HUNDREDTHS, MISSING, OPENED_BY
from outcomes.cases.timeline import build_relief_intervals
from outcomes.errors import NotEstimable
from outcomes.ledger import Ledger, Step

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.cases.episodes import Episodes

Days = NDArray[np.int32]

RETURN_REASONS = ("data_cut", "new_episode", "pain_back", "other_region", "visit")
RETURN_KINDS = ("all", "new_episode", "any_region", "any_visit")
EARLY = "returned, or out of sight, before the records are complete (patient in care when they begin)"
DATA_CUT, NEW_EPISODE, PAIN_BACK, OTHER_REGION, VISIT = range(len(RETURN_REASONS))


@dataclass(frozen=True)
class ReturnRows:
    """At-risk rows ``(start_days, stop_days]`` from the landmark; arrays of shape (n,).

    Attributes
    ----------
    episode, patient : ndarray of int32
        The relieved episode and its patient.
    start_days, stop_days : ndarray of int32
        Days from the landmark; start is -1, for the landmark day itself is at risk, or later for prevalent patients.
    event : ndarray of int8
        1 a return, 0 the data cut.
    reason : ndarray of int8
        Index into `RETURN_REASONS`: what kind of return, or the data cut.
    landmark_day : ndarray of int32
        Day the clock starts, in the days of the visits.
    relief_row, return_row : ndarray of int
        Rows of the visits: the relief visit, and the visit that is the return (-1 for none).
    relapsed_episode : ndarray of int32
        Episodes with pain back before a landmark that lies within the records.
    early_episode, early_landmark_day, early_relief_row : ndarray of int, shape (e,)
        Prevalent episodes that returned, or went out of sight, before the records are complete; they have no row.
    n_relieved, n_relapsed, n_too_young : int
        Relieved episodes, and of them those that relapsed before the landmark or had not reached it at the data cut.
    n_after_cut : int
        Returns that another clinic saw after the data cut of the episode's own; they are no event.
    """

    episode: Days
    patient: Days
    start_days: Days
    stop_days: Days
    event: NDArray[np.int8]
    reason: NDArray[np.int8]
    landmark_day: Days
    relief_row: Rows
    return_row: Rows
    relapsed_episode: Days
    early_episode: Days
    early_landmark_day: Days
    early_relief_row: Rows
    n_relieved: int
    n_relapsed: int
    n_too_young: int
    n_after_cut: int
    ledger: Ledger

    @property
    def n_new_episode(self) -> int:
        """Returns that opened a new episode."""
        return int((self.reason == NEW_EPISODE).sum())

    @property
    def n_pain_back(self) -> int:
        """Returns that are a rating at a later visit of care still going on."""
        return int((self.reason == PAIN_BACK).sum())

    @cached_property
    def table(self) -> pd.DataFrame:
        """The rows as a pandas frame: episode_id, start_days, stop_days, event, reason."""
        import pandas as pd

        days = {"start_days": self.start_days, "stop_days": self.stop_days, "event": self.event}
        return pd.DataFrame({"episode_id": self.episode, **days, "reason": np.array(RETURN_REASONS)[self.reason]})


def build_return_rows(
    episodes: Episodes, kinds: str = "all", landmark_days: int | None = None, prevalent: bool = False
) -> ReturnRows:
    """Follow every relieved episode from its landmark to a return or the data cut (rules: this module's docstring).

    Parameters
    ----------
    episodes : Episodes
        As `build_episodes` returns them.
    kinds : str
        One of `RETURN_KINDS`; relapse is the same in all.
    landmark_days : int, optional
        Days from relief to the landmark; the protocol's when not given.
    prevalent : bool
        Whether patients already in care when the records begin are followed too, from the end of the washout on.

    Raises
    ------
    InputRefused
        E659 days that are no whole number from 0.
    NotEstimable
        When there is no such kind, or no visit's last observable day is known: day numbers without a declared end of
        observation.
    """
    wait = episodes.protocol.recurrence.landmark_days
    if landmark_days is not None:
        wait = check_whole("landmark_days", landmark_days, 0)
    if kinds not in RETURN_KINDS:
        raise NotEstimable(f"There is no kind of return '{kinds}'; choose one of {', '.join(RETURN_KINDS)}.")
    until_all = episodes.columns["observable_until_day"]
    if episodes.n and (until_all == MISSING).all():
        raise NotEstimable(
            "Return to the clinic needs the day up to which every patient would have been seen. This export has day "
            "numbers and no calendar; declare [dates] observed_until_day in the mapping if that day is known."
        )
    # A rating after the landmark must not decide who reached it.
    known = min(wait, episodes.protocol.relief.confirm_within_days)
    intervals = build_relief_intervals(episodes, prevalent=prevalent, confirm_within_days=known)
    relieved = np.flatnonzero(intervals.relief_row >= 0)
    episode, row = intervals.episode[relieved], intervals.relief_row[relieved]
    landmark = episodes.course.day[row] + wait
    back_row, how = _first_return(episodes, episode, row, landmark, kinds, wait)
    back = np.where(back_row >= 0, episodes.course.day[back_row], MISSING)
    until, entry = until_all[episode], entry_day(episodes, episode, landmark)
    relapsed = (back >= 0) & (back < landmark)
    too_young = ~relapsed & (until < landmark)
    event = (back >= landmark) & (back <= until)
    end = np.where(event, back, until)
    before_entry = ~relapsed & ~too_young & (end <= entry)
    used = ~relapsed & ~too_young & ~before_entry
    asides = {
        "pain back before the landmark (relapse)": relapsed,
        "landmark after the data cut": too_young,
        EARLY: before_entry,
    }
    aside = {reason: int(flags.sum()) for reason, flags in asides.items() if prevalent or flags is not before_entry}
    step = Step("return at risk", "episodes", len(relieved), int(used.sum()), set_aside=aside)
    n_never = len(intervals.episode) - len(relieved)
    seen = Step("relieved", "episodes", len(intervals.episode), len(relieved), set_aside={"not seen relieved": n_never})
    return ReturnRows(
        episode=episode[used],
        patient=episodes.columns["patient"][episode[used]],
        start_days=(entry - landmark)[used].astype(np.int32),
        stop_days=(end - landmark)[used].astype(np.int32),
        event=event[used].astype(np.int8),
        reason=np.where(event, how, DATA_CUT)[used].astype(np.int8),
        landmark_day=landmark[used].astype(np.int32),
        relief_row=row[used],
        return_row=np.where(event, back_row, MISSING)[used],
        relapsed_episode=episode[relapsed & (until >= landmark)],
        early_episode=episode[before_entry],
        early_landmark_day=landmark[before_entry].astype(np.int32),
        early_relief_row=row[before_entry],
        n_relieved=len(relieved),
        n_relapsed=int(relapsed.sum()),
        n_too_young=int(too_young.sum()),
        n_after_cut=int((used & (back > until)).sum()),
        ledger=intervals.ledger.with_step(seen, step),
    )


def entry_day(episodes: Episodes, episode: Days, landmark: Days) -> Days:
    """Day after which each episode is at risk: the day before its landmark, or the last day of the washout."""
    columns, visits = episodes.columns, episodes.visits
    prevalent = ~columns["is_inception"][episode]
    if not prevalent.any():
        return landmark - 1
    clinic = columns.get("clinic", np.full(episodes.n, MISSING, dtype=np.int32))[episode]
    complete = visits.clinic_first_day[clinic] + episodes.protocol.episode.washout_days
    return np.where(prevalent, np.maximum(complete, landmark), landmark) - 1


def find_new_episodes(episodes: Episodes) -> Flags:
    """Whether each visit opens an episode that counts as a return: with enough pain, or unrated by rule A or C."""
    pain = episodes.course.pain.astype(np.int32)
    opened = np.full(episodes.course.n, MISSING, dtype=np.int8)
    opened[episodes.starts] = episodes.columns["opened_by"]
    hurts = pain >= episodes.protocol.recurrence.min_nrs * HUNDREDTHS
    unrated = (pain < 0) & np.isin(opened, (OPENED_BY.index("A"), OPENED_BY.index("C")))
    found: Flags = ((opened > 0) & hurts) | unrated
    return found


def _first_return(
    episodes: Episodes, episode: Days, relief_row: Rows, landmark: Days, kinds: str, wait: int
) -> tuple[Rows, NDArray[np.int8]]:
    """Row of the first visit that is relapse or return, or -1, and the kind of return."""
    row, how = _first_in_stream(episodes, episode, relief_row, landmark, kinds)
    if kinds not in ("any_region", "any_visit"):
        return row, how
    course = episodes.course
    if kinds == "any_visit":
        wanted, since, kind = course.care, landmark + wait, VISIT
    else:
        wanted, since, kind = _opens_anywhere(episodes), landmark, OTHER_REGION
    other = _first_of_patient(episodes, np.flatnonzero(wanted), episodes.columns["patient"][episode], since)
    has_own, has_other = row >= 0, other >= 0
    sooner = has_other & (~has_own | (course.day[other] < course.day[row]))
    return np.where(sooner, other, row), np.where(sooner, np.int8(kind), how)


def _opens_anywhere(episodes: Episodes) -> Flags:
    """New episodes as in `find_new_episodes`, and the first episode of a further stream."""
    pain, first = episodes.course.pain, np.zeros(episodes.course.n, dtype=np.bool_)
    first[episodes.starts] = episodes.columns["opened_by"] == OPENED_BY.index("first")
    hurts = pain >= episodes.protocol.recurrence.min_nrs * HUNDREDTHS
    return find_new_episodes(episodes) | (first & hurts)


def _first_of_patient(episodes: Episodes, rows: Rows, patient: Days, since: Days) -> Rows:
    """For each patient and day, the first of the visits `rows` of that patient on or after that day; -1 for none."""
    day = episodes.course.day[rows].astype(np.int64)
    low = min(int(day.min(initial=0)), int(since.min(initial=0)))
    span = max(int(day.max(initial=0)), int(since.max(initial=0))) - low + 1
    keys = episodes.visits.columns["patient"][rows] * np.int64(span) + (day - low)
    order = np.argsort(keys, kind="stable")
    asked = patient * np.int64(span) + (since - low)
    place = np.searchsorted(keys[order], asked)
    found = np.append(rows[order], MISSING)[place]
    same = (found >= 0) & (episodes.visits.columns["patient"][found] == patient)
    return np.where(same, found, MISSING)


def _first_in_stream(
    episodes: Episodes, episode: Days, relief_row: Rows, landmark: Days, kinds: str
) -> tuple[Rows, NDArray[np.int8]]:
    """Row of the first relapse or return in the episode's own stream, or -1, and the kind of return.

    The loop is over visits after relief, for all episodes at once. Where any visit counts, relapse only is looked for.
    """
    protocol, course = episodes.protocol, episodes.course
    pain, new_episode = course.pain.astype(np.int32), find_new_episodes(episodes)
    level = protocol.recurrence.min_nrs * HUNDREDTHS
    threshold = episodes.columns["baseline"][episode].astype(np.int32) * (100 - protocol.relief.pct_reduction)
    rise = pain[relief_row] + protocol.recurrence.min_rise_nrs * HUNDREDTHS
    found = np.full(len(episode), MISSING, dtype=np.intp)
    how = np.zeros(len(episode), dtype=np.int8)
    open_rows, row = np.arange(len(episode)), relief_row + 1
    while (inside := row < course.stream_end[relief_row[open_rows]]).any():
        open_rows, row = open_rows[inside], row[inside]
        early, risen = course.day[row] < landmark[open_rows], pain[row] >= rise[open_rows]
        relapse = early & (risen & (pain[row] * 100 > threshold[open_rows]) | new_episode[row])
        opens = ~early & new_episode[row] & (kinds != "any_visit")
        pain_back = ~early & risen & (pain[row] >= level) & (kinds in ("all", "any_region"))
        back = relapse | opens | pain_back
        found[open_rows[back]] = row[back]
        how[open_rows[back]] = np.where(opens[back], NEW_EPISODE, PAIN_BACK)
        open_rows, row = open_rows[~back], row[~back] + 1
    return found, how
