"""The engine's server: one thread, one epoll, two Unix sockets. No HTTP, no Kubernetes, no network."""

from __future__ import annotations

import logging
import os
import select
import signal
import socket
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from quoting_policy.domain import Mode
from quoting_policy.engine import Engine
from quoting_policy.protocol import MAX_CONTROL_FRAME, MAX_FRAME, FrameError
from quoting_policy.sidecar.app import AppDesk
from quoting_policy.sidecar.connection import Connection
from quoting_policy.sidecar.control import ControlDesk

log = logging.getLogger(__name__)

EPOLLIN, EPOLLOUT = select.EPOLLIN, select.EPOLLOUT

MAX_CONNECTIONS = 512
GUARD_S = 0.01
"""How much processor time passes between two looks at a model that does not return, s."""

RETRY_S = 1.0
"""How soon a latch that the disk refused is written again."""
RETRY_NS = round(RETRY_S * 1e9)

SLACK_S = 0.0005
"""So much after an expiry the loop wakes: not a moment before it."""


class Server:
    """Serves apps on one socket and the agent on the other until it is told to stop.

    app_path, control_path: of the sockets; what lies there is replaced. drain_s: after a stop, how long peers
    may take to read what they were told.
    """

    def __init__(self, engine: Engine, app_path: Path, control_path: Path, *, drain_s: float = 2.0) -> None:
        self.engine = engine
        self._drain_s = drain_s
        self._stopping = False
        self._guarding = False
        self._apps: dict[int, Connection] = {}
        self._agents: dict[int, Connection] = {}
        self._app_desk = AppDesk(engine)
        self._control_desk = ControlDesk(engine, lambda: len(self._apps))
        self._poll = select.epoll()
        self._handlers: dict[int, Callable[[int], None]] = {}
        self._wake, self._waker = socket.socketpair()
        self._waker.setblocking(False)
        self._watch(self._wake.fileno(), self._woken)
        self._listeners = [
            self._listen(app_path, self._apps, MAX_FRAME, self._read_app),
            self._listen(control_path, self._agents, MAX_CONTROL_FRAME, self._read_agent),
        ]
        self._told_version = engine.control.version
        self._timeout_s = 0.0

    def stop(self) -> None:
        """Shut down in good order: no quotes, apps told, :meth:`run` returns. For signal handlers too."""
        self._stopping = True
        self._waker.send(b"s")

    def stop_on(self, *signals: signal.Signals) -> None:
        """Stop when one of these signals arrives."""
        for number in signals:
            signal.signal(number, lambda *_: self.stop())

    def guard(self) -> None:
        """Interrupt models that do not come to an end. Main thread only.

        The timer counts processor time: it never wakes an idle engine.
        """
        signal.signal(signal.SIGVTALRM, lambda *_: self.engine.interrupt())
        signal.setitimer(signal.ITIMER_VIRTUAL, GUARD_S, GUARD_S)
        self._guarding = True

    def run(self) -> None:
        """Serve until stopped."""
        poll, handlers = self._poll.poll, self._handlers
        while not self._stopping:
            for fd, mask in poll(self._timeout_s):
                # A handler of this round may have closed a connection of the same round.
                if (handler := handlers.get(fd)) is not None:
                    handler(mask)
            self._after()
        self._drain()

    def close(self) -> None:
        """Close every socket, and stop the timer: its signal would end an interpreter that shuts down."""
        if self._guarding:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        for connection in [*self._apps.values(), *self._agents.values()]:
            connection.close()
        for listener in self._listeners:
            Path(listener.getsockname()).unlink(missing_ok=True)
            listener.close()
        self._wake.close()
        self._waker.close()
        self._poll.close()

    def _drain(self) -> None:
        self.engine.drain(now_ns=time.monotonic_ns())
        self._after()
        self._listeners[0].shutdown(socket.SHUT_RDWR)
        deadline = time.monotonic() + self._drain_s
        while self._apps and (left := deadline - time.monotonic()) > 0:
            for fd, mask in self._poll.poll(left):
                if fd in self._apps:
                    self._handlers[fd](mask)
        self.engine.control.latch.flush()

    def _woken(self, _mask: int) -> None:
        self._wake.recv(64)

    def _after(self) -> None:
        """What follows from the events of a round: expiry, news for apps and agent, the latch on disk."""
        engine, control = self.engine, self.engine.control
        now_ns = time.monotonic_ns()
        if now_ns >= control.review_at_ns:
            control.review(now_ns)
        left_ns = control.review_at_ns - now_ns
        self._timeout_s = left_ns * 1e-9 + SLACK_S if left_ns < RETRY_NS else RETRY_S
        if control.version != self._told_version:
            self._told_version = control.version
            mode = self._app_desk.mode()
            for connection in list(self._apps.values()):
                if connection.greeted:
                    self._send(self._apps, connection, [mode])
            # Whoever was told that the engine is active has to know which instruments are not.
            engine.turned.update(s for s, book in engine.books.items() if book.mode is Mode.REDUCING)
        if engine.turned:
            self._tell_turned()
        if control.news:
            news, control.news = control.news, []
            reports = [self._control_desk.breach(latched) for latched in news]
            for connection in list(self._agents.values()):
                self._send(self._agents, connection, reports)
        control.latch.flush()

    def _tell_turned(self) -> None:
        """Push modes of instruments to who quotes them; not where nobody may quote at all."""
        engine, turned = self.engine, self.engine.turned
        engine.turned = set()
        if engine.control.in_candidate_slot.arm is None:
            return
        for symbol in turned & engine.books.keys():
            mode = self._app_desk.mode_of(symbol)
            for connection in list(self._apps.values()):
                if symbol in connection.asked:
                    self._send(self._apps, connection, [mode])

    def _listen(
        self,
        path: Path,
        peers: dict[int, Connection],
        largest: int,
        read: Callable[[Connection], None],
    ) -> socket.socket:
        path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(os.fspath(path))
        path.chmod(0o660)
        listener.listen(128)
        listener.setblocking(False)

        def accept(_mask: int) -> None:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            if len(peers) >= MAX_CONNECTIONS:
                sock.close()
                return
            sock.setblocking(False)
            connection = Connection(sock, largest)
            peers[sock.fileno()] = connection
            self._watch(sock.fileno(), partial(self._ready, peers, connection, read))

        self._watch(listener.fileno(), accept)
        return listener

    def _watch(self, fd: int, handler: Callable[[int], None]) -> None:
        self._handlers[fd] = handler
        self._poll.register(fd, EPOLLIN)

    def _ready(
        self,
        peers: dict[int, Connection],
        connection: Connection,
        read: Callable[[Connection], None],
        mask: int,
    ) -> None:
        if mask & EPOLLOUT:
            self._send(peers, connection, [])
        if mask == EPOLLIN or (mask & ~EPOLLOUT and connection.sock.fileno() >= 0):
            read(connection)

    def _read_app(self, connection: Connection) -> None:
        payloads = connection.receive()
        if payloads is None:
            self._drop(self._apps, connection)
            return
        answer, replies = self._app_desk.answer, []
        try:
            for payload in payloads:
                reply = answer(connection, payload)
                if reply is not None:
                    replies.append(reply)
        except FrameError as error:
            self._send(self._apps, connection, [*replies, self._app_desk.bad_frame(error)])
            self._drop(self._apps, connection)
            return
        if replies:
            self._send(self._apps, connection, replies)

    def _read_agent(self, connection: Connection) -> None:
        payloads = connection.receive()
        try:
            if payloads is not None:
                self._send(self._agents, connection, [self._control_desk.answer(p) for p in payloads])
                return
        except FrameError as error:
            log.warning("control connection closed: %s", error)
        self._drop(self._agents, connection)

    def _send(self, peers: dict[int, Connection], connection: Connection, payloads: list[bytes]) -> None:
        waited = connection.backlog
        if not connection.send(payloads):
            self._drop(peers, connection)
        elif connection.backlog is not waited:
            events = EPOLLIN | (EPOLLOUT if connection.backlog else 0)
            self._poll.modify(connection.sock.fileno(), events)

    def _drop(self, peers: dict[int, Connection], connection: Connection) -> None:
        fd = connection.sock.fileno()
        if peers.pop(fd, None) is None:
            return
        self._handlers.pop(fd, None)
        self._poll.unregister(fd)
        connection.close()
