"""What a public page says of identifiers: what was looked for and found, and the search of its own files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from outcomes.errors import DisclosureError, Finding
from outcomes.records.full_dates import WHAT_IT_IS
from outcomes.records.identifier_kinds import KINDS
from outcomes.records.identifiers import scan_text

if TYPE_CHECKING:
    from outcomes.records import Records

_FULL_DATES = (
    f"{WHAT_IT_IS}. The records behind this page have full dates of visits, which the list of 45 CFR 164.514(b)(2) "
    "names; the page names months and quarters, and no day of a patient's visit."
)


def describe_search(records: Records | None, has_calendar: bool = False) -> tuple[str, ...]:
    """Return, in sentences, what was looked for in the export and in this release, and what was found.

    Parameters
    ----------
    records : Records or None
        As read; None when the cases came without them.
    has_calendar : bool
        Whether the records have full dates.
    """
    kinds = list(dict.fromkeys(kind.name for kind in KINDS))
    own = "Every text of this release was searched for e-mail, web and internet addresses and for phone, social "
    return (
        *(_of_export(records, kinds) if records is not None else ("The export was not searched in this run.",)),
        own + "security and record numbers; none was found.",
        "Free text of a visit is not read. A search can miss what it looks for: it is no guarantee.",
        *((_FULL_DATES,) if has_calendar else ()),
    )


def _of_export(records: Records, kinds: list[str]) -> tuple[str, ...]:
    accepted = len(records.mapping.privacy.accept)
    looked = f"The export was searched for these kinds of identifier: {', '.join(kinds)}."
    rule = "A column of such a kind stops the run, and a record with a single such cell is set aside and not counted."
    if not accepted:
        return looked, rule + " No column was accepted in spite of it."
    what = "one column that looks" if accepted == 1 else f"{accepted} columns that look"
    return looked, f"{rule} The practice accepted {what} like one and declared to be none."


def check_texts(texts: Mapping[str, str]) -> None:
    """Search finished texts for identifiers.

    Parameters
    ----------
    texts : mapping of str to str
        Path in the release to text.

    Raises
    ------
    DisclosureError
        E936 with every file and a masked find.
    """
    findings = [
        Finding("E936", f"holds what looks like: {kind} ({masked}).", name, "Mend the export or the vocabulary table.")
        for name, text in sorted(texts.items())
        for kind, masked in scan_text(text)
    ]
    if findings:
        raise DisclosureError("The public release holds what looks like an identifier; nothing was written.", findings)
