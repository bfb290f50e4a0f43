"""Keyed pseudonyms: the same id, the same pseudonym; without the key, nothing; the key stays home."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from base64 import b32encode
from pathlib import Path

import pytest

from outcomes import cli
from outcomes.cases import build_visits
from outcomes.errors import ConfigError, InputRefused
from outcomes.records import Mapping, read_records
from outcomes.records.pseudonyms import fold_id, load_key, make_pseudonym, show_fingerprint

ROWS = [
    "100234,2024-01-02,Downtown,Dr Jane Doe",
    "100234,2024-01-09,Downtown,Dr Jane Doe",
    "100235,2024-01-09,Downtown,n/a",
    ",2024-01-10,,",
]
TOML = '[privacy]\npseudonymise = true\n[values]\nmissing = ["", "n/a"]\n'


def write(folder: Path, rows: list[str] = ROWS, more: str = "") -> tuple[Path, Path]:
    folder.mkdir(parents=True, exist_ok=True)
    export, mapping = folder / "visits.csv", folder / "mapping.toml"
    export.write_text("\n".join(["MRN,visit_date,clinic_id,clinician_id", *rows]) + "\n", encoding="utf-8")
    mapping.write_text(TOML + more + '[columns]\npatient_id = "MRN"\n', encoding="utf-8")
    return export, mapping


def test_a_pseudonym_is_the_start_of_an_hmac_in_base_32() -> None:
    key = bytes(range(32))
    digest = hmac.new(key, b"patient_id\x00100234", hashlib.sha256).digest()
    assert make_pseudonym(key, "patient_id", "100234") == b32encode(digest[:10]).decode()
    made = {make_pseudonym(key, kind, str(i)) for kind in ("patient_id", "clinic_id") for i in range(2000)}
    assert len(made) == 4000 and all(len(one) == 16 and one.isalnum() for one in made)
    assert make_pseudonym(bytes(32), "patient_id", "100234") != make_pseudonym(key, "patient_id", "100234")


def test_a_fingerprint_is_eight_digits_of_an_hmac() -> None:
    assert show_fingerprint(bytes(32)) == "c8605049"  # as OpenSSL has it


def test_one_column_was_replaced_and_several_were(tmp_path) -> None:
    (tmp_path / "visits.csv").write_text("patient_id,visit_date,pain_pre\n100234,2025-01-06,5\n", encoding="utf-8")
    (tmp_path / "mapping.toml").write_text("[privacy]\npseudonymise = true\n", encoding="utf-8")
    records = read_records(tmp_path / "visits.csv", tmp_path / "mapping.toml")
    assert any(note.startswith("patient_id was replaced by keyed pseudonyms (key ") for note in records.notes)


def test_ids_are_replaced_and_blanks_stay(tmp_path) -> None:
    export, mapping = write(tmp_path)
    records = read_records(export, mapping)
    ids, clinics, clinicians = (records.fields[name].texts() for name in ("patient_id", "clinic_id", "clinician_id"))
    assert ids[0] == ids[1] != ids[2] and ids[3] == "" and clinicians[2] == "n/a" and clinics[3] == ""
    assert not {"100234", "Downtown", "Dr Jane Doe"} & {*ids, *clinics, *clinicians}
    assert any(" were replaced by keyed pseudonyms (key " in note for note in records.notes)
    again = read_records(export, mapping)
    assert again.fields["patient_id"].texts() == ids and again.notes == records.notes


@pytest.mark.parametrize("chosen", [("patient_id",), ("patient_id", "clinician_id"), ("clinician_id",)])
def test_only_the_ids_named_are_replaced(tmp_path, chosen) -> None:
    export, mapping = write(tmp_path)
    rows = [row.replace("Dr Jane Doe", "T1").replace("100234", "P1").replace("100235", "P2") for row in ROWS]
    write(tmp_path, rows)
    text = mapping.read_text().replace("= true", f"= {json.dumps(chosen)}")
    mapping.write_text(text, encoding="utf-8")
    records = read_records(export, mapping)
    before = {"patient_id": "P1", "clinic_id": "Downtown", "clinician_id": "T1"}
    for name, word in before.items():
        assert (records.fields[name].texts()[0] != word) == (name in chosen)
    (said,) = (note for note in records.notes if "keyed pseudonyms" in note)
    assert said.startswith(", ".join(chosen) + (" was" if len(chosen) == 1 else " were"))


def test_names_in_a_column_that_is_not_replaced_are_refused(tmp_path) -> None:
    export, mapping = write(tmp_path, ROWS[:3] * 9)
    mapping.write_text(mapping.read_text().replace("= true", '= ["patient_id", "clinic_id"]'), encoding="utf-8")
    with pytest.raises(InputRefused, match="E902"):
        read_records(export, mapping)


def test_the_key_is_made_once_for_its_owner_only(tmp_path) -> None:
    export, mapping = write(tmp_path)
    read_records(export, mapping)
    key = tmp_path / "pseudonyms.key"
    assert key.stat().st_size == 32 and key.stat().st_mode & 0o777 == 0o600
    first = key.read_bytes()
    read_records(export, mapping)
    assert key.read_bytes() == first
    other = write(tmp_path / "other")
    read_records(*other)
    assert (tmp_path / "other" / "pseudonyms.key").read_bytes() != first


def test_another_key_gives_other_pseudonyms_and_says_so(tmp_path) -> None:
    export, mapping = write(tmp_path)
    before = read_records(export, mapping)
    (tmp_path / "pseudonyms.key").unlink()
    after = read_records(export, mapping)
    assert set(before.fields["patient_id"].texts()) & set(after.fields["patient_id"].texts()) == {""}
    assert before.notes != after.notes


@pytest.mark.parametrize(
    ("content", "mode", "code"), [(b"x" * 32, 0o644, "E911"), (b"short", 0o600, "E912"), (None, 0, "E910")]
)
def test_a_key_that_cannot_be_used(tmp_path, content, mode, code) -> None:
    path = tmp_path / "folder" / "k.key"
    if content is not None:
        path.parent.mkdir()
        path.write_bytes(content)
        path.chmod(mode)
    with pytest.raises(ConfigError) as caught:
        load_key(path)
    assert [finding.code for finding in caught.value.findings] == [code]


def test_a_key_inside_the_release_is_refused(tmp_path, capsys) -> None:
    out = tmp_path / "out"
    export, mapping = write(tmp_path)
    mapping.write_text(
        mapping.read_text().replace("pseudonymise = true", 'pseudonymise = true\nkey = "out/k.key"'), encoding="utf-8"
    )
    code = cli.main(["clean", str(export), "--mapping", str(mapping), "--out", str(out), "--quiet"])
    assert code == 2 and "E913" in capsys.readouterr().err and not out.exists()


def test_clean_writes_no_id_and_no_key(tmp_path, capsys) -> None:
    export, mapping = write(tmp_path)
    out = tmp_path / "out"
    assert cli.main(["clean", str(export), "--mapping", str(mapping), "--out", str(out)]) in (0, 1)
    said = "".join(capsys.readouterr())
    key = (tmp_path / "pseudonyms.key").read_bytes()
    for path in out.iterdir():
        data = path.read_bytes()
        assert b"100234" not in data and b"Jane" not in data and b"Downtown" not in data and key not in data, path.name
    assert "100234" not in said and "Jane" not in said


def test_ids_that_look_alike_are_asked_for_first(tmp_path) -> None:
    rows = ["00123,2024-01-02,A,B", "123,2024-01-03,A,B"]
    export, mapping = write(tmp_path, rows)
    with pytest.raises(InputRefused) as caught:
        read_records(export, mapping)
    assert [finding.code for finding in caught.value.findings] == ["E914"] and "123" not in str(caught.value)
    for word, n in (("same", 1), ("apart", 2)):
        export, mapping = write(tmp_path, rows)
        mapping.write_text(
            mapping.read_text().replace("[values]\n", f'[values]\nsimilar_ids = "{word}"\n'), encoding="utf-8"
        )
        assert len(set(read_records(export, mapping).fields["patient_id"].texts())) == n


def test_an_id_in_scientific_notation_is_still_seen_as_one(tmp_path) -> None:
    export, mapping = write(tmp_path, ["1.2E+05,2024-01-02,A,B", "7,2024-01-03,A,B"])
    assert read_records(export, mapping).fields["patient_id"].texts()[0] == "0E0"


@pytest.mark.parametrize("spoilt", ["1,2E+05", "4711.0", "4711,0"])
def test_ids_a_spreadsheet_made_numbers_of_are_set_aside_under_pseudonyms_too(tmp_path, spoilt) -> None:
    export, mapping = write(tmp_path, [f'"{spoilt}",2024-01-02,A,B', "7,2024-01-03,A,B"])
    aside = build_visits(read_records(export, mapping)).quarantine.to_pydict()
    assert aside["source_row"] == [2] and aside["code"][0] in ("E202", "E207")


def test_a_letter_that_looks_like_another_is_asked_for_before_it_makes_two_people_for_good(tmp_path) -> None:
    export, mapping = write(tmp_path, ["PE-1,2024-01-02,A,B", "P\u0415-1,2024-01-03,A,B", "PE\u20131,2024-01-04,A,B"])
    with pytest.raises(InputRefused) as caught:
        read_records(export, mapping)
    assert [finding.code for finding in caught.value.findings] == ["E914"]


@pytest.mark.parametrize("word", ["unknown", "Desconocido"])
def test_ids_that_say_there_is_none_are_told_under_pseudonyms_too(tmp_path, word) -> None:
    export, mapping = write(tmp_path, [f"{word},2024-01-0{day},A,B" for day in (2, 3)] + ["7,2024-01-03,A,B"])
    assert [warning.code for warning in build_visits(read_records(export, mapping)).warnings] == ["E224"]


@pytest.mark.parametrize(
    ("one", "other"), [("00123", "123"), ("ab 1", "AB1"), ("O1", "01"), ("000", "0"), ("'7", "7"), ('"7"', "7")]
)
def test_folded_ids(one, other) -> None:
    assert fold_id(one) == fold_id(other) or (one, other) == ("O1", "01")


def test_the_place_of_the_key_is_no_part_of_the_mapping(tmp_path) -> None:
    _, first = write(tmp_path / "a")
    _, second = write(tmp_path / "b")
    assert Mapping.load(first).hash == Mapping.load(second).hash and Mapping.load(first) == Mapping.load(second)
    assert Mapping.load(first).privacy.key_path == tmp_path / "a" / "pseudonyms.key"


@pytest.mark.parametrize(
    "privacy",
    [
        *({"accept": "Name"}, {"accept": [""]}, {"key": ""}, {"keys": "x"}),
        *(
            {"pseudonymise": wrong}
            for wrong in (1, [], ["payer"], [["patient_id"]], ["clinic_id", "clinic_id"], "patient_id")
        ),
    ],
)
def test_faults_of_the_section(privacy) -> None:
    with pytest.raises(ConfigError):
        Mapping.from_dict({"privacy": privacy})


def test_no_mode_check_where_there_are_no_modes(tmp_path, monkeypatch) -> None:
    path = tmp_path / "k.key"
    path.write_bytes(os.urandom(32))
    path.chmod(0o644)
    monkeypatch.setattr("outcomes.records.pseudonyms.os.name", "nt")
    assert len(load_key(path)) == 32
