"""How well an autoencoder knows held-out faces, beside probabilistic PCA on the same split."""

import dataclasses
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from tutorials_lib.generative.vae import baselines, in_jax, problem
from tutorials_lib.generative.vae.problem import Config, Data, Split

NUM_DRAWS = 64
"""Draws from the posterior of each face, for its likelihood."""


SHORT_EPOCH_STEPS = 15
NUM_SHORT_EPOCHS = 12


class Scores(NamedTuple):
    """The autoencoder and PCA with as many dimensions, on the same held-out faces.

    Attributes:
        likelihood: the mean log-likelihood of a face in nats; of the autoencoder an
            importance-weighted estimate, which is too low on average ...
        likelihood_of_pca: ... of PCA the exact value.
        error: the root mean square of what is lost of a pixel when a face is described by its
            latents (the mean of its posterior) and decoded again.
        error_of_pca: likewise, by its leading components.
        r2: how much of each known factor all latents together tell (see `problem.r2_together`).
        r2_of_pca: likewise, of the leading components.
    """

    likelihood: float
    likelihood_of_pca: float
    error: float
    error_of_pca: float
    r2: Float[np.ndarray, " factors"]
    r2_of_pca: Float[np.ndarray, " factors"]


def scores(params: in_jax.Params, data: Data, key: PRNGKeyArray, config: Config) -> Scores:
    """Both models on the held-out faces of `data`; PCA is fitted to its training faces."""
    pca = baselines.fit_ppca(data.train_images, config.num_latents)
    means = [
        encode_means(params, images, config) for images in (data.train_images, data.test_images)
    ]
    coordinates = [
        baselines.project(pca, images) for images in (data.train_images, data.test_images)
    ]
    factors = data.train_factors, data.test_factors

    def r2(latents: list[np.ndarray]) -> Float[np.ndarray, " factors"]:
        return problem.r2_together(*map(Split, latents, factors))

    decoded = np.asarray(in_jax.decode(params, jnp.asarray(means[1]), config))
    return Scores(
        likelihood=float(likelihoods(params, data.test_images, key, config).mean()),
        likelihood_of_pca=float(baselines.log_likelihood(pca, data.test_images).mean()),
        error=problem.root_mean_square(decoded - data.test_images),
        error_of_pca=problem.root_mean_square(
            baselines.reconstruct(pca, data.test_images) - data.test_images
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


def traversals(
    params: in_jax.Params,
    latents: Float[np.ndarray, " latents"],
    alone: Float[np.ndarray, "latents factors"],
    config: Config,
) -> dict[int, problem.Images]:
    """What the decoder draws while one of `latents` goes from -2.5 to 2.5.

    The six latents are shown that tell most of some factor (`alone`, see `problem.r2_alone`).
    """
    values = np.linspace(-2.5, 2.5, 9, dtype=np.float32)
    rows = {}
    for latent in map(int, alone.max(1).argsort()[::-1][:6]):
        path = problem.traverse(latents, latent, values)
        rows[latent] = np.asarray(in_jax.decode(params, jnp.asarray(path), config))
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

    An epoch has 15 steps, so that the history is a fine one. One program serves all runs: how a
    run differs from the others lies in the state that it begins with.
    """
    num_train = min(config.num_train, SHORT_EPOCH_STEPS * config.batch_size)
    short = dataclasses.replace(
        config, num_train=num_train, num_epochs=NUM_SHORT_EPOCHS, anneal_share=1.0
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
