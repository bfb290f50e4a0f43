"""Rounding of counts, and what a reader can conclude from a rounded one."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from outcomes.release.public.model import HIDDEN_CELL, Counts

REACH = 12
"""How far a number that is a sum of printed ones may lie from the rounded truth."""


def round_counts(counts: ArrayLike, base: ArrayLike) -> Counts:
    """Return counts rounded to a multiple of `base` (5 or 10; 1 leaves them), half upwards.

    Parameters
    ----------
    counts, base : array_like of int, shapes that fit each other
        Counts of 0 and more.
    """
    whole, step = np.asarray(counts, dtype=np.int64), np.asarray(base, dtype=np.int64)
    return (whole + step // 2) // step * step


def find_bounds(shown: Counts, base: Counts, exact: Counts, k: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the least and greatest count behind each shown number, as its rounding and the threshold tell.

    A shown number of 1 and more stands for at least `k` patients. One that was made by adding others up may lie outside
    what its rounding allows; then all a reader can know is that it is within `REACH`.

    Parameters
    ----------
    shown : ndarray of int, shape (n,)
        Published numbers, none of them `HIDDEN_CELL`.
    base : ndarray of int, shape (n,)
    exact : ndarray of int, shape (n,)
        The counts the numbers were made from.
    k : int
    """
    if (shown == HIDDEN_CELL).any():
        raise ValueError("a hidden number has no rounding")
    low = np.where(shown > 0, np.maximum(shown - base // 2, k), 0)
    high = np.where(shown > 0, shown + base - 1 - base // 2, 0)
    kept = (exact < low) | (exact > high)
    low = np.where(kept, np.minimum(np.maximum(shown - REACH, 0), exact), low)
    high = np.where(kept, np.maximum(shown + REACH, exact), high)
    return low.astype(np.int64), high.astype(np.int64)
