"""From a sheet to the bytes of a CSV file, line by line, the same on every machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from outcomes.simulate.dirt import BLANK_LINE, EXTRA_CELL, NUL_BYTE, OPEN_QUOTE, SHORT_ROW, Sheet

_CHUNK = 50_000


def quote(text: str) -> str:
    """A CSV cell: quoted only where it must be."""
    if any(mark in text for mark in ',"\n'):
        return '"' + text.replace('"', '""') + '"'
    return text


def header_line(header: Sequence[str]) -> str:
    """The header, with its line end."""
    return ",".join(quote(name) for name in header) + "\n"


def format_lines(sheet: Sheet, header: Sequence[str]) -> Iterator[str]:
    """Yield the text of the sheet in pieces of many lines, without the first header."""
    columns = [(tuple(quote(text) for text in column.values), column.codes) for column in sheet.columns.values()]
    field = list(sheet.columns).index("modalities")
    strays = list(sheet.strays)
    for begin in range(0, len(sheet), _CHUNK):
        end = min(begin + _CHUNK, len(sheet))
        cells = [map(values.__getitem__, codes[begin:end].tolist()) for values, codes in columns]
        lines = [",".join(row) for row in zip(*cells, strict=True)]
        for row in (row for row in sheet.damage if begin <= row < end):
            lines[row - begin] = _broken(lines[row - begin], _plain(columns, row), field, sheet.damage[row])
        here = [stray for stray in strays if begin <= stray[0] < end]
        for row, kind in reversed(here):
            lines[row - begin] = _stray(kind, header) + lines[row - begin]
        yield "\n".join(lines) + "\n"


def _plain(columns: Sequence[tuple[tuple[str, ...], object]], row: int) -> list[str]:
    return [values[codes[row]] for values, codes in columns]  # type: ignore[index]


def _broken(line: str, cells: list[str], field: int, kind: str) -> str:
    if kind == EXTRA_CELL:
        return line + ",?"
    if kind == SHORT_ROW:
        return ",".join(cells[:-3])
    text = cells[field].replace('"', "").replace(",", ";")
    if kind == NUL_BYTE:
        cells[field] = f"{text[:2]}\0{text[2:]}"
    elif kind == OPEN_QUOTE:
        cells[field] = '"' + text
    return ",".join(cells)


def _stray(kind: str, header: Sequence[str]) -> str:
    return "\n" if kind == BLANK_LINE else header_line(header)


def footer_lines(header: Sequence[str], n_records: int, printed: str) -> str:
    """A row of totals as wide as the table, and a line that says when the export was printed."""
    totals = ["Total", "", "", "", f"{n_records} records"] + [""] * (len(header) - 5)
    return ",".join(totals) + "\n" + f"Printed {printed}\n"
