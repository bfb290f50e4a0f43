"""Put the questions of a report side by side, in processes that share the data of this one.

Threads would wait for each other: much of a question is Python between short steps of numpy. A forked process has the
episodes without a copy, and an answer, a few tables, is cheap to send back. No number depends on who computed it.
Where processes cannot be forked (Windows) the questions are put one after another.

Each process has one question at a time and a line of its own to this one, so that it is known which question a process
had that died (memory ran out, it was killed) or that no longer answers. Either ends the run: an answer that is missing
is never passed over.
"""

from __future__ import annotations

import ctypes
import gc
import math
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from multiprocessing.connection import Connection, Pipe, wait
from multiprocessing.context import ForkProcess
from multiprocessing.reduction import ForkingPickler
from types import MappingProxyType
from typing import Any

from outcomes.errors import ConfigError, Finding, NotEstimable, OutcomesError

Call = Callable[[], Any]

LONGEST = (
    *("one_family", "identified_muscle", "subgroups", "quarter_review", "missing_covariates", "rehabilitation"),
    *("all_families", "relief", "return_section", "treatment_section", "report.pdf"),
)
"""Questions and drawings put first, the longest ahead: one that starts last would leave the other processors idle."""

LIMIT = "OUTCOMES_LIMIT_MINUTES"
LIMIT_MINUTES = 60.0
"""How long one question may take, unless the environment says otherwise; the longest of a large chain takes minutes."""

_END_SECONDS = 2.0
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of linux/prctl.h


def put(call: Call) -> Any:
    """Return the answer, or the refusal (`NotEstimable`) in its place."""
    try:
        return call()
    except NotEstimable as refusal:
        return refusal


def put_together(
    calls: Mapping[str, tuple[str, Call]],
    workers: int = 1,
    progress: Callable[[str], None] = lambda _: None,
    meanwhile: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Put all questions, and return the answer to each or its refusal, in their order.

    Parameters
    ----------
    calls : mapping
        Name to what is being done, in a few words, and the question.
    workers : int
        Processes; 1 asks in this one. The answers are the same, bit for bit.
    progress : callable
        Told what is being waited for.
    meanwhile : callable
        What this process does before it waits for the others; not called where it asks by itself.

    Raises
    ------
    OutcomesError
        E955 a process ended without an answer, as when memory runs out; E956 one gave none in time.
    ConfigError
        E957 the time limit in the environment is no number of minutes.
    """
    workers = min(workers, len(calls))
    if workers <= 1 or "fork" not in multiprocessing.get_all_start_methods():
        answers = {}
        for name, (words, call) in calls.items():
            progress(words)
            answers[name] = put(call)
        return answers
    order = sorted(calls, key=lambda name: LONGEST.index(name) if name in LONGEST else len(LONGEST))
    staff = _Staff(calls, order, workers, read_limit())
    try:
        meanwhile()
        for name, (words, _) in calls.items():
            progress(words)
            staff.wait_for(name)
        return {name: staff.answers[name] for name in calls}
    finally:
        staff.dismiss()  # also on a stop by hand, which is not to wait for the longest question


def read_limit() -> float:
    """Return how many seconds one question may take."""
    text = os.environ.get(LIMIT, "") or str(LIMIT_MINUTES)
    try:
        minutes = float(text)
    except ValueError:
        minutes = math.nan
    if not minutes > 0:
        finding = Finding("E957", "is not a number of minutes above 0.", LIMIT, f"Give one, for example {LIMIT}=120.")
        raise ConfigError("The time limit of a question cannot be used.", [finding])
    return minutes * 60


class _Worker:
    """One process, its line, and the question it has."""

    def __init__(self, calls: Mapping[str, tuple[str, Call]], lines: Iterable[Connection]) -> None:
        here, there = Pipe()
        self.line = here
        self.name = ""
        self.until = math.inf
        context = multiprocessing.get_context("fork")
        self.process: ForkProcess = context.Process(target=_work, args=(calls, there, [*lines, here], os.getpid()))
        self.process.daemon = True
        self.process.start()
        there.close()


class _Staff:
    """The processes of one call of `put_together`."""

    def __init__(
        self, calls: Mapping[str, tuple[str, Call]], order: Iterable[str], workers: int, limit_seconds: float
    ) -> None:
        self.calls, self.waiting, self.limit = calls, list(order), limit_seconds
        self.answers: dict[str, Any] = {}
        self.workers: list[_Worker] = []
        for _ in range(workers):
            self.workers.append(_Worker(calls, [worker.line for worker in self.workers]))
        for worker in self.workers:
            self._give_next(worker)

    def wait_for(self, name: str) -> None:
        """Return when a question is answered; raise its error, or what became of any of the processes."""
        while name not in self.answers:
            busy = [worker for worker in self.workers if worker.name]
            first = min(worker.until for worker in busy)
            ready = wait([worker.line for worker in busy], timeout=max(0.0, first - time.monotonic()))
            for worker in busy:
                if worker.line in ready:
                    self._take_answer(worker)
                elif time.monotonic() >= worker.until:
                    raise self._late(worker)

    def _take_answer(self, worker: _Worker) -> None:
        # A process that stops in the middle of a long answer would be waited for without end.
        overdue = threading.Timer(max(_END_SECONDS, worker.until - time.monotonic()), worker.process.kill)
        overdue.start()
        try:
            is_answer, content = worker.line.recv()
        except (EOFError, OSError) as gone:  # the line of a process ends with it
            raise (self._lost if overdue.is_alive() else self._late)(worker) from gone
        finally:
            overdue.cancel()
        if not is_answer:
            raise content
        self.answers[worker.name] = content
        self._give_next(worker)

    def _give_next(self, worker: _Worker) -> None:
        worker.name = self.waiting.pop(0) if self.waiting else ""
        worker.until = time.monotonic() + self.limit
        try:
            worker.line.send(worker.name)
        except OSError as gone:
            if worker.name:
                raise self._lost(worker) from gone

    def _lost(self, worker: _Worker) -> OutcomesError:
        worker.process.join(_END_SECONDS)
        code = worker.process.exitcode
        how = f"signal {signal.Signals(-code).name}" if code is not None and code < 0 else f"exit code {code}"
        what = f"ended without an answer ({how})."
        remedy = "Most often memory ran out: close other programs, or ask with one process (workers=1)."
        finding = Finding("E955", what, f"the process at work on: {self.calls[worker.name][0]}", remedy)
        return OutcomesError("A part of the report was lost, and so there is no report.", [finding])

    def _late(self, worker: _Worker) -> OutcomesError:
        what = f"gave no answer in {self.limit / 60:g} minutes."
        remedy = f"If the export is very large, allow more: set {LIMIT} in the environment to the minutes."
        finding = Finding("E956", what, f"the process at work on: {self.calls[worker.name][0]}", remedy)
        return OutcomesError("A part of the report did not end, and so there is no report.", [finding])

    def dismiss(self) -> None:
        """End every process: those at rest by word, those at work, or that do not listen, by force."""
        for worker in self.workers:
            worker.line.close()
            if worker.name:
                worker.process.kill()
        for worker in self.workers:
            worker.process.join(_END_SECONDS)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
            worker.process.close()


def _work(calls: Mapping[str, tuple[str, Call]], line: Connection, others: list[Connection], parent: int) -> None:
    """Answer what is asked until nothing more is; a run that ends takes its processes with it."""
    for other in others:
        other.close()  # or this process would keep the line of another open
    gc.freeze()  # what was there at the fork is shared: looking through it for rubbish would copy it, for nothing
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal signals all of them; the run ends its own
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
        if os.getppid() != parent:
            return
    try:
        while name := line.recv():
            try:
                line.send((True, put(calls[name][1])))
            except Exception as fault:  # noqa: BLE001 - raised again where the question was put
                line.send((False, _sendable(fault)))
            _give_back()
    except (EOFError, OSError):
        return


def _give_back() -> None:
    """Give the memory of a question back: of a large chain the C library keeps half a gigabyte that nobody uses."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)


def _sendable(fault: Exception) -> Exception:
    """Return an error that can be sent, with the place it came from."""
    fault.add_note("".join(traceback.format_tb(fault.__traceback__)))
    try:
        ForkingPickler.loads(ForkingPickler.dumps(fault))
    except Exception:  # noqa: BLE001 - whatever keeps it from being sent, its kind can be told
        return RuntimeError(f"{type(fault).__name__} in a question")
    return fault


def _freeze(content: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    return MappingProxyType(content)


def _reduce(mapping: MappingProxyType[Any, Any]) -> tuple[Any, ...]:
    return _freeze, (dict(mapping),)


# Results hold mappings that cannot be changed, which are not sent between processes as they are.
ForkingPickler.register(MappingProxyType, _reduce)
