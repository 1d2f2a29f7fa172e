"""One peer on a Unix socket: frames in, frames out, never blocking."""

from __future__ import annotations

import socket
from collections.abc import Iterable

from quoting_policy.protocol import FrameBuffer, frame

READ = 1 << 16
MAX_BACKLOG = 1 << 20
"""Bytes that wait for a peer that does not read. One that lets more pile up is cut off."""


class Connection:
    """A peer. greeted: it has said hello in a version that we speak. asked: instruments it has asked for."""

    __slots__ = ("_buffer", "_out", "asked", "greeted", "name", "sock")

    def __init__(self, sock: socket.socket, largest_frame: int) -> None:
        self.sock = sock
        self.greeted = False
        self.name = ""
        self.asked: set[str] = set()
        self._buffer = FrameBuffer(largest_frame)
        self._out = b""

    def receive(self) -> Iterable[bytes] | None:
        """Payloads that have arrived; None when the peer is gone. Raises FrameError as it is iterated."""
        try:
            chunk = self.sock.recv(READ)
        except BlockingIOError:
            return ()
        except OSError:
            return None
        return self._buffer.feed(chunk) if chunk else None

    def send(self, payloads: list[bytes]) -> bool:
        """Send these as frames, keeping what the peer does not take yet; False when it must be cut off."""
        data = b"".join([self._out, *map(frame, payloads)])
        try:
            sent = self.sock.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            return False
        self._out = data[sent:] if sent < len(data) else b""
        return len(self._out) <= MAX_BACKLOG

    @property
    def backlog(self) -> bool:
        """Whether something waits to be sent."""
        return bool(self._out)

    def close(self) -> None:
        """Hang up."""
        self.sock.close()
