"""A working copy of the notebooks, in which an update never overwrites what a researcher wrote.

Of each notebook the hash of what was copied is kept in the copy's folder. With it an update knows what is whose:

==============================  =======================  ==============================================================
in the working copy             the package's notebook   what happens
==============================  =======================  ==============================================================
not there                                                copied
as it was copied                as it was copied         nothing
as it was copied                newer                    updated
changed, or not copied by us    as it was copied         left
changed, or not copied by us    newer                    left; the new one is put beside it as ``NAME.new.ipynb``
==============================  =======================  ==============================================================

Any change of the file counts, also outputs that a run left: they may be what the researcher wants to keep. The copy
beside is the package's, and is replaced by a still newer one only if nobody changed it; else it gets a number.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from outcomes.errors import Finding, InputRefused
from outcomes.files.floors import check_floor
from outcomes.release.manifest import hash_file
from outcomes.release.notebooks import find_notebooks

STATE = ".outcomes-lab.json"
COPIED, UPDATED, LEFT, BESIDE, UNCHANGED = (
    "copied",
    "updated",
    "left as you changed it",
    "new version beside",
    "unchanged",
)


@dataclass(frozen=True, slots=True)
class CopiedNotebook:
    """What happened to one notebook: its name in the working copy, and one of the words above."""

    name: str
    what: str


def copy_notebooks(target: Path, source: Path | None = None) -> list[CopiedNotebook]:
    """Copy the notebooks into a working copy, or bring it up to date (this module's docstring).

    Parameters
    ----------
    target : Path
        Folder of the working copy; made if absent.
    source : Path, optional
        Folder of notebooks; those of the checkout when not given.

    Raises
    ------
    InputRefused
        E886 there are no notebooks; E887 the target is a file, or the notebooks' own folder.
    """
    found = find_notebooks(source)
    if not found:
        remedy = "Run this in a checkout of the project, where notebooks/ lies."
        raise InputRefused("There is no lab to open.", [Finding("E886", "holds no notebooks.", "notebooks/", remedy)])
    if target.is_file() or target.resolve() == found[0].parent.resolve():
        what = "is a file." if target.is_file() else "holds the notebooks themselves; a working copy is needed."
        remedy = "Name another folder, for example lab/."
        raise InputRefused("The lab cannot be made.", [Finding("E887", what, str(target), remedy)])
    target.mkdir(parents=True, exist_ok=True)
    state = _read_state(target)
    done = [copied for path in found for copied in _bring(path, target, state)]
    (target / STATE).write_text(json.dumps(state, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return done


def _bring(path: Path, target: Path, state: dict[str, str]) -> list[CopiedNotebook]:
    """Copy, update or leave one notebook; `state` (name -> hash of what was copied) is kept up to date."""
    here, new = target / path.name, hash_file(path)
    if not here.exists():
        return [_put(path, here, state, COPIED)]
    own, known = hash_file(here), state.get(path.name)
    if own == new:
        state[path.name] = new
        return [CopiedNotebook(path.name, UNCHANGED)]
    if own == known:
        return [_put(path, here, state, UPDATED)]
    if new == known or new in (state.get(name) for name in _list_beside(here, state)):
        return [CopiedNotebook(path.name, LEFT)]
    beside = _find_beside(here, state)
    return [CopiedNotebook(path.name, LEFT), _put(path, beside, state, BESIDE)]


def _put(path: Path, here: Path, state: dict[str, str], what: str) -> CopiedNotebook:
    shutil.copyfile(path, here)
    state[here.name] = hash_file(here)
    return CopiedNotebook(here.name, what)


def _list_beside(here: Path, state: Mapping[str, str]) -> list[str]:
    """Names of the new versions put beside a notebook that are still there."""
    start = f"{here.stem}.new"
    return [name for name in state if name.startswith(start) and (here.parent / name).exists()]


def _find_beside(here: Path, state: Mapping[str, str]) -> Path:
    """The place for a new version: ``NAME.new.ipynb``, or with a number where that was changed by hand."""
    number = 1
    while True:
        number_words = "" if number == 1 else f"-{number}"
        place = here.with_name(f"{here.stem}.new{number_words}{here.suffix}")
        if not place.exists() or hash_file(place) == state.get(place.name):
            return place
        number += 1


def _read_state(target: Path) -> dict[str, str]:
    """What was copied before; a folder without it, or with one that cannot be read, is all the researcher's."""
    try:
        found = json.loads((target / STATE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}


def open_lab(target: Path, browser: bool = True) -> int:
    """Start JupyterLab on a working copy and wait for it to end; returns its exit code.

    Raises
    ------
    OutcomesError
        E961 the Jupyter server is too old.
    """
    check_floor("jupyter_server", "open JupyterLab")
    command = [sys.executable, "-m", "jupyterlab", f"--notebook-dir={target}"]
    return subprocess.run(command if browser else [*command, "--no-browser"], check=False).returncode
