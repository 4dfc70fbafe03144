"""Deep Q-learning in NumPy: the twin of `in_jax`, with the gradient by hand."""

from functools import partial
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from tutorials_lib.environments.cartpole import in_numpy as cartpole
from tutorials_lib.environments.cartpole.physics import NUM_OBSERVED
from tutorials_lib.layers import in_numpy as layers
from tutorials_lib.optimizers import AdamState, adam_start, adam_update
from tutorials_lib.reinforcement.dqn.problem import SCALE, Config

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
    step: int


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
    return State(params, params, adam_start(params), carts, replay, 0)


def scale(observation: Observations) -> Observations:
    """The four numbers, about as large as each other: what the network sees."""
    return observation / np.asarray(SCALE, observation.dtype)


def q_values(params: Params, observation: Observations) -> QValues:
    """What each action is worth: the discounted rewards to be expected after it."""
    x = scale(observation)
    for layer in params["hidden"].values():
        x = layers.relu(layers.dense(x, **layer)[0])[0]
    return layers.dense(x, **params["output"])[0]


def choose(params: Params, observation: Observations) -> Int[np.ndarray, " batch"]:
    """The action of the larger value; of equal values the first."""
    return q_values(params, observation).argmax(-1)


def exploration(step: int, config: Config) -> float:
    """The share of random actions: it falls in a straight line, then stays."""
    progress = min(step / (config.exploring * config.num_steps), 1.0)
    first, last = config.first_exploration, config.last_exploration
    return first + progress * (last - first)


def act(
    params: Params, observation: Observations, rate: float, draws: Draws
) -> Int[np.ndarray, " batch"]:
    """What `choose` says, or with probability `rate` a random one (epsilon-greedy)."""
    greedy = choose(params, observation)
    return np.where(draws.explore < rate, draws.action, greedy)


def interact(state: State, draws: Draws, config: Config) -> tuple[State, Transitions]:
    """Act once in every environment; where an episode is over, the next one begins."""
    observation_t = state.carts.observation
    rate = exploration(state.step, config)
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
    values = q_values(target, batch.observation_tp1)
    chooser = q_values(params, batch.observation_tp1) if config.double else values
    best = values[np.arange(len(values)), chooser.argmax(-1)]
    if config.bounded:
        np.clip(best, 0.0, config.largest_value, out=best)
    best *= ~batch.terminated
    best *= config.discount
    best += batch.reward_tp1
    return best


def loss_and_grads(
    params: Params, batch: Transitions, targets: Float[np.ndarray, " batch"]
) -> tuple[np.floating, Params]:
    """Half the mean squared error of the values of the actions taken, and its gradient."""
    x, vjps = scale(batch.observation_t), {}
    for i, layer in params["hidden"].items():
        x, dense_vjp = layers.dense(x, **layer)
        x, relu_vjp = layers.relu(x)
        vjps[i] = dense_vjp, relu_vjp
    values, output_vjp = layers.dense(x, **params["output"])
    taken = np.arange(len(values)), batch.action_t
    error = values[taken] - targets

    dvalues = np.zeros_like(values)
    dvalues[taken] = error / len(error)
    dx, dkernel, dbias = output_vjp(dvalues)
    grads = {"hidden": {}, "output": {"kernel": dkernel, "bias": dbias}}
    for i, (dense_vjp, relu_vjp) in reversed(vjps.items()):
        dx, dkernel, dbias = dense_vjp(relu_vjp(dx))
        grads["hidden"][i] = {"kernel": dkernel, "bias": dbias}
    return 0.5 * np.mean(error**2), grads


def learning_rate(step: int, config: Config) -> float:
    """It falls to zero in a straight line."""
    return config.learning_rate * (1 - min(step / config.num_steps, 1.0))


def update(state: State, batch: Transitions, config: Config) -> tuple[State, np.floating]:
    """One step of Adam on a batch; from time to time the target network is renewed."""
    towards = targets(state.params, state.target, batch, config)
    value, grads = loss_and_grads(state.params, batch, towards)
    params, opt_state = adam_update(
        state.params, grads, state.opt_state, learning_rate=learning_rate(state.step, config)
    )
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
    replay = store(state.replay, seen, state.step)
    batch = sample(replay, draws.replayed, num_stored(state.step, config))
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
