"""The reporting checklist of a release, filled: each item of TARGET, STROBE and RECORD with the place that answers it.

`questions.reporting_items` says in words where an item is found. Here the words become pointers into this very release,
and only what is there is pointed at: a question that was refused answers no item, and its reason is given instead.

A pointer is a path of the release, or a path and what to look at in it::

    tables/ledger.csv                            a table
    figures/relief.svg                           a figure
    index.html#relief                            a section of the page
    tables/relief.csv#horizon_days=28/estimate   a cell: the row, and its column

Status is ``answered``, ``in part`` (something is named in ``lacking``) or ``not answered``. An item is not ticked off
because a table exists: what only the people who keep the records can say stays open.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from outcomes.questions.modality_protocol import list_reporting_items
from outcomes.questions.reporting_items import ABSENT
from outcomes.release.marks import HIDDEN, read_numbers

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.cases import Episodes

NAME = "checklist"
CHECKLIST_COLUMNS = ("list", "item", "what", "status", "where", "lacking")
ANSWERED, IN_PART, OPEN = "answered", "in part", "not answered"
COMPARISONS = ("one_family", "all_families", "identified_muscle", "rehabilitation")
"""Questions that may stand for "the comparison", in this order."""

_PLACES: dict[str, tuple[str, ...]] = {
    "protocol table": tuple(f"tables/{name}_protocol.csv" for name in COMPARISONS),
    "main table": tuple(f"tables/{name}.csv" for name in COMPARISONS),
    "balance": tuple(f"tables/{name}_balance.csv" for name in COMPARISONS),
    "gate": tuple(f"tables/{name}_gate.csv" for name in COMPARISONS),
    "diagnostics": tuple(f"tables/{name}_diagnostics.csv" for name in COMPARISONS),
    "smallest difference": tuple(f"tables/{name}_diagnostics.csv#/detectable_high" for name in COMPARISONS),
    "ledger": ("tables/ledger.csv",),
    "settings": ("config/protocol.toml", "manifest.json"),
    "codebook": ("manifest.json",),
    "notes": ("index.html#relief-by-treatment", "index.html#relief"),
}
"""Words of `reporting_items` -> pointers, the first that exists being taken."""
_NO_ESTIMATE = "no comparison could be estimated: its table says why"
_WHOLE = ("settings",)
"""Places whose remark says what is there; with the others a remark says how far it goes."""
_BESIDE: dict[tuple[str, str], tuple[str, ...]] = {
    ("TARGET", "5"): ("index.html#quality",),
    ("TARGET", "13"): ("figures/one-family.svg", "index.html#relief-by-treatment"),
    ("TARGET", "14"): ("tables/relief_grid.csv",),
    ("TARGET", "16"): ("index.html#cannot",),
    ("TARGET", "19"): ("manifest.json",),
    ("STROBE", "1"): ("index.html#main",),
    ("STROBE", "6"): ("index.html#definitions",),
    ("STROBE", "7"): ("index.html#definitions",),
    ("STROBE", "12"): ("index.html#definitions",),
    ("STROBE", "13"): ("tables/set_aside.csv", "index.html#quality"),
    ("STROBE", "14"): ("tables/completeness.csv", "tables/episode_ends.csv"),
    ("STROBE", "15"): ("tables/relief.csv#horizon_days={day}/events", "tables/recurrence.csv"),
    ("STROBE", "16"): (
        "tables/relief.csv#horizon_days={day}/estimate",
        "figures/relief.svg",
        "tables/return_factors.csv",
    ),
    ("STROBE", "17"): ("tables/relief_grid.csv", "tables/recurrence_definitions.csv", "tables/subgroups.csv"),
    ("STROBE", "19"): ("index.html#cannot",),
    ("RECORD", "1.2"): ("tables/run.csv",),
    ("RECORD", "6.1"): ("config/mapping.toml",),
    ("RECORD", "7.1"): ("tables/unknown_terms.csv",),
    ("RECORD", "12.2"): ("tables/set_aside.csv",),
    ("RECORD", "13.1"): ("tables/set_aside.csv",),
    ("RECORD", "19.1"): ("index.html#cannot",),
    ("RECORD", "22.1"): ("manifest.json",),
}
"""What else in a release answers an item: the descriptive half, which a comparison does not hold."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a release holds: files by path, anchors of the page, and tables by name, for the cells."""

    files: Collection[str]
    anchors: Collection[str]
    tables: Mapping[str, pd.DataFrame]

    def has(self, pointer: str) -> bool:
        """Whether a pointer leads somewhere."""
        path, _, inside = pointer.partition("#")
        table = self.tables.get(path.removeprefix("tables/").removesuffix(".csv"))
        if path not in self.files or (table is not None and not _says_something(table)):
            return False
        if not inside:
            return True
        return inside in self.anchors if path.endswith(".html") else self._has_cell(path, inside)

    def _has_cell(self, path: str, inside: str) -> bool:
        row, _, column = inside.rpartition("/")
        table = self.tables.get(path.removeprefix("tables/").removesuffix(".csv"))
        if table is None or column not in table.columns:
            return False
        wanted = dict(part.split("=", 1) for part in row.split("&")) if row else {}  # any row will do
        return all(key in table.columns for key in wanted) and any(
            all(str(found[key]) == value for key, value in wanted.items()) and _is_told(found[column])
            for found in table.to_dict("records")
        )


def _says_something(table: pd.DataFrame) -> bool:
    """Whether a table has a row and, if it is one of estimates, a single one: all refused, it answers no item."""
    return bool(len(table)) and ("estimate" not in table or not np.isnan(read_numbers(table["estimate"])).all())


def _is_told(value: Any) -> bool:
    """Whether a cell says anything: it is neither empty nor hidden."""
    return value is not None and value == value and value not in ("", HIDDEN)


def fill_checklist(episodes: Episodes, contents: Contents, refusals: Iterable[str] = ()) -> pd.DataFrame:
    """Fill the checklist of one release.

    Parameters
    ----------
    episodes : Episodes
    contents : Contents
        What the release holds, the checklist itself left out.
    refusals : iterable of str
        Why comparisons were refused; the first is the reason of items that only they would answer.

    Returns
    -------
    DataFrame
        `CHECKLIST_COLUMNS`, one row an item; ``where`` holds pointers, `` ; `` between them.
    """
    import pandas as pd

    day = str(episodes.protocol.horizons_days.primary)
    refused = next(iter(refusals), "")
    rows = []
    for item in list_reporting_items(episodes).to_dict("records"):
        beside = _BESIDE.get((item["list"], item["item"]), ())
        pointers, lacking = _read(item["where"], contents, refused)
        pointers += [found for found in (pointer.format(day=day) for pointer in beside) if contents.has(found)]
        status = OPEN if not pointers else IN_PART if lacking else ANSWERED
        where = " ; ".join(dict.fromkeys(pointers))
        rows.append((item["list"], item["item"], item["what"], status, where, "; ".join(dict.fromkeys(lacking))))
    return pd.DataFrame(rows, columns=list(CHECKLIST_COLUMNS))


def _read(where: str, contents: Contents, refused: str) -> tuple[list[str], list[str]]:
    """Pointers for the words of an item, and what they do not cover."""
    pointers: list[str] = []
    lacking: list[str] = []
    for part in (piece.strip() for piece in where.split(";")):
        if part.startswith(ABSENT):
            lacking.append(part.removeprefix(ABSENT))
            continue
        head, _, remark = part.partition(":")
        named = [name for name in _PLACES if re.search(rf"\b{name}\b", head)]
        found = [next((p for p in _PLACES[name] if contents.has(p)), "") for name in named]
        # Of a column of any row the table alone is named.
        pointers += [pointer.partition("#/")[0] for pointer in found if pointer]
        if not named:
            lacking.append(part)
        elif not all(found):
            of_estimates = {"main table", "smallest difference"} & set(named)
            is_there = of_estimates and any(place in contents.files for place in _PLACES["main table"])
            lacking.append(_NO_ESTIMATE if is_there else refused or "this release has no such table")
        elif remark and not set(named) & set(_WHOLE):
            lacking.append(remark.strip())
    return pointers, lacking


def count_items(table: pd.DataFrame) -> dict[str, Any]:
    """Return, for the manifest, the file and how many items have which status."""
    counts = {status.replace(" ", "_"): int((table["status"] == status).sum()) for status in (ANSWERED, IN_PART, OPEN)}
    return {"file": f"tables/{NAME}.csv", **counts}
