"""Run a raw quote through the clamps."""

from __future__ import annotations

import msgspec

from quoting_policy.clamps.breaches import DEFAULT_THRESHOLDS, raw_breaches, realised_breaches
from quoting_policy.clamps.sanity import rounded
from quoting_policy.clamps.situation import Levels, Situation
from quoting_policy.clamps.table import Clamp, rows_for
from quoting_policy.domain import (
    Instrument,
    Limits,
    MarketState,
    PortfolioLimits,
    QuoteLevel,
    RawQuote,
)


class ClampedQuote(msgspec.Struct, frozen=True, kw_only=True):
    """What may go to the venue, best level first, in integer ticks and lots.

    bound: clamps that took something away, highest precedence first. breaches: why the policy that made the
    raw quote is not to be trusted; empty is good.
    """

    bids: tuple[QuoteLevel, ...] = ()
    asks: tuple[QuoteLevel, ...] = ()
    bound: tuple[str, ...] = ()
    breaches: tuple[str, ...] = ()


def clamp(raw: RawQuote, now: Situation, rows: tuple[Clamp, ...]) -> ClampedQuote:
    """Round a raw quote and apply ``rows`` (from :func:`rows_for`) to it. Breaches are not looked for."""
    draft, lost = rounded(raw, now)
    bound: list[str] = ["rounding"] if lost else []
    for row in rows:
        if not (draft.bids or draft.asks):
            break
        if row.act(draft, now):
            bound.append(row.name)
    bound.reverse()
    return ClampedQuote(bids=_levels(draft.bids), asks=_levels(draft.asks), bound=tuple(bound))


def _levels(levels: Levels) -> tuple[QuoteLevel, ...]:
    return tuple([QuoteLevel(price, qty) for price, qty in levels])


def apply_limits(quote: RawQuote, state: MarketState, instrument: Instrument, limits: Limits) -> ClampedQuote:
    """One raw quote under one instrument's limits, without live orders, history or portfolio.

    Never raises: what is not usable gives an empty quote that says why.
    """
    now = Situation.of(state, instrument, limits)
    clamped = clamp(quote, now, rows_for(limits, PortfolioLimits()))
    breaches = raw_breaches(quote, state.mid, limits, DEFAULT_THRESHOLDS) + realised_breaches(now)
    return msgspec.structs.replace(clamped, breaches=breaches)
