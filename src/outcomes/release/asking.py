"""Put the questions of a report side by side, in processes that share the data of this one.

Threads would wait for each other: much of a question is Python between short steps of numpy. A forked process has the
episodes without a copy, and an answer, a few tables, is cheap to send back. No number depends on who computed it.
Where processes cannot be forked (Windows) the questions are put one after another.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.reduction import ForkingPickler
from types import MappingProxyType
from typing import Any

from outcomes.errors import NotEstimable, OutcomesError

Call = Callable[[], Any]

LONGEST = (
    *("one_family", "identified_muscle", "subgroups", "quarter_review", "missing_covariates", "rehabilitation"),
    *("all_families", "relief", "return_section", "treatment_section"),
)
"""Questions and drawings put first, the longest ahead: one that starts last would leave the other processors idle."""

# What a worker was forked with: a callable need not be sent to it, which those of a question could not be.
_held: dict[str, Call] = {}


def put(call: Call) -> Any:
    """Return the answer, or the refusal (`NotEstimable`) in its place."""
    try:
        return call()
    except NotEstimable as refusal:
        return refusal


def put_together(
    calls: Mapping[str, tuple[str, Call]], workers: int = 1, progress: Callable[[str], None] = lambda _: None
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

    Raises
    ------
    OutcomesError
        A process ended without an answer, as when memory runs out.
    """
    workers = min(workers, len(calls))
    if workers <= 1 or "fork" not in multiprocessing.get_all_start_methods():
        answers = {}
        for name, (words, call) in calls.items():
            progress(words)
            answers[name] = put(call)
        return answers
    held = {name: call for name, (_, call) in calls.items()}
    context, before = multiprocessing.get_context("fork"), set(multiprocessing.active_children())
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_held.update, initargs=(held,)) as pool:
        order = sorted(calls, key=lambda name: LONGEST.index(name) if name in LONGEST else len(LONGEST))
        running = {name: pool.submit(_put_held, name) for name in order}
        try:
            return {name: _wait(calls[name][0], running[name].result, progress) for name in calls}
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in set(multiprocessing.active_children()) - before:
                process.terminate()  # a stop by hand is not to wait for the longest question
            raise


def _put_held(name: str) -> Any:
    return put(_held[name])


def _freeze(content: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    return MappingProxyType(content)


def _reduce(mapping: MappingProxyType[Any, Any]) -> tuple[Any, ...]:
    return _freeze, (dict(mapping),)


# Results hold mappings that cannot be changed, which are not sent between processes as they are.
ForkingPickler.register(MappingProxyType, _reduce)


def _wait(words: str, result: Call, progress: Callable[[str], None]) -> Any:
    progress(words)
    try:
        return result()
    except BrokenProcessPool as broken:
        raise OutcomesError(
            f"A process that was to answer ended without an answer, while waiting for: {words}. Most often memory ran "
            "out. Close other programs, or ask with one process (workers=1)."
        ) from broken
