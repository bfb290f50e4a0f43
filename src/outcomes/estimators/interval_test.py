"""The log-rank type test of whether k groups share one course, when events are only known to lie in ``(left, right]``.

Every row gets one score from the curve of all groups together, and the scores are summed by group. The score is the
derivative of the row's log-likelihood when its hazard is multiplied by a constant (Finkelstein 1986,
doi:10.2307/2530698; Fay and Shaw 2010, doi:10.18637/jss.v036.i02)::

    c = [S(left) log S(left) - S(right) log S(right)] / [S(left) - S(right)]

with S the common share without the event. It is near 1 for an early event and falls below 0 the longer a row is seen
without one; over all rows the scores sum to 0. With exact and right-censored times it is the log-rank score, up to the
difference between the logarithm of the Kaplan-Meier curve and the cumulative hazard.

Two variances. When every row is another patient, the variance over all reassignments of the groups to the rows, exact
for the scores as they are (the permutation form of Fay and Shaw). When patients repeat, the scores times the centred
group indicators are summed within each patient, and the sums' squares are the variance; rows of a patient may stand in
different groups.

What the caller must guarantee: whether and when somebody is looked at does not depend on the event once the recorded
past is given. The permutation variance also needs visits of about the same kind in every group; give `cluster` (each
row its own, if nobody repeats) where groups are seen at different intervals. A small p-value says that the courses
differ, not why.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from outcomes.errors import NotEstimable
from outcomes.estimators.checks import FloatArray, refuse_where
from outcomes.estimators.counting import sum_by
from outcomes.estimators.curves.logrank import MOST_GROUPS, number_labels
from outcomes.estimators.npmle import Npmle, Patterns, build_patterns, fit_patterns

IntArray = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class IntervalTest:
    """A log-rank type test of k groups with interval-censored times.

    Attributes
    ----------
    statistic : float
        Chi-square statistic.
    df : int
        Degrees of freedom, k - 1.
    p_value : float
        Chance of a statistic this large or larger if all groups had one course.
    groups : tuple, length k
        The labels, sorted.
    n : ndarray of int, shape (k,)
        Rows of each group.
    scores_sum : ndarray, shape (k,)
        Sum of the scores of each group, summing to 0; above 0 where events came earlier than in all together.
    covariance : ndarray, shape (k, k)
        Of `scores_sum` if all groups had one course.
    n_clusters : int or None
        Patients whose rows were summed; None when every row counted as another patient.
    """

    statistic: float
    df: int
    p_value: float
    groups: tuple[Any, ...]
    n: IntArray
    scores_sum: FloatArray
    covariance: FloatArray
    n_clusters: int | None


def interval_logrank(
    left: ArrayLike, right: ArrayLike, group: ArrayLike, cluster: ArrayLike | None = None
) -> IntervalTest:
    """Test whether k groups share one course.

    Parameters
    ----------
    left, right : array_like, shape (n,)
        Interval ends ``(left, right]``, 0 or later; ``right = inf``: not happened by `left`; ``left == right``: exactly
        then.
    group : array_like, shape (n,)
        Labels that can be sorted: numbers or text.
    cluster : array_like, shape (n,), optional
        Patient of each row, where patients repeat.

    Raises
    ------
    InputRefused
        What `npmle.npmle` refuses; missing labels or labels that cannot be sorted, more than 200 groups, unequal
        lengths.
    NotEstimable
        No rows, one group only, an event that was never seen, a group of which no row says anything, groups that
        differ in nothing the variance could be taken from, or too few patients for it.
    """
    from scipy.special import chdtrc

    patterns = build_patterns(left, right)
    codes, groups = number_labels("group", group, patterns.row.size)
    k = len(groups)
    if k < 2:
        raise NotEstimable("Nothing to compare: all rows are of one group.")
    refuse_where(np.array([k > MOST_GROUPS]), "E682", "group", f"has more than {MOST_GROUPS} different labels.")
    score = compute_scores(patterns, fit_patterns(patterns))
    _refuse_silent_groups(patterns, codes, k)
    m = patterns.left.size
    # Rows are counted by pattern and group: every row of one pattern has the same score.
    table = sum_by(patterns.row * k + codes, np.ones(codes.size), m * k).reshape(m, k)
    n, total = table.sum(axis=0), score @ table
    n_clusters = None
    if cluster is None:
        covariance = _permutation_covariance(score, table.sum(axis=1), n)
    else:
        who, names = number_labels("cluster", cluster, codes.size)
        covariance, n_clusters = _cluster_covariance(score[patterns.row], codes, n, who, len(names)), len(names)
    statistic = _statistic(total, covariance)
    counts = n.astype(np.intp)
    return IntervalTest(
        statistic, k - 1, float(chdtrc(k - 1, statistic)), groups, counts, total, covariance, n_clusters
    )


def compute_scores(patterns: Patterns, fit: Npmle) -> FloatArray:
    """Return the log-rank score of each pattern under the common curve, shape (m,); their weighted sum is 0."""
    without = np.append(np.cumsum(fit.mass[::-1])[::-1], 0.0)
    # An open left end comes after a mass at that very time, an exact time before it.
    exact = patterns.left == patterns.right
    at_left = np.searchsorted(fit.right, patterns.left, side="right")
    before = np.searchsorted(fit.right, patterns.left, side="left")
    start = without[np.where(exact, before, at_left)]
    stop = without[np.searchsorted(fit.right, patterns.right, side="right")]
    return (_x_log_x(start) - _x_log_x(stop)) / (start - stop)


def _x_log_x(x: FloatArray) -> FloatArray:
    return x * np.log(x, out=np.zeros_like(x), where=x > 0)


def _refuse_silent_groups(patterns: Patterns, codes: IntArray, k: int) -> None:
    """Refuse a group all of whose rows are ``(0, inf]``: its patients were never looked at again."""
    says = ((patterns.left > 0) | np.isfinite(patterns.right))[patterns.row]
    for i in np.flatnonzero(np.bincount(codes[says], minlength=k) == 0):
        raise NotEstimable(
            f"Group {i + 1} of {k}, in sorted order, cannot be compared: nobody of it was seen after the start."
        )


def _permutation_covariance(score: FloatArray, count: FloatArray, n: FloatArray) -> FloatArray:
    """Covariance of the group sums over all ways to deal the scores to groups of these sizes."""
    rows = n.sum()
    spread = float(count @ (score - count @ score / rows) ** 2) / (rows - 1.0)
    covariance: FloatArray = spread * (np.diag(n) - np.outer(n, n) / rows)
    return covariance


def _cluster_covariance(score: FloatArray, codes: IntArray, n: FloatArray, who: IntArray, patients: int) -> FloatArray:
    """Covariance from each patient's sum of scores times centred group indicators."""
    k = n.size
    if patients < k + 1:
        raise NotEstimable(f"The groups cannot be compared: {patients} patients are too few for {k} groups.")
    by_group = sum_by(who * k + codes, score, patients * k).reshape(patients, k)
    influence = by_group - by_group.sum(axis=1, keepdims=True) * (n / n.sum())
    covariance: FloatArray = influence.T @ influence * (patients / (patients - 1.0))
    return covariance


def _statistic(total: FloatArray, covariance: FloatArray) -> float:
    """Quadratic form over all groups but one; sums and covariance add to 0 over groups, so it matters not which."""
    off, variance = total[:-1], covariance[:-1, :-1]
    scale = np.sqrt(np.diag(variance))
    if not (scale > 0).all() or np.linalg.cond(variance / np.outer(scale, scale)) > 1e10:
        raise NotEstimable("The groups cannot be compared: their scores leave no variance to compare them by.")
    return float(off @ np.linalg.solve(variance, off))
