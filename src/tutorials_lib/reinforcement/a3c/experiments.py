"""What the page tries beside its judgement: threads, numbers of agents, stale gradients."""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from tutorials_lib.benchmark.timing import timed
from tutorials_lib.environments.cartpole.controllers import mean_return
from tutorials_lib.reinforcement.a3c import asynchronous, evaluation, in_jax, in_numpy, problem
from tutorials_lib.reinforcement.a3c.asynchronous import Library, Store
from tutorials_lib.reinforcement.a3c.evaluation import Run, Trained
from tutorials_lib.reinforcement.a3c.problem import Config, Draws, Seen

SEEDS = (0, 1, 2, 3, 4)
"""Of the runs that are shown and judged, whatever they reach."""

TUNED = {1: 1e-3, 4: 3e-3, 16: 1e-2, 64: 3e-3}
"""The learning rate for each number of agents, found with other seeds than `SEEDS`."""

_work = jax.jit(in_jax.work, static_argnames="config")
_apply = jax.jit(in_jax.apply_gradient)


def libraries(config: Config) -> dict[str, Library]:
    """How workers of either kind work, by the name of the library.

    Those of JAX wait for their results: before that, a worker has no gradient to hand in.
    """

    def work(params: Any, carts: Any, draws: Draws) -> Any:
        now = in_jax.Draws(*map(jnp.asarray, draws))
        return jax.block_until_ready(_work(params, carts, now, config))

    def apply(*inputs: Any) -> Any:
        return jax.block_until_ready(_apply(*inputs))

    return {
        "NumPy": Library(partial(in_numpy.work, config=config), in_numpy.apply_gradient),
        "JAX": Library(work, apply),
    }


class Threads(NamedTuple):
    """What workers in threads did.

    Attributes:
        num_workers: how many there were.
        num_steps: steps of all of them together.
        seconds: how long they took.
        store: the parameters they left, and the log of their updates.
    """

    num_workers: int
    num_steps: int
    seconds: float
    store: Store

    @property
    def speed(self) -> float:
        """Steps in the environment a second, of all workers together."""
        return self.num_steps / self.seconds


def run_threads(library: str, config: Config, num_workers: int, *, seed: int) -> Threads:
    """Train by workers that share parameters, each with the agents of the settings (one, say).

    What JAX compiles is compiled before.
    """
    twin, to_own = {"NumPy": (in_numpy, np.asarray), "JAX": (in_jax, jnp.asarray)}[library]
    own = libraries(config)[library]
    params = jax.tree.map(to_own, in_jax.create(config, jax.random.key(seed)))
    together = problem.with_agents(config, num_workers * config.num_envs, total_steps=10**9)
    first = np.split(problem.first_observations(together, seed=seed), num_workers)
    states = [twin.start(params, to_own(each), config) for each in first]
    carts, opt_state = [state.carts for state in states], states[0].opt_state
    draws, rates = problem.draw(config, seed=seed), problem.learning_rates(config)[:-1]

    grads = own.work(params, carts[0], Draws(*(array[0] for array in draws)))[1]
    own.apply(params, opt_state, grads, rates[0])
    store, seconds = timed(asynchronous.train, own, params, opt_state, carts, draws, rates)
    return Threads(num_workers, config.num_updates * config.batch_size, seconds, store)


def curve_of(threads: Threads, *, num_parts: int) -> np.ndarray:
    """The mean return of the episodes that ended in each part of the updates."""
    entries = threads.store.log
    counts = (np.array([[int(entry.seen[i]) for entry in entries]]) for i in (0, 1))
    seen = Seen(*counts, terms=None)
    return evaluation.curves(seen, num_parts=num_parts)[0]


def train_numbers(config: Config, numbers: Sequence[int] = tuple(TUNED)) -> dict[int, Trained]:
    """Networks from `SEEDS` for each number of agents, all with as many steps, each tuned."""
    return {
        number: evaluation.train_runs(
            problem.with_agents(config, number), tuple(Run(seed, TUNED[number]) for seed in SEEDS)
        )
        for number in numbers
    }


def train_rates(config: Config, rates: Sequence[float], seeds: Sequence[int]) -> Trained:
    """Networks for each of the rates with each of the seeds, in that order."""
    return evaluation.train_runs(config, tuple(Run(seed, rate) for rate in rates for seed in seeds))


class Reached(NamedTuple):
    """How runs with one learning rate went.

    Attributes:
        balanced: the mean return of each greedy policy in the development episodes.
        learning: the mean return of each run over its whole training.
    """

    balanced: np.ndarray
    learning: np.ndarray


def reached(trained: Trained) -> dict[float, Reached]:
    """What came of the runs, by learning rate; in development episodes, which judge nothing."""
    starts, places = problem.load(trained.config, seed=0).development, range(len(trained.runs))
    balanced = np.array([mean_return(evaluation.policy(trained, i), starts) for i in places])
    learning = evaluation.curves(trained.seen).mean(1)
    rates = np.array([run.learning_rate for run in trained.runs])
    return {
        float(rate): Reached(balanced[rates == rate], learning[rates == rate])
        for rate in dict.fromkeys(rates)
    }
