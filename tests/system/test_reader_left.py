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
