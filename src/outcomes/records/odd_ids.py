"""Single ids of patients and clinicians that hold words, where nearly all others are codes.

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

_TWO_WORDS = r"\S[\s,]+\S"
_MOST = 0.05
_SPLIT = re.compile(r"[\s,]+")


def find_odd_ids(key: str, column: TextColumn) -> dict[str, str]:
    """Return id -> kind of identifier of those in 5 % of the rows or fewer that are of several words.

    Parameters
    ----------
    key : str
        Field; only those of `PEOPLE` are looked at.
    column : TextColumn
    """
    import pyarrow.compute as pc

    if key not in PEOPLE:
        return {}
    places = arrow.to_numpy(pc.indices_nonzero(pc.match_substring_regex(column.values, _TWO_WORDS)), np.uint64)
    if not places.size or np.isin(column.codes, places).sum() > _MOST * len(column.codes):
        return {}
    ids = column.values.take(arrow.from_numpy(places)).to_pylist()
    return {text: kind for text in ids if (kind := _find_kind(key, text))}


def _find_kind(key: str, text: str) -> str:
    if kind := find_inside(text):
        return kind.name
    if not read_as_person(text):
        return ""
    # Two words in the column of clinicians may be "Front Desk"; no patient is that.
    listed = frozenset().union(*load_more_names())
    is_known = key == "patient_id" or any(fold(word) in listed for word in _SPLIT.split(text))
    return NAME if is_known else ""


__all__ = ["find_odd_ids"]
