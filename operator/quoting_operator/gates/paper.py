"""What the gates of paper say to the evidence of its sessions: the same in a cluster and on a desk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from quoting_operator.gates.sessions import absorb_sessions
from quoting_operator.gates.state import GateState
from quoting_operator.gates.verdict import GateVerdict, StageDecision, combine, judge
from quoting_policy.domain.session import SessionEvidence

_ALARMING = ("candidate crashed", "candidate breached")
"""Rejections that roll back at once."""

_UNSOUND = ("baseline crashed", "session is empty")
"""Rejections that keep a run from promoting whatever its gates say."""


@dataclass(frozen=True, slots=True)
class PaperVerdict:
    """Gates with the sessions' blocks taken in, what each says, and what they decide together.

    rejections: why sessions, or an arm in them, are no evidence.
    """

    states: tuple[GateState, ...]
    gates: tuple[GateVerdict, ...]
    decision: StageDecision
    rejections: tuple[str, ...]


def judge_paper(
    starts: Sequence[GateState], sessions: Sequence[SessionEvidence], *, complete: bool = True
) -> PaperVerdict:
    """Judge sessions with gates that have seen nothing yet.

    complete: whether every session asked for is among them; without one of them nothing is promoted, since
    which sessions are missing may depend on what happened in them. Raises InputError where two have the same
    index.
    """
    states = tuple(absorb_sessions(state, sessions) for state in starts)
    # Health is about the newest block of a stream; here all there will ever be is in, whichever came last.
    verdicts = tuple(replace(judge(state), healthy=True) for state in states)
    rejections = tuple(f"{item.name}: {reason}" for item in sessions for reason in item.rejections)
    alarms = [reason for reason in rejections if any(words in reason for words in _ALARMING)]
    unsound = any(words in reason for reason in rejections for words in _UNSOUND)
    decision = combine(verdicts, soak_over=complete, alarms=alarms, integrity_holds=not unsound)
    return PaperVerdict(states, verdicts, decision, rejections)
