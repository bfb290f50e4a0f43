"""Numbers cut into the bands that groups are formed by: a group for every age would be many of a few patients each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

BANDS: dict[str, tuple[tuple[float, str], ...]] = {
    "previous_episodes": ((0, "0"), (1, "1-2"), (3, "3 or more")),
    "age": ((0, "under 30"), (30, "30-49"), (50, "50-69"), (70, "70 and over")),
    "baseline_nrs": ((0, "under 5"), (5, "5 to under 7"), (7, "7 to 10")),
}
"""Column of the episode table: the lowest value of each band, and its name."""


def find_bands(column: str, values: ArrayLike, missing: str) -> tuple[Sequence[str], NDArray[np.intp]]:
    """Return the names of a column's bands, `missing` last, and the band of each value, shape (n,); NaN is missing."""
    edges, names = zip(*BANDS[column], strict=True)
    numbers = np.asarray(values, dtype=np.float64)
    place = np.searchsorted(edges, numbers, side="right") - 1
    return (*names, missing), np.where(np.isnan(numbers), len(names), np.maximum(place, 0))
