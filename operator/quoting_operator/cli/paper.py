"""`quoting paper`: replay candidates beside the baseline over the same sessions, and judge the pairs."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tqdm import tqdm

from quoting_operator.cli.gate_files import read_spec
from quoting_operator.gates import (
    GateSpec,
    GateState,
    GateVerdict,
    Stage,
    judge,
    level,
    parse_gates,
    start,
)
from quoting_operator.gates.paper import judge_paper
from quoting_operator.gates.sessions import check_measured, session_blocks
from quoting_operator.gates.state import update
from quoting_policy.cli.pod_message import say
from quoting_policy.domain.session import SessionEvidence, encode
from quoting_policy.errors import InputError
from quoting_policy.paper.desk import SECOND, PolicyFile, read_desk, read_policy
from quoting_policy.paper.differences import METRICS
from quoting_policy.paper.evaluate import Pairing, Part
from quoting_policy.paper.performance import performance
from quoting_policy.paper.run import run_session, run_sessions
from quoting_policy.paper.sessions import Session, from_list, open_recording, provenance, split

DEFAULT_GATES: tuple[dict[str, Any], ...] = (
    {"name": "pnl", "metric": "pnl", "kind": "success", "alpha": 0.1},
    {"name": "markout-1s", "metric": "markout", "horizon": "1s", "kind": "deterioration"},
    {"name": "excursion", "metric": "inventoryExcursion", "kind": "guardrail", "margin": 0.05, "alpha": 0.1,
     "quietIsGood": True},
    {"name": "integrity", "metric": "integrity", "kind": "integrity"},
)  # fmt: skip
"""Gates of a run without --gates: better P&L, no worse markout, at most 5 % more time in excursion."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add = parser.add_argument
    add("--baseline", type=Path, required=True, help="YAML: model, params")
    add(
        "--candidate", type=Path, action="append", required=True, help="YAML: model, params, name; repeatable"
    )
    add("--data", required=True, metavar="TAPE[,TAPE]", help="tape files, see `quoting data convert`")
    add("--sessions", default="1", help="a number of windows of equal length, or a YAML list of sessions")
    add("--desk", type=Path, help="YAML: limits, venue, signals, block and decision length (docs/paper.md)")
    add("--gates", type=Path, help="YAML: the spec.gates list; those of stage paper are judged")
    add("--attempt", type=int, default=0, help="spend alpha as attempt K does (0: all of it)")
    add("--parallel", type=int, default=1, help="sessions at once")
    add("--parts", type=Path, help="folder of finished sessions (default: <report>/parts)")
    add("--report", type=Path, metavar="DIR", help="write the paper canary report there")
    add("--json", action="store_true", help="the result as one JSON object")
    add("--index", type=int, help="only this session (default in an Indexed Job: JOB_COMPLETION_INDEX)")
    add(
        "--termination-log",
        type=Path,
        metavar="PATH",
        help="where --index writes its evidence, at most 4 KiB",
    )


def run(args: argparse.Namespace) -> int:
    """Evaluate; 0 when it was done, whatever the verdicts; an arm that crashed is a verdict."""
    pairing = Pairing(
        read_policy(args.baseline, "baseline"),
        tuple(read_policy(path, "candidate") for path in args.candidate),
        read_desk(args.desk),
    )
    pairing.check()
    sessions = _sessions(args, pairing)
    gates = _gates(args.gates)
    index = args.index if args.index is not None else os.environ.get("JOB_COMPLETION_INDEX")
    folder = args.parts or (args.report / "parts" if args.report else None)
    if index is not None:
        return _one_session(int(index), sessions, pairing, folder, args.termination_log)
    parts = _evaluate(sessions, pairing, folder, args.parallel)
    result = judged_result(pairing, sessions, parts, gates, args.attempt)
    if args.report:
        from quoting_policy.paper.report import write_report  # noqa: PLC0415  plots are loaded only for a report

        path = write_report(args.report, pairing, sessions, parts, result)
        print(f"report: {path}", file=sys.stderr)
    print(json.dumps(result, allow_nan=False) if args.json else _text(result))
    return 0


def _sessions(args: argparse.Namespace, pairing: Pairing) -> list[Session]:
    recordings = [open_recording(Path(name)) for name in args.data.split(",") if name]
    if not recordings:
        raise InputError("--data", args.data, "one tape file or more")
    if args.sessions.isdecimal():
        return split(recordings, int(args.sessions), pairing.desk)
    return from_list(recordings, Path(args.sessions), pairing.desk)


def _gates(path: Path | None) -> tuple[GateSpec, ...]:
    gates = parse_gates(list(DEFAULT_GATES)) if path is None else read_spec(path)
    chosen = tuple(gate for gate in gates if Stage.PAPER in gate.stages)
    if not chosen:
        raise InputError("--gates", str(path), "with one gate of stage paper or more")
    check_measured(chosen, tuple(METRICS))
    return chosen


def _one_session(
    index: int, sessions: Sequence[Session], pairing: Pairing, folder: Path | None, log: Path | None
) -> int:
    if len(pairing.candidates) != 1:
        raise InputError("--candidate", len(pairing.candidates), "one, where --index is given")
    if not 0 <= index < len(sessions):
        raise InputError("--index", index, f"in [0, {len(sessions) - 1}]")
    part, _ = run_session(sessions[index], pairing, folder)
    say(encode(part.evidence[0]), log)
    return 0


def _evaluate(
    sessions: Sequence[Session], pairing: Pairing, folder: Path | None, parallel: int
) -> list[Part]:
    bar = tqdm(total=len(sessions), unit="session", disable=not sys.stderr.isatty(), file=sys.stderr)

    def report(session: Session, cached: bool) -> None:
        bar.update()
        if not sys.stderr.isatty():
            print(
                f"{session.name}: {'was done' if cached else 'done'}, {session.blocks} blocks",
                file=sys.stderr,
            )

    try:
        return run_sessions(sessions, pairing, folder, parallel, report)
    finally:
        bar.close()


def judged_result(
    pairing: Pairing,
    sessions: Sequence[Session],
    parts: Sequence[Part],
    gates: Sequence[GateSpec],
    attempt: int,
) -> dict[str, Any]:
    """What the gates say of finished sessions, with the figures of every arm, for programs and reports."""
    judged = {policy.label: _judge(policy, parts, gates, attempt) for policy in pairing.candidates}
    return _result(pairing, sessions, parts, judged)


def _judge(
    policy: PolicyFile, parts: Sequence[Part], gates: Sequence[GateSpec], attempt: int
) -> dict[str, Any]:
    evidence = [item for part in parts for item in part.evidence if item.candidate == policy.label]
    starts = [start(gate, level(gate, gates, attempt=attempt), Stage.PAPER) for gate in gates]
    judged = judge_paper(starts, evidence)
    return {
        "candidate": policy.label,
        "decision": judged.decision.decision.value,
        "because": list(judged.decision.because),
        "rejections": list(judged.rejections),
        "digest": hashlib.sha256("".join(item.digest for item in evidence).encode()).hexdigest(),
        "gates": [_verdict(v) for v in judged.gates],
        "sequences": {state.spec.name: _sequence(state, evidence) for state in starts},
    }


def _verdict(v: GateVerdict) -> dict[str, Any]:
    return {key: value for key, value in asdict(v).items() if key not in ("dry_run", "watches_only")}


def _sequence(state: GateState, evidence: Sequence[SessionEvidence]) -> list[list[float | None]]:
    """The gate's way: (accepted blocks, estimate, lower, upper, ln E+, ln E-) after each accepted block."""
    rows: list[list[float | None]] = []
    for item in sorted(evidence, key=lambda e: e.index):
        for block in session_blocks(state.spec, item):
            before, state = state, update(state, block)
            if state.evidence.n == before.evidence.n:
                continue
            v = judge(state)
            rows.append([v.n, v.estimate, v.lower, v.upper, v.ln_e_for, v.ln_e_against])
    return rows


def _result(
    pairing: Pairing, sessions: Sequence[Session], parts: Sequence[Part], judged: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    arms = {label: [part.arms[label] for part in parts] for label in parts[0].arms}
    recordings = {session.recording.path: session.recording for session in sessions}
    return {
        "candidates": list(judged.values()),
        "performance": {label: performance(arm, sessions, pairing.desk) for label, arm in arms.items()},
        "sessions": [
            {
                "name": s.name,
                "tape": s.recording.path.name,
                "start": s.start_ns / SECOND,
                "evidence": s.evidence_ns / SECOND,
                "end": s.end_ns / SECOND,
                "blocks": s.blocks,
            }
            for s in sessions
        ],
        "provenance": [provenance(recording) for recording in recordings.values()],
    }


def _text(result: dict[str, Any]) -> str:
    lines = []
    for candidate in result["candidates"]:
        lines.append(f"{candidate['candidate']}: {candidate['decision']}")
        for v in candidate["gates"]:
            estimate = "-" if v["estimate"] is None else f"{v['estimate']:.4g}"
            lines.append(
                f"  {v['name']:<20} {v['verdict']:<13} n={v['n']:<5} mean D {estimate:<11} {v['message']}"
            )
        lines += [f"  rejected: {reason}" for reason in candidate["rejections"]]
    return "\n".join(lines)
