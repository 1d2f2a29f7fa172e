"""One arm of a session: the real engine, asked at fixed times, its orders in the replayed market's queues."""

from __future__ import annotations

import math
from collections import Counter as Tally
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from quoting_policy.accounting import COUNTERS, HORIZONS_S
from quoting_policy.domain import (
    Action,
    Arm,
    ArmSpec,
    Authority,
    Fill,
    Instrument,
    Kill,
    KillAction,
    LiveOrder,
    MarketState,
    OrderAction,
    Revision,
    Schedule,
    Side,
    Stage,
)  # fmt: skip
from quoting_policy.engine import Decision, Engine, Timing, refresh
from quoting_policy.models.content import NOTHING, Contents
from quoting_policy.paper.desk import SECOND, Desk
from quoting_policy.paper.exploration import Explorer
from quoting_policy.paper.market import Market
from quoting_policy.sim.layout import BUY, SELL
from quoting_policy.sim.replay import Replay

_RENEW_NS = 100 * SECOND
_LIFETIME_S = 300.0
_SIDES = {BUY: Side.BID, SELL: Side.ASK}
_SIDE_NUMBERS = {Side.BID: int(BUY), Side.ASK: int(SELL)}

CURVES = ("time_s", "equity", "inventory", "mid", "bid", "ask")
"""Columns of a curve: seconds since the evidence began, money, lots, prices; NaN where there is none."""

FILL_COLUMNS = ("time_s", "sign", "price", "lots", "mid_before", "spread", "fee")
"""Columns of the fills: sign +1 bought; mid_before and spread of the market just before the fill; money."""

MARKOUT_ROWS = ("fills", "edge", "markout", "adverse")


@dataclass(slots=True)
class ArmRecord:
    """What an arm did in a session.

    counts: engine counters gained in each block, of all tracks of the arm's engine (blocks x COUNTERS); own:
    the part of them under the arm's own name (a refused candidate's time is the baseline's). clamps: how
    many decisions each clamp bound, by block. orders: lots sent, orders rejected, decisions that
    the arm answered itself, by block. markout: MARKOUT_ROWS by horizon, money. crashed: what ended it.
    """

    counts: npt.NDArray[np.float64]
    own: npt.NDArray[np.float64]
    orders: npt.NDArray[np.float64]
    clamps: list[dict[str, int]]
    curves: npt.NDArray[np.float64]
    fills: npt.NDArray[np.float64]
    markout: npt.NDArray[np.float64]
    decisions: int = 0
    refusals: int = 0
    breaches: tuple[str, ...] = ()
    crashed: str = ""
    exploration: dict[str, Any] = field(default_factory=dict)


def engine_for(
    market: Market,
    desk: Desk,
    baseline: ArmSpec,
    candidate: ArmSpec | None,
    *,
    explores: bool,
    contents: Contents = NOTHING,
) -> tuple[Engine, str]:
    """An engine that quotes the baseline, or the candidate with the baseline behind it, as when it is live.

    One lot is the smallest quantity that the tape resolves; ``min_qty_lots`` is the venue's lot. No stopwatch
    runs: processor time would make a replay depend on the machine.
    """
    facts = market.tape.facts
    instrument = Instrument(
        symbol=facts.symbol, tick_size=Decimal(facts.tick_size), lot_size=Decimal(facts.qty_unit),
        min_qty_lots=facts.lot, maker_fee=desk.venue.maker_fee, taker_fee=desk.venue.taker_fee,
    )  # fmt: skip
    revision = Revision(
        baseline=baseline, candidate=candidate, instruments=(instrument,),
        limits=desk.engine_limits(), refresh=desk.engine_refresh(), breach=desk.engine_breach(),
        portfolio=desk.engine_portfolio(), signals=desk.signals.rules(),
    )  # fmt: skip
    engine = Engine(stopwatch=lambda: 0, clock=lambda: 0, explores=explores)
    engine.schedule = Schedule(block_ns=desk.block_ns)
    start = int(market.times[0])
    digest = engine.configure(revision, now_ns=start, wall_ns=start, contents=contents)
    engine.engage(Kill(action=KillAction.NONE), now_ns=start)
    return engine, digest


class ArmRun:
    """Drives one arm through a session: fills and mids to the engine in order of time, then a decision."""

    def __init__(
        self, market: Market, desk: Desk, baseline: ArmSpec, candidate: ArmSpec | None,
        explorer: tuple[Any, ...] | None = None, contents: Contents = NOTHING,
    ) -> None:  # fmt: skip
        self.market, self.desk = market, desk
        self.arm = Arm.BASELINE if candidate is None else Arm.CANDIDATE
        self.engine, self._digest = engine_for(
            market, desk, baseline, candidate, explores=explorer is not None, contents=contents
        )
        facts = market.tape.facts
        self.symbol, self.tick, self.lot = facts.symbol, float(facts.tick_size), float(facts.qty_unit)
        self.board_lot = facts.lot
        self.replay = Replay(market.tape, venue=desk.venue.venue(), seed=desk.seed)
        self.book = self.engine.books[facts.symbol]
        self.start_ns, self._end_ns = int(market.times[0]), int(market.times[-1])
        self._block_ns = desk.block_ns
        self._answers = -1
        self._known: dict[int, LiveOrder] = {}
        self._lots_sent = 0.0
        self._answered = 0
        self._edges: list[tuple[Any, ...]] = []
        self._curve: list[tuple[float, ...]] = []
        self._fills: list[tuple[float, ...]] = []
        self._decisions = 0
        self._mid_times: list[Any] = [*market.mid_times.tolist(), math.inf]
        self._mids: list[float] = market.mids.tolist()
        self._mid_row = int(np.searchsorted(market.mid_times, self.start_ns, side="right"))
        self.explorer: Explorer | None = None
        if explorer is not None:
            budget, baseline_utilities = explorer
            self.explorer = Explorer(self.engine.model(self.arm), budget, self.start_ns, baseline_utilities)  # type: ignore[arg-type]  # only an exploring model comes with a budget

    def run(self) -> ArmRecord:
        """Replay the whole session. A crash is recorded, with the blocks that were complete before it."""
        crashed = ""
        try:
            for now, state in zip(self.market.times.tolist(), self.market.states, strict=True):
                self._step(now, state)
        except Exception as error:  # noqa: BLE001  whatever breaks an arm is evidence against it, not an end of the evaluation
            crashed = f"{type(error).__name__}: {error}"
        self.book.ledger.markouts.close()
        return self._record(crashed)

    def _step(self, now: int, state: MarketState) -> None:
        self.replay.elapse(now - self.replay.now)
        self._sync(now)
        engine, ledger, since = self.engine, self.book.ledger, now - self.start_ns
        at_edge = since % self._block_ns == 0
        if self.arm is Arm.CANDIDATE and since % _RENEW_NS == 0:
            self._renew(now)
        if at_edge:
            done = (self._lots_sent, float(self.replay.counts()["rejected"]), float(self._answered))
            extras = (dict(engine.bound), done)
        if self.explorer is not None:
            self.explorer.advance(now, state.mid)
        seen = _with_inventory(state, ledger.total.inventory)
        decision = engine.decide(self.symbol, seen, now_ns=now, wall_ns=now, data_ns=now)
        if at_edge:
            self._edges.append((ledger.timeline.sealed, *extras))
        if since % SECOND == 0:
            self._sample(now, state, decision)
        self._decisions += 1
        self._answered += decision.arm is self.arm
        if now < self._end_ns:
            self._execute(decision, now)

    def _renew(self, now: int) -> None:
        """The candidate's authority, as when it is live."""
        authority = Authority(
            digest=self._digest, stage=Stage.LIVE, exposure_percent=100.0,
            block_length_s=self.desk.block_s, washout_s=0.0, lifetime_s=_LIFETIME_S,
        )  # fmt: skip
        self.engine.authorise(authority, seen_ns=now, now_ns=now, wall_ns=now)

    def _sync(self, now: int) -> None:
        """Tell the engine what happened since the last decision: fills and mids by time, then own orders."""
        answers = self.replay.answers
        if answers != self._answers:
            self._answers = answers
            if self.replay.has_new_fills:
                for record in self.replay.new_fills():
                    known = int(record["local_ns"])
                    self._pass_mids(known)
                    self._fill(record, known)
            self._report_orders()
        self._pass_mids(now)

    def _pass_mids(self, until: int) -> None:
        """The mids up to ``until``, each at its moment: markouts and drawdown are exact between decisions."""
        times, mids, ledger = self._mid_times, self._mids, self.book.ledger
        row = self._mid_row
        while times[row] <= until:
            if math.isfinite(mids[row]):
                ledger.on_time(times[row])
                ledger.on_mid(mids[row], times[row])
            row += 1
        self._mid_row = row

    def _fill(self, record: Any, known_ns: int) -> None:
        tick, lots = self.tick, int(record["qty"])
        both = record["bid"] >= 0 and record["ask"] >= 0
        mid = (int(record["bid"]) + int(record["ask"])) * 0.5 * tick if both else math.nan
        spread = (int(record["ask"]) - int(record["bid"])) * tick if both else math.nan
        fee = float(record["fee"]) * tick * self.lot
        side = _SIDES[record["side"]]
        fill = Fill(
            order_id=str(record["order_id"]), ts_ns=int(record["exch_ns"]), side=side,
            price_ticks=int(record["price"]), qty_lots=lots, mid_before=mid, fee=fee,
            maker=record["maker"] == 0,
        )  # fmt: skip
        self.engine.fill(self.symbol, fill, now_ns=known_ns, wall_ns=known_ns)
        price, quantity = fill.price_ticks * tick, lots * self.lot
        if self.explorer is not None:
            self.explorer.on_fill(side.sign, price, quantity, fee)
        seconds = (known_ns - self.start_ns) / SECOND
        self._fills.append((seconds, side.sign, price, lots, mid, spread, fee))

    def _report_orders(self) -> None:
        """Own orders as the venue's answers left them."""
        engine, symbol = self.engine, self.symbol
        open_now = {order.id: order for order in self.replay.orders()}
        for order_id in [known for known in self._known if known not in open_now]:
            del self._known[order_id]
            engine.order_closed(symbol, str(order_id))
        for order_id, order in open_now.items():
            before = self._known[order_id]
            if order.pending:
                continue  # until the answer comes, what was reported when it was sent is the worst case
            now = LiveOrder(
                order_id=str(order_id), side=before.side, price_ticks=order.price, qty_lots=order.left,
                placed_ns=before.placed_ns, in_flight=False, arm=before.arm,
            )  # fmt: skip
            if now != before:
                self._put(order_id, now)

    def _put(self, order_id: int, order: LiveOrder) -> None:
        self._known[order_id] = order
        self.engine.order(self.symbol, order, now_ns=self.replay.now)

    def _execute(self, decision: Decision, now: int) -> None:
        actions = decision.orders
        if not self.book.reports_orders:  # before the first order the engine leaves the app to place
            actions = refresh(
                (), decision.bids, decision.asks, self.desk.engine_refresh(), Timing(now_ns=now)
            )
        for action in actions:
            if action.action is Action.PLACE:
                self._place(action, decision.arm or Arm.BASELINE, now)
            elif action.action is not Action.KEEP:
                self._change(action, decision.arm or Arm.BASELINE, now)

    def _place(self, action: OrderAction, arm: Arm, now: int) -> None:
        qty = action.qty_lots // self.board_lot * self.board_lot
        if qty < self.board_lot:
            return
        order_id = self.replay.submit(_SIDE_NUMBERS[action.side], action.price_ticks, qty)
        self._lots_sent += qty
        order = LiveOrder(
            order_id=str(order_id), side=action.side, price_ticks=action.price_ticks, qty_lots=qty,
            placed_ns=now, in_flight=True, arm=arm,
        )  # fmt: skip
        self._put(order_id, order)

    def _change(self, action: OrderAction, arm: Arm, now: int) -> None:
        """Cancel or replace. A replacement is a cancel and a new order: the old arm's fills stay its own."""
        before = self._known[int(action.order_id)]
        if before.in_flight:
            return  # a request is on its way; the answer comes first
        qty = action.qty_lots // self.board_lot * self.board_lot
        if action.action is Action.REPLACE:
            if (action.price_ticks, qty) == (
                before.price_ticks,
                before.qty_lots,
            ) and action.reason == "resized":
                return
            if arm is before.arm and qty >= self.board_lot:
                self._amend(int(action.order_id), before, action.price_ticks, qty, now)
                return
        if self.replay.cancel(int(action.order_id)):
            self._put(
                int(action.order_id), _changed(before, before.price_ticks, before.qty_lots, before.placed_ns)
            )

    def _amend(self, order_id: int, before: LiveOrder, price: int, qty: int, now: int) -> None:
        if self.replay.amend(order_id, price, qty):
            moved = price != before.price_ticks or qty > before.qty_lots
            self._lots_sent += qty if moved else 0
            # Until the answer comes, the order may be filled for what it was and stands for what it will be.
            self._put(
                order_id,
                _changed(before, price, max(qty, before.qty_lots), now if moved else before.placed_ns),
            )

    def _sample(self, now: int, state: MarketState, decision: Decision) -> None:
        ledger, nan = self.book.ledger, math.nan
        bid = decision.bids[0].price_ticks * self.tick if decision.bids else nan
        ask = decision.asks[0].price_ticks * self.tick if decision.asks else nan
        seconds = (now - self.start_ns) / SECOND
        self._curve.append((seconds, ledger.risk.equity, ledger.total.inventory, state.mid, bid, ask))

    def _record(self, crashed: str) -> ArmRecord:
        blocks = (self._end_ns - self.start_ns) // self._block_ns
        counts, own, orders = (np.full((blocks, width), np.nan) for width in (COUNTERS, COUNTERS, 3))
        clamps: list[dict[str, int]] = [{} for _ in range(blocks)]
        before: list[npt.NDArray[np.float64]] = [np.zeros(COUNTERS), np.zeros(COUNTERS), np.zeros(3)]
        bound_before = Tally[str]()
        for i, (sealed, bound, done) in enumerate(self._edges[1:]):
            mine = np.array(sealed.counts[self.arm.value])
            every = mine + (np.array(sealed.counts[Arm.BASELINE.value]) if self.arm is Arm.CANDIDATE else 0.0)
            tally = Tally[str]()
            for (_, _, name), count in bound.items():
                tally[name] += count
            after: list[npt.NDArray[np.float64]] = [every, mine, np.array(done)]
            counts[i], own[i], orders[i] = (now - then for now, then in zip(after, before, strict=True))
            clamps[i] = dict(tally - bound_before)
            before, bound_before = after, tally
        tracks = self.book.ledger.arms.values()
        sums = [[getattr(track.sums, name) for name in MARKOUT_ROWS] for track in tracks]
        return ArmRecord(
            counts=counts, own=own, orders=orders, clamps=clamps,
            curves=np.array(self._curve).reshape(-1, len(CURVES)),
            fills=np.array(self._fills).reshape(-1, len(FILL_COLUMNS)),
            markout=np.sum(np.array(sums, float), axis=0).reshape(len(MARKOUT_ROWS), len(HORIZONS_S)),
            decisions=self._decisions,
            refusals=sum(count for (_, arm), count in self.engine.refusals.items() if arm is self.arm),
            breaches=tuple(sorted(self.engine.control.breaches)), crashed=crashed,
            exploration={} if self.explorer is None else self.explorer.account(),
        )  # fmt: skip


def _with_inventory(state: MarketState, inventory: float) -> MarketState:
    return msgspec.structs.replace(state, inventory=inventory)


def _changed(order: LiveOrder, price: int, qty: int, placed_ns: int) -> LiveOrder:
    return LiveOrder(
        order_id=order.order_id, side=order.side, price_ticks=price, qty_lots=qty,
        placed_ns=placed_ns, in_flight=True, arm=order.arm,
    )  # fmt: skip
