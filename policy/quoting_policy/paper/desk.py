"""What both arms share in a paper evaluation: limits, venue, clocks, signals. Read from a desk file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from quoting_policy.domain import (
    ArmSpec,
    BreachThresholds,
    Limits,
    PortfolioLimits,
    RefreshRules,
    SignalRules,
)
from quoting_policy.errors import InputError
from quoting_policy.sim.conditions import Fees, Venue
from quoting_policy.sim.latency import ConstantLatency, LatencyModel, LogNormalLatency, UniformLatency
from quoting_policy.sim.queue import Conservative, LogProbability, PowerProbability, QueueModel

SECOND = 1_000_000_000


class Strict(BaseModel):
    """A block of settings: camelCase keys, no unknown ones, finite numbers."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, allow_inf_nan=False, alias_generator=to_camel
    )


_Model = TypeVar("_Model", bound=BaseModel)


class LatencySettings(Strict):
    """Delay of orders and answers, ms.

    constant: entry and response; uniform: both between entry and response; lognormal: medians with ``sigma``.
    """

    kind: Literal["constant", "uniform", "lognormal"] = "constant"
    entry_ms: float = Field(default=10.0, ge=0)
    response_ms: float = Field(default=10.0, ge=0)
    sigma: float = Field(default=0.5, ge=0)

    def model(self) -> LatencyModel:
        """The simulator's latency model."""
        entry, response = round(self.entry_ms * 1e6), round(self.response_ms * 1e6)
        if self.kind == "uniform":
            return UniformLatency(entry, response)
        if self.kind == "lognormal":
            return LogNormalLatency(entry, response, self.sigma)
        return ConstantLatency(entry, response)


class VenueSettings(Strict):
    """The simulated venue. Fees: share of the notional, > 0 is a cost. queue: L2 tapes only."""

    latency: LatencySettings = LatencySettings()
    queue: Literal["conservative", "power", "logarithm"] = "conservative"
    maker_fee: float = Field(default=0.0, gt=-0.1, lt=0.1)
    taker_fee: float = Field(default=0.0, gt=-0.1, lt=0.1)

    def venue(self) -> Venue:
        """The simulator's venue."""
        queues: dict[str, QueueModel] = {
            "conservative": Conservative(), "power": PowerProbability(), "logarithm": LogProbability(),
        }  # fmt: skip
        fees = Fees(maker_rate=self.maker_fee, taker_rate=self.taker_fee)
        return Venue(latency=self.latency.model(), queue=queues[self.queue], fees=fees)


class SignalSettings(Strict):
    """How signals are estimated from the replayed market, streaming. Seconds, counts, ticks.

    sigma_*: mid changes over ``sigma_step_s``, the last ``sigma_window`` of them. hazard_*: fill intensity by
    side from trades in windows of ``hazard_step_s``, the last ``hazard_windows`` of them, at depths
    ``hazard_levels`` (ticks beyond the mid), refitted every ``hazard_refit_s``. horizon_s: the strategy's
    rolling horizon (``timeLeft``); None counts down to the end of the session. The others are the engine's
    own estimates, as in :class:`SignalRules`.
    """

    sigma_step_s: float = Field(default=0.5, gt=0)
    sigma_window: int = Field(default=100, ge=2)
    hazard_step_s: float = Field(default=0.5, gt=0)
    hazard_windows: int = Field(default=120, ge=10)
    hazard_levels: tuple[float, ...] = (0.4, 1.4, 2.4, 3.4, 5.4, 8.4)
    hazard_refit_s: float = Field(default=5.0, gt=0)
    hazard_max_age_s: float = Field(default=120.0, gt=0)
    horizon_s: float | None = Field(default=None, gt=0)
    alpha_step_s: float = Field(default=0.1, gt=0)
    alpha_refit_s: float = Field(default=30.0, gt=0)
    latency_window: int = Field(default=20, ge=1)
    toxicity_fills: int = Field(default=50, ge=1)
    toxicity_markout_s: float = Field(default=1.0, gt=0)
    vpin_bucket_lots: float | None = Field(default=None, gt=0)

    def rules(self) -> SignalRules:
        """The same for the engine, which estimates what a state leaves out."""
        return SignalRules(**self.model_dump())


class Desk(Strict):
    """Settings of an evaluation that are the same for every arm.

    limits, refresh, breach, portfolio: of the engine, in lots of the tape's smallest quantity and price
    units. decision_s: how often an arm is asked. block_s: length of a block of evidence. warmup_s: start of a
    session in which signals fill and nobody quotes. trading_day_s: seconds of trading a day, to scale Sharpe
    and turnover. seed: of latency draws and explorers, the same for both arms.
    """

    limits: dict[str, float] = Field(default_factory=lambda: {"maxPosition": 10.0})
    refresh: dict[str, float] = Field(default_factory=dict)
    breach: dict[str, float] = Field(default_factory=dict)
    portfolio: dict[str, float] = Field(default_factory=dict)
    venue: VenueSettings = VenueSettings()
    signals: SignalSettings = SignalSettings()
    decision_s: float = Field(default=0.1, gt=0)
    block_s: float = Field(default=60.0, gt=0)
    warmup_s: float = Field(default=120.0, ge=0)
    trading_day_s: float = Field(default=86_400.0, gt=0)
    trading_days: int = Field(default=365, gt=0)
    seed: int = Field(default=0, ge=0)

    @property
    def decision_ns(self) -> int:
        """Nanoseconds between decisions."""
        return round(self.decision_s * SECOND)

    @property
    def block_ns(self) -> int:
        """Nanoseconds of a block."""
        return round(self.block_s * SECOND)

    def engine_limits(self) -> Limits:
        """The limits as the engine takes them."""
        return Limits(**_snake(self.limits, Limits.__struct_fields__, "desk.limits"))

    def engine_refresh(self) -> RefreshRules:
        """The refresh rules as the engine takes them."""
        rules = _snake(self.refresh, RefreshRules.__struct_fields__, "desk.refresh")
        if "tolerance_ticks" in rules:
            rules["tolerance_ticks"] = int(rules["tolerance_ticks"])
        return RefreshRules(**rules)

    def engine_breach(self) -> BreachThresholds:
        """From where on the engine does not trust a candidate."""
        return BreachThresholds(**_snake(self.breach, BreachThresholds.__struct_fields__, "desk.breach"))

    def engine_portfolio(self) -> PortfolioLimits:
        """Limits on all instruments together; a session has one."""
        known = ("max_gross_notional", "max_drawdown", "max_daily_loss")
        return PortfolioLimits(**_snake(self.portfolio, known, "desk.portfolio"))

    def check(self) -> None:
        """Raises InputError where a number in it is none that the engine or the blocks can use."""
        self.engine_limits()
        self.engine_refresh()
        self.engine_breach()
        self.engine_portfolio()
        self.signals.rules()
        if self.block_ns % self.decision_ns:
            raise InputError("desk.blockS", self.block_s, f"a multiple of decisionS ({self.decision_s})")


class Budget(Strict):
    """How far a policy may explore, in paper only: the first stop reached wins.

    max_loss: money, of Σ max(0, U_baseline - U_explored) over rounds. rounds_factor: c of at most
    c·T^(2/3) explored rounds of T. window_rounds: explored rounds in any window of ``window_s`` seconds.
    """

    max_loss: float = Field(ge=0)
    rounds_factor: float = Field(default=1.0, gt=0)
    window_s: float = Field(default=60.0, gt=0)
    window_rounds: int = Field(default=30, ge=0)


class PolicyFile(Strict):
    """One arm: a model of the registry and its parameters; an exploring one needs a budget.

    weights_sha256, params_sha256: as of an arm of a revision; what they name is handed over beside it.
    """

    model: str
    params: dict[str, Any] = Field(default_factory=dict)
    weights_sha256: str | None = None
    params_sha256: str | None = None
    name: str = ""
    exploration_budget: Budget | None = None

    @property
    def label(self) -> str:
        """What the arm is called in reports."""
        return self.name or self.model

    def spec(self) -> ArmSpec:
        """The arm as the engine takes it."""
        return ArmSpec(
            model=self.model, params=self.params, weights_sha256=self.weights_sha256,
            params_sha256=msgspec.UNSET if self.params_sha256 is None else self.params_sha256,
        )  # fmt: skip


def read_policy(path: Path, field: str) -> PolicyFile:
    """Read an arm from YAML; ``field`` is what errors call it."""
    return _read(PolicyFile, path, field)


def read_desk(path: Path | None) -> Desk:
    """Read the desk file; without one the defaults hold."""
    desk = Desk() if path is None else _read(Desk, path, "desk")
    desk.check()
    return desk


def read_yaml(path: Path, field: str) -> Any:
    """The content of a YAML file."""
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(field, str(path), "a readable file", error.strerror or "") from None
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(field, str(path), "YAML", " ".join(str(error).split())) from None


def checked(model: type[_Model], content: Any, field: str) -> _Model:
    """Content as a model; InputError names the first bad field."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join([field, *(str(part) for part in first["loc"])])
        raise InputError(where, first["input"], f"valid: {first['msg']}") from None


def _read(model: type[_Model], path: Path, field: str) -> _Model:
    return checked(model, read_yaml(path, field), field)


def _snake(given: dict[str, float], known: tuple[str, ...], field: str) -> dict[str, Any]:
    names = {to_camel(name): name for name in known}
    for key, value in given.items():
        if key not in names:
            raise InputError(f"{field}.{key}", value, f"left out; known are {', '.join(sorted(names))}")
    return {names[key]: value for key, value in given.items()}
