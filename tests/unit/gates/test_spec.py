"""`spec.gates`: what is read, and what is refused with which field."""

from __future__ import annotations

from typing import Any

import pytest

from quoting_operator.gates import GateSpec, Kind, Stage, Test, parse_gates
from quoting_policy.errors import InputError

VALID = {"name": "markout", "metric": "markout", "kind": "guardrail", "margin": "0.2"}


def test_defaults_and_units_are_read() -> None:
    (gate,) = parse_gates([{**VALID, "horizon": "1s", "stages": ["canary", "paper"], "minBlocks": 30}])
    assert gate == GateSpec(
        name="markout",
        metric="markout",
        kind=Kind.GUARDRAIL,
        horizon="1s",
        margin=0.2,
        min_blocks=30,
        stages=(Stage.PAPER, Stage.CANARY),
    )
    assert (gate.alpha, gate.series, gate.dry_run, gate.test) == (0.05, "markout_1s", False, Test.MEAN)


@pytest.mark.parametrize(
    ("fields", "boundaries"),
    [
        ({"kind": "success"}, (0.0, 0.0)),
        ({"kind": "guardrail", "margin": 0.2}, (-0.2, -0.2)),
        ({"kind": "guardrail", "margin": 0.2, "rollbackMargin": 0}, (-0.2, 0.0)),
        ({"kind": "deterioration", "rollbackMargin": 0.3}, (0.0, -0.3)),
        ({"kind": "guardrail", "test": "rateRatio", "margin": 0.1}, (1.1, 1.0)),
        ({"kind": "guardrail", "test": "proportion", "limit": 0.04}, (0.04, 0.04)),
        ({"kind": "guardrail", "test": "quantile", "quantile": 0.75}, (0.25, 0.25)),
        ({"kind": "integrity"}, (0.5, 0.5)),
    ],
)
def test_a_kind_sets_the_boundaries(fields: dict[str, Any], boundaries: tuple[float, float]) -> None:
    (gate,) = parse_gates([{"name": "g", "metric": "m", **fields}])
    assert (gate.pass_boundary, gate.fail_boundary) == boundaries


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": None}, "gates[0].name"),
        ({"name": "-x"}, "gates[0].name"),
        ({"name": 7}, "gates[0].name"),
        ({"metric": " "}, "gates[0].metric"),
        ({"kind": "winner"}, "gates[0].kind"),
        ({"margin": None}, "gates[0].margin"),
        ({"margin": "a lot"}, "gates[0].margin"),
        ({"margin": True}, "gates[0].margin"),
        ({"margin": -1}, "gates[0].margin"),
        ({"margin": ".nan"}, "gates[0].margin"),
        ({"margin": "inf"}, "gates[0].margin"),
        ({"kind": "success"}, "gates[0].margin"),
        ({"rollbackMargin": -1}, "gates[0].rollbackMargin"),
        ({"alpha": 0}, "gates[0].alpha"),
        ({"alpha": 0.5}, "gates[0].alpha"),
        ({"minBlocks": 1}, "gates[0].minBlocks"),
        ({"minBlocks": 20.5}, "gates[0].minBlocks"),
        ({"targetBlocks": 1}, "gates[0].targetBlocks"),
        ({"alarmHorizonBlocks": 0}, "gates[0].alarmHorizonBlocks"),
        ({"maxLossPerBlock": 0}, "gates[0].maxLossPerBlock"),
        ({"maxLossPerBlock": 0.2}, "gates[0].maxLossPerBlock"),
        ({"maxGainPerBlock": -1}, "gates[0].maxGainPerBlock"),
        ({"stages": []}, "gates[0].stages"),
        ({"stages": "canary"}, "gates[0].stages"),
        ({"stages": ["canary", "beta"]}, "gates[0].stages[1]"),
        ({"dryRun": "yes"}, "gates[0].dryRun"),
        ({"test": "chi"}, "gates[0].test"),
        ({"test": "proportion", "margin": None}, "gates[0].limit"),
        ({"test": "quantile", "margin": None, "quantile": 99}, "gates[0].quantile"),
        ({"test": "rateRatio", "maxLossPerBlock": 4}, "gates[0].maxLossPerBlock"),
        ({"test": "proportion", "limit": 0.1}, "gates[0].margin"),
        (
            {"test": "proportion", "margin": None, "limit": 0.1, "rollbackMargin": 1},
            "gates[0].rollbackMargin",
        ),
        ({"limit": 0.1}, "gates[0].limit"),
        ({"quantile": 0.1}, "gates[0].quantile"),
        ({"test": "rateRatio", "maxGainPerBlock": 4}, "gates[0].maxGainPerBlock"),
        ({"kind": "integrity", "margin": None, "test": "mean"}, "gates[0].test"),
        ({"marign": 0.1}, "gates[0].marign"),
    ],
)
def test_a_bad_field_is_named(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InputError) as refused:
        parse_gates([{**VALID, **changes}])
    assert refused.value.field == field
    assert str(refused.value).startswith(field)


def test_plain_strings_become_members() -> None:
    gate = GateSpec(name="g", metric="m", kind="guardrail", margin=0.1, stages=("canary",))
    assert gate.kind is Kind.GUARDRAIL
    assert gate.stages == (Stage.CANARY,)
    with pytest.raises(InputError, match=r"gate\.margin"):
        GateSpec(name="g", metric="m", kind="guardrail")


@pytest.mark.parametrize("entries", [None, [], "markout", {"name": "x"}])
def test_the_list_itself_is_checked(entries: Any) -> None:
    with pytest.raises(InputError, match="gates"):
        parse_gates(entries)


def test_the_path_of_the_resource_is_in_the_message() -> None:
    with pytest.raises(InputError, match=r"spec\.gates\[1\]\.kind"):
        parse_gates([VALID, {**VALID, "name": "b", "kind": "?"}], "spec.gates")
    with pytest.raises(InputError, match=r"spec\.gates\[1\]: 3"):
        parse_gates([VALID, 3], "spec.gates")


def test_names_are_unique() -> None:
    with pytest.raises(InputError, match=r"gates\[1\]\.name.*gates\[0\]"):
        parse_gates([VALID, VALID])
