"""What is known when a quote is asked for, and what others trade."""

from __future__ import annotations

import msgspec


class FillHazard(msgspec.Struct, frozen=True):
    """Fill intensity of one side, lambda(delta) = A exp(-k delta) (Avellaneda & Stoikov 2008, eq. 29).

    A: intensity at the mid, 1/s, > 0. k: decay with distance from the mid, 1/price, > 0.
    """

    A: float
    k: float


class Latency(msgspec.Struct, frozen=True):
    """Delay estimates, s, >= 0. feed: event to our knowing it. order: our sending to the venue's acting."""

    feed: float
    order: float


class MarketState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The market and our position in one instrument, as floats in price units and lots.

    ``None`` means *not known*. A model names the inputs it needs; an engine asked without one of them
    answers with the baseline, it never assumes a value.

    mid, best_bid, best_ask: price. inventory: signed position, lots (+ is long). bid_qty, ask_qty:
    quantity at the best prices, lots. sigma: volatility of the mid, **absolute**, price/sqrt(s).
    time_left: horizon of the strategy, s. fill_hazard_bid, fill_hazard_ask: of our bid, of our ask.
    latency: s. depth: lots within the model's depth band, both sides. toxicity: in [0, 1].
    alpha: expected move of the mid, price, > 0 is a rise. drift: price/s. competition: in [0, 1].
    correlated_inventory: risk of positions in other instruments, counted in lots of this one:
    sum over the others of covariance x inventory, divided by this one's variance; 0 where there are none.
    """

    mid: float
    best_bid: float | None = None
    best_ask: float | None = None
    bid_qty: float | None = None
    ask_qty: float | None = None
    inventory: float = 0.0
    correlated_inventory: float = 0.0
    sigma: float | None = None
    time_left: float | None = None
    fill_hazard_bid: FillHazard | None = None
    fill_hazard_ask: FillHazard | None = None
    latency: Latency | None = None
    depth: float | None = None
    toxicity: float | None = None
    alpha: float | None = None
    drift: float | None = None
    competition: float | None = None


class PublicTrade(msgspec.Struct, frozen=True, array_like=True):
    """A trade between others. buyer_initiated: the taker bought. qty_lots: lots, may be fractional."""

    price_ticks: int
    qty_lots: float
    buyer_initiated: bool
