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
    eligible = np.flatnonzero(_is_definable(episodes) if prevalent else columns["is_eligible"])
    rows, segment, starts = find_measured_rows(episodes, course, eligible)
    meets = meets_threshold(course.pain[rows], columns["baseline"][eligible][segment], threshold, episodes)
    meets[starts] = False  # the baseline itself is never relief, however low a protocol lets it be
    last_of_segment = np.r_[segment[1:] != segment[:-1], np.ones(min(1, len(rows)), bool)]
    wait = np.diff(course.day[rows], append=course.day[rows][-1:])
    window = _confirm_days(threshold, episodes) if confirm_within_days is None else confirm_within_days
    observed = ~last_of_segment & (wait <= window)
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
        ledger=episodes.ledger.with_step(count_eligible(episodes, prevalent)),
    )


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
