"""What agents in parallel learned, beside one agent with as many steps and policies without any."""

import dataclasses
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from tutorials_lib.benchmark.timing import timed
from tutorials_lib.environments.cartpole.controllers import (
    Policy,
    best_lead,
    controller,
    mean_return,
    random_policy,
)
from tutorials_lib.judge import Judgement, Score
from tutorials_lib.reinforcement.a3c import in_jax, in_numpy, problem
from tutorials_lib.reinforcement.a3c.problem import Config, Data, Seen
from tutorials_lib.trees import tree_map

METRIC = "mean return of the greedy policy"
ONE_AGENT = "one agent, as many steps"

RATES = (3e-4, 1e-3, 3e-3)
"""Learning rates that the agent alone is tuned over."""

NUM_PARTS = 20
"""Parts of a training run, over each of which the return of its episodes is averaged."""


class Run(NamedTuple):
    """What tells one training run from another of the same program."""

    seed: int
    learning_rate: float


class Trained(NamedTuple):
    """Networks of several runs side by side, and how they came about.

    Attributes:
        config: the settings of all.
        runs: what differs between them.
        params: of the networks, stacked, as NumPy arrays.
        seen: what each update of each run saw.
        seconds: how long all of them took together, compiling excluded.
    """

    config: Config
    runs: tuple[Run, ...]
    params: in_numpy.Params
    seen: Seen
    seconds: float


def train_runs(config: Config, runs: tuple[Run, ...]) -> Trained:
    """Train one network for each of `runs`, all of them side by side in one compiled program."""
    fresh = [in_jax.create(config, jax.random.key(run.seed)) for run in runs]
    rates = [dataclasses.replace(config, learning_rate=run.learning_rate) for run in runs]
    draws = [problem.draw(config, seed=run.seed) for run in runs]
    inputs = (
        jax.tree.map(lambda *leaves: jnp.stack(leaves), *fresh),
        jnp.stack([problem.first_observations(config, seed=run.seed) for run in runs]),
        in_jax.Draws(*(jnp.stack(each) for each in zip(*draws, strict=True))),
        jnp.stack([problem.learning_rates(each)[:-1] for each in rates]),
    )
    fit = in_jax.fit_runs.lower(*inputs, config).compile()  # so as not to time it
    (state, seen), seconds = timed(fit, *inputs)
    params, seen = jax.tree.map(np.asarray, (state.params, seen))
    return Trained(config, runs, params, seen, seconds)


def policy(trained: Trained, place: int = 0) -> Policy:
    """The greedy policy of one of the runs, played in NumPy."""
    params = tree_map(lambda x: x[place], trained.params)
    return partial(in_numpy.choose, params, config=trained.config)


def curves(seen: Seen, *, num_parts: int = NUM_PARTS) -> Float[np.ndarray, "runs parts"]:
    """The mean return of the episodes that ended in each part of the training, for each run.

    Where none ended, it is that of the part before; before the first, it is zero.
    """

    def curve(num_over: np.ndarray, length: np.ndarray) -> np.ndarray:
        parts = (np.array_split(each, num_parts) for each in (num_over, length))
        means, last = [], 0.0
        for over, steps in zip(*parts, strict=True):
            last = steps.sum() / over.sum() if over.sum() else last
            means.append(last)
        return np.array(means, float)

    return np.stack([curve(*each) for each in zip(seen.num_over, seen.length, strict=True)])


class Tuned(NamedTuple):
    """The run that balances longest in the development episodes, and for how long."""

    trained: Trained
    place: int
    development: float


def tune_one_agent(config: Config, data: Data, *, seed: int) -> Tuned:
    """One agent with as many steps in all, at the best of `RATES` for this very seed.

    Of rates that balance equally long in the development episodes, the one that learned faster.
    """
    alone = problem.with_agents(config, 1)
    trained = train_runs(alone, tuple(Run(seed, rate) for rate in RATES))
    reached = [mean_return(policy(trained, i), data.development) for i in range(len(RATES))]
    speed = curves(trained.seen).mean(1)
    place = max(range(len(RATES)), key=lambda i: (reached[i], speed[i]))
    return Tuned(trained, place, reached[place])


class Both(NamedTuple):
    """What is judged, and its rival: the agents together, and the one agent with as many steps."""

    together: Trained
    alone: Tuned


def train(config: Config, *, seed: int) -> Both:
    """One run of the agents together, and one of the agent alone, tuned."""
    together = train_runs(config, (Run(seed, config.learning_rate),))
    return Both(together, tune_one_agent(config, problem.load(config, seed=seed), seed=seed))


def baselines(data: Data, config: Config, *, seed: int) -> dict[str, Score]:
    """The mean returns of three policies that learn nothing, and of one agent, tuned."""
    return _score_rivals(data, tune_one_agent(config, data, seed=seed), seed=seed)


def _score_rivals(data: Data, alone: Tuned, *, seed: int) -> dict[str, Score]:
    damped = controller(best_lead(data.development))
    chance = random_policy(np.random.default_rng(seed))
    return {
        "chance": Score(None, mean_return(chance, data.test)),
        "proportional controller": Score(None, mean_return(controller(0.0), data.test)),
        "damped controller": Score(
            mean_return(damped, data.development), mean_return(damped, data.test)
        ),
        ONE_AGENT: Score(
            alone.development, mean_return(policy(alone.trained, alone.place), data.test)
        ),
    }


def judge(config: Config, *, seed: int, trained: Both | None = None) -> Judgement:
    """The agents in parallel beside the rivals, over the same held-out episodes.

    The details say how both learned: the return over the whole training, and the updates.
    """
    data = problem.load(config, seed=seed)
    together, alone = train(config, seed=seed) if trained is None else trained
    return Judgement(
        metric=METRIC,
        value=mean_return(policy(together), data.test),
        baselines=_score_rivals(data, alone, seed=seed),
        training_seconds=together.seconds,
        details={
            f"{config.num_envs} agents": _describe(together, 0),
            ONE_AGENT: _describe(alone.trained, alone.place),
        },
    )


def _describe(trained: Trained, place: int) -> dict[str, float]:
    """How a run went."""
    return {
        "return while training": float(curves(trained.seen)[place].mean()),
        "learning rate": trained.runs[place].learning_rate,
        "updates": float(trained.config.num_updates),
    }
