"""The engine: one policy's two arms over many instruments, every request answered under the same rules."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

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
from quoting_policy.engine.decision import Decision, Histogram
from quoting_policy.engine.latch import Latch, Latched
from quoting_policy.engine.policy import ArmPolicy, Attempt
from quoting_policy.engine.portfolio import Holdings, hold_books
from quoting_policy.engine.refresh import Timing, refresh
from quoting_policy.engine.standing import Control
from quoting_policy.errors import InputError
from quoting_policy.models import build

IDLE = Schedule(block_ns=60_000_000_000)
"""Blocks before any authority told their length."""

REDUCING = frozenset({"drawdown", "daily_loss", "portfolio_drawdown", "portfolio_daily_loss", "zone"})
"""Clamps that leave reducing orders only."""

Clock = Callable[[], int]


class Engine:
    """Decides quotes. Deterministic: time comes in as monotonic ``now_ns`` and wall-clock ``wall_ns``.

    latch: where breaches are kept. stopwatch: ns of processor time, to hold a model to its budget. clock: ns,
    to say how long a decision took; neither has any other influence on what is quoted.
    """

    def __init__(
        self,
        *,
        latch: Latch | None = None,
        stopwatch: Clock = time.thread_time_ns,
        clock: Clock = time.perf_counter_ns,
    ) -> None:
        self.control = Control(latch or Latch())
        self.books: dict[str, Book] = {}
        self.revision: Revision | None = None
        self.schedule = IDLE
        self.bound: Counter[tuple[str, Arm, str]] = Counter()
        self.refusals: Counter[tuple[str, Arm]] = Counter()
        self.breaches: Counter[str] = Counter()
        self.news: list[Latched] = []
        self.latency = Histogram()
        self.holdings = Holdings()
        self._pushed_limits: Limits | None = None
        self._policies: dict[Arm, ArmPolicy] = {}
        self._stopwatch = stopwatch
        self._clock = clock

    # What the agent tells.

    def configure(self, revision: Revision, *, now_ns: int, wall_ns: int) -> str:
        """Run this revision from now on; its digest. Raises InputError, and then nothing has changed."""
        digest = revision.digest()
        policies = {Arm.BASELINE: self._policy(revision.baseline, "baseline", revision)}
        if revision.candidate is not None:
            policies[Arm.CANDIDATE] = self._policy(revision.candidate, "candidate", revision)
        if digest != self.control.digest:
            self.books = {i.symbol: self._book(i, digest, wall_ns) for i in revision.instruments}
        self.revision, self._policies = revision, policies
        self.control.digest = digest
        self.control.has_candidate = revision.candidate is not None
        self._apply_limits()
        self.control.review(now_ns)
        return digest

    def authorise(self, authority: Authority, *, seen_ns: int, now_ns: int, wall_ns: int) -> None:
        """Let the candidate act within these terms until they expire. Raises InputError, changing nothing."""
        changed = self.control.authorise(authority, seen_ns, now_ns)
        if changed and authority.digest == self.control.digest:
            self._follow(authority.schedule(), wall_ns)
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

    def release(self, digest: str, *, now_ns: int) -> bool:
        """Forget the latched breach of a digest, by order of a person; says whether there was one."""
        released = self.control.latch.release(digest)
        self.control.review(now_ns)
        return released

    def drill(self, digest: str, *, now_ns: int, wall_ns: int) -> None:
        """Rehearse a rollback: latch as a breach would. In shadow only, where no quote is touched."""
        if self.control.stage(now_ns) is not Stage.SHADOW or digest != self.control.digest:
            raise InputError("drill.digest", digest, "the digest at hand, in stage Shadow")
        self._latch(("drill",), "", now_ns=now_ns, wall_ns=wall_ns, drill=True)

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
        book.situation.portfolio = self.holdings.view(book, wall_ns)
        timeline = book.ledger.timeline
        slot_arm = timeline.slot.arm
        choice = control.choices[slot_arm]
        arm = choice.arm
        timeline.charged = arm if arm is slot_arm else None
        if arm is None:
            return Decision(
                mode=choice.mode, orders=self._orders(book, NOTHING, now_ns), reasons=(choice.rule,)
            )
        arm, attempt, breaches, reasons = self._answer(book, choice, state, now_ns, wall_ns)
        book.quoted(arm, attempt, now_ns)
        if attempt.bound or attempt.realised:
            book.mode = self._count_bound(symbol, arm, attempt)
        else:
            book.mode = Mode.ACTIVE
        orders = self._orders(book, attempt, now_ns) if book.reports_orders else ()
        elapsed = self._clock() - started
        self.latency.observe(elapsed)
        return Decision(
            bids=attempt.bids,
            asks=attempt.asks,
            arm=arm,
            mode=book.mode,
            orders=orders,
            clamps_bound=attempt.bound,
            breaches=breaches,
            reasons=reasons,
            elapsed_ns=elapsed,
        )

    def market(self, symbol: str, state: MarketState, *, now_ns: int, wall_ns: int) -> None:
        """The market moved; nothing is asked."""
        if (book := self.books.get(symbol)) is not None:
            book.observe(state, None, now_ns, wall_ns)

    def trade(self, symbol: str, trade: PublicTrade, *, now_ns: int, wall_ns: int) -> None:
        """Somebody traded."""
        if (book := self.books.get(symbol)) is not None:
            book.trade(trade, now_ns, wall_ns)

    def order(self, symbol: str, order: LiveOrder, *, now_ns: int) -> None:
        """An own order was sent, acknowledged or changed."""
        self._known(symbol).order(order, now_ns)

    def order_closed(self, symbol: str, order_id: str) -> None:
        """An own order is gone."""
        self._known(symbol).orders.close(order_id)

    def fill(self, symbol: str, fill: Fill, *, now_ns: int, wall_ns: int) -> None:
        """An own order was filled."""
        self._known(symbol).fill(fill, now_ns, wall_ns)

    def position(self, symbol: str, inventory: float) -> None:
        """The position really is this: take it over at the mid, and all own orders as gone."""
        book = self._known(symbol)
        book.orders.clear()
        book.reposition(inventory)

    # How it is done.

    def _answer(
        self, book: Book, choice: Choice, state: MarketState, now_ns: int, wall_ns: int
    ) -> tuple[Arm, Attempt, tuple[str, ...], tuple[str, ...]]:
        """The candidate's quote, if it has one, else the baseline's: (arm, quote, breaches, why)."""
        breaches: tuple[str, ...] = ()
        reasons: tuple[str, ...] = (choice.rule,)
        arm = Arm.CANDIDATE
        if choice.arm is arm:
            attempt = self._attempt(book, arm, state)
            breaches = attempt.breaches + attempt.realised
            if breaches:
                self._latch(breaches, book.symbol, now_ns=now_ns, wall_ns=wall_ns)
            if attempt.answered and not breaches:
                return arm, attempt, breaches, reasons
            reasons += tuple(filter(None, ("candidate_refused", *attempt.breaches, attempt.refusal)))
        attempt = self._attempt(book, Arm.BASELINE, state)
        book.ledger.shadowing = self.control.shadowing
        if self.control.shadowing:
            breaches = self._shadow(book, state, now_ns=now_ns, wall_ns=wall_ns)
        if attempt.realised and self.control.exposed:
            breaches += attempt.realised
            self._latch(attempt.realised, book.symbol, now_ns=now_ns, wall_ns=wall_ns)
        if not attempt.answered:
            reasons += tuple(filter(None, ("baseline_refused", *attempt.breaches, attempt.refusal)))
        return Arm.BASELINE, attempt, breaches, reasons

    def _shadow(self, book: Book, state: MarketState, *, now_ns: int, wall_ns: int) -> tuple[str, ...]:
        """Let both arms quote for the record, with the inventory each would have; breaches."""
        breaches: tuple[str, ...] = ()
        for arm in Arm:
            seen, situation = book.for_shadow(arm, state)
            attempt = self._policies[arm].attempt(seen, situation, book.whole, book.whole.limits)
            book.ledger.on_shadow(arm, attempt.bids, attempt.asks)
            if arm is Arm.CANDIDATE:
                breaches = attempt.breaches
        if breaches:
            self._latch(breaches, book.symbol, now_ns=now_ns, wall_ns=wall_ns)
        return breaches

    def _attempt(self, book: Book, arm: Arm, state: MarketState) -> Attempt:
        situation, held = book.for_arm(arm)
        attempt = self._policies[arm].attempt(state, situation, held, book.whole.limits)
        if not attempt.answered:
            self.refusals[book.symbol, arm] += 1
        return attempt

    def _latch(
        self, breaches: tuple[str, ...], instrument: str, *, now_ns: int, wall_ns: int, drill: bool = False
    ) -> None:
        self.breaches.update(breaches)
        latched = Latched(
            digest=self.control.digest,
            breaches=tuple(dict.fromkeys(breaches)),
            instrument=instrument,
            wall_ns=wall_ns,
            drill=drill,
        )
        if self.control.latch.set(latched):
            self.news.append(latched)
            self.control.review(now_ns)

    def _count_bound(self, symbol: str, arm: Arm, attempt: Attempt) -> Mode:
        for name in attempt.bound:
            self.bound[symbol, arm, name] += 1
        reducing = attempt.realised or not REDUCING.isdisjoint(attempt.bound)
        return Mode.REDUCING if reducing else Mode.ACTIVE

    def _orders(self, book: Book, attempt: Attempt, now_ns: int) -> tuple[OrderAction, ...]:
        assert self.revision is not None  # noqa: S101  there is a book, so there is a revision
        timing = Timing(now_ns=now_ns, last_fill_ns=book.last_fill_ns, budget=book.order_rate.room(now_ns))
        return refresh(book.orders, attempt.bids, attempt.asks, self.revision.refresh, timing)

    def _apply_limits(self) -> None:
        if self.revision is None:
            return
        authority = self.control.authority
        canary = authority is not None and authority.stage is Stage.CANARY
        exposure = exposure_of(authority.exposure_percent) if canary and authority is not None else None
        self.holdings.hold_to(self.revision.portfolio)
        hold_books(self.books, self.revision, self._pushed_limits, exposure)

    def _policy(self, spec: ArmSpec, field: str, revision: Revision) -> ArmPolicy:
        return ArmPolicy(build(spec.model, spec.params, f"{field}.params"), revision.breach, self._stopwatch)

    def _book(self, instrument: Instrument, digest: str, wall_ns: int) -> Book:
        present = self.books.get(instrument.symbol)
        if present is None or present.instrument != instrument:
            return Book(instrument, digest, self.schedule, wall_ns)
        present.ledger.new_digest(digest, self.schedule, wall_ns)
        return present

    def _follow(self, schedule: Schedule, wall_ns: int) -> None:
        if schedule != self.schedule:
            self.schedule = schedule
            for book in self.books.values():
                book.ledger.timeline.restart(self.control.digest, schedule, wall_ns)

    def _known(self, symbol: str) -> Book:
        try:
            return self.books[symbol]
        except KeyError:
            raise InputError("symbol", symbol, f"one of {', '.join(self.books) or 'none yet'}") from None


NOTHING = Attempt(answered=False)
