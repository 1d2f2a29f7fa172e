"""One word for a policy as a whole, and the exit status that scripts go by."""

from __future__ import annotations

from enum import IntEnum

from quoting_operator.api.metadata import Condition, Truth
from quoting_operator.api.status import Phase
from quoting_operator.cli.plugin.style import Tone
from quoting_operator.cli.plugin.view import PolicyView


class Health(IntEnum):
    """How a policy stands; the value is the exit status of `kubectl quoting status`."""

    HEALTHY = 0
    DEGRADED = 1
    PROGRESSING = 2


OF_PHASE = {
    Phase.BASELINE: (Health.HEALTHY, Tone.GOOD),
    Phase.LIVE: (Health.HEALTHY, Tone.GOOD),
    Phase.PENDING: (Health.PROGRESSING, Tone.WAIT),
    Phase.PAPER: (Health.PROGRESSING, Tone.WAIT),
    Phase.SHADOW: (Health.PROGRESSING, Tone.WAIT),
    Phase.CANARY: (Health.PROGRESSING, Tone.WAIT),
    Phase.PAUSED: (Health.PROGRESSING, Tone.ODD),
    Phase.ROLLED_BACK: (Health.DEGRADED, Tone.BAD),
    Phase.EXPIRED: (Health.DEGRADED, Tone.BAD),
    Phase.KILLED: (Health.DEGRADED, Tone.BAD),
    Phase.INVALID: (Health.DEGRADED, Tone.BAD),
}

_FINE_WHEN_FALSE = frozenset({"Killed", "Diverged", "BaselineUnproven", "PlanChanged"})


def health(view: PolicyView) -> Health:
    """How a policy stands. What the operator has not looked at yet is progressing, whatever stood before."""
    status = view.status
    if status.phase is None or status.observed_generation < view.meta.generation:
        return Health.PROGRESSING
    return OF_PHASE[status.phase][0]


def tone(view: PolicyView) -> Tone:
    """How a policy's phase is shown."""
    return Tone.WAIT if view.status.phase is None else OF_PHASE[view.status.phase][1]


def worth_a_look(view: PolicyView) -> list[Condition]:
    """Conditions that are not as they should be."""
    return [
        condition
        for condition in view.status.conditions
        if condition.status is not (Truth.FALSE if condition.type in _FINE_WHEN_FALSE else Truth.TRUE)
    ]
