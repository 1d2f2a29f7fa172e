"""The operator's process: queue, kopf, probes, and an orderly end."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import kopf
from prometheus_client import REGISTRY

from quoting_operator.adapters.kube import QUOTING_POLICIES, Kube, KubeError, connect
from quoting_operator.adapters.prometheus import Prometheus
from quoting_operator.adapters.telemetry import Scraping, Telemetry
from quoting_operator.gates.block_reading import BlockReading, BlockRequest
from quoting_operator.handlers import watch
from quoting_operator.handlers.collection import PolicyKey
from quoting_operator.handlers.health import Health, serving
from quoting_operator.handlers.measuring import Measuring
from quoting_operator.handlers.metrics import QUEUE, Statuses
from quoting_operator.handlers.queue import Urgency, WorkQueue
from quoting_operator.handlers.reconcile import Reconciler
from quoting_operator.handlers.store import Store
from quoting_operator.handlers.telling import Teller

log = logging.getLogger(__name__)

STOP_S = 3.0
"""Seconds that kopf has to end its watches before it is cancelled."""

TELL_S = 0.5
"""Seconds at the end for the Events that wait."""


@dataclass(frozen=True, slots=True)
class Options:
    """How the operator runs. namespaces: empty for the whole cluster. port: of probes and metrics.

    prometheus: its URL; without one nothing is measured, so that nothing leaves shadow. scrape_interval_s:
    how often it scrapes the pods. paper_image: of the paper stage's Jobs; without one nothing leaves paper.
    """

    namespaces: tuple[str, ...] = ()
    prometheus: str = ""
    scrape_interval_s: float = 15.0
    paper_image: str = ""
    host: str = "0.0.0.0"  # noqa: S104  probes come from the node
    port: int = 8080
    workers: int = 10


async def run(options: Options, stop: asyncio.Event | None = None) -> None:
    """Work until told to stop, by the event or, where there is none, by SIGTERM or SIGINT."""
    started = asyncio.Event()
    background = []
    if stop is None:
        stop = stopped_by_signals()
        background.append(asyncio.create_task(_take_signals_back(started, stop)))
    async with connect() as kube:

        def wake(key: PolicyKey, urgency: Urgency) -> None:
            queue.wake(key, urgency)

        store = Store(wake, options.namespaces)
        teller = Teller(kube.post_event)
        scraping = Scraping(interval_s=options.scrape_interval_s)
        prometheus = Prometheus(options.prometheus) if options.prometheus else None
        read = nothing_measured if prometheus is None else Telemetry(prometheus, scraping).read_blocks
        measuring = Measuring[PolicyKey](read, scraping.lag_s, lambda key: wake(key, Urgency.ROUTINE))
        reconciler = Reconciler(kube, store, teller, measuring, options.paper_image)
        queue = WorkQueue[PolicyKey](reconciler.reconcile, options.workers)
        queue.hold(True)
        QUEUE.set_function(lambda: queue.waiting)
        statuses = Statuses(store.policies.all)
        REGISTRY.register(statuses)
        health = Health(lambda: _why_not_ready(kube, store, options.namespaces))
        # Everything is made before kopf: at its end it waits for the tasks that were made after it began.
        working = asyncio.create_task(queue.run())
        others = (teller.run(), store.listen(kube), store.guard(queue.hold), health.watch_loop())
        background += [working, *map(asyncio.create_task, others)]

        def end_work() -> None:
            """Begin nothing more, and leave no task for kopf to wait for. What was begun can be repeated."""
            working.cancel()
            measuring.close()

        try:
            async with serving(health.application(), options.host, options.port):
                await _watch(options, store, stop, started, background, end_work)
            await teller.finish(TELL_S)
        finally:
            REGISTRY.unregister(statuses)
            end_work()
            if prometheus is not None:
                prometheus.close()
            for task in background:
                task.cancel()
            await asyncio.gather(*background, return_exceptions=True)
    log.info("stopped")


async def _watch(
    options: Options,
    store: Store,
    stop: asyncio.Event,
    started: asyncio.Event,
    background: list[asyncio.Task[None]],
    end_work: Callable[[], None],
) -> None:
    """Run kopf until told to stop, or until something fails."""
    watching = asyncio.create_task(
        kopf.operator(
            registry=watch.registry(),
            settings=watch.settings(),
            memo=watch.Shared(store),
            clusterwide=not options.namespaces,
            namespaces=options.namespaces,
            standalone=True,
            stop_flag=stop,
            ready_flag=started,
            # Unused without peering; left out, kopf looks up a user name that a container does not have.
            identity=cast("Any", "quoting-operator"),
        )
    )
    stopping = asyncio.create_task(stop.wait())
    done, _ = await asyncio.wait({watching, stopping, *background}, return_when=asyncio.FIRST_COMPLETED)
    stop.set()
    end_work()
    await asyncio.wait({watching}, timeout=STOP_S)
    watching.cancel()
    for task in done - {stopping}:
        task.result()


async def _take_signals_back(started: asyncio.Event, stop: asyncio.Event) -> None:
    """Hear signals ourselves again once kopf has begun: by its own handlers it takes 5 s to end."""
    await started.wait()
    _hear_signals(stop)
    await stop.wait()


async def nothing_measured(request: BlockRequest) -> BlockReading:
    """What is read where there is no Prometheus."""
    problem = "no Prometheus is configured: start the operator with --prometheus URL"
    return BlockReading(blocks={}, last=request.first - 1, reachable=False, problem=problem)


async def _why_not_ready(kube: Kube, store: Store, namespaces: tuple[str, ...]) -> str:
    """Ready: the world is known, and policies can be read, everywhere or in the namespaces that are ours."""
    if deaf := store.deaf():
        return deaf
    try:
        for namespace in namespaces or (None,):
            await kube.list_all(QUOTING_POLICIES, namespace, most=1)
    except KubeError as error:
        return str(error)
    return ""


def stopped_by_signals() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set."""
    stop = asyncio.Event()
    _hear_signals(stop)
    return stop


def _hear_signals(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
