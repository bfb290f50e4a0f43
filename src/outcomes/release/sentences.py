"""Sentences whose numbers are looked up, never typed.

`bind` takes a format string and cells; a cell that is hidden, missing or not a number makes the whole sentence fall
back to another one, so that no sentence ever reads "nan % of episodes".
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from outcomes.release.model import Cell, Scalar, Sentence, Tag
from outcomes.release.unstable import COLUMN

if TYPE_CHECKING:
    import pandas as pd

Tables = Mapping[str, "pd.DataFrame"]

NBSP = "\u00a0"
MINUS = "\u2212"
LEAST_P = 0.001
LEAST_SHARE = 1e-9
"""What is smaller is the dust of a sum that is 0."""
INTERVAL = f"{{level}}{NBSP}% interval {{low}} to {{high}}{NBSP}%"
"""Goes into a template as ``({INTERVAL})``; left out by `bind` where an estimate has no limits."""
_SHARE, _RANGE = re.compile(r"(?<=\d) (?=%)"), re.compile(r"(?<=\d) to (?=[+\u2212<]?\d)")
_QUARTER = re.compile(r"(?<![\w.\"'/=-])(?<!--quarter )(\d{4})Q([1-4])(?![\w\"'/-]|\.\w|:)")
UNSTABLE = " Unstable: from too few, or with too wide an interval, to rely on."
"""Ends a sentence with such an estimate in it (`release.unstable`)."""
LEVEL = Cell("run", (("fact", "interval_percent"),), "value", "plain")
"""The confidence level in percent; `bind` fills ``{level}`` from it."""


class NotShowable(LookupError):
    """The cell exists but holds no number that may be shown."""


def format_count(value: float) -> str:
    """Whole number with a comma at the thousands: ``25,013``."""
    return f"{round(value):,}"


def format_percent(value: float) -> str:
    """Share 0..1 as whole percents: ``61 %``. Half rounds up, as a reader with a calculator would (`format_points`)."""
    return f"{format_points(value)}{NBSP}%"


def format_number(value: float) -> str:
    """One decimal: ``5.3``."""
    return f"{value:.1f}"


def format_points(value: float) -> str:
    """Share as whole percents without the sign, for "54 to 61 %": only none is 0, and only all are 100 (``>99``)."""
    points = math.floor(100 * value + 0.5)
    if points == 0 and value > LEAST_SHARE:
        return "<1"
    return ">99" if points == 100 and value < 1 - LEAST_SHARE else f"{points}"


def format_mean(value: float) -> str:
    """Two decimals, for means and rates below one: ``0.42``."""
    return f"{value:.2f}"


def format_signed_points(value: float) -> str:
    """A difference of shares as whole points with its sign: ``\u22125`` or ``+3``."""
    points = math.floor(abs(100 * value) + 0.5)
    return "0" if points == 0 else f"{'+' if value > 0 else MINUS}{points}"


def format_p(value: float) -> str:
    """A p-value: ``= 0.034``, ``< 0.001``."""
    return f"< {LEAST_P:g}" if value < LEAST_P else f"= {value:.3f}"


def format_plain(value: float) -> str:
    """A number as short as it is exact: ``95``, ``99.5``."""
    return f"{value:g}"


def format_text(value: object) -> str:
    """A word or date as it stands; a quarter in it as everywhere in prose."""
    return spell_quarters(str(value))


def spell_quarters(text: str) -> str:
    """Write the quarters of a sentence as people do, "Q3 2025"; names of files and what is to be typed stay."""
    return _QUARTER.sub(lambda found: f"Q{found[2]}{NBSP}{found[1]}", text)


def keep_together(text: str) -> str:
    """Keep a number with its percent sign, and the two ends of an interval, on one line."""
    return _RANGE.sub(f"{NBSP}to{NBSP}", _SHARE.sub(NBSP, text))


FORMATS: dict[str, Callable[[Any], str]] = {
    "count": format_count,
    "percent": format_percent,
    "points": format_points,
    "number": format_number,
    "mean": format_mean,
    "signed": format_signed_points,
    "p": format_p,
    "plain": format_plain,
    "text": format_text,
}


def look_up(tables: Tables, cell: Cell) -> Any:
    """Return the value of a cell.

    Raises
    ------
    NotShowable
        If the table or the row is absent, not unique, or the value is hidden or missing.
    """
    table = tables.get(cell.table)
    if table is None or cell.column not in table.columns:
        raise NotShowable(f"{cell.table}.{cell.column}")
    # A page looks up thousands of cells in tables of a hundred rows: lists take a tenth of the time of pandas' filters.
    rows = list(range(len(table)))
    for column, value in cell.where:
        own, wanted = table[column].tolist(), str(value)
        rows = [row for row in rows if str(own[row]) == wanted]
    if len(rows) != 1:
        raise NotShowable(f"{cell.table}: {len(rows)} rows for {dict(cell.where)}")
    value = table[cell.column].iloc[rows[0]]
    if cell.show != "text" and not _is_number(value):
        raise NotShowable(f"{cell.table}.{cell.column} is not shown")
    return value


def show(tables: Tables, cell: Cell) -> str:
    """Return a cell's value as it is written in the text."""
    return FORMATS[cell.show](look_up(tables, cell))


def bind(
    tables: Tables, template: str, cells: Mapping[str, Cell], otherwise: str = "", tag: Tag = "descriptive"
) -> Sentence | None:
    """Fill a format string from cells.

    Parameters
    ----------
    tables : Mapping[str, DataFrame]
        The published tables.
    template : str
        ``str.format`` string naming the cells.
    cells : Mapping[str, Cell]
        Where each named number stands.
    otherwise : str
        Said instead when one of the numbers cannot be shown; with the empty string nothing is said. Where only the
        limits ``low`` and ``high`` are missing (nothing has happened yet), the sentence is said without them. Where an
        estimate is unstable, `UNSTABLE` follows.

    Returns
    -------
    Sentence or None
    """
    if "{level}" in template:
        cells = {"level": LEVEL, **cells}
    try:
        values = {name: show(tables, cell) for name, cell in cells.items()}
    except NotShowable:
        bare = template.replace(f" ({INTERVAL})", "")
        if bare != template:
            rest = {name: cell for name, cell in cells.items() if name not in ("low", "high", "level")}
            return bind(tables, bare, rest, otherwise, tag)
        return Sentence(literal(otherwise), {}, otherwise, "not estimable") if otherwise else None
    if any(is_unstable(tables, cell) for cell in cells.values()):
        template += UNSTABLE
    return Sentence(template, dict(cells), template.format(**values), tag)


def is_unstable(tables: Tables, cell: Cell) -> bool:
    """Whether a cell is an estimate of which the published table says that it is unstable."""
    if cell.column != "estimate" or COLUMN not in tables[cell.table].columns:
        return False
    return bool(look_up(tables, replace(cell, column=COLUMN, show="text")))


def agree(tables: Tables, where: Cell, one: str, many: str) -> str:
    """Return the word that agrees with a number: `one` where it is shown as 1."""
    try:
        return one if show(tables, where) == "1" else many
    except NotShowable:
        return many


def interval_words(tables: Tables) -> str:
    """Return "95 % interval", with the level of the run."""
    return f"{show(tables, LEVEL)}{NBSP}% interval"


def say(text: str, tag: Tag = "descriptive") -> Sentence:
    """A sentence without a number from the results; "10%" and "2025Q3" of others are spelt as on all of the page."""
    text = spell_quarters(re.sub(r"(?<=\d)%", f"{NBSP}%", text))
    return Sentence(literal(text), {}, text, tag)


def marked(sentence: Sentence | None, mark: str) -> Sentence | None:
    """The sentence with what stands on the page in place of its tag; a refusal keeps its own."""
    if sentence is None or sentence.tag == "not estimable":
        return sentence
    return replace(sentence, mark=mark)


def literal(text: object) -> str:
    """A text to stand in a template as it is, whatever it holds."""
    return str(text).replace("{", "{{").replace("}", "}}")


def cell(table: str, column: str, show: str, **where: Scalar) -> Cell:
    """Shorthand for `Cell` with the row given by keywords."""
    return Cell(table, tuple(where.items()), column, show)


def run_cell(fact: str, what: str = "count") -> Cell:
    """Return the cell of a number of the run, such as its patients; `what` as of `cell`."""
    return cell("run", "value", what, fact=fact)


def _is_number(value: Any) -> bool:
    """Whether a cell (a text, a number or nothing) holds a number."""
    return not (isinstance(value, str) or value is None) and math.isfinite(float(value))
