"""Visits as steps: after each one, whether another came in the same episode, how soon, and how long it could have.

One row a visit that is not maintenance, of inception episodes. A further visit can come up to the day before the gap
that opens a new episode (`horizon_days`, 89 by default). Five episodes at their second visit, at a clinic whose data
are complete to day 100:

=======  ============  ====================  =====  ========  ==============================================
episode  second visit  third visit           came   in days   watched
=======  ============  ====================  =====  ========  ==============================================
a        day 5         day 12                yes    7         95 days
b        day 5         none                  no               95 days: did not come
c        day 90        none                  no               10 days: may still come
d        day 90        day 97                yes    7         10 days
e        day 5         day 25                yes    20        95 days
=======  ============  ====================  =====  ========  ==============================================

Counting ``came`` as it stands takes c for one who left: 3 of 5. Leaving c out because it is still open takes the quick
for all, since d stays in only for having come within ten days: 3 of 4. So the gap to the next visit is what is
censored, at the days watched (Kaplan-Meier): 2 of 5 come by day 7, 1 of the 2 then still watched by day 20,
``1 - 3/5 * 1/2``, 0.7. The censoring is the data cut, which knows nothing of the patient.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from outcomes.cases.schema import MISSING
from outcomes.estimators.curves import kaplan_meier, survival_at
from outcomes.questions.results import Flags, FloatArray, IntArray

if TYPE_CHECKING:
    from outcomes.cases.episodes import Episodes

NAN = float("nan")


@dataclass(frozen=True, slots=True)
class Steps:
    """Visits of inception episodes; arrays of shape (n,).

    Attributes
    ----------
    episode, patient : ndarray of int
    visit : ndarray of int
        Number of the visit in its episode, from 1.
    day : ndarray of int
        Days from the first visit of the episode.
    came : ndarray of bool
        Whether a further visit of the episode is on record.
    gap_days : ndarray of int
        To the next visit where one came; -1 elsewhere.
    watched_days : ndarray of int
        From the visit to the clinic's data cut, 0 where that is not known.
    """

    episode: IntArray
    patient: IntArray
    visit: IntArray
    day: IntArray
    came: Flags
    gap_days: IntArray
    watched_days: IntArray

    def at(self, visit: int, of: Flags | None = None) -> Steps:
        """Return the rows of one visit number, of the episodes flagged in `of` (episodes of the table) where given."""
        part = self.visit == visit if of is None else (self.visit == visit) & of[self.episode]
        names = ("episode", "patient", "visit", "day", "came", "gap_days", "watched_days")
        return Steps(*(getattr(self, name)[part] for name in names))


@dataclass(frozen=True, slots=True)
class StepShare:
    """The share that came for a further visit within some days, its limits, and the counts it rests on."""

    estimate: float
    low: float
    high: float
    n: int
    events: int
    told: int


def build_steps(episodes: Episodes) -> Steps:
    """Lay out the visits of inception episodes."""
    columns, course = episodes.columns, episodes.course
    of = episodes.visits.columns["episode"]
    rows = np.flatnonzero((of >= 0) & course.care & columns["is_inception"][of]).astype(np.intp)
    episode = of[rows].astype(np.intp)
    day = course.day[rows].astype(np.intp)
    is_first = np.append(True, episode[1:] != episode[:-1])[: rows.size]
    start = np.maximum.accumulate(np.where(is_first, np.arange(rows.size), 0))
    came = np.append(~is_first[1:], False)[: rows.size]
    gap = np.where(came, np.append(day[1:], 0)[: rows.size] - day, MISSING)
    until = columns["observable_until_day"][episode].astype(np.intp)
    watched = np.where(until == MISSING, 0, np.maximum(until - day, 0))
    return Steps(
        episode=episode,
        patient=columns["patient"][episode].astype(np.intp),
        visit=np.arange(rows.size) - start + 1,
        day=day - columns["index_day"][episode].astype(np.intp),
        came=came,
        gap_days=gap,
        # A visit can lie after a data cut that was declared too early; it was seen all the same.
        watched_days=np.maximum(watched, gap),
    )


def horizon_days(episodes: Episodes) -> int:
    """The last day after a visit on which a further one belongs to the same episode."""
    return episodes.protocol.episode.gap_days - 1


def estimate_step(steps: Steps, within_days: int, level: float, least: int, least_told: int) -> StepShare:
    """Estimate the share with a further visit within some days of a visit, patients as clusters.

    Parameters
    ----------
    steps : Steps
        Of one visit number.
    within_days : int
    level : float
    least, least_told : int
        Episodes at this visit, and those of them watched that long, under which no share is given.
    """
    soon = steps.came & (steps.gap_days <= within_days)
    told = int((steps.watched_days >= within_days).sum())
    n, events = int(soon.size), int(soon.sum())
    if n < least or told < least_told or np.unique(steps.patient).size < 2:
        return StepShare(NAN, NAN, NAN, n, events, told)
    share, low, high = _read(steps, soon, within_days, level)
    return StepShare(share, low, high, n, events, told)


def _read(steps: Steps, soon: Flags, within_days: int, level: float) -> tuple[float, float, float]:
    time: FloatArray = np.where(soon, steps.gap_days, np.minimum(steps.watched_days, within_days)).astype(np.float64)
    if not soon.any():
        return 0.0, NAN, NAN
    survival, low, high, _ = survival_at(kaplan_meier(time, soon, level=level, cluster=steps.patient), [within_days])
    if survival[0] <= 0.0:
        return 1.0, NAN, NAN
    return float(1.0 - survival[0]), float(1.0 - high[0]), float(1.0 - low[0])
