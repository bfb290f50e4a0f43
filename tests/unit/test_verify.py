"""`outcomes verify`: every way a release can stop being what was published is named, and only those."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
import release_fakes as fakes
from undrawn import leave_undrawn

from outcomes import cli
from outcomes.definitions import Protocol
from outcomes.errors import InputRefused, NotEstimable
from outcomes.release.inputs import QUESTIONS, ReportInputs
from outcomes.release.manifest import SELF, hash_manifest, to_json
from outcomes.release.publish import publish_answers
from outcomes.release.verify import Verification, verify_release


def inputs(quarter):
    """Answers of one question only, so that a release is made in a moment, with a real protocol."""
    refused = {name: NotEstimable("Not asked in this test.") for name in QUESTIONS}
    review = dataclasses.replace(fakes.quarter_review(), quarter=quarter)
    episodes = fakes.episodes()
    episodes.protocol = episodes.visits.protocol = Protocol()
    return ReportInputs(episodes.visits, episodes, **refused | {"quarter_review": review}, records=fakes.records())


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """Two releases side by side, which share some of their files; that their pictures are empty is no matter here."""
    out = tmp_path_factory.mktemp("reports")
    with pytest.MonkeyPatch.context() as patch:
        leave_undrawn(patch)
        for quarter in ("2026Q1", "2026Q2"):
            publish_answers(inputs(quarter).protected(), out, notebooks=False)
    return out


@pytest.fixture
def release(published, tmp_path):
    shutil.copytree(published, tmp_path / "reports")
    return tmp_path / "reports" / "2026Q2"


def kinds(folder):
    return {(fault.path, fault.kind) for fault in verify_release(folder).faults}


def rewrite(folder, seal=True, **changes):
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text("utf-8")) | changes
    path.write_text(to_json(manifest | ({SELF: hash_manifest(manifest)} if seal else {})), "utf-8")


def test_a_release_as_published_is_whole(release):
    found = verify_release(release)
    assert found.is_whole and found.n_files > 10
    assert found.table() == f"2026Q2: {found.n_files} files and the manifest are as published (as of 2026-09-30)."


def test_every_edited_missing_and_extra_file_is_named_at_once(release):
    with (release / "tables" / "run.csv").open("a") as file:
        file.write(" ")
    (release / "report.pdf").unlink()
    (release / "tables" / "mine.csv").write_text("x")
    (release / ".DS_Store").write_text("left by the file manager")
    expected = {("tables/run.csv", "edited"), ("report.pdf", "missing"), ("tables/mine.csv", "extra")}
    assert kinds(release) == expected
    said = verify_release(release).table()
    assert all(path in said and kind in said for path, kind in expected) and "DS_Store" not in said


def test_one_byte_in_any_file_is_found(release):
    manifest = json.loads((release / "manifest.json").read_text("utf-8"))
    for name in manifest["outputs"]:
        before = (release / name).read_bytes()
        (release / name).write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
        assert (name, "edited") in kinds(release), name
        (release / name).write_bytes(before)
    assert verify_release(release).is_whole


def test_a_file_of_another_release_is_mixed_and_its_owner_named(release):
    other = release.parent / "2026Q1"
    assert (other / "index.html").read_bytes() != (release / "index.html").read_bytes()
    shutil.copy(other / "index.html", release / "index.html")
    shutil.copy(other / "report.pdf", release / "old.pdf")
    assert kinds(release) == {("index.html", "mixed"), ("old.pdf", "mixed")}
    assert verify_release(release).table().count("belongs to the release 2026Q1") == 2


def test_files_both_releases_share_are_not_mixed(release):
    shared = {p.name for p in (release / "tables").iterdir() if p.name == "ledger.csv"}
    assert shared and verify_release(release).is_whole


def test_a_manifest_edited_by_hand_does_not_fit_its_own_hash(release):
    rewrite(release, seal=False, seed=1)
    assert ("manifest.json", "manifest") in kinds(release)
    assert "own hash" in verify_release(release).table()


def test_a_manifest_that_differs_is_not_counted_among_the_files_it_lists(release):
    whole = verify_release(release)
    rewrite(release, seal=False, version="0.0.0")
    said = verify_release(release).table("here").splitlines()
    assert said[0] == f"here: the manifest is not as published; its {whole.n_files} files are as it lists them."
    (release / "index.html").write_text("other", "utf-8")
    said = verify_release(release).table("here").splitlines()
    assert said[0].startswith(f"here: the manifest is not as published; 1 of {whole.n_files} listed files")


def test_an_edit_covered_up_in_outputs_alone_is_still_found(release):
    (release / "tables" / "run.csv").write_text("fact,value\n")
    manifest = json.loads((release / "manifest.json").read_text("utf-8"))
    import hashlib

    manifest["outputs"]["tables/run.csv"] = hashlib.sha256(b"fact,value\n").hexdigest()
    (release / "manifest.json").write_text(to_json(manifest), "utf-8")
    assert kinds(release) == {("manifest.json", "manifest")}


def test_a_manifest_of_another_release_is_named(release):
    shutil.copy(release.parent / "2026Q1" / "manifest.json", release / "manifest.json")
    assert "is that of 2026Q1; this folder is called 2026Q2" in verify_release(release).table()


def test_rows_that_do_not_add_up_are_named(release):
    rows = json.loads((release / "manifest.json").read_text("utf-8"))["row_accounting"]
    rows[0]["n"] += 3
    rewrite(release, row_accounting=rows)
    assert "does not account for every row" in verify_release(release).table()
    assert "is out by 3" in verify_release(release).table()


def test_settings_that_are_not_those_of_the_manifest_are_named(release):
    definitions = json.loads((release / "manifest.json").read_text("utf-8"))["definitions"]
    rewrite(release, definitions=definitions | {"protocol": "0" * 12})
    assert "names another protocol than config/protocol.toml holds" in verify_release(release).table()


@pytest.mark.parametrize("text", ["", "[]", "{}", "not JSON", '{"outputs": {"a": ""}, "manifest_format": 1}'])
def test_a_manifest_that_cannot_be_used_is_a_fault(release, text):
    (release / "manifest.json").write_text(text)
    assert [fault.kind for fault in verify_release(release).faults] == ["manifest"]


@pytest.mark.skipif(os.name != "posix", reason="links need rights elsewhere")
def test_a_link_is_no_file_of_a_release(release):
    kept = release.parent / "kept.csv"
    shutil.move(release / "tables" / "run.csv", kept)
    (release / "tables" / "run.csv").symlink_to(kept)
    assert kinds(release) == {("tables/run.csv", "edited")}


def test_a_folder_that_is_no_release_is_refused(tmp_path):
    for folder in (tmp_path, tmp_path / "absent"):
        with pytest.raises(InputRefused, match="E884"):
            verify_release(folder)


def test_the_command_ends_with_0_or_2(release, capsys):
    assert cli.main(["verify", str(release)]) == 0
    assert "as published" in capsys.readouterr().out
    (release / "index.html").unlink()
    assert cli.main(["verify", str(release)]) == 2
    assert "missing   index.html" in capsys.readouterr().out
    assert cli.main(["verify", str(release.parent)]) == 2
    assert "E884" in capsys.readouterr().err


def test_a_release_without_a_calendar_is_as_of_no_day(tmp_path):
    said = Verification(tmp_path, {"as_of": None}, 12, ()).table()
    assert said.endswith("12 files and the manifest are as published (without a calendar).")
    assert "(as of 2026-09-30)" in Verification(tmp_path, {"as_of": "2026-09-30"}, 12, ()).table()


def test_of_several_each_is_called_by_the_path_given(release, tmp_path, capsys):
    other = tmp_path / "elsewhere" / release.name
    shutil.copytree(release, other)
    (other / "index.html").unlink()
    assert cli.main(["verify", str(release), str(other)]) == 2
    said = [line for line in capsys.readouterr().out.splitlines() if not line.startswith(" ")]
    assert [line.split(": ")[0] for line in said] == [str(release), str(other)]
    assert cli.main(["verify", str(release)]) == 0
    assert capsys.readouterr().out.startswith(f"{release.name}: ")


def test_a_manifest_written_again_by_another_program_is_told(release):
    """Its words, and so its own hash, are the same; what is signed and compared are its bytes."""
    path = release / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8"))), "utf-8")
    assert kinds(release) == {("manifest.json", "manifest")}
    assert (
        "was written again by another program: the words are the same, the bytes are not"
        in verify_release(release).table()
    )


def test_an_empty_folder_is_extra_and_one_whose_files_are_gone_is_not(release):
    (release / "tables" / "old" / "older").mkdir(parents=True)
    shutil.rmtree(release / "config")
    (release / "config").mkdir()
    found = kinds(release)
    assert ("tables/old/older", "extra") in found
    assert {kind for path, kind in found if path.startswith("config")} == {"missing"}
