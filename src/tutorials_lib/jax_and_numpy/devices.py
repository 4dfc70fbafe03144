"""What runs on several devices: sharded products, data-parallel training, two processes.

The functions are called in fresh processes (`tutorials_lib.devices`), so they return what
survives JSON.
"""

from typing import Any

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
from jax.sharding import AxisType
from jax.sharding import PartitionSpec as P
from jaxtyping import Array, Float
from matplotlib.figure import Figure

from tutorials_lib import figures

Params = dict[str, Array]
Inputs = Float[Array, "batch features"]
Targets = Float[Array, "batch outputs"]

LEARNING_RATE = 0.1


def describe_devices() -> list[str]:
    """The devices of this process."""
    return [f"{device.platform}:{device.id}" for device in jax.devices()]


def layout_of_a_sharded_product(num_rows: int) -> dict[str, Any]:
    """How a table and its product with a matrix lie on the devices.

    The rows of the table are spread over all devices, the matrix is on each of them, and the
    result comes out spread like the table; `communication` is what XLA has put in between.
    """
    mesh = jax.make_mesh((jax.device_count(),), ("rows",))
    table = jnp.arange(4.0 * num_rows).reshape(num_rows, 4)
    weights = jnp.ones((4, 2))
    spread = jax.device_put(table, jax.NamedSharding(mesh, P("rows")))
    copied = jax.device_put(weights, jax.NamedSharding(mesh, P()))
    product = jax.jit(jnp.dot)(spread, copied)
    return {
        "rows by device": {
            f"{shard.device.platform}:{shard.device.id}": list(
                range(*shard.index[0].indices(num_rows))
            )
            for shard in product.addressable_shards
        },
        "equal": bool((np.asarray(product) == np.asarray(table @ weights)).all()),
        "type": str(jax.typeof(product)),
        "communication": collectives(jax.jit(jnp.dot), spread, copied),
    }


def product_of_spread_columns(num_rows: int) -> dict[str, Any]:
    """A product whose sums run along the axis that is spread, said in three ways.

    Every device holds one column of the table and the row of the matrix that belongs to it. With
    explicit axes JAX asks how the result is to be spread; `refused` is its error.
    """
    num_devices = jax.device_count()
    table = jnp.arange(1.0 * num_rows * num_devices).reshape(num_rows, num_devices)
    weights = jnp.ones((num_devices, 2))

    def spread(axis_type: AxisType) -> tuple[Array, Array, jax.NamedSharding]:
        mesh = jax.make_mesh((num_devices,), ("columns",), axis_types=(axis_type,))
        by_columns = jax.device_put(table, jax.NamedSharding(mesh, P(None, "columns")))
        by_rows = jax.device_put(weights, jax.NamedSharding(mesh, P("columns")))
        return by_columns, by_rows, jax.NamedSharding(mesh, P())

    left, right, everywhere = spread(AxisType.Explicit)
    refused = ""
    try:
        jax.jit(jnp.dot)(left, right)
    except Exception as error:  # JAX does not export the class
        refused = type(error).__name__
    told = jax.jit(lambda left, right: jnp.dot(left, right, out_sharding=everywhere))
    left_to_xla = jax.jit(jnp.dot)
    ways = {
        "explicit, told": (told, left, right),
        "auto": (left_to_xla, *spread(AxisType.Auto)[:2]),
    }
    expected = np.asarray(table @ weights)
    return {
        "refused": refused,
        "equal": [bool((np.asarray(f(*pair)) == expected).all()) for f, *pair in ways.values()],
        "communication": {name: collectives(f, *pair) for name, (f, *pair) in ways.items()},
    }


def loss(params: Params, inputs: Inputs, targets: Targets) -> Float[Array, ""]:
    """The mean squared error of a two-layer network."""
    hidden = jnp.tanh(inputs @ params["first"])
    return ((hidden @ params["second"] - targets) ** 2).mean()


def step_on_one_device(params: Params, inputs: Inputs, targets: Targets) -> Params:
    """One step of gradient descent on the whole batch."""
    grads = jax.grad(loss)(params, inputs, targets)
    return jax.tree.map(lambda p, g: p - LEARNING_RATE * g, params, grads)


def step_on_a_shard(params: Params, inputs: Inputs, targets: Targets) -> Params:
    """The same step, seen from one of the devices that share the batch.

    Each computes the gradient of its part; `psum` adds them up over the devices.
    """
    varying = jax.lax.pcast(params, "batch", to="varying")  # a gradient of this device's own
    grads = jax.grad(loss)(varying, inputs, targets)
    num_devices = jax.lax.axis_size("batch")
    mean = jax.tree.map(lambda g: jax.lax.psum(g, "batch") / num_devices, grads)
    return jax.tree.map(lambda p, g: p - LEARNING_RATE * g, params, mean)


def train_in_parallel(num_steps: int) -> dict[str, Any]:
    """Train on one device and on all, which are told what to do in three ways.

    The ways are a mesh with explicit axes, one with axes left to the compiler, and `shard_map`.
    Returns how far they differ from one device, and the communication of each.
    """
    rng = np.random.default_rng(0)
    params = {
        "first": jnp.asarray(0.3 * rng.standard_normal((8, 16)), jnp.float32),
        "second": jnp.asarray(0.3 * rng.standard_normal((16, 1)), jnp.float32),
    }
    inputs = jnp.asarray(rng.standard_normal((64, 8)), jnp.float32)
    batch = inputs, jnp.sin(inputs.sum(1, keepdims=True))
    explicit = jax.make_mesh((jax.device_count(),), ("batch",))
    automatic = jax.make_mesh((jax.device_count(),), ("batch",), axis_types=(AxisType.Auto,))

    def placed(mesh: jax.sharding.Mesh) -> tuple[Params, Any]:
        return (
            jax.device_put(params, jax.NamedSharding(mesh, P())),
            jax.device_put(batch, jax.NamedSharding(mesh, P("batch"))),
        )

    by_hand = jax.shard_map(
        step_on_a_shard, mesh=explicit, in_specs=(P(), P("batch"), P("batch")), out_specs=P()
    )
    ways = {
        "one device": (jax.jit(step_on_one_device), params, batch),
        "explicit axes": (jax.jit(step_on_one_device), *placed(explicit)),
        "automatic axes": (jax.jit(step_on_one_device), *placed(automatic)),
        "shard_map": (jax.jit(by_hand), *placed(explicit)),
    }
    trained = {
        name: _repeat(step, start, data, num_steps) for name, (step, start, data) in ways.items()
    }
    losses = {name: float(loss(each, *batch)) for name, each in trained.items()}
    return {
        "devices": jax.device_count(),
        "loss before": float(loss(params, *batch)),
        "loss": losses,
        "largest difference": {
            name: _distance(trained["one device"], each) for name, each in trained.items()
        },
        "collectives": {
            name: collectives(step, start, *data) for name, (step, start, data) in ways.items()
        },
    }


def collectives(step: Any, *arguments: Any) -> list[str]:
    """The communication that XLA has put into the compiled program."""
    program = step.lower(*arguments).compile().as_text()
    known = ("all-reduce", "all-gather", "reduce-scatter", "collective-permute", "all-to-all")
    return [name for name in known if f" {name}(" in program or f" {name}-start(" in program]


def sum_over_processes(
    coordinator_address: str, num_processes: int, process_id: int
) -> dict[str, Any]:
    """Join the other processes, and add up one number from each, on all devices of all of them."""
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    jax.distributed.initialize(coordinator_address, num_processes, process_id)
    mesh = jax.make_mesh((jax.device_count(),), ("all",))
    sharding = jax.NamedSharding(mesh, P("all"))
    # Every process fills in its own part; none holds the whole.
    numbers = jax.make_array_from_callback(
        (jax.device_count(),), sharding, lambda index: np.arange(jax.device_count())[index] + 1.0
    )
    total = jax.jit(jnp.sum, out_shardings=jax.NamedSharding(mesh, P()))(numbers)
    result = {
        "process": jax.process_index(),
        "local devices": jax.local_device_count(),
        "all devices": jax.device_count(),
        "its numbers": [float(np.asarray(shard.data)[0]) for shard in numbers.addressable_shards],
        "sum": float(total),
    }
    jax.distributed.shutdown()
    return result


def _repeat(step: Any, params: Params, batch: Any, num_steps: int) -> Params:
    for _ in range(num_steps):
        # Simulated devices have one thread each. Were a second step dispatched before the first
        # is done, its devices could take the threads that the first one's sum still waits for.
        params = jax.block_until_ready(step(params, *batch))
    return params


def _distance(one: Params, other: Params) -> float:
    return max(float(jnp.abs(np.asarray(one[n]) - np.asarray(other[n])).max()) for n in one)


def draw_rows(rows_by_device: dict[str, list[int]]) -> Figure:
    """The rows of a table, coloured by the device that holds them."""
    figure, axes = plt.subplots(figsize=(4.6, 3.2))
    for (device, rows), color in zip(rows_by_device.items(), figures.CYCLE, strict=True):
        axes.barh(rows, 1, height=0.9, color=color)
        axes.annotate(
            device, (1, float(np.mean(rows))), xytext=(8, 0), textcoords="offset points",
            va="center", color=color,
        )  # fmt: skip
    axes.invert_yaxis()
    axes.set_ylabel("row of the product")
    axes.set_xticks([])
    axes.spines.bottom.set_visible(False)
    return figure
