"""Questions put side by side: the same answers, in their order; refusals kept, faults and dead processes told."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from multiprocessing.reduction import ForkingPickler
from types import MappingProxyType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from outcomes.errors import ConfigError, Finding, InputRefused, NotEstimable, OutcomesError
from outcomes.release import asking
from outcomes.release.asking import put_together

needs_fork = pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="processes cannot be forked here"
)


def refuse() -> Any:
    raise NotEstimable("Too few.", [Finding("E999", "few", "a", "wait")])


def calls() -> dict[str, tuple[str, Any]]:
    data = np.arange(1000.0)
    return {
        "a": ("the sum", lambda: {"sum": float(data.sum()), "by": MappingProxyType({"x": data[:3]})}),
        "one_family": ("the long one", lambda: os.getpid()),
        "b": ("what is refused", refuse),
        "c": ("the last", lambda: 3),
    }


@needs_fork
@pytest.mark.parametrize("workers", [1, 2, 8])
def test_answers_are_the_same_and_in_order(workers: int) -> None:
    told: list[str] = []
    found = put_together(calls(), workers, told.append)
    assert list(found) == ["a", "one_family", "b", "c"]
    assert told == ["the sum", "the long one", "what is refused", "the last"]
    assert found["a"]["sum"] == 499500.0
    assert isinstance(found["a"]["by"], MappingProxyType)
    np.testing.assert_array_equal(found["a"]["by"]["x"], [0, 1, 2])
    assert isinstance(found["b"], NotEstimable)
    assert str(found["b"]) == "Too few.\n  E999 a: few wait"
    assert found["b"].findings[0].code == "E999"
    assert (found["one_family"] != os.getpid()) is (workers > 1)


@needs_fork
@pytest.mark.parametrize("workers", [1, 2])
def test_a_fault_is_not_an_answer(workers: int) -> None:
    def wrong() -> Any:
        raise InputRefused("No.", [Finding("E801", "no")])

    with pytest.raises(InputRefused, match="E801 no"):
        put_together({**calls(), "d": ("d", wrong)}, workers)


@needs_fork
def test_a_process_that_dies_is_told() -> None:
    def die() -> Any:
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(OutcomesError, match=r"ended without an answer[\s\S]*workers=1"):
        put_together({**calls(), "d": ("d", die)}, 2)


def test_nothing_to_ask() -> None:
    assert put_together({}, 4) == {}


@needs_fork
def test_a_stop_by_hand_does_not_wait_for_the_longest_question(tmp_path) -> None:
    def long() -> None:
        (tmp_path / "started").touch()
        time.sleep(60)

    def stop(_: str) -> None:
        while not (tmp_path / "started").exists():
            time.sleep(0.01)
        raise KeyboardInterrupt

    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        asking.put_together({"a": ("a", long), "b": ("b", lambda: 1)}, 2, stop)
    while multiprocessing.active_children():
        time.sleep(0.05)
        assert time.monotonic() - begun < 30


@needs_fork
def test_what_is_loaded_meanwhile_is_there_once_the_questions_are_put() -> None:
    done: list[str] = []
    calls = {name: ("asked", lambda: list(done)) for name in "ab"}
    assert put_together(calls, 2, meanwhile=lambda: done.append("here")) == {"a": [], "b": []}
    assert done == ["here"]
    put_together(calls, 1, meanwhile=lambda: done.append("not beside others"))
    assert done == ["here"]


def test_all_that_is_loaded_ahead_can_be_loaded() -> None:
    code = "import sys; from outcomes.release import publish; publish.load_what_follows(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {"scipy.optimize", "matplotlib.backends.backend_svg", "typst"} <= set(loaded)


def test_memory_is_given_back_after_every_question() -> None:
    """What a question is done with goes back to the system, a small piece that stays on top of it or not."""

    def hold_and_let_go() -> int:
        pieces = [bytes(2000) for _ in range(100_000)]
        stays.append(bytes(2000))  # above all others
        del pieces
        return os.getpid()

    def resident() -> tuple[int, int]:
        with open("/proc/self/statm") as file:
            return os.getpid(), int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    if not sys.platform.startswith("linux"):
        pytest.skip("memory is given back on Linux alone")
    stays: list[bytes] = []
    calls = {"0": ("before", resident), "1": ("hold", hold_and_let_go), "2": ("after", resident)}
    staff = asking._Staff(calls, ["0", "1", "2"], 1, 60.0)
    try:
        staff.wait_for("2")
    finally:
        staff.dismiss()
    (one, before), two, (three, after) = (staff.answers[name] for name in calls)
    assert one == two == three
    assert after - before < 60e6  # 200 MB were held


def test_a_c_library_that_cannot_give_memory_back_is_no_fault(monkeypatch) -> None:
    monkeypatch.setattr(asking.ctypes, "CDLL", lambda _: object())
    asking._give_back()


# -- the process that answers, in this one -----------------------------------------------------------------------------


class Line:
    """A line of which this end is read by the test: what is asked, and what was answered."""

    def __init__(self, *asked: str) -> None:
        self.asked, self.sent, self.closed = list(asked), list[Any](), False

    def recv(self) -> str:
        if not self.asked:
            raise EOFError
        return self.asked.pop(0)

    def send(self, answer: Any) -> None:
        self.sent.append(answer)

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What a process would do to itself, noted."""
    found: list[Any] = []
    library = SimpleNamespace(prctl=lambda *given: found.append(("dies with", given[1])),
                              malloc_trim=lambda pad: found.append(("gives back", pad)))  # fmt: skip
    monkeypatch.setattr(asking, "gc", SimpleNamespace(freeze=lambda: found.append("freezes")))
    monkeypatch.setattr(asking.signal, "signal", lambda *given: found.append(given))
    monkeypatch.setattr(asking, "ctypes", SimpleNamespace(CDLL=lambda _: library))
    monkeypatch.setattr(asking, "sys", SimpleNamespace(platform="linux"))
    return found


_SIGNALS = [(signal.SIGINT, signal.SIG_IGN), (signal.SIGTERM, signal.SIG_DFL)]
"""A stop by hand is the run's to pass on; a worker that the system ends is gone at once."""


def test_a_process_answers_until_nothing_more_is_asked(done: list[Any]) -> None:
    def wrong() -> Any:
        raise InputRefused("No.", [Finding("E801", "no")])

    line, other = Line("a", "b", "d", ""), Line()
    asking._work({**calls(), "a": ("a", lambda: 7), "d": ("d", wrong)}, line, [other], os.getppid())
    (first, refused, fault), _ = line.sent, other.closed
    assert first == (True, 7) and refused[0] is True and isinstance(refused[1], NotEstimable)
    assert fault[0] is False and isinstance(fault[1], InputRefused)
    assert "in wrong" in "".join(fault[1].__notes__)  # the place it came from
    assert other.closed and done[:3] == ["freezes", *_SIGNALS]
    assert done[3:] == [("dies with", signal.SIGKILL), *[("gives back", 0)] * 3]


def test_a_process_whose_line_or_run_is_gone_ends_without_an_answer(done: list[Any]) -> None:
    line = Line("a")
    asking._work({"a": ("a", lambda: 7)}, line, [], os.getppid())
    assert line.sent == [(True, 7)]
    line = Line("a")
    asking._work({"a": ("a", lambda: 7)}, line, [], -1)
    assert line.sent == [] and line.asked == ["a"]


def test_elsewhere_than_on_linux_nothing_is_asked_of_the_system(
    done: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "sys", SimpleNamespace(platform="darwin"))
    line = Line("a", "")
    asking._work({"a": ("a", lambda: 7)}, line, [], -1)
    assert line.sent == [(True, 7)] and done == ["freezes", *_SIGNALS]


def test_a_fault_that_cannot_be_sent_is_told_by_its_kind() -> None:
    class Odd(Exception):
        """Of a class that is nowhere to be imported from."""

    sent = asking._sendable(Odd("patient 4711"))
    assert type(sent) is RuntimeError and str(sent) == "Odd in a question"
    mapping = MappingProxyType({"a": 1})
    again = ForkingPickler.loads(ForkingPickler.dumps(mapping))
    assert isinstance(again, MappingProxyType) and dict(again) == {"a": 1}


# -- the time limit ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["soon", "0", "-3", "nan"])
def test_a_limit_that_is_no_number_of_minutes_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv(asking.LIMIT, text)
    with pytest.raises(ConfigError, match=f"E957 {asking.LIMIT}: is not a number of minutes above 0"):
        asking.read_limit()
    monkeypatch.setenv(asking.LIMIT, "1.5")
    assert asking.read_limit() == 90.0


@needs_fork
def test_a_question_without_an_answer_in_time_ends_the_run() -> None:
    staff = asking._Staff({"a": ("the long one", lambda: time.sleep(60))}, ["a"], 1, 0.05)
    begun = time.monotonic()
    try:
        with pytest.raises(
            OutcomesError, match=r"E956 the process at work on: the long one: gave no answer in 0\.00083"
        ):
            staff.wait_for("a")
    finally:
        staff.dismiss()
    assert time.monotonic() - begun < 30


@needs_fork
def test_a_process_that_is_gone_before_it_is_asked_is_told() -> None:
    staff = asking._Staff({"a": ("first", lambda: 1), "b": ("second", lambda: 2)}, ["a"], 1, 60.0)
    staff.wait_for("a")
    (worker,) = staff.workers
    worker.process.kill()
    worker.process.join()
    staff._give_next(worker)  # nothing is left to ask: no loss
    staff.waiting = ["b"]
    with pytest.raises(OutcomesError, match=r"E955 the process at work on: second: ended without an answer \(signal"):
        staff._give_next(worker)
    staff.dismiss()


@needs_fork
def test_a_process_that_does_not_listen_is_ended_by_force(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "_END_SECONDS", 0.05)
    monkeypatch.setattr(asking, "_work", lambda *_: time.sleep(60))
    staff = asking._Staff({}, [], 1, 60.0)
    (worker,) = staff.workers
    process = worker.process
    pid = process.pid
    staff.dismiss()
    assert not [child for child in multiprocessing.active_children() if child.pid == pid]
