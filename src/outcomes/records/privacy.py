"""The section ``[privacy]`` of a mapping: columns accepted though they look like identifiers, and pseudonyms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

KEY_NAME = "pseudonyms.key"


@dataclass(frozen=True, slots=True)
class Privacy:
    """What the mapping says of identifiers.

    Attributes
    ----------
    accept : tuple of str
        Headers of columns that look like identifiers and are known not to be, or to be harmless.
    pseudonymise : bool
        Whether patient, clinician and clinic ids are replaced by keyed pseudonyms before anything else sees them.
    key : str or None
        File with the key; relative to the mapping. None: `KEY_NAME` beside the mapping.
    folder : Path
        Where the mapping stands; not compared, no part of the mapping's hash.
    """

    accept: tuple[str, ...] = ()
    pseudonymise: bool = False
    key: str | None = None
    folder: Path = field(default=Path(), compare=False)

    @property
    def key_path(self) -> Path:
        """Where the key is, or will be made."""
        return self.folder / (self.key or KEY_NAME)


def _headers(value: Any) -> str:
    fits = isinstance(value, list) and all(isinstance(word, str) and word.strip() for word in value)
    return "" if fits else 'must be a list of headers, for example ["Referral code"].'


def _flag(value: Any) -> str:
    return "" if isinstance(value, bool) else "must be true or false."


def _path(value: Any) -> str:
    return "" if isinstance(value, str) and value.strip() else 'must be a path, for example "../keys/pseudonyms.key".'


RULES: dict[str, Callable[[Any], str]] = {"accept": _headers, "pseudonymise": _flag, "key": _path}
