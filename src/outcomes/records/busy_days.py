"""From which day to which an export holds visits as usual: a mistyped year far away is no part of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

WINDOW_DAYS = 30
CENTURY_DAYS = 36_525
_BUSY_SHARE = 0.1


def find_busy_span(counts: NDArray[np.integer]) -> tuple[int, int]:
    """Return the first and the last busy day.

    A day is busy when the thirty days it begins (for the last day: that it ends) hold at least a tenth of the visits
    that thirty days usually hold, and at least two. By plain extremes one mistyped year would be the first or the last.

    Parameters
    ----------
    counts : ndarray of int, shape (n days,)
        Visits on each day; at least one day has some.

    Returns
    -------
    tuple of int
        Positions in `counts`; the plain extremes where no day is busy.
    """
    days = np.flatnonzero(counts)
    until = np.r_[0, np.cumsum(counts)]
    ahead = until[np.minimum(days + WINDOW_DAYS, len(counts))] - until[days]
    behind = until[days + 1] - until[np.maximum(days + 1 - WINDOW_DAYS, 0)]
    least = max(2.0, _BUSY_SHARE * float(np.median(ahead)))
    starts, ends = days[ahead >= least], days[behind >= least]
    return int(starts[0] if len(starts) else days[0]), int(ends[-1] if len(ends) else days[-1])
