"""The environment is a proper Gymnasium environment of the market that Avellaneda & Stoikov simulated."""

from __future__ import annotations

import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from quoting_policy.errors import InputError
from quoting_policy.sim import episode
from quoting_policy.sim.environment import MarketMakingEnv, MarketMakingVectorEnv
from quoting_policy.sim.episode import MarketModel

PAPER = MarketModel(linear_fills=True, max_inventory=1_000)
GAMMA = 0.1


def play_paper(paths: int, *, skewed: bool) -> tuple[np.ndarray, np.ndarray, float]:
    """Final wealth, final inventory and mean spread of the paper's strategies (its table for gamma = 0.1)."""
    env = MarketMakingVectorEnv(paths, PAPER)
    env.reset(seed=11)
    risk = GAMMA * PAPER.sigma**2
    flow = 2 / GAMMA * np.log1p(GAMMA / PAPER.decay)
    spreads = []
    for step in range(PAPER.steps):
        left = PAPER.horizon - step * PAPER.dt
        spread = risk * left + flow if skewed else risk * PAPER.horizon / 2 + flow
        skew = env.states[:, episode.INVENTORY] * risk * left if skewed else np.zeros(paths)
        quotes = np.column_stack([spread / 2 + skew, spread / 2 - skew, np.ones(paths), np.ones(paths)])
        env.step_quotes(quotes)
        spreads.append(spread)
    held = env.states[:, episode.INVENTORY]
    return env.states[:, episode.CASH] + held * env.states[:, episode.MID], held, float(np.mean(spreads))


@pytest.mark.parametrize(
    ("skewed", "profit", "deviation", "inventory"), [(True, 65.0, 6.6, 2.9), (False, 68.4, 12.7, 8.4)]
)
def test_the_published_simulation_of_avellaneda_and_stoikov_comes_out(skewed, profit, deviation, inventory):
    wealth, held, spread = play_paper(4_000, skewed=skewed)
    assert spread == pytest.approx(1.49, abs=0.01)
    assert wealth.mean() == pytest.approx(profit, abs=3 * deviation * (1 / 4_000 + 1 / 1_000) ** 0.5)
    assert wealth.std() == pytest.approx(deviation, rel=0.15)
    assert held.std() == pytest.approx(inventory, rel=0.15)


@pytest.mark.parametrize("offset", [0.2, 0.8, 1.6])
def test_fills_arrive_at_the_analytic_rate(offset):
    model = MarketModel(max_inventory=10**6, intensity=40.0)
    env = MarketMakingVectorEnv(20_000, model)
    env.reset(seed=3)
    env.step_quotes(np.tile([offset, 50.0, 1.0, 1.0], (20_000, 1)))
    expected = 1 - np.exp(-model.intensity * np.exp(-model.decay * offset) * model.dt)
    error = (expected * (1 - expected) / 20_000) ** 0.5
    assert env.states[:, episode.INVENTORY].mean() == pytest.approx(expected, abs=4 * error)


@pytest.mark.filterwarnings("ignore:.*")
@pytest.mark.parametrize("latency", [0, 3])
def test_the_environment_passes_gymnasiums_checker(latency):
    check_env(MarketMakingEnv(MarketModel(latency_steps=latency)), skip_render_check=True)


def test_rewards_add_up_to_the_change_of_wealth():
    model = MarketModel(
        max_size=3, mean_order=2.0, fee=0.01, regime_rate=5.0, regime_sigma=4.0, adverse_move=0.05
    )
    env = MarketMakingVectorEnv(64, model)
    env.reset(seed=5)
    random = np.random.default_rng(5)
    total = np.zeros(64)
    for _ in range(50):
        total += env.step(random.uniform(-1, 1, (64, 4)))[1]
    wealth = env.states[:, episode.CASH] + env.states[:, episode.INVENTORY] * env.states[:, episode.MID]
    np.testing.assert_allclose(total, wealth, atol=1e-9)


def test_inventory_never_passes_its_limit():
    env = MarketMakingVectorEnv(256, MarketModel(max_inventory=3, max_size=5, mean_order=4.0))
    env.reset(seed=1)
    for _ in range(200):
        env.step(np.tile([-1.0, 1.0, 1.0, -1.0], (256, 1)))
        assert np.abs(env.states[:, episode.INVENTORY]).max() <= 3
    assert np.abs(env.states[:, episode.INVENTORY]).max() == 3


def test_one_episode_is_the_same_alone_and_among_others():
    alone, many = MarketMakingVectorEnv(1), MarketMakingVectorEnv(8)
    alone.reset(seed=9)
    many.reset(seed=9)
    for _ in range(250):  # past the end of the episode, so the restart is covered too
        one = alone.step(np.zeros((1, 4)))
        eight = many.step(np.zeros((8, 4)))
        np.testing.assert_array_equal(one[0][0], eight[0][0])
        assert one[1][0] == eight[1][0]


def test_quotes_become_live_after_the_latency():
    env = MarketMakingEnv(MarketModel(latency_steps=2))
    observation, _ = env.reset(seed=0)
    sizes = []
    for _ in range(4):
        observation, *_ = env.step(np.ones(4, np.float32))
        sizes.append(float(observation[6]))
    assert sizes == [0.0, 0.0, 1.0, 1.0]


def test_time_out_truncates_and_ruin_terminates():
    steady = MarketMakingEnv(MarketModel(horizon=0.02))
    steady.reset(seed=0)
    ends = [steady.step(np.full(4, -1, np.float32))[2:4] for _ in range(4)]
    assert ends == [(False, False)] * 3 + [(False, True)]
    ruined = MarketMakingEnv(MarketModel(max_loss=0.0001, fee=1.0))
    ruined.reset(seed=0)
    step = (False, False)
    while not any(step):
        step = ruined.step(np.array([-1, -1, 1, 1], np.float32))[2:4]
    assert step == (True, False)


@pytest.mark.parametrize(
    ("field", "value"), [("sigma", 0.0), ("dt", np.inf), ("max_size", 0), ("latency_steps", -1)]
)
def test_a_bad_model_is_refused_by_name(field, value):
    with pytest.raises(InputError, match=field):
        MarketModel(**{field: value})
