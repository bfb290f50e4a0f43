"""Stops by hand (Ctrl-C): none is lost while a folder is written, and none comes between the steps of a swap."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def heed_interrupt() -> Iterator[None]:
    """See to it that a stop by hand ends the block even where a library swallows the exception on its way."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return
    seen: list[int] = []
    complain = sys.unraisablehook

    def note(number: int, frame: FrameType | None) -> None:
        seen.append(number)
        before(number, frame)

    def keep_quiet(swallowed: sys.UnraisableHookArgs) -> None:
        # Where the stop lands in a finalizer Python prints it and goes on; it is raised again below.
        if swallowed.exc_type is not KeyboardInterrupt:
            complain(swallowed)

    signal.signal(signal.SIGINT, note)
    sys.unraisablehook = keep_quiet
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        sys.unraisablehook = complain
    if seen:
        raise KeyboardInterrupt


@contextmanager
def finish_first() -> Iterator[None]:
    """Let a block of a few renames end before anything else: it is too late for a stop by hand, which is let go."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
