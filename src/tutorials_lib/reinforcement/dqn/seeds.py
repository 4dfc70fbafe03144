"""The lines to beat and both kinds of Q-learning, seed by seed.

`python -m tutorials_lib.reinforcement.dqn.seeds [SEED ...]` trains at the preset that
`TUTORIALS_PRESET` names and prints the mean return of every policy over 100 new episodes.
"""

import dataclasses
import sys
from collections.abc import Mapping, Sequence

import jax.numpy as jnp
import numpy as np

from tutorials_lib import presets
from tutorials_lib.benchmark.tables import MarkdownRows, table_by_seed
from tutorials_lib.reinforcement.dqn import baselines, in_jax, problem
from tutorials_lib.reinforcement.dqn.problem import Config


def learn(config: Config, seeds: Sequence[int]) -> list[baselines.Policy]:
    """The policy that each seed trains."""
    params, chance = in_jax.prepare(jnp.asarray(seeds), config)
    return baselines.learned_policies(in_jax.fit_seeds(params, chance, config)[0].params)


def table(learners: Mapping[str, Config], seeds: Sequence[int]) -> MarkdownRows:
    """The mean return of each policy, by seed."""
    rngs = [np.random.default_rng(seed) for seed in seeds]
    lead = baselines.best_lead(problem.tuning_starts())
    policies = {
        "random": [baselines.random_policy(rng) for rng in rngs],
        "proportional": [baselines.controller(0.0)] * len(seeds),
        "proportional, damped": [baselines.controller(lead)] * len(seeds),
        **{name: learn(config, seeds) for name, config in learners.items()},
    }
    starts = [problem.judging_starts(seed) for seed in seeds]
    returns = {
        name: [baselines.mean_return(*pair) for pair in zip(each, starts, strict=True)]
        for name, each in policies.items()
    }
    return table_by_seed("policy", returns, seeds, digits=1)


def main() -> None:
    """Print the table for the seeds of the command line, or those of the page."""
    seeds = tuple(map(int, sys.argv[1:])) or problem.SEEDS
    config = presets.choose(problem.PRESETS)
    plain, double = (dataclasses.replace(config, double=double) for double in (False, True))
    sys.stdout.write(table({"DQN": plain, "double DQN": double}, seeds).markdown() + "\n")


if __name__ == "__main__":
    main()
