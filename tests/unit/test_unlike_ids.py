"""An id that is the only one in its form counts as a patient, and its text stands in no table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from outcomes import arrow, cli
from outcomes.cases import build_visits
from outcomes.records import Mapping, read_records
from outcomes.records.odd_ids import find_unlike


def _rows(*odd: str, clinician: str = "T1") -> list[str]:
    usual = [f"K{1000 + i // 2},2026-03-{1 + i % 27:02},T{1 + i % 3}" for i in range(200)]
    return [*usual, *(f"{text},2026-03-28,{clinician}" for text in odd)]


def _write(path: Path, rows: list[str]) -> Path:
    path.write_text("\n".join(["patient_id,visit_date,clinician_id", *rows]) + "\n", encoding="utf-8")
    return path


def test_its_number_stands_for_it_in_every_table_and_it_is_told(tmp_path: Path) -> None:
    path = _write(tmp_path / "visits.csv", _rows("Zqistova", "481177713"))
    visits = build_visits(read_records(path))
    shown = set(visits.table["patient_id"].astype(str))
    assert {"unlike-1", "unlike-2", "K1000"} <= shown and not {"Zqistova", "481177713"} & shown
    assert len(shown) == 102 and visits.n == 202
    assert any("fewer than 5 of its ids are written unlike all others" in note for note in visits.notes)
    assert cli.main(["clean", str(path), "--out", str(tmp_path / "out")]) == 0
    written = b"".join(file.read_bytes() for file in (tmp_path / "out").iterdir())
    assert b"unlike-2" in written and b"Zqistova" not in written and b"481177713" not in written


def test_in_another_order_the_same_number_stands_for_it(tmp_path: Path) -> None:
    rows = _rows("Zqistova", "481177713")
    one, other = (
        build_visits(read_records(_write(tmp_path / f"visits{i}.csv", own))).table.drop(columns="source_row")
        for i, own in enumerate((rows, rows[::-1]))
    )
    assert one.equals(other)


def test_a_name_that_an_id_has_already_is_not_given_again(tmp_path: Path) -> None:
    shown = build_visits(read_records(_write(tmp_path / "visits.csv", _rows("unlike-1", "Zqistova")))).table[
        "patient_id"
    ]
    assert sorted(text for text in shown.astype(str) if text[0] == "u") == ["unlike-2", "unlike-3"]


@pytest.mark.parametrize(
    "odd",
    [
        ("EXT 1", "EXT 2"),  # two of one form: another system
        ("K12345",),  # a little longer
        (),
    ],
)
def test_ids_of_a_form_of_their_own_stay(tmp_path: Path, odd: tuple[str, ...]) -> None:
    visits = build_visits(read_records(_write(tmp_path / "visits.csv", _rows(*odd))))
    assert set(odd) <= set(visits.table["patient_id"].astype(str)) and not any("unlike" in n for n in visits.notes)


def test_ids_that_are_replaced_anyway_are_left_to_that(tmp_path: Path) -> None:
    mapping = Mapping.from_dict({"privacy": {"pseudonymise": ["patient_id"], "key": str(tmp_path / "own.key")}})
    visits = build_visits(read_records(_write(tmp_path / "visits.csv", _rows("Zqistova")), mapping))
    assert not any("unlike" in text for text in visits.table["patient_id"].astype(str))


def test_a_clinician_of_a_few_rows_is_hidden_and_one_of_more_is_called_as_he_likes() -> None:
    def found(n: int) -> list[int]:
        ids = [*(f"T{i % 7}" for i in range(200)), *(["Zqistova"] * n)]
        words = sorted(set(ids))
        codes = np.array([words.index(text) for text in ids], np.int32)
        return find_unlike("clinician_id", arrow.from_texts(words), codes, np.arange(len(codes)))

    assert found(3) == [7] and found(4) == []
    assert find_unlike("patient_id", arrow.from_texts(["a"]), np.zeros(0, np.int32), np.zeros(0, np.intp)) == []


def test_rare_words_of_no_list_are_told_with_their_column_and_shown_nowhere(tmp_path: Path) -> None:
    rows = [f"K{100 + i // 2},2026-03-{1 + i % 27:02},{('massage', 'Qvizo heat')[i < 30]}" for i in range(100)]
    rows += ["K100,2026-04-01,kvezoliq zqvist", "K101,2026-04-01,Zqistova", "K102,2026-04-01,ultrasoud"]
    path = tmp_path / "visits.csv"
    path.write_text("\n".join(["patient_id,visit_date,modalities", *rows]) + "\n", encoding="utf-8")
    visits = build_visits(read_records(path))
    told = [note for note in visits.notes if "that no list knows" in note]
    assert told == [
        'column "modalities" (C): fewer than 5 of its terms stand with fewer than 5 patients and hold words or numbers '
        "that no list knows; should one name a patient, mend it; they are shown by their shapes, in unknown_terms only."
    ]
    cli.main(["clean", str(path), "--out", str(tmp_path / "out")])
    written = b"".join(file.read_bytes() for file in (tmp_path / "out").iterdir()).lower()
    assert b"ultrasoud" in written and b"qvizo heat" in written and b"xxxxxxxx xxxxxx" in written
    assert b"kvezoliq" not in written and b"zqistova" not in written
    path.write_text("patient_id,visit_date,modalities\nK1,2026-03-01,ultrasoud\n", encoding="utf-8")
    assert not any("no list" in note for note in build_visits(read_records(path)).notes)


def test_a_clinician_alone_in_its_form_is_called_as_those_of_few_patients_are(tmp_path: Path) -> None:
    path = _write(tmp_path / "visits.csv", _rows("K1000", clinician="Zqistova"))
    visits = build_visits(read_records(path))
    assert sorted(visits.labels["clinician"].to_pylist()) == ["T1", "T2", "T3", "unnamed clinician 1"]
    told = [note for note in visits.notes if "unlike all others" in note or "fewer than 5 patients" in note]
    assert len(told) == 1 and "Zqistova" not in " ".join(visits.notes)


def test_a_rare_word_that_the_mapping_sets_for_a_treatment_has_no_column_to_be_told_of(tmp_path: Path) -> None:
    path = tmp_path / "visits.csv"
    path.write_text("patient_id,visit_date,Q1\nK1,2026-03-01,yes\nK2,2026-03-02,no\n", encoding="utf-8")
    visits = build_visits(read_records(path, Mapping.from_dict({"modality_columns": {"Q1": "AAaÀ"}})))
    assert [term for _, term, *_ in visits.unknown_terms] == ["Axxx"]  # what is left of it is no word either
    assert not any("no list" in note for note in visits.notes)
