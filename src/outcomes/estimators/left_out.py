r"""Intervals of a share from leaving out one group of rows at a time: groups as drawn, not the rows within them.

Rows of one group (patients of one clinic) resemble each other. An interval that takes rows as drawn says what these
groups would show with other rows; whoever wants to speak of further groups needs one that takes groups as drawn. With G
groups and ``F_g`` the share without group g, on the logit scale,

    variance = (G - 1) / G  sum_g (logit F_g - mean of logit F)^2

(Tukey's jackknife, here of groups: Lipsitz, Dear and Zhao 1994, doi:10.2307/2533366), and the interval is ``logit F``
plus and minus its root times Student's t with ``G - 1`` degrees of freedom. It asks for nothing but the share itself
with a group left out, so it serves curves that have no formula for their error.

With few groups, or one that holds most of the rows, it is too narrow. In made-up chains of 10, 12 and 20 clinics of
unequal size that differ, 95 % intervals hold the share of all such clinics in 94 to 96 of 100, and those that draw
patients in 73 to 86 (``tests/simulation/test_left_out_coverage.py``).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from outcomes.errors import NotEstimable
from outcomes.estimators.checks import FloatArray, check_columns, check_level, check_numbers, refuse_where


def left_out_limits(share: ArrayLike, without: ArrayLike, level: float = 0.95) -> tuple[FloatArray, FloatArray]:
    """Return the limits of shares from what they are with each group left out.

    Parameters
    ----------
    share : array_like, shape (k,)
        Of all rows, 0 to 1.
    without : array_like, shape (groups, k)
        Without each group.
    level : float
        Confidence level.

    Returns
    -------
    low, high : ndarray, shape (k,)
        NaN where the share, or that without a group, is 0 or 1: a logit has no width there.

    Raises
    ------
    InputRefused
        E639 shares outside 0..1; unequal lengths, a level outside (0, 1).
    NotEstimable
        Fewer than two groups.
    """
    from scipy.special import expit, logit, stdtrit

    whole = check_numbers("share", share)
    parts = check_columns("without", without, columns=whole.size).astype(np.float64, copy=False)
    for name, values in (("share", whole), ("without", parts.reshape(-1))):
        refuse_where((values < 0) | (values > 1), "E639", name, "is no share: it lies outside 0 to 1.")
    level, groups = check_level(level), parts.shape[0]
    if groups < 2:
        raise NotEstimable("No interval between groups: there is one; at least two are needed.")
    inside = (whole > 0) & (whole < 1) & ((parts > 0) & (parts < 1)).all(axis=0)
    low, high = np.full(whole.size, np.nan), np.full(whole.size, np.nan)
    # In one order whatever the groups are called: a sum in another order differs in its last bits.
    turned = np.sort(logit(parts[:, inside]), axis=0)
    variance = (groups - 1.0) / groups * ((turned - turned.mean(axis=0)) ** 2).sum(axis=0)
    half = stdtrit(groups - 1, 0.5 + level / 2.0) * np.sqrt(variance)
    low[inside], high[inside] = expit(logit(whole[inside]) - half), expit(logit(whole[inside]) + half)
    return low, high


def left_out_difference_limits(
    difference: ArrayLike, without: ArrayLike, level: float = 0.95
) -> tuple[FloatArray, FloatArray]:
    """Return the limits of differences of two shares from what they are with each group left out.

    Half of 1 plus a difference is a share, and its logit twice Fisher's z of the difference, the scale on which other
    intervals of differences are made; so these are the limits of `left_out_limits`.

    Parameters
    ----------
    difference : array_like, shape (k,)
        Of all rows, -1 to 1.
    without : array_like, shape (groups, k)
        Without each group.
    level : float
        Confidence level.

    Returns
    -------
    low, high : ndarray, shape (k,)
        NaN where the difference, or that without a group, is -1 or 1.

    Raises
    ------
    InputRefused, NotEstimable
        As `left_out_limits` does.
    """
    whole = check_numbers("difference", difference)
    low, high = left_out_limits((1.0 + whole) / 2.0, (1.0 + np.asarray(without, dtype=np.float64)) / 2.0, level)
    return 2.0 * low - 1.0, 2.0 * high - 1.0
