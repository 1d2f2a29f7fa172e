"""The JSON of ``quoting quote``: what it may hold, and the one line that says what is wrong with it."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from quoting_policy.domain import FillHazard, Instrument, Latency, Limits, MarketState
from quoting_policy.errors import InputError

_T = TypeVar("_T")
_KINDS = {"float": "a number", "int": "a whole number", "str": "a text", "object": "a JSON object"}
"""msgspec's name of a type -> ours."""


class _Wire(msgspec.Struct, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """One JSON object: camelCase names, no unknown ones."""


class HazardInput(_Wire, rename=None):
    """Fill intensity A·exp(-k·δ). A: 1/s. k: 1/price."""

    A: float
    k: float


class FillHazardInput(_Wire, rename=None):
    """One intensity for both sides (A, k), or one each (bid, ask)."""

    A: float | None = None
    k: float | None = None
    bid: HazardInput | None = None
    ask: HazardInput | None = None


class LatencyInput(_Wire):
    """Delays, s."""

    feed: float
    order: float


class StateInput(_Wire):
    """Market and position. Units as in :class:`MarketState`; mid may be left to bestBid and bestAsk."""

    mid: float | None = None
    best_bid: float | None = None
    best_ask: float | None = None
    bid_qty: float | None = None
    ask_qty: float | None = None
    inventory: float = 0.0
    sigma: float | None = None
    time_left: float | None = None
    fill_hazard: FillHazardInput | None = None
    latency: LatencyInput | None = None
    depth: float | None = None
    toxicity: float | None = None
    alpha: float | None = None
    drift: float | None = None
    competition: float | None = None
    correlated_inventory: float = 0.0


class InstrumentInput(_Wire):
    """What is traded; sizes as decimal strings or numbers. minQty: lots."""

    tick_size: Decimal
    lot_size: Decimal
    symbol: str = ""
    min_qty: int = 1
    maker_fee: float = 0.0
    taker_fee: float = 0.0


class LimitsInput(_Wire):
    """Limits as in :class:`Limits`; what is left out does not limit."""

    max_position: float | None = None
    max_notional: float | None = None
    max_order_qty: float | None = None
    max_drawdown: float | None = None
    max_daily_loss: float | None = None
    max_order_rate: float | None = None
    max_quote_rate: float | None = None
    min_spread: float | None = None
    max_spread: float | None = None
    price_band: float | None = None
    max_correlation: float | None = None


class QuoteRequest(_Wire):
    """One request: a model, its parameters, a state; instrument and limits if it is to be clamped."""

    model: str
    params: dict[str, Any]
    state: StateInput
    instrument: InstrumentInput | None = None
    limits: LimitsInput | None = None

    def market_state(self) -> MarketState:
        """The state in domain types."""
        given = self.state
        hazards = _hazards(given.fill_hazard)
        values = {
            name: getattr(given, name) for name in MarketState.__struct_fields__ if hasattr(given, name)
        }
        values["mid"] = _mid(given)
        values["latency"] = given.latency and Latency(given.latency.feed, given.latency.order)
        return MarketState(**values, fill_hazard_bid=hazards[0], fill_hazard_ask=hazards[1])

    def domain_instrument(self) -> Instrument | None:
        """The instrument in domain types; None without one."""
        given = self.instrument
        if given is None:
            if self.limits is not None:
                raise InputError("instrument", None, "given with limits", "limits count ticks and lots")
            return None
        values = msgspec.structs.asdict(given)
        return Instrument(min_qty_lots=values.pop("min_qty"), **values)

    def domain_limits(self) -> Limits:
        """The limits in domain types; none of them without any."""
        return Limits() if self.limits is None else Limits(**msgspec.structs.asdict(self.limits))


def parse(text: bytes) -> QuoteRequest:
    """The request in a JSON text. Raises InputError naming the first field that is wrong.

    NaN and infinities are read, though JSON has none, so that the field which holds one can be named.
    """
    try:
        raw = json.loads(text, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError("request", _start(text), f"one JSON object: {error}") from None
    return converted(raw, QuoteRequest, "request")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        name = next(name for i, (name, _) in enumerate(pairs) if name in dict(pairs[:i]))
        raise InputError(name, [value for key, value in pairs if key == name], "given once")
    return found


def converted(raw: Any, kind: type[_T], root: str) -> _T:
    """Decoded JSON as a struct. Raises InputError naming the field, its value and what is allowed."""
    try:
        return msgspec.convert(raw, kind, strict=True)
    except msgspec.ValidationError as error:
        raise _input_error(str(error), raw, root) from None
    except OverflowError:
        raise InputError(root, "an integer of hundreds of digits", "made of numbers below 1e308") from None


def _input_error(message: str, raw: Any, root: str) -> InputError:
    """What msgspec says, ``Expected `float`, got `str` - at `$.state.mid```, in this project's words."""
    reason, _, path = message.partition(" - at `$")
    field = path.rstrip("`").lstrip(".")
    value = _at(raw, field)
    if unknown := re.match(r"Object contains unknown field `(.*)`", reason):
        name = ".".join(filter(None, [field, unknown[1]]))
        return InputError(name, _at(raw, name), "left out: no such field")
    if missing := re.match(r"Object missing required field `(.*)`", reason):
        return InputError(".".join(filter(None, [field, missing[1]])), None, "given")
    if expected := re.match(r"Expected `([a-z]+)", reason):
        return InputError(field or root, value, _KINDS.get(expected[1], f"of type {expected[1]}"))
    return InputError(field or root, value, f"valid: {reason}")


def _at(raw: Any, path: str) -> Any:
    for name in filter(None, path.split(".")):
        if not isinstance(raw, dict):
            return raw
        raw = raw.get(name)
    return raw


def _start(text: bytes) -> str:
    shown = text[:40].decode(errors="replace")
    return shown if len(text) <= len(shown) else shown + "..."


def _hazards(given: FillHazardInput | None) -> tuple[FillHazard | None, FillHazard | None]:
    """Of our bid and of our ask."""
    if given is None:
        return None, None
    A, k, bid, ask = given.A, given.k, given.bid, given.ask  # noqa: N806  # the field's letter
    if A is not None and k is not None and bid is None and ask is None:
        return FillHazard(A, k), FillHazard(A, k)
    if A is None and k is None and bid is not None and ask is not None:
        return FillHazard(bid.A, bid.k), FillHazard(ask.A, ask.k)
    value = {name: part for name, part in msgspec.to_builtins(given).items() if part is not None}
    raise InputError("state.fillHazard", value, "{A, k} or {bid: {A, k}, ask: {A, k}}")


def _mid(given: StateInput) -> float:
    if given.mid is not None:
        return given.mid
    if given.best_bid is None or given.best_ask is None:
        raise InputError("state.mid", None, "given", "or send bestBid and bestAsk")
    return 0.5 * (given.best_bid + given.best_ask)
