"""What holds of every program that a test starts: Python imports this file first where it is on the path.

None reaches beyond this machine, and none waits for the disk unless it is told to.
"""

import os
import sys

from unflushed import flush_nothing

LOOPBACK = ("127.", "::1", "localhost", "")


def _refuse(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.bind"):
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else None  # a path or bytes: AF_UNIX
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        host = arguments[0]
    else:
        return
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if isinstance(host, str) and not (
        host in LOOPBACK or host.startswith("127.") or (event == "socket.bind" and host == "0.0.0.0")
    ):
        raise PermissionError(f"a test reached for the network: {host}")


sys.addaudithook(_refuse)
if "OUTCOMES_TEST_FLUSHES" not in os.environ:
    os.fsync = flush_nothing
