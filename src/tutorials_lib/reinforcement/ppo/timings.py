"""What the page times beside its comparison, and what the bars say about the reason."""

from typing import Any

import jax

from tutorials_lib.benchmark.reasons import Times, lead_reason, time_both
from tutorials_lib.benchmark.record import Record
from tutorials_lib.benchmark.tables import format_ratio
from tutorials_lib.reinforcement.ppo import comparison, in_jax, in_numpy
from tutorials_lib.reinforcement.ppo.problem import Config

STEPS = ("giving the network to JAX", "taking the game into the program")
"""What leads from each bar of the waterfall to the next."""


def halves(config: Config) -> dict[str, Times]:
    """Playing a rollout, and learning from it, in both libraries."""
    inputs = comparison.make_inputs(config)
    ours, theirs = (comparison.prepare(twin, inputs, config).state for twin in (in_numpy, in_jax))
    rest = inputs.levels, inputs.draws
    played = in_numpy.rollout(inputs.params, ours.game, *rest, config)[1]

    def play_ours(levels: Any, draws: Any) -> Any:
        return in_numpy.rollout(inputs.params, ours.game, levels, draws, config)

    @jax.jit
    def play_theirs(levels: Any, draws: Any) -> Any:
        return in_jax.rollout(theirs.params, theirs.game, levels, draws, config)

    def learn_ours(played: Any, draws: Any) -> Any:
        return in_numpy.learn(ours, played, draws, config)

    @jax.jit
    def learn_theirs(played: Any, draws: Any) -> Any:
        return in_jax.learn(theirs, played, draws, config)

    return {
        "playing": time_both(play_ours, play_theirs, *rest),
        "learning": time_both(learn_ours, learn_theirs, played, inputs.draws),
    }


def explain(record: Record, times: dict[str, Times]) -> str:
    """The reason by the bars, and where the time of each library goes."""
    played, learned = times["playing"], times["learning"]
    return (
        f"{lead_reason(record, STEPS)} "
        f"NumPy's time over JAX's is {format_ratio(played.numpy / played.jax)} for playing and "
        f"{format_ratio(learned.numpy / learned.jax)} for learning. Playing takes "
        f"{played.numpy / (played.numpy + learned.numpy):.0%} of the update in NumPy and "
        f"{played.jax / (played.jax + learned.jax):.0%} in JAX."
    )
