"""Probes and metrics over HTTP: alive while the loop turns, ready once policies can be read."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client import generate_latest

from quoting_operator.handlers.metrics import LOOP_LAG

CHECK_S = 1.0
MOST_LAG_S = 15.0
"""A loop later than this is stuck; the kubelet starts the process anew."""

Ready = Callable[[], Awaitable[str]]


class Health:
    """Liveness by the loop's own lateness; readiness by a question that answers why not, empty if ready."""

    def __init__(self, ready: Ready) -> None:
        self._ready = ready
        self._turned = time.monotonic()

    async def watch_loop(self) -> None:
        """Measure how late the loop is, until cancelled."""
        while True:
            before = time.monotonic()
            await asyncio.sleep(CHECK_S)
            self._turned = time.monotonic()
            LOOP_LAG.set(self._turned - before - CHECK_S)

    def application(self) -> web.Application:
        """/livez, /readyz, /metrics."""
        app = web.Application()
        app.router.add_get("/livez", self._livez)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/metrics", self._metrics)
        return app

    async def _livez(self, _request: web.Request) -> web.Response:
        late = time.monotonic() - self._turned - CHECK_S
        stuck = late > MOST_LAG_S
        return web.Response(status=503 if stuck else 200, text=f"loop {max(late, 0.0):.1f} s late\n")

    async def _readyz(self, _request: web.Request) -> web.Response:
        why = await self._ready()
        return web.Response(status=503 if why else 200, text=f"{why or 'ready'}\n")

    async def _metrics(self, _request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(), headers={"Content-Type": "text/plain; version=0.0.4"})


@asynccontextmanager
async def serving(app: web.Application, host: str, port: int, **options: object) -> AsyncIterator[int]:
    """Serve an application; gives the port, which matters where 0 was asked for."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port, **options)  # type: ignore[arg-type]  # ssl_context only
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
