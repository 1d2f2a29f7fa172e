"""How long an order takes to the venue, and the venue's answer back.

The delay of a message is a function of the seed and of the moment it is sent, not of how many messages went
before: two arms that replay one session meet the same delays at the same moments (common random numbers).
Messages of one connection never overtake one another.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from quoting_policy.data.compiled import compiled, inner
from quoting_policy.errors import InputError
from quoting_policy.sim.layout import ENTRY

CONSTANT, UNIFORM, LOGNORMAL, RECORDED = range(4)


@dataclass(frozen=True, slots=True)
class ConstantLatency:
    """Every order takes ``entry_ns``, every answer ``response_ns``: the mean without the tail."""

    entry_ns: int = 10_000_000
    response_ns: int = 10_000_000
    code: ClassVar[int] = CONSTANT

    def __post_init__(self) -> None:
        _not_negative(entry_ns=self.entry_ns, response_ns=self.response_ns)

    @property
    def parameters(self) -> tuple[float, float, float, float]:
        """Entry a, entry b, response a, response b."""
        return self.entry_ns, 0.0, self.response_ns, 0.0


@dataclass(frozen=True, slots=True)
class UniformLatency:
    """Delays uniform between bounds, independent of each other.

    Source: Relaver (arXiv 2505.12465) delays orders and data by 30-100 ms.
    """

    low_ns: int = 30_000_000
    high_ns: int = 100_000_000
    code: ClassVar[int] = UNIFORM

    def __post_init__(self) -> None:
        _not_negative(low_ns=self.low_ns)
        if self.high_ns < self.low_ns:
            raise InputError("high_ns", self.high_ns, f">= low_ns ({self.low_ns})")

    @property
    def parameters(self) -> tuple[float, float, float, float]:
        """Entry a, entry b, response a, response b."""
        return self.low_ns, self.high_ns, self.low_ns, self.high_ns


@dataclass(frozen=True, slots=True)
class LogNormalLatency:
    """Delays log-normal: a median and a heavy right tail (``sigma`` is the deviation of the logarithm)."""

    entry_median_ns: int = 10_000_000
    response_median_ns: int = 10_000_000
    sigma: float = 0.5
    code: ClassVar[int] = LOGNORMAL

    def __post_init__(self) -> None:
        _not_negative(
            entry_median_ns=self.entry_median_ns, response_median_ns=self.response_median_ns, sigma=self.sigma
        )

    @property
    def parameters(self) -> tuple[float, float, float, float]:
        """Entry a, entry b, response a, response b."""
        return self.entry_median_ns, self.sigma, self.response_median_ns, self.sigma


@dataclass(frozen=True, slots=True)
class RecordedLatency:
    """Delays measured on a real connection, linear between measurements, constant before and after.

    sent_ns, entry_ns, response_ns: one element a measurement, ``sent_ns`` rising.
    """

    sent_ns: npt.NDArray[np.int64]
    entry_ns: npt.NDArray[np.int64]
    response_ns: npt.NDArray[np.int64]
    code: ClassVar[int] = RECORDED
    parameters: ClassVar[tuple[float, float, float, float]] = (0.0, 0.0, 0.0, 0.0)
    table: npt.NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        if not len(self.sent_ns) == len(self.entry_ns) == len(self.response_ns) > 0:
            raise InputError("sent_ns", len(self.sent_ns), "one element a measurement, at least one")
        if np.any(np.diff(self.sent_ns) <= 0):
            raise InputError("sent_ns", "not rising", "strictly rising", "sort the measurements")
        _not_negative(entry_ns=int(np.min(self.entry_ns)), response_ns=int(np.min(self.response_ns)))
        table = np.stack([self.sent_ns, self.entry_ns, self.response_ns], axis=1).astype(np.int64)
        object.__setattr__(self, "table", table)


LatencyModel = ConstantLatency | UniformLatency | LogNormalLatency | RecordedLatency


def _not_negative(**values: float) -> None:
    for name, value in values.items():
        if not 0 <= value < np.inf:
            raise InputError(name, value, ">= 0 and finite")


@inner
def scramble(z: np.uint64) -> np.uint64:
    """The finaliser of SplitMix64 (Steele, Lea & Flood 2014): equal inputs' neighbours come out unrelated."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@inner
def key_of(seed: int, time: int) -> np.uint64:
    """64 mixed bits of a seed and a moment; the seed is mixed first, or nearby pairs would share numbers."""
    return scramble(scramble(np.uint64(seed) + np.uint64(0x9E3779B97F4A7C15)) + np.uint64(time))


@inner
def from_key(key: np.uint64, stream: int) -> float:
    """The number in (0, 1) of a key and a stream."""
    z = scramble(key + np.uint64(0x9E3779B97F4A7C15) * np.uint64(stream + 1))
    return (np.float64(np.int64(z >> np.uint64(11))) + 0.5) * 2.0**-53


@compiled
def uniform(seed: int, time: int, stream: int) -> float:
    """A number in (0, 1) that depends on nothing but its arguments."""
    return from_key(key_of(seed, time), stream)


@inner
def _normal(seed: int, time: int, stream: int) -> float:
    """A standard normal number (Box-Muller)."""
    radius = np.sqrt(-2.0 * np.log(uniform(seed, time, stream)))
    return radius * np.cos(2.0 * np.pi * uniform(seed, time, stream + 1000))


@inner
def _interpolated(table: npt.NDArray[np.int64], column: int, time: int) -> int:
    k = np.searchsorted(table[:, 0], time)
    if k == 0:
        return table[0, column]
    if k == len(table):
        return table[-1, column]
    step = table[k, 0] - table[k - 1, 0]
    share = (time - table[k - 1, 0]) / step
    return np.int64(np.rint(table[k - 1, column] + share * (table[k, column] - table[k - 1, column])))


@inner
def draw(rules: Any, recorded: npt.NDArray[np.int64], time: int, stream: int) -> int:
    """The delay, ns, of a message sent at ``time``; stream: ENTRY or RESPONSE_WAY."""
    a = rules.entry_a if stream == ENTRY else rules.response_a
    b = rules.entry_b if stream == ENTRY else rules.response_b
    if rules.latency_model == CONSTANT:
        return np.int64(a)
    if rules.latency_model == UNIFORM:
        return np.int64(a + (b - a) * uniform(rules.seed, time, stream))
    if rules.latency_model == LOGNORMAL:
        return np.int64(a * np.exp(b * _normal(rules.seed, time, stream)))
    return _interpolated(recorded, 1 + stream, time)
