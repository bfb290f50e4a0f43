"""The estimates two releases published, row by row, and what their difference is made of.

Numbers are taken as they were published, as decimals: differences of decimals are exact, so that the parts of a
movement add up to it to the last digit. Curves are left out, for their days stand in the tables by fixed days.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, InvalidOperation, localcontext

ESTIMATE = "estimate"
PARTS = ("data_added", "as_of_date", "rows_corrected", "mapping", "protocol", "codebook", "code", "packages")
"""What a movement is split into, in the order in which one release is turned into the other."""
UNATTRIBUTED = "unattributed"
MOVED, SAME, APPEARED, GONE = "moved", "the same", "appeared", "gone"
UNSEEN, NEITHER = "no number in one of the two", "no number in either"
_EXACT = Context(prec=1200)  # a float's repr has 17 digits within 1e-324..1e308
_CURVE_COLUMN = "day"
_VALUES = frozenset(
    {"n", "events", "patients", "unadjusted", "share", "before", "after", "recorded", "is_reported", "years", "unit"}
)
_WORDS = ("label", "definition")
_NOT_APART = "no number in between tells them apart"
_NOT_PUT = "its question was not put again in between (--all puts it)"

Key = tuple[str, str]
Values = Mapping[Key, "Published"]


@dataclass(frozen=True, slots=True)
class Published:
    """One estimate as it was published: its text, its value (None for a mark or a gap), half its interval."""

    text: str
    value: Decimal | None
    half_width: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Movement:
    """One estimate in two releases.

    Attributes
    ----------
    table, row : str
        Name of the table; what tells the row from the others, ``column=value`` with blanks between.
    status : str
        Whether it moved, is the same, appeared, is gone, or has no number in one of the two or in either.
    old, new : str
        As published; empty where it is not.
    difference : Decimal or None
    parts : mapping of str to Decimal or None
        `PARTS` and ``unattributed``; None where the movement could not be split so far. Those that are numbers add up
        to the difference exactly.
    reason : str
        Why a part is not attributed; empty when all is.
    in_half_widths : float
        The difference over half the width of the old interval; 0 where there is none. Only to put the list in order.
    """

    table: str
    row: str
    status: str
    old: str
    new: str
    difference: Decimal | None
    parts: Mapping[str, Decimal | None]
    reason: str
    in_half_widths: float


@dataclass(frozen=True, slots=True)
class Step:
    """One change on the way from the first release to the second, and the estimates after it.

    `names` are the parts it stands for; more than one cannot be told apart. `values` are those after the step.
    """

    names: tuple[str, ...]
    values: Values


def read_tables(texts: Mapping[str, str], words: Mapping[str, bool] | None = None) -> dict[Key, Published]:
    """Return every estimate of some tables.

    Parameters
    ----------
    texts : Mapping[str, str]
        Name of the table -> its CSV text.
    words : Mapping[str, bool], optional
        Name of the table -> whether its rows are told apart by their words too (`needs_words`).
    """
    found: dict[Key, Published] = {}
    for name, text in texts.items():
        rows, columns = _read(text)
        if not columns:
            continue
        keys = _key_columns(columns, (words or {}).get(name, False))
        seen: Counter[str] = Counter()
        for row in rows:
            key = " ".join(f"{column}={row[column]}" for column in keys if row[column])
            seen[key] += 1
            found[name, key if seen[key] == 1 else f"{key} no={seen[key]}"] = _publish(row)
    return found


def needs_words(*releases: Mapping[str, str]) -> dict[str, bool]:
    """Return, table by table, whether ids alone do not tell its rows apart in one of the releases."""
    found: dict[str, bool] = {}
    for texts in releases:
        for name, text in texts.items():
            rows, columns = _read(text)
            keys = [tuple(row[column] for column in _key_columns(columns, False)) for row in rows]
            found[name] = found.get(name, False) or len(set(keys)) < len(keys)
    return found


def _read(text: str) -> tuple[list[dict[str, str]], list[str]]:
    """Rows and columns of a table with estimates; nothing of another, or of a curve."""
    reader = csv.DictReader(io.StringIO(text))
    columns = list(reader.fieldnames or ())
    if ESTIMATE not in columns or _CURVE_COLUMN in columns:
        return [], []
    return list(reader), columns


def _key_columns(columns: Sequence[str], with_words: bool) -> list[str]:
    """Columns that say what a row is about: those before the estimate, without counts and, where ids do, words."""
    ids = []
    for name in columns[: columns.index(ESTIMATE)] if ESTIMATE in columns else ():
        is_words = name in _WORDS or name.endswith("_label")
        if name in _VALUES or name.startswith("n_") or (is_words and not with_words):
            continue
        ids.append(name)
    return ids


def _publish(row: Mapping[str, str]) -> Published:
    low, high = (_number(row.get(name, "")) for name in ("conf_low", "conf_high"))
    half = (high - low) / 2 if low is not None and high is not None else None
    return Published(row[ESTIMATE], _number(row[ESTIMATE]), half)


def _number(text: str) -> Decimal | None:
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def split_movements(
    old: Values, new: Values, steps: Iterable[Step], refused: str = "", not_put: Sequence[str] = ()
) -> list[Movement]:
    """Return every estimate of both releases with the parts its movement is made of.

    Parameters
    ----------
    old, new : mapping of (table, row) to Published
        As published.
    steps : iterable of Step
        From `old` on; the last is taken to end at `new`. Empty when nothing could be made again.
    refused : str
        Why nothing, or not all, could be attributed.
    not_put : sequence of str
        Questions that were not put between the two; their tables bear their names.
    """
    way = list(steps)
    with localcontext(_EXACT):
        return [
            _move(key, old.get(key), new.get(key), way, refused, _NOT_PUT if _is_of(key[0], not_put) else _NOT_APART)
            for key in dict.fromkeys([*old, *new])
        ]


def _is_of(table: str, questions: Sequence[str]) -> bool:
    return any(table == name or table.startswith(f"{name}_") for name in questions)


def _move(
    key: Key, old: Published | None, new: Published | None, way: list[Step], refused: str, why_together: str
) -> Movement:
    texts = "" if old is None else old.text, "" if new is None else new.text
    first, last = (None if found is None else found.value for found in (old, new))
    if first is None or last is None:
        both = first is None and last is None
        status = APPEARED if old is None else GONE if new is None else NEITHER if both else UNSEEN
        return Movement(*key, status, *texts, None, {}, "", 0.0)
    difference = last - first
    status = MOVED if difference else SAME
    parts: dict[str, Decimal | None] = {UNATTRIBUTED: difference}
    reason = refused
    if way or not difference:
        parts, reason = _split(key, first, last, way, why_together)
    half = old.half_width if old is not None else None
    size = float(abs(difference) / half) if half else 0.0
    return Movement(*key, status, *texts, difference, parts, reason if difference else "", size)


def _split(
    key: Key, first: Decimal, last: Decimal, way: list[Step], why_together: str
) -> tuple[dict[str, Decimal | None], str]:
    """Parts in steps; steps that cannot be told apart, or have no number between them, go together."""
    parts: dict[str, Decimal | None] = {name: Decimal(0) for name in (*PARTS, UNATTRIBUTED)}
    reasons, waiting, before = [], list[str](), first
    for i, step in enumerate(way):
        waiting += step.names
        found = step.values.get(key)
        after = last if i == len(way) - 1 else found.value if found is not None else None
        if after is None:
            continue
        if len(waiting) == 1:
            parts[waiting[0]] = after - before
        else:
            for name in waiting:
                parts[name] = None
            parts[UNATTRIBUTED] = (parts[UNATTRIBUTED] or Decimal(0)) + after - before
            reasons.append(f"{' and '.join(say_part(name) for name in waiting)}: {why_together}")
        waiting, before = [], after
    return parts, "; ".join(reasons)


def say_part(name: str) -> str:
    """Return a part in words."""
    return name.replace("_", " ")
