"""`quoting quote`: JSON in, JSON out, and one line for whatever is wrong."""

from __future__ import annotations

import io
import json
import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import quoting_policy.clamps
from quoting_operator.cli.quoting import main

needs_clamps = pytest.mark.skipif(
    not hasattr(quoting_policy.clamps, "apply_limits"), reason="clamps are not merged here yet"
)
REQUEST = {
    "model": "AvellanedaStoikov",
    "params": {"gamma": 0.1},
    "state": {
        "mid": 100.0, "bestBid": 99.5, "bestAsk": 100.5, "inventory": 5, "sigma": 2.0, "timeLeft": 1.0,
        "fillHazard": {"A": 140.0, "k": 1.5}, "latency": {"feed": 0.001, "order": 0.002}, "depth": 12.0,
        "toxicity": 0.1, "alpha": 0.0,
    },
}  # fmt: skip


@pytest.fixture
def quoting(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Run `quoting quote` on a text: its status, standard output and standard error."""

    def run(text: str | bytes) -> tuple[int, str, str]:
        content = text.encode() if isinstance(text, str) else text
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
        status = main(["quote"])
        return status, *capsys.readouterr()

    return run


def changed(**sections: object) -> str:
    """REQUEST with a section's fields replaced, or a section replaced or added."""
    request: dict[str, object] = json.loads(json.dumps(REQUEST))
    for name, change in sections.items():
        before = request.get(name)
        request[name] = (
            {**before, **change} if isinstance(before, dict) and isinstance(change, dict) else change
        )
    return json.dumps(request)


def test_a_quote_without_instrument_is_neither_rounded_nor_clamped(quoting) -> None:
    status, out, err = quoting(json.dumps(REQUEST))
    answer = json.loads(out)
    half = 0.5 * (0.1 * 4 + 20 * math.log1p(0.1 / 1.5))
    assert (status, err) == (0, "")
    assert set(answer) == {"bids", "asks", "reservation", "halfSpread", "clampsBound", "breaches"}
    assert answer["bids"] == [[pytest.approx(98.0 - half), 1.0]]
    assert answer["asks"] == [[pytest.approx(98.0 + half), 1.0]]
    assert answer["reservation"] == pytest.approx(98.0)
    assert answer["halfSpread"] == pytest.approx(half)
    assert answer["clampsBound"] == answer["breaches"] == []


def test_sides_may_have_their_own_fill_hazard(quoting) -> None:
    hazards = {"bid": {"A": 1, "k": 1.5}, "ask": {"A": 1, "k": 3.0}}
    request = json.loads(changed(state={"inventory": 0}))
    request["state"]["fillHazard"] = hazards
    answer = json.loads(quoting(json.dumps(request))[1])
    assert 100.0 - answer["bids"][0][0] > answer["asks"][0][0] - 100.0


def test_a_one_sided_quote_has_no_half_spread(quoting) -> None:
    request = changed(model="GLFT", params={"gamma": 0.1, "maxInventory": 5})
    answer = json.loads(quoting(request)[1])
    assert answer["bids"] == []
    assert answer["halfSpread"] is None


def test_the_mid_may_be_left_to_the_best_prices(quoting) -> None:
    request = json.loads(changed(state={"bestBid": 99.0, "bestAsk": 102.0}))
    del request["state"]["mid"]
    assert json.loads(quoting(json.dumps(request))[1])["reservation"] == pytest.approx(98.5)


def test_parameters_fix_the_calibration(quoting) -> None:
    calibration = {"sigma": 10.69, "A": 2.986162360812285, "k": 0.04235741115084049}
    params = {"gamma": 0.05, "method": "closed", **calibration}
    bare = {"model": "GLFT", "params": params, "state": {"mid": 0}}
    assert json.loads(quoting(json.dumps(bare))[1])["halfSpread"] == pytest.approx(
        20.47208533844371, rel=1e-13
    )


@pytest.mark.parametrize(
    ("request_text", "message"),
    [
        ("", "request: '' must be one JSON object"),
        ("{", "request: '{' must be one JSON object"),
        ("[]", "request: [] must be a JSON object"),
        ("null", "request: None must be a JSON object"),
        ('{"model": "GLFT"}', "params: None must be given"),
        ("[" * 100_000, "must be one JSON object"),
        (changed(model="Magic"), "model: 'Magic' must be one of AvellanedaStoikov"),
        (changed(model=7), "model: 7 must be a text"),
        (changed(extra=1), "extra: 1 must be left out: no such field"),
        (changed(params={"gamma": -1}), "params.gamma: -1 must be a finite number >= 0"),
        (changed(params={"gama": 1}), "params.gama: 1 must be left out; known parameters: A"),
        (changed(params={"gamma": math.nan}), "params.gamma: nan must be a finite number >= 0"),
        (changed(params={"horizon": "infinite"}), "maxInventory > 0 where horizon is infinite"),
        (changed(state={"mid": math.nan}), "state.mid: nan must be a finite price"),
        (changed(state={"mid": math.inf}), "state.mid: inf must be a finite price"),
        (changed(state={"mid": "100"}), "state.mid: '100' must be a number"),
        (changed(state={"mid": True}), "state.mid: True must be a number"),
        (changed(state={"mid": 10**400}), "state.mid: 1000"),
        (changed(state={"middle": 1}), "state.middle: 1 must be left out: no such field"),
        (changed(state={"timeLeft": -1}), "state.timeLeft: -1.0 must be finite and >= 0 s"),
        (changed(state={"timeLeft": None}), "None must be finite and >= 0 s; this model needs it"),
        (changed(state={"toxicity": 2}), "state.toxicity: 2.0 must be in [0, 1]"),
        (changed(state={"latency": {"feed": -1, "order": 0}}), "state.latency: "),
        (changed(state={"latency": {"feed": 1}}), "state.latency.order: None must be given"),
        (changed(state={"fillHazard": {"A": 1, "k": 0}}), "an intensity with finite A > 0 (1/s) and k > 0"),
        (changed(state={"fillHazard": {"A": 1, "k": "x"}}), "state.fillHazard.k: 'x' must be a number"),
        (changed(state={"fillHazard": {"A": 1}}), "must be {A, k} or {bid: {A, k}, ask: {A, k}}"),
        (changed(limits={"maxPosition": 1}), "instrument: None must be given with limits"),
        (changed(instrument={"tickSize": "0", "lotSize": 1}), "tickSize: '0' must be a finite number > 0"),
        (changed(instrument={"tickSize": "x", "lotSize": 1}), "instrument.tickSize: 'x' must be"),
        (
            changed(instrument={"tickSize": 0.1, "lotSize": 1}, limits={"maxPosition": -1}),
            "limits.maxPosition: -1.0 must be a finite number >= 0",
        ),
        ('{"model": "FixedSpread", "model": "GLFT"}', "model: ['FixedSpread', 'GLFT'] must be given once"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line_and_status_two(quoting, request_text: str, message: str) -> None:
    status, out, err = quoting(request_text)
    assert status == 2
    assert out == ""
    assert message in err
    assert err.startswith("quoting quote: ")
    assert err.count("\n") == 1


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_value_in_any_place_gives_a_quote_or_one_line(quoting, data: st.DataObject) -> None:
    request = json.loads(json.dumps(REQUEST))
    section = data.draw(st.sampled_from(["params", "state", "instrument", "limits", "model"]))
    if section in {"params", "state"}:
        fields = (
            ["gamma", "A", "k", "sigma", "qty", "horizon"] if section == "params" else list(request["state"])
        )
        request[section][data.draw(st.sampled_from(fields))] = data.draw(json_values)
    else:
        request[section] = data.draw(json_values.filter(lambda value: value is not None))
    if section == "instrument" and isinstance(request[section], dict):
        return  # whole instruments belong to the clamped path
    status, out, err = quoting(json.dumps(request))
    if status == 0:
        answer = json.loads(out, parse_constant=pytest.fail)
        assert answer["bids"] or answer["asks"]
    else:
        assert (status, out, err.count("\n")) == (2, "", 1)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=60))
def test_any_bytes_are_one_line(quoting, content: bytes) -> None:
    status, out, err = quoting(content)
    assert (status, out, err.count("\n")) == (2, "", 1)


@needs_clamps
def test_with_instrument_and_limits_the_quote_is_on_ticks_and_lots_and_within_limits(quoting) -> None:
    request = changed(
        params={"qty": 2.5},
        instrument={"tickSize": "0.1", "lotSize": "1", "symbol": "X"},
        limits={"maxPosition": 6},
    )
    status, out, _ = quoting(request)
    answer = json.loads(out)
    assert status == 0
    for price, qty in (*answer["bids"], *answer["asks"]):
        assert price * 10 == pytest.approx(round(price * 10), abs=1e-9)
        assert qty == int(qty) > 0
    assert sum(qty for _, qty in answer["bids"]) <= 1
    assert answer["clampsBound"]
