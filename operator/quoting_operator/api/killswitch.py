"""KillSwitch, and what all switches together say for one policy. Operator and sidecars share this reading."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

from pydantic import Field, StrictBool, ValidationError

from quoting_operator.api.metadata import ObjectMeta
from quoting_operator.api.schema import ApiModel, Name, Text, checked, rule
from quoting_policy.domain import Kill, KillAction


class SwitchAction(StrEnum):
    """What an engaged switch does."""

    BASELINE = "Baseline"
    HALT = "Halt"


class LabelSelector(ApiModel):
    """Which policies, by their labels; all pairs must match."""

    match_labels: dict[str, str] = Field(default_factory=dict, json_schema_extra={"maxProperties": 16})
    """Label and value."""


class SwitchSelector(ApiModel):
    """Which policies a switch concerns. All parts must match; an empty part matches all."""

    namespaces: tuple[Name, ...] = Field(
        default=(), json_schema_extra={"x-kubernetes-list-type": "set", "maxItems": 256}
    )
    """Namespaces."""
    names: tuple[Name, ...] = Field(
        default=(), json_schema_extra={"x-kubernetes-list-type": "set", "maxItems": 256}
    )
    """Names of policies."""
    policies: LabelSelector = LabelSelector()
    """Labels of the policy."""

    def matches(self, namespace: str, name: str, labels: Mapping[str, str]) -> bool:
        """Whether a policy of this namespace, with this name and these labels, is concerned."""
        if self.namespaces and namespace not in self.namespaces:
            return False
        if self.names and name not in self.names:
            return False
        return all(labels.get(key) == value for key, value in self.policies.match_labels.items())


_RELEASE = "!oldSelf.engaged || self.engaged || self.reason != oldSelf.reason"
_ACTION = "!oldSelf.engaged || !self.engaged || oldSelf.action == 'Baseline' || self.action == 'Halt'"
_SELECTOR = (
    "!oldSelf.engaged || !self.engaged || (has(self.selector) == has(oldSelf.selector)"
    " && (!has(self.selector) || self.selector == oldSelf.selector))"
)


class KillSwitchSpec(ApiModel):
    """Takes candidates, or all quotes, out of the market. Engaged it stays until it is released by name."""

    model_config = checked(
        rule(_RELEASE, "must say why the switch is released: give a new reason", ".reason"),
        rule(_ACTION, "must not be weakened while engaged: release the switch first", ".action"),
        rule(_SELECTOR, "must not change while engaged: engage another switch, or release this one first"),
    )

    engaged: StrictBool
    """Whether it acts."""
    action: SwitchAction
    """Baseline: candidates stop and baselines quote. Halt: nobody quotes, apps cancel their orders."""
    reason: str = Field(min_length=1, max_length=1024)
    """Why it was engaged; on release, why it was released."""
    selector: SwitchSelector = SwitchSelector()
    """Which policies; left out it is all of them."""


class KillSwitch(ApiModel):
    """A kill switch over many policies. Sidecars watch it themselves."""

    metadata: ObjectMeta
    spec: KillSwitchSpec


class PolicyKillSwitch(ApiModel):
    """The switch inside a policy. It acts at once and without the operator."""

    model_config = checked(
        rule(
            "!self.engaged || (has(self.reason) && size(self.reason) > 0)",
            "must say why the switch is engaged",
        )
    )

    engaged: StrictBool
    """Whether it acts."""
    action: SwitchAction = SwitchAction.BASELINE
    """Baseline: the candidate stops and the baseline quotes. Halt: nobody quotes."""
    reason: Text = ""
    """Why it was engaged."""


_STRENGTH = {KillAction.NONE: 0, KillAction.BASELINE: 1, KillAction.HALT: 2}


def kill_of(policy: Mapping[str, Any], switches: Iterable[Mapping[str, Any]]) -> Kill:
    """What the policy's own switch and all KillSwitch objects say together: the strongest wins.

    policy, switches: objects as the API server returns them. A switch that cannot be read counts as an
    engaged Halt, whatever the rest of its object looks like.
    """
    found = [_own(policy), *(_shared(policy, switch) for switch in switches)]
    return max(found, key=lambda kill: _STRENGTH[kill.action])


def _own(policy: Mapping[str, Any]) -> Kill:
    written = (policy.get("spec") or {}).get("killSwitch")
    if written is None:
        return Kill(action=KillAction.NONE)
    try:
        switch = PolicyKillSwitch.model_validate(written)
    except ValidationError:
        return Kill(action=KillAction.HALT, reason="spec.killSwitch cannot be read")
    if not switch.engaged:
        return Kill(action=KillAction.NONE)
    return Kill(action=KillAction(switch.action), reason=f"spec.killSwitch: {switch.reason}")


def _shared(policy: Mapping[str, Any], written: Mapping[str, Any]) -> Kill:
    metadata = policy.get("metadata") or {}
    name = (written.get("metadata") or {}).get("name", "")
    try:
        switch = KillSwitchSpec.model_validate(written.get("spec"))
    except ValidationError:
        return Kill(action=KillAction.HALT, reason=f"KillSwitch {name} cannot be read")
    concerned = switch.selector.matches(
        metadata.get("namespace", ""), metadata.get("name", ""), metadata.get("labels") or {}
    )
    if not (switch.engaged and concerned):
        return Kill(action=KillAction.NONE)
    return Kill(action=KillAction(switch.action), reason=f"KillSwitch {name}: {switch.reason}")
