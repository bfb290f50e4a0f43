"""The commit this package is from, read from files: no program is started, and none of the folder above is asked.

Two places know it: the wheel, where the tool that built it wrote it down, and a checkout, in its folder ``.git``.
Whoever has neither (a copy of the sources, a wheel built by other means) has no commit. In a checkout it is the one
last committed, whatever has been edited since; whether the files are those of the commit, the hash over them tells.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from outcomes import __version__

RECORD = "commit.txt"
"""File of a wheel's ``.dist-info`` that holds the commit it was built from."""
_PACKAGE = Path(__file__).parents[1]
_LENGTHS = (40, 64)
"""Of a commit's name: SHA-1, or SHA-256."""


@cache
def find_commit() -> str | None:
    """Return the name of the commit in full, or nothing where none is known."""
    recorded = _PACKAGE.parent / f"outcomes-{__version__}.dist-info" / RECORD
    return _read_name(recorded) or _read_checkout(_PACKAGE.parents[1])


def _read_checkout(checkout: Path) -> str | None:
    """Return what HEAD stands for; a folder that only lies within another's checkout has none."""
    if not (checkout / "pyproject.toml").is_file():
        return None
    own = _follow(checkout / ".git")
    shared = own / (_read_line(own / "commondir") or "")  # of a second working tree: where the branches are
    head = _read_line(own / "HEAD")
    branch = head.removeprefix("ref: ")
    if branch == head:
        return _as_name(head)
    return _read_name(own / branch) or _read_name(shared / branch) or _find_packed(shared, branch)


def _follow(place: Path) -> Path:
    """Return the folder of git: itself, or the one that a file in its place points to (a second working tree)."""
    return place.parent / _read_line(place).removeprefix("gitdir: ") if place.is_file() else place


def _find_packed(shared: Path, branch: str) -> str | None:
    lines = _read(shared / "packed-refs").splitlines()
    found = (line.partition(" ") for line in lines if not line.startswith(("#", "^")))
    return next((_as_name(name) for name, _, of in found if of == branch), None)


def _read_name(path: Path) -> str | None:
    return _as_name(_read_line(path))


def _as_name(text: str) -> str | None:
    return text if len(text) in _LENGTHS and set(text) <= set("0123456789abcdef") else None


def _read_line(path: Path) -> str:
    return _read(path).partition("\n")[0].strip()


def _read(path: Path) -> str:
    """Return the text of a file; a file that cannot be read names no commit."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
