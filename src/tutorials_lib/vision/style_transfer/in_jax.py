"""Style transfer in JAX: Flax NNX networks that look, a loss, and the compiled optimization."""

from functools import partial, reduce
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jax import lax
from jaxtyping import Array, Float

from tutorials_lib import pure
from tutorials_lib.pretrained.squeezenet.in_jax import SqueezeNet
from tutorials_lib.vision.style_transfer.problem import (
    EPSILON,
    Config,
    Params,
    halving,
)

Picture = Float[Array, "height width 3"]
Map = Float[Array, "rows columns features"]
Kernel = Float[Array, "_ _ channels features"]
Gram = Float[Array, "features features"]
TRAINED_STYLE_LAYERS = (0, 1, 3, 5, 7)
"""The first convolution of SqueezeNet and its modules fire2, fire4, fire6 and fire8."""

TRAINED_CONTENT_LAYER = 4
"""The module fire5."""

TRAINED_MARGIN = 8
"""Pixels of mirror image around a picture, so that SqueezeNet sees its border, too."""

_NHWC = ("NHWC", "HWIO", "NHWC")

Scalar = float | np.floating | Float[np.ndarray, ""] | Float[Array, ""]


class Maps(NamedTuple):
    """What the network sees in a picture.

    Attributes:
        style: the maps that are compared by their Gram matrices.
        content: the maps that are compared pixel by pixel.
    """

    style: tuple[Map, ...]
    content: tuple[Map, ...]


class Targets(NamedTuple):
    """What the result should have in common with each of the two pictures.

    Attributes:
        grams: the Gram matrices of the style.
        distances: how far the photograph's are from them, squared; the unit of the style loss.
        content: the maps of the photograph.
    """

    grams: tuple[Float[Array, "_ _"], ...]
    distances: tuple[Scalar, ...]
    content: tuple[Float[Array, "_ _ _"], ...]


class Losses(NamedTuple):
    """The three things that are weighed against each other; the first two are relative."""

    content: Scalar
    style: Scalar
    roughness: Scalar


class State(NamedTuple):
    """All that an optimization step changes."""

    picture: Picture
    opt_state: optax.OptState


# ---------------------------------------------------------------- the network


class RandomFilters(nnx.Module):
    """Random waves of every direction, at several scales; and the colours."""

    def __init__(self, config: Config, *, rngs: nnx.Rngs) -> None:
        size = config.kernel_size
        self.config = config
        self.scales = nnx.List(
            nnx.Conv(
                3,
                config.num_filters,
                kernel_size=(size, size),
                padding="VALID",
                use_bias=False,
                conv_general_dilated=lambda lhs, rhs, *_, **__: convolve(lhs, rhs),
                rngs=rngs,
            )
            for _ in range(config.num_scales)
        )

    def __call__(self, picture: Picture) -> Maps:
        """The patterns of every scale, and the colours of one."""
        config = self.config
        pyramid = [picture]
        for _ in range(1, config.num_scales):
            pyramid.append(halve(pyramid[-1]))
        margin = config.kernel_size // 2
        patterns = tuple(
            nnx.relu(scale(mirror(each, margin)[None])[0])
            for each, scale in zip(pyramid, self.scales, strict=True)
        )
        colors = with_constant(pyramid[config.color_scale])
        return Maps((*patterns, colors), patterns[config.content_scale :])


@jax.custom_vjp
def convolve(
    x: Float[Array, "batch height width channels"], kernel: Kernel
) -> Float[Array, "batch rows columns features"]:
    """Cross-correlate with `kernel` wherever it fits into the picture.

    The gradient with respect to `x` is a convolution from many features to three colours, for
    which XLA has no fast code on a CPU: its matrix products have three columns. Here a single
    product computes what every weight of the kernel sends back, and shifted copies are added up.
    """
    return lax.conv_general_dilated(x, kernel, (1, 1), "VALID", dimension_numbers=_NHWC)


def _convolve_forward(x: Array, kernel: Kernel) -> tuple[Array, tuple[Array, Kernel]]:
    return convolve(x, kernel), (x, kernel)


def _convolve_backward(residuals: tuple[Array, Kernel], dy: Array) -> tuple[Array, Kernel]:
    x, kernel = residuals
    (batch, height, width, channels), (rows, columns, _, features) = x.shape, kernel.shape
    spread = kernel.reshape(-1, features) @ dy.reshape(-1, features).T
    # spread[(a, b, c), (n, i, j)] -> spread[a, b, c, n, i, j], with zeros around i and j
    spread = spread.reshape(rows, columns, channels, batch, *dy.shape[1:3])
    around = [(rows - 1, rows - 1), (columns - 1, columns - 1)]
    spread = jnp.pad(spread, [(0, 0)] * 4 + around)
    shifted = (
        spread[a, b, ..., rows - 1 - a :, columns - 1 - b :][..., :height, :width]
        for a, b in np.ndindex(rows, columns)
    )
    dx = reduce(jnp.add, shifted).transpose(1, 2, 3, 0)
    _, kernel_vjp = jax.vjp(
        lambda kernel: lax.conv_general_dilated(
            x, kernel, (1, 1), "VALID", dimension_numbers=_NHWC
        ),
        kernel,
    )
    return dx, *kernel_vjp(dy)


convolve.defvjp(_convolve_forward, _convolve_backward)


class TrainedFilters(nnx.Module):
    """SqueezeNet, whose filters have learned to recognize a thousand kinds of things."""

    def __init__(self, *, rngs: nnx.Rngs) -> None:
        self.network = SqueezeNet(rngs=rngs)

    def __call__(self, picture: Picture) -> Maps:
        """The maps of five layers as style; of one in the middle, as content."""
        maps = self.network(mirror(picture, TRAINED_MARGIN)[None])
        return Maps(
            tuple(maps[i][0] for i in TRAINED_STYLE_LAYERS), (maps[TRAINED_CONTENT_LAYER][0],)
        )


def mirror(picture: Picture, margin: int) -> Float[Array, "rows columns 3"]:
    """The picture continued beyond its border by its mirror image, without the border itself."""
    return jnp.pad(picture, ((margin, margin), (margin, margin), (0, 0)), mode="reflect")


def halve(picture: Picture) -> Float[Array, "height//2 width//2 3"]:
    """Blur, and keep every other pixel in both directions."""
    down, across = (halving(size).astype(picture.dtype) for size in picture.shape[:2])
    return jnp.einsum("ih,hwc,jw->ijc", down, picture, across)


def with_constant(picture: Picture) -> Float[Array, "height width 4"]:
    """Red, green and blue around zero, and a constant, whose products are the mean colours."""
    return jnp.pad(picture - 0.5, ((0, 0), (0, 0), (0, 1)), constant_values=0.5)


def describe(params: Params, picture: Picture, config: Config) -> Maps:
    """What the network of `config` sees."""
    offline = config.source == "offline"
    graphdef = pure.graph(RandomFilters, config) if offline else pure.graph(TrainedFilters)
    return pure.assemble(graphdef, params)(picture)


# ---------------------------------------------------------------- the loss


def gram(features: Map) -> Gram:
    r"""The Gram matrix $G_{kl} = \frac{1}{n} \sum_i F_{ik} F_{il}$ over all $n$ pixels.

    It says which patterns occur together, and no longer where (Gatys et al. 2016, equation 3).
    """
    rows = features.reshape(-1, features.shape[-1])
    return rows.T @ rows / len(rows)


def squared_distance(x: Float[Array, "*shape"], target: Float[Array, "*shape"]) -> Float[Array, ""]:
    """The sum of squared differences."""
    return jnp.sum((x - target) ** 2)


def roughness(picture: Picture) -> Float[Array, ""]:
    """The mean squared difference of neighbours, downwards and across."""
    down, across = jnp.diff(picture, axis=0), jnp.diff(picture, axis=1)
    return jnp.mean(down**2) + jnp.mean(across**2)


@partial(jax.jit, static_argnames="config")
def make_targets(params: Params, content: Picture, style: Picture, config: Config) -> Targets:
    """What the result should have in common with each of the two pictures."""
    seen = describe(params, content, config)
    grams = tuple(map(gram, describe(params, style, config).style))
    distances = tuple(map(squared_distance, map(gram, seen.style), grams))
    return Targets(grams, distances, seen.content)


def loss(
    params: Params, picture: Picture, targets: Targets, style_weight: Scalar, config: Config
) -> tuple[Scalar, Losses]:
    """Content, plus style and roughness by their weights; also the three of them."""
    maps = describe(params, picture, config)
    contents = [
        squared_distance(features, target) / (jnp.sum(target**2) + EPSILON)
        for features, target in zip(maps.content, targets.content, strict=True)
    ]
    styles = [
        squared_distance(gram(features), target) / (distance + EPSILON)
        for features, target, distance in zip(
            maps.style, targets.grams, targets.distances, strict=True
        )
    ]
    losses = Losses(
        content=sum(contents) / len(contents),
        style=sum(styles) / len(styles),
        roughness=roughness(picture),
    )
    return total(losses, style_weight, config), losses


def loss_and_grad(
    params: Params, picture: Picture, targets: Targets, style_weight: Scalar, config: Config
) -> tuple[Scalar, Losses, Picture]:
    """The loss, its three parts, and the gradient with respect to every pixel."""
    value_and_grad = jax.value_and_grad(partial(loss, config=config), argnums=1, has_aux=True)
    (value, losses), dpicture = value_and_grad(params, picture, targets, style_weight)
    return value, losses, dpicture


def total(losses: Losses, style_weight: Scalar, config: Config) -> Scalar:
    """The sum that is minimised."""
    return losses.content + style_weight * losses.style + config.smoothness * losses.roughness


# ---------------------------------------------------------------- the optimization


def optimizer(config: Config) -> optax.GradientTransformation:
    """Adam, on pixels instead of weights."""
    return optax.adam(learning_rate=config.learning_rate)


def start(picture: Picture) -> State:
    """The state before the first step; Adam's does not depend on its settings."""
    return State(picture, optax.adam(learning_rate=1.0).init(picture))


def step(
    params: Params, state: State, targets: Targets, style_weight: Scalar, config: Config
) -> tuple[State, Losses]:
    """One step of Adam on the pixels, which stay possible; also the losses before it."""
    _, losses, dpicture = loss_and_grad(params, state.picture, targets, style_weight, config)
    updates, opt_state = optimizer(config).update(dpicture, state.opt_state)
    picture = jnp.clip(optax.apply_updates(state.picture, updates), 0, 1)
    return State(picture, opt_state), losses


def fit(
    params: Params, state: State, targets: Targets, style_weight: Scalar, config: Config
) -> tuple[State, Losses]:
    """The state after `config.num_steps` further steps, and the losses before each."""

    def body(state: State, _: None) -> tuple[State, Losses]:
        return step(params, state, targets, style_weight, config)

    return jax.lax.scan(body, state, length=config.num_steps)


def follow(
    params: Params, state: State, targets: Targets, style_weight: Scalar, config: Config
) -> Float[Array, "steps height width 3"]:
    """The picture before each of `config.num_steps` steps, and after the last."""

    def body(state: State, _: None) -> tuple[State, Picture]:
        return step(params, state, targets, style_weight, config)[0], state.picture

    state, pictures = jax.lax.scan(body, state, length=config.num_steps)
    return jnp.concatenate([pictures, state.picture[None]])


def start_lbfgs(picture: Picture) -> State:
    """The state of L-BFGS before the first step."""
    return State(picture, lbfgs().init(picture))


def lbfgs() -> optax.GradientTransformationExtraArgs:
    """L-BFGS, which remembers ten steps; a line search finds how far to go along each."""
    return optax.lbfgs(memory_size=10)


def lbfgs_step(
    params: Params, state: State, targets: Targets, style_weight: Scalar, config: Config
) -> State:
    """One step of L-BFGS on the pixels (Liu and Nocedal 1989).

    The line search evaluates the loss and its gradient as often as it needs, and leaves the last
    evaluation in the state, where the next step finds it.
    """

    def value_of(picture: Picture) -> Scalar:
        return loss(params, picture, targets, style_weight, config)[0]

    picture, opt_state = state
    value, gradient = optax.value_and_grad_from_state(value_of)(picture, state=opt_state)
    updates, opt_state = lbfgs().update(
        gradient, opt_state, picture, value=value, grad=gradient, value_fn=value_of
    )
    return State(optax.apply_updates(picture, updates), opt_state)


@partial(jax.jit, static_argnames=("config", "method", "num_steps"))
def run_steps(
    params: Params,
    state: State,
    targets: Targets,
    style_weight: Scalar,
    config: Config,
    method: str,
    num_steps: int,
) -> tuple[State, Scalar]:
    """Some steps of `adam` or `lbfgs` in one dispatch, and the loss after them."""

    def body(state: State, _: None) -> tuple[State, None]:
        if method == "lbfgs":
            return lbfgs_step(params, state, targets, style_weight, config), None
        return step(params, state, targets, style_weight, config)[0], None

    state, _ = jax.lax.scan(body, state, length=num_steps)
    return state, loss(params, state.picture, targets, style_weight, config)[0]
