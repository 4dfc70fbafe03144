"""PPO in NumPy: many games at once, and the gradient by hand."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, Int32

from tutorials_lib import schedules
from tutorials_lib.environments.heist import in_numpy as heist
from tutorials_lib.environments.heist.levels import Levels, take
from tutorials_lib.environments.heist.rules import NUM_COINS
from tutorials_lib.environments.returns import in_numpy as returns
from tutorials_lib.layers.mlp.in_numpy import mlp
from tutorials_lib.optimizers import AdamState, adam_start, adam_update, clip_by_global_norm
from tutorials_lib.reinforcement.ppo.problem import (
    EPSILON,
    MAX_NORM,
    PER_COIN_STEP,
    PER_ITEM,
    PER_STEP,
    Config,
    Draws,
    Seen,
    Terms,
    learning_rates,
)

Params = dict[str, Any]
Observations = Float[np.ndarray, "batch features"]
Logits = Float[np.ndarray, "batch 5"]
PerStep = Float[np.ndarray, "steps envs"]


class State(NamedTuple):
    """All that an update changes."""

    params: Params
    opt_state: AdamState
    game: heist.State


class Rollout(NamedTuple):
    """Some steps of many games, and how they stand after the last (hence one row more).

    Attributes:
        observation: before each step, and after the last.
        potential: likewise.
        logits: of the policy, before each step.
        action: what it chose.
        score: what the step brought.
        is_over: whether a game ended with it; the next row belongs to a new game.
    """

    observation: Float[np.ndarray, "rows envs features"]
    potential: Float[np.ndarray, "rows envs"]
    logits: Float[np.ndarray, "steps envs 5"]
    action: Int[np.ndarray, "steps envs"]
    score: Int32[np.ndarray, "steps envs"]
    is_over: Bool[np.ndarray, "steps envs"]


class Batch(NamedTuple):
    """Steps to learn from.

    Attributes:
        observation: before the step.
        action: what was chosen.
        log_prob: the logarithm of its probability when it was chosen.
        advantage: how much better it turned out than the policy's average.
        target: what the state turned out to be worth.
    """

    observation: Float[np.ndarray, "batch features"]
    action: Int[np.ndarray, " batch"]
    log_prob: Float[np.ndarray, " batch"]
    advantage: Float[np.ndarray, " batch"]
    target: Float[np.ndarray, " batch"]


def start(params: Params, level: Levels, config: Config) -> State:
    """The state before the first update: games at their beginning."""
    return State(params, adam_start(params), heist.start(level))


# ---------------------------------------------------------------- acting


def logits_of(params: Params, observation: Observations) -> Logits:
    """The logits of the policy; an action is drawn from their softmax."""
    return mlp(params["actor"], observation)[0]


def values_of(params: Params, observation: Observations) -> Float[np.ndarray, " batch"]:
    """What the states are worth to the policy, in discounted rewards."""
    return mlp(params["critic"], observation)[0][:, 0]


def choose(params: Params, game: heist.State) -> Int[np.ndarray, " games"]:
    """The most probable action: what a finished policy does."""
    dtype = params["actor"]["layers"][0]["bias"].dtype.type
    return logits_of(params, heist.observe(game, dtype)).argmax(-1)


def potential(game: heist.State, dtype: type = np.float32) -> Float[np.ndarray, " games"]:
    """What the thief has, less the way to what it needs: a guess of how promising a state is."""
    distance = heist.distances(game.level, game.cell[:, None], heist.items(game.level))
    has_all = game.has_coin.all(1)
    coin = np.where(game.has_coin, np.int32(2**20), distance[:, :NUM_COINS]).min(1)
    goal = np.where(game.has_key, distance[:, -1], distance[:, -2])
    items = game.has_coin.sum(1) + game.has_key
    per_step = np.where(has_all, *np.array(PER_STEP[::-1], dtype))
    return (
        dtype(PER_ITEM) * items.astype(dtype)
        - per_step * goal.astype(dtype)
        - dtype(PER_COIN_STEP) * np.where(has_all, np.int32(0), coin).astype(dtype)
    )


def rollout(
    params: Params, game: heist.State, levels: Levels, draws: Draws, config: Config
) -> tuple[heist.State, Rollout]:
    """Play some steps of every game by the policy; where a game is over, the next one begins."""
    return play_steps(partial(logits_of, params), game, levels, draws, config)


def play_steps(
    policy: Callable[[Observations], Logits],
    game: heist.State,
    levels: Levels,
    draws: Draws,
    config: Config,
) -> tuple[heist.State, Rollout]:
    """`rollout` for any policy that gives logits, wherever it is computed."""
    dtype = draws.gumbel.dtype.type
    observation = heist.observe(game, dtype)
    before, steps = [(observation, potential(game, dtype))], []
    for i in range(config.num_steps):
        logits = policy(observation)
        action = (logits + draws.gumbel[i]).argmax(-1)
        step = heist.step(game, action, draws.chance[i])
        game = heist.restart(step.state, step.is_over, take(levels, draws.level[i]))
        observation = heist.observe(game, dtype)
        before.append((observation, potential(game, dtype)))
        steps.append((logits, action, step.score, step.is_over))
    return game, Rollout(
        *map(np.stack, zip(*before, strict=True)), *map(np.stack, zip(*steps, strict=True))
    )


# ---------------------------------------------------------------- judging what was done


def rewards(
    score: Int32[np.ndarray, "steps envs"],
    potential: Float[np.ndarray, "rows envs"],
    is_over: Bool[np.ndarray, "steps envs"],
    config: Config,
) -> PerStep:
    r"""The scores, shaped where the settings say so: $r + \gamma \Phi(s') - \Phi(s)$.

    A game that is over has no potential (Ng, Harada and Russell 1999).
    """
    reward = score.astype(potential.dtype)
    if config.shaped:
        later = potential[1:] * ~is_over
        later *= config.discount
        reward += later
        reward -= potential[:-1]
    return reward


def advantages(
    reward: PerStep,
    value: Float[np.ndarray, "rows envs"],
    is_over: Bool[np.ndarray, "steps envs"],
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
    log_prob = _log_softmax(played.logits.reshape(-1, played.logits.shape[-1]))
    action = played.action.ravel()
    return Batch(
        rows[: len(action)],
        action,
        log_prob[np.arange(len(action)), action],
        advantage.ravel(),
        (advantage + value[:-1]).ravel(),
    )


def _log_softmax(logits: Float[np.ndarray, "batch 5"]) -> Float[np.ndarray, "batch 5"]:
    shifted = logits - logits.max(-1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(-1, keepdims=True))
    return shifted


# ---------------------------------------------------------------- learning


def loss_and_grads(params: Params, batch: Batch, config: Config) -> tuple[Terms, Params]:
    """The clipped objective of PPO with its parts (see `in_jax.loss`), and its gradient."""
    size = len(batch.action)
    logits, actor_vjp = mlp(params["actor"], batch.observation, input_gradient=False)
    value, critic_vjp = mlp(params["critic"], batch.observation, input_gradient=False)
    log_probs = _log_softmax(logits)
    probs = np.exp(log_probs)
    taken = np.arange(size), batch.action
    advantage = batch.advantage - batch.advantage.mean()
    advantage /= advantage.std() + 1e-8

    ratio = np.exp(log_probs[taken] - batch.log_prob)
    gain = ratio * advantage
    clipped_gain = np.minimum(np.maximum(ratio, 1 - config.clip), 1 + config.clip) * advantage
    counts = gain <= clipped_gain
    plogp = probs * log_probs
    entropies = -plogp.sum(-1, keepdims=True)
    error = value[:, 0] - batch.target
    policy = -np.minimum(gain, clipped_gain).mean()
    value_loss = 0.5 * np.vdot(error, error) / size
    entropy = entropies.mean()
    terms = Terms(
        loss=policy + value_loss - config.entropy * entropy,
        policy=policy,
        value=value_loss,
        entropy=entropy,
        clipped=1 - counts.mean(dtype=gain.dtype),
    )

    dtaken = -(gain * counts)  # the slope of a ratio is the ratio itself
    dlogits = plogp
    dlogits += probs * entropies
    dlogits *= config.entropy
    dlogits -= probs * dtaken[:, None]
    dlogits[taken] += dtaken
    dlogits /= size
    error /= size
    return terms, {"actor": actor_vjp(dlogits)[1], "critic": critic_vjp(error[:, None])[1]}


def gradient_step(state: State, batch: Batch, config: Config) -> tuple[State, Terms]:
    """One step of Adam on a batch, with a gradient that is not too long."""
    terms, grads = loss_and_grads(state.params, batch, config)
    rate = schedules.at(learning_rates(config), state.opt_state.steps)
    grads = clip_by_global_norm(grads, MAX_NORM)
    params, opt_state = adam_update(
        state.params, grads, state.opt_state, learning_rate=rate, eps=EPSILON
    )
    return state._replace(params=params, opt_state=opt_state), terms


def learn(state: State, played: Rollout, draws: Draws, config: Config) -> tuple[State, Seen]:
    """Learn from a rollout, some epochs long."""
    whole, terms = to_batch(state.params, played, config), []
    for rows in draws.order:
        state, now = gradient_step(state, Batch(*(x.take(rows, axis=0) for x in whole)), config)
        terms.append(now)
    mean = Terms(*(np.mean(term) for term in zip(*terms, strict=True)))
    return state, Seen(played.is_over.sum(), played.score.sum(), mean)


def train_step(state: State, levels: Levels, draws: Draws, config: Config) -> tuple[State, Seen]:
    """Play a rollout, then learn from it."""
    game, played = rollout(state.params, state.game, levels, draws, config)
    return learn(state._replace(game=game), played, draws, config)
