"""Who came when, and what was measured: ids, days, ratings, numbers and scores."""

from __future__ import annotations

import re
from collections.abc import Sequence
from concurrent.futures import Future
from itertools import count
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from outcomes import arrow
from outcomes.cases import cells, dates, values
from outcomes.cases.dates import quarter_word
from outcomes.cases.rules import OLDEST
from outcomes.cases.scales import Groups, find_scale_misfits
from outcomes.cases.schema import MISSING, UNNAMED
from outcomes.cases.suspicions import quarter_of, say_count
from outcomes.cases.typed import Typing
from outcomes.records.counted import agreeing, counted
from outcomes.records.inspect_terms import SHOWN_FROM
from outcomes.records.midnights import find_midnight_zone
from outcomes.records.patient_ids import SCIENTIFIC, WHOLE_DECIMAL, ask_for_similar, compare_ids

if TYPE_CHECKING:
    from outcomes.records import TextColumn

_READINGS = {
    "n/10": "the number before the stroke",
    "a-b": "the midpoint",
    "before->after": "before and after treatment",
}
_YEAR_DAYS = 365.25
_RECORDS_A_CODE = 50
"""Records for each clinic or clinician from which on one of few patients is unlike the others."""
_MOST_MARKS = 1 << 26
"""Codes times patients up to which each pair has a mark of its own; above, pairs are sorted."""
_ENOUGH_OF_MANY = 80
"""Ratings of a quarter or a clinician from which on a scale of its own is looked for.

Of 25 ratings a few slips are a fifth, and a practice of some years has many quarters for chance to choose from.
"""
OTHER_PAYERS = "other payers"
_OLDEST = re.compile(r"(?:90 ?\+|(?:≥|>=) ?90|> ?89|90 (?:and|or) (?:over|older|more|above))$", re.I)
"""As exports write an age that is already cut at 90."""


class Measuring(Typing):
    """The fields that hold ids, days and numbers."""

    def pseudonyms(self) -> None:
        """Read clinics, clinicians and payer groups, which are words of their own."""
        for name, target in (("clinic_id", "clinic"), ("clinician_id", "clinician"), ("payer", "payer")):
            if column := self.column(name):
                labels, codes = cells.sort_labels(column.values, self.mapping.values.missing)
                n_patients = self._count_patients(column, labels, codes)
                if target == "payer":
                    labels, codes = self._join_rare(n_patients, labels, codes)
                elif self.records.n >= _RECORDS_A_CODE * len(labels):
                    labels = self._take_names(target, n_patients, labels)
                self.out.labels[target] = labels
                self.spread(target, column, codes, np.int32)

    def _count_patients(
        self, column: TextColumn, labels: pa.StringArray, codes: NDArray[np.int32]
    ) -> NDArray[np.int64]:
        group, patients = codes[column.codes], self.records.fields["patient_id"].codes
        known = group != MISSING
        span = int(patients.max(initial=0)) + 1
        if len(labels) * span <= _MOST_MARKS:
            is_seen = np.zeros((len(labels), span), dtype=np.bool_)
            is_seen[group[known], patients[known]] = True
            return np.count_nonzero(is_seen, axis=1)
        pairs = np.sort(group[known].astype(np.int64) * span + patients[known])
        return np.bincount(pairs[np.diff(pairs, prepend=-1) != 0] // span, minlength=len(labels))

    def _take_names(self, target: str, n: NDArray[np.int64], labels: pa.StringArray) -> pa.StringArray:
        """Number the clinics or clinicians of few patients: their names may be remarks on one, and are published.

        They stay apart, and where they stand in the order: no number depends on it.
        """
        few = np.flatnonzero(n < SHOWN_FROM).tolist()
        if not few:
            return labels
        texts = labels.to_pylist()
        taken = set(texts)
        names = (name for i in count(1) if (name := f"{UNNAMED} {target} {i}") not in taken)
        for i, name in zip(few, names, strict=False):
            texts[i] = name
        self.out.notes.append(
            f"{target}_id: {say_count(len(few))} of {len(texts):,} codes stand for fewer than {SHOWN_FROM} patients "
            f'each, and are called "{UNNAMED} {target} 1" and so on'
        )
        return arrow.from_texts(texts)

    def _join_rare(
        self, n: NDArray[np.int64], labels: pa.StringArray, codes: NDArray[np.int32]
    ) -> tuple[pa.StringArray, NDArray[np.int32]]:
        """Put what was written of few patients together: no group of payers, and perhaps a remark on one of them."""
        if not (n < SHOWN_FROM).any():
            return labels, codes
        texts = [text if n[i] >= SHOWN_FROM else OTHER_PAYERS for i, text in enumerate(labels.to_pylist())]
        kept = sorted(set(texts))
        place = np.array([*map(kept.index, texts), MISSING], dtype=np.int32)
        self.out.notes.append(
            f"payer: {counted(int((n < SHOWN_FROM).sum()), 'group')} of fewer than {SHOWN_FROM} patients, read as "
            f'"{OTHER_PAYERS}"'
        )
        return arrow.from_texts(kept), place[codes]

    def patient(self, sorted_ids: Future[tuple[pa.StringArray, NDArray[np.int32]]]) -> None:
        """Number the patients; ids that look alike are dealt with as declared."""
        column = self.records.fields["patient_id"]
        labels, codes = sorted_ids.result()
        faults = np.where(codes == MISSING, "E201", "").astype("<U4")
        scientific = pc.match_substring_regex(column.values, SCIENTIFIC)
        if pc.any(scientific).as_py():
            faults[np.array(scientific.to_pylist(), dtype=np.bool_)] = "E202"
        decimal = pc.match_substring_regex(column.values, WHOLE_DECIMAL)
        if pc.any(decimal).as_py():
            faults[np.array(decimal.to_pylist(), dtype=np.bool_)] = "E207"
        ids = compare_ids(labels, codes, self.mapping.values.similar_ids)
        faults[ids.lost_zeros & (faults == "")] = "E205"
        self.fault("patient_id", column, faults)
        if ids.similar:
            self.misfits.append(ask_for_similar(self.records, ids, self.header("patient_id")))
        if ids.n_joined:
            taken = agreeing(ids.n_joined, "patient id", "was", "were")
            self.out.notes.append(f"{taken} taken as another way of writing one, as declared")
        self.out.labels["patient"] = ids.labels
        self.spread("patient", column, ids.codes, np.int32)

    def day(self) -> None:
        """Read the day of the visit."""
        if column := self.column("visit_date"):
            texts = self.texts(column)
            order = dates.find_date_order(texts, self.mapping, "visit_date", self.header("visit_date"))
            self.out.notes.append(order.reason)
            parsed = dates.parse_dates(texts, order.order, self.mapping)
            before_1970 = (parsed.values < 0) & (parsed.faults == "")
            parsed.faults[before_1970], parsed.values[before_1970] = "E218", MISSING
            cut = self.mapping.dates.data_cut
            if cut is not None:
                late = parsed.values > dates.day_number(cut)
                parsed.faults[late & (parsed.faults == "")] = "E215"
            name = "visit_date"
            self._count_odd_hours(column, parsed.fixed)
            self._drop_midnights(column, parsed.extra)
            self._tell_midnights("visit_date", texts)
        else:
            name, column = "visit_day", self.records.fields["visit_day"]
            texts = self.texts(column)
            parsed = values.parse_whole(texts, self.mapping, "E221", high=40_000)
            parsed.faults[(parsed.values == MISSING) & (parsed.faults == "")] = "E211"
            until = self.mapping.dates.observed_until_day
            if until is not None:
                parsed.faults[(parsed.values > until) & (parsed.faults == "")] = "E222"
        self.fault(name, column, parsed.faults)
        self.spread("day", column, parsed.values, np.int32)
        if (parsed.extra >= 0).any():
            self.spread("minute", column, parsed.extra, np.int16)

    def _count_odd_hours(self, column: TextColumn, fixed: NDArray[np.str_]) -> None:
        if n := int(np.bincount(column.codes, minlength=len(fixed))[fixed == dates.CLOCK_CHANGE].sum()):
            falling = agreeing(n, "time", "falls", "fall")
            self.out.notes.append(f"visit_date: {falling} where the clock changes; the date was kept, not the hour")

    def _drop_midnights(self, column: TextColumn, minutes: NDArray[np.signedinteger]) -> None:
        """Take 00:00 for no time: exports write it beside a date of which they know no time, and nobody treats then."""
        in_records = np.bincount(column.codes, minlength=len(minutes))
        if n := int(in_records[minutes == 0].sum()):
            self.out.notes.append(f"visit_date: the time 00:00 of {counted(n, 'record')} counts as no time recorded")
        minutes[minutes == 0] = MISSING

    def _tell_midnights(self, name: str, texts: Sequence[str]) -> None:
        if zone := find_midnight_zone(texts):
            words = f"every time is 00:00 at one offset ({zone}): read as days, not as instants"
            self.out.notes.append(f"{name}: {words}")

    # -- what was measured -----------------------------------------------------------------------------------------

    def pain(self) -> None:
        """Read the ratings before and after treatment."""
        for name in ("pain_pre", "pain_post"):
            if not (column := self.column(name)):
                continue
            parsed = values.parse_pain(self.texts(column), self.mapping)
            self.fault(name, column, parsed.faults)
            self._count_fixed(name, column, parsed.fixed)
            self._check_scale(name, column, parsed)
            after = (parsed.extra >= 0) & (name == "pain_post")  # 8->5 in the column of ratings after treatment is 5
            self.spread(name, column, np.where(after, parsed.extra, parsed.values), np.int16)
            if name == "pain_pre" and (parsed.extra >= 0).any():
                self.spread("_post_in_pre", column, parsed.extra, np.int16)
        inline = self.out.columns.pop("_post_in_pre", None)
        if inline is not None:
            stated = self.out.columns.get("pain_post")
            self.out.columns["pain_post"] = inline if stated is None else np.where(stated >= 0, stated, inline)

    def _check_scale(self, name: str, column: TextColumn, parsed: values.Parsed) -> None:
        ratings, outside = parsed.values[column.codes], (parsed.faults == "E232")[column.codes]
        groups: list[Groups] = []
        if "clinic" in self.out.columns:
            groups.append(self._named("clinic"))
        if len(self.records.files) > 1:
            groups.append(Groups([file.place for file in self.records.files], self.records.source))
        if "clinician" in self.out.columns:
            groups.append(self._named("clinician")._replace(least=_ENOUGH_OF_MANY))
        place = f"column '{self.header(name)}' ({name})"
        found = find_scale_misfits(ratings, outside, self.mapping.pain.scale, groups, place)
        if not found and "visit_date" in self.records.fields:  # a new form in the midst of the records
            found = find_scale_misfits(ratings, outside, self.mapping.pain.scale, [self._quarters()], place)
        known = self.mapping.acknowledge.warnings
        self.misfits += [finding for finding in found if finding.code not in known or finding.code != "E234"]

    def _named(self, unit: str) -> Groups:
        return Groups([f"{unit} {label}" for label in self.out.labels[unit].to_pylist()], self.out.columns[unit])

    def _quarters(self) -> Groups:
        """Names of the quarters, and the place of each record's own among them; -1 without a day."""
        day = self.out.columns["day"]
        number = quarter_of(day)
        first = int(number.min(initial=0))
        seen = np.bincount(number - first) > 0
        place = (np.cumsum(seen) - 1)[number - first]
        names = [quarter_word(first + i) for i in np.flatnonzero(seen).tolist()]
        return Groups(names, np.where(day == MISSING, MISSING, place), _ENOUGH_OF_MANY)

    def _count_fixed(self, name: str, column: TextColumn, fixed: NDArray[np.str_]) -> None:
        in_records = np.bincount(column.codes, minlength=len(column.values))
        for kind in np.unique(fixed[fixed != ""]).tolist():
            n = int(in_records[fixed == kind].sum())
            read = f"{'was' if n == 1 else 'were'} read as {_READINGS[kind]}"
            self.out.notes.append(f"{name}: {counted(n, 'rating')} written as {kind} {read}")

    def numbers(self) -> None:
        """Read the whole numbers; ages are cut at 90, for higher ones identify."""
        for name, code, high in (
            ("age", "E241", 120),
            ("previous_episodes", "E242", 999),
            ("onset_days", "E243", 40_000),
        ):
            if column := self.column(name):
                texts = self.texts(column)
                if name == "age":
                    texts = [str(OLDEST) if _OLDEST.match(text) else text for text in texts]
                parsed = values.parse_whole(texts, self.mapping, code, high)
                self.fault(name, column, parsed.faults)
                found = np.minimum(parsed.values, OLDEST) if name == "age" else parsed.values
                self.spread(name, column, found, np.int32)

    def onset_date(self) -> None:
        """Read the start of the symptoms as days before the visit."""
        column = self.column("onset_date")
        if not column or "visit_date" not in self.records.fields:
            return
        texts = self.texts(column)
        order = dates.find_date_order(texts, self.mapping, "onset_date", self.header("onset_date"))
        parsed = dates.parse_dates(texts, order.order, self.mapping)
        self._tell_midnights("onset_date", texts)
        parsed.faults[parsed.faults == "E211"] = ""
        parsed.faults[parsed.faults != ""] = "E244"
        self.fault("onset_date", column, parsed.faults)
        onset = parsed.values[column.codes]
        day = self.out.columns["day"]
        days = np.where((onset == MISSING) | (day == MISSING), 0, day - onset)
        if (rows := np.flatnonzero(days < 0)).size:
            self.out.faults.append(("onset_date", "E245", rows))
        known = self.out.columns.get("onset_days", np.full(self.out.n, MISSING, dtype=np.int32))
        self.out.columns["onset_days"] = np.where((known < 0) & (onset != MISSING), days, known).astype(np.int32)

    def before_birth(self) -> None:
        """Symptoms cannot be older than the patient; an age of 90 stands for more and says nothing."""
        if {"age", "onset_days"} <= set(self.out.columns):
            age, days = self.out.columns["age"], self.out.columns["onset_days"]
            born_later = (age >= 0) & (age < OLDEST) & (days > (age + 1) * _YEAR_DAYS)
            name = next(field for field in ("onset_date", "onset_days") if self.column(field))
            if (rows := np.flatnonzero(born_later)).size:
                self.out.faults.append((name, "E246", rows))

    def function(self) -> None:
        """Read the score and the questionnaire it is of."""
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
