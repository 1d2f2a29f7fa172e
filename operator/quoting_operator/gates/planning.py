"""How many blocks a gate will need, from pilot statistics and the effect that matters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from quoting_operator.gates.betting import STAKES, ln_mean_exp
from quoting_operator.gates.counts import Side, beta_rate
from quoting_operator.gates.monitors import TOLERATED_LAG1, lag1_of_blocks
from quoting_operator.gates.tmix import TARGET_BLOCKS, mixing_variance
from quoting_policy.errors import InputError

DEADLINE_FACTOR = 3.0
"""A deadline is at least this many times the median blocks needed."""
RARE_LOSS_FACTOR = 6.0
"""Without a loss bound, no pass before this many times 1/p blocks.

Three makes a run without a loss unlikely (5 %) at one look, but the looks after it let more pass falsely."""
_MOST_BLOCKS = 1e9


@dataclass(frozen=True, slots=True)
class Pilot:
    """What a pilot run told about blocks: how many, their mean, sd and integrated autocorrelation time.

    tau_error: standard error of tau_int; a short pilot knows little of it.
    """

    n: int
    mean: float
    sd: float
    tau_int: float
    tau_error: float

    @classmethod
    def of(cls, differences: Sequence[float]) -> Pilot:
        """Statistics of consecutive pilot differences; InputError with fewer than 10 or without spread."""
        n = len(differences)
        if n < 10:
            raise InputError("pilot", n, "10 blocks or more")
        mean = math.fsum(differences) / n
        centred = [d - mean for d in differences]
        variance = math.fsum(c * c for c in centred) / (n - 1)
        if variance == 0.0:
            raise InputError(
                "pilot", differences[0], "more than one value", "a constant tells nothing of spread"
            )
        return cls(n, mean, math.sqrt(variance), *integrated_autocorrelation(centred))


@dataclass(frozen=True, slots=True)
class MeanPlan:
    """Blocks that a mean gate will need.

    distance_sd: from the boundary to the effect, in block sd. median: blocks to pass in half of the runs.
    powered: blocks by which it passes with the power asked for. deadline: three medians, or powered if
    later. loss_free: least blocks of bet_lb without a loss, None without a loss bound.
    block_length_factor: how much longer blocks must be than the pilot's.
    """

    distance_sd: float
    median: int
    powered: int
    deadline: int
    min_blocks: int
    loss_free: int | None
    block_length_factor: int


def plan_mean(
    *,
    effect: float,
    sd: float,
    boundary: float = 0.0,
    alpha: float = 0.05,
    t_star: float = TARGET_BLOCKS,
    power: float = 0.8,
    gates: int = 1,
    min_blocks: int = 20,
    loss_bound: float | None = None,
    rare_loss_chance: float | None = None,
    tau_int: float = 1.0,
) -> MeanPlan:
    """Plan a mean gate for a candidate whose true mean difference is `effect` (metric's unit per block).

    sd: of one block's difference. power: P(all gates pass) when the candidate is as good as `effect`, so
    each of `gates` is planned at 1 - (1 - power)/gates. rare_loss_chance: p of a rare loss in a block;
    without a loss bound no pass before 6/p blocks.
    """
    if not (math.isfinite(sd) and sd > 0.0):
        raise InputError("sd", sd, "a finite number > 0", "take it from a pilot")
    if not 0.0 < power < 1.0:
        raise InputError("power", power, "between 0 and 1")
    if rare_loss_chance is not None and not 0.0 < rare_loss_chance < 1.0:
        raise InputError("rareLossChance", rare_loss_chance, "between 0 and 1")
    distance = (effect - boundary) / sd
    if not (math.isfinite(distance) and distance > 0.0):
        raise InputError(
            "effect", effect, f"above the boundary {boundary}", "no test passes what is not better"
        )
    r2 = mixing_variance(alpha, t_star)
    median = blocks_to_pass(distance, alpha, r2)
    powered = blocks_to_pass(distance, alpha, r2, power=1.0 - (1.0 - power) / gates)
    if loss_bound is None and rare_loss_chance is not None:
        min_blocks = max(min_blocks, math.ceil(RARE_LOSS_FACTOR / rare_loss_chance))
    loss_free = None
    if loss_bound is not None:
        loss_free = loss_free_blocks((effect - boundary) / (loss_bound + boundary), alpha)
    slowest = max(median, min_blocks, loss_free or 0)
    return MeanPlan(
        distance_sd=distance,
        median=max(median, min_blocks),
        powered=max(powered, min_blocks, loss_free or 0),
        deadline=max(math.ceil(DEADLINE_FACTOR * slowest), powered),
        min_blocks=min_blocks,
        loss_free=loss_free,
        block_length_factor=block_length_factor(tau_int),
    )


def loss_free_blocks(gain: float, alpha: float) -> int:
    """Blocks after which bet_lb passes when each brings the expected gain, as a share of L + d0, in (0, 1).

    A little more than ln(1/alpha)/gain, because the wealth is an average over stakes.
    """
    growth = [math.log1p(stake * gain) for stake in STAKES]
    low, high = 0.0, 1.0
    while ln_mean_exp([high * g for g in growth]) < math.log(1.0 / alpha):
        low, high = high, 2.0 * high
    while high - low > 0.5:
        middle = 0.5 * (low + high)
        passes = ln_mean_exp([middle * g for g in growth]) >= math.log(1.0 / alpha)
        low, high = (low, middle) if passes else (middle, high)
    return math.ceil(high)


def blocks_to_pass(distance_sd: float, alpha: float, r2: float, *, power: float = 0.5) -> int:
    """Blocks n at which tmix passes with probability about `power` at an effect of distance_sd.

    Solves n d^2/2 * n r2/(1 + n r2) = ln(sqrt(1 + n r2)/(2 alpha)) with d lowered by z_power/sqrt(n): the
    drift that the sample mean exceeds with that probability. power 0.5 is the median.
    """
    z = NormalDist().inv_cdf(power)

    def excess(n: float) -> float:
        drift = max(distance_sd - z / math.sqrt(n), 0.0)
        evidence = 0.5 * n * drift * drift * n * r2 / (1.0 + n * r2)
        return evidence - math.log(math.sqrt(1.0 + n * r2) / (2.0 * alpha))

    low, high = 1.0, 2.0
    while excess(high) < 0.0:
        low, high = high, 2.0 * high
        if high > _MOST_BLOCKS:
            raise InputError("effect", distance_sd, "large enough to be seen (in sd)")
    while high - low > 0.5:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if excess(middle) < 0.0 else (low, middle)
    return math.ceil(high)


def trials_to_pass(p_true: float, p0: float, alpha: float = 0.05) -> int:
    """Trials after which a counting gate passes when events come exactly at their expected pace.

    p_true: chance of a bad event, in [0, p0); 0 gives the least that any run needs. p0: the boundary. For two
    arms both are the candidate's share of all events, and the result counts events of both.
    """
    if not 0.0 <= p_true < p0:
        raise InputError("effect", p_true, f"in [0, {p0}) (the boundary)", "such a candidate never passes")
    low, high = 0.0, 1.0
    while beta_rate(p_true * high, high, p0, Side.BELOW) < math.log(1.0 / alpha):
        low, high = high, 2.0 * high
        if high > _MOST_BLOCKS:
            raise InputError("effect", p_true, f"further below {p0}", "it takes more than 10^9 trials")
    while high - low > 0.5:
        middle = 0.5 * (low + high)
        passes = beta_rate(p_true * middle, middle, p0, Side.BELOW) >= math.log(1.0 / alpha)
        low, high = (low, middle) if passes else (middle, high)
    return math.ceil(high)


def block_length_factor(tau_int: float) -> int:
    """How many pilot blocks make one whose lag-1 correlation is tolerable, for an AR(1) of this tau_int.

    From tau_int 2 on it is the rule of 5 tau_int.
    """
    coefficient = (tau_int - 1.0) / (tau_int + 1.0)
    length = 1
    while lag1_of_blocks(coefficient, length) > TOLERATED_LAG1:
        length += 1
    return length


def integrated_autocorrelation(centred: Sequence[float]) -> tuple[float, float]:
    """Integrated autocorrelation time and its standard error.

    tau = 1 + 2 sum of correlations while pairs of them are positive (Geyer 1992), at least 1: negative
    correlation is no licence for shorter blocks. The error is Madras & Sokal's, tau sqrt(2 (2 M + 1)/n), M
    the last lag summed. centred: consecutive observations less their mean.
    """
    n = len(centred)
    total = math.fsum(c * c for c in centred)

    def correlation(lag: int) -> float:
        return math.fsum(a * b for a, b in zip(centred, centred[lag:], strict=False)) / total

    tau, last_lag = -1.0, 0
    for lag in range(0, n - 1, 2):
        pair = correlation(lag) + correlation(lag + 1)
        if pair <= 0.0:
            break
        tau, last_lag = tau + 2.0 * pair, lag + 1
    tau = max(1.0, tau)
    return tau, tau * math.sqrt(2.0 * (2 * last_lag + 1) / n)
