"""How many values a reader must still hold possible for every number that is hidden.

All printed numbers, of this release and the earlier ones, are one system of sums with whole numbers (`system`): a
printed number bounds the true one by its rounding, a hidden one is known to be of 1 to k-1 patients (that it is one of
these, and not one hidden for their sake, is held to be known too). For each hidden number different values are sought,
each with a whole solution of the entire system to show for it: most by small moves from the truth (`moves`), the others
with scipy's HiGHS, first the ends of what is possible in fractions, then a value at a time between them. Only values
found are counted, and every solution is put back into the system, so that no fault of a solver can feign safety.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csgraph

from outcomes.errors import DisclosureError
from outcomes.release.public.model import Counts
from outcomes.release.public.moves import walk
from outcomes.release.public.system import System

FAR = 40
"""How far from the truth values are sought; what lies beyond would only add to them."""
TINY = 1e-6
NODES = 10
"""Branches a search for one value may take; a count and no time, so that every machine finds the same."""
SHARED = 8
"""Searches for the ends of many numbers at once, before each is looked at alone."""
MOST_TRIES = 12
"""Values of one number that are tried."""


@dataclass(frozen=True, slots=True)
class Weak:
    """A hidden number too little is open of: its place, and the least and greatest value found."""

    place: int
    low: int
    high: int


@dataclass(slots=True)
class Solutions:
    """Whole solutions found, shape (p, n), kept while a release is mended: hiding more leaves most of them possible."""

    points: Counts = field(default_factory=lambda: np.empty((0, 0), dtype=np.int64))


def find_weak(system: System, targets: Counts, least: int, known: Solutions | None = None) -> tuple[Weak, ...]:
    """Return the targets for which fewer than `least` values could be shown to be possible.

    Parameters
    ----------
    system : System
    targets : ndarray of int, shape (t,)
        Places of the numbers that are hidden.
    least : int
    known : Solutions, optional
        Of systems like this one; tried first, and those found are added.

    Raises
    ------
    DisclosureError
        The truth does not fit the system, so nothing can be proved.
    """
    if not system.holds(system.exact[None, :])[0]:
        raise DisclosureError("E923 The printed numbers contradict the true ones. This is a fault; please report it.")
    if not targets.size:
        return ()
    known = known or Solutions()
    if known.points.shape[1] != system.exact.size:
        known.points = np.empty((0, system.exact.size), dtype=np.int64)
    part, kept = shrink(system, targets)
    places = (np.cumsum(kept) - 1)[targets]
    search = _Search(part, places, [{count} for count in part.exact[places].tolist()])
    search.record(known.points[system.holds(known.points)][:, kept])
    search.run(least)
    found = np.unique(np.concatenate(search.points), axis=0)
    known.points = np.tile(system.exact, (len(found), 1))
    known.points[:, kept] = found
    return tuple(
        Weak(int(target), min(values), max(values))
        for target, values in zip(targets.tolist(), search.seen, strict=True)
        if len(values) < least
    )


@dataclass(slots=True)
class _Search:
    """The values of some places of a system that were seen in whole solutions of it."""

    system: System
    places: Counts
    seen: list[set[int]]
    points: list[Counts] = field(default_factory=list)

    def record(self, found: NDArray[np.float64] | Counts) -> None:
        """Add the values in every point that, taken as whole numbers, fits the system."""
        points = np.rint(found).astype(np.int64)
        points = points[self.system.holds(points)]
        for values in points[:, self.places].tolist():
            for seen, value in zip(self.seen, values, strict=True):
                seen.add(value)
        self.points.append(points)

    def run(self, least: int) -> None:
        """Look until every place has `least` values, or none more are found."""
        self.record(walk(self.system, self._list_open(least), least))
        for turn in range(SHARED):
            signs = {i: (-1) ** ((n >> (turn // 2)) + turn) for n, i in enumerate(self._list_open(least))}
            if len(signs) > 1:
                self.record(_solve(self.system, signs))
        for place, found in zip(self.places.tolist(), self.seen, strict=True):
            if len(found) < least:
                self._seek(place, found, least)

    def _list_open(self, least: int) -> list[int]:
        return [i for i, found in zip(self.places.tolist(), self.seen, strict=True) if len(found) < least]

    def _seek(self, place: int, found: set[int], least: int) -> None:
        """Look for values of one number, its ends first, then those next to the truth."""
        exact = int(self.system.exact[place])
        ends: list[float] = []
        for sign in (1, -1):
            if len(found) >= least:
                return
            point = _solve(self.system, {place: sign})
            self.record(point)
            ends += point[:, place].tolist() or [exact]
        inside = range(math.ceil(min(ends) - TINY), math.floor(max(ends) + TINY) + 1)
        for value in sorted(inside, key=lambda value: (abs(value - exact), value))[:MOST_TRIES]:
            if len(found) >= least or len(inside) < least:
                return
            for is_whole in (False, True):
                if value not in found and len(point := _solve(self.system, {place: 0}, value, is_whole)):
                    self.record(point)
                else:
                    break


def shrink(system: System, targets: Counts) -> tuple[System, NDArray[np.bool_]]:
    """Leave out what no target hangs together with, and numbers that are known; near enough bounds for the rest.

    With it, which numbers are left.
    """
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
    return part, kept


def _solve(
    system: System, signs: Mapping[int, int], value: int | None = None, is_whole: bool = False
) -> NDArray[np.float64]:
    """Return a solution of the system in fractions or in whole numbers, shape (1, n), or none, shape (0, n).

    With least (sign 1) or greatest (-1) values of some numbers, or with a given one.
    """
    n = system.exact.size
    cost, low, high = np.zeros(n), system.low.astype(float), system.high.astype(float)
    at = list(signs)
    cost[at] = list(signs.values())
    if value is not None:
        low[at] = high[at] = value
    sums = LinearConstraint(system.sums, system.sum_low, system.sum_high)
    whole = np.full(n, int(is_whole))
    found = milp(cost, integrality=whole, bounds=Bounds(low, high), constraints=sums, options={"node_limit": NODES})
    return np.empty((0, n)) if found.x is None else found.x[None, :]
