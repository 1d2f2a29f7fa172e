"""The edges of limits on what may be held, lost and sent."""

from __future__ import annotations

import math

from quoting_policy.conformance.bench import market
from quoting_policy.conformance.edge import Edge
from quoting_policy.domain import Arm, Fill, LiveOrder, QuoteLevel, Side

_MOST_LOTS = 2**50
"""Beyond this floats cannot tell a lot from the next one; no market is that large."""


def _lots(levels: tuple[QuoteLevel, ...]) -> int:
    return sum(level.qty_lots for level in levels)


def _capped(edge: Edge, most: float, sure: float) -> None:
    """most: lots that a side may have. sure: lots that are allowed whatever floats make of the edge."""
    least = edge.instrument.min_qty_lots
    if most > _MOST_LOTS:
        return
    near = 2 * edge.tick
    if sure >= least:
        edge.inside(edge.ask(edge.bench(), below=near, above=near, qty=math.floor(sure)))
    decision = edge.ask(edge.bench(), below=near, above=near, qty=math.floor(most) + max(1, least))
    edge.beyond(decision, held=_lots(decision.bids) <= most and _lots(decision.asks) <= most)


def position(edge: Edge) -> None:
    """At max_position nothing is added, from flat no more than it."""
    most = edge.limits.max_position or 0.0
    _capped(edge, most, most)
    held = math.floor(most)
    if most > _MOST_LOTS:
        return
    for inventory in (held, -held):
        state = market(edge.tick, edge.mid, inventory, book=False)
        decision = edge.ask(edge.bench(), below=edge.tick, above=edge.tick, qty=edge.instrument.min_qty_lots,
                            state=state)  # fmt: skip
        building = decision.bids if inventory >= 0 else decision.asks
        edge.beyond(decision, held=not building)


def order_qty(edge: Edge) -> None:
    """Every order stays within max_order_qty."""
    most = edge.limits.max_order_qty or 0.0
    _capped(edge, most, most)


def notional(edge: Edge) -> None:
    """The same in money, for the instrument or the portfolio."""
    money = edge.limits.max_notional if edge.clamp == "notional" else edge.portfolio.max_gross_notional
    most = (money or 0.0) / (edge.instrument.lot * edge.mid)
    _capped(edge, most * (1 + 1e-9), most * (1 - 1e-9) - 1)


def loss(edge: Edge) -> None:
    """Buy, let the mid fall: short of the limit both sides stand, beyond it only the position is sold."""
    field = edge.clamp.removeprefix("portfolio_")
    scope = edge.portfolio if edge.clamp.startswith("portfolio_") else edge.limits
    money, value = getattr(scope, f"max_{field}"), edge.instrument.lot * edge.mid
    qty = math.ceil(2.5 * money / value) + 1
    if qty > _MOST_LOTS:
        return
    bench, near, least = edge.bench(), 2 * edge.tick, edge.instrument.min_qty_lots
    edge.ask(bench, below=near, above=near, qty=least)
    fill = Fill(
        order_id="1", ts_ns=bench.wall_ns, side=Side.BID, price_ticks=round(edge.mid / edge.tick),
        qty_lots=qty, mid_before=edge.mid, fee=0.0, maker=True,
    )  # fmt: skip
    bench.engine.fill(edge.instrument.symbol, fill, now_ns=bench.now_ns, wall_ns=bench.wall_ns)
    fall = money / (qty * edge.instrument.lot)
    if money > 0:
        state = market(edge.tick, edge.mid - 0.9 * fall, qty, book=False)
        edge.inside(edge.ask(bench, below=near, above=near, qty=least, state=state))
    state = market(edge.tick, edge.mid - 1.001 * fall, qty, book=False)
    decision = edge.ask(bench, below=near, above=near, qty=qty + least, state=state)
    edge.beyond(decision, held=not decision.bids and _lots(decision.asks) <= qty)


def zone(edge: Edge) -> None:
    """In the red zone only the position is sold."""
    share, most = edge.limits.reduce_only_at, edge.limits.max_position
    least = edge.instrument.min_qty_lots
    if share is None or most is None or most > _MOST_LOTS:
        return
    held = max(1, math.ceil(share * most))
    if held > most:
        return
    for inventory in (held, -held):
        state = market(edge.tick, edge.mid, inventory, book=False)
        decision = edge.ask(edge.bench(), below=edge.tick, above=edge.tick, qty=held + least, state=state)
        building, selling = decision.bids, decision.asks
        if inventory < 0:
            building, selling = selling, building
        edge.beyond(decision, held=not building and _lots(selling) <= held)


def order_rate(edge: Edge) -> None:
    """With the rate of orders spent, nothing new is quoted."""
    rate = edge.limits.max_order_rate or 0.0
    bench, near = edge.bench(), 2 * edge.tick
    events, least = _events(rate), edge.instrument.min_qty_lots
    for number in range(events):
        if number == events - 1:
            edge.inside(edge.ask(bench, below=near, above=near, qty=least))
        order = LiveOrder(
            order_id=str(number), side=Side.BID, price_ticks=1, qty_lots=1, placed_ns=bench.now_ns,
            in_flight=True, arm=Arm.BASELINE,
        )  # fmt: skip
        bench.engine.order(edge.instrument.symbol, order, now_ns=bench.now_ns)
    decision = edge.ask(bench, below=near, above=near, qty=least)
    edge.beyond(decision, held=not (decision.bids or decision.asks))


def quote_rate(edge: Edge) -> None:
    """With the rate of quotes spent, nothing new is quoted."""
    rate = edge.limits.max_quote_rate or 0.0
    bench, least = edge.bench(), edge.instrument.min_qty_lots
    for number in range(_events(rate)):
        edge.inside(edge.ask(bench, below=(2 + number % 2) * edge.tick, above=2 * edge.tick, qty=least))
    decision = edge.ask(bench, below=4 * edge.tick, above=2 * edge.tick, qty=least)
    edge.beyond(decision, held=not (decision.bids or decision.asks))


def _events(rate: float) -> int:
    """Events that a rate allows at once."""
    return max(int(rate), 1) if rate > 0 else 0
