"""One small network trained in four ways, and what each costs.

By hand in NumPy, in both idioms of Flax NNX, and with the loop inside the compiled program.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax
from flax import nnx
from jaxtyping import Array, Float, Int
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from tutorials_lib import figures
from tutorials_lib.benchmark import AgreementError, median_seconds, median_seconds_at_best
from tutorials_lib.layers import in_numpy as layers
from tutorials_lib.layers.linear.in_numpy import linear
from tutorials_lib.optimizers import adam_start, adam_update

Params = dict[Any, Any]
"""`{"hidden": {"kernel", "bias"}, "second": ..., "output": ...}`"""

State = tuple[Params, optax.OptState]
"""The parameters, and what the optimizer remembers."""

LAYERS = ("hidden", "second", "output")
LEARNING_RATE = 1e-2

Points = Float[Array, "batch 2"]
Labels = Int[Array, " batch"]


def spirals(
    num_points: int, *, seed: int
) -> tuple[Float[np.ndarray, "batch 2"], Int[np.ndarray, " batch"]]:
    """Points on two interleaved spirals, with noise, and which of the two they belong to."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, num_points)
    distance = np.sqrt(rng.uniform(0.02, 1, num_points))
    angle = 9 * distance + np.pi * labels
    points = distance[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    points += 0.02 * rng.standard_normal(points.shape)
    return points.astype(np.float32), labels.astype(np.int32)


class Network(nnx.Module):
    """Two hidden layers between two coordinates and two classes.

    Args:
        width: the units of a hidden layer.
        rngs: the keys of the first parameters.
        dtype: what the layers compute in (default: the type of what they are given).
    """

    def __init__(self, width: int, *, rngs: nnx.Rngs, dtype: Any = None) -> None:
        self.hidden = nnx.Linear(2, width, rngs=rngs, dtype=dtype)
        self.second = nnx.Linear(width, width, rngs=rngs, dtype=dtype)
        self.output = nnx.Linear(width, 2, rngs=rngs, dtype=dtype)

    def __call__(self, points: Points) -> Float[Array, "batch classes"]:
        """The logits of both classes."""
        x = nnx.relu(self.hidden(points))
        return self.output(nnx.relu(self.second(x)))


def loss_of(network: Network, points: Points, labels: Labels) -> Float[Array, ""]:
    """The mean cross-entropy, in 32 bits at least."""
    logits = network(points)
    logits = logits.astype(jnp.promote_types(logits.dtype, jnp.float32))
    return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()


# ---------------------------------------------------------------- objects that change


@nnx.jit
def step_in_place(
    network: Network, optimizer: nnx.Optimizer, points: Points, labels: Labels
) -> Float[Array, ""]:
    """Change the network and the optimizer; return the loss before."""
    value, grads = nnx.value_and_grad(loss_of)(network, points, labels)
    optimizer.update(network, grads)
    return value


def train_in_place(
    network: Network, points: Points, labels: Labels, num_steps: int
) -> tuple[Network, Float[Array, " steps"]]:
    """Train a copy of `network`, one call a step."""
    network = nnx.clone(network)
    optimizer = nnx.Optimizer(network, optax.adam(learning_rate=LEARNING_RATE), wrt=nnx.Param)
    losses = [step_in_place(network, optimizer, points, labels) for _ in range(num_steps)]
    return network, jnp.stack(losses)


# ---------------------------------------------------------------- values that are passed on


adam = optax.adam(learning_rate=LEARNING_RATE)


@partial(jax.jit, static_argnames="graphdef")
def step(
    graphdef: nnx.GraphDef[Network], state: State, points: Points, labels: Labels
) -> tuple[State, Float[Array, ""]]:
    """The parameters and Adam's averages after one step, and the loss before."""

    def loss(params: Params) -> Float[Array, ""]:
        return loss_of(nnx.merge(graphdef, params, copy=True), points, labels)

    params, averages = state
    value, grads = jax.value_and_grad(loss)(params)
    updates, averages = adam.update(grads, averages)
    return (optax.apply_updates(params, updates), averages), value


@partial(jax.jit, static_argnames=("graphdef", "num_steps"))
def train(
    graphdef: nnx.GraphDef[Network], params: Params, points: Points, labels: Labels, num_steps: int
) -> tuple[Params, Float[Array, " steps"]]:
    """Train from `params`; all steps are one program."""
    start = params, adam.init(params)
    (params, _), losses = jax.lax.scan(
        lambda state, _: step(graphdef, state, points, labels), start, length=num_steps
    )
    return params, losses


def train_in_calls(
    graphdef: nnx.GraphDef[Network], params: Params, points: Points, labels: Labels, num_steps: int
) -> tuple[Params, Float[Array, " steps"]]:
    """Train from `params`, one call a step."""
    state, losses = (params, adam.init(params)), []
    for _ in range(num_steps):
        state, value = step(graphdef, state, points, labels)
        losses.append(value)
    return state[0], jnp.stack(losses)


# ---------------------------------------------------------------- in two precisions

PRECISIONS = {
    "float32 throughout": ("float32", "float32"),
    "products in bfloat16": ("bfloat16", "float32"),
    "bfloat16 throughout": ("bfloat16", "bfloat16"),
}
"""The types of the arithmetic and of the parameters that `train_in_precisions` compares."""


def train_in_precisions(
    width: int, points: Points, labels: Labels, num_steps: int
) -> dict[str, tuple[Network, Float[Array, " steps"]]]:
    """Train from the same parameters in each of `PRECISIONS`: the network, and its losses."""
    trained = {}
    for name, (dtype, param_dtype) in PRECISIONS.items():
        network = Network(width, rngs=nnx.Rngs(0), dtype=jnp.dtype(dtype))
        graphdef, state = nnx.split(network, nnx.Param)
        start = jax.tree.map(lambda p, t=param_dtype: p.astype(t), nnx.to_pure_dict(state))
        params, losses = train(graphdef, start, points, labels, num_steps)
        trained[name] = nnx.merge(graphdef, params), losses
    return trained


# ---------------------------------------------------------------- by hand


def loss_and_grads_in_numpy(
    params: Params, points: Float[np.ndarray, "batch 2"], labels: Int[np.ndarray, " batch"]
) -> tuple[np.floating, Params]:
    """The loss, and its gradient: the forward pass, read in reverse."""
    x, vjps = points, {}
    for name in LAYERS[:-1]:
        x, dense_vjp = linear(x, **params[name])
        x, relu_vjp = layers.relu(x)
        vjps[name] = dense_vjp, relu_vjp
    logits, output_vjp = linear(x, **params[LAYERS[-1]])
    value, loss_vjp = layers.softmax_cross_entropy(logits, labels)

    grads = {}
    dx, grads[LAYERS[-1]] = output_vjp(loss_vjp(1.0))
    for name, (dense_vjp, relu_vjp) in reversed(vjps.items()):
        dx, grads[name] = dense_vjp(relu_vjp(dx))
    return value, grads


def train_in_numpy(
    params: Params,
    points: Float[np.ndarray, "batch 2"],
    labels: Int[np.ndarray, " batch"],
    num_steps: int,
) -> tuple[Params, Float[np.ndarray, " steps"]]:
    """Train from `params`."""
    state, losses = adam_start(params), np.empty(num_steps, points.dtype)
    for step in range(num_steps):
        losses[step], grads = loss_and_grads_in_numpy(params, points, labels)
        params, state = adam_update(params, grads, state, learning_rate=LEARNING_RATE)
    return params, losses


# ---------------------------------------------------------------- what a step costs

LOOPS = (
    "NumPy",
    "nnx.jit, one call a step",
    "jax.jit, one call a step",
    "jax.jit, scan over steps",
)
"""The loops that `seconds_per_step` times."""


def seconds_per_step(
    *, width: int = 32, num_steps: int = 100, repeats: int = 5
) -> dict[str, float]:
    """Median seconds of one training step, by loop; compilation is left out.

    All loops start from the same parameters and see the same points. NumPy gets the number of
    threads that serves it best.

    Raises:
        AgreementError: the loops do not see the same losses.
    """
    points, labels = spirals(600, seed=0)
    network = Network(width, rngs=nnx.Rngs(0))
    graphdef, state = nnx.split(network, nnx.Param)
    params, batch = nnx.to_pure_dict(state), (jnp.asarray(points), jnp.asarray(labels))
    in_numpy = partial(train_in_numpy, jax.tree.map(np.asarray, params), points, labels, num_steps)
    in_jax = (
        partial(train_in_place, network, *batch, num_steps),
        partial(train_in_calls, graphdef, params, *batch, num_steps),
        partial(train, graphdef, params, *batch, num_steps),
    )
    if not np.allclose([loop()[1] for loop in in_jax], in_numpy()[1], rtol=1e-2):
        raise AgreementError("the loops see different losses")
    seconds = [
        median_seconds_at_best(in_numpy, repeats=repeats),
        *(median_seconds(loop, repeats=repeats) for loop in in_jax),
    ]
    return dict(zip(LOOPS, np.divide(seconds, num_steps).tolist(), strict=True))


# ---------------------------------------------------------------- pictures


def draw_regions(network: Network, points: np.ndarray, labels: np.ndarray) -> Figure:
    """What the network says everywhere, and the points with their classes."""
    ticks = np.linspace(-1.15, 1.15, 150, dtype=np.float32)
    grid = np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)
    said = np.asarray(network(jnp.asarray(grid)).argmax(-1)).reshape(len(ticks), -1)
    colors = ListedColormap(figures.CYCLE[:2])
    figure, axes = plt.subplots(figsize=(4.2, 4.2))
    axes.pcolormesh(ticks, ticks, said, cmap=colors, alpha=0.25, linewidth=0, rasterized=True)
    axes.scatter(*points.T, c=labels, cmap=colors, s=6, linewidths=0)
    axes.set_aspect("equal")
    axes.set_axis_off()
    return figure
