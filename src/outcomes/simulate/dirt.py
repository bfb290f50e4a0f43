"""What goes wrong between the visit and the file: spoilt cells, doubled rows, lines that are no records.

Spoiling acts on the finished text, with its own random stream, so a clean and a dirty export of one seed hold the same
visits. Shares are those of `values.DirtValues`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from outcomes.simulate import words
from outcomes.simulate.coded import Coded
from outcomes.simulate.values import DirtValues
from outcomes.simulate.world import Array, World

EXTRA_CELL, SHORT_ROW, NUL_BYTE, OPEN_QUOTE = "extra_cell", "short_row", "nul_byte", "open_quote"
BLANK_LINE, HEADER_AGAIN = "blank_line", "header_again"
_VISIT_FIELDS = ("patient_id", "visit_date", "clinic_id", "region", "age", "sex", "payer")


@dataclass(frozen=True, slots=True)
class Sheet:
    """The rows of an export before they are lines.

    Attributes
    ----------
    columns : dict of str to Coded
        Canonical field to its cells, in file order.
    visit : ndarray
        Per row, the visit (position in the history) it tells of.
    damage : dict of int to str
        Rows whose line is broken, and how.
    strays : tuple of (int, str)
        Lines that are no records: the row they stand before, and their kind.
    counts : dict of str to int
        How often each kind of dirt was applied.
    """

    columns: dict[str, Coded]
    visit: Array
    damage: dict[int, str]
    strays: tuple[tuple[int, str], ...]
    counts: dict[str, int]

    def __len__(self) -> int:
        return len(self.visit)


def spoil(rng: np.random.Generator, world: World, sheet: Sheet) -> Sheet:
    """Apply all dirt to a clean-looking sheet: cells first, then rows, then lines."""
    values = world.profile.dirt
    counts: dict[str, int] = {}
    columns = dict(sheet.columns)
    sheet = replace(sheet, columns=columns, counts=counts)
    _share_ids(rng, values, columns, counts)
    _spoil_pain(rng, values, columns, counts)
    _spoil_dates(rng, world, columns, counts)
    _spoil_codes(rng, values, columns, counts)
    _spoil_terms(rng, values, columns, counts)
    sheet = _split_visits(rng, values, sheet)
    return _break_lines(rng, values, _repeat_rows(rng, values, sheet))


def _some(rng: np.random.Generator, candidates: Array, share: float) -> Array:
    return candidates[rng.random(candidates.size) < share]


def _filled(column: Coded) -> Array:
    return np.flatnonzero(np.array([text != "" for text in column.values])[column.codes])


def _rewrite(columns: dict[str, Coded], name: str, rows: Array, change: Callable[[int, str], str]) -> None:
    """Replace cells `rows` by ``change(i, text)``, i counting the rows."""
    texts = [change(i, text) for i, text in enumerate(columns[name].texts_at(rows))]
    columns[name] = columns[name].replaced(rows, texts)


def _share_ids(rng: np.random.Generator, values: DirtValues, columns: dict[str, Coded], counts: dict[str, int]) -> None:
    """Give some patients the id of a patient of another clinic: two clinics numbered on their own."""
    column, clinic = columns["patient_id"], columns["clinic_id"].codes
    people, first = np.unique(column.codes, return_index=True)
    chosen = np.flatnonzero(rng.random(people.size) < values.shared_ids)
    ids = list(column.values)
    for i in chosen.tolist():
        strangers = people[clinic[first] != clinic[first[i]]]
        if strangers.size:
            ids[people[i]] = column.values[strangers[rng.integers(0, strangers.size)]]
    columns["patient_id"] = Coded(tuple(ids), column.codes)
    counts["shared_ids"] = sum(a != b for a, b in zip(ids, column.values, strict=True))


def _spoil_pain(
    rng: np.random.Generator, values: DirtValues, columns: dict[str, Coded], counts: dict[str, int]
) -> None:
    rows = rng.permutation(_filled(columns["pain_pre"]))
    drop, off, wrong = rng.integers(1, 4, rows.size), rng.integers(-4, 5, rows.size), rng.integers(0, 3, rows.size)
    changes: tuple[tuple[str, float, Callable[[int, int], str]], ...] = (
        ("pain_out_of_range", values.pain_out_of_range, lambda i, nrs: ("11", "15", "-1")[wrong[i]]),
        ("pain_vas", values.pain_vas, lambda i, nrs: str(min(max(10 * nrs + int(off[i]), 0), 100))),
        ("pain_fraction", values.pain_fraction, lambda i, nrs: f"{nrs}/10"),
        ("pain_range", values.pain_range, lambda i, nrs: f"{nrs}-{nrs + 1}" if nrs < 10 else "9-10"),
        ("pain_arrow", values.pain_arrow, lambda i, nrs: f"{nrs}->{max(nrs - int(drop[i]), 0)}"),
        ("pain_word", values.pain_word, lambda i, nrs: words.MISSING_MARKS[wrong[i]]),
    )
    begin = 0
    for name, share, change in changes:
        chosen = rows[begin : begin + round(share * rows.size)]
        begin += chosen.size
        counts[name] = chosen.size
        _rewrite(columns, "pain_pre", chosen, lambda i, text, change=change: change(i, int(text)))  # type: ignore[misc]


def _spoil_dates(rng: np.random.Generator, world: World, columns: dict[str, Coded], counts: dict[str, int]) -> None:
    values = world.profile.dirt
    rows = rng.permutation(len(columns["visit_date"].codes))
    swapped, short, late = np.split(
        rows,
        np.cumsum([round(s * rows.size) for s in (values.swapped_dates, values.short_years, values.after_cut)]),
    )[:3]
    cut = datetime(1970, 1, 1) + timedelta(days=world.cut_day)
    ahead = rng.integers(1, 91, late.size)
    _rewrite(columns, "visit_date", swapped, lambda i, text: f"{text[3:5]}/{text[:2]}/{text[6:]}")
    _rewrite(columns, "visit_date", short, lambda i, text: text[:6] + text[8:])
    _rewrite(columns, "visit_date", late, lambda i, text: (cut + timedelta(days=int(ahead[i]))).strftime("%d/%m/%Y"))
    counts |= {"swapped_dates": swapped.size, "short_years": short.size, "after_cut": late.size}


def _spoil_codes(
    rng: np.random.Generator, values: DirtValues, columns: dict[str, Coded], counts: dict[str, int]
) -> None:
    changes = (
        ("retired_code", "diagnoses", "M54.50", "M54.5", values.retired_code),
        ("both_stimulation_codes", "procedure_codes", "97014", "97014;G0283", values.both_stimulation_codes),
    )
    for name, field, old, new, share in changes:
        holds = np.array([old in text for text in columns[field].values])
        rows = _some(rng, np.flatnonzero(holds[columns[field].codes]), share)
        counts[name] = rows.size
        _rewrite(columns, field, rows, lambda i, text, old=old, new=new: text.replace(old, new))  # type: ignore[misc]


def _spoil_terms(
    rng: np.random.Generator, values: DirtValues, columns: dict[str, Coded], counts: dict[str, int]
) -> None:
    spellings: tuple[Callable[[str], str], ...] = (
        lambda text: text.replace(" ", "\u00a0"),
        lambda text: f"\u201c{text}\u201d",
        str.upper,
        lambda text: f" {text}  ",
        lambda text: text.replace(";", ", "),
        lambda text: text.replace(";", " + "),
    )
    for field in ("modalities", "muscles_identified", "muscles_treated"):
        # Only a list of treatments is written with commas and plus signs; muscles keep their separator.
        kinds = len(spellings) if field == "modalities" else 4
        rows = _some(rng, _filled(columns[field]), values.terms_spoilt)
        how = rng.integers(0, kinds, rows.size)
        _rewrite(columns, field, rows, lambda i, text, how=how: spellings[how[i]](text))  # type: ignore[misc]
        counts[f"{field}_spoilt"] = rows.size
    rows = _some(rng, _filled(columns["modalities"]), values.terms_unknown)
    which = rng.integers(0, len(words.UNKNOWN_MODALITIES), rows.size)
    _rewrite(columns, "modalities", rows, lambda i, text: f"{text};{words.UNKNOWN_MODALITIES[which[i]]}")
    counts["modalities_unknown"] = rows.size


def _split_visits(rng: np.random.Generator, values: DirtValues, sheet: Sheet) -> Sheet:
    """A second record of the same day, by the colleague who does the massage, with no rating of its own."""
    n = len(sheet)
    rows = _some(rng, _filled(sheet.columns["modalities"]), values.split_visits)
    order = np.argsort(np.concatenate([np.arange(n), rows + 0.5]), kind="stable")
    second = np.flatnonzero(order >= n)
    source = np.concatenate([np.arange(n), rows])[order]
    columns = {name: column.take(source) for name, column in sheet.columns.items()}
    fixed = {"modalities": "Massage", "procedure_codes": "97124", "visit_purpose": "Treatment", "clinician_id": "P-MT"}
    for name, column in columns.items():
        if name not in _VISIT_FIELDS:
            columns[name] = column.replaced(second, [fixed.get(name, "")] * second.size)
    sheet.counts["split_visits"] = second.size
    return replace(sheet, columns=columns, visit=sheet.visit[source])


def _repeat_rows(rng: np.random.Generator, values: DirtValues, sheet: Sheet) -> Sheet:
    """Double some rows, near by or further down, and append a block that was exported twice under its own header."""
    n = len(sheet)
    doubled = rng.permutation(n)[: round(values.duplicate_rows * n)]
    distance = np.where(rng.random(doubled.size) < 0.7, 0.0, rng.integers(1, 200, doubled.size))
    order = np.argsort(np.concatenate([np.arange(n), doubled + 0.5 + distance]), kind="stable")
    source = np.concatenate([np.arange(n), doubled])[order]
    length = round(values.re_exported * n)
    begin = int(rng.integers(0, max(n - length, 1)))
    strays = ((len(source), HEADER_AGAIN),) if length else ()
    source = np.concatenate([source, np.arange(begin, begin + length)])
    sheet.counts.update(duplicate_rows=doubled.size, re_exported=length)
    columns = {name: column.take(source) for name, column in sheet.columns.items()}
    return replace(sheet, columns=columns, visit=sheet.visit[source], strays=strays)


def _break_lines(rng: np.random.Generator, values: DirtValues, sheet: Sheet) -> Sheet:
    n = len(sheet)
    ragged, nul, quotes, blanks = (
        max(1, round(rate * n / 10_000)) if n > 1000 else 0
        for rate in (values.ragged_rows, values.nul_rows, values.open_quotes, values.blank_lines)
    )
    filled = rng.permutation(_filled(sheet.columns["modalities"]))[: nul + quotes]
    rows = np.setdiff1d(rng.permutation(n)[: ragged + nul + quotes], filled)[:ragged]
    damage = {int(row): (EXTRA_CELL, SHORT_ROW)[i % 2] for i, row in enumerate(rows)}
    damage |= {int(row): NUL_BYTE for row in filled[:nul]}
    damage |= {int(row): OPEN_QUOTE for row in filled[nul:]}
    places = sorted(rng.integers(1, max(n, 2), blanks).tolist())
    strays = sorted([*sheet.strays, *((place, BLANK_LINE) for place in places)])
    sheet.counts.update(ragged_rows=len(rows), nul_rows=nul, open_quotes=quotes, blank_lines=blanks)
    sheet.counts["headers_again"] = sum(kind == HEADER_AGAIN for _, kind in strays)
    return replace(sheet, damage=damage, strays=tuple(strays))
