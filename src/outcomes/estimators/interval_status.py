r"""Had it happened by a day? The chance, row by row, where the event is only known to lie in ``(left, right]``.

With F the nonparametric maximum-likelihood curve of all rows (`npmle`), a row's chance given what was seen of it is::

    y = (F(min(right, t)) - F(left)) / (F(right) - F(left)),   0 where left >= t, 1 where right <= t

Rows whose status at t is known have 0 or 1; a row that nothing is known of has F(t). The mean over all rows is F(t)
exactly: that is the equation of self-consistency the curve solves (Efron 1967, Proc. 5th Berkeley Symp. 4, 831-853;
Turnbull 1976, doi:10.1111/j.2517-6161.1976.tb01597.x).

So the numbers can stand for outcomes in a sum over time: a function of each row's own record and of a curve that is the
same for all. What is unseen is filled in from all rows, so a group that differs is shown to differ by less than it
does, the less the fewer of it were seen. For how large a difference is, use the curve of the group.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from outcomes.estimators.checks import FloatArray, check_number, check_numbers, refused
from outcomes.estimators.npmle import cdf_at, npmle


def interval_status(left: ArrayLike, right: ArrayLike, at: float) -> FloatArray:
    """Return each row's chance of the event by a day (formula: this module's docstring).

    Parameters
    ----------
    left, right : array_like, shape (n,)
        As in `npmle.npmle`.
    at : float
        The day, 0 or later.

    Returns
    -------
    ndarray, shape (n,)
        From 0 to 1; the mean is the curve at that day, counted at the ends of its intervals.

    Raises
    ------
    InputRefused
        E837 a negative day, and what `npmle.npmle` refuses.
    NotEstimable
        As `npmle.npmle`.
    """
    day = check_number("at", at)
    if day < 0:
        raise refused("E837", "at", "is negative.")
    a = check_numbers("left", left)
    b = check_numbers("right", right, a.size, allow_infinite=True)
    fit = npmle(a, b)
    finite = np.isfinite(b)
    low, high = cdf_at(fit, a)[0], np.where(finite, cdf_at(fit, np.where(finite, b, 0.0))[0], 1.0)
    by_day = np.minimum(high, cdf_at(fit, day)[0][0])
    inside = (a < day) & (b > day)
    share = np.divide(by_day - low, high - low, out=np.zeros(a.size), where=inside & (high > low))
    return np.where(b <= day, 1.0, np.clip(share, 0.0, 1.0))
