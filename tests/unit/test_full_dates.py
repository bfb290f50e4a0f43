"""Full dates are used for an audience only when the mapping allows them for it; the catalogue runs the commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from faults.exports import clean_rows, write
from outcomes.cases import build_visits
from outcomes.cases.acceptance import list_objections
from outcomes.cli import main
from outcomes.errors import ConfigError
from outcomes.records import Mapping, read_records
from outcomes.records.full_dates import describe_dates, find_forbidden_dates
from tables import records_of

DATES = {"patient_id": ["a", "b"], "visit_date": ["2025-01-06", "2025-01-07"], "onset_date": ["2025-01-01"] * 2}
DAYS = {"patient_id": ["a", "b"], "visit_day": ["0", "0"]}


def allowing(*words: str) -> Mapping:
    return Mapping.from_dict({"privacy": {"dates_allowed": list(words)}})


@pytest.mark.parametrize(
    ("mapping", "audience", "stops"),
    [
        (Mapping(), "clinic", False),
        (Mapping(), "research", True),
        (Mapping(), "public", True),
        (allowing(), "clinic", True),
        (allowing("public"), "public", False),
        (allowing("public"), "clinic", True),
        (allowing("research"), "public", True),
    ],
)
def test_only_for_whom_the_mapping_allows_them(mapping: Mapping, audience: str, stops: bool) -> None:
    records = records_of(DATES, mapping)
    assert [found.code for found in find_forbidden_dates(records, audience)] == ["E969"] * stops
    assert ("E969" in [one.code for one in list_objections(records, build_visits(records), audience)]) is stops
    assert find_forbidden_dates(records_of(DAYS, mapping), audience) == []


def test_the_refusal_names_columns_and_the_line_that_keeps_what_was_allowed(tmp_path: Path) -> None:
    rows = clean_rows()
    files = [write(tmp_path, "xlsx", rows[:60], "q1"), write(tmp_path, "csv", rows[60:], "q2")]
    (found,) = find_forbidden_dates(read_records(files, allowing("clinic", "research")), "public")
    assert found.place == 'q1.xlsx › sheet "Sheet" and 1 more › column "visit_date" (B) and column "onset_date" (K)'
    assert 'dates_allowed = ["clinic", "research", "public"]' in found.remedy and "visit_day" in found.remedy


def test_a_report_says_it_with_all_that_stops_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{**row, "pain_pre": "11"} if i % 10 == 0 else row for i, row in enumerate(clean_rows())]
    command = ["report", str(write(tmp_path, "csv", rows)), "--audience", "public", "--out", str(tmp_path / "out")]
    assert main(command) == 2
    said = capsys.readouterr().err
    assert "E969" in said and "E291" in said and not (tmp_path / "out").exists()


@pytest.mark.parametrize("wrong", ["public", ["clinic", "clinic"], ["owner"], [1], True])
def test_a_wrong_word_is_told_with_the_right_ones(wrong: object) -> None:
    with pytest.raises(ConfigError, match=r'E011 privacy\.dates_allowed.*"clinic", "research", "public"'):
        Mapping.from_dict({"privacy": {"dates_allowed": wrong}})


def test_it_changes_no_number_and_so_no_hash() -> None:
    assert allowing("public").hash == Mapping().hash
    assert Mapping.from_dict({"privacy": {"accept": ["x"]}}).hash != Mapping().hash


def test_the_manifest_says_for_whom() -> None:
    assert describe_dates(records_of(DATES, allowing("public")), True) == {
        "full_dates": True,
        "dates_allowed": ["public"],
    }
    assert describe_dates(None, False) == {"full_dates": False}


def test_inspect_writes_the_line_with_its_evidence(tmp_path: Path) -> None:
    out = tmp_path / "mapping.toml"
    assert main(["inspect", str(write(tmp_path, "csv", clean_rows())), "--out", str(out)]) == 0
    (line,) = [line for line in out.read_text().splitlines() if "dates_allowed" in line]
    assert line.startswith('dates_allowed = ["clinic"] ')
    assert 'full dates in column "visit_date" (B) and column "onset_date" (K)' in line and '"public"' in line
    assert Mapping.load(out).privacy.dates_allowed == ("clinic",)


def test_inspect_keeps_what_was_declared_and_says_nothing_of_day_numbers(tmp_path: Path) -> None:
    given, out = tmp_path / "given.toml", tmp_path / "mapping.toml"
    given.write_text('[privacy]\ndates_allowed = ["public"]\n')
    export = write(tmp_path, "csv", clean_rows())
    assert main(["inspect", str(export), "--mapping", str(given), "--out", str(out)]) == 0
    assert Mapping.load(out).privacy.dates_allowed == ("public",)
    days = [{"patient_id": f"p{i // 3}", "visit_day": str(i % 3 * 9)} for i in range(60)]
    main(["inspect", str(write(tmp_path, "csv", days, "days")), "--out", str(tmp_path / "days.toml")])
    assert "dates_allowed" not in (tmp_path / "days.toml").read_text()


def test_tables_for_research_leave_out_what_is_for_the_owner_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    days = [{"patient_id": f"p{i // 3}", "visit_day": str(i % 3 * 9), "pain_pre": "5"} for i in range(60)]
    command = ["clean", str(write(tmp_path, "csv", days)), "--audience", "research", "--out", str(tmp_path / "out")]
    assert main([*command, "--tables", "visits,quarantine"]) == 2
    assert "quarantine: for you only" in capsys.readouterr().err and not (tmp_path / "out").exists()
    assert main([*command, "--format", "csv"]) == 0
    assert sorted(path.stem for path in (tmp_path / "out").glob("*.csv")) == [
        "episodes",
        "ledger",
        "relief",
        "uniqueness",
        "visits",
    ]
