"""``quoting quote``: one request on standard input, one quote on standard output, both JSON."""

from __future__ import annotations

import argparse
import importlib
import sys
from typing import Any

import msgspec

from quoting_policy.cli.request import QuoteRequest, parse
from quoting_policy.domain import Instrument, Level, MarketState, QuoteLevel, RawQuote
from quoting_policy.models import RefusalError, build
from quoting_policy.models.contract import check_known

_DESCRIPTION = (
    "Reads one JSON object from standard input: model, params, state and, to have the quote rounded and "
    "clamped, instrument and limits. docs/cli.md documents every field."
)


def configure(parser: argparse.ArgumentParser) -> None:
    """There is nothing to choose: all of it is in the request."""
    parser.description = _DESCRIPTION


def run(_: argparse.Namespace) -> int:
    """Print the quote. A request that no model may answer is one line on standard error, status 2."""
    request = parse(sys.stdin.buffer.read())
    try:
        answer = quote(request)
    except RefusalError as refusal:
        print(f"quoting quote: {refusal}", file=sys.stderr)
        return 2
    print(msgspec.json.encode(answer).decode())
    return 0


def quote(request: QuoteRequest) -> dict[str, Any]:
    """The answer to one request, as it is printed.

    Raises InputError for a bad request, RefusalError for a state outside the model's domain.
    """
    state, instrument = request.market_state(), request.domain_instrument()
    limits = request.domain_limits()
    check_known(state)
    raw = build(request.model, request.params).quote(state)
    if instrument is None:
        return _answer(raw, _raw_levels(raw.bids), _raw_levels(raw.asks), (), ())
    return _clamped(raw, state, instrument, limits)


def _clamped(raw: RawQuote, state: MarketState, instrument: Instrument, limits: Any) -> dict[str, Any]:
    clamps = importlib.import_module("quoting_policy.clamps")  # only a clamped request pays for it
    clamped = clamps.apply_limits(raw, state, instrument, limits)
    bids, asks = (_levels(side, instrument) for side in (clamped.bids, clamped.asks))
    return _answer(raw, bids, asks, clamped.bound, clamped.breaches)


def _raw_levels(levels: tuple[Level, ...]) -> list[tuple[float, float]]:
    return [(level.price, level.qty) for level in levels]


def _levels(levels: tuple[QuoteLevel, ...], instrument: Instrument) -> list[tuple[float, float]]:
    """Price and lots; the product is made in decimals, so that 3 ticks of 0.1 print as 0.3."""
    return [(float(level.price_ticks * instrument.tick_size), float(level.qty_lots)) for level in levels]


def _answer(
    raw: RawQuote,
    bids: list[tuple[float, float]],
    asks: list[tuple[float, float]],
    bound: tuple[str, ...],
    breaches: tuple[str, ...],
) -> dict[str, Any]:
    return {
        "bids": bids,
        "asks": asks,
        "reservation": raw.reservation,
        "halfSpread": raw.half_spread,
        "clampsBound": bound,
        "breaches": breaches,
    }
