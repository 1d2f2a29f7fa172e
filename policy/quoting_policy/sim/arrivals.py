"""Times of random arrivals: Poisson and Hawkes, drawn exactly."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from quoting_policy.data.compiled import compiled
from quoting_policy.errors import InputError
from quoting_policy.sim.latency import from_key, key_of

_GAP, _ACCEPT = np.int64(0), np.int64(1)


def poisson_times(rate: float, horizon: float, seed: int) -> npt.NDArray[np.float64]:
    """Arrivals of constant rate (1/s) within a horizon (s)."""
    return hawkes_times(rate, 0.0, 1.0, horizon, seed)


def hawkes_times(
    base: float, jump: float, decay: float, horizon: float, seed: int
) -> npt.NDArray[np.float64]:
    """Arrivals with intensity base + Σ jump·exp(-decay·(t-tᵢ)) within a horizon (s).

    Ogata's thinning (1981): exact, since the intensity only falls between arrivals. jump/decay < 1, the mean
    number of children, or the process explodes.
    """
    if not (base > 0 and decay > 0 and 0 <= jump < decay and horizon > 0):
        raise InputError("base, jump, decay", (base, jump, decay), "base > 0, 0 <= jump < decay, horizon > 0")
    expected = base * horizon / (1 - jump / decay)
    out = np.zeros(int(expected + 20 * np.sqrt(expected + 1) / (1 - jump / decay)) + 100)
    count = _thin(base, jump, decay, horizon, seed, out)
    if count > len(out):
        raise RuntimeError("more arrivals than twenty deviations above the mean")
    return out[:count]


@compiled
def _thin(
    base: float, jump: float, decay: float, horizon: float, seed: int, out: npt.NDArray[np.float64]
) -> int:
    time, excited, count, k = 0.0, 0.0, 0, 0
    while True:
        key = key_of(seed, k)
        k += 1
        bound = base + excited
        gap = -np.log(from_key(key, _GAP)) / bound
        time += gap
        if time >= horizon:
            return count
        excited *= np.exp(-decay * gap)
        if from_key(key, _ACCEPT) * bound < base + excited:
            if count < len(out):
                out[count] = time
            count += 1
            excited += jump


def compensator(
    times: npt.NDArray[np.float64], base: float, jump: float, decay: float
) -> npt.NDArray[np.float64]:
    """∫ intensity from each arrival to the next (first: from 0): unit exponentials if the model is right."""
    out, excited, last = np.empty(len(times)), 0.0, 0.0
    for i, time in enumerate(times):
        gap = time - last
        out[i] = base * gap + excited / decay * -np.expm1(-decay * gap)
        excited = excited * np.exp(-decay * gap) + jump
        last = time
    return out
