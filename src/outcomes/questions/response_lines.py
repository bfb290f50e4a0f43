"""Who responded by day 28, who was measured at all, and what was known of each before the window opened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from outcomes.cases.schema import HUNDREDTHS, MISSING
from outcomes.cases.timeline import meets_threshold
from outcomes.ledger import Ledger, Step
from outcomes.questions.covariates import Block, choose_columns
from outcomes.questions.results import FloatArray, IntArray

if TYPE_CHECKING:
    from outcomes.cases.episodes import Episodes
    from outcomes.cases.pain_course import CourseRatings

WINDOW_DAYS = (21, 42)
"""First and last day of the outcome window, both in it."""
LEAST_CLINIC = 10
"""Clinics with fewer measured, or fewer missing, are one clinic together in the model of who was measured."""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """The outcome of each episode old enough to have one; arrays of shape (m,).

    Attributes
    ----------
    episode, patient : ndarray of int
        Row of the episode table; code of the patient.
    measured, responded : ndarray of bool
        Rated in the window; and the rating nearest the day meets the rule.
    day : ndarray of int
        Day of that rating; -1 where there is none.
    baseline, last, last_day : ndarray of float
        First rating, last rating before the window and its day: points, points, days.
    chronicity, clinic : ndarray of int
        Codes; -1 not recorded.
    ledger : Ledger
    """

    episode: IntArray
    patient: IntArray
    measured: NDArray[np.bool_]
    responded: NDArray[np.bool_]
    day: IntArray
    baseline: FloatArray
    last: FloatArray
    last_day: FloatArray
    chronicity: IntArray
    clinic: IntArray
    ledger: Ledger


def build_outcomes(episodes: Episodes, ratings: CourseRatings, day: int) -> Outcomes:
    """Read the rating nearest `day` within the window for every episode whose window was over at the data cut."""
    m, columns = ratings.eligible.size, episodes.columns
    index_day, until = (
        columns[name][ratings.eligible].astype(np.intp) for name in ("index_day", "observable_until_day")
    )
    old_enough = (until == MISSING) | (until - index_day >= WINDOW_DAYS[1])
    nearest = find_nearest(ratings.day, ratings.place, m, day)
    measured = nearest >= 0
    pain = np.rint(ratings.pain_nrs * HUNDREDTHS).astype(np.int16)
    baseline = columns["baseline"][ratings.eligible]
    responded = measured & meets_threshold(pain[np.maximum(nearest, 0)], baseline, "pct30_and_2", episodes)
    # The baseline comes before the window, so that every episode has a last rating before it.
    before = np.flatnonzero(ratings.day < WINDOW_DAYS[0])
    last = np.zeros(m, dtype=np.intp)
    last[ratings.place[before]] = before
    kept = np.flatnonzero(old_enough)
    blank = np.full(episodes.n, MISSING)
    step = Step(
        "outcome window",
        "episodes",
        m,
        kept.size,
        set_aside={f"day {WINDOW_DAYS[1]} lies after the clinic's data cut": m - kept.size},
    )
    return Outcomes(
        episode=ratings.eligible[kept],
        patient=columns["patient"][ratings.eligible[kept]].astype(np.intp),
        measured=measured[kept],
        responded=responded[kept],
        day=np.where(measured, ratings.day[np.maximum(nearest, 0)], MISSING)[kept],
        baseline=baseline[kept] / HUNDREDTHS,
        last=ratings.pain_nrs[last[kept]],
        last_day=ratings.day[last[kept]].astype(np.float64),
        chronicity=columns.get("chronicity", blank)[ratings.eligible[kept]].astype(np.intp),
        clinic=columns.get("clinic", blank)[ratings.eligible[kept]].astype(np.intp),
        ledger=ratings.ledger.with_step(step),
    )


def find_nearest(day: IntArray, place: IntArray, m: int, target: int) -> IntArray:
    """Row of the rating nearest `target` within the window, for each of m episodes; the earlier of two as near.

    Parameters
    ----------
    day, place : ndarray of int, shape (n,)
        Day and episode (0..m-1) of each rating, sorted by episode and day.

    Returns
    -------
    ndarray of int, shape (m,)
        -1 where no rating lies in the window.
    """
    inside = np.flatnonzero((day >= WINDOW_DAYS[0]) & (day <= WINDOW_DAYS[1]))
    distance = np.abs(day[inside] - target)
    # Farthest first and, of two as far, the later first: what is written last stays.
    order = np.lexsort((-day[inside], -distance))
    found = np.full(m, -1, dtype=np.intp)
    found[place[inside[order]]] = inside[order]
    return found


def model_columns(outcomes: Outcomes, part: IntArray) -> FloatArray:
    """Columns of the model of who was measured, for the episodes at `part`; the constant is the first.

    First rating, last rating before the window and its day, class of symptom duration and clinic; what is not recorded
    is a class of its own. A class with few measured, or few missing, joins the others of its kind. What says nothing
    beside the columns before it is left out: of patients who come once a month, the first rating is the last as well.
    """
    measured = outcomes.measured[part]
    columns = [outcomes.baseline[part], outcomes.last[part], outcomes.last_day[part]]
    for codes in (outcomes.chronicity[part], outcomes.clinic[part]):
        columns += _indicators(codes, measured)
    blocks = [Block(str(i), "", (str(i),), column[:, None]) for i, column in enumerate(columns)]
    taken, _ = choose_columns(blocks, len(blocks))
    return np.column_stack([np.ones(part.size), *(block.values for block in taken)])


def _indicators(codes: IntArray, measured: NDArray[np.bool_]) -> list[FloatArray]:
    """Indicators of each class but the first; classes too small to model are one class together."""
    place = np.unique(codes, return_inverse=True)[1]
    size = int(place.max()) + 1
    seen, missing = (np.bincount(place[flag], minlength=size) for flag in (measured, ~measured))
    label = np.where(np.minimum(seen, missing) >= LEAST_CLINIC, np.arange(size), -1)[place]
    return [(label == value).astype(np.float64) for value in np.unique(label)[1:]]
