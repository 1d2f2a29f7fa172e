"""Planning figures against the documented ones and against the gates themselves."""

from __future__ import annotations

import numpy as np
import pytest

from quoting_operator.gates import (
    DifferenceBlock,
    Pilot,
    level,
    parse_gate,
    plan_mean,
    start,
    trials_to_pass,
    update_all,
)
from quoting_operator.gates.monitors import lag1_of_blocks
from quoting_operator.gates.planning import blocks_to_pass, integrated_autocorrelation
from quoting_operator.gates.tmix import mixing_variance
from quoting_policy.errors import InputError


@pytest.mark.parametrize(
    ("t_star", "effect", "documented"),
    [
        (500.0, 0.1, 770),
        (500.0, 0.25, 141),
        (500.0, 0.5, 52),
        (50.0, 0.25, 126),
        (50.0, 0.5, 31),
        (50.0, 1.0, 10),
    ],
)
def test_median_times_are_the_documented_ones(t_star: float, effect: float, documented: int) -> None:
    assert blocks_to_pass(effect, 0.05, mixing_variance(0.05, t_star)) == pytest.approx(documented, abs=1)


def test_half_of_all_runs_pass_by_about_the_median_and_four_fifths_by_the_powered_time() -> None:
    gate = parse_gate({"name": "g", "metric": "m", "kind": "success"})
    plan = plan_mean(effect=0.5, sd=1.0)
    first = start(gate, level(gate, [gate]))
    rng, runs = np.random.default_rng(2), 400
    passed = {plan.median: 0, plan.powered: 0}
    for row in rng.standard_normal((runs, plan.powered)) + 0.5:
        blocks = [DifferenceBlock(i, float(d)) for i, d in enumerate(row)]
        for n in passed:
            state = update_all(first, blocks[:n])
            passed[n] += state.evidence.passing >= state.level.pass_at
    assert passed[plan.median] / runs == pytest.approx(0.5, abs=0.12)
    assert passed[plan.powered] / runs >= 0.8 - 0.06


def test_more_gates_and_more_power_need_more_blocks() -> None:
    one, five = plan_mean(effect=0.3, sd=1.0), plan_mean(effect=0.3, sd=1.0, gates=5)
    assert five.powered > one.powered
    assert five.median == one.median
    assert plan_mean(effect=0.3, sd=1.0, power=0.95).powered > one.powered


def test_a_margin_is_distance_and_scale_does_not_matter() -> None:
    assert plan_mean(effect=0.0, sd=2.0, boundary=-0.5).median == plan_mean(effect=0.25, sd=1.0).median


def test_rare_losses_without_a_bound_need_six_over_p_blocks() -> None:
    assert plan_mean(effect=1.0, sd=1.0, rare_loss_chance=0.01).min_blocks == 600
    bounded = plan_mean(effect=1.0, sd=1.0, rare_loss_chance=0.01, loss_bound=20.0)
    assert bounded.min_blocks == 20
    assert bounded.loss_free is not None
    assert bounded.powered >= bounded.loss_free >= 60
    assert bounded.deadline >= 3 * bounded.loss_free


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"sd": 0.0}, "sd"),
        ({"sd": float("nan")}, "sd"),
        ({"effect": -0.1}, "effect"),
        ({"effect": float("nan")}, "effect"),
        ({"effect": 1e-9}, "effect"),
        ({"power": 1.0}, "power"),
        ({"rare_loss_chance": 0.0}, "rareLossChance"),
    ],
)
def test_what_cannot_be_planned_is_refused(fields: dict[str, float], field: str) -> None:
    with pytest.raises(InputError) as refused:
        plan_mean(**{"effect": 0.1, "sd": 1.0, **fields})
    assert refused.value.field == field


def test_a_pilot_of_an_ar1_asks_for_longer_blocks() -> None:
    rng = np.random.default_rng(9)
    noise = rng.standard_normal(6_000)
    for j in range(1, len(noise)):
        noise[j] += 0.5 * noise[j - 1]
    pilot = Pilot.of(noise.tolist())
    assert pilot.tau_int == pytest.approx(3.0, abs=4.0 * pilot.tau_error)
    assert pilot.tau_error < 0.4
    plan = plan_mean(effect=1.0, sd=pilot.sd, tau_int=pilot.tau_int)
    assert plan.block_length_factor == pytest.approx(15, abs=3)
    assert lag1_of_blocks(0.5, plan.block_length_factor) <= 0.06
    assert plan_mean(effect=1.0, sd=1.0, tau_int=1.0).block_length_factor == 1


def test_alternating_blocks_are_no_licence_for_shorter_ones() -> None:
    assert integrated_autocorrelation([1.0, -1.0] * 20)[0] == 1.0


@pytest.mark.parametrize("values", [[0.1] * 9, [2.0] * 30])
def test_a_pilot_without_length_or_spread_is_refused(values: list[float]) -> None:
    with pytest.raises(InputError, match="pilot"):
        Pilot.of(values)


def test_trials_for_a_proportion() -> None:
    assert trials_to_pass(0.0, 0.01) == pytest.approx(330, abs=10)
    assert trials_to_pass(0.005, 0.01) > trials_to_pass(0.0, 0.01)
    with pytest.raises(InputError, match="never passes"):
        trials_to_pass(0.01, 0.01)
