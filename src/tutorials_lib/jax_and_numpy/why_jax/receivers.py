"""One small problem carried through the four optimizations: grad, vmap, jit and devices.

Receivers have measured how far they are from a few beacons, and want to know where they are. Each
one's position is found by least squares: gradient descent on the mean squared difference between
the distances that a position would have and those that were measured. Lengths are in kilometres.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import PartitionSpec as P
from jaxtyping import Array, Float

from tutorials_lib.benchmark import median_seconds
from tutorials_lib.benchmark.agreement import relative_error
from tutorials_lib.jax_and_numpy.devices import collectives

Position = Float[Array, "2"]
Beacons = Float[Array, "beacons 2"]
Distances = Float[Array, " beacons"]
Positions = Float[Array, "receivers 2"]
AllDistances = Float[Array, "receivers beacons"]

NumpyPosition = Float[np.ndarray, "2"]
NumpyBeacons = Float[np.ndarray, "beacons 2"]
NumpyDistances = Float[np.ndarray, " beacons"]
NumpyPositions = Float[np.ndarray, "receivers 2"]
NumpyAllDistances = Float[np.ndarray, "receivers beacons"]

Misfit = Callable[[Any, Any, Any], Any]
"""`misfit`, or another way to write it."""

NUM_STEPS = 40
"""Steps of gradient descent; the step size is 1."""

SAME = 1e-5
"""How far the stages may differ in float32, relative to the largest coordinate."""


class Survey(NamedTuple):
    """What is known, and what is to be found."""

    beacons: NumpyBeacons
    distances: NumpyAllDistances
    places: NumpyPositions
    """Where the receivers are; only used to judge what is found."""


def make_survey(
    num_receivers: int, *, error: float = 0.02, dtype: type[np.floating] = np.float32
) -> Survey:
    """Receivers along a closed trail, each with its distances to five beacons around it.

    Args:
        num_receivers: how many.
        error: the standard deviation of the measured distances.
        dtype: of all arrays.
    """
    rng = np.random.default_rng(0)
    turn = rng.uniform(0, 2 * np.pi, num_receivers)
    radius = 0.5 + 0.2 * np.cos(5 * turn)
    places = radius[:, None] * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    bearing = 2 * np.pi * np.array([0.02, 0.23, 0.38, 0.61, 0.83])
    beacons = np.stack([np.cos(bearing), np.sin(bearing)], axis=1)
    exact = np.linalg.norm(places[:, None] - beacons, axis=2)
    distances = exact + error * rng.standard_normal(exact.shape)
    return Survey(beacons.astype(dtype), distances.astype(dtype), places.astype(dtype))


# ---------------------------------------------------------------- NumPy, derivative by hand


def misfit_in_numpy(
    position: NumpyPosition, beacons: NumpyBeacons, distances: NumpyDistances
) -> np.floating:
    """Half the mean squared error of the distances at `position`."""
    errors = np.sqrt(((position - beacons) ** 2).sum(axis=1)) - distances
    return (errors**2).mean() / 2


def gradient_by_hand(
    position: NumpyPosition, beacons: NumpyBeacons, distances: NumpyDistances
) -> NumpyPosition:
    """The gradient of `misfit_in_numpy`, derived on paper."""
    offsets = position - beacons
    lengths = np.sqrt((offsets**2).sum(axis=1, keepdims=True))
    return ((1 - distances[:, None] / lengths) * offsets).mean(axis=0)


def locate_in_numpy(beacons: NumpyBeacons, distances: NumpyDistances) -> NumpyPosition:
    """The position of one receiver: downhill from the middle."""
    position = beacons.mean(axis=0)
    for _ in range(NUM_STEPS):
        position = position - gradient_by_hand(position, beacons, distances)
    return position


def locate_each_in_numpy(beacons: NumpyBeacons, distances: NumpyAllDistances) -> NumpyPositions:
    """The positions of all receivers, one after the other."""
    return np.stack([locate_in_numpy(beacons, each) for each in distances])


def locate_all_in_numpy(beacons: NumpyBeacons, distances: NumpyAllDistances) -> NumpyPositions:
    """The positions of all receivers at once, which are the columns."""
    measured = np.ascontiguousarray(distances.T)
    x, y = np.repeat(beacons.mean(axis=0)[:, None], len(distances), axis=1)
    beacon_x, beacon_y = beacons.T[:, :, None]
    for _ in range(NUM_STEPS):
        across, up = x - beacon_x, y - beacon_y
        factor = across * across
        factor += up * up
        np.sqrt(factor, out=factor)
        np.divide(measured, factor, out=factor)
        np.subtract(1, factor, out=factor)
        across *= factor
        up *= factor
        x, y = x - across.mean(axis=0), y - up.mean(axis=0)
    return np.stack([x, y], axis=1)


# ---------------------------------------------------------------- JAX, one receiver


def misfit(position: Position, beacons: Beacons, distances: Distances) -> Float[Array, ""]:
    """Half the mean squared error of the distances at `position`."""
    errors = jnp.sqrt(((position - beacons) ** 2).sum(axis=1)) - distances
    return (errors**2).mean() / 2


def misfit_by_beacon(
    position: Position, beacons: Beacons, distances: Distances
) -> Float[Array, ""]:
    """The same, without an axis: the trace writes the operations out for every beacon."""
    x, y = position
    total = jnp.zeros(())
    for (beacon_x, beacon_y), distance in zip(beacons, distances, strict=True):
        total += (jnp.sqrt((x - beacon_x) ** 2 + (y - beacon_y) ** 2) - distance) ** 2
    return total / (2 * len(beacons))


def step(
    position: Position, beacons: Beacons, distances: Distances, misfit: Misfit = misfit
) -> Position:
    """One step of gradient descent."""
    return position - jax.grad(misfit)(position, beacons, distances)


def locate_step_by_step(beacons: Beacons, distances: Distances) -> Position:
    """The position of one receiver; Python goes through the steps."""
    position = beacons.mean(axis=0)
    for _ in range(NUM_STEPS):
        position = step(position, beacons, distances)
    return position


def locate(beacons: Beacons, distances: Distances, misfit: Misfit = misfit) -> Position:
    """The same, with the loop inside the program."""

    def advance(position: Position, _: None) -> tuple[Position, None]:
        return step(position, beacons, distances, misfit), None

    return jax.lax.scan(advance, beacons.mean(axis=0), length=NUM_STEPS)[0]


# ---------------------------------------------------------------- JAX, all receivers


def locate_each(beacons: Beacons, distances: AllDistances) -> Positions:
    """The positions of all receivers, one after the other, op by op."""
    return jnp.stack([locate_step_by_step(beacons, each) for each in distances])


locate_all_op_by_op = jax.vmap(locate_step_by_step, in_axes=(None, 0))
"""The positions of all receivers at once, op by op."""

locate_all = jax.jit(jax.vmap(locate, in_axes=(None, 0)))
"""The positions of all receivers at once, as one compiled program."""

locate_all_by_beacon = jax.jit(jax.vmap(partial(locate, misfit=misfit_by_beacon), (None, 0)))
"""The same with `misfit_by_beacon`: all operations run along the receivers."""


# ---------------------------------------------------------------- measuring


class Stage(NamedTuple):
    """One way to locate receivers; a loop over them is measured on the first few only."""

    run: Callable[[Any, Any], Any]
    few: int | None = None
    repeats: int = 7


STAGES = {
    "NumPy, a loop": Stage(locate_each_in_numpy, few=50),
    "NumPy, vectorized": Stage(locate_all_in_numpy),
    "JAX, grad, a loop": Stage(locate_each, few=1, repeats=3),
    "JAX, grad, vmap": Stage(locate_all_op_by_op, repeats=3),
    "JAX, grad, vmap, jit": Stage(locate_all),
    "JAX, beacons written out": Stage(locate_all_by_beacon),
}
"""The same computation, from the first program to the last."""


class Measured(NamedTuple):
    """Seconds for one receiver, and how far the result is from that of vectorized NumPy."""

    seconds: float
    difference: float


def measure_stages(survey: Survey) -> dict[str, Measured]:
    """Time every stage on the same receivers.

    Raises:
        ArithmeticError: a stage finds other positions than vectorized NumPy; nothing is timed.
    """
    expected = locate_all_in_numpy(survey.beacons, survey.distances)
    return {name: _measure(name, stage, survey, expected) for name, stage in STAGES.items()}


def _measure(name: str, stage: Stage, survey: Survey, expected: NumpyPositions) -> Measured:
    count = stage.few or len(expected)
    inputs: Any = survey.beacons, survey.distances[:count]
    if name.startswith("JAX"):
        inputs = jax.device_put(inputs)
    difference = relative_error(expected[:count], stage.run(*inputs))
    if not difference <= SAME:
        raise ArithmeticError(f"{name}: the positions differ by {difference:.1e}")
    seconds = median_seconds(stage.run, *inputs, repeats=stage.repeats)
    return Measured(seconds / count, difference)


def locate_on_devices(num_receivers: int, *, repeats: int = 7) -> dict[str, Any]:
    """Spread the receivers over all devices of this process; for a process with several devices.

    `seconds` are those of the spread call, `difference` is how far its result is from that of one
    device, `devices unless spread` on how many devices it runs when nothing is said.
    """
    survey = make_survey(num_receivers)
    mesh = jax.make_mesh((jax.device_count(),), ("receivers",))
    beacons = jax.device_put(survey.beacons, jax.NamedSharding(mesh, P()))
    distances = jax.device_put(survey.distances, jax.NamedSharding(mesh, P("receivers")))
    found = locate_all(beacons, distances)
    on_one = locate_all(survey.beacons, survey.distances)
    return {
        "devices": jax.device_count(),
        "receivers on each": [shard.data.shape[0] for shard in found.addressable_shards],
        "devices unless spread": len(on_one.sharding.device_set),
        "difference": relative_error(np.asarray(on_one), np.asarray(found)),
        "communication": collectives(locate_all, beacons, distances),
        "seconds": median_seconds(locate_all, beacons, distances, repeats=repeats),
    }
