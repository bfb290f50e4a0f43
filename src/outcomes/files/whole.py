"""A folder that takes its place whole: staging beside the target, the checks before it, the swap after it.

Everything is written into a staging folder beside the target, on the same file system, and flushed to the disk. Then
old and new change places in one step (`exchange`), and the old one is removed. If anything fails before that, the old
folder has not been touched. The staging folder is removed on every way out; it bears the host and the process that
made it, so that the next run can remove one whose process was killed.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from outcomes.errors import Finding, OutcomesError
from outcomes.files.beside import Writer, discard, identify, prepare, settle
from outcomes.files.exchange import exchange, put_in_place, restore, sync, sync_tree
from outcomes.files.lock import LOCK, host, is_running, only_run
from outcomes.files.stops import finish_first, heed_interrupt

PUBLIC, PRIVATE = 0o755, 0o700


@contextmanager
def whole_folder(
    target: Path,
    check: Callable[[Path], None],
    mode: int = PRIVATE,
    beside: Mapping[str, Writer] | None = None,
    mark: str = "",
    lock: str = LOCK,
) -> Iterator[Path]:
    """Give a folder to write into; it takes the place of `target` when the block ends without an exception.

    Parameters
    ----------
    target : Path
    check : callable
        Raises when what is at its argument is not a folder that may be replaced; asked before the block, after it, and
        once more of the old folder when it has left its place.
    mode : int
        Who may look into the folder.
    beside : Mapping[str, Writer], optional
        Private files that go with it (`beside`); written when the block has ended.
    mark : str
        File in the folder whose hash names it; needed with `beside`.
    lock : str
        Name of the lock in the folder above; runs with the same lock exclude each other.

    Raises
    ------
    InputRefused
        Another run writes there (E951, E952), or what `check` raises.
    OutcomesError
        E953 the folder could not be put in place; E954 it is in place and something after that failed.
    """
    given, target = target, Path(os.path.abspath(target))
    with only_run(target.parent, lock):
        aside = target.with_name(f".{target.name}.previous")
        restore(target, aside)
        check(given)
        if mark:
            settle(target, identify(target, mark))
        _remove_orphans(target)
        prefix = f".{target.name}.staging-{host()}-{os.getpid()}-"
        staging = Path(tempfile.mkdtemp(prefix=prefix, dir=target.parent))
        is_placed, identity = False, ""
        try:
            staging.chmod(mode)
            with heed_interrupt():
                yield staging
                sync_tree(staging)
                if mark:
                    identity = identify(staging, mark)
                if beside:
                    prepare(target, identity, beside)
                check(given)  # again: the run took a while
            with finish_first():
                _place(staging, target, aside, check)
                is_placed = True
                _finish(target, identity)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
            if mark and not is_placed:
                discard(target)


def remove_whole(folder: Path) -> None:
    """Remove a folder so that nobody sees a part of it: under a hidden name, from which the next run removes it too.

    Raises
    ------
    OSError
        It is where it was.
    """
    gone = folder.with_name(f".{folder.name}.staging-{host()}-{os.getpid()}-removed")
    with finish_first():
        folder.rename(gone)
        sync(folder.parent)
        shutil.rmtree(gone, ignore_errors=True)


def _place(staging: Path, target: Path, aside: Path, check: Callable[[Path], None]) -> None:
    try:
        old = put_in_place(staging, target, aside)
    except OSError as error:
        what = f"could not be put in place: {error.strerror}. What was there is untouched."
        remedy = "Close the programs that have a file of it open, or choose another --out."
        finding = Finding("E953", what, str(target), remedy)
        raise OutcomesError("The new folder could not be put in place.", [finding]) from error
    if old is None:
        return
    try:
        check(old)  # here nobody can add a file to it unseen any more
    except Exception:
        if not exchange(old, target):
            target.rename(staging)
            old.rename(target)
        check(target)  # the same refusal, by the name the user knows
        raise
    shutil.rmtree(old, ignore_errors=True)


def _finish(target: Path, identity: str) -> None:
    """Flush the swap to the disk, and give the private files their names."""
    try:
        sync(target.parent)
        if identity:
            settle(target, identity)
    except OSError as error:
        what = f"is the new one and whole; what lies beside it could not be finished: {error.strerror}."
        finding = Finding("E954", what, str(target), "Make room or give access, and run the command again.")
        raise OutcomesError("The new folder is in place, and not everything beside it.", [finding]) from error


def _remove_orphans(target: Path) -> None:
    """Remove staging folders of this target whose process, on this host, is gone."""
    made_here = re.compile(rf"{re.escape(f'.{target.name}.staging-{host()}-')}(\d+)-\w+")
    for folder in sorted(target.parent.iterdir()):
        found = made_here.fullmatch(folder.name)
        if found and folder.is_dir() and not folder.is_symlink() and not is_running(int(found[1])):
            shutil.rmtree(folder, ignore_errors=True)
