"""What a quoting model is: parameters, a pure ``quote``, and how it refuses."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Annotated, Any, ClassVar, NamedTuple, NoReturn, Protocol, runtime_checkable

from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic.alias_generators import to_camel

from quoting_policy.domain import FillHazard, Latency, Level, MarketState, RawQuote


class Unit(str):
    """Unit of a parameter, as metadata of its annotation."""

    __slots__ = ()


def _no_boolean(value: Any) -> Any:
    """Python counts True as 1; a risk limit of ``true`` is a mistake."""
    if isinstance(value, bool):
        raise ValueError("not a boolean")
    return value


Number = Annotated[float, BeforeValidator(_no_boolean)]
Price = Annotated[Number, Unit("price")]
Lots = Annotated[Number, Unit("lots")]
Ratio = Annotated[Number, Unit("ratio")]
PerPrice = Annotated[Number, Unit("1/price")]
PerSecond = Annotated[Number, Unit("1/s")]
PricePerSecond = Annotated[Number, Unit("price/s")]
PricePerRootSecond = Annotated[Number, Unit("price/√s")]
RiskAversion = Annotated[Number, Unit("1/(price·lot)")]


class Parameters(BaseModel):
    """Base of every model's parameters: frozen, no unknown fields, bounds and units in the schema."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        populate_by_name=True,
        allow_inf_nan=False,
        alias_generator=to_camel,
        protected_namespaces=(),
    )


class RefusalError(ValueError):
    """A model will not quote from this state: outside its domain, or an input is missing.

    The engine answers the same request with the baseline and counts the reason. ``field`` names the input
    in the spelling of the wire (``state.timeLeft``); it is empty where no single input is to blame.
    """

    def __init__(self, reason: str, *, field: str = "") -> None:
        self.field = field
        super().__init__(reason)

    @classmethod
    def of(cls, field: str, value: object, allowed: str, remedy: str = "") -> RefusalError:
        """Refusal that names the input, its value, what is allowed and the remedy."""
        reason = f"{field}: {value!r} must be {allowed}" + (f"; {remedy}" if remedy else "")
        return cls(reason, field=field)


class QuotingModel(Protocol):
    """A pure function from a market state to a raw quote; built once a parameter set."""

    @property
    def name(self) -> str:
        """Name in the registry."""
        ...

    @property
    def needs(self) -> frozenset[str]:
        """Fields of :class:`MarketState` that must be known, besides ``mid``, with these parameters."""
        ...

    def quote(self, state: MarketState) -> RawQuote:
        """The raw quote for this state. Raises :class:`RefusalError` outside the model's domain."""
        ...


class ModelClass(Protocol):
    """A class of models: its name, its parameters, and its constructor from checked parameters."""

    @property
    def name(self) -> str:
        """Name in the registry."""
        ...

    @property
    def parameters(self) -> type[Parameters]:
        """Schema of the parameters."""
        ...

    def __call__(self, params: Any, /) -> QuotingModel:
        """The model with these parameters."""
        ...


@runtime_checkable
class LearnedClass(ModelClass, Protocol):
    """A class of models with learned weights, which are handed over or named by parameters."""

    @property
    def weights_named_by(self) -> tuple[str, ...]:
        """Parameters that name a file with weights, for use outside a cluster."""
        ...

    def __call__(self, params: Any, weights: bytes | None = None, /) -> QuotingModel:
        """The model with these parameters, and these weights."""
        ...


class _Domain(NamedTuple):
    field: str
    allowed: str
    holds: Callable[[Any], bool]


def _finite(value: float) -> bool:
    return math.isfinite(value)


def _not_negative(value: float) -> bool:
    return math.isfinite(value) and value >= 0.0


def _fraction(value: float) -> bool:
    return 0.0 <= value <= 1.0


def is_intensity(value: FillHazard) -> bool:
    """Whether A and k are finite and > 0."""
    return math.isfinite(value.A) and math.isfinite(value.k) and value.A > 0.0 and value.k > 0.0


def _latency(value: Latency) -> bool:
    return _not_negative(value.feed) and _not_negative(value.order)


_HAZARD = "an intensity with finite A > 0 (1/s) and k > 0 (1/price)"
_DOMAINS = {
    "mid": _Domain("state.mid", "a finite price", _finite),
    "best_bid": _Domain("state.bestBid", "a finite price", _finite),
    "best_ask": _Domain("state.bestAsk", "a finite price", _finite),
    "bid_qty": _Domain("state.bidQty", "finite and >= 0 lots", _not_negative),
    "ask_qty": _Domain("state.askQty", "finite and >= 0 lots", _not_negative),
    "inventory": _Domain("state.inventory", "finite, lots", _finite),
    "correlated_inventory": _Domain("state.correlatedInventory", "finite, lots", _finite),
    "sigma": _Domain("state.sigma", "finite and >= 0 price/√s", _not_negative),
    "time_left": _Domain("state.timeLeft", "finite and >= 0 s", _not_negative),
    "fill_hazard_bid": _Domain("state.fillHazard.bid", _HAZARD, is_intensity),
    "fill_hazard_ask": _Domain("state.fillHazard.ask", _HAZARD, is_intensity),
    "latency": _Domain("state.latency", "feed and order, finite and >= 0 s", _latency),
    "depth": _Domain("state.depth", "finite and >= 0 lots", _not_negative),
    "toxicity": _Domain("state.toxicity", "in [0, 1]", _fraction),
    "alpha": _Domain("state.alpha", "a finite price move", _finite),
    "drift": _Domain("state.drift", "finite, price/s", _finite),
    "competition": _Domain("state.competition", "in [0, 1]", _fraction),
}
"""Field of MarketState -> its name on the wire, what is allowed, and the test of it."""


@functools.lru_cache(maxsize=256)
def _in_order(needs: frozenset[str]) -> tuple[tuple[str, _Domain], ...]:
    names = ("mid", "inventory", "correlated_inventory", *sorted(needs))
    return tuple((name, _DOMAINS[name]) for name in names)


def check_known(state: MarketState) -> None:
    """Raise the :class:`RefusalError` of the first known input outside its domain, needed or not."""
    check_state(state, frozenset(name for name in _DOMAINS if getattr(state, name) is not None))


def check_state(state: MarketState, needs: frozenset[str]) -> None:
    """Raise the :class:`RefusalError` of the first input that is missing or outside its domain.

    Inputs that no model may ignore come first, then ``needs`` by name. A known input that the model does
    not need is not looked at.
    """
    for name, domain in _in_order(needs):
        value = getattr(state, name)
        if value is None:
            raise RefusalError.of(
                domain.field, None, domain.allowed, "this model needs it with these parameters"
            )
        if not domain.holds(value):
            raise RefusalError.of(domain.field, value, domain.allowed)


class FailClosed:
    """Base of the models: ``propose`` computes, ``quote`` turns whatever goes wrong into a refusal.

    The happy path pays for no validation: a bad input ends in an exception or in a non-finite price
    (:func:`two_sided` refuses those), and only then the state is examined for the field to blame.
    """

    reads: ClassVar[tuple[str, ...]] = ("mid", "inventory")
    """State inputs that the model may read, in the spelling of the wire; ``needs`` depends on parameters."""
    needs: frozenset[str] = frozenset()

    def propose(self, state: MarketState) -> RawQuote:
        """The raw quote, if every input is in its domain."""
        raise NotImplementedError

    def quote(self, state: MarketState) -> RawQuote:
        """The raw quote for this state. Raises :class:`RefusalError` outside the model's domain."""
        try:
            return self.propose(state)
        except (TypeError, AttributeError, ArithmeticError, ValueError) as error:
            self._refuse(state, error)

    def _refuse(self, state: MarketState, error: Exception) -> NoReturn:
        check_state(state, self.needs)
        if isinstance(error, RefusalError | TypeError | AttributeError):
            raise error  # a refusal with a reason of its own, or a fault of ours that nothing may hide
        raise RefusalError(f"numbers out of floating-point range: {error}") from error


_INF = math.inf


def two_sided(
    mid: float,
    bid_offset: float | None,
    ask_offset: float | None,
    bid_qty: float,
    ask_qty: float,
    reservation: float,
) -> RawQuote:
    """Quote ``mid - bid_offset`` and ``mid + ask_offset``; an offset of ``None`` leaves that side empty.

    Offsets are in price units and may be negative. Raises RefusalError where a price is not finite, where
    bid >= ask (also when the offsets vanish beside a huge mid), and where a quantity is not > 0.
    """
    if bid_offset is not None and ask_offset is not None:
        bid, ask = mid - bid_offset, mid + ask_offset
        finite = -_INF < ask - bid + reservation < _INF
        if bid < ask and finite and 0.0 < bid_qty < _INF and 0.0 < ask_qty < _INF:
            return RawQuote(reservation, (Level(bid, bid_qty),), (Level(ask, ask_qty),))
        raise RefusalError(f"bid {bid!r} x {bid_qty!r} and ask {ask!r} x {ask_qty!r} are not a quote")
    if bid_offset is not None:
        return RawQuote(reservation, bids=(_level(mid - bid_offset, bid_qty),))
    if ask_offset is not None:
        return RawQuote(reservation, asks=(_level(mid + ask_offset, ask_qty),))
    raise RefusalError("no side may be quoted")


def layered(bids: tuple[Level, ...], asks: tuple[Level, ...], *, reservation: float) -> RawQuote:
    """Quote these levels, best first. Raises RefusalError unless all are finite, > 0 lots and uncrossed."""
    best_bid = bids[0].price if bids else -math.inf
    best_ask = asks[0].price if asks else math.inf
    sound = all(math.isfinite(x.price) and 0.0 < x.qty < math.inf for x in (*bids, *asks))
    if not (bids or asks) or not (sound and best_bid < best_ask and math.isfinite(reservation)):
        raise RefusalError(f"bids {bids!r} and asks {asks!r} around {reservation!r} are not a quote")
    return RawQuote(reservation, bids, asks)


def _level(price: float, qty: float) -> Level:
    if not (math.isfinite(price) and 0.0 < qty < math.inf):
        raise RefusalError(f"{price!r} x {qty!r} is not a quote")
    return Level(price, qty)
