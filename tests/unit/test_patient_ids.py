"""Ids that look alike: set aside, asked about, or joined as declared; and days that two files tell differently."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outcomes import arrow
from outcomes.cases import Visits, build_visits
from outcomes.errors import InputRefused
from outcomes.records import Mapping, read_records
from outcomes.records.patient_ids import compare_ids, fold_ids
from tables import records_of


def of_ids(*ids: str, similar_ids: str | None = None) -> Visits:
    """One visit a day, each of the patient named."""
    days = [f"2025-{1 + i // 28:02d}-{1 + i % 28:02d}" for i in range(len(ids))]
    mapping = Mapping.from_dict({"values": {"similar_ids": similar_ids}} if similar_ids else {})
    return build_visits(records_of({"patient_id": list(ids), "visit_date": days}, mapping))


@pytest.mark.parametrize(
    "pair",
    [
        ("K1", "k1"),
        ("K 1", "K1"),
        ("K1O", "K10"),
        ("\u041a1", "K1"),
        ("K\u200b1", "K1"),
        ("\uff2b1", "K1"),
        ("k\u0391", "ka"),
        ("K-1", "K\u20131"),
        ("K-1", "K\u20111"),
        ("'K1", "K1"),
        ("'K1'", "K1"),
        ('"K1"', "K1"),
    ],
)
def test_ids_that_look_alike_are_asked_about_without_being_shown(pair: tuple[str, str]) -> None:
    with pytest.raises(InputRefused, match="similar_ids") as caught:
        of_ids(*pair, "Z9")
    assert [finding.code for finding in caught.value.findings] == ["E206"]
    assert "table.csv row 2 and table.csv row 3" in str(caught.value)
    assert all(one not in str(caught.value) for one in pair if len(one) > 2)


@pytest.mark.parametrize(
    ("ids", "aside"),
    [
        (["00123", "123", "7", "8", "9", "10"], [0, 1]),
        (["0123", "00123", "7", "8", "9", "10"], [0, 1]),
        (["0", "00", "7", "8", "9", "10"], [0, 1]),
        (["00123", "1230", "7", "8", "9", "10"], []),
        (["K00123", "K123", "7"], []),
        (["00123", "00124", "00125"], []),
        (["123.0", "123", "7", "8", "9"], [0]),
    ],
)
def test_zeros_lost_on_the_left(ids: list[str], aside: list[int]) -> None:
    visits = of_ids(*ids)
    assert [row - 2 for row in visits.quarantine["source_row"].to_pylist()] == aside


def test_declared_the_same_they_are_one_person_and_declared_apart_they_are_not() -> None:
    ids = ["k7", "K7", "007", "7", "K O7", "k07", "", "x"]
    same = of_ids(*ids, similar_ids="same")
    assert same.table["patient_id"].tolist() == ["007", "007", "K O7", "K O7", "K7", "K7", "x"]
    assert "3 patient ids were taken as another way of writing one, as declared" in same.notes
    apart = of_ids(*ids, similar_ids="apart")
    assert sorted(apart.table["patient_id"]) == sorted(one for one in ids if one)


@given(st.lists(st.text("0oO1kKа", min_size=1, max_size=4), min_size=1, max_size=12, unique=True))
def test_as_a_plain_loop_says(ids: list[str]) -> None:
    """Groups, zeros and joined ids, against a dictionary of folded texts."""
    labels = arrow.from_texts(sorted(ids))
    codes = np.arange(len(ids), dtype=np.int32)
    folded = {one: one.lower().replace("а", "a").replace("o", "0") for one in sorted(ids)}
    assert fold_ids(labels).to_pylist() == list(folded.values())
    bare = {one: (text.lstrip("0") or "0") if text.isdigit() else text for one, text in folded.items()}
    found = compare_ids(labels, codes, None)
    groups: dict[str, list[str]] = {}
    for one, text in folded.items():
        groups.setdefault(text, []).append(one)
    expected = sorted(group for group in groups.values() if len(group) > 1)
    assert sorted([labels[i].as_py() for i in group] for group in found.similar) == expected
    zeros = [sum(b == bare[one] for b in bare.values()) > len(groups[folded[one]]) for one in folded]
    assert found.lost_zeros.tolist() == zeros
    joined = compare_ids(labels, codes, "same")
    names = joined.labels.to_pylist()
    assert names == sorted(names)
    first = {text: min(one for one in bare if bare[one] == text) for text in bare.values()}
    assert [names[code] for code in joined.codes.tolist()] == [first[bare[one]] for one in folded]


HEADER = "patient_id,visit_date,clinic_id,pain_pre\n"


def of_files(folder: Path, *texts: str, **file: Any) -> Visits:
    paths = []
    for i, text in enumerate(texts):
        paths.append(folder / f"q{i + 1}.csv")
        paths[-1].write_text(HEADER + text, encoding="utf-8")
    return build_visits(read_records(paths, Mapping.from_dict({"file": file} if file else {})))


ONE = "a,2025-01-01,N,6\na,2025-01-05,N,5\nb,2025-01-05,N,4\n"


@pytest.mark.parametrize(
    "later",
    [
        "a,2025-01-05,N,3\n",  # another rating
        "a,2025-01-05,N,\n",  # the rating taken back
        "a,2025-01-05,N,5\na,2025-01-05,N,2\n",  # one more record of the day
    ],
)
def test_a_day_told_differently_by_a_later_file_is_asked_about(tmp_path: Path, later: str) -> None:
    with pytest.raises(InputRefused, match="later_file_corrects") as caught:
        of_files(tmp_path, ONE, later)
    assert "E208 1 day of a patient is told differently by several files (q1.csv, q2.csv)" in str(caught.value)


@pytest.mark.parametrize(
    "later",
    [
        "a,2025-01-05,N,5\nc,2025-01-05,N,1\n",  # the same again, and somebody new
        "a,2025-01-05,S,3\nc,2025-01-05,N,1\n",  # at another clinic
        "a,2025-01-06,N,3\n",  # on another day
    ],
)
def test_what_is_no_correction(tmp_path: Path, later: str) -> None:
    assert not of_files(tmp_path, ONE, later).quarantine.num_rows


def test_the_later_file_counts_where_that_is_declared(tmp_path: Path) -> None:
    later = "a,2025-01-05,N,3\nb,2025-01-05,N,4\n"
    visits = of_files(tmp_path, ONE, later, later_file_corrects=True)
    assert visits.table[["patient_id", "pain_pre_nrs"]].to_numpy().tolist() == [["a", 6], ["a", 3], ["b", 4]]
    aside = visits.quarantine.select(["source_file", "source_row", "code"]).to_pylist()
    assert aside == [{"source_file": "q1.csv", "source_row": 3, "code": "E208"}]
    both = of_files(tmp_path, ONE, later, later_file_corrects=False)
    assert both.table["pain_pre_nrs"].tolist() == [6, 5, 4]
    said = "pain_pre: fewer than 5 visits have records that state different ratings; the first was used, by falling"
    assert both.notes[-1].startswith(said)


def test_a_correction_of_sex_is_no_conflict_of_identity(tmp_path: Path) -> None:
    records = read_records(_two(tmp_path), Mapping.from_dict({"file": {"later_file_corrects": True}}))
    assert set(build_visits(records).quarantine["code"].to_pylist()) == {"E208"}


def _two(folder: Path) -> list[Path]:
    paths = [folder / "one.csv", folder / "two.csv"]
    for path, sex in zip(paths, ("F", "M"), strict=True):
        path.write_text(f"patient_id,visit_date,sex\na,2025-01-01,{sex}\n", encoding="utf-8")
    return paths


def test_the_settings_are_part_of_the_hash() -> None:
    plain = Mapping()
    for section, name, value in (("values", "similar_ids", "same"), ("file", "later_file_corrects", True)):
        assert Mapping.from_dict({section: {name: value}}).hash != plain.hash
    assert dataclasses.replace(plain).hash == plain.hash
