"""How much evidence a gate still lacks, in words."""

from __future__ import annotations

import math

from quoting_operator.cli.plugin.words import duration, plural
from quoting_operator.gates import GateState, Verdict, outcome, trials_to_pass
from quoting_operator.gates.count_evidence import CountEvidence
from quoting_operator.gates.counts import two_arm_share
from quoting_operator.gates.mean_evidence import MeanEvidence
from quoting_operator.gates.paired_evidence import PairedCountEvidence
from quoting_operator.gates.planning import blocks_to_pass, loss_free_blocks
from quoting_policy.errors import InputError

_ENOUGH_TO_TELL = 5
"""Blocks below which an estimate says nothing about how many more it takes."""


class NeverError(Exception):
    """At this estimate the gate does not pass, however long one waits."""


def missing(state: GateState, block_length_s: float) -> str:
    """What is missing until the gate passes if its estimate stays; empty where nothing is, or if it failed.

    block_length_s: 0 where blocks have no length in time, as in paper.
    """
    verdict, _, message = outcome(state)
    if verdict in (Verdict.PASS, Verdict.FAIL):
        return ""
    if verdict is Verdict.INCONCLUSIVE or state.spec.watches_only:
        return message
    try:
        more = blocks_missing(state)
    except NeverError as error:
        return str(error)
    if more is None:
        return f"at least {_more(state.spec.min_blocks - state.evidence.n, block_length_s)}"
    return f"about {_more(more, block_length_s)}"


def blocks_missing(state: GateState) -> int | None:
    """Blocks until the gate passes if things stay as they are; None while there are too few to tell.

    Raises NeverError where it would never pass.
    """
    evidence = state.evidence
    if evidence.n < _ENOUGH_TO_TELL:
        return None
    try:
        match evidence:
            case MeanEvidence():
                needed = _mean_blocks(state, evidence)
            case CountEvidence():
                pace = evidence.trials / evidence.n
                needed = _ratio(
                    trials_to_pass(evidence.estimate, evidence.rule.p_for, state.level.alpha), pace
                )
            case PairedCountEvidence():
                needed = _paired_blocks(state, evidence)
    except InputError:
        raise NeverError("no better than its boundary so far: at this estimate it will not pass") from None
    return max(needed, state.spec.min_blocks, evidence.n + 1) - evidence.n


def _mean_blocks(state: GateState, evidence: MeanEvidence) -> int:
    above = evidence.estimate - state.spec.pass_boundary
    spread = math.sqrt(evidence.sums.variance)
    if not above > 0.0:
        raise InputError("estimate", evidence.estimate, "above the boundary")
    if spread == 0.0:
        return state.spec.min_blocks
    needed = blocks_to_pass(above / spread, state.level.alpha, state.level.r2)
    worst = state.spec.max_loss_per_block
    if worst is not None:
        gain = above / (worst + state.spec.pass_boundary)
        needed = max(needed, loss_free_blocks(min(gain, 0.99), state.level.alpha))
    return needed


def _paired_blocks(state: GateState, evidence: PairedCountEvidence) -> int:
    pace = sum(evidence.events) / evidence.n
    truth = two_arm_share(evidence.ratio, 1.0, evidence.estimate)
    boundary = two_arm_share(evidence.ratio, 1.0, evidence.rule.p_for)
    return _ratio(trials_to_pass(truth, boundary, state.level.alpha), pace)


def _ratio(trials: float, pace: float) -> int:
    if not pace > 0.0:
        raise InputError("pace", pace, "> 0")
    return math.ceil(trials / pace)


def _more(count: int, block_length_s: float) -> str:
    words = plural(max(1, count), "more block")
    return f"{words}, {duration(max(1, count) * block_length_s)}" if block_length_s else words
