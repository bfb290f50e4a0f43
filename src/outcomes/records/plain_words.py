"""What may be shown of the name of a file, a folder, a sheet or a column: words that exports are called by.

No list holds all names of people. So it is not asked whether a name is one of a person, but whether each word of it is
known to be ordinary: a word of headers, exports or terms. Of any other word the shape is shown; whoever has the file
finds it by its place and the words beside it. ``plain_more_words.csv`` holds words of everyday language, trades and
towns of Faker (MIT licence, (c) 2012 Daniele Faraglia and others) and of English manuals, without what is also a name.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from importlib import resources
from itertools import pairwise

from outcomes.records.columns import mask, show_header
from outcomes.records.identifier_names import TITLES, fold, list_names
from outcomes.records.identifier_places import load_places
from outcomes.records.person_shapes import names_person, starts_with_given

_WORD = re.compile(r"[^\W\d_]+")
_CAMEL = re.compile(r"(?<=[^\W\d_A-Z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][^\W\d_A-Z]{2})")
_DAY = re.compile(
    r"(?<!\d)(?:(?:19|20)\d\d[-_. ]?\d\d[-_. ]?\d\d(?:[-_T ]?\d{4,6})?|"
    r"\d\d[-_.]\d\d[-_.](?:19|20)\d\d|(?:19|20)\d\d)(?!\d)"
)
"""When an export was made, or of when it is."""
_DIGIT, _ROUND = re.compile(r"\d"), re.compile(r"(?<!\d)\d{1,3}0{3,}(?!\d)")
_MOST_DIGITS = 6
_ENDINGS = ("s", "n", "e", "en", "er", "es", "em", "al", "ed", "ing", "x")
_SHORTEST, _SHORT, _LONG, _ABBREVIATION = 4, 2, 7, 4
_HEADERS = ("identifier_headers.csv", "inspect_names.csv")
_LINKS = ("", "s", "n", "en", "es")


def show_plain(text: str) -> str:
    """Return a text with the shape of each word that is not known to be ordinary, and of its digits where it has many.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
        ``Praxis Nord Q3``; ``Praxis xxxxxx Q3``; ``xxxxx xxxxxx``.
    """
    words = [(begin, end) for found in _WORD.finditer(text) for begin, end in _take_apart(found)]
    odd = [not _is_plain(text[begin:end]) for begin, end in words]
    if any(odd):  # beside a word that may be a name, one that is a name as well may be the other half of it
        odd = [is_odd or fold(text[begin:end]) in list_names() for (begin, end), is_odd in zip(words, odd, strict=True)]
    shown = list(text)
    for (begin, end), is_odd in zip(words, odd, strict=True):
        shown[begin:end] = "x" * (end - begin) if is_odd else text[begin:end]
    rest = _ROUND.sub("", _DAY.sub("", text))
    if len(_DIGIT.findall(rest)) > _MOST_DIGITS:
        shown = list(_DIGIT.sub("9", "".join(shown)))
    return "".join(c if c.isprintable() else "?" for c in shown)


def is_plain(text: str) -> bool:
    """Whether a text may be shown as it is."""
    return show_plain(text) == text


def mask_person(text: str) -> str:
    """Return a text for a message: its shape alone where it names a person for certain, and else that of odd words."""
    return mask(text) if names_person(text) or starts_with_given(text) else show_plain(text)


def write_header(header: str, letter: str) -> str:
    """Return a header as a line of the mapping has it, or words that say whose header is to be written there."""
    shown = show_header(header.strip())
    return f'"{shown if shown == header.strip() else f"the header of column {letter}"}"'


def has_header_word(header: str) -> bool:
    """Whether a header has a word by which fields are found, and no short one."""
    from outcomes.records.identifiers import header_words
    from outcomes.records.inspect_columns import NAMES

    known = {word for names in NAMES.values() for name in names for word in name.split() if len(word) > _SHORT}
    return bool(known & set(header_words(header).split()))


def _take_apart(found: re.Match[str]) -> list[tuple[int, int]]:
    """Return where each word of a run of letters stands: ``visitsQ`` has one, ``VisitDate`` has two."""
    cuts = [0, *(cut.start() for cut in _CAMEL.finditer(found[0])), len(found[0])]
    return [(found.start() + a, found.start() + b) for a, b in pairwise(cuts)]


@lru_cache(maxsize=1 << 12)
def _is_plain(word: str) -> bool:
    key = fold(word)
    if key in TITLES:
        return False
    if len(key) == 1 or key in _load_plain():  # most; the lists are long to read
        return True
    if key in list_names():
        return False
    if len(key) <= (_ABBREVIATION if word.isupper() else _SHORT):
        return True
    return key in _load_known() or _is_bent(key) or _is_compound(key) or _is_misspelt(key)


def _is_bent(key: str) -> bool:
    """Whether a word is a known one with an ending."""
    stems = (key[: -len(ending)] for ending in _ENDINGS if key.endswith(ending))
    return any(len(stem) >= _SHORTEST and stem in _load_terms() for stem in stems)


def _is_compound(key: str) -> bool:
    """Whether a word is made of known ones: ``Behandlungsdatum``, ``visitdate``."""
    known = _load_terms()
    for cut in range(_SHORTEST, len(key) - _SHORTEST + 1):
        head, tail = key[:cut], key[cut:]
        is_head = any(head.endswith(link) and head[: len(head) - len(link)] in known for link in _LINKS)
        if is_head and (tail in known or _is_bent(tail) or _is_compound(tail)):
            return True
    return False


def _is_misspelt(key: str) -> bool:
    """Whether a long word is one of a table with a letter too few or too many, or another one."""
    return len(key) >= _LONG and not _load_slips().isdisjoint(_shorten(key))


@cache
def _load_slips() -> frozenset[str]:
    return frozenset(short for key in _load_terms() if len(key) >= _LONG for short in _shorten(key))


def _shorten(key: str) -> list[str]:
    """Return a word, and it without each of its letters: what two words share that differ in one letter."""
    return [key, *(key[:i] + key[i + 1 :] for i in range(len(key)))]


@cache
def _load_plain() -> frozenset[str]:
    """Return the words of exports and of headers, folded."""
    folder = resources.files("outcomes.records")
    headers = (folder.joinpath(name).read_text(encoding="utf-8") for name in _HEADERS)
    return _read("plain_words.csv").union(*(map(fold, _WORD.findall(text.replace("_", " "))) for text in headers))


@cache
def _load_terms() -> frozenset[str]:
    """Return the words of the tables of terms as well."""
    from outcomes.records.odd_terms import load_vocabulary

    return _load_plain() | load_vocabulary()


@cache
def _load_known() -> frozenset[str]:
    """Return the words of places, trades and everyday language as well: families are called by two of them glued."""
    return _load_terms() | load_places() | _read("plain_more_words.csv")


def _read(name: str) -> frozenset[str]:
    return frozenset(resources.files("outcomes.records").joinpath(name).read_text(encoding="utf-8").splitlines()[1:])


__all__ = ["has_header_word", "is_plain", "mask_person", "show_plain", "write_header"]
