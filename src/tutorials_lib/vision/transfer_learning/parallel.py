"""Data-parallel training: a batch shared out over devices, with the result of one device.

`compare` is called in a fresh process (`tutorials_lib.devices`), so it returns what survives JSON.
"""

import re
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import PartitionSpec as P
from jaxtyping import Array, Float

from tutorials_lib.runtime import RUN_ONCE
from tutorials_lib.vision.transfer_learning import in_jax, problem
from tutorials_lib.vision.transfer_learning.problem import LAYERS, TINY, Config


def train_step_on_a_shard(
    state: in_jax.State,
    images: in_jax.Images,
    labels: in_jax.Labels,
    rates: Float[Array, "counts layers"],
    config: Config,
) -> tuple[in_jax.State, Float[Array, ""]]:
    """`in_jax.train_step`, seen from one of the devices that share a batch.

    Each takes the gradient of its own pictures. The mean over the devices is the gradient of the
    whole batch, because their shares are equal; it is the only thing that they tell each other.
    """
    own = jax.lax.pcast(state.params, "batch", to="varying")  # so that its gradient is not summed
    value, grads = jax.value_and_grad(in_jax.loss)(own, images, labels, config)
    value, grads = jax.lax.pmean((value, grads), "batch")
    optimizer = in_jax.optimizer(rates, LAYERS)
    updates, opt_state = optimizer.update(grads, state.opt_state, state.params)
    return in_jax.State(optax.apply_updates(state.params, updates), opt_state), value


def compare(num_steps: int) -> dict[str, Any]:
    """Train on one device and on all of them, in 64 bits; how far are they apart?"""
    config, num_devices = TINY, jax.device_count()
    mesh = jax.make_mesh((num_devices,), ("batch",))
    alone = partial(in_jax.train_step, config=config, trained=LAYERS)
    shared = jax.shard_map(
        partial(train_step_on_a_shard, config=config),
        mesh=mesh,
        in_specs=(P(), P("batch"), P("batch"), P()),
        out_specs=P(),
    )
    with jax.enable_x64(True):
        created = in_jax.create(config, jax.random.key(0))
        params = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), created)
        one = _train(alone, jnp.asarray, params, num_steps)
        all_of_them = _train(shared, _spread_over(mesh), params, num_steps)
    return {
        "devices": num_devices,
        "pictures on each": config.batch_size // num_devices,
        "loss": [one.loss, all_of_them.loss],
        "moved": _largest_difference(params, one.params),
        "difference": _largest_difference(one.params, all_of_them.params),
        "all-reduces": len(re.findall(r" all-reduce(?:-start)?\(", all_of_them.program)),
    }


class _Result(NamedTuple):
    params: in_jax.Params
    loss: float
    program: str


def _train(train_step: Any, place: Any, params: in_jax.Params, num_steps: int) -> _Result:
    """Some steps from `params`, on batches that `place` puts where they belong."""
    pool = problem.load(TINY).train
    rng = np.random.default_rng(0)
    places = rng.integers(len(pool.labels), size=(num_steps, TINY.batch_size))
    images, labels = pool.images[places].astype(np.float64), pool.labels[places]
    rates = problem.learning_rates(problem.pretraining(TINY)).astype(np.float64)
    state, value = in_jax.start(params, LAYERS), np.nan
    lowered = jax.jit(train_step).lower(state, place(images[0]), place(labels[0]), rates)
    program = lowered.compile(compiler_options=RUN_ONCE)  # pyright: ignore[reportArgumentType]
    for batch in zip(images, labels, strict=True):
        # A second step must not start before the devices have finished the first.
        state, value = jax.block_until_ready(program(state, *map(place, batch), rates))
    return _Result(state.params, float(value), program.as_text() or "")


def _spread_over(mesh: jax.sharding.Mesh) -> Any:
    return partial(jax.device_put, device=jax.NamedSharding(mesh, P("batch")))


def _largest_difference(one: in_jax.Params, other: in_jax.Params) -> float:
    pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    return max(float(np.abs(np.asarray(a) - np.asarray(b)).max()) for a, b in pairs)
