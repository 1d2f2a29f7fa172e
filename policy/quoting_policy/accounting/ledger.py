"""The books of one instrument: the whole, each arm, and what is left to neither."""

from __future__ import annotations

import math

from quoting_policy.accounting.account import Account
from quoting_policy.accounting.counters import Counter
from quoting_policy.accounting.markouts import Markouts
from quoting_policy.accounting.risk import Drawdown
from quoting_policy.accounting.sealing import Timeline
from quoting_policy.accounting.track import Track
from quoting_policy.domain import Arm, Fill, Schedule

DAY_NS = 86_400_000_000_000


class Ledger:
    """Inventory and P&L of one instrument, in total and by arm.

    A fill belongs to the arm whose order it was. Arms share one inventory in turns: what an arm holds when
    its slot ends stays on its account through the following washout and is then handed over at the mid, so that
    the loss on bad inventory is its own. Fills in a washout are booked to ``washout``, which is neither's.
    ``total = baseline + candidate + washout``, in inventory and in equity, at all times.
    """

    __slots__ = (
        "arms",
        "excursion_at",
        "lot",
        "markouts",
        "mid",
        "mid_ns",
        "opened",
        "risk",
        "tick",
        "timeline",
        "total",
        "tracks",
        "washout",
    )

    def __init__(
        self, *, book: str, lot: float, tick: float, digest: str, schedule: Schedule, wall_ns: int
    ) -> None:
        self.lot = lot
        self.tick = tick
        self.total = Account(lot)
        self.washout = Account(lot)
        self.arms = {arm: Track(arm.value, lot) for arm in Arm}
        self.tracks: list[Track] = list(self.arms.values())
        self.markouts = Markouts()
        self.risk = Drawdown()
        self.mid = math.nan
        self.mid_ns = 0
        self.opened = False
        self.excursion_at = math.inf
        self.timeline = Timeline(self, book, digest, schedule, wall_ns)

    def open_at(self, inventory: float) -> None:
        """Take over a position from outside at the mid at hand; what it made before is not ours."""
        holder = self.arms[self.timeline.slot.arm].account
        holder.open_at(holder.inventory + inventory - self.total.inventory, self.mid)
        self.total.open_at(inventory, self.mid)
        self.opened = True

    def on_time(self, wall_ns: int, *, event: bool = True) -> None:
        """The wall clock is now this: slots, blocks and days pass."""
        self.timeline.advance(wall_ns, event=event)
        if wall_ns // DAY_NS != self.risk.day:
            self.risk.start_day(wall_ns // DAY_NS)

    def on_mid(self, mid: float, now_ns: int) -> None:
        """The mid is now this, monotonic ns. Markouts that were due earlier get the mid before it."""
        if self.markouts.next_due_ns < now_ns:
            self.markouts.settle(now_ns, self.mid, self.mid_ns)
        self.mid = mid
        self.mid_ns = now_ns
        total = self.total
        self.risk.mark(total.realised - total.fees + total.inventory * total.lot * (mid - total.average_cost))

    def on_fill(self, fill: Fill, arm: Arm, now_ns: int) -> None:
        """Book a fill of an order of ``arm``, known at ``now_ns`` (monotonic)."""
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
        counts = track.counts
        counts[Counter.FILLS] += 1
        counts[Counter.FILLED_LOTS] += fill.qty_lots
        counts[Counter.TURNOVER] += fill.qty_lots * self.lot * price
        mid = fill.mid_before if fill.mid_before > 0 and math.isfinite(fill.mid_before) else self.mid
        if not math.isfinite(mid):
            counts[Counter.DROPPED_MARKOUTS] += 1
            return
        self.markouts.add(
            ts_ns=now_ns,
            sign=fill.side.sign,
            price=price,
            mid=mid,
            quantity=fill.qty_lots * self.lot,
            fee=fill.fee,
            counts=counts,
            sums=track.sums,
        )

    # What happens at edges (accounting.sealing.Edges).

    def credit(self, arm: Arm, seconds: float) -> None:
        """The arm was in charge for so long, outside washout."""
        counts = self.arms[arm].counts
        held = abs(self.total.inventory)
        counts[Counter.EXPOSURE_S] += seconds
        counts[Counter.INVENTORY_LOT_S] += held * seconds
        if held >= self.excursion_at:
            counts[Counter.EXCURSION_S] += seconds

    def hand_over(self, arm: Arm) -> None:
        """From now on the inventory belongs to this arm; it passes at the mid."""
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
