"""Private folders among the temporary files: gone with the step, and after a kill with the next start."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from outcomes.files import temporary
from outcomes.files.lock import LOCK
from outcomes.files.temporary import private_folder, remove_left_folders

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and owners of POSIX")
HOLD = """
import time
from outcomes.files.temporary import private_folder
with private_folder("run") as folder:
    (folder / "below").mkdir()
    (folder / "below" / "answers.json").write_text("{}")
    print(folder, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder for temporary files, in which nobody has looked yet."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(temporary, "_looked", set())
    return tmp_path


@pytest.fixture
def other(place):
    """Another process with a private folder."""
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "TMPDIR": str(place)}
    process = subprocess.Popen([sys.executable, "-c", HOLD], env=env, stdout=subprocess.PIPE, text=True)
    yield process, Path(process.stdout.readline().strip())
    process.kill()
    process.communicate()


def test_it_is_for_its_owner_and_gone_at_the_end(place):
    with private_folder("run") as folder, private_folder() as second:
        assert folder.parent == second.parent == place
        assert folder.name.startswith("outcomes-run-") and second.name.startswith("outcomes-")
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "below").mkdir()
        (folder / "below" / "a").write_text("a")
        (folder / "link").symlink_to(place / "mine")
        (place / "mine").mkdir()
        (place / "mine" / "kept").write_text("kept")
    assert [path.name for path in place.iterdir()] == ["mine"] and (place / "mine" / "kept").exists()


def test_it_is_gone_also_after_an_error(place):
    with pytest.raises(ValueError, match="stopped"), private_folder() as folder:
        (folder / "a").write_text("a")
        raise ValueError("stopped")
    assert not list(place.iterdir())


def test_what_a_killed_run_left_is_removed_at_the_next_start(place, other):
    process, folder = other
    remove_left_folders()
    assert (folder / "below" / "answers.json").exists(), "its run goes on"
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert (folder / "below" / "answers.json").exists()
    temporary._looked.clear()
    remove_left_folders()
    assert not list(place.iterdir())


def test_it_is_looked_for_once_so_that_no_folder_of_this_process_is_touched(place):
    with private_folder() as folder:
        (folder / "a").write_text("a")
        with private_folder():
            pass
        assert (folder / "a").exists()


@pytest.mark.parametrize("what", ["link", "open to others", "no lock", "empty lock", "link for a lock"])
def test_what_may_be_somebody_elses_is_left_alone(place, tmp_path_factory, what):
    mine = tmp_path_factory.mktemp("mine")
    (mine / "kept").write_text("kept")
    (mine / LOCK).write_text('{"process": 4999999, "host": "HERE"}')
    folder = place / "outcomes-run-x"
    if what == "link":
        mine.chmod(0o700)
        folder.symlink_to(mine)
    else:
        folder.mkdir(0o755 if what == "open to others" else 0o700)
        (folder / "kept").write_text("kept")
    if what in ("open to others", "empty lock"):
        (folder / LOCK).write_text("" if what == "empty lock" else "{}")
    elif what == "link for a lock":
        (folder / LOCK).symlink_to(mine / LOCK)
    remove_left_folders()
    assert (folder / "kept").exists() and (mine / "kept").exists() and (mine / LOCK).exists()


def test_a_link_in_a_left_folder_is_not_followed(place, tmp_path_factory):
    mine, folder = tmp_path_factory.mktemp("mine"), place / "outcomes-run-x"
    (mine / "kept").write_text("kept")
    folder.mkdir(0o700)
    (folder / "link").symlink_to(mine)
    (folder / LOCK).write_text("{}")
    remove_left_folders()
    assert not folder.exists() and (mine / "kept").exists()


def test_a_folder_of_another_machine_is_left_alone(place):
    folder = place / "outcomes-run-x"
    folder.mkdir(0o700)
    (folder / LOCK).write_text('{"process": 12, "host": "reception_2"}')
    remove_left_folders()
    assert (folder / LOCK).exists()
