"""Words that the standard streams do not take: told once, and what follows goes nowhere."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

import pytest

from outcomes.cli import streams
from outcomes.cli.streams import WordsLost, guard_streams, is_unread

needs_full = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")


@contextmanager
def piped(is_read: bool) -> Iterator[tuple[TextIO, int]]:
    """Give both ends of a pipe, the one that is written to first; the other is closed where nobody reads."""
    read, write = os.pipe()
    if not is_read:
        os.close(read)
    try:
        with open(write, "w", encoding="utf-8", buffering=1) as stream:
            yield stream, read
    finally:
        if is_read:
            os.close(read)


@needs_full
@pytest.mark.parametrize("buffering", [1, 4096])
def test_a_stream_that_is_full_says_so_once_and_what_follows_goes_nowhere(buffering: int) -> None:
    told: list[OSError] = []
    with open("/dev/full", "w", encoding="utf-8", buffering=buffering) as stream:
        words = streams._Words(stream, told.append)
        assert words.write("some\n") == 5 and len(told) == (buffering == 1)
        words.flush()
        assert [fault.errno for fault in told] == [errno.ENOSPC]
        assert words.write("more\n") == 5
        words.flush()
        assert len(told) == 1 and words.encoding == "utf-8"
        assert os.path.samestat(os.fstat(stream.fileno()), os.stat(os.devnull))


def test_words_arrive_at_once_where_the_stream_is_one_of_lines() -> None:
    with piped(True) as (stream, read):
        words = streams._Words(stream, lambda fault: pytest.fail(str(fault)))
        assert words.write("no line yet") == 11
        os.set_blocking(read, False)
        assert os.read(read, 64) == b"no line yet"


@pytest.mark.parametrize("is_read", [True, False])
def test_a_standard_output_is_unread_where_its_reader_has_gone(monkeypatch: pytest.MonkeyPatch, is_read: bool) -> None:
    with piped(is_read) as (stream, _):
        monkeypatch.setattr(sys, "stdout", stream)
        assert is_unread() != is_read
        if is_read:
            streams._pass_over(BrokenPipeError())
        else:
            with pytest.raises(BrokenPipeError):
                streams._pass_over(BrokenPipeError())
        streams._pass_over(OSError(errno.ENOSPC, "full"))
        monkeypatch.setattr(sys, "stdout", None)
        assert not is_unread()


def test_a_fault_of_the_standard_output_ends_the_run_by_its_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    with piped(True) as (stream, _):
        monkeypatch.setattr(sys, "stdout", stream)
        with pytest.raises(BrokenPipeError):
            streams._raise_lost(BrokenPipeError())
        assert not is_unread() and not os.path.samestat(os.fstat(stream.fileno()), os.stat(os.devnull))
        with pytest.raises(WordsLost, match=os.strerror(errno.ENOSPC)):
            streams._raise_lost(OSError(errno.ENOSPC, "full"))
        assert os.path.samestat(os.fstat(stream.fileno()), os.stat(os.devnull))


def test_streams_that_a_process_was_started_without_can_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    guard_streams()
    given = {0: sys.stdin, 1: sys.stdout, 2: sys.stderr}
    assert [(stream.fileno(), stream.mode) for stream in given.values()] == [(0, "r"), (1, "w"), (2, "w")]
    for number, stream in given.items():
        stream.close()
        os.fstat(number)  # is still open
    assert isinstance(sys.stdout, streams._Words) and isinstance(sys.stderr, streams._Words)
    assert (sys.stdout._lost, sys.stderr._lost) == (streams._raise_lost, streams._pass_over)


def test_only_the_standard_streams_are_led_somewhere_where_they_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    def see(number: int) -> None:
        if number:
            raise OSError(errno.EBADF, "closed")

    led: list[int] = []
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", sys.stdout)
        patch.setattr(sys, "stderr", sys.stderr)
        patch.setattr(os, "fstat", see)
        patch.setattr(streams, "_send_nowhere", led.append)
        guard_streams()
    assert led == [1, 2]


def test_a_number_of_a_file_that_leads_nowhere_is_passed_to_programs() -> None:
    number = os.open(os.devnull, os.O_RDONLY)
    before = len(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else 0
    try:
        streams._send_nowhere(number)
        assert os.get_inheritable(number) and os.write(number, b"words") == 5
        assert not before or len(os.listdir("/proc/self/fd")) == before
        os.close(number)
        streams._send_nowhere(number)  # it is free, and the first one that is given out
        assert os.get_inheritable(number) and os.write(number, b"words") == 5
    finally:
        os.close(number)
