"""Exports at the edge of what can be read: each is refused, or read, as it is said to be."""

from __future__ import annotations

import dataclasses
import io
import os
import pickle
import tarfile

import numpy as np
import pytest

from outcomes.cases import build_visits, values
from outcomes.errors import ConfigError, InputRefused
from outcomes.records import Mapping, identifier_names, read_records
from outcomes.records import pseudonyms as keyed
from outcomes.records.identifier_names import has_name, load_names, look_like_names
from tables import column, records_of

HEADER = "patient_id,visit_date"


def refused(path, mapping=None):
    with pytest.raises(InputRefused) as refusal:
        read_records(path, mapping)
    (finding,) = refusal.value.findings
    assert finding.remedy
    return finding


def written(folder, text, name="visits.csv"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


# -- headers -----------------------------------------------------------------------------------------------------------


def test_a_header_row_behind_the_end_is_refused(tmp_path):
    path = written(tmp_path, f"{HEADER}\n1,2024-01-02\n")
    found = refused(path, Mapping.from_dict({"file": {"header_row": 9}}))
    assert (found.code, "no line 9" in found.message) == ("E113", True)


def test_a_quote_in_the_header_that_is_never_closed_is_refused(tmp_path):
    lines = "\n".join(f"p{i},2024-01-02" for i in range(200))
    found = refused(written(tmp_path, f'patient_id,"visit_date\n{lines}\n'))
    assert (found.code, "line 1" in found.message) == ("E144", True)
    assert "p1" not in found.message


def test_a_header_of_more_than_a_megabyte_is_refused(tmp_path):
    found = refused(written(tmp_path, f"{HEADER},{'x' * 1_100_000}\n1,2024-01-02,a\n"))
    assert found.code == "E114"


def test_a_header_cell_that_python_does_not_read_is_refused(tmp_path):
    # Below the limit of a line, above that of a cell of Python's own reader.
    found = refused(written(tmp_path, f"{HEADER},{'x' * 140_000}\n1,2024-01-02,a\n"))
    assert (found.code, "not CSV" in found.message) == ("E144", True)


def test_a_header_in_another_encoding_is_asked_about_and_read_when_it_is_declared(tmp_path):
    path = written(tmp_path, f"{HEADER},Körper\n1,2024-01-02,a\n".encode("cp1252"))
    found = refused(path)
    assert (found.code, "encoding" in found.remedy) == ("E111", True)
    assert read_records(path, Mapping.from_dict({"file": {"encoding": "cp1252"}})).n == 1


@pytest.mark.parametrize("ends", ["\r", "\r\n", "\n", "\n\r\n"])
def test_the_last_line_needs_no_end_and_old_ends_are_ends(tmp_path, ends):
    text = ends.join([HEADER, "1,2024-01-02", "2,2024-01-03"])
    assert read_records(written(tmp_path, text)).n == 2


# -- what is no export -------------------------------------------------------------------------------------------------


def test_no_file_at_all_is_refused():
    found = refused([])
    assert (found.code, found.message) == ("E101", "no file was given.")


def test_a_pipe_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "visits.csv")
    found = refused(tmp_path / "visits.csv")
    assert (found.code, "not a plain file" in found.message) == ("E101", True)


def test_a_file_that_may_not_be_read_says_why(tmp_path, monkeypatch):
    path = written(tmp_path, f"{HEADER}\n1,2024-01-02\n")

    def deny(self, *_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(path), "open", deny)
    found = refused(path)
    assert (found.code, found.message) == ("E101", "Permission denied.")


def archive():
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("visits.csv"))
    return made.getvalue()


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (pickle.dumps({"a": 1}), "pickle"),
        (b'\xef\xbb\xbf {"visits": []}', "JSON"),
        (archive(), "tar archive"),
        (b"<?xml version='1.0'?><html></html>", "HTML"),
        (b"<?xml version='1.0'?><visits/>", "XML"),
    ],
)
def test_a_file_says_by_its_first_bytes_that_it_is_none_of_ours(tmp_path, data, what):
    found = refused(written(tmp_path, data))
    assert what in found.message


@pytest.mark.parametrize("said", ["utf-9", "rot13", ""])
def test_an_encoding_that_is_none_is_refused(said):
    with pytest.raises(ConfigError, match="encoding: is not an encoding"):
        Mapping.from_dict({"file": {"encoding": said}})
    with pytest.raises(ConfigError, match="encoding: must be a text"):
        Mapping.from_dict({"file": {"encoding": 8}})


# -- cells -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scale", "text", "value", "fault"),
    [
        ("0-10", "6/10", 600, ""), ("0-10", "60/100", values.MISSING, "E232"), ("0-100", "60/100", 600, ""),
        ("0-100", "6/10", values.MISSING, "E232"), ("0-10", "10/10", 1000, ""),
        ("0-10", "11/10", values.MISSING, "E232"),
    ],
)  # fmt: skip
def test_a_rating_of_another_scale_than_the_declared_one_is_at_fault(scale, text, value, fault):
    found = values.parse_pain([text], Mapping.from_dict({"pain": {"scale": scale}}))
    assert (found.values.tolist(), found.faults.tolist()) == ([value], [fault])
    assert found.fixed.tolist() == ["" if fault else "n/10"]


def test_a_column_of_an_unknown_treatment_is_listed_with_its_records_and_patients():
    made = records_of({"patient_id": ["1", "1", "2"], "visit_date": ["2024-01-02", "2024-01-05", "2024-01-02"]})
    ticked = {"Laserpunctura": column(["x", "x", "x"]), "ultrasound": column(["", "x", ""])}
    visits = build_visits(dataclasses.replace(made, modality_flags=ticked))
    assert [tuple(term)[1:] for term in visits.unknown_terms] == [("xxxxxxxxxxxxx", 3, 2)]
    assert visits.columns["modality_unknown"].tolist() == [True, True, True]
    assert np.count_nonzero(visits.columns["modalities"]) == 1


def test_two_columns_of_one_treatment_are_both_read(tmp_path):
    """As an export has them that tells sides apart; the second took the place of the first."""
    path = tmp_path / "visits.csv"
    path.write_text("patient_id,visit_date,US left,US right,A,B\nP1,2026-01-02,1,0,1,0\nP1,2026-01-09,0,1,0,1\n")
    columns = {"US left": "ultrasound", "US right": "ultrasound", "A": "moon dust", "B": "moon dust"}
    records = read_records(path, Mapping(modality_columns=columns))
    assert records.files[0].unread_columns == ()
    visits = build_visits(records)
    assert np.count_nonzero(visits.columns["modalities"]) == 2
    listed = sorted(tuple(term)[1:] for term in visits.unknown_terms)
    assert listed == [("moon xxxx (A)", 1, 1), ("moon xxxx (B)", 1, 1)]


def test_before_and_after_in_one_cell_with_the_scale_behind():
    found = values.parse_pain(["8->5", "8 -> 11", "6-7", "7-11"], Mapping())
    assert found.values.tolist()[:3:2] == [800, 650]
    assert found.extra.tolist() == [500, values.MISSING, values.MISSING, values.MISSING]
    assert found.faults.tolist() == ["", "E232", "", "E232"]


def test_a_range_of_the_whole_scale_is_no_rating():
    found = values.parse_pain(["3-6", "0-10", "3-10", "2-5.5", "2.5-5.5"], Mapping())
    assert found.values.tolist() == [450, values.MISSING, values.MISSING, values.MISSING, 400]
    assert found.faults.tolist() == ["", "E231", "E231", "E231", ""]


@pytest.mark.parametrize(
    ("text", "has"),
    [
        ("Maria Gruber", True), ("Gruber, Maria", True), ("Maria M. Gruber", True), ("Maria M, Gruber", False),
        ("Maria, Gruber", False), ("Gruber Maria", False), ("maria knee", False), ("Maria M. Knee", False),
    ],
)  # fmt: skip
def test_names_stand_side_by_side(monkeypatch, text, has):
    monkeypatch.setattr(identifier_names, "load_names", lambda: (frozenset({"maria"}), frozenset({"gruber"})))
    assert has_name(text) == has


def test_two_ids_with_one_pseudonym_are_refused(monkeypatch, tmp_path):
    path = written(tmp_path, f"{HEADER}\np1,2024-01-02\np2,2024-01-03\n")
    mapping = Mapping.from_dict({"privacy": {"pseudonymise": True, "key": str(tmp_path / "own.key")}})
    assert len(set(read_records(path, mapping).fields["patient_id"].values.to_pylist())) == 2
    monkeypatch.setattr(keyed, "make_pseudonym", lambda key, name, text: "same")
    with pytest.raises(InputRefused, match="same pseudonym"):
        read_records(path, mapping)


@pytest.mark.parametrize(
    ("cell", "is_name"),
    [
        ("Maria Zqist", True), ("Zqist Maria", True), ("M. Gruber", True), ("Gruber M.", True), ("Dr Gruber", True),
        ("Mrs Gruber", True), ("Knee Gruber", False), ("Gruber Knee", False), ("Dr Zqist", False), ("M. Zqist", False),
    ],
)  # fmt: skip
def test_a_family_name_says_it_beside_an_initial_or_a_title(monkeypatch, cell, is_name):
    lists = frozenset({"maria"}), frozenset({"gruber"})
    monkeypatch.setattr(identifier_names, "load_names", lambda: lists)
    monkeypatch.setattr(identifier_names, "load_more_names", lambda: lists)
    assert look_like_names([cell], fewest=1) == is_name


@pytest.mark.parametrize(("n_names", "are_names"), [(14, True), (13, False)])
def test_seven_of_ten_cells_of_a_column_of_names_have_their_shape(n_names, are_names):
    given, family = (sorted(words) for words in load_names())
    names = [f"{one.title()} {other.title()}" for one, other in zip(given[50:], family[50:64], strict=False)]
    cells = [name for name in names if name.replace(" ", "").isalpha()][:n_names]
    assert len(cells) == n_names
    assert look_like_names([*cells, *(f"{i}-{i}" for i in range(20 - n_names))]) == are_names


def test_a_header_line_that_came_again_changed_is_refused(tmp_path):
    path = tmp_path / "visits.csv"
    path.write_text("patient_id,visit_date,pain_pre\np1,2025-01-02,5\npatient_id,visit_date,7\n")
    with pytest.raises(InputRefused, match="E124"):
        read_records(path)
