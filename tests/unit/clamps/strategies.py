"""Situations and raw quotes, sane and otherwise, for property tests."""

from __future__ import annotations

from hypothesis import strategies as st

from quoting_policy.clamps import LiveOrders, Situation
from quoting_policy.domain import Level, Limits, RawQuote

TICKS = (0.01, 0.1, 0.5, 1.0)

wild = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True),
    st.sampled_from([0.0, -1.0, 1e-300, 1e300, float("nan"), float("inf"), -float("inf")]),
)
price = st.one_of(st.floats(0.01, 2000.0), st.floats(90.0, 110.0), wild)
qty = st.one_of(st.floats(0.0, 50.0), wild)
sane_price = st.floats(90.0, 110.0)


def maybe(values: st.SearchStrategy[float]) -> st.SearchStrategy[float | None]:
    return st.none() | values


limits = st.builds(
    Limits,
    max_position=maybe(st.floats(0, 40)),
    max_notional=maybe(st.floats(0, 5000)),
    max_order_qty=maybe(st.floats(0, 20)),
    max_drawdown=maybe(st.floats(0, 10)),
    max_daily_loss=maybe(st.floats(0, 10)),
    max_order_rate=maybe(st.floats(0, 10)),
    max_quote_rate=maybe(st.floats(0, 10)),
    min_spread=maybe(st.floats(0, 3)),
    max_spread=maybe(st.floats(0, 20)),
    price_band=maybe(st.floats(0, 0.2)),
    reduce_only_at=maybe(st.floats(0, 1)),
    max_data_age=maybe(st.floats(0, 5)),
)


def levels(prices: st.SearchStrategy[float], sizes: st.SearchStrategy[float]) -> st.SearchStrategy:
    return st.lists(st.builds(Level, prices, sizes), max_size=3).map(tuple)


def raw_quotes(
    prices: st.SearchStrategy[float] = price, sizes: st.SearchStrategy[float] = qty
) -> st.SearchStrategy[RawQuote]:
    return st.builds(RawQuote, bids=levels(prices, sizes), asks=levels(prices, sizes), reservation=prices)


@st.composite
def live_orders(draw: st.DrawFn) -> LiveOrders:
    side = st.dictionaries(st.integers(1, 2000), st.integers(1, 10), max_size=2)
    bids, asks = draw(side), draw(side)
    return LiveOrders(bids, asks, sum(bids.values()), sum(asks.values()))


@st.composite
def situations(
    draw: st.DrawFn,
    prices: st.SearchStrategy[float] = price,
    inventories: st.SearchStrategy[float] | None = None,
    limit: st.SearchStrategy[Limits] = limits,
) -> Situation:
    inventory = st.one_of(st.integers(-50, 50).map(float), wild) if inventories is None else inventories
    one, other = draw(inventory), draw(inventory)
    return Situation(
        mid=draw(prices),
        best_bid=draw(st.none() | prices),
        best_ask=draw(st.none() | prices),
        inventory_high=max(one, other),
        inventory_low=min(one, other),
        tick=draw(st.sampled_from(TICKS)),
        lot=draw(st.sampled_from([0.001, 1.0])),
        min_qty_lots=draw(st.integers(1, 3)),
        limits=draw(limit),
        live=draw(st.just(LiveOrders()) | live_orders()),
        drawdown=draw(st.floats(0, 20) | wild),
        daily_loss=draw(st.floats(0, 20) | wild),
        may_send_orders=draw(st.booleans()),
        may_send_quotes=draw(st.booleans()),
        data_age_s=draw(st.none() | st.floats(-1, 10) | wild),
    )


def near_quotes() -> st.SearchStrategy[RawQuote]:
    """One order a side around 100, sometimes just beyond what a calm situation allows."""
    sizes = st.floats(0.5, 12)
    return st.builds(
        lambda bid, ask, buys, sells: RawQuote(
            bids=(Level(bid, buys),), asks=(Level(ask, sells),), reservation=100.0
        ),
        st.floats(96, 101),
        st.floats(99, 104),
        sizes,
        sizes,
    )


def calm_situations() -> st.SearchStrategy[Situation]:
    """A market around 100, a small position: most quotes pass untouched."""
    generous = st.builds(
        Limits,
        max_position=maybe(st.floats(5, 40)),
        max_notional=maybe(st.floats(1, 5000)),
        max_order_qty=maybe(st.floats(2, 20)),
        max_drawdown=maybe(st.floats(5, 10)),
        max_daily_loss=maybe(st.floats(5, 10)),
        min_spread=maybe(st.floats(0, 1)),
        max_spread=maybe(st.floats(1, 20)),
        price_band=maybe(st.floats(0.01, 0.2)),
        reduce_only_at=maybe(st.floats(0.3, 1)),
        max_data_age=maybe(st.floats(1, 5)),
    )
    return st.builds(
        Situation,
        mid=st.just(100.0),
        best_bid=st.floats(98, 99.9),
        best_ask=st.floats(100.1, 102),
        inventory_high=st.integers(-3, 3).map(float),
        inventory_low=st.just(-3.0),
        tick=st.sampled_from(TICKS),
        lot=st.sampled_from([0.001, 1.0]),
        min_qty_lots=st.integers(1, 2),
        limits=generous,
        live=st.just(LiveOrders()) | live_orders(),
        arm_long=maybe(st.floats(3, 12)),
        arm_short=maybe(st.floats(3, 12)),
        drawdown=st.floats(0, 6),
        daily_loss=st.floats(0, 6),
        correlated_long=st.sampled_from([False, False, False, True]),
        correlated_short=st.sampled_from([False, False, False, True]),
        may_send_orders=st.sampled_from([True, True, True, False]),
        data_age_s=st.floats(0, 2),
    )
