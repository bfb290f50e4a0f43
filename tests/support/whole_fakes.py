"""A small release that `verify` can judge, a run that breaks at its k-th step, and a look at what is left."""

from __future__ import annotations

import builtins
import errno
import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from outcomes.files import exchange, whole
from outcomes.files.beside import find_beside
from outcomes.release.manifest import FORMAT, SELF, hash_files, hash_manifest, to_json
from outcomes.release.staging import MANIFEST, staged, write
from outcomes.release.verify import verify_release

NAME = "all"
BESIDE = ("rows-set-aside.csv", "inputs.json")
STEPS = (
    "fsync",
    "rename",
    "replace",
    "unlink",
    "remove",
    "rmdir",
    "mkdir",
    "chmod",
    "open",
    "write",
    "close",
    "ftruncate",
)
"""Calls of `os` that change something, or that a disk may refuse."""
SWAPPED = "exchange"


def content(version: str) -> dict[str, str]:
    return {
        "index.html": f"page of {version}\n" * 40,
        "tables/relief.csv": f"a,b\n{version},1\n" * 200,
        "config/x.csv": version,
    }


def manifest_of(folder: Path) -> str:
    plain = {
        "manifest_format": FORMAT,
        "quarter": "",
        "as_of": "",
        "row_accounting": [],
        "definitions": {},
        "outputs": hash_files(folder),
    }
    return to_json(plain | {SELF: hash_manifest(plain)})


def private(version: str) -> dict[str, Callable[[Path], bool]]:
    def fill(path: Path) -> bool:
        assert path.stat().st_mode & 0o077 == 0, "others could read it while it was written"
        path.write_text(f"private of {version}")
        return True

    return dict.fromkeys(BESIDE, fill)


def publish(out: Path, version: str) -> None:
    """Write a release as `publish_answers` does: files, manifest last, private files beside it."""
    with staged(out / NAME, private(version)) as staging:
        for name, text in content(version).items():
            write(staging / name, text)
        write(staging / MANIFEST, manifest_of(staging))


def state(out: Path) -> str:
    """The version that is there, whole, with its own private files; fails for anything else."""
    found = verify_release(out / NAME)
    assert found.is_whole, found.table()
    version = (out / NAME / "config" / "x.csv").read_text()
    for name, text in content(version).items():
        assert (out / NAME / name).read_text() == text, name
    for ending in BESIDE:
        path = find_beside(out / NAME, ending, MANIFEST)
        assert path is not None, f"{ending} of the release that is there was lost"
        assert path.read_text() == f"private of {version}", f"{ending} is another release's"
        assert path.stat().st_mode & 0o077 == 0
    return version


def litter(out: Path) -> list[str]:
    kept = {NAME, f".{NAME}-receipt.json", *(f"{NAME}-{ending}" for ending in BESIDE)}
    return sorted(path.name for path in out.iterdir() if path.name not in kept)


def break_at(k: int, broken: Callable[[], None]) -> list[str]:
    """Let the k-th step of this process (from 1; 0 for none) break; returns the names of the steps as they are made."""
    made: list[str] = []

    def counted(name: str, step: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **options: object) -> object:
            made.append(name)
            if len(made) == k:
                broken()
            return step(*args, **options)

        return call

    for name in STEPS:
        # A killed process loses nothing of what it wrote: the flush itself is left out, for it is most of the time.
        setattr(os, name, counted(name, (lambda _: None) if name == "fsync" else getattr(os, name)))
    builtins.open = counted("open", builtins.open)  # type: ignore[assignment]
    Path.open = counted("open", Path.open)  # type: ignore[method-assign, assignment]
    for module in (exchange, whole):
        module.exchange = counted(SWAPPED, exchange.exchange if module is exchange else whole.exchange)
    return made


def in_child(work: Callable[[], None]) -> int:
    """Run in a forked process; returns its exit code (negative: the signal). 99 stands for an unforeseen error."""
    process = os.fork()
    if process == 0:
        code = 99
        try:
            work()
            code = 0
        except BaseException as error:  # noqa: BLE001
            code = 3 if type(error).__name__ in {"OSError", "PermissionError", "OutcomesError", "InputRefused"} else 99
            if code == 99:
                import traceback

                traceback.print_exc()
        finally:
            leave(code)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


leave = os._exit


def die() -> None:
    leave(77)


def refuse(number: int) -> Callable[[], None]:
    def broken() -> None:
        raise OSError(number, os.strerror(number), "a file")

    return broken


def fresh(folder: Path, template: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(template, folder)
    return folder


FULL, DENIED, BROKEN = errno.ENOSPC, errno.EACCES, errno.EIO


def digest(folder: Path) -> str:
    return hashlib.sha256(repr(sorted(hash_files(folder).items())).encode()).hexdigest()
