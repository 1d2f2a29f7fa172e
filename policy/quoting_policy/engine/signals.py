"""The inputs that models need and an app leaves out, estimated for one book from what the app tells."""

from __future__ import annotations

import math
from collections.abc import Set

import msgspec

from quoting_policy.clamps.situation import LARGEST
from quoting_policy.domain import Fill, LiveOrder, MarketState, PublicTrade, SignalRules
from quoting_policy.domain.clock import NEVER_NS, SECOND
from quoting_policy.models.zones import zone
from quoting_policy.signals import MarketSignals
from quoting_policy.signals.market_signals import SILENCE_NS
from quoting_policy.signals.own_flow import FlowToxicity, OwnLatency

ESTIMATED = frozenset(
    {
        "alpha",
        "fill_hazard_ask",
        "fill_hazard_bid",
        "latency",
        "sigma",
        "time_left",
        "toxicity",
    }
)
"""Fields of MarketState that can be estimated; the others only the app can know."""


class BookSignals:
    """Estimates of what is ``wanted``, off the path of a quote but for one comparison of times.

    Between two points of the volatility's grid only the last mid matters, and the ledger has it: nothing is
    done before ``due_ns`` (monotonic). known: the estimates as they stand; what is not known is not there.
    last_sigma: the volatility as it was last known, price/√s, for those who carry this position's risk.
    """

    def __init__(self, rules: SignalRules, tick: float, wanted: Set[str]) -> None:
        self.rules = rules
        self.wanted = frozenset(wanted) & ESTIMATED
        self._tick = tick
        self._largest = LARGEST * tick
        self._market = MarketSignals(rules, tick, self.wanted)
        self._toxicity = FlowToxicity(rules) if "toxicity" in self.wanted else None
        self._latency = OwnLatency(rules) if "latency" in self.wanted else None
        self._step_ns = max(round(rules.sigma_step_s * SECOND), 1)
        self._alpha_step_ns = round(rules.alpha_step_s * SECOND)
        self.known: dict[str, object] = {}
        self.last_sigma: float | None = None
        self._fed_ns = 0
        if "time_left" in self.wanted and rules.horizon_s is not None:
            self.known["time_left"] = rules.horizon_s
        self.due_ns = 0 if self.wanted - {"time_left"} else NEVER_NS

    def wanting(self, rules: SignalRules, wanted: Set[str]) -> BookSignals:
        """Signals for other models. Under the same rules what is wanted still is not learnt anew."""
        if rules == self.rules and self.wanted == frozenset(wanted) & ESTIMATED:
            return self
        after = BookSignals(rules, self._tick, wanted)
        if rules == self.rules:
            after.last_sigma, after._fed_ns = self.last_sigma, self._fed_ns
            after._market.keep(self._market)
            after._toxicity = after._toxicity and (self._toxicity or after._toxicity)
            after._latency = after._latency and (self._latency or after._latency)
        return after

    def advance(self, now_ns: int, state: MarketState, mid: float, mid_ns: int) -> None:
        """A state came at ``now_ns``. mid, mid_ns: the last one before it, and when that was."""
        if self.due_ns == NEVER_NS:
            return
        market, known = self._market, 0.0 < mid <= self._largest
        fresh = known and now_ns - mid_ns <= SILENCE_NS
        if mid_ns >= self._fed_ns:  # else a mid came in between that was none, and was fed as such
            if known:
                market.mid(mid_ns, mid)
            if not fresh:
                market.mid(mid_ns, math.nan)
        usable = 0.0 < state.mid <= self._largest
        market.mid(now_ns, state.mid if usable else math.nan)
        self._fed_ns = now_ns
        market.best(now_ns, state)
        market.refit(now_ns)
        if self._toxicity is not None:
            self._toxicity.settle(now_ns, mid if fresh else math.nan)
        self._take_stock(now_ns)
        # The next good mid after one that is none is looked at, whenever it comes.
        self.due_ns = (now_ns // self._step_ns + 1) * self._step_ns + 1 if usable else now_ns
        if "alpha" in self.wanted:
            self.due_ns = min(self.due_ns, now_ns + self._alpha_step_ns)
        if self._toxicity is not None:
            self.due_ns = min(self.due_ns, self._toxicity.due_ns + 1)

    def _take_stock(self, now_ns: int) -> None:
        hazard_bid, hazard_ask = self._market.hazards
        sigma = self._market.sigma
        self.last_sigma = self.last_sigma if sigma is None else sigma
        found = {
            "sigma": sigma,
            "fill_hazard_bid": hazard_bid,
            "fill_hazard_ask": hazard_ask,
            "toxicity": None if self._toxicity is None else self._toxicity.level(now_ns),
            "latency": None if self._latency is None else self._latency.value(),
            "time_left": self.rules.horizon_s,
        }
        self.known = {name: found[name] for name in self.wanted if found.get(name) is not None}

    def complete(self, state: MarketState) -> MarketState:
        """The state with what it leaves out, as far as that is known. What the app says is never changed."""
        added = {name: value for name, value in self.known.items() if getattr(state, name) is None}
        if "alpha" in self.wanted and state.alpha is None:
            added["alpha"] = self._market.alpha(state)
        return msgspec.structs.replace(state, **added) if added else state

    def trade(self, trade: PublicTrade, mid: float, mid_ns: int, now_ns: int) -> None:
        """Others traded. mid, mid_ns: the last one before it, and when that was."""
        if now_ns - mid_ns <= SILENCE_NS:
            price = trade.price_ticks * self._tick
            self._market.trade(now_ns, price, mid, buyer=trade.buyer_initiated)
        if self._toxicity is not None:
            self._toxicity.trade(trade)

    def order(self, order: LiveOrder, now_ns: int) -> None:
        """An own order was sent, acknowledged or changed."""
        if self._latency is not None:
            self._latency.order(now_ns, order.order_id, in_flight=order.in_flight)

    def closed(self, order_id: str) -> None:
        """An own order is gone."""
        if self._latency is not None:
            self._latency.closed(order_id)

    def fill(self, fill: Fill, *, mid: float, used: float, now_ns: int, wall_ns: int) -> None:
        """An own order was filled. mid: just before. used: inventory before it, as a share of the limit."""
        if self._latency is not None:
            self._latency.fill(wall_ns, fill.ts_ns)
        if self._toxicity is not None:
            held = f"{zone(used).value} {'long' if used >= 0 else 'short'}"
            self._toxicity.fill(now_ns, fill.side, fill.price_ticks * self._tick, mid, held)
            self.due_ns = min(self.due_ns, self._toxicity.due_ns + 1)
