"""Count before fitting: a million rows of whole days are a few thousand distinct values."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def distinct(values: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """Return the distinct values, ascending, and where each value stands among them.

    Whole numbers within a moderate range are counted in one pass; everything else is sorted.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Numbers without NaN; ``inf`` is a value.

    Returns
    -------
    found : ndarray, shape (m,)
    place : ndarray of int, shape (n,)
        ``found[place]`` equals `values`.
    """
    if not values.size:
        return values, np.zeros(0, dtype=np.intp)
    infinite = np.isposinf(values) if values.dtype.kind == "f" else np.zeros(values.size, dtype=bool)
    whole = np.where(infinite, 0, values)
    low, high = whole.min(), whole.max()
    if high - low > 4 * values.size + 100_000 or not np.array_equal(whole, np.floor(whole)):
        found, place = np.unique(values, return_inverse=True)
        return found, place
    # One slot past the highest value stands for infinity.
    last = int(high - low) + 1
    slot = np.where(infinite, last, whole - low).astype(np.intp)
    present = np.flatnonzero(np.bincount(slot))
    rank = np.zeros(last + 1, dtype=np.intp)
    rank[present] = np.arange(present.size)
    found = (present + low).astype(values.dtype)
    if infinite.any():
        found[-1] = np.inf
    return found, rank[slot]


def sum_by(place: NDArray[np.intp], weights: NDArray[Any], size: int) -> NDArray[np.float64]:
    """Sum the weights, shape (n,), of the rows at each place 0..size-1."""
    return np.bincount(place, weights=weights, minlength=size).astype(np.float64, copy=False)
