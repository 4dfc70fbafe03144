"""What fine-tuning makes of few labels, beside rivals that get the same ones."""

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from tutorials_lib.benchmark.timing import timed
from tutorials_lib.judge import Judgement, Score
from tutorials_lib.vision.transfer_learning import draws, in_jax, photographs, problem, rivals
from tutorials_lib.vision.transfer_learning.draws import Lesson
from tutorials_lib.vision.transfer_learning.problem import Config, Data, Labelled, Strategy
from tutorials_lib.vision.transfer_learning.rivals import Accuracies

METRIC = "accuracy, the mean over numbers of labels and draws"
JUDGED = problem.FULL_TUNING
"""The strategy that is judged; it was fixed before the test pictures were looked at."""

NO_LABEL = "pretrained, no label"

_AT_ONCE = 250
"""Pictures that go through the network together, at most."""


class History(NamedTuple):
    """What pretraining reports after each epoch.

    Attributes:
        train_loss: the mean of the epoch's steps.
        printed: accuracy on printed digits that were held back.
        handwritten: accuracy on the development split of the other task.
    """

    train_loss: Float[np.ndarray, " epochs"]
    printed: Float[np.ndarray, " epochs"]
    handwritten: Float[np.ndarray, " epochs"]


class Pretrained(NamedTuple):
    """A network that knows another task.

    Attributes:
        params: its parameters.
        printed: what it has learned from; None where it came as it is.
        history: how it learned; likewise.
        seconds: how long that took; likewise.
    """

    params: in_jax.Params
    printed: Labelled | None = None
    history: History | None = None
    seconds: float | None = None


class Trained(NamedTuple):
    """All that was learned from labels, on one split.

    Attributes:
        data: the task that has few labels.
        pretrained: the network before.
        lessons: a row for each number of labels, a lesson for each draw.
        networks: for each strategy, the parameters after each lesson.
        accuracies: what they reach.
        seconds: pretraining, and the judged strategy with its compilation, together.
        rivals: what the rivals reach, where they have been tuned.
    """

    data: Data
    pretrained: Pretrained
    lessons: list[list[Lesson]]
    networks: dict[str, list[list[in_jax.Params]]]
    accuracies: dict[str, Accuracies]
    seconds: float
    rivals: Mapping[str, Accuracies] | None = None


# ---------------------------------------------------------------- the network


def classify(
    params: in_jax.Params, images: problem.Images, config: Config
) -> Int[np.ndarray, " pictures"]:
    """The class of each picture, some hundred at a time."""
    parts = [images[i : i + _AT_ONCE] for i in range(0, len(images), _AT_ONCE)]
    logits = [in_jax.compiled_predict(params, part, config) for part in parts]
    return np.concatenate([np.asarray(each).argmax(-1) for each in logits])


def accuracy(params: in_jax.Params, data: Labelled, config: Config) -> float:
    """The share of pictures that get the right name."""
    return rivals.accuracy(lambda images: classify(params, images, config), data)


def pretrain(data: Data, config: Config, *, seed: int) -> Pretrained:
    """Train on printed digits, or read the published network that knows ImageNet.

    `data` is only looked at, after each epoch.

    Raises:
        DatasetError: the published network was asked for and cannot be had.
    """
    if config.source == "real":
        return Pretrained(photographs.pretrained())
    printed, held_back = problem.load_printed(config, seed=seed)
    strategy = problem.pretraining(config)
    trained, rates = strategy.trained(config), problem.learning_rates(strategy)
    state = in_jax.start(in_jax.create(config, jax.random.key(seed)), trained)
    rng = np.random.default_rng([seed, 2])
    epochs = [
        draws.draw_epoch(len(printed.labels), config, rng=rng) for _ in range(config.num_epochs)
    ]

    def inputs(batches: Int[np.ndarray, "steps batch"]) -> Any:
        return jax.device_put((state, printed.images[batches], printed.labels[batches], rates))

    # Compiled ahead, so as not to time that.
    steps = in_jax.compiled_steps.lower(*inputs(epochs[0]), config, trained).compile()
    seconds, reports = 0.0, []
    for batches in epochs:
        (state, losses), duration = timed(steps, *inputs(batches))
        seconds += duration
        scores = (accuracy(state.params, each, config) for each in (held_back, data.development))
        reports.append([float(losses.mean()), *scores])
    return Pretrained(state.params, printed, History(*np.array(reports).T), seconds)


def fine_tune(
    params: in_jax.Params, lesson: Lesson, strategy: Strategy, config: Config
) -> in_jax.Params:
    """The parameters after a lesson."""
    trained = strategy.trained(config)
    rates = jnp.asarray(problem.learning_rates(strategy))
    batches = lesson.batches[: strategy.num_steps]
    images, labels = lesson.copies.images[batches], lesson.copies.labels[batches]
    state = in_jax.start(params, trained)
    if config.source == "offline":
        return in_jax.compiled_steps(state, images, labels, rates, config, trained)[0].params
    # Inside a loop, XLA has no fast code for the gradient of the first convolution of SqueezeNet.
    for batch in zip(images, labels, strict=True):
        state, _ = in_jax.compiled_step(state, *batch, rates, config, trained)
    return state.params


def train(config: Config, *, seed: int) -> Trained:
    """Pretrain, draw labels, and fine-tune in every way from each draw of them."""
    config = problem.affordable(config)
    data = problem.load(config, seed=seed)
    pretrained = pretrain(data, config, seed=seed)
    lessons = draw_lessons(data, config, seed=seed)
    networks, accuracies, seconds = {}, {}, {}
    for name, strategy in problem.strategies(config).items():
        tune = partial(_tune_all, pretrained, lessons, name, strategy, config, seed=seed)
        networks[name], seconds[name] = timed(tune)
        accuracies[name] = score(networks[name], data, config)
    total = (pretrained.seconds or 0) + seconds[JUDGED]
    return Trained(data, pretrained, lessons, networks, accuracies, total)


def draw_lessons(data: Data, config: Config, *, seed: int) -> list[list[Lesson]]:
    """A row for each number of labels, a lesson for each draw."""
    draw = partial(draws.draw_lesson, data.train, config=config, seed=seed)
    return [
        [draw(number, draw=each) for each in range(config.num_draws)]
        for number in config.labels_per_class
    ]


def _tune_all(
    pretrained: Pretrained,
    lessons: list[list[Lesson]],
    name: str,
    strategy: Strategy,
    config: Config,
    *,
    seed: int,
) -> list[list[in_jax.Params]]:
    """After each lesson; without pretraining, every draw starts from random weights of its own."""

    def before(draw: int) -> in_jax.Params:
        if name != problem.SCRATCH:
            return pretrained.params
        return in_jax.create(config, jax.random.fold_in(jax.random.key(seed), draw))

    starts = [before(draw) for draw in range(config.num_draws)]
    return [
        [
            fine_tune(params, lesson, strategy, config)
            for params, lesson in zip(starts, row, strict=True)
        ]
        for row in lessons
    ]


def score(networks: list[list[in_jax.Params]], data: Data, config: Config) -> Accuracies:
    """Accuracy of every network on both splits that are not learned from."""
    return Accuracies(
        *(
            np.array([[accuracy(each, part, config) for each in row] for row in networks])
            for part in (data.development, data.test)
        )
    )


# ---------------------------------------------------------------- judgement


def baselines(data: Data, config: Config, *, seed: int) -> dict[str, Score]:
    """The mean accuracy of each rival, tuned on the development split, and of the scratch network.

    The network that is not pretrained is the fifth strategy; it is a rival here.
    """
    config = problem.affordable(config)
    pretrained = pretrain(data, config, seed=seed)
    lessons = draw_lessons(data, config, seed=seed)
    name = problem.SCRATCH
    strategy = problem.strategies(config)[name]
    networks = _tune_all(pretrained, lessons, name, strategy, config, seed=seed)
    found = rivals.choose_all(pretrained.printed, lessons, data)
    unlabelled = no_label(pretrained, data, config)
    return _to_scores({**found, NO_LABEL: unlabelled, name: score(networks, data, config)})


def no_label(pretrained: Pretrained, data: Data, config: Config) -> Accuracies:
    """What the network knows before it has seen a label, as often as there are numbers of them."""
    scores = (accuracy(pretrained.params, part, config) for part in data[1:])
    return Accuracies(*(np.full((len(config.num_labels), 1), each) for each in scores))


def choose_rivals(trained: Trained) -> Mapping[str, Accuracies]:
    """What the rivals reach with the same labels, each at its best settings."""
    return rivals.choose_all(trained.pretrained.printed, trained.lessons, trained.data)


def judge(config: Config, *, seed: int, trained: Trained | None = None) -> Judgement:
    """What was `trained`, or is trained now, beside the rivals with the same labels.

    The details are the accuracies by number of labels.
    """
    config = problem.affordable(config)
    trained = train(config, seed=seed) if trained is None else trained
    found = dict(trained.rivals or choose_rivals(trained))
    found[NO_LABEL] = no_label(trained.pretrained, trained.data, config)
    ours = dict(trained.accuracies)
    found[problem.SCRATCH] = ours.pop(problem.SCRATCH)
    names = [f"{number} labels" for number in config.num_labels]
    return Judgement(
        metric=METRIC,
        value=float(ours[JUDGED].test.mean()),
        baselines=_to_scores(found),
        training_seconds=trained.seconds,
        details={
            name: dict(zip(names, each.test.mean(1).tolist(), strict=True))
            for name, each in (ours | found).items()
        },
    )


def _to_scores(found: Mapping[str, Accuracies]) -> dict[str, Score]:
    return {
        name: Score(float(each.development.mean()), float(each.test.mean()))
        for name, each in found.items()
    }
