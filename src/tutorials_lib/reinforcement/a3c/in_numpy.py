"""Agents in parallel in NumPy: many carts at once, and the gradient by hand."""

from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from tutorials_lib.environments.cartpole import in_numpy as cartpole
from tutorials_lib.environments.returns import in_numpy as returns
from tutorials_lib.optimizers import AdamState, adam_start, adam_update, clip_by_global_norm
from tutorials_lib.reinforcement.a3c.problem import (
    EPSILON,
    MAX_NORM,
    REWARD,
    SCALE,
    Config,
    Draws,
    Seen,
    Terms,
)
from tutorials_lib.trees import tree_map

Params = dict[Any, Any]
Observations = Float[np.ndarray, "batch 4"]
Logits = Float[np.ndarray, "batch 2"]


class State(NamedTuple):
    """All that an update changes.

    Attributes:
        params: of the policy and of the value.
        opt_state: of Adam.
        carts: of the agents.
        past: the last `delay` parameters before these, a ring.
        step: how many updates there were.
    """

    params: Params
    opt_state: AdamState
    carts: cartpole.State
    past: Params
    step: np.int32


class Rollout(NamedTuple):
    """Some steps of every agent.

    Attributes:
        observation_t: before each step.
        action_t: what the policy chose.
        observation_tp1: after it, also where the episode is over.
        terminated: whether the pole fell or the cart left the track.
        is_over: that, or the time was up; the next row belongs to a new episode.
        age: how many steps the episode has lasted with this one.
    """

    observation_t: Float[np.ndarray, "steps envs 4"]
    action_t: Int[np.ndarray, "steps envs"]
    observation_tp1: Float[np.ndarray, "steps envs 4"]
    terminated: Bool[np.ndarray, "steps envs"]
    is_over: Bool[np.ndarray, "steps envs"]
    age: Int[np.ndarray, "steps envs"]


def start(params: Params, observation: Float[np.ndarray, "envs 4"], config: Config) -> State:
    """The state before the first update; whoever asks for older parameters gets the first ones."""
    past = tree_map(lambda x: np.repeat(x[None], config.delay, axis=0), params)
    return State(params, adam_start(params), cartpole.start(observation), past, np.int32(0))


# ---------------------------------------------------------------- acting


def scale(observation: Float[np.ndarray, "*batch 4"]) -> Float[np.ndarray, "*batch 4"]:
    """The four numbers, about as large as each other: what the networks see."""
    return observation / _divisor(observation.dtype)


@cache
def _divisor(dtype: np.dtype) -> np.ndarray:
    return np.array(SCALE, dtype)


def forward(layers: Params, x: Observations, config: Config) -> list[np.ndarray]:
    """What goes into each of the linear layers, an activation between them, and what comes out."""
    values = [x]
    for i, layer in layers.items():
        y = values[-1] @ layer["kernel"]
        y += layer["bias"]
        if i < len(layers) - 1:
            y = np.tanh(y, out=y) if config.activation == "tanh" else np.maximum(y, 0, out=y)
        values.append(y)
    return values


def backward(
    layers: Params, values: list[np.ndarray], dy: Float[np.ndarray, "batch outputs"], config: Config
) -> Params:
    """The gradient of the layers' parameters, from what `forward` returned."""
    grads = {}
    for i, layer in reversed(layers.items()):
        x = values[i]
        grads[i] = {"kernel": x.T @ dy, "bias": dy.sum(0)}
        if i:  # the observation needs no gradient
            dy = dy @ layer["kernel"].T
            dy *= 1 - x * x if config.activation == "tanh" else x > 0
    return grads


def logits_of(params: Params, observation: Observations, config: Config) -> Logits:
    """The logits of the policy; an action is drawn from their softmax."""
    return forward(params["actor"], scale(observation), config)[-1]


def values_of(
    params: Params, observation: Observations, config: Config
) -> Float[np.ndarray, " batch"]:
    """What the states are worth to the policy, in discounted rewards."""
    return forward(params["critic"], scale(observation), config)[-1][:, 0]


def choose(params: Params, observation: Observations, config: Config) -> Int[np.ndarray, " batch"]:
    """The most probable action: what a finished policy does."""
    return logits_of(params, observation, config).argmax(-1)


def rollout(
    params: Params, carts: cartpole.State, draws: Draws, config: Config
) -> tuple[cartpole.State, Rollout]:
    """Some steps of every agent by the policy; where an episode is over, the next one begins."""
    steps = []
    for gumbel, first in zip(*draws, strict=True):
        observation_t = carts.observation
        action_t = (logits_of(params, observation_t, config) + gumbel).argmax(-1)
        step = cartpole.step(carts, action_t)
        is_over = step.terminated | step.truncated
        after = step.state
        steps.append(
            (observation_t, action_t, after.observation, step.terminated, is_over, after.age)
        )
        carts = cartpole.restart(after, is_over, first)
    return carts, Rollout(*map(np.stack, zip(*steps, strict=True)))


# ---------------------------------------------------------------- learning


def advantages(
    params: Params, played: Rollout, value_t: Float[np.ndarray, " batch"], config: Config
) -> Float[np.ndarray, " batch"]:
    """How much better each action was than the policy's average, given the values before."""
    shape = played.terminated.shape
    value_tp1 = values_of(params, played.observation_tp1.reshape(-1, 4), config).reshape(shape)
    reward = np.full_like(value_tp1, REWARD)
    ends = played.terminated, played.is_over
    return returns.advantages(
        reward, value_t.reshape(shape), value_tp1, *ends,
        discount=config.discount, trace=config.trace,
    ).ravel()  # fmt: skip


def loss_and_grads(params: Params, played: Rollout, config: Config) -> tuple[Terms, Params]:
    """The loss of an actor and a critic with its parts (see `in_jax.loss`), and its gradient."""
    observation = scale(played.observation_t.reshape(-1, 4))
    size = len(observation)
    actor, critic = (forward(params[each], observation, config) for each in ("actor", "critic"))
    logits, value = actor[-1], critic[-1]
    advantage = advantages(params, played, value[:, 0], config)
    log_probs = logits - logits.max(-1, keepdims=True)
    log_probs -= np.log(np.exp(log_probs).sum(-1, keepdims=True))
    probs = np.exp(log_probs)
    taken = np.arange(size), played.action_t.ravel()

    plogp = probs * log_probs
    entropies = -plogp.sum(-1, keepdims=True)
    policy = -np.vdot(log_probs[taken], advantage) / size
    value_loss = 0.5 * np.vdot(advantage, advantage) / size  # the target is value + advantage
    entropy = entropies.sum() / size
    terms = Terms(policy + value_loss - config.entropy * entropy, policy, value_loss, entropy)

    dlogits = plogp
    dlogits += probs * entropies
    dlogits *= config.entropy
    dlogits += probs * advantage[:, None]
    dlogits[taken] -= advantage
    dlogits /= size
    dvalue = advantage[:, None] / -size
    return terms, {
        "actor": backward(params["actor"], actor, dlogits, config),
        "critic": backward(params["critic"], critic, dvalue, config),
    }


def work(
    params: Params, carts: cartpole.State, draws: Draws, config: Config
) -> tuple[cartpole.State, Params, Seen]:
    """What an agent does with the parameters that it has: act, and find the gradient."""
    carts, played = rollout(params, carts, draws, config)
    terms, grads = loss_and_grads(params, played, config)
    return carts, grads, Seen(played.is_over.sum(), played.age[played.is_over].sum(), terms)


def apply_gradient(
    params: Params, opt_state: AdamState, grads: Params, rate: Any
) -> tuple[Params, AdamState]:
    """One step of Adam, with a gradient that is not too long."""
    grads = clip_by_global_norm(grads, MAX_NORM)
    return adam_update(params, grads, opt_state, learning_rate=rate, eps=EPSILON)


def train_step(state: State, draws: Draws, rate: Any, config: Config) -> tuple[State, Seen]:
    """All agents act, perhaps with old parameters, and one gradient moves the newest ones."""
    params, past, acting = state.params, state.past, state.params
    if config.delay:
        row = int(state.step) % config.delay
        acting = tree_map(lambda x: x[row], past)
        past = tree_map(partial(_with_row, row), past, params)
    carts, grads, seen = work(acting, state.carts, draws, config)
    params, opt_state = apply_gradient(params, state.opt_state, grads, rate)
    return State(params, opt_state, carts, past, np.int32(state.step + 1)), seen


def train_steps(
    state: State, draws: Draws, rates: Float[np.ndarray, " updates"], config: Config
) -> tuple[State, Seen]:
    """One update for each of the rates; also what each of them saw."""
    seen = []
    for gumbel, first, rate in zip(*draws, rates, strict=True):
        state, one = train_step(state, Draws(gumbel, first), rate, config)
        seen.append(one)
    num_over, length, terms = zip(*seen, strict=True)
    parts = Terms(*map(np.array, zip(*terms, strict=True)))
    return state, Seen(np.array(num_over), np.array(length), parts)


def _with_row(row: int, array: np.ndarray, new: np.ndarray) -> np.ndarray:
    array = array.copy()
    array[row] = new
    return array
