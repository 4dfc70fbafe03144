"""Four ways to write the same training loop over a small model, and what each step costs."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from tutorials_lib.benchmark import timed
from tutorials_lib.benchmark.comparison import Tree

LOOPS = (
    "NumPy",
    "nnx.jit, one call a step",
    "jax.jit, one call a step",
    "jax.jit, scan over steps",
)
"""The loops that `seconds_per_step` times."""

LEARNING_RATE = 0.1


class Model(nnx.Module):
    """A two-layer autoencoder, features -> hidden -> features."""

    def __init__(self, num_features: int, num_hidden: int, *, rngs: nnx.Rngs) -> None:
        self.encode = nnx.Linear(num_features, num_hidden, rngs=rngs)
        self.decode = nnx.Linear(num_hidden, num_features, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        """Reconstruct `x`."""
        return self.decode(jnp.tanh(self.encode(x)))


def seconds_per_step(*, num_steps: int = 200, repeats: int = 5) -> dict[str, float]:
    """Median seconds of one gradient step, by loop; compilation is left out.

    All loops start from the same weights, see the same batch and take the same steps of
    gradient descent; they are run in turns.

    Raises:
        ArithmeticError: when the loops do not end at the same loss.
    """
    batch = np.random.default_rng(0).standard_normal((32, 64)).astype(np.float32)
    model = Model(64, 128, rngs=nnx.Rngs(0))
    graphdef, params = nnx.split(model, nnx.Param)
    weights = jax.tree.map(np.asarray, nnx.to_pure_dict(params))
    loops = {
        LOOPS[0]: partial(_numpy_loop, weights, batch),
        LOOPS[1]: partial(_nnx_loop, model, jnp.asarray(batch)),
        LOOPS[2]: partial(_step_loop, graphdef, params, jnp.asarray(batch)),
        LOOPS[3]: partial(_scan_loop, graphdef, params, jnp.asarray(batch)),
    }
    losses = {name: float(loop(num_steps)) for name, loop in loops.items()}
    if not np.allclose(list(losses.values()), losses[LOOPS[0]], rtol=1e-3):
        raise ArithmeticError(f"the loops end at different losses: {losses}")
    seconds: dict[str, list[float]] = {name: [] for name in loops}
    for _ in range(repeats):
        for name, loop in loops.items():
            seconds[name].append(timed(loop, num_steps)[1] / num_steps)
    return {name: float(np.median(values)) for name, values in seconds.items()}


def _loss(model: Model, batch: jax.Array) -> jax.Array:
    return jnp.mean((model(batch) - batch) ** 2)


def _numpy_loop(weights: dict, batch: np.ndarray, num_steps: int) -> float:
    encode = {name: array.copy() for name, array in weights["encode"].items()}
    decode = {name: array.copy() for name, array in weights["decode"].items()}
    loss = 0.0
    for _ in range(num_steps):
        hidden = np.tanh(batch @ encode["kernel"] + encode["bias"])
        difference = hidden @ decode["kernel"] + decode["bias"] - batch
        loss = float(np.mean(difference**2))
        d_output = (2 / difference.size) * difference
        d_hidden = (d_output @ decode["kernel"].T) * (1 - hidden**2)
        decode["kernel"] -= LEARNING_RATE * (hidden.T @ d_output)
        decode["bias"] -= LEARNING_RATE * d_output.sum(0)
        encode["kernel"] -= LEARNING_RATE * (batch.T @ d_hidden)
        encode["bias"] -= LEARNING_RATE * d_hidden.sum(0)
    return loss


@nnx.jit
def _nnx_step(model: Model, optimizer: nnx.Optimizer, batch: jax.Array) -> jax.Array:
    loss, grads = nnx.value_and_grad(_loss)(model, batch)
    optimizer.update(model, grads)
    return loss


def _nnx_loop(model: Model, batch: jax.Array, num_steps: int) -> jax.Array:
    model = nnx.clone(model)
    optimizer = nnx.Optimizer(model, optax.sgd(learning_rate=LEARNING_RATE), wrt=nnx.Param)
    loss = jnp.zeros(())
    for _ in range(num_steps):
        loss = _nnx_step(model, optimizer, batch)
    return loss


def _step(graphdef: nnx.GraphDef, params: Tree, batch: jax.Array):
    def loss_of(params: Tree) -> jax.Array:
        return _loss(nnx.merge(graphdef, params, copy=True), batch)

    loss, grads = jax.value_and_grad(loss_of)(params)
    return jax.tree.map(lambda p, g: p - LEARNING_RATE * g, params, grads), loss


_jitted_step = jax.jit(_step, static_argnums=0)


def _step_loop(graphdef: nnx.GraphDef, params: Tree, batch: jax.Array, num_steps: int):
    loss = jnp.zeros(())
    for _ in range(num_steps):
        params, loss = _jitted_step(graphdef, params, batch)
    return loss


@partial(jax.jit, static_argnums=(0, 3))
def _scan_loop(graphdef: nnx.GraphDef, params: Tree, batch: jax.Array, num_steps: int):
    def body(params: Tree, _: None):
        return _step(graphdef, params, batch)

    return jax.lax.scan(body, params, length=num_steps)[1][-1]
