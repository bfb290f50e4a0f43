"""Single ids that are words or numbers of another kind, where nearly all others are codes.

Among ``K1234`` an id like "Brunhild Qvist" or "MRN 7711341" is a slip, and no pseudonym, though no list knows the name.
Where all ids are written so ("Patient 0012") it says nothing.
"""

from __future__ import annotations

import re

import numpy as np

from outcomes import arrow
from outcomes.records.identifier_kinds import NAME
from outcomes.records.identifier_names import fold, load_more_names
from outcomes.records.identifiers import PEOPLE, find_inside
from outcomes.records.model import TextColumn
from outcomes.records.person_shapes import read_as_person
from outcomes.records.privacy import ID_FIELDS

_SUSPECT = (
    r"\S[\s,./:]+\S|^\p{L}+_\p{L}+$|\p{Ll}{2}\p{Lu}\p{Ll}{2}|^\d{10,15}$"
    r"|^\d{8}[A-Z]$|^[A-Z]{6}\d\d[A-Z]\d\d[A-Z]\d{3}[A-Z]$|^[A-Z]{2}\d{2}[A-Z0-9]{11,30}$"
)
"""What may be more than a code: several words, blanks between them or none; marks; a number of a state, an account."""
_MOST = 0.05
_OF_CLINICS = ("A", "B")
_SPLIT = re.compile(r"[\s,]+")
_GLUED = re.compile(r"[._]+|(?<=[^\W\d_A-Z]{2})(?=[A-Z][^\W\d_A-Z]{2})")
"""Where "maria.kowalska" and "KowalskaMaria" are two words; letters drawn by chance seldom are."""


def find_odd_ids(key: str, column: TextColumn) -> dict[int, str]:
    """Return code of a different id -> kind of identifier of those in 5 % of the rows or fewer that are no codes.

    Parameters
    ----------
    key : str
        Field; only those of ids are looked at. A clinic may be called like a person, and by its street.
    column : TextColumn
    """
    import pyarrow.compute as pc

    if key not in ID_FIELDS:
        return {}
    places = arrow.to_numpy(pc.indices_nonzero(pc.match_substring_regex(column.values, _SUSPECT)), np.uint64)
    if not places.size or np.isin(column.codes, places).sum() > _MOST * len(column.codes):
        return {}
    ids = column.values.take(arrow.from_numpy(places)).to_pylist()
    return {code: kind for code, text in zip(places.tolist(), ids, strict=True) if (kind := _find_kind(key, text))}


def _find_kind(key: str, text: str) -> str:
    kind = find_inside(text)
    if kind and (key in PEOPLE or kind.paragraph not in _OF_CLINICS):
        return kind.name
    spread = text if re.search(r"[\s\d]", text) else _GLUED.sub(" ", text)
    is_glued = spread != text
    text = spread.title() if is_glued else text
    if key not in PEOPLE or not read_as_person(text):
        return ""
    # Two words in the column of clinicians may be "Front Desk"; no patient is that.
    listed = frozenset().union(*load_more_names())
    is_known = (key == "patient_id" and not is_glued) or any(fold(word) in listed for word in _SPLIT.split(text))
    return NAME if is_known else ""


__all__ = ["find_odd_ids"]
