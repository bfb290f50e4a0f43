"""Fit the interval-censored curve to many draws of one table of patterns at once.

A draw has the patterns of the full data with other weights, some of them 0. One Newton step of one draw is a handful of
operations on a few dozen numbers, so hundreds of draws one by one cost almost only the calling of them. Here every step
is done for all draws that have not yet reached their optimality condition; the method, its step-back and its stopping
rule are those of `outcomes.estimators.npmle`. No sum runs over draws, so a draw's fit does not depend on the others.

Where a draw lacks patterns, several innermost intervals of the full data can lie inside one of the draw's: the last of
them stands for it, and its mass is read at the end of the draw's interval.
"""

from __future__ import annotations

from dataclasses import dataclass
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
_SLACK = 1e-12


@dataclass(frozen=True, slots=True)
class Runs:
    """The runs ``low..high`` of innermost intervals that patterns cover (r distinct of k intervals, sorted)."""

    low: IntArray
    high: IntArray
    k: int

    def sums(self, mass: FloatArray) -> FloatArray:
        """Mass of each run, shape (draws, r), of masses of shape (draws, k)."""
        total = np.zeros((mass.shape[0], self.k + 1))
        np.cumsum(mass, axis=1, out=total[:, 1:])
        return total[:, self.high + 1] - total[:, self.low]

    def gradient(self, share: FloatArray) -> FloatArray:
        """Sum of `share`, shape (draws, r), over the runs that cover each interval, shape (draws, k)."""
        change = np.zeros((share.shape[0], self.k + 1))
        begins, where = np.unique(self.low, return_index=True)  # runs are sorted by their low end
        change[:, begins] += np.add.reduceat(share, where, axis=1)
        order = np.argsort(self.high, kind="stable")
        ends, where = np.unique(self.high[order], return_index=True)
        change[:, ends + 1] -= np.add.reduceat(share[:, order], where, axis=1)
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
    runs = Runs(key // k, key % k, k)
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


def _climb(draws: Draws, runs: Runs, gap_wanted: float) -> tuple[FloatArray, Flags]:
    """Newton steps for all draws that are not there yet."""
    mass_of, reached = draws.start.copy(), np.zeros(draws.weight.shape[0], dtype=bool)
    total_of = draws.weight.sum(axis=1)
    probability_of = runs.sums(mass_of)
    loglik_of = _loglik(draws.weight, probability_of)
    rows = np.arange(reached.size)
    for _ in range(_MAX_STEPS):
        weight, probability = draws.weight[rows], probability_of[rows]
        share = np.divide(weight, probability, out=np.zeros_like(weight), where=weight > 0)
        gradient = runs.gradient(share)
        total = total_of[rows, None]
        done = np.where(draws.allowed[rows], gradient, 0.0).max(axis=1) / total[:, 0] - 1.0 < gap_wanted
        reached[rows[done]] = True
        rows, more = rows[~done], ~done
        if not rows.size:
            break
        share, gradient, total, probability = share[more], gradient[more], total[more], probability[more]
        work = _working_sets(mass_of[rows], gradient, draws.allowed[rows], total)
        curvature = np.divide(share, probability, out=np.zeros_like(share), where=share > 0)
        target = _newton_targets(work, mass_of[rows], gradient, curvature, total, runs)
        usable = np.isfinite(target).all(axis=1) & (target.sum(axis=1) > 0)
        rows, target = rows[usable], target[usable]
        found = _step(mass_of[rows], target, draws.weight[rows], runs, loglik_of[rows])
        mass_of[rows], probability_of[rows], loglik_of[rows], rose = found
        rows = rows[rose]
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
    n, k = mass.shape
    rank = np.zeros((n, k + 1), dtype=np.intp)
    np.cumsum(work, axis=1, out=rank[:, 1:])
    size = int(rank[:, -1].max())
    draw, cell = np.nonzero(work)
    slot = rank[draw, cell]
    first, last = rank[:, runs.low], rank[:, runs.high + 1] - 1
    of, run = np.nonzero((curvature > 0) & (first <= last))
    # The last axis runs backwards, so that both sums below go up.
    key = (of * size + first[of, run]) * size + (size - 1 - last[of, run])
    table = np.bincount(key, weights=curvature[of, run], minlength=n * size * size).reshape(n, size, size)
    # Entry (j, l), j <= l, of a Hessian: curvature of all runs that begin at or before j and end at or after l.
    for j in range(1, size):
        table[:, j] += table[:, j - 1]
    upper = np.cumsum(table, axis=2, out=table)[:, :, ::-1]
    hessian = np.where(np.tri(size, dtype=bool).T, upper, upper.transpose(0, 2, 1))
    diagonal = np.arange(size)
    # Masses that always occur together leave the Hessian singular; the ridge holds them near where they are.
    hessian[:, diagonal, diagonal] *= 1.0 + _RIDGE
    used = np.zeros((n, size), dtype=bool)
    used[draw, slot] = True
    hessian[:, diagonal, diagonal] += ~used
    inside, slope = np.zeros((n, size)), np.zeros((n, size))
    inside[draw, slot] = mass[draw, cell]
    slope[draw, slot] = (gradient - total)[draw, cell]
    scale = 1.0 / np.sqrt(hessian[:, diagonal, diagonal])
    wanted = (slope + _times(hessian, inside)) * scale
    solved = _solve_nonnegative(hessian * scale[:, :, None] * scale[:, None, :], wanted) * scale
    target = np.zeros((n, k))
    target[draw, cell] = solved[draw, slot]
    return target


def _times(matrix: FloatArray, x: FloatArray) -> FloatArray:
    """Matrix times vector, one of each a draw."""
    return np.matmul(matrix, x[:, :, None])[:, :, 0]


def _solve_nonnegative(matrix: FloatArray, wanted: FloatArray) -> FloatArray:
    """Minimise ``x' M x / 2 - x' w`` over x >= 0 for each draw, by block principal pivoting (see `npmle`)."""
    n, size = wanted.shape
    out = np.full((n, size), np.nan)
    slack = _SLACK * np.abs(wanted).max(axis=1, keepdims=True)
    free = np.ones((n, size), dtype=bool)
    fewest, patience = np.full(n, size + 1), np.full(n, 3)
    rows, diagonal = np.arange(n), np.arange(size)
    for _ in range(10 * size + 100):
        part = matrix[rows]
        now = free[rows]
        system = np.where(now[:, :, None] & now[:, None, :], part, 0.0)
        system[:, diagonal, diagonal] += ~now
        x = np.linalg.solve(system, np.where(now, wanted[rows], 0.0)[:, :, None])[:, :, 0]
        x[~now] = 0.0
        wrong = np.where(now, x < 0, _times(part, x) - wanted[rows] < -slack[rows])
        n_wrong = wrong.sum(axis=1)
        out[rows[n_wrong == 0]] = x[n_wrong == 0]
        better, tired = n_wrong < fewest[rows], patience[rows] == 0
        patience[rows] = np.where(better, 3, np.maximum(patience[rows] - 1, 0))
        fewest[rows] = np.minimum(fewest[rows], n_wrong)
        only_last = ~better & tired
        wrong[only_last] &= diagonal == (size - 1 - wrong[only_last, ::-1].argmax(axis=1))[:, None]
        free[rows] ^= wrong
        rows = rows[n_wrong > 0]
        if not rows.size:
            break
    return out


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
    there = weight > 0
    usable = probability > 0
    logs = np.log(probability, out=np.zeros_like(probability), where=there & usable)
    return np.where((there & ~usable).any(axis=1), -np.inf, (weight * logs).sum(axis=1))
