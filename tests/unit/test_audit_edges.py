"""What the audit calls few, narrowed or worked out, and what is left of counts: at and beside the edge."""

from __future__ import annotations

import csv
import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from outcomes.release import audit
from outcomes.release.audit_book import Book
from outcomes.release.audit_relations import relate
from outcomes.release.audit_system import Answer, System
from outcomes.release.public.model import HIDDEN_CELL, RULES, Attacked, Cohort, ShownCurve, ShownTable

FLOOR = 5
OPEN = math.inf


# -- systems -----------------------------------------------------------------------------------------------------------


def ask(bounds, rows=(), not_small="", thorough=True, asked="a"):
    """Answers about counts by their bounds and rows (weights by name, least, most)."""
    system = System(FLOOR)
    for name, (low, high) in bounds.items():
        system.narrow(system.count(name), low, high, "bounds")
    for weights, low, high in rows:
        system.add([(system.count(name), float(w)) for name, w in weights.items()], low, high, "row")
    system.not_small |= {system.count(name) for name in not_small}
    found = system.look_into([system.count(name) for name in asked], thorough)
    assert all(answer.settled for answer in found.values()) and not system.contradictions
    return [(answer.low, answer.high, answer.small, answer.other) for answer in found.values()]


FEW, ANY = (1, 4), (0, OPEN)
A_B = {"a": 1, "b": 1}


@pytest.mark.parametrize(
    ("bounds", "rows", "not_small", "answer"),
    [
        ({"a": (3, 3)}, [], "", (3, 3, (3,), False)),
        ({"a": (0, 0)}, [], "", (0, 0, (), True)),
        ({"a": (5, 9)}, [], "", (5, 9, (), True)),
        ({"a": (4, 9)}, [], "", (4, 9, (4,), True)),
        ({"a": FEW}, [], "", (1, 4, (1, 2, 3, 4), False)),
        ({"a": (0, 4)}, [], "", (0, 4, (1, 2, 3, 4), True)),
        ({"a": ANY}, [], "", (0, -1, (1, 2, 3, 4), True)),
        ({"a": ANY}, [], "a", (0, -1, (), True)),
        ({"a": (0, 4)}, [], "a", (0, 4, (), True)),
        # sums
        ({"a": FEW, "b": FEW}, [(A_B, 7, 7)], "", (3, 4, (3, 4), False)),
        ({"a": FEW, "b": FEW}, [(A_B, 8, 8)], "", (4, 4, (4,), False)),
        ({"a": FEW, "b": FEW}, [(A_B, 0, 3)], "", (1, 2, (1, 2), False)),
        ({"a": ANY, "b": FEW}, [(A_B, 7, 7)], "", (3, 6, (3, 4), True)),
        ({"a": ANY, "b": FEW}, [(A_B, 7, OPEN)], "", (3, -1, (3, 4), True)),
        ({"a": FEW, "b": FEW}, [({"a": 2, "b": 1}, 9, 9)], "", (3, 4, (3, 4), False)),
        ({"a": FEW, "b": FEW}, [({"a": 3, "b": 2}, 12, 12)], "", (2, 2, (2,), False)),
        ({"a": FEW, "b": (2, 3)}, [({"a": 1, "b": -1}, 1, 1)], "", (3, 4, (3, 4), False)),
        ({"a": FEW, "b": (5, 6)}, [({"a": -2, "b": 1}, 0, 0)], "", (3, 3, (3,), False)),
        ({"a": ANY, "b": (9, 9)}, [({"a": 1, "b": -1}, -OPEN, 0)], "", (0, 9, (1, 2, 3, 4), True)),
        # marks of what is not small
        ({"a": ANY, "b": FEW}, [(A_B, 6, 6)], "a", (5, 5, (), True)),
        ({"a": FEW, "b": ANY}, [(A_B, 6, 6)], "b", (1, 1, (1,), False)),
        ({"a": ANY, "b": ANY}, [(A_B, 6, 6)], "b", (0, 6, (1,), True)),
        ({"a": ANY, "b": ANY}, [(A_B, 9, 9)], "b", (0, 9, (1, 2, 3, 4), True)),
        # two rows, and one that says nothing of a
        ({"a": FEW, "b": FEW, "c": FEW}, [(A_B, 5, 5), ({"b": 1, "c": 1}, 7, 7)], "", (1, 2, (1, 2), False)),
        ({"a": FEW, "b": (2, 2)}, [({"a": 1, "c": 1}, 5, 6), ({"b": 1, "c": 1}, 6, 6)], "", (1, 2, (1, 2), False)),
        ({"a": FEW, "b": FEW, "c": FEW}, [({"b": 1, "c": 1}, 8, 8)], "", (1, 4, (1, 2, 3, 4), False)),
    ],
)  # fmt: skip
def test_what_is_left_of_a_count(bounds, rows, not_small, answer):
    assert ask(bounds, rows, not_small) == [answer]


def test_of_a_count_that_need_not_be_small_small_values_are_looked_for_where_it_is_asked_for():
    [(low, high, small, other)] = ask({"a": ANY}, thorough=False)
    assert (low, high, other) == (0, -1, True) and len(small) < 4
    several = ask(dict.fromkeys("abcdefgh", FEW), asked="abcdefgh")
    assert several == [(1, 4, (1, 2, 3, 4), False)] * 8


def test_a_rest_is_written_down_once():
    system = System(FLOOR)
    whole, part = system.count("whole"), system.count("part")
    rest = system.rest(whole, part)
    assert system.rest(whole, part) == rest and len(system.rows) == 1
    system.know(whole, 9)
    system.know(part, 6)
    assert system.look_into([rest])[rest] == Answer(3, 3, (3,), False, True, "whole less part")


@pytest.mark.parametrize(("least", "bounds"), [(False, (9, 9)), (True, (0, 9))])
def test_parts_are_their_whole_or_no_more_than_it(least, bounds):
    system = System(FLOOR)
    a, b, whole = (system.count(name) for name in ("a", "b", "whole"))
    system.add_sum([a, b], whole, "sum", least)
    system.know(whole, 12)
    system.know(b, 3)
    system._propagate()
    assert (system.low[a], system.high[a]) == bounds


# -- what is few -------------------------------------------------------------------------------------------------------


def book_of(*events):
    rows = [{"end_reason": f"end {i}", "label": f"End {i}", "n": "40", "events": str(v)} for i, v in enumerate(events)]
    book = Book({"episode_ends": rows}, FLOOR)
    relate(book)
    return book


@pytest.mark.parametrize(("text", "is_few"), [("0", False), ("1", True), ("4", True), ("5", False), ("<5", False)])
def test_a_printed_count_of_one_up_to_the_floor_is_found_and_known(text, is_few):
    book = book_of(20, text)
    few = [one for one in audit.find_printed(book) if one.column == "events"]
    assert [(one.shown, one.line) for one in few] == [(text, 3)] * is_few
    at = next(cell.at for cell in book.cells if (cell.line, cell.column) == (3, "events"))
    known = audit.find_told(book, ()).get(at)
    assert (known is not None and known.kind == audit.PRINTED) == is_few


@pytest.mark.parametrize(
    ("answer", "which", "text", "kind", "possible"),
    [
        (Answer(3, 3, (3,), False, True, "sum"), "count", "<5", "RECOVERED", "3"),
        (Answer(3, 4, (3, 4), False, True, "sum"), "count", "<5", "NARROWED", "3, 4"),
        (Answer(1, 4, (1, 2, 4), False, True, ""), "count", "<5", "NARROWED", "1, 2, 4"),
        (Answer(1, 4, (1, 2, 3, 4), False, True, ""), "count", "<5", None, ""),
        (Answer(0, 4, (3,), True, True, ""), "count", "<5", None, ""),  # it need not be small at all
        (Answer(5, 9, (), False, True, ""), "count", "<5", None, ""),
        (Answer(1, 4, (1, 2), False, False, ""), "count", "<5", "UNSETTLED", "1, 2"),
        (Answer(3, 3, (3,), False, True, "whole less part"), "rest", "37", "PRINTED", "3 without it"),
        (Answer(3, 3, (3,), False, True, "whole less part"), "rest", "<5", "RECOVERED", "3 without it"),
        (Answer(3, 4, (3, 4), False, True, ""), "rest", "37", "NARROWED", "3, 4 without it"),
    ],
)
def test_what_is_left_of_a_hidden_count_is_judged(answer, which, text, kind, possible):
    book = book_of(20)
    cell = replace(next(iter(book.cells)), text=text)
    found = audit._judge(book, cell, which, answer)
    assert [(one.kind, one.possible) for one in found] == ([(getattr(audit, kind), possible)] if kind else [])


COHORT = Cohort("patients", "patients", "d")


@pytest.mark.parametrize(("base", "few"), [(1, {"1", "9", "10"}), (5, {"1", "9"}), (10, {"1", "9"})])
def test_a_public_number_below_the_least_that_rounding_prints_is_few(base, few):
    """Eleven patients are printed as 11, or rounded as 10."""
    numbers = np.array([[0, 1, 9], [10, 11, HIDDEN_CELL]])
    table = ShownTable("t", COHORT, ("r0", "r1"), ("a", "b", "c"), numbers, (60, 60), (40, 40, 40), base, (), 120)
    assert {one.shown for one in audit._find_low(table, RULES.k)} == few
    values = np.array([0, 1, 9, 10, 11])
    share = np.zeros(5, int)
    curve = ShownCurve("relief", "all", COHORT, 7 * np.arange(1, 6), values, values + 50, share, share, share, base)
    assert {(one.shown, one.row) for one in audit._find_low_points(curve, RULES.k)} == {
        (str(n), f"all, day {7 * i + 7}") for i, n in enumerate(values.tolist()) if str(n) in few
    }


@pytest.mark.parametrize(("low", "high", "kind", "possible"), [(3, 3, "RECOVERED", "3"), (3, 5, "NARROWED", "3 to 5")])
def test_a_public_number_is_worked_out_or_narrowed(low, high, kind, possible):
    found = audit._of_public(Attacked("t", "r0 / a", low, high, False, "way"))
    assert (found.kind, found.possible, found.file) == (getattr(audit, kind), possible, "tables/public_t.csv")


def test_all_that_was_found_is_written_down_with_its_line(tmp_path: Path):
    items = [audit.Found("narrowed", "tables/t.csv", line, "r", "c", "<5", "1, 2", "sum") for line in (0, 7)]
    audit.write_csv([SimpleNamespace(folder=tmp_path, audience="clinic", found=items)], tmp_path / "found.csv")
    rows = list(csv.reader((tmp_path / "found.csv").open(encoding="utf-8")))
    assert rows[0] == list(audit.COLUMNS)
    assert [row[4] for row in rows[1:]] == ["", "7"] and rows[1][2:4] == ["narrowed", "tables/t.csv"]


def test_a_table_that_has_the_columns_of_a_public_one_and_no_more_is_one(monkeypatch):
    row = {"table": "returns", "cohort": "all", "row": "r", "column": "c", "patients": "15"}
    tables = {"returns": [row], "other": [{**row, "table": "other", "share": "0.5"}], "names": [{"table": "names"}]}
    monkeypatch.setattr(audit, "_read", lambda folder: tables)
    found, curves = audit._public_tables(Path("of"), {})
    assert [table.name for table in found] == ["returns", "other"] and curves == ()
