"""Looks at a file's columns once they are there: error values, totals, columns without a header, renamed columns."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from outcomes import arrow
from outcomes.errors import Finding, InputRefused
from outcomes.records.columns import BLANK, column_letter, normalise_header, show_header
from outcomes.records.counted import agreeing
from outcomes.records.footers import BETWEEN_CELLS, FOOTER, SHORT_FOOTER, read_stated_rows, read_total
from outcomes.records.mapping import FIELDS, Mapping
from outcomes.records.model import Part, TextColumn
from outcomes.records.rules import refuse

Mask = npt.NDArray[np.bool_]
_ERROR_VALUES = (
    "#N/A", "#REF!", "#DIV/0!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!", "#FIELD!", "#BLOCKED!",
    "#UNKNOWN!", "#CONNECT!", "#BUSY!", "#GETTING_DATA", "#N/A N/A", "#NV", "#BEZUG!", "#WERT!", "#ZAHL!", "#ÜBERLAUF!",
    "#N/D", "#N/D!", "#¡REF!", "#¡DIV/0!", "#¡VALOR!", "#¡NUM!", "#¡NULO!", "#¿NOMBRE?", "#¡DESBORDAMIENTO!",
    "#VALEUR!", "#NOM?", "#NOMBRE!", "#NUL!", "#RIF!", "#VALORE!", "#NOME?", "#NULLO!", "#VALOR!", "#NULO!", "#NÚM!",
    "#N/B", "#VERW!", "#WAARDE!", "#NAAM?", "#GETAL!", "#LEEG!", "#DEEL/0!", "#ADR!", "#ARG!", "#NAZWA?", "#LICZBA!",
    "#ZERO!", "#DZIEL/0!",
)  # fmt: skip
"""As spreadsheets write them in the languages the headers are known in: a CSV file has them as they were shown."""
_CONTROL = "[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f\\x{80}-\\x{9f}]"
_LONGEST_CELL = 1 << 20
_MOST_NAMED = 10
_MOST_FINDINGS = 20


def rows_with(column: TextColumn, chosen: Sequence[int]) -> Mask:
    """Return the rows whose cell is one of the chosen distinct values."""
    table = np.zeros(len(column.values), bool)
    table[list(chosen)] = True
    return table[column.codes]


def blank_values(column: TextColumn) -> list[int]:
    """Return the distinct values without a visible character; only short ones can be such, so few are looked at."""
    import pyarrow.compute as pc

    lengths = pc.binary_length(pc.utf8_trim_whitespace(column.values))
    return np.flatnonzero(arrow.to_numpy(lengths, np.int32) == 0).tolist()


def set_error_values_aside(part: Part, mapping: Mapping) -> None:
    """Set rows aside that hold an error value of a spreadsheet or a control character in a column that is read.

    CSV lines with control characters never get here. An error value that the mapping declares as missing is missing.

    Raises
    ------
    InputRefused
        A cell of more than 1 MB.
    """
    import pyarrow.compute as pc

    wrong = sorted(set(_ERROR_VALUES) - {word.strip() for word in mapping.values.missing})
    places, n_before = part.file.field_columns | part.file.modality_columns, len(part.faults)
    for key, column in part.columns.items():
        header, letter = places.get(key.removeprefix("flag:"), ("", ""))
        place = f'column "{header}" ({letter})' if header else ""
        marked = {}
        if pc.any(pc.match_substring(column.values, "#")).as_py():
            marked["E147"] = pc.is_in(pc.utf8_trim_whitespace(column.values), value_set=arrow.from_texts(wrong))
        if part.file.kind != "csv":
            marked["E146"] = pc.match_substring_regex(column.values, _CONTROL)
        _check_cell_length(column, part, place)
        for code, is_wrong in marked.items():
            if pc.any(is_wrong).as_py():
                rows = rows_with(column, [i for i, wrong in enumerate(is_wrong.to_pylist()) if wrong])
                for row in part.rows[rows].tolist():
                    part.add_fault(row, code, (header, letter))
    if len(part.faults) > n_before:
        part.drop_faulty_rows()


def _check_cell_length(column: TextColumn, part: Part, place: str) -> None:
    """Refuse a cell of more than 1 MB, in a CSV file one of many lines: a quote that took in what follows."""
    import pyarrow.compute as pc

    lengths = pc.binary_length(column.values)
    longest = pc.max(lengths).as_py() or 0
    if longest > _LONGEST_CELL:
        row = part.rows[rows_with(column, [pc.index(lengths, longest).as_py()])][0]
        where = f"{part.file.place} › row {row} › {place}"
        raise refuse("E114", "a cell is longer than 1 MB.", where, "Check the export: is this one table?")


def find_footers(part: Part) -> Mask:
    """Return the rows that are totals or footers by their patient cell, and keep what they say in `part.footers`."""
    import pyarrow.compute as pc

    patient = part.columns["patient_id"]
    mask = np.zeros(len(part.rows), bool)
    for pattern in (FOOTER, SHORT_FOOTER):
        found = pc.match_substring_regex(patient.values, pattern)
        if not pc.any(found).as_py():
            continue
        rows = rows_with(patient, [i for i, is_footer in enumerate(found.to_pylist()) if is_footer])
        if pattern is SHORT_FOOTER:
            day = part.columns["visit_date" if "visit_date" in part.columns else "visit_day"]
            rows &= rows_with(day, blank_values(day))
        mask |= rows
    for row in np.flatnonzero(mask).tolist():
        cells = [column.values[int(column.codes[row])].as_py().strip() for column in part.columns.values()]
        part.footers.append((int(part.rows[row]), BETWEEN_CELLS.join(cell for cell in cells if cell)))
    return mask


def note_footers(part: Part, mapping: Mapping) -> None:
    """Say which rows were totals or footers, and hold the file against the number of rows one of them states.

    Raises
    ------
    InputRefused
        A footer states another number of rows than the file has (E117), and that is not acknowledged.
    """
    if not part.footers:
        return
    rows = tuple(sorted(row for row, _ in part.footers))
    part.file = dataclasses.replace(part.file, footer_rows=rows)
    part.notes.append(
        f"{part.file.place}: totals or footers, no visits: {len(rows)} {'rows' if len(rows) > 1 else 'row'}."
    )
    # A line set aside may be a row, a part of one, or none.
    fewest, n_rows = len(part.rows), len(part.rows) + len(part.faults)
    for row, text in part.footers:
        stated = read_stated_rows(text)
        if stated is None:
            _note_total(part, row, text, fewest, n_rows)
        if stated is None or fewest <= stated <= n_rows:
            continue
        message = (
            f"row {row} states {stated:,} rows, but {n_rows:,} stand in the file: it is cut off, or not one export."
        )
        if "E117" not in mapping.acknowledge.warnings:
            remedy = "Export it again; if all rows are there, " + how_to_acknowledge("E117")
            raise refuse("E117", message, part.file.place, remedy)
        part.notes.append(f"E117 {part.file.place}: {message} (acknowledged)")


def _note_total(part: Part, row: int, text: str, fewest: int, n_rows: int) -> None:
    """Say of a total that could be a number of rows that it is another one: what it counts, it does not say."""
    total = read_total(text)
    if total is None or fewest <= total <= n_rows or (BETWEEN_CELLS in text and not n_rows / 2 < total < n_rows * 2):
        return
    part.notes.append(
        f"{part.file.place}: row {row} states a total of {total:,}, but {n_rows:,} rows stand in the file. "
        "If it counts rows, the file is cut off, or not one export."
    )


def how_to_acknowledge(code: str) -> str:
    """Return the lines of the mapping that say a warning is known."""
    return f'write in the mapping, below [acknowledge]: warnings = ["{code}"] and by = "your name".'


def check_blank_headers(part: Part) -> None:
    """Refuse columns that have cells but no header: nobody can say what they are, or whether headers have shifted."""
    findings = []
    for key, column in part.columns.items():
        if not key.startswith(BLANK):
            continue
        n = len(column.codes) - int(np.count_nonzero(rows_with(column, blank_values(column))))
        if n:
            letter = column_letter(int(key.removeprefix(BLANK)))
            message = f"column {letter} has no header, but {agreeing(n, 'cell', 'that is', 'that are')} not empty."
            remedy = "Give the column a header, or delete it, in the export."
            if word := _word_above_numbers(column):
                message += f" The first is '{show_header(word)}', as below a header of two rows."
                remedy = (
                    "Make the two rows of the header one, in the export; or give the column a header, or delete it."
                )
            findings.append(Finding("E119", message, part.file.place, remedy))
    if findings:
        n_more = len(findings) - _MOST_FINDINGS
        head = f"{part.file.place} cannot be read" + (f" ({n_more} columns more like the last)." if n_more > 0 else ".")
        raise InputRefused(head, findings[:_MOST_FINDINGS])


def _word_above_numbers(column: TextColumn) -> str:
    """Return the first cell of a column where it is a word and the others hold digits; else nothing."""
    texts = [text.strip() for text in column.values.to_pylist()]
    first = int(column.codes[0])
    others = [text for code, text in enumerate(texts) if code != first and text]
    is_word = texts[first].replace(" ", "").isalpha() and int(np.count_nonzero(column.codes == first)) == 1
    return texts[first] if is_word and others and all(any(map(str.isdigit, text)) for text in others) else ""


def find_renamed(parts: Sequence[Part], mapping: Mapping) -> list[str]:
    """Say which field stands in some files and not in others.

    Raises
    ------
    InputRefused
        A file that lacks a field has a column that the other files do not have: it may be the field under a new name
        (E120), and this is not acknowledged.
    """
    notes, findings = [], []
    for name in FIELDS:
        lacking = [part for part in parts if name not in part.columns]
        having = [part for part in parts if name in part.columns]
        if not lacking or not having:
            continue
        files = ", ".join(part.file.place for part in lacking)
        notes.append(f"{name} is in other files but not in {files}; it counts as not recorded there.")
        known = {normalise_header(header) for part in having for header in part.file.header}
        for part in lacking:
            new = [h for h in part.file.unread_columns if normalise_header(h) not in known and "no header" not in h]
            if new:
                findings.append(_ask_renamed(name, having[0], part, new))
    if findings and "E120" not in mapping.acknowledge.warnings:
        raise InputRefused("The files do not have the same columns.", findings)
    return notes


def _ask_renamed(name: str, having: Part, lacking: Part, new: list[str]) -> Finding:
    header = having.file.field_columns[name][0]
    listed = ", ".join(f'"{word}"' for word in new[:_MOST_NAMED])
    return Finding(
        "E120",
        f'column "{header}" ({name}) of {having.file.place} is not there; columns only this file has: {listed}.',
        lacking.file.place,
        f"If one of them is {name} under another name, give both exports the same header; if not, "
        + how_to_acknowledge("E120"),
    )
