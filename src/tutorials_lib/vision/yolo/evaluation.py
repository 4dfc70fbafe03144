"""What the detector finds in unseen clips, beside rivals that look at the same frames."""

from collections.abc import Mapping
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import UInt8

from tutorials_lib.benchmark.timing import timed
from tutorials_lib.judge import Judgement, Score
from tutorials_lib.metrics.detection import Found, Sizes, mean_average_precision
from tutorials_lib.vision.yolo import in_jax, problem, rivals
from tutorials_lib.vision.yolo.problem import NUM_CLASSES, SIZES, Config, Data, in_a_row, truth_of
from tutorials_lib.vision.yolo.rivals import Chosen

METRIC = "mAP at IoU 0.5"
OURS = "grid detector"

_AT_ONCE = 32
"""Frames that go through the network together."""


class Trained(NamedTuple):
    """The state after training on `data`, and what was seen on the way.

    Attributes:
        data: the clips.
        state: the network.
        history: the losses, and the network after each round.
        seconds: how long it took, where it was timed.
        rivals: what `choose_rivals` found on the same data, where that has been done.
    """

    data: Data
    state: in_jax.State
    history: in_jax.History
    seconds: float | None = None
    rivals: dict[str, Chosen] | None = None


def train(config: Config, *, seed: int) -> Trained:
    """Train on the clips of the source that `config` names, drawn with `seed`."""
    data = problem.load(config, seed=seed)
    params_key, fit_key = jax.random.split(jax.random.key(seed))
    params, statistics = in_jax.create(config, params_key)
    state = in_jax.start(params, statistics, config)
    inputs = state, *in_a_row(data.train), fit_key
    fit = jax.jit(in_jax.fit, static_argnames="config").lower(*inputs, config).compile()
    (state, history), seconds = timed(fit, *jax.device_put(inputs))  # compiled ahead
    return Trained(data, state, jax.tree.map(np.asarray, history), seconds)


_detect = jax.jit(in_jax.detect, static_argnames="config")


def find(
    state: in_jax.State, frames: UInt8[np.ndarray, "frames height width 3"], config: Config
) -> Found:
    """The boxes of the network in every frame, some frames at a time."""
    return find_folded(in_jax.fold(state.params, state.statistics), frames, config)


def find_folded(
    folded: in_jax.Folded, frames: UInt8[np.ndarray, "frames height width 3"], config: Config
) -> Found:
    """The boxes of a network for prediction in every frame, some frames at a time."""
    parts = [frames[i : i + _AT_ONCE] for i in range(0, len(frames), _AT_ONCE)]
    found = [_detect(folded, part, config) for part in parts]
    return Found(*(np.concatenate(each) for each in zip(*found, strict=True)))


def score(found: Found, data: Data, *, sizes: Sizes = (0.0, np.inf)) -> float:
    """The mean average precision in the test clips."""
    return mean_average_precision(found, truth_of(data.test), num_classes=NUM_CLASSES, sizes=sizes)


def curve(trained: Trained, config: Config) -> list[float]:
    """The mean average precision in the development clips after each round."""
    clips = trained.data.development
    frames, truth = in_a_row(clips).frames, truth_of(clips)
    rounds = [
        jax.tree.map(lambda each, place=place: each[place], trained.history.folded)
        for place in range(config.num_rounds)
    ]
    return [
        mean_average_precision(find_folded(each, frames, config), truth, num_classes=NUM_CLASSES)
        for each in rounds
    ]


def choose_rivals(data: Data, config: Config, *, seed: int) -> dict[str, Chosen]:
    """Each rival with the setting that suits the development clips."""
    techniques = rivals.techniques(data, seed=seed)
    return {name: rivals.choose(technique, data) for name, technique in techniques.items()}


def by_size(found: Mapping[str, Found], data: Data) -> dict[str, dict[str, float]]:
    """The scores of every technique for small and for large objects alone."""
    return {
        name: {kind: score(each, data, sizes=sizes) for kind, sizes in SIZES.items()}
        for name, each in found.items()
    }


def baselines(data: Data, config: Config, *, seed: int) -> dict[str, Score]:
    """The score of each rival, tuned on the development clips."""
    return _to_scores(choose_rivals(data, config, seed=seed), data)


def judge(config: Config, *, seed: int, trained: Trained | None = None) -> Judgement:
    """What was `trained`, or is trained now, beside the rivals in the same frames."""
    trained = train(config, seed=seed) if trained is None else trained
    data = trained.data
    chosen = trained.rivals or choose_rivals(data, config, seed=seed)
    ours = find(trained.state, in_a_row(data.test).frames, config)
    found = {OURS: ours} | {name: each.found for name, each in chosen.items()}
    return Judgement(
        metric=METRIC,
        value=score(ours, data),
        baselines=_to_scores(chosen, data),
        training_seconds=trained.seconds,
        details=by_size(found, data),
    )


def _to_scores(chosen: Mapping[str, Chosen], data: Data) -> dict[str, Score]:
    return {name: Score(each.development, score(each.found, data)) for name, each in chosen.items()}
