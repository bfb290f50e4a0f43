"""What the owner of an export has seen and accepts: the section ``[acknowledge]`` of a mapping.

A report is not published from records of which much was set aside, or that look unlike themselves a quarter ago, until
somebody says by name that this is known. It changes no number, so it is no part of the mapping's hash.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

REQUIRED = ("patient_id", "visit_date", "visit_day")
_CODE = re.compile(r"^E\d{3}$")


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """What is accepted before a report is published.

    Attributes
    ----------
    rows_set_aside_percent : float or None
        Largest share of rows that may have been set aside; None for the default of 5.
    missing_percent : dict of str to float
        Required field -> largest share of its cells that may be empty; 20 where a field is not listed.
    warnings : tuple of str
        Codes of the warnings that are known.
    by : str
        Who says so: a name or a role.
    """

    rows_set_aside_percent: float | None = None
    missing_percent: dict[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    by: str = ""


def _percent(value: Any) -> str:
    fits = type(value) in (int, float) and math.isfinite(value) and 0 <= value <= 100
    return "" if fits else "must be a number from 0 to 100."


def _percents(value: Any) -> str:
    fits = isinstance(value, dict) and all(key in REQUIRED and not _percent(share) for key, share in value.items())
    words = " or ".join(REQUIRED)
    return "" if fits else f"must be written {{ visit_date = 25 }}, with {words} and a number from 0 to 100."


def _codes(value: Any) -> str:
    fits = isinstance(value, list) and all(isinstance(code, str) and _CODE.match(code) for code in value)
    return "" if fits else 'must be a list of codes of warnings, for example ["E283"].'


def _name(value: Any) -> str:
    fits = isinstance(value, str) and value.strip() and len(value) <= 80 and value.isprintable()
    return "" if fits else "must name who says so, in at most 80 characters."


RULES: dict[str, Callable[[Any], str]] = {
    "rows_set_aside_percent": _percent,
    "missing_percent": _percents,
    "warnings": _codes,
    "by": _name,
}


def lacks_a_name(said: Acknowledge) -> bool:
    """Whether something is acknowledged by nobody."""
    return not said.by and (said.rows_set_aside_percent is not None or bool(said.missing_percent or said.warnings))
