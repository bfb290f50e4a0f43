"""The rules a record is held against: what is wrong, and what to do about it, in words a clinic can act on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the contract.

    Attributes
    ----------
    code : str
        Stable code, printed with every row it sets aside.
    words : str
        What is wrong.
    remedy : str
        What to do, in the clinic system or in ``mapping.toml``.
    column_share : float or None
        From this share of a column's filled cells on, the mapping is held to be wrong and the export is refused.
    """

    code: str
    words: str
    remedy: str
    column_share: float | None = 0.5


_ORDER = "Correct it in the clinic system; if many dates are concerned, [dates] order in the mapping is another one."
_MANY = 0.2

_RULES = (
    Rule("E201", "patient id is empty", "Fill it in; a visit without a patient cannot be followed.", None),
    Rule("E202", "patient id is a number in scientific notation", "Export the id column as text."),
    Rule(
        "E205",
        "patient id equals another but for zeros on the left",
        'Export the id column as text, or declare [values] similar_ids = "same" (one person) or "apart".',
    ),
    Rule("E207", "patient id ends in .0: a spreadsheet made a number of it", "Export the id column as text."),
    Rule(
        "E208",
        "record of a day that a later file tells differently",
        "Nothing to mend: [file] later_file_corrects says that the later file counts.",
        None,
    ),
    Rule(
        "E223",
        "records of one patient and day state different ratings",
        'Keep the right one in the clinic system; where all are true, [values] same_day = "merge" makes them one '
        "visit, with the first rating before and the last after treatment.",
        None,
    ),
    Rule("E203", "patient is recorded with two sexes", "Check whether two people share this id.", None),
    Rule("E204", "patient's ages do not fit one person", "Check whether two people share this id.", None),
    Rule("E211", "visit date or day is empty", "Fill it in the clinic system.", None),
    Rule("E212", "visit date cannot be read in this order of day, month and year", _ORDER, _MANY),
    Rule("E213", "visit date does not exist in the calendar", _ORDER, _MANY),
    Rule("E214", "visit date is a stand-in for 'unknown'", "Replace it by the true date, or leave the visit out."),
    Rule("E215", "visit date is after the data cut", "Correct it, or move [dates] data_cut in the mapping."),
    Rule("E216", "year has two digits", "Export four, or declare [dates] two_digit_year_pivot in the mapping.", _MANY),
    Rule(
        "E217", "time carries a zone and none is declared", 'Add [dates] timezone = "Area/City" to the mapping.', _MANY
    ),
    Rule("E218", "visit date lies outside the years 1970 to 2099", _ORDER, _MANY),
    Rule(
        "E219",
        "date is the serial number of a spreadsheet",
        'Export dates as text, or declare [dates] order = "excel" ("excel-1904" for files of old Macs).',
        _MANY,
    ),
    Rule("E221", "visit day is not a whole number from 0", "Count days from the patient's first visit: 0, 1, 2, ..."),
    Rule(
        "E222",
        "visit day is after the last day that was observed",
        "Correct it, or move [dates] observed_until_day in the mapping.",
    ),
    Rule(
        "E231",
        "pain is not a rating",
        "Record one number per field (6/10, 6-7 and 8->5 are read); for decimal commas declare [values] decimal_mark; "
        "a word that stands for no rating goes into the list [values] missing.",
    ),
    Rule(
        "E232",
        "pain is outside the declared scale",
        "Correct it in the clinic system; a code for no rating (99, -9) goes into the list [values] missing; only if "
        'every rating is on 0 to 100 and the mapping does not say so yet, declare [pain] scale = "0-100".',
        _MANY,
    ),
    Rule(
        "E235",
        "rating was turned into a date by a spreadsheet (3/10 becomes 3-Oct)",
        "Export the column as text; the rating is probably the day and 10 the month.",
    ),
    Rule("E233", "pain is finer than a hundredth of a point", "Round it in the clinic system."),
    Rule("E241", "age is not a whole number from 0 to 120", "Correct it, or do not map this column as age."),
    Rule("E242", "number of earlier episodes is not a whole number from 0", "Correct it, or do not map this column."),
    Rule("E243", "days since onset is not a whole number from 0", "Correct it, or do not map this column."),
    Rule("E244", "onset date cannot be read", _ORDER),
    Rule("E245", "onset date is after the visit date", "Correct one of the two dates in the clinic system."),
    Rule("E246", "symptoms began before birth, by the age beside them", "Correct the onset or the age."),
    Rule("E251", "function score is not a number", "Correct it, or do not map this column."),
    Rule("E252", "function score is outside its instrument's range", "Check the instrument named beside it."),
    Rule(
        "E253",
        "number reads both as a decimal and as thousands",
        'Write it without thousands marks; [values] decimal_mark says "," for this export.',
    ),
    Rule(
        "E261",
        "diagnosis is no ICD-10-CM code (a dot may be missing, a letter may not)",
        'Correct it, or write diagnoses = "" below [columns]: then every visit counts.',
    ),
    Rule("E301", "no diagnosis of the case definition", "Nothing to mend: the visit is not a back-spasm visit.", None),
)

RULES: dict[str, Rule] = {rule.code: rule for rule in _RULES}
OUTSIDE_CASE_DEFINITION = "E301"
CORRECTED_LATER = "E208"
TOLD_TWICE = "E223"
NO_FAULTS = frozenset({OUTSIDE_CASE_DEFINITION, CORRECTED_LATER})
"""Rules under which a row is set aside though nothing is wrong with it."""
OLDEST = 90  # stands for 90 and over: higher ages identify

Fault = tuple[str, str, NDArray[np.intp]]
"""A field, the code of the rule it breaks, and the records in which it does."""
