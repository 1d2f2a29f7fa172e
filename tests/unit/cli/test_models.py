"""`quoting models`: every model and parameter with unit, range and default."""

from __future__ import annotations

import json

import pytest

from quoting_operator.cli.quoting import main
from tests.unit.models.markets import shipped


def listed(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, object]]:
    assert main(["models", "--json", *arguments]) == 0
    found: list[dict[str, object]] = json.loads(capsys.readouterr().out)["models"]
    return found


def test_all_models_are_listed_with_what_they_read(capsys: pytest.CaptureFixture[str]) -> None:
    models = [model for model in listed(capsys) if model["name"] in shipped()]
    assert [model["name"] for model in models] == shipped()
    assert all(model["summary"] and {"mid", "inventory"} <= set(model["reads"]) for model in models)


def test_a_parameter_has_unit_range_default_and_meaning(capsys: pytest.CaptureFixture[str]) -> None:
    (model,) = listed(capsys, "GLFT")
    by_name = {parameter["name"]: parameter for parameter in model["parameters"]}
    assert by_name["gamma"] | {"description": ""} == {
        "name": "gamma", "unit": "1/(price·lot)", "required": True, "default": None, "range": ">= 0",
        "choices": [], "description": "",
    }  # fmt: skip
    assert by_name["method"]["choices"] == ["exact", "closed"]
    assert by_name["depthShare"]["range"] == "> 0 and <= 1"
    assert by_name["A"]["unit"] == "1/s"


def test_every_number_has_a_unit_and_everything_a_description(capsys: pytest.CaptureFixture[str]) -> None:
    without_unit = {"method", "horizon", "weights", "sha256", "spacing", "split", "minNotional"}
    for model in listed(capsys):
        for parameter in model["parameters"]:
            assert parameter["description"]
            assert parameter["unit"] or parameter["name"] in without_unit


def test_the_text_says_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "FixedSpread"]) == 0
    text = capsys.readouterr().out
    assert "FixedSpread: Bid ``mid - halfSpread``" in text
    assert "halfSpread             price, > 0, required" in text
    assert "qty                    lots, > 0, default 1" in text


def test_an_unknown_model_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "Magic"]) == 2
    assert capsys.readouterr().err.startswith("quoting models: model: 'Magic' must be one of")
