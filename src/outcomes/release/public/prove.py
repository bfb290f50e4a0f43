"""How many values a reader must still hold possible for every number that is hidden.

All printed numbers, of this release and the earlier ones, are one system of sums with whole numbers (`system`): a
printed number bounds the true one by its rounding, a hidden one is known to be of 1 to k-1 patients (that it is one of
these, and not one hidden for their sake, is held to be known too). For each hidden number different values are sought,
each with a whole solution of the entire system to show for it: most by small moves from the truth (`moves`), the others
with scipy's HiGHS, all searches of a release as blocks of one model. Only values found are counted, and every solution
is put back into the system, so that no fault of a solver can feign safety.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csgraph

from outcomes.errors import DisclosureError
from outcomes.release.public.model import Counts
from outcomes.release.public.moves import walk
from outcomes.release.public.system import System

FAR = 40
"""How far from the truth values are sought; what lies beyond would only add to them."""
BLOCK = 4_000
"""Unknowns in one model."""


@dataclass(frozen=True, slots=True)
class Weak:
    """A hidden number too little is open of: its place, and the least and greatest value found."""

    place: int
    low: int
    high: int


def find_weak(system: System, targets: Counts, least: int) -> tuple[Weak, ...]:
    """Return the targets for which fewer than `least` values could be shown to be possible.

    Parameters
    ----------
    system : System
    targets : ndarray of int, shape (t,)
        Places of the numbers that are hidden.
    least : int

    Raises
    ------
    DisclosureError
        The truth does not fit the system, so nothing can be proved.
    """
    if not system.holds(system.exact[None, :])[0]:
        raise DisclosureError("E923 The printed numbers contradict the true ones. This is a fault; please report it.")
    if not targets.size:
        return ()
    system, places = _shrink(system, targets)
    seen = [{int(system.exact[i])} for i in places.tolist()]
    _record(system, walk(system, places.tolist(), least), places, seen)
    of_place = dict(zip(places.tolist(), seen, strict=True))
    searches = [Search(i, sign, None) for i in of_place for sign in (1, -1)]
    for _ in range(least + 1):
        _search(system, searches, places, of_place, least)
        searches = [
            Search(place, 1, middle)
            for place, found in of_place.items()
            if len(found) < least and (middle := _middle(found)) is not None
        ]
        if not searches:
            break
    return tuple(
        Weak(int(target), min(found), max(found))
        for target, found in zip(targets.tolist(), seen, strict=True)
        if len(found) < least
    )


def _search(
    system: System, searches: Sequence[Search], places: Counts, of_place: dict[int, set[int]], least: int
) -> None:
    """Do some searches, a few at a time: what one finds tells of other numbers too, and closes some of theirs."""
    waiting, size = list(searches), max(1, BLOCK // max(system.exact.size, 1))
    while waiting := [search for search in waiting if len(of_place[search.place]) < least]:
        _record(system, _solve(system, waiting[:size]), places, [of_place[i] for i in places.tolist()])
        waiting = waiting[size:]


@dataclass(frozen=True, slots=True)
class Search:
    """Look for the greatest (`sign` 1) or least (-1) value of a number, up to or down to `until` where one is given."""

    place: int
    sign: int
    until: int | None


def _middle(found: set[int]) -> int | None:
    """The middle of the widest gap between values found; None where there is no gap."""
    values = sorted(found)
    gaps = [(b - a, -a, b - (b - a + 1) // 2) for a, b in pairwise(values) if b - a > 1]
    return max(gaps)[2] if gaps else None


def _shrink(system: System, targets: Counts) -> tuple[System, Counts]:
    """Leave out what no target hangs together with, and numbers that are known; near enough bounds for the rest."""
    low, high = np.maximum(system.low, system.exact - FAR), np.minimum(system.high, system.exact + FAR)
    is_free = low < high
    is_free[targets] = True
    links = system.sums[:, is_free]
    _, label = csgraph.connected_components(sparse.bmat([[None, links.T], [links, None]]), directed=False)
    of_number = np.full(is_free.size, -1, dtype=np.int64)
    of_number[is_free] = label[: is_free.sum()]
    wanted = np.unique(of_number[targets])
    kept = is_free & np.isin(of_number, wanted)
    rows = np.isin(label[is_free.sum() :], wanted)
    known = system.sums[rows] @ np.where(kept, 0, system.exact)
    part = System(
        system.exact[kept],
        low[kept],
        high[kept],
        sparse.csr_array(system.sums[rows][:, kept]),
        system.sum_low[rows] - known,
        system.sum_high[rows] - known,
    )
    return part, (np.cumsum(kept) - 1)[targets]


def _solve(system: System, searches: Sequence[Search]) -> Counts:
    """Return one whole solution of the system for each search, shape (p, n)."""
    n, m = system.exact.size, len(searches)
    cost, low, high = np.zeros((m, n)), np.tile(system.low, (m, 1)), np.tile(system.high, (m, 1))
    for row, search in enumerate(searches):
        cost[row, search.place] = -search.sign
        if search.until is not None:
            edge = high if search.sign > 0 else low
            edge[row, search.place] = search.until
    blocks = sparse.kron(sparse.eye_array(m), system.sums, format="csr")
    sums = LinearConstraint(blocks, np.tile(system.sum_low, m), np.tile(system.sum_high, m))
    found = milp(cost.ravel(), integrality=np.ones(m * n), bounds=Bounds(low.ravel(), high.ravel()), constraints=sums)
    if found.x is None:
        return np.empty((0, n), dtype=np.int64)
    return np.rint(found.x).astype(np.int64).reshape(m, n)


def _record(system: System, points: Counts, places: Counts, seen: Sequence[set[int]]) -> None:
    """Add the values of the targets in every point that fits the system."""
    for values in points[system.holds(points)][:, places]:
        for found, value in zip(seen, values.tolist(), strict=True):
            found.add(value)
