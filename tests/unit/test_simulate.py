from __future__ import annotations

import csv
import hashlib
import json
import tomllib
from pathlib import Path

import numpy as np
import pytest

from outcomes import cli
from outcomes.definitions import Codebook
from outcomes.simulate import Simulated, simulate, words, write_export, write_simulation
from outcomes.simulate.cases import days_to_half
from outcomes.simulate.cells import _CODES
from outcomes.simulate.coded import Coded, code_keys, join
from outcomes.simulate.export import quote
from outcomes.simulate.values import FAMILIES, GROUPS, PROFILES, REGION_GROUP, REGIONS

SEED = 7


@pytest.fixture(scope="module")
def dirty() -> Simulated:
    return simulate(4000, SEED, "chiro", clinics=4)


@pytest.fixture(scope="module")
def clean() -> Simulated:
    return simulate(4000, SEED, "chiro", clinics=4, clean=True)


def digests(paths: tuple[Path, ...]) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("is_clean", [False, True])
def test_same_seed_same_bytes_and_another_seed_others(tmp_path: Path, profile: str, is_clean: bool) -> None:
    once = digests(write_simulation(tmp_path / "a", 150, SEED, profile, is_clean))
    again = digests(write_export(simulate(150, SEED, profile, clean=is_clean), tmp_path / "b"))
    other = digests(write_simulation(tmp_path / "c", 150, SEED + 1, profile, is_clean))
    assert once == again
    assert once["visits.csv"] != other["visits.csv"]
    assert set(once) == {"visits.csv", "truth.csv", "truth.json", "mapping.toml"}


def test_blocks_are_written_as_they_are_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("outcomes.simulate._BLOCK", 100)
    seen: list[tuple[int, int]] = []
    files = write_simulation(tmp_path / "a", 250, SEED, progress=lambda done, total: seen.append((done, total)))
    simulated = simulate(250, SEED)
    assert seen == [(83, 250), (166, 250), (250, 250)]
    assert digests(files) == digests(write_export(simulated, tmp_path / "b"))
    assert len(simulated.blocks) == 3
    assert simulated.episode_of_record.max() == len(simulated.truth["start"]) - 1
    assert len({len(cells) for cells in simulated.records.values()}) == 1


def test_clean_and_dirty_tell_of_the_same_visits(clean: Simulated, dirty: Simulated) -> None:
    for name in ("start", "half_day", "return_day", "true_group"):
        np.testing.assert_array_equal(clean.truth[name], dirty.truth[name])
    added = sum(dirty.dirt[kind] for kind in ("duplicate_rows", "re_exported", "split_visits"))
    assert dirty.n_records == clean.n_records + added


def test_clean_export_is_canonical(clean: Simulated, tmp_path: Path) -> None:
    visits = write_export(clean, tmp_path)[0]
    with visits.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert tuple(rows[0]) == tuple(words.HEADERS)
    assert len(rows) == clean.n_records + 1
    assert {len(row) for row in rows} == {len(words.HEADERS)}
    records = clean.records
    assert min(records["visit_date"]) >= clean.planted["first_day"]
    assert max(records["visit_date"]) <= clean.planted["data_cut"]
    assert set(records["pain_pre"]) <= {"", *map(str, range(11))}
    assert set(records["visit_purpose"]) <= set(words.PURPOSES)
    assert len(set(zip(*records.values(), strict=True))) > 0.99 * clean.n_records


def test_truth_belongs_to_the_rows(clean: Simulated) -> None:
    truth, row, records = clean.truth, clean.episode_of_record, clean.records
    day = records["visit_date"].astype("datetime64[D]").astype(int)
    assert (day >= truth["start"][row]).all()
    np.testing.assert_array_equal(truth["patient_id"][row], records["patient_id"])
    # A return opens the next episode of the same person, on its day.
    order = np.lexsort((truth["number"], truth["person"]))
    person, number, start = (truth[name][order] for name in ("person", "number", "start"))
    follows = (person[1:] == person[:-1]) & (number[1:] == number[:-1] + 1)
    np.testing.assert_array_equal(truth["return_day"][order][:-1][follows], start[1:][follows])
    assert (truth["landmark"] >= truth["last_offset"] + 30).all()


def test_written_truth_names_every_column(tmp_path: Path) -> None:
    files = {path.name: path for path in write_simulation(tmp_path, 200, SEED)}
    with files["truth.csv"].open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    about = json.loads(files["truth.json"].read_text(encoding="utf-8"))
    assert set(rows[0]) == set(about["truth_columns"])
    assert about["shift"]["clinic_id"] == "C02"
    assert about["shift"]["from"] == "2025-04-01"
    assert all(row["start_date"] and row["tau_days"] for row in rows)
    assert any(row["half_day"] == "" for row in rows)


def test_dirt_comes_at_its_rates(dirty: Simulated, clean: Simulated) -> None:
    values, n = PROFILES["chiro"].dirt, clean.n_records
    filled = int((clean.records["pain_pre"] != "").sum())
    exact = {
        "pain_out_of_range": values.pain_out_of_range * filled,
        "pain_vas": values.pain_vas * filled,
        "pain_arrow": values.pain_arrow * filled,
        "swapped_dates": values.swapped_dates * n,
        "after_cut": values.after_cut * n,
        "duplicate_rows": values.duplicate_rows * (n + dirty.dirt["split_visits"]),
    }
    for name, expected in exact.items():
        assert abs(dirty.dirt[name] - expected) <= 1, name
    drawn = {
        "split_visits": values.split_visits * (clean.records["modalities"] != "").sum(),
        "shared_ids": values.shared_ids * 4000,
        "modalities_unknown": values.terms_unknown * (clean.records["modalities"] != "").sum(),
    }
    for name, expected in drawn.items():
        assert abs(dirty.dirt[name] - expected) <= 4.0 * np.sqrt(expected) + 1, name


def test_dirt_is_in_the_cells(dirty: Simulated) -> None:
    records = dict(zip(words.HEADERS, dirty.records.values(), strict=True))
    pain = records["pain_pre"].tolist()
    assert {"11", "15", "-1"} <= set(pain)
    assert sum("->" in text for text in pain) >= dirty.dirt["pain_arrow"]
    assert any(text.endswith("/10") for text in pain)
    assert any("M54.5" in text.split(";") for text in records["diagnoses"])
    assert any({"97014", "G0283"} <= set(text.split(";")) for text in records["procedure_codes"])
    assert any("\u00a0" in text for text in records["modalities"])
    assert any("; " in text for text in records["visit_purpose"])
    years = {text[6:] for text in records["visit_date"]}
    assert {"2026", "26"} <= years
    late = [text for text in records["visit_date"] if text[6:] == "2026" and text[3:5] in ("10", "11", "12")]
    assert late
    ids = records["patient_id"]
    assert any(text.startswith("0") for text in ids)


def test_broken_lines_stand_in_the_file(dirty: Simulated, tmp_path: Path) -> None:
    text = write_export(dirty, tmp_path)[0].read_bytes().decode("utf-8")
    lines = text.split("\n")
    header = lines[0]
    assert lines[-1] == "" and "\r" not in text
    body = lines[1:-3]
    assert lines.count(header) == 1 + dirty.dirt["headers_again"]
    assert body.count("") == dirty.dirt["blank_lines"]
    assert len(body) == dirty.n_records + dirty.dirt["blank_lines"] + dirty.dirt["headers_again"]
    assert sum("\0" in line for line in body) == dirty.dirt["nul_rows"]
    assert sum(line.count('"') % 2 for line in body) == dirty.dirt["open_quotes"]
    widths = {len(next(csv.reader([line]))) for line in body if line and line.count('"') % 2 == 0}
    assert widths == {len(words.HEADERS) + k for k in (-3, 0, 1)}
    assert lines[-3].startswith("Total,") and lines[-2].startswith("Printed ")


def test_mapping_names_every_header(tmp_path: Path) -> None:
    files = {path.name: path for path in write_simulation(tmp_path, 50, SEED)}
    mapping = tomllib.loads(files["mapping.toml"].read_text(encoding="utf-8"))
    header = files["visits.csv"].read_text(encoding="utf-8").split("\n")[0].split(",")
    assert list(mapping["columns"].values()) == header
    assert mapping["dates"]["order"] == "dmy"


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="chiro, physio"):
        simulate(10, 1, "osteo")
    with pytest.raises(ValueError, match="at least 1"):
        simulate(0, 1)
    with pytest.raises(ValueError, match="seed must be 0 or more"):
        simulate(10, -1)


@pytest.mark.parametrize("seed", ["-1", "1.5", "x"])
def test_a_seed_that_is_none_is_a_fault_of_the_command_line(tmp_path: Path, capsys, seed) -> None:
    arguments = ["simulate", "--patients", "3", f"--seed={seed}", "--out", str(tmp_path / "out")]
    with pytest.raises(SystemExit) as stopped:
        cli.main(arguments)
    assert stopped.value.code == 2 and "--seed: a whole number from 0 on" in capsys.readouterr().err


def test_half_day_by_hand() -> None:
    # No floor: halved after tau ln 2. A floor above one half: never. Exercise from day 0 at double speed: half as long.
    got = days_to_half(
        np.array([10.0, 10.0, 10.0, 10.0]), np.array([0.0, 0.6, 0.0, 0.0]), np.array([np.inf, np.inf, 0.0, 4.0]), 2.0
    )
    half = 10.0 * np.log(2.0)
    np.testing.assert_allclose(got, [half, np.inf, half / 2.0, 4.0 + (half - 4.0) / 2.0])


def test_coded_columns() -> None:
    column = code_keys(np.array([3, -1, 3, 5]), str)
    assert column.cells().tolist() == ["3", "", "3", "5"]
    assert column.replaced(np.array([1, 2]), ["x", "x"]).cells().tolist() == ["3", "x", "x", "5"]
    both = join([column, Coded(("5", "7"), np.array([1, 0], dtype=np.int32))])
    assert both.cells().tolist() == ["3", "", "3", "5", "7", "5"]
    assert [quote(text) for text in ("a", "a,b", 'a"b')] == ["a", '"a,b"', '"a""b"']


def test_every_spelling_is_in_the_codebook() -> None:
    codebook = Codebook.load()
    for name, spellings in words.MODALITIES.items():
        found = codebook.find_modalities([name, *spellings])
        bit = 1 << codebook.modality_ids.index(name)
        assert found.masks.tolist() == [bit] * (1 + len(spellings)), name
    assert not codebook.find_modalities(list(words.UNKNOWN_MODALITIES)).known.any()
    for name, spellings in words.MUSCLES.items():
        bit = 1 << codebook.muscle_ids.index(name)
        for style, spelling in enumerate(spellings):
            terms = [spelling, *(side.format(spelling) for side in words.SIDE_STYLES[style])]
            found = codebook.find_muscles(terms)
            assert found.left.tolist() == [bit, bit, 0, bit], terms
            assert found.right.tolist() == [bit, 0, bit, bit], terms
    vocabularies = {
        "purpose": words.PURPOSES,
        "region": words.REGIONS,
        "cause": words.CAUSES,
        "trigger": words.TRIGGERS,
        "radiation": words.RADIATIONS,
        "onset": words.ONSETS,
        "sex": words.SEXES,
        "discharge_reason": words.DISCHARGES,
        "instrument": words.INSTRUMENTS,
    }
    for kind, vocabulary in vocabularies.items():
        for name, spellings in vocabulary.items():
            found = codebook.find_ids(kind, [name, *spellings])
            assert [codebook.ids(kind)[k] for k in found] == [name] * (1 + len(spellings)), (kind, name)
    assert codebook.find_codes(list(_CODES)).known.all()


def test_diagnosis_codes_are_in_the_codebook(clean: Simulated, dirty: Simulated) -> None:
    codebook = Codebook.load()
    cells = [*clean.records["diagnoses"], *dirty.records[words.HEADERS["diagnoses"]]]
    codes = sorted({code for text in set(cells) for code in text.split(";") if code})
    assert codebook.find_diagnoses(codes).known.all()


def test_tables_of_values_fit_one_another() -> None:
    assert np.asarray(REGION_GROUP).shape == (len(REGIONS), len(GROUPS))
    np.testing.assert_allclose(np.asarray(REGION_GROUP).sum(axis=1), PROFILES["chiro"].regions)
    for profile in PROFILES.values():
        assert len(profile.treatments.shares) == len(FAMILIES)
        for shares in (profile.classes, profile.regions, profile.radiation, profile.causes, profile.triggers):
            assert sum(shares) == pytest.approx(1.0)
    assert len(words.CHOICES) == len(FAMILIES)
    assert {muscle for group in words.GROUP_MUSCLES for muscle, _ in group} <= set(words.MUSCLES)
