"""Takes a workbook apart in a process of its own, where a malicious or broken file can do no harm.

Run as a script (``python -I workbook_child.py REQUEST``); it imports nothing of the package. It writes one line of
JSON (the visible sheets and their first rows, or a refusal), reads one line (which sheet and columns), writes the
columns as an Arrow file into the folder of the request, and one last line of JSON.
"""

from __future__ import annotations

import datetime
import json
import re
import sys
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

MEMORY_BYTES = 2 << 30
CPU_SECONDS = 120
MAX_UNPACKED = 500_000_000
MAX_RATIO = 100
MAX_PARTS = 2_000
MAX_CELLS = 20_000_000
EXACT_NUMBER = 1e15
TOP_ROWS = 30

_REFUSED_PARTS = (
    ("vbaProject.bin", "macros"),
    ("externalLinks/", "links to other workbooks"),
    ("embeddings/", "embedded objects"),
    ("activeX/", "ActiveX controls"),
    ("connections.xml", "data connections"),
)
_REL = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_ROW = re.compile(rb"<(?:\w+:)?row\b([^>]*)>")
_ROW_NUMBER = re.compile(rb"""\br=["'](\d+)["']""")
# Begins with a literal, which the pattern engine finds fast; a text cell that reads like this only adds a candidate.
_NUMBERED_ROW = re.compile(rb"""row\b[^>]*?\br=["'](\d+)["']""")
_HIDDEN = re.compile(rb"""\bhidden=["'](?:1|true)["']""")
_CELL = re.compile(rb"<(?:\w+:)?c\b([^>]*?)(?:/>|>(.*?)</(?:\w+:)?c>)", re.DOTALL)
_PLACE = re.compile(rb"""\br=["']([A-Z]+)(\d+)["']""")
_IS_ERROR = re.compile(rb"""\bt=["']e["']""")
_IS_TEXT_RESULT = re.compile(rb"""\bt=["']str["']""")
_FORMULA = re.compile(rb"<(?:\w+:)?f\b")
_HAS_VALUE = re.compile(rb"<(?:\w+:)?v\b[^>]*>[^<]")


class Refused(Exception):
    """A workbook that is not read: code, message, remedy."""


def main(request: dict[str, Any]) -> None:
    """Answer one request; see the module's first lines."""
    _limit_process()
    try:
        book = _Book(request)
        _say(book.describe())
        answer = sys.stdin.readline()
        if answer.strip():
            _say(book.write(json.loads(answer)))
    except Refused as refusal:
        _say({"refused": list(refusal.args)})


def _say(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def _limit_process() -> None:
    try:
        import resource
    except ImportError:  # Windows: the size checks and the parent's clock remain
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def check_container(archive: zipfile.ZipFile) -> None:
    """Refuse bombs, workbooks that carry code, and archives that are no workbook, from the list of parts alone."""
    parts = archive.infolist()
    names = [part.filename for part in parts]
    if "xl/workbook.xml" not in names:
        if "xl/workbook.bin" in names:
            raise Refused("E104", "this is a binary workbook (.xlsb).", "Save it as .xlsx or CSV.")
        if any(name.startswith(("word/", "ppt/")) or name in ("mimetype", "Index/Document.iwa") for name in names):
            raise Refused("E104", "this is an office document that is no Excel workbook.", "Save it as .xlsx or CSV.")
        raise Refused("E104", "this is a zip archive, not an Excel workbook.", "Unpack it and give the files in it.")
    if len(parts) > MAX_PARTS:
        raise Refused("E108", f"the workbook has more than {MAX_PARTS:,} parts.", "Export the table as CSV.")
    unpacked = sum(part.file_size for part in parts)
    if unpacked > MAX_UNPACKED:
        raise Refused("E108", f"the workbook unpacks to {unpacked / 1e6:,.0f} MB.", "Export the table as CSV.")
    for part in parts:
        if part.file_size > 100_000 and part.file_size > MAX_RATIO * max(part.compress_size, 1):
            raise Refused(
                "E108",
                "a part of the workbook is packed more than 100 to 1, as in a zip bomb.",
                "Export the table as CSV.",
            )
        if part.flag_bits & 1:
            raise Refused("E104", "the archive has a password.", "Save an unprotected copy.")
    carried = sorted({what for name in names for part, what in _REFUSED_PARTS if part in name})
    if carried:
        raise Refused(
            "E109", f"the workbook carries {', '.join(carried)}.", "Save a copy with values only as .xlsx or CSV."
        )


class SheetScan:
    """What the XML of one sheet says before it is parsed: extent, error cells, hidden rows and columns."""

    def __init__(self) -> None:
        self.last_row = self.last_column = self.hidden_rows = self.hidden_columns = 0
        self.faults: list[tuple[int, int, str]] = []

    def read(self, archive: zipfile.ZipFile, part: str) -> SheetScan:
        """Scan a part, a megabyte at a time."""
        for chunk in _row_chunks(archive, part):
            if b"<!DOCTYPE" in chunk or b"<!ENTITY" in chunk:
                raise Refused("E109", "the workbook declares XML entities.", "Save it again from a spreadsheet.")
            columns = b"cols>" in chunk
            if columns:
                self.hidden_columns += sum(
                    bool(_HIDDEN.search(c)) for c in re.findall(rb"<(?:\w+:)?col\b[^>]*>", chunk)
                )
            self.last_column = max(self.last_column, far_column(chunk))
            self._scan_rows(chunk)
            if self.last_row * max(self.last_column, 26) > MAX_CELLS and self.last_column > 26:
                raise Refused(
                    "E108",
                    f"the sheet reaches row {self.last_row:,} and column {self.last_column:,}: too many cells.",
                    "Delete the far cells, or export the table as CSV.",
                )
        return self

    def _scan_rows(self, chunk: bytes) -> None:
        odd = any(mark in chunk for mark in (b't="e"', b"t='e'", b"<f", b":f"))
        n_rows, numbers = chunk.count(b"<row") + chunk.count(b":row"), _NUMBERED_ROW.findall(chunk)
        if not odd and b"hidden" not in chunk and len(numbers) >= n_rows:
            self.last_row = max(self.last_row, *map(int, numbers)) if numbers else self.last_row
            return
        rows = list(_ROW.finditer(chunk))
        for k, row in enumerate(rows):
            number = _ROW_NUMBER.search(row.group(1))
            self.last_row = int(number.group(1)) if number else self.last_row + 1
            self.hidden_rows += bool(_HIDDEN.search(row.group(1)))
            if odd:
                self._scan_cells(chunk[row.end() : rows[k + 1].start() if k + 1 < len(rows) else len(chunk)])

    def _scan_cells(self, cells: bytes) -> None:
        column = 0
        for cell in _CELL.finditer(cells):
            attributes, content = cell.group(1), cell.group(2) or b""
            place = _PLACE.search(attributes)
            column = column_number(place.group(1)) if place else column + 1
            if _IS_ERROR.search(attributes):
                self.faults.append((self.last_row, column - 1, "E147"))
            elif _FORMULA.search(content) and not _HAS_VALUE.search(content) and not _IS_TEXT_RESULT.search(attributes):
                self.faults.append((self.last_row, column - 1, "E148"))


def _row_chunks(archive: zipfile.ZipFile, part: str) -> Iterator[bytes]:
    """Yield the XML of a sheet in pieces that never cut a row in two."""
    carry = b""
    with archive.open(part) as stream:
        if (first := stream.read(1 << 20)).startswith((b"\xff\xfe", b"\xfe\xff")):
            raise Refused("E104", "the workbook is not written in UTF-8.", "Save it again from a spreadsheet.")
        while first:
            carry += first
            first = stream.read(1 << 20)
            cut = max(carry.rfind(b"<row"), carry.rfind(b":row"))
            cut = carry.rfind(b"<", 0, cut + 1) if cut > 0 else 0
            if first and cut > 0:
                yield carry[:cut]
                carry = carry[cut:]
    yield carry


def far_column(chunk: bytes) -> int:
    """Return the number of the farthest column beyond Z that a cell of this XML stands in; 0 when there is none."""
    import numpy as np

    a = np.frombuffer(chunk, np.uint8)
    if len(a) < 6:
        return 0
    letter = (a >= 65) & (a <= 90)
    # An attribute's value that begins with two capitals is a cell's place: ="AB12"
    at = np.flatnonzero((a[:-5] == ord("=")) & letter[2:-3] & letter[3:-2])
    if not len(at):
        return 0
    number = (a[at + 2].astype(np.int64) - 64) * 26 + a[at + 3] - 64
    return int(np.where(letter[at + 4], number * 26 + a[at + 4] - 64, number).max())


def column_number(letters: bytes) -> int:
    """Return the number of a column, A = 1."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


class _Book:
    """The workbook, opened."""

    def __init__(self, request: dict[str, Any]) -> None:
        self.folder, self.header_row = Path(request["folder"]), int(request["header_row"])
        path, only = request["path"], request["sheet"]
        try:
            with zipfile.ZipFile(path) as archive:
                check_container(archive)
                parts = _sheet_parts(archive)
                self.hidden = [name for name, (_, visible) in parts.items() if not visible]
                self.visible = [name for name in parts if name not in self.hidden]
                named = [name for name in self.visible if only is None or name == only]
                self.scans = {name: SheetScan().read(archive, parts[name][0]) for name in named}
        except (zipfile.BadZipFile, EOFError, KeyError, ElementTree.ParseError, zlib.error) as error:
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
        }


def _sheet_parts(archive: zipfile.ZipFile) -> dict[str, tuple[str, bool]]:
    """Return sheet name -> (part, visible) of the worksheets, in the workbook's order."""
    texts = {}
    for part in ("xl/workbook.xml", "xl/_rels/workbook.xml.rels"):
        texts[part] = archive.read(part)
        if b"<!DOCTYPE" in texts[part] or b"<!ENTITY" in texts[part]:
            raise Refused("E109", "the workbook declares XML entities.", "Save it again from a spreadsheet.")
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


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
