"""The loop is compiled; what is warm stays as it is."""

import jax
import jax.numpy as jnp

from tutorials_lib.jax_and_numpy.porting.problem import HEATER, SENSOR, Grid, Plate, Scalar, Series


def draw_noise(key: jax.Array, max_steps: int) -> Series:
    """The errors of the sensor, one for each time step."""
    return jax.random.normal(key, (max_steps,))


@jax.jit
def simulate(start: Grid, noise: Series, plate: Plate) -> tuple[Grid, Series]:
    """Heat until all is warm: the last temperatures, and the mean after every step."""

    def step(temperature: Grid, noise: Scalar) -> tuple[Grid, Scalar]:
        is_warm = temperature.min() > plate.goal
        temperature = jnp.where(is_warm, temperature, advance(temperature, noise, plate))
        return temperature, jnp.where(is_warm, jnp.nan, temperature.mean())

    return jax.lax.scan(step, jnp.array(start), noise)


def advance(temperature: Grid, noise: Scalar, plate: Plate) -> Grid:
    """One time step."""
    center = temperature[1:-1, 1:-1]
    neighbours = temperature[:-2, 1:-1] + temperature[2:, 1:-1]
    neighbours += temperature[1:-1, :-2] + temperature[1:-1, 2:]
    change = plate.diffusion * (neighbours - 4 * center)
    temperature = jnp.pad(center + change, 1, mode="edge")
    is_cold = temperature[SENSOR] + plate.sensor_noise * noise < plate.target
    return temperature.at[HEATER].add(jnp.where(is_cold, plate.heat, 0.0))
