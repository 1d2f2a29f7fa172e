"""Pods with real engines under a clock in the hand, and what a Prometheus would have stored of them."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
from prometheus_client.parser import text_string_to_metric_families

from quoting_operator.gates.block_reading import BlockRequest
from quoting_operator.gates.sealed import SealedEdge, Series, sealed_edge
from quoting_operator.gates.spec import GateSpec, parse_gates
from quoting_operator.gates.spec import Stage as GateStage
from quoting_policy.domain import Fill, MarketState, PublicTrade, Side, Stage
from quoting_policy.sidecar.metrics import exposition
from quoting_policy.sidecar.snapshot import snapshot
from tests.unit.engine.desk import SECOND, Desk, instrument

BLOCK_S = 10.0
STAGES = {GateStage.SHADOW: Stage.SHADOW, GateStage.CANARY: Stage.CANARY, GateStage.LIVE: Stage.LIVE}

GATES = parse_gates(
    [
        {"name": "pnl", "metric": "pnl", "kind": "success"},
        {"name": "edge", "metric": "edge", "kind": "guardrail", "margin": 1},
        {"name": "markout", "metric": "markout", "horizon": "1s", "kind": "guardrail", "margin": 1},
        {"name": "spread", "metric": "realisedSpread", "horizon": "100ms", "kind": "guardrail", "margin": 1},
        {"name": "excursion", "metric": "inventoryExcursion", "kind": "guardrail", "margin": 0.1},
        {"name": "inventory", "metric": "meanInventory", "kind": "guardrail", "margin": 1},
        {
            "name": "p99",
            "metric": "decisionLatency",
            "kind": "guardrail",
            "test": "quantile",
            "quantile": 0.9,
        },
        {
            "name": "slow",
            "metric": "decisionLatency",
            "kind": "guardrail",
            "test": "rateRatio",
            "margin": 0.5,
        },
        {"name": "there", "metric": "presence", "kind": "integrity"},
    ]
)


class Pod:
    """A pod of policy desk/btc. Its market, fills and slow decisions come from its seed."""

    def __init__(
        self,
        name: str = "pod-0",
        stage: GateStage = GateStage.CANARY,
        symbols: Sequence[str] = ("X",),
        block_s: float = BLOCK_S,
        **revision: Any,
    ) -> None:
        self.name, self.symbols = name, tuple(symbols)
        self.desk = Desk(instruments=tuple(map(instrument, symbols)), **revision)
        self.random = random.Random(name)
        self.terms = {"stage": STAGES[stage], "exposure": 50.0, "block_length_s": block_s}
        self.terms["washout_s"] = block_s / 20
        self.mid = 100.0
        self.allowed = True

    def step(self, seconds: float = 0.25) -> None:
        """Time passes; the market moves, and each book is asked, traded against and filled."""
        desk = self.desk
        desk.wait(seconds)
        if self.allowed:
            desk.allow(**self.terms)
        self.mid += self.random.choice((-0.5, 0.0, 0.5))
        desk.spent_ns = self.random.choice((50_000, 50_000, 50_000, 400_000))
        for symbol in self.symbols:
            state = MarketState(mid=self.mid, best_bid=self.mid - 0.5, best_ask=self.mid + 0.5)
            decision = desk.ask(msgspec.structs.replace(state, bid_qty=1.0, ask_qty=1.0), symbol)
            side = self.random.choice(tuple(Side))
            levels = decision.bids if side is Side.BID else decision.asks
            if levels and self.random.random() < 0.5:
                self._trade(symbol, side, levels[0].price_ticks)

    def _trade(self, symbol: str, side: Side, ticks: int) -> None:
        beyond = self.random.choice((1, 4)) * side.sign
        trade = PublicTrade(ticks - beyond, 3.0, side is Side.ASK)
        self.desk.engine.trade(symbol, trade, **self.desk.clock)
        fill = Fill(
            order_id="o", ts_ns=self.desk.now_ns, side=side, price_ticks=ticks, qty_lots=1,
            mid_before=self.mid, fee=0.01,
        )  # fmt: skip
        self.desk.fill(fill, symbol)

    def text(self) -> str:
        """What it says to whoever scrapes it now."""
        return exposition(snapshot(self.desk.engine, connections=1, **self.desk.clock), LABELS).decode()


LABELS = {"policy": "btc"}


class Store:
    """Samples of sealed counters by series, as Prometheus keeps them."""

    def __init__(self) -> None:
        self.samples: dict[frozenset[tuple[str, str]], list[tuple[float, float]]] = {}

    def scrape(self, text: str, at_s: float, **target: str) -> None:
        """Take in what a target says."""
        sealed = [line for line in text.splitlines() if line.startswith("quoting_sealed_")]
        for family in text_string_to_metric_families("\n".join(sealed) + "\n"):
            for sample in family.samples:
                labels = {"__name__": sample.name, **sample.labels, **target}
                self.samples.setdefault(frozenset(labels.items()), []).append((at_s, sample.value))

    def answer(self, end_s: float, window_s: float) -> list[Series]:
        """Raw samples in the window after an edge."""
        found = (
            Series(dict(labels), tuple(s for s in samples if end_s < s[0] <= end_s + window_s))
            for labels, samples in self.samples.items()
        )
        return [series for series in found if series.samples]


def scraped(pods: Iterable[Pod], blocks: int, store: Store | None = None, every: int = 8) -> Store:
    """Let pods live through blocks; each is scraped every so many steps, not all at the same moment."""
    store, pods = store or Store(), list(pods)
    for step in range(round(blocks * BLOCK_S / 0.25)):
        for i, pod in enumerate(pods):
            pod.step()
            if (step + i) % every == 0:
                store.scrape(pod.text(), pod.desk.wall_ns / SECOND, pod=pod.name, namespace="desk")
    return store


def request(pod: Pod, first: int, **changes: Any) -> BlockRequest:
    """Blocks of the policy from `first` on; the stage is the pod's."""
    stage = next(name for name, value in STAGES.items() if value is pod.terms["stage"])
    fields = {
        "namespace": "desk", "policy": "btc", "digest": pod.desk.digest, "stage": stage,
        "block_length_s": BLOCK_S, "first": first, "gates": GATES, "now_s": pod.desk.wall_ns / SECOND,
    }  # fmt: skip
    return BlockRequest(**(fields | changes))


def edges(store: Store, asked: BlockRequest, last: int, window_s: float = 8.0) -> Iterator[SealedEdge]:
    """Edges from the one before the first block to the last one's."""
    for index in range(asked.first - 1, last + 1):
        end_s = asked.end_s(index)
        yield sealed_edge(store.answer(end_s, window_s), index, end_s)


def gate(name: str) -> GateSpec:
    """One of the gates above."""
    return next(spec for spec in GATES if spec.name == name)
