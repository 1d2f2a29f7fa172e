"""Time, slots and block edges of one book: who is credited, and the counters as they stood at an edge."""

from __future__ import annotations

from typing import Protocol

import msgspec

from quoting_policy.domain import Arm, Schedule, Slot, slot_at

MAX_GAP_NS = 5_000_000_000
"""Silence longer than this is nobody's exposure: an app that does not ask is not quoting."""


class Sealed(msgspec.Struct, frozen=True, kw_only=True):
    """All counters of a book as they stood at the end of ``block``, and the digest they belong to.

    complete: the block was seen from its first moment, without a step of the clock or a change of schedule.
    counts: by arm, in the order of :class:`Counter` with the markout pairs after it.
    """

    book: str
    digest: str
    block: int
    end_ns: int
    complete: bool
    counts: dict[str, tuple[float, ...]]


class Edges(Protocol):
    """What happens at edges; the ledger implements it."""

    def credit(self, arm: Arm, seconds: float) -> None:
        """The arm was in charge for so long, outside washout."""

    def hand_over(self, arm: Arm) -> None:
        """From now on the inventory belongs to this arm."""

    def sealed_counts(self) -> dict[str, tuple[float, ...]]:
        """Settle P&L, and give all counters as they stand."""


class Timeline:
    """Walks a book along its slots. All times are wall-clock ns, and come from outside.

    edge_ns: when something next happens by itself. event_ns: the last event. charged: see :meth:`charge`.
    """

    __slots__ = (
        "_last_ns",
        "book",
        "charged",
        "complete",
        "digest",
        "edge_ns",
        "event_ns",
        "ledger",
        "schedule",
        "sealed",
        "slot",
    )

    def __init__(self, ledger: Edges, book: str, digest: str, schedule: Schedule, wall_ns: int) -> None:
        self.ledger = ledger
        self.book = book
        self.charged: Arm | None = None
        self.sealed: Sealed | None = None
        self.restart(digest, schedule, wall_ns)

    def restart(self, digest: str, schedule: Schedule, wall_ns: int) -> None:
        """Another digest or schedule from now on: the block at hand is not complete."""
        self.digest = digest
        self.schedule = schedule
        self.event_ns = wall_ns
        self._enter(wall_ns, complete=False)
        self.ledger.hand_over(self.slot.arm)

    def _enter(self, wall_ns: int, *, complete: bool) -> None:
        self.slot: Slot = slot_at(self.schedule, self.digest, self.book, wall_ns)
        self.complete = complete
        self._last_ns = wall_ns
        self.edge_ns = self._next_edge(wall_ns)

    def _next_edge(self, wall_ns: int) -> int:
        slot = self.slot
        return slot.counted_from_ns if wall_ns < slot.counted_from_ns else slot.end_ns

    @property
    def in_washout(self) -> bool:
        """Whether the last moment seen counts for neither arm."""
        return max(self._last_ns, self.event_ns) < self.slot.counted_from_ns

    def advance(self, wall_ns: int, *, event: bool = True) -> None:
        """Time is now ``wall_ns``. event: something was asked or told, so silence starts anew.

        Between edges nothing is credited: :meth:`settle` does that when somebody needs to know.
        """
        if not self._last_ns <= wall_ns < self.edge_ns:
            self._cross(wall_ns)
        if not 0 <= wall_ns - self.event_ns <= MAX_GAP_NS or not event:
            self._accrue(wall_ns)
        if event:
            self.event_ns = wall_ns

    def settle(self) -> None:
        """Credit the time up to the last event, before what it is credited with changes."""
        if self.event_ns > self._last_ns:
            self._accrue(self.event_ns)

    def charge(self, arm: Arm | None) -> None:
        """From the last event on the time is this arm's; nobody's where a slot's arm may not quote."""
        self.settle()
        self.charged = arm

    def _cross(self, wall_ns: int) -> None:
        if wall_ns < self._last_ns or wall_ns - self._last_ns > 2 * self.schedule.block_ns:
            # The clock stepped, or nothing happened for blocks: no edge in between can be told.
            self.event_ns = wall_ns
            self._enter(wall_ns, complete=False)
            self.ledger.hand_over(self.slot.arm)
            return
        while wall_ns >= self.edge_ns:
            edge = self.edge_ns
            self._accrue(edge)
            if edge < self.slot.end_ns:
                self.ledger.hand_over(self.slot.arm)
                self.edge_ns = self.slot.end_ns
                continue
            before = self.slot
            self._enter(edge, complete=self.complete)
            if before.block != self.slot.block:
                self._seal(before)
                self.complete = True
            if not self.in_washout:
                self.ledger.hand_over(self.slot.arm)

    def _accrue(self, until_ns: int) -> None:
        start, stop = self._last_ns, min(until_ns, self.event_ns + MAX_GAP_NS)
        self._last_ns = until_ns
        if self.charged is not None and stop > start >= self.slot.counted_from_ns:
            self.ledger.credit(self.charged, (stop - start) * 1e-9)

    def _seal(self, slot: Slot) -> None:
        self.sealed = Sealed(
            book=self.book,
            digest=self.digest,
            block=slot.block,
            end_ns=slot.end_ns,
            complete=self.complete,
            counts=self.ledger.sealed_counts(),
        )
