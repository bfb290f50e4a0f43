r"""The variance of a mixed model's mean, summed by cluster, with the spread parameters counted as estimated.

Let ``s_i`` be the derivative of the log-likelihood of unit i by all parameters: the coefficients b of the mean and the
spread parameters theta (the elements of Psi, and log s2). With k clusters c::

    Var(b, theta) = k / (k - 1) * A^-1 M A^-1,   A = - sum_i d s_i / d (b, theta),   M = sum_c s_c s_c'
    s_c = sum_{i in c} s_i

(Liang and Zeger 1986, doi:10.1093/biomet/73.1.13; White 1982, doi:10.2307/1912526), of which the block of b is given.
A is the observed derivative, not its expectation, and not only the block of b: when people stop coming because of what
was rated, the two sets of parameters are not independent, and intervals that take theta as known are too narrow
(Kenward and Molenberghs 1998, doi:10.1214/ss/1028905886). Where a spread lies on the edge of what is possible it has no
such derivative; theta is then taken as known.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from outcomes.estimators.checks import FloatArray

IntArray = NDArray[np.intp]
_STEP = 1e-5


@dataclass(frozen=True, slots=True)
class UnitSums:
    """Sums over the rows of each of m units, with r the residuals of the mean."""

    zz: FloatArray  # (m, q, q)
    zx: FloatArray  # (m, q, p)
    xx: FloatArray  # (p, p), over all units
    zr: FloatArray  # (m, q)
    xr: FloatArray  # (m, p)
    rr: FloatArray  # (m,)
    size: FloatArray  # (m,)


def sum_units(x: FloatArray, z: FloatArray, rest: FloatArray, starts: IntArray) -> UnitSums:
    """Sum up rows that stand together by unit; `starts` are the first rows of the units."""
    return UnitSums(
        zz=np.add.reduceat(z[:, :, None] * z[:, None, :], starts),
        zx=np.add.reduceat(z[:, :, None] * x[:, None, :], starts),
        xx=x.T @ x,
        zr=np.add.reduceat(z * rest[:, None], starts),
        xr=np.add.reduceat(x * rest[:, None], starts),
        rr=np.add.reduceat(rest * rest, starts),
        size=np.diff(starts, append=rest.size).astype(np.float64),
    )


def mean_information(sums: UnitSums, psi: FloatArray) -> FloatArray:
    """``sum_i X_i' V_i^-1 X_i``, shape (p, p)."""
    inner = np.linalg.solve(np.eye(len(psi)) + sums.zz @ psi, sums.zx)
    return sums.xx - np.einsum("iqa,qr,irb->ab", sums.zx, psi, inner, optimize=True)


def unit_scores(sums: UnitSums, psi: FloatArray, log_scale: float) -> FloatArray:
    """Derivative of each unit's log-likelihood by b, the lower triangle of Psi, and log s2; shape (m, p + t)."""
    scale = np.exp(log_scale)
    inner = np.linalg.solve(np.eye(len(psi)) + sums.zz @ psi, np.concatenate([sums.zz, sums.zr[:, :, None]], axis=2))
    w, b = inner[:, :, :-1], inner[:, :, -1]
    drawn = b @ psi
    mean = (sums.xr - np.einsum("iqa,iq->ia", sums.zx, drawn)) / scale
    rows, columns = np.tril_indices(len(psi))
    each = np.where(rows == columns, 0.5, 1.0)
    spread = -each * (w[:, rows, columns] - b[:, rows] * b[:, columns] / scale)
    fit = sums.rr - np.einsum("iq,iq->i", sums.zr, drawn)
    return np.column_stack([mean, spread, -0.5 * (sums.size - fit / scale)])


def cluster_variance(
    sums: UnitSums, psi: FloatArray, scale: float, cluster: IntArray, spread_known: bool = False
) -> FloatArray:
    """Return the variance of this module's docstring.

    Parameters
    ----------
    sums : UnitSums
    psi : ndarray, shape (q, q)
    scale : float
        ``s2``.
    cluster : ndarray of int, shape (m,)
        0..k-1, of each unit.
    spread_known : bool
        Take theta as known.

    Returns
    -------
    ndarray, shape (p, p)
        NaN for a single cluster.
    """
    p, k = sums.zx.shape[2], int(cluster.max()) + 1
    if k == 1:
        return np.full((p, p), np.nan)
    scores = unit_scores(sums, psi, float(np.log(scale)))
    information = mean_information(sums, psi) / scale
    if spread_known:
        scores = scores[:, :p]
    else:
        information = _observed(sums, psi, float(np.log(scale)), information)
    totals = np.column_stack([np.bincount(cluster, weights=column, minlength=k) for column in scores.T])
    influence = np.linalg.solve(information, totals.T)[:p]
    return k / (k - 1.0) * influence @ influence.T


def _observed(sums: UnitSums, psi: FloatArray, log_scale: float, mean: FloatArray) -> FloatArray:
    """The matrix A: the columns of theta by central differences of the summed derivatives."""
    p = len(mean)
    rows, columns = np.tril_indices(len(psi))
    size = np.sqrt(np.diagonal(psi))
    steps = [_STEP * size[a] * size[b] for a, b in zip(rows, columns, strict=True)]
    out = []
    for a, b, step in zip(rows, columns, steps, strict=True):
        moved = np.zeros_like(psi)
        moved[a, b] = moved[b, a] = step
        after, before = (unit_scores(sums, psi + sign * moved, log_scale).sum(axis=0) for sign in (1, -1))
        out.append(-(after - before) / (2 * step))
    after, before = (unit_scores(sums, psi, log_scale + sign * _STEP).sum(axis=0) for sign in (1, -1))
    out.append(-(after - before) / (2 * _STEP))
    theta = np.column_stack(out)
    whole = np.zeros((len(theta), len(theta)))
    whole[:p, :p] = mean
    whole[:, p:] = theta
    whole[p:, :p] = theta[:p].T
    return whole
