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
    """

    code: str
    words: str
    remedy: str


_RULES = (
    Rule("E201", "patient id is empty", "Fill it in the clinic system; a visit without a patient cannot be followed."),
    Rule("E202", "patient id is a number in scientific notation", "Export the id column as text."),
    Rule("E203", "patient is recorded with two sexes", "Check whether two people share this id."),
    Rule("E204", "patient's ages do not fit one person", "Check whether two people share this id."),
    Rule("E211", "visit date is empty", "Fill it in the clinic system."),
    Rule(
        "E212",
        "visit date cannot be read in the declared order",
        "Correct it, or declare [dates] order in the mapping.",
    ),
    Rule("E213", "visit date does not exist in the calendar", "Correct it in the clinic system."),
    Rule("E214", "visit date is a stand-in for 'unknown'", "Replace it by the true date, or leave the visit out."),
    Rule("E215", "visit date is after the data cut", "Correct it, or move [dates] data_cut in the mapping."),
    Rule("E216", "year has two digits", "Export four digits, or declare [dates] two_digit_year_pivot in the mapping."),
    Rule("E217", "time carries a zone and none is declared", 'Add [dates] timezone = "Area/City" to the mapping.'),
    Rule(
        "E221",
        "visit day is not a whole number of days from 0",
        "Count days from the patient's first visit, 0, 1, 2, ...",
    ),
    Rule("E231", "pain is not a rating", "Record one number per field; forms such as 6/10, 6-7 and 8->5 are read."),
    Rule("E232", "pain is outside the declared scale", 'Correct it, or declare [pain] scale = "0-100" in the mapping.'),
    Rule("E233", "pain is finer than a hundredth of a point", "Round it in the clinic system."),
    Rule("E241", "age is not a whole number from 0 to 120", "Correct it in the clinic system."),
    Rule("E242", "number of earlier episodes is not a whole number from 0", "Correct it in the clinic system."),
    Rule("E243", "days since onset is not a whole number from 0", "Correct it in the clinic system."),
    Rule("E244", "onset date cannot be read", "Correct it, or declare [dates] order in the mapping."),
    Rule("E245", "onset is after the visit", "Correct one of the two dates in the clinic system."),
    Rule("E251", "function score is not a number", "Correct it in the clinic system."),
    Rule("E252", "function score is outside its instrument's range", "Check the instrument named beside it."),
    Rule("E301", "no diagnosis of the case definition", "Nothing to mend: the visit is not a back-spasm visit."),
)

RULES: dict[str, Rule] = {rule.code: rule for rule in _RULES}
OUTSIDE_CASE_DEFINITION = "E301"
OLDEST = 90  # stands for 90 and over: higher ages identify

Fault = tuple[str, str, NDArray[np.intp]]
"""A field, the code of the rule it breaks, and the records in which it does."""
