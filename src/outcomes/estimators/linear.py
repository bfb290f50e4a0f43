r"""Least squares with a variance that holds for rows of unequal spread, and for rows that come in clusters.

``mean(y) = b0 + X b``. The coefficients are those of ordinary least squares, which are those of generalised estimating
equations with identity link and working independence (Liang and Zeger 1986, doi:10.1093/biomet/73.1.13). Their variance
is the sandwich of score sums by cluster::

    V = c (Z'Z)^-1 [ sum_g u_g u_g' ] (Z'Z)^-1,   u_g = sum of z_i (y_i - z_i'b) over the rows of cluster g
    c = G / (G - 1) * (n - 1) / (n - q),          q = 1 + p columns, the constant among them

with the usual factor for few clusters (CR1; Cameron and Miller 2015, doi:10.3368/jhr.50.2.317), as in statsmodels'
``cov_type="cluster"``. Without clusters each row is its own, c is ``n / (n - q)`` and V is known as HC1 (MacKinnon and
White 1985, doi:10.1016/0304-4076(85)90158-7). Limits and p-values are Student's with ``min(G - 1, n - q)`` degrees of
freedom.

It serves analyses of covariance (an outcome on the arm and on what was known before) and regressions of
pseudo-observations, whose spread is unequal by nature.

What the caller must guarantee: clusters are independent of each other. With fewer than about 30 of them the variance
comes out too small, and the more so the more one cluster decides.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from outcomes.errors import NotEstimable
from outcomes.estimators.aft_rows import check_clusters
from outcomes.estimators.checks import LARGEST_SUM, FloatArray, check_columns, check_level, check_numbers, refused
from outcomes.estimators.orthogonal import Design, build_design, find_ends, find_fixed

IntArray = NDArray[np.intp]

# Rows and columns nearer to their fit than this, as a share of what they are, are fitted exactly.
_EXACT = 1e-13


@dataclass(frozen=True, slots=True)
class LinearFit:
    """A fitted linear mean.

    Attributes
    ----------
    coef, std_err : ndarray, shape (1 + p,)
        The constant first, then one number a column of X, in the unit of y.
    covariance : ndarray, shape (1 + p, 1 + p)
    low, high : ndarray, shape (1 + p,)
        Confidence limits.
    p_values : ndarray, shape (1 + p,)
        Two-sided, of a coefficient of 0.
    level : float
    df : int
        Degrees of freedom of limits and p-values: ``min(clusters - 1, n - 1 - p)``.
    n : int
    clusters : int or None
        None where each row was its own.
    """

    coef: FloatArray
    std_err: FloatArray
    covariance: FloatArray
    low: FloatArray
    high: FloatArray
    p_values: FloatArray
    level: float
    df: int
    n: int
    clusters: int | None


@dataclass(frozen=True, slots=True)
class LeastSquares:
    """The least-squares solution alone.

    ``coef`` (q,) of the columns with the constant, ``residual`` (n,), and ``pull`` (n, q): how much a unit of a row's
    residual moves each coefficient, the rows of ``Z (Z'Z)^-1``.
    """

    coef: FloatArray
    residual: FloatArray
    pull: FloatArray


def linear_regression(X: ArrayLike, y: ArrayLike, cluster: ArrayLike | None = None, level: float = 0.95) -> LinearFit:
    """Fit ``b0 + X b`` by least squares, with the sandwich variance.

    Parameters
    ----------
    X : array_like, shape (n, p)
        Columns without a constant; shape (n, 0) fits the mean alone.
    y : array_like, shape (n,)
    cluster : array_like, shape (n,), optional
        Who each row belongs to, as numbers or text.
    level : float
        Confidence level.

    Raises
    ------
    InputRefused
        NaN, infinite values, unequal lengths; E761 a column that does not vary; E762 a column that others determine;
        E763 values beyond 1e100; E679 unusable cluster labels.
    NotEstimable
        No rows, no more rows than coefficients, one cluster only, or a fit without any residual.
    """
    outcome = check_outcome("y", y)
    table = check_columns("X", X, outcome.size).astype(np.float64, copy=False)
    member = None if cluster is None else check_clusters(cluster, outcome.size)
    level, n, q = check_level(level), outcome.size, table.shape[1] + 1
    if not n:
        raise NotEstimable("Nothing to estimate from: no rows were given.")
    fit = solve_least_squares(build_columns(table), outcome)
    if n <= q:
        raise NotEstimable(f"A line through {n} rows with {q} coefficients leaves nothing to judge its errors by.")
    of = np.arange(n) if member is None else member
    G = int(of.max()) + 1
    if G < 2:
        raise NotEstimable("All rows belong to one cluster: a variance by cluster needs at least two, and many.")
    if np.abs(fit.residual).max() <= _EXACT * np.abs(outcome).max():
        raise NotEstimable("The columns give every value of y exactly: there is no error to be estimated.")
    covariance = G / (G - 1.0) * (n - 1.0) / (n - q) * sum_products(fit.pull * fit.residual[:, None], of)
    std_err, df = np.sqrt(np.diagonal(covariance)), min(G - 1, n - q)
    reach = t_quantile(level, df) * std_err
    return LinearFit(
        coef=fit.coef,
        std_err=std_err,
        covariance=covariance,
        low=fit.coef - reach,
        high=fit.coef + reach,
        p_values=two_sided(fit.coef, std_err, df),
        level=level,
        df=df,
        n=n,
        clusters=None if member is None else G,
    )


def check_outcome(name: str, values: ArrayLike, length: int | None = None) -> FloatArray:
    """Return the outcome, shape (n,), or refuse it: E763 where its squares would leave the range of numbers."""
    array = check_numbers(name, values, length)
    if np.abs(array).max(initial=0.0) > LARGEST_SUM:
        raise refused("E763", name, f"is beyond {LARGEST_SUM:g}; its squares would leave the range of numbers.")
    return array


def build_columns(table: FloatArray) -> Design:
    """Put a constant before the columns, shape (n, p), and turn them orthogonal, or refuse them by position."""
    low, high = find_ends(table)
    for j in np.flatnonzero(np.maximum(-low, high) > LARGEST_SUM):
        raise refused("E763", f"X[:, {j}]", f"is beyond {LARGEST_SUM:g}; its squares would leave the range of numbers.")
    for j in np.flatnonzero(find_fixed(low, high)):
        raise refused(
            "E761",
            f"X[:, {j}]",
            "has one value only, to 12 digits; a constant is in the model already.",
            "Leave it out.",
        )
    n = table.shape[0]
    design = build_design(table, np.ones(n), constants=1, add_constant=True)
    if design.same is not None:
        what = "is determined by the columns before it, or there are more columns than rows."
        raise refused("E762", f"X[:, {design.same - 1}]", what, "Leave it out.")
    return design


def solve_least_squares(design: Design, outcome: FloatArray) -> LeastSquares:
    """Solve for columns that `build_columns` found usable; `outcome` (n,)."""
    z = design.basis
    # The basis is orthogonal up to rounding; its own products see to the rest. Only tables of q by q are solved for.
    pull = z @ design.to_coef(np.linalg.inv(z.T @ z).astype(np.float64, copy=False))
    # Centred first, a large offset of the outcome costs no digits; the constant takes it back.
    middle = float(outcome.mean())
    coef = (outcome - middle) @ pull
    residual = outcome - middle - z @ (design.turn @ coef)
    coef[0] += middle
    return LeastSquares(coef, residual, pull)


def sum_products(terms: FloatArray, of: IntArray) -> FloatArray:
    """Return the products of the clusters' sums of the terms, summed: terms (n, q), clusters (n,), result (q, q)."""
    totals = sum_rows(terms, of)
    return totals.T @ totals


def sum_rows(terms: FloatArray, of: IntArray) -> FloatArray:
    """Sum the rows, shape (n, q), of each cluster 0..g-1, shape (g, q)."""
    from scipy.sparse import csr_array

    # Along the rows: column by column a large table would be read from memory once for each of them.
    size = int(of.max()) + 1
    begin = np.concatenate([[0], np.cumsum(np.bincount(of, minlength=size))])
    members = csr_array((np.ones(of.size), np.argsort(of, kind="stable"), begin), shape=(size, of.size))
    return np.asarray(members @ terms)


def t_quantile(level: float, df: int) -> float:
    """Return how many standard errors a two-sided interval of this level reaches, by Student's distribution."""
    from scipy.special import stdtrit

    return float(stdtrit(df, 0.5 + level / 2.0))


def two_sided(estimate: FloatArray, std_err: FloatArray, df: int) -> FloatArray:
    """Return Student's two-sided p-values of an estimate of 0, shape (k,)."""
    from scipy.special import stdtr

    return np.asarray(2.0 * stdtr(df, -np.abs(estimate / std_err)), dtype=np.float64)
