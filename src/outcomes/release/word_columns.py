"""Tell columns of words from columns of numbers in the tables of a notebook's page.

pandas writes a table with nothing that tells them apart, so words would stand to the right as numbers do, on one line
each: a definition then runs out of the page. A column counts as words where a cell holds any besides the marks that
stand in place of a number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from bleach.html5lib_shim import Filter

from outcomes.release.marks import HIDDEN

WORDS = "words"
"""Class of the heads and cells of such a column."""
_NO_WORDS = {HIDDEN, "too early", "nan", "nat", "none", "inf", "-inf", "true", "false", "..."}
_LETTERS = re.compile(r"[^\W\d_]{2}")

Token = dict[str, Any]


class WordColumns(Filter):  # type: ignore[misc]
    """A filter of `bleach.Cleaner`: pass the tokens on, those of a table with its columns of words marked."""

    def __iter__(self) -> Iterator[Token]:
        """Pass on what stands outside of tables as it comes."""
        table: list[Token] | None = None
        for token in super().__iter__():
            if table is None and _is(token, "StartTag", "table"):
                table = []
            if table is None:
                yield token
                continue
            table.append(token)
            if _is(token, "EndTag", "table"):
                yield from mark_words(table)
                table = None
        yield from table or ()


def mark_words(table: list[Token]) -> list[Token]:
    """Give the cells of columns of words, and what heads them, the class `WORDS`, in place.

    Columns are counted from the end of a row, for heads of rows may span several at its beginning.
    """
    rows = list(_read_rows(table))
    wordy = {-1 - place for row in rows for place, (cell, text) in enumerate(reversed(row)) if _has_words(cell, text)}
    for row in rows:
        for place, (cell, _) in enumerate(reversed(row)):
            if -1 - place in wordy:
                own = cell["data"].get((None, "class"), "")
                cell["data"][None, "class"] = f"{own} {WORDS}".strip()
    return table


def _read_rows(table: list[Token]) -> Iterator[list[tuple[Token, str]]]:
    """The cells of each row, each with its text."""
    row: list[tuple[Token, str]] = []
    for token in table:
        if _is(token, "StartTag", "tr"):
            row = []
        elif _is(token, "StartTag", "th") or _is(token, "StartTag", "td"):
            row.append((token, ""))
        elif _is(token, "EndTag", "tr"):
            yield row
        elif row and token["type"] in ("Characters", "SpaceCharacters"):
            cell, text = row[-1]
            row[-1] = (cell, text + token["data"])


def _has_words(cell: Token, text: str) -> bool:
    """Whether a cell of the body holds words."""
    return bool(cell["name"] == "td" and text.strip().lower() not in _NO_WORDS and _LETTERS.search(text))


def _is(token: Token, kind: str, name: str) -> bool:
    return token["type"] == kind and token["name"] == name
