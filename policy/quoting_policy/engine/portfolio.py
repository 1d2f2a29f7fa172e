"""All instruments together: gross notional, drawdown, the day's loss, and who shares whose risk."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import msgspec

from quoting_policy.accounting.ledger import DAY_NS
from quoting_policy.accounting.risk import Drawdown
from quoting_policy.clamps.situation import Portfolio
from quoting_policy.domain import Limits, MarketState, PortfolioLimits, Revision
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
        book.hold_to(
            HeldLimits.of(limits, revision.portfolio, book.instrument),
            HeldLimits.of(scaled, revision.portfolio, book.instrument),
            position,
        )
        book.related = tuple(_related(book, books, revision.portfolio))
        most = limits.max_correlation
        book.correlated = tuple(
            (other, 1 if rho > 0 else -1)
            for other, rho in book.related
            if most is not None and abs(rho) > most
        )


def _scaled(limits: Limits, exposure: float | None, smallest: int) -> tuple[Limits, float | None]:
    if exposure is None:
        return limits, None
    qty, position = limits.max_order_qty, limits.max_position
    if qty is not None:
        qty = min(qty, max(float(smallest), math.floor(exposure * qty)))
    if position is not None:
        position = min(position, max(float(smallest), math.floor(exposure * position)))
    return msgspec.structs.replace(limits, max_order_qty=qty), position


def _related(
    book: Book, books: Mapping[str, Book], portfolio: PortfolioLimits
) -> Iterable[tuple[Book, float]]:
    """Books whose mids move with this one's, and how closely: correlation in [-1, 1]."""
    for pair in portfolio.correlations:
        if book.symbol not in (pair.one, pair.other) or pair.rho == 0:
            continue
        other = books.get(pair.other if pair.one == book.symbol else pair.one)
        if other is not None and other is not book:
            yield other, pair.rho


def share_risk(book: Book, state: MarketState) -> MarketState:
    """The state with the risk of the related positions, in lots of this instrument, where the app gave none.

    ``Σ_j ρ_j σ_j q_j / σ``, q as a quantity: covariance over variance (see ``models.portfolio``).
    NaN where a volatility was never known: a model that shares risk refuses, the others do not look.
    """
    if state.correlated_inventory != 0.0:
        return state
    own, lots = book.signals.last_sigma, 0.0
    for other, rho in book.related:
        held, sigma = (
            other.ledger.total.inventory * other.ledger.lot / book.ledger.lot,
            other.signals.last_sigma,
        )
        if held:
            lots += math.nan if sigma is None or not own else rho * sigma / own * held
    return msgspec.structs.replace(state, correlated_inventory=lots) if lots else state
