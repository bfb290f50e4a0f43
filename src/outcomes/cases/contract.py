"""Records to typed columns: every field parsed on its distinct texts, every fault collected in one pass.

A record with any fault is set aside whole; a word the codebook does not know is counted and kept.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from outcomes import arrow
from outcomes.cases import cells, values
from outcomes.cases.conflicts import find_conflicts
from outcomes.cases.rules import OLDEST, RULES, Fault
from outcomes.cases.schema import MISSING, Columns
from outcomes.definitions import DIAGNOSIS_TIERS, drop_named
from outcomes.errors import Finding, InputRefused

if TYPE_CHECKING:
    from outcomes.definitions import Codebook, CodeTerms, Protocol
    from outcomes.records import Records, TextColumn

_SINGLE_WORDS = ("cause", "trigger", "radiation", "region", "sex", "onset", "discharge_reason")
_ENOUGH_CELLS, _LOW_SHARE = 20, 0.95
_READINGS = {
    "n/10": "the number before the stroke",
    "a-b": "the midpoint",
    "before->after": "before and after treatment",
}


UnknownTerm = tuple[str, str, int, int]
"""A field, a term the codebook does not know, and the records and patients it stands at."""


@dataclass(slots=True)
class Typed:
    """Typed records: columns of shape (n,), and everything that was noticed on the way.

    ``faults`` are (field, rule code, rows); ``not_data`` are (reason, rows); ``labels`` are the words behind the codes
    of pseudonyms and free categories.
    """

    n: int
    columns: Columns = field(default_factory=dict)
    labels: dict[str, pa.StringArray] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    not_data: list[tuple[str, NDArray[np.intp]]] = field(default_factory=list)
    unknown_terms: list[UnknownTerm] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class _Typing:
    """One pass over the fields of an export; holds what the small steps share."""

    def __init__(self, records: Records, protocol: Protocol, codebook: Codebook) -> None:
        self.records, self.protocol, self.codebook = records, protocol, codebook
        self.mapping = records.mapping
        self.out = Typed(records.n)
        self.looked_up: list[tuple[str, TextColumn, cells.Terms, NDArray[np.bool_]]] = []
        self.unknown_flags: list[tuple[str, NDArray[np.bool_]]] = []
        self.misfits: list[Finding] = []

    def column(self, name: str) -> TextColumn | None:
        return self.records.fields.get(name)

    def texts(self, column: TextColumn) -> list[str]:
        return pc.utf8_trim_whitespace(column.values).to_pylist()

    def fault(self, name: str, column: TextColumn, faults: NDArray[np.str_]) -> None:
        """Spread the fault of a distinct text to the records it stands in."""
        for code in np.unique(faults[faults != ""]).tolist():
            rows = np.flatnonzero((faults == code)[column.codes])
            if rows.size:
                self.out.faults.append((name, code, rows))
                self._judge_column(name, column, code, rows.size)

    def _judge_column(self, name: str, column: TextColumn, code: str, n_faulty: int) -> None:
        """When much of a column breaks one rule, the mapping is wrong, not the data: that is asked, not set aside."""
        rule = RULES[code]
        if rule.column_share is None:
            return
        blank = np.array(
            [not text.strip() or text in self.mapping.values.missing for text in column.values.to_pylist()]
        )
        n_filled = int((~blank)[column.codes].sum())
        if n_filled >= _ENOUGH_CELLS and n_faulty >= rule.column_share * n_filled:
            words = f"{n_faulty / n_filled:.0%} of {n_filled} filled cells: {rule.words}."
            self.misfits.append(Finding(code, words, f"column '{self.header(name)}' ({name})", rule.remedy))

    def spread(self, name: str, column: TextColumn, found: NDArray[Any], dtype: type[np.generic]) -> None:
        self.out.columns[name] = found.astype(dtype)[column.codes]

    def look_up(self, name: str, column: TextColumn, terms: cells.Terms, known: NDArray[np.bool_]) -> None:
        """Remember what was looked up in vain; it is counted once the patients are known."""
        self.looked_up.append((name, column, terms, known))

    def count_unknown(self) -> None:
        """List the unknown terms of every field with their records and patients."""
        patient = self.out.columns["patient"]
        for name, column, terms, known in self.looked_up:
            self.out.unknown_terms += [(name, *found) for found in terms.count_unknown(known, column.codes, patient)]
        for term, ticked in self.unknown_flags:
            n_patients = len(np.unique(patient[ticked]))
            self.out.unknown_terms.append(("modalities", term, int(ticked.sum()), n_patients))

    def header(self, name: str) -> str:
        return next((f.field_columns[name][0] for f in self.records.files if name in f.field_columns), name)

    # -- who and when ----------------------------------------------------------------------------------------------

    def pseudonyms(self) -> None:
        for name, target in (("clinic_id", "clinic"), ("clinician_id", "clinician"), ("payer", "payer")):
            if column := self.column(name):
                labels, codes = cells.sort_labels(column.values, self.mapping.values.missing)
                self.out.labels[target] = labels
                self.spread(target, column, codes, np.int32)

    def patient(self, sorted_ids: Future[tuple[pa.StringArray, NDArray[np.int32]]]) -> None:
        column = self.records.fields["patient_id"]
        labels, codes = sorted_ids.result()
        faults = np.where(codes == MISSING, "E201", "").astype("<U4")
        scientific = pc.match_substring_regex(column.values, r"^\s*\d(\.\d+)?[eE]\+?\d+\s*$")
        if pc.any(scientific).as_py():
            faults[np.array(scientific.to_pylist(), dtype=np.bool_)] = "E202"
        self.fault("patient_id", column, faults)
        self.out.labels["patient"] = labels
        self.spread("patient", column, codes, np.int32)

    def day(self) -> None:
        if column := self.column("visit_date"):
            texts = self.texts(column)
            order = values.find_date_order(texts, self.mapping, "visit_date", self.header("visit_date"))
            self.out.notes.append(order.reason)
            parsed = values.parse_dates(texts, order.order, self.mapping)
            cut = self.mapping.dates.data_cut
            if cut is not None:
                late = parsed.values > values.day_number(cut)
                parsed.faults[late & (parsed.faults == "")] = "E215"
            name = "visit_date"
        else:
            name, column = "visit_day", self.records.fields["visit_day"]
            texts = self.texts(column)
            parsed = values.parse_whole(texts, self.mapping, "E221", high=40_000)
            parsed.faults[(parsed.values == MISSING) & (parsed.faults == "")] = "E221"
        self.fault(name, column, parsed.faults)
        self.spread("day", column, parsed.values, np.int32)
        if (parsed.extra >= 0).any():
            self.spread("minute", column, parsed.extra, np.int16)

    # -- what was measured -----------------------------------------------------------------------------------------

    def pain(self) -> None:
        for name in ("pain_pre", "pain_post"):
            if not (column := self.column(name)):
                continue
            parsed = values.parse_pain(self.texts(column), self.mapping)
            self.fault(name, column, parsed.faults)
            self._count_fixed(name, column, parsed.fixed)
            self._check_scale(name, column, parsed.values)
            self.spread(name, column, parsed.values, np.int16)
            if name == "pain_pre" and (parsed.extra >= 0).any():
                self.spread("_post_in_pre", column, parsed.extra, np.int16)
        inline = self.out.columns.pop("_post_in_pre", None)
        if inline is not None:
            stated = self.out.columns.get("pain_post")
            self.out.columns["pain_post"] = inline if stated is None else np.where(stated >= 0, stated, inline)

    def _check_scale(self, name: str, column: TextColumn, ratings: NDArray[np.int32]) -> None:
        """Ask when ratings declared as 0 to 100 hardly ever pass 10: one of the two scales would be read tenfold."""
        in_records = np.bincount(column.codes, minlength=len(ratings))
        n_rated, n_low = int(in_records[ratings >= 0].sum()), int(in_records[(ratings >= 0) & (ratings <= 100)].sum())
        if self.mapping.pain.scale == "0-100" and n_rated >= _ENOUGH_CELLS and n_low >= _LOW_SHARE * n_rated:
            words = f"{n_low / n_rated:.0%} of {n_rated} ratings are 10 or less, but the declared scale is 0 to 100."
            place = f"column '{self.header(name)}' ({name})"
            self.misfits.append(Finding("E234", words, place, 'Take [pain] scale = "0-100" out of the mapping.'))

    def _count_fixed(self, name: str, column: TextColumn, fixed: NDArray[np.str_]) -> None:
        in_records = np.bincount(column.codes, minlength=len(column.values))
        for kind in np.unique(fixed[fixed != ""]).tolist():
            n = int(in_records[fixed == kind].sum())
            self.out.notes.append(f"{name}: {n} ratings written as {kind} were read as {_READINGS[kind]}")

    def numbers(self) -> None:
        for name, code, high in (
            ("age", "E241", 120),
            ("previous_episodes", "E242", 999),
            ("onset_days", "E243", 40_000),
        ):
            if column := self.column(name):
                parsed = values.parse_whole(self.texts(column), self.mapping, code, high)
                self.fault(name, column, parsed.faults)
                found = np.minimum(parsed.values, OLDEST) if name == "age" else parsed.values
                self.spread(name, column, found, np.int32)

    def onset_date(self) -> None:
        column = self.column("onset_date")
        if not column or "visit_date" not in self.records.fields:
            return
        texts = self.texts(column)
        order = values.find_date_order(texts, self.mapping, "onset_date", self.header("onset_date"))
        parsed = values.parse_dates(texts, order.order, self.mapping)
        parsed.faults[parsed.faults == "E211"] = ""
        parsed.faults[parsed.faults != ""] = "E244"
        self.fault("onset_date", column, parsed.faults)
        onset = parsed.values[column.codes]
        days = np.where((onset == MISSING) | (self.out.columns["day"] == MISSING), 0, self.out.columns["day"] - onset)
        if (rows := np.flatnonzero(days < 0)).size:
            self.out.faults.append(("onset_date", "E245", rows))
        known = self.out.columns.get("onset_days", np.full(self.out.n, MISSING, dtype=np.int32))
        self.out.columns["onset_days"] = np.where((known < 0) & (onset != MISSING), days, known).astype(np.int32)

    def function(self) -> None:
        column = self.column("function_score")
        if not column:
            return
        scores, faults = values.parse_floats(self.texts(column), self.mapping, "E251")
        self.fault("function_score", column, faults)
        self.out.columns["function_score"] = scores[column.codes]
        if named := self.column("function_instrument"):
            ids, terms, known = cells.find_first_ids(named, "instrument", self.mapping, self.codebook)
            self.look_up("function_instrument", named, terms, known)
            self.spread("function_instrument", named, ids, np.int16)
            low, high = self.codebook.instrument_ranges()
            score, instrument = self.out.columns["function_score"], self.out.columns["function_instrument"]
            outside = (instrument >= 0) & ((score < low[instrument]) | (score > high[instrument]))
            if (rows := np.flatnonzero(outside)).size:
                self.out.faults.append(("function_score", "E252", rows))

    # -- what was said and done --------------------------------------------------------------------------------------

    def words(self) -> None:
        for name in _SINGLE_WORDS:
            if column := self.column(name):
                ids, terms, known = cells.find_first_ids(column, name, self.mapping, self.codebook)
                self.look_up(name, column, terms, known)
                self.spread(name, column, ids, np.int8)
        if column := self.column("paresthesia"):
            declared = values.parse_flags(self.texts(column), self.mapping)
            ids, terms, known = cells.find_first_ids(column, "paresthesia", self.mapping, self.codebook)
            self.look_up("paresthesia", column, terms, known | (values.parse_flags(terms.words, self.mapping) >= 0))
            yes = np.where(ids >= 0, ids == self.codebook.ids("paresthesia").index("yes"), MISSING)
            self.spread("paresthesia", column, np.where(declared >= 0, declared, yes), np.int8)

    def purpose(self) -> None:
        if column := self.column("visit_purpose"):
            ids, terms, known = cells.find_purposes(column, self.mapping, self.codebook)
            self.look_up("visit_purpose", column, terms, known)
            self.spread("purpose", column, ids, np.int8)
            names = self.codebook.ids("purpose")
            self._flag("is_first_exam", self.out.columns["purpose"] == names.index("first_exam"))
            self._flag("is_maintenance", self.out.columns["purpose"] == names.index("maintenance"))
            for name in ("no_show", "cancelled"):
                rows = np.flatnonzero(self.out.columns["purpose"] == names.index(name))
                if rows.size:
                    self.out.not_data.append((name, rows))

    def _flag(self, name: str, rows: NDArray[np.bool_]) -> None:
        known = self.out.columns.get(name)
        self.out.columns[name] = rows if known is None else known | rows

    def modalities(self) -> None:
        masks, unknown = self._modalities_from_text()
        masks, unknown = self._modalities_from_flags(masks, unknown)
        if column := self.column("procedure_codes"):
            terms = cells.split_terms(column, self.mapping)
            found = self.codebook.find_codes(terms.words)
            self.look_up("procedure_codes", column, terms, found.known)
            for name, flags in (("is_first_exam", found.first_exam), ("is_maintenance", found.maintenance)):
                self._flag(name, terms.any_of(flags)[column.codes])
            masks = self._add_codes(masks, column, terms, found)
        if masks is None:
            return
        self.out.columns["modalities"] = masks
        self.out.columns["modality_unknown"] = np.zeros(self.out.n, bool) if unknown is None else unknown
        self._flag("is_first_exam", (masks & np.uint64(self.codebook.mask_of("evaluation"))) != 0)
        absent = np.flatnonzero((masks == np.uint64(self.codebook.mask_of("no_show"))) & (masks != 0))
        if absent.size:
            self.out.not_data.append(("no_show", absent))

    def _add_codes(
        self, masks: NDArray[np.uint64] | None, column: TextColumn, terms: cells.Terms, found: CodeTerms
    ) -> NDArray[np.uint64]:
        """Add what procedure codes say and no written term of the same record says better.

        Decided on the distinct pairs of written modalities and code cell, then spread over the records.
        """
        if masks is None:
            return terms.union(found.masks)[column.codes]
        written, position = arrow.encode(masks)
        n_cells = len(column.values)
        pairs, pair_of = arrow.encode(position.astype(np.int64) * n_cells + column.codes)
        text, cell = written[pairs // n_cells], pairs % n_cells
        places, starts = terms.places_of(cell)
        of_pair = np.repeat(text, terms.sizes[cell])
        codes = terms.codes[places]
        added = np.bitwise_or.reduceat(drop_named(of_pair, found.masks[codes], found.covers[codes]), starts)
        both: NDArray[np.uint64] = (text | added)[pair_of]
        return both

    def _modalities_from_text(self) -> tuple[NDArray[np.uint64] | None, NDArray[np.bool_] | None]:
        column = self.column("modalities")
        if not column:
            return None, None
        terms = cells.split_terms(column, self.mapping)
        found = self.codebook.find_modalities(terms.words)
        self.look_up("modalities", column, terms, found.known)
        assumed = int(terms.records[found.assumed & ~terms.blank].sum())
        if assumed:
            self.out.notes.append(
                f"modalities: {assumed} ambiguous terms were read by the default of ambiguous_terms.csv"
            )
        unknown = terms.any_of(~found.known & ~terms.blank)[column.codes]
        return terms.union(np.where(terms.blank, np.uint64(0), found.masks))[column.codes], unknown

    def _modalities_from_flags(
        self, masks: NDArray[np.uint64] | None, unknown: NDArray[np.bool_] | None
    ) -> tuple[NDArray[np.uint64] | None, NDArray[np.bool_] | None]:
        for term, column in self.records.modality_flags.items():
            found = self.codebook.find_modalities([term])
            ticked = values.parse_flags(self.texts(column), self.mapping) == 1
            if not found.known[0]:
                self.unknown_flags.append((term, ticked[column.codes]))
                unknown = ticked[column.codes] if unknown is None else unknown | ticked[column.codes]
                continue
            given = np.where(ticked, found.masks[0], np.uint64(0))[column.codes]
            masks = given if masks is None else masks | given
        return masks, unknown

    def muscles(self) -> None:
        for name in ("muscles_identified", "muscles_treated"):
            if column := self.column(name):
                terms = cells.split_terms(column, self.mapping)
                found = self.codebook.find_muscles(terms.words)
                self.look_up(name, column, terms, found.known)
                for side, masks in (("left", found.left), ("right", found.right)):
                    masks = np.where(terms.blank, np.uint64(0), masks)
                    self.out.columns[f"{name}_{side}"] = terms.union(masks)[column.codes]

    def diagnoses(self) -> None:
        column = self.column("diagnoses")
        if not column:
            return
        terms = cells.split_terms(column, self.mapping)
        settings = self.protocol.case_definition
        found = self.codebook.find_diagnoses(terms.words, settings.core_icd10cm)
        wanted = np.array([tier in settings.tiers for tier in DIAGNOSIS_TIERS] + [False])
        in_definition = wanted[found.tier] & ~terms.blank
        undiagnosed = ~terms.any_of(~terms.blank) & settings.keep_undiagnosed
        outside = ~terms.any_of(in_definition) & ~undiagnosed
        self.fault("diagnoses", column, np.where(outside, "E301", "").astype("<U4"))
        known = (found.tier >= 0) & ~terms.blank
        # The label of a visit comes from its best code: core before broad before supportive; 99 sorts the rest last.
        best = terms.least(
            np.where(known, found.tier.astype(np.int16) * 10 + np.where(found.region < 0, 9, found.region), 99)
        )
        self.spread("diagnosis_tier", column, np.where(best == 99, MISSING, best // 10), np.int8)
        region = np.where((best == 99) | (best % 10 == 9), MISSING, best % 10).astype(np.int8)[column.codes]
        stated = self.out.columns.get("region")
        self.out.columns["region"] = region if stated is None else np.where(stated >= 0, stated, region)


def type_records(records: Records, protocol: Protocol, codebook: Codebook) -> Typed:
    """Type every field of the records and collect every fault.

    Raises
    ------
    InputRefused
        When the order of day and month must be declared, or much of a column breaks one rule.
    """
    typing = _Typing(records, protocol, codebook)
    with ThreadPoolExecutor(1) as pool:
        # Sorting the patient ids takes as long as all the rest, and Arrow does it beside the interpreter.
        ids = records.fields["patient_id"].values
        sorted_ids = pool.submit(cells.sort_labels, ids, records.mapping.values.missing)
        typing.day()
        typing.pseudonyms()
        typing.pain()
        typing.numbers()
        typing.onset_date()
        typing.function()
        typing.words()
        typing.purpose()
        typing.modalities()
        typing.muscles()
        typing.diagnoses()
        typing.patient(sorted_ids)
    if typing.misfits:
        raise InputRefused("The mapping does not fit this export.", typing.misfits)
    typing.count_unknown()
    typed = typing.out
    typed.faults += find_conflicts(typed.columns, len(typed.labels["patient"]), typed.faults, codebook)
    return typed
