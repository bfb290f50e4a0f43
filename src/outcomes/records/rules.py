"""The rules under which a row is set aside while reading: code -> words."""

from __future__ import annotations

from outcomes.errors import Finding, InputRefused

RULES: dict[str, str] = {
    "E141": "more fields than the header line",
    "E142": "fewer fields than the header line",
    "E143": "last line without an end, and too few fields or an open quote: possibly truncated",
    "E144": "quote opened and not closed",
    "E145": "quote in the wrong place",
    "E146": "NUL or another control character",
    "E147": "error value of a spreadsheet (#N/A, #REF! and the like)",
    "E148": "formula without a stored value",
    "E149": "number with more digits than the file keeps exactly",
    "E150": "bytes that are no text in the encoding of the file",
    "E903": "a cell holds what identifies a person",
}
"""Code -> rule, for rows that never become records."""

REMEDIES: dict[str, str] = {
    "E141": "Quote cells that hold the delimiter, and export again.",
    "E142": "Mend the line in the clinic system, and export again.",
    "E143": "Export again; wait for the export to end.",
    "E144": "Double or delete the quote, and export again.",
    "E145": "Double or delete the quote, and export again.",
    "E146": "Delete the character in the clinic system, and export again.",
    "E147": "Mend the formula in the workbook, and save or export again.",
    "E148": "Open the workbook in a spreadsheet, let it calculate, and save it.",
    "E149": "Store the column as text in the clinic system, and export again.",
    "E150": "Save the export as UTF-8, all parts of it in one go.",
    "E903": "Take it out of that cell in the clinic system; if it is none, name the column in [privacy] accept.",
}
"""Code -> what to do about it."""


def refuse(code: str, message: str, place: str, remedy: str) -> InputRefused:
    """Return the refusal of one file for one reason."""
    return InputRefused(f"{place or 'The input'} cannot be read.", [Finding(code, message, place, remedy)])
