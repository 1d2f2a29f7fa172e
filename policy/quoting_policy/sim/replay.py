"""Replay of a tape with orders of one's own in it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt

from quoting_policy.data.rows import ACTION, FILL, TRADE
from quoting_policy.data.tape import Tape
from quoting_policy.errors import InputError
from quoting_policy.sim import memory, trader
from quoting_policy.sim.conditions import Venue
from quoting_policy.sim.latency import RecordedLatency
from quoting_policy.sim.layout import (
    BUY,
    DONE,
    FILL_RECORD,
    NO_BID,
    ORDER,
    OUTCOMES,
    REQUEST,
    RESPONSE,
    RULES,
    SELL,
    STATE,
)  # fmt: skip
from quoting_policy.sim.view import KNOWN, PROGRESS, SEEN, STATUS, OwnOrder, View

_SLOTS = 256
_MARGIN_TICKS = 5_000
_NOW, _ANSWERS, _FILLS_SEEN, _OVERFLOW = (
    (STATE.names or ()).index(name) for name in ("now", "response_head", "fills_seen", "overflow")
)
"""Fields of the state by number: each is eight bytes, and eight bytes are read faster than a named field."""


class Replay:
    """A recorded market, played event by event, with own orders in its queues.

    The market is what the tape says; own orders move up the queues of the tape (exactly on an L3 tape, by
    ``venue.queue`` on an L2 tape) and change nothing for others. Rows are ordered by (time, row); of one
    moment market rows come before own requests. For equal tape, venue, seed and calls, all results are equal,
    however the time between two decisions is cut into steps.

    margin_ticks: how far beyond the traded prices of the tape the book reaches; rows further out, and own
    orders there, are left out. max_fills: room for fills.

    >>> replay = Replay(tape, venue=Venue(latency=ConstantLatency(5_000_000, 5_000_000)))
    >>> while replay.elapse(100_000_000):
    ...     view = replay.view()
    """

    def __init__(
        self, tape: Tape, *, venue: Venue | None = None, seed: int = 0, max_fills: int = 1_000_000,
        margin_ticks: int | None = None,
    ) -> None:  # fmt: skip
        self.tape = tape
        self.venue = venue or Venue()
        self._arrays = _arrays(tape, self.venue, seed, max_fills, margin_ticks)
        self.core = memory.table_of(list(self._arrays.values()))
        trader.forget_prints(self.core)
        self._state: Any = self._arrays["state"][0]
        self._words = self._arrays["state"].view(np.int64)
        self._order_words = self._arrays["orders"].view(np.int64).reshape(_SLOTS, -1)
        self._base = int(self._arrays["rules"]["base"][0])
        self._width = int(self._arrays["rules"]["width"][0])
        self._at_work: list[int] = []
        self._fills_given = 0
        self._prints_given = 0

    @property
    def now(self) -> int:
        """Local time, ns."""
        return self._words.item(_NOW)

    @property
    def answers(self) -> int:
        """Answers of the venue received so far: while it stands still, no own order has changed."""
        return self._words.item(_ANSWERS)

    def elapse(self, duration_ns: int, *, wake_on_fill: bool = False) -> bool:
        """Let time pass; False once the tape is played to its end.

        wake_on_fill: come back as soon as a fill is known.
        """
        if duration_ns <= 0:
            raise InputError("duration_ns", duration_ns, "> 0")
        more = trader.elapse(self.core, duration_ns, wake_on_fill)
        self._check_room()
        return bool(more)

    def submit(self, side: int, price: int, qty: int, *, post_only: bool = True) -> int:
        """Send a limit order and return its id. price: ticks; qty: units, a multiple of the tape's lot."""
        if side not in (BUY, SELL):
            raise InputError("side", side, "BUY (0) or SELL (1)")
        self._check_qty(qty)
        order_id = int(trader.submit(self.core, side, price, qty, post_only))
        if order_id == 0:
            raise InputError(
                "orders at work", _SLOTS, f"< {_SLOTS}", "cancel some and let the answers arrive"
            )
        self._at_work.append(order_id)
        self._check_room()
        return order_id

    def cancel(self, order_id: int) -> bool:
        """Ask for a cancellation; False if the order is known to be done."""
        return bool(trader.cancel(self.core, order_id))

    def amend(self, order_id: int, price: int, qty: int) -> bool:
        """Ask for a new price and resting quantity; False if the order is known to be done.

        A smaller quantity at the same price keeps the place in the queue; every other change queues anew.
        """
        self._check_qty(qty)
        return bool(trader.amend(self.core, order_id, price, qty))

    def view(self) -> View:
        """What the trader knows now; starts the count of prints anew."""
        book = self._arrays["local_book"]
        now, bid, ask, position, cash, trades, bought, sold, high, low = SEEN(self._words.tolist())
        seen = View(
            now=now,
            bid=None if bid == NO_BID else self._base + bid,
            ask=None if ask == self._width else self._base + ask,
            bid_qty=0 if bid == NO_BID else book.item(bid),
            ask_qty=0 if ask == self._width else book.item(self._width + ask),
            position=position,
            cash=cash,
            fees=self._arrays["state"]["fees"].item(),
            orders=self.orders() if self._at_work else (),
            trades=trades,
            bought_by_takers=bought,
            sold_by_takers=sold,
            high_trade=self._base + high if bought else None,
            low_trade=self._base + low if sold else None,
        )
        if trades:
            trader.forget_prints(self.core)
        return seen

    def orders(self) -> tuple[OwnOrder, ...]:
        """Own orders not known to be done, oldest first."""
        found = []
        for order_id in self._at_work:
            record = self._order_words[order_id % _SLOTS].tolist()
            known, status = PROGRESS(record)
            if known == order_id and status != DONE:
                found.append(self._own(record))
        self._at_work = [order.id for order in found]
        return tuple(found)

    def order(self, order_id: int) -> OwnOrder:
        """One own order; the last 256 stay known after they are done."""
        slot = int(trader.slot_of(self.core, order_id))
        if slot < 0:
            raise InputError("order_id", order_id, "the id of a recent own order")
        return self._own(self._order_words[slot].tolist())

    def _own(self, record: list[int]) -> OwnOrder:
        order_id, side, place, qty, left, status, pending, outcome = KNOWN(record)
        return OwnOrder(
            id=order_id,
            side=side,
            price=self._base + place,
            qty=qty,
            left=left,
            status=STATUS[status],
            pending=pending,
            outcome=OUTCOMES[outcome] if status == DONE else "",
        )

    @property
    def has_new_fills(self) -> bool:
        """Whether :meth:`new_fills` would give any."""
        return self._words.item(_FILLS_SEEN) > self._fills_given

    def new_fills(self) -> npt.NDArray[Any]:
        """Fills that became known since the last call: records of :data:`FILL_RECORD`."""
        seen = self._words.item(_FILLS_SEEN)
        fresh = self._arrays["fills"][self._fills_given : seen].copy()
        self._fills_given = seen
        return fresh

    def new_prints(self) -> npt.NDArray[np.int64]:
        """Rows of the tape with trades that were received since the last call, in order of receipt."""
        start, stop = self._prints_given, int(self._state["local_row"])
        self._prints_given = stop
        rows = np.arange(start, stop) if not len(self.tape.local_order) else self.tape.local_order[start:stop]
        action = self.tape.code[rows] & ACTION
        return np.asarray(rows[(action == TRADE) | (action == FILL)], np.int64)

    @property
    def fills(self) -> npt.NDArray[Any]:
        """Every fill so far as the venue knows them: records of :data:`FILL_RECORD`."""
        return self._arrays["fills"][: int(self._state["fills"])]

    def depth(self, levels: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """The best levels as the trader knows them: two arrays of (price in ticks, units), best first."""
        bids = np.flatnonzero(self._arrays["local_book"][: self._width])[::-1]
        asks = np.flatnonzero(self._arrays["local_book"][self._width :])
        bids = bids[bids <= self._state["local_bid"]][:levels]
        asks = asks[asks >= self._state["local_ask"]][:levels]
        return (
            np.stack([bids + self._base, self._arrays["local_book"][bids]], axis=1),
            np.stack([asks + self._base, self._arrays["local_book"][self._width + asks]], axis=1),
        )

    def queue_ahead(self, order_id: int) -> float | None:
        """Units ahead of a resting order at the venue (a trader can't know), None if it doesn't rest."""
        slot = int(trader.slot_of(self.core, order_id))
        if slot < 0 or self._arrays["orders"]["status"][slot] != 1:
            return None
        return float(self._arrays["orders"]["front"][slot])

    def equity(self, mark_ticks: float) -> float:
        """Cash and position at a mark, after fees, as the venue knows them: ticks × units."""
        s = self._state
        return float(s["exch_cash"] + s["exch_position"] * mark_ticks - s["exch_fees"])

    def counts(self) -> dict[str, int]:
        """Orders submitted, rejected, cancelled, requests refused, fills: as the trader knows them."""
        names = {"submitted", "rejected", "cancelled", "refused"}
        return {name: int(self._state[name]) for name in sorted(names)} | {
            "fills": int(self._state["fills_seen"])
        }

    def _check_qty(self, qty: int) -> None:
        lot = self.tape.facts.lot
        if qty <= 0 or qty % lot:
            raise InputError("qty", qty, f"a positive multiple of the lot ({lot})")

    def _check_room(self) -> None:
        if self._words.item(_OVERFLOW):
            raise RuntimeError(
                "the replay's buffers are full: raise max_fills, or send fewer requests at once"
            )


def _arrays(
    tape: Tape, venue: Venue, seed: int, max_fills: int, margin_ticks: int | None
) -> dict[str, npt.NDArray[Any]]:
    """The arrays of a replay, in the order of :data:`memory.LAYOUT`."""
    facts = tape.facts
    margin = _MARGIN_TICKS if margin_ticks is None else margin_ticks
    base = max(0, facts.low_tick - margin)
    width = facts.high_tick + margin + 1 - base
    state, rules = np.zeros(1, STATE), np.zeros(1, RULES)
    start = min(int(tape.exch_ns[0]), int(tape.local_ns.min())) if len(tape) else 0
    one_clock = len(tape.local_order) == 0 and np.array_equal(tape.exch_ns, tape.local_ns)
    state["now"] = start - 1
    state["exch_bid"] = state["local_bid"] = NO_BID
    state["exch_ask"] = state["local_ask"] = width
    state["low_own_bid"] = state["low_own_ask"] = np.iinfo(np.int64).max // 2
    state["high_own_bid"] = state["high_own_ask"] = -1
    tick, latency, fees = Decimal(facts.tick_size), venue.latency, venue.fees
    settings = {
        "level": facts.level, "base": base, "width": width, "lot": facts.lot,
        "partial_fills": venue.partial_fills, "permuted": len(tape.local_order) > 0, "one_clock": one_clock,
        "queue_model": venue.queue.code, "queue_power": venue.queue.power,
        "queue_scale": max(1.0, float(1 / Decimal(facts.qty_unit))),
        "maker_rate": fees.maker_rate, "taker_rate": fees.taker_rate,
        "maker_per_unit": fees.maker_per_unit / float(tick),
        "taker_per_unit": fees.taker_per_unit / float(tick),
        "latency_model": latency.code, "seed": seed,
    }  # fmt: skip
    settings |= dict(zip(("entry_a", "entry_b", "response_a", "response_b"), latency.parameters, strict=True))
    for name, value in settings.items():
        rules[name] = value
    recorded = latency.table if isinstance(latency, RecordedLatency) else np.zeros((0, 3), np.int64)
    book = np.zeros(2 * width, np.int64)
    own = {
        "exch_book": book, "local_book": book if one_clock else np.zeros(2 * width, np.int64),
        "state": state, "rules": rules, "orders": np.zeros(_SLOTS, ORDER), "live": np.zeros(_SLOTS, np.int64),
        "requests": np.zeros(4 * _SLOTS, REQUEST), "responses": np.zeros(16 * _SLOTS, RESPONSE),
        "fills": np.zeros(max_fills, FILL_RECORD), "sessions": np.array(facts.sessions,
        np.int64).reshape(-1, 2),
        "incidents": np.array(venue.incidents, np.int64).reshape(-1, 4), "recorded": recorded,
    }  # fmt: skip
    return {
        name: own[name] if name in own else np.ascontiguousarray(getattr(tape, name), dtype)
        for name, dtype in memory.LAYOUT
    }
