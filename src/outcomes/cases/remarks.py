"""What a user should be told about the rows that were set aside: the main rules first, then each row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import TYPE_CHECKING

from outcomes.errors import Finding

if TYPE_CHECKING:
    from outcomes.cases.visits import Visits


def list_main_reasons(visits: Visits, most: int = 3, but: Collection[str] = ()) -> list[Finding]:
    """Return the rules that set most rows aside, with their remedies; those in `but` are left out."""
    codes = visits.quarantine["code"].to_pylist()
    counts = [(code, n) for code, n in Counter(codes).items() if code not in but]
    found = []
    for code, n in sorted(counts, key=lambda item: (-item[1], item[0]))[:most]:
        row = visits.quarantine.slice(codes.index(code), 1)
        first = {name: row[name][0].as_py() for name in ("column", "source_file", "rule", "remedy")}
        place = f"column '{first['column']}'" if first["column"] else first["source_file"]
        found.append(Finding(code, f"{first['rule']}: {n:,} rows.", place, first["remedy"]))
    return found


def list_examples(visits: Visits, code: str, most: int) -> list[str]:
    """Return where the first rows under one rule stand: file, sheet, row, column with its letter, masked value."""
    quarantine = visits.quarantine
    places = [i for i, found in enumerate(quarantine["code"].to_pylist()) if found == code][:most]
    names = ("source_file", "source_sheet", "source_row", "column", "letter", "value_masked")
    return [_say_place(*(quarantine[name][i].as_py() for name in names)) for i in places]


def _say_place(file: str, sheet: str, row: int, column: str, letter: str, masked: str) -> str:
    where = [file, *([f'sheet "{sheet}"'] if sheet else []), f"row {row}"]
    where += [f'column "{column}"' + (f" ({letter})" if letter else "")] if column else []
    return " › ".join(where) + (f": {masked}" if masked else "")


def list_unknown_terms(visits: Visits, most: int = 10, floor: int = 5) -> list[str]:
    """Return the commonest terms that are not in the codebook, with their records.

    A term written at fewer patients than `floor` may be about one of them: it is counted, not shown.
    """
    terms = sorted(visits.unknown_terms, key=lambda found: (-found[2], found[0], found[1]))
    shown = [f"{field}: {term} ({n:,} records)" for field, term, n, patients in terms if patients >= floor]
    rest = len(terms) - len(shown[:most])
    return shown[:most] + ([f"and {rest:,} more; outcomes clean lists them all"] if rest else [])
