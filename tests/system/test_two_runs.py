"""Two runs on one folder: the second is refused at once and told who the first is; a killed one never blocks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from outcomes.cli import main
from outcomes.errors import InputRefused
from outcomes.files.lock import LOCK, host, lock_name, only_run
from outcomes.release.staging import staged

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
# A shell lets what it starts in the background ignore Ctrl-C, and so would all that the tests start: 60 s each.
HOLD = """
import signal, sys, time, pathlib
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.path.insert(0, sys.argv[3])
from outcomes.files.lock import only_run
with only_run(pathlib.Path(sys.argv[1]), sys.argv[2]):
    print("has it", flush=True)
    time.sleep(60)
"""

FORK = "import os\n    child = os.fork()\n    if child:\n        print(child, flush=True)"


@pytest.fixture
def hold():
    """Let another process hold a folder."""
    started = []

    def start(folder, name=LOCK):
        command = [sys.executable, "-c", HOLD, str(folder), name, str(ROOT / "src")]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout.readline() == "has it\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def write_export(folder):
    path = folder / "visits.csv"
    path.write_text("patient_id,visit_date,pain_pre\np1,2025-01-01,6\n")
    return path


def test_the_second_run_is_refused_with_the_first_ones_process_and_machine(hold, tmp_path):
    out = tmp_path / "reports"
    first = hold(out)
    begun = time.monotonic()
    with pytest.raises(InputRefused, match=f"E951 .*process {first.pid} on {host()}[\\s\\S]*Wait"), staged(out / "all"):
        pass
    assert time.monotonic() - begun < 1.0
    first.send_signal(signal.SIGINT)
    first.wait()
    assert not out.exists(), "made for the lock alone, and left empty"


def test_cleaning_into_one_folder_twice_at_once(hold, tmp_path, capsys):
    export, out = write_export(tmp_path), tmp_path / "cleaned"
    first = hold(tmp_path, lock_name(out))
    assert main(["clean", str(export), "--out", str(out)]) == 2
    said = capsys.readouterr().err
    assert f"process {first.pid}" in said and "reading" not in said, "refused before anything is read"
    assert main(["clean", str(export), "--out", str(tmp_path / "other"), "--quiet"]) == 0
    first.kill()
    first.wait()
    assert main(["clean", str(export), "--out", str(out), "--quiet"]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cleaned", "other", "visits.csv"]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_however_a_run_ends_the_next_may_begin(hold, tmp_path, how):
    first = hold(tmp_path / "reports")
    first.send_signal(how)
    first.wait()
    with only_run(tmp_path / "reports"):
        assert json.loads((tmp_path / "reports" / LOCK).read_text()) == {"process": os.getpid(), "host": host()}
    assert not (tmp_path / "reports" / LOCK).exists()


@pytest.mark.slow
def test_a_worker_that_outlives_its_run_does_not_hold_the_folder(tmp_path):
    # Only the parent writes: beside the child's, its line came out as one number of both.
    program = HOLD.replace('print("has it", flush=True)', FORK)
    command = [sys.executable, "-c", program, str(tmp_path), LOCK, str(ROOT / "src")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as first:
        child = int(first.stdout.readline())
        first.kill()
        first.wait()
        os.kill(child, 0)
        with only_run(tmp_path):
            pass
        os.kill(child, signal.SIGKILL)


def test_a_lock_of_another_machine_is_its_owners_to_remove(tmp_path):
    path = tmp_path / LOCK
    path.write_text('{"process": 12, "host": "reception_2"}')
    said = r"E952 .*process 12 on reception_2[\s\S]*remove this file"
    with pytest.raises(InputRefused, match=said) as refused, only_run(tmp_path):
        pass
    assert str(path) in str(refused.value) and path.exists()
    path.unlink()
    with only_run(tmp_path):
        pass


@pytest.mark.parametrize("left", ["", "{", "[1]", '{"process": 1}', '{"process": 4999999, "host": "HERE"}'])
def test_what_a_killed_run_left_is_taken_over(tmp_path, left):
    (tmp_path / LOCK).write_text(left.replace("HERE", host()))
    with only_run(tmp_path):
        pass
    assert not list(tmp_path.iterdir())


def test_where_the_file_system_has_no_locks_the_file_decides(tmp_path, monkeypatch):
    import fcntl

    def no_locks(*_):
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "lockf", no_locks)
    (tmp_path / LOCK).write_text(json.dumps({"process": os.getppid(), "host": host()}))
    with pytest.raises(InputRefused, match="E951"), only_run(tmp_path):
        pass
    (tmp_path / LOCK).write_text(json.dumps({"process": 4_999_999, "host": host()}))
    with only_run(tmp_path):
        pass


def test_the_same_thread_may_ask_again_and_another_may_not(tmp_path):
    said = []

    def other():
        try:
            with only_run(tmp_path):
                said.append("in")
        except InputRefused as refusal:
            said.append(str(refusal))

    with only_run(tmp_path), only_run(tmp_path):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        assert (tmp_path / LOCK).exists()
    assert "E951" in said[0] and not list(tmp_path.iterdir())


def test_a_link_in_place_of_the_lock_is_not_followed(tmp_path):
    (tmp_path / "mine").write_text("mine")
    (tmp_path / LOCK).symlink_to(tmp_path / "mine")
    with pytest.raises(OSError, match="symbolic links"), only_run(tmp_path):
        pass
    assert (tmp_path / "mine").read_text() == "mine"


def test_a_file_where_the_folder_should_be(tmp_path):
    (tmp_path / "reports").write_text("mine")
    with pytest.raises(InputRefused, match="is a file"), only_run(tmp_path / "reports" / "below"):
        pass


def test_of_many_that_begin_at_once_one_runs(tmp_path):
    program = HOLD.replace("time.sleep(60)", "time.sleep(1)")
    command = [sys.executable, "-c", program, str(tmp_path / "out"), LOCK, str(ROOT / "src")]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    said = [run.communicate() for run in runs]
    n_in = sum(out == "has it\n" for out, _ in said)
    assert n_in >= 1 and all(out or "E951" in err for out, err in said)
