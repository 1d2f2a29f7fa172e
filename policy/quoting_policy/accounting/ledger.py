"""The books of one instrument: the whole, each arm, and what is left to neither."""

from __future__ import annotations

import math

from quoting_policy.accounting.account import Account
from quoting_policy.accounting.counters import Counter
from quoting_policy.accounting.markouts import Markouts
from quoting_policy.accounting.risk import Drawdown
from quoting_policy.accounting.sealing import Timeline
from quoting_policy.accounting.shadow import ShadowFill, ShadowOrders
from quoting_policy.accounting.track import Track, shadow_of
from quoting_policy.domain import (
    Arm,
    Fill,
    Instrument,
    MarketState,
    PublicTrade,
    QuoteLevel,
    Schedule,
    ticks_down,
    ticks_up,
)

Levels = tuple[QuoteLevel, ...]

DAY_NS = 86_400_000_000_000
LARGEST_TICKS = 2**53


class Ledger:
    """Inventory and P&L of one instrument, in total and by arm.

    A fill belongs to the arm whose order it was. Arms share one inventory in turns: what an arm holds when
    its slot ends stays on its account through the following washout and is then handed over at the mid, so
    that the loss on bad inventory is its own. Fills in a washout are booked to ``washout``, nobody's.
    ``total = baseline + candidate + washout``, in inventory and in equity, at all times.
    """

    __slots__ = (
        "arms",
        "day_end_ns",
        "excursion_at",
        "lot",
        "maker_fee",
        "markouts",
        "mid",
        "mid_ns",
        "opened",
        "risk",
        "shadowing",
        "shadows",
        "tick",
        "timeline",
        "total",
        "tracks",
        "washout",
    )

    def __init__(self, *, instrument: Instrument, digest: str, schedule: Schedule, wall_ns: int) -> None:
        self.lot = lot = instrument.lot
        self.tick = instrument.tick
        self.maker_fee = instrument.maker_fee
        self.total = Account(lot)
        self.washout = Account(lot)
        self.arms = {arm: Track(arm.value, lot) for arm in Arm}
        self.shadows = {arm: ShadowOrders(Track(shadow_of(arm), lot)) for arm in Arm}
        self.tracks = [*self.arms.values(), *(shadow.track for shadow in self.shadows.values())]
        self.shadowing = False
        self.markouts = Markouts()
        self.risk = Drawdown()
        self.mid = math.nan
        self.mid_ns = 0
        self.opened = False
        self.excursion_at = math.inf
        self.day_end_ns = 0
        self.timeline = Timeline(self, instrument.symbol, digest, schedule, wall_ns)

    def open_at(self, inventory: float) -> None:
        """Take over a position from outside at the mid at hand; what it made before is not ours."""
        self.timeline.settle()
        holder = self.arms[self.timeline.slot.arm].account
        holder.open_at(holder.inventory + inventory - self.total.inventory, self.mid)
        self.total.open_at(inventory, self.mid)
        self.opened = True

    def on_time(self, wall_ns: int, *, event: bool = True) -> None:
        """The wall clock is now this: slots, blocks and days pass."""
        self.timeline.advance(wall_ns, event=event)
        if wall_ns >= self.day_end_ns:
            day = wall_ns // DAY_NS
            self.risk.start_day(day)
            self.day_end_ns = (day + 1) * DAY_NS

    def on_mid(self, mid: float, now_ns: int) -> None:
        """The mid is now this, monotonic ns. Markouts that were due earlier get the mid before it."""
        if self.markouts.next_due_ns < now_ns:
            self.markouts.settle(now_ns, self.mid, self.mid_ns)
        self.mid = mid
        self.mid_ns = now_ns
        total = self.total
        if total.inventory:
            # Account.equity and Drawdown.mark, written out: this runs for every quote.
            risk = self.risk
            risk.equity = equity = (
                total.realised - total.fees + total.inventory * total.lot * (mid - total.average_cost)
            )
            if equity > risk.peak:  # noqa: PLR1730  max() takes five times as long
                risk.peak = equity

    def on_fill(self, fill: Fill, arm: Arm, now_ns: int) -> None:
        """Book a fill of an order of ``arm``, known at ``now_ns`` (monotonic)."""
        self.timeline.settle()
        price = fill.price_ticks * self.tick
        signed = fill.side.sign * fill.qty_lots
        self.opened = True
        self.total.trade(signed, price, fill.fee)
        if math.isfinite(self.mid):
            self.risk.mark(self.total.equity(self.mid))
        if self.timeline.in_washout:
            self.washout.trade(signed, price, fill.fee)
            return
        track = self.arms[arm]
        track.account.trade(signed, price, fill.fee)
        mid = fill.mid_before if fill.mid_before > 0 and math.isfinite(fill.mid_before) else self.mid
        self._credit(track, signed, price, fee=fill.fee, mid=mid, ts_ns=now_ns)

    def _credit(
        self, track: Track, signed_lots: float, price: float, *, fee: float, mid: float, ts_ns: int
    ) -> None:
        lots = abs(signed_lots)
        counts = track.counts
        counts[Counter.FILLS] += 1
        counts[Counter.FILLED_LOTS] += lots
        counts[Counter.TURNOVER] += lots * self.lot * price
        if not math.isfinite(mid):
            counts[Counter.DROPPED_MARKOUTS] += 1
            return
        self.markouts.add(
            ts_ns=ts_ns,
            sign=1 if signed_lots > 0 else -1,
            price=price,
            mid=mid,
            quantity=lots * self.lot,
            fee=fee,
            counts=counts,
            sums=track.sums,
        )

    def on_trade(self, trade: PublicTrade, now_ns: int) -> None:
        """Others traded, while shadow orders stand."""
        if self.shadowing:
            for shadow in self.shadows.values():
                self._book_shadow(shadow, shadow.trade(trade), now_ns)

    def on_shadow(self, arm: Arm, bids: Levels, asks: Levels, *, answered: bool) -> None:
        """What this arm would quote now. answered: it said so; else it has no quote, and has given none."""
        shadow = self.shadows[arm]
        shadow.quote(bids, asks)
        shadow.track.counts[Counter.QUOTES] += answered

    def on_best(self, state: MarketState, now_ns: int) -> None:
        """The best prices, while shadow orders stand: a market that crosses them fills them."""
        bid, ask = state.best_bid, state.best_ask
        if bid is None or ask is None or not 0 < bid <= ask <= LARGEST_TICKS * self.tick:
            return
        bid_ticks, ask_ticks = ticks_down(bid, self.tick), ticks_up(ask, self.tick)
        for shadow in self.shadows.values():
            fills = shadow.market(bid_ticks, ask_ticks, state.bid_qty, state.ask_qty)
            self._book_shadow(shadow, fills, now_ns)

    def _book_shadow(self, shadow: ShadowOrders, fills: list[ShadowFill], now_ns: int) -> None:
        if fills:
            self.timeline.settle()
        for fill in fills:
            price = fill.price_ticks * self.tick
            fee = self.maker_fee * price * fill.qty_lots * self.lot
            shadow.track.account.trade(fill.side.sign * fill.qty_lots, price, fee)
            self._credit(
                shadow.track, fill.side.sign * fill.qty_lots, price, fee=fee, mid=self.mid, ts_ns=now_ns
            )

    # What happens at edges (accounting.sealing.Edges).

    def credit(self, arm: Arm, seconds: float) -> None:
        """The arm was in charge for so long, outside washout."""
        self.arms[arm].credit(seconds, abs(self.total.inventory), self.excursion_at)
        if self.shadowing:
            for shadow in self.shadows.values():
                held = abs(shadow.track.account.inventory)
                shadow.track.credit(seconds, held, self.excursion_at)

    def hand_over(self, arm: Arm) -> None:
        """From now on the inventory belongs to this arm; it passes at the mid, once there is one."""
        if not math.isfinite(self.mid):
            return
        owner = self.arms[arm].account
        for account in (self.arms[arm.other].account, self.washout):
            account.hand_over(owner, self.mid)

    def sealed_counts(self) -> dict[str, tuple[float, ...]]:
        """Settle P&L, and give all counters as they stand."""
        if math.isfinite(self.mid):
            for track in self.tracks:
                track.settle(self.mid)
        return {track.name: tuple(track.counts) for track in self.tracks}

    def new_digest(self, digest: str, schedule: Schedule, wall_ns: int) -> None:
        """Evidence starts afresh under another digest; positions stay, with the arm whose slot it is."""
        self.markouts.close()
        self.timeline.restart(digest, schedule, wall_ns)
        self.timeline.sealed = None
        for track in self.tracks:
            track.forget(self.mid if math.isfinite(self.mid) else None)
