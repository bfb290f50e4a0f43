"""The rules under which a row is set aside while reading: code -> words."""

from __future__ import annotations

from outcomes.errors import Finding, InputRefused

RULES: dict[str, str] = {
    "E141": "more fields than the header line",
    "E142": "fewer fields than the header line",
    "E143": "last line without an end and with too few fields: possibly truncated",
    "E144": "quote opened and not closed",
    "E145": "quote in the wrong place",
    "E146": "NUL or another control character",
    "E147": "formula error in the workbook",
    "E148": "formula without a stored value",
    "E149": "number with more digits than the file keeps exactly",
}
"""Code -> rule, for rows that never become records."""


def refuse(code: str, message: str, place: str, remedy: str) -> InputRefused:
    """Return the refusal of one file for one reason."""
    return InputRefused(f"{place or 'The input'} cannot be read.", [Finding(code, message, place, remedy)])
