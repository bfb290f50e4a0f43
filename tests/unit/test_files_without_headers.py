"""What is said of a file without a line of headers: that it has none, and nothing of the patient in its place."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

from outcomes import cli
from outcomes.records import columns

ROWS = [
    ["P00001", "2025-01-08", "Wunibald Querfurth", "7", "massage"],
    ["P00002", "2025-02-15", "Adelgunde Pfefferkorn", "4", "exercise"],
]
MAPPING = '[columns]\npatient_id = "Patient"\nvisit_date = "Day"\n'


def write_rows(folder: Path, kind: str, rows: list[list[str]]) -> Path:
    path = folder / f"visits.{kind}"
    if kind == "csv":
        path.write_text("".join(",".join(row) + "\n" for row in rows), encoding="utf-8")
    else:
        book = openpyxl.Workbook()
        for row in rows:
            book.active.append(row)
        book.save(path)
    return path


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@pytest.mark.parametrize("command", ["inspect", "clean", "mapped"])
def test_a_file_whose_first_row_is_a_patient_is_refused_without_a_word_of_it(tmp_path, capsys, command, kind) -> None:
    export = write_rows(tmp_path, kind, ROWS)
    (tmp_path / "mapping.toml").write_text(MAPPING, encoding="utf-8")
    arguments = ["inspect"] if command == "inspect" else ["clean", "--out", str(tmp_path / "out")]
    arguments += ["--mapping", str(tmp_path / "mapping.toml")] if command == "mapped" else []
    assert cli.main([*arguments, str(export)]) == 2
    said = "".join(capsys.readouterr())
    assert "row 1 holds values, no headers: 'x99999', '9999-99-99', 'xxxxxxxx xxxxxxxxx'" in said
    assert "Export it with a line of headers" in said
    for word in ("Wunibald", "Querfurth", "massage", "P00001", "2025"):
        assert word not in said, word


def test_a_row_that_the_mapping_takes_for_headers_is_told_by_its_shapes(tmp_path, capsys) -> None:
    export = write_rows(tmp_path, "csv", [["Patient", "Day", "Name", "VAS", "Treatment"], *ROWS])
    (tmp_path / "mapping.toml").write_text("[file]\nheader_row = 2\n" + MAPPING, encoding="utf-8")
    assert cli.main(["clean", str(export), "--mapping", str(tmp_path / "mapping.toml"), "--out", str(tmp_path)]) == 2
    said = "".join(capsys.readouterr())
    assert "Line 1 has them" in said
    assert "Querfurth" not in said


@pytest.mark.parametrize(
    "header",
    [
        ["Patient", "Visit date", "Pain (0-10)", "Treatment"],
        ["pid", "date", "VAS 0 to 100", "T1", "ICD-10", "2nd treatment", "Week 4"],
        ["Patient", "Day", "Notes 2025", "Plan", "Remarks", "Payer"],
    ],
)
def test_headers_with_figures_in_them_are_headers(header) -> None:
    assert not columns.looks_like_values(header)


CODES = ["97110", "97140", "97012", "98940", "98941"]


def test_columns_named_by_numbers_are_columns(tmp_path, capsys) -> None:
    rows = [["P1", "2025-01-08", "6", *"10010"], ["P2", "2025-01-09", "5", *"01001"]]
    export = write_rows(tmp_path, "csv", [["patient_id", "visit_date", "pain_pre", *CODES], *rows])
    assert cli.main(["clean", str(export), "--out", str(tmp_path / "out")]) == 0
    capsys.readouterr()
    (tmp_path / "mapping.toml").write_text('[columns]\npain_post = "VAS after"\n', encoding="utf-8")
    assert cli.main(["clean", str(export), "--mapping", str(tmp_path / "mapping.toml"), "--out", str(tmp_path)]) == 2
    assert "headers found in row 1: 'patient_id', 'visit_date', 'pain_pre'" in "".join(capsys.readouterr())


def test_inspect_lists_the_headers_beside_columns_named_by_numbers(tmp_path, capsys) -> None:
    export = write_rows(tmp_path, "csv", [["Ref", "When", "Treatment", *CODES], ["a", "b", "massage", *"10010"]])
    assert cli.main(["inspect", str(export)]) == 2
    assert "headers in row 1: 'Ref', 'When', 'Treatment'" in "".join(capsys.readouterr())


def test_a_blank_row_of_headers_is_one_fault(tmp_path, capsys) -> None:
    export = tmp_path / "visits.csv"
    export.write_text("\n  \n\n", encoding="utf-8")
    (tmp_path / "mapping.toml").write_text(MAPPING, encoding="utf-8")
    assert cli.main(["clean", str(export), "--mapping", str(tmp_path / "mapping.toml"), "--out", str(tmp_path)]) == 2
    said = "".join(capsys.readouterr())
    assert "E121 visits.csv: row 1 is blank" in said
    assert "E123" not in said
