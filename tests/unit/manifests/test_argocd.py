"""Health and actions in Argo CD: golden tests in Argo CD's own form, the scripts taken from the ConfigMap."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from lupa import lua51
from pydantic import BaseModel

from manifests.generate.argocd import ACTIONS, SCRIPTS
from manifests.generate.files import MANIFESTS
from quoting_operator.api.command import Command, Verb, commands_of
from quoting_operator.api.crd import RESOURCES
from quoting_operator.api.schema import API_VERSION
from quoting_operator.api.status import Phase
from tests.resources import Json
from tests.unit.manifests.lua import ran

DATA = yaml.safe_load((MANIFESTS / "argocd" / "argocd-cm.yaml").read_text())["data"]
KINDS = sorted(resource.kind for resource in RESOURCES)
MODELS: dict[str, type[BaseModel]] = {resource.kind: resource.model for resource in RESOURCES}


def health(kind: str) -> str:
    found: str = DATA[f"resource.customizations.health.quoting.dev_{kind}"]
    return found


def actions() -> Json:
    found: Json = yaml.safe_load(DATA["resource.customizations.actions.quoting.dev_QuotingPolicy"])
    return found


def read(path: Path) -> Json:
    found: Json = yaml.safe_load(path.read_text())
    return found


def health_cases() -> list[Any]:
    return [
        pytest.param(kind, case, id=f"{kind}/{Path(case['inputPath']).stem}")
        for kind in KINDS
        for case in read(SCRIPTS / kind / "health_test.yaml")["tests"]
    ]


FOLDER = SCRIPTS / "QuotingPolicy" / "actions"
GOLDEN = read(FOLDER / "action_test.yaml")


@pytest.mark.parametrize(("kind", "case"), health_cases())
def test_health_is_what_the_golden_file_says(kind: str, case: Json) -> None:
    assert ran(health(kind), read(SCRIPTS / kind / case["inputPath"])) == case["healthStatus"]


def test_every_phase_has_a_health_of_its_own() -> None:
    cases = read(SCRIPTS / "QuotingPolicy" / "health_test.yaml")["tests"]
    objects = [read(SCRIPTS / "QuotingPolicy" / case["inputPath"]) for case in cases]
    phases = {obj["status"]["phase"] for obj in objects if "status" in obj}
    assert set(map(str, Phase)) <= phases


@pytest.mark.parametrize("path", sorted(SCRIPTS.glob("*/testdata/*.yaml")), ids=lambda p: p.stem)
def test_what_the_golden_tests_feed_in_is_what_the_operator_writes(path: Path) -> None:
    found = read(path)
    if path.stem != "unknown_phase":
        assert found.pop("apiVersion") == API_VERSION
        MODELS[found.pop("kind")].model_validate(found)


@pytest.mark.parametrize("case", GOLDEN["discoveryTests"], ids=lambda c: Path(c["inputPath"]).stem)
def test_an_action_that_is_illegal_now_is_disabled(case: Json) -> None:
    found = ran(actions()["discovery.lua"], read(FOLDER / case["inputPath"]))
    assert found == {row["name"]: {"disabled": row["disabled"]} for row in case["result"]}


@pytest.mark.parametrize("case", GOLDEN["actionTests"], ids=lambda c: c["action"])
def test_an_action_writes_a_command_or_says_why_not(case: Json) -> None:
    (script,) = (d["action.lua"] for d in actions()["definitions"] if d["name"] == case["action"])
    given = read(FOLDER / case["inputPath"])
    if "expectedErrorMessage" in case:
        with pytest.raises(lua51.LuaError, match=case["expectedErrorMessage"]):
            ran(script, given)
    else:
        expected = read(FOLDER / case["expectedOutputPath"])
        assert ran(script, given)["metadata"] == expected["metadata"]


@pytest.mark.parametrize("verb", ACTIONS)
def test_the_operator_reads_what_an_action_writes(verb: str) -> None:
    annotations = read(FOLDER / "testdata" / f"{verb}.yaml")["metadata"]["annotations"]
    commands, unread = commands_of(annotations)
    assert unread == ()
    assert commands == (
        Command(
            verb=Verb(verb),
            id="argocd-4711",
            by="system:serviceaccount:argocd:argocd-server",
            reason="through Argo CD: the Event ResourceActionRan on the Application names the person",
            digest="4" * 64,
        ),
    )
