"""PPO in JAX: two Flax NNX networks, one update, and the compiled training."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jax.typing import DTypeLike
from jaxtyping import Array, Bool, Float, Int, Int32, PRNGKeyArray

from tutorials_lib import pure
from tutorials_lib.environments.heist import in_jax as heist
from tutorials_lib.environments.heist.levels import Levels
from tutorials_lib.environments.heist.observation import NUM_OBSERVED
from tutorials_lib.environments.heist.rules import DISTANCE, NUM_ACTIONS, NUM_COINS
from tutorials_lib.environments.returns import in_jax as returns
from tutorials_lib.layers.mlp.in_jax import MLP
from tutorials_lib.reinforcement.ppo.problem import (
    EPSILON,
    MAX_NORM,
    PER_COIN_STEP,
    PER_ITEM,
    PER_STEP,
    Config,
    Seen,
    Terms,
    learning_rates,
)
from tutorials_lib.runtime import RUN_ONCE

Params = dict[str, Any]
Observations = Float[Array, "batch features"]
Logits = Float[Array, "batch 5"]
PerStep = Float[Array, "steps envs"]


class Network(nnx.Module):
    """A policy (actor) and a value (critic), which share nothing but the observation."""

    def __init__(self, hidden: tuple[int, ...], *, rngs: nnx.Rngs) -> None:
        self.actor = MLP(NUM_OBSERVED, *hidden, NUM_ACTIONS, rngs=rngs)
        self.critic = MLP(NUM_OBSERVED, *hidden, 1, rngs=rngs)
        last = self.actor.layers[-1].kernel
        last[...] = 0.01 * last[...]  # at first every action is about as probable


@partial(jax.jit, static_argnames="config", compiler_options=RUN_ONCE)
def create(config: Config, key: PRNGKeyArray) -> Params:
    """Fresh parameters, as nested dicts of arrays."""
    return pure.arrays(Network(config.hidden, rngs=nnx.Rngs(key)))


class Draws(NamedTuple):
    """The chance in one update, or in many; see `problem.Draws`."""

    gumbel: Float[Array, "*updates steps envs 5"]
    chance: Float[Array, "*updates steps envs 2"]
    level: Int32[Array, "*updates steps envs"]
    order: Int32[Array, "*updates batches batch"]


class State(NamedTuple):
    """All that an update changes."""

    params: Params
    opt_state: optax.OptState
    game: heist.State


class Rollout(NamedTuple):
    """Some steps of many games, and how they stand after the last; see `in_numpy.Rollout`."""

    observation: Float[Array, "rows envs features"]
    potential: Float[Array, "rows envs"]
    logits: Float[Array, "steps envs 5"]
    action: Int[Array, "steps envs"]
    score: Int32[Array, "steps envs"]
    is_over: Bool[Array, "steps envs"]


class Batch(NamedTuple):
    """Steps to learn from; see `in_numpy.Batch`."""

    observation: Float[Array, "batch features"]
    action: Int[Array, " batch"]
    log_prob: Float[Array, " batch"]
    advantage: Float[Array, " batch"]
    target: Float[Array, " batch"]


def optimizer(config: Config) -> optax.GradientTransformation:
    """Adam with a falling rate, on gradients that are not too long."""
    rates = learning_rates(config)
    return optax.chain(
        optax.clip_by_global_norm(MAX_NORM),
        optax.adam(learning_rate=lambda count: jnp.asarray(rates)[count], eps=EPSILON),
    )


def start(params: Params, level: Levels, config: Config) -> State:
    """The state before the first update: games at their beginning."""
    return State(params, optimizer(config).init(params), heist.start(level))


# ---------------------------------------------------------------- acting


def _network(params: Params) -> Network:
    """The network with these parameters, whose shapes say how wide it is."""
    *hidden, _ = params["actor"]["layers"].values()
    return pure.assemble(pure.graph(Network, tuple(len(each["bias"]) for each in hidden)), params)


def logits_of(params: Params, observation: Observations) -> Logits:
    """The logits of the policy; an action is drawn from their softmax."""
    return _network(params).actor(observation)


def values_of(params: Params, observation: Observations) -> Float[Array, " batch"]:
    """What the states are worth to the policy, in discounted rewards."""
    return _network(params).critic(observation)[:, 0]


def potential(game: heist.State, dtype: DTypeLike = jnp.float32) -> Float[Array, " games"]:
    """What the thief has, less the way to what it needs: a guess of how promising a state is."""
    there = heist.items(game.level)
    distance = jnp.asarray(DISTANCE)[game.level.door[:, None], game.cell[:, None], there]
    has_all = game.has_coin.all(1)
    coin = jnp.where(game.has_coin, 2**20, distance[:, :NUM_COINS]).min(1)
    goal = jnp.where(game.has_key, distance[:, -1], distance[:, -2])
    items = game.has_coin.sum(1, dtype=jnp.int32) + game.has_key
    return (
        PER_ITEM * items.astype(dtype)
        - jnp.where(has_all, *jnp.array(PER_STEP[::-1], dtype)) * goal.astype(dtype)
        - PER_COIN_STEP * jnp.where(has_all, 0, coin).astype(dtype)
    )


def rollout(
    params: Params, game: heist.State, levels: Levels, draws: Draws, config: Config
) -> tuple[heist.State, Rollout]:
    """Play some steps of every game by the policy; where a game is over, the next one begins."""
    dtype = draws.gumbel.dtype

    def one_step(game: heist.State, now: tuple[Array, Array, Array]) -> tuple[heist.State, tuple]:
        gumbel, chance, fresh = now
        observation = heist.observe(game, dtype)
        logits = logits_of(params, observation)
        action = (logits + gumbel).argmax(-1).astype(jnp.int32)
        step = heist.step(game, action, chance)
        after = heist.restart(step.state, step.is_over, jax.tree.map(lambda x: x[fresh], levels))
        before = observation, potential(game, dtype)
        return after, (before, (logits, action, step.score, step.is_over))

    game, (before, steps) = jax.lax.scan(one_step, game, draws[:3])
    last = heist.observe(game, dtype), potential(game, dtype)
    rows = (jnp.concatenate([x, y[None]]) for x, y in zip(before, last, strict=True))
    return game, Rollout(*rows, *steps)


# ---------------------------------------------------------------- judging what was done


def rewards(
    score: Int32[Array, "steps envs"],
    potential: Float[Array, "rows envs"],
    is_over: Bool[Array, "steps envs"],
    config: Config,
) -> PerStep:
    r"""The scores, shaped where the settings say so: $r + \gamma \Phi(s') - \Phi(s)$.

    A game that is over has no potential (Ng, Harada and Russell 1999).
    """
    reward = score.astype(potential.dtype)
    if config.shaped:
        later = jnp.where(is_over, 0.0, potential[1:])
        reward = reward + config.discount * later - potential[:-1]
    return reward


def advantages(
    reward: PerStep,
    value: Float[Array, "rows envs"],
    is_over: Bool[Array, "steps envs"],
    config: Config,
) -> PerStep:
    """How much better each action was than the average one; `value` has a row more than there are.

    Nothing is passed back beyond the end of a game, which is worth nothing.
    """
    return returns.advantages(
        reward, value[:-1], value[1:], is_over, is_over,
        discount=config.discount, trace=config.trace,
    )  # fmt: skip


def to_batch(params: Params, played: Rollout, config: Config) -> Batch:
    """The steps of a rollout in one row, with what the network has to say about them now."""
    rows = played.observation.reshape(-1, played.observation.shape[-1])
    value = values_of(params, rows).reshape(played.potential.shape)
    reward = rewards(played.score, played.potential, played.is_over, config)
    advantage = advantages(reward, value, played.is_over, config)
    log_probs = jax.nn.log_softmax(played.logits)
    log_prob = jnp.take_along_axis(log_probs, played.action[..., None], axis=-1)[..., 0]
    return Batch(
        rows[: log_prob.size],
        played.action.ravel(),
        log_prob.ravel(),
        advantage.ravel(),
        (advantage + value[:-1]).ravel(),
    )


# ---------------------------------------------------------------- learning


def loss(params: Params, batch: Batch, config: Config) -> tuple[Float[Array, ""], Terms]:
    r"""The clipped objective of PPO (Schulman et al. 2017, equations 7 and 9), and its parts.

    $-\overline{\min(\rho A, \operatorname{clip}(\rho, 1 \pm \epsilon) A)}$ with the ratio $\rho$
    of the action's probability to that when it was chosen and with advantages of mean zero and
    spread one; to which half the mean squared error of the values is added, and from which the
    entropy is taken, times what it is worth.
    """
    log_probs = jax.nn.log_softmax(logits_of(params, batch.observation))
    log_prob = jnp.take_along_axis(log_probs, batch.action[:, None], axis=-1)[:, 0]
    advantage = batch.advantage - batch.advantage.mean()
    advantage = advantage / (advantage.std() + 1e-8)

    ratio = jnp.exp(log_prob - batch.log_prob)
    gain = ratio * advantage
    clipped_gain = ratio.clip(1 - config.clip, 1 + config.clip) * advantage
    policy = -jnp.minimum(gain, clipped_gain).mean()
    value = 0.5 * ((values_of(params, batch.observation) - batch.target) ** 2).mean()
    entropy = -(jnp.exp(log_probs) * log_probs).sum(-1).mean()
    total = policy + value - config.entropy * entropy
    clipped = (gain > clipped_gain).mean(dtype=gain.dtype)
    return total, Terms(total, policy, value, entropy, clipped)


def loss_and_grads(params: Params, batch: Batch, config: Config) -> tuple[Terms, Params]:
    """The loss with its parts, and its gradient."""
    grads, terms = jax.grad(loss, has_aux=True)(params, batch, config)
    return terms, grads


def gradient_step(state: State, batch: Batch, config: Config) -> tuple[State, Terms]:
    """One step of Adam on a batch, with a gradient that is not too long."""
    terms, grads = loss_and_grads(state.params, batch, config)
    updates, opt_state = optimizer(config).update(grads, state.opt_state)
    params = optax.apply_updates(state.params, updates)
    return state._replace(params=params, opt_state=opt_state), terms


def learn(state: State, played: Rollout, draws: Draws, config: Config) -> tuple[State, Seen]:
    """Learn from a rollout, some epochs long."""
    whole = to_batch(state.params, played, config)

    def step(state: State, rows: Int32[Array, " batch"]) -> tuple[State, Terms]:
        return gradient_step(state, jax.tree.map(lambda x: x[rows], whole), config)

    state, terms = jax.lax.scan(step, state, draws.order)
    mean = jax.tree.map(jnp.mean, terms)
    return state, Seen(played.is_over.sum(), played.score.sum(), mean)


def train_step(state: State, levels: Levels, draws: Draws, config: Config) -> tuple[State, Seen]:
    """Play a rollout, then learn from it."""
    game, played = rollout(state.params, state.game, levels, draws, config)
    return learn(state._replace(game=game), played, draws, config)


# ---------------------------------------------------------------- training


def fit(params: Params, levels: Levels, draws: Draws, config: Config) -> tuple[State, Seen]:
    """Train from fresh parameters; also what each update saw. The first levels come first."""
    state = start(params, jax.tree.map(lambda x: x[: config.num_envs], levels), config)
    return jax.lax.scan(lambda state, now: train_step(state, levels, now, config), state, draws)


compiled_fit = jax.jit(fit, static_argnames="config")
