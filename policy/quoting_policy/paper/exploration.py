"""The exploration ledger: what trying costs against the baseline of the same replay, and when it stops."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from quoting_policy.paper.desk import SECOND, Budget
from quoting_policy.paper.exp3 import BidAskExp3

Float = npt.NDArray[np.float64]


class Ledger:
    """Σ max(0, U_baseline - U_explored) over explored rounds, the count of them, and the cap in a window.

    Exploring may go on while all three stops are off: the loss is below ``max_loss``, the count below
    c·T^(2/3), and fewer than ``window_rounds`` rounds explored in the last ``window_s`` seconds.
    """

    def __init__(self, budget: Budget, rounds: int) -> None:
        self.budget = budget
        self.most = math.floor(budget.rounds_factor * rounds ** (2 / 3) + 1e-9)
        self.loss = 0.0
        self.explored = 0
        self.stopped = ""
        self.window_stops = 0
        self._recent: deque[int] = deque()

    def may_explore(self, now_ns: int) -> bool:
        """Whether the round that starts now may explore; counts it if so."""
        window_ns = round(self.budget.window_s * SECOND)
        while self._recent and self._recent[0] <= now_ns - window_ns:
            self._recent.popleft()
        if self.loss >= self.budget.max_loss:
            self.stopped = self.stopped or "loss"
        elif self.explored >= self.most:
            self.stopped = self.stopped or "count"
        if self.stopped:
            return False
        if len(self._recent) >= self.budget.window_rounds:
            self.window_stops += 1
            return False
        self._recent.append(now_ns)
        self.explored += 1
        return True

    def settle(self, baseline: float, explored: float) -> None:
        """An explored round is over: utilities of both arms in it, money."""
        self.loss += max(0.0, baseline - explored)


class Explorer:
    """Runs a learner's rounds inside a replay and keeps its ledger.

    baseline: the baseline arm's utility in each round, on the same replay. A round's utility is that of its
    fills, offloaded at the mid that its end shows: Σ sign (mid - price) lots - fees.
    """

    def __init__(self, model: BidAskExp3, budget: Budget, start_ns: int, baseline: Float) -> None:
        self.model = model
        self.ledger = Ledger(budget, len(baseline))
        self._start_ns = start_ns
        self._round_ns = round(model.params.round_s * SECOND)
        self._baseline = baseline
        self._round = -1
        self._explored = False
        self._fills: list[tuple[int, float, float, float]] = []
        self.rows: list[tuple[float, float, float, float, float, float]] = []
        self._drawn: tuple[float, float] | None = None

    def advance(self, now_ns: int, mid: float) -> None:
        """It is now this time: close the round that is over, and start the next."""
        number = (now_ns - self._start_ns) // self._round_ns
        if number == self._round:
            return
        self._close(mid)
        self._round = number
        self._explored = number < len(self._baseline) and self.ledger.may_explore(now_ns)
        self._drawn = self.model.begin(explore=self._explored)

    def on_fill(self, sign: int, price: float, lots: float, fee: float) -> None:
        """The arm was filled in this round."""
        self._fills.append((sign, price, lots, fee))

    def _close(self, mid: float) -> None:
        fills, self._fills = self._fills, []
        if not self._explored or not math.isfinite(mid):
            return
        bid, ask = (sum(s * (mid - p) * q - f for s, p, q, f in fills if s == sign) for sign in (1, -1))
        baseline = float(self._baseline[self._round])
        self.ledger.settle(baseline, bid + ask)
        self.model.learn(bid, ask)
        drawn = self._drawn or (math.nan, math.nan)
        seconds = (self._round * self._round_ns) / SECOND
        self.rows.append((seconds, *drawn, bid + ask, baseline, self.ledger.loss))

    def account(self) -> dict[str, Any]:
        """The ledger; rows: (second, distance of bid and of ask, utility, the baseline's, loss so far)."""
        ledger = self.ledger
        return {
            "rounds": len(self._baseline), "explored": ledger.explored, "most": ledger.most,
            "loss": ledger.loss, "maxLoss": ledger.budget.max_loss, "stoppedBy": ledger.stopped,
            "windowStops": ledger.window_stops, "rows": [list(row) for row in self.rows],
        }  # fmt: skip


def utilities(
    fills: Sequence[Sequence[float]],
    path: tuple[npt.NDArray[np.int64], Float],
    start_ns: int,
    round_ns: int,
    rounds: int,
) -> Float:
    """Utility of each round of a finished arm: fills as rows (second, sign, price, quantity, fee).

    path: times, ns, and mids.
    """
    mid_times, mids = path
    total = np.zeros(rounds)
    for seconds, sign, price, lots, fee in fills:
        number = int(seconds * SECOND) // round_ns
        if 0 <= number < rounds:
            at = int(np.searchsorted(mid_times, start_ns + (number + 1) * round_ns, side="right")) - 1
            if at >= 0 and math.isfinite(mids[at]):
                total[number] += sign * (mids[at] - price) * lots - fee
    return total
