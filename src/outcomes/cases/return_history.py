"""Patients to the rows of all their returns: how often, not only whether (convention of intervals: `schema`).

The clock of a patient starts once, at the landmark of the first relieved episode (`cases.returns`), and runs to the
clinic's data cut. Every return after it in the same region stream is an event, the days in care included: a new episode
that opens with enough pain (or unrated, by rule A or C), and pain back at a later visit of care still going on, once an
episode. Two of these on one day are one return. The first event of a patient is therefore the first return of that
episode.

Rows are ``(start, stop]`` from one event to the next, so that a patient is at risk throughout and counts once:

==============================================  =======================================
returns on days 40 and 200, data cut day 500    ``(-1, 40] 1``, ``(40, 200] 1``, ``(200, 500] 0``
no return                                       ``(-1, 500] 0``
in care when the records begin, complete from   ``(60, 200] 1``, ``(200, 500] 0``
day 61 on this clock                            (the return on day 40 was before)
==============================================  =======================================
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from outcomes.cases.course import Rows
from outcomes.cases.returns import EARLY, PAIN_BACK, Days, ReturnRows, build_return_rows, entry_day, find_new_episodes
from outcomes.ledger import Ledger, Step

if TYPE_CHECKING:
    from outcomes.cases.episodes import Episodes


@dataclass(frozen=True)
class ReturnHistory:
    """All returns of m patients: rows ``(start_days, stop_days]`` from the first landmark, n rows in all.

    Attributes
    ----------
    patient : ndarray of int, shape (n,)
        0..m-1: whose row; the rows of a patient stand together, in the order of time.
    start_days, stop_days : ndarray of int32, shape (n,)
    event : ndarray of int8, shape (n,)
        1 where the row ends with a return.
    episode : ndarray of int32, shape (m,)
        The relieved episode that starts each patient's clock.
    landmark_day : ndarray of int32, shape (m,)
        Day each clock starts, in the days of the visits.
    relief_row : ndarray of int, shape (m,)
        Row of the relief visit in the visits.
    observed_days : ndarray of int, shape (m,)
        Days each patient is at risk.
    n_returns : ndarray of int, shape (m,)
    ledger : Ledger
    """

    patient: NDArray[np.intp]
    start_days: Days
    stop_days: Days
    event: NDArray[np.int8]
    episode: Days
    landmark_day: Days
    relief_row: Rows
    observed_days: NDArray[np.int64]
    n_returns: NDArray[np.int64]
    ledger: Ledger


def build_return_history(episodes: Episodes) -> ReturnHistory:
    """Follow every patient with a landmark through all returns up to the data cut (rules: this module's docstring).

    Patients in care when the records begin are followed from the end of the washout on.

    Parameters
    ----------
    episodes : Episodes

    Raises
    ------
    NotEstimable
        No visit's last observable day is known.
    """
    returns = build_return_rows(episodes, prevalent=True)
    columns, course = episodes.columns, episodes.course
    episode, landmark, relief_row = _first_landmarks(episodes, returns)
    entry = entry_day(episodes, episode, landmark) - landmark
    until = columns["observable_until_day"][episode] - landmark
    in_sight = until > entry
    n_in, n_unseen = episode.size, int((~in_sight).sum())
    episode, landmark, relief_row = (values[in_sight] for values in (episode, landmark, relief_row))
    entry, until = entry[in_sight], until[in_sight]
    who, day = _find_events(episodes, returns.return_row[returns.reason == PAIN_BACK], episode, course.day, landmark)
    inside = (day > entry[who]) & (day <= until[who])
    who, day = who[inside], day[inside]
    ends_open = np.ones(episode.size, dtype=np.bool_)
    ends_open[who[day == until[who]]] = False  # a return on the day of the data cut leaves nothing to follow
    left = np.flatnonzero(ends_open)
    patient = np.concatenate([who, left])
    stop = np.concatenate([day, until[left]])
    event = np.repeat(np.array([1, 0], dtype=np.int8), [who.size, left.size])
    by_time = np.lexsort((stop, patient))
    patient, stop, event = patient[by_time], stop[by_time], event[by_time]
    begins = np.diff(patient, prepend=-1) != 0
    start = np.where(begins, entry[patient], np.roll(stop, 1))
    aside = dict(returns.ledger.steps[-1].set_aside)
    aside.pop(EARLY, None)  # followed all the same, from the day the records are complete
    n_later = returns.n_relieved - sum(aside.values()) - n_in
    step = Step(
        "patients followed through their returns",
        "episodes",
        returns.n_relieved,
        episode.size,
        merged={"a later relieved episode of the patient": n_later},
        set_aside={**aside, "data cut before the records are complete": n_unseen},
    )
    return ReturnHistory(
        patient=patient,
        start_days=start.astype(np.int32),
        stop_days=stop.astype(np.int32),
        event=event,
        episode=episode,
        landmark_day=landmark,
        relief_row=relief_row,
        observed_days=(until - entry).astype(np.int64),
        n_returns=np.bincount(who, minlength=episode.size),
        ledger=Ledger((*returns.ledger.steps[:-1], step)),
    )


def _first_landmarks(episodes: Episodes, returns: ReturnRows) -> tuple[Days, Days, Rows]:
    """The episode that starts each patient's clock, its landmark and relief visit; patients in ascending order."""
    episode = np.concatenate([returns.episode, returns.early_episode])
    landmark = np.concatenate([returns.landmark_day, returns.early_landmark_day])
    relief_row = np.concatenate([returns.relief_row, returns.early_relief_row])
    patient = episodes.columns["patient"][episode]
    order = np.lexsort((episode, landmark, patient))
    first = order[np.diff(patient[order], prepend=-1) != 0]
    return episode[first], landmark[first], relief_row[first]


def _find_events(
    episodes: Episodes, pain_back: Rows, episode: Days, day: Days, landmark: Days
) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """Days of all returns after each patient's landmark in the stream of the clock's episode, in the order of time."""
    rows = np.union1d(np.flatnonzero(find_new_episodes(episodes)), pain_back)
    stream = episodes.course.stream_start[episodes.starts[episode]]
    position = np.full(episodes.course.n + 1, -1, dtype=np.intp)
    position[stream] = np.arange(episode.size)
    who = position[episodes.course.stream_start[rows]]
    rows, who = rows[who >= 0], who[who >= 0]
    since = day[rows].astype(np.int64) - landmark[who]
    later = since >= 0
    key = np.unique(who[later] * np.int64(1 << 32) + since[later])
    return (key >> 32).astype(np.intp), key & ((1 << 32) - 1)
