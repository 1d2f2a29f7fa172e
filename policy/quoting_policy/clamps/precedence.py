"""Who quotes: the ordered rules that come before every limit. The first that applies wins."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from quoting_policy.domain import Arm, KillAction, Mode, Stage


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """All that decides who may quote.

    kill: None is *not told yet*. latched: name of the latched breach of this digest. stage: what a live
    authority for this very digest allows; None is no such authority. slot_arm: whose turn it is.
    """

    configured: bool = False
    draining: bool = False
    kill: KillAction | None = None
    has_candidate: bool = False
    latched: str | None = None
    stage: Stage | None = None
    slot_arm: Arm = Arm.BASELINE


class Rule(NamedTuple):
    """One rule: it applies, or not; then this arm quotes (None: nobody does), and apps are told the mode."""

    name: str
    applies: Callable[[Standing], bool]
    arm: Arm | None
    mode: Mode = Mode.ACTIVE


class Choice(msgspec.Struct, frozen=True):
    """Who quotes, why, and the mode that apps are told. reasons: the rule, as decisions carry it."""

    arm: Arm | None
    rule: str
    mode: Mode
    reasons: tuple[str, ...]


PRECEDENCE = (
    Rule("draining", lambda s: s.draining, None, Mode.HALTED),
    Rule("not_configured", lambda s: not s.configured, None, Mode.NOT_CONFIGURED),
    Rule("kill_unknown", lambda s: s.kill is None, None, Mode.NOT_CONFIGURED),
    Rule("kill_halt", lambda s: s.kill is KillAction.HALT, None, Mode.HALTED),
    Rule("kill_baseline", lambda s: s.kill is KillAction.BASELINE, Arm.BASELINE),
    Rule("no_candidate", lambda s: not s.has_candidate, Arm.BASELINE),
    Rule("latched_breach", lambda s: s.latched is not None, Arm.BASELINE),
    Rule("no_authority", lambda s: s.stage is None, Arm.BASELINE),
    Rule("shadow", lambda s: s.stage is Stage.SHADOW, Arm.BASELINE),
    Rule("baseline_slot", lambda s: s.slot_arm is Arm.BASELINE, Arm.BASELINE),
    Rule("candidate_slot", lambda s: True, Arm.CANDIDATE),  # noqa: ARG005  the last rule always applies
)
"""Highest precedence first. Only the last one lets the candidate quote: all others must fail to apply."""


def choose(standing: Standing) -> Choice:
    """The first rule that applies decides."""
    rule = next(rule for rule in PRECEDENCE if rule.applies(standing))
    return Choice(rule.arm, rule.name, rule.mode, (rule.name,))
