"""What a reader of an export should be told once it is read: what was noticed, and which columns nobody asked for."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from outcomes.records.identifiers import header_words
from outcomes.records.inspect_columns import NAMES
from outcomes.records.mapping import FIELDS
from outcomes.records.model import Records

_MOST_NAMED = 12


def list_remarks(records: Records) -> list[str]:
    """Return what the reader noticed, and the columns not read, with the field a name may have meant."""
    free = [name for name in FIELDS if name not in records.fields]
    said = list(records.notes)
    for file in records.files:
        if file.footer_rows:
            more = f" and {len(file.footer_rows) - _MOST_NAMED} more" if len(file.footer_rows) > _MOST_NAMED else ""
            rows = ", ".join(map(str, file.footer_rows[:_MOST_NAMED]))
            where = "in row" if len(file.footer_rows) == 1 else "in rows"
            said.append(f"{file.place}: totals or footers stand {where} {rows}{more}.")
        guesses = {header: _guess_fields(header, free) for header in file.unread_columns}
        listed = [f"{header} (meant as {' or '.join(near)}?)" if near else header for header, near in guesses.items()]
        if listed:
            more = f" and {len(listed) - _MOST_NAMED} more" if len(listed) > _MOST_NAMED else ""
            names = ", ".join(listed[:_MOST_NAMED])
            said.append(f"not read from {file.place}: {names}{more}; [columns] in the mapping names what is")
    return said


def _guess_fields(header: str, free: Sequence[str]) -> list[str]:
    """Fields a header may mean: one whose name in clinic systems it is, those that begin with it, one much like it."""
    said, name = header_words(header).strip(), header.strip().lower().replace(" ", "_")
    meant = [field for field, names in NAMES.items() if said in names]
    if meant and not set(meant).intersection(free):
        return []  # it is another name of what was read from elsewhere
    return (
        [field for field in free if field in meant]
        or [field for field in free if field.startswith(f"{name}_")]
        or get_close_matches(name, free, 1)
    )
