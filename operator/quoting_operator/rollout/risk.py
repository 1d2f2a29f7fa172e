"""The risk officer's limits: reading them, and merging them with the policy's so that the tightest holds."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import yaml
from pydantic import ValidationError

from quoting_operator.api.limits import EffectiveLimits, RiskLimits, RiskPolicyRef
from quoting_operator.api.policy import RISK_LABEL, PolicySpec
from quoting_operator.rollout.observed import Json, Problem, first_error
from quoting_policy.domain import Limits, PortfolioLimits, Revision


@dataclass(frozen=True, slots=True)
class RiskPolicy:
    """Risk limits as they were found. sha256: of their text."""

    limits: RiskLimits
    sha256: str


@dataclass(frozen=True, slots=True)
class Held:
    """Effective limits. everywhere: of every instrument; by_instrument: by symbol, only tighter."""

    everywhere: Limits
    by_instrument: Mapping[str, Limits]
    portfolio: PortfolioLimits


def read_risk_policy(ref: RiskPolicyRef, config_map: Json | None) -> RiskPolicy | Problem:
    """The limits in a risk ConfigMap, or why they are not usable."""
    where = f"ConfigMap {ref.name}"
    if config_map is None:
        return Problem(f"{where} is missing; create it, with the label {RISK_LABEL}=true")
    if (config_map["metadata"].get("labels") or {}).get(RISK_LABEL) != "true":
        return Problem(f"{where} must carry the label {RISK_LABEL}=true, so that its changes act at once")
    text = (config_map.get("data") or {}).get(ref.key)
    if text is None:
        return Problem(f"{where} has no key {ref.key!r}")
    try:
        content = yaml.safe_load(text)
        limits = RiskLimits.model_validate(content)
    except yaml.YAMLError as error:
        return Problem(f"{where}, key {ref.key!r}: not YAML: {' '.join(str(error).split())}")
    except ValidationError as error:
        return Problem(f"{where}, key {ref.key!r}: {first_error(error, 'limits.yaml')}")
    return RiskPolicy(limits, hashlib.sha256(text.encode()).hexdigest())


def held_limits(spec: PolicySpec, risk: RiskPolicy | Problem | None, last: EffectiveLimits | None) -> Held:
    """Limits of a policy, tightened by the risk officer's.

    risk: None where the policy refers to none; a Problem keeps what held last.
    """
    everywhere = spec.limits.to_domain()
    own = {instrument.symbol: instrument.limits.to_domain() for instrument in spec.instruments}
    portfolio = spec.portfolio.to_domain()
    match risk:
        case RiskPolicy(limits=limits):
            everywhere = everywhere.tightened_by(limits.limits.to_domain())
            more = {symbol: extra.to_domain() for symbol, extra in limits.instruments.items()}
            own = {symbol: extra.tightened_by(more.get(symbol, Limits())) for symbol, extra in own.items()}
            portfolio = _tightened(portfolio, limits.portfolio.to_domain())
        case Problem() if last is not None:
            everywhere = everywhere.tightened_by(last.limits.to_domain())
    return Held(everywhere, own, portfolio)


def pinned_limits(
    pinned: Revision, risk: RiskPolicy | Problem | None, last: EffectiveLimits | None
) -> Limits:
    """Limits for every instrument where the spec is not usable: those that are pinned, never looser."""
    limits = pinned.limits
    if isinstance(risk, RiskPolicy):
        limits = limits.tightened_by(risk.limits.limits.to_domain())
    elif last is not None:
        limits = limits.tightened_by(last.limits.to_domain())
    return limits


def _tightened(one: PortfolioLimits, other: PortfolioLimits) -> PortfolioLimits:
    """The tighter of the two in every field. Correlations are what both name; the risk officer's win."""
    rho = {(c.one, c.other): c for c in (*one.correlations, *other.correlations)}
    return PortfolioLimits(
        max_gross_notional=_lower(one.max_gross_notional, other.max_gross_notional),
        max_drawdown=_lower(one.max_drawdown, other.max_drawdown),
        max_daily_loss=_lower(one.max_daily_loss, other.max_daily_loss),
        correlations=tuple(rho[pair] for pair in sorted(rho)),
    )


def _lower(one: float | None, other: float | None) -> float | None:
    given = [value for value in (one, other) if value is not None]
    return min(given, default=None)
