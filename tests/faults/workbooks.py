"""Workbooks written part by part: what no spreadsheet program would write, and what is too long for one that would."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from faults.exports import Row, clean_rows

_MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
Change = Callable[[dict[str, bytes]], None]


def letter(column: int) -> str:
    """Letter of a column counted from 0."""
    return (letter(column // 26 - 1) if column >= 26 else "") + chr(65 + column % 26)


def cell(text: str, place: str) -> str:
    """A text cell."""
    return f'<c r="{place}" t="inlineStr"><is><t>{escape(text)}</t></is></c>'


def sheet(lines: Sequence[Sequence[str]], extra_cells: str = "", before: str = "", after: str = "") -> bytes:
    """A worksheet of text cells; `extra_cells` is the XML of further rows."""
    rows = "".join(
        f'<row r="{i}">{"".join(cell(text, f"{letter(k)}{i}") for k, text in enumerate(line))}</row>'
        for i, line in enumerate(lines, start=1)
    )
    head = f'<?xml version="1.0" encoding="UTF-8"?><worksheet {_MAIN}>{before}'
    return f"{head}<sheetData>{rows}{extra_cells}</sheetData>{after}</worksheet>".encode()


def parts(sheets: Mapping[str, bytes], states: Mapping[str, str] | None = None) -> dict[str, bytes]:
    """The parts of a workbook with these sheets."""
    states = states or {}
    listed = "".join(
        f'<sheet name="{escape(name)}" sheetId="{i}" state="{states.get(name, "visible")}" r:id="rId{i}"/>'
        for i, name in enumerate(sheets, start=1)
    )
    relations = "".join(
        f'<Relationship Id="rId{i}" Type="{_RELATIONS}/worksheet" Target="worksheets/sheet{i}.xml"/>'
        for i in range(1, len(sheets) + 1)
    )
    types = "".join(
        f'<Override PartName="/xl/worksheets/sheet{i}.xml" ContentType="{_TYPE}.worksheet+xml"/>'
        for i in range(1, len(sheets) + 1)
    )
    return {
        "[Content_Types].xml": (
            f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/>'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>{types}</Types>'
        ).encode(),
        "_rels/.rels": (
            f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
            f'Type="{_RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
        ).encode(),
        "xl/workbook.xml": f'<workbook {_MAIN} xmlns:r="{_RELATIONS}"><sheets>{listed}</sheets></workbook>'.encode(),
        "xl/_rels/workbook.xml.rels": (
            f'<Relationships xmlns="{_PACKAGE}/relationships">{relations}</Relationships>'
        ).encode(),
        **{f"xl/worksheets/sheet{i}.xml": xml for i, xml in enumerate(sheets.values(), start=1)},
    }


def lines_of(rows: Sequence[Row]) -> list[list[str]]:
    """Header and cells of the rows of an export."""
    return [list(rows[0]), *([str(row[head]) for head in rows[0]] for row in rows)]


def clean_parts(extra_cells: str = "", before: str = "", after: str = "") -> dict[str, bytes]:
    """The parts of a workbook that holds the small clean export."""
    return parts({"Data": sheet(lines_of(clean_rows()), extra_cells, before, after)})


def pack(folder: Path, content: Mapping[str, bytes], name: str = "visits.xlsx") -> Path:
    """Write parts as a workbook."""
    path = folder / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for part, data in content.items():
            archive.writestr(part, data)
    return path
