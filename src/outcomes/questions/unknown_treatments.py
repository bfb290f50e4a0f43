"""Treatments in words no table knows: that none of a kind was found says nothing there, of a quarter or of an arm."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from outcomes.cases.first_treatment import TreatmentRows, build_treatment_rows
from outcomes.errors import NotEstimable
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


def read_treated(episodes: Episodes, window_days: int = 0) -> TreatmentRows:
    """Return the episodes whose treatments can be compared: some, and with treatments in words that are known.

    Parameters
    ----------
    episodes : Episodes
    window_days : int
        See `build_treatment_rows`.

    Raises
    ------
    NotEstimable
        The export records no treatments, more than a tenth of the visits with one have an unknown word for it, or no
        episode is eligible.
    """
    rows = build_treatment_rows(episodes, window_days=window_days)
    if is_mostly_unread(episodes):
        raise NotEstimable(
            "Treatments cannot be compared: at more than a tenth of the visits one is in words the codebook does not "
            "know, so that it is not known who went without a treatment. Say what the words mean in a codebook."
        )
    if not rows.n:
        raise NotEstimable("Treatments cannot be compared: no episode has a rating at its first treatment.")
    return rows


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
