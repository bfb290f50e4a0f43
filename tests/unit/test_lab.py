"""`outcomes lab`: an update reaches every notebook nobody touched, and none that somebody did."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from outcomes import cli
from outcomes.errors import InputRefused
from outcomes.release import lab
from outcomes.release.lab import STATE, copy_notebooks

FIRST, SECOND = "01_first.ipynb", "02_second.ipynb"


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "notebooks"
    folder.mkdir()
    for name in (FIRST, SECOND):
        (folder / name).write_text(f"{name}, version 1")
    return folder


@pytest.fixture
def copy(source, tmp_path):
    target = tmp_path / "lab"
    assert did(source, target) == {FIRST: "copied", SECOND: "copied"}
    return target


def did(source, target):
    return {item.name: item.what for item in copy_notebooks(target, source)}


def texts(folder):
    return {path.name: path.read_text() for path in folder.glob("*.ipynb")}


def test_a_first_copy_holds_every_notebook(copy):
    assert texts(copy) == {FIRST: f"{FIRST}, version 1", SECOND: f"{SECOND}, version 1"}


def test_nothing_happens_twice(source, copy):
    before = {path.name: path.stat().st_mtime_ns for path in copy.glob("*.ipynb")}
    assert did(source, copy) == {FIRST: "unchanged", SECOND: "unchanged"}
    assert {path.name: path.stat().st_mtime_ns for path in copy.glob("*.ipynb")} == before


def test_an_update_reaches_what_nobody_changed_and_leaves_what_somebody_did(source, copy):
    (copy / FIRST).write_text("my analysis")
    for name in (FIRST, SECOND):
        (source / name).write_text(f"{name}, version 2")
    assert did(source, copy) == {
        FIRST: "left as you changed it",
        "01_first.new.ipynb": "new version beside",
        SECOND: "updated",
    }
    assert texts(copy) == {
        FIRST: "my analysis",
        "01_first.new.ipynb": f"{FIRST}, version 2",
        SECOND: f"{SECOND}, version 2",
    }
    # The same update again puts nothing more beside.
    assert did(source, copy) == {FIRST: "left as you changed it", SECOND: "unchanged"}
    assert len(texts(copy)) == 3


def test_an_edit_without_an_update_is_left_alone(source, copy):
    (copy / FIRST).write_text("my analysis")
    assert did(source, copy)[FIRST] == "left as you changed it"
    assert texts(copy)[FIRST] == "my analysis" and len(texts(copy)) == 2


def test_the_version_beside_is_replaced_only_if_nobody_changed_it(source, copy):
    (copy / FIRST).write_text("my analysis")
    (source / FIRST).write_text("version 2")
    copy_notebooks(copy, source)
    (source / FIRST).write_text("version 3")
    copy_notebooks(copy, source)
    assert texts(copy)["01_first.new.ipynb"] == "version 3"
    (copy / "01_first.new.ipynb").write_text("merged by me")
    (source / FIRST).write_text("version 4")
    copy_notebooks(copy, source)
    assert texts(copy)["01_first.new.ipynb"] == "merged by me" and texts(copy)["01_first.new-2.ipynb"] == "version 4"
    assert texts(copy)[FIRST] == "my analysis"


def test_once_taken_over_by_hand_updates_reach_it_again(source, copy):
    (copy / FIRST).write_text("my analysis")
    (source / FIRST).write_text("version 2")
    copy_notebooks(copy, source)
    (copy / "01_first.new.ipynb").replace(copy / FIRST)
    assert did(source, copy)[FIRST] == "unchanged"
    (source / FIRST).write_text("version 3")
    assert did(source, copy)[FIRST] == "updated" and texts(copy)[FIRST] == "version 3"


@pytest.mark.parametrize("state", [None, "not JSON", "[]"])
def test_without_its_record_everything_there_is_the_researchers(source, copy, state):
    (copy / FIRST).write_text("my analysis")
    (copy / STATE).unlink()
    if state is not None:
        (copy / STATE).write_text(state)
    (source / SECOND).write_text("version 2")
    copy_notebooks(copy, source)
    assert texts(copy)[FIRST] == "my analysis" and texts(copy)[SECOND] == f"{SECOND}, version 1"
    assert texts(copy)["02_second.new.ipynb"] == "version 2"


def test_other_files_are_left_alone(source, copy):
    (copy / "thesis.docx").write_text("years of work")
    (source / FIRST).write_text("version 2")
    copy_notebooks(copy, source)
    assert (copy / "thesis.docx").read_text() == "years of work"


def test_what_cannot_be_a_working_copy_is_refused(source, tmp_path):
    (tmp_path / "file").write_text("")
    for target in (tmp_path / "file", source):
        with pytest.raises(InputRefused, match="E887"):
            copy_notebooks(target, source)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputRefused, match="E886"):
        copy_notebooks(tmp_path / "lab", tmp_path / "empty")


def test_the_command_copies_and_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("JupyterLab was started"))
    target = tmp_path / "lab"
    assert cli.main(["lab", str(target), "--copy-only"]) == 0
    copied = {path.name for path in target.glob("*.ipynb")}
    assert copied == {path.name for path in (Path(__file__).parents[2] / "notebooks").glob("*.ipynb")}
    assert json.loads((target / STATE).read_text()).keys() == copied
    assert capsys.readouterr().out.strip() == str(target)
    (target / "01_data_quality.ipynb").write_text("mine")
    cli.main(["lab", str(target), "--copy-only"])
    assert "01_data_quality.ipynb: left as you changed it" in capsys.readouterr().err


def test_jupyterlab_is_started_on_the_copy(tmp_path, monkeypatch):
    started = []
    monkeypatch.setattr(
        lab.subprocess, "run", lambda command, check: started.append(command) or subprocess.CompletedProcess(command, 0)
    )
    assert cli.main(["lab", str(tmp_path / "lab"), "--no-open"]) == 0
    assert started[0][1:] == ["-m", "jupyterlab", f"--notebook-dir={tmp_path / 'lab'}", "--no-browser"]
