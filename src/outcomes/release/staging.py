"""A release takes its place whole (`files.whole`); here stands what a release is, and what is left alone.

The manifest comes last, and its hash names the release: by it the private files beside the release are known to be its
own (`files.beside`). Two runs on one folder of releases exclude each other.

A folder is replaced only if it is a release and holds nothing but it: what its manifest does not list is the user's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from outcomes.errors import InputRefused
from outcomes.files.beside import Writer
from outcomes.files.lock import check_folder as check_out
from outcomes.files.stops import heed_interrupt
from outcomes.files.whole import PUBLIC, whole_folder

__all__ = ["DRAFT", "LITTER", "MANIFEST", "SIGNATURE", "check_out", "heed_interrupt", "staged", "write"]

MANIFEST, SIGNATURE = "manifest.json", "signature.json"
DRAFT = "draft"
"""Folder, in that of all releases, where a public one waits for its signature."""
MOST_NAMED = 5
LITTER = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})
"""What file managers leave in every folder they show."""


def staged(target: Path, beside: Mapping[str, Writer] | None = None) -> AbstractContextManager[Path]:
    """Give a folder to write into; it takes the place of `target` when the block ends without an exception.

    Parameters
    ----------
    target : Path
        ``<out>/<quarter>``.
    beside : Mapping[str, Writer], optional
        Private files beside the release: ending of the name to what fills it (`files.beside.prepare`).

    Raises
    ------
    InputRefused
        `target` is not a release, or holds files its manifest does not list; another run writes there (E951, E952).
    OutcomesError
        E953 the release could not be put in place; E954 it was, and what belongs beside it was not.
    """
    check_out(target.parent)
    return whole_folder(target, _check_target, PUBLIC, beside, MANIFEST)


def write(path: Path, content: str | bytes) -> None:
    """Write a file of a release, which is flushed to the disk with all others; text is UTF-8 with plain line ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)


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
    """Files of a release folder that its manifest does not list, in order; a public one may be signed."""
    try:
        manifest = json.loads((release / MANIFEST).read_text(encoding="utf-8"))
        listed = {MANIFEST, *manifest["outputs"], *([SIGNATURE] if manifest.get("audience") == "public" else [])}
    except (ValueError, KeyError, TypeError) as error:
        raise InputRefused(
            f"{release / MANIFEST} cannot be read, so it is not known what else the folder holds; it is left alone. "
            "Move the folder away, or choose another --out."
        ) from error
    files = (path for path in release.rglob("*") if path.is_symlink() or not path.is_dir())
    names = (path.relative_to(release).as_posix() for path in files if path.name not in LITTER)
    return sorted(name for name in names if name not in listed)
