"""Tests run with sockets blocked, in this process and in those they start; files to talk through are not.

Nor does any of these processes wait for the disk, but where it is told to.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import pytest


def reached(address):
    with socket.socket() as one:
        one.settimeout(2)
        one.connect(address)


# The processes that share the tests out are started with the hook of those a test starts, which then speaks first.
REFUSED = r"socket\.connect|getaddrinfo|reached for the network"


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("127.0.0.1", 9)])
def test_no_connection_is_opened(address):
    with pytest.raises(BaseException, match=REFUSED):
        reached(address)


def test_no_name_is_looked_up():
    with pytest.raises(BaseException, match=REFUSED):
        urllib.request.urlopen("http://example.invalid/")


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no files to talk through here")
def test_two_ends_of_a_file_still_talk():
    one, other = socket.socketpair()
    with one, other:
        one.sendall(b"x")
        assert other.recv(1) == b"x"


@pytest.mark.local_server
def test_a_server_of_its_own_is_allowed_where_the_test_says_so():
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=lambda: server.accept()[0].close())
        thread.start()
        reached(server.getsockname())
        thread.join()


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ("socket.socket().connect(('192.0.2.1', 80))", 1),
        ("socket.getaddrinfo('example.invalid', 80)", 1),
        ("socket.socketpair()", 0),
        ("socket.create_server(('127.0.0.1', 0)).close()", 0),
    ],
)
def test_programs_that_a_test_starts_are_kept_in_too(call, code):
    done = subprocess.run([sys.executable, "-c", f"import socket; {call}"], capture_output=True, text=True, check=False)
    assert done.returncode == code and (code == 0 or "reached for the network" in done.stderr)


def test_a_flush_is_no_wait_but_a_file_that_is_closed_is_refused(tmp_path):
    with (tmp_path / "a").open("w") as file:
        os.fsync(file)
        os.fsync(handle := file.fileno())
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fsync(handle)


@pytest.mark.parametrize(("told", "waits"), [({}, "False"), ({"OUTCOMES_TEST_FLUSHES": "1"}, "True")])
def test_programs_that_a_test_starts_wait_for_the_disk_only_where_they_are_told_to(told, waits):
    call = "import os, types; print(isinstance(os.fsync, types.BuiltinFunctionType))"
    done = subprocess.run(
        [sys.executable, "-c", call], env={**os.environ, **told}, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == waits


def test_the_package_opens_no_connection():
    """Nothing of ours imports what talks to a network; `lab` starts Jupyter, which serves this machine only."""
    source = Path(__file__).resolve().parents[2] / "src" / "outcomes"
    words = (
        "import socket",
        "import urllib",
        "import requests",
        "import http",
        "from urllib",
        "from http",
        "import ssl",
    )
    found = [
        f"{path.name}: {word}" for path in source.rglob("*.py") for word in words if word in path.read_text("utf-8")
    ]
    assert not found and os.environ["PYTHONPATH"]
