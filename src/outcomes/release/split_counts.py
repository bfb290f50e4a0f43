"""Small numbers in tables whose rows split a total: hidden, and not to be had by taking the others from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from outcomes.release.marks import HIDDEN, level_marks, small_mark, write_mark
from outcomes.release.table_disclosure import find_cover

if TYPE_CHECKING:
    import pandas as pd

Flags = np.ndarray[Any, np.dtype[np.bool_]]


def hide_split(
    table: pd.DataFrame, keys: Sequence[str], floor: int, of_events: Sequence[str], of_n: Sequence[str] = ()
) -> pd.DataFrame:
    """Return a copy of a table of groups in which no small count, nor the rest of one, can be worked out.

    Parameters
    ----------
    table : DataFrame
        With ``n`` and ``events``. Rows alike in `keys` split one total: their `n`, and their `events`, add up to
        numbers that a reader may know.
    keys : sequence of str
        Empty where all rows split one total.
    floor : int
        Smallest count that is shown, besides 0.
    of_events, of_n : sequence of str
        Columns that would give events, and n, away; both are hidden with a hidden n.

    Returns
    -------
    DataFrame
        Same rows and columns.
    """
    out = table.reset_index(drop=True)
    n, events = (out[name].to_numpy(dtype=float) for name in ("n", "events"))
    group: np.ndarray[Any, Any] = np.zeros(len(out), dtype=np.intp)
    if keys and len(out):
        group = out.groupby(list(keys), sort=False).ngroup().to_numpy()
    no_n = _find_hidden(n, group, floor)
    no_events = no_n | _find_hidden(events, group, floor) | _find_hidden(n - events, group, floor)
    tight_n, tight = _find_tight(n, group, floor), np.zeros(len(out), dtype=np.bool_)
    for counts in (events, n - events):
        tight |= _find_tight(counts, group, floor)
    no_n, no_events = no_n | tight_n, no_events | tight_n | tight
    _write(out, "n", n, no_n, floor)
    _write(out, "events", events, no_events, floor)
    level_marks(out, ("n",), np.isin(group, group[tight_n]))
    level_marks(out, ("events",), np.isin(group, group[tight | tight_n]))
    for names, gone in ((of_events, no_events), (of_n, no_n)):
        for name in names:
            if name in out:
                write_mark(out, name, gone & out[name].notna().to_numpy(), HIDDEN)
    return out


def _find_hidden(counts: np.ndarray[Any, np.dtype[np.float64]], group: np.ndarray[Any, Any], floor: int) -> Flags:
    """Small counts, and in each group those that must go with them (`disclosure.find_cover`)."""
    gone = np.zeros(counts.size, dtype=np.bool_)
    for one in np.unique(group):
        rows = np.flatnonzero((group == one) & ~np.isnan(counts))
        small, extra = find_cover([int(count) for count in counts[rows]], floor)
        gone[rows[[*small, *extra]]] = True
    return gone


def _find_tight(counts: np.ndarray[Any, np.dtype[np.float64]], group: np.ndarray[Any, Any], floor: int) -> Flags:
    """Rows of groups with small counts and none beside them to cover them, so that their own sum says what they are.

    All of such a group are hidden under one mark, those of 0 too.
    """
    tight = np.zeros(counts.size, dtype=np.bool_)
    for one in np.unique(group):
        rows = np.flatnonzero((group == one) & ~np.isnan(counts))
        small, extra = find_cover([int(count) for count in counts[rows]], floor)
        hidden = counts[rows[[*small, *extra]]]
        least, most = (floor - 1) + (len(small) - 1) + floor * len(extra), 1 + (floor - 1) * (len(small) - 1)
        if small and (hidden.sum() < least or (not extra and hidden.sum() > most)):
            tight[rows] = True
    return tight


def _write(
    table: pd.DataFrame, name: str, counts: np.ndarray[Any, np.dtype[np.float64]], gone: Flags, floor: int
) -> None:
    small = (counts > 0) & (counts < floor)
    write_mark(table, name, gone & ~small & ~np.isnan(counts), HIDDEN)
    write_mark(table, name, small, small_mark(floor))
