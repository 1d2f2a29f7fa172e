"""Messages between the agent and the engine, on the control socket.

Every message of the agent is answered by :class:`Done`, :class:`BaselineOnly`, :class:`Refused` or
what it asked for, in order. The
engine pushes :class:`BreachLatched` at any time.
"""

from __future__ import annotations

import msgspec

from quoting_policy.domain import Authority, Frozen, Kill, Limits, Mode


class _Control(msgspec.Struct, frozen=True, array_like=True):
    """What all messages share."""


class Configure(_Control, tag="configure", frozen=True):
    """Run this revision. content: weights and secret parameters that it names by sha256, as far as known.

    Answered by :class:`BaselineOnly` where the candidate cannot run for want of them.
    """

    frozen: Frozen
    content: tuple[bytes, ...] = ()

    def __repr__(self) -> str:
        return f"Configure({self.frozen.digest}, {len(self.content)} contents)"


class Authorise(_Control, tag="authorise", frozen=True):
    """A renewal of authority. seen_ns: CLOCK_MONOTONIC of the agent when it saw the renewal."""

    authority: Authority
    seen_ns: int


class Revoke(_Control, tag="revoke", frozen=True):
    """No authority from now on."""


class Engage(_Control, tag="kill", frozen=True):
    """State of the kill switches."""

    kill: Kill


class Tighten(_Control, tag="tighten", frozen=True):
    """Limits on top of the revision's; None takes them back."""

    limits: Limits | None


class Release(_Control, tag="release", frozen=True):
    """A person releases the latched breach of a digest.

    before_ns: only one latched earlier, wall clock, ns; 0 is any. drill_only: only one that was a drill.
    """

    digest: str
    reason: str
    before_ns: int = 0
    drill_only: bool = False

    @property
    def bounded(self) -> bool:
        """Whether it can be told again without ending what came later."""
        return self.before_ns > 0 or self.drill_only


class Drill(_Control, tag="drill", frozen=True):
    """Rehearse a breach, in shadow."""

    digest: str


class TakeSnapshot(_Control, tag="snapshot", frozen=True):
    """Ask for a :class:`Snapshot`."""


AgentMessage = Configure | Authorise | Revoke | Engage | Tighten | Release | Drill | TakeSnapshot


class Done(_Control, tag="done", frozen=True):
    """The message was carried out."""


class BaselineOnly(_Control, tag="baseline_only", frozen=True):
    """The revision runs without its candidate, whose weights or secret parameters are of no use."""

    message: str


class Refused(_Control, tag="refused", frozen=True):
    """The message was not carried out, and nothing has changed."""

    message: str


class BreachLatched(_Control, tag="breach", frozen=True):
    """A breach was latched. wall_ns: wall clock, ns."""

    digest: str
    breaches: tuple[str, ...]
    instrument: str
    wall_ns: int
    drill: bool


class ArmReport(_Control, frozen=True):
    """One arm in one instrument. Money, lots; counts as in :class:`quoting_policy.accounting.Counter`."""

    name: str
    inventory: float
    average_cost: float
    realised: float
    unrealised: float
    fees: float
    counts: tuple[float, ...]
    profit_factor: float | None
    value_at_risk: float | None
    conditional_value_at_risk: float | None


class SealedReport(_Control, frozen=True):
    """Counters by arm as they stood at the end of a block."""

    block: int
    end_ns: int
    complete: bool
    digest: str
    counts: dict[str, tuple[float, ...]]


class BookReport(_Control, frozen=True):
    """One instrument. drawdown, daily_loss: money."""

    symbol: str
    mode: Mode
    inventory: float
    drawdown: float
    daily_loss: float
    unattributed_fills: int
    arms: tuple[ArmReport, ...]
    sealed: SealedReport | None


class Count(_Control, frozen=True):
    """One counter with its labels."""

    name: str
    labels: tuple[str, ...]
    value: int


class LatencyReport(_Control, frozen=True):
    """How long decisions of an arm took: counts by edge of the histogram, and their sum, ns."""

    arm: str
    counts: tuple[int, ...]
    sum_ns: int


class Snapshot(_Control, tag="state", frozen=True):
    """Everything the agent exports.

    arm: who may quote in a candidate's slot; rule: the rule of precedence that says so. authority_left_s: 0
    where there is none. latency_edges_ns: upper edges of the histograms in latency, the last one open.
    """

    digest: str
    arm: str
    rule: str
    mode: Mode
    stage: str
    authority_left_s: float
    latched: tuple[BreachLatched, ...]
    latch_write_failures: int
    connections: int
    books: tuple[BookReport, ...]
    counts: tuple[Count, ...]
    latency_edges_ns: tuple[int, ...]
    latency: tuple[LatencyReport, ...]


EngineReply = Done | BaselineOnly | Refused | Snapshot | BreachLatched
