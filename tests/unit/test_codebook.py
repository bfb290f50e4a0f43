"""The codebook: its tables, the user's own tables, and every fault of them at once."""

from __future__ import annotations

import subprocess
import sys
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from outcomes.definitions import Codebook, drop_named
from outcomes.definitions.tables import ID_TABLES, read_tables
from outcomes.errors import ConfigError


@pytest.fixture(scope="module")
def codebook() -> Codebook:
    return Codebook.load()


def packaged(name: str) -> str:
    return resources.files("outcomes.definitions").joinpath(name).read_text("utf-8")


def faults_of(folder: Path) -> list[tuple[str, str]]:
    with pytest.raises(ConfigError) as raised:
        Codebook.load(folder)
    return [(finding.code, finding.place) for finding in raised.value.findings]


def test_the_ids_the_other_rooms_rely_on(codebook: Codebook) -> None:
    assert codebook.ids("region") == ("cervical", "thoracic", "lumbar", "pelvic")
    assert codebook.ids("sex") == ("female", "male", "other")
    assert codebook.ids("paresthesia") == ("no", "yes")
    assert codebook.ids("purpose")[0] == "first_exam"
    assert set(ID_TABLES) >= {"cause", "trigger", "radiation", "onset", "discharge_reason", "instrument"}
    assert codebook.duration_classes() == (("acute", "subacute", "chronic"), (0, 42, 84))
    assert codebook.duration_classes("foto")[1] == (0, 15, 91)


def test_every_treatment_is_in_exactly_one_family(codebook: Codebook) -> None:
    masks = list(codebook.family_masks.values())
    assert sum(masks) == codebook.treatment_mask
    assert codebook.families == (
        "manual_soft_tissue",
        "joint_techniques",
        "ultrasound",
        "electrical",
        "thermal",
        "active",
        "needling",
        "education",
        "other",
    )
    assert codebook.modality_family["evaluation"] == ""
    assert codebook.mask_of("evaluation") & codebook.treatment_mask == 0


def test_masks_fit_64_bits_and_have_names(codebook: Codebook) -> None:
    assert max(len(codebook.modality_ids), len(codebook.muscle_ids)) <= 63
    mask = codebook.mask_of("massage") | codebook.mask_of("heat_therapy")
    assert codebook.modality_names(mask) == ("massage", "heat_therapy")
    assert codebook.muscle_names(1 << codebook.muscle_ids.index("multifidus")) == ("multifidus",)
    assert codebook.muscle_names(codebook.unspecified_mask) == ("back_unspecified", "neck_unspecified")
    assert codebook.labels["massage"].startswith("Targeted massage")
    assert codebook.label("sex", "other") == "other"


def test_every_id_label_and_synonym_finds_its_own_id(codebook: Codebook) -> None:
    for kind in ID_TABLES:
        ids = list(codebook.ids(kind))
        assert codebook.find_ids(kind, ids).tolist() == list(range(len(ids))), kind
        labels = [codebook.label(kind, name) for name in ids]
        assert codebook.find_ids(kind, labels).tolist() == list(range(len(ids))), kind
    bits = [1 << bit for bit in range(len(codebook.modality_ids))]
    assert codebook.find_modalities(codebook.modality_ids).masks.tolist() == bits
    assert codebook.find_muscles(codebook.muscle_ids).left.tolist() == [1 << b for b in range(len(codebook.muscle_ids))]


def test_an_unknown_kind_is_a_key_error(codebook: Codebook) -> None:
    with pytest.raises(KeyError):
        codebook.find_ids("colour", ["red"])


def test_nothing_in_gives_nothing_out(codebook: Codebook) -> None:
    assert codebook.find_modalities([]).masks.shape == (0,)
    assert codebook.find_muscles([]).left.shape == (0,)
    assert codebook.find_codes([]).masks.shape == (0,)
    assert codebook.find_diagnoses([]).tier.shape == (0,)
    assert codebook.find_ids("sex", []).shape == (0,)


def test_dtypes(codebook: Codebook) -> None:
    modalities, muscles = codebook.find_modalities(["us"]), codebook.find_muscles(["es"])
    codes, diagnoses = codebook.find_codes(["97140"]), codebook.find_diagnoses(["M54.2"])
    assert {a.dtype for a in (modalities.masks, muscles.left, muscles.right, codes.masks)} == {np.dtype(np.uint64)}
    assert {a.dtype for a in (diagnoses.tier, diagnoses.region, diagnoses.kind)} == {np.dtype(np.int8)}
    assert {a.dtype for a in (modalities.known, muscles.side_unknown, codes.first_exam)} == {np.dtype(np.bool_)}
    assert codebook.find_ids("cause", ["fall"]).dtype == np.int16


def test_instrument_ranges_follow_the_ids(codebook: Codebook) -> None:
    low, high = codebook.instrument_ranges()
    position = codebook.ids("instrument").index("odi")
    assert (low[position], high[position]) == (0, 100)
    assert codebook.instruments["odi"].mic_pct == 30
    assert codebook.instruments["pain_vas"].mdc is None


def test_text_goes_before_a_code_that_says_it_less_well(codebook: Codebook) -> None:
    codes = codebook.find_codes(["97140", "97010", "98940"])
    text = np.full(3, codebook.mask_of("massage"), dtype=np.uint64)
    kept = drop_named(text, codes.masks, codes.covers)
    assert [codebook.modality_names(mask) for mask in kept] == [(), ("thermal_unspecified",), ("spinal_manipulation",)]


def test_non_ascii_and_line_breaks_do_not_shift_the_answers(codebook: Codebook) -> None:
    terms = ["us", "Ωmega", "hot\u00a0pack", "ice\npack", "massage", "ｉｃｅ"]
    found = codebook.find_modalities(terms)
    names = [codebook.modality_names(mask) for mask in found.masks]
    assert names == [("ultrasound_therapy",), (), ("heat_therapy",), ("cold_therapy",), ("massage",), ("cold_therapy",)]


def test_loading_needs_no_pandas() -> None:
    code = "import sys; from outcomes.definitions import Codebook; Codebook.load(); print('pandas' in sys.modules)"
    env = {"PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
    assert done.stdout.strip() == "False"


def test_the_hash_follows_the_content_not_the_line_ends(tmp_path: Path, codebook: Codebook) -> None:
    (tmp_path / "causes.csv").write_bytes(b"\xef\xbb\xbf" + packaged("causes.csv").replace("\n", "\r\n").encode())
    assert Codebook.load(tmp_path).hash == codebook.hash
    (tmp_path / "causes.csv").write_text(packaged("causes.csv") + "ladder,off a ladder,fell off a ladder\n", "utf-8")
    own = Codebook.load(tmp_path)
    assert own.hash != codebook.hash
    assert own.ids("cause")[own.find_ids("cause", ["Fell off a ladder"])[0]] == "ladder"


def test_a_new_treatment_without_a_family_is_in_other(tmp_path: Path) -> None:
    (tmp_path / "modalities.csv").write_text(
        packaged("modalities.csv") + "sound_bath,Sound bath,other,other,1,sound bath\n", "utf-8"
    )
    own = Codebook.load(tmp_path)
    assert own.modality_family["sound_bath"] == "other"
    assert own.find_modalities(["Sound-bath"]).known.all()


def test_all_faults_of_all_tables_at_once(tmp_path: Path) -> None:
    (tmp_path / "modalites.csv").write_text("x\n", "utf-8")
    (tmp_path / "causes.csv").write_text("cause_id,words\nfall,fall\n", "utf-8")
    (tmp_path / "triggers.csv").write_text(
        "trigger_id,words,family,synonyms\nlifting,lifting,load,lift\nlifting,again,load,up\nBad Id,x,load,y\n"
        "sit,s,lift\n",
        "utf-8",
    )
    (tmp_path / "muscles.csv").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "sexes.csv").write_text("sex_id,words,synonyms\nmale,male,m\nfemale,female,f\n", "utf-8")
    (tmp_path / "radiation.csv").write_text("radiation_id,words,side_field,synonyms\n", "utf-8")
    (tmp_path / "instruments.csv").write_text(packaged("instruments.csv").replace(",0,100,lower", ",a,100,lowr", 1))
    found = faults_of(tmp_path)
    assert sorted(found) == sorted(
        [
            ("C201", "modalites.csv"),
            ("C201", "muscles.csv"),
            ("C202", "causes.csv › row 1"),
            ("C203", "triggers.csv › row 5"),
            ("C203", "radiation.csv"),
            ("C206", "sexes.csv › column sex_id"),
            ("C206", "instruments.csv › row 4 › column better"),
            ("C206", "instruments.csv › row 4 › column min"),
        ]
    )


def test_duplicate_ids_and_synonyms_name_their_rows(tmp_path: Path) -> None:
    (tmp_path / "triggers.csv").write_text(
        "trigger_id,words,family,synonyms\nlifting,lifting,load,lift|Desk-work\nlifting,again,load,up\n"
        "sitting,sitting,static,desk work\nBad Id,x,load,y\n",
        "utf-8",
    )
    assert faults_of(tmp_path) == [
        ("C204", "triggers.csv › row 3 › column trigger_id"),
        ("C206", "triggers.csv › row 5 › column trigger_id"),
        ("C204", "triggers.csv › row 4 › column synonyms"),
    ]


def test_a_synonym_of_two_muscles_may_be_decided_as_ambiguous(tmp_path: Path) -> None:
    own = (
        packaged("muscles.csv")
        .replace("multifidus|multifidi|mf|", "multifidus|multifidi|mf|deepies|")
        .replace("rotatores|rotators", "rotatores|deepies|rotators")
    )
    (tmp_path / "muscles.csv").write_text(own, "utf-8")
    assert faults_of(tmp_path) == [("C204", "muscles.csv › row 11 › column synonyms")]
    decided = packaged("ambiguous_terms.csv") + "deepies,multifidus|rotatores,default multifidus,,multifidus,muscle,\n"
    (tmp_path / "ambiguous_terms.csv").write_text(decided, "utf-8")
    found = Codebook.load(tmp_path).find_muscles(["deepies:L"])
    assert found.assumed.tolist() == [True]


def test_ids_that_another_table_lacks(tmp_path: Path) -> None:
    (tmp_path / "modalities.csv").write_text(
        "\n".join(line for line in packaged("modalities.csv").splitlines() if not line.startswith("diathermy")), "utf-8"
    )
    found = faults_of(tmp_path)
    assert found == [
        ("C207", "packaged families.csv › row 6 › column modalities"),
        ("C207", "packaged modality_codes.csv › row 34 › column modality_id"),
    ]


@pytest.mark.parametrize(
    ("name", "row"),
    [("modalities.csv", "x{0},X{0},other,other,1,x{0}"), ("muscles.csv", "x{0},X{0},limb,calf,0,,x{0}")],
)
def test_more_rows_than_bits(tmp_path: Path, name: str, row: str) -> None:
    text = packaged(name).rstrip("\n")
    missing = 64 - (len(text.splitlines()) - 1)
    (tmp_path / name).write_text("\n".join([text, *(row.format(i) for i in range(missing))]), "utf-8")
    assert [code for code, _ in faults_of(tmp_path)] == ["C205"]


def test_a_modality_the_package_needs(tmp_path: Path) -> None:
    text = "\n".join(line for line in packaged("modalities.csv").splitlines() if not line.startswith("no_show"))
    (tmp_path / "modalities.csv").write_text(text, "utf-8")
    assert faults_of(tmp_path) == [("C206", "modalities.csv › column modality_id")]


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    assert faults_of(tmp_path / "nothing") == [("C201", "nothing")]


def test_duration_classes_must_join(tmp_path: Path) -> None:
    (tmp_path / "duration_classes.csv").write_text(
        "scheme,class,from_day,to_day_exclusive\na,acute,0,42\na,chronic,43,\n", "utf-8"
    )
    assert faults_of(tmp_path) == [("C206", "duration_classes.csv › row 3 › column from_day")]


def test_the_packaged_tables_have_no_fault() -> None:
    _, digest, faults = read_tables(None)
    assert faults == []
    assert len(digest) == 12
