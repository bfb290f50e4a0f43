"""The list of promises names tests that are there."""

from __future__ import annotations

import re

import pytest

WORDS = re.compile(r"`((?:tests|tools)/[\w./]+|test_\w+\.py)`")


@pytest.fixture(scope="module")
def page(repository):
    return (repository / "docs" / "validation.md").read_text(encoding="utf-8")


def test_every_test_that_is_named_is_there(repository, page):
    named = WORDS.findall(page)
    assert len(named) > 30
    there = {path.name for path in (repository / "tests").rglob("test_*.py")}
    missing = [name for name in named if not ((repository / name).exists() or name in there)]
    assert not missing


def test_every_promise_has_a_test_and_a_result(page):
    rows = [
        line.strip("|").split("|") for line in page.splitlines() if line.startswith("| ") and "| promise |" not in line
    ]
    assert len(rows) > 30
    assert all((len(cells) == 3 and "`" in cells[1]) or "tests" in cells[1] for cells in rows)
    assert all(cells[2].strip() and not re.search(r"\b[A-Z]{8,}\d*\b", cells[2]) for cells in rows)
