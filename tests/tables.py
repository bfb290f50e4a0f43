"""Small typed tables as text: how the spec tests write visits down."""

from __future__ import annotations

import numpy as np

from outcomes import arrow
from outcomes.ledger import Ledger, Step
from outcomes.records import Mapping, Records, SetAside, SourceFile, TextColumn


def parse(text: str) -> list[dict[str, str]]:
    """Read a table of ``|``-separated cells under a header line; blank lines are skipped."""
    lines = [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines() if line.strip()]
    return [dict(zip(lines[0], row, strict=True)) for row in lines[1:]]


def open_clinic(start: str, end: str, extra: str = "") -> list[str]:
    """Rows of a patient without ratings who comes every ten days: the clinic is seen to be open from start to end."""
    days = np.arange(np.datetime64(end), np.datetime64(start) - 1, -10)[::-1]
    return [f"open | {day} | {extra}" for day in days]


def column(texts: list[str]) -> TextColumn:
    """Encode texts as a text column."""
    place = {text: i for i, text in enumerate(sorted(set(texts)))}
    return TextColumn(arrow.from_texts(list(place)), np.array([place[t] for t in texts], dtype=np.int32))


def records(text: str, mapping: Mapping | None = None) -> Records:
    """Make records of a written table, as if a file named ``table.csv`` had been read."""
    rows = parse(text)
    names = list(rows[0]) if rows else []
    return records_of({name: [row[name] for row in rows] for name in names}, mapping)


def records_of(cells: dict[str, list[str]], mapping: Mapping | None = None) -> Records:
    """Make records of named columns of texts, all of one length."""
    names = list(cells)
    n = len(cells[names[0]]) if names else 0
    file = SourceFile(
        name="table.csv",
        sheet="",
        kind="csv",
        size_bytes=0,
        n_rows=n,
        header=tuple(names),
        field_columns={name: (name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[i]) for i, name in enumerate(names)},
        modality_columns={},
        unread_columns=(),
        encoding="utf-8",
    )
    return Records(
        fields={name: column(texts) for name, texts in cells.items()},
        modality_flags={},
        source=np.zeros(n, dtype=np.int16),
        source_row=np.arange(2, n + 2, dtype=np.int32),
        files=(file,),
        set_aside=SetAside(np.zeros(0, np.int16), np.zeros(0, np.int32), (), (), (), ()),
        ledger=Ledger((Step("read", "rows", n + 1, n, not_data={"header": 1}, source="table.csv"),)),
        mapping=mapping or Mapping(),
        notes=(),
    )
