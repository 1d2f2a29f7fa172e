"""Synthetic markets: arrivals are what they say, tapes replay, each scenario shows its feature."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from quoting_policy.data.check import check
from quoting_policy.data.rows import ACTION, ASK_SIDE, FILL
from quoting_policy.errors import InputError
from quoting_policy.sim.arrivals import compensator, hawkes_times, poisson_times
from quoting_policy.sim.flow import SCENARIOS, Flow, generate
from quoting_policy.sim.replay import Replay


def test_poisson_arrivals_have_exponential_gaps():
    times = poisson_times(50.0, 200.0, seed=1)
    assert len(times) == pytest.approx(10_000, abs=4 * 100)
    assert stats.kstest(np.diff(times) * 50.0, "expon").pvalue > 0.001


def test_hawkes_arrivals_become_a_unit_poisson_process_in_their_own_time():
    times = hawkes_times(5.0, 4.0, 8.0, 1_000.0, seed=2)
    assert len(times) == pytest.approx(5.0 / (1 - 0.5) * 1_000, rel=0.1)
    gaps = compensator(times, 5.0, 4.0, 8.0)
    assert stats.kstest(gaps, "expon").pvalue > 0.001
    assert stats.kstest(compensator(times, 10.0, 0.0, 8.0), "expon").pvalue < 1e-6  # a Poisson reading fails


def test_an_exploding_process_is_refused():
    with pytest.raises(InputError, match="jump"):
        hawkes_times(1.0, 9.0, 8.0, 1.0, seed=0)
    with pytest.raises(InputError, match="explodes"):
        Flow(excitation=20.0)


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_scenario_is_a_sound_market_and_the_same_for_its_seed(name):
    tape = generate(SCENARIOS[name], seconds=60, seed=5)
    result = check(tape)
    assert result.time_backward == result.negative_levels == 0
    assert result.crossed == 0
    again = generate(SCENARIOS[name], seconds=60, seed=5)
    np.testing.assert_array_equal(tape.price, again.price)
    assert len(generate(SCENARIOS[name], seconds=60, seed=6)) != len(tape) or name == ""


def signs(tape):
    fills = tape.code & ACTION == FILL
    return np.where(tape.code[fills] & ASK_SIDE > 0, 1, -1), tape.exch_ns[fills] / 1e9


def test_hawkes_flow_clusters_and_toxic_flow_is_one_sided():
    def dispersion(flow):
        _, time = signs(generate(flow, seconds=400, seed=9))
        counts = np.histogram(time, np.arange(0, 400, 1.0))[0]
        return counts.var() / counts.mean()

    def autocorrelation(flow):
        sign, _ = signs(generate(flow, seconds=400, seed=9))
        return np.corrcoef(sign[:-20], sign[20:])[0, 1]

    assert dispersion(SCENARIOS["hawkes"]) > 1.3 * dispersion(Flow(market_rate=5.0))
    assert autocorrelation(SCENARIOS["toxic"]) > autocorrelation(SCENARIOS["poisson"]) + 0.05


def test_squeezer_and_maker_narrow_the_spread():
    plain = check(generate(SCENARIOS["poisson"], seconds=200, seed=3)).time_weighted_spread_ticks
    for name in ("spread squeezer", "competing maker"):
        assert check(generate(SCENARIOS[name], seconds=200, seed=3)).time_weighted_spread_ticks < plain


def test_fewer_orders_rest_when_they_flee_from_a_crowded_side():
    def resting(flow):
        replay = Replay(generate(flow, seconds=100, seed=2))
        replay.elapse(101 * 10**9)
        return sum(int(side[:, 1].sum()) for side in replay.depth(1_000))

    assert resting(Flow(imbalance_cancels=4.0)) < 0.7 * resting(Flow())


def test_a_session_that_does_not_fit_is_refused():
    with pytest.raises(InputError, match="max_rows"):
        generate(Flow(), seconds=100, seed=1, max_rows=1_000)
