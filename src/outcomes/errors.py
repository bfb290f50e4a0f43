"""The errors a user can meet, each with a code, a place and a remedy.

Everything the package refuses is an `OutcomesError`; any other exception that escapes is a fault of the package.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, where it stands, what is allowed, and what to do.

    Attributes
    ----------
    code : str
        Stable short code of the rule, for example ``"E204"``.
    message : str
        What is wrong and what is allowed, without a patient's value.
    place : str
        Where: ``file › sheet › row › column`` or the dotted path of a setting; empty when it concerns the whole run.
    remedy : str
        The one thing to do about it.
    """

    code: str
    message: str
    place: str = ""
    remedy: str = ""

    def __str__(self) -> str:
        head = f"{self.code} {self.place}: " if self.place else f"{self.code} "
        return head + self.message + (f" {self.remedy}" if self.remedy else "")


class OutcomesError(Exception):
    """A refusal in words; carries every finding that led to it."""

    def __init__(self, message: str, findings: Sequence[Finding] = ()) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join([message, *(f"  {finding}" for finding in self.findings)]))


class ConfigError(OutcomesError):
    """A protocol, mapping or codebook file that cannot be used; lists all its faults at once."""


class InputRefused(OutcomesError):
    """A file, or a column of it, that cannot be read without guessing."""


class NotEstimable(OutcomesError):
    """A question these records cannot answer, with the reason."""


class ConservationError(OutcomesError):
    """A step lost or invented rows; always a fault of the package, never of the data."""


class DisclosureError(OutcomesError):
    """Numbers that cannot be published without telling too much about few patients; nothing is written (exit 3)."""
