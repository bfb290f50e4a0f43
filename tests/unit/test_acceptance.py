"""What stops a report: rows set aside, required columns empty, warnings; and what acknowledges them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from outcomes.cases import Visits, build_visits
from outcomes.cases.acceptance import State, check_acceptance, describe_acknowledgement, describe_state, list_objections
from outcomes.cli import main
from outcomes.errors import ConfigError, Finding, InputRefused
from outcomes.records import Mapping, Records, acknowledge
from tables import records_of

N = 100


def read(
    faulty: int = 0, empty: int = 0, outside: int = 0, missed: int = 0, **acknowledge: Any
) -> tuple[Records, Visits]:
    """A hundred rows, of which the first ones have a rating off the scale, the next no day, and so on."""
    code = ["M62.830"] * N
    code[N - outside :] = ["J45.909"] * outside
    purpose = ["treatment"] * N
    purpose[N - outside - missed : N - outside] = ["no show"] * missed
    cells = {
        "patient_id": [f"p{i // 4}" for i in range(N)],
        "visit_date": [
            "" if faulty <= i < faulty + empty else f"2025-{1 + i % 12:02d}-{1 + i % 28:02d}" for i in range(N)
        ],
        "pain_pre": ["11" if i < faulty else "5" for i in range(N)],
        "diagnoses": code,
        "visit_purpose": purpose,
    }
    records = records_of(cells, Mapping.from_dict({"acknowledge": acknowledge} if acknowledge else {}))
    return records, build_visits(records)


def codes(found: tuple[Records, Visits]) -> list[str]:
    return [finding.code for finding in list_objections(*found)]


@pytest.mark.parametrize(
    ("faulty", "acknowledge", "expected"),
    [
        (0, {}, []),
        (5, {}, []),
        (6, {}, ["E291"]),
        (6, {"rows_set_aside_percent": 5.9, "by": "R. Keller"}, ["E291"]),
        (6, {"rows_set_aside_percent": 6.0, "by": "R. Keller"}, []),
        (6, {"rows_set_aside_percent": 8, "by": "R. Keller"}, []),
        (3, {"rows_set_aside_percent": 2, "by": "R. Keller"}, ["E291"]),
    ],
)
def test_more_than_a_twentieth_set_aside(faulty: int, acknowledge: dict[str, Any], expected: list[str]) -> None:
    assert codes(read(faulty=faulty, **acknowledge)) == expected


def test_what_is_outside_the_case_definition_is_no_fault_and_missed_appointments_are_no_rows() -> None:
    found = read(faulty=2, outside=40, missed=20)
    state = describe_state(found[1])
    assert (state.n_rows, state.n_set_aside) == (80, 2)
    assert codes(found) == []


@pytest.mark.parametrize(
    ("empty", "acknowledge", "expected"),
    [
        (20, {"rows_set_aside_percent": 50}, []),
        (21, {"rows_set_aside_percent": 50}, ["E292"]),
        (21, {"rows_set_aside_percent": 50, "missing_percent": {"visit_date": 21}}, []),
        (21, {"rows_set_aside_percent": 50, "missing_percent": {"patient_id": 50}}, ["E292"]),
        (30, {"missing_percent": {"visit_date": 40}}, ["E291"]),
    ],
)
def test_a_required_column_more_than_a_fifth_empty(
    empty: int, acknowledge: dict[str, Any], expected: list[str]
) -> None:
    assert codes(read(empty=empty, by="R. Keller", **acknowledge)) == expected


def test_the_refusal_gives_the_figure_the_reasons_and_a_line_that_is_enough() -> None:
    with pytest.raises(InputRefused) as caught:
        check_acceptance(*read(faulty=7, empty=3))
    said = str(caught.value)
    assert "10 of 100 rows were set aside (10.0 %; 5 % are accepted)" in said
    assert [finding.code for finding in caught.value.findings] == ["E291", "E232", "E211"]
    assert "rows_set_aside_percent = 10.0 and by =" in said
    check_acceptance(*read(faulty=7, empty=3, rows_set_aside_percent=10.0, by="R. Keller"))


@pytest.mark.parametrize("n_aside", range(6, 19))
def test_the_proposed_line_always_suffices(n_aside: int) -> None:
    """A share such as 6.04 % must not be proposed as 6.0."""
    records, visits = read(faulty=n_aside, missed=7)
    line = next(f for f in list_objections(records, visits) if f.code == "E291").remedy
    percent = float(line.split("rows_set_aside_percent = ")[1].split()[0])
    assert codes(read(faulty=n_aside, missed=7, rows_set_aside_percent=percent, by="me")) == []


def test_the_manifest_tells_what_was_needed_and_by_whom() -> None:
    assert describe_acknowledgement(*read(faulty=10)) == {}
    given = {"rows_set_aside_percent": 12.5, "missing_percent": {"visit_date": 25}, "by": "R. Keller"}
    assert describe_acknowledgement(*read(faulty=10, **given)) == {
        "rows_set_aside_percent": {"found": 10.0, "accepted": 12.5},
        "by": "R. Keller",
    }
    both = describe_acknowledgement(*read(empty=22, **given | {"rows_set_aside_percent": 30}))
    assert both["missing_percent"] == {"visit_date": {"found": 22.0, "accepted": 25}}
    assert describe_acknowledgement(*read(faulty=1, **given)) == {}
    assert describe_acknowledgement(None, read()[1]) == {}


def test_a_warning_that_is_acknowledged_is_not_asked_about_again_and_only_what_was_needed_is_told() -> None:
    """E281 is acknowledged and there, E282 acknowledged and not there, E283 there and not acknowledged."""
    records, visits = read(warnings=["E281", "E282", "E199"], by="R. Keller")
    warnings = tuple(Finding(code, "is odd.", "column 'x'") for code in ("E281", "E283"))
    visits = dataclasses.replace(visits, warnings=warnings)
    [open_one] = list_objections(records, visits)
    assert (open_one.code, open_one.place) == ("E293", "column 'x'")
    # The line to write keeps what was acknowledged before.
    assert 'warnings = ["E199", "E281", "E282", "E283"]' in open_one.remedy
    assert describe_acknowledgement(records, visits) == {"warnings": ["E199", "E281"], "by": "R. Keller"}


def test_an_acknowledgement_needs_a_name_and_changes_no_hash() -> None:
    with pytest.raises(ConfigError, match=r"acknowledge\.by"):
        Mapping.from_dict({"acknowledge": {"rows_set_aside_percent": 8}})
    assert Mapping.from_dict({"acknowledge": {"rows_set_aside_percent": 8, "by": "me"}}).hash == Mapping().hash


@pytest.mark.parametrize(
    "given",
    [
        {"rows_set_aside_percent": -1},
        {"rows_set_aside_percent": 101},
        {"rows_set_aside_percent": True},
        {"rows_set_aside_percent": float("nan")},
        {"missing_percent": 20},
        {"missing_percent": {"pain_pre": 20}},
        {"missing_percent": {"visit_date": "20"}},
        {"warnings": "E283"},
        {"warnings": ["283"]},
        {"by": ""},
        {"by": "two\nlines"},
        {"because": "x"},
    ],
)
def test_what_cannot_be_an_acknowledgement(given: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="acknowledge"):
        Mapping.from_dict({"acknowledge": {"by": "me", **given}})


def test_a_report_is_refused_and_nothing_is_written_while_clean_only_says_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [f"p{i // 4},2025-{1 + i % 12:02d}-{1 + i % 28:02d},{11 if i < 8 else 5}" for i in range(N)]
    path = tmp_path / "visits.csv"
    path.write_text("patient_id,visit_date,pain_pre\n" + "\n".join(rows) + "\n", encoding="utf-8")
    assert main(["report", str(path), "--out", str(tmp_path / "reports"), "--quiet", "--no-notebooks"]) == 2
    said = capsys.readouterr().err
    assert "E291" in said
    assert "E232" in said
    assert "rows_set_aside_percent = 8.0" in said
    assert not (tmp_path / "reports").exists()
    assert "`outcomes clean` lists each of them with row, column and rule, in quarantine.csv" in said
    assert main(["clean", str(path), "--out", str(tmp_path / "cleaned"), "--quiet"]) == 1
    listed = (tmp_path / "cleaned" / "quarantine.csv").read_text(encoding="utf-8").splitlines()
    assert len(listed) == 1 + 8 and all("E232" in line for line in listed[1:])
    assert "a report from these records would be refused: E291" in capsys.readouterr().err


@pytest.mark.parametrize(("name", "is_one"), [("x" * 80, True), ("x" * 81, False), (" ", False), ("a\tb", False)])
def test_who_acknowledges_is_named_in_at_most_80_printable_characters(name: str, is_one: bool) -> None:
    assert (acknowledge._name(name) == "") is is_one


@pytest.mark.parametrize(("n_twice", "n", "expected"), [(0, 100, ["E293"]), (1, 100, []), (0, 99, [])])
def test_numbers_of_visits_taken_for_those_of_patients(n_twice: int, n: int, expected: list[str]) -> None:
    ids = [f"v{max(i, n_twice)}" for i in range(n)]
    cells = {"patient_id": ids, "visit_date": [f"2025-{1 + i % 12:02d}-{1 + i % 28:02d}" for i in range(n)]}
    records = records_of(cells)
    visits = build_visits(records)
    assert codes((records, visits)) == expected
    assert [one.code for one in visits.warnings if one.code == "E227"] == ["E227"] * len(expected)


def test_of_no_rows_none_were_set_aside():
    assert State(0, 0, {}, ()).set_aside_percent == 0
    assert State(8, 2, {}, ()).set_aside_percent == 25
