"""Hard limits on what may be quoted and held, per instrument and together."""

from __future__ import annotations

import math
from typing import Self

import msgspec

from quoting_policy.errors import InputError


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of one instrument under one policy. ``None`` is *no limit of this kind*.

    max_position: |inventory| in lots, worst case incl. live and in-flight orders. max_notional: |inventory|
    x mid, money. max_order_qty: lots an order. max_drawdown, max_daily_loss: money lost from the peak, since
    the day's start. max_order_rate, max_quote_rate: 1/s. min_spread, max_spread: price units between best
    bid and best ask of the quote. price_band: fraction of the mid a quote may be away from it.
    max_correlation: largest correlation between positions held in the same direction, in [0, 1].
    """

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
    reduce_only_at: float | None = None
    max_data_age: float | None = None

    def __post_init__(self) -> None:
        for field in self.__struct_fields__:
            value = getattr(self, field)
            if value is not None and not (math.isfinite(value) and value >= 0):
                raise InputError(f"limits.{_camel(field)}", value, "a finite number >= 0")

    def tightened_by(self, other: Limits) -> Self:
        """The tighter of the two in every field; a limit that only one side sets holds."""
        fields = self.__struct_fields__
        return type(self)(**{f: _tighter(f, getattr(self, f), getattr(other, f)) for f in fields})


def _camel(field: str) -> str:
    first, *rest = field.split("_")
    return first + "".join(map(str.capitalize, rest))


def _tighter(field: str, one: float | None, other: float | None) -> float | None:
    if one is None or other is None:
        return one if other is None else other
    return max(one, other) if field == "min_spread" else min(one, other)


class Correlation(msgspec.Struct, frozen=True):
    """Correlation of returns between two instruments, in [-1, 1]."""

    one: str
    other: str
    rho: float

    def __post_init__(self) -> None:
        if not abs(self.rho) <= 1:
            raise InputError(f"portfolio.correlations[{self.one},{self.other}]", self.rho, "in [-1, 1]")


class PortfolioLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Limits on all instruments of one policy together; money. ``None`` is *no limit of this kind*.

    max_gross_notional: sum of |inventory| x mid. max_drawdown, max_daily_loss: as in :class:`Limits`.
    correlations: pairs whose positions ``Limits.max_correlation`` looks at; a pair not named is 0.
    """

    max_gross_notional: float | None = None
    max_drawdown: float | None = None
    max_daily_loss: float | None = None
    correlations: tuple[Correlation, ...] = ()

    def __post_init__(self) -> None:
        for field in ("max_gross_notional", "max_drawdown", "max_daily_loss"):
            value = getattr(self, field)
            if value is not None and not (math.isfinite(value) and value >= 0):
                raise InputError(f"portfolio.{field}", value, "a finite number >= 0")
