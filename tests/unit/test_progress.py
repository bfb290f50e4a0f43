"""What is told while a run is at work: a line on a terminal, and nothing that keeps processes from being forked."""

from __future__ import annotations

import io
import sys
import threading

import pytest

from outcomes.records.child import _can_fork
from outcomes.release.progress import open_bar, telling


class Terminal(io.StringIO):
    """Standard error as a person sees it."""

    def isatty(self) -> bool:
        return True


@pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux only")
def test_a_line_on_a_terminal_leaves_files_to_be_parsed_in_forked_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    before = threading.enumerate()
    with telling(quiet=False) as tell:
        tell("reading")
        assert threading.enumerate() == before
        assert _can_fork() == (len(before) == 1)
    assert "reading" in terminal.getvalue()


def test_a_bar_starts_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    before = threading.enumerate()
    with open_bar(total=3, unit=" patients", mininterval=0) as bar:
        bar.update(3)
        assert threading.enumerate() == before
    assert "3/3" in terminal.getvalue()


def test_a_log_has_one_line_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    log = io.StringIO()
    monkeypatch.setattr(sys, "stderr", log)
    with telling(quiet=False) as tell:
        for step in ("reading", "notebook 1: cell 2", "notebook 1: cell 3"):
            tell(step)
    assert log.getvalue().splitlines() == ["reading ...", "notebook 1 ..."]


def test_quiet_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    log = Terminal()
    monkeypatch.setattr(sys, "stderr", log)
    with telling(quiet=True) as tell:
        tell("reading")
    assert not log.getvalue()
