"""What a reader takes from each cell of a published table: a count, a mark, a label, a part of a whole, a share."""

from __future__ import annotations

import math

import pytest

from outcomes.release.audit_book import Book, read_csv

FLOOR = 5


def book_of(table, *lines):
    return Book({table: [dict(line) for line in lines]}, FLOOR)


def row(n, events, estimate="", **more):
    return {"end_reason": "discharge", "label": "Discharged", "n": n, "events": events, "estimate": estimate, **more}


def bounds(book, at):
    return book.system.low[at], book.system.high[at]


def of_column(book, column):
    [cell] = [cell for cell in book.cells if cell.column == column]
    return cell


def test_a_cell_is_named_by_its_line_and_the_words_of_its_row():
    cell = of_column(book_of("episode_ends", row("40", "hidden", "0.5")), "events")
    assert (cell.table, cell.line, cell.row, cell.text) == ("episode_ends", 2, "discharge, Discharged", "hidden")
    long = of_column(book_of("episode_ends", row("40", "20", label="w" * 100)), "events")
    assert len(long.row) == 80


@pytest.mark.parametrize(
    ("text", "low", "high"), [("20", 20, 20), ("0", 0, 0), ("20.0", 20, 20), ("<5", 1, 4), ("hidden", 0, math.inf)]
)
def test_a_printed_count_is_known_and_a_mark_says_what_it_says(text, low, high):
    book = book_of("episode_ends", row("40", text))
    at = of_column(book, "events").at
    assert bounds(book, at) == (low, high)
    assert (at in book.system.not_small) == (text == "hidden")


@pytest.mark.parametrize("text", ["", "0.5", "20.5", "some"])
def test_what_is_no_whole_number_and_no_mark_is_no_count(text):
    assert [cell.column for cell in book_of("episode_ends", row("40", text)).cells] == ["n"]


@pytest.mark.parametrize("text", ["<5", "hidden"])
def test_beside_a_small_whole_a_mark_says_nothing_of_the_part(text):
    """Of fewer than five patients nothing is shown, and a part of none bears the mark as well."""
    book = book_of("episode_ends", row("<5", text))
    at = of_column(book, "events").at
    assert bounds(book, at) == (0, 4 if text == "<5" else math.inf)
    assert at not in book.system.not_small


@pytest.mark.parametrize(
    ("table", "more", "is_part"),
    [
        ("episode_ends", {}, True),
        ("recurrence", {"outcome": "first_return"}, True),
        ("recurrence", {"outcome": "mean_returns"}, False),
        ("recurrence_rates", {}, False),
        ("recurrence_mean_returns", {"outcome": "mean_returns"}, False),
    ],
)
def test_events_are_a_part_of_their_patients_but_where_one_may_return_twice(table, more, is_part):
    more = {"group": "all", "horizon_days": "365", "end": "", "year": "1", **more}
    book = book_of(table, row("40", "30", **more))
    assert [[cell.text for _, cell in parts] for parts in book.wholes.values()] == [["30"]] * is_part
    assert [(cell.text, bounds(book, rest)[1]) for cell, rest in book.rests()] == [("30", math.inf)] * is_part


@pytest.mark.parametrize(
    ("table", "estimate", "is_share"),
    [("episode_ends", "0.5", True), ("episode_ends", "hidden", False), ("episode_ends", "", False),
     ("relief", "0.5", False)],
)  # fmt: skip
def test_a_plain_share_is_its_part_over_its_whole(table, estimate, is_share):
    """In `relief` the share is of a curve, and no fraction of the numbers beside it."""
    book = book_of(table, row("40", "hidden", estimate, group="all", horizon_days="28"))
    n, events = (of_column(book, name).at for name in ("n", "events"))
    found = [line for line in book.system.rows if line.why.endswith("share times its base")]
    assert [dict(zip(line.at, line.weights, strict=True)) for line in found] == [{events: 1.0, n: -0.5}] * is_share


def test_completeness_is_what_the_missing_leave():
    book = book_of("months", {"quarter": "2025Q1", "visits": "40", "missing": "hidden", "completeness": "0.9"})
    missing, visits = (of_column(book, name).at for name in ("missing", "visits"))
    [line] = [line for line in book.system.rows if line.why.endswith("share times its base")]
    weights = dict(zip(line.at, line.weights, strict=True))
    assert weights[missing] == 1.0 and weights[visits] == pytest.approx(-0.1)


def test_of_recording_a_share_is_of_those_recorded():
    line = {"unit": "K1", "label": "muscles", "n": "40", "n_recorded": "hidden", "events": "7", "share": "0.25"}
    book = book_of("identified_muscle_recording", line)
    recorded, n = (of_column(book, name).at for name in ("n_recorded", "n"))
    [found] = [row for row in book.system.rows if row.why.endswith("share times its base")]
    assert dict(zip(found.at, found.weights, strict=True)) == {recorded: 1.0, n: -0.25}


def test_facts_of_a_summary_are_counts_by_their_names():
    lines = read_csv("item,value\nn,40\nn_relieved,<5\nn_units,3\nmedian,12\nn_left,\n")
    book = Book({"relief_summary": lines, "run": [{"fact": "n_rows", "value": "900"}]}, FLOOR)
    told = {cell.column: cell.text for cell in book.cells}
    assert {"n": "40", "n_relieved": "<5"}.items() <= told.items()
    assert "median" not in told and "n_left" not in told


def test_a_number_two_tables_print_is_one_count_and_a_contradiction_is_noted():
    lines = read_csv("item,value\nn,40\n")
    book = Book({"a_summary": lines, "b_summary": lines}, FLOOR)
    assert len({cell.at for cell in book.cells}) == 2 and not book.system.contradictions
    assert book.at("a_summary/n") != book.at("b_summary/n") and book.at("c_summary/n") is None
    assert book.lines("a_summary") == lines and book.lines("c") == ()
    book.system.know(book.at("a_summary/n"), 41.0)
    assert len(book.system.contradictions) == 1
