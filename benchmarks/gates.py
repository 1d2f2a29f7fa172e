"""Validation study and speed of the gates, beside replicas of other controllers' rules on the same streams.

    python benchmarks/gates.py --json > study.json          # all of it, some minutes on one core
    python benchmarks/gates.py --part speed                 # one part, as text

Seeded: the same arguments give the same error rates. Speed is the best of several runs in process time.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy import special

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.gate_study import ours
from benchmarks.gate_study.noise import BATCH, OBSERVATION_NOISES
from benchmarks.gate_study.rules import RULES
from quoting_operator.gates import DifferenceBlock, Verdict, outcome, update, update_all
from quoting_operator.gates.tmix import mixing_variance

OBSERVATIONS = 2_000
MEANS = (-0.25, 0.0, 0.1)
RARE_LOSS_BOUND = 3.0
"""maxLossPerBlock where losses are rare and large: three of 19.5 in the 20 observations of a block."""
OURS: dict[str, dict[str, Any]] = {
    "tmix, success": {"kind": "success"},
    "tmix, guardrail .25": {"kind": "guardrail", "margin": 0.25},
}
SPEED_BLOCKS = 200
SPEED_STREAMS = 200


def main() -> int:
    """Run the parts asked for and print them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    parser.add_argument("--part", choices=list(PARTS), action="append", help="only this part (repeatable)")
    parser.add_argument("--runs", type=int, default=2_000, help="runs of each cell")
    parser.add_argument("--seed", type=int, default=6)
    args = parser.parse_args()
    study: dict[str, Any] = {"runs": args.runs, "seed": args.seed, "alpha": ours.ALPHA}
    for part in args.part or list(PARTS):
        print(f"{part} ...", file=sys.stderr)
        study[part] = list(PARTS[part](args.runs, args.seed))
    study["above_bound"] = above_bound(study)
    if args.json:
        print(json.dumps(study))
        return 0
    for part in args.part or list(PARTS):
        print(f"\n{part}")
        for row in study[part]:
            print("  " + "  ".join(f"{key}={_short(value)}" for key, value in row.items()))
    print(f"\ncells above 5 % + 3 standard errors: {study['above_bound'] or 'none'}")
    return 0


def above_bound(study: dict[str, Any]) -> list[str]:
    """Our cells whose error is above alpha by more than three standard errors."""
    found: list[str] = []
    for part in ("gates", "counts"):
        for cell in study.get(part, []):
            errors = (cell["false_promotion"], cell["false_rollback"])
            found += [f"{cell['gate']} / {cell['noise']}: {e:.2f}" for e in errors if _above(e, cell)]
    for cell in study.get("rules", []):
        if cell["rule"] in OURS:
            boundary = -OURS[cell["rule"]].get("margin", 0.0)
            errors = (
                cell["promote"] if cell["mean"] <= boundary else 0.0,
                cell["roll_back"] if cell["mean"] >= boundary else 0.0,
            )
            found += [f"{cell['rule']} / {cell['noise']}: {e:.2f}" for e in errors if _above(e, cell)]
    return found


def _above(error: float, cell: dict[str, Any]) -> bool:
    standard_error = (ours.ALPHA * (1.0 - ours.ALPHA) / cell["runs"]) ** 0.5
    return error > 100.0 * (ours.ALPHA + 3.0 * standard_error)


def gates(runs: int, seed: int) -> Iterator[dict[str, Any]]:
    """Mean gates on every noise of blocks."""
    for cell in ours.mean_cells(runs, seed):
        yield dataclasses.asdict(cell)


def counts(runs: int, seed: int) -> Iterator[dict[str, Any]]:
    """Counting gates."""
    for cell in ours.count_cells(runs, seed):
        yield dataclasses.asdict(cell)


def detectors(runs: int, seed: int) -> Iterator[dict[str, Any]]:
    """Change detectors: false alarms, then delays."""
    yield from ours.detector_rows(max(1, runs // 4), seed)
    yield from ours.detection_delay(max(1, runs // 8), seed)


def rules(runs: int, seed: int) -> Iterator[dict[str, Any]]:
    """All rules on the same observation-level streams; ours see them in blocks of 20."""
    few = max(1, runs // 2)
    for number, (noise_name, noise) in enumerate(OBSERVATION_NOISES.items()):
        streams = noise(np.random.default_rng([seed, 400 + number]), few, OBSERVATIONS)
        for mean in MEANS:
            for rule_name, decide in RULES.items():
                verdicts = decide(streams + mean, np.random.default_rng([seed, 500]))
                yield _rates(rule_name, noise_name, mean, verdicts.tolist())
            blocks = (streams + mean).reshape(few, -1, BATCH).mean(axis=2)
            bound = {"maxLossPerBlock": RARE_LOSS_BOUND} if noise_name == "rare large loss" else {}
            for name, fields in OURS.items():
                first = ours.begin(**fields, **bound)
                verdicts = [_decide(first, ours.blocks_of(row)) for row in blocks]
                yield _rates(name, noise_name, mean, verdicts)


def _decide(first: Any, stream: list[Any]) -> int:
    """+1 or -1 for the first decisive verdict, 0 for neither."""
    state = first
    final = update_all(first, stream)
    if outcome(final)[0] not in (Verdict.PASS, Verdict.FAIL):
        return 0
    for block in stream:
        state = update(state, block)
        verdict = outcome(state)[0]
        if verdict in (Verdict.PASS, Verdict.FAIL):
            return 1 if verdict is Verdict.PASS else -1
    return 0


def _rates(rule: str, noise: str, mean: float, verdicts: list[int]) -> dict[str, Any]:
    n = len(verdicts)
    return {
        "rule": rule,
        "noise": noise,
        "mean": mean,
        "runs": n,
        "promote": 100.0 * verdicts.count(1) / n,
        "roll_back": 100.0 * verdicts.count(-1) / n,
    }


def speed(_: int, seed: int) -> Iterator[dict[str, Any]]:
    """Block updates a second on one core."""
    rng = np.random.default_rng([seed, 600])
    rows = rng.standard_normal((SPEED_STREAMS, SPEED_BLOCKS)).tolist()
    streams = [[DifferenceBlock(i, d) for i, d in enumerate(row)] for row in rows]
    cases: dict[str, tuple[Any, Callable[[Any, list[Any]], Any]]] = {
        "tmix, bulk (update_all)": (ours.begin(kind="success"), update_all),
        "tmix, one by one (update)": (ours.begin(kind="success"), _fold),
        "tmix and bet_lb, bulk": (ours.begin(kind="success", maxLossPerBlock=20.0), update_all),
        "live with SR detector": (ours.live_gate(), _fold),
    }
    for name, (first, feed) in cases.items():
        best = min(_seconds(first, feed, streams) for _ in range(5))
        yield {"case": name, "updates_per_s": SPEED_STREAMS * SPEED_BLOCKS / best}
    yield {"case": "peer: every ln E+ by numpy and scipy.special.stdtr", "updates_per_s": _peer_speed(rows)}


def cli(_: int, seed: int) -> Iterator[dict[str, Any]]:
    """`quoting gates run --summary` on 2,000 streams of 200 blocks, a process of its own, best of three."""
    rng = np.random.default_rng([seed, 700])
    with tempfile.TemporaryDirectory() as folder:
        spec, blocks = Path(folder) / "gates.yaml", Path(folder) / "blocks.csv"
        spec.write_text("- {name: pnl, metric: pnl, kind: success}\n")
        with blocks.open("w") as file:
            file.write("stream,block,pnl\n")
            for stream, row in enumerate(rng.standard_normal((2_000, 200)).tolist()):
                file.writelines(f"{stream},{j},{d:.6f}\n" for j, d in enumerate(row))
        program = [sys.executable, "-m", "quoting_operator.cli.quoting", "gates", "run", "--summary"]
        seconds = []
        for _attempt in range(3):
            begun = time.perf_counter()
            files = ["--spec", str(spec), "--blocks", str(blocks)]
            subprocess.run([*program, *files], check=True, stdout=subprocess.DEVNULL)
            seconds.append(time.perf_counter() - begun)
        yield {"case": "2,000 streams x 200 blocks, one gate", "wall_s": min(seconds)}


def _peer_speed(rows: list[list[float]]) -> float:
    """The same formula over one array a stream, evidence for only, with scipy's t distribution."""
    r2 = mixing_variance(ours.ALPHA)
    n = np.arange(2, SPEED_BLOCKS + 1)

    def evaluate(row: list[float]) -> float:
        d = np.asarray(row)
        s, q = np.cumsum(d)[1:], np.cumsum(d * d)[1:]
        k = r2 * s * s / (q * (1.0 + n * r2))
        t = np.copysign(np.sqrt(n * k / (1.0 - k)), s)
        two_sided = -0.5 * np.log(1.0 + n * r2) - 0.5 * n * np.log1p(-k)
        return float(np.max(two_sided + np.log(2.0 * special.stdtr(n, t))))

    seconds = []
    for _ in range(5):
        begun = time.process_time()
        for row in rows:
            evaluate(row)
        seconds.append(time.process_time() - begun)
    return SPEED_STREAMS * SPEED_BLOCKS / min(seconds)


def _fold(state: Any, blocks: list[Any]) -> Any:
    for block in blocks:
        state = update(state, block)
    return state


def _seconds(first: Any, feed: Callable[[Any, list[Any]], Any], streams: list[list[Any]]) -> float:
    begun = time.process_time()
    for stream in streams:
        feed(first, stream)
    return time.process_time() - begun


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


PARTS: dict[str, Callable[[int, int], Iterator[dict[str, Any]]]] = {
    "gates": gates,
    "counts": counts,
    "detectors": detectors,
    "rules": rules,
    "speed": speed,
    "cli": cli,
}

if __name__ == "__main__":
    sys.exit(main())
