"""How a word of the clinic becomes a key: case, dots, blanks, dashes, brackets, doses and sides; stdlib only.

The rule in prose: a term is folded to lower case, compatible characters are unified (NFKC), dots and invisible
characters go, dashes, colons and brackets become blanks, repeated blanks become one. What is left is looked up whole.
The deciding sentence: *only a whole term is ever matched, never a part of a word*, so ``no heat`` is not ``heat``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

_T = TypeVar("_T", bound=Hashable)

LEFT, RIGHT = 1, 2

_FOLD = str.maketrans(
    {
        **dict.fromkeys(".'’`\"“”*?\u200b\u200c\u200d\u2060\ufeff\u00ad\u200e\u200f", ""),
        **dict.fromkeys("-_:()[]{}~#=‐‑‒–—−\x00", " "),
    }
)
_PAIR = re.compile(r" (?:and|with|w/|\+|&) ")
_TIGHT_PAIR = re.compile(r"[/+&]")
_SIDES = {
    **dict.fromkeys(("l", "lt", "left", "lhs"), LEFT),
    **dict.fromkeys(("r", "rt", "right", "rhs"), RIGHT),
    **dict.fromkeys(("b", "bl", "b/l", "bil", "bilat", "bilateral", "bilaterally", "both"), LEFT | RIGHT),
    # Whole words of other languages, and short ones that mean nothing else there; not "dx", a diagnosis in English.
    **dict.fromkeys(("links", "linke", "linker", "li", "gauche", "izquierda", "izquierdo", "izq"), LEFT),
    **dict.fromkeys(
        ("sinistra", "sinistro", "esquerda", "esquerdo", "lewa", "lewy", "lewe", "vänster", "venstre"), LEFT
    ),
    **dict.fromkeys(("rechts", "rechte", "rechter", "re", "droite", "droit", "derecha", "derecho", "dcha"), RIGHT),
    **dict.fromkeys(
        ("destra", "destro", "direita", "direito", "prawa", "prawy", "prawe", "höger", "højre", "høyre"), RIGHT
    ),
    **dict.fromkeys(("beidseits", "bds", "beide", "beiderseits", "bilatéral", "bilaterale", "ambos"), LEFT | RIGHT),
    **dict.fromkeys(("obustronnie", "obustronny", "obustronna"), LEFT | RIGHT),
    **dict.fromkeys(("l/r", "r/l", "l&r", "r&l", "l+r", "r+l"), LEFT | RIGHT),
}
_SIDE_FILLERS = frozenset(("side", "sided", "sides"))
_DIGIT = re.compile(r"[0-9]")
_DOSE_UNITS = frozenset(
    {"x", "min", "mins", "minute", "minutes", "s", "sec", "secs", "second", "seconds", "rep", "reps", "set", "sets"}
    | {"hz", "khz", "mhz", "w", "w/cm2", "cm2", "j", "%", "unit", "units", "level", "levels", "region", "regions"}
)
_SHORTEST_JOINED = 5


def normalise_terms(terms: Sequence[str]) -> list[str]:
    """Return the look-up key of each text, in order.

    The folding runs over one long text, a line a term, because a call for each of a million terms costs more than
    the work; terms with characters beyond ASCII, or with a line break inside, are folded one by one.
    """
    joined = "\n".join(terms)
    if joined.isascii() and joined.count("\n") == len(terms) - 1:
        return [" ".join(line.split()) for line in joined.lower().translate(_FOLD).split("\n")]
    plain = [text for text in terms if text.isascii() and "\n" not in text]
    if len(plain) < 2:
        return [normalise_term(text) for text in terms]
    folded = iter(normalise_terms(plain))
    return [next(folded) if text.isascii() and "\n" not in text else normalise_term(text) for text in terms]


def normalise_term(term: str) -> str:
    """Return the look-up key of one text."""
    return " ".join(unicodedata.normalize("NFKC", term).lower().translate(_FOLD).split())


def index_distinct(keys: Iterable[_T]) -> tuple[list[_T], list[int]]:
    """Return the distinct keys in order of appearance, and for each key its position among them."""
    place: dict[_T, int] = {}
    positions = [place.setdefault(key, len(place)) for key in keys]
    return list(place), positions


def split_list_key(key: str) -> list[str]:
    """Return the parts of a key between ``, ; |``; blanks and empties go."""
    if ";" in key or "|" in key:
        key = key.replace(";", ",").replace("|", ",")
    return [part for piece in key.split(",") if (part := piece.strip())] if "," in key else [key]


def split_pair_key(key: str) -> list[str]:
    """Return the parts of a key between the words *and*, *with* and free-standing ``+ &``, otherwise ``/ + &``.

    These marks also stand inside terms (``hp/cp``, ``pin and stretch``), so a list is split at its commas first, and
    a part is looked up before it is split again.
    """
    pattern = _PAIR if _PAIR.search(key) else _TIGHT_PAIR
    if pattern is _TIGHT_PAIR and not pattern.search(key):
        return [key]
    return [part for piece in pattern.split(key) if (part := piece.strip())]


def take_dose(key: str) -> str:
    """Return the key without numbers and their units; ``"us 8 min"`` gives ``"us"``."""
    words = [
        word
        for word in key.split(" ")
        if not (word[:1].isdigit() or word in _DOSE_UNITS or (word[:1] in "x@" and word[1:].isdigit()))
    ]
    return " ".join(words)


def has_digit(key: str) -> bool:
    """Return whether a key has a digit in it."""
    return _DIGIT.search(key) is not None


def take_side(key: str) -> tuple[int, str]:
    """Return the side a key begins or ends with (0 none, `LEFT`, `RIGHT` or both) and the key without it."""
    if "left and right" in key or "right and left" in key:
        key = key.replace("left and right", "both").replace("right and left", "both")
    if " side" in key:
        key = " ".join(word for word in key.split(" ") if word not in _SIDE_FILLERS)
    before, _, last = key.rpartition(" ")
    if last in _SIDES:
        return _SIDES[last], before
    first, _, after = key.partition(" ")
    if first in _SIDES:
        return _SIDES[first], after
    return 0, key


@dataclass(frozen=True, slots=True)
class TermIndex:
    """Key -> value for one kind of term, with a second chance for terms written without their blanks.

    Attributes
    ----------
    entries : dict of str to int
        The value of each key: a bit mask, or the index of an id.
    joined : dict of str to int
        The same for keys without blanks and slashes (``"softtissue"``), where that is unique.
    assumed, upper_case, no_number : frozenset of str
        Keys that stand for a default, count only in capitals, or only without a number beside them.
    """

    entries: dict[str, int]
    joined: dict[str, int] = field(default_factory=dict)
    assumed: frozenset[str] = frozenset()
    upper_case: frozenset[str] = frozenset()
    no_number: frozenset[str] = frozenset()

    def get(self, key: str) -> int | None:
        """Return the value of a key, None when it is unknown."""
        value = self.entries.get(key)
        if value is None and "/" in key:
            value = self.entries.get(key.replace(" / ", "/").replace("/ ", "/").replace(" /", "/"))
        if value is None:
            value = self.joined.get(key.replace(" ", "").replace("/", ""))
        return value


def join_keys(entries: dict[str, int]) -> dict[str, int]:
    """Return the keys without blanks and slashes, those left out that would stand for two values or are very short."""
    joined: dict[str, int] = {}
    clashing: set[str] = set()
    for key, value in entries.items():
        short = key.replace(" ", "").replace("/", "")
        if joined.setdefault(short, value) != value:
            clashing.add(short)
    return {key: value for key, value in joined.items() if len(key) >= _SHORTEST_JOINED and key not in clashing}
