"""The engine: one policy's two arms over many instruments, every request answered under the same rules."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

from quoting_policy.accounting import TRACKS, Histogram, counters
from quoting_policy.clamps import reducing
from quoting_policy.clamps.precedence import Choice
from quoting_policy.domain import (
    Arm,
    ArmSpec,
    Authority,
    Fill,
    Instrument,
    Kill,
    Limits,
    LiveOrder,
    MarketState,
    Mode,
    OrderAction,
    PublicTrade,
    Revision,
    Schedule,
    Stage,
    exposure_of,
)
from quoting_policy.engine.book import Book
from quoting_policy.engine.decision import Decision
from quoting_policy.engine.latch import Latch
from quoting_policy.engine.policy import ArmPolicy, Attempt, Levels
from quoting_policy.engine.portfolio import Holdings, hold_books, share_risk
from quoting_policy.engine.refresh import Timing, refresh
from quoting_policy.engine.standing import Control
from quoting_policy.errors import InputError
from quoting_policy.models import QuotingModel
from quoting_policy.models.arms import build_arm
from quoting_policy.models.content import NOTHING, Contents

IDLE = Schedule(block_ns=60_000_000_000)
"""Blocks before any authority told their length."""

UNLIMITED = 2**31
"""Orders that may be sent at once where no rate is set."""

BASELINE, CANDIDATE, ACTIVE = Arm.BASELINE, Arm.CANDIDATE, Mode.ACTIVE
QUOTES = int(counters.Counter.QUOTES)
NONE: tuple[str, ...] = ()

Clock = Callable[[], int]


class Engine:
    """Decides quotes. Deterministic: time comes in as monotonic ``now_ns`` and wall-clock ``wall_ns``.

    latch: where breaches are kept. stopwatch, clock: ns of processor and of wall-clock time, to hold a model
    to its budget and to say how long a decision took; they have no other influence on what is quoted.
    explores: take models that explore; paper alone sets it.
    """

    def __init__(
        self,
        *,
        latch: Latch | None = None,
        stopwatch: Clock = time.thread_time_ns,
        clock: Clock = time.perf_counter_ns,
        explores: bool = False,
    ) -> None:
        self.control = Control(latch or Latch())
        self.books: dict[str, Book] = {}
        self.revision: Revision | None = None
        self.without_candidate = ""
        self.schedule = IDLE
        self.bound: Counter[tuple[str, Arm, str]] = Counter()
        self.refusals: Counter[tuple[str, Arm]] = Counter()
        self.turned: set[str] = set()
        self.latency = {track: Histogram() for track in TRACKS}
        self.holdings = Holdings()
        self._pushed_limits: Limits | None = None
        self._baseline: ArmPolicy
        self._candidate: ArmPolicy
        self._interruptible: tuple[ArmPolicy, ...] = ()
        self._stopwatch = stopwatch
        self._clock = clock
        self._explores = explores

    # What the agent tells.

    def configure(
        self,
        revision: Revision,
        *,
        now_ns: int,
        wall_ns: int,
        contents: Contents = NOTHING,
        baseline_alone: bool = False,
    ) -> str:
        """Run this revision from now on; its digest. Raises InputError, and then nothing has changed.

        contents: weights and secret parameters that it names. baseline_alone: where those of the candidate
        are of no use, run without it, and leave in :attr:`without_candidate` why.
        """
        digest = revision.digest()
        baseline = self._policy(revision.baseline, "baseline", revision, contents)
        candidate, lacks = baseline, ""
        if revision.candidate is not None:
            try:
                candidate = self._policy(revision.candidate, "candidate", revision, contents)
            except InputError as error:
                if not (baseline_alone and revision.candidate.content()):
                    raise
                lacks = str(error)
        if digest != self.control.digest:
            before = self.books
            self.books = {i.symbol: self._book(i, digest, wall_ns) for i in revision.instruments}
            for symbol, book in before.items():
                if self.books.get(symbol) is not book:
                    self.holdings.drop(book)
        self.revision, self._baseline, self._candidate = revision, baseline, candidate
        self._interruptible = (baseline, candidate)
        shared = {"sigma"} if revision.portfolio.correlations else set()
        for book in self.books.values():
            book.want(revision.signals, baseline.model.needs | candidate.model.needs | shared)
        self.control.digest = digest
        self.control.has_candidate = revision.candidate is not None and not lacks
        self.without_candidate = lacks
        self._follow_authority(wall_ns)
        self._apply_limits()
        self.control.review(now_ns)
        return digest

    def authorise(self, authority: Authority, *, seen_ns: int, now_ns: int, wall_ns: int) -> None:
        """Let the candidate act within these terms until they expire. Raises InputError, changing nothing."""
        if self.control.authorise(authority, seen_ns, now_ns):
            self._follow_authority(wall_ns)
            self._apply_limits()

    def revoke(self, *, now_ns: int) -> None:
        """The candidate may act no more, from now on."""
        self.control.expires_ns = now_ns
        self.control.review(now_ns)

    def engage(self, kill: Kill, *, now_ns: int) -> None:
        """Take the state of the kill switches; it holds until another one is told."""
        self.control.engage(kill, now_ns)

    def tighten(self, limits: Limits | None) -> None:
        """Limits that come on top of the revision's, which they can only tighten. None takes them back."""
        self._pushed_limits = limits
        self._apply_limits()

    def release(self, digest: str, *, now_ns: int, before_ns: int = 0, drill_only: bool = False) -> bool:
        """Forget the latched breach of a digest, by order of a person; says whether there was one.

        before_ns: only if it was latched earlier (wall clock; 0 is any time). drill_only: only a drill's.
        """
        held = self.control.latch.held(digest)
        newer = held is not None and 0 < before_ns <= held.wall_ns
        if held is None or newer or (drill_only and not held.drill):
            return False
        released = self.control.latch.release(digest)
        self.control.review(now_ns)
        return released

    def drill(self, digest: str, *, now_ns: int, wall_ns: int) -> None:
        """Rehearse a rollback: latch as a breach would. In shadow only, where no quote is touched."""
        if self.control.stage(now_ns) is not Stage.SHADOW or digest != self.control.digest:
            raise InputError("drill.digest", digest, "the digest at hand, in stage Shadow")
        self.control.breach(("drill",), "", now_ns=now_ns, wall_ns=wall_ns, drill=True)

    def interrupt(self) -> None:
        """Stop a model that is over its budget; called by a signal handler while the engine decides."""
        for policy in self._interruptible:
            policy.interrupt()

    def drain(self, *, now_ns: int) -> None:
        """Shut down: no quotes from now on."""
        self.control.draining = True
        self.control.review(now_ns)

    # What the app tells and asks.

    def decide(
        self, symbol: str, state: MarketState, *, now_ns: int, wall_ns: int, data_ns: int | None = None
    ) -> Decision:
        """Quote one instrument. data_ns: monotonic time of the market data; None is unknown."""
        started = self._clock()
        control = self.control
        book = self.books.get(symbol)
        if book is None:
            return Decision(mode=Mode.NOT_CONFIGURED, reasons=("unknown_instrument",))
        if now_ns >= control.review_at_ns:
            control.review(now_ns)
        age_s = None if data_ns is None else (now_ns - data_ns) * 1e-9
        book.observe(state, age_s, now_ns, wall_ns)
        if book.is_one_of_many:
            state = self._beside_others(book, state, wall_ns)
        ledger = book.ledger
        timeline = ledger.timeline
        slot = timeline.slot
        slot_arm = slot.arm
        choice = control.in_baseline_slot if slot_arm is BASELINE else control.in_candidate_slot
        arm = choice.arm
        charged = slot_arm if arm is slot_arm else None
        if charged is not timeline.charged:
            timeline.charge(charged)
        if ledger.shadowing is not control.shadowing:
            ledger.shadowing = control.shadowing
        if arm is None:
            return self._silence(book, choice, now_ns)
        if book.turn is not arm or book.slot is not slot:
            book.take_turn(arm)
        policy = self._candidate if arm is CANDIDATE else self._baseline
        chosen = book.candidate if arm is CANDIDATE else book.baseline
        made = policy.sides(state, book.situation, book.held, book.whole.limits, book.signals, started)
        bound, breaches, reasons, reached = NONE, NONE, choice.reasons, NONE
        if ledger.shadowing or isinstance(made, Attempt):
            arm, attempt, breaches, reasons = self._aftermath(
                book, choice, Attempt.of(made), state, now_ns=now_ns, wall_ns=wall_ns
            )
            bids, asks, bound = attempt.bids, attempt.asks, attempt.bound
            for name in bound:
                self.bound[symbol, arm, name] += 1
            reached = reducing(book.situation)
        else:
            bids, asks = made
        if (book.mode is not ACTIVE or reached) and book.turn_to(reached):
            self.turned.add(symbol)
        (book.candidate if arm is CANDIDATE else book.baseline).counts[QUOTES] += 1.0
        if book.quote_rate is not None:
            book.quoted(bids, asks, book.quote_rate, now_ns)
        orders = self._orders(book, bids, asks, now_ns) if book.reports_orders else ()
        elapsed = self._clock() - started
        # A decision is its chosen arm's, also where the baseline answered: the time was spent on that arm.
        chosen.decided(elapsed)
        return Decision(bids, asks, arm, book.mode, orders, bound, breaches, reasons, elapsed)

    def market(self, symbol: str, state: MarketState, *, now_ns: int, wall_ns: int) -> None:
        """The market moved; nothing is asked."""
        if (book := self.books.get(symbol)) is not None:
            book.observe(state, None, now_ns, wall_ns)
            self._look(book, wall_ns)

    def trade(self, symbol: str, trade: PublicTrade, *, now_ns: int, wall_ns: int) -> None:
        """Somebody traded."""
        if (book := self.books.get(symbol)) is not None:
            book.trade(trade, now_ns, wall_ns)

    def order(self, symbol: str, order: LiveOrder, *, now_ns: int) -> None:
        """An own order was sent, acknowledged or changed."""
        self._known(symbol).order(order, now_ns)

    def order_closed(self, symbol: str, order_id: str) -> None:
        """An own order is gone."""
        self._known(symbol).close(order_id)

    def fill(self, symbol: str, fill: Fill, *, now_ns: int, wall_ns: int) -> None:
        """An own order was filled."""
        book = self._known(symbol)
        book.fill(fill, now_ns, wall_ns)
        self._look(book, wall_ns)

    def position(self, symbol: str, inventory: float) -> None:
        """The position really is this: take it over at the mid, and all own orders as gone."""
        book = self._known(symbol)
        book.orders.clear()
        book.reposition(inventory)

    def model(self, arm: Arm) -> QuotingModel:
        """The model of an arm of the revision at hand."""
        return (self._candidate if arm is CANDIDATE else self._baseline).model

    # How it is done.

    def _silence(self, book: Book, choice: Choice, now_ns: int) -> Decision:
        """Nobody may quote: every order has to go."""
        orders = self._orders(book, (), (), now_ns) if book.reports_orders else ()
        return Decision(mode=choice.mode, orders=orders, reasons=choice.reasons)

    def _aftermath(
        self,
        book: Book,
        choice: Choice,
        attempt: Attempt,
        state: MarketState,
        *,
        now_ns: int,
        wall_ns: int,
    ) -> tuple[Arm, Attempt, tuple[str, ...], tuple[str, ...]]:
        """What follows from an attempt that was not plain: (arm, quote, breaches, reasons).

        A candidate that breached, or had no quote, is answered for by the baseline.
        """
        breaches, reasons = NONE, choice.reasons
        if choice.arm is CANDIDATE:
            breaches = attempt.breaches + attempt.realised
            if attempt.answered and not breaches:
                return CANDIDATE, attempt, breaches, reasons
            self.refusals[book.symbol, CANDIDATE] += 1
            if breaches:
                self.control.breach(breaches, book.symbol, now_ns=now_ns, wall_ns=wall_ns)
            reasons += tuple(filter(None, ("candidate_refused", *attempt.breaches, attempt.refusal)))
            book.take_turn(BASELINE)
            attempt = Attempt.of(
                self._baseline.sides(
                    state, book.situation, book.held, book.whole.limits, book.signals, self._clock()
                )
            )
        if book.ledger.shadowing:
            breaches = self._shadow(book, state, now_ns=now_ns, wall_ns=wall_ns)
        if attempt.realised and self.control.exposed:
            breaches += attempt.realised
            self.control.breach(attempt.realised, book.symbol, now_ns=now_ns, wall_ns=wall_ns)
        if not attempt.answered:
            self.refusals[book.symbol, BASELINE] += 1
            reasons += tuple(filter(None, ("baseline_refused", *attempt.breaches, attempt.refusal)))
        return BASELINE, attempt, breaches, reasons

    def _shadow(self, book: Book, state: MarketState, *, now_ns: int, wall_ns: int) -> tuple[str, ...]:
        """Let both arms quote for the record, with the inventory each would have; breaches."""
        breaches: tuple[str, ...] = ()
        for arm, policy in ((BASELINE, self._baseline), (CANDIDATE, self._candidate)):
            seen, situation = book.for_shadow(arm, state)
            started = self._clock()
            made = policy.sides(seen, situation, book.whole, book.whole.limits, book.signals, started)
            book.ledger.shadows[arm].track.decided(self._clock() - started)
            attempt = Attempt.of(made)
            book.ledger.on_shadow(arm, attempt.bids, attempt.asks, answered=attempt.answered)
            if arm is CANDIDATE:
                breaches = attempt.breaches
        if breaches:
            self.control.breach(breaches, book.symbol, now_ns=now_ns, wall_ns=wall_ns)
        return breaches

    def _beside_others(self, book: Book, state: MarketState, wall_ns: int) -> MarketState:
        """What the other instruments mean for this one: the portfolio's limits, and shared risk."""
        if self.holdings.limited:
            book.situation.portfolio = self.holdings.view(book, wall_ns)
        return share_risk(book, state) if book.related else state

    def _look(self, book: Book, wall_ns: int) -> None:
        """Something happened that nobody asked about: the book's mode may have changed with it."""
        if self.holdings.limited:
            book.situation.portfolio = self.holdings.view(book, wall_ns)
        if book.turn_to(reducing(book.situation)):
            self.turned.add(book.symbol)

    def _orders(self, book: Book, bids: Levels, asks: Levels, now_ns: int) -> tuple[OrderAction, ...]:
        assert self.revision is not None  # noqa: S101  there is a book, so there is a revision
        budget = UNLIMITED if book.order_rate is None else book.order_rate.room(now_ns)
        timing = Timing(now_ns=now_ns, last_fill_ns=book.last_fill_ns, budget=budget)
        return refresh(book.orders, bids, asks, self.revision.refresh, timing)

    def _apply_limits(self) -> None:
        if self.revision is None:
            return
        authority = self.control.authority
        canary = authority is not None and authority.stage is Stage.CANARY
        exposure = exposure_of(authority.exposure_percent) if canary and authority is not None else None
        self.holdings.hold_to(self.revision.portfolio)
        hold_books(self.books, self.revision, self._pushed_limits, exposure)
        for book in self.books.values():
            book.is_one_of_many = self.holdings.limited or bool(book.related)

    def _policy(self, spec: ArmSpec, field: str, revision: Revision, contents: Contents) -> ArmPolicy:
        model = build_arm(spec, contents, field)
        if getattr(model, "explores", False) and not self._explores:
            raise InputError(
                f"{field}.model",
                spec.model,
                "a model that does not explore",
                "exploring is for the paper stage",
            )
        policy = ArmPolicy(model, revision.breach, self._stopwatch, self._clock)
        self._interruptible += (policy,)
        policy.warm_up(revision.instruments[0].tick)
        return policy

    def _book(self, instrument: Instrument, digest: str, wall_ns: int) -> Book:
        present = self.books.get(instrument.symbol)
        if present is None or present.instrument != instrument:
            book = Book(instrument, digest, self.schedule, wall_ns)
            for track in book.ledger.tracks:
                track.latency = self.latency[track.name]
            return book
        present.ledger.new_digest(digest, self.schedule, wall_ns)
        return present

    def _follow_authority(self, wall_ns: int) -> None:
        """Take the switchback from the authority, which may come before its revision or after it."""
        authority = self.control.authority
        if authority is None or authority.digest != self.control.digest:
            return
        schedule = authority.schedule()
        if schedule != self.schedule:
            self.schedule = schedule
            for book in self.books.values():
                book.ledger.timeline.restart(self.control.digest, schedule, wall_ns)

    def _known(self, symbol: str) -> Book:
        try:
            return self.books[symbol]
        except KeyError:
            raise InputError("symbol", symbol, f"one of {', '.join(self.books) or 'none yet'}") from None
