"""Thieves that play without a network, and what the network learned, beside the best play."""

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Int

from tutorials_lib.benchmark.timing import timed
from tutorials_lib.environments.heist import in_numpy as heist
from tutorials_lib.environments.heist import planning
from tutorials_lib.environments.heist.levels import Levels, take
from tutorials_lib.environments.heist.rules import ACTIONS, NUM_ACTIONS, SIDE, WALL
from tutorials_lib.judge import Judgement, Score
from tutorials_lib.reinforcement.ppo import in_jax, in_numpy, problem
from tutorials_lib.reinforcement.ppo.problem import Config, Data, Games, Seen
from tutorials_lib.trees import tree_map

METRIC = "share of the best play's return"
EARNED = "discounted score"
RANDOM, GREEDY, CAUTIOUS, PPO = "random", "greedy", "cautious greedy", "PPO"

WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0, 2.0)
"""How many steps of a detour one deadly action more may be worth to the cautious thief."""

_FAR = np.int32(2**20)

Policy = Callable[[heist.State], Int[np.ndarray, " games"]]


class Trained(NamedTuple):
    """A network, and how it came about.

    Attributes:
        data: the levels.
        params: of the network, as NumPy arrays.
        seen: what each update saw.
        seconds: how long training took, compiling excluded.
    """

    data: Data
    params: in_numpy.Params
    seen: Seen
    seconds: float


# ---------------------------------------------------------------- policies


def random_policy(rng: np.random.Generator) -> Policy:
    """Any action, whatever there is to see."""
    return lambda game: rng.integers(NUM_ACTIONS, size=len(game.cell))


def nearest(game: heist.State) -> Int[np.ndarray, " games"]:
    """The cell to walk to: the nearest of the coins and the key, and last the exit.

    What lies behind the door counts once the thief has the key.
    """
    there = heist.items(game.level)
    distance = heist.distances(game.level, game.cell[:, None], there)
    is_shut = (there % SIDE > WALL) & ~game.has_key[:, None]
    wanted = ~heist.is_taken(game) & ~is_shut
    wanted[:, -1] = ~wanted[:, :-1].any(1)
    chosen = np.where(wanted, distance, _FAR).argmin(1)
    return there[np.arange(len(there)), chosen]


def greedy_policy(game: heist.State, *, weight: float | None = None) -> Int[np.ndarray, " games"]:
    """Walk to the nearest goal; with a `weight`, step into no guard and mind where one can follow.

    The weight is how many steps longer a way may be for one deadly action less after the next.
    """
    ahead = heist.look_ahead(game)
    cost = heist.distances(game.level, ahead.cell, nearest(game)[:, None]).astype(np.float32)
    cost[:, ACTIONS.index("stay")] += 0.1
    if weight is not None:
        cost += 100 * ahead.is_deadly + np.float32(weight) * ahead.num_deadly
    return cost.argmin(1)


def learned_policy(params: in_numpy.Params) -> Policy:
    """The most probable action of the network."""
    return partial(in_numpy.choose, params)


# ---------------------------------------------------------------- judging


def mean_return(policy: Policy, games: Games, config: Config) -> float:
    """The discounted score of a policy, on average over the games."""
    return float(heist.play(policy, *games).discounted(config.discount).mean())


def cautious_policy(data: Data, config: Config) -> tuple[Policy, float]:
    """The greedy thief with the caution that earns most in the development levels, and how much."""
    tried = [partial(greedy_policy, weight=weight) for weight in WEIGHTS]
    earned = [mean_return(policy, data.development, config) for policy in tried]
    best = int(np.argmax(earned))
    return tried[best], earned[best]


def best_return(level: Levels, config: Config) -> float:
    """What the best play of the levels earns, on average: the oracle, which knows the rules."""
    on_device = jax.tree.map(jnp.asarray, level)
    return float(planning.best_returns(on_device, config.discount, config.num_sweeps).mean())


def baselines(data: Data, config: Config, *, seed: int) -> dict[str, Score]:
    """The shares of the rivals, tuned on the development levels."""
    return _judge_rivals(data, config, seed=seed)[0]


def _judge_rivals(
    data: Data, config: Config, *, seed: int
) -> tuple[dict[str, Score], dict[str, dict[str, float]], float]:
    """The score of each rival, how its games went, and what the best play earns."""
    levels = take(data.test.level, slice(config.num_test))  # all others are these again
    best = best_return(levels, config)
    cautious, earned = cautious_policy(data, config)
    policies = {
        RANDOM: random_policy(np.random.default_rng(seed)),
        GREEDY: greedy_policy,
        CAUTIOUS: cautious,
    }
    games = {name: _describe(policy, data.test, config) for name, policy in policies.items()}
    scores = {name: Score(None, found[EARNED] / best) for name, found in games.items()}
    share = earned / best_return(data.development.level, config)
    scores[CAUTIOUS] = dataclasses.replace(scores[CAUTIOUS], development=share)
    return scores, games, best


def train(config: Config, *, seed: int) -> Trained:
    """A network from the training levels of `seed`."""
    data = problem.load(config, seed=seed)
    params = in_jax.create(config, jax.random.key(seed))
    draws = in_jax.Draws(*map(jnp.asarray, problem.draw(config, seed=seed)))
    inputs = params, jax.tree.map(jnp.asarray, data.train), draws
    fit = in_jax.compiled_fit.lower(*inputs, config).compile()  # so as not to time it
    (state, seen), seconds = timed(fit, *inputs)
    return Trained(
        data, tree_map(np.asarray, state.params), jax.tree.map(np.asarray, seen), seconds
    )


def judge(config: Config, *, seed: int, trained: Trained | None = None) -> Judgement:
    """The network beside the rivals, in the same held-out levels and with the same slips.

    The details say how the games went: what a thief brought home and how often it got out.
    """
    trained = train(config, seed=seed) if trained is None else trained
    data = trained.data
    scores, games, best = _judge_rivals(data, config, seed=seed)
    games[PPO] = _describe(learned_policy(trained.params), data.test, config)
    return Judgement(
        metric=METRIC,
        value=games[PPO][EARNED] / best,
        baselines=scores,
        training_seconds=trained.seconds,
        details=games,
    )


def _describe(policy: Policy, games: Games, config: Config) -> dict[str, float]:
    """How the games of a policy went, on average."""
    episodes = heist.play(policy, *games)
    return {
        EARNED: float(episodes.discounted(config.discount).mean()),
        "score": float(episodes.score.mean()),
        "got out": float((episodes.score > 0).mean()),
        "steps": float(episodes.length.mean()),
    }
