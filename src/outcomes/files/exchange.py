"""Two folders change places: in one step of the system where it has one, with two renames where it has not.

Linux has it since 3.15 (``renameat2``, ``RENAME_EXCHANGE``: ext4, XFS, Btrfs, tmpfs and others), macOS since 10.12
(``renamex_np``, ``RENAME_SWAP``: APFS). There no moment exists in which a reader finds no folder. Elsewhere (Windows,
some network drives) the old folder is renamed aside first: for an instant there is none, never a mixed one.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

_AT_ONCE = 8
_AT_FDCWD = -100
_SWAP = 2  # RENAME_EXCHANGE of linux/fs.h, and RENAME_SWAP of Darwin's stdio.h
_NOT_HERE = {errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.ENOTSUP}


def exchange(first: Path, second: Path) -> bool:
    """Let two paths of one file system change places in one step.

    Returns
    -------
    bool
        False where the system or the file system cannot do that; then nothing was changed.

    Raises
    ------
    OSError
        The system can, and this time it failed; nothing was changed.
    """
    if sys.platform not in ("linux", "darwin"):
        return False
    system = ctypes.CDLL(None, use_errno=True)
    names = os.fsencode(first), os.fsencode(second)
    try:
        if sys.platform == "linux":
            failed = system.renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], ctypes.c_uint(_SWAP))
        else:
            failed = system.renamex_np(*names, ctypes.c_uint(_SWAP))
    except AttributeError:  # a C library without it
        return False
    if not failed:
        return True
    number = ctypes.get_errno()
    if number in _NOT_HERE:
        return False
    raise OSError(number, os.strerror(number), os.fspath(second))


def put_in_place(staging: Path, target: Path, aside: Path) -> Path | None:
    """Let a finished folder take the place of `target`.

    Parameters
    ----------
    staging, target : Path
        The new folder, and where it goes; beside each other.
    aside : Path
        Where the old folder lies between two renames, and whence `restore` takes it.

    Returns
    -------
    Path or None
        Where the old folder lies now; None when there was none.

    Raises
    ------
    OSError
        The old folder is where it was.
    """
    if not target.exists():
        staging.rename(target)
        return None
    if exchange(staging, target):
        return staging
    target.rename(aside)
    try:
        staging.rename(target)
    except BaseException:
        aside.rename(target)
        raise
    return aside


def restore(target: Path, aside: Path) -> None:
    """Put back what a run left aside that ended between two renames; remove what it no longer needs."""
    if not aside.exists():
        return
    if not target.exists():
        aside.rename(target)
    else:
        shutil.rmtree(aside, ignore_errors=True)


def sync_tree(folder: Path) -> None:
    """Flush every file and folder below a folder, and itself, to the disk."""
    # Nearly all of it is waiting for the disk, which does several as soon as one.
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for _ in pool.map(sync, [folder, *(path for path in folder.rglob("*") if not path.is_symlink())]):
            pass


def sync(path: Path) -> None:
    """Flush one file, or the names in one folder, to the disk."""
    if os.name != "posix" and path.is_dir():
        return  # elsewhere a folder cannot be opened
    handle = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
