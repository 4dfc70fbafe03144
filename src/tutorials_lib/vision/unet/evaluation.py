"""What the U-Net finds in held-out sections, beside techniques that look at less of them."""

from collections.abc import Callable, Iterable
from functools import partial
from itertools import product
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from tutorials_lib.benchmark.timing import timed
from tutorials_lib.judge import Judgement, Score
from tutorials_lib.metrics import segmentation
from tutorials_lib.vision.unet import classical, in_jax, problem
from tutorials_lib.vision.unet.classical import Scores
from tutorials_lib.vision.unet.problem import Config, Data, Pictures, Sections, Walls

METRIC = "Dice coefficient of the walls"
COLUMNS = ("Dice", "IoU", "boundary F1", "Rand error of the cells")
"""The headers over `scores`."""

BLURS, SPECKS = (0.4, 0.7, 1.0), (0, 20, 60, 120)
"""Settings that are tried; the specks, of so many pixels at most, for every technique."""

_AT_ONCE = 20


class Segmented(NamedTuple):
    """What a technique finds with the setting that is best on the development sections.

    Attributes:
        development: its Dice coefficient there.
        scores: the number that it gives each pixel of the test sections.
        threshold: the score above which it says wall; None for one of each picture's own.
        walls: what it finds in the test sections.
    """

    development: float
    scores: Scores
    threshold: float | None
    walls: Walls


class Trained(NamedTuple):
    """The state after training on `data`, and what was seen on the way.

    Attributes:
        data: the sections.
        state: the network.
        history: the learning curve.
        seconds: how long it took, where it was timed.
        rivals: what `segment_rivals` found on the same data, where that has been done.
    """

    data: Data
    state: in_jax.State
    history: in_jax.History
    seconds: float | None = None
    rivals: dict[str, Segmented] | None = None


def to_batch(sections: Sections, config: Config) -> in_jax.Batch:
    """Images, targets and weights of whole sections, on the device."""
    images, targets = problem.to_images(sections.pictures), sections.walls.astype(np.float32)
    weights = problem.border_weights(sections.walls, config)
    return jnp.asarray(images), jnp.asarray(targets), jnp.asarray(weights)


def train(config: Config, *, seed: int) -> Trained:
    """Train on the sections of the source that `config` names, drawn with `seed`."""
    data = problem.load(config, seed=seed)
    create_key, fit_key = jax.random.split(jax.random.key(seed))
    params, statistics = in_jax.create(config, create_key)
    start = in_jax.start(params, statistics, config)
    inputs = (start, to_batch(data.train, config), to_batch(data.development, config)[:2], fit_key)
    fit = jax.jit(in_jax.fit, static_argnames="config").lower(*inputs, config).compile()
    (state, history), seconds = timed(fit, *inputs)  # compiled ahead, so as not to time that
    return Trained(data, state, jax.tree.map(np.asarray, history), seconds)


def probabilities(state: in_jax.State, pictures: Pictures, config: Config) -> Scores:
    """With which probability each pixel is on a wall; whole sections, a few at a time."""
    predict = jax.jit(in_jax.predict, static_argnames="config")
    parts = np.array_split(pictures, -(-len(pictures) // _AT_ONCE))
    logits = [
        predict(state.params, state.statistics, problem.to_images(part), config) for part in parts
    ]
    return np.asarray(jax.nn.sigmoid(jnp.concatenate(logits)))


def segment(
    techniques: Iterable[Callable[[Pictures], Scores]],
    thresholds: Iterable[float | None],
    data: Data,
) -> Segmented:
    """What the best of the techniques finds, with the best threshold and size of specks."""
    best = None
    settings = list(product(thresholds, SPECKS))
    for technique in techniques:
        scores = technique(data.development.pictures)
        for threshold, max_speck in settings:
            walls = classical.cut(scores, threshold, max_speck=max_speck)
            value = segmentation.dice(walls, data.development.walls)
            if best is None or value > best[0]:
                best = value, technique, threshold, max_speck
    if best is None:
        raise ValueError("there is no technique or no threshold to choose from")
    value, technique, threshold, max_speck = best
    scores = technique(data.test.pictures)
    walls = classical.cut(scores, threshold, max_speck=max_speck)
    return Segmented(value, scores, threshold, walls)


def segment_by_network(state: in_jax.State, data: Data, config: Config) -> Segmented:
    """What the network finds, with the threshold that suits the development sections."""
    technique = partial(probabilities, state, config=config)
    return segment([technique], (0.3, 0.4, 0.5, 0.6, 0.7), data)


def segment_rivals(data: Data, *, seed: int) -> dict[str, Segmented]:
    """What each rival finds; the forest is grown with `seed` on the training sections."""
    dark = [partial(classical.darkness, blur=blur) for blur in BLURS]
    darker = [
        partial(classical.darker_than_around, blur=blur, reach=reach)
        for blur, reach in product(BLURS, (3.0, 5.0, 8.0))
    ]
    lines = [
        partial(classical.ridges, widths=widths) for widths in ((1.0,), (1.5,), (2.0,), (3.0,))
    ]
    trees = [classical.forest(data.train, seed=seed)]
    return {
        "Otsu's threshold": segment(dark, [None], data),
        "adaptive threshold": segment(darker, (0.03, 0.04, 0.06, 0.08), data),
        "ridge filter": segment(lines, (0.02, 0.03, 0.045, 0.06, 0.08), data),
        "random forest": segment(trees, (0.2, 0.3, 0.4, 0.5), data),
    }


def scores(walls: Walls, true_walls: Walls) -> list[float]:
    """What the `COLUMNS` say."""
    return [
        segmentation.dice(walls, true_walls),
        segmentation.intersection_over_union(walls, true_walls),
        segmentation.boundary_f1(walls, true_walls),
        segmentation.rand_error(walls, true_walls),
    ]


def baselines(data: Data, config: Config, *, seed: int) -> dict[str, Score]:
    """The Dice coefficient of each rival, tuned on the development sections."""
    return _to_scores(segment_rivals(data, seed=seed), data)


def judge(config: Config, *, seed: int, trained: Trained | None = None) -> Judgement:
    """What was `trained`, or is trained now, beside the rivals on the same sections."""
    trained = train(config, seed=seed) if trained is None else trained
    data = trained.data
    found = segment_by_network(trained.state, data, config)
    return Judgement(
        metric=METRIC,
        value=segmentation.dice(found.walls, data.test.walls),
        baselines=_to_scores(trained.rivals or segment_rivals(data, seed=seed), data),
        training_seconds=trained.seconds,
    )


def _to_scores(rivals: dict[str, Segmented], data: Data) -> dict[str, Score]:
    return {
        name: Score(found.development, segmentation.dice(found.walls, data.test.walls))
        for name, found in rivals.items()
    }
