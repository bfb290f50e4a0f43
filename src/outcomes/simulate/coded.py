"""Columns of text as distinct values and codes; writing a million cells then costs a look-up, not a format."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from outcomes.simulate.world import Array


@dataclass(frozen=True, slots=True)
class Coded:
    """A column of text: cell i is ``values[codes[i]]``. ``values`` need not be distinct; an empty cell is ``""``."""

    values: tuple[str, ...]
    codes: Array

    def cells(self) -> Array:
        """All cells as an object array of text, shape (n,)."""
        return np.array(self.values, dtype=object)[self.codes]

    def take(self, rows: Array) -> Coded:
        """Cells `rows`, in that order."""
        return Coded(self.values, self.codes[rows])

    def replaced(self, rows: Array, texts: Sequence[str]) -> Coded:
        """The column with other texts in cells `rows`."""
        distinct = tuple(dict.fromkeys(texts))
        position = {text: len(self.values) + i for i, text in enumerate(distinct)}
        codes = self.codes.copy()
        codes[rows] = [position[text] for text in texts]
        return Coded(self.values + distinct, codes)

    def texts_at(self, rows: Array) -> list[str]:
        """Texts of cells `rows`."""
        values = self.values
        return [values[code] for code in self.codes[rows].tolist()]


def code_keys(keys: Array, spell: Callable[[int], str]) -> Coded:
    """Spell each distinct key once. A negative key is an empty cell."""
    distinct, codes = np.unique(keys, return_inverse=True)
    values = tuple("" if key < 0 else spell(key) for key in distinct.tolist())
    return Coded(values, codes.astype(np.int32))


def code_words(keys: Array, style: Array, words: Sequence[Sequence[str]]) -> Coded:
    """Spell word `keys` (position in `words`, negative = empty cell) in the habit `style`."""
    styles = len(words[0])
    values = tuple(spelling for word in words for spelling in word)
    return Coded(("", *values), np.where(keys < 0, 0, 1 + keys * styles + style).astype(np.int32))


def join(parts: Sequence[Coded]) -> Coded:
    """Columns below one another."""
    values = tuple(dict.fromkeys(text for part in parts for text in part.values))
    position = {text: i for i, text in enumerate(values)}
    codes = [np.array([position[text] for text in part.values], dtype=np.int32)[part.codes] for part in parts]
    return Coded(values, np.concatenate(codes))
