"""XLSX: parsed in a child process with limits, which hands over only the columns that are asked for."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa

from outcomes.records import workbook_child
from outcomes.records.columns import Wanted, choose_columns, column_letter, has_required
from outcomes.records.mapping import Mapping
from outcomes.records.model import Part
from outcomes.records.rules import refuse
from outcomes.records.text_columns import join_chunks

SECONDS = 180
"""The child is ended after this time."""


def read_workbook(path: Path, mapping: Mapping) -> Part:
    """Read one sheet of an XLSX workbook.

    Dates become ISO text, numbers their exact text, booleans true and false. The row numbers are those Excel shows.

    Raises
    ------
    InputRefused
        A broken, dangerous or far too large workbook; no clear sheet; no required columns.
    """
    with tempfile.TemporaryDirectory(prefix="outcomes-") as folder:
        request = {
            "path": str(path),
            "folder": folder,
            "sheet": mapping.file.sheet,
            "header_row": mapping.file.header_row,
        }
        with _child(request) as child:
            book = _ask(child, None, path.name)
            sheet, notes = _choose_sheet(book, mapping, path.name)
            place = f'{path.name} › sheet "{sheet}"'
            wanted = _find_columns(book["top"][sheet], mapping, place)
            answer = _ask(child, {"sheet": sheet, "columns": wanted.positions}, path.name)
        return _build_part(path, sheet, wanted, answer, Path(folder) / "table.arrow", mapping, notes)


@contextlib.contextmanager
def _child(request: dict[str, Any]) -> Iterator[subprocess.Popen[str]]:
    """Start the child, and see that it is gone at the end, whatever happens."""
    command = [sys.executable, "-I", workbook_child.__file__, json.dumps(request)]
    pipe, nothing = subprocess.PIPE, subprocess.DEVNULL
    child = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=nothing, text=True, encoding="utf-8")
    clock = threading.Timer(SECONDS, child.kill)
    clock.daemon = True
    clock.start()
    try:
        yield child
    finally:
        clock.cancel()
        child.kill()
        for stream in (child.stdin, child.stdout):
            with contextlib.suppress(OSError):
                _close(stream)
        child.wait()


def _close(stream: IO[str] | None) -> None:
    if stream:
        stream.close()


def _ask(child: subprocess.Popen[str], message: dict[str, Any] | None, name: str) -> dict[str, Any]:
    """Send a line to the child, if any, and return its next answer; a dying child is a refusal."""
    line = ""
    with contextlib.suppress(OSError):
        if message is not None and child.stdin:
            child.stdin.write(json.dumps(message) + "\n")
            child.stdin.flush()
        line = child.stdout.readline() if child.stdout else ""
    if not line:
        raise refuse(
            "E108",
            "the workbook cannot be parsed within 2 GiB of memory and 2 minutes: it is broken or far too large.",
            name,
            "Export the table as CSV.",
        )
    answer: dict[str, Any] = json.loads(line)
    if "refused" in answer:
        code, text, remedy = answer["refused"]
        raise refuse(code, text, name, remedy)
    return answer


def _choose_sheet(book: dict[str, Any], mapping: Mapping, name: str) -> tuple[str, list[str]]:
    """Return the sheet to read, and what to say about the others."""
    declared, visible, hidden = mapping.file.sheet, book["visible"], book["hidden"]
    listed = ", ".join(f'"{sheet}"' for sheet in visible) or "none"
    notes = [f'{name}: hidden sheet "{sheet}" was not read.' for sheet in hidden]
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
        f'Write [file] sheet = "{(fit or full)[0]}" (or another) in the mapping.',
    )


def _find_columns(top: list[list[str]], mapping: Mapping, place: str) -> Wanted:
    """Find the wanted columns in the header row; when they are not there, propose another row."""
    row = mapping.file.header_row - 1
    header = top[row] if row < len(top) else []
    other = next((i + 1 for i, cells in enumerate(top) if i != row and has_required(cells, mapping)), 0)
    hint = f"Row {other} has them: write [file] header_row = {other} in the mapping." if other else ""
    return choose_columns(header, mapping, place, hint)


def _build_part(
    path: Path, sheet: str, wanted: Wanted, answer: dict[str, Any], table: Path, mapping: Mapping, notes: list[str]
) -> Part:
    with pa.OSFile(str(table), "rb") as source:
        columns = pa.ipc.open_file(source).read_all()
    header_row = mapping.file.header_row
    by_position = {position: join_chunks(columns.column(str(position)).chunks) for position in wanted.positions}
    part = Part(
        file=wanted.describe(path, "xlsx", sheet),
        columns={key: by_position[i] for key, i in wanted.index.items()},
        rows=np.arange(header_row + 1, answer["n_rows"] + 1, dtype=np.int32),
        n_physical=answer["n_rows"],
        not_data={"header": 1, "above the header": header_row - 1},
        notes=notes,
    )
    for what in ("rows", "columns"):
        if n := answer[f"hidden_{what}"]:
            part.notes.append(f'{path.name} › sheet "{sheet}": {n} hidden {what}; they are read like the others.')
    for row, position, code in sorted(answer["faults"]):
        header = wanted.header[position].strip()
        part.faults.append((row, code, f'column "{header}" ({column_letter(position)})'))
    part.drop_faulty_rows()
    return part
