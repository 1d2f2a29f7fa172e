"""An engine with two arms, a clock in the hand, and models that misbehave on demand."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from quoting_policy.domain import (
    ArmSpec,
    Authority,
    Instrument,
    Kill,
    KillAction,
    Level,
    Limits,
    MarketState,
    RawQuote,
    Revision,
    Stage,
)
from quoting_policy.engine import Engine, Latch
from quoting_policy.models import Parameters, RefusalError
from quoting_policy.models.registry import names, register

SECOND = 1_000_000_000
WALL = 1_700_000_000 * SECOND


class ScriptedParameters(Parameters):
    pass


class ScriptedModel:
    """Quotes whatever ``script`` says; a test sets it."""

    name: ClassVar[str] = "ScriptedForTests"
    parameters: ClassVar[type[Parameters]] = ScriptedParameters
    needs: ClassVar[frozenset[str]] = frozenset()
    script: ClassVar = None

    def __init__(self, params: ScriptedParameters) -> None:
        pass

    def quote(self, state: MarketState) -> RawQuote:
        return type(self).script(state)


if ScriptedModel.name not in names():
    register(ScriptedModel)

BASELINE = ArmSpec(model="FixedSpread", params={"halfSpread": 1.0, "qty": 2})
WIDE = ArmSpec(model="FixedSpread", params={"halfSpread": 2.0, "qty": 2})
SCRIPTED = ArmSpec(model="ScriptedForTests")
STATE = MarketState(mid=100.0, best_bid=99.5, best_ask=100.5)


def instrument(symbol: str = "X", **changes) -> Instrument:
    return Instrument(**({"symbol": symbol, "tick_size": Decimal("0.5"), "lot_size": Decimal(1)} | changes))


def revision(**changes) -> Revision:
    fields = {
        "baseline": BASELINE,
        "candidate": WIDE,
        "instruments": (instrument(),),
        "limits": Limits(max_position=10),
    }
    return Revision(**(fields | changes))


class Desk:
    """Drives an engine; time moves only when told."""

    def __init__(self, latch: Latch | None = None, **changes) -> None:
        self.now_ns = 10**15
        self.wall_ns = WALL
        self.spent_ns = 0
        self.worked_ns = 0
        self.passed_ns = 0
        self.engine = Engine(latch=latch, stopwatch=self._stopwatch, clock=self._clock)
        self.revision = revision(**changes)
        self.digest = self.engine.configure(self.revision, now_ns=self.now_ns, wall_ns=self.wall_ns)
        self.kill(KillAction.NONE)

    def _stopwatch(self) -> int:
        self.worked_ns += self.spent_ns
        return self.worked_ns

    def _clock(self) -> int:
        """Work takes time: the clock is never behind the stopwatch."""
        self.passed_ns += self.spent_ns
        return self.passed_ns

    @property
    def clock(self) -> dict[str, int]:
        return {"now_ns": self.now_ns, "wall_ns": self.wall_ns}

    def wait(self, seconds: float) -> None:
        self.now_ns += round(seconds * SECOND)
        self.wall_ns += round(seconds * SECOND)

    def kill(self, action: KillAction) -> None:
        self.engine.engage(Kill(action=action), now_ns=self.now_ns)

    def allow(self, stage: Stage = Stage.LIVE, exposure: float = 100.0, **changes) -> None:
        fields = {"digest": self.digest, "stage": stage, "exposure_percent": exposure, "lifetime_s": 15.0}
        authority = Authority(**(fields | changes))
        self.engine.authorise(authority, seen_ns=self.now_ns, **self.clock)

    def ask(self, state: MarketState = STATE, symbol: str = "X"):
        return self.engine.decide(symbol, state, data_ns=self.now_ns, **self.clock)

    def fill(self, fill, symbol: str = "X") -> None:
        self.engine.fill(symbol, fill, **self.clock)


def prices(decision) -> tuple[list[int], list[int]]:
    return [level.price_ticks for level in decision.bids], [level.price_ticks for level in decision.asks]


def raw(bid: float = 99.0, ask: float = 101.0, qty: float = 2.0) -> RawQuote:
    return RawQuote(bids=(Level(bid, qty),), asks=(Level(ask, qty),), reservation=100.0)


def refuse(_state: MarketState) -> RawQuote:
    raise RefusalError("outside the domain")
