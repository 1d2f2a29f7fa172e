"""Noises with mean 0 and standard deviation 1, as arrays of (runs, length)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Streams = NDArray[np.float64]
Noise = Callable[[np.random.Generator, int, int], Streams]

AR_COEFFICIENT = 0.5
BATCH = 20


def gaussian(rng: np.random.Generator, runs: int, length: int) -> Streams:
    """Independent standard normal."""
    return rng.standard_normal((runs, length))


def student_t3(rng: np.random.Generator, runs: int, length: int) -> Streams:
    """Student t with 3 degrees of freedom: the fourth moment is infinite."""
    return rng.standard_t(3, (runs, length)) / np.sqrt(3.0)


def ar1(rng: np.random.Generator, runs: int, length: int) -> Streams:
    """AR(1) with coefficient 0.5, started in its stationary law."""
    shocks = rng.standard_normal((runs, length)) * np.sqrt(1.0 - AR_COEFFICIENT**2)
    shocks[:, 0] /= np.sqrt(1.0 - AR_COEFFICIENT**2)
    for j in range(1, length):
        shocks[:, j] += AR_COEFFICIENT * shocks[:, j - 1]
    return shocks


def batched_ar1(rng: np.random.Generator, runs: int, length: int) -> Streams:
    """Means of 20 observations of an AR(1), scaled to sd 1: what a block of that length sees."""
    raw = ar1(rng, runs, length * BATCH).reshape(runs, length, BATCH).mean(axis=2)
    lags = np.arange(1, BATCH)
    variance = (1.0 + 2.0 * np.sum((1.0 - lags / BATCH) * AR_COEFFICIENT**lags)) / BATCH
    return np.asarray(raw / np.sqrt(variance))


def heteroskedastic(rng: np.random.Generator, runs: int, length: int) -> Streams:
    """Normal with a lognormal volatility (log sd 0.5) that is redrawn every 100."""
    volatility = np.exp(0.5 * rng.standard_normal((runs, -(-length // 100))) - 0.25)
    return rng.standard_normal((runs, length)) * np.repeat(volatility, 100, axis=1)[:, :length]


def skewed(rng: np.random.Generator, runs: int, length: int) -> Streams:
    """Normal with, in 5 % of all cases, a loss of 2.6 sd on top."""
    chance, size = 0.05, 2.6
    rest = np.sqrt(1.0 - size**2 * chance * (1.0 - chance))
    losses = size * (rng.random((runs, length)) < chance)
    return np.asarray(rest * rng.standard_normal((runs, length)) - losses + size * chance)


def rare_large_loss(rng: np.random.Generator, runs: int, length: int) -> Streams:
    """Normal, but once in 400 a loss of 19.5 sd, where a kill switch stops: nothing ever falls to -20."""
    chance, size = 1 / 400, 19.5
    rest = np.sqrt((1.0 - size**2 * chance * (1.0 - chance)) / (1.0 - chance))
    usual = rest * rng.standard_normal((runs, length))
    return np.where(rng.random((runs, length)) < chance, -size, usual) + size * chance


BLOCK_NOISES: dict[str, Noise] = {
    "Gaussian": gaussian,
    "t(3)": student_t3,
    "AR(1) in blocks of 20": batched_ar1,
    "heteroskedastic": heteroskedastic,
    "skewed": skewed,
    "rare large loss": rare_large_loss,
}
"""Noise of block differences."""

OBSERVATION_NOISES: dict[str, Noise] = {**BLOCK_NOISES, "AR(1), raw": ar1}
del OBSERVATION_NOISES["AR(1) in blocks of 20"]
