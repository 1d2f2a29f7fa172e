"""The way to live: stages behind, the one at hand, its steps, and what it waits for besides evidence."""

from __future__ import annotations

from datetime import datetime, timedelta

from quoting_operator.api.rollout import CanaryStage, Rollout
from quoting_operator.api.status import Phase, RolloutStage
from quoting_operator.cli.plugin.health import tone
from quoting_operator.cli.plugin.style import Style, Tone
from quoting_operator.cli.plugin.tree import Node, section
from quoting_operator.cli.plugin.view import PolicyView
from quoting_operator.cli.plugin.words import age, duration
from quoting_operator.rollout.evidence import blind_at
from quoting_operator.rollout.plan import Terms, terms
from quoting_policy.errors import InputError

_ORDER = tuple(RolloutStage)
_STANDS = frozenset({Phase.ROLLED_BACK, Phase.EXPIRED, Phase.KILLED, Phase.INVALID})
"""Phases in which the stage at hand goes nowhere."""


def stages(view: PolicyView, now: datetime, style: Style) -> Node | None:
    """The section; None where nothing is being rolled out."""
    status, rollout = view.status, view.rollout
    if status.stage is None or rollout is None:
        return None
    at = _ORDER.index(status.stage)
    arrow = " → " if style.unicode else " > "
    shown = [_stage(stage, i - at, view, rollout, style) for i, stage in enumerate(_ORDER)]
    return section("stages", arrow.join(shown), style, _waits(view, rollout, now))


def asked_now(view: PolicyView) -> Terms | None:
    """What the stage at hand asks for; None where there is none, or where the plan says too little."""
    status, rollout = view.status, view.rollout
    if status.stage is None or rollout is None:
        return None
    try:
        return terms(rollout, status.stage, status.step or 0)
    except InputError:
        return None


def _stage(stage: RolloutStage, place: int, view: PolicyView, rollout: Rollout, style: Style) -> str:
    if place < 0:
        return f"{stage.value} {style.mark(Tone.GOOD)}"
    if place > 0:
        return style.paint(stage.value, Tone.DIM)
    mark = style.mark(tone(view))
    shown = f"{style.paint(stage.value, Tone.STRONG)} {mark}"
    if stage is RolloutStage.CANARY and rollout.canary is not None:
        shown += f" ({_steps(rollout.canary, view.status.step or 0, mark, style)})"
    return shown


def _steps(canary: CanaryStage, at: int, now: str, style: Style) -> str:
    done = style.mark(Tone.GOOD)
    marks = [f" {done}" if i < at else (f" {now}" if i == at else "") for i in range(len(canary.steps))]
    return ", ".join(f"{step.exposure} %{mark}" for step, mark in zip(canary.steps, marks, strict=True))


def _waits(view: PolicyView, rollout: Rollout, now: datetime) -> list[Node]:
    status, asked = view.status, asked_now(view)
    since = status.step_started_at or status.stage_started_at
    if since is None or asked is None or status.phase in _STANDS:
        return []
    canary = status.stage is RolloutStage.CANARY and rollout.canary is not None
    words = [f"{'step' if canary else 'stage'} since {age(since, now)}"]
    if (soak := (since + asked.soak - now)) > timedelta(0) and asked.soak:
        words.append(f"soaks {duration(soak.total_seconds())} more")
    if asked.deadline is not None and status.stage_started_at is not None:
        left = status.stage_started_at + asked.deadline - now
        ends = f"in {duration(left.total_seconds())}" if left > timedelta(0) else "over"
        words.append(f"deadline {ends}")
    nodes = [Node(", ".join(words))]
    if measured := _measured(view, rollout, asked, now):
        nodes.append(Node(measured))
    if waits := _pause(view, asked, now):
        nodes.append(Node(waits))
    return nodes


def _measured(view: PolicyView, rollout: Rollout, asked: Terms, now: datetime) -> str:
    """Until when the candidate may go on without measurements, where it is in the market."""
    blocks, at = view.status.blocks, blind_at(view.status, rollout, asked)
    if blocks is None or at is None or not asked.exposure_percent:
        return ""
    last = blocks.last_accepted_at
    seen = "no block accepted yet" if last is None else f"last block accepted {age(last, now)} ago"
    left = (at - now).total_seconds()
    return f"{seen}; without another the baseline takes over {f'in {duration(left)}' if left > 0 else 'now'}"


def _pause(view: PolicyView, asked: Terms, now: datetime) -> str:
    """What a step with a pause waits for."""
    status = view.status
    if asked.pause is None or status.candidate is None:
        return ""
    if asked.pause.duration is not None:
        if status.step_passed_at is None:
            return f"then pauses for {duration(asked.pause.duration.total_seconds())}"
        left = status.step_passed_at + asked.pause.duration - now
        return f"pauses for {duration(left.total_seconds())} more"
    given = [a for a in status.approvals if (a.digest, a.step) == (status.candidate.digest, status.step)]
    if given:
        return f"consent given by {given[-1].by}: {given[-1].reason}"
    first = "its evidence is in; " if status.step_passed_at else "after its evidence "
    return f"{first}it waits for consent: kubectl quoting promote {view.meta.name} --reason ..."
