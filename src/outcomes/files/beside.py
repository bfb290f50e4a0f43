"""Private files beside a folder that takes its place whole: theirs is the folder that is there, at every moment.

``reports/2026Q3/`` is swapped in one step; ``reports/2026Q3-rows-set-aside.csv`` cannot be swapped in the same one. So
the new files are written first, under hidden names that bear the hash of the folder they belong to, and get their own
names after the swap. A hidden receipt lists them by hash. `find_beside` goes by these two: a run that ended in between
leaves nothing that could be taken for another release's. The next run finishes what was begun (`settle`).

All of them are for their owner only, from their first byte.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from outcomes.files.exchange import sync

OWNER_ONLY = 0o600
_RECEIPT = "receipt.json"

Writer = Callable[[Path], bool]
"""Fills an empty file that only its owner reads; False when there is nothing to keep."""


def open_private(path: Path) -> None:
    """Make an empty file that only its owner reads, whatever was there; a link is not followed."""
    path.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    os.close(os.open(path, flags, OWNER_ONLY))


def prepare(target: Path, identity: str, writers: Mapping[str, Writer]) -> None:
    """Write the private files of a folder that is about to take its place at `target`.

    Parameters
    ----------
    target : Path
    identity : str
        Hash that names the new folder (`identify`).
    writers : Mapping[str, Writer]
        Ending of each file's name to what fills it; ``rows-set-aside.csv`` becomes ``<target>-rows-set-aside.csv``.
    """
    listed: dict[str, str | None] = {}
    for ending, write in writers.items():
        path = _next(target, identity, ending)
        open_private(path)
        if write(path):
            sync(path)
            listed[ending] = _hash(path)
        else:
            path.unlink()
            listed[ending] = None
    receipt = _next(target, identity, _RECEIPT)
    open_private(receipt)
    receipt.write_text(json.dumps({"folder": identity, "files": listed}, sort_keys=True) + "\n", encoding="utf-8")
    sync(receipt)
    sync(target.parent)


def settle(target: Path, identity: str) -> None:
    """Give the prepared files of the folder that is there their names; remove those of one that did not come.

    Parameters
    ----------
    target : Path
    identity : str
        Of the folder that is there; empty when there is none.
    """
    waiting = _list_waiting(target)
    ours = {ending: path for path, whose, ending in waiting if whose == identity and identity}
    receipt = _read(ours[_RECEIPT], identity) if _RECEIPT in ours else {}
    for ending, digest in receipt.items():
        if ending in ours:
            ours[ending].replace(name_beside(target, ending))
        elif digest is None:
            name_beside(target, ending).unlink(missing_ok=True)
    if receipt:
        sync(target.parent)
        ours[_RECEIPT].replace(_receipt(target))
        sync(target.parent)
    discard(target)


def discard(target: Path) -> None:
    """Remove prepared files that got no name."""
    for path, _, _ in _list_waiting(target):
        path.unlink(missing_ok=True)


def find_beside(target: Path, ending: str, mark: str) -> Path | None:
    """Return the private file that belongs to the folder that is there, or None.

    Parameters
    ----------
    target : Path
    ending : str
        As in `prepare`.
    mark : str
        File of the folder whose hash names it.
    """
    identity = identify(target, mark)
    for receipt in (_next(target, identity, _RECEIPT), _receipt(target)):
        digest = _read(receipt, identity).get(ending)
        for path in (_next(target, identity, ending), name_beside(target, ending)):
            if digest is not None and path.is_file() and _hash(path) == digest:
                return path
    return None


def identify(folder: Path, mark: str) -> str:
    """Return the hash that names a folder: of the file `mark` in it, shortened; empty when there is none."""
    try:
        return _hash(folder / mark)[:16]
    except (FileNotFoundError, NotADirectoryError):
        return ""  # any other error is one of the disk: nothing is to be removed for it


def name_beside(target: Path, ending: str) -> Path:
    """Return the name of a private file of `target`."""
    return target.with_name(f"{target.name}-{ending}")


def _receipt(target: Path) -> Path:
    return target.with_name(f".{target.name}-{_RECEIPT}")


def _next(target: Path, identity: str, ending: str) -> Path:
    return target.with_name(f".{target.name}.next-{identity}-{ending}")


def _list_waiting(target: Path) -> list[tuple[Path, str, str]]:
    """Prepared files: path, the folder's hash, ending of the name."""
    head = f".{target.name}.next-"
    found = []
    for path in sorted(target.parent.iterdir()) if target.parent.is_dir() else ():
        if path.name.startswith(head):
            identity, _, ending = path.name.removeprefix(head).partition("-")
            found.append((path, identity, ending))
    return found


def _read(receipt: Path, identity: str) -> dict[str, Any]:
    """Files a receipt lists, if it is that folder's; nothing else."""
    with suppress(FileNotFoundError, ValueError, KeyError, TypeError):
        plain = json.loads(receipt.read_text(encoding="utf-8"))
        if identity and plain["folder"] == identity:
            return dict(plain["files"])
    return {}


def _hash(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
