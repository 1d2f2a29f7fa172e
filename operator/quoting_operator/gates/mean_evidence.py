"""Evidence of a mean gate: tmix both ways; with bounds given bet_lb, harm bet and live detector too."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from quoting_operator.gates import asymptotic, tmix
from quoting_operator.gates.betting import BetState, bet_over, bet_update, harm_bet
from quoting_operator.gates.budget import Level
from quoting_operator.gates.detectors import DetectorState, alarm_threshold, sr_update
from quoting_operator.gates.monitors import TRIP, LagSums
from quoting_operator.gates.spec import GateSpec, Stage
from quoting_operator.gates.tmix import MeanSums


@dataclass(frozen=True, slots=True)
class MeanRule:
    """What does not change during an attempt: boundaries d0, levels and bounds of a mean gate."""

    d_for: float
    d_against: float
    level: Level
    min_blocks: int
    loss_bound: float | None
    gain_bound: float | None
    quiet_is_good: bool

    @classmethod
    def of(cls, spec: GateSpec, level: Level) -> Self:
        """Take the numbers from a gate."""
        return cls(
            spec.pass_boundary,
            spec.fail_boundary,
            level,
            spec.min_blocks,
            spec.max_loss_per_block,
            spec.max_gain_per_block,
            spec.quiet_is_good,
        )


@dataclass(frozen=True, slots=True)
class MeanEvidence:
    """Sufficient statistics of a mean gate.

    sums: of accepted differences. last: the last one, less the shift. imputed: blocks that only the candidate
    missed, which count as -L for E+ and not at all for E-. max_for: highest ln E+ of tmix since minBlocks;
    max_against: highest ln E- ever. floor_reached: some difference was -L or worse. ceiling_broken: some
    difference was above U, so that bets on U prove nothing.
    """

    rule: MeanRule
    sums: MeanSums = field(default_factory=MeanSums)
    lag: LagSums = field(default_factory=LagSums)
    last: float = 0.0
    imputed: int = 0
    max_for: float = 0.0
    max_against: float = 0.0
    floor_reached: bool = False
    ceiling_broken: bool = False
    loss_bet: BetState | None = None
    harm: BetState | None = None
    detector: DetectorState | None = None

    @classmethod
    def start(cls, spec: GateSpec, level: Level, stage: Stage | None) -> Self:
        """No evidence yet. In the live stage the harm bet restarts for ever, as an SR detector."""
        rule = MeanRule.of(spec, level)
        loss, gain = spec.max_loss_per_block, spec.max_gain_per_block
        live = stage is Stage.LIVE
        threshold = alarm_threshold(level.alpha_rollback, spec.alarm_horizon_blocks)
        return cls(
            rule,
            loss_bet=None if loss is None else BetState(rule.d_for, loss),
            harm=None if gain is None or live else harm_bet(rule.d_against, gain),
            detector=DetectorState(rule.d_against, gain, threshold) if gain is not None and live else None,
        )

    def absorb(self, d: float, *, adjacent: bool) -> Self:
        """Add one difference. adjacent: the block before it was accepted too."""
        rule, sums = self.rule, self.sums.plus(d)
        y = d - sums.shift
        loss_bet = None if self.loss_bet is None else bet_update(self.loss_bet, d)
        return type(self)(
            rule,
            sums,
            self.lag.plus(self.last, y) if adjacent else self.lag,
            y,
            self.imputed,
            self._max_for(sums, self.imputed),
            self._max_against(sums),
            self.floor_reached or (rule.loss_bound is not None and d <= -rule.loss_bound),
            self.ceiling_broken or (rule.gain_bound is not None and d > rule.gain_bound),
            loss_bet,
            None if self.harm is None else bet_update(self.harm, -d),
            None if self.detector is None else sr_update(self.detector, d),
        )

    @property
    def summable(self) -> bool:
        """Whether `absorb_run` applies."""
        return self.detector is None and self.imputed == 0

    def absorb_run(self, values: Sequence[float], adjacent: Sequence[bool]) -> Self:
        """`absorb` folded over many differences, to the last bit, for a `summable` gate."""
        d = np.asarray(values, dtype=np.float64)
        shift = self.sums.shift if self.sums.n else float(d[0])
        y = d - shift
        n = np.arange(self.sums.n + 1, self.sums.n + len(d) + 1, dtype=np.float64)
        s, q = _running(self.sums.s, y), _running(self.sums.q, y * y)
        paired = np.asarray(adjacent, dtype=bool)
        firsts, seconds = np.concatenate(([self.last], y[:-1]))[paired], y[paired]
        lag = LagSums(
            self.lag.pairs + len(firsts),
            float(_running(self.lag.products, firsts * seconds)[-1]) if len(firsts) else self.lag.products,
            float(_running(self.lag.firsts, firsts)[-1]) if len(firsts) else self.lag.firsts,
            float(_running(self.lag.seconds, seconds)[-1]) if len(firsts) else self.lag.seconds,
        )
        ripe = n >= self.rule.min_blocks
        above, square = tmix.about_over(n, s, q, self.rule.d_for - shift)
        below, square_below = tmix.about_over(n, s, q, self.rule.d_against - shift)
        r2, floor, ceiling = self.rule.level.r2, self.rule.loss_bound, self.rule.gain_bound
        return dataclasses.replace(
            self,
            sums=MeanSums(int(n[-1]), shift, float(s[-1]), float(q[-1])),
            lag=lag,
            last=float(y[-1]),
            max_for=tmix.raised_over(n[ripe], above[ripe], square[ripe], r2, self.max_for),
            max_against=tmix.raised_over(n, -below, square_below, r2, self.max_against),
            floor_reached=self.floor_reached or (floor is not None and bool(np.any(d <= -floor))),
            ceiling_broken=self.ceiling_broken or (ceiling is not None and bool(np.any(d > ceiling))),
            loss_bet=None if self.loss_bet is None else bet_over(self.loss_bet, d.tolist()),
            harm=None if self.harm is None else bet_over(self.harm, (-d).tolist()),
        )

    def impute(self) -> Self:
        """Count a block that only the candidate missed as the worst one possible, for E+ only."""
        if self.rule.loss_bound is None or self.loss_bet is None:
            raise ValueError("without a loss bound there is nothing to impute")
        return type(self)(
            self.rule,
            self.sums,
            self.lag,
            self.last,
            self.imputed + 1,
            self._max_for(self.sums, self.imputed + 1),
            self.max_against,
            self.floor_reached,
            self.ceiling_broken,
            bet_update(self.loss_bet, -self.rule.loss_bound),
            self.harm,
            self.detector,
        )

    @property
    def n(self) -> int:
        """Accepted blocks."""
        return self.sums.n

    @property
    def estimate(self) -> float:
        """Mean difference over the blocks seen."""
        return self.sums.mean

    @property
    def passing(self) -> float:
        """Highest ln E+ since minBlocks; with a loss bound tmix and bet_lb must both be convinced."""
        return self.max_for if self.loss_bet is None else min(self.max_for, self.loss_bet.maximum)

    @property
    def failing(self) -> float:
        """Highest ln E-. A live detector has the whole budget: its alarm is then the only way to fail."""
        if self.detector is not None:
            return 0.0
        return self.max_against if self.harm is None or self.ceiling_broken else self.harm.maximum

    @property
    def ln_e_for(self) -> float:
        """Evidence ln E+ now."""
        now = tmix.ln_e(self._for_sums(self.sums, self.imputed), self.rule.d_for, self.rule.level.r2)
        return now if self.loss_bet is None else min(now, self.loss_bet.ln_e)

    @property
    def ln_e_against(self) -> float:
        """Evidence ln E- now."""
        if self.harm is None or self.ceiling_broken:
            return tmix.ln_e_against(self.sums, self.rule.d_against, self.rule.level.r2)
        return self.harm.ln_e

    def interval(self) -> tuple[float, float] | None:
        """Asymptotic confidence sequence of the mean, for display."""
        return asymptotic.interval(self.sums, self.rule.level.r2, self.rule.level.alpha)

    def verdict_interval(self) -> tuple[float, float] | None:
        """Means that tmix rejects in neither direction now: agrees with the verdict."""
        level = self.rule.level
        return tmix.interval(self.sums, level.r2, level.alpha, level.alpha_rollback)

    def alarm(self) -> str | None:
        """Why the gate fails whatever the e-processes say."""
        if self.floor_reached:
            return "a block lost maxLossPerBlock or more"
        return "the live detector raised its alarm" if self.detector and self.detector.alarmed else None

    def broken_assumption(self) -> str | None:
        """Why the evidence can't be trusted to pass."""
        sums = self.sums
        if sums.n >= 2 and sums.shift == sums.q == 0.0 and not self.rule.quiet_is_good:
            return "every difference is zero: a dead metric looks the same (quietIsGood accepts it)"
        if self.ceiling_broken:
            return "a block gained more than maxGainPerBlock: the bound is wrong"
        if self.lag.z(sums) > TRIP:
            return f"blocks correlate, lag-1 is {self.lag.r1(sums):.2f}: use longer blocks"
        return None

    def to_status(self) -> dict[str, Any]:
        """The numbers to store, JSON-ready."""
        status: dict[str, Any] = {
            "n": self.sums.n,
            "sums": [self.sums.shift, self.sums.s, self.sums.q],
            "pairs": self.lag.pairs,
            "lag": [self.lag.products, self.lag.firsts, self.lag.seconds],
            "last": self.last,
            "max": [self.max_for, self.max_against],
        }
        if self.imputed:
            status["imputed"] = self.imputed
        if self.floor_reached:
            status["floor"] = True
        if self.ceiling_broken:
            status["ceiling"] = True
        if self.loss_bet is not None:
            status["bet"] = [*self.loss_bet.ln_wealth, self.loss_bet.maximum]
        if self.harm is not None:
            status["harm"] = [*self.harm.ln_wealth, self.harm.maximum]
        if self.detector is not None:
            status["sr"] = list(self.detector.statistics)
            status["alarm"] = self.detector.alarmed
        return status

    def restored(self, status: Mapping[str, Any]) -> Self:
        """The evidence that to_status stored, on this rule."""
        shift, s, q = status["sums"]
        max_for, max_against = status["max"]
        return type(self)(
            self.rule,
            MeanSums(status["n"], shift, s, q),
            LagSums(status["pairs"], *status["lag"]),
            status["last"],
            status.get("imputed", 0),
            max_for,
            max_against,
            status.get("floor", False),
            status.get("ceiling", False),
            _restored_bet(self.loss_bet, status.get("bet")),
            _restored_bet(self.harm, status.get("harm")),
            _restored_detector(self.detector, status),
        )

    def _for_sums(self, sums: MeanSums, imputed: int) -> MeanSums:
        return sums.plus_repeated(-(self.rule.loss_bound or 0.0), imputed)

    def _max_for(self, sums: MeanSums, imputed: int) -> float:
        if sums.n < self.rule.min_blocks:
            return self.max_for
        if imputed:
            sums = self._for_sums(sums, imputed)
        s, q = sums.about(self.rule.d_for)
        return tmix.raised(sums.n, s, q, self.rule.level.r2, self.max_for)

    def _max_against(self, sums: MeanSums) -> float:
        if sums.n < 2:
            return self.max_against
        s, q = sums.about(self.rule.d_against)
        return tmix.raised(sums.n, -s, q, self.rule.level.r2, self.max_against)


def _running(start: float, terms: tmix.Floats) -> tmix.Floats:
    """Sums after each term, added from left to right as the scalar path does."""
    return np.add.accumulate(np.concatenate(([start], terms)))[1:]


def _restored_bet(start: BetState | None, numbers: list[float] | None) -> BetState | None:
    if start is None or numbers is None:
        return start
    return BetState(start.boundary, start.loss_bound, tuple(numbers[:-1]), numbers[-1])


def _restored_detector(start: DetectorState | None, status: Mapping[str, Any]) -> DetectorState | None:
    if start is None or "sr" not in status:
        return start
    return DetectorState(
        start.boundary, start.gain_bound, start.threshold, tuple(status["sr"]), status["alarm"]
    )
