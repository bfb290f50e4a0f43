"""One random fault in an otherwise clean export: found, or provably without effect; never silent, and no row is lost.

The faults are those of the catalogue (`tests/faults`), put anywhere. What no reader can see is no fault here: a row
that is not there, or a rating of 5 that was a 3. Clean means that nothing at all is said of the file.
"""

from __future__ import annotations

import csv
import datetime
import io
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from outcomes.cases import Visits, build_episodes, build_visits
from outcomes.errors import OutcomesError
from outcomes.records import Mapping, Records, read_records
from outcomes.simulate import DATA_CUT, simulate

MAPPING = Mapping.from_dict({"dates": {"data_cut": DATA_CUT}})
Random = np.random.Generator
Table = list[list[str]]


@dataclass(frozen=True)
class Clean:
    """The clean export, and what is read from it."""

    header: list[str]
    rows: Table
    outcome: Outcome

    def at(self, name: str) -> int:
        """Position of a column."""
        return self.header.index(name)


@dataclass(frozen=True)
class Outcome:
    """What came of a file: what was said and counted, and the table of visits without the rows they stood in."""

    said: tuple[Any, ...]
    visits: Any
    refused: str = ""


def write(header: list[str], rows: Table) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return stream.getvalue()


def look_at(path: Path, content: bytes) -> Outcome:
    """Read, clean and group a file; hold its rows against what became of them."""
    path.write_bytes(content)
    try:
        records = read_records(path, MAPPING)
        visits = build_visits(records)
        build_episodes(visits)
    except OutcomesError as refusal:
        assert refusal.findings, refusal
        assert all(finding.remedy for finding in refusal.findings), refusal
        return Outcome((), None, str(refusal))
    check_rows(records, visits)
    quarantine = visits.quarantine.select(["code", "column"]).to_pylist()
    said = (
        Counter((row["code"], row["column"]) for row in quarantine),
        [(s.name, dict(s.merged), dict(s.set_aside), dict(s.not_data)) for s in visits.ledger.steps],
        visits.unknown_terms,
        visits.warnings,
        visits.notes,
    )
    return Outcome(said, visits.to_arrow().drop_columns(["source_row"]))


def check_rows(records: Records, visits: Visits) -> None:
    """Input rows = records of the visits + set aside + no data; those merged are among the records of the visits."""
    steps = [step for step in visits.ledger.steps if step.name in ("read", "validate")]
    rows_in = sum(step.rows_in for step in steps if step.name == "read")
    aside, not_data = sum(step.n_set_aside for step in steps), sum(step.n_not_data for step in steps)
    lines = sum(step.n_merged for step in steps)  # further lines of quoted cells
    assert rows_in == int(visits.columns["n_records"].sum()) + aside + not_data + lines
    merged = sum(step.n_merged for step in visits.ledger.steps if step.name == "merge")
    assert int(visits.columns["n_records"].sum()) == visits.n + merged
    places = {(row["source_file"], row["source_row"]) for row in visits.quarantine.to_pylist()}
    assert len(places) == aside
    assert records.n == sum(step.kept for step in steps if step.name == "read")


# -- one cell ---------------------------------------------------------------------------------------------------------


def _filled(random: Random, clean: Clean, name: str, often: bool = False) -> int:
    """A row with this cell filled; `often`, of somebody with three visits at least."""
    column, patients = clean.at(name), Counter(row[0] for row in clean.rows)
    no_visit = {"no_show", "cancelled"}
    at_visit = clean.at("visit_purpose")
    rows = [
        i
        for i, row in enumerate(clean.rows)
        if row[column] and row[at_visit] not in no_visit and (not often or patients[row[0]] >= 3)
    ]
    return int(random.choice(rows))


Change = Callable[[str, Random], str]
Fault = Callable[[Random, Clean], bytes]


def cell(name: str, *texts: str | Change, often: bool = False) -> Fault:
    """Write one of these into a filled cell of the column."""

    def make(random: Random, clean: Clean) -> bytes:
        row = _filled(random, clean, name, often)
        text = texts[int(random.integers(len(texts)))]
        rows = [list(cells) for cells in clean.rows]
        old = rows[row][clean.at(name)]
        rows[row][clean.at(name)] = text if isinstance(text, str) else text(old, random)
        return write(clean.header, rows).encode()

    return make


def _letter_typed(text: str, random: Random) -> str:
    """A digit of the text typed as a letter."""
    place = int(random.choice([i for i, letter in enumerate(text) if letter.isdigit()]))
    return text[:place] + "OlzSB"[int(random.integers(5))] + text[place + 1 :]


def _day_and_month_swapped(text: str, _: Random) -> str:
    """Swapped where the day can be no month; other swaps are other days, and nobody can see them."""
    year, month, _day = text.split("-")
    return f"{year}-{13 + int(month)}-{month}"


def _wrong_year(text: str, random: Random) -> str:
    return ("0025", "1025", "2205", "0205", "9025", "1925")[int(random.integers(6))] + text[4:]


def _slashed(text: str, random: Random) -> str:
    day = datetime.date.fromisoformat(text)
    return day.strftime(("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%y")[int(random.integers(3))])


def _serial(text: str, _: Random) -> str:
    return str((datetime.date.fromisoformat(text) - datetime.date(1899, 12, 30)).days)


def _term_mistyped(text: str, random: Random) -> str:
    """The first term with a letter doubled and one lost, which is no word any more."""
    first, *rest = text.split(";")
    return ";".join([first + "qz" if random.random() < 0.5 else "x" + first[1:] + "xq", *rest])


def _other_sex(text: str, _: Random) -> str:
    return "male" if text == "female" else "female"


def _thirty_years(text: str, _: Random) -> str:
    return str(int(text) + 30) if int(text) < 60 else str(int(text) - 30)


def _onset_after(random: Random, clean: Clean) -> bytes:
    row = _filled(random, clean, "onset_date")
    rows = [list(cells) for cells in clean.rows]
    day = datetime.date.fromisoformat(rows[row][clean.at("visit_date")]) + datetime.timedelta(days=3)
    rows[row][clean.at("onset_date")] = day.isoformat()
    return write(clean.header, rows).encode()


CELLS: dict[str, Fault] = {
    "id lost": cell("patient_id", "", "   "),
    "id in scientific notation": cell("patient_id", "1.2E+05", "4e6"),
    "id made a number": cell("patient_id", lambda text, _: f"{text}.0"),
    "id with a zero": cell("patient_id", lambda text, _: f"00{text}", often=True),
    "id with a blank": cell("patient_id", lambda text, _: f"{text[:3]} {text[3:]}", often=True),
    "id with an invisible character": cell("patient_id", lambda text, _: f"{text}\u200b"),
    "id in full-width digits": cell("patient_id", lambda text, _: chr(0xFF10 + int(text[0])) + text[1:], often=True),
    "date lost": cell("visit_date", "", " "),
    "day and month swapped": cell("visit_date", _day_and_month_swapped),
    "impossible date": cell("visit_date", "2025-02-30", "0000-00-00", "1900-01-00", "2024-13-01"),
    "stand-in date": cell("visit_date", "1900-01-01", "9999-12-31", "1970-01-01", "1899-12-30"),
    "wrong century": cell("visit_date", _wrong_year),
    "date after the cut": cell("visit_date", "2026-10-01", "2027-03-05", "2062-01-09"),
    "date in another style": cell("visit_date", _slashed),
    "date as a serial number": cell("visit_date", _serial),
    "date with a month's name": cell("visit_date", "12-Mar-25", "3. Januar 2025", "Mar 5, 2025"),
    "date with a letter": cell("visit_date", _letter_typed),
    "date with a zone": cell("visit_date", lambda text, _: f"{text}T23:30:00-05:00"),
    "date cut off": cell("visit_date", lambda text, _: text[:7], lambda text, _: text[:9] + "x"),
    "onset not a date": cell("onset_date", "last week", "2025-02-31", "1900-01-01"),
    "onset after the visit": _onset_after,
    "onset before birth": cell("onset_date", "1901-03-04"),
    "pain off the scale": cell("pain_pre", "11", "42", "-3", "99", "999", "-9"),
    "pain after treatment off the scale": cell("pain_post", "11", "-1", "100"),
    "pain no number": cell("pain_pre", "severe", "~6", "<3", "NA", "n/a", ".", "\u2014", "inf", "NaN", "1e400", "6 7"),
    "pain made a date": cell("pain_pre", "3-Oct", "Oct-3", "2025-10-03"),
    "pain with a comma": cell("pain_pre", "5,5", "6,"),
    "pain written as a fraction": cell("pain_pre", "7/10", "6-7", "8->5"),
    "pain out of a hundred": cell("pain_pre", "70/100", "65"),
    "pain with many digits": cell("pain_pre", "5.123", "9" * 400),
    "pain with outer blanks": cell("pain_pre", lambda text, _: f"  {text} "),
    "age nobody has": cell("age", "130", "-1", "4.5", "forty", "1e2", "9" * 400),
    "age of somebody else": cell("age", _thirty_years, often=True),
    "sex of somebody else": cell("sex", _other_sex, often=True),
    "unknown sex": cell("sex", "w", "7"),
    "unknown treatment": cell("modalities", _term_mistyped, "moon dust"),
    "unknown muscle": cell("muscles_identified", _term_mistyped),
    "unknown region": cell("region", "elbow room", "lumbarx"),
    "unknown cause": cell("cause", "cosmic rays"),
    "unknown trigger": cell("trigger", "the neighbour"),
    "unknown radiation": cell("radiation", "to the moon"),
    "unknown onset": cell("onset", "yes and no"),
    "unknown purpose": cell("visit_purpose", "treatmnt", "visit 3"),
    "unknown procedure": cell("procedure_codes", "9894O", "1234"),
    "unknown instrument": cell("function_instrument", "my own form"),
    "diagnosis without its letter": cell("diagnoses", "62.830", "724.8", "back spasm"),
    "diagnosis without its dot": cell("diagnoses", lambda text, _: text.replace(".", "")),
    "score no number": cell("function_score", "n/a", "inf", "1,234", "4o"),
    "score outside its instrument": cell("function_score", "999", "-1"),
    "earlier episodes no number": cell("previous_episodes", "-1", "few", "1.5"),
    "tingling neither yes nor no": cell("paresthesia", "maybe", "2"),
}


# -- one row, or the file ---------------------------------------------------------------------------------------------


def lines_changed(change: Callable[[list[str], int, Random], list[str]]) -> Fault:
    """Give the lines of the file and one of them to a function that gives lines back."""

    def make(random: Random, clean: Clean) -> bytes:
        lines = write(clean.header, clean.rows).splitlines()
        row = 1 + _filled(random, clean, "pain_pre")
        return ("\n".join(change(lines, row, random)) + "\n").encode()

    return make


def in_line(change: Callable[[str, Random], str]) -> Fault:
    return lines_changed(lambda lines, at, random: [*lines[:at], change(lines[at], random), *lines[at + 1 :]])


def _swapped(*names: str) -> Fault:
    """Two cells of a row in each other's place."""

    def make(random: Random, clean: Clean) -> bytes:
        row = _filled(random, clean, names[0])
        rows = [list(cells) for cells in clean.rows]
        one, other = (clean.at(name) for name in names)
        rows[row][one], rows[row][other] = rows[row][other], rows[row][one]
        return write(clean.header, rows).encode()

    return make


def _near_copy(random: Random, clean: Clean) -> bytes:
    row = _filled(random, clean, "pain_pre")
    copy = list(clean.rows[row])
    copy[clean.at("pain_pre")] = "0" if copy[clean.at("pain_pre")] != "0" else "1"
    return write(clean.header, [*clean.rows[: row + 1], copy, *clean.rows[row + 1 :]]).encode()


def _insert(line: Callable[[list[str]], str]) -> Fault:
    return lines_changed(lambda lines, at, _: [*lines[:at], line(lines), *lines[at:]])


def _into(mark: str) -> Callable[[str, Random], str]:
    """Put a character somewhere into a line."""

    def change(line: str, random: Random) -> str:
        place = int(random.integers(1, len(line)))
        return line[:place] + mark + line[place:]

    return change


def _latin(random: Random, clean: Clean) -> bytes:
    data = write(clean.header, clean.rows).encode()
    place = data.index(b"\n", int(random.integers(len(data) // 2)))
    return data[:place] + b"\xe9" + data[place:]


ROWS: dict[str, Fault] = {
    "row doubled": lines_changed(lambda lines, at, _: [*lines[:at], lines[at], *lines[at:]]),
    "row doubled elsewhere": lines_changed(lambda lines, at, _: [*lines, lines[at]]),
    "row told twice, differently": _near_copy,
    "rows in another order": lines_changed(lambda lines, at, _: [lines[0], *lines[at:], *lines[1:at]]),
    "row cut off": in_line(lambda line, _: line[: line.rindex(",", 0, len(line) // 2)]),
    "file cut off": lines_changed(lambda lines, at, _: [*lines[:at], lines[at][:12]]),
    "one cell too many": in_line(lambda line, _: line + ",x"),
    "cells shifted to the right": in_line(lambda line, _: "," + line[: line.rindex(",")]),
    "cells shifted to the left": in_line(lambda line, _: line.split(",", 1)[1] + ","),
    "delimiter of another kind": in_line(lambda line, _: line.replace(",", ";", 4)),
    "delimiter added": in_line(_into(",")),
    "quote opened": in_line(lambda line, _: line.replace(",", ',"', 1)),
    "stray quote": in_line(_into('"')),
    "NUL": in_line(_into("\0")),
    "control character": in_line(_into("\x1a")),
    "cells of two columns swapped": _swapped("patient_id", "visit_date"),
    "pain and age swapped": _swapped("age", "pain_pre"),
    "region and diagnosis swapped": _swapped("diagnoses", "region"),
    "header again": _insert(lambda lines: lines[0]),
    "blank line": _insert(lambda _: ""),
    "line of delimiters": _insert(lambda lines: "," * lines[0].count(",")),
    "row of totals": lines_changed(lambda lines, _, __: [*lines, "Total" + "," * lines[0].count(",")]),
    "other line end": in_line(lambda line, _: line + "\r"),
    "mark at the start": lines_changed(lambda lines, _, __: ["\ufeff" + lines[0], *lines[1:]]),
    "byte of another encoding": _latin,
}
KINDS: dict[str, Fault] = {**CELLS, **ROWS}
HARMLESS = {"rows in another order", "pain with outer blanks", "diagnosis without its dot", "mark at the start"}
"""Faults that change no visit and of which nothing need be said."""


def clean_export(n_rows: int, folder: Path) -> Clean:
    """A clean export of about this many rows, and proof that no row, word or file of it is remarked on."""
    cells = simulate(max(40, n_rows // 6), seed=77, profile="chiro", clinics=3, quarters=12, clean=True).records
    header = list(cells)
    drawn = [list(map(str, row)) for row in zip(*(cells[name] for name in header), strict=True)]
    of_day = {tuple(row[header.index(name)] for name in ("patient_id", "visit_date")): row for row in drawn}
    rows = list(of_day.values())[:n_rows]
    outcome = look_at(folder / "visits.csv", write(header, rows).encode())
    assert not outcome.refused
    counts, steps, unknown, warnings, notes = outcome.said
    assert not counts
    assert not unknown
    assert not any(aside for _, _, aside, _ in steps)
    # The simulated age is that at the start of an episode: a long one may end beside the start of the next.
    assert {warning.code for warning in warnings} <= {"E247"}, warnings
    assert notes[0] == "visit_date: read as year, month, day", notes
    return Clean(header, rows, outcome)


def find_silent(clean: Clean, n_faults: int, folder: Path) -> tuple[list[str], Counter[str]]:
    """Put `n_faults` faults, each alone, into the clean export; every kind in turn, each at a random place."""
    random, names = np.random.default_rng(20260930), list(KINDS)
    random.shuffle(names)
    silent, counts = [], Counter()
    for number in range(n_faults):
        name = names[number % len(names)]
        found = look_at(folder / "visits.csv", KINDS[name](random, clean))
        if found.refused:
            counts["refused"] += 1
        elif found.said != clean.outcome.said:
            counts["said"] += 1
        elif found.visits.equals(clean.outcome.visits):
            counts["harmless"] += 1
        else:
            silent.append(f"{number}: {name}")
    return silent, counts


def test_no_single_fault_is_silent(tmp_path: Path) -> None:
    clean = clean_export(1_000, tmp_path)
    silent, counts = find_silent(clean, 25, tmp_path)
    assert silent == []
    assert sum(counts.values()) == 25


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Clean:
    return clean_export(300, tmp_path_factory.mktemp("clean"))


@pytest.mark.parametrize("name", sorted(HARMLESS))
def test_what_is_harmless_changes_nothing(name: str, small: Clean, tmp_path: Path) -> None:
    found = look_at(tmp_path / "visits.csv", KINDS[name](np.random.default_rng(5), small))
    assert not found.refused
    assert found.visits.equals(small.outcome.visits)


def test_a_silent_change_would_be_seen(small: Clean, tmp_path: Path) -> None:
    """The test can fail: a rating of 3 that was a 5 is what it calls silent."""
    rows = [list(row) for row in small.rows]
    row = next(i for i, cells in enumerate(rows) if cells[small.at("pain_pre")] == "5")
    rows[row][small.at("pain_pre")] = "3"
    found = look_at(tmp_path / "visits.csv", write(small.header, rows).encode())
    assert not found.refused
    assert found.said == small.outcome.said
    assert not found.visits.equals(small.outcome.visits)


@pytest.mark.slow
def test_none_of_500_single_faults_is_silent(tmp_path: Path) -> None:
    clean = clean_export(10_000, tmp_path)
    assert len(clean.rows) == 10_000
    silent, counts = find_silent(clean, 500, tmp_path)
    print(dict(counts))
    assert silent == []
    assert sum(counts.values()) == 500
