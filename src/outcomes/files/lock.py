"""One run on a folder at a time: the second is refused at once and told who the first is.

The system holds the lock (a POSIX record lock; on Windows a locked byte) and lets it go however the process ends, so
that a killed run never blocks the next. A record lock, because children do not inherit it: a worker that outlives its
run would go on holding any other. The file says who holds it. Where it names another machine the run is refused even
though the lock is free: a shared drive need not know the locks of both, and only its owner knows whether that run
goes on.
"""

from __future__ import annotations

import errno
import json
import os
import platform
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from outcomes.errors import Finding, InputRefused

LOCK = ".outcomes.lock"
_HELD = {errno.EACCES, errno.EAGAIN, errno.EDEADLK}
_FAR = 1 << 30  # behind what is written in the file: on Windows a locked byte cannot be read

# What this process holds, and which of its threads: the system does not keep a process from itself.
_ours: dict[str, int] = {}
_guard = threading.Lock()


@contextmanager
def only_run(folder: Path, name: str = LOCK) -> Iterator[None]:
    """Keep every other run away from a folder until the block ends; the thread that holds it may ask again.

    Parameters
    ----------
    folder : Path
        Made if absent, and removed again if the block leaves it empty.
    name : str
        Of the lock file in it.

    Raises
    ------
    InputRefused
        E951 another run holds it; E952 a run of another machine did not give it back; or a file stands at `folder`.
    """
    check_folder(folder)
    made = _make(folder)
    path = folder.resolve() / name
    key = os.fspath(path)
    with _guard:
        holder = _ours.get(key)
        if holder is None:
            _ours[key] = threading.get_ident()
    if holder is not None:
        if holder != threading.get_ident():
            raise _busy(path, {"process": os.getpid(), "host": host()})
        yield
        return
    try:
        handle = _take(path)
        try:
            yield
        finally:
            _give_back(path, handle)
    finally:
        _ours.pop(key, None)
        for empty in made:
            with suppress(OSError):
                empty.rmdir()


def lock_name(out: Path) -> str:
    """Return the name, in the folder above, of the lock of a folder that is replaced as a whole."""
    return f".{Path(os.path.abspath(out)).name}.lock"


def check_folder(folder: Path) -> None:
    """Raise `InputRefused` if a folder cannot be made because a file stands there or above it."""
    nearest = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not nearest.is_dir():
        raise InputRefused(f"{nearest} is a file; reports go into a folder. Choose another --out.")


def host() -> str:
    """Return the name of this machine, as letters, digits and ``_``."""
    return "".join(c if c.isalnum() and c.isascii() else "_" for c in platform.node()) or "host"


def is_running(process: int) -> bool:
    """Return whether a process of this machine runs; True where that cannot be asked."""
    if os.name != "posix":
        return True  # elsewhere signal 0 is not a question
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _make(folder: Path) -> list[Path]:
    """Make a folder and those above it; returns the ones made, the innermost first."""
    absent = [place for place in (folder, *folder.parents) if not place.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return absent


def _take(path: Path) -> int:
    while True:
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
        handle = os.open(path, flags, 0o644)
        try:
            is_locked = _try_lock(handle, path)
            if not _is_same(handle, path):
                os.close(handle)  # its owner removed it between the two lines above
                continue
            _check_left(path, handle, is_locked)
        except BaseException:
            os.close(handle)
            raise
        try:
            os.ftruncate(handle, 0)
            os.lseek(handle, 0, os.SEEK_SET)
            os.write(handle, json.dumps({"process": os.getpid(), "host": host()}).encode())
        except BaseException:
            _give_back(path, handle)
            raise
        return handle


def _try_lock(handle: int, path: Path) -> bool:
    """Lock the file; False where the file system has no locks, so that only its text says who holds it."""
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(handle, _FAR, os.SEEK_SET)
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _HELD:
            raise _busy(path, _read(handle)) from error
        return False
    return True


def _is_same(handle: int, path: Path) -> bool:
    """Whether the open file is still the one of that name."""
    if os.name != "posix":
        return True  # there an open file is not removed
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path, follow_symlinks=False))
    except FileNotFoundError:
        return False


def _check_left(path: Path, handle: int, is_locked: bool) -> None:
    """Refuse what the text of a lock says, where the system's own lock cannot know it."""
    left = _read(handle)
    if left and left.get("host") != host():
        what = f"names a run of another machine: process {left.get('process')} on {left.get('host')}."
        remedy = "If that run is over (ask there), remove this file; else wait for it, or choose another --out."
        raise InputRefused("Another run may be writing here.", [Finding("E952", what, str(path), remedy)])
    process = left.get("process")
    if not is_locked and isinstance(process, int) and process != os.getpid() and is_running(process):
        raise _busy(path, left)


def _busy(path: Path, holder: dict[str, Any]) -> InputRefused:
    who = f"process {holder['process']} on {holder['host']}" if holder else "a process that has only just begun"
    what = f"is being written by another run: {who}."
    remedy = "Wait until it has ended or stop it, or choose another --out."
    return InputRefused("Two runs cannot write here at once.", [Finding("E951", what, str(path.parent), remedy)])


def _read(handle: int) -> dict[str, Any]:
    """What a lock file says; nothing where it says nothing that can be read."""
    os.lseek(handle, 0, os.SEEK_SET)
    try:
        found = json.loads(os.read(handle, 4096))
    except ValueError:
        return {}
    return found if isinstance(found, dict) and {"process", "host"} <= set(found) else {}


def _give_back(path: Path, handle: int) -> None:
    """Remove the file while the lock is held (`_take` looks whether its file is still there), then let go."""
    if os.name == "posix":
        with suppress(OSError):
            path.unlink()
        os.close(handle)
        return
    os.ftruncate(handle, 0)
    os.close(handle)
    with suppress(OSError):
        path.unlink()
