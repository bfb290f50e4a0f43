"""What a user should be told about the rows that were set aside: the main rules first, then each row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np

from outcomes import arrow
from outcomes.errors import Finding
from outcomes.records.counted import counted
from outcomes.records.inspect_terms import is_showable

if TYPE_CHECKING:
    from outcomes.cases.visits import Visits

_MOST_COLUMNS = 3


def list_main_reasons(visits: Visits, most: int | None = None, but: Collection[str] = ()) -> list[Finding]:
    """Return the rules under which rows were set aside, the commonest first; those in `but` are left out.

    Rows are the ledger's, as on the page: one that breaks several rules counts under the first of them. A rule whose
    words name the column of the fault comes once for each column.
    """
    table = visits.quarantine
    groups: dict[tuple[str, str], list[int]] = {}
    for place, (code, remedy) in enumerate(zip(*(table[name].to_pylist() for name in ("code", "remedy")), strict=True)):
        if code not in but:
            groups.setdefault((code, _own_words(remedy)), []).append(place)
    of_code, rows = Counter(table["code"].to_pylist()), count_rows_aside(visits)
    n_groups = Counter(code for code, _ in groups)
    ordered = sorted(groups, key=lambda key: (-rows[key[0]], -of_code[key[0]], key[0], -len(groups[key]), key[1]))
    found = []
    for key in ordered[:most]:
        # What names its own column is of the reader, which tells one fault of a row.
        n_rows = rows[key[0]] if n_groups[key[0]] == 1 else len(groups[key])
        found.append(_describe(visits, key[0], groups[key], n_rows))
    return found


def _own_words(remedy: str) -> str:
    """Return the words of a fault that name a column, and so are of no other column; empty for those of a rule."""
    return remedy if remedy.startswith('column "') else ""


def count_rows_aside(visits: Visits) -> Counter[str]:
    """Rows set aside by code: the reason of a step begins with the code of its rule."""
    rows: Counter[str] = Counter()
    for step in visits.ledger.steps:
        if step.unit in ("rows", "records"):
            for reason, n in step.set_aside.items():
                rows[reason.split()[0]] += n
    return rows


def _describe(visits: Visits, code: str, places: list[int], n_rows: int) -> Finding:
    found, n_findings = visits.quarantine.take(arrow.from_numpy(np.array(places, np.int64))), len(places)
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


def list_examples(visits: Visits, reason: Finding, most: int) -> list[str]:
    """Return where the first rows of one of the main reasons stand: file, sheet, row, column, masked value."""
    quarantine = visits.quarantine
    wanted = (reason.code, _own_words(reason.remedy))
    found = zip(quarantine["code"].to_pylist(), quarantine["remedy"].to_pylist(), strict=True)
    places = [i for i, (code, remedy) in enumerate(found) if (code, _own_words(remedy)) == wanted][:most]
    names = ("source_file", "source_sheet", "source_row", "column", "letter", "value_masked")
    return [_say_place(*(quarantine[name][i].as_py() for name in names)) for i in places]


def _say_place(file: str, sheet: str, row: int, column: str, letter: str, masked: str) -> str:
    where = [file, *([f'sheet "{sheet}"'] if sheet else []), f"row {row}"]
    where += [f'column "{column}"' + (f" ({letter})" if letter else "")] if column else []
    return " › ".join(where) + (f": {masked}" if masked else "")


def list_unknown_terms(visits: Visits, most: int = 10, floor: int = 5) -> list[str]:
    """Return the commonest terms that are not in the codebook, with their records.

    A term written at fewer patients than `floor` may be about one of them, and what is long or like an identifier is
    no term: they are counted, not shown.
    """
    terms = sorted(visits.unknown_terms, key=lambda found: (-found[2], found[0], found[1]))
    shown = [
        f"{field}: {' '.join(term.split())} ({counted(n, 'record')})"
        for field, term, n, patients in terms
        if patients >= floor and is_showable(term)
    ]
    rest = len(terms) - len(shown[:most])
    if not shown:
        none = f"none that may be shown, at {floor} patients or more; unknown_terms of outcomes clean has every one"
        return [none] if terms else []
    return shown[:most] + ([f"and {rest:,} more, in unknown_terms of outcomes clean"] if rest else [])
