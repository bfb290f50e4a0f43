"""Accelerated failure time regression for times known only to lie in ``(left, right]``.

``log(time) = intercept + X b + scale * error``. ``exp(b)`` is a time ratio: by how much the time is longer for one unit
more of the column. Errors: smallest extreme value (`weibull`), logistic (`loglogistic`), normal (`lognormal`). Exact,
left-, right- and interval-censored rows are used together (Kalbfleisch and Prentice 2002, doi:10.1002/9781118032985).

Rows that are alike are counted first, so the cost follows the distinct rows. How the maximum is found, and when it is
refused: `aft_maximum`. The variance is the inverse of the observed information; with `cluster`, the sandwich of score
sums by cluster (Lin and Wei 1989, doi:10.1080/01621459.1989.10478874) without a small-sample factor, as in R's
``survreg(..., cluster=)``. Two things differ from survival 3.5.3 on purpose: the scores carry the weights, as R's
``coxph`` has them, and the derivative in the log scale of a row with two finite ends has its right sign (R's scores do
not sum to zero at its maximum; `selftest/reference/make_aft.R` shows it).

What the caller must guarantee: the family fits; given the columns, when somebody is looked at says nothing of the event
beyond what the interval says; clusters are independent of each other and many.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from outcomes.errors import NotEstimable
from outcomes.estimators.aft_families import find_family
from outcomes.estimators.aft_maximum import Design, Maximum, build_design, maximise
from outcomes.estimators.aft_rows import CountedRows, check_clusters, check_ends, check_table, count_intervals
from outcomes.estimators.checks import FloatArray, check_level, check_weights, normal_quantile, refused
from outcomes.estimators.counting import sum_by

IntArray = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class AftFit:
    """A fitted regression of the logarithm of time.

    Attributes
    ----------
    family : str
        ``"weibull"``, ``"loglogistic"`` or ``"lognormal"``.
    coef : ndarray, shape (p + 1,)
        Intercept first, then one number a column of X, on the logarithm of the unit of time.
    log_scale : float
    std_err : ndarray, shape (p + 2,)
        Of the coefficients, then of the log scale; by cluster where clusters were given.
    covariance : ndarray, shape (p + 2, p + 2)
        The same order, as R's ``vcov``.
    naive_std_err, naive_covariance : ndarray
        The same from the observed information alone, which takes all rows as independent; equal to the former where no
        clusters were given.
    lower, upper : ndarray, shape (p + 1,)
        Normal confidence limits of `coef` from `std_err`.
    level : float
    loglik : float
        Weighted log-likelihood; an exact time counts with its density of time (not of its logarithm), as in R.
    n : int
        Rows with a weight above 0.
    events : int
        Of these, rows whose event was seen: exact, by a first look, or between two looks.
    uninformative : int
        Of these, rows ``(0, inf]``, which say nothing.
    clusters : int or None
        Number of clusters among rows with weight.
    patterns : int
        Distinct rows that were fitted.
    iterations : int
        Newton steps.
    gradient : float
        Largest derivative of the log-likelihood at the end, in standardised columns, over the total weight.
    """

    family: str
    coef: FloatArray
    log_scale: float
    std_err: FloatArray
    covariance: FloatArray
    naive_std_err: FloatArray
    naive_covariance: FloatArray
    lower: FloatArray
    upper: FloatArray
    level: float
    loglik: float
    n: int
    events: int
    uninformative: int
    clusters: int | None
    patterns: int
    iterations: int
    gradient: float


def aft_interval(
    X: ArrayLike,
    left: ArrayLike,
    right: ArrayLike,
    family: str,
    weights: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    level: float = 0.95,
    *,
    names: Sequence[str] | None = None,
) -> AftFit:
    """Fit ``log(time) = intercept + X b + scale * error`` to intervals.

    Parameters
    ----------
    X : array_like, shape (n, p)
        Columns without a constant; ``p = 0``, shape (n, 0), fits the intercept alone.
    left, right : array_like, shape (n,)
        Interval ends ``(left, right]`` in one unit of time. ``left = 0``: happened by `right`. ``right = inf``: not
        happened by `left`. ``left == right``, above 0: exactly then. ``0`` and ``inf`` together say nothing; such rows
        are counted and change nothing.
    family : str
        ``"weibull"``, ``"loglogistic"`` or ``"lognormal"``; ``"log-logistic"`` and the like are understood.
    weights : array_like, shape (n,), optional
        Case weights, 0 or more, fractions allowed. As in R, a weight of 2 is the same as the row twice.
    cluster : array_like, shape (n,), optional
        Who each row belongs to, as numbers or text; asks for the variance by cluster.
    level : float
        Confidence level of `lower` and `upper`.
    names : sequence of str, length p, optional
        How messages call the columns; by default ``column 0 of X`` and so on.

    Returns
    -------
    AftFit

    Raises
    ------
    InputRefused
        E671 negative `left`; E672 `left` above `right`; E673 an exact time of 0; E674 unknown family; E675 X not a
        table; E676 `names` not one a column; E679 unusable cluster labels; and what every argument is checked for:
        NaN, infinite, unequal lengths, negative weights.
    NotEstimable
        No rows or weight; no row says anything; the event never seen, or always at the first look; columns constant or
        collinear; separation; only one cluster; no convergence.
    """
    chosen, share = find_family(family), check_level(level)
    a, b = check_ends(left, right)
    table = check_table(X, a.size)
    labels = _check_names(names, table.shape[1])
    w = check_weights(weights, a.size)
    member = None if cluster is None else check_clusters(cluster, a.size)
    counted = count_intervals(table, a, b, w)
    _refuse_one_sided(counted)
    design = build_design(counted.X, counted.left, counted.right, counted.weight, labels)
    found = maximise(chosen, design, labels)
    coef, log_scale, turn = _original_units(found.theta, design)
    naive = turn @ np.linalg.solve(found.information, turn.T)
    covariance, clusters = (naive, None) if member is None else _by_cluster(found, design, turn, counted.row, w, member)
    std_err = np.sqrt(np.diag(covariance))
    reach = normal_quantile(share) * std_err[:-1]
    used, seen = w > 0, np.isfinite(b)
    return AftFit(
        family=chosen.name,
        coef=coef,
        log_scale=log_scale,
        std_err=std_err,
        covariance=covariance,
        naive_std_err=np.sqrt(np.diag(naive)),
        naive_covariance=naive,
        lower=coef - reach,
        upper=coef + reach,
        level=share,
        loglik=_loglik(found, design, counted),
        n=int(used.sum()),
        events=int((used & seen).sum()),
        uninformative=int((used & ~seen & (a == 0)).sum()),
        clusters=clusters,
        patterns=counted.weight.size,
        iterations=found.iterations,
        gradient=found.gradient,
    )


def time_ratios(fit: AftFit) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return ``exp(coef)`` of the columns and its limits, each of shape (p,): above 1 is later, below 1 is sooner."""
    return np.exp(fit.coef[1:]), np.exp(fit.lower[1:]), np.exp(fit.upper[1:])


def _check_names(names: Sequence[str] | None, columns: int) -> list[str]:
    if names is None:
        return [f"column {j} of X" for j in range(columns)]
    try:
        given = [str(name) for name in names]
    except TypeError:
        raise refused("E676", "names", "must be words in a list, one for each column of X.") from None
    if len(given) != columns:
        raise refused("E676", "names", "must be one for each column of X.")
    return given


def _refuse_one_sided(counted: CountedRows) -> None:
    if not counted.weight.size:
        raise NotEstimable("No row says anything: every interval reaches from 0 to infinity.")
    if np.isinf(counted.right).all():
        raise NotEstimable("The event was never seen in any row: the regression cannot be estimated.")
    if not counted.left.any():
        raise NotEstimable(
            "The event had always happened by the first look: how soon, the rows do not say, and the regression cannot "
            "be estimated."
        )


def _original_units(theta: FloatArray, design: Design) -> tuple[FloatArray, float, FloatArray]:
    """Return coefficients, log scale, and the derivative of both in ``theta``, shape (p + 2, p + 2)."""
    gamma, tau = theta[:-1], theta[-1]
    q = gamma.size
    # From standardised coefficients to those of the columns and times as given.
    back = np.diag(np.concatenate([[1.0], 1.0 / design.spread]))
    back[0, 1:] = -design.center / design.spread
    back *= design.y_spread
    coef = back @ gamma / tau
    coef[0] += design.y_center
    turn = np.zeros((q + 1, q + 1))
    turn[:q, :q] = back / tau
    turn[:q, -1] = -(back @ gamma) / tau**2
    turn[-1, -1] = -1.0 / tau
    return coef, float(np.log(design.y_spread) - np.log(tau)), turn


def _by_cluster(
    found: Maximum, design: Design, turn: FloatArray, row: IntArray, w: FloatArray, member: IntArray
) -> tuple[FloatArray, int]:
    used = w > 0
    clusters = int(np.count_nonzero(np.bincount(member[used])))
    if clusters < 2:
        raise NotEstimable("All rows belong to one cluster: a variance by cluster needs at least two, and many.")
    terms = found.terms
    score = np.column_stack([-design.W * terms.d_a[:, None], terms.d_tau])
    informative = row >= 0
    place, weight, group = row[informative], w[informative], member[informative]
    size = int(member.max()) + 1
    sums = np.stack([sum_by(group, weight * column[place], size) for column in score.T], axis=1)
    spread = turn @ np.linalg.solve(found.information, sums.T)
    return spread @ spread.T, clusters


def _loglik(found: Maximum, design: Design, counted: CountedRows) -> float:
    # The fit knows exact times by the density of the scaled logarithm; the density of time divides by both.
    exact = counted.left == counted.right
    jacobian = counted.weight[exact] @ (np.log(counted.left[exact]) + np.log(design.y_spread))
    return float(design.weight @ found.terms.value - jacobian)
