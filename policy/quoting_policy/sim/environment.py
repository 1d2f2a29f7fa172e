"""Gymnasium environments of the Avellaneda-Stoikov market, one episode or many at once.

Action (4, each in [-1, 1]): bid offset, ask offset (-1: at the mid, 1: ``max_offset`` away), bid size, ask
size (-1: none, 1: ``max_size`` lots). Observation (9, each in [-1, 1]): inventory / limit, time left, last
move of the mid / 4σ√dt, σ of the regime / largest σ, live bid offset, live ask offset, live bid size, live
ask size, latency / horizon. With latency, the live quotes are the state that a quoter can't do without.

Reward of a step, in money: edge (lots × distance from the mid at the fill) + drift (inventory × move of the
mid) - fees - φ·inventory²·dt. ``info["terms"]`` has the four.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from quoting_policy.sim import episode
from quoting_policy.sim.episode import MarketModel

Observation = npt.NDArray[np.float32]


class MarketMakingVectorEnv(VectorEnv[Observation, npt.NDArray[np.float32], npt.NDArray[Any]]):
    """Many episodes, one compiled call a step; an episode that is over begins anew at its next step."""

    metadata = {"render_modes": [], "autoreset_mode": AutoresetMode.NEXT_STEP}  # noqa: RUF012  # gymnasium's protocol

    def __init__(self, num_envs: int = 1, model: MarketModel | None = None) -> None:
        self.model = model or MarketModel()
        self.num_envs = num_envs
        self.single_observation_space = gymnasium.spaces.Box(-1.0, 1.0, (episode.OBSERVATIONS,), np.float32)
        self.single_action_space = gymnasium.spaces.Box(-1.0, 1.0, (episode.ACTIONS,), np.float32)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.states = np.zeros((num_envs, episode.FIELDS))
        self._queues = np.zeros((num_envs, self.model.latency_steps + 1, 4))
        self._parameters = self.model.parameters
        self._terms = np.zeros((num_envs, 4))
        self._quotes = np.empty((num_envs, episode.ACTIONS))
        self._scale = np.array([self.model.max_offset / 2] * 2 + [self.model.max_size / 2] * 2)
        self._seed = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Begin new episodes. seed: None goes on to fresh random numbers, a number begins them anew."""
        del options  # there are none
        if seed is not None:
            self._seed = seed
            self.states[:, episode.EPISODE] = 0.0
        observations = np.zeros((self.num_envs, episode.OBSERVATIONS), np.float32)
        episode.begin(self.states, self._parameters, observations)
        return observations, {}

    def step(
        self, actions: npt.NDArray[Any]
    ) -> tuple[
        Observation, npt.NDArray[np.float64], npt.NDArray[np.bool_], npt.NDArray[np.bool_], dict[str, Any]
    ]:
        """Move every episode on by one step of the model."""
        episode.quotes_of(np.asarray(actions), self._scale, self._quotes)
        return self.step_quotes(self._quotes)

    def step_quotes(
        self, quotes: npt.NDArray[np.float64]
    ) -> tuple[
        Observation, npt.NDArray[np.float64], npt.NDArray[np.bool_], npt.NDArray[np.bool_], dict[str, Any]
    ]:
        """As ``step``, with rows of (bid offset, ask offset) in price and (bid size, ask size) in lots."""
        observations = np.empty((self.num_envs, episode.OBSERVATIONS), np.float32)
        terminated, truncated = np.empty(self.num_envs, np.bool_), np.empty(self.num_envs, np.bool_)
        rewards = np.empty(self.num_envs)
        episode.advance(
            self.states, self._queues, quotes, self._parameters, self._seed, self._terms,
            rewards, observations, terminated, truncated,
        )  # fmt: skip
        return observations, rewards, terminated, truncated, {"terms": self._terms.copy()}


class MarketMakingEnv(gymnasium.Env[Observation, npt.NDArray[np.float32]]):
    """One episode at a time, as ``gymnasium.Env``."""

    metadata = {"render_modes": []}  # noqa: RUF012  # gymnasium's protocol

    def __init__(self, model: MarketModel | None = None) -> None:
        self._many = MarketMakingVectorEnv(1, model)
        self.model = self._many.model
        self.observation_space = self._many.single_observation_space
        self.action_space = self._many.single_action_space

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Begin a new episode."""
        super().reset(seed=seed)
        observations, _ = self._many.reset(seed=seed, options=options)
        return observations[0], {}

    def step(self, action: npt.NDArray[np.float32]) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Move on by one step: observation, reward, terminated (ruin), truncated (time is up), info."""
        observations, rewards, terminated, truncated, info = self._many.step(action[None])
        terms = dict(zip(("edge", "drift", "fees", "penalty"), map(float, info["terms"][0]), strict=True))
        return observations[0], float(rewards[0]), bool(terminated[0]), bool(truncated[0]), {"terms": terms}
