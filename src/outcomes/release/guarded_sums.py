"""Which published counts must be hidden, so that no small one can be worked out from those that are shown.

Behind a table stand counts of the smallest parts (cells of a table, sets of families); it publishes sums of them. What
a reader may know: every sum shown, the sums that are `known` in any case, that counts are whole and not negative, what
`never_negative` says of them, and, where every hidden sum is small, that they are (`is_told`). As soon as another
has to go all bear one mark, which says nothing: "hidden, and not small" would be 0, or a number of its own. For each
small sum the least and the greatest value that fits all this is found by an integer program. If they do not reach from
1 to the floor less 1, one published sum more is hidden: the smallest of those nearest to it.

The two-way table of triggers has a rule of its own (`trigger_cells`), because all its hidden cells bear one mark.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_NODES = 200
"""Branches looked at for one answer: the best counts found by then fit, and show how far a range reaches at least."""
Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums of counts.

    Attributes
    ----------
    weights : ndarray, shape (s, a)
        Of the counts in each sum.
    values : ndarray, shape (s,)
        What the sums are.
    tags : ndarray, shape (s, t)
        What each is about (its group, its family): the product of the tags of two sums says how near they are.
    """

    weights: Floats
    values: Floats
    tags: Floats

    @classmethod
    def of(cls, rows: list[tuple[Floats, float, Floats]], n_counts: int, n_tags: int) -> Sums:
        """Put rows of (weights, value, tags) together."""
        if not rows:
            return cls(np.zeros((0, n_counts)), np.zeros(0), np.zeros((0, n_tags)))
        weights, values, tags = zip(*rows, strict=True)
        return cls(np.stack(weights), np.array(values, dtype=float), np.stack(tags))


@dataclass(slots=True)
class Board:
    """Published sums, which of them are shown, and the small sums to be guarded.

    Attributes
    ----------
    published : Sums
    shown : ndarray of bool, shape (s,)
        Some may be hidden from the start; `hide` hides the small ones and what would give them away.
    known : Sums
        A reader knows these in any case.
    guarded : Sums
        Those that are 0, or no less than the floor, are passed over.
    never_negative : ndarray, shape (r, a)
    """

    published: Sums
    shown: Flags
    known: Sums
    guarded: Sums
    never_negative: Floats


def is_small(values: Floats, floor: int) -> Flags:
    """Whether counts are 1 to floor - 1."""
    return (values > 0) & (values < floor)


def is_told(values: Floats, shown: Flags, floor: int) -> bool:
    """Whether all that is hidden is small, so that the mark may say so."""
    return bool(is_small(values[~shown], floor).all())


def hide(board: Board, floor: int) -> Flags:
    """Hide published sums until no guarded one can be worked out; return which are shown.

    What was hidden on the way and is not needed in the end is shown again, the greatest first.

    Parameters
    ----------
    board : Board
        Its `shown` is changed.
    floor : int
        Smallest count that is shown, besides 0.
    """
    values = board.published.values
    board.shown &= ~is_small(values, floor)
    guarded = np.flatnonzero(is_small(board.guarded.values, floor))
    pending, extra = find_narrow(board, guarded, floor), []
    while pending.size and board.shown.any():
        near = board.published.tags @ board.guarded.tags[pending[0]]
        extra.append(int(np.lexsort((values, -near, ~board.shown))[0]))
        board.shown[extra[-1]] = False
        pending = find_narrow(board, pending, floor)
    if pending.size:
        return board.shown  # nothing is shown any more
    for i in sorted(extra[:-1], key=lambda i: -values[i]):
        board.shown[i] = True
        board.shown[i] = not find_narrow(board, guarded, floor).size
    return board.shown


def find_narrow(board: Board, pending: NDArray[np.intp], floor: int) -> NDArray[np.intp]:
    """Those of the guarded sums whose range is not yet found to reach from 1 to floor - 1.

    The first one is known not to; the others are those that no counts found on the way have cleared.
    """
    if not pending.size:
        return pending
    weights = board.guarded.weights[pending]
    solve = _Reader(board, floor).solve

    def ask(direction: Floats) -> Floats:
        counts = solve(direction)
        # Without an answer the sums count as known, and more is hidden.
        return board.guarded.values[pending] if counts is None else weights @ counts

    return pending[find_open(weights, ask, floor)]


def find_open(weights: Floats, ask: Callable[[Floats], Floats], floor: int) -> NDArray[np.intp]:
    """Return which of m sums are not found to reach from 1 to floor - 1: the first such, and those still open then.

    Parameters
    ----------
    weights : ndarray, shape (m, c)
        Each sum, as weights of the counts behind it.
    ask : callable
        Takes weights of the counts, and returns all the sums, shape (m,), where that weighted sum is least.
    floor : int
    """
    low, high = np.full(len(weights), np.inf), np.full(len(weights), -np.inf)
    tried: set[bytes] = set()

    def note(direction: Floats) -> None:
        if (key := direction.tobytes()) in tried:
            return  # of a single sum, or of equal ones: the answer would be the same
        tried.add(key)
        sums = ask(direction)
        np.minimum(low, sums, out=low)
        np.maximum(high, sums, out=high)

    note(weights.sum(axis=0))
    note(-weights.sum(axis=0))
    for i in range(len(weights)):
        if low[i] > 1:
            note(weights[i])
        if low[i] <= 1 and high[i] < floor - 1:
            note(-weights[i])
        if low[i] > 1 or high[i] < floor - 1:
            return i + np.flatnonzero((low[i:] > 1) | (high[i:] < floor - 1))
    return np.empty(0, dtype=np.intp)


class _Reader:
    """One who solves for the counts: one system for all the small sums."""

    def __init__(self, board: Board, floor: int) -> None:
        from scipy.optimize import Bounds, LinearConstraint
        from scipy.sparse import csc_array

        values, shown = board.published.values, board.shown
        small = ~shown & is_small(values, floor)
        told = is_told(values, shown, floor)
        low = np.where(shown, values, np.where(small & told, 1.0, 0.0))
        high = np.where(shown, values, np.where(small & told, floor - 1.0, np.inf))
        known, never = board.known, board.never_negative
        # Put together once, as the solver takes it: there are hundreds of boards, with a handful of answers each.
        self.constraints = LinearConstraint(
            csc_array(np.concatenate([board.published.weights, known.weights, never])),
            np.concatenate([low, known.values, np.zeros(len(never))]),
            np.concatenate([high, known.values, np.full(len(never), np.inf)]),
        )
        self.bounds = Bounds(0, np.inf)
        self.whole = np.ones(board.published.weights.shape[1])

    def solve(self, weights: Floats) -> Floats | None:
        """Return the counts with the smallest weighted sum among those that fit."""
        from scipy.optimize import milp

        found = milp(
            weights,
            constraints=self.constraints,
            integrality=self.whole,
            bounds=self.bounds,
            options={"node_limit": _NODES},
        )
        return None if found.x is None else np.rint(found.x)
