"""Ctrl-C while the notebooks run: one sentence, exit code 2, nothing left behind; a killed run is tidied up."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from outcomes.files.lock import LOCK

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


@pytest.fixture
def run(tmp_path):
    """Start a report with notebooks and wait until the first notebook runs.

    Of six patients, so that every question is soon answered or refused: what is stopped is the notebooks.
    """
    rows = [f"P{i % 6},2026-0{1 + i % 4}-{10 + i % 17},{8 - i % 6},lumbar,ultrasound" for i in range(12)]
    (tmp_path / "visits.csv").write_text("\n".join(["patient_id,visit_date,pain_pre,region,modalities", *rows]))
    (tmp_path / "tmp").mkdir()
    started = []

    def start():
        paths = [os.environ["PYTHONPATH"], str(ROOT / "src")]  # the first keeps it off the network
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "TMPDIR": str(tmp_path / "tmp")}
        command = [sys.executable, "-m", "outcomes", "report", "visits.csv", "--out", "reports"]
        process = subprocess.Popen(
            command,
            cwd=tmp_path,
            env=env,
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        said = []
        for line in process.stderr:
            said.append(line)
            if line.startswith("01_"):
                return process
        raise AssertionError(f"no notebook was started: {''.join(said)}")

    yield start
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def kernels(folder):
    """Processes whose command names the private folder of a notebook run."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if str(folder).encode() in place.read_bytes():
                found.append(place)
        except OSError:
            continue
    return found


def check_stopped(process, tmp_path):
    said = process.communicate(timeout=30)[1]
    assert process.returncode == 2, said
    assert said.splitlines()[-1] == "stopped; nothing was written"
    assert "Traceback" not in said and "Error" not in said
    # A killed process stays in the list until the system has taken it away.
    until = time.monotonic() + 5.0
    while kernels(tmp_path) and time.monotonic() < until:
        time.sleep(0.05)
    assert not kernels(tmp_path)


def test_a_stop_of_the_system_leaves_nothing_behind(run, tmp_path):
    process = run()
    os.kill(process.pid, signal.SIGTERM)
    check_stopped(process, tmp_path)
    assert not list((tmp_path / "tmp").glob("outcomes-*"))
    assert not (tmp_path / "reports").exists() or not list((tmp_path / "reports").iterdir())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_that_a_finalizer_swallows_ends_the_run_at_its_next_step(tmp_path, number):
    (tmp_path / "script.py").write_text(
        "import signal\n"
        "from outcomes import cli\n"
        "from outcomes.release.progress import telling\n"
        "class Slow:\n"
        "    def __del__(self):\n"
        f"        signal.raise_signal({int(number)})\n"
        "def run(args):\n"
        "    with telling(quiet=False) as tell:\n"
        "        Slow()\n"
        "        tell('after')\n"
        "    return 0\n"
        "cli.inspect.run = run\n"
        "raise SystemExit(cli.main())\n",
        encoding="utf-8",
    )
    line = [sys.executable, str(tmp_path / "script.py"), "inspect", "visits.csv"]
    ended = subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (2, "stopped; nothing was written\n")


@pytest.mark.slow
@pytest.mark.parametrize(("stop", "wait"), [*itertools.product((os.killpg, os.kill), (0.0, 0.6, 1.2, 2.5))])
def test_a_stop_by_hand_leaves_nothing_behind(run, tmp_path, stop, wait):
    process = run()
    time.sleep(wait)
    stop(process.pid, signal.SIGINT)
    check_stopped(process, tmp_path)
    assert [p.name for p in (tmp_path / "tmp").iterdir() if p.name.startswith("outcomes-")] == []
    assert not (tmp_path / "reports").exists() or not list((tmp_path / "reports").iterdir())


def test_what_a_killed_run_left_is_removed_by_the_next_which_is_stopped_by_hand(run, tmp_path):
    process = run()
    os.kill(process.pid, signal.SIGKILL)
    process.wait(timeout=30)
    left = [path for path in (tmp_path / "reports").iterdir() if path.name != LOCK]
    assert len(left) == 1 and str(process.pid) in left[0].name
    private = [path for path in (tmp_path / "tmp").glob("outcomes-*") if (path / LOCK).exists()]
    assert any(list(path.glob("*.json")) for path in private), "protected answers lie there"
    (tmp_path / "reports" / ".other.staging-x").mkdir()
    again = run()
    assert not left[0].exists() and not any(path.exists() for path in private)
    assert (tmp_path / "reports" / ".other.staging-x").is_dir()
    time.sleep(1.2)
    os.kill(again.pid, signal.SIGINT)
    check_stopped(again, tmp_path)
    assert not list((tmp_path / "tmp").glob("outcomes-*"))
    assert {path.name for path in (tmp_path / "reports").iterdir()} == {".other.staging-x"}
