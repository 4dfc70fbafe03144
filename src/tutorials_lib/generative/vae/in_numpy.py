"""The variational autoencoder in NumPy, with gradients by hand.

Parameters are the nested dicts that the Flax model has.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from tutorials_lib import schedules
from tutorials_lib.generative.vae.problem import (
    Config,
    Images,
    Latents,
    kl_weights,
    learning_rates,
)
from tutorials_lib.layers.mlp.in_numpy import mlp
from tutorials_lib.optimizers import AdamState, adam_start, adam_update

Params = dict[Any, Any]
"""`{"encoder": {"layers": {i: {"kernel", "bias"}}}, "decoder": {...}, "log_noise"}`"""

PerImage = Float[np.ndarray, " batch"]
Noise = Float[np.ndarray, "samples batch latents"]
Weight = float | Float[np.ndarray, ""]


class Posterior(NamedTuple):
    """The normal distribution over latents that a face is described by, dimension by dimension."""

    mean: Latents
    log_variance: Latents


class Elbo(NamedTuple):
    """The two parts of the evidence lower bound, in nats; the bound is their difference."""

    reconstruction: PerImage
    kl: Latents


class State(NamedTuple):
    """All that a training step changes."""

    params: Params
    opt_state: AdamState
    step: np.int32


# ---------------------------------------------------------------- the model


def encode(params: Params, images: Images, config: Config) -> Posterior:
    """The approximate posterior $q(z | x)$ of each image."""
    return _encode(params, images)[0]


def _encode(params: Params, images: Images) -> tuple[Posterior, Callable[..., Any]]:
    outputs, vjp = mlp(params["encoder"], images - 0.5, input_gradient=False)
    return Posterior(*np.split(outputs, 2, axis=1)), vjp


def decode(params: Params, latents: Latents, config: Config) -> Images:
    """The mean of $p(x | z)$: a picture for each row of latents, its pixels between 0 and 1."""
    return _decode(params, latents)[0]


def _decode(
    params: Params, latents: Latents
) -> tuple[Images, Callable[[Images], tuple[Latents | None, Params]]]:
    images, mlp_vjp = mlp(params["decoder"], latents)
    images *= 0.5  # the logistic function, as a hyperbolic tangent that cannot overflow
    np.tanh(images, out=images)
    images *= 0.5
    images += 0.5

    def vjp(dimages: Images) -> tuple[Latents | None, Params]:
        dlogits = 1 - images
        dlogits *= images
        dlogits *= dimages
        return mlp_vjp(dlogits)

    return images, vjp


def reparameterize(posterior: Posterior, noise: Latents) -> Latents:
    r"""Latents from the posterior: $z = \mu + \sigma \epsilon$, with standard normal noise."""
    return posterior.mean + np.exp(0.5 * posterior.log_variance) * noise


def log_density(params: Params, images: Images, means: Images) -> PerImage:
    r"""$\log p(x | z)$ in nats: independent normal pixels around `means`, with one variance."""
    error = images - means
    return _log_density(params, np.einsum("bp,bp->b", error, error), images.shape[1])


def _log_density(params: Params, squared_error: Any, num_pixels: int) -> Any:
    log_noise = params["log_noise"]
    constant = num_pixels * (log_noise + 0.5 * math.log(2 * math.pi))
    return -0.5 * np.exp(-2 * log_noise) * squared_error - constant


def kl_divergence(posterior: Posterior) -> Latents:
    r"""How far the posterior is from the standard normal prior, in nats, for each dimension.

    $\tfrac12 (\mu^2 + \sigma^2 - \log \sigma^2 - 1)$ (Kingma and Welling 2014, appendix B).
    """
    mean, log_variance = posterior
    return 0.5 * (mean**2 + np.exp(log_variance) - log_variance - 1)


def elbo(params: Params, images: Images, noise: Latents, config: Config) -> Elbo:
    """Both parts of the evidence lower bound of each image, at one draw of the latents."""
    posterior = encode(params, images, config)
    means = decode(params, reparameterize(posterior, noise), config)
    return Elbo(log_density(params, images, means), kl_divergence(posterior))


def log_weights(params: Params, images: Images, noise: Latents, config: Config) -> PerImage:
    r"""$\log p(x | z) + \log p(z) - \log q(z | x)$ in nats, at one draw $z$ of the posterior."""
    posterior = encode(params, images, config)
    latents = reparameterize(posterior, noise)
    ratio = 0.5 * (noise**2 + posterior.log_variance - latents**2).sum(1)
    return log_density(params, images, decode(params, latents, config)) + ratio


def log_likelihood(params: Params, images: Images, noise: Noise, config: Config) -> PerImage:
    r"""An estimate of $\log p(x)$ in nats that is too low on average, and less so with more draws.

    $\log \tfrac1S \sum_s p(x, z_s) / q(z_s | x)$ (Burda et al. 2016, equation 8).
    """
    total = np.full(len(images), -np.inf, images.dtype)
    for each in noise:
        np.logaddexp(total, log_weights(params, images, each, config), out=total)
    return total - math.log(len(noise))


def sample(params: Params, noise: Latents, config: Config) -> Images:
    """New faces: latents drawn from the prior, decoded."""
    return decode(params, noise, config)


# ---------------------------------------------------------------- training


def loss(
    params: Params, images: Images, noise: Latents, kl_weight: Weight, config: Config
) -> np.floating:
    """The mean of the negative evidence lower bound, its KL part times `kl_weight`."""
    return loss_and_grads(params, images, noise, kl_weight, config)[0]


def loss_and_grads(
    params: Params, images: Images, noise: Latents, kl_weight: Weight, config: Config
) -> tuple[np.floating, Params]:
    """The loss, and the gradients of all parameters."""
    batch, num_pixels = images.shape
    posterior, encoder_vjp = _encode(params, images)
    spread = np.exp(0.5 * posterior.log_variance) * noise
    means, decoder_vjp = _decode(params, posterior.mean + spread)
    error = means - images
    mean_square = np.vdot(error, error) / batch
    kl = kl_divergence(posterior).sum() / batch
    value = kl_weight * kl - _log_density(params, mean_square, num_pixels)

    precision = np.exp(-2 * params["log_noise"])
    error *= precision / batch
    dlatents, decoder_grads = decoder_vjp(error)
    pull = kl_weight / batch  # of the prior
    dmean = dlatents + pull * posterior.mean
    dlog_variance = 0.5 * (dlatents * spread + pull * np.expm1(posterior.log_variance))
    _, encoder_grads = encoder_vjp(np.concatenate([dmean, dlog_variance], axis=1))
    dlog_noise = num_pixels - precision * mean_square
    return value, {"encoder": encoder_grads, "decoder": decoder_grads, "log_noise": dlog_noise}


def start(params: Params, config: Config) -> State:
    """The state before the first step."""
    return State(params, adam_start(params), np.int32(0))


def train_step(
    state: State, images: Images, noise: Latents, config: Config
) -> tuple[State, np.floating]:
    """One step of Adam; also the loss before it."""
    weight = float(schedules.at(kl_weights(config), state.step))
    value, grads = loss_and_grads(state.params, images, noise, weight, config)
    rate = schedules.at(learning_rates(config), state.opt_state.steps)
    params, opt_state = adam_update(state.params, grads, state.opt_state, learning_rate=rate)
    return State(params, opt_state, state.step + 1), value


def train_steps(
    state: State,
    images: Float[np.ndarray, "steps batch pixels"],
    noise: Float[np.ndarray, "steps batch latents"],
    config: Config,
) -> tuple[State, Float[np.ndarray, " steps"]]:
    """One step for each batch in turn; also the loss before each."""
    losses = np.empty(len(images), images.dtype)
    for step, (batch, batch_noise) in enumerate(zip(images, noise, strict=True)):
        state, losses[step] = train_step(state, batch, batch_noise, config)
    return state, losses
