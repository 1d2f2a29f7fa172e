"""How long one decision takes: state -> model -> clamps -> accounting -> Decision.

    python benchmarks/engine.py [--json] [--seconds 2]

Every kind of arm is timed with all limits set and one live candidate, in turns, the best of several rounds:
a shared machine only ever adds time. "book only" is an app that leaves its inputs to the engine's signals.
Beside it stands a peer, a bare Avellaneda-Stoikov quote with rounding, one clamp and a dataclass, so that the
ratio can be compared across machines.
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import json
import math
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from quoting_policy.domain import (
    ArmSpec,
    Authority,
    FillHazard,
    Instrument,
    Kill,
    KillAction,
    Limits,
    MarketState,
    Revision,
    SignalRules,
    Stage,
)
from quoting_policy.engine import Decision, Engine
from quoting_policy.models import names

FIXED = ArmSpec(model="FixedSpread", params={"halfSpread": 1.0, "qty": 2})
CANDIDATES = {
    "FixedSpread": (FIXED, 5.0),
    "AvellanedaStoikov": (
        ArmSpec(model="AvellanedaStoikov", params={"gamma": 0.1, "horizon": "finite"}),
        5.0,
    ),
    "GLFT closed": (
        ArmSpec(model="GLFT", params={"gamma": 0.01, "method": "closed", "maxInventory": 30}),
        5.0,
    ),
}
"""Name -> (arm, limit of the median, us)."""

LIMITS = Limits(
    max_position=100,
    max_notional=1e6,
    max_order_qty=50,
    max_drawdown=1e5,
    max_daily_loss=1e5,
    max_order_rate=1e6,
    min_spread=0.2,
    max_spread=50,
    price_band=0.2,
    reduce_only_at=0.9,
    max_data_age=1,
)
INSTRUMENT = Instrument(symbol="X", tick_size=Decimal("0.1"), lot_size=Decimal("0.001"))


def states(count: int = 1000) -> list[MarketState]:
    """A mid that walks, so that no price is twice the same."""
    hazard = FillHazard(A=140.0, k=1.5)
    return [
        MarketState(
            mid=100.05 + 0.3 * math.sin(i),
            best_bid=100.0 + 0.3 * math.sin(i),
            best_ask=100.1 + 0.3 * math.sin(i),
            bid_qty=5.0,
            ask_qty=5.0,
            inventory=2.0,
            sigma=0.5,
            time_left=1.0,
            fill_hazard_bid=hazard,
            fill_hazard_ask=hazard,
        )
        for i in range(count)
    ]


def engine_with(candidate: ArmSpec, signals: SignalRules | None = None) -> Engine:
    """An engine whose candidate quotes all the time."""
    engine = Engine()
    revision = Revision(
        baseline=FIXED,
        candidate=candidate,
        instruments=(INSTRUMENT,),
        limits=LIMITS,
        signals=signals or SignalRules(),
    )
    now, wall = time.monotonic_ns(), time.time_ns()
    digest = engine.configure(revision, now_ns=now, wall_ns=wall)
    engine.engage(Kill(action=KillAction.NONE), now_ns=now)
    authority = Authority(digest=digest, stage=Stage.LIVE, exposure_percent=100, lifetime_s=300)
    engine.authorise(authority, seen_ns=now, now_ns=now, wall_ns=wall)
    return engine


def book_only() -> tuple[Engine, list[MarketState]]:
    """An engine that has watched the market for two minutes, and states that say nothing but the book."""
    spec = ArmSpec(model="AvellanedaStoikov", params={"gamma": 0.1, "k": 1.5, "horizon": "finite"})
    engine = engine_with(spec, SignalRules(horizon_s=1.0))
    sample = [
        MarketState(mid=s.mid, best_bid=s.best_bid, best_ask=s.best_ask, inventory=2.0) for s in states()
    ]
    now, wall = time.monotonic_ns() - 120_000_000_000, time.time_ns()
    for i in range(1200):
        engine.market("X", sample[i % len(sample)], now_ns=now + i * 100_000_000, wall_ns=wall)
    return engine, sample


def decider(engine: Engine) -> Callable[[MarketState], Decision]:
    """One decision as the server makes it, clock readings included."""

    def decide(state: MarketState) -> Decision:
        now = time.monotonic_ns()
        return engine.decide("X", state, now_ns=now, wall_ns=time.time_ns(), data_ns=now)

    return decide


@dataclass
class PeerQuote:
    """What the peer answers with."""

    bid: int
    ask: int
    size: int


def peer(state: MarketState) -> PeerQuote:
    """A-S with rounding, position clamp and a dataclass: the reference's 0.69 us on an idle machine."""
    gamma, sigma, tau, k = 0.1, state.sigma or 0.0, state.time_left or 0.0, 1.5
    reservation = state.mid - state.inventory * gamma * sigma * sigma * tau
    half = 0.5 * gamma * sigma * sigma * tau + math.log1p(gamma / k) / gamma
    bid = math.floor((reservation - half) / 0.1 + 1e-6)
    ask = math.ceil((reservation + half) / 0.1 - 1e-6)
    return PeerQuote(bid, ask, int(max(0, min(2, 100 - state.inventory))))


def microseconds(call: Callable[[MarketState], object], sample: list[MarketState]) -> list[float]:
    """Time of each call."""
    clock, times = time.perf_counter_ns, []
    for state in sample:
        started = clock()
        call(state)
        times.append((clock() - started) / 1000)
    return times


def mlp_64x64(folder: Path) -> ArmSpec:
    """An MLP with two hidden layers of 64 and random weights."""
    weights = importlib.import_module("quoting_policy.models.mlp_weights")
    numpy = importlib.import_module("numpy")
    inputs = ("inventory", "spread", "imbalance", "sigma", "time_left")
    spec = weights.MLPSpec.model_validate(
        {
            "version": 1,
            "activation": "tanh",
            "priceUnit": 0.1,
            "maxInventory": 100,
            "observation": [{"name": name, "shift": 0.0, "scale": 1.0} for name in inputs],
            "action": {
                "names": ("bid_offset", "ask_offset"),
                "kind": "box",
                "low": (1.0, 1.0),
                "high": (9.0, 9.0),
            },
        }
    )
    draw, widths = numpy.random.default_rng(0), (len(inputs), 64, 64, 2)
    layers = [
        weights.Layer(draw.normal(size=(a, b)) / a, draw.normal(size=b))
        for a, b in itertools.pairwise(widths)
    ]
    path = folder / "weights.npz"
    digest = weights.save_weights(path, spec, layers)
    return ArmSpec(model="MLP", params={"weights": str(path), "sha256": digest, "qty": 2})


def arms(folder: Path) -> dict[str, tuple[ArmSpec, float]]:
    """Name -> (arm, limit of the median, us), for the models that are there."""
    found = {name: arm for name, arm in CANDIDATES.items() if arm[0].model in names()}
    if "MLP" in names():
        found["MLP 64x64"] = (mlp_64x64(folder), 30.0)
    return found


def measure(seconds: float, folder: Path) -> dict[str, dict[str, Any]]:
    """Percentiles by kind of arm, us, from the round with the lowest median."""
    sample = states()
    calls: dict[str, Callable[[MarketState], object]] = {"peer (bare A-S)": peer}
    limits, samples = {"peer (bare A-S)": math.inf}, {}
    engines = {name: (engine_with(spec), limit) for name, (spec, limit) in arms(folder).items()}
    engine, samples["A-S, book only"] = book_only()
    engines["A-S, book only"] = engine, 5.0
    for name, (engine, limit) in engines.items():
        decided = decider(engine)(samples.get(name, sample)[0])
        if decided.arm != "candidate" or not decided.bids:
            raise SystemExit(f"{name} does not quote: {decided}")
        calls[name], limits[name] = decider(engine), limit
    best: dict[str, list[float]] = {}
    deadline = time.perf_counter() + seconds * len(calls)
    while time.perf_counter() < deadline or len(best) < len(calls):
        for name, call in calls.items():
            times = microseconds(call, samples.get(name, sample))
            if name not in best or statistics.median(times) < statistics.median(best[name]):
                best[name] = times
    return {name: _row(times, limits[name]) for name, times in best.items()}


def _row(times: list[float], limit: float) -> dict[str, Any]:
    ordered = sorted(times)
    return {
        "p50_us": round(statistics.median(ordered), 3),
        "p99_us": round(ordered[len(ordered) * 99 // 100], 3),
        "limit_p50_us": None if math.isinf(limit) else limit,
        "within": statistics.median(ordered) <= limit,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seconds", type=float, default=2.0, help="time for each kind of arm")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(args.seconds, Path(folder))
    if args.json:
        print(json.dumps(rows))
        return
    for name, row in rows.items():
        limit = "" if row["limit_p50_us"] is None else f"limit {row['limit_p50_us']:g}"
        print(f"{name:20} p50 {row['p50_us']:7.2f} us  p99 {row['p99_us']:7.2f} us  {limit}")


if __name__ == "__main__":
    main()
