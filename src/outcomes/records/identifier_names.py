"""Personal names: lists of common given and family names, and the ways they are written together.

The longer list is made of those of Faker (MIT licence, (c) 2012 Daniele Faraglia and others), without the words that a
visit record uses for something else.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache, lru_cache
from importlib import resources
from itertools import pairwise

_WORD = re.compile(r"[^\W\d_](?:[^\W\d_]|['’.-](?=[^\W\d_]))*\.?")
_TITLED = re.compile(r"\b(?:Mr|Mrs|Ms|Miss|Mme|Herr|Frau|Señora?|Monsieur|Madame)\.? [A-ZÀ-Þ][^\W\d_]{2,}")
_DOCTOR = re.compile(r"\b(?:Dr|Doctor|Prof)\.? (?:[A-Z]\.? )?([A-ZÀ-Þ][^\W\d_]{2,})")
_PART = r"[^\W\d_](?:[^\W\d_]|['’.-]){0,24}"
_INITIAL = re.compile(
    r"([A-ZÀ-Þ])\. [A-ZÀ-Þ][^\W\d_]+(?:[ '’-][^\W\d_]+)*|[A-ZÀ-Þ][^\W\d_]+(?:[ '’-][^\W\d_]+)*,? ([A-ZÀ-Þ])\."
)
"""Five different letters: "M. Trapezius" and "N. ischiadicus" are no people."""
_SHAPE = re.compile(rf"(?:(?:mr|mrs|ms|miss|dr|herr|frau|prof)\.? )?{_PART}(?:,? {_PART}){{0,3}}", re.IGNORECASE)
_PLACES = frozenset(
    (
        *(
            "clinic",
            "clinics",
            "center",
            "centre",
            "chiropractic",
            "chiro",
            "physio",
            "physiotherapy",
            "therapy",
            "health",
        ),
        *(
            "spine",
            "back",
            "pain",
            "wellness",
            "street",
            "road",
            "rehab",
            "medical",
            "hospital",
            "practice",
            "north",
            "south",
        ),
        *("east", "west", "downtown", "uptown", "group", "care", "sports", "family"),
    )
)
TITLES = frozenset(
    ("mr", "mrs", "ms", "miss", "mme", "herr", "frau", "senor", "senora", "monsieur", "madame", "dr", "doctor", "prof")
)
"""Words before a name, folded."""

_FEWEST = 5
_MOSTLY = 0.8
_LISTED, _LISTED_MORE = 0.3, 0.6
_LISTED_ALONE = 0.6


@cache
def load_names() -> tuple[frozenset[str], frozenset[str]]:
    """Return the commonest given names and family names, folded: what ids and names of clinics are judged by."""
    return _read("identifier_names.csv")


@cache
def load_more_names() -> tuple[frozenset[str], frozenset[str]]:
    """Return given and family names of some sixty countries as well: too many towns are called so to judge clinics."""
    return tuple(few | more for few, more in zip(load_names(), _read("identifier_more_names.csv"), strict=True))  # type: ignore[return-value]


@cache
def list_names() -> frozenset[str]:
    """Return all of `load_more_names` together."""
    given, family = load_more_names()
    return given | family


def _read(name: str) -> tuple[frozenset[str], frozenset[str]]:
    """Read a list of names, which stand sorted by what they are: a block is taken apart at once."""
    rows = resources.files("outcomes.records").joinpath(name).read_text(encoding="utf-8").partition("\n")[2]
    blocks = {}
    for use in ("both", "family", "given"):
        ending = f",{use}\n"
        block, last, rows = rows.rpartition(ending)
        blocks[use] = frozenset(block.split(ending)) if last else frozenset()
    return blocks["given"] | blocks["both"], blocks["family"] | blocks["both"]


@lru_cache(maxsize=1 << 14)
def fold(word: str) -> str:
    """Return a word without accents, points and case, as the list has it."""
    plain = unicodedata.normalize("NFKD", word)
    return "".join(c for c in plain if c.isalpha()).casefold()


def has_name(text: str, more: bool = False) -> bool:
    """Whether a listed given and a listed family name stand side by side, or a title stands before a name.

    `more` says that `load_more_names` counts too.
    """
    if _TITLED.search(text):
        return True
    doctors = [fold(found[1]) for found in _DOCTOR.finditer(text)]
    pairs = _pair_words(text)
    if not doctors and not pairs:  # most texts; the lists are long to read
        return False
    given, family = load_more_names() if more else load_names()
    return any(name in family for name in doctors) or any(first in given and last in family for first, last in pairs)


def _pair_words(text: str) -> list[tuple[str, str]]:
    """Return words that may be a given and a family name: neighbours, round a comma the other way, with an initial."""
    words = [(match.start(), match.end(), fold(match[0])) for match in _WORD.finditer(text)]
    pairs = []
    for (_, end, first), (begin, _, second) in pairwise(words):
        between = text[end:begin].strip(" .")
        pairs += [(first, second)] if between == "" else [(second, first)] if between == "," else []
    for (_, end, first), (_, _, middle), (begin, _, last) in zip(words, words[1:], words[2:], strict=False):
        pairs += [(first, last)] if len(middle) == 1 and "," not in text[end:begin] else []
    return pairs


def look_like_names(cells: Sequence[str], fewest: int = _FEWEST) -> bool:
    """Whether the different cells of a column are people's names: the shape of most, and some that are listed.

    Parameters
    ----------
    cells : sequence of str
    fewest : int
        With fewer different cells nothing is said.
    """
    initials = [one[1] or one[2] for cell in cells if (one := _INITIAL.fullmatch(cell))]
    if len(set(initials)) >= _FEWEST and len(initials) >= _MOSTLY * len(cells):
        return True
    shaped = [cell for cell in cells if _SHAPE.fullmatch(cell)]
    if len(cells) < fewest or len(shaped) < 0.7 * len(cells):
        return False
    words = [[fold(match[0]) for match in _WORD.finditer(cell)] for cell in shaped]
    words = [[word for word in cell if word] for cell in words]
    if sum(bool(_PLACES & set(cell)) for cell in words) > 0.2 * len(shaped):
        return False
    several = [cell for cell in words if len(cell) > 1]
    if len(several) >= 0.5 * len(shaped):
        found = ((load_names(), _LISTED), (load_more_names(), _LISTED_MORE))
        return any(sum(_is_listed(cell, *lists) for cell in several) >= least * len(several) for lists, least in found)
    # One word alone is too often a language, a colour or a firm for the longer list.
    alone = frozenset().union(*load_names())
    listed = [cell for cell in words if len(cell) == 1 and cell[0] in alone]
    return len(listed) >= _LISTED_ALONE * len(shaped)


def _is_listed(words: list[str], given: frozenset[str], family: frozenset[str]) -> bool:
    """A given name beside another word, or an initial beside a family name."""
    first, last = words[0], words[-1]
    if first in given or last in given:
        return True
    return (
        (len(first) == 1 and last in family)
        or (len(last) == 1 and first in family)
        or (first in ("dr", "mr", "mrs", "ms", "miss", "prof") and last in family)
    )
