"""Is a release still what was published? Every hash is taken again, and the manifest is held against itself.

=============  =====================================================================================================
``edited``     the file differs from what the manifest lists
``missing``    it is listed and not there
``extra``      it is there and not listed
``mixed``      it differs, or is not listed, and is word for word a file of another release of the same folder
``manifest``   the manifest cannot be read, was edited, is another release's, or contradicts itself or the settings
``signature``  a public release that is no draft is not signed, or its signature was edited or signs another manifest
=============  =====================================================================================================

Nothing is written and nothing repaired. What file managers leave in a folder (``.DS_Store``) is passed over.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from outcomes.errors import ConfigError, Finding, InputRefused
from outcomes.release.configuration import MAPPING, PROTOCOL
from outcomes.release.manifest import FORMAT, PUBLIC, SELF, hash_file, hash_manifest, to_json
from outcomes.release.signature import read_signature
from outcomes.release.staging import LITTER, MANIFEST, SIGNATURE

EDITED, MISSING, EXTRA, MIXED, CONTRADICTION = "edited", "missing", "extra", "mixed", "manifest"
UNSIGNED = "signature"
WITHOUT_CALENDAR = "all"


@dataclass(frozen=True, slots=True)
class FileFault:
    """One file that is not as published: which of the kinds (module docstring), its path, and what is wrong."""

    kind: str
    path: str
    words: str

    def __str__(self) -> str:
        return f"{self.kind:9} {self.path}: {self.words}"


@dataclass(frozen=True, slots=True)
class Verification:
    """What `verify_release` found.

    Attributes
    ----------
    folder : Path
    manifest : dict
        As it stands; empty when it cannot be read.
    n_files : int
        Files the manifest lists.
    faults : tuple of FileFault
        By path; empty for a release that is whole.
    signature : dict
        As it stands (`signature.write_signature`); empty where there is none that holds.
    """

    folder: Path
    manifest: dict[str, Any]
    n_files: int
    faults: tuple[FileFault, ...]
    signature: dict[str, Any] = field(default_factory=dict)

    @property
    def is_whole(self) -> bool:
        """Whether every file is as published."""
        return not self.faults

    @property
    def is_draft(self) -> bool:
        """Whether it is a public release that nobody has signed."""
        return self.manifest.get("audience") == PUBLIC and not self.signature

    def table(self, name: str = "") -> str:
        """Return the faults as lines, or the one line that says there are none.

        Parameters
        ----------
        name : str
            What the release is called there; the name of its folder when not given.
        """
        name = name or self.folder.resolve().name
        if self.is_whole:
            as_of = self.manifest["as_of"]
            when = f"as of {as_of}" if as_of else "without a calendar"
            return f"{name}: {self.n_files} files and the manifest are as {self._say_signed(when)}"
        n_files = sum(fault.path != MANIFEST for fault in self.faults)
        head = f"{n_files} of {self.n_files} listed files and what lies beside them differ."
        if n_files < len(self.faults):
            rest = f"its {self.n_files} files are as it lists them." if self.n_files else "no file can be checked."
            head = f"the manifest is not as published; {head if n_files else rest}"
        lines = [f"{name}: {head}"]
        lines += [f"  {fault}" for fault in self.faults]
        return "\n".join([*lines, "  Make the release again, or take it from where it was published."])

    def _say_signed(self, when: str) -> str:
        if self.is_draft:
            return f"written ({when}). It is an unsigned draft, not to be passed on: see `outcomes sign`."
        if not self.signature:
            return f"published ({when})."
        on = f" on {self.signature['signed_on']}" if self.signature["signed_on"] else ""
        return f"published ({when}), signed by {self.signature['signed_by']}{on}."


def verify_release(folder: str | Path) -> Verification:
    """Take every hash of a release again.

    Parameters
    ----------
    folder : path
        Of the release: the one that holds ``manifest.json``.

    Raises
    ------
    InputRefused
        E884 there is no such folder, or no manifest in it.
    """
    folder = Path(folder)
    if not (folder / MANIFEST).is_file():
        what = f"holds no {MANIFEST}." if folder.is_dir() else "is not a folder."
        remedy = "Name the folder of one release, for example reports/2026Q2."
        raise InputRefused("There is no release to verify.", [Finding("E884", what, str(folder), remedy)])
    manifest, unreadable = read_manifest(folder)
    if unreadable:
        return Verification(folder, {}, 0, (FileFault(CONTRADICTION, MANIFEST, unreadable),))
    listed: dict[str, str] = manifest["outputs"]
    signature, unsigned = read_signature(folder, manifest)
    faults = [
        *((FileFault(UNSIGNED, SIGNATURE, unsigned),) if unsigned else ()),
        *(FileFault(CONTRADICTION, MANIFEST, words) for words in _find_contradictions(folder, manifest)),
        *_find_file_faults(folder, manifest),
    ]
    in_order = tuple(sorted(faults, key=lambda fault: (fault.path, fault.words)))
    return Verification(folder, manifest, len(listed), in_order, signature)


def read_manifest(folder: Path) -> tuple[dict[str, Any], str]:
    """Return the manifest of a release and an empty text, or nothing and why it cannot be used."""
    try:
        found = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}, "cannot be read as JSON."
    if not isinstance(found, dict) or not isinstance(found.get("outputs"), dict) or not found["outputs"]:
        return {}, "lists no files."
    if found.get("manifest_format") != FORMAT:
        words = (
            f"has format {found.get('manifest_format')}; this version reads format {FORMAT}. Make the release again."
        )
        return {}, words
    return found, ""


def _find_contradictions(folder: Path, manifest: dict[str, Any]) -> Iterator[str]:
    """What in the manifest cannot be true."""
    if manifest.get(SELF) != hash_manifest(manifest):
        yield "was edited: it does not fit its own hash."
    elif (folder / MANIFEST).read_text(encoding="utf-8") != to_json(manifest):
        yield "was written again by another program: the words are the same, the bytes are not."
    name = name_release(manifest.get("quarter", ""), manifest.get("audience", ""))
    if folder.resolve().name != name:
        yield f"is that of {name}; this folder is called {folder.resolve().name}."
    yield from _find_lost_rows(manifest.get("row_accounting", []))
    yield from _find_other_settings(folder, manifest)


def name_release(quarter: str, audience: str = "") -> str:
    """Return what the folder of a release is called: ``2026Q3``, or ``2026Q3-public`` for the public one."""
    return (quarter or WITHOUT_CALENDAR) + (f"-{PUBLIC}" if audience == PUBLIC else "")


def _find_lost_rows(rows: list[dict[str, Any]]) -> Iterator[str]:
    """Steps whose rows do not add up: what comes in is kept, merged, set aside or not data."""
    balance: dict[tuple[str, str], int] = defaultdict(int)
    for row in rows:
        balance[row["step"], row["source"]] += row["n"] if row["outcome"] == "in" else -row["n"]
    for (step, source), n in balance.items():
        if n:
            yield f"does not account for every row: step '{step}' {source} is out by {abs(n)}."


def _find_other_settings(folder: Path, manifest: dict[str, Any]) -> Iterator[str]:
    """Settings in ``config/`` that are not those of the manifest."""
    from outcomes.definitions import Protocol
    from outcomes.records import Mapping as Reading

    said = manifest["definitions"]
    for name, kind, load in ((PROTOCOL, "protocol", Protocol.load), (MAPPING, "mapping", Reading.load)):
        if not (folder / name).is_file() or (kind == "mapping" and said.get("mapping_withheld")):
            continue
        try:
            if load(folder / name).hash != said[kind]:
                yield f"names another {kind} than {name} holds."
        except ConfigError:
            yield f"names a {kind}, and {name} cannot be used as one."


def _find_file_faults(folder: Path, manifest: dict[str, Any]) -> Iterator[FileFault]:
    listed: dict[str, str] = manifest["outputs"]
    apart = {MANIFEST, SIGNATURE} if manifest.get("audience") == PUBLIC else {MANIFEST}
    elsewhere = _hash_siblings(folder)
    here = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_symlink() or not p.is_dir()}
    for name, path in sorted(here.items()):
        if name in apart or path.name in LITTER:
            continue
        if path.is_symlink():
            yield FileFault(EDITED if name in listed else EXTRA, name, "is a link; a release holds files.")
            continue
        found = hash_file(path)
        if found == listed.get(name):
            continue
        owner = elsewhere.get(found)
        if owner:
            yield FileFault(MIXED, name, f"belongs to the release {owner}.")
        elif name in listed:
            yield FileFault(EDITED, name, "differs from what was published.")
        else:
            yield FileFault(EXTRA, name, "is not part of the release.")
    for name in sorted(set(listed) - set(here)):
        yield FileFault(MISSING, name, "was published and is not there.")
    yield from _find_empty_folders(folder, listed)


def _find_empty_folders(folder: Path, listed: dict[str, str]) -> Iterator[FileFault]:
    """Find folders without anything in them; where files are missing, these are named and not their folder."""
    for path in sorted(folder.rglob("*")):
        if path.is_dir() and not path.is_symlink() and not any(path.iterdir()):
            name = path.relative_to(folder).as_posix()
            if not any(file.startswith(f"{name}/") for file in listed):
                yield FileFault(EXTRA, name, "is an empty folder, and not part of the release.")


def _hash_siblings(folder: Path) -> dict[str, str]:
    """SHA-256 -> name of the other release beside this one whose manifest lists it."""
    found: dict[str, str] = {}
    for other in sorted(folder.resolve().parent.iterdir()):
        if other.is_dir() and other != folder.resolve() and not other.name.startswith("."):
            manifest, unreadable = read_manifest(other)
            for digest in () if unreadable else manifest["outputs"].values():
                found.setdefault(digest, other.name)
    return found
