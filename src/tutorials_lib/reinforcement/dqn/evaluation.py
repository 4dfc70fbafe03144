"""Policies to be played in NumPy: the rivals, and what the networks learned, beside them."""

from functools import partial

import jax
import numpy as np

from tutorials_lib.environments.cartpole.controllers import (
    Policy,
    best_lead,
    controller,
    mean_return,
    random_policy,
)
from tutorials_lib.judge import Judgement, Score
from tutorials_lib.reinforcement.dqn import in_jax, in_numpy, problem
from tutorials_lib.reinforcement.dqn.problem import Config, Data
from tutorials_lib.trees import tree_map


def learned_policies(params: in_jax.Params) -> list[Policy]:
    """The greedy policy of each network in a stack of them."""
    each = (tree_map(lambda array, i=i: np.asarray(array[i]), params) for i in count_of(params))
    return [partial(in_numpy.choose, one) for one in each]


def count_of(params: in_jax.Params) -> range:
    """The places of the networks in a stack of them."""
    return range(len(params["output"]["bias"]))


def baselines(data: Data, config: Config, *, seed: int) -> dict[str, Score]:
    """The mean returns of three policies without a network, over new episodes."""
    damped = controller(best_lead(data.development))
    return {
        "chance": Score(None, mean_return(random_policy(np.random.default_rng(seed)), data.test)),
        "proportional controller": Score(None, mean_return(controller(0.0), data.test)),
        "damped controller": Score(
            mean_return(damped, data.development), mean_return(damped, data.test)
        ),
    }


def train(config: Config, *, seed: int) -> in_jax.Params:
    """The networks of `problem.NUM_RUNS` runs, stacked."""
    keys = jax.random.split(jax.random.key(seed), problem.NUM_RUNS)
    return in_jax.fit_runs(*in_jax.prepare(keys, config), config)[0].params


def judge(config: Config, *, seed: int, trained: in_jax.Params | None = None) -> Judgement:
    """The fourth best of five runs beside the rivals, each over the same new episodes.

    The task counts as solved where four of five runs balance the pole for `problem.SOLVED` steps
    on average, which is to say, where this one does.

    Args:
        config: the settings of all runs.
        seed: of the runs and of the episodes.
        trained: the networks of the runs, stacked, as `train` returns them.
    """
    data = problem.load(config, seed=seed)
    params = train(config, seed=seed) if trained is None else trained
    returns = sorted(mean_return(policy, data.test) for policy in learned_policies(params))
    return Judgement(
        metric="mean return, fourth best of five runs",
        value=returns[-4],
        baselines=baselines(data, config, seed=seed),
    )
