"""What a reader knows of the numbers of a release: bounds of each, and sums that bind them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from outcomes.release.public.model import Counts

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class System:
    """What a reader knows of n whole numbers.

    Attributes
    ----------
    exact : ndarray of int64, shape (n,)
        The truth; one solution of the system.
    low, high : ndarray of int64, shape (n,)
        Bounds of each.
    sums : csr_array, shape (m, n)
    sum_low, sum_high : ndarray of int64, shape (m,)
        Bounds of each sum; 0 and 0 where parts add up to a total.
    """

    exact: Counts
    low: Counts
    high: Counts
    sums: sparse.csr_array
    sum_low: Counts
    sum_high: Counts

    def holds(self, values: Counts) -> Mask:
        """Whether each of some whole points fits, shape (p,); `values` has shape (p, n)."""
        totals = (self.sums @ values.T).T
        inside = ((values >= self.low) & (values <= self.high)).all(axis=1)
        fits: Mask = inside & ((totals >= self.sum_low) & (totals <= self.sum_high)).all(axis=1)
        return fits
