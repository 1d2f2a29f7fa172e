"""CustomResourceDefinitions from the models: ``python -m quoting_operator.api.crd`` writes them to crds/.

The API server takes *structural* schemas only, a subset of what pydantic writes. What is left over after the
translation and not understood is an error here, not a surprise there. Defaults are told in the help text and
not in the schema, so that an object stays as its author wrote it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from quoting_operator.api.gates import GateSet
from quoting_operator.api.implementation import ImplementationSpec
from quoting_operator.api.killswitch import KillSwitch
from quoting_operator.api.policy import QuotingPolicy
from quoting_operator.api.schema import GROUP, VERSION

Json = dict[str, Any]

_KEPT = frozenset(
    {
        "description",
        "enum",
        "format",
        "maxItems",
        "maxLength",
        "maxProperties",
        "maximum",
        "minItems",
        "minLength",
        "minimum",
        "pattern",
        "required",
        "type",
        "x-kubernetes-list-map-keys",
        "x-kubernetes-list-type",
        "x-kubernetes-preserve-unknown-fields",
        "x-kubernetes-validations",
    }
)
_DROPPED = frozenset({"$defs", "title", "default", "additionalProperties", "discriminator", "examples"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """How a kind is published. columns: (name, type, JSON path, priority); 0 is always shown, 1 is wide."""

    model: type[BaseModel]
    plural: str
    short_names: tuple[str, ...]
    columns: tuple[tuple[str, str, str, int], ...]
    namespaced: bool = True

    @property
    def kind(self) -> str:
        """The kind, as in manifests."""
        return self.model.__name__


_AGE = ("Age", "date", ".metadata.creationTimestamp", 0)
_GATES = ".status.gates[*].verdict"
RESOURCES = (
    Resource(
        model=QuotingPolicy,
        plural="quotingpolicies",
        short_names=("qp",),
        columns=(
            ("Phase", "string", ".status.phase", 0),
            ("Step", "integer", ".status.step", 0),
            ("Arm", "string", ".status.effective.arm", 0),
            ("Exposure", "integer", ".status.effective.exposurePercent", 0),
            ("Gates", "string", _GATES, 0),
            _AGE,
            ("Baseline", "string", ".spec.baseline.model", 1),
            ("Candidate", "string", ".spec.candidate.model", 1),
            ("Pods", "integer", ".status.pods.withSidecar", 1),
            ("Message", "string", ".status.message", 1),
        ),
    ),
    Resource(
        model=ImplementationSpec,
        plural="implementationspecs",
        short_names=("impl",),
        columns=(
            ("Head", "string", ".spec.head", 0),
            ("Criteria", "string", ".status.exitCriteria[*].state", 0),
            _AGE,
            ("Repository", "string", ".spec.repository", 1),
        ),
    ),
    Resource(
        model=GateSet,
        plural="gatesets",
        short_names=("gs",),
        columns=(("Gates", "string", ".spec.gates[*].name", 0), _AGE),
    ),
    Resource(
        model=KillSwitch,
        plural="killswitches",
        short_names=("ks",),
        columns=(
            ("Engaged", "boolean", ".spec.engaged", 0),
            ("Action", "string", ".spec.action", 0),
            ("Reason", "string", ".spec.reason", 0),
            _AGE,
        ),
        namespaced=False,
    ),
)


def crd(resource: Resource) -> Json:
    """The CustomResourceDefinition of one kind."""
    schema = resource.model.model_json_schema(mode="serialization", by_alias=True)
    # The API server brings metadata itself and takes no schema for it.
    schema["properties"]["metadata"] = {"type": "object"}
    root = structural(schema, schema.get("$defs", {}), resource.kind)
    root["required"] = ["spec"]
    status = "status" in root["properties"]
    singular = resource.kind.lower()
    version: Json = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": root},
        "additionalPrinterColumns": [
            {"name": name, "type": kind, "jsonPath": path} | ({"priority": priority} if priority else {})
            for name, kind, path, priority in resource.columns
        ],
    }
    if status:
        version["subresources"] = {"status": {}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{resource.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "names": {
                "kind": resource.kind,
                "listKind": f"{resource.kind}List",
                "plural": resource.plural,
                "singular": singular,
                "shortNames": list(resource.short_names),
                "categories": ["quoting"],
            },
            "scope": "Namespaced" if resource.namespaced else "Cluster",
            "versions": [version],
        },
    }


def structural(schema: Mapping[str, Any], definitions: Mapping[str, Any], path: str) -> Json:
    """One pydantic schema as a structural one. Raises ValueError at what the API server has no word for."""
    schema = _resolved(schema, definitions, path)
    result: Json = {}
    for word, value in schema.items():
        match word:
            case "properties":
                result[word] = {n: structural(s, definitions, f"{path}.{n}") for n, s in value.items()}
            case "items":
                result[word] = structural(value, definitions, f"{path}[]")
            case "additionalProperties" if isinstance(value, Mapping):
                result[word] = structural(value, definitions, f"{path}{{}}")
            case "exclusiveMinimum" | "exclusiveMaximum":
                bound = word.replace("exclusiveM", "m")
                result |= {bound: value, word: True}
            case "const":
                result["enum"] = [value]
            case _ if word in _KEPT:
                result[word] = value
            case _ if word not in _DROPPED:
                raise ValueError(f"{path}: no structural schema for {word!r}: {json.dumps(value)[:100]}")
    return _described(result, schema)


def _resolved(schema: Mapping[str, Any], definitions: Mapping[str, Any], path: str) -> Json:
    """The schema with references inlined and *or nothing* taken off: an optional field is one left out."""
    resolved = dict(schema)
    while "$ref" in resolved or "anyOf" in resolved:
        if (options := resolved.pop("anyOf", None)) is not None:
            given = [option for option in options if option.get("type") != "null"]
            if len(given) != 1:
                raise ValueError(f"{path}: a field has one type, not {len(given)}")
            target = given[0]
        else:
            target = definitions[resolved.pop("$ref").removeprefix("#/$defs/")]
        resolved = {**target, **resolved}
    return resolved


def _described(result: Json, schema: Mapping[str, Any]) -> Json:
    """With the default in the help text, where it says something."""
    if "description" in result:
        result["description"] = " ".join(result["description"].split())
    default = schema.get("default")
    if default in (None, "", [], {}) or isinstance(default, Mapping | list):
        return result
    text = default if isinstance(default, str) else json.dumps(default)
    result["description"] = f"{result.get('description', '')} Default: {text}.".strip()
    return result


class _Dumper(yaml.SafeDumper):
    """Writes every list indented and every text without line breaks of its own."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002  PyYAML's name
        super().increase_indent(flow, indentless=False)


def manifest(resource: Resource) -> str:
    """The YAML of one kind's definition, as it is committed."""
    head = "# Made by `make crds` from quoting_operator.api; change it there.\n"
    return head + yaml.dump(crd(resource), Dumper=_Dumper, sort_keys=False, width=110, allow_unicode=True)


def write(folder: Path) -> list[Path]:
    """Write all definitions; returns what was written."""
    folder.mkdir(exist_ok=True)
    written = []
    for resource in RESOURCES:
        path = folder / f"{resource.plural}.yaml"
        path.write_text(manifest(resource))
        written.append(path)
    return written


if __name__ == "__main__":
    for written in write(Path(sys.argv[1] if len(sys.argv) > 1 else "crds")):
        sys.stdout.write(f"{written}\n")
