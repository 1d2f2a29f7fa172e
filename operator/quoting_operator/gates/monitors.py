"""Monitors of what the tests assume: blocks that hardly correlate, and counts that do not come in bursts.

A tripped monitor turns its gate Inconclusive; it never helps to pass.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

from quoting_operator.gates.tmix import MeanSums

TOLERATED_LAG1 = 0.055
"""Lag-1 autocorrelation of blocks that just obey b >= 5 tau_int."""
TOLERATED_FANO = 1.3
TRIP = 3.0
"""Standard errors beyond the tolerated value at which a monitor trips."""


@dataclass(frozen=True, slots=True)
class LagSums:
    """Sums over adjacent pairs of accepted blocks: count, products, firsts, seconds (all of D - shift)."""

    pairs: int = 0
    products: float = 0.0
    firsts: float = 0.0
    seconds: float = 0.0

    def plus(self, first: float, second: float) -> Self:
        """Add the pair of two blocks with consecutive indices."""
        return type(self)(
            self.pairs + 1, self.products + first * second, self.firsts + first, self.seconds + second
        )

    def r1(self, sums: MeanSums) -> float:
        """Lag-1 autocorrelation of the blocks in `sums`; zero while it is undefined."""
        if self.pairs == 0 or sums.n < 2 or sums.variance == 0.0:
            return 0.0
        mean = sums.s / sums.n
        products = self.products - mean * (self.firsts + self.seconds) + self.pairs * mean * mean
        return (products / self.pairs) / (sums.variance * (sums.n - 1) / sums.n)

    def z(self, sums: MeanSums) -> float:
        """Standard errors by which r1 exceeds what the block rule tolerates."""
        return (self.r1(sums) - TOLERATED_LAG1) * math.sqrt(self.pairs)


@dataclass(frozen=True, slots=True)
class FanoSums:
    """Sums over blocks of k events in n trials with expected share p: blocks, chi-squared, expected variance.

    With two arms k is the candidate's events and n both arms', so that a market that speeds up for both, or
    exposures that vary, are no burst. p is estimated from all blocks up to the one added.
    """

    blocks: int = 0
    chi_squared: float = 0.0
    variance: float = 0.0

    def plus(self, events: float, trials: float, share: float) -> Self:
        """Add one block; a block that can't vary (no trials, or a share of 0 or 1) says nothing."""
        variance = trials * share * (1.0 - share)
        if variance <= 0.0:
            return self
        excess = (events - trials * share) ** 2 / variance
        return type(self)(self.blocks + 1, self.chi_squared + excess, self.variance + variance)

    @property
    def fano(self) -> float:
        """Variance of block counts over what independent events would give; 1 before the first block."""
        return self.chi_squared / self.blocks if self.blocks else 1.0

    @property
    def z(self) -> float:
        """Standard errors by which the Fano factor exceeds the tolerated one.

        One block's term has variance 2 + 1/v, v the expected variance of its count: few events, wild terms.
        """
        if self.blocks < 2:
            return 0.0
        term_variance = 2.0 + self.blocks / self.variance
        return (self.fano / TOLERATED_FANO - 1.0) * math.sqrt(self.blocks / term_variance)


def lag1_of_blocks(coefficient: float, length: int) -> float:
    """Lag-1 autocorrelation of means of `length` observations of an AR(1)."""
    f, b = coefficient, length
    return f * (1.0 - f**b) ** 2 / (b * (1.0 - f * f) - 2.0 * f * (1.0 - f**b))
