"""Episodes to the rows a clock reads: relief intervals and return rows (convention: `schema`).

**Relief** (clock from the first visit). R is the first measured visit that meets the rule, L the last measured visit
before it: relief happened in ``(L, R]``. Where no visit meets it, ``(last measured day, inf]``. A visit without a
rating moves nothing. With a baseline of 6 and the default rule (at most half, not contradicted by the next rating
within 30 days):

==================  =====================  =========================================================
pain at days        interval               the deciding sentence
==================  =====================  =========================================================
0:6  7:5  14:3      (7, 14] unconfirmed    the last rating counts where nothing contradicts it
0:6  7:3  14:2      (0, 7] confirmed       day 14 does not contradict day 7
0:6  7:3  14:5 21:2 (14, 21] unconfirmed   day 14 contradicts day 7 within 30 days
0:6  7:3  40:4      (0, 7] unconfirmed     33 days later is too late to contradict
0:6  7:4            (7, inf]               never seen relieved: censored at the last measured visit
0:6                 (0, inf]               one visit: says nothing, but stays in the denominator
==================  =====================  =========================================================

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

from outcomes.cases.course import Course, Flags, Rows, baseline_row
from outcomes.cases.schema import END_REASONS, HUNDREDTHS, MISSING, OPENED_BY, first_known
from outcomes.errors import NotEstimable
from outcomes.ledger import Ledger, Step

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.cases.episodes import Episodes
    from outcomes.definitions import Protocol

CONFIRMATIONS = ("any", "if_observable", "strict")
THRESHOLDS = ("reduction", "pct30_and_2", "resolved", "zero")
_PARTS_OF_RULE = {
    "any": ("reduction", "any"),
    "confirmed": ("reduction", "if_observable"),
    "strict": ("reduction", "strict"),
    "resolved": ("resolved", "if_observable"),
    "pct30_and_2": ("pct30_and_2", "if_observable"),
    "zero": ("zero", "if_observable"),
}
RELIEF_RULES = tuple(_PARTS_OF_RULE)
RELIEF_REASONS = ("confirmed", "unconfirmed", *END_REASONS)
RETURN_REASONS = ("data_cut", "new_episode", "pain_back")
RETURN_KINDS = ("all", "new_episode")
CONFIRMED, UNCONFIRMED = 0, 1


@dataclass(frozen=True)
class ReliefIntervals:
    """Relief intervals ``(left_days, right_days]`` of the eligible episodes; arrays of shape (n,).

    Attributes
    ----------
    episode, patient : ndarray of int32
        Row of the episode table and code of the patient.
    left_days, right_days : ndarray of float64
        Days from the first visit; `right_days` is inf where relief was not seen.
    reason : ndarray of int8
        Index into `RELIEF_REASONS`: how relief was confirmed, or why the episode ended without it.
    relief_row : ndarray of int
        Row of the relief visit in the visits; -1 where relief was not seen.
    rule : str
        One of `RELIEF_RULES`.
    ledger : Ledger
        Episodes in, and those set aside because relief is not definable.
    """

    episode: NDArray[np.int32]
    patient: NDArray[np.int32]
    left_days: NDArray[np.float64]
    right_days: NDArray[np.float64]
    reason: NDArray[np.int8]
    relief_row: Rows
    rule: str
    ledger: Ledger

    @cached_property
    def table(self) -> pd.DataFrame:
        """The intervals as a pandas frame: episode_id, left_days, right_days, reason."""
        import pandas as pd

        words = np.array(RELIEF_REASONS)[self.reason]
        days = {"left_days": self.left_days, "right_days": self.right_days}
        return pd.DataFrame({"episode_id": self.episode, **days, "reason": words})


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


def default_relief_rule(protocol: Protocol) -> str:
    """The relief rule that the protocol's way of confirming stands for."""
    return next(name for name, parts in _PARTS_OF_RULE.items() if parts == ("reduction", protocol.relief.confirm))


def build_relief_intervals(episodes: Episodes, rule: str | None = None, confirm: str | None = None) -> ReliefIntervals:
    """Bound the day of relief of every eligible episode (worked table: this module's docstring).

    Parameters
    ----------
    episodes : Episodes
        As `build_episodes` returns them.
    rule : str, optional
        ``any`` first rating that meets the reduction; ``confirmed`` not contradicted by the next rating within the
        window; ``strict`` met by the next rating within the window too; ``resolved`` at most the resolved level;
        ``pct30_and_2`` 30 % and 2 points; ``zero`` no pain. The last three are confirmed where observable.
    confirm : str, optional
        One of `CONFIRMATIONS`, in place of the rule's own; ``rule="zero", confirm="strict"`` asks for two ratings of 0.

    Raises
    ------
    NotEstimable
        When `rule` or `confirm` is none of these.
    """
    rule = rule or default_relief_rule(episodes.protocol)
    if rule not in RELIEF_RULES:
        raise NotEstimable(f"There is no relief rule '{rule}'; choose one of {', '.join(RELIEF_RULES)}.")
    threshold, confirm = _PARTS_OF_RULE[rule][0], confirm or _PARTS_OF_RULE[rule][1]
    if confirm not in CONFIRMATIONS:
        raise NotEstimable(f"Relief cannot be confirmed by '{confirm}'; choose one of {', '.join(CONFIRMATIONS)}.")
    columns, course = episodes.columns, episodes.course
    eligible = np.flatnonzero(columns["is_eligible"])
    rows, segment, starts = find_measured_rows(episodes, course, eligible)
    meets = meets_threshold(course.pain[rows], columns["baseline"][eligible][segment], threshold, episodes)
    meets[starts] = False  # the baseline itself is never relief, however low a protocol lets it be
    last_of_segment = np.r_[segment[1:] != segment[:-1], np.ones(min(1, len(rows)), bool)]
    wait = np.diff(course.day[rows], append=course.day[rows][-1:])
    observed = ~last_of_segment & (wait <= _confirm_days(threshold, episodes))
    next_meets = np.r_[meets[1:], np.zeros(min(1, len(rows)), bool)] & observed
    accepted = {
        "any": meets,
        "if_observable": meets & (next_meets | ~observed),
        "strict": meets & next_meets,
    }[confirm]
    sizes = np.diff(starts, append=len(rows))
    hit = first_known(np.where(accepted, np.arange(len(rows)), MISSING), starts, sizes)
    relieved = hit >= 0
    index_day = columns["index_day"][eligible]
    last = np.where(relieved, hit - 1, starts + sizes - 1)
    right = np.where(relieved, course.day[rows][hit] - index_day, np.inf) if len(rows) else np.zeros(0)
    reason = np.where(
        relieved,
        np.where(next_meets[hit] if len(rows) else False, CONFIRMED, UNCONFIRMED),
        columns["end_reason"][eligible] + 2,
    )
    return ReliefIntervals(
        episode=columns["episode"][eligible],
        patient=columns["patient"][eligible],
        left_days=(course.day[rows][last] - index_day).astype(np.float64),
        right_days=right.astype(np.float64),
        reason=reason.astype(np.int8),
        relief_row=np.where(relieved, rows[hit], MISSING) if len(rows) else np.zeros(0, np.intp),
        rule=rule,
        ledger=episodes.ledger.with_step(count_eligible(episodes)),
    )


def count_eligible(episodes: Episodes) -> Step:
    """Account for the episodes for which relief is definable, and for those set aside."""
    columns = episodes.columns
    late, rated = columns["is_inception"], columns["baseline"] != MISSING
    aside = {
        "started within the clinic's washout": int((~late).sum()),
        "no pain rating at the start": int((late & ~rated).sum()),
        "baseline pain too low for relief to be definable": int((late & rated & ~columns["is_eligible"]).sum()),
    }
    return Step("relief at risk", "episodes", episodes.n, int(columns["is_eligible"].sum()), set_aside=aside)


def find_measured_rows(episodes: Episodes, course: Course, eligible: Rows) -> tuple[Rows, Rows, Rows]:
    """Visits with a rating from the baseline on: their rows, the position of their episode, and where each begins."""
    position = np.full(episodes.n + 1, MISSING, dtype=np.intp)
    position[eligible] = np.arange(len(eligible))
    base = np.full(episodes.n + 1, MISSING, dtype=np.intp)
    base[:-1] = baseline_row(course, episodes.starts, episodes.protocol)
    of_visit = episodes.visits.columns["episode"]
    wanted = (course.pain >= 0) & (position[of_visit] >= 0) & (np.arange(course.n) >= base[of_visit])
    rows = np.flatnonzero(wanted)
    segment = position[of_visit[rows]]
    starts = np.flatnonzero(np.r_[np.ones(min(1, len(rows)), bool), segment[1:] != segment[:-1]])
    return rows, segment, starts


def _confirm_days(threshold: str, episodes: Episodes) -> int:
    protocol = episodes.protocol
    return protocol.resolution.confirm_within_days if threshold == "resolved" else protocol.relief.confirm_within_days


def meets_threshold(pain: NDArray[np.int16], baseline: NDArray[np.int16], threshold: str, episodes: Episodes) -> Flags:
    """Whether pain meets one of `THRESHOLDS`, given the baseline; both in hundredths, decided on integers."""
    protocol = episodes.protocol
    now, first = pain.astype(np.int32), baseline.astype(np.int32)
    met: Flags
    if threshold == "zero":
        met = now == 0
    elif threshold == "resolved":
        met = now <= protocol.resolution.max_nrs * HUNDREDTHS
    elif threshold == "pct30_and_2":
        met = (now * 100 <= first * 70) & (first - now >= 2 * HUNDREDTHS)
    else:
        met = now * 100 <= first * (100 - protocol.relief.pct_reduction)
    return met


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
