"""Rows of two exports told apart: those added, those corrected; and the first export with the added rows alone.

An export has no row number that lasts from one quarter to the next; patient and date stand in every one. So a row is
*added* when its patient has no row on that day in the first export, and everything else that differs is *corrected*:
another content on a day that is in both, a row more or less on such a day, a day that is gone. A date that was put
right is both, a row added and a day gone. Dates are compared as days, not as they are written.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from outcomes.records.model import Records, TextColumn
from outcomes.records.text_columns import join_columns, keep_rows

if TYPE_CHECKING:
    from outcomes.cases.contract import Typed
    from outcomes.release.diff_inputs import Ingredients

_DAYS = np.int64(1) << np.int64(32)


@dataclass(frozen=True)
class RowChanges:
    """How the records of one release became those of another.

    Attributes
    ----------
    is_added : ndarray of bool, shape (rows of the second,)
    n_added, n_corrected_days, n_gone_days : int
        Rows added; patients' days in both whose rows differ; patients' days no longer there.
    n_repeated_days : int
        Patients' days in both with the same rows, more or fewer times: files of quarters that overlap.
    same_reading : bool
        Whether both are read by the same mapping, what decides no number and the data cut aside.
    """

    is_added: NDArray[np.bool_]
    n_added: int
    n_corrected_days: int
    n_gone_days: int
    n_repeated_days: int
    same_reading: bool

    @property
    def is_corrected(self) -> bool:
        """Whether a row that was there before is another now, or gone, or there more or less often."""
        return bool(self.n_corrected_days or self.n_gone_days or self.n_repeated_days)


def compare_rows(old: Ingredients, new: Ingredients) -> RowChanges:
    """Tell rows added from rows corrected (this module's docstring)."""
    keys_old, keys_new = _find_keys(old, new)
    is_added = ~np.isin(keys_new, keys_old)
    hashes = [_hash_rows(parts.records, _fields(old.records, new.records)) for parts in (old, new)]
    sums_old, sums_new = (_sum_by(keys, found) for keys, found in zip((keys_old, keys_new), hashes, strict=True))
    once_old, once_new = (_sum_by(*_drop_repeats(*one)) for one in zip((keys_old, keys_new), hashes, strict=True))
    both = sums_old.keys() & sums_new.keys()
    n_corrected = sum(once_old[key] != once_new[key] for key in both)
    n_unequal = sum(sums_old[key] != sums_new[key] or once_old[key] != once_new[key] for key in both)
    return RowChanges(
        is_added,
        int(is_added.sum()),
        n_corrected,
        len(sums_old.keys() - sums_new.keys()),
        n_unequal - n_corrected,
        _reading(old.records) == _reading(new.records),
    )


def _reading(records: Records) -> str:
    """How rows are read: not who may see them, what is acknowledged of them, or in which folder the mapping lies."""
    mapping = records.mapping
    return dataclasses.replace(mapping, dates=dataclasses.replace(mapping.dates, data_cut=None)).hash


def _find_keys(old: Ingredients, new: Ingredients) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """One number a row for patient and day, the same in both exports; a day that cannot be read is a day of its own."""
    from outcomes.cases.contract import type_records

    typed = [type_records(parts.records, parts.protocol, parts.codebook) for parts in (old, new)]
    names = pa.concat_arrays([one.labels["patient"].cast(pa.string()) for one in typed]).unique()
    found = [_key(one, names) for one in typed]
    return found[0], found[1]


def _key(typed: Typed, names: pa.StringArray) -> NDArray[np.int64]:
    place = pc.index_in(typed.labels["patient"].cast(pa.string()), value_set=names).to_numpy(zero_copy_only=False)
    places = np.append(place.astype(np.int64), -1)  # no patient: code -1 is the last place
    return places[typed.columns["patient"]] * _DAYS + typed.columns["day"].astype(np.int64)


def _fields(old: Records, new: Records) -> list[str]:
    return [*dict.fromkeys([*old.fields, *new.fields]), *dict.fromkeys([*old.modality_flags, *new.modality_flags])]


def _hash_rows(records: Records, names: list[str]) -> NDArray[np.uint64]:
    """One number a row for everything in it; a field the export lacks is empty."""
    import pandas as pd

    total = np.zeros(records.n, dtype=np.uint64)
    columns = {**records.fields, **records.modality_flags}
    for name in names:
        total *= np.uint64(0x9E3779B97F4A7C15)
        if name in columns:
            words = pc.utf8_trim_whitespace(columns[name].values).to_numpy(zero_copy_only=False)
            total += pd.util.hash_array(words, categorize=False)[columns[name].codes]
        else:
            total += pd.util.hash_array(np.array([""], dtype=object), categorize=False)[0]
    return total


def _drop_repeats(keys: NDArray[np.int64], hashes: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """Each different row of a patient's day once."""
    order = np.lexsort((hashes, keys))
    keys, hashes = keys[order], hashes[order]
    is_first = np.r_[True, (keys[1:] != keys[:-1]) | (hashes[1:] != hashes[:-1])][: keys.size]
    return keys[is_first], hashes[is_first]


def _sum_by(keys: NDArray[np.int64], hashes: NDArray[np.uint64]) -> dict[int, int]:
    """Key -> one number for all of its rows, whatever their order."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if ordered.size else np.zeros(0, np.intp)
    sums = np.add.reduceat(hashes[order], starts) if starts.size else hashes[:0]
    return dict(zip(ordered[starts].tolist(), sums.tolist(), strict=True))


def with_added_rows(old: Ingredients, new: Ingredients, changes: RowChanges) -> Ingredients:
    """Return the first release's records and the rows added in the second, which also says how far they reach.

    Only of two exports that are read alike (`RowChanges.same_reading`): others' cells cannot stand under each other.
    """
    records = _join(old.records, _keep(new.records, changes.is_added))
    return dataclasses.replace(old, records=records, as_of=new.as_of, quarter=new.quarter)


def _keep(records: Records, rows: NDArray[np.bool_]) -> Records:
    return dataclasses.replace(
        records,
        fields={name: keep_rows(column, rows) for name, column in records.fields.items()},
        modality_flags={name: keep_rows(column, rows) for name, column in records.modality_flags.items()},
        source=records.source[rows],
        source_row=records.source_row[rows],
    )


def _join(old: Records, added: Records) -> Records:
    """Records under each other. The account of reading is the first one's: nobody is shown that of a mixture."""

    def join(name: str, left: dict[str, TextColumn], right: dict[str, TextColumn]) -> TextColumn:
        return join_columns([left.get(name) or _empty(old.n), right.get(name) or _empty(added.n)])

    names = dict.fromkeys([*old.fields, *added.fields])
    flags = dict.fromkeys([*old.modality_flags, *added.modality_flags])
    return dataclasses.replace(
        old,
        fields={name: join(name, old.fields, added.fields) for name in names},
        modality_flags={name: join(name, old.modality_flags, added.modality_flags) for name in flags},
        source=np.concatenate([old.source, (added.source + np.int16(len(old.files))).astype(np.int16)]),
        source_row=np.concatenate([old.source_row, added.source_row]),
        files=(*old.files, *added.files),
        mapping=added.mapping,
    )


def _empty(n: int) -> TextColumn:
    from outcomes import arrow

    return TextColumn(arrow.from_texts([""]), np.zeros(n, np.int32))
