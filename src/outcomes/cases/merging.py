"""Records into order, and several records of a patient, stream and day into one.

The records of a day stand in the order of their times. Where no time was recorded they stand in the order of falling
pain before treatment, for treatment is meant to lower it, and of what else they say: never in that of the file, which
an export sorted by something else would change.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from outcomes.cases.rules import TOLD_TWICE, Fault
from outcomes.cases.schema import MISSING, Columns
from outcomes.cases.suspicions import say_count
from outcomes.ledger import Step

if TYPE_CHECKING:
    from outcomes.records import Records

Rows = NDArray[np.intp]
Flags = NDArray[np.bool_]

_UNITED = frozenset(
    ["modalities", *(f"muscles_{kind}_{side}" for kind in ("identified", "treated") for side in ("left", "right"))]
)
_ANY = frozenset(["modality_unknown", "is_first_exam", "is_maintenance"])
_LAST = frozenset(["pain_post", "discharge_reason"])
_FALLING = ("pain_pre", "pain_post")
_KEY = ("patient", "stream", "day")
_MIX = np.uint64(0x9E3779B97F4A7C15)  # odd, so multiplying loses nothing


@dataclass(frozen=True, slots=True)
class Groups:
    """Records in patient, stream and day order and, of a day, as the module says, cut into visits.

    ``rows`` (n,) are the records; ``is_new`` (n,) marks the first of each visit; ``starts`` and ``sizes`` (v,) say
    where a visit's records stand in ``rows``, and ``firsts`` (v,) which record is its first. ``several`` are the
    few visits with more than one record; ``places`` are the positions of their records and ``begins`` where each
    visit's begin among these.
    """

    rows: Rows
    is_new: Flags
    starts: Rows
    sizes: Rows
    firsts: Rows
    several: Rows
    places: Rows
    begins: Rows

    @classmethod
    def of(cls, rows: Rows, is_new: Flags) -> Groups:
        """Cut ordered records where a visit begins."""
        starts = np.flatnonzero(is_new)
        sizes = np.diff(starts, append=len(rows))
        several = np.flatnonzero(sizes > 1)
        begins = np.cumsum(sizes[several]) - sizes[several]
        places = np.arange(int(sizes[several].sum())) + np.repeat(starts[several] - begins, sizes[several])
        return cls(rows, is_new, starts, sizes, rows[starts], several, places, begins)


def group_records(columns: Columns, kept: Rows) -> Groups:
    """Order the kept records and cut them into visits.

    One integer key a record (patient, stream, day, file row) is sorted where it fits into 64 bits and no time of day
    is recorded; that is several times faster than sorting by four columns.
    """
    bits = _key_bits(columns, kept)
    if bits is None:
        return _order_days(columns, _group_by_columns(columns, kept))
    bits_day, bits_row, first_day = bits
    # Built for all records, for records set aside may hold anything: their keys are dropped before the sort.
    key = columns["patient"].astype(np.uint64)
    key <<= np.uint64(2)
    key |= columns["stream"].astype(np.uint64)
    key <<= np.uint64(bits_day)
    key |= (columns["day"] - first_day).astype(np.uint64)
    key <<= np.uint64(bits_row)
    key |= np.arange(len(key), dtype=np.uint64)
    if len(kept) < len(key):
        key = key[kept]
    key.sort()
    rows = (key & np.uint64((1 << bits_row) - 1)).view(np.intp)
    key >>= np.uint64(bits_row)
    is_new = np.ones(len(key), dtype=np.bool_)
    np.not_equal(key[1:], key[:-1], out=is_new[1:])
    return _order_days(columns, Groups.of(rows, is_new))


def _key_bits(columns: Columns, kept: Rows) -> tuple[int, int, int] | None:
    if "minute" in columns or not len(kept):
        return None
    day, n = columns["day"][kept], len(columns["day"])
    first_day = int(day.min())
    bits_row = max(1, n.bit_length())
    bits_day = max(1, int(day.max() - first_day).bit_length())
    bits_patient = int(columns["patient"].max()).bit_length()
    return (bits_day, bits_row, first_day) if bits_patient + 2 + bits_day + bits_row <= 64 else None


def _group_by_columns(columns: Columns, kept: Rows) -> Groups:
    minute = columns.get("minute", np.zeros(len(columns["day"]), dtype=np.int16))
    keys: list[NDArray[Any]] = [kept, minute[kept], *(columns[name][kept] for name in ("day", "stream", "patient"))]
    rows = kept[np.lexsort(keys)]
    is_new = np.ones(len(rows), dtype=np.bool_)
    is_new[1:] = np.any([np.diff(columns[name][rows]) != 0 for name in _KEY], axis=0)
    return Groups.of(rows, is_new)


def _order_days(columns: Columns, groups: Groups) -> Groups:
    """Put the records of each day into order, where they differ in anything that is not united."""
    visit = np.repeat(np.arange(groups.several.size), groups.sizes[groups.several])
    rows = groups.rows[groups.places]
    differ = np.zeros(groups.several.size, dtype=np.bool_)
    same_day = np.flatnonzero(visit[1:] == visit[:-1])
    told = []
    for name in dict.fromkeys([*_FALLING, *columns]):
        if name not in columns or name in {*_KEY, *_UNITED, *_ANY, "minute"}:
            continue
        values = columns[name][rows]
        unlike = visit[same_day[values[same_day] != values[same_day + 1]]]
        differ[unlike] = True
        told += [name] if unlike.size else []
    chosen = np.flatnonzero(differ[visit])
    if not chosen.size:
        return groups
    rows = rows[chosen]
    keys = [_rank(name, columns[name][rows]) for name in told]
    times = [_times(columns["minute"][rows], visit[chosen])] if "minute" in columns else []
    ordered = groups.rows.copy()
    ordered[groups.places[chosen]] = rows[np.lexsort([*keys[::-1], *times, visit[chosen]])]
    return replace(groups, rows=ordered, firsts=ordered[groups.starts])


def _times(minutes: NDArray[Any], visit: NDArray[np.intp]) -> NDArray[Any]:
    """The times of day records are ordered by: none on a day where one of the records has none."""
    lacks_one = np.zeros(int(visit.max()) + 1, dtype=np.bool_)
    lacks_one[visit[minutes < 0]] = True
    return np.where(lacks_one[visit], MISSING, minutes)


def _rank(name: str, values: NDArray[Any]) -> NDArray[Any]:
    """What a column is sorted by: ratings fall, those missing come last."""
    return np.where(_missing(values), np.inf, -values.astype(np.float64)) if name in _FALLING else values


def merge_records(records: Records, columns: Columns, groups: Groups) -> tuple[Columns, list[Step]]:
    """Make one row a visit of every column, and account for the records by file.

    The columns are worked on in threads (numpy releases the interpreter while it copies) and given back one by one, for
    each is as long as the export.
    """
    names = [name for name in columns if name != "minute"]
    with ThreadPoolExecutor() as pool:
        account = pool.submit(_account, records, groups)
        merged = dict(zip(names, pool.map(lambda name: _merge(name, columns.pop(name), groups), names), strict=True))
    merged["n_records"] = groups.sizes.astype(np.int32)
    merged["source"] = records.source[groups.firsts]
    merged["source_row"] = records.source_row[groups.firsts]
    return merged, account.result()


def find_told_twice(
    columns: Columns, groups: Groups, also_unlike: bool = False, file: NDArray[Any] | None = None
) -> list[Fault]:
    """Find the records of one day that state different ratings, where no time tells one treatment from the next.

    Parameters
    ----------
    columns : dict of ndarray, shape (n,)
    groups : Groups
    also_unlike : bool
        Whether records that differ in more than their ratings are found too; they may be several treatments of a day.
    file : ndarray, shape (n,), optional
        The file of each record, where those of another are known to be other treatments.

    Returns
    -------
    list of (field, rule code, rows)
        Of each rating, the records that state one on such a day.
    """
    if not groups.several.size:
        return []
    rows = groups.rows[groups.places]
    visit = np.repeat(np.arange(groups.several.size), groups.sizes[groups.several])
    apart = _have_times(columns, rows, visit, groups)
    others = [] if also_unlike else [columns[name] for name in columns if name not in {*_KEY, *_FALLING}]
    others += [] if file is None else [file]
    found = []
    for name in _FALLING:
        if name not in columns:
            continue
        highest, lowest = _range_ratings(columns[name][rows], groups)
        torn = (highest >= 0) & (highest != lowest) & ~apart
        at = np.flatnonzero(torn[visit] & (columns[name][rows] >= 0))
        stated = rows[at]
        hit = stated[_differ_within([visit[at], *(other[stated] for other in others)], columns[name][stated])]
        found += [(name, TOLD_TWICE, hit)] if hit.size else []
    return found


def _have_times(columns: Columns, rows: Rows, visit: Rows, groups: Groups) -> Flags:
    """Visits each of whose records has a time of its own."""
    apart = np.zeros(groups.several.size, dtype=np.bool_)
    if "minute" not in columns:
        return apart
    minutes = columns["minute"][rows]
    apart[:] = np.minimum.reduceat(minutes, groups.begins) >= 0
    ordered = np.lexsort((minutes, visit))
    alike = np.flatnonzero((np.diff(visit[ordered]) == 0) & (np.diff(minutes[ordered]) == 0))
    apart[visit[ordered][alike]] = False
    return apart


def _differ_within(keys: list[NDArray[Any]], ratings: NDArray[Any]) -> Rows:
    """Positions of records that are equal in all keys to one with another rating."""
    if not ratings.size:
        return np.zeros(0, dtype=np.intp)
    keys = [np.nan_to_num(key, nan=-1.0) if key.dtype.kind == "f" else key for key in keys]  # NaN is no other value
    order = np.lexsort(keys[::-1])
    begins = 1 + np.flatnonzero(np.any([key[order[1:]] != key[order[:-1]] for key in keys], axis=0))
    begins = np.concatenate([[0], begins])
    ordered = ratings[order]
    torn = np.maximum.reduceat(ordered, begins) != np.minimum.reduceat(ordered, begins)
    return np.sort(order[np.repeat(torn, np.diff(begins, append=order.size))])


def _range_ratings(ratings: NDArray[Any], groups: Groups) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Highest and lowest rating of each visit of several records; the highest is negative where there is none."""
    ratings = ratings.astype(np.int32)
    highest = np.maximum.reduceat(ratings, groups.begins)
    return highest, np.minimum.reduceat(np.where(ratings < 0, np.iinfo(np.int32).max, ratings), groups.begins)


def tell_disagreements(columns: Columns, groups: Groups) -> list[str]:
    """Say at how many visits the records of one day state different ratings, and which one was taken."""
    notes = []
    rows = groups.rows[groups.places]
    falling = "by falling pain before treatment"
    order = f"{falling}, no time being recorded"
    if "minute" in columns:
        lacks_some = bool((columns["minute"][rows] < 0).any())
        order = f"by time, or {falling} where one of the day has no time" if lacks_some else "by time"
    for name, taken in (("pain_pre", "first"), ("pain_post", "last")):
        if name not in columns or not rows.size:
            continue
        highest, lowest = _range_ratings(columns[name][rows], groups)
        if n := int(((highest >= 0) & (highest != lowest)).sum()):
            notes.append(
                f"{name}: {say_count(n)} visits have records that state different ratings; the {taken} was used, "
                f"{order}"
            )
    return notes


def _merge(name: str, values: NDArray[Any], groups: Groups) -> NDArray[Any]:
    merged = values[groups.firsts]
    if name in _KEY or not groups.several.size:
        return merged
    if name in _UNITED or name in _ANY:
        unite = np.bitwise_or if name in _UNITED else np.logical_or
        merged[groups.several] = unite.reduceat(values[groups.rows[groups.places]], groups.begins)
    else:
        _settle(merged, values, groups, from_last=name in _LAST)
    return merged


def _settle(merged: NDArray[Any], values: NDArray[Any], groups: Groups, from_last: bool) -> None:
    """Put the first recorded value of each visit, or the last, in its place.

    The loop is over the position inside a visit, not over visits: almost all are settled by one record.
    """
    starts, sizes, waiting = groups.starts, groups.sizes, groups.several
    if from_last:
        merged[waiting] = values[groups.rows[starts[waiting] + sizes[waiting] - 1]]
    looked = 1
    while True:
        waiting = waiting[_missing(merged[waiting])]
        waiting = waiting[sizes[waiting] > looked]
        if not waiting.size:
            return
        place = starts[waiting] + (sizes[waiting] - 1 - looked if from_last else looked)
        merged[waiting] = values[groups.rows[place]]
        looked += 1


def _missing(values: NDArray[Any]) -> Flags:
    return np.isnan(values) if values.dtype.kind == "f" else values == MISSING


def _account(records: Records, groups: Groups) -> list[Step]:
    duplicate = _find_exact_duplicates(records, groups)
    steps = []
    for number, file in enumerate(records.files):
        of_file = records.source[groups.rows] == number
        n_in, n_kept = int(of_file.sum()), int((of_file & groups.is_new).sum())
        n_same = int(of_file[duplicate].sum())
        merged = {"exact duplicate": n_same, "same patient, stream and day": n_in - n_kept - n_same}
        steps.append(Step("merge", "records", n_in, n_kept, merged=merged, source=file.place))
    return steps


def _find_exact_duplicates(records: Records, groups: Groups) -> Rows:
    """Positions of records equal in every field read to an earlier record of their visit."""
    places = groups.places
    if not places.size:
        return places
    rows = groups.rows[places]
    visit = np.repeat(np.arange(len(groups.several), dtype=np.uint64), groups.sizes[groups.several])
    texts = [column.codes[rows] for column in (*records.fields.values(), *records.modality_flags.values())]
    mixed = visit.copy()
    for codes in texts:
        mixed = (mixed ^ codes.astype(np.uint64)) * _MIX
    # The mix only brings equal records together within their visit; every field is then compared.
    bits = np.uint64(max(1, len(groups.several).bit_length()))
    ranked = np.argsort((visit << (np.uint64(64) - bits)) | (mixed >> bits), kind="stable")
    same = visit[ranked][1:] == visit[ranked][:-1]
    for codes in texts:
        same &= codes[ranked][1:] == codes[ranked][:-1]
    return places[ranked[1:][same]]
