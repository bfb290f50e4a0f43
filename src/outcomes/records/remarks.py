"""What a reader of an export should be told once it is read: what was noticed, and which columns nobody asked for."""

from __future__ import annotations

from difflib import get_close_matches

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
            said.append(f"{file.name}: totals or footers stand {where} {rows}{more}.")
        guesses = {
            header: get_close_matches(header.lower().replace(" ", "_"), free, 1) for header in file.unread_columns
        }
        listed = [f"{header} (meant as {near[0]}?)" if near else header for header, near in guesses.items()]
        if listed:
            more = f" and {len(listed) - _MOST_NAMED} more" if len(listed) > _MOST_NAMED else ""
            names = ", ".join(listed[:_MOST_NAMED])
            said.append(f"not read from {file.name}: {names}{more}; [columns] in the mapping names what is")
    return said
