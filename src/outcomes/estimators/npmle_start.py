"""Where a fit of the interval-censored curve begins: few intervals with mass, and every run of intervals with one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from outcomes.estimators.checks import FloatArray
from outcomes.estimators.compiling import compiled

IntArray = NDArray[np.intp]


@compiled
def stab(low: IntArray, high: IntArray, order: IntArray, mass: FloatArray) -> None:
    """Put 1 on the fewest intervals such that every run holds one: always the end of the first run not yet hit.

    ``order`` sorts the runs by their last interval.
    """
    hit = -1
    for i in order:
        if low[i] > hit:
            hit = high[i]
            mass[hit] = 1.0
