"""The simulation of Avellaneda and Stoikov (2008), section 3.3, for many paths at once.

The mid moves by ±σ√dt with equal chance. In each step both quotes stand at the offsets of the model and
each side is filled at most once. The published table uses the chance λ·dt (``linear``); the exact chance of
a fill within dt is 1 - exp(-λ·dt) (``exact``). At A·dt = 0.7 the linear rule inflates mean profits by
several percent.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import astuple, dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from quoting_policy.errors import InputError
from quoting_policy.models.avellaneda_stoikov import fill_premium

Strategy = Literal["inventory", "symmetric"]
Fills = Literal["linear", "exact"]
Array = NDArray[np.float64]

_CHANCE: MappingProxyType[Fills, Callable[[Array], Array]] = MappingProxyType(
    {"linear": lambda rate_dt: np.minimum(rate_dt, 1.0), "exact": lambda rate_dt: -np.expm1(-rate_dt)}
)


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One simulation.

    gamma: 1/(price·lot), >= 0. sigma: price/√s, >= 0. k: 1/price, A: 1/s, > 0. dt, horizon: s. paths: >= 2.
    strategy: ``inventory`` quotes round the reservation price, ``symmetric`` round the mid with the same
    spread averaged over time, γσ²T/2 + (2/γ)ln(1 + γ/k). mid: starting price; it only shifts prices.
    """

    gamma: float
    sigma: float
    k: float
    A: float
    dt: float
    horizon: float
    paths: int
    seed: int
    strategy: Strategy
    fills: Fills
    mid: float = 100.0

    def __post_init__(self) -> None:
        for field in ("gamma", "sigma"):
            self._require(field, getattr(self, field) >= 0.0, "finite and >= 0")
        for field in ("k", "A", "dt", "horizon"):
            self._require(field, getattr(self, field) > 0.0, "finite and > 0")
        self._require("paths", 2 <= self.paths <= 10_000_000, "in [2, 10000000]")
        self._require("seed", self.seed >= 0, ">= 0")
        self._require("dt", self.dt <= self.horizon <= 1e7 * self.dt, "in [horizon/1e7, horizon]")

    def _require(self, field: str, holds: bool, allowed: str) -> None:
        value = getattr(self, field)
        if not (holds and math.isfinite(value)):
            raise InputError(field, value, allowed)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Statistics over paths. Spread: mean over time and paths, price. Profit: money at the final mid."""

    mean_spread: float
    mean_profit: float
    std_profit: float
    mean_final_inventory: float
    std_final_inventory: float
    paths: int


def simulate(setting: Setting) -> Outcome:
    """Run all paths. The same setting gives the same outcome.

    Raises InputError where the numbers leave the range of floating point.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        outcome = _simulate(setting)
    if not all(map(math.isfinite, astuple(outcome))):
        raise InputError(
            "gamma·sigma²", setting.gamma * setting.sigma * setting.sigma, "small enough for finite prices"
        )
    return outcome


def _simulate(setting: Setting) -> Outcome:
    rng = np.random.default_rng(setting.seed)
    steps = round(setting.horizon / setting.dt)
    mid = np.full(setting.paths, setting.mid)
    cash, inventory = np.zeros(setting.paths), np.zeros(setting.paths)
    move = setting.sigma * math.sqrt(setting.dt)
    spreads = 0.0
    for step in range(steps):
        bid_offset, ask_offset = _offsets(setting, inventory, setting.horizon - step * setting.dt)
        spreads += float(np.mean(bid_offset + ask_offset))
        bought = rng.random(setting.paths) < _chance(setting, bid_offset)
        sold = rng.random(setting.paths) < _chance(setting, ask_offset)
        cash += sold * (mid + ask_offset) - bought * (mid - bid_offset)
        inventory += bought.astype(np.float64) - sold
        mid += np.where(rng.random(setting.paths) < 0.5, move, -move)
    profit = cash + inventory * mid
    return Outcome(
        mean_spread=spreads / steps,
        mean_profit=float(profit.mean()),
        std_profit=float(profit.std(ddof=1)),
        mean_final_inventory=float(inventory.mean()),
        std_final_inventory=float(inventory.std(ddof=1)),
        paths=setting.paths,
    )


def _offsets(setting: Setting, inventory: Array, tau: float) -> tuple[Array, Array]:
    """Distances of bid and ask from the mid, price."""
    premium = fill_premium(setting.gamma, setting.k)
    variance = setting.gamma * setting.sigma * setting.sigma
    if setting.strategy == "symmetric":
        half = np.full_like(inventory, premium + 0.25 * variance * setting.horizon)
        return half, half
    risk = variance * tau
    return premium + (0.5 + inventory) * risk, premium + (0.5 - inventory) * risk


def _chance(setting: Setting, offset: Array) -> Array:
    """Chance of a fill within one step."""
    return _CHANCE[setting.fills](setting.A * setting.dt * np.exp(-setting.k * offset))
