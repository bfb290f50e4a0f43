"""Invented answers made once a process: to put their tables together takes longer than most tests that ask for them."""

from __future__ import annotations

import copyreg
import functools
import io
import pickle
from collections.abc import Callable
from types import MappingProxyType
from typing import Any, ParamSpec, TypeVar

P, R = ParamSpec("P"), TypeVar("R")


def _read_only(found: dict[str, Any]) -> MappingProxyType[str, Any]:
    return MappingProxyType(found)


class Pickler(pickle.Pickler):
    """Takes the read-only mappings of results too."""

    dispatch_table = copyreg.dispatch_table | {MappingProxyType: lambda found: (_read_only, (dict(found),))}


def made_once(make: Callable[P, R]) -> Callable[P, R]:
    """Let a function make its answer once for the same arguments, and give every caller a copy that may be changed."""
    kept: dict[bytes, bytes] = {}

    @functools.wraps(make)
    def copy(*given: P.args, **named: P.kwargs) -> R:
        asked = pickle.dumps((given, named))
        if asked not in kept:
            Pickler(written := io.BytesIO()).dump(make(*given, **named))
            kept[asked] = written.getvalue()
        return pickle.loads(kept[asked])

    return copy
