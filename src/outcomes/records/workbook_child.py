"""Takes a workbook apart in a process of its own, where a malicious or broken file can do no harm.

It tells the parent the visible sheets and their first rows, or a refusal; is told a sheet and columns; writes those as
an Arrow file into the folder of the request, and tells what it met; and so on for every sheet that is wanted.
"""

from __future__ import annotations

import datetime
import lzma
import struct
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any
from xml.etree import ElementTree

from outcomes.records.child import say, wait_for_line
from outcomes.records.workbook_container import Refused, check_container, check_entities, list_carried
from outcomes.records.workbook_scan import SheetScan, check_extent, find_percent_cells

EXACT_NUMBER = 1e15
TOP_ROWS = 200
_STYLES = "xl/styles.xml"
BROKEN = (
    zipfile.BadZipFile,
    ElementTree.ParseError,
    zlib.error,
    struct.error,
    lzma.LZMAError,
    EOFError,
    KeyError,
    OSError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)
_REL = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def main(request: dict[str, Any], listen: IO[str], speak: IO[str]) -> None:
    """Answer one request; see the module's first lines."""
    try:
        book = _Book(request)
        say(speak, book.describe())
        while (answer := wait_for_line(listen)) is not None:
            say(speak, book.write(answer))
    except Refused as refusal:
        say(speak, {"refused": list(refusal.args)})


class _Book:
    """The workbook, opened."""

    def __init__(self, request: dict[str, Any]) -> None:
        self.folder, self.header_row = Path(request["folder"]), int(request["header_row"])
        path, only = request["path"], request["sheets"]
        try:
            with zipfile.ZipFile(path) as archive:
                check_container(archive)
                rows = check_entities(archive)
                parts = sheet_parts(archive)
                self.from_1904 = counts_from_1904(archive)
                self.carried = list_carried(archive)
                percent = find_percent_cells(archive.read(_STYLES)) if _STYLES in rows else None
                self.hidden = {name: rows.get(part, 0) for name, (part, visible) in parts.items() if not visible}
                self.visible = [name for name in parts if name not in self.hidden]
                wanted = self.visible if only is None else only
                named = [name for i, name in enumerate(self.visible, start=1) if name in wanted or i in wanted]
                self.scans = {}
                for name in named:
                    self.scans[name] = SheetScan(percent).read(archive, parts[name][0])
                    check_extent(self.scans.values())
        except BROKEN as error:
            raise Refused("E105", "the workbook is broken or incomplete.", "Download or export it again.") from error
        from python_calamine import CalamineError, CalamineWorkbook

        try:
            self.sheets = self._load(CalamineWorkbook.from_path(path))
        except CalamineError as error:
            raise Refused(
                "E105", "the workbook cannot be parsed.", "Open it in a spreadsheet and save it again."
            ) from error

    def _load(self, book: Any) -> dict[str, list[list[Any]]]:
        return {name: book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in self.scans}

    def describe(self) -> dict[str, Any]:
        """Return names and first rows of the sheets that could be meant."""
        return {
            "hidden": self.hidden,
            "visible": self.visible,
            "carried": self.carried,
            "from_1904": self.from_1904,
            "top": {
                name: [[text_of(cell) or "" for cell in row] for row in rows[: self.header_row + TOP_ROWS]]
                for name, rows in self.sheets.items()
            },
        }

    def write(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Write the chosen columns below the header row as Arrow, and return counts and faulty cells."""
        name, wanted = answer["sheet"], list(answer["columns"])
        rows, scan = self.sheets[name], self.scans[name]
        first_row = self.header_row + 1
        faults = [fault for fault in scan.faults if fault[0] >= first_row and fault[1] in set(wanted)]
        columns = {}
        for position in wanted:
            cells = [row[position] for row in rows[self.header_row :]]
            codes, words, inexact = encode(cells)
            faults += [(first_row + i, position, "E149") for i in inexact]
            columns[str(position)] = (codes, words)
        _write_arrow(self.folder / "table.arrow", columns)
        return {
            "n_rows": len(rows),
            "faults": faults,
            "hidden_rows": scan.hidden_rows,
            "hidden_columns": scan.hidden_columns,
            "has_filter": scan.has_filter,
            "merged": sum(row >= first_row for row in scan.merged_rows),
            "percent": {position: n for position, n in scan.percent_cells.items() if position in wanted},
        }


def sheet_parts(archive: zipfile.ZipFile) -> dict[str, tuple[str, bool]]:
    """Return sheet name -> (part, visible) of the worksheets, in the workbook's order."""
    texts = {}
    for part in ("xl/workbook.xml", "xl/_rels/workbook.xml.rels"):
        texts[part] = archive.read(part)
    relations = {}
    for relation in ElementTree.fromstring(texts["xl/_rels/workbook.xml.rels"]):  # noqa: S314 (no DOCTYPE)
        target = relation.get("Target", "")
        part = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
        if relation.get("Type", "").endswith("/worksheet"):
            relations[relation.get("Id")] = part
    sheets = {}
    for element in ElementTree.fromstring(texts["xl/workbook.xml"]).iter():  # noqa: S314 (no DOCTYPE)
        if element.tag.endswith("}sheet") and element.get(_REL) in relations:
            visible = element.get("state", "visible") == "visible"
            sheets[element.get("name", "")] = (relations[element.get(_REL)], visible)
    return sheets


def counts_from_1904(archive: zipfile.ZipFile) -> bool:
    """Whether the workbook says that its days are counted from 1904, as those of old Macs are."""
    book = ElementTree.fromstring(archive.read("xl/workbook.xml"))  # noqa: S314 (no DOCTYPE)
    return any(
        element.get("date1904", "") in ("1", "true") for element in book.iter() if element.tag.endswith("}workbookPr")
    )


def text_of(value: Any) -> str | None:
    """Return a cell as exact text: dates ISO, whole numbers without ``.0``; None when the number is not exact."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        if abs(value) >= EXACT_NUMBER:
            return None
        return str(int(value)) if value == int(value) else repr(value)
    if isinstance(value, datetime.datetime):
        return value.date().isoformat() if value.time() == datetime.time() else value.isoformat()
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        minutes, seconds = divmod(round(value.total_seconds()), 60)
        return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"
    return str(value)


def encode(cells: list[Any]) -> tuple[list[int], list[str], list[int]]:
    """Return codes, the distinct texts, and the positions of numbers that are not exact."""
    types = set(map(type, cells))
    by_cell: dict[Any, int] = {}
    if bool in types and len(types) > 1:  # 1.0 and True are equal in Python: there the type belongs to the key
        by_typed: dict[tuple[type, Any], int] = {}
        codes = [by_typed.setdefault((cell.__class__, cell), len(by_typed)) for cell in cells]
        distinct = [cell for _, cell in by_typed]
    else:
        codes = [by_cell.setdefault(cell, len(by_cell)) for cell in cells]
        distinct = list(by_cell)
    by_text: dict[str, int] = {}
    inexact_codes = set()
    word_codes = []
    for code, cell in enumerate(distinct):
        text = text_of(cell)
        if text is None:
            inexact_codes.add(code)
        word_codes.append(by_text.setdefault(text or "", len(by_text)))
    inexact = [i for i, code in enumerate(codes) if code in inexact_codes] if inexact_codes else []
    return [word_codes[code] for code in codes], list(by_text), inexact


def _write_arrow(path: Path, columns: dict[str, tuple[list[int], list[str]]]) -> None:
    import numpy as np
    import pyarrow as pa

    arrays = []
    for codes, words in columns.values():
        data = np.array(codes, np.int32)
        encoded = [word.encode("utf-8", "replace") for word in words]
        offsets = np.zeros(len(encoded) + 1, np.int32)
        np.cumsum([len(word) for word in encoded], out=offsets[1:])
        texts = pa.StringArray.from_buffers(len(words), pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded)))
        index = pa.Array.from_buffers(pa.int32(), len(data), [None, pa.py_buffer(data)])
        arrays.append(pa.DictionaryArray.from_arrays(index, texts))
    table = pa.Table.from_arrays(arrays, names=list(columns))
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
