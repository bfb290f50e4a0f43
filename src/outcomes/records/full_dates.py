"""Whether the mapping allows full dates for those who are to see the result.

Days between visits are what is measured, so an export with dates is read as any other. Dates finer than a year are on
the list of 45 CFR 164.514(b)(2) all the same, and nothing in the file tells whether they may serve a public report or
go to a researcher: somebody says it once, in ``[privacy] dates_allowed``.
"""

from __future__ import annotations

from typing import Any

from outcomes.errors import Finding
from outcomes.records.columns import show_header
from outcomes.records.model import Records, SourceFile
from outcomes.records.privacy import CLINIC, PUBLIC, RESEARCH

NOT_ALLOWED = "E969"
DATE_FIELDS = ("visit_date", "onset_date")
WHAT_IT_IS = "Not Safe Harbor: date elements present"
"""What is said wherever full dates were used; the list it names is that of 45 CFR 164.514(b)(2)."""
_SHOWN_TO = {
    CLINIC: "the clinic's own staff",
    RESEARCH: "tables that leave the house",
    PUBLIC: "a public report",
}


def find_forbidden_dates(records: Records, audience: str) -> list[Finding]:
    """Return that the mapping does not allow full dates for this audience, and the columns that hold them.

    Parameters
    ----------
    records : Records
    audience : str
        Of `privacy.AUDIENCES`.

    Returns
    -------
    list of Finding
        One, E969; empty where dates are allowed, or there are none.
    """
    allowed, place = records.mapping.privacy.dates_allowed, _find_place(records)
    if audience in allowed or not place:
        return []
    line = ", ".join(f'"{word}"' for word in (*allowed, audience))
    remedy = (
        "If they may be used for that, whoever answers for it writes in the mapping, below [privacy]: dates_allowed = "
        f"[{line}]. If not, export day numbers instead ([columns] visit_day)."
    )
    what = f"full dates, which the mapping does not allow for {_SHOWN_TO[audience]}."
    return [Finding(NOT_ALLOWED, what, place, remedy)]


def _find_place(records: Records) -> str:
    """Return the first file with full dates and its columns; empty where no file has them."""
    having = [file for file in records.files if any(name in file.field_columns for name in DATE_FIELDS)]
    if not having:
        return ""
    first = having[0]
    more = f" and {len(having) - 1} more" if len(having) > 1 else ""
    return f"{first.place}{more} › {_show_columns(first)}"


def _show_columns(file: SourceFile) -> str:
    found = [file.field_columns[name] for name in DATE_FIELDS if name in file.field_columns]
    return " and ".join(f'column "{show_header(header.strip())}" ({letter})' for header, letter in found)


def explain_dates(records: Records) -> dict[str, str]:
    """Return what `outcomes inspect` writes beside ``dates_allowed``; nothing where there are no full dates."""
    columns = _show_columns(records.files[0])
    if not columns:
        return {}
    more = f'add "{RESEARCH}" (tables that leave the house) or "{PUBLIC}" once somebody has decided so'
    return {"dates_allowed": f"full dates in {columns}; {more}"}


def describe_dates(records: Records | None, has_calendar: bool) -> dict[str, Any]:
    """Return, for a manifest, whether full dates were used and for whom the mapping allows them."""
    said = {"full_dates": has_calendar}
    return said if records is None else {**said, "dates_allowed": list(records.mapping.privacy.dates_allowed)}
