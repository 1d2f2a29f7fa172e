"""Pods of a policy and what each may quote, as far as the API server tells."""

from __future__ import annotations

from quoting_operator.api.policy import POLICY_LABEL
from quoting_operator.api.status import Effective, EffectiveArm
from quoting_operator.cli.plugin.style import Style, Tone
from quoting_operator.cli.plugin.tree import Node, aligned, section
from quoting_operator.cli.plugin.view import PodView, PolicyView
from quoting_operator.cli.plugin.words import plural, short

_MOST = 20


def pods(view: PolicyView, style: Style) -> Node:
    """The section. A sidecar obeys its own latches and leases: it may quote less than it is told here."""
    if view.pods is None:
        counted = view.status.pods
        known = "" if counted is None else f"{counted.with_sidecar} of {counted.total} with the sidecar; "
        return section("pods", f"{known}you may not list pods here", style)
    if not view.pods:
        return section("pods", f"none carries the label {POLICY_LABEL}={view.meta.name}", style)
    ready = sum(pod.ready for pod in view.pods)
    rows = aligned([_row(pod, view, style) for pod in view.pods[:_MOST]])
    more = [f"and {plural(len(view.pods) - _MOST, 'more pod')}"] if len(view.pods) > _MOST else []
    head = f"{ready} of {len(view.pods)} ready"
    return section("pods", head, style, (Node(row, hang=4) for row in (*rows, *more)))


def _row(pod: PodView, view: PolicyView, style: Style) -> tuple[str, ...]:
    if not pod.injected:
        remedy = "not injected: delete it, so that it comes back with the sidecar"
        return style.mark(Tone.BAD), pod.name, "unknown", remedy
    rollback = view.status.rollback
    breached = rollback is not None and rollback.pod == pod.name
    trouble = "; ".join(
        f"{part} {state}" for part, state in (("engine", pod.engine), ("agent", pod.agent)) if state
    )
    words = trouble or "engine and agent ready"
    if pod.restarts:
        words += f", {plural(pod.restarts, 'restart')}"
    if breached:
        words += f", {style.paint('breached', Tone.BAD)}"
    words += f", sidecar {short(pod.sidecar)}" if pod.sidecar else ""
    look = Tone.GOOD if pod.ready else Tone.BAD if pod.engine else Tone.ODD
    return style.mark(look), pod.name, _quotes(pod, view.status.effective), words


def _quotes(pod: PodView, effective: Effective | None) -> str:
    """What a pod quotes by what it was told; a sidecar that is not ready quotes the baseline at most."""
    if effective is None or pod.engine:
        return "unknown"
    if effective.arm is EffectiveArm.NONE:
        return "nothing"
    if effective.arm is EffectiveArm.CANDIDATE and not pod.agent:
        return f"candidate {effective.exposure_percent} %"
    return "baseline"
