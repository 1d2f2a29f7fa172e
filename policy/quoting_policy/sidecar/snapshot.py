"""Everything an engine exports, at one moment."""

from __future__ import annotations

import math

from quoting_policy.accounting import LATENCY_EDGES_NS, Ledger, Track
from quoting_policy.accounting.risk import conditional_value_at_risk, profit_factor, value_at_risk
from quoting_policy.engine import Engine
from quoting_policy.engine.book import Book
from quoting_policy.protocol.control import (
    ArmReport,
    BookReport,
    BreachLatched,
    Count,
    LatencyReport,
    SealedReport,
    Snapshot,
)

MIN_BLOCKS = 20
"""Blocks without which VaR and CVaR say nothing."""


def snapshot(engine: Engine, *, connections: int, now_ns: int, wall_ns: int) -> Snapshot:
    """The engine's state now. Blocks that have ended are sealed first, whether or not anybody asked since."""
    control = engine.control
    if now_ns >= control.review_at_ns:
        control.review(now_ns)
    for book in engine.books.values():
        book.ledger.on_time(wall_ns, event=False)
    choice = control.in_candidate_slot
    stage = control.stage(now_ns)
    return Snapshot(
        digest=control.digest,
        arm="" if choice.arm is None else choice.arm.value,
        rule=choice.rule,
        mode=choice.mode,
        stage="" if stage is None else stage.value,
        authority_left_s=0.0 if stage is None else (control.expires_ns - now_ns) * 1e-9,
        latched=tuple(
            BreachLatched(held.digest, held.breaches, held.instrument, held.wall_ns, held.drill)
            for held in control.latch.all()
        ),
        latch_write_failures=control.latch.write_failures,
        connections=connections,
        books=tuple(_book(book) for book in engine.books.values()),
        counts=_counts(engine),
        latency_edges_ns=LATENCY_EDGES_NS,
        latency=tuple(
            LatencyReport(arm, tuple(taken.counts), taken.sum_ns) for arm, taken in engine.latency.items()
        ),
    )


def _counts(engine: Engine) -> tuple[Count, ...]:
    return (
        *(
            Count("clamp_bound", (symbol, arm.value, name), n)
            for (symbol, arm, name), n in engine.bound.items()
        ),
        *(Count("refusals", (symbol, arm.value), n) for (symbol, arm), n in engine.refusals.items()),
        *(Count("breaches", (name,), n) for name, n in engine.control.breaches.items()),
    )


def _book(book: Book) -> BookReport:
    ledger, sealed = book.ledger, book.ledger.timeline.sealed
    return BookReport(
        symbol=book.symbol,
        mode=book.mode,
        inventory=ledger.total.inventory,
        drawdown=ledger.risk.drawdown,
        daily_loss=ledger.risk.daily_loss,
        unattributed_fills=book.unattributed_fills,
        arms=tuple(_arm(track, ledger) for track in ledger.tracks),
        sealed=None
        if sealed is None
        else SealedReport(
            block=sealed.block,
            end_ns=sealed.end_ns,
            complete=sealed.complete,
            digest=sealed.digest,
            counts=sealed.counts,
        ),
    )


def _arm(track: Track, ledger: Ledger) -> ArmReport:
    account, pnl = track.account, list(track.block_pnl)
    enough = len(pnl) >= MIN_BLOCKS
    return ArmReport(
        name=track.name,
        inventory=account.inventory,
        average_cost=account.average_cost,
        realised=account.realised,
        unrealised=account.unrealised(ledger.mid) if math.isfinite(ledger.mid) else 0.0,
        fees=account.fees,
        counts=tuple(track.counts),
        profit_factor=profit_factor(pnl),
        value_at_risk=value_at_risk(pnl) if enough else None,
        conditional_value_at_risk=conditional_value_at_risk(pnl) if enough else None,
    )
