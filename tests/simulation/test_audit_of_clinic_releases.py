"""Practices of few patients: what a reader of all their protected tables can work out, and of the open ones.

The comparisons of treatments take minutes and are left out of the slice; the slow test puts every question to every
third practice.
"""

from __future__ import annotations

import dataclasses
import os

import pytest

from outcomes.release.across_questions import protect_answers
from outcomes.release.audit import PRINTED, RECOVERED, UNSETTLED, attack_book, find_printed, find_told
from outcomes.release.audit_book import Book, read_csv
from outcomes.release.audit_relations import relate
from outcomes.release.hide_more import hide_what_is_told
from outcomes.release.inputs import QUESTIONS, ask
from outcomes.release.tables import name_tables, to_csv
from support.small_practices import make_practice

FLOOR = 5
QUICK = ("recurrence", "modality_use", "attendance", "missing", "clinics", "clinicians", "same_visit")
SLOWER = (*QUICK, "relief", "triggers", "quarter_review", "relief_grid", "completeness")
SLICE = (60, 2, 3)
SMALL = [(60 + 20 * (i % 8), i, 3 + i % 4) for i in range(20)]
"""Small practices whose whole report is made: 60 to 200 patients, twenty seeds."""
PRACTICES = [(n, seed, 3 + seed % 4) for n in (40, 60, 80, 123, 180, 250) for seed in range(1, 6)]


def ask_practice(patients, seed, clinics, only):
    """Answers of a practice as they are published, and the same open."""
    episodes = make_practice(patients, seed, clinics)
    inputs = ask(None, episodes.visits, episodes, only=only)
    answers = {name: inputs.answer(name) for name in QUESTIONS}
    shown = hide_what_is_told(dataclasses.replace(inputs, **protect_answers(answers, FLOOR)))
    return ({name: one.answer(name) for name in QUESTIONS if one.answer(name) is not None} for one in (shown, inputs))


def lay_out(answers):
    """The tables as a reader of their files has them."""
    tables = {}
    for name, result in answers.items():
        tables |= {table: read_csv(to_csv(frame)) for table, frame in name_tables(name, result).items()}
    book = Book(tables, FLOOR)
    relate(book)
    return book


def truth_of(book):
    """Value of each count by name, from tables in which nothing is hidden."""
    assert not [cell for cell in book.cells if book.is_mark(cell.text)]
    return {name: float(cell.text) for cell in book.cells for name in [book.system.names[cell.at]]}


def count_lines(book):
    """The last line with a count of each table."""
    return {cell.table: cell.line for cell in sorted(book.cells, key=lambda cell: cell.line)}


def check_rows(book, truth):
    """Rows of the reader's system that the true numbers contradict, and how many were looked at."""
    names = book.system.names

    def value(at):
        name = names[at]
        if isinstance(name, tuple):
            whole, part = value(name[1]), value(name[2])
            return None if whole is None or part is None else whole - part
        return truth.get(name)

    wrong, looked = [], 0
    for row in book.system.rows:
        values = [value(at) for at in row.at]
        if None in values:
            continue
        looked += 1
        total = sum(weight * v for weight, v in zip(row.weights, values, strict=True))
        if not row.low - 1e-4 <= total <= row.high + 1e-4:
            wrong.append((row.why, [names[at] for at in row.at], values))
    return wrong, looked


def list_told(book):
    """Hidden small counts that a reader is left one value of, or some, or that were not settled."""
    told = {RECOVERED: [], "narrowed": [], UNSETTLED: []}
    for cell, which, answer in attack_book(book):
        if answer.other or not answer.small or len(answer.small) == FLOOR - 1:
            continue
        if which == "rest" and cell.column in ("missing",):
            continue
        kind = UNSETTLED if not answer.settled else RECOVERED if len(answer.small) == 1 else "narrowed"
        told[kind].append((cell.table, cell.line, cell.column, which, answer.small, answer.way))
    return told


def check_practice(patients, seed, clinics, only):
    shown, raw = ask_practice(patients, seed, clinics, only)
    book, bare = lay_out(shown), lay_out(raw)
    # What the reader takes for granted is true. Lines that were put together have no line of the open table.
    lines = count_lines(bare)
    alike = {table for table, last in count_lines(book).items() if lines.get(table) == last}
    pooled = tuple(f"{table}/" for table in lines if table not in alike)
    truth = {name: value for name, value in truth_of(bare).items() if not name.startswith(pooled)}
    wrong, looked = check_rows(book, truth)
    assert wrong == []
    assert looked > 300
    assert book.system.contradictions == bare.system.contradictions == []
    # Nothing hidden comes back.
    told = list_told(book)
    assert told[RECOVERED] == []
    assert told["narrowed"] == []
    # With nothing hidden the same reader has the small numbers, nearly all of those it would hide.
    hidden = [cell for cell in book.cells if book.is_mark(cell.text)]
    small = {
        name for cell in hidden for name in [book.system.names[cell.at]] if 0 < truth_of(bare).get(name, 0) < FLOOR
    }
    read = {bare.system.names[cell.at] for cell in bare.cells if 0 < float(cell.text) < FLOOR}
    return len(hidden), len(small), len(small & read), len(told[UNSETTLED]), find_printed(book)


def test_no_hidden_count_of_a_small_practice_comes_back_a_slice():
    hidden, small, read, _, printed = check_practice(*SLICE, QUICK)
    assert hidden > 300
    assert read > 0.95 * small > 50
    assert [item for item in printed if item.kind == PRINTED] == []


@pytest.mark.slow
def test_no_hidden_count_of_thirty_small_practices_comes_back():
    step = int(os.environ.get("AUDIT_EVERY", "1"))
    totals = [check_practice(*one, () if i % 3 == 0 else SLOWER) for i, one in enumerate(PRACTICES[::step])]
    hidden, small, read, unsettled = (sum(row[i] for row in totals) for i in range(4))
    print(
        f"{len(totals)} practices: {hidden} hidden, {small} of them small, {read} read when open, {unsettled} unsettled"
    )
    assert hidden > 10_000 / step
    assert read > 0.95 * small


@pytest.mark.slow
def test_a_reader_of_the_whole_report_of_twenty_small_practices_finds_nothing():
    step = int(os.environ.get("AUDIT_EVERY", "1"))
    before, marks = 0, [0, 0]
    for patients, seed, clinics in SMALL[::step]:
        episodes = make_practice(patients, seed, clinics)
        inputs = ask(None, episodes.visits, episodes)
        answers = {name: inputs.answer(name) for name in QUESTIONS}
        by_rules = dataclasses.replace(inputs, **protect_answers(answers, FLOOR))
        shown = hide_what_is_told(by_rules)
        books = [_lay_out_all(one) for one in (by_rules, shown)]
        before += len(find_told(books[0]))
        marks = [n + sum(book.is_mark(c.text) for c in book.cells) for n, book in zip(marks, books, strict=True)]
        assert find_told(books[1]) == {}, (patients, seed, clinics)
    print(f"{len(SMALL[::step])} practices: {before} told by the rules alone; {marks[0]} hidden, then {marks[1]}")
    # Not by hiding everything.
    assert marks[1] < 1.1 * marks[0]


def _lay_out_all(inputs):
    book = Book({name: read_csv(to_csv(table)) for name, table in inputs.tables().items()}, FLOOR)
    relate(book)
    return book
