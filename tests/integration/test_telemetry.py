"""Blocks from a real Prometheus that scrapes what real engines publish, in real time."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from localcluster.build import PARTS, build, folder_of, go_version
from localcluster.errors import ClusterError
from quoting_operator.adapters.prometheus import Prometheus
from quoting_operator.adapters.telemetry import Scraping, Telemetry
from quoting_operator.gates import Block, RejectedBlock, Rejection
from quoting_operator.gates.block_reading import BlockReading, BlockRequest
from quoting_policy.accounting import Counter
from tests.conftest import unavailable
from tests.unit.gates.pods import GATES, Pod, request
from tests.waiting import eventually

pytestmark = pytest.mark.integration

BLOCK_S = 2.0
SCRAPING = Scraping(interval_s=0.25)


class Server:
    """A Prometheus of our own; what it knows stays when it is stopped and started again."""

    def __init__(
        self,
        program: str,
        folder: Path,
        port: int,
        targets: dict[str, str],
        jobs: Sequence[str] = ("pods",),
    ) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._folder = folder
        static = [
            {"targets": [address], "labels": {"namespace": "desk", "pod": pod}}
            for pod, address in targets.items()
        ]
        scraped = [{"job_name": name, "static_configs": static} for name in jobs]
        timing = {"scrape_interval": "250ms", "scrape_timeout": "250ms"}
        config = folder / "prometheus.json"
        config.write_text(json.dumps({"global": timing, "scrape_configs": scraped}))
        self._command = [
            program, f"--config.file={config}", f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn",
        ]  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        eventually(lambda: urllib.request.urlopen(f"{self.url}/-/ready").status == 200, "Prometheus is ready")

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.terminate()
            self._process.wait(30)
            self._process = None


class Desk:
    """Two pods in real time, and what their engines themselves have counted at each block edge."""

    def __init__(self) -> None:
        self.pods = [Pod("pod-0", block_s=BLOCK_S), Pod("pod-1", block_s=BLOCK_S)]
        self.counted: dict[int, dict[str, dict[str, tuple[float, ...]]]] = {}

    async def live(self) -> None:
        for pod in self.pods:
            pod.desk.wall_ns = time.time_ns()
        while True:
            for pod in self.pods:
                pod.step((time.time_ns() - pod.desk.wall_ns) * 1e-9)
                if sealed := pod.desk.engine.books["X"].ledger.timeline.sealed:
                    self.counted.setdefault(sealed.block, {})[pod.name] = sealed.counts
            await asyncio.sleep(0.05)

    def pnl(self, block: int) -> float:
        """The difference of P&L rates in this block, by the engines' own counters."""
        rates = []
        for arm in ("candidate", "baseline"):
            grown = [
                [new - old for new, old in zip(after[arm], self.counted[block - 1][pod][arm], strict=True)]
                for pod, after in sorted(self.counted[block].items())
            ]
            gain = sum(counts[Counter.PNL_GAIN] - counts[Counter.PNL_LOSS] for counts in grown)
            rates.append(gain / sum(counts[Counter.EXPOSURE_S] for counts in grown))
        return rates[0] - rates[1]

    def request(self, first: int, **changes: Any) -> BlockRequest:
        return request(self.pods[0], first, block_length_s=BLOCK_S, now_s=time.time(), **changes)


@pytest.fixture(scope="session")
def program() -> str:
    part = next(part for part in PARTS if part.name == "prometheus")
    try:
        there = folder_of(part, go_version(part.module)).exists()
    except ClusterError as error:
        unavailable(f"a Prometheus needs Go: {error}")
    if not there:
        unavailable("Prometheus is not built yet: make prepare")
    return build(["prometheus"])["prometheus"]


@asynccontextmanager
async def serving(pods: list[Pod]) -> AsyncIterator[dict[str, str]]:
    """The pods' /metrics, by pod."""
    servers = {}
    for pod in pods:
        app = web.Application()

        async def metrics(_request: web.Request, pod: Pod = pod) -> web.Response:
            return web.Response(text=pod.text())

        app.router.add_get("/metrics", metrics)
        servers[pod.name] = TestServer(app)
        await servers[pod.name].start_server()
    yield {name: f"{server.host}:{server.port}" for name, server in servers.items()}
    for server in servers.values():
        await server.close()


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    made = Desk()
    life = asyncio.create_task(made.live())
    yield made
    life.cancel()


@pytest.fixture
async def server(program: str, desk: Desk, tmp_path: Path, unused_tcp_port: int) -> AsyncIterator[Server]:
    async with serving(desk.pods) as targets:
        made = Server(program, tmp_path, unused_tcp_port, targets)
        await asyncio.to_thread(made.start)
        yield made
        await asyncio.to_thread(made.stop)


@pytest.fixture
async def prometheus(server: Server) -> AsyncIterator[Prometheus]:
    made = Prometheus(server.url, timeout_s=2.0)
    yield made
    made.close()


def this_block() -> int:
    return int(time.time() // BLOCK_S)


async def read_until(
    telemetry: Telemetry, desk: Desk, first: int, enough: Callable[[BlockReading], bool]
) -> BlockReading:
    """What is read from `first` on, once it is enough."""
    for _ in range(240):
        reading = await telemetry.read_blocks(desk.request(first))
        if enough(reading):
            return reading
        await asyncio.sleep(0.25)
    raise AssertionError(f"never enough; last: {reading}")


async def first_read(telemetry: Telemetry, desk: Desk) -> int:
    """The first block since now that was seen from edge to edge: scraping takes a while to begin."""
    reading = await read_until(telemetry, desk, this_block(), lambda reading: bool(accepted(reading)))
    return accepted(reading)[0].index


def accepted(reading: BlockReading, gate: str = "pnl") -> list[Block]:
    return [block for block in reading.blocks[gate] if not isinstance(block, RejectedBlock)]


async def test_blocks_are_what_the_engines_counted_and_history_gives_them_again(
    desk: Desk, prometheus: Prometheus
) -> None:
    telemetry = Telemetry(prometheus, SCRAPING)
    first = await first_read(telemetry, desk)
    reading = await read_until(
        telemetry, desk, first, lambda reading: all(len(accepted(reading, gate.name)) >= 4 for gate in GATES)
    )
    assert (reading.reachable, reading.problem) == (True, "")
    for blocks in reading.blocks.values():
        assert [block.index for block in blocks] == list(range(first, reading.last + 1))
    for block in accepted(reading):
        assert block.value == pytest.approx(desk.pnl(block.index), rel=1e-12)
    again = await Telemetry(prometheus, SCRAPING).read_blocks(desk.request(first))
    assert {name: blocks[: len(reading.blocks[name])] for name, blocks in again.blocks.items()} == dict(
        reading.blocks
    )
    other = await telemetry.read_blocks(desk.request(first, policy="eth"))
    assert {block.reason for block in other.blocks["pnl"]} == {Rejection.BOTH_MISSING}


async def test_a_prometheus_that_hangs_stops_or_forgets_is_never_evidence(
    desk: Desk, server: Server, prometheus: Prometheus
) -> None:
    telemetry = Telemetry(prometheus, SCRAPING)
    first = await first_read(telemetry, desk)
    known = await read_until(telemetry, desk, first, lambda reading: reading.last >= first)
    wanted = len(accepted(known))

    server.signal(signal.SIGSTOP)
    fresh = Telemetry(prometheus, SCRAPING)
    hung = await asyncio.gather(*(fresh.read_blocks(desk.request(first)) for _ in range(8)))
    assert {(reading.reachable, reading.last) for reading in hung} == {(False, first - 1)}
    server.signal(signal.SIGCONT)
    again = await read_until(fresh, desk, first, lambda reading: reading.reachable)
    assert accepted(again)[:wanted] == accepted(known)

    await asyncio.to_thread(server.stop)
    stopped_in = this_block()
    gone = await Telemetry(prometheus, SCRAPING).read_blocks(desk.request(first))
    assert (gone.reachable, gone.last) == (False, first - 1)
    assert "unreachable" in gone.problem
    await asyncio.sleep(2 * BLOCK_S)
    await asyncio.to_thread(server.start)
    back = await read_until(
        telemetry, desk, first, lambda reading: reading.reachable and reading.last > stopped_in + 3
    )
    assert accepted(back)[:wanted] == accepted(known)
    lost = {block.index: block for block in back.blocks["pnl"]}[stopped_in + 1]
    assert isinstance(lost, RejectedBlock)
    assert lost.reason in (Rejection.BOTH_MISSING, Rejection.STALE)


async def test_pods_that_two_jobs_scrape_are_ambiguous_and_named(
    program: str, desk: Desk, tmp_path: Path, unused_tcp_port: int
) -> None:
    async with serving(desk.pods) as targets:
        server = Server(program, tmp_path, unused_tcp_port, targets, jobs=("pods", "again"))
        await asyncio.to_thread(server.start)
        prometheus = Prometheus(server.url)
        telemetry, first = Telemetry(prometheus, SCRAPING), this_block()
        reading = await read_until(telemetry, desk, first, lambda reading: "two series" in reading.problem)
        assert reading.reachable
        assert reading.blocks["pnl"][-1].reason is Rejection.AMBIGUOUS
        prometheus.close()
        await asyncio.to_thread(server.stop)


async def test_a_prometheus_without_history_says_that_both_are_missing(
    desk: Desk, prometheus: Prometheus
) -> None:
    long_ago = this_block() - 1000
    reading = await Telemetry(prometheus, SCRAPING).read_blocks(desk.request(long_ago))
    assert len(reading.blocks["pnl"]) == SCRAPING.most_blocks
    assert {block.reason for block in reading.blocks["pnl"]} == {Rejection.BOTH_MISSING}
    assert "are its pods scraped" in reading.problem
