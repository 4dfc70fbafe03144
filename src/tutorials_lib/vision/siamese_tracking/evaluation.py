"""How the network tracks targets of unseen textures, beside trackers that need no training."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Float32

from tutorials_lib.benchmark.timing import timed
from tutorials_lib.judge import Judgement, Score
from tutorials_lib.metrics import tracking
from tutorials_lib.vision.siamese_tracking import in_jax, problem, rivals
from tutorials_lib.vision.siamese_tracking.problem import Clips, Config, Data, Pairs, Settings

METRIC = "success AUC, the mean of the test clips"
OURS = "Siamese network"
UNTRAINED = "the same network, untrained"

GRID = {"window": (0.2, 0.35, 0.5), "update": (0.0, 0.03, 0.1), "damping": (0.0, 0.4)}
"""From which development clips choose for every tracker, one setting after the other."""

_NUM_HELD_BACK = 4
"""Batches of pairs at which training is looked at."""

Boxes = Float32[np.ndarray, "clips frames 4"]
Tracker = Callable[[Clips, Settings], Boxes]


class Followed(NamedTuple):
    """What a tracker makes of the test clips.

    Attributes:
        settings: those that are best on the development clips.
        development: its mean success AUC there.
        boxes: for every frame of the test clips.
    """

    settings: Settings
    development: float
    boxes: Boxes


class Trained(NamedTuple):
    """The parameters after training on `data`, and what was seen on the way.

    Attributes:
        data: the clips.
        params: of the network.
        history: the learning curve.
        seconds: how long training took, where it was timed.
        followed: what the rivals, and the network, make of the test clips, where that is known.
    """

    data: Data
    params: in_jax.Params
    history: in_jax.History
    seconds: float | None = None
    followed: dict[str, Followed] | None = None


# ---------------------------------------------------------------- training


def train(config: Config, *, seed: int) -> Trained:
    """Train on generated squares; `seed` draws the clips and all else."""
    data = problem.load(config, seed=seed)
    rng = np.random.default_rng([seed, config.num_steps])
    lessons = problem.draw_lessons(data.train, config, num_steps=config.num_steps, rng=rng)
    held_back = hold_back(data.development, config, rng=rng)
    state = in_jax.start(in_jax.create(config, jax.random.key(seed)), config)
    inputs = jax.device_put((state, data.train, lessons, held_back))
    fit = jax.jit(in_jax.fit, static_argnames="config").lower(*inputs, config).compile()
    (state, history), seconds = timed(fit, *inputs)  # compiled ahead, so as not to time that
    return Trained(data, state.params, jax.tree.map(np.asarray, history), seconds)


def hold_back(clips: Clips, config: Config, *, rng: np.random.Generator) -> Pairs:
    """Pairs from development clips, as one large batch."""
    every = max(1, clips.boxes.shape[1] // config.num_squares)
    chosen = slice(None, every * config.num_squares, every)
    squares = problem.cut_squares(clips.frames[:, chosen], clips.boxes[:, chosen], rng=rng)
    lessons = problem.draw_lessons(squares, config, num_steps=_NUM_HELD_BACK, rng=rng)
    pairs = problem.cut_pairs(squares, lessons)
    return Pairs(*(each.reshape(-1, *each.shape[2:]) for each in pairs))


# ---------------------------------------------------------------- tracking


_follow = jax.jit(in_jax.follow, static_argnames="config")


def by_network(params: in_jax.Params, config: Config) -> Tracker:
    """The trained network as a tracker."""

    def follow(clips: Clips, settings: Settings) -> Boxes:
        return np.asarray(
            _follow(params, clips.frames, clips.boxes[:, 0], settings=settings, config=config)
        )

    return follow


def choose(tracker: Tracker, data: Data) -> Followed:
    """The settings that suit the development clips, and what the tracker makes of the test clips.

    Of `GRID`, each setting is chosen with the ones before it as chosen, and the others as they
    are by default.
    """

    def scored(settings: Settings) -> tuple[float, Settings]:
        return mean_auc(tracker(data.development, settings), data.development), settings

    best = scored(Settings())
    for name, values in GRID.items():
        others = [best[1]._replace(**{name: value}) for value in values]
        tried = [scored(each) for each in others if each != best[1]]
        best = max([best, *tried], key=lambda each: each[0])
    development, settings = best
    return Followed(settings, development, tracker(data.test, settings))


def follow_by_rivals(data: Data, config: Config, *, seed: int) -> dict[str, Followed]:
    """What each rival makes of the test clips, a network of random weights among them."""
    trackers: dict[str, Tracker] = {
        name: partial(rivals.follow, rival) for name, rival in rivals.RIVALS.items()
    }
    trackers[UNTRAINED] = by_network(in_jax.create(config, jax.random.key(seed)), config)
    return {name: choose(tracker, data) for name, tracker in trackers.items()}


def follow_all(trained: Trained, config: Config, *, seed: int) -> Trained:
    """The same, with what all trackers make of the test clips; the network is the last of them."""
    ours = choose(by_network(trained.params, config), trained.data)
    followed = follow_by_rivals(trained.data, config, seed=seed) | {OURS: ours}
    return trained._replace(followed=followed)


# ---------------------------------------------------------------- scores


def mean_auc(boxes: Boxes, clips: Clips) -> float:
    """The mean of the clips' areas under the success curve."""
    return float(tracking.success_auc(boxes, clips.boxes).mean())


class Scores(NamedTuple):
    """How a tracker did in each clip.

    Attributes:
        auc: the area under the success curve.
        precision: the share of frames within 20 pixels of the target.
        lost: 1 where the target was lost in the end, else 0.
    """

    auc: Float[np.ndarray, " clips"]
    precision: Float[np.ndarray, " clips"]
    lost: Float[np.ndarray, " clips"]


def score(boxes: Boxes, clips: Clips) -> Scores:
    """The scores of every clip; pixels are those of the original videos."""
    limit = tracking.PRECISION_PIXELS / clips.pixels
    return Scores(
        tracking.success_auc(boxes, clips.boxes),
        tracking.precision(boxes, clips.boxes, pixels=limit),
        tracking.is_lost(boxes, clips.boxes).astype(float),
    )


class Interval(NamedTuple):
    """A mean over clips, with the interval in which 95 of 100 resamplings have it."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.3f} ({self.low:.3f} to {self.high:.3f})"


def bootstrap(values: Float[np.ndarray, " clips"], *, num_draws: int = 10_000) -> Interval:
    """The mean, and where it lies for clips drawn anew from these with replacement (Efron 1979)."""
    chosen = np.random.default_rng(0).integers(len(values), size=(num_draws, len(values)))
    low, high = np.quantile(values[chosen].mean(1), [0.025, 0.975])
    return Interval(float(values.mean()), float(low), float(high))


# ---------------------------------------------------------------- judgement


def baselines(data: Data, config: Config, *, seed: int) -> dict[str, Score]:
    """The success AUC of each rival, with the settings that suit the development clips."""
    return _to_scores(follow_by_rivals(data, config, seed=seed), data)


def judge(config: Config, *, seed: int, trained: Trained | None = None) -> Judgement:
    """What was `trained`, or is trained now, beside the rivals on the same clips.

    The details are further scores of every tracker; on published videos, of every target.
    """
    trained = train(config, seed=seed) if trained is None else trained
    trained = trained if trained.followed else follow_all(trained, config, seed=seed)
    followed, data = dict(trained.followed or {}), trained.data
    details = _by_target if config.source == "real" else _by_score
    rest = {name: found for name, found in followed.items() if name != OURS}
    return Judgement(
        metric=METRIC,
        value=mean_auc(followed[OURS].boxes, data.test),
        baselines=_to_scores(rest, data),
        training_seconds=trained.seconds,
        details=details(followed, data.test),
    )


def _to_scores(followed: Mapping[str, Followed], data: Data) -> dict[str, Score]:
    return {
        name: Score(found.development, mean_auc(found.boxes, data.test))
        for name, found in followed.items()
    }


def _by_score(followed: Mapping[str, Followed], clips: Clips) -> dict[str, dict[str, float]]:
    table = {}
    for name, found in followed.items():
        scores = score(found.boxes, clips)
        table[name] = {
            f"precision at {tracking.PRECISION_PIXELS:.0f} px": float(scores.precision.mean()),
            f"lost, of {len(clips.frames)} clips": float(scores.lost.sum()),
        }
    return table


def _by_target(followed: Mapping[str, Followed], clips: Clips) -> dict[str, dict[str, float]]:
    table = {}
    for name, found in followed.items():
        scores = score(found.boxes, clips)
        table[name] = {}
        for i, target in enumerate(problem.otb.TARGETS):
            table[name][f"{target}, AUC"] = float(scores.auc[i])
            table[name][f"{target}, precision"] = float(scores.precision[i])
    return table
