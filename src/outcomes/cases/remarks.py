"""What a user should be told about the rows that were set aside: the main rules first, then each row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import TYPE_CHECKING

from outcomes.errors import Finding
from outcomes.records.counted import counted

if TYPE_CHECKING:
    from outcomes.cases.visits import Visits

_MOST_COLUMNS = 3


def list_main_reasons(visits: Visits, most: int | None = None, but: Collection[str] = ()) -> list[Finding]:
    """Return the rules under which rows were set aside, the commonest first; those in `but` are left out.

    Rows are the ledger's, as on the page: one that breaks several rules counts under the first of them.
    """
    codes = visits.quarantine["code"].to_pylist()
    findings, rows = Counter(code for code in codes if code not in but), count_rows_aside(visits)
    ordered = sorted(findings, key=lambda code: (-rows[code], -findings[code], code))[:most]
    return [_describe(visits, code, codes, rows[code], findings[code]) for code in ordered]


def count_rows_aside(visits: Visits) -> Counter[str]:
    """Rows set aside by code: the reason of a step begins with the code of its rule."""
    rows: Counter[str] = Counter()
    for step in visits.ledger.steps:
        if step.unit in ("rows", "records"):
            for reason, n in step.set_aside.items():
                rows[reason.split()[0]] += n
    return rows


def _describe(visits: Visits, code: str, codes: list[str], n_rows: int, n_findings: int) -> Finding:
    found = visits.quarantine.take([i for i, other in enumerate(codes) if other == code])
    rule, remedy = (found[name][0].as_py() for name in ("rule", "remedy"))
    columns_of_files = set(zip(found["letter"].to_pylist(), found["column"].to_pylist(), strict=True))
    in_order = sorted(columns_of_files, key=lambda place: (len(place[0]), place))
    columns = list(dict.fromkeys(name for _, name in in_order if name))
    named = columns[:_MOST_COLUMNS] or list(dict.fromkeys(found["source_file"].to_pylist()))[:_MOST_COLUMNS]
    place = ", ".join(f"'{name}'" for name in named) if columns else ", ".join(named)
    place = f"{'column' if len(columns) == 1 else 'columns'} {place}" if columns else place
    if not n_rows:
        words = f"{counted(n_findings, 'finding')}, all in rows that count under another rule"
    else:
        words = counted(n_rows, "row") + ("" if n_rows == n_findings else f", {counted(n_findings, 'finding')}")
    return Finding(code, f"{rule}: {words}.", place, remedy)


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
