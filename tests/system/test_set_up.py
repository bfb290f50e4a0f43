"""The set-up script's words where the machine is not ready; nothing is installed here, stub interpreters stand in."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

NO_ENSUREPIP = 'case "$2" in *ensurepip*) exit 1;; *print*) echo 3.12;; *) exit 0;; esac'
TOO_OLD = 'case "$2" in *print*) echo 3.9;; *) exit 1;; esac'


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with what the script reads, far from the environment these tests run in."""
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "environment.sh", tmp_path / "tools")
    for name in ("requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def set_up(checkout: Path, interpreter: str) -> subprocess.CompletedProcess[str]:
    stub = checkout / "stub-python"
    stub.write_text(f"#!/bin/sh\n{interpreter}\n")
    stub.chmod(0o755)
    return subprocess.run(
        ["sh", "tools/environment.sh", "requirements.lock"],
        cwd=checkout,
        env={**os.environ, "PYTHON": str(stub), "VENV": ".venv"},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_old_python_is_named_with_its_version(checkout: Path) -> None:
    done = set_up(checkout, TOO_OLD)
    assert done.returncode == 2
    assert "3.11 or newer is needed" in done.stderr and "is 3.9" in done.stderr
    assert not (checkout / ".venv").exists()


def test_interpreter_that_does_not_start_is_said(checkout: Path) -> None:
    done = set_up(checkout, "exit 127")
    assert done.returncode == 2
    assert "does not start" in done.stderr


@pytest.mark.skipif(shutil.which("apt-get") is None, reason="the mending line names apt-get, which is not here")
def test_missing_venv_module_gives_the_line_that_mends_it(checkout: Path) -> None:
    done = set_up(checkout, NO_ENSUREPIP)
    assert done.returncode == 2
    assert "apt-get install -y python3.12-venv" in done.stderr
    assert not (checkout / ".venv").exists()


@pytest.mark.parametrize("interrupted", [False, True])
def test_environment_made_by_something_else_is_never_emptied(checkout: Path, interrupted: bool) -> None:
    treasure = checkout / ".venv" / "bin" / "treasure"
    treasure.parent.mkdir(parents=True)
    treasure.write_text("mine")
    if interrupted:
        (checkout / ".venv" / ".unfinished").write_text("")
    done = set_up(checkout, NO_ENSUREPIP)
    assert done.returncode == 2
    assert "left untouched" in done.stderr
    assert treasure.read_text() == "mine"


def test_half_made_environment_is_made_again(checkout: Path) -> None:
    leaving = checkout / ".venv" / "bin" / "half-written"
    leaving.parent.mkdir(parents=True)
    leaving.write_text("")
    (checkout / ".venv" / ".made-by-outcomes").write_text("")
    (checkout / ".venv" / ".unfinished").write_text("")
    done = set_up(checkout, 'case "$2" in *print*) echo 3.12;; venv) exit 1;; *) exit 0;; esac')
    assert "making it again" in done.stderr and "failed" in done.stderr
    assert not leaving.exists()
    assert (checkout / ".venv" / ".unfinished").exists()
