"""The market of Avellaneda & Stoikov (2008) as a batch of episodes that one compiled call moves on.

The mid goes up or down by σ√dt; a quote at distance δ is hit with intensity λ(δ) = A·exp(-kδ). Beyond the
paper: latency, two volatility regimes, market orders of random size, a mid that moves against own fills.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from quoting_policy.data.compiled import flat, inner, kernel
from quoting_policy.errors import InputError
from quoting_policy.sim.latency import from_key, key_of

(MID, INVENTORY, CASH, STEP, MOVE, REGIME, BID, ASK, BID_SIZE, ASK_SIZE, EPISODE, OVER) = range(12)
"""Columns of an episode's state. BID, ASK: live quotes, price, nan where there is none."""
FIELDS = 12
EDGE, DRIFT, FEES, PENALTY = range(4)
"""Columns of a step's reward terms, all in money."""
OBSERVATIONS, ACTIONS = 9, 4
_MOVE, _BUY, _SELL, _SWITCH, _BUY_SIZE, _SELL_SIZE = (np.int64(k) for k in range(6))


@dataclass(frozen=True, slots=True)
class MarketModel:
    """The market and the terms of the game; prices in money, time in seconds, sizes in lots.

    sigma: price/√s; intensity: A, 1/s; decay: k, 1/price. linear_fills: a quote is filled within dt with
    probability λ·dt as in the paper's own simulation, instead of 1 - exp(-λ·dt). latency_steps: steps
    between a decision and its quotes. regime_sigma: σ of the second regime, entered and left at
    regime_rate, 1/s. adverse_move: price by which the mid moves against every own fill. mean_order: mean
    size of a market order (geometric). inventory_penalty: φ, money/(lot²·s). fee: money a lot; negative: a
    rebate. max_loss: an episode ends when wealth falls below its negative.
    """

    start: float = 100.0
    sigma: float = 2.0
    horizon: float = 1.0
    dt: float = 0.005
    intensity: float = 140.0
    decay: float = 1.5
    linear_fills: bool = False
    max_inventory: int = 50
    max_offset: float = 3.0
    max_size: int = 1
    mean_order: float = 1.0
    latency_steps: int = 0
    regime_sigma: float = 2.0
    regime_rate: float = 0.0
    adverse_move: float = 0.0
    inventory_penalty: float = 0.0
    fee: float = 0.0
    max_loss: float = np.inf

    def __post_init__(self) -> None:
        for name in ("sigma", "horizon", "dt", "intensity", "decay", "max_offset", "regime_sigma"):
            if not 0 < getattr(self, name) < np.inf:
                raise InputError(name, getattr(self, name), "> 0 and finite")
        for name in ("max_inventory", "max_size", "mean_order"):
            if getattr(self, name) < 1:
                raise InputError(name, getattr(self, name), ">= 1")
        for name in ("latency_steps", "regime_rate", "adverse_move", "inventory_penalty"):
            if getattr(self, name) < 0:
                raise InputError(name, getattr(self, name), ">= 0")
        if self.linear_fills and self.intensity * self.dt > 1:
            raise InputError("dt", self.dt, f"<= 1/intensity ({1 / self.intensity:g})", "or use exact fills")

    @property
    def steps(self) -> int:
        """Steps of an episode."""
        return max(1, round(self.horizon / self.dt))

    @property
    def parameters(self) -> npt.NDArray[np.float64]:
        """The numbers that the compiled step reads, by position."""
        return np.array([
            self.start, self.sigma, self.dt, self.intensity, self.decay, self.linear_fills,
            self.max_inventory,
            self.max_offset, self.max_size, 1 - 1 / self.mean_order, self.latency_steps, self.regime_sigma,
            self.regime_rate, self.adverse_move, self.inventory_penalty, self.fee, self.max_loss, self.steps,
            np.sqrt(self.dt), self.sigma if self.sigma > self.regime_sigma else self.regime_sigma,
        ], np.float64)  # fmt: skip


(_START, _SIGMA, _DT, _A, _K, _LINEAR, _Q, _OFFSET, _SIZE, _TAIL, _LATENCY, _SIGMA2, _RATE, _ADVERSE, _PHI,
 _FEE,
 _LOSS, _STEPS, _ROOT_DT, _LARGEST) = range(20)  # fmt: skip


@inner
def _begin(states: npt.NDArray[np.float64], i: int, p: npt.NDArray[np.float64]) -> None:
    episode = states[i, EPISODE] + 1.0
    states[i, :] = 0.0
    states[i, MID], states[i, EPISODE] = p[_START], episode
    states[i, BID] = states[i, ASK] = np.nan


@flat
def _filled(p: npt.NDArray[np.float64], distance: float, size: float, key: np.uint64, side: int) -> float:
    """Lots of a quote at a distance from the mid that are filled within one step."""
    if not size > 0.0 or np.isnan(distance):
        return 0.0
    expected, chance = p[_A] * np.exp(-p[_K] * distance) * p[_DT], from_key(key, side)
    if chance >= expected:
        return 0.0
    # 1 - exp(-x) lies between x - x²/2 and x: most draws are settled without it.
    if (
        p[_LINEAR] == 0.0
        and chance >= expected - 0.5 * expected * expected
        and chance >= -np.expm1(-expected)
    ):
        return 0.0
    if p[_TAIL] <= 0.0:
        return min(size, 1.0)
    return min(size, 1.0 + np.floor(np.log(from_key(key, side + _BUY_SIZE - _BUY)) / np.log(p[_TAIL])))


@flat
def _place(
    states: npt.NDArray[np.float64], i: int, queues: npt.NDArray[np.float64],
    actions: npt.NDArray[np.float64],
) -> None:  # fmt: skip
    """Send the action's quotes, and let those become live that were sent ``latency_steps`` ago."""
    slots, step = queues.shape[1], np.int64(states[i, STEP])
    if slots == 1:
        states[i, BID], states[i, ASK] = states[i, MID] - actions[i, 0], states[i, MID] + actions[i, 1]
        states[i, BID_SIZE], states[i, ASK_SIZE] = (
            np.floor(actions[i, 2] + 0.5),
            np.floor(actions[i, 3] + 0.5),
        )
        return
    sent = queues[i, step % slots]
    sent[0], sent[1] = states[i, MID] - actions[i, 0], states[i, MID] + actions[i, 1]
    sent[2], sent[3] = np.floor(actions[i, 2] + 0.5), np.floor(actions[i, 3] + 0.5)
    if step >= slots - 1:
        live = queues[i, (step + 1) % slots]
        states[i, BID], states[i, ASK], states[i, BID_SIZE], states[i, ASK_SIZE] = (
            live[0],
            live[1],
            live[2],
            live[3],
        )


@flat
def _step(
    states: npt.NDArray[np.float64],
    i: int,
    p: npt.NDArray[np.float64],
    seed: int,
    terms: npt.NDArray[np.float64],
) -> None:
    """Fill, move, mark: one step of one episode. Sizes are cut so that no fill can pass the limit."""
    key = key_of(seed, np.int64(states[i, EPISODE]) * 1_000_003 + np.int64(states[i, STEP]))
    mid, held = states[i, MID], states[i, INVENTORY]
    bought = _filled(p, mid - states[i, BID], min(states[i, BID_SIZE], max(p[_Q] - held, 0.0)), key, _BUY)
    sold = _filled(p, states[i, ASK] - mid, min(states[i, ASK_SIZE], max(p[_Q] + held, 0.0)), key, _SELL)
    edge = (bought * (mid - states[i, BID]) if bought > 0 else 0.0) + (
        sold * (states[i, ASK] - mid) if sold > 0 else 0.0
    )
    fees = p[_FEE] * (bought + sold)
    held += bought - sold
    if p[_RATE] > 0.0 and from_key(key, _SWITCH) < -np.expm1(-p[_RATE] * p[_DT]):
        states[i, REGIME] = 1.0 - states[i, REGIME]
    sigma = p[_SIGMA2] if states[i, REGIME] > 0.0 else p[_SIGMA]
    move = sigma * p[_ROOT_DT] * (1.0 if from_key(key, _MOVE) < 0.5 else -1.0)
    move += p[_ADVERSE] * (sold - bought)
    states[i, CASH] += edge - fees - (bought - sold) * mid
    states[i, MID], states[i, INVENTORY], states[i, MOVE] = mid + move, held, move
    states[i, STEP] += 1.0
    terms[i, EDGE], terms[i, DRIFT], terms[i, FEES] = edge, held * move, -fees
    terms[i, PENALTY] = -p[_PHI] * held * held * p[_DT]


@inner
def _observe(
    states: npt.NDArray[np.float64], i: int, p: npt.NDArray[np.float64], out: npt.NDArray[np.float32]
) -> None:
    """The normalised observation, every entry in [-1, 1]."""
    largest = p[_LARGEST]
    out[i, 0] = states[i, INVENTORY] / p[_Q]
    out[i, 1] = 1.0 - states[i, STEP] / p[_STEPS]
    out[i, 2] = min(1.0, max(-1.0, states[i, MOVE] / (4.0 * largest * p[_ROOT_DT])))
    out[i, 3] = (p[_SIGMA2] if states[i, REGIME] > 0.0 else p[_SIGMA]) / largest
    live = not np.isnan(states[i, BID])
    out[i, 4] = min(1.0, max(-1.0, (states[i, MID] - states[i, BID]) / p[_OFFSET])) if live else 1.0
    out[i, 5] = min(1.0, max(-1.0, (states[i, ASK] - states[i, MID]) / p[_OFFSET])) if live else 1.0
    out[i, 6] = states[i, BID_SIZE] / p[_SIZE]
    out[i, 7] = states[i, ASK_SIZE] / p[_SIZE]
    out[i, 8] = min(1.0, p[_LATENCY] / p[_STEPS])


@kernel
def begin(
    states: npt.NDArray[np.float64], p: npt.NDArray[np.float64], observations: npt.NDArray[np.float32]
) -> None:
    """Start a new episode in every row."""
    for i in range(len(states)):
        _begin(states, i, p)
        _observe(states, i, p, observations)


@kernel
def quotes_of(
    actions: npt.NDArray[np.float32], scale: npt.NDArray[np.float64], out: npt.NDArray[np.float64]
) -> None:
    """Rows of quotes from rows of actions, each cut to [-1, 1]; scale: what 1 stands for above 0."""
    for i in range(len(actions)):
        for j in range(ACTIONS):
            action = actions[i, j]
            if action > 1.0:
                action = np.float32(1.0)
            elif action < -1.0:
                action = np.float32(-1.0)
            out[i, j] = (action + np.float32(1.0)) * scale[j]


@kernel
def advance(
    states: npt.NDArray[np.float64], queues: npt.NDArray[np.float64], actions: npt.NDArray[np.float64],
    p: npt.NDArray[np.float64], seed: int, terms: npt.NDArray[np.float64],
    rewards: npt.NDArray[np.float64], observations: npt.NDArray[np.float32],
    terminated: npt.NDArray[np.bool_], truncated: npt.NDArray[np.bool_],
) -> None:  # fmt: skip
    """One step of every episode. actions: rows of (bid offset, ask offset) in price and (bid, ask) lots.

    A row whose episode was over begins a new one instead and ignores its action. Row i draws its random
    numbers from (seed + i, episode, step): equal whatever other rows do, and whatever the actions are.
    """
    for i in range(len(states)):
        terms[i, :] = 0.0
        if states[i, OVER] > 0.0:
            _begin(states, i, p)
            terminated[i] = truncated[i] = False
        else:
            _place(states, i, queues, actions)
            _step(states, i, p, seed + i, terms)
            wealth = states[i, CASH] + states[i, INVENTORY] * states[i, MID]
            terminated[i] = wealth < -p[_LOSS]
            truncated[i] = not terminated[i] and states[i, STEP] >= p[_STEPS]
            states[i, OVER] = 1.0 if terminated[i] or truncated[i] else 0.0
        rewards[i] = terms[i, EDGE] + terms[i, DRIFT] + terms[i, FEES] + terms[i, PENALTY]
        _observe(states, i, p, observations)
