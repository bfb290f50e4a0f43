"""What the words of a header say of a rating: pain or not, before the treatment or after it.

"VAS before" and "VAS after" differ in one word, and so do two thirds of their letters: how alike two texts are cannot
tell them apart. The word for the time decides, and where it is lacking or doubled, nothing does.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from difflib import get_close_matches
from enum import Enum


class Time(Enum):
    """When a rating was taken, by its header."""

    UNSAID = ""
    BEFORE = "before"
    AFTER = "after"
    BOTH = "both"


_BEFORE = frozenset(
    (
        *("before", "pre", "start", "begin", "beginning", "initial", "intake"),
        *("vor", "vorher", "davor", "beginn", "anfang", "antes", "inicial", "inicio", "avant", "début", "debut"),
        *("voor", "vooraf", "vóór", "aanvang"),
        *("przed", "prima"),
    )
)
_AFTER = frozenset(
    (
        *("after", "post", "end", "final", "following", "exit"),
        *("nach", "nachher", "danach", "ende", "schluss", "después", "despues", "fin", "après", "apres"),
        *("na", "nadien", "achteraf", "einde"),
        *("po", "dopo", "depois", "após"),
    )
)
_PAIN = frozenset(
    (
        *("pain", "lbp", "vas", "nrs", "nprs", "vnrs"),
        *("schmerzstärke", "schmerzskala", "schmerzintensität", "schmerzgrad", "schmerzwert", "schmerzscore"),
        *("dolor", "douleur", "douleurs", "eva", "evn", "pijnscore", "ból", "bólu", "dolore", "dor"),
    )
)
_PAIN_END = re.compile(r"(?:schmerz(?:en)?|pijn|smerter?|smärta|kipu)$")
"""The last part of a word for pain in a place: "Rückenschmerz", "rugpijn"."""
_JOINED = re.compile(r"\b(pre|post|vor|nach)(?=(?:pain|vas|nrs|nprs|score|schmerz|treatment|tx|rx|behandlung)\b)")
_SAYS_NOTHING = re.compile(
    "score|scale|level|rating|intensity|value|severity|mm|cm|wert|skala|stärke|intensität|intensidad|intensité|"
    "the|of|at|de|du|la|le|el|der|die|das|treatment|tx|rx|therapy|session|visit|behandlung|therapie|sitzung|"
    "tratamiento|sesión|zabiegiem|zabiegu|terapią|terapii|trattamento|seduta|tratamento|sessão|del|della|do|da|il|traitement|séance|behandeling|sessie|0|1|10|100"
)
_FEWEST_LETTERS = 4  # of a word that is compared by its letters
_ALIKE = 0.75
_EPISODE = re.compile(r"\b(?:[eé]pisod\w*|attacks?|bouts?|recurrences?|schübe|rezidive?)\b")


def find_time(words: str) -> Time:
    """Return when a rating was taken by the words of its header, in lower case."""
    said = _split(words)
    before, after = bool(said & _BEFORE), bool(said & _AFTER)
    if before and after:
        return Time.BOTH
    return Time.BEFORE if before else Time.AFTER if after else Time.UNSAID


def names_pain(words: str) -> bool:
    """Whether one of the words of a header is one for pain or for a scale of it."""
    return any(word in _PAIN or _PAIN_END.search(word) for word in _split(words))


def may_name_pain(words: str) -> bool:
    """Whether one of the words of a header is one for pain, or one mistyped."""
    return names_pain(words) or _is_alike(words, _PAIN)


def may_say_after(words: str) -> bool:
    """Whether a header says that a rating is from after the treatment, or a word of it is one for that, mistyped."""
    return find_time(words) == Time.AFTER or _is_alike(words, _AFTER)


def _is_alike(words: str, known: Collection[str]) -> bool:
    return any(get_close_matches(word, known, 1, _ALIKE) for word in _split(words) if len(word) >= _FEWEST_LETTERS)


def names_episodes(words: str) -> bool:
    """Whether a header speaks of episodes."""
    return bool(_EPISODE.search(words))


def is_rating(words: str, time: Time) -> bool:
    """Whether a header names pain and this time, and every other word of it tells nothing: "NRS vor Behandlung"."""
    rest = [word for word in _split(words) - _PAIN - _BEFORE - _AFTER if not _SAYS_NOTHING.fullmatch(word)]
    return names_pain(words) and find_time(words) == time and not rest


def _split(words: str) -> set[str]:
    return set(_JOINED.sub(r"\1 ", words).split())
