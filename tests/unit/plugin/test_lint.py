"""Files checked without a cluster: by the API server's rules, and by what the operator would refuse."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from quoting_operator.api.crd import RESOURCES, crd
from quoting_operator.cli.plugin.cel_twins import TWINS
from quoting_operator.cli.plugin.lint_objects import checked_objects
from quoting_operator.cli.plugin.main import main
from tests.conftest import REPOSITORY
from tests.integration.test_schemas import INVALID_OTHERS, INVALID_POLICIES
from tests.resources import CANDIDATE, GATE_SET, IMPLEMENTATION, KILL_SWITCH, POLICY, Json, changed

ROLLED_OUT = changed(POLICY, "spec.candidate", CANDIDATE)
RISK: Json = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "desk-risk", "labels": {"quoting.dev/risk-policy": "true"}},
    "data": {"limits.yaml": "limits: {maxPosition: '4'}"},
}
GATES = POLICY["spec"]["gates"]
FILL_RATIO = {"name": "fills", "metric": "fillRatio", "kind": "guardrail", "margin": "0.1"}


class Given:
    def __init__(self, content: Json) -> None:
        self.content = content


def problems(*objects: Json) -> list[str]:
    return [problem for _, problem in checked_objects([Given(content) for content in objects])]


@pytest.mark.parametrize(
    "content", [POLICY, ROLLED_OUT, GATE_SET, KILL_SWITCH, IMPLEMENTATION, RISK], ids=lambda o: o["kind"]
)
def test_what_the_api_server_takes_is_found_in_order(content: Json) -> None:
    assert problems(content) == []


@pytest.mark.parametrize(("path", "value", "_message"), INVALID_POLICIES)
def test_a_policy_that_the_api_server_refuses_is_refused_here_too(
    path: str, value: Any, _message: str
) -> None:
    assert problems(changed(POLICY, path, value))


@pytest.mark.parametrize(("resource", "path", "value", "_message"), INVALID_OTHERS)
def test_any_other_object_that_it_refuses_is_too(
    resource: Json, path: str, value: Any, _message: str
) -> None:
    assert problems(changed(resource, path, value))


def rules(schema: Json) -> Iterator[Json]:
    yield from schema.get("x-kubernetes-validations", ())
    inner = [*schema.get("properties", {}).values(), schema.get("items"), schema.get("additionalProperties")]
    for each in inner:
        if isinstance(each, dict):
            yield from rules(each)


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda r: r.kind)
def test_every_rule_of_the_api_server_has_its_twin_here(resource: Any) -> None:
    schema = crd(resource)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    about_one_object = [rule for rule in rules(schema) if "oldSelf" not in rule["rule"]]
    assert [rule["message"] for rule in about_one_object if rule["message"] not in TWINS] == []


def test_no_twin_outlives_its_rule() -> None:
    schemas = [crd(resource)["spec"]["versions"][0]["schema"]["openAPIV3Schema"] for resource in RESOURCES]
    assert set(TWINS) == {r["message"] for s in schemas for r in rules(s) if "oldSelf" not in r["rule"]}


@pytest.mark.parametrize(
    ("path", "value", "line"),
    [
        ("spec.limits.maxPosition", "-3",
         'spec.limits.maxPosition: "-3" must be a decimal number > 0 in quotes, such as "0.1"'),
        ("spec.limits.maxPosition", 3, "spec.limits.maxPosition: 3 must be a text; put it in quotes"),
        ("spec.limits.maxPositon", "3", "spec.limits.maxPositon: is not a field; did you mean maxPosition?"),
        ("spec.instruments.0.tickSize", None,
         "spec.instruments[0].tickSize: must be given: Price of one tick."),
        ("spec.gates.1.name", "profit",
         'spec.gates[1].name: "profit" must be unique; spec.gates[0] has it too'),
        ("spec.gates.0.kind", "win",
         'spec.gates[0].kind: "win" must be one of success, guardrail, deterioration, integrity'),
        ("spec.gates.1.margin", "0",
         "spec.gates[1].margin: must be > 0 for a guardrail: say how much worse is still acceptable"),
        ("spec.rollout.canary.steps.0.exposure", 100,
         "spec.rollout.canary.steps[0].exposure: 100 must be <= 99"),
        ("spec.gates.0.alpha", 0.5, "spec.gates[0].alpha: 0.5 must be < 0.5"),
        ("metadata.name", "x" * 64,
         "metadata.name: must have at most 63 characters: pods name their policy in a label"),
        ("spec.candidate.model", "FixedSpred", "spec.candidate.model: 'FixedSpred' must be one of "),
        ("spec.candidate.params", {"halfSpread": -4, "qty": 1},
         "spec.candidate.params.halfSpread: -4 must be a finite number > 0"),
        ("spec.baseline.params", {"halfSpread": 4, "qty": 1, "gama": 1},
         "spec.baseline.params.gama: 1 must be left out; known parameters: "),
        ("spec.breach", {"rawPrice": "0.5"}, "breach.raw_price: 0.5 must be a finite number >= 1"),
        ("spec.gates", [*GATES, FILL_RATIO],
         "spec.gates[2].metric: 'fillRatio' must be one of pnl, edge, "),
        ("spec.gates", [{**GATES[0], "stages": ["paper"]}],
         "spec.gates: None must be with a gate of stage shadow"),
        ("spec.gates", [{**GATES[0], "maxLossPerBlock": "1", "kind": "guardrail", "margin": "2"}],
         "spec.gates[0].maxLossPerBlock: 1.0 must be above the margins"),
        ("spec.windows", [{"name": "x", "type": "Advance", "weekly": {
            "days": ["Mon"], "start": "09:00", "end": "17:00", "timeZone": "Europe/Berln"}}],
         "spec.windows[0].weekly.timeZone: 'Europe/Berln' must be an IANA time zone"),
        ("apiVersion", "quoting.dev/v1", "apiVersion, kind: quoting.dev/v1 QuotingPolicy must be "),
        ("kind", "QuotingPolcy", "apiVersion, kind: quoting.dev/v1alpha1 QuotingPolcy must be "),
        ("metadata", None, "metadata.name: must be given"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_in_one_line_with_its_field_and_the_remedy(
    path: str, value: Any, line: str
) -> None:
    found = problems(changed(ROLLED_OUT, path, value))
    assert found
    assert found[0].startswith(line)
    assert all("\n" not in each for each in found)


def test_a_metric_that_no_stage_measures_is_told_once() -> None:
    gate = {**GATES[1], "horizon": "7s"}
    found = problems(changed(ROLLED_OUT, "spec.gates", [GATES[0], gate]))
    assert len(found) == len(set(found)) == 2
    assert all(each.startswith("spec.gates[1].metric: 'markout_7s' must be one of") for each in found)


def test_gates_of_a_set_beside_it_count_for_a_policy() -> None:
    policy = changed(changed(ROLLED_OUT, "spec.gates", []), "spec.gatesFrom", [{"name": "desk-standard"}])
    assert problems(policy, GATE_SET) == []
    looser = changed(policy, "spec.gates", [{**GATES[0], "alpha": 0.2}])
    assert problems(looser, GATE_SET)[0].startswith("spec.gates[0].alpha: 0.2 must be nowhere looser")


def test_risk_limits_are_checked_too() -> None:
    wrong = changed(RISK, "data", {"limits.yaml": "limits: {maxPosition: -4}"})
    assert problems(wrong) == [
        'data.limits.yaml.limits.maxPosition: -4: must be a decimal number in quotes, such as "0.1"'
    ]
    assert problems(changed(RISK, "data", {"limits.yaml": "{"}))[0].startswith("data.limits.yaml: not YAML")


def written(folder: Path, name: str, *objects: Json) -> str:
    path = folder / name
    path.write_text(yaml.safe_dump_all(objects))
    return str(path)


def test_files_in_order_end_in_zero(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path, "all.yaml", POLICY, KILL_SWITCH, {"kind": "Service", "apiVersion": "v1"})
    assert main(["lint", file]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert "2 objects checked; no errors" in err


def test_every_error_is_a_line_with_its_file_and_object(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path, "bad.yaml", changed(POLICY, "spec.paused", "yes"))
    assert main(["lint", str(tmp_path)]) == 1
    out, err = capsys.readouterr()
    assert out == f'{file}: QuotingPolicy/btc: spec.paused: "yes" must be true or false\n'
    assert "1 error" in err


@pytest.mark.parametrize(("text", "words"), [("a: [", "not YAML"), ("a: 1\na: 2\n", "key 'a' twice")])
def test_what_is_not_yaml_is_told(
    text: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.yaml").write_text(text)
    assert main(["lint", str(tmp_path / "x.yaml")]) == 1
    assert words in capsys.readouterr().out


def test_a_list_and_times_as_text_are_read(tmp_path: Path) -> None:
    between = {"start": "2026-12-24T00:00:00Z", "end": "2026-12-26T00:00:00Z"}
    policy = changed(POLICY, "spec.windows", [{"name": "holidays", "type": "Freeze", "between": between}])
    (tmp_path / "x.yaml").write_text(json.dumps({"kind": "List", "apiVersion": "v1", "items": [policy]}))
    text = yaml.safe_dump(policy).replace("'2026-12-24T00:00:00Z'", "2026-12-24T00:00:00Z")
    (tmp_path / "y.yaml").write_text(text)
    assert main(["lint", str(tmp_path)]) == 0


def test_a_file_that_is_not_there_is_an_error_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lint", "/nowhere.yaml"]) == 3
    err = capsys.readouterr().err
    assert err == (
        "kubectl quoting lint: FILE: '/nowhere.yaml' must be a readable file; No such file or directory\n"
    )


def test_our_own_manifests_are_in_order() -> None:
    assert main(["lint", str(REPOSITORY / "manifests")]) == 0
