"""One message of every kind, with fixed content: the test vectors of docs/protocol.md."""

from __future__ import annotations

from typing import Any

from quoting_policy.domain import (
    Action,
    Arm,
    Fill,
    FillHazard,
    Latency,
    LiveOrder,
    MarketState,
    Mode,
    OrderAction,
    PublicTrade,
    QuoteLevel,
    Side,
)
from quoting_policy.protocol.messages import (
    Ask,
    Error,
    ErrorCode,
    Filled,
    Hello,
    Market,
    ModeChanged,
    Order,
    OrderClosed,
    Position,
    Quote,
    Trade,
    Welcome,
)

_STATE = MarketState(mid=100.0, best_bid=99.5, best_ask=100.5, inventory=2.0)
_FULL_STATE = MarketState(
    mid=100.0,
    best_bid=99.5,
    best_ask=100.5,
    bid_qty=3.0,
    ask_qty=4.0,
    inventory=-2.0,
    sigma=0.25,
    time_left=60.0,
    fill_hazard_bid=FillHazard(A=1.5, k=0.5),
    fill_hazard_ask=FillHazard(A=1.25, k=0.5),
    latency=Latency(feed=0.001, order=0.002),
    depth=40.0,
    toxicity=0.5,
    alpha=0.125,
    drift=0.0625,
    competition=0.5,
)

FROM_APP: dict[str, Any] = {
    "hello": Hello(1, "quoter"),
    "market": Market("X", _STATE, 1_000_000),
    "trade": Trade("X", PublicTrade(199, 1.5, False), 1_000_000),
    "order": Order(
        "X",
        LiveOrder(
            order_id="a1",
            side=Side.BID,
            price_ticks=198,
            qty_lots=2,
            placed_ns=1_000_000,
            in_flight=True,
            arm=Arm.CANDIDATE,
        ),
    ),
    "closed": OrderClosed("X", "a1"),
    "fill": Filled(
        "X",
        Fill(
            order_id="a1",
            ts_ns=1_700_000_000_000_000_000,
            side=Side.BID,
            price_ticks=198,
            qty_lots=1,
            mid_before=99.75,
            fee=-0.01,
        ),
    ),
    "position": Position("X", -3.0),
    "quote": Ask(7, "X", _STATE, 1_000_000),
    "quote with every input": Ask(8, "X", _FULL_STATE, 1_000_000),
}

FROM_ENGINE: dict[str, Any] = {
    "welcome": Welcome(1, Mode.ACTIVE, "d1", ("X", "Y")),
    "quoted": Quote(
        7,
        "X",
        Arm.CANDIDATE,
        Mode.ACTIVE,
        (QuoteLevel(198, 2), QuoteLevel(197, 4)),
        (QuoteLevel(202, 2),),
        ("position",),
        (),
        ("candidate_slot",),
        (
            OrderAction(
                action=Action.REPLACE,
                order_id="a1",
                side=Side.BID,
                price_ticks=198,
                qty_lots=2,
                reason="moved",
            ),
        ),
        8000,
    ),
    "quoted, nobody may quote": Quote(9, "X", None, Mode.HALTED, (), (), (), (), ("kill_halt",), (), 0),
    "mode": ModeChanged(Mode.HALTED, None, "d1", "kill_halt"),
    "mode of an instrument": ModeChanged(Mode.REDUCING, Arm.BASELINE, "d1", "drawdown", "X"),
    "error": Error(ErrorCode.BAD_VALUE, "symbol: 'Z' must be one of X, Y", 7),
}
