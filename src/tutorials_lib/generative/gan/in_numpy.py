"""Generate digits with a GAN, in NumPy: the same functions as `in_jax`, gradients by hand."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.special import expit

from tutorials_lib.generative.gan.problem import (
    B1,
    B2,
    GAIN,
    LABEL_SCALE,
    LEAK,
    NUM_CLASSES,
    PLAYERS,
    SIDE,
    Config,
    Images,
    Labels,
    Latents,
    Rates,
)
from tutorials_lib.layers.convolution.in_numpy import conv2d
from tutorials_lib.layers.folding.in_numpy import fold, unfold
from tutorials_lib.layers.linear.in_numpy import linear
from tutorials_lib.optimizers import AdamState, adam_start, adam_update
from tutorials_lib.trees import tree_map

Params = dict[str, Any]
"""Of one network: `{layer: {"kernel", "bias"}}`."""

Scores = Float[np.ndarray, " batch"]
FeatureMaps = Float[np.ndarray, "batch height width channels"]
Directions = dict[str, np.ndarray]


# ---------------------------------------------------------------- the networks


def normalize_pixels(x: FeatureMaps) -> tuple[FeatureMaps, Callable[[FeatureMaps], FeatureMaps]]:
    """Each pixel's channels divided by their root mean square (Karras et al. 2018)."""
    channels = x.shape[-1]
    scale = 1 / np.sqrt(np.einsum("nijc,nijc->nij", x, x) / channels + 1e-6)[..., None]
    y = x * scale

    def vjp(dy: FeatureMaps) -> FeatureMaps:
        along = np.einsum("nijc,nijc->nij", dy, y)[..., None] / channels
        return scale * (dy - y * along)

    return y, vjp


def generate(generator: Params, latents: Latents, labels: Labels, config: Config) -> Images:
    """A picture for each row of latents, of the digit that its label asks for."""
    return _generate(generator, latents, labels)[0]


def _generate(
    generator: Params, latents: Latents, labels: Labels
) -> tuple[Images, Callable[[Images], Params]]:
    batch, side = len(latents), SIDE // 4
    wish = np.zeros((batch, NUM_CLASSES), latents.dtype)
    wish[np.arange(batch), labels] = LABEL_SCALE
    x, dense_vjp = linear(np.concatenate([latents, wish], axis=1), **generator["dense"])
    cut = np.maximum(x, 0).reshape(batch, side, side, -1)
    x, norm_vjp = normalize_pixels(cut)
    x, conv1_vjp = conv2d(x, **generator["conv1"])
    cut1 = np.maximum(unfold(x), 0)
    x, norm1_vjp = normalize_pixels(cut1)
    x, conv2_vjp = conv2d(x, **generator["conv2"])
    images = expit(unfold(x))

    def vjp(dimages: Images) -> Params:
        dx, dconv2 = conv2_vjp(fold(dimages * images * (1 - images)))
        dx = fold(norm1_vjp(dx) * (cut1 > 0))
        dx, dconv1 = conv1_vjp(dx)
        dx = norm_vjp(dx) * (cut > 0)
        _, ddense = dense_vjp(dx.reshape(batch, -1))
        return {"dense": ddense, "conv1": dconv1, "conv2": dconv2}

    return images, vjp


def leaky_relu(x: FeatureMaps) -> tuple[FeatureMaps, Callable[[FeatureMaps], FeatureMaps]]:
    """Negative numbers times `LEAK`."""
    y = np.maximum(x, LEAK * x)
    positive = y > 0

    def vjp(dy: FeatureMaps) -> FeatureMaps:
        dx = dy * positive  # a product is faster here than `np.where`
        dx *= 1 - LEAK
        dx += LEAK * dy
        return dx

    return y, vjp


def batch_spread(
    x: FeatureMaps, scale: float
) -> tuple[np.floating, Callable[[float | np.floating], FeatureMaps]]:
    """`scale` times the mean standard deviation over the batch (Karras et al. 2018).

    A generator that draws the same picture again and again is told by this number alone.
    """
    centered = x - x.mean(0)
    deviation = np.sqrt(np.einsum("nijc,nijc->ijc", centered, centered) / len(x) + 1e-8)

    def vjp(dspread: float | np.floating) -> FeatureMaps:
        return centered * (dspread * scale / (x.size * deviation))

    return scale * deviation.mean(), vjp


def discriminate(weights: Params, images: Images, labels: Labels, config: Config) -> Scores:
    """How real each picture looks, as a logit; `weights` are normalized (`spectral_norm`)."""
    return _discriminate(weights, images, labels, config)[0]


class _Back(NamedTuple):
    """The way back through the discriminator: to its weights, or to the pictures."""

    to_weights: Callable[[Scores], Params]
    to_images: Callable[[Scores], Images]


def _discriminate(
    weights: Params, images: Images, labels: Labels, config: Config
) -> tuple[Scores, _Back]:
    batch = len(images)
    x, conv1_vjp = conv2d(fold(2 * images - 1), **weights["conv1"], input_gradient=False)
    x, leaky1_vjp = leaky_relu(x)
    x, conv2_vjp = conv2d(fold(x), **weights["conv2"])
    x, leaky2_vjp = leaky_relu(x)
    spread, spread_vjp = batch_spread(x, config.spread_scale)
    features = np.concatenate([x.reshape(batch, -1), np.full((batch, 1), spread, x.dtype)], axis=1)
    outputs, head_vjp = linear(features, **weights["head"])
    scores = outputs[:, 0] + outputs[np.arange(batch), 1 + labels]

    def through_head(dscores: Scores) -> tuple[FeatureMaps, Params]:
        doutputs = np.zeros_like(outputs)
        doutputs[:, 0] = doutputs[np.arange(batch), 1 + labels] = dscores
        dfeatures, dhead = head_vjp(doutputs)
        dx = dfeatures[:, :-1].reshape(x.shape) + spread_vjp(dfeatures[:, -1].sum())
        return leaky2_vjp(dx), dhead

    def to_weights(dscores: Scores) -> Params:
        dx, dhead = through_head(dscores)
        dx, dconv2 = conv2_vjp(dx)
        dx = leaky1_vjp(unfold(dx))
        _, dconv1 = conv1_vjp(dx)
        return {"conv1": dconv1, "conv2": dconv2, "head": dhead}

    def to_images(dscores: Scores) -> Images:
        dx, _ = through_head(dscores)
        dx = leaky1_vjp(unfold(_back_through_conv(dx, weights["conv2"]["kernel"])))
        return 2 * unfold(_back_through_conv(dx, weights["conv1"]["kernel"]))

    return scores, _Back(to_weights, to_images)


def _back_through_conv(
    dy: Float[np.ndarray, "batch height width features"], kernel: np.ndarray
) -> FeatureMaps:
    """The gradient of the input alone: a convolution with the kernel turned upside down."""
    return conv2d(dy, kernel[::-1, ::-1].swapaxes(2, 3))[0]


def spectral_norm(
    discriminator: Params, directions: Directions
) -> tuple[Params, Callable[[Params], Params], Directions]:
    r"""Divide the kernel of each layer by its largest singular value (Miyato et al. 2018).

    The value $\sigma = u^T W v$ comes from one step of power iteration, from the direction $v$
    of the last time, along which no gradient is taken: $\partial \sigma / \partial W = u v^T$.

    Returns:
        The parameters with normalized kernels, times `GAIN`; the way back; the new directions.
    """
    weights, found, parts = {}, {}, {}
    for name, layer in discriminator.items():
        matrix = layer["kernel"].reshape(-1, layer["kernel"].shape[-1])
        left = _unit(matrix @ directions[name])
        found[name] = right = _unit(matrix.T @ left)
        sigma = left @ matrix @ right
        weights[name] = {**layer, "kernel": layer["kernel"] * (GAIN / sigma)}
        parts[name] = matrix, left, right, sigma

    def vjp(dweights: Params) -> Params:
        grads = {}
        for name, (matrix, left, right, sigma) in parts.items():
            dkernel = dweights[name]["kernel"]
            along = np.vdot(dkernel, matrix) / sigma
            turned = dkernel.reshape(matrix.shape) - np.outer(along * left, right)
            grads[name] = {
                **dweights[name],
                "kernel": (GAIN / sigma * turned).reshape(dkernel.shape),
            }
        return grads

    return weights, vjp, found


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)


# ---------------------------------------------------------------- the losses


def softplus(x: Scores) -> Scores:
    r"""$\log(1 + e^x)$, for numbers of any size."""
    return np.logaddexp(0, x)


def discriminator_loss_and_grads(
    discriminator: Params,
    directions: Directions,
    images: Images,
    fakes: Images,
    labels: Labels,
    config: Config,
) -> tuple[np.floating, Params, Directions]:
    r"""$\log(1 + e^{-D(x)}) + \log(1 + e^{D(G(z))})$ in the mean, its gradient, new directions."""
    weights, norm_vjp, directions = spectral_norm(discriminator, directions)
    real, real_back = _discriminate(weights, images, labels, config)
    fake, fake_back = _discriminate(weights, fakes, labels, config)
    value = softplus(-real).mean() + softplus(fake).mean()

    # The slope of log(1 + exp(-s)) is -p(fake), that of log(1 + exp(s)) is p(real).
    from_real = real_back.to_weights(-expit(-real) / len(real))
    from_fake = fake_back.to_weights(expit(fake) / len(fake))
    return value, norm_vjp(tree_map(np.add, from_real, from_fake)), directions


def generator_loss_and_grads(
    generator: Params, weights: Params, latents: Latents, labels: Labels, config: Config
) -> tuple[np.floating, Params]:
    r"""The non-saturating loss $\log(1 + e^{-D(G(z))})$ in the mean, and its gradient."""
    fakes, generator_vjp = _generate(generator, latents, labels)
    scores, back = _discriminate(weights, fakes, labels, config)
    dfakes = back.to_images(-expit(-scores) / len(scores))
    return softplus(-scores).mean(), generator_vjp(dfakes)


# ---------------------------------------------------------------- training


class Player(NamedTuple):
    """A network and its optimizer."""

    params: Params
    opt_state: AdamState


class State(NamedTuple):
    """All that a training step changes.

    Attributes:
        discriminator: moves first.
        generator: moves second.
        directions: of the power iteration, one for each layer of the discriminator.
        average: of the generator's parameters; it draws the digits that are judged.
    """

    discriminator: Player
    generator: Player
    directions: Directions
    average: Params


def start(params: dict[str, Params], config: Config) -> State:
    """The state before the first step; the directions are the diagonals."""
    players = {name: Player(params[name], adam_start(params[name])) for name in PLAYERS}
    directions = {
        name: _unit(np.ones_like(p["bias"])) for name, p in params["discriminator"].items()
    }
    return State(**players, directions=directions, average=params["generator"])


def _move(player: Player, grads: Params, rates: Rates, name: str) -> Player:
    rate = rates[min(int(player.opt_state.steps), len(rates) - 1), PLAYERS.index(name)]
    return Player(
        *adam_update(player.params, grads, player.opt_state, learning_rate=rate, b1=B1, b2=B2)
    )


def train_step(
    state: State,
    images: Images,
    labels: Labels,
    latents: Float[np.ndarray, "2 batch latents"],
    rates: Rates,
    config: Config,
) -> tuple[State, Float[np.ndarray, " players"]]:
    """A step of the discriminator, then one of the generator; also the loss of each before it."""
    fakes = generate(state.generator.params, latents[0], labels, config)
    discriminator_value, grads, directions = discriminator_loss_and_grads(
        state.discriminator.params, state.directions, images, fakes, labels, config
    )
    discriminator = _move(state.discriminator, grads, rates, "discriminator")

    weights, _, directions = spectral_norm(discriminator.params, directions)
    generator_value, grads = generator_loss_and_grads(
        state.generator.params, weights, latents[1], labels, config
    )
    generator = _move(state.generator, grads, rates, "generator")

    share = 1 - config.average_decay
    average = tree_map(lambda a, p: a + share * (p - a), state.average, generator.params)
    values = np.stack([discriminator_value, generator_value])
    return State(discriminator, generator, directions, average), values


def train_steps(
    state: State,
    images: Float[np.ndarray, "train 28 28 1"],
    labels: Int[np.ndarray, " train"],
    batches: Int[np.ndarray, "steps batch"],
    latents: Float[np.ndarray, "steps 2 batch latents"],
    rates: Rates,
    config: Config,
) -> tuple[State, Float[np.ndarray, "steps players"]]:
    """One step for each batch in turn; also the losses before each."""
    values = np.empty((len(batches), len(PLAYERS)), latents.dtype)
    for step, (batch, noise) in enumerate(zip(batches, latents, strict=True)):
        state, values[step] = train_step(state, images[batch], labels[batch], noise, rates, config)
    return state, values
