"""The variational autoencoder in JAX: a Flax NNX model, its loss, and the compiled training."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jaxtyping import Array, Float, Int, Key, PRNGKeyArray

from tutorials_lib import pure, training
from tutorials_lib.generative.vae.problem import NUM_PIXELS, Config, kl_weights, learning_rates
from tutorials_lib.layers.mlp.in_jax import MLP

Params = dict[Any, Any]
Images = Float[Array, "batch pixels"]
Latents = Float[Array, "batch latents"]
PerImage = Float[Array, " batch"]
Noise = Float[Array, "samples batch latents"]
Loss = Callable[[Params, Images, Latents, Float[Array, ""]], Float[Array, ""]]


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
    opt_state: optax.OptState
    step: Int[Array, ""]


# ---------------------------------------------------------------- the model


class Autoencoder(nnx.Module):
    """An encoder of images, a decoder of latents, and how much pixels vary around its means."""

    def __init__(self, config: Config, *, rngs: nnx.Rngs) -> None:
        self.encoder = MLP(NUM_PIXELS, *config.hidden, 2 * config.num_latents, rngs=rngs)
        self.decoder = MLP(config.num_latents, *reversed(config.hidden), NUM_PIXELS, rngs=rngs)
        self.log_noise = nnx.Param(jnp.float32(math.log(config.initial_noise)))

    def encode(self, images: Images) -> Posterior:
        """The approximate posterior of each image."""
        return Posterior(*jnp.split(self.encoder(images - 0.5), 2, axis=1))

    def decode(self, latents: Latents) -> Images:
        """A picture for each row of latents."""
        return nnx.sigmoid(self.decoder(latents))


@partial(jax.jit, static_argnames="config")
def create(config: Config, key: PRNGKeyArray) -> Params:
    """Fresh parameters, as a nested dict of arrays."""
    return pure.arrays(Autoencoder(config, rngs=nnx.Rngs(key)))


def _model(params: Params, config: Config) -> Autoencoder:
    return pure.assemble(pure.graph(Autoencoder, config), params)


def encode(params: Params, images: Images, config: Config) -> Posterior:
    """The approximate posterior $q(z | x)$ of each image."""
    return _model(params, config).encode(images)


def decode(params: Params, latents: Latents, config: Config) -> Images:
    """The mean of $p(x | z)$: a picture for each row of latents, its pixels between 0 and 1."""
    return _model(params, config).decode(latents)


def reparameterize(posterior: Posterior, noise: Latents) -> Latents:
    r"""Latents from the posterior: $z = \mu + \sigma \epsilon$, with standard normal noise."""
    return posterior.mean + jnp.exp(0.5 * posterior.log_variance) * noise


def log_density(params: Params, images: Images, means: Images) -> PerImage:
    r"""$\log p(x | z)$ in nats: independent normal pixels around `means`, with one variance."""
    log_noise = params["log_noise"]
    squared_error = ((images - means) ** 2).sum(1)
    constant = images.shape[1] * (log_noise + 0.5 * math.log(2 * math.pi))
    return -0.5 * jnp.exp(-2 * log_noise) * squared_error - constant


def kl_divergence(posterior: Posterior) -> Latents:
    r"""How far the posterior is from the standard normal prior, in nats, for each dimension.

    $\tfrac12 (\mu^2 + \sigma^2 - \log \sigma^2 - 1)$ (Kingma and Welling 2014, appendix B).
    """
    mean, log_variance = posterior
    return 0.5 * (mean**2 + jnp.exp(log_variance) - log_variance - 1)


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
    weights = jax.lax.map(lambda each: log_weights(params, images, each, config), noise)
    return jax.nn.logsumexp(weights, axis=0) - math.log(len(noise))


def sample(params: Params, noise: Latents, config: Config) -> Images:
    """New faces: latents drawn from the prior, decoded."""
    return decode(params, noise, config)


# ---------------------------------------------------------------- training


def loss(
    params: Params, images: Images, noise: Latents, kl_weight: Float[Array, ""], config: Config
) -> Float[Array, ""]:
    """The mean of the negative evidence lower bound, its KL part times `kl_weight`."""
    reconstruction, kl = elbo(params, images, noise, config)
    return (kl_weight * kl.sum(1) - reconstruction).mean()


def loss_and_grads(
    params: Params, images: Images, noise: Latents, kl_weight: Float[Array, ""], config: Config
) -> tuple[Float[Array, ""], Params]:
    """The loss, and the gradients of all parameters."""
    return jax.value_and_grad(loss)(params, images, noise, kl_weight, config)


def optimizer(config: Config) -> optax.GradientTransformation:
    """Adam; step `count` has the learning rate at that place."""
    rates = learning_rates(config)
    return optax.adam(learning_rate=lambda count: jnp.asarray(rates)[count])  # the last one stays


def start(params: Params, config: Config) -> State:
    """The state before the first step."""
    return State(params, optimizer(config).init(params), jnp.zeros((), jnp.int32))


def gradient_step(
    loss: Loss,
    optimizer: optax.GradientTransformation,
    state: State,
    images: Images,
    noise: Latents,
    kl_weight: Float[Array, ""],
) -> tuple[State, Float[Array, ""]]:
    """One step of any optimizer on any loss; also the loss before it."""
    value, grads = jax.value_and_grad(loss)(state.params, images, noise, kl_weight)
    updates, opt_state = optimizer.update(grads, state.opt_state, state.params)
    return State(optax.apply_updates(state.params, updates), opt_state, state.step + 1), value


def train_step(
    state: State, images: Images, noise: Latents, config: Config
) -> tuple[State, Float[Array, ""]]:
    """One step of Adam; also the loss before it."""
    weight = jnp.asarray(kl_weights(config))[state.step]  # the last one from there on
    objective = partial(loss, config=config)
    return gradient_step(objective, optimizer(config), state, images, noise, weight)


def train_steps(
    state: State,
    images: Float[Array, "steps batch pixels"],
    noise: Float[Array, "steps batch latents"],
    config: Config,
) -> tuple[State, Float[Array, " steps"]]:
    """One step for each batch in turn; also the loss before each."""

    def step(state: State, batch: tuple[Images, Latents]) -> tuple[State, Float[Array, ""]]:
        return train_step(state, *batch, config)

    return jax.lax.scan(step, state, (images, noise))


class History(NamedTuple):
    """What `fit` reports after each epoch; all but the first on held-out faces.

    Attributes:
        train_loss: the mean over the epoch's steps, the KL part weighted as it was.
        elbo: the mean evidence lower bound, in nats.
        kl: its KL part, for each dimension of the latents, in nats.
        mean_variance: how much the posterior mean of each dimension varies between faces.
    """

    train_loss: Float[Array, " epochs"]
    elbo: Float[Array, " epochs"]
    kl: Float[Array, "epochs latents"]
    mean_variance: Float[Array, "epochs latents"]


@partial(jax.jit, static_argnames="config")
def fit(
    state: State,
    images: Images,
    test_images: Float[Array, "test pixels"],
    key: PRNGKeyArray,
    config: Config,
) -> tuple[State, History]:
    """Train for `config.num_epochs`.

    Every epoch visits the faces in another order, with new noise. The held-out faces are only
    looked at, for the learning curve.
    """
    shape = (config.steps_per_epoch, config.batch_size)

    def batches(key: PRNGKeyArray) -> tuple[Int[Array, "steps batch"], Key[Array, " steps"]]:
        order_key, noise_key, _ = jax.random.split(key, 3)
        order = training.shuffled(order_key, len(images), shape)
        return order, jax.random.split(noise_key, config.steps_per_epoch)

    def step(
        state: State, batch: tuple[Int[Array, " batch"], PRNGKeyArray]
    ) -> tuple[State, Float[Array, ""]]:
        chosen, noise_key = batch
        noise = jax.random.normal(noise_key, (config.batch_size, config.num_latents))
        return train_step(state, images[chosen], noise, config)

    def look(state: State, losses: Float[Array, " steps"], key: PRNGKeyArray) -> History:
        _, _, test_key = jax.random.split(key, 3)
        posterior = encode(state.params, test_images, config)
        noise = jax.random.normal(test_key, posterior.mean.shape)
        reconstruction, kl = elbo(state.params, test_images, noise, config)
        return History(
            train_loss=losses.mean(),
            elbo=(reconstruction - kl.sum(1)).mean(),
            kl=kl.mean(0),
            mean_variance=posterior.mean.var(0),
        )

    keys = jax.random.split(key, config.num_epochs)
    return training.scan_rounds(step, look, state, keys, batches)
