"""A parser in a process of its own, with limits on memory and time: what dies there is a refusal here.

The parent and the child exchange lines of JSON; tables go through a file in a folder of their own. A child is forked
where that is safe (Linux, one thread of Python), which costs a few milliseconds; elsewhere it is started anew.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from outcomes.records.rules import refuse

MEMORY_BYTES = 2 << 30
CPU_SECONDS = 120
SECONDS = 180
"""The child is ended after this time by the clock."""

Main = Callable[[dict[str, Any], IO[str], IO[str]], None]


class Child:
    """The parent's end of a conversation.

    Parameters
    ----------
    listen, speak : text streams
    what : str
        What is parsed, for messages: ``"workbook"``.
    name : str
        File name, for messages.
    """

    def __init__(self, listen: IO[str], speak: IO[str], what: str, name: str) -> None:
        self._listen, self._speak, self._what, self._name = listen, speak, what, name

    def ask(self, message: dict[str, Any] | None = None) -> dict[str, Any]:
        """Send a line, if any, and return the next answer.

        Raises
        ------
        InputRefused
            The child refuses the file, or has died of it (E108).
        """
        line = ""
        with contextlib.suppress(OSError):
            if message is not None:
                self._speak.write(json.dumps(message) + "\n")
                self._speak.flush()
            line = self._listen.readline()
        if not line.endswith("\n"):
            raise refuse(
                "E108",
                f"the {self._what} cannot be parsed within 2 GiB of memory and 2 minutes: "
                "it is broken or far too large.",
                self._name,
                "Export the table as CSV.",
            )
        answer: dict[str, Any] = json.loads(line)
        if "refused" in answer:
            code, text, remedy, *place = answer["refused"]
            raise refuse(code, text, " › ".join([self._name, *place]), remedy)
        return answer


@contextlib.contextmanager
def start_program(arguments: list[str], what: str, name: str, seconds: float = SECONDS) -> Iterator[Child]:
    """Start this interpreter with arguments, and see that it is gone at the end, whatever happens."""
    pipe, nothing = subprocess.PIPE, subprocess.DEVNULL
    child = subprocess.Popen(
        [sys.executable, "-I", *arguments], stdin=pipe, stdout=pipe, stderr=nothing, text=True, encoding="utf-8"
    )
    clock = threading.Timer(seconds, child.kill)
    clock.daemon = True
    clock.start()
    try:
        if child.stdout and child.stdin:
            yield Child(child.stdout, child.stdin, what, name)
    finally:
        clock.cancel()
        child.kill()
        for stream in (child.stdin, child.stdout):
            with contextlib.suppress(OSError):
                if stream:
                    stream.close()
        child.wait()


@contextlib.contextmanager
def start_child(
    module: str, request: dict[str, Any], what: str, name: str, seconds: float = SECONDS
) -> Iterator[Child]:
    """Run ``main(request, listen, speak)`` of a module of this package in a child.

    Parameters
    ----------
    module : str
        Full dotted name.
    request : dict
        Ready for JSON.
    what, name : str
        See `Child`.
    seconds : float
        The child is ended after this time.
    """
    if _can_fork():
        with _fork(module, request, what, name, seconds) as child:
            yield child
        return
    home = str(Path(__file__).resolve().parents[2])
    code = (
        f"import importlib, json, sys; sys.path.insert(0, {home!r}); from outcomes.records.child import limit_process; "
        f"module = importlib.import_module({module!r}); limit_process(); "
        "module.main(json.loads(sys.argv[1]), sys.stdin, sys.stdout)"
    )
    with start_program(["-c", code, json.dumps(request)], what, name, seconds) as child:
        yield child


def _can_fork() -> bool:
    """Whether a copy of this process is safe: another thread of Python might hold a lock for ever in it."""
    return sys.platform == "linux" and threading.active_count() == 1


@contextlib.contextmanager
def _fork(module: str, request: dict[str, Any], what: str, name: str, seconds: float) -> Iterator[Child]:
    import importlib

    # Found, and with it everything it needs, before there are two of us.
    main: Main = importlib.import_module(module).main
    to_child, from_child = os.pipe(), os.pipe()
    with warnings.catch_warnings():
        # Threads of numerical libraries may be there; they hold no lock while they wait for work.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if not pid:
        _be_child(main, request, (to_child, from_child))
    os.close(to_child[0])
    os.close(from_child[1])
    clock = threading.Timer(seconds, _end, [pid])
    clock.daemon = True
    clock.start()
    listen, speak = os.fdopen(from_child[0], encoding="utf-8"), os.fdopen(to_child[1], "w", encoding="utf-8")
    try:
        yield Child(listen, speak, what, name)
    finally:
        clock.cancel()
        clock.join()
        _end(pid)
        for stream in (speak, listen):
            with contextlib.suppress(OSError):
                stream.close()
        os.waitpid(pid, 0)


def _be_child(main: Main, request: dict[str, Any], pipes: tuple[tuple[int, int], tuple[int, int]]) -> None:
    """Do the child's work and end; nothing of the parent's clean-up is done here."""
    try:
        os.close(pipes[0][1])
        os.close(pipes[1][0])
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        _close_others({pipes[0][0], pipes[1][1]})
        faulthandler.disable()
        limit_process()
        with os.fdopen(pipes[0][0], encoding="utf-8") as listen, os.fdopen(pipes[1][1], "w", encoding="utf-8") as speak:
            main(request, listen, speak)
    except BaseException:  # noqa: BLE001 (whatever it is, the parent reads the silence as a refusal)
        os._exit(1)
    os._exit(0)


def _close_others(kept: set[int]) -> None:
    """Let go of the parent's files: a lock among them would be held here after the parent has ended."""
    for name in os.listdir("/proc/self/fd"):
        if int(name) not in kept | {0, 1, 2}:
            with contextlib.suppress(OSError):
                os.close(int(name))


def _end(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def limit_process() -> None:
    """Limit this process: 2 GiB more than it has, 2 minutes of the processor, no picture of the memory when it dies."""
    try:
        import resource
    except ImportError:  # Windows: the checks before parsing and the parent's clock remain
        return
    limit = MEMORY_BYTES + _address_space()
    for kind, value in (
        (resource.RLIMIT_AS, limit),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (value, value))


def _address_space() -> int:
    """Return the bytes of address space this process has reserved; most of it is never touched."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except (OSError, ValueError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def say(speak: IO[str], message: dict[str, Any]) -> None:
    """Send one line to the parent."""
    speak.write(json.dumps(message) + "\n")
    speak.flush()


def wait_for_line(listen: IO[str]) -> dict[str, Any] | None:
    """Return the parent's next line; None when it has gone."""
    line = listen.readline()
    return json.loads(line) if line.strip() else None


__all__ = ["Child", "limit_process", "say", "start_child", "start_program", "wait_for_line"]
