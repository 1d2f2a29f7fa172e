"""hftbacktest on the rows of a tape: the peer in the benchmark, the oracle in the tests."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import hftbacktest as hft
import numpy as np
from hftbacktest.data import correct_event_order
from hftbacktest.types import event_dtype
from numba import njit

from quoting_policy.data.rows import ACTION, ADD, ASK_SIDE, CLEAR, DEPTH, FILL, TRADE
from quoting_policy.data.tape import Tape

_L2 = {DEPTH: hft.DEPTH_EVENT, TRADE: hft.TRADE_EVENT, CLEAR: hft.DEPTH_CLEAR_EVENT}


def event_array(tape: Tape) -> Any:
    """The tape as hftbacktest's events, in its order (rows that arrive out of order appear twice)."""
    rows = _l2_rows(tape) if tape.facts.level == 2 else _l3_rows(tape)
    by_venue = np.argsort(rows["exch_ts"], kind="stable")
    by_receipt = np.argsort(rows["local_ts"], kind="stable")
    return correct_event_order(rows, by_venue, by_receipt)


def _columns(tape: Tape, index: Any) -> Any:
    rows = np.zeros(len(index), event_dtype)
    rows["exch_ts"], rows["local_ts"] = tape.exch_ns[index], tape.local_ns[index]
    rows["px"] = tape.price[index] * float(Decimal(tape.facts.tick_size))
    rows["qty"] = tape.qty[index] * float(Decimal(tape.facts.qty_unit))
    return rows


def _l2_rows(tape: Tape) -> Any:
    rows = _columns(tape, np.arange(len(tape)))
    action, ask = tape.code & ACTION, tape.code & ASK_SIDE > 0
    for ours, theirs in _L2.items():
        rows["ev"][action == ours] = theirs
    # A print against the asks was started by a buyer; everything else names the side of the book.
    buy = np.where(action == TRADE, ask, ~ask)
    rows["ev"] |= np.where(buy, hft.BUY_EVENT, hft.SELL_EVENT).astype(np.uint64)
    return rows


def _l3_rows(tape: Tape) -> Any:
    """An execution becomes a fill, then what it leaves of the order: a change or a deletion."""
    keep = np.flatnonzero(tape.code & ACTION != TRADE)
    left = _left_after(tape.code[keep] & ACTION, tape.order[keep], tape.qty[keep])
    action = tape.code[keep] & ACTION
    index = np.repeat(np.arange(len(keep)), np.where(action == FILL, 2, 1))
    first = np.diff(index, prepend=-1) > 0
    rows = _columns(tape, keep[index])
    action, remains = action[index], left[index] > 0
    fill = (action == FILL) & first
    changes = (action != ADD) & ~fill
    rows["ev"][action == ADD] = hft.ADD_ORDER_EVENT
    rows["ev"][fill] = hft.FILL_EVENT
    rows["ev"][changes & remains] = hft.MODIFY_ORDER_EVENT
    rows["ev"][changes & ~remains] = hft.CANCEL_ORDER_EVENT
    rows["qty"][changes] = left[index][changes] * float(Decimal(tape.facts.qty_unit))
    rows["order_id"] = tape.order[keep][index] + 1_000_000_000
    ask = tape.code[keep][index] & ASK_SIDE > 0
    rows["ev"] |= np.where(ask, hft.SELL_EVENT, hft.BUY_EVENT).astype(np.uint64)
    return rows


def _left_after(action: Any, order: Any, qty: Any) -> Any:
    """Units of its order that each row leaves."""
    change = np.where(action == ADD, qty, -qty)
    sequence = np.lexsort((np.arange(len(order)), order))
    total = np.cumsum(change[sequence])
    left = np.empty(len(order), np.int64)
    left[sequence] = total  # each order's changes before the next order's sum to zero, or to what it keeps
    starts = np.flatnonzero(np.diff(order[sequence], prepend=-2))
    carried = np.repeat(np.concatenate([[0], total[starts[1:] - 1]]), np.diff(np.append(starts, len(order))))
    left[sequence] -= carried
    return left


@dataclass
class Peer:
    """A hftbacktest run, ready to start. It keeps the events alive: the library holds a raw pointer."""

    events: Any
    backtest: Any


def peer(
    tape: Tape,
    events: Any,
    *,
    latency_ns: int,
    queue: tuple[str, float | None],
    roi: bool,
    margin: int = 5_000,
) -> Peer:
    """Set hftbacktest up as our replay is: constant latency, no fees, whole fills.

    queue: name of the asset's method and its argument. roi: the vector depth instead of the hash map.
    """
    tick = float(Decimal(tape.facts.tick_size))
    asset = (
        hft.BacktestAsset().data([events]).linear_asset(1.0).constant_order_latency(latency_ns, latency_ns)
    )
    name, argument = queue
    asset = getattr(asset, name)() if argument is None else getattr(asset, name)(argument)
    asset = asset.no_partial_fill_exchange().trading_value_fee_model(0.0, 0.0)
    asset = asset.tick_size(tick).lot_size(float(Decimal(tape.facts.qty_unit)) * tape.facts.lot)
    asset = asset.last_trades_capacity(0)
    if not roi:
        return Peer(events, hft.HashMapMarketDepthBacktest([asset]))
    low, high = max(0, tape.facts.low_tick - margin), tape.facts.high_tick + margin
    return Peer(events, hft.ROIVectorMarketDepthBacktest([asset.roi_lb(low * tick).roi_ub(high * tick)]))


@njit
def quote_with_hftbacktest(  # type: ignore[no-untyped-def]  # noqa: C901, PLR0912  # one loop, as its users write it
    hbt, step_ns, half_spread, skew, qty, limit, tick, unit, fills
):
    """The benchmark's strategy on hftbacktest; returns decisions, fills noted and the last code (1: the end).

    Each step: one order a side at most, moved by cancelling and sending anew once the old one is gone.
    fills: rows of (order id, exchange time, tick, side).
    """
    working = np.zeros(2, np.int64)
    next_id, noted, steps, code = 0, 0, 0, 0
    while True:
        code = hbt.elapse(step_ns)
        if code != 0:
            break
        steps += 1
        orders = hbt.orders(0)
        for side in range(2):
            if working[side] > 0:
                order = orders.get(working[side])
                if order.status == hft.FILLED:
                    fills[noted, 0], fills[noted, 1] = order.order_id, order.exch_timestamp
                    fills[noted, 2], fills[noted, 3] = order.exec_price_tick, side
                    noted += 1
                if order.status in (hft.FILLED, hft.CANCELED, hft.EXPIRED):
                    working[side] = 0
        hbt.clear_inactive_orders(0)
        depth = hbt.depth(0)
        bid, ask = depth.best_bid_tick, depth.best_ask_tick
        if bid <= 0 or ask >= 2147483647:
            continue
        position = np.rint(hbt.position(0) / unit)
        centre = 0.5 * (bid + ask) - skew * position
        for side in range(2):
            sign = 1 if side == 0 else -1
            target = (
                min(np.floor(centre - half_spread), bid)
                if side == 0
                else max(np.ceil(centre + half_spread), ask)
            )
            if working[side] > 0:
                order = hbt.orders(0).get(working[side])
                if order.cancellable and order.price_tick != target:
                    hbt.cancel(0, working[side], False)
            elif sign * position < limit:
                next_id += 1
                working[side] = next_id
                price = target * tick
                if side == 0:
                    hbt.submit_buy_order(0, next_id, price, qty * unit, hft.GTX, hft.LIMIT, False)
                else:
                    hbt.submit_sell_order(0, next_id, price, qty * unit, hft.GTX, hft.LIMIT, False)
    return steps, noted, code


@njit
def probe_with_hftbacktest(hbt, step_ns, qty, tick, unit, fills):  # type: ignore[no-untyped-def]  # numba
    """One buy at the bid and one sell at the ask each step, for one step, whatever became of the last ones.

    Orders are numbered 2k+1 and 2k+2 in step k, so that a fill in one simulator can be looked up in another.
    Returns the number of fills noted; fills: rows of (order id, exchange time, tick, side).
    """
    step, noted = 0, 0
    while hbt.elapse(step_ns) == 0:
        orders = hbt.orders(0)
        for side in range(2):
            number = 2 * (step - 1) + side + 1
            if step > 0 and number in orders:
                order = orders.get(number)
                if order.status == hft.FILLED:
                    fills[noted, 0], fills[noted, 1] = number, order.exch_timestamp
                    fills[noted, 2], fills[noted, 3] = order.exec_price_tick, side
                    noted += 1
                elif order.cancellable:
                    hbt.cancel(0, number, False)
        hbt.clear_inactive_orders(0)
        depth = hbt.depth(0)
        number = 2 * step + 1
        hbt.submit_buy_order(0, number, depth.best_bid_tick * tick, qty * unit, hft.GTX, hft.LIMIT, False)
        hbt.submit_sell_order(
            0, number + 1, depth.best_ask_tick * tick, qty * unit, hft.GTX, hft.LIMIT, False
        )
        step += 1
    return noted
