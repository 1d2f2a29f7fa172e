"""All instruments together: gross notional, drawdown, the day's loss, and who shares whose risk."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import msgspec

from quoting_policy.accounting.ledger import DAY_NS
from quoting_policy.accounting.risk import Drawdown
from quoting_policy.clamps.situation import Portfolio
from quoting_policy.domain import Limits, PortfolioLimits, Revision
from quoting_policy.engine.book import Book
from quoting_policy.engine.policy import HeldLimits


class Holdings:
    """What all books add up to, kept by their changes. Money."""

    def __init__(self) -> None:
        self.limits = PortfolioLimits()
        self.gross = 0.0
        self.risk = Drawdown()
        self.limited = False

    def hold_to(self, limits: PortfolioLimits) -> None:
        """Limits from now on."""
        self.limits = limits
        self.limited = any(
            limit is not None
            for limit in (limits.max_gross_notional, limits.max_drawdown, limits.max_daily_loss)
        )

    def drop(self, book: Book) -> None:
        """A book is gone: its position counts no more, what it earned or lost does."""
        self.gross -= book.gross

    def view(self, book: Book, wall_ns: int) -> Portfolio:
        """The portfolio after what changed in this book, for the clamps."""
        gross, equity = book.changes()
        self.gross += gross
        self.risk.mark(self.risk.equity + equity)
        self.risk.start_day(wall_ns // DAY_NS)
        return Portfolio(
            limits=self.limits,
            gross_notional=self.gross,
            drawdown=self.risk.drawdown,
            daily_loss=self.risk.daily_loss,
        )


def hold_books(
    books: Mapping[str, Book], revision: Revision, pushed: Limits | None, exposure: float | None
) -> None:
    """Give every book its limits: the revision's, tightened by those pushed since.

    exposure: share of time of the candidate, which scales its order size and the position it may build, down
    to the smallest order; None leaves them whole.
    """
    for symbol, book in books.items():
        limits = revision.limits_of(symbol)
        if pushed is not None:
            limits = limits.tightened_by(pushed)
        scaled, position = _scaled(limits, exposure, book.instrument.min_qty_lots)
        tick = book.instrument.tick
        book.hold_to(
            HeldLimits.of(limits, revision.portfolio, tick),
            HeldLimits.of(scaled, revision.portfolio, tick),
            position,
        )
        book.correlated = tuple(_correlated(book, books, revision.portfolio, limits.max_correlation))


def _scaled(limits: Limits, exposure: float | None, smallest: int) -> tuple[Limits, float | None]:
    if exposure is None:
        return limits, None
    qty, position = limits.max_order_qty, limits.max_position
    if qty is not None:
        qty = min(qty, max(float(smallest), math.floor(exposure * qty)))
    if position is not None:
        position = min(position, max(float(smallest), math.floor(exposure * position)))
    return msgspec.structs.replace(limits, max_order_qty=qty), position


def _correlated(
    book: Book, books: Mapping[str, Book], portfolio: PortfolioLimits, most: float | None
) -> Iterable[tuple[Book, int]]:
    """Books whose position, times the sign, is the risk of buying in this one."""
    if most is None:
        return
    for pair in portfolio.correlations:
        if book.symbol not in (pair.one, pair.other) or abs(pair.rho) <= most:
            continue
        other = books.get(pair.other if pair.one == book.symbol else pair.one)
        if other is not None and other is not book:
            yield other, 1 if pair.rho > 0 else -1
