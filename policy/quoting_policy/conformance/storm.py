"""Hostile markets, clocks and fills, for the revision's own candidate and for one that is hostile itself."""

from __future__ import annotations

import math
from random import Random

import msgspec

from quoting_policy.clamps.table import rows_for
from quoting_policy.conformance.bench import Bench, Says, market, with_scripted_candidate
from quoting_policy.conformance.oracle import Facts, violated
from quoting_policy.conformance.tally import Tally
from quoting_policy.domain import (
    Arm,
    Fill,
    Instrument,
    Level,
    LiveOrder,
    MarketState,
    RawQuote,
    Revision,
    Side,
    Stage,
)
from quoting_policy.models.content import Contents

STEPS = 60
"""Requests to one engine before a fresh one takes its place, without what the last one has lost."""

_NONSENSE = (math.nan, math.inf, -math.inf, 0.0, -1.0, 1e-300, 1e300, -1e300)
_MID_TICKS = 20_000


def storm(
    tally: Tally,
    revision: Revision,
    instrument: Instrument,
    random: Random,
    contents: Contents,
    *,
    hostile: bool,
) -> None:
    """One engine's worth of requests. hostile: with a candidate that returns anything at all."""
    driven = with_scripted_candidate(revision) if hostile else revision
    driver = _Driver(tally, driven, instrument, random, contents)
    if hostile:
        driver.bench.script(_hostile(random, driver))
    driver.begin()
    for _ in range(STEPS):
        driver.step()


class _Driver:
    """Plays the app and the market, and keeps its own account of orders and inventory."""

    def __init__(
        self, tally: Tally, revision: Revision, instrument: Instrument, random: Random, contents: Contents
    ) -> None:
        self.tally, self.random, self.instrument = tally, random, instrument
        self.bench = Bench(revision, instrument, contents)
        self.limits = revision.limits_of(instrument.symbol)
        self.mid = _MID_TICKS * instrument.tick
        self.size = _usual_size(self.limits.max_order_qty, self.limits.max_position)
        self.rows = tuple(row.name for row in rows_for(self.limits, revision.portfolio))
        self.inventory = 0.0
        self.orders: dict[str, LiveOrder] = {}
        self._placed = 0

    def begin(self) -> None:
        """A sound request first: the account opens flat."""
        self.bench.ask(market(self.instrument.tick, self.mid))

    def step(self) -> None:
        """Something happens, then a quote is asked for and judged."""
        self.bench.wait(self.random.choice((0.0, 0.001, 0.1, 1.0, 1.0, 5.0, -0.5)))
        self._authority()
        self._orders()
        state, age_s = self._state(), self._age()
        try:
            decision = self.bench.ask(state, age_s)
        except Exception as error:  # noqa: BLE001  an engine that raises leaves an app without an answer
            self.tally.must(False, f"the engine raised {type(error).__name__}: {error}")
            return
        facts = Facts(
            instrument=self.instrument, limits=self.limits, state=state, accounted=self.inventory,
            bids=self._live(Side.BID), asks=self._live(Side.ASK), age_s=age_s,
        )  # fmt: skip
        self.tally.saw(decision, self.rows, violated(decision.bids, decision.asks, facts))
        if decision.breaches:
            self.tally.must(decision.arm is not Arm.CANDIDATE, "a candidate quoted in its own breach")
            self._forgive()

    def _forgive(self) -> None:
        """Sometimes, so that the candidate is heard again."""
        if self.random.random() < 0.8:
            self.bench.engine.release(self.bench.digest, now_ns=self.bench.now_ns)

    def _authority(self) -> None:
        if self.random.random() < 0.9:
            stage = self.random.choice((Stage.LIVE, Stage.LIVE, Stage.CANARY, Stage.SHADOW))
            self.bench.allow(stage, self.random.choice((1.0, 20.0, 50.0, 99.0)))

    def _orders(self) -> None:
        chance, engine, symbol = self.random.random(), self.bench.engine, self.instrument.symbol
        if chance < 0.2:
            self._place()
        elif chance < 0.3 and self.orders:
            order = self.orders.pop(self.random.choice(sorted(self.orders)))
            engine.order_closed(symbol, order.order_id)
        elif chance < 0.45 and self.orders:
            order = self.orders.pop(self.random.choice(sorted(self.orders)))
            self._fill(order)
            engine.order_closed(symbol, order.order_id)

    def _place(self) -> None:
        side = self.random.choice((Side.BID, Side.ASK))
        away = self.random.randint(1, 20)
        self._placed += 1
        order = LiveOrder(
            order_id=str(self._placed), side=side, price_ticks=_MID_TICKS - side.sign * away,
            qty_lots=max(1, round(self.size * self.random.choice((0.2, 1.0, 3.0)))),
            placed_ns=self.bench.now_ns, in_flight=self.random.random() < 0.5, arm=Arm.BASELINE,
        )  # fmt: skip
        self.orders[order.order_id] = order
        self.bench.engine.order(self.instrument.symbol, order, now_ns=self.bench.now_ns)

    def _fill(self, order: LiveOrder) -> None:
        fill = Fill(
            order_id=order.order_id, ts_ns=self.bench.wall_ns, side=order.side,
            price_ticks=order.price_ticks, qty_lots=order.qty_lots, mid_before=self.mid, fee=0.0, maker=True,
        )  # fmt: skip
        self.bench.engine.fill(
            self.instrument.symbol, fill, now_ns=self.bench.now_ns, wall_ns=self.bench.wall_ns
        )
        self.inventory += order.side.sign * order.qty_lots

    def _live(self, side: Side) -> dict[int, int]:
        lots: dict[int, int] = {}
        for order in self.orders.values():
            if order.side is side:
                lots[order.price_ticks] = lots.get(order.price_ticks, 0) + order.qty_lots
        return lots

    def _state(self) -> MarketState:
        tick, random = self.instrument.tick, self.random
        told = random.choice((self.inventory, self.inventory, self.size, -self.size, -20 * self.size))
        mid = self.mid + random.randint(-30, 30) * tick
        state = market(tick, mid, told, book=random.random() < 0.8)
        if random.random() < 0.7:
            return state
        field = random.choice(("mid", "best_bid", "best_ask", "inventory", "sigma", "time_left", "alpha"))
        value = random.choice((*_NONSENSE, mid + 7 * tick, mid - 7 * tick, 1e6 * self.size))
        return msgspec.structs.replace(state, **{field: value})

    def _age(self) -> float | None:
        oldest = self.limits.max_data_age or 1.0
        return self.random.choice((0.0, 0.0, 0.0, 0.5 * oldest, 2 * oldest + 0.001, -0.001, None))


def _usual_size(order: float | None, position: float | None) -> float:
    """Lots that make the limits bind often but not always."""
    return min(max(1.0, order if order is not None else (position or 20.0) / 4), 1e9)


def _hostile(random: Random, driver: _Driver) -> Says:
    """A model that returns anything: sound quotes, ladders, nonsense, the wrong type, nothing."""
    tick, mid = driver.instrument.tick, driver.mid

    def side(sign: int) -> tuple[Level, ...]:
        levels = []
        for _ in range(random.choice((0, 1, 1, 1, 2, 5))):
            price = mid - sign * random.choice((0.0, 0.3, 1.0, 2.0, 9.0, 900.0, -3.0)) * tick
            qty = driver.size * random.choice((0.1, 0.5, 1.0, 1.0, 2.0, 8.0))
            if random.random() < 0.05:
                price = random.choice(_NONSENSE)
            if random.random() < 0.05:
                qty = random.choice(_NONSENSE)
            levels.append(Level(price, qty))
        return tuple(levels)

    def says(_state: MarketState) -> RawQuote:
        if random.random() < 0.02:
            raise ArithmeticError("on purpose")
        if random.random() < 0.02:
            return random.choice((None, 3, "quote", ()))  # type: ignore[return-value]  # that is the point
        return RawQuote(reservation=random.choice((mid, math.nan)), bids=side(1), asks=side(-1))

    return says
