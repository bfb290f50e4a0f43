"""Episodes to the ratings a pain course is drawn from: one row a measured visit, with its day since the first visit.

Of every eligible episode the ratings from the baseline on, those of maintenance visits included, in the order of the
days. A visit without a rating gives no row. Nobody is left out for coming once: such an episode has its baseline only.

For each episode two days are kept beside the ratings. ``last_rated_days`` is the day of its last rating, whatever comes
later. ``open_days`` is the last day on which one more visit would have belonged to it and been seen: the day before the
patient's next episode of the stream, or the clinic's data cut. Between the two the patient could have come and did not,
which is what a model of the visits has to explain.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from outcomes.cases.schema import HUNDREDTHS, MISSING
from outcomes.cases.timeline import count_eligible, find_measured_rows
from outcomes.ledger import Ledger, Step

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.cases.episodes import Episodes


@dataclass(frozen=True)
class CourseRatings:
    """Ratings of the eligible episodes; n ratings of m episodes.

    Attributes
    ----------
    episode : ndarray of int, shape (n,)
        Row of the episode table.
    patient : ndarray of int, shape (n,)
        Code of the patient.
    place : ndarray of int, shape (n,)
        Position of the episode in `eligible`; ascending.
    day : ndarray of int, shape (n,)
        Days since the episode's first visit; ascending within an episode.
    pain_nrs : ndarray of float, shape (n,)
        Points, 0-10.
    eligible : ndarray of int, shape (m,)
        Rows of the eligible episodes.
    last_rated_days, open_days : ndarray of int, shape (m,)
        Day of the last rating; last day on which a visit would have belonged to the episode and been seen (-1 where
        the end of observation is not known).
    ledger : Ledger
        Episodes in, those set aside, and visits with and without a rating.
    """

    episode: NDArray[np.intp]
    patient: NDArray[np.intp]
    place: NDArray[np.intp]
    day: NDArray[np.intp]
    pain_nrs: NDArray[np.float64]
    eligible: NDArray[np.intp]
    last_rated_days: NDArray[np.intp]
    open_days: NDArray[np.intp]
    ledger: Ledger

    @cached_property
    def table(self) -> pd.DataFrame:
        """The ratings as a pandas frame: episode_id, patient, day, pain_nrs."""
        import pandas as pd

        columns = {"patient": self.patient, "day": self.day, "pain_nrs": self.pain_nrs}
        return pd.DataFrame({"episode_id": self.episode, **columns})


def build_pain_course(episodes: Episodes) -> CourseRatings:
    """List the ratings of every eligible episode by day (rules: this module's docstring).

    Parameters
    ----------
    episodes : Episodes
        As `build_episodes` returns them.
    """
    columns, course = episodes.columns, episodes.course
    eligible = np.flatnonzero(columns["is_eligible"])
    rows, place, starts = find_measured_rows(episodes, course, eligible)
    index_day = columns["index_day"][eligible].astype(np.intp)
    day = course.day[rows].astype(np.intp) - index_day[place]
    # An eligible episode has a baseline, so every position has at least one rating.
    ends = np.append(starts, len(rows))[1:] - 1 if len(rows) else np.zeros(0, dtype=np.intp)
    of_eligible = np.isin(episodes.visits.columns["episode"], eligible)
    n_visits = int(of_eligible.sum())
    unrated = int((of_eligible & (course.pain < 0)).sum())
    aside = {"no pain rating": unrated, "before the first rating": n_visits - unrated - len(rows)}
    step = Step("ratings", "visits", n_visits, len(rows), set_aside=aside)
    return CourseRatings(
        episode=eligible[place],
        patient=columns["patient"][eligible][place].astype(np.intp),
        place=place.astype(np.intp),
        day=day,
        pain_nrs=course.pain[rows] / HUNDREDTHS,
        eligible=eligible,
        last_rated_days=day[ends],
        open_days=_open_days(episodes, eligible, index_day),
        ledger=episodes.ledger.with_step(count_eligible(episodes), step),
    )


def _open_days(episodes: Episodes, eligible: NDArray[np.intp], index_day: NDArray[np.intp]) -> NDArray[np.intp]:
    """Last day since the first visit on which a visit would have belonged to the episode; -1 where not known."""
    columns = episodes.columns
    until = columns["observable_until_day"].astype(np.intp)
    same = np.zeros(episodes.n, dtype=np.bool_)
    same[:-1] = (columns["patient"][1:] == columns["patient"][:-1]) & (columns["stream"][1:] == columns["stream"][:-1])
    following = np.append(columns["index_day"][1:], MISSING).astype(np.intp)
    ends = np.where(same & (following <= until), following - 1, until)[eligible]
    return np.where(until[eligible] == MISSING, MISSING, np.maximum(ends - index_day, 0))
