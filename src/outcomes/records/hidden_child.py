"""Looks at the hidden sheets of a workbook for identifiers, in a process of its own; only kinds and counts come out.

Apart from the child that reads (`workbook_child`): a hidden sheet is no data, and one that is broken or far too large
must not keep the sheet beside it from being read.
"""

from __future__ import annotations

import zipfile
from collections import Counter
from collections.abc import Sequence
from typing import IO, Any

from outcomes.records.child import say
from outcomes.records.identifier_patterns import DATE_SHAPE
from outcomes.records.identifiers import SOME, find_header_kinds, find_inside, find_whole, is_free_text, judge_column
from outcomes.records.workbook_child import BROKEN, sheet_parts, text_of
from outcomes.records.workbook_container import Refused
from outcomes.records.workbook_scan import SheetScan

ROWS = 300
COLUMNS = 200
LETTERS = 200
"""Of each hidden sheet: rows from the first filled one, columns, and letters of a cell that are looked at."""
FREE_TEXT = "free text"
_HEADER_ROWS = 10


def main(request: dict[str, Any], listen: IO[str], speak: IO[str]) -> None:
    """Say for each hidden sheet asked for what its columns look like, in that order; ``None`` where none could tell."""
    from python_calamine import CalamineError, CalamineWorkbook

    with zipfile.ZipFile(request["path"]) as archive:
        parts = sheet_parts(archive)
        book = CalamineWorkbook.from_path(request["path"])
        for name in request["sheets"]:
            try:
                # The parser takes a table from corner to corner; one far cell would ask for more than there is.
                SheetScan().read(archive, parts[name][0])
                rows = book.get_sheet_by_name(name).to_python(skip_empty_area=True, nrows=ROWS)
            except (*BROKEN, Refused, CalamineError):
                say(speak, {"kinds": None, "single": None})
                continue
            texts = [[(text_of(cell) or "")[:LETTERS].strip() for cell in row[:COLUMNS]] for row in rows]
            kinds, single = find_sheet_kinds(texts)
            say(speak, {"kinds": kinds, "single": single})


def find_sheet_kinds(rows: Sequence[Sequence[str]]) -> tuple[dict[str, int], dict[str, int]]:
    """Count the columns of a sheet that look like identifiers.

    Parameters
    ----------
    rows : sequence of sequence of str
        Cells as text, without blanks around them; all rows of one length.

    Returns
    -------
    kinds : dict of str to int
        Kind of identifier -> columns that are one as a whole; `FREE_TEXT` by its header, its cells are not looked at.
    single : dict of str to int
        Kind -> other columns that hold one in some cells.
    """
    filled = [row for row in rows if any(row)]
    if not filled:
        return {}, {}
    top = _find_header_row(filled)
    header = list(filled[top]) if top >= 0 else [""] * len(filled[0])
    below = [row for i, row in enumerate(filled) if i != top]
    kinds, single = Counter[str](), Counter[str]()
    for position, name in enumerate(header):
        if is_free_text(name) and not find_header_kinds(name)[0]:
            kinds[FREE_TEXT] += 1
            continue
        likely = judge_column(name, list(dict.fromkeys(row[position] for row in below if row[position])))
        if likely is not None:
            (single if likely.evidence == SOME else kinds)[likely.kind] += 1
    return dict(kinds), dict(single)


def _find_header_row(rows: Sequence[Sequence[str]]) -> int:
    """Return the row, of the first few, that names most kinds of identifier; -1 where the first row is content."""
    named = [sum(bool(find_header_kinds(cell)[0]) for cell in row) for row in rows[:_HEADER_ROWS]]
    if max(named):
        return named.index(max(named))
    return -1 if any(_is_value(cell) for cell in rows[0]) else 0


def _is_value(cell: str) -> bool:
    """Whether a cell of the first row is content and no header: a number, a date, an identifier."""
    return sum(map(str.isdigit, cell)) > 2 or bool(find_whole(cell) or find_inside(cell) or DATE_SHAPE.match(cell))
