"""The unknown words of an export as a table of the codebook, in which only their meaning is left to write."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence

from outcomes.definitions import Codebook
from outcomes.definitions.tables import ID_TABLES, OWN_WORDS
from outcomes.definitions.terms import normalise_term, take_dose, take_side
from outcomes.files.cells import guard
from outcomes.records.inspect_terms import TERM_KINDS, UnknownTerms

_HEADER = ("table", "term", "means", "choices")
_MUSCLES = ("muscles_identified", "muscles_treated")
_BARE: dict[str, Callable[[str], str]] = {
    "modalities.csv": take_dose,
    **dict.fromkeys(("muscles.csv", "regions.csv", "radiation.csv"), lambda key: take_side(key)[1]),
}
"""Table -> what is left of a word once it is looked up again: doses and sides are read by themselves."""


def list_open_words(unknown: Sequence[UnknownTerms]) -> list[tuple[str, str]]:
    """Return table and word of what is unknown and may be shown, the commonest of each field first, each once.

    Codes of procedures and diagnoses are none: their tables say more than what a word means.

    Parameters
    ----------
    unknown : sequence of UnknownTerms
    """
    words: dict[tuple[str, str], str] = {}
    for terms in unknown:
        table = _find_table(terms.field)
        for word, _ in terms.shown:
            key = normalise_term(word)
            bare = _BARE.get(table, str)(key)
            if table and bare and "|" not in word:
                words.setdefault((table, bare), word if bare == key else bare)
    return [(table, word) for (table, _), word in words.items()]


def write_own_words(words: Sequence[tuple[str, str]], codebook: Codebook, delimiter: str = ",") -> str:
    """Return the text of ``own_words.csv`` with column ``means`` left empty.

    Parameters
    ----------
    words : sequence of (table, word)
        Of `list_open_words`.
    codebook : Codebook
        Whose ids are the choices.
    delimiter : str
        Of the CSV files this clinic's spreadsheet opens.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerow(_HEADER)
    for table, word in words:
        writer.writerow((table, guard(word), "", " | ".join(_list_ids(table, codebook))))
    return text.getvalue()


def _find_table(field: str) -> str:
    if field in _MUSCLES or field == "modalities":
        return "muscles.csv" if field in _MUSCLES else "modalities.csv"
    return ID_TABLES.get(TERM_KINDS.get(field, field), "")


def _list_ids(table: str, codebook: Codebook) -> tuple[str, ...]:
    if table == "modalities.csv":
        return codebook.modality_ids
    if table == "muscles.csv":
        return codebook.muscle_ids
    return codebook.ids(next(kind for kind, name in ID_TABLES.items() if name == table))


__all__ = ["OWN_WORDS", "list_open_words", "write_own_words"]
