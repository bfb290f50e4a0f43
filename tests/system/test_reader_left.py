"""A reader of the terminal's words that goes away early (`| head`) is no fault of the disk."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

EXPORT = "patient_id,visit_date,pain_pre\n" + "".join(f"P{i},2025-03-{i % 28 + 1:02},{i % 11}\n" for i in range(60))


def run_without_reader(*command, unbuffered=""):
    """Run a command whose standard output nobody reads; buffered words break at the end, others at once."""
    read, write = os.pipe()
    os.close(read)
    try:
        return subprocess.run(
            [sys.executable, "-m", "outcomes", *command],
            stdout=write,
            stderr=subprocess.PIPE,
            text=True,
            timeout=120,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        )
    finally:
        os.close(write)


@pytest.mark.skipif(sys.platform == "win32", reason="SIGPIPE is of POSIX")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_left_is_not_called_a_full_disk(tmp_path, unbuffered):
    export = tmp_path / "visits.csv"
    export.write_text(EXPORT, encoding="utf-8")
    ended = run_without_reader("inspect", str(export), unbuffered=unbuffered)
    assert ended.returncode == 141
    assert ended.stderr == ""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGPIPE is of POSIX")
def test_what_was_written_before_the_reader_left_stands(tmp_path):
    ended = run_without_reader("simulate", "--patients", "20", "--seed", "1", "--out", str(tmp_path / "made"))
    assert ended.returncode == 141 and "Broken pipe" not in ended.stderr
    assert {"visits.csv", "mapping.toml"} <= {path.name for path in (tmp_path / "made").iterdir()}


COMMAND = ("simulate", "--patients", "20", "--seed", "1", "--out")


def run_in_shell(redirected, *command):
    """Run a command with its streams redirected; what it still says on the standard error is captured."""
    line = f'exec "$0" -m outcomes "$@" {redirected}'
    return subprocess.run(
        ["sh", "-c", line, sys.executable, *command], capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")
@pytest.mark.parametrize("command", [COMMAND, ("clean", "{export}", "--out")])
def test_a_full_standard_output_is_told_as_that_and_what_was_written_stands(tmp_path, command):
    (tmp_path / "visits.csv").write_text(EXPORT, encoding="utf-8")
    command = [part.format(export=tmp_path / "visits.csv") for part in command]
    ended = run_in_shell(">/dev/full", *command, str(tmp_path / "made"))
    assert ended.returncode == 141 and "the words on the standard output could not be written" in ended.stderr
    assert "refused" not in ended.stderr and any((tmp_path / "made").iterdir())


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")
@pytest.mark.parametrize("redirected", ["2>/dev/full", "2>&-", "<&- >&- 2>&-"])
def test_a_run_whose_words_nobody_can_have_does_its_work(tmp_path, redirected):
    (tmp_path / "visits.csv").write_text(EXPORT, encoding="utf-8")
    made = tmp_path / "made"
    line = ("clean", str(tmp_path / "visits.csv"), "--out", str(made), "--format", "csv")
    assert run_in_shell(redirected, *line).returncode == 0
    assert {"visits.csv", "ledger.csv"} <= {path.name for path in made.iterdir()}
    assert not any(b"reading " in path.read_bytes() for path in made.iterdir())  # words in a file that got their number


def test_a_run_whose_words_are_no_longer_read_does_its_work(tmp_path):
    line = [sys.executable, "-m", "outcomes", *COMMAND, str(tmp_path / "made")]
    with subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as run:
        run.stderr.close()
        assert run.wait(120) == 0
    assert (tmp_path / "made" / "visits.csv").is_file()


def test_streams_that_were_closed_go_to_programs_that_are_started(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import os, subprocess, sys\n"
        "from outcomes.cli.streams import guard_streams\n"
        "guard_streams()\n"
        "asked = 'import os; [os.fstat(n) for n in (0, 1, 2)]'\n"
        f"open({str(tmp_path / 'said')!r}, 'w').write(str(subprocess.call([sys.executable, '-c', asked])))\n",
        encoding="utf-8",
    )
    line = 'exec "$0" "$1" <&- >&- 2>&-'
    subprocess.run(["sh", "-c", line, sys.executable, str(script)], timeout=60, check=True)
    assert (tmp_path / "said").read_text(encoding="utf-8") == "0"
