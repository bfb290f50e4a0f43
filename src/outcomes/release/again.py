"""A release and what it was made from: whether that has changed, and whether it gives the same bytes again.

Where the inputs lay stands beside the release, for its owner only (`diff_inputs`); without that file nothing is known
of them, and nothing is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from outcomes.errors import ConfigError, OutcomesError
from outcomes.files.temporary import private_folder
from outcomes.release.configuration import CODEBOOK, compare_environments, describe_environment
from outcomes.release.diff_inputs import build, find_mapping_file, gather, open_release, recall
from outcomes.release.manifest import SELF, hash_file, hash_manifest, to_json
from outcomes.release.staging import MANIFEST
from outcomes.release.verify import read_manifest

_NOTEBOOKS = "notebooks/"


@dataclass(frozen=True, slots=True)
class Again:
    """What came of making a release again.

    Attributes
    ----------
    name : str
    n_files : int
        Files of the release, the manifest among them.
    differing : tuple of str
        Those that are not word for word the same, or are in one of the two only.
    changed : tuple of str
        ``code``, ``packages``: what differs between this installation and the one that made it.
    other_commit : bool
        The code is the same here and another commit holds it, which the manifest made again would name.
    """

    name: str
    n_files: int
    differing: tuple[str, ...]
    changed: tuple[str, ...]
    other_commit: bool = False

    def table(self) -> str:
        """Return the result as lines for a terminal."""
        if not self.differing:
            but = ", but for the commit in the manifest: another one of the same code" if self.other_commit else ""
            return f"{self.name}: made again, all {self.n_files} files byte for byte the same{but}."
        head = f"{self.name}: made again, {len(self.differing)} of {self.n_files} files differ"
        why = f"; of this installation {' and '.join(self.changed)} are others" if self.changed else ""
        return "\n".join([f"{head}{why}.", *(f"  differs   {path}" for path in self.differing)])


def find_stale(folder: Path, manifest: dict[str, Any]) -> list[str]:
    """Return, in a sentence each, what a release was made from that is not the same any more.

    Parameters
    ----------
    folder : Path
    manifest : dict
        Of this release.

    Returns
    -------
    list of str
        Of files that stand where they lay with other bytes, and of a mapping that reads otherwise. Files that are not
        there any more say nothing: an export may have been moved to an archive.
    """
    known = recall(folder)
    named = {str(entry["sha256"]): str(entry["name"]) for entry in manifest.get("inputs", [])}
    places = ((named[key], key, Path(path)) for key, path in known.get("files", {}).items() if key in named)
    stale = [
        f"{name} has changed since" for name, digest, path in places if path.is_file() and hash_file(path) != digest
    ]
    if (mapping := known.get("mapping")) and _reads_otherwise(Path(mapping), manifest):
        stale.append(f"{Path(mapping).name} reads otherwise since")
    return stale


def _reads_otherwise(path: Path, manifest: dict[str, Any]) -> bool:
    from outcomes.records import Mapping

    if not path.is_file():
        return False
    try:
        return Mapping.load(path).hash != manifest["definitions"]["mapping"]
    except ConfigError:
        return True


def make_again(folder: Path, given: Sequence[Path] = (), progress: Callable[[str], None] = lambda _: None) -> Again:
    """Make a release again from its inputs and settings, in a folder that is gone afterwards, and compare the bytes.

    Parameters
    ----------
    folder : Path
        Of a release for the clinic's own staff.
    given : sequence of Path
        Where to look for the inputs, beside where they lay.
    progress : callable
        Told, in a few words, what is being done.

    Raises
    ------
    InputRefused
        E884, E885, E935 of `diff_inputs.open_release`.
    OutcomesError
        An input or a setting is not at hand, or the release does not say which quarter was asked for.
    """
    from outcomes.release.publish import publish_report

    release = open_release(folder)
    if "quarter_asked" not in release.manifest:
        raise OutcomesError(f"{release.name} is of a version that did not note which quarter was asked for")
    progress("reading")
    parts = gather(release, given)
    episodes = build(parts)
    outputs: dict[str, str] = release.manifest["outputs"]
    own = release.folder / CODEBOOK
    sources = {"mapping": find_mapping_file(release), "codebook": own if own.is_dir() else None}
    with private_folder("again") as place:
        page = publish_report(
            parts.records,
            episodes.visits,
            episodes,
            place,
            quarter=release.manifest.get("quarter_asked") or None,
            notebooks=any(name.startswith(_NOTEBOOKS) for name in outputs),
            progress=progress,
            sources=sources,
            as_of_asked=release.manifest["as_of_asked"],
        )
        made, _ = read_manifest(page.parent)
        differing = [*_list_differing(outputs, made["outputs"])]
    was, here = release.manifest["environment"], describe_environment()
    changed = compare_environments(was, here)
    other_commit = "code" not in changed and was.get("commit") != here["commit"]
    if other_commit:
        made = _under_commit_of(release.manifest, made)
    if to_json(made) != to_json(release.manifest):
        differing.append(MANIFEST)
    return Again(release.name, len(outputs) + 1, tuple(differing), changed, other_commit)


def _under_commit_of(old: dict[str, Any], made: dict[str, Any]) -> dict[str, Any]:
    """Return the manifest made again as it were under the old one's commit, or without one where that named none."""
    environment = {key: value for key, value in made["environment"].items() if key != "commit"}
    named = {key: value for key, value in old["environment"].items() if key == "commit"}
    made = made | {"environment": environment | named}
    return made | {SELF: hash_manifest(made)}


def _list_differing(old: dict[str, str], new: dict[str, str]) -> Iterator[str]:
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name):
            yield name
