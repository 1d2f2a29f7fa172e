"""On what terms own orders meet the venue: delays, fees, how queues are guessed, incidents."""

from __future__ import annotations

from dataclasses import dataclass, field

from quoting_policy.errors import InputError
from quoting_policy.sim.latency import ConstantLatency, LatencyModel
from quoting_policy.sim.queue import PowerProbability, QueueModel


@dataclass(frozen=True, slots=True)
class Fees:
    """What a fill costs. Positive: a cost; negative: a rebate.

    maker_rate, taker_rate: share of the notional (0.0002 = 2 bps). *_per_unit: price units for each unit.
    """

    maker_rate: float = 0.0
    taker_rate: float = 0.0
    maker_per_unit: float = 0.0
    taker_per_unit: float = 0.0

    def __post_init__(self) -> None:
        for name in ("maker_rate", "taker_rate"):
            if not -0.1 < getattr(self, name) < 0.1:
                raise InputError(
                    f"fees.{name}", getattr(self, name), "a share of the notional in (-0.1, 0.1)"
                )


@dataclass(frozen=True, slots=True)
class Venue:
    """How the simulated venue treats own orders.

    queue: L2 only; L3 tapes give exact positions. partial_fills: False executes an order whole as soon as one
    unit of it would be (hftbacktest's NoPartialFillExchange). incidents: rows of (start ns, end ns, kind,
    amount), made by :mod:`quoting_policy.sim.stress`.
    """

    latency: LatencyModel = field(default_factory=ConstantLatency)
    queue: QueueModel = field(default_factory=PowerProbability)
    fees: Fees = field(default_factory=Fees)
    partial_fills: bool = True
    incidents: tuple[tuple[int, int, int, int], ...] = ()
