"""The vocabulary tables: packaged CSV files, each replaceable by the user's own; read and hashed. Stdlib only."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import resources
from pathlib import Path

from outcomes.errors import Finding

ID_TABLES = {
    "cause": "causes.csv",
    "trigger": "triggers.csv",
    "radiation": "radiation.csv",
    "region": "regions.csv",
    "sex": "sexes.csv",
    "purpose": "purposes.csv",
    "onset": "onsets.csv",
    "discharge_reason": "discharge_reasons.csv",
    "instrument": "instruments.csv",
    "paresthesia": "paresthesia.csv",
}
"""Kind of term -> its table; the first column of each is ``<kind>_id``."""
OWN_WORDS = "own_words.csv"
"""The one table that is not packaged: a clinic's words, joined to the others by `own_words`."""

_COLUMNS = {
    "modalities.csv": "modality_id label stage class is_treatment synonyms",
    "families.csv": "family_id label modalities",
    "modality_codes.csv": "system code modality_id specificity timed marker covers",
    "ambiguous_terms.csv": "term modalities muscles assumed_in only_if",
    "muscles.csv": "muscle_id label region group is_umbrella synonyms",
    "muscle_group_relations.csv": "group_a group_b relation",
    "icd10cm.csv": "code words region kind tier",
    "icd10_other.csv": "code words region kind tier",
    "duration_classes.csv": "scheme class from_day to_day_exclusive",
    **{name: f"{kind}_id words synonyms" for kind, name in ID_TABLES.items()},
    "instruments.csv": "instrument_id label min max better mic_abs mic_pct mdc synonyms",
    OWN_WORDS: "table term means",
}


@dataclass(frozen=True, slots=True)
class Table:
    """One vocabulary table: its rows as dicts of stripped text and the line each stands in."""

    name: str
    packaged: bool
    rows: tuple[dict[str, str], ...]
    lines: tuple[int, ...]

    def __iter__(self) -> Iterator[tuple[int, dict[str, str]]]:
        return zip(self.lines, self.rows, strict=True)

    def place(self, line: int, column: str) -> str:
        """Return where a cell stands, in words."""
        owner = "packaged " if self.packaged else ""
        return f"{owner}{self.name} › row {line} › column {column}"


def split_list(cell: str) -> list[str]:
    """Return the entries of a ``|``-separated cell."""
    return [entry for piece in cell.split("|") if (entry := piece.strip())]


def read_tables(folder: Path | None) -> tuple[dict[str, Table], str, list[Finding]]:
    """Return the tables that could be read, their hash, and what is wrong with the others.

    Parameters
    ----------
    folder : Path or None
        A folder with any of the tables, each in place of the packaged one; None for the packaged ones alone.
    """
    own, faults = _read_folder(folder) if folder is not None else ({}, [])
    package = resources.files(__package__)
    tables: dict[str, Table] = {}
    digest = hashlib.sha256()
    for name in sorted(_COLUMNS):
        if name == OWN_WORDS and name not in own:
            continue
        text = own[name] if name in own else package.joinpath(name).read_text("utf-8-sig")
        digest.update(f"{name}\n{text}\n".encode())
        table, found = _read_table(name, text, name not in own)
        faults += found
        if not found:
            tables[name] = table
    return tables, digest.hexdigest()[:12], faults


def _read_folder(folder: Path) -> tuple[dict[str, str], list[Finding]]:
    if not folder.is_dir():
        return {}, [Finding("C201", "is not a folder.", folder.name, "Give the folder that holds your tables.")]
    texts: dict[str, str] = {}
    faults = []
    for path in sorted(folder.glob("*.csv")):
        if path.name not in _COLUMNS:
            near = get_close_matches(path.name, _COLUMNS, n=1)
            remedy = f"Did you mean {near[0]}?" if near else f"Known are {', '.join(sorted(_COLUMNS))}."
            faults.append(Finding("C201", "is no table of the codebook.", path.name, remedy))
            continue
        try:
            texts[path.name] = path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
        except (OSError, UnicodeDecodeError):
            faults.append(Finding("C201", "cannot be read as UTF-8 text.", path.name, "Save it as CSV in UTF-8."))
    return texts, faults


def _read_table(name: str, text: str, packaged: bool) -> tuple[Table, list[Finding]]:
    lines = text.splitlines(keepends=True)
    # Where decimals have commas, a spreadsheet saves CSV with semicolons.
    has_semicolons = bool(lines) and ";" in lines[0] and "," not in lines[0]
    reader = csv.reader(lines, delimiter=";" if has_semicolons else ",")
    header = [cell.strip() for cell in next(reader, [])]
    missing = [column for column in _COLUMNS[name].split() if column not in header]
    faults = [Finding("C202", f"lacks the column '{column}'.", f"{name} › row 1", "Add it.") for column in missing]
    if len(set(header)) < len(header):
        faults.append(Finding("C202", "has a column name twice.", f"{name} › row 1", "Rename one of the two."))
    rows, numbers = [], []
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            message = f"has {len(cells)} cells; the header has {len(header)}."
            faults.append(Finding("C203", message, f"{name} › row {reader.line_num}", "Check commas and quotes."))
            continue
        rows.append(dict(zip(header, (cell.strip() for cell in cells), strict=True)))
        numbers.append(reader.line_num)
    if not rows and not faults:
        faults.append(Finding("C203", "has no rows.", name, "Leave the file out to use the packaged table."))
    return Table(name, packaged, tuple(rows), tuple(numbers)), faults


def id_column(name: str) -> str:
    """Return the name of a table's id column, empty when it has none."""
    first = _COLUMNS[name].split()[0]
    return first if first.endswith("_id") else ""
