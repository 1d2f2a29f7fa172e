"""How a candidate is rolled out: stages, steps, windows."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import Field

from quoting_operator.api.schema import (
    ApiModel,
    Duration,
    Name,
    NonNegative,
    ObjectName,
    Positive,
    Text,
    cel_seconds,
    checked,
    map_list,
    rule,
)


class DataSource(StrEnum):
    """Where the paper stage's market comes from."""

    VOLUME = "Volume"
    SIMULATED = "Simulated"


class VolumeData(ApiModel):
    """Recorded markets on a volume."""

    claim_name: ObjectName
    """PersistentVolumeClaim with the recordings."""
    path: str = Field(default="/", max_length=1024, pattern="^/")
    """Folder on the volume."""


class Scenario(StrEnum):
    """Generated markets, one feature each."""

    POISSON = "Poisson"
    HAWKES = "Hawkes"
    STATE_DEPENDENT_CANCELS = "StateDependentCancels"
    REGIMES = "Regimes"
    JUMPS = "Jumps"
    TOXIC = "Toxic"
    SPREAD_SQUEEZER = "SpreadSqueezer"
    MOMENTUM_IGNITER = "MomentumIgniter"
    COMPETING_MAKER = "CompetingMaker"


class SimulatedData(ApiModel):
    """A generated market in the instruments' own ticks and lots; sessions take turns over the instruments."""

    seed: int = Field(ge=0, le=2**53)
    """Seed of the first session; the others follow."""
    scenario: Scenario = Scenario.HAWKES
    """What the market is like."""
    session_length: Duration = timedelta(minutes=20)
    """Length of a session, its warm-up included."""
    start_price: Positive | None = None
    """Mid at the start of every session; left out: 10,000 ticks."""


class PaperData(ApiModel):
    """The market that both policies replay."""

    model_config = checked(
        rule(
            "(self.type == 'Volume') == has(self.volume)",
            "volume must be given when type is Volume, and only then",
        ),
        rule(
            "(self.type == 'Simulated') == has(self.simulated)",
            "simulated must be given when type is Simulated, and only then",
        ),
    )

    type: DataSource
    """Volume or Simulated."""
    volume: VolumeData | None = None
    """Recorded markets."""
    simulated: SimulatedData | None = None
    """A generated market."""


class ExplorationBudget(ApiModel):
    """How far the candidate may explore in paper, and only there."""

    quotes_percent: int = Field(ge=0, le=100)
    """Share of quotes that may explore, percent."""
    max_loss: NonNegative
    """Simulated money after whose loss exploring ends."""


class PaperStage(ApiModel):
    """Both policies replay the same market."""

    data: PaperData
    """The market."""
    sessions: int = Field(default=20, ge=2, le=10_000)
    """Sessions, each an index of the Job."""
    parallelism: int = Field(default=4, ge=1, le=1_000)
    """Sessions at once."""
    block_length: Duration = timedelta(seconds=60)
    """Length of a block of evidence; a session has 2 to 40 of them."""
    warmup: Duration = timedelta(minutes=2)
    """Start of each session, in which signals fill and nobody quotes."""
    decision_ms: int = Field(default=100, ge=1, le=60_000)
    """Time between two requests for a quote, milliseconds; blockLength is a multiple of it."""
    order_latency_ms: int = Field(default=10, ge=0, le=60_000)
    """Delay of an order to the venue, and of the venue's answer, milliseconds."""
    horizon: Duration | None = None
    """Rolling horizon that models are told; left out: the time to the session's end."""
    deadline: Duration = timedelta(hours=2)
    """Time after which the stage expires."""
    report_service_account: ObjectName | None = None
    """ServiceAccount that may create ConfigMaps, by which the report is stored; left out: no report."""
    exploration_budget: ExplorationBudget | None = None
    """Left out: no exploring."""


class ShadowStage(ApiModel):
    """The candidate is computed beside the baseline; its quotes are thrown away."""

    block_length: Duration = timedelta(seconds=60)
    """Length of a block of evidence."""
    min_blocks: int = Field(default=20, ge=2, le=1_000_000)
    """Blocks without which the stage does not end."""
    min_soak: Duration | None = None
    """Time without which the stage does not end."""
    deadline: Duration = timedelta(hours=24)
    """Time after which the stage expires."""


class Pause(ApiModel):
    """Waiting after a step."""

    duration: Duration | None = None
    """How long; left out: until somebody approves this very digest."""


class CanaryStep(ApiModel):
    """One step of exposure."""

    exposure: int = Field(ge=1, le=99)
    """Share of time, size and inventory that the candidate may have, percent."""
    pause: Pause | None = None
    """Wait after the step's evidence is in."""


_SLOT = (
    f"!has(self.blockLength) || !has(self.washout) || self.steps.all(s, {cel_seconds('self.blockLength')}"
    f" * (s.exposure < 50 ? s.exposure : 100 - s.exposure) >= 300 * {cel_seconds('self.washout')})"
)


class CanaryStage(ApiModel):
    """The candidate quotes inside a small, growing budget of exposure, in turns with the baseline."""

    model_config = checked(
        rule(
            _SLOT,
            "blockLength times the smaller share of time must be at least three times washout in every step:"
            " use longer blocks",
        ),
        rule(
            "self.steps.all(s, self.steps.filter(t, t.exposure == s.exposure).size() == 1)",
            "steps must differ in exposure",
        ),
        rule(
            "self.steps.map(s, s.exposure).isSorted()",
            "steps must not shrink in exposure",
        ),
    )

    block_length: Duration = timedelta(minutes=10)
    """Length of a block, in which both arms quote."""
    washout: Duration = timedelta(seconds=5)
    """Time after each change of arm that counts for neither."""
    steps: tuple[CanaryStep, ...] = Field(min_length=1, json_schema_extra={"maxItems": 20})
    """Steps of exposure, growing."""
    min_soak: Duration | None = None
    """Time without which a step does not end."""
    deadline: Duration = timedelta(days=5)
    """Time after which the stage expires."""


class LiveGuard(ApiModel):
    """The watch over a live candidate, for ever."""

    alpha: float = Field(default=0.05, gt=0, lt=0.5)
    """Chance of a false alarm within `horizonBlocks`."""
    horizon_blocks: int = Field(default=10_000, ge=100, le=100_000_000)
    """Blocks that share one budget of false alarms."""


class LiveStage(ApiModel):
    """The candidate quotes, guarded; a share of the baseline stays to compare with."""

    block_length: Duration = timedelta(minutes=10)
    """Length of a block."""
    hold_back: int = Field(default=5, ge=1, le=50)
    """Share of time that stays with the baseline, percent."""
    guard: LiveGuard = LiveGuard()
    """The watch."""


class Rollout(ApiModel):
    """How a candidate earns its way to live."""

    paper: PaperStage | None = None
    """Replay; left out: nothing leaves Pending."""
    shadow: ShadowStage = ShadowStage()
    """Beside the baseline."""
    canary: CanaryStage | None = None
    """In the market, in small steps; left out: nothing leaves Shadow."""
    live: LiveStage = LiveStage()
    """In the market, guarded."""
    lease_duration: Duration = Field(
        default=timedelta(seconds=15),
        json_schema_extra={
            "x-kubernetes-validations": [
                rule(
                    f"{cel_seconds('self')} >= 3 && {cel_seconds('self')} <= 300",
                    "must be between 3s and 300s",
                )
            ]
        },
    )
    """How long sidecars let a candidate quote without hearing from the operator."""
    blind_timeout: Duration = timedelta(minutes=10)
    """How long canary and live go on without measurements before the baseline takes over."""


class WindowType(StrEnum):
    """What a window does."""

    ADVANCE = "Advance"
    FREEZE = "Freeze"


class Weekday(StrEnum):
    """Days of the week."""

    MON = "Mon"
    TUE = "Tue"
    WED = "Wed"
    THU = "Thu"
    FRI = "Fri"
    SAT = "Sat"
    SUN = "Sun"


_CLOCK = "^([01][0-9]|2[0-3]):[0-5][0-9]$"


class Weekly(ApiModel):
    """A time of the day on some days of the week. `end` before `start` is the next day."""

    days: tuple[Weekday, ...] = Field(
        min_length=1, json_schema_extra={"x-kubernetes-list-type": "set", "maxItems": 7}
    )
    """Days on which it starts."""
    start: str = Field(pattern=_CLOCK, max_length=5)
    """Start, HH:MM."""
    end: str = Field(pattern=_CLOCK, max_length=5)
    """End, HH:MM."""
    time_zone: str = Field(default="UTC", min_length=1, max_length=64)
    """IANA time zone, such as Europe/Berlin."""


class Between(ApiModel):
    """One stretch of time."""

    model_config = checked(rule("self.start < self.end", "must be after start", ".end"))

    start: datetime
    """First moment."""
    end: datetime
    """First moment after it."""


class Window(ApiModel):
    """When a rollout may advance, or may not. Guarding and rolling back know no windows."""

    model_config = checked(
        rule("has(self.weekly) != has(self.between)", "must have either weekly or between"),
    )

    name: Name
    """Name of the window."""
    type: WindowType
    """Advance: only inside such windows the rollout advances. Freeze: never inside one; a freeze wins."""
    weekly: Weekly | None = None
    """Every week."""
    between: Between | None = None
    """Once."""
    reason: Text = ""
    """Why, for those who wait."""


WINDOWS = map_list("name", 32)
