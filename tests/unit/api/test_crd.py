"""The committed definitions are those of the models, and small enough to be applied."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from quoting_operator.api.crd import RESOURCES, crd, manifest, structural
from tests.conftest import REPOSITORY
from tests.resources import Json

PLURALS = [resource.plural for resource in RESOURCES]
LARGEST_ANNOTATION = 256 * 1024
YAML_1_1_BOOLEANS = {"n", "y", "on", "off", "yes", "no"}


@pytest.mark.parametrize("resource", RESOURCES, ids=PLURALS)
def test_the_committed_definition_is_what_make_crds_writes(resource: Any) -> None:
    committed = (REPOSITORY / "crds" / f"{resource.plural}.yaml").read_text()
    assert committed == manifest(resource), "run `make crds` and commit what it wrote"


@pytest.mark.parametrize("resource", RESOURCES, ids=PLURALS)
def test_plain_kubectl_apply_can_keep_the_definition_in_its_annotation(resource: Any) -> None:
    assert len(manifest(resource)) < LARGEST_ANNOTATION / 2


def properties(schema: Json) -> list[tuple[str, Json]]:
    found = list(schema.get("properties", {}).items())
    nested = [*schema.get("properties", {}).values(), schema.get("items"), schema.get("additionalProperties")]
    return found + [pair for child in nested if isinstance(child, dict) for pair in properties(child)]


@pytest.mark.parametrize("resource", RESOURCES, ids=PLURALS)
def test_every_field_is_explained_and_none_reads_as_a_boolean(resource: Any) -> None:
    root = yaml.safe_load(manifest(resource))["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    fields = [(name, schema) for part in ("spec", "status") if part in root["properties"]
              for name, schema in properties(root["properties"][part])]  # fmt: skip
    assert fields
    assert [name for name, schema in fields if "description" not in schema] == []
    assert {name for name, _ in fields} & YAML_1_1_BOOLEANS == set()


def test_no_schema_pins_a_default() -> None:
    schemas = [crd(resource)["spec"]["versions"][0]["schema"]["openAPIV3Schema"] for resource in RESOURCES]
    assert all("default" not in field for schema in schemas for _, field in properties(schema))


class Union(BaseModel):
    field: int | str


class Pair(BaseModel):
    field: tuple[int, str]


@pytest.mark.parametrize("model", [Union, Pair])
def test_what_the_api_server_has_no_word_for_is_refused(model: type[BaseModel]) -> None:
    schema = model.model_json_schema()
    with pytest.raises(ValueError, match=f"{model.__name__}.field"):
        structural(schema, schema.get("$defs", {}), model.__name__)


def test_exclusive_bounds_are_written_as_the_api_server_reads_them() -> None:
    assert structural({"type": "number", "exclusiveMinimum": 0}, {}, "x") == {
        "type": "number",
        "minimum": 0,
        "exclusiveMinimum": True,
    }
