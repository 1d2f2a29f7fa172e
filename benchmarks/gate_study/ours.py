"""Our gates on the streams, through the code that the operator runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.gate_study.noise import BLOCK_NOISES, Streams
from quoting_operator.gates import (
    Block,
    CountBlock,
    DifferenceBlock,
    GateState,
    PairedCountBlock,
    Stage,
    Verdict,
    level,
    outcome,
    parse_gate,
    start,
    update,
    update_all,
)
from quoting_operator.gates.detectors import (
    CusumState,
    DetectorState,
    alarm_threshold,
    cusum_threshold,
    cusum_update,
    e_cusum_update,
    sr_update,
)

ALPHA = 0.05
LOSS_BOUND = 20.0
HORIZON = 400
LONG_HORIZON = 4_000
RARE_LOSS_MIN_BLOCKS = 2_400
CHUNK = 50

MEAN_GATES: dict[str, dict[str, Any]] = {
    "tmix, success": {"kind": "success"},
    "tmix, guardrail .25": {"kind": "guardrail", "margin": 0.25},
    "tmix and bet_lb, L = 20": {"kind": "success", "maxLossPerBlock": LOSS_BOUND},
    "tmix, harm bet, U = 20": {"kind": "success", "maxGainPerBlock": LOSS_BOUND},
}


@dataclass(frozen=True)
class Cell:
    """Error rates (per cent) of one gate on one noise, and how fast it passes at two effects (in sd)."""

    gate: str
    noise: str
    runs: int
    false_promotion: float
    false_rollback: float
    power_quarter: float
    delay_quarter: float | None
    power_half: float
    delay_half: float | None


def begin(min_blocks: int = 20, **fields: Any) -> GateState:
    """A stand-alone gate at alpha .05 both ways."""
    entry = {"name": "study", "metric": "d", "stages": ["canary"], "minBlocks": min_blocks}
    gate = parse_gate(entry | fields)
    return start(gate, level(gate, [gate], rollback_alpha=ALPHA))


def blocks_of(row: Streams) -> list[Block]:
    """Differences as consecutive blocks."""
    return [DifferenceBlock(i, d) for i, d in enumerate(row.tolist())]


def crossings(first: GateState, streams: Iterable[Sequence[Block]]) -> tuple[int, int, int]:
    """Runs, runs whose evidence for, and whose evidence against, ever crossed its threshold.

    Each direction is counted whatever the other and the monitors say: the most that could go wrong.
    """
    runs = passed = failed = 0
    for stream in streams:
        state = update_all(first, stream)
        runs += 1
        passed += state.evidence.passing >= state.level.pass_at and state.evidence.n >= state.spec.min_blocks
        failed += state.evidence.failing >= state.level.fail_at or state.evidence.alarm() is not None
    return runs, passed, failed


def delays(first: GateState, streams: Iterable[Sequence[Block]]) -> tuple[float, float | None]:
    """Per cent of runs that pass, and the median blocks until then over all runs (None: most do not)."""
    times = [_blocks_to_pass(first, stream) for stream in streams]
    passed = [t for t in times if t is not None]
    median = float(np.median([np.inf if t is None else t for t in times]))
    return 100.0 * len(passed) / len(times), median if np.isfinite(median) else None


def _blocks_to_pass(state: GateState, stream: Sequence[Block]) -> int | None:
    for begin_at in range(0, len(stream), CHUNK):
        chunk = stream[begin_at : begin_at + CHUNK]
        after = update_all(state, chunk)
        if outcome(after)[0] in (Verdict.PASS, Verdict.FAIL):
            for block in chunk:
                state = update(state, block)
                verdict = outcome(state)[0]
                if verdict is not Verdict.CONTINUE and verdict is not Verdict.INCONCLUSIVE:
                    return state.evidence.n if verdict is Verdict.PASS else None
        state = after
    return None


def mean_cells(runs: int, seed: int) -> Iterator[Cell]:
    """Every mean gate on every block noise."""
    for number, (noise_name, noise) in enumerate(BLOCK_NOISES.items()):
        rare = noise_name == "rare large loss"
        # Ten times the blocks, half the runs.
        size = (max(1, runs // 2), LONG_HORIZON) if rare else (runs, HORIZON)
        streams = noise(np.random.default_rng([seed, number]), *size)
        for gate_name, fields in MEAN_GATES.items():
            if rare and "bet_lb" not in gate_name:
                # The rule for losses of chance p without a bound: no pass before 6/p blocks.
                label = f"{gate_name}, minBlocks {RARE_LOSS_MIN_BLOCKS}"
                yield _mean_cell(label, noise_name, streams, RARE_LOSS_MIN_BLOCKS, fields)
            else:
                yield _mean_cell(gate_name, noise_name, streams, 20, fields)


def _mean_cell(gate: str, noise: str, streams: Streams, min_blocks: int, fields: dict[str, Any]) -> Cell:
    first = begin(min_blocks, **fields)
    boundary = first.spec.pass_boundary
    runs, passed, failed = crossings(first, (blocks_of(row) for row in streams + boundary))
    some = streams[: max(1, runs // 4)]
    quarter = delays(first, (blocks_of(row) for row in some + boundary + 0.25))
    half = delays(first, (blocks_of(row) for row in some + boundary + 0.5))
    return Cell(gate, noise, runs, 100.0 * passed / runs, 100.0 * failed / runs, *quarter, *half)


def count_cells(runs: int, seed: int) -> Iterator[Cell]:
    """Counting gates at their boundary; "power" at half the boundary's rate and at a quarter of it."""
    proportion = begin(kind="guardrail", test="proportion", limit=0.05)
    quantile = begin(kind="guardrail", test="quantile", quantile=0.99)
    ratio = begin(kind="success", test="rateRatio")
    cases = (
        ("proportion, p0 = .05", "binomial, 40 trials a block", proportion, _proportions(0.05, 40)),
        ("quantile, p99", "100 requests a block", quantile, _proportions(0.01, 100)),
        ("rate ratio, 1", "Poisson, rate drifts", ratio, _paired(vary=False)),
        ("rate ratio, 1", "Poisson, exposure varies", ratio, _paired(vary=True)),
    )
    for number, (gate, noise, first, make) in enumerate(cases):
        rng = np.random.default_rng([seed, 100 + number])
        n, passed, failed = crossings(first, (make(rng, 1.0) for _ in range(runs)))
        some = max(1, runs // 8)
        half = delays(first, [make(rng, 0.5) for _ in range(some)])
        quarter = delays(first, [make(rng, 0.25) for _ in range(some)])
        yield Cell(gate, noise, n, 100.0 * passed / n, 100.0 * failed / n, *half, *quarter)


def _proportions(p0: float, trials: int, length: int = 100) -> Any:
    def make(rng: np.random.Generator, factor: float) -> list[Block]:
        events = rng.binomial(trials, p0 * factor, length).tolist()
        return [CountBlock(i, float(k), float(trials)) for i, k in enumerate(events)]

    return make


def _paired(*, vary: bool, length: int = 100) -> Any:
    def make(rng: np.random.Generator, factor: float) -> list[Block]:
        rate = 5.0 * np.exp(np.cumsum(0.1 * rng.standard_normal(length)))
        share = rng.uniform(0.1, 0.9, length) if vary else np.full(length, 0.2)
        candidate = rng.poisson(np.minimum(rate, 1e4) * share * factor).tolist()
        baseline = rng.poisson(np.minimum(rate, 1e4) * (1.0 - share)).tolist()
        return [
            PairedCountBlock(i, float(c), t, float(b), 1.0 - t)
            for i, (c, b, t) in enumerate(zip(candidate, baseline, share.tolist(), strict=True))
        ]

    return make


def detector_rows(runs: int, seed: int) -> Iterator[dict[str, Any]]:
    """False alarms within HORIZON blocks without harm."""
    threshold = alarm_threshold(ALPHA, HORIZON)
    detectors: dict[str, tuple[Any, Any]] = {
        "SR": (DetectorState(0.0, LOSS_BOUND, threshold), sr_update),
        "e-CUSUM": (DetectorState(0.0, LOSS_BOUND, threshold), e_cusum_update),
        "CUSUM, run length 10^4": (CusumState(0.0, 1.0, 0.25, cusum_threshold(0.25, 1e4)), cusum_update),
    }
    for number, (noise_name, noise) in enumerate(BLOCK_NOISES.items()):
        rng = np.random.default_rng([seed, 200 + number])
        quiet = noise(rng, runs, HORIZON).tolist()
        for name, (first, advance) in detectors.items():
            alarms = sum(_alarm_at(first, advance, row) is not None for row in quiet)
            yield {"detector": name, "noise": noise_name, "runs": runs, "false_alarms": 100.0 * alarms / runs}


def detection_delay(runs: int, seed: int, bound: float = 6.0) -> Iterator[dict[str, Any]]:
    """Median blocks from a drop of half an sd, 500 blocks after the start, to the alarm; Gaussian noise."""
    rng = np.random.default_rng([seed, 300])
    streams = rng.standard_normal((runs, 1_500))
    streams[:, 500:] -= 0.5
    detectors: dict[str, tuple[Any, Any]] = {
        "SR, c = 10^4": (DetectorState(0.0, bound, 1e4), sr_update),
        "e-CUSUM, c = 10^4": (DetectorState(0.0, bound, 1e4), e_cusum_update),
        "CUSUM, run length 10^4": (CusumState(0.0, 1.0, 0.25, cusum_threshold(0.25, 1e4)), cusum_update),
    }
    for name, (first, advance) in detectors.items():
        times = [_alarm_at(first, advance, row) for row in streams.tolist()]
        seen = [np.inf if t is None else t - 500 for t in times if t is None or t > 500]
        yield {"detector": name, "runs": len(seen), "median_delay": float(np.median(seen))}
    first = begin(kind="success")
    waits = []
    for row in streams:
        state = update_all(first, blocks_of(row[:500]))
        waits.append(_blocks_to_fail(state, blocks_of(row)[500:]))
    yield {"detector": "E- of tmix, no restart", "runs": runs, "median_delay": float(np.median(waits))}


def _alarm_at(state: Any, advance: Any, row: Sequence[float]) -> int | None:
    for j, d in enumerate(row, start=1):
        state = advance(state, d)
        if state.alarmed:
            return j
    return None


def _blocks_to_fail(state: GateState, stream: Sequence[Block]) -> float:
    if outcome(state)[0] is Verdict.FAIL:
        return 0.0
    for j, block in enumerate(stream, start=1):
        state = update(state, block)
        if state.evidence.failing >= state.level.fail_at:
            return float(j)
    return float("inf")


def live_gate() -> GateState:
    """A gate of the live stage with its detector, for the speed part."""
    entry = {"name": "live", "metric": "d", "kind": "success", "maxGainPerBlock": 20.0, "stages": ["live"]}
    gate = parse_gate(entry)
    return start(gate, level(gate, [gate]), Stage.LIVE)
