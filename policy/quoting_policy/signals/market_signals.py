"""What a market tells of itself: volatility, fill hazards, micro-price; one code for paper and sidecar."""

from __future__ import annotations

import math
from collections.abc import Set
from typing import TYPE_CHECKING

from quoting_policy.domain import FillHazard, MarketState, SignalRules
from quoting_policy.domain.clock import SECOND
from quoting_policy.signals.book import Book
from quoting_policy.signals.fill_hazard import FillHazardEstimator
from quoting_policy.signals.volatility import Volatility

if TYPE_CHECKING:
    from quoting_policy.signals.microprice import MicroPrice, MicroPriceTable

SILENCE_NS = 5 * SECOND
"""A mid that was last confirmed longer ago is not known any more."""

Hazards = tuple[FillHazard | None, FillHazard | None]


class MarketSignals:
    """Streaming estimates of one instrument. Times are ns of one clock, whichever the caller has.

    wanted: fields of MarketState that are asked for; what is not costs nothing. hazards: of our bid and of
    our ask, as they were fitted last. None is *not known*, or not yet.
    """

    def __init__(self, rules: SignalRules, tick: float, wanted: Set[str]) -> None:
        self._volatility = Volatility(rules.sigma_step_s, rules.sigma_window) if "sigma" in wanted else None
        self._hazards: tuple[FillHazardEstimator, ...] = ()
        if not wanted.isdisjoint(("fill_hazard_bid", "fill_hazard_ask")):
            self._hazards = (_estimator(rules, tick), _estimator(rules, tick))
        self._refit_every_ns = round(rules.hazard_refit_s * SECOND)
        self._refit_ns = 0
        self.hazards: Hazards = (None, None)
        self._alpha = _Alpha(rules, tick) if "alpha" in wanted else None

    def keep(self, before: MarketSignals) -> None:
        """Go on with the estimates of signals under the same rules, as far as these want them."""
        if self._volatility is not None and before._volatility is not None:
            self._volatility = before._volatility
        if self._hazards and before._hazards:
            self._hazards, self.hazards, self._refit_ns = before._hazards, before.hazards, before._refit_ns
        if self._alpha is not None and before._alpha is not None:
            self._alpha = before._alpha

    @property
    def sigma(self) -> float | None:
        """Volatility of the mid, price/√s."""
        return None if self._volatility is None else self._volatility.value()

    def mid(self, now_ns: int, mid: float) -> None:
        """The mid is now this, price; NaN is not known."""
        if self._volatility is not None:
            self._volatility.update(now_ns / SECOND, mid)

    def trade(self, now_ns: int, price: float, mid: float, *, buyer: bool) -> None:
        """Others traded. mid: just before, price. buyer: the taker bought, so it reached our ask's side."""
        if self._hazards:
            self._hazards[buyer].trade(now_ns / SECOND, price - mid if buyer else mid - price)

    def refit(self, now_ns: int) -> None:
        """Fit the hazards anew, if it is time to."""
        if self._hazards and now_ns >= self._refit_ns:
            bid, ask = (estimator.mle(now_ns / SECOND) for estimator in self._hazards)
            self.hazards = bid and bid.hazard, ask and ask.hazard
            self._refit_ns = now_ns + self._refit_every_ns

    def best(self, now_ns: int, state: MarketState) -> None:
        """The best prices and sizes are now these."""
        if self._alpha is not None:
            self._alpha.best(now_ns, state)

    def alpha(self, state: MarketState) -> float | None:
        """Expected move of the mid from these best prices and sizes, price."""
        return None if self._alpha is None else self._alpha.value(state)


class _Alpha:
    """Micro-price less mid, sampled on a grid of time so that a busy feed does not count for more."""

    def __init__(self, rules: SignalRules, tick: float) -> None:
        from quoting_policy.signals.microprice import MicroPrice  # noqa: PLC0415  # loads numpy

        self._micro: MicroPrice = MicroPrice(tick)
        self._table: MicroPriceTable | None = None
        self._step_ns, self._refit_every_ns = (
            round(seconds * SECOND) for seconds in (rules.alpha_step_s, rules.alpha_refit_s)
        )
        self._seen_ns: int | None = None
        self._refit_ns = 0

    def best(self, now_ns: int, state: MarketState) -> None:
        seen = self._seen_ns
        if seen is not None and 0 <= now_ns - seen < self._step_ns:
            return
        if seen is None or not 0 <= now_ns - seen <= SILENCE_NS:
            self._micro.update(_UNKNOWN)
            self._refit_ns = now_ns + self._refit_every_ns
        self._seen_ns = now_ns
        self._micro.update(_book(state))
        if now_ns >= self._refit_ns:
            try:
                self._table = self._micro.fit()
            except ValueError:  # what was counted has no solution: that is no signal
                self._table = None
            self._refit_ns = now_ns + self._refit_every_ns

    def value(self, state: MarketState) -> float | None:
        found = None if self._table is None else self._micro.price(self._table, _book(state))
        if found is None or not found[1]:
            return None
        book = _book(state)
        return found[0] - 0.5 * (book.bid + book.ask)


_LARGEST = 1e15
"""Price beyond which there is no market."""
_UNKNOWN = Book(math.nan, math.nan, math.nan, math.nan)


def _book(state: MarketState) -> Book:
    bid, ask, bid_qty, ask_qty = state.best_bid, state.best_ask, state.bid_qty, state.ask_qty
    if bid is None or ask is None or bid_qty is None or ask_qty is None or not 0.0 < bid < ask <= _LARGEST:
        return _UNKNOWN
    return Book(bid, ask, bid_qty, ask_qty)


def _estimator(rules: SignalRules, tick: float) -> FillHazardEstimator:
    return FillHazardEstimator(
        [level * tick for level in rules.hazard_levels],
        rules.hazard_step_s,
        rules.hazard_windows,
        rules.hazard_max_age_s,
    )
