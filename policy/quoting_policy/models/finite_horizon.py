"""The inventory grid at a finite time left, with numpy: see :mod:`inventory_grid` for the equation.

A module of its own, so that whoever quotes without a finite horizon does not load numpy.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from quoting_policy.models.contract import RefusalError
from quoting_policy.models.inventory_grid import InventoryGrid, finite

_TAYLOR_TERMS = 19
"""1/19! = 8e-18: the series of exp at a norm <= 1 is exact in double precision."""
_MAX_DOUBLINGS = 60
_MADE_AHEAD = 15
"""Powers made with the solution rather than in the first request that needs them."""


class FiniteHorizon:
    """``L_n`` at any time left, for one parameter set.

    Powers of two of one small step are made once; a new τ then costs a few dozen products of a
    matrix with a vector.
    """

    def __init__(self, grid: InventoryGrid) -> None:
        diagonal = np.array(grid.diagonal())
        self._grid = grid
        self._growth = float(diagonal.max()) - diagonal
        norm = float(self._growth.max()) + grid.bid_rate + grid.ask_rate
        if not math.isfinite(norm):
            raise RefusalError("numbers out of floating-point range in exp(-Mτ)")
        self._step = 1.0 / norm
        self._powers: list[NDArray[np.float64]] = []
        self._power(_MADE_AHEAD)

    def log_ratios(self, tau: float) -> list[float]:
        """``L_n`` for n = -limit .. limit - 1 with τ seconds left, >= 0.

        Raises RefusalError where v leaves the range of floating-point numbers (a very large limit).
        """
        steps, rest = divmod(tau, self._step)
        if not steps < 2.0**_MAX_DOUBLINGS:
            raise RefusalError.of("state.timeLeft", tau, "shorter", "or set horizon: infinite")
        n = np.arange(-self._grid.limit, self._grid.limit + 1, dtype=np.float64)
        v = self._advance(np.exp(-self._grid.terminal * n * n), rest)
        for j in range(int(steps).bit_length()):
            if int(steps) >> j & 1:
                v = self._power(j) @ v
                v /= v.max()
        if not v.min() > np.finfo(np.float64).tiny:
            raise RefusalError.of(
                "params.maxInventory", self._grid.limit, "smaller", "or use horizon: infinite"
            )
        logs = np.log(v)
        return finite((logs[:-1] - logs[1:]).tolist())

    def _advance(self, v: NDArray[np.float64], dt: float) -> NDArray[np.float64]:
        """``exp((max(diagonal) - M) dt) v`` for dt within one step; v: a vector, or columns of them."""
        growth = self._growth if v.ndim == 1 else self._growth[:, None]
        total, term = v.copy(), v
        for j in range(1, _TAYLOR_TERMS + 1):
            grown = growth * term
            grown[:-1] += self._grid.bid_rate * term[1:]
            grown[1:] += self._grid.ask_rate * term[:-1]
            term = grown * (dt / j)
            total += term
        return total

    def _power(self, j: int) -> NDArray[np.float64]:
        """``exp((max(diagonal) - M) step 2^j)``, scaled to a largest entry of 1."""
        if not self._powers:
            size = len(self._growth)
            self._powers.append(self._advance(np.eye(size), self._step))
        while len(self._powers) <= j:
            squared = self._powers[-1] @ self._powers[-1]
            self._powers.append(squared / squared.max())
        return self._powers[j]
