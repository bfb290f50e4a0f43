"""Characters nobody sees, digits of other scripts, guards around a text: written plainly and counted.

No two ids become one unasked.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from functools import lru_cache

import numpy as np

from outcomes.records.counted import counted
from outcomes.records.mapping import Mapping
from outcomes.records.model import TextColumn
from outcomes.records.privacy import ID_FIELDS
from outcomes.records.rules import refuse
from outcomes.records.text_columns import renumber_values

Locate = Callable[[str, int], tuple[str, str]]
"""Field and number of a record -> its row, and its column, in words."""
INVISIBLE = frozenset(
    "\u00ad\u034f\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2061\u2062\u2063\u2064"
    "\u2066\u2067\u2068\u2069\ufe00\ufe01\ufe0e\ufe0f\ufeff"
)
_GUARD = '="'
_QUOTES = {"‘": "'", "’": "'", "‚": "'", "‛": "'", "“": '"', "”": '"', "„": '"', "‟": '"'}
# A small 2 behind a 7 is a footnote, not 72: these keep their form, and the rules for values decide.
_KEPT = ("<super>", "<sub>", "<fraction>", "<circle>", "<square>")


@lru_cache(maxsize=4096)
def _fold_character(character: str) -> str:
    if character in INVISIBLE:
        return ""
    if (digit := unicodedata.decimal(character, None)) is not None:
        return str(digit)
    if character in _QUOTES:
        return _QUOTES[character]
    if unicodedata.decomposition(character).startswith(_KEPT):
        return character
    return unicodedata.normalize("NFKC", character)


def fold_text(text: str) -> str:
    """Return a text without invisible characters, with plain digits, blanks, quotes and composed letters."""
    if text.isascii():
        return text
    return unicodedata.normalize("NFC", "".join(map(_fold_character, text)))


def fold_columns(
    columns: dict[str, TextColumn], mapping: Mapping, locate: Locate
) -> tuple[dict[str, TextColumn], list[str]]:
    """Fold the distinct cells of every column.

    Parameters
    ----------
    columns : dict of str to TextColumn
        Field or flag -> column of all files together.
    mapping : Mapping
        `values.similar_ids` decides what becomes of ids that only then are equal.
    locate : callable
        Field and number of a record -> where its cell stands: file and row, and the column.

    Returns
    -------
    columns : dict of str to TextColumn
    notes : list of str
        What was changed, and in how many cells.

    Raises
    ------
    InputRefused
        Two ids become one (E118) and the mapping does not say whether they are.
    """
    folded, counts = dict(columns), {}
    for key, column in columns.items():
        changed = _changed_values(column)
        if not changed:
            continue
        texts = column.values.to_pylist()
        if key in ID_FIELDS and _two_become_one(key, column, changed, mapping, locate):
            continue
        n_cells = np.bincount(column.codes, minlength=len(texts))
        counts[key] = int(n_cells[list(changed)].sum())
        folded[key] = renumber_values(column, [changed.get(i, text) for i, text in enumerate(texts)])
    if not counts:
        return columns, []
    listed = ", ".join(f"{key} ({counted(n, 'cell')})" for key, n in counts.items())
    what = 'invisible characters, special blanks, curved quotes, digits of another script or guards of text (="...")'
    return folded, [f"{what} were written plainly in {listed}."]


def _changed_values(column: TextColumn) -> dict[int, str]:
    """Return code -> folded text of the distinct cells that folding changes."""
    import pyarrow.compute as pc

    odd = pc.invert(pc.string_is_ascii(column.values))
    guarded = pc.starts_with(column.values, _GUARD)
    if pc.any(pc.or_(odd, guarded)).as_py() is not True:
        return {}
    places = pc.indices_nonzero(pc.or_(odd, guarded))
    codes, texts = places.to_pylist(), column.values.take(places).to_pylist()
    return {
        code: folded for code, text in zip(codes, texts, strict=True) if (folded := fold_text(_unguard(text))) != text
    }


def _unguard(text: str) -> str:
    """Return what ``="00123"`` guards: so exports keep a spreadsheet from making a number of a text."""
    inner = text[len(_GUARD) : -1]
    return inner if text.startswith(_GUARD) and text.endswith('"') and '"' not in inner and len(text) > 2 else text


def _two_become_one(key: str, column: TextColumn, changed: dict[int, str], mapping: Mapping, locate: Locate) -> bool:
    """Whether ids are to stay as they stand because folding would make two of them one; asked for when undecided."""
    from outcomes.records.columns import mask

    texts = column.values.to_pylist()
    after: dict[str, int] = {}
    for i, text in enumerate(texts):
        if not (plain := changed.get(i, text).strip()):
            continue  # nothing is left: it is no id, as a blank cell is none
        other = after.setdefault(plain, i)
        if other != i and texts[other].strip() != text.strip():
            if mapping.values.similar_ids is None:
                first, second = sorted(int(np.argmax(column.codes == code)) for code in (other, i))
                (row, place), (other_row, _) = locate(key, first), locate(key, second)
                raise refuse(
                    "E118",
                    f'two different ids, shaped "{mask(texts[other])}" and "{mask(text)}", differ only in invisible or '
                    f"special characters ({row} and {other_row}): they are one person's or two persons'.",
                    place,
                    'Write [values] similar_ids = "same" (or "apart") in the mapping, or mend them in the system.',
                )
            return mapping.values.similar_ids == "apart"
    return False
