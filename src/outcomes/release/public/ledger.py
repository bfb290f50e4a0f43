"""What was published before, from which counts: the private file no release is made without.

It holds the exact count behind every printed number of every public release, is readable by its owner only, and lies
outside the releases. Every entry bears the seal of the one before, a hash over all of it, so that a changed or missing
entry is seen. The seal never leaves the file: who knows all but a few counts could try them until it fits. What stands
in the manifest is the head, a hash over printed numbers only, of this and all earlier releases; a release that prints
again what it printed has the head it had, or a reader would see that something hidden changed.

A release is entered as intended before it takes its place, and confirmed after. Should the machine stop between, the
entry stays as intended and is taken as published: what a reader may have seen binds, what was never seen harms nobody.
The file itself is old or new, never in between (written beside, flushed, renamed).
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from outcomes.errors import DisclosureError, Finding
from outcomes.release.public.earlier import EarlierRelease, read_entry, read_printed
from outcomes.release.public.model import ShownTable

NAME = ".release-ledger.json"
FORMAT = 1
START = "0" * 64
INTENDED, CONFIRMED = "intended", "published"
_RESTORE = "Put the ledger back from a copy made after the last public release."


class ReleaseLedger:
    """The ledger of the public releases of one place.

    Parameters
    ----------
    path : path
        The file; made by the first release.
    heads : iterable of str
        Ledger heads that stand in the manifests of releases already there; each must be in the ledger.

    Raises
    ------
    DisclosureError
        E926: the file cannot be read or was changed; E927: a release that is there is not in it; E928: it would lie in
        a release folder.
    """

    def __init__(self, path: str | Path, heads: Iterable[str] = ()) -> None:
        self.path = Path(path)
        if (self.path.parent / "manifest.json").exists():
            _refuse(
                "E928",
                "The ledger would lie in a release, where it could be published.",
                self.path,
                "Name a place outside the releases.",
            )
        self._releases = _read(self.path)
        known = {item["head"] for item in self._releases}
        if missing := sorted(set(heads) - known):
            _refuse(
                "E927",
                f"{len(missing)} public release(s) in this place are not in the ledger.",
                self.path,
                f"{_RESTORE} Without it, or without the releases removed, no further one can be checked.",
            )

    @property
    def head(self) -> str:
        """Head of the last entry; zeros when there is none."""
        return str(self._releases[-1]["head"]) if self._releases else START

    def earlier(self) -> tuple[EarlierRelease, ...]:
        """Return all earlier releases, oldest first, those only intended too."""
        return tuple(read_entry(item["entry"]) for item in self._releases)

    def printed(self) -> tuple[tuple[ShownTable, ...], ...]:
        """Return the tables of all earlier releases as they were printed, oldest first."""
        return tuple(read_printed(item["entry"]) for item in self._releases)

    def intend(self, release: str, entry: Mapping[str, Any]) -> str:
        """Enter a release that is about to take its place, and return its head for the manifest.

        Parameters
        ----------
        release : str
            Its name, for example ``"2026Q3-public"``.
        entry : mapping
            `Protected.entry`. One that is there already is not entered again: the same numbers have the same head.
        """
        content = json.loads(_to_json(entry))
        for item in self._releases:
            if item["release"] == release and item["entry"] == content:
                return str(item["head"])
        if _read(self.path) != self._releases:
            _refuse("E929", "The ledger was changed by another run.", self.path, "Run the report again.")
        seal = self._releases[-1]["seal"] if self._releases else START
        item = {"release": release, "entry": content, "previous_seal": seal}
        item |= _link(item, self._releases)
        item |= {"seal": _seal(item), "state": INTENDED}
        self._write([*self._releases, item])
        return str(item["head"])

    def confirm(self, head: str) -> None:
        """Note that the release of a head has taken its place."""
        marked = [item | {"state": CONFIRMED} if item["head"] == head else item for item in self._releases]
        if marked != self._releases:
            self._write(marked)

    def _write(self, releases: list[dict[str, Any]]) -> None:
        text = _to_json({"format": FORMAT, "releases": releases})
        beside = self.path.with_name(f"{self.path.name}.new")
        beside.unlink(missing_ok=True)
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            beside.replace(self.path)
        finally:
            beside.unlink(missing_ok=True)
        if os.name == "posix":
            folder = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        self._releases = releases


def _to_json(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"), allow_nan=False) + "\n"


def _link(item: Mapping[str, Any], before: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The head of a release and the one before it: hashes over what is printed, which may be published.

    A printing that is there already has its head, and the chain goes on from the newest printing that was new.
    """
    heads: dict[str, str] = {START: START}
    for one in before:
        heads.setdefault(one["head"], one["previous_head"])
    printing = {"release": item["release"], **{name: item["entry"][name] for name in ("printed", "printed_curves")}}
    again = (previous for head, previous in heads.items() if head == _hash(printing | {"previous": previous}))
    previous = next(again, next(reversed(heads)))
    return {"head": _hash(printing | {"previous": previous}), "previous_head": previous}


def _seal(item: Mapping[str, Any]) -> str:
    """Hash over all of an entry; private."""
    return _hash({name: item[name] for name in ("release", "entry", "head", "previous_seal")})


def _hash(content: object) -> str:
    return hashlib.sha256(_to_json(content).encode("ascii")).hexdigest()


def _read(path: Path) -> list[dict[str, Any]]:
    """The releases of a ledger file, checked link by link; none where there is no file."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError):
        _refuse("E926", "The ledger of public releases cannot be read.", path, f"Give access to it. {_RESTORE}")
    try:
        content = json.loads(text)
        releases: list[dict[str, Any]] = content["releases"]
        is_whole = content["format"] == FORMAT and _is_chain(releases)
        for item in releases:
            read_entry(item["entry"])
            read_printed(item["entry"])
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        is_whole = False
    if not is_whole:
        _refuse("E926", "The ledger of public releases is damaged or was changed by hand.", path, _RESTORE)
    return releases


def _is_chain(releases: Iterable[Mapping[str, Any]]) -> bool:
    seal, before = START, list[Mapping[str, Any]]()
    for item in releases:
        if item["previous_seal"] != seal or item["state"] not in (INTENDED, CONFIRMED):
            return False
        seal = str(item["seal"])
        links = {name: item[name] for name in ("head", "previous_head")}
        if links != _link(item, before) or seal != _seal(item):
            return False
        before.append(item)
    return True


def _refuse(code: str, message: str, path: Path, remedy: str) -> NoReturn:
    raise DisclosureError("Nothing is published.", [Finding(code, message, path.name, remedy)])
