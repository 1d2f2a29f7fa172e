"""One reconcile pass as a pure function: the steps in their order, and what an error may not stop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from quoting_operator.rollout import advance, authority, commands, latches, report, safety
from quoting_operator.rollout.decision import Decision, Draft, StepError
from quoting_operator.rollout.observed import Observed


class Step(NamedTuple):
    """One step of a pass.

    order: its place in the eight-step order. guards: it makes the market safer, so it is taken whatever
    failed before; any other step is left out once something failed.
    """

    order: int
    name: str
    take: Callable[[Observed, Draft, datetime], Draft]
    guards: bool = True


STEPS = (
    Step(1, "kill and latches", latches.kill_and_latches),
    Step(1, "abort", commands.abort),
    Step(2, "authority", authority.authority),
    Step(3, "safety", safety.safety),
    Step(4, "exposure", safety.exposure),
    Step(5, "verdicts", advance.verdicts),
    Step(6, "commands", commands.commands, guards=False),
    Step(6, "conditions", advance.conditions, guards=False),
    Step(7, "advance", advance.advance, guards=False),
    Step(8, "report", report.report),
)
"""In order."""


def decide(seen: Observed, now: datetime, table: Sequence[Step] = STEPS) -> Decision:
    """Decide about one policy. Never raises: a step that fails is reported, those before it stand."""
    draft = Draft(status=seen.status, pinned=seen.pinned)
    for step in table:
        if draft.errors and not step.guards:
            continue
        try:
            draft = step.take(seen, draft, now)
        except Exception as error:  # noqa: BLE001  whatever fails in one step must not stop another
            failed = StepError(step.name, f"{type(error).__name__}: {error}")
            draft = draft.set(errors=(*draft.errors, failed))
    return Decision(
        actions=draft.actions,
        status=draft.status,
        due=min(draft.due, default=None),
        request=draft.request,
        errors=draft.errors,
    )
