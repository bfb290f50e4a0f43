"""Records to typed columns: every field parsed on its distinct texts, every fault collected in one pass.

A record with any fault is set aside whole; a word the codebook does not know is counted and kept.
"""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from outcomes import arrow
from outcomes.cases import cells, values
from outcomes.cases.conflicts import find_conflicts
from outcomes.cases.corrections import find_corrected
from outcomes.cases.measuring import Measuring
from outcomes.cases.rules import CORRECTED_LATER
from outcomes.cases.schema import MISSING
from outcomes.cases.typed import ENOUGH_CELLS, Typed
from outcomes.definitions import DIAGNOSIS_TIERS, drop_named
from outcomes.errors import Finding, InputRefused
from outcomes.records.counted import agreeing
from outcomes.records.plain_words import mask_person

if TYPE_CHECKING:
    from outcomes.definitions import Codebook, CodeTerms, Protocol
    from outcomes.records import Records, TextColumn

__all__ = ["Typed", "type_records"]

_SINGLE_WORDS = ("cause", "trigger", "radiation", "region", "sex", "onset", "discharge_reason")
_LIKE_A_CODE = re.compile(r"(?<![A-Za-z0-9])[A-Za-z] ?[0-9][0-9A-Za-z]\.? ?[0-9A-Za-z]{0,4}(?![A-Za-z0-9])")
_ODD_SHARE = 0.5
_FEWEST_YES, _YES_SHARE = 5, 0.05
_MAN = frozenset({"h", "hombre", "varón", "varon"})
_DECLARE = "Declare the words of this export: [values] true = [...] and false = [...]."


class _Contract(Measuring):
    """One pass over the fields of an export."""

    def words(self) -> None:
        for name in _SINGLE_WORDS:
            if column := self.column(name):
                ids, terms, known = cells.find_first_ids(column, name, self.mapping, self.codebook)
                if name == "sex":
                    ids, known = self._doubt_m(ids, terms, known)
                self.look_up(name, column, terms, known)
                self._count_several(name, column, terms, known)
                self.spread(name, column, ids, np.int8)
        if column := self.column("paresthesia"):
            declared = values.parse_flags(self.texts(column), self.mapping)
            ids, terms, known = cells.find_first_ids(column, "paresthesia", self.mapping, self.codebook)
            self.look_up("paresthesia", column, terms, known | (values.parse_flags(terms.words, self.mapping) >= 0))
            yes = np.where(ids >= 0, ids == self.codebook.ids("paresthesia").index("yes"), MISSING)
            said = np.where(declared >= 0, declared, yes)
            odd = terms.any_of(~terms.blank) & (said < 0)
            self._ask_for_yes(self.header("paresthesia"), column, said, odd)
            self.spread("paresthesia", column, said, np.int8)

    def _doubt_m(
        self, ids: NDArray[np.int16], terms: cells.Terms, known: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int16], NDArray[np.bool_]]:
        """Take M for unknown where H stands beside it and F does not: there it is mujer, and H is hombre."""
        words = [word.strip(" .").casefold() for word in terms.words]
        if "m" not in words or not _MAN.intersection(words) or "f" in words:
            return ids, known
        is_m = np.array([word == "m" for word in words], dtype=np.bool_)
        self.out.notes.append(
            "sex: M stands beside H, where it may mean mujer (female), and was not read; say in sexes.csv of your own "
            "codebook what both mean"
        )
        return np.where(terms.any_of(is_m), MISSING, ids).astype(np.int16), known & ~is_m

    def _count_several(self, name: str, column: TextColumn, terms: cells.Terms, known: NDArray[np.bool_]) -> None:
        """Say where a field of one word has several: the others are not read."""
        several = np.add.reduceat(known[terms.codes].astype(np.int32), terms.starts) > 1
        if n := int(np.bincount(column.codes, minlength=len(several))[several].sum()):
            self.out.notes.append(
                f"{name}: {agreeing(n, 'record', 'names', 'name')} several, of which the first was used"
            )

    def _ask_for_yes(self, header: str, column: TextColumn, said: NDArray[np.int32], odd: NDArray[np.bool_]) -> None:
        """Ask about words beside nothing but no: they are yes in the export's language, and would all be lost."""
        in_records = np.bincount(column.codes, minlength=len(odd))
        n_odd, n_no, n_yes = (int(in_records[rows].sum()) for rows in (odd, said == 0, said == 1))
        if (
            n_no
            and not n_yes
            and n_odd >= max(_FEWEST_YES, _YES_SHARE * (n_odd + n_no))
            and n_odd + n_no >= ENOUGH_CELLS
        ):
            words = f"{n_odd:,} cells are neither a known yes nor a known no, and the other {n_no:,} are all no."
            self.misfits.append(Finding("E262", words, f"column '{header}'", _DECLARE))

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
                f"modalities: {agreeing(assumed, 'ambiguous term', 'was', 'were')} read by the default of "
                "ambiguous_terms.csv"
            )
        unknown = terms.any_of(~found.known & ~terms.blank)[column.codes]
        return terms.union(np.where(terms.blank, np.uint64(0), found.masks))[column.codes], unknown

    def _modalities_from_flags(
        self, masks: NDArray[np.uint64] | None, unknown: NDArray[np.bool_] | None
    ) -> tuple[NDArray[np.uint64] | None, NDArray[np.bool_] | None]:
        declared = self.mapping.ticked
        for key, column in self.records.modality_flags.items():
            term = declared[key][1] if key in declared else key
            found = self.codebook.find_modalities([term])
            said = values.parse_flags(self.texts(column), self.mapping)
            self._count_odd_flags(key, column, said)
            ticked = said == 1
            if not found.known[0]:
                self.unknown_flags.append((mask_person(key), ticked[column.codes]))
                unknown = ticked[column.codes] if unknown is None else unknown | ticked[column.codes]
                continue
            given = np.where(ticked, found.masks[0], np.uint64(0))[column.codes]
            masks = given if masks is None else masks | given
        return masks, unknown

    def _count_odd_flags(self, term: str, column: TextColumn, said: NDArray[np.int32]) -> None:
        """Words in a yes/no column that are declared as neither; a column full of them is asked about."""
        odd = said == values.NEITHER
        if not odd.any():
            return
        texts, in_records = self.texts(column), np.bincount(column.codes, minlength=len(odd))
        n_filled = int(in_records[[bool(text) and text not in self.mapping.values.missing for text in texts]].sum())
        n_odd = int(in_records[odd].sum())
        self.odd_flags += [
            (f"modalities: {mask_person(term)}", texts[i], (column.codes == i)) for i in np.flatnonzero(odd)
        ]
        header = next((f.modality_columns[term][0] for f in self.records.files if term in f.modality_columns), term)
        if n_filled >= ENOUGH_CELLS and n_odd >= _ODD_SHARE * n_filled:
            words = f"{n_odd / n_filled:.0%} of {n_filled} filled cells are neither a declared yes nor a declared no."
            self.misfits.append(Finding("E262", words, f"column '{header}'", _DECLARE))
        else:
            self._ask_for_yes(header, column, said, odd)

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
        no_code = ~terms.blank & ~np.array([bool(_LIKE_A_CODE.search(word)) for word in terms.words], dtype=np.bool_)
        self.look_up("diagnoses", column, terms, ~no_code)
        unreadable = outside & terms.any_of(no_code) & ~terms.any_of(~no_code & ~terms.blank)
        self.fault("diagnoses", column, np.where(unreadable, "E261", np.where(outside, "E301", "")).astype("<U4"))
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
    typing = _Contract(records, protocol, codebook)
    with ThreadPoolExecutor(1) as pool:
        # Sorting the patient ids takes as long as all the rest, and Arrow does it beside the interpreter.
        ids = records.fields["patient_id"].values
        sorted_ids = pool.submit(cells.sort_labels, ids, records.mapping.values.missing)
        typing.day()
        typing.pseudonyms()
        typing.pain()
        typing.numbers()
        typing.onset_date()
        typing.before_birth()
        typing.function()
        typing.words()
        typing.purpose()
        typing.modalities()
        typing.muscles()
        typing.diagnoses()
        typing.patient(sorted_ids)
    typed = typing.out
    corrected, question = find_corrected(records, typed.columns, _unfaulted(typed))
    if corrected.size:
        name = "visit_date" if "visit_date" in records.fields else "visit_day"
        typed.faults.append((name, CORRECTED_LATER, corrected))
    if misfits := [*typing.misfits, *((question,) if question else ())]:
        raise InputRefused("The mapping does not fit this export.", misfits)
    typed.faults += find_conflicts(typed.columns, len(typed.labels["patient"]), typed.faults, codebook)
    # What stands in a row set aside is told by the quarantine, masked.
    typing.count_unknown(_unfaulted(typed))
    return typed


def _unfaulted(typed: Typed) -> NDArray[np.bool_]:
    """Records that are data and break no rule."""
    used = np.ones(typed.n, dtype=np.bool_)
    for rows in (*(rows for _, _, rows in typed.faults), *(rows for _, rows in typed.not_data)):
        used[rows] = False
    return used
