"""`quoting simulate avellaneda-stoikov`: the published table, both fill rules, determinism."""

from __future__ import annotations

import json
import math

import pytest

from quoting_operator.cli.quoting import main

TABLE = {"gamma": 0.1, "sigma": 2, "k": 1.5, "A": 140, "dt": 0.005, "horizon": 1, "paths": 1000, "seed": 7}


def arguments(**changes: object) -> list[str]:
    options = {**TABLE, "strategy": "inventory", "fills": "linear", **changes}
    return [
        "simulate",
        "avellaneda-stoikov",
        *(f"--{name}={value}" for name, value in options.items()),
        "--json",
    ]


def simulated(capsys: pytest.CaptureFixture[str], **changes: object) -> dict[str, float]:
    assert main(arguments(**changes)) == 0
    found: dict[str, float] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.parametrize(
    ("strategy", "spread", "profit", "profit_std", "inventory_std"),
    [("inventory", 1.49, 65.0, 6.6, 2.9), ("symmetric", 1.49, 68.4, 12.7, 8.4)],
)
def test_published_row(
    capsys: pytest.CaptureFixture[str],
    strategy: str,
    spread: float,
    profit: float,
    profit_std: float,
    inventory_std: float,
) -> None:
    """Avellaneda and Stoikov (2008), γ = 0.1: means within 3 standard errors, deviations within 15 %."""
    found = simulated(capsys, strategy=strategy)
    assert set(found) == {
        "meanSpread", "meanProfit", "stdProfit", "meanFinalInventory", "stdFinalInventory", "paths",
    }  # fmt: skip
    assert found["paths"] == 1000
    assert found["meanSpread"] == pytest.approx(spread, abs=0.005)
    assert found["meanProfit"] == pytest.approx(profit, abs=3 * profit_std / math.sqrt(1000))
    assert found["stdProfit"] == pytest.approx(profit_std, rel=0.15)
    assert found["meanFinalInventory"] == pytest.approx(0.0, abs=3 * inventory_std / math.sqrt(1000))
    assert found["stdFinalInventory"] == pytest.approx(inventory_std, rel=0.15)


def test_the_exact_fill_rule_earns_less_than_the_linear_one(capsys: pytest.CaptureFixture[str]) -> None:
    linear, exact = (simulated(capsys, fills=fills)["meanProfit"] for fills in ("linear", "exact"))
    assert 1.04 < linear / exact < 1.14


def test_both_rules_agree_for_small_steps(capsys: pytest.CaptureFixture[str]) -> None:
    linear, exact = (
        simulated(capsys, fills=fills, dt=0.0002, paths=300)["meanProfit"] for fills in ("linear", "exact")
    )
    assert linear == pytest.approx(exact, rel=0.02)


def test_a_seed_fixes_the_outcome(capsys: pytest.CaptureFixture[str]) -> None:
    one, again, other = (simulated(capsys, paths=50, seed=seed) for seed in (1, 1, 2))
    assert one == again != other


def test_without_noise_or_skew_profit_is_the_half_spread_of_each_fill(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """σ = 0: both quotes stand 1/γ ln(1 + γ/k) from a mid that never moves; fills are binomial."""
    found = simulated(capsys, sigma=0, paths=4000)
    half = math.log1p(0.1 / 1.5) / 0.1
    chance = 140 * 0.005 * math.exp(-1.5 * half)
    assert found["meanSpread"] == pytest.approx(2 * half)
    expected, deviation = 400 * chance * half, math.sqrt(400 * chance * (1 - chance)) * half
    assert found["meanProfit"] == pytest.approx(expected, abs=4 * deviation / math.sqrt(4000))
    assert found["stdProfit"] == pytest.approx(deviation, rel=0.08)


def test_the_text_shows_the_same_figures(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments(paths=10)[:-1]) == 0
    assert "mean spread           1.49" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"gamma": -1}, "gamma: -1.0 must be finite and >= 0"),
        ({"sigma": "nan"}, "sigma: nan must be finite and >= 0"),
        ({"k": 0}, "k: 0.0 must be finite and > 0"),
        ({"paths": 1}, "paths: 1 must be in [2, 10000000]"),
        ({"dt": 2}, "dt: 2.0 must be in [horizon/1e7, horizon]"),
        ({"gamma": 1e200, "sigma": 1e200}, "small enough for finite prices"),
    ],
)
def test_bad_numbers_are_one_line(
    capsys: pytest.CaptureFixture[str], changes: dict[str, object], message: str
) -> None:
    assert main(arguments(**changes)) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("changes", [{"gamma": "x"}, {"fills": "maybe"}, {"paths": 1.5}])
def test_arguments_of_a_wrong_type_are_one_line(
    capsys: pytest.CaptureFixture[str], changes: dict[str, object]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments(**changes))
    err = capsys.readouterr().err
    assert ended.value.code == 2
    assert err.count("\n") == 1
    assert f"--{next(iter(changes))}" in err
