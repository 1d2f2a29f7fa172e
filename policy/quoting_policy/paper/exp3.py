"""BidAskExp3: a learner that prices bid and ask by trying, the first user of the exploration budget.

Source: "Market Making without Regret" (arXiv 2411.13993): utility splits into a bid part and an ask part, so
that two learners, one a side, have regrets that add. Each is Exp3 (Auer et al. 2002, SIAM J. Comput. 32).
It learns from fills, so it is not a pure function of the state: it explores, and only paper runs it.
"""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from quoting_policy.domain import MarketState, RawQuote
from quoting_policy.models.contract import (
    FailClosed,
    Lots,
    Number,
    Parameters,
    Price,
    RefusalError,
    Unit,
    two_sided,
)
from quoting_policy.models.registry import names, register


class BidAskExp3Parameters(Parameters):
    """Parameters of :class:`BidAskExp3`.

    Offsets from the mid are an even grid of about ``rounds**(1/3)`` prices from ``lowest`` to ``highest``.
    """

    lowest: Price = Field(ge=0, description="Smallest distance of a quote from the mid.")
    highest: Price = Field(gt=0, description="Largest distance of a quote from the mid.")
    qty: Lots = Field(default=1.0, gt=0, description="Size of each quote.")
    rounds: Annotated[int, Unit("rounds")] = Field(
        default=1000, ge=8, description="T: rounds planned for; sets grid and learning rate."
    )
    round_s: Annotated[Number, Unit("s")] = Field(
        default=1.0, gt=0, description="Length of a round: one draw of prices each."
    )
    seed: Annotated[int, Unit("integer")] = Field(default=0, ge=0, description="Of the draws.")

    @model_validator(mode="after")
    def _span(self) -> Self:
        if self.highest <= self.lowest:
            raise ValueError("such that highest > lowest")
        return self


class Exp3:
    """One side: weights over K prices. Gains are in [-1, 1]; a round without a trade gains 0."""

    def __init__(self, size: int, rounds: int) -> None:
        self.size = size
        self.rate = math.sqrt(math.log(size) / (size * rounds))
        self._log_weights = np.zeros(size)
        self._drawn = (0, 1.0)

    def probabilities(self) -> npt.NDArray[np.float64]:
        """Chance of each price: weights, mixed with a share ``rate * K`` (at most 1/2) of pure chance."""
        weights = np.exp(self._log_weights - self._log_weights.max())
        mixing = min(0.5, self.rate * self.size)
        return np.asarray((1 - mixing) * weights / weights.sum() + mixing / self.size)

    def draw(self, uniform: float) -> int:
        """Index of the price for the next round. uniform: a random number in [0, 1)."""
        chances = self.probabilities()
        index = min(int(np.searchsorted(np.cumsum(chances), uniform, side="right")), self.size - 1)
        self._drawn = index, float(chances[index])
        return index

    def learn(self, gain: float) -> None:
        """The drawn price gained this much; weighted by its chance, so that estimates are unbiased."""
        index, chance = self._drawn
        self._log_weights[index] += self.rate * max(-1.0, min(1.0, gain)) / chance


class BidAskExp3(FailClosed):
    """Bid and ask at distances that two learners draw anew every round.

    In a round that may not explore it refuses, so the baseline quotes.
    """

    name: ClassVar[str] = "BidAskExp3"
    parameters: ClassVar[type[Parameters]] = BidAskExp3Parameters
    explores: ClassVar[bool] = True

    def __init__(self, params: BidAskExp3Parameters) -> None:
        self.params = params
        size = max(2, round(params.rounds ** (1 / 3)))
        self.offsets = np.linspace(params.lowest, params.highest, size)
        self.bid, self.ask = Exp3(size, params.rounds), Exp3(size, params.rounds)
        self._random = np.random.default_rng(params.seed)
        self._quoted: tuple[float, float] | None = None

    def begin(self, *, explore: bool) -> tuple[float, float] | None:
        """Start a round: the distances of bid and ask drawn for it, or None where it may not explore."""
        draws = self._random.random(2)
        self._quoted = None
        if explore:
            bid, ask = self.bid.draw(draws[0]), self.ask.draw(draws[1])
            self._quoted = float(self.offsets[bid]), float(self.offsets[ask])
        return self._quoted

    def learn(self, bid_gain: float, ask_gain: float) -> None:
        """What each side gained in the round, price x lots, against the price shown at its end."""
        scale = self.params.highest * self.params.qty
        self.bid.learn(bid_gain / scale)
        self.ask.learn(ask_gain / scale)

    def propose(self, state: MarketState) -> RawQuote:
        """The round's quote."""
        if self._quoted is None:
            raise RefusalError("the exploration budget allows no exploring in this round")
        bid, ask = self._quoted
        qty = self.params.qty
        return two_sided(state.mid, bid, ask, qty, qty, reservation=state.mid)


if BidAskExp3.name not in names():
    register(BidAskExp3)
