"""One arm at work: a model's quote, held to the limits, judged for breaches."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from quoting_policy.clamps import (
    Clamp,
    Situation,
    clamp,
    raw_breaches,
    realised_breaches,
    rows_for,
)
from quoting_policy.clamps.envelope import Envelope
from quoting_policy.clamps.sanity import is_usable
from quoting_policy.domain import (
    BreachThresholds,
    Limits,
    MarketState,
    PortfolioLimits,
    QuoteLevel,
)
from quoting_policy.models import QuotingModel, RefusalError

Levels = tuple[QuoteLevel, ...]
Stopwatch = Callable[[], int]


class HeldLimits(NamedTuple):
    """Limits ready to use: as they are, as rows of the table, and as the envelope of the common case."""

    limits: Limits
    rows: tuple[Clamp, ...]
    envelope: Envelope

    @classmethod
    def of(cls, limits: Limits, portfolio: PortfolioLimits, tick: float) -> HeldLimits:
        """Prepare limits for an instrument of this tick size."""
        return cls(limits, rows_for(limits, portfolio), Envelope.of(limits, portfolio, tick))


class Attempt(NamedTuple):
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


UNUSABLE = Attempt(answered=True, bound=("input",))
"""Nobody can quote from such an input, and no model is to blame for what it made of it."""


class ArmPolicy:
    """A model under a time budget. It never raises: a model's failure is an attempt that was not answered.

    running: the model is at work at this moment, for a watchdog to see. budget_ns: what the stopwatch may
    show for one quote. stopwatch: ns, processor time of this thread, so that a busy neighbour is not the
    model's fault.
    """

    __slots__ = ("budget_ns", "model", "needs", "running", "stopwatch", "thresholds")

    def __init__(self, model: QuotingModel, thresholds: BreachThresholds, stopwatch: Stopwatch) -> None:
        self.model = model
        self.needs = tuple(sorted(model.needs))
        self.thresholds = thresholds
        self.budget_ns = round(thresholds.time_budget_us * 1000)
        self.stopwatch = stopwatch
        self.running = False

    def attempt(self, state: MarketState, now: Situation, held: HeldLimits, whole: Limits) -> Attempt:
        """Quote, clamp and judge. whole: the instrument's limits, before they are scaled to the exposure."""
        try:
            return self._attempt(state, now, held, whole)
        except RefusalError as refusal:
            return Attempt(answered=False, refusal=str(refusal))
        except Exception as error:  # noqa: BLE001  whatever a model throws or returns, the baseline answers
            if not is_usable(now):
                return UNUSABLE
            return Attempt(answered=False, breaches=("exception",), refusal=type(error).__name__)
        finally:
            self.running = False

    def _attempt(self, state: MarketState, now: Situation, held: HeldLimits, whole: Limits) -> Attempt:
        for need in self.needs:
            if getattr(state, need) is None:
                return Attempt(answered=False, refusal=f"{need} is missing")
        stopwatch = self.stopwatch
        self.running = True
        started = stopwatch()
        raw = self.model.quote(state)
        spent = stopwatch() - started
        self.running = False
        if spent > self.budget_ns:
            return Attempt(answered=False, breaches=("time_budget",))
        sides = held.envelope.untouched(raw, now)
        if sides is not None:
            return Attempt(True, *sides)
        if not is_usable(now):
            return UNUSABLE
        if breaches := raw_breaches(raw, now.mid, whole, self.thresholds):
            return Attempt(answered=False, breaches=breaches, realised=realised_breaches(now))
        clamped = clamp(raw, now, held.rows)
        return Attempt(
            answered=True,
            bids=clamped.bids,
            asks=clamped.asks,
            bound=clamped.bound,
            realised=realised_breaches(now),
        )
