"""Which printed number of a release makes a hidden one narrow, by the multipliers of a linear program.

At the least and at the greatest value of the hidden number, in fractions, some bounds and sums hold it: those with a
multiplier. Numbers of this release that stand in one of them are tried as if they were hidden, those first that are
missed least. What is chosen is proved again, so that nothing rests on it but how much is hidden.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy import sparse
from scipy.optimize import OptimizeResult, linprog

from outcomes.release.public.prove import FAR, TINY, shrink
from outcomes.release.public.system import System

MOST_TRIED = 12
"""Numbers that are tried for one that is narrow."""
WIDE = 10**8
"""A sum bounded by more is not bounded."""


def find_cause(system: System, place: int, candidates: Iterable[int], least: float) -> int | None:
    """Return the first of some numbers whose hiding leaves another so many values, or else the one that leaves most.

    None where hiding one of them opens nothing.

    Parameters
    ----------
    system : System
    place : int
        Of the number that is narrow.
    candidates : iterable of int
        Places of the numbers that may be hidden, those first that are missed least.
    least : float
    """
    part, kept = shrink(system, np.array([place]))
    where = np.cumsum(kept) - 1
    target = int(where[place])
    ends = [_reach(part, target, sign) for sign in (1, -1)]
    holding = {i for end in ends for i in _list_holding(part, end)}
    best, found = _measure(ends, target) + TINY, None
    for i in [i for i in candidates if kept[i] and int(where[i]) in holding][:MOST_TRIED]:
        without = _hide(part, int(where[i]))
        width = _measure([_reach(without, target, sign) for sign in (1, -1)], target)
        if width > best:
            best, found = width, i
            if width + 1 >= least:
                break
    return found


def _reach(part: System, target: int, sign: int) -> OptimizeResult:
    """The solution in fractions with the least (sign 1) or greatest (-1) value of a number."""
    cost = np.zeros(part.exact.size)
    cost[target] = sign
    above, below = _list_sides(part)
    sums = sparse.vstack([part.sums[above], -part.sums[below]])
    most = np.concatenate([part.sum_high[above], -part.sum_low[below]])
    return linprog(cost, sums, most, bounds=np.column_stack([part.low, part.high]), method="highs")


def _list_sides(part: System) -> tuple[list[int], list[int]]:
    """Sums that are bounded from above, and from below."""
    return np.flatnonzero(part.sum_high < WIDE).tolist(), np.flatnonzero(part.sum_low > -WIDE).tolist()


def _measure(ends: Iterable[OptimizeResult], target: int) -> float:
    least, most = (float(end.x[target]) for end in ends)
    return most - least


def _list_holding(part: System, end: OptimizeResult) -> set[int]:
    """Numbers in the bounds and sums that hold an end."""
    above, below = _list_sides(part)
    rows = np.array(above + below)[np.abs(end.ineqlin.marginals) > TINY]
    at = np.abs(end.lower.marginals) + np.abs(end.upper.marginals) > TINY
    return {*np.flatnonzero(at).tolist(), *part.sums[np.unique(rows)].indices.tolist()}


def _hide(part: System, i: int) -> System:
    """The system as it would be without the printing of a number; a difference of two printings goes with it."""
    low, high, sum_low, sum_high = (bound.copy() for bound in (part.low, part.high, part.sum_low, part.sum_high))
    low[i], high[i] = max(1, part.exact[i] - FAR), part.exact[i] + FAR
    of = np.flatnonzero(part.sums[:, [i]].toarray().ravel())
    pairs = of[(np.diff(part.sums.indptr)[of] == 2) & (part.sum_low[of] != part.sum_high[of])]
    sum_low[pairs], sum_high[pairs] = -2 * WIDE, 2 * WIDE
    return System(part.exact, low, high, part.sums, sum_low, sum_high)
