"""Risk that positions in other instruments add to a quote: the covariance term of the reservation price.

For a portfolio the reservation price of instrument i is ``s_i - γτ(Σq)_i`` (Avellaneda-Stoikov with a vector
of mids; O. Gueant, The Financial Mathematics of Market Liquidity, 2016, chapter 11). A model of one
instrument takes the part of the others as ``correlated_inventory``: lots of its own that carry that risk.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from quoting_policy.errors import InputError

_ROUNDING = 1e-9


class CrossRisk(NamedTuple):
    """Risk of the other positions, in lots of this instrument.

    lots: ``Σ_{j≠i} Σ_ij q_j / Σ_ii``, or None where this instrument's own inventory or variance is unusable.
    left_out: indices of the instruments whose inventory or covariance was unusable; they count as nothing
    here and never spoil another instrument. A caller that must not quote without them looks here.
    """

    lots: float | None
    left_out: tuple[int, ...]


def cross_risks(inventories: Sequence[float], covariance: Sequence[Sequence[float]]) -> list[CrossRisk]:
    """The cross risk of each instrument.

    inventories: lots, length n. covariance: of the absolute mid moves, price²/s, n x n; row i belongs to
    instrument i. Raises InputError for shapes that do not match; bad *numbers* only affect what they touch.
    """
    count = len(inventories)
    if len(covariance) != count or any(len(row) != count for row in covariance):
        raise InputError("covariance", [len(row) for row in covariance], f"{count} x {count}")
    return [_cross_risk(i, inventories, covariance) for i in range(count)]


def reservation_shifts(
    inventories: Sequence[float], covariance: Sequence[Sequence[float]], *, gamma: float, tau: float
) -> list[float | None]:
    """Shift of each reservation price from its mid, ``-γτ(Σq)_i``, price; None where i is unusable.

    gamma: 1/(price·lot), >= 0. tau: s, >= 0. Other arguments as in :func:`cross_risks`.
    """
    for field, value in (("gamma", gamma), ("tau", tau)):
        if not (math.isfinite(value) and value >= 0.0):
            raise InputError(field, value, "finite and >= 0")
    risks = cross_risks(inventories, covariance)
    return [
        None if risk.lots is None else -gamma * tau * covariance[i][i] * (inventories[i] + risk.lots)
        for i, risk in enumerate(risks)
    ]


def _cross_risk(i: int, inventories: Sequence[float], covariance: Sequence[Sequence[float]]) -> CrossRisk:
    others = [j for j in range(len(inventories)) if j != i]
    usable = [j for j in others if _pair_is_usable(i, j, inventories[j], covariance)]
    left_out = tuple(j for j in others if j not in usable)
    variance = covariance[i][i]
    if not (math.isfinite(inventories[i]) and math.isfinite(variance) and variance > 0.0):
        return CrossRisk(None, left_out)
    lots = math.fsum(covariance[i][j] * inventories[j] for j in usable) / variance
    return CrossRisk(lots if math.isfinite(lots) else None, left_out)


def _pair_is_usable(i: int, j: int, inventory: float, covariance: Sequence[Sequence[float]]) -> bool:
    """A finite position, and a covariance that is finite and no larger than a correlation of 1 allows."""
    if not (math.isfinite(inventory) and math.isfinite(covariance[i][j]) and covariance[j][j] >= 0.0):
        return False
    if not covariance[i][i] > 0.0:
        return True
    return covariance[i][j] ** 2 <= covariance[i][i] * covariance[j][j] * (1.0 + _ROUNDING)
