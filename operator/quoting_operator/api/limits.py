"""Limits as users write them, and the risk officer's ConfigMap."""

from __future__ import annotations

from decimal import Decimal
from typing import Self

from pydantic import Field

from quoting_operator.api.schema import (
    ApiModel,
    Fraction,
    NonNegative,
    Positive,
    Share,
    StatusModel,
)
from quoting_policy import domain


class Limits(ApiModel):
    """Hard limits of one instrument. A field that is left out is no limit of that kind."""

    max_position: Positive | None = None
    """Largest absolute inventory, lots, counting live and in-flight orders as filled."""
    max_notional: Positive | None = None
    """Largest absolute inventory times mid, money."""
    max_order_qty: Positive | None = None
    """Largest quantity of one order, lots."""
    max_drawdown: Positive | None = None
    """Largest fall of profit from its peak, money; beyond it only reducing orders are quoted."""
    max_daily_loss: Positive | None = None
    """Largest loss since the day's start, money; beyond it only reducing orders are quoted."""
    max_order_rate: Positive | None = None
    """Orders a second."""
    max_quote_rate: Positive | None = None
    """Quotes a second."""
    min_spread: NonNegative | None = None
    """Smallest distance between our best bid and best ask, price."""
    max_spread: Positive | None = None
    """Largest distance between our best bid and best ask, price."""
    price_band: Positive | None = None
    """Largest distance of a quote from the mid, as a fraction of the mid."""
    max_correlation: Share | None = None
    """Largest correlation between positions held in the same direction."""
    reduce_only_at: Share | None = None
    """Share of maxPosition from which on only reducing orders are quoted."""
    max_data_age: Positive | None = None
    """Oldest market data to quote from, seconds."""

    def to_domain(self) -> domain.Limits:
        """The engine's limits."""
        return domain.Limits(
            **{name: _number(getattr(self, name)) for name in domain.Limits.__struct_fields__}
        )

    @classmethod
    def from_domain(cls, limits: domain.Limits) -> Self:
        """The engine's limits, as they are shown in status."""
        values = {name: getattr(limits, name) for name in limits.__struct_fields__}
        return cls(**{name: Decimal(repr(value)) for name, value in values.items() if value is not None})


class Correlation(ApiModel):
    """Correlation of returns between two instruments."""

    one: str = Field(max_length=63)
    """Symbol of an instrument."""
    other: str = Field(max_length=63)
    """Symbol of the other."""
    rho: Fraction
    """Correlation, between -1 and 1."""


class Portfolio(ApiModel):
    """Limits on all instruments of a policy together, money."""

    max_gross_notional: Positive | None = None
    """Largest sum of absolute inventory times mid."""
    max_drawdown: Positive | None = None
    """Largest fall of profit from its peak."""
    max_daily_loss: Positive | None = None
    """Largest loss since the day's start."""
    correlations: tuple[Correlation, ...] = Field(default=(), json_schema_extra={"maxItems": 256})
    """Pairs of instruments that maxCorrelation looks at; a pair not named counts as 0."""

    def to_domain(self) -> domain.PortfolioLimits:
        """The engine's limits."""
        return domain.PortfolioLimits(
            max_gross_notional=_number(self.max_gross_notional),
            max_drawdown=_number(self.max_drawdown),
            max_daily_loss=_number(self.max_daily_loss),
            correlations=tuple(domain.Correlation(c.one, c.other, float(c.rho)) for c in self.correlations),
        )


class Instrument(ApiModel):
    """One instrument that a policy may quote."""

    symbol: str = Field(min_length=1, max_length=63)
    """The venue's name."""
    tick_size: Positive
    """Price of one tick."""
    lot_size: Positive
    """Quantity of one lot."""
    min_qty_lots: int = Field(default=1, ge=1, le=1_000_000_000)
    """Smallest order that the venue takes, lots."""
    maker_fee: Fraction = Decimal(0)
    """Fee of a passive fill, fraction of notional; negative is a rebate."""
    taker_fee: Fraction = Decimal(0)
    """Fee of an aggressive fill, fraction of notional."""
    limits: Limits = Limits()
    """Limits of this instrument; they only tighten the policy's."""

    def to_domain(self) -> domain.Instrument:
        """The engine's instrument."""
        return domain.Instrument(
            symbol=self.symbol,
            tick_size=self.tick_size,
            lot_size=self.lot_size,
            min_qty_lots=self.min_qty_lots,
            maker_fee=float(self.maker_fee),
            taker_fee=float(self.taker_fee),
        )


class RiskLimits(ApiModel):
    """Content of the risk ConfigMap, YAML under the key that `spec.riskPolicyRef` names.

    It tightens the policies that refer to it and can loosen nothing.
    """

    limits: Limits = Limits()
    """For every instrument."""
    instruments: dict[str, Limits] = Field(default_factory=dict)
    """By symbol, on top of `limits`."""
    portfolio: Portfolio = Portfolio()
    """For all instruments of a policy together."""


class RiskPolicyRef(ApiModel):
    """Where the risk officer's limits are: a ConfigMap in the policy's namespace.

    It carries the label quoting.dev/risk-policy=true, so that its changes act at once.
    """

    name: str = Field(min_length=1, max_length=253)
    """Name of the ConfigMap."""
    key: str = Field(default="limits.yaml", min_length=1, max_length=253)
    """Key of the ConfigMap whose value is the limits, as YAML."""


class EffectiveLimits(StatusModel):
    """Limits in force: the policy's, tightened by the risk officer's."""

    limits: Limits = Limits()
    """Of every instrument; sidecars obey them on top of their pinned revision."""
    risk_policy: str = ""
    """sha256 of the risk limits that were merged in; empty where there are none."""


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
