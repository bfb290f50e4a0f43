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
    Rule("E203", "patient is recorded with two sexes", "Check whether two people share this id.", None),
    Rule("E204", "patient's ages do not fit one person", "Check whether two people share this id.", None),
    Rule("E211", "visit date is empty", "Fill it in the clinic system.", None),
    Rule("E212", "visit date cannot be read in this order of day, month and year", _ORDER, _MANY),
    Rule("E213", "visit date does not exist in the calendar", _ORDER, _MANY),
    Rule("E214", "visit date is a stand-in for 'unknown'", "Replace it by the true date, or leave the visit out."),
    Rule("E215", "visit date is after the data cut", "Correct it, or move [dates] data_cut in the mapping."),
    Rule("E216", "year has two digits", "Export four, or declare [dates] two_digit_year_pivot in the mapping.", _MANY),
    Rule(
        "E217", "time carries a zone and none is declared", 'Add [dates] timezone = "Area/City" to the mapping.', _MANY
    ),
    Rule("E221", "visit day is not a whole number from 0", "Count days from the patient's first visit: 0, 1, 2, ..."),
    Rule(
        "E231",
        "pain is not a rating",
        "Record one number per field (6/10, 6-7 and 8->5 are read); for decimal commas declare [values] decimal_mark.",
    ),
    Rule(
        "E232",
        "pain is outside the declared scale",
        'Correct it in the clinic system; only if every rating is on 0 to 100, declare [pain] scale = "0-100".',
        _MANY,
    ),
    Rule("E233", "pain is finer than a hundredth of a point", "Round it in the clinic system."),
    Rule("E241", "age is not a whole number from 0 to 120", "Correct it, or do not map this column as age."),
    Rule("E242", "number of earlier episodes is not a whole number from 0", "Correct it, or do not map this column."),
    Rule("E243", "days since onset is not a whole number from 0", "Correct it, or do not map this column."),
    Rule("E244", "onset date cannot be read", _ORDER),
    Rule("E245", "onset is after the visit", "Correct one of the two dates in the clinic system."),
    Rule("E251", "function score is not a number", "Correct it, or do not map this column."),
    Rule("E252", "function score is outside its instrument's range", "Check the instrument named beside it."),
    Rule("E301", "no diagnosis of the case definition", "Nothing to mend: the visit is not a back-spasm visit.", None),
)

RULES: dict[str, Rule] = {rule.code: rule for rule in _RULES}
OUTSIDE_CASE_DEFINITION = "E301"
OLDEST = 90  # stands for 90 and over: higher ages identify

Fault = tuple[str, str, NDArray[np.intp]]
"""A field, the code of the rule it breaks, and the records in which it does."""
