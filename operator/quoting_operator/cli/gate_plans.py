"""`quoting gates plan`: blocks needed for an effect, from pilot statistics."""

from __future__ import annotations

import argparse
import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from quoting_operator.cli.blocks_csv import BlockTable, read_blocks
from quoting_operator.cli.gate_files import json_line, read_spec, short
from quoting_operator.gates import (
    GateSpec,
    Kind,
    Pilot,
    Test,
    level,
    parse_gates,
    plan_mean,
    trials_to_pass,
)
from quoting_operator.gates.counts import two_arm_share
from quoting_policy.errors import InputError


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `plan`."""
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


def run(args: argparse.Namespace) -> int:
    """Print one plan a gate."""
    if (args.spec is None) != (args.pilot is None):
        raise InputError(
            "--spec", args.spec, "given together with --pilot", "or give --effect and --sd alone"
        )
    plans = _plans_of_spec(args) if args.spec else [_plan_of_numbers(args)]
    for plan in plans:
        print(
            json_line(plan)
            if args.json
            else "  ".join(f"{key}={short(value)}" for key, value in plan.items())
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
        return plan | {
            "pilotBlocks": pilot.n,
            "pilotMean": pilot.mean,
            "tauInt": pilot.tau_int,
            "tauError": pilot.tau_error,
        }
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


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
