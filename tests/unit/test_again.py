"""What a release was made from: keys stay at home, changes are told, and made again it is the same bytes."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from undrawn import leave_undrawn

from outcomes import cli
from outcomes.cases import build_episodes, build_visits
from outcomes.definitions import Protocol
from outcomes.errors import ConfigError, OutcomesError
from outcomes.records import read_records
from outcomes.records.pseudonyms import load_key
from outcomes.release import again, configuration, diff, publish
from outcomes.release.diff import diff_releases
from outcomes.release.diff_inputs import INPUTS, Release, fill_inputs, gather, open_release
from outcomes.release.inputs import ask
from outcomes.release.verify import verify_release
from outcomes.simulate import write_simulation

FEW = {"inference": {"bootstrap_draws": 20}, "reporting_floor": {"suppress_cell_below": 0}}
ASKED = ("relief", "attendance")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    leave_undrawn(monkeypatch)
    monkeypatch.setattr(publish, "render_pdf", lambda page: b"%PDF")
    monkeypatch.setattr(publish, "render_png", lambda svg: b"PNG")
    monkeypatch.setattr(publish, "ask", partial(ask, only=ASKED))
    monkeypatch.setattr(diff, "QUESTIONS", ASKED)


def make(folder: Path, pseudonymise: bool = True, without_last: int = 0, quarter: str | None = None) -> Path:
    """Publish one question about a small practice, and remember where its inputs lie."""
    write_simulation(folder, 300 if quarter else 60, 3, clean=True)  # a quarter is shown of 30 episodes and more
    export, mapping = folder / "visits.csv", folder / "mapping.toml"
    if without_last:
        export.write_text("".join(export.read_text().splitlines(keepends=True)[:-without_last]))
    if pseudonymise:
        mapping.write_text(mapping.read_text() + "pseudonymise = true\n")  # below [privacy], which stands last
    records = read_records(export, mapping)
    visits = build_visits(records, Protocol.from_mapping(FEW))
    beside, episodes = {INPUTS: partial(fill_inputs, records, mapping)}, build_episodes(visits)
    page = publish.publish_report(records, visits, episodes, folder / "out", quarter, notebooks=False, beside=beside)
    return page.parent


def keys(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.key"))


def test_reading_again_takes_the_key_beside_the_mapping_and_makes_none(tmp_path: Path) -> None:
    release = make(tmp_path / "a")
    patients = gather(open_release(release)).records.fields["patient_id"].values.to_pylist()
    first = read_records(tmp_path / "a" / "visits.csv", tmp_path / "a" / "mapping.toml")
    assert patients == first.fields["patient_id"].values.to_pylist() and all(len(one) == 16 for one in patients)
    assert keys(tmp_path) == ["a/pseudonyms.key"] and verify_release(release).is_whole
    (tmp_path / "a" / "pseudonyms.key").rename(tmp_path / "elsewhere.key")
    with pytest.raises(OutcomesError, match=r"the key of the pseudonyms of .* is not at hand"):
        gather(open_release(release))
    assert keys(tmp_path) == ["elsewhere.key"] and verify_release(release).is_whole


def test_two_releases_under_one_key_are_compared_and_under_two_not(tmp_path: Path) -> None:
    first, second = make(tmp_path / "a"), make(tmp_path / "b", without_last=30)
    found = diff_releases(first, second)
    assert any("different keys" in said for said in found.not_attributed), found.not_attributed
    (tmp_path / "b" / "pseudonyms.key").write_bytes((tmp_path / "a" / "pseudonyms.key").read_bytes())
    found = diff_releases(first, second)
    assert not found.not_attributed and found.rows is not None
    assert found.rows.n_added == 0 and 20 < found.rows.n_gone_days <= 30
    assert keys(tmp_path) == ["a/pseudonyms.key", "b/pseudonyms.key"]


def test_no_key_is_made_inside_a_release(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    release = make(tmp_path / "a")
    export, mapping = tmp_path / "a" / "visits.csv", release / "config" / "mapping.toml"
    assert cli.main(["clean", str(export), "--mapping", str(mapping), "--out", str(tmp_path / "out")]) == 2
    assert "E913" in capsys.readouterr().err and not (tmp_path / "out").exists()
    assert keys(tmp_path) == ["a/pseudonyms.key"] and verify_release(release).is_whole
    with pytest.raises(ConfigError, match="E913"):
        load_key(release / "tables" / "deeper" / "new.key")


def verify(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = cli.main(["verify", *arguments, "--quiet"])
    return code, capsys.readouterr().out


def test_what_has_changed_since_is_told_and_nothing_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    release = make(tmp_path / "a", pseudonymise=False)
    export, mapping = tmp_path / "a" / "visits.csv", tmp_path / "a" / "mapping.toml"
    assert verify(capsys, str(release))[1].count("\n") == 1
    export.touch()
    mapping.write_text("# looked through\n" + mapping.read_text())
    assert "stale" not in verify(capsys, str(release))[1]

    whole = export.read_bytes()
    export.write_bytes(whole + whole.splitlines(keepends=True)[-1])
    mapping.write_text(mapping.read_text() + '[pain]\nscale = "0-100"\n')
    code, said = verify(capsys, str(release))
    assert code == 0 and "as published" in said
    assert "stale     visits.csv has changed since" in said and "stale     mapping.toml reads otherwise since" in said

    mapping.write_text("[pain")
    export.rename(tmp_path / "archive.csv")
    said = verify(capsys, str(release))[1]
    assert "mapping.toml reads otherwise" in said and "visits.csv" not in said  # moved is not changed
    mapping.unlink()
    assert "stale" not in verify(capsys, str(release))[1]


@pytest.mark.parametrize(("pseudonymise", "quarter"), [(False, "2025Q2"), (True, None)])
def test_made_again_it_is_the_same_to_the_byte(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], pseudonymise: bool, quarter: str | None
) -> None:
    release = make(tmp_path / "a", pseudonymise, quarter=quarter)
    # Asked for by name, a quarter stands beside all episodes there.
    assert ("\n2025Q2," in (release / "tables" / "attendance.csv").read_text()) is (quarter is not None)
    n = sum(path.is_file() for path in release.rglob("*"))
    assert verify(capsys, str(release), "--again") == (
        0,
        f"all: {n - 1} files and the manifest are as published (as of 2026-09-30).\n"
        f"out/all: made again, all {n} files byte for byte the same.\n",
    )
    archive = tmp_path / "archive"
    archive.mkdir()
    (tmp_path / "a" / "visits.csv").rename(archive / "visits.csv")
    assert verify(capsys, str(release), "--again")[0] == 2  # the input is not at hand
    code, said = verify(capsys, str(release), "--again", "--inputs", str(archive))
    assert code == 0 and "byte for byte the same" in said


def test_made_again_under_another_commit_of_the_same_code_it_is_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    release = make(tmp_path / "a")
    monkeypatch.setattr(configuration, "find_commit", lambda: "0" * 40)
    code, said = verify(capsys, str(release), "--again")
    assert code == 0 and "the same, but for the commit in the manifest: another one of the same code" in said
    monkeypatch.setattr(publish, "render_pdf", lambda page: b"%PDF-other")
    code, said = verify(capsys, str(release), "--again")
    assert code == 2 and "2 of " in said and "differs   manifest.json" in said


def test_made_again_otherwise_every_file_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    release = make(tmp_path / "a")
    monkeypatch.setattr(publish, "render_pdf", lambda page: b"%PDF-other")
    code, said = verify(capsys, str(release), "--again")
    assert code == 2 and "2 of " in said and "differs   report.pdf" in said and "differs   manifest.json" in said
    assert "this installation" not in said  # nothing in the environment explains it

    (release / "report.pdf").write_bytes(b"edited")
    code, said = verify(capsys, str(release), "--again")
    assert code == 2 and "edited" in said and "made again" not in said


def test_a_release_that_does_not_say_which_quarter_was_asked_for_is_not_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = Release(tmp_path / "out" / "2025Q2", {"outputs": {}}, {})
    monkeypatch.setattr(again, "open_release", lambda folder: older)
    with pytest.raises(OutcomesError, match="out/2025Q2 is of a version that did not note which quarter was asked for"):
        again.make_again(older.folder)
