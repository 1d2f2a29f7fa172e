"""Blocks: from cumulative counters at block edges to an oriented difference, or a typed rejection.

The counters are monotone (gain and loss apart, with exposure), read raw at each edge and differenced here,
series by series: a sum over pods hides a reset. See the data-health table in docs/gates.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from quoting_operator.gates.spec import Test
from quoting_policy.domain.measures import Orientation
from quoting_policy.errors import InputError


class Rejection(StrEnum):
    """Why a block carries no evidence."""

    UNREACHABLE = "Unreachable"  # Prometheus down, timeout, partial answer, warnings
    CANDIDATE_MISSING = "CandidateMissing"
    BASELINE_MISSING = "BaselineMissing"
    BOTH_MISSING = "BothMissing"
    SERIES_CHANGED = "SeriesChanged"
    NOT_FINITE = "NotFinite"
    NO_EXPOSURE = "NoExposure"
    STALE = "Stale"
    RESET = "Reset"
    INCOMPLETE = "Incomplete"  # not measured from its first moment
    AMBIGUOUS = "Ambiguous"  # two series claim to be the same counter
    MISALIGNED = "Misaligned"
    DUPLICATE = "Duplicate"
    DIGEST_CHANGED = "DigestChanged"
    INCONSISTENT = "Inconsistent"  # more bad events than trials


@dataclass(frozen=True, slots=True)
class DifferenceBlock:
    """An accepted block of a mean gate: value is positive where the candidate was better."""

    index: int
    value: float


@dataclass(frozen=True, slots=True)
class CountBlock:
    """An accepted block of a single-arm counting gate: bad events of the candidate among its trials."""

    index: int
    events: float
    trials: float


@dataclass(frozen=True, slots=True)
class PairedCountBlock:
    """An accepted block of a two-arm counting gate: bad events and exposure of both arms."""

    index: int
    candidate_events: float
    candidate_exposure: float
    baseline_events: float
    baseline_exposure: float


@dataclass(frozen=True, slots=True)
class RejectedBlock:
    """A block without evidence."""

    index: int
    reason: Rejection


LARGEST = 1e100
"""Magnitude from which a difference counts as not finite: its square must not overflow."""

Block = DifferenceBlock | CountBlock | PairedCountBlock | RejectedBlock


_SINGLE_ARM = frozenset({Test.PROPORTION, Test.QUANTILE})


@dataclass(frozen=True, slots=True)
class Counters:
    """Cumulative counters of one series (one pod, one book) at one edge.

    gain, loss: in the metric's unit; a counting metric has its bad events in gain. exposure: seconds, trials
    or lots that the metric is per. started_at_s: when the counters were last zero, s since the epoch.
    complete: whether the block that ends here was measured from its first moment.
    """

    gain: float
    exposure: float
    loss: float = 0.0
    started_at_s: float = 0.0
    complete: bool = True


@dataclass(frozen=True, slots=True)
class ArmEdge:
    """One arm's series as they stood at a block edge, and when they were sampled (s since the epoch)."""

    digest: str
    sampled_at_s: float
    series: Mapping[str, Counters]


@dataclass(frozen=True, slots=True)
class Edge:
    """Both arms at the end of block `index`; None: no sample. reachable: the source answered in full."""

    index: int
    at_s: float
    candidate: ArmEdge | None
    baseline: ArmEdge | None
    reachable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockBuilder:
    """Turns two consecutive edges into a block of one metric.

    candidate_digest, baseline_digest: what the attempt is about. scrape_interval_s: > 0; a sample older than
    1.5 of it at its edge is stale. min_exposure: least exposure of an arm in a block, > 0.
    """

    candidate_digest: str
    baseline_digest: str
    orientation: Orientation = Orientation.HIGHER_IS_BETTER
    test: Test = Test.MEAN
    scrape_interval_s: float = 15.0
    min_exposure: float = 1e-9

    def __post_init__(self) -> None:
        for field, value in (
            ("scrape_interval_s", self.scrape_interval_s),
            ("min_exposure", self.min_exposure),
        ):
            if not (math.isfinite(value) and value > 0.0):
                raise InputError(field, value, "a finite number > 0")

    def build(self, before: Edge, after: Edge, *, last_accepted: int | None = None) -> Block:
        """The block between two edges. last_accepted: index of the last block that entered the evidence."""
        reason = _timing(before, after, last_accepted) or self._presence(before, after)
        if reason is not None:
            return RejectedBlock(after.index, reason)
        candidate = self._arm(before, after, before.candidate, after.candidate, self.candidate_digest)
        if isinstance(candidate, Rejection):
            return RejectedBlock(after.index, candidate)
        if self.test in _SINGLE_ARM:
            return _counted(after.index, candidate)
        baseline = self._arm(before, after, before.baseline, after.baseline, self.baseline_digest)
        if isinstance(baseline, Rejection):
            return RejectedBlock(after.index, baseline)
        return self._paired(after.index, candidate, baseline)

    def _paired(self, index: int, candidate: tuple[float, float], baseline: tuple[float, float]) -> Block:
        if self.test is Test.RATE_RATIO:
            return PairedCountBlock(index, *candidate, *baseline)
        value = self.orientation * (candidate[0] / candidate[1] - baseline[0] / baseline[1])
        if not abs(value) < LARGEST:
            return RejectedBlock(index, Rejection.NOT_FINITE)
        return DifferenceBlock(index, value)

    def _presence(self, before: Edge, after: Edge) -> Rejection | None:
        if not (before.reachable and after.reachable):
            return Rejection.UNREACHABLE
        no_candidate = not _present(before.candidate) or not _present(after.candidate)
        no_baseline = not _present(before.baseline) or not _present(after.baseline)
        if no_candidate and no_baseline:
            return Rejection.BOTH_MISSING
        if no_candidate:
            return Rejection.CANDIDATE_MISSING
        return Rejection.BASELINE_MISSING if no_baseline and self.test not in _SINGLE_ARM else None

    def _arm(
        self, before: Edge, after: Edge, start: ArmEdge | None, end: ArmEdge | None, digest: str
    ) -> tuple[float, float] | Rejection:
        """(gain - loss, exposure) of one arm over the block, or why there is none."""
        if start is None or end is None:
            return Rejection.BOTH_MISSING
        if start.digest != digest or end.digest != digest:
            return Rejection.DIGEST_CHANGED
        if start.series.keys() != end.series.keys():
            return Rejection.SERIES_CHANGED
        oldest = 1.5 * self.scrape_interval_s
        if not (before.at_s - start.sampled_at_s <= oldest and after.at_s - end.sampled_at_s <= oldest):
            return Rejection.STALE
        amounts, exposures = [], []
        for name, old in start.series.items():
            new = end.series[name]
            reason = _defect(old, new)
            if reason is not None:
                return reason
            amounts.append((new.gain - old.gain) - (new.loss - old.loss))
            exposures.append(new.exposure - old.exposure)
        exposure = math.fsum(exposures)
        return (math.fsum(amounts), exposure) if exposure >= self.min_exposure else Rejection.NO_EXPOSURE


def _timing(before: Edge, after: Edge, last_accepted: int | None) -> Rejection | None:
    if last_accepted is not None and after.index <= last_accepted:
        return Rejection.DUPLICATE
    return None if after.index == before.index + 1 and after.at_s > before.at_s else Rejection.MISALIGNED


def _counted(index: int, arm: tuple[float, float]) -> Block:
    events, trials = arm
    if not 0.0 <= events <= trials:
        return RejectedBlock(index, Rejection.INCONSISTENT)
    return CountBlock(index, events, trials)


def _present(arm: ArmEdge | None) -> bool:
    return arm is not None and len(arm.series) > 0


def _defect(old: Counters, new: Counters) -> Rejection | None:
    values = (old.gain, old.loss, old.exposure, new.gain, new.loss, new.exposure)
    if not all(map(math.isfinite, values)):
        return Rejection.NOT_FINITE
    fell = new.gain < old.gain or new.loss < old.loss or new.exposure < old.exposure
    if fell or new.started_at_s != old.started_at_s:
        return Rejection.RESET
    return None if new.complete else Rejection.INCOMPLETE
