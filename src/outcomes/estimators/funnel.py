r"""Funnel limits: how far the share of a unit of so many episodes may lie from the target by chance.

Exact limits come from the binomial distribution (Spiegelhalter 2005, doi:10.1002/sim.1970). For a unit of m episodes
and a target p, and each tail a, r is the smallest count with ``P(Bin(m, p) <= r) >= a``. Counts are whole and tails are
not, so the limit is put between r - 1 and r by the share of r's own chance that the tail leaves over::

    limit = ( r - (P(Bin <= r) - a) / P(Bin = r) ) / m,    cut to 0..1

Sizes need not be whole. Episodes that say less than a plain yes or no (pseudo-observations; several episodes of one
patient) are counted as fewer: size = n / design effect. Between two whole sizes the limit is read off a straight line;
below one episode it is that of one.

**Over-dispersion.** Units may differ a little for reasons that nobody would look into. With
``z_u = (y_u - p) / s_u`` and ``s_u = sqrt(p (1 - p) / m_u)``, the tenth of the units that lie furthest down and the
tenth furthest up are moved to the next one (winsorised), and ``phi = mean z_u^2``. Where phi exceeds ``(U - 1) / U`` an
additive variance between units is estimated by moments, and limits are ``p +- z sqrt(s^2 + tau2)``::

    tau2 = ( U phi - (U - 1) ) / ( sum w - sum w^2 / sum w ),    w_u = 1 / s_u^2

(Spiegelhalter 2005, "Handling over-dispersion of performance indicators", Qual Saf Health Care 14:347-351). They are
normal limits; the exact ones are kept where they lie further out, so that widening never narrows. Winsorising keeps one
far-off unit from widening what it is held to, and takes some of the spread away with it: of units whose true shares are
spread normally and widely, a tenth lies outside the widened 95 % limits, not a twentieth. With fewer than
`LEAST_UNITS` units a tenth is no unit at all and one unit alone would widen the limits it is held to: then they stay as
they are.

What the caller must guarantee: units are independent, and the target is known or comes from many more episodes than one
unit has. A unit that is a good part of the mean it is held to lies nearer to it than the limits allow for: with few
units they err on the wide side.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from outcomes.errors import NotEstimable
from outcomes.estimators.checks import FloatArray, check_numbers, check_share, refuse_where, refused

LEVELS = (0.95, 0.998)
"""Levels at which limits are drawn: about two, and about three, standard errors."""
TRIM = 0.10
LEAST_UNITS = 10
"""Units from which limits are widened for over-dispersion."""


@dataclass(frozen=True, slots=True)
class FunnelLimits:
    """Limits of k sizes at each of l levels.

    Attributes
    ----------
    size : ndarray, shape (k,)
        Number of episodes, or what they count for.
    target : float
    levels : tuple of float
    low, high : ndarray, shape (k, l)
        Shares.
    """

    size: FloatArray
    target: float
    levels: tuple[float, ...]
    low: FloatArray
    high: FloatArray


@dataclass(frozen=True, slots=True)
class OverDispersion:
    """How much further units lie from the target than chance puts them.

    Attributes
    ----------
    z : ndarray, shape (units,)
        Distance of each unit from the target in standard errors, as it is.
    phi : float
        Mean square of the winsorised z; near 1 where there is nothing but chance.
    tau2 : float
        Variance between units on the scale of the share, by moments of the winsorised z; 0 where phi is no larger than
        chance makes it.
    is_used : bool
        Whether there are enough units to widen limits by it.
    """

    z: FloatArray
    phi: float
    tau2: float
    is_used: bool


def funnel_limits(
    n: ArrayLike, p: float, levels: tuple[float, ...] = LEVELS, tau2: float = 0.0, design_effect: float = 1.0
) -> FunnelLimits:
    """Return exact binomial limits around a target, widened where units differ beyond chance.

    Parameters
    ----------
    n : array_like, shape (k,) or a number
        Episodes of each unit, above 0; need not be whole.
    p : float
        The target, between 0 and 1.
    levels : tuple of float
    tau2 : float
        Variance between units, 0 or more.
    design_effect : float
        How many episodes count for one, above 0.

    Raises
    ------
    InputRefused
        NaN, infinite values; E851 a size that is not above 0; E852 a target, or E853 a level, not between 0 and 1; E854
        a variance below 0 or a design effect that is not above 0.
    """
    sizes = check_numbers("n", n, allow_scalar=True)
    refuse_where(sizes <= 0, "E851", "n", "is not above 0.")
    target = check_share("p", p, "E852", 0.5)
    said = tuple(check_share("levels", level, "E853", 0.95) for level in levels)
    if not 0.0 <= tau2 < np.inf:
        raise refused("E854", "tau2", "must be one finite number, 0 or more.")
    if not 0.0 < design_effect < np.inf:
        raise refused("E854", "design_effect", "must be one finite number above 0.")
    effective = sizes / design_effect
    tails = np.array([0.5 - level / 2.0 for level in said])
    low, high = _between(effective, target, tails), _between(effective, target, 1.0 - tails)
    if tau2 > 0.0:
        from scipy.special import ndtri

        reach = ndtri(1.0 - tails)[None, :] * np.sqrt(target * (1.0 - target) / effective + tau2)[:, None]
        low, high = np.minimum(low, target - reach), np.maximum(high, target + reach)
    return FunnelLimits(sizes, target, said, np.clip(low, 0.0, 1.0), np.clip(high, 0.0, 1.0))


def _between(size: FloatArray, p: float, tails: FloatArray) -> FloatArray:
    """Limits of sizes that need not be whole, shape (k, tails)."""
    below = np.maximum(np.floor(size), 1.0)
    rest = np.clip(size - below, 0.0, 1.0)[:, None]
    return (1.0 - rest) * _exact(below, p, tails) + rest * _exact(below + 1.0, p, tails)


def _exact(size: FloatArray, p: float, tails: FloatArray) -> FloatArray:
    """Limits of whole sizes by the interpolation of this module, shape (k, tails)."""
    # The functions themselves: importing the distributions takes longer than a page's funnels do.
    from scipy.special import bdtr, bdtrik

    m, a = np.broadcast_arrays(size[:, None], tails[None, :])
    r = np.clip(np.ceil(np.nan_to_num(bdtrik(a, m, p))), 0.0, m)
    # The inverse is good to some digits: where a tail is met exactly it must not move r by a whole count.
    r = np.where((r > 0) & (_up_to(bdtr, r - 1, m, p) >= a), r - 1, r)
    r = np.where((r < m) & (_up_to(bdtr, r, m, p) < a), r + 1, r)
    reached, before = _up_to(bdtr, r, m, p), _up_to(bdtr, r - 1, m, p)
    limit = (r - (reached - a) / (reached - before)) / m
    return np.asarray(np.clip(limit, 0.0, 1.0), dtype=np.float64)


def _up_to(bdtr: Callable[..., Any], r: FloatArray, m: FloatArray, p: float) -> FloatArray:
    """Chance of r or fewer of m; 0 below none."""
    return np.where(r < 0, 0.0, bdtr(np.maximum(r, 0.0), m.astype(np.int64), p))


def over_dispersion(share: ArrayLike, size: ArrayLike, p: float, trim: float = TRIM) -> OverDispersion:
    """Estimate how much further units lie from the target than chance puts them.

    Parameters
    ----------
    share, size : array_like, shape (units,)
        Of each unit; the size as `funnel_limits` takes it, after the design effect.
    p : float
        The target.
    trim : float
        Share of the units at each end that are moved to the next one.

    Raises
    ------
    InputRefused
        NaN, infinite values, unequal lengths; E851, E852 as in `funnel_limits`; E853 a share of trimmed units of 0.5 or
        more, or below 0.
    NotEstimable
        Fewer than two units.
    """
    y = check_numbers("share", share)
    m = check_numbers("size", size, y.size)
    refuse_where(m <= 0, "E851", "size", "is not above 0.")
    target = check_share("p", p, "E852", 0.5)
    if not 0.0 <= trim < 0.5:
        raise refused("E853", "trim", "must lie from 0 to below 0.5.")
    if y.size < 2:
        raise NotEstimable("Over-dispersion of one unit cannot be estimated: at least two units are needed.")
    spread = target * (1.0 - target) / m
    z = (y - target) / np.sqrt(spread)
    phi = float(np.mean(np.sort(_winsorise(z, trim) ** 2)))
    excess = y.size * phi - (y.size - 1.0)
    return OverDispersion(z, phi, moment_variance(1.0 / spread, excess), y.size >= LEAST_UNITS)


def _winsorise(values: FloatArray, trim: float) -> FloatArray:
    """Move the lowest, and the highest, ``floor(trim * units)`` values to the next one."""
    cut = int(np.floor(trim * values.size + 1e-9))
    ordered = np.sort(values)
    return np.clip(values, ordered[cut], ordered[values.size - 1 - cut])


def moment_variance(weight: NDArray[np.float64], excess: float) -> float:
    """Return ``max(0, excess) / (sum w - sum w^2 / sum w)``: a variance between units by moments, shape (units,)."""
    w = np.sort(weight)
    pairs = 2.0 * float(w[1:] @ np.cumsum(w)[:-1])
    return max(0.0, excess) * float(w.sum()) / pairs
