"""Prometheus, asked without blocking the loop: few threads, a deadline for each answer, no partial ones."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import requests
from prometheus_api_client.exceptions import PrometheusApiClientException
from prometheus_api_client.prometheus_connect import PrometheusConnect
from urllib3.util.retry import Retry

from quoting_operator.gates.sealed import Series
from quoting_policy.errors import InputError

CONNECT_TIMEOUT_S = 2.0


class PrometheusError(Exception):
    """No answer, or none that may be relied on; says why in one line."""


class Prometheus:
    """A Prometheus server, or what speaks its HTTP API.

    url: where it is, such as http://prometheus:9090. timeout_s: after which it counts as unreachable.
    threads: queries at once. A thread that is stuck in a dead connection is not replaced: with all of them
    stuck every query fails after `timeout_s`, and nothing piles up.
    """

    def __init__(self, url: str, *, timeout_s: float = 4.0, threads: int = 3) -> None:
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc:
            raise InputError("prometheus url", url, "http://HOST:PORT or https://HOST")
        self.url = url.rstrip("/")
        self._timeout_s = timeout_s
        self._free = asyncio.Semaphore(threads)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="prometheus")
        self._local = threading.local()

    async def query(self, promql: str, at_s: float) -> tuple[Series, ...]:
        """Evaluate a range selector at a time (s since the epoch). Raises PrometheusError."""
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._free.acquire()
                return await self._submit(lambda: self._ask(promql, at_s))
        except TimeoutError:
            raise PrometheusError(f"Prometheus did not answer within {self._timeout_s:g} s") from None
        except PrometheusApiClientException as error:
            raise PrometheusError(f"Prometheus refused the query: {_short(error)}") from None
        except requests.RequestException as error:
            raise PrometheusError(f"Prometheus is unreachable: {_short(error)}") from None
        except (KeyError, TypeError, ValueError) as error:
            raise PrometheusError(f"Prometheus gave no usable answer: {error!r}"[:200]) from None

    def close(self) -> None:
        """Ask no more. Threads end with the answers that they wait for."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _submit(self, ask: Callable[[], tuple[Series, ...]]) -> tuple[Series, ...]:
        """Run on a thread, which is free again when it has an answer, not when we cease to wait for it."""
        loop = asyncio.get_running_loop()

        def freed(_done: Future[Any]) -> None:
            with suppress(RuntimeError):  # the loop is closed, and nobody waits
                loop.call_soon_threadsafe(self._free.release)

        running = self._threads.submit(ask)
        running.add_done_callback(freed)
        return await asyncio.wrap_future(running)

    def _ask(self, promql: str, at_s: float) -> tuple[Series, ...]:
        answer = self._connection().custom_query(promql, params={"time": f"{at_s:.3f}"})
        return tuple(_series(item) for item in answer)

    def _connection(self) -> PrometheusConnect:
        """This thread's own: sessions are not to be shared."""
        connection: PrometheusConnect | None = getattr(self._local, "connection", None)
        if connection is None:
            session = requests.Session()
            session.hooks["response"].append(_refuse_partial)
            self._local.connection = connection = PrometheusConnect(
                self.url,
                # A hung server is not asked twice: the next reconciliation does.
                retry=Retry(total=1, connect=1, read=0, status=0, redirect=0, other=0),
                session=session,
                timeout=(CONNECT_TIMEOUT_S, self._timeout_s),  # type: ignore[arg-type]  # as requests takes it
                method="POST",
            )
        return connection


def _refuse_partial(response: requests.Response, **_: Any) -> None:
    """The client drops warnings, by which proxies and remote storage say that their answer is not whole."""
    if response.ok and b'"warnings"' in response.content and (warnings := response.json().get("warnings")):
        raise PrometheusError(f"Prometheus gave a partial answer: {'; '.join(map(str, warnings))}"[:300])


def _series(item: Mapping[str, Any]) -> Series:
    return Series(item["metric"], tuple((float(at_s), float(value)) for at_s, value in item["values"]))


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
