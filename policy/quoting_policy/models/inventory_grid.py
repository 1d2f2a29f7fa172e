"""The linear equation behind GLFT and Cartea-Jaimungal, solved to full precision on a grid of inventories.

With exponential fill intensities the value function is ``ln(v_n)/k``, where v solves ``v' = -M v`` backwards
from a terminal vector: ``v(τ) = exp(-Mτ) v(0)``, M tridiagonal with diagonal ``curvature·n² - slope·n`` and
off-diagonals ``-rate``. Quotes depend on ratios of neighbours only, ``L_n = ln(v_n / v_{n+1})``.

Eigenvectors from a general solver are exact to 1e-16 of their *largest* entry, and v at the edge of the grid
can be 1e-24 of it, so neither solution below uses one:

- stationary (τ -> ∞): the smallest eigenvalue by bisection on the signs of the pivots, then the ratios by
  the recursion inward from both edges, in which no digits cancel;
- finite τ: scaling and squaring of the *non-negative* matrix ``max(diagonal) - M``, rescaled at each step:
  sums and products of non-negative numbers keep every entry's relative precision.

O. Gueant, C.-A. Lehalle and J. Fernandez-Tapia, Dealing with the inventory risk, Mathematics and Financial
Economics 7 (2013), theorem 1 and section 3; A. Cartea, S. Jaimungal and J. Penalva, Algorithmic and
High-Frequency Trading (2015), section 10.2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from quoting_policy.models.contract import RefusalError

_MAX_HALVINGS = 200


@dataclass(frozen=True, slots=True)
class InventoryGrid:
    """M of one parameter set, for inventories n = -limit .. limit in units of the order size.

    curvature: 1/s, >= 0. slope: 1/s. bid_rate: coupling of n to n + 1 (our bid is filled), ask_rate: of n to
    n - 1, 1/s, > 0. terminal: ln v_n(0) = -terminal·n², >= 0. limit: >= 1.
    """

    curvature: float
    slope: float
    bid_rate: float
    ask_rate: float
    terminal: float
    limit: int

    def diagonal(self) -> list[float]:
        """Diagonal of M, n = -limit .. limit, 1/s."""
        return [self.curvature * n * n - self.slope * n for n in range(-self.limit, self.limit + 1)]


def stationary(grid: InventoryGrid) -> list[float]:
    """``L_n`` for n = -limit .. limit - 1 as τ -> ∞. Raises RefusalError where they are not finite."""
    diagonal = grid.diagonal()
    centre = min(range(len(diagonal)), key=diagonal.__getitem__)
    low = diagonal[centre] - 2.0 * (grid.bid_rate + grid.ask_rate)
    high = diagonal[centre]
    for _ in range(_MAX_HALVINGS):
        eigenvalue = 0.5 * (low + high)
        if not low < eigenvalue < high:
            break
        if _below_spectrum(grid, diagonal, centre, eigenvalue):
            low = eigenvalue
        else:
            high = eigenvalue
    down, up = _ratios(grid, diagonal, centre, low)
    return finite([-math.log(x) for x in up] + [math.log(x) for x in reversed(down)])


def _ratios(
    grid: InventoryGrid, diagonal: list[float], centre: int, eigenvalue: float
) -> tuple[list[float], list[float]]:
    """``v_{i-1}/v_i`` from the upper edge down to the centre, ``v_{i+1}/v_i`` from the lower one up to it."""
    down: list[float] = []
    coupled = 0.0
    for i in range(len(diagonal) - 1, centre, -1):
        down.append((diagonal[i] - eigenvalue - coupled) / grid.ask_rate)
        coupled = grid.bid_rate / down[-1]
    up: list[float] = []
    coupled = 0.0
    for i in range(centre):
        up.append((diagonal[i] - eigenvalue - coupled) / grid.bid_rate)
        coupled = grid.ask_rate / up[-1]
    return down, up


def _below_spectrum(grid: InventoryGrid, diagonal: list[float], centre: int, eigenvalue: float) -> bool:
    """Whether all pivots of M - eigenvalue are positive (twisted factorisation, Sturm's count of zero)."""
    coupled = 0.0
    for i in range(len(diagonal) - 1, centre, -1):
        pivot = diagonal[i] - eigenvalue - coupled
        if pivot <= 0.0:
            return False
        coupled = grid.bid_rate * grid.ask_rate / pivot
    from_below = 0.0
    for i in range(centre):
        pivot = diagonal[i] - eigenvalue - from_below
        if pivot <= 0.0:
            return False
        from_below = grid.bid_rate * grid.ask_rate / pivot
    return diagonal[centre] - eigenvalue - coupled - from_below > 0.0


def finite(log_ratios: list[float]) -> list[float]:
    """The log ratios. Raises RefusalError unless all are finite."""
    if not all(map(math.isfinite, log_ratios)):
        raise RefusalError("numbers out of floating-point range on the inventory grid")
    return log_ratios
