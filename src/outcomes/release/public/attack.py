"""A reader who wants to know: works hidden numbers back from what is published, and from nothing else.

Written apart from `protect` and `prove`, and on purpose in another way (cells are the only unknowns, every printed
total is a range for a sum of them), so that a mistake in one is seen by the other. The reader knows all the rules: what
rounding does, that a printed number of 1 and more stands for 11 patients or more, that a hidden cell is mostly of 1 to
10 patients, that a number stays as it was printed when it changed by 10 or fewer.

Ways: the least and greatest value of every hidden number under all printed ones together (whole numbers, HiGHS); totals
less the other parts; the same with earlier releases, and the difference of two printings of one number; numbers of
events and of patients behind the points of a curve and its limits (`attack_curves`).
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array, eye_array, kron

from outcomes.release.public.attack_curves import attack_curves
from outcomes.release.public.model import HIDDEN_CELL, RULES, Attacked, PublicRules, ShownCurve, ShownTable

LARGE = 1_000_000
TINY = 1e-6
NARROW = 8
LARGEST = 6000
DRIFT = 12
"""A number kept from earlier may be so far off: 10 patients and 2 of rounding."""
TOTAL = "total"
Name = tuple[str, str]
"""Table and cell."""


@dataclass(frozen=True, slots=True)
class _Range:
    """A sum of unknown cells lies between two numbers."""

    cells: tuple[int, ...]
    signs: tuple[int, ...]
    low: int
    high: int


@dataclass(slots=True)
class _Board:
    """The cells of all tables one after the other, and the ranges of their sums."""

    low: list[int]
    high: list[int]
    ranges: list[_Range]
    targets: list[tuple[str, str, tuple[int, ...]]]


def attack(
    tables: Sequence[ShownTable],
    curves: Sequence[ShownCurve] = (),
    earlier: Sequence[Sequence[ShownTable]] = (),
    rules: PublicRules = RULES,
    guess: bool = False,
) -> tuple[Attacked, ...]:
    """Return what can be worked out about every number that is hidden.

    Parameters
    ----------
    tables : sequence of ShownTable
        Of the release that is attacked.
    curves : sequence of ShownCurve
    earlier : sequence of sequences of ShownTable
        Tables of releases before, for differences.
    rules : PublicRules
    guess : bool
        Whether the reader takes every hidden cell to be of fewer than k patients, rightly or not; where that
        contradicts what is printed, there is no answer.

    Returns
    -------
    tuple of Attacked
        One for each hidden cell and total, one for each gap of a curve that is too narrow, and one for each number
        that differs between two releases by what few patients did.
    """
    newest_first = (tuple(tables), *(tuple(one) for one in reversed(earlier)))
    kept = [frozenset(_find_kept(one, newest_first[i + 1 :])) for i, one in enumerate(newest_first)]
    found = _solve_tables(newest_first[:1], rules, guess, kept)
    if earlier:
        found = _tighter(found, _solve_tables(newest_first, rules, guess, kept))
    return (*found, *_difference(tables, earlier, rules), *attack_curves(curves, rules))


def _solve_tables(
    releases: Sequence[Sequence[ShownTable]], rules: PublicRules, guess: bool, kept: Sequence[frozenset[Name]]
) -> tuple[Attacked, ...]:
    """Bounds of the hidden numbers of the first of some releases.

    A number printed as it was before may have been kept. Where the others contradict themselves, any may have been.
    """
    for drift in (0, DRIFT):
        bounds = _bound_all(board := _lay_out(releases, rules, guess, drift, kept))
        if bounds is not None:
            return tuple(
                Attacked(table, cell, low, high, high - low + 1 >= rules.least_values, way)
                for (table, cell, _), (low, high, way) in zip(board.targets, bounds, strict=True)
            )
    return ()


def _find_kept(tables: Sequence[ShownTable], before: Sequence[Sequence[ShownTable]]) -> Iterator[Name]:
    """Numbers that are printed as they were printed before."""
    for table in tables:
        for then in (then for release in before for then in release):
            if (then.name, then.cohort.name) == (table.name, table.cohort.name):
                old = _printed(then)
                yield from ((table.name, cell) for cell, shown in _printed(table).items() if old.get(cell) == shown)


def _lay_out(
    releases: Sequence[Sequence[ShownTable]],
    rules: PublicRules,
    guess: bool,
    drift: int,
    kept: Sequence[frozenset[Name]],
) -> _Board:
    board = _Board([], [], [], [])
    laid: list[list[Laid]] = []
    for n, tables in enumerate(releases):
        reader = _Reader(rules, guess, drift, kept[n])
        coarsest = max((table.base for table in tables), default=rules.base)
        laid.append([(table, _lay_table(board, table, reader, coarsest, is_target=n == 0)) for table in tables])
        _join_tables(board, laid[n])
    for n, own in enumerate(laid):
        for others in laid[n + 1 :]:
            _join_releases(board, own, others, rules.k - 1)
    return board


@dataclass(frozen=True, slots=True)
class _Reader:
    """How a printed number is read."""

    rules: PublicRules
    guess: bool
    drift: int
    kept: frozenset[Name]

    def read(self, table: str, cell: str, shown: int, base: int) -> tuple[int, int]:
        drift = DRIFT if (table, cell) in self.kept else self.drift
        return _read_number(shown, base, self.rules, self.guess, drift)


def _lay_table(board: _Board, table: ShownTable, reader: _Reader, coarsest: int, is_target: bool) -> NDArray[np.int64]:
    """Add the cells of a table, and what its totals say; return where its cells stand."""
    n_rows, n_columns = table.shown.shape
    start = len(board.low)
    place = np.arange(start, start + n_rows * n_columns).reshape(n_rows, n_columns)
    for r, row in enumerate(table.rows):
        for c, column in enumerate(table.columns):
            name = f"{row} / {column}"
            low, high = reader.read(table.name, name, int(table.shown[r, c]), table.base)
            if (table.name, name) not in reader.kept and table.row_totals[r] >= reader.rules.class_floor + table.base:
                low = max(low, min(1, high))  # nobody is said of so many: what is hidden is somebody
            board.low.append(low)
            board.high.append(high)
            if table.shown[r, c] == HIDDEN_CELL and is_target:
                board.targets.append((table.name, name, (int(place[r, c]),)))
    lines = [
        (table.row_totals[r], tuple(place[r].tolist()), f"{row} / {TOTAL}", table.base)
        for r, row in enumerate(table.rows)
        if n_rows > 1 and (table.shown[r] == HIDDEN_CELL).any()
    ]
    lines += [
        (table.column_totals[c], tuple(place[:, c].tolist()), f"{TOTAL} / {column}", coarsest)
        for c, column in enumerate(table.columns)
    ]
    lines.append((table.total, tuple(place.ravel().tolist()), f"{TOTAL} / {TOTAL}", coarsest))
    for shown, cells, name, base in lines:
        low, high = replace(reader, guess=False).read(table.name, name, shown, base)
        board.ranges.append(_Range(cells, (1,) * len(cells), low, high))
        if shown == HIDDEN_CELL and is_target and len(cells) > 1:
            board.targets.append((table.name, name, cells))
    return place


def _read_number(shown: int, base: int, rules: PublicRules, guess: bool, drift: int) -> tuple[int, int]:
    """The least and greatest count behind a printed number."""
    if shown == HIDDEN_CELL:
        return (0, rules.k - 1) if guess else (0, LARGE)
    if shown == 0 or base == 1:
        return shown, shown
    if drift:
        return max(0, shown - max(drift, base)), shown + max(drift, base)
    half = base // 2
    return max(rules.k, shown - half), shown - half + base - 1


Laid = tuple[ShownTable, NDArray[np.int64]]


def _join_tables(board: _Board, laid: Sequence[Laid]) -> None:
    """Tables of one cohort hold the same patients; one of a sub-cohort those of its parent's column.

    Each table is tied to the first of its kind; that any two are alike follows.
    """
    first: dict[Hashable, NDArray[np.int64]] = {}
    for table, cells in laid:
        same: list[tuple[Hashable, NDArray[np.int64]]] = [(table.cohort.name, cells)]
        same += [
            ((table.cohort.name, table.columns, table.column_totals, c), cells[:, c]) for c in range(len(table.columns))
        ]
        for kind, own in same:
            if kind in first:
                _equate(board, first[kind].ravel(), own.ravel())
            first.setdefault(kind, own)
        for parent, others in laid:
            if table.cohort.parent == parent.name and table.cohort.column in parent.columns:
                _equate(board, others[:, parent.columns.index(table.cohort.column)], cells.ravel())


def _equate(board: _Board, left: NDArray[np.int64], right: NDArray[np.int64], most: int = 0) -> None:
    cells = (*left.tolist(), *right.tolist())
    board.ranges.append(_Range(cells, (1,) * left.size + (-1,) * right.size, -most, most))


def _join_releases(board: _Board, own: Sequence[Laid], others: Sequence[Laid], most: int) -> None:
    """A number that is printed as it was has changed by fewer than k patients."""
    for now, place in own:
        for then, before in others:
            if (now.name, now.cohort.name, now.cohort.definition) != (
                then.name,
                then.cohort.name,
                then.cohort.definition,
            ):
                continue
            where = {cell: i for i, cell in enumerate((r, c) for r in then.rows for c in then.columns)}
            old = before.ravel()
            for r, row in enumerate(now.rows):
                for c, column in enumerate(now.columns):
                    i = where.get((row, column))
                    if i is not None and now.shown[r, c] == then.shown.ravel()[i] != HIDDEN_CELL:
                        _equate(board, place[r, [c]], old[[i]], most)


def _bound_all(board: _Board) -> list[tuple[int, int, str]] | None:
    """Least and greatest value of every target; None where what is printed contradicts itself.

    First without asking for whole numbers, all at once; the range of whole ones lies inside, and is sought where that
    range is not wide.
    """
    if not board.targets:
        return []
    sums, limits = _constraints(board)
    rough = _relax(board, sums, limits)
    if rough is None:
        return None
    found = []
    for (_, _, cells), (low, high) in zip(board.targets, rough, strict=True):
        ends = (low, high)
        if high - low < NARROW:
            whole = _seek_whole(cells, sums, limits)
            if whole is None:
                return None
            ends = whole
        found.append((*ends, _name_way(board, cells, *ends)))
    return found


def _constraints(board: _Board) -> tuple[LinearConstraint, Bounds]:
    rows = [row for row, line in enumerate(board.ranges) for _ in line.cells]
    columns = [i for line in board.ranges for i in line.cells]
    signs = [float(sign) for line in board.ranges for sign in line.signs]
    matrix = csr_array((signs, (rows, columns)), shape=(len(board.ranges), len(board.low)))
    sums = LinearConstraint(matrix, [line.low for line in board.ranges], [line.high for line in board.ranges])
    return sums, Bounds(np.array(board.low, dtype=float), np.array(board.high, dtype=float))


def _relax(board: _Board, sums: LinearConstraint, limits: Bounds) -> list[tuple[int, int]] | None:
    """Ranges of the targets for fractions, to the whole numbers inside."""
    tasks = [(cells, sign) for _, _, cells in board.targets for sign in (1.0, -1.0)]
    values: list[float] = []
    n, size = limits.lb.size, max(2, LARGEST // max(limits.lb.size, 1) // 2 * 2)
    for start in range(0, len(tasks), size):
        part = tasks[start : start + size]
        cost = np.zeros((len(part), n))
        for row, (cells, sign) in enumerate(part):
            cost[row, list(cells)] = sign
        blocks = kron(eye_array(len(part)), sums.A, format="csr")
        both = LinearConstraint(blocks, np.tile(sums.lb, len(part)), np.tile(sums.ub, len(part)))
        edges = Bounds(np.tile(limits.lb, len(part)), np.tile(limits.ub, len(part)))
        answer = milp(cost.ravel(), bounds=edges, constraints=both)
        if answer.x is None:
            return None
        values += (cost * answer.x.reshape(cost.shape)).sum(axis=1).tolist()
    pairs = zip(values[::2], values[1::2], strict=True)
    return [(math.ceil(low - TINY), math.floor(-high + TINY)) for low, high in pairs]


def _seek_whole(cells: tuple[int, ...], sums: LinearConstraint, limits: Bounds) -> tuple[int, int] | None:
    cost = np.zeros(limits.lb.size)
    cost[list(cells)] = 1.0
    ends = [milp(way * cost, integrality=np.ones(cost.size), bounds=limits, constraints=sums) for way in (1, -1)]
    if ends[0].fun is None or ends[1].fun is None:
        return None
    return round(ends[0].fun), -round(ends[1].fun)


def _name_way(board: _Board, cells: tuple[int, ...], low: int, high: int) -> str:
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


def _tighter(one: Sequence[Attacked], other: Sequence[Attacked]) -> tuple[Attacked, ...]:
    """The narrower of two answers about each number."""
    second = {(item.table, item.cell): item for item in other}
    found = []
    for item in one:
        rival = second.get((item.table, item.cell), item)
        found.append(rival if rival.high - rival.low < item.high - item.low else item)
    return tuple(found) if one else tuple(other)


def _difference(
    tables: Sequence[ShownTable], earlier: Sequence[Sequence[ShownTable]], rules: PublicRules
) -> tuple[Attacked, ...]:
    """Numbers whose two printings differ by so little that only a few patients can have moved."""
    found = []
    old = [(table, _printed(table)) for release in earlier for table in release]
    for table in tables:
        for then, numbers in old:
            if (then.name, then.cohort.name) != (table.name, table.cohort.name):
                continue
            for name, shown in _printed(table).items():
                before = numbers.get(name, HIDDEN_CELL)
                if HIDDEN_CELL in (shown, before) or shown == before:
                    continue
                now = _read_number(shown, table.base, rules, guess=False, drift=0)
                past = _read_number(before, then.base, rules, guess=False, drift=0)
                low, high = now[0] - past[1], now[1] - past[0]
                if max(abs(low), abs(high)) < rules.k:
                    found.append(Attacked(table.name, name, low, high, False, "difference of two releases"))
    return tuple(found)


def _printed(table: ShownTable) -> dict[str, int]:
    """All numbers of a table that are no sums of others, by name."""
    numbers = {
        f"{row} / {column}": int(table.shown[r, c])
        for r, row in enumerate(table.rows)
        for c, column in enumerate(table.columns)
    }
    numbers |= {f"{TOTAL} / {column}": table.column_totals[c] for c, column in enumerate(table.columns)}
    whole = (table.shown != HIDDEN_CELL).all(axis=1)
    numbers |= {f"{row} / {TOTAL}": table.row_totals[r] for r, row in enumerate(table.rows) if not whole[r]}
    return numbers | {f"{TOTAL} / {TOTAL}": table.total}
