"""The tables of a finished release as a reader of its files has them: every count, its mark, what a row says of it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from outcomes.release import audit_names as names
from outcomes.release.audit_system import System
from outcomes.release.marks import HIDDEN, small_mark

Line = Mapping[str, str]

PARTS = (
    *(("n", "events"), ("n", "patients"), ("visits", "missing"), ("n", "n_recorded"), ("n", "n_again")),
    *(("n_again", "n_changed"), ("n_with", "events_with"), ("n_without", "events_without"), ("n", "stopped")),
    *(("n", "told"), ("n", "events_with"), ("n", "events_without"), ("episodes_started", "patients")),
)
"""Pairs of columns of a row of which the second counts a part of the first."""
SHARES = {
    "estimate": ("n", "events", False),
    "completeness": ("visits", "missing", True),
    "share": ("n", "events", False),
}
"""Columns that are the second over the first, or what that leaves of one."""
_SHARES_OF = {"recording": {"share": ("n", "n_recorded", False)}, "changed": {"share": ("n_again", "n_changed", False)}}


@dataclass(frozen=True, slots=True)
class Cell:
    """One published count.

    Attributes
    ----------
    table, column : str
    line : int
        Line of the CSV file, the heading being 1.
    row : str
        What the row is about: its cells that are no numbers.
    text : str
        As printed: a number or a mark.
    at : int
        Place of the count in the system.
    """

    table: str
    line: int
    row: str
    column: str
    text: str
    at: int


@dataclass(slots=True)
class Book:
    """Tables by name, the system of what they say, and each count they print or hide."""

    tables: Mapping[str, Sequence[Line]]
    floor: int
    system: System = field(init=False)
    cells: list[Cell] = field(default_factory=list)
    wholes: dict[int, list[tuple[int, Cell]]] = field(default_factory=dict)
    named: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.system = System(self.floor)
        for table, lines in self.tables.items():
            if table.endswith("_summary") or table == "run":
                self._read_facts(table, lines)
            elif table not in names.OF_RECORDS:
                for i, line in enumerate(lines):
                    self._read_line(table, i + 2, line)

    def at(self, name: str) -> int | None:
        """Return the place of a named count, or None where no table speaks of it."""
        return self.named.get(name)

    def lines(self, table: str) -> Sequence[Line]:
        """Return the lines of a table; none where it is not published."""
        return self.tables.get(table, ())

    def is_mark(self, text: str) -> bool:
        """Whether a cell holds a mark in place of a count."""
        return text == HIDDEN or text == small_mark(self.floor)

    def rests(self) -> Iterator[tuple[Cell, int]]:
        """Give what each part leaves of its whole, with the cell of the part."""
        for whole, parts in self.wholes.items():
            for part, cell in parts:
                yield cell, self.system.rest(whole, part)

    def _read_facts(self, table: str, lines: Sequence[Line]) -> None:
        templates = names.SUMMARIES.get(table, {})
        for i, line in enumerate(lines):
            item, text = line.get("item") or line.get("fact") or "", line.get("value", "")
            counts = item in templates or ((item.startswith("n_") or item == "n") and item not in names.OF_UNITS)
            if counts and text and table not in names.OF_RECORDS:
                self._take(table, i + 2, item, item, text, templates.get(item, f"{table}/{item}"))

    def _read_line(self, table: str, number: int, line: Line) -> None:
        templates = names.NAMES.get(table, {})
        row = ", ".join(text for text in line.values() if text and not _is_number(text) and not self.is_mark(text))[:80]
        places: dict[str, Cell] = {}
        counted: tuple[str, ...] = names.COUNT_COLUMNS
        if table.endswith("_gate"):
            counted = names.GATE_VALUES if line["check"] in names.COUNT_CHECKS else ()
        for column, text in line.items():
            if (
                column not in counted
                or (table, column) in names.LABELS
                or not text
                or not (self.is_mark(text) or _is_whole(text))
            ):
                continue
            name = templates[column].format_map(line) if column in templates else f"{table}/{number}/{column}"
            places[column] = self._take(table, number, row, column, text, name, self._is_beside_small(line, column))
        if table in names.NOT_PARTS or line.get("outcome") == "mean_returns":
            return
        for whole, part in PARTS:
            if whole in places and part in places and places[whole].at != places[part].at:
                self.wholes.setdefault(places[whole].at, []).append((places[part].at, places[part]))
                self.system.rest(places[whole].at, places[part].at)
        self._read_shares(table, line, places)

    def _is_beside_small(self, line: Line, column: str) -> bool:
        """Whether the whole of a part is small: then a mark of the part says nothing of it."""
        mark = small_mark(self.floor)
        return any(part == column and line.get(whole) == mark for whole, part in PARTS)

    def _take(
        self, table: str, number: int, row: str, column: str, text: str, name: str, is_beside: bool = False
    ) -> Cell:
        at = self.named.setdefault(name, self.system.count(name))
        cell = Cell(table, number, row, column, text, at)
        self.cells.append(cell)
        where = f"{table}.csv line {number}, {column}"
        if text == small_mark(self.floor):
            low = 0.0 if is_beside or table in names.SMALL_SAYS_LITTLE else 1.0
            self.system.narrow(at, low, self.floor - 1, where)
        elif text == HIDDEN:
            if table not in names.HIDDEN_SAYS_LITTLE and not is_beside:
                self.system.not_small.add(at)
        else:
            self.system.know(at, float(text), where)
        return cell

    def _read_shares(self, table: str, line: Line, places: Mapping[str, Cell]) -> None:
        own = next((shares for end, shares in _SHARES_OF.items() if table.endswith(end)), SHARES)
        for column, (whole, part, is_rest) in own.items():
            if column == "estimate" and table not in names.PLAIN_SHARES:
                continue
            if whole in places and part in places and _is_number(line.get(column, "")):
                share = float(line[column])
                share = 1.0 - share if is_rest else share
                why = f"{table}.csv: share times its base"
                self.system.add(((places[part].at, 1.0), (places[whole].at, -share)), -1e-6, 1e-6, why)


def read_csv(text: str) -> list[dict[str, str]]:
    """Read a published table as text cells."""
    return list(csv.DictReader(io.StringIO(text)))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _is_whole(text: str) -> bool:
    return _is_number(text) and float(text).is_integer()
