"""The edges of limits on prices, and of what may be quoted on at all."""

from __future__ import annotations

import math

import msgspec

from quoting_policy.conformance.bench import around, market
from quoting_policy.conformance.edge import Edge
from quoting_policy.domain import Arm
from quoting_policy.engine import Decision


def min_spread(edge: Edge) -> None:
    """A quote that is too narrow is widened."""
    narrowest, least = edge.limits.min_spread or 0.0, edge.instrument.min_qty_lots
    ticks = math.ceil(narrowest / edge.tick - 1e-6)
    half = (ticks // 2 + 1) * edge.tick
    edge.inside(edge.ask(edge.bench(), below=half, above=half, qty=least))
    if ticks > 1:
        decision = edge.ask(edge.bench(), below=0.0, above=edge.tick, qty=least)
        edge.beyond(decision, held=_spread(decision) >= ticks)


def max_spread(edge: Edge) -> None:
    """A quote that is too wide is narrowed."""
    widest, least = edge.limits.max_spread or 0.0, edge.instrument.min_qty_lots
    ticks = max(1, math.floor(widest / edge.tick + 1e-6))
    edge.inside(edge.ask(edge.bench(), below=0.0, above=ticks * edge.tick, qty=least))
    decision = edge.ask(edge.bench(), below=3 * edge.tick, above=(ticks + 3) * edge.tick, qty=least)
    edge.beyond(decision, held=_spread(decision) <= ticks)


def _spread(decision: Decision) -> int:
    """Ticks between the best prices; one side alone has none that is too wide or too narrow."""
    if not (decision.bids and decision.asks):
        return 0
    return decision.asks[0].price_ticks - decision.bids[0].price_ticks


def price_band(edge: Edge) -> None:
    """Nothing stands outside the band."""
    least = edge.instrument.min_qty_lots
    away = (edge.limits.price_band or 0.0) * edge.mid
    if away >= 2 * edge.tick:
        edge.inside(edge.ask(edge.bench(), below=edge.tick, above=edge.tick, qty=least))
    far = away + 3 * edge.tick
    decision = edge.ask(edge.bench(), below=min(far, edge.mid - edge.tick), above=far, qty=least)
    edge.beyond(decision, held=not decision.asks and not (decision.bids and far < edge.mid - edge.tick))


def data_age(edge: Edge) -> None:
    """Nothing is quoted on data that is old, of unknown age, or from the future."""
    oldest, near = edge.limits.max_data_age or 0.0, 2 * edge.tick
    state = market(edge.tick, edge.mid, book=False)
    for age_s, allowed in ((0.999 * oldest, True), (oldest + 0.001, False), (None, False), (-0.001, False)):
        bench = edge.bench()
        bench.script(around(edge.mid, near, near, edge.instrument.min_qty_lots), Arm.BASELINE)
        decision = bench.ask(state, age_s)
        edge.tally.saw(decision, [edge.clamp])
        if allowed:
            edge.inside(decision)
        else:
            edge.beyond(decision, held=not (decision.bids or decision.asks))


def unusable_input(edge: Edge) -> None:
    """Nothing is quoted from what no market can be."""
    near, mid = 2 * edge.tick, edge.mid
    sound = market(edge.tick, mid)
    for unusable in (
        *({"mid": price} for price in (math.nan, math.inf, -math.inf, 0.0, -mid)),
        *({"inventory": lots} for lots in (math.nan, math.inf, -math.inf, 1e300)),
        *({"best_bid": price} for price in (math.nan, math.inf, -mid, mid + 5 * edge.tick)),
        *({"best_ask": price} for price in (math.nan, -math.inf, 0.0)),
    ):
        bench = edge.bench()
        bench.script(around(mid, near, near, edge.instrument.min_qty_lots), Arm.BASELINE)
        decision = bench.ask(msgspec.structs.replace(sound, **unusable))
        edge.tally.saw(decision, [edge.clamp])
        edge.beyond(decision, held=not (decision.bids or decision.asks))


def post_only(edge: Edge) -> None:
    """Nothing is quoted that would take."""
    least, state = edge.instrument.min_qty_lots, market(edge.tick, edge.mid)
    edge.inside(edge.ask(edge.bench(), below=edge.tick, above=edge.tick, qty=least, state=state))
    for below, above in ((-3 * edge.tick, 5 * edge.tick), (5 * edge.tick, -3 * edge.tick)):
        decision = edge.ask(edge.bench(), below=below, above=above, qty=least, state=state)
        mid = round(edge.mid / edge.tick)
        held = all(b.price_ticks <= mid for b in decision.bids) and all(
            a.price_ticks >= mid for a in decision.asks
        )
        edge.beyond(decision, held=held)


def min_qty(edge: Edge) -> None:
    """Nothing is quoted that the venue would not take."""
    least, near = edge.instrument.min_qty_lots, 2 * edge.tick
    if least > 1:
        edge.inside(edge.ask(edge.bench(), below=near, above=near, qty=least))
        decision = edge.ask(edge.bench(), below=near, above=near, qty=least - 1)
        edge.beyond(decision, held=not (decision.bids or decision.asks))
