"""The process that the kernels of a report's notebooks are forked from: packages imported and the export read once.

Starting a kernel takes two to three processor seconds, nearly all of them for imports, and reading a million records
as much again; a report has five. Each kernel is a copy of this process: no notebook, no other kernel's names. What was
read lies where only `read_records`, `build_visits` and `build_episodes` find it, and only for the same files as they
are then, and the same definitions (`files.already`). The process is started and asked by `release.kernels`, a line of
JSON each way, and ends, with all its kernels, when its line does.
"""

from __future__ import annotations

import atexit
import builtins
import gc
import importlib
import json
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

from outcomes.files import already

PACKAGES = (
    *("ipykernel.kernelapp", "ipykernel.ipkernel", "ipykernel.zmqshell", "IPython.core.completer"),
    *("pandas.io.formats.html", "pandas.io.formats.style"),
    *("outcomes.cases", "outcomes.records", "outcomes.definitions", "outcomes.questions", "outcomes.release"),
    *("outcomes.release.figures", "outcomes.release.tables", "outcomes.release.notebooks"),
    *("matplotlib.pyplot", "matplotlib.backends.backend_agg", "scipy.stats", "scipy.optimize"),
    *("outcomes.estimators.npmle_steps", "outcomes.estimators.npmle_without"),
)
"""What all notebooks need. The inline backend is left out: it must find the shell of the kernel when it is imported."""

_FAILED = 1


def serve() -> None:
    """Read what the first line names; then fork a kernel, or tell what became of one, for each line there still is."""
    os.environ["JPY_PARENT_PID"] = str(os.getpid())  # read by ipykernel: a kernel ends when this process has
    _import_as_in_a_notebook()
    _read(json.loads(sys.stdin.readline() or "{}"))
    gc.freeze()  # what all kernels share: looking through it for rubbish, in each, would copy it for nothing
    kernels: dict[int, int | None] = {}
    try:
        for line in sys.stdin:
            asked = json.loads(line)
            answer = {"pid": _fork(asked, kernels)} if "start" in asked else {"code": _look(asked["poll"], kernels)}
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()
    finally:
        for pid in (pid for pid in kernels if _look(pid, kernels) is None):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)


def _read(given: Mapping[str, Any]) -> None:
    """Read, clean and group the export as the notebooks do, and keep it for them.

    Whatever keeps it from being read, each notebook meets again, and says in which cell; here its kind is told.
    """
    if not given.get("data"):
        return
    from outcomes.cases import build_episodes, build_visits
    from outcomes.definitions import Codebook, Protocol
    from outcomes.records import read_records
    from outcomes.release.notebooks import locate

    protocol, codebook = locate(given.get("protocol")), locate(given.get("codebook"))
    try:
        with already.keeping():
            records = read_records(locate(given["data"]), mapping=locate(given.get("mapping")))
            visits = build_visits(records, Protocol.load(protocol) if protocol else None, Codebook.load(codebook))
            build_episodes(visits)
    except Exception as fault:  # noqa: BLE001 - told, and met again in a cell
        already.forget()
        sys.stderr.write(
            f"The export was not read for all notebooks at once ({type(fault).__name__}): each reads it.\n"
        )


def _import_as_in_a_notebook() -> None:
    """Import the packages; pandas chooses how many columns it shows by asking at import where it runs."""
    vars(builtins)["get_ipython"] = lambda: SimpleNamespace(kernel=None)
    try:
        importlib.import_module("pandas")
    finally:
        del vars(builtins)["get_ipython"]
    for name in PACKAGES:
        importlib.import_module(name)
    _leave_out_the_debugger()


def _leave_out_the_debugger() -> None:
    """Keep ipykernel from loading debugpy, a quarter of a second in each kernel: nobody debugs a notebook of a report.

    ipykernel goes on without it, as where the package is not installed. A notebook that imports it still can.
    """
    if "debugpy" in sys.modules:
        return
    loaded: dict[str, Any] = sys.modules
    loaded["debugpy"] = None
    try:
        importlib.import_module("ipykernel.debugger")
    finally:
        del loaded["debugpy"]


def _fork(asked: Mapping[str, Any], kernels: dict[int, int | None]) -> int:
    pid = os.fork()
    if pid:
        kernels[pid] = None
        return pid
    code = _FAILED
    try:
        _become_kernel(asked)
        code = 0
    except SystemExit as end:
        code = 0 if end.code is None else end.code if isinstance(end.code, int) else _FAILED
    except BaseException:  # noqa: BLE001 - as an interpreter ends: shown, and the exit code says that it failed
        sys.excepthook(*sys.exc_info())
    finally:
        # Never back into the loop of the process it was forked from, whatever happened.
        try:
            atexit._run_exitfuncs()
        finally:
            os._exit(code)


def _become_kernel(asked: Mapping[str, Any]) -> None:
    """Run a kernel as ``python -m ipykernel_launcher`` would: own session, own folder, own environment."""
    from ipykernel.kernelapp import IPKernelApp

    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(2, 1)  # the line of this process is not the kernel's to write on
    os.close(nothing)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update({**asked["environment"], "JPY_PARENT_PID": str(os.getppid())})
    IPKernelApp.launch_instance(argv=["-f", asked["start"], *asked["more"]])


def _look(pid: int, kernels: dict[int, int | None]) -> int | None:
    """The exit code of a kernel, negative for a signal; None while it runs."""
    if kernels[pid] is None:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            kernels[pid] = os.waitstatus_to_exitcode(status)
    return kernels[pid]


if __name__ == "__main__":
    serve()
