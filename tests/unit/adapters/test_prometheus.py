"""Asking Prometheus: whole answers or none, and a loop that never waits."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from quoting_operator.adapters.prometheus import Prometheus, PrometheusError
from quoting_operator.gates.sealed import Series
from quoting_policy.errors import InputError

SAMPLES = [{"metric": {"pod": "a"}, "values": [[10.5, "1"], [11.5, "NaN"], [12.5, "+Inf"]]}]


def answer(result: Any = SAMPLES, **more: Any) -> web.Response:
    return web.json_response(
        {"status": "success", "data": {"resultType": "matrix", "result": result}, **more}
    )


@asynccontextmanager
async def served(handle, **settings: Any) -> AsyncIterator[Prometheus]:
    app = web.Application()
    app.router.add_post("/api/v1/query", handle)
    async with TestServer(app) as server:
        prometheus = Prometheus(str(server.make_url("")), **settings)
        try:
            yield prometheus
        finally:
            prometheus.close()


def saying(response: web.Response):
    async def handle(_request: web.Request) -> web.Response:
        return response

    return handle


async def test_an_answer_is_series_with_the_times_of_their_samples() -> None:
    asked = []

    async def handle(request: web.Request) -> web.Response:
        asked.append(dict(request.query))
        return answer()

    async with served(handle) as prometheus:
        (series,) = await prometheus.query('up{pod="a"}[30s]', 1_700_000_000.25)
    assert asked == [{"query": 'up{pod="a"}[30s]', "time": "1700000000.250"}]
    assert isinstance(series, Series)
    assert series.labels == {"pod": "a"}
    assert [str(sample) for sample in series.samples] == ["(10.5, 1.0)", "(11.5, nan)", "(12.5, inf)"]


@pytest.mark.parametrize(
    ("response", "problem"),
    [
        (web.Response(status=503, text="Service Unavailable"), "HTTP Status Code 503"),
        (web.Response(status=422, text="query processing would load too many samples"), "too many samples"),
        (answer(warnings=["store gateway is down"]), "partial answer: store gateway is down"),
        (web.Response(text="<html>log in</html>"), "Prometheus"),
        (web.json_response({"status": "success"}), "no usable answer"),
        (answer([{"metric": {}, "value": [1, "2"]}]), "no usable answer"),
        (answer([{"metric": {}, "values": [[1, "two"]]}]), "no usable answer"),
        (answer(None), "no usable answer"),
    ],
)
async def test_what_is_no_whole_answer_is_none(response: web.Response, problem: str) -> None:
    async with served(saying(response)) as prometheus:
        with pytest.raises(PrometheusError, match=problem) as refused:
            await prometheus.query("up[30s]", 1.0)
    assert "\n" not in str(refused.value)


async def test_a_label_that_speaks_of_warnings_is_no_warning() -> None:
    async with served(saying(answer([{"metric": {"a": '"warnings"'}, "values": []}]))) as prometheus:
        assert await prometheus.query("up[30s]", 1.0) == (Series({"a": '"warnings"'}, ()),)


async def test_nobody_there_is_unreachable(unused_tcp_port: int) -> None:
    prometheus = Prometheus(f"http://127.0.0.1:{unused_tcp_port}")
    with pytest.raises(PrometheusError, match="unreachable"):
        await prometheus.query("up[30s]", 1.0)
    prometheus.close()


async def test_a_hung_server_holds_neither_the_loop_nor_more_than_its_threads() -> None:
    released = asyncio.Event()

    async def hang(_request: web.Request) -> web.Response:
        await released.wait()
        return answer()

    async with served(hang, timeout_s=0.3, threads=2) as prometheus:
        questions = [prometheus.query("up[30s]", 1.0) for _ in range(12)]
        answers = await asyncio.gather(*questions, return_exceptions=True)
        assert {type(each) for each in answers} == {PrometheusError}
        ours = [thread for thread in threading.enumerate() if thread.name.startswith("prometheus")]
        assert len(ours) <= 2
        released.set()
        assert await _until_it_answers(prometheus)


async def test_questions_that_nobody_waits_for_any_more_take_no_thread_for_good() -> None:
    released = asyncio.Event()

    async def hang(_request: web.Request) -> web.Response:
        await released.wait()
        return answer()

    async with served(hang, timeout_s=30.0, threads=2) as prometheus:
        questions = [asyncio.create_task(prometheus.query("up[30s]", 1.0)) for _ in range(12)]
        await asyncio.sleep(0.1)
        for question in questions:
            question.cancel()
        await asyncio.gather(*questions, return_exceptions=True)
        released.set()
        together = await asyncio.gather(*(prometheus.query("up[30s]", 1.0) for _ in range(4)))
        assert len(together) == 4


async def _until_it_answers(prometheus: Prometheus) -> bool:
    for _ in range(100):
        try:
            return bool(await prometheus.query("up[30s]", 1.0))
        except PrometheusError:
            await asyncio.sleep(0.05)
    return False


@pytest.mark.parametrize("url", ["prometheus:9090", "ftp://prometheus", "http://", ""])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(InputError, match="prometheus url"):
        Prometheus(url)
