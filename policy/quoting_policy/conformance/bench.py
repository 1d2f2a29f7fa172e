"""An engine on the bench: a clock in the hand, and a model that quotes whatever it is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import msgspec

from quoting_policy.domain import (
    Arm,
    ArmSpec,
    Authority,
    BreachThresholds,
    FillHazard,
    Instrument,
    Kill,
    KillAction,
    Latency,
    Level,
    Limits,
    MarketState,
    PortfolioLimits,
    RawQuote,
    Revision,
    Stage,
)
from quoting_policy.engine import Decision, Engine
from quoting_policy.models import Parameters, RefusalError
from quoting_policy.models.content import NOTHING, Contents
from quoting_policy.models.registry import names, register

SECOND = 1_000_000_000
LIFETIME_S = 30.0
_START_NS, _WALL_NS = 10**15, 1_700_000_000 * SECOND

Says = Callable[[MarketState], RawQuote]


class ScriptedParameters(Parameters):
    """None."""


class ScriptedModel:
    """Quotes what ``says`` says; refuses until somebody has set it."""

    name: ClassVar[str] = "ScriptedForConformance"
    parameters: ClassVar[type[Parameters]] = ScriptedParameters
    needs: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, params: ScriptedParameters) -> None:
        del params
        self.says: Says = _nothing

    def quote(self, state: MarketState) -> RawQuote:
        """What the script says."""
        return self.says(state)


def _nothing(_state: MarketState) -> RawQuote:
    raise RefusalError("no script yet")


if ScriptedModel.name not in names():
    register(ScriptedModel)

SCRIPTED = ArmSpec(model=ScriptedModel.name)
_TRUSTING = BreachThresholds(raw_price=1e12, raw_size=1e12)


class Bench:
    """One instrument of a revision in a real engine. ``worked_ns`` is what the stopwatch shows."""

    def __init__(self, revision: Revision, instrument: Instrument, contents: Contents = NOTHING) -> None:
        self.instrument, self.revision = instrument, revision
        self.now_ns, self.wall_ns, self.worked_ns = _START_NS, _WALL_NS, 0
        self.engine = Engine(stopwatch=lambda: self.worked_ns, clock=lambda: self.worked_ns)
        self.digest = self.engine.configure(
            revision, now_ns=self.now_ns, wall_ns=self.wall_ns, contents=contents
        )
        self.engine.engage(Kill(action=KillAction.NONE), now_ns=self.now_ns)

    def script(self, says: Says, arm: Arm = Arm.CANDIDATE) -> None:
        """From now on the scripted arm says this."""
        model = self.engine.model(arm)
        assert isinstance(model, ScriptedModel)  # noqa: S101  the revision names it
        model.says = says

    def wait(self, seconds: float) -> None:
        """Time passes; less than 0, the clocks step back."""
        self.now_ns += round(seconds * SECOND)
        self.wall_ns += round(seconds * SECOND)

    def allow(self, stage: Stage = Stage.LIVE, exposure_percent: float = 100.0) -> None:
        """Let the candidate quote for a while."""
        terms = Authority(
            digest=self.digest, stage=stage, exposure_percent=exposure_percent, lifetime_s=LIFETIME_S
        )
        self.engine.authorise(terms, seen_ns=self.now_ns, now_ns=self.now_ns, wall_ns=self.wall_ns)

    def ask(self, state: MarketState, age_s: float | None = 0.0) -> Decision:
        """Ask for a quote on market data of this age."""
        data_ns = None if age_s is None else self.now_ns - round(age_s * SECOND)
        symbol = self.instrument.symbol
        return self.engine.decide(symbol, state, now_ns=self.now_ns, wall_ns=self.wall_ns, data_ns=data_ns)


def isolated(
    instrument: Instrument, limits: Limits, portfolio: PortfolioLimits | None = None, *others: Instrument
) -> Bench:
    """A bench on which nothing but these limits can stop what the script says."""
    revision = Revision(
        baseline=SCRIPTED,
        instruments=(instrument, *others),
        limits=limits,
        portfolio=portfolio or PortfolioLimits(),
        breach=_TRUSTING,
    )
    return Bench(revision, instrument)


def with_scripted_candidate(revision: Revision) -> Revision:
    """The revision with another candidate and the very same baseline and limits."""
    return msgspec.structs.replace(revision, candidate=SCRIPTED)


def market(tick: float, mid: float, inventory: float = 0.0, *, book: bool = True) -> MarketState:
    """A market in which every model can quote. book: whether the best prices are known."""
    hazard = FillHazard(A=1.0, k=1.0 / tick)
    return MarketState(
        mid=mid, inventory=inventory, best_bid=mid - tick if book else None,
        best_ask=mid + tick if book else None, bid_qty=10.0, ask_qty=10.0, sigma=tick, time_left=60.0,
        fill_hazard_bid=hazard, fill_hazard_ask=hazard, latency=Latency(feed=0.001, order=0.001), depth=100.0,
        toxicity=0.0, alpha=0.0, drift=0.0, competition=0.0,
    )  # fmt: skip


def around(mid: float, below: float, above: float, qty: float) -> Says:
    """A script: one bid so far below the mid, one ask so far above it, price units, of ``qty`` lots each."""
    quote = RawQuote(reservation=mid, bids=(Level(mid - below, qty),), asks=(Level(mid + above, qty),))
    return lambda _state: quote
