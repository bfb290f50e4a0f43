"""XLSX: parsed in a child process with limits, which hands over only the columns that are asked for."""

from __future__ import annotations

import datetime
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from outcomes.errors import Finding, InputRefused
from outcomes.files.temporary import private_folder
from outcomes.records import workbook_child
from outcomes.records.assemble import tidy_part
from outcomes.records.child import start_child
from outcomes.records.columns import Wanted, choose_columns, column_letter, has_required, show_two_rows
from outcomes.records.counted import agreeing, counted
from outcomes.records.hidden_sheets import describe_hidden
from outcomes.records.mapping import Mapping
from outcomes.records.model import Part, SourceFile
from outcomes.records.rules import refuse
from outcomes.records.sheets import add_sheet_name, check_no_clinic, choose_sheets, show_sheet
from outcomes.records.text_columns import join_chunks, renumber_values

SECONDS = 180
"""The child is ended after this time."""

_HEADERS_LOOKED_FOR = 31
_SERIAL = re.compile(r"\d{1,5}(\.\d+)?$")
_RATINGS = ("pain_pre", "pain_post", "function_score")


def read_workbook(path: Path, mapping: Mapping, name: str) -> list[Part]:
    """Read the sheets of an XLSX workbook that hold visits; the workbook is shown by a name (`name_files`).

    Dates become ISO text, numbers their exact text, booleans true and false. The row numbers are those Excel shows.

    Returns
    -------
    list of Part
        One a sheet, tidied (`tidy_part`); one in all unless the mapping names several.

    Raises
    ------
    InputRefused
        A broken, dangerous or far too large workbook; no clear sheet; no required columns, in any of the sheets.
    """
    parts = []
    with private_folder() as folder:
        request = {
            "path": str(path),
            "folder": str(folder),
            "sheets": mapping.file.named_sheets,
            "header_row": mapping.file.header_row,
        }
        with start_child(workbook_child.__name__, request, "workbook", name, SECONDS) as child:
            book = child.ask()
            sheets, notes = choose_sheets(book, mapping, name)
            shown = [show_sheet(sheet, book["visible"], mapping) for sheet in sheets]
            found = _find_all_columns(book["top"], sheets, shown, mapping, name)
            for sheet, label, wanted in zip(sheets, shown, found, strict=True):
                answer = child.ask({"sheet": sheet, "columns": wanted.positions})
                file = wanted.describe(path, name, "xlsx", label)
                part = _build_part(file, wanted, answer, folder / "table.arrow", mapping)
                part.top = book["top"][sheet][mapping.file.header_row :]
                tidy_part(part, mapping)
                if book["from_1904"] and mapping.dates.order == "excel":
                    _count_from_1904(part)
                add_sheet_name(part, sheet, mapping)
                parts.append(part)
    # When the first child has gone: beside its clock, a second one could not be forked.
    parts[0].notes = [*describe_hidden(path, name, book["hidden"]), *notes, *parts[0].notes]
    return parts


def _find_all_columns(
    top: dict[str, list[list[str]]], sheets: list[str], shown: list[str], mapping: Mapping, name: str
) -> list[Wanted]:
    """Find the wanted columns of every sheet, or say of all sheets at once what is wrong with them."""
    found: list[Wanted] = []
    findings: list[Finding] = []
    for sheet, label in zip(sheets, shown, strict=True):
        place = f'{name} › sheet "{label}"'
        try:
            found.append(_find_columns(top[sheet], mapping, place))
            check_no_clinic(found[-1].header, mapping, place)
        except InputRefused as refusal:
            findings += refusal.findings
    if findings:
        one = f'{name} › sheet "{shown[0]}"' if len(sheets) == 1 else name
        raise InputRefused(f"{one} cannot be read.", findings)
    return found


def _find_columns(top: list[list[str]], mapping: Mapping, place: str) -> Wanted:
    """Find the wanted columns in the header row; when they are not there, propose another row."""
    row = mapping.file.header_row - 1
    top = top[: row + _HEADERS_LOOKED_FOR]
    header = top[row] if row < len(top) else []
    other = next((i + 1 for i, cells in enumerate(top) if i != row and has_required(cells, mapping)), 0)
    hint = f"Row {other} has them: write [file] header_row = {other} in the mapping." if other else ""
    if not hint and row + 1 < len(top):
        hint = show_two_rows(header, top[row + 1], row + 1)
    return choose_columns(header, mapping, place, hint)


def _build_part(file: SourceFile, wanted: Wanted, answer: dict[str, Any], table: Path, mapping: Mapping) -> Part:
    with pa.OSFile(str(table), "rb") as source:
        columns = pa.ipc.open_file(source).read_all()
    header_row = mapping.file.header_row
    by_position = {position: join_chunks(columns.column(str(position)).chunks) for position in wanted.positions}
    part = Part(
        file=file,
        columns={key: by_position[i] for key, i in wanted.index.items()},
        rows=np.arange(header_row + 1, answer["n_rows"] + 1, dtype=np.int32),
        n_physical=answer["n_rows"],
        not_data={"header": 1, "above the header": header_row - 1},
        notes=list(wanted.notes),
    )
    place = file.place
    if mapping.pain.scale != "0-1":
        _check_percent(wanted, answer["percent"], place)
    for what in ("row", "column"):
        if n := answer[f"hidden_{what}s"]:
            hidden = counted(n, f"hidden {what}")
            part.notes.append(f"{place}: {hidden}; read like the others.")
    if answer["has_filter"]:
        part.notes.append(f"{place}: a filter is set; the rows it hides are read like the others.")
    if n := answer["merged"]:
        merged = agreeing(n, "merged cell", "stands", "stand")
        part.notes.append(f"{place}: {merged} below the header; but for its first place each is read as empty.")
    for row, position, code in sorted(answer["faults"]):
        header = wanted.header[position].strip()
        part.add_fault(row, code, (header, column_letter(position)))
    part.drop_faulty_rows()
    return part


def _count_from_1904(part: Part) -> None:
    """Write serial numbers as dates by the workbook's own count: four years later than the declared one has them."""
    for name in ("visit_date", "onset_date"):
        if column := part.columns.get(name):
            texts = [text.strip() for text in column.values.to_pylist()]
            dates = {text: _day_from_1904(text) for text in texts if _SERIAL.match(text)}
            part.columns[name] = renumber_values(column, [dates.get(text, text) for text in texts])
            if dates:
                words = "the workbook counts days from 1904, and its serial numbers were read so"
                part.notes.append(f"{part.file.place}: {name}: {words}.")


def _day_from_1904(text: str) -> str:
    return (datetime.date(1904, 1, 1) + datetime.timedelta(days=int(float(text)))).isoformat()


def _check_percent(wanted: Wanted, percent: dict[str, int], place: str) -> None:
    """Ask about ratings shown as percent: what is seen as 70 % is stored as 0.7, which is also a rating."""
    for name in _RATINGS:
        position = wanted.index.get(name, -1)
        if n := percent.get(str(position)):
            raise refuse(
                "E127",
                f"{n:,} cells are shown as percent: 70 % is stored as 0.7, and could be meant as either.",
                f'{place} › column "{wanted.header[position].strip()}" ({column_letter(position)})',
                'If 70 % stands for 7 of 10, write [pain] scale = "0-1" in the mapping; if not, format the column as '
                "plain numbers.",
            )
