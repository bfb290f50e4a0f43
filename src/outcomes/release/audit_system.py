"""The published counts of one release as a linear system, and what of the hidden ones follows from the others.

Unknown are whole numbers that are not negative. A reader knows rows ``low <= sum of weights x counts <= high``: what is
printed, and what the tables are to each other. `System.look_into` says of each count asked about which of the small
values 1 to k-1 still fit: bounds are first carried from row to row, which settles most, and what is then open is put to
an integer program (HiGHS), part by part of the system. A solution found for one count speaks for all others of its
part, so that few are asked for.

Nothing here is shared with the rules that hide (`guarded_sums`): a fault of theirs would else be repeated. What this
search finds in the tables of a clinic's report is hidden before they are written (`hide_more`).
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

_PASSES = 60
_NODES = 400
"""Branches of one integer program; what it cannot settle with them counts as not settled."""
_DRAWS = 6
_SLACK = 1e-6
_MOST = 1e6
"""No practice has so many visits: stands for no bound where a program needs one."""


@dataclass(frozen=True, slots=True)
class Row:
    """One thing a reader knows: ``low <= sum of weights x counts <= high``, and why, in a few words."""

    at: tuple[int, ...]
    weights: tuple[float, ...]
    low: float
    high: float
    why: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What is left of one count.

    Attributes
    ----------
    low, high : int
        Bounds by arithmetic, before any search; `high` is -1 where there is none.
    small : tuple of int
        Of the values 1 to k-1 those that fit.
    other : bool
        Whether a value that is not small fits too, so that a reader cannot even say that the count is small.
    settled : bool
        Whether each value was shown to fit or not to fit; where it was not, it is counted as one that does not fit.
    way : str
        The last row that narrowed the bounds; empty where a search over many rows did.
    """

    low: int
    high: int
    small: tuple[int, ...]
    other: bool
    settled: bool
    way: str


@dataclass(slots=True)
class System:
    """Counts by name, their bounds, and rows. Built row by row, then asked (`look_into`)."""

    floor: int
    names: list[Hashable] = field(default_factory=list)
    low: list[float] = field(default_factory=list)
    high: list[float] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    not_small: set[int] = field(default_factory=set)
    ways: dict[int, str] = field(default_factory=dict)
    contradictions: list[str] = field(default_factory=list)
    solved: dict[Hashable, NDArray[np.float64] | None] = field(default_factory=dict)
    _index: dict[Hashable, int] = field(default_factory=dict)

    def count(self, name: Hashable) -> int:
        """Return the place of a count, made at its first mention."""
        at = self._index.get(name)
        if at is None:
            at = self._index[name] = len(self.names)
            self.names.append(name)
            self.low.append(0.0)
            self.high.append(math.inf)
        return at

    def narrow(self, at: int, low: float, high: float, why: str = "") -> bool:
        """Cut the bounds of a count; return whether they moved. Bounds that exclude each other are noted, not used."""
        new_low, new_high = max(self.low[at], low), min(self.high[at], high)
        if new_low > new_high:
            self.contradictions.append(f"{self.names[at]}: {why or 'printed differently in two places'}")
            return False
        if new_low == self.low[at] and new_high == self.high[at]:
            return False
        self.low[at], self.high[at] = new_low, new_high
        self.ways[at] = why
        return True

    def know(self, at: int, value: float, why: str = "printed") -> None:
        """Take a printed number."""
        self.narrow(at, value, value, why)

    def add(self, parts: Mapping[int, float] | Iterable[tuple[int, float]], low: float, high: float, why: str) -> None:
        """Add a row; weights of one count named twice add up."""
        weights: dict[int, float] = {}
        for at, weight in parts.items() if isinstance(parts, Mapping) else parts:
            weights[at] = weights.get(at, 0.0) + weight
        kept = [(at, weight) for at, weight in weights.items() if weight]
        if kept:
            self.rows.append(Row(tuple(a for a, _ in kept), tuple(w for _, w in kept), low, high, why))

    def add_sum(self, parts: Iterable[int], whole: int, why: str, least: bool = False) -> None:
        """Parts add up to a whole; with `least` they add up to no more than it."""
        self.add([*((at, 1.0) for at in parts), (whole, -1.0)], -math.inf if least else 0.0, 0.0, why)

    def rest(self, whole: int, part: int) -> int:
        """Return the count of what a part leaves of its whole."""
        at = self.count(("rest", whole, part))
        if not any(row.at == (part, at, whole) for row in self.rows[-1:]):
            self.add(((part, 1.0), (at, 1.0), (whole, -1.0)), 0.0, 0.0, "whole less part")
        return at

    def look_into(self, asked: Iterable[int], thorough: bool = False) -> dict[int, Answer]:
        """Say of each count asked about what is left of it.

        Parameters
        ----------
        asked : iterable of int
            Places of counts (`count`).
        thorough : bool
            Whether to look for all small values of counts too of which a reader cannot say that they are small.

        Returns
        -------
        dict of int to Answer
        """
        asked = list(dict.fromkeys(asked))
        self._propagate()
        found = {at: self._read_bounds(at) for at in asked}
        open_still = [at for at in asked if found[at] is None]
        for members, rows in self._split(open_still):
            own = set(members)
            found |= _Part(self, members, rows).ask([at for at in open_still if at in own], thorough)
        return {at: answer for at, answer in found.items() if answer is not None}

    # -- bounds carried from row to row --------------------------------------------------------------------------------

    def _propagate(self) -> None:
        by_count: dict[int, list[int]] = {}
        for i, row in enumerate(self.rows):
            for at in row.at:
                by_count.setdefault(at, []).append(i)
        waiting, turns = list(range(len(self.rows))), 0
        while waiting and turns < _PASSES:
            turns += 1
            moved: set[int] = set()
            for i in waiting:
                moved.update(self._carry(self.rows[i]))
            for at in self.not_small & moved:
                self._skip_small(at)
            waiting = sorted({i for at in moved for i in by_count.get(at, ())})

    def _skip_small(self, at: int) -> None:
        if 0 < self.low[at] < self.floor:
            self.narrow(at, self.floor, math.inf, "not small by its mark")
        if 0 < self.high[at] < self.floor:
            self.narrow(at, 0, 0, "not small by its mark")

    def _carry(self, row: Row) -> list[int]:
        ends = [
            (weight * self.low[at], weight * self.high[at])
            if weight > 0
            else (weight * self.high[at], weight * self.low[at])
            for at, weight in zip(row.at, row.weights, strict=True)
        ]
        least, most = [end[0] for end in ends], [end[1] for end in ends]
        total_least, total_most = sum(least), sum(most)
        moved = []
        for i, (at, weight) in enumerate(zip(row.at, row.weights, strict=True)):
            if self.low[at] == self.high[at]:
                continue
            others_least = _without(total_least, least, i)
            others_most = _without(total_most, most, i)
            room = sorted(((row.low - others_most) / weight, (row.high - others_least) / weight))
            if self.narrow(at, math.ceil(room[0] - _SLACK) if math.isfinite(room[0]) else room[0],
                           math.floor(room[1] + _SLACK) if math.isfinite(room[1]) else room[1], row.why):  # fmt: skip
                moved.append(at)
        return moved

    def _read_bounds(self, at: int) -> Answer | None:
        """Answer from the bounds alone, where they leave no small value open, or only one value."""
        low, high = self.low[at], self.high[at]
        inside = [value for value in range(1, self.floor) if low <= value <= high]
        if inside and low < high:
            return None
        top = -1 if math.isinf(high) else int(high)
        return Answer(int(low), top, tuple(inside), not inside, True, self.ways.get(at, ""))

    def _split(self, asked: list[int]) -> list[tuple[list[int], list[Row]]]:
        """Parts of the system that share no open count, those that are asked about."""
        parent = list(range(len(self.names)))

        def root(at: int) -> int:
            while parent[at] != at:
                parent[at] = parent[parent[at]]
                at = parent[at]
            return at

        is_open = [low < high for low, high in zip(self.low, self.high, strict=True)]
        live = []
        for row in self.rows:
            members = [at for at in row.at if is_open[at]]
            if members:
                live.append((members[0], row))
                for at in members[1:]:
                    parent[root(at)] = root(members[0])
        wanted = {root(at) for at in asked}
        parts: dict[int, tuple[list[int], list[Row]]] = {top: ([], []) for top in sorted(wanted)}
        for at, flag in enumerate(is_open):
            if flag and root(at) in parts:
                parts[root(at)][0].append(at)
        for first, row in live:
            if root(first) in parts:
                parts[root(first)][1].append(row)
        return list(parts.values())


def _is_other(seen: set[int], floor: int) -> bool:
    """Whether a value that is not small was found."""
    return any(value == 0 or value >= floor for value in seen)


def _without(total: float, ends: list[float], i: int) -> float:
    """The sum of all ends but one; of ends without bound the total cannot be taken."""
    return total - ends[i] if math.isfinite(total) else sum(ends[:i]) + sum(ends[i + 1 :])


class _Part:
    """One part of a system, as an integer program."""

    def __init__(self, system: System, members: list[int], rows: list[Row]) -> None:
        from scipy.sparse import csr_array

        self.system, self.members = system, members
        place = {at: i for i, at in enumerate(members)}
        self.place = place
        n, jumps = len(members), [at for at in members if at in system.not_small and system.low[at] < system.floor]
        data, where, ends, lows, highs = [], [], [0], [], []
        for row in rows:
            known = 0.0
            for at, weight in zip(row.at, row.weights, strict=True):
                if at in place:
                    data.append(weight)
                    where.append(place[at])
                else:
                    known += weight * system.low[at]
            ends.append(len(data))
            lows.append(row.low - known)
            highs.append(row.high - known)
        for k, at in enumerate(jumps):  # 0, or at least the floor
            most = min(system.high[at], _MOST)
            for weight, low, high in ((-float(system.floor), 0.0, np.inf), (-most, -np.inf, 0.0)):
                data += [1.0, weight]
                where += [place[at], n + k]
                ends.append(len(data))
                lows.append(low)
                highs.append(high)
        self.matrix = csr_array((data, where, ends), shape=(len(lows), n + len(jumps)))
        self.rows = (np.array(lows), np.array(highs))
        self.low = np.array([*(system.low[at] for at in members), *[0.0] * len(jumps)])
        self.high = np.array([*(system.high[at] for at in members), *[1.0] * len(jumps)])
        parts = (self.matrix.data, self.matrix.indices, self.matrix.indptr, *self.rows)
        self.content = (self.matrix.shape, *(part.tobytes() for part in parts))

    def ask(self, asked: list[int], thorough: bool) -> dict[int, Answer]:
        """Answer for the counts of this part; one solution speaks for all of them."""
        floor = self.system.floor
        seen: dict[int, set[int]] = {at: set() for at in asked}
        undecided: set[int] = set()
        for k in range(_DRAWS if len(asked) > _DRAWS else 2):
            # Extremes first, then the corners of a fixed pattern of signs: what they show need not be asked for.
            signs = {at: (1.0, -1.0)[k] if k < 2 else float((-1) ** ((i * (k + 1)) // 3)) for i, at in enumerate(asked)}
            self._note(self._solve(signs), seen)
        for at in asked:
            if not _is_other(seen[at], floor):
                wide = self.system.high[at] >= floor and self._try(at, floor, None, seen)
                if not wide and self.system.low[at] <= 0:
                    self._try(at, 0, 0, seen)
            if _is_other(seen[at], floor) and not thorough:
                continue
            for value in range(1, floor):
                if value in seen[at] or not self.system.low[at] <= value <= self.system.high[at]:
                    continue
                if self._try(at, value, value, seen) is None:
                    undecided.add(at)
        return {at: self._answer(at, seen[at], at not in undecided) for at in asked}

    def _answer(self, at: int, seen: set[int], settled: bool) -> Answer:
        floor, system = self.system.floor, self.system
        small = tuple(value for value in range(1, floor) if value in seen)
        high = -1 if math.isinf(system.high[at]) else int(system.high[at])
        return Answer(int(system.low[at]), high, small, _is_other(seen, floor), settled, "")

    def _try(self, at: int, low: float, high: float | None, seen: dict[int, set[int]]) -> bool | None:
        """Whether the count can lie there; None where that is not settled."""
        top = np.inf if high is None else high
        found = self._solve({}, (self.place[at], low, top))
        self._note(found, seen)
        return None if found is None else found.size > 0

    def _note(self, found: NDArray[np.float64] | None, seen: dict[int, set[int]]) -> None:
        if found is not None and found.size:
            for at, values in seen.items():
                values.add(round(float(found[self.place[at]])))

    def _solve(
        self, aim: Mapping[int, float], held: tuple[int, float, float] | None = None
    ) -> NDArray[np.float64] | None:
        """Counts that fit; an empty array where none do, None where none were found in `_NODES` branches."""
        low, high = self.low.copy(), self.high.copy()
        if held is not None:
            low[held[0]], high[held[0]] = max(low[held[0]], held[1]), min(high[held[0]], held[2])
        goal = np.zeros(low.size)
        for at, weight in aim.items():
            goal[self.place[at]] = weight
        if aim and np.isinf(high).any():
            high = np.where(np.isinf(high), _MOST, high)
        # Tables of one make give many small parts that are alike to the last number: near half of all programs.
        program = (*self.content, goal.tobytes(), low.tobytes(), high.tobytes())
        if program not in self.system.solved:
            self.system.solved[program] = self._search(goal, low, high)
        return self.system.solved[program]

    def _search(
        self, goal: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]
    ) -> NDArray[np.float64] | None:
        from scipy.optimize import Bounds, LinearConstraint, milp

        constraints = LinearConstraint(self.matrix, *self.rows) if self.matrix.shape[0] else ()
        # Branches are counted, not seconds: a report on a busy machine must hide what it hides on an idle one.
        found = milp(
            goal,
            constraints=constraints,
            bounds=Bounds(low, high),
            integrality=np.ones(low.size),
            options={"node_limit": _NODES},
        )
        if found.x is not None:
            return np.asarray(found.x, dtype=np.float64)
        return np.zeros(0) if found.status == 2 else None
