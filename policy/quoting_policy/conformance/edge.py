"""A limit on the bench: what it allows must come through, what it forbids must be bound."""

from __future__ import annotations

import math
from dataclasses import dataclass

from quoting_policy.conformance.bench import Bench, around, isolated, market
from quoting_policy.conformance.tally import Tally
from quoting_policy.domain import Arm, Instrument, Limits, MarketState, PortfolioLimits
from quoting_policy.engine import Decision


@dataclass(frozen=True, slots=True)
class Edge:
    """A limit under test. clamp: its name. limits, portfolio: nothing but it."""

    tally: Tally
    clamp: str
    instrument: Instrument
    limits: Limits
    portfolio: PortfolioLimits

    @property
    def tick(self) -> float:
        """Price units."""
        return self.instrument.tick

    @property
    def mid(self) -> float:
        """A mid far enough from zero for every spread that the limits speak of."""
        widest = max(self.limits.min_spread or 0.0, self.limits.max_spread or 0.0)
        return (20_000 + 4 * math.ceil(widest / self.tick)) * self.tick

    def bench(self) -> Bench:
        """A fresh engine that has this limit only."""
        return isolated(self.instrument, self.limits, self.portfolio)

    def ask(
        self, bench: Bench, *, below: float, above: float, qty: float, state: MarketState | None = None
    ) -> Decision:
        """What becomes of this quote."""
        state = state or market(self.tick, self.mid, book=False)
        bench.script(around(state.mid, below, above, qty), Arm.BASELINE)
        decision = bench.ask(state)
        self.tally.saw(decision, [self.clamp])
        return decision

    def inside(self, decision: Decision) -> None:
        """What the limit allows must come through untouched by it, on both sides."""
        whole = bool(decision.bids and decision.asks) and self.clamp not in decision.clamps_bound
        self.tally.must(whole, f"{self.clamp}: took away what its limit allows")

    def beyond(self, decision: Decision, *, held: bool) -> None:
        """What the limit forbids must be bound by it, or refused as a breach, and held.

        A limit of 0 is its own threshold for a breach: then nothing is left for the clamp to bind.
        """
        refused = "baseline_refused" in decision.reasons and not (decision.bids or decision.asks)
        stopped = refused or self.clamp in decision.clamps_bound
        self.tally.must(stopped, f"{self.clamp}: did not bind beyond its limit")
        if not held:
            self.tally.broke(self.clamp)
