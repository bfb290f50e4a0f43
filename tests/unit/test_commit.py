"""The commit in the manifest: read from the files of git and of a wheel, and never guessed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from outcomes import __version__
from outcomes.release import commit
from outcomes.release.commit import find_commit

OLD, NEW = "0123456789abcdef" * 2 + "01234567", "c2d3" * 10
git = shutil.which("git")


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout without a history, in which the package is thought to lie."""
    place = tmp_path / "checkout"
    (place / "src" / "outcomes").mkdir(parents=True)
    (place / "pyproject.toml").write_text('[project]\nname = "outcomes"\n')
    monkeypatch.setattr(commit, "_PACKAGE", place / "src" / "outcomes")
    return place


def found() -> str | None:
    return find_commit.__wrapped__()


def run(place: Path, *arguments: str) -> str:
    assert git is not None
    who = ("-c", "user.name=x", "-c", "user.email=x", "-c", "commit.gpgsign=false", "-c", "core.hooksPath=/dev/null")
    done = subprocess.run([git, *who, *arguments], cwd=place, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_what_the_wheel_recorded_goes_first(checkout: Path) -> None:
    assert found() is None
    about = checkout / "src" / f"outcomes-{__version__}.dist-info"
    about.mkdir()
    (about / "commit.txt").write_text(f"{NEW}\n")
    assert found() == NEW
    (about / "commit.txt").write_text("no name of a commit\n")
    assert found() is None


@pytest.mark.skipif(git is None, reason="git is not installed")
def test_what_git_itself_says(checkout: Path) -> None:
    """A branch, one with a slash, packed branches, a detached head, a second working tree; before the first commit."""
    run(checkout, "init", "-q", "-b", "main")
    assert found() is None
    run(checkout, "add", ".")
    run(checkout, "commit", "-q", "-m", "one")
    first = run(checkout, "rev-parse", "HEAD")
    assert found() == first and len(first) == 40
    run(checkout, "checkout", "-q", "-b", "topic/one")
    run(checkout, "commit", "-q", "--allow-empty", "-m", "two")
    second = run(checkout, "rev-parse", "HEAD")
    assert found() == second != first
    run(checkout, "pack-refs", "--all")
    assert not (checkout / ".git" / "refs" / "heads" / "topic" / "one").exists() and found() == second
    run(checkout, "commit", "-q", "--allow-empty", "-m", "three")  # the loose name goes before the packed one
    assert found() == run(checkout, "rev-parse", "HEAD") != second
    run(checkout, "checkout", "-q", "--detach", first)
    assert found() == first


@pytest.mark.skipif(git is None, reason="git is not installed")
def test_a_second_working_tree(checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(checkout, "init", "-q", "-b", "main")
    (checkout / "src" / "outcomes" / "a.py").write_text("")
    run(checkout, "add", ".")
    run(checkout, "commit", "-q", "-m", "one")
    run(checkout, "worktree", "add", "-q", "-b", "side", str(tmp_path / "second"))
    monkeypatch.setattr(commit, "_PACKAGE", tmp_path / "second" / "src" / "outcomes")
    run(tmp_path / "second", "commit", "-q", "--allow-empty", "-m", "two")
    side = run(tmp_path / "second", "rev-parse", "HEAD")
    assert found() == side
    run(checkout, "pack-refs", "--all")
    assert found() == side != run(checkout, "rev-parse", "HEAD")


def test_a_copy_inside_the_checkout_of_something_else_has_none(checkout: Path) -> None:
    (checkout.parent / ".git").mkdir()
    (checkout.parent / ".git" / "HEAD").write_text(f"{OLD}\n")
    assert found() is None
    (checkout / ".git").mkdir()
    (checkout / ".git" / "HEAD").write_text(f"{NEW}\n")
    assert found() == NEW
    (checkout / "pyproject.toml").unlink()  # installed below a folder that has a history of its own
    assert found() is None


@pytest.mark.parametrize("head", ["", "ref: refs/heads/none", "ref: ", f"{OLD[:-1]}", f"{OLD[:-1]}G", "\xff\x00"])
def test_what_is_no_name_of_a_commit_is_none(checkout: Path, head: str) -> None:
    (checkout / ".git").mkdir()
    (checkout / ".git" / "HEAD").write_bytes(head.encode("latin-1"))
    assert found() is None


def test_no_program_is_started(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (checkout / ".git").mkdir()
    (checkout / ".git" / "HEAD").write_text(f"{NEW}\n")
    monkeypatch.setattr(subprocess, "Popen", None)
    assert found() == NEW
