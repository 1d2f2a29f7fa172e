"""A small generated market, and policies that quote in it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from quoting_policy.data import tape as tapes
from quoting_policy.paper.desk import Desk, PolicyFile, SignalSettings
from quoting_policy.paper.evaluate import Pairing
from quoting_policy.paper.sessions import Session, open_recording, split
from quoting_policy.sim.flow import Flow, generate

SECONDS = 130.0
DESK = Desk(
    limits={"maxPosition": 30.0, "maxOrderQty": 5.0},
    block_s=5.0,
    warmup_s=20.0,
    signals=SignalSettings(horizon_s=30.0, sigma_window=20, hazard_windows=20),
)
TIGHT = PolicyFile(model="FixedSpread", params={"halfSpread": 0.01, "qty": 2})
WIDE = PolicyFile(model="FixedSpread", params={"halfSpread": 0.015, "qty": 2}, name="Wide")
SKEWED = PolicyFile(model="AvellanedaStoikov", params={"gamma": 0.01, "qty": 2, "k": 100.0})
LEARNER = PolicyFile(
    model="BidAskExp3",
    params={"lowest": 0.005, "highest": 0.03, "qty": 2, "rounds": 100},
    exploration_budget={"maxLoss": 0.05, "windowS": 10, "windowRounds": 4, "roundsFactor": 1.0},
)


def market(folder: Path, seed: int = 1, flow: Flow | None = None, name: str = "market") -> Path:
    """A generated tape on disk."""
    path = folder / f"{name}.npz"
    tapes.save(_generated(seed, flow or Flow(market_rate=8.0)), path)
    return path


@cache
def _generated(seed: int, flow: Flow) -> tapes.Tape:
    return generate(flow, seconds=SECONDS, seed=seed, max_rows=50_000)


def sessions(folder: Path, count: int = 1, desk: Desk = DESK, **changes) -> list[Session]:
    return split([open_recording(market(folder, **changes))], count, desk)


def pairing(*candidates: PolicyFile, baseline: PolicyFile = TIGHT, desk: Desk = DESK) -> Pairing:
    return Pairing(baseline, candidates or (WIDE,), desk)
