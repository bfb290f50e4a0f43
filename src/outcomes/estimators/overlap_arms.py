"""Two arms under overlap weights, in the full data and in draws of patients: what their comparisons share.

A comparison needs of its rows only how much weight each distinct outcome has in each arm: a cell. Rows are counted into
patterns (equal arm, outcome and columns), patterns are numbered by their content, and cells are runs of them. A draw of
patients is a count for each pattern; the propensity is fitted to it anew, and its weights are summed by cell. So a
comparison works on a few hundred cells, however many rows and columns there are.

Since everything after the counting is in the order of the content, neither the order of the rows nor the names of the
patients can change a bit of an answer.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np
from numpy.typing import ArrayLike, NDArray

from outcomes.estimators.bootstrap import draw_counts
from outcomes.estimators.checks import FloatArray, check_numbers
from outcomes.estimators.counting import sum_by
from outcomes.estimators.logistic import Design, chances, fit_draws
from outcomes.estimators.logistic_chords import chance_of_yes, rows_together
from outcomes.estimators.risk_draws import keep_fitted
from outcomes.estimators.row_codes import code_few_rows, code_rows
from outcomes.estimators.weighting import Balance, balance, effective_sample_size, fit_propensity

IntArray = NDArray[np.intp]

# Rows of the propensity are counted when at most this share of the patterns differs in them.
_WORTH_COUNTING = 0.5


@dataclass(frozen=True, slots=True)
class Cells:
    """Distinct outcomes in each arm, c of them, the control's first.

    ``arm`` (c,); ``columns``, the outcome's, each (c,); ``count`` (c,) rows and ``weight`` (c,) their sum of weights;
    ``begin`` (c,) is the first pattern of each.
    """

    arm: FloatArray
    columns: tuple[FloatArray, ...]
    count: FloatArray
    weight: FloatArray
    begin: IntArray

    def of(self, side: int) -> IntArray:
        """Return the cells of one arm, 1 for the treated."""
        return np.flatnonzero(self.arm == side)


@dataclass(frozen=True, slots=True)
class OverlapArms:
    """The rows counted, and their propensity.

    Attributes
    ----------
    cells : Cells
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
    table : ndarray, shape (q, p)
    """

    cells: Cells
    place: IntArray
    pattern: IntArray
    design: Design
    arm: FloatArray
    turned: FloatArray
    weight: FloatArray
    propensity: FloatArray
    table: FloatArray


class ArmFields(TypedDict):
    """What every comparison says of its arms; see `overlap_risk`."""

    weights: FloatArray
    propensity: FloatArray
    balance: Balance
    ess_treated: float
    ess_control: float
    n_treated: int
    n_control: int


def weigh_arms(table: FloatArray, arm: FloatArray, outcome: list[FloatArray]) -> OverlapArms:
    """Count the rows and weight them, or refuse as `weighting.fit_propensity`.

    Parameters
    ----------
    table : ndarray, shape (n, p)
    arm : ndarray of 0 and 1, shape (n,)
        Both from `weighting.check_arms`.
    outcome : list of ndarray, shape (n,) each
    """
    first, place = code_rows([arm, *outcome, *table.T])
    count = np.bincount(place).astype(np.float64)
    table, arm = table[first], arm[first]
    coded = code_few_rows([arm, *table.T], _WORTH_COUNTING)
    kind, pattern = coded if coded is not None else (np.arange(first.size), np.arange(first.size))
    kinds = table[kind]
    design, fit, _ = fit_propensity(kinds, arm[kind], sum_by(pattern, count, kind.size))
    chance, other = chances(fit.log_odds)
    weight = np.where(arm[kind] > 0, other, chance)
    columns = [column[first] for column in outcome]
    new = np.ones(first.size, dtype=bool)
    new[1:] = np.any([np.diff(column) != 0 for column in (arm, *columns)], axis=0)
    begin = np.flatnonzero(new)
    cells = Cells(
        arm[begin],
        tuple(column[begin] for column in columns),
        np.add.reduceat(count, begin),
        np.add.reduceat(count * weight[pattern], begin),
        begin,
    )
    return OverlapArms(cells, place, pattern, design, arm[kind], fit.turned, weight, chance, kinds)


def describe_arms(arms: OverlapArms) -> ArmFields:
    """Return each row's weight, the balance, and the sizes of the arms."""
    own = arms.pattern[arms.place]
    # Sums go through the rows in the order of their patterns, whatever order they were given in.
    ordered = arms.pattern[np.sort(arms.place)]
    treated, weights = arms.arm[ordered] > 0, arms.weight[ordered]
    return {
        "weights": arms.weight[own],
        "propensity": arms.propensity[own],
        "balance": balance(arms.table[ordered], treated, weights),
        "ess_treated": effective_sample_size(weights[treated]),
        "ess_control": effective_sample_size(weights[~treated]),
        "n_treated": int(treated.sum()),
        "n_control": int((~treated).sum()),
    }


def draw_cells(
    arms: OverlapArms, cluster: ArrayLike | None, draws: int, seed: int | list[int], workers: int = 1
) -> tuple[FloatArray, int]:
    """Draw patients, fit the propensity of every draw and sum its weights by cell.

    Parameters
    ----------
    arms : OverlapArms
    cluster : array_like, shape (n,), optional
        Patient of each row; every row is one when not given.
    draws, seed, workers : int
        With any number of workers (threads) the sums are the same, bit for bit.

    Returns
    -------
    sums : ndarray, shape (draws kept, c)
    n_failed : int
        Draws in which the propensity has no finite fit; these are left out.

    Raises
    ------
    NotEstimable
        More than 5 % of the draws without a finite fit.
    """
    n = arms.place.size
    who = np.arange(n) if cluster is None else check_numbers("cluster", cluster, n)
    counts = draw_counts(arms.place, who, draws, seed)
    by_kind, same = counts, arms.arm.size == counts.shape[1]
    if not same:
        by_kind = _sum_columns(counts, arms.pattern, arms.arm.size)
    turned, reached = fit_draws(arms.design, arms.arm, np.ones(arms.arm.size), by_kind, arms.turned, workers)
    weights = None if same else _weights(arms, turned, slice(None))

    def part(rows: slice) -> tuple[int, FloatArray]:
        own = _weights(arms, turned, rows) if weights is None else weights[:, arms.pattern[rows]]
        own *= counts[:, rows]
        cell = int(np.searchsorted(arms.cells.begin, rows.start, side="right")) - 1
        inside = arms.cells.begin[cell + 1 : np.searchsorted(arms.cells.begin, rows.stop)] - rows.start
        return cell, np.add.reduceat(own, np.concatenate([[0], inside]), axis=1)

    sums = np.zeros((draws, arms.cells.arm.size))
    with ThreadPoolExecutor(workers) as pool:
        # A cell may end in the next part; parts are added up in their order.
        for cell, found in pool.map(part, rows_together(counts.shape[1], draws)):
            sums[:, cell : cell + found.shape[1]] += found
    return keep_fitted(sums, reached, "the model of who was treated")


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
