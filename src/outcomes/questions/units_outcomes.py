"""What units are compared by: one number an episode, whose mean is the share with the outcome.

===========  =====================================================  =======================================
outcome      share of                                               the number of an episode
===========  =====================================================  =======================================
relieved     eligible episodes relieved by the primary day          its smoothed interval pseudo-observation
resolved     the same at the resolved level, by day 42              its smoothed interval pseudo-observation
silent_stop  eligible episodes that stopped, not relieved, in 90 d  1 or 0
returned     episodes relieved that came back within 182 days       its pseudo-observation of Kaplan-Meier
===========  =====================================================  =======================================

Relief is seen at visits only, and follow-up ends. A pseudo-observation (Andersen, Klein and Rosthoj 2003,
doi:10.1093/biomet/90.1.15) stands for what was not seen: it means something summed over many episodes and nothing for
one. Of the first three outcomes only episodes old enough by the data cut of their own clinic count: otherwise a unit
that has grown would hold more of those who healed fast. Return is counted from relief, of all episodes relieved, and
those watched for less than 182 days are censored; among the episodes of a unit that has grown, those who were relieved
fast are still too many.

**Smoothed.** The interval pseudo-observation of a single day hangs on what the curve does about that day: where most
look in on day 28 and few before, one patient who did had the value 31, and decided a clinic's result. Its mean over the
days from 7 before to 7 after (`WINDOW_DAYS`) asks nearly the same, and no patient decides it: in a made-up practice of
3,400 episodes values ran from -8.8 to 30.8 before and from -1.9 to 2.8 after, and an episode said as much as 1 in 4.9
before and 1 in 1.75 after (with 3 days to either side 1 in 2.1). 7 days reach no further than all episodes were old
enough for (`LAG_DAYS`). The values are then moved, all by one number, so that their mean is the curve of these episodes
on the day itself: the days about it lie a little lower on one side than higher on the other, by as much at every unit.
They are moved and not multiplied, because that leaves every difference between observed and expected as it was.

All units together have the share of a curve on that day: where it is not stated so late (`curve_stop`), nothing is
compared.

Where the ten values furthest from the mean still hold more than a quarter of all squares (`MOST_HELD`) the comparison
is refused: ten patients would decide it. That was so of the made-up practices with fewer than 250 episodes or so, and
of resolved with fewer than 450.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from outcomes.cases.schema import END_REASONS, MISSING
from outcomes.errors import Finding, InputRefused, NotEstimable
from outcomes.estimators.curves.pseudo import pseudo_observations
from outcomes.estimators.interval_pseudo import interval_pseudo
from outcomes.estimators.npmle import cdf_at, npmle
from outcomes.questions.relief_rows import build_rows
from outcomes.questions.results import Flags, FloatArray, IntArray, is_curve_stated

if TYPE_CHECKING:
    from outcomes.cases.episodes import Episodes
    from outcomes.definitions import Protocol

NOT_COMPARED = "Clinics and clinicians cannot be compared"
OUTCOMES = ("relieved", "resolved", "silent_stop", "returned")
SMOOTHED = ("relieved", "resolved")
"""Outcomes that are known to lie between two visits only."""
LAG_DAYS = 14
RETURN_DAYS = 182
WINDOW_DAYS = 7
"""Days to either side of the day asked for whose pseudo-observations are averaged."""
FURTHEST = 10
MOST_HELD = 0.25
"""Share of the sum of squares that the `FURTHEST` values may hold."""

_WHAT_ONE = {
    "relieved": "was seen relieved by day {day}",
    "resolved": "was seen at the resolved level by day {day}",
    "returned": "was seen to come back within {day} days of relief",
    "silent_stop": "was seen to stop, not relieved, by day {day}",
}
_WHAT_MANY = {
    "relieved": "were relieved by day {day}",
    "resolved": "were at the resolved level by day {day}",
    "returned": "came back within {day} days of relief",
}


@dataclass(frozen=True, slots=True)
class UnitRows:
    """Episodes that count for an outcome; arrays of shape (n,).

    Attributes
    ----------
    outcome, label : str
        The label completes "share of episodes ...".
    day : int
        By which the outcome is asked for.
    is_yes_no : bool
        Whether the outcome was seen of every episode; otherwise `values` are pseudo-observations.
    episode, patient : ndarray of int
    left_days, right_days : ndarray of float
        When the outcome happened, ``(left, right]``; right is inf where it was not seen.
    event : ndarray of bool
        Whether it was seen by the day.
    """

    outcome: str
    label: str
    day: int
    is_yes_no: bool
    episode: IntArray
    patient: IntArray
    left_days: FloatArray
    right_days: FloatArray
    event: Flags

    @property
    def n(self) -> int:
        """Number of episodes."""
        return int(self.episode.size)

    def take(self, part: IntArray | Flags) -> UnitRows:
        """Return some of the episodes."""
        kept = (getattr(self, name)[part] for name in ("episode", "patient", "left_days", "right_days", "event"))
        return UnitRows(self.outcome, self.label, self.day, self.is_yes_no, *kept)

    def values(self) -> FloatArray:
        """Return one number an episode, shape (n,), whose mean is the share with the outcome.

        Raises
        ------
        NotEstimable
            The outcome was never seen, nobody was followed to the last of the days, or a few episodes would decide
            what the values say.
        """
        if self.is_yes_no:
            return self.event.astype(np.float64)
        seen = np.isfinite(self.right_days)
        if not seen.any():
            raise NotEstimable(self.say_none())
        try:
            if self.outcome == "returned":
                time = np.where(seen, self.right_days, self.left_days)
                return 1.0 - pseudo_observations(time, seen, [float(self.day)])[:, 0]
            values = smooth_pseudo(self.left_days, self.right_days, self.day)
        except NotEstimable as refusal:
            raise NotEstimable(
                f"{NOT_COMPARED}: none of these episodes was followed long enough to tell how many "
                f"{_WHAT_MANY[self.outcome].format(day=self.day)}. It takes a later data cut, or an earlier first "
                "quarter."
            ) from refusal
        check_held(values, self.outcome)
        return values

    def check_stated(self, protocol: Protocol) -> None:
        """Refuse a share that the curve of these episodes does not state: the mean of `values` is read from it.

        Where the outcome was seen of nobody there is no curve to ask, and `values` says so.
        """
        seen = np.isfinite(self.right_days)
        time = np.where(seen, self.right_days, self.left_days)
        if self.is_yes_no or not seen.any() or is_curve_stated(time, seen, self.day, protocol):
            return
        raise NotEstimable(
            f"{NOT_COMPARED}: too few of these episodes are still observed on day {self.day} to tell how many "
            f"{_WHAT_MANY[self.outcome].format(day=self.day)}. Silent stops can be compared."
        )

    def say_none(self) -> str:
        """Why nothing is compared where the outcome was seen of nobody."""
        return f"{NOT_COMPARED}: none of these episodes {_WHAT_ONE[self.outcome].format(day=self.day)}."

    def say_all(self) -> str:
        """Why nothing is compared where the outcome was seen of everybody, or of all who were looked at so long."""
        so_long = "" if self.event.all() else " that was looked at so long"
        return f"{NOT_COMPARED}: every one of these episodes{so_long} {_WHAT_ONE[self.outcome].format(day=self.day)}."


def smooth_pseudo(left_days: FloatArray, right_days: FloatArray, day: int, window: int = WINDOW_DAYS) -> FloatArray:
    """Return interval pseudo-observations averaged over the days about a day; their mean is the curve on it.

    Parameters
    ----------
    left_days, right_days : ndarray, shape (n,)
        As in `estimators.interval_pseudo`.
    day : int
        The day asked for, 1 or later.
    window : int
        Days to either side; fewer where the day is not that late.

    Returns
    -------
    ndarray, shape (n,)

    Raises
    ------
    NotEstimable
        As `estimators.interval_pseudo`, of the latest day.
    """
    reach = min(window, day)
    days = np.arange(day - reach, day + reach + 1, dtype=np.float64)
    values = interval_pseudo(left_days, right_days, days).mean(axis=1)
    share = float(cdf_at(npmle(left_days, right_days), float(day))[0][0])
    return np.asarray(values + (share - np.sort(values).mean()), dtype=np.float64)


def check_held(values: FloatArray, outcome: str) -> None:
    """Refuse values of which `FURTHEST` hold more than `MOST_HELD` of the sum of squares about the mean."""
    squares = np.sort((values - np.sort(values).mean()) ** 2)
    if squares[-FURTHEST:].sum() > MOST_HELD * squares.sum():
        raise NotEstimable(
            f"{NOT_COMPARED} by '{outcome}': what is seen would hang on {FURTHEST} episodes "
            f"(more than {MOST_HELD:.0%} of all differences are theirs). It takes more episodes: an earlier first "
            "quarter, or a longer export. Silent stops can be compared with fewer."
        )


def check_outcome(outcome: str) -> None:
    """Refuse what is no outcome that units are compared by (E860)."""
    if outcome not in OUTCOMES:
        finding = Finding("E860", "is no outcome that units are compared by.", "outcome", f"Choose: {_list()}.")
        raise InputRefused("Units cannot be compared.", [finding])


def build_unit_rows(episodes: Episodes, outcome: str) -> UnitRows:
    """Return the episodes that count for an outcome.

    Raises
    ------
    InputRefused
        E860 no such outcome.
    NotEstimable
        No episode is old enough.
    """
    check_outcome(outcome)
    days = episodes.protocol.horizons_days
    if outcome == "silent_stop":
        rows = _silent(episodes, max(days.relief))
    elif outcome == "returned":
        rows = _returned(episodes)
    elif outcome == "resolved":
        rows = _relieved(episodes, outcome, "at the resolved level", "resolved", days.rmst)
    else:
        rows = _relieved(episodes, outcome, "relieved", None, days.primary)
    if not rows.n:
        raise NotEstimable(
            f"{NOT_COMPARED}: no episode is old enough, or none is eligible, for '{outcome}' by day "
            f"{rows.day}. Needed are a pain score before treatment in the first days and a later data cut."
        )
    return rows


def _list() -> str:
    return ", ".join(OUTCOMES)


def _age_days(episodes: Episodes, episode: IntArray) -> IntArray:
    """Days from the start of each episode to its clinic's data cut; very many where the cut is not known."""
    until = episodes.columns["observable_until_day"][episode].astype(np.intp)
    return np.where(until == MISSING, 10**6, until - episodes.columns["index_day"][episode].astype(np.intp))


def _relieved(episodes: Episodes, outcome: str, words: str, rule: str | None, day: int) -> UnitRows:
    rows = build_rows(episodes, rule)
    kept = np.flatnonzero(_age_days(episodes, rows.episode) >= day + LAG_DAYS)
    left, right = rows.left_days[kept], rows.right_days[kept]
    label = f"{words} by day {day} (estimated)"
    return UnitRows(outcome, label, day, False, rows.episode[kept], rows.patient[kept], left, right, right <= day)


def _silent(episodes: Episodes, day: int) -> UnitRows:
    columns = episodes.columns
    eligible = np.flatnonzero(columns["is_eligible"]).astype(np.intp)
    # Where the end of the data is not known, nobody is seen to stop.
    known = columns["observable_until_day"][eligible] != MISSING
    kept = eligible[known & (_age_days(episodes, eligible) >= day + episodes.protocol.dropout.no_visit_days)]
    lasted = (columns["last_day"][kept] - columns["index_day"][kept]).astype(np.float64)
    stopped = (columns["end_reason"][kept] == END_REASONS.index("silent_stop")) & (lasted <= day)
    right = np.where(stopped, lasted, np.inf)
    label = f"that stopped, not relieved, by day {day}"
    patient = columns["patient"][kept].astype(np.intp)
    return UnitRows("silent_stop", label, day, True, kept, patient, lasted, right, stopped)


def _returned(episodes: Episodes) -> UnitRows:
    from outcomes.cases.returns import build_return_rows

    found = build_return_rows(episodes)
    # Rows that enter late have no pseudo-observation; they began before the records did. Young ones are censored.
    kept = np.flatnonzero(found.start_days < 0)
    time = found.stop_days[kept].astype(np.float64)
    event = found.event[kept] == 1
    episode, patient = (column[kept].astype(np.intp) for column in (found.episode, found.patient))
    right = np.where(event, time, np.inf)
    label = f"that came back within {RETURN_DAYS} days of relief (estimated)"
    return UnitRows("returned", label, RETURN_DAYS, False, episode, patient, time, right, right <= RETURN_DAYS)
