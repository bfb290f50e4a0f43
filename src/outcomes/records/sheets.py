"""Which sheets of a workbook are read, and the name of a sheet as the clinic of its rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from outcomes import arrow
from outcomes.errors import Finding, InputRefused
from outcomes.records.columns import has_required, normalise_header
from outcomes.records.mapping import Mapping
from outcomes.records.mapping_rules import ALL_SHEETS, CLINIC_ID
from outcomes.records.model import Part, TextColumn
from outcomes.records.person_shapes import names_person, starts_with_given
from outcomes.records.plain_words import is_plain, mask_person
from outcomes.records.rules import refuse

SHEET_NAME = "name of the sheet"
"""Stands for the header where the clinic is the sheet's name; also in ``[privacy] accept``."""


def choose_sheets(book: dict[str, Any], mapping: Mapping, name: str) -> tuple[list[str], list[str]]:
    """Return the sheets to read, in the order they are read, and what to say about the others.

    Parameters
    ----------
    book : dict
        What the child tells of the workbook: ``visible``, ``hidden``, ``carried`` and the ``top`` of the sheets.
    mapping : Mapping
    name : str
        By which the file is shown.

    Raises
    ------
    InputRefused
        E110 a sheet is not there or hidden, or it is not clear which one holds visits; E113 a sheet has no cell.
    """
    options, visible = mapping.file, book["visible"]
    notes = [f"{name} also carries {', '.join(book['carried'])}: neither read nor copied."] if book["carried"] else []
    full = [sheet for sheet in visible if any(any(row) for row in book["top"].get(sheet, ()))]
    if options.sheet == ALL_SHEETS:
        chosen = full or visible
        blank = [show_sheet(sheet, visible, mapping) for sheet in visible if sheet not in full and full]
        notes += [f'{name}: sheet "{sheet}" has no cell.' for sheet in blank]
    elif options.named_sheets is not None:
        chosen = [find_sheet(sheet, visible) for sheet in options.named_sheets]
    else:
        only, others = _find_only(book["top"], visible, full, mapping, name)
        return [only], notes + others + _tell_people([only], visible, mapping, name)
    _check_there(chosen, book, mapping, name)
    if options.sheet_as is None:
        notes += _tell_people(chosen, visible, mapping, name)
    if isinstance(options.sheet, tuple):
        _check_filled([show_sheet(sheet, visible, mapping) for sheet in chosen if sheet not in full], name)
        notes += [
            f'{name}: sheet "{show_sheet(sheet, visible, mapping)}" was not read.'
            for sheet in visible
            if sheet not in chosen and (sheet in full or sheet not in book["top"])
        ]
    return chosen, notes


def _check_there(chosen: Sequence[str], book: dict[str, Any], mapping: Mapping, name: str) -> None:
    """Refuse sheets that are hidden or not there, all at once."""
    listed = _list_sheets(book["visible"], book["visible"], mapping)
    findings = []
    for sheet in chosen:
        if sheet in book["hidden"]:
            what = f'sheet "{mask_person(sheet)}" is hidden.'
            findings.append(Finding("E110", what, name, "Show it in the workbook first."))
        elif sheet not in book["visible"]:
            words = f'there is no sheet "{mask_person(sheet)}"; visible: {listed}.'
            findings.append(Finding("E110", words, name, "Correct [file] sheet."))
    if findings:
        raise InputRefused(f"{name} cannot be read.", findings)


def _check_filled(blank: Sequence[str], name: str) -> None:
    remedy = "Export it again, or take the sheet out of [file] sheet."
    findings = [Finding("E113", "the sheet has no cell.", f'{name} › sheet "{sheet}"', remedy) for sheet in blank]
    if findings:
        raise InputRefused(f"{name} cannot be read.", findings)


def _find_only(
    top: dict[str, list[list[str]]], visible: list[str], full: list[str], mapping: Mapping, name: str
) -> tuple[str, list[str]]:
    """Return the one sheet that holds visits, and what to say of those beside it."""
    listed = _list_sheets(visible, visible, mapping)
    if not full:
        raise refuse("E113", f"no visible sheet has any cell (sheets: {listed}).", name, "Export it again.")
    row = mapping.file.header_row - 1
    fit = [s for s in full if len(top[s]) > row and has_required(top[s][row], mapping)]
    if len(full) == 1 or len(fit) == 1:
        chosen = (fit or full)[0]
        others = [show_sheet(sheet, visible, mapping) for sheet in full if sheet != chosen]
        return chosen, [f'{name}: sheet "{s}" has no patient and day column and was not read.' for s in others]
    which = "Several sheets have" if fit else "No sheet has"
    refer = [write_sheet(refer_to_sheet(sheet, visible, mapping)) for sheet in fit or full]
    remedy = f"Write [file] sheet = {refer[0]} (or another) in the mapping"
    if fit:
        remedy += f'; to read several, sheet = [{", ".join(refer)}]; if each is a clinic, sheet_as = "clinic_id" '
        remedy += "beside it"
    raise refuse("E110", f"{which} the required columns (sheets: {listed}).", name, f"{remedy}.")


def show_sheet(sheet: str, visible: Sequence[str], mapping: Mapping) -> str:
    """Return what a sheet is called in messages and accounts.

    Where it is a clinic and clinics are replaced by pseudonyms, or it may be named after a person, its name must stand
    nowhere: its place among the visible sheets does.
    """
    is_replaced = mapping.file.sheet_as in mapping.privacy.replaced
    is_shown = not is_replaced and isinstance(refer_to_sheet(sheet, visible, mapping), str)
    return sheet if is_shown else f"no. {visible.index(sheet) + 1}"


def refer_to_sheet(sheet: str, visible: Sequence[str], mapping: Mapping) -> str | int:
    """Return what the mapping may call a sheet: its name, or its place where the name is not of ordinary words."""
    if _accepts_names(mapping) or (is_plain(sheet) and not is_named_after_person(sheet, mapping)):
        return sheet
    return visible.index(sheet) + 1


def find_sheet(told: str | int, visible: Sequence[str]) -> str:
    """Return the name of a sheet that is told by its name or its place; of a place that is none, the number."""
    if isinstance(told, str):
        return told
    return visible[told - 1] if told <= len(visible) else f"{told}"


def write_sheet(told: str | int) -> str:
    """Return a sheet as it stands in a mapping."""
    return str(told) if isinstance(told, int) else f'"{told}"'


def is_named_after_person(sheet: str, mapping: Mapping) -> bool:
    """Whether a sheet has the name of a person; not where the mapping accepts the names of sheets."""
    is_clinic = mapping.file.sheet_as == CLINIC_ID
    is_person = names_person(sheet, is_clinic) or (not is_clinic and starts_with_given(sheet))
    return is_person and not _accepts_names(mapping)


def _accepts_names(mapping: Mapping) -> bool:
    return normalise_header(SHEET_NAME) in map(normalise_header, mapping.privacy.accept)


def _tell_people(sheets: Sequence[str], visible: Sequence[str], mapping: Mapping, name: str) -> list[str]:
    """Say which sheets are shown by their place, and why."""
    remedy = f'Give it another name; if it is no person, write [privacy] accept = ["{SHEET_NAME}"].'
    return [
        f'E918 {name} › sheet "{show_sheet(sheet, visible, mapping)}": its name reads like a person\'s, which is not '
        f"shown. {remedy}"
        for sheet in sheets
        if is_named_after_person(sheet, mapping)
    ]


def _list_sheets(sheets: Sequence[str], visible: Sequence[str], mapping: Mapping) -> str:
    """Return sheets for a message, those named after people by their place."""
    return ", ".join(f'"{show_sheet(sheet, visible, mapping)}"' for sheet in sheets) or "none"


def check_no_sheets(kind: str, mapping: Mapping, name: str) -> None:
    """Refuse ``[file] sheet_as`` for a file that has no sheets: its rows would be of no clinic, in silence."""
    if mapping.file.sheet_as is not None and kind != "xlsx":
        what = "[file] sheet_as says that the sheet's name is the clinic, but this file has no sheets."
        remedy = "Take sheet_as out, and give the file a column with the clinic (clinic_id)."
        raise refuse("E129", what, name, remedy)


def check_no_clinic(header: Sequence[str], mapping: Mapping, place: str) -> None:
    """Refuse a sheet with a clinic column of its own where the sheet's name is to be the clinic."""
    if mapping.file.sheet_as is None or CLINIC_ID in mapping.columns:
        return
    if CLINIC_ID in map(normalise_header, header):
        what = "the sheet has a column clinic_id, and [file] sheet_as says that its name is the clinic."
        remedy = 'Take sheet_as out; or write clinic_id = "" below [columns], and the column is not read.'
        raise refuse("E129", what, place, remedy)


def add_sheet_name(part: Part, sheet: str, mapping: Mapping) -> None:
    """Give every row of a part the name of its sheet, in the field that `mapping` says."""
    if (field := mapping.file.sheet_as) is None:
        return
    part.columns[field] = TextColumn(arrow.from_texts([sheet.strip()]), np.zeros(len(part.rows), np.int32))
    places = part.file.field_columns | {field: (SHEET_NAME, "")}
    part.file = dataclasses.replace(part.file, field_columns=places)
