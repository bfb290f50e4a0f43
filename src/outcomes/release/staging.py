"""A folder that takes its place whole: staging beside the target, the checks before it, the swap after it.

Everything is written into a staging folder beside the target, on the same file system, and flushed to the disk; the
manifest comes last. Then the old release is renamed aside and the new one into its place. If anything fails before
that, the old release has not been touched; if the second rename fails, the old one is put back. The staging folder is
removed on every way out. Should the machine stop between the two renames, the next run puts the old release back
first. A staging folder bears the host and the process that made it, so that the next run can remove one whose process
was killed.

A folder is replaced only if it is a release and holds nothing but it: what its manifest does not list is the user's.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from outcomes.errors import InputRefused, OutcomesError

MANIFEST = "manifest.json"
MOST_NAMED = 5
LITTER = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})
"""What file managers leave in every folder they show."""


@contextmanager
def staged(target: Path) -> Iterator[Path]:
    """Give a folder to write into; it takes the place of `target` when the block ends without an exception.

    Raises
    ------
    InputRefused
        `target` is not a release, or holds files its manifest does not list.
    OutcomesError
        The last rename failed.
    """
    check_out(target.parent)
    aside = target.with_name(f".{target.name}.previous")
    if aside.exists() and not target.exists():
        aside.rename(target)
    _check_target(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    _remove_orphans(target)
    prefix = f".{target.name}.staging-{_host()}-{os.getpid()}-"
    staging = Path(tempfile.mkdtemp(prefix=prefix, dir=target.parent))
    try:
        staging.chmod(0o755)
        with heed_interrupt():
            yield staging
        _sync_folders(staging)
        _check_target(target)  # again: the run took a while
        _swap(staging, target, aside)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


@contextmanager
def heed_interrupt() -> Iterator[None]:
    """See to it that a stop by hand ends the block even where a library swallows the exception on its way."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return
    seen: list[int] = []
    complain = sys.unraisablehook

    def note(number: int, frame: FrameType | None) -> None:
        seen.append(number)
        before(number, frame)

    def keep_quiet(swallowed: sys.UnraisableHookArgs) -> None:
        # Where the stop lands in a finalizer Python prints it and goes on; it is raised again below.
        if swallowed.exc_type is not KeyboardInterrupt:
            complain(swallowed)

    signal.signal(signal.SIGINT, note)
    sys.unraisablehook = keep_quiet
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        sys.unraisablehook = complain
    if seen:
        raise KeyboardInterrupt


def check_out(out: Path) -> None:
    """Raise `InputRefused` if a folder cannot be made at `out` because a file stands there or above it."""
    nearest = next(place for place in (out, *out.absolute().parents) if place.exists())
    if not nearest.is_dir():
        raise InputRefused(f"{nearest} is a file; reports go into a folder. Choose another --out.")


def write(path: Path, content: str | bytes) -> None:
    """Write a file and flush it to the disk; text is UTF-8 with plain line ends on every system."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as stream:
        stream.write(content.encode("utf-8") if isinstance(content, str) else content)
        stream.flush()
        os.fsync(stream.fileno())


def _check_target(target: Path) -> None:
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise InputRefused(f"{target} is a file or a link; a release is a folder. Choose another --out.")
    if not target.is_dir() or not any(target.iterdir()):
        return
    if not (target / MANIFEST).exists():
        raise InputRefused(
            f"{target} exists and is not a release (no {MANIFEST}); it is left alone. Choose another --out."
        )
    if foreign := _find_foreign(target):
        more = f" and {len(foreign) - MOST_NAMED} more" if len(foreign) > MOST_NAMED else ""
        raise InputRefused(
            f"{target} holds files that are not of the release: {', '.join(foreign[:MOST_NAMED])}{more}. It is left "
            "alone. Move them away, or choose another --out."
        )


def _find_foreign(release: Path) -> list[str]:
    """Files of a release folder that its manifest does not list, in order."""
    try:
        listed = set(json.loads((release / MANIFEST).read_text(encoding="utf-8"))["outputs"])
    except (ValueError, KeyError, TypeError) as error:
        raise InputRefused(
            f"{release / MANIFEST} cannot be read, so it is not known what else the folder holds; it is left alone. "
            "Move the folder away, or choose another --out."
        ) from error
    files = (path for path in release.rglob("*") if path.is_symlink() or not path.is_dir())
    names = (path.relative_to(release).as_posix() for path in files if path.name not in LITTER)
    return sorted(name for name in names if name != MANIFEST and name not in listed)


def _remove_orphans(target: Path) -> None:
    """Remove staging folders of this target whose process, on this host, is gone."""
    made_here = re.compile(rf"{re.escape(f'.{target.name}.staging-{_host()}-')}(\d+)-\w+")
    for folder in target.parent.iterdir():
        found = made_here.fullmatch(folder.name)
        if found and folder.is_dir() and not folder.is_symlink() and not _is_running(int(found[1])):
            shutil.rmtree(folder, ignore_errors=True)


def _host() -> str:
    return re.sub(r"\W", "_", platform.node()) or "host"


def _is_running(process: int) -> bool:
    if os.name != "posix":
        return True  # elsewhere signal 0 is not a question
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _swap(staging: Path, target: Path, aside: Path) -> None:
    shutil.rmtree(aside, ignore_errors=True)
    had_one = target.exists()
    if had_one:
        target.rename(aside)
    try:
        staging.rename(target)
    except OSError as error:
        if had_one:
            aside.rename(target)
        raise OutcomesError(f"The report could not be put in place at {target}: {error.strerror}.") from error
    _sync_folder(target.parent)
    shutil.rmtree(aside, ignore_errors=True)


def _sync_folders(folder: Path) -> None:
    for path in [*(p for p in folder.rglob("*") if p.is_dir()), folder]:
        _sync_folder(path)


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
