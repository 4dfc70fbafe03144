"""What the page reads off games, plans and networks: tables and sentences."""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from tutorials_lib.benchmark.tables import MarkdownRows
from tutorials_lib.environments.heist import in_numpy as heist
from tutorials_lib.environments.heist import planning
from tutorials_lib.environments.heist.levels import Levels, take
from tutorials_lib.environments.heist.rules import (
    ACTIONS,
    MAX_SCORE,
    NUM_ACTIONS,
    NUM_CELLS,
    NUM_STATES,
    PERIOD,
    SIDE,
    SLIP,
    TIME_LIMIT,
    WALL,
)
from tutorials_lib.judge import Judgement
from tutorials_lib.reinforcement.ppo import in_jax, in_numpy
from tutorials_lib.reinforcement.ppo.evaluation import EARNED, PPO
from tutorials_lib.reinforcement.ppo.problem import Config, Games, Seen, Terms


def settings(config: Config) -> dict[str, str]:
    """What the prose says of the settings, by the names that it glues."""
    return {
        "clip": f"{config.clip:g}",
        "discount": f"{config.discount:g}",
        "entropy": f"{config.entropy:g}",
        "num_envs": f"{config.num_envs}",
        "num_epochs": f"{config.num_epochs}",
        "num_minibatches": f"{config.num_minibatches}",
        "num_plays": f"{config.num_plays}",
        "num_states": f"{NUM_STATES:,}",
        "num_steps": f"{config.num_steps}",
        "num_test": f"{config.num_test:,}",
        "num_train": f"{config.num_train:,}",
        "period": f"{PERIOD}",
        "slip": f"{SLIP:.0%}",
        "time_limit": f"{TIME_LIMIT}",
        "total": f"{config.num_updates * config.batch_size:,}",
        "trace": f"{config.trace:g}",
        "width": f"{config.hidden[0]}",
    }


class Game(NamedTuple):
    """One game from its start to its end.

    Attributes:
        states: before each step, and after the last.
        chosen: the actions.
        done: what became of them on the slippery floor.
        score: at the end.
    """

    states: list[heist.State]
    chosen: list[int]
    done: list[int]
    score: int


def follow(params: in_numpy.Params, games: Games, place: int) -> Game:
    """Play one of the games by the network."""
    one = slice(place, place + 1)
    level, chance = take(games.level, one), games.chance[:, one]
    states, chosen, done, score = [heist.start(level)], [], [], 0
    for now in chance:
        action = in_numpy.choose(params, states[-1])
        acted = heist.slip(action, now)
        step = heist.move(states[-1], acted)
        chosen.append(int(action[0]))
        done.append(int(acted[0]))
        states.append(step.state)
        score = int(step.score[0])
        if step.is_over[0]:
            break
    return Game(states, chosen, done, score)


def first_with_all_coins(params: in_numpy.Params, games: Games) -> int:
    """The first game in which the network brings home all there is; else its best one."""
    return int(heist.play(lambda game: in_numpy.choose(params, game), *games).score.argmax())


def notes(game: Game) -> list[str]:
    """What stands beside each moment of a game."""
    texts = []
    for i, state in enumerate(game.states):
        held = ["key"] * int(state.has_key[0]) + ["coin"] * int(state.has_coin.sum())
        lines = [f"step {i}", f"holds: {', '.join(held) or 'nothing'}"]
        if i == len(game.chosen):
            lines.append(f"over, score {game.score}")
        else:
            slipped = game.done[i] != game.chosen[i]
            lines.append(f"will go: {ACTIONS[game.chosen[i]]}")
            lines += [f"and slip: {ACTIONS[game.done[i]]}"] if slipped else []
        texts.append("\n".join(lines))
    return texts


def describe_game(game: Game) -> str:
    """Alternative text of a game."""
    slips = sum(a != b for a, b in zip(game.chosen, game.done, strict=True))
    coins = int(game.states[-1].has_coin.sum())
    return (
        f"A thief (a circle) in two rooms with a wall between them, two guards (triangles) in "
        f"each. In {len(game.chosen)} steps, {slips} of them slips, it takes "
        f"{coins} coin{'s' * (coins != 1)} and ends with a score of {game.score} of "
        f"{MAX_SCORE}."
    )


def steps_of(
    game: Game, params: in_numpy.Params, config: Config
) -> dict[str, Float[np.ndarray, " steps"]]:
    """The numbers of each step of a game: potential, reward, value, surprise, advantage."""
    potential = np.concatenate([in_numpy.potential(state) for state in game.states])[:, None]
    value = np.concatenate(
        [in_numpy.values_of(params, heist.observe(state)) for state in game.states]
    )[:, None]
    is_over = np.arange(len(game.chosen))[:, None] == len(game.chosen) - 1
    score = is_over * np.int32(game.score)
    reward = in_numpy.rewards(score, potential, is_over, config)
    at_once = dataclasses.replace(config, trace=0.0)
    columns = {
        "potential": potential[:-1],
        "reward": reward,
        "value": value[:-1],
        "surprise": in_numpy.advantages(reward, value, is_over, at_once),
        "advantage": in_numpy.advantages(reward, value, is_over, config),
    }
    return {name: column[:, 0] for name, column in columns.items()}


def steps_table(game: Game, numbers: dict[str, Float[np.ndarray, " steps"]]) -> MarkdownRows:
    """The last steps of a game, with what each was worth."""
    rows = []
    for i in range(max(0, len(game.chosen) - 8), len(game.chosen)):
        action = ACTIONS[game.chosen[i]]
        if game.done[i] != game.chosen[i]:
            action += f" (slips: {ACTIONS[game.done[i]]})"
        rows.append([str(i), action, *(f"{column[i]:+.2f}" for column in numbers.values())])
    return MarkdownRows(["Step", "action", *numbers], rows, of_words=(0, 1))


# ---------------------------------------------------------------- planning


class Plans(NamedTuple):
    """What every action is worth in every state of one level, with the score alone and shaped."""

    plain: Float[np.ndarray, "states 5"]
    shaped: Float[np.ndarray, "states 5"]
    potential: Float[np.ndarray, " states"]


def plan_with_and_without_shaping(
    level: Levels, config: Config, *, num_sweeps: int = 3_000
) -> Plans:
    """Value iteration in float64, to a standstill, for one level.

    It takes many sweeps: where it is best to hide for ever, what is left of a wrong value shrinks
    by the discount alone.
    """

    @jax.jit
    def plan(level: Levels) -> tuple[jax.Array, jax.Array, jax.Array]:
        def potential(game: in_jax.heist.State) -> jax.Array:
            return in_jax.potential(game, jnp.float64)

        plain = planning.action_values(level, config.discount, num_sweeps)
        shaped = planning.action_values(level, config.discount, num_sweeps, potential)
        return plain, shaped, potential(planning.all_states(level))

    with jax.enable_x64(True):
        return Plans(*map(np.asarray, plan(jax.tree.map(jnp.asarray, level))))


def count_changed(plans: Plans) -> int:
    """In how many states an action that is best with one reward is not with the other."""

    def is_best(values: np.ndarray) -> np.ndarray:
        return values >= values.max(1, keepdims=True) - 1e-9  # of equal ones all are best

    return int((is_best(plans.plain) != is_best(plans.shaped)).any(1).sum())


def values_of_cells(
    plans: Plans, params: in_numpy.Params, game: heist.State
) -> dict[str, Float[np.ndarray, " cells"]]:
    """What a thief can expect in each cell, all else being as in `game`: at best, and believed.

    The network learned with shaped rewards, so its values lack the potential, which is added.
    """
    many = jax.tree.map(lambda x: np.repeat(x, NUM_CELLS, axis=0), game)
    many = many._replace(cell=np.arange(NUM_CELLS, dtype=np.int32))
    places = np.asarray(planning.index(in_jax.heist.State(*jax.tree.map(jnp.asarray, tuple(many)))))
    believed = in_numpy.values_of(params, heist.observe(many)) + in_numpy.potential(many)
    return {"the best play": plans.plain[places].max(1), "what the network believes": believed}


def describe_values(values: dict[str, Float[np.ndarray, " cells"]]) -> str:
    """Alternative text of the maps, by their means over the rooms."""
    column = np.arange(NUM_CELLS) % SIDE
    told = "; ".join(
        f"{name}, {board[column < WALL].mean():.2f} in the left room and "
        f"{board[column > WALL].mean():.2f} in the right one"
        for name, board in values.items()
    )
    return f"Maps of the discounted score to come, with their means: {told}."


# ---------------------------------------------------------------- learning


def scores(seen: Seen, *, num_points: int) -> Float[np.ndarray, " points"]:
    """The mean score of the games that ended in each part of the training."""
    parts = (np.array_split(np.asarray(each, float), num_points) for each in seen[:2])
    num_over, score = (np.array([part.sum() for part in each]) for each in parts)
    return score / np.maximum(num_over, 1)


def games_table(judgement: Judgement) -> MarkdownRows:
    """How the held-out games went, a row for each way to play; of the best play the mean alone."""
    shares = {name: each.held_out for name, each in judgement.baselines.items()}
    shares[PPO] = judgement.value
    rows = [
        [
            name,
            f"{shares[name]:.1%}",
            f"{found[EARNED]:.2f}",
            f"{found['score']:.2f}",
            f"{found['got out']:.0%}",
            f"{found['steps']:.0f}",
        ]
        for name, found in judgement.details.items()
    ]
    strongest, line = judgement.strongest
    best = judgement.details[strongest][EARNED] / line
    rows.append(["best play (planned)", "100%", f"{best:.2f}", "", "", ""])
    header = ["Thief", "share of the best", "discounted score", "score", "gets out", "steps"]
    return MarkdownRows(header, rows)


def say_verdict(judgement: Judgement) -> str:
    """Whether the line is beaten by this network."""
    name, line = judgement.strongest
    told = f"PPO has {judgement.value:.1%} against {line:.1%} of the strongest rival, the {name}"
    if judgement.met:
        return f"{told}: *met*."
    return (
        f"{told}: *not met*. The rival was told by us which way to walk and whom to avoid; the "
        "network had to find it out from its score, in the time that this page has."
    )


def say_terms(terms: Terms, *, num_updates: int = 10) -> dict[str, str]:
    """Entropy and clipped share, at the beginning and at the end of the training."""
    first, last = slice(num_updates), slice(-num_updates, None)
    return {
        "first_entropy": f"{terms.entropy[first].mean():.2f}",
        "last_entropy": f"{terms.entropy[last].mean():.2f}",
        "highest_entropy": f"{np.log(NUM_ACTIONS):.2f}",
        "mean_clipped": f"{terms.clipped.mean():.1%}",
        "most_clipped": f"{terms.clipped.max():.0%}",
    }
