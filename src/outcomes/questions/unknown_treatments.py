"""Quarters in which treatments are in words no table knows: that no exercise was found there says nothing of it."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from outcomes.questions.quarters import QUARTERS

if TYPE_CHECKING:
    from outcomes.cases.episodes import Episodes

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
    visits = episodes.visits.columns
    unknown = visits.get("modality_unknown")
    if unknown is None or "modalities" not in visits:
        return []
    rows = np.flatnonzero(((visits["modalities"] != 0) | unknown) & (visits["episode"] >= 0))
    quarter = QUARTERS.number(episodes.columns["index_day"][visits["episode"][rows]])
    numbers, place, n = np.unique(quarter, return_inverse=True, return_counts=True)
    found: list[int] = numbers[np.bincount(place, unknown[rows], n.size) > _MOST_UNKNOWN * n].tolist()
    return found


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
