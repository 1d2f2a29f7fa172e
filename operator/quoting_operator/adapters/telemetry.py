"""Blocks of shadow, canary and live, read from Prometheus."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass

from quoting_operator.adapters.prometheus import Prometheus, PrometheusError
from quoting_operator.gates.block_reading import BlockReading, BlockRequest
from quoting_operator.gates.published import TRACKS, counters_for
from quoting_operator.gates.sealed import SealedEdge, query, sealed_edge
from quoting_operator.gates.sealed_blocks import SealedBlocks
from quoting_operator.gates.spec import Stage
from quoting_policy.errors import InputError

MOST_POLICIES = 1024
"""Policies whose last edge is kept."""

Terms = tuple[object, ...]
"""What an edge depends on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scraping:
    """How pods are scraped and read.

    interval_s: Prometheus's scrape interval, > 0. scrapes: how many of them after an edge are looked at, so
    that some may be missed. most_blocks: read in one go, the others the next time.
    """

    interval_s: float = 15.0
    scrapes: int = 3
    most_blocks: int = 50

    def __post_init__(self) -> None:
        if not (math.isfinite(self.interval_s) and self.interval_s > 0):
            raise InputError("scrape interval", self.interval_s, "finite and > 0 s")

    def window_s(self, block_length_s: float) -> float:
        """How long after an edge a scrape may be late, s; never beyond the next edge."""
        return min(self.scrapes * self.interval_s, block_length_s)

    def check(self, stage: Stage, block_length_s: float) -> None:
        """Refuse blocks so short that most of them would never be seen. Raises InputError."""
        least = 2 * self.interval_s
        if not block_length_s >= least:
            raise InputError(
                f"spec.rollout.{stage}.blockLength",
                f"{block_length_s:g}s",
                f">= {least:g}s, two scrapes",
                "use longer blocks or scrape more often",
            )

    def lag_s(self, block_length_s: float) -> float:
        """How long after its end a block is read, s: one interval more, for the scrape that is under way."""
        return self.window_s(block_length_s) + self.interval_s


class Telemetry:
    """Reads blocks. It keeps the last edge of each policy, which the next block starts from."""

    def __init__(self, prometheus: Prometheus, scraping: Scraping) -> None:
        self._prometheus = prometheus
        self._scraping = scraping
        self._kept: dict[tuple[str, str], tuple[Terms, SealedEdge]] = {}

    async def read_blocks(self, request: BlockRequest) -> BlockReading:
        """Every block from the request's first that can be read by now, at most `most_blocks` of them.

        Raises InputError for a gate whose metric is not published, and for blocks shorter than two scrapes.
        """
        scraping = self._scraping
        scraping.check(request.stage, request.block_length_s)
        newest = request.newest(scraping.lag_s(request.block_length_s))
        last = min(newest, request.first + scraping.most_blocks - 1)
        counters = counters_for(request.gates)
        edges: list[SealedEdge] = []
        unreachable = ""
        if last >= request.first:
            try:
                for index in range(request.first - 1, last + 1):
                    edges.append(await self._edge(request, index, counters))  # noqa: PERF401  what was read before an error counts
            except PrometheusError as error:
                unreachable = str(error)
        made = SealedBlocks(digest=request.digest, stage=request.stage)
        return BlockReading(
            blocks=await asyncio.to_thread(made.of, request.gates, edges),
            last=request.first + max(len(edges) - 1, 0) - 1,
            reachable=not unreachable,
            problem=unreachable or _problem(request, edges),
        )

    async def _edge(self, request: BlockRequest, index: int, counters: frozenset[str]) -> SealedEdge:
        """The edge at the end of block `index`: kept, or asked for as of a fixed time after it."""
        who = (request.namespace, request.policy)
        terms = (request.digest, request.stage, request.block_ns, index, counters)
        kept = self._kept.pop(who, None)
        if kept is None or kept[0] != terms:
            kept = (terms, await self._asked(request, index, counters))
        self._kept[who] = kept
        if len(self._kept) > MOST_POLICIES:
            del self._kept[next(iter(self._kept))]
        return kept[1]

    async def _asked(self, request: BlockRequest, index: int, counters: frozenset[str]) -> SealedEdge:
        window_s, end_s = self._scraping.window_s(request.block_length_s), request.end_s(index)
        labels = {"namespace": request.namespace, "policy": request.policy, "digest": request.digest}
        promql = query(labels, TRACKS[request.stage], counters, window_s)
        answer = await self._prometheus.query(promql, end_s + window_s)
        # Hundreds of books take longer than others in this loop should have to wait.
        return await asyncio.to_thread(sealed_edge, answer, index, end_s)


def _problem(request: BlockRequest, edges: Sequence[SealedEdge]) -> str:
    """What is wrong at the newest edge, though Prometheus answered."""
    if not edges:
        return ""
    newest = edges[-1]
    if not newest.books and not newest.defect:
        return (
            f"Prometheus has no sealed counters of {request.namespace}/{request.policy} after block "
            f"{newest.index}: are its pods scraped, with the labels namespace and pod?"
        )
    return newest.problem
