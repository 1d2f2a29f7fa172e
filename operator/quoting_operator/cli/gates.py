"""`quoting gates`: plan a gate, or judge recorded blocks as the operator would."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from quoting_operator.cli import gate_plans
from quoting_operator.cli.blocks_csv import BlockTable, Row, read_blocks
from quoting_operator.cli.gate_files import json_line, read_spec, short
from quoting_operator.gates import (
    GateState,
    GateVerdict,
    Stage,
    Verdict,
    combine,
    judge,
    level,
    start,
    update,
    update_all,
)
from quoting_operator.gates.budget import ROLLBACK_ALPHA
from quoting_policy.errors import InputError

_HEADINGS = ("block", "gate", "n", "estimate", "lower", "upper", "lnE+", "lnE-", "verdict", "reason")
_WIDTHS = (7, 16, 6, 11, 11, 11, 8, 8, 13, 0)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `plan` and `run`."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    gate_plans.configure(
        actions.add_parser("plan", help="blocks needed for an effect, from pilot statistics")
    )
    _configure_run(actions.add_parser("run", help="judge recorded blocks"))


def run(args: argparse.Namespace) -> int:
    """Do what was asked; 0 when done, whatever the verdicts."""
    return {"plan": gate_plans.run, "run": _run}[args.action](args)


def _configure_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--spec", type=Path, required=True, help="gates.yaml: the spec.gates list")
    parser.add_argument("--blocks", type=Path, required=True, help="blocks.csv: block,<metric>,... (stream)")
    parser.add_argument(
        "--stage", choices=list(Stage), help="only gates of this stage; live adds the detector"
    )
    parser.add_argument("--attempt", type=int, default=0, help="spend alpha as attempt K does (0: all of it)")
    parser.add_argument(
        "--rollback-alpha", type=float, default=ROLLBACK_ALPHA, help="of all gates and stages"
    )
    parser.add_argument("--interval", choices=("asymptotic", "verdict"), default="asymptotic")
    parser.add_argument("--summary", action="store_true", help="only the final verdict of each stream")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")


def _run(args: argparse.Namespace) -> int:
    gates = read_spec(args.spec)
    stage = Stage(args.stage) if args.stage else None
    chosen = [gate for gate in gates if stage is None or stage in gate.stages]
    if not chosen:
        raise InputError("--stage", args.stage, "the stage of one gate or more")
    table = read_blocks(args.blocks)
    starts = [
        start(gate, level(gate, gates, attempt=args.attempt, rollback_alpha=args.rollback_alpha), stage)
        for gate in chosen
    ]
    from_verdict = args.interval == "verdict"
    if not args.json and not args.summary:
        print(_columns(_HEADINGS))
    for stream, rows in table.streams.items():
        if args.summary:
            _print_summary(stream, rows, table, starts, args)
            continue
        for line in _lines(rows, table, starts, from_verdict):
            print(
                json_line({"stream": stream, **line} if stream else line) if args.json else _row(line, stream)
            )
    return 0


def _print_summary(
    stream: str,
    rows: Sequence[Row],
    table: BlockTable,
    starts: Sequence[GateState],
    args: argparse.Namespace,
) -> None:
    gates = [state.spec for state in starts]
    finals = [update_all(state, table.blocks(state.spec, gates, rows)) for state in starts]
    verdicts = [judge(state, from_verdict=args.interval == "verdict") for state in finals]
    decided = combine(verdicts, soak_over=True)
    overall = overall_verdict(verdicts)
    if args.json:
        summary: dict[str, Any] = {"stream": stream} if stream else {}
        summary |= {"blocks": len(rows), "verdict": overall, "decision": decided.decision}
        print(json_line({**summary, "because": decided.because, "gates": [_numbers(v) for v in verdicts]}))
        return
    parts = ", ".join(f"{v.name} {v.verdict} (n={v.n}, {v.message})" for v in verdicts)
    print(f"{stream or 'all':<16} {overall:<13} {parts}")


def overall_verdict(verdicts: Sequence[GateVerdict]) -> Verdict:
    """One word for a stream: any failure fails, all that can pass must, dry-run gates are not asked."""
    said = [v for v in verdicts if not v.dry_run]
    if any(v.verdict is Verdict.FAIL for v in said):
        return Verdict.FAIL
    if any(v.verdict is Verdict.INCONCLUSIVE for v in said):
        return Verdict.INCONCLUSIVE
    asked = [v for v in said if not v.watches_only]
    return Verdict.PASS if asked and all(v.verdict is Verdict.PASS for v in asked) else Verdict.CONTINUE


def _lines(
    rows: Sequence[Row], table: BlockTable, starts: Sequence[GateState], exact: bool
) -> Iterator[dict[str, Any]]:
    gates = [state.spec for state in starts]
    states = list(starts)
    feeds = [table.blocks(gate, gates, rows) for gate in gates]
    for row, *blocks in zip(rows, *feeds, strict=True):
        for i, block in enumerate(blocks):
            before, states[i] = states[i], update(states[i], block)
            line = {"block": row.index, **_numbers(judge(states[i], from_verdict=exact))}
            if states[i] is before:
                line["reason"] = "Duplicate"
                line["message"] = f"ignored: block {block.index} is not newer than {before.last_index}"
            elif (rejection := states[i].last_rejection) is not None:
                line["message"] = f"block rejected, {rejection}; {line['message']}"
            yield line


def _numbers(v: GateVerdict) -> dict[str, Any]:
    return {
        "gate": v.name,
        "n": v.n,
        "estimate": v.estimate,
        "lower": v.lower,
        "upper": v.upper,
        "logEFor": v.ln_e_for,
        "logEAgainst": v.ln_e_against,
        "maxLogEFor": v.max_for,
        "maxLogEAgainst": v.max_against,
        "verdict": v.verdict,
        "reason": v.reason,
        "message": v.message,
    }


def _row(line: dict[str, Any], stream: str) -> str:
    keys = (
        "block",
        "gate",
        "n",
        "estimate",
        "lower",
        "upper",
        "logEFor",
        "logEAgainst",
        "verdict",
        "message",
    )
    cells = [short(line[key]) for key in keys]
    return _columns(cells) + (f" [{stream}]" if stream else "")


def _columns(cells: Sequence[str]) -> str:
    return " ".join(f"{cell:<{width}}" for cell, width in zip(cells, _WIDTHS, strict=True)).rstrip()
