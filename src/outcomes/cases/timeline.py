"""Episodes to relief intervals, on the clock from the first visit (convention of intervals: `schema`).

R is the first measured visit that meets the rule, L the last measured visit
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
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from outcomes.cases.arguments import check_whole
from outcomes.cases.course import Course, Flags, Rows, baseline_row
from outcomes.cases.schema import END_REASONS, HUNDREDTHS, MISSING, first_known
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


def default_relief_rule(protocol: Protocol) -> str:
    """The relief rule that the protocol's way of confirming stands for."""
    return next(name for name, parts in _PARTS_OF_RULE.items() if parts == ("reduction", protocol.relief.confirm))


def build_relief_intervals(
    episodes: Episodes,
    rule: str | None = None,
    confirm: str | None = None,
    prevalent: bool = False,
    confirm_within_days: int | None = None,
) -> ReliefIntervals:
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
    prevalent : bool
        Whether episodes that began within the clinic's washout count too. Their first rating may not be the first of
        the episode, so time to relief leaves them out; returns, whose clock starts after relief, can use them.
    confirm_within_days : int, optional
        How many days later a rating can still contradict or confirm; the protocol's when not given.

    Raises
    ------
    InputRefused
        E659 days that are no whole number from 0.
    NotEstimable
        When `rule` or `confirm` is none of these.
    """
    rule, threshold, confirm = read_rule(episodes, rule, confirm)
    columns = episodes.columns
    eligible = np.flatnonzero(_is_definable(episodes) if prevalent else columns["is_eligible"])
    first = baseline_row(episodes.course, episodes.starts[eligible], episodes.protocol)
    window = _confirm_days(threshold, episodes)
    if confirm_within_days is not None:
        window = check_whole("confirm_within_days", confirm_within_days, 0)
    last, hit, confirmed = find_relief(
        episodes, eligible, first, columns["baseline"][eligible], (threshold, confirm), window
    )
    relieved, index_day = hit >= 0, columns["index_day"][eligible]
    reason = np.where(relieved, np.where(confirmed, CONFIRMED, UNCONFIRMED), columns["end_reason"][eligible] + 2)
    return ReliefIntervals(
        episode=columns["episode"][eligible],
        patient=columns["patient"][eligible],
        left_days=(episodes.course.day[last] - index_day).astype(np.float64),
        right_days=np.where(relieved, episodes.course.day[hit] - index_day, np.inf),
        reason=reason.astype(np.int8),
        relief_row=hit,
        rule=rule,
        ledger=episodes.ledger.with_step(count_eligible(episodes, prevalent)),
    )


def read_rule(episodes: Episodes, rule: str | None, confirm: str | None = None) -> tuple[str, str, str]:
    """Return the name of a relief rule, its threshold and its way of confirming; see `build_relief_intervals`."""
    rule = rule or default_relief_rule(episodes.protocol)
    if rule not in RELIEF_RULES:
        raise NotEstimable(f"There is no relief rule '{rule}'; choose one of {', '.join(RELIEF_RULES)}.")
    threshold, confirm = _PARTS_OF_RULE[rule][0], confirm or _PARTS_OF_RULE[rule][1]
    if confirm not in CONFIRMATIONS:
        raise NotEstimable(f"Relief cannot be confirmed by '{confirm}'; choose one of {', '.join(CONFIRMATIONS)}.")
    return rule, threshold, confirm


def find_relief(
    episodes: Episodes,
    episode: Rows,
    first: Rows,
    baseline: NDArray[np.int16],
    parts: tuple[str, str],
    window: int,
) -> tuple[Rows, Rows, Flags]:
    """Find the visit at which each episode is first relieved, and the rating before it.

    Parameters
    ----------
    episode : ndarray of int, shape (n,)
        Ascending rows of the episode table.
    first : ndarray of int, shape (n,)
        Row of the rating that each clock starts from; it is never relief itself.
    baseline : ndarray of int16, shape (n,)
        What later ratings are held against, in hundredths.
    parts : (str, str)
        One of `THRESHOLDS` and one of `CONFIRMATIONS`.
    window : int
        How many days later a rating can still contradict or confirm.

    Returns
    -------
    last, hit : ndarray of int, shape (n,)
        Rows of the last rating without relief and of the relief visit, -1 where relief was not seen.
    confirmed : ndarray of bool, shape (n,)
        Whether the rating after the relief visit met the rule too, within the window.
    """
    course, (threshold, confirm) = episodes.course, parts
    rows, segment, starts = find_measured_rows(episodes, course, episode, first)
    if not rows.size:
        return np.zeros(0, np.intp), np.zeros(0, np.intp), np.zeros(0, np.bool_)
    meets = meets_threshold(course.pain[rows], baseline[segment], threshold, episodes)
    meets[starts] = False  # the baseline itself is never relief, however low a protocol lets it be
    is_last = np.append(segment[1:] != segment[:-1], True)
    wait = np.diff(course.day[rows], append=course.day[rows][-1:])
    observed = ~is_last & (wait <= window)
    next_meets = np.append(meets[1:], False) & observed
    accepted = {
        "any": meets,
        "if_observable": meets & (next_meets | ~observed),
        "strict": meets & next_meets,
    }[confirm]
    sizes = np.diff(starts, append=len(rows))
    place = first_known(np.where(accepted, np.arange(len(rows)), MISSING), starts, sizes)
    relieved = place >= 0
    last = np.where(relieved, place - 1, starts + sizes - 1)
    return rows[last], np.where(relieved, rows[place], MISSING), relieved & next_meets[place]


def _is_definable(episodes: Episodes) -> Flags:
    """Whether the first rating leaves room for relief, whenever the episode began."""
    least: Flags = episodes.columns["baseline"] >= episodes.protocol.baseline.eligible_min_nrs * HUNDREDTHS
    return least


def count_eligible(episodes: Episodes, prevalent: bool = False) -> Step:
    """Account for the episodes for which relief is definable, and for those set aside."""
    columns = episodes.columns
    rated, definable = columns["baseline"] != MISSING, _is_definable(episodes)
    late = columns["is_inception"] | prevalent
    aside = {
        "started within the clinic's washout": int((~late).sum()),
        "no pain rating at the start": int((late & ~rated).sum()),
        "baseline pain too low for relief to be definable": int((late & rated & ~definable).sum()),
    }
    return Step("relief at risk", "episodes", episodes.n, int((late & definable).sum()), set_aside=aside)


def find_measured_rows(
    episodes: Episodes, course: Course, eligible: Rows, first: Rows | None = None
) -> tuple[Rows, Rows, Rows]:
    """Visits with a rating from `first` (or the baseline) on: rows, position of their episode, where it begins."""
    position = np.full(episodes.n + 1, MISSING, dtype=np.intp)
    position[eligible] = np.arange(len(eligible))
    base = np.full(episodes.n + 1, MISSING, dtype=np.intp)
    base[eligible] = baseline_row(course, episodes.starts[eligible], episodes.protocol) if first is None else first
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
