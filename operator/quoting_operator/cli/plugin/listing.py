"""Policies as a table, a line each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from quoting_operator.api.status import EffectiveArm
from quoting_operator.cli.plugin.gate_rows import VERDICTS
from quoting_operator.cli.plugin.health import tone
from quoting_operator.cli.plugin.style import Style, Tone
from quoting_operator.cli.plugin.tree import aligned, cut
from quoting_operator.cli.plugin.view import PolicyView
from quoting_operator.cli.plugin.words import short_age

_HEADINGS = ("NAME", "PHASE", "STEP", "QUOTES", "GATES", "PODS", "AGE", "MESSAGE")


def listing(
    views: Sequence[PolicyView], now: datetime, style: Style, *, namespaces: bool, width: int = 0
) -> list[str]:
    """The table with its headings. namespaces: with a column for them. width: messages are cut there."""
    rows = [_HEADINGS, *(_row(view, now, style) for view in views)]
    if namespaces:
        spaces = ["NAMESPACE", *(view.meta.namespace for view in views)]
        rows = [(space, *row) for space, row in zip(spaces, rows, strict=True)]
    lines = aligned(rows)
    return [cut(line, width, style) for line in lines] if width else lines


def brief(view: PolicyView, style: Style) -> str:
    """A policy in a line that changes only when something happens, for a log."""
    said = f": {view.status.message}" if view.status.message else ""
    where = f"{view.meta.namespace}/{view.meta.name}"
    return f"{where} {_phase(view, style)}, quotes {_quotes(view)}, gates {_gates(view, style)}{said}"


def _row(view: PolicyView, now: datetime, style: Style) -> tuple[str, ...]:
    pods = view.status.pods
    return (
        view.meta.name,
        _phase(view, style),
        _step(view),
        _quotes(view),
        _gates(view, style),
        "-" if pods is None else f"{pods.with_sidecar}/{pods.total}",
        short_age(view.created, now),
        view.status.message,
    )


def _phase(view: PolicyView, style: Style) -> str:
    phase, look = view.status.phase, tone(view)
    return f"{style.mark(look)} {style.paint('Unseen' if phase is None else phase.value, look)}"


def _step(view: PolicyView) -> str:
    canary = None if view.rollout is None else view.rollout.canary
    if view.status.step is None:
        return "-"
    return f"{view.status.step + 1}/{'?' if canary is None else len(canary.steps)}"


def _quotes(view: PolicyView) -> str:
    effective = view.status.effective
    if effective is None:
        return "-"
    if effective.arm is EffectiveArm.CANDIDATE:
        return f"candidate {effective.exposure_percent} %"
    return effective.arm.value.lower() if effective.arm is EffectiveArm.BASELINE else "nothing"


def _gates(view: PolicyView, style: Style) -> str:
    """Gates by verdict: how many passed, go on, are stuck, failed."""
    count = Counter(VERDICTS.get(gate.verdict, Tone.ODD) for gate in view.status.gates)
    shown = [f"{style.mark(look)}{count[look]}" for look in VERDICTS.values() if count[look]]
    return " ".join(shown) or "-"
