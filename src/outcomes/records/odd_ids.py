"""Single ids that are words or numbers of another kind, where nearly all others are codes.

Among ``K1234`` an id like "Brunhild Qvist", "MRN 7711341" or a vehicle's number is a slip, and no pseudonym, though no
list knows the name. Where all ids are written so ("Patient 0012") it says nothing; nor do a few ids of another system.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from outcomes import arrow
from outcomes.records.identifier_kinds import CODE, NAME
from outcomes.records.identifier_names import fold, list_names
from outcomes.records.identifier_patterns import UUID
from outcomes.records.identifiers import PEOPLE, find_inside, find_whole
from outcomes.records.labelled import read_labelled
from outcomes.records.model import Codes, TextColumn
from outcomes.records.odd_terms import find_form, is_user, load_vocabulary, names_person_in_part
from outcomes.records.person_shapes import read_as_person
from outcomes.records.privacy import ID_FIELDS

_SUSPECT = (
    r"\S[\s,./:]+\S|^\p{L}+_\p{L}+$|\p{Ll}{2}\p{Lu}\p{Ll}{2}|^\d{10,15}$"
    r"|^\d{8}[A-Z]$|^[A-Z]{6}\d\d[A-Z]\d\d[A-Z]\d{3}[A-Z]$|^[A-Z]{2}\d{2}[A-Z0-9]{11,30}$"
)
"""What may be more than a code where ids have no usual form: several words, marks, numbers of some states and banks."""
_MOST = 0.05
_MOST_READ = 2_000
_MOST_SHAPES = 5_000
_LONGER, _LONG_CODE = 2, 12
_OF_CLINICS = ("A", "B")
_SPLIT = re.compile(r"[\s,]+")
_GLUED = re.compile(r"[._]+|(?<=[^\W\d_A-Z]{2})(?=[A-Z][^\W\d_A-Z]{2})")
"""Where "maria.kowalska" and "KowalskaMaria" are two words; letters drawn by chance seldom are."""
_SHORTEST_NAME = 4
_FEW_ROWS, _FEWEST_ROWS = 20, 3
_NAMELESS = 2
"""An id of so few signs names nobody: NA."""
_LONGEST_RUN, _MOST_RUNS, _MANY_FORMS = 64, 100, 3
_SHAPE_OF_BYTE = np.arange(256, dtype=np.uint8)
_SHAPE_OF_BYTE[list(b"0123456789")] = ord("9")
_SHAPE_OF_BYTE[[*range(ord("A"), ord("Z") + 1), *range(ord("a"), ord("z") + 1), *range(128, 256)]] = ord("a")


@dataclass(frozen=True, slots=True)
class _Usual:
    """How the ids of a column are written: for RE2, with the length of the longest, and whether they have digits."""

    pattern: str
    longest: int
    has_digits: bool


def find_odd_ids(key: str, column: TextColumn, year: int = 0) -> dict[int, str]:
    """Return code of a different id -> kind of identifier of those in 5 % of the rows or fewer that are no codes.

    Parameters
    ----------
    key : str
        Field; only those of ids are looked at. A clinic may be called like a person, and by its street.
    column : TextColumn
    year : int
        Year of the visits; a full date of ten years before is taken for a birth date. 0: not known.
    """
    if key not in ID_FIELDS or not len(column.codes):
        return {}
    usual = _find_usual(column)
    places = _find_unlike(column, usual)
    if not places.size or np.isin(column.codes, places).sum() > _MOST * len(column.codes):
        return {}
    texts = zip(places.tolist(), column.values.take(arrow.from_numpy(places)).to_pylist(), strict=True)
    ids = {code: text for code, text in texts if not UUID.fullmatch(text.strip())}
    found = {code: kind for code, text in ids.items() if (kind := _find_kind(key, text, year))}
    if usual:
        rest = {code: text.strip() for code, text in ids.items() if code not in found}
        found |= _find_single(rest, key, np.bincount(column.codes, minlength=len(column.values)), usual)
    return found


def find_unlike(key: str, values: pa.StringArray, codes: Codes, rows: NDArray[np.intp]) -> list[int]:
    """Return the codes of different ids of which each is the only one in its form, in few rows, by their texts.

    Whether one is a name that no list knows or a slip of the pen ("K12l"), nobody can say.

    Parameters
    ----------
    key : str
        Field.
    values : pyarrow.StringArray
        Different ids.
    codes : ndarray of int, shape (n,)
        Id of each row; below 0: none.
    rows : ndarray of int
        The rows that count.
    """
    if 1 not in np.bincount(arrow.to_numpy(_write_shapes(values).indices, np.int32)):
        return []
    used = codes[rows]
    column = TextColumn(values, used[used >= 0])
    usual = _find_usual(column) if len(column.codes) else None
    places = _find_unlike(column, usual) if usual else np.zeros(0, np.uint64)
    ids = dict(zip(places.tolist(), column.values.take(arrow.from_numpy(places)).to_pylist(), strict=True))
    n_rows = np.bincount(column.codes, minlength=len(column.values))
    told = {code: text for code, text in ids.items() if n_rows[code] and len(text.strip()) > _NAMELESS}
    alone = _list_single(told, key, n_rows)
    return sorted(alone, key=alone.__getitem__)


def _find_usual(column: TextColumn) -> _Usual | None:
    """Return how ids are written, by all rows; None where most are written in ways of their own."""
    lengths: dict[str, list[tuple[int, ...]]] = {}
    weights: dict[str, list[int]] = {}
    for shape, k in _count_shapes(column).items():
        runs = _runs(shape.strip())
        signs = "".join(sign for sign, _ in runs)
        lengths.setdefault(signs, []).append(tuple(n for _, n in runs))
        weights.setdefault(signs, []).append(k)
    n = len(column.codes)
    usual = {signs for signs, ks in weights.items() if sum(ks) > _MOST * n}
    if sum(sum(weights[signs]) for signs in usual) < (1 - 2 * _MOST) * n or sum(map(len, usual)) > _MOST_RUNS:
        return None
    mixed = {signs for signs in usual if set(signs) <= {"a", "9"}}
    longest = {signs: _most_of([(sum(runs),) for runs in lengths[signs]], weights[signs])[0] for signs in usual}
    forms = []
    if len(mixed) > _MANY_FORMS:  # as parts of a hash: what has a digit somewhere is one more of them
        most = min(max(longest[signs] for signs in mixed), _LONGEST_RUN) + _LONGER
        usual, forms = usual - mixed, [rf"\p{{L}}*[0-9][\p{{L}}0-9]{{0,{most}}}"]
    forms += [_write_form(signs, _most_of(lengths[signs], weights[signs])) for signs in sorted(usual)]
    has_digits = any("9" in signs for signs in longest)
    return _Usual(rf"^\s*(?:{'|'.join(forms)})\s*$", max(longest.values()), has_digits)


def _count_shapes(column: TextColumn) -> dict[str, int]:
    """Return shape of the ids, 9 for a digit and a for a letter, -> rows, by the alphabet; nothing of too many shapes.

    Bytes are told apart, not letters: a letter beyond ASCII counts as two or more.
    """
    shapes = _write_shapes(column.values)
    n_rows = np.bincount(arrow.to_numpy(shapes.indices, np.int32)[column.codes], minlength=len(shapes.dictionary))
    if len(n_rows) > _MOST_SHAPES:
        return {}
    return dict(sorted(zip(shapes.dictionary.to_pylist(), n_rows.tolist(), strict=True)))


def _write_shapes(values: pa.StringArray) -> pa.DictionaryArray:
    validity, offsets, data = values.buffers()
    shaped = pa.py_buffer(_SHAPE_OF_BYTE[np.frombuffer(data, np.uint8)] if data else b"")
    return pa.StringArray.from_buffers(len(values), offsets, shaped, validity, -1, values.offset).dictionary_encode()


def _most_of(lengths: Sequence[tuple[int, ...]], weights: Sequence[int]) -> list[int]:
    """Return how long each run is at most, in nearly all rows."""
    own = np.array(lengths)
    return [int(n) for n in np.quantile(own, 1 - _MOST, axis=0, method="inverted_cdf", weights=np.array(weights))]


def _runs(text: str) -> tuple[tuple[str, int], ...]:
    return tuple((sign, len(list(run))) for sign, run in groupby(text, _say_class))


def _say_class(sign: str) -> str:
    return "9" if sign.isdecimal() else "a" if sign.isalpha() else sign


def _write_form(signs: str, lengths: Sequence[int]) -> str:
    """Return the pattern of ids of one form: runs of digits not much longer than theirs, of letters any."""
    written = {"a": r"\p{L}+"}
    runs = zip(signs, lengths, strict=True)
    return "".join(
        rf"[0-9]{{1,{min(n, _LONGEST_RUN) + _LONGER}}}" if sign == "9" else written.get(sign, rf"{re.escape(sign)}+")
        for sign, n in runs
    )


def _find_unlike(column: TextColumn, usual: _Usual | None) -> NDArray[np.uint64]:
    """Return the codes of ids that are written unlike the others, of so many as can be read one by one."""
    import pyarrow.compute as pc

    hits = pc.match_substring_regex(column.values, usual.pattern if usual else _SUSPECT)
    places = arrow.to_numpy(pc.indices_nonzero(pc.invert(hits) if usual else hits), np.uint64)
    if usual and places.size > _MOST_READ:
        few = pc.match_substring_regex(column.values.take(arrow.from_numpy(places)), _SUSPECT)
        places = places[arrow.to_numpy(pc.indices_nonzero(few), np.uint64)]
    return places


def _find_kind(key: str, text: str, year: int) -> str:
    """Return the kind of an id that says by itself what it is; of clinics, names and addresses are none."""
    kind = find_inside(text, year) or find_whole(text)
    if kind and (key in PEOPLE or kind.paragraph not in _OF_CLINICS):
        return kind.name
    labelled = read_labelled(text)
    if labelled and not labelled[1]:
        return labelled[0]
    form = find_form(text.strip())
    if form and not form.is_weak and (key in PEOPLE or form.paragraph not in _OF_CLINICS):
        return form.kind
    if key not in PEOPLE:
        return ""
    if names_person_in_part(text):
        return NAME
    spread = text if re.search(r"[\s\d]", text) else _GLUED.sub(" ", text)
    is_glued = spread != text
    if not read_as_person(spread.title() if is_glued else text):
        return ""
    # Two words in the column of clinicians may be "Front Desk"; no patient is that, but a code may have a mark in it.
    is_known = key == "patient_id" and not is_glued
    return NAME if is_known or any(fold(word) in list_names() for word in _SPLIT.split(spread)) else ""


def _find_single(ids: Mapping[int, str], key: str, n_rows: NDArray[np.int64], usual: _Usual) -> dict[int, str]:
    """Return those whose id is the only one in its form, in few rows, and says a little: a word with a number, a code.

    A clinician or a clinic of a few more rows is called as he likes.
    """
    kinds = {code: _judge_single(key, text, usual) for code, text in _list_single(ids, key, n_rows).items()}
    return {code: kind for code, kind in kinds.items() if kind}


def _list_single(ids: Mapping[int, str], key: str, n_rows: NDArray[np.int64]) -> dict[int, str]:
    forms = Counter(_name_form(text) for text in ids.values())
    most = _FEW_ROWS if key == "patient_id" else _FEWEST_ROWS
    return {code: text for code, text in ids.items() if forms[_name_form(text)] == 1 and n_rows[code] <= most}


def _name_form(text: str) -> str:
    """Return what ids of one system share: their form, and the word before a number."""
    labelled = read_labelled(text)
    return labelled[1] if labelled else "".join(sign for sign, _ in _runs(text))


def _judge_single(key: str, text: str, usual: _Usual) -> str:
    if text.isalpha():
        is_name = key == "patient_id" and usual.has_digits and len(text) >= _SHORTEST_NAME and text[0].isupper()
        return NAME if is_name and fold(text) in list_names() and fold(text) not in load_vocabulary() else ""
    if read_labelled(text) or is_user(text):
        return CODE
    form = find_form(text)
    if form is None or (form.kind == CODE and len(text) < max(_LONG_CODE, 2 * usual.longest)):
        return ""
    return "" if key not in PEOPLE and form.paragraph in _OF_CLINICS else form.kind


__all__ = ["find_odd_ids", "find_unlike"]
