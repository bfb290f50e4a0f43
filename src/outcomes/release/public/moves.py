"""Other whole solutions of a system, found by moving one patient at a time.

From the truth a number is raised or lowered by one, and every sum that no longer holds is mended by another number that
may move by one, until all hold. It finds what there is in most releases, and quickly; what it does not find is searched
for by a solver (`prove`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from outcomes.release.public.model import Counts
from outcomes.release.public.system import System

MOST_TRIES = 60
"""Mends tried for one move."""


def walk(system: System, targets: Sequence[int], least: int) -> Counts:
    """Return points that fit the system, shape (p, n): for each target up to `least` - 1 values beside the true one.

    Parameters
    ----------
    system : System
    targets : sequence of int
    least : int
    """
    walker = _Walker(system)
    points: list[list[int]] = []
    values = [{int(system.exact[i])} for i in targets]
    for i, own in zip(targets, values, strict=True):
        for way in (1, -1):
            point = system.exact.tolist()
            while len(own) < least and walker.move(point, i, way):
                points.append(point.copy())
                for other, found in zip(targets, values, strict=True):
                    found.add(point[other])
    return np.array(points, dtype=np.int64).reshape(-1, system.exact.size)


class _Walker:
    """A system as lists, for moves of one."""

    def __init__(self, system: System) -> None:
        self.low, self.high = system.low.tolist(), system.high.tolist()
        self.sum_low, self.sum_high = system.sum_low.tolist(), system.sum_high.tolist()
        rows, columns = system.sums, system.sums.tocsc()
        self.of_sum = _pairs(rows.indptr, rows.indices, rows.data)
        self.of_number = _pairs(columns.indptr, columns.indices, columns.data)
        for members in self.of_sum:
            members.sort(key=lambda pair: len(self.of_number[pair[0]]))

    def move(self, point: list[int], i: int, way: int) -> bool:
        """Move number `i` by one, and others with it, in place; False, and nothing moved, where no way was found."""
        if not self.low[i] <= point[i] + way <= self.high[i]:
            return False
        self.tries = 0
        moved = {i: way}
        if not self._mend(point, moved, self._shift(i, way)):
            return False
        for place, step in moved.items():
            point[place] += step
        return True

    def _shift(self, i: int, way: int) -> dict[int, int]:
        return {row: factor * way for row, factor in self.of_number[i]}

    def _mend(self, point: list[int], moved: dict[int, int], off: dict[int, int]) -> bool:
        """Mend the first sum that does not hold, and then the rest; numbers that have moved stay."""
        row = next((row for row, by in off.items() if by and not self._holds(point, row, by, moved)), None)
        if row is None:
            return True
        for i, factor in self.of_sum[row]:
            step = -off[row] * factor
            if i in moved or abs(step) > 2 or not self.low[i] <= point[i] + step <= self.high[i]:
                continue
            self.tries += 1
            if self.tries > MOST_TRIES:
                return False
            moved[i] = step
            after = dict(off)
            for other, by in self._shift(i, step).items():
                after[other] = after.get(other, 0) + by
            if self._mend(point, moved, after):
                return True
            del moved[i]
        return False

    def _holds(self, point: list[int], row: int, by: int, moved: dict[int, int]) -> bool:
        if self.sum_low[row] == self.sum_high[row]:
            return by == 0
        total = sum(factor * point[i] for i, factor in self.of_sum[row]) + by
        return self.sum_low[row] <= total <= self.sum_high[row]


def _pairs(starts: Counts, places: Counts, factors: Counts) -> list[list[tuple[int, int]]]:
    pairs = list(zip(places.tolist(), (int(f) for f in factors.tolist()), strict=True))
    return [pairs[a:b] for a, b in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True)]
