"""What one process has read and made already, for the processes that are forked from it.

The kernels of a report's notebooks are copies of one process (`release.kernel_server`). It reads the export, cleans it
and groups it once (`keeping`); a kernel that calls the same functions for the same is then given what is there. Nothing
is kept otherwise: a script, or a notebook run by hand, does the work itself.

Each result is handed out once, only for what it was made of, and what holds its numbers cannot be changed in place: so
nobody is given what somebody else changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")

_kept: dict[str, tuple[object, Any]] = {}
_is_open: list[bool] = []


@dataclass(frozen=True, slots=True, eq=False)
class Same:
    """One object and what its tables hold, equal to nothing but that object with these very columns and words."""

    thing: object
    held: tuple[tuple[str, int], ...]

    @classmethod
    def of(cls, thing: object, *tables: Mapping[str, object]) -> Same:
        """Take down what the tables of an object hold now."""
        return cls(thing, tuple((name, id(column)) for table in tables for name, column in table.items()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self.thing is other.thing and self.held == other.held

    __hash__ = None  # type: ignore[assignment]


@contextmanager
def keeping() -> Iterator[None]:
    """Keep what is read and made in this block."""
    _is_open.append(True)
    try:
        yield
    finally:
        _is_open.pop()


def describe(made_of: Callable[[], T]) -> T | None:
    """Return what a result is made of; None, without asking, where nothing is kept."""
    return made_of() if _is_open or _kept else None


def recall(name: str, made_of: object) -> Any | None:
    """Hand out what is kept under a name, if it was made of the same; None where it was not."""
    if made_of is None or name not in _kept or _kept[name][0] != made_of:
        return None
    return _kept.pop(name)[1]


def keep(name: str, made_of: object, result: T, arrays: Iterable[np.ndarray[Any, Any]]) -> T:
    """Return the result, and keep it where things are kept: its arrays can then no longer be changed in place."""
    if _is_open:
        for array in arrays:
            array.setflags(write=False)
        _kept[name] = made_of, result
    return result


def forget() -> None:
    """Keep nothing any more."""
    _kept.clear()
