"""Records of one patient and day that state different ratings: several treatments are merged and counted, records that
differ in nothing else are set aside; all of them are where it is declared.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from outcomes import cli
from outcomes.cases import build_visits
from outcomes.records import Mapping, read_records

ASIDE = {"values": {"same_day": "set_aside"}}
HEADER = "patient_id,visit_date,region,pain_pre,pain_post,modalities"


def visits_of(folder: Path, rows: list[str], mapping: dict | None = None, header: str = HEADER):
    path = folder / "visits.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return build_visits(read_records(path, Mapping.from_dict(mapping or {})))


def test_by_default_treatments_of_a_day_are_one_visit_and_that_is_said(tmp_path) -> None:
    made = visits_of(tmp_path, ["P1,2026-01-05,lumbar,6,5,heat", "P1,2026-01-05,lumbar,8,3,massage"])
    assert made.n == 1 and made.columns["pain_pre"].tolist() == [800]  # by falling pain
    assert any("state different ratings" in note for note in made.notes)


@pytest.mark.parametrize(
    ("rows", "left"),
    [
        (["P1,2026-01-05,lumbar,6,5,heat", "P1,2026-01-05,lumbar,8,5,heat"], 0),
        (["P1,2026-01-05,lumbar,6,5,heat", "P1,2026-01-05,lumbar,6,4,heat"], 0),
        (["P1,2026-01-05,lumbar,6,5,heat", "P1,2026-01-05,lumbar,6,5,massage"], 2),  # nothing contradicts
        (["P1,2026-01-05,lumbar,6,,heat", "P1,2026-01-05,lumbar,,5,massage"], 2),
        (["P1,2026-01-05,lumbar,6,5,heat", "P1,2026-01-05,lumbar,8,5,heat", "P1,2026-01-05,lumbar,,,massage"], 1),
        (["P1,2026-01-05,lumbar,6,5,heat", "P1,2026-01-05,cervical,8,5,heat"], 2),  # two regions, two streams
        (["P1,2026-01-05,lumbar,6,5,heat", "P2,2026-01-05,lumbar,8,5,heat"], 2),
        (["P1,2026-01-05 09:00,lumbar,6,5,heat", "P1,2026-01-05 17:00,lumbar,8,5,heat"], 2),  # two treatments
        (["P1,2026-01-05 09:00,lumbar,6,5,heat", "P1,2026-01-05 09:00,lumbar,8,5,heat"], 0),
        (["P1,2026-01-05 09:00,lumbar,6,5,heat", "P1,2026-01-05,lumbar,8,5,heat"], 0),  # one has no time
    ],
)
def test_what_is_set_aside_once_it_is_declared(tmp_path, rows, left) -> None:
    """Only records that contradict each other; the rest of the export, and its account of rows, stays whole."""
    others = ["P9,2026-01-05,lumbar,7,6,heat", "P9,2026-01-06,lumbar,3,2,heat"]
    made = visits_of(tmp_path, [*rows, *others], ASIDE)
    assert int(made.columns["n_records"].sum()) == left + 2
    assert set(made.quarantine["source_row"].to_pylist()) == set(range(2, 2 + len(rows) - left))
    step = next(step for step in made.ledger.steps if step.name == "validate")
    assert dict(step.set_aside).get("E223", 0) == len(rows) - left
    assert not any("state different ratings" in note for note in made.notes) or left == 2


def test_a_mapping_without_the_key_keeps_its_hash() -> None:
    """The hash before there was such a key: releases of the same settings are still told to have them."""
    assert Mapping().hash == "99ca9ef60eea"
    declared = {Mapping.from_dict({"values": {"same_day": word}}).hash for word in ("merge", "set_aside")}
    assert len(declared | {Mapping().hash}) == 3


def test_files_told_to_hold_other_treatments_are_compared_within_each(tmp_path) -> None:
    paths = [tmp_path / "one.csv", tmp_path / "two.csv"]
    paths[0].write_text(
        f"{HEADER}\nP1,2026-01-05,lumbar,6,5,heat\nP2,2026-01-05,lumbar,6,5,heat\nP2,2026-01-05,lumbar,7,5,heat\n"
    )
    paths[1].write_text(f"{HEADER}\nP1,2026-01-05,lumbar,8,5,heat\n")
    made = build_visits(read_records(paths, Mapping.from_dict({"file": {"later_file_corrects": False}})))
    assert made.columns["pain_pre"].tolist() == [800]
    aside = made.quarantine.select(["source_file", "source_row", "code"]).to_pylist()
    assert aside == [{"source_file": "one.csv", "source_row": row, "code": "E223"} for row in (3, 4)]


def test_inspect_keeps_what_is_declared(tmp_path) -> None:
    path, given, out = tmp_path / "v.csv", tmp_path / "given.toml", tmp_path / "out.toml"
    path.write_text("patient_id,visit_date\n" + "".join(f"P{i},2026-01-{i:02}\n" for i in range(1, 9)))
    given.write_text('[values]\nsame_day = "set_aside"\n')
    assert cli.main(["inspect", str(path), "--mapping", str(given), "--out", str(out)]) == 0
    assert tomllib.loads(out.read_text())["values"]["same_day"] == "set_aside"
