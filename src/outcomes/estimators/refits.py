"""Fit the interval-censored curve to many draws of one table of patterns at once.

A draw has the patterns of the full data with other weights, some of them 0. All draws are laid out together, and each
then climbs by itself from the full data's fit (`npmle_steps`). No sum runs over draws, so a draw's fit does not depend
on the others.

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
from outcomes.estimators.npmle import Npmle, Patterns, build_patterns, find_cells, fit_patterns

IntArray = NDArray[np.intp]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Layout:
    """What every draw of one table of patterns shares; made once, for sorting many patterns costs as much as a fit.

    Attributes
    ----------
    patterns, fit
        The full data's.
    low, high : ndarray of int, shape (r,)
        Runs of innermost intervals that patterns cover, k intervals in all.
    by_run, run_starts : ndarray of int, shape (m,), (r,)
        Patterns in the order of their runs, and where each run starts among them.
    places, by_place, place_starts : ndarray of int, shape (q,), (2 m,), (q,)
        Distinct ends of patterns, ends in their order, and where each starts among them.
    stands_for : ndarray of int, shape (q,)
        The last innermost interval that ends by each place.
    mass_place : ndarray of int
        Among the places, where each mass of the full fit ends.
    k : int
    """

    patterns: Patterns
    fit: Npmle
    low: IntArray
    high: IntArray
    by_run: IntArray
    run_starts: IntArray
    places: IntArray
    by_place: IntArray
    place_starts: IntArray
    stands_for: IntArray
    mass_place: IntArray
    k: int

    @classmethod
    def of(cls, patterns: Patterns, fit: Npmle) -> Layout:
        """Sort runs and ends."""
        cells = find_cells(patterns.left_place, patterns.right_place)
        k = cells.left_place.size
        key, run = distinct(cells.low * k + cells.high)
        by_run = np.argsort(run, kind="stable")
        places, at = np.unique(np.concatenate([patterns.left_place, patterns.right_place]), return_inverse=True)
        by_place = np.argsort(at, kind="stable")
        return cls(
            patterns,
            fit,
            key // k,
            key % k,
            by_run,
            np.searchsorted(run[by_run], np.arange(key.size)),
            places,
            by_place,
            np.searchsorted(at[by_place], np.arange(places.size)),
            np.searchsorted(cells.right_place, places, side="right") - 1,
            np.searchsorted(places, 3 * np.searchsorted(patterns.values, fit.right) + 1),
            k,
        )


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


def refit(layout: Layout, counts: NDArray[Any], gap_wanted: float) -> tuple[FloatArray, IntArray, Flags]:
    """Fit the curve to each draw.

    Parameters
    ----------
    layout : Layout
        Of the full data's patterns and fit, from which every draw starts.
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
    weight = np.add.reduceat(counts[:, layout.by_run], layout.run_starts, axis=1)
    draws = _lay_out(layout, counts, np.ascontiguousarray(weight, dtype=np.float64))
    # numba takes half a second to import: only who draws waits for it.
    from outcomes.estimators.npmle_steps import climb

    steps = np.zeros(counts.shape[0], dtype=np.intp)
    climb(draws.weight, draws.allowed, draws.start, layout.low, layout.high, gap_wanted, steps)
    return draws.start, draws.end, steps >= 0


def prepare() -> None:
    """Compile what fits curves and draws, once for each installation; it takes some ten seconds."""
    from outcomes.estimators.npmle_without import drop_each

    patterns = build_patterns([0.0, 0.0, 3.0, 1.0], [2.0, 1.0, 5.0, 3.0])
    layout = Layout.of(patterns, fit_patterns(patterns))
    mass = refit(layout, np.array([[1, 2, 1, 1]]), 1e-6)[0][0]
    nothing = np.zeros(0, dtype=np.intp)
    drop_each(np.ones(layout.low.size), mass, layout.low, layout.high, nothing, nothing, 1e-6, np.empty((0, 0)))


def _lay_out(layout: Layout, counts: NDArray[Any], weight: FloatArray) -> Draws:
    """Find every draw's own innermost intervals among the ends it has, and carry the full fit's masses to them."""
    n, k, places, stands_for = counts.shape[0], layout.k, layout.places, layout.stands_for
    twice = np.concatenate([counts > 0, counts > 0], axis=1)[:, layout.by_place]
    present = np.logical_or.reduceat(twice, layout.place_starts, axis=1)
    is_right, position = places % 3 == 1, np.arange(places.size)
    latest = np.maximum.accumulate(np.where(present, position, -1), axis=1)
    before = np.concatenate([np.full((n, 1), -1), latest[:, :-1]], axis=1)
    ends_cell = present & is_right & (before >= 0) & ~is_right[before]
    draw, place = np.nonzero(ends_cell)
    allowed = np.zeros((n, k), dtype=bool)
    allowed[draw, stands_for[place]] = True
    end = np.zeros((n, k), dtype=np.intp)
    end[draw, stands_for[place]] = places[place] // 3
    # A mass ending at p is covered by patterns ending at or after p, hence at or after the first right end drawn from
    # there on; the draw's last innermost interval up to that end lies inside all of them.
    from_here = np.minimum.accumulate(np.where(present & is_right, position, places.size)[:, ::-1], axis=1)[:, ::-1]
    cell_until = np.maximum.accumulate(np.where(ends_cell, position, -1), axis=1)
    next_end = from_here[:, layout.mass_place]
    draw, j = np.nonzero(next_end < places.size)
    target = stands_for[cell_until[draw, next_end[draw, j]]]
    start = np.bincount(draw * k + target, weights=layout.fit.mass[j], minlength=n * k).reshape(n, k)
    return Draws(weight, allowed, start / start.sum(axis=1, keepdims=True), end)
