"""What began when, around relief: exercise and maintenance care, each dated by the day on which it was known.

Both decide who belongs to which group in a question about returns, and a group must be known before what is compared:
who is seen for long has more time to begin anything. So each is a day, and the question asks whether that day came by
the landmark, or lets the patient change groups on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from outcomes.cases.course import Flags, Rows
from outcomes.cases.schema import MISSING

if TYPE_CHECKING:
    from outcomes.cases.episodes import Episodes

Days = NDArray[np.int64]

NEVER = np.iinfo(np.int64).max
"""The day of what never began."""
EXERCISE_KINDS = ("any", "supervised", "home")


def first_exercise_day(episodes: Episodes, episode: NDArray[np.int32], kind: str = "any") -> Days:
    """First day with active exercise since each episode began, in the episode's stream; `NEVER` for none.

    Parameters
    ----------
    episodes : Episodes
        Of an export that records treatments.
    episode : ndarray of int, shape (n,)
        Rows of the episode table.
    kind : str
        ``any`` active exercise, ``home`` a home programme, or ``supervised``: any but a home programme.

    Returns
    -------
    ndarray of int64, shape (n,)
    """
    codebook, modalities = episodes.visits.codebook, episodes.visits.columns["modalities"]
    active, home = codebook.family_masks["active"], codebook.mask_of("home_exercise")
    mask = {"any": active, "home": home, "supervised": active & ~home}[kind]
    treated = (modalities & np.uint64(mask)) != 0
    return _first_from(episodes, treated, episodes.starts[episode], 0, episodes.course.day)


def first_maintenance_day(episodes: Episodes, relief_row: Rows) -> Days:
    """First day, after each relief visit, on which maintenance care was known; `NEVER` for none.

    A recorded maintenance visit is known on its day. One that is told by its distance to both neighbours is known only
    once that distance has passed without a visit.

    Parameters
    ----------
    episodes : Episodes
    relief_row : ndarray of int, shape (n,)
        Rows of the visits.

    Returns
    -------
    ndarray of int64, shape (n,)
    """
    course, columns = episodes.course, episodes.visits.columns
    recorded = columns.get("is_maintenance", np.zeros(course.n, dtype=np.bool_))
    wait = np.where(recorded, 0, episodes.protocol.episode.maintenance_min_gap_days)
    return _first_from(episodes, ~course.care, relief_row, 1, course.day + wait)


def _first_from(episodes: Episodes, flags: Flags, row: Rows, after: int, day: NDArray[np.integer]) -> Days:
    """Earliest `day` of the flagged visits of the stream from `after` visits behind each row on.

    Streams stand one after the other on one axis of days, so the least value from a row on is one of a later stream
    only where its own has none left.
    """
    course = episodes.course
    lowest = int(day.min(initial=0))
    span = int(day.max(initial=0)) - lowest + 1
    stream = np.cumsum(np.diff(course.stream_start, prepend=MISSING) != 0, dtype=np.int64)
    placed = np.append(np.where(flags, stream * span + (day - lowest), NEVER), NEVER)
    found = np.minimum.accumulate(placed[::-1])[::-1][row + after]
    return np.where(found // span == stream[row], found % span + lowest, NEVER)
