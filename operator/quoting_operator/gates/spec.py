"""One entry of `spec.gates`: what a gate measures, promises and needs, as a frozen value."""

from __future__ import annotations

import dataclasses
import hashlib
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from quoting_operator.gates.counts import quantile_exceedance
from quoting_operator.gates.tmix import TARGET_BLOCKS
from quoting_policy.errors import InputError


class Kind(StrEnum):
    """What a gate decides."""

    SUCCESS = "success"  # passes iff shown mean D > 0
    GUARDRAIL = "guardrail"  # passes iff shown mean D > -margin
    DETERIORATION = "deterioration"  # never passes; fails iff shown mean D < -rollbackMargin
    INTEGRITY = "integrity"  # never passes; fails iff the candidate is shown to go missing too often


class Test(StrEnum):
    """What a block carries."""

    __test__ = False  # not a test case, whatever pytest thinks of the name

    MEAN = "mean"  # an oriented paired difference
    PROPORTION = "proportion"  # bad events among trials, against `limit`
    QUANTILE = "quantile"  # observations above a bucket edge, against 1 - `quantile`
    RATE_RATIO = "rateRatio"  # bad events of two arms with their exposures


class Stage(StrEnum):
    """Stages of a rollout that a gate can hold in."""

    PAPER = "paper"
    SHADOW = "shadow"
    CANARY = "canary"
    LIVE = "live"


DEFAULT_STAGES = (Stage.PAPER, Stage.SHADOW, Stage.CANARY)
WATCHES_ONLY = frozenset({Kind.DETERIORATION, Kind.INTEGRITY})
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class GateSpec:
    """One gate. Units of margins and bounds are those of the metric's difference per block.

    margin: non-inferiority margin, >= 0; of a rateRatio guardrail the tolerated relative excess (0.1: +10 %).
    rollback_margin: fails iff shown worse than this; None means margin (mean) or 0 (rateRatio).
    alpha: P(pass | truly bad). max_loss_per_block: L, no difference ever falls below -L.
    max_gain_per_block: U, no difference ever exceeds U. limit: tolerated chance of a bad event.
    target_blocks: where tmix is tightest. alarm_horizon_blocks: live blocks that share one budget of false
    alarms.
    quiet_is_good: differences that are all zero may pass (both arms never did the bad thing).
    """

    name: str
    metric: str
    kind: Kind
    horizon: str | None = None
    margin: float = 0.0
    rollback_margin: float | None = None
    alpha: float = 0.05
    min_blocks: int = 20
    max_loss_per_block: float | None = None
    max_gain_per_block: float | None = None
    stages: tuple[Stage, ...] = DEFAULT_STAGES
    dry_run: bool = False
    test: Test = Test.MEAN
    limit: float | None = None
    quantile: float | None = None
    target_blocks: int = TARGET_BLOCKS
    alarm_horizon_blocks: int = 10_000
    quiet_is_good: bool = False

    def __post_init__(self) -> None:
        # Plain strings would pass for enum members until an `is` tells them apart.
        object.__setattr__(self, "kind", Kind(self.kind))
        object.__setattr__(self, "test", Test(self.test))
        object.__setattr__(self, "stages", tuple(Stage(stage) for stage in self.stages))
        check_gate(self, "gate")

    @property
    def series(self) -> str:
        """The metric with its horizon, e.g. ``markout_1s``: what tells two measurements apart."""
        return f"{self.metric}_{self.horizon}" if self.horizon else self.metric

    @property
    def watches_only(self) -> bool:
        """Whether the gate can fail but never pass."""
        return self.kind in WATCHES_ONLY

    @property
    def pass_boundary(self) -> float:
        """d0 of the evidence for, in units of D, or the boundary p0 or rate ratio of a counting gate."""
        match self.test:
            case Test.MEAN:
                return 0.0 - self.margin
            case Test.RATE_RATIO:
                return 1.0 + self.margin
            case Test.QUANTILE:
                return quantile_exceedance(_given(self.quantile))
            case Test.PROPORTION:
                return _given(self.limit)

    @property
    def fail_boundary(self) -> float:
        """d0 of the evidence against, in the units of pass_boundary."""
        match self.test:
            case Test.MEAN:
                return 0.0 - (self.margin if self.rollback_margin is None else self.rollback_margin)
            case Test.RATE_RATIO:
                return 1.0 + (self.rollback_margin or 0.0)
            case _:
                return self.pass_boundary

    @property
    def fingerprint(self) -> str:
        """Eight hex digits that change with anything that makes stored evidence another experiment's."""
        ignored = {"name", "stages", "dry_run"}
        fields = [f.name for f in dataclasses.fields(self) if f.name not in ignored]
        text = ";".join(f"{name}={getattr(self, name)!r}" for name in fields)
        return hashlib.sha256(text.encode()).hexdigest()[:8]


def parse_gates(entries: Any, path: str = "gates") -> tuple[GateSpec, ...]:
    """Read a `spec.gates` list; InputError names ``<path>[i].<field>``."""
    if not isinstance(entries, Sequence) or isinstance(entries, str) or not entries:
        raise InputError(path, entries, "a list of one gate or more", "each has name, metric and kind")
    gates = tuple(parse_gate(entry, f"{path}[{i}]") for i, entry in enumerate(entries))
    seen: dict[str, int] = {}
    for i, gate in enumerate(gates):
        if gate.name in seen:
            raise InputError(f"{path}[{i}].name", gate.name, f"unique; {path}[{seen[gate.name]}] has it too")
        seen[gate.name] = i
    return gates


def parse_gate(entry: Any, path: str = "gate") -> GateSpec:
    """Read one gate from a mapping with the resource's camelCase keys."""
    if not isinstance(entry, Mapping):
        raise InputError(path, entry, "a mapping", "write `- name: ...`")
    for key in entry:
        if key not in _FIELDS:
            raise InputError(f"{path}.{key}", entry[key], f"left out; known fields are {', '.join(_FIELDS)}")
    for key in ("name", "metric", "kind"):
        if entry.get(key) is None:
            raise InputError(f"{path}.{key}", None, "given")
    values: dict[str, Any] = {}
    for key, value in entry.items():
        if value is not None:
            attribute, read = _FIELDS[key]
            values[attribute] = read(value, f"{path}.{key}")
    if values["kind"] is Kind.INTEGRITY:
        values.setdefault("test", Test.PROPORTION)
        values.setdefault("limit", 0.5)
    try:
        return GateSpec(**values)
    except InputError as error:
        raise InputError(
            error.field.replace("gate", path, 1), error.value, error.allowed, error.remedy
        ) from None


def check_gate(gate: GateSpec, path: str) -> None:
    """Refuse a gate whose promise could not be kept."""
    for broken, field, value, allowed, remedy in _rules(gate):
        if broken:
            raise InputError(f"{path}.{field}", value, allowed, remedy)


def _rules(g: GateSpec) -> list[tuple[bool, str, Any, str, str]]:
    guardrail, mean = g.kind is Kind.GUARDRAIL, g.test is Test.MEAN
    with_margin = mean or g.test is Test.RATE_RATIO
    loss, gain = g.max_loss_per_block, g.max_gain_per_block
    positive = "a finite number > 0"
    return [
        (
            g.kind is Kind.INTEGRITY and g.test is not Test.PROPORTION,
            "test", g.test, "left out when kind is integrity", "",
        ),
        (not _NAME.fullmatch(g.name), "name", g.name, "1 to 63 letters, digits, '-', '_' or '.'", ""),
        (not 0.0 < g.alpha < 0.5, "alpha", g.alpha, "in (0, 0.5)", "0.05 in canary"),
        (g.min_blocks < 2, "minBlocks", g.min_blocks, ">= 2", "20 is the default"),
        (g.target_blocks < 2, "targetBlocks", g.target_blocks, ">= 2", "50 is the default"),
        (g.alarm_horizon_blocks < 1, "alarmHorizonBlocks", g.alarm_horizon_blocks, ">= 1", ""),
        (not g.stages, "stages", [], "one stage or more", "leave it out for paper, shadow and canary"),
        (not _at_least_zero(g.margin), "margin", g.margin, "a finite number >= 0", ""),
        (
            guardrail and with_margin and g.margin == 0.0, "margin", g.margin, "> 0 for a guardrail",
            "say how much worse is still acceptable, in the metric's unit",
        ),
        (g.margin > 0.0 and not guardrail, "margin", g.margin, "left out unless kind is guardrail", ""),
        (
            g.rollback_margin is not None and not _at_least_zero(g.rollback_margin),
            "rollbackMargin", g.rollback_margin, "a finite number >= 0", "",
        ),
        (loss is not None and not (_at_least_zero(loss) and loss > 0), "maxLossPerBlock", loss, positive, ""),
        (
            mean and loss is not None and not loss > max(g.margin, -g.fail_boundary),
            "maxLossPerBlock", loss, "above the margins", "it is the worst block possible, not a tolerance",
        ),
        (gain is not None and not (_at_least_zero(gain) and gain > 0), "maxGainPerBlock", gain, positive, ""),
        (not mean and loss is not None, "maxLossPerBlock", loss, "left out unless test is mean", ""),
        (not mean and gain is not None, "maxGainPerBlock", gain, "left out unless test is mean", ""),
        (not with_margin and g.margin > 0.0, "margin", g.margin, f"left out when test is {g.test}", ""),
        (
            not with_margin and g.rollback_margin is not None,
            "rollbackMargin", g.rollback_margin, f"left out when test is {g.test}", "",
        ),
        (
            g.limit is not None and g.test is not Test.PROPORTION,
            "limit", g.limit, "left out unless test is proportion", "",
        ),
        (
            g.quantile is not None and g.test is not Test.QUANTILE,
            "quantile", g.quantile, "left out unless test is quantile", "",
        ),
        (
            g.test is Test.PROPORTION and not (g.limit is not None and 0.0 < g.limit < 1.0),
            "limit", g.limit, "between 0 and 1", "give the tolerated chance of a bad event",
        ),
        (
            g.test is Test.QUANTILE and not (g.quantile is not None and 0.0 < g.quantile < 1.0),
            "quantile", g.quantile, "between 0 and 1", "the 99th percentile is 0.99",
        ),
    ]  # fmt: skip


def _at_least_zero(value: float) -> bool:
    return math.isfinite(value) and value >= 0.0


def _given(value: float | None) -> float:
    if value is None:
        raise AssertionError("checked when the gate was made")
    return value


def _number(value: Any, field: str) -> float:
    text = value.strip() if isinstance(value, str) else value
    try:
        number = math.nan if isinstance(text, bool) else float(text)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise InputError(field, value, "a finite number")
    return number


def _integer(value: Any, field: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputError(field, value, "a whole number")
    return value


def _boolean(value: Any, field: str) -> bool:
    if not isinstance(value, bool):
        raise InputError(field, value, "true or false")
    return value


def _text(value: Any, field: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise InputError(field, value, "a text that is not empty")
    return value


def _one_of(choices: type[StrEnum]) -> Callable[[Any, str], StrEnum]:
    def read(value: Any, field: str) -> StrEnum:
        try:
            return choices(value)
        except ValueError:
            raise InputError(field, value, f"one of {', '.join(choices)}") from None

    return read


def _stages(value: Any, field: str) -> tuple[Stage, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise InputError(field, value, f"a list of {', '.join(Stage)}")
    read = _one_of(Stage)
    given = {read(item, f"{field}[{i}]") for i, item in enumerate(value)}
    return tuple(stage for stage in Stage if stage in given)


_FIELDS: dict[str, tuple[str, Callable[[Any, str], Any]]] = {
    "name": ("name", _text),
    "metric": ("metric", _text),
    "horizon": ("horizon", _text),
    "kind": ("kind", _one_of(Kind)),
    "margin": ("margin", _number),
    "rollbackMargin": ("rollback_margin", _number),
    "alpha": ("alpha", _number),
    "minBlocks": ("min_blocks", _integer),
    "maxLossPerBlock": ("max_loss_per_block", _number),
    "maxGainPerBlock": ("max_gain_per_block", _number),
    "stages": ("stages", _stages),
    "dryRun": ("dry_run", _boolean),
    "test": ("test", _one_of(Test)),
    "limit": ("limit", _number),
    "quantile": ("quantile", _number),
    "targetBlocks": ("target_blocks", _integer),
    "alarmHorizonBlocks": ("alarm_horizon_blocks", _integer),
    "quietIsGood": ("quiet_is_good", _boolean),
}
"""The resource's field -> (attribute, reader)."""
