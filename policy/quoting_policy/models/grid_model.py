"""What GLFT and Cartea-Jaimungal share: one solution a parameter set, read at each request's inventory."""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from quoting_policy.domain import MarketState, RawQuote
from quoting_policy.models.closed_form import (
    ClosedFormParameters,
    decays,
    intensities,
    needed_hazards,
    volatility,
)
from quoting_policy.models.contract import FailClosed, RefusalError, two_sided
from quoting_policy.models.inventory_grid import InventoryGrid, stationary

_SAME_LOT = 1e-9


class Calibration(NamedTuple):
    """What a solution depends on besides the parameters; equal calibrations share one solution.

    sigma: price/√s (0 where the model has no use for it). intensity (A): 1/s, k: 1/price, by side.
    drift: price/s. correlated: risk of other positions in lots of this instrument.
    """

    sigma: float
    intensity_bid: float
    intensity_ask: float
    k_bid: float
    k_ask: float
    drift: float
    correlated: float


class LogRatios(Protocol):
    """A solution that depends on the time left."""

    def log_ratios(self, tau: float) -> list[float]:
        """``L_n`` for n = -limit .. limit - 1 with τ seconds left."""
        ...


@dataclass(slots=True)
class GridSolution:
    """Offsets ``premium + L_n/k`` at inventories n in units of the order size, |n| <= limit.

    bid_premium, ask_premium: what a fill earns beside the indifference price, price. k: 1/price.
    """

    bid_premium: float
    ask_premium: float
    k: float
    grid: InventoryGrid
    finite: LogRatios | None
    _tau: float = math.nan
    _log_ratios: list[float] = field(default_factory=list)

    @classmethod
    def of(
        cls, grid: InventoryGrid, k: float, bid_premium: float, ask_premium: float, *, finite: bool
    ) -> GridSolution:
        """Solve the stationary problem now, or prepare the finite one."""
        if finite:
            from quoting_policy.models.finite_horizon import FiniteHorizon  # noqa: PLC0415  # loads numpy

            return cls(bid_premium, ask_premium, k, grid, FiniteHorizon(grid))
        return cls(bid_premium, ask_premium, k, grid, None, _log_ratios=stationary(grid))

    def log_ratios(self, state: MarketState) -> list[float]:
        """``L_n``; those of the last time left are kept."""
        tau = state.time_left
        if self.finite is not None and tau != self._tau:
            if tau is None or not tau >= 0.0:
                raise RefusalError("time_left is not a time")
            self._log_ratios = self.finite.log_ratios(tau)
            self._tau = tau
        return self._log_ratios

    def quote(self, state: MarketState, qty: float) -> RawQuote:
        """Quotes at the state's inventory; between two grid points the log ratios are interpolated."""
        held, limit = state.inventory / qty, self.grid.limit
        log_ratios = self.log_ratios(state)
        bid_edge = ask_edge = None
        if held + 1.0 <= limit + _SAME_LOT:
            bid_edge = _at(log_ratios, held + limit) / self.k
        if held - 1.0 >= -limit - _SAME_LOT:
            ask_edge = -_at(log_ratios, held + limit - 1.0) / self.k
        bid = None if bid_edge is None else self.bid_premium + bid_edge
        ask = None if ask_edge is None else self.ask_premium + ask_edge
        if bid_edge is None or ask_edge is None:
            shift = (ask_edge or 0.0) - (bid_edge or 0.0)
        else:
            shift = 0.5 * (ask_edge - bid_edge)
        return two_sided(state.mid, bid, ask, qty, qty, state.mid + shift)


def _at(log_ratios: list[float], place: float) -> float:
    lower = min(max(int(place + _SAME_LOT), 0), len(log_ratios) - 1)
    between = place - lower
    if abs(between) <= _SAME_LOT or lower + 1 == len(log_ratios):
        return log_ratios[lower]
    return log_ratios[lower] + between * (log_ratios[lower + 1] - log_ratios[lower])


class Calibrated(FailClosed):
    """Base of the models whose quote depends on a :class:`Calibration`."""

    def __init__(self, params: ClosedFormParameters, drift: float | None, *, uses_sigma: bool) -> None:
        self._sigma, self._A, self._k = params.sigma, params.A, params.k
        self._drift = drift
        self._uses_sigma = uses_sigma
        self._inputs: tuple[object, ...] = ()
        self._solved_for: Calibration | None = None
        self.needs = needed_hazards(params, intensity=True)
        if uses_sigma and params.sigma is None:
            self.needs |= {"sigma"}

    def solve(self, calibration: Calibration) -> None:
        """Make ready for requests with this calibration."""
        raise NotImplementedError

    def solve_if_fixed(self) -> None:
        """Solve when the model is built, where the parameters fix all of it, rather than in a request.

        What has no solution is left for the request, which refuses.
        """
        sigma = self._sigma if self._uses_sigma else 0.0
        if sigma is None or self._A is None or self._k is None:
            return
        calibration = Calibration(sigma, self._A, self._A, self._k, self._k, self._drift or 0.0, 0.0)
        with contextlib.suppress(ArithmeticError, ValueError):
            self.solve(calibration)
            self._solved_for = calibration

    def prepare(self, state: MarketState) -> None:
        """Solve for the state's calibration, unless it is that of the last request."""
        inputs = (
            state.sigma,
            state.fill_hazard_bid,
            state.fill_hazard_ask,
            state.drift,
            state.correlated_inventory,
        )
        if inputs == self._inputs:
            return
        calibration = self.calibration(state)
        if calibration != self._solved_for:
            self.solve(calibration)
            self._solved_for = calibration
        self._inputs = inputs

    def calibration(self, state: MarketState) -> Calibration:
        """What the parameters fix, and the state's for the rest. Raises RefusalError where one is missing."""
        sigma = volatility(self._sigma, state) if self._uses_sigma else 0.0
        drift = self._drift if self._drift is not None else state.drift if state.drift is not None else 0.0
        if not math.isfinite(drift):
            raise RefusalError.of("state.drift", drift, "finite, price/s")
        if self._k is not None and self._A is not None:
            intensity, k = self._A, self._k
            return Calibration(sigma, intensity, intensity, k, k, drift, state.correlated_inventory)
        intensity_bid, intensity_ask = intensities(self._A, state)
        k_bid, k_ask = decays(self._k, state)
        return Calibration(
            sigma, intensity_bid, intensity_ask, k_bid, k_ask, drift, state.correlated_inventory
        )


def one_decay(calibration: Calibration) -> float:
    """The k of both sides. Raises RefusalError where they differ: the linear equation has only one."""
    if calibration.k_bid != calibration.k_ask:
        raise RefusalError.of(
            "state.fillHazard.ask.k",
            calibration.k_ask,
            f"the bid's k = {calibration.k_bid!r}",
            "the exact solution has one k for both sides: fix params.k, or use method: closed",
        )
    return calibration.k_bid


def orders_held(max_inventory: float, qty: float) -> int:
    """How many orders of ``qty`` lots the limit holds."""
    return math.floor(max_inventory / qty + _SAME_LOT)
