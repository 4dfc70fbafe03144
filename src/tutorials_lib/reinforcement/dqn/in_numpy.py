"""Deep Q-learning in NumPy: the twin of `in_jax`, with the gradient by hand."""

from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from tutorials_lib import schedules
from tutorials_lib.environments.cartpole import in_numpy as cartpole
from tutorials_lib.environments.cartpole.physics import NUM_OBSERVED
from tutorials_lib.optimizers import AdamState, adam_start, adam_update
from tutorials_lib.reinforcement.dqn.problem import (
    SCALE,
    Config,
    exploration_rates,
    learning_rates,
)

Params = dict[Any, Any]
"""`{"hidden": {i: {"kernel", "bias"}}, "output": {"kernel", "bias"}}`"""

Observations = Float[np.ndarray, "batch 4"]
QValues = Float[np.ndarray, "batch actions"]


class Transitions(NamedTuple):
    """What was seen, what was done, and what came of it: rows of the replay memory, or a batch.

    Attributes:
        observation_t: before the action.
        action_t: 0 or 1.
        reward_tp1: the reward of the action.
        observation_tp1: after it, never of the episode that begins next.
        terminated: whether no reward can follow; not set where only the time was up.
    """

    observation_t: Float[np.ndarray, "batch 4"]
    action_t: Int[np.ndarray, " batch"]
    reward_tp1: Float[np.ndarray, " batch"]
    observation_tp1: Float[np.ndarray, "batch 4"]
    terminated: Bool[np.ndarray, " batch"]


class Draws(NamedTuple):
    """The chance in one training step; with a leading axis, that of many.

    Attributes:
        explore: uniform in [0, 1); the action is random where it is below the exploration rate.
        action: that random action.
        observation: where an episode begins if the last one ends here.
        replayed: uniform in [0, 1); which transitions are replayed, as a share of those there are.
    """

    explore: Float[np.ndarray, "*steps envs"]
    action: Int[np.ndarray, "*steps envs"]
    observation: Float[np.ndarray, "*steps envs 4"]
    replayed: Float[np.ndarray, "*steps batch"]


class State(NamedTuple):
    """All that a training step changes."""

    params: Params
    target: Params
    opt_state: AdamState
    carts: cartpole.State
    replay: Transitions
    step: np.int32


def start(params: Params, observation: Float[np.ndarray, "envs 4"], config: Config) -> State:
    """The state before the first step: an empty replay memory, and poles about to fall."""
    capacity, dtype = config.capacity, observation.dtype
    replay = Transitions(
        observation_t=np.zeros((capacity, NUM_OBSERVED), dtype),
        action_t=np.zeros(capacity, np.int32),
        reward_tp1=np.zeros(capacity, dtype),
        observation_tp1=np.zeros((capacity, NUM_OBSERVED), dtype),
        terminated=np.zeros(capacity, bool),
    )
    carts = cartpole.start(observation)
    return State(params, params, adam_start(params), carts, replay, np.int32(0))


def scale(observation: Observations) -> Observations:
    """The four numbers, about as large as each other: what the network sees."""
    return observation / _divisor(observation.dtype)


@cache
def _divisor(dtype: np.dtype) -> np.ndarray:
    return np.array(SCALE, dtype)


def q_values(params: Params, observation: Observations) -> QValues:
    """What each action is worth: the discounted rewards to be expected after it."""
    return _values(params, scale(observation))


def _values(params: Params, x: Observations) -> QValues:
    """`q_values` of observations that are scaled already."""
    for layer in params["hidden"].values():
        x = x @ layer["kernel"]
        x += layer["bias"]
        np.maximum(x, 0, out=x)
    return x @ params["output"]["kernel"] + params["output"]["bias"]


def choose(params: Params, observation: Observations) -> Int[np.ndarray, " batch"]:
    """The action of the larger value; of equal values the first."""
    return q_values(params, observation).argmax(-1)


def act(
    params: Params, observation: Observations, rate: np.float32, draws: Draws
) -> Int[np.ndarray, " batch"]:
    """What `choose` says, or with probability `rate` a random one (epsilon-greedy)."""
    greedy = choose(params, observation)
    return np.where(draws.explore < rate, draws.action, greedy)


def interact(state: State, draws: Draws, config: Config) -> tuple[State, Transitions]:
    """Act once in every environment; where an episode is over, the next one begins."""
    observation_t = state.carts.observation
    rate = schedules.at(exploration_rates(config), state.step)
    action_t = act(state.params, observation_t, rate, draws)
    step = cartpole.step(state.carts, action_t)
    seen = Transitions(
        observation_t, action_t, step.reward, step.state.observation, step.terminated
    )
    is_over = step.terminated | step.truncated
    carts = cartpole.restart(step.state, is_over, draws.observation)
    return state._replace(carts=carts), seen


def interact_one_by_one(state: State, draws: Draws, config: Config) -> tuple[State, Transitions]:
    """`interact`, one environment after the other: the loop that a batch of them replaces."""
    moved, seen = [], []
    for i in range(config.num_envs):
        carts = cartpole.State(*(array[i : i + 1] for array in state.carts))
        now = Draws(*(array[i : i + 1] for array in draws))
        after, transition = interact(state._replace(carts=carts), now, config)
        moved.append(after.carts)
        seen.append(transition)
    carts = cartpole.State(*map(np.concatenate, zip(*moved, strict=True)))
    transitions = Transitions(*map(np.concatenate, zip(*seen, strict=True)))
    return state._replace(carts=carts), transitions


def store(replay: Transitions, seen: Transitions, step: int) -> Transitions:
    """Write over the oldest rows, in place; the memory is a ring of whole training steps."""
    num_envs = len(seen.action_t)
    row = (step * num_envs) % len(replay.action_t)
    for rows, new in zip(replay, seen, strict=True):
        rows[row : row + num_envs] = new
    return replay


def num_stored(step: int, config: Config) -> int:
    """How many transitions there are once those of `step` are stored."""
    return min((step + 1) * config.num_envs, config.capacity)


def sample(replay: Transitions, replayed: Float[np.ndarray, " batch"], count: int) -> Transitions:
    """A batch of the `count` transitions that there are, with repetition."""
    rows = (replayed * count).astype(np.int32)
    return Transitions(*(array.take(rows, axis=0) for array in replay))


def targets(
    params: Params, target: Params, batch: Transitions, config: Config
) -> Float[np.ndarray, " batch"]:
    """What the action turned out to be worth, as far as the target network can tell."""
    observation = scale(batch.observation_tp1)
    values = _values(target, observation)
    chooser = _values(params, observation) if config.double else values
    best = values[np.arange(len(values)), chooser.argmax(-1)]
    if config.bounded:
        np.maximum(best, 0, out=best)
        np.minimum(best, config.largest_value, out=best)
    best *= ~batch.terminated
    best *= config.discount
    best += batch.reward_tp1
    return best


def loss_and_grads(
    params: Params, batch: Transitions, targets: Float[np.ndarray, " batch"]
) -> tuple[np.floating, Params]:
    """Half the mean squared error of the values of the actions taken, and its gradient."""
    inputs = [scale(batch.observation_t)]
    for layer in params["hidden"].values():
        y = inputs[-1] @ layer["kernel"]
        y += layer["bias"]
        inputs.append(np.maximum(y, 0, out=y))
    output = params["output"]
    values = inputs[-1] @ output["kernel"] + output["bias"]
    taken = np.arange(len(values)), batch.action_t
    error = values[taken] - targets

    dvalues = np.zeros_like(values)
    dvalues[taken] = error / len(error)
    grads = {"hidden": {}, "output": {"kernel": inputs[-1].T @ dvalues, "bias": dvalues.sum(0)}}
    dy = dvalues @ output["kernel"].T
    for i, layer in reversed(params["hidden"].items()):
        dy *= inputs[i + 1] > 0
        grads["hidden"][i] = {"kernel": inputs[i].T @ dy, "bias": dy.sum(0)}
        if i:  # the observation needs no gradient
            dy = dy @ layer["kernel"].T
    return 0.5 * np.vdot(error, error) / len(error), grads


def update(state: State, batch: Transitions, config: Config) -> tuple[State, np.floating]:
    """One step of Adam on a batch; from time to time the target network is renewed."""
    towards = targets(state.params, state.target, batch, config)
    value, grads = loss_and_grads(state.params, batch, towards)
    rate = schedules.at(learning_rates(config), state.step)
    params, opt_state = adam_update(state.params, grads, state.opt_state, learning_rate=rate)
    step = state.step + 1
    target = params if step % config.target_period == 0 else state.target
    state = state._replace(params=params, target=target, opt_state=opt_state, step=step)
    return state, value


def learn(
    state: State, seen: Transitions, draws: Draws, config: Config
) -> tuple[State, np.floating]:
    """Remember what was seen, replay a batch, and learn from it; also the loss of the batch.

    The replay memory of `state` is written in place: a copy for each step would take longer than
    everything else in it.
    """
    step = int(state.step)
    replay = store(state.replay, seen, step)
    batch = sample(replay, draws.replayed, num_stored(step, config))
    return update(state._replace(replay=replay), batch, config)


def train_step(state: State, draws: Draws, config: Config) -> tuple[State, np.floating]:
    """Act once in every environment, then learn (see there); also the loss of the batch."""
    state, seen = interact(state, draws, config)
    return learn(state, seen, draws, config)


def train_steps(
    state: State, draws: Draws, config: Config
) -> tuple[State, Float[np.ndarray, " steps"]]:
    """One training step for each of the draws, on a copy of the replay memory; also each loss."""
    state = state._replace(replay=Transitions(*(array.copy() for array in state.replay)))
    losses = np.empty(len(draws.replayed), draws.replayed.dtype)
    for i in range(len(losses)):
        state, losses[i] = train_step(state, Draws(*(array[i] for array in draws)), config)
    return state, losses


def play_greedily(params: Params, observation: Float[np.ndarray, "envs 4"]) -> cartpole.Episodes:
    """One episode from each of the first observations, without any random action."""
    return cartpole.play(partial(choose, params), observation)
