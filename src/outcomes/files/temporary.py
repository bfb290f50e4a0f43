"""Private folders for the time of one step, among the system's temporary files, and what a killed run left of them.

Each is held by a lock of its own (`lock`), which the system lets go however the process ends. So what lies in a folder
whose lock is free was left by a killed run, and is removed at the next start. A process number in the name would not
do: numbers are given again, and containers that share the folder count their own.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from outcomes.errors import InputRefused
from outcomes.files.lock import LOCK, only_run

_NAME = "outcomes-"
_guard = threading.Lock()
_looked: set[str] = set()


@contextmanager
def private_folder(purpose: str = "") -> Iterator[Path]:
    """Give an empty folder that only its owner reads; it is gone when the block ends, or at the next start.

    Parameters
    ----------
    purpose : str
        A word for its name: ``run`` makes ``outcomes-run-...``.
    """
    remove_left_folders()
    folder = Path(tempfile.mkdtemp(prefix=f"{_NAME}{purpose}-" if purpose else _NAME))
    try:
        with only_run(folder):
            try:
                yield folder
            finally:
                _empty(folder)
    finally:
        with suppress(OSError):
            folder.rmdir()


def remove_left_folders() -> None:
    """Remove the private folders of runs of this user that were killed; once in a process, before it has its own."""
    place = tempfile.gettempdir()
    with _guard:
        if place in _looked:
            return
        _looked.add(place)
    for folder in sorted(Path(place).glob(f"{_NAME}*")):
        if _may_be_left(folder):
            with suppress(InputRefused, OSError):  # held by a run that goes on: it is not touched
                with only_run(folder):
                    _empty(folder)
                folder.rmdir()


def _may_be_left(folder: Path) -> bool:
    """Whether a folder, not a link to one, is this user's alone and was locked once: before that nothing lies in it."""
    try:
        seen, lock = folder.lstat(), (folder / LOCK).lstat()
    except OSError:
        return False
    if not (stat.S_ISDIR(seen.st_mode) and stat.S_ISREG(lock.st_mode) and lock.st_size):
        return False
    return os.name != "posix" or (seen.st_uid == os.getuid() and stat.S_IMODE(seen.st_mode) == stat.S_IRWXU)


def _empty(folder: Path) -> None:
    """Remove all but the lock, which goes last: were this killed in between, the next run would find it."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name != LOCK:
            path.unlink(missing_ok=True)
