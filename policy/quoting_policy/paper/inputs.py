"""What the pods of a paper Job are given: a frozen revision, and the market that its arms are to meet.

Everything that arms share in a replay comes from the revision itself: its limits, breach thresholds, refresh
rules, ticks, lots and fees. Evidence made here is bound to the revision's digest.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec
from pydantic import Field
from pydantic.alias_generators import to_camel

from quoting_policy.data import tape as tapes
from quoting_policy.domain import ArmSpec, Frozen, Instrument, Limits, Revision
from quoting_policy.domain.session import SessionEvidence
from quoting_policy.errors import InputError
from quoting_policy.models.arms import build_arm
from quoting_policy.models.content import NOTHING, Contents
from quoting_policy.paper.desk import (
    SECOND,
    Budget,
    Desk,
    LatencySettings,
    PolicyFile,
    SignalSettings,
    Strict,
    VenueSettings,
    checked,
)
from quoting_policy.paper.evaluate import Pairing
from quoting_policy.paper.exp3 import BidAskExp3
from quoting_policy.paper.sessions import Recording, Session, open_recording, split
from quoting_policy.sim.flow import SCENARIOS, generate

_Scenario = Literal[
    "Poisson", "Hawkes", "StateDependentCancels", "Regimes", "Jumps", "Toxic", "SpreadSqueezer",
    "MomentumIgniter", "CompetingMaker",
]  # fmt: skip
FLOWS = dict(zip(get_args(_Scenario), SCENARIOS.values(), strict=True))
"""Generated markets by the name that a policy gives them."""

_USUAL_MID_TICKS = 10_000
_LOWEST_MID_TICKS = 2_000
_BEYOND_S = 5.0
"""A generated market goes on a little longer than its session, so that the last block is whole."""


class Simulated(Strict):
    """A generated market. seed: of session 0, the others count on. session_s: length of each, s."""

    seed: int = Field(ge=0)
    scenario: _Scenario
    session_s: float = Field(gt=0)
    start_price: Decimal | None = Field(default=None, gt=0)


class Recorded(Strict):
    """Recorded markets: every ``.npz`` tape of a folder, in order of their names."""

    folder: Path


class Exploration(Strict):
    """How far an exploring candidate may go: money lost, and rounds of any hundred, percent."""

    max_loss: float = Field(ge=0)
    quotes_percent: int = Field(ge=0, le=100)


class Inputs(Strict):
    """All inputs of an attempt's paper stage, as the operator writes them. Seconds, milliseconds.

    gates: the list that gates are parsed from. report: metadata of the object that keeps the report.
    """

    frozen: dict[str, Any]
    attempt: int = Field(ge=0)
    gates: list[dict[str, Any]]
    sessions: int = Field(ge=1)
    block_s: float = Field(gt=0)
    warmup_s: float = Field(ge=0)
    decision_s: float = Field(gt=0)
    order_latency_ms: float = Field(ge=0)
    horizon_s: float | None = Field(default=None, gt=0)
    exploration: Exploration | None = None
    simulated: Simulated | None = None
    recorded: Recorded | None = None
    report: dict[str, Any] = Field(default_factory=dict)

    def revision(self) -> Frozen:
        """The revision, its digest checked. Raises InputError."""
        try:
            return msgspec.convert(self.frozen, Frozen)
        except msgspec.ValidationError as error:
            raise InputError("inputs.frozen", "", "a revision", str(error)) from None


def read_inputs(path: Path, sha256: str) -> Inputs:
    """Read the inputs. Raises InputError where they are not those of this sha256, or cannot be used."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise InputError("--inputs", str(path), "a readable file", error.strerror or "") from None
    found = hashlib.sha256(text).hexdigest()
    if found != sha256:
        raise InputError("--inputs", f"sha256 {found}", f"of sha256 {sha256}", "they are another attempt's")
    try:
        content = json.loads(text)
    except ValueError as error:
        raise InputError("--inputs", str(path), "JSON", str(error)) from None
    inputs = checked(Inputs, content, "inputs")
    if (inputs.simulated is None) == (inputs.recorded is None):
        raise InputError("inputs", "simulated, recorded", "either a generated or a recorded market")
    inputs.revision()
    return inputs


def open_session(
    inputs: Inputs, index: int, folder: Path, contents: Contents = NOTHING
) -> tuple[Session, Pairing]:
    """A session and who meets in it. folder: where generated tapes are put. Raises InputError.

    contents: weights and secret parameters that the revision names.
    """
    if not 0 <= index < inputs.sessions:
        raise InputError("--index", index, f"in [0, {inputs.sessions - 1}]")
    revision = inputs.revision().revision
    if inputs.simulated is not None:
        instrument = revision.instruments[index % len(revision.instruments)]
        session = _generated(inputs, inputs.simulated, instrument, index, folder)
    else:
        session = _recorded(inputs, index)
        instrument = _instrument_of(session.recording, revision)
    pairing = Pairing(
        _policy(revision.baseline, "baseline", None, contents),
        (_policy(revision.candidate, "candidate", inputs.exploration, contents),),
        desk_of(inputs, revision, instrument),
        contents,
    )
    pairing.check()
    return session, pairing


def bound_to(evidence: SessionEvidence, inputs: Inputs) -> SessionEvidence:
    """Evidence that says which revision it is of."""
    return msgspec.structs.replace(evidence, revision=inputs.revision().digest)


def desk_of(inputs: Inputs, revision: Revision, instrument: Instrument) -> Desk:
    """The desk of one instrument: what the revision says of it, and how the replay is asked."""
    latency = LatencySettings(entry_ms=inputs.order_latency_ms, response_ms=inputs.order_latency_ms)
    rules = msgspec.structs.asdict(revision.signals)
    signals = {name: rules[name] for name in SignalSettings.model_fields}
    if inputs.horizon_s is not None:
        signals["horizon_s"] = inputs.horizon_s
    content = {
        "limits": _given(revision.limits_of(instrument.symbol)),
        "refresh": _given(revision.refresh),
        "breach": _given(revision.breach),
        "portfolio": {k: v for k, v in _given(revision.portfolio).items() if k != "correlations"},
        "venue": VenueSettings(
            latency=latency, maker_fee=instrument.maker_fee, taker_fee=instrument.taker_fee
        ),
        "signals": SignalSettings(**signals),
        "decisionS": inputs.decision_s,
        "blockS": inputs.block_s,
        "warmupS": inputs.warmup_s,
    }
    desk = checked(Desk, content, "desk")
    desk.check()
    return desk


def _given(struct: Limits | msgspec.Struct) -> dict[str, Any]:
    """What is set of a struct, in the desk file's words."""
    return {
        to_camel(field): value
        for field in struct.__struct_fields__
        if (value := getattr(struct, field)) is not None
    }


def _policy(
    arm: ArmSpec | None, field: str, exploration: Exploration | None, contents: Contents
) -> PolicyFile:
    if arm is None:
        raise InputError(f"revision.{field}", None, "given", "there is nothing to compare")
    return PolicyFile(
        model=arm.model, params=arm.params, weights_sha256=arm.weights_sha256,
        params_sha256=None if arm.params_sha256 is msgspec.UNSET else arm.params_sha256,
        exploration_budget=_budget(arm, field, exploration, contents),
    )  # fmt: skip


def _budget(arm: ArmSpec, field: str, exploration: Exploration | None, contents: Contents) -> Budget | None:
    if exploration is None:
        return None
    model = build_arm(arm, contents, f"revision.{field}")
    if not isinstance(model, BidAskExp3):
        return None
    return Budget(
        max_loss=exploration.max_loss,
        window_s=100 * model.params.round_s,
        window_rounds=exploration.quotes_percent,
    )


def _generated(
    inputs: Inputs, market: Simulated, instrument: Instrument, index: int, folder: Path
) -> Session:
    tick, mid = instrument.tick_size, _USUAL_MID_TICKS
    if market.start_price is not None:
        mid = round(market.start_price / tick)
    if not _LOWEST_MID_TICKS <= mid < 2**30:
        least = f"{_LOWEST_MID_TICKS * tick} or more, {_LOWEST_MID_TICKS} ticks of {tick}"
        raise InputError("paper.data.simulated.startPrice", str(market.start_price), least)
    seconds = market.session_s + _BEYOND_S
    drawn = generate(FLOWS[market.scenario], seconds=seconds, seed=market.seed + index, mid=mid)
    facts = msgspec.structs.replace(
        drawn.facts, symbol=instrument.symbol, tick_size=format(tick, "f"),
        qty_unit=format(instrument.lot_size, "f"), lot=instrument.min_qty_lots,
        sessions=((0, round(market.session_s * SECOND)),),
    )  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"generated-{index}.npz"
    tapes.save(replace(drawn, facts=facts), path)
    (session,) = split([open_recording(path)], 1, _windows(inputs))
    return replace(session, index=index, name=f"{instrument.symbol}-{index}")


def _recorded(inputs: Inputs, index: int) -> Session:
    assert inputs.recorded is not None  # noqa: S101  read_inputs has seen to it
    folder = inputs.recorded.folder
    recordings = [open_recording(path) for path in sorted(folder.glob("*.npz"))]
    if not recordings:
        raise InputError("paper.data.volume.path", str(folder), "a folder with .npz tapes")
    return split(recordings, inputs.sessions, _windows(inputs))[index]


def _windows(inputs: Inputs) -> Desk:
    """A desk that says how long blocks and warm-up are, which is all that sessions depend on."""
    return Desk(block_s=inputs.block_s, warmup_s=inputs.warmup_s, decision_s=inputs.decision_s)


def _instrument_of(recording: Recording, revision: Revision) -> Instrument:
    facts, known = recording.facts, {i.symbol: i for i in revision.instruments}
    instrument = known.get(facts.symbol)
    if instrument is None:
        raise InputError(f"tape {recording.path.name}: symbol", facts.symbol, f"one of {', '.join(known)}")
    if Decimal(facts.tick_size) != instrument.tick_size or Decimal(facts.qty_unit) != instrument.lot_size:
        raise InputError(
            f"tape {recording.path.name}: tick, lot", f"{facts.tick_size}, {facts.qty_unit}",
            f"{instrument.tick_size}, {instrument.lot_size}", "limits are counted in the instrument's lots",
        )  # fmt: skip
    return instrument
