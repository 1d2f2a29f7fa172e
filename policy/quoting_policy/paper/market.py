"""The market of a session as every arm sees it: best prices, signals and mids, worked out once.

Own orders change nothing for others in a replay, so the market is the same for all arms: what one pass over
the rows finds is given to each of them.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from quoting_policy.data.compiled import compiled
from quoting_policy.data.cut import cut
from quoting_policy.data.rows import ACTION, ASK_SIDE, FILL, TRADE
from quoting_policy.data.tape import Tape, load
from quoting_policy.domain import Latency, MarketState
from quoting_policy.paper.desk import SECOND, Desk
from quoting_policy.paper.sessions import Session
from quoting_policy.signals import MarketSignals
from quoting_policy.signals.market_signals import Hazards
from quoting_policy.sim.grid import apply_row

Int = npt.NDArray[np.int64]
Float = npt.NDArray[np.float64]
_Now = tuple[float | None, Hazards, Latency]

_MARGIN_TICKS = 5_000


@compiled
def _best_path(
    book: Int, base: int, code: npt.NDArray[np.uint8], price: npt.NDArray[np.int32], qty: Int, order: Int,
    out: Int,
) -> None:  # fmt: skip
    """Best bid and ask and what rests there after each row: out[i] = bid, ask, bid_qty, ask_qty; -1: none."""
    width = len(book) // 2
    bid, ask = -1, width
    for i in range(len(order)):
        row = order[i]
        bid, ask = apply_row(book, width, code[row], price[row] - base, qty[row], bid, ask)
        out[i, 0] = base + bid if bid >= 0 else -1
        out[i, 1] = base + ask if ask < width else -1
        out[i, 2] = book[bid] if bid >= 0 else 0
        out[i, 3] = book[width + ask] if ask < width else 0


@dataclass(frozen=True, slots=True)
class Market:
    """A session's market. ``tape`` starts with the book as it stood at the session's start.

    times: decision times, ns, one more than the last block needs. states: what an arm is told at each of
    them, inventory apart. mids: rows of the path of mids, (local ns, price), NaN where a side is missing.
    """

    tape: Tape
    times: Int
    states: list[MarketState]
    mid_times: Int
    mids: Float
    two_sided: bool


def open_market(session: Session, desk: Desk) -> Market:
    """Work out a session's market and signals."""
    tape = cut(load(session.recording.path), session.start_ns, session.end_ns + 1)
    order = tape.local_order if len(tape.local_order) else np.arange(len(tape), dtype=np.int64)
    path = _path(tape, np.asarray(order, np.int64))
    times = np.arange(session.evidence_ns, session.end_ns + 1, desk.decision_ns, dtype=np.int64)
    received = tape.local_ns[order]
    tick = float(tape.facts.tick_size)
    mids = np.where(
        (path[:, 0] >= 0) & (path[:, 1] > path[:, 0]), (path[:, 0] + path[:, 1]) * 0.5 * tick, np.nan
    )
    changed = np.flatnonzero(np.diff(mids, prepend=np.inf) != 0) if len(mids) else np.zeros(0, np.int64)
    mid_times, mid_path = received[changed].astype(np.int64), mids[changed]
    at = np.searchsorted(received, times, side="right") - 1
    signals = _Signals(tape, desk, received, order, mids)
    horizon = desk.signals.horizon_s
    states = []
    for now, row in zip(times.tolist(), at.tolist(), strict=True):
        best = path[row].tolist() if row >= 0 else (-1, -1, 0, 0)
        states.append(_state(best, tick, signals.at(now, row + 1), session.end_ns - now, horizon))
    inside = (mid_times >= session.evidence_ns) & (mid_times <= session.end_ns)
    return Market(tape, times, states, mid_times, mid_path, bool(np.isfinite(mid_path[inside]).any()))


def _path(tape: Tape, order: Int) -> Int:
    facts = tape.facts
    base = max(0, facts.low_tick - _MARGIN_TICKS)
    width = facts.high_tick + _MARGIN_TICKS + 1 - base
    out = np.zeros((len(order), 4), np.int64)
    code, price, qty = np.array(tape.code), np.array(tape.price), np.array(tape.qty)
    _best_path(np.zeros(2 * width, np.int64), base, code, price, qty, order, out)
    return out


def _state(
    best: Sequence[int], tick: float, signals: _Now, left_ns: int, horizon: float | None
) -> MarketState:
    bid, ask, bid_qty, ask_qty = best
    whole = bid >= 0 and ask > bid
    sigma, hazards, latency = signals
    return MarketState(
        mid=(bid + ask) * 0.5 * tick if whole else float("nan"),
        best_bid=bid * tick if bid >= 0 else None,
        best_ask=ask * tick if ask >= 0 else None,
        bid_qty=float(bid_qty) if bid >= 0 else None,
        ask_qty=float(ask_qty) if ask >= 0 else None,
        sigma=sigma,
        time_left=left_ns / SECOND if horizon is None else horizon,
        fill_hazard_bid=hazards[0],
        fill_hazard_ask=hazards[1],
        latency=latency,
    )


class _Signals:
    """Volatility and fill hazards as they stood at rising times, from what had been received by then."""

    def __init__(self, tape: Tape, desk: Desk, received: Int, order: Any, mids: Float) -> None:
        tick = float(tape.facts.tick_size)
        self._received, self._mids = received, mids
        self._row = 0
        action = tape.code[order] & ACTION
        self._moves = _Rows(np.flatnonzero(np.diff(mids, prepend=np.nan) != 0))
        self._prints = _Rows(np.flatnonzero((action == TRADE) | (action == FILL)))
        self._asks = (tape.code[order] & ASK_SIDE) != 0
        self._price = tape.price[order] * tick
        self._signals = MarketSignals(
            desk.signals.rules(), tick, {"sigma", "fill_hazard_bid", "fill_hazard_ask"}
        )
        delays = (tape.local_ns - tape.exch_ns)[1:] if len(tape) > 1 else np.zeros(1, np.int64)
        latency = desk.venue.latency
        self._latency = Latency(max(0.0, float(np.median(delays)) * 1e-9), latency.entry_ms * 1e-3)

    def at(self, now_ns: int, stop: int) -> _Now:
        """Volatility, hazards of our bid and ask, latency, at ``now_ns``, when ``stop`` rows had come."""
        if stop > self._row:
            self._take(self._row, stop)
            self._row = stop
        if stop and math.isfinite(mid := self._mids.item(stop - 1)):
            self._signals.mid(now_ns, mid)
        self._signals.refit(now_ns)
        return self._signals.sigma, self._signals.hazards, self._latency

    def _take(self, start: int, stop: int) -> None:
        """Rows in order of receipt: mids to the volatility, prints to the hazard of the side they hit.

        The first row is told whether or not the mid moved: time has passed since the last one.
        """
        received, mids, signals = self._received.item, self._mids.item, self._signals
        signals.mid(received(start), mids(start))
        for i in self._moves.up_to(stop):
            if i != start:
                signals.mid(received(i), mids(i))
        for i in self._prints.up_to(stop):
            mid = mids(i - 1) if i else math.nan
            buyer = self._asks.item(i)  # the resting order stood on the ask side: our ask's hazard
            signals.trade(received(i), self._price.item(i), mid, buyer=buyer)


class _Rows:
    """Rising row numbers, given out once each."""

    def __init__(self, rows: Int) -> None:
        self._rows: list[int] = rows.tolist()
        self._given = 0

    def up_to(self, stop: int) -> list[int]:
        """Those below ``stop`` that have not been given out."""
        start = self._given
        self._given = bisect.bisect_left(self._rows, stop, start)
        return self._rows[start : self._given]
