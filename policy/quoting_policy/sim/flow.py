"""Order flow from random numbers, matched in a real book: synthetic markets as L3 tapes.

Every source of events has an intensity that depends on the book as it is; events are drawn one by one by
thinning, so nothing is drawn ahead of the state that it depends on.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from quoting_policy.data.tape import Facts, Tape
from quoting_policy.errors import InputError
from quoting_policy.sim.orderbook import QTY, ROWS
from quoting_policy.sim.sources import draw_events


@dataclass(frozen=True, slots=True)
class Flow:
    """A synthetic market. Rates in 1/s, prices in ticks, sizes in units; 0 turns a source off.

    limit_rate: limit orders a side, their distance from the other side's best geometric with mean
    mean_distance. market_rate: market orders a side. cancel_rate: of each resting order, times
    1 + imbalance_cancels·(share of its side in the best two sizes): orders flee from a crowded side.
    mean_size: of limit and market orders, geometric. excitation, decay: every market order raises the rate of
    its own side by ``excitation``, which dies off at ``decay`` (Hawkes). regime_rate, regime_factor:
    a second regime, entered and left at that rate, multiplies market orders. jump_rate, jump_levels: market
    orders that sweep so many levels. toxic_rate, toxic_factor: informed spells, begun and ended at that rate,
    in which one side's market orders come so many times as often. squeezer_rate: one unit posted inside a
    spread wider than a tick, and withdrawn before the next. igniter_rate, igniter_orders: bursts of market
    orders one way, turned round at once with a single order of the same total. maker_rate, maker_size: a
    competing maker who requotes both sides, a tick inside where there is room, else at the best.
    """

    limit_rate: float = 20.0
    mean_distance: float = 4.0
    market_rate: float = 5.0
    cancel_rate: float = 0.3
    imbalance_cancels: float = 0.0
    mean_size: float = 3.0
    excitation: float = 0.0
    decay: float = 10.0
    regime_rate: float = 0.0
    regime_factor: float = 3.0
    jump_rate: float = 0.0
    jump_levels: float = 3.0
    toxic_rate: float = 0.0
    toxic_factor: float = 5.0
    squeezer_rate: float = 0.0
    igniter_rate: float = 0.0
    igniter_orders: float = 5.0
    maker_rate: float = 0.0
    maker_size: float = 5.0

    def __post_init__(self) -> None:
        for f in fields(self):
            if not 0 <= getattr(self, f.name) < np.inf:
                raise InputError(f.name, getattr(self, f.name), ">= 0 and finite")
        if self.mean_size < 1 or self.mean_distance < 1:
            raise InputError("mean_size, mean_distance", (self.mean_size, self.mean_distance), ">= 1")
        if self.excitation >= self.decay:
            raise InputError("excitation", self.excitation, f"< decay ({self.decay})", "or the flow explodes")


SCENARIOS = {
    "poisson": Flow(),
    "hawkes": Flow(market_rate=3.0, excitation=4.0, decay=10.0),
    "state-dependent cancels": Flow(imbalance_cancels=4.0),
    "regimes": Flow(regime_rate=0.05, regime_factor=4.0),
    "jumps": Flow(jump_rate=0.05, jump_levels=5.0),
    "toxic": Flow(toxic_rate=0.1, toxic_factor=6.0),
    "spread squeezer": Flow(squeezer_rate=2.0),
    "momentum igniter": Flow(igniter_rate=0.05, igniter_orders=8.0),
    "competing maker": Flow(maker_rate=5.0),
}
"""Named markets, one feature each."""

_WIDTH = 2_001


def generate(flow: Flow, *, seconds: float, seed: int, mid: int = 10_000, max_rows: int = 2_000_000) -> Tape:
    """A synthetic session as an L3 tape: tick 0.01, lot 1, times in ns from 0; equal for equal arguments.

    mid: ticks in the middle at the start. Raises InputError when ``max_rows`` doesn't hold the session.
    """
    if not 0 < seconds < 1e6:
        raise InputError("seconds", seconds, "in (0, 1e6)")
    rows = np.zeros((max_rows, 5), np.int64)
    orders, levels = np.zeros((max_rows, 5), np.int64), np.full((2 * _WIDTH, 3), -1, np.int64)
    levels[:, QTY] = 0
    marks = np.array([-1, _WIDTH, 0, 0], np.int64)
    numbers = np.array([0, 0, 0, 0, 0, -1, -1, -1, 0], np.float64)
    parameters = np.array([getattr(flow, f.name) for f in fields(flow)], np.float64)
    live = np.zeros(max_rows, np.int64)
    draw_events(parameters, numbers, orders, levels, marks, rows, live, seconds, seed)
    count = int(marks[ROWS])
    if count >= max_rows - 100:
        raise InputError(
            "max_rows", max_rows, f"> {count} for this flow", "raise it, or ask for fewer seconds"
        )
    time, code, place, qty, order = rows[:count].T
    price = (place + mid - _WIDTH // 2).astype("<i4")
    facts = Facts(
        venue="synthetic", symbol="SYN", level=3, tick_size="0.01", qty_unit="1",
        epoch="start of the session",
        snapshot=True, low_tick=int(price.min(initial=mid)), high_tick=int(price.max(initial=mid)),
        rows_read=count,
        notes=(f"seed {seed}", repr(flow)),
    )  # fmt: skip
    return Tape(facts, time.copy(), time.copy(), code.astype("u1"), price, qty.copy(), order.astype("<i4"))
