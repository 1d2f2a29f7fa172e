"""What trading does to the price: Almgren & Chriss (2001) and the square-root law.

The literature reuses its letters; here every meaning has its own name. Prices in money, sizes in lots, time
in seconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from quoting_policy.errors import InputError


@dataclass(frozen=True, slots=True)
class AlmgrenChriss:
    """Linear permanent and temporary impact of one liquidation of ``shares`` in ``periods`` equal steps.

    sigma: price/√s; horizon: s; fixed_cost ε: price, half the spread; permanent γ_p: price/lot; temporary η:
    price·s/lot; aversion λ: 1/money. Source: Almgren & Chriss, J. Risk 3 (2001), eq. 8-20.
    """

    shares: float
    horizon: float
    periods: int
    sigma: float
    fixed_cost: float
    permanent: float
    temporary: float
    aversion: float

    def __post_init__(self) -> None:
        for name in ("horizon", "periods", "sigma"):
            if not 0 < getattr(self, name) < math.inf:
                raise InputError(name, getattr(self, name), "> 0 and finite")
        for name in ("fixed_cost", "permanent", "temporary", "aversion"):
            if not 0 <= getattr(self, name) < math.inf:
                raise InputError(name, getattr(self, name), ">= 0 and finite")
        if self.adjusted_temporary <= 0:
            raise InputError(
                "temporary", self.temporary, f"> {self.permanent * self.step / 2:g}", "or use more periods"
            )

    @property
    def step(self) -> float:
        """Length of a period, s."""
        return self.horizon / self.periods

    @property
    def adjusted_temporary(self) -> float:
        """η̃ = η - ½γ_p·step, what discrete trading really pays."""
        return self.temporary - self.permanent * self.step / 2

    @property
    def urgency(self) -> float:
        """κ of cosh(κ·step) = 1 + ½·step²·λσ²/η̃, 1/s."""
        excess = self.step**2 * self.aversion * self.sigma**2 / self.adjusted_temporary / 2
        return math.acosh(1 + excess) / self.step

    def holdings(self) -> npt.NDArray[np.float64]:
        """Lots still held at the periods+1 times 0, step, ..., horizon."""
        left = 1 - np.arange(self.periods + 1) / self.periods
        total = self.urgency * self.horizon
        if total < 1e-6:
            return self.shares * left
        # sinh(total·left)/sinh(total), without overflow for a large total
        shape = np.exp(total * (left - 1)) * np.expm1(-2 * total * left) / math.expm1(-2 * total)
        return np.asarray(self.shares * shape)

    def expected_cost(self) -> float:
        """Mean shortfall of the path, money."""
        sold = -np.diff(self.holdings())
        fixed = self.fixed_cost * np.abs(sold).sum() + self.permanent * self.shares**2 / 2
        return float(fixed + self.adjusted_temporary / self.step * (sold**2).sum())

    def variance(self) -> float:
        """Variance of the shortfall, money²."""
        return float(self.sigma**2 * self.step * (self.holdings()[1:] ** 2).sum())

    def price_concession(self, rate: float) -> float:
        """Temporary impact on the price got while selling ``rate`` lots a second (negative: buying)."""
        return math.copysign(self.fixed_cost, rate) + self.temporary * rate if rate else 0.0


def square_root_impact(
    qty: float, *, daily_sigma: float, daily_volume: float, coefficient: float = 1.0
) -> float:
    """Peak impact of a whole meta-order: Y·σ_day·√(|Q|/V_day)·sgn(Q), in the price unit of ``daily_sigma``.

    qty: signed lots of the meta-order (not of a child order). coefficient Y: about 1. Source: Tóth et al.,
    Phys. Rev. X 1 (2011) 021006.
    """
    if not (daily_volume > 0 and daily_sigma >= 0 and coefficient >= 0 and math.isfinite(qty)):
        raise InputError("daily_volume, daily_sigma", (daily_volume, daily_sigma), "volume > 0, sigma >= 0")
    return math.copysign(coefficient * daily_sigma * math.sqrt(abs(qty) / daily_volume), qty) if qty else 0.0


def transient_impact(initial: float, relaxation: float, time: float) -> float:
    """What is left of an impact after ``time`` seconds: initial·exp(-relaxation·time); relaxation: 1/s."""
    if relaxation < 0 or time < 0:
        raise InputError("relaxation, time", (relaxation, time), ">= 0")
    return initial * math.exp(-relaxation * time)
