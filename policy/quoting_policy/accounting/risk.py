"""Risk figures of a series of P&L, and of a position."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist


class Drawdown:
    """Running drawdown and loss since the day's start, money, >= 0."""

    __slots__ = ("day", "day_open", "equity", "peak")

    def __init__(self) -> None:
        self.equity = 0.0
        self.peak = 0.0
        self.day_open = 0.0
        self.day: int | None = None

    def mark(self, equity: float) -> None:
        """The equity is now this; money."""
        self.equity = equity
        self.peak = max(self.peak, equity)

    def start_day(self, day: int) -> None:
        """A new day: its loss counts from the equity at hand. An earlier day changes nothing."""
        if self.day is None or day > self.day:
            self.day = day
            self.day_open = self.equity

    @property
    def drawdown(self) -> float:
        """Equity below its highest, money."""
        return self.peak - self.equity

    @property
    def daily_loss(self) -> float:
        """Equity below that of the day's start, money; 0 when above."""
        return max(0.0, self.day_open - self.equity)


def profit_factor(pnl: Sequence[float]) -> float | None:
    """Sum of gains over sum of losses; None without a loss."""
    losses = -math.fsum(value for value in pnl if value < 0)
    return math.fsum(value for value in pnl if value > 0) / losses if losses else None


def max_drawdown(pnl: Sequence[float]) -> float:
    """Largest fall of the cumulated P&L from its peak, money, >= 0."""
    running = Drawdown()
    worst = 0.0
    for value in pnl:
        running.mark(running.equity + value)
        worst = max(worst, running.drawdown)
    return worst


def value_at_risk(pnl: Sequence[float], confidence: float = 0.95) -> float:
    """Empirical VaR: the smallest of the worst ceil((1 - confidence) n) losses; loss > 0."""
    return sorted(pnl)[_tail(pnl, confidence) - 1] * -1.0


def conditional_value_at_risk(pnl: Sequence[float], confidence: float = 0.95) -> float:
    """Empirical CVaR: mean of the worst ceil((1 - confidence) n) losses; loss > 0."""
    tail = _tail(pnl, confidence)
    return -math.fsum(sorted(pnl)[:tail]) / tail


def _tail(pnl: Sequence[float], confidence: float) -> int:
    if not pnl or not 0 < confidence < 1:
        raise ValueError("VaR needs at least one value and a confidence in (0, 1)")
    return max(1, math.ceil((1 - confidence) * len(pnl) - 1e-9))


def position_value_at_risk(
    *, inventory: float, price: float, sigma_return: float, horizon: float, confidence: float = 0.95
) -> tuple[float, float]:
    """VaR and CVaR of a position under normal returns, money; even in the inventory.

    inventory: quantity. sigma_return: volatility of the return per square root of the horizon's unit.
    VaR = |q| S sigma sqrt(h) z, CVaR = |q| S sigma sqrt(h) phi(z) / (1 - confidence).
    """
    normal = NormalDist()
    scale = abs(inventory) * price * sigma_return * math.sqrt(horizon)
    z = normal.inv_cdf(confidence)
    return scale * z, scale * normal.pdf(z) / (1 - confidence)
