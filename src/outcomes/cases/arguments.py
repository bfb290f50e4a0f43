"""What this room and the questions are given: the right table, definitions or their file, numbers in their range."""

from __future__ import annotations

import os
from collections.abc import Iterable
from numbers import Real
from pathlib import Path
from typing import Any, TypeVar

from outcomes.definitions import Codebook, Protocol
from outcomes.errors import Finding, InputRefused

_Definitions = TypeVar("_Definitions", Protocol, Codebook)
_RECORDS = ("fields", "source_row", "set_aside", "mapping")
_VISITS = ("columns", "labels", "clinic_last_day", "quarantine")


def check_records(records: Any) -> None:
    """Refuse anything but the records that `read_records` returns (E657)."""
    _check(records, _RECORDS, "records", "outcomes.read_records(path, mapping)")


def check_visits(visits: Any) -> None:
    """Refuse anything but the visits that `build_visits` returns (E657)."""
    _check(visits, _VISITS, "visits", "outcomes.build_visits(records)")


def load_protocol(given: Any) -> Protocol | None:
    """Return a protocol, read from its file where a path is given; refuse anything else (E657)."""
    return _load(Protocol, given, "protocol", "the path of a protocol.toml, or outcomes.Protocol.load(path)")


def load_codebook(given: Any) -> Codebook | None:
    """Return a codebook, read from its folder where a path is given; refuse anything else (E657)."""
    return _load(Codebook, given, "codebook", "the folder of a codebook, or outcomes.Codebook.load(folder)")


def check_whole(name: str, value: Any, least: int) -> int:
    """Return one whole number from `least` on, as a number of days is, or refuse (E659)."""
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not is_number or not value >= least or value == float("inf") or value != int(value):
        raise refused(name, f"must be one whole number, {least} or more.")
    return int(value)


def check_list(name: str, value: Any, of: str) -> list[Any]:
    """Return the entries of a list, tuple or array, or refuse what is none (E659); `of` says what they are."""
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        raise refused(name, f"must be a list of {of}.")
    return list(value)


def refused(name: str, what: str, code: str = "E659") -> InputRefused:
    """Return the refusal of an argument, to be raised."""
    return InputRefused(f"The argument '{name}' cannot be used.", [Finding(code, what, name)])


def _load(kind: type[_Definitions], given: Any, what: str, remedy: str) -> _Definitions | None:
    if given is None or isinstance(given, kind):
        return given
    if isinstance(given, (str, os.PathLike)):
        return kind.load(Path(given))
    finding = Finding("E657", f"is {type(given).__name__}, not a {what}.", what, f"Pass {remedy}.")
    raise InputRefused("This step cannot be taken.", [finding])


def _check(given: Any, names: tuple[str, ...], what: str, maker: str) -> None:
    if not all(hasattr(given, name) for name in names):
        finding = Finding("E657", f"is {type(given).__name__}, not {what}.", what, f"Pass what {maker} returns.")
        raise InputRefused("This step cannot be taken.", [finding])
