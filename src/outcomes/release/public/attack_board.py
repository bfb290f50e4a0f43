"""What a reader writes down: every cell of every release, and the ranges of their sums.

Cells are the only unknowns; a printed total, and every rule that is known, is a range for a sum of them.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from outcomes.release.public.model import HIDDEN_CELL, PublicRules, ShownCurve, ShownTable

LARGE = 1_000_000
TOTAL = "total"
Name = tuple[str, str]
"""Table and cell."""
Kept = Mapping[Name, int]
"""Numbers that may be kept from earlier, and of how many rounded numbers each may be the sum."""
Laid = tuple[ShownTable, NDArray[np.int64]]
"""A table, and where its cells stand."""


_REST = re.compile(r"\d{4}Q[1-4] and earlier")


def plain(name: str) -> str:
    """Return a name without the quarter up to which a row holds all before: it is kept as if it were one number."""
    return _REST.sub("earlier", name)


@dataclass(frozen=True, slots=True)
class Range:
    """A sum of unknown cells lies between two numbers."""

    cells: tuple[int, ...]
    signs: tuple[int, ...]
    low: int
    high: int


@dataclass(slots=True)
class Board:
    """The cells of all tables one after the other, the ranges of their sums, and the hidden numbers that are sought.

    A target is a release (0 the newest), table and cell by name, and the cells that make it up.
    """

    low: list[int]
    high: list[int]
    ranges: list[Range]
    targets: list[tuple[int, str, str, tuple[int, ...]]]

    def bind(self, cells: Sequence[int], low: int, high: int, less: Sequence[int] = ()) -> None:
        """Write down that some cells, less others, add up to between `low` and `high`."""
        signs = (1,) * len(cells) + (-1,) * len(less)
        self.ranges.append(Range((*cells, *less), signs, low, high))


@dataclass(frozen=True, slots=True)
class Reader:
    """How a printed number is read.

    Attributes
    ----------
    rules : PublicRules
    guess : bool
        Whether every hidden cell is taken to be of fewer than k patients.
    any_kept : bool
        Whether any number may be kept from earlier.
    is_closed : bool
        Whether nothing is taken to have changed in a quarter that is over.
    kept : Kept
        Numbers that are printed as they were before, or as the sum of what was printed of their parts.
    """

    rules: PublicRules
    guess: bool
    any_kept: bool = False
    is_closed: bool = False
    kept: Kept = field(default_factory=dict)

    def may_keep(self, table: str, cell: str) -> bool:
        """Whether a number may be one that was kept."""
        return (table, plain(cell)) in self.kept

    def read(self, table: str, cell: str, shown: int, base: int) -> tuple[int, int]:
        """Return the least and greatest count behind a printed number."""
        parts = self.kept.get((table, plain(cell)), int(self.any_kept))
        if shown == HIDDEN_CELL:
            return (0, self.rules.k - 1) if self.guess else (0, LARGE)
        if shown == 0 or base == 1:
            return shown, shown
        half = base // 2
        if parts:
            # The count it was made from may be k - 1 from that of now, off the print as far as rounding goes;
            # a sum of several adds what each of them may be off.
            far = self.rules.k - 1 + (half if parts == 1 else parts * (half + self.rules.k - 1))
            return max(0, shown - far), shown + far
        return max(self.rules.k, shown - half), shown - half + base - 1


def lay_release(board: Board, tables: Sequence[ShownTable], reader: Reader, release: int) -> list[Laid]:
    """Add the cells of a release, and what is printed of them; return where they stand."""
    coarsest = max((table.base for table in tables), default=reader.rules.base)
    laid = [(table, _lay_table(board, table, reader, coarsest, release)) for table in tables]
    _join_tables(board, laid)
    for table, place in laid:
        if table.base > 1 and not reader.any_kept:
            for part, rest in _rests(table, place):
                if not reader.may_keep(*part):
                    board.bind(rest, reader.rules.k, LARGE)
    return laid


def _lay_table(board: Board, table: ShownTable, reader: Reader, coarsest: int, release: int) -> NDArray[np.int64]:
    n_rows, n_columns = table.shown.shape
    start = len(board.low)
    place = np.arange(start, start + n_rows * n_columns).reshape(n_rows, n_columns)
    for r, row in enumerate(table.rows):
        for c, column in enumerate(table.columns):
            name = f"{row} / {column}"
            low, high = reader.read(table.name, name, int(table.shown[r, c]), table.base)
            if not reader.may_keep(table.name, name) and table.row_totals[r] >= reader.rules.class_floor + table.base:
                low = max(low, min(1, high))  # nobody is said of so many: what is hidden is somebody
            board.low.append(low)
            board.high.append(high)
            if table.shown[r, c] == HIDDEN_CELL:
                board.targets.append((release, table.name, name, (int(place[r, c]),)))
    for name, (cells, shown) in read_totals(table, place).items():
        base = table.base if not name.startswith(TOTAL) else coarsest
        low, high = replace(reader, guess=False).read(table.name, name, shown, base)
        board.bind(cells, low, high)
        if shown == HIDDEN_CELL and len(cells) > 1:
            board.targets.append((release, table.name, name, cells))
    return place


def read_totals(table: ShownTable, place: NDArray[np.int64]) -> dict[str, tuple[tuple[int, ...], int]]:
    """Return the cells and the printed number of every total that is not the sum of printed parts, by name."""
    found: dict[str, tuple[tuple[int, ...], int]] = {}
    for r, row in enumerate(table.rows):
        is_sum = (table.shown[r] != HIDDEN_CELL).all() and table.row_totals[r] == table.shown[r].sum()
        if len(table.rows) > 1 and not is_sum:
            found[f"{row} / {TOTAL}"] = tuple(place[r].tolist()), table.row_totals[r]
    for c, column in enumerate(table.columns):
        found[f"{TOTAL} / {column}"] = tuple(place[:, c].tolist()), table.column_totals[c]
    found[f"{TOTAL} / {TOTAL}"] = tuple(place.ravel().tolist()), table.total
    return found


def _rests(table: ShownTable, place: NDArray[np.int64]) -> Iterator[tuple[Name, list[int]]]:
    """What a whole has beside a printed part, where none of it is printed: the rule hid the part for 1 to k-1."""
    groups = [
        (f"{row} / ", list(zip(table.columns, table.shown[r].tolist(), place[r, :, None].tolist(), strict=True)))
        for r, row in enumerate(table.rows)
    ]
    columns = zip(table.columns, table.column_totals, place.T.tolist(), strict=True)
    groups.append((f"{TOTAL} / ", list(columns)))
    for row, parts in groups:
        printed = [(column, shown) for column, shown, _ in parts if shown > 0]
        if len(printed) == 1 and any(shown == HIDDEN_CELL for _, shown, _ in parts):
            rest = [i for column, _, cells in parts for i in cells if column != printed[0][0]]
            yield (table.name, f"{row}{printed[0][0]}"), rest


def _join_tables(board: Board, laid: Sequence[Laid]) -> None:
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
                board.bind(first[kind].ravel().tolist(), 0, 0, own.ravel().tolist())
            first.setdefault(kind, own)
        for parent, others in laid:
            if table.cohort.parent == parent.name and table.cohort.column in parent.columns:
                column = others[:, parent.columns.index(table.cohort.column)]
                board.bind(column.tolist(), 0, 0, cells.ravel().tolist())


def lay_curves(board: Board, laid: Sequence[Laid], curves: Sequence[ShownCurve], rules: PublicRules) -> None:
    """Those who had the event by a point and those still observed are a part of all of the group."""
    for curve in curves:
        events = np.cumsum(np.maximum(curve.new_events - rules.base // 2, rules.k))
        least = int((events + np.maximum(curve.at_risk - curve.base // 2, rules.k)).max(initial=0))
        own = [(table, place) for table, place in laid if table.cohort.name == curve.cohort.name]
        rows = [place[table.rows.index(curve.group)] for table, place in own if curve.group in table.rows]
        if len(rows) == 1:
            board.bind(rows[0].tolist(), least, LARGE)
