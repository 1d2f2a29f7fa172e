"""One arm at work: a model's quote, held to the limits, judged for breaches."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

import msgspec

from quoting_policy.clamps import (
    Clamp,
    Situation,
    clamp,
    raw_breaches,
    realised_breaches,
    rows_for,
)
from quoting_policy.clamps.envelope import Envelope, Sides
from quoting_policy.clamps.sanity import is_usable
from quoting_policy.domain import (
    BreachThresholds,
    FillHazard,
    Instrument,
    Latency,
    Limits,
    MarketState,
    PortfolioLimits,
    QuoteLevel,
    RawQuote,
)
from quoting_policy.engine.signals import BookSignals
from quoting_policy.engine.time_budget import Clock, TimeBudget, TimeBudgetError
from quoting_policy.errors import InputError
from quoting_policy.models import QuotingModel, RefusalError

Levels = tuple[QuoteLevel, ...]


class HeldLimits(NamedTuple):
    """Limits ready to use: as they are, as rows of the table, and as the envelope of the common case."""

    limits: Limits
    rows: tuple[Clamp, ...]
    envelope: Envelope

    @classmethod
    def of(cls, limits: Limits, portfolio: PortfolioLimits, instrument: Instrument) -> HeldLimits:
        """Prepare limits for an instrument."""
        envelope = Envelope(limits, portfolio, instrument.tick, instrument.min_qty_lots)
        return cls(limits, rows_for(limits, portfolio), envelope)


class Attempt(msgspec.Struct, frozen=True, gc=False):
    """What an arm made of a request.

    answered: False where the baseline must answer. breaches: faults of the model. realised: limits that are
    crossed, whoever is to blame. refusal: why there is no quote, though nothing is wrong.
    """

    answered: bool
    bids: Levels = ()
    asks: Levels = ()
    bound: tuple[str, ...] = ()
    breaches: tuple[str, ...] = ()
    realised: tuple[str, ...] = ()
    refusal: str = ""

    @classmethod
    def of(cls, made: Sides | Attempt) -> Attempt:
        """What :meth:`ArmPolicy.sides` gives, in full."""
        return made if isinstance(made, Attempt) else cls(True, *made)


UNUSABLE = Attempt(answered=True, bound=("input",))
"""Nobody can quote from such an input, and no model is to blame for what it made of it."""


WARM_UP_NS = 1_000_000_000
"""Processor time that a model may take to get ready."""


class ArmPolicy:
    """A model under a time budget. It never raises: a model's failure is an attempt that was not answered.

    stopwatch, clock: processor and wall-clock time, ns (:class:`TimeBudget`).
    """

    __slots__ = ("_budget", "_clock", "_lacks", "_model", "_needs", "_thresholds")

    def __init__(
        self, model: QuotingModel, thresholds: BreachThresholds, stopwatch: Clock, clock: Clock
    ) -> None:
        self._model = model
        self._needs = tuple(sorted(model.needs))
        self._lacks = _lacking(self._needs)
        self._thresholds = thresholds
        self._clock = clock
        self._budget = TimeBudget(round(thresholds.time_budget_us * 1000), stopwatch, clock)

    @property
    def model(self) -> QuotingModel:
        """The model at work."""
        return self._model

    def warm_up(self, tick: float) -> None:
        """Let the model quote once, for nobody: what it loads or solves at first is not a quote's time.

        Whatever comes of it is forgotten; one that does not come to an end is interrupted after a second.
        """
        budget, allowed_ns = self._budget, self._budget.allowed_ns
        budget.allow(WARM_UP_NS)
        with suppress(Exception):
            budget.spend(self._model.quote, _typical(tick), self._clock())
        budget.allow(allowed_ns)

    def sides(
        self,
        state: MarketState,
        now: Situation,
        held: HeldLimits,
        whole: Limits,
        signals: BookSignals,
        started_ns: int,
    ) -> Sides | Attempt:
        """Quote, clamp and judge: bids and asks where no clamp touched them, else what came of it in full.

        whole: the instrument's limits, before they are scaled to the exposure. signals: for what the state
        leaves out. started_ns: the clock, now.
        """
        try:
            if self._lacks(state):
                state = self._completed(state, signals)
            raw = self._budget.spend(self._model.quote, state, started_ns)
            sides = held.envelope.untouched(raw, now)
            return self._judge(raw, now, held, whole) if sides is None else sides
        except Exception as error:  # noqa: BLE001  whatever a model throws or returns, the baseline answers
            return _failure(error, now)

    def _judge(self, raw: RawQuote, now: Situation, held: HeldLimits, whole: Limits) -> Attempt:
        if not is_usable(now):
            return UNUSABLE
        if breaches := raw_breaches(raw, now.mid, whole, self._thresholds):
            return Attempt(answered=False, breaches=breaches, realised=realised_breaches(now))
        clamped = clamp(raw, now, held.rows)
        return Attempt(
            answered=True,
            bids=clamped.bids,
            asks=clamped.asks,
            bound=clamped.bound,
            realised=realised_breaches(now),
        )

    def _completed(self, state: MarketState, signals: BookSignals) -> MarketState:
        """The state with what can be estimated. Raises RefusalError where something is still missing."""
        state = signals.complete(state)
        if self._lacks(state):
            missing = [name for name in self._needs if getattr(state, name) is None]
            raise RefusalError(f"{', '.join(missing)} missing")
        return state

    def interrupt(self) -> None:
        """Stop the model if it is at work and over its budget (:meth:`TimeBudget.interrupt`)."""
        self._budget.interrupt()


def _lacking(needs: tuple[str, ...]) -> Callable[[MarketState], bool]:
    """Whether a state lacks one of these fields, written out as one expression: asked for every quote.

    To collect the values and look for None among them takes five times as long.
    """
    if unknown := set(needs) - set(MarketState.__struct_fields__):
        raise InputError("model.needs", sorted(unknown), "fields of MarketState")
    expression = " or ".join(f"state.{name} is None" for name in needs) or "False"
    lacks: Callable[[MarketState], bool] = eval(f"lambda state: {expression}")  # noqa: S307  fields of our own
    return lacks


def _failure(error: Exception, now: Situation) -> Attempt:
    """What a model's exception means."""
    if isinstance(error, RefusalError):
        return Attempt(answered=False, refusal=str(error))
    if isinstance(error, TimeBudgetError):
        return Attempt(answered=False, breaches=("time_budget",))
    if not is_usable(now):
        return UNUSABLE
    return Attempt(answered=False, breaches=("exception",), refusal=type(error).__name__)


def _typical(tick: float) -> MarketState:
    """A market in which every model can quote: nothing is missing, nothing is extreme."""
    hazard, mid = FillHazard(A=1.0, k=1.0 / tick), 1000.0 * tick
    return MarketState(
        mid=mid,
        best_bid=mid - tick,
        best_ask=mid + tick,
        bid_qty=10.0,
        ask_qty=10.0,
        sigma=tick,
        time_left=60.0,
        fill_hazard_bid=hazard,
        fill_hazard_ask=hazard,
        latency=Latency(feed=0.001, order=0.001),
        depth=100.0,
        toxicity=0.0,
        alpha=0.0,
        drift=0.0,
        competition=0.0,
    )
