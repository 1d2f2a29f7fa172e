"""The live view: a policy's status and the app's last line, as lines of text. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from examples.demo.venue_line import VenueLine

Json = Mapping[str, Any]
_MARKS = {"Pass": "+", "Fail": "!", "Inconclusive": "?", "Continue": "."}


def lines(status: Json, app: VenueLine | None, *, elapsed_s: float, width: int) -> list[str]:
    """What is redrawn on a terminal, none longer than ``width``."""
    shown = [f"  {elapsed_s:6.1f} s  {standing(status)}"]
    shown += [f"    {gate_line(gate)}" for gate in status.get("gates") or ()]
    for proof in ("conformance", "rehearsal"):
        if found := status.get(proof):
            shown.append(f"    . {proof:<14} {found['state']}  {found.get('message', '')}")
    if app is not None:
        shown.append(f"    app: {app.text}")
    return [line if len(line) <= width else line[: width - 1] + "…" for line in shown]


def standing(status: Json) -> str:
    """Phase, stage, step, exposure, who may quote."""
    phase = status.get("phase") or "unknown"
    words = [phase]
    if (stage := status.get("stage")) and stage != phase:
        words.append(f"(stage {stage})")
    if stage == "Canary" and status.get("step") is not None:
        words.append(f"step {status['step'] + 1}")
    effective = status.get("effective") or {}
    if effective:
        words.append(f"{effective.get('arm', '?')} {effective.get('exposurePercent', 0)} %")
    if stage == "Paper" and (paper := status.get("paper")):
        words.append(f"sessions {paper.get('finished', 0)}/{paper.get('sessions', 0)}")
    return "  ".join(words)


def gate_line(gate: Json) -> str:
    """A gate's name, verdict, number of blocks, estimate, and what its e-process says."""
    estimate = gate.get("estimate")
    shown = "-" if estimate is None else f"{estimate:+.4g}"
    mark = _MARKS.get(gate["verdict"], "?")
    name, verdict, blocks = gate["name"], gate["verdict"], gate.get("blocks", 0)
    return f"{mark} {name:<14} {verdict:<12} n={blocks:<4} D={shown:<10} {gate.get('message', '')}".rstrip()


def plain_key(status: Json) -> tuple[object, ...]:
    """What is worth a new line where nothing can be redrawn: a change of it."""
    effective = status.get("effective") or {}
    verdicts = tuple((gate["name"], gate["verdict"]) for gate in status.get("gates") or ())
    return (status.get("phase"), status.get("step"), effective.get("exposurePercent"), verdicts)


def redraw(before: Sequence[str], now: Sequence[str]) -> str:
    """What a terminal is sent to show ``now`` where ``before`` stands."""
    up = f"\x1b[{len(before)}A" if before else ""
    return up + "\x1b[J" + "".join(f"{line}\n" for line in now)
