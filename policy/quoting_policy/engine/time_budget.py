"""The time that a model's quote may take: processor time, read only where the wall clock leaves a doubt."""

from __future__ import annotations

from collections.abc import Callable

from quoting_policy.domain import MarketState, RawQuote

Clock = Callable[[], int]

STALE_SHARE = 40
"""A reading of the processor time serves as a start until it is this part of the budget old."""


class TimeBudgetError(Exception):
    """Raised into a model that has spent its budget and shows no sign of coming to an end."""


class TimeBudget:
    """Holds one model to ``allowed_ns`` of processor time a quote, so that a busy neighbour is not its fault.

    To read the processor time is a system call and takes as long as a model; the wall clock takes a tenth.
    A thread has never worked longer than the wall clock says, so within the budget that one is enough. For
    the same reason an old reading, with all the time since then counted as work, never starts a quote too
    early: it errs in the model's favour, by 1/40 of the budget at most.

    stopwatch: ns of processor time of this thread. clock: ns of wall-clock time.
    """

    __slots__ = ("_clock", "_read_at_ns", "_since_ns", "_stopwatch", "_worked_ns", "allowed_ns", "stale_ns")

    def __init__(self, allowed_ns: int, stopwatch: Clock, clock: Clock) -> None:
        self._stopwatch = stopwatch
        self._clock = clock
        self._since_ns: int | None = None
        self._worked_ns = 0
        self._read_at_ns = -(2**63)
        self.allow(allowed_ns)

    def allow(self, allowed_ns: int) -> None:
        """A quote may take so long from now on."""
        self.allowed_ns = allowed_ns
        self.stale_ns = allowed_ns // STALE_SHARE

    def spend(self, quote: Callable[[MarketState], RawQuote], state: MarketState, now_ns: int) -> RawQuote:
        """Let a model quote. now_ns: the clock, just read. Raises TimeBudgetError, and the model's errors."""
        if now_ns - self._read_at_ns > self.stale_ns:
            self._worked_ns, self._read_at_ns = self._stopwatch(), now_ns
        self._since_ns = now_ns
        try:
            raw = quote(state)
        finally:
            self._since_ns = None
        if self._clock() - now_ns > self.allowed_ns:
            self._check(now_ns)
        return raw

    def interrupt(self) -> None:
        """Raise TimeBudgetError if a quote is being made and has taken too long.

        For a signal handler: only what interrupts the model's own code can end a loop without an end.
        """
        if self._since_ns is not None:
            self._check(self._since_ns)

    def _check(self, since_ns: int) -> None:
        begun_ns = self._worked_ns + since_ns - self._read_at_ns
        if self._stopwatch() - begun_ns > self.allowed_ns:
            raise TimeBudgetError
