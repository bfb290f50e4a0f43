"""Answers of one run handed from the page to its notebooks, so that no question is put twice in it.

A report puts its answers, small numbers hidden already, into a private folder and names it to the kernels of its
notebooks (`FOLDER` in their environment). `inputs.answer` looks there first: an answer is taken only for the same
question with the same options, of the same episodes under the same definitions (a fingerprint of all visits). A
notebook run by hand, or on one clinic, finds nothing and asks by itself.

The files are JSON, in which numbers keep their last bit; nothing in them is run when they are read.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib
import inspect
import json
import os
import weakref
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from outcomes.errors import NotEstimable

if TYPE_CHECKING:
    from outcomes.cases import Episodes

FOLDER = "OUTCOMES_SHARED_ANSWERS"
_ROOMS = ("outcomes.questions.", "outcomes.ledger")
"""Where the classes of a result may come from."""


Answered = tuple[Callable[..., Any], Mapping[str, Any], Any]
"""A question, its options, and its protected answer or refusal."""


def keep(folder: Path, episodes: Episodes, answers: Iterable[Answered]) -> None:
    """Write protected answers, or their refusals, into the folder of a run."""
    of = _fingerprint(episodes)
    for question, options, result in answers:
        text = json.dumps(_plain(result))
        (folder / _name(question, episodes, options, of)).write_text(text, encoding="utf-8")


def recall(question: Callable[..., Any], episodes: Episodes, /, **options: Any) -> Any | None:
    """Return the answer the run has already, or None."""
    folder = os.environ.get(FOLDER)
    if not folder:
        return None
    path = Path(folder) / _name(question, episodes, options, _remember(episodes))
    return _whole(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else None


def _name(question: Callable[..., Any], episodes: Episodes, options: Mapping[str, Any], of: str) -> str:
    """A file name that says which question with which options, of which episodes."""
    bound = inspect.signature(question).bind(episodes, **options)
    bound.apply_defaults()
    asked = {key: value for key, value in list(bound.arguments.items())[1:] if not callable(value)}
    text = json.dumps([question.__module__, question.__name__, asked], sort_keys=True, default=str)
    return hashlib.blake2b((text + of).encode(), digest_size=16).hexdigest() + ".json"


_last: dict[str, tuple[weakref.ref[Episodes], str]] = {}
"""The fingerprint of the episodes a kernel asked about last: of a million records each takes half a second."""


def _remember(episodes: Episodes) -> str:
    """Return the fingerprint, made once: from then on the values of the visits cannot be changed in place."""
    of, found = _last.get("episodes", (lambda: None, ""))
    if of() is episodes:
        return found
    for column in episodes.visits.columns.values():
        column.setflags(write=False)
    found = _fingerprint(episodes)
    _last["episodes"] = weakref.ref(episodes), found
    return found


def _fingerprint(episodes: Episodes) -> str:
    """What the episodes were made of: definitions, every value of every visit, and the words behind codes."""
    visits, found = episodes.visits, hashlib.blake2b(digest_size=16)
    found.update(f"{episodes.protocol.hash} {visits.codebook.hash}".encode())
    for name in sorted(visits.columns):
        found.update(name.encode())
        found.update(np.ascontiguousarray(visits.columns[name]).view(np.uint8).data)
    for name in sorted(visits.labels):
        found.update("\0".join(map(str, visits.labels[name].to_pylist())).encode())
    return found.hexdigest()


def _plain(value: Any) -> Any:
    """Turn a result into what JSON holds, each value with its kind where JSON would lose it."""
    import pandas as pd

    if isinstance(value, NotEstimable):
        return {"kind": "refusal", "value": str(value)}
    if isinstance(value, pd.DataFrame):
        cells = [[_plain(cell) for cell in value.iloc[:, i].tolist()] for i in range(value.shape[1])]
        index = None if isinstance(value.index, pd.RangeIndex) else [_plain(cell) for cell in value.index.tolist()]
        types = [str(kind) for kind in value.dtypes]
        return {"kind": "table", "columns": list(value.columns), "types": types, "cells": cells, "index": index}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {item.name: _plain(getattr(value, item.name)) for item in dataclasses.fields(value)}
        return {"kind": "object", "of": [type(value).__module__, type(value).__qualname__], "fields": fields}
    if isinstance(value, Mapping):
        kind = "frozen" if isinstance(value, MappingProxyType) else "dict"
        return {"kind": kind, "pairs": [[_plain(key), _plain(item)] for key, item in value.items()]}
    if isinstance(value, tuple | list):
        return {"kind": type(value).__name__, "items": [_plain(item) for item in value]}
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, str | int | float):
        return value
    raise TypeError(f"an answer holds {type(value).__name__}, which cannot be handed on")


def _whole(plain: Any) -> Any:
    """Undo `_plain`."""
    if not isinstance(plain, dict):
        return plain
    kind = plain["kind"]
    if kind == "refusal":
        return NotEstimable(plain["value"])
    if kind == "table":
        return _table(plain)
    if kind == "object":
        return _object(plain)
    if kind in ("dict", "frozen"):
        pairs = {_whole(key): _whole(value) for key, value in plain["pairs"]}
        return MappingProxyType(pairs) if kind == "frozen" else pairs
    items = [_whole(item) for item in plain["items"]]
    return tuple(items) if kind == "tuple" else items


def _table(plain: Mapping[str, Any]) -> Any:
    import pandas as pd

    index = None if plain["index"] is None else [_whole(cell) for cell in plain["index"]]
    columns = {
        i: pd.Series([_whole(cell) for cell in cells], index=index, dtype=kind)
        for i, (cells, kind) in enumerate(zip(plain["cells"], plain["types"], strict=True))
    }
    table = pd.DataFrame(columns, index=index)
    table.columns = pd.Index(plain["columns"]) if plain["columns"] else table.columns
    return table


def _object(plain: Mapping[str, Any]) -> Any:
    module, name = plain["of"]
    if not module.startswith(_ROOMS):
        raise TypeError(f"an answer may not hold {module}.{name}")
    made_of = getattr(importlib.import_module(module), name)
    return made_of(**{key: _whole(value) for key, value in plain["fields"].items()})
