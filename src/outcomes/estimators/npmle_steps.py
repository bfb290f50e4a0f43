"""Newton steps of the interval-censored curve for one set of weights after the other, compiled by numba.

The method, its step-back and its stopping rule are those told in `outcomes.estimators.npmle`. Counted in days a problem
is small, and plain loops over its few numbers take, once compiled, a tenth of the time of the same steps done by numpy.

A step is taken on the curve's values behind each interval of the working set and not on the masses: a run then depends
on two values, and the Hessian is the Laplacian of a graph whose edges are the runs. No sum over all pairs of intervals
is needed, as it would be by masses. Where a mass is held at 0 the values on both of its sides move together, and their
equations are added up.

Arrays are handed in and filled by loops, for expressions on whole arrays take long to compile. ``room`` (9, k + 1):
gradient, trial masses, a curve; and of the working intervals the masses, slopes, moves, prices, offsets and right
sides. ``places`` (5, k + 1): rank, leader, reach, whether the last step held an interval at 0, and values with offsets.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from outcomes.estimators.checks import FloatArray
from outcomes.estimators.compiling import compiled

IntArray = NDArray[np.intp]
Flags = NDArray[np.bool_]

MAX_STEPS = 500
MAX_SUPPORT = 5_000
TOO_MANY_STEPS, NO_RISE, NO_SOLUTION, TOO_WIDE = -1, -2, -3, -4
"""Why an answer was not reached, in place of the number of steps."""
_RIDGE, _SLACK, _ROUNDING = 1e-9, 1e-9, 1e-13
_MAX_HALVINGS, _FEW = 60, 64
_OPEN = 1e-9, 1e3  # a mass below the first, or a price below so many times the slack, may be held or not
_TOGETHER = 4  # lines taken from the others at a time: a number is then fetched once and not four times


@compiled
def climb(
    weight: FloatArray,
    allowed: Flags,
    mass: FloatArray,
    low: IntArray,
    high: IntArray,
    gap_wanted: float,
    steps: IntArray,
) -> None:
    """Move the masses of every set of weights to their maximum, in place.

    Parameters
    ----------
    weight : ndarray, shape (draws, r)
        Weight of each run of intervals.
    allowed : ndarray of bool, shape (draws, k)
        Which intervals may carry mass.
    mass : ndarray, shape (draws, k)
        Where each draw starts; every run with weight has some of it.
    low, high : ndarray of int, shape (r,)
        First and last interval of each run.
    gap_wanted : float
        Largest relative excess of a gradient over the total weight.
    steps : ndarray of int, shape (draws,)
        Set to the steps taken to the optimality condition; below 0 where it was not reached (`TOO_MANY_STEPS`,
        `NO_RISE`, `NO_SOLUTION`, `TOO_WIDE`): those masses are not to be used. A run's probability is a difference of
        running sums: where weights differ by more than some billions the condition is known to 2e-5 only.
    """
    n, r = weight.shape
    k = mass.shape[1]
    runs, own = np.empty((2, r), dtype=np.intp), np.empty((3, r))
    places = np.empty((5, k + 1), dtype=np.intp)
    free, room = np.empty(k, dtype=np.bool_), np.empty((9, k + 1))
    matrix, system = np.empty((_FEW, _FEW)), np.empty((_FEW, _FEW))
    for i in range(n):
        used = 0
        for j in range(r):
            if weight[i, j] > 0:
                runs[0, used], runs[1, used], own[0, used] = low[j], high[j] + 1, weight[i, j]
                used += 1
        steps[i] = _climb_one(used, runs, own, allowed[i], mass[i], gap_wanted, places, free, room, matrix, system)


@compiled
def _climb_one(
    used: int,
    runs: IntArray,
    own: FloatArray,
    allowed: Flags,
    mass: FloatArray,
    gap_wanted: float,
    places: IntArray,
    free: Flags,
    room: FloatArray,
    matrix: FloatArray,
    system: FloatArray,
) -> int:
    """Climb with the runs ``[runs[0], runs[1])`` of weights ``own[0]``; the steps, or why the top was not reached."""
    k = mass.size
    gradient, trial = room[0], room[1, :k]
    total = 0.0
    for j in range(used):
        total += own[0, j]
    loglik = _look(mass, used, runs, own[0], room[2], own[1])
    if loglik == -np.inf:
        return NO_RISE
    for j in range(k):
        places[3, j] = 0
    for step in range(MAX_STEPS):
        _slopes(used, runs, own[0], own[1], gradient)
        steepest = 0.0
        for j in range(k):
            if allowed[j] and gradient[j] > steepest:
                steepest = gradient[j]
        if steepest / total - 1.0 < gap_wanted:
            return step
        size = _find_working(mass, gradient, allowed, total, places[0])
        if size >= _FEW:
            # Real-valued times have thousands of intervals and peaks, and few of them are needed.
            size = _find_fewer(mass, gradient, allowed, total, places[0])
        if size > MAX_SUPPORT:
            return TOO_WIDE
        if size >= matrix.shape[0]:
            matrix, system = np.empty((2 * size, 2 * size)), np.empty((2 * size, 2 * size))
        if not _aim(used, runs, own, mass, total, size, places, free, room, matrix, system):
            return NO_SOLUTION
        for _ in range(_MAX_HALVINGS):
            found = _look(trial, used, runs, own[0], room[2], own[2])
            if found >= loglik - _ROUNDING * abs(loglik):
                break
            for j in range(k):
                trial[j] = mass[j] + 0.5 * (trial[j] - mass[j])
        else:
            return NO_RISE
        loglik = found
        for j in range(k):
            mass[j] = trial[j]
        for j in range(used):
            own[1, j] = own[2, j]
    return TOO_MANY_STEPS


@compiled
def _look(
    mass: FloatArray, used: int, runs: IntArray, weight: FloatArray, curve: FloatArray, probability: FloatArray
) -> float:
    """Write the mass of each run; the log-likelihood, minus infinity where a run has none."""
    curve[0] = 0.0
    for j in range(mass.size):
        curve[j + 1] = curve[j] + mass[j]
    loglik = 0.0
    for j in range(used):
        probability[j] = curve[runs[1, j]] - curve[runs[0, j]]
        if probability[j] <= 0.0:
            return -np.inf
        loglik += weight[j] * np.log(probability[j])
    return loglik


@compiled
def _slopes(used: int, runs: IntArray, weight: FloatArray, probability: FloatArray, gradient: FloatArray) -> None:
    """Write the sum of weight over probability of the runs that cover each interval."""
    for j in range(gradient.size):
        gradient[j] = 0.0
    for j in range(used):
        share = weight[j] / probability[j]
        gradient[runs[0, j]] += share
        gradient[runs[1, j]] -= share
    for j in range(1, gradient.size - 1):
        gradient[j] += gradient[j - 1]


@compiled
def _find_working(mass: FloatArray, gradient: FloatArray, allowed: Flags, total: float, rank: IntArray) -> int:
    """Write how many working intervals lie before each interval: those with mass, and peaks of the gradient."""
    k, size = mass.size, 0
    for j in range(k):
        rank[j] = size
        peak = allowed[j] and gradient[j] > total
        peak = peak and (j == 0 or gradient[j] >= gradient[j - 1]) and (j == k - 1 or gradient[j] >= gradient[j + 1])
        if mass[j] > 0 or peak:
            size += 1
    rank[k] = size
    return size


@compiled
def _find_fewer(mass: FloatArray, gradient: FloatArray, allowed: Flags, total: float, rank: IntArray) -> int:
    """Do as `_find_working`, with the highest peak alone between each two intervals with mass."""
    k, highest, top = mass.size, -1, total
    for j in range(k):
        rank[j + 1] = mass[j] > 0
        if mass[j] > 0:
            highest, top = -1, total
        elif allowed[j] and gradient[j] > top:
            if highest >= 0:
                rank[highest + 1] = 0
            highest, top = j, gradient[j]
            rank[j + 1] = 1
    rank[0] = 0
    for j in range(k):
        rank[j + 1] += rank[j]
    return rank[k]


@compiled
def _aim(
    used: int,
    runs: IntArray,
    own: FloatArray,
    mass: FloatArray,
    total: float,
    size: int,
    places: IntArray,
    free: Flags,
    room: FloatArray,
    matrix: FloatArray,
    system: FloatArray,
) -> bool:
    """Write the masses, 0 or more and summing to 1, at which the quadratic approximation is largest."""
    rank, held, gradient, target, inside, slope = places[0], places[3], room[0], room[1], room[3], room[4]
    for j in range(mass.size):
        if rank[j + 1] > rank[j]:
            inside[rank[j]] = mass[j]
            slope[rank[j]] = gradient[j] - total
            free[rank[j]] = held[j] == 0
    slope[size] = 0.0
    for i in range(size + 1):
        for j in range(size + 1):
            matrix[i, j] = 0.0
    for j in range(used):
        a, b = rank[runs[0, j]], rank[runs[1, j]]
        if a < b:
            curvature = own[0, j] / (own[1, j] * own[1, j])
            matrix[a, b] -= curvature
            matrix[b, a] -= curvature
            matrix[a, a] += curvature
            matrix[b, b] += curvature
    for j in range(size + 1):
        # Masses that always occur together leave the Hessian singular; the ridge holds them near where they are.
        matrix[j, j] = matrix[j, j] * (1.0 + _RIDGE) if matrix[j, j] > 0 else 1.0
    if not _solve_nonnegative(size, places, free, room, matrix, system):
        return False
    whole = 0.0
    for j in range(size):
        whole += inside[j]
    if not (whole > 0 and whole < np.inf):
        return False
    for j in range(mass.size):
        target[j] = inside[rank[j]] / whole if rank[j + 1] > rank[j] else 0.0
        held[j] = rank[j + 1] > rank[j] and not free[rank[j]]
    return True


@compiled
def _solve_nonnegative(
    size: int, places: IntArray, free: Flags, room: FloatArray, matrix: FloatArray, system: FloatArray
) -> bool:
    """Put the best masses of 0 or more in place of those inside, by block principal pivoting.

    Those held at 0 in the step before begin so, which spares a third of the exchanges. Where a sign at the end is too
    close to call it is all done again with none held, so that no bit depends on the step before. All signs that are
    wrong are exchanged at once; when that stops helping, one at a time, which always ends (Portugal, Judice and
    Vicente 1994, doi:10.1090/S0025-5718-1994-1250776-4).

    ``matrix`` is the Laplacian by the values before the first and behind each interval; the value before the first does
    not move. ``room[4]`` is the gradient by the masses ``room[3]``, with a 0 behind.
    """
    inside, slope, move, price = room[3], room[4], room[5], room[6]
    slack = 0.0
    for j in range(size):
        slack = max(slack, _SLACK * abs(slope[j]))
    fewest, patience, is_new = size + 1, 3, False
    for _ in range(10 * size + 100):
        if not _solve_held(size, places, free, room, matrix, system):
            return False
        n_wrong, n_open, latest = 0, 0, -1
        for j in range(size):
            n_open += inside[j] + move[j + 1] - move[j] < _OPEN[0] if free[j] else price[j] < _OPEN[1] * slack
            if (inside[j] + move[j + 1] - move[j] < 0) if free[j] else (price[j] < -slack):
                n_wrong, latest = n_wrong + 1, j
        if n_wrong == 0 and (is_new or n_open == 0):
            for j in range(size):
                inside[j] = inside[j] + move[j + 1] - move[j] if free[j] else 0.0
            return True
        if n_wrong == 0:
            fewest, patience, is_new = size + 1, 3, True
            for j in range(size):
                free[j] = True
            continue
        only_last = n_wrong >= fewest and patience == 0
        patience = 3 if n_wrong < fewest else max(patience - 1, 0)
        fewest = min(fewest, n_wrong)
        for j in range(latest if only_last else 0, latest + 1):
            if (inside[j] + move[j + 1] - move[j] < 0) if free[j] else (price[j] < -slack):
                free[j] = not free[j]
    return False


@compiled
def _solve_held(
    size: int, places: IntArray, free: Flags, room: FloatArray, matrix: FloatArray, system: FloatArray
) -> bool:
    """Write the move of each value where the masses not free become 0, and what holding each of them costs."""
    inside, slope, move, price, offset, wanted = room[3], room[4], room[5], room[6], room[7], room[8]
    leader, reach, moved, groups, n_moved, begin = places[1], places[2], places[4], 0, 0, 0
    leader[0], offset[0] = 0, 0.0
    for j in range(size):
        groups += free[j]
        leader[j + 1] = groups
        offset[j + 1] = 0.0 if free[j] else offset[j] - inside[j]
        moved[n_moved] = j + 1
        n_moved += offset[j + 1] != 0.0
    for i in range(groups + 1):
        wanted[i] = 0.0
        for j in range(i, groups + 1):
            system[i, j] = 0.0
    for i in range(1, size + 1):
        g = leader[i]
        begin = begin if leader[begin] == g else i
        wanted[g] += slope[i - 1] - slope[i]
        for j in range(begin, size + 1):
            system[g, leader[j]] += matrix[i, j]
        for m in range(n_moved):
            wanted[g] -= matrix[i, moved[m]] * offset[moved[m]]
    if not _solve_definite(groups, system, wanted, reach):
        return False
    for j in range(size + 1):
        move[j] = wanted[leader[j]] + offset[j] if leader[j] > 0 else offset[j]
    cost = 0.0
    for i in range(size, 0 if groups < size else size, -1):
        if free[i - 1]:
            cost = 0.0
            continue
        left_over = slope[i - 1] - slope[i]
        for j in range(1, size + 1):
            left_over -= matrix[i, j] * move[j]
        cost -= left_over
        price[i - 1] = cost
    return True


@compiled
def _solve_definite(size: int, system: FloatArray, wanted: FloatArray, reach: IntArray) -> bool:
    """Solve for the unknowns 1 to `size` in place, by elimination in the upper triangle; False without a pivot above 0.

    Who was never seen relieved ties a value to the last one, every other run only to values not far behind: beside the
    last column nothing fills up beyond the reach of each line.
    """
    for i in range(1, size + 1):
        reach[i] = size - 1
        while reach[i] > i and system[i, reach[i]] == 0.0:
            reach[i] -= 1
    for i in range(1, size, _TOGETHER):
        end = min(i + _TOGETHER, size)
        far = end - 1
        for j in range(i, end):
            if not system[j, j] > 0:
                return False
            far = max(far, reach[j])
            _take_one(system, wanted, j, end, far, size)
            factor = system[j, size] / system[j, j]
            system[size, size] -= factor * system[j, size]
            wanted[size] -= factor * wanted[j]
        for j in range(i, far + 1):
            reach[j] = max(reach[j], far)
        if far >= end:  # of fewer than four lines, the last, nothing is behind
            _take_four(system, wanted, i, far, size)
    if size and not system[size, size] > 0:
        return False
    for i in range(size, 0, -1):
        if i < size:
            wanted[i] -= system[i, size] * wanted[size]
        for m in range(i + 1, reach[i] + 1):
            wanted[i] -= system[i, m] * wanted[m]
        wanted[i] /= system[i, i]
    return True


@compiled
def _take_one(system: FloatArray, wanted: FloatArray, i: int, end: int, far: int, size: int) -> None:
    """Take line i from those behind it up to `end`, so that their numbers in its column become nothing."""
    for j in range(i + 1, end):
        own, line = system[j, j : far + 1], system[i, j : far + 1]
        factor = line[0] / system[i, i]
        for m in range(own.size):
            own[m] -= factor * line[m]
        system[j, size] -= factor * system[i, size]
        wanted[j] -= factor * wanted[i]


@compiled
def _take_four(system: FloatArray, wanted: FloatArray, i: int, far: int, size: int) -> None:
    """Take the lines i to i + 3 from all behind them, one after the other at each number."""
    a, b, c, d = system[i], system[i + 1], system[i + 2], system[i + 3]
    for j in range(i + 4, far + 1):
        p, q, r, s = a[j] / a[i], b[j] / b[i + 1], c[j] / c[i + 2], d[j] / d[i + 3]
        # Of slices from the place where all begin the compiler makes several numbers at a time.
        own, u, v, w, x = system[j, j : far + 1], a[j : far + 1], b[j : far + 1], c[j : far + 1], d[j : far + 1]
        for m in range(own.size):
            own[m] = own[m] - p * u[m] - q * v[m] - r * w[m] - s * x[m]
        system[j, size] = system[j, size] - p * a[size] - q * b[size] - r * c[size] - s * d[size]
        wanted[j] = wanted[j] - p * wanted[i] - q * wanted[i + 1] - r * wanted[i + 2] - s * wanted[i + 3]
