"""What the files of a run are called: by their names, or by as much of their paths as tells two of one name apart."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

Parts = tuple[str, ...]
_SUFFIXES = re.compile(r"(?:\.(?:csv|tsv|txt|xlsx?|xlsm|parquet|gz|zip|bz2|xz))+$", re.IGNORECASE)
_STAMP = re.compile(r"(?:19|20)\d{6}(?:[-_T ]?\d{4,6})?(?!\d)")
"""When an export was made."""
_MAIL = re.compile(r"\w@\w")
_JOINTS = re.compile(r"[_.-]+|(?<=[a-z])(?=[A-Z])")


def name_files(paths: Sequence[Path]) -> list[str]:
    """Return the name by which each file is shown.

    Folders above the one that holds all files of a name are never part of it: they tell nothing apart, and may bear the
    name of a user. Of what is called by a person, an e-mail address or a number of one, the shape stands there, and of
    each word that is not known to be ordinary (`show_plain`).

    Parameters
    ----------
    paths : sequence of Path, length n

    Returns
    -------
    list of str, length n
        ``w.csv``; ``d1/w.csv`` and ``d2/w.csv`` where a name comes twice; ``xxxxx xxxxxx.csv`` of a person, and
        ``xxxxx xxxxxx (2).csv`` of another written alike. The same path has the same name.
    """
    places: dict[str, dict[Parts, str]] = {}
    keys = [Path(os.path.abspath(path)).parts for path in paths]
    for path, key in zip(paths, keys, strict=True):
        places.setdefault(path.name, {})[key] = path.name
    for found in places.values():
        if len(found) > 1:
            found.update(_tell_apart(list(found)))
    shown = _mask_people({key: places[path.name][key] for path, key in zip(paths, keys, strict=True)})
    return [shown[key] for key in keys]


def _mask_people(names: Mapping[Parts, str]) -> dict[Parts, str]:
    """Write the shape of what is called by a person; two of one shape are counted."""
    shown: dict[Parts, str] = {}
    for key, name in names.items():
        parts = [mask_part(part) for part in name.split("/")]
        stem, suffix = _split_name(parts[-1])
        n = 1
        while "/".join(parts) in shown.values() and "/".join(parts) != name:
            n += 1
            parts[-1] = f"{stem} ({n}){suffix}"
        shown[key] = "/".join(parts)
    return shown


def mask_part(name: str) -> str:
    """Return the name of a file or folder, with the shape of what may be a person's before the suffix."""
    from outcomes.records.columns import mask
    from outcomes.records.identifier_names import has_name
    from outcomes.records.person_shapes import names_person, starts_with_given
    from outcomes.records.plain_words import show_plain

    stem, suffix = _split_name(name)
    words = _JOINTS.sub(" ", _STAMP.sub(" ", stem)).strip()
    # Its suffix may have taken the place of the end of an address: "keller@clinic.csv".
    is_person = (
        _MAIL.search(stem)
        or names_person(_STAMP.sub("", stem))
        or starts_with_given(words)
        or has_name(words, more=True)
    )
    return f"{mask(stem) if is_person else show_plain(stem)}{suffix}"


def _split_name(name: str) -> tuple[str, str]:
    """Return what stands before the suffixes of a file name, and these: ``.csv``, ``.csv.gz``."""
    found = _SUFFIXES.search(name)
    return (name[: found.start()], found[0]) if found else (name, "")


def name_file(path: Path) -> str:
    """Return the name by which one file is shown."""
    return name_files([path])[0]


def show_path(path: Path) -> str | None:
    """Return a path from the folder one stands in, or else as it was given; None where its words may name somebody.

    The home folder is the user's own, and says nothing of a patient.
    """
    whole = Path(os.path.abspath(path))
    way = whole.relative_to(Path.cwd()) if whole.is_relative_to(Path.cwd()) else path
    return str(way) if all(mask_part(part) == part for part in _below_home(way)) else None


def _below_home(path: Path) -> Parts:
    return path.relative_to(Path.home()).parts if path.is_relative_to(Path.home()) else path.parts


def _tell_apart(places: Sequence[Parts]) -> dict[Parts, str]:
    """Return the shortest tail of each path that is no other's."""
    levels = enumerate(zip(*(place[:-1] for place in places), strict=False))
    fewest = min(map(len, places)) - 1
    n_common = next((i for i, folders in levels if len(set(folders)) > 1), fewest)
    below = [place[n_common:] for place in places]
    return {place: "/".join(_shortest_tail(tail, below)) for place, tail in zip(places, below, strict=True)}


def _shortest_tail(own: Parts, all_of_them: Sequence[Parts]) -> Parts:
    for n in range(1, len(own)):
        if sum(other[-n:] == own[-n:] for other in all_of_them) == 1:
            return own[-n:]
    return own
