"""The columns of the tables that flow, and the one convention for intervals.

**Intervals are open on the left and closed on the right, ``(left, right]``, in whole days.** ``right = inf`` means "not
seen by `left`"; a row of the return table is at risk after ``start_days`` up to and including ``stop_days``. Nothing
else in the package states or uses another convention.

Inside, a table is a dict of numpy arrays of one length: days are integers, pain is an integer number of hundredths of a
point, a word is its position in a list, a set is a bit mask, and -1 is "not recorded". A field the export does not have
is absent. `Column` says how each is shown to a person; `to_arrow` shows it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from outcomes import arrow

Columns = dict[str, NDArray[Any]]

MISSING = -1
UNNAMED = "unnamed"
"""What clinics and clinicians of few patients are called, with a number behind it."""
HUNDREDTHS = 100
STREAMS = ("upper", "lower", "unspecified")
OPENED_BY = ("first", "A", "B", "C")
STATUSES = ("relieved", "resolved", "not_relieved", "never_measured")
END_REASONS = (
    "discharged",
    "referred",
    "silent_stop",
    "stopped_relieved",
    "open_at_data_cut",
    "follow_up_unknown",
    "new_complaint",
    "stopped_unrated",
)


@dataclass(frozen=True, slots=True)
class Column:
    """How one inside array is shown: ``name`` in the shown table, ``kind`` of conversion, unit and meaning.

    ``kind`` is one of ``code`` (a word from a list), ``mask`` (a set of words), ``day`` (a date, or a day number where
    the export has no calendar), ``days`` (a number of days), ``nrs`` (hundredths to points), ``number``, ``float``,
    ``flag`` (yes/no, -1 missing), ``bool``.
    """

    source: str
    name: str
    kind: str
    meaning: str
    unit: str = ""


VISIT_COLUMNS = (
    Column("patient", "patient_id", "code", "pseudonym, as it stands in the export"),
    Column("stream", "stream", "code", "upper (cervical) or lower (thoracic, lumbar, pelvic) region stream"),
    Column("day", "visit", "day", "calendar day of the visit, or day number", "date or days"),
    Column(
        "episode",
        "episode_id",
        "number",
        "row of the episode table; missing before the first episode; only in `outcomes clean` and in "
        "`episodes.visits.table`, for visits alone are in no episode yet",
    ),
    Column("clinic", "clinic_id", "code", "pseudonym"),
    Column("clinician", "clinician_id", "code", "pseudonym"),
    Column("purpose", "visit_purpose", "code", "purpose as recorded"),
    Column("is_maintenance", "is_maintenance", "bool", "recorded as maintenance: opens and extends no episode"),
    Column(
        "taken_as_maintenance",
        "taken_as_maintenance",
        "bool",
        "not recorded as maintenance and treated like it: little pain, far from the visits before and after; where "
        "`episode_id` is",
    ),
    Column("is_first_exam", "is_first_exam", "bool", "a first examination is recorded (new-complaint marker)"),
    Column(
        "pain_pre",
        "pain_pre_nrs",
        "nrs",
        "first rating of the day before treatment; the highest where no time is recorded",
        "NRS 0-10",
    ),
    Column("pain_post", "pain_post_nrs", "nrs", "last rating of the day after treatment", "NRS 0-10"),
    Column("function_score", "function_score", "float", "score on the instrument named beside it"),
    Column("function_instrument", "function_instrument", "code", "instrument of the score"),
    Column("region", "region", "code", "region of the complaint"),
    Column("modalities", "modalities", "mask", "what was done, as canonical ids"),
    Column("modality_unknown", "modality_unknown", "bool", "at least one modality term is not in the codebook"),
    Column(
        "muscles_identified_left", "muscles_identified_left", "mask", "muscles found in spasm, left or side not given"
    ),
    Column("muscles_identified_right", "muscles_identified_right", "mask", "the same, right or side not given"),
    Column("muscles_treated_left", "muscles_treated_left", "mask", "muscles treated, left or side not given"),
    Column("muscles_treated_right", "muscles_treated_right", "mask", "the same, right or side not given"),
    Column("cause", "cause", "code", "cause as recorded"),
    Column("trigger", "trigger", "code", "what set it off"),
    Column("radiation", "radiation", "code", "where the pain radiates to"),
    Column("paresthesia", "paresthesia", "flag", "tingling or numbness"),
    Column("onset_days", "onset_days", "days", "days from the start of symptoms to the visit", "days"),
    Column("onset", "onset", "code", "sudden, gradual or post-traumatic"),
    Column("previous_episodes", "previous_episodes", "number", "earlier episodes, as told", "episodes"),
    Column("age", "age", "number", "age; 90 stands for 90 and over", "years"),
    Column("sex", "sex", "code", "sex as recorded"),
    Column("payer", "payer", "code", "payer group"),
    Column("discharge_reason", "discharge_reason", "code", "discharge reason where one was recorded"),
    Column("n_records", "n_records", "number", "records of the export behind this visit", "records"),
    Column("source_row", "source_row", "number", "row of the first of them in its file", "row"),
)

EPISODE_COLUMNS = (
    Column("episode", "episode_id", "number", "number of the episode"),
    Column("patient", "patient_id", "code", "pseudonym"),
    Column("stream", "stream", "code", "region stream"),
    Column("episode_number", "episode_number", "number", "1, 2, ... within patient and stream"),
    Column("clinic", "clinic_id", "code", "clinic of the first visit"),
    Column("clinician", "clinician_id", "code", "clinician of the first visit"),
    Column("index_day", "index", "day", "first visit of the episode", "date or days"),
    Column("index_quarter", "index_quarter", "code", "quarter the episode started in"),
    Column("opened_by", "opened_by", "code", "rule that opened it: first, A, B or C"),
    Column("is_inception", "is_inception", "bool", "started after the clinic's washout"),
    Column("baseline", "baseline_nrs", "nrs", "first pain before treatment within the baseline window", "NRS 0-10"),
    Column("baseline_day", "baseline_day", "days", "day of that rating after the first visit", "days"),
    Column("is_eligible", "is_eligible", "bool", "inception and baseline high enough for relief to be definable"),
    Column("last_day", "last", "day", "last visit that is not maintenance", "date or days"),
    Column("n_visits", "n_visits", "number", "visits that are not maintenance, recorded or taken as such", "visits"),
    Column("n_measured", "n_measured", "number", "visits with a pain rating, maintenance included", "visits"),
    Column("has_maintenance", "has_maintenance", "bool", "a maintenance visit belongs to it"),
    Column("status_last", "status_last", "code", "pain at the last measured visit against the baseline"),
    Column(
        "is_closed", "is_closed", "bool", "enough observable days passed without a visit, or the next episode opened"
    ),
    Column("end_reason", "end_reason", "code", "how it ended"),
    Column("observable_until_day", "observable_until", "day", "last day a visit would have been seen", "date or days"),
    Column("region", "region", "code", "region at the first early visit that records one"),
    Column("cause", "cause", "code", "cause at the first early visit that records one"),
    Column("trigger", "trigger", "code", "trigger at the first early visit that records one"),
    Column("radiation", "radiation", "code", "radiation at the first early visit that records one"),
    Column(
        "paresthesia",
        "paresthesia",
        "flag",
        "tingling or numbness at the first early visit that records it",
    ),
    Column("onset_days", "onset_days", "days", "days from start of symptoms to the first visit", "days"),
    Column("chronicity", "chronicity", "code", "class of the symptom duration at the first visit"),
    Column("onset", "onset", "code", "kind of onset"),
    Column("previous_episodes", "previous_episodes", "number", "earlier episodes, as told", "episodes"),
    Column("age", "age", "number", "age at the first visit; 90 stands for 90 and over", "years"),
    Column("sex", "sex", "code", "sex"),
    Column("payer", "payer", "code", "payer group"),
    Column("muscles_identified_left", "muscles_identified_left", "mask", "muscles found in spasm at the first visit"),
    Column("muscles_identified_right", "muscles_identified_right", "mask", "the same, right or side not given"),
    Column("muscle_group", "muscle_group", "code", "their group; several_groups where they belong to more than one"),
    Column(
        "first_treatment_day", "first_treatment", "day", "first visit at which anything was treated", "date or days"
    ),
    Column("modalities_first", "modalities_first", "mask", "what was done at that visit"),
    Column("concordance", "concordance", "code", "treated against identified muscle at that visit"),
    Column("known_mismatch", "known_mismatch", "bool", "a known mismatch was treated there, and nothing concordant"),
)


@dataclass(frozen=True, slots=True)
class Words:
    """The lists behind codes and masks, by inside column name."""

    codes: Mapping[str, Sequence[str] | pa.StringArray]
    masks: Mapping[str, Sequence[str]]
    has_calendar: bool


def spell_masks(masks: NDArray[np.uint64], words: Sequence[str]) -> pa.DictionaryArray:
    """Write bit masks as ``;``-joined words; an empty set is an empty text."""
    distinct, codes = arrow.encode(masks)
    texts = [";".join(word for i, word in enumerate(words) if mask >> i & 1) for mask in distinct.tolist()]
    return arrow.dictionary(codes, texts)


def _shown(values: NDArray[Any], column: Column, words: Words) -> pa.Array:
    if column.kind == "code":
        return arrow.dictionary(values.astype(np.int32, copy=False), words.codes[column.source])
    if column.kind == "mask":
        return spell_masks(values, words.masks[column.source])
    if column.kind == "bool":
        return arrow.from_numpy(values)
    if column.kind == "flag":
        return arrow.from_numpy(values == 1, values >= 0)
    if column.kind == "float":
        return arrow.from_numpy(values, ~np.isnan(values))
    if column.kind == "nrs":
        return arrow.from_numpy(values / HUNDREDTHS, values >= 0)
    # Day numbers of an export without calendar, and dates before 1970, never meet: only -1 itself is missing.
    as_date = column.kind == "day" and words.has_calendar
    return arrow.from_numpy(values.astype(np.int32, copy=False), values != MISSING, pa.date32() if as_date else None)


def to_arrow(columns: Columns, contract: Sequence[Column], words: Words) -> pa.Table:
    """Show inside columns as an Arrow table with words, dates and points, in the contract's order."""
    shown = [column for column in contract if column.source in columns]
    return pa.table({shown_name(c, words.has_calendar): _shown(columns[c.source], c, words) for c in shown})


def shown_name(column: Column, has_calendar: bool) -> str:
    """Name of a column in the shown table: day columns carry their unit, ``_date`` or ``_day``."""
    if column.kind != "day":
        return column.name
    return f"{column.name}_{'date' if has_calendar else 'day'}"


def first_known(values: NDArray[Any], starts: NDArray[np.intp], sizes: NDArray[np.intp]) -> NDArray[Any]:
    """First recorded value (not -1) of each segment of rows; -1 where none is.

    The loop runs over the position inside a segment, not over segments: almost all are settled by their first row.
    """
    out = values[starts]
    open_segments = np.flatnonzero((out == MISSING) & (sizes > 1))
    step = 1
    while open_segments.size:
        found = values[starts[open_segments] + step]
        out[open_segments] = found
        step += 1
        open_segments = open_segments[(found == MISSING) & (sizes[open_segments] > step)]
    return out


def last_known(values: NDArray[Any], starts: NDArray[np.intp], sizes: NDArray[np.intp]) -> NDArray[Any]:
    """Last recorded value (not -1) of each segment of rows; -1 where none is."""
    reversed_starts = len(values) - starts - sizes
    return first_known(values[::-1], reversed_starts, sizes)
