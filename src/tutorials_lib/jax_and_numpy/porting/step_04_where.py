"""The branch becomes a value."""

import jax
import jax.numpy as jnp

from tutorials_lib.jax_and_numpy.porting.problem import HEATER, SENSOR, Grid, Plate, Scalar, Series


def draw_noise(key: jax.Array, max_steps: int) -> Series:
    """The errors of the sensor, one for each time step."""
    return jax.random.normal(key, (max_steps,))


def simulate(start: Grid, noise: Series, plate: Plate) -> tuple[Grid, Series]:
    """Heat until all is warm: the last temperatures, and the mean after every step."""
    temperature = jnp.array(start)
    means = []
    for step in range(len(noise)):
        if temperature.min() > plate.goal:
            break
        temperature = advance(temperature, noise[step], plate)
        means.append(temperature.mean())
    return temperature, jnp.array(means)


def advance(temperature: Grid, noise: Scalar, plate: Plate) -> Grid:
    """One time step."""
    center = temperature[1:-1, 1:-1]
    neighbours = temperature[:-2, 1:-1] + temperature[2:, 1:-1]
    neighbours += temperature[1:-1, :-2] + temperature[1:-1, 2:]
    change = plate.diffusion * (neighbours - 4 * center)
    temperature = temperature.at[1:-1, 1:-1].add(change)
    temperature = temperature.at[0].set(temperature[1])
    temperature = temperature.at[-1].set(temperature[-2])
    temperature = temperature.at[:, 0].set(temperature[:, 1])
    temperature = temperature.at[:, -1].set(temperature[:, -2])
    is_cold = temperature[SENSOR] + plate.sensor_noise * noise < plate.target
    return temperature.at[HEATER].add(jnp.where(is_cold, plate.heat, 0.0))
