"""What a reader of all tables would still know of few people: looked for before a release is written, and hidden.

The rules of each table (`disclosure`) and those across questions (`across_questions`) hide nearly all there is; a
practice of few patients has sums that none of them foresaw. So the reader of `outcomes audit` (`audit.find_told`) is
set on the tables while they can still be changed. For each number it works out, the printed number nearest to it in the
sums it used is hidden, with all that row says of it, until nothing is found; what turns out not to be needed is shown
again. A number that is hidden leaves no less open than before, so that later rounds ask about what was found only.
Of a handful of patients marks alone can tell (four of "<5" that are the parts of a fifth are 1 each): where no printed
number is left to hide, the question whose table tells it is not answered, and a table counted from the cases is hidden.

That an audit of the finished release is silent is then no second proof of the rules, only of what was written.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from outcomes.errors import ConservationError, NotEstimable
from outcomes.release.audit import find_told
from outcomes.release.audit_book import Book, Cell, Line, read_csv
from outcomes.release.audit_relations import relate
from outcomes.release.disclosure import hide_around
from outcomes.release.marks import HIDDEN, small_mark, write_mark
from outcomes.release.row_numbers import list_row_numbers
from outcomes.release.tables import COUNTED

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.release.inputs import ReportInputs

MOST_ROUNDS = 100
MOST_SHOWN_AGAIN = 12
"""Where more numbers were hidden none is tried to be shown again: each trial takes a search."""
SUMMARY = "summary"
WITHHELD = "so few patients are on record that the numbers could be worked out from one another"
SUBJECTS = {
    "relief": "The share relieved",
    "relief_grid": "The share relieved under other definitions",
    "recurrence": "The share that returned",
    "triggers": "Triggers of returns",
    "rehabilitation": "Return with and without rehabilitation exercise",
    "return_factors": "Returns by what was known at the start",
    "modality_use": "How often each treatment is given",
    "same_visit": "Pain before and after a visit",
    "one_family": "Each family of treatments against none of it",
    "all_families": "All families of treatments at once",
    "identified_muscle": "Treating the muscle found",
    "subgroups": "Treatments by muscle group and duration",
    "clinics": "Clinics",
    "clinicians": "Clinicians",
    "attendance": "How many came for another visit",
    "quarter_review": "The indicators by quarter",
    "completeness": "How often each field is filled",
    "missing": "What is missing where",
    "missing_covariates": "Whether it matters how gaps are taken",
}
"""Question -> what it is about: of several that are withheld the page has a line each."""


def hide_what_is_told(inputs: ReportInputs) -> ReportInputs:
    """Return protected answers with more hidden, until the reader of `outcomes audit` finds nothing in their tables.

    Parameters
    ----------
    inputs : ReportInputs
        Protected by the rules already (`across_questions.protect_answers`).

    Raises
    ------
    ConservationError
        E980 something is told by tables in which nothing more can be hidden.
    """
    desk = _Desk(inputs)
    book = desk.as_it_is
    told = {book.system.names[at]: at for at in find_told(book)}
    ever, hidden = frozenset(told), list[Hashable]()
    for _ in range(MOST_ROUNDS):
        if not told:
            return desk.write(_show_again(desk, hidden, ever))
        chosen = _choose(book, desk, told.values())
        if not chosen:
            return hide_what_is_told(_withhold(desk, told))
        hidden += chosen
        book = desk.lay_out(hidden)
        told = _find_again(book, ever)
    raise _untold()


def _untold() -> ConservationError:
    return ConservationError(
        "E980 Small numbers of this report could be worked out whatever else is hidden, so it was not written. Report "
        "more patients at once, and please report this."
    )


def _withhold(desk: _Desk, told: Collection[Hashable]) -> ReportInputs:
    """Refuse the questions in whose tables the numbers stand that are told; hide those counted from the cases."""
    tables = {cell.table for name in told for cell in desk.places.get(name, ())}
    questions = sorted({desk.owners[table][0] for table in tables if desk.may_hide(table)})
    refused: dict[str, Any] = {
        question: NotEstimable(f"{SUBJECTS[question]} cannot be shown: {WITHHELD}.") for question in questions
    }
    counted = {table for table in tables if table in COUNTED} - desk.inputs.withheld
    if not refused and not counted:
        raise _untold()
    return dataclasses.replace(desk.inputs, withheld=desk.inputs.withheld | counted, **refused)


def _find_again(book: Book, ever: Collection[Hashable]) -> dict[Hashable, int]:
    """What is told still of all that ever was."""
    only = {at for at, name in enumerate(book.system.names) if name in ever}
    return {book.system.names[at]: at for at in find_told(book, only)}


def _show_again(desk: _Desk, hidden: list[Hashable], ever: Collection[Hashable]) -> list[Hashable]:
    """Leave out of what was hidden what need not be, the last but one first; small numbers stay hidden."""
    kept = list(hidden)
    if len(kept) > MOST_SHOWN_AGAIN:
        return kept
    for name in hidden[-2::-1]:
        if not desk.is_small(name):
            fewer = [other for other in kept if other != name]
            if not _find_again(desk.lay_out(fewer), ever):
                kept = fewer
    return kept


def _choose(book: Book, desk: _Desk, told: Iterable[int]) -> list[Hashable]:
    """For each number that is told the one to be hidden: itself where it is printed, else the nearest printed one."""
    rows: dict[int, list[int]] = {}
    for i, row in enumerate(book.system.rows):
        for at in row.at:
            rows.setdefault(at, []).append(i)
    shown: dict[int, list[Cell]] = {}
    for cell in book.cells:
        if not book.is_mark(cell.text) and desk.may_hide(cell.table):
            shown.setdefault(cell.at, []).append(cell)
    chosen: dict[int, None] = {}
    for at in told:
        near = [at] if at in shown else _find_near(book, rows, shown, at)
        if near and not chosen.keys() & set(near):
            chosen[min(near, key=lambda one: (len(shown[one]), float(shown[one][0].text), one))] = None
    return [book.system.names[at] for at in chosen]


def _find_near(book: Book, rows: Mapping[int, list[int]], shown: Mapping[int, list[Cell]], at: int) -> list[int]:
    """Printed numbers in the sums a number stands in; where there are none, in those of the numbers beside it."""
    seen, edge = {at}, [at]
    while edge:
        beside = dict.fromkeys(other for one in edge for i in rows.get(one, ()) for other in book.system.rows[i].at)
        edge = [other for other in beside if other not in seen]
        seen.update(edge)
        if near := [other for other in edge if other in shown]:
            return near
    return []


@dataclass(slots=True)
class _Desk:
    """The tables of a report while they can still be changed: as texts for the reader, as answers to be written.

    Attributes
    ----------
    inputs : ReportInputs
    floor : int
    tables : dict of str to DataFrame
        All that will be published.
    texts : dict of str to list of dict
        The same as a reader has them.
    owners : dict of str to (str, str)
        Table to the question it answers, and the field, or the key of ``more``, it stands in.
    places : dict of Hashable to list of Cell
        Cells of each count, by its name.
    as_it_is : Book
        The tables as a reader would have them now.
    """

    inputs: ReportInputs
    floor: int = field(init=False)
    tables: dict[str, pd.DataFrame] = field(init=False)
    texts: dict[str, list[dict[str, str]]] = field(init=False)
    owners: dict[str, tuple[str, str]] = field(init=False)
    places: dict[Hashable, list[Cell]] = field(default_factory=dict)
    as_it_is: Book = field(init=False)

    def __post_init__(self) -> None:
        from outcomes.release.tables import to_csv

        self.floor = self.inputs.episodes.protocol.reporting_floor.suppress_cell_below
        self.tables, self.owners = self.inputs.tables(), _find_owners(self.inputs)
        self.texts = {name: read_csv(to_csv(table)) for name, table in self.tables.items()}
        self.as_it_is = Book(self.texts, self.floor)
        for cell in self.as_it_is.cells:
            self.places.setdefault(self.as_it_is.system.names[cell.at], []).append(cell)
        relate(self.as_it_is)

    def may_hide(self, table: str) -> bool:
        """Whether a table is that of an answer, and not counted from the cases."""
        return table in self.owners

    def is_small(self, name: Hashable) -> bool:
        """Whether a printed count is a small one."""
        return any(_is_few(cell.text, self.floor) for cell in self.places[name])

    def lay_out(self, hidden: Iterable[Hashable]) -> Book:
        """Return the tables as a reader would have them with more counts hidden."""
        texts: dict[str, list[Line]] = {name: list(lines) for name, lines in self.texts.items()}
        for cell in self._cells(hidden):
            line = dict(texts[cell.table][cell.line - 2])
            is_fact = cell.table.endswith("_summary")
            for name in ("value",) if is_fact else list_row_numbers(cell.table, cell.column, line):
                line[name] = HIDDEN if line[name] and not self._is_mark(line[name]) else line[name]
            if _is_few(cell.text, self.floor):
                line["value" if is_fact else cell.column] = small_mark(self.floor)
            texts[cell.table][cell.line - 2] = line
        book = Book(texts, self.floor)
        relate(book)
        return book

    def write(self, hidden: Iterable[Hashable]) -> ReportInputs:
        """Return the answers with more counts hidden, and what follows from each along the curves."""
        by_owner: dict[str, list[Cell]] = {}
        for cell in self._cells(hidden):
            by_owner.setdefault(self.owners[cell.table][0], []).append(cell)
        changed: dict[str, Any] = {}
        for question, cells in by_owner.items():
            result: Any = self.inputs.answer(question)  # a refused question has no cells
            for table in dict.fromkeys(cell.table for cell in cells):
                result = self._write_table(result, self.owners[table][1], [c for c in cells if c.table == table])
            changed[question] = hide_around(result)
        return dataclasses.replace(self.inputs, **changed)

    def _write_table(self, result: Any, part: str, cells: list[Cell]) -> Any:
        if part == SUMMARY:
            marks = {c.column: small_mark(self.floor) if _is_few(c.text, self.floor) else HIDDEN for c in cells}
            return dataclasses.replace(result, summary={**result.summary, **marks})
        more = getattr(result, "more", {})
        table = (more[part] if part in more else getattr(result, part)).copy()
        for cell in cells:
            row = np.arange(len(table)) == cell.line - 2
            for name in list_row_numbers(cell.table, cell.column, self.texts[cell.table][cell.line - 2]):
                value = table[name].iloc[cell.line - 2]
                if not isinstance(value, str) and value == value:
                    write_mark(table, name, row, HIDDEN)
            if _is_few(cell.text, self.floor):
                write_mark(table, cell.column, row, small_mark(self.floor))
        return dataclasses.replace(result, **({"more": {**more, part: table}} if part in more else {part: table}))

    def _cells(self, hidden: Iterable[Hashable]) -> list[Cell]:
        return [c for name in hidden for c in self.places[name] if self.may_hide(c.table) and not self._is_mark(c.text)]

    def _is_mark(self, text: str) -> bool:
        return text in (HIDDEN, small_mark(self.floor))


def _find_owners(inputs: ReportInputs) -> dict[str, tuple[str, str]]:
    """Question and part of each table of an answer, as `tables.name_tables` calls it."""
    from outcomes.release.inputs import QUESTIONS

    owners: dict[str, tuple[str, str]] = {}
    for name in QUESTIONS:
        if (result := inputs.answer(name)) is None:
            continue
        owners[name] = (name, "table")
        fields = [item.name for item in dataclasses.fields(result) if item.name != "table"]
        owners |= {f"{name}_{part}": (name, part) for part in fields if hasattr(getattr(result, part), "columns")}
        owners |= {f"{name}_{part}": (name, part) for part in getattr(result, "more", {})}
        owners[f"{name}_{SUMMARY}"] = (name, SUMMARY)
    return owners


def _is_few(text: str, floor: int) -> bool:
    try:
        value = float(text)
    except ValueError:
        return False
    return math.isfinite(value) and 0 < value < floor
