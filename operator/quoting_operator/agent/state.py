"""What an agent knows of its policy, and what it has to tell its engine when that changes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from quoting_operator.api.killswitch import kill_of
from quoting_operator.api.lease import authority_of, drill_of, renewed_at
from quoting_operator.api.limits import EffectiveLimits
from quoting_operator.api.status import ReleasedDigest
from quoting_policy.domain import Frozen, Kill, KillAction, Limits
from quoting_policy.errors import InputError
from quoting_policy.models.content import NOTHING, Contents
from quoting_policy.protocol.control import (
    Authorise,
    Configure,
    Drill,
    Engage,
    Release,
    Revoke,
    Tighten,
)

Json = Mapping[str, Any]
Instruction = Configure | Authorise | Revoke | Engage | Tighten | Drill | Release

GONE = Kill(action=KillAction.BASELINE, reason="the QuotingPolicy is gone")


def frozen_of(revision: Json) -> Frozen:
    """What a ControllerRevision holds. Raises InputError where it was altered."""
    try:
        return msgspec.convert(revision.get("data"), Frozen)
    except (msgspec.ValidationError, InputError) as error:
        name = revision["metadata"]["name"]
        raise InputError(f"ControllerRevision {name}", str(error), "as the operator stored it") from None


@dataclass(slots=True)
class Known:
    """Objects as they were last seen. policy, switches: None until the API server has told.

    had_policy: there was one before; its absence then is a deletion and no late start. told_revision: with
    its content. fencing: of the last grant. rehearsal: id of the last rehearsal that was asked for.
    """

    policy: Json | None = None
    switches: dict[str, Json] | None = None
    had_policy: bool = False
    told_kill: Kill | None = None
    told_limits: Limits | None = None
    told_revision: Configure | None = None
    told_released: tuple[ReleasedDigest, ...] = ()
    renewed: str | None = None
    fencing: int = -1
    rehearsal: str = ""
    problems: dict[str, str] = field(default_factory=dict)

    def saw_policy(self, policy: Json | None) -> None:
        """The policy, None where there is none."""
        self.policy = policy
        self.had_policy = self.had_policy or policy is not None
        if policy is None:
            self.problems["policy"] = "the QuotingPolicy does not exist"
        else:
            self.problems.pop("policy", None)

    def kill(self) -> Kill | None:
        """State of all kill switches; None while it is not known, which an engine takes as no quoting."""
        if self.switches is None:
            return None
        if self.policy is None:
            return GONE if self.had_policy else None
        return kill_of(self.policy, self.switches.values())

    def changes(self) -> list[Instruction]:
        """Kill state and limits, as far as they differ from what was told last. Kill comes first."""
        found: list[Instruction] = []
        kill = self.kill()
        if kill is not None and kill != self.told_kill:
            self.told_kill = kill
            found.append(Engage(kill))
        limits = self._limits()
        if limits is not None and limits != self.told_limits:
            self.told_limits = limits
            found.append(Tighten(limits))
        return [*found, *self._releases()]

    def wanted_revision(self) -> str:
        """Name of the ControllerRevision that the operator has pinned; empty where there is none."""
        effective = ((self.policy or {}).get("status") or {}).get("effective") or {}
        name: str = effective.get("revision", "")
        return name

    def configured(self, frozen: Frozen, contents: Contents = NOTHING) -> Configure | None:
        """What to run, None where that was told already. contents: weights and secret parameters at hand."""
        said = Configure(frozen, contents.only(frozen.revision.content()).blobs())
        if said == self.told_revision:
            return None
        self.told_revision = said
        return said

    def saw_lease(self, lease: Json | None, seen_ns: int, *, live: bool) -> list[Instruction]:
        """A Lease as it is now. seen_ns: CLOCK_MONOTONIC.

        live: it came as a change. What a list returns may be as old as the operator's death, so that it
        never counts as a renewal.
        """
        if lease is None:
            self.renewed = None
            return [Revoke()]
        stamp = renewed_at(lease)
        renewed, self.renewed = live and stamp not in ("", self.renewed), stamp
        if not renewed:
            return []
        try:
            authority = authority_of(lease)
        except InputError as error:
            self.problems["lease"] = str(error)
            return [Revoke()]
        self.problems.pop("lease", None)
        granted = authority.fencing != self.fencing
        self.fencing = authority.fencing
        drill = drill_of(lease)
        said: list[Instruction] = [Authorise(authority, seen_ns)]
        if drill and drill != self.rehearsal:
            self.rehearsal = drill
            said.append(Drill(authority.digest))
        elif not drill and granted:
            # A grant without a drill ends the latch of any rehearsal, also of one before our restart.
            said.append(Release(authority.digest, "the rehearsal is over", drill_only=True))
        return said

    def _releases(self) -> list[Instruction]:
        """Digests that somebody let go of. Told again it is harmless: it ends older latches only."""
        written = ((self.policy or {}).get("status") or {}).get("released") or ()
        try:
            released = tuple(ReleasedDigest.model_validate(item) for item in written)
        except ValueError as error:
            self.problems["released"] = f"status.released: {error}"
            return []
        self.problems.pop("released", None)
        new = [item for item in released if item not in self.told_released]
        self.told_released = released
        return [Release(r.digest, f"{r.by}: {r.reason}", before_ns=int(r.at.timestamp() * 1e9)) for r in new]

    def _limits(self) -> Limits | None:
        """Limits on top of the revision's. What cannot be read leaves those that hold."""
        written = ((self.policy or {}).get("status") or {}).get("effectiveLimits")
        if written is None:
            return None
        try:
            limits = EffectiveLimits.model_validate(written).limits.to_domain()
        except ValueError as error:
            self.problems["limits"] = f"status.effectiveLimits: {error}"
            return None
        self.problems.pop("limits", None)
        return limits
