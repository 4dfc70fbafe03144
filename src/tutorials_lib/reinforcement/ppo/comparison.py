"""What is compared and timed for PPO, at which sizes."""

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from tutorials_lib.benchmark.comparison import Check, Comparison, Tree, Variant
from tutorials_lib.benchmark.inputs import draw_params
from tutorials_lib.environments.heist import in_numpy as heist
from tutorials_lib.environments.heist.levels import Levels, take
from tutorials_lib.environments.heist.rules import NUM_CELLS, NUM_COINS, SIDE, TIME_LIMIT, WALL
from tutorials_lib.reinforcement.ppo import in_jax, in_numpy, problem
from tutorials_lib.reinforcement.ppo.problem import PAGE, Config


class Inputs(NamedTuple):
    """Random parameters, levels, games under way, the chance in one update, and the state."""

    params: Tree
    levels: Any
    under_way: Any
    draws: Any
    state: Any = None


def make_inputs(config: Config) -> Inputs:
    """Levels and chance of the seed 0; the games are anywhere, so that some are about to end."""
    rng = np.random.default_rng(0)
    draws = problem.draw(config, seed=0, num_updates=1)
    cells = np.arange(NUM_CELLS, dtype=np.int32)
    num_envs = config.num_envs
    return Inputs(
        params=draw_params(in_jax.create, config, rng=rng),
        levels=problem.load(config).train,
        under_way={
            "cell": rng.choice(cells[cells % SIDE != WALL], num_envs),
            "has_key": rng.random(num_envs) < 0.5,
            "has_coin": rng.random((num_envs, NUM_COINS)) < 0.5,
            "age": rng.integers(TIME_LIMIT, size=num_envs, dtype=np.int32),
        },
        draws=problem.Draws(*(array[0] for array in draws)),
    )


def prepare(twin: Any, inputs: Inputs, config: Config) -> Inputs:
    """The inputs with the twin's own state before the update."""
    state = twin.start(inputs.params, take(inputs.levels, slice(config.num_envs)), config)
    game = state.game._replace(**inputs.under_way)
    return inputs._replace(draws=twin.Draws(*inputs.draws), state=state._replace(game=game))


def in_parts(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The rollout, what is to be learned from it, what learning leaves, and the loss after it."""
    params, draws = inputs.state.params, inputs.draws
    game, played = twin.rollout(params, inputs.state.game, inputs.levels, draws, config)
    whole = twin.to_batch(params, played, config)
    learned = twin.learn(inputs.state._replace(game=game), played, draws, config)
    return played, whole, learned, twin.loss_and_grads(learned[0].params, whole, config)


def update(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """The whole state after one update, and what it saw."""
    return twin.train_step(inputs.state, inputs.levels, inputs.draws, config)


_logits_of = jax.jit(in_jax.logits_of)
_learn = jax.jit(in_jax.learn, static_argnames="config")


def _put(arrays: tuple) -> Any:
    """The arrays where JAX wants them."""
    return jax.tree.map(jnp.asarray, tuple(arrays))


def with_the_game_outside(twin: Any, inputs: Inputs, config: Config) -> Tree:
    """`update`, with the game in NumPy: every step waits for the network, and the other way."""
    levels = Levels(*map(np.asarray, inputs.levels))
    draws = problem.Draws(*map(np.asarray, inputs.draws))
    level, *others = inputs.state.game
    game = heist.State(Levels(*map(np.asarray, level)), *map(np.asarray, others))

    def policy(observation: np.ndarray) -> np.ndarray:
        return np.asarray(_logits_of(inputs.state.params, observation))

    game, played = in_numpy.play_steps(policy, game, levels, draws, config)
    state = inputs.state._replace(game=in_jax.heist.State(*_put(game)))
    return _learn(state, in_jax.Rollout(*_put(played)), inputs.draws, config=config)


COMPARISON = Comparison(
    slug="ppo",
    unit="one update: a rollout of all games, and learning from it",
    # The page trains with 128 games; the others are an eighth of that, and twice as many.
    sizes={
        "16 games": dataclasses.replace(PAGE, num_envs=16),
        "128 games": PAGE,
        "256 games": dataclasses.replace(PAGE, num_envs=256),
    },
    headline="128 games",
    # Long enough for thieves to be caught, to get out and to run out of time.
    agreement=dataclasses.replace(
        problem.TINY, num_envs=16, num_steps=24, num_epochs=2, num_minibatches=2
    ),
    make_inputs=make_inputs,
    prepare=prepare,
    checks=(
        Check(
            name="observations, logits, actions, scores and ends, step for step",
            run=in_parts,
            pick=lambda found: found[0],
        ),
        Check(name="advantages and targets", run=in_parts, pick=lambda found: found[1]),
        Check(name="the whole state after the update", run=in_parts, pick=lambda found: found[2]),
        Check(name="loss with its parts, and gradients", run=in_parts, pick=lambda found: found[3]),
    ),
    variants=(
        Variant(name="NumPy", run=update, twin=in_numpy),
        Variant(
            name="JAX, game in NumPy",
            run=with_the_game_outside,
            twin=in_jax,
            jit="own",
            explains="the network acts by a call for each step, and learns in one program",
        ),
        Variant(
            name="JAX, one program",
            run=update,
            twin=in_jax,
            jit="whole",
            explains="the game is inside",
        ),
    ),
    observe=lambda output, inputs, config: output[1]["terms"]["loss"],
    tolerance=1e-2,
    tolerance_reason=(
        "Rounding can decide which of two nearly equal sums is the larger, and the thief then "
        "goes another way; what is compared is therefore the mean loss."
    ),
    note="The chance of the update is drawn beforehand, for all alike.",
)
