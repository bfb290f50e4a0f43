"""Tables made up by hand, one count of them hidden, and what a reader of all of them would still know of it."""

from __future__ import annotations

from outcomes.release import audit
from outcomes.release.audit_book import Book
from outcomes.release.audit_relations import relate

FLOOR = 5


def rows(heading, *lines):
    """Rows of a table as its CSV file has them."""
    names = heading.split()
    return [dict(zip(names, map(str, line), strict=True)) for line in lines]


def facts(**values):
    """Rows of a summary."""
    return rows("item value", *values.items())


def lay_out(tables):
    """The tables as the reader has them, with all they are to each other."""
    book = Book(tables, FLOOR)
    relate(book)
    return book


def list_broken(book):
    """What the reader takes for granted and does not hold, of the counts that are all printed; and how much does."""
    low, high = book.system.low, book.system.high
    broken, held = [], 0
    for row in book.system.rows:
        if all(low[at] == high[at] for at in row.at):
            value = sum(weight * low[at] for at, weight in zip(row.at, row.weights, strict=True))
            held += row.low - 1e-6 <= value <= row.high + 1e-6
            broken += [] if row.low - 1e-6 <= value <= row.high + 1e-6 else [(row.why, value)]
    return broken, held


def change(tables, *cells):
    """The tables with cells changed: (table, line of its file, column, text); of a summary the item is the column."""
    tables = {name: [dict(row) for row in table] for name, table in tables.items()}
    for table, line, column, text in cells:
        row = tables[table][line - 2]
        row["value" if table.endswith("_summary") else column] = str(text)
    return tables


def look_at(tables, table, line, column, mark=f"<{FLOOR}"):
    """What is left of one count, when all cells of its table that hold it bear a mark."""
    cells = lay_out(tables).cells
    own = next(cell.at for cell in cells if (cell.table, cell.line, cell.column) == (table, line, column))
    places = [(cell.table, cell.line, cell.column, mark) for cell in cells if (cell.table, cell.at) == (table, own)]
    answers = audit.attack_book(lay_out(change(tables, *places)))
    return next(a for cell, what, a in answers if what == "count" and (cell.table, cell.column) == (table, column)
                and cell.line in {place[1] for place in places})  # fmt: skip
