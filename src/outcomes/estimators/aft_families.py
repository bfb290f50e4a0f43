"""What the error of an accelerated failure time model is, and what one row says about location and scale.

A row is written in the standardised error ``z = tau * y + a``, with ``y`` the (centred, scaled) logarithm of time,
``tau`` one over the scale and ``a`` minus the linear predictor over the scale. The three log densities are concave, so
in ``tau`` and ``a`` the log-likelihood is concave whatever the kind of row (Silvapulle and Burridge 1986, J. R.
Statist. Soc. B 48:100-106): there is one maximum or none.

Each row takes the form in which no digit is lost. One with an open end is a logarithm of a tail. A wide interval is the
difference of two such logarithms, in the tail it lies in. A narrow one, down to an exact time, is an integral of the
density over four Gauss-Legendre points: the derivatives are then means and variances over the points (Louis 1982,
doi:10.1111/j.2517-6161.1982.tb01203.x) and nothing nearly equal is subtracted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from outcomes.errors import Finding, InputRefused
from outcomes.estimators.checks import FloatArray

Curve = Callable[[FloatArray], FloatArray]
IntArray = NDArray[np.intp]

# Below this width, in units of the change of the log density, four points are exact to rounding; above it the
# difference of two tails has lost less than two digits.
_NARROW = 0.2
_NODES, _NODE_WEIGHTS = np.polynomial.legendre.leggauss(4)
# exp() of less than this is lost beside 1.
_FAR_LEFT = -37.0


@dataclass(frozen=True, slots=True)
class Family:
    """Distribution of the error z.

    Attributes
    ----------
    name : str
    log_density, log_cdf, log_survival : callable
        Logarithms, accurate in both tails.
    slope, bend : callable
        First and second derivative of `log_density`.
    """

    name: str
    log_density: Curve
    log_cdf: Curve
    log_survival: Curve
    slope: Curve
    bend: Curve


@dataclass(frozen=True, slots=True)
class Terms:
    """Log-likelihood of each row and its derivatives in ``a`` and ``tau``, all of shape (m,)."""

    value: FloatArray
    d_a: FloatArray
    d_tau: FloatArray
    d_aa: FloatArray
    d_atau: FloatArray
    d_tautau: FloatArray


@dataclass(frozen=True, slots=True)
class Ends:
    """The ends of each row on the scale of ``y``, all of shape (m,).

    Attributes
    ----------
    left, right : ndarray
        -inf and inf where an end is open; equal for an exact time.
    width : ndarray
        ``right - left``, computed before the two were rounded.
    """

    left: FloatArray
    right: FloatArray
    width: FloatArray


def find_family(name: str) -> Family:
    """Return the family called `name`; case, blanks, hyphens and underscores do not matter.

    Raises
    ------
    InputRefused
        None of the three.
    """
    key = "".join(c for c in str(name).lower() if c not in " -_")
    if key not in FAMILIES:
        finding = Finding("E674", "is no known family of errors.", "family", f"Choose one of: {', '.join(FAMILIES)}.")
        raise InputRefused("The argument 'family' cannot be used.", [finding])
    return FAMILIES[key]


# The six terms of rows of one kind, shape (6, m), from their ends, `tau` and `a`.
Form = Callable[[Family, Ends, float, FloatArray], FloatArray]


def compute_terms(family: Family, ends: Ends, tau: float, a: FloatArray) -> Terms:
    """Return what each row says at ``tau`` and ``a``.

    Parameters
    ----------
    family : Family
    ends : Ends
    tau : float
        One over the scale, above 0.
    a : ndarray, shape (m,)
        Minus the linear predictor over the scale.

    Returns
    -------
    Terms
        For an exact time `value` is the log density of ``y``, otherwise a log probability.
    """
    table = np.empty((6, a.size))
    with np.errstate(all="ignore"):
        for rows, compute in _split(family, ends, tau, a):
            if rows.size:
                part = Ends(ends.left[rows], ends.right[rows], ends.width[rows])
                table[:, rows] = compute(family, part, tau, a[rows])
    return Terms(*table)


def _split(family: Family, ends: Ends, tau: float, a: FloatArray) -> tuple[tuple[IntArray, Form], ...]:
    """Return the rows of each form: open to the right, open to the left, wide, narrow."""
    open_right, open_left = np.isposinf(ends.right), np.isneginf(ends.left)
    bounded = np.flatnonzero(~(open_right | open_left))
    width = tau * ends.width[bounded]
    slope = np.abs(family.slope(tau * ends.left[bounded] + width / 2 + a[bounded]))
    narrow = width * (1.0 + slope) < _NARROW
    later, sooner = np.flatnonzero(open_right), np.flatnonzero(open_left)
    return (
        (later, _later_terms),
        (sooner, _sooner_terms),
        (bounded[~narrow], _wide_terms),
        (bounded[narrow], _narrow_terms),
    )


def _later_terms(family: Family, ends: Ends, tau: float, a: FloatArray) -> FloatArray:
    return _tail_terms(family, family.log_survival, -1.0, ends.left, tau * ends.left + a)


def _sooner_terms(family: Family, ends: Ends, tau: float, a: FloatArray) -> FloatArray:
    return _tail_terms(family, family.log_cdf, 1.0, ends.right, tau * ends.right + a)


def _tail_terms(family: Family, log_tail: Curve, sign: float, y: FloatArray, z: FloatArray) -> FloatArray:
    """One end only: the derivatives in `tau` are those in `a` times ``y``."""
    value = log_tail(z)
    # Density at the end over the probability beyond it.
    d_a = sign * np.exp(family.log_density(z) - value)
    d_aa = (family.slope(z) - d_a) * d_a
    d_atau = y * d_aa
    return np.stack([value, d_a, y * d_a, d_aa, d_atau, y * d_atau])


def _wide_terms(family: Family, ends: Ends, tau: float, a: FloatArray) -> FloatArray:
    y_left, y_right = ends.left, ends.right
    z_left, z_right = tau * y_left + a, tau * y_right + a
    value = _log_difference(family, z_left, z_right)
    # Density at each end over the probability between them.
    left, right = np.exp(family.log_density(z_left) - value), np.exp(family.log_density(z_right) - value)
    d_a, d_tau = right - left, y_right * right - y_left * left
    left, right = family.slope(z_left) * left, family.slope(z_right) * right
    d_aa = right - left - d_a**2
    d_atau = y_right * right - y_left * left - d_a * d_tau
    d_tautau = y_right**2 * right - y_left**2 * left - d_tau**2
    return np.stack([value, d_a, d_tau, d_aa, d_atau, d_tautau])


def _log_difference(family: Family, low: FloatArray, high: FloatArray) -> FloatArray:
    """Return log(F(high) - F(low)) from the tail in which the interval lies."""
    upper = low + high > 0
    value = np.empty(low.size)
    for chosen, log_tail, near, far in (
        (upper, family.log_survival, low, high),
        (~upper, family.log_cdf, high, low),
    ):
        if chosen.any():
            large, small = log_tail(near[chosen]), log_tail(far[chosen])
            value[chosen] = large + np.log(-np.expm1(small - large))
    return value


def _narrow_terms(family: Family, ends: Ends, tau: float, a: FloatArray) -> FloatArray:
    half = ends.width / 2
    middle = ends.left + half
    y = middle + half * _NODES[:, None]
    z = tau * y + a
    top = family.log_density(tau * middle + a)
    share = _NODE_WEIGHTS[:, None] / 2 * np.exp(family.log_density(z) - top)
    total = share.sum(axis=0)
    share = share / total
    value = top + np.log(total) + np.log(tau) + np.log(np.where(ends.width > 0, ends.width, 1.0))
    slope, bend = family.slope(z), family.bend(z)
    d_a, tilt = _mean(share, slope), _mean(share, y * slope)
    off_a, off_tau = slope - d_a, y * slope - tilt
    d_aa = _mean(share, bend + off_a**2)
    d_atau = _mean(share, y * bend + off_a * off_tau)
    d_tautau = _mean(share, y**2 * bend + off_tau**2) - 1.0 / tau**2
    return np.stack([value, d_a, tilt + 1.0 / tau, d_aa, d_atau, d_tautau])


def _mean(share: FloatArray, values: FloatArray) -> FloatArray:
    return np.einsum("ij,ij->j", share, values)


def _extreme_log_cdf(z: FloatArray) -> FloatArray:
    return np.where(z < _FAR_LEFT, z, np.log(-np.expm1(-np.exp(z))))


def _logistic_log_cdf(z: FloatArray) -> FloatArray:
    return -np.logaddexp(0.0, -z)


def _logistic_log_density(z: FloatArray) -> FloatArray:
    size = np.abs(z)
    return -size - 2.0 * np.log1p(np.exp(-size))


def _logistic_bend(z: FloatArray) -> FloatArray:
    return -2.0 * np.exp(_logistic_log_density(z))


def _normal_log_cdf(z: FloatArray) -> FloatArray:
    from scipy.special import log_ndtr

    return log_ndtr(z)


_HALF_LOG_2PI = 0.5 * np.log(2.0 * np.pi)

FAMILIES = {
    "weibull": Family(
        "weibull",
        lambda z: z - np.exp(z),
        _extreme_log_cdf,
        lambda z: -np.exp(z),
        lambda z: 1.0 - np.exp(z),
        lambda z: -np.exp(z),
    ),
    "loglogistic": Family(
        "loglogistic",
        _logistic_log_density,
        _logistic_log_cdf,
        lambda z: _logistic_log_cdf(-z),
        lambda z: -np.tanh(z / 2.0),
        _logistic_bend,
    ),
    "lognormal": Family(
        "lognormal",
        lambda z: -0.5 * z**2 - _HALF_LOG_2PI,
        _normal_log_cdf,
        lambda z: _normal_log_cdf(-z),
        lambda z: -z,
        lambda z: -np.ones_like(z),
    ),
}
