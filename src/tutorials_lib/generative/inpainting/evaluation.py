"""What the network fills in, beside techniques without one: by error, and by looks."""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Float32

from tutorials_lib.benchmark import timed
from tutorials_lib.generative.inpainting import face_reader, in_jax, problem, rivals
from tutorials_lib.generative.inpainting import gaussian as gaussians
from tutorials_lib.generative.inpainting.gaussian import Gaussian
from tutorials_lib.generative.inpainting.problem import GRAIN, KINDS, Config, Data, Part, Pictures
from tutorials_lib.generative.inpainting.rivals import PASTED, RIVALS, Fills, paste, psnr
from tutorials_lib.judge import Judgement, Score
from tutorials_lib.metrics import digit_reader
from tutorials_lib.metrics.frechet import frechet_distance

METRIC = "PSNR of the mean fill inside the holes, in dB"

MODEL, SAMPLE, TRUTH = "this network, its mean", "this network, one fill", "the whole picture"

# ---------------------------------------------------------------- training


class Trained(NamedTuple):
    """What a training leaves behind.

    Attributes:
        data: pictures and holes.
        gaussian: the density whose guess the network corrects.
        params: of the network.
        losses: the mean between two reports.
        development: PSNR of the mean fill of the development pictures, before the first step and
            at each report.
        seconds: how long training took, compilation, preparation and reports aside.
        fills: what the rivals make of the test pictures, where that is known already.
        told: the scores of all, likewise.
    """

    data: Data
    gaussian: Gaussian
    params: in_jax.Params
    losses: Float[np.ndarray, " reports"]
    development: list[float]
    seconds: float
    fills: dict[str, Fills] | None = None
    told: "dict[str, Report] | None" = None


@cache
def compiled_steps(config: Config) -> Any:
    """The training between two reports as a program, ahead of time, so as not to time that."""
    shape = jax.ShapeDtypeStruct
    params = in_jax.create.trace(config, jax.random.key(0)).out_info
    state = jax.eval_shape(lambda params: in_jax.start(params, config), params)
    steps = config.steps_per_report, config.batch_size
    coords = shape((*steps, config.num_coords), np.float32)
    times, which = shape(steps, np.float32), shape(steps, np.int32)
    holes = shape((config.num_masks, config.num_pixels), bool)
    space = problem.Space(
        shape((config.num_coords, config.num_pixels), np.float32),
        shape((config.num_coords,), np.float32),
    )
    batches = problem.Batch(coords, coords, coords, times, which)
    rates = shape((config.num_steps + 1,), np.float32)
    return in_jax.compiled_steps.lower(state, batches, holes, space, rates, config).compile()


def train(config: Config, *, seed: int) -> Trained:
    """Load the pictures, fit the Gaussian, and train the network that starts from it."""
    data = problem.load(config, seed=seed)
    gaussian = gaussians.fit(data.train.pictures, config.num_coords)
    conditionals = gaussians.condition(gaussian, data.train.holes)
    seen = see(gaussian, data.development)
    space, rates = problem.space_of(gaussian), problem.learning_rates(config)
    state = in_jax.start(in_jax.create(config, jax.random.key(seed)), config)
    rng = np.random.default_rng([seed, 2])
    fixed = jax.device_put((data.train.holes, space, rates))
    program = compiled_steps(config)
    seconds, losses = 0.0, []
    scores = [
        psnr(paste(gaussians.pictures_of(gaussian, seen.guess), data.development), data.development)
    ]
    for first in range(0, config.num_steps, config.steps_per_report):
        batches = problem.draw_batches(
            data.train,
            gaussian,
            conditionals,
            config,
            num_steps=config.steps_per_report,
            mean_share=1.0 if first < config.mean_steps else config.mean_share,
            rng=rng,
        )
        arguments = state, jax.device_put(batches), *fixed
        (state, values), duration = timed(program, *arguments)
        seconds += duration
        losses.append(float(np.asarray(values).mean()))
        found = mean_fills(state.params, gaussian, seen, data.development, config)
        scores.append(psnr(found, data.development))
    return Trained(data, gaussian, state.params, np.array(losses), scores, seconds)


# ---------------------------------------------------------------- filling


class Seen(NamedTuple):
    """What the Gaussian makes of pictures with holes.

    Attributes:
        guess: the mean of the coordinates of each picture.
        cells: of its hole.
    """

    guess: Float32[np.ndarray, "pictures coords"]
    cells: Float32[np.ndarray, "pictures cells"]


def see(gaussian: Gaussian, part: Part) -> Seen:
    """Condition the Gaussian on what is seen of each picture."""
    conditionals = gaussians.condition(gaussian, part.holes)
    guess = gaussians.guess(gaussian, conditionals, part.pictures, part.holes, part.which)
    return Seen(guess, problem.cells(part.holes)[part.which])


def draw_starts(
    gaussian: Gaussian, part: Part, *, count: int, seed: int
) -> Float32[np.ndarray, "samples pictures coords"]:
    """Pictures drawn by chance from which so many fills of each picture start."""
    rng = np.random.default_rng([seed, 3])
    return gaussians.draw_any(gaussian, (count, len(part.pictures)), rng)


def mean_fills(
    params: in_jax.Params, gaussian: Gaussian, seen: Seen, part: Part, config: Config
) -> Pictures:
    """The pictures with the mean of all fills."""
    space = problem.space_of(gaussian)
    found = in_jax.compiled_predict(params, seen.guess, seen.cells, space, config)
    return paste(gaussians.pictures_of(gaussian, np.asarray(found)), part)


def sampled_fills(
    trained: Trained, part: Part, config: Config, *, count: int, seed: int
) -> Float32[np.ndarray, "samples pictures pixels"]:
    """So many possible fills of each picture."""
    seen = see(trained.gaussian, part)
    starts = draw_starts(trained.gaussian, part, count=count, seed=seed)
    space = problem.space_of(trained.gaussian)
    found = in_jax.compiled_sample(trained.params, starts, *seen, space, config)
    return np.stack(
        [paste(gaussians.pictures_of(trained.gaussian, c), part) for c in np.asarray(found)]
    )


def spread(fills: Float32[np.ndarray, "samples pictures pixels"], part: Part) -> float:
    """The standard deviation of a missing pixel over the fills, in the mean."""
    return float(fills.std(0)[part.missing].mean())


# ---------------------------------------------------------------- judging by looks

Read = Callable[[Pictures], tuple[Float32[np.ndarray, "pictures features"], np.ndarray]]
"""Features of pictures, and what is read off them."""


class Judge(NamedTuple):
    """A network that had no part in filling.

    Attributes:
        read: its features, and what it reads.
        agree: how well what it reads in pictures agrees with the truth.
        part: the true pictures.
        features: of them.
    """

    read: Read
    agree: Callable[[np.ndarray], float]
    part: Part
    features: Float32[np.ndarray, "pictures features"]


def make_judge(data: Data, config: Config) -> Judge:
    """Train the reader of the source's pictures on the whole training pictures."""
    square = (-1, config.side, config.side, 1)
    whole, targets = data.train.pictures.reshape(square), data.train.targets
    if config.source == "real":
        digits = digit_reader.train(whole, targets, num_steps=config.num_reader_steps)

        def read(pictures: Pictures) -> tuple[np.ndarray, np.ndarray]:
            reading = digit_reader.read(digits, pictures.reshape(square))
            return reading.features, reading.digits

        def agree(found: np.ndarray) -> float:
            return float((found == data.test.targets).mean())
    else:
        faces = face_reader.train(whole, targets, num_steps=config.num_reader_steps)

        def read(pictures: Pictures) -> tuple[np.ndarray, np.ndarray]:
            return face_reader.read(faces, pictures.reshape(square))

        def agree(found: np.ndarray) -> float:
            errors = ((found - data.test.targets) ** 2).mean(0)
            return float((1 - errors / data.test.targets.var(0)).mean())

    return Judge(read, agree, data.test, read(data.test.pictures)[0])


class Report(NamedTuple):
    """Scores of filled test pictures.

    Attributes:
        psnr: over all holes.
        kinds: over the holes of each kind.
        distance: the Fréchet distance of the reader's features to those of the whole pictures.
        agreement: of what is read with what is true: the share of digits, or the mean share of
            the variance of a face's factors that is explained.
    """

    psnr: float
    kinds: tuple[float, ...]
    distance: float
    agreement: float


def report(pictures: Pictures, judge: Judge, grain: float) -> Report:
    """The scores of pictures whose holes are filled.

    Before they are read, the missing pixels get the noise that real pictures have, so that it is
    not their smoothness alone that is seen.
    """
    part = judge.part
    kind = part.which % len(KINDS)
    noise = np.random.default_rng(0).standard_normal(pictures.shape, np.float32)
    features, found = judge.read(paste(pictures + np.float32(grain) * noise, part))
    return Report(
        psnr(pictures, part),
        tuple(psnr(pictures, part, kind == i) for i in range(len(KINDS))),
        frechet_distance(features, judge.features),
        judge.agree(found),
    )


def reports(trained: Trained, fills: dict[str, Fills], config: Config) -> dict[str, Report]:
    """The scores of the network, of its rivals and of whole pictures."""
    judge, part = make_judge(trained.data, config), trained.data.test
    mean = mean_fills(trained.params, trained.gaussian, see(trained.gaussian, part), part, config)
    (one,) = sampled_fills(trained, part, config, count=1, seed=0)
    found = {name: each.pictures for name, each in fills.items()} | {SAMPLE: one, MODEL: mean}
    grain = GRAIN[config.source]
    return {
        name: report(pictures, judge, 0.0 if name == PASTED else grain)
        for name, pictures in found.items()
    }


# ---------------------------------------------------------------- judgement


def _scores(fills: dict[str, Fills], data: Data) -> dict[str, Score]:
    return {
        name: Score(fills[name].development, psnr(fills[name].pictures, data.test))
        for name in RIVALS
    }


def baselines(data: Data, config: Config, *, seed: int) -> dict[str, Score]:
    """PSNR of every rival, its settings tuned on the development pictures."""
    return _scores(rivals.fill_all(data), data)


def details(told: dict[str, Report]) -> dict[str, dict[str, float]]:
    """All scores of all techniques, as rows of a table."""
    return {
        name: {
            **{f"PSNR, {kind}": value for kind, value in zip(KINDS, each.kinds, strict=True)},
            "PSNR": each.psnr,
            "Fréchet distance": each.distance,
            "read right": each.agreement,
        }
        for name, each in told.items()
    }


def judge(config: Config, *, seed: int, trained: Trained | None = None) -> Judgement:
    """What was `trained`, or is trained now, beside the rivals; the details are all scores."""
    trained = train(config, seed=seed) if trained is None else trained
    fills = trained.fills or rivals.fill_all(trained.data)
    told = trained.told or reports(trained, fills, config)
    return Judgement(
        metric=METRIC,
        value=told[MODEL].psnr,
        baselines=_scores(fills, trained.data),
        training_seconds=trained.seconds,
        details=details(told),
    )
