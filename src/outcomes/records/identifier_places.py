"""Places and businesses: words that no person is called by, and towns that are called like people.

The towns are those of GeoNames (CC BY 4.0) in 17 countries of Europe, North America, Australasia and southern Africa
whose name alone would be taken for a person's: of 5,000 people or more where the list of names knows it, of 15,000 or
more where several words are only shaped like one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from importlib import resources

from outcomes.records.identifier_names import fold, load_names

_SPLIT = re.compile(r"[\s,-]+")
_SAINT = ("st", "sankt")
_LONGEST_CODE = 3
_SHARE = 0.2


@cache
def load_places() -> frozenset[str]:
    """Words of places and businesses, folded: no person is called by one beside another word."""
    return frozenset(_read("identifier_places.csv"))


@cache
def load_towns() -> frozenset[str]:
    """Towns that are called like people, their words folded and with a blank between them."""
    return frozenset(_read("identifier_towns.csv"))


def _read(name: str) -> list[str]:
    return resources.files("outcomes.records").joinpath(name).read_text(encoding="utf-8").splitlines()[1:]


def is_town(text: str) -> bool:
    """Whether a text is a listed town, alone or with its part or state: "Ann Arbor West", "Charlotte, NC"."""
    words = [word for word in _SPLIT.split(text.strip()) if word]
    keys = ["saint" if (key := fold(word)) in _SAINT else key for word in words]
    n = next((n for n in range(len(keys), 0, -1) if " ".join(keys[:n]) in load_towns()), 0)
    return n > 0 and all(_is_addition(word, is_sure=n > 1) for word in words[n:])


def _is_addition(word: str, is_sure: bool) -> bool:
    """Whether a word behind a town is part of a place; behind one of one word no family name is ("Charlotte West")."""
    is_code = word.isupper() and len(word) <= _LONGEST_CODE
    return is_code or (fold(word) in load_places() and (is_sure or fold(word) not in load_names()[1]))


def ends_as_place(text: str) -> bool:
    """Whether the last word of a text is one of places and businesses."""
    words = [word for word in _SPLIT.split(text.strip()) if word]
    return bool(words) and fold(words[-1]) in load_places()


def are_places(cells: Sequence[str]) -> bool:
    """Whether the different cells of a column of places are places indeed: more than a few are, beyond doubt."""
    names = frozenset().union(*load_names())
    sure = load_places() - names
    return sum(is_town(cell) or bool(sure & set(map(fold, _SPLIT.split(cell)))) for cell in cells) > _SHARE * len(cells)
