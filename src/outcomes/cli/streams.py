"""Words that cannot be written: the standard streams of a process, closed or full, end no run and hide no result."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Callable
from typing import TextIO, cast


class WordsLost(Exception):
    """The standard output took no more words; what stands in files is not concerned."""


class _Words:
    """A standard stream whose faults are told by `lost`, once; what follows goes nowhere."""

    def __init__(self, stream: TextIO, lost: Callable[[OSError], None]) -> None:
        self._stream, self._lost = stream, lost

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        try:
            written = self._stream.write(text)
            if self._stream.line_buffering:
                self._stream.flush()
        except OSError as fault:
            self._fail(fault)
            return len(text)
        return written

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as fault:
            self._fail(fault)

    def _fail(self, fault: OSError) -> None:
        self._lost(fault)
        _send_nowhere(self._stream.fileno())


def guard_streams() -> None:
    """Let the standard streams of this process bear that they are closed or full.

    A number of a file that is free would be given to the next file that is opened, and words written into it. What goes
    wrong with the standard error is passed over, unless the reader of the standard output has gone as well; with the
    standard output, it is raised as `WordsLost`.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            _send_nowhere(number)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "w" if number else "r", encoding="utf-8", closefd=False))  # noqa: SIM115
    sys.stdout = cast(TextIO, _Words(sys.stdout, _raise_lost))
    sys.stderr = cast(TextIO, _Words(sys.stderr, _pass_over))


def is_unread() -> bool:
    """Whether the reader of the standard output has gone."""
    if sys.stdout is None or not hasattr(select, "poll"):  # Windows has neither the signal nor the call
        return False
    watched = select.poll()
    watched.register(sys.stdout.fileno(), 0)
    return any(state & (select.POLLERR | select.POLLHUP) for _, state in watched.poll(0))


def _raise_lost(fault: OSError) -> None:
    if isinstance(fault, BrokenPipeError):
        raise fault  # its reader has gone: `main` knows what that means
    _send_nowhere(sys.stdout.fileno())
    raise WordsLost(os.strerror(fault.errno or 0)) from fault


def _pass_over(fault: OSError) -> None:
    if isinstance(fault, BrokenPipeError) and is_unread():
        raise fault


def _send_nowhere(number: int) -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    if nowhere != number:
        os.dup2(nowhere, number)
        os.close(nowhere)
    os.set_inheritable(number, True)  # a kernel that is started without them dies


__all__ = ["WordsLost", "guard_streams", "is_unread"]
