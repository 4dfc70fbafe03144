"""What the network restores of held-out pictures, beside techniques that learn nothing."""

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from tutorials_lib.benchmark.timing import timed
from tutorials_lib.generative.denoising_autoencoder import in_jax, problem
from tutorials_lib.generative.denoising_autoencoder.classical import TECHNIQUES, Technique
from tutorials_lib.generative.denoising_autoencoder.problem import (
    SIGMAS,
    AnyPicture,
    Config,
    Data,
    Pictures,
)
from tutorials_lib.judge import Judgement, Score
from tutorials_lib.metrics import images
from tutorials_lib.runtime import RUN_ONCE

METRIC = "PSNR in dB, the mean of the held-out pictures at noise of 15, 25 and 50"

MODEL = "this network"
"""Its name in a table of scores."""

BESIDE_THE_PAPER = ("total variation", "wavelets", "non-local means", "sliding DCT")
"""The rivals that are shown set by set."""

DEVELOPMENT_NOISE, TEST_NOISE = 1, 2
"""What draws the noise of the pictures; the same for every technique and every seed."""

AS_PUBLISHED = {
    ("Set12", 15): {"BM3D": 32.37, "DnCNN-S": 32.86, "DnCNN-B": 32.68},
    ("Set12", 25): {"BM3D": 29.97, "DnCNN-S": 30.44, "DnCNN-B": 30.36},
    ("Set12", 50): {"BM3D": 26.72, "DnCNN-S": 27.18, "DnCNN-B": 27.21},
    ("BSD68", 15): {"BM3D": 31.07, "DnCNN-S": 31.73, "DnCNN-B": 31.61},
    ("BSD68", 25): {"BM3D": 28.57, "DnCNN-S": 29.23, "DnCNN-B": 29.16},
    ("BSD68", 50): {"BM3D": 25.62, "DnCNN-S": 26.23, "DnCNN-B": 26.23},
}
"""PSNR by set and sigma, from Zhang et al. (2017), tables II and III.

DnCNN-S has a network for each sigma; DnCNN-B is one for all, and is not told sigma. Both
learned from 400 photographs.
"""


class Restored(NamedTuple):
    """What a technique makes of the held-out pictures at one level of noise.

    Attributes:
        setting: of the technique, the best on the development pictures; None for a network.
        development: its mean PSNR there.
        pictures: the held-out pictures without what was taken for noise, by name.
    """

    setting: float | None
    development: float
    pictures: dict[str, AnyPicture]


BySigma = dict[int, Restored]
"""What a technique makes of them at each level of noise."""


class Trained(NamedTuple):
    """The parameters after training on `data`, and what was seen on the way.

    Attributes:
        data: the clean pictures.
        params: of the network.
        history: the losses, and development pictures after each round.
        seconds: how long training took, where it was timed.
    """

    data: Data
    params: in_jax.Params
    history: in_jax.History
    seconds: float | None = None


# ---------------------------------------------------------------- the network


def train(config: Config, *, seed: int) -> Trained:
    """Train on the pictures of the source that `config` names; `seed` draws squares and noise."""
    data = problem.load(config, seed=seed)
    rng = np.random.default_rng(seed)
    crops = problem.draw_crops(data.train, config, num_crops=config.num_crops, rng=rng)
    start = in_jax.start(in_jax.create(config, jax.random.key(seed)), config)
    inputs = (start, *jax.device_put((crops, to_watch(data, config))), jax.random.key(seed))
    fit = jax.jit(in_jax.fit, static_argnames="config").lower(*inputs, config).compile()
    (state, history), seconds = timed(fit, *inputs)  # compiled ahead, so as not to time that
    return Trained(data, state.params, jax.tree.map(np.asarray, history), seconds)


def to_watch(data: Data, config: Config) -> tuple[np.ndarray, np.ndarray]:
    """The development pictures with noise of each level in turn, padded, and its sigma."""
    noisy = [
        problem.pad(picture, config)
        for sigma in SIGMAS
        for picture in noisy_development(data, sigma).values()
    ]
    return np.stack(noisy), np.repeat(np.array(SIGMAS, np.float32) / 255, len(data.development))


def learning_curves(trained: Trained, config: Config) -> dict[int, list[float]]:
    """The mean PSNR of the development pictures after each round, for each sigma."""
    clean = list(trained.data.development.values())
    watched = problem.unpad(np.asarray(trained.history.watched), clean[0].shape, config)
    by_sigma = watched.reshape(len(watched), len(SIGMAS), len(clean), *clean[0].shape)
    return {
        sigma: [
            float(np.mean([images.psnr(*pair) for pair in zip(found, clean, strict=True)]))
            for found in by_sigma[:, i]
        ]
        for i, sigma in enumerate(SIGMAS)
    }


def denoise(params: in_jax.Params, noisy: AnyPicture, sigma: float, config: Config) -> AnyPicture:
    """A whole picture by the network; each size is a program of its own.

    `sigma` is in units of the brightness, from 0 to 1.
    """
    padded = jnp.asarray(problem.pad(noisy, config))[None]
    found = _predict(params, padded, jnp.full(1, sigma, jnp.float32), config)
    return problem.unpad(np.asarray(found[0]), noisy.shape, config)


_predict = jax.jit(in_jax.predict, static_argnames="config", compiler_options=RUN_ONCE)


def restore_by_network(params: in_jax.Params, data: Data, config: Config) -> BySigma:
    """What the network makes of the held-out pictures."""
    network = Technique(
        lambda noisy, sigma, _: denoise(params, noisy, sigma, config), settings=(), meaning=""
    )
    return {sigma: apply(network, data, sigma, setting=0.0) for sigma in SIGMAS}


# ---------------------------------------------------------------- the rivals


@cache
def restore_by_rivals(config: Config) -> Mapping[str, BySigma]:
    """What each rival makes of the held-out pictures, tuned on the development ones.

    Pictures and noise are the same for every seed, so this is done once.
    """
    data = problem.load(config)
    return {
        name: {sigma: tune(technique, data, sigma) for sigma in SIGMAS}
        for name, technique in TECHNIQUES.items()
    }


def tune(technique: Technique, data: Data, sigma: int) -> Restored:
    """What the technique makes of the pictures with the setting that suits the development ones."""
    noisy = noisy_development(data, sigma)

    def psnr(setting: float) -> float:
        found = {n: technique.denoise(p, sigma / 255, setting) for n, p in noisy.items()}
        return mean_psnr(found, data.development)

    setting = max(technique.settings, key=psnr)
    return apply(technique, data, sigma, setting=setting)


def apply(technique: Technique, data: Data, sigma: int, *, setting: float) -> Restored:
    """What the technique makes of development and held-out pictures with this setting."""
    development, test = (
        {name: technique.denoise(p, sigma / 255, setting) for name, p in noisy.items()}
        for noisy in (noisy_development(data, sigma), noisy_test(data, sigma))
    )
    return Restored(setting, mean_psnr(development, data.development), test)


def noisy_development(data: Data, sigma: int) -> dict[str, AnyPicture]:
    """The development pictures with the noise that every technique gets."""
    return problem.add_noise(data.development, sigma, seed=DEVELOPMENT_NOISE)


def noisy_test(data: Data, sigma: int) -> dict[str, AnyPicture]:
    """The held-out pictures with the noise that every technique gets."""
    return problem.add_noise(data.test, sigma, seed=TEST_NOISE)


# ---------------------------------------------------------------- scores


def mean_psnr(found: Pictures, true: Pictures) -> float:
    """The mean of the pictures' PSNR."""
    return float(np.mean([images.psnr(found[name], true[name]) for name in true]))


def mean_ssim(found: Pictures, true: Pictures) -> float:
    """The mean of the pictures' SSIM."""
    return float(np.mean([images.ssim(found[name], true[name]) for name in true]))


def score(restored: BySigma, data: Data) -> Score:
    """The mean PSNR over all sigmas, on the development and on the held-out pictures."""
    return Score(
        float(np.mean([each.development for each in restored.values()])),
        float(np.mean([mean_psnr(each.pictures, data.test) for each in restored.values()])),
    )


def score_by_sigma(found: Mapping[str, BySigma], data: Data) -> dict[str, dict[str, float]]:
    """PSNR and SSIM for each sigma (rows) by each technique (columns)."""
    return {
        f"sigma {sigma}, {metric}": {
            name: mean(each[sigma].pictures, data.test) for name, each in found.items()
        }
        for sigma in SIGMAS
        for metric, mean in {"PSNR": mean_psnr, "SSIM": mean_ssim}.items()
    }


def score_published(found: Mapping[str, BySigma], data: Data) -> dict[str, dict[str, float]]:
    """PSNR by set and sigma of the strong techniques, beside the paper's, and two SSIM."""
    table = {}
    for (of_set, sigma), published in AS_PUBLISHED.items():
        true = {name: p for name, p in data.test.items() if name.startswith(f"{of_set}/")}
        pictures = {name: each[sigma].pictures for name, each in found.items()}
        table[f"{of_set}, sigma {sigma}"] = (
            {name: mean_psnr(pictures[name], true) for name in (*BESIDE_THE_PAPER, MODEL)}
            | {f"{name} as published": value for name, value in published.items()}
            | {f"SSIM, {name}": mean_ssim(pictures[name], true) for name in ("sliding DCT", MODEL)}
        )
    return table


# ---------------------------------------------------------------- judgement


def baselines(data: Data, config: Config, *, seed: int) -> dict[str, Score]:
    """The PSNR of each rival, with the settings that suit the development pictures."""
    return {name: score(each, data) for name, each in restore_by_rivals(config).items()}


def judge(config: Config, *, seed: int, trained: Trained | None = None) -> Judgement:
    """What was `trained`, or is trained now, beside the rivals on the same noisy pictures.

    The judgement has details: every sigma, and of the published data each set beside the paper.
    """
    trained = train(config, seed=seed) if trained is None else trained
    data = trained.data
    network = restore_by_network(trained.params, data, config)
    found = {**restore_by_rivals(config), MODEL: network}
    by_source = {"offline": score_by_sigma, "real": score_published}
    return Judgement(
        metric=METRIC,
        value=score(network, data).held_out,
        baselines=baselines(data, config, seed=seed),
        training_seconds=trained.seconds,
        details=by_source[config.source](found, data),
    )
