"""No program that a test starts reaches beyond this machine: Python imports this file first where it is on the path."""

import sys

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
