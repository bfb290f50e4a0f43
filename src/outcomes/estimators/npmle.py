"""The interval-censored curve: the event is only known to lie in ``(left, right]``.

The nonparametric maximum-likelihood estimate puts all mass on the innermost intervals, those that begin at some left
end and reach the next right end with no other end between (Peto 1973, doi:10.2307/2346307; Turnbull 1976,
doi:10.1111/j.2517-6161.1976.tb01597.x). Where inside such an interval the mass lies cannot be known, so the curve has a
lower and an upper bound there.

How it is computed. The self-consistency iteration (EM) creeps near the boundary of the parameter space; it needs
thousands of passes on real data. Used here is the constrained Newton method of Wang 2007
(doi:10.1111/j.1467-9868.2007.00583.x; for interval data 2008, doi:10.1016/j.csda.2007.10.018): keep a small set of
intervals with mass, add where the gradient is largest between them, solve a nonnegative quadratic problem for all
masses at once, and step back if the likelihood did not rise (`npmle_steps`). Each data interval covers a run of
neighbouring innermost intervals, so likelihood, gradient and Hessian are sums over a table of runs: the cost follows
the number of distinct intervals, not of rows.

When it stops. The likelihood is concave, so a point is the maximum if and only if the gradient of no interval exceeds
the total weight (Gentleman and Geyer 1994, doi:10.1093/biomet/81.3.618). ``gap`` is that excess, relative; the fit ends
below 1e-9 and refuses to answer if it cannot get there.

What the caller must guarantee: whether and when somebody is looked at does not depend on the event once the recorded
past is given.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from outcomes.errors import NotEstimable
from outcomes.estimators.checks import FloatArray, check_days, check_numbers, check_share, check_weights, refuse_where
from outcomes.estimators.counting import distinct, distinct_pairs, sum_by

IntArray = NDArray[np.intp]

GAP = 1e-9


@dataclass(frozen=True, slots=True)
class Npmle:
    """Masses on innermost intervals, ascending.

    Attributes
    ----------
    left, right : ndarray, shape (k,)
        The intervals ``(left, right]`` that carry mass; ``left == right`` for an exact time, ``right = inf`` for mass
        beyond the last right end.
    mass : ndarray, shape (k,)
        Probability of each, summing to 1.
    loglik : float
        Weighted log-likelihood.
    iterations : int
        Newton steps taken; 0 when the product-limit formula was enough.
    gap : float
        Largest gradient over total weight, minus 1: the certificate that this is the maximum.
    """

    left: FloatArray
    right: FloatArray
    mass: FloatArray
    loglik: float
    iterations: int
    gap: float


@dataclass(frozen=True, slots=True)
class Patterns:
    """Distinct intervals with their weights, and where their ends stand among all distinct ends.

    Attributes
    ----------
    left, right : ndarray, shape (m,)
        The distinct intervals.
    weight : ndarray, shape (m,)
        Sum of weights of the rows in each.
    left_place, right_place : ndarray of int, shape (m,)
        Place of each end on one line: of three places a distinct value has, an exact time begins at the first, every
        interval ends at the second and an open left end begins at the third. So ``(a, x]`` and ``(x, b]`` do not meet.
    values : ndarray, shape (v,)
        The distinct finite and infinite ends.
    row : ndarray of int, shape (n,)
        The pattern of each row given, -1 for a row without weight.
    """

    left: FloatArray
    right: FloatArray
    weight: FloatArray
    left_place: IntArray
    right_place: IntArray
    values: FloatArray
    row: IntArray


@dataclass(frozen=True, slots=True)
class Cells:
    """Innermost intervals of some patterns (k of them, as places) and the run ``low..high`` each pattern covers."""

    left_place: IntArray
    right_place: IntArray
    low: IntArray
    high: IntArray


def npmle(left: ArrayLike, right: ArrayLike, weights: ArrayLike | None = None) -> Npmle:
    """Estimate the distribution of a time known only to lie in ``(left, right]``.

    Parameters
    ----------
    left, right : array_like, shape (n,)
        Interval ends, 0 or later, in one unit. ``right = inf``: not happened by `left`. ``left == right``: exactly
        then.
    weights : array_like, shape (n,), optional
        Case weights, 0 or more, fractions allowed.

    Returns
    -------
    Npmle

    Raises
    ------
    InputRefused
        Negative or NaN ends, infinite left, left above right, negative weights, unequal lengths.
    NotEstimable
        No rows, no weight, nothing but right-censored rows, or no convergence to the certificate.

    Notes
    -----
    Masses need not be unique although every pattern's probability is; then the one reached from the deterministic start
    is returned.
    """
    return fit_patterns(build_patterns(left, right, weights))


def fit_patterns(patterns: Patterns) -> Npmle:
    """Estimate from rows that `build_patterns` has counted; returns and raises as `npmle`."""
    if np.isinf(patterns.right).all():
        raise NotEstimable("The event was never seen in any row: the curve cannot be estimated.")
    cells = find_cells(patterns.left_place, patterns.right_place)
    mass, iterations, gap, loglik = maximise(cells, patterns.weight)
    used = mass > 0
    left_ends = patterns.values[cells.left_place[used] // 3]
    right_ends = patterns.values[cells.right_place[used] // 3]
    return Npmle(left_ends, right_ends, mass[used], loglik, iterations, gap)


def cdf_at(fit: Npmle, days: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return the share with the event by each time: mass at the ends of its intervals, and at their beginnings.

    Parameters
    ----------
    fit : Npmle
    days : array_like, shape (k,) or a number

    Returns
    -------
    lower, upper : ndarray, shape (k,)
        `lower` counts mass whose interval has ended by then, `upper` mass whose interval has begun.

    Raises
    ------
    InputRefused
        Days that are negative or not finite numbers.
    """
    at = check_days("days", days)
    total = np.concatenate([[0.0], np.cumsum(fit.mass)])
    lower = total[np.searchsorted(fit.right, at, side="right")]
    # At x an exact time x has happened although no interval begins before it: the lower count knows.
    upper = np.maximum(total[np.searchsorted(fit.left, at, side="left")], lower)
    return lower, upper


def quantile(fit: Npmle, share: float) -> tuple[float, float]:
    """Return the interval ``(left, right]`` in which `share` had the event; right is ``inf`` if that was never seen.

    Raises
    ------
    InputRefused
        E615: `share` is not one number inside (0, 1).
    """
    share = check_share("share", share, "E615", 0.5)
    reached = np.flatnonzero(np.cumsum(fit.mass) >= share - 1e-9)
    j = int(reached[0]) if reached.size else fit.mass.size - 1
    return float(fit.left[j]), float(fit.right[j])


def build_patterns(left: ArrayLike, right: ArrayLike, weights: ArrayLike | None = None) -> Patterns:
    """Check the rows and count them into distinct intervals; raises as `npmle`."""
    a = check_numbers("left", left)
    b = check_numbers("right", right, a.size, allow_infinite=True)
    w = check_weights(weights, a.size) if weights is not None or not a.size else None
    lefts, rights, count, row = distinct_pairs(a, b)
    # Rows are gone through again only to name those at fault.
    if (lefts < 0).any() or (lefts > rights).any():
        refuse_where(a < 0, "E631", "left", "is negative.")
        refuse_where(a > b, "E632", "left", "is above right.")
    weight = count.astype(np.float64) if w is None else sum_by(row, w, count.size)
    used = weight > 0
    if not used.all():
        lefts, rights, weight = lefts[used], rights[used], weight[used]
        row = np.where(used, np.cumsum(used) - 1, -1)[row]
    values, place = distinct(np.concatenate([lefts, rights]))
    left_place = 3 * place[: lefts.size] + np.where(lefts == rights, 0, 2)
    return Patterns(lefts, rights, weight, left_place, 3 * place[lefts.size :] + 1, values, row)


def find_cells(left_place: IntArray, right_place: IntArray) -> Cells:
    """Find the innermost intervals, and the run of them inside each pattern."""
    n_places = int(right_place.max()) + 1
    is_left = np.zeros(n_places, dtype=bool)
    is_right = np.zeros(n_places, dtype=bool)
    is_left[left_place] = True
    is_right[right_place] = True
    ends = np.flatnonzero(is_left | is_right)
    begins = is_left[ends]
    inner = np.flatnonzero(begins[:-1] & ~begins[1:])
    cell_left, cell_right = ends[inner], ends[inner + 1]
    low = np.searchsorted(cell_left, left_place, side="left")
    high = np.searchsorted(cell_right, right_place, side="right") - 1
    return Cells(cell_left, cell_right, low, high)


def maximise(cells: Cells, weight: FloatArray, gap_wanted: float = GAP) -> tuple[FloatArray, int, float, float]:
    """Return the masses of all cells, the steps taken, the gap and the log-likelihood."""
    k = cells.left_place.size
    # Patterns that cover the same run are one term of the likelihood.
    key, inverse = distinct(cells.low * k + cells.high)
    low, high = key // k, key % k
    weight = sum_by(inverse, weight, key.size)
    if np.all((low == high) | (high == k - 1)):
        mass, probability = _product_limit(low, high, weight, k)
        if probability.min() > 0.0:
            gap = float(_gradient(low, high, weight / probability, k).max() / weight.sum() - 1.0)
            if gap < gap_wanted:
                return mass, 0, gap, _loglik(weight, probability)
        # The formula lost too many digits, which only weights of very different size do: let the steps try.
    return _climb(low, high, weight, k, gap_wanted)


def _climb(
    low: IntArray, high: IntArray, weight: FloatArray, k: int, gap_wanted: float
) -> tuple[FloatArray, int, float, float]:
    # numba takes half a second to import: a curve of exact times does not wait for it.
    from outcomes.estimators import npmle_steps
    from outcomes.estimators.npmle_start import stab

    mass = np.zeros((1, k))
    stab(low, high, np.argsort(high, kind="stable"), mass[0])
    mass /= mass.sum()
    steps = np.zeros(1, dtype=np.intp)
    npmle_steps.climb(weight[None, :], np.ones((1, k), dtype=np.bool_), mass, low, high, gap_wanted, steps)
    if steps[0] == npmle_steps.TOO_WIDE:
        raise NotEstimable(
            f"The curve would need more than {npmle_steps.MAX_SUPPORT} points with mass; this method is for times "
            "counted in days. Round the times to a coarser unit."
        )
    probability = _run_sums(mass[0], low, high)
    gap = float(_gradient(low, high, weight / probability, k).max() / weight.sum() - 1.0)
    if steps[0] < 0:
        why = {
            npmle_steps.TOO_MANY_STEPS: f"did not reach its optimality condition in {npmle_steps.MAX_STEPS} steps",
            npmle_steps.NO_RISE: "could not be improved although its optimality condition is not met",
            npmle_steps.NO_SOLUTION: "could not be solved for: the intervals are nearly degenerate",
        }[int(steps[0])]
        raise NotEstimable(f"The curve {why} (gap {gap:.1e}).")
    return mass[0], int(steps[0]), gap, _loglik(weight, probability)


def _product_limit(low: IntArray, high: IntArray, weight: FloatArray, k: int) -> tuple[FloatArray, FloatArray]:
    """Masses, and mass of each run, when every run is one cell or reaches the last: the Kaplan-Meier product."""
    single = low == high
    events = sum_by(low[single], weight[single], k)
    # A run that reaches the end was last seen before its first cell: it is at risk in the cells before that one.
    reaches = np.where(single, low, low - 1)
    leaving = sum_by(reaches[reaches >= 0], weight[reaches >= 0], k)
    at_risk = np.cumsum(leaving[::-1])[::-1]
    # Who goes on is counted, not 1 - hazard, and a run's mass is read, not subtracted: small masses keep their digits.
    stopping = ~single & (reaches >= 0)
    going_on = at_risk[1:] + sum_by(reaches[stopping], weight[stopping], k)[:-1]
    hazard = np.ones(k)
    hazard[:-1] = events[:-1] / at_risk[:-1]
    before = np.concatenate([[1.0], np.cumprod(going_on / at_risk[:-1])])
    mass = before * hazard
    return mass, np.where(single, mass[low], before[low])


def _run_sums(mass: FloatArray, low: IntArray, high: IntArray) -> FloatArray:
    total = np.concatenate([[0.0], np.cumsum(mass)])
    return total[high + 1] - total[low]


def _gradient(low: IntArray, high: IntArray, share: FloatArray, k: int) -> FloatArray:
    change = sum_by(low, share, k + 1) - sum_by(high + 1, share, k + 1)
    return np.cumsum(change[:k])


def _loglik(weight: FloatArray, probability: FloatArray) -> float:
    return float(weight @ np.log(probability))
