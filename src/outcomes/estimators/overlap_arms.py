"""Two arms under overlap weights, in the full data and in draws of patients: what their comparisons share.

A comparison needs of its rows only how much weight each distinct outcome has in each arm: a cell. Rows are counted into
patterns (equal arm, outcomes and columns), and patterns are numbered by their content. A draw of patients is a count
for each pattern; the propensity is fitted to it anew, and its weights are summed by cell. So a comparison works on a
few hundred cells, however many rows and columns there are. No weight depends on an outcome: several outcomes of the
same arms share the draws and their fits.

Since everything after the counting is in the order of the content, neither the order of the rows nor the names of the
patients can change a bit of an answer.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np
from numpy.typing import ArrayLike, NDArray

from outcomes.estimators.bootstrap import drawn_counts
from outcomes.estimators.checks import FloatArray, check_numbers, check_whole, read_number, refused
from outcomes.estimators.counting import sum_by
from outcomes.estimators.logistic import chances, fit_draws
from outcomes.estimators.logistic_chords import chance_of_yes, rows_together
from outcomes.estimators.orthogonal import Design
from outcomes.estimators.risk_draws import keep_fitted
from outcomes.estimators.row_codes import code_few_rows, code_rows
from outcomes.estimators.weighting import check_arms, effective_sample_size, fit_propensity

IntArray = NDArray[np.intp]
Flags = NDArray[np.bool_]
Columns = Sequence[FloatArray]

# Rows of the propensity are counted when at most this share of the patterns differs in them.
_WORTH_COUNTING = 0.5
# Counts of draws in memory at once: 500 draws of 60,000 patterns. More patterns have their draws fitted in parts.
_HELD_AT_ONCE = 30_000_000


@dataclass(frozen=True, slots=True)
class Cells:
    """Distinct outcomes in each arm, c of them, the control's first.

    ``arm`` (c,); ``columns``, the outcome's, each (c,); ``count`` (c,) rows and ``weight`` (c,) their sum of weights.
    ``order`` (m,) are the patterns, those of a cell beside each other, and ``begin`` (c,) where in it each cell begins.
    """

    arm: FloatArray
    columns: tuple[FloatArray, ...]
    count: FloatArray
    weight: FloatArray
    order: IntArray
    begin: IntArray

    @classmethod
    def of_patterns(cls, arm: FloatArray, columns: Columns, count: FloatArray, weight: FloatArray) -> Cells:
        """Put patterns, shape (m,) each, into cells."""
        order = np.lexsort([*columns[::-1], arm])
        new = np.ones(order.size, dtype=bool)
        new[1:] = np.any([column[order[1:]] != column[order[:-1]] for column in (arm, *columns)], axis=0)
        begin = np.flatnonzero(new)
        first = order[begin]
        rows, total = (np.add.reduceat(values[order], begin) for values in (count, weight))
        return cls(arm[first], tuple(column[first] for column in columns), rows, total, order, begin)

    def of_pattern(self) -> IntArray:
        """Return the cell of each pattern, shape (m,)."""
        cell = np.empty(self.order.size, dtype=np.intp)
        cell[self.order] = np.repeat(np.arange(self.begin.size), np.diff(self.begin, append=self.order.size))
        return cell

    def of(self, side: int) -> IntArray:
        """Return the cells of one arm, 1 for the treated."""
        return np.flatnonzero(self.arm == side)


@dataclass(frozen=True, slots=True)
class OverlapArms:
    """The rows counted, and their propensity.

    Attributes
    ----------
    cells : tuple of Cells
        One for each outcome.
    place : ndarray of int, shape (n,)
        The pattern of each row given.
    pattern : ndarray of int, shape (m,)
        The row of the propensity's table of each pattern.
    design : Design
        Of the propensity, q rows.
    arm : ndarray, shape (q,)
    turned : ndarray
        Coefficients of the design's basis.
    weight, propensity : ndarray, shape (q,)
    """

    cells: tuple[Cells, ...]
    place: IntArray
    pattern: IntArray
    design: Design
    arm: FloatArray
    turned: FloatArray
    weight: FloatArray
    propensity: FloatArray


class ArmFields(TypedDict):
    """What every comparison says of its arms; see `overlap_risk`."""

    weights: FloatArray
    propensity: FloatArray
    ess_treated: float
    ess_control: float
    n_treated: int
    n_control: int


@dataclass(frozen=True, slots=True)
class DrawnArms:
    """Two weighted arms and draws of them, to be read by outcome.

    Attributes
    ----------
    cells : tuple of Cells
        One for each outcome.
    sums : tuple of ndarray, shape (draws kept, c)
        Sums of weights of each outcome's cells in each draw.
    draws, n_failed : int
        Draws made, and those of them in which the propensity has no finite fit; these are left out.
    described : ArmFields
    """

    cells: tuple[Cells, ...]
    sums: tuple[FloatArray, ...]
    draws: int
    n_failed: int
    described: ArmFields


def draw_arms(
    X: ArrayLike,
    treated: ArrayLike,
    outcomes: Sequence[Columns],
    cluster: ArrayLike | None = None,
    draws: int = 500,
    seed: int | list[int] = 0,
    workers: int = 1,
) -> DrawnArms:
    """Weight two arms, draw patients, and fit the weights of every draw anew: once for all outcomes given.

    Parameters
    ----------
    X : array_like, shape (n, p)
        What was known before the treatment, without a constant column; with p = 0 nobody is weighted.
    treated : array_like of 0/1, shape (n,)
    outcomes : sequence
        One at least; each the columns, shape (n,), that `overlap_relief.interval_outcome` or
        `weighted_risk.event_outcome` returns.
    cluster : array_like, shape (n,), optional
        Patient of each row; a drawn patient brings all of his or her rows. Every row is one when not given.
    draws : int
        0 for the full data alone, or 2 or more.
    seed : int or list of int
        The draws depend on it and on nothing but the rows, all their outcomes included: beside another outcome, one has
        other draws than alone, and the same estimate.
    workers : int
        Threads to fit with. Neither their number nor the order of rows nor the names of patients changes a bit.

    Raises
    ------
    InputRefused
        What `weighting.overlap_weights` refuses; E746 one draw, or fewer than none; E644 fewer than one worker; E752 no
        outcome.
    NotEstimable
        What `weighting.overlap_weights` cannot fit; more than 5 % of the draws without a finite fit.
    """
    draws, workers = check_draws(draws), check_whole("workers", workers, "E644", 1)
    arms = weigh_arms(X, treated, outcomes)
    # Of a million records this table takes 100 MB; a caller who does not hold it has them while draws are fitted.
    del X
    return draw_weighed(arms, cluster, draws, seed, workers)


def weigh_arms(X: ArrayLike, treated: ArrayLike, outcomes: Sequence[Columns]) -> OverlapArms:
    """Check the rows, count them and weight the arms, the first part of `draw_arms`: nothing of X is kept."""
    table, arm = check_arms(X, treated)
    if not outcomes:
        raise refused("E752", "outcomes", "is empty: there is nothing to compare the arms in.")
    columns = [
        [check_numbers("outcome", column, arm.size, allow_infinite=True) for column in outcome] for outcome in outcomes
    ]
    return _weigh_arms(table, arm, columns)


def draw_weighed(
    arms: OverlapArms, cluster: ArrayLike | None, draws: int, seed: int | list[int], workers: int
) -> DrawnArms:
    """Draw patients of weighted arms, the second part of `draw_arms`."""
    described, n = _describe_arms(arms), arms.place.size
    who = np.arange(n) if cluster is None else check_numbers("cluster", cluster, n)
    if not draws:
        return DrawnArms(arms.cells, tuple(np.empty((0, cells.arm.size)) for cells in arms.cells), 0, 0, described)
    sums, failed = _draw_sums(arms, who, draws, seed, workers)
    return DrawnArms(arms.cells, sums, draws, failed, described)


def check_draws(draws: object) -> int:
    """Return 0 or a number of draws that has a spread, or refuse anything else."""
    number = read_number(draws)
    if not (number >= 0 and number != 1 and number.is_integer()):
        raise refused("E746", "draws", "must be one whole number, 2 or more, or 0 for estimates alone.")
    return int(number)


def _weigh_arms(table: FloatArray, arm: FloatArray, outcomes: Sequence[Columns]) -> OverlapArms:
    first, place = code_rows([arm, *itertools.chain(*outcomes), table])
    count = np.bincount(place).astype(np.float64)
    table, arm = table[first], arm[first]
    coded = code_few_rows([arm, table], _WORTH_COUNTING)
    pattern, of_kind, size = np.arange(first.size), arm, count
    if coded is not None:
        kind, pattern = coded
        table, of_kind, size = table[kind], arm[kind], sum_by(pattern, count, kind.size)
    design, fit, _ = fit_propensity(table, of_kind, size)
    chance, other = chances(fit.log_odds)
    weight = np.where(of_kind > 0, other, chance)
    cells = tuple(
        Cells.of_patterns(arm, [column[first] for column in outcome], count, count * weight[pattern])
        for outcome in outcomes
    )
    return OverlapArms(cells, place, pattern, design, of_kind, fit.turned, weight, chance)


def _describe_arms(arms: OverlapArms) -> ArmFields:
    own = arms.pattern[arms.place]
    # Sums go through the rows in the order of their patterns, whatever order they were given in.
    ordered = arms.pattern[np.sort(arms.place)]
    treated, weights = arms.arm[ordered] > 0, arms.weight[ordered]
    return {
        "weights": arms.weight[own],
        "propensity": arms.propensity[own],
        "ess_treated": effective_sample_size(weights[treated]),
        "ess_control": effective_sample_size(weights[~treated]),
        "n_treated": int(treated.sum()),
        "n_control": int((~treated).sum()),
    }


def _draw_sums(
    arms: OverlapArms, who: ArrayLike, draws: int, seed: int | list[int], workers: int
) -> tuple[tuple[FloatArray, ...], int]:
    """Sum the weights of every draw by the cells of each outcome.

    Returns the sums of the draws whose propensity could be fitted, and how many could not.
    """
    reached: list[Flags] = []
    sums: list[tuple[FloatArray, ...]] = []
    for counts in _hold_together(drawn_counts(arms.place, who, draws, seed), draws):
        some, fitted = _sum_some(arms, counts, workers)
        sums.append(some)
        reached.append(fitted)
    fitted = np.concatenate(reached)
    kept = [
        keep_fitted(np.concatenate(parts), fitted, "the model of who was treated") for parts in zip(*sums, strict=True)
    ]
    return tuple(table for table, _ in kept), kept[0][1]


def _hold_together(blocks: Iterator[NDArray[Any]], draws: int) -> Iterator[NDArray[Any]]:
    """Put blocks of draws, shape (block, m), together while no more than `_HELD_AT_ONCE` numbers are in memory.

    Each table is filled anew: the caller is done with one before the next is asked for.
    """
    first = next(blocks)
    room, filled = max(_HELD_AT_ONCE // first.shape[1], len(first)), 0
    held = np.empty((min(draws, room), first.shape[1]), dtype=first.dtype)
    for block in itertools.chain([first], blocks):
        if filled and (filled + len(block)) * block.shape[1] > _HELD_AT_ONCE:
            yield held[:filled]
            filled = 0
        held[filled : filled + len(block)] = block
        filled += len(block)
    yield held[:filled]


def _sum_some(arms: OverlapArms, counts: NDArray[Any], workers: int) -> tuple[tuple[FloatArray, ...], Flags]:
    """Fit the propensity of some draws, counts of shape (draws, m), and sum its weights by the cells of each outcome.

    Returns the sums, and which of the draws could be fitted.
    """
    by_kind, same = counts, arms.arm.size == counts.shape[1]
    if not same:
        by_kind = _sum_columns(counts, arms.pattern, arms.arm.size)
    turned, reached = fit_draws(arms.design, arms.arm, np.ones(arms.arm.size), by_kind, arms.turned, workers)
    weights = None if same else _weights(arms, turned, slice(None))
    cells = [each.of_pattern() for each in arms.cells]

    def part(rows: slice) -> list[tuple[IntArray, FloatArray]]:
        own = _weights(arms, turned, rows) if weights is None else weights[:, arms.pattern[rows]]
        own *= counts[:, rows]
        return [_sum_by_cell(own, cell[rows]) for cell in cells]

    sums = tuple(np.zeros((counts.shape[0], each.arm.size)) for each in arms.cells)
    with ThreadPoolExecutor(workers) as pool:
        # A cell may be in several parts, which are added up in their order.
        for found in pool.map(part, rows_together(counts.shape[1], counts.shape[0])):
            for total, (cell, some) in zip(sums, found, strict=True):
                total[:, cell] += some
    return sums, reached


def _sum_by_cell(own: FloatArray, cell: IntArray) -> tuple[IntArray, FloatArray]:
    """Sum columns, shape (draws, patterns), by the cell of each; returns the cells there are, and their sums."""
    if (cell[1:] < cell[:-1]).any():
        order = np.argsort(cell, kind="stable")
        own, cell = own.take(order, axis=1), cell[order]
    begin = np.flatnonzero(np.diff(cell, prepend=-1))
    return cell[begin], np.add.reduceat(own, begin, axis=1)


def _sum_columns(counts: NDArray[Any], place: IntArray, size: int) -> NDArray[Any]:
    """Sum the columns, shape (draws, m), that share a place."""
    from scipy.sparse import csr_array

    ones = np.ones(place.size, dtype=counts.dtype)
    return np.asarray(counts @ csr_array((ones, (np.arange(place.size), place)), shape=(place.size, size)))


def _weights(arms: OverlapArms, turned: FloatArray, rows: slice) -> FloatArray:
    """Overlap weights of some rows of the design in every draw, shape (draws, rows)."""
    # Of the treated the chance of the other arm counts: that of the opposite log-odds.
    side = np.where(arms.arm[rows] > 0, -1.0, 1.0)
    return chance_of_yes(turned @ (arms.design.basis[rows] * side[:, None]).T)
