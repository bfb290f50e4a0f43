"""Which counts of clinics and clinicians are hidden, so that the two tables together give none of them away.

The clinics add up to all episodes, and the clinicians of a clinic to the clinic. In each of these sums:

- A small count is hidden, and with it the smallest others, until each small one could be any number below the floor
  (`table_disclosure.find_cover`).
- Where the sum is less than the floor times the number of its parts, and a part is small, all parts are hidden under
  one mark. A mark of its own for the small ones would tell that two parts of 8 in all are 4 and 4.
- Where a clinic's count is hidden, so are those of all its clinicians: they add up to it. Which clinic they belong to
  is hidden too: four clinicians have four episodes at least. A name that tells it (``1 at C02``) is hidden with it.

Looked after in this way are episodes, patients, episodes with the outcome and without it, and visits with a pain score
and without. The parts of a number that is shown (with and without) are hidden under one mark, whichever of them is
small: of 6 episodes "not fewer than 5, and hidden" would be 5.

Sums over clinics are taken of the clinicians' own table. Where some clinicians or clinics are not recorded, the two
tables do not add up exactly, and what one leaves of the other is not exact either.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from outcomes.release.marks import HIDDEN, small_mark, write_mark
from outcomes.release.split_counts import Flags
from outcomes.release.table_disclosure import find_cover

if TYPE_CHECKING:
    import pandas as pd

Counts = np.ndarray[Any, np.dtype[np.float64]]

COUNTS = ("n", "patients", "events", "missing")
"""Columns that are looked after; events and missing are a part of another column."""
WHOLES = {"events": "n", "missing": "visits"}


@dataclass(frozen=True, slots=True)
class Gone:
    """What is hidden of each unit; arrays of shape (units,).

    Attributes
    ----------
    counts : dict of str to ndarray of bool
        Of each of `COUNTS`.
    told : dict of str to ndarray of bool
        Hidden counts that may have the mark of small ones.
    clinic : ndarray of bool
        Units whose clinic is hidden.
    """

    counts: dict[str, Flags]
    told: dict[str, Flags]
    clinic: Flags


def find_gone(units: pd.DataFrame, are_clinicians: bool, floor: int) -> Gone:
    """Find the counts to be hidden.

    Parameters
    ----------
    units : DataFrame
        Table of `questions.units`, not protected.
    are_clinicians : bool
        Whether its rows are parts of their `clinic`.
    floor : int
    """
    numbers = {name: units[name].to_numpy(dtype=float) for name in (*COUNTS, *WHOLES.values())}
    group = np.zeros(len(units), dtype=np.intp)
    if are_clinicians:
        group = np.unique(units["clinic"].to_numpy(dtype=str), return_inverse=True)[1].ravel()
    counts, told = {}, {}
    clinic = np.zeros(len(units), dtype=np.bool_)
    for name in COUNTS:
        parts = [numbers[name], *([numbers[WHOLES[name]] - numbers[name]] if name in WHOLES else [])]
        gone, wholly = np.zeros(len(units), dtype=np.bool_), np.full(len(units), name in WHOLES, dtype=np.bool_)
        for part in parts:
            own, whole = _hide_parts(part, group, floor)
            gone, wholly = gone | own, wholly | whole
            if are_clinicians:
                above = _hide_clinics(part, group, floor)[group]
                gone, wholly = gone | above, wholly | above
                clinic |= above & (name == "n")
        counts[name], told[name] = gone, gone & ~wholly
    for name in COUNTS[1:]:
        counts[name] = counts[name] | counts["n"]
        told[name] = told[name] & ~(counts["n"] & ~told["n"])
    return Gone(counts, told, clinic)


def write_counts(table: pd.DataFrame, gone: Gone, floor: int) -> None:
    """Put the marks into the columns `COUNTS`. Works in place."""
    for name in COUNTS:
        values = table[name].to_numpy(dtype=float)
        small = gone.told[name] & (values > 0) & (values < floor)
        write_mark(table, name, gone.counts[name] & ~small, HIDDEN)
        write_mark(table, name, small, small_mark(floor))


def _hide_clinics(counts: Counts, group: np.ndarray[Any, np.dtype[np.intp]], floor: int) -> Flags:
    """Which groups' sums are hidden where the groups stand in a table of their own, shape (groups,)."""
    sums = np.asarray(np.bincount(group, weights=counts), dtype=np.float64)
    return _hide_parts(sums, np.zeros(sums.size, dtype=np.intp), floor)[0]


def _hide_parts(counts: Counts, group: np.ndarray[Any, np.dtype[np.intp]], floor: int) -> tuple[Flags, Flags]:
    """Which parts of each group's sum are hidden, and which of them are so because all are."""
    gone, wholly = np.zeros(counts.size, dtype=np.bool_), np.zeros(counts.size, dtype=np.bool_)
    for one in np.unique(group):
        rows = np.flatnonzero(group == one)
        small, extra = find_cover([int(count) for count in counts[rows]], floor)
        gone[rows[[*small, *extra]]] = True
        if small and counts[rows].sum() < floor * rows.size:
            gone[rows], wholly[rows] = True, True
    return gone, wholly
