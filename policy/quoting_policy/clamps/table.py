"""The clamps in order of precedence, as data.

Rows stand in order of precedence. Unusable input ends the matter. The other rows are applied from the last to
the first: what has precedence has the final word, and since no row ever gives anything back, nothing that
comes after can loosen it. Shape comes before size, so that an order's size is judged at the price at which it
will stand.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from quoting_policy.clamps import hard, sanity
from quoting_policy.clamps.situation import Draft, Situation
from quoting_policy.domain import Limits, PortfolioLimits


class Tier(StrEnum):
    """Classes of clamps, highest precedence first."""

    INPUT = "input"
    HARD = "hard limit"
    ZONE = "inventory zone"
    SANITY = "quote sanity"


class Clamp(NamedTuple):
    """One row: its name in replies and counters, its tier, the limits it needs, and what it does.

    needs: names of limits, of which any one set makes the row apply; none means always.
    act: takes away from the draft what does not fit, says whether it *bound*.
    """

    name: str
    tier: Tier
    needs: tuple[str, ...]
    act: Callable[[Draft, Situation], bool]
    reason: str


CLAMPS = (
    Clamp("input", Tier.INPUT, (), sanity.usable_input, "mid, book or inventory is not usable"),
    Clamp("data_age", Tier.INPUT, ("max_data_age",), sanity.data_age, "market data is stale"),
    Clamp("min_qty", Tier.SANITY, (), sanity.min_qty, "what is left is below the venue's minimum"),
    Clamp("drawdown", Tier.HARD, ("max_drawdown",), hard.drawdown, "drawdown limit: reduce only"),
    Clamp("daily_loss", Tier.HARD, ("max_daily_loss",), hard.daily_loss, "daily loss limit: reduce only"),
    Clamp(
        "portfolio_drawdown",
        Tier.HARD,
        ("portfolio.max_drawdown",),
        hard.portfolio_drawdown,
        "portfolio drawdown limit: reduce only",
    ),
    Clamp(
        "portfolio_daily_loss",
        Tier.HARD,
        ("portfolio.max_daily_loss",),
        hard.portfolio_daily_loss,
        "portfolio daily loss limit: reduce only",
    ),
    Clamp("position", Tier.HARD, ("max_position",), hard.position, "worst-case position limit"),
    Clamp("notional", Tier.HARD, ("max_notional",), hard.notional, "worst-case notional limit"),
    Clamp(
        "gross_notional",
        Tier.HARD,
        ("portfolio.max_gross_notional",),
        hard.gross_notional,
        "portfolio gross notional limit",
    ),
    Clamp("correlation", Tier.HARD, ("max_correlation",), hard.correlation, "correlated position limit"),
    Clamp("arm_budget", Tier.HARD, (), hard.arm_budget, "position budget of the arm's exposure"),
    Clamp("order_rate", Tier.HARD, ("max_order_rate",), hard.order_rate, "order rate limit"),
    Clamp("quote_rate", Tier.HARD, ("max_quote_rate",), hard.quote_rate, "quote rate limit"),
    Clamp("zone", Tier.ZONE, ("reduce_only_at",), hard.zone, "red inventory zone: reduce only"),
    Clamp("max_order_qty", Tier.SANITY, ("max_order_qty",), sanity.max_order_qty, "order size limit"),
    Clamp("price_band", Tier.SANITY, ("price_band",), sanity.price_band, "outside the price band"),
    Clamp("max_spread", Tier.SANITY, ("max_spread",), sanity.max_spread, "wider than the widest spread"),
    Clamp(
        "min_spread", Tier.SANITY, ("min_spread",), sanity.min_spread, "narrower than the narrowest spread"
    ),
    Clamp("uncrossed", Tier.SANITY, (), sanity.uncrossed, "bid and ask of the quote touch"),
    Clamp("post_only", Tier.SANITY, (), sanity.post_only, "would take liquidity"),
)
"""Highest precedence first. Kill switch, latch and authority come before all of them (:mod:`.precedence`).

``min_qty`` stands above the limits on size because it may only be asked once they have taken their part.
"""

NAMES = (*(clamp.name for clamp in CLAMPS), "rounding")


def rows_for(limits: Limits, portfolio: PortfolioLimits) -> tuple[Clamp, ...]:
    """The rows that these limits need, in the order in which they are applied."""

    def is_set(need: str) -> bool:
        scope, _, field = need.rpartition(".")
        return getattr(portfolio if scope else limits, field) is not None

    rows = [row for row in CLAMPS if not row.needs or any(map(is_set, row.needs))]
    gates = [row for row in rows if row.tier is Tier.INPUT]
    return (*gates, *(row for row in reversed(rows) if row.tier is not Tier.INPUT))
