"""What the GAN draws, beside its rivals: judged by a network that reads digits."""

import dataclasses
from functools import cache
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Float32, Int

from tutorials_lib.benchmark import timed
from tutorials_lib.generative.gan import in_jax, problem, rivals
from tutorials_lib.generative.gan.problem import (
    NUM_CLASSES,
    PLAYERS,
    SIDE,
    Config,
    Data,
    Rates,
    Wishes,
)
from tutorials_lib.generative.gan.rivals import Choice
from tutorials_lib.judge import Judgement, Score
from tutorials_lib.metrics import digit_reader
from tutorials_lib.metrics.frechet import frechet_distance

METRIC = "Fréchet distance of drawn digits"

SURE = 0.9
"""Probability from which on the reader counts as sure of the digit that it sees."""

LEAST_SHARE = 0.02
"""Of the drawn digits, from which on a digit counts as covered."""

NUM_COMPARED = 300
"""Drawn digits whose nearest training digit is looked for."""

NUM_LOOSE_REPORTS = 2
"""Reports of the training without balance ..."""

HEAD_START = 10
"""... and how much faster its generator moves."""

Images = Float32[np.ndarray, "drawn 28 28 1"]
Labels = Int[np.ndarray, " drawn"]


# ---------------------------------------------------------------- judging pictures


class Judge(NamedTuple):
    """A reader of digits that had no part in the drawing, and what it compares with.

    Attributes:
        reader: trained on the training digits.
        data: the real digits.
        development: the features of the development digits ...
        test: ... and of the test digits.
    """

    reader: digit_reader.Params
    data: Data
    development: Float32[np.ndarray, "development features"]
    test: Float32[np.ndarray, "test features"]

    def features(self, images: Images) -> Float32[np.ndarray, "drawn features"]:
        """What the reader makes of pictures."""
        return digit_reader.read(self.reader, images).features


def make_judge(data: Data, config: Config) -> Judge:
    """Train the reader; it is the same at every call."""
    reader = digit_reader.train(*data.train, num_steps=config.num_reader_steps)
    parts = (digit_reader.read(reader, part.images).features for part in data[1:])
    return Judge(reader, data, *parts)


class Report(NamedTuple):
    """Scores of drawn digits.

    Attributes:
        distance: the Fréchet distance to the test digits.
        covered: how many of the ten digits are at least `LEAST_SHARE` of what is drawn.
        smallest: the share of the rarest digit.
        obeyed: the share in which the reader sees the digit that was asked for.
        sure: the share of which the reader is sure.
        diversity: the standard deviation of a pixel among pictures of one digit, in the mean.
        nearest: the mean distance to the nearest training digit, in pixels.
    """

    distance: float
    covered: float
    smallest: float
    obeyed: float
    sure: float
    diversity: float
    nearest: float


COLUMNS = (
    "distance",
    "digits covered",
    "rarest digit",
    "asked digit seen",
    "reader sure",
    "diversity",
    "to nearest training digit",
)
"""The names of the scores of a `Report`."""


def report(images: Images, labels: Labels, judge: Judge) -> Report:
    """The scores of `images`, drawn for `labels`."""
    reading = digit_reader.read(judge.reader, images)
    shares = np.bincount(reading.digits, minlength=NUM_CLASSES) / len(images)
    spreads = [
        images[reading.digits == digit].std(0).mean()
        for digit in range(NUM_CLASSES)
        if shares[digit] > 0
    ]
    return Report(
        distance=frechet_distance(reading.features, judge.test),
        covered=float((shares >= LEAST_SHARE).sum()),
        smallest=float(shares.min()),
        obeyed=float((reading.digits == labels).mean()),
        sure=float((reading.probs.max(1) > SURE).mean()),
        diversity=float(np.mean(spreads)),
        nearest=float(nearest(images[:NUM_COMPARED], judge.data.train.images)[1].mean()),
    )


def digits_in(images: Images, labels: Labels, name: str, judge: Judge) -> Labels:
    """The digit of each picture: as asked for, or what the reader sees where nobody can ask."""
    if name in (rivals.GAUSSIAN, rivals.MIXTURE):
        return digit_reader.read(judge.reader, images).digits
    return labels


def nearest(
    images: Images, known: Float32[np.ndarray, "known 28 28 1"]
) -> tuple[Int[np.ndarray, " drawn"], Float[np.ndarray, " drawn"]]:
    """For each picture the place of the nearest known one, and its distance."""
    drawn, known = images.reshape(len(images), -1), known.reshape(len(known), -1)
    squares = (drawn**2).sum(1)[:, None] + (known**2).sum(1) - 2 * drawn @ known.T
    return squares.argmin(1), np.sqrt(squares.min(1).clip(0))


# ---------------------------------------------------------------- training


class Trained(NamedTuple):
    """All that a training leaves behind.

    Attributes:
        data: the digits.
        judge: who judges.
        state: after the last step.
        wishes: what the judged digits were asked for by.
        frames: what the averaged generator drew for `wishes`, by the number of steps.
        losses: of the discriminator and of the generator, the mean between two reports.
        seconds: how long training took, compilation and reports aside.
        rivals: each at its best setting, where they are fitted already.
    """

    data: Data
    judge: Judge
    state: in_jax.State
    wishes: Wishes
    frames: dict[int, Images]
    losses: Float[np.ndarray, "reports players"]
    seconds: float
    rivals: dict[str, Choice] | None = None

    @property
    def images(self) -> Images:
        """What is judged: the digits after the last step."""
        return self.frames[max(self.frames)]


class Run(NamedTuple):
    """What `Trained` has of the training alone."""

    state: in_jax.State
    wishes: Wishes
    frames: dict[int, Images]
    losses: Float[np.ndarray, "reports players"]
    seconds: float


@cache
def compiled_steps(num_digits: int, config: Config) -> Any:
    """The training between two reports as a program, ahead of time, so as not to time that."""
    params = in_jax.create.trace(config, jax.random.key(0)).out_info
    state = jax.eval_shape(lambda params: in_jax.start(params, config), params)
    count, batch = config.steps_per_report, config.batch_size
    shape = jax.ShapeDtypeStruct
    digits = shape((num_digits, SIDE, SIDE, 1), np.float32), shape((num_digits,), np.int32)
    draws = (
        shape((count, batch), np.int32),
        shape((count, 2, batch, config.num_latents), np.float32),
    )
    rates = problem.learning_rates(config)
    return in_jax.compiled_steps.lower(state, *digits, *draws, rates, config).compile()


def run(state: in_jax.State, data: Data, rates: Rates, config: Config, *, seed: int) -> Run:
    """Train for all steps, and draw what is wished for after each piece of them."""
    draws = problem.draw(len(data.train.labels), config, seed=seed)
    wishes = problem.wishes(config, seed=seed)
    program = compiled_steps(len(data.train.labels), config)
    digits, rates = jax.device_put((tuple(data.train), rates))
    frames, losses, seconds = {}, [], 0.0
    for first in range(0, config.num_steps, config.steps_per_report):
        piece = slice(first, first + config.steps_per_report)
        drawn = jax.device_put(tuple(each[piece] for each in draws))
        (state, values), duration = timed(program, state, *digits, *drawn, rates)
        seconds += duration
        losses.append(np.asarray(values).mean(0))
        images = in_jax.compiled_generate(state.average, *wishes, config)
        frames[piece.stop] = np.asarray(images)
    return Run(state, wishes, frames, np.stack(losses), seconds)


def train(config: Config, *, seed: int) -> Trained:
    """Load the digits, train both networks and the reader that judges them."""
    data = problem.load(config, seed=seed)
    state = in_jax.start(in_jax.create(config, jax.random.key(seed)), config)
    trained = run(state, data, problem.learning_rates(config), config, seed=seed)
    return Trained(data, make_judge(data, config), *trained)


def lose_balance(data: Data, config: Config, *, seed: int) -> Run:
    """A short training without two of the habits that keep the networks in balance.

    The discriminator does not see the spread of the batch, and the generator moves
    `HEAD_START` times as fast.
    """
    loose = dataclasses.replace(
        config, spread_scale=0.0, num_steps=NUM_LOOSE_REPORTS * config.steps_per_report
    )
    rates = np.full_like(problem.learning_rates(loose), config.learning_rate)
    rates[:, PLAYERS.index("generator")] *= HEAD_START
    state = in_jax.start(in_jax.create(loose, jax.random.key(seed)), loose)
    return run(state, data, rates, loose, seed=seed)


# ---------------------------------------------------------------- judgement


def choose_rivals(judge: Judge, labels: Labels) -> dict[str, Choice]:
    """Every rival at the setting that is nearest to the development digits."""

    def distance(images: Images) -> float:
        return frechet_distance(judge.features(images), judge.development)

    return rivals.choose_all(judge.data.train, labels, distance)


def _scores(found: dict[str, Choice], judge: Judge) -> dict[str, Score]:
    return {
        name: Score(each.development, frechet_distance(judge.features(each.images), judge.test))
        for name, each in found.items()
    }


def baselines(data: Data, config: Config, *, seed: int) -> dict[str, Score]:
    """The distance of each rival's digits, its settings tuned on the development digits."""
    judge = make_judge(data, config)
    return _scores(choose_rivals(judge, problem.wishes(config, seed=seed).labels), judge)


GAN, TEST, TRAIN = "this GAN", "real test digits", "real training digits"


def reports(trained: Trained, found: dict[str, Choice]) -> dict[str, Report]:
    """The scores of the GAN, of its rivals, and of real digits."""
    judge, data = trained.judge, trained.data
    labels = trained.wishes.labels
    count = len(labels)
    known = report(data.train.images[:count], data.train.labels[:count], judge)
    return {
        GAN: report(trained.images, labels, judge),
        **{name: report(each.images, labels, judge) for name, each in found.items()},
        TRAIN: known,
        TEST: report(*data.test, judge),
    }


def judge(config: Config, *, seed: int, trained: Trained | None = None) -> Judgement:
    """What was `trained`, or is trained now, beside the rivals; the details are all scores."""
    trained = train(config, seed=seed) if trained is None else trained
    found = trained.rivals or choose_rivals(trained.judge, trained.wishes.labels)
    told = reports(trained, found)
    return Judgement(
        metric=METRIC,
        value=told[GAN].distance,
        baselines=_scores(found, trained.judge),
        higher_is_better=False,
        training_seconds=trained.seconds,
        details={name: dict(zip(COLUMNS, each, strict=True)) for name, each in told.items()},
    )
