"""Engines and agents on real sockets, in threads and in processes of their own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from quoting_policy.client import QuotingClient
from quoting_policy.domain import Authority, Frozen, Kill, KillAction, MarketState, Revision, Stage
from quoting_policy.engine import Engine, Latch
from quoting_policy.protocol import MAX_CONTROL_FRAME, FrameBuffer, frame
from quoting_policy.protocol.control import Authorise, Configure, Engage, EngineReply
from quoting_policy.sidecar.server import Server
from tests.unit.engine.desk import revision

STATE = MarketState(mid=100.0, best_bid=99.5, best_ask=100.5)
DEADLINE_S = 60.0


def eventually(condition: Callable[[], Any], what: str = "the condition") -> Any:
    """Wait until it holds, generously: the machine may be busy."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.01)
    raise AssertionError(f"{what} did not come about within {DEADLINE_S:g} s")


class Peer:
    """A peer that speaks frames, and whatever else it likes."""

    def __init__(self, path: Path, reply_type: Any) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(DEADLINE_S)
        self.sock.connect(str(path))
        self._buffer = FrameBuffer(MAX_CONTROL_FRAME)
        self._ready: list[bytes] = []
        self._type = reply_type

    def send(self, message: Any) -> None:
        self.sock.sendall(frame(msgspec.msgpack.encode(message)))

    def receive(self) -> Any:
        """The next message; None when the other side has hung up."""
        while not self._ready:
            chunk = self.sock.recv(1 << 16)
            if not chunk:
                return None
            self._ready += self._buffer.feed(chunk)
        return msgspec.msgpack.decode(self._ready.pop(0), type=self._type)

    def ask(self, message: Any) -> Any:
        self.send(message)
        return self.receive()

    def close(self) -> None:
        self.sock.close()


class ThreadedEngine:
    """A server in a thread: real sockets, and an engine that a test can look into."""

    def __init__(self, folder: Path) -> None:
        self.app, self.control = folder / "engine.sock", folder / "control.sock"
        self.engine = Engine(latch=Latch(folder / "latch.json"))
        self.server = Server(self.engine, self.app, self.control, drain_s=0.5)
        self._thread = threading.Thread(target=self.server.run, daemon=True)
        self._thread.start()

    def set_up(self, what: Revision | None = None) -> str:
        """Configure and release the kill switch over the control socket; the digest."""
        frozen = Frozen.of(what or revision())
        agent = Peer(self.control, EngineReply)
        agent.ask(Configure(frozen))
        agent.ask(Engage(Kill(action=KillAction.NONE)))
        agent.close()
        return frozen.digest

    def tell(self, message: Any) -> EngineReply:
        agent = Peer(self.control, EngineReply)
        reply = agent.ask(message)
        agent.close()
        return reply

    def allow(self, digest: str, **changes: Any) -> EngineReply:
        fields = {"digest": digest, "stage": Stage.LIVE, "exposure_percent": 100.0, "lifetime_s": 60.0}
        return self.tell(Authorise(Authority(**(fields | changes)), time.monotonic_ns()))

    def client(self, **options: Any) -> QuotingClient:
        return QuotingClient(self.app, **({"timeout_s": DEADLINE_S, "reconnect_s": 0.0} | options))

    def stop(self) -> None:
        self.server.stop()
        self._thread.join(DEADLINE_S)
        self.server.close()


class Sidecar:
    """`quoting engine` and `quoting agent` as processes, driven by a watched folder."""

    def __init__(self, folder: Path) -> None:
        self.app, self.control = folder / "engine.sock", folder / "control.sock"
        self.source, self.state = folder / "source", folder / "state"
        self.source.mkdir()
        self.state.mkdir()
        self.processes: list[subprocess.Popen[bytes]] = []
        self.engine: subprocess.Popen[bytes] | None = None
        self.agent: subprocess.Popen[bytes] | None = None
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]

    def _start(self, *arguments: object) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "quoting_operator.cli.quoting", *map(str, arguments)]
        process = subprocess.Popen(
            command, stderr=subprocess.DEVNULL, env=os.environ | {"PYTHONWARNINGS": ""}
        )
        self.processes.append(process)
        return process

    def start_engine(self) -> None:
        self.engine = self._start(
            "engine", "--socket", self.app, "--control", self.control, "--state-dir", self.state
        )

    def start_agent(self) -> None:
        self.agent = self._start(
            "agent", "--control", self.control, "--directory", self.source, "--port", self.port
        )

    def put(self, name: str, content: Any) -> None:
        """Write a file of the folder at once, as an editor with manners would."""
        beside = self.source / f".{name}"
        beside.write_bytes(msgspec.json.encode(content))
        beside.rename(self.source / name)

    def allow(self, digest: str, lifetime_s: float = 60.0, **changes: Any) -> None:
        fields = {"digest": digest, "stage": Stage.LIVE, "exposure_percent": 100.0}
        self.put("authority.json", Authority(**(fields | changes), lifetime_s=lifetime_s))

    def client(self, **options: Any) -> QuotingClient:
        return QuotingClient(self.app, **({"timeout_s": 5.0, "reconnect_s": 0.0} | options))

    def stop(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
            process.wait()
