"""What the page times beside its comparison, and what the bars say about the reason."""

from functools import partial
from itertools import pairwise
from typing import Any

import jax
import numpy as np

from tutorials_lib.benchmark.reasons import Times, lead_reason, time_both
from tutorials_lib.benchmark.record import Record
from tutorials_lib.vision.prototypical_networks import comparison, in_jax, in_numpy, problem
from tutorials_lib.vision.prototypical_networks.problem import Config, Episodes

STEPS = ("running the same operations in XLA", "compiling them into one program")
"""From bar to bar of the waterfall."""


def scoring(features: np.ndarray, episodes: Episodes, config: Config) -> dict[str, Times]:
    """Scoring episodes one by one and all at once, and classifying pictures, in both libraries."""
    inputs = comparison.make_inputs(config)
    support, queries = inputs.images[0, :, : config.num_shots], inputs.images[0, :, -1]
    one = jax.jit(in_jax.accuracy)

    def loop(accuracy: Any, features: Any, episodes: Any) -> list[Any]:
        return [accuracy(features, *each) for each in zip(*episodes, strict=True)]

    count = len(episodes.support)
    # In JAX the episodes of the loop lie on the device one by one: to cut them out is no work.
    apart = tuple(list(each) for each in episodes)
    return {
        f"score {count} episodes, one by one": time_both(
            partial(loop, in_numpy.accuracy), partial(loop, one), features, apart
        ),
        f"score {count} episodes at once": time_both(
            in_numpy.accuracies, jax.jit(in_jax.accuracies), features, episodes
        ),
        f"classify {len(queries)} pictures": time_both(
            partial(in_numpy.predict, config=config),
            jax.jit(partial(in_jax.predict, config=config)),
            inputs.params,
            inputs.statistics,
            support,
            queries,
        ),
    }


def share_of_convolutions(config: Config) -> float:
    """Of the multiplications of an episode's forward pass, the share that convolutions do."""
    pictures = config.num_ways * (config.num_shots + config.num_queries)
    queries = config.num_ways * config.num_queries
    side, convolutions = problem.SIZE, 0
    for i, (before, after) in enumerate(pairwise((1, *config.channels))):
        convolutions += pictures * side**2 * 9 * before * after
        side //= 2 if i < problem.NUM_POOLED else 1
    head = pictures * side**2 * config.channels[-1] * config.num_features
    distances = queries * config.num_ways * config.num_features
    return convolutions / (convolutions + head + distances)


def explain(record: Record, times: dict[str, Times]) -> str:
    """The reason by the bars, and what scoring and classification took."""
    return f"{lead_reason(record, STEPS)} {say_scoring(times)}"


def say_scoring(times: dict[str, Times]) -> str:
    """What it gains to score all episodes at once, and whether classification is faster."""
    one_by_one, at_once, classify = times.values()
    gains = {"NumPy": one_by_one.numpy / at_once.numpy, "JAX": one_by_one.jax / at_once.jax}
    told = " and ".join(f"{gain:.2g} times in {name}" for name, gain in gains.items())
    ratio = classify.numpy / classify.jax
    level = 1 / 1.15 < ratio < 1.15
    spoken = "about as fast in both" if level else f"{'faster' if ratio > 1 else 'slower'} in JAX"
    return (
        f"One call for all episodes, instead of one call for each, gains {told}. "
        f"Classification, of which the claim speaks, is {spoken}."
    )
