"""Objects held to everything that can be known without a cluster: schema, rules, models, gates. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import chain
from typing import Any, Protocol, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import ValidationError

from quoting_operator.api.crd import RESOURCES, crd
from quoting_operator.api.gates import GateSetSpec, gate_entry
from quoting_operator.api.limits import RiskLimits
from quoting_operator.api.policy import RISK_LABEL, Arm, PolicySpec
from quoting_operator.api.schema import API_VERSION, GROUP
from quoting_operator.cli.plugin.structural import Fault, faults
from quoting_operator.gates import GateSpec, Stage, parse_gate
from quoting_operator.gates.published import check_published
from quoting_operator.gates.sessions import check_measured
from quoting_operator.rollout.plan import plan_of
from quoting_operator.rollout.revisions import arm_of, wanted
from quoting_operator.rollout.risk import held_limits
from quoting_policy.errors import InputError
from quoting_policy.models.arms import check_arm
from quoting_policy.paper.differences import METRICS

Json = Mapping[str, Any]

RISK_KIND = "risk limits"
_IGNORED = frozenset({"apiVersion", "kind", "metadata", "status"})


class Named(Protocol):
    """Something that has an object's content."""

    @property
    def content(self) -> dict[str, Any]:
        """The object."""


N = TypeVar("N", bound=Named)


def kind_of(content: Json) -> str:
    """Which of our kinds an object is, RISK_KIND for risk limits; empty where it is none of ours."""
    metadata = content.get("metadata")
    labels = (metadata.get("labels") if isinstance(metadata, dict) else None) or {}
    if content.get("kind") == "ConfigMap" and labels.get(RISK_LABEL) == "true":
        return RISK_KIND
    group = str(content.get("apiVersion", "")).partition("/")[0]
    return str(content.get("kind", "?")) if group == GROUP else ""


def checked_objects(objects: Sequence[N]) -> Iterator[tuple[N, str]]:
    """Every problem, with the object that has it. GateSets among the objects count for the policies."""
    sets = {
        found.content["metadata"]["name"]: found.content
        for found in objects
        if kind_of(found.content) == "GateSet" and isinstance(found.content.get("metadata"), dict)
    }
    for found in objects:
        for problem in _problems(found.content, sets):
            yield found, problem


def _problems(content: dict[str, Any], sets: Mapping[str, Json]) -> Iterator[str]:
    kind = kind_of(content)
    if kind == RISK_KIND:
        yield from _risk_limits(content)
        return
    schema = _schemas().get(kind)
    if schema is None or content.get("apiVersion") != API_VERSION:
        yield (
            f"apiVersion, kind: {content.get('apiVersion')} {kind} must be {API_VERSION}"
            f" and one of {', '.join(_schemas())}"
        )
        return
    found = list(_by_schema(content, schema))
    yield from map(str, found)
    if not found:
        # What the schema refuses cannot be read any further.
        yield from {"QuotingPolicy": _policy, "GateSet": _gate_set}.get(kind, _nothing)(content["spec"], sets)


@cache
def _schemas() -> dict[str, dict[str, Any]]:
    """Schemas of our kinds, as the API server has them."""
    found = {resource.kind: crd(resource)["spec"]["versions"][0] for resource in RESOURCES}
    return {kind: version["schema"]["openAPIV3Schema"] for kind, version in found.items()}


def _by_schema(content: Json, schema: Json) -> Iterator[Fault]:
    metadata = content.get("metadata")
    if not (isinstance(metadata, dict) and (metadata.get("name") or metadata.get("generateName"))):
        yield Fault("metadata.name", "must be given")
        return
    own = {key: value for key, value in content.items() if key not in _IGNORED}
    yield from faults(own, {**schema, "x-kubernetes-validations": []}, "")
    rules = {"type": "object", "x-kubernetes-validations": schema.get("x-kubernetes-validations", [])}
    for fault in faults(content, rules, "metadata"):
        yield Fault("metadata.name", fault.problem.removeprefix("metadata.name "))


def _nothing(_spec: Json, _sets: Mapping[str, Json]) -> Iterator[str]:
    return iter(())


def _policy(written: Json, sets: Mapping[str, Json]) -> Iterator[str]:
    """What the operator would refuse, and what would wait for ever."""
    try:
        spec = PolicySpec.model_validate(written)
    except ValidationError as error:
        yield from _pydantic(error, "spec")
        return
    arms = list(_arm("spec.baseline", spec.baseline)) + list(_arm("spec.candidate", spec.candidate))
    yield from arms
    if not arms:
        yield from _revision(spec)
    for i, window in enumerate(spec.windows):
        if window.weekly is not None:
            yield from _time_zone(f"spec.windows[{i}].weekly.timeZone", window.weekly.time_zone)
    own = list(_gates([gate_entry(gate) for gate in spec.gates]))
    yield from own
    known = all(ref.name in sets for ref in spec.gates_from)
    if not own and known and spec.candidate is not None and spec.rollout.paper is not None:
        yield from _said(lambda: plan_of(spec, sets))


def _gate_set(written: Json, _sets: Mapping[str, Json]) -> Iterator[str]:
    try:
        gates = GateSetSpec.model_validate(written).gates
    except ValidationError as error:
        yield from _pydantic(error, "spec")
        return
    entries = [gate_entry(gate) for gate in gates]
    yield from _gates([{k: v for k, v in entry.items() if k != "required"} for entry in entries])


def _arm(field: str, arm: Arm | None) -> Iterator[str]:
    if arm is None:
        return
    yield from _said(lambda: check_arm(arm_of(arm), field))


def _revision(spec: PolicySpec) -> Iterator[str]:
    held = held_limits(spec, None, None)
    yield from _said(lambda: wanted(spec, held.everywhere, held.by_instrument, held.portfolio))


def _gates(entries: Sequence[Json]) -> Iterator[str]:
    """Gates that cannot hold, or whose metric no stage of theirs measures."""
    for i, entry in enumerate(entries):
        path = f"spec.gates[{i}]"
        try:
            gate = parse_gate(entry, path)
        except InputError as error:
            yield str(error)
            continue
        said = [_said(lambda gate=gate, stage=stage: _measurable(gate, stage)) for stage in gate.stages]
        for problem in dict.fromkeys(chain.from_iterable(said)):
            yield problem.replace(f"gate {gate.name}: ", f"{path}.", 1)


def _measurable(gate: GateSpec, stage: Stage) -> None:
    if stage is Stage.PAPER:
        check_measured([gate], tuple(METRICS))
    else:
        check_published([gate], stage)


def _time_zone(field: str, name: str) -> Iterator[str]:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        yield str(InputError(field, name, "an IANA time zone", "such as Europe/Berlin"))


def _risk_limits(content: Json) -> Iterator[str]:
    """A ConfigMap of the risk officer: every key is limits as YAML."""
    for key, text in (content.get("data") or {}).items():
        try:
            RiskLimits.model_validate(yaml.safe_load(text))
        except yaml.YAMLError as error:
            yield f"data.{key}: not YAML: {' '.join(str(error).split())}"
        except ValidationError as error:
            yield from _pydantic(error, f"data.{key}")


def _pydantic(error: ValidationError, path: str) -> Iterator[str]:
    for each in error.errors():
        where = ".".join([path, *map(str, each["loc"])])
        yield f"{where}: {each['input']!r}: {each['msg'].removeprefix('Value error, ')}"


def _said(check: Any) -> list[str]:
    """What a check complains about."""
    try:
        check()
    except InputError as error:
        return [str(error)]
    return []
