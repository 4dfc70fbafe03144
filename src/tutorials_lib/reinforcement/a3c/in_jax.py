"""Agents in parallel in JAX: two Flax NNX networks, one update, and the compiled training."""

from collections.abc import Iterable
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from tutorials_lib import pure
from tutorials_lib.environments.cartpole import in_jax as cartpole
from tutorials_lib.environments.cartpole.physics import NUM_ACTIONS, NUM_OBSERVED
from tutorials_lib.environments.returns import in_jax as returns
from tutorials_lib.reinforcement.a3c.problem import (
    EPSILON,
    MAX_NORM,
    REWARD,
    SCALE,
    Config,
    Seen,
    Terms,
)
from tutorials_lib.runtime import RUN_ONCE

Params = dict[Any, Any]
Logits = Float[Array, "*batch 2"]


class Network(nnx.Module):
    """A policy (actor) and a value (critic), which share nothing but the observation."""

    def __init__(self, config: Config, *, rngs: nnx.Rngs) -> None:
        self.actor = nnx.List(_layers(NUM_OBSERVED, *config.hidden, NUM_ACTIONS, rngs=rngs))
        self.critic = nnx.List(_layers(NUM_OBSERVED, *config.hidden, 1, rngs=rngs))
        self.activation = getattr(nnx, config.activation)
        last = self.actor[-1].kernel
        last[...] = 0.01 * last[...]  # at first both actions are about as probable

    def logits(self, observation: Float[Array, "*batch 4"]) -> Logits:
        """The logits of the policy; an action is drawn from their softmax."""
        return self._through(self.actor, observation)

    def value(self, observation: Float[Array, "*batch 4"]) -> Float[Array, " *batch"]:
        """What the states are worth to the policy, in discounted rewards."""
        return self._through(self.critic, observation)[..., 0]

    def _through(self, layers: Iterable[nnx.Linear], observation: Array) -> Array:
        x = observation / jnp.asarray(SCALE, observation.dtype)
        *hidden, last = layers
        for layer in hidden:
            x = self.activation(layer(x))
        return last(x)


def _layers(*widths: int, rngs: nnx.Rngs) -> list[nnx.Linear]:
    initialize = nnx.initializers.he_normal()
    return [
        nnx.Linear(before, after, kernel_init=initialize, rngs=rngs)
        for before, after in pairwise(widths)
    ]


@partial(jax.jit, static_argnames="config", compiler_options=RUN_ONCE)
def create(config: Config, key: PRNGKeyArray) -> Params:
    """Fresh parameters, as nested dicts of arrays."""
    return pure.arrays(Network(config, rngs=nnx.Rngs(key)))


class Draws(NamedTuple):
    """The chance in one update, or in many; see `problem.Draws`."""

    gumbel: Float[Array, "*updates steps envs 2"]
    first: Float[Array, "*updates steps envs 4"]


class State(NamedTuple):
    """All that an update changes; see `in_numpy.State`."""

    params: Params
    opt_state: optax.OptState
    carts: cartpole.State
    past: Params
    step: Int[Array, ""]


class Rollout(NamedTuple):
    """Some steps of every agent; see `in_numpy.Rollout`."""

    observation_t: Float[Array, "steps envs 4"]
    action_t: Int[Array, "steps envs"]
    observation_tp1: Float[Array, "steps envs 4"]
    terminated: Bool[Array, "steps envs"]
    is_over: Bool[Array, "steps envs"]
    age: Int[Array, "steps envs"]


def optimizer() -> optax.GradientTransformation:
    """Adam on gradients that are not too long; the learning rate is for `apply_gradient`."""
    return optax.chain(optax.clip_by_global_norm(MAX_NORM), optax.scale_by_adam(eps=EPSILON))


def start(params: Params, observation: Float[Array, "envs 4"], config: Config) -> State:
    """The state before the first update; whoever asks for older parameters gets the first ones."""
    past = jax.tree.map(lambda x: jnp.repeat(x[None], config.delay, axis=0), params)
    opt_state = optimizer().init(params)
    return State(params, opt_state, cartpole.start(observation), past, jnp.zeros((), jnp.int32))


# ---------------------------------------------------------------- acting


def _network(params: Params, config: Config) -> Network:
    return pure.assemble(pure.graph(Network, config), params)


def logits_of(params: Params, observation: Float[Array, "*batch 4"], config: Config) -> Logits:
    """The logits of the policy; an action is drawn from their softmax."""
    return _network(params, config).logits(observation)


def values_of(
    params: Params, observation: Float[Array, "*batch 4"], config: Config
) -> Float[Array, " *batch"]:
    """What the states are worth to the policy, in discounted rewards."""
    return _network(params, config).value(observation)


def rollout(
    params: Params, carts: cartpole.State, draws: Draws, config: Config
) -> tuple[cartpole.State, Rollout]:
    """Some steps of every agent by the policy; where an episode is over, the next one begins."""

    def one_step(carts: cartpole.State, now: Draws) -> tuple[cartpole.State, Rollout]:
        observation_t = carts.observation
        action_t = (logits_of(params, observation_t, config) + now.gumbel).argmax(-1)
        step = cartpole.step(carts, action_t)
        is_over = step.terminated | step.truncated
        after = step.state
        seen = Rollout(
            observation_t, action_t, after.observation, step.terminated, is_over, after.age
        )
        return cartpole.restart(after, is_over, now.first), seen

    return jax.lax.scan(one_step, carts, draws)


# ---------------------------------------------------------------- learning


def loss(params: Params, played: Rollout, config: Config) -> tuple[Float[Array, ""], Terms]:
    r"""The loss of an actor and a critic (Mnih et al. 2016, section 4), and its parts.

    $-\overline{\log \pi(a_t \mid s_t) \, A_t}$, where $A_t$ counts as a constant; to which half
    the mean squared error of the values is added, whose targets $V(s_t) + A_t$ are constants
    too; and from which the entropy is taken, times what it is worth.
    """
    log_probs = jax.nn.log_softmax(logits_of(params, played.observation_t, config))
    log_prob = jnp.take_along_axis(log_probs, played.action_t[..., None], axis=-1)[..., 0]
    value_t = values_of(params, played.observation_t, config)
    known = jax.lax.stop_gradient((value_t, values_of(params, played.observation_tp1, config)))
    advantage = returns.advantages(
        jnp.full_like(value_t, REWARD), *known, played.terminated, played.is_over,
        discount=config.discount, trace=config.trace,
    )  # fmt: skip

    policy = -(log_prob * advantage).mean()
    value = 0.5 * ((known[0] + advantage - value_t) ** 2).mean()
    entropy = -(jnp.exp(log_probs) * log_probs).sum(-1).mean()
    total = policy + value - config.entropy * entropy
    return total, Terms(total, policy, value, entropy)


def loss_and_grads(params: Params, played: Rollout, config: Config) -> tuple[Terms, Params]:
    """The loss with its parts, and its gradient."""
    grads, terms = jax.grad(loss, has_aux=True)(params, played, config)
    return terms, grads


def work(
    params: Params, carts: cartpole.State, draws: Draws, config: Config
) -> tuple[cartpole.State, Params, Seen]:
    """What an agent does with the parameters that it has: act, and find the gradient."""
    carts, played = rollout(params, carts, draws, config)
    terms, grads = loss_and_grads(params, played, config)
    length = jnp.where(played.is_over, played.age, 0).sum()
    return carts, grads, Seen(played.is_over.sum(), length, terms)


def apply_gradient(
    params: Params, opt_state: optax.OptState, grads: Params, rate: Any
) -> tuple[Params, optax.OptState]:
    """One step of Adam, with a gradient that is not too long."""
    updates, opt_state = optimizer().update(grads, opt_state)
    return jax.tree.map(lambda x, change: x - rate * change, params, updates), opt_state


def train_step(state: State, draws: Draws, rate: Any, config: Config) -> tuple[State, Seen]:
    """All agents act, perhaps with old parameters, and one gradient moves the newest ones."""
    params, past, acting = state.params, state.past, state.params
    if config.delay:
        row = state.step % config.delay
        acting = jax.tree.map(lambda x: x[row], past)
        past = jax.tree.map(lambda x, new: x.at[row].set(new), past, params)
    carts, grads, seen = work(acting, state.carts, draws, config)
    params, opt_state = apply_gradient(params, state.opt_state, grads, rate)
    return State(params, opt_state, carts, past, state.step + 1), seen


# ---------------------------------------------------------------- training


def train_steps(
    state: State, draws: Draws, rates: Float[Array, " updates"], config: Config
) -> tuple[State, Seen]:
    """One update for each of the rates, in one scan; also what each of them saw."""
    return jax.lax.scan(lambda state, now: train_step(state, *now, config), state, (draws, rates))


def fit(
    params: Params,
    observation: Float[Array, "envs 4"],
    draws: Draws,
    rates: Float[Array, " updates"],
    config: Config,
) -> tuple[State, Seen]:
    """Train from fresh parameters, the whole run in one program; also what each update saw."""
    return train_steps(start(params, observation, config), draws, rates, config)


@partial(jax.jit, static_argnames="config")
def fit_runs(
    params: Params,
    observation: Float[Array, "runs envs 4"],
    draws: Draws,
    rates: Float[Array, "runs updates"],
    config: Config,
) -> tuple[State, Seen]:
    """`fit` for many runs side by side, in one compiled program."""
    return jax.vmap(partial(fit, config=config))(params, observation, draws, rates)
