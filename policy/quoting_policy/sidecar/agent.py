"""The agent: passes its source's instructions on to the engine, and shows the world what the engine does."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path

from aiohttp import web

from quoting_policy.protocol.control import (
    Authorise,
    BaselineOnly,
    Configure,
    Engage,
    Refused,
    Release,
    Revoke,
    Snapshot,
    TakeSnapshot,
    Tighten,
)
from quoting_policy.sidecar.link import EngineLink, LinkDownError
from quoting_policy.sidecar.metrics import CONTENT_TYPE, exposition
from quoting_policy.sidecar.source import Instruction, Source

log = logging.getLogger(__name__)

_STATE = (Engage, Configure, Tighten, Authorise, Release)
"""Instructions that are state: the last of each kind is told again to an engine that has just come up.

A release counts only where it says what it may end: an unbounded one would undo the breach of today.
"""


class Agent:
    """Drives one engine. If it dies, stops or loses its source, authority lapses and the baseline quotes.

    labels: that every series of /metrics gets.
    """

    def __init__(self, control_path: Path, source: Source, labels: Mapping[str, str] | None = None) -> None:
        self._source = source
        self._labels = labels
        self._link = EngineLink(control_path, on_connect=self._catch_up, on_breach=source.report)
        self._state: dict[tuple[type, bool], Instruction] = {}
        self._refusal = ""

    async def run(self, host: str, port: int) -> None:
        """Work until cancelled. host, port: where /metrics, /healthz and /readyz are served."""
        runner = web.AppRunner(self.application(), access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._link.run())
                tasks.create_task(self._follow())
        finally:
            await runner.cleanup()

    def application(self) -> web.Application:
        """The HTTP side."""
        app = web.Application()
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/readyz", self._readyz)
        return app

    async def _follow(self) -> None:
        async for instruction in self._source.instructions():
            kind = type(instruction)
            if isinstance(instruction, Release):
                if instruction.bounded:
                    self._state[kind, instruction.drill_only] = instruction
            elif kind in _STATE:
                self._state[kind, False] = instruction
            elif kind is Revoke:
                self._state.pop((Authorise, False), None)
            await self._pass_on(instruction)

    async def _catch_up(self) -> None:
        for kind in _STATE:
            for drill in (False, True):
                if (instruction := self._state.get((kind, drill))) is not None:
                    await self._pass_on(instruction)

    async def _pass_on(self, instruction: Instruction) -> None:
        try:
            reply = await self._link.ask(instruction)
        except (LinkDownError, TimeoutError) as error:
            log.debug("not told to the engine yet: %s", error)
            return
        if isinstance(reply, Refused):
            self._refusal = f"the engine refused {type(instruction).__name__}: {reply.message}"
            log.error("%s", self._refusal)
        elif isinstance(reply, BaselineOnly):
            self._refusal = f"the baseline runs alone: {reply.message}"
            log.error("%s", self._refusal)
        elif isinstance(instruction, Configure):
            self._refusal = ""

    async def _snapshot(self) -> Snapshot | None:
        try:
            reply = await self._link.ask(TakeSnapshot())
        except (LinkDownError, TimeoutError):
            return None
        return reply if isinstance(reply, Snapshot) else None

    async def _metrics(self, _request: web.Request) -> web.Response:
        body = exposition(await self._snapshot(), self._labels)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE})

    async def _healthz(self, _request: web.Request) -> web.Response:
        """Alive: this loop answers. Whether the engine does too is readiness."""
        return web.Response(text="ok\n")

    async def _readyz(self, _request: web.Request) -> web.Response:
        """Ready: the engine is up, has a revision, and knows the kill state."""
        state = await self._snapshot()
        if state is None:
            return web.Response(status=503, text="the engine does not answer\n")
        if state.rule in ("not_configured", "kill_unknown", "draining"):
            why = self._source.problem() or self._refusal or "the source has said nothing yet"
            return web.Response(status=503, text=f"{state.rule}: {why}\n")
        return web.Response(text=f"{state.rule}\n{self._refusal or self._source.problem()}".strip() + "\n")
