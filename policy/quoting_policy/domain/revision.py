"""A revision: everything that can change what is quoted, frozen under one digest.

The operator stores it in a ControllerRevision, the agent hands it to the engine, and evidence, authority and
latches are bound to its digest.
"""

from __future__ import annotations

import hashlib
import json
import math
from decimal import Decimal
from typing import Any

import msgspec

from quoting_policy.domain.instrument import Instrument
from quoting_policy.domain.limits import Limits, PortfolioLimits
from quoting_policy.domain.signal_rules import SignalRules
from quoting_policy.errors import InputError

ENGINE_VERSION = "2"
"""Counts changes of the engine that change quotes for equal input; part of every digest."""


class ArmSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One policy: a model of the registry, its parameters, and the sha256 of what is kept elsewhere.

    weights_sha256: of learned weights, None where there are none. params_sha256: of a Secret's parameters,
    which go over ``params``; left unset where there are none, so that it is in no digest then.
    """

    model: str
    params: dict[str, Any] = {}
    weights_sha256: str | None = None
    params_sha256: str | msgspec.UnsetType = msgspec.UNSET

    def content(self) -> tuple[str, ...]:
        """The sha256 of everything that it needs and a revision does not hold."""
        return tuple(found for found in (self.weights_sha256, self.params_sha256) if isinstance(found, str))


class BreachThresholds(msgspec.Struct, frozen=True, kw_only=True):
    """From where on a candidate is not trusted any more. Its size and price are those it proposed, raw.

    raw_price: distance from the mid as a multiple of ``Limits.price_band``. raw_size: quantity as a multiple
    of ``Limits.max_order_qty``. time_budget_us: processor time of one quote, microseconds.
    """

    raw_price: float = 3.0
    raw_size: float = 10.0
    time_budget_us: float = 10_000.0

    def __post_init__(self) -> None:
        for field in self.__struct_fields__:
            value = getattr(self, field)
            if not (math.isfinite(value) and value >= 1):
                raise InputError(f"breach.{field}", value, "a finite number >= 1")


class RefreshRules(msgspec.Struct, frozen=True, kw_only=True):
    """When a live order is worth replacing.

    max_age_s: an older order is replaced. tolerance_ticks: a smaller move of its price is not worth the queue
    position. hold_s: an order stays at least so long, unless it must go. fill_delay_s: after a fill no order
    is replaced for so long. size_tolerance: relative difference of size that is not worth it.
    """

    max_age_s: float = 5.0
    tolerance_ticks: int = 0
    hold_s: float = 0.0
    fill_delay_s: float = 0.0
    size_tolerance: float = 0.0

    def __post_init__(self) -> None:
        for field in self.__struct_fields__:
            value = getattr(self, field)
            if not (math.isfinite(value) and value >= 0):
                raise InputError(f"refresh.{field}", value, "a finite number >= 0")


class Revision(msgspec.Struct, frozen=True, kw_only=True):
    """Both arms, what they may trade, and the limits they are held to.

    limits: effective limits of every instrument. instrument_limits: by symbol, may only tighten them.
    candidate: None when nothing is being rolled out.
    """

    baseline: ArmSpec
    candidate: ArmSpec | None = None
    instruments: tuple[Instrument, ...]
    limits: Limits = Limits()
    instrument_limits: dict[str, Limits] = {}
    portfolio: PortfolioLimits = PortfolioLimits()
    breach: BreachThresholds = BreachThresholds()
    refresh: RefreshRules = RefreshRules()
    signals: SignalRules = SignalRules()
    engine_version: str = ENGINE_VERSION

    def __post_init__(self) -> None:
        symbols = [instrument.symbol for instrument in self.instruments]
        if not symbols or len(set(symbols)) != len(symbols):
            raise InputError("revision.instruments", symbols, "one or more, each symbol once")
        if unknown := sorted(set(self.instrument_limits) - set(symbols)):
            raise InputError("revision.instrument_limits", unknown[0], f"one of {', '.join(symbols)}")

    def content(self) -> frozenset[str]:
        """The sha256 of everything that its arms need and it does not hold."""
        arms = (self.baseline, self.candidate)
        return frozenset(found for arm in arms if arm is not None for found in arm.content())

    def limits_of(self, symbol: str) -> Limits:
        """Effective limits of one instrument."""
        extra = self.instrument_limits.get(symbol)
        return self.limits if extra is None else self.limits.tightened_by(extra)

    def digest(self) -> str:
        """sha256 of the canonical JSON, hexadecimal.

        A field that came after the first revisions were stored counts only where it differs from its default:
        an upgrade must not make what quotes unreadable.
        """
        plain = msgspec.to_builtins(self, builtin_types=(Decimal,))
        for field, default in _LATER.items():
            if getattr(self, field) == default:
                del plain[field]
        return hashlib.sha256(canonical_json(plain)).hexdigest()


_LATER = {"signals": SignalRules()}
"""Fields that were added later -> default."""


class Frozen(msgspec.Struct, frozen=True, kw_only=True):
    """A revision as it is stored: with its digest, so that nobody can change one without the other."""

    digest: str
    revision: Revision

    def __post_init__(self) -> None:
        digest = self.revision.digest()
        if self.digest != digest:
            raise InputError("digest", self.digest, f"the digest of the revision beside it, {digest}")

    @classmethod
    def of(cls, revision: Revision) -> Frozen:
        """The revision with its digest."""
        return cls(digest=revision.digest(), revision=revision)


def canonical_json(value: Any) -> bytes:
    """The one JSON text of a value: keys sorted, no spaces, integral floats as integers, ASCII only.

    Money as Decimal becomes a string without trailing zeros, so that 0.10 and 0.1 are one tick size.
    Raises InputError on a non-finite number.
    """
    plain = _canonical(msgspec.to_builtins(value, builtin_types=(Decimal,)))
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def _canonical(value: Any) -> Any:
    match value:
        case dict():
            return {str(key): _canonical(item) for key, item in value.items()}
        case list() | tuple():
            return [_canonical(item) for item in value]
        case Decimal():
            return format(value.normalize(), "f")
        case float() if not math.isfinite(value):
            raise InputError("revision", value, "finite numbers only")
        case float() if value.is_integer() and abs(value) < 2**53:
            return int(value)
        case _:
            return value
