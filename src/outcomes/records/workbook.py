"""XLSX: parsed in a child process with limits, which hands over only the columns that are asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from outcomes.files.temporary import private_folder
from outcomes.records import workbook_child
from outcomes.records.child import start_child
from outcomes.records.columns import Wanted, choose_columns, column_letter, has_required, show_two_rows
from outcomes.records.counted import counted
from outcomes.records.hidden_sheets import describe_hidden
from outcomes.records.mapping import Mapping
from outcomes.records.model import Part, SourceFile
from outcomes.records.rules import refuse
from outcomes.records.text_columns import join_chunks

SECONDS = 180
"""The child is ended after this time."""

_RATINGS = ("pain_pre", "pain_post", "function_score")


def read_workbook(path: Path, mapping: Mapping, name: str) -> Part:
    """Read one sheet of an XLSX workbook, which is shown by a name (`name_files`).

    Dates become ISO text, numbers their exact text, booleans true and false. The row numbers are those Excel shows.

    Raises
    ------
    InputRefused
        A broken, dangerous or far too large workbook; no clear sheet; no required columns.
    """
    with private_folder() as folder:
        request = {
            "path": str(path),
            "folder": str(folder),
            "sheet": mapping.file.sheet,
            "header_row": mapping.file.header_row,
        }
        with start_child(workbook_child.__name__, request, "workbook", name, SECONDS) as child:
            book = child.ask()
            sheet, notes = _choose_sheet(book, mapping, name)
            place = f'{name} › sheet "{sheet}"'
            wanted = _find_columns(book["top"][sheet], mapping, place)
            answer = child.ask({"sheet": sheet, "columns": wanted.positions})
        # When the first child has gone: beside its clock, a second one could not be forked.
        notes = [*describe_hidden(path, name, book["hidden"]), *notes]
        file = wanted.describe(path, name, "xlsx", sheet)
        part = _build_part(file, wanted, answer, folder / "table.arrow", mapping, notes)
    part.top = book["top"][sheet][mapping.file.header_row :]
    return part


def _choose_sheet(book: dict[str, Any], mapping: Mapping, name: str) -> tuple[str, list[str]]:
    """Return the sheet to read, and what to say about the others."""
    declared, visible, hidden = mapping.file.sheet, book["visible"], book["hidden"]
    listed = ", ".join(f'"{sheet}"' for sheet in visible) or "none"
    notes = []
    if book["carried"]:
        notes.append(f"{name} also carries {', '.join(book['carried'])}: neither read nor copied.")
    if declared is not None:
        if declared in hidden:
            raise refuse("E110", f'sheet "{declared}" is hidden.', name, "Show it in the workbook first.")
        if declared not in visible:
            raise refuse("E110", f'there is no sheet "{declared}"; visible: {listed}.', name, "Correct [file] sheet.")
        return declared, notes
    full = [sheet for sheet in visible if any(any(row) for row in book["top"][sheet])]
    if not full:
        raise refuse("E113", f"no visible sheet has any cell (sheets: {listed}).", name, "Export it again.")
    row = mapping.file.header_row - 1
    fit = [s for s in full if len(book["top"][s]) > row and has_required(book["top"][s][row], mapping)]
    if len(full) == 1 or len(fit) == 1:
        chosen = (fit or full)[0]
        others = [sheet for sheet in full if sheet != chosen]
        return chosen, notes + [f'{name}: sheet "{s}" has no patient and day column and was not read.' for s in others]
    which = "Several sheets have" if fit else "No sheet has"
    raise refuse(
        "E110",
        f"{which} the required columns (sheets: {listed}).",
        name,
        f'Write [file] sheet = "{(fit or full)[0]}" (or another) in the mapping; to read several, save each as a '
        "file of its own and name them all. If each is a clinic, give it a column with the clinic's name (clinic_id) "
        "first: the name of a sheet or file is not read.",
    )


def _find_columns(top: list[list[str]], mapping: Mapping, place: str) -> Wanted:
    """Find the wanted columns in the header row; when they are not there, propose another row."""
    row = mapping.file.header_row - 1
    header = top[row] if row < len(top) else []
    other = next((i + 1 for i, cells in enumerate(top) if i != row and has_required(cells, mapping)), 0)
    hint = f"Row {other} has them: write [file] header_row = {other} in the mapping." if other else ""
    if not hint and row + 1 < len(top):
        hint = show_two_rows(header, top[row + 1], row + 1)
    return choose_columns(header, mapping, place, hint)


def _build_part(
    file: SourceFile, wanted: Wanted, answer: dict[str, Any], table: Path, mapping: Mapping, notes: list[str]
) -> Part:
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
        notes=[*notes, *wanted.notes],
    )
    place = f'{file.name} › sheet "{file.sheet}"'
    if mapping.pain.scale != "0-1":
        _check_percent(wanted, answer["percent"], place)
    for what in ("row", "column"):
        if n := answer[f"hidden_{what}s"]:
            hidden = counted(n, f"hidden {what}")
            part.notes.append(f"{place}: {hidden}; read like the others.")
    if answer["has_filter"]:
        part.notes.append(f"{place}: a filter is set; the rows it hides are read like the others.")
    for row, position, code in sorted(answer["faults"]):
        header = wanted.header[position].strip()
        part.faults.append((row, code, f'column "{header}" ({column_letter(position)})'))
    part.drop_faulty_rows()
    return part


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
