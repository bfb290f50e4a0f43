"""How far two sets of estimates of the same things stand in the same order, and on the same side of zero."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from outcomes.errors import NotEstimable
from outcomes.estimators.checks import open_mask, refused


@dataclass(frozen=True, slots=True)
class RankAgreement:
    """How two sets of estimates of the same things agree.

    Attributes
    ----------
    tau : float
        Kendall's tau-b of their orders: 1 the same, -1 reversed, about 0 for orders that have nothing to do with each
        other; NaN where all values of one set are equal.
    sign_share : float
        Share of the things whose two estimates lie on the same side of zero; an exact zero is on neither.
    n : int
        Things with an estimate in both.
    """

    tau: float
    sign_share: float
    n: int


def agree_in_rank(first: ArrayLike, second: ArrayLike) -> RankAgreement:
    """Compare two sets of estimates of the same things, those missing in either left out.

    Parameters
    ----------
    first, second : array_like, shape (k,)
        Estimates, in any unit of their own; NaN where there is none.

    Returns
    -------
    RankAgreement
        Kendall's tau-b (Kendall 1945, Biometrika 33:239-251): concordant less discordant pairs over the geometric mean
        of the pairs untied in either set.

    Raises
    ------
    InputRefused
        E888 unequal lengths, or infinite values.
    NotEstimable
        Fewer than two things have an estimate in both.
    """
    a, b = (np.asarray(open_mask(values), dtype=np.float64) for values in (first, second))
    if a.ndim != 1 or a.shape != b.shape:
        raise refused("E888", "second", "has another shape than first.", "Pass two lists of the same length.")
    if np.isinf(a).any() or np.isinf(b).any():
        raise refused("E888", "first, second", "hold infinite values.", "Use NaN where there is no estimate.")
    both = ~(np.isnan(a) | np.isnan(b))
    a, b = a[both], b[both]
    if a.size < 2:
        raise NotEstimable("Orders cannot be compared: fewer than two things have an estimate in both.")
    return RankAgreement(_tau_b(a, b), float((np.sign(a) * np.sign(b) > 0).mean()), int(a.size))


def _tau_b(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    i, j = np.triu_indices(a.size, 1)
    x, y = np.sign(a[i] - a[j]), np.sign(b[i] - b[j])
    untied = np.sqrt(float((x != 0).sum()) * float((y != 0).sum()))
    return float((x * y).sum() / untied) if untied else float("nan")
