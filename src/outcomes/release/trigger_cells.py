"""Which cells of a two-way table of counts must be hidden, so that no small one can be worked out from the rest.

The rule, and what a reader is taken to know, stand in `trigger_disclosure`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from outcomes.release.guarded_sums import find_open

Counts = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(slots=True)
class Shown:
    """What is shown of k by k counts: cells, the total of each row, the share of each column, the diagonal's sum.

    Attributes
    ----------
    counts : ndarray of int, shape (k * k + 1,)
        Row by row; the last is the number of the pooled triggers' pairs with the same trigger again, 0 without such.
    cells : ndarray of bool, shape (k * k + 1,)
    rows, columns : ndarray of bool, shape (k,)
    diagonal : bool
    pooled : int
        Place of the pooled triggers; -1 for none.
    """

    counts: Counts
    cells: Flags
    rows: Flags
    columns: Flags
    diagonal: bool
    pooled: int

    @property
    def size(self) -> int:
        """Number of triggers."""
        return self.rows.size

    def line(self, i: int, axis: int) -> Flags:
        """The cells of row `i` (axis 0) or of column `i` (axis 1)."""
        square = np.zeros((self.size, self.size), np.bool_)
        square[(slice(None),) * axis + (i,)] = True
        return np.append(square.ravel(), False)

    def same(self) -> Flags:
        """The cells whose sum is the number of pairs with the same trigger again."""
        square = np.eye(self.size, dtype=np.bool_)
        if self.pooled >= 0:
            square[self.pooled, self.pooled] = False
        return np.append(square.ravel(), self.pooled >= 0)

    def everything(self) -> Flags:
        """All cells."""
        return np.append(np.ones(self.size**2, np.bool_), False)

    def facts(self) -> NDArray[np.float64]:
        """Weights of the cells in each sum a reader knows, shape (sums, k * k + 1)."""
        lines = [self.line(int(i), 0) for i in np.flatnonzero(self.rows)]
        lines += [self.line(int(j), 1) for j in np.flatnonzero(self.columns)]
        lines += [self.same()] if self.diagonal else []
        return np.stack([self.everything(), *lines]).astype(float)


def hide_cells(counts: Counts, floor: int, listed: Flags | None = None, pooled: int = -1, again: int = 0) -> Shown:
    """Decide what of a table of counts is shown (rule: this module's docstring).

    Parameters
    ----------
    counts : ndarray of int, shape (k, k)
        Rows and columns are the same triggers in the same order.
    floor : int
    listed : ndarray of bool, shape (k, k), optional
        Cells that stand in the table; one that does not is known to be 0.
    pooled, again : int
        Place of the pooled triggers, and the number of their pairs with the same trigger again.
    """
    k = counts.shape[0]
    listed = np.append(np.ones(k * k, np.bool_) if listed is None else listed.ravel(), False)
    flat = np.append(counts.ravel(), again)
    cells = np.append(np.ones(k * k, np.bool_), pooled < 0)
    shown = Shown(flat, cells, np.ones(k, np.bool_), np.ones(k, np.bool_), True, pooled)
    pending = _hide_small(shown, floor)
    shown.cells[:-1] |= ~listed[:-1]
    _hide_rectangles(shown, floor, listed)
    while pending:
        pending = _find_narrow(shown, pending, floor)
        if pending and not _hide_more(shown, pending[0], listed):
            break  # nothing is shown any more
    return shown


def _hide_small(shown: Shown, floor: int) -> list[Flags]:
    """Hide what shows a small count by itself; return the small counts, each as the cells it is the sum of."""
    guarded: list[Flags] = []

    def is_small(what: Flags) -> bool:
        small = 0 < int(shown.counts[what].sum()) < floor
        if small:
            guarded.append(what)
        return small

    for i in range(shown.counts.size):
        if is_small(np.arange(shown.counts.size) == i):
            shown.cells[i] = False
    for i in range(shown.size):
        row, own = shown.line(i, 0), i * (shown.size + 1)
        if is_small(row):
            shown.rows[i] = False
            shown.cells &= ~row
        if is_small(shown.line(i, 1)):
            shown.columns[i] = False
        if is_small(row & (np.arange(row.size) != own)):
            shown.cells[own] = False
    if (
        is_small(shown.same())
        or 0 < int(shown.counts[shown.everything()].sum() - shown.counts[shown.same()].sum()) < floor
    ):
        shown.diagonal = False
    return guarded


def _hide_rectangles(shown: Shown, floor: int, listed: Flags) -> None:
    """Hide, for each small cell off the diagonal, the cheapest three cells that make its range wide enough.

    What the cell gains, the other cell of its row and of its column lose, and the fourth corner gains: no total of a
    row or column changes, and none of the four is on the diagonal. Where there is none `_hide_more` goes on.
    """
    k = shown.size
    counts, usable = shown.counts[:-1].reshape(k, k), listed[:-1].reshape(k, k)
    away = ~np.eye(k, dtype=np.bool_) & usable
    for i, j in zip(*np.nonzero((counts > 0) & (counts < floor) & away), strict=True):
        value = int(counts[i, j])
        price = np.where(shown.cells[:-1].reshape(k, k), counts + 1, 0).astype(float)
        row = np.where(away[i] & (counts[i] >= floor - 1 - value), price[i], np.inf)
        column = np.where(away[:, j] & (counts[:, j] >= floor - 1 - value), price[:, j], np.inf)
        row[j], column[i] = np.inf, np.inf
        corner = np.where(away & (counts >= value - 1), price, np.inf)
        total = column[:, None] + row[None, :] + corner
        if np.isfinite(total.min()):
            other, along = (int(at) for at in np.unravel_index(int(total.argmin()), total.shape))
            shown.cells[[i * k + along, other * k + j, other * k + along]] = False


def _find_narrow(shown: Shown, pending: list[Flags], floor: int) -> list[Flags]:
    """Those of the guarded counts whose range, for all a reader knows, is not yet found to reach from 1 to floor - 1.

    The first one is known not to; the others are those no table found on the way has cleared.
    """
    weights = np.stack(pending).astype(float)
    return [pending[i] for i in find_open(weights, lambda direction: weights @ solve(shown, direction), floor)]


def solve(shown: Shown, weights: NDArray[np.float64]) -> Counts:
    """Return the counts with the smallest weighted sum among those that fit what is shown."""
    from scipy.optimize import linprog

    free = ~shown.cells
    counts = shown.counts.copy()
    if not free.any():
        return counts
    facts, known = shown.facts(), shown.cells
    limit, most = None, None
    if shown.pooled >= 0:
        # Those with the same trigger again are among the pairs of pooled triggers.
        own = shown.pooled * (shown.size + 1)
        part = np.zeros(counts.size)
        part[-1], part[own] = 1.0, -1.0
        limit, most = part[free][None, :], np.array([-part[known] @ counts[known]])
    found = linprog(
        weights[free],
        A_ub=limit,
        b_ub=most,
        A_eq=facts[:, free],
        b_eq=facts[:, free] @ counts[free],
        bounds=(0, float(counts.sum())),
        integrality=1,
    )
    counts[free] = np.rint(found.x).astype(np.int64)
    return counts


def _hide_more(shown: Shown, what: Flags, listed: Flags) -> bool:
    """Hide one thing more: a cell near the guarded count, a cell elsewhere, the columns, the diagonal, the rows."""
    if _hide_second_total(shown, what):
        return True
    square = what[:-1].reshape(shown.size, shown.size)
    near = np.append(np.logical_or.outer(square.any(axis=1), square.any(axis=0)).ravel(), False)
    if what[-1]:
        near |= shown.same()
    candidates = shown.cells & listed
    for among in (candidates & near, candidates):
        if among.any():
            shown.cells[int(np.where(among, shown.counts, shown.counts.max() + 1).argmin())] = False
            return True
    if shown.columns.any():
        shown.columns[:] = False
    elif shown.diagonal:
        shown.diagonal = False
    elif shown.rows.any():
        shown.rows[:] = False
    else:
        return False
    return True


def _hide_second_total(shown: Shown, what: Flags) -> bool:
    """Where a lone row total (or column's) is hidden it is the whole less the others: hide the next smallest too."""
    for flags, axis in ((shown.rows, 0), (shown.columns, 1)):
        lines = [shown.line(i, axis) for i in range(shown.size)]
        if (~flags).sum() == 1 and flags.any() and any(np.array_equal(what, line) for line in lines):
            totals = np.array([shown.counts[line].sum() for line in lines])
            flags[int(np.where(flags, totals, totals.max() + 1).argmin())] = False
            return True
    return False
