"""Ports of this machine that nobody listens on."""

from __future__ import annotations

import socket


def free_ports(count: int) -> list[int]:
    """So many different ones of the loopback interface; free until somebody takes them."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [opened.getsockname()[1] for opened in sockets]
    for opened in sockets:
        opened.close()
    return ports
