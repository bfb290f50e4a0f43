"""What is said of a row of a CSV file that does not fit its header, of a last line, and of files beside each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from outcomes.errors import InputRefused
from outcomes.records import Mapping, read_records

HEADER = "patient_id,visit_date,pain_pre\np0,2026-01-04,3\n"


def read(folder: Path, text: str):
    (folder / "v.csv").write_text(text, encoding="utf-8")
    return read_records(folder / "v.csv")


@pytest.mark.parametrize(
    ("row", "code", "detail"),
    [
        ("p1,2026-01-05\n", "E142", "2 fields, the header line has 3."),
        ("p1,2026-01-05,3,x\n", "E141", "4 fields, the header line has 3."),
        ("p1,2026-01", "E143", "2 fields, the header line has 3."),
        ("p1,2026-01-05,3,x", "E141", "4 fields, the header line has 3."),
        # another mark is named where it gives as many cells as the header has
        ("p1;2026-01-05;3\n", "E142", "1 field, the header line has 3, as it has split by semicolon."),
        ("p1|2026-01-05|3\n", "E142", "1 field, the header line has 3, as it has split by bar."),
        ("p1\t2026-01-05\t3\n", "E142", "1 field, the header line has 3, as it has split by tab."),
        ("p1;2026|01|05\n", "E142", "1 field, the header line has 3, as it has split by bar."),
        ("p1;2026-01-05\n", "E142", "1 field, the header line has 3."),
        ("p1;2026;01;05\n", "E142", "1 field, the header line has 3."),
        ("p1,x,3,y,z\n", "E141", "5 fields, the header line has 3."),
    ],
)
def test_a_row_of_another_width_is_told_with_its_fields(tmp_path: Path, row: str, code: str, detail: str) -> None:
    aside = read(tmp_path, HEADER + row).set_aside
    assert (aside.row.tolist(), list(aside.code)) == ([3], [code])
    assert aside.detail[0].startswith(f"{detail} ")


@pytest.mark.parametrize(
    ("text", "is_said"),
    [
        (HEADER + "p1,2026-01-05,3", True),
        (HEADER + "p1,2026-01-05,3\n", False),
        (HEADER + 'p1,2026-01-05,"3"', True),
        (HEADER + "p1,2026-01", False),  # set aside, with the reason
        (HEADER + "Total,2", False),
    ],
)
def test_a_last_line_without_an_end_may_be_cut_off(tmp_path: Path, text: str, is_said: bool) -> None:
    notes = [note for note in read(tmp_path, text).notes if "no line end" in note]
    assert len(notes) == is_said
    assert all(note.startswith("v.csv: the last line (row 3) has no line end; if the export was cut") for note in notes)


@pytest.mark.parametrize(
    ("files", "columns", "code", "fits"),
    [
        (("a.csv", "b.csv"), {"patient_id": "Pat"}, "E123", True),
        (("b.csv",), {"patient_id": "Pat"}, "E123", False),
        (("a.csv", "b.csv"), {"patient_id": "Nr"}, "E123", False),  # it does not fit the first
        (("c.csv", "a.csv"), {}, "E121", False),  # no mapping: nothing that fits
    ],
)
def test_of_a_mapping_that_fits_the_files_before_it_is_said_so(tmp_path: Path, files, columns, code, fits) -> None:
    for name, header in {"a.csv": "Pat", "b.csv": "Nr", "c.csv": "patient_id"}.items():
        (tmp_path / name).write_text(f"{header},visit_date\np,2026-01-04\n", encoding="utf-8")
    with pytest.raises(InputRefused) as caught:
        read_records([tmp_path / name for name in files], Mapping.from_dict({"columns": columns}))
    said = str(caught.value)
    assert {finding.code for finding in caught.value.findings} == {code}
    assert (f"{files[0]} has the columns the mapping names. One mapping reads all files" in said) == fits
    assert len(said.splitlines()) == 1 + len(caught.value.findings)
