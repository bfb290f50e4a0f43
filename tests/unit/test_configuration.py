"""What a release was made with: the mapping as TOML, and the marks of code and packages."""

from __future__ import annotations

import datetime
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outcomes.records import Mapping
from outcomes.records.plain_words import mask_person
from outcomes.release import configuration
from outcomes.release.configuration import compare_environments, describe_environment, to_toml

SAMPLE = {
    "file": {"encoding": "cp1252", "delimiter": ";", "header_row": 3, "accept_row_limit": True},
    "columns": {"patient_id": "Patient", "pain_pre": 'VAS "vorher"', "trigger": ""},
    "dates": {"order": "dmy", "data_cut": datetime.date(2026, 9, 30), "two_digit_year_pivot": 50},
    "values": {"decimal_mark": ",", "separators": [";", "|"], "true": ["ja"], "missing": ["", "-", "n/a"]},
    "pain": {"scale": "0-100"},
    "modality_columns": {"Ultraschall (US)": "ultrasound", "Dry needling": "dry needling"},
    "non_data": {"patient_id": ["Total", "Summe"], "Art des Termins": ["abgesagt"]},
}


def test_a_mapping_is_read_back_as_it_was():
    mapping = Mapping.from_dict(SAMPLE)
    text, withheld = to_toml(mapping)
    assert Mapping.from_dict(tomllib.loads(text)) == mapping and not withheld
    assert Mapping.from_dict(tomllib.loads(text)).hash == mapping.hash
    assert "[pain]" in text and "data_cut = 2026-09-30" in text


def test_what_has_its_default_is_not_written():
    text, withheld = to_toml(Mapping())
    assert tomllib.loads(text) == {} and withheld == ()


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.text(min_size=1).filter(str.strip), st.text(min_size=1), max_size=4))
def test_any_header_survives(columns):
    """Whatever a header looks like: quotes, backslashes, control characters, other scripts."""
    mapping = Mapping(modality_columns=columns, non_data=dict.fromkeys(columns, ("x",)))
    written, plain = tomllib.loads(to_toml(mapping)[0]), {}
    for header, term in columns.items():
        plain |= {header: term} if mask_person(header) == header and mask_person(term) == term else {}
    assert written.get("modality_columns", {}) == plain
    assert written.get("non_data", {}) == {header: ["x"] for header in columns}


def test_sheets_and_treatments_called_by_words_of_no_list_are_withheld():
    flags = {"US": "Kvezo Zqist", "Zqistova": "ultrasound", "Heat": "heat", "TENS": "electrotherapy"}
    mapping = Mapping.from_dict({"file": {"sheet": ["Data", "Zqist"]}, "modality_columns": flags})
    text, withheld = to_toml(mapping)
    assert withheld == ("file.sheet", "modality_columns.US", "modality_columns.xxxxxxxx")
    assert "zqist" not in text.lower() and "kvezo" not in text.lower() and 'TENS = "electrotherapy"' in text
    text, withheld = to_toml(Mapping.from_dict({"file": {"sheet": ["Data", 2]}}))
    assert tomllib.loads(text) == {"file": {"sheet": ["Data", 2]}} and withheld == ()


@pytest.mark.parametrize(("words", "is_withheld"), [(["Total"], False), (["Total", "TEST 4711"], True), (["0"], True)])
def test_words_that_may_be_a_patients_number_are_withheld(words, is_withheld):
    mapping = Mapping.from_dict({"non_data": {"patient_id": words, "Room": ["7"]}})
    text, withheld = to_toml(mapping)
    assert (withheld == ("non_data.patient_id",)) == is_withheld and ("4711" in text) is False
    assert tomllib.loads(text)["non_data"]["Room"] == ["7"]  # no column of patients


@pytest.mark.parametrize("word", ["jane.roe@example.org", "MRN 4711001", "ask Dr. Keller", "+41 44 555 01 42"])
def test_words_of_cells_that_tell_of_a_person_are_withheld(word):
    """Somebody declares a remark to be missing, or a row with a name to be no visit."""
    mapping = Mapping.from_dict({"values": {"missing": ["", word], "true": ["ja"]}, "non_data": {"Room": [word]}})
    text, withheld = to_toml(mapping)
    assert withheld == ("values.missing", "non_data.Room") and word not in text
    assert tomllib.loads(text) == {"values": {"true": ["ja"]}}


def test_an_accepted_header_that_names_a_person_is_withheld():
    for word, is_withheld in (("jane.roe@example.org", True), ("Maria Qvistova", True), ("Referral account", False)):
        text, withheld = to_toml(Mapping.from_dict({"privacy": {"accept": ["Room", word]}}))
        assert (withheld == ("privacy.accept",)) == is_withheld == (word not in text)


def test_the_environment_reads_no_clock_and_no_path(tmp_path, monkeypatch):
    before = describe_environment()
    monkeypatch.chdir(tmp_path)
    assert describe_environment() == before and str(tmp_path) not in str(before)
    assert len(before["code"]) == len(before["lock"]) == 64


def test_the_code_is_every_file_of_the_package(tmp_path, monkeypatch):
    package = tmp_path / "outcomes"
    (package / "rooms").mkdir(parents=True)
    (package / "a.py").write_text("x = 1\n")
    (package / "rooms" / "words.csv").write_text("id\n")
    monkeypatch.setattr(configuration, "_PACKAGE", package)
    first = configuration._hash_code.__wrapped__()
    (package / "a.pyc").write_text("compiled")
    # What numba keeps of a step compiled for this machine ends in .nbi and .nbc.
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "a.step-1.py311.1.nbc").write_text("compiled")
    assert configuration._hash_code.__wrapped__() == first
    (package / "rooms" / "words.csv").write_text("id,words\n")
    assert configuration._hash_code.__wrapped__() != first


def test_without_a_checkout_the_packages_that_are_installed_count(tmp_path, monkeypatch):
    monkeypatch.setattr(configuration, "_PACKAGE", tmp_path / "site-packages" / "outcomes")
    assert configuration._hash_lock.__wrapped__()[1] == "installed packages"


def test_code_and_packages_are_told_apart():
    here = describe_environment()
    assert compare_environments(here, here) == ()
    assert compare_environments(here, here | {"code": "0"}) == ("code",)
    for key in ("lock", "lock_of", "python", "platform"):
        assert compare_environments(here, here | {key: "0"}) == ("packages",)
    assert compare_environments({}, here) == ("code", "packages")


def test_another_commit_of_the_same_files_is_the_same_code():
    here = describe_environment()
    assert compare_environments(here, here | {"commit": "0" * 40}) == ()


def test_a_mapping_of_a_file_tells_no_folder_and_no_key(tmp_path):
    (tmp_path / "mapping.toml").write_text(
        '[columns]\npain_pre = "VAS"\n[privacy]\naccept = ["Code"]\nkey = "../keys/mine.key"\n'
        '[acknowledge]\nmissing_percent = { visit_date = 25.0 }\nby = "the owner"\n'
    )
    mapping = Mapping.load(tmp_path / "mapping.toml")
    text, withheld = to_toml(mapping)
    assert withheld == ("privacy.key",) and str(tmp_path) not in text and "mine.key" not in text
    again = tmp_path / "again.toml"
    again.write_text(text)
    read = Mapping.load(again)
    assert (read.columns, read.acknowledge, read.privacy.accept) == (mapping.columns, mapping.acknowledge, ("Code",))
