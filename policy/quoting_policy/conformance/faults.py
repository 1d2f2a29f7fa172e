"""A candidate that goes wrong: it latches at once, and the baseline answers the very same request."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial

from quoting_policy.conformance.bench import (
    LIFETIME_S,
    Bench,
    Says,
    around,
    market,
    with_scripted_candidate,
)
from quoting_policy.conformance.tally import Tally
from quoting_policy.domain import Arm, Instrument, Kill, KillAction, Level, MarketState, RawQuote, Revision
from quoting_policy.engine import Decision
from quoting_policy.models.content import Contents

_STEP_S = 10.0
"""Between requests, so that no rate of the revision stands in the way."""

_MID_TICKS = 20_000


def check_faults(tally: Tally, revision: Revision, instrument: Instrument, contents: Contents) -> None:
    """Try every breach that this revision has a threshold for, and every way of having no authority."""
    twins = partial(_Twins, tally, revision, instrument, contents)
    for breach, says in _faults(revision, instrument):
        _latches(twins(), breach, says)
    _time_budget(twins())
    _authority(twins())


def _mid(instrument: Instrument) -> float:
    return _MID_TICKS * instrument.tick


def _faults(revision: Revision, instrument: Instrument) -> Iterator[tuple[str, Says]]:
    mid, tick = _mid(instrument), instrument.tick
    limits, thresholds = revision.limits_of(instrument.symbol), revision.breach

    def quoting(bid: float, ask: float, qty: float = 1.0) -> Says:
        quote = RawQuote(reservation=mid, bids=(Level(bid, qty),), asks=(Level(ask, qty),))
        return lambda _state: quote

    for nonsense in (math.nan, math.inf, -math.inf):
        yield "raw_number", quoting(nonsense, mid + tick)
        yield "raw_number", quoting(mid - tick, mid + tick, nonsense)
    yield "raw_number", quoting(mid - tick, mid + tick, -1.0)
    yield "raw_crossed", quoting(mid + tick, mid - tick)
    yield "exception", _raises
    yield "exception", _nothing
    if limits.price_band is not None:
        far = 1.5 * thresholds.raw_price * limits.price_band * mid + 2 * tick
        yield "raw_price", quoting(mid - tick, mid + far)
    if limits.max_order_qty is not None:
        yield "raw_size", quoting(mid - tick, mid + tick, 2 * thresholds.raw_size * limits.max_order_qty + 1)


def _raises(_state: MarketState) -> RawQuote:
    raise ArithmeticError("on purpose")


def _nothing(_state: MarketState) -> RawQuote:
    return None  # type: ignore[return-value]  # what a broken model gives


class _Twins:
    """The revision with a candidate under the test's control, and the same one without any candidate."""

    def __init__(self, tally: Tally, revision: Revision, instrument: Instrument, contents: Contents) -> None:
        self.tally = tally
        self.subject = Bench(with_scripted_candidate(revision), instrument, contents)
        self.alone = Bench(_without_candidate(revision), instrument, contents)
        self.state = market(instrument.tick, _mid(instrument))

    def ask(self) -> tuple[Decision, Decision]:
        """The same request to both, some time after the last one."""
        for bench in (self.subject, self.alone):
            bench.wait(_STEP_S)
        answers = self.subject.ask(self.state), self.alone.ask(self.state)
        self.tally.saw(answers[0], [])
        return answers

    def must_be_baseline(self, why: str) -> Decision:
        """The subject gives what the baseline alone would give; its decision."""
        found, wanted = self.ask()
        same = (found.arm, found.bids, found.asks) == (Arm.BASELINE, wanted.bids, wanted.asks)
        self.tally.must(same, f"{why}: the baseline did not answer the same request")
        return found


def _without_candidate(revision: Revision) -> Revision:
    fields = {name: getattr(revision, name) for name in revision.__struct_fields__}
    return Revision(**(fields | {"candidate": None}))


def _latches(twins: _Twins, breach: str, says: Says) -> None:
    tally, instrument = twins.tally, twins.subject.instrument
    twins.subject.allow()
    twins.subject.script(says)
    decision = twins.must_be_baseline(breach)
    tally.must(breach in decision.breaches, f"{breach}: was not told as a breach")
    held = twins.subject.engine.control.latch.held(twins.subject.digest)
    tally.must(held is not None, f"{breach}: did not latch")
    tick = instrument.tick
    twins.subject.script(around(_mid(instrument), tick, tick, 1.0))
    twins.subject.allow()
    twins.must_be_baseline(f"{breach}, after it")


def _time_budget(twins: _Twins) -> None:
    tally, instrument = twins.tally, twins.subject.instrument
    twins.subject.allow()
    quick = around(_mid(instrument), instrument.tick, instrument.tick, 1.0)

    def slow(state: MarketState) -> RawQuote:
        twins.subject.worked_ns += round(2 * twins.subject.revision.breach.time_budget_us * 1000) + 1
        return quick(state)

    twins.subject.script(slow)
    decision = twins.must_be_baseline("time_budget")
    tally.must("time_budget" in decision.breaches, "time_budget: was not told as a breach")


def _authority(twins: _Twins) -> None:
    """Silence is baseline, and a halted engine is silent."""
    tally, instrument = twins.tally, twins.subject.instrument
    twins.subject.script(around(_mid(instrument), instrument.tick, instrument.tick, 1.0))
    twins.must_be_baseline("no authority")
    twins.subject.allow()
    for bench in (twins.subject, twins.alone):
        bench.wait(LIFETIME_S + 1)
    twins.must_be_baseline("authority that has lapsed")
    twins.subject.allow()
    twins.subject.engine.engage(Kill(action=KillAction.BASELINE), now_ns=twins.subject.now_ns)
    twins.must_be_baseline("kill switch, Baseline")
    twins.subject.engine.engage(Kill(action=KillAction.HALT), now_ns=twins.subject.now_ns)
    decision, _ = twins.ask()
    tally.must(not (decision.bids or decision.asks), "kill switch, Halt: something was quoted")
