"""What every answer to a question says of itself when it is printed."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from outcomes.ledger import Ledger

_WIDTH = 100


@dataclasses.dataclass(frozen=True, repr=False)
class Answer:
    """An answer, a frozen dataclass; printed, it names what it holds.

    Its tables run to hundreds of lines, and numbers belong beside their interval and their notes: so printing tells
    where they are, and none of them.
    """

    def __repr__(self) -> str:
        """Name the question, the tables with their rows and columns, and what there is beside them."""
        held = {name: getattr(self, name) for name in list_parts(self)}
        tables = [f"{name} ({len(table)} x {len(table.columns)})" for name, table in _tables_of(held)]
        beside = [name for name, value in held.items() if not _is_table(value) and name != "more" and value is not None]
        asked = held.get("settings", {}).get("question", "")
        return "\n".join(
            [
                type(self).__name__ + (f": {asked}" if asked else ""),
                *_list("tables (rows x columns)", tables),
                *_list("beside them", beside),
            ]
        )


@dataclasses.dataclass(frozen=True, repr=False)
class CaseAnswer(Answer):
    """An answer that was found in cases, with what each of them says of itself.

    Attributes
    ----------
    summary : dict
        Numbers of all groups together, by their names.
    settings : dict
        The question, the definition, the estimator, and whatever else decides the numbers.
    ledger : Ledger
        What became of every row, from the files to the cases that were used.
    notes : tuple of str
        What limits the answer, a sentence each.
    """

    summary: dict[str, Any]
    settings: dict[str, Any]
    ledger: Ledger
    notes: tuple[str, ...]


def list_parts(answer: Answer) -> list[str]:
    """Return the names of what an answer holds, what is its own first."""
    common = [item.name for item in dataclasses.fields(CaseAnswer)]
    return sorted((item.name for item in dataclasses.fields(answer)), key=lambda name: name in common)


def _tables_of(held: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield from ((name, value) for name, value in held.items() if _is_table(value))
    yield from ((f'more["{name}"]', value) for name, value in held.get("more", {}).items() if _is_table(value))


def _is_table(value: object) -> bool:
    return hasattr(value, "columns")


def _list(head: str, items: list[str]) -> list[str]:
    words = f"  {head}: {', '.join(items)}"
    return textwrap.wrap(words, _WIDTH, initial_indent="  ", subsequent_indent="    ") if items else []
