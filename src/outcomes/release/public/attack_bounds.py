"""The least and greatest value of every hidden number under all that is written down, by HiGHS."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, OptimizeResult, milp
from scipy.sparse import csr_array

from outcomes.release.public.attack_board import Board

TINY = 1e-6
NARROW = 8
ROUNDS = 12
"""Points sought that show many numbers at once to be wide, before each is looked at alone."""


class _NothingFits(Exception):
    """No numbers fit what is written down: what is printed contradicts itself."""


def bound_all(board: Board) -> list[tuple[int, int, str]] | None:
    """Return the least and greatest value of every target, and the way; None where what is printed contradicts itself.

    First without asking for whole numbers; the range of whole ones lies inside, and is sought where that range is not
    wide. Of a wide one two values so far apart are given, not the ends.
    """
    if not board.targets:
        return []
    sums, limits = _constraints(board)
    found = []
    try:
        for (*_, cells), ends in zip(board.targets, _relax(board, sums, limits), strict=True):
            if ends[1] - ends[0] >= NARROW:
                found.append((*ends, "all numbers together"))
                continue
            whole = _seek_whole(cells, sums, limits)
            found.append((*whole, _name_way(board, cells, *whole)))
    except _NothingFits:
        return None
    return found


def _constraints(board: Board) -> tuple[LinearConstraint, Bounds]:
    rows = [row for row, line in enumerate(board.ranges) for _ in line.cells]
    columns = [i for line in board.ranges for i in line.cells]
    signs = [float(sign) for line in board.ranges for sign in line.signs]
    matrix = csr_array((signs, (rows, columns)), shape=(len(board.ranges), len(board.low)))
    sums = LinearConstraint(matrix, [line.low for line in board.ranges], [line.high for line in board.ranges])
    return sums, Bounds(np.array(board.low, dtype=float), np.array(board.high, dtype=float))


def _relax(board: Board, sums: LinearConstraint, limits: Bounds) -> list[tuple[int, int]]:
    """Ranges of the targets for fractions, to the whole numbers inside."""
    picks = np.zeros((len(board.targets), limits.lb.size))
    for row, (*_, cells) in enumerate(board.targets):
        picks[row, list(cells)] = 1.0
    low, high = np.full(len(picks), math.inf), np.full(len(picks), -math.inf)
    for turn in range(ROUNDS):
        is_open = high - low < NARROW + 1
        if not is_open.any():
            break
        signs = np.where((np.arange(len(picks)) >> (turn // 2)) & 1, 1.0, -1.0) * (-1.0) ** turn
        values = _reach((signs * is_open) @ picks, picks, sums, limits)
        low, high = np.minimum(low, values), np.maximum(high, values)
    for row in np.flatnonzero(high - low < NARROW + 1).tolist():
        for sign in (1.0, -1.0):
            values = _reach(sign * picks[row], picks, sums, limits)
            low, high = np.minimum(low, values), np.maximum(high, values)
    return [(math.ceil(a - TINY), math.floor(b + TINY)) for a, b in zip(low.tolist(), high.tolist(), strict=True)]


def _reach(
    cost: NDArray[np.float64], picks: NDArray[np.float64], sums: LinearConstraint, limits: Bounds
) -> NDArray[np.float64]:
    """The targets where a cost is least."""
    return picks @ _solve(cost, sums, limits, whole=False).x


def _seek_whole(cells: tuple[int, ...], sums: LinearConstraint, limits: Bounds) -> tuple[int, int]:
    cost = np.zeros(limits.lb.size)
    cost[list(cells)] = 1.0
    least, most = (_solve(way * cost, sums, limits, whole=True) for way in (1, -1))
    return round(least.fun), -round(most.fun)


def _solve(cost: NDArray[np.float64], sums: LinearConstraint, limits: Bounds, whole: bool) -> OptimizeResult:
    answer = milp(cost, integrality=np.full(cost.size, int(whole)), bounds=limits, constraints=sums)
    if answer.x is None:
        raise _NothingFits
    return answer


def _name_way(board: Board, cells: tuple[int, ...], low: int, high: int) -> str:
    """Whether one total less its other parts says as much as everything together."""
    for line in board.ranges:
        if not set(cells) < set(line.cells) or line.signs != (1,) * len(line.cells):
            continue
        rest = [i for i in line.cells if i not in cells]
        least = line.low - sum(board.high[i] for i in rest)
        most = line.high - sum(board.low[i] for i in rest)
        if (least, most) == (low, high):
            return "total less the others"
    return "all numbers together"
