"""Stops by hand (Ctrl-C) and of the system (SIGTERM): none is lost, and none comes between the steps of a swap."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_STOPS = (signal.SIGINT, signal.SIGTERM)
_seen: list[int] = []


@contextmanager
def stop_on_signals() -> Iterator[None]:
    """Let a stop in the block, by hand or of the system, end it as Ctrl-C does, with what is half-made tidied up.

    A process that was asked to ignore a signal goes on ignoring it. Where the stop lands in a finalizer Python passes
    over it; it is not printed, and `check_stop` raises it again. Afterwards all is as it was.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    usual = signal.SIG_DFL, signal.default_int_handler
    before = {number: handler for number in _STOPS if (handler := signal.getsignal(number)) in usual}
    for number in before:
        signal.signal(number, _stop)
    try:
        with _not_printed():
            yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _seen.clear()


def check_stop() -> None:
    """End here where a stop was asked for, and a library swallowed it on its way: a run would go on and publish."""
    if _seen and threading.current_thread() is threading.main_thread():
        raise KeyboardInterrupt


def _stop(number: int, frame: FrameType | None) -> None:
    _seen.append(number)
    raise KeyboardInterrupt


@contextmanager
def _not_printed() -> Iterator[None]:
    """Keep quiet of a stop that lands in a finalizer: Python prints it and goes on, and it is raised again later."""
    complain = sys.unraisablehook

    def keep_quiet(swallowed: sys.UnraisableHookArgs) -> None:
        if swallowed.exc_type is not KeyboardInterrupt:
            complain(swallowed)

    sys.unraisablehook = keep_quiet
    try:
        yield
    finally:
        sys.unraisablehook = complain


@contextmanager
def heed_interrupt() -> Iterator[None]:
    """See to it that a stop by hand ends the block even where a library swallows the exception on its way."""
    check_stop()
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return
    seen: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        seen.append(number)
        before(number, frame)

    signal.signal(signal.SIGINT, note)
    try:
        with _not_printed():
            yield
    finally:
        signal.signal(signal.SIGINT, before)
    if seen:
        raise KeyboardInterrupt
    check_stop()


@contextmanager
def finish_first() -> Iterator[None]:
    """Let a block of a few renames end before anything else: it is too late for a stop by hand, which is let go."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in _STOPS}
    for number in _STOPS:
        if callable(before[number]):
            signal.signal(number, signal.SIG_IGN)
    try:
        yield
    finally:
        for number in _STOPS:
            if callable(before[number]):
                signal.signal(number, before[number])
