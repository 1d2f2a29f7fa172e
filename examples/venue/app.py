"""The trading app: it shows the sidecar the market, carries out what it answers, and reports what happens."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

from quoting_policy.client import NoQuote
from quoting_policy.data.rows import ASK_SIDE
from quoting_policy.domain import (
    Action,
    Arm,
    Fill,
    LiveOrder,
    MarketState,
    Mode,
    OrderAction,
    PublicTrade,
    QuoteLevel,
    Side,
)
from quoting_policy.protocol.messages import Quote
from quoting_policy.sim.layout import BUY, SELL
from quoting_policy.sim.replay import Replay, View

_SIDES = {int(BUY): Side.BID, int(SELL): Side.ASK}
_NUMBERS = {side: number for number, side in _SIDES.items()}


class Sidecar(Protocol):
    """What the app needs of its client; :class:`quoting_policy.client.QuotingClient` is one."""

    @property
    def mode(self) -> Mode:
        """The mode last told."""
        ...

    def quote(self, symbol: str, state: MarketState) -> Quote | NoQuote:
        """Ask for a quote."""
        ...

    def trade(self, symbol: str, trade: PublicTrade) -> bool:
        """Somebody traded."""
        ...

    def order(self, symbol: str, order: LiveOrder) -> bool:
        """An own order is this now."""
        ...

    def order_closed(self, symbol: str, order_id: str) -> bool:
        """An own order is gone."""
        ...

    def fill(self, symbol: str, fill: Fill) -> bool:
        """An own order was filled."""
        ...

    def position(self, symbol: str, inventory: float) -> bool:
        """The position is this, and no order is open."""
        ...


@dataclass(frozen=True, slots=True)
class Look:
    """What a decision looked like, for people. Prices in price units, inventory in lots, money."""

    mode: Mode
    arm: str
    bid: float | None
    ask: float | None
    inventory: int
    profit: float
    why: str
    breaches: tuple[str, ...] = ()


class TradingApp:
    """One instrument of a simulated venue, traded as the sidecar says. It decides nothing itself.

    started_ns: wall clock at which the replay's time 0 is.
    """

    def __init__(self, replay: Replay, sidecar: Sidecar, started_ns: int) -> None:
        self._replay, self._sidecar, self._started_ns = replay, sidecar, started_ns
        facts = replay.tape.facts
        self._symbol, self._tick, self._lot = facts.symbol, float(facts.tick_size), facts.lot
        self._unit = float(facts.qty_unit)
        self._known: dict[int, LiveOrder] = {}
        self._told_position = False

    def turn(self, now_ns: int) -> Look:
        """Let the market come up to now (wall clock, ns), ask for a quote, and carry out the answer."""
        behind = now_ns - self._started_ns - self._replay.now
        if behind > 0:
            self._replay.elapse(behind)
        view = self._replay.view()
        self._report(view)
        if view.bid is None or view.ask is None:
            self.cancel_all()
            return self._look(view, None, "the market has one side only")
        answer = self._sidecar.quote(self._symbol, self._state(view, view.bid, view.ask))
        if isinstance(answer, NoQuote) or answer.mode not in (Mode.ACTIVE, Mode.REDUCING):
            self.cancel_all()
            self._told_position = self._told_position and not isinstance(answer, NoQuote)
            why = answer.reason if isinstance(answer, NoQuote) else ", ".join(answer.reasons)
            return self._look(view, None, why)
        for action in answer.orders or _first(answer, has_orders=bool(self._known)):
            self._carry_out(action, answer.arm or Arm.BASELINE, now_ns)
        return self._look(view, answer, ", ".join(answer.clamps_bound))

    def cancel_all(self) -> None:
        """Ask the venue to take every own order out."""
        for order_id in list(self._known):
            self._replay.cancel(order_id)

    def _state(self, view: View, bid: int, ask: int) -> MarketState:
        return MarketState(
            mid=0.5 * (bid + ask) * self._tick,
            best_bid=bid * self._tick,
            best_ask=ask * self._tick,
            bid_qty=float(view.bid_qty),
            ask_qty=float(view.ask_qty),
            inventory=float(view.position),
        )

    def _report(self, view: View) -> None:
        """Everything that has happened since the last turn, in the order in which it did."""
        if not self._told_position:
            # After a restart of either side: the truth, and orders that nobody knows are cancelled first.
            self.cancel_all()
            self._known.clear()
            self._told_position = self._sidecar.position(self._symbol, float(view.position))
        for row in self._replay.new_prints():
            code = int(self._replay.tape.code[row])
            trade = PublicTrade(
                price_ticks=int(self._replay.tape.price[row]),
                qty_lots=float(self._replay.tape.qty[row]),
                buyer_initiated=bool(code & ASK_SIDE),
            )
            self._sidecar.trade(self._symbol, trade)
        for record in self._replay.new_fills():
            self._sidecar.fill(self._symbol, self._fill(record))
        self._report_orders()

    def _fill(self, record: Any) -> Fill:
        both = record["bid"] >= 0 and record["ask"] >= 0
        mid = 0.5 * (int(record["bid"]) + int(record["ask"])) * self._tick if both else math.nan
        return Fill(
            order_id=str(record["order_id"]),
            ts_ns=self._started_ns + int(record["exch_ns"]),
            side=_SIDES[int(record["side"])],
            price_ticks=int(record["price"]),
            qty_lots=int(record["qty"]),
            mid_before=mid,
            fee=float(record["fee"]) * self._tick * self._unit,
            maker=bool(record["maker"] == 0),
        )

    def _report_orders(self) -> None:
        live = {order.id: order for order in self._replay.orders()}
        for order_id in [known for known in self._known if known not in live]:
            del self._known[order_id]
            self._sidecar.order_closed(self._symbol, str(order_id))
        for order_id, order in live.items():
            before = self._known.get(order_id)
            if before is None or order.pending:
                continue
            now = LiveOrder(
                order_id=str(order_id), side=before.side, price_ticks=order.price, qty_lots=order.left,
                placed_ns=before.placed_ns, arm=before.arm,
            )  # fmt: skip
            if now != before:
                self._tell(order_id, now)

    def _tell(self, order_id: int, order: LiveOrder) -> None:
        self._known[order_id] = order
        self._sidecar.order(self._symbol, order)

    def _carry_out(self, action: OrderAction, arm: Arm, now_ns: int) -> None:
        qty = action.qty_lots // self._lot * self._lot
        match action.action:
            case Action.PLACE if qty:
                order_id = self._replay.submit(_NUMBERS[action.side], action.price_ticks, qty)
                order = LiveOrder(
                    order_id=str(order_id), side=action.side, price_ticks=action.price_ticks, qty_lots=qty,
                    placed_ns=now_ns, in_flight=True, arm=arm,
                )  # fmt: skip
                self._tell(order_id, order)
            case Action.CANCEL:
                self._replay.cancel(int(action.order_id))
            case Action.REPLACE if qty:
                # Cancel and, once it is gone, place anew: never is more in the market than was asked for.
                self._replay.cancel(int(action.order_id))

    def _look(self, view: View, answer: Quote | None, why: str) -> Look:
        middle = 0.5 * (view.bid + view.ask) if view.bid is not None and view.ask is not None else math.nan
        profit = self._replay.equity(middle) * self._tick * self._unit
        bids, asks = (answer.bids, answer.asks) if answer is not None else ((), ())
        return Look(
            mode=self._sidecar.mode if answer is None else answer.mode,
            arm="nobody" if answer is None or answer.arm is None else answer.arm.value,
            bid=bids[0].price_ticks * self._tick if bids else None,
            ask=asks[0].price_ticks * self._tick if asks else None,
            inventory=view.position,
            profit=profit,
            why=why,
            breaches=() if answer is None else tuple(answer.breaches),
        )


def _first(answer: Quote, *, has_orders: bool) -> tuple[OrderAction, ...]:
    """Before the first order is reported an engine leaves placing to the app."""
    if has_orders:
        return ()
    levels = [(Side.BID, level) for level in answer.bids] + [(Side.ASK, level) for level in answer.asks]
    return tuple(_new(side, level) for side, level in levels)


def _new(side: Side, level: QuoteLevel) -> OrderAction:
    return OrderAction(
        action=Action.PLACE, side=side, price_ticks=level.price_ticks, qty_lots=level.qty_lots, reason="new"
    )
