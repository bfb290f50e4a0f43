"""Whether an id or the name of a sheet reads like the name of one person, by its shape and what it is not.

Ids are no prose: two capitalised words without a digit, as the code of a clinic or a clinician, are a place, a business
or a person. Words of places and businesses are listed; what is left is a person for certain with a listed given name or
a title, and otherwise perhaps.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import IntEnum

from outcomes.records.columns import mask
from outcomes.records.identifier_kinds import BIOMETRIC, NAME
from outcomes.records.identifier_names import TITLES, fold, has_name, load_more_names, load_names
from outcomes.records.identifier_places import ends_as_place, is_town, load_places


class Person(IntEnum):
    """How much a text reads like the name of a person."""

    NO = 0
    PERHAPS = 1
    SURE = 2


_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_INITIAL = re.compile(r"[^\W\d_]\.?")
_SPLIT = re.compile(r"[\s,]+")
_DEGREES = frozenset(
    (
        *("pt", "dc", "md", "do", "dpt", "dptsc", "ft", "pta", "rn", "phd", "msc", "bsc", "otr", "ot", "fcamt", "ocs"),
        *("scs", "chiro", "med"),
    )
)
_PARTICLES = frozenset(
    (
        *("van", "von", "der", "den", "de", "di", "da", "del", "della", "dos", "la", "le", "el", "ten", "ter", "bin"),
        *("al", "zu", "zum", "af", "of", "und", "y"),
    )
)
_HYPHEN = re.compile("['’-]")
_NUMBERED = re.compile(r"(?=\D*\d)\w+")
"""What most ids are, one word with a digit: no name, and a closer look at each costs what reading its record does."""
_FEWEST_WORDS, _MOST_WORDS, _LONGEST_CODE, _SHAPES = 2, 3, 3, 2


def read_as_person(text: str, is_clinic: bool = False) -> Person:
    """Say whether a short text reads like the name of one person.

    Parameters
    ----------
    text : str
        An id, or the name of a sheet.
    is_clinic : bool
        Whether it is known to name a clinic: a town is one then, and what ends like a place is only perhaps a person.
    """
    if _NUMBERED.fullmatch(text) or (is_clinic and is_town(text)):
        return Person.NO
    if has_name(text):
        is_place = is_clinic and ends_as_place(text) and not TITLES & set(map(fold, text.split()))
        return Person.PERHAPS if is_place else Person.SURE
    words = [word for word in _SPLIT.split(text.strip()) if word]
    folded = [fold(word) for word in words]
    is_titled = bool(folded) and folded[0] in TITLES
    while folded and (folded[0] in TITLES or folded[0] == "med"):
        words, folded = words[1:], folded[1:]
    while len(folded) > 1 and folded[-1] in _DEGREES:
        words, folded = words[:-1], folded[:-1]
    said = [not (key in _PARTICLES and word.islower()) for word, key in zip(words, folded, strict=True)]
    named = [word for word, is_said in zip(words, said, strict=True) if is_said]
    if not named or len(named) > _MOST_WORDS or not all(_is_part(word) for word in named):
        return Person.NO
    # "Jan van der Berg" is no mountain: what follows a particle inside a name is part of it.
    n_before = said.index(False) if False in said[1:] else len(words)
    parts = {fold(part) for word in words[:n_before] for part in (word, *_HYPHEN.split(word))}
    return Person.NO if parts & load_places() else _weigh(named, is_titled)


def names_person(text: str, is_clinic: bool = False) -> bool:
    """Whether a short text names a person for certain, or holds what identifies one: an e-mail address, a number."""
    from outcomes.records.identifiers import find_inside

    if read_as_person(text, is_clinic) is Person.SURE:
        return True
    kind = find_inside(text)
    return kind is not None and kind.name not in (NAME, BIOMETRIC)  # these are words too: "Voice print"


def starts_with_given(text: str) -> bool:
    """Whether a short text is shaped like a name and has a given name at its head or end that the longer list knows."""
    if not read_as_person(text):
        return False
    words = [fold(word) for word in _SPLIT.split(text.strip()) if word]
    return bool({words[0], words[-1]} & load_more_names()[0])


def describe_people(ids: Sequence[str], are_clinics: bool = False) -> tuple[float, Person, str]:
    """Return the share of different ids that read like people, how surely the surest does, and both as words.

    Parameters
    ----------
    ids : sequence of str
        Different ids; blank ones are passed over.
    are_clinics : bool
        As in `read_as_person`.
    """
    filled = [text.strip() for text in ids if text.strip()]
    read = {text: read_as_person(text, are_clinics) for text in filled}
    people = [text for text, person in read.items() if person]
    shapes = " and ".join(dict.fromkeys(mask(text) for text in people[:_SHAPES]))
    words = f"{len(people):,} of {len(filled):,} different cells are shaped like a person's name ({shapes})."
    return len(people) / max(len(filled), 1), max(read.values(), default=Person.NO), words


def _is_part(word: str) -> bool:
    """Whether a word may be part of a name: capitalised, no short code in capitals; or an initial."""
    if _INITIAL.fullmatch(word):
        return word[0].isupper()
    is_code = word.isupper() and len(word) <= _LONGEST_CODE
    return bool(_WORD.fullmatch(word)) and word[0].isupper() and not is_code


def _weigh(words: list[str], is_titled: bool) -> Person:
    given, family = load_names()
    full = [word for word in words if not _INITIAL.fullmatch(word)]
    keys = [fold(word) for word in full]
    if is_titled and full:
        return Person.SURE
    if len(full) < len(words):  # an initial: "M. Keller", "Maria K."
        listed = [key for key in keys if key in given | family]
        return (Person.SURE if listed else Person.PERHAPS) if full else Person.NO
    if len(set(keys)) < _FEWEST_WORDS:  # one word, or the same twice: a place
        return Person.NO
    ends = {fold(word) for end in (full[0], full[-1]) for word in (end, _HYPHEN.split(end)[0])}
    return Person.SURE if ends & given else Person.PERHAPS


__all__ = ["Person", "describe_people", "names_person", "read_as_person", "starts_with_given"]
