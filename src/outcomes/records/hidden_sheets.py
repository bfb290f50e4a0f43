"""What is said of the hidden sheets of a workbook: that none was read, and what kinds of identifier they may hold.

Whoever passes a workbook on passes its hidden sheets on. No cell and no header of one leaves the child that looks.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from outcomes.errors import InputRefused
from outcomes.records import hidden_child
from outcomes.records.child import start_child
from outcomes.records.columns import mask
from outcomes.records.counted import counted
from outcomes.records.plain_words import mask_person

SECONDS = 60
"""The look at all hidden sheets of a workbook is ended after this time."""
FOUND = "E908"
_PLURALS = {
    "e-mail address": "e-mail addresses",
    "internet address": "internet addresses",
    "web address": "web addresses",
    "address or small area": "addresses or small areas",
    "vehicle number or plate": "vehicle numbers or plates",
    "licence or certificate number": "licence or certificate numbers",
    "age over 89": "ages over 89",
    "code of one person": "codes of one person",
    hidden_child.FREE_TEXT: hidden_child.FREE_TEXT,
}
Look = tuple[dict[str, int], dict[str, int]]
"""Kind -> columns that are one, and kind -> other columns with such cells (`hidden_child.find_sheet_kinds`)."""


def describe_hidden(path: Path, name: str, hidden: Mapping[str, int]) -> list[str]:
    """Return one sentence a hidden sheet.

    Parameters
    ----------
    path : Path
        A workbook whose container was checked (`workbook_container`).
    name : str
        By which it is shown.
    hidden : mapping of str to int
        Hidden sheet -> rows in it, in the workbook's order.
    """
    looks = _look_at(path, name, list(hidden))
    shown = {sheet: _show(sheet, i, len(hidden)) for i, sheet in enumerate(hidden, start=1)}
    return [_describe(name, *shown[sheet], n_rows, looks.get(sheet)) for sheet, n_rows in hidden.items()]


def mask_hidden(sheet: str) -> str:
    """Return the name of a hidden sheet for a message: its shape, unless it is made of ordinary words and numbers."""
    return sheet if mask_person(sheet) == sheet else mask(sheet)


def _show(sheet: str, place: int, n: int) -> tuple[str, str]:
    """Return the name of a hidden sheet, and which of them it is where the name is not shown."""
    shown = mask_hidden(sheet)
    return shown, "" if shown == sheet else f"number {place} of {n} that are hidden, " if n > 1 else ""


def _look_at(path: Path, name: str, sheets: list[str]) -> dict[str, Look]:
    """Return what was seen in each sheet that could be looked at."""
    looks: dict[str, Look] = {}
    if not sheets:
        return looks
    request = {"path": str(path), "sheets": sheets}
    with start_child(hidden_child.__name__, request, "workbook", name, SECONDS) as child:
        for sheet in sheets:
            try:
                answer = child.ask()
            except InputRefused:  # the child died of this sheet: of it and those after it nothing is known, and said
                break
            if answer["kinds"] is not None:
                looks[sheet] = answer["kinds"], answer["single"]
    return looks


def _describe(name: str, sheet: str, which: str, n_rows: int, look: Look | None) -> str:
    words = f'{name}: hidden sheet "{sheet}" ({which}{counted(n_rows, "row")}) was not read'
    delete = "delete it before the file is passed on."
    if look is None:
        return f"{words}, and it could not be looked at for identifiers; {delete}"
    columns, single = look
    if not columns and not single:
        seen = f"no identifiers were seen in its first {hidden_child.ROWS} rows, which is no guarantee"
        return f"{words}; {seen}; {delete}"
    said = [f"columns that look like {_list(columns)}"] if columns else []
    said += [f"{'other ' if columns else ''}columns with single cells that look like {_list(single)}"] if single else []
    return f"{FOUND} {words}; it contains {', and '.join(said)}: {delete}"


def _list(kinds: Mapping[str, int]) -> str:
    return ", ".join(f"{_PLURALS.get(kind, f'{kind}s')} ({n:,})" for kind, n in kinds.items())
