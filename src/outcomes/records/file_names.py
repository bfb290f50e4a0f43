"""What the files of a run are called: by their names, or by as much of their paths as tells two of one name apart."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

Parts = tuple[str, ...]


def name_files(paths: Sequence[Path]) -> list[str]:
    """Return the name by which each file is shown.

    Folders above the one that holds all files of a name are never part of it: they tell nothing apart, and may bear the
    name of a user.

    Parameters
    ----------
    paths : sequence of Path, length n

    Returns
    -------
    list of str, length n
        ``w.csv``; ``d1/w.csv`` and ``d2/w.csv`` where a name comes twice. The same path has the same name.
    """
    places: dict[str, dict[Parts, str]] = {}
    keys = [Path(os.path.abspath(path)).parts for path in paths]
    for path, key in zip(paths, keys, strict=True):
        places.setdefault(path.name, {})[key] = path.name
    for found in places.values():
        if len(found) > 1:
            found.update(_tell_apart(list(found)))
    return [places[path.name][key] for path, key in zip(paths, keys, strict=True)]


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
