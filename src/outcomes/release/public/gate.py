"""The gate report of a public release: what each table counts, by which rule, how much is hidden, what was proved.

It is made of the published tables and the manifest alone, as anybody could make it: it tells nothing they do not tell.
So it is no further way to a hidden number, and `outcomes sign` makes it again and holds it against what is there. How
many numbers rounding changed is not in it, for that would tell of the true ones.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any

from outcomes.release.marks import small_mark
from outcomes.release.public.counts import GRID_DAYS
from outcomes.release.public.frames import CELL_COLUMNS, CURVE_COLUMNS, PREFIX, TOTAL
from outcomes.release.public.manifest import UNIT
from outcomes.release.public.model import PublicRules

if TYPE_CHECKING:
    import pandas as pd

GATE = f"{PREFIX}gate"
COLUMNS = (
    *("table", "unit", "patients", "least_patients", "least_shown", "rounded_to", "grid_days"),
    *("numbers", "published", "hidden", "rounded", "values_left", "audit"),
)
PASSED = "passed"
"""Of a table that is there: where proof or attack find something nothing is written (`publish.protect`)."""

Made = Mapping[str, Mapping[str, Any]]
"""What the manifest says of each table (its key ``tables``)."""
_Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class GateRow:
    """What the gate report says of one table; the fields are its columns.

    Attributes
    ----------
    table, unit : str
        Name of the file without ``public_``; what one count is.
    patients : str
        All the table is about, as it prints them.
    least_patients : int
        Fewest a number of it stands for, as printed; `least_shown` where that is more, or no number is printed.
    least_shown : int
        The rule: 0, or so many and more, are shown.
    rounded_to, grid_days : int or None
        5 or 10; days between the days that may be published. None where there is no such thing.
    numbers, published, hidden, rounded : int
        Numbers of patients in the file, totals too; those printed; those under the mark; those printed of somebody, all
        of which are rounded.
    values_left : int or None
        How many each hidden number was proved to keep; None where none is hidden.
    audit : str
    """

    table: str
    unit: str
    patients: str
    least_patients: int
    least_shown: int
    rounded_to: int | None
    grid_days: int | None
    numbers: int
    published: int
    hidden: int
    rounded: int
    values_left: int | None
    audit: str = PASSED


def build_gate(texts: Mapping[str, str], made: Made, rules: PublicRules) -> pd.DataFrame:
    """Return the gate report of a public release.

    Parameters
    ----------
    texts : mapping of str to str
        The published tables as CSV, by the names of their files; a gate report among them is passed over.
    made : mapping
        What the manifest says of them.
    rules : PublicRules

    Returns
    -------
    DataFrame
        One row a table (`GateRow`), by name, and one called ``total``.

    Raises
    ------
    KeyError, ValueError
        A text is no table of a public release, or the manifest does not know it.
    """
    import pandas as pd

    files = {
        name.removeprefix(PREFIX): list(csv.DictReader(io.StringIO(texts[name])))
        for name in sorted(texts)
        if name != GATE
    }
    totals = {str(made[name]["cohort"]): _last(rows) for name, rows in files.items() if _is_of(rows, CELL_COLUMNS)}
    rows = [_describe(name, lines, made, totals, rules) for name, lines in files.items()]
    everybody = [totals[str(how["cohort"])] for how in made.values() if how.get("parent") == ""]
    rows.append(_add_up(rows, everybody[0], rules))
    return pd.DataFrame([astuple(row) for row in rows], columns=list(COLUMNS), dtype=object)


def _is_of(rows: Sequence[_Row], columns: Sequence[str]) -> bool:
    return bool(rows) and tuple(rows[0]) == tuple(columns)


def _last(rows: Sequence[_Row]) -> str:
    """The number of all patients of a table, which stands last in its file."""
    if rows[-1]["column"] != TOTAL:
        raise ValueError("a table without its total")
    return rows[-1]["patients"]


def _describe(name: str, rows: Sequence[_Row], made: Made, totals: Mapping[str, str], rules: PublicRules) -> GateRow:
    base: int | None = None
    grid: int | None = None
    cells: list[str] = []
    if _is_of(rows, CELL_COLUMNS):
        base, cells = int(made[name]["base"]), [row["patients"] for row in rows]
    else:  # of a curve, or days read from it: then nothing is counted here
        grid = GRID_DAYS
        if _is_of(rows, CURVE_COLUMNS):
            base, cells = int(made[name]["base"]), [row[of] for row in rows for of in ("new_events", "at_risk")]
    printed = [int(cell) for cell in cells if cell != small_mark(rules.k)]
    somebody = [n for n in printed if n]
    hidden = len(cells) - len(printed)
    return GateRow(
        table=name,
        unit=UNIT,
        patients=totals[rows[0]["cohort"]],
        least_patients=max(rules.k, min(somebody, default=rules.k)),
        least_shown=rules.k,
        rounded_to=base,
        grid_days=grid,
        numbers=len(cells),
        published=len(printed),
        hidden=hidden,
        rounded=len(somebody),
        values_left=rules.least_values if hidden else None,
    )


def _add_up(rows: Sequence[GateRow], patients: str, rules: PublicRules) -> GateRow:
    """The row of all tables: sums, the fewest patients, the coarsest rounding."""
    hidden = sum(row.hidden for row in rows)
    return GateRow(
        table=TOTAL,
        unit=UNIT,
        patients=patients,
        least_patients=min(row.least_patients for row in rows),
        least_shown=rules.k,
        rounded_to=max(row.rounded_to or 0 for row in rows),
        grid_days=None,
        numbers=sum(row.numbers for row in rows),
        published=sum(row.published for row in rows),
        hidden=hidden,
        rounded=sum(row.rounded for row in rows),
        values_left=rules.least_values if hidden else None,
    )


@dataclass(frozen=True, slots=True)
class GateReport:
    """A gate report as it stands in its file: one row a table, the row of all tables last."""

    rows: tuple[Mapping[str, str], ...]

    def lines(self) -> list[str]:
        """Return it as lines for a terminal."""
        width = max(len(row["table"]) for row in self.rows)
        heads = ("patients", "numbers", "hidden", "rounded to")
        lines = [f"  {'':{width}}  {'  '.join(heads)}"]
        for row in self.rows:
            cells = map(_say, (row["patients"], row["numbers"], row["hidden"], row["rounded_to"] or "-"))
            shown = "  ".join(f"{cell:>{len(head)}}" for cell, head in zip(cells, heads, strict=True))
            lines.append(f"  {row['table']:{width}}  {shown}")
        left = self.rows[-1]["values_left"]
        proof = f"each hidden number keeps {left} possible values or more" if left else "nothing is hidden"
        return [*lines, f"  proof  {proof}; nothing on 1 to {int(self.rows[-1]['least_shown']) - 1} patients"]


def _say(cell: str) -> str:
    return f"{int(cell):,}" if cell.isdigit() else cell


def read_gate(text: str) -> GateReport:
    """Return the gate report of a CSV text."""
    return GateReport(tuple(csv.DictReader(io.StringIO(text))))
