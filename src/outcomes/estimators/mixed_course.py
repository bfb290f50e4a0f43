r"""A linear mixed model of repeated ratings, with a variance of its fixed effects that is summed by patient.

The model of unit *i* (an episode) is ``y_i = X_i b + Z_i u_i + e_i`` with ``u_i ~ N(0, s2 Psi)`` and
``e_i ~ N(0, s2 I)``, so that ``Var(y_i) = s2 V_i`` and ``V_i = I + Z_i Psi Z_i'`` (Laird and Ware 1982,
doi:10.2307/2529876), fitted by restricted maximum likelihood with `statsmodels.MixedLM` (Lindstrom and Bates 1988,
doi:10.1080/01621459.1988.10478693). Its likelihood holds when visiting and stopping depend on ratings already recorded.

Two episodes of a patient are not independent, which the model does not say. The variance of the fixed effects is
therefore a sandwich summed by patient; its formula stands in `outcomes.estimators.mixed_variance`.

`MixedLM` walks through the units one by one, in Python. Its start values are therefore the optimum of the same
criterion written in sums over units, one array operation each: it then has next to nothing to search. It still decides:
the fit that is returned is the one it ended with, and one that did not converge is refused.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from outcomes.errors import Finding, InputRefused, NotEstimable
from outcomes.estimators.checks import FloatArray, check_columns, check_numbers
from outcomes.estimators.counting import distinct
from outcomes.estimators.mixed_variance import cluster_variance, mean_information, sum_units

IntArray = NDArray[np.intp]
_LEAST_UNITS = 3
_LEAST_START = 1e-7
"""Start values on the edge of what is possible have no logarithm of a determinant; they begin a little inside it. Much
further inside, `MixedLM` spends a hundred times as long on its way to the edge."""

_MOST_LOSS = 1e-3
"""Log-likelihood that `MixedLM` may end below its start: its rule to stop is looser than that of the start values."""


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
        Restricted, at the optimum.
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
    root = _start_root(sums)
    result = _run_mixedlm(y, x, z, of, root)
    if sums.n / 2.0 * (_criterion(_root(result), sums) - _criterion(root, sums)) > _MOST_LOSS:
        raise NotEstimable("The mixed model of the pain course did not converge: it ended below where it had started.")
    return _read(result, sums, y, x, z, starts, patient)


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


def _criterion(root: FloatArray, sums: _Sums) -> float:
    """Minus twice the restricted log-likelihood for each rating at ``Psi = L L'``, up to a constant."""
    s, log_det = _shrink(root, sums.zz)
    inner = sums.ww - np.einsum("iqa,iqr,irb->ab", sums.zw, s, sums.zw, optimize=True)
    p = len(inner) - 1
    coef = np.linalg.solve(inner[:p, :p], inner[:p, p])
    rest = inner[p, p] - coef @ inner[:p, p]
    freedom = sums.n - p
    total = log_det.sum() + freedom * np.log(rest) + np.linalg.slogdet(inner[:p, :p])[1]
    return float(total / sums.n)


def _unpack(packed: FloatArray, q: int) -> FloatArray:
    root = np.zeros((q, q))
    root[np.tril_indices(q)] = packed
    return root


def _start_root(sums: _Sums) -> FloatArray:
    """Lower root of the ``Psi`` that minimises the criterion; it only starts `MixedLM`, which decides."""
    from scipy.optimize import minimize

    q = sums.zz.shape[1]
    # Random columns may differ in size by much: begin where each moves the mean as much as the others.
    sizes = np.sqrt(np.maximum(np.diagonal(sums.zz.sum(axis=0)) / sums.n, 1e-12))
    begin = np.diag(1.0 / sizes)[np.tril_indices(q)]
    found = minimize(
        lambda packed: _criterion(_unpack(packed, q), sums), begin, method="BFGS", jac="3-point", options={"gtol": 1e-7}
    )
    return _unpack(np.asarray(found.x, dtype=np.float64), q)


def _root(result: Any) -> FloatArray:
    """Give a root of the ``Psi`` that `MixedLM` ended with; on the edge it has no Cholesky root."""
    values, vectors = np.linalg.eigh(np.asarray(result.cov_re_unscaled, dtype=np.float64))
    return vectors * np.sqrt(np.maximum(values, 0.0))


def _run_mixedlm(y: FloatArray, x: FloatArray, z: FloatArray, of: IntArray, root: FloatArray) -> Any:
    """Run `MixedLM` from these start values; refuse by name what did not converge."""
    from statsmodels.regression.mixed_linear_model import MixedLM, MixedLMParams

    values, vectors = np.linalg.eigh(root @ root.T)
    inside = (vectors * np.maximum(values, max(_LEAST_START * values.max(), 1e-8))) @ vectors.T
    start = MixedLMParams.from_components(fe_params=np.zeros(x.shape[1]), cov_re=inside)
    try:
        with warnings.catch_warnings():
            # What they warn of is asked of the result instead: `converged`, and variances at their edge.
            warnings.simplefilter("ignore")
            model: Any = MixedLM(y, x, groups=of, exog_re=z)
            # Half the time of `fit` goes into second derivatives for standard errors that nobody reads here.
            model.hessian = lambda params: (-np.eye(model.k_fe + model.k_re2), False)
            result = model.fit(start_params=start, reml=True)
    except np.linalg.LinAlgError:
        raise NotEstimable("The mixed model of the pain course has no solution: a matrix of it is singular.") from None
    if not result.converged or not np.isfinite(result.llf):
        raise NotEstimable(
            "The mixed model of the pain course did not converge; too few episodes have ratings on several days."
        )
    return result


def _read(
    result: Any, sums: _Sums, y: FloatArray, x: FloatArray, z: FloatArray, starts: IntArray, patient: IntArray
) -> MixedFit:
    """Take over the fit, with its variance summed by cluster."""
    coef = np.asarray(result.fe_params, dtype=np.float64)
    psi = np.asarray(result.cov_re_unscaled, dtype=np.float64)
    values, scale = np.linalg.eigvalsh(psi), float(result.scale)
    sizes = np.diagonal(psi) * np.diagonal(sums.zz.sum(axis=0)) / sums.n
    is_at_edge = bool(sizes.min() < 1e-3 or values[0] < 1e-4 * values[-1])
    units = sum_units(x, z, y - x @ coef, starts)
    return MixedFit(
        coef=coef,
        cov_model=np.asarray(scale * np.linalg.inv(mean_information(units, psi)), dtype=np.float64),
        cov_cluster=cluster_variance(units, psi, scale, patient[starts], spread_known=is_at_edge),
        cov_random=np.asarray(result.cov_re, dtype=np.float64),
        sd_rating=float(np.sqrt(scale)),
        log_likelihood=float(result.llf),
        n=y.size,
        n_units=starts.size,
        n_clusters=int(patient.max()) + 1,
        is_at_edge=is_at_edge,
    )
