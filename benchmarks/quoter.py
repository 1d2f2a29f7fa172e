"""The benchmark's strategy on our replay: row by row what ``quote_with_hftbacktest`` does."""

from __future__ import annotations

import numpy as np

from quoting_policy.data.compiled import compiled
from quoting_policy.sim import memory
from quoting_policy.sim.layout import BUY, DONE, LIVE, SELL
from quoting_policy.sim.memory import Core
from quoting_policy.sim.trader import cancel, elapse, slot_of, submit


@compiled
def quote(core: Core, step_ns: int, half_spread: float, skew: float, qty: int, limit: int) -> int:
    """Quote to the end of the tape; returns the number of decisions.

    Each step: one order a side at most, moved by cancelling and sending anew once the old one is gone.
    half_spread: ticks from the centre; skew: ticks a unit of position; limit: units of position.
    """
    working = np.zeros(2, np.int64)
    steps = 0
    s, rules, orders = memory.state(core), memory.rules(core), memory.orders(core)
    while elapse(core, step_ns, False):
        steps += 1
        for side in range(2):
            if working[side] > 0 and orders[slot_of(core, working[side])].local_status == DONE:
                working[side] = 0
        if s.local_bid < 0 or s.local_ask >= rules.width:
            continue
        bid, ask = rules.base + s.local_bid, rules.base + s.local_ask
        centre = 0.5 * (bid + ask) - skew * s.position
        for side in range(2):
            buying = side == BUY
            raw = (
                min(np.floor(centre - half_spread), bid)
                if buying
                else max(np.ceil(centre + half_spread), ask)
            )
            target = np.int64(raw)
            if working[side] > 0:
                order = orders[slot_of(core, working[side])]
                if (
                    order.local_status == LIVE
                    and order.pending == 0
                    and order.local_place != target - rules.base
                ):
                    cancel(core, working[side])
            elif (s.position if buying else -s.position) < limit:
                working[side] = submit(core, side, target, qty, True)
    return steps


@compiled
def probe(core: Core, step_ns: int, qty: int) -> int:
    """What ``probe_with_hftbacktest`` does; returns the number of steps."""
    step = 0
    s, rules, orders = memory.state(core), memory.rules(core), memory.orders(core)
    while elapse(core, step_ns, False):
        for k in range(2 * step - 1, 2 * step + 1):
            if step > 0 and orders[slot_of(core, k)].local_status == LIVE:
                cancel(core, k)
        submit(core, BUY, rules.base + s.local_bid, qty, True)
        submit(core, SELL, rules.base + s.local_ask, qty, True)
        step += 1
    return step
