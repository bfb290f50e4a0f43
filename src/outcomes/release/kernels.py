"""Kernels for the notebooks of one report, forked from one process with the packages imported (`kernel_server`).

A single notebook, and systems that cannot fork, have kernels started the usual way; what a notebook shows is the same.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from types import MappingProxyType
from typing import IO, Any, cast

from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from outcomes.errors import Finding, OutcomesError

_END_SECONDS = 1.0
_GONE = -int(signal.SIGTERM)
"""Exit code of a kernel of which nothing more can be learned, because the server is gone and its kernels with it."""


class KernelServer:
    """The process the kernels are forked from, and the line to it."""

    def __init__(self, environment: Mapping[str, str], reading: Mapping[str, Any]) -> None:
        # -P: the working folder of the caller is no place to import from.
        command = [sys.executable, "-P", "-m", "outcomes.release.kernel_server"]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=dict(environment),
            text=True,
            start_new_session=True,  # the terminal signals the run, and the run ends its own
        )
        self._line, self._answers = cast("IO[str]", self._process.stdin), cast("IO[str]", self._process.stdout)
        self._lock = threading.Lock()
        with suppress(OSError):  # one that is gone already says so when it is asked
            self._line.write(json.dumps(dict(reading)) + "\n")
            self._line.flush()

    def start(self, connection: str, folder: str, environment: Mapping[str, str], more: list[str]) -> ForkedKernel:
        """Fork a kernel that listens as its connection file says.

        Raises
        ------
        OutcomesError
            E955 the server is gone: killed, as when memory runs out.
        """
        asked = {"start": connection, "folder": folder, "environment": dict(environment), "more": more}
        try:
            return ForkedKernel(self, int(self._ask(asked)["pid"]))
        except OSError as gone:  # to the command a broken pipe would be a disk without room
            remedy = "Most often memory ran out: close other programs, or leave them out (--no-notebooks)."
            finding = Finding("E955", "ended without an answer.", "the process that runs the notebooks", remedy)
            raise OutcomesError("A part of the report was lost, and so there is no report.", [finding]) from gone

    def poll(self, pid: int) -> int | None:
        """Return the exit code of a kernel, or None while it runs."""
        try:
            code = self._ask({"poll": pid})["code"]
        except OSError:
            return _GONE
        return None if code is None else int(code)

    def stop(self) -> None:
        """End it and every kernel it still has."""
        with suppress(OSError):
            self._line.close()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()  # its kernels see that it is gone
            self._process.wait()
        self._answers.close()

    def _ask(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        with self._lock:
            try:
                self._line.write(json.dumps(asked) + "\n")
                self._line.flush()
                answer = self._answers.readline()
            except ValueError as closed:
                raise BrokenPipeError("the process that makes kernels was ended") from closed
        if not answer:
            raise BrokenPipeError("the process that makes kernels is gone")
        return dict(json.loads(answer))


class ForkedKernel:
    """What jupyter_client needs to know of a kernel's process, as `subprocess.Popen` has it."""

    stdin = stdout = stderr = None

    def __init__(self, server: KernelServer, pid: int) -> None:
        self._server = server
        self.pid = pid

    def poll(self) -> int | None:
        """Return its exit code, or None while it runs."""
        return self._server.poll(self.pid)

    def wait(self) -> int | None:
        """Return its exit code; asked for only once it has ended."""
        return self.poll()

    def send_signal(self, number: int) -> None:
        """Send it a signal."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill it."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)


class _ForkProvisioner(LocalProvisioner):
    """Starts the kernel of a manager by fork instead of by command."""

    process: Any
    server: KernelServer

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        at = cmd.index("-f") + 1  # the connection file, and behind it what else the kernel is told
        folder = str(kwargs.get("cwd") or os.getcwd())
        self.process = self.server.start(cmd[at], folder, kwargs["env"], cmd[at + 1 :])
        self.pid = self.pgid = self.process.pid
        return self.connection_info


def fork_from(server: KernelServer, manager: Any) -> None:
    """Let the kernel of a manager be forked from a server."""
    made = _ForkProvisioner(kernel_id="", kernel_spec=manager.kernel_spec, parent=manager)
    made.server = server
    manager.provisioner = made


@contextmanager
def kernel_server(
    environment: Mapping[str, str], reading: Mapping[str, Any] = MappingProxyType({})
) -> Iterator[KernelServer]:
    """Give a server; at the end it is gone, and its kernels with it.

    Parameters
    ----------
    environment : mapping of str to str
    reading : mapping
        What the kernels will read: ``data``, ``mapping``, ``protocol``, ``codebook`` as notebooks are told them. It is
        read once, before the first kernel is forked; without ``data`` nothing is.
    """
    server = KernelServer(environment, reading)
    try:
        yield server
    finally:
        server.stop()
