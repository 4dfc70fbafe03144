"""What the network restores of held-out pictures, beside rivals that need no network."""

import dataclasses
from collections.abc import Callable, Sequence
from functools import partial
from itertools import product
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from tutorials_lib.benchmark.timing import timed
from tutorials_lib.judge import Judgement, Score
from tutorials_lib.metrics import images
from tutorials_lib.runtime import RUN_ONCE
from tutorials_lib.vision.srcnn import classical, in_jax, problem, resizing
from tutorials_lib.vision.srcnn.problem import Config, Crops, Data
from tutorials_lib.vision.srcnn.resizing import AnyPicture

METRIC = "PSNR in dB, the mean of the held-out pictures"

MODEL = "this network"
"""Its name in a table of published scores."""

NUM_HELD_BACK, HELD_BACK_SIZE = 24, 96
"""Squares of the development pictures at which training is looked at, and their side."""

SCALES = (2, 3)
"""The scales at which the published sets are judged."""

AS_PUBLISHED = {
    ("Set5", 2): {"bicubic": (33.66, 0.9299), "SRCNN": (36.66, 0.9542)},
    ("Set5", 3): {"bicubic": (30.39, 0.8682), "SRCNN": (32.75, 0.9090)},
    ("Set14", 2): {"bicubic": (30.23, 0.8687), "SRCNN": (32.45, 0.9067)},
    ("Set14", 3): {"bicubic": (27.54, 0.7736), "SRCNN": (29.30, 0.8215)},
}
"""PSNR and SSIM by set and scale, from Dong et al. (2016), tables 2 and 3.

Their network of 9-5-5 kernels was trained on 395,909 pictures.
"""

AMOUNTS, RADII = (0.5, 1.0, 1.5, 2.0, 2.5, 3.0), (0.5, 0.6, 0.7, 1.0)
PENALTIES = (1e-5, 1e-4, 1e-3, 1e-2)

Technique = Callable[[AnyPicture], AnyPicture]
"""From a picture at low resolution to one at high resolution."""


class Enlarged(NamedTuple):
    """What a technique makes of the held-out pictures.

    Attributes:
        technique: it, with the setting that is best on the development pictures.
        development: its mean PSNR there.
        pictures: the held-out pictures, enlarged again, by name.
    """

    technique: Technique
    development: float
    pictures: dict[str, AnyPicture]


class Trained(NamedTuple):
    """The parameters after training on `data`, and what was seen on the way.

    Attributes:
        data: the pictures.
        params: of the network.
        history: the learning curve.
        held_back: the squares at which it was taken; the first is the one that was watched.
        seconds: how long training took, where it was timed.
        rivals: what `enlarge_by_rivals` made of the same data, where that has been done.
    """

    data: Data
    params: in_jax.Params
    history: in_jax.History
    held_back: Crops
    seconds: float | None = None
    rivals: dict[str, Enlarged] | None = None


# ---------------------------------------------------------------- the network


def train(config: Config, *, seed: int) -> Trained:
    """Train on the pictures of the source that `config` names; `seed` draws all else."""
    data = problem.load(config, seed=seed)
    rng = np.random.default_rng(seed)
    draw = partial(problem.draw_crops, config=config, rng=rng)
    crops = draw(data.train, num_crops=config.num_crops, crop_size=config.crop_size)
    held_back = draw(data.development, num_crops=NUM_HELD_BACK, crop_size=HELD_BACK_SIZE)
    held_back = most_to_restore_first(held_back, config)
    create_key, fit_key = jax.random.split(jax.random.key(seed))
    start = in_jax.start(in_jax.create(config, create_key), config)
    inputs = (start, *jax.device_put((tuple(crops), tuple(held_back))), fit_key)
    fit = jax.jit(in_jax.fit, static_argnames="config").lower(*inputs, config).compile()
    (state, history), seconds = timed(fit, *inputs)  # compiled ahead, so as not to time that
    return Trained(data, state.params, jax.tree.map(np.asarray, history), held_back, seconds)


def most_to_restore_first(crops: Crops, config: Config) -> Crops:
    """The squares in the order of what the bicubic enlargement lacks, most first."""
    bicubic = np.stack([resizing.enlarge(low, config.scale) for low in crops.low])
    order = np.argsort(((bicubic - crops.high) ** 2).mean((1, 2)))[::-1]
    return Crops(*(each[order] for each in crops))


def enlarge(params: in_jax.Params, low: AnyPicture, config: Config) -> AnyPicture:
    """A whole picture by the network; each size is a program of its own."""
    return np.asarray(_predict(params, jnp.asarray(low)[None], config)[0])


def enlarge_by_network(trained: Trained, config: Config) -> Enlarged:
    """What the network makes of the held-out pictures."""
    return choose([partial(enlarge, trained.params, config=config)], trained.data, config)


_predict = jax.jit(in_jax.predict, static_argnames="config", compiler_options=RUN_ONCE)


# ---------------------------------------------------------------- the rivals


def enlarge_by_rivals(data: Data, config: Config) -> dict[str, Enlarged]:
    """What each rival makes of the pictures, with the setting that suits the development ones."""
    scale = config.scale
    sharp = [
        partial(classical.sharpened, scale=scale, amount=amount, radius=radius)
        for amount, radius in product(AMOUNTS, RADII)
    ]
    learned = [
        partial(
            classical.filtered,
            scale=scale,
            learned=classical.fit_filter(data.train, scale=scale, penalty=penalty),
        )
        for penalty in PENALTIES
    ]
    lanczos = partial(resizing.enlarge, scale=scale, kernel=resizing.lanczos)
    return {
        "bicubic": choose([partial(resizing.enlarge, scale=scale)], data, config),
        "Lanczos": choose([lanczos], data, config),
        "bicubic, sharpened": choose(sharp, data, config),
        "ridge filter": choose(learned, data, config),
    }


def choose(techniques: Sequence[Technique], data: Data, config: Config) -> Enlarged:
    """The technique with the best mean PSNR on the development pictures, and what it makes."""
    scored = [
        (mean_psnr(apply(each, data.development, config), data.development, config), each)
        for each in techniques
    ]
    development, technique = max(scored, key=lambda each: each[0])
    return Enlarged(technique, development, apply(technique, data.test, config))


def apply(
    technique: Technique, pictures: dict[str, AnyPicture], config: Config
) -> dict[str, AnyPicture]:
    """The pictures shrunk and enlarged again."""
    return {
        name: technique(resizing.shrink(picture, config.scale))
        for name, picture in pictures.items()
    }


# ---------------------------------------------------------------- scores


def mean_psnr(found: dict[str, AnyPicture], true: dict[str, AnyPicture], config: Config) -> float:
    """The mean of the pictures' PSNR, without a border of `config.scale` pixels."""
    return float(np.mean([images.psnr(found[n], true[n], border=config.scale) for n in true]))


def mean_ssim(found: dict[str, AnyPicture], true: dict[str, AnyPicture], config: Config) -> float:
    """The mean of the pictures' SSIM, likewise."""
    return float(np.mean([images.ssim(found[n], true[n], border=config.scale) for n in true]))


def psnr_of_crops(technique: Technique, crops: Crops, config: Config) -> float:
    """What the learning curve shows, of another technique: the PSNR of all squares as one."""
    inside = slice(config.border, -config.border)
    errors = np.stack([technique(low) for low in crops.low]) - crops.high
    return float(to_psnr(np.mean(errors[:, inside, inside] ** 2)))


def to_psnr(loss: np.ndarray | np.floating) -> Any:
    """The PSNR of a mean squared error, in dB."""
    return -10 * np.log10(loss)


# ---------------------------------------------------------------- judgement


def baselines(data: Data, config: Config, *, seed: int) -> dict[str, Score]:
    """The PSNR of each rival, with the setting that suits the development pictures."""
    return _to_scores(enlarge_by_rivals(data, config), data, config)


def judge(config: Config, *, seed: int, trained: Trained | None = None) -> Judgement:
    """What was `trained`, or is trained now, beside the rivals on the same pictures.

    On the published sets the judgement has details: every set at every scale of `SCALES`.
    """
    trained = train(config, seed=seed) if trained is None else trained
    data = trained.data
    rivals = trained.rivals or enlarge_by_rivals(data, config)
    trained = trained._replace(rivals=rivals)
    network = enlarge_by_network(trained, config)
    is_published = config.source == "real"
    return Judgement(
        metric=METRIC,
        value=mean_psnr(network.pictures, data.test, config),
        baselines=_to_scores(rivals, data, config),
        training_seconds=trained.seconds,
        details=score_published(trained, config, seed=seed) if is_published else {},
    )


def _to_scores(rivals: dict[str, Enlarged], data: Data, config: Config) -> dict[str, Score]:
    return {
        name: Score(rival.development, mean_psnr(rival.pictures, data.test, config))
        for name, rival in rivals.items()
    }


def score_published(trained: Trained, config: Config, *, seed: int) -> dict[str, dict[str, float]]:
    """PSNR and SSIM of Set5 and Set14 at every scale, beside what the paper states.

    What was `trained` serves for the scale of `config`; for others a network is trained.
    """
    table = {}
    for scale in SCALES:
        scaled = dataclasses.replace(config, scale=scale)
        own = trained if scale == config.scale else train(scaled, seed=seed)
        rivals = own.rivals or enlarge_by_rivals(own.data, scaled)
        ours = {name: rivals[name] for name in ("bicubic", "ridge filter")}
        ours[MODEL] = enlarge_by_network(own, scaled)
        for of_set in ("Set5", "Set14"):
            true = {n: p for n, p in own.data.test.items() if n.startswith(f"{of_set}/")}
            for i, (metric, mean) in enumerate({"PSNR": mean_psnr, "SSIM": mean_ssim}.items()):
                row = {name: mean(found.pictures, true, scaled) for name, found in ours.items()}
                for name, scores in AS_PUBLISHED[of_set, scale].items():
                    row[f"{name} as published"] = scores[i]
                table[f"{of_set}, × {scale}, {metric}"] = row
    return table
