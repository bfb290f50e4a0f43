"""Fit the interval-censored curve to many draws of one table of patterns at once.

A draw has the patterns of the full data with other weights, some of them 0. One Newton step of one draw is a handful of
operations on a few dozen numbers, so hundreds of draws one by one cost almost only the calling of them. Here every step
is done for all draws that have not yet reached their optimality condition; the method, its step-back and its stopping
rule are those of `outcomes.estimators.npmle`. No sum runs over draws, so a draw's fit does not depend on the others.

Where a draw lacks patterns, several innermost intervals of the full data can lie inside one of the draw's: the last of
them stands for it, and its mass is read at the end of the draw's interval.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from outcomes.estimators.checks import FloatArray
from outcomes.estimators.counting import distinct
from outcomes.estimators.npmle import Npmle, Patterns, find_cells

IntArray = NDArray[np.intp]
Flags = NDArray[np.bool_]

_MAX_STEPS = 60
_MAX_HALVINGS = 60
_RIDGE = 1e-9
_SLACK = 1e-9
# Numbers in the Hessians that are solved together: they stay in the cache.
_NUMBERS_AT_ONCE = 1 << 17


@dataclass(frozen=True, slots=True)
class Runs:
    """The runs ``low..high`` of innermost intervals that patterns cover (r distinct of k intervals, sorted).

    ``begins`` and ``first_begin`` are the distinct low ends and the first run at each; ``by_end`` sorts the runs by
    their high end, of which ``ends`` and ``first_end`` say the same.
    """

    low: IntArray
    high: IntArray
    k: int
    begins: IntArray
    first_begin: IntArray
    by_end: IntArray
    ends: IntArray
    first_end: IntArray

    @classmethod
    def of(cls, low: IntArray, high: IntArray, k: int) -> Runs:
        """Sort out where runs begin and end."""
        begins, first_begin = np.unique(low, return_index=True)
        by_end = np.argsort(high, kind="stable")
        ends, first_end = np.unique(high[by_end], return_index=True)
        return cls(low, high, k, begins, first_begin, by_end, ends, first_end)

    def sums(self, mass: FloatArray) -> FloatArray:
        """Mass of each run, shape (draws, r), of masses of shape (draws, k)."""
        total = np.zeros((mass.shape[0], self.k + 1))
        np.cumsum(mass, axis=1, out=total[:, 1:])
        sums = total.take(self.high + 1, axis=1)
        sums -= total.take(self.low, axis=1)
        return sums

    def gradient(self, share: FloatArray) -> FloatArray:
        """Sum of `share`, shape (draws, r), over the runs that cover each interval, shape (draws, k)."""
        change = np.zeros((share.shape[0], self.k + 1))
        change[:, self.begins] += np.add.reduceat(share, self.first_begin, axis=1)
        change[:, self.ends + 1] -= np.add.reduceat(share.take(self.by_end, axis=1), self.first_end, axis=1)
        return np.cumsum(change[:, : self.k], axis=1)


@dataclass(frozen=True, slots=True)
class Draws:
    """What each draw's problem is: weights of the runs, which innermost intervals may carry mass, and a start.

    ``weight`` (draws, r); ``allowed`` and ``start`` (draws, k); ``end`` (draws, k) is the place in `values` at which
    the mass of an allowed interval is read.
    """

    weight: FloatArray
    allowed: Flags
    start: FloatArray
    end: IntArray


def refit(
    patterns: Patterns, fit: Npmle, counts: NDArray[Any], gap_wanted: float
) -> tuple[FloatArray, IntArray, Flags]:
    """Fit the curve to each draw.

    Parameters
    ----------
    patterns : Patterns
        The full data's.
    fit : Npmle
        The full data's fit; every draw starts from it.
    counts : ndarray of int, shape (draws, m)
        Weight of each pattern in each draw; no draw is empty.
    gap_wanted : float
        Largest relative excess of a gradient over the total weight, as in `npmle.Npmle.gap`.

    Returns
    -------
    mass : ndarray, shape (draws, k)
        Mass on innermost intervals of the full data.
    end : ndarray of int, shape (draws, k)
        Position in ``patterns.values`` of the time at which each mass is counted.
    reached : ndarray of bool, shape (draws,)
        Whether the optimality condition was reached; the masses of the others are not to be used.
    """
    cells = find_cells(patterns.left_place, patterns.right_place)
    k = cells.left_place.size
    key, run = distinct(cells.low * k + cells.high)
    runs = Runs.of(key // k, key % k, k)
    order = np.argsort(run, kind="stable")
    weight = np.add.reduceat(counts[:, order], np.searchsorted(run[order], np.arange(key.size)), axis=1)
    draws = _lay_out(patterns, fit, counts, cells.right_place, weight.astype(np.float64))
    mass, reached = _climb(draws, runs, gap_wanted)
    return mass, draws.end, reached


def _lay_out(patterns: Patterns, fit: Npmle, counts: NDArray[Any], cell_right: IntArray, weight: FloatArray) -> Draws:
    """Find every draw's own innermost intervals among the ends it has, and carry the full fit's masses to them."""
    n, k = counts.shape[0], cell_right.size
    places, at = np.unique(np.concatenate([patterns.left_place, patterns.right_place]), return_inverse=True)
    present = np.zeros((n, places.size), dtype=bool)
    order = np.argsort(at, kind="stable")
    twice = np.concatenate([counts > 0, counts > 0], axis=1)[:, order]
    present[:] = np.logical_or.reduceat(twice, np.searchsorted(at[order], np.arange(places.size)), axis=1)
    is_right, position = places % 3 == 1, np.arange(places.size)
    latest = np.maximum.accumulate(np.where(present, position, -1), axis=1)
    before = np.concatenate([np.full((n, 1), -1), latest[:, :-1]], axis=1)
    ends_cell = present & is_right & (before >= 0) & ~is_right[before]
    # The last innermost interval of the full data that ends by each place.
    stands_for = np.searchsorted(cell_right, places, side="right") - 1
    draw, place = np.nonzero(ends_cell)
    allowed = np.zeros((n, k), dtype=bool)
    allowed[draw, stands_for[place]] = True
    end = np.zeros((n, k), dtype=np.intp)
    end[draw, stands_for[place]] = places[place] // 3
    # A mass ending at p is covered by patterns ending at or after p, hence at or after the first right end drawn from
    # there on; the draw's last innermost interval up to that end lies inside all of them.
    from_here = np.minimum.accumulate(np.where(present & is_right, position, places.size)[:, ::-1], axis=1)[:, ::-1]
    cell_until = np.maximum.accumulate(np.where(ends_cell, position, -1), axis=1)
    mass_place = np.searchsorted(places, 3 * np.searchsorted(patterns.values, fit.right) + 1)
    next_end = from_here[:, mass_place]
    draw, j = np.nonzero(next_end < places.size)
    target = stands_for[cell_until[draw, next_end[draw, j]]]
    start = np.bincount(draw * k + target, weights=fit.mass[j], minlength=n * k).reshape(n, k)
    return Draws(weight, allowed, start / start.sum(axis=1, keepdims=True), end)


@dataclass(frozen=True, slots=True)
class _Climbers:
    """Draws that are not there yet: which they are, shape (d,), and where each stands, shape (d, ...)."""

    rows: IntArray
    weight: FloatArray
    allowed: Flags
    total: FloatArray
    mass: FloatArray
    probability: FloatArray
    loglik: FloatArray

    def only(self, kept: Flags) -> _Climbers:
        """Return some of them; nothing is copied where all stay."""
        if kept.all():
            return self
        names = ("rows", "weight", "allowed", "total", "mass", "probability", "loglik")
        return _Climbers(*(getattr(self, name)[kept] for name in names))


def _climb(draws: Draws, runs: Runs, gap_wanted: float) -> tuple[FloatArray, Flags]:
    """Newton steps for all draws that are not there yet."""
    mass_of, reached = draws.start.copy(), np.zeros(draws.weight.shape[0], dtype=bool)
    total, probability = draws.weight.sum(axis=1, keepdims=True), runs.sums(mass_of)
    loglik = _loglik(draws.weight, probability)
    now = _Climbers(np.arange(reached.size), draws.weight, draws.allowed, total, draws.start, probability, loglik)
    for _ in range(_MAX_STEPS):
        # Runs without mass have no weight either.
        usable = np.where(now.probability > 0, now.probability, 1.0)
        share = now.weight / usable
        gradient = runs.gradient(share)
        done = np.where(now.allowed, gradient, 0.0).max(axis=1) / now.total[:, 0] - 1.0 < gap_wanted
        reached[now.rows[done]] = True
        mass_of[now.rows[done]] = now.mass[done]
        if done.any():
            now, usable, share, gradient = now.only(~done), usable[~done], share[~done], gradient[~done]
        if not now.rows.size:
            break
        work = _working_sets(now.mass, gradient, now.allowed, now.total)
        target = _newton_targets(work, now.mass, gradient, np.divide(share, usable, out=share), now.total, runs)
        good = np.isfinite(target).all(axis=1) & (target.sum(axis=1) > 0)
        now, target = now.only(good), target[good]
        mass, probability, loglik, rose = _step(now.mass, target, now.weight, runs, now.loglik)
        now = replace(now, mass=mass, probability=probability, loglik=loglik).only(rose)
        if not now.rows.size:
            break
    return mass_of, reached


def _working_sets(mass: FloatArray, gradient: FloatArray, allowed: Flags, total: FloatArray) -> Flags:
    """Intervals with mass, and those where the gradient peaks above the total weight; shape (draws, k)."""
    edge = np.full((mass.shape[0], 1), -np.inf)
    padded = np.concatenate([edge, gradient, edge], axis=1)
    peak = (gradient >= padded[:, :-2]) & (gradient >= padded[:, 2:]) & (gradient > total)
    return (mass > 0) | (peak & allowed)


def _newton_targets(
    work: Flags, mass: FloatArray, gradient: FloatArray, curvature: FloatArray, total: FloatArray, runs: Runs
) -> FloatArray:
    """Maximise each draw's quadratic approximation over nonnegative masses on its working set; NaN if that fails."""
    target = np.empty_like(mass)
    # Tables are as wide as the widest working set among them: draws of like width go together.
    size = work.sum(axis=1)
    order, together = np.argsort(size, kind="stable"), max(1, _NUMBERS_AT_ONCE // int(size.max()) ** 2)
    for begin in range(0, order.size, together):
        of = order[begin : begin + together]
        target[of] = _targets_together(work[of], mass[of], gradient[of], curvature[of], total[of], runs)
    return target


def _targets_together(
    work: Flags, mass: FloatArray, gradient: FloatArray, curvature: FloatArray, total: FloatArray, runs: Runs
) -> FloatArray:
    """Do as `_newton_targets` for draws with working sets of about one size."""
    n, k = mass.shape
    rank = np.zeros((n, k + 1), dtype=np.intp)
    np.cumsum(work, axis=1, out=rank[:, 1:])
    count = rank[:, -1:]
    size = int(count.max())
    used = np.arange(size) < count
    inside, slope = np.zeros((n, size)), np.zeros((n, size + 1))
    inside[used] = mass[work]
    slope[:, :-1][used] = (gradient - total)[work]
    solved = _solve_nonnegative(_laplacians(rank, curvature, runs, size), slope, inside, used)
    target = np.zeros((n, k))
    target[work] = solved[used]
    return target


def _laplacians(rank: IntArray, curvature: FloatArray, runs: Runs, size: int) -> FloatArray:
    """Hessian of each draw by the curve after each working interval, shape (draws, size, size).

    A run depends on the curve at its two ends alone: it is an edge of a graph, and the Hessian is the graph's Laplacian
    without the node before the first interval. No sum over all pairs of intervals is needed, as it would be by masses.
    ``rank`` (draws, k + 1) is the number of working intervals before each interval.
    """
    n, nodes = rank.shape[0], size + 1
    place = rank.take(runs.high + 1, axis=1)
    place += np.arange(n)[:, None] * nodes
    place *= nodes
    place += rank.take(runs.low, axis=1)
    table = np.bincount(place.ravel(), weights=curvature.ravel(), minlength=n * nodes * nodes)
    edges = np.asarray(table, dtype=np.float64).reshape(n, nodes, nodes)
    diagonal = np.arange(nodes)
    # A run without a working interval is an edge from a node to itself.
    edges[:, diagonal, diagonal] = 0.0
    matrix = edges + edges.transpose(0, 2, 1)
    degree = matrix.sum(axis=2)
    np.negative(matrix, out=matrix)
    # Masses that always occur together leave the Hessian singular; the ridge holds them near where they are.
    matrix[:, diagonal, diagonal] = np.where(degree > 0, degree * (1.0 + _RIDGE), 1.0)
    inner: FloatArray = matrix[:, 1:, 1:]
    return inner


def _solve_nonnegative(matrix: FloatArray, slope: FloatArray, inside: FloatArray, used: Flags) -> FloatArray:
    """Maximise each draw's quadratic approximation over masses of 0 or more, by block principal pivoting (see `npmle`).

    ``slope`` (draws, size + 1) is the gradient by the masses, with a 0 behind, and ``inside`` (draws, size) the masses
    now. Returns the masses; those not `used` stay 0.
    """
    n, size = used.shape
    pull = slope[:, :-1] - slope[:, 1:]
    slack = _SLACK * np.abs(slope).max(axis=1)
    out = np.full((n, size), np.nan)
    free = used.copy()
    fewest, patience = np.full(n, size + 1), np.full(n, 3)
    rows, place = np.arange(n), np.arange(size)
    for _ in range(10 * size + 100):
        now, before = free[rows], inside[rows]
        step, price = _solve_held(matrix, pull, before, rows, used[rows] & ~now)
        before[:, 1:] -= step[:, :-1]
        before += step
        x = np.where(now, before, 0.0)
        wrong = (x < 0) | (price < -slack[rows, None])
        n_wrong = wrong.sum(axis=1)
        done = n_wrong == 0
        out[rows[done]] = x[done]
        better, tired = n_wrong < fewest[rows], patience[rows] == 0
        patience[rows] = np.where(better, 3, np.maximum(patience[rows] - 1, 0))
        fewest[rows] = np.minimum(fewest[rows], n_wrong)
        only_last = ~better & tired
        if only_last.any():
            wrong[only_last] &= place == (size - 1 - wrong[only_last, ::-1].argmax(axis=1))[:, None]
        free[rows] ^= wrong
        rows = rows[~done]
        if not rows.size:
            break
    return out


def _solve_held(
    matrix: FloatArray, pull: FloatArray, inside: FloatArray, rows: IntArray, held: Flags
) -> tuple[FloatArray, FloatArray]:
    """Return the move of the curve behind each interval where the masses held become 0, and what holding each costs.

    Where an interval is held, the curve behind it moves with the curve before it: its equation is added to that one's,
    and its own says that the two meet. The cost is below 0 where the mass wants to be above 0; both (draws, size).
    """
    price: FloatArray = np.zeros(held.shape)
    draw, slot = np.nonzero(held)
    if not draw.size:
        every = rows.size == matrix.shape[0]
        return _solve_each(matrix if every else matrix[rows], pull[rows]), price
    system, wanted = matrix[rows], pull[rows]
    lines, pulled = system[draw, slot], wanted[draw, slot]
    leader = np.maximum.accumulate(np.where(held, 0, np.arange(1, held.shape[1] + 1)), axis=1)[draw, slot] - 1
    # Those that are first, second, ... behind the interval they follow; nothing before the first interval moves.
    places = [np.flatnonzero(slot - leader == distance) for distance in range(1, int((slot - leader).max()) + 1)]
    for at in places:
        at = at[leader[at] >= 0]
        system[draw[at], leader[at]] += lines[at]
        wanted[draw[at], leader[at]] += pulled[at]
    scale = lines[np.arange(slot.size), slot]
    system[draw, slot] = 0.0
    system[draw, slot, slot] = scale
    after = slot > 0
    system[draw[after], slot[after], slot[after] - 1] = -scale[after]
    wanted[draw, slot] = -scale * inside[draw, slot]
    step = _solve_each(system, wanted)
    # What is left of its equation, and of those held right behind it, is what holding an interval costs.
    price[draw, slot] = _dot(lines, step[draw]) - pulled
    for at in places[:0:-1]:
        price[draw[at], slot[at] - 1] += price[draw[at], slot[at]]
    return step, price


def _solve_each(matrix: FloatArray, wanted: FloatArray) -> FloatArray:
    """Solve one system a draw."""
    return np.asarray(np.linalg.solve(matrix, wanted[:, :, None])[:, :, 0], dtype=np.float64)


def _step(
    mass: FloatArray, target: FloatArray, weight: FloatArray, runs: Runs, before: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, Flags]:
    """Go from `mass` towards `target` in each draw as far as its likelihood rises."""
    target = target / target.sum(axis=1, keepdims=True)
    trial = target.copy()
    probability = runs.sums(trial)
    loglik = _loglik(weight, probability)
    share = 1.0
    for _ in range(_MAX_HALVINGS):
        worse = np.flatnonzero(~(loglik >= before - 1e-13 * np.abs(before)))
        if not worse.size:
            break
        share /= 2.0
        trial[worse] = mass[worse] + share * (target[worse] - mass[worse])
        probability[worse] = runs.sums(trial[worse])
        loglik[worse] = _loglik(weight[worse], probability[worse])
    return trial, probability, loglik, loglik >= before - 1e-13 * np.abs(before)


def _loglik(weight: FloatArray, probability: FloatArray) -> FloatArray:
    if probability.min() > 0:
        return _dot(weight, np.log(probability))
    gone = probability <= 0
    logs = np.log(np.where(gone, 1.0, probability))
    return np.where((gone & (weight > 0)).any(axis=1), -np.inf, _dot(weight, logs))


def _dot(one: FloatArray, two: FloatArray) -> FloatArray:
    """Sum of products along the rows of two tables."""
    return np.asarray(np.einsum("ij,ij->i", one, two))
