"""What our own orders and fills tell: whether those who trade with us know more, and how late we are."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from quoting_policy.domain import Latency, PublicTrade, Side, SignalRules
from quoting_policy.domain.clock import NEVER_NS, SECOND
from quoting_policy.signals.latency import LatencyQuantiles
from quoting_policy.signals.toxicity import MarkoutTest, OneSidedness, ToxicityResponse, Vpin

MOST_IN_FLIGHT = 1024
"""Orders whose way is timed at once: one that was filled before it was told live is never told at all."""


class _Waiting(NamedTuple):
    due_ns: int
    side: Side
    price: float
    mid: float
    zone: str


class FlowToxicity:
    """Level of defence in [0, 1], from own fills some time after them and from public trades.

    None before ``toxicity_fills`` markouts are known: too few fills say nothing, and nothing is no good sign.
    due_ns: when the next fill is to be looked at.
    """

    def __init__(self, rules: SignalRules) -> None:
        self._markouts = MarkoutTest(rules.toxicity_fills)
        self._sides = OneSidedness(max(2 * rules.toxicity_fills, 20))
        self._vpin = None if rules.vpin_bucket_lots is None else Vpin(rules.vpin_bucket_lots)
        self._response = ToxicityResponse()
        self._wait_ns = round(rules.toxicity_markout_s * SECOND)
        self._waiting: deque[_Waiting] = deque(maxlen=10 * rules.toxicity_fills)
        self.due_ns = NEVER_NS

    def fill(self, now_ns: int, side: Side, price: float, mid: float, zone: str) -> None:
        """An own fill. mid: just before it, price. zone: of the inventory; zones are not compared."""
        self._waiting.append(_Waiting(now_ns + self._wait_ns, side, price, mid, zone))
        self.due_ns = self._waiting[0].due_ns

    def trade(self, trade: PublicTrade) -> None:
        """Others traded."""
        if self._vpin is not None:
            self._vpin.update(trade.qty_lots, float(trade.buyer_initiated))

    def settle(self, now_ns: int, mid: float) -> None:
        """Look at the fills whose time has come. mid: that was in force until now, NaN if none is known."""
        while self._waiting and self._waiting[0].due_ns < now_ns:
            fill = self._waiting.popleft()
            markout = fill.side.sign * (mid - fill.price)
            self._markouts.update(fill.side, markout, mid - fill.mid)
            self._sides.update(fill.side, fill.zone)
            self._response.observe(
                now_ns / SECOND,
                markout=markout,
                one_sided_p=self._sides.p_value(fill.zone),
                markout_p=self._markouts.p_value(),
                correlation=self._markouts.correlation(),
                vpin=None if self._vpin is None else self._vpin.value(),
            )
        self.due_ns = self._waiting[0].due_ns if self._waiting else NEVER_NS

    def level(self, now_ns: int) -> float | None:
        """The level of defence."""
        return None if self._markouts.mean() is None else self._response.level(now_ns / SECOND)


class OwnLatency:
    """Medians of how late fills are told, and of how long orders are on their way.

    feed: the venue's time of a fill to our knowing it; clocks that disagree give no signal. order: an order
    reported in flight to its being reported live, there and back, which is more than the way there.
    """

    def __init__(self, rules: SignalRules) -> None:
        self._feed = LatencyQuantiles(rules.latency_window)
        self._order = LatencyQuantiles(rules.latency_window)
        self._sent_ns: dict[str, int] = {}

    def order(self, now_ns: int, order_id: str, *, in_flight: bool) -> None:
        """An order was reported."""
        if in_flight:
            self._sent_ns.setdefault(order_id, now_ns)
            if len(self._sent_ns) > MOST_IN_FLIGHT:
                del self._sent_ns[next(iter(self._sent_ns))]
        elif (sent_ns := self._sent_ns.pop(order_id, None)) is not None:
            self._order.update((now_ns - sent_ns) / SECOND)

    def closed(self, order_id: str) -> None:
        """An order is gone."""
        self._sent_ns.pop(order_id, None)

    def fill(self, wall_ns: int, venue_ns: int) -> None:
        """A fill of ``venue_ns``, known at ``wall_ns``; both since the epoch."""
        self._feed.update((wall_ns - venue_ns) / SECOND)

    def value(self) -> Latency | None:
        """Both delays; None until both are known."""
        feed, order = self._feed.quantile(0.5), self._order.quantile(0.5)
        return None if feed is None or order is None else Latency(feed=feed, order=order)
