"""What is odd about whole files: ids that no longer meet, dates four years early, a file that says nothing new.

No row is wrong by itself here, so none is set aside; a reader is told, and some of it stops a report until somebody
has looked (`acceptance`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from outcomes import arrow
from outcomes.cases.dates import day_number, is_turned, quarter_word
from outcomes.cases.overlaps import find_overlaps
from outcomes.cases.schema import MISSING
from outcomes.errors import Finding
from outcomes.records.columns import show_header
from outcomes.records.patient_ids import NO_IDS, fold_ids

if TYPE_CHECKING:
    import pyarrow as pa

    from outcomes.cases.schema import Columns
    from outcomes.ledger import Step
    from outcomes.records import Records

Rows = NDArray[np.intp]
_EARLY_DAYS, _NEAR_DAYS, _LONG_DAYS = 28, 31, 56
_LEAST_PATIENTS, _EXPECTED_SHARE, _MOST_CHANCE = 10, 0.2, 0.8**30
_DAYS_1904, _QUARTER_DAYS, _YEAR_DAYS = 1_462, 92, 366
_OWN_QUARTER_SHARE, _LEAST_RECORDS = 0.9, 50
_LEAST_REPEATED = 20
_LEAST_TURNED, _SHARE_TURNED, _MONTHS = 10, 0.1, 12
_MANY_RECORDS = 50
_MANY_IDS, _ALIKE_SHARE = 100, 0.99
_CLASSES = (r"\p{Nd}+", r"\p{Lu}+", r"[\p{Ll}\p{Lt}\p{Lm}\p{Lo}]+")
_SHAPES = {"dmy": "day/month", "mdy": "month/day"}
_FEW = 5


def find_suspicions(
    records: Records, columns: Columns, kept: Rows, merge_steps: list[Step], ids: pa.StringArray
) -> list[Finding]:
    """Find what is odd about files as a whole.

    Parameters
    ----------
    records : Records
    columns : dict of ndarray, shape (n,)
        Typed records, with ``patient`` and ``day``.
    kept : ndarray of int
        Records that became visits.
    merge_steps : list of Step
        The account of merging, a step a file.
    ids : pyarrow.StringArray
        What ``patient`` counts.

    Returns
    -------
    list of Finding
        E209 ids do not meet, E224 ids that say there is none, E220 dates 1,462 days early, E222 visits of other
        quarters, E272 nothing new, E285 dates of another order than the declared one, E286 dates that a
        spreadsheet turned, E225 codes of clinics or clinicians that may be slips, E226 ids that may be, E227
        ids that no two visits share, and those of `find_overlaps`.
    """
    found = [*_find_repeated(merge_steps), *_find_no_ids(records, columns["patient"][kept], ids)]
    found += _find_never_again(records, columns["patient"][kept])
    found += [*_find_odd_codes(records, kept), *_find_odd_ids(records, columns["patient"][kept], ids)]
    if "visit_date" not in records.fields:
        return found
    files = [kept[records.source[kept] == i] for i in range(len(records.files))]
    days = [columns["day"][rows] for rows in files]
    patients = [columns["patient"][rows] for rows in files]
    names = [file.place for file in records.files]
    found += _find_unlinked(names, days, patients)
    found += _find_shifted(names, days, records)
    found += _find_turned(records, columns["day"])
    found += _find_half_turned(records)
    found += _find_late_arriving(names, days)
    found += find_overlaps(records, columns)
    return found


def say_count(n: int) -> str:
    """Write a number of visits or patients for a note, which is published: small ones are not told."""
    return f"{n:,}" if n >= _FEW else f"fewer than {_FEW}"


def say_oddity(warning: Finding) -> str:
    """Write a warning as a note for readers of the results, without its code."""
    return f"{warning.place}: {warning.message}" if warning.place else warning.message


def _find_repeated(merge_steps: list[Step]) -> Iterator[Finding]:
    for step in merge_steps:
        if step.rows_in >= _LEAST_REPEATED and step.merged.get("exact duplicate", 0) == step.rows_in:
            words = f"every one of its {step.rows_in:,} records stands in a file before it: a stale export?"
            yield Finding("E272", words, step.source, "Check that the newest export was given.")


def _find_no_ids(records: Records, patients: NDArray[np.int32], ids: pa.StringArray) -> Iterator[Finding]:
    """Ids that say that there is none, as exports write it: all visits without an id are then one patient's."""
    import pyarrow.compute as pc

    plain = pc.utf8_lower(pc.utf8_trim_whitespace(ids))
    at = arrow.to_numpy(pc.indices_nonzero(pc.is_in(plain, value_set=arrow.from_texts(sorted(NO_IDS)))), np.uint64)
    if not at.size:
        return
    n_of = np.bincount(patients, minlength=len(ids))
    said = {ids[i].as_py().strip(): int(n_of[i]) for i in at.tolist() if n_of[i]}
    if sum(said.values()) <= 1:  # one visit is one patient's, whatever the id
        return
    header, letter = next(f.field_columns["patient_id"] for f in records.files if "patient_id" in f.field_columns)
    listed = ", ".join(f'"{word}" ({say_count(n)} records)' for word, n in sorted(said.items()))
    yield Finding(
        "E224",
        f"ids that say that there is none ({listed}) are each taken for one patient.",
        f'column "{show_header(header)}" ({letter})',
        "If no patient is called so, write them into [values] missing: such rows are set aside (E201).",
    )


def _find_never_again(records: Records, patients: NDArray[np.int32]) -> Iterator[Finding]:
    """Ids of which each stands at one visit: the number of the visit was taken for the patient's, it may be."""
    if patients.size < _MANY_IDS or np.bincount(patients).max() > 1:
        return
    header, letter = next(f.field_columns["patient_id"] for f in records.files if "patient_id" in f.field_columns)
    words = f"each of its {patients.size:,} ids stands at one visit: is it the number of the visit, not of the patient?"
    place = f'column "{show_header(header)}" ({letter})'
    yield Finding("E227", words, place, "Map the column that is the same at all visits of a patient.")


def _find_odd_ids(records: Records, patients: NDArray[np.int32], ids: pa.StringArray) -> Iterator[Finding]:
    """Ids of one record that are written unlike nearly all others (K12l or . among K123): patients by a slip."""
    import pyarrow.compute as pc

    n_of = np.bincount(patients, minlength=len(ids))
    used = np.flatnonzero(n_of)
    if used.size < _MANY_IDS:
        return
    some = ids.take(arrow.from_numpy(used[:: used.size // _MANY_IDS])).to_pylist()
    usual = Counter(map(_write_shape, some)).most_common(1)[0][0]  # of 99 in 100, so of most of any hundred
    fits = np.zeros(len(ids), dtype=np.bool_)
    fits[arrow.to_numpy(pc.indices_nonzero(pc.match_substring_regex(ids, usual)), np.uint64)] = True
    odd = ~fits & (n_of == 1)
    if np.count_nonzero(fits[used]) < _ALIKE_SHARE * used.size or not odd.any():
        return
    header, letter = next(f.field_columns["patient_id"] for f in records.files if "patient_id" in f.field_columns)
    words = f"{say_count(int(odd.sum()))} of its ids stand in a single record and are written unlike the others"
    place = f'column "{show_header(header)}" ({letter})'
    yield Finding(
        "E226",
        f"{words}, and count as patients of their own.",
        place,
        "Mend them in the clinic system if they are slips.",
    )


def _write_shape(text: str) -> str:
    """Return the pattern of ids that are written as this one: the same signs between runs of digits and letters."""
    runs = [(sign, len(list(run))) for sign, run in groupby(text.strip(), _say_class)]
    return rf"^\s*{''.join(sign if sign in _CLASSES else re.escape(sign) * n for sign, n in runs)}\s*$"


def _say_class(sign: str) -> str:
    digits, capitals, letters = _CLASSES
    return digits if sign.isdecimal() else capitals if sign.isupper() else letters if sign.isalpha() else sign


def _find_unlinked(names: list[str], days: list[NDArray[np.int32]], patients: list[NDArray[np.int32]]) -> list[Finding]:
    """Two files that follow each other and share no patient, where patients are known to come on.

    How many of the patients of a month came before it is taken from the end of the earlier file itself: of 10 patients
    of whom half had come before, one in a thousand times nobody is met again by chance.
    """
    filled = [i for i in range(len(names)) if len(days[i])]
    filled.sort(key=lambda i: (int(np.median(days[i])), i))
    found = []
    for a, b in pairwise(filled):
        end, begin = (int(np.percentile(days[i], q, method="nearest")) for i, q in ((a, 99), (b, 1)))
        if not end - _NEAR_DAYS <= begin <= end + 2 * _NEAR_DAYS or end - int(days[a].min()) < _LONG_DAYS:
            continue
        cut = end - _EARLY_DAYS
        expected, n_own = _share_seen(patients[a][days[a] > cut], patients[a][days[a] <= cut])
        shared, n_next = _share_seen(patients[b][days[b] <= begin + _EARLY_DAYS], patients[a])
        by_chance = (1 - expected) ** n_next
        if n_own >= _LEAST_PATIENTS and expected > _EXPECTED_SHARE and by_chance <= _MOST_CHANCE and not shared:
            words = (
                f"none of the {n_next} patients of its first weeks is in {names[a]}, where {expected:.0%} of a month's "
                "patients had come before: ids were numbered anew, and nobody can be followed from one to the other."
            )
            found.append(Finding("E209", words, names[b], "Export both with the ids of one numbering."))
    return found


def _share_seen(patients: NDArray[np.int32], earlier: NDArray[np.int32]) -> tuple[float, int]:
    distinct = np.unique(patients)
    return (float(np.isin(distinct, earlier).mean()), len(distinct)) if len(distinct) else (0.0, 0)


def _find_shifted(names: list[str], days: list[NDArray[np.int32]], records: Records) -> list[Finding]:
    """Files that end 1,462 days before the rest do: dates counted from 1904 and read as if from 1900.

    Counted rightly such a file ends with the others, or a quarter after them. Where another file goes on within a year
    of its end, it is an old file of a series.
    """
    edges = [tuple(np.percentile(day, (1, 99), method="nearest").tolist()) if len(day) else (-1, -1) for day in days]
    cut = records.mapping.dates.data_cut
    found = []
    for i, (_, end) in enumerate(edges):
        others = [other for j, other in enumerate(edges) if j != i and other[1] >= 0]
        until = day_number(cut) if cut is not None else max((other[1] for other in others), default=-1)
        latest = _NEAR_DAYS + (0 if cut is not None else _QUARTER_DAYS)
        is_early = end >= 0 and until >= 0 and -_NEAR_DAYS <= end + _DAYS_1904 - until <= latest
        if is_early and not any(first <= end + _YEAR_DAYS and last > end for first, last in others):
            words = "its dates end 1,462 days early: a workbook that counts from 1904, read as if it counted from 1900?"
            remedy = 'Export dates as text; for serial numbers declare [dates] order = "excel-1904".'
            found.append(Finding("E220", words, names[i], remedy))
    return found


def _find_turned(records: Records, day: NDArray[np.int32]) -> Iterator[Finding]:
    """Dates that exist in the other order only: they are set aside, and their neighbours up to the 12th are misread.

    A few anywhere are slips of a hand. Where they are a tenth of the days after the 12th of a file, a clinic or a
    clinician, somebody writes all dates so, of which two in five have a day of 12 or less and go through as another.
    """
    order, column = records.mapping.dates.order or "", records.fields["visit_date"]
    unread = np.unique(column.codes[day == MISSING])
    codes = [code for code in unread.tolist() if is_turned(column.values[code].as_py(), order)]
    if not codes:
        return
    turned = np.isin(column.codes, codes)
    dates = np.where(day == MISSING, 0, day).astype("datetime64[D]")
    tells = turned | ((day != MISSING) & ((dates - dates.astype("datetime64[M]")).astype(int) >= _MONTHS))
    written = np.zeros(turned.size, dtype=np.bool_)
    units: list[NDArray[Any]] = [records.source]
    units += [records.fields[name].codes for name in ("clinic_id", "clinician_id") if name in records.fields]
    for unit in units:
        n, of = np.bincount(unit[turned], minlength=1), np.bincount(unit[tells], minlength=1)
        often = (n >= _LEAST_TURNED) & (n >= _SHARE_TURNED * of[: n.size])
        written |= turned & np.isin(unit, np.flatnonzero(often))
    declared, other = _SHAPES[order], next(shape for name, shape in _SHAPES.items() if name != order)
    for i, file in enumerate(records.files):
        n_written = int(written[records.source == i].sum())
        if n_written:
            yield Finding(
                "E285",
                f"{n_written:,} dates are none as {declared}, which the mapping says, and are dates as {other}. "
                "Whoever wrote them wrote others so: those with a day of 12 or less are read as another date.",
                file.place,
                "Export all dates in one order; the rows set aside (E213) show where the other one comes from.",
            )


def _find_half_turned(records: Records) -> Iterator[Finding]:
    """Days up to the 12th as a spreadsheet writes them, all later ones as text: it read the file in the wrong order.

    Opened where the month comes first, 03/04/2025 becomes the 4th of March and 13/04/2025, which is no date there,
    stays text. Of dates that were only written in two ways one in 2 million columns looks like that.
    """
    import pyarrow.compute as pc

    column = records.fields["visit_date"]
    made = pc.extract_regex(column.values, r"^\s*\d{4}-\d{1,2}-(?P<day>\d{1,2})")
    text = pc.extract_regex(column.values, r"^\s*(?P<one>\d{1,2})[./-](?P<other>\d{1,2})[./-]\d{2}")
    if min(len(found) - found.null_count for found in (made, text)) < _LEAST_TURNED:
        return
    days = [_to_numbers(pc.struct_field(*field)) for field in ((made, "day"), (text, "one"), (text, "other"))]
    is_made, is_late = days[0] > 0, np.maximum(days[1], days[2]) > _MONTHS
    for i, file in enumerate(records.files):
        used = np.unique(column.codes[records.source == i])
        n_made, n_text = int(is_made[used].sum()), int((days[1][used] > 0).sum())
        is_split = days[0][used].max() <= _MONTHS and n_text == int(is_late[used].sum())
        if min(n_made, n_text) >= _LEAST_TURNED and is_split:
            yield Finding(
                "E286",
                f"all {n_made:,} days a spreadsheet wrote are the 12th or earlier, and all {n_text:,} that stand as "
                "text are later: it took the month for the day, and turned those it could.",
                file.place,
                "Export again, and give the file as the clinic system wrote it, not opened and saved in a spreadsheet.",
            )


def _to_numbers(texts: pa.Array) -> NDArray[np.int32]:
    """Return whole numbers; 0 where there is none."""
    import pyarrow.compute as pc

    return arrow.to_numpy(pc.fill_null(pc.cast(texts, "int32"), 0), np.int32)


def _find_odd_codes(records: Records, kept: Rows) -> Iterator[Finding]:
    """Clinics and clinicians of one record among hundreds, or that look like another: one of their own by a slip."""
    for name in ("clinic_id", "clinician_id"):
        if name not in records.fields:
            continue
        column = records.fields[name]
        n_of = np.bincount(column.codes[kept], minlength=len(column.values))
        labels = [column.values[code].as_py() for code in np.flatnonzero(n_of).tolist()]
        filled = np.array([bool(label.strip()) for label in labels], dtype=np.bool_)
        if not filled.any() or n_of.sum() < _MANY_RECORDS * filled.sum():
            continue
        folded = set(fold_ids(arrow.from_texts([label for label in labels if label.strip()])).to_pylist())
        single, alike = int((n_of[n_of > 0][filled] == 1).sum()), int(filled.sum()) - len(folded)
        said = [f"{say_count(single)} of its codes stand in a single record"] if single else []
        if alike:
            said.append(f"{say_count(alike)} differ from another only in capitals, blanks or letters that look alike")
        if said:
            header, letter = next(f.field_columns[name] for f in records.files if name in f.field_columns)
            words = f"{' and '.join(said)}, and count as {name.removesuffix('_id')}s of their own."
            place = f'column "{show_header(header)}" ({letter})'
            yield Finding("E225", words, place, "Mend them in the clinic system if they are slips of the hand.")


def _find_late_arriving(names: list[str], days: list[NDArray[np.int32]]) -> list[Finding]:
    """Visits of another quarter in the file of one quarter: kept, and counted by their own date."""
    found = []
    for name, day in zip(names, days, strict=True):
        if len(day) < _LEAST_RECORDS:
            continue
        number = quarter_of(day)
        n_of = np.bincount(number - number.min())
        own, n_other = int(number.min() + np.argmax(n_of)), int(len(day) - n_of.max())
        if n_other and n_of.max() >= _OWN_QUARTER_SHARE * len(day):
            words = (
                f"{say_count(n_other)} of its {len(day):,} records are not of {quarter_word(own)}, as the others are; "
                "each counts by its own date."
            )
            found.append(Finding("E222", words, name, "Nothing to do if they arrived late; else correct the dates."))
    return found


def quarter_of(day: NDArray[np.int32]) -> NDArray[np.int64]:
    """Number the calendar quarters from 1970 on; shape as `day`."""
    first, last = (int(day.min()), int(day.max())) if day.size else (0, 0)
    if last - first < day.size:  # each day of the calendar once, and not each record's
        return _count_quarters(np.arange(first, last + 1))[day - first]
    return _count_quarters(day)


def _count_quarters(day: NDArray[np.integer]) -> NDArray[np.int64]:
    return day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) // 3
