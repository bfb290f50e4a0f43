"""Quarters in which treatments are in words no table knows: that no exercise was found there says nothing of it."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from outcomes.questions.quarters import QUARTERS

if TYPE_CHECKING:
    from outcomes.cases.episodes import Episodes
    from outcomes.questions.results import Flags, IntArray

UNKNOWN_TREATMENTS = "Treatments are in words the codebook does not know"
"""How the note about them begins."""
_MOST_UNKNOWN = 0.1


def find_unknown_quarters(episodes: Episodes) -> list[int]:
    """Return the quarters of whose episodes more than a tenth of the visits with a treatment have an unknown word.

    Parameters
    ----------
    episodes : Episodes
        By the quarter they start in.
    """
    rows, unread = _treated_visits(episodes)
    start = episodes.columns["index_day"][episodes.visits.columns["episode"][rows]]
    numbers, place, n = np.unique(QUARTERS.number(start), return_inverse=True, return_counts=True)
    found: list[int] = numbers[np.bincount(place, unread, n.size) > _MOST_UNKNOWN * n].tolist()
    return found


def is_mostly_unread(episodes: Episodes) -> bool:
    """Whether more than a tenth of all visits with a treatment have an unknown word for it."""
    rows, unread = _treated_visits(episodes)
    return int(unread.sum()) > _MOST_UNKNOWN * rows.size


def _treated_visits(episodes: Episodes) -> tuple[IntArray, Flags]:
    """Return the visits of episodes with a word for a treatment, and which of them have one that no table knows."""
    visits = episodes.visits.columns
    unread = visits.get("modality_unknown", np.zeros(visits["day"].size, dtype=np.bool_))
    treated = (visits.get("modalities", np.zeros(unread.size, np.uint64)) != 0) | unread
    rows = np.flatnonzero(treated & (visits["episode"] >= 0))
    return rows, unread[rows]


def note_unknown(numbers: list[int]) -> list[str]:
    """Say in which quarters active exercise is not counted, and why."""
    if not numbers:
        return []
    in_a_row = all(after - before == 1 for before, after in pairwise(numbers))
    listed = [QUARTERS.word(number) for number in numbers]
    when = f"{listed[0]} to {listed[-1]}" if in_a_row and len(listed) > 1 else ", ".join(listed)
    return [
        f"{UNKNOWN_TREATMENTS} at more than a tenth of the visits of episodes that began in {when}. Active exercise "
        "may be among them, and is not counted there: say what the words mean in a codebook."
    ]
