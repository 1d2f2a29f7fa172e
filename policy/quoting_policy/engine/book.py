"""One instrument in the engine: its orders, its accounts, and the situation the clamps see."""

from __future__ import annotations

import dataclasses
import math

import msgspec

from quoting_policy.accounting import Ledger
from quoting_policy.accounting.counters import Counter
from quoting_policy.clamps.situation import LARGEST, NO_ORDERS, NO_PORTFOLIO, Situation
from quoting_policy.domain import (
    Arm,
    Fill,
    Instrument,
    Limits,
    LiveOrder,
    MarketState,
    Mode,
    PublicTrade,
    Schedule,
    SignalRules,
    Slot,
)
from quoting_policy.engine.orders import OwnOrders
from quoting_policy.engine.policy import HeldLimits, Levels
from quoting_policy.engine.rates import RateWindow
from quoting_policy.engine.signals import BookSignals
from quoting_policy.errors import InputError

EXCURSION_SHARE = 0.7
"""Inventory from this share of max_position on is an excursion, unless reduce_only_at says otherwise."""

QUIET_NS = 1_000_000_000
"""Events this close to each other are no silence."""


class Book:
    """State of one instrument. Clock values come in as arguments: monotonic and wall-clock ns."""

    def __init__(self, instrument: Instrument, digest: str, schedule: Schedule, wall_ns: int) -> None:
        self.instrument = instrument
        self.symbol = instrument.symbol
        self.orders = OwnOrders()
        self.ledger = Ledger(instrument=instrument, digest=digest, schedule=schedule, wall_ns=wall_ns)
        self.situation = Situation(
            mid=math.nan,
            best_bid=None,
            best_ask=None,
            inventory_high=0.0,
            inventory_low=0.0,
            tick=instrument.tick,
            lot=instrument.lot,
            min_qty_lots=instrument.min_qty_lots,
            limits=Limits(),
        )
        self.mode = Mode.ACTIVE
        self.mode_reason = ""
        self.correlated: tuple[tuple[Book, int], ...] = ()
        self.related: tuple[tuple[Book, float], ...] = ()
        self.is_one_of_many = False
        self.last_fill_ns: int | None = None
        self.reports_orders = False
        self.unattributed_fills = 0
        self.gross = 0.0
        self._equity = 0.0
        self.baseline = self.ledger.arms[Arm.BASELINE]
        self.candidate = self.ledger.arms[Arm.CANDIDATE]
        self.signals = BookSignals(SignalRules(), instrument.tick, frozenset())
        self.order_rate: RateWindow | None = None
        self.quote_rate: RateWindow | None = None
        self.turn = Arm.BASELINE
        self.slot: Slot = self.ledger.timeline.slot
        self._slot_inventory = 0.0
        self._last_quote: tuple[object, object] = ((), ())

    def want(self, rules: SignalRules, inputs: frozenset[str]) -> None:
        """Estimate these inputs of models from now on; what is known already stays known."""
        self.signals = self.signals.wanting(rules, inputs)

    def hold_to(self, whole: HeldLimits, scaled: HeldLimits, candidate_position: float | None) -> None:
        """Limits from now on. scaled: the candidate's. candidate_position: lots it may build in a slot."""
        self.whole = whole
        self.scaled = scaled
        self.candidate_position = candidate_position
        self.order_rate = _window(self.order_rate, whole.limits.max_order_rate)
        self.quote_rate = _window(self.quote_rate, whole.limits.max_quote_rate)
        self.situation.may_send_orders = self.situation.may_send_quotes = True
        self.take_turn(Arm.BASELINE)
        share, most = whole.limits.reduce_only_at, whole.limits.max_position
        self.ledger.excursion_at = math.inf if most is None else (share or EXCURSION_SHARE) * most

    def observe(self, state: MarketState, age_s: float | None, now_ns: int, wall_ns: int) -> None:
        """Take in a market state: the situation is now that of a request made with it."""
        ledger, now = self.ledger, self.situation
        timeline = ledger.timeline
        if timeline.event_ns <= wall_ns < timeline.edge_ns and wall_ns - timeline.event_ns < QUIET_NS:
            timeline.event_ns = wall_ns
        else:
            ledger.on_time(wall_ns)
        mid = state.mid
        if 0.0 < mid < math.inf:
            if now_ns >= self.signals.due_ns:
                self.signals.advance(now_ns, state, ledger.mid, ledger.mid_ns)
            ledger.on_mid(mid, now_ns)
            if not ledger.opened and math.isfinite(state.inventory):
                ledger.open_at(state.inventory)
            if ledger.shadowing:
                ledger.on_best(state, now_ns)
        else:
            self.signals.advance(now_ns, state, ledger.mid, ledger.mid_ns)
        accounted, told, risk = ledger.total.inventory, state.inventory, ledger.risk
        now.mid = mid
        now.best_bid = state.best_bid
        now.best_ask = state.best_ask
        # Written so that an inventory that is not a number stays one, and is refused.
        now.inventory_high = accounted if accounted > told else told
        now.inventory_low = accounted if accounted < told else told
        now.live = self.orders.sum
        now.drawdown = risk.peak - risk.equity
        now.daily_loss = risk.day_open - risk.equity
        now.data_age_s = age_s
        if self.order_rate is not None:
            now.may_send_orders = now_ns >= self.order_rate.free_ns
        if self.quote_rate is not None:
            now.may_send_quotes = now_ns >= self.quote_rate.free_ns
        if self.correlated:
            self._see_correlated(now)

    def turn_to(self, reached: tuple[str, ...]) -> bool:
        """Reducing where such limits are reached, else active; says whether that is a change."""
        mode, before = Mode.REDUCING if reached else Mode.ACTIVE, self.mode
        self.mode, self.mode_reason = mode, ",".join(reached)
        return mode is not before

    def take_turn(self, arm: Arm) -> None:
        """From now on this arm quotes: its limits hold, and in a new slot a new budget begins."""
        now, position, slot = self.situation, self.candidate_position, self.ledger.timeline.slot
        if slot is not self.slot:
            self.slot, self._slot_inventory = slot, self.ledger.total.inventory
        self.turn = arm
        self.held = self.whole if arm is Arm.BASELINE else self.scaled
        now.limits = self.held.limits
        now.arm_long = now.arm_short = None
        if arm is Arm.CANDIDATE and position is not None:
            # The arm may unwind what it found and build its own share, on either side.
            now.arm_long = max(self._slot_inventory, 0.0) + position
            now.arm_short = max(-self._slot_inventory, 0.0) + position

    def for_shadow(self, arm: Arm, state: MarketState) -> tuple[MarketState, Situation]:
        """What this arm would see had it quoted alone: the same market, its own counterfactual inventory."""
        inventory = self.ledger.shadows[arm].track.account.inventory
        situation = dataclasses.replace(
            self.situation,
            inventory_high=inventory,
            inventory_low=inventory,
            limits=self.whole.limits,
            live=NO_ORDERS,
            arm_long=None,
            arm_short=None,
            drawdown=0.0,
            daily_loss=0.0,
            portfolio=NO_PORTFOLIO,
            correlated_long=False,
            correlated_short=False,
            may_send_orders=True,
            may_send_quotes=True,
        )
        return msgspec.structs.replace(state, inventory=inventory), situation

    def quoted(self, bids: Levels, asks: Levels, rate: RateWindow, now_ns: int) -> None:
        """A quote was answered: it counts for the rate when it says something new."""
        quote = (bids, asks)
        if quote != self._last_quote:
            self._last_quote = quote
            rate.count(now_ns)

    def order(self, order: LiveOrder, now_ns: int) -> None:
        """An own order was sent, acknowledged or changed."""
        _whole("order.qty_lots", order.qty_lots)
        _whole("order.price_ticks", order.price_ticks)
        self.reports_orders = True
        self.signals.order(order, now_ns)
        if self.orders.put(order):
            if self.order_rate is not None:
                self.order_rate.count(now_ns)
            self.ledger.arms[order.arm].counts[Counter.ORDERS] += 1

    def fill(self, fill: Fill, now_ns: int, wall_ns: int) -> None:
        """An own order was filled. A fill of an order never heard of is the arm's whose turn it is."""
        _whole("fill.qty_lots", fill.qty_lots)
        _whole("fill.price_ticks", fill.price_ticks)
        if not math.isfinite(fill.fee):
            raise InputError("fill.fee", fill.fee, "a finite amount of money")
        self.ledger.on_time(wall_ns)
        self.signals.fill(fill, mid=self.ledger.mid, used=self._used(), now_ns=now_ns, wall_ns=wall_ns)
        arm = self.orders.fill(fill)
        if arm is None:
            self.unattributed_fills += 1
            arm = self.ledger.timeline.slot.arm
        self.ledger.on_fill(fill, arm, now_ns)
        self.last_fill_ns = now_ns
        now, risk, inventory = self.situation, self.ledger.risk, self.ledger.total.inventory
        now.inventory_high = now.inventory_low = inventory
        now.drawdown, now.daily_loss = risk.drawdown, risk.daily_loss

    def trade(self, trade: PublicTrade, now_ns: int, wall_ns: int) -> None:
        """Others traded: what the shadow orders would have got of it."""
        _whole("trade.price_ticks", trade.price_ticks)
        if not 0 < trade.qty_lots < math.inf:
            raise InputError("trade.qty_lots", trade.qty_lots, "a finite number of lots > 0")
        self.ledger.on_time(wall_ns)
        self.ledger.on_trade(trade, now_ns)
        self.signals.trade(trade, self.ledger.mid, self.ledger.mid_ns, now_ns)

    def close(self, order_id: str) -> None:
        """An own order is gone."""
        self.orders.close(order_id)
        self.signals.closed(order_id)

    def _used(self) -> float:
        """Share of the position limit that the inventory takes; 0 without a limit."""
        most = self.whole.limits.max_position
        return self.ledger.total.inventory / most if most else 0.0

    def changes(self) -> tuple[float, float]:
        """Change of gross notional and of equity since the last call, money: what the portfolio adds up."""
        ledger = self.ledger
        if not math.isfinite(ledger.mid):
            return 0.0, 0.0
        gross = abs(ledger.total.inventory) * ledger.lot * ledger.mid
        equity = ledger.risk.equity
        change = gross - self.gross, equity - self._equity
        self.gross, self._equity = gross, equity
        return change

    def reposition(self, inventory: float) -> None:
        """The position really is this: the difference comes in at the mid at hand."""
        if not math.isfinite(inventory):
            raise InputError("inventory", inventory, "a finite number of lots")
        if math.isfinite(self.ledger.mid):
            self.ledger.open_at(inventory)
        else:
            self.ledger.opened = False

    def _see_correlated(self, now: Situation) -> None:
        now.correlated_long = any(book.ledger.total.inventory * sign > 0 for book, sign in self.correlated)
        now.correlated_short = any(book.ledger.total.inventory * sign < 0 for book, sign in self.correlated)


def _whole(field: str, value: int) -> None:
    if not 0 < value <= LARGEST:
        raise InputError(field, value, f"a whole number in [1, {LARGEST}]")


def _window(present: RateWindow | None, rate: float | None) -> RateWindow | None:
    """The window for this rate; what was counted stays counted while the rate is the same."""
    if rate is None:
        return None
    return present if present is not None and present.rate == rate else RateWindow(rate)
