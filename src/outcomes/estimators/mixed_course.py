r"""A linear mixed model of repeated ratings, with a variance of its fixed effects that is summed by patient.

The model of unit *i* (an episode) is ``y_i = X_i b + Z_i u_i + e_i`` with ``u_i ~ N(0, s2 Psi)`` and
``e_i ~ N(0, s2 I)``, so that ``Var(y_i) = s2 V_i`` and ``V_i = I + Z_i Psi Z_i'`` (Laird and Ware 1982,
doi:10.2307/2529876), fitted by restricted maximum likelihood (Lindstrom and Bates 1988,
doi:10.1080/01621459.1988.10478693). Its likelihood holds when visiting and stopping depend on ratings already recorded.

Two episodes of a patient are not independent, which the model does not say. The variance of the fixed effects is
therefore a sandwich summed by patient; its formula stands in `outcomes.estimators.mixed_variance`.

The criterion is that of lme4 (Bates and others 2015, doi:10.18637/jss.v067.i01): b and s2 are profiled out, and Psi is
``L L'``, which has no edge that L could not pass through. It is written in sums over units, one array operation each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from outcomes.errors import Finding, InputRefused, NotEstimable
from outcomes.estimators.checks import FloatArray, check_columns, check_numbers
from outcomes.estimators.counting import distinct
from outcomes.estimators.mixed_variance import cluster_variance, mean_information, sum_units

IntArray = NDArray[np.intp]
_LEAST_UNITS = 3
_SMALL_GRADIENT = 1e-7
"""Of the criterion of one rating, by elements of L for columns of length 1: what the search is asked for."""
_LARGEST_GRADIENT = 1e-5
"""What it may end with where rounding stops it before: the log-likelihood is then within 1e-9 a rating of its best."""
_LEAST_NOISE = 1e-8
"""Share of the ratings' spread about the mean, as a variance, that must be left about the lines of units."""


@dataclass(frozen=True, slots=True)
class MixedFit:
    """A fitted mixed model; p fixed effects, q random effects.

    Attributes
    ----------
    coef : ndarray, shape (p,)
    cov_model, cov_cluster : ndarray, shape (p, p)
        Variance of `coef` if the model holds, and summed by cluster.
    cov_random : ndarray, shape (q, q)
        Variance of the random effects, ``s2 Psi``.
    sd_rating : float
        ``sqrt(s2)``: spread of one rating about its unit's own line.
    log_likelihood : float
        Restricted, at the optimum, as `statsmodels.MixedLM` counts it.
    n, n_units, n_clusters : int
        Ratings, episodes and patients.
    is_at_edge : bool
        Whether a random effect has no variance that the ratings could show.
    """

    coef: FloatArray
    cov_model: FloatArray
    cov_cluster: FloatArray
    cov_random: FloatArray
    sd_rating: float
    log_likelihood: float
    n: int
    n_units: int
    n_clusters: int
    is_at_edge: bool


@dataclass(frozen=True, slots=True)
class _Sums:
    """What the criterion needs of the data: sums over the rows of each of m units, and over all rows."""

    zz: FloatArray  # (m, q, q)
    zw: FloatArray  # (m, q, p + 1), of the fixed columns and the response
    ww: FloatArray  # (p + 1, p + 1)
    n: int


def fit_mixed(values: ArrayLike, fixed: ArrayLike, random: ArrayLike, unit: ArrayLike, cluster: ArrayLike) -> MixedFit:
    """Fit the model of this module's docstring.

    Parameters
    ----------
    values : array_like, shape (n,)
        Ratings.
    fixed : array_like, shape (n, p)
        Columns of the mean, its constant included.
    random : array_like, shape (n, q)
        Columns whose coefficients differ from unit to unit.
    unit : array_like of int, shape (n,)
        The unit of each rating: the episode.
    cluster : array_like of int, shape (n,)
        The cluster of each rating, one for all of a unit: the patient.

    Returns
    -------
    MixedFit

    Raises
    ------
    InputRefused
        NaN, infinite values, unequal lengths, or a unit in two clusters.
    NotEstimable
        Too few units or ratings, columns of the mean that say the same, ratings that do not vary, or a fit that did not
        converge.
    """
    y = check_numbers("values", values)
    x, z = (
        check_columns(name, table, y.size).astype(np.float64, copy=False)
        for name, table in (("fixed", fixed), ("random", random))
    )
    if not x.shape[1] or not z.shape[1]:
        raise NotEstimable("A mean course cannot be fitted: the mean, or what differs by unit, has no columns.")
    of = distinct(check_numbers("unit", unit, y.size))[1]
    patient = distinct(check_numbers("cluster", cluster, y.size))[1]
    order = np.lexsort((*x.T[::-1], y, of))
    y, x, z, of, patient = y[order], x[order], z[order], of[order], patient[order]
    starts = np.flatnonzero(np.diff(of, prepend=-1))
    _check_enough(y, x, of, patient, starts)
    sums = _sum_up(y, x, z, starts)
    return _read(_find_root(sums), sums, y, x, z, starts, patient)


def _check_enough(y: FloatArray, x: FloatArray, of: IntArray, patient: IntArray, starts: IntArray) -> None:
    p = x.shape[1]
    if starts.size < _LEAST_UNITS or y.size <= p + starts.size:
        raise NotEstimable(
            "A mean course cannot be fitted: "
            f"{y.size} ratings of {starts.size} episodes are too few for {p} coefficients and a line for each episode."
        )
    if (patient != patient[starts][of]).any():
        finding = Finding("E608", "holds two clusters for one unit.", "cluster", "Give each unit one cluster.")
        raise InputRefused("The argument 'cluster' cannot be used.", [finding])
    if np.linalg.matrix_rank(x / np.maximum(np.abs(x).max(axis=0), 1e-300)) < p:
        raise NotEstimable(
            "A mean course cannot be fitted: its columns say the same, for example because the ratings are of too few "
            "different days."
        )
    rest = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    if float(rest @ rest) <= 1e-12 * max(1.0, float(y @ y)):
        raise NotEstimable("A mean course cannot be fitted: the ratings do not vary about it.")


def _sum_up(y: FloatArray, x: FloatArray, z: FloatArray, starts: IntArray) -> _Sums:
    w = np.column_stack([x, y])
    zz = np.add.reduceat(z[:, :, None] * z[:, None, :], starts)
    zw = np.add.reduceat(z[:, :, None] * w[:, None, :], starts)
    return _Sums(zz, zw, w.T @ w, y.size)


def _shrink(root: FloatArray, zz: FloatArray) -> tuple[FloatArray, FloatArray]:
    """For ``Psi = L L'`` give the matrices S of ``V^-1 = I - Z S Z'``, shape (m, q, q), and ``log |V|``, shape (m,)."""
    inner = np.eye(len(root)) + root.T @ zz @ root
    return root @ np.linalg.solve(inner, np.broadcast_to(root.T, inner.shape)), np.linalg.slogdet(inner)[1]


def _profile(root: FloatArray, sums: _Sums) -> tuple[FloatArray, float, float]:
    """Return b, s2, and minus twice the restricted log-likelihood less a constant, at ``Psi = L L'``."""
    s, log_det = _shrink(root, sums.zz)
    inner = sums.ww - np.einsum("iqa,iqr,irb->ab", sums.zw, s, sums.zw, optimize=True)
    p = len(inner) - 1
    coef = np.linalg.solve(inner[:p, :p], inner[:p, p])
    rest, freedom = float(inner[p, p] - coef @ inner[:p, p]), sums.n - p
    total = log_det.sum() + freedom * np.log(rest) + np.linalg.slogdet(inner[:p, :p])[1]
    return coef, rest / freedom, float(total)


def _unpack(packed: FloatArray, q: int) -> FloatArray:
    root = np.zeros((q, q))
    root[np.tril_indices(q)] = packed
    return root


def _find_root(sums: _Sums) -> FloatArray:
    """Lower root L of the ``Psi`` that minimises the criterion, or refuse."""
    from scipy.optimize import minimize

    q = sums.zz.shape[1]
    # Random columns may differ in size by much: of columns of length 1 each moves the mean as much as the others.
    sizes = np.sqrt(np.maximum(np.diagonal(sums.zz.sum(axis=0)) / sums.n, 1e-12))

    def value(packed: FloatArray) -> float:
        return _profile(_unpack(packed, q) / sizes[:, None], sums)[2] / sums.n

    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # far off there may be no noise left
        begin = np.eye(q)[np.tril_indices(q)]
        found = minimize(value, begin, method="BFGS", jac="3-point", options={"gtol": _SMALL_GRADIENT})
        root = _unpack(np.asarray(found.x, dtype=np.float64), q) / sizes[:, None]
        noise, alone = _profile(root, sums)[1], _profile(np.zeros((q, q)), sums)[1]
    if not np.abs(found.jac).max() <= _LARGEST_GRADIENT or not noise > _LEAST_NOISE * alone:
        raise NotEstimable(
            "The mixed model of the pain course did not converge; too few episodes have ratings on several days."
        )
    return root


def _read(
    root: FloatArray, sums: _Sums, y: FloatArray, x: FloatArray, z: FloatArray, starts: IntArray, patient: IntArray
) -> MixedFit:
    """Take over the fit, with its variance summed by cluster."""
    coef, scale, total = _profile(root, sums)
    psi, freedom = root @ root.T, y.size - x.shape[1]
    log_likelihood = -(total + freedom * (1.0 + np.log(2.0 * np.pi) - np.log(freedom))) / 2.0
    values = np.linalg.eigvalsh(psi)
    sizes = np.diagonal(psi) * np.diagonal(sums.zz.sum(axis=0)) / sums.n
    is_at_edge = bool(sizes.min() < 1e-3 or values[0] < 1e-4 * values[-1])
    units = sum_units(x, z, y - x @ coef, starts)
    return MixedFit(
        coef=coef,
        cov_model=np.asarray(scale * np.linalg.inv(mean_information(units, psi)), dtype=np.float64),
        cov_cluster=cluster_variance(units, psi, scale, patient[starts], spread_known=is_at_edge),
        cov_random=scale * psi,
        sd_rating=float(np.sqrt(scale)),
        log_likelihood=log_likelihood,
        n=y.size,
        n_units=starts.size,
        n_clusters=int(patient.max()) + 1,
        is_at_edge=is_at_edge,
    )
