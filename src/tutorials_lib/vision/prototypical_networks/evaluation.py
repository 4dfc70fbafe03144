"""What the network makes of characters of unseen alphabets, beside rivals on the same episodes."""

import dataclasses
from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Float32

from tutorials_lib.benchmark.timing import timed
from tutorials_lib.judge import Judgement, Score
from tutorials_lib.vision.prototypical_networks import in_jax, problem, rivals
from tutorials_lib.vision.prototypical_networks.problem import (
    JUDGED,
    Config,
    Data,
    Episodes,
    Pictures,
)
from tutorials_lib.vision.prototypical_networks.rivals import Chosen

METRIC = f"{JUDGED[0]}-way {JUDGED[1]}-shot accuracy"
OURS = "prototypical network"
RANDOM = "random network, nearest example"

_AT_ONCE = 400
"""Pictures that go through the network together."""


class Trained(NamedTuple):
    """The state after training on `data`, and what was seen on the way.

    Attributes:
        data: the characters.
        state: the network.
        history: the learning curve.
        seconds: how long it took, where it was timed.
        rivals: what `choose_rivals` found on the same data, where that has been done.
    """

    data: Data
    state: in_jax.State
    history: in_jax.History
    seconds: float | None = None
    rivals: dict[str, Chosen] | None = None


def episodes_of(
    pictures: Pictures, config: Config, *, ways: int, shots: int, seed: int
) -> Episodes:
    """The episodes by which everything is scored on these characters."""
    return problem.draw_episodes(
        len(pictures),
        config.num_episodes,
        num_ways=ways,
        num_shots=shots,
        num_queries=config.num_queries,
        seed=seed,
    )


def judged_episodes(pictures: Pictures, config: Config, *, seed: int) -> Episodes:
    """Those of the setting that is judged."""
    ways, shots = JUDGED
    return episodes_of(pictures, config, ways=ways, shots=shots, seed=seed)


def train(config: Config, *, seed: int) -> Trained:
    """Train on the characters of the source that `config` names, drawn with `seed`."""
    data = problem.load(config, seed=seed)
    params, statistics = in_jax.create(config, jax.random.key(seed))
    held_back = in_jax.HeldBack(
        jnp.asarray(_in_a_row(data.development)),
        judged_episodes(data.development, config, seed=seed),
    )
    lessons = problem.draw_lessons(len(data.train), config, seed=seed)
    inputs = in_jax.start(params, statistics, config), _in_a_row(data.train), lessons, held_back
    fit = jax.jit(in_jax.fit, static_argnames="config").lower(*inputs, config).compile()
    (state, history), seconds = timed(fit, *jax.device_put(inputs))  # compiled ahead
    return Trained(data, state, jax.tree.map(np.asarray, history), seconds)


def _in_a_row(pictures: Pictures) -> Float32[np.ndarray, "pictures height width 1"]:
    return problem.to_images(pictures.reshape(-1, *pictures.shape[2:]))


_embed = jax.jit(in_jax.embed, static_argnames="config")


def features_of(
    params: in_jax.Params,
    statistics: in_jax.BatchStatistics,
    pictures: Pictures,
    config: Config,
) -> Float[np.ndarray, "pictures features"]:
    """The features of every drawing, some hundred at a time, in one row."""
    images = _in_a_row(pictures)
    parts = [images[i : i + _AT_ONCE] for i in range(0, len(images), _AT_ONCE)]
    return np.concatenate([_embed(params, statistics, part, config) for part in parts])


def by_network(state: in_jax.State, pictures: Pictures, config: Config) -> rivals.Score:
    """The trained network as a technique: the nearest mean of features."""
    features = features_of(state.params, state.statistics, pictures, config)
    return rivals.by_prototypes(features)


def random_network(pictures: Pictures, *, data: Data, config: Config, seed: int) -> rivals.Score:
    """The nearest example by the features of a network that has learned nothing.

    Its normalization has the statistics of some training drawings.
    """
    params, statistics = in_jax.create(config, jax.random.key(seed))
    settled = dataclasses.replace(config, statistics_momentum=0.0)
    lesson = problem.draw_lessons(len(data.train), config, seed=seed).drawings[0]
    _, statistics = in_jax.loss(
        params, statistics, jnp.asarray(_in_a_row(data.train)[lesson]), settled
    )
    return rivals.nearest_features(features_of(params, statistics, pictures, config))


def choose_rivals(data: Data, config: Config, *, seed: int) -> dict[str, Chosen]:
    """Each rival with the setting that suits the development characters."""
    episodes = judged_episodes(data.development, config, seed=seed)
    untrained = rivals.with_each(
        lambda pictures, _: random_network(pictures, data=data, config=config, seed=seed)
    )
    techniques = rivals.techniques(data.train) | {RANDOM: (untrained, [None])}
    return {
        name: rivals.choose(technique, settings, data, episodes)
        for name, (technique, settings) in techniques.items()
    }


class Estimate(NamedTuple):
    """A mean over episodes, and half the width of its 95 % interval."""

    mean: float
    margin: float

    def __str__(self) -> str:
        return f"{self.mean:.3f} ± {self.margin:.3f}"


def estimate(accuracies: Float[np.ndarray, " episodes"]) -> Estimate:
    """The mean accuracy, and 1.96 standard errors: how much hangs on the draw of the episodes."""
    error = float(accuracies.std(ddof=1)) / len(accuracies) ** 0.5
    return Estimate(float(accuracies.mean()), 1.96 * error)


def score_all(
    scores: Mapping[str, rivals.Score], data: Data, config: Config, *, seed: int
) -> dict[str, list[Estimate]]:
    """Every technique on the same test episodes of each of `problem.SETTINGS`."""
    kinds = [
        episodes_of(data.test, config, ways=ways, shots=shots, seed=seed)
        for ways, shots in problem.SETTINGS
    ]
    return {
        name: [estimate(score(episodes)) for episodes in kinds] for name, score in scores.items()
    }


def baselines(data: Data, config: Config, *, seed: int) -> dict[str, Score]:
    """The accuracy of each rival, tuned on the development characters."""
    return _to_scores(choose_rivals(data, config, seed=seed), data, config, seed=seed)


def judge(config: Config, *, seed: int, trained: Trained | None = None) -> Judgement:
    """What was `trained`, or is trained now, beside the rivals on the same episodes."""
    trained = train(config, seed=seed) if trained is None else trained
    data = trained.data
    found = trained.rivals or choose_rivals(data, config, seed=seed)
    ours = by_network(trained.state, data.test, config)
    return Judgement(
        metric=METRIC,
        value=float(ours(judged_episodes(data.test, config, seed=seed)).mean()),
        baselines=_to_scores(found, data, config, seed=seed),
        training_seconds=trained.seconds,
    )


def _to_scores(
    found: Mapping[str, Chosen], data: Data, config: Config, *, seed: int
) -> dict[str, Score]:
    episodes = judged_episodes(data.test, config, seed=seed)
    return {
        name: Score(chosen.development, float(chosen.score(episodes).mean()))
        for name, chosen in found.items()
    }
