"""The signature of a public release: which named person let it go, over which manifest, after which checks.

It stands in ``signature.json`` beside the manifest, and a public release without it is a draft, which stays in a folder
called ``draft``. It is a name and a hash, no secret key: it shows that the release is the one that was signed, and not
that the name is true.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from outcomes.release.manifest import PUBLIC, hash_file, package_version, to_json
from outcomes.release.staging import DRAFT, MANIFEST, SIGNATURE

FORMAT = 1
SELF, OF = "signature_sha256", "manifest_file_sha256"


def is_in_drafts(folder: Path) -> bool:
    """Whether a folder lies in one of drafts."""
    return folder.resolve().parent.name == DRAFT


def list_releases(folders: Sequence[Path]) -> list[Path]:
    """Return folders as they were named; one called ``draft`` that is no release stands for the drafts in it.

    So ``reports/*/`` means every release. Where nothing is left the folders are returned as they are.
    """
    found: list[Path] = []
    for folder in folders:
        is_shelf = folder.resolve().name == DRAFT and folder.is_dir() and not (folder / MANIFEST).exists()
        found += sorted(path.parent for path in folder.glob(f"[!.]*/{MANIFEST}")) if is_shelf else [folder]
    return found or list(folders)


def write_signature(release: str, by: str, on: str, manifest: str, checked: Mapping[str, Any]) -> str:
    """Return the text of a signature.

    Parameters
    ----------
    release : str
        Name of its folder.
    by, on : str
        Who signs; a day as ``2026-06-30``, or nothing.
    manifest : str
        SHA-256 of the file ``manifest.json``.
    checked : mapping
        What was looked at before.
    """
    content: dict[str, Any] = {
        "signature_format": FORMAT,
        "release": release,
        "signed_by": by,
        "signed_on": on,
        OF: manifest,
        "checked": dict(checked),
        "versions": {"outcomes": package_version()},
    }
    return to_json(content | {SELF: _hash(content)})


def read_signature(folder: Path, manifest: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """Return the signature of a release and what is wrong with it in words: nothing where it is as signed.

    Parameters
    ----------
    folder : Path
    manifest : mapping
        Of that release. One that is not public has no signature, and a draft none yet.
    """
    path = folder / SIGNATURE
    if manifest.get("audience") != PUBLIC:
        return {}, ""
    if path.is_symlink():
        return {}, "is a link; a release holds files."
    if not path.is_file():
        missing = f"is not there: a public release is signed, or a draft in a folder called {DRAFT}."
        return {}, "" if is_in_drafts(folder) else missing
    try:
        text = path.read_text(encoding="utf-8")
        found = json.loads(text)
        rest = {name: value for name, value in found.items() if name != SELF}
        is_whole = found[SELF] == _hash(rest) and to_json(found) == text
        is_known = found["signature_format"] == FORMAT
        is_named = bool(found["signed_by"].strip()) and isinstance(found["signed_on"], str)
    except (OSError, ValueError, AttributeError, KeyError, TypeError):
        return {}, "cannot be read as a signature."
    if not is_whole:
        return {}, "was edited: it does not fit its own hash."
    if not is_known:
        return {}, f"has format {found['signature_format']}; this version reads format {FORMAT}."
    if not is_named:
        return {}, "names nobody."
    if found.get(OF) != hash_file(folder / MANIFEST):
        return {}, f"signs another {MANIFEST} than the one that is there."
    return found, ""


def _hash(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(to_json(content).encode()).hexdigest()
