"""A policy as a tree: what quotes, where the candidate stands, what is missing, and what to look at."""

from __future__ import annotations

from datetime import datetime

from quoting_operator.api.status import EffectiveArm, Phase, ProofState, Quarantine
from quoting_operator.cli.plugin.gate_rows import gates
from quoting_operator.cli.plugin.health import tone, worth_a_look
from quoting_operator.cli.plugin.pod_rows import pods
from quoting_operator.cli.plugin.stages import stages
from quoting_operator.cli.plugin.style import Style, Tone
from quoting_operator.cli.plugin.tree import Node, aligned, section
from quoting_operator.cli.plugin.view import PolicyView
from quoting_operator.cli.plugin.words import age, clock, short

_MOST_HISTORY, _MOST_COMMANDS = 5, 3
_PROOF = {ProofState.RUNNING: Tone.WAIT, ProofState.PASSED: Tone.GOOD, ProofState.FAILED: Tone.BAD}


def policy_tree(view: PolicyView, now: datetime, style: Style) -> Node:
    """The tree of one policy."""
    phase = "not seen by the operator yet" if view.status.phase is None else view.status.phase.value
    look = tone(view)
    title = f"{view.meta.namespace}/{view.meta.name}  {style.mark(look)} {style.paint(phase, look)}"
    sections = (
        _message(view),
        _stale(view, style),
        _quotes(view, style),
        _candidate(view, style),
        stages(view, now, style),
        _paper(view, style),
        _proofs(view, style),
        gates(view, style),
        pods(view, style),
        _rollback(view, now, style),
        _expired(view, style),
        _attention(view, style),
        _commands(view, now, style),
        _history(view, now, style),
    )
    return Node(title, tuple(section for section in sections if section is not None))


def _message(view: PolicyView) -> Node | None:
    return Node(view.status.message, hang=0) if view.status.message else None


def _stale(view: PolicyView, style: Style) -> Node | None:
    seen, written = view.status.observed_generation, view.meta.generation
    if view.status.phase is None or seen >= written:
        return None
    text = f"{style.mark(Tone.WAIT)} generation {written} of the spec is not judged yet; this is about {seen}"
    return section("spec", text, style)


def _quotes(view: PolicyView, style: Style) -> Node | None:
    effective = view.status.effective
    if effective is None:
        return None
    baseline, candidate = _models(view)
    match effective.arm:
        case EffectiveArm.NONE:
            text = f"{style.mark(Tone.BAD)} nothing"
        case EffectiveArm.BASELINE:
            text = f"{style.mark(Tone.GOOD)} baseline{baseline}"
        case EffectiveArm.CANDIDATE:
            share = effective.exposure_percent
            text = (
                f"{style.mark(Tone.GOOD)} candidate{candidate} {share} % of the time,"
                f" baseline{baseline} {100 - share} %"
            )
    revision = f"; revision {effective.revision}" if effective.revision else ""
    return section("quotes", text + revision, style)


def _models(view: PolicyView) -> tuple[str, str]:
    if view.revision is None:
        return "", ""
    content = view.revision.content
    candidate = "" if content.candidate is None else f" {content.candidate.model}"
    return f" {content.baseline.model}", candidate


def _candidate(view: PolicyView, style: Style) -> Node | None:
    status = view.status
    if status.candidate is None:
        return None
    digest = status.candidate.digest
    words = [short(digest) + _models(view)[1], f"attempt {status.attempt}"]
    if any(held.digest == digest for held in status.quarantined):
        words.append(style.paint("quarantined", Tone.BAD))
    if status.paused is not None:
        why = f": {status.paused.reason}" if status.paused.reason else ""
        words.append(f"paused by {status.paused.by}{why}")
    return section("candidate", ", ".join(words), style)


def _paper(view: PolicyView, style: Style) -> Node | None:
    paper = view.status.paper
    if paper is None or not paper.sessions:
        return None
    text = f"{paper.finished} of {paper.sessions} sessions"
    if paper.failed:
        text += f", {style.paint(f'{paper.failed} failed', Tone.BAD)}"
    if paper.report:
        text += f"; kubectl quoting report {view.meta.name}"
    return section("paper", text, style)


def _proofs(view: PolicyView, style: Style) -> Node | None:
    found = [("clamps", view.status.conformance), ("rollback", view.status.rehearsal)]
    shown = [
        f"{style.mark(_PROOF[proof.state])} {name} {proof.state.value.lower()}"
        + (f" ({proof.message})" if proof.message else "")
        for name, proof in found
        if proof is not None
    ]
    digest = "" if view.status.candidate is None else view.status.candidate.digest
    shown += [
        f"{style.mark(Tone.GOOD)} {stated.criterion} attested by {stated.by}"
        for stated in view.status.attested
        if stated.digest == digest
    ]
    return section("proofs", "   ".join(shown), style) if shown else None


def _rollback(view: PolicyView, now: datetime, style: Style) -> Node | None:
    """What was rolled back and is held; a way out where there is one."""
    status = view.status
    nodes = []
    back, candidate = status.rollback, status.candidate
    if back is not None and (candidate is None or candidate.digest == back.digest):
        where = f" in {back.stage.value}" if back.stage else ""
        pod = f", pod {back.pod}" if back.pod else ""
        clamps = f" [{', '.join(back.clamps)}]" if back.clamps else ""
        text = f"{short(back.digest)} {back.reason.value}{clamps}{where}{pod}: {back.message}"
        nodes.append(Node(f"{style.mark(Tone.BAD)} {clock(back.at, now)}  {text}", hang=4))
    nodes += [Node(_quarantined(held, view, now, style), hang=4) for held in status.quarantined]
    return section("rolled back", "", style, tuple(nodes)) if nodes else None


def _quarantined(held: Quarantine, view: PolicyView, now: datetime, style: Style) -> str:
    """A digest that is refused, why where the rollback beside it does not say it, and the way out."""
    digest, rollback = short(held.digest), view.status.rollback
    why = "" if rollback is not None and rollback.digest == held.digest else f": {held.reason}"
    return (
        f"{style.mark(Tone.ODD)} {digest} is quarantined since {age(held.at, now)}{why};"
        f" kubectl quoting unquarantine {view.meta.name} --digest {digest} --reason ... lets it go"
    )


def _expired(view: PolicyView, style: Style) -> Node | None:
    if view.status.phase is not Phase.EXPIRED:
        return None
    words = f"kubectl quoting retry {view.meta.name} --reason ... begins a new attempt, at a smaller alpha"
    return section("then", words, style)


def _attention(view: PolicyView, style: Style) -> Node | None:
    told = view.status.message
    found = [c for c in worth_a_look(view) if not (c.message and c.message in told)]
    if not found:
        return None
    rows = aligned([(style.mark(Tone.ODD), c.type, c.message or c.reason) for c in found])
    return section("look at", "", style, tuple(Node(row, hang=4) for row in rows))


def _commands(view: PolicyView, now: datetime, style: Style) -> Node | None:
    latest = sorted(view.status.commands, key=lambda command: command.at)[-_MOST_COMMANDS:]
    if not latest:
        return None
    nodes = []
    for c in latest:
        mark = style.mark(Tone.GOOD if c.done else Tone.BAD)
        why = f" ({c.reason})" if c.reason else ""
        outcome = c.message if c.done else f"refused: {c.message}"
        nodes.append(Node(f"{mark} {clock(c.at, now)}  {c.verb} by {c.by}{why}: {outcome}", hang=4))
    return section("asked", "", style, tuple(nodes))


def _history(view: PolicyView, now: datetime, style: Style) -> Node | None:
    latest = view.status.history[-_MOST_HISTORY:]
    if not latest:
        return None
    rows = aligned([(clock(e.at, now), e.phase.value, short(e.digest) or "-") for e in latest])
    nodes = (Node(f"{row}  {entry.message}", hang=4) for row, entry in zip(rows, latest, strict=True))
    return section("history", "", style, tuple(nodes))
