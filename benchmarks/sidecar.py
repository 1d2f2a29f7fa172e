"""The engine as apps meet it: round trips, throughput, many instruments, memory, start.

    python benchmarks/sidecar.py [--json]

A real `quoting engine` process, configured over its control socket. Round trips are measured with both ends
on one core, beside the floor of the same run: a bare echo of the same bytes over a Unix socket, which is what
the scheduler and the kernel take.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import socket
import subprocess
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from quoting_policy.domain import (
    ArmSpec,
    Frozen,
    Instrument,
    Kill,
    KillAction,
    Limits,
    MarketState,
    Revision,
)
from quoting_policy.protocol import MAX_CONTROL_FRAME, FrameBuffer, frame
from quoting_policy.protocol.control import Configure, Engage
from quoting_policy.protocol.messages import VERSION, Ask, Hello

INSTRUMENTS = 50
LIMITS = Limits(
    max_position=100, max_notional=1e6, max_order_qty=50, max_drawdown=1e5, price_band=0.2, max_data_age=10
)


def revision() -> Revision:
    """FixedSpread on fifty instruments."""
    return Revision(
        baseline=ArmSpec(model="FixedSpread", params={"halfSpread": 1.0, "qty": 2}),
        instruments=tuple(
            Instrument(symbol=f"X{i}", tick_size=Decimal("0.1"), lot_size=Decimal("0.001"))
            for i in range(INSTRUMENTS)
        ),
        limits=LIMITS,
    )


class Peer:
    """A plain blocking peer: as little of its own as can be."""

    def __init__(self, path: Path) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(str(path))
        self.buffer = FrameBuffer(MAX_CONTROL_FRAME)

    def ask(self, message: Any) -> bytes:
        """One round trip."""
        self.sock.sendall(frame(msgspec.msgpack.encode(message)))
        while True:
            for payload in self.buffer.feed(self.sock.recv(65536)):
                return payload


class EngineProcess:
    """`quoting engine`, pinned to a core if told so."""

    def __init__(self, core: int | None) -> None:
        self.folder = tempfile.TemporaryDirectory()
        folder = Path(self.folder.name)
        self.app, self.control = folder / "engine.sock", folder / "control.sock"
        command = [sys.executable, "-m", "quoting_operator.cli.quoting", "engine"]
        command += ["--socket", str(self.app), "--control", str(self.control)]
        started = time.perf_counter()
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        if core is not None:
            os.sched_setaffinity(self.process.pid, {core})
        agent = self._connected()
        agent.ask(Configure(Frozen.of(revision())))
        agent.ask(Engage(Kill(action=KillAction.NONE)))
        self.start_s = time.perf_counter() - started

    def _connected(self) -> Peer:
        """A connection to the control socket, as soon as it is there and listened to."""
        while True:
            try:
                return Peer(self.control)
            except (FileNotFoundError, ConnectionRefusedError):
                time.sleep(0.001)

    def cpu_s(self) -> float:
        """Processor time used so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_mib(self) -> float:
        """Resident memory."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait()
        self.folder.cleanup()


def question(number: int) -> Ask:
    """A question about one of the instruments."""
    mid = 100.05 + 0.3 * math.sin(number)
    state = MarketState(mid=mid, best_bid=mid - 0.05, best_ask=mid + 0.05, inventory=2.0)
    return Ask(number, f"X{number % INSTRUMENTS}", state, time.monotonic_ns())


def percentile(ordered: list[float], share: float) -> float:
    """The value below which this share lies."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def round_trips(engine: EngineProcess, count: int, rounds: int) -> dict[str, float]:
    """us, of the round with the lowest median: encode, send, decide, receive, cut."""
    app = Peer(engine.app)
    app.ask(Hello(VERSION))
    best: list[float] = []
    for _ in range(rounds):
        times = []
        for number in range(count):
            ask = question(number)
            started = time.perf_counter_ns()
            app.ask(ask)
            times.append((time.perf_counter_ns() - started) / 1000)
        times.sort()
        if not best or percentile(times, 0.5) < percentile(best, 0.5):
            best = times
    return {"p50_us": percentile(best, 0.5), "p99_us": percentile(best, 0.99)}


def echo_floor(count: int, rounds: int) -> dict[str, float]:
    """The same bytes over a Unix socket to a process that only echoes, on the same core."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    child = os.fork()
    if child == 0:
        ours.close()
        while data := theirs.recv(65536):
            theirs.sendall(data)
        os._exit(0)
    theirs.close()
    payload, best = frame(msgspec.msgpack.encode(question(1))), []
    for _ in range(rounds):
        times = []
        for _ in range(count):
            started = time.perf_counter_ns()
            ours.sendall(payload)
            ours.recv(65536)
            times.append((time.perf_counter_ns() - started) / 1000)
        times.sort()
        if not best or percentile(times, 0.5) < percentile(best, 0.5):
            best = times
    ours.close()
    os.waitpid(child, 0)
    return {"p50_us": percentile(best, 0.5), "p99_us": percentile(best, 0.99)}


def throughput(engine: EngineProcess, batch: int, batches: int, rounds: int) -> float:
    """Quotes a second on one connection with many questions under way; the best round."""
    app = Peer(engine.app)
    app.ask(Hello(VERSION))
    stream = b"".join(frame(msgspec.msgpack.encode(question(n))) for n in range(batch))
    best = 0.0
    for _ in range(rounds):
        started = time.perf_counter()
        for _ in range(batches):
            app.sock.sendall(stream)
            answered = 0
            while answered < batch:
                answered += sum(1 for _ in app.buffer.feed(app.sock.recv(1 << 18)))
        best = max(best, batch * batches / (time.perf_counter() - started))
    return best


def steady(engine: EngineProcess, per_second: int, seconds: float) -> dict[str, float]:
    """All instruments at this rate each, evenly spread: the engine's share of a core, and the round trips."""
    app = Peer(engine.app)
    app.ask(Hello(VERSION))
    total = int(INSTRUMENTS * per_second * seconds)
    gap = 1.0 / (INSTRUMENTS * per_second)
    times = []
    cpu, start = engine.cpu_s(), time.perf_counter()
    for number in range(total):
        while (wait := start + number * gap - time.perf_counter()) > 0:
            time.sleep(wait if wait > 2e-4 else 0)
        sent = time.perf_counter_ns()
        app.ask(question(number))
        times.append((time.perf_counter_ns() - sent) / 1000)
    elapsed = time.perf_counter() - start
    times.sort()
    return {
        "cores": (engine.cpu_s() - cpu) / elapsed,
        "achieved_per_s": total / elapsed,
        "p50_us": percentile(times, 0.5),
        "p999_us": percentile(times, 0.999),
    }


def measure(quick: bool) -> dict[str, Any]:
    """Every figure of the sidecar."""
    core = max(os.sched_getaffinity(0))
    everywhere = os.sched_getaffinity(0)
    count, rounds = (500, 3) if quick else (5000, 10)
    engine = EngineProcess(core)
    os.sched_setaffinity(0, {core})
    trips, floor = round_trips(engine, count, rounds), echo_floor(count, rounds)
    quotes = throughput(engine, 500, 5 if quick else 20, rounds)
    os.sched_setaffinity(0, everywhere)
    os.sched_setaffinity(engine.process.pid, everywhere)
    load = steady(engine, 100, 1.0 if quick else 10.0)
    memory = engine.resident_mib()
    starts = [engine.start_s]
    engine.stop()
    for _ in range(1 if quick else 4):
        again = EngineProcess(None)
        starts.append(again.start_s)
        again.stop()
    return {
        "load_average": os.getloadavg()[0],
        "echo_floor_one_core": floor,
        "round_trip_one_core": {**trips, "limit_p50_us": 30, "limit_p99_us": 80},
        "quotes_per_s_one_connection": {"value": quotes, "limit": 25_000},
        "fifty_instruments_at_100_per_s": {**load, "limit_cores": 0.35, "limit_p999_us": [300, 10_000]},
        "resident_mib": {"value": memory, "limit": 60},
        "start_to_ready_s": {"best": min(starts), "all": starts, "limit": 0.6},
    }


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, list) else value


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="a look, not a measurement")
    args = parser.parse_args()
    figures = _rounded(measure(args.quick))
    if args.json:
        print(json.dumps(figures))
        return
    for name, row in figures.items():
        print(f"{name:34}", row)


if __name__ == "__main__":
    main()
