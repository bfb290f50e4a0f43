"""The section ``[privacy]`` of a mapping: columns accepted though they look like identifiers, pseudonyms, and dates."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

KEY_NAME = "pseudonyms.key"
ID_FIELDS = ("patient_id", "clinic_id", "clinician_id")
CLINIC, RESEARCH, PUBLIC = "clinic", "research", "public"
AUDIENCES = (CLINIC, RESEARCH, PUBLIC)
"""Who may see what is made of an export: the clinic's own staff, who gets its tables under an agreement, everybody."""


@dataclass(frozen=True, slots=True)
class Privacy:
    """What the mapping says of identifiers.

    Attributes
    ----------
    accept : tuple of str
        Headers of columns that look like identifiers and are known not to be, or to be harmless.
    pseudonymise : bool or tuple of str
        Which ids are replaced by keyed pseudonyms before anything else sees them: all of `ID_FIELDS`, none, or those
        named, so that clinics with harmless codes stay readable.
    key : str or None
        File with the key; relative to the mapping. None: `KEY_NAME` beside the mapping.
    dates_allowed : tuple of str
        Of `AUDIENCES`: for whom an export with full dates may be used. It changes no number.
    folder : Path
        Where the mapping stands; not compared, no part of the mapping's hash.
    """

    accept: tuple[str, ...] = ()
    pseudonymise: bool | tuple[str, ...] = False
    key: str | None = None
    dates_allowed: tuple[str, ...] = (CLINIC,)
    folder: Path = field(default=Path(), compare=False)

    @property
    def replaced(self) -> tuple[str, ...]:
        """The fields whose ids are replaced by pseudonyms."""
        if isinstance(self.pseudonymise, tuple):
            return self.pseudonymise
        return ID_FIELDS if self.pseudonymise else ()

    @property
    def key_path(self) -> Path:
        """Where the key is, or will be made."""
        return self.folder / (self.key or KEY_NAME)

    def key_from(self, folder: Path) -> str | None:
        """Return the ``key`` by which a mapping in another folder names the same file; None where none is needed."""
        if not (self.pseudonymise or self.key) or folder.resolve() == self.folder.resolve():
            return self.key
        if self.key and Path(self.key).is_absolute():
            return self.key
        there = self.key_path.resolve()
        try:
            return Path(os.path.relpath(there, folder.resolve())).as_posix()
        except ValueError:  # another drive
            return there.as_posix()


def _headers(value: Any) -> str:
    fits = isinstance(value, list) and all(isinstance(word, str) and word.strip() for word in value)
    return "" if fits else 'must be a list of headers, for example ["Referral code"].'


def _ids(value: Any) -> str:
    fits = isinstance(value, list) and value and all(word in ID_FIELDS for word in value)
    words = ", ".join(f'"{word}"' for word in ID_FIELDS)
    is_read = isinstance(value, bool) or (fits and len(set(value)) == len(value))
    return "" if is_read else f"must be true, false, or a list of some of {words}, each once."


def _path(value: Any) -> str:
    return "" if isinstance(value, str) and value.strip() else 'must be a path, for example "../keys/pseudonyms.key".'


def _audiences(value: Any) -> str:
    fits = isinstance(value, list) and all(word in AUDIENCES for word in value) and len(set(value)) == len(value)
    words = ", ".join(f'"{word}"' for word in AUDIENCES)
    return "" if fits else f"must be a list, each once, of {words}; [] for nobody."


RULES: dict[str, Callable[[Any], str]] = {
    "accept": _headers,
    "pseudonymise": _ids,
    "key": _path,
    "dates_allowed": _audiences,
}
