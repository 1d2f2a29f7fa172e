"""Blocks of gates from sealed counters at consecutive block edges."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from quoting_operator.gates.blocks import (
    ArmEdge,
    Block,
    BlockBuilder,
    CountBlock,
    Counters,
    DifferenceBlock,
    Edge,
    PairedCountBlock,
    RejectedBlock,
    Rejection,
)
from quoting_operator.gates.published import ANSWERED, EXPOSURE, TRACKS, Formula, formula_of
from quoting_operator.gates.sealed import SealedBook, SealedEdge
from quoting_operator.gates.sessions import session_metric
from quoting_operator.gates.spec import GateSpec, Kind, Stage, Test
from quoting_policy.domain.measures import LEAST_OWN_SHARE, MEASURES, Orientation

Pair = tuple[SealedEdge, SealedEdge]
UP = Orientation.HIGHER_IS_BETTER

_ABSENT = {
    (False, True): Rejection.CANDIDATE_MISSING,
    (True, False): Rejection.BASELINE_MISSING,
    (False, False): Rejection.BOTH_MISSING,
}
"""(candidate is there, baseline is there) -> why the block is no evidence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedBlocks:
    """Turns edges of one policy in one stage into blocks. digest: the revision's, which holds both arms."""

    digest: str
    stage: Stage

    def of(self, gates: Iterable[GateSpec], edges: Sequence[SealedEdge]) -> dict[str, tuple[Block, ...]]:
        """By gate, a block for each edge but the first.

        Raises InputError where a gate's metric is not published.
        """
        pairs = tuple(itertools.pairwise(edges))
        absences = {
            single: [self._absence(*pair, single=single) for pair in pairs] for single in (False, True)
        }
        return {
            gate.name: tuple(map(functools.partial(self._block, gate), pairs, absences[_single(gate)]))
            for gate in gates
        }

    def _block(self, gate: GateSpec, edges: Pair, absence: Rejection | None) -> Block:
        formula, (before, after) = formula_of(gate), edges
        if absence is not None:
            return RejectedBlock(after.index, absence)
        if gate.kind is Kind.INTEGRITY:
            return DifferenceBlock(after.index, 0.0)
        return self._build(formula, before, after, gate.test, MEASURES[session_metric(gate)].better)

    def _absence(self, before: SealedEdge, after: SealedEdge, *, single: bool) -> Rejection | None:
        """Why the block is no evidence, whatever the metric: an edge is not whole, or an arm was not there.

        An arm that was asked and hardly answered is missing. One that was never asked (no authority, a kill
        switch, a silent app) is not to blame for it: the block has no exposure.
        """
        if defect := before.defect or after.defect:
            return defect
        test = Test.PROPORTION if single else Test.RATE_RATIO
        block = self._build(ANSWERED, before, after, test)
        if isinstance(block, RejectedBlock):
            return block.reason
        return _missing(block) or (None if single else self._lopsided(before, after))

    def _build(
        self, formula: Formula, before: SealedEdge, after: SealedEdge, test: Test, better: Orientation = UP
    ) -> Block:
        builder = BlockBuilder(
            candidate_digest=self.digest, baseline_digest=self.digest, test=test, orientation=better
        )
        return builder.build(self._edge(before, formula), self._edge(after, formula))

    def _lopsided(self, before: SealedEdge, after: SealedEdge) -> Rejection | None:
        """A book in which one arm had time and the other none would weigh in one rate only."""
        for name, new in after.books.items():
            old = before.books[name]
            candidate, baseline = (
                new.counters.get((track, EXPOSURE), math.nan) > old.counters.get((track, EXPOSURE), math.nan)
                for track in TRACKS[self.stage]
            )
            if candidate != baseline:
                return Rejection.NO_EXPOSURE
        return None

    def _edge(self, edge: SealedEdge, formula: Formula) -> Edge:
        candidate, baseline = (self._arm(edge, track, formula) for track in TRACKS[self.stage])
        return Edge(edge.index, edge.end_s, candidate, baseline)

    def _arm(self, edge: SealedEdge, track: str, formula: Formula) -> ArmEdge | None:
        """One arm's counters in all books; None where every book that was read knows nothing of the arm."""
        books = edge.books
        if not any(not book.read or (track, EXPOSURE) in book.counters for book in books.values()):
            return None
        return ArmEdge(
            digest=self.digest,
            sampled_at_s=min(book.sampled_at_s for book in books.values()),
            series={name: _counters(book, track, formula) for name, book in books.items()},
        )


def _single(gate: GateSpec) -> bool:
    """Whether the gate looks at the candidate alone."""
    return gate.test in (Test.PROPORTION, Test.QUANTILE) and gate.kind is not Kind.INTEGRITY


def _counters(book: SealedBook, track: str, formula: Formula) -> Counters:
    """What is not there is not a number, and not zero."""
    gain, per = (book.counters.get((track, name), math.nan) for name in (formula.gain, formula.per))
    loss = book.counters.get((track, formula.loss), math.nan) if formula.loss else 0.0
    return Counters(
        gain=formula.factor * gain, exposure=per, loss=formula.factor * loss, complete=book.complete
    )


def _missing(answers: Block) -> Rejection | None:
    """Which arm answered too little of what it was asked in the block; of one arm, or of both."""
    match answers:
        case CountBlock(events=answered, trials=asked):
            there = (answered >= LEAST_OWN_SHARE * asked, True)
        case PairedCountBlock():
            there = (
                answers.candidate_events >= LEAST_OWN_SHARE * answers.candidate_exposure,
                answers.baseline_events >= LEAST_OWN_SHARE * answers.baseline_exposure,
            )
        case _:
            raise AssertionError("answers are counts")
    return _ABSENT.get(there)
