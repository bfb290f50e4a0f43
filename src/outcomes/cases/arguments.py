"""What this room is given: a table made by the step before, and nothing that only looks like one."""

from __future__ import annotations

from typing import Any

from outcomes.errors import Finding, InputRefused

_RECORDS = ("fields", "source_row", "set_aside", "mapping")
_VISITS = ("columns", "labels", "clinic_last_day", "quarantine")


def check_records(records: Any) -> None:
    """Refuse anything but the records that `read_records` returns (E657)."""
    _check(records, _RECORDS, "records", "outcomes.read_records(path, mapping)")


def check_visits(visits: Any) -> None:
    """Refuse anything but the visits that `build_visits` returns (E657)."""
    _check(visits, _VISITS, "visits", "outcomes.build_visits(records)")


def _check(given: Any, names: tuple[str, ...], what: str, maker: str) -> None:
    if not all(hasattr(given, name) for name in names):
        finding = Finding("E657", f"is {type(given).__name__}, not {what}.", what, f"Pass what {maker} returns.")
        raise InputRefused("This step cannot be taken.", [finding])
