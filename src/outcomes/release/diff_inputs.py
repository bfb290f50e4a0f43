"""What a release was made of, found again: its files by their hash, its settings in ``config/``.

Where the files lay stands beside the release, for its owner only (``<release>-inputs.json``), not in it: a path names
people and machines.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from outcomes.errors import ConfigError, Finding, InputRefused, OutcomesError
from outcomes.files.beside import find_beside, name_beside
from outcomes.records.file_names import mask_part
from outcomes.release.configuration import CODEBOOK, MAPPING, PROTOCOL
from outcomes.release.manifest import PUBLIC, hash_file
from outcomes.release.staging import MANIFEST
from outcomes.release.verify import verify_release

if TYPE_CHECKING:
    from outcomes.cases import Episodes
    from outcomes.definitions import Codebook, Protocol
    from outcomes.records import Records

INPUTS = "inputs.json"
_DIGEST = "sha256-"


@dataclass(frozen=True, slots=True)
class Release:
    """A release that was verified: its folder, its manifest, and the texts of its tables by name."""

    folder: Path
    manifest: dict[str, Any]
    tables: dict[str, str]

    @property
    def name(self) -> str:
        """The folder's name, with that of the folder above it: two releases of one quarter differ there."""
        whole = self.folder.resolve()
        return f"{whole.parent.name}/{whole.name}"


@dataclass(frozen=True)
class Ingredients:
    """What is put together for a run: records and settings, each from one release or the other."""

    records: Records
    protocol: Protocol
    codebook: Codebook
    as_of: datetime.date | None
    quarter: str


def open_release(folder: str | Path) -> Release:
    """Return a release whose every file is as published.

    Raises
    ------
    InputRefused
        E884 it is no release; E885 it is not as published; E935 it is a public one.
    """
    found = verify_release(folder)
    if not found.is_whole:
        most = "; ".join(f"{fault.path} ({fault.kind})" for fault in found.faults[:3])
        what = f"is not as published: {most}{' and more' if len(found.faults) > 3 else ''}."
        remedy = f"See `outcomes verify {folder}`."
        raise InputRefused("These releases cannot be compared.", [Finding("E885", what, str(folder), remedy)])
    if found.manifest.get("audience") == PUBLIC:
        what = (
            "is public: its numbers are rounded and partly carried forward, so what moved between two cannot be told."
        )
        remedy = "Compare the internal releases of the same quarters."
        raise InputRefused("These releases cannot be compared.", [Finding("E935", what, str(folder), remedy)])
    files = sorted((found.folder / "tables").glob("*.csv"))
    return Release(found.folder, found.manifest, {path.stem: path.read_text("utf-8") for path in files})


def fill_inputs(records: Records, mapping: Path | None, path: Path) -> bool:
    """Fill a file with where the inputs lay (a `files.beside.Writer`), their paths written by `hide_parts`."""
    plain = {
        "files": {hash_file(file.path): hide_parts(file.path, path) for file in records.files},
        "mapping": hide_parts(mapping, path) if mapping is not None else None,
    }
    path.write_text(json.dumps(plain, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return True


def recall(release: Path) -> dict[str, Any]:
    """Return where the inputs of a release lay (`fill_inputs`); nothing where that is not known."""
    try:
        # Of a release that was copied, the file that was copied with it: each input is told by its hash all the same.
        whole = release.resolve()
        path = find_beside(whole, INPUTS, MANIFEST) or name_beside(whole, INPUTS)
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(found, dict):
        return {}
    places = {key: find_parts(place) for key, place in found.get("files", {}).items()}
    return {"files": places, "mapping": find_parts(found["mapping"]) if found.get("mapping") else None}


def hide_parts(path: Path, beside: Path) -> str:
    """Return a path in which a digest stands for each name that may be somebody's, below the folder it shares.

    Parameters
    ----------
    path : Path
    beside : Path
        File that will hold it: the folders above both say nothing of a patient.
    """
    whole = path.resolve()
    shared = Path(os.path.commonpath((whole, beside.resolve())))
    parts = (part if mask_part(part) == part else _digest(part) for part in whole.relative_to(shared).parts)
    return str(shared.joinpath(*parts))


def find_parts(text: str) -> str:
    """Return the path that `hide_parts` wrote, its names found by their digests; as it is where one is not there."""
    path = Path()
    for part in Path(text).parts:
        listed = (path.iterdir() if path.is_dir() else ()) if part.startswith(_DIGEST) else ()
        path /= next((own.name for own in listed if _digest(own.name) == part), part)
    return str(path)


def _digest(name: str) -> str:
    return f"{_DIGEST}{hashlib.sha256(name.encode()).hexdigest()[:16]}"


def find_files(release: Release, given: Sequence[Path] = ()) -> list[Path]:
    """Return the files a release was made from, in their order; the hash decides, not the name.

    Parameters
    ----------
    release : Release
    given : sequence of Path
        Files, or folders whose files are looked at.

    Raises
    ------
    OutcomesError
        The first input that is not at hand, by name.
    """
    recalled = recall(release.folder).get("files", {})
    found = []
    for item in {entry["sha256"]: entry for entry in release.manifest["inputs"]}.values():
        places = [*_list_places(given), *(Path(path) for key, path in recalled.items() if key == item["sha256"])]
        same = (path for path in places if _is_it(path, item))
        if (path := next(same, None)) is None:
            raise OutcomesError(f"the input {item['name']} of {release.name} is not at hand")
        found.append(path)
    if not found:
        raise OutcomesError(f"{release.name} names no input")
    return found


def _list_places(given: Sequence[Path]) -> Iterator[Path]:
    for path in given:
        yield from sorted(path.iterdir()) if path.is_dir() else [path]


def _is_it(path: Path, item: dict[str, Any]) -> bool:
    try:
        return path.is_file() and path.stat().st_size == item["size_bytes"] and hash_file(path) == item["sha256"]
    except OSError:
        return False


def gather(release: Release, given: Sequence[Path] = ()) -> Ingredients:
    """Read a release's inputs and settings again.

    Raises
    ------
    OutcomesError
        What is not at hand, or does not have the hash the manifest names.
    """
    from outcomes.definitions import Codebook, Protocol
    from outcomes.records import Mapping, read_records

    files, said = find_files(release, given), release.manifest["definitions"]
    protocol = Protocol.load(release.folder / PROTOCOL)
    own = release.folder / CODEBOOK
    codebook = Codebook.load(own if own.is_dir() else None)
    if codebook.hash != said["codebook"]:
        raise OutcomesError(f"the vocabulary of {release.name} is not that of this installation")
    asked = release.manifest["as_of_asked"]
    return Ingredients(
        read_records(files, Mapping.load(find_mapping_file(release))),
        protocol,
        codebook,
        datetime.date.fromisoformat(asked) if asked else None,
        release.manifest["quarter"],
    )


def find_mapping_file(release: Release) -> Path:
    """Return the mapping in the release, or, where it was not written in full, the file it came from.

    A mapping with pseudonyms is always that file, for the key lies beside it: read from the release, a new key would be
    made there, and every patient would have another name.

    Raises
    ------
    OutcomesError
        Neither reads as the release was read, or the key is not there.
    """
    from outcomes.records import Mapping

    recalled = recall(release.folder).get("mapping")
    lacks_key = False
    for path in (release.folder / MAPPING, *((Path(recalled),) if recalled else ())):
        try:
            mapping = Mapping.load(path)
        except ConfigError:
            continue
        if mapping.hash != release.manifest["definitions"]["mapping"]:
            continue
        if not mapping.privacy.pseudonymise:
            return path
        lacks_key = True
        if path != release.folder / MAPPING and mapping.privacy.key_path.is_file():
            return path
    if lacks_key:
        raise OutcomesError(f"the key of the pseudonyms of {release.name} is not at hand: it lies beside its mapping")
    raise OutcomesError(f"the mapping of {release.name} is not at hand: words of it are withheld from the release")


def build(parts: Ingredients) -> Episodes:
    """Clean and group the records under the settings."""
    from outcomes.cases import build_episodes, build_visits
    from outcomes.cases.as_of import cut_visits

    visits = build_visits(parts.records, parts.protocol, parts.codebook)
    return build_episodes(visits if parts.as_of is None else cut_visits(visits, parts.as_of))
