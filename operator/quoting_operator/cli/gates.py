"""`quoting gates`: plan a gate, or judge recorded blocks as the operator would."""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from quoting_operator.cli.blocks_csv import BlockTable, Row, read_blocks
from quoting_operator.gates import (
    GateSpec,
    GateState,
    GateVerdict,
    Kind,
    Pilot,
    Stage,
    Test,
    Verdict,
    combine,
    judge,
    level,
    parse_gates,
    plan_mean,
    start,
    trials_to_pass,
    update,
    update_all,
)
from quoting_operator.gates.budget import ROLLBACK_ALPHA
from quoting_operator.gates.counts import two_arm_share
from quoting_policy.errors import InputError

_HEADINGS = ("block", "gate", "n", "estimate", "lower", "upper", "lnE+", "lnE-", "verdict", "reason")
_WIDTHS = (7, 16, 6, 11, 11, 11, 8, 8, 13, 0)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `plan` and `run`."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    _configure_plan(actions.add_parser("plan", help="blocks needed for an effect, from pilot statistics"))
    _configure_run(actions.add_parser("run", help="judge recorded blocks"))


def run(args: argparse.Namespace) -> int:
    """Do what was asked; 0 when done, whatever the verdicts."""
    return {"plan": _plan, "run": _run}[args.action](args)


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


def _configure_plan(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--spec", type=Path, help="gates.yaml; with --pilot")
    parser.add_argument("--pilot", type=Path, help="blocks.csv of a pilot run; with --spec")
    parser.add_argument(
        "--effect", action="append", default=[], metavar="[GATE=]X", help="true mean difference to be shown"
    )
    parser.add_argument("--sd", type=float, help="sd of one block's difference, without a pilot")
    parser.add_argument("--margin", type=float, default=0.0, help="non-inferiority margin, without a spec")
    parser.add_argument("--alpha", type=float, default=0.05, help="P(false pass), without a spec")
    parser.add_argument("--attempt", type=int, default=0, help="plan for alpha as attempt K spends it")
    parser.add_argument("--max-loss-per-block", type=float, help="L, without a spec")
    parser.add_argument("--rare-loss-chance", type=float, help="chance of a rare loss in a block")
    parser.add_argument("--power", type=float, default=0.8, help="P(all gates pass) to plan for")
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
            print(_json({"stream": stream, **line} if stream else line) if args.json else _row(line, stream))
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
        print(_json({**summary, "because": decided.because, "gates": [_numbers(v) for v in verdicts]}))
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


def _plan(args: argparse.Namespace) -> int:
    if (args.spec is None) != (args.pilot is None):
        raise InputError(
            "--spec", args.spec, "given together with --pilot", "or give --effect and --sd alone"
        )
    plans = _plans_of_spec(args) if args.spec else [_plan_of_numbers(args)]
    for plan in plans:
        print(
            _json(plan) if args.json else "  ".join(f"{key}={_short(value)}" for key, value in plan.items())
        )
    return 0


def _plan_of_numbers(args: argparse.Namespace) -> dict[str, Any]:
    if args.sd is None or len(args.effect) != 1:
        raise InputError("--sd", args.sd, "given with one --effect", "or give --spec and --pilot")
    entry = {"name": "plan", "metric": "difference", "alpha": args.alpha}
    entry |= {"kind": "guardrail", "margin": args.margin} if args.margin else {"kind": "success"}
    (gate,) = parse_gates([{**entry, "maxLossPerBlock": args.max_loss_per_block}], "plan")
    effect = _effect(args.effect[0])
    return _mean_plan(gate, [gate], effect=effect, sd=args.sd, tau_int=1.0, args=args)


def _plans_of_spec(args: argparse.Namespace) -> list[dict[str, Any]]:
    gates = read_spec(args.spec)
    table = read_blocks(args.pilot)
    effects = _effects(args.effect, gates)
    return [_plan_of_gate(gate, gates, table, effects, args) for gate in gates if not gate.watches_only]


def _plan_of_gate(
    gate: GateSpec,
    gates: Sequence[GateSpec],
    table: BlockTable,
    effects: dict[str, float],
    args: argparse.Namespace,
) -> dict[str, Any]:
    rows = [row for stream in table.streams.values() for row in stream]
    if gate.test is Test.MEAN:
        pilot = Pilot.of(table.differences(gate, gates, rows))
        effect = effects.get(gate.name, 0.0 if gate.kind is Kind.GUARDRAIL else pilot.mean)
        plan = _mean_plan(gate, gates, effect=effect, sd=pilot.sd, tau_int=pilot.tau_int, args=args)
        return plan | {"pilotBlocks": pilot.n, "pilotMean": pilot.mean, "tauInt": pilot.tau_int}
    p0 = gate.pass_boundary
    if gate.test is Test.RATE_RATIO:
        p0, fewest = two_arm_share(1.0, 1.0, p0), "eventsOfBothArms"
        truth = two_arm_share(1.0, 1.0, effects.get(gate.name, 1.0 if gate.margin else 0.5))
    else:
        truth, fewest = effects.get(gate.name, 0.5 * p0), "trials"
    alpha = level(gate, gates, attempt=args.attempt).alpha
    return {
        "gate": gate.name,
        "boundary": gate.pass_boundary,
        "alpha": alpha,
        fewest: trials_to_pass(truth, p0, alpha),
        "withoutAnyEvent": trials_to_pass(0.0, p0, alpha),
        "minBlocks": gate.min_blocks,
    }


def _mean_plan(
    gate: GateSpec,
    gates: Sequence[GateSpec],
    *,
    effect: float,
    sd: float,
    tau_int: float,
    args: argparse.Namespace,
) -> dict[str, Any]:
    deciding = sum(1 for g in gates if not g.dry_run and not g.watches_only)
    alpha = level(gate, gates, attempt=args.attempt).alpha
    plan = plan_mean(
        effect=effect,
        sd=sd,
        boundary=gate.pass_boundary,
        alpha=alpha,
        t_star=gate.target_blocks,
        power=args.power,
        gates=max(1, deciding),
        min_blocks=gate.min_blocks,
        loss_bound=gate.max_loss_per_block,
        rare_loss_chance=args.rare_loss_chance,
        tau_int=tau_int,
    )
    numbers = {_camel(key): value for key, value in dataclasses.asdict(plan).items()}
    return {
        "gate": gate.name,
        "effect": effect,
        "boundary": gate.pass_boundary,
        "sd": sd,
        "alpha": alpha,
        **numbers,
    }


def _effects(given: Sequence[str], gates: Sequence[GateSpec]) -> dict[str, float]:
    names = {gate.name for gate in gates}
    effects = {}
    for text in given:
        name, equals, value = text.rpartition("=")
        if not equals or name not in names:
            raise InputError("--effect", text, f"GATE=X with a gate of the spec ({', '.join(sorted(names))})")
        effects[name] = _effect(value)
    return effects


def _effect(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError("--effect", text, "a finite number")
    return value


def read_spec(path: Path) -> tuple[GateSpec, ...]:
    """Read gates.yaml: the list itself, or a mapping with a `gates` list."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError("--spec", str(path), "a readable file", error.strerror or "") from None
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        first_line = " ".join(str(error).split())
        raise InputError("--spec", str(path), "YAML", first_line) from None
    return parse_gates(content["gates"] if isinstance(content, dict) and "gates" in content else content)


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, allow_nan=False)


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
    cells = [_short(line[key]) for key in keys]
    return _columns(cells) + (f" [{stream}]" if stream else "")


def _columns(cells: Sequence[str]) -> str:
    return " ".join(f"{cell:<{width}}" for cell, width in zip(cells, _WIDTHS, strict=True)).rstrip()


def _short(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
