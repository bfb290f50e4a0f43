"""The words of a header, in the one form in which headers and the lists of words are compared.

``Policy No.``, ``policyNumber``, ``POLICY #`` and ``N° de policy`` all say `` policy `` with a number;
``Versichertennr`` says `` versicherten `` with one, ``D.O.B.`` says `` dob `` and ``Phone2`` says `` phone 2 ``.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache

_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[a-z])(?=\d)|(?<=[A-Z])(?=\d)|(?<=[A-Z])(?=[A-Z][a-z]{2})")
_ELIDED = re.compile(r"\b[dl]['’]", re.IGNORECASE)
_NO_WORD = re.compile(r"[^\w~]+|_+")
_SINGLE = re.compile(r"(?<= )[a-z](?: [a-z])+(?= )")
_NUMBER = frozenset(
    (
        *("no", "nr", "nrs", "num", "number", "numbers", "nummer", "numero", "numer", "n", "cislo", "numarasi"),
        *("szama", "номер", "αριθμος", "رقم"),
    )
)
_OF = frozenset(
    (
        *("de", "des", "du", "del", "della", "di", "do", "da", "das", "dos", "of", "the", "la", "le", "les", "el"),
        *("van", "der", "den", "het"),
    )
)
_OWNED = re.compile(r"(?<![^\W_])(?:patient|pat|pt|client|kunden)[ _]?(?=[^\W\d_]{3})", re.IGNORECASE)
"""Whose it is, glued to what it is: ``PATFNAME``, ``ptDob``."""
_COMPOUND = re.compile(r"(?<=\w{3})(?:nummer|number|nro?|numero)$")


@lru_cache(maxsize=1 << 13)
def read_words(text: str) -> str:
    """Return the words of a header with a blank around each.

    Accents, capitals, "of" and "the" in several languages are left out; a word for "number" is ``no``, and ``+`` where
    it ended the word before it.
    """
    # A capital I with its dot (Turkish) would fall apart into a letter and a mark.
    text = _ELIDED.sub(" ", text.replace("İ", "i").replace("#", " no "))
    text = unicodedata.normalize("NFKD", _CAMEL.sub(" ", text)).casefold()
    text = "".join(c for c in text if not unicodedata.combining(c))
    text = f" {' '.join(_NO_WORD.sub(' ', text).split())} "
    words = []
    for word in _SINGLE.sub(lambda run: run[0].replace(" ", ""), text).split():
        stem = _COMPOUND.sub("", word)
        words += [] if word in _OF else ["no"] if word in _NUMBER else [word] if word == stem else [stem, "+"]
    return f" {' '.join(words)} "


def find_words(names: tuple[str, ...], header: str) -> list[str]:
    """Return those of some names that stand in a header, their words side by side.

    What begins with ``~`` may end a longer word, what ends with it begin one. A word for "number" stands on either side
    of the others, and anywhere beside the beginning of a word.
    """
    said = f"{read_words(header)}|{read_words(_OWNED.sub('', header))}"
    has_number = " no " in said or " + " in said
    found = (name for way, asks, name in _list_ways(names) if way in said and (has_number or not asks))
    return list(dict.fromkeys(found))


@cache
def _list_ways(names: tuple[str, ...]) -> list[tuple[str, bool, str]]:
    """Return each way in which a name may stand in `read_words`, whether a number is asked for, and the name."""
    listed = []
    for name in names:
        words = read_words(name).split()
        plain = " ".join(word for word in words if word not in ("no", "+"))
        is_numbered = len(plain.split()) < len(words)
        asks = is_numbered and plain.endswith("~")
        ways = [f"{plain} no", f"no {plain}", f"{plain} +"] if is_numbered and not asks else [plain]
        listed += [(f" {way} ".replace(" ~", "").replace("~ ", ""), asks, name) for way in ways]
    return listed


__all__ = ["find_words", "read_words"]
