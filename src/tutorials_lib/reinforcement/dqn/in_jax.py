"""Deep Q-learning in JAX: a Flax NNX network, one training step, and the compiled training."""

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jaxtyping import Array, Bool, Float, Int, Key, PRNGKeyArray

from tutorials_lib import pure
from tutorials_lib.environments.cartpole import in_jax as cartpole
from tutorials_lib.environments.cartpole.physics import NUM_ACTIONS, NUM_OBSERVED
from tutorials_lib.reinforcement.dqn.problem import (
    SCALE,
    Config,
    exploration_rates,
    learning_rates,
)
from tutorials_lib.runtime import RUN_ONCE

Params = dict[Any, Any]
Observations = Float[Array, "batch 4"]
QValues = Float[Array, "batch actions"]


class Network(nnx.Module):
    """Hidden layers with ReLU, then one number for each action."""

    def __init__(self, hidden: tuple[int, ...], *, rngs: nnx.Rngs) -> None:
        widths = (NUM_OBSERVED, *hidden)
        self.hidden = nnx.List(
            nnx.Linear(before, after, kernel_init=nnx.initializers.he_normal(), rngs=rngs)
            for before, after in pairwise(widths)
        )
        self.output = nnx.Linear(widths[-1], NUM_ACTIONS, rngs=rngs)

    def __call__(self, observation: Observations) -> QValues:
        """What each action is worth."""
        x = observation / jnp.asarray(SCALE, observation.dtype)
        for layer in self.hidden:
            x = nnx.relu(layer(x))
        return self.output(x)


@partial(jax.jit, static_argnames="config")
def create(config: Config, key: PRNGKeyArray) -> Params:
    """Fresh parameters, as nested dicts of arrays."""
    return pure.arrays(Network(config.hidden, rngs=nnx.Rngs(key)))


class Transitions(NamedTuple):
    """Rows of the replay memory, or a batch of them; see `in_numpy.Transitions`."""

    observation_t: Float[Array, "batch 4"]
    action_t: Int[Array, " batch"]
    reward_tp1: Float[Array, " batch"]
    observation_tp1: Float[Array, "batch 4"]
    terminated: Bool[Array, " batch"]


class Draws(NamedTuple):
    """The chance in one training step, or in many; see `in_numpy.Draws`."""

    explore: Float[Array, "*steps envs"]
    action: Int[Array, "*steps envs"]
    observation: Float[Array, "*steps envs 4"]
    replayed: Float[Array, "*steps batch"]


class State(NamedTuple):
    """All that a training step changes."""

    params: Params
    target: Params
    opt_state: optax.OptState
    carts: cartpole.State
    replay: Transitions
    step: Int[Array, ""]


def optimizer(config: Config) -> optax.GradientTransformation:
    """Adam; step `count` has the learning rate at that place."""
    rates = learning_rates(config)
    return optax.adam(learning_rate=lambda count: jnp.asarray(rates)[count])  # the last one stays


def start(params: Params, observation: Float[Array, "envs 4"], config: Config) -> State:
    """The state before the first step: an empty replay memory, and poles about to fall."""
    capacity, dtype = config.capacity, observation.dtype
    replay = Transitions(
        observation_t=jnp.zeros((capacity, NUM_OBSERVED), dtype),
        action_t=jnp.zeros(capacity, jnp.int32),
        reward_tp1=jnp.zeros(capacity, dtype),
        observation_tp1=jnp.zeros((capacity, NUM_OBSERVED), dtype),
        terminated=jnp.zeros(capacity, bool),
    )
    carts = cartpole.start(observation)
    step = jnp.zeros((), jnp.int32)
    return State(params, params, optimizer(config).init(params), carts, replay, step)


# ---------------------------------------------------------------- acting


def q_values(params: Params, observation: Observations) -> QValues:
    """What each action is worth: the discounted rewards to be expected after it."""
    hidden = tuple(len(layer["bias"]) for layer in params["hidden"].values())
    return pure.assemble(pure.graph(Network, hidden), params)(observation)


def choose(params: Params, observation: Observations) -> Int[Array, " batch"]:
    """The action of the larger value; of equal values the first."""
    return q_values(params, observation).argmax(-1)


def act(
    params: Params, observation: Observations, rate: Float[Array, ""], draws: Draws
) -> Int[Array, " batch"]:
    """What `choose` says, or with probability `rate` a random one (epsilon-greedy)."""
    greedy = choose(params, observation)
    return jnp.where(draws.explore < rate, draws.action, greedy.astype(draws.action.dtype))


def interact(state: State, draws: Draws, config: Config) -> tuple[State, Transitions]:
    """Act once in every environment; where an episode is over, the next one begins."""
    observation_t = state.carts.observation
    rate = jnp.asarray(exploration_rates(config))[state.step]  # the last one from there on
    action_t = act(state.params, observation_t, rate, draws)
    step = cartpole.step(state.carts, action_t)
    seen = Transitions(
        observation_t, action_t, step.reward, step.state.observation, step.terminated
    )
    is_over = step.terminated | step.truncated
    carts = cartpole.restart(step.state, is_over, draws.observation)
    return state._replace(carts=carts), seen


# ---------------------------------------------------------------- remembering


def store(replay: Transitions, seen: Transitions, step: Int[Array, ""]) -> Transitions:
    """Write over the oldest rows; the memory is a ring of whole training steps."""
    row = (step * len(seen.action_t)) % len(replay.action_t)
    write = jax.lax.dynamic_update_slice_in_dim
    return jax.tree.map(lambda rows, new: write(rows, new, row, axis=0), replay, seen)


def num_stored(step: Int[Array, ""], config: Config) -> Int[Array, ""]:
    """How many transitions there are once those of `step` are stored."""
    return jnp.minimum((step + 1) * config.num_envs, config.capacity)


def sample(
    replay: Transitions, replayed: Float[Array, " batch"], count: Int[Array, ""]
) -> Transitions:
    """A batch of the `count` transitions that there are, with repetition."""
    rows = (replayed * count).astype(jnp.int32)
    return jax.tree.map(lambda array: array[rows], replay)


# ---------------------------------------------------------------- learning


def targets(
    params: Params, target: Params, batch: Transitions, config: Config
) -> Float[Array, " batch"]:
    """What the action turned out to be worth, as far as the target network can tell."""
    values = q_values(target, batch.observation_tp1)
    chooser = q_values(params, batch.observation_tp1) if config.double else values
    best = jnp.take_along_axis(values, chooser.argmax(-1, keepdims=True), axis=-1)[:, 0]
    if config.bounded:
        best = best.clip(0.0, config.largest_value)
    return batch.reward_tp1 + config.discount * jnp.where(batch.terminated, 0.0, best)


def loss(params: Params, batch: Transitions, targets: Float[Array, " batch"]) -> Float[Array, ""]:
    """Half the mean squared error of the values of the actions taken."""
    values = q_values(params, batch.observation_t)
    taken = jnp.take_along_axis(values, batch.action_t[:, None], axis=-1)[:, 0]
    return (0.5 * (taken - targets) ** 2).mean()


def loss_and_grads(
    params: Params, batch: Transitions, targets: Float[Array, " batch"]
) -> tuple[Float[Array, ""], Params]:
    """The loss, and its gradient."""
    return jax.value_and_grad(loss)(params, batch, targets)


Loss = Callable[[Params, Transitions, Float[Array, " batch"]], Float[Array, ""]]


def gradient_step(
    loss: Loss,
    optimizer: optax.GradientTransformation,
    state: State,
    batch: Transitions,
    config: Config,
) -> tuple[State, Float[Array, ""]]:
    """One step of any optimizer on any loss; from time to time the target network is renewed."""
    towards = targets(state.params, state.target, batch, config)
    value, grads = jax.value_and_grad(loss)(state.params, batch, towards)
    updates, opt_state = optimizer.update(grads, state.opt_state)
    params = optax.apply_updates(state.params, updates)
    step = state.step + 1
    target = optax.periodic_update(params, state.target, step, config.target_period)
    return state._replace(params=params, target=target, opt_state=opt_state, step=step), value


def learn(
    state: State, seen: Transitions, draws: Draws, config: Config
) -> tuple[State, Float[Array, ""]]:
    """Remember what was seen, replay a batch, and learn from it; also the loss of the batch."""
    replay = store(state.replay, seen, state.step)
    batch = sample(replay, draws.replayed, num_stored(state.step, config))
    state = state._replace(replay=replay)
    return gradient_step(loss, optimizer(config), state, batch, config)


def train_step(state: State, draws: Draws, config: Config) -> tuple[State, Float[Array, ""]]:
    """Act once in every environment, then learn; also the loss of the batch."""
    state, seen = interact(state, draws, config)
    return learn(state, seen, draws, config)


def train_steps(state: State, draws: Draws, config: Config) -> tuple[State, Float[Array, " steps"]]:
    """One training step for each of the draws; also the loss of each batch."""
    return jax.lax.scan(lambda state, now: train_step(state, now, config), state, draws)


# ---------------------------------------------------------------- training


def draw(key: PRNGKeyArray, num_steps: int, config: Config) -> Draws:
    """The chance in `num_steps` training steps: one long draw, cut up."""
    num_envs, num_start = config.num_envs, config.num_envs * NUM_OBSERVED
    width = 2 * num_envs + num_start + config.batch_size
    uniform = jax.random.uniform(key, (num_steps, width))
    ends = num_envs, 2 * num_envs, 2 * num_envs + num_start
    explore, action, first, replayed = jnp.split(uniform, ends, axis=1)
    return Draws(
        explore=explore,
        action=(action * NUM_ACTIONS).astype(jnp.int32),
        observation=cartpole.first_observations(first.reshape(num_steps, num_envs, NUM_OBSERVED)),
        replayed=replayed,
    )


def play_greedily(params: Params, observation: Float[Array, "envs 4"]) -> cartpole.Episodes:
    """One episode from each of the first observations, without any random action."""
    return cartpole.play(partial(choose, params), observation)


class History(NamedTuple):
    """A look at the greedy policy after each epoch, in new episodes.

    Attributes:
        loss: the mean over the batches of the epoch.
        total: the mean return: how many steps the pole was balanced.
        promised: the mean value that the network gives to the first observations.
        kept: the mean discounted return that its policy then had from them.
    """

    loss: Float[Array, " epochs"]
    total: Float[Array, " epochs"]
    promised: Float[Array, " epochs"]
    kept: Float[Array, " epochs"]


def look(
    params: Params, observation: Float[Array, "envs 4"], loss: Float[Array, ""], config: Config
) -> History:
    """Play greedily, and compare what the network promises with what its policy keeps."""
    running = play_greedily(params, observation).is_running
    discounts = config.discount ** jnp.arange(len(running))
    return History(
        loss=loss,
        total=running.sum(0).mean(),
        promised=q_values(params, observation).max(-1).mean(),
        kept=(discounts @ running).mean(),
    )


class Best(NamedTuple):
    """The network of the epoch whose greedy policy had the highest mean return, and that return.

    Of several such epochs it is the last. What is watched was played from other first
    observations than what a finished policy is judged by.
    """

    params: Params
    total: Float[Array, ""]


def keep_better(best: Best, params: Params, total: Float[Array, ""]) -> Best:
    """The newer network, unless its mean return is lower."""
    is_better = total >= best.total
    return jax.tree.map(partial(jnp.where, is_better), Best(params, total), best)


class Chance(NamedTuple):
    """All that is random in a run, drawn beforehand: two runs with the same chance can be compared.

    Attributes:
        observation: where the first episodes begin.
        draws: the chance in every training step.
        watched: where the episodes begin in which the greedy policy is looked at.
    """

    observation: Float[Array, "envs 4"]
    draws: Draws
    watched: Float[Array, "epochs watched 4"]


@partial(jax.jit, static_argnames="config", compiler_options=RUN_ONCE)
def prepare(keys: Key[Array, " runs"], config: Config) -> tuple[Params, Chance]:
    """Fresh parameters and the chance of a whole run, for each key."""

    def prepare_one(key: PRNGKeyArray) -> tuple[Params, Chance]:
        create_key, start_key, draw_key, look_key = jax.random.split(key, 4)
        watched = cartpole.reset(look_key, config.num_epochs * config.num_watched)
        return create(config, create_key), Chance(
            observation=cartpole.reset(start_key, config.num_envs),
            draws=draw(draw_key, config.num_steps, config),
            watched=watched.reshape(config.num_epochs, config.num_watched, NUM_OBSERVED),
        )

    return jax.vmap(prepare_one)(keys)


def fit(params: Params, chance: Chance, config: Config) -> tuple[Best, History]:
    """Train from fresh parameters: a scan over epochs of a scan over training steps."""

    def epoch(carry: tuple[State, Best], now: tuple[Draws, Float[Array, "watched 4"]]):
        state, best = carry
        draws, watched = now
        state, losses = train_steps(state, draws, config)
        seen = look(state.params, watched, losses.mean(), config)
        return (state, keep_better(best, state.params, seen.total)), seen

    length = config.steps_per_epoch
    draws = jax.tree.map(lambda x: x.reshape(-1, length, *x.shape[1:]), chance.draws)
    first = start(params, chance.observation, config), Best(params, jnp.zeros(()))
    (_, best), history = jax.lax.scan(epoch, first, (draws, chance.watched))
    return best, history


@partial(jax.jit, static_argnames="config")
def fit_runs(params: Params, chance: Chance, config: Config) -> tuple[Best, History]:
    """`fit` for many runs side by side, in one compiled program."""
    return jax.vmap(partial(fit, config=config))(params, chance)
