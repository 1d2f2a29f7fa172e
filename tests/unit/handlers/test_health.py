"""Probes: alive while the loop turns, ready once the question has no answer."""

from __future__ import annotations

import asyncio
import time

import pytest
from aiohttp.test_utils import TestClient, TestServer

from quoting_operator.handlers.health import MOST_LAG_S, Health


async def codes(health: Health) -> tuple[int, int]:
    async with TestClient(TestServer(health.application())) as client:
        return (await client.get("/livez")).status, (await client.get("/readyz")).status


async def unreachable() -> str:
    return "the API server cannot be reached"


async def nothing() -> str:
    return ""


async def test_a_process_that_cannot_work_is_alive_and_not_ready() -> None:
    assert await codes(Health(unreachable)) == (200, 503)
    assert await codes(Health(nothing)) == (200, 200)


async def test_a_loop_that_does_not_turn_is_not_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    health = Health(nothing)
    real = time.monotonic
    monkeypatch.setattr("quoting_operator.handlers.health.time.monotonic", lambda: real() + MOST_LAG_S + 2)
    assert (await codes(health))[0] == 503


async def test_a_turning_loop_stays_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("quoting_operator.handlers.health.CHECK_S", 0.01)
    health = Health(nothing)
    watching = asyncio.create_task(health.watch_loop())
    health._turned -= 100
    await asyncio.sleep(0.1)
    assert (await codes(health))[0] == 200
    watching.cancel()
