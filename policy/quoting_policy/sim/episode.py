"""The market of Avellaneda & Stoikov (2008) as a batch of episodes that one compiled call moves on.

The mid goes up or down by σ√dt; a quote at distance δ is hit with intensity λ(δ) = A·exp(-kδ). Beyond the
paper: latency, two volatility regimes, market orders of random size, a mid that moves against own fills.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from quoting_policy.data.compiled import compiled, inner
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
            self.start, self.sigma, self.dt, self.intensity, self.decay, self.linear_fills, self.max_inventory,
            self.max_offset, self.max_size, 1 - 1 / self.mean_order, self.latency_steps, self.regime_sigma,
            self.regime_rate, self.adverse_move, self.inventory_penalty, self.fee, self.max_loss, self.steps,
        ], np.float64)  # fmt: skip


(_START, _SIGMA, _DT, _A, _K, _LINEAR, _Q, _OFFSET, _SIZE, _TAIL, _LATENCY, _SIGMA2, _RATE, _ADVERSE, _PHI, _FEE,
 _LOSS, _STEPS) = range(18)  # fmt: skip


@inner
def _begin(state: npt.NDArray[np.float64], p: npt.NDArray[np.float64]) -> None:
    episode = state[EPISODE] + 1.0
    state[:] = 0.0
    state[MID], state[EPISODE] = p[_START], episode
    state[BID] = state[ASK] = np.nan


@inner
def _filled(p: npt.NDArray[np.float64], distance: float, size: float, key: np.uint64, side: int) -> float:
    """Lots of a quote at a distance from the mid that are filled within one step."""
    if not size > 0.0 or np.isnan(distance):
        return 0.0
    expected = p[_A] * np.exp(-p[_K] * distance) * p[_DT]
    probability = expected if p[_LINEAR] != 0.0 else -np.expm1(-expected)
    if from_key(key, side) >= probability:
        return 0.0
    if p[_TAIL] <= 0.0:
        return min(size, 1.0)
    return min(size, 1.0 + np.floor(np.log(from_key(key, side + _BUY_SIZE - _BUY)) / np.log(p[_TAIL])))


@inner
def _place(
    state: npt.NDArray[np.float64], queue: npt.NDArray[np.float64], action: npt.NDArray[np.float64],
    p: npt.NDArray[np.float64],
) -> None:  # fmt: skip
    """Send the action's quotes, and let those become live that were sent ``latency_steps`` ago."""
    slots, step = len(queue), np.int64(state[STEP])
    if slots == 1:
        state[BID], state[ASK] = state[MID] - action[0], state[MID] + action[1]
        state[BID_SIZE], state[ASK_SIZE] = np.floor(action[2] + 0.5), np.floor(action[3] + 0.5)
        return
    sent = queue[step % slots]
    sent[0], sent[1] = state[MID] - action[0], state[MID] + action[1]
    sent[2], sent[3] = np.floor(action[2] + 0.5), np.floor(action[3] + 0.5)
    if step >= slots - 1:
        live = queue[(step + 1) % slots]
        state[BID], state[ASK], state[BID_SIZE], state[ASK_SIZE] = live[0], live[1], live[2], live[3]


@inner
def _step(
    state: npt.NDArray[np.float64], p: npt.NDArray[np.float64], seed: int, terms: npt.NDArray[np.float64]
) -> None:
    """Fill, move, mark: one step of one episode. Sizes are cut so that no fill can pass the limit."""
    key = key_of(seed, np.int64(state[EPISODE]) * 1_000_003 + np.int64(state[STEP]))
    mid, held = state[MID], state[INVENTORY]
    bought = _filled(p, mid - state[BID], min(state[BID_SIZE], max(p[_Q] - held, 0.0)), key, _BUY)
    sold = _filled(p, state[ASK] - mid, min(state[ASK_SIZE], max(p[_Q] + held, 0.0)), key, _SELL)
    edge = (bought * (mid - state[BID]) if bought > 0 else 0.0) + (sold * (state[ASK] - mid) if sold > 0 else 0.0)
    fees = p[_FEE] * (bought + sold)
    held += bought - sold
    if p[_RATE] > 0.0 and from_key(key, _SWITCH) < -np.expm1(-p[_RATE] * p[_DT]):
        state[REGIME] = 1.0 - state[REGIME]
    sigma = p[_SIGMA2] if state[REGIME] > 0.0 else p[_SIGMA]
    move = sigma * np.sqrt(p[_DT]) * (1.0 if from_key(key, _MOVE) < 0.5 else -1.0)
    move += p[_ADVERSE] * (sold - bought)
    state[CASH] += edge - fees - (bought - sold) * mid
    state[MID], state[INVENTORY], state[MOVE] = mid + move, held, move
    state[STEP] += 1.0
    terms[EDGE], terms[DRIFT], terms[FEES] = edge, held * move, -fees
    terms[PENALTY] = -p[_PHI] * held * held * p[_DT]


@inner
def _observe(state: npt.NDArray[np.float64], p: npt.NDArray[np.float64], out: npt.NDArray[np.float32]) -> None:
    """The normalised observation, every entry in [-1, 1]."""
    largest = max(p[_SIGMA], p[_SIGMA2])
    out[0] = state[INVENTORY] / p[_Q]
    out[1] = 1.0 - state[STEP] / p[_STEPS]
    out[2] = min(1.0, max(-1.0, state[MOVE] / (4.0 * largest * np.sqrt(p[_DT]))))
    out[3] = (p[_SIGMA2] if state[REGIME] > 0.0 else p[_SIGMA]) / largest
    live = not np.isnan(state[BID])
    out[4] = min(1.0, max(-1.0, (state[MID] - state[BID]) / p[_OFFSET])) if live else 1.0
    out[5] = min(1.0, max(-1.0, (state[ASK] - state[MID]) / p[_OFFSET])) if live else 1.0
    out[6] = state[BID_SIZE] / p[_SIZE]
    out[7] = state[ASK_SIZE] / p[_SIZE]
    out[8] = min(1.0, p[_LATENCY] / p[_STEPS])


@compiled
def begin(
    states: npt.NDArray[np.float64], p: npt.NDArray[np.float64], observations: npt.NDArray[np.float32]
) -> None:
    """Start a new episode in every row."""
    for i in range(len(states)):
        _begin(states[i], p)
        _observe(states[i], p, observations[i])


@compiled
def advance(
    states: npt.NDArray[np.float64], queues: npt.NDArray[np.float64], actions: npt.NDArray[np.float64],
    p: npt.NDArray[np.float64], seed: int, terms: npt.NDArray[np.float64],
    observations: npt.NDArray[np.float32], terminated: npt.NDArray[np.bool_], truncated: npt.NDArray[np.bool_],
) -> None:  # fmt: skip
    """One step of every episode. actions: rows of (bid offset, ask offset) in price and (bid, ask) lots.

    A row whose episode was over begins a new one instead and ignores its action. Row i draws its random
    numbers from (seed + i, episode, step): equal whatever other rows do, and whatever the actions are.
    """
    for i in range(len(states)):
        terms[i, :] = 0.0
        if states[i, OVER] > 0.0:
            _begin(states[i], p)
            terminated[i] = truncated[i] = False
        else:
            _place(states[i], queues[i], actions[i], p)
            _step(states[i], p, seed + i, terms[i])
            wealth = states[i, CASH] + states[i, INVENTORY] * states[i, MID]
            terminated[i] = wealth < -p[_LOSS]
            truncated[i] = not terminated[i] and states[i, STEP] >= p[_STEPS]
            states[i, OVER] = 1.0 if terminated[i] or truncated[i] else 0.0
        _observe(states[i], p, observations[i])
