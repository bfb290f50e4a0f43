"""Cells that hold words: split distinct cells into distinct terms, look those up once, put the cells together again."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from outcomes import arrow
from outcomes.cases.schema import MISSING, first_known
from outcomes.definitions.terms import index_distinct

if TYPE_CHECKING:
    from outcomes.definitions import Codebook
    from outcomes.records import TextColumn
    from outcomes.records.mapping import Mapping

# A visit that did not take place is not a visit, whatever else is ticked; a first examination outranks what follows it.
PURPOSE_RANK = ("no_show", "cancelled", "first_exam", "maintenance", "discharge", "re_exam", "treatment")


@dataclass(frozen=True, slots=True)
class Terms:
    """The distinct terms of a column's distinct cells.

    ``words`` has shape (t,); ``codes`` (k,) names the term at each place of each cell; ``starts`` and ``sizes``
    (m,) say which places belong to which cell; ``records`` (t,) counts the records a term stands in; ``blank`` (t,)
    marks empty terms and declared missing marks.
    """

    words: list[str]
    codes: NDArray[np.int32]
    starts: NDArray[np.intp]
    sizes: NDArray[np.intp]
    records: NDArray[np.intp]
    blank: NDArray[np.bool_]

    def count_unknown(
        self,
        known: NDArray[np.bool_],
        cell_of_record: NDArray[np.int32],
        patient: NDArray[np.int32],
        used: NDArray[np.bool_],
        split: Callable[[Sequence[str]], list[list[str]]] | None = None,
    ) -> list[tuple[str, int, int]]:
        """Terms looked up in vain, with the records and the patients of those used they stand at, commonest first.

        Where the codebook reads a text part by part, `split` names the parts of it that are unknown.
        """
        unknown = ~known & ~self.blank
        if not unknown.any():
            return []
        rows = np.flatnonzero(self.any_of(unknown)[cell_of_record] & used)
        if not rows.size:
            return []
        parts = self._list_parts(unknown, split)
        cells = cell_of_record[rows]
        term = self.codes[self.places_of(cells)[0]]
        part = parts.codes[parts.places_of(term)[0]].astype(np.int64)
        row = np.repeat(np.repeat(rows, self.sizes[cells]), parts.sizes[term])
        part, row = part[patient[row] >= 0], row[patient[row] >= 0]
        records, patients = (_count_different(part, of, len(parts.words)) for of in (row, patient[row]))
        found = [(parts.words[i], int(records[i]), int(patients[i])) for i in np.flatnonzero(records)]
        return sorted(found, key=lambda item: (-item[1], item[0]))

    def _list_parts(
        self, unknown: NDArray[np.bool_], split: Callable[[Sequence[str]], list[list[str]]] | None
    ) -> Terms:
        """The unknown parts of each term as terms of a cell; of a known term there is none."""
        places = np.flatnonzero(unknown)
        words = [self.words[i] for i in places]
        parts = split(words) if split else [[word] for word in words]
        distinct, codes = index_distinct(chain.from_iterable(parts))
        sizes = np.zeros(len(self.words), np.intp)
        sizes[places] = [len(own) for own in parts]
        none = np.zeros(len(distinct), np.intp)
        return Terms(distinct, np.array(codes, np.int32), np.cumsum(sizes) - sizes, sizes, none, none.astype(np.bool_))

    def any_of(self, flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """For each cell, whether any of its terms carries the flag; shape (m,)."""
        return np.logical_or.reduceat(flags[self.codes], self.starts)

    def union(self, masks: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """For each cell, the union of its terms' masks; shape (m,)."""
        return np.bitwise_or.reduceat(masks[self.codes], self.starts)

    def first(self, ids: NDArray[Any]) -> NDArray[Any]:
        """For each cell, the id of its first recognised term; shape (m,)."""
        return first_known(ids[self.codes], self.starts, self.sizes)

    def places_of(self, cells: NDArray[np.signedinteger]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Places in `codes` of the terms of the cells given, one after the other, and where each cell's begin."""
        sizes = self.sizes[cells]
        begins = np.cumsum(sizes) - sizes
        places = np.arange(int(sizes.sum())) + np.repeat(self.starts[cells] - begins, sizes)
        return places, begins

    def least(self, keys: NDArray[Any]) -> NDArray[Any]:
        """For each cell, the smallest key among its terms; shape (m,)."""
        return np.minimum.reduceat(keys[self.codes], self.starts)


def _count_different(of: NDArray[np.int64], values: NDArray[np.integer], n: int) -> NDArray[np.intp]:
    """Different values beside each of the numbers 0 to n - 1; shape (n,)."""
    width = int(values.max(initial=0)) + 1
    pairs, _ = arrow.encode(of * width + values)
    return np.bincount(pairs // width, minlength=n)


def split_terms(column: TextColumn, mapping: Mapping) -> Terms:
    """Split every distinct cell at the declared separators and list the distinct terms."""
    cells = column.values
    pattern = "|".join(re.escape(mark) for mark in mapping.values.separators)
    lists = pc.split_pattern_regex(cells, pattern) if pattern else pc.split_pattern(cells, "\x1f")
    encoded = pc.utf8_trim_whitespace(lists.flatten()).dictionary_encode()
    words = encoded.dictionary.to_pylist()
    codes = arrow.to_numpy(encoded.indices, np.int32)
    offsets = arrow.to_numpy(lists.offsets, np.int32).astype(np.intp)
    offsets = offsets - offsets[0]
    sizes = np.diff(offsets)
    in_records = np.bincount(column.codes, minlength=len(cells))
    records = np.bincount(codes, weights=np.repeat(in_records, sizes), minlength=len(words)).astype(np.intp)
    blank = np.array([not word or word in mapping.values.missing for word in words], dtype=np.bool_)
    return Terms(words, codes, offsets[:-1], sizes, records, blank)


Looked = tuple[NDArray[np.int16], Terms, NDArray[np.bool_]]
"""Ids of the distinct cells (m,), the terms they were made of, and which terms are known (t,)."""


def find_first_ids(column: TextColumn, kind: str, mapping: Mapping, codebook: Codebook) -> Looked:
    """Look up single-valued words; a cell with several keeps the first that is known."""
    terms = split_terms(column, mapping)
    ids = codebook.find_ids(kind, terms.words)
    ids[terms.blank] = MISSING
    return terms.first(ids), terms, ids >= 0


def find_purposes(column: TextColumn, mapping: Mapping, codebook: Codebook) -> Looked:
    """Look up visit purposes; of several ticked in one cell the one that decides most is kept (`PURPOSE_RANK`)."""
    terms = split_terms(column, mapping)
    ids = codebook.find_ids("purpose", terms.words)
    ids[terms.blank] = MISSING
    names = codebook.ids("purpose")
    rank_of_id = np.array([PURPOSE_RANK.index(name) for name in names] + [len(PURPOSE_RANK)], dtype=np.int16)
    id_of_rank = np.array([names.index(name) for name in PURPOSE_RANK] + [MISSING], dtype=np.int16)
    return id_of_rank[terms.least(rank_of_id[ids])], terms, ids >= 0


def sort_labels(values: pa.StringArray, blanks: Sequence[str]) -> tuple[pa.StringArray, NDArray[np.int32]]:
    """Trim and sort distinct labels.

    Returns
    -------
    labels : pyarrow.StringArray, shape (k,)
        Sorted, without the blanks.
    codes : ndarray of int32, shape (m,)
        Position of each value's label; -1 for a blank.
    """
    trimmed = pc.utf8_trim_whitespace(values)
    labels, positions = trimmed, np.arange(len(values), dtype=np.int32)
    if not trimmed.equals(values):  # only trimming can make two distinct labels one
        encoded = trimmed.dictionary_encode()
        labels, positions = encoded.dictionary, arrow.to_numpy(encoded.indices, np.int32)
    order = arrow.to_numpy(pc.sort_indices(labels), np.uint64).astype(np.intp)
    is_blank = pc.is_in(labels, value_set=arrow.from_texts(["", *blanks]))
    blank = np.array(is_blank.to_pylist(), dtype=np.bool_) if pc.any(is_blank).as_py() else np.zeros(len(labels), bool)
    kept = order[~blank[order]]
    rank = np.full(len(labels), MISSING, dtype=np.int32)
    rank[kept] = np.arange(len(kept), dtype=np.int32)
    taken = labels.take(arrow.from_numpy(kept.astype(np.int64)))
    return taken, rank[positions]
