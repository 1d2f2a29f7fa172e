"""Gates with their estimate, confidence interval, and what is missing."""

from __future__ import annotations

from quoting_operator.api.status import GateStatus, Phase, RolloutStage
from quoting_operator.cli.plugin.missing import missing
from quoting_operator.cli.plugin.stages import asked_now
from quoting_operator.cli.plugin.style import Style, Tone
from quoting_operator.cli.plugin.tree import Node, aligned, section
from quoting_operator.cli.plugin.view import PolicyView
from quoting_operator.cli.plugin.words import plural, signed
from quoting_operator.gates import GateSpec, Test

VERDICTS = {"Pass": Tone.GOOD, "Fail": Tone.BAD, "Continue": Tone.WAIT, "Inconclusive": Tone.ODD}

_NOBODY_WAITS = frozenset({Phase.ROLLED_BACK, Phase.KILLED, Phase.INVALID})


def gates(view: PolicyView, style: Style) -> Node | None:
    """The section; None where no gate is judged."""
    shown = view.status.gates
    if not shown:
        return None
    asked = asked_now(view)
    length_s = 0.0 if asked is None else asked.block_length_s
    rows = aligned([_row(view, gate, length_s, style) for gate in shown])
    deciding = [gate for gate in shown if not gate.dry_run and not _watches(view, gate)]
    passed = sum(gate.verdict == "Pass" for gate in deciding)
    head = f"{passed} of {len(deciding)} passed"
    if view.status.stage is RolloutStage.LIVE:
        head = f"{plural(len(shown), 'gate')} watching for ever"
    return section("gates", head, style, (Node(row, hang=4) for row in rows))


def _row(view: PolicyView, gate: GateStatus, length_s: float, style: Style) -> tuple[str, ...]:
    spec = view.gate_spec(gate.name)
    watches = gate.verdict == "Continue" and (_watches(view, gate) or view.status.stage is RolloutStage.LIVE)
    look = Tone.PLAIN if watches else VERDICTS.get(gate.verdict, Tone.ODD)
    word = "watches" if watches else gate.verdict
    least = f" of {spec.min_blocks}" if spec is not None and gate.blocks < spec.min_blocks else ""
    said = "" if watches else _said(view, gate, length_s)
    return (
        style.mark(look),
        gate.name,
        "" if spec is None else spec.series,
        style.paint(word, look),
        _estimate(gate, spec),
        f"n {gate.blocks}{'' if watches else least}",
        ": ".join(filter(None, ("dry run" if gate.dry_run else "", said))),
    )


def _said(view: PolicyView, gate: GateStatus, length_s: float) -> str:
    """Why it failed, or what is missing where there is still somebody waiting for it."""
    if gate.verdict == "Fail":
        return gate.message
    if view.status.phase in _NOBODY_WAITS:
        return ""
    state = view.gate_state(gate)
    return gate.message if state is None else missing(state, length_s)


def _estimate(gate: GateStatus, spec: GateSpec | None) -> str:
    """Estimate and confidence interval: differences with a sign, shares and ratios without."""
    if gate.estimate is None:
        return "no estimate"
    mean = spec is None or spec.test is Test.MEAN
    texts = [
        signed(x) if mean else ("?" if x is None else f"{x:.3g}")
        for x in (gate.estimate, gate.lower, gate.upper)
    ]
    return f"{texts[0]} [{texts[1]}, {texts[2]}]"


def _watches(view: PolicyView, gate: GateStatus) -> bool:
    spec = view.gate_spec(gate.name)
    return spec is not None and spec.watches_only
