"""How well an autoencoder knows held-out faces, beside probabilistic PCA on the same split."""

import dataclasses
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from tutorials_lib.generative.vae import in_jax, ppca, problem
from tutorials_lib.generative.vae.problem import Config, Data, Split
from tutorials_lib.judge import Judgement, Score

NUM_DRAWS = 64
"""Draws from the posterior of each face, for its likelihood."""


SHORT_EPOCH_STEPS = 15
NUM_SHORT_EPOCHS = 24
"""Of a short run; where the weight of the KL part rises, it does so in the first half of them."""


NUM_COMPONENTS = (10, 20, 40, 80, 120, 160, 240, 320, 480)
"""Numbers of dimensions among which probabilistic PCA has its best chosen."""

SAME, BEST = (f"probabilistic PCA, {how}" for how in ("as many dimensions", "best number of them"))


def best_ppca(whole: ppca.Spectrum, data: Data) -> ppca.PPCA:
    """With the number of dimensions that makes the development faces most likely."""
    rank = min(len(data.train_images) - 1, len(whole.mean))
    fits = [ppca.cut(whole, count) for count in NUM_COMPONENTS if count < rank]
    return max(fits, key=lambda fit: mean_likelihood(fit, data.development_images))


def mean_likelihood(fit: ppca.PPCA, images: problem.Images) -> float:
    """The mean log-likelihood of `images` in nats."""
    return float(ppca.log_likelihood(fit, images).mean())


def baselines(data: Data, config: Config, *, seed: int) -> dict[str, Score]:
    """Probabilistic PCA with as many dimensions as the autoencoder, and with the best number."""
    whole = ppca.spectrum(data.train_images)
    same, best = ppca.cut(whole, config.num_latents), best_ppca(whole, data)
    return {
        SAME: Score(None, mean_likelihood(same, data.test_images)),
        BEST: Score(
            mean_likelihood(best, data.development_images), mean_likelihood(best, data.test_images)
        ),
    }


def train(data: Data, key: PRNGKeyArray, config: Config) -> in_jax.Params:
    """The parameters after all epochs."""
    create_key, fit_key = jax.random.split(key)
    state = in_jax.start(in_jax.create(config, create_key), config)
    images, test_images = jnp.asarray(data.train_images), jnp.asarray(data.test_images)
    return in_jax.fit(state, images, test_images, fit_key, config)[0].params


def judge(config: Config, *, seed: int, trained: in_jax.Params | None = None) -> Judgement:
    """The log-likelihood of held-out faces, estimated, beside that of probabilistic PCA, exact.

    The estimate is too low on average.
    """
    data = problem.load(config, seed=seed)
    train_key, score_key = jax.random.split(jax.random.key(seed))
    params = train(data, train_key, config) if trained is None else trained
    return Judgement(
        metric="held-out log-likelihood (nats per face)",
        value=float(likelihoods(params, data.test_images, score_key, config).mean()),
        baselines=baselines(data, config, seed=seed),
    )


class Scores(NamedTuple):
    """What latents tell of held-out faces, and what as many components of PCA do.

    Attributes:
        error: the root mean square of what is lost of a pixel when a face is described by its
            latents (the mean of its posterior) and decoded again.
        error_of_pca: likewise, by its leading components.
        r2: how much of each known factor all latents together tell (see `problem.r2_together`).
        r2_of_pca: likewise, of the leading components.
    """

    error: float
    error_of_pca: float
    r2: Float[np.ndarray, " factors"]
    r2_of_pca: Float[np.ndarray, " factors"]


def scores(params: in_jax.Params, pca: ppca.PPCA, data: Data, config: Config) -> Scores:
    """Both models on the held-out faces of `data`."""
    splits = data.train_images, data.test_images
    factors = data.train_factors, data.test_factors
    means = [encode_means(params, images, config) for images in splits]
    coordinates = [ppca.project(pca, images) for images in splits]

    def r2(latents: list[np.ndarray]) -> Float[np.ndarray, " factors"]:
        return problem.r2_together(*map(Split, latents, factors))

    decoded = np.asarray(in_jax.decode(params, jnp.asarray(means[1]), config))
    return Scores(
        error=problem.root_mean_square(decoded - data.test_images),
        error_of_pca=problem.root_mean_square(
            ppca.reconstruct(pca, data.test_images) - data.test_images
        ),
        r2=r2(means),
        r2_of_pca=r2(coordinates),
    )


def encode_means(
    params: in_jax.Params, images: problem.Images, config: Config
) -> Float[np.ndarray, "batch latents"]:
    """The mean of the posterior of each image."""
    encode = jax.jit(in_jax.encode, static_argnames="config")
    return np.asarray(encode(params, jnp.asarray(images), config).mean)


class Traversal(NamedTuple):
    """What the decoder draws while one latent changes, and the factor it is shown for."""

    latent: int
    factor: int
    images: problem.Images


def traversals(
    params: in_jax.Params,
    latents: Float[np.ndarray, " latents"],
    alone: Float[np.ndarray, "latents factors"],
    config: Config,
) -> list[Traversal]:
    """What the decoder draws while one of `latents` goes from -2.5 to 2.5.

    At most six latents, each for another factor: of all that are left, always the latent that
    tells most of a factor (`alone`, see `problem.r2_alone`).
    """
    values = np.linspace(-2.5, 2.5, 9, dtype=np.float32)
    left, rows = alone.astype(float), []
    for _ in range(min(6, *alone.shape)):
        latent, factor = map(int, np.unravel_index(left.argmax(), left.shape))
        left[latent], left[:, factor] = -np.inf, -np.inf
        path = problem.traverse(latents, latent, values)
        images = np.asarray(in_jax.decode(params, jnp.asarray(path), config))
        rows.append(Traversal(latent, factor, images))
    return rows


def likelihoods(
    params: in_jax.Params, images: problem.Images, key: PRNGKeyArray, config: Config
) -> Float[np.ndarray, " batch"]:
    """The estimated log-likelihood of each image in nats, from `NUM_DRAWS` draws."""
    noise = jax.random.normal(key, (NUM_DRAWS, len(images), config.num_latents))
    estimate = jax.jit(partial(in_jax.log_likelihood, config=config))
    return np.asarray(estimate(params, jnp.asarray(images), noise))


class Draws(NamedTuple):
    r"""Means over the same faces in nats, one number for each draw of their latents.

    Attributes:
        kl: the KL part as the mean of $\log q(z | x) - \log p(z)$.
        bound: the evidence lower bound with the KL part in closed form ...
        weight: ... and with the KL part drawn, that is the mean log weight.
    """

    kl: Float[np.ndarray, " draws"]
    bound: Float[np.ndarray, " draws"]
    weight: Float[np.ndarray, " draws"]


def draw_bound(
    params: in_jax.Params, images: problem.Images, key: PRNGKeyArray, config: Config
) -> Draws:
    """`NUM_DRAWS` Monte-Carlo estimates of the bound and of its KL part."""

    @jax.jit
    def estimates(
        params: in_jax.Params, images: in_jax.Images, key: PRNGKeyArray
    ) -> tuple[Array, Array, Array]:
        def estimate(noise: Float[Array, "batch latents"]) -> tuple[Array, Array, Array]:
            reconstruction, kl = in_jax.elbo(params, images, noise, config)
            weights = in_jax.log_weights(params, images, noise, config)
            bound = reconstruction - kl.sum(1)
            return (reconstruction - weights).mean(), bound.mean(), weights.mean()

        noise = jax.random.normal(key, (NUM_DRAWS, len(images), config.num_latents))
        return jax.lax.map(estimate, noise)

    return Draws(*map(np.asarray, estimates(params, images, key)))


def short_runs(data: Data, key: PRNGKeyArray, config: Config) -> dict[str, in_jax.History]:
    """The first steps of training, from each start of `problem.annealing_runs`.

    An epoch has 15 steps, so that the history is a fine one. All runs take as many steps, at the
    same learning rates, and the second half of them with the whole KL part. One program serves
    all: how a run differs from the others lies in the state that it begins with.
    """
    num_train = min(config.num_train, SHORT_EPOCH_STEPS * config.batch_size)
    short = dataclasses.replace(
        config, num_train=num_train, num_epochs=NUM_SHORT_EPOCHS, anneal_share=0.5
    )
    images, test_images = jnp.asarray(data.train_images), jnp.asarray(data.test_images[:200])
    fresh = in_jax.create(config, key)
    histories = {}
    for name, run in problem.annealing_runs(short).items():
        state = in_jax.start({**fresh, "log_noise": jnp.log(run.initial_noise)}, short)
        if run.anneal_share == 0:  # the weight of the KL part is one after the last step of rising
            state = state._replace(step=jnp.full_like(state.step, short.num_anneal_steps))
        histories[name] = in_jax.fit(state, images, test_images, key, short)[1]
    return histories
