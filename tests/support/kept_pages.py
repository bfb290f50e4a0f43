"""What pages of invented answers say, kept in tests/kept/invented.txt: every word, mark and picture of the page model.

whole     all answers as invented, as `shared_page.py` draws them
first     without the answers of the second half, which are refused; no pictures
second    without those of the first half
"""

from __future__ import annotations

import dataclasses
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kept_runs import KEPT, _describe_drawing

from outcomes.errors import NotEstimable
from outcomes.release.inputs import QUESTIONS, ReportInputs
from outcomes.release.model import Column
from outcomes.release.page import build_page
from outcomes.release.tables import collect_tables

FILE = KEPT / "invented.txt"
HALVES = {"first": QUESTIONS[1::2], "second": QUESTIONS[::2]}
"""Questions that are refused."""


_NOT_SHOWN = ("cells", "template", "kind")
"""Fields no reader sees: a sentence is its text."""


def describe(page: Any) -> list[str]:
    """Return the lines of a page model: where, and what stands there."""
    return [f"{place}: {' '.join(said.split())}" for place, said in _walk(page, "")]


def _walk(item: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(item, Column):
        yield place, " ".join(filter(None, (item.heading, "numeric" * item.numeric, "header" * item.row_header)))
    elif dataclasses.is_dataclass(item):
        for name in (field.name for field in dataclasses.fields(item)):
            if name not in _NOT_SHOWN and getattr(item, name) not in ("", (), None, False):
                yield from _walk(getattr(item, name), f"{place}.{name}" if place else name)
    elif isinstance(item, tuple) and not all(isinstance(one, str) for one in item):
        for one in item:
            yield from _walk(one, place)
    elif isinstance(item, str) and item.startswith("<svg"):
        yield place, _describe_drawing(item)
    else:
        yield place, " | ".join(item) if isinstance(item, tuple) else str(item)


def half_of(hidden: ReportInputs, name: str) -> list[str]:
    """Return what a page says, and the whole one does not, if half of the answers are refused; nothing is drawn."""
    refused = {question: NotEstimable(f"Too few for {question}.") for question in HALVES[name]}
    inputs = dataclasses.replace(hidden, **refused)
    said = set(read_kept("whole"))
    return [line for line in describe(build_page(inputs, collect_tables(inputs))) if line not in said]


def read_kept(name: str) -> list[str]:
    """Return the lines that are kept of a page."""
    parts = FILE.read_text(encoding="utf-8").split("# page ")
    return next(part.splitlines()[1:] for part in parts if part.startswith(f"{name}\n"))


def main() -> None:
    """Write anew what is kept."""
    from shared_page import hidden_fakes, page_of_fakes
    from undrawn import leave_undrawn

    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        text = f"# page whole\n{_join(describe(page_of_fakes(Path(folder))))}"
        FILE.write_text(text, encoding="utf-8")
        leave_undrawn(patch)
        for name in HALVES:
            text += f"# page {name}\n{_join(half_of(hidden_fakes(Path(folder)), name))}"
    FILE.write_text(text, encoding="utf-8")
    sys.stdout.write("tests/kept/invented.txt\n")


def _join(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


if __name__ == "__main__":
    sys.path.insert(0, str(KEPT.parent))
    main()
