"""Relief, exercise started some time later, and return: a made-up world with one known effect and no other.

Every patient has the same hazard of coming back from the day of relief on. Some start exercise at a random time that
has nothing to do with that hazard, and from then on it is multiplied by one number. So any difference a comparison
shows beyond that number is made by the comparison. With the number 1 exercise does nothing at all; yet those who ever
start come back less often, because whoever came back before could no longer start (immortal time; Suissa 2008,
doi:10.1093/aje/kwm324).

All numbers are plants, none is a finding.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from outcomes.errors import InputRefused

FOLLOWED_DAYS = 365
RISK_WITHOUT_EXERCISE = 0.377
"""Share back within `FOLLOWED_DAYS` without exercise."""
SHARE_STARTING = 0.64
"""Share who would start exercise sooner or later, were they not back before."""
MEAN_START_DAYS = 36.0
_START_SHAPE = 3.0
_HAZARD = -math.log(1.0 - RISK_WITHOUT_EXERCISE) / FOLLOWED_DAYS


def simulate_exercise(n: int, seed: int, hazard_ratio: float) -> dict[str, NDArray[Any]]:
    """Draw n relieved patients.

    Parameters
    ----------
    n : int
        Patients, 1 or more.
    seed : int
        Same arguments, same numbers. Patients keep their start and their luck under another `hazard_ratio`.
    hazard_ratio : float
        By what the hazard of coming back is multiplied from the start of exercise on; above 0, 1 for no effect.

    Returns
    -------
    dict of ndarray, shape (n,)
        ``relief_to_return_days``: whole days from relief to return, or to day `FOLLOWED_DAYS`. ``returned``: 1 or 0.
        ``start_day``: whole days from relief to the first exercise, 1 or more; ``inf`` where none was recorded before
        the return or the end of follow-up.

    Raises
    ------
    InputRefused
        No patients, or a hazard ratio that is not above 0.
    """
    if n < 1:
        raise InputRefused("The number of patients must be 1 or more.")
    if not 0.0 < hazard_ratio < math.inf:
        raise InputRefused("The hazard ratio must be one number above 0; 1 is no effect.")
    rng = np.random.default_rng(seed)
    start = np.ceil(rng.gamma(_START_SHAPE, MEAN_START_DAYS / _START_SHAPE, n))
    start[rng.random(n) >= SHARE_STARTING] = FOLLOWED_DAYS
    # The cumulative hazard at return is exponential; undo it on both sides of the start.
    luck, by_start = rng.exponential(size=n), _HAZARD * start
    exact = np.where(luck <= by_start, luck / _HAZARD, start + (luck - by_start) / (_HAZARD * hazard_ratio))
    days = np.ceil(exact)
    returned = days <= FOLLOWED_DAYS
    days = np.minimum(days, FOLLOWED_DAYS).astype(np.int64)
    return {
        "relief_to_return_days": days,
        "returned": returned.astype(np.int64),
        "start_day": np.where(start < days, start, np.inf),
    }
